#include <config.h>

#include "pentad/hash.h"

#include "base/hex.h"

bool ptd_hash_is_zero(const struct ptd_hash *h)
{
    static const struct ptd_hash zero;

    return ptd_hash_eq(h, &zero);
}

char *ptd_hash_to_hex(const struct ptd_hash *h, char out[PTD_HASH_HEX_SIZE])
{
    return ptd_hex_encode_reversed(out, h->b, sizeof h->b);
}

bool ptd_hash_from_hex(struct ptd_hash *out, const char *hex)
{
    struct ptd_hash h;

    if (!ptd_hex_decode_reversed(h.b, sizeof h.b, hex))
        return false;
    *out = h;
    return true;
}
