#include <config.h>

#include "chain/check_block.h"

#include <string.h>

#include "base/alloc.h"
#include "chain/opcode.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "wire/header.h"
#include "wire/tx.h"

enum {
    HALVING_BLOCKS = 210000,
    HALVING_BLOCKS_REGTEST = 150,
    MAX_HALVINGS = 64,
    NODE_OF_TREE_BYTES = 64 /* two hashes: an inner node of a merkle tree */
};

static const struct ptd_block_verdict valid = { PTD_BLOCK_VALID, "", "" };
static const struct ptd_block_verdict no_memory = { PTD_BLOCK_NO_MEMORY,
                                                    "out-of-memory", "" };

static struct ptd_block_verdict invalid(const char *reason, const char *detail)
{
    return (struct ptd_block_verdict){ PTD_BLOCK_INVALID, reason, detail };
}

static struct ptd_block_verdict mutated(const char *reason, const char *detail)
{
    return (struct ptd_block_verdict){ PTD_BLOCK_MUTATED, reason, detail };
}

bool ptd_block_class_is_fault(enum ptd_block_class c)
{
    return c == PTD_BLOCK_MUTATED || c == PTD_BLOCK_INVALID ||
           c == PTD_BLOCK_KNOWN_BAD || c == PTD_BLOCK_BAD_PREV;
}

void ptd_block_measure(const struct ptd_msg_block *b,
                       struct ptd_block_sizes *out)
{
    size_t head = PTD_BLOCK_HEADER_BYTES + ptd_varint_bytes(b->n_tx);

    out->bytes = out->stripped = head;
    for (uint32_t i = 0; i < b->n_tx; i++) {
        out->bytes += ptd_tx_bytes(&b->tx[i], PTD_ENC_WITNESS);
        out->stripped += ptd_tx_bytes(&b->tx[i], PTD_ENC_BASE);
    }
    out->weight = out->stripped * (PTD_WITNESS_SCALE - 1) + out->bytes;
}

/* ---- without context ------------------------------------------------ */

static struct ptd_block_verdict judge_merkle_root(const struct ptd_msg_block *b,
                                                  const struct ptd_hash *root,
                                                  bool ambiguous)
{
    if (!ptd_hash_eq(root, &b->header.merkle_root))
        return mutated("bad-txnmrklroot", "hashMerkleRoot mismatch");
    /* CVE-2012-2459: a shorter list has the same root. */
    if (ambiguous)
        return mutated("bad-txns-duplicate", "duplicate transaction");
    return valid;
}

static struct ptd_block_verdict check_merkle_root(const struct ptd_msg_block *b)
{
    struct ptd_hash root;
    bool ambiguous = false;

    if (ptd_block_merkle_root(b, &root, &ambiguous) != PTD_OK)
        return no_memory;
    return judge_merkle_root(b, &root, ambiguous);
}

static struct ptd_block_verdict check_txs(const struct ptd_msg_block *b)
{
    uint64_t sigops = 0;

    for (uint32_t i = 0; i < b->n_tx; i++) {
        bool failed;
        const char *reason = ptd_tx_check(&b->tx[i], &failed);

        if (failed)
            return no_memory;
        if (reason != NULL)
            return invalid(reason, "Transaction check failed");
    }
    for (uint32_t i = 0; i < b->n_tx; i++)
        sigops += ptd_tx_legacy_sigops(&b->tx[i]);
    if (sigops * PTD_WITNESS_SCALE > PTD_MAX_BLOCK_SIGOPS_COST)
        return invalid("bad-blk-sigops", "out-of-bounds SigOpCount");
    return valid;
}

struct ptd_block_verdict ptd_block_check(const struct ptd_msg_block *b)
{
    struct ptd_block_verdict v = check_merkle_root(b);

    return v.class == PTD_BLOCK_VALID ? ptd_block_check_sound(b) : v;
}

struct ptd_block_verdict ptd_block_check_sound(const struct ptd_msg_block *b)
{
    struct ptd_block_sizes sizes;

    ptd_block_measure(b, &sizes);
    if (b->n_tx == 0 ||
        (uint64_t)b->n_tx * PTD_WITNESS_SCALE > PTD_MAX_BLOCK_WEIGHT ||
        sizes.stripped * PTD_WITNESS_SCALE > PTD_MAX_BLOCK_WEIGHT)
        return invalid("bad-blk-length", "size limits failed");
    if (!ptd_tx_is_coinbase(&b->tx[0]))
        return invalid("bad-cb-missing", "first tx is not coinbase");
    for (uint32_t i = 1; i < b->n_tx; i++) {
        if (ptd_tx_is_coinbase(&b->tx[i]))
            return invalid("bad-cb-multiple", "more than one coinbase");
    }
    return check_txs(b);
}

