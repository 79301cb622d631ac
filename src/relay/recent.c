#include <config.h>

#include "relay/recent.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "crypto/siphash.h"

/* 32 bits a hash and 20 functions: one in a million is taken for another, in
 * both generations together. */
enum { BITS_PER_HASH = 32, N_FUNCS = 20, WORD_BITS = 64 };

void recent_init(struct recent *r, size_t limit)
{
    *r = (struct recent){ .limit = PTD_MAX(limit, (size_t)16) };
    r->k0 = ptd_random_u64();
    r->k1 = ptd_random_u64();
}

void recent_fini(struct recent *r)
{
    recent_clear(r);
}

void recent_clear(struct recent *r)
{
    ptd_free(r->bits[0]);
    ptd_free(r->bits[1]);
    r->bits[0] = r->bits[1] = NULL;
    r->n = 0;
}

static size_t n_words(const struct recent *r)
{
    return (r->limit * BITS_PER_HASH + WORD_BITS - 1) / WORD_BITS;
}

/* The i-th bit of a hash: the digest is stirred anew for each. Source: the
 * finalizer of S. Vigna's splitmix64 */
static size_t bit_at(const struct recent *r, uint64_t digest, unsigned i)
{
    uint64_t x = digest + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return (size_t)(x % (n_words(r) * WORD_BITS));
}

static bool has(const struct recent *r, const uint64_t *bits, uint64_t digest)
{
    if (bits == NULL)
        return false;
    for (unsigned i = 0; i < N_FUNCS; i++) {
        size_t bit = bit_at(r, digest, i);

        if ((bits[bit / WORD_BITS] >> bit % WORD_BITS & 1) == 0)
            return false;
    }
    return true;
}

bool recent_has(const struct recent *r, const struct ptd_hash *h)
{
    uint64_t digest;

    if (r->bits[0] == NULL && r->bits[1] == NULL)
        return false;
    digest = ptd_siphash24_hash(r->k0, r->k1, h);
    return has(r, r->bits[0], digest) || has(r, r->bits[1], digest);
}

/* The older generation is forgotten, and begun anew. */
static void turn(struct recent *r)
{
    r->now ^= 1;
    r->n = 0;
    if (r->bits[r->now] != NULL)
        memset(r->bits[r->now], 0, n_words(r) * sizeof(uint64_t));
}

void recent_add(struct recent *r, const struct ptd_hash *h)
{
    const uint64_t digest = ptd_siphash24_hash(r->k0, r->k1, h);

    if (has(r, r->bits[r->now], digest))
        return;
    if (r->n == r->limit)
        turn(r);
    if (r->bits[r->now] == NULL)
        r->bits[r->now] = ptd_calloc(n_words(r), sizeof(uint64_t));
    if (r->bits[r->now] == NULL)
        return;
    for (unsigned i = 0; i < N_FUNCS; i++) {
        size_t bit = bit_at(r, digest, i);

        r->bits[r->now][bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
    }
    r->n++;
}
