#include <config.h>

#include "pentad/netaddr.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "crypto/siphash.h"

/* One leading part of an address, for ranges that are a prefix. */
struct prefix {
    uint8_t net; /* enum ptd_net */
    uint8_t bits;
    uint8_t bytes[12];
};

static const uint8_t ipv4_mapped[12] = { [10] = 0xff, [11] = 0xff };
static const uint8_t onioncat[6] = { 0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43 };

static bool has_prefix(const struct ptd_netaddr *na, const struct prefix *p)
{
    unsigned whole = p->bits / 8;
    unsigned rest = p->bits % 8;
    uint8_t mask = (uint8_t)(0xff00u >> rest);

    return na->net == p->net && memcmp(na->addr, p->bytes, whole) == 0 &&
           (rest == 0 || ((na->addr[whole] ^ p->bytes[whole]) & mask) == 0);
}

static bool is_all(const uint8_t *p, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != value)
            return false;
    }
    return true;
}

/* ---- making ------------------------------------------------------------  */

size_t ptd_net_addr_bytes(unsigned net)
{
    static const uint8_t bytes[] = {
        [PTD_NET_NONE] = 0,   [PTD_NET_IPV4] = 4,       [PTD_NET_IPV6] = 16,
        [PTD_NET_TORV2] = 10, [PTD_NET_TORV3] = 32,     [PTD_NET_I2P] = 32,
        [PTD_NET_CJDNS] = 16, [PTD_NET_YGGDRASIL] = 16,
    };

    return net < PTD_COUNT(bytes) ? bytes[net] : 0;
}

enum ptd_err ptd_netaddr_set(struct ptd_netaddr *na, unsigned net,
                             const uint8_t *addr, size_t n, uint16_t port)
{
    if (n == 0 || n != ptd_net_addr_bytes(net))
        return PTD_EBADVALUE;
    *na = (struct ptd_netaddr){ .net = (uint8_t)net,
                                .len = (uint8_t)n,
                                .port = port };
    memcpy(na->addr, addr, n);
    return PTD_OK;
}

void ptd_netaddr_from_ip16(struct ptd_netaddr *na, const uint8_t ip[16],
                           uint16_t port)
{
    enum ptd_net net = PTD_NET_IPV6;
    size_t skip = 0;

    if (memcmp(ip, ipv4_mapped, sizeof ipv4_mapped) == 0) {
        net = PTD_NET_IPV4;
        skip = sizeof ipv4_mapped;
    } else if (memcmp(ip, onioncat, sizeof onioncat) == 0) {
        net = PTD_NET_TORV2;
        skip = sizeof onioncat;
    }
    *na = (struct ptd_netaddr){ .net = (uint8_t)net,
                                .len = (uint8_t)(16 - skip),
                                .port = port };
    memcpy(na->addr, ip + skip, 16 - skip);
}

bool ptd_netaddr_to_ip16(const struct ptd_netaddr *na, uint8_t ip[16])
{
    memset(ip, 0, 16);
    if (na->net == PTD_NET_IPV4) {
        memcpy(ip, ipv4_mapped, sizeof ipv4_mapped);
        memcpy(ip + sizeof ipv4_mapped, na->addr, 4);
    } else if (na->net == PTD_NET_TORV2) {
        memcpy(ip, onioncat, sizeof onioncat);
        memcpy(ip + sizeof onioncat, na->addr, 10);
    } else if (na->net == PTD_NET_IPV6) {
        memcpy(ip, na->addr, 16);
    } else {
        return false;
    }
    return true;
}

void ptd_netaddr_ipv6_to_cjdns(struct ptd_netaddr *na)
{
    if (na->net == PTD_NET_IPV6 && na->addr[0] == 0xfc)
        na->net = PTD_NET_CJDNS;
}

/* ---- comparing ---------------------------------------------------------- */

