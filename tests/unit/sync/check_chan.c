#include <config.h>

#include "check_sync.h"

#include <string.h>

#include "sync/chan_int.h"

/* ---- making ---------------------------------------------------------- */

static const struct {
    const char *name;
    size_t elem_size, cap;
    bool ok;
} makes[] = {
    { "signals", 0, 1, true },
    { "an event", 0, 0, true },
    { "largest element", 4096, 1, true },
    { "element too large", 4097, 1, false },
    { "largest capacity", 1, 1 << 20, true },
    { "capacity too large", 1, (1 << 20) + 1, false },
    { "event with elements", 1, 0, false },
    { "product that does not fit", SIZE_MAX, SIZE_MAX, false },
};

START_TEST(new_holds_to_its_limits)
{
    struct ptd_chan *c = ptd_chan_new(makes[_i].elem_size, makes[_i].cap);

    ck_assert_msg((c != NULL) == makes[_i].ok, "%s", makes[_i].name);
    if (c != NULL) {
        ck_assert_uint_eq(ptd_chan_cap(c), makes[_i].cap);
        ck_assert_uint_eq(ptd_chan_elem_size(c), makes[_i].elem_size);
        ck_assert_uint_eq(ptd_chan_len(c), 0);
    }
    ptd_chan_free(c);
}
END_TEST

START_TEST(channel_and_group_live_as_long_as_their_references)
{
    struct ptd_chan_group *g = ptd_chan_group_new();
    struct ptd_chan *a = ptd_chan_new_in(g, 1, 1);
    struct ptd_chan *b = ptd_chan_ref(ptd_chan_new_in(g, 1, 1));

    ptd_chan_group_free(g);
    ptd_chan_free(a);
    ptd_chan_free(b);
    ck_assert_int_eq(ptd_chan_try_send(b, "x"), PTD_OK);
    ptd_chan_free(b);
    ptd_chan_free(NULL);
    ptd_chan_group_free(NULL);
}
END_TEST

/* ---- order and content ----------------------------------------------- */

static const size_t sizes[] = { 0, 1, 2, 8, 12, 16, 24, 4096 };

static void fill(unsigned char *elem, size_t size, int n)
{
    for (size_t i = 0; i < size; i++)
        elem[i] = (unsigned char)(n * 7 + (int)i);
}

START_TEST(elements_come_in_order_and_whole)
{
    size_t size = sizes[_i];
    struct ptd_chan *c = ptd_chan_new(size, 3);
    unsigned char in[4096], out[4096 + 1];
    int sent = 0, received = 0;

    /* Fill levels 1 to 3 in turn, so that each slot is passed at each. */
    for (int round = 0; round < 12; round++) {
        for (; sent < received + round % 3 + 1; sent++) {
            fill(in, size, sent);
            ck_assert_int_eq(ptd_chan_try_send(c, in), PTD_OK);
        }
        ck_assert_uint_eq(ptd_chan_len(c), (size_t)(sent - received));
        for (; received < sent; received++) {
            fill(in, size, received);
            memset(out, 0xee, sizeof out);
            ck_assert_int_eq(ptd_chan_try_recv(c, out), PTD_OK);
            ck_assert_mem_eq(out, in, size);
            ck_assert_uint_eq(out[size], 0xee);
        }
    }
    ptd_chan_free(c);
}
END_TEST

START_TEST(null_receives_and_throws_away)
{
    struct ptd_chan *c = ptd_chan_new(1, 2);
    char got;

    ck_assert_int_eq(ptd_chan_send(c, "a"), PTD_OK);
    ck_assert_int_eq(ptd_chan_send(c, "b"), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv(c, NULL), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv(c, &got), PTD_OK);
    ck_assert_int_eq(got, 'b');
    ptd_chan_free(c);
}
END_TEST

/* ---- what each operation answers in each state ----------------------- */

static const struct {
    const char *name;
    size_t cap, len;
    bool closed;
    enum ptd_err send, recv;
} states[] = {
    { "empty", 2, 0, false, PTD_OK, PTD_EEMPTY },
    { "half full", 2, 1, false, PTD_OK, PTD_OK },
    { "full", 2, 2, false, PTD_EFULL, PTD_OK },
    { "closed and empty", 2, 0, true, PTD_ECLOSED, PTD_ECLOSED },
    { "closed, not drained", 2, 2, true, PTD_ECLOSED, PTD_OK },
    { "event", 0, 0, false, PTD_EFULL, PTD_EEMPTY },
    { "closed event", 0, 0, true, PTD_ECLOSED, PTD_ECLOSED },
};

