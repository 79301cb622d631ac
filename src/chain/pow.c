#include <config.h>

#include "chain/pow.h"

#include "base/util.h"

bool ptd_pow_target(struct ptd_u256 *out, const struct ptd_params *params,
                    uint32_t bits)
{
    struct ptd_u256 limit = ptd_u256_from_hash(&params->pow_limit);

    return ptd_u256_from_compact(out, bits) && !ptd_u256_is_zero(out) &&
           ptd_u256_cmp(out, &limit) <= 0;
}

bool ptd_pow_is_met(const struct ptd_hash *hash, const struct ptd_u256 *target)
{
    struct ptd_u256 number = ptd_u256_from_hash(hash);

    return ptd_u256_cmp(&number, target) <= 0;
}

uint32_t ptd_pow_limit_bits(const struct ptd_params *params)
{
    struct ptd_u256 limit = ptd_u256_from_hash(&params->pow_limit);

    return ptd_u256_to_compact(&limit);
}

/* a * b / c, rounded down; true if it does not fit. (Only on networks with a
 * limit near 2^256 would a * b alone not fit, but then it is not wrong.) */
static bool scale(struct ptd_u256 *a, uint32_t b, uint32_t c)
{
    struct ptd_u256 by = ptd_u256_from_u64(c), whole = ptd_u256_div(a, &by);
    struct ptd_u256 rest = *a, part = whole;

    /* a = whole * c + rest, so a * b / c = whole * b + rest * b / c. */
    (void)ptd_u256_mul_u32(&part, c);
    (void)ptd_u256_sub(&rest, &part);
    (void)ptd_u256_mul_u32(&rest, b);
    rest = ptd_u256_div(&rest, &by);
    *a = whole;
    return ptd_u256_mul_u32(a, b) || ptd_u256_add(a, &rest);
}

uint32_t ptd_pow_retarget(const struct ptd_params *params, uint32_t old_bits,
                          uint32_t first_s, uint32_t last_s)
{
    int64_t aim = params->pow_timespan_s;
    int64_t took = (int64_t)last_s - (int64_t)first_s;
    struct ptd_u256 limit = ptd_u256_from_hash(&params->pow_limit);
    struct ptd_u256 target;

    took = PTD_MAX(took, aim / 4);
    took = PTD_MIN(took, aim * 4);
    /* old_bits are those of a header in the tree. */
    PTD_ASSERT(ptd_u256_from_compact(&target, old_bits));
    if (scale(&target, (uint32_t)took, (uint32_t)aim) ||
        ptd_u256_cmp(&target, &limit) > 0)
        target = limit;
    return ptd_u256_to_compact(&target);
}

double ptd_pow_difficulty(uint32_t bits)
{
    int shift = (int)(bits >> 24);
    double d = 65535.0 / (double)(bits & 0x00ffffff);

    for (; shift < 29; shift++)
        d *= 256.0;
    for (; shift > 29; shift--)
        d /= 256.0;
    return d;
}
