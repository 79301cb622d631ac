/* wait.h - I/O on non-blocking sockets with one deadline for all of it, which
 * a latch can cut short. For dialling: a peer's own threads block.
 *
 * Threads  one per socket
 */
#ifndef PTD_NET_WAIT_H
#define PTD_NET_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/latch.h"
#include "pentad/attr.h"
#include "pentad/err.h"

struct ptd_wait {
    int64_t deadline_us;            /* monotonic; PTD_NEVER: none */
    const struct ptd_latch *cancel; /* NULL: none */
};

/* A deadline timeout_ms from now; negative: never. Always real time: a clock
 * that stands still would let a poll(2) sleep for ever. */
struct ptd_wait ptd_wait_until(int timeout_ms, const struct ptd_latch *cancel);

/* True once the deadline has passed. */
bool ptd_wait_is_over(const struct ptd_wait *w) PTD_NONNULL(1);

/* Sleep until fd is ready for `events` of poll(2), or broken.
 *
 * fd       -1: for the deadline alone
 * Returns  PTD_OK; PTD_ETIMEOUT; PTD_ECLOSED: the latch is set (it wins over
 *          readiness); PTD_EIO
 */
PTD_MUST_USE enum ptd_err ptd_wait_fd(const struct ptd_wait *w, int fd,
                                      short events) PTD_NONNULL(1);

/* Exactly n bytes, and none beyond them.
 *
 * Returns  as ptd_wait_fd(); PTD_EEOF; PTD_EIO
 */
PTD_MUST_USE enum ptd_err ptd_wait_recv(const struct ptd_wait *w, int fd,
                                        void *buf, size_t n) PTD_NONNULL(1, 3);
PTD_MUST_USE enum ptd_err ptd_wait_send(const struct ptd_wait *w, int fd,
                                        const void *buf, size_t n)
    PTD_NONNULL(1, 3);

#endif /* PTD_NET_WAIT_H */
