#include <config.h>

#include "check_sync.h"

#include <stdatomic.h>
#include <time.h>

static struct ptd_clock *clk;

static void setup(void)
{
    clk = ptd_clock_new();
    ck_assert_ptr_nonnull(clk);
}

static void teardown(void)
{
    ptd_clock_free(clk);
}

static int64_t system_us(clockid_t id)
{
    struct timespec ts;

    ck_assert_int_eq(clock_gettime(id, &ts), 0);
    return (int64_t)ts.tv_sec * S + ts.tv_nsec / 1000;
}

/* ---- what it shows --------------------------------------------------- */

static void follows_system(const struct ptd_clock *c)
{
    int64_t mono = system_us(CLOCK_MONOTONIC);
    int64_t wall = system_us(CLOCK_REALTIME);

    ck_assert_int_ge(ptd_clock_now_us(c), mono);
    ck_assert_int_le(ptd_clock_now_us(c), system_us(CLOCK_MONOTONIC));
    ck_assert_int_ge(ptd_clock_wall_us(c), wall);
    ck_assert_int_le(ptd_clock_wall_us(c), system_us(CLOCK_REALTIME));
    ck_assert_int_ge(ptd_clock_wall_s(c), wall / S);
    ck_assert(!ptd_clock_is_virtual(c));
}

START_TEST(new_clock_and_null_follow_the_system)
{
    follows_system(clk);
    follows_system(NULL);
}
END_TEST

/* Steps of the wall time from a stopped clock at 1000 s, and by how much the
 * monotonic time moves. */
static const struct {
    const char *name;
    int64_t wall_us, mono_moves_us, wall_s;
} sets[] = {
    { "onwards", 1500 * S, 500 * S, 1500 },
    { "nowhere", 1000 * S, 0, 1000 },
    { "back", 10 * S, 0, 10 },
    { "by less than a second", 1000 * S + 1, 1, 1000 },
    { "before 1970", -1, 0, -1 },
    { "to the far end", INT64_MAX, -1, INT64_MAX / S },
};

START_TEST(setting_moves_monotonic_time_onwards_only)
{
    int64_t before, moved;

    ptd_clock_set_wall_us(clk, 1000 * S);
    ck_assert(ptd_clock_is_virtual(clk));
    ck_assert_int_eq(ptd_clock_wall_us(clk), 1000 * S);
    before = ptd_clock_now_us(clk);
    ptd_clock_set_wall_us(clk, sets[_i].wall_us);
    moved = ptd_clock_now_us(clk) - before;
    ck_assert_int_eq(ptd_clock_wall_us(clk), sets[_i].wall_us);
    ck_assert_int_eq(ptd_clock_wall_s(clk), sets[_i].wall_s);
    if (sets[_i].mono_moves_us >= 0)
        ck_assert_msg(moved == sets[_i].mono_moves_us, "%s", sets[_i].name);
    /* Whatever was set, the deadline that never comes has not come. */
    ck_assert_int_lt(ptd_clock_now_us(clk), PTD_NEVER);
    ck_assert_int_ge(moved, 0);
}
END_TEST

START_TEST(advancing_stops_the_clock_and_moves_both_times)
{
    int64_t mono, wall;

    ptd_clock_advance_us(clk, 0);
    ck_assert(ptd_clock_is_virtual(clk));
    mono = ptd_clock_now_us(clk);
    wall = ptd_clock_wall_us(clk);
    ptd_clock_advance_us(clk, 1234567);
    ck_assert_int_eq(ptd_clock_now_us(clk), mono + 1234567);
    ck_assert_int_eq(ptd_clock_wall_us(clk), wall + 1234567);
    ptd_clock_advance_us(clk, INT64_MAX);
    ck_assert_int_eq(ptd_clock_now_us(clk), PTD_NEVER - 1);
}
END_TEST

START_TEST(following_again_goes_on_from_where_it_stood)
{
    int64_t mono;

    ptd_clock_advance_us(clk, 100 * S);
    mono = ptd_clock_now_us(clk);
    ptd_clock_set_wall_us(clk, 0);
    ck_assert(!ptd_clock_is_virtual(clk));
    ck_assert_int_ge(ptd_clock_now_us(clk), mono);
    ck_assert_int_lt(ptd_clock_now_us(clk), mono + 50 * S);
    ck_assert_int_ge(system_us(CLOCK_REALTIME), ptd_clock_wall_us(clk) - S);
    ck_assert_int_le(ptd_clock_wall_us(clk), system_us(CLOCK_REALTIME));
}
END_TEST

