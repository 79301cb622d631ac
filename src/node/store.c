#include <config.h>

#include "node/store.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/rng.h"
#include "crypto/siphash.h"
#include "sync/mutex.h"
#include "wire/encoded.h"

enum { FIRST_BUCKETS = 256 };

struct entry {
    struct ptd_link age; /* in the store's list, oldest first */
    struct entry *next;  /* in its bucket */
    struct ptd_hash hash;
    struct ptd_msg *msg; /* one reference */
    size_t bytes;        /* that it counts for */
};

struct ptd_store {
    size_t max_bytes;    /* set once, as are k0 and k1 */
    uint64_t k0, k1;     /* strangers choose what hashes there are */
    struct ptd_mutex mu; /* PTD_RANK_STORE */
    struct entry **bucket PTD_GUARDED_BY(mu); /* n_buckets, a power of two */
    size_t n_buckets PTD_GUARDED_BY(mu);
    size_t n PTD_GUARDED_BY(mu);
    size_t bytes PTD_GUARDED_BY(mu);
    struct ptd_link by_age PTD_GUARDED_BY(mu);
    bool has_evicted PTD_GUARDED_BY(mu);
};

struct ptd_store *ptd_store_new(size_t max_bytes)
{
    struct ptd_store *s = ptd_calloc(1, sizeof *s);
    bool is_good;

    if (s == NULL)
        return NULL;
    ptd_mutex_init(&s->mu, PTD_RANK_STORE);
    ptd_mutex_lock(&s->mu);
    s->max_bytes = max_bytes;
    s->k0 = ptd_random_u64();
    s->k1 = ptd_random_u64();
    ptd_list_init(&s->by_age);
    s->n_buckets = FIRST_BUCKETS;
    s->bucket = ptd_calloc(s->n_buckets, sizeof(struct entry *));
    is_good = s->bucket != NULL;
    ptd_mutex_unlock(&s->mu);
    if (is_good)
        return s;
    ptd_store_free(s);
    return NULL;
}

static void entry_free(struct entry *e)
{
    ptd_msg_free(e->msg);
    ptd_free(e);
}

void ptd_store_free(struct ptd_store *s)
{
    struct ptd_link *l;

    if (s == NULL)
        return;
    ptd_mutex_lock(&s->mu);
    while ((l = ptd_list_pop(&s->by_age)) != NULL)
        entry_free(PTD_CONTAINER_OF(l, struct entry, age));
    ptd_free(s->bucket);
    ptd_mutex_unlock(&s->mu);
    ptd_mutex_fini(&s->mu);
    ptd_free(s);
}

static struct entry **
place_locked(struct ptd_store *s, const struct ptd_hash *hash)
    PTD_REQUIRES(s->mu);
static struct entry **place_locked(struct ptd_store *s,
                                   const struct ptd_hash *hash)
{
    uint64_t h = ptd_siphash24_hash(s->k0, s->k1, hash);
    struct entry **at = &s->bucket[h & (s->n_buckets - 1)];

    while (*at != NULL && !ptd_hash_eq(&(*at)->hash, hash))
        at = &(*at)->next;
    return at;
}

/* More buckets, once there are more entries than buckets. Without memory the
 * chains just get longer. */
static void grow_locked(struct ptd_store *s) PTD_REQUIRES(s->mu);
static void grow_locked(struct ptd_store *s)
{
    struct entry **bucket;

    if (s->n < s->n_buckets ||
        (bucket = ptd_calloc(2 * s->n_buckets, sizeof(struct entry *))) == NULL)
        return;
    ptd_free(s->bucket);
    s->bucket = bucket;
    s->n_buckets *= 2;
    PTD_LIST_EACH(e, &s->by_age, struct entry, age)
    {
        struct entry **at;

        e->next = NULL;
        at = place_locked(s, &e->hash);
        *at = e;
    }
}

/* Take the oldest out, for the caller to free. */
static struct entry *evict_locked(struct ptd_store *s) PTD_REQUIRES(s->mu);
static struct entry *evict_locked(struct ptd_store *s)
{
    struct entry *e, **at;

    PTD_ASSERT(!ptd_list_is_empty(&s->by_age));
    e = PTD_CONTAINER_OF(s->by_age.next, struct entry, age);
    ptd_list_remove(&e->age);
    at = place_locked(s, &e->hash);
    *at = e->next;
    s->n--;
    s->bytes -= e->bytes;
    s->has_evicted = true;
    return e;
}

static size_t bytes_of(const struct ptd_msg *msg)
{
    struct ptd_codec cx = { .pver = PTD_PVER_WTXIDRELAY,
                            .encoding = PTD_ENC_BASE };
    size_t bytes = sizeof(struct entry) + ptd_msg_memory_bytes(msg) +
                   ptd_msg_form_bytes(msg, &cx);

    cx.encoding = PTD_ENC_WITNESS;
    return bytes + ptd_msg_form_bytes(msg, &cx);
}

enum ptd_err ptd_store_put(struct ptd_store *s, const struct ptd_hash *hash,
                           struct ptd_msg *msg)
{
    struct entry *e = ptd_calloc(1, sizeof *e), *old = NULL, **at;

    if (e == NULL)
        return PTD_ENOMEM;
    e->hash = *hash;
    e->bytes = bytes_of(msg);
    if (e->bytes > s->max_bytes) {
        ptd_free(e);
        return PTD_ETOOBIG;
    }
    ptd_mutex_lock(&s->mu);
    grow_locked(s);
    at = place_locked(s, hash);
    if (*at != NULL) {
        ptd_mutex_unlock(&s->mu);
        ptd_free(e);
        return PTD_EEXIST;
    }
    e->msg = ptd_msg_ref(msg);
    *at = e;
    ptd_list_append(&s->by_age, &e->age);
    s->n++;
    s->bytes += e->bytes;
    while (s->bytes > s->max_bytes) {
        struct entry *out = evict_locked(s);

        out->next = old;
        old = out;
    }
    ptd_mutex_unlock(&s->mu);
    while (old != NULL) {
        struct entry *next = old->next;

        entry_free(old);
        old = next;
    }
    return PTD_OK;
}

struct ptd_msg *ptd_store_get(struct ptd_store *s, const struct ptd_hash *hash)
{
    struct ptd_msg *msg = NULL;
    struct entry *e;

    ptd_mutex_lock(&s->mu);
    if ((e = *place_locked(s, hash)) != NULL)
        msg = ptd_msg_ref(e->msg);
    ptd_mutex_unlock(&s->mu);
    return msg;
}

bool ptd_store_has(struct ptd_store *s, const struct ptd_hash *hash)
{
    bool has;

    ptd_mutex_lock(&s->mu);
    has = *place_locked(s, hash) != NULL;
    ptd_mutex_unlock(&s->mu);
    return has;
}

size_t ptd_store_count(struct ptd_store *s)
{
    size_t n;

    ptd_mutex_lock(&s->mu);
    n = s->n;
    ptd_mutex_unlock(&s->mu);
    return n;
}

size_t ptd_store_bytes(struct ptd_store *s)
{
    size_t bytes;

    ptd_mutex_lock(&s->mu);
    bytes = s->bytes;
    ptd_mutex_unlock(&s->mu);
    return bytes;
}

bool ptd_store_has_evicted(struct ptd_store *s)
{
    bool has;

    ptd_mutex_lock(&s->mu);
    has = s->has_evicted;
    ptd_mutex_unlock(&s->mu);
    return has;
}
