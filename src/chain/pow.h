/* pow.h - proof of work: what a header's target may be, and meeting it.
 *
 * No state; the tree of headers asks with what it knows of the ancestors.
 *
 * Threads  any
 */
#ifndef PTD_CHAIN_POW_H
#define PTD_CHAIN_POW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/u256.h"
#include "pentad/hash.h"
#include "pentad/params.h"

/* The target that bits stand for; false if no block of the network may have
 * it. */
bool ptd_pow_target(struct ptd_u256 *out, const struct ptd_params *params,
                    uint32_t bits);

/* True if the hash, as a number, is not above the target. */
bool ptd_pow_is_met(const struct ptd_hash *hash, const struct ptd_u256 *target);

/* Bits of the lowest difficulty. */
uint32_t ptd_pow_limit_bits(const struct ptd_params *params);

/* Bits of the period after one that ran from first_s to last_s with a target
 * of old_bits: what takes longer than the aim gets easier, four times at
 * most. (The original measures from the period's first block to its last, one
 * spacing short, and so do all.) */
uint32_t ptd_pow_retarget(const struct ptd_params *params, uint32_t old_bits,
                          uint32_t first_s, uint32_t last_s);

/* How much harder than the easiest target of the main network: for people.
 * bits are those of a header in the tree, hence not zero. */
double ptd_pow_difficulty(uint32_t bits);

#endif /* PTD_CHAIN_POW_H */
