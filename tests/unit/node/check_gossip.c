/* Addresses: asked for, told, told on. */
#include <config.h>

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "addrmgr/addrmgr.h"
#include "addrmgr/localaddr.h"
#include "base/util.h"
#include "check_node.h"
#include "node/addrknown.h"
#include "rig.h"

#define START_S INT64_C(1700000000)
#define BLOCK_S INT64_C(1600000600) /* of the first that the rig mines */

/* ---- what is known ---------------------------------------------------------- */

static struct ptd_netaddr addr_of(uint32_t i)
{
    const uint8_t ip[4] = { 9, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
                            (uint8_t)i };
    struct ptd_netaddr na;

    /* No ck_assert(): Check writes each of them to a file. */
    if (ptd_netaddr_set(&na, PTD_NET_IPV4, ip, 4, 8333) != PTD_OK)
        ck_abort_msg("no address");
    return na;
}

START_TEST(the_last_addresses_are_known)
{
    struct addr_known k = { 0 };
    struct ptd_netaddr na;
    unsigned wrong = 0, lost = 0;

    for (uint32_t i = 0; i < 100000; i++) {
        na = addr_of(i);
        wrong += addr_known_has(&k, &na);
        addr_known_add(&k, &na);
        lost += !addr_known_has(&k, &na);
        if (i >= PTD_ADDR_KNOWN) {
            na = addr_of(i - PTD_ADDR_KNOWN + 1);
            lost += !addr_known_has(&k, &na);
        }
    }
    ck_assert_uint_eq(lost, 0);
    for (uint32_t i = 0; i < 50000; i++) {
        na = addr_of(i);
        wrong += addr_known_has(&k, &na);
    }
    ck_assert_uint_lt(wrong, 6); /* 0.3 are to be expected */
    ck_assert_uint_le(k.young.cap, 4 * PTD_ADDR_KNOWN);
    addr_known_reset(&k);
    ck_assert(!addr_known_has(&k, &na));
}
END_TEST

/* ---- a node whose clock the test moves --------------------------------------- */

struct scene {
    struct host h;
    struct ptd_clock *clk;
};

static void scene_start(struct scene *s)
{
    s->clk = ptd_clock_new();
    ptd_clock_set_wall_us(s->clk, START_S * SECOND_US);
    host_init(&s->h);
    s->h.cfg.clock = s->clk;
    s->h.cfg.peer_timeout_us = INT64_C(400) * 24 * 3600 * SECOND_US;
    host_start(&s->h);
}

static void scene_end(struct scene *s)
{
    host_stop(&s->h);
    ptd_clock_free(s->clk);
}

/* By setmocktime, after which all that is due has been sent. */
static void later(struct scene *s, int64_t seconds)
{
    ptd_node_set_mock_time(s->h.node, ptd_clock_wall_s(s->clk) + seconds);
}

static struct ptd_msg *addrs(uint32_t from, uint32_t n, int64_t time_s)
{
    struct ptd_addr_entry *list = calloc(n + 1, sizeof *list);
    struct ptd_msg *m;

    for (uint32_t i = 0; i < n; i++)
        list[i] = (struct ptd_addr_entry){ .time = (uint32_t)time_s,
                                           .services = 9,
                                           .na = addr_of(from + i) };
    m = ptd_msg_new_addr(PTD_MSG_ADDR, list, n);
    free(list);
    return m;
}

static void guest_join(struct guest *g, struct scene *s)
{
    guest_start(g, s->h.port, 0);
    guest_wait_ready(g);
    /* Only who speaks of addresses is told of them. */
    guest_send(g, addrs(0, 0, 0));
    (void)guest_sync(g, PTD_MSG_PING);
}

/* Addresses in all messages until the sync. */
static size_t count_addrs(struct guest *g)
{
    const uint64_t nonce = 0xadd5;
    size_t n = 0;

    guest_send(g, ptd_msg_new_nonce(PTD_MSG_PING, nonce));
    for (bool done = false; !done;) {
        struct ptd_msg *m;

        ck_assert_int_eq(ptd_chan_recv(g->msgs, &m), PTD_OK);
        if (m->type == PTD_MSG_ADDR || m->type == PTD_MSG_ADDRV2)
            n += ((struct ptd_msg_addr *)(void *)m)->n;
        done = m->type == PTD_MSG_PONG &&
               ((struct ptd_msg_nonce *)(void *)m)->nonce == nonce;
        ptd_msg_free(m);
    }
    return n;
}

