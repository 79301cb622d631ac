/* listen.h - sockets that others connect to, and the loop that accepts.
 *
 * Owner    the accept thread; ptd_acceptor_fini() after it was joined
 * Threads  one in ptd_accept(); any sets its latch
 */
#ifndef PTD_NET_LISTEN_H
#define PTD_NET_LISTEN_H

#include <stddef.h>
#include <stdint.h>

#include "net/latch.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"

/* Open a listening socket (IPv6: for IPv6 alone, so that both families can
 * have the same port).
 *
 * fd       non-blocking, close-on-exec; the caller's
 * at       0.0.0.0 or [::] for all interfaces; port 0: any
 * bound    NULL, or told the address with the port it has now
 * Returns  PTD_OK; PTD_EEXIST: in use; PTD_EUNREACH: no such address here, or
 *          family not supported; PTD_EREJECTED: not permitted; PTD_ELIMIT;
 *          PTD_EIO. errno tells more.
 */
PTD_MUST_USE enum ptd_err ptd_listen(int *fd, const struct ptd_netaddr *at,
                                     struct ptd_netaddr *bound)
    PTD_NONNULL(1, 2);

enum { PTD_ACCEPTOR_MAX = 32 }; /* listening sockets of one acceptor */

struct ptd_acceptor {
    int fd[PTD_ACCEPTOR_MAX]; /* owned */
    unsigned n;
    unsigned next; /* whose turn it is: a busy one does not starve others */
    int spare;     /* given up for a moment when no descriptor is left */
};

/* Returns  PTD_OK, PTD_ELIMIT */
PTD_MUST_USE enum ptd_err ptd_acceptor_init(struct ptd_acceptor *a)
    PTD_NONNULL(1);
void ptd_acceptor_fini(struct ptd_acceptor *a) PTD_NONNULL(1);

/* Take a socket of ptd_listen()'s, before the loop begins. PTD_OK; PTD_EFULL
 * (fd stays the caller's). */
PTD_MUST_USE enum ptd_err ptd_acceptor_add(struct ptd_acceptor *a,
                                           int fd PTD_TAKES) PTD_NONNULL(1);

/* Wait for the next connection.
 *
 * fd       blocking, close-on-exec; the caller's
 * remote   who it is
 * which    NULL, or the number of the listening socket, as added
 * Returns  PTD_OK; PTD_ECLOSED: the latch is set; PTD_ELIMIT: the system is out
 *          of descriptors or memory, a connection was turned away (or, where
 *          not even that could be done, 100 ms were waited): say so, call
 *          again; PTD_EIO: the sockets are of no use
 */
PTD_MUST_USE enum ptd_err ptd_accept(struct ptd_acceptor *a, int *fd,
                                     struct ptd_netaddr *remote,
                                     unsigned *which,
                                     const struct ptd_latch *stop)
    PTD_NONNULL(1, 2, 3, 5);

#endif /* PTD_NET_LISTEN_H */
