/* gateway.h - the way out of this network, as the kernel knows it.
 *
 * Threads  any
 * Source   Linux's /proc/net/route and /proc/net/ipv6_route (proc(5))
 */
#ifndef PTD_CONNMGR_GATEWAY_H
#define PTD_CONNMGR_GATEWAY_H

#include <net/if.h>
#include <stddef.h>
#include <stdio.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"

struct ptd_gateway {
    struct ptd_netaddr na;       /* IPv4 or IPv6; its port is where it is
                                    asked */
    char interface[IF_NAMESIZE]; /* behind which it lies, for link-local IPv6
                                    addresses; "": any */
};

/* The gateway of the default route with the lowest metric, its port 0.
 *
 * net      PTD_NET_IPV4 or PTD_NET_IPV6
 * Returns  PTD_OK; PTD_ENOTFOUND: no such route; PTD_EIO: the kernel does not
 *          tell (errno says why)
 */
PTD_MUST_USE enum ptd_err ptd_gateway_find(struct ptd_gateway *out,
                                           enum ptd_net net) PTD_NONNULL(1);

/* The same from a table that was opened. Lines that make no sense are skipped;
 * of a very long table the beginning is read. PTD_OK; PTD_ENOTFOUND. */
PTD_MUST_USE enum ptd_err ptd_gateway_read(struct ptd_gateway *out, FILE *table,
                                           enum ptd_net net) PTD_NONNULL(1, 2);

/* The machine's own IPv6 addresses that the world can reach, port 0; at most
 * cap. Gives how many. */
size_t ptd_gateway_local_ipv6(struct ptd_netaddr *out, size_t cap)
    PTD_NONNULL(1);

#endif /* PTD_CONNMGR_GATEWAY_H */
