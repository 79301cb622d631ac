/* chain.h - headers, blocks and their index: the chain that a node follows.
 *
 * Owns the tree of headers, the files of blocks and the index, and decides
 * which chain is *active*: the branch with the most work among those whose
 * blocks were all given to us and found in order; of equals the one whose last
 * block came first. Proof of work and structure are checked; scripts are not
 * run, and no set of coins is kept, so that a reorganisation of any depth
 * costs nothing but the change of a number.
 *
 * What a call has answered survives kill -9: it is written before the call
 * returns. ptd_blockchain_flush() makes it survive the machine too; it runs
 * by itself every few MB, and at close.
 *
 * Owner    ptd_blockchain_open(); params and clock must outlive it
 * Threads  any
 * Locks    PTD_RANK_CHAIN_DISK, held by those who change something, also
 *          across their writes; and the tree's PTD_RANK_CHAIN, held for a few
 *          lines by everybody: who only looks never waits for a disk
 * Source   BIPs 34 65 66 94 113 130 141; Bitcoin Core's RPC, for what a caller
 *          may want to know
 */
#ifndef PTD_CHAIN_CHAIN_H
#define PTD_CHAIN_CHAIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/u256.h"
#include "chain/check_block.h"
#include "chain/headers.h"
#include "pentad/attr.h"
#include "pentad/chan.h"
#include "pentad/clock.h"
#include "pentad/err.h"
#include "pentad/msg.h"
#include "pentad/params.h"

struct ptd_blockchain;

/* The active chain has another tip. */
struct ptd_tip_change {
    struct ptd_hash old_tip, new_tip;
    uint32_t old_height, new_height;
    uint32_t fork_height;  /* last block that both have in common */
    bool initial_download; /* ptd_blockchain_is_initial_download(), after it */
};

struct ptd_blockchain_config {
    const struct ptd_params *params;
    struct ptd_clock *clock; /* NULL: the system's time */
    const char *blocks_dir;  /* blk*.dat; made if its parent exists */
    const char *index_dir;   /* the index; made likewise */
    size_t max_side;         /* headers off the best branch; 0: default */
    int64_t max_tip_age_s;   /* -maxtipage; 0: a day */
    uint64_t prune_bytes; /* -prune: 0: never; 1: by hand only; else target */
    uint32_t prune_after_height; /* nothing is pruned by itself below it */
    bool fast_prune;             /* -fastprune: small files */
    bool mask_blocks; /* -blocksxor: with a key, see blockkey.h; without it,
                             files that have one are refused */
    bool wipe_index;  /* -reindex: then call ptd_blockchain_reindex() */

    /* Told of every new tip, in order, one at a time, without a lock; by
     * whichever thread caused one of them, so it may be told of another's too.
     * Whoever calls what may move the tip (add, accept, invalidate, generate,
     * import ...) therefore holds no lock that this takes. It may call
     * whatever only looks, and should not block. NULL: nobody is told. */
    void (*on_tip)(void *arg, const struct ptd_tip_change *change);
    void *arg;
};

enum { PTD_CHAIN_WHY_SIZE = 256 };

/* Open, making what is missing; repair what a crash left half done.
 *
 * why      told what failed, for people
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EIO; PTD_EFULL: disk full; PTD_EBADVALUE:
 *          files are damaged or of another network (-reindex may help);
 *          PTD_EINVAL: the files were pruned, and prune_bytes is 0; or they
 *          are masked, and mask_blocks is false
 */
PTD_MUST_USE enum ptd_err
ptd_blockchain_open(struct ptd_blockchain **out,
                    const struct ptd_blockchain_config *cfg,
                    char why[PTD_CHAIN_WHY_SIZE]) PTD_NONNULL(1, 2, 3);

/* Flush, close, free; no other thread may be inside. Takes NULL. */
void ptd_blockchain_close(struct ptd_blockchain *c PTD_TAKES);

/* Sync everything to disk. PTD_OK; PTD_EIO; PTD_EFULL. */
PTD_MUST_USE enum ptd_err ptd_blockchain_flush(struct ptd_blockchain *c)
    PTD_NONNULL(1);

/* True once something could not be written; then nothing more is accepted, and
 * the node had better stop. why (may be NULL) is told what it was. */
bool ptd_blockchain_trouble(struct ptd_blockchain *c,
                            char why[PTD_CHAIN_WHY_SIZE]) PTD_NONNULL(1);

const struct ptd_params *ptd_blockchain_params(const struct ptd_blockchain *c)
    PTD_NONNULL(1);
struct ptd_clock *ptd_blockchain_clock(const struct ptd_blockchain *c)
    PTD_NONNULL(1);

