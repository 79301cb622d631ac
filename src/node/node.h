/* node.h - a whole node: peers, connections, headers, blocks.
 *
 * Everything hangs off struct ptd_node; a process may run several. Their
 * threads and locks: src/README.md.
 *
 *     ptd_node_config_init() -> ptd_node_start() ... ptd_node_stop()
 *
 * Threads  any, unless a function says otherwise
 * Locks    NODE (10)
 */
#ifndef PTD_NODE_NODE_H
#define PTD_NODE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/headers.h"
#include "connmgr/connmgr.h"
#include "net/subnet.h"
#include "node/settings.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/peer.h"

struct ptd_addrmgr;
struct ptd_banlist;
struct ptd_blockchain;
struct ptd_localaddr;
struct ptd_netgroup;
struct ptd_netsync;
struct ptd_node;
struct ptd_relay;
struct ptd_publisher;

/* What a node tells about itself through ptd_node_config.events. */
enum ptd_node_what {
    PTD_NODE_PEER_READY, /* both veracks are in */
    PTD_NODE_PEER_GONE,  /* joined and freed */
    PTD_NODE_NEW_TIP,    /* of the headers; height tells */
    PTD_NODE_BLOCK,      /* held from now on; height tells */
    PTD_NODE_DIAL_FAILED
};

struct ptd_node_event {
    enum ptd_node_what what;
    int64_t peer;   /* its id; -1: none */
    int32_t height; /* -1: none */
};

/* Start all of it, in order; what was started is stopped again if one fails.
 *
 * cfg      outlives the node
 * Returns  PTD_OK; or an error, with why in words for the user
 */
PTD_MUST_USE enum ptd_err
ptd_node_start(struct ptd_node **out, const struct ptd_node_config *cfg,
               struct ptd_complaint *why) PTD_NONNULL(1, 2, 3);

/* Close every peer, join every thread, free. Takes NULL. Not from a thread of
 * the node. */
void ptd_node_stop(struct ptd_node *n PTD_TAKES);

/* The i-th address it listens at, with the port it got; false behind the
 * last. */
PTD_MUST_USE bool ptd_node_bound(const struct ptd_node *n, size_t i,
                                 struct ptd_netaddr *out) PTD_NONNULL(1, 3);

/* References to the peers there are now, by rising id; *peers from malloc,
 * NULL if there are none, or no memory.
 *
 * Returns  how many; each is to be given back with ptd_peer_free()
 */
size_t ptd_node_peers(struct ptd_node *n, struct ptd_peer ***peers)
    PTD_NONNULL(1, 2);

/* ---- what operators ask ---------------------------------------------------- */

enum { PTD_NODE_MAX_IN_FLIGHT = 16 };

/* One connection, as getpeerinfo tells it. */
struct ptd_node_peer {
    struct ptd_peer_stats stats;
    enum ptd_link_type type;
    unsigned permissions; /* of enum ptd_permission */
    char name[256];       /* as the user named it; else "" */
    struct ptd_netaddr
        addr_bind; /* our end of the connection; net 0: unknown */
    struct ptd_netaddr addr_seen; /* ours as it says it sees it; net 0: none */
    bool via_proxy;
    uint32_t mapped_as; /* 0: no map, or not in it */
    bool relays_addrs;
    uint64_t n_addrs_taken; /* addresses of it that were processed */
    uint64_t n_addrs_limited;
    bool relays_txs; /* it wants transactions, and was not made without */
    uint64_t last_inv_sequence; /* of the pool, at the last announcement */
    uint64_t n_inv_to_send;     /* transactions that wait to be announced */
    int64_t min_fee_filter;     /* satoshi for 1000 bytes */
    int64_t last_block_s;       /* wall time; 0: none yet */
    int64_t last_tx_s;
    bool hb_to, hb_from;      /* BIP 152 high-bandwidth mode */
    int32_t presynced_height; /* -1: none */
    int32_t synced_headers;   /* last header in common; -1: none */
    int32_t synced_blocks;    /* -1: none */
    uint32_t in_flight[PTD_NODE_MAX_IN_FLIGHT]; /* heights asked for */
    size_t n_in_flight;
};

/* All connections, from accept or dial on, by rising id; *list from malloc.
 *
 * Returns  PTD_OK; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_node_list_peers(struct ptd_node *n, struct ptd_node_peer **list,
                    size_t *count) PTD_NONNULL(1, 2, 3);

enum ptd_node_count { PTD_NODE_ALL, PTD_NODE_IN, PTD_NODE_OUT };
size_t ptd_node_n_peers(struct ptd_node *n, enum ptd_node_count which)
    PTD_NONNULL(1);

/* End connections: by id; all whose address, port included, or whose name is
 * this; all of a subnet. Gives how many; they end soon after. `why` is logged.
 */
size_t ptd_node_disconnect_id(struct ptd_node *n, int64_t id, const char *why)
    PTD_NONNULL(1, 3);
size_t ptd_node_disconnect_name(struct ptd_node *n, const char *name,
                                const char *why) PTD_NONNULL(1, 2, 3);
size_t ptd_node_disconnect_subnet(struct ptd_node *n,
                                  const struct ptd_subnet *subnet,
                                  const char *why) PTD_NONNULL(1, 2, 3);

