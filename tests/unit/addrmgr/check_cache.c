#include <config.h>

#include <stdio.h>
#include <string.h>

#include "addrmgr/addrcache.h"
#include "base/util.h"
#include "check_addrmgr.h"

enum { HOUR_S = 3600 };

static struct ptd_addr_entry a[PTD_ADDRMGR_SAMPLE_MAX],
    b[PTD_ADDRMGR_SAMPLE_MAX];

struct rig_cache {
    struct rig r;
    struct ptd_addrmgr_cache *c;
};

static struct rig_cache cache_new(size_t n_addresses)
{
    struct rig_cache rc = { .r = rig_new(RIG_CHECK_NONE) };

    rig_fill(&rc.r, n_addresses, 8);
    rc.c = ptd_addrmgr_cache_new(rc.r.m, rc.r.clk);
    ck_assert_ptr_nonnull(rc.c);
    return rc;
}

static void cache_free(struct rig_cache *rc)
{
    ptd_addrmgr_cache_free(rc->c);
    rig_free(&rc->r);
}

static size_t ask(struct rig_cache *rc, struct ptd_addr_entry *out,
                  enum ptd_net net, const char *bound)
{
    struct ptd_netaddr na = na_of(bound);
    size_t n;

    ck_assert(ptd_addrmgr_cache_get(rc->c, out, &n, net, &na, NULL, NULL) ==
              PTD_OK);
    return n;
}

static bool is_same(const struct ptd_addr_entry *x, size_t nx,
                    const struct ptd_addr_entry *y, size_t ny)
{
    if (nx != ny)
        return false;
    for (size_t i = 0; i < nx; i++) {
        if (!ptd_netaddr_is_equal(&x[i].na, &y[i].na) || x[i].time != y[i].time)
            return false;
    }
    return true;
}

START_TEST(two_who_ask_get_the_same_answer)
{
    struct rig_cache rc = cache_new(2000);
    size_t n = ask(&rc, a, PTD_NET_IPV4, "5.5.5.5:8333"), m;
    size_t all = ptd_addrmgr_size(rc.r.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH);

    ck_assert_uint_eq(n, all * 23 / 100);
    /* also when the tables have changed, and times with them */
    rig_fill(&rc.r, 500, 99);
    ptd_addrmgr_connected(rc.r.m, &a[0].na);
    m = ask(&rc, b, PTD_NET_IPV4, "5.5.5.5:8333");
    ck_assert(is_same(a, n, b, m));
    cache_free(&rc);
}
END_TEST

START_TEST(other_networks_and_addresses_of_ours_get_another)
{
    static const struct {
        enum ptd_net net;
        const char *bound;
    } others[] = { { PTD_NET_TORV3, "5.5.5.5:8333" },
                   { PTD_NET_IPV4, "5.5.5.6:8333" },
                   { PTD_NET_IPV4, "5.5.5.5:8334" },
                   { PTD_NET_IPV6, "[2a00::1]:8333" } };
    struct rig_cache rc = cache_new(2000);
    size_t n = ask(&rc, a, PTD_NET_IPV4, "5.5.5.5:8333");

    for (size_t i = 0; i < PTD_COUNT(others); i++) {
        size_t m = ask(&rc, b, others[i].net, others[i].bound);

        ck_assert_msg(!is_same(a, n, b, m), "%zu", i);
    }
    cache_free(&rc);
}
END_TEST

START_TEST(an_answer_lives_21_to_27_hours)
{
    struct rig_cache rc = cache_new(2000);
    size_t n = ask(&rc, a, PTD_NET_IPV4, "5.5.5.5:8333"), m;

    rig_pass(&rc.r, 21 * HOUR_S - 1);
    m = ask(&rc, b, PTD_NET_IPV4, "5.5.5.5:8333");
    ck_assert(is_same(a, n, b, m));
    rig_pass(&rc.r, 6 * HOUR_S + 1);
    m = ask(&rc, b, PTD_NET_IPV4, "5.5.5.5:8333");
    ck_assert(!is_same(a, n, b, m));
    cache_free(&rc);
}
END_TEST

/* What a node knew in its first minutes is not its answer for the day. */
START_TEST(an_answer_ends_when_much_more_is_known)
{
    static const struct {
        size_t first, more;
        bool is_same;
    } rows[] = {
        { 0, 0, true },       { 0, 3, true }, /* nobody is 23 % of these either */
        { 0, 100, false },    { 100, 100, true }, { 100, 1000, false },
        { 2000, 3000, true },
    };

    for (size_t i = 0; i < PTD_COUNT(rows); i++) {
        struct rig_cache rc = cache_new(rows[i].first);
        size_t n = ask(&rc, a, PTD_NET_IPV4, "5.5.5.5:8333"), m;

        rig_fill(&rc.r, rows[i].more, 99);
        m = ask(&rc, b, PTD_NET_IPV4, "5.5.5.5:8333");
        ck_assert_msg(is_same(a, n, b, m) == rows[i].is_same, "row %zu", i);
        cache_free(&rc);
    }
}
END_TEST

