/* addr.h - addresses of nodes as the socket calls have them.
 *
 * Threads  any
 */
#ifndef PTD_NET_ADDR_H
#define PTD_NET_ADDR_H

#include <sys/socket.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"

/* IPv4 from AF_INET and from mapped AF_INET6 addresses, IPv6 otherwise (CJDNS
 * and Yggdrasil look like IPv6: ptd_netaddr_ipv6_to_cjdns()).
 *
 * Returns  PTD_OK; PTD_ENOTFOUND: another family, a length that is too short
 */
PTD_MUST_USE enum ptd_err ptd_addr_from_sockaddr(struct ptd_netaddr *na,
                                                 const struct sockaddr *sa,
                                                 socklen_t len)
    PTD_NONNULL(1, 2);

/* Returns  PTD_OK; PTD_EUNREACH: a network that has no socket addresses */
PTD_MUST_USE enum ptd_err ptd_addr_to_sockaddr(const struct ptd_netaddr *na,
                                               struct sockaddr_storage *out,
                                               socklen_t *len)
    PTD_NONNULL(1, 2, 3);

/* The two ends of a socket.
 *
 * Returns  PTD_OK; PTD_ENOTFOUND: not an IP socket; PTD_EIO: not connected
 */
PTD_MUST_USE enum ptd_err ptd_addr_local(struct ptd_netaddr *na, int fd)
    PTD_NONNULL(1);
PTD_MUST_USE enum ptd_err ptd_addr_remote(struct ptd_netaddr *na, int fd)
    PTD_NONNULL(1);

#endif /* PTD_NET_ADDR_H */
