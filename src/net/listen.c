#include <config.h>

#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/wait.h"

enum {
    BACKLOG = 4096,
    BACK_OFF_MS = 100
};

/* ---- listening ------------------------------------------------------- */

static enum ptd_err err_of(int error)
{
    switch (error) {
    case EADDRINUSE:
        return PTD_EEXIST;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return PTD_EUNREACH;
    case EACCES:
    case EPERM:
        return PTD_EREJECTED;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return PTD_ELIMIT;
    default:
        return PTD_EIO;
    }
}

static bool set_options(int fd, int family)
{
    const int on = 1;

    /* A restart must not wait for old connections to fade. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return false;
    return family != AF_INET6 ||
           setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
}

enum ptd_err ptd_listen(int *out, const struct ptd_netaddr *at,
                        struct ptd_netaddr *bound)
{
    struct sockaddr_storage sa;
    socklen_t len;
    enum ptd_err e = ptd_addr_to_sockaddr(at, &sa, &len);
    int fd, error;

    if (e != PTD_OK)
        return e;
    fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_of(errno);
    if (!set_options(fd, sa.ss_family) ||
        bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, BACKLOG) != 0)
        goto fail;
    if (bound != NULL && ptd_addr_local(bound, fd) != PTD_OK)
        goto fail;
    *out = fd;
    return PTD_OK;

fail:
    error = errno;
    close(fd);
    errno = error;
    return err_of(error);
}

/* ---- accepting ------------------------------------------------------- */

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

enum ptd_err ptd_acceptor_init(struct ptd_acceptor *a)
{
    a->n = a->next = 0;
    a->spare = open_spare();
    return a->spare >= 0 ? PTD_OK : PTD_ELIMIT;
}

void ptd_acceptor_fini(struct ptd_acceptor *a)
{
    while (a->n > 0)
        close(a->fd[--a->n]);
    if (a->spare >= 0)
        close(a->spare);
    a->spare = -1;
}

enum ptd_err ptd_acceptor_add(struct ptd_acceptor *a, int fd)
{
    if (a->n == PTD_ACCEPTOR_MAX)
        return PTD_EFULL;
    a->fd[a->n++] = fd;
    return PTD_OK;
}

/* Sleep until some listener has a connection. */
static enum ptd_err await_any(struct ptd_acceptor *a,
                              const struct ptd_latch *stop)
{
    struct pollfd on[PTD_ACCEPTOR_MAX + 1];
    int n;

    for (unsigned i = 0; i < a->n; i++)
        on[i] = (struct pollfd){ .fd = a->fd[i], .events = POLLIN };
    on[a->n] = (struct pollfd){ .fd = stop->fd, .events = POLLIN };
    do
        n = poll(on, a->n + 1, -1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return PTD_EIO;
    return on[a->n].revents != 0 ? PTD_ECLOSED : PTD_OK;
}

/* No descriptor is left. With the spare one a connection is taken and dropped
 * at once: the other side learns of it, and the queue, which would keep poll
 * from sleeping, gets shorter. */
static enum ptd_err turn_away(struct ptd_acceptor *a, int listener,
                              const struct ptd_latch *stop)
{
    struct ptd_wait pause = ptd_wait_until(BACK_OFF_MS, stop);
    int fd = -1;

    if (a->spare >= 0) {
        close(a->spare);
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
    }
    a->spare = open_spare();
    /* Another thread was faster, or it is memory that lacks: not spinning is
     * all that is left. */
    if (fd < 0 && ptd_wait_fd(&pause, -1, 0) == PTD_ECLOSED)
        return PTD_ECLOSED;
    return PTD_ELIMIT;
}

/* One try. PTD_EAGAIN: nothing there, or a connection that is gone already. */
static enum ptd_err accept_one(struct ptd_acceptor *a, int listener, int *out,
                               struct ptd_netaddr *remote,
                               const struct ptd_latch *stop)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    int fd = accept4(listener, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC);

    if (fd >= 0) {
        if (ptd_addr_from_sockaddr(remote, (struct sockaddr *)&sa, len) ==
            PTD_OK) {
            *out = fd;
            return PTD_OK;
        }
        close(fd);
        return PTD_EAGAIN;
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return turn_away(a, listener, stop);
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
        return PTD_EIO;
    default:
        /* EAGAIN, EINTR, ECONNABORTED, EPROTO, a firewall's EPERM; Linux also
         * hands on what befell the new connection: ENETDOWN and the like. */
        return PTD_EAGAIN;
    }
}

enum ptd_err ptd_accept(struct ptd_acceptor *a, int *fd,
                        struct ptd_netaddr *remote, unsigned *which,
                        const struct ptd_latch *stop)
{
    for (;;) {
        enum ptd_err e = await_any(a, stop);

        for (unsigned k = 0; e == PTD_OK && k < a->n; k++) {
            unsigned i = a->next++ % a->n;

            e = accept_one(a, a->fd[i], fd, remote, stop);
            if (e == PTD_EAGAIN) {
                e = PTD_OK;
                continue;
            }
            if (e == PTD_OK && which != NULL)
                *which = i;
            return e;
        }
        if (e != PTD_OK)
            return e;
    }
}
