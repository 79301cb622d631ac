/* Those that begin to wait. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "chain/check_block.h"
#include "relay/policy.h"
#include "relay/pool_int.h"
#include "relay/txcopy.h"

/* ---- one of them ------------------------------------------------------- */

/* NULL for lack of memory. */
static struct entry *entry_new(struct ptd_pool *p, const struct ptd_tx *tx,
                               enum ptd_pool_origin origin,
                               const struct ptd_pool_place *at,
                               const struct ptd_pool_verdict *v)
{
    struct entry *e = ptd_calloc(1, sizeof *e);

    if (e == NULL)
        return NULL;
    e->t.msg = tx_copy(tx);
    e->spends = ptd_calloc(tx->n_in, sizeof *e->spends);
    if (e->t.msg == NULL || e->spends == NULL) {
        pool_entry_free(e);
        return NULL;
    }
    for (uint32_t i = 0; i < tx->n_in; i++)
        e->spends[i].by = e;
    e->t.txid = v->txid;
    e->t.wtxid = v->wtxid;
    e->t.origin = origin;
    e->t.time_s = at->time_s != 0 ? at->time_s : ptd_clock_wall_s(p->cfg.clock);
    e->t.height = at->tip_height;
    e->t.weight = (uint32_t)ptd_tx_weight(tx);
    e->t.vsize = v->vsize;
    e->t.bytes = (uint32_t)ptd_tx_bytes(tx, PTD_ENC_WITNESS);
    e->memory = sizeof *e + tx->n_in * sizeof *e->spends + tx_memory(tx);
    return e;
}

static void link_locked(struct ptd_pool *p, struct entry *e)
    PTD_REQUIRES(p->mu);
static void link_locked(struct ptd_pool *p, struct entry *e)
{
    const struct ptd_tx *tx = entry_tx(e);
    bool own = e->t.origin == PTD_POOL_OWN;

    hashtab_add(&p->txids, &e->by_txid, pool_digest(p, &e->t.txid));
    hashtab_add(&p->wtxids, &e->by_wtxid, pool_digest(p, &e->t.wtxid));
    for (uint32_t i = 0; i < tx->n_in; i++)
        hashtab_add(&p->spends, &e->spends[i].link,
                    pool_spend_digest(p, &tx->in[i].prev));
    ptd_list_append(own ? &p->own : &p->others, &e->order);
    if (own)
        recent_add(&p->ours, &e->t.txid);
    e->t.unbroadcast = e->pending = own;
    e->t.sequence = p->info.sequence++;
    p->info.n++;
    p->info.vbytes += e->t.vsize;
    p->info.memory += e->memory;
    p->info.fees += PTD_MAX(e->t.fee, 0);
    p->info.n_unbroadcast += own;
    p->info.n_own_pending += own;
    /* Strangers' are not passed on, not even those that a block vouched for. */
    if (e->t.origin != PTD_POOL_BLOCK)
        pool_row_add_locked(p, e);
    if (p->cfg.changed != NULL)
        p->cfg.changed(p->cfg.arg, &e->t, true, e->t.sequence);
}

/* ---- checks that need the others --------------------------------------- */

static enum ptd_pool_class refuse(struct ptd_pool_verdict *v,
                                  const char *reason)
{
    v->reason = reason;
    return PTD_POOL_REFUSED;
}

static struct entry *
conflict_locked(struct ptd_pool *p, const struct ptd_tx *tx)
    PTD_REQUIRES(p->mu);
static struct entry *conflict_locked(struct ptd_pool *p,
                                     const struct ptd_tx *tx)
{
    struct entry *e = NULL;

    for (uint32_t i = 0; i < tx->n_in && e == NULL; i++)
        e = pool_spender_locked(p, &tx->in[i].prev);
    return e;
}

/* Where it is known what it pays. */
static enum ptd_pool_class
check_fee_locked(struct ptd_pool *p, struct ptd_pool_verdict *v,
                 const struct ptd_tx *tx, int64_t max_fee) PTD_REQUIRES(p->mu);
static enum ptd_pool_class
check_fee_locked(struct ptd_pool *p, struct ptd_pool_verdict *v,
                 const struct ptd_tx *tx, int64_t max_fee)
{
    int64_t least = policy_fee(p->cfg.min_fee_rate, v->vsize);

    if (!pool_fee_locked(p, &v->fee, tx))
        return refuse(v, "bad-txns-in-belowout");
    if (v->fee >= 0 && v->fee < least) {
        snprintf(v->detail, sizeof v->detail, "%" PRId64 " < %" PRId64, v->fee,
                 least);
        return refuse(v, "min relay fee not met");
    }
    v->is_max_fee = max_fee >= 0 && v->fee > max_fee;
    if (v->is_max_fee)
        return refuse(v, "max-fee-exceeded");
    return PTD_POOL_ADDED;
}

