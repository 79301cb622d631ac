#include <config.h>

#include "check_sync.h"

/* ---- channels under one lock, each under its own, or mixed ------------ */

enum locks { ONE_LOCK, OWN_LOCKS, MIXED_LOCKS, N_LOCKS };

/* Channel i of a select, of ints. */
static struct ptd_chan *chan_in(struct ptd_chan_group *g, int locks, int i,
                                size_t cap)
{
    bool shared = locks == ONE_LOCK || (locks == MIXED_LOCKS && i % 2 == 0);
    size_t size = cap > 0 ? sizeof(int) : 0;
    struct ptd_chan *c =
        shared ? ptd_chan_new_in(g, size, cap) : ptd_chan_new(size, cap);

    ck_assert_ptr_nonnull(c);
    return c;
}

enum { N = 4 };

static struct ptd_chan *ch[N]; /* of ints */
static struct ptd_clock *clk;

static void begin(int how, size_t cap)
{
    struct ptd_chan_group *g = ptd_chan_group_new();

    clk = ptd_clock_new();
    for (int i = 0; i < N; i++)
        ch[i] = chan_in(g, how, i, cap);
    ptd_chan_group_free(g);
}

static void end(void)
{
    for (int i = 0; i < N; i++)
        ptd_chan_free(ch[i]);
    ptd_clock_free(clk);
}

static void put(struct ptd_chan *c, int v)
{
    ck_assert_int_eq(ptd_chan_try_send(c, &v), PTD_OK);
}

static int take(struct ptd_chan *c)
{
    int v = -1;

    ck_assert_int_eq(ptd_chan_try_recv(c, &v), PTD_OK);
    return v;
}

/* ---- without waiting ------------------------------------------------- */

START_TEST(the_one_ready_case_is_chosen)
{
    int v[N] = { 0 }, w = 77;

    begin(_i, 1);
    for (int i = 0; i < N; i++) {
        struct ptd_case on[N] = {
            PTD_RECV(ch[0], &v[0]),
            PTD_RECV(ch[1], &v[1]),
            PTD_RECV(ch[2], &v[2]),
            PTD_RECV(NULL, &v[3]),
        };

        if (i < 3)
            put(ch[i], 10 + i);
        else
            on[3] = (struct ptd_case)PTD_SEND(ch[3], &w);
        ck_assert_int_eq(ptd_select(on, N, NULL, PTD_NEVER), i);
        ck_assert_int_eq(on[i].err, PTD_OK);
        if (i < 3)
            ck_assert_int_eq(v[i], 10 + i);
    }
    ck_assert_int_eq(take(ch[3]), 77);
    end();
}
END_TEST

START_TEST(nothing_ready_times_out_at_a_past_deadline)
{
    struct ptd_case on[2] = { PTD_RECV(NULL, NULL), PTD_RECV(NULL, NULL) };

    begin(_i, 1);
    on[1].chan = ch[0];
    ck_assert_int_eq(ptd_select(on, 2, NULL, 0), PTD_SELECT_TIMEOUT);
    ck_assert_int_eq(ptd_select(on, 2, clk, 0), PTD_SELECT_TIMEOUT);
    ck_assert_int_eq(ptd_select(on, 1, clk, 0), PTD_SELECT_TIMEOUT);
    ck_assert_int_eq(ptd_select(on, 0, clk, 0), PTD_SELECT_TIMEOUT);
    ck_assert_int_eq(ptd_select(NULL, 0, NULL, 0), PTD_SELECT_TIMEOUT);
    ck_assert_int_eq(ptd_try_select(on, 2), PTD_SELECT_TIMEOUT);
    put(ch[0], 5);
    for (int i = 0; i < 50; i++) {
        /* The try form never prefers time to a ready case. */
        ck_assert_int_eq(ptd_try_select(on, 2), 1);
        put(ch[0], 5);
    }
    end();
}
END_TEST