/* ---- relay --------------------------------------------------------------------- */

/* Row by row: what one peer says, and how many others hear of it. */
static const struct {
    const char *name;
    uint32_t n;
    int64_t age_s;
    size_t heard;
} news[] = {
    { "one fresh address", 1, 0, 2 },
    { "an old one", 1, 601, 0 },
    { "one of the future", 1, -601, 0 },
};

START_TEST(news_goes_to_two_peers)
{
    enum { N = 8 };
    struct guest from, to[N];
    bool has_heard[N];
    struct scene s;
    size_t heard = 0;

    scene_start(&s);
    guest_join(&from, &s);
    for (size_t i = 0; i < N; i++)
        guest_join(&to[i], &s);
    guest_send(&from, addrs(1, news[_i].n, START_S - news[_i].age_s));
    (void)guest_sync(&from, PTD_MSG_PING);
    for (size_t i = 0; i < N; i++)
        heard += count_addrs(&to[i]);
    ck_assert_uint_eq(heard, 0); /* not at once */
    later(&s, 600);
    for (size_t i = 0; i < N; i++) {
        has_heard[i] = count_addrs(&to[i]) > 0;
        heard += has_heard[i];
    }
    ck_assert_msg(heard == news[_i].heard, "%s: %zu", news[_i].name, heard);
    ck_assert_uint_eq(count_addrs(&from), 0);
    /* Said again, it is no news to them. (The day may have turned meanwhile,
     * for this address: then others are told.) */
    guest_send(&from, addrs(1, news[_i].n, START_S + 600 - news[_i].age_s));
    (void)guest_sync(&from, PTD_MSG_PING);
    later(&s, 600);
    for (size_t i = 0; i < N; i++)
        if (has_heard[i] || news[_i].heard == 0)
            ck_assert_uint_eq(count_addrs(&to[i]), 0);
    for (size_t i = 0; i < N; i++)
        guest_end(&to[i]);
    guest_end(&from);
    scene_end(&s);
}
END_TEST

START_TEST(long_lists_are_not_told_on)
{
    struct guest from, to;
    struct scene s;

    scene_start(&s);
    guest_join(&from, &s);
    guest_join(&to, &s);
    later(&s, 1000); /* room for a hundred addresses */
    (void)guest_sync(&from, PTD_MSG_PING);
    (void)guest_sync(&to, PTD_MSG_PING);
    guest_send(&from, addrs(1, 11, START_S + 1000));
    (void)guest_sync(&from, PTD_MSG_PING);
    later(&s, 600);
    ck_assert_uint_eq(count_addrs(&to), 0);
    ck_assert_uint_ge(ptd_addrmgr_size(ptd_node_addrmgr(s.h.node), PTD_NET_NONE,
                                       PTD_ADDRMGR_BOTH),
                      8); /* some fall on one another */
    guest_end(&to);
    guest_end(&from);
    scene_end(&s);
}
END_TEST

/* ---- the limit (CVE-2024-52919) ------------------------------------------------ */

static struct ptd_node_peer only_peer(struct scene *s)
{
    struct ptd_node_peer *list, one;
    size_t n;

    ck_assert_int_eq(ptd_node_list_peers(s->h.node, &list, &n), PTD_OK);
    ck_assert_uint_eq(n, 1);
    one = list[0];
    free(list);
    return one;
}

