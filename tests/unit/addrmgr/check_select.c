#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_addrmgr.h"

START_TEST(nothing_gives_nothing)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_addrmgr_pick pick;
    struct ptd_addr_entry out[10];

    ck_assert(!ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_BOTH, 0));
    ck_assert(!ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_NEW, 0));
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, out, 10, 0, PTD_NET_NONE, PTD_ADDRMGR_ALL), 0);
    rig_free(&r);
}
END_TEST

START_TEST(new_only_never_gives_a_tried_one)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4"), other = na_of("5.6.7.8");
    struct ptd_addrmgr_pick pick;

    rig_add(&r, "1.2.3.4");
    ck_assert(ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_NEW, 0));
    ck_assert(ptd_addrmgr_good(r.m, &na));
    ck_assert(!ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_NEW, 0));
    ck_assert(ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_BOTH, 0));
    ck_assert(ptd_netaddr_is_equal(&pick.e.na, &na));
    ck_assert_int_eq(pick.last_try_s, T0);
    rig_add(&r, "5.6.7.8");
    for (int i = 0; i < 20; i++) {
        ck_assert(ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_NEW, 0));
        ck_assert(ptd_netaddr_is_equal(&pick.e.na, &other));
        ck_assert_int_eq(pick.last_try_s, 0);
    }
    rig_free(&r);
}
END_TEST

START_TEST(both_tables_are_as_likely)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct ptd_netaddr tried = na_of("1.2.3.4");
    struct ptd_addrmgr_pick pick;
    int n_tried = 0;

    rig_add(&r, "1.2.3.4");
    ck_assert(ptd_addrmgr_good(r.m, &tried));
    rig_fill(&r, 500, 3);
    rig_pass(&r, 3600);
    for (int i = 0; i < 2000; i++) {
        ck_assert(ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_BOTH, 0));
        n_tried += ptd_netaddr_is_equal(&pick.e.na, &tried);
    }
    ck_assert_int_gt(n_tried, 900);
    ck_assert_int_lt(n_tried, 1100);
    rig_free(&r);
}
END_TEST

START_TEST(only_the_networks_asked_for)
{
    static const char onion[] =
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_addrmgr_pick pick;
    unsigned seen = 0;

    rig_add(&r, "1.2.3.4");
    rig_add(&r, "2a00::1");
    for (int i = 0; i < 20; i++) {
        ck_assert(ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_BOTH,
                                     PTD_NET_BIT(PTD_NET_IPV6)));
        ck_assert_int_eq(pick.e.na.net, PTD_NET_IPV6);
    }
    ck_assert(!ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_BOTH,
                                  PTD_NET_BIT(PTD_NET_TORV3)));
    rig_add(&r, onion);
    for (int i = 0; i < 50; i++) {
        ck_assert(ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_BOTH,
                                     PTD_NET_BIT(PTD_NET_TORV3) |
                                         PTD_NET_BIT(PTD_NET_IPV4)));
        seen |= PTD_NET_BIT(pick.e.na.net);
    }
    ck_assert_uint_eq(seen,
                      PTD_NET_BIT(PTD_NET_TORV3) | PTD_NET_BIT(PTD_NET_IPV4));
    rig_free(&r);
}
END_TEST

START_TEST(failures_and_recent_tries_make_it_rare)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct ptd_netaddr bad = na_of("1.2.3.4"), good = na_of("8.8.8.8");
    struct ptd_addrmgr_pick pick;
    int n_bad = 0, n_recent = 0;

    rig_add(&r, "1.2.3.4");
    rig_add(&r, "99.99.1.1");
    for (int i = 0; i < 8; i++) {
        ptd_addrmgr_good(r.m, &good);
        ptd_addrmgr_attempt(r.m, &bad, true);
        rig_pass(&r, 1);
    }
    for (int i = 0; i < 1000; i++) {
        ck_assert(ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_BOTH, 0));
        n_recent += ptd_netaddr_is_equal(&pick.e.na, &bad);
    }
    rig_pass(&r, 600);
    for (int i = 0; i < 1000; i++) {
        ck_assert(ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_BOTH, 0));
        n_bad += ptd_netaddr_is_equal(&pick.e.na, &bad);
    }
    /* 0.66^8 is 0.036; a hundredth of it just after a try */
    ck_assert_int_lt(n_recent, 10);
    ck_assert_int_gt(n_bad, 5);
    ck_assert_int_lt(n_bad, 100);
    rig_free(&r);
}
END_TEST

START_TEST(the_worst_is_found_if_there_is_no_other)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct ptd_netaddr bad = na_of("1.2.3.4"), good = na_of("8.8.8.8");
    struct ptd_addrmgr_pick pick;

    rig_add(&r, "1.2.3.4");
    for (int i = 0; i < 100; i++) {
        ptd_addrmgr_good(r.m, &good);
        ptd_addrmgr_attempt(r.m, &bad, true);
        rig_pass(&r, 1);
    }
    ck_assert(ptd_addrmgr_select(r.m, &pick, PTD_ADDRMGR_BOTH, 0));
    ck_assert(ptd_netaddr_is_equal(&pick.e.na, &bad));
    rig_free(&r);
}
END_TEST

/* ---- samples --------------------------------------------------------- */

static int cmp_entries(const void *a, const void *b)
{
    const struct ptd_addr_entry *x = a, *y = b;

    return ptd_netaddr_cmp(&x->na, &y->na);
}

