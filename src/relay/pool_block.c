/* Those that a block of ours may be made of. */
#include <config.h>

#include "base/alloc.h"
#include "chain/check_block.h"
#include "relay/pool_int.h"

/* A block's header, count and coinbase have room besides. */
enum { MAX_WEIGHT = PTD_MAX_BLOCK_WEIGHT - 8000 };

struct choice {
    struct ptd_pool *p;
    const struct ptd_pool_place *at;
    struct hashtab chosen; /* struct pick, by txid */
    struct pick {
        struct hash_link link;
        const struct ptd_hash *txid;
    } * picks;
    size_t n;
    size_t weight, sigops;
};

static bool is_chosen(const struct choice *c, const struct ptd_hash *txid)
{
    struct hash_link *l = hashtab_first(&c->chosen, pool_digest(c->p, txid));

    for (; l != NULL; l = hashtab_next(l))
        if (ptd_hash_eq(PTD_CONTAINER_OF(l, struct pick, link)->txid, txid))
            return true;
    return false;
}

/* What it spends comes first, as far as that is in the pool. */
static bool has_parents(const struct choice *c, const struct ptd_tx *tx)
{
    for (uint32_t i = 0; i < tx->n_in; i++) {
        const struct ptd_hash *parent = &tx->in[i].prev.hash;

        if (!is_chosen(c, parent) &&
            ptd_pool_find(c->p, NULL, parent, PTD_POOL_TXID))
            return false;
    }
    return true;
}

static bool take(struct choice *c, const struct ptd_pool_tx *t)
{
    const struct ptd_tx *tx = ptd_pool_tx_of(t);
    size_t sigops = (size_t)ptd_tx_legacy_sigops(tx) * PTD_WITNESS_SCALE;
    struct pick *pick = &c->picks[c->n];

    if (c->weight + t->weight > MAX_WEIGHT ||
        c->sigops + sigops > PTD_MAX_BLOCK_SIGOPS_COST ||
        !ptd_tx_is_final(tx, c->at->tip_height + 1, c->at->median_time) ||
        !has_parents(c, tx))
        return false;
    c->weight += t->weight;
    c->sigops += sigops;
    pick->txid = &t->txid;
    hashtab_add(&c->chosen, &pick->link, pool_digest(c->p, &t->txid));
    c->n++;
    return true;
}

/* Once over those that are left; gives how many were taken. A child may have
 * come before its parent. */
static size_t pass(struct choice *c, struct ptd_pool_tx *out,
                   struct ptd_pool_tx *list, size_t n)
{
    const size_t before = c->n;

    for (size_t i = 0; i < n; i++) {
        if (list[i].msg == NULL)
            continue;
        out[c->n] = list[i];
        if (take(c, &out[c->n]))
            list[i].msg = NULL; /* the reference is out's */
    }
    return c->n - before;
}

static enum ptd_err choose(struct choice *c, struct ptd_pool_tx **list,
                           size_t *n)
{
    struct ptd_pool_tx *out = ptd_alloc_array(*n, sizeof *out);

    c->picks = ptd_calloc(*n, sizeof *c->picks);
    if (out == NULL || c->picks == NULL || !hashtab_init(&c->chosen)) {
        ptd_free(out);
        return PTD_ENOMEM;
    }
    for (int i = 0; i < PTD_POOL_MAX_CLUSTER; i++)
        if (pass(c, out, *list, *n) == 0)
            break;
    ptd_pool_list_free(*list, *n);
    *list = out;
    *n = c->n;
    return PTD_OK;
}

enum ptd_err ptd_pool_for_block(struct ptd_pool *p, struct ptd_pool_tx **list,
                                size_t *n, const struct ptd_pool_place *at)
{
    struct choice c = { .p = p, .at = at };
    enum ptd_err e = ptd_pool_list(p, list, n);

    if (e != PTD_OK)
        return e;
    e = choose(&c, list, n);
    if (e != PTD_OK)
        ptd_pool_list_free(*list, *n);
    hashtab_fini(&c.chosen);
    ptd_free(c.picks);
    return e;
}
