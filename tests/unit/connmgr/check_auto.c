#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "pentad/msg.h"
#include "rig.h"

static const char onion[] =
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333";

/* ---- slots and their order ----------------------------------------------- */

START_TEST(full_relay_slots_are_filled_first_then_block_relay)
{
    struct rig_link l[RIG_FULL];
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 40);
    rig_start(&r);
    rig_fill(&r, l);
    for (size_t i = 0; i < RIG_FULL; i++)
        ck_assert_int_eq(l[i].l.type, i < PTD_MAX_FULL_RELAY
                                          ? PTD_LINK_FULL_RELAY
                                          : PTD_LINK_BLOCK_RELAY);
    rig_fini(&r);
}
END_TEST

START_TEST(dials_that_nobody_asked_for_are_half_a_second_apart)
{
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 20);
    rig_start(&r);
    rig_link(&r);
    rig_no_link(&r);
    rig_advance(&r, SECOND_US / 2 - 1);
    rig_no_link(&r);
    rig_advance(&r, 1);
    rig_link(&r);
    rig_no_link(&r);
    rig_fini(&r);
}
END_TEST

static const struct {
    unsigned max_connections;
    size_t n_full, n_block;
} limits[] = {
    { 0, 0, 0 }, { 1, 1, 0 }, { 8, 8, 0 }, { 9, 8, 1 }, { 10, 8, 2 },
};

START_TEST(maxconnections_is_kept)
{
    size_t n_full = 0, n_block = 0, wanted;
    struct rig_link l;
    struct rig r;

    wanted = limits[_i].n_full + limits[_i].n_block;
    rig_init(&r);
    rig_add_many(&r, 40);
    r.cfg.max_connections = limits[_i].max_connections;
    rig_start(&r);
    for (size_t i = 0; i < wanted; i++) {
        l = rig_link(&r);
        n_full += l.l.type == PTD_LINK_FULL_RELAY;
        n_block += l.l.type == PTD_LINK_BLOCK_RELAY;
        rig_advance(&r, SECOND_US);
    }
    ck_assert_uint_eq(n_full, limits[_i].n_full);
    ck_assert_uint_eq(n_block, limits[_i].n_block);
    rig_advance(&r, 3600 * SECOND_US); /* no feeler either */
    rig_no_link(&r);
    ck_assert_uint_eq(ptd_connmgr_n_automatic(limits[_i].max_connections),
                      limits[_i].max_connections);
    rig_fini(&r);
}
END_TEST

START_TEST(a_token_given_back_twice_frees_one_slot)
{
    struct rig_link l[RIG_FULL], again;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 60);
    rig_start(&r);
    rig_fill(&r, l);
    ck_assert_uint_eq(rig_n_slots(&r), RIG_FULL);
    rig_gone(&r, &l[3], true);
    ptd_connmgr_gone(r.cm, l[3].l.token);
    ptd_connmgr_gone(r.cm, 0);
    ptd_connmgr_gone(r.cm, UINT64_MAX);
    rig_settle(&r);
    rig_advance(&r, SECOND_US);
    again = rig_link(&r);
    while (again.l.type == PTD_LINK_FEELER) {
        rig_gone(&r, &again, true);
        rig_advance(&r, SECOND_US);
        again = rig_link(&r);
    }
    ck_assert_int_eq(again.l.type, PTD_LINK_FULL_RELAY);
    ck_assert_uint_ne(again.l.token, l[3].l.token);
    ck_assert_uint_eq(rig_n_slots(&r), RIG_FULL);
    rig_fini(&r);
}
END_TEST

/* ---- which address ------------------------------------------------------- */

START_TEST(no_two_connections_share_a_net_group)
{
    char text[PTD_NETADDR_TEXT];
    struct rig_link a, b;
    struct rig r;

    rig_init(&r);
    for (unsigned i = 0; i < 30; i++) {
        snprintf(text, sizeof text, "16.%u.0.%u:8333", i % 2, i + 1);
        rig_add(&r, text);
    }
    rig_start(&r);
    a = rig_link(&r);
    rig_advance(&r, SECOND_US);
    b = rig_link(&r);
    ck_assert_uint_ne(a.l.na.addr[1], b.l.na.addr[1]);
    rig_advance(&r, 20 * SECOND_US);
    rig_no_link(&r);
    /* The group is free again with its connection. */
    rig_gone(&r, &a, true);
    rig_advance(&r, 3 * SECOND_US);
    b = rig_link(&r);
    ck_assert_uint_eq(a.l.na.addr[1], b.l.na.addr[1]);
    rig_fini(&r);
}
END_TEST

enum fault {
    OWN,
    UNWANTED,
    INBOUND,
    BAD_PORT,
    RECENT,
    TERRIBLE,
    FEW_SERVICES,
    UNREACHABLE,
    NAMED
};

