/* siphash.h - SipHash-2-4: a short hash that a stranger without the key cannot
 * steer. For hash tables over what peers send, BIP 152 and BIP 158.
 *
 * Threads  any
 * Source   Aumasson and Bernstein, "SipHash: a fast short-input PRF"
 */
#ifndef PTD_CRYPTO_SIPHASH_H
#define PTD_CRYPTO_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/hash.h"

/* k0, k1: the key's first and last eight bytes, read as little-endian. */
uint64_t ptd_siphash24(uint64_t k0, uint64_t k1, const void *data, size_t n);

/* The same for the 32 bytes of a hash, somewhat faster. */
uint64_t ptd_siphash24_hash(uint64_t k0, uint64_t k1, const struct ptd_hash *h)
    PTD_NONNULL(3);

#endif /* PTD_CRYPTO_SIPHASH_H */
