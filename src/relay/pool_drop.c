/* Those that wait no longer. */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "chain/check_block.h"
#include "pentad/log.h"
#include "relay/pool_int.h"

PTD_LOG_TAG(TXMP);

void pool_entry_free(struct entry *e)
{
    if (e == NULL)
        return;
    ptd_msg_free(e->t.msg);
    ptd_free(e->spends);
    ptd_free(e);
}

static void unlink_locked(struct ptd_pool *p, struct entry *e)
    PTD_REQUIRES(p->mu);
static void unlink_locked(struct ptd_pool *p, struct entry *e)
{
    pool_row_remove_locked(p, e);
    hashtab_remove(&p->txids, &e->by_txid);
    hashtab_remove(&p->wtxids, &e->by_wtxid);
    for (uint32_t i = 0; i < entry_tx(e)->n_in; i++)
        hashtab_remove(&p->spends, &e->spends[i].link);
    ptd_list_remove(&e->order);
    p->info.n--;
    p->info.vbytes -= e->t.vsize;
    p->info.memory -= e->memory;
    p->info.fees -= PTD_MAX(e->t.fee, 0);
    p->info.n_unbroadcast -= e->t.unbroadcast;
    p->info.n_own_pending -= e->pending;
    p->info.sequence++;
}

/* ---- what is left to do without the lock --------------------------------- */

static const char *const reasons[] = {
    [DROP_BLOCK] = "block",          [DROP_CONFLICT] = "conflict",
    [DROP_EXPIRED] = "expiry",       [DROP_ROOM] = "size limit",
    [DROP_REPLACED] = "replacement", [DROP_REORG] = "reorganisation",
};

static void tell(const struct entry *e)
{
    char hex[PTD_HASH_HEX_SIZE];

    ptd_hash_to_hex(&e->t.txid, hex);
    if (e->why != DROP_BLOCK)
        ptd_log_debug("Removed %s from the pool: %s", hex, reasons[e->why]);
    else if (e->t.unbroadcast)
        ptd_log_debug("Removed %s from set of unbroadcast txns before "
                      "confirmation that txn was sent out",
                      hex);
}

static void tell_all(const struct ptd_link *gone)
{
    PTD_LIST_EACH(e, gone, struct entry, work)
    tell(e);
}

static void free_all(struct ptd_link *gone)
{
    struct ptd_link *l;

    while ((l = ptd_list_pop(gone)) != NULL)
        pool_entry_free(PTD_CONTAINER_OF(l, struct entry, work));
}

void pool_bury(struct ptd_link *gone)
{
    tell_all(gone);
    free_all(gone);
}

/* ---- going ------------------------------------------------------------- */

static void drop_one_locked(struct ptd_pool *p, struct entry *e,
                            enum drop_why why, struct ptd_link *gone)
    PTD_REQUIRES(p->mu);
static void drop_one_locked(struct ptd_pool *p, struct entry *e,
                            enum drop_why why, struct ptd_link *gone)
{
    uint64_t sequence = p->info.sequence;

    e->why = why;
    unlink_locked(p, e);
    if (why != DROP_BLOCK && p->cfg.changed != NULL)
        p->cfg.changed(p->cfg.arg, &e->t, false, sequence);
    ptd_list_append(gone, &e->work);
}

/* What spends one of them is put on the list behind it. */
static void add_spenders_locked(struct ptd_pool *p, const struct entry *e,
                                struct ptd_link *list) PTD_REQUIRES(p->mu);
static void add_spenders_locked(struct ptd_pool *p, const struct entry *e,
                                struct ptd_link *list)
{
    struct ptd_outpoint coin = { .hash = e->t.txid };

    for (; coin.index < entry_tx(e)->n_out; coin.index++) {
        struct entry *child = pool_spender_locked(p, &coin);

        if (child != NULL && !ptd_link_is_linked(&child->work))
            ptd_list_append(list, &child->work);
    }
}

static void drop_list_locked(struct ptd_pool *p, struct ptd_link *list,
                             enum drop_why why, struct ptd_link *gone)
    PTD_REQUIRES(p->mu);
static void drop_list_locked(struct ptd_pool *p, struct ptd_link *list,
                             enum drop_why why, struct ptd_link *gone)
{
    struct ptd_link *l;

    while ((l = ptd_list_pop(list)) != NULL) {
        struct entry *e = PTD_CONTAINER_OF(l, struct entry, work);

        add_spenders_locked(p, e, list);
        drop_one_locked(p, e, why, gone);
    }
}

void pool_drop_locked(struct ptd_pool *p, struct entry *e, enum drop_why why,
                      struct ptd_link *gone)
{
    struct ptd_link list;

    ptd_list_init(&list);
    ptd_list_append(&list, &e->work);
    drop_list_locked(p, &list, why, gone);
}

/* ---- room ------------------------------------------------------------ */

static bool is_full_locked(struct ptd_pool *p) PTD_REQUIRES(p->mu);
static bool is_full_locked(struct ptd_pool *p)
{
    return p->info.n > p->cfg.max_count || p->info.memory > p->cfg.max_bytes;
}

void pool_trim_locked(struct ptd_pool *p, struct ptd_link *gone)
{
    while (is_full_locked(p)) {
        struct ptd_link *l = ptd_list_first(&p->others);

        if (l == NULL && (l = ptd_list_first(&p->own)) == NULL)
            return;
        pool_drop_locked(p, PTD_CONTAINER_OF(l, struct entry, order), DROP_ROOM,
                         gone);
    }
}

/* ---- age ------------------------------------------------------------- */

/* Entries are in the order of their coming. */
static int64_t expire_locked(struct ptd_pool *p, struct ptd_link *list,
                             int64_t now_s, struct ptd_link *gone)
    PTD_REQUIRES(p->mu);
