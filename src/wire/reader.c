#include <config.h>

#include "wire/reader.h"

void ptd_reader_fail(struct ptd_reader *r, enum ptd_err err, const char *field,
                     uint64_t got, uint64_t limit)
{
    r->p = r->end;
    if (r->err != PTD_OK)
        return;
    r->err = err;
    r->field = field;
    r->got = got;
    r->limit = limit;
}

uint64_t ptd_read_varint_long(struct ptd_reader *r, const char *field)
{
    uint8_t first = ptd_read_u8(r, field);
    uint64_t v, smallest;

    switch (first) {
    case 0xfd:
        v = ptd_read_u16le(r, field);
        smallest = 0xfd;
        break;
    case 0xfe:
        v = ptd_read_u32(r, field);
        smallest = UINT64_C(0x10000);
        break;
    case 0xff:
        v = ptd_read_u64(r, field);
        smallest = UINT64_C(0x100000000);
        break;
    default: return first;
    }
    if (r->err == PTD_OK && v < smallest)
        ptd_reader_fail(r, PTD_ENONCANON, field, v, smallest);
    return r->err == PTD_OK ? v : 0;
}
