/* mutex.h - a mutex with a rank.
 *
 * A thread takes mutexes in rising rank only. With --enable-debug-locks each
 * thread keeps the ranks it holds and aborts on the first wrong order, whether
 * or not it would have locked up. pthread errors abort: they are bugs of ours.
 */
#ifndef PTD_SYNC_MUTEX_H
#define PTD_SYNC_MUTEX_H

#include <pthread.h>
#include <stdbool.h>

#include "base/tsa.h"

/* The order of all locks, outermost first. The list is the one place; a new
 * lock gets its line here and in src/README.md. */
enum ptd_rank {
    PTD_RANK_NODE = 10,      /* node: its lists of peers and addresses */
    PTD_RANK_CHAIN = 20,     /* chain: header tree and store */
    PTD_RANK_PEER = 40,      /* peer: token, counts, requests, connection */
    PTD_RANK_PEER_STATS = 41,/* peer: statistics and known inventory */
    PTD_RANK_BUFPOOL = 50,   /* net: recycled large buffers */
    PTD_RANK_MSG = 55,       /* wire: cached encodings of a message */
    PTD_RANK_TEAM = 60,      /* sync: pool of thread teams */
    PTD_RANK_STACK = 62,     /* sync: pool of stacks */
    PTD_RANK_CHAN = 70,      /* sync: one channel or group */
    PTD_RANK_CLOCK = 80,     /* sync: waits with a deadline */
    PTD_RANK_PARKER = 85,    /* sync: a thread's own parker, where no futex */
    PTD_RANK_LOG = 90        /* log: sinks */
};

struct PTD_CAPABILITY("mutex") ptd_mutex {
    pthread_mutex_t m;
    enum ptd_rank rank;
};

void ptd_mutex_init(struct ptd_mutex *mu, enum ptd_rank rank);
void ptd_mutex_fini(struct ptd_mutex *mu);
void ptd_mutex_lock(struct ptd_mutex *mu) PTD_ACQUIRE(*mu);
bool ptd_mutex_try_lock(struct ptd_mutex *mu) PTD_TRY_ACQUIRE(true, *mu);
void ptd_mutex_unlock(struct ptd_mutex *mu) PTD_RELEASE(*mu);

#endif /* PTD_SYNC_MUTEX_H */
