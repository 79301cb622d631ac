/* chain_int.h - the chain from inside.
 *
 * chain.c       opens, loads, saves, closes
 * chain_active.c which chain is active; marks by hand; telling of new tips
 * chain_accept.c headers and blocks that come in
 * chain_find.c  looking
 * chain_disk.c  pruning and verifying
 * chain_import.c files of blocks
 *
 * To change something: take disk_mu, then for a few lines the tree's mu; let
 * that go, write what was marked dirty (ptd_chain_save()), let disk_mu go, tell
 * of new tips (ptd_chain_tell()).
 */
#ifndef PTD_CHAIN_CHAIN_INT_H
#define PTD_CHAIN_CHAIN_INT_H

#include "chain/blockfile.h"
#include "chain/chain.h"
#include "chain/headers_int.h"
#include "chain/index.h"

enum {
    EVENT_ROOM = 64, /* tip changes told later; then they are joined */
    BATCH_RECORDS = 2000
};

/* A file of blocks. */
struct file_state {
    uint64_t bytes;     /* of the blocks held, with their frames */
    uint32_t end;       /* where the last one ends */
    uint32_t n_blocks;  /* held */
    uint32_t low, high; /* their heights */
};

struct ptd_blockchain {
    /* Set once. */
    struct ptd_blockchain_config cfg; /* its paths are not kept */
    struct ptd_u256 min_work;
    struct ptd_headers *tree;
    struct ptd_blockfiles *files; /* writing: disk_mu */
    struct ptd_index *index;      /* disk_mu */

    struct ptd_mutex disk_mu; /* rank PTD_RANK_CHAIN_DISK: see README.md */
    struct ptd_index_record *batch PTD_GUARDED_BY(disk_mu);
    struct ptd_index_meta saved PTD_GUARDED_BY(disk_mu); /* last one written */
    uint64_t unsynced_bytes PTD_GUARDED_BY(disk_mu);     /* of blocks */
    bool reindexing PTD_GUARDED_BY(disk_mu); /* files hold unknown blocks */

    /* The tree's mu guards the rest. */
    node_id active;                /* last block of the active chain */
    int32_t next_seq;              /* of the next block to be linked */
    int32_t next_first;            /* of the next precious one; falls */
    struct ptd_u256 first_work;    /* active work when that was reset */
    node_id dirty_low, dirty_high; /* of ST_DIRTY; low > high: none */
    struct file_state *file;
    size_t n_files, cap_files;
    uint64_t size_on_disk;
    bool pruned;                /* blocks were deleted, once */
    struct ptd_chan *tip_event; /* NULL: nobody waits */
    struct ptd_tip_change event[EVENT_ROOM];
    size_t n_events;
    bool telling; /* some thread is calling on_tip */
    bool in_trouble;
    char trouble[PTD_CHAIN_WHY_SIZE];

    atomic_bool caught_up; /* initial download is over */
};

/* The active chain's block at a height; NO_NODE above the tip. */
node_id ptd_chain_at_locked(struct ptd_blockchain *c, uint32_t height)
    PTD_REQUIRES(c->tree->mu);
bool ptd_chain_is_active_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu);

/* Change a block's status; marks it dirty if a saved flag changed. */
void ptd_chain_mark_locked(struct ptd_blockchain *c, node_id id, unsigned set,
                           unsigned clear) PTD_REQUIRES(c->tree->mu);

/* Make room so that a block can be put in without fail. */
PTD_MUST_USE bool
ptd_chain_reserve_locked(struct ptd_blockchain *c, node_id id, uint32_t file)
    PTD_REQUIRES(c->tree->mu);

/* A block was checked and lies at a place: note it, link what can be linked,
 * move the tip. */
void ptd_chain_put_block_locked(struct ptd_blockchain *c, node_id id,
                                const struct ptd_blockpos *pos, uint32_t n_tx)
    PTD_REQUIRES(c->tree->mu);

/* The parts of the former for loading: note it; link it and what waited for
 * it, or let it wait. */
void ptd_chain_note_block_locked(struct ptd_blockchain *c, node_id id,
                                 const struct ptd_blockpos *pos, uint32_t n_tx)
    PTD_REQUIRES(c->tree->mu);
node_id ptd_chain_link_locked(struct ptd_blockchain *c, node_id id,
                              node_id best) PTD_REQUIRES(c->tree->mu);

/* Look for the best tip among all. */
void ptd_chain_choose_locked(struct ptd_blockchain *c)
    PTD_REQUIRES(c->tree->mu);

/* Mark a block as bad, and what stands on it; leave its branch. */
void ptd_chain_mark_bad_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu);

/* Write what is dirty; sync if much is unsynced. */
PTD_MUST_USE enum ptd_err ptd_chain_save(struct ptd_blockchain *c)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu);
PTD_MUST_USE enum ptd_err ptd_chain_sync(struct ptd_blockchain *c)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu);

/* Tell of new tips. No lock is held. */
void ptd_chain_tell(struct ptd_blockchain *c);

/* Something could not be written: what, and why (errno). */
void ptd_chain_set_trouble(struct ptd_blockchain *c, const char *what,
                           enum ptd_err e) PTD_EXCLUDES(c->tree->mu);

/* ptd_blockchain_accept_block(); a block that lies in our files already has
 * its place given. */
void ptd_chain_accept(struct ptd_blockchain *c, struct ptd_block_result *out,
                      const struct ptd_msg *block, unsigned flags,
                      const struct ptd_blockpos *at);

/* Delete files as the configuration's target asks. */
PTD_MUST_USE enum ptd_err ptd_chain_prune_to_target(struct ptd_blockchain *c)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu);

/* Where a block lies; false: it is not held. */
bool ptd_chain_pos_locked(struct ptd_blockchain *c, struct ptd_blockpos *out,
                          node_id id) PTD_REQUIRES(c->tree->mu);

#endif /* PTD_CHAIN_CHAIN_INT_H */
