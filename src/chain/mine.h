/* mine.h - blocks of our own: templates, and mining where it is easy.
 *
 * Threads  any
 * Source   BIPs 22 34 141; Bitcoin Core's generate calls
 */
#ifndef PTD_CHAIN_MINE_H
#define PTD_CHAIN_MINE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/chain.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/msg.h"

enum {
    PTD_MINE_VERSION = 0x20000000,
    /* Bytes of the output script: as many as a block can hold, and more. */
    PTD_MINE_SCRIPT_MAX = PTD_MAX_BLOCK_WEIGHT / PTD_WITNESS_SCALE,
    PTD_MINE_DEFAULT_TRIES = 1000000
};

struct ptd_mine_job {
    const uint8_t *script; /* who gets the coins */
    size_t script_bytes;
    const struct ptd_msg *const *txs; /* PTD_MSG_TX each; NULL if n_txs is 0 */
    size_t n_txs;
    int64_t fees; /* added to the subsidy; 0 if unknown */
};

/* What a miner must know of the next block. */
struct ptd_template_info {
    struct ptd_hash prev;
    uint32_t height;
    uint32_t min_time; /* median time of the parent, plus one (BIP 94: more) */
    uint32_t time;     /* now, but not before min_time */
    uint32_t bits;     /* for that time */
    int64_t subsidy;
    bool has_witness; /* segwit holds at this height */
};

void ptd_template_info(struct ptd_blockchain *c, struct ptd_template_info *out)
    PTD_NONNULL(1, 2);

/* Make a block that follows the active tip; its nonce is 0.
 *
 * Returns  PTD_OK; PTD_ENOMEM; PTD_ETOOBIG: script or transactions do not fit
 */
PTD_MUST_USE enum ptd_err
ptd_template_new(struct ptd_blockchain *c, struct ptd_msg **out,
                 const struct ptd_mine_job *job) PTD_NONNULL(1, 2, 3);

/* Write the merkle root of a block of ours anew, and its witness commitment,
 * after transactions were changed. PTD_OK; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err ptd_block_seal(struct ptd_msg_block *b)
    PTD_NONNULL(1);

/* Search the nonce of a block that nobody else has yet.
 *
 * tries    in: hashes to try; out: left over
 * stop     ends it when it becomes true; may be NULL
 * Returns  PTD_OK; PTD_ETIMEOUT: not found; PTD_ECLOSED: stopped
 */
PTD_MUST_USE enum ptd_err
ptd_mine_solve(const struct ptd_params *params, struct ptd_msg *block,
               uint64_t *tries, const atomic_bool *stop) PTD_NONNULL(1, 2, 3);

/* Make n blocks, one on the other, as far as the tries last, and accept them.
 *
 * hashes   room for n
 * n_made   how many there are; fewer than n if the tries were used up
 * why      what refused a block, with PTD_EREJECTED
 * Returns  PTD_OK; PTD_ENOMEM; PTD_ETOOBIG; PTD_EREJECTED; PTD_EIO;
 *          PTD_ECLOSED: stopped
 */
PTD_MUST_USE enum ptd_err
ptd_mine_generate(struct ptd_blockchain *c, struct ptd_hash *hashes,
                  size_t *n_made, struct ptd_block_verdict *why, size_t n,
                  const struct ptd_mine_job *job, uint64_t *tries,
                  const atomic_bool *stop) PTD_NONNULL(1, 3, 4, 6, 7);

#endif /* PTD_CHAIN_MINE_H */
