#include <config.h>

#include "net/dial.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/resolve.h"
#include "net/socks5.h"
#include "net/wait.h"

enum { MAX_TRIED = 16 }; /* addresses of one name */

enum ptd_err ptd_proxy_set(struct ptd_proxy *p, const struct ptd_netaddr *na)
{
    memset(p, 0, sizeof *p);
    return ptd_addr_to_sockaddr(na, &p->addr, &p->addr_len);
}

enum ptd_err ptd_proxy_set_unix(struct ptd_proxy *p, const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t n = strnlen(path, sizeof un.sun_path);

    if (n == 0 || n == sizeof un.sun_path)
        return PTD_EINVAL;
    memcpy(un.sun_path, path, n);
    memset(p, 0, sizeof *p);
    memcpy(&p->addr, &un, sizeof un);
    p->addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return PTD_OK;
}

const char *ptd_proxy_format(const struct ptd_proxy *p, char *out, size_t cap)
{
    struct sockaddr_un un;
    struct ptd_netaddr na;

    if (p->addr_len == 0) {
        snprintf(out, cap, "%s", "");
    } else if (p->addr.ss_family == AF_UNIX) {
        memcpy(&un, &p->addr, sizeof un);
        snprintf(out, cap, "unix:%s", un.sun_path);
    } else if (ptd_addr_from_sockaddr(&na, (const struct sockaddr *)&p->addr,
                                      p->addr_len) == PTD_OK) {
        ptd_netaddr_format(&na, out, cap);
    } else {
        snprintf(out, cap, "%s", "?");
    }
    return out;
}

static enum ptd_err err_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOENT: /* a Unix socket that is not there */
        return PTD_EREFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EINVAL: /* port 0, a scope that is missing */
    case EACCES: /* a firewall's answer, among others */
    case EPERM:
        return PTD_EUNREACH;
    case ETIMEDOUT:
    case EAGAIN: /* a Unix socket whose backlog is full */
        return PTD_ETIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
        return PTD_ELIMIT;
    case ENOMEM:
        return PTD_ENOMEM;
    default:
        return PTD_EIO;
    }
}

static void explain(struct ptd_dial_why *why, const char *what,
                    enum ptd_err e, int error)
{
    char text[64];

    if (error != 0)
        snprintf(why->text, sizeof why->text, "%s: %s", what,
                 strerror_r(error, text, sizeof text));
    else
        snprintf(why->text, sizeof why->text, "%s: %s", what, ptd_err_text(e));
}

/* A port of our own that is dialled while nobody listens there may be given to
 * this very socket, which then talks to itself. */
static bool is_to_itself(int fd)
{
    struct ptd_netaddr a, b;

    return ptd_addr_local(&a, fd) == PTD_OK &&
           ptd_addr_remote(&b, fd) == PTD_OK && ptd_netaddr_is_equal(&a, &b);
}

/* Wait for the outcome of a connect that is under way. */
static enum ptd_err await_connect(int fd, const struct ptd_wait *w, int *error)
{
    socklen_t len = sizeof *error;
    enum ptd_err e = ptd_wait_fd(w, fd, POLLOUT);

    *error = 0;
    if (e != PTD_OK)
        return e;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &len) != 0)
        *error = errno;
    if (*error == 0 && is_to_itself(fd))
        *error = ECONNREFUSED;
    return *error == 0 ? PTD_OK : err_of(*error);
}

/* Connect to a socket address; what names it in the explanation. */
static enum ptd_err connect_to(int *out, const struct sockaddr_storage *sa,
                               socklen_t len, const struct ptd_wait *w,
                               const char *what, struct ptd_dial_why *why)
{
    int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    0);
    int error = 0;
    enum ptd_err e;

    if (fd < 0) {
        error = errno;
        e = err_of(error);
    } else if (connect(fd, (const struct sockaddr *)sa, len) == 0 ||
               errno == EINPROGRESS || errno == EINTR) {
        e = await_connect(fd, w, &error);
    } else {
        error = errno;
        e = err_of(error);
    }
    if (e == PTD_OK) {
        *out = fd;
        return PTD_OK;
    }
    if (fd >= 0)
        close(fd);
    explain(why, what, e, error);
    return e;
}

static enum ptd_err dial_addr(int *fd, const struct ptd_netaddr *na,
                              const struct ptd_wait *w,
                              struct ptd_dial_why *why)
{
    struct sockaddr_storage sa;
    socklen_t len;
    enum ptd_err e = ptd_addr_to_sockaddr(na, &sa, &len);

    if (e != PTD_OK) {
        explain(why, "network needs a proxy", e, 0);
        return e;
    }
    return connect_to(fd, &sa, len, w, "connect", why);
}

/* All addresses of a name in turn, within the one deadline. */
static enum ptd_err dial_name(int *fd, const struct ptd_dial_target *to,
                              const struct ptd_wait *w,
                              struct ptd_dial_why *why)
{
    struct ptd_netaddr found[MAX_TRIED];
    size_t n = 0;
    enum ptd_err e =
        ptd_resolve_until(found, MAX_TRIED, &n, to->host, to->port, w);

    if (e != PTD_OK)
        explain(why, "resolve", e, 0);
    for (size_t i = 0; i < n; i++) {
        e = dial_addr(fd, &found[i], w, why);
        /* The system's own time-out is over one address, ours over all. */
        if (e == PTD_OK || e == PTD_ECLOSED ||
            (e == PTD_ETIMEOUT && ptd_wait_is_over(w)))
            break;
    }
    return e;
}

/* The proxy's own refusal is not the target's. */
static enum ptd_err dial_proxy(int *fd, const struct ptd_dial_target *to,
                               const struct ptd_proxy *proxy,
                               const struct ptd_wait *w,
                               struct ptd_dial_why *why)
{
    enum ptd_err e =
        connect_to(fd, &proxy->addr, proxy->addr_len, w, "proxy", why);

    if (e == PTD_EREFUSED || e == PTD_EUNREACH)
        return PTD_EPROXY;
    if (e != PTD_OK)
        return e;
    e = ptd_socks5_connect(*fd, to, proxy, w, why);
    if (e != PTD_OK)
        close(*fd);
    return e;
}

enum ptd_err ptd_dial(int *fd, const struct ptd_dial_target *to,
                      const struct ptd_proxy *proxy, int timeout_ms,
                      const struct ptd_latch *cancel, struct ptd_dial_why *why)
{
    struct ptd_wait w = ptd_wait_until(timeout_ms, cancel);
    struct ptd_dial_why unused;

    if (why == NULL)
        why = &unused;
    why->text[0] = '\0';
    why->reply = -1;
    if (to->na.net == PTD_NET_NONE && to->host == NULL) {
        explain(why, "dial", PTD_EINVAL, 0);
        return PTD_EINVAL;
    }
    if (proxy != NULL)
        return dial_proxy(fd, to, proxy, &w, why);
    if (to->na.net != PTD_NET_NONE)
        return dial_addr(fd, &to->na, &w, why);
    return dial_name(fd, to, &w, why);
}
