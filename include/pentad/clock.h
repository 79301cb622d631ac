/* clock.h - one clock for every wait and every timestamp.
 *
 * A clock shows two times: monotonic (for deadlines; never goes back) and wall
 * (for what is told to others). Both follow the system until the clock is set
 * by hand; from then on they stand still until they are set or moved again.
 * Setting wakes whoever waits on this clock and whose deadline has passed.
 *
 * Owner    ptd_clock_new() gives one; whoever waits on it must be gone before
 *          ptd_clock_free()
 * Threads  any
 * Locks    one (PTD_RANK_CLOCK), never held while a caller's code runs
 * NULL     wherever a clock is taken, NULL means the system's own time
 */
#ifndef PTD_CLOCK_H
#define PTD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

PTD_BEGIN_DECLS

struct ptd_clock;

/* A deadline that never comes. */
#define PTD_NEVER INT64_MAX

/* Give a clock that follows the system; NULL for lack of memory. */
PTD_API PTD_MUST_USE struct ptd_clock *ptd_clock_new(void);

/* Free; nobody may wait on it any more. Takes NULL. */
PTD_API void ptd_clock_free(struct ptd_clock *clk PTD_TAKES);

/* Monotonic time in microseconds, > 0. Never goes back, also not when the wall
 * time is set to an earlier value.
 *
 * Blocks   never (no lock: it is read for every message)
 */
PTD_API int64_t ptd_clock_now_us(const struct ptd_clock *clk);

/* Wall time in microseconds since 1970-01-01 00:00 UTC. */
PTD_API int64_t ptd_clock_wall_us(const struct ptd_clock *clk);

/* Wall time in seconds since 1970-01-01 00:00 UTC. */
PTD_API int64_t ptd_clock_wall_s(const struct ptd_clock *clk);

/* Stop the clock at a wall time; wall_us 0 lets it follow the system again.
 *
 * The monotonic time moves on by as much as the wall time does (by nothing,
 * when the wall time goes back). Waits whose deadline has passed are woken
 * before this returns.
 *
 * Source   Bitcoin Core's setmocktime
 */
PTD_API void ptd_clock_set_wall_us(struct ptd_clock *clk, int64_t wall_us)
    PTD_NONNULL(1);

/* Stop the clock, if it runs, and move both times on by delta_us >= 0. */
PTD_API void ptd_clock_advance_us(struct ptd_clock *clk, int64_t delta_us)
    PTD_NONNULL(1);

/* True while the clock was set by hand. */
PTD_API bool ptd_clock_is_virtual(const struct ptd_clock *clk);

/* The earliest deadline that some thread waits for, PTD_NEVER if none: how far
 * a test may move the clock without passing one. */
PTD_API int64_t ptd_clock_next_deadline_us(struct ptd_clock *clk)
    PTD_NONNULL(1);

PTD_END_DECLS

#endif /* PTD_CLOCK_H */
