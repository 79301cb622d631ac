#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "rig.h"

/* No automatic connections: named nodes alone. */
static void named_init(struct rig *r, const char *const *addnode, size_t n)
{
    rig_init(r);
    r->cfg.automatic = false;
    r->cfg.addnode = addnode;
    r->cfg.n_addnode = n;
}

static const char *const one[] = { "16.0.0.1:8333" };
static const char *const by_name[] = { "node.example.org" };

START_TEST(a_node_that_fails_comes_back_later_each_time)
{
    struct ptd_connmgr_slot s;
    struct rig r;

    named_init(&r, one, 1);
    atomic_store(&r.answer, PTD_EREFUSED);
    rig_start(&r);
    for (int64_t n = 1; n <= 70; n++) {
        int64_t rest_us = PTD_MIN(5 * n, 300) * SECOND_US;

        ck_assert_int_eq(rig_failure(&r).err, PTD_EREFUSED);
        rig_call(&r);
        rig_settle(&r);
        s = rig_slot(&r, one[0]);
        ck_assert_int_eq(s.state, PTD_SLOT_RESTS);
        ck_assert_uint_eq(s.n_fails, (unsigned)n);
        ck_assert_int_eq(s.due_us - ptd_clock_now_us(r.clk), rest_us);
        rig_advance(&r, rest_us - 1);
        rig_no_call(&r);
        rig_advance(&r, 1);
    }
    rig_fini(&r);
}
END_TEST

START_TEST(a_node_is_dialled_while_the_old_connection_ends)
{
    struct rig_link l;
    struct rig r;

    named_init(&r, NULL, 0);
    rig_start(&r);
    ck_assert_int_eq(ptd_connmgr_dial(r.cm, one[0], PTD_LINK_MANUAL, false),
                     PTD_OK);
    l = rig_link(&r);
    atomic_store(&r.ending, l.l.token);
    ck_assert_int_eq(ptd_connmgr_add(r.cm, one[0], false), PTD_OK);
    ck_assert_str_eq(rig_link(&r).name, one[0]);
    rig_fini(&r);
}
END_TEST

START_TEST(a_connection_that_was_of_use_resets_the_pause)
{
    struct rig_link l;
    struct rig r;

    named_init(&r, one, 1);
    rig_start(&r);
    for (int i = 0; i < 3; i++) {
        l = rig_link(&r);
        ck_assert_int_eq(l.l.type, PTD_LINK_MANUAL);
        ck_assert_str_eq(l.name, one[0]);
        rig_gone(&r, &l, false); /* never ready: as good as a failure */
        ck_assert_uint_eq(rig_slot(&r, one[0]).n_fails, (unsigned)i + 1);
        rig_advance(&r, 5 * (i + 1) * SECOND_US);
    }
    l = rig_link(&r);
    rig_gone(&r, &l, true);
    ck_assert_int_eq(rig_slot(&r, one[0]).due_us - ptd_clock_now_us(r.clk),
                     5 * SECOND_US);
    rig_fini(&r);
}
END_TEST

START_TEST(eight_nodes_are_connected_to_at_a_time)
{
    char text[12][PTD_NETADDR_TEXT];
    const char *list[12];
    struct rig_link l[PTD_MAX_ADDNODE];
    struct rig r;

    for (unsigned i = 0; i < 12; i++) {
        snprintf(text[i], sizeof text[i], "16.%u.0.1:8333", i);
        list[i] = text[i];
    }
    named_init(&r, list, 12);
    rig_start(&r);
    for (size_t i = 0; i < PTD_MAX_ADDNODE; i++)
        l[i] = rig_link(&r);
    rig_advance(&r, 600 * SECOND_US);
    rig_no_link(&r);
    ck_assert_uint_eq(rig_n_slots(&r), 12);
    rig_gone(&r, &l[0], true);
    rig_link(&r); /* the ninth */
    rig_no_link(&r);
    rig_fini(&r);
}
END_TEST

START_TEST(nodes_of_connect_have_no_such_limit)
{
    char text[12][PTD_NETADDR_TEXT];
    const char *list[12];
    struct rig r;

    for (unsigned i = 0; i < 12; i++) {
        snprintf(text[i], sizeof text[i], "16.%u.0.1:8333", i);
        list[i] = text[i];
    }
    rig_init(&r);
    rig_add_many(&r, 20);
    r.cfg.automatic = false;
    r.cfg.connect = list;
    r.cfg.n_connect = 12;
    rig_start(&r);
    for (size_t i = 0; i < 12; i++)
        ck_assert_int_eq(rig_link(&r).l.type, PTD_LINK_MANUAL);
    rig_advance(&r, 3600 * SECOND_US);
    rig_no_link(&r); /* and nobody else is dialled */
    rig_fini(&r);
}
END_TEST

