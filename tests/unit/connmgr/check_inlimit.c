#include <config.h>

#include "connmgr/inlimit.h"

#include <stdio.h>

#include "base/util.h"
#include "guard.h"
#include "support/nth_malloc.h"
#include "sync/thread.h"

static struct ptd_inlimit *limit(unsigned per_group, unsigned total)
{
    const struct ptd_inlimit_config cfg = { .per_group = per_group,
                                            .total = total };
    struct ptd_inlimit *l = ptd_inlimit_new(&cfg);

    ck_assert_ptr_nonnull(l);
    return l;
}

static enum ptd_err enter(struct ptd_inlimit *l, struct ptd_inlimit_pass *pass,
                          const char *text)
{
    struct ptd_netaddr na = guard_addr(text);

    return ptd_inlimit_acquire(l, pass, &na, false);
}

static const struct {
    const char *first, *second;
    bool same; /* group */
} groups[] = {
    { "1.2.3.4:1", "1.2.3.4:2", true },
    { "1.2.3.4", "1.2.3.200", true },
    { "1.2.3.4", "1.2.4.4", false },
    { "2001:470::1", "2001:470:0:0:1::", true },
    { "2001:470::1", "2001:470:0:1::1", false },
    { "fc00::1", "fc00::2", false },
    { "fc00::1", "fc00::1", true },
};

START_TEST(a_group_has_its_share)
{
    struct ptd_inlimit *l = limit(2, 0);
    struct ptd_inlimit_pass a, b, c;

    ck_assert_int_eq(enter(l, &a, groups[_i].first), PTD_OK);
    ck_assert_int_eq(enter(l, &b, groups[_i].first), PTD_OK);
    ck_assert_int_eq(enter(l, &c, groups[_i].second),
                     groups[_i].same ? PTD_ELIMIT : PTD_OK);
    ck_assert_uint_eq(ptd_inlimit_pending(l), groups[_i].same ? 2 : 3);
    ptd_inlimit_release(l, &c); /* none, or one */
    ck_assert_uint_eq(ptd_inlimit_pending(l), 2);
    ptd_inlimit_release(l, &a);
    ptd_inlimit_release(l, &a);
    ck_assert_uint_eq(ptd_inlimit_pending(l), 1);
    ck_assert_int_eq(enter(l, &c, groups[_i].second), PTD_OK);
    ptd_inlimit_release(l, &b);
    ptd_inlimit_release(l, &c);
    ck_assert_uint_eq(ptd_inlimit_pending(l), 0);
    ptd_inlimit_free(l);
}
END_TEST

START_TEST(all_together_have_theirs)
{
    struct ptd_inlimit *l = limit(0, 3);
    struct ptd_inlimit_pass pass[3], more;
    char text[32];

    for (unsigned i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "1.2.%u.4", i);
        ck_assert_int_eq(enter(l, &pass[i], text), PTD_OK);
    }
    ck_assert_int_eq(enter(l, &more, "9.9.9.9"), PTD_EFULL);
    ck_assert_int_eq(enter(l, &more, "1.2.0.4"), PTD_EFULL);
    ptd_inlimit_release(l, &pass[1]);
    ck_assert_int_eq(enter(l, &more, "9.9.9.9"), PTD_OK);
    ptd_inlimit_release(l, &pass[0]);
    ptd_inlimit_release(l, &pass[2]);
    ptd_inlimit_release(l, &more);
    ptd_inlimit_free(l);
}
END_TEST

START_TEST(this_machine_and_noban_are_exempt)
{
    struct ptd_inlimit *l = limit(1, 1);
    struct ptd_netaddr na = guard_addr("1.2.3.4");
    struct ptd_inlimit_pass one, other;

    ck_assert_int_eq(enter(l, &one, "1.2.3.4"), PTD_OK);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_int_eq(enter(l, &other, "127.0.0.1"), PTD_OK);
        ck_assert_int_eq(enter(l, &other, "[::1]"), PTD_OK);
        ck_assert_int_eq(ptd_inlimit_acquire(l, &other, &na, true), PTD_OK);
    }
    ck_assert_uint_eq(ptd_inlimit_pending(l), 1);
    ptd_inlimit_release(l, &other);
    ck_assert_uint_eq(ptd_inlimit_pending(l), 1);
    ptd_inlimit_release(l, &one);
    ptd_inlimit_free(l);
}
END_TEST

START_TEST(zero_is_no_limit)
{
    struct ptd_inlimit *l = limit(0, 0);
    struct ptd_inlimit_pass pass;

    for (unsigned i = 0; i < 2 * PTD_INLIMIT_MAX; i++)
        ck_assert_int_eq(enter(l, &pass, "1.2.3.4"), PTD_OK);
    ck_assert_uint_eq(ptd_inlimit_pending(l), 0);
    ptd_inlimit_free(l);
    ptd_inlimit_free(NULL);
}
END_TEST

