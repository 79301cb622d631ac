/* inv, getdata, notfound. */
#include <config.h>

#include "wire/codec.h"
#include "wire/own.h"

enum { INV_BYTES = 4 + 32 };

static void inv_decode(struct ptd_msg *m, struct ptd_reader *r,
                       const struct ptd_codec *cx)
{
    struct ptd_msg_inv *inv = PTD_MSG_AS(inv, m);
    uint32_t n = ptd_read_count(r, "count", PTD_MAX_INV_PER_MSG, INV_BYTES);
    const uint8_t *at = ptd_read_raw(r, (size_t)n * INV_BYTES, "list");

    (void)cx;
    inv->list = ptd_read_list(m, r, "list", n, sizeof *inv->list);
    if (inv->list == NULL)
        return;
    for (uint32_t i = 0; i < n; i++, at += INV_BYTES) {
        inv->list[i].type = ptd_get_le32(at);
        memcpy(&inv->list[i].hash, at + 4, 32);
    }
    inv->n = n;
}

static void inv_encode(const struct ptd_msg *m, struct ptd_writer *w,
                       const struct ptd_codec *cx)
{
    const struct ptd_msg_inv *inv = PTD_MSG_CONST(inv, m);
    uint8_t *at;

    (void)cx;
    ptd_write_count(w, "count", inv->n, PTD_MAX_INV_PER_MSG);
    at = ptd_write_space(w, (size_t)inv->n * INV_BYTES);
    if (at == NULL)
        return;
    for (uint32_t i = 0; i < inv->n; i++, at += INV_BYTES) {
        ptd_put_le32(at, inv->list[i].type);
        memcpy(at + 4, &inv->list[i].hash, 32);
    }
}

static uint32_t inv_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return 3 + PTD_MAX_INV_PER_MSG * INV_BYTES;
}

static size_t inv_list_bytes(enum ptd_msg_type type, size_t n)
{
    (void)type;
    return n;
}

const struct ptd_codec_ops ptd_codec_inv = {
    .decode = inv_decode,
    .encode = inv_encode,
    .max_payload = inv_max_payload,
    .list_bytes = inv_list_bytes,
};