/* ---- the list ------------------------------------------------------------ */

START_TEST(nodes_are_added_once_and_removed_once)
{
    struct ptd_connmgr_added *list;
    struct rig_link l;
    struct rig r;
    size_t n;

    named_init(&r, NULL, 0);
    rig_start(&r);
    ck_assert_int_eq(ptd_connmgr_remove(r.cm, "16.0.0.1"), PTD_ENOTFOUND);
    ck_assert_int_eq(ptd_connmgr_add(r.cm, "16.0.0.1", false), PTD_OK);
    l = rig_link(&r);
    ck_assert_int_eq(ptd_connmgr_add(r.cm, "16.0.0.1", false), PTD_EEXIST);
    /* The same address, spelled with the default port. */
    ck_assert_int_eq(ptd_connmgr_add(r.cm, "16.0.0.1:18444", false),
                     PTD_EEXIST);
    /* … and in the short forms of old. */
    ck_assert_int_eq(ptd_connmgr_add(r.cm, "16.1:18444", false), PTD_EEXIST);
    ck_assert_int_eq(ptd_connmgr_add(r.cm, "0x10000001", false), PTD_EEXIST);
    ck_assert_int_eq(ptd_connmgr_add(r.cm, "16.0.0.1:1", true), PTD_OK);
    ck_assert(rig_link(&r).l.wants_v2);
    ck_assert_int_eq(ptd_connmgr_list_added(r.cm, &list, &n), PTD_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(list[0].node, "16.0.0.1");
    ck_assert_int_eq(list[0].found, PTD_FOUND_OUTBOUND);
    ck_assert(ptd_netaddr_is_equal(&list[0].na, &l.l.na));
    ck_assert(!list[0].wants_v2 && list[1].wants_v2);
    ptd_connmgr_added_free(list, n);
    /* The connection outlives its place in the list, but has no successor. */
    ck_assert_int_eq(ptd_connmgr_remove(r.cm, "16.0.0.1"), PTD_OK);
    ck_assert_int_eq(ptd_connmgr_remove(r.cm, "16.0.0.1"), PTD_ENOTFOUND);
    ck_assert_int_eq(rig_slot(&r, "16.0.0.1").state, PTD_SLOT_CONNECTED);
    rig_gone(&r, &l, true);
    rig_advance(&r, 600 * SECOND_US);
    rig_no_link(&r);
    rig_fini(&r);
}
END_TEST

static const char *const no_nodes[] = {
    "", " ", "two words", "1.2.3.4:99999", "host:port", "new\nline", "host:0x1",
};

START_TEST(what_is_no_node_is_not_added)
{
    char longest[400];
    struct rig r;

    named_init(&r, NULL, 0);
    rig_start(&r);
    ck_assert_int_eq(ptd_connmgr_add(r.cm, no_nodes[_i], false), PTD_EINVAL);
    memset(longest, 'a', sizeof longest);
    longest[399] = '\0';
    ck_assert_int_eq(ptd_connmgr_add(r.cm, longest, false), PTD_EINVAL);
    ck_assert_uint_eq(rig_n_slots(&r), 0);
    rig_fini(&r);
}
END_TEST

START_TEST(a_bad_line_of_the_start_is_told_and_left_out)
{
    static const char *const lines[] = { "no node", "16.0.0.1:8333",
                                         "16.0.0.1:8333" };
    struct rig r;

    named_init(&r, lines, 3);
    r.phrase[0] = "Neither address nor name: -addnode=no node";
    rig_start(&r);
    rig_link(&r);
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), 1);
    ck_assert_uint_eq(rig_n_slots(&r), 1);
    rig_fini(&r);
}
END_TEST

START_TEST(an_inbound_connection_from_it_is_enough)
{
    struct ptd_connmgr_added *list;
    struct rig r;
    size_t n;

    named_init(&r, one, 1);
    r.inbound = rig_parse(one[0]);
    rig_start(&r);
    ck_assert_int_eq(rig_failure(&r).err, PTD_EEXIST);
    rig_no_call(&r);
    ck_assert_uint_eq(rig_slot(&r, one[0]).n_fails, 0);
    ck_assert_int_eq(ptd_connmgr_list_added(r.cm, &list, &n), PTD_OK);
    ck_assert_int_eq(list[0].found, PTD_FOUND_INBOUND);
    ptd_connmgr_added_free(list, n);
    /* It goes, and within a minute we call. */
    ptd_mutex_lock(&r.mu);
    r.inbound.net = PTD_NET_NONE;
    ptd_mutex_unlock(&r.mu);
    rig_advance(&r, 60 * SECOND_US);
    rig_link(&r);
    rig_fini(&r);
}
END_TEST