START_TEST(closed_case_drains_then_stays_ready)
{
    int v = 0;

    begin(_i, 2);
    put(ch[1], 5);
    ptd_chan_close(ch[1]);
    for (int i = 0; i < 3; i++) {
        struct ptd_case on[] = { PTD_RECV(ch[0], &v), PTD_RECV(ch[1], &v) };

        ck_assert_int_eq(ptd_select(on, 2, NULL, PTD_NEVER), 1);
        ck_assert_int_eq(on[1].err, i == 0 ? PTD_OK : PTD_ECLOSED);
        ck_assert_int_eq(v, 5);
    }
    {
        struct ptd_case on[] = { PTD_SEND(ch[1], &v) };

        ck_assert_int_eq(ptd_select(on, 1, NULL, PTD_NEVER), 0);
        ck_assert_int_eq(on[0].err, PTD_ECLOSED);
    }
    end();
}
END_TEST

/* ---- fairness -------------------------------------------------------- */

enum { N_PICKS = 3000 };

/* Case 0 and case 2 always ready, case 1 never, the deadline always past:
 * whoever is chosen less than a tenth of the time is starved (at one third on
 * average, 3,000 picks never come near that). */
START_TEST(steady_case_starves_neither_another_nor_the_deadline)
{
    int chosen[4] = { 0 }, v;

    begin(_i, 1);
    put(ch[0], 0);
    put(ch[2], 2);
    for (int i = 0; i < N_PICKS; i++) {
        struct ptd_case on[] = { PTD_RECV(ch[0], &v), PTD_RECV(ch[1], &v),
                                 PTD_RECV(ch[2], &v) };
        int k = ptd_select(on, 3, clk, 0);

        if (k == PTD_SELECT_TIMEOUT) {
            chosen[3]++;
        } else {
            chosen[k]++;
            put(ch[k], k);
        }
    }
    ck_assert_int_eq(chosen[1], 0);
    ck_assert_int_gt(chosen[0], N_PICKS / 10);
    ck_assert_int_gt(chosen[2], N_PICKS / 10);
    ck_assert_int_gt(chosen[3], N_PICKS / 10);
    end();
}
END_TEST

/* ---- the same channel twice ------------------------------------------ */

START_TEST(one_channel_in_two_receives_fills_one_of_them)
{
    int chosen[2] = { 0 };

    begin(_i, 1);
    for (int i = 0; i < 1000; i++) {
        int v[2] = { -1, -1 };
        struct ptd_case on[] = { PTD_RECV(ch[0], &v[0]),
                                 PTD_RECV(ch[0], &v[1]) };
        int k;

        put(ch[0], i);
        k = ptd_select(on, 2, NULL, PTD_NEVER);
        ck_assert_int_ge(k, 0);
        chosen[k]++;
        ck_assert_int_eq(v[k], i);
        ck_assert_int_eq(v[1 - k], -1);
    }
    ck_assert_int_gt(chosen[0], 100);
    ck_assert_int_gt(chosen[1], 100);
    end();
}
END_TEST

START_TEST(one_channel_both_ways_is_always_ready_one_way)
{
    int in = 0, out = 0;

    begin(_i, 1);
    for (int i = 0; i < 100; i++) {
        int v = -1;
        struct ptd_case on[] = { PTD_SEND(ch[0], &in), PTD_RECV(ch[0], &v) };
        int k = ptd_select(on, 2, NULL, PTD_NEVER);

        ck_assert_int_eq(k, i % 2); /* capacity 1: in turn */
        if (k == 0)
            in++;
        else
            ck_assert_int_eq(v, out++);
    }
    end();
}
END_TEST

/* ---- with a thread that waits ---------------------------------------- */

/* A thread in a select over the cases of the test. */
struct selecter {
    struct ptd_case *on;
    size_t n;
    int chosen;
    struct ptd_thread thread;
};

static void selecter_main(void *arg)
{
    struct selecter *s = arg;

    s->chosen = ptd_select(s->on, s->n, clk, far_us(clk, 0));
}

static void selecter_start(struct selecter *s, struct ptd_case *on, size_t n)
{
    *s = (struct selecter){ .on = on, .n = n, .chosen = -9 };
    s->thread = start(selecter_main, s);
    ptd_clock_await_waiters(clk, 1);
}