static atomic_bool reading;

static void read_main(void *arg)
{
    int64_t last = 0;

    (void)arg;
    while (reading) {
        int64_t now = ptd_clock_now_us(clk);

        PTD_ASSERT(now >= last);
        last = now;
    }
}

START_TEST(monotonic_time_never_goes_back_while_it_is_set)
{
    struct ptd_thread t;

    reading = true;
    t = start(read_main, NULL);
    for (int i = 0; i < 5000; i++) {
        ptd_clock_advance_us(clk, i % 3);
        ptd_clock_set_wall_us(clk, i % 2 ? 0 : 1000 * S - i);
    }
    reading = false;
    ptd_thread_join(&t);
}
END_TEST

/* ---- who waits on it ------------------------------------------------- */

/* A thread that receives, with a deadline, from a channel that stays empty
 * unless the test sends. */
struct sleeper {
    struct ptd_chan *c;
    struct ptd_chan *woken; /* of enum ptd_err */
    int64_t deadline_us;
    struct ptd_thread thread;
};

static void sleeper_main(void *arg)
{
    struct sleeper *s = arg;
    enum ptd_err e = ptd_chan_recv_until(s->c, NULL, clk, s->deadline_us);

    PTD_ASSERT(ptd_chan_send(s->woken, &e) == PTD_OK);
}

static void sleeper_start(struct sleeper *s, int64_t deadline_us)
{
    s->c = ptd_chan_new(0, 1);
    s->woken = ptd_chan_new(sizeof(enum ptd_err), 1);
    s->deadline_us = deadline_us;
    s->thread = start(sleeper_main, s);
}

static enum ptd_err sleeper_join(struct sleeper *s)
{
    enum ptd_err e = PTD_EINVAL;

    ck_assert_int_eq(ptd_chan_recv(s->woken, &e), PTD_OK);
    ptd_thread_join(&s->thread);
    ptd_chan_free(s->c);
    ptd_chan_free(s->woken);
    return e;
}

START_TEST(next_deadline_is_the_earliest_that_still_waits)
{
    int64_t base = far_us(clk, 0);
    static const int order[] = { 2, 0, 3, 1 };
    struct sleeper s[PTD_COUNT(order)];

    ck_assert_int_eq(ptd_clock_next_deadline_us(clk), PTD_NEVER);
    for (size_t i = 0; i < PTD_COUNT(order); i++)
        sleeper_start(&s[i], base + order[i] * S);
    ptd_clock_await_waiters(clk, PTD_COUNT(order));
    for (int due = 0; due < (int)PTD_COUNT(order); due++) {
        size_t i = 0;

        while (order[i] != due)
            i++;
        ck_assert_int_eq(ptd_clock_next_deadline_us(clk), base + due * S);
        ptd_clock_advance_us(clk, base + due * S - ptd_clock_now_us(clk));
        /* Fired before advance returns, so it counts no more. */
        ck_assert_int_gt(ptd_clock_next_deadline_us(clk), base + due * S);
        ck_assert_int_eq(sleeper_join(&s[i]), PTD_ETIMEOUT);
    }
    ck_assert_int_eq(ptd_clock_next_deadline_us(clk), PTD_NEVER);
}
END_TEST

START_TEST(setting_the_wall_time_wakes_whose_deadline_it_passes)
{
    struct sleeper early, late;

    sleeper_start(&early, far_us(clk, 0));
    sleeper_start(&late, far_us(clk, 7200));
    ptd_clock_await_waiters(clk, 2);
    ptd_clock_set_wall_us(clk, ptd_clock_wall_us(clk) + 3700 * S);
    ck_assert_int_eq(sleeper_join(&early), PTD_ETIMEOUT);
    ck_assert_int_eq(ptd_clock_next_deadline_us(clk), late.deadline_us);
    ck_assert_int_eq(ptd_chan_send(late.c, NULL), PTD_OK);
    ck_assert_int_eq(sleeper_join(&late), PTD_OK);
}
END_TEST

START_TEST(running_clock_fires_by_itself)
{
    struct sleeper s;

    sleeper_start(&s, ptd_clock_now_us(clk) + 5 * MS);
    ck_assert_int_eq(sleeper_join(&s), PTD_ETIMEOUT);
    ck_assert_int_ge(ptd_clock_now_us(clk), s.deadline_us);
}
END_TEST

