/* Who depends on whom among those that wait. Walks end where a cluster is too
 * large, so none is long. */
#include <config.h>

#include "relay/pool_int.h"

/* What a walk gathers. */
struct walk {
    uint64_t mark;
    struct ptd_link found; /* entry.work */
    size_t n, max;
};

static void walk_begin(struct walk *w, struct ptd_pool *p, size_t max)
    PTD_REQUIRES(p->mu);
static void walk_begin(struct walk *w, struct ptd_pool *p, size_t max)
{
    *w = (struct walk){ .mark = ++p->last_mark, .max = max };
    ptd_list_init(&w->found);
}

/* Found ones go to the end of the list, which is read meanwhile: so each is
 * visited once. */
static void walk_add(struct walk *w, struct entry *e)
{
    if (e == NULL || e->mark == w->mark || w->n == w->max)
        return;
    e->mark = w->mark;
    ptd_list_append(&w->found, &e->work);
    w->n++;
}

static void walk_end(struct walk *w)
{
    while (ptd_list_pop(&w->found) != NULL)
        ;
}

static void add_parents_locked(struct ptd_pool *p, struct walk *w,
                               const struct ptd_tx *tx) PTD_REQUIRES(p->mu);
static void add_parents_locked(struct ptd_pool *p, struct walk *w,
                               const struct ptd_tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++)
        walk_add(w, pool_find_locked(p, &tx->in[i].prev.hash, PTD_POOL_TXID));
}

static void add_children_locked(struct ptd_pool *p, struct walk *w,
                                const struct ptd_hash *txid, uint32_t n_out)
    PTD_REQUIRES(p->mu);
static void add_children_locked(struct ptd_pool *p, struct walk *w,
                                const struct ptd_hash *txid, uint32_t n_out)
{
    struct ptd_outpoint coin = { .hash = *txid };

    for (; coin.index < n_out; coin.index++)
        walk_add(w, pool_spender_locked(p, &coin));
}

enum { UP = 1, DOWN = 2 };

/* All that is reached from those found so far. */
static void go_on_locked(struct ptd_pool *p, struct walk *w, unsigned ways)
    PTD_REQUIRES(p->mu);
static void go_on_locked(struct ptd_pool *p, struct walk *w, unsigned ways)
{
    PTD_LIST_EACH(e, &w->found, struct entry, work)
    {
        if ((ways & UP) != 0)
            add_parents_locked(p, w, entry_tx(e));
        if ((ways & DOWN) != 0)
            add_children_locked(p, w, &e->t.txid, entry_tx(e)->n_out);
    }
}

bool pool_cluster_fits_locked(struct ptd_pool *p, const struct ptd_tx *tx,
                              const struct ptd_hash *txid)
{
    struct walk w;
    size_t n;

    walk_begin(&w, p, PTD_POOL_MAX_CLUSTER);
    add_parents_locked(p, &w, tx);
    add_children_locked(p, &w, txid, tx->n_out);
    go_on_locked(p, &w, UP | DOWN);
    n = w.n + 1;
    walk_end(&w);
    return n <= PTD_POOL_MAX_CLUSTER;
}

bool pool_needs_conflict_locked(struct ptd_pool *p, const struct ptd_tx *tx)
{
    bool needs = false;
    struct walk w;

    walk_begin(&w, p, PTD_POOL_MAX_CLUSTER);
    add_parents_locked(p, &w, tx);
    go_on_locked(p, &w, UP);
    for (uint32_t i = 0; i < tx->n_in && w.n > 0; i++) {
        const struct entry *e = pool_spender_locked(p, &tx->in[i].prev);

        needs = needs || (e != NULL && e->mark == w.mark);
    }
    walk_end(&w);
    return needs;
}

bool pool_fee_locked(struct ptd_pool *p, int64_t *fee, const struct ptd_tx *tx)
{
    int64_t sum = 0;

    *fee = -1;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct ptd_outpoint *coin = &tx->in[i].prev;
        struct entry *e = pool_find_locked(p, &coin->hash, PTD_POOL_TXID);

        if (e == NULL)
            return true;
        if (coin->index >= entry_tx(e)->n_out)
            return false;
        sum += entry_tx(e)->out[coin->index].value;
    }
    /* Neither sum can overflow: each transaction's outputs are within the
     * money that there is, and its inputs are fewer than a million. */
    for (uint32_t i = 0; i < tx->n_out; i++)
        sum -= tx->out[i].value;
    if (sum < 0)
        return false;
    *fee = sum;
    return true;
}

/* ---- to be shown ------------------------------------------------------- */

static void sum_up(const struct walk *w, uint32_t *n, uint64_t *bytes,
                   int64_t *fees)
{
    *n = (uint32_t)w->n;
    *bytes = 0;
    *fees = 0;
    PTD_LIST_EACH(e, &w->found, struct entry, work)
    {
        *bytes += e->t.vsize;
        if (*fees >= 0)
            *fees = e->t.fee >= 0 ? *fees + e->t.fee : -1;
    }
}

static uint32_t list_hashes(const struct walk *w, struct ptd_hash *out)
{
    uint32_t n = 0;

    PTD_LIST_EACH(e, &w->found, struct entry, work)
    out[n++] = e->t.txid;
    return n;
}

bool ptd_pool_family(struct ptd_pool *p, struct ptd_pool_family *out,
                     const struct ptd_hash *txid)
{
    struct entry *e;
    struct walk w;

    ptd_mutex_lock(&p->mu);
    e = pool_find_locked(p, txid, PTD_POOL_TXID);
    if (e != NULL) {
        walk_begin(&w, p, PTD_POOL_MAX_CLUSTER);
        add_parents_locked(p, &w, entry_tx(e));
        out->n_parents = list_hashes(&w, out->parents);
        walk_end(&w);
        walk_begin(&w, p, PTD_POOL_MAX_CLUSTER);
        add_children_locked(p, &w, txid, entry_tx(e)->n_out);
        out->n_children = list_hashes(&w, out->children);
        walk_end(&w);
        walk_begin(&w, p, PTD_POOL_MAX_CLUSTER);
        walk_add(&w, e);
        go_on_locked(p, &w, UP);
        sum_up(&w, &out->n_ancestors, &out->ancestor_bytes,
               &out->ancestor_fees);
        walk_end(&w);
        walk_begin(&w, p, PTD_POOL_MAX_CLUSTER);
        walk_add(&w, e);
        go_on_locked(p, &w, DOWN);
        sum_up(&w, &out->n_descendants, &out->descendant_bytes,
               &out->descendant_fees);
        walk_end(&w);
    }
    ptd_mutex_unlock(&p->mu);
    return e != NULL;
}