static const struct {
    enum fault fault;
    bool for_ever; /* rather none than this one */
} faults[] = {
    { OWN, true },          { UNWANTED, true },    { INBOUND, true },
    { BAD_PORT, false },    { RECENT, false },     { TERRIBLE, false },
    { FEW_SERVICES, true }, { UNREACHABLE, true }, { NAMED, true },
};

static void spoil(struct rig *r, size_t at, enum fault fault)
{
    static const char *const node[] = { "16.0.0.1:8333" };
    struct ptd_connmgr_addr *a = &r->addr[at].a;

    switch (fault) {
    case OWN: r->own = a->na; break;
    case UNWANTED: r->unwanted = a->na; break;
    case INBOUND:
        r->inbound = a->na;
        r->inbound.port = 40000; /* the host counts */
        break;
    case BAD_PORT: a->na.port = 22; break;
    case RECENT: a->last_try_s = ptd_clock_wall_s(r->clk) - 500; break;
    case TERRIBLE: a->is_terrible = true; break;
    case FEW_SERVICES: a->services = 0; break;
    case UNREACHABLE: a->na = rig_parse(onion); break;
    case NAMED:
        r->cfg.addnode = node;
        r->cfg.n_addnode = 1;
        atomic_store(&r->answer, PTD_EREFUSED); /* it rests meanwhile */
        break;
    }
}

START_TEST(an_address_with_a_fault_gives_way_to_one_without)
{
    struct rig_call c;
    struct rig r;

    rig_init(&r);
    rig_add(&r, "16.0.0.1:8333");
    rig_add(&r, "16.1.0.1:8333");
    spoil(&r, 0, faults[_i].fault);
    rig_start(&r);
    c = rig_call(&r);
    if (faults[_i].fault == NAMED && strcmp(c.text, "16.0.0.1:8333") == 0)
        c = rig_call(&r); /* that one was dialled as the node */
    ck_assert_str_eq(c.text, "16.1.0.1:8333");
    rig_fini(&r);
}
END_TEST

START_TEST(an_address_with_a_fault_alone_is_taken_or_not)
{
    struct rig r;

    rig_init(&r);
    rig_add(&r, "16.0.0.1:8333");
    spoil(&r, 0, faults[_i].fault);
    rig_start(&r);
    if (faults[_i].fault == NAMED) {
        rig_failure(&r);
        rig_call(&r); /* as the node, not as an address */
    }
    if (!faults[_i].for_ever)
        rig_call(&r);
    else
        rig_no_call(&r);
    rig_fini(&r);
}
END_TEST

START_TEST(new_addresses_are_tried_as_soon_as_they_are_told)
{
    struct rig r;

    rig_init(&r);
    rig_start(&r);
    rig_no_call(&r);
    rig_advance(&r, SECOND_US); /* it looks again after two */
    rig_no_call(&r);
    rig_add_many(&r, 1);
    ptd_connmgr_addrs_changed(r.cm);
    rig_link(&r);
    rig_fini(&r);
}
END_TEST

START_TEST(failures_count_once_we_are_connected_to_others)
{
    struct rig_link l[2];
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 5);
    rig_start(&r);
    l[0] = rig_link(&r);
    rig_advance(&r, SECOND_US);
    l[1] = rig_link(&r);
    atomic_store(&r.answer, PTD_EREFUSED);
    rig_advance(&r, SECOND_US);
    ck_assert_int_eq(rig_failure(&r).err, PTD_EREFUSED);
    ck_assert_uint_eq(r.addr[0].n_attempts, 1);
    ck_assert_uint_eq(r.addr[0].n_counted, 0);
    ck_assert_uint_eq(r.addr[2].n_counted, 1);
    /* Of a proxy that is not there the address knows nothing. */
    atomic_store(&r.answer, PTD_EPROXY);
    rig_advance(&r, SECOND_US);
    ck_assert_int_eq(rig_failure(&r).err, PTD_EPROXY);
    ck_assert_uint_eq(r.addr[3].n_attempts, 0);
    (void)l;
    rig_fini(&r);
}
END_TEST

START_TEST(dials_under_way_are_no_connections)
{
    enum ptd_err refused = PTD_EREFUSED;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 4);
    atomic_store(&r.net, RIG_HELD);
    rig_start(&r);
    for (int i = 0; i < 4; i++) {
        rig_call(&r);
        rig_advance(&r, SECOND_US);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(ptd_chan_send(r.answers, &refused), PTD_OK);
    for (int i = 0; i < 4; i++)
        rig_failure(&r);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(r.addr[i].n_attempts, 1);
        ck_assert_uint_eq(r.addr[i].n_counted, 0);
    }
    rig_fini(&r);
}
END_TEST

/* ---- anchors ------------------------------------------------------------- */

