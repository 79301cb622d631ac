#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "rig.h"

static const char *const dns[] = { "a.test", "b.test", "c.test", "d.test",
                                   "e.test", "f.test", "g.test", NULL };
enum { N_DNS = 7 };

/* Two fixed seeds of IPv4 and one of Tor. */
static const uint8_t fixed[] = {
    1,  4,    10,   20, 30, 40, 0x20, 0x8d, 1,  4,  50, 60,   70,
    80, 0x20, 0x8d, 4,  32, 0,  1,    2,    3,  4,  5,  6,    7,
    8,  9,    10,   11, 12, 13, 14,   15,   16, 17, 18, 19,   20,
    21, 22,   23,   24, 25, 26, 27,   28,   29, 30, 31, 0x20, 0x8d,
};

static void seeds_init(struct rig *r)
{
    rig_init(r);
    r->params.dns_seeds = dns;
    r->params.seeds = fixed;
    r->params.seeds_size = sizeof fixed;
    atomic_store(&r->answer, PTD_EREFUSED);
    atomic_store(&r->resolves, PTD_ERESOLVE);
}

/* Look-ups among the calls so far; those of dials are thrown away. */
static size_t n_look_ups(struct rig *r)
{
    struct rig_call c;
    size_t n = 0;

    while (ptd_chan_try_recv(r->calls, &c) == PTD_OK)
        n += c.look_up && strncmp(c.text, "x9.", 3) == 0;
    return n;
}

/* Two full-relay peers, ready. */
static void two_peers(struct rig *r)
{
    struct rig_link l;

    atomic_store(&r->answer, PTD_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(ptd_connmgr_dial(r->cm, i == 0 ? "1.0.0.1" : "2.0.0.1",
                                          PTD_LINK_FULL_RELAY, false),
                         PTD_OK);
        do
            l = rig_link(r);
        while (l.name[0] == '\0');
        ptd_connmgr_ready(r->cm, l.l.token);
    }
    rig_settle(r);
}

/* The thread dnsseed works meanwhile: wait until a phrase was said. */
static void await_said(struct rig *r, const char *phrase)
{
    while (rig_said(r, phrase) == 0)
        rig_settle(r);
}

/* ---- DNS seeds ----------------------------------------------------------- */

START_TEST(a_node_that_knows_nobody_asks_all_dns_seeds)
{
    bool seen[N_DNS] = { false };
    struct rig_call c;
    struct rig r;

    seeds_init(&r);
    r.cfg.dns_seed = true;
    r.cfg.automatic = false;
    atomic_store(&r.resolves, PTD_OK);
    atomic_store(&r.n_resolved, 40);
    r.phrase[0] = "addresses found from DNS seeds";
    r.phrase[1] = "224 addresses found from DNS seeds"; /* 32 of each */
    rig_start(&r);
    for (size_t i = 0; i < N_DNS; i++) {
        char host[32];

        c = rig_call(&r);
        ck_assert(c.look_up);
        for (size_t k = 0; k < N_DNS; k++) {
            snprintf(host, sizeof host, "x9.%s", dns[k]);
            if (strcmp(host, c.text) == 0) {
                ck_assert(!seen[k]);
                seen[k] = true;
            }
        }
    }
    for (size_t k = 0; k < N_DNS; k++)
        ck_assert_msg(seen[k], "%s", dns[k]);
    await_said(&r, r.phrase[0]);
    ck_assert_uint_eq(rig_said(&r, r.phrase[1]), 1);
    ck_assert_uint_eq(r.n_addrs, RIG_ADDRS); /* as many as it holds */
    ck_assert_int_le(r.addr[0].a.seen_s, 1700000000 - 3 * 86400);
    ck_assert_int_ge(r.addr[0].a.seen_s, 1700000000 - 7 * 86400);
    rig_fini(&r);
}
END_TEST

static const struct {
    size_t n_addrs;
    int64_t wait_s;
    const char *phrase;
} waits[] = {
    { 1, 11, "Waiting 11 seconds before querying DNS seeds." },
    { 100, 11, "Waiting 11 seconds before querying DNS seeds." },
    { 1000, 300, "Waiting 300 seconds before querying DNS seeds." },
};

static size_t many_addrs(void *arg, enum ptd_net net)
{
    (void)arg;
    (void)net;
    return 1000;
}

