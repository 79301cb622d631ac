/* rpc_int.h - the server's inside; seen by this room only.
 *
 * The way of a request: `http` reads it (http_request.c), puts it in `jobs`; a
 * worker answers it (work.c, request.c), puts it in `done` and sets the latch;
 * `http` sends the answer. Whoever holds a request owns it.
 */
#ifndef PTD_RPC_RPC_INT_H
#define PTD_RPC_RPC_INT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/tsa.h"
#include "net/latch.h"
#include "pentad/attr.h"
#include "pentad/chan.h"
#include "rpc/allow.h"
#include "rpc/auth.h"
#include "rpc/call.h"
#include "rpc/rpc.h"
#include "rpc/table.h"
#include "sync/mutex.h"
#include "sync/thread.h"

enum {
    PTD_RPC_MAX_BODY = 0x02000000, /* bytes, as Core has it */
    PTD_RPC_MAX_HEADER = 8192,     /* request line and headers, likewise */
    PTD_RPC_MAX_CONNS = 1000,
    PTD_RPC_MAX_LISTENERS = 32
};

/* An answer. */
struct ptd_rpc_reply {
    int status;
    const char *type; /* static; NULL: none */
    char *body;       /* of malloc, or NULL */
    size_t n;
};

struct ptd_rpc_page_entry {
    const char *path;
    unsigned flags; /* of enum ptd_rpc_page_flags */
    void (*fn)(struct ptd_rpc_page *page, void *arg);
    void *arg;
};

/* What a worker needs of a request, and what it leaves. */
struct ptd_rpc_job {
    struct ptd_link link;                  /* in `done` */
    const struct ptd_rpc_page_entry *page; /* NULL: methods are called */
    char *uri;
    char *user; /* NULL if no password was asked for */
    char peer[PTD_NETADDR_TEXT];
    struct ptd_text body;
    struct ptd_rpc_reply reply;
};

/* A call under way, on its worker's stack. */
struct ptd_rpc_active {
    struct ptd_link link;
    const char *method; /* static */
    int64_t start_us;
};

struct ptd_http; /* http.c */

struct ptd_rpc {
    /* Constant once made. */
    char *program;
    char *cookie_path; /* NULL: none is written */
    char *cookie_perms;
    char *log_path;
    char **binds; /* -rpcbind that count; none: loopback */
    size_t n_binds;
    uint16_t port;
    int n_workers;
    int timeout_s;
    bool doc_check;
    void (*stop)(void *arg);
    void *stop_arg;
    int64_t start_us;
    struct ptd_rpc_allow allow;

    /* Constant once started. */
    struct ptd_rpc_auth auth;
    struct ptd_rpc_table table;
    struct ptd_rpc_page_entry *pages;
    size_t n_pages;
    size_t cap_pages;
    bool wrote_cookie;
    int listeners[PTD_RPC_MAX_LISTENERS]; /* http's own once it runs */
    struct ptd_netaddr bound[PTD_RPC_MAX_LISTENERS];
    size_t n_listeners;
    struct ptd_http *http;
    struct ptd_thread http_thread;
    struct ptd_thread *workers;

    struct ptd_chan *quit; /* closed: calls are to end */
    struct ptd_chan *jobs; /* of struct ptd_rpc_job *, as many as may wait */
    struct ptd_latch wake; /* done, interrupted, finishing */
    atomic_bool interrupted;
    atomic_bool finishing; /* no worker is left: send what there is, end */

    struct ptd_mutex mu; /* rank PTD_RANK_RPC */
    size_t n_started PTD_GUARDED_BY(mu); /* of the workers, and the spare one */
    int n_waiting PTD_GUARDED_BY(mu);    /* of them, see ptd_rpc_wait_begin() */
    bool has_spare PTD_GUARDED_BY(mu);
    bool in_warmup PTD_GUARDED_BY(mu);
    char warmup[256] PTD_GUARDED_BY(mu);
    struct ptd_link active PTD_GUARDED_BY(mu); /* of struct ptd_rpc_active */
    struct ptd_link done PTD_GUARDED_BY(mu);   /* of struct ptd_rpc_job */
};

/* ---- request.c ------------------------------------------------------------- */

/* Carry out what a body asks for. */
void ptd_rpc_answer(struct ptd_rpc *r, const struct ptd_rpc_who *who,
                    const char *body, size_t n, struct ptd_rpc_reply *out)
    PTD_NONNULL(1, 2, 3, 5);

/* ---- builtin.c ------------------------------------------------------------- */

PTD_MUST_USE enum ptd_err ptd_rpc_add_builtins(struct ptd_rpc *r)
    PTD_NONNULL(1);

/* ---- bind.c ---------------------------------------------------------------- */

/* Decide where to listen, warn of what does not count.
 *
 * Returns  PTD_OK; PTD_EINVAL: why names a bad -rpcbind; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_rpc_choose_binds(struct ptd_rpc *r, const struct ptd_rpc_config *cfg,
                     struct ptd_rpc_why *why) PTD_NONNULL(1, 2, 3);

/* Open the sockets; PTD_OK if there is at least one; PTD_EIO. */
PTD_MUST_USE enum ptd_err ptd_rpc_bind(struct ptd_rpc *r) PTD_NONNULL(1);

/* ---- work.c ---------------------------------------------------------------- */

/* A worker; arg is the server. */
void ptd_rpc_worker_main(void *arg);

/* Start one more of them, with the number that is next. */
PTD_MUST_USE enum ptd_err ptd_rpc_worker_start(struct ptd_rpc *r)
    PTD_NONNULL(1);

/* ---- http.c ---------------------------------------------------------------- */

PTD_MUST_USE enum ptd_err ptd_http_new(struct ptd_http **out, struct ptd_rpc *r)
    PTD_NONNULL(1, 2);
/* Closes every connection. Its thread was joined, or never started. */
void ptd_http_free(struct ptd_http *h PTD_TAKES);

/* The thread; arg is the struct ptd_http. */
void ptd_http_main(void *arg);

#endif /* PTD_RPC_RPC_INT_H */