static struct ptd_chan *in_state(int i)
{
    struct ptd_chan *c = ptd_chan_new(0, states[i].cap);

    for (size_t n = 0; n < states[i].len; n++)
        ck_assert_int_eq(ptd_chan_try_send(c, NULL), PTD_OK);
    if (states[i].closed) {
        ptd_chan_close(c);
        ptd_chan_close(c);
    }
    ck_assert(ptd_chan_is_closed(c) == states[i].closed);
    return c;
}

/* What the try form calls "not now" is a time-out of the form with deadline. */
static enum ptd_err late(enum ptd_err e)
{
    return e == PTD_EFULL || e == PTD_EEMPTY ? PTD_ETIMEOUT : e;
}

START_TEST(send_answers_by_state)
{
    struct ptd_chan *c = in_state(_i);

    ck_assert_int_eq(ptd_chan_try_send(c, NULL), states[_i].send);
    ptd_chan_free(c);
    c = in_state(_i);
    ck_assert_int_eq(ptd_chan_send_until(c, NULL, NULL, 0),
                     late(states[_i].send));
    ptd_chan_free(c);
    c = in_state(_i);
    ck_assert_int_eq(ptd_chan_reserve(c), states[_i].send);
    ptd_chan_free(c);
}
END_TEST

START_TEST(recv_answers_by_state)
{
    struct ptd_chan *c = in_state(_i);
    size_t n;

    ck_assert_int_eq(ptd_chan_try_recv(c, NULL), states[_i].recv);
    ptd_chan_free(c);
    c = in_state(_i);
    ck_assert_int_eq(ptd_chan_recv_until(c, NULL, NULL, 0),
                     late(states[_i].recv));
    ptd_chan_free(c);
    c = in_state(_i);
    ck_assert_int_eq(ptd_chan_try_recv_many(c, NULL, 9, &n), states[_i].recv);
    if (states[_i].recv == PTD_OK)
        ck_assert_uint_eq(n, states[_i].len);
    ptd_chan_free(c);
}
END_TEST

START_TEST(closed_channel_drains_then_reports)
{
    struct ptd_chan *c = ptd_chan_new(1, 2);
    char got;

    ck_assert_int_eq(ptd_chan_send(c, "x"), PTD_OK);
    ck_assert_int_eq(ptd_chan_send(c, "y"), PTD_OK);
    ptd_chan_close(c);
    ck_assert_int_eq(ptd_chan_recv(c, &got), PTD_OK);
    ck_assert_int_eq(got, 'x');
    ck_assert_int_eq(ptd_chan_recv(c, &got), PTD_OK);
    ck_assert_int_eq(got, 'y');
    ck_assert_int_eq(ptd_chan_recv(c, &got), PTD_ECLOSED);
    ck_assert_int_eq(ptd_chan_send(c, "z"), PTD_ECLOSED);
    ptd_chan_free(c);
}
END_TEST

START_TEST(null_channel_is_never_ready)
{
    ck_assert_int_eq(ptd_chan_try_send(NULL, "x"), PTD_EFULL);
    ck_assert_int_eq(ptd_chan_try_recv(NULL, NULL), PTD_EEMPTY);
    ck_assert_int_eq(ptd_chan_send_until(NULL, "x", NULL, 0), PTD_ETIMEOUT);
    ck_assert_int_eq(ptd_chan_recv_until(NULL, NULL, NULL, 0), PTD_ETIMEOUT);
}
END_TEST

/* ---- many at once ---------------------------------------------------- */

START_TEST(recv_many_keeps_the_order_around_the_end_of_the_ring)
{
    struct ptd_chan *c = ptd_chan_new(sizeof(int), 5);
    int out[8], next = 0;
    size_t n;

    /* _i elements first, so that the next five begin at slot _i. */
    for (int v = -_i; v < 5; v++) {
        if (v == 0 && _i > 0) {
            ck_assert_int_eq(ptd_chan_recv_many(c, out, 8, &n), PTD_OK);
            ck_assert_uint_eq(n, (size_t)_i);
        }
        ck_assert_int_eq(ptd_chan_send(c, &v), PTD_OK);
    }
    ck_assert_int_eq(ptd_chan_recv_many(c, out, 3, &n), PTD_OK);
    ck_assert_uint_eq(n, 3);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(out[i], next++);
    ck_assert_int_eq(ptd_chan_try_recv_many(c, out, 8, &n), PTD_OK);
    ck_assert_uint_eq(n, 2);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(out[i], next++);
    ptd_chan_free(c);
}
END_TEST

/* ---- with other threads ---------------------------------------------- */

