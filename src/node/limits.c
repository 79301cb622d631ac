#include <config.h>

#include "node/limits.h"

#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/util.h"
#include "node/cgroup.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

enum {
    FDS_OF_OURS = 150, /* files, listening sockets, dials */
    FDS_PER_PEER = 2,  /* the socket, and an eventfd while it is paused */
    THREADS_OF_OURS = 100,
    THREADS_PER_PEER = 5,
    MAPS_OF_OURS = 1000, /* libraries, the heap, what else is mapped */
    MAPS_PER_THREAD = 2  /* its stack, and the guard page below it */
};

static unsigned long descriptors(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return 1024;
    if (r.rlim_cur < r.rlim_max) {
        rlim_t was = r.rlim_cur;

        r.rlim_cur = r.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &r) != 0)
            r.rlim_cur = was;
    }
    return r.rlim_cur == RLIM_INFINITY ? ULONG_MAX : (unsigned long)r.rlim_cur;
}

static unsigned long share(unsigned long all, unsigned long ours,
                           unsigned long each)
{
    return all > ours ? (all - ours) / each : 0;
}

static unsigned long threads(void)
{
    unsigned long n = ptd_limit_in("/proc/sys/kernel/pid_max");
    struct rlimit r;

    n = PTD_MIN(n, ptd_limit_in("/proc/sys/kernel/threads-max"));
    n = PTD_MIN(n, share(ptd_limit_in("/proc/sys/vm/max_map_count"),
                         MAPS_OF_OURS, MAPS_PER_THREAD));
    n = PTD_MIN(n, ptd_cgroup_pids_max("/proc/self/cgroup", "/sys/fs/cgroup"));
    if (getrlimit(RLIMIT_NPROC, &r) == 0 && r.rlim_cur != RLIM_INFINITY)
        n = PTD_MIN(n, (unsigned long)r.rlim_cur);
    return n;
}

static void lower(unsigned *max_connections, unsigned long peers)
{
    struct ptd_complaint what;

    (void)ptd_complain(&what,
                       "Reducing -maxconnections from %u to %lu, because of "
                       "system limitations.",
                       *max_connections, peers);
    fprintf(stderr, "Warning: %s\n", what.text);
    ptd_log_warn("%s", what.text);
    *max_connections = (unsigned)peers;
}

enum ptd_err ptd_limits_raise(unsigned *max_connections,
                              struct ptd_complaint *why)
{
    unsigned long needed =
        FDS_OF_OURS + (*max_connections > 0 ? FDS_PER_PEER : 0);
    unsigned long fds = descriptors(), tasks = threads();
    unsigned long peers =
        PTD_MIN(share(fds, FDS_OF_OURS, FDS_PER_PEER),
                share(tasks, THREADS_OF_OURS, THREADS_PER_PEER));

    ptd_log_info("Descriptors: %lu, threads: %lu: enough for %lu peers", fds,
                 tasks, peers);
    if (fds < needed)
        return ptd_complain(why,
                            "Not enough file descriptors available. %lu "
                            "available, %lu required.",
                            fds, needed);
    if (peers < *max_connections)
        lower(max_connections, peers);
    return PTD_OK;
}
