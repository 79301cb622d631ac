#include <config.h>

#include "base/bytes.h"
#include "crypto/sha256.h"
#include "wire/header.h"

/* ---- one header --------------------------------------------------------- */

void ptd_block_header_decode(struct ptd_block_header *h, const uint8_t in[80])
{
    h->version = (int32_t)ptd_get_le32(in);
    memcpy(h->prev.b, in + 4, 32);
    memcpy(h->merkle_root.b, in + 36, 32);
    h->time = ptd_get_le32(in + 68);
    h->bits = ptd_get_le32(in + 72);
    h->nonce = ptd_get_le32(in + 76);
}

void ptd_block_header_encode(const struct ptd_block_header *h, uint8_t out[80])
{
    ptd_put_le32(out, (uint32_t)h->version);
    memcpy(out + 4, h->prev.b, 32);
    memcpy(out + 36, h->merkle_root.b, 32);
    ptd_put_le32(out + 68, h->time);
    ptd_put_le32(out + 72, h->bits);
    ptd_put_le32(out + 76, h->nonce);
}

void ptd_block_header_hash(const struct ptd_block_header *h,
                           struct ptd_hash *out)
{
    uint8_t form[PTD_BLOCK_HEADER_BYTES];

    ptd_block_header_encode(h, form);
    ptd_sha256d(out->b, form, sizeof form);
}

/* ---- headers ------------------------------------------------------------ */

/* Each header is followed by a count of transactions that do not follow: 0.
 * Bitcoin Core reads and forgets any other, so nodes may send one. */
enum {
    ENTRY_BYTES = PTD_BLOCK_HEADER_BYTES + 1,
    ENTRY_MAX_BYTES = PTD_BLOCK_HEADER_BYTES + 9
};

static void decode(struct ptd_msg *m, struct ptd_reader *r,
                   const struct ptd_codec *cx)
{
    struct ptd_msg_headers *msg = PTD_MSG_AS(headers, m);

    msg->n = ptd_read_count(r, "count", PTD_MAX_HEADERS_PER_MSG, ENTRY_BYTES);
    msg->list = ptd_msg_alloc_raw(m, msg->n, sizeof *msg->list);
    if (msg->list == NULL) {
        ptd_reader_fail(r, PTD_ENOMEM, "list", 0, 0);
        return;
    }
    for (uint32_t i = 0; i < msg->n && r->err == PTD_OK; i++) {
        uint64_t n_tx;

        ptd_read_header(r, &msg->list[i]);
        if ((n_tx = ptd_read_varint(r, "n_tx")) != 0 && cx->strict)
            ptd_reader_fail(r, PTD_EBADVALUE, "n_tx", n_tx, 0);
    }
}

static void encode(const struct ptd_msg *m, struct ptd_writer *w,
                   const struct ptd_codec *cx)
{
    const struct ptd_msg_headers *msg = PTD_MSG_CONST(headers, m);
    uint8_t *at;

    (void)cx;
    ptd_write_count(w, "count", msg->n, PTD_MAX_HEADERS_PER_MSG);
    at = ptd_write_space(w, (size_t)msg->n * ENTRY_BYTES);
    for (uint32_t i = 0; at != NULL && i < msg->n; i++, at += ENTRY_BYTES) {
        ptd_block_header_encode(&msg->list[i], at);
        at[PTD_BLOCK_HEADER_BYTES] = 0;
    }
}

static uint32_t max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return 3 + PTD_MAX_HEADERS_PER_MSG * ENTRY_MAX_BYTES;
}

static size_t list_bytes(enum ptd_msg_type type, size_t n)
{
    (void)type;
    return PTD_MIN(n / ENTRY_BYTES, (size_t)PTD_MAX_HEADERS_PER_MSG) *
           sizeof(struct ptd_block_header);
}

const struct ptd_codec_ops ptd_codec_headers = {
    .decode = decode,
    .encode = encode,
    .max_payload = max_payload,
    .list_bytes = list_bytes,
};

struct ptd_msg *ptd_msg_new_headers(const struct ptd_block_header *list,
                                    size_t n)
{
    struct ptd_msg *m;
    struct ptd_msg_headers *msg;

    if (n > PTD_MAX_HEADERS_PER_MSG ||
        (m = ptd_msg_new(PTD_MSG_HEADERS)) == NULL)
        return NULL;
    msg = PTD_MSG_AS(headers, m);
    if ((msg->list = ptd_msg_alloc_raw(m, n, sizeof *list)) == NULL) {
        ptd_msg_free(m);
        return NULL;
    }
    if (n > 0)
        memcpy(msg->list, list, n * sizeof *list);
    msg->n = (uint32_t)n;
    return m;
}