START_TEST(system_time_fires_without_a_clock)
{
    struct ptd_chan *c = ptd_chan_new(0, 1);
    int64_t deadline = ptd_clock_now_us(NULL) + 5 * MS;

    ck_assert_int_eq(ptd_chan_recv_until(c, NULL, NULL, deadline),
                     PTD_ETIMEOUT);
    ck_assert_int_ge(ptd_clock_now_us(NULL), deadline);
    ck_assert_int_eq(ptd_chan_recv_until(c, NULL, NULL, 0), PTD_ETIMEOUT);
    ck_assert_int_eq(ptd_chan_recv_until(c, NULL, clk, -5), PTD_ETIMEOUT);
    ptd_chan_free(c);
}
END_TEST

/* The clock is stopped while a thread waits for it to show `now + 20 ms`, and
 * real time goes on to 60 ms. */
START_TEST(stopped_clock_does_not_fire_by_real_time)
{
    struct sleeper s;
    enum ptd_err e;

    sleeper_start(&s, ptd_clock_now_us(clk) + 20 * MS);
    ptd_clock_set_wall_us(clk, 1000 * S);
    if (ptd_clock_now_us(clk) < s.deadline_us) { /* else the machine is slow */
        ck_assert_int_eq(ptd_chan_recv_until(s.woken, &e, NULL,
                                             ptd_clock_now_us(NULL) + 60 * MS),
                         PTD_ETIMEOUT);
        ptd_clock_advance_us(clk, 20 * MS);
    }
    ck_assert_int_eq(sleeper_join(&s), PTD_ETIMEOUT);
}
END_TEST

START_TEST(clock_that_runs_again_fires_by_itself)
{
    struct sleeper s;

    ptd_clock_advance_us(clk, 0);
    sleeper_start(&s, ptd_clock_now_us(clk) + 5 * MS);
    ptd_clock_await_waiters(clk, 1);
    ptd_clock_set_wall_us(clk, 0);
    ck_assert_int_eq(sleeper_join(&s), PTD_ETIMEOUT);
    ck_assert_int_ge(ptd_clock_now_us(clk), s.deadline_us);
}
END_TEST

/* ---- many, at once --------------------------------------------------- */

enum { N_SLEEPERS = 16, N_STEPS = 300 };

static void napper_main(void *arg)
{
    struct ptd_chan *quit = arg;
    int64_t deadline;
    int naps = 0;

    do {
        deadline = ptd_clock_now_us(clk) + (naps++ % 7 + 1) * S;
    } while (ptd_chan_recv_until(quit, NULL, clk, deadline) == PTD_ETIMEOUT &&
             ptd_clock_now_us(clk) >= deadline);
    PTD_ASSERT(ptd_chan_is_closed(quit));
}

/* Each step moves the clock to the next deadline only, when all threads wait:
 * a single lost wake would let us await the last of them for ever. */
START_TEST(no_wait_misses_its_time)
{
    struct ptd_chan *quit = ptd_chan_new(0, 0);
    struct ptd_thread t[N_SLEEPERS];

    ptd_clock_advance_us(clk, 0);
    for (int i = 0; i < N_SLEEPERS; i++)
        t[i] = start(napper_main, quit);
    for (int i = 0; i < N_STEPS; i++) {
        ptd_clock_await_waiters(clk, N_SLEEPERS);
        ptd_clock_advance_us(clk, ptd_clock_next_deadline_us(clk) -
                                      ptd_clock_now_us(clk));
    }
    ptd_chan_close(quit);
    for (int i = 0; i < N_SLEEPERS; i++)
        ptd_thread_join(&t[i]);
    ptd_chan_free(quit);
}
END_TEST

TCase *tcase_clock(void)
{
    TCase *tc = tcase_create("clock");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, new_clock_and_null_follow_the_system);
    tcase_add_loop_test(tc, setting_moves_monotonic_time_onwards_only, 0,
                        PTD_COUNT(sets));
    tcase_add_test(tc, advancing_stops_the_clock_and_moves_both_times);
    tcase_add_test(tc, following_again_goes_on_from_where_it_stood);
    tcase_add_test(tc, monotonic_time_never_goes_back_while_it_is_set);
    tcase_add_test(tc, next_deadline_is_the_earliest_that_still_waits);
    tcase_add_test(tc, setting_the_wall_time_wakes_whose_deadline_it_passes);
    tcase_add_test(tc, running_clock_fires_by_itself);
    tcase_add_test(tc, system_time_fires_without_a_clock);
    tcase_add_test(tc, stopped_clock_does_not_fire_by_real_time);
    tcase_add_test(tc, clock_that_runs_again_fires_by_itself);
    tcase_add_test(tc, no_wait_misses_its_time);
    return tc;
}
