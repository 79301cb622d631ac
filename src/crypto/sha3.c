#include <config.h>

#include "crypto/sha3.h"

#include <openssl/evp.h>

enum ptd_err ptd_sha3_256(uint8_t out[PTD_SHA3_256_BYTES], const void *p,
                          size_t n)
{
    unsigned len = 0;

    if (EVP_Digest(p, n, out, &len, EVP_sha3_256(), NULL) != 1 ||
        len != PTD_SHA3_256_BYTES)
        return PTD_ECRYPTO;
    return PTD_OK;
}
