/* resolve.h - names to addresses.
 *
 * Threads  any
 */
#ifndef PTD_NET_RESOLVE_H
#define PTD_NET_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "net/wait.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"

/* Give the addresses of a host, each once.
 *
 * A numeric address is taken as it stands. Names of Tor and I2P are never
 * looked up: they would leak to the name server.
 *
 * out      at most cap; n says how many, >= 1 on PTD_OK
 * host     a name or an address, without port and brackets
 * Returns  PTD_OK; PTD_ERESOLVE; PTD_EUNREACH (.onion, .i2p); PTD_EINVAL (not a
 *          name); PTD_ENOMEM
 * Blocks   as long as the system's resolver does (seconds to a minute), and
 *          nothing wakes it: not for a thread that must stop soon
 */
PTD_MUST_USE enum ptd_err ptd_resolve(struct ptd_netaddr *out, size_t cap,
                                      size_t *n, const char *host,
                                      uint16_t port) PTD_NONNULL(1, 3, 4);

/* The same, for a thread that may have to stop: a child process, getent(1) of
 * the C library, does the look-up, and is killed when it is given up. Where
 * there is no getent it blocks as ptd_resolve() does.
 *
 * Returns  as ptd_resolve(); PTD_ETIMEOUT; PTD_ECLOSED: the latch is set;
 *          PTD_ELIMIT: no descriptor or process left; PTD_EIO
 * Blocks   to the deadline of w at most, or until its latch is set
 */
PTD_MUST_USE enum ptd_err
ptd_resolve_until(struct ptd_netaddr *out, size_t cap, size_t *n,
                  const char *host, uint16_t port, const struct ptd_wait *w)
    PTD_NONNULL(1, 3, 4, 6);

#endif /* PTD_NET_RESOLVE_H */