START_TEST(flood_of_addresses_is_limited)
{
    struct ptd_node_peer p;
    struct guest g;
    struct scene s;

    scene_start(&s);
    guest_start(&g, s.h.port, 0);
    guest_wait_ready(&g);
    for (uint32_t i = 0; i < 10; i++)
        guest_send(&g, addrs(1000 * i, 1000, START_S));
    (void)guest_sync(&g, PTD_MSG_PING);
    p = only_peer(&s);
    ck_assert_uint_eq(p.n_addrs_taken, 1);
    ck_assert_uint_eq(p.n_addrs_limited, 9999);
    later(&s, 100); /* ten more */
    guest_send(&g, addrs(10000, 1000, START_S));
    (void)guest_sync(&g, PTD_MSG_PING);
    p = only_peer(&s);
    ck_assert_uint_eq(p.n_addrs_taken, 11);
    later(&s, 12000); /* a thousand, no more */
    guest_send(&g, addrs(11000, 1000, START_S));
    guest_send(&g, addrs(12000, 1000, START_S));
    (void)guest_sync(&g, PTD_MSG_PING);
    p = only_peer(&s);
    ck_assert_uint_eq(p.n_addrs_taken, 1011);
    ck_assert_uint_le(ptd_addrmgr_size(ptd_node_addrmgr(s.h.node), PTD_NET_NONE,
                                       PTD_ADDRMGR_BOTH),
                      1011);
    guest_end(&g);
    scene_end(&s);
}
END_TEST

START_TEST(permission_lifts_the_limit)
{
    struct ptd_complaint why;
    struct ptd_node_peer p;
    struct guest g;
    struct scene s;

    s.clk = ptd_clock_new();
    ptd_clock_set_wall_us(s.clk, START_S * SECOND_US);
    host_init(&s.h);
    s.h.cfg.clock = s.clk;
    s.h.cfg.whitelist = calloc(1, sizeof *s.h.cfg.whitelist);
    s.h.cfg.n_whitelist = 1;
    ck_assert_int_eq(
        ptd_whitelist_parse(&s.h.cfg.whitelist[0], "addr@127.0.0.1", &why),
        PTD_OK);
    host_start(&s.h);
    guest_start(&g, s.h.port, 0);
    guest_wait_ready(&g);
    guest_send(&g, addrs(0, 1000, START_S));
    (void)guest_sync(&g, PTD_MSG_PING);
    p = only_peer(&s);
    ck_assert_uint_eq(p.n_addrs_taken, 1000);
    ck_assert_uint_eq(p.n_addrs_limited, 0);
    ck_assert_uint_eq(p.permissions, PTD_MAY_ADDR);
    guest_end(&g);
    scene_end(&s);
}
END_TEST

/* ---- getaddr ---------------------------------------------------------------------- */

static void fill(struct scene *s, uint32_t n)
{
    struct ptd_netaddr source = addr_of(0);

    for (uint32_t i = 1; i <= n; i++) {
        struct ptd_addr_entry e = { .time = START_S,
                                    .services = 9,
                                    .na = addr_of(i << 8) };

        source.addr[1] = (uint8_t)i;
        (void)ptd_addrmgr_add(ptd_node_addrmgr(s->h.node), &e, 1, &source, 0);
    }
}

START_TEST(getaddr_is_answered_once_and_alike_for_a_day)
{
    struct ptd_msg *m;
    struct guest g[3];
    struct scene s;
    size_t n[3];

    scene_start(&s);
    fill(&s, 1000);
    for (size_t i = 0; i < 3; i++) {
        guest_start(&g[i], s.h.port, 0);
        guest_wait_ready(&g[i]);
        guest_send(&g[i], ptd_msg_new(PTD_MSG_GETADDR));
        guest_send(&g[i], ptd_msg_new(PTD_MSG_GETADDR));
        m = guest_wait(&g[i], PTD_MSG_ADDRV2);
        n[i] = ((struct ptd_msg_addr *)(void *)m)->n;
        ptd_msg_free(m);
    }
    later(&s, 600);
    ck_assert_uint_gt(n[0], 100);
    ck_assert_uint_le(n[0], 230);
    ck_assert_uint_eq(n[1], n[0]);
    ck_assert_uint_eq(n[2], n[0]);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(count_addrs(&g[i]), 0);
        guest_end(&g[i]);
    }
    scene_end(&s);
}
END_TEST

