#include <config.h>

#include "crypto/siphash.h"

#include "base/bytes.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 = rotl(s->v0, 32) + s->v3;
    s->v2 += s->v1;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

/* The four constants spell "somepseudorandomlygeneratedbytes". */
static inline struct state start(uint64_t k0, uint64_t k1)
{
    return (struct state){
        k0 ^ UINT64_C(0x736f6d6570736575),
        k1 ^ UINT64_C(0x646f72616e646f6d),
        k0 ^ UINT64_C(0x6c7967656e657261),
        k1 ^ UINT64_C(0x7465646279746573),
    };
}

static inline void compress(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

static inline uint64_t finish(struct state *s)
{
    s->v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t ptd_siphash24(uint64_t k0, uint64_t k1, const void *data, size_t n)
{
    struct state s = start(k0, k1);
    const uint8_t *p = data;
    uint64_t last = (uint64_t)n << 56; /* the length's low byte on top */
    size_t whole = n / 8 * 8;

    for (size_t i = 0; i < whole; i += 8)
        compress(&s, ptd_get_le64(p + i));
    for (size_t i = whole; i < n; i++)
        last |= (uint64_t)p[i] << 8 * (i - whole);
    compress(&s, last);
    return finish(&s);
}

uint64_t ptd_siphash24_hash(uint64_t k0, uint64_t k1, const struct ptd_hash *h)
{
    struct state s = start(k0, k1);

    for (size_t i = 0; i < PTD_HASH_BYTES; i += 8)
        compress(&s, ptd_get_le64(h->b + i));
    compress(&s, (uint64_t)PTD_HASH_BYTES << 56);
    return finish(&s);
}
