#include <config.h>

#include "crypto/murmur3.h"

#include "base/bytes.h"

static inline uint32_t rotl(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static inline uint32_t scramble(uint32_t k)
{
    return rotl(k * 0xcc9e2d51u, 15) * 0x1b873593u;
}

uint32_t ptd_murmur3(uint32_t seed, const void *data, size_t n)
{
    const uint8_t *p = data;
    size_t whole = n / 4 * 4;
    uint32_t h = seed, tail = 0;

    for (size_t i = 0; i < whole; i += 4) {
        h ^= scramble(ptd_get_le32(p + i));
        h = rotl(h, 13) * 5 + 0xe6546b64u;
    }
    for (size_t i = whole; i < n; i++)
        tail |= (uint32_t)p[i] << 8 * (i - whole);
    h ^= scramble(tail); /* of zero: zero */

    h ^= (uint32_t)n;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}
