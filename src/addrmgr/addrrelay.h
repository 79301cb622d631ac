/* addrrelay.h - how far an address is told on, and how many are heard.
 *
 * Pure functions of what they are given.
 *
 * Threads  any; a bucket belongs to one at a time
 * Source   Bitcoin Core's RelayAddress and its address token bucket
 */
#ifndef PTD_ADDRMGR_ADDRRELAY_H
#define PTD_ADDRMGR_ADDRRELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/netaddr.h"

enum { PTD_ADDRRELAY_PEERS = 2 };

enum ptd_addrrelay_net {
    PTD_ADDRRELAY_REACHABLE,
    PTD_ADDRRELAY_UNREACHABLE /* a network that we do not use: one peer */
};

/* Choose whom an address is relayed to: for a day (which begins at another hour
 * for each address) the same, if the peers stay the same, so that repeating an
 * announcement does not spread it.
 *
 * k0, k1   the node's secret
 * ids      n peers that may get it (without the one it came from)
 * chosen   ids of those chosen
 * Returns  how many: 0, 1 or 2
 */
size_t ptd_addrrelay_choose(uint64_t chosen[PTD_ADDRRELAY_PEERS], uint64_t k0,
                            uint64_t k1, const struct ptd_netaddr *na,
                            int64_t now_s, enum ptd_addrrelay_net reach,
                            const uint64_t *ids, size_t n) PTD_NONNULL(1, 4);

/* The addresses that a peer may still tell us: one in 10 seconds, 1,000 at
 * most saved up, and an answer's worth more when we ask. */
struct ptd_addrbucket {
    int64_t credit_us;  /* 10 s of it are one address */
    int64_t updated_us; /* monotonic */
};

/* One address at first. */
void ptd_addrbucket_init(struct ptd_addrbucket *b, int64_t now_us)
    PTD_NONNULL(1);
/* We sent getaddr: 1,000 more, also above the limit. */
void ptd_addrbucket_grant(struct ptd_addrbucket *b) PTD_NONNULL(1);
/* Add what the time since the last call brought. */
void ptd_addrbucket_refill(struct ptd_addrbucket *b, int64_t now_us)
    PTD_NONNULL(1);
/* Take one; false: there is none, the address is to be ignored. */
PTD_MUST_USE bool ptd_addrbucket_take(struct ptd_addrbucket *b) PTD_NONNULL(1);

#endif /* PTD_ADDRMGR_ADDRRELAY_H */
