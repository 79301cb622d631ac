/* limits.h - what the system allows, and how many peers that makes.
 *
 * Threads  main, at start
 */
#ifndef PTD_NODE_LIMITS_H
#define PTD_NODE_LIMITS_H

#include "pentad/attr.h"

/* Raise the number of descriptors as far as allowed; lower *max_connections to
 * what descriptors and threads suffice for, and say so in the log. */
void ptd_limits_raise(unsigned *max_connections) PTD_NONNULL(1);

#endif /* PTD_NODE_LIMITS_H */
