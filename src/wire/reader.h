/* reader.h - reads a payload, field after field; the first error sticks.
 *
 * After an error every read gives zero (an empty view, a zero hash), so a
 * decoder reads on and looks at the error once, at its end. A read never
 * touches a byte outside the payload. The field's name is for the error text:
 * a string literal, and no cost while all goes well.
 *
 * Owner    on the stack of one decoder
 * Threads  that one's
 */
#ifndef PTD_WIRE_READER_H
#define PTD_WIRE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "pentad/err.h"
#include "pentad/msg.h"

struct ptd_reader {
    const uint8_t *p;   /* next byte; at the end after an error */
    const uint8_t *end; /* behind the last byte */
    enum ptd_err err;   /* the first one */
    const char *field;  /* where it was; static */
    uint64_t got;       /* what was found or wanted there */
    uint64_t limit;     /* what would have been allowed, or was left */
};

static inline void ptd_reader_init(struct ptd_reader *r, const uint8_t *p,
                                   size_t n)
{
    *r = (struct ptd_reader){ .p = p, .end = p + n, .err = PTD_OK };
}

/* Report an error of the decoder's own: a value that the protocol forbids. The
 * first report stays; nothing more is read. */
void ptd_reader_fail(struct ptd_reader *r, enum ptd_err err, const char *field,
                     uint64_t got, uint64_t limit);

/* Bytes not yet read. */
static inline size_t ptd_reader_left(const struct ptd_reader *r)
{
    return (size_t)(r->end - r->p);
}

/* Take n bytes, or NULL after reporting PTD_ESHORT. */
static inline const uint8_t *ptd_read_raw(struct ptd_reader *r, size_t n,
                                          const char *field)
{
    const uint8_t *at = r->p;

    if (PTD_UNLIKELY(n > ptd_reader_left(r))) {
        ptd_reader_fail(r, PTD_ESHORT, field, n, ptd_reader_left(r));
        return NULL;
    }
    r->p += n;
    return at;
}

static inline uint8_t ptd_read_u8(struct ptd_reader *r, const char *field)
{
    const uint8_t *at = ptd_read_raw(r, 1, field);

    return at != NULL ? *at : 0;
}

static inline uint16_t ptd_read_u16le(struct ptd_reader *r, const char *field)
{
    const uint8_t *at = ptd_read_raw(r, 2, field);

    return at != NULL ? ptd_get_le16(at) : 0;
}

static inline uint16_t ptd_read_u16be(struct ptd_reader *r, const char *field)
{
    const uint8_t *at = ptd_read_raw(r, 2, field);

    return at != NULL ? ptd_get_be16(at) : 0;
}

static inline uint32_t ptd_read_u32(struct ptd_reader *r, const char *field)
{
    const uint8_t *at = ptd_read_raw(r, 4, field);

    return at != NULL ? ptd_get_le32(at) : 0;
}

static inline uint64_t ptd_read_u64(struct ptd_reader *r, const char *field)
{
    const uint8_t *at = ptd_read_raw(r, 8, field);

    return at != NULL ? ptd_get_le64(at) : 0;
}

static inline int32_t ptd_read_i32(struct ptd_reader *r, const char *field)
{
    return (int32_t)ptd_read_u32(r, field);
}

static inline int64_t ptd_read_i64(struct ptd_reader *r, const char *field)
{
    return (int64_t)ptd_read_u64(r, field);
}

/* Copy n bytes out; zeros after an error. */
static inline void ptd_read_copy(struct ptd_reader *r, void *out, size_t n,
                                 const char *field)
{
    const uint8_t *at = ptd_read_raw(r, n, field);

    if (PTD_LIKELY(at != NULL))
        memcpy(out, at, n);
    else
        memset(out, 0, n);
}

static inline void ptd_read_hash(struct ptd_reader *r, struct ptd_hash *out,
                                 const char *field)
{
    ptd_read_copy(r, out, sizeof *out, field);
}

/* A view of n bytes of the payload: see ptd_codec_ops.has_views. */
static inline struct ptd_bytes ptd_read_view(struct ptd_reader *r, size_t n,
                                             const char *field)
{
    const uint8_t *at = ptd_read_raw(r, n, field);

    return (struct ptd_bytes){ at, at != NULL ? n : 0 };
}

/* The longer forms of ptd_read_varint(). */
uint64_t ptd_read_varint_long(struct ptd_reader *r, const char *field);

/* A compact size; PTD_ENONCANON if it is not in its shortest form. */
static inline uint64_t ptd_read_varint(struct ptd_reader *r, const char *field)
{
    if (PTD_LIKELY(r->p != r->end && *r->p < 0xfd))
        return *r->p++;
    return ptd_read_varint_long(r, field);
}

/* The number of entries that follow, each of at least min_bytes >= 1. Held
 * against its limit (PTD_ETOOBIG) and against the bytes left (PTD_ESHORT), so
 * that memory may be allocated from it.
 *
 * limit    at most UINT32_MAX
 */
static inline uint32_t ptd_read_count(struct ptd_reader *r, const char *field,
                                      uint32_t limit, size_t min_bytes)
{
    uint64_t n = ptd_read_varint(r, field);

    if (PTD_UNLIKELY(n > limit)) {
        ptd_reader_fail(r, PTD_ETOOBIG, field, n, limit);
        return 0;
    }
    /* n < 2^32 and min_bytes is small: no overflow in 64 bits. */
    if (PTD_UNLIKELY(n * min_bytes > ptd_reader_left(r))) {
        ptd_reader_fail(r, PTD_ESHORT, field, n * min_bytes,
                        ptd_reader_left(r));
        return 0;
    }
    return (uint32_t)n;
}

/* A compact size and a view of as many bytes; limit as in ptd_read_count(). */
static inline struct ptd_bytes
ptd_read_var_bytes(struct ptd_reader *r, const char *field, uint32_t limit)
{
    uint32_t n = ptd_read_count(r, field, limit, 1);

    return ptd_read_view(r, n, field);
}

#endif /* PTD_WIRE_READER_H */
