/* writer.h - writes a payload into a caller's buffer, or only counts it.
 *
 * The first error sticks: PTD_EFULL when the buffer ends, or what the encoder
 * reports; writes after it do nothing. Over a NULL buffer the writer counts
 * bytes, so that one encode function tells the size and makes the form.
 *
 * Owner    on the stack of one encoder
 * Threads  that one's
 */
#ifndef PTD_WIRE_WRITER_H
#define PTD_WIRE_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "pentad/err.h"
#include "pentad/msg.h"

struct ptd_writer {
    uint8_t *buf;      /* NULL: count only */
    size_t n;          /* bytes written, or counted */
    size_t cap;        /* n after an error */
    enum ptd_err err;  /* the first one */
    const char *field; /* where it was; static */
    uint64_t got;      /* what was found there */
    uint64_t limit;    /* what would have been allowed */
};

/* Write into buf, at most cap bytes; NULL counts (cap is not looked at). */
static inline void ptd_writer_init(struct ptd_writer *w, uint8_t *buf,
                                   size_t cap)
{
    *w = (struct ptd_writer){ .buf = buf,
                              .cap = buf != NULL ? cap : SIZE_MAX,
                              .err = PTD_OK };
}

/* Report that the message breaks a rule (PTD_ETOOBIG, PTD_EBADVALUE). The
 * first report stays; nothing more is written. */
void ptd_writer_fail(struct ptd_writer *w, enum ptd_err err, const char *field,
                     uint64_t got, uint64_t limit);

/* Claim the next n bytes; give where to put them, NULL when counting or after
 * an error: a list of fixed entries claims them all at once. */
static inline uint8_t *ptd_write_space(struct ptd_writer *w, size_t n)
{
    uint8_t *at;

    if (PTD_UNLIKELY(n > w->cap - w->n)) {
        ptd_writer_fail(w, PTD_EFULL, "", n, w->cap - w->n);
        return NULL;
    }
    at = w->buf != NULL ? w->buf + w->n : NULL;
    w->n += n;
    return at;
}

static inline void ptd_write_u8(struct ptd_writer *w, uint8_t v)
{
    uint8_t *at = ptd_write_space(w, 1);

    if (at != NULL)
        *at = v;
}

static inline void ptd_write_u16le(struct ptd_writer *w, uint16_t v)
{
    uint8_t *at = ptd_write_space(w, 2);

    if (at != NULL)
        ptd_put_le16(at, v);
}

static inline void ptd_write_u16be(struct ptd_writer *w, uint16_t v)
{
    uint8_t *at = ptd_write_space(w, 2);

    if (at != NULL)
        ptd_put_be16(at, v);
}

static inline void ptd_write_u32(struct ptd_writer *w, uint32_t v)
{
    uint8_t *at = ptd_write_space(w, 4);

    if (at != NULL)
        ptd_put_le32(at, v);
}

static inline void ptd_write_u64(struct ptd_writer *w, uint64_t v)
{
    uint8_t *at = ptd_write_space(w, 8);

    if (at != NULL)
        ptd_put_le64(at, v);
}

static inline void ptd_write_i32(struct ptd_writer *w, int32_t v)
{
    ptd_write_u32(w, (uint32_t)v);
}

static inline void ptd_write_i64(struct ptd_writer *w, int64_t v)
{
    ptd_write_u64(w, (uint64_t)v);
}

/* n bytes; p may be NULL if n is 0. */
static inline void ptd_write_raw(struct ptd_writer *w, const void *p, size_t n)
{
    uint8_t *at = ptd_write_space(w, n);

    if (at != NULL && n > 0)
        memcpy(at, p, n);
}

static inline void ptd_write_hash(struct ptd_writer *w,
                                  const struct ptd_hash *h)
{
    ptd_write_raw(w, h, sizeof *h);
}

/* Bytes of a compact size. */
static inline size_t ptd_varint_bytes(uint64_t v)
{
    return v < 0xfd ? 1 : v <= UINT16_MAX ? 3 : v <= UINT32_MAX ? 5 : 9;
}

/* A compact size, in its shortest form. */
void ptd_write_varint(struct ptd_writer *w, uint64_t v);

/* A count or length as a compact size; PTD_ETOOBIG above the limit. */
void ptd_write_count(struct ptd_writer *w, const char *field, uint64_t n,
                     uint64_t limit);

/* A compact size and as many bytes; PTD_ETOOBIG above the limit. */
void ptd_write_var_bytes(struct ptd_writer *w, const char *field,
                         struct ptd_bytes b, uint64_t limit);

#endif /* PTD_WIRE_WRITER_H */
