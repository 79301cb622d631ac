#include <config.h>

#include "wire/writer.h"

void ptd_writer_fail(struct ptd_writer *w, enum ptd_err err, const char *field,
                     uint64_t got, uint64_t limit)
{
    w->cap = w->n;
    /* Even a write of no bytes gives no address any more. */
    w->buf = NULL;
    if (w->err != PTD_OK)
        return;
    w->err = err;
    w->field = field;
    w->got = got;
    w->limit = limit;
}

void ptd_write_varint(struct ptd_writer *w, uint64_t v)
{
    if (v < 0xfd) {
        ptd_write_u8(w, (uint8_t)v);
    } else if (v <= UINT16_MAX) {
        ptd_write_u8(w, 0xfd);
        ptd_write_u16le(w, (uint16_t)v);
    } else if (v <= UINT32_MAX) {
        ptd_write_u8(w, 0xfe);
        ptd_write_u32(w, (uint32_t)v);
    } else {
        ptd_write_u8(w, 0xff);
        ptd_write_u64(w, v);
    }
}

void ptd_write_count(struct ptd_writer *w, const char *field, uint64_t n,
                     uint64_t limit)
{
    if (n > limit) {
        ptd_writer_fail(w, PTD_ETOOBIG, field, n, limit);
        return;
    }
    ptd_write_varint(w, n);
}

void ptd_write_var_bytes(struct ptd_writer *w, const char *field,
                         struct ptd_bytes b, uint64_t limit)
{
    ptd_write_count(w, field, b.n, limit);
    ptd_write_raw(w, b.p, b.n);
}