/* Threads that wait, one on each element, told apart by far deadlines. */
enum { N_WAITERS = 5 };

struct waiter {
    struct ptd_chan *c;
    struct ptd_clock *clk;
    enum ptd_case_dir dir;
    int value;             /* to send, or received */
    struct ptd_chan *done; /* of enum ptd_err */
    struct ptd_thread thread;
};

static void waiter_main(void *arg)
{
    struct waiter *w = arg;
    enum ptd_err e =
        w->dir == PTD_CASE_SEND
            ? ptd_chan_send_until(w->c, &w->value, w->clk, far_us(w->clk, 0))
            : ptd_chan_recv_until(w->c, &w->value, w->clk, far_us(w->clk, 0));

    PTD_ASSERT(ptd_chan_send(w->done, &e) == PTD_OK);
}

/* Start N_WAITERS one after the other, each when the one before waits. */
static void start_waiters(struct waiter *w, struct ptd_chan *c,
                          struct ptd_clock *clk, enum ptd_case_dir dir)
{
    for (int i = 0; i < N_WAITERS; i++) {
        w[i] = (struct waiter){ .c = c, .clk = clk, .dir = dir, .value = i };
        w[i].done = ptd_chan_new(sizeof(enum ptd_err), 1);
        w[i].thread = start(waiter_main, &w[i]);
        ptd_clock_await_waiters(clk, (size_t)i + 1);
    }
}

static enum ptd_err join_waiter(struct waiter *w)
{
    enum ptd_err e = PTD_EINVAL;

    ck_assert_int_eq(ptd_chan_recv(w->done, &e), PTD_OK);
    ptd_thread_join(&w->thread);
    ptd_chan_free(w->done);
    return e;
}

static bool has_ended(const struct waiter *w)
{
    return ptd_chan_len(w->done) > 0;
}

START_TEST(one_element_wakes_one_receiver_the_longest_waiting)
{
    struct ptd_clock *clk = ptd_clock_new();
    struct ptd_chan *c = ptd_chan_new(sizeof(int), 2);
    struct waiter w[N_WAITERS];

    start_waiters(w, c, clk, PTD_CASE_RECV);
    for (int i = 0; i < N_WAITERS; i++) {
        int v = 100 + i;

        ck_assert_int_eq(ptd_chan_try_send(c, &v), PTD_OK);
        ck_assert_uint_eq(ptd_chan_len(c), 0); /* handed over */
        ck_assert_int_eq(join_waiter(&w[i]), PTD_OK);
        ck_assert_int_eq(w[i].value, v);
        for (int k = i + 1; k < N_WAITERS; k++)
            ck_assert(!has_ended(&w[k]));
    }
    ptd_chan_free(c);
    ptd_clock_free(clk);
}
END_TEST

START_TEST(one_free_slot_admits_one_sender_the_longest_waiting)
{
    struct ptd_clock *clk = ptd_clock_new();
    struct ptd_chan *c = ptd_chan_new(sizeof(int), 1);
    struct waiter w[N_WAITERS];
    int v = -1;

    ck_assert_int_eq(ptd_chan_send(c, &v), PTD_OK);
    start_waiters(w, c, clk, PTD_CASE_SEND);
    for (int i = 0; i < N_WAITERS; i++) {
        ck_assert_int_eq(ptd_chan_try_recv(c, &v), PTD_OK);
        ck_assert_int_eq(v, i - 1);
        ck_assert_uint_eq(ptd_chan_len(c), 1);
        ck_assert_int_eq(join_waiter(&w[i]), PTD_OK);
        for (int k = i + 1; k < N_WAITERS; k++)
            ck_assert(!has_ended(&w[k]));
    }
    ptd_chan_free(c);
    ptd_clock_free(clk);
}
END_TEST

START_TEST(recv_many_admits_as_many_senders_in_order)
{
    struct ptd_clock *clk = ptd_clock_new();
    struct ptd_chan *c = ptd_chan_new(sizeof(int), 3);
    struct waiter w[N_WAITERS];
    int out[8];
    size_t n;

    for (int v = -3; v < 0; v++)
        ck_assert_int_eq(ptd_chan_send(c, &v), PTD_OK);
    start_waiters(w, c, clk, PTD_CASE_SEND);
    for (int next = -3; next < N_WAITERS; next += (int)n) {
        ck_assert_int_eq(ptd_chan_recv_many(c, out, 8, &n), PTD_OK);
        for (size_t i = 0; i < n; i++)
            ck_assert_int_eq(out[i], next + (int)i);
    }
    for (int i = 0; i < N_WAITERS; i++)
        ck_assert_int_eq(join_waiter(&w[i]), PTD_OK);
    ptd_chan_free(c);
    ptd_clock_free(clk);
}
END_TEST

