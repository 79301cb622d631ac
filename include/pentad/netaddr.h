/* netaddr.h - addresses of nodes on all networks that Bitcoin speaks over.
 *
 * An IPv4 address is stored as its 4 bytes, never mapped into IPv6. What is a
 * plain value here is copied and compared as one; no function looks up names.
 *
 * Threads  any
 * Source   BIP 155; RFCs as named below; Tor rend-spec-v3 (onion addresses)
 */
#ifndef PTD_NETADDR_H
#define PTD_NETADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

PTD_BEGIN_DECLS

/* Networks; the numbers are those of BIP 155. */
enum ptd_net {
    PTD_NET_NONE = 0, /* no address: what a zeroed struct holds */
    PTD_NET_IPV4 = 1,
    PTD_NET_IPV6 = 2,
    PTD_NET_TORV2 = 3, /* no longer in use; never valid */
    PTD_NET_TORV3 = 4,
    PTD_NET_I2P = 5,
    PTD_NET_CJDNS = 6,
    PTD_NET_YGGDRASIL = 7
};

/* The bit of a network in a set of them. */
#define PTD_NET_BIT(net) (UINT32_C(1) << (net))

enum {
    PTD_NETADDR_MAX_BYTES = 32,
    PTD_NETADDR_TEXT = 72 /* longest text form with port and NUL */
};

/* One address. Bytes of addr behind len are zero. */
struct ptd_netaddr {
    uint8_t net;                         /* enum ptd_net */
    uint8_t len;                         /* bytes used of addr */
    uint8_t addr[PTD_NETADDR_MAX_BYTES]; /* network order; Tor v3: the public
                                            key; I2P: the SHA-256 */
    uint16_t port;                       /* host order */
};

/* ---- making ------------------------------------------------------------ */

/* Bytes of an address of this network; 0 if the network is unknown. */
PTD_API size_t ptd_net_addr_bytes(unsigned net);

/* Fill from the network's own bytes. PTD_OK; PTD_EBADVALUE: unknown network or
 * n is not its length. */
PTD_API PTD_MUST_USE enum ptd_err
ptd_netaddr_set(struct ptd_netaddr *na, unsigned net, const uint8_t *addr,
                size_t n, uint16_t port) PTD_NONNULL(1, 3);

/* From and to the 16 bytes of version and addr: IPv4 is mapped (::ffff:a.b.c.d),
 * Tor v2 is OnionCat (fd87:d87e:eb43::/48). A network that does not fit gives
 * 16 zero bytes and false; so does PTD_NET_NONE. */
PTD_API void ptd_netaddr_from_ip16(struct ptd_netaddr *na, const uint8_t ip[16],
                                   uint16_t port) PTD_NONNULL(1, 2);
PTD_API bool ptd_netaddr_to_ip16(const struct ptd_netaddr *na, uint8_t ip[16])
    PTD_NONNULL(1, 2);

/* Make an IPv6 address of fc00::/8 a CJDNS address; leave others alone. For
 * what comes from a socket or an addr message where CJDNS is in use. */
PTD_API void ptd_netaddr_ipv6_to_cjdns(struct ptd_netaddr *na) PTD_NONNULL(1);

/* ---- text --------------------------------------------------------------- */

/* "1.2.3.4:8333", "[2001:db8::1]:8333", "<56 characters>.onion:8333",
 * "<52 characters>.b32.i2p:0"; "[::]:0" for PTD_NET_NONE. cap at least
 * PTD_NETADDR_TEXT, or it is cut. Gives out. */
PTD_API const char *ptd_netaddr_format(const struct ptd_netaddr *na, char *out,
                                       size_t cap) PTD_NONNULL(1, 2);

/* The same without port and brackets. */
PTD_API const char *
ptd_netaddr_format_host(const struct ptd_netaddr *na, char *out, size_t cap)
    PTD_NONNULL(1, 2);