START_TEST(sample_has_no_address_twice)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    static struct ptd_addr_entry out[5000];
    size_t n, all;

    rig_fill(&r, 3000, 4);
    all = ptd_addrmgr_size(r.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH);
    n = ptd_addrmgr_sample(r.m, out, PTD_COUNT(out), 0, PTD_NET_NONE,
                           PTD_ADDRMGR_FIT);
    ck_assert_uint_eq(n, all);
    qsort(out, n, sizeof *out, cmp_entries);
    for (size_t i = 1; i < n; i++)
        ck_assert_int_lt(cmp_entries(&out[i - 1], &out[i]), 0);
    ck_sound(&r);
    rig_free(&r);
}
END_TEST

START_TEST(sample_keeps_to_its_limits)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    static struct ptd_addr_entry out[5000];
    size_t all;

    rig_fill(&r, 3000, 4);
    rig_add(&r, "2a00::1");
    rig_add(&r, "2002:102:304::1");
    all = ptd_addrmgr_size(r.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH);
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, out, 1000, 23, PTD_NET_NONE, PTD_ADDRMGR_FIT),
        all * 23 / 100);
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, out, 100, 23, PTD_NET_NONE, PTD_ADDRMGR_FIT),
        100);
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, out, 5000, 100, PTD_NET_IPV6, PTD_ADDRMGR_FIT),
        1);
    ck_assert_uint_eq(out[0].na.net, PTD_NET_IPV6);
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, out, 0, 0, PTD_NET_NONE, PTD_ADDRMGR_FIT), 0);
    rig_free(&r);
}
END_TEST

START_TEST(samples_differ)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct ptd_addr_entry a[50], b[50];
    size_t n_same = 0;

    rig_fill(&r, 3000, 4);
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, a, 50, 0, PTD_NET_NONE, PTD_ADDRMGR_ALL), 50);
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, b, 50, 0, PTD_NET_NONE, PTD_ADDRMGR_ALL), 50);
    for (size_t i = 0; i < 50; i++) {
        for (size_t j = 0; j < 50; j++)
            n_same += ptd_netaddr_is_equal(&a[i].na, &b[j].na);
    }
    ck_assert_uint_lt(n_same, 10);
    rig_free(&r);
}
END_TEST

/* What makes an address unfit to be told. */
static void too_old(struct rig *r, const struct ptd_netaddr *na)
{
    (void)na;
    rig_pass(r, 30 * 86400 + 1);
}

static void three_failures(struct rig *r, const struct ptd_netaddr *na)
{
    struct ptd_netaddr good = na_of("8.8.8.8");

    for (int i = 0; i < 3; i++) {
        rig_pass(r, 1);
        ptd_addrmgr_good(r->m, &good);
        ptd_addrmgr_attempt(r->m, na, true);
    }
    rig_pass(r, 61);
}

static void ten_failures_in_a_week(struct rig *r, const struct ptd_netaddr *na)
{
    struct ptd_netaddr good = na_of("8.8.8.8");

    ck_assert(ptd_addrmgr_good(r->m, na));
    for (int i = 0; i < 10; i++) {
        rig_pass(r, 86400);
        ptd_addrmgr_good(r->m, &good);
        ptd_addrmgr_attempt(r->m, na, true);
    }
    rig_pass(r, 61);
}

static const struct {
    const char *name;
    void (*spoil)(struct rig *r, const struct ptd_netaddr *na);
} spoilers[] = {
    { "not seen for 30 days", too_old },
    { "three failures, no success", three_failures },
    { "ten failures, no success for a week", ten_failures_in_a_week },
};

START_TEST(terrible_ones_are_told_to_nobody)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4");
    struct ptd_addr_entry out[10];

    rig_add(&r, "1.2.3.4");
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, out, 10, 0, PTD_NET_NONE, PTD_ADDRMGR_FIT), 1);
    spoilers[_i].spoil(&r, &na);
    ck_assert_msg(
        ptd_addrmgr_sample(r.m, out, 10, 0, PTD_NET_NONE, PTD_ADDRMGR_FIT) == 0,
        "%s", spoilers[_i].name);
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, out, 10, 0, PTD_NET_NONE, PTD_ADDRMGR_ALL), 1);
    rig_free(&r);
}
END_TEST

START_TEST(one_being_tried_is_not_terrible_yet)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4");
    struct ptd_addr_entry out[10];

    rig_add(&r, "1.2.3.4");
    rig_pass(&r, 40 * 86400);
    ptd_addrmgr_attempt(r.m, &na, false);
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, out, 10, 0, PTD_NET_NONE, PTD_ADDRMGR_FIT), 1);
    rig_pass(&r, 61);
    ck_assert_uint_eq(
        ptd_addrmgr_sample(r.m, out, 10, 0, PTD_NET_NONE, PTD_ADDRMGR_FIT), 0);
    rig_free(&r);
}
END_TEST

Suite *suite_select(void)
{
    Suite *s = suite_create("select");
    TCase *tc = tcase_create("select");

    suite_add_tcase(s, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nothing_gives_nothing);
    tcase_add_test(tc, new_only_never_gives_a_tried_one);
    tcase_add_test(tc, both_tables_are_as_likely);
    tcase_add_test(tc, only_the_networks_asked_for);
    tcase_add_test(tc, failures_and_recent_tries_make_it_rare);
    tcase_add_test(tc, the_worst_is_found_if_there_is_no_other);
    tcase_add_test(tc, sample_has_no_address_twice);
    tcase_add_test(tc, sample_keeps_to_its_limits);
    tcase_add_test(tc, samples_differ);
    tcase_add_loop_test(tc, terrible_ones_are_told_to_nobody, 0,
                        PTD_COUNT(spoilers));
    tcase_add_test(tc, one_being_tried_is_not_terrible_yet);
    return s;
}
