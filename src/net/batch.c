#include <config.h>

#include "net/batch.h"

#include <stdlib.h>

#include "base/util.h"
#include "wire/encoded.h"

void ptd_batch_init(struct ptd_batch *b, struct ptd_mem *mem)
{
    b->mem = mem;
    b->n_iov = b->first = b->n_ref = 0;
    b->bytes = b->inline_used = b->chunk_used = b->chunk_cap = 0;
    b->chunk = NULL;
}

static void free_chunk(struct ptd_batch *b)
{
    if (b->chunk == NULL)
        return;
    if (b->mem != NULL)
        b->mem->release(b->mem, b->chunk, b->chunk_cap);
    else
        free(b->chunk);
    b->chunk = NULL;
    b->chunk_cap = b->chunk_used = 0;
}

static enum ptd_err take_chunk(struct ptd_batch *b, size_t n)
{
    size_t cap = PTD_MAX(n, (size_t)PTD_BATCH_CHUNK);

    free_chunk(b);
    b->chunk = b->mem != NULL ? b->mem->alloc(b->mem, cap) : malloc(cap);
    if (b->chunk == NULL)
        return PTD_ENOMEM;
    b->chunk_cap = cap;
    return PTD_OK;
}

void ptd_batch_fini(struct ptd_batch *b)
{
    ptd_batch_clear(b);
    free_chunk(b);
}

uint8_t *ptd_batch_peek(struct ptd_batch *b, size_t n, size_t *room)
{
    uint8_t *at;

    if (b->chunk != NULL) {
        at = b->chunk + b->chunk_used;
        *room = b->chunk_cap - b->chunk_used;
    } else {
        at = b->scratch + b->inline_used;
        *room = sizeof b->scratch - b->inline_used;
    }
    return *room >= n && b->n_iov < PTD_BATCH_IOVS ? at : NULL;
}

enum ptd_err ptd_batch_room(struct ptd_batch *b, size_t n, uint8_t **at,
                            size_t *room)
{
    *at = ptd_batch_peek(b, n, room);
    if (*at != NULL)
        return PTD_OK;
    /* One chunk at a time: what lies in it must not move. */
    if (!ptd_batch_is_empty(b) &&
        (b->chunk != NULL || b->n_iov == PTD_BATCH_IOVS))
        return PTD_EFULL;
    if (take_chunk(b, n) != PTD_OK)
        return PTD_ENOMEM;
    *at = ptd_batch_peek(b, n, room);
    return PTD_OK;
}

void ptd_batch_commit(struct ptd_batch *b, uint8_t *at, size_t n)
{
    struct iovec *last = b->n_iov > 0 ? &b->iov[b->n_iov - 1] : NULL;

    if (b->chunk != NULL)
        b->chunk_used += n;
    else
        b->inline_used += n;
    b->bytes += n;
    if (last != NULL && (uint8_t *)last->iov_base + last->iov_len == at)
        last->iov_len += n;
    else
        b->iov[b->n_iov++] = (struct iovec){ .iov_base = at, .iov_len = n };
}

bool ptd_batch_has_room_for_ref(const struct ptd_batch *b, size_t n)
{
    if (ptd_batch_is_empty(b))
        return true;
    return b->n_ref < PTD_BATCH_REFS && b->n_iov + 2 <= PTD_BATCH_IOVS &&
           b->bytes < PTD_BATCH_BYTES && n <= PTD_BATCH_BYTES - b->bytes;
}

void ptd_batch_add_ref(struct ptd_batch *b, struct ptd_encoded *e)
{
    /* sendmsg() does not write to it. */
    union {
        const uint8_t *in;
        void *out;
    } payload = { .in = e->payload };

    b->ref[b->n_ref++] = e;
    if (e->n == 0)
        return;
    b->iov[b->n_iov++] =
        (struct iovec){ .iov_base = payload.out, .iov_len = e->n };
    b->bytes += e->n;
}

void ptd_batch_written(struct ptd_batch *b, size_t n)
{
    PTD_ASSERT(n <= b->bytes);
    b->bytes -= n;
    while (n > 0 && n >= b->iov[b->first].iov_len)
        n -= b->iov[b->first++].iov_len;
    if (n > 0) {
        struct iovec *v = &b->iov[b->first];

        v->iov_base = (uint8_t *)v->iov_base + n;
        v->iov_len -= n;
    }
    if (b->bytes == 0)
        ptd_batch_clear(b);
}

void ptd_batch_clear(struct ptd_batch *b)
{
    while (b->n_ref > 0)
        ptd_encoded_free(b->ref[--b->n_ref]);
    b->n_iov = b->first = 0;
    b->bytes = b->inline_used = b->chunk_used = 0;
}

void ptd_batch_shrink(struct ptd_batch *b)
{
    if (ptd_batch_is_empty(b))
        free_chunk(b);
}
