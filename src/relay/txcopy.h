/* txcopy.h - a transaction as a message of its own. */
#ifndef PTD_RELAY_TXCOPY_H
#define PTD_RELAY_TXCOPY_H

#include <stddef.h>

#include "pentad/attr.h"
#include "pentad/msg.h"

/* A message (PTD_MSG_TX) that refers to nothing else: not to the block, nor to
 * the buffer of a peer, in which the transaction lies. NULL for lack of memory,
 * or if it cannot be written (no inputs). */
PTD_MUST_USE struct ptd_msg *tx_copy(const struct ptd_tx *tx) PTD_NONNULL(1);

/* About how much memory that takes. */
size_t tx_memory(const struct ptd_tx *tx) PTD_NONNULL(1);

#endif /* PTD_RELAY_TXCOPY_H */
