#include <config.h>

#include "relay/hashtab.h"

#include "base/alloc.h"
#include "base/util.h"

enum { FIRST_BITS = 6, MAX_BITS = 24 };

static struct hash_link **place(const struct hashtab *t, uint64_t digest)
{
    return &t->bucket[digest & ((UINT64_C(1) << t->bits) - 1)];
}

bool hashtab_init(struct hashtab *t)
{
    *t = (struct hashtab){ .bits = FIRST_BITS };
    t->bucket = ptd_calloc((size_t)1 << FIRST_BITS, sizeof(void *));
    return t->bucket != NULL;
}

void hashtab_fini(struct hashtab *t)
{
    ptd_free(t->bucket);
    t->bucket = NULL;
}

static void put(struct hashtab *t, struct hash_link *l)
{
    struct hash_link **at = place(t, l->digest);

    l->next = *at;
    *at = l;
}

static void grow(struct hashtab *t)
{
    struct hash_link **old = t->bucket, *l, *next;
    const size_t n_old = (size_t)1 << t->bits;
    struct hash_link **new = ptd_calloc(2 * n_old, sizeof(void *));

    if (new == NULL)
        return; /* chains grow longer, that is all */
    t->bucket = new;
    t->bits++;
    for (size_t i = 0; i < n_old; i++)
        for (l = old[i]; l != NULL; l = next) {
            next = l->next;
            put(t, l);
        }
    ptd_free(old);
}

void hashtab_add(struct hashtab *t, struct hash_link *l, uint64_t digest)
{
    if (t->n >= (size_t)1 << t->bits && t->bits < MAX_BITS)
        grow(t);
    l->digest = digest;
    put(t, l);
    t->n++;
}

void hashtab_remove(struct hashtab *t, struct hash_link *l)
{
    struct hash_link **at = place(t, l->digest);

    while (*at != l) {
        PTD_ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = l->next;
    l->next = NULL;
    t->n--;
}

static struct hash_link *from(struct hash_link *l, uint64_t digest)
{
    while (l != NULL && l->digest != digest)
        l = l->next;
    return l;
}

struct hash_link *hashtab_first(const struct hashtab *t, uint64_t digest)
{
    return from(*place(t, digest), digest);
}

struct hash_link *hashtab_next(const struct hash_link *l)
{
    return from(l->next, l->digest);
}
