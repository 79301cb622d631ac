#include <config.h>

#include "crypto/hmac.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum ptd_err ptd_hmac_sha256(uint8_t out[32], const void *key, size_t n_key,
                             const void *data, size_t n)
{
    unsigned len = 0;

    if (n_key > INT_MAX)
        return PTD_ETOOBIG;
    /* A NULL key or NULL data means to OpenSSL that an old one goes on. */
    if (HMAC(EVP_sha256(), n_key != 0 ? key : "", (int)n_key,
             n != 0 ? data : (const void *)"", n, out, &len) == NULL)
        return PTD_ENOMEM;
    return len == 32 ? PTD_OK : PTD_ECRYPTO;
}

bool ptd_secret_is_equal(const void *a, const void *b, size_t n)
{
    return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}
