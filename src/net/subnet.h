/* subnet.h - a range of addresses, as -whitelist, -rpcallowip, setban take it.
 *
 * Of IPv4 and IPv6 a prefix; of Tor, I2P and CJDNS one address. A value is in
 * one form only (masked, no port, zeros behind what counts), so that equal
 * ranges are equal byte by byte.
 *
 * IPv6-like networks: an address is IPv6, CJDNS or Yggdrasil by what the user
 * says is reachable, which a range does not know. So "fc00::/8" and ranges
 * inside it take CJDNS addresses too, wider ones ("::/0") take none, and
 * "fc00::1", which reads as CJDNS, takes the same bytes as IPv6. Yggdrasil
 * counts as IPv6.
 *
 * Threads  any
 * Source   Bitcoin Core's CSubNet and LookupSubNet
 */
#ifndef PTD_NET_SUBNET_H
#define PTD_NET_SUBNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/netaddr.h"

struct ptd_subnet {
    struct ptd_netaddr base; /* masked; port 0 */
    uint8_t mask[16]; /* ones, then zeros, of IPv4 and IPv6; else zeros */
};

enum { PTD_SUBNET_TEXT = PTD_NETADDR_TEXT + 4 }; /* longest text and NUL */

/* "1.2.3.4", "1.2.3.0/24", "1.2.3.0/255.255.255.0", "::/0", "[::1]", or one
 * address of another network, without a mask. Host bits may be set; they are
 * cleared. No name is looked up.
 *
 * Returns  PTD_OK; PTD_EINVAL
 */
PTD_MUST_USE enum ptd_err ptd_subnet_parse(struct ptd_subnet *out,
                                           const char *text) PTD_NONNULL(1, 2);

/* One address, of any port.
 *
 * Returns  PTD_OK; PTD_EINVAL: no address, or of a network no longer in use
 */
PTD_MUST_USE enum ptd_err
ptd_subnet_of(struct ptd_subnet *out, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* The range of an IPv4 or IPv6 address with `bits` leading bits in common.
 *
 * Returns  PTD_OK; PTD_EINVAL: another network, more bits than there are
 */
PTD_MUST_USE enum ptd_err ptd_subnet_of_bits(struct ptd_subnet *out,
                                             const struct ptd_netaddr *na,
                                             unsigned bits) PTD_NONNULL(1, 2);

/* Leading bits that count: 0 to 32 or 128; 0 for other networks. */
unsigned ptd_subnet_bits(const struct ptd_subnet *s) PTD_NONNULL(1);

/* True if the address lies in it, whatever its port. An invalid address
 * (ptd_netaddr_is_valid()) lies in none, not even in "::/0". */
bool ptd_subnet_has(const struct ptd_subnet *s, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* "1.2.3.0/24", "1.2.3.4/32", "::1/128"; without a mask where there is none.
 * cap at least PTD_SUBNET_TEXT, or it is cut. Gives out. */
const char *ptd_subnet_format(const struct ptd_subnet *s, char *out, size_t cap)
    PTD_NONNULL(1, 2);

/* Below, at or above 0; a total order of network, base, mask. */
int ptd_subnet_cmp(const struct ptd_subnet *a, const struct ptd_subnet *b)
    PTD_NONNULL(1, 2);
bool ptd_subnet_is_equal(const struct ptd_subnet *a, const struct ptd_subnet *b)
    PTD_NONNULL(1, 2);

/* Keyed hash (SipHash-2-4) of all of it. */
uint64_t ptd_subnet_hash(const struct ptd_subnet *s, uint64_t k0, uint64_t k1)
    PTD_NONNULL(1);

#endif /* PTD_NET_SUBNET_H */