bool ptd_netaddr_is_same_host(const struct ptd_netaddr *a,
                              const struct ptd_netaddr *b)
{
    return a->net == b->net &&
           memcmp(a->addr, b->addr, PTD_NETADDR_MAX_BYTES) == 0;
}

bool ptd_netaddr_is_equal(const struct ptd_netaddr *a,
                          const struct ptd_netaddr *b)
{
    return a->port == b->port && ptd_netaddr_is_same_host(a, b);
}

int ptd_netaddr_cmp(const struct ptd_netaddr *a, const struct ptd_netaddr *b)
{
    int order;

    if (a->net != b->net)
        return a->net < b->net ? -1 : 1;
    order = memcmp(a->addr, b->addr, PTD_NETADDR_MAX_BYTES);
    if (order != 0)
        return order;
    return (a->port > b->port) - (a->port < b->port);
}

uint64_t ptd_netaddr_hash(const struct ptd_netaddr *na, uint64_t k0,
                          uint64_t k1)
{
    uint8_t key[1 + PTD_NETADDR_MAX_BYTES + 2];
    size_t n = ptd_net_addr_bytes(na->net);

    key[0] = na->net;
    memcpy(key + 1, na->addr, n);
    ptd_put_le16(key + 1 + n, na->port);
    return ptd_siphash24(k0, k1, key, 1 + n + 2);
}

/* ---- what kind it is ---------------------------------------------------- */

bool ptd_netaddr_is_in_range(const struct ptd_netaddr *na,
                             enum ptd_net_range range)
{
    enum { V4 = PTD_NET_IPV4, V6 = PTD_NET_IPV6, MOST = 3 };
    static const struct prefix ranges[PTD_N_RANGES][MOST] = {
        [PTD_RANGE_RFC1918] = { { V4, 8, { 10 } },
                                { V4, 12, { 172, 16 } },
                                { V4, 16, { 192, 168 } } },
        [PTD_RANGE_RFC2544] = { { V4, 15, { 198, 18 } } },
        [PTD_RANGE_RFC3927] = { { V4, 16, { 169, 254 } } },
        [PTD_RANGE_RFC5737] = { { V4, 24, { 192, 0, 2 } },
                                { V4, 24, { 198, 51, 100 } },
                                { V4, 24, { 203, 0, 113 } } },
        [PTD_RANGE_RFC6598] = { { V4, 10, { 100, 64 } } },
        [PTD_RANGE_RFC3849] = { { V6, 32, { 0x20, 0x01, 0x0d, 0xb8 } } },
        [PTD_RANGE_RFC3964] = { { V6, 16, { 0x20, 0x02 } } },
        [PTD_RANGE_RFC4193] = { { V6, 7, { 0xfc } } },
        [PTD_RANGE_RFC4380] = { { V6, 32, { 0x20, 0x01 } } },
        [PTD_RANGE_RFC4843] = { { V6, 28, { 0x20, 0x01, 0x00, 0x10 } } },
        [PTD_RANGE_RFC4862] = { { V6, 64, { 0xfe, 0x80 } } },
        [PTD_RANGE_RFC6052] = { { V6, 96, { 0x00, 0x64, 0xff, 0x9b } } },
        [PTD_RANGE_RFC6145] = { { V6, 96, { [8] = 0xff, [9] = 0xff } } },
        [PTD_RANGE_RFC7343] = { { V6, 28, { 0x20, 0x01, 0x00, 0x20 } } },
        [PTD_RANGE_HE_NET] = { { V6, 32, { 0x20, 0x01, 0x04, 0x70 } } },
    };

    for (size_t i = 0; i < MOST; i++) {
        if (has_prefix(na, &ranges[range][i]) && ranges[range][i].bits != 0)
            return true;
    }
    return false;
}

/* fd6b:88c0:8724::/48, where Bitcoin Core files names of its own. */
static bool is_internal(const struct ptd_netaddr *na)
{
    static const struct prefix internal = {
        PTD_NET_IPV6, 48, { 0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24 }
    };

    return has_prefix(na, &internal);
}