START_TEST(who_knows_some_asks_three_seeds_at_a_time)
{
    struct rig r;

    seeds_init(&r);
    rig_add_many(&r, PTD_MIN(waits[_i].n_addrs, 100));
    if (waits[_i].n_addrs == 1000)
        r.cfg.addrs.count = many_addrs;
    r.cfg.dns_seed = true;
    r.cfg.automatic = false;
    r.phrase[0] = waits[_i].phrase;
    r.phrase[1] = "0 addresses found from DNS seeds";
    rig_start(&r);
    for (unsigned batch = 0; batch < 3; batch++) {
        rig_settle(&r);
        while (rig_said(&r, r.phrase[0]) < batch + 1)
            rig_settle(&r);
        ck_assert_uint_eq(n_look_ups(&r), batch == 0 ? 0 : 3);
        rig_advance(&r, waits[_i].wait_s * SECOND_US - 1);
        ck_assert_uint_eq(n_look_ups(&r), 0);
        rig_advance(&r, 1);
    }
    await_said(&r, r.phrase[1]);
    ck_assert_uint_eq(n_look_ups(&r), 1);
    rig_fini(&r);
}
END_TEST

START_TEST(two_peers_make_dns_seeds_unnecessary)
{
    struct rig r;

    seeds_init(&r);
    rig_add_many(&r, 1);
    r.cfg.dns_seed = true;
    r.cfg.automatic = false;
    r.phrase[0] = "P2P peers available. Skipped DNS seeding.";
    rig_start(&r);
    two_peers(&r);
    await_said(&r, r.phrase[0]);
    rig_advance(&r, 60 * SECOND_US);
    ck_assert_uint_eq(n_look_ups(&r), 0);
    rig_fini(&r);
}
END_TEST

START_TEST(forcednsseed_asks_all_at_once)
{
    struct rig r;

    seeds_init(&r);
    rig_add_many(&r, 5);
    r.cfg.dns_seed = true;
    r.cfg.force_dns_seed = true;
    r.cfg.automatic = false;
    r.phrase[0] = "0 addresses found from DNS seeds";
    rig_start(&r);
    await_said(&r, r.phrase[0]);
    ck_assert_uint_eq(n_look_ups(&r), N_DNS);
    rig_fini(&r);
}
END_TEST

START_TEST(without_dnsseed_none_is_asked)
{
    struct rig r;

    seeds_init(&r);
    r.phrase[0] = "DNS seeding disabled";
    r.phrase[1] = "Fixed seeds are disabled";
    rig_start(&r);
    rig_advance(&r, 600 * SECOND_US);
    rig_no_call(&r);
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), 1);
    ck_assert_uint_eq(rig_said(&r, r.phrase[1]), 1);
    rig_fini(&r);
}
END_TEST

START_TEST(behind_a_proxy_seeds_are_asked_as_nodes)
{
    struct ptd_netaddr proxy = rig_parse("127.0.0.1:9050");
    struct rig_call c;
    struct rig r;

    seeds_init(&r);
    r.cfg.dns_seed = true;
    ck_assert_int_eq(ptd_proxy_set(&r.cfg.reach.name_proxy, &proxy), PTD_OK);
    rig_start(&r);
    for (size_t i = 0; i < N_DNS; i++) {
        c = rig_call(&r);
        ck_assert(c.proxied && !c.look_up);
        ck_assert_ptr_nonnull(strstr(c.text, ".test:18444"));
        ck_assert_int_eq(rig_failure(&r).l.type, PTD_LINK_ADDR_FETCH);
        rig_advance(&r, SECOND_US);
    }
    rig_no_call(&r);
    rig_fini(&r);
}
END_TEST

START_TEST(a_seed_without_an_answer_is_asked_as_a_node)
{
    struct rig_link l;
    struct rig r;

    seeds_init(&r);
    r.cfg.dns_seed = true;
    rig_start(&r);
    l = rig_failure(&r);
    ck_assert_int_eq(l.l.type, PTD_LINK_ADDR_FETCH);
    ck_assert_ptr_nonnull(strstr(l.name, ".test"));
    rig_fini(&r);
}
END_TEST

START_TEST(while_the_network_is_off_no_seed_is_asked)
{
    struct rig r;

    seeds_init(&r);
    r.cfg.dns_seed = true;
    r.cfg.network_active = false;
    r.phrase[0] = "Waiting for network to be reactivated before querying DNS "
                  "seeds.";
    r.phrase[1] = "0 addresses found from DNS seeds";
    rig_start(&r);
    rig_advance(&r, 60 * SECOND_US);
    rig_no_call(&r);
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), 1);
    ptd_connmgr_set_active(r.cm, true);
    await_said(&r, r.phrase[1]);
    ck_assert_uint_eq(n_look_ups(&r), N_DNS);
    rig_fini(&r);
}
END_TEST

/* ---- seed nodes ---------------------------------------------------------- */

static const char *const seed_nodes[] = { "25.0.0.1", "25.0.0.2", "25.0.0.3" };

