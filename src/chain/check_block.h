/* check_block.h - is a block what its header says, and well made?
 *
 * Everything that can be said without running scripts and without knowing
 * which coins exist. Two parts: what needs nothing but the block, and what
 * depends on its place in the chain. Reasons are those that nodes give each
 * other and their users everywhere ("bad-txnmrklroot").
 *
 * A block whose transactions or witnesses are not those that its header
 * commits to is *mutated*: somebody may have changed them on the way, so the
 * header is not to blame and must not be remembered as bad. An *invalid* one
 * is bad whoever sends it.
 *
 * Threads  any; no state
 * Source   BIPs 34 113 141; CVE-2012-2459, CVE-2018-17144; Bitcoin's consensus
 *          rules
 */
#ifndef PTD_CHAIN_CHECK_BLOCK_H
#define PTD_CHAIN_CHECK_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/msg.h"
#include "pentad/params.h"
#include "pentad/wire.h"

enum {
    PTD_WITNESS_SCALE = 4,
    PTD_MAX_BLOCK_WEIGHT = 4000000,
    PTD_MAX_BLOCK_SIGOPS_COST = 80000,
    PTD_LOCKTIME_THRESHOLD = 500000000 /* below: a height, else a time */
};

#define PTD_COIN      INT64_C(100000000)
#define PTD_MAX_MONEY (INT64_C(21000000) * PTD_COIN)

/* Both names of a transaction. */
struct ptd_tx_ids {
    struct ptd_hash txid, wtxid;
};

/* What became of a block, or of a call that looked at one. */
enum ptd_block_class {
    PTD_BLOCK_VALID,
    PTD_BLOCK_MUTATED,   /* its contents are not what its header commits to */
    PTD_BLOCK_INVALID,   /* bad for good, contents or header */
    PTD_BLOCK_KNOWN_BAD, /* was found invalid before */
    PTD_BLOCK_BAD_PREV,  /* stands on an invalid block */
    PTD_BLOCK_MISSING_PREV, /* stands on a block that we do not know */
    PTD_BLOCK_TIME_FUTURE,  /* may become valid later */
    PTD_BLOCK_LOW_WORK,     /* header refused: its branch has too little work */
    PTD_BLOCK_NO_MEMORY,
    PTD_BLOCK_IO /* could not be stored or read; see ptd_blockchain_trouble() */
};

/* What is wrong, as others put it; static texts, "" if there is nothing. */
struct ptd_block_verdict {
    enum ptd_block_class class;
    const char *reason; /* "bad-txnmrklroot" */
    const char *detail; /* "hashMerkleRoot mismatch"; often empty */
};

/* True for the classes that tell of a sender's fault (mutated, invalid, known
 * bad, bad prev). */
bool ptd_block_class_is_fault(enum ptd_block_class c);

/* ---- a transaction ---------------------------------------------------- */

/* Structure: there are inputs and outputs; size; values in range, and their
 * sum; no coin is spent twice; a coinbase's script has 2 to 100 bytes, and
 * nobody else spends the null coin.
 *
 * Returns  NULL if it is in order, else the reason; *no_memory (may be NULL)
 *          is set, and "" returned, when it could not be told
 */
const char *ptd_tx_check(const struct ptd_tx *tx, bool *no_memory)
    PTD_NONNULL(1);

bool ptd_tx_is_coinbase(const struct ptd_tx *tx) PTD_NONNULL(1);

/* May it be in a block of this height, after this time? */
bool ptd_tx_is_final(const struct ptd_tx *tx, uint32_t height, int64_t time)
    PTD_NONNULL(1);

/* Signature operations, counted the old way: in the scripts as they stand,
 * each multi-signature as 20. */
uint32_t ptd_script_sigops(const uint8_t *script, size_t n);
uint32_t ptd_tx_legacy_sigops(const struct ptd_tx *tx) PTD_NONNULL(1);

/* Bytes on the wire, with and without witness; weight (BIP 141). */
size_t ptd_tx_bytes(const struct ptd_tx *tx, enum ptd_encoding encoding)
    PTD_NONNULL(1);
size_t ptd_tx_weight(const struct ptd_tx *tx) PTD_NONNULL(1);

/* ---- a block ---------------------------------------------------------- */

struct ptd_block_sizes {
    size_t bytes;    /* with witness */
    size_t stripped; /* without */
    size_t weight;
};

void ptd_block_measure(const struct ptd_msg_block *b,
                       struct ptd_block_sizes *out) PTD_NONNULL(1, 2);

/* What needs no context, the header's proof of work apart: merkle root,
 * length, coinbase, each transaction, signature operations. */
struct ptd_block_verdict ptd_block_check(const struct ptd_msg_block *b)
    PTD_NONNULL(1);

/* The same for a block that passed ptd_block_check_mutated(): its transactions
 * are not hashed once more. */
struct ptd_block_verdict ptd_block_check_sound(const struct ptd_msg_block *b)
    PTD_NONNULL(1);

/* Its place in the chain. */
struct ptd_block_context {
    const struct ptd_params *params;
    uint32_t height;
    uint32_t prev_median_time; /* BIP 113: of its parent */
    bool sound; /* ptd_block_check_mutated() was passed, with what holds here */
};

/* What needs the place: finality, height in the coinbase, witness commitment,
 * weight. The block has passed ptd_block_check(). */
struct ptd_block_verdict
ptd_block_check_in_place(const struct ptd_msg_block *b,
                         const struct ptd_block_context *at) PTD_NONNULL(1, 2);

/* The short test for a block from a stranger, before anything else is done
 * with it: VALID, MUTATED or NO_MEMORY.
 *
 * check_witness  whether its parent's height has witness commitments
 * known          by transaction, of those that are known already; a wtxid of
 *                zero: this one's are not. NULL: none's are
 */
struct ptd_block_verdict
ptd_block_check_mutated(const struct ptd_msg_block *b, bool check_witness)
    PTD_NONNULL(1);
struct ptd_block_verdict
ptd_block_check_mutated_by(const struct ptd_msg_block *b, bool check_witness,
                           const struct ptd_tx_ids *known) PTD_NONNULL(1);

/* The new coins of a block: 50, halved every 210,000 blocks (regtest: 150). */
int64_t ptd_block_subsidy(const struct ptd_params *params, uint32_t height)
    PTD_NONNULL(1);

/* A script that pushes a height as BIP 34 wants it; gives its length. */
enum { PTD_HEIGHT_PUSH_MAX = 6 };
size_t ptd_height_push(uint8_t out[PTD_HEIGHT_PUSH_MAX], uint32_t height);

#endif /* PTD_CHAIN_CHECK_BLOCK_H */