bool ptd_netaddr_is_valid(const struct ptd_netaddr *na)
{
    switch ((enum ptd_net)na->net) {
    case PTD_NET_IPV4:
        return !is_all(na->addr, 4, 0) && !is_all(na->addr, 4, 0xff);
    case PTD_NET_IPV6:
        return !is_all(na->addr, 16, 0) && !is_internal(na) &&
               !ptd_netaddr_is_in_range(na, PTD_RANGE_RFC3849);
    case PTD_NET_TORV3:
    case PTD_NET_I2P: return true;
    case PTD_NET_CJDNS: /* BIP 155: fc00::/8 */ return na->addr[0] == 0xfc;
    case PTD_NET_YGGDRASIL: /* BIP 155: 0200::/7 */
        return (na->addr[0] & 0xfe) == 0x02;
    case PTD_NET_NONE:
    case PTD_NET_TORV2: break;
    }
    return false;
}

bool ptd_netaddr_is_local(const struct ptd_netaddr *na)
{
    if (na->net == PTD_NET_IPV4)
        return na->addr[0] == 127 || na->addr[0] == 0;
    return na->net == PTD_NET_IPV6 && is_all(na->addr, 15, 0) &&
           na->addr[15] == 1;
}

bool ptd_netaddr_is_routable(const struct ptd_netaddr *na)
{
    static const enum ptd_net_range never[] = {
        PTD_RANGE_RFC1918, PTD_RANGE_RFC2544, PTD_RANGE_RFC3927,
        PTD_RANGE_RFC5737, PTD_RANGE_RFC6598, PTD_RANGE_RFC4193,
        PTD_RANGE_RFC4843, PTD_RANGE_RFC4862, PTD_RANGE_RFC7343,
    };

    if (!ptd_netaddr_is_valid(na) || ptd_netaddr_is_local(na))
        return false;
    for (size_t i = 0; i < PTD_COUNT(never); i++) {
        if (ptd_netaddr_is_in_range(na, never[i]))
            return false;
    }
    return true;
}

bool ptd_netaddr_linked_ipv4(const struct ptd_netaddr *na, uint8_t ipv4[4])
{
    if (!ptd_netaddr_is_routable(na))
        return false;
    if (na->net == PTD_NET_IPV4) {
        memcpy(ipv4, na->addr, 4);
    } else if (ptd_netaddr_is_in_range(na, PTD_RANGE_RFC6052) ||
               ptd_netaddr_is_in_range(na, PTD_RANGE_RFC6145)) {
        memcpy(ipv4, na->addr + 12, 4);
    } else if (ptd_netaddr_is_in_range(na, PTD_RANGE_RFC3964)) {
        memcpy(ipv4, na->addr + 2, 4);
    } else if (ptd_netaddr_is_in_range(na, PTD_RANGE_RFC4380)) {
        /* RFC 4380: the client's address is stored inverted. */
        for (int i = 0; i < 4; i++)
            ipv4[i] = (uint8_t)~na->addr[12 + i];
    } else {
        return false;
    }
    return true;
}

const char *ptd_netaddr_network_name(const struct ptd_netaddr *na)
{
    static const char *const names[] = {
        [PTD_NET_IPV4] = "ipv4",   [PTD_NET_IPV6] = "ipv6",
        [PTD_NET_TORV3] = "onion", [PTD_NET_I2P] = "i2p",
        [PTD_NET_CJDNS] = "cjdns", [PTD_NET_YGGDRASIL] = "yggdrasil",
    };
    uint8_t ipv4[4];

    if (!ptd_netaddr_is_routable(na))
        return "not_publicly_routable";
    if (ptd_netaddr_linked_ipv4(na, ipv4))
        return names[PTD_NET_IPV4];
    return names[na->net];
}
