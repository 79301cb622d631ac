/* orphans.h - places of blocks whose parent was not seen yet, by its hash.
 *
 * For importing files: the block itself is read again when its parent came.
 *
 * Owner    one import
 * Threads  its own
 */
#ifndef PTD_CHAIN_ORPHANS_H
#define PTD_CHAIN_ORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/hash.h"

struct ptd_orphan {
    struct ptd_hash parent;
    uint64_t offset; /* in the file, of the block */
    uint32_t file;
    uint32_t bytes;
    uint32_t next; /* of the same bucket, or the free ones */
};

enum { PTD_ORPHANS_MAX = 1000000 };

struct ptd_orphans {
    struct ptd_orphan *list;
    size_t n_used, cap; /* of list, free ones counted */
    size_t n;           /* held */
    uint32_t free;      /* head of the free ones */
    uint32_t *bucket;   /* heads; NULL: none was put yet */
    size_t n_buckets;   /* a power of two */
    uint64_t key[2];
};

void ptd_orphans_init(struct ptd_orphans *o);
void ptd_orphans_fini(struct ptd_orphans *o);

/* False: no memory, or there are PTD_ORPHANS_MAX. */
PTD_MUST_USE bool ptd_orphans_put(struct ptd_orphans *o,
                                  const struct ptd_orphan *x);

/* Take one child of a parent out; false: there is none. */
PTD_MUST_USE bool ptd_orphans_take(struct ptd_orphans *o,
                                   struct ptd_orphan *out,
                                   const struct ptd_hash *parent);

#endif /* PTD_CHAIN_ORPHANS_H */
