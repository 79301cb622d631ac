#include <config.h>

#include "rpc/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/addr.h"
#include "pentad/log.h"

PTD_LOG_TAG(HTTP);

enum {
    CONN_BYTES = 64 * 1024,   /* libmicrohttpd's memory for a connection */
    ACCEPT_AT_ONCE = 16,      /* before requests get their turn */
    ACCEPT_PAUSE_US = 100000, /* when no descriptor is left */
    FINISH_US = 1000000       /* for clients that read slowly, at the end */
};

/* ---- connections ----------------------------------------------------------- */

void ptd_http_set_unknown(struct ptd_http *h, struct ptd_http_conn *c)
{
    ptd_list_remove(&c->link);
    c->since_us = ptd_clock_now_us(NULL);
    ptd_list_append(&h->unknown, &c->link);
}

void ptd_http_set_known(struct ptd_http_conn *c)
{
    ptd_list_remove(&c->link);
}

static void conn_open(struct ptd_http *h, struct MHD_Connection *connection,
                      void **socket_context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct ptd_http_conn *c = ptd_calloc(1, sizeof *c);

    h->n_conns++;
    if (c == NULL)
        return; /* its first request finds none, and is refused */
    c->fd = info->connect_fd;
    if (ptd_addr_remote(&c->peer, c->fd) != PTD_OK)
        c->peer = (struct ptd_netaddr){ 0 };
    ptd_http_set_unknown(h, c);
    *socket_context = c;
}

static void on_connection(void *cls, struct MHD_Connection *connection,
                          void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct ptd_http *h = cls;
    struct ptd_http_conn *c = *socket_context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        conn_open(h, connection, socket_context);
        return;
    }
    h->n_conns--;
    if (c == NULL)
        return;
    ptd_list_remove(&c->link);
    ptd_free(c);
    *socket_context = NULL;
}

/* ---- the daemon ------------------------------------------------------------ */

static void log_line(void *cls, const char *format, va_list ap)
    PTD_PRINTF(2, 0);

/* libmicrohttpd's own words, for those who look for trouble. */
static void log_line(void *cls, const char *format, va_list ap)
{
    char line[512];
    size_t n;

    (void)cls;
    if (!ptd_log_wants(PTD_LOG_DEBUG))
        return;
    vsnprintf(line, sizeof line, format, ap);
    n = strcspn(line, "\r\n");
    line[n] = '\0';
    ptd_log_debug("libmicrohttpd: %s", line);
}

enum ptd_err ptd_http_new(struct ptd_http **out, struct ptd_rpc *r)
{
    const unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
                           MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    const union MHD_DaemonInfo *info;
    struct ptd_http *h = ptd_calloc(1, sizeof *h);

    if (h == NULL)
        return PTD_ENOMEM;
    h->rpc = r;
    ptd_list_init(&h->unknown);
    ptd_list_init(&h->delayed);
    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, ptd_http_on_request, h,
        MHD_OPTION_EXTERNAL_LOGGER, log_line, NULL, /* before all others */
        MHD_OPTION_NOTIFY_COMPLETED, ptd_http_on_completed, h,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
        MHD_OPTION_URI_LOG_CALLBACK, ptd_http_on_uri, h,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONN_BYTES,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)PTD_RPC_MAX_CONNS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)r->timeout_s,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    info = h->daemon != NULL
               ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)
               : NULL;
    if (info == NULL) {
        if (h->daemon != NULL)
            MHD_stop_daemon(h->daemon);
        ptd_free(h);
        return PTD_ELIMIT;
    }
    h->epoll_fd = info->epoll_fd;
    *out = h;
    return PTD_OK;
}

void ptd_http_free(struct ptd_http *h)
{
    if (h == NULL)
        return;
    MHD_stop_daemon(h->daemon);
    ptd_free(h);
}

/* ---- accepting ------------------------------------------------------------- */

static bool is_accepting(const struct ptd_http *h, int64_t now)
{
    return h->n_conns < PTD_RPC_MAX_CONNS && now >= h->accept_again_us &&
           h->finish_us == 0;
}

/* False: there is none, or none that we can take now. */
static bool accept_one(struct ptd_http *h, int listener)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    const int on = 1;
    int fd = accept4(listener, (struct sockaddr *)&sa, &len,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
            errno == ENOMEM) {
            h->accept_again_us = ptd_clock_now_us(NULL) + ACCEPT_PAUSE_US;
            ptd_log_warn_every(60, "No descriptor is left for a connection");
        }
        return errno == ECONNABORTED;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* It closes the socket if it does not take it. */
    return MHD_add_connection(h->daemon, fd, (struct sockaddr *)&sa, len) ==
           MHD_YES;
}

static void accept_some(struct ptd_http *h, int listener)
{
    for (int i = 0; i < ACCEPT_AT_ONCE && h->n_conns < PTD_RPC_MAX_CONNS; i++)
        if (!accept_one(h, listener))
            return;
}

