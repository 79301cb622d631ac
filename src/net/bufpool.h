/* bufpool.h - recycled large buffers.
 *
 * A fresh mapping costs 3 ms a MB in page faults, so pieces of 16 KiB to 6 MiB
 * are kept for the next one who asks; smaller and larger ones go to malloc. An
 * allocator in the sense of base/mem.h, for all connections of a process.
 *
 * Owner    ptd_bufpool_new() gives one; ptd_bufpool_free() may come while
 *          pieces are out: the last one that comes back frees the pool
 * Threads  any
 * Locks    one (PTD_RANK_BUFPOOL), never held while memory is asked for
 */
#ifndef PTD_NET_BUFPOOL_H
#define PTD_NET_BUFPOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "pentad/attr.h"

struct ptd_bufpool;

/* Pieces of this size and more are recycled and counted. */
#define PTD_BUFPOOL_MIN_BYTES ((size_t)16 << 10)

struct ptd_bufpool_config {
    size_t max_idle_bytes; /* kept for later at most; 0: 32 MiB */
    size_t eager_bytes;    /* see ptd_bufpool_is_roomy(); 0: 32 MiB */
};

/* cfg NULL: the defaults. NULL for lack of memory. */
PTD_MUST_USE struct ptd_bufpool *
ptd_bufpool_new(const struct ptd_bufpool_config *cfg);

/* Drop the maker's reference and what lies idle. Takes NULL. */
void ptd_bufpool_free(struct ptd_bufpool *pool PTD_TAKES);

/* The allocator to pass on; good while the pool is, or a piece is out. */
struct ptd_mem *ptd_bufpool_mem(struct ptd_bufpool *pool) PTD_NONNULL(1);

/* Give back to the system what lies idle beyond keep_bytes, the longest idle
 * first. */
void ptd_bufpool_trim(struct ptd_bufpool *pool, size_t keep_bytes)
    PTD_NONNULL(1);

/* Bytes of large pieces that are out, and that lie idle; snapshots. */
size_t ptd_bufpool_out_bytes(const struct ptd_bufpool *pool) PTD_NONNULL(1);
size_t ptd_bufpool_idle_bytes(const struct ptd_bufpool *pool) PTD_NONNULL(1);

/* True if mem is a pool of which, with `bytes` more, no more than eager_bytes
 * would be out: a reader may then take the whole size that a header declares
 * at once. Otherwise memory is to grow with the bytes that arrive.
 *
 * mem      any allocator, or NULL
 */
bool ptd_bufpool_is_roomy(const struct ptd_mem *mem, size_t bytes);

#endif /* PTD_NET_BUFPOOL_H */
