#include <config.h>

#include <stdio.h>

#include "base/util.h"
#include "rig.h"
#include "sync/thread.h"

static const struct {
    enum ptd_link_type type;
    size_t n_max; /* of this type, when there are no others */
} types[] = {
    { PTD_LINK_FULL_RELAY, 8 },
    { PTD_LINK_BLOCK_RELAY, 2 },
    { PTD_LINK_ADDR_FETCH, 11 },
    { PTD_LINK_FEELER, 11 },
};

static enum ptd_err dial_nth(struct rig *r, size_t n, enum ptd_link_type type)
{
    char text[PTD_NETADDR_TEXT];

    snprintf(text, sizeof text, "127.0.0.1:%zu", 1000 + n);
    return ptd_connmgr_dial(r->cm, text, type, false);
}

START_TEST(a_type_has_so_many_slots)
{
    struct rig_link l;
    struct rig r;

    rig_init(&r);
    r.cfg.automatic = false;
    rig_start(&r);
    for (size_t i = 0; i < types[_i].n_max; i++) {
        ck_assert_int_eq(dial_nth(&r, i, types[_i].type), PTD_OK);
        l = rig_link(&r);
        ck_assert_int_eq(l.l.type, types[_i].type);
    }
    ck_assert_int_eq(dial_nth(&r, 50, types[_i].type), PTD_EFULL);
    /* Given back, it is free at once. */
    ptd_connmgr_gone(r.cm, l.l.token);
    ck_assert_int_eq(dial_nth(&r, 50, types[_i].type), PTD_OK);
    rig_fini(&r);
}
END_TEST

START_TEST(a_connection_about_to_end_has_no_slot)
{
    struct rig_link l = { .at_us = 0 };
    struct rig r;

    rig_init(&r);
    r.cfg.automatic = false;
    rig_start(&r);
    for (size_t i = 0; i < types[_i].n_max; i++) {
        ck_assert_int_eq(dial_nth(&r, i, types[_i].type), PTD_OK);
        l = rig_link(&r);
    }
    ck_assert_int_eq(dial_nth(&r, 50, types[_i].type), PTD_EFULL);
    atomic_store(&r.ending, l.l.token);
    ck_assert_int_eq(dial_nth(&r, 50, types[_i].type), PTD_OK);
    ck_assert_int_eq(dial_nth(&r, 51, types[_i].type), PTD_EFULL);
    /* The server gives it back in its time: that frees no other. */
    ptd_connmgr_gone(r.cm, l.l.token);
    ck_assert_int_eq(dial_nth(&r, 51, types[_i].type), PTD_EFULL);
    rig_fini(&r);
}
END_TEST

START_TEST(a_connection_about_to_end_stands_in_nobodys_way)
{
    struct rig_link l;
    struct rig r;

    rig_init(&r);
    r.cfg.automatic = false;
    rig_start(&r);
    ck_assert_int_eq(dial_nth(&r, 1, PTD_LINK_MANUAL), PTD_OK);
    l = rig_link(&r);
    ck_assert_int_eq(dial_nth(&r, 1, PTD_LINK_MANUAL), PTD_EEXIST);
    atomic_store(&r.ending, l.l.token);
    ck_assert_int_eq(dial_nth(&r, 1, PTD_LINK_MANUAL), PTD_OK);
    /* The new one does. */
    ck_assert_int_eq(dial_nth(&r, 1, PTD_LINK_MANUAL), PTD_EEXIST);
    rig_fini(&r);
}
END_TEST

START_TEST(manual_ones_have_no_limit)
{
    struct rig r;

    rig_init(&r);
    r.cfg.automatic = false;
    rig_start(&r);
    for (size_t i = 0; i < 30; i++)
        ck_assert_int_eq(dial_nth(&r, i, PTD_LINK_MANUAL), PTD_OK);
    ck_assert_uint_eq(rig_n_slots(&r), 30);
    rig_fini(&r);
}
END_TEST

START_TEST(the_caller_hears_how_it_went)
{
    struct rig r;

    rig_init(&r);
    r.cfg.automatic = false;
    rig_start(&r);
    atomic_store(&r.answer, PTD_EREFUSED);
    ck_assert_int_eq(dial_nth(&r, 1, PTD_LINK_MANUAL), PTD_EREFUSED);
    ck_assert_uint_eq(rig_n_slots(&r), 0); /* and it does not come back */
    atomic_store(&r.answer, PTD_OK);
    atomic_store(&r.refuses, PTD_EREJECTED);
    ck_assert_int_eq(dial_nth(&r, 1, PTD_LINK_MANUAL), PTD_EREJECTED);
    atomic_store(&r.refuses, PTD_OK);
    ck_assert_int_eq(dial_nth(&r, 1, PTD_LINK_MANUAL), PTD_OK);
    ck_assert_int_eq(dial_nth(&r, 1, PTD_LINK_MANUAL), PTD_EEXIST);
    ck_assert_int_eq(dial_nth(&r, 1, PTD_LINK_INBOUND), PTD_EINVAL);
    ck_assert_int_eq(ptd_connmgr_dial(r.cm, "", PTD_LINK_MANUAL, false),
                     PTD_EINVAL);
    rig_fini(&r);
}
END_TEST

