/* resolve.h - names to addresses.
 *
 * Threads  any
 */
#ifndef PTD_NET_RESOLVE_H
#define PTD_NET_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

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

#endif /* PTD_NET_RESOLVE_H */
