#include <config.h>

#include "relay/pool.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "crypto/siphash.h"
#include "relay/pool_int.h"

/* ---- life ------------------------------------------------------------ */

void ptd_pool_config_init(struct ptd_pool_config *cfg)
{
    *cfg = (struct ptd_pool_config){
        .max_bytes = PTD_POOL_MAX_BYTES,
        .max_count = PTD_POOL_MAX_COUNT,
        .expiry_s = PTD_POOL_EXPIRY_S,
        .min_fee_rate = PTD_POOL_MIN_FEE,
    };
}

struct ptd_pool *ptd_pool_new(const struct ptd_pool_config *cfg)
{
    struct ptd_pool *p = ptd_calloc(1, sizeof *p);
    bool room;

    if (p == NULL)
        return NULL;
    p->cfg = *cfg;
    p->cfg.max_count = PTD_MIN(p->cfg.max_count, PTD_POOL_MAX_COUNT);
    p->k0 = ptd_random_u64();
    p->k1 = ptd_random_u64();
    ptd_mutex_init(&p->mu, PTD_RANK_TXPOOL);
    ptd_mutex_lock(&p->mu);
    ptd_list_init(&p->own);
    ptd_list_init(&p->others);
    ptd_list_init(&p->mined);
    recent_init(&p->ours, POOL_OWN_KEPT);
    p->row_end = 1;
    p->info.sequence = 1;
    room = hashtab_init(&p->txids);
    room &= hashtab_init(&p->wtxids);
    room &= hashtab_init(&p->mined_txids);
    room &= hashtab_init(&p->mined_wtxids);
    room &= hashtab_init(&p->spends);
    p->row = ptd_calloc(POOL_ROW, sizeof(struct entry *));
    room &= p->row != NULL;
    ptd_mutex_unlock(&p->mu);
    if (room)
        return p;
    ptd_pool_free(p);
    return NULL;
}

static void free_list(struct ptd_link *head)
{
    PTD_LIST_EACH_SAFE(e, next, head, struct entry, order)
    pool_entry_free(e);
}

void ptd_pool_free(struct ptd_pool *p)
{
    if (p == NULL)
        return;
    ptd_mutex_lock(&p->mu);
    free_list(&p->own);
    free_list(&p->others);
    hashtab_fini(&p->txids);
    hashtab_fini(&p->wtxids);
    hashtab_fini(&p->spends);
    PTD_LIST_EACH_SAFE(e, next, &p->mined, struct entry, work)
    pool_entry_free(e);
    hashtab_fini(&p->mined_txids);
    hashtab_fini(&p->mined_wtxids);
    recent_fini(&p->ours);
    ptd_free(p->row);
    ptd_mutex_unlock(&p->mu);
    ptd_mutex_fini(&p->mu);
    ptd_free(p);
}

/* ---- looking --------------------------------------------------------- */

uint64_t pool_digest(const struct ptd_pool *p, const struct ptd_hash *h)
{
    return ptd_siphash24_hash(p->k0, p->k1, h);
}

uint64_t pool_spend_digest(const struct ptd_pool *p,
                           const struct ptd_outpoint *coin)
{
    return ptd_siphash24_hash(p->k0 ^ coin->index, p->k1, &coin->hash);
}

static struct entry *find_in(const struct ptd_pool *p, const struct hashtab *t,
                             const struct ptd_hash *hash, enum ptd_pool_id id)
{
    struct hash_link *l = hashtab_first(t, pool_digest(p, hash));

    for (; l != NULL; l = hashtab_next(l)) {
        struct entry *e = id == PTD_POOL_TXID
                              ? PTD_CONTAINER_OF(l, struct entry, by_txid)
                              : PTD_CONTAINER_OF(l, struct entry, by_wtxid);

        if (ptd_hash_eq(id == PTD_POOL_TXID ? &e->t.txid : &e->t.wtxid, hash))
            return e;
    }
    return NULL;
}

struct entry *pool_find_locked(struct ptd_pool *p, const struct ptd_hash *hash,
                               enum ptd_pool_id id)
{
    return find_in(p, id == PTD_POOL_TXID ? &p->txids : &p->wtxids, hash, id);
}

