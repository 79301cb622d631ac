#include <config.h>

#include "chain/mine.h"

#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "chain/chain_int.h"
#include "chain/pow.h"
#include "crypto/sha256.h"
#include "wire/codec.h"

enum {
    BIP94_GRACE_S = 600,
    COMMITMENT_BYTES = 38, /* OP_RETURN, a push of 36 bytes: tag and hash */
    OP_0 = 0,
    STOP_EVERY = 4096, /* nonces between two looks at `stop` */
    AT_NONCE = 76
};

static const uint8_t commitment_tag[] = { 0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed };

/* ---- what the next block must look like ----------------------------- */

static void
template_info_locked(struct ptd_blockchain *c, struct ptd_template_info *out)
    PTD_REQUIRES(c->tree->mu)
{
    const struct ptd_params *p = c->cfg.params;
    const struct node *tip = node_locked(c->tree, c->active);
    int64_t now = ptd_clock_wall_s(c->cfg.clock);

    out->prev = tip->hash;
    out->height = tip->height + 1;
    out->min_time = ptd_headers_median_time_locked(c->tree, c->active) + 1;
    /* BIP 94; miners heed it on every network. */
    if (out->height % ptd_params_retarget_interval(p) == 0 &&
        tip->time > BIP94_GRACE_S)
        out->min_time = PTD_MAX(out->min_time, tip->time - BIP94_GRACE_S);
    out->time = out->min_time;
    if (now > out->min_time)
        out->time = (uint32_t)PTD_MIN(now, UINT32_MAX);
    out->bits = ptd_headers_next_bits_locked(c->tree, c->active, out->time);
    out->subsidy = ptd_block_subsidy(p, out->height);
    out->has_witness = out->height >= p->segwit_height;
}

void ptd_template_info(struct ptd_blockchain *c, struct ptd_template_info *out)
{
    ptd_mutex_lock(&c->tree->mu);
    template_info_locked(c, out);
    ptd_mutex_unlock(&c->tree->mu);
}

/* ---- making one ----------------------------------------------------- */

/* Give the first input its witness, the item that is hashed into the
 * commitment: zeros. */
static enum ptd_err add_reserved(struct ptd_msg *m, struct ptd_tx *coinbase)
{
    static const uint8_t zeros[PTD_HASH_BYTES];
    struct ptd_bytes *item = ptd_msg_alloc(m, 1, sizeof *item);

    if (item == NULL)
        return PTD_ENOMEM;
    coinbase->in[0].witness = item;
    coinbase->in[0].n_witness = 1;
    coinbase->has_witness = true;
    return ptd_msg_copy_bytes(m, item, zeros, sizeof zeros);
}

static enum ptd_err make_coinbase(struct ptd_msg *m, struct ptd_tx *tx,
                                  const struct ptd_template_info *info,
                                  const struct ptd_mine_job *job)
{
    uint8_t script[PTD_HEIGHT_PUSH_MAX + 1];
    uint8_t commitment[COMMITMENT_BYTES] = { 0 };
    size_t n = ptd_height_push(script, info->height);
    enum ptd_err e;

    script[n++] = OP_0; /* a script of one byte would be too short */
    tx->version = 2;
    /* A coinbase of this height only, final in its block. */
    tx->lock_time = info->height - 1;
    tx->n_in = 1;
    tx->n_out = info->has_witness ? 2 : 1;
    tx->in = ptd_msg_alloc(m, 1, sizeof *tx->in);
    tx->out = ptd_msg_alloc(m, 2, sizeof *tx->out);
    if (tx->in == NULL || tx->out == NULL)
        return PTD_ENOMEM;
    tx->in[0].prev.index = UINT32_MAX;
    tx->in[0].sequence = UINT32_MAX - 1;
    tx->out[0].value = info->subsidy + job->fees;
    e = ptd_msg_copy_bytes(m, &tx->in[0].script, script, n);
    if (e == PTD_OK)
        e = ptd_msg_copy_bytes(m, &tx->out[0].script, job->script,
                               job->script_bytes);
    if (e != PTD_OK || !info->has_witness)
        return e;
    memcpy(commitment, commitment_tag, sizeof commitment_tag);
    e = ptd_msg_copy_bytes(m, &tx->out[1].script, commitment,
                           sizeof commitment);
    return e == PTD_OK ? add_reserved(m, tx) : e;
}

