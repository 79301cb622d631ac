/* rpc.h - the server: JSON-RPC over HTTP, as Bitcoin Core speaks it.
 *
 *     ptd_rpc_new() -> ptd_rpc_add() ... -> ptd_rpc_start()
 *         -> ptd_rpc_set_warmup() ... -> ptd_rpc_interrupt() -> ptd_rpc_free()
 *
 * One thread, `http`, owns every connection. It reads a request, checks who
 * asks, and hands it to one of the workers, `rpc-N`, which runs the methods; a
 * method may block, no other connection feels it. Until the password is right
 * a connection costs a few KiB, whatever it sends.
 *
 * Time     Time-outs of connections and the delay after a wrong password are
 *          of the system's time, as Core's: mock time is for the network
 * Owner    one; the node
 * Threads  any, unless a function says otherwise
 * Locks    RPC (34), held for a few lines, never across a method
 * Source   Bitcoin Core's httpserver.cpp, httprpc.cpp, rpc/server.cpp;
 *          RFC 9110, RFC 9112; jsonrpc.org's 1.0, 1.1 and 2.0
 */
#ifndef PTD_RPC_RPC_H
#define PTD_RPC_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"
#include "rpc/method.h"

struct ptd_rpc;

enum {
    PTD_RPC_DEFAULT_THREADS = 16,
    PTD_RPC_DEFAULT_QUEUE = 64,
    PTD_RPC_DEFAULT_TIMEOUT_S = 30
};

/* What went wrong, in words for the user. */
struct ptd_rpc_why {
    char text[512];
};

/* A list of texts: -rpcbind=A -rpcbind=B. */
struct ptd_rpc_texts {
    const char *const *v;
    size_t n;
};

enum ptd_rpc_switch {
    PTD_RPC_UNSET, /* what follows from the other options */
    PTD_RPC_OFF,
    PTD_RPC_ON
};

/* All of it is copied by ptd_rpc_new(). */
struct ptd_rpc_config {
    const char *program;      /* "Pentad": in "Pentad stopping" */
    const char *datadir;      /* of the network; where a relative cookie lies */
    const char *cookie_file;  /* NULL: ".cookie"; "": none (-norpccookiefile) */
    const char *cookie_perms; /* NULL, "owner", "group", "all" */
    const char *user;         /* -rpcuser, "" if not given */
    const char *password;     /* -rpcpassword; "" or NULL: a cookie instead */
    struct ptd_rpc_texts auth;      /* -rpcauth: "USER:SALT$HASH" */
    struct ptd_rpc_texts whitelist; /* -rpcwhitelist: "USER:METHOD,METHOD" */
    enum ptd_rpc_switch whitelist_default; /* -rpcwhitelistdefault */
    struct ptd_rpc_texts bind;             /* -rpcbind */
    bool cjdns; /* -cjdnsreachable: fc00::/8 is CJDNS, no subnet to allow */
    struct ptd_rpc_texts allow_ip; /* -rpcallowip */
    uint16_t port;                 /* -rpcport; 0: any (tests) */
    int threads;                   /* -rpcthreads; below 1: 1 */
    int queue;                     /* -rpcworkqueue; below 1: 1 */
    int timeout_s;                 /* -rpcservertimeout; 0: none */
    bool doc_check; /* -rpcdoccheck: results are held against their help */
    const char *log_path; /* getrpcinfo's logpath; "" if there is none */

    /* The method `stop` was called: begin to stop, do not wait. Any worker's
     * thread, no lock held. */
    void (*stop)(void *arg);
    void *arg;
};

/* Core's defaults, "Pentad", no stop. */
void ptd_rpc_config_init(struct ptd_rpc_config *cfg) PTD_NONNULL(1);

/* Give a server that does not listen yet. It knows help, stop, uptime,
 * getrpcinfo, echo and echojson.
 *
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_rpc_new(struct ptd_rpc **out, const struct ptd_rpc_config *cfg,
            struct ptd_rpc_why *why) PTD_NONNULL(1, 2, 3);

/* Add methods; before the start. A name that is there already is a bug.
 *
 * methods  constant, outlives the server
 * arg      what each gets
 * Returns  PTD_OK; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_rpc_add(struct ptd_rpc *r,
                                      const struct ptd_rpc_method *methods,
                                      size_t n, void *arg) PTD_NONNULL(1, 2);

/* ---- pages ---------------------------------------------------------------- */

/* What a handler of GET answers. */
struct ptd_rpc_page {
    const char *path;      /* as asked for, with what follows "?"; escaped */
    const char *user;      /* NULL where no password is asked for */
    struct ptd_chan *quit; /* as ptd_rpc_quit() */

    int status;       /* 200 until set otherwise */
    const char *type; /* static; "text/plain; charset=utf-8" unless set */
    char *body;       /* of malloc, or NULL; taken */
    size_t n;         /* its bytes */
};

enum ptd_rpc_page_flags {
    PTD_RPC_PAGE_PREFIX = 1,  /* every path that begins with it */
    PTD_RPC_PAGE_PASSWORD = 2 /* asks for the password that methods need */
};

/* Answer GET and HEAD for a path, on a worker's thread; before the start.
 *
 * path     constant, outlives the server
 * Returns  PTD_OK; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_rpc_add_page(struct ptd_rpc *r, const char *path, unsigned flags,
                 void (*fn)(struct ptd_rpc_page *page, void *arg), void *arg)
    PTD_NONNULL(1, 2, 4);

/* ---- running -------------------------------------------------------------- */

/* Write the cookie, listen, start the threads. Methods are refused (-28) until
 * ptd_rpc_set_warmup(r, NULL).
 *
 * Returns  PTD_OK; PTD_EINVAL or PTD_EIO: why says what is wrong; PTD_ENOMEM,
 *          PTD_EAGAIN (no thread), PTD_ELIMIT (no descriptor)
 */
PTD_MUST_USE enum ptd_err
ptd_rpc_start(struct ptd_rpc *r, struct ptd_rpc_why *why) PTD_NONNULL(1, 2);

/* What the node is busy with ("Loading block index…"); NULL: it is up. */
void ptd_rpc_set_warmup(struct ptd_rpc *r, const char *status) PTD_NONNULL(1);

/* The i-th address it listens at, with the port it got; false behind the
 * last. */
PTD_MUST_USE bool ptd_rpc_bound(const struct ptd_rpc *r, size_t i,
                                struct ptd_netaddr *out) PTD_NONNULL(1, 3);

/* Begin to stop: ptd_rpc_quit() is closed, new requests get 503. Never waits;
 * harmless twice, and before the start. */
void ptd_rpc_interrupt(struct ptd_rpc *r) PTD_NONNULL(1);

/* Interrupt, let calls under way end and their replies leave (a client that
 * does not read has a second), close every connection, join every thread,
 * remove the cookie, free. Takes NULL. Not from a worker. */
void ptd_rpc_free(struct ptd_rpc *r PTD_TAKES);

#endif /* PTD_RPC_RPC_H */
