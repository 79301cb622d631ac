#include <config.h>

#include "wire/header.h"
#include "wire/tx.h"

static uint32_t max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return PTD_MAX_PAYLOAD;
}

/* ---- block -------------------------------------------------------------- */

static void decode_block(struct ptd_msg *m, struct ptd_reader *r,
                         const struct ptd_codec *cx)
{
    struct ptd_msg_block *b = PTD_MSG_AS(block, m);
    const uint8_t *begin = r->p;

    ptd_read_header(r, &b->header);
    b->n_tx = ptd_read_count(r, "count", PTD_MAX_PAYLOAD / PTD_TX_MIN_BYTES,
                             PTD_TX_MIN_BYTES);
    if (r->err != PTD_OK)
        return;
    b->tx = ptd_read_txs(m, r, b->n_tx, cx);
    b->raw = (struct ptd_bytes){ begin, (size_t)(r->p - begin) };
}

static void encode_block(const struct ptd_msg *m, struct ptd_writer *w,
                         const struct ptd_codec *cx)
{
    const struct ptd_msg_block *b = PTD_MSG_CONST(block, m);

    ptd_write_header(w, &b->header);
    ptd_write_count(w, "count", b->n_tx, PTD_MAX_PAYLOAD / PTD_TX_MIN_BYTES);
    for (uint32_t i = 0; i < b->n_tx && w->err == PTD_OK; i++)
        ptd_write_tx(w, &b->tx[i], cx->encoding);
}

const struct ptd_codec_ops ptd_codec_block = {
    .has_views = true,
    .has_one_form = true,
    .decode = decode_block,
    .encode = encode_block,
    .max_payload = max_payload,
    .layout = ptd_tx_layout,
};

/* ---- merkleblock: BIP 37 ------------------------------------------------ */

/* No block has more transactions, hence no more leaves and flag bits: two
 * nodes a leaf, a bit a node. */
enum {
    MAX_HASHES = PTD_MAX_PAYLOAD / PTD_TX_MIN_BYTES,
    MAX_FLAG_BYTES = (2 * MAX_HASHES + 7) / 8
};

static void decode_merkleblock(struct ptd_msg *m, struct ptd_reader *r,
                               const struct ptd_codec *cx)
{
    struct ptd_msg_merkleblock *b = PTD_MSG_AS(merkleblock, m);
    const uint8_t *at;

    (void)cx;
    ptd_read_header(r, &b->header);
    b->n_tx = ptd_read_u32(r, "n_tx");
    b->n_hashes = ptd_read_count(r, "hashes", PTD_MAX_PAYLOAD / PTD_HASH_BYTES,
                                 PTD_HASH_BYTES);
    b->hashes = ptd_msg_alloc_raw(m, b->n_hashes, sizeof *b->hashes);
    if (b->hashes == NULL) {
        ptd_reader_fail(r, PTD_ENOMEM, "hashes", 0, 0);
        return;
    }
    at = ptd_read_raw(r, (size_t)b->n_hashes * PTD_HASH_BYTES, "hashes");
    if (at != NULL && b->n_hashes > 0)
        memcpy(b->hashes, at, (size_t)b->n_hashes * PTD_HASH_BYTES);
    b->flags = ptd_read_var_bytes(r, "flags", MAX_FLAG_BYTES);
}

static void encode_merkleblock(const struct ptd_msg *m, struct ptd_writer *w,
                               const struct ptd_codec *cx)
{
    const struct ptd_msg_merkleblock *b = PTD_MSG_CONST(merkleblock, m);

    (void)cx;
    ptd_write_header(w, &b->header);
    ptd_write_u32(w, b->n_tx);
    ptd_write_count(w, "hashes", b->n_hashes, PTD_MAX_PAYLOAD / PTD_HASH_BYTES);
    ptd_write_raw(w, b->hashes, (size_t)b->n_hashes * PTD_HASH_BYTES);
    ptd_write_var_bytes(w, "flags", b->flags, MAX_FLAG_BYTES);
}

static size_t merkleblock_list_bytes(enum ptd_msg_type type, size_t n)
{
    (void)type;
    return n;
}

_Static_assert(sizeof(struct ptd_hash) == PTD_HASH_BYTES,
               "lists of hashes are copied whole");

const struct ptd_codec_ops ptd_codec_merkleblock = {
    .has_views = true,
    .has_one_form = true,
    .decode = decode_merkleblock,
    .encode = encode_merkleblock,
    .max_payload = max_payload,
    .list_bytes = merkleblock_list_bytes,
};
