/* sha3.h - SHA3-256, for the checksum of onion addresses.
 *
 * Threads  any
 * Source   FIPS 202
 */
#ifndef PTD_CRYPTO_SHA3_H
#define PTD_CRYPTO_SHA3_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

enum { PTD_SHA3_256_BYTES = 32 };

/* Hash n bytes. PTD_OK; PTD_ECRYPTO: the library failed (lack of memory, or
 * the algorithm is switched off). */
PTD_MUST_USE enum ptd_err ptd_sha3_256(uint8_t out[PTD_SHA3_256_BYTES],
                                       const void *p, size_t n) PTD_NONNULL(1);

#endif /* PTD_CRYPTO_SHA3_H */
