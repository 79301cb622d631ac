#include <config.h>

#include "wire/header.h"
#include "wire/tx.h"

/* BIP 152 messages: cmpctblock, getblocktxn, blocktxn.
 *
 * Indexes of transactions are 16 bits wide and go as differences: each says
 * how many lie between it and the one before. */
enum {
    MAX_INDEX = UINT16_MAX,
    MAX_BLOCK_TX = MAX_INDEX + 1,
    SHORT_ID_BYTES = 6,
    PREFILLED_MIN_BYTES = 1 + PTD_TX_MIN_BYTES
};

/* The next index, after the ones below `next`, at most max. */
static uint32_t read_index(struct ptd_reader *r, const char *field,
                           uint32_t next, uint32_t max)
{
    uint64_t gap = ptd_read_varint(r, field);

    /* gap may be anything up to 2^64 - 1: no sum before it is known small. */
    if (gap > max || next + gap > max) {
        ptd_reader_fail(r, PTD_ETOOBIG, field, gap > max ? gap : next + gap,
                        max);
        return 0;
    }
    return next + (uint32_t)gap;
}

static void write_index(struct ptd_writer *w, const char *field, uint32_t index,
                        uint32_t next, uint32_t max)
{
    if (index < next)
        ptd_writer_fail(w, PTD_EBADVALUE, field, index, 0);
    else if (index > max)
        ptd_writer_fail(w, PTD_ETOOBIG, field, index, max);
    else
        ptd_write_varint(w, index - next);
}

static uint32_t max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return PTD_MAX_PAYLOAD;
}

/* ---- cmpctblock --------------------------------------------------------- */

static void read_short_ids(struct ptd_msg_cmpctblock *b, struct ptd_reader *r)
{
    b->n_short_ids =
        ptd_read_count(r, "short_ids", MAX_BLOCK_TX, SHORT_ID_BYTES);
    b->short_ids =
        ptd_msg_alloc_raw(&b->msg, b->n_short_ids, sizeof *b->short_ids);
    if (b->short_ids == NULL) {
        ptd_reader_fail(r, PTD_ENOMEM, "short_ids", 0, 0);
        return;
    }
    for (uint32_t i = 0; i < b->n_short_ids; i++) {
        uint32_t low = ptd_read_u32(r, "short_ids");

        b->short_ids[i] = (uint64_t)ptd_read_u16le(r, "short_ids") << 32 | low;
    }
}

/* The list is empty while it is scanned for what it needs. */
static void walk_prefilled(struct ptd_msg_cmpctblock *b, struct ptd_reader *r,
                           struct ptd_tx_room *room,
                           struct ptd_prefilled_tx *list,
                           const struct ptd_codec *cx)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < b->n_prefilled && r->err == PTD_OK; i++) {
        /* Before it lie the prefilled ones so far and, at most, all others. */
        uint32_t index =
            read_index(r, "prefilled.index", next, b->n_short_ids + i);

        next = index + 1;
        if (list == NULL) {
            ptd_tx_scan(r, room, cx);
        } else {
            list[i].index = index;
            ptd_tx_fill(&list[i].tx, r, room, cx);
        }
    }
}

static void read_prefilled(struct ptd_msg_cmpctblock *b, struct ptd_reader *r,
                           const struct ptd_codec *cx)
{
    struct ptd_tx_room room = { 0 };
    struct ptd_reader ahead;
    void *list;

    b->n_prefilled = ptd_read_count(
        r, "prefilled", MAX_BLOCK_TX - b->n_short_ids, PREFILLED_MIN_BYTES);
    ahead = *r;
    walk_prefilled(b, &ahead, &room, NULL, cx);
    if (ahead.err != PTD_OK) {
        *r = ahead;
        return;
    }
    if (!ptd_tx_room_alloc(&b->msg, r, &room, &list, b->n_prefilled,
                           sizeof *b->prefilled))
        return;
    b->prefilled = list;
    walk_prefilled(b, r, &room, b->prefilled, cx);
}

static void decode_cmpctblock(struct ptd_msg *m, struct ptd_reader *r,
                              const struct ptd_codec *cx)
{
    struct ptd_msg_cmpctblock *b = PTD_MSG_AS(cmpctblock, m);

    ptd_read_header(r, &b->header);
    b->nonce = ptd_read_u64(r, "nonce");
    read_short_ids(b, r);
    read_prefilled(b, r, cx);
}