static enum ptd_err copy_witness(struct ptd_msg *m, struct ptd_tx_in *to,
                                 const struct ptd_tx_in *from)
{
    struct ptd_bytes *items = ptd_msg_alloc(m, from->n_witness, sizeof *items);
    enum ptd_err e = items != NULL ? PTD_OK : PTD_ENOMEM;

    for (uint32_t i = 0; e == PTD_OK && i < from->n_witness; i++)
        e = ptd_msg_copy_bytes(m, &items[i], from->witness[i].p,
                               from->witness[i].n);
    to->witness = items;
    to->n_witness = from->n_witness;
    return e;
}

/* A copy whose parts belong to m. */
static enum ptd_err copy_tx(struct ptd_msg *m, struct ptd_tx *to,
                            const struct ptd_tx *from)
{
    enum ptd_err e = PTD_OK;

    *to = *from;
    to->raw = (struct ptd_bytes){ 0 };
    to->in = ptd_msg_alloc(m, from->n_in, sizeof *to->in);
    to->out = ptd_msg_alloc(m, from->n_out, sizeof *to->out);
    if (to->in == NULL || to->out == NULL)
        return PTD_ENOMEM;
    for (uint32_t i = 0; e == PTD_OK && i < from->n_in; i++) {
        to->in[i] = from->in[i];
        e = ptd_msg_copy_bytes(m, &to->in[i].script, from->in[i].script.p,
                               from->in[i].script.n);
        if (e == PTD_OK && from->in[i].n_witness > 0)
            e = copy_witness(m, &to->in[i], &from->in[i]);
    }
    for (uint32_t i = 0; e == PTD_OK && i < from->n_out; i++) {
        to->out[i] = from->out[i];
        e = ptd_msg_copy_bytes(m, &to->out[i].script, from->out[i].script.p,
                               from->out[i].script.n);
    }
    return e;
}

static bool commitment_at(const struct ptd_tx_out *out)
{
    return out->script.n >= COMMITMENT_BYTES &&
           memcmp(out->script.p, commitment_tag, sizeof commitment_tag) == 0;
}

/* Write the hash of the witnesses where the coinbase has room for it. */
static enum ptd_err seal_witness(struct ptd_msg_block *b)
{
    struct ptd_tx *coinbase = &b->tx[0];
    struct ptd_bytes reserved;
    struct ptd_piece piece[2];
    uint8_t script[COMMITMENT_BYTES];
    struct ptd_hash root;
    uint32_t i = coinbase->n_out;
    enum ptd_err e;

    while (i > 0 && !commitment_at(&coinbase->out[i - 1]))
        i--;
    if (i == 0 || coinbase->n_in == 0 || coinbase->in[0].n_witness != 1)
        return PTD_OK;
    if ((e = ptd_block_witness_root(b, &root)) != PTD_OK)
        return e;
    reserved = coinbase->in[0].witness[0];
    piece[0] = (struct ptd_piece){ root.b, PTD_HASH_BYTES };
    piece[1] = (struct ptd_piece){ reserved.p, reserved.n };
    memcpy(script, commitment_tag, sizeof commitment_tag);
    ptd_sha256d_pieces(script + sizeof commitment_tag, piece, 2);
    return ptd_msg_copy_bytes(&b->msg, &coinbase->out[i - 1].script, script,
                              sizeof script);
}

enum ptd_err ptd_block_seal(struct ptd_msg_block *b)
{
    enum ptd_err e = b->n_tx > 0 ? seal_witness(b) : PTD_OK;

    return e == PTD_OK ? ptd_block_merkle_root(b, &b->header.merkle_root, NULL)
                       : e;
}

static enum ptd_err fill_block(struct ptd_msg_block *b,
                               const struct ptd_template_info *info,
                               const struct ptd_mine_job *job)
{
    enum ptd_err e;

    b->header = (struct ptd_block_header){ .version = PTD_MINE_VERSION,
                                           .prev = info->prev,
                                           .time = info->time,
                                           .bits = info->bits };
    b->tx = ptd_msg_alloc(&b->msg, job->n_txs + 1, sizeof *b->tx);
    if (b->tx == NULL)
        return PTD_ENOMEM;
    b->n_tx = (uint32_t)job->n_txs + 1;
    e = make_coinbase(&b->msg, &b->tx[0], info, job);
    for (size_t i = 0; e == PTD_OK && i < job->n_txs; i++)
        e = copy_tx(&b->msg, &b->tx[i + 1],
                    &PTD_MSG_CONST(tx, job->txs[i])->tx);
    return e == PTD_OK ? ptd_block_seal(b) : e;
}

