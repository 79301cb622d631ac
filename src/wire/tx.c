#include <config.h>

#include "wire/tx.h"

/* BIP 144: between version and inputs, where the count of inputs would be 0. */
enum { MARKER = 0, FLAG_WITNESS = 1 };

/* ---- reading ------------------------------------------------------------ */

/* One walk serves scan and fill: `fill` is constant in each of the two, and
 * what the other one needs is compiled away. */
#if defined(__GNUC__) || defined(__clang__)
#define BOTH_WALKS static inline __attribute__((always_inline))
#else
#define BOTH_WALKS static inline
#endif

static uint32_t read_n_in(struct ptd_reader *r)
{
    return ptd_read_count(r, "tx.in", PTD_MAX_PAYLOAD / PTD_TX_IN_MIN_BYTES,
                          PTD_TX_IN_MIN_BYTES);
}

static uint32_t read_n_out(struct ptd_reader *r)
{
    return ptd_read_count(r, "tx.out", PTD_MAX_PAYLOAD / PTD_TX_OUT_MIN_BYTES,
                          PTD_TX_OUT_MIN_BYTES);
}

BOTH_WALKS void walk_in(struct ptd_reader *r, struct ptd_tx_room *room,
                        uint32_t n, const bool fill)
{
    for (uint32_t i = 0; i < n && r->err == PTD_OK; i++) {
        const uint8_t *prev = ptd_read_raw(r, 36, "tx.in.prev");
        struct ptd_bytes script =
            ptd_read_var_bytes(r, "tx.in.script", PTD_MAX_PAYLOAD);
        uint32_t sequence = ptd_read_u32(r, "tx.in.sequence");

        if (fill && prev != NULL) {
            struct ptd_tx_in *in = room->in++;

            memcpy(in->prev.hash.b, prev, 32);
            in->prev.index = ptd_get_le32(prev + 32);
            in->script = script;
            in->witness = NULL;
            in->n_witness = 0;
            in->sequence = sequence;
        }
    }
    if (!fill)
        room->n_in += n;
}

BOTH_WALKS void walk_out(struct ptd_reader *r, struct ptd_tx_room *room,
                         uint32_t n, const bool fill)
{
    for (uint32_t i = 0; i < n && r->err == PTD_OK; i++) {
        int64_t value = ptd_read_i64(r, "tx.out.value");
        struct ptd_bytes script =
            ptd_read_var_bytes(r, "tx.out.script", PTD_MAX_PAYLOAD);

        if (fill)
            *room->out++ = (struct ptd_tx_out){ value, script };
    }
    if (!fill)
        room->n_out += n;
}

/* The stacks of n inputs; first is the first of them (fill only). Gives the
 * number of items in all. */
BOTH_WALKS size_t walk_witness(struct ptd_reader *r, struct ptd_tx_room *room,
                               struct ptd_tx_in *first, uint32_t n,
                               const bool fill)
{
    size_t total = 0;

    for (uint32_t i = 0; i < n && r->err == PTD_OK; i++) {
        uint32_t n_items = ptd_read_count(r, "tx.witness", PTD_MAX_PAYLOAD, 1);

        if (fill) {
            first[i].witness = n_items > 0 ? room->items : NULL;
            first[i].n_witness = n_items;
        }
        for (uint32_t k = 0; k < n_items && r->err == PTD_OK; k++) {
            struct ptd_bytes item =
                ptd_read_var_bytes(r, "tx.witness.item", PTD_MAX_PAYLOAD);

            if (fill)
                *room->items++ = item;
        }
        total += n_items;
    }
    if (!fill)
        room->n_items += total;
    return total;
}

