#include <config.h>

#include "sync/clock_int.h"

#include <sched.h>
#include <time.h>

#include "base/alloc.h"

/* What the clock shows, as three words that readers take without a lock: seq
 * is odd while they change, and different afterwards. While the clock follows
 * the system, mono_us and wall_us are what to add to the system's times. */
struct shown {
    bool stopped;
    int64_t mono_us;
    int64_t wall_us;
};

struct ptd_clock {
    /* Written under mu, read by anyone. */
    atomic_uint seq;
    atomic_bool stopped;
    _Atomic int64_t mono_us;
    _Atomic int64_t wall_us;

    struct ptd_mutex mu; /* rank PTD_RANK_CLOCK */
    struct ptd_link waits PTD_GUARDED_BY(mu); /* struct ptd_clock_wait */
    struct ptd_parker *watcher PTD_GUARDED_BY(mu); /* awaits waiters */
    size_t n_watched PTD_GUARDED_BY(mu);           /* so many */
};

static int64_t system_us(clockid_t id)
{
    struct timespec ts;

    PTD_ASSERT(clock_gettime(id, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* a + b, kept within what a deadline that comes may be. */
static int64_t add_us(int64_t a, int64_t b)
{
    if (b > 0 && a > PTD_NEVER - 1 - b)
        return PTD_NEVER - 1;
    if (b < 0 && a < INT64_MIN - b)
        return INT64_MIN;
    return a + b;
}

struct ptd_clock *ptd_clock_new(void)
{
    struct ptd_clock *clk = ptd_calloc(1, sizeof *clk);

    if (clk == NULL)
        return NULL;
    ptd_mutex_init(&clk->mu, PTD_RANK_CLOCK);
    ptd_mutex_lock(&clk->mu);
    ptd_list_init(&clk->waits);
    ptd_mutex_unlock(&clk->mu);
    return clk;
}

void ptd_clock_free(struct ptd_clock *clk)
{
    if (clk == NULL)
        return;
    ptd_mutex_lock(&clk->mu);
    PTD_ASSERT(ptd_list_is_empty(&clk->waits));
    ptd_mutex_unlock(&clk->mu);
    ptd_mutex_fini(&clk->mu);
    ptd_free(clk);
}

/* ---- reading --------------------------------------------------------- */

/* Begin and end of a read without lock. Acquire loads throughout, no fences:
 * a load that sees a new value also sees that seq had become odd. */
static unsigned read_begin(const struct ptd_clock *clk)
{
    unsigned seq;

    while ((seq = atomic_load_explicit(&clk->seq, memory_order_acquire)) & 1)
        sched_yield(); /* being set by hand right now: rare, and short */
    return seq;
}

static bool read_is_torn(const struct ptd_clock *clk, unsigned seq)
{
    return atomic_load_explicit(&clk->seq, memory_order_relaxed) != seq;
}

static int64_t read_us(const struct ptd_clock *clk, const _Atomic int64_t *word,
                       clockid_t id)
{
    unsigned seq;
    int64_t us;

    do {
        seq = read_begin(clk);
        us = atomic_load_explicit(word, memory_order_acquire);
        /* The system is asked between the two looks at seq: a time later than
         * the one at which the clock was stopped is never shown. */
        if (!atomic_load_explicit(&clk->stopped, memory_order_acquire))
            us = add_us(us, system_us(id));
    } while (read_is_torn(clk, seq));
    return us;
}

int64_t ptd_clock_now_us(const struct ptd_clock *clk)
{
    return clk != NULL ? read_us(clk, &clk->mono_us, CLOCK_MONOTONIC)
                       : system_us(CLOCK_MONOTONIC);
}

int64_t ptd_clock_wall_us(const struct ptd_clock *clk)
{
    return clk != NULL ? read_us(clk, &clk->wall_us, CLOCK_REALTIME)
                       : system_us(CLOCK_REALTIME);
}

int64_t ptd_clock_wall_s(const struct ptd_clock *clk)
{
    int64_t us = ptd_clock_wall_us(clk);

    return us / 1000000 - (us % 1000000 < 0);
}

bool ptd_clock_is_virtual(const struct ptd_clock *clk)
{
    return clk != NULL &&
           atomic_load_explicit(&clk->stopped, memory_order_acquire);
}

/* The system's monotonic time at which the clock will show deadline_us;
 * PTD_NEVER while it stands. */
static int64_t system_deadline_us(const struct ptd_clock *clk,
                                  int64_t deadline_us)
{
    unsigned seq;
    int64_t us;

    do {
        seq = read_begin(clk);
        us = atomic_load_explicit(&clk->mono_us, memory_order_acquire);
        us = atomic_load_explicit(&clk->stopped, memory_order_acquire)
                 ? PTD_NEVER
                 : PTD_MAX(add_us(deadline_us, -us), 0);
    } while (read_is_torn(clk, seq));
    return us;
}

/* ---- setting --------------------------------------------------------- */

static void write_begin(struct ptd_clock *clk) PTD_REQUIRES(clk->mu)
{
    atomic_fetch_add_explicit(&clk->seq, 1, memory_order_acquire);
}

/* What the clock shows now, stopped; between write_begin() and write_end(). */
static struct shown stop_locked(struct ptd_clock *clk) PTD_REQUIRES(clk->mu)
{
    struct shown s = {true,
                      atomic_load_explicit(&clk->mono_us, memory_order_relaxed),
                      atomic_load_explicit(&clk->wall_us,
                                           memory_order_relaxed)};

    if (!atomic_load_explicit(&clk->stopped, memory_order_relaxed)) {
        s.mono_us = add_us(s.mono_us, system_us(CLOCK_MONOTONIC));
        s.wall_us = add_us(s.wall_us, system_us(CLOCK_REALTIME));
    }
    return s;
}

static void write_end(struct ptd_clock *clk, struct shown s)
    PTD_REQUIRES(clk->mu)
{
    atomic_store_explicit(&clk->stopped, s.stopped, memory_order_release);
    atomic_store_explicit(&clk->mono_us, s.mono_us, memory_order_release);
    atomic_store_explicit(&clk->wall_us, s.wall_us, memory_order_release);
    atomic_fetch_add_explicit(&clk->seq, 1, memory_order_release);
}

/* Claim whose deadline is at most now_us (they time out) and move them to
 * `woken`; all others too (they start over) if the clock runs again. */
static void claim_locked(struct ptd_clock *clk, struct shown now,
                         struct ptd_link *woken) PTD_REQUIRES(clk->mu)
{
    PTD_LIST_EACH_SAFE(w, next, &clk->waits, struct ptd_clock_wait, link)
    {
        int result = PTD_PARK_RETRY;

        if (now.stopped) {
            if (w->deadline_us > now.mono_us)
                continue;
            result = PTD_PARK_TIMEOUT;
        }
        ptd_list_remove(&w->link);
        if (ptd_park_claim(w->parker, result))
            ptd_list_append(woken, &w->link);
    }
}

/* Fire whom claim_locked() claimed; each node is gone after its fire. */
static void fire_all(struct ptd_link *woken)
{
    struct ptd_link *l = ptd_list_first(woken);

    while (l != NULL) {
        struct ptd_link *next = l->next != woken ? l->next : NULL;
        struct ptd_clock_wait *w =
            PTD_CONTAINER_OF(l, struct ptd_clock_wait, link);
        struct ptd_parker *p = w->parker;

        l->next = l->prev = NULL; /* the sleeper sees that it is in no list */
        ptd_park_fire(p);
        l = next;
    }
}

void ptd_clock_set_wall_us(struct ptd_clock *clk, int64_t wall_us)
{
    struct ptd_link woken;
    struct shown s;

    ptd_list_init(&woken);
    ptd_mutex_lock(&clk->mu);
    write_begin(clk);
    s = stop_locked(clk);
    if (wall_us != 0) {
        if (wall_us > s.wall_us)
            s.mono_us = add_us(s.mono_us, add_us(wall_us, -s.wall_us));
        s.wall_us = wall_us;
    } else {
        s.stopped = false;
        s.mono_us = add_us(s.mono_us, -system_us(CLOCK_MONOTONIC));
        s.wall_us = 0;
    }
    write_end(clk, s);
    claim_locked(clk, s, &woken);
    ptd_mutex_unlock(&clk->mu);
    fire_all(&woken);
}

void ptd_clock_advance_us(struct ptd_clock *clk, int64_t delta_us)
{
    struct ptd_link woken;
    struct shown s;

    PTD_ASSERT(delta_us >= 0);
    ptd_list_init(&woken);
    ptd_mutex_lock(&clk->mu);
    write_begin(clk);
    s = stop_locked(clk);
    s.mono_us = add_us(s.mono_us, delta_us);
    s.wall_us = add_us(s.wall_us, delta_us);
    write_end(clk, s);
    claim_locked(clk, s, &woken);
    ptd_mutex_unlock(&clk->mu);
    fire_all(&woken);
}

/* ---- waiting --------------------------------------------------------- */

static int64_t next_deadline_locked(struct ptd_clock *clk)
    PTD_REQUIRES(clk->mu)
{
    int64_t us = PTD_NEVER;

    PTD_LIST_EACH(w, &clk->waits, struct ptd_clock_wait, link)
    {
        if (w->deadline_us < us && ptd_park_is_waiting(w->parker))
            us = w->deadline_us;
    }
    return us;
}

int64_t ptd_clock_next_deadline_us(struct ptd_clock *clk)
{
    int64_t us;

    ptd_mutex_lock(&clk->mu);
    us = next_deadline_locked(clk);
    ptd_mutex_unlock(&clk->mu);
    return us;
}

/* How many sleep; those that were served and have not left yet do not count. */
static size_t n_waiters_locked(struct ptd_clock *clk) PTD_REQUIRES(clk->mu)
{
    size_t n = 0;

    PTD_LIST_EACH(w, &clk->waits, struct ptd_clock_wait, link)
    {
        n += ptd_park_is_waiting(w->parker);
    }
    return n;
}

void ptd_clock_await_waiters(struct ptd_clock *clk, size_t n)
{
    struct ptd_parker *p = ptd_parker_self();
    bool enough;

    ptd_mutex_lock(&clk->mu);
    PTD_ASSERT(clk->watcher == NULL);
    enough = n_waiters_locked(clk) >= n;
    if (!enough) {
        ptd_park_begin(p, PTD_PARK_FOR_CLOCK, clk);
        clk->watcher = p;
        clk->n_watched = n;
    }
    ptd_mutex_unlock(&clk->mu);
    if (!enough)
        (void)ptd_park_wait(p);
}

/* Who awaits waiters and has them, claimed; NULL: nobody. */
static struct ptd_parker *watcher_locked(struct ptd_clock *clk)
    PTD_REQUIRES(clk->mu)
{
    struct ptd_parker *p = clk->watcher;

    if (PTD_LIKELY(p == NULL) || n_waiters_locked(clk) < clk->n_watched)
        return NULL;
    clk->watcher = NULL;
    return ptd_park_claim(p, 0) ? p : NULL;
}

/* Register; gives true if the deadline has passed already. */
static bool enter(struct ptd_clock *clk, struct ptd_clock_wait *w)
{
    struct ptd_parker *watcher;
    bool passed;

    ptd_mutex_lock(&clk->mu);
    ptd_list_append(&clk->waits, &w->link);
    passed = ptd_clock_now_us(clk) >= w->deadline_us;
    watcher = passed ? NULL : watcher_locked(clk);
    ptd_mutex_unlock(&clk->mu);
    if (watcher != NULL)
        ptd_park_fire(watcher);
    return passed;
}

static void leave(struct ptd_clock *clk, struct ptd_clock_wait *w)
{
    ptd_mutex_lock(&clk->mu);
    ptd_list_remove(&w->link);
    ptd_mutex_unlock(&clk->mu);
}

static int park_until_system(struct ptd_parker *p, int64_t deadline_us)
{
    int result;

    if (ptd_park_wait_until(p, PTD_MAX(deadline_us, 0), &result))
        return result;
    return ptd_park_give_up(p);
}

int ptd_clock_park(struct ptd_clock *clk, struct ptd_parker *p,
                   int64_t deadline_us)
{
    struct ptd_clock_wait w = {{NULL, NULL}, p, deadline_us};
    bool passed;
    int result;

    p->deadline_us = deadline_us;
    if (deadline_us == PTD_NEVER)
        return ptd_park_wait(p);
    if (clk == NULL)
        return park_until_system(p, deadline_us);
    passed = enter(clk, &w);
    while (!passed) {
        if (ptd_park_wait_until(p, system_deadline_us(clk, deadline_us),
                                &result)) {
            leave(clk, &w);
            return result;
        }
        passed = ptd_clock_now_us(clk) >= deadline_us;
    }
    result = ptd_park_give_up(p);
    leave(clk, &w);
    return result;
}
