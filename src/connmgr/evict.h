/* evict.h - who makes room for a new inbound connection.
 *
 * Whoever is best in some respect that an attacker finds hard to fake is
 * protected; of the others the one goes that came last from the group of
 * addresses with the most connections. Pure functions: no state, no clock.
 *
 * Threads  any
 * Source   Bitcoin Core's SelectNodeToEvict for the protections
 */
#ifndef PTD_CONNMGR_EVICT_H
#define PTD_CONNMGR_EVICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/netaddr.h"

/* One inbound connection. Times in seconds are of one clock, the larger the
 * later; 0: never. */
struct ptd_evict_peer {
    uint64_t id;          /* number of the peer, unique */
    uint64_t group;       /* keyed hash of its group of addresses: a remote
                              cannot know which group has which number */
    int64_t connected_s;  /* since when */
    int64_t min_ping_us;  /* shortest round trip; INT64_MAX: none yet */
    int64_t last_block_s; /* gave us a new block */
    int64_t last_tx_s;    /* gave us a new transaction */
    enum ptd_net net;     /* through which it came; NONE: not routable */
    bool is_local;        /* from this machine */
    bool has_services;    /* serves what we want of a full peer */
    bool relays_txs;      /* wants transactions announced */
    bool has_filter;      /* loaded a Bloom filter */
    bool is_discouraged;  /* goes first, unless protected */
    bool is_noban;        /* never goes */
};

/* Choose who goes.
 *
 * Protected are, each among those left by the ones before: noban; 4 by group;
 * the 8 of the shortest ping; the 4 with the latest transactions; the 8 with
 * the latest blocks among those that serve blocks and take no transactions; the
 * 4 with the latest blocks; and half of the rest by
 * ptd_evict_protect_by_uptime(). If one that is left is discouraged, only those
 * are looked at.
 *
 * peers    n of them; reordered
 * Returns  true, and *id; false: all are protected
 */
PTD_MUST_USE bool ptd_evict_choose(uint64_t *id, struct ptd_evict_peer *peers,
                                   size_t n) PTD_NONNULL(1);

/* Protect one half, rounded down: those connected longest, up to half of these
 * places being kept for the longest-connected of each network that other
 * protections pass over for its latency: CJDNS, I2P, this machine (where an
 * unannounced onion service would come from), Tor. What one network does not
 * need goes to the others, first to the one with the fewest.
 *
 * peers    reordered: those left come first
 * Returns  how many are left
 */
size_t ptd_evict_protect_by_uptime(struct ptd_evict_peer *peers, size_t n);

#endif /* PTD_CONNMGR_EVICT_H */
