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

/* Those that are taken move to the front; the others are given back. */
static size_t choose(struct choice *c, struct ptd_pool_tx *list, size_t n)
{
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        struct ptd_pool_tx t = list[i];

        list[k] = t;
        if (take(c, &list[k]))
            k++;
        else
            ptd_msg_free(t.msg);
    }
    return k;
}

enum ptd_err ptd_pool_for_block(struct ptd_pool *p, struct ptd_pool_tx **list,
                                size_t *n, const struct ptd_pool_place *at)
{
    struct choice c = { .p = p, .at = at };
    enum ptd_err e = ptd_pool_list(p, list, n);

    if (e != PTD_OK)
        return e;
    c.picks = ptd_calloc(*n, sizeof *c.picks);
    if (c.picks != NULL && hashtab_init(&c.chosen)) {
        *n = choose(&c, *list, *n);
    } else {
        ptd_pool_list_free(*list, *n);
        e = PTD_ENOMEM;
    }
    hashtab_fini(&c.chosen);
    ptd_free(c.picks);
    return e;
}
