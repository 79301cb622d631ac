/* node.h - one node: its peers, its headers, its threads.
 *
 * Start and stop order: node_start(), node_stop().
 *
 * Locks    mu (PTD_RANK_NODE): the lists of peers and addresses
 */
#ifndef PTD_NODE_NODE_H
#define PTD_NODE_NODE_H

#include "node/options.h"

struct node;

/* Start everything. error: one line for people. After a failure nothing runs. */
PTD_MUST_USE enum ptd_err node_start(struct node **out,
                                     const struct node_options *o, char *error,
                                     size_t cap);

/* Close every peer, join every thread, free. Takes NULL. */
void node_stop(struct node *n PTD_TAKES);

#endif /* PTD_NODE_NODE_H */
