#include <config.h>

#include "crypto/merkle.h"

#include <string.h>

#include "crypto/sha256.h"

void ptd_merkle_pair(struct ptd_hash *out, const struct ptd_hash *left,
                     const struct ptd_hash *right)
{
    struct ptd_hash both[2] = { *left, *right };

    ptd_sha256d(out->b, both, sizeof both);
}

bool ptd_merkle_root(struct ptd_hash *out, struct ptd_hash *hashes, size_t n)
{
    bool unambiguous = true;

    memset(out, 0, sizeof *out);
    if (n == 0)
        return true;
    for (; n > 1; n = (n + 1) / 2) {
        for (size_t i = 0; i + 1 < n; i += 2) {
            if (ptd_hash_eq(&hashes[i], &hashes[i + 1]))
                unambiguous = false;
            ptd_merkle_pair(&hashes[i / 2], &hashes[i], &hashes[i + 1]);
        }
        /* An odd one out is paired with itself. */
        if (n % 2 != 0)
            ptd_merkle_pair(&hashes[n / 2], &hashes[n - 1], &hashes[n - 1]);
    }
    *out = hashes[0];
    return unambiguous;
}