/* The tree of headers, for looking (best header, locators, getheaders). Its
 * best branch is that of the most work that is not known to be invalid. Never
 * add to it: ptd_blockchain_add_headers() does. */
struct ptd_headers *ptd_blockchain_headers(struct ptd_blockchain *c)
    PTD_NONNULL(1);

/* ---- headers ---------------------------------------------------------- */

/* How far a caller trusts that headers are worth keeping. */
enum ptd_chain_source {
    PTD_FROM_STRANGER, /* only with enough work, see below */
    PTD_FROM_TRUSTED   /* the user, a file, or a proven branch (presync.h) */
};

/* Add headers, each the parent of the next, as ptd_headers_add().
 *
 * From a stranger they are refused with PTD_HEADER_EWORK, all of them and
 * before anything is kept, unless the branch, with them, has the work of
 * ptd_blockchain_work_wanted() or more, or all of them are known.
 *
 * Returns  PTD_HEADER_OK; the error of the first bad one (those before it
 *          stay); PTD_HEADER_EIO
 */
PTD_MUST_USE enum ptd_header_err
ptd_blockchain_add_headers(struct ptd_blockchain *c,
                           struct ptd_headers_result *res, const uint8_t *raw,
                           size_t n, enum ptd_chain_source source)
    PTD_NONNULL(1, 2);

/* The same, of the result, as others put it: class, reason and detail. */
struct ptd_block_verdict ptd_header_err_verdict(enum ptd_header_err e);

/* What a stranger's branch must have: the network's minimum chain work, or
 * that of our active tip less 144 blocks, whichever is more. */
void ptd_blockchain_work_wanted(struct ptd_blockchain *c, struct ptd_u256 *out)
    PTD_NONNULL(1, 2);

/* ---- blocks ----------------------------------------------------------- */

/* What became of a block. */
struct ptd_block_result {
    struct ptd_block_verdict verdict;
    struct ptd_hash hash;
    bool is_new;  /* it was not known, and is stored now */
    bool ignored; /* valid so far as looked at, but not wanted: too far ahead,
                     too little work, or its branch was pruned */
    bool new_tip; /* the active chain ends in it, or behind it, only now */
};

/* Flags of ptd_blockchain_accept_block(). */
enum {
    PTD_ACCEPT_REQUESTED = 1, /* keep it even if it is not part of a better
                                 chain, and however far ahead it is */
    PTD_ACCEPT_TRUSTED = 2,   /* its header is taken whatever its work */
    PTD_ACCEPT_SOUND = 4      /* it passed ptd_block_check_mutated(), with what
                                 holds at its height */
};

/* Check a block, keep it, and move the tip if it, or those that waited for
 * it, make a better chain. A block whose parent block is still missing is kept
 * and waits. One that is found invalid is remembered as such.
 *
 * block    type PTD_MSG_BLOCK; as received, or ours; borrowed
 */
void ptd_blockchain_accept_block(struct ptd_blockchain *c,
                                 struct ptd_block_result *out,
                                 const struct ptd_msg *block, unsigned flags)
    PTD_NONNULL(1, 2, 3);

/* Check a block as if it were to follow the active tip, keep nothing
 * (getblocktemplate's proposal; its proof of work is not looked at). */
struct ptd_block_verdict
ptd_blockchain_test_block(struct ptd_blockchain *c, const struct ptd_msg *block)
    PTD_NONNULL(1, 2);

/* Decode raw bytes into a block message; leftover bytes are PTD_ETRAILING. */
PTD_MUST_USE enum ptd_err
ptd_block_from_raw(struct ptd_msg **out, const void *raw, size_t n)
    PTD_NONNULL(1, 2);

/* A block as it came.
 *
 * mem      where the buffer comes from; NULL: malloc
 * Returns  PTD_OK; PTD_ENOMEM; PTD_ENOTFOUND: header unknown; PTD_EEMPTY: we
 *          have not (yet, or any more) got it; PTD_EIO: it cannot be read, or
 *          is not the block that was written
 */
PTD_MUST_USE enum ptd_err
ptd_blockchain_read(struct ptd_blockchain *c, struct ptd_buf **out, size_t *n,
                    const struct ptd_hash *hash, struct ptd_mem *mem)
    PTD_NONNULL(1, 2, 3, 4);

/* The same, decoded. */
PTD_MUST_USE enum ptd_err
ptd_blockchain_read_block(struct ptd_blockchain *c, struct ptd_msg **out,
                          const struct ptd_hash *hash) PTD_NONNULL(1, 2, 3);

/* ---- looking ---------------------------------------------------------- */

