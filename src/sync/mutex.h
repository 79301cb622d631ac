/* mutex.h - a mutex with a rank.
 *
 * A thread takes mutexes in rising rank only. With --enable-debug-locks each
 * thread keeps the ranks it holds and aborts on the first wrong order, whether
 * or not it would have locked up; equal ranks count as wrong too. pthread errors
 * abort: they are bugs of ours.
 */
#ifndef PTD_SYNC_MUTEX_H
#define PTD_SYNC_MUTEX_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/tsa.h"
#include "base/util.h"

/* The order of all locks, outermost first. The list is the one place; a new
 * lock gets its line here and in src/README.md. */
enum ptd_rank {
    PTD_RANK_NODE = 10,       /* node: its list of peers, what is fetched */
    PTD_RANK_NETSYNC = 14,    /* netsync: peers, what is asked of whom */
    PTD_RANK_RELAY = 15,      /* relay: peers, who is asked for what */
    PTD_RANK_TXPOOL = 16,     /* relay: transactions that wait */
    PTD_RANK_FILTER = 17,     /* relay: a light client's filter */
    PTD_RANK_CHAIN_DISK = 18, /* chain: writers of blocks and index */
    PTD_RANK_CHAIN = 20,      /* chain: header tree, states of blocks */
    PTD_RANK_ADDRMGR = 28,    /* addrmgr: the two tables */
    PTD_RANK_ADDRCACHE = 29,  /* addrmgr: answers to getaddr */
    PTD_RANK_LOCALADDR = 30,  /* addrmgr: our own addresses */
    PTD_RANK_CONNMGR = 32,    /* connmgr: outbound slots, nodes added */
    PTD_RANK_RPC = 34,        /* rpc: calls under way, answers to send */
    PTD_RANK_GUARD = 36,      /* connmgr: bans, discouraged, handshakes */
    PTD_RANK_ENV = 38,        /* peer: nonces of outbound handshakes */
    PTD_RANK_PEER = 40,       /* peer: token, counts, requests, connection */
    PTD_RANK_PEER_STATS = 41, /* peer: statistics and known inventory */
    PTD_RANK_BUFPOOL = 50,    /* net: recycled large buffers */
    PTD_RANK_MSG = 55,        /* wire: cached encodings of a message */
    PTD_RANK_PUBLISHER = 57,  /* zmq: what waits to be published */
    PTD_RANK_TEAM = 60,       /* sync: pool of thread teams */
    PTD_RANK_STACK = 62,      /* sync: pool of stacks */
    PTD_RANK_CHAN = 70,       /* sync: one channel or group */
    PTD_RANK_CLOCK = 80,      /* sync: waits with a deadline */
    PTD_RANK_PARKER = 85,     /* sync: a thread's own parker, where no futex */
    PTD_RANK_LOG = 90         /* log: sinks */
};

struct PTD_CAPABILITY("mutex") ptd_mutex {
    pthread_mutex_t m;
    enum ptd_rank rank;
};

void ptd_mutex_init(struct ptd_mutex *mu, enum ptd_rank rank);
void ptd_mutex_fini(struct ptd_mutex *mu);

/* A pthread call on a mutex failed: never returns. */
PTD_NORETURN void ptd_mutex_fail(const struct ptd_mutex *mu, const char *what,
                                 int error);

#ifdef PTD_DEBUG_LOCKS
/* The calling thread's stack of ranks: about to wait for, holds, held. */
void ptd_mutex_debug_wait(const struct ptd_mutex *mu);
void ptd_mutex_debug_held(const struct ptd_mutex *mu);
void ptd_mutex_debug_gone(const struct ptd_mutex *mu);
#else
static inline void ptd_mutex_debug_wait(const struct ptd_mutex *mu)
{
    (void)mu;
}
static inline void ptd_mutex_debug_held(const struct ptd_mutex *mu)
{
    (void)mu;
}
static inline void ptd_mutex_debug_gone(const struct ptd_mutex *mu)
{
    (void)mu;
}
#endif

/* Inline: a channel takes its lock for every element. */
PTD_NO_TSA static inline void ptd_mutex_lock(struct ptd_mutex *mu)
    PTD_ACQUIRE(*mu);
static inline void ptd_mutex_lock(struct ptd_mutex *mu)
{
    int e;

    ptd_mutex_debug_wait(mu);
    if (PTD_UNLIKELY((e = pthread_mutex_lock(&mu->m)) != 0))
        ptd_mutex_fail(mu, "lock", e);
    ptd_mutex_debug_held(mu);
}

/* Any rank: who does not wait cannot lock up. */
PTD_NO_TSA static inline bool ptd_mutex_try_lock(struct ptd_mutex *mu)
    PTD_TRY_ACQUIRE(true, *mu);
static inline bool ptd_mutex_try_lock(struct ptd_mutex *mu)
{
    int e = pthread_mutex_trylock(&mu->m);

    if (e == EBUSY)
        return false;
    if (PTD_UNLIKELY(e != 0))
        ptd_mutex_fail(mu, "try_lock", e);
    ptd_mutex_debug_held(mu);
    return true;
}

PTD_NO_TSA static inline void ptd_mutex_unlock(struct ptd_mutex *mu)
    PTD_RELEASE(*mu);
static inline void ptd_mutex_unlock(struct ptd_mutex *mu)
{
    int e;

    ptd_mutex_debug_gone(mu);
    if (PTD_UNLIKELY((e = pthread_mutex_unlock(&mu->m)) != 0))
        ptd_mutex_fail(mu, "unlock", e);
}

#endif /* PTD_SYNC_MUTEX_H */