static int64_t expire_locked(struct ptd_pool *p, struct ptd_link *list,
                             int64_t now_s, struct ptd_link *gone)
{
    struct ptd_link *l;

    while ((l = ptd_list_first(list)) != NULL) {
        struct entry *e = PTD_CONTAINER_OF(l, struct entry, order);

        if (e->t.time_s > now_s - p->cfg.expiry_s)
            return e->t.time_s + p->cfg.expiry_s;
        pool_drop_locked(p, e, DROP_EXPIRED, gone);
    }
    return INT64_MAX;
}

int64_t ptd_pool_expire(struct ptd_pool *p)
{
    int64_t now_s = ptd_clock_wall_s(p->cfg.clock), a, b;
    struct ptd_link gone;

    ptd_list_init(&gone);
    ptd_mutex_lock(&p->mu);
    a = expire_locked(p, &p->own, now_s, &gone);
    b = expire_locked(p, &p->others, now_s, &gone);
    ptd_mutex_unlock(&p->mu);
    pool_bury(&gone);
    return PTD_MIN(a, b);
}

/* ---- blocks ---------------------------------------------------------- */

static void confirm_locked(struct ptd_pool *p, const struct ptd_tx *tx,
                           const struct ptd_hash *txid, struct ptd_link *gone)
    PTD_REQUIRES(p->mu);
static void confirm_locked(struct ptd_pool *p, const struct ptd_tx *tx,
                           const struct ptd_hash *txid, struct ptd_link *gone)
{
    struct entry *e = pool_find_locked(p, txid, PTD_POOL_TXID);

    if (e != NULL)
        drop_one_locked(p, e, DROP_BLOCK, gone);
    for (uint32_t i = 0; i < tx->n_in; i++)
        if ((e = pool_spender_locked(p, &tx->in[i].prev)) != NULL)
            pool_drop_locked(p, e, DROP_CONFLICT, gone);
}

/* Those of the block before are forgotten. */
static void keep_mined_locked(struct ptd_pool *p, struct ptd_link *gone)
    PTD_REQUIRES(p->mu);
static void keep_mined_locked(struct ptd_pool *p, struct ptd_link *gone)
{
    struct ptd_link old;

    ptd_list_init(&old);
    ptd_list_move_all(&old, &p->mined);
    PTD_LIST_EACH(e, &old, struct entry, work)
    {
        hashtab_remove(&p->mined_txids, &e->by_txid);
        hashtab_remove(&p->mined_wtxids, &e->by_wtxid);
    }
    PTD_LIST_EACH_SAFE(e, next, gone, struct entry, work)
    if (e->why == DROP_BLOCK) {
        ptd_list_remove(&e->work);
        ptd_list_append(&p->mined, &e->work);
        hashtab_add(&p->mined_txids, &e->by_txid, pool_digest(p, &e->t.txid));
        hashtab_add(&p->mined_wtxids, &e->by_wtxid,
                    pool_digest(p, &e->t.wtxid));
    }
    ptd_list_move_all(gone, &old);
}

void ptd_pool_block_in(struct ptd_pool *p, const struct ptd_msg_block *b)
{
    struct ptd_link gone;
    struct ptd_hash txid;

    ptd_list_init(&gone);
    for (uint32_t i = 0; i < b->n_tx; i++) {
        /* Lack of memory may leave one in here: it expires. */
        if (ptd_tx_txid(&b->tx[i], &txid) != PTD_OK)
            continue;
        ptd_mutex_lock(&p->mu);
        confirm_locked(p, &b->tx[i], &txid, &gone);
        ptd_mutex_unlock(&p->mu);
    }
    tell_all(&gone);
    ptd_mutex_lock(&p->mu);
    keep_mined_locked(p, &gone);
    ptd_mutex_unlock(&p->mu);
    free_all(&gone);
}

void ptd_pool_block_out(struct ptd_pool *p, const struct ptd_msg_block *b,
                        const struct ptd_pool_place *at)
{
    for (uint32_t i = 1; i < b->n_tx; i++) {
        struct ptd_pool_verdict v;
        struct ptd_hash txid;
        bool ours;

        if (ptd_tx_txid(&b->tx[i], &txid) != PTD_OK)
            continue;
        ptd_mutex_lock(&p->mu);
        ours = recent_has(&p->ours, &txid);
        ptd_mutex_unlock(&p->mu);
        ptd_pool_add(p, &v, &b->tx[i], ours ? PTD_POOL_OWN : PTD_POOL_BLOCK, at,
                     -1, 0);
    }
}

static void list_early_locked(struct ptd_pool *p, struct ptd_link *from,
                              const struct ptd_pool_place *at,
                              struct ptd_link *list) PTD_REQUIRES(p->mu);
static void list_early_locked(struct ptd_pool *p, struct ptd_link *from,
                              const struct ptd_pool_place *at,
                              struct ptd_link *list)
{
    (void)p;
    PTD_LIST_EACH(e, from, struct entry, order)
    if (!ptd_tx_is_final(entry_tx(e), at->tip_height + 1, at->median_time))
        ptd_list_append(list, &e->work);
}

void ptd_pool_recheck(struct ptd_pool *p, const struct ptd_pool_place *at)
{
    struct ptd_link list, gone;

    ptd_list_init(&list);
    ptd_list_init(&gone);
    ptd_mutex_lock(&p->mu);
    list_early_locked(p, &p->own, at, &list);
    list_early_locked(p, &p->others, at, &list);
    drop_list_locked(p, &list, DROP_REORG, &gone);
    ptd_mutex_unlock(&p->mu);
    pool_bury(&gone);
}
