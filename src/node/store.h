/* store.h - blocks and transactions that the node was given, in memory.
 *
 * Bounded in bytes: the oldest make room for the newest. A message counts with
 * the encoded forms that it will hold once it was served with and without its
 * witnesses, so that asking for it makes nothing go. It is held by reference;
 * whoever gets one gets a reference too.
 *
 * Threads  any
 * Locks    one (PTD_RANK_STORE), held for a few lines
 */
#ifndef PTD_NODE_STORE_H
#define PTD_NODE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/hash.h"
#include "pentad/msg.h"

struct ptd_store;

/* NULL for lack of memory. */
PTD_MUST_USE struct ptd_store *ptd_store_new(size_t max_bytes);
/* Takes NULL. */
void ptd_store_free(struct ptd_store *s PTD_TAKES);

/* Hold msg under a hash; the caller keeps its own reference.
 *
 * Returns  PTD_OK; PTD_EEXIST: it is there already; PTD_ETOOBIG: larger than
 *          the whole store; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_store_put(struct ptd_store *s, const struct ptd_hash *hash,
              struct ptd_msg *msg) PTD_NONNULL(1, 2, 3);

/* Give a reference; NULL if it is not there. */
PTD_MUST_USE struct ptd_msg *
ptd_store_get(struct ptd_store *s, const struct ptd_hash *hash)
    PTD_NONNULL(1, 2);
bool ptd_store_has(struct ptd_store *s, const struct ptd_hash *hash)
    PTD_NONNULL(1, 2);

size_t ptd_store_count(struct ptd_store *s) PTD_NONNULL(1);
size_t ptd_store_bytes(struct ptd_store *s) PTD_NONNULL(1);

/* True once something had to make room. */
bool ptd_store_has_evicted(struct ptd_store *s) PTD_NONNULL(1);

#endif /* PTD_NODE_STORE_H */
