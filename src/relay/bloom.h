/* bloom.h - which transactions a light client wants to hear of: BIP 37.
 *
 * Owner    whoever has it; no lock of its own
 * Source   BIP 37
 */
#ifndef PTD_RELAY_BLOOM_H
#define PTD_RELAY_BLOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/msg.h"

/* What of a transaction is added to the filter when it matched. */
enum bloom_update {
    BLOOM_UPDATE_NONE,
    BLOOM_UPDATE_ALL,    /* each output that did */
    BLOOM_UPDATE_PUBKEY, /* … if it pays to a key or several */
    BLOOM_UPDATE_MASK = 3
};

struct bloom {
    uint8_t *bits; /* n bytes; n 0: everything matches */
    size_t n;
    uint32_t n_funcs, tweak;
    uint8_t flags;
};

/* A copy of what a message brings, whose sizes were checked when it was read.
 * PTD_OK; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
bloom_init(struct bloom *b, const struct ptd_msg_filterload *m)
    PTD_NONNULL(1, 2);
void bloom_fini(struct bloom *b);

void bloom_add(struct bloom *b, const void *data, size_t n);
bool bloom_has(const struct bloom *b, const void *data, size_t n);

/* Is it one that the client wants? Its filter then grows as it asked for. */
bool bloom_wants(struct bloom *b, const struct ptd_tx *tx,
                 const struct ptd_hash *txid) PTD_NONNULL(1, 2, 3);

#endif /* PTD_RELAY_BLOOM_H */