bool ptd_pool_find_mined(struct ptd_pool *p, struct ptd_pool_tx *out,
                         const struct ptd_hash *hash, enum ptd_pool_id id)
{
    struct entry *e;

    ptd_mutex_lock(&p->mu);
    e = find_in(p, id == PTD_POOL_TXID ? &p->mined_txids : &p->mined_wtxids,
                hash, id);
    if (e != NULL)
        pool_show(out, e);
    ptd_mutex_unlock(&p->mu);
    return e != NULL;
}

static const struct ptd_outpoint *coin_of(const struct spend *s)
{
    return &entry_tx(s->by)->in[s - s->by->spends].prev;
}

struct entry *pool_spender_locked(struct ptd_pool *p,
                                  const struct ptd_outpoint *coin)
{
    struct hash_link *l = hashtab_first(&p->spends, pool_spend_digest(p, coin));

    for (; l != NULL; l = hashtab_next(l)) {
        struct spend *s = PTD_CONTAINER_OF(l, struct spend, link);
        const struct ptd_outpoint *c = coin_of(s);

        if (c->index == coin->index && ptd_hash_eq(&c->hash, &coin->hash))
            return s->by;
    }
    return NULL;
}

void pool_show(struct ptd_pool_tx *out, const struct entry *e)
{
    *out = e->t;
    (void)ptd_msg_ref(e->t.msg);
}

bool ptd_pool_find(struct ptd_pool *p, struct ptd_pool_tx *out,
                   const struct ptd_hash *hash, enum ptd_pool_id id)
{
    struct entry *e;

    ptd_mutex_lock(&p->mu);
    e = pool_find_locked(p, hash, id);
    if (e != NULL && out != NULL)
        pool_show(out, e);
    ptd_mutex_unlock(&p->mu);
    return e != NULL;
}

bool ptd_pool_spender(struct ptd_pool *p, struct ptd_hash *txid,
                      const struct ptd_outpoint *coin)
{
    struct entry *e;

    ptd_mutex_lock(&p->mu);
    e = pool_spender_locked(p, coin);
    if (e != NULL)
        *txid = e->t.txid;
    ptd_mutex_unlock(&p->mu);
    return e != NULL;
}

/* Both lists are in the order of coming. */
static size_t merge_locked(struct ptd_pool *p, struct ptd_pool_tx *out,
                           size_t max) PTD_REQUIRES(p->mu);
static size_t merge_locked(struct ptd_pool *p, struct ptd_pool_tx *out,
                           size_t max)
{
    struct ptd_link *a = p->own.next, *b = p->others.next;
    size_t n = 0;

    while ((a != &p->own || b != &p->others) && n < max) {
        const struct entry *x = PTD_CONTAINER_OF(a, struct entry, order);
        const struct entry *y = PTD_CONTAINER_OF(b, struct entry, order);

        if (b == &p->others ||
            (a != &p->own && x->t.sequence < y->t.sequence)) {
            pool_show(&out[n++], x);
            a = a->next;
        } else {
            pool_show(&out[n++], y);
            b = b->next;
        }
    }
    return n;
}

enum ptd_err ptd_pool_list(struct ptd_pool *p, struct ptd_pool_tx **list,
                           size_t *n)
{
    size_t max;

    ptd_mutex_lock(&p->mu);
    max = p->info.n;
    ptd_mutex_unlock(&p->mu);
    *n = 0;
    *list = ptd_alloc_array(max, sizeof **list);
    if (*list == NULL)
        return PTD_ENOMEM;
    ptd_mutex_lock(&p->mu);
    *n = merge_locked(p, *list, max);
    ptd_mutex_unlock(&p->mu);
    return PTD_OK;
}

void ptd_pool_list_free(struct ptd_pool_tx *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ptd_msg_free(list[i].msg);
    ptd_free(list);
}

void ptd_pool_info(struct ptd_pool *p, struct ptd_pool_info *out)
{
    ptd_mutex_lock(&p->mu);
    *out = p->info;
    ptd_mutex_unlock(&p->mu);
}

uint64_t ptd_pool_sequence(struct ptd_pool *p)
{
    uint64_t n;

    ptd_mutex_lock(&p->mu);
    n = p->info.sequence;
    ptd_mutex_unlock(&p->mu);
    return n;
}

const struct ptd_pool_config *ptd_pool_config(const struct ptd_pool *p)
{
    return &p->cfg;
}
