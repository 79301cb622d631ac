/* scan.h - unspent outputs of scripts that one looks for.
 *
 * No set of coins is kept: all blocks of the active chain are read, first to
 * last, and what is found is dropped again where it is spent. That takes as
 * long as the disk takes for the chain, and memory for what is found alone.
 *
 * Threads  any; a scan belongs to its caller
 */
#ifndef PTD_CHAIN_SCAN_H
#define PTD_CHAIN_SCAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/chain.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/hash.h"

struct ptd_scan_script {
    const uint8_t *p;
    size_t n;
};

/* An output that nobody has spent. */
struct ptd_scan_coin {
    struct ptd_hash txid;
    uint32_t index; /* of the output */
    uint32_t height;
    size_t script; /* which one of those looked for */
    int64_t value;
    bool coinbase;
};

struct ptd_scan_result {
    struct ptd_scan_coin *coin; /* by height; ptd_free() */
    size_t n;
    uint64_t n_outputs; /* unspent ones, of whatever script */
    struct ptd_block_info tip;
};

/* Up to the tip as it is at the call.
 *
 * stop      ends it when it becomes true
 * percent   is told how far it is, 0 to 100
 * Returns   PTD_OK; PTD_ENOMEM; PTD_ECLOSED: stopped; PTD_EEMPTY: some blocks
 *           were pruned; PTD_EIO
 */
PTD_MUST_USE enum ptd_err
ptd_blockchain_scan(struct ptd_blockchain *c, struct ptd_scan_result *out,
                    const struct ptd_scan_script *script, size_t n_scripts,
                    const atomic_bool *stop, atomic_uint *percent)
    PTD_NONNULL(1, 2, 5, 6);

#endif /* PTD_CHAIN_SCAN_H */
