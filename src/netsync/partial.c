/* A block being put together from a compact block, transactions at hand, and
 * those that the sender is asked for. Source: BIP 152 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "crypto/sha256.h"
#include "crypto/siphash.h"
#include "netsync/netsync_int.h"
#include "pentad/log.h"
#include "wire/encoded.h"

PTD_LOG_TAG(SYNC);

#define SHORT_ID_MASK ((UINT64_C(1) << 48) - 1)

enum { NO_PLACE = UINT32_MAX };

/* A transaction of the block. Its parts lie in a message that b refers to. */
struct slot {
    struct ptd_tx tx;
    bool have;
    bool ambiguous;        /* several at hand have its short id: ask for it */
    struct ptd_msg *msg;   /* one reference; NULL: in b->cmpct */
    struct ptd_tx_ids ids; /* of msg's; zeros if there is none */
};

struct partial {
    struct ptd_netsync *ns;
    struct ptd_msg *cmpct;    /* a reference */
    struct ptd_msg *blocktxn; /* a reference; NULL: none yet */
    struct slot *slot;
    uint32_t n_tx;
    uint32_t n_at_hand;

    /* Short ids: an open-addressed set, while transactions are looked for. */
    uint64_t k0, k1; /* of short ids */
    uint64_t stir;   /* odd: strangers choose ids, not their places */
    uint32_t *place; /* slots, by id; NO_PLACE: free */
    unsigned bits;   /* 1 << bits places */
};

static const struct ptd_msg_cmpctblock *cmpct_of(const struct partial *b)
{
    return SYNC_MSG(cmpctblock, b->cmpct);
}

/* ---- short ids ------------------------------------------------------- */

static void make_key(const struct ptd_block_header *h, uint64_t nonce,
                     uint64_t *k0, uint64_t *k1)
{
    uint8_t raw[PTD_HEADER_BYTES + 8], sum[32];

    ptd_block_header_encode(h, raw);
    ptd_put_le64(raw + PTD_HEADER_BYTES, nonce);
    ptd_sha256(sum, raw, sizeof raw);
    *k0 = ptd_get_le64(sum);
    *k1 = ptd_get_le64(sum + 8);
}

static bool fill_compact(struct ptd_msg *m, const struct ptd_msg_block *b,
                         uint64_t nonce)
{
    struct ptd_msg_cmpctblock *c = (struct ptd_msg_cmpctblock *)(void *)m;
    uint64_t k0, k1;

    c->header = b->header;
    c->nonce = nonce;
    make_key(&b->header, nonce, &k0, &k1);
    c->n_short_ids = b->n_tx - 1;
    c->short_ids = ptd_msg_alloc(m, c->n_short_ids, sizeof *c->short_ids);
    c->n_prefilled = 1;
    c->prefilled = ptd_msg_alloc(m, 1, sizeof *c->prefilled);
    if (c->short_ids == NULL || c->prefilled == NULL)
        return false;
    c->prefilled[0].tx = b->tx[0];
    for (uint32_t i = 1; i < b->n_tx; i++) {
        struct ptd_hash wtxid;

        if (ptd_tx_wtxid(&b->tx[i], &wtxid) != PTD_OK)
            return false;
        c->short_ids[i - 1] =
            ptd_siphash24_hash(k0, k1, &wtxid) & SHORT_ID_MASK;
    }
    return true;
}

/* A copy that does not refer to the block: what it is on the wire. */
static struct ptd_msg *own_copy(const struct ptd_msg *m)
{
    const struct ptd_codec cx = { .pver = PTD_PVER_WTXIDRELAY,
                                  .encoding = PTD_ENC_WITNESS };
    struct ptd_msg *copy = NULL;
    struct ptd_buf *buf;
    enum ptd_err e;
    size_t n = ptd_msg_encoded_bytes(m, &cx, &e);

    if (e != PTD_OK || (buf = ptd_buf_new(NULL, n)) == NULL)
        return NULL;
    e = ptd_msg_encode(m, buf->data, n, &n, &cx);
    if (e == PTD_OK)
        e = ptd_msg_decode_from(&copy, m->type, buf->data, n, buf, NULL, &cx,
                                NULL);
    ptd_buf_free(buf);
    return e == PTD_OK ? copy : NULL;
}

struct ptd_msg *compact_make(const struct ptd_msg_block *b, uint64_t nonce)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_CMPCTBLOCK), *copy = NULL;

    if (m != NULL && fill_compact(m, b, nonce))
        copy = own_copy(m);
    ptd_msg_free(m);
    return copy;
}

