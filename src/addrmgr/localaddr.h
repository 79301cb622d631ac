/* localaddr.h - our own addresses, and which of them to tell a peer.
 *
 * Each has a score: where it is known from, and one more for each peer that
 * says it sees us there (never beyond INT32_MAX).
 *
 * Owner    whoever made it
 * Threads  any
 * Locks    one (PTD_RANK_LOCALADDR)
 * Source   Bitcoin Core's AddLocal, SeenLocal, GetLocal, GetLocalAddrForPeer
 *          and CNetAddr::GetReachabilityFrom; btcd's GetBestLocalAddress
 */
#ifndef PTD_ADDRMGR_LOCALADDR_H
#define PTD_ADDRMGR_LOCALADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"

struct ptd_localaddr;

enum { PTD_LOCALADDR_MAX = 256 };

/* Where an address is known from: its first score. */
enum ptd_local_source {
    PTD_LOCAL_NONE,
    PTD_LOCAL_IF,     /* an interface has it */
    PTD_LOCAL_BIND,   /* we listen on it by name */
    PTD_LOCAL_MAPPED, /* a gateway maps it to us */
    PTD_LOCAL_MANUAL  /* the user said so (-externalip) */
};

/* How well a peer can reach one of our addresses; more is better. */
enum ptd_local_reach {
    PTD_REACH_NOT,
    PTD_REACH_DEFAULT,
    PTD_REACH_TEREDO,
    PTD_REACH_IPV6_WEAK, /* through a tunnel */
    PTD_REACH_IPV4,
    PTD_REACH_IPV6_STRONG,
    PTD_REACH_PRIVATE /* both on the same privacy network */
};

struct ptd_localaddr_config {
    bool discover; /* -discover: take addresses that the user did not name */
    unsigned nets; /* networks in use, set of PTD_NET_BIT(); 0: all */
};

struct ptd_localaddr_entry {
    struct ptd_netaddr na;
    int32_t score;
};

/* A peer, as far as it matters here. */
struct ptd_localaddr_peer {
    const struct ptd_netaddr *na;   /* its address */
    enum ptd_net through;           /* the network the connection runs over */
    const struct ptd_netaddr *seen; /* ours as it sees it; NULL: unknown */
    bool inbound;
};

/* NULL for lack of memory. */
PTD_MUST_USE struct ptd_localaddr *
ptd_localaddr_new(const struct ptd_localaddr_config *cfg) PTD_NONNULL(1);
/* Takes NULL. */
void ptd_localaddr_free(struct ptd_localaddr *l PTD_TAKES);

/* Add one, or raise its score to this source's and one more; its port becomes
 * the latest.
 *
 * Returns  PTD_OK; PTD_EREJECTED: not routable, network not in use, or below
 *          PTD_LOCAL_MANUAL while nothing is to be discovered; PTD_ELIMIT
 */
PTD_MUST_USE enum ptd_err
ptd_localaddr_add(struct ptd_localaddr *l, const struct ptd_netaddr *na,
                  enum ptd_local_source source) PTD_NONNULL(1, 2);
void ptd_localaddr_remove(struct ptd_localaddr *l, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* A peer says it sees us there: one point more. False: not one of ours. */
bool ptd_localaddr_vote(struct ptd_localaddr *l, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* True if it is one of ours, whatever its port. */
bool ptd_localaddr_is_ours(struct ptd_localaddr *l,
                           const struct ptd_netaddr *na) PTD_NONNULL(1, 2);

/* Copy at most max, best score first; how many. */
size_t ptd_localaddr_list(struct ptd_localaddr *l,
                          struct ptd_localaddr_entry *out, size_t max)
    PTD_NONNULL(1);

/* The best one for a peer: first by how well it can reach it, then by score.
 * Addresses of privacy networks are never told to other networks, nor the
 * other way round. False: none. */
PTD_MUST_USE bool
ptd_localaddr_best(struct ptd_localaddr *l, struct ptd_netaddr *out,
                   const struct ptd_localaddr_peer *peer) PTD_NONNULL(1, 2, 3);

/* What to announce of ourselves to a peer: the best one, or now and then the
 * address that it sees us at, which may be better than what we know.
 *
 * listen_port  for an address of which only the host is known
 * dice         a random number
 * Returns      false: nothing that could be routed
 */
PTD_MUST_USE bool ptd_localaddr_announce(struct ptd_localaddr *l,
                                         struct ptd_netaddr *out,
                                         const struct ptd_localaddr_peer *peer,
                                         uint16_t listen_port, uint32_t dice)
    PTD_NONNULL(1, 2, 3);

enum ptd_local_reach ptd_localaddr_reach(const struct ptd_netaddr *ours,
                                   const struct ptd_netaddr *theirs)
    PTD_NONNULL(1, 2);

#endif /* PTD_ADDRMGR_LOCALADDR_H */