BOTH_WALKS void walk_tx(struct ptd_reader *r, struct ptd_tx_room *room,
                        struct ptd_tx *tx, const struct ptd_codec *cx,
                        const bool fill)
{
    const uint8_t *begin = r->p;
    int32_t version = ptd_read_i32(r, "tx.version");
    uint32_t n_in = read_n_in(r), n_out = 0, lock_time;
    uint8_t flag = 0;
    size_t n_items = 0;
    bool empty = false;

    /* BIP 144, read as Bitcoin Core does: a transaction without inputs is the
     * marker, and a flag of 0 then stands for "no outputs". */
    if (n_in == MARKER && cx->encoding == PTD_ENC_WITNESS) {
        flag = ptd_read_u8(r, "tx.flag");
        empty = flag == 0;
        if (flag > FLAG_WITNESS)
            ptd_reader_fail(r, PTD_EBADVALUE, "tx.flag", flag, FLAG_WITNESS);
        else if (!empty)
            n_in = read_n_in(r);
    }
    if (fill) {
        tx->in = room->in;
        tx->out = room->out;
    }
    walk_in(r, room, n_in, fill);
    if (!empty)
        n_out = read_n_out(r);
    walk_out(r, room, n_out, fill);
    if (flag == FLAG_WITNESS) {
        n_items = walk_witness(r, room, fill ? tx->in : NULL, n_in, fill);
        /* A witness record that says nothing would be a second form of the
         * same transaction. */
        if (n_items == 0)
            ptd_reader_fail(r, PTD_EBADVALUE, "tx.witness", 0, 0);
    }
    lock_time = ptd_read_u32(r, "tx.lock_time");
    if (fill) {
        tx->version = version;
        tx->lock_time = lock_time;
        tx->n_in = n_in;
        tx->n_out = n_out;
        tx->has_witness = n_items > 0;
        tx->raw = (struct ptd_bytes){ begin, (size_t)(r->p - begin) };
    }
}

void ptd_tx_scan(struct ptd_reader *r, struct ptd_tx_room *need,
                 const struct ptd_codec *cx)
{
    walk_tx(r, need, NULL, cx, false);
}

void ptd_tx_fill(struct ptd_tx *tx, struct ptd_reader *r,
                 struct ptd_tx_room *room, const struct ptd_codec *cx)
{
    walk_tx(r, room, tx, cx, true);
    PTD_ASSERT(r->err == PTD_OK);
}

static size_t padded(size_t n, size_t size)
{
    /* Each n was counted in bytes of a payload: no overflow. */
    return n * size + PTD_MSG_ALIGN;
}

bool ptd_tx_room_alloc(struct ptd_msg *m, struct ptd_reader *r,
                       struct ptd_tx_room *room, void **more, size_t n_more,
                       size_t size)
{
    if (!ptd_msg_reserve(m, padded(room->n_in, sizeof *room->in) +
                                padded(room->n_out, sizeof *room->out) +
                                padded(room->n_items, sizeof *room->items) +
                                padded(n_more, size)))
        goto fail;
    room->in = ptd_msg_alloc_raw(m, room->n_in, sizeof *room->in);
    room->out = ptd_msg_alloc_raw(m, room->n_out, sizeof *room->out);
    room->items = ptd_msg_alloc_raw(m, room->n_items, sizeof *room->items);
    *more = ptd_msg_alloc_raw(m, n_more, size);
    if (room->in == NULL || room->out == NULL || room->items == NULL ||
        *more == NULL)
        goto fail;
    return true;

fail:
    ptd_reader_fail(r, PTD_ENOMEM, "tx", 0, 0);
    return false;
}

struct ptd_tx *ptd_read_txs(struct ptd_msg *m, struct ptd_reader *r, uint32_t n,
                            const struct ptd_codec *cx)
{
    struct ptd_reader ahead = *r;
    struct ptd_tx_room room = { 0 };
    struct ptd_tx *tx;
    void *list;

    for (uint32_t i = 0; i < n && ahead.err == PTD_OK; i++)
        ptd_tx_scan(&ahead, &room, cx);
    if (ahead.err != PTD_OK) {
        *r = ahead;
        return NULL;
    }
    if (!ptd_tx_room_alloc(m, r, &room, &list, n, sizeof *tx))
        return NULL;
    tx = list;
    for (uint32_t i = 0; i < n; i++)
        ptd_tx_fill(&tx[i], r, &room, cx);
    return tx;
}

/* ---- writing ------------------------------------------------------------ */

bool ptd_tx_has_items(const struct ptd_tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (tx->in[i].n_witness > 0)
            return true;
    }
    return false;
}

