/* addrs.h - addresses of nodes heard of in this run.
 *
 * A table of fixed size: when it is full, a new address takes the place of one
 * picked at random, so that nobody can say which others stay. What is told to
 * peers is a random sample; what is dialled is picked at random.
 *
 * Threads  any
 * Locks    one (PTD_RANK_ADDRS), held for a few lines, or a walk of the table
 */
#ifndef PTD_NODE_ADDRS_H
#define PTD_NODE_ADDRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/msg.h"

enum {
    PTD_ADDRS_MAX = 16384,
    PTD_ADDRS_SHARE_PERCENT = 23,         /* of the table, to who asks */
    PTD_ADDRS_HORIZON_S = 30 * 24 * 3600, /* older ones are told to nobody */
    PTD_ADDRS_FUTURE_S = 10 * 60,         /* newer ones are not believed */
    PTD_ADDRS_PENALTY_S = 2 * 3600 /* hearsay counts as that much older */
};

struct ptd_addrs;

/* allow_local: private and loopback addresses count too (regtest). NULL for
 * lack of memory. */
PTD_MUST_USE struct ptd_addrs *ptd_addrs_new(bool allow_local);
/* Takes NULL. */
void ptd_addrs_free(struct ptd_addrs *t PTD_TAKES);

/* Take in what a peer said; gives how many are new. Those that nobody could
 * reach are left out; times in the future or the far past become five days
 * ago. */
size_t ptd_addrs_add(struct ptd_addrs *t, const struct ptd_addr_entry *list,
                     size_t n, int64_t now_s) PTD_NONNULL(1);

/* A random sample for a peer: at most max, at most the share of the table.
 *
 * out      room for max entries
 * Returns  how many
 */
size_t ptd_addrs_sample(struct ptd_addrs *t, struct ptd_addr_entry *out,
                        size_t max, int64_t now_s) PTD_NONNULL(1, 2);

/* One at random; false if there is none. */
PTD_MUST_USE bool ptd_addrs_pick(struct ptd_addrs *t,
                                 struct ptd_addr_entry *out) PTD_NONNULL(1, 2);

/* Addresses that came with the program: to dial, but told to nobody until a
 * peer speaks of them, or until we reached them. */
void ptd_addrs_plant(struct ptd_addrs *t, const struct ptd_addr_entry *e)
    PTD_NONNULL(1, 2);

/* We are connected to it: it exists, now. */
void ptd_addrs_seen(struct ptd_addrs *t, const struct ptd_netaddr *na,
                    uint64_t services, int64_t now_s) PTD_NONNULL(1, 2);

size_t ptd_addrs_count(struct ptd_addrs *t) PTD_NONNULL(1);

#endif /* PTD_NODE_ADDRS_H */
