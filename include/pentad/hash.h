/* hash.h - 256-bit hashes: of blocks, transactions, filters.
 *
 * Bytes lie in internal order, as on the wire; people read and type them the
 * other way round ("display order").
 *
 * Threads  any
 */
#ifndef PTD_HASH_H
#define PTD_HASH_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "pentad/attr.h"

PTD_BEGIN_DECLS

#define PTD_HASH_BYTES    32
#define PTD_HASH_HEX_SIZE 65 /* 64 digits and the final NUL */

struct ptd_hash {
    uint8_t b[PTD_HASH_BYTES]; /* internal order */
};

static inline bool ptd_hash_eq(const struct ptd_hash *a,
                               const struct ptd_hash *b)
{
    return memcmp(a->b, b->b, PTD_HASH_BYTES) == 0;
}

/* All zero: "no hash" in getblocks, getheaders and the genesis block. */
PTD_API bool ptd_hash_is_zero(const struct ptd_hash *h) PTD_NONNULL(1);

/* Write 64 lower-case digits in display order and a NUL. Gives out. */
PTD_API char *ptd_hash_to_hex(const struct ptd_hash *h,
                              char out[PTD_HASH_HEX_SIZE]) PTD_NONNULL(1, 2);

/* Read exactly 64 digits of either case, in display order, and a NUL; false,
 * with out untouched, for anything else. */
PTD_API PTD_MUST_USE bool ptd_hash_from_hex(struct ptd_hash *out,
                                            const char *hex) PTD_NONNULL(1, 2);

PTD_END_DECLS

#endif /* PTD_HASH_H */