START_TEST(who_knows_nobody_asks_a_seed_node_at_once)
{
    struct rig_link l;
    struct rig r;

    seeds_init(&r);
    r.cfg.seednode = seed_nodes;
    r.cfg.n_seednode = 1;
    r.phrase[0] = "Empty addrman, adding seednode (25.0.0.1) to addrfetch";
    rig_start(&r);
    l = rig_failure(&r);
    ck_assert_int_eq(l.l.type, PTD_LINK_ADDR_FETCH);
    ck_assert_str_eq(l.name, "25.0.0.1");
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), 1);
    /* It was away; who still knows nobody asks again. */
    rig_settle(&r);
    rig_advance(&r, 299 * SECOND_US);
    ck_assert_uint_eq(ptd_chan_len(r.failures), 0);
    rig_advance(&r, 2 * SECOND_US);
    l = rig_failure(&r);
    ck_assert_str_eq(l.name, "25.0.0.1");
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), 2);
    rig_fini(&r);
}
END_TEST

START_TEST(who_knows_some_tries_them_for_ten_seconds)
{
    struct rig r;

    seeds_init(&r);
    rig_add(&r, "16.0.0.1:8333");
    r.addr[0].a.services = 0; /* of no use */
    r.cfg.seednode = seed_nodes;
    r.cfg.n_seednode = 3;
    r.phrase[0] = "Couldn't connect to peers from addrman after 10 seconds. "
                  "Adding seednode (25.0.0.";
    rig_start(&r);
    rig_no_call(&r);
    for (unsigned i = 0; i < 3; i++) {
        rig_advance(&r, 10 * SECOND_US - 1);
        rig_no_call(&r);
        rig_advance(&r, 1);
        ck_assert_int_eq(rig_failure(&r).l.type, PTD_LINK_ADDR_FETCH);
        rig_call(&r);
        ck_assert_uint_eq(rig_said(&r, r.phrase[0]), i + 1);
    }
    rig_fini(&r);
}
END_TEST

START_TEST(two_peers_make_seed_nodes_unnecessary)
{
    struct rig_link l;
    struct rig r;

    seeds_init(&r);
    rig_add(&r, "16.0.0.1:8333");
    r.addr[0].a.services = 0;
    r.cfg.seednode = seed_nodes;
    r.cfg.n_seednode = 3;
    rig_start(&r);
    two_peers(&r);
    rig_forget_calls(&r);
    rig_advance(&r, 600 * SECOND_US);
    rig_no_call(&r);
    ck_assert_uint_eq(rig_n_type(&r, PTD_LINK_ADDR_FETCH), 0);
    /* One of them goes: it is needed after all. */
    ptd_connmgr_gone(r.cm, 1);
    ptd_connmgr_gone(r.cm, 2);
    ptd_connmgr_gone(r.cm, 3);
    l = rig_link(&r);
    ck_assert_int_eq(l.l.type, PTD_LINK_ADDR_FETCH);
    rig_fini(&r);
}
END_TEST

START_TEST(seed_nodes_have_half_a_minute_before_dns_seeds)
{
    struct rig r;

    seeds_init(&r);
    r.cfg.dns_seed = true;
    r.cfg.seednode = seed_nodes;
    r.cfg.n_seednode = 1;
    r.phrase[0] = "-seednode enabled. Trying the provided seeds for 30 seconds "
                  "before defaulting to the dnsseeds.";
    r.phrase[1] = "Couldn't connect to enough peers via seed nodes. Handing "
                  "fetch logic to the DNS seeds.";
    r.phrase[2] = "0 addresses found from DNS seeds";
    rig_start(&r);
    rig_failure(&r);
    rig_advance(&r, 30 * SECOND_US - 1);
    ck_assert_uint_eq(n_look_ups(&r), 0);
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), 1);
    ck_assert_uint_eq(rig_said(&r, r.phrase[1]), 0);
    rig_advance(&r, 1);
    ck_assert_uint_eq(rig_said(&r, r.phrase[1]), 1);
    await_said(&r, r.phrase[2]);
    ck_assert_uint_eq(n_look_ups(&r), N_DNS);
    rig_fini(&r);
}
END_TEST

START_TEST(enough_peers_by_seed_nodes_end_the_search)
{
    struct rig r;

    seeds_init(&r);
    rig_add(&r, "16.0.0.1:8333");
    r.addr[0].a.services = 0;
    r.cfg.dns_seed = true;
    r.cfg.seednode = seed_nodes;
    r.cfg.n_seednode = 1;
    r.phrase[0] = "P2P peers available. Finished fetching data from seed "
                  "nodes.";
    r.phrase[1] = "Skipping DNS seeds. Enough peers have been found";
    rig_start(&r);
    two_peers(&r);
    await_said(&r, r.phrase[0]);
    ck_assert_uint_eq(rig_said(&r, r.phrase[1]), 1);
    rig_fini(&r);
}
END_TEST

