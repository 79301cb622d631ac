#include <config.h>

#include "check_chain.h"

#include <string.h>

#include "base/bytes.h"
#include "base/u256.h"
#include "crypto/sha256.h"

struct ptd_hash hash_of(const uint8_t *raw)
{
    struct ptd_hash h;

    ptd_sha256d(h.b, raw, 80);
    return h;
}

void mine_header(uint8_t raw[80], const struct ptd_hash *prev, uint32_t time,
                 uint32_t bits, uint32_t salt)
{
    struct ptd_u256 target;

    ck_assert(ptd_u256_from_compact(&target, bits));
    memset(raw, 0, 80);
    ptd_put_le32(raw, 4);
    memcpy(raw + 4, prev->b, 32);
    ptd_put_le32(raw + 36, salt);
    ptd_put_le32(raw + 68, time);
    ptd_put_le32(raw + 72, bits);
    for (uint32_t nonce = 0;; nonce++) {
        struct ptd_hash hash;
        struct ptd_u256 number;

        ptd_put_le32(raw + 76, nonce);
        hash = hash_of(raw);
        number = ptd_u256_from_hash(&hash);
        if (ptd_u256_cmp(&number, &target) <= 0)
            return;
    }
}
