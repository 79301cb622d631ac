/* node.h - a whole node: peers, connections, headers, blocks.
 *
 * Everything hangs off struct ptd_node; a process may run several. Their
 * threads and locks: src/README.md.
 *
 *     ptd_node_config_init() -> ptd_node_start() ... ptd_node_stop()
 *
 * Threads  any, unless a function says otherwise
 * Locks    NODE (10), ADDRS (24), STORE (26)
 */
#ifndef PTD_NODE_NODE_H
#define PTD_NODE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/headers.h"
#include "node/addrs.h"
#include "node/settings.h"
#include "node/store.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/peer.h"

struct ptd_node;

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

/* Parts of it, to look at. */
struct ptd_headers *ptd_node_headers(struct ptd_node *n) PTD_NONNULL(1);
struct ptd_store *ptd_node_blocks(struct ptd_node *n) PTD_NONNULL(1);
struct ptd_addrs *ptd_node_addrs(struct ptd_node *n) PTD_NONNULL(1);

/* Services that we offer now: WITNESS; and NETWORK as long as we fetch blocks
 * and hold all of them. */
uint64_t ptd_node_services(struct ptd_node *n) PTD_NONNULL(1);

/* ---- the program --------------------------------------------------------- */

/* The whole of pentad: read options, run until SIGINT or SIGTERM. Gives the
 * exit status.
 *
 * Thread   main, before any other exists
 */
int ptd_node_program(int argc, char **argv) PTD_NONNULL(2);

#endif /* PTD_NODE_NODE_H */