START_TEST(with_connect_nobody_is_asked_for_addresses)
{
    struct rig r;

    seeds_init(&r);
    r.cfg.automatic = false;
    r.cfg.fixed_seeds = true;
    r.cfg.seednode = seed_nodes;
    r.cfg.n_seednode = 3;
    rig_start(&r);
    rig_advance(&r, 600 * SECOND_US);
    rig_no_call(&r);
    ck_assert_uint_eq(r.n_addrs, 0);
    rig_fini(&r);
}
END_TEST

/* ---- fixed seeds --------------------------------------------------------- */

static const struct {
    bool dns, addnode, seednode;
    bool at_once;
} sources[] = {
    { false, false, false, true },
    { true, false, false, false },
    { false, true, false, false },
    { false, false, true, false },
};

static size_t n_known(struct rig *r)
{
    size_t n;

    rig_settle(r);
    ptd_mutex_lock(&r->mu);
    n = r->n_addrs;
    ptd_mutex_unlock(&r->mu);
    return n;
}

START_TEST(fixed_seeds_wait_for_other_sources)
{
    struct rig r;

    seeds_init(&r);
    r.cfg.fixed_seeds = true;
    r.cfg.dns_seed = sources[_i].dns;
    r.cfg.addnode = seed_nodes;
    r.cfg.n_addnode = sources[_i].addnode;
    r.cfg.seednode = seed_nodes;
    r.cfg.n_seednode = sources[_i].seednode;
    r.phrase[0] = "Adding fixed seeds as -dnsseed=0 (or IPv4/IPv6 connections "
                  "are disabled via -onlynet) and neither -addnode nor "
                  "-seednode are provided";
    r.phrase[1] = "Adding fixed seeds as 60 seconds have passed and addrman is "
                  "empty for at least one reachable network";
    r.phrase[2] = "Added 2 fixed seeds from reachable networks.";
    rig_start(&r);
    ck_assert_uint_eq(n_known(&r), sources[_i].at_once ? 2 : 0);
    rig_advance(&r, 60 * SECOND_US - 1);
    ck_assert_uint_eq(n_known(&r), sources[_i].at_once ? 2 : 0);
    rig_advance(&r, 1);
    ck_assert_uint_eq(n_known(&r), 2);
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), sources[_i].at_once);
    ck_assert_uint_eq(rig_said(&r, r.phrase[1]), !sources[_i].at_once);
    ck_assert_uint_eq(rig_said(&r, r.phrase[2]), 1);
    rig_fini(&r);
}
END_TEST

START_TEST(fixed_seeds_serve_networks_where_we_know_nobody)
{
    struct rig r;

    seeds_init(&r);
    r.cfg.fixed_seeds = true;
    r.cfg.reach.nets = PTD_NET_BIT(PTD_NET_IPV4) | PTD_NET_BIT(PTD_NET_TORV3);
    rig_add(&r, "16.0.0.1:8333");
    rig_start(&r);
    ck_assert_uint_eq(n_known(&r), 2);
    ck_assert_int_eq(r.addr[1].a.na.net, PTD_NET_TORV3);
    ck_assert_uint_eq(r.addr[1].a.na.port, 8333);
    rig_fini(&r);
}
END_TEST

TCase *seeds_case(void)
{
    TCase *tc = tcase_create("seeds");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_node_that_knows_nobody_asks_all_dns_seeds);
    tcase_add_loop_test(tc, who_knows_some_asks_three_seeds_at_a_time, 0,
                        (int)PTD_COUNT(waits));
    tcase_add_test(tc, two_peers_make_dns_seeds_unnecessary);
    tcase_add_test(tc, forcednsseed_asks_all_at_once);
    tcase_add_test(tc, without_dnsseed_none_is_asked);
    tcase_add_test(tc, behind_a_proxy_seeds_are_asked_as_nodes);
    tcase_add_test(tc, a_seed_without_an_answer_is_asked_as_a_node);
    tcase_add_test(tc, while_the_network_is_off_no_seed_is_asked);
    tcase_add_test(tc, who_knows_nobody_asks_a_seed_node_at_once);
    tcase_add_test(tc, who_knows_some_tries_them_for_ten_seconds);
    tcase_add_test(tc, two_peers_make_seed_nodes_unnecessary);
    tcase_add_test(tc, seed_nodes_have_half_a_minute_before_dns_seeds);
    tcase_add_test(tc, enough_peers_by_seed_nodes_end_the_search);
    tcase_add_test(tc, with_connect_nobody_is_asked_for_addresses);
    tcase_add_loop_test(tc, fixed_seeds_wait_for_other_sources, 0,
                        (int)PTD_COUNT(sources));
    tcase_add_test(tc, fixed_seeds_serve_networks_where_we_know_nobody);
    return tc;
}