/* In and out in random order, against counts of our own. */
START_TEST(counts_are_right_whatever_the_order)
{
    enum { N_GROUPS = 64, N_PASSES = 100, ROUNDS = 20000, SHARE = 3 };
    struct ptd_inlimit *l = limit(SHARE, N_PASSES);
    struct ptd_inlimit_pass pass[N_PASSES] = { 0 };
    unsigned group[N_PASSES], n_of[N_GROUPS] = { 0 };
    size_t n = 0;
    uint32_t random = 1;
    char text[32];

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned at;

        random = random * 1664525 + 1013904223;
        at = random >> 8;
        if (n < N_PASSES && (random >> 31) != 0) {
            unsigned g = at % N_GROUPS;

            snprintf(text, sizeof text, "1.2.%u.%u", g, at >> 8 & 255);
            ck_assert_int_eq(enter(l, &pass[n], text),
                             n_of[g] < SHARE ? PTD_OK : PTD_ELIMIT);
            if (n_of[g] < SHARE) {
                n_of[g]++;
                group[n++] = g;
            }
        } else if (n > 0) {
            unsigned k = at % (unsigned)n;

            ptd_inlimit_release(l, &pass[k]);
            n_of[group[k]]--;
            pass[k] = pass[--n];
            group[k] = group[n];
        }
        ck_assert_uint_eq(ptd_inlimit_pending(l), n);
    }
    while (n > 0)
        ptd_inlimit_release(l, &pass[--n]);
    ptd_inlimit_free(l);
}
END_TEST

START_TEST(memory_is_taken_once)
{
    static struct ptd_inlimit_pass pass[PTD_INLIMIT_MAX];
    const struct ptd_inlimit_config cfg = { .per_group = 1 };
    struct ptd_netaddr na, other = guard_addr("8.8.8.8");
    struct ptd_inlimit_pass more;
    struct ptd_inlimit *l;
    unsigned n_in = 0;
    enum ptd_err e;
    char text[32];

    for (unsigned n = 1;; n++) {
        support_nth_malloc_arm(n);
        l = ptd_inlimit_new(&cfg);
        if (!support_nth_malloc_disarm())
            break;
        ck_assert_ptr_null(l);
    }
    /* Asserted afterwards: Check allocates, too. */
    support_nth_malloc_arm(1);
    for (unsigned i = 0; i < PTD_INLIMIT_MAX; i++) {
        snprintf(text, sizeof text, "9.%u.%u.1", i >> 8, i & 255);
        n_in += ptd_netaddr_parse(&na, text, 1) == PTD_OK &&
                ptd_inlimit_acquire(l, &pass[i], &na, false) == PTD_OK;
    }
    e = ptd_inlimit_acquire(l, &more, &other, false);
    for (unsigned i = 0; i < PTD_INLIMIT_MAX; i++)
        ptd_inlimit_release(l, &pass[i]);
    ck_assert(!support_nth_malloc_disarm());
    ck_assert_uint_eq(n_in, PTD_INLIMIT_MAX);
    ck_assert_int_eq(e, PTD_EFULL);
    ptd_inlimit_free(l);
}
END_TEST

static void in_and_out_main(void *arg)
{
    struct ptd_inlimit *l = arg;
    struct ptd_netaddr na = { .net = PTD_NET_IPV4, .len = 4, .addr = { 9 } };
    struct ptd_inlimit_pass pass;

    for (unsigned i = 0; i < 20000; i++) {
        na.addr[2] = (uint8_t)(i % 7);
        if (ptd_inlimit_acquire(l, &pass, &na, false) == PTD_OK)
            ptd_inlimit_release(l, &pass);
    }
}

START_TEST(threads_may_come_and_go)
{
    struct ptd_inlimit *l = limit(2, 3);
    struct ptd_thread t[4] = { 0 };

    for (size_t i = 0; i < PTD_COUNT(t); i++)
        ck_assert_int_eq(
            ptd_thread_start(&t[i], NULL, "in-out", in_and_out_main, l),
            PTD_OK);
    for (size_t i = 0; i < PTD_COUNT(t); i++)
        ptd_thread_join(&t[i]);
    ck_assert_uint_eq(ptd_inlimit_pending(l), 0);
    ptd_inlimit_free(l);
}
END_TEST

TCase *inlimit_case(void)
{
    TCase *tc = tcase_create("inlimit");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_group_has_its_share, 0, (int)PTD_COUNT(groups));
    tcase_add_test(tc, all_together_have_theirs);
    tcase_add_test(tc, this_machine_and_noban_are_exempt);
    tcase_add_test(tc, zero_is_no_limit);
    tcase_add_test(tc, counts_are_right_whatever_the_order);
    tcase_add_test(tc, memory_is_taken_once);
    tcase_add_test(tc, threads_may_come_and_go);
    return tc;
}