/* ---- in its place --------------------------------------------------- */

/* BIP 141: the first input's witness is hashed with the root. */
static enum ptd_err match_witness(const struct ptd_msg_block *b,
                                  const struct ptd_hash *want,
                                  const struct ptd_hash *root)
{
    struct ptd_piece piece[2] = {
        { root->b, PTD_HASH_BYTES },
        { b->tx[0].in[0].witness[0].p, PTD_HASH_BYTES },
    };
    struct ptd_hash both;

    ptd_sha256d_pieces(both.b, piece, 2);
    return ptd_hash_eq(&both, want) ? PTD_OK : PTD_EBADVALUE;
}

/* BIP 141. expected: the rules for commitments hold at the block's height.
 * root: of wtxids, NULL: to be found out. */
static struct ptd_block_verdict check_witness(const struct ptd_msg_block *b,
                                              bool expected,
                                              const struct ptd_hash *root)
{
    static const char nonce_size[] =
        "CheckWitnessMalleation : invalid witness reserved value size";
    static const char mismatch[] =
        "CheckWitnessMalleation : witness merkle commitment mismatch";
    static const char unexpected[] =
        "CheckWitnessMalleation : unexpected witness data found";
    struct ptd_hash want;

    if (expected && ptd_block_witness_commitment(b, &want)) {
        const struct ptd_tx *coinbase = &b->tx[0];
        enum ptd_err e;

        if (coinbase->n_in == 0 || coinbase->in[0].n_witness != 1 ||
            coinbase->in[0].witness[0].n != PTD_HASH_BYTES)
            return mutated("bad-witness-nonce-size", nonce_size);
        e = root != NULL ? match_witness(b, &want, root)
                         : ptd_block_check_witness(b);
        if (e == PTD_EBADVALUE)
            return mutated("bad-witness-merkle-match", mismatch);
        return e == PTD_OK ? valid : no_memory;
    }
    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (ptd_tx_has_items(&b->tx[i]))
            return mutated("unexpected-witness", unexpected);
    }
    return valid;
}

size_t ptd_height_push(uint8_t out[PTD_HEIGHT_PUSH_MAX], uint32_t height)
{
    size_t n = 0;

    if (height <= 16) {
        out[0] = height == 0 ? 0 : (uint8_t)(OP_1 + height - 1);
        return 1;
    }
    for (; height > 0; height >>= 8)
        out[++n] = (uint8_t)height;
    if (out[n] & 0x80) /* would be a negative number */
        out[++n] = 0;
    out[0] = (uint8_t)n;
    return n + 1;
}

static bool begins_with_height(const struct ptd_tx *coinbase, uint32_t height)
{
    uint8_t want[PTD_HEIGHT_PUSH_MAX];
    size_t n = ptd_height_push(want, height);

    return coinbase->in[0].script.n >= n &&
           memcmp(coinbase->in[0].script.p, want, n) == 0;
}

/* What the others pay in fees nobody knows without the coins that they spend;
 * but where there are no others there are no fees. */
static bool pays_too_much(const struct ptd_msg_block *b,
                          const struct ptd_block_context *at)
{
    int64_t left = ptd_block_subsidy(at->params, at->height);

    for (uint32_t i = 0; i < b->tx[0].n_out && left >= 0; i++)
        left -= b->tx[0].out[i].value;
    return b->n_tx == 1 && left < 0;
}

struct ptd_block_verdict
ptd_block_check_in_place(const struct ptd_msg_block *b,
                         const struct ptd_block_context *at)
{
    /* BIP 113 */
    int64_t cutoff = at->height >= at->params->csv_height ? at->prev_median_time
                                                          : b->header.time;
    struct ptd_block_verdict v = valid;
    struct ptd_block_sizes sizes;

    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (!ptd_tx_is_final(&b->tx[i], at->height, cutoff))
            return invalid("bad-txns-nonfinal", "non-final transaction");
    }
    /* BIP 34 */
    if (at->height >= at->params->bip34_height &&
        !begins_with_height(&b->tx[0], at->height))
        return invalid("bad-cb-height", "block height mismatch in coinbase");
    if (!at->sound)
        v = check_witness(b, at->height >= at->params->segwit_height, NULL);
    if (v.class != PTD_BLOCK_VALID)
        return v;
    /* Only now is the witness known to be the one that belongs here. */
    ptd_block_measure(b, &sizes);
    if (sizes.weight > PTD_MAX_BLOCK_WEIGHT)
        return invalid("bad-blk-weight",
                       "ContextualCheckBlock : weight limit failed");
    if (pays_too_much(b, at))
        return invalid("bad-cb-amount", "coinbase pays too much");
    return valid;
}

