#include <config.h>

#include "sync/chan_int.h"

/* At most one channel lock, moved from case to case: kept where the next case
 * is of the same group. The analysis of locks cannot follow that. */
struct holder {
    struct ptd_chan_group *group; /* NULL: none held */
};

PTD_NO_TSA static void hold(struct holder *h, struct ptd_chan_group *group)
{
    if (h->group == group)
        return;
    if (h->group != NULL)
        ptd_mutex_unlock(&h->group->mu);
    if (group != NULL)
        ptd_mutex_lock(&group->mu);
    h->group = group;
}

/* Step 1: carry out the first case that is ready, from a random start. The
 * deadline, if it has passed, is one more case behind the last.
 *
 * Returns  true if one was chosen; *chosen says which
 */
static bool try_cases(struct holder *h, struct ptd_case *cases, size_t n,
                      bool expired, struct ptd_fires *fires, int *chosen)
{
    size_t total = n + (expired ? 1 : 0);
    size_t i =
        total > 1 ? ptd_park_pick(ptd_parker_self(), (uint32_t)total) : 0;

    for (size_t tried = 0; tried < total; tried++, i++) {
        struct ptd_case *k;

        if (i == total)
            i = 0;
        if (i == n) {
            *chosen = PTD_SELECT_TIMEOUT;
            return true;
        }
        k = &cases[i];
        if (k->chan == NULL)
            continue;
        hold(h, k->chan->group);
        k->err = ptd_chan_case_locked(k, fires);
        if (!ptd_chan_must_wait(k->err)) {
            *chosen = (int)i;
            return true;
        }
    }
    return false;
}

/* Step 2: put waiters down, looking once more before each.
 *
 * n_waiters  out: how many of waiters[] were put into a list
 * Returns    true if there is nothing to sleep for: *chosen, >= 0, was carried
 *            out, or, negative, a waker was faster and has claimed us
 */
static bool enter_cases(struct holder *h, struct ptd_case *cases, size_t n,
                        struct ptd_waiter *waiters, size_t *n_waiters,
                        struct ptd_parker *p, struct ptd_fires *fires,
                        int *chosen)
{
    size_t used = 0;

    *n_waiters = 0;
    for (size_t i = 0; i < n; i++) {
        struct ptd_case *k = &cases[i];

        if (k->chan == NULL)
            continue;
        hold(h, k->chan->group);
        if (ptd_chan_is_ready_locked(k)) {
            *chosen = -1;
            if (ptd_park_claim(p, 0)) {
                k->err = ptd_chan_case_locked(k, fires);
                *chosen = (int)i;
            }
            return true;
        }
        ptd_waiter_enter_locked(&waiters[used++], p, k, (int)i);
        *n_waiters = used;
    }
    return false;
}

/* Step 4: out of the lists. Nodes that a waker took out need no lock, but only
 * the lock tells, except for the one that was served. */
static void leave_cases(struct holder *h, struct ptd_waiter *waiters, size_t n,
                        int served)
{
    for (size_t i = 0; i < n; i++) {
        if (waiters[i].index == served)
            continue;
        hold(h, waiters[i].chan->group);
        ptd_list_remove(&waiters[i].link);
    }
}

/* The error of the case that a waker served. */
static enum ptd_err served_err(const struct ptd_waiter *waiters, int served)
{
    while (waiters->index != served)
        waiters++;
    return waiters->err;
}

/* Steps 2 to 4. Gives the case, PTD_SELECT_TIMEOUT or PTD_PARK_RETRY. */
static int wait_cases(struct holder *h, struct ptd_case *cases, size_t n,
                      struct ptd_waiter *waiters, struct ptd_clock *clk,
                      int64_t deadline_us, struct ptd_fires *fires)
{
    struct ptd_parker *p = ptd_parker_self();
    size_t n_waiters;
    int chosen;

    ptd_park_begin(p, PTD_PARK_FOR_CHANS, waiters);
    if (enter_cases(h, cases, n, waiters, &n_waiters, p, fires, &chosen)) {
        if (chosen >= 0) {
            leave_cases(h, waiters, n_waiters, chosen);
            hold(h, NULL);
            return chosen;
        }
        deadline_us = PTD_NEVER; /* claimed: the fire is on its way */
    }
    hold(h, NULL);
    p->n_waiters = n_waiters;
    chosen = ptd_clock_park(clk, p, deadline_us);
    if (chosen >= 0)
        cases[chosen].err = served_err(waiters, chosen);
    leave_cases(h, waiters, n_waiters, chosen);
    hold(h, NULL);
    return chosen;
}

/* The same with waiters enough, in two sizes: thousands of threads sleep here,
 * and the rare large select must not cost each of them a page of stack. */
#define FEW 8

__attribute__((noinline)) static int
wait_few(struct holder *h, struct ptd_case *cases, size_t n,
         struct ptd_clock *clk, int64_t deadline_us, struct ptd_fires *fires)
{
    struct ptd_waiter waiters[FEW];

    return wait_cases(h, cases, n, waiters, clk, deadline_us, fires);
}

__attribute__((noinline)) static int
wait_many(struct holder *h, struct ptd_case *cases, size_t n,
          struct ptd_clock *clk, int64_t deadline_us, struct ptd_fires *fires)
{
    struct ptd_waiter waiters[PTD_SELECT_MAX];

    return wait_cases(h, cases, n, waiters, clk, deadline_us, fires);
}

int ptd_select(struct ptd_case *cases, size_t n, struct ptd_clock *clk,
               int64_t deadline_us)
{
    struct holder h = { NULL };
    int chosen;

    PTD_ASSERT(n <= PTD_SELECT_MAX);
    do {
        struct ptd_fires fires = PTD_FIRES_INIT(fires);
        bool expired =
            deadline_us != PTD_NEVER && ptd_clock_now_us(clk) >= deadline_us;

        if (try_cases(&h, cases, n, expired, &fires, &chosen))
            hold(&h, NULL);
        else
            chosen = (n <= FEW ? wait_few : wait_many)(&h, cases, n, clk,
                                                       deadline_us, &fires);
        ptd_fires_run(&fires);
    } while (chosen == PTD_PARK_RETRY);
    return chosen;
}

int ptd_try_select(struct ptd_case *cases, size_t n)
{
    struct ptd_fires fires = PTD_FIRES_INIT(fires);
    struct holder h = { NULL };
    int chosen;

    PTD_ASSERT(n <= PTD_SELECT_MAX);
    if (!try_cases(&h, cases, n, false, &fires, &chosen))
        chosen = PTD_SELECT_TIMEOUT;
    hold(&h, NULL);
    ptd_fires_run(&fires);
    return chosen;
}
