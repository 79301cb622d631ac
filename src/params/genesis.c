#include <config.h>

#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "pentad/params.h"

/* Bytes that are put one behind the other; all blocks made here fit. */
struct out {
    uint8_t *p;
    size_t n;
};

static void put(struct out *o, const void *data, size_t n)
{
    PTD_ASSERT(n <= PTD_GENESIS_MAX_BYTES - o->n);
    memcpy(o->p + o->n, data, n);
    o->n += n;
}

static void put_byte(struct out *o, size_t byte)
{
    uint8_t b = (uint8_t)byte;

    PTD_ASSERT(byte <= 0xff);
    put(o, &b, 1);
}

static void put_u32(struct out *o, uint32_t v)
{
    uint8_t b[4];

    ptd_put_le32(b, v);
    put(o, b, sizeof b);
}

static void put_u64(struct out *o, uint64_t v)
{
    uint8_t b[8];

    ptd_put_le64(b, v);
    put(o, b, sizeof b);
}

/* The input's script: the first bits, the number 4, the text. */
static void put_input_script(struct out *o, const char *text)
{
    static const uint8_t start[] = { 4, 0xff, 0xff, 0x00, 0x1d, 1, 4 };
    enum { OP_PUSHDATA1 = 0x4c };
    size_t n = strlen(text);
    bool is_long = n >= OP_PUSHDATA1;

    put_byte(o, sizeof start + (is_long ? 2 : 1) + n);
    put(o, start, sizeof start);
    if (is_long)
        put_byte(o, OP_PUSHDATA1);
    put_byte(o, n);
    put(o, text, n);
}

static void put_coinbase(struct out *o, const struct ptd_params *p)
{
    static const struct ptd_hash none;

    put_u32(o, 1);  /* version */
    put_byte(o, 1); /* inputs */
    put(o, none.b, sizeof none.b);
    put_u32(o, UINT32_MAX); /* of no output */
    put_input_script(o, p->genesis.text);
    put_u32(o, UINT32_MAX); /* sequence */
    put_byte(o, 1);         /* outputs */
    put_u64(o, p->genesis.value);
    put_byte(o, p->genesis.script_size);
    put(o, p->genesis.script, p->genesis.script_size);
    put_u32(o, 0); /* lock time */
}

void ptd_params_genesis_header(const struct ptd_params *p,
                               uint8_t out[PTD_HEADER_BYTES])
{
    memset(out, 0, PTD_HEADER_BYTES);
    ptd_put_le32(out, p->genesis.version);
    memcpy(out + 36, p->genesis.merkle_root.b, PTD_HASH_BYTES);
    ptd_put_le32(out + 68, p->genesis.time);
    ptd_put_le32(out + 72, p->genesis.bits);
    ptd_put_le32(out + 76, p->genesis.nonce);
}

size_t ptd_params_genesis_block(const struct ptd_params *p,
                                uint8_t out[PTD_GENESIS_MAX_BYTES])
{
    struct out o = { out, PTD_HEADER_BYTES };

    ptd_params_genesis_header(p, out);
    put_byte(&o, 1); /* transactions */
    put_coinbase(&o, p);
    return o.n;
}
