/* pool_int.h - transactions that wait, from inside.
 *
 * pool.c       the whole; looking at it
 * pool_add.c   coming: checks that need the pool, conflicts
 * pool_drop.c  going: with what depends on it; blocks, age, room
 * pool_file.c  on disk
 * pool_row.c   passing on
 * pool_block.c what a block may be made of
 * pool_kin.c   who depends on whom
 */
#ifndef PTD_RELAY_POOL_INT_H
#define PTD_RELAY_POOL_INT_H

#include "base/list.h"
#include "relay/hashtab.h"
#include "relay/pool.h"
#include "relay/recent.h"
#include "sync/mutex.h"

enum {
    POOL_ROW = 65536,     /* places that are remembered; a power of two, more
                             than there may be transactions */
    POOL_OWN_KEPT = 10000 /* of our own, which we know again */
};

struct entry;

enum drop_why {
    DROP_BLOCK,
    DROP_CONFLICT,
    DROP_EXPIRED,
    DROP_ROOM,
    DROP_REPLACED,
    DROP_REORG
};

/* A coin that a transaction spends. */
struct spend {
    struct hash_link link; /* in pool->spends */
    struct entry *by;
};

struct entry {
    struct ptd_pool_tx t;
    struct hash_link by_txid, by_wtxid;
    struct ptd_link order; /* in pool->own or pool->others: oldest first */
    struct ptd_link work;  /* while several are dealt with */
    struct spend *spends;  /* one for each input, in order */
    uint64_t place;        /* in the row; 0: not in it */
    uint64_t memory;
    uint64_t mark;     /* of a walk */
    bool pending;      /* ours, and has not come back */
    enum drop_why why; /* once it has gone */
};

struct ptd_pool {
    /* Set once. */
    struct ptd_pool_config cfg;
    uint64_t k0, k1;

    struct ptd_mutex mu; /* PTD_RANK_TXPOOL */
    struct hashtab txids PTD_GUARDED_BY(mu);
    struct hashtab wtxids PTD_GUARDED_BY(mu);
    struct hashtab spends PTD_GUARDED_BY(mu);
    struct ptd_link own PTD_GUARDED_BY(mu);
    struct ptd_link others PTD_GUARDED_BY(mu);
    struct ptd_link mined PTD_GUARDED_BY(mu); /* by the last block; work */
    struct hashtab mined_txids PTD_GUARDED_BY(mu);
    struct hashtab mined_wtxids PTD_GUARDED_BY(mu);
    struct entry **row PTD_GUARDED_BY(mu); /* by place, modulo POOL_ROW */
    uint64_t row_end PTD_GUARDED_BY(mu);   /* the next place */
    uint64_t last_mark PTD_GUARDED_BY(mu);
    struct recent ours PTD_GUARDED_BY(mu); /* txids that the user gave us */
    struct ptd_pool_info info PTD_GUARDED_BY(mu);
};

static inline const struct ptd_tx *entry_tx(const struct entry *e)
{
    return ptd_pool_tx_of(&e->t);
}

uint64_t pool_digest(const struct ptd_pool *p, const struct ptd_hash *h);

/* ---- pool.c ------------------------------------------------------------ */

struct entry *pool_find_locked(struct ptd_pool *p, const struct ptd_hash *hash,
                               enum ptd_pool_id id) PTD_REQUIRES(p->mu);
struct entry *
pool_spender_locked(struct ptd_pool *p, const struct ptd_outpoint *coin)
    PTD_REQUIRES(p->mu);
/* A copy with a reference. */
void pool_show(struct ptd_pool_tx *out, const struct entry *e);
uint64_t pool_spend_digest(const struct ptd_pool *p,
                           const struct ptd_outpoint *coin);

/* ---- pool_drop.c --------------------------------------------------------- */

/* Remove it, and all that spends it, to a list. */
void pool_drop_locked(struct ptd_pool *p, struct entry *e, enum drop_why why,
                      struct ptd_link *gone) PTD_REQUIRES(p->mu);
/* Make room, from the oldest on. */
void pool_trim_locked(struct ptd_pool *p, struct ptd_link *gone)
    PTD_REQUIRES(p->mu);
/* Log and free those on the list. No lock. */
void pool_bury(struct ptd_link *gone);
void pool_entry_free(struct entry *e);

/* ---- pool_row.c ----------------------------------------------------------- */

void pool_row_add_locked(struct ptd_pool *p, struct entry *e)
    PTD_REQUIRES(p->mu);
void pool_row_remove_locked(struct ptd_pool *p, struct entry *e)
    PTD_REQUIRES(p->mu);

/* ---- pool_kin.c ------------------------------------------------------------ */

/* True if tx, which is not in here, and all that it would be tied to are no
 * more than PTD_POOL_MAX_CLUSTER. */
bool pool_cluster_fits_locked(struct ptd_pool *p, const struct ptd_tx *tx,
                              const struct ptd_hash *txid) PTD_REQUIRES(p->mu);
/* True if it spends, over however many steps, what it would replace. */
bool pool_needs_conflict_locked(struct ptd_pool *p, const struct ptd_tx *tx)
    PTD_REQUIRES(p->mu);
/* What it pays; -1 if one of the coins it spends is not in here. False: more
 * than it has. */
bool pool_fee_locked(struct ptd_pool *p, int64_t *fee, const struct ptd_tx *tx)
    PTD_REQUIRES(p->mu);

#endif /* PTD_RELAY_POOL_INT_H */
