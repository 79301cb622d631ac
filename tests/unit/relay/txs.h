/* txs.h - transactions to test with. */
#ifndef PTD_CHECK_RELAY_TXS_H
#define PTD_CHECK_RELAY_TXS_H

#include <check.h>

#include "relay/pool.h"
#include "wire/codec.h"

/* One input and n outputs of `value` each; other salt, other transaction.
 * prev NULL: it spends a coin that nobody has heard of. With a witness. */
struct ptd_msg *tx_make(const struct ptd_hash *prev, uint32_t index,
                        uint32_t n_out, int64_t value, uint32_t salt);
/* The same, after a test has changed it: hashes are told anew. */
const struct ptd_tx *tx_in(const struct ptd_msg *m);
struct ptd_tx *tx_of(struct ptd_msg *m);

struct ptd_hash tx_id(const struct ptd_msg *m);
struct ptd_hash tx_wid(const struct ptd_msg *m);

/* A block's message with these transactions behind a coinbase. */
struct ptd_msg *tx_block(struct ptd_msg *const *txs, uint32_t n);

enum { TX_VALUE = 100000 };

#endif /* PTD_CHECK_RELAY_TXS_H */
