/* hashtab.h - a hash table whose links lie inside the elements.
 *
 * Elements bring a 64-bit digest that strangers cannot steer (SipHash with a
 * secret key); several may have the same one. What an element is equal to is
 * the user's to say: he walks those of one digest.
 *
 *     for (l = hashtab_first(t, digest); l != NULL; l = hashtab_next(l))
 *         if (is_it(PTD_CONTAINER_OF(l, struct thing, by_id)))
 *             …
 */
#ifndef PTD_RELAY_HASHTAB_H
#define PTD_RELAY_HASHTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"

struct hash_link {
    struct hash_link *next; /* in its bucket */
    uint64_t digest;
};

struct hashtab {
    struct hash_link **bucket; /* 1 << bits of them */
    unsigned bits;
    size_t n;
};

/* False for lack of memory. */
PTD_MUST_USE bool hashtab_init(struct hashtab *t);
/* Its elements are the user's. Harmless after a failed init. */
void hashtab_fini(struct hashtab *t);

/* Cannot fail: for lack of memory the table does not grow. */
void hashtab_add(struct hashtab *t, struct hash_link *l, uint64_t digest);
void hashtab_remove(struct hashtab *t, struct hash_link *l);

/* The first element of a digest, and the next one; NULL: there is none. */
struct hash_link *hashtab_first(const struct hashtab *t, uint64_t digest);
struct hash_link *hashtab_next(const struct hash_link *l);

#endif /* PTD_RELAY_HASHTAB_H */