/* Only the user may take another one's place. */
static enum ptd_pool_class
check_locked(struct ptd_pool *p, struct ptd_pool_verdict *v,
             const struct ptd_tx *tx, enum ptd_pool_origin origin,
             int64_t max_fee) PTD_REQUIRES(p->mu);
static enum ptd_pool_class
check_locked(struct ptd_pool *p, struct ptd_pool_verdict *v,
             const struct ptd_tx *tx, enum ptd_pool_origin origin,
             int64_t max_fee)
{
    const struct entry *same = pool_find_locked(p, &v->txid, PTD_POOL_TXID);

    if (same != NULL && ptd_hash_eq(&same->t.wtxid, &v->wtxid)) {
        v->reason = "txn-already-in-mempool";
        v->fee = same->t.fee;
        return PTD_POOL_KNOWN;
    }
    if (same != NULL)
        return refuse(v, "txn-same-nonwitness-data-in-mempool");
    if (origin != PTD_POOL_OWN && conflict_locked(p, tx) != NULL)
        return refuse(v, "txn-mempool-conflict");
    if (pool_needs_conflict_locked(p, tx))
        return refuse(v, "bad-txns-spends-conflicting-tx");
    if (!pool_cluster_fits_locked(p, tx, &v->txid))
        return refuse(v, "too-large-cluster");
    return check_fee_locked(p, v, tx, max_fee);
}

static enum ptd_pool_class
enter_locked(struct ptd_pool *p, struct entry *e, struct ptd_pool_verdict *v,
             struct ptd_link *gone) PTD_REQUIRES(p->mu);
static enum ptd_pool_class enter_locked(struct ptd_pool *p, struct entry *e,
                                        struct ptd_pool_verdict *v,
                                        struct ptd_link *gone)
{
    struct entry *other;

    while ((other = conflict_locked(p, entry_tx(e))) != NULL)
        pool_drop_locked(p, other, DROP_REPLACED, gone);
    e->t.fee = v->fee;
    link_locked(p, e);
    pool_trim_locked(p, gone);
    if (pool_find_locked(p, &v->txid, PTD_POOL_TXID) == NULL)
        return refuse(v, "mempool full");
    return PTD_POOL_ADDED;
}

/* ---- all of it ------------------------------------------------------------ */

/* What needs nobody else. */
static enum ptd_pool_class
check_alone(struct ptd_pool_verdict *v, const struct ptd_tx *tx,
            enum ptd_pool_origin origin, const struct ptd_pool_place *at)
{
    const struct policy_place place = { .height = at->tip_height + 1,
                                        .median_time = at->median_time };
    const char *why = NULL;
    bool no_memory = false;

    if (ptd_tx_txid(tx, &v->txid) != PTD_OK ||
        ptd_tx_wtxid(tx, &v->wtxid) != PTD_OK)
        return PTD_POOL_NO_MEMORY;
    v->vsize = (uint32_t)((ptd_tx_weight(tx) + PTD_WITNESS_SCALE - 1) /
                          PTD_WITNESS_SCALE);
    /* Who mined it may have had another taste. */
    if (origin != PTD_POOL_BLOCK)
        why = policy_check(tx, &place, &no_memory);
    else if (!ptd_tx_is_final(tx, place.height, place.median_time))
        why = "non-final";
    if (no_memory)
        return PTD_POOL_NO_MEMORY;
    return why != NULL ? refuse(v, why) : PTD_POOL_ADDED;
}

void ptd_pool_add(struct ptd_pool *p, struct ptd_pool_verdict *v,
                  const struct ptd_tx *tx, enum ptd_pool_origin origin,
                  const struct ptd_pool_place *at, int64_t max_fee,
                  unsigned flags)
{
    bool keep = (flags & PTD_POOL_TEST) == 0;
    struct entry *e = NULL;
    struct ptd_link gone;

    *v = (struct ptd_pool_verdict){ .reason = "", .fee = -1 };
    v->class = check_alone(v, tx, origin, at);
    if (v->class != PTD_POOL_ADDED)
        return;
    if (keep && (e = entry_new(p, tx, origin, at, v)) == NULL) {
        v->class = PTD_POOL_NO_MEMORY;
        return;
    }
    ptd_list_init(&gone);
    ptd_mutex_lock(&p->mu);
    v->class = check_locked(p, v, tx, origin, max_fee);
    if (v->class == PTD_POOL_ADDED && keep) {
        v->class = enter_locked(p, e, v, &gone);
        e = NULL;
    }
    ptd_mutex_unlock(&p->mu);
    pool_bury(&gone);
    pool_entry_free(e);
}
