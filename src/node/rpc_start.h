/* rpc_start.h - the node's RPC server: made from its settings, with every
 * method.
 *
 *     ptd_node_rpc_start() -> ptd_node_rpc_ready() ...
 *         -> ptd_node_rpc_interrupt() -> ptd_node_rpc_stop()
 *
 * It listens before the node is there, and answers what is asked too early
 * with what the node is busy with (-28). It stops before the node does: its
 * methods look at the node.
 *
 * Owner    the program
 * Threads  one starts and stops it
 */
#ifndef PTD_NODE_RPC_START_H
#define PTD_NODE_RPC_START_H

#include <stddef.h>

#include "node/args.h"
#include "node/settings.h"
#include "pentad/attr.h"
#include "pentad/err.h"

struct ptd_node;
struct ptd_node_rpc;
struct ptd_rpc;

/* Write the cookie, listen, start the threads.
 *
 * cfg      outlives the server
 * stop     what the method `stop` calls: begins to end the program, never
 *          waits; NULL: nothing
 * Returns  PTD_OK; an error, with why in words for the user
 */
PTD_MUST_USE enum ptd_err
ptd_node_rpc_start(struct ptd_node_rpc **out, const struct ptd_node_config *cfg,
                   void (*stop)(void *arg), void *arg,
                   struct ptd_complaint *why) PTD_NONNULL(1, 2, 5);

/* What the node is busy with, until it is ready. r may be NULL. */
void ptd_node_rpc_busy(struct ptd_node_rpc *r, const char *status);

/* The node is up: methods are carried out from now on. r may be NULL. */
void ptd_node_rpc_ready(struct ptd_node_rpc *r, struct ptd_node *n)
    PTD_NONNULL(2);

/* Begin to stop: calls that wait come to their end. Never waits; harmless
 * twice. Takes NULL. */
void ptd_node_rpc_interrupt(struct ptd_node_rpc *r);

/* Let calls under way end, join every thread, free. Takes NULL. */
void ptd_node_rpc_stop(struct ptd_node_rpc *r PTD_TAKES);

/* The server itself: where it listens. */
struct ptd_rpc *ptd_node_rpc_server(struct ptd_node_rpc *r) PTD_NONNULL(1);

#endif /* PTD_NODE_RPC_START_H */