START_TEST(lives_differ)
{
    struct rig_cache rc = cache_new(500);
    size_t n_changed = 0;
    size_t n[20], m;
    static struct ptd_addr_entry first[20][PTD_ADDRMGR_SAMPLE_MAX];
    char bound[20][32];

    for (int i = 0; i < 20; i++) {
        snprintf(bound[i], sizeof bound[i], "5.5.5.5:%d", 1000 + i);
        n[i] = ask(&rc, first[i], PTD_NET_IPV4, bound[i]);
    }
    rig_pass(&rc.r, 24 * HOUR_S);
    for (int i = 0; i < 20; i++) {
        m = ask(&rc, b, PTD_NET_IPV4, bound[i]);
        n_changed += !is_same(first[i], n[i], b, m);
    }
    ck_assert_uint_gt(n_changed, 2);
    ck_assert_uint_lt(n_changed, 18);
    cache_free(&rc);
}
END_TEST

START_TEST(a_thousand_at_most)
{
    struct rig_cache rc = cache_new(8000);

    ck_assert_uint_eq(ask(&rc, a, PTD_NET_IPV4, "5.5.5.5:8333"),
                      PTD_ADDRMGR_SAMPLE_MAX);
    cache_free(&rc);
}
END_TEST

static bool is_odd(void *arg, const struct ptd_addr_entry *e)
{
    (*(int *)arg)++;
    return e->na.addr[3] % 2 == 1;
}

START_TEST(banned_ones_are_left_out)
{
    struct rig_cache rc = cache_new(2000);
    struct ptd_netaddr bound = na_of("5.5.5.5:8333");
    int n_asked = 0;
    size_t n;

    ck_assert(ptd_addrmgr_cache_get(rc.c, a, &n, PTD_NET_IPV4, &bound, is_odd,
                                    &n_asked) == PTD_OK);
    ck_assert_int_gt(n_asked, (int)n);
    ck_assert_uint_gt(n, 0);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(a[i].na.addr[3] % 2, 1);
    /* once a day: a ban does not show in the answer before */
    n_asked = 0;
    ck_assert(ptd_addrmgr_cache_get(rc.c, b, &n, PTD_NET_IPV4, &bound, is_odd,
                                    &n_asked) == PTD_OK);
    ck_assert_int_eq(n_asked, 0);
    cache_free(&rc);
}
END_TEST

/* Who finds more addresses of ours than there are answers gets no more answers
 * than there are. */
START_TEST(answers_are_few_however_many_addresses_we_have)
{
    struct rig_cache rc = cache_new(1000);
    struct ptd_netaddr seen[200];
    size_t n_seen = 0;

    for (uint32_t i = 0; i < 200; i++) {
        struct ptd_netaddr bound = ipv4(0x05050000 + i, 8333);
        size_t n, j = 0;

        ck_assert(ptd_addrmgr_cache_get(rc.c, a, &n, PTD_NET_IPV4, &bound, NULL,
                                        NULL) == PTD_OK);
        ck_assert_uint_gt(n, 0);
        while (j < n_seen && !ptd_netaddr_is_equal(&seen[j], &a[0].na))
            j++;
        if (j == n_seen)
            seen[n_seen++] = a[0].na;
    }
    ck_assert_uint_le(n_seen, PTD_ADDRMGR_CACHE_MAX);
    cache_free(&rc);
}
END_TEST

START_TEST(a_clock_set_back_by_years_makes_a_new_answer)
{
    struct rig_cache rc = cache_new(2000);
    size_t n = ask(&rc, a, PTD_NET_IPV4, "5.5.5.5:8333"), m;

    ptd_clock_set_wall_us(rc.r.clk, (int64_t)(T0 - 30 * 86400) * 1000000);
    m = ask(&rc, b, PTD_NET_IPV4, "5.5.5.5:8333");
    ck_assert(!is_same(a, n, b, m));
    cache_free(&rc);
    ptd_addrmgr_cache_free(NULL);
}
END_TEST

Suite *suite_cache(void)
{
    Suite *s = suite_create("cache");
    TCase *tc = tcase_create("cache");

    suite_add_tcase(s, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, two_who_ask_get_the_same_answer);
    tcase_add_test(tc, other_networks_and_addresses_of_ours_get_another);
    tcase_add_test(tc, an_answer_lives_21_to_27_hours);
    tcase_add_test(tc, an_answer_ends_when_much_more_is_known);
    tcase_add_test(tc, lives_differ);
    tcase_add_test(tc, a_thousand_at_most);
    tcase_add_test(tc, banned_ones_are_left_out);
    tcase_add_test(tc, answers_are_few_however_many_addresses_we_have);
    tcase_add_test(tc, a_clock_set_back_by_years_makes_a_new_answer);
    return s;
}
