/* u256.h - unsigned integers of 256 bits, for proof of work.
 *
 * Everything is modulo 2^256; functions that can lose bits say so by their
 * result.
 *
 * Threads  any
 * Source   Bitcoin's "bits" (compact form of a target); chain work
 */
#ifndef PTD_BASE_U256_H
#define PTD_BASE_U256_H

#include <stdbool.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/hash.h"

struct ptd_u256 {
    uint32_t w[8]; /* lowest word first */
};

struct ptd_u256 ptd_u256_from_u64(uint64_t v);

/* A hash read as a number: its last byte in internal order weighs most. */
struct ptd_u256 ptd_u256_from_hash(const struct ptd_hash *h) PTD_NONNULL(1);
void ptd_u256_to_hash(const struct ptd_u256 *a, struct ptd_hash *out)
    PTD_NONNULL(1, 2);

/* 64 digits, highest first, and a NUL. Gives out. */
char *ptd_u256_to_hex(const struct ptd_u256 *a, char out[PTD_HASH_HEX_SIZE])
    PTD_NONNULL(1, 2);

/* Read 1 to 64 digits, highest first; false for anything else. */
PTD_MUST_USE bool ptd_u256_from_hex(struct ptd_u256 *out, const char *hex)
    PTD_NONNULL(1, 2);

/* -1, 0 or 1 as a is below, equal to or above b. */
int ptd_u256_cmp(const struct ptd_u256 *a, const struct ptd_u256 *b)
    PTD_NONNULL(1, 2);
bool ptd_u256_is_zero(const struct ptd_u256 *a) PTD_NONNULL(1);

/* Position of the highest bit set, counted from 1; 0 for zero. */
unsigned ptd_u256_bits(const struct ptd_u256 *a) PTD_NONNULL(1);

/* *a += b, *a -= b, *a *= m; true if the result did not fit. */
bool ptd_u256_add(struct ptd_u256 *a, const struct ptd_u256 *b)
    PTD_NONNULL(1, 2);
bool ptd_u256_sub(struct ptd_u256 *a, const struct ptd_u256 *b)
    PTD_NONNULL(1, 2);
bool ptd_u256_mul_u32(struct ptd_u256 *a, uint32_t m) PTD_NONNULL(1);

/* Shifts by any number of bits; what leaves at an end is lost. */
struct ptd_u256 ptd_u256_shl(const struct ptd_u256 *a, unsigned bits)
    PTD_NONNULL(1);
struct ptd_u256 ptd_u256_shr(const struct ptd_u256 *a, unsigned bits)
    PTD_NONNULL(1);

/* The quotient, rounded down; b is not zero. */
struct ptd_u256 ptd_u256_div(const struct ptd_u256 *a, const struct ptd_u256 *b)
    PTD_NONNULL(1, 2);

/* The nearest double: for difficulty and progress shown to people. */
double ptd_u256_to_double(const struct ptd_u256 *a) PTD_NONNULL(1);

/* Read a compact target.
 *
 * Returns  false if it is negative or above 2^256 - 1 (*out is then zero);
 *          zero itself is read, whether it is allowed is the caller's matter
 */
PTD_MUST_USE bool ptd_u256_from_compact(struct ptd_u256 *out, uint32_t bits)
    PTD_NONNULL(1);

/* The compact form that is nearest below, as headers carry it. */
uint32_t ptd_u256_to_compact(const struct ptd_u256 *a) PTD_NONNULL(1);

/* Expected number of hashes to meet a target: 2^256 / (target + 1). */
struct ptd_u256 ptd_u256_work(const struct ptd_u256 *target) PTD_NONNULL(1);

#endif /* PTD_BASE_U256_H */
