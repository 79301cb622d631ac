/* hmac.h - HMAC-SHA256.
 *
 * Threads  any
 * Source   RFC 2104, RFC 4231
 */
#ifndef PTD_CRYPTO_HMAC_H
#define PTD_CRYPTO_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

/* Returns  PTD_OK; PTD_ENOMEM; PTD_ECRYPTO: OpenSSL has none */
PTD_MUST_USE enum ptd_err ptd_hmac_sha256(uint8_t out[32], const void *key,
                                          size_t n_key, const void *data,
                                          size_t n) PTD_NONNULL(1);

/* Compare in a time that depends on n alone. */
bool ptd_secret_is_equal(const void *a, const void *b, size_t n);

#endif /* PTD_CRYPTO_HMAC_H */
