/* addrcache.h - the answer to getaddr, the same for a day.
 *
 * … unless the addresses known have become four times as many meanwhile: a node
 * that was asked in its first minutes, when it knew nobody, is of use to who
 * asks later. Growth gives few answers more: each takes four times the last.
 *
 * Who asks again and again, over many connections, learns one sample a day for
 * each network and address of ours that he reaches; different ones on
 * different networks, so that the answers do not show that we are one node.
 *
 * Owner    whoever made it; the manager and the clock outlive it
 * Threads  any
 * Locks    one (PTD_RANK_ADDRCACHE), not held while the manager is asked or
 *          the filter runs
 * Source   Bitcoin Core's CConnman::GetAddresses
 */
#ifndef PTD_ADDRMGR_ADDRCACHE_H
#define PTD_ADDRMGR_ADDRCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addrmgr/addrmgr.h"
#include "pentad/attr.h"
#include "pentad/err.h"

struct ptd_addrmgr_cache;

enum {
    PTD_ADDRMGR_CACHE_MAX = 64, /* answers kept; beyond, some share one */
    PTD_ADDRMGR_CACHE_MIN_S = 21 * 3600,
    PTD_ADDRMGR_CACHE_SPREAD_S = 6 * 3600,
    PTD_ADDRMGR_CACHE_GROWTH = 4
};

/* Leaves out of a new answer what it returns false for (banned addresses). */
typedef bool ptd_addrmgr_keep_fn(void *arg, const struct ptd_addr_entry *e);

/* NULL for lack of memory. clk NULL: the system's. */
PTD_MUST_USE struct ptd_addrmgr_cache *
ptd_addrmgr_cache_new(struct ptd_addrmgr *m, struct ptd_clock *clk)
    PTD_NONNULL(1);
/* Takes NULL. */
void ptd_addrmgr_cache_free(struct ptd_addrmgr_cache *c PTD_TAKES);

/* The answer for a peer: at most 1,000 addresses, at most 23 % of all.
 *
 * remote_net  the network it came over
 * bound       our address that it connected to
 * keep        NULL: all
 * out, n      copied out
 * Returns     PTD_OK; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_addrmgr_cache_get(struct ptd_addrmgr_cache *c,
                      struct ptd_addr_entry out[PTD_ADDRMGR_SAMPLE_MAX],
                      size_t *n, enum ptd_net remote_net,
                      const struct ptd_netaddr *bound,
                      ptd_addrmgr_keep_fn *keep, void *arg)
    PTD_NONNULL(1, 2, 3, 5);

#endif /* PTD_ADDRMGR_ADDRCACHE_H */
