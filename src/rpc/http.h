/* http.h - connections, inside the thread that owns them; this room only.
 *
 * libmicrohttpd runs without threads of its own: `http` polls its epoll
 * descriptor, the listening sockets and the latch, and calls it. So every call
 * of its happens on one thread, and no connection needs a lock.
 *
 * A request is suspended while a worker has it or while a wrong password is
 * made to wait; libmicrohttpd then forgets the connection until it is resumed.
 */
#ifndef PTD_RPC_HTTP_H
#define PTD_RPC_HTTP_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "rpc/rpc_int.h"

enum ptd_http_phase {
    PTD_HTTP_NEW,     /* only the request line was seen */
    PTD_HTTP_TAKING,  /* the body is wanted */
    PTD_HTTP_REFUSED, /* the body is thrown away, the reply is there */
    PTD_HTTP_BUSY,    /* a worker has it */
    PTD_HTTP_DELAYED, /* waits for due_us */
    PTD_HTTP_REPLY    /* the reply is to be sent */
};

struct ptd_http_conn {
    struct ptd_link link; /* in ptd_http.unknown while nobody is known */
    int fd;
    struct ptd_netaddr peer;
    int64_t since_us; /* that nobody is known, if it is in the list */
};

struct ptd_http_request {
    struct ptd_rpc_job job; /* first: a job is its request */
    struct ptd_http *http;
    struct MHD_Connection *connection;
    struct ptd_http_conn *conn;
    enum ptd_http_phase phase;
    bool wrong_password; /* is to be delayed */
    bool ask_password;   /* WWW-Authenticate */
    bool counted;        /* in n_busy */
    bool is_head;
    int64_t due_us;
    struct ptd_link link; /* in ptd_http.delayed */
};

struct ptd_http {
    struct ptd_rpc *rpc;
    struct MHD_Daemon *daemon;
    int epoll_fd; /* the daemon's */
    size_t n_conns;
    size_t n_busy;           /* requests whose reply is not sent yet */
    struct ptd_link unknown; /* connections, oldest first */
    struct ptd_link delayed; /* requests, soonest first */
    int64_t accept_again_us; /* after descriptors ran out; 0: now */
    int64_t finish_us;       /* when to give up; 0: not finishing */
};

/* ---- http_request.c -------------------------------------------------------- */

/* libmicrohttpd's callbacks; cls is the struct ptd_http. */
void *ptd_http_on_uri(void *cls, const char *uri,
                      struct MHD_Connection *connection);
enum MHD_Result
ptd_http_on_request(void *cls, struct MHD_Connection *connection,
                    const char *url, const char *method, const char *version,
                    const char *upload_data, size_t *upload_data_size,
                    void **req_cls);
void ptd_http_on_completed(void *cls, struct MHD_Connection *connection,
                           void **req_cls, enum MHD_RequestTerminationCode why);

/* Go on with a request that was suspended. */
void ptd_http_resume(struct ptd_http_request *q);

/* The connection's user is unknown from now on, or known. */
void ptd_http_set_unknown(struct ptd_http *h, struct ptd_http_conn *c);
void ptd_http_set_known(struct ptd_http_conn *c);

#endif /* PTD_RPC_HTTP_H */