/* Read an address with or without port: every form that format and format_host
 * write, but Tor v2; IPv6 without port also in brackets. fc00::/8 becomes
 * CJDNS, 0200::/7 Yggdrasil.
 *
 * Returns  PTD_OK; PTD_EINVAL (a host name among others)
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_netaddr_parse(struct ptd_netaddr *na, const char *text,
                  uint16_t default_port) PTD_NONNULL(1, 2);

/* Split "host", "host:port", "[host]:port" without looking at the host; more
 * than one colon outside brackets: all of it is the host.
 *
 * host     cap bytes, NUL-terminated
 * Returns  PTD_OK; PTD_EINVAL: bad port, empty host; PTD_ETOOBIG: cap
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_hostport_split(const char *text, char *host, size_t cap, uint16_t *port,
                   uint16_t default_port) PTD_NONNULL(1, 2, 4);

/* ---- comparing ---------------------------------------------------------- */

PTD_API bool
ptd_netaddr_is_equal(const struct ptd_netaddr *a, const struct ptd_netaddr *b)
    PTD_NONNULL(1, 2);
PTD_API bool ptd_netaddr_is_same_host(const struct ptd_netaddr *a,
                                      const struct ptd_netaddr *b)
    PTD_NONNULL(1, 2);

/* Below, at or above 0; a total order of network, address, port. */
PTD_API int ptd_netaddr_cmp(const struct ptd_netaddr *a,
                            const struct ptd_netaddr *b) PTD_NONNULL(1, 2);

/* Keyed hash (SipHash-2-4) of network, address and port. */
PTD_API uint64_t ptd_netaddr_hash(const struct ptd_netaddr *na, uint64_t k0,
                                  uint64_t k1) PTD_NONNULL(1);

/* ---- what kind it is ------------------------------------------------------
 * With the meaning that Bitcoin Core and btcd give these words. */

PTD_API bool ptd_netaddr_is_valid(const struct ptd_netaddr *na) PTD_NONNULL(1);
PTD_API bool ptd_netaddr_is_local(const struct ptd_netaddr *na) PTD_NONNULL(1);
PTD_API bool ptd_netaddr_is_routable(const struct ptd_netaddr *na)
    PTD_NONNULL(1);

/* Address ranges with a name of their own. */
enum ptd_net_range {
    PTD_RANGE_RFC1918, /* private: 10/8, 172.16/12, 192.168/16 */
    PTD_RANGE_RFC2544, /* benchmarks: 198.18/15 */
    PTD_RANGE_RFC3927, /* link-local: 169.254/16 */
    PTD_RANGE_RFC5737, /* documentation: 192.0.2/24, 198.51.100/24, 203.0.113/24 */
    PTD_RANGE_RFC6598, /* carrier-grade NAT: 100.64/10 */
    PTD_RANGE_RFC3849, /* documentation: 2001:db8::/32 */
    PTD_RANGE_RFC3964, /* 6to4: 2002::/16 */
    PTD_RANGE_RFC4193, /* unique local: fc00::/7 */
    PTD_RANGE_RFC4380, /* Teredo: 2001::/32 */
    PTD_RANGE_RFC4843, /* ORCHID: 2001:10::/28 */
    PTD_RANGE_RFC4862, /* link-local: fe80::/64 */
    PTD_RANGE_RFC6052, /* NAT64: 64:ff9b::/96 */
    PTD_RANGE_RFC6145, /* IPv4-translated: ::ffff:0:0:0/96 */
    PTD_RANGE_RFC7343, /* ORCHIDv2: 2001:20::/28 */
    PTD_RANGE_HE_NET,  /* Hurricane Electric tunnels: 2001:470::/32 */
    PTD_N_RANGES
};
PTD_API bool ptd_netaddr_is_in_range(const struct ptd_netaddr *na,
                                     enum ptd_net_range range) PTD_NONNULL(1);

/* The IPv4 address inside (6to4, Teredo, NAT64, translated, or itself), in
 * network order; false if there is none or it is not routable. */
PTD_API bool ptd_netaddr_linked_ipv4(const struct ptd_netaddr *na,
                                     uint8_t ipv4[4]) PTD_NONNULL(1, 2);

/* "ipv4", "ipv6", "onion", "i2p", "cjdns", "yggdrasil" (its BIP 155 network);
 * "not_publicly_routable" otherwise. An address with a linked IPv4 is "ipv4". */
PTD_API const char *ptd_netaddr_network_name(const struct ptd_netaddr *na)
    PTD_NONNULL(1);

PTD_END_DECLS

#endif /* PTD_NETADDR_H */
