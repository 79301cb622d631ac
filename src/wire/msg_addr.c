/* addr, and addrv2 of BIP 155. */
#include <config.h>

#include "wire/codec.h"
#include "wire/netaddr_io.h"
#include "wire/own.h"

enum {
    V1_BYTES = 8 + PTD_IP16_BYTES, /* and 4 of time */
    V2_MIN_BYTES = 4 + 1 + 1 + 1 + 0 + 2,
    V2_MAX_BYTES = 4 + 9 + 1 + 3 + PTD_MAX_ADDRV2_BYTES + 2
};

static bool has_time(uint32_t pver)
{
    return pver >= PTD_PVER_NETADDR_TIME;
}

static uint32_t max_entries(enum ptd_msg_type type, uint32_t pver)
{
    return type == PTD_MSG_ADDR && pver < PTD_PVER_MULTIPLE_ADDRESS
               ? 1
               : PTD_MAX_ADDR_PER_MSG;
}

static size_t v1_bytes(uint32_t pver)
{
    return V1_BYTES + (has_time(pver) ? 4 : 0);
}

static void read_v1(struct ptd_reader *r, struct ptd_addr_entry *e,
                    uint32_t pver)
{
    e->time = has_time(pver) ? ptd_read_u32(r, "time") : 0;
    e->services = ptd_read_u64(r, "services");
    ptd_read_ip16(r, &e->na, "address");
}

/* BIP 155: Tor v2 is ignored on receipt, and so is what has a network of its
 * own but comes inside an IPv6 address. */
static bool is_to_be_ignored(const struct ptd_netaddr *na)
{
    struct ptd_netaddr inner;

    if (na->net == PTD_NET_TORV2)
        return true;
    if (na->net != PTD_NET_IPV6)
        return false;
    ptd_netaddr_from_ip16(&inner, na->addr, na->port);
    return inner.net != PTD_NET_IPV6;
}

/* Networks whose addresses have a length that a sender must know. Of Tor v2,
 * which is gone, and Yggdrasil, which BIP 155 lists but Bitcoin Core does not
 * know, an odd one is dropped like that of a network unknown. */
static bool has_fixed_length(uint8_t net)
{
    return net == PTD_NET_IPV4 || net == PTD_NET_IPV6 || net == PTD_NET_TORV3 ||
           net == PTD_NET_I2P || net == PTD_NET_CJDNS;
}

/* False if the entry is well-formed but not for us, and after an error. */
static bool read_v2(struct ptd_reader *r, struct ptd_addr_entry *e)
{
    struct ptd_bytes addr;
    uint16_t port;
    uint8_t net;

    e->time = ptd_read_u32(r, "time");
    e->services = ptd_read_varint(r, "services");
    net = ptd_read_u8(r, "network");
    addr = ptd_read_var_bytes(r, "address", PTD_MAX_ADDRV2_BYTES);
    port = ptd_read_u16be(r, "port");
    if (r->err != PTD_OK || ptd_net_addr_bytes(net) == 0)
        return false;
    /* BIP 155: an address of another length than its network's is refused,
     * and the message with it. */
    if (ptd_netaddr_set(&e->na, net, addr.p, addr.n, port) != PTD_OK) {
        if (!has_fixed_length(net))
            return false;
        ptd_reader_fail(r, PTD_EBADVALUE, "address length", addr.n,
                        ptd_net_addr_bytes(net));
        return false;
    }
    return !is_to_be_ignored(&e->na);
}

static void addr_decode(struct ptd_msg *m, struct ptd_reader *r,
                        const struct ptd_codec *cx)
{
    struct ptd_msg_addr *a = PTD_MSG_AS(addr, m);
    bool v2 = m->type == PTD_MSG_ADDRV2;
    uint32_t n = ptd_read_count(r, "count", max_entries(m->type, cx->pver),
                                v2 ? V2_MIN_BYTES : v1_bytes(cx->pver));

    a->list = ptd_read_list(m, r, "list", n, sizeof *a->list);
    for (uint32_t i = 0; i < n && r->err == PTD_OK; i++) {
        if (!v2)
            read_v1(r, &a->list[a->n++], cx->pver);
        else if (read_v2(r, &a->list[a->n]))
            a->n++;
        else
            a->n_ignored++;
    }
}

static void write_v1(struct ptd_writer *w, const struct ptd_addr_entry *e,
                     uint32_t pver)
{
    uint8_t ip[16];

    if (!ptd_netaddr_to_ip16(&e->na, ip))
        ptd_writer_fail(w, PTD_EBADVALUE, "network", e->na.net, 0);
    if (has_time(pver))
        ptd_write_u32(w, e->time);
    ptd_write_u64(w, e->services);
    ptd_write_ip16(w, &e->na);
}

static void write_v2(struct ptd_writer *w, const struct ptd_addr_entry *e)
{
    size_t n = ptd_net_addr_bytes(e->na.net);

    /* BIP 155: Tor v2 is not gossiped, unknown networks neither. */
    if (n == 0 || n != e->na.len || is_to_be_ignored(&e->na))
        ptd_writer_fail(w, PTD_EBADVALUE, "network", e->na.net, 0);
    ptd_write_u32(w, e->time);
    ptd_write_varint(w, e->services);
    ptd_write_u8(w, e->na.net);
    ptd_write_varint(w, n);
    ptd_write_raw(w, e->na.addr, n);
    ptd_write_u16be(w, e->na.port);
}

static void addr_encode(const struct ptd_msg *m, struct ptd_writer *w,
                        const struct ptd_codec *cx)
{
    const struct ptd_msg_addr *a = PTD_MSG_CONST(addr, m);

    ptd_write_count(w, "count", a->n, max_entries(m->type, cx->pver));
    for (uint32_t i = 0; i < a->n && w->err == PTD_OK; i++) {
        if (m->type == PTD_MSG_ADDRV2)
            write_v2(w, &a->list[i]);
        else
            write_v1(w, &a->list[i], cx->pver);
    }
}

static uint32_t addr_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    uint32_t each =
        type == PTD_MSG_ADDRV2 ? V2_MAX_BYTES : (uint32_t)v1_bytes(pver);

    return 3 + max_entries(type, pver) * each;
}

/* addrv2 has one layout; addr changed twice. */
static uint32_t addr_layout(enum ptd_msg_type type, const struct ptd_codec *cx)
{
    if (type == PTD_MSG_ADDRV2)
        return 0;
    return cx->pver < PTD_PVER_MULTIPLE_ADDRESS ? 1
           : has_time(cx->pver)                 ? 0
                                                : 2;
}

static size_t addr_list_bytes(enum ptd_msg_type type, size_t n)
{
    size_t each = type == PTD_MSG_ADDRV2 ? V2_MIN_BYTES : V1_BYTES;
    size_t most =
        n / each < PTD_MAX_ADDR_PER_MSG ? n / each : PTD_MAX_ADDR_PER_MSG;

    return most * sizeof(struct ptd_addr_entry);
}

const struct ptd_codec_ops ptd_codec_addr = {
    .decode = addr_decode,
    .encode = addr_encode,
    .max_payload = addr_max_payload,
    .layout = addr_layout,
    .list_bytes = addr_list_bytes,
};