struct asker {
    struct rig *r;
    enum ptd_err err;
};

static void ask_main(void *asker)
{
    struct asker *a = asker;

    a->err = dial_nth(a->r, 1, PTD_LINK_MANUAL);
}

START_TEST(a_stop_wakes_who_waits)
{
    struct ptd_thread t = { .started = false };
    struct asker a = { .err = PTD_OK };
    struct rig r;

    rig_init(&r);
    r.cfg.automatic = false;
    atomic_store(&r.net, RIG_HANGS);
    rig_start(&r);
    a.r = &r;
    ck_assert_int_eq(ptd_thread_start(&t, NULL, "asker", ask_main, &a), PTD_OK);
    rig_call(&r); /* the dial is under way */
    ptd_connmgr_stop(r.cm);
    ptd_thread_join(&t);
    ck_assert_int_eq(a.err, PTD_ECLOSED);
    ck_assert_int_eq(dial_nth(&r, 2, PTD_LINK_MANUAL), PTD_ECLOSED);
    ck_assert_int_eq(ptd_connmgr_add(r.cm, "16.0.0.1", false), PTD_ECLOSED);
    rig_fini(&r);
}
END_TEST

START_TEST(while_the_network_is_off_nothing_is_dialled)
{
    static const char *const node[] = { "16.200.0.1:8333" };
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 5);
    r.cfg.addnode = node;
    r.cfg.n_addnode = 1;
    r.cfg.network_active = false;
    r.phrase[0] = "SetNetworkActive: false";
    r.phrase[1] = "SetNetworkActive: true";
    rig_start(&r);
    ck_assert(!ptd_connmgr_is_active(r.cm));
    ck_assert_int_eq(dial_nth(&r, 1, PTD_LINK_MANUAL), PTD_EREJECTED);
    rig_advance(&r, 600 * SECOND_US);
    rig_no_call(&r);
    ck_assert_uint_eq(rig_said(&r, r.phrase[0]), 1);
    ptd_connmgr_set_active(r.cm, true);
    ck_assert_uint_eq(rig_said(&r, r.phrase[1]), 1);
    rig_link(&r);
    rig_link(&r);
    rig_fini(&r);
}
END_TEST

START_TEST(what_is_reached_after_the_switch_is_closed)
{
    enum ptd_err ok = PTD_OK;
    size_t n_fds;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 1);
    atomic_store(&r.net, RIG_HELD);
    rig_start(&r);
    rig_call(&r);
    n_fds = rig_n_fds();
    ptd_connmgr_set_active(r.cm, false);
    ck_assert_int_eq(ptd_chan_send(r.answers, &ok), PTD_OK);
    ck_assert_int_eq(rig_failure(&r).err, PTD_EREJECTED);
    rig_no_link(&r);
    ck_assert_uint_eq(rig_n_fds(), n_fds);
    rig_fini(&r);
}
END_TEST

START_TEST(types_have_names)
{
    enum ptd_link_type t;

    ck_assert_int_eq(ptd_link_type_of(&t, "block-relay-only"), PTD_OK);
    ck_assert_int_eq(t, PTD_LINK_BLOCK_RELAY);
    ck_assert_int_eq(ptd_link_type_of(&t, "block-relay"), PTD_EINVAL);
    for (unsigned i = 0; i < PTD_N_LINK_TYPES; i++) {
        ck_assert_int_eq(
            ptd_link_type_of(&t, ptd_link_type_text((enum ptd_link_type)i)),
            PTD_OK);
        ck_assert_uint_eq(t, i);
    }
    ck_assert_str_eq(ptd_link_type_text(PTD_N_LINK_TYPES), "unknown");
}
END_TEST

TCase *once_case(void)
{
    TCase *tc = tcase_create("once");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_type_has_so_many_slots, 0, (int)PTD_COUNT(types));
    tcase_add_loop_test(tc, a_connection_about_to_end_has_no_slot, 0,
                        (int)PTD_COUNT(types));
    tcase_add_test(tc, a_connection_about_to_end_stands_in_nobodys_way);
    tcase_add_test(tc, manual_ones_have_no_limit);
    tcase_add_test(tc, the_caller_hears_how_it_went);
    tcase_add_test(tc, a_stop_wakes_who_waits);
    tcase_add_test(tc, while_the_network_is_off_nothing_is_dialled);
    tcase_add_test(tc, what_is_reached_after_the_switch_is_closed);
    tcase_add_test(tc, types_have_names);
    return tc;
}
