#include <config.h>

#include "chain/orphans.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "crypto/siphash.h"

enum { FIRST_BUCKETS = 256 };

#define NONE UINT32_MAX

void ptd_orphans_init(struct ptd_orphans *o)
{
    *o = (struct ptd_orphans){ .free = NONE };
    ptd_random_bytes(o->key, sizeof o->key);
}

void ptd_orphans_fini(struct ptd_orphans *o)
{
    ptd_free(o->list);
    ptd_free(o->bucket);
}

static uint32_t *bucket_of(struct ptd_orphans *o, const struct ptd_hash *parent)
{
    return &o->bucket[ptd_siphash24_hash(o->key[0], o->key[1], parent) &
                      (o->n_buckets - 1)];
}

static bool resize(struct ptd_orphans *o, size_t n_buckets)
{
    uint32_t *old = o->bucket, *fresh = ptd_alloc_array(n_buckets, sizeof *old);
    size_t n_old = o->n_buckets;

    if (fresh == NULL)
        return false;
    memset(fresh, 0xff, n_buckets * sizeof *fresh); /* NONE */
    o->bucket = fresh;
    o->n_buckets = n_buckets;
    for (size_t i = 0; old != NULL && i < n_old; i++) {
        uint32_t at = old[i];

        while (at != NONE) {
            uint32_t next = o->list[at].next;
            uint32_t *head = bucket_of(o, &o->list[at].parent);

            o->list[at].next = *head;
            *head = at;
            at = next;
        }
    }
    ptd_free(old);
    return true;
}

bool ptd_orphans_put(struct ptd_orphans *o, const struct ptd_orphan *x)
{
    uint32_t at = o->free;
    uint32_t *head;

    if (o->n >= PTD_ORPHANS_MAX)
        return false;
    if (o->n >= o->n_buckets &&
        !resize(o, o->n_buckets > 0 ? o->n_buckets * 2 : FIRST_BUCKETS))
        return false;
    if (at != NONE) {
        o->free = o->list[at].next;
    } else {
        struct ptd_orphan *list =
            ptd_array_grow(o->list, &o->cap, o->n_used + 1, sizeof *list);

        if (list == NULL)
            return false;
        o->list = list;
        at = (uint32_t)o->n_used++;
    }
    o->list[at] = *x;
    head = bucket_of(o, &x->parent);
    o->list[at].next = *head;
    *head = at;
    o->n++;
    return true;
}

bool ptd_orphans_take(struct ptd_orphans *o, struct ptd_orphan *out,
                      const struct ptd_hash *parent)
{
    uint32_t *link;

    if (o->n == 0)
        return false;
    for (link = bucket_of(o, parent); *link != NONE;
         link = &o->list[*link].next) {
        uint32_t at = *link;

        if (!ptd_hash_eq(&o->list[at].parent, parent))
            continue;
        *out = o->list[at];
        *link = o->list[at].next;
        o->list[at].next = o->free;
        o->free = at;
        o->n--;
        return true;
    }
    return false;
}
