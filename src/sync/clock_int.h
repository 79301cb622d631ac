/* clock_int.h - waiting with a deadline, for the sync room and for tests.
 *
 * A wait with a deadline registers with its clock and then, still under the
 * clock's lock, compares with now; setting the clock publishes the new time
 * first and then, under the lock, claims whom it passes. So a wait either sees
 * the new time or is seen by the setter. While the clock follows the system
 * the sleeper lets the kernel wake it, and looks at the clock again when that
 * happens (it may have been stopped meanwhile). When a stopped clock begins to
 * run again everybody registered is told to start over (PTD_PARK_RETRY), since
 * they sleep without a time-out of the kernel.
 *
 * Registering and unregistering cost the same whatever the number of waits;
 * setting the clock and asking for the next deadline look at each of them.
 */
#ifndef PTD_SYNC_CLOCK_INT_H
#define PTD_SYNC_CLOCK_INT_H

#include "base/list.h"
#include "pentad/clock.h"
#include "sync/park.h"

/* One thread that waits with a deadline; lies on its stack. */
struct ptd_clock_wait {
    struct ptd_link link; /* in the clock's list, unlinked by whoever claims */
    struct ptd_parker *parker;
    int64_t deadline_us;
};

/* Sleep, after ptd_park_begin(), until fired or until the clock shows
 * deadline_us.
 *
 * clk          NULL: the system's time
 * deadline_us  PTD_NEVER: until fired
 * Returns      the claimer's result, PTD_PARK_TIMEOUT or PTD_PARK_RETRY
 */
int ptd_clock_park(struct ptd_clock *clk, struct ptd_parker *p,
                   int64_t deadline_us) PTD_NONNULL(2);

/* Wait until n threads wait on this clock: for tests that must know that
 * threads sleep, or are about to with all their waiters in place. One caller at
 * a time. */
void ptd_clock_await_waiters(struct ptd_clock *clk, size_t n) PTD_NONNULL(1);

#endif /* PTD_SYNC_CLOCK_INT_H */
