#include <config.h>

#include "net/wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#include "pentad/clock.h"

struct ptd_wait ptd_wait_until(int timeout_ms, const struct ptd_latch *cancel)
{
    int64_t deadline = PTD_NEVER;

    if (timeout_ms >= 0)
        deadline = ptd_clock_now_us(NULL) + (int64_t)timeout_ms * 1000;
    return (struct ptd_wait){ .deadline_us = deadline, .cancel = cancel };
}

/* Rounded up, so that poll does not return a moment too early again and
 * again. */
static int poll_ms(int64_t deadline_us)
{
    int64_t left_us;

    if (deadline_us == PTD_NEVER)
        return -1;
    left_us = deadline_us - ptd_clock_now_us(NULL);
    if (left_us <= 0)
        return 0;
    left_us = (left_us + 999) / 1000;
    return left_us < INT_MAX ? (int)left_us : INT_MAX;
}

bool ptd_wait_is_over(const struct ptd_wait *w)
{
    return poll_ms(w->deadline_us) == 0;
}

enum ptd_err ptd_wait_fd(const struct ptd_wait *w, int fd, short events)
{
    struct pollfd on[2] = {
        { .fd = fd, .events = events },
        { .fd = w->cancel != NULL ? w->cancel->fd : -1, .events = POLLIN },
    };

    for (;;) {
        int ms = poll_ms(w->deadline_us);
        int n = poll(on, 2, ms);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return PTD_EIO;
        if (n > 0 && on[1].revents != 0)
            return PTD_ECLOSED;
        if (n > 0)
            return PTD_OK;
        if (ms == 0)
            return PTD_ETIMEOUT;
    }
}

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

enum ptd_err ptd_wait_recv(const struct ptd_wait *w, int fd, void *buf,
                           size_t n)
{
    uint8_t *p = buf;

    while (n > 0) {
        enum ptd_err e = ptd_wait_fd(w, fd, POLLIN);
        ssize_t got;

        if (e != PTD_OK)
            return e;
        got = recv(fd, p, n, MSG_DONTWAIT);
        if (got == 0)
            return PTD_EEOF;
        if (got < 0 && errno != EINTR && !would_block(errno))
            return PTD_EIO;
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
    return PTD_OK;
}

enum ptd_err ptd_wait_send(const struct ptd_wait *w, int fd, const void *buf,
                           size_t n)
{
    const uint8_t *p = buf;

    while (n > 0) {
        enum ptd_err e = ptd_wait_fd(w, fd, POLLOUT);
        ssize_t put;

        if (e != PTD_OK)
            return e;
        put = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0 && errno == EPIPE)
            return PTD_EEOF;
        if (put < 0 && errno != EINTR && !would_block(errno))
            return PTD_EIO;
        if (put > 0) {
            p += put;
            n -= (size_t)put;
        }
    }
    return PTD_OK;
}