/* ---- mutated? ------------------------------------------------------- */

/* A transaction of 64 bytes may be two hashes of an inner node, and the block
 * a made-up one with the same root. */
static bool has_node_of_tree(const struct ptd_msg_block *b)
{
    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (ptd_tx_bytes(&b->tx[i], PTD_ENC_BASE) == NODE_OF_TREE_BYTES)
            return true;
    }
    return false;
}

/* Both roots, each transaction hashed once where that is enough: without
 * witness both its hashes are the same. Source: BIP 141 */
struct roots {
    struct ptd_hash txids, wtxids;
    bool ambiguous;
};

static enum ptd_err hash_tx(const struct ptd_tx *tx, struct ptd_hash *txid,
                            struct ptd_hash *wtxid,
                            const struct ptd_tx_ids *known)
{
    bool has_witness = tx->raw.n > 0 ? tx->has_witness : ptd_tx_has_items(tx);
    enum ptd_err e;

    if (known != NULL && !ptd_hash_is_zero(&known->wtxid)) {
        *txid = known->txid;
        *wtxid = known->wtxid;
        return PTD_OK;
    }
    e = ptd_tx_wtxid(tx, wtxid);
    if (e != PTD_OK || has_witness)
        return e != PTD_OK ? e : ptd_tx_txid(tx, txid);
    *txid = *wtxid;
    return PTD_OK;
}

static enum ptd_err find_roots(const struct ptd_msg_block *b, struct roots *out,
                               const struct ptd_tx_ids *known)
{
    struct ptd_hash *txid = ptd_alloc_array(b->n_tx, sizeof *txid);
    struct ptd_hash *wtxid = ptd_alloc_array(b->n_tx, sizeof *wtxid);
    enum ptd_err e = txid != NULL && wtxid != NULL ? PTD_OK : PTD_ENOMEM;

    for (uint32_t i = 0; i < b->n_tx && e == PTD_OK; i++)
        e = hash_tx(&b->tx[i], &txid[i], &wtxid[i],
                    known != NULL ? &known[i] : NULL);
    if (e == PTD_OK) {
        wtxid[0] = (struct ptd_hash){ { 0 } };
        out->ambiguous = !ptd_merkle_root(&out->txids, txid, b->n_tx);
        /* Equal neighbours show in the tree of txids already. */
        (void)!ptd_merkle_root(&out->wtxids, wtxid, b->n_tx);
    }
    ptd_free(wtxid);
    ptd_free(txid);
    return e;
}

struct ptd_block_verdict
ptd_block_check_mutated_by(const struct ptd_msg_block *b, bool expect_witness,
                           const struct ptd_tx_ids *known)
{
    struct ptd_hash commitment;
    struct ptd_block_verdict v;
    struct roots roots;
    bool both = expect_witness && ptd_block_witness_commitment(b, &commitment);

    if (both && find_roots(b, &roots, known) != PTD_OK)
        return no_memory;
    v = both ? judge_merkle_root(b, &roots.txids, roots.ambiguous)
             : check_merkle_root(b);
    if (v.class != PTD_BLOCK_VALID)
        return v;
    /* A coinbase of 64 bytes would take 224 bits of work. */
    if (b->n_tx == 0 || !ptd_tx_is_coinbase(&b->tx[0]))
        return has_node_of_tree(b)
                   ? mutated("bad-txns-node", "64-byte transaction")
                   : valid;
    return check_witness(b, expect_witness, both ? &roots.wtxids : NULL);
}

struct ptd_block_verdict ptd_block_check_mutated(const struct ptd_msg_block *b,
                                                 bool expect_witness)
{
    return ptd_block_check_mutated_by(b, expect_witness, NULL);
}

int64_t ptd_block_subsidy(const struct ptd_params *params, uint32_t height)
{
    uint32_t halvings =
        height / (params->chain == PTD_CHAIN_REGTEST ? HALVING_BLOCKS_REGTEST
                                                     : HALVING_BLOCKS);

    return halvings < MAX_HALVINGS ? 50 * PTD_COIN >> halvings : 0;
}