static int selecter_join(struct selecter *s)
{
    ptd_thread_join(&s->thread);
    return s->chosen;
}

START_TEST(waiting_select_is_served_and_leaves_all_lists)
{
    begin(_i, 1);
    for (int i = 0; i < N; i++) {
        int v[N] = { 0 };
        struct ptd_case on[] = { PTD_RECV(ch[0], &v[0]), PTD_RECV(ch[1], &v[1]),
                                 PTD_RECV(ch[2], &v[2]),
                                 PTD_RECV(ch[3], &v[3]) };
        struct selecter s;

        selecter_start(&s, on, N);
        put(ch[i], 50 + i);
        ck_assert_int_eq(selecter_join(&s), i);
        ck_assert_int_eq(on[i].err, PTD_OK);
        ck_assert_int_eq(v[i], 50 + i);
        /* Nobody waits any more: what is sent now stays. */
        for (int k = 0; k < N; k++) {
            put(ch[k], k);
            ck_assert_int_eq(take(ch[k]), k);
        }
    }
    end();
}
END_TEST

START_TEST(waiting_select_sends)
{
    int v[] = { 60, 61 };
    struct ptd_case on[2] = { PTD_SEND(NULL, &v[0]), PTD_SEND(NULL, &v[1]) };
    struct selecter s;

    begin(_i, 1);
    on[0].chan = ch[0];
    on[1].chan = ch[1];
    put(ch[0], 1);
    put(ch[1], 2);
    selecter_start(&s, on, 2);
    ck_assert_int_eq(take(ch[1]), 2);
    ck_assert_int_eq(selecter_join(&s), 1);
    ck_assert_int_eq(take(ch[1]), 61);
    ck_assert_int_eq(take(ch[0]), 1);
    ck_assert_uint_eq(ptd_chan_len(ch[0]), 0);
    end();
}
END_TEST

START_TEST(close_ends_a_waiting_select)
{
    struct ptd_case on[N];
    struct selecter s;

    for (int i = 0; i < N; i++) {
        begin(_i, 0); /* events */
        for (int k = 0; k < N; k++)
            on[k] = (struct ptd_case)PTD_RECV(ch[k], NULL);
        selecter_start(&s, on, N);
        ptd_chan_close(ch[i]);
        ck_assert_int_eq(selecter_join(&s), i);
        ck_assert_int_eq(on[i].err, PTD_ECLOSED);
        end();
    }
}
END_TEST

START_TEST(deadline_ends_a_waiting_select)
{
    struct ptd_case on[N];
    struct selecter s;

    begin(_i, 1);
    for (int k = 0; k < N; k++)
        on[k] = (struct ptd_case)PTD_RECV(ch[k], NULL);
    selecter_start(&s, on, N);
    ptd_clock_advance_us(clk, 7200 * S);
    ck_assert_int_eq(selecter_join(&s), PTD_SELECT_TIMEOUT);
    for (int k = 0; k < N; k++)
        put(ch[k], k);
    end();
}
END_TEST

/* All slots are reserved: the channel is ready neither way, and the select
 * waits on both sides of it. */
START_TEST(both_ways_of_one_channel_can_wait)
{
    int v = 5, got = -1;
    struct ptd_case on[2] = { PTD_SEND(NULL, &v), PTD_RECV(NULL, &got) };
    struct selecter s;

    begin(_i, 1);
    on[0].chan = on[1].chan = ch[0];
    ck_assert_int_eq(ptd_chan_reserve(ch[0]), PTD_OK);
    selecter_start(&s, on, 2);
    ptd_chan_unreserve(ch[0]);
    ck_assert_int_eq(selecter_join(&s), 0);
    ck_assert_int_eq(take(ch[0]), 5); /* not handed to its own receive */
    ck_assert_int_eq(got, -1);

    ck_assert_int_eq(ptd_chan_reserve(ch[0]), PTD_OK);
    selecter_start(&s, on, 2);
    v = 6;
    ptd_chan_send_reserved(ch[0], &v);
    ck_assert_int_eq(selecter_join(&s), 1);
    ck_assert_int_eq(got, 6);
    ck_assert_uint_eq(ptd_chan_len(ch[0]), 0);
    end();
}
END_TEST

