/* pool.h - transactions that wait for a block.
 *
 * What can be told without knowing which coins exist is held against the
 * rules; the rest is not: a transaction in here may spend coins that do not
 * exist, or fail to prove that it may spend them. So only the user's own are
 * taken, those of peers that he trusts to relay, and those that come back out
 * of blocks when the chain is reorganised. Fees are known where all that a
 * transaction spends is in here too.
 *
 * Of two that spend the same coin the first one stays; but the user's own takes
 * the place of others. Bounded in bytes, count and age: the oldest of others'
 * go first, and with each goes what spends it.
 *
 * Owner    ptd_pool_new(); the clock must outlive it
 * Threads  any
 * Locks    one (PTD_RANK_TXPOOL), for a few lines; for as many as a block has
 *          transactions when one comes or goes
 */
#ifndef PTD_RELAY_POOL_H
#define PTD_RELAY_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/clock.h"
#include "pentad/err.h"
#include "pentad/msg.h"

struct ptd_pool;

/* Whose word there is for it. */
enum ptd_pool_origin {
    PTD_POOL_OWN,  /* the user's */
    PTD_POOL_PEER, /* a peer's that may have its transactions relayed */
    PTD_POOL_BLOCK /* it was in a block that is not on the chain any more */
};

enum {
    PTD_POOL_MAX_COUNT = 50000,
    PTD_POOL_MAX_CLUSTER = 64 /* that depend on each other */
};

#define PTD_POOL_MAX_BYTES INT64_C(300000000)
#define PTD_POOL_EXPIRY_S  INT64_C(1209600) /* two weeks */
#define PTD_POOL_MIN_FEE   INT64_C(100)     /* satoshi for 1000 bytes */

struct ptd_pool_tx;

struct ptd_pool_config {
    /* One came (added), or went otherwise than into a block; the number of
     * that change, in the order of which it is called. NULL: no interest.
     * Thread: whoever changed the pool, under its lock: it may not wait. */
    void (*changed)(void *arg, const struct ptd_pool_tx *t, bool added,
                    uint64_t sequence);
    void *arg;

    struct ptd_clock *clock;
    uint64_t max_bytes; /* of memory */
    uint32_t max_count; /* at most PTD_POOL_MAX_COUNT */
    int64_t expiry_s;
    int64_t min_fee_rate; /* satoshi for 1000 virtual bytes, where it is known
                             what a transaction pays */
};

/* The defaults. */
void ptd_pool_config_init(struct ptd_pool_config *cfg) PTD_NONNULL(1);

/* NULL for lack of memory. */
PTD_MUST_USE struct ptd_pool *ptd_pool_new(const struct ptd_pool_config *cfg)
    PTD_NONNULL(1);
void ptd_pool_free(struct ptd_pool *p PTD_TAKES);

/* Where the chain is. */
struct ptd_pool_place {
    uint32_t tip_height;
    int64_t median_time;
    int64_t time_s; /* when a transaction came; 0: now */
};

/* ---- one of them ------------------------------------------------------ */

/* What is known of it, at one moment. */
struct ptd_pool_tx {
    struct ptd_msg *msg; /* PTD_MSG_TX; a reference */
    struct ptd_hash txid, wtxid;
    enum ptd_pool_origin origin;
    bool unbroadcast; /* ours, and nobody has asked for it yet */
    int64_t time_s;   /* when it came: wall time … */
    uint32_t height;  /* … and the tip */
    int64_t fee;      /* satoshi; -1: not known */
    uint32_t weight, vsize, bytes;
    uint64_t sequence; /* of the pool, before it came */
};

static inline const struct ptd_tx *ptd_pool_tx_of(const struct ptd_pool_tx *t)
{
    return &((const struct ptd_msg_tx *)(const void *)t->msg)->tx;
}

/* Which hash it is named by. */
enum ptd_pool_id { PTD_POOL_TXID, PTD_POOL_WTXID };