/* ---- names --------------------------------------------------------------- */

START_TEST(a_name_is_looked_up_and_its_address_told)
{
    struct rig_call c;
    struct rig_link l;
    struct rig r;

    named_init(&r, by_name, 1);
    atomic_store(&r.n_resolved, 1);
    rig_start(&r);
    c = rig_call(&r);
    ck_assert(c.look_up);
    ck_assert_str_eq(c.text, by_name[0]);
    l = rig_link(&r);
    ck_assert_str_eq(l.name, by_name[0]);
    ck_assert_uint_eq(l.l.na.port, r.params.port);
    ck_assert(!l.l.via_proxy);
    /* Its address is taken now. */
    ck_assert_int_eq(
        ptd_connmgr_dial(r.cm, "20.0.0.1:18444", PTD_LINK_MANUAL, false),
        PTD_EEXIST);
    ck_assert_int_eq(
        ptd_connmgr_dial(r.cm, "other.example.org", PTD_LINK_MANUAL, false),
        PTD_EEXIST);
    rig_fini(&r);
}
END_TEST

START_TEST(all_addresses_of_a_name_are_tried)
{
    struct rig r;

    named_init(&r, by_name, 1);
    atomic_store(&r.n_resolved, 4);
    atomic_store(&r.answer, PTD_EREFUSED);
    rig_start(&r);
    rig_failure(&r);
    ck_assert_uint_eq(ptd_chan_len(r.calls), 1 + 4);
    rig_fini(&r);
}
END_TEST

START_TEST(a_name_that_is_not_found_is_a_failure)
{
    struct rig r;

    named_init(&r, by_name, 1);
    atomic_store(&r.resolves, PTD_ERESOLVE);
    rig_start(&r);
    ck_assert_int_eq(rig_failure(&r).err, PTD_ERESOLVE);
    rig_settle(&r);
    ck_assert_uint_eq(rig_slot(&r, by_name[0]).n_fails, 1);
    rig_fini(&r);
}
END_TEST

START_TEST(without_look_ups_names_are_not_dialled)
{
    struct rig r;

    named_init(&r, by_name, 1);
    r.cfg.look_up = false;
    rig_start(&r);
    ck_assert_int_eq(rig_failure(&r).err, PTD_ERESOLVE);
    ck_assert_uint_eq(ptd_chan_len(r.calls), 0);
    rig_fini(&r);
}
END_TEST

START_TEST(a_proxy_for_names_gets_the_name)
{
    struct ptd_netaddr proxy = rig_parse("127.0.0.1:9050");
    struct rig_call c;
    struct rig_link l;
    struct rig r;

    named_init(&r, by_name, 1);
    ck_assert_int_eq(ptd_proxy_set(&r.cfg.reach.name_proxy, &proxy), PTD_OK);
    r.cfg.look_up = false;
    rig_start(&r);
    c = rig_call(&r);
    ck_assert(!c.look_up && c.proxied);
    ck_assert_str_eq(c.text, "node.example.org:18444");
    l = rig_link(&r);
    ck_assert_int_eq(l.l.na.net, PTD_NET_NONE);
    ck_assert(l.l.via_proxy);
    rig_fini(&r);
}
END_TEST

TCase *named_case(void)
{
    TCase *tc = tcase_create("named");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_node_that_fails_comes_back_later_each_time);
    tcase_add_test(tc, a_node_is_dialled_while_the_old_connection_ends);
    tcase_add_test(tc, a_connection_that_was_of_use_resets_the_pause);
    tcase_add_test(tc, eight_nodes_are_connected_to_at_a_time);
    tcase_add_test(tc, nodes_of_connect_have_no_such_limit);
    tcase_add_test(tc, nodes_are_added_once_and_removed_once);
    tcase_add_loop_test(tc, what_is_no_node_is_not_added, 0,
                        (int)PTD_COUNT(no_nodes));
    tcase_add_test(tc, a_bad_line_of_the_start_is_told_and_left_out);
    tcase_add_test(tc, an_inbound_connection_from_it_is_enough);
    tcase_add_test(tc, a_name_is_looked_up_and_its_address_told);
    tcase_add_test(tc, all_addresses_of_a_name_are_tried);
    tcase_add_test(tc, a_name_that_is_not_found_is_a_failure);
    tcase_add_test(tc, without_look_ups_names_are_not_dialled);
    tcase_add_test(tc, a_proxy_for_names_gets_the_name);
    return tc;
}