static void write_in(struct ptd_writer *w, const struct ptd_tx_in *in)
{
    ptd_write_hash(w, &in->prev.hash);
    ptd_write_u32(w, in->prev.index);
    ptd_write_var_bytes(w, "tx.in.script", in->script, PTD_MAX_PAYLOAD);
    ptd_write_u32(w, in->sequence);
}

static void write_witness(struct ptd_writer *w, const struct ptd_tx_in *in)
{
    ptd_write_count(w, "tx.witness", in->n_witness, PTD_MAX_PAYLOAD);
    for (uint32_t i = 0; i < in->n_witness; i++)
        ptd_write_var_bytes(w, "tx.witness.item", in->witness[i],
                            PTD_MAX_PAYLOAD);
}

static void write_fields(struct ptd_writer *w, const struct ptd_tx *tx,
                         bool witness)
{
    ptd_write_i32(w, tx->version);
    if (witness) {
        ptd_write_u8(w, MARKER);
        ptd_write_u8(w, FLAG_WITNESS);
    }
    ptd_write_count(w, "tx.in", tx->n_in,
                    PTD_MAX_PAYLOAD / PTD_TX_IN_MIN_BYTES);
    for (uint32_t i = 0; i < tx->n_in; i++)
        write_in(w, &tx->in[i]);
    ptd_write_count(w, "tx.out", tx->n_out,
                    PTD_MAX_PAYLOAD / PTD_TX_OUT_MIN_BYTES);
    for (uint32_t i = 0; i < tx->n_out; i++) {
        ptd_write_i64(w, tx->out[i].value);
        ptd_write_var_bytes(w, "tx.out.script", tx->out[i].script,
                            PTD_MAX_PAYLOAD);
    }
    for (uint32_t i = 0; witness && i < tx->n_in; i++)
        write_witness(w, &tx->in[i]);
    ptd_write_u32(w, tx->lock_time);
}

void ptd_write_tx(struct ptd_writer *w, const struct ptd_tx *tx,
                  enum ptd_encoding encoding)
{
    bool witness = encoding == PTD_ENC_WITNESS && ptd_tx_has_items(tx);

    if (encoding == PTD_ENC_WITNESS && tx->n_in == 0 && tx->n_out > 0)
        ptd_writer_fail(w, PTD_EBADVALUE, "tx.in", 0, 0);
    else if (tx->raw.n > 0 && tx->has_witness == witness)
        ptd_write_raw(w, tx->raw.p, tx->raw.n);
    else
        write_fields(w, tx, witness);
}

uint32_t ptd_tx_layout(enum ptd_msg_type type, const struct ptd_codec *cx)
{
    (void)type;
    return (uint32_t)cx->encoding;
}

/* ---- the message -------------------------------------------------------- */

static void decode(struct ptd_msg *m, struct ptd_reader *r,
                   const struct ptd_codec *cx)
{
    struct ptd_msg_tx *msg = PTD_MSG_AS(tx, m);
    struct ptd_reader ahead = *r;
    struct ptd_tx_room room = { 0 };
    void *none;

    ptd_tx_scan(&ahead, &room, cx);
    if (ahead.err != PTD_OK)
        *r = ahead;
    else if (ptd_tx_room_alloc(m, r, &room, &none, 0, 1))
        ptd_tx_fill(&msg->tx, r, &room, cx);
}

static void encode(const struct ptd_msg *m, struct ptd_writer *w,
                   const struct ptd_codec *cx)
{
    ptd_write_tx(w, &PTD_MSG_CONST(tx, m)->tx, cx->encoding);
}

static uint32_t max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return PTD_MAX_PAYLOAD;
}

/* The usual one or two inputs and outputs; large ones take a second piece. */
static size_t list_bytes(enum ptd_msg_type type, size_t n)
{
    (void)type;
    return n < 1024 ? n + 4 * (size_t)PTD_MSG_ALIGN : 0;
}

const struct ptd_codec_ops ptd_codec_tx = {
    .has_views = true,
    .has_one_form = true,
    .decode = decode,
    .encode = encode,
    .max_payload = max_payload,
    .layout = ptd_tx_layout,
    .list_bytes = list_bytes,
};
