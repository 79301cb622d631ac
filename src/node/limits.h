/* limits.h - what the system allows, and how many peers that makes.
 *
 * Threads  main, at start
 */
#ifndef PTD_NODE_LIMITS_H
#define PTD_NODE_LIMITS_H

#include "node/args.h"
#include "pentad/attr.h"
#include "pentad/err.h"

/* Raise the number of descriptors as far as allowed; lower *max_connections to
 * what descriptors and threads suffice for, and say so in the log and on
 * standard error. PTD_EINVAL: the descriptors do not suffice for a node that
 * has any of the peers it wants; *why says how many would. */
PTD_MUST_USE enum ptd_err
ptd_limits_raise(unsigned *max_connections, struct ptd_complaint *why)
    PTD_NONNULL(1, 2);

#endif /* PTD_NODE_LIMITS_H */
