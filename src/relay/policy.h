/* policy.h - which transactions are passed on, as far as it can be told
 * without knowing the coins that they spend.
 *
 * Threads  any; no state
 * Source   Bitcoin Core 31's relay policy, whose reasons are used; BIPs 16 141
 */
#ifndef PTD_RELAY_POLICY_H
#define PTD_RELAY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/msg.h"

enum {
    POLICY_MAX_WEIGHT = 400000,
    POLICY_MIN_BYTES = 65, /* without witness: 64 look like a node of a block's
                              merkle tree */
    POLICY_MAX_SCRIPT_SIG = 1650,
    POLICY_MAX_DATA = 100000, /* bytes in scripts of data outputs */
    POLICY_MAX_SCRIPT = 10000,
    POLICY_MIN_VERSION = 1,
    POLICY_MAX_VERSION = 3,
    POLICY_DUST_RATE = 3000 /* satoshi for 1000 bytes of spending it */
};

/* Where it would have to stand: in the block behind the tip. */
struct policy_place {
    uint32_t height;
    int64_t median_time; /* of the tip */
};

/* Structure, then what is usual. NULL if nothing is wrong, else the reason;
 * *no_memory is set, and "" returned, if it could not be told. */
const char *policy_check(const struct ptd_tx *tx, const struct policy_place *at,
                         bool *no_memory) PTD_NONNULL(1, 2, 3);

/* Nobody can ever spend what is paid to it. */
bool policy_is_unspendable(const struct ptd_bytes *script) PTD_NONNULL(1);

/* It can be read to its end, and has no operation that nobody knows. */
bool policy_has_valid_ops(const struct ptd_bytes *script) PTD_NONNULL(1);

/* The fee for so many bytes, rounded up. */
int64_t policy_fee(int64_t rate, uint64_t bytes);

#endif /* PTD_RELAY_POLICY_H */
