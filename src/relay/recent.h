/* recent.h - which hashes were met lately: a set that forgets.
 *
 * Two generations of a Bloom filter: the last n hashes are all in it, some of
 * the n before them too. One in a million others seems to be. Takes 8 bytes a
 * hash, from the first one on.
 *
 * Owner    whoever has it; no lock of its own
 */
#ifndef PTD_RELAY_RECENT_H
#define PTD_RELAY_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/hash.h"

struct recent {
    uint64_t k0, k1;
    size_t limit;      /* hashes in a generation */
    size_t n;          /* in the present one */
    unsigned now;      /* which of the two that is */
    uint64_t *bits[2]; /* NULL: empty */
};

void recent_init(struct recent *r, size_t limit);
void recent_fini(struct recent *r);

/* For lack of memory it is not remembered. */
void recent_add(struct recent *r, const struct ptd_hash *h);
bool recent_has(const struct recent *r, const struct ptd_hash *h);
void recent_clear(struct recent *r);

#endif /* PTD_RELAY_RECENT_H */