static uint32_t *find_place(const struct partial *b, uint64_t id,
                            const uint64_t *ids)
{
    uint32_t mask = (UINT32_C(1) << b->bits) - 1;
    uint32_t at = (uint32_t)((id * b->stir) >> (64 - b->bits));

    while (b->place[at] != NO_PLACE && ids[b->place[at]] != id)
        at = (at + 1) & mask;
    return &b->place[at];
}

/* Transactions come with their own message; it is kept. */
struct search {
    struct partial *b;
    uint64_t *ids; /* by slot */
};

static void take_tx(void *ctx, struct ptd_msg *tx, const struct ptd_hash *txid,
                    const struct ptd_hash *wtxid)
{
    struct search *s = ctx;
    struct partial *b = s->b;
    uint64_t id = ptd_siphash24_hash(b->k0, b->k1, wtxid) & SHORT_ID_MASK;
    uint32_t at = *find_place(b, id, s->ids);
    struct slot *slot;

    if (at == NO_PLACE)
        return;
    slot = &b->slot[at];
    if (slot->ambiguous || (slot->have && ptd_hash_eq(&slot->ids.wtxid, wtxid)))
        return;
    if (slot->have) {
        ptd_msg_free(slot->msg);
        *slot = (struct slot){ .ambiguous = true };
        b->n_at_hand--;
        return;
    }
    slot->have = true;
    slot->msg = ptd_msg_ref(tx);
    slot->ids.txid = *txid;
    slot->ids.wtxid = *wtxid;
    slot->tx = SYNC_MSG(tx, tx)->tx;
    b->n_at_hand++;
}

/* Short ids in order go to the slots that are not prefilled. Two that are
 * equal cannot be told apart: the whole block is needed. */
static enum partial_state place_ids(struct partial *b, uint64_t *ids)
{
    const struct ptd_msg_cmpctblock *c = cmpct_of(b);
    uint32_t at = 0;

    memset(b->place, 0xff, sizeof *b->place << b->bits);
    for (uint32_t i = 0; i < c->n_short_ids; i++, at++) {
        uint32_t *place;

        while (b->slot[at].have)
            at++;
        ids[at] = c->short_ids[i];
        place = find_place(b, ids[at], ids);
        if (*place != NO_PLACE)
            return PARTIAL_FAILED;
        *place = at;
    }
    return PARTIAL_OK;
}

static enum partial_state look_for_txs(struct partial *b)
{
    const struct ptd_msg_cmpctblock *c = cmpct_of(b);
    struct search s = { .b = b };
    enum partial_state state = PARTIAL_FAILED;

    b->bits = 4;
    while ((UINT32_C(1) << b->bits) < 2 * c->n_short_ids)
        b->bits++;
    b->stir = ptd_random_u64() | 1;
    b->place = ptd_alloc_array((size_t)1 << b->bits, sizeof *b->place);
    s.ids = ptd_alloc_array(b->n_tx, sizeof *s.ids);
    if (b->place != NULL && s.ids != NULL)
        state = place_ids(b, s.ids);
    if (state == PARTIAL_OK && b->ns->cfg.each_tx != NULL && c->n_short_ids > 0)
        b->ns->cfg.each_tx(b->ns->cfg.arg, take_tx, &s);
    ptd_free(s.ids);
    ptd_free(b->place);
    b->place = NULL;
    return state;
}

/* ---- beginning ------------------------------------------------------- */

static enum partial_state place_prefilled(struct partial *b)
{
    const struct ptd_msg_cmpctblock *c = cmpct_of(b);

    for (uint32_t i = 0; i < c->n_prefilled; i++) {
        const struct ptd_prefilled_tx *p = &c->prefilled[i];

        /* The decoder has seen to it that indexes rise and leave no gap that
         * short ids could not fill. */
        PTD_ASSERT(p->index < b->n_tx && !b->slot[p->index].have);
        if (p->tx.n_in == 0 && p->tx.n_out == 0)
            return PARTIAL_INVALID;
        b->slot[p->index].tx = p->tx;
        b->slot[p->index].have = true;
    }
    return PARTIAL_OK;
}

enum partial_state partial_new(struct partial **out, struct ptd_netsync *ns,
                               struct ptd_msg *cmpct)
{
    const struct ptd_msg_cmpctblock *c = SYNC_MSG(cmpctblock, cmpct);
    struct partial *b;
    enum partial_state state;