START_TEST(anchors_come_first)
{
    struct ptd_connmgr_addr anchors[4] = {
        { .na = rig_parse("30.0.0.1:8333"), .services = PTD_NODE_NETWORK },
        { .na = rig_parse("31.0.0.1:8333"), .services = PTD_NODE_NETWORK },
        { .na = rig_parse("32.0.0.1:8333"), .services = 0 }, /* not fit */
        { .na = rig_parse("31.0.0.9:8333"), .services = PTD_NODE_NETWORK },
    };
    struct ptd_connmgr_addr now[4];
    struct rig_link l[3];
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 10);
    r.cfg.anchors = anchors;
    r.cfg.n_anchors = 4;
    r.phrase[0] = "4 block-relay-only anchors will be tried for connections.";
    r.phrase[1] = "Trying to make an anchor connection to 31.0.0.9:8333";
    rig_start(&r);
    for (size_t i = 0; i < 3; i++) {
        l[i] = rig_link(&r);
        rig_advance(&r, SECOND_US);
    }
    ck_assert(l[0].l.anchor && l[1].l.anchor && !l[2].l.anchor);
    ck_assert_int_eq(l[0].l.type, PTD_LINK_BLOCK_RELAY);
    ck_assert_int_eq(l[1].l.type, PTD_LINK_BLOCK_RELAY);
    ck_assert_int_eq(l[2].l.type, PTD_LINK_FULL_RELAY);
    ck_assert(ptd_netaddr_is_equal(&l[0].l.na, &anchors[3].na));
    ck_assert(ptd_netaddr_is_equal(&l[1].l.na, &anchors[0].na));
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), 1);
    ck_assert_uint_eq(rig_said(&r, r.phrase[1]), 1);
    /* What the next start will begin with. */
    ck_assert_uint_eq(ptd_connmgr_block_relay(r.cm, now, 4), 2);
    ck_assert(ptd_netaddr_is_equal(&now[0].na, &anchors[3].na));
    ck_assert_uint_eq(ptd_connmgr_block_relay(r.cm, now, 1), 1);
    rig_fini(&r);
}
END_TEST

/* ---- when all slots are filled ------------------------------------------- */

enum { N_FEELERS = 200 };

START_TEST(feelers_go_out_every_two_minutes_on_average)
{
    struct rig_link l[RIG_FULL], f;
    int64_t start_us, took_s;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 100);
    for (size_t i = 50; i < 100; i++)
        r.addr[i].is_new = true;
    rig_start(&r);
    rig_fill(&r, l);
    start_us = ptd_clock_now_us(r.clk);
    for (int i = 0; i < N_FEELERS; i++) {
        f = rig_next_link(&r);
        ck_assert_int_eq(f.l.type, PTD_LINK_FEELER);
        ck_assert_uint_ge(f.l.na.addr[1], 50); /* of the new table */
        rig_forget_calls(&r);
        rig_gone(&r, &f, true);
    }
    took_s = (ptd_clock_now_us(r.clk) - start_us) / SECOND_US;
    /* 24,000 s with a deviation of 1,700: five of them either way. */
    ck_assert_int_gt(took_s, 15500);
    ck_assert_int_lt(took_s, 32500);
    rig_fini(&r);
}
END_TEST

START_TEST(a_feeler_tests_whom_another_wants_to_replace)
{
    struct rig_link l[RIG_FULL], f;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 12);
    rig_start(&r);
    rig_fill(&r, l);
    ptd_mutex_lock(&r.mu);
    r.collision = rig_parse("16.11.0.1:8333");
    ptd_mutex_unlock(&r.mu);
    f = rig_next_link(&r);
    ck_assert_int_eq(f.l.type, PTD_LINK_FEELER);
    ck_assert_uint_eq(f.l.na.addr[1], 11);
    rig_gone(&r, &f, true);
    /* We are connected to it: it is good, and another is felt for. */
    ptd_mutex_lock(&r.mu);
    r.collision = l[0].l.na;
    ptd_mutex_unlock(&r.mu);
    rig_advance(&r, 3600 * SECOND_US);
    rig_advance(&r, SECOND_US);
    rig_no_link(&r); /* there is no new address */
    ptd_mutex_lock(&r.mu);
    ck_assert_uint_ge(r.addr[l[0].l.na.addr[1]].n_good, 1);
    ptd_mutex_unlock(&r.mu);
    rig_fini(&r);
}
END_TEST

