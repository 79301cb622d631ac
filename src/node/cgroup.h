/* cgroup.h - how many tasks the control groups of this process allow.
 *
 * Threads  any
 */
#ifndef PTD_NODE_CGROUP_H
#define PTD_NODE_CGROUP_H

#include <stdbool.h>

#include "pentad/attr.h"

/* The smallest pids.max of the process's own group and of all above it.
 *
 * self     the process's groups: /proc/self/cgroup
 * mount    where the groups are: /sys/fs/cgroup; those of version 1 in
 *          pids/ below it
 * Returns  ULONG_MAX if there is no limit, or nothing can be read
 */
unsigned long ptd_cgroup_pids_max(const char *self, const char *mount)
    PTD_NONNULL(1, 2);

#endif /* PTD_NODE_CGROUP_H */
