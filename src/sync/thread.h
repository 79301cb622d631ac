/* thread.h - named threads on small pooled stacks, and teams of them.
 *
 * Every thread has a name (shown by gdb, top -H, log), blocks all signals, is
 * joined by whoever started it. Stacks come from one pool per ptd_threads:
 * adjacent mappings with guard regions, never unmapped while the pool lives.
 *
 * A team is a fixed number of threads that keep their roles. It is taken whole
 * or not at all, run, and put back; its threads park in between and are joined
 * when the pool ends.
 *
 * A thousand peers have five thousand threads: made anew for each connection,
 * each on a stack of the usual size, these would cost more than the peers do.
 */
#ifndef PTD_SYNC_THREAD_H
#define PTD_SYNC_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

#define PTD_THREAD_NAME_MAX 15 /* characters, without the final NUL */

struct ptd_threads; /* pool of stacks */

/* The pool of stacks; free it when all its threads were joined. */
PTD_MUST_USE struct ptd_threads *ptd_threads_new(void);
void ptd_threads_free(struct ptd_threads *pool PTD_TAKES);

/* Usable bytes of each stack: 64 KiB, 2 MiB under a sanitizer. */
size_t ptd_threads_stack_bytes(void);

/* One thread, in place. All zero: not started (joining it is a no-op). */
struct ptd_thread {
    pthread_t id;
    bool started;
    struct ptd_threads *pool; /* where the stack goes back to */
    void *stack;
    void *boot; /* what the thread needs to begin; its own afterwards */
};

/* Start a thread.
 *
 * pool     NULL: a stack from the system
 * name     copied, cut to PTD_THREAD_NAME_MAX
 * Returns  PTD_OK; PTD_EAGAIN when the system allows no more threads;
 *          PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_thread_start(struct ptd_thread *t,
                                           struct ptd_threads *pool,
                                           const char *name,
                                           void (*main)(void *), void *arg)
    PTD_NONNULL(1, 3, 4);
void ptd_thread_join(struct ptd_thread *t) PTD_NONNULL(1);

/* Rename the calling thread. */
void ptd_thread_set_name(const char *name) PTD_NONNULL(1);

/* A number that no other running thread has; never 0. */
uintptr_t ptd_thread_self_id(void);

/* ---- teams ----------------------------------------------------------- */

struct ptd_team_pool;
struct ptd_team;

/* A pool of teams of n_roles threads each. max_parked: how many idle teams are
 * kept at most; a team put back beyond that is joined. */
PTD_MUST_USE struct ptd_team_pool *ptd_team_pool_new(size_t n_roles,
                                                     size_t max_parked);

/* Join all parked teams, free. Every team must have been put back. */
void ptd_team_pool_free(struct ptd_team_pool *pool PTD_TAKES);

/* Join the parked teams and give their stacks back now (leak tests). */
void ptd_team_pool_drain(struct ptd_team_pool *pool) PTD_NONNULL(1);

/* Take a whole team: a parked one, or a fresh one.
 *
 * Returns  PTD_OK; PTD_EAGAIN or PTD_ENOMEM: nothing was started or all of it
 *          was joined again
 */
PTD_MUST_USE enum ptd_err ptd_team_get(struct ptd_team_pool *pool,
                                       struct ptd_team **out) PTD_NONNULL(1, 2);

/* Let the thread of a role run main(arg) under a name, once per get.
 *
 * name     copied, cut to PTD_THREAD_NAME_MAX
 * Blocks   never; what the caller wrote before is visible to main
 */
void ptd_team_run(struct ptd_team *team, size_t role, const char *name,
                  void (*main)(void *), void *arg) PTD_NONNULL(1, 3, 4);

/* Wait until every role that was run has returned, park the team.
 *
 * Thread   none of the team's own
 */
void ptd_team_put(struct ptd_team *team PTD_TAKES);

/* True if the calling thread is one of the team. */
bool ptd_team_is_self(const struct ptd_team *team) PTD_NONNULL(1);

/* Threads that exist now, running and parked. */
size_t ptd_team_pool_n_threads(struct ptd_team_pool *pool) PTD_NONNULL(1);

#endif /* PTD_SYNC_THREAD_H */
