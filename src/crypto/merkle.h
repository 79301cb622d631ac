/* merkle.h - the root of a block's tree of transaction hashes. */
#ifndef PTD_CRYPTO_MERKLE_H
#define PTD_CRYPTO_MERKLE_H

#include <stdbool.h>
#include <stddef.h>

#include "pentad/attr.h"
#include "pentad/hash.h"

/* Compute the root over n hashes; they are used up as working room.
 *
 * Returns  false if two neighbours that the tree pairs are equal: another list
 *          of transactions then has the same root, and the block must be
 *          refused without remembering its hash as bad (CVE-2012-2459)
 * out      the root all the same; zero for n = 0
 */
PTD_MUST_USE bool ptd_merkle_root(struct ptd_hash *out, struct ptd_hash *hashes,
                                  size_t n) PTD_NONNULL(1);

/* The parent of two nodes. */
void ptd_merkle_pair(struct ptd_hash *out, const struct ptd_hash *left,
                     const struct ptd_hash *right) PTD_NONNULL(1, 2, 3);

#endif /* PTD_CRYPTO_MERKLE_H */