/* True: found; out->msg is to be freed. out NULL: only whether it is there. */
PTD_MUST_USE bool ptd_pool_find(struct ptd_pool *p, struct ptd_pool_tx *out,
                                const struct ptd_hash *hash,
                                enum ptd_pool_id id) PTD_NONNULL(1, 3);

/* The same among those that went into the last block: who heard of one may ask
 * for it still, to put that block together. out->msg is to be freed. */
PTD_MUST_USE bool ptd_pool_find_mined(struct ptd_pool *p,
                                      struct ptd_pool_tx *out,
                                      const struct ptd_hash *hash,
                                      enum ptd_pool_id id) PTD_NONNULL(1, 2, 3);

/* All of them, about in the order in which they came; *list is to be freed with
 * ptd_pool_list_free(). PTD_OK; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_pool_list(struct ptd_pool *p, struct ptd_pool_tx **list, size_t *n)
    PTD_NONNULL(1, 2, 3);
/* Those that fit into the next block, in an order that it may have. Freed
 * likewise. PTD_OK; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_pool_for_block(struct ptd_pool *p, struct ptd_pool_tx **list, size_t *n,
                   const struct ptd_pool_place *at) PTD_NONNULL(1, 2, 3, 4);
void ptd_pool_list_free(struct ptd_pool_tx *list PTD_TAKES, size_t n);

/* Which transaction in here spends a coin; false: none does. */
PTD_MUST_USE bool ptd_pool_spender(struct ptd_pool *p, struct ptd_hash *txid,
                                   const struct ptd_outpoint *coin)
    PTD_NONNULL(1, 2, 3);

/* Those that it spends, that spend it, directly; counts and virtual bytes of
 * all before it and behind it, itself included. Fees: -1: one is not known. */
struct ptd_pool_family {
    uint32_t n_parents, n_children;
    struct ptd_hash parents[PTD_POOL_MAX_CLUSTER];
    struct ptd_hash children[PTD_POOL_MAX_CLUSTER];
    uint32_t n_ancestors, n_descendants;
    uint64_t ancestor_bytes, descendant_bytes;
    int64_t ancestor_fees, descendant_fees;
};

/* False: there is no such transaction. */
PTD_MUST_USE bool
ptd_pool_family(struct ptd_pool *p, struct ptd_pool_family *out,
                const struct ptd_hash *txid) PTD_NONNULL(1, 2, 3);

/* ---- coming ------------------------------------------------------------ */

enum ptd_pool_class {
    PTD_POOL_ADDED,
    PTD_POOL_KNOWN,   /* it is in here already */
    PTD_POOL_REFUSED, /* reason says why */
    PTD_POOL_NO_MEMORY
};

struct ptd_pool_verdict {
    enum ptd_pool_class class;
    const char *reason; /* "bad-txns-vin-empty"; static; "" if there is none */
    char detail[64];    /* more of it, "0 < 141"; mostly "" */
    struct ptd_hash txid, wtxid;
    int64_t fee; /* -1: not known */
    uint32_t vsize;
    bool is_max_fee; /* refused, for it pays more than the caller wants */
};

enum { PTD_POOL_TEST = 1 /* only say what would become of it */ };

/* Add one; it is copied.
 *
 * max_fee  refuse what is known to pay more ("max-fee-exceeded"); < 0: any
 * flags    0 or PTD_POOL_TEST
 */
void ptd_pool_add(struct ptd_pool *p, struct ptd_pool_verdict *out,
                  const struct ptd_tx *tx, enum ptd_pool_origin origin,
                  const struct ptd_pool_place *at, int64_t max_fee,
                  unsigned flags) PTD_NONNULL(1, 2, 3, 5);

/* The user gives one that is in here already: it is his from now on, and is
 * passed on again. */
void ptd_pool_adopt(struct ptd_pool *p, const struct ptd_hash *txid)
    PTD_NONNULL(1, 2);