/* Who reaches two addresses of ours does not see that they are one node. */
START_TEST(getaddr_differs_by_the_address_that_was_called)
{
    struct ptd_msg *m[3];
    struct ptd_netaddr at;
    struct scene s;

    s.clk = ptd_clock_new();
    ptd_clock_set_wall_us(s.clk, START_S * SECOND_US);
    host_init(&s.h);
    s.h.cfg.clock = s.clk;
    s.h.cfg.whitebind = calloc(1, sizeof *s.h.cfg.whitebind);
    s.h.cfg.n_whitebind = 1;
    s.h.cfg.whitebind[0].addr = s.h.cfg.bind[0];
    host_start(&s.h);
    fill(&s, 1000);
    ck_assert(ptd_node_bound(s.h.node, 1, &at));
    for (size_t i = 0; i < 3; i++) {
        struct guest g;

        guest_start(&g, i == 1 ? at.port : s.h.port, 0);
        guest_send(&g, ptd_msg_new(PTD_MSG_GETADDR));
        m[i] = guest_wait(&g, PTD_MSG_ADDRV2);
        guest_end(&g);
    }
    for (size_t i = 1; i < 3; i++) {
        const struct ptd_msg_addr *a = (struct ptd_msg_addr *)(void *)m[0];
        const struct ptd_msg_addr *b = (struct ptd_msg_addr *)(void *)m[i];
        size_t n_same = 0;

        for (uint32_t j = 0; j < a->n; j++)
            for (uint32_t k = 0; k < b->n; k++)
                n_same += ptd_netaddr_is_equal(&a->list[j].na, &b->list[k].na);
        if (i == 2)
            ck_assert_uint_eq(n_same, a->n);
        else
            ck_assert_uint_lt(n_same, a->n / 2);
    }
    for (size_t i = 0; i < 3; i++)
        ptd_msg_free(m[i]);
    scene_end(&s);
}
END_TEST

/* ---- our own address -------------------------------------------------------------- */

START_TEST(own_address_is_told_once_a_day)
{
    struct ptd_netaddr own = addr_of(77);
    struct ptd_msg *list[1];
    struct guest g;
    struct scene s;
    size_t n, total = 0;

    s.clk = ptd_clock_new();
    ptd_clock_set_wall_us(s.clk, (BLOCK_S + 60) * SECOND_US);
    host_init(&s.h);
    s.h.cfg.clock = s.clk;
    s.h.cfg.peer_timeout_us = INT64_C(400) * 24 * 3600 * SECOND_US;
    host_start(&s.h);
    ck_assert_int_eq(
        ptd_localaddr_add(ptd_node_localaddr(s.h.node), &own, PTD_LOCAL_MANUAL),
        PTD_OK);
    guest_join(&g, &s);
    later(&s, 600);
    ck_assert_uint_eq(count_addrs(&g), 0); /* we may not know the chain yet */
    mine_chain(list, 1, 0);
    guest_send(&g, ptd_msg_ref(list[0]));
    (void)host_wait(&s.h, PTD_NODE_BLOCK, 1);
    while (count_addrs(&g) == 0) /* the thread is on its way */
        sched_yield();
    later(&s, 600);
    ck_assert_uint_eq(count_addrs(&g), 0);
    for (n = 0; n < 100 * 8; n++) { /* a hundred days */
        later(&s, 3 * 3600);
        total += count_addrs(&g);
    }
    ck_assert_uint_gt(total, 40); /* six deviations off the mean of 100 */
    ck_assert_uint_lt(total, 170);
    guest_end(&g);
    free_chain(list, 1);
    scene_end(&s);
}
END_TEST

TCase *tcase_gossip(void)
{
    TCase *tc = tcase_create("gossip");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_last_addresses_are_known);
    tcase_add_loop_test(tc, news_goes_to_two_peers, 0, PTD_COUNT(news));
    tcase_add_test(tc, long_lists_are_not_told_on);
    tcase_add_test(tc, flood_of_addresses_is_limited);
    tcase_add_test(tc, permission_lifts_the_limit);
    tcase_add_test(tc, getaddr_is_answered_once_and_alike_for_a_day);
    tcase_add_test(tc, getaddr_differs_by_the_address_that_was_called);
    tcase_add_test(tc, own_address_is_told_once_a_day);
    return tc;
}
