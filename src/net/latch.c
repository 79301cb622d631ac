#include <config.h>

#include "net/latch.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/util.h"

enum ptd_err ptd_latch_init(struct ptd_latch *l)
{
    l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return l->fd >= 0 ? PTD_OK : PTD_ELIMIT;
}

void ptd_latch_fini(struct ptd_latch *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

void ptd_latch_set(struct ptd_latch *l)
{
    const uint64_t one = 1;
    int saved = errno;
    ssize_t n;

    do
        n = write(l->fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    /* EAGAIN: the count is at its end, so it is set. */
    PTD_ASSERT(n == (ssize_t)sizeof one || errno == EAGAIN);
    errno = saved;
}

void ptd_latch_clear(struct ptd_latch *l)
{
    uint64_t count;
    ssize_t n;

    do
        n = read(l->fd, &count, sizeof count);
    while (n < 0 && errno == EINTR);
    PTD_ASSERT(n == (ssize_t)sizeof count || errno == EAGAIN);
}

bool ptd_latch_is_set(const struct ptd_latch *l)
{
    struct pollfd p = { .fd = l->fd, .events = POLLIN };
    int n;

    do
        n = poll(&p, 1, 0);
    while (n < 0 && errno == EINTR);
    return n > 0;
}
