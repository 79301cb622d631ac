/* The row of those that are passed on. */
#include <config.h>

#include "relay/pool_int.h"

static struct entry **at_locked(struct ptd_pool *p, uint64_t place)
    PTD_REQUIRES(p->mu);
static struct entry **at_locked(struct ptd_pool *p, uint64_t place)
{
    return &p->row[place & (POOL_ROW - 1)];
}

void pool_row_remove_locked(struct ptd_pool *p, struct entry *e)
{
    if (e->place != 0)
        *at_locked(p, e->place) = NULL;
    e->place = 0;
}

/* Whoever stood there a whole round ago has been read by all who keep up. */
void pool_row_add_locked(struct ptd_pool *p, struct entry *e)
{
    struct entry **at = at_locked(p, p->row_end);

    pool_row_remove_locked(p, e);
    if (*at != NULL)
        (*at)->place = 0;
    *at = e;
    e->place = p->row_end++;
}

uint64_t ptd_pool_row_end(struct ptd_pool *p)
{
    uint64_t end;

    ptd_mutex_lock(&p->mu);
    end = p->row_end;
    ptd_mutex_unlock(&p->mu);
    return end;
}

size_t ptd_pool_row_read(struct ptd_pool *p, struct ptd_pool_tx *out,
                         size_t max, uint64_t *place, uint64_t *behind)
{
    size_t n = 0;

    ptd_mutex_lock(&p->mu);
    if (p->row_end - *place > POOL_ROW)
        *place = p->row_end - POOL_ROW;
    for (; *place < p->row_end && n < max; ++*place) {
        struct entry *e = *at_locked(p, *place);

        if (e != NULL)
            pool_show(&out[n++], e);
    }
    *behind = p->row_end - *place;
    ptd_mutex_unlock(&p->mu);
    return n;
}

size_t ptd_pool_row_again(struct ptd_pool *p, const struct ptd_hash *txid)
{
    struct entry *e;

    ptd_mutex_lock(&p->mu);
    e = pool_find_locked(p, txid, PTD_POOL_TXID);
    if (e != NULL)
        pool_row_add_locked(p, e);
    ptd_mutex_unlock(&p->mu);
    return e != NULL;
}

void ptd_pool_adopt(struct ptd_pool *p, const struct ptd_hash *txid)
{
    struct entry *e;

    ptd_mutex_lock(&p->mu);
    e = pool_find_locked(p, txid, PTD_POOL_TXID);
    if (e != NULL && e->t.origin != PTD_POOL_OWN) {
        e->t.origin = PTD_POOL_OWN;
        e->pending = true;
        p->info.n_own_pending++;
        recent_add(&p->ours, txid);
        ptd_list_remove(&e->order);
        ptd_list_append(&p->own, &e->order);
    }
    if (e != NULL)
        pool_row_add_locked(p, e);
    ptd_mutex_unlock(&p->mu);
}

size_t ptd_pool_row_again_own(struct ptd_pool *p)
{
    size_t n = 0;

    ptd_mutex_lock(&p->mu);
    PTD_LIST_EACH(e, &p->own, struct entry, order)
    if (e->pending) {
        pool_row_add_locked(p, e);
        n++;
    }
    ptd_mutex_unlock(&p->mu);
    return n;
}

static void no_longer_pending_locked(struct ptd_pool *p, struct entry *e)
    PTD_REQUIRES(p->mu);
static void no_longer_pending_locked(struct ptd_pool *p, struct entry *e)
{
    p->info.n_own_pending -= e->pending;
    e->pending = false;
}

static void asked_locked(struct ptd_pool *p, struct entry *e)
    PTD_REQUIRES(p->mu);
static void asked_locked(struct ptd_pool *p, struct entry *e)
{
    p->info.n_unbroadcast -= e->t.unbroadcast;
    e->t.unbroadcast = false;
}

bool ptd_pool_came_back(struct ptd_pool *p, struct ptd_pool_ids *out,
                        const struct ptd_hash *hash, enum ptd_pool_id id)
{
    struct entry *e;

    ptd_mutex_lock(&p->mu);
    e = pool_find_locked(p, hash, id);
    if (e != NULL) {
        no_longer_pending_locked(p, e);
        asked_locked(p, e);
        out->txid = e->t.txid;
        out->wtxid = e->t.wtxid;
    }
    ptd_mutex_unlock(&p->mu);
    return e != NULL;
}

void ptd_pool_asked(struct ptd_pool *p, const struct ptd_hash *wtxid)
{
    struct entry *e;

    ptd_mutex_lock(&p->mu);
    if ((e = pool_find_locked(p, wtxid, PTD_POOL_WTXID)) != NULL)
        asked_locked(p, e);
    ptd_mutex_unlock(&p->mu);
}
