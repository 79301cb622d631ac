#include <config.h>

#include "base/u256.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/util.h"

enum { WORDS = 8 };

struct ptd_u256 ptd_u256_from_u64(uint64_t v)
{
    return (struct ptd_u256){ { (uint32_t)v, (uint32_t)(v >> 32) } };
}

struct ptd_u256 ptd_u256_from_hash(const struct ptd_hash *h)
{
    struct ptd_u256 a;

    for (size_t i = 0; i < WORDS; i++)
        a.w[i] = ptd_get_le32(h->b + 4 * i);
    return a;
}

void ptd_u256_to_hash(const struct ptd_u256 *a, struct ptd_hash *out)
{
    for (size_t i = 0; i < WORDS; i++)
        ptd_put_le32(out->b + 4 * i, a->w[i]);
}

char *ptd_u256_to_hex(const struct ptd_u256 *a, char out[PTD_HASH_HEX_SIZE])
{
    struct ptd_hash h;

    ptd_u256_to_hash(a, &h);
    return ptd_hash_to_hex(&h, out);
}

bool ptd_u256_from_hex(struct ptd_u256 *out, const char *hex)
{
    size_t n = strlen(hex);

    memset(out, 0, sizeof *out);
    if (n == 0 || n > 64)
        return false;
    for (size_t i = 0; i < n; i++) {
        int digit = ptd_hex_digit(hex[n - 1 - i]);

        if (digit < 0)
            return false;
        out->w[i / 8] |= (uint32_t)digit << (i % 8 * 4);
    }
    return true;
}

int ptd_u256_cmp(const struct ptd_u256 *a, const struct ptd_u256 *b)
{
    for (size_t i = WORDS; i-- > 0;) {
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    }
    return 0;
}

bool ptd_u256_is_zero(const struct ptd_u256 *a)
{
    return ptd_u256_bits(a) == 0;
}

unsigned ptd_u256_bits(const struct ptd_u256 *a)
{
    for (unsigned i = WORDS; i-- > 0;) {
        unsigned bits = 32 * i;

        if (a->w[i] == 0)
            continue;
        for (uint32_t w = a->w[i]; w != 0; w >>= 1)
            bits++;
        return bits;
    }
    return 0;
}

bool ptd_u256_add(struct ptd_u256 *a, const struct ptd_u256 *b)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < WORDS; i++) {
        carry += (uint64_t)a->w[i] + b->w[i];
        a->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return carry != 0;
}

bool ptd_u256_sub(struct ptd_u256 *a, const struct ptd_u256 *b)
{
    uint64_t borrow = 0;

    for (size_t i = 0; i < WORDS; i++) {
        uint64_t d = (uint64_t)a->w[i] - b->w[i] - borrow;

        a->w[i] = (uint32_t)d;
        borrow = d >> 63;
    }
    return borrow != 0;
}

bool ptd_u256_mul_u32(struct ptd_u256 *a, uint32_t m)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < WORDS; i++) {
        carry += (uint64_t)a->w[i] * m;
        a->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return carry != 0;
}

struct ptd_u256 ptd_u256_shl(const struct ptd_u256 *a, unsigned bits)
{
    struct ptd_u256 r = { { 0 } };
    unsigned words = bits / 32, rest = bits % 32;

    for (unsigned i = words; i < WORDS; i++) {
        r.w[i] = a->w[i - words] << rest;
        if (rest != 0 && i > words)
            r.w[i] |= a->w[i - words - 1] >> (32 - rest);
    }
    return r;
}

struct ptd_u256 ptd_u256_shr(const struct ptd_u256 *a, unsigned bits)
{
    struct ptd_u256 r = { { 0 } };
    unsigned words = bits / 32, rest = bits % 32;

    for (unsigned i = 0; i + words < WORDS; i++) {
        r.w[i] = a->w[i + words] >> rest;
        if (rest != 0 && i + words + 1 < WORDS)
            r.w[i] |= a->w[i + words + 1] << (32 - rest);
    }
    return r;
}

/* By hand, as at school: only as many steps as the quotient has bits, which
 * for the work of a real target is few. */
struct ptd_u256 ptd_u256_div(const struct ptd_u256 *a, const struct ptd_u256 *b)
{
    struct ptd_u256 quotient = { { 0 } }, rest = *a, part;
    unsigned a_bits = ptd_u256_bits(a), b_bits = ptd_u256_bits(b);

    PTD_ASSERT(b_bits != 0);
    if (a_bits < b_bits)
        return quotient;
    part = ptd_u256_shl(b, a_bits - b_bits);
    for (unsigned bit = a_bits - b_bits + 1; bit-- > 0;) {
        if (ptd_u256_cmp(&rest, &part) >= 0) {
            ptd_u256_sub(&rest, &part);
            quotient.w[bit / 32] |= (uint32_t)1 << bit % 32;
        }
        part = ptd_u256_shr(&part, 1);
    }
    return quotient;
}

double ptd_u256_to_double(const struct ptd_u256 *a)
{
    double r = 0;

    for (size_t i = WORDS; i-- > 0;)
        r = r * 4294967296.0 + a->w[i];
    return r;
}

/* A compact target is a floating-point number to base 256: one byte of length,
 * then the three highest bytes, the first bit of which is a sign. */
bool ptd_u256_from_compact(struct ptd_u256 *out, uint32_t bits)
{
    unsigned size = bits >> 24;
    uint32_t mantissa = bits & 0x007fffff;

    *out = ptd_u256_from_u64(0);
    if (size <= 3)
        mantissa >>= 8 * (3 - size);
    if (mantissa == 0)
        return true; /* also "minus zero" */
    if ((bits & 0x00800000) != 0)
        return false;
    if (size > 34 || (mantissa > 0xff && size > 33) ||
        (mantissa > 0xffff && size > 32))
        return false;
    *out = ptd_u256_from_u64(mantissa);
    if (size > 3)
        *out = ptd_u256_shl(out, 8 * (size - 3));
    return true;
}

uint32_t ptd_u256_to_compact(const struct ptd_u256 *a)
{
    unsigned size = (ptd_u256_bits(a) + 7) / 8;
    uint32_t mantissa;

    if (size <= 3)
        mantissa = a->w[0] << 8 * (3 - size);
    else
        mantissa = ptd_u256_shr(a, 8 * (size - 3)).w[0];
    /* The highest bit means "negative": make room for it. */
    if ((mantissa & 0x00800000) != 0) {
        mantissa >>= 8;
        size++;
    }
    return (uint32_t)size << 24 | mantissa;
}

struct ptd_u256 ptd_u256_work(const struct ptd_u256 *target)
{
    /* 2^256 does not fit, but (2^256 - (t + 1)) / (t + 1) + 1 does, and
     * 2^256 - (t + 1) is t with all its bits turned over. */
    struct ptd_u256 one = ptd_u256_from_u64(1), above = *target, rest, work;

    for (size_t i = 0; i < WORDS; i++)
        rest.w[i] = ~target->w[i];
    if (ptd_u256_add(&above, &one))
        return one; /* every hash meets the highest target */
    work = ptd_u256_div(&rest, &above);
    ptd_u256_add(&work, &one);
    return work;
}
