#include <config.h>

#include "txs.h"

#include <string.h>

#include "base/bytes.h"

/* To the hash of a key that nobody has. */
static struct ptd_bytes script_of(struct ptd_msg *m, uint32_t salt)
{
    uint8_t script[22] = { 0x00, 20 };
    struct ptd_bytes b;

    ptd_put_le32(script + 2, salt);
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &b, script, sizeof script), PTD_OK);
    return b;
}

static const struct ptd_bytes *witness_of(struct ptd_msg *m)
{
    struct ptd_bytes *w = ptd_msg_alloc(m, 1, sizeof *w);

    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(ptd_msg_copy_bytes(m, w, "\x01\x02\x03", 3), PTD_OK);
    return w;
}

struct ptd_msg *tx_make(const struct ptd_hash *prev, uint32_t index,
                        uint32_t n_out, int64_t value, uint32_t salt)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_TX);
    struct ptd_tx *tx = tx_of(m);

    tx->version = 2;
    tx->n_in = 1;
    tx->n_out = n_out;
    tx->in = ptd_msg_alloc(m, 1, sizeof *tx->in);
    tx->out = ptd_msg_alloc(m, n_out, sizeof *tx->out);
    ck_assert(tx->in != NULL && tx->out != NULL);
    if (prev != NULL)
        tx->in[0].prev.hash = *prev;
    else
        ptd_put_le32(tx->in[0].prev.hash.b, salt + 1);
    tx->in[0].prev.index = index;
    tx->in[0].sequence = UINT32_MAX - 1;
    tx->in[0].witness = witness_of(m);
    tx->in[0].n_witness = 1;
    tx->has_witness = true;
    for (uint32_t i = 0; i < n_out; i++) {
        tx->out[i].value = value;
        tx->out[i].script = script_of(m, salt);
    }
    return m;
}

const struct ptd_tx *tx_in(const struct ptd_msg *m)
{
    return &PTD_MSG_CONST(tx, m)->tx;
}

struct ptd_tx *tx_of(struct ptd_msg *m)
{
    ck_assert_ptr_nonnull(m);
    return &PTD_MSG_AS(tx, m)->tx;
}

struct ptd_hash tx_id(const struct ptd_msg *m)
{
    struct ptd_hash h;

    ck_assert_int_eq(ptd_tx_txid(tx_in(m), &h), PTD_OK);
    return h;
}

struct ptd_hash tx_wid(const struct ptd_msg *m)
{
    struct ptd_hash h;

    ck_assert_int_eq(ptd_tx_wtxid(tx_in(m), &h), PTD_OK);
    return h;
}

struct ptd_msg *tx_block(struct ptd_msg *const *txs, uint32_t n)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_BLOCK);
    struct ptd_msg_block *b = PTD_MSG_AS(block, m);
    struct ptd_tx_in *in = ptd_msg_alloc(m, 1, sizeof *in);

    b->n_tx = n + 1;
    b->tx = ptd_msg_alloc(m, n + 1, sizeof *b->tx);
    ck_assert(b->tx != NULL && in != NULL);
    in->prev.index = UINT32_MAX;
    b->tx[0] = *tx_in(txs[0]);
    b->tx[0].in = in;
    for (uint32_t i = 0; i < n; i++)
        b->tx[i + 1] = *tx_in(txs[i]);
    return m;
}
