/* park.h - how a thread sleeps until another one wakes it.
 *
 * Each thread has one parker. It prepares to sleep (ptd_park_begin), makes the
 * parker known to whoever may wake it (waiter nodes under the locks of the
 * channels, a clock's list, a team's member), sleeps (ptd_park_wait) and takes
 * back what it made known. A waker first *claims* the sleeper, under the lock
 * that guards the node by which it found it, does what the sleeper waits for
 * on its behalf, unlocks, and *fires*:
 *
 *     sleeper   RUNNING -begin-> WAITING ---------------wait--------> RUNNING
 *     waker                      WAITING -claim-> CLAIMED -fire-> FIRED
 *
 * Exactly one claim succeeds for each begin, so exactly one waker serves the
 * sleeper and none is lost: who fails to claim knows that the sleeper has
 * been served, and turns to the next one. A sleeper that gives up (deadline)
 * claims itself; if that fails it must still wait for the fire.
 *
 * Life: between claim and fire the sleeper cannot leave, so its stack and
 * thread-local memory are there. With the store of FIRED they may go at once:
 * the waker touches nothing of them afterwards. The futex call that follows
 * passes the address only; if the memory is gone or serves something else by
 * then, it is a spurious wake, which every user of futexes tolerates.
 *
 * Threads  begin, wait, give_up: the parker's own; claim, fire: any other
 * Locks    none with futexes; else one per parker (rank PTD_RANK_PARKER). Each
 *          parker has its own condition variable with one waiter at most
 */
#ifndef PTD_SYNC_PARK_H
#define PTD_SYNC_PARK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/clock.h"
#include "sync/mutex.h"

#if defined(HAVE_LINUX_FUTEX_H) && !defined(PTD_NO_FUTEX)
#define PTD_USE_FUTEX 1
#else
#define PTD_USE_FUTEX 0
#endif

/* Bits of ptd_parker.word. */
enum {
    PTD_PARK_RUNNING = 0,
    PTD_PARK_WAITING = 1,
    PTD_PARK_CLAIMED = 2,
    PTD_PARK_FIRED = 3,
    PTD_PARK_STATE = 3,  /* mask of the four above */
    PTD_PARK_ASLEEP = 4, /* the sleeper is in the kernel, or about to be */
};

/* What a thread waits for; read by debuggers. */
enum ptd_park_for {
    PTD_PARK_FOR_NOTHING,  /* it runs */
    PTD_PARK_FOR_CHANS,    /* object: n_waiters of struct ptd_waiter */
    PTD_PARK_FOR_WORK,     /* in a team; object: struct ptd_team */
    PTD_PARK_FOR_TEAM_END, /* that all threads return; struct ptd_team */
    PTD_PARK_FOR_CLOCK,    /* that others wait; struct ptd_clock (tests) */
};

/* Results of a wait beside those a waker gives, which are >= 0. */
enum {
    PTD_PARK_TIMEOUT = -1, /* the deadline has passed */
    PTD_PARK_RETRY = -2,   /* the clock changed its pace: wait again */
};

struct ptd_parker {
    atomic_uint word; /* state and PTD_PARK_ASLEEP */
    int result;       /* set by the claimer, read after FIRED */

    /* For debuggers; written by the thread itself when it goes to sleep. */
    enum ptd_park_for what;
    int64_t since_us;    /* system's monotonic time it began to wait */
    int64_t deadline_us; /* by its clock; PTD_NEVER: none */
    const void *object;  /* see enum ptd_park_for */
    size_t n_waiters;

    uint64_t random; /* state of the generator that picks cases; 0: unseeded */
#if !PTD_USE_FUTEX
    bool ready; /* mutex and condition variable were made */
    struct ptd_mutex mu;
    pthread_cond_t cond;
#endif
};

/* The calling thread's own. */
struct ptd_parker *ptd_parker_self(void);

/* Get ready to sleep: from now on others may claim.
 *
 * what, object  told to debuggers
 */
static inline void ptd_park_begin(struct ptd_parker *p, enum ptd_park_for what,
                                  const void *object)
{
    p->what = what;
    p->object = object;
    p->n_waiters = 0;
    p->since_us = ptd_clock_now_us(NULL);
    p->deadline_us = PTD_NEVER;
    /* Relaxed: the parker is handed to wakers under a lock. */
    atomic_store_explicit(&p->word, PTD_PARK_WAITING, memory_order_relaxed);
}

/* Take the right to wake the sleeper; false if somebody else has it.
 *
 * result   >= 0 or PTD_PARK_TIMEOUT, PTD_PARK_RETRY; what wait will give
 */
bool ptd_park_claim(struct ptd_parker *p, int result) PTD_NONNULL(1);

/* Wake a sleeper that was claimed. Holds no lock, so that the woken thread does
 * not run into it. */
void ptd_park_fire(struct ptd_parker *p) PTD_NONNULL(1);

/* Sleep until fired; gives the claimer's result. */
int ptd_park_wait(struct ptd_parker *p) PTD_NONNULL(1);

/* The same, at most to a time of the system's monotonic clock: false then, and
 * nobody has been told (see ptd_park_give_up). */
bool ptd_park_wait_until(struct ptd_parker *p, int64_t mono_us, int *result)
    PTD_NONNULL(1, 3);

/* Stop waiting: gives PTD_PARK_TIMEOUT, or, if a waker was faster, its result
 * (after having waited for it to fire). */
int ptd_park_give_up(struct ptd_parker *p) PTD_NONNULL(1);

/* True while nobody has claimed the sleeper; a snapshot. */
static inline bool ptd_park_is_waiting(struct ptd_parker *p)
{
    unsigned w = atomic_load_explicit(&p->word, memory_order_relaxed);

    return (w & PTD_PARK_STATE) == PTD_PARK_WAITING;
}

/* One of 0 … n - 1, quickly; fair enough to choose among ready cases, too weak
 * for anything that an attacker should not guess. */
uint32_t ptd_park_pick(struct ptd_parker *p, uint32_t n) PTD_NONNULL(1);

#endif /* PTD_SYNC_PARK_H */