/* Send a message of any type to a peer (sendmsgtopeer).
 * PTD_OK; PTD_ENOTFOUND; PTD_EFULL; PTD_ECLOSED; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_node_send_raw(struct ptd_node *n, int64_t id, const char *command,
                  const uint8_t *payload, size_t n_bytes) PTD_NONNULL(1, 3);

/* Queue a ping to every peer. */
void ptd_node_ping_all(struct ptd_node *n) PTD_NONNULL(1);

/* Switch the whole network off or on: off ends every connection. */
void ptd_node_set_active(struct ptd_node *n, bool active) PTD_NONNULL(1);
bool ptd_node_is_active(struct ptd_node *n) PTD_NONNULL(1);

/* Bytes in all connections of this run, headers and partial messages too. */
void ptd_node_totals(struct ptd_node *n, uint64_t *received, uint64_t *sent)
    PTD_NONNULL(1, 2, 3);

/* What -maxuploadtarget leaves of the present day. */
struct ptd_node_upload {
    uint64_t target_bytes; /* 0: no limit */
    uint64_t left_bytes;   /* 0 also without limit */
    int64_t period_s;
    int64_t left_s;
    bool reached;
    bool serves_old; /* blocks that are older than a week */
};
void ptd_node_upload(struct ptd_node *n, struct ptd_node_upload *out)
    PTD_NONNULL(1, 2);

/* True while blocks are read from files (-reindex, -loadblock). */
bool ptd_node_is_loading(struct ptd_node *n) PTD_NONNULL(1);

/* The height below which nothing is pruned. */
uint32_t ptd_node_prune_after(const struct ptd_node_config *cfg) PTD_NONNULL(1);

/* Begin to stop: no more calls to others, whoever waits for one is woken.
 * Never waits; harmless twice. */
void ptd_node_interrupt(struct ptd_node *n) PTD_NONNULL(1);

/* Move the clock (setmocktime): 0 lets it run again. Whatever is due at that
 * time is done soon after. */
void ptd_node_set_mock_time(struct ptd_node *n, int64_t wall_s) PTD_NONNULL(1);

/* Wall time of the start; median of what outbound peers' clocks say less ours,
 * in seconds. */
int64_t ptd_node_start_s(struct ptd_node *n) PTD_NONNULL(1);
int64_t ptd_node_time_offset_s(struct ptd_node *n) PTD_NONNULL(1);

/* A block was found invalid: warn if its branch has much more work than ours.
 * Any thread, no lock. */
void ptd_node_check_branches(struct ptd_node *n) PTD_NONNULL(1);

/* Warnings for people, one a line; the text is to be freed. NULL: none. */
PTD_MUST_USE char *ptd_node_warnings(struct ptd_node *n) PTD_NONNULL(1);

/* Wait until the server has dealt with what it was told up to now: who was
 * reached by then is listed, or gone again.
 *
 * Thread   none of the node's own; not while the node stops
 */
void ptd_node_settle(struct ptd_node *n) PTD_NONNULL(1);

/* Parts with interfaces of their own. */
const struct ptd_node_config *ptd_node_config(struct ptd_node *n)
    PTD_NONNULL(1);
struct ptd_connmgr *ptd_node_connmgr(struct ptd_node *n) PTD_NONNULL(1);
struct ptd_addrmgr *ptd_node_addrmgr(struct ptd_node *n) PTD_NONNULL(1);
struct ptd_localaddr *ptd_node_localaddr(struct ptd_node *n) PTD_NONNULL(1);
struct ptd_netgroup *ptd_node_netgroup(struct ptd_node *n) PTD_NONNULL(1);
struct ptd_banlist *ptd_node_bans(struct ptd_node *n) PTD_NONNULL(1);
struct ptd_blockchain *ptd_node_chain(struct ptd_node *n) PTD_NONNULL(1);
struct ptd_netsync *ptd_node_netsync(struct ptd_node *n) PTD_NONNULL(1);
struct ptd_clock *ptd_node_clock(struct ptd_node *n) PTD_NONNULL(1);
struct ptd_relay *ptd_node_relay(struct ptd_node *n) PTD_NONNULL(1);
/* NULL: nothing is published. */
struct ptd_publisher *ptd_node_publisher(struct ptd_node *n) PTD_NONNULL(1);

/* Parts of it, to look at. */
struct ptd_headers *ptd_node_headers(struct ptd_node *n) PTD_NONNULL(1);

/* Services that we offer: WITNESS, NETWORK_LIMITED; NETWORK unless old blocks
 * are deleted; BLOOM with -peerbloomfilters. */
uint64_t ptd_node_services(struct ptd_node *n) PTD_NONNULL(1);

/* ---- the program --------------------------------------------------------- */

/* The whole of pentad: read options, run until SIGINT or SIGTERM. Gives the
 * exit status.
 *
 * Thread   main, before any other exists
 */
int ptd_node_program(int argc, char **argv) PTD_NONNULL(2);

/* End ptd_node_program(), as SIGTERM does. Any thread; never waits. */
void ptd_node_program_stop(void);

#endif /* PTD_NODE_NODE_H */
