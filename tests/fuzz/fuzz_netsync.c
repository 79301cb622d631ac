/* A block put together from a compact block, transactions at hand, and those
 * asked for: of strangers' messages, and of a block of ours that is taken apart
 * first. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "netsync/netsync_int.h"
#include "pentad/wire.h"
#include "support/samples.h"
#include "target.h"
#include "wire/codec.h"

enum { AT_FLAGS, AT_MASK, AT_SPLIT = 5, HEAD_BYTES = 7, FLAG_APART = 1 };

static const struct ptd_codec codec = { .pver = PTD_PVER_WTXIDRELAY,
                                        .encoding = PTD_ENC_WITNESS };

static struct ptd_msg *decode(enum ptd_msg_type type, const uint8_t *p,
                              size_t n)
{
    struct ptd_msg *m;

    return ptd_msg_decode(&m, type, p, n, &codec, NULL) == PTD_OK ? m : NULL;
}

/* ---- transactions at hand -------------------------------------------- */

/* Those of a list whose bit is set in the mask, which repeats. */
struct hand {
    const struct ptd_tx *tx;
    uint32_t n;
    uint32_t mask;
};

static struct ptd_msg *tx_message(const struct ptd_tx *tx)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_TX);

    PTD_ASSERT(m != NULL);
    PTD_MSG_AS(tx, m)->tx = *tx;
    return m;
}

static bool is_at_hand(const struct hand *h, uint32_t i)
{
    return h->mask >> i % 32 & 1;
}

static void each_tx(void *arg, ptd_sync_take_tx take, void *ctx)
{
    const struct hand *h = arg;

    for (uint32_t i = 0; i < h->n; i++) {
        struct ptd_hash txid, wtxid;
        struct ptd_msg *m;

        if (!is_at_hand(h, i) || ptd_tx_txid(&h->tx[i], &txid) != PTD_OK ||
            ptd_tx_wtxid(&h->tx[i], &wtxid) != PTD_OK)
            continue;
        m = tx_message(&h->tx[i]);
        take(ctx, m, &txid, &wtxid);
        ptd_msg_free(m);
    }
}

/* ---- putting together ------------------------------------------------ */

static struct partial *begin(struct ptd_netsync *ns, struct hand *h,
                             struct ptd_msg *cmpct)
{
    struct partial *b;

    ns->cfg.each_tx = each_tx;
    ns->cfg.arg = h;
    return partial_new(&b, ns, cmpct) == PARTIAL_OK ? b : NULL;
}

/* Give the block, or NULL. */
static struct ptd_msg *end(struct partial *b, struct ptd_msg *blocktxn,
                           bool check_witness)
{
    struct ptd_msg *block = NULL;
    enum partial_state state = partial_fill(b, &block, blocktxn, check_witness);

    PTD_ASSERT((state == PARTIAL_OK) == (block != NULL));
    return block;
}

/* Of what was asked for, the message that answers; it refers to the block. */
static struct ptd_msg *answer(const struct ptd_msg *ask,
                              const struct ptd_msg_block *block)
{
    const struct ptd_msg_getblocktxn *g = PTD_MSG_CONST(getblocktxn, ask);
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_BLOCKTXN);
    struct ptd_msg_blocktxn *t = PTD_MSG_AS(blocktxn, m);

    PTD_ASSERT(m != NULL);
    t->block = g->block;
    t->tx = ptd_msg_alloc(m, g->n, sizeof *t->tx);
    PTD_ASSERT(t->tx != NULL);
    for (uint32_t i = 0; i < g->n; i++) {
        PTD_ASSERT(g->indexes[i] < block->n_tx);
        t->tx[t->n++] = block->tx[g->indexes[i]];
    }
    return m;
}

static bool is_same_block(const struct ptd_msg *a, const struct ptd_msg *b)
{
    enum ptd_err e = PTD_OK;
    size_t n = ptd_msg_encoded_bytes(a, &codec, &e), n_b;
    uint8_t *x, *y;
    bool same;

    PTD_ASSERT(e == PTD_OK);
    n_b = ptd_msg_encoded_bytes(b, &codec, &e);
    PTD_ASSERT(e == PTD_OK);
    if (n != n_b)
        return false;
    x = malloc(n);
    y = malloc(n);
    PTD_ASSERT(x != NULL && y != NULL);
    PTD_ASSERT(ptd_msg_encode(a, x, n, &n_b, &codec) == PTD_OK);
    PTD_ASSERT(ptd_msg_encode(b, y, n, &n_b, &codec) == PTD_OK);
    same = memcmp(x, y, n) == 0;
    free(x);
    free(y);
    return same;
}

