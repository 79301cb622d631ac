/* check_sync.h - what the tests of the sync room share.
 *
 * ck_assert belongs to the test's own thread; other threads use PTD_ASSERT.
 * No test sleeps to let something happen. That a thread waits is learnt from
 * a clock: it waits with a deadline far away, and ptd_clock_await_waiters()
 * returns once it does.
 */
#ifndef PTD_CHECK_SYNC_H
#define PTD_CHECK_SYNC_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "pentad/chan.h"
#include "pentad/clock.h"
#include "sync/clock_int.h"
#include "sync/thread.h"

#define MS INT64_C(1000)
#define S INT64_C(1000000)

TCase *tcase_mutex(void);
TCase *tcase_clock(void);
TCase *tcase_chan(void);
TCase *tcase_select(void);
TCase *tcase_stress(void);
TCase *tcase_thread(void);
TCase *tcase_team(void);

/* Start a thread on a stack of the system; it must start. */
struct ptd_thread start(void (*main)(void *), void *arg);

/* The i-th of the deadlines by which waits are told apart: an hour and more
 * from now, on a clock of the test's own. */
int64_t far_us(struct ptd_clock *clk, int i);

/* True where Check runs each test in a process of its own. */
bool is_forking(void);

/* Let the n-th of the following pthread_create() calls fail (0: the next). */
void fail_create(int n);

/* Whether the kernel calls a thread of this process so; how many it does. */
bool is_named(int tid, const char *name);
size_t n_named(const char *name);

/* Threads of this process that were given a name of their own: neither the
 * main thread nor one that a sanitizer keeps. */
size_t n_threads(void);

/* Wait until the kernel calls n threads so: a fresh thread names itself. */
void await_named(const char *name, size_t n);

/* Wait until the kernel lists none of them any more: a joined one may still be
 * on its way out. */
void await_no_threads(void);

#endif /* PTD_CHECK_SYNC_H */
