/* batch.h - what the next write takes: pieces of scratch memory and payloads
 * that stay where they are.
 *
 * Scratch is a few hundred bytes inside the batch, then one piece from the
 * pool while much is written. A payload by reference is held until the whole
 * batch is out.
 *
 * Threads  the writing half's
 */
#ifndef PTD_NET_BATCH_H
#define PTD_NET_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/mem.h"
#include "pentad/attr.h"
#include "pentad/err.h"

struct ptd_encoded;

enum {
    PTD_BATCH_INLINE = 512,      /* bytes of scratch that are always there */
    PTD_BATCH_CHUNK = 32 * 1024, /* bytes of scratch from the pool */
    PTD_BATCH_REFS = 32,
    PTD_BATCH_IOVS = 2 * PTD_BATCH_REFS,
    /* A batch that holds more takes no further payload by reference. */
    PTD_BATCH_BYTES = 256 * 1024
};

struct ptd_batch {
    struct ptd_mem *mem;      /* set once; NULL: malloc */
    struct iovec iov[PTD_BATCH_IOVS];
    struct ptd_encoded *ref[PTD_BATCH_REFS];
    unsigned n_iov;
    unsigned first;           /* of iov, the first not yet written whole */
    unsigned n_ref;
    size_t bytes;             /* not yet written */
    uint8_t *chunk;           /* NULL: none */
    size_t chunk_cap;
    size_t inline_used;
    size_t chunk_used;
    uint8_t scratch[PTD_BATCH_INLINE];
};

void ptd_batch_init(struct ptd_batch *b, struct ptd_mem *mem) PTD_NONNULL(1);
void ptd_batch_fini(struct ptd_batch *b) PTD_NONNULL(1);

static inline bool ptd_batch_is_empty(const struct ptd_batch *b)
{
    return b->n_iov == 0;
}

/* Where n more bytes of scratch can be written, without taking any more memory;
 * NULL if there is no such place. */
uint8_t *ptd_batch_peek(struct ptd_batch *b, size_t n, size_t *room)
    PTD_NONNULL(1, 3);

/* The same, taking memory where needed.
 *
 * Returns  PTD_OK; PTD_EFULL, never on an empty batch; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_batch_room(struct ptd_batch *b, size_t n,
                                         uint8_t **at, size_t *room)
    PTD_NONNULL(1, 3, 4);

/* The n bytes at `at`, which peek or room gave last, are part of the batch. */
void ptd_batch_commit(struct ptd_batch *b, uint8_t *at, size_t n)
    PTD_NONNULL(1, 2);

/* True if a head and a payload of n bytes by reference fit in. */
bool ptd_batch_has_room_for_ref(const struct ptd_batch *b, size_t n)
    PTD_NONNULL(1);

/* Add the payload by reference; takes the caller's reference. */
void ptd_batch_add_ref(struct ptd_batch *b, struct ptd_encoded *e PTD_TAKES)
    PTD_NONNULL(1, 2);

/* n bytes from the front were written. The batch is empty, and lets go of what
 * it held, once all were. */
void ptd_batch_written(struct ptd_batch *b, size_t n) PTD_NONNULL(1);

/* Drop all that is in it. */
void ptd_batch_clear(struct ptd_batch *b) PTD_NONNULL(1);

/* Give the chunk back if nothing is in it. */
void ptd_batch_shrink(struct ptd_batch *b) PTD_NONNULL(1);

#endif /* PTD_NET_BATCH_H */
