/* merkleblock.h - a block's header, and the branches of its tree that lead to
 * some of its transactions: BIP 37. */
#ifndef PTD_RELAY_MERKLEBLOCK_H
#define PTD_RELAY_MERKLEBLOCK_H

#include <stdbool.h>

#include "pentad/attr.h"
#include "pentad/msg.h"

/* wanted: of each transaction; txids: of each. NULL for lack of memory. */
PTD_MUST_USE struct ptd_msg *
merkleblock_make(const struct ptd_block_header *h, const struct ptd_hash *txids,
                 const bool *wanted, uint32_t n) PTD_NONNULL(1, 2, 3);

#endif /* PTD_RELAY_MERKLEBLOCK_H */