/* ---- going -------------------------------------------------------------- */

/* A block has come on top of the chain: those in it go, and what contradicts
 * it. One has gone from it: those in it come back, as far as there is room. */
void ptd_pool_block_in(struct ptd_pool *p, const struct ptd_msg_block *b)
    PTD_NONNULL(1, 2);
void ptd_pool_block_out(struct ptd_pool *p, const struct ptd_msg_block *b,
                        const struct ptd_pool_place *at) PTD_NONNULL(1, 2, 3);
/* The chain is another one: those go that may not be in a block yet. */
void ptd_pool_recheck(struct ptd_pool *p, const struct ptd_pool_place *at)
    PTD_NONNULL(1, 2);

/* Those that are too old go. Gives when the next one will be (seconds, wall
 * time; INT64_MAX: none is here). */
int64_t ptd_pool_expire(struct ptd_pool *p) PTD_NONNULL(1);

/* ---- on disk ---------------------------------------------------------------- */

/* Write all of them to a file (mempool.dat, as others know it); add those of a
 * file that may be added now.
 *
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EIO; PTD_ENOTFOUND; else the file is damaged,
 *          and none of it was added
 */
PTD_MUST_USE enum ptd_err ptd_pool_save(struct ptd_pool *p, const char *path)
    PTD_NONNULL(1, 2);
PTD_MUST_USE enum ptd_err ptd_pool_load(struct ptd_pool *p, const char *path,
                                        const struct ptd_pool_place *at)
    PTD_NONNULL(1, 2, 3);

/* ---- passing on ----------------------------------------------------------- */

/* Those to be passed on stand in a row. A place in it is a number that a reader
 * keeps; where the row ends now is the place of one who has read all. */
uint64_t ptd_pool_row_end(struct ptd_pool *p) PTD_NONNULL(1);

/* Read on from a place: at most max of them; *place moves behind the last one,
 * and *behind says how many places are left. Gives how many; each out[i].msg
 * is to be freed. A reader who is far too slow misses some. */
size_t ptd_pool_row_read(struct ptd_pool *p, struct ptd_pool_tx *out,
                         size_t max, uint64_t *place, uint64_t *behind)
    PTD_NONNULL(1, 2, 4, 5);

/* Put one at the end of the row again, wherever it stands now; all of ours that
 * are still to be seen to come back. Gives how many. */
size_t ptd_pool_row_again(struct ptd_pool *p, const struct ptd_hash *txid)
    PTD_NONNULL(1, 2);
size_t ptd_pool_row_again_own(struct ptd_pool *p) PTD_NONNULL(1);

/* A peer announces it: it is known out there. True: it is in here; txids gets
 * both of its hashes. */
struct ptd_pool_ids {
    struct ptd_hash txid, wtxid;
};
bool ptd_pool_came_back(struct ptd_pool *p, struct ptd_pool_ids *out,
                        const struct ptd_hash *hash, enum ptd_pool_id id)
    PTD_NONNULL(1, 2, 3);
/* A peer has asked for it. */
void ptd_pool_asked(struct ptd_pool *p, const struct ptd_hash *wtxid)
    PTD_NONNULL(1, 2);

/* ---- figures ---------------------------------------------------------------- */

struct ptd_pool_info {
    size_t n;
    uint64_t vbytes;
    uint64_t memory;
    int64_t fees; /* of those whose fee is known */
    size_t n_unbroadcast;
    size_t n_own_pending; /* ours that have not come back */
    uint64_t sequence;    /* grows by one with each that comes or goes */
};
void ptd_pool_info(struct ptd_pool *p, struct ptd_pool_info *out)
    PTD_NONNULL(1, 2);
uint64_t ptd_pool_sequence(struct ptd_pool *p) PTD_NONNULL(1);
const struct ptd_pool_config *ptd_pool_config(const struct ptd_pool *p)
    PTD_NONNULL(1);

#endif /* PTD_RELAY_POOL_H */