START_TEST(one_more_full_relay_peer_is_made_when_asked_for)
{
    struct rig_link l[RIG_FULL], extra;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 40);
    rig_start(&r);
    rig_fill(&r, l);
    ptd_connmgr_want_extra_peer(r.cm, true);
    ck_assert(ptd_connmgr_wants_extra_peer(r.cm));
    extra = rig_next_link(&r);
    ck_assert_int_eq(extra.l.type, PTD_LINK_FULL_RELAY);
    rig_advance(&r, 10 * SECOND_US);
    rig_no_link(&r); /* there is no slot for a second one */
    ptd_connmgr_want_extra_peer(r.cm, false);
    rig_gone(&r, &extra, true);
    rig_advance(&r, 10 * SECOND_US);
    ck_assert_uint_eq(rig_n_type(&r, PTD_LINK_FULL_RELAY), PTD_MAX_FULL_RELAY);
    rig_fini(&r);
}
END_TEST

START_TEST(one_more_block_relay_peer_is_made_now_and_then)
{
    struct rig_link l[RIG_FULL];
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 40);
    rig_start(&r);
    rig_fill(&r, l);
    rig_advance(&r, 3600 * SECOND_US);
    ck_assert_uint_eq(rig_n_type(&r, PTD_LINK_BLOCK_RELAY),
                      PTD_MAX_BLOCK_RELAY);
    ptd_connmgr_start_extra_block_relay(r.cm);
    ck_assert_int_eq(rig_next_link(&r).l.type, PTD_LINK_BLOCK_RELAY);
    rig_fini(&r);
}
END_TEST

START_TEST(a_network_without_a_peer_gets_one)
{
    struct rig_link l[RIG_FULL], extra;
    struct ptd_netaddr proxy = rig_parse("127.0.0.1:9050");
    struct rig_call c;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 40);
    r.cfg.reach.nets |= PTD_NET_BIT(PTD_NET_TORV3);
    ck_assert_int_eq(ptd_proxy_set(&r.cfg.reach.proxy[PTD_NET_TORV3], &proxy),
                     PTD_OK);
    r.phrase[0] = "Making network specific connection to";
    rig_start(&r);
    rig_fill(&r, l);
    rig_add(&r, onion);
    rig_forget_calls(&r);
    extra = rig_next_link(&r);
    ck_assert_int_eq(extra.l.type, PTD_LINK_FULL_RELAY);
    ck_assert_int_eq(extra.l.na.net, PTD_NET_TORV3);
    ck_assert(extra.l.via_proxy);
    c = rig_call(&r);
    ck_assert_str_eq(c.text, onion);
    ck_assert(c.proxied);
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), 1);
    rig_fini(&r);
}
END_TEST

START_TEST(v2_is_wanted_of_those_who_offer_it)
{
    struct rig_link l;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 2);
    r.addr[1].a.services |= PTD_NODE_P2P_V2;
    r.cfg.v2_transport = true;
    r.phrase[0] = "trying v1 connection (outbound-full-relay) to 16.0.0.1:8333";
    r.phrase[1] = "trying v2 connection (outbound-full-relay) to 16.1.0.1:8333";
    rig_start(&r);
    l = rig_link(&r);
    ck_assert(!l.l.wants_v2);
    rig_advance(&r, SECOND_US);
    l = rig_link(&r);
    ck_assert(l.l.wants_v2);
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), 1);
    ck_assert_uint_eq(rig_said(&r, r.phrase[1]), 1);
    rig_fini(&r);
}
END_TEST

TCase *auto_case(void)
{
    TCase *tc = tcase_create("auto");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, full_relay_slots_are_filled_first_then_block_relay);
    tcase_add_test(tc, dials_that_nobody_asked_for_are_half_a_second_apart);
    tcase_add_loop_test(tc, maxconnections_is_kept, 0, (int)PTD_COUNT(limits));
    tcase_add_test(tc, a_token_given_back_twice_frees_one_slot);
    tcase_add_test(tc, no_two_connections_share_a_net_group);
    tcase_add_loop_test(tc, an_address_with_a_fault_gives_way_to_one_without, 0,
                        (int)PTD_COUNT(faults));
    tcase_add_loop_test(tc, an_address_with_a_fault_alone_is_taken_or_not, 0,
                        (int)PTD_COUNT(faults));
    tcase_add_test(tc, new_addresses_are_tried_as_soon_as_they_are_told);
    tcase_add_test(tc, failures_count_once_we_are_connected_to_others);
    tcase_add_test(tc, dials_under_way_are_no_connections);
    tcase_add_test(tc, anchors_come_first);
    tcase_add_test(tc, feelers_go_out_every_two_minutes_on_average);
    tcase_add_test(tc, a_feeler_tests_whom_another_wants_to_replace);
    tcase_add_test(tc, one_more_full_relay_peer_is_made_when_asked_for);
    tcase_add_test(tc, one_more_block_relay_peer_is_made_now_and_then);
    tcase_add_test(tc, a_network_without_a_peer_gets_one);
    tcase_add_test(tc, v2_is_wanted_of_those_who_offer_it);
    return tc;
}
