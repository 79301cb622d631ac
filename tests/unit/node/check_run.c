/* Nodes as a whole: start, connections, stop. */
#include <config.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_node.h"
#include "rig.h"
#include "support/nth_malloc.h"

/* A sanitizer slows everything down. */
static int64_t second_us(void)
{
    return getenv("PTD_SANITIZED") != NULL ? 10 * SECOND_US : SECOND_US;
}

START_TEST(two_nodes_find_each_other)
{
    struct host a, b;
    struct ptd_peer **peers;
    struct ptd_peer_stats st;

    host_init(&a);
    host_start(&a);
    host_init(&b);
    b.cfg.listen = false;
    host_connect(&b, a.port);
    host_start(&b);
    ck_assert_int_eq(host_wait(&a, PTD_NODE_PEER_READY, -1).peer, 0);
    ck_assert_int_eq(host_wait(&b, PTD_NODE_PEER_READY, -1).peer, 0);

    ck_assert_uint_eq(ptd_node_peers(a.node, &peers), 1);
    ptd_peer_stats(peers[0], &st);
    ck_assert_int_eq(st.direction, PTD_INBOUND);
    ck_assert_uint_eq(st.services, PTD_NODE_NETWORK | PTD_NODE_NETWORK_LIMITED |
                                       PTD_NODE_WITNESS);
    ck_assert_str_eq(st.user_agent, "/pentad:" PACKAGE_VERSION "/");
    ck_assert_uint_eq(st.pver, 70016);
    ptd_peer_free(peers[0]);
    free(peers);

    host_stop(&b);
    (void)host_wait(&a, PTD_NODE_PEER_GONE, -1);
    ck_assert_uint_eq(ptd_node_peers(a.node, &peers), 0);
    host_stop(&a);
}
END_TEST

START_TEST(stop_takes_less_than_a_second_with_50_peers)
{
    enum { N = 50 };
    struct guest *g = calloc(N, sizeof *g);
    struct host h;
    int64_t begin;

    host_init(&h);
    host_start(&h);
    for (size_t i = 0; i < N; i++)
        guest_start(&g[i], h.port, 0);
    for (size_t i = 0; i < N; i++)
        guest_wait_ready(&g[i]);
    begin = ptd_clock_now_us(NULL);
    host_stop(&h);
    ck_assert_int_lt(ptd_clock_now_us(NULL) - begin, second_us());
    for (size_t i = 0; i < N; i++)
        guest_end(&g[i]);
    free(g);
}
END_TEST

/* Before and after are compared behind a first round: what a process makes
 * once stays. */
START_TEST(nothing_is_left_after_stop)
{
    size_t threads = 0, fds = 0;

    for (int round = 0; round < 5; round++) {
        struct guest g;
        struct host a, b;

        host_init(&a);
        host_start(&a);
        host_init(&b);
        host_connect(&b, a.port);
        host_start(&b);
        (void)host_wait(&b, PTD_NODE_PEER_READY, -1);
        guest_start(&g, b.port, 0);
        /* Its handshake may be under way when the node stops. */
        host_stop(&a);
        host_stop(&b);
        guest_end(&g);
        if (round == 0) {
            threads = count_in("/proc/self/task");
            fds = count_in("/proc/self/fd");
        }
    }
    ck_assert_uint_le(count_in("/proc/self/task"), threads);
    ck_assert_uint_le(count_in("/proc/self/fd"), fds);
}
END_TEST

/* Each allocation of the start fails once; the threads that run by then may
 * meet the failure too, and go on. */
START_TEST(start_without_memory_fails_or_does_without)
{
    for (unsigned n = 1;; n++) {
        struct ptd_complaint why;
        struct host h;
        enum ptd_err e;
        bool failed;

        host_init(&h);
        h.cfg.connect_only = false;
        host_connect(&h, 1);
        support_nth_malloc_arm(n);
        e = ptd_node_start(&h.node, &h.cfg, &why);
        failed = support_nth_malloc_disarm();
        if (e != PTD_OK) {
            ck_assert(failed);
            ck_assert_str_ne(why.text, "");
            h.node = NULL;
        }
        host_stop(&h);
        if (!failed)
            break;
    }
}
END_TEST

START_TEST(port_in_use_is_told)
{
    struct ptd_complaint why;
    struct ptd_node *n;
    struct host a, b;
    char want[128];

    host_init(&a);
    host_start(&a);
    host_init(&b);
    b.cfg.bind[0].port = a.port;
    ck_assert_int_ne(ptd_node_start(&n, &b.cfg, &why), PTD_OK);
    snprintf(want, sizeof want,
             "Unable to bind to 127.0.0.1:%u on this computer. Pentad is "
             "probably already running.",
             a.port);
    ck_assert_str_eq(why.text, want);
    b.node = NULL;
    host_stop(&b);
    host_stop(&a);
}
END_TEST

START_TEST(inbound_connections_are_limited)
{
    struct guest first, second;
    struct host h;

    host_init(&h);
    h.cfg.max_connections = PTD_NODE_RESERVED + 1;
    host_start(&h);
    guest_start(&first, h.port, 0);
    guest_wait_ready(&first);
    guest_start(&second, h.port, 0);
    guest_wait_gone(&second);
    (void)guest_sync(&first, PTD_MSG_PING); /* it stays */
    guest_end(&first);
    (void)host_wait(&h, PTD_NODE_PEER_GONE, -1);
    guest_end(&second);

    /* A place that became free is given again. */
    guest_start(&first, h.port, 0);
    guest_wait_ready(&first);
    guest_end(&first);
    host_stop(&h);
}
END_TEST