enum ptd_err ptd_template_new(struct ptd_blockchain *c, struct ptd_msg **out,
                              const struct ptd_mine_job *job)
{
    struct ptd_template_info info;
    struct ptd_block_sizes sizes;
    struct ptd_msg *m;
    enum ptd_err e;

    if (job->script_bytes > PTD_MINE_SCRIPT_MAX ||
        job->n_txs > PTD_MAX_BLOCK_WEIGHT / PTD_WITNESS_SCALE)
        return PTD_ETOOBIG;
    m = ptd_msg_new(PTD_MSG_BLOCK);
    if (m == NULL)
        return PTD_ENOMEM;
    ptd_template_info(c, &info);
    e = fill_block(PTD_MSG_AS(block, m), &info, job);
    if (e == PTD_OK) {
        ptd_block_measure(PTD_MSG_AS(block, m), &sizes);
        if (sizes.weight > PTD_MAX_BLOCK_WEIGHT)
            e = PTD_ETOOBIG;
    }
    if (e != PTD_OK) {
        ptd_msg_free(m);
        return e;
    }
    *out = m;
    return PTD_OK;
}

/* ---- mining --------------------------------------------------------- */

static bool is_stopped(const atomic_bool *stop)
{
    return stop != NULL && atomic_load_explicit(stop, memory_order_relaxed);
}

enum ptd_err ptd_mine_solve(const struct ptd_params *params,
                            struct ptd_msg *block, uint64_t *tries,
                            const atomic_bool *stop)
{
    struct ptd_msg_block *b = PTD_MSG_AS(block, block);
    uint8_t raw[PTD_HEADER_BYTES];
    struct ptd_u256 target;
    struct ptd_hash hash;

    if (!ptd_pow_target(&target, params, b->header.bits))
        return PTD_ETIMEOUT;
    ptd_block_header_encode(&b->header, raw);
    for (;; b->header.nonce++) {
        if (*tries == 0)
            return PTD_ETIMEOUT;
        if (b->header.nonce % STOP_EVERY == 0 && is_stopped(stop))
            return PTD_ECLOSED;
        ptd_put_le32(raw + AT_NONCE, b->header.nonce);
        ptd_sha256d(hash.b, raw, sizeof raw);
        if (ptd_pow_is_met(&hash, &target))
            return PTD_OK;
        --*tries;
        if (b->header.nonce == UINT32_MAX)
            return PTD_ETIMEOUT;
    }
}

static enum ptd_err
accept_mined(struct ptd_blockchain *c, struct ptd_hash *hash,
             struct ptd_block_verdict *why, const struct ptd_msg *m)
{
    struct ptd_block_result r;

    ptd_blockchain_accept_block(c, &r, m,
                                PTD_ACCEPT_REQUESTED | PTD_ACCEPT_TRUSTED);
    *hash = r.hash;
    *why = r.verdict;
    if (r.ignored) { /* our files are being read again */
        why->reason = "inconclusive";
        return PTD_EREJECTED;
    }
    switch ((int)r.verdict.class) {
    case PTD_BLOCK_VALID: return PTD_OK;
    case PTD_BLOCK_NO_MEMORY: return PTD_ENOMEM;
    case PTD_BLOCK_IO: return PTD_EIO;
    default: return PTD_EREJECTED;
    }
}

enum ptd_err ptd_mine_generate(struct ptd_blockchain *c,
                               struct ptd_hash *hashes, size_t *n_made,
                               struct ptd_block_verdict *why, size_t n,
                               const struct ptd_mine_job *job, uint64_t *tries,
                               const atomic_bool *stop)
{
    *n_made = 0;
    *why = ptd_header_err_verdict(PTD_HEADER_OK);
    while (*n_made < n) {
        struct ptd_msg *m;
        enum ptd_err e = ptd_template_new(c, &m, job);

        if (e != PTD_OK)
            return e;
        e = ptd_mine_solve(c->cfg.params, m, tries, stop);
        if (e == PTD_OK)
            e = accept_mined(c, &hashes[*n_made], why, m);
        ptd_msg_free(m);
        if (e == PTD_ETIMEOUT)
            return PTD_OK; /* the tries are used up */
        if (e != PTD_OK)
            return e;
        ++*n_made;
    }
    return PTD_OK;
}
