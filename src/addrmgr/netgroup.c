#include <config.h>

#include "addrmgr/netgroup.h"

#include <string.h>

#include "addrmgr/asmap.h"
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "crypto/sha256.h"

struct ptd_netgroup {
    uint8_t *map; /* NULL: none */
    size_t n;
    struct ptd_hash version;
};

/* What a group begins with: Bitcoin Core's numbers of networks, which are not
 * those of BIP 155. */
enum class {
    CLASS_UNROUTABLE,
    CLASS_IPV4,
    CLASS_IPV6,
    CLASS_ONION,
    CLASS_I2P,
    CLASS_CJDNS,
    CLASS_NAME,
    CLASS_YGGDRASIL /* Bitcoin Core knows none */
};

enum { NAME_PREFIX_BYTES = 6, NAME_BYTES = 10 };

/* fd6b:88c0:8724::/48: sources with a name. */
static const uint8_t name_prefix[NAME_PREFIX_BYTES] = { 0xfd, 0x6b, 0x88,
                                                        0xc0, 0x87, 0x24 };

enum ptd_err ptd_netgroup_new(struct ptd_netgroup **out, uint8_t *map, size_t n)
{
    struct ptd_netgroup *ng;

    if (n > 0 && !ptd_asmap_is_sane(map, n, 128)) {
        ptd_free(map);
        return PTD_EBADVALUE;
    }
    if ((ng = ptd_calloc(1, sizeof *ng)) == NULL) {
        ptd_free(map);
        return PTD_ENOMEM;
    }
    ng->map = map;
    ng->n = n;
    ptd_asmap_version(&ng->version, map, n);
    *out = ng;
    return PTD_OK;
}

void ptd_netgroup_free(struct ptd_netgroup *ng)
{
    if (ng == NULL)
        return;
    ptd_free(ng->map);
    ptd_free(ng);
}

bool ptd_netgroup_has_map(const struct ptd_netgroup *ng)
{
    return ng != NULL && ng->n > 0;
}

void ptd_netgroup_version(const struct ptd_netgroup *ng, struct ptd_hash *out)
{
    *out = ng != NULL ? ng->version : (struct ptd_hash){ { 0 } };
}

enum ptd_net ptd_netgroup_class(const struct ptd_netaddr *na)
{
    uint8_t ipv4[4];

    if (!ptd_netaddr_is_routable(na))
        return PTD_NET_NONE;
    return ptd_netaddr_linked_ipv4(na, ipv4) ? PTD_NET_IPV4
                                             : (enum ptd_net)na->net;
}

uint32_t ptd_netgroup_as(const struct ptd_netgroup *ng,
                         const struct ptd_netaddr *na)
{
    uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };

    if (!ptd_netgroup_has_map(ng) || !ptd_netaddr_is_routable(na))
        return 0;
    if (!ptd_netaddr_linked_ipv4(na, ip + 12)) {
        if (na->net != PTD_NET_IPV6)
            return 0;
        memcpy(ip, na->addr, sizeof ip);
    }
    return ptd_asmap_lookup(ng->map, ng->n, ip);
}

static bool is_name(const struct ptd_netaddr *na)
{
    return na->net == PTD_NET_IPV6 &&
           memcmp(na->addr, name_prefix, sizeof name_prefix) == 0;
}

static void append(struct ptd_group *g, const uint8_t *p, size_t n)
{
    memcpy(g->key + g->n, p, n);
    g->n = (uint8_t)(g->n + n);
}

/* The first bits of an address; the rest of the last byte is set to ones. */
static void append_prefix(struct ptd_group *g, const uint8_t *p, unsigned bits)
{
    append(g, p, (bits + 7) / 8);
    if (bits % 8 != 0)
        g->key[g->n - 1] |= (uint8_t)(0xff >> bits % 8);
}

/* Addresses that are routable, without a linked IPv4. */
static void group_of_prefix(struct ptd_group *g, const struct ptd_netaddr *na)
{
    switch ((enum ptd_net)na->net) {
    case PTD_NET_TORV3:
        g->key[0] = CLASS_ONION;
        append_prefix(g, na->addr, 4);
        return;
    case PTD_NET_I2P:
        g->key[0] = CLASS_I2P;
        append_prefix(g, na->addr, 4);
        return;
    case PTD_NET_CJDNS: /* the first byte is the same for all */
        g->key[0] = CLASS_CJDNS;
        append_prefix(g, na->addr, 12);
        return;
    case PTD_NET_YGGDRASIL: /* the first two bytes say how rare the key is */
        g->key[0] = CLASS_YGGDRASIL;
        append_prefix(g, na->addr + 2, 4);
        return;
    case PTD_NET_IPV6:
        g->key[0] = CLASS_IPV6;
        append_prefix(g, na->addr,
                      ptd_netaddr_is_in_range(na, PTD_RANGE_HE_NET) ? 36 : 32);
        return;
    case PTD_NET_NONE:
    case PTD_NET_IPV4:
    case PTD_NET_TORV2: break;
    }
    g->key[0] = CLASS_UNROUTABLE;
}

void ptd_netgroup_of(const struct ptd_netgroup *ng, struct ptd_group *out,
                     const struct ptd_netaddr *na)
{
    uint32_t as = ptd_netgroup_as(ng, na);
    uint8_t ipv4[4];

    *out = (struct ptd_group){ .n = 1, .key = { CLASS_UNROUTABLE } };
    if (as != 0) {
        /* IPv4 and IPv6 of one system are one group. */
        out->key[0] = CLASS_IPV6;
        out->n = 5;
        ptd_put_le32(out->key + 1, as);
    } else if (is_name(na)) {
        out->key[0] = CLASS_NAME;
        append(out, na->addr + NAME_PREFIX_BYTES, NAME_BYTES);
    } else if (ptd_netaddr_linked_ipv4(na, ipv4)) {
        out->key[0] = CLASS_IPV4;
        append(out, ipv4, 2);
    } else if (ptd_netaddr_is_routable(na)) {
        group_of_prefix(out, na);
    }
}

bool ptd_group_is_equal(const struct ptd_group *a, const struct ptd_group *b)
{
    return a->n == b->n && memcmp(a->key, b->key, a->n) == 0;
}

void ptd_netgroup_name_source(struct ptd_netaddr *out, const char *name)
{
    uint8_t hash[32];

    ptd_sha256(hash, name, strlen(name));
    *out = (struct ptd_netaddr){ .net = PTD_NET_IPV6, .len = 16 };
    memcpy(out->addr, name_prefix, NAME_PREFIX_BYTES);
    memcpy(out->addr + NAME_PREFIX_BYTES, hash, NAME_BYTES);
}