/* ---- what is due ----------------------------------------------------------- */

static void resume_done(struct ptd_http *h)
{
    struct ptd_rpc *r = h->rpc;
    struct ptd_link done, *l;

    ptd_list_init(&done);
    ptd_mutex_lock(&r->mu);
    ptd_list_move_all(&done, &r->done);
    ptd_mutex_unlock(&r->mu);
    while ((l = ptd_list_pop(&done)) != NULL)
        ptd_http_resume((struct ptd_http_request *)PTD_CONTAINER_OF(
            l, struct ptd_rpc_job, link));
}

static struct ptd_http_request *first_delayed(struct ptd_http *h)
{
    struct ptd_link *l = ptd_list_first(&h->delayed);

    return l != NULL ? PTD_CONTAINER_OF(l, struct ptd_http_request, link)
                     : NULL;
}

/* Wrong passwords that have waited, or all of them. */
static void resume_delayed(struct ptd_http *h, int64_t now)
{
    struct ptd_http_request *q;

    while ((q = first_delayed(h)) != NULL && q->due_us <= now) {
        ptd_list_remove(&q->link);
        ptd_http_resume(q);
    }
}

/* A connection has twice the time-out for a request up to its password: who
 * sends a byte now and then does not keep it for ever. */
static struct ptd_http_conn *oldest_unknown(const struct ptd_http *h)
{
    struct ptd_link *l = ptd_list_first(&h->unknown);

    return l != NULL ? PTD_CONTAINER_OF(l, struct ptd_http_conn, link) : NULL;
}

static int64_t end_us(const struct ptd_http *h, const struct ptd_http_conn *c)
{
    if (c == NULL || h->rpc->timeout_s == 0)
        return PTD_NEVER;
    return c->since_us + (int64_t)h->rpc->timeout_s * 2000000;
}

static void end_unknown(struct ptd_http *h, int64_t now)
{
    struct ptd_http_conn *c;

    while ((c = oldest_unknown(h)) != NULL && end_us(h, c) <= now) {
        ptd_list_remove(&c->link);
        shutdown(c->fd, SHUT_RDWR); /* the daemon sees it end */
    }
}

/* ---- the loop -------------------------------------------------------------- */

/* How long to sleep, in ms; -1: until something happens. */
static int sleep_ms(struct ptd_http *h, int64_t now)
{
    struct ptd_http_request *q = first_delayed(h);
    int64_t until = end_us(h, oldest_unknown(h)), left;
    MHD_UNSIGNED_LONG_LONG ms;

    if (q != NULL)
        until = PTD_MIN(until, q->due_us);
    if (h->accept_again_us > now)
        until = PTD_MIN(until, h->accept_again_us);
    if (h->finish_us != 0)
        until = PTD_MIN(until, h->finish_us);
    left = until == PTD_NEVER ? PTD_NEVER : (until - now + 999) / 1000;
    if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
        left = PTD_MIN(left, (int64_t)PTD_MIN(ms, 60000));
    if (left == PTD_NEVER)
        return -1;
    return (int)PTD_MAX(PTD_MIN(left, 60000), 0);
}

/* Sleep, then take new connections. */
static void await(struct ptd_http *h)
{
    const struct ptd_rpc *r = h->rpc;
    struct pollfd on[2 + PTD_RPC_MAX_LISTENERS];
    int64_t now = ptd_clock_now_us(NULL);
    bool accepting = is_accepting(h, now);
    nfds_t n = 2;

    on[0] = (struct pollfd){ .fd = r->wake.fd, .events = POLLIN };
    on[1] = (struct pollfd){ .fd = h->epoll_fd, .events = POLLIN };
    for (size_t i = 0; accepting && i < r->n_listeners; i++)
        on[n++] = (struct pollfd){ .fd = r->listeners[i], .events = POLLIN };
    if (poll(on, n, sleep_ms(h, now)) <= 0)
        return;
    for (nfds_t i = 2; i < n; i++)
        if (on[i].revents != 0)
            accept_some(h, on[i].fd);
}

/* True: nothing is left to be sent, or the time for it is over. */
static bool has_finished(struct ptd_http *h, int64_t now)
{
    if (!atomic_load(&h->rpc->finishing))
        return false;
    if (h->finish_us == 0)
        h->finish_us = now + FINISH_US;
    return h->n_busy == 0 || now >= h->finish_us;
}

void ptd_http_main(void *arg)
{
    struct ptd_http *h = arg;
    int64_t now;

    do {
        await(h);
        ptd_latch_clear(&h->rpc->wake);
        now = ptd_clock_now_us(NULL);
        resume_done(h);
        resume_delayed(h, atomic_load(&h->rpc->finishing) ? PTD_NEVER : now);
        end_unknown(h, now);
        (void)MHD_run(h->daemon);
    } while (!has_finished(h, now));
    /* None may be suspended when the daemon stops. */
    resume_delayed(h, PTD_NEVER);
    (void)MHD_run(h->daemon);
}