START_TEST(connection_to_oneself_ends)
{
    struct ptd_complaint why;
    struct ptd_netaddr at;
    struct host h, probe;

    /* A port that is free: of a node that was there a moment ago. */
    host_init(&probe);
    host_start(&probe);
    at = probe.cfg.bind[0];
    at.port = probe.port;
    host_stop(&probe);

    host_init(&h);
    h.cfg.bind[0] = at;
    host_connect(&h, at.port);
    ck_assert_msg(ptd_node_start(&h.node, &h.cfg, &why) == PTD_OK, "%s",
                  why.text);
    (void)host_wait(&h, PTD_NODE_PEER_GONE, -1);
    (void)host_wait(&h, PTD_NODE_PEER_GONE, -1);
    host_stop(&h);
}
END_TEST

/* ---- dialling again, on the virtual clock --------------------------------------- */

/* Move the clock from deadline to deadline until something happens, which must
 * take `seconds`; somewhat longer if another deadline fell between what was
 * heard last and the moment from which it counts. */
static void expect_rest(struct host *h, struct ptd_clock *clk, int64_t seconds,
                        enum ptd_node_what what)
{
    enum { SAVES_S = 600 };
    int64_t begin = ptd_clock_now_us(clk), took;
    struct ptd_node_event ev = { .what = PTD_NODE_NEW_TIP };

    for (;;) {
        int64_t next = ptd_clock_next_deadline_us(clk);

        if (ptd_chan_try_recv(h->events, &ev) == PTD_OK && ev.what == what)
            break;
        if (next > ptd_clock_now_us(clk) && next != PTD_NEVER &&
            next <= begin + (seconds + SAVES_S) * SECOND_US)
            ptd_clock_advance_us(clk, next - ptd_clock_now_us(clk));
        else
            sched_yield(); /* somebody is at work */
    }
    took = ptd_clock_now_us(clk) - begin;
    ck_assert_int_ge(took, seconds * SECOND_US);
    ck_assert_int_le(took, (seconds + SAVES_S) * SECOND_US);
}

START_TEST(failed_dials_rest_longer_each_time)
{
    struct ptd_clock *clk = ptd_clock_new();
    struct host h, probe;

    host_init(&probe); /* nobody listens there when it is gone */
    host_start(&probe);
    ptd_clock_set_wall_us(clk, INT64_C(1700000000) * SECOND_US);
    host_init(&h);
    h.cfg.clock = clk;
    h.cfg.listen = false;
    host_connect(&h, probe.port);
    host_stop(&probe);
    host_start(&h);
    (void)host_wait(&h, PTD_NODE_DIAL_FAILED, -1);
    for (int64_t i = 1; i <= 70; i++) {
        expect_rest(&h, clk, PTD_MIN(5 * i, 300), PTD_NODE_DIAL_FAILED);
    }
    host_stop(&h);
    ptd_clock_free(clk);
}
END_TEST

START_TEST(lost_connection_is_made_again)
{
    struct ptd_clock *clk = ptd_clock_new();
    struct host a, b;
    uint16_t port;

    ptd_clock_set_wall_us(clk, INT64_C(1700000000) * SECOND_US);
    host_init(&a);
    host_start(&a);
    port = a.port;
    host_init(&b);
    b.cfg.clock = clk;
    b.cfg.listen = false;
    host_connect(&b, port);
    host_start(&b);
    (void)host_wait(&b, PTD_NODE_PEER_READY, -1);
    host_stop(&a);
    (void)host_wait(&b, PTD_NODE_PEER_GONE, -1);

    host_init(&a);
    a.cfg.bind[0].port = port;
    host_start(&a);
    expect_rest(&b, clk, 5, PTD_NODE_PEER_READY);
    host_stop(&b);
    host_stop(&a);
    ptd_clock_free(clk);
}
END_TEST

/* By name a dial finds out whom it reached when it is there. */
START_TEST(name_of_whom_we_have_is_let_go)
{
    struct host a, b;
    int64_t until = ptd_clock_now_us(NULL) + 30 * SECOND_US;
    bool is_ready = false, is_let_go = false;
    struct ptd_peer **peers;
    char name[32];

    host_init(&a);
    host_start(&a);
    host_init(&b);
    b.cfg.listen = false;
    b.cfg.dns = true;
    host_connect(&b, a.port);
    snprintf(name, sizeof name, "localhost:%u", a.port);
    ck_assert_int_eq(ptd_texts_add(&b.cfg.connect, name), PTD_OK);
    host_start(&b);
    while (!is_ready || !is_let_go) { /* in whatever order */
        struct ptd_node_event ev;

        ck_assert_int_eq(ptd_chan_recv_until(b.events, &ev, NULL, until),
                         PTD_OK);
        is_ready = is_ready || ev.what == PTD_NODE_PEER_READY;
        is_let_go = is_let_go || ev.what == PTD_NODE_DIAL_FAILED;
    }
    ck_assert_uint_eq(ptd_node_peers(b.node, &peers), 1);
    ptd_peer_free(peers[0]);
    free(peers);
    host_stop(&b);
    host_stop(&a);
}
END_TEST

TCase *tcase_run(void)
{
    TCase *tc = tcase_create("run");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, two_nodes_find_each_other);
    tcase_add_test(tc, stop_takes_less_than_a_second_with_50_peers);
    tcase_add_test(tc, nothing_is_left_after_stop);
    tcase_add_test(tc, start_without_memory_fails_or_does_without);
    tcase_add_test(tc, port_in_use_is_told);
    tcase_add_test(tc, inbound_connections_are_limited);
    tcase_add_test(tc, connection_to_oneself_ends);
    tcase_add_test(tc, failed_dials_rest_longer_each_time);
    tcase_add_test(tc, lost_connection_is_made_again);
    tcase_add_test(tc, name_of_whom_we_have_is_let_go);
    return tc;
}