START_TEST(select_of_the_most_cases_waits_too)
{
    struct ptd_case on[PTD_SELECT_MAX];
    struct ptd_chan *many[PTD_SELECT_MAX];
    struct ptd_chan_group *g = ptd_chan_group_new();
    struct selecter s;
    int v[PTD_SELECT_MAX];

    begin(_i, 1);
    for (int i = 0; i < PTD_SELECT_MAX; i++) {
        many[i] = chan_in(g, _i, i, 1);
        on[i] = (struct ptd_case)PTD_RECV(many[i], &v[i]);
    }
    selecter_start(&s, on, PTD_SELECT_MAX);
    put(many[PTD_SELECT_MAX - 1], 99);
    ck_assert_int_eq(selecter_join(&s), PTD_SELECT_MAX - 1);
    ck_assert_int_eq(v[PTD_SELECT_MAX - 1], 99);
    for (int i = 0; i < PTD_SELECT_MAX; i++)
        ptd_chan_free(many[i]);
    ptd_chan_group_free(g);
    end();
}
END_TEST

/* Two selects and a plain receiver wait on the same channels; each element
 * serves exactly one of them, and the one that was served elsewhere meanwhile
 * is passed over. */
START_TEST(element_passes_over_who_was_served_elsewhere)
{
    int v[2][2] = { { -1, -1 }, { -1, -1 } };
    struct ptd_case on[2][2];
    struct selecter s[2];
    int first, second;

    begin(_i, 1);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++)
            on[i][k] = (struct ptd_case)PTD_RECV(ch[k], &v[i][k]);
        s[i] = (struct selecter){ .on = on[i], .n = 2, .chosen = -9 };
        s[i].thread = start(selecter_main, &s[i]);
        ptd_clock_await_waiters(clk, (size_t)i + 1);
    }
    /* Both go at once, so the second may find the first one's node still in
     * its list. */
    put(ch[0], 100);
    put(ch[1], 101);
    first = selecter_join(&s[0]);
    second = selecter_join(&s[1]);
    ck_assert_int_eq(first, 0);
    ck_assert_int_eq(second, 1);
    ck_assert_int_eq(v[0][0], 100);
    ck_assert_int_eq(v[1][1], 101);
    ck_assert_uint_eq(ptd_chan_len(ch[0]) + ptd_chan_len(ch[1]), 0);
    end();
}
END_TEST

TCase *tcase_select(void)
{
    TCase *tc = tcase_create("select");

    tcase_add_loop_test(tc, the_one_ready_case_is_chosen, 0, N_LOCKS);
    tcase_add_loop_test(tc, nothing_ready_times_out_at_a_past_deadline, 0,
                        N_LOCKS);
    tcase_add_loop_test(tc, closed_case_drains_then_stays_ready, 0, N_LOCKS);
    tcase_add_loop_test(tc,
                        steady_case_starves_neither_another_nor_the_deadline,
                        0, N_LOCKS);
    tcase_add_loop_test(tc, one_channel_in_two_receives_fills_one_of_them, 0,
                        N_LOCKS);
    tcase_add_loop_test(tc, one_channel_both_ways_is_always_ready_one_way, 0,
                        N_LOCKS);
    tcase_add_loop_test(tc, waiting_select_is_served_and_leaves_all_lists, 0,
                        N_LOCKS);
    tcase_add_loop_test(tc, waiting_select_sends, 0, N_LOCKS);
    tcase_add_loop_test(tc, close_ends_a_waiting_select, 0, N_LOCKS);
    tcase_add_loop_test(tc, deadline_ends_a_waiting_select, 0, N_LOCKS);
    tcase_add_loop_test(tc, both_ways_of_one_channel_can_wait, 0, N_LOCKS);
    tcase_add_loop_test(tc, select_of_the_most_cases_waits_too, 0, N_LOCKS);
    tcase_add_loop_test(tc, element_passes_over_who_was_served_elsewhere, 0,
                        N_LOCKS);
    return tc;
}