struct ptd_block_info {
    struct ptd_header_info header;
    struct ptd_hash prev;  /* zero: genesis */
    struct ptd_hash next;  /* on the active chain; zero: none */
    int64_t confirmations; /* 1: the tip; -1: not on the active chain */
    uint32_t n_tx;         /* 0: its block never came */
    uint64_t chain_tx;     /* up to here; 0: some block never came */
    bool have_block;       /* it can be read */
    bool was_pruned;       /* it could be once */
    bool active;           /* on the active chain */
    bool linked;           /* its block and all before it came */
    bool invalid;          /* it, or one before it, is known to be */
};

/* By hash (false: unknown), by height on the active chain (false: above the
 * tip), the active tip. */
PTD_MUST_USE bool
ptd_blockchain_find(struct ptd_blockchain *c, struct ptd_block_info *out,
                    const struct ptd_hash *hash) PTD_NONNULL(1, 2, 3);
PTD_MUST_USE bool ptd_blockchain_at(struct ptd_blockchain *c,
                                    struct ptd_block_info *out, uint32_t height)
    PTD_NONNULL(1, 2);
void ptd_blockchain_tip(struct ptd_blockchain *c, struct ptd_block_info *out)
    PTD_NONNULL(1, 2);

/* The first block of the active chain whose time is not below a given one
 * (pruneblockchain by time). False: there is none. */
PTD_MUST_USE bool ptd_blockchain_first_at_time(struct ptd_blockchain *c,
                                               struct ptd_block_info *out,
                                               int64_t time) PTD_NONNULL(1, 2);
uint32_t ptd_blockchain_height(struct ptd_blockchain *c) PTD_NONNULL(1);

/* Is there a block to be read? (Cheaper than find.) */
bool ptd_blockchain_has_block(struct ptd_blockchain *c,
                              const struct ptd_hash *hash) PTD_NONNULL(1, 2);

/* The last block that two branches have in common; false: one is unknown. */
PTD_MUST_USE bool
ptd_blockchain_fork(struct ptd_blockchain *c, struct ptd_header_info *out,
                    const struct ptd_hash *a, const struct ptd_hash *b)
    PTD_NONNULL(1, 2, 3, 4);

/* What is still to be fetched of the branch that ends in a header: the lowest
 * blocks that we have not got, above the last that is linked, rising. Nothing
 * of a branch that is invalid, or has less work than the active tip.
 *
 * max_ahead  look no further than so many blocks above the last that is linked
 * on         NULL: the best header's branch
 * Returns    how many of out are filled
 */
struct ptd_wanted_block {
    struct ptd_hash hash;
    uint32_t height;
};
enum { PTD_MAX_WANTED_AHEAD = 2048 }; /* of max_ahead */
size_t ptd_blockchain_wanted(struct ptd_blockchain *c,
                             struct ptd_wanted_block *out, size_t max,
                             uint32_t max_ahead, const struct ptd_hash *on)
    PTD_NONNULL(1, 2);

/* What a getblocks asks for: hashes of the active chain behind the first hash
 * of the locator that is on it, up to and without stop. */
size_t
ptd_blockchain_hashes_after(struct ptd_blockchain *c, struct ptd_hash *out,
                            size_t max, const struct ptd_hash *locator,
                            size_t n_locator, const struct ptd_hash *stop)
    PTD_NONNULL(1, 2, 6);

/* ptd_headers_after(), answered from the active chain instead of the best
 * headers. */
size_t
ptd_blockchain_headers_after(struct ptd_blockchain *c, uint8_t *out, size_t max,
                             const struct ptd_hash *locator, size_t n_locator,
                             const struct ptd_hash *stop) PTD_NONNULL(1, 2, 6);

/* Ends of branches. */
enum ptd_tip_status {
    PTD_TIP_ACTIVE,
    PTD_TIP_VALID_FORK,    /* was active once */
    PTD_TIP_VALID_HEADERS, /* all blocks are here, none was active */
    PTD_TIP_HEADERS_ONLY,
    PTD_TIP_INVALID
};

struct ptd_chain_tip {
    struct ptd_hash hash;
    uint32_t height;
    uint32_t branch_len; /* blocks off the active chain */
    enum ptd_tip_status status;
};

/* As getchaintips says it: "valid-fork". */
const char *ptd_tip_status_text(enum ptd_tip_status s);

/* All of them, highest first, in newly allocated memory (ptd_free()). PTD_OK;
 * PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err ptd_blockchain_tips(struct ptd_blockchain *c,
                                              struct ptd_chain_tip **out,
                                              size_t *n) PTD_NONNULL(1, 2, 3);

/* What getblockchaininfo tells beyond the tip. */
struct ptd_chain_stats {
    uint32_t n_headers;    /* height of the best header */
    uint64_t size_on_disk; /* of the blocks held */
    bool pruned;           /* prune_bytes is not 0 */
    bool automatic_prune;
    uint64_t prune_bytes;  /* the target */
    uint32_t prune_height; /* lowest block held of the active chain's end */
    bool initial_download;
    double progress; /* 0 to 1, a guess by work and time */
};

