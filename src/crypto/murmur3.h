/* murmur3.h - MurmurHash3, x86 32-bit form: the hash of BIP 37's filters.
 *
 * Not for hash tables over what peers send: they can steer it.
 *
 * Threads  any
 */
#ifndef PTD_CRYPTO_MURMUR3_H
#define PTD_CRYPTO_MURMUR3_H

#include <stddef.h>
#include <stdint.h>

uint32_t ptd_murmur3(uint32_t seed, const void *data, size_t n);

#endif /* PTD_CRYPTO_MURMUR3_H */
