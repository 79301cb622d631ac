#include <config.h>

#include "pentad/msg.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/util.h"
#include "wire/encoded.h"
#include "wire/msg_priv.h"

/* Small requests share a piece of at most this size. */
enum { SHARED_PIECE_BYTES = 4096 };

_Static_assert(sizeof(struct ptd_msg_priv) % 8 == 0,
               "the message's struct lies behind its private part");
_Static_assert(_Alignof(max_align_t) <= PTD_MSG_ALIGN,
               "what is allocated is aligned for any type");

static size_t align_up(size_t n)
{
    return (n + PTD_MSG_ALIGN - 1) & ~(size_t)(PTD_MSG_ALIGN - 1);
}

void *ptd_wire_take(struct ptd_mem *mem, size_t bytes)
{
    return mem != NULL ? mem->alloc(mem, bytes) : ptd_alloc(bytes);
}

void ptd_wire_give(struct ptd_mem *mem, void *p, size_t bytes)
{
    if (mem != NULL)
        mem->release(mem, p, bytes);
    else
        ptd_free(p);
}

struct ptd_msg *ptd_msg_make(enum ptd_msg_type type,
                             const struct ptd_codec_entry *entry, size_t extra,
                             struct ptd_mem *mem)
{
    const size_t head = align_up(sizeof(struct ptd_msg_priv));
    const size_t fixed = head + align_up(entry->struct_bytes);
    struct ptd_msg_priv *priv;
    struct ptd_msg *m;
    size_t bytes;

    if (ptd_add_overflow(fixed, align_up(extra), &bytes))
        return NULL;
    if ((priv = ptd_wire_take(mem, bytes)) == NULL)
        return NULL;
    memset(priv, 0, fixed);
    priv->mem = mem;
    priv->free = (uint8_t *)priv + fixed;
    priv->end = (uint8_t *)priv + bytes;
    priv->first_bytes = bytes;
    priv->piece_bytes = bytes;
    ptd_ref_init(&priv->ref);
    m = (struct ptd_msg *)(void *)((uint8_t *)priv + head);
    m->type = type;
    m->priv = priv;
    if (entry->ops->init != NULL)
        entry->ops->init(m);
    return m;
}

struct ptd_msg *ptd_msg_new(enum ptd_msg_type type)
{
    const struct ptd_codec_entry *entry = ptd_codec_entry(type);

    return entry != NULL ? ptd_msg_make(type, entry, 0, NULL) : NULL;
}

/* ---- memory of a message ------------------------------------------------ */

/* Add a piece with room for exactly `room` bytes. */
static bool add_piece(struct ptd_msg_priv *priv, size_t room)
{
    struct ptd_msg_piece *piece;
    size_t bytes;

    if (ptd_add_overflow(sizeof *piece, room, &bytes) ||
        (piece = ptd_wire_take(priv->mem, bytes)) == NULL)
        return false;
    piece->bytes = bytes;
    piece->next = priv->pieces;
    priv->pieces = piece;
    priv->free = (uint8_t *)(piece + 1);
    priv->end = priv->free + room;
    priv->piece_bytes += bytes;
    return true;
}

bool ptd_msg_reserve(struct ptd_msg *m, size_t bytes)
{
    struct ptd_msg_priv *priv = m->priv;

    return (size_t)(priv->end - priv->free) >= bytes || add_piece(priv, bytes);
}

void *ptd_msg_alloc_raw(struct ptd_msg *m, size_t n, size_t size)
{
    struct ptd_msg_priv *priv = m->priv;
    size_t bytes;
    void *at;

    if (ptd_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    bytes = align_up(bytes);
    if (bytes > (size_t)(priv->end - priv->free)) {
        /* Whoever adds many small things finds room for the next ones. */
        size_t room = PTD_MIN(priv->piece_bytes, SHARED_PIECE_BYTES);

        if (!add_piece(priv, PTD_MAX(bytes, room)))
            return NULL;
    }
    at = priv->free;
    priv->free += bytes;
    return at;
}

void *ptd_msg_alloc(struct ptd_msg *m, size_t n, size_t size)
{
    void *at = ptd_msg_alloc_raw(m, n, size);

    if (at != NULL)
        memset(at, 0, n * size);
    return at;
}

enum ptd_err ptd_msg_copy_bytes(struct ptd_msg *m, struct ptd_bytes *out,
                                const void *p, size_t n)
{
    uint8_t *copy = ptd_msg_alloc_raw(m, n, 1);

    if (copy == NULL)
        return PTD_ENOMEM;
    if (n > 0)
        memcpy(copy, p, n);
    *out = (struct ptd_bytes){ copy, n };
    return PTD_OK;
}

/* ---- references --------------------------------------------------------- */

struct ptd_msg *ptd_msg_ref(struct ptd_msg *m)
{
    ptd_ref_get(&m->priv->ref);
    return m;
}

static struct ptd_encoded *cached_at(const struct ptd_msg_priv *priv, size_t i)
{
    return atomic_load_explicit(&priv->cached[i], memory_order_acquire);
}

void ptd_msg_free(struct ptd_msg *m)
{
    struct ptd_msg_priv *priv;
    struct ptd_msg_piece *piece;

    if (m == NULL || !ptd_ref_put(&m->priv->ref))
        return;
    priv = m->priv;
    for (size_t i = 0; i < PTD_MSG_N_CACHED; i++)
        ptd_encoded_free(cached_at(priv, i));
    while ((piece = priv->pieces) != NULL) {
        priv->pieces = piece->next;
        ptd_wire_give(priv->mem, piece, piece->bytes);
    }
    ptd_buf_free(priv->buf);
    ptd_wire_give(priv->mem, priv, priv->first_bytes);
}

bool ptd_msg_is_unshared(const struct ptd_msg *m)
{
    return ptd_ref_is_last(&m->priv->ref);
}

size_t ptd_msg_memory_bytes(const struct ptd_msg *m)
{
    const struct ptd_msg_priv *priv = m->priv;
    size_t bytes = priv->piece_bytes;

    if (priv->buf != NULL)
        bytes += sizeof *priv->buf + priv->buf->cap;
    for (size_t i = 0; i < PTD_MSG_N_CACHED; i++) {
        const struct ptd_encoded *e = cached_at(priv, i);

        if (e != NULL)
            bytes += sizeof *e + (e->buf == NULL ? e->n : 0);
    }
    return bytes;
}

uint32_t ptd_msg_trailing_bytes(const struct ptd_msg *m)
{
    return m->priv->trailing_bytes;
}
