/* version: the one message that describes its own layout, since no version is
 * agreed upon before it. */
#include <config.h>

#include "wire/codec.h"
#include "wire/netaddr_io.h"
#include "wire/own.h"

enum {
    FROM_SINCE = 106,   /* address, nonce and user agent of the sender */
    HEIGHT_SINCE = 209, /* start height */
    ADDR_BYTES = 8 + PTD_IP16_BYTES,
    MAX_BYTES =
        4 + 8 + 8 + ADDR_BYTES + ADDR_BYTES + 8 + 3 + PTD_MAX_USER_AGENT + 4 + 1
};

/* Nodes have always taken a message that ends behind any of the later fields;
 * so what is missing altogether keeps its default. */
static bool has_field(const struct ptd_msg_version *v,
                      const struct ptd_reader *r, int32_t since)
{
    return v->version >= since && ptd_reader_left(r) > 0;
}

static void version_decode(struct ptd_msg *m, struct ptd_reader *r,
                           const struct ptd_codec *cx)
{
    struct ptd_msg_version *v = PTD_MSG_AS(version, m);

    (void)cx;
    v->version = ptd_read_i32(r, "version");
    v->services = ptd_read_u64(r, "services");
    v->time = ptd_read_i64(r, "time");
    v->addr_recv_services = ptd_read_u64(r, "receiver's services");
    ptd_read_ip16(r, &v->addr_recv, "receiver's address");
    if (has_field(v, r, FROM_SINCE)) {
        v->addr_from_services = ptd_read_u64(r, "sender's services");
        ptd_read_ip16(r, &v->addr_from, "sender's address");
    }
    if (has_field(v, r, FROM_SINCE))
        v->nonce = ptd_read_u64(r, "nonce");
    if (has_field(v, r, FROM_SINCE))
        ptd_read_var_own(m, &v->user_agent, r, "user agent",
                         PTD_MAX_USER_AGENT);
    if (has_field(v, r, HEIGHT_SINCE))
        v->start_height = ptd_read_i32(r, "start height");
    /* BIP 37: true where the field is absent. */
    v->relay = !has_field(v, r, PTD_PVER_BIP37) || ptd_read_u8(r, "relay") != 0;
}

static void version_encode(const struct ptd_msg *m, struct ptd_writer *w,
                           const struct ptd_codec *cx)
{
    const struct ptd_msg_version *v = PTD_MSG_CONST(version, m);

    (void)cx;
    ptd_write_i32(w, v->version);
    ptd_write_u64(w, v->services);
    ptd_write_i64(w, v->time);
    ptd_write_u64(w, v->addr_recv_services);
    ptd_write_ip16(w, &v->addr_recv);
    if (v->version >= FROM_SINCE) {
        ptd_write_u64(w, v->addr_from_services);
        ptd_write_ip16(w, &v->addr_from);
        ptd_write_u64(w, v->nonce);
        ptd_write_var_bytes(w, "user agent", v->user_agent, PTD_MAX_USER_AGENT);
    }
    if (v->version >= HEIGHT_SINCE)
        ptd_write_i32(w, v->start_height);
    if (v->version >= PTD_PVER_BIP37)
        ptd_write_u8(w, v->relay);
}

static uint32_t version_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return MAX_BYTES;
}

static size_t version_list_bytes(enum ptd_msg_type type, size_t n)
{
    (void)type;
    return n < MAX_BYTES ? n : MAX_BYTES;
}

static void version_init(struct ptd_msg *m)
{
    PTD_MSG_AS(version, m)->relay = true;
}

const struct ptd_codec_ops ptd_codec_version = {
    .decode = version_decode,
    .encode = version_encode,
    .max_payload = version_max_payload,
    .list_bytes = version_list_bytes,
    .init = version_init,
};

const struct ptd_codec_ops ptd_codec_empty = { .has_views = false };
