/* cgroup.h - limits that the system keeps in files: those of the control groups
 * of this process, and single ones.
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

/* The number in a file of /proc or /sys; ULONG_MAX if it says "max", or there
 * is none. */
unsigned long ptd_limit_in(const char *path) PTD_NONNULL(1);

#endif /* PTD_NODE_CGROUP_H */