void ptd_blockchain_stats(struct ptd_blockchain *c, struct ptd_chain_stats *out)
    PTD_NONNULL(1, 2);

/* True until the tip has the network's minimum chain work and is not older
 * than max_tip_age_s; never true again. */
bool ptd_blockchain_is_initial_download(struct ptd_blockchain *c)
    PTD_NONNULL(1);

/* A channel that is closed when the active tip changes after this call; the
 * caller frees its reference. Take it first, then look at the tip. NULL for
 * lack of memory. */
PTD_MUST_USE struct ptd_chan *ptd_blockchain_tip_event(struct ptd_blockchain *c)
    PTD_NONNULL(1);

/* ---- by hand ---------------------------------------------------------- */

/* Mark a block as invalid, and leave its branch; take the mark away from it,
 * from what it stands on and what stands on it; treat it as the first of its
 * work. PTD_OK; PTD_ENOTFOUND; PTD_EINVAL: the genesis block; PTD_EIO. */
PTD_MUST_USE enum ptd_err
ptd_blockchain_invalidate(struct ptd_blockchain *c, const struct ptd_hash *hash)
    PTD_NONNULL(1, 2);
PTD_MUST_USE enum ptd_err
ptd_blockchain_reconsider(struct ptd_blockchain *c, const struct ptd_hash *hash)
    PTD_NONNULL(1, 2);
PTD_MUST_USE enum ptd_err
ptd_blockchain_precious(struct ptd_blockchain *c, const struct ptd_hash *hash)
    PTD_NONNULL(1, 2);

/* Delete files whose blocks are all at or below a height; the last 288 blocks
 * stay in any case.
 *
 * height   in: the wish; out: the highest height below which all is gone
 * Returns  PTD_OK; PTD_EINVAL: prune_bytes is 0; PTD_EIO
 */
enum { PTD_KEEP_BLOCKS = 288 };
PTD_MUST_USE enum ptd_err
ptd_blockchain_prune(struct ptd_blockchain *c, uint32_t *height)
    PTD_NONNULL(1, 2);

/* Read the last n_blocks (0: all) of the active chain again and hold them
 * against the rules.
 *
 * level    0: can be read; 1 and more: the block's checks
 * stop     ends it when it becomes true; may be NULL
 * why      told what is wrong
 * Returns  PTD_OK; PTD_EBADVALUE: a block is not in order; PTD_EIO; PTD_ENOMEM;
 *          PTD_ECLOSED: stopped; PTD_EEMPTY: nothing is wrong with those that
 *          are there, but older ones were pruned
 */
PTD_MUST_USE enum ptd_err
ptd_blockchain_verify(struct ptd_blockchain *c, int level, uint32_t n_blocks,
                      const atomic_bool *stop, char why[PTD_CHAIN_WHY_SIZE])
    PTD_NONNULL(1, 5);

/* ---- files ------------------------------------------------------------ */

struct ptd_import_result {
    uint64_t n_blocks;  /* found */
    uint64_t n_new;     /* of them accepted */
    uint64_t n_bad;     /* invalid */
    uint64_t n_orphans; /* whose parent never came */
    uint64_t n_skipped; /* bytes that were no blocks */
};

/* Take in the blocks of a file (-loadblock). Blocks may come in any order, so
 * long as no more than a million wait for their parents; rubbish between them
 * is skipped. Bitcoin Core's own files are read with the xor.dat beside them.
 *
 * stop     ends it when it becomes true; may be NULL
 * Returns  PTD_OK; PTD_EIO: the file cannot be read (errno), or a block cannot
 *          be written (ptd_blockchain_trouble()); PTD_ENOMEM; PTD_ECLOSED
 */
PTD_MUST_USE enum ptd_err
ptd_blockchain_import(struct ptd_blockchain *c, const char *path,
                      struct ptd_import_result *res, const atomic_bool *stop)
    PTD_NONNULL(1, 2, 3);

/* True if there are blocks that no index tells of: after wipe_index, or when
 * the index is gone, or an earlier reindex was cut short. Until
 * ptd_blockchain_reindex() was called and has ended, blocks that come are
 * ignored, and nothing is written. */
bool ptd_blockchain_needs_reindex(struct ptd_blockchain *c) PTD_NONNULL(1);

/* Find our own blocks again, where they are. Errors as above; after
 * PTD_ECLOSED the next start begins again. */
PTD_MUST_USE enum ptd_err
ptd_blockchain_reindex(struct ptd_blockchain *c, struct ptd_import_result *res,
                       const atomic_bool *stop) PTD_NONNULL(1, 2);

#endif /* PTD_CHAIN_CHAIN_H */