static void encode_cmpctblock(const struct ptd_msg *m, struct ptd_writer *w,
                              const struct ptd_codec *cx)
{
    const struct ptd_msg_cmpctblock *b = PTD_MSG_CONST(cmpctblock, m);
    uint32_t next = 0;

    ptd_write_header(w, &b->header);
    ptd_write_u64(w, b->nonce);
    ptd_write_count(w, "short_ids", b->n_short_ids, MAX_BLOCK_TX);
    for (uint32_t i = 0; i < b->n_short_ids && w->err == PTD_OK; i++) {
        if (b->short_ids[i] >> (8 * SHORT_ID_BYTES) != 0)
            ptd_writer_fail(w, PTD_EBADVALUE, "short_ids", b->short_ids[i], 0);
        ptd_write_u32(w, (uint32_t)b->short_ids[i]);
        ptd_write_u16le(w, (uint16_t)(b->short_ids[i] >> 32));
    }
    if (w->err != PTD_OK)
        return;
    ptd_write_count(w, "prefilled", b->n_prefilled,
                    MAX_BLOCK_TX - b->n_short_ids);
    for (uint32_t i = 0; i < b->n_prefilled && w->err == PTD_OK; i++) {
        write_index(w, "prefilled.index", b->prefilled[i].index, next,
                    b->n_short_ids + i);
        next = b->prefilled[i].index + 1;
        ptd_write_tx(w, &b->prefilled[i].tx, cx->encoding);
    }
}

const struct ptd_codec_ops ptd_codec_cmpctblock = {
    .has_views = true,
    .has_one_form = true,
    .decode = decode_cmpctblock,
    .encode = encode_cmpctblock,
    .max_payload = max_payload,
    .layout = ptd_tx_layout,
};

/* ---- getblocktxn -------------------------------------------------------- */

static void decode_getblocktxn(struct ptd_msg *m, struct ptd_reader *r,
                               const struct ptd_codec *cx)
{
    struct ptd_msg_getblocktxn *g = PTD_MSG_AS(getblocktxn, m);
    uint32_t next = 0;

    (void)cx;
    ptd_read_hash(r, &g->block, "block");
    g->n = ptd_read_count(r, "indexes", MAX_BLOCK_TX, 1);
    g->indexes = ptd_msg_alloc_raw(m, g->n, sizeof *g->indexes);
    if (g->indexes == NULL) {
        ptd_reader_fail(r, PTD_ENOMEM, "indexes", 0, 0);
        return;
    }
    for (uint32_t i = 0; i < g->n && r->err == PTD_OK; i++) {
        g->indexes[i] = read_index(r, "indexes", next, MAX_INDEX);
        next = g->indexes[i] + 1;
    }
}

static void encode_getblocktxn(const struct ptd_msg *m, struct ptd_writer *w,
                               const struct ptd_codec *cx)
{
    const struct ptd_msg_getblocktxn *g = PTD_MSG_CONST(getblocktxn, m);
    uint32_t next = 0;

    (void)cx;
    ptd_write_hash(w, &g->block);
    ptd_write_count(w, "indexes", g->n, MAX_BLOCK_TX);
    for (uint32_t i = 0; i < g->n && w->err == PTD_OK; i++) {
        write_index(w, "indexes", g->indexes[i], next, MAX_INDEX);
        next = g->indexes[i] + 1;
    }
}

static uint32_t getblocktxn_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    /* A count of 2^16 takes 5 bytes; differences that add up to less than
     * 2^16 take fewer than two bytes each on the average. */
    return PTD_HASH_BYTES + 5 + 2 * MAX_BLOCK_TX;
}

static size_t getblocktxn_list_bytes(enum ptd_msg_type type, size_t n)
{
    (void)type;
    n = n > PTD_HASH_BYTES ? n - PTD_HASH_BYTES : 0;
    return PTD_MIN(n, (size_t)MAX_BLOCK_TX) * sizeof(uint32_t);
}

const struct ptd_codec_ops ptd_codec_getblocktxn = {
    .decode = decode_getblocktxn,
    .encode = encode_getblocktxn,
    .max_payload = getblocktxn_max_payload,
    .list_bytes = getblocktxn_list_bytes,
};

/* ---- blocktxn ----------------------------------------------------------- */

static void decode_blocktxn(struct ptd_msg *m, struct ptd_reader *r,
                            const struct ptd_codec *cx)
{
    struct ptd_msg_blocktxn *b = PTD_MSG_AS(blocktxn, m);

    ptd_read_hash(r, &b->block, "block");
    b->n = ptd_read_count(r, "tx", MAX_BLOCK_TX, PTD_TX_MIN_BYTES);
    if (r->err == PTD_OK)
        b->tx = ptd_read_txs(m, r, b->n, cx);
}

static void encode_blocktxn(const struct ptd_msg *m, struct ptd_writer *w,
                            const struct ptd_codec *cx)
{
    const struct ptd_msg_blocktxn *b = PTD_MSG_CONST(blocktxn, m);

    ptd_write_hash(w, &b->block);
    ptd_write_count(w, "tx", b->n, MAX_BLOCK_TX);
    for (uint32_t i = 0; i < b->n && w->err == PTD_OK; i++)
        ptd_write_tx(w, &b->tx[i], cx->encoding);
}

const struct ptd_codec_ops ptd_codec_blocktxn = {
    .has_views = true,
    .has_one_form = true,
    .decode = decode_blocktxn,
    .encode = encode_blocktxn,
    .max_payload = max_payload,
    .layout = ptd_tx_layout,
};