    if (c->n_short_ids == 0 && c->n_prefilled == 0)
        return PARTIAL_INVALID;
    b = ptd_calloc(1, sizeof *b);
    if (b == NULL)
        return PARTIAL_FAILED;
    b->ns = ns;
    b->cmpct = ptd_msg_ref(cmpct);
    b->n_tx = c->n_short_ids + c->n_prefilled;
    b->slot = ptd_calloc(b->n_tx, sizeof *b->slot);
    make_key(&c->header, c->nonce, &b->k0, &b->k1);
    state = b->slot != NULL ? place_prefilled(b) : PARTIAL_FAILED;
    if (state == PARTIAL_OK)
        state = look_for_txs(b);
    if (state != PARTIAL_OK) {
        partial_free(b);
        return state;
    }
    *out = b;
    return PARTIAL_OK;
}

void partial_free(struct partial *b)
{
    if (b == NULL)
        return;
    for (uint32_t i = 0; b->slot != NULL && i < b->n_tx; i++)
        ptd_msg_free(b->slot[i].msg);
    ptd_free(b->slot);
    ptd_msg_free(b->cmpct);
    ptd_msg_free(b->blocktxn);
    ptd_free(b);
}

/* ---- the rest -------------------------------------------------------- */

struct ptd_msg *partial_ask(const struct partial *b, size_t *n_missing)
{
    struct ptd_msg_getblocktxn *g;
    struct ptd_msg *m;
    uint32_t n = 0;

    for (uint32_t i = 0; i < b->n_tx; i++)
        n += !b->slot[i].have;
    *n_missing = n;
    if (n == 0 || (m = ptd_msg_new(PTD_MSG_GETBLOCKTXN)) == NULL)
        return NULL;
    g = (struct ptd_msg_getblocktxn *)(void *)m;
    ptd_block_header_hash(&cmpct_of(b)->header, &g->block);
    g->indexes = ptd_msg_alloc(m, n, sizeof *g->indexes);
    if (g->indexes == NULL) {
        ptd_msg_free(m);
        return NULL;
    }
    for (uint32_t i = 0; i < b->n_tx; i++)
        if (!b->slot[i].have)
            g->indexes[g->n++] = i;
    return m;
}

/* All in their places; false if there are too few or too many. */
static bool fill_slots(struct partial *b)
{
    const struct ptd_msg_blocktxn *t = NULL;
    uint32_t at = 0, n = 0;

    if (b->blocktxn != NULL) {
        t = SYNC_MSG(blocktxn, b->blocktxn);
        n = t->n;
    }
    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (b->slot[i].have)
            continue;
        if (at == n)
            return false;
        b->slot[i].tx = t->tx[at++];
        b->slot[i].have = true;
    }
    return at == n;
}

static struct ptd_msg *make_block(const struct partial *b)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_BLOCK);
    struct ptd_msg_block *block = (struct ptd_msg_block *)(void *)m;

    if (m == NULL)
        return NULL;
    block->header = cmpct_of(b)->header;
    block->n_tx = b->n_tx;
    block->tx = ptd_msg_alloc(m, b->n_tx, sizeof *block->tx);
    if (block->tx == NULL) {
        ptd_msg_free(m);
        return NULL;
    }
    for (uint32_t i = 0; i < b->n_tx; i++)
        block->tx[i] = b->slot[i].tx;
    return m;
}

/* Is it the block that the sender meant? Those that were at hand came with
 * their hashes. */
static struct ptd_block_verdict check(const struct partial *b,
                                      const struct ptd_msg_block *block,
                                      bool check_witness)
{
    struct ptd_tx_ids *known = ptd_alloc_array(b->n_tx, sizeof *known);
    struct ptd_block_verdict v;

    for (uint32_t i = 0; known != NULL && i < b->n_tx; i++)
        known[i] = b->slot[i].ids;
    v = ptd_block_check_mutated_by(block, check_witness, known);
    ptd_free(known);
    return v;
}

enum partial_state partial_fill(struct partial *b, struct ptd_msg **block,
                                struct ptd_msg *blocktxn, bool check_witness)
{
    struct ptd_block_verdict v;

    if (blocktxn != NULL)
        b->blocktxn = ptd_msg_ref(blocktxn);
    if (!fill_slots(b))
        return PARTIAL_INVALID;
    *block = make_block(b);
    if (*block == NULL)
        return PARTIAL_FAILED;
    v = check(b, SYNC_MSG(block, *block), check_witness);
    if (v.class == PTD_BLOCK_VALID) {
        ptd_log_debug("Successfully reconstructed block with %" PRIu32
                      " txn prefilled, %" PRIu32 " txn at hand and %" PRIu32
                      " txn requested",
                      cmpct_of(b)->n_prefilled, b->n_at_hand,
                      blocktxn != NULL ? SYNC_MSG(blocktxn, blocktxn)->n : 0);
        return PARTIAL_OK;
    }
    ptd_msg_free(*block);
    *block = NULL;
    return PARTIAL_FAILED; /* short ids may have collided */
}