static void fill(struct partial *b, const struct ptd_msg *block)
{
    struct ptd_msg *txs = NULL, *ask, *whole;
    size_t n_missing;

    ask = partial_ask(b, &n_missing);
    PTD_ASSERT((ask != NULL) == (n_missing > 0));
    if (ask != NULL)
        txs = answer(ask, PTD_MSG_CONST(block, block));
    whole = end(b, txs, false);
    PTD_ASSERT(whole == NULL || is_same_block(whole, block));
    ptd_msg_free(whole);
    ptd_msg_free(txs);
    ptd_msg_free(ask);
}

/* A block's own parts give that block, or (short ids collide, its merkle root
 * is not its own) none. */
static void take_apart(const uint8_t *data, size_t size, uint32_t mask)
{
    struct ptd_msg *block = decode(PTD_MSG_BLOCK, data, size), *cmpct;
    static struct ptd_netsync ns;
    const struct ptd_msg_block *v;
    struct hand h = { .mask = mask };
    struct partial *b;

    if (block == NULL)
        return;
    v = PTD_MSG_CONST(block, block);
    if (v->n_tx > 0 && (cmpct = compact_make(v, mask)) != NULL) {
        h.tx = v->tx;
        h.n = v->n_tx;
        if ((b = begin(&ns, &h, cmpct)) != NULL)
            fill(b, block);
        partial_free(b);
        ptd_msg_free(cmpct);
    }
    ptd_msg_free(block);
}

/* Two messages of strangers. Some of what the second one brings is at hand
 * already. */
static void put_together(const uint8_t *data, size_t size, uint32_t mask,
                         size_t split)
{
    static struct ptd_netsync ns;
    struct ptd_msg *cmpct, *txs, *ask;
    struct hand h = { .mask = mask };
    struct partial *b = NULL;
    size_t n_missing;

    split = PTD_MIN(split, size);
    cmpct = decode(PTD_MSG_CMPCTBLOCK, data, split);
    txs = decode(PTD_MSG_BLOCKTXN, data + split, size - split);
    if (txs != NULL) {
        h.tx = PTD_MSG_CONST(blocktxn, txs)->tx;
        h.n = PTD_MSG_CONST(blocktxn, txs)->n;
    }
    if (cmpct != NULL && (b = begin(&ns, &h, cmpct)) != NULL) {
        ask = partial_ask(b, &n_missing);
        PTD_ASSERT((ask != NULL) == (n_missing > 0));
        ptd_msg_free(ask);
        ptd_msg_free(end(b, txs, mask & 1));
    }
    partial_free(b);
    ptd_msg_free(txs);
    ptd_msg_free(cmpct);
}

static void run(const uint8_t *data, size_t size)
{
    uint32_t mask;

    if (size < HEAD_BYTES)
        return;
    mask = ptd_get_le32(data + AT_MASK);
    if (data[AT_FLAGS] & FLAG_APART)
        take_apart(data + HEAD_BYTES, size - HEAD_BYTES, mask);
    else
        put_together(data + HEAD_BYTES, size - HEAD_BYTES, mask,
                     ptd_get_le16(data + AT_SPLIT));
}

/* ---- seeds ----------------------------------------------------------- */

static size_t encode(uint8_t *out, size_t cap, const struct ptd_msg *m)
{
    size_t n;

    PTD_ASSERT(ptd_msg_encode(m, out, cap, &n, &codec) == PTD_OK);
    return n;
}

static void seeds(fuzz_seed_fn *fn, void *arg)
{
    static uint8_t seed[64 * 1024];

    for (unsigned variant = 0; variant < SAMPLE_N_VARIANTS; variant++) {
        struct ptd_msg *block = sample_new(PTD_MSG_BLOCK, variant);
        struct ptd_msg *cmpct = sample_new(PTD_MSG_CMPCTBLOCK, variant);
        struct ptd_msg *txs = sample_new(PTD_MSG_BLOCKTXN, variant);
        size_t n = HEAD_BYTES, n_cmpct;

        memset(seed, 0, HEAD_BYTES);
        seed[AT_FLAGS] = FLAG_APART;
        seed[AT_MASK] = (uint8_t)(variant * 2);
        n += encode(seed + n, sizeof seed - n, block);
        fn(arg, seed, n);

        seed[AT_FLAGS] = 0;
        n = HEAD_BYTES;
        n_cmpct = encode(seed + n, sizeof seed - n, cmpct);
        n += n_cmpct;
        ptd_put_le16(seed + AT_SPLIT, (uint16_t)n_cmpct);
        n += encode(seed + n, sizeof seed - n, txs);
        fn(arg, seed, n);
        ptd_msg_free(txs);
        ptd_msg_free(cmpct);
        ptd_msg_free(block);
    }
}

const struct fuzz_target fuzz_partial = { "partial", run, seeds };
