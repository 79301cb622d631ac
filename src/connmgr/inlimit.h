/* inlimit.h - how many inbound handshakes may be unfinished at once.
 *
 * A remote that opens connections and says nothing, or makes us compute keys,
 * holds at most its group's share of them: per /24 of IPv4, per /64 of IPv6,
 * per address of other networks, and overall. This machine and peers that the
 * user marked noban are exempt and not counted.
 *
 * Memory   taken by ptd_inlimit_new() and never more: 16 bytes a slot, at most
 *          4 slots a handshake allowed (PTD_INLIMIT_MAX of them if the total is
 *          not limited)
 * Owner    ptd_inlimit_new() gives one
 * Threads  any
 * Locks    one (PTD_RANK_GUARD)
 */
#ifndef PTD_CONNMGR_INLIMIT_H
#define PTD_CONNMGR_INLIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"

struct ptd_inlimit;

enum { PTD_INLIMIT_MAX = 16384 }; /* handshakes counted at once, at most */

struct ptd_inlimit_config {
    unsigned per_group; /* unfinished from one group; 0: no limit */
    unsigned total;     /* unfinished overall; 0: no limit but
                           PTD_INLIMIT_MAX, which is also the most */
};

/* A handshake that was let in, kept with its connection until it is given
 * back. All zeros: none. */
struct ptd_inlimit_pass {
    uint64_t group; /* 0: not counted */
};

/* NULL for lack of memory. Both limits 0: everybody passes, at no cost. */
PTD_MUST_USE struct ptd_inlimit *
ptd_inlimit_new(const struct ptd_inlimit_config *cfg) PTD_NONNULL(1);

/* Every pass must have been given back. Takes NULL. */
void ptd_inlimit_free(struct ptd_inlimit *l PTD_TAKES);

/* Let a handshake in.
 *
 * is_noban  exempt, as an address of this machine is
 * Returns   PTD_OK; PTD_ELIMIT: too many of this group; PTD_EFULL: too many
 *           overall. *pass is all zeros after a failure
 */
PTD_MUST_USE enum ptd_err
ptd_inlimit_acquire(struct ptd_inlimit *l, struct ptd_inlimit_pass *pass,
                    const struct ptd_netaddr *na, bool is_noban)
    PTD_NONNULL(1, 2, 3);

/* The handshake is over, well or not. Clears the pass, so that a second call
 * does nothing. */
void ptd_inlimit_release(struct ptd_inlimit *l, struct ptd_inlimit_pass *pass)
    PTD_NONNULL(1, 2);

/* Handshakes counted now; a snapshot. */
size_t ptd_inlimit_pending(struct ptd_inlimit *l) PTD_NONNULL(1);

#endif /* PTD_CONNMGR_INLIMIT_H */