START_TEST(recv_many_from_busy_senders_hears_of_the_close)
{
    struct ptd_clock *clk = ptd_clock_new();
    struct ptd_chan *c = ptd_chan_new(sizeof(int), 1);
    struct waiter w[N_WAITERS];
    int out[8], v = -1;
    size_t n;

    ck_assert_int_eq(ptd_chan_send(c, &v), PTD_OK);
    start_waiters(w, c, clk, PTD_CASE_SEND);
    ck_assert_int_eq(ptd_chan_recv_many(c, out, 1, &n), PTD_OK);
    ck_assert(atomic_load(&c->is_busy)); /* one sender was given room */
    ptd_chan_close(c);
    ck_assert_int_eq(ptd_chan_recv_many(c, out, 8, &n), PTD_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(ptd_chan_recv_many(c, out, 8, &n), PTD_ECLOSED);
    ck_assert(!atomic_load(&c->is_busy));
    for (int i = 0; i < N_WAITERS; i++)
        ck_assert_int_eq(join_waiter(&w[i]), i == 0 ? PTD_OK : PTD_ECLOSED);
    ptd_chan_free(c);
    ptd_clock_free(clk);
}
END_TEST

START_TEST(close_wakes_all)
{
    struct ptd_clock *clk = ptd_clock_new();
    struct ptd_chan *c = ptd_chan_new(sizeof(int), 1);
    struct waiter w[N_WAITERS];
    int v = 7;

    if (_i == PTD_CASE_SEND)
        ck_assert_int_eq(ptd_chan_send(c, &v), PTD_OK);
    start_waiters(w, c, clk, (enum ptd_case_dir)_i);
    ptd_chan_close(c);
    for (int i = 0; i < N_WAITERS; i++)
        ck_assert_int_eq(join_waiter(&w[i]), PTD_ECLOSED);
    ck_assert_uint_eq(ptd_chan_len(c), _i == PTD_CASE_SEND ? 1 : 0);
    ptd_chan_free(c);
    ptd_clock_free(clk);
}
END_TEST

START_TEST(deadline_takes_the_waiter_away)
{
    struct ptd_clock *clk = ptd_clock_new();
    struct ptd_chan *c = ptd_chan_new(sizeof(int), 1);
    struct waiter w[N_WAITERS];
    int v = 7;

    start_waiters(w, c, clk, PTD_CASE_RECV);
    ptd_clock_advance_us(clk, 7200 * S);
    for (int i = 0; i < N_WAITERS; i++)
        ck_assert_int_eq(join_waiter(&w[i]), PTD_ETIMEOUT);
    ck_assert_int_eq(ptd_chan_try_send(c, &v), PTD_OK);
    ck_assert_uint_eq(ptd_chan_len(c), 1);
    ptd_chan_free(c);
    ptd_clock_free(clk);
}
END_TEST

/* ---- promised signals ------------------------------------------------ */

START_TEST(reserved_slot_counts_as_taken)
{
    struct ptd_chan *c = ptd_chan_new(1, 2);
    char got;

    ck_assert_int_eq(ptd_chan_reserve(c), PTD_OK);
    ck_assert_uint_eq(ptd_chan_len(c), 0);
    ck_assert_int_eq(ptd_chan_try_send(c, "a"), PTD_OK);
    ck_assert_int_eq(ptd_chan_try_send(c, "b"), PTD_EFULL);
    ck_assert_int_eq(ptd_chan_reserve(c), PTD_EFULL);
    ptd_chan_send_reserved(c, "c");
    ck_assert_int_eq(ptd_chan_recv(c, &got), PTD_OK);
    ck_assert_int_eq(got, 'a');
    ck_assert_int_eq(ptd_chan_recv(c, &got), PTD_OK);
    ck_assert_int_eq(got, 'c');
    ck_assert_int_eq(ptd_chan_reserve(c), PTD_OK);
    ck_assert_int_eq(ptd_chan_reserve(c), PTD_OK);
    ck_assert_int_eq(ptd_chan_try_send(c, "d"), PTD_EFULL);
    ptd_chan_unreserve(c);
    ck_assert_int_eq(ptd_chan_try_send(c, "d"), PTD_OK);
    ptd_chan_unreserve(c);
    ptd_chan_free(c);
}
END_TEST

START_TEST(reserved_send_to_a_closed_channel_is_dropped)
{
    struct ptd_chan *c = ptd_chan_new(1, 1);

    ck_assert_int_eq(ptd_chan_reserve(c), PTD_OK);
    ptd_chan_close(c);
    ptd_chan_send_reserved(c, "x");
    ck_assert_int_eq(ptd_chan_try_recv(c, NULL), PTD_ECLOSED);
    ptd_chan_free(c);
}
END_TEST

START_TEST(giving_a_slot_back_admits_a_waiting_sender)
{
    struct ptd_clock *clk = ptd_clock_new();
    struct ptd_chan *c = ptd_chan_new(sizeof(int), N_WAITERS);
    struct waiter w[N_WAITERS];
    int v = 100;

    for (int i = 0; i < N_WAITERS; i++)
        ck_assert_int_eq(ptd_chan_reserve(c), PTD_OK);
    start_waiters(w, c, clk, PTD_CASE_SEND);
    for (int i = 0; i < N_WAITERS; i++) {
        ptd_chan_unreserve(c);
        ck_assert_int_eq(join_waiter(&w[i]), PTD_OK);
        ck_assert_uint_eq(ptd_chan_len(c), (size_t)i + 1);
    }
    for (int i = 0; i < N_WAITERS; i++) {
        ck_assert_int_eq(ptd_chan_recv(c, &v), PTD_OK);
        ck_assert_int_eq(v, i);
    }
    ptd_chan_free(c);
    ptd_clock_free(clk);
}
END_TEST

/* With its only slot reserved a channel has waiters on both sides; the promised
 * element goes to a receiver, and the slot it leaves to a sender, whose element
 * goes to the next receiver, and so on. */
START_TEST(reserved_send_sets_both_sides_going)
{
    struct ptd_clock *rclk = ptd_clock_new(), *sclk = ptd_clock_new();
    struct ptd_chan *c = ptd_chan_new(sizeof(int), 1);
    struct waiter r[N_WAITERS], s[N_WAITERS];
    int v = 100;

    ck_assert_int_eq(ptd_chan_reserve(c), PTD_OK);
    start_waiters(r, c, rclk, PTD_CASE_RECV);
    start_waiters(s, c, sclk, PTD_CASE_SEND);
    ptd_chan_send_reserved(c, &v);
    for (int i = 0; i < N_WAITERS; i++) {
        ck_assert_int_eq(join_waiter(&r[i]), PTD_OK);
        ck_assert_int_eq(r[i].value, i == 0 ? 100 : i - 1);
        ck_assert_int_eq(join_waiter(&s[i]), PTD_OK);
    }
    ck_assert_int_eq(ptd_chan_try_recv(c, &v), PTD_OK);
    ck_assert_int_eq(v, N_WAITERS - 1);
    ptd_chan_free(c);
    ptd_clock_free(rclk);
    ptd_clock_free(sclk);
}
END_TEST

TCase *tcase_chan(void)
{
    TCase *tc = tcase_create("chan");

    tcase_add_loop_test(tc, new_holds_to_its_limits, 0, PTD_COUNT(makes));
    tcase_add_test(tc, channel_and_group_live_as_long_as_their_references);
    tcase_add_loop_test(tc, elements_come_in_order_and_whole, 0,
                        PTD_COUNT(sizes));
    tcase_add_test(tc, null_receives_and_throws_away);
    tcase_add_loop_test(tc, send_answers_by_state, 0, PTD_COUNT(states));
    tcase_add_loop_test(tc, recv_answers_by_state, 0, PTD_COUNT(states));
    tcase_add_test(tc, closed_channel_drains_then_reports);
    tcase_add_test(tc, null_channel_is_never_ready);
    tcase_add_loop_test(
        tc, recv_many_keeps_the_order_around_the_end_of_the_ring, 0, 5);
    tcase_add_test(tc, one_element_wakes_one_receiver_the_longest_waiting);
    tcase_add_test(tc, one_free_slot_admits_one_sender_the_longest_waiting);
    tcase_add_test(tc, recv_many_admits_as_many_senders_in_order);
    tcase_add_test(tc, recv_many_from_busy_senders_hears_of_the_close);
    tcase_add_loop_test(tc, close_wakes_all, PTD_CASE_RECV, PTD_CASE_SEND + 1);
    tcase_add_test(tc, deadline_takes_the_waiter_away);
    tcase_add_test(tc, reserved_slot_counts_as_taken);
    tcase_add_test(tc, reserved_send_to_a_closed_channel_is_dropped);
    tcase_add_test(tc, giving_a_slot_back_admits_a_waiting_sender);
    tcase_add_test(tc, reserved_send_sets_both_sides_going);
    return tc;
}
