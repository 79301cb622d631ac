#include <config.h>

#include "node/addrs.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_node.h"

#define NOW INT64_C(1800000000)

static struct ptd_addr_entry entry(uint32_t i, int64_t time)
{
    struct ptd_addr_entry e = { .time = (uint32_t)time, .services = 1 };
    const uint8_t ip[4] = { 8, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
                            (uint8_t)i };

    ck_assert_int_eq(ptd_netaddr_set(&e.na, PTD_NET_IPV4, ip, 4, 8333), PTD_OK);
    return e;
}

static size_t add_text(struct ptd_addrs *t, const char *text)
{
    struct ptd_addr_entry e = { .time = NOW };

    ck_assert_int_eq(ptd_netaddr_parse(&e.na, text, 8333), PTD_OK);
    return ptd_addrs_add(t, &e, 1, NOW);
}

static const struct {
    const char *text;
    bool in_public, on_regtest;
} kinds[] = {
    { "8.8.8.8", true, true },
    { "[2a01:4f8::1]", true, true },
    { "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", true,
      true },
    { "127.0.0.1", false, true },
    { "10.1.2.3", false, true },
    { "0.0.0.0", false, false },
    { "8.8.8.8:0", false, false },
};

START_TEST(only_what_could_be_reached_is_taken)
{
    struct ptd_addrs *pub = ptd_addrs_new(false), *reg = ptd_addrs_new(true);

    ck_assert_msg(add_text(pub, kinds[_i].text) == kinds[_i].in_public, "%s",
                  kinds[_i].text);
    ck_assert_msg(add_text(reg, kinds[_i].text) == kinds[_i].on_regtest, "%s",
                  kinds[_i].text);
    ptd_addrs_free(pub);
    ptd_addrs_free(reg);
}
END_TEST

START_TEST(table_is_bounded_and_stays_whole)
{
    enum { N = 3 * PTD_ADDRS_MAX };
    struct ptd_addrs *t = ptd_addrs_new(false);
    struct ptd_addr_entry *out = calloc(1000, sizeof *out), e;
    size_t n_again = 0;

    for (uint32_t i = 0; i < N; i++) {
        e = entry(i, NOW);
        ck_assert_uint_eq(ptd_addrs_add(t, &e, 1, NOW), 1);
    }
    ck_assert_uint_eq(ptd_addrs_count(t), PTD_ADDRS_MAX);
    ck_assert_uint_eq(ptd_addrs_sample(t, out, 1000, NOW), 1000);
    for (uint32_t i = 0; i < 1000; i++)
        n_again += ptd_addrs_add(t, &out[i], 1, NOW);
    ck_assert_uint_eq(n_again, 0); /* each one told is found again */
    ck_assert_uint_eq(ptd_addrs_count(t), PTD_ADDRS_MAX);
    ck_assert(ptd_addrs_pick(t, &e));
    free(out);
    ptd_addrs_free(t);
}
END_TEST

START_TEST(sample_is_a_share_without_repetition)
{
    struct ptd_addrs *t = ptd_addrs_new(false);
    struct ptd_addr_entry out[1000], e;
    size_t n;

    for (uint32_t i = 0; i < 100; i++) {
        e = entry(i, NOW);
        (void)ptd_addrs_add(t, &e, 1, NOW);
        (void)ptd_addrs_add(t, &e, 1, NOW);
    }
    n = ptd_addrs_sample(t, out, 1000, NOW);
    ck_assert_uint_eq(n, 23);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert(!ptd_netaddr_is_equal(&out[i].na, &out[k].na));
    ck_assert_uint_eq(ptd_addrs_sample(t, out, 5, NOW), 5);
    ptd_addrs_free(t);
}
END_TEST

static const struct {
    const char *name;
    int64_t told, kept; /* 0: told to nobody */
} times[] = {
    { "now", NOW, NOW - 7200 },
    { "ten minutes ahead", NOW + 600, NOW - 6600 },
    { "further ahead", NOW + 601, NOW - 5 * 86400 - 7200 },
    { "never", 0, NOW - 5 * 86400 - 7200 },
    { "yesterday", NOW - 86400, NOW - 86400 - 7200 },
    { "a month ago", NOW - 30 * 86400, 0 },
};

START_TEST(times_are_not_believed_blindly)
{
    struct ptd_addrs *t = ptd_addrs_new(false);
    struct ptd_addr_entry e, out[10];
    size_t n;

    for (uint32_t i = 0; i < 5; i++) { /* a fifth is the least told of */
        e = entry(i, times[_i].told);
        (void)ptd_addrs_add(t, &e, 1, NOW);
    }
    n = ptd_addrs_sample(t, out, 10, NOW);
    ck_assert_uint_eq(n, times[_i].kept != 0);
    if (n > 0)
        ck_assert_int_eq(out[0].time, times[_i].kept);
    ptd_addrs_free(t);
}
END_TEST

START_TEST(planted_ones_are_dialled_but_told_to_nobody)
{
    struct ptd_addrs *t = ptd_addrs_new(false);
    struct ptd_addr_entry out[10], e;

    for (uint32_t i = 0; i < 10; i++) {
        e = entry(i, NOW);
        ptd_addrs_plant(t, &e);
    }
    ck_assert_uint_eq(ptd_addrs_count(t), 10);
    ck_assert(ptd_addrs_pick(t, &e));
    ck_assert_uint_eq(ptd_addrs_sample(t, out, 10, NOW), 0);
    e = entry(3, NOW); /* a peer has heard of it too */
    ck_assert_uint_eq(ptd_addrs_add(t, &e, 1, NOW), 0);
    ck_assert_uint_eq(ptd_addrs_sample(t, out, 10, NOW), 1);
    ck_assert(ptd_netaddr_is_equal(&out[0].na, &e.na));
    e = entry(4, NOW); /* and this one we reached */
    ptd_addrs_seen(t, &e.na, 1, NOW);
    ck_assert_uint_eq(ptd_addrs_sample(t, out, 10, NOW), 2);
    ptd_addrs_free(t);
}
END_TEST

START_TEST(empty_table_gives_nothing)
{
    struct ptd_addrs *t = ptd_addrs_new(false);
    struct ptd_addr_entry e;

    ck_assert(!ptd_addrs_pick(t, &e));
    ck_assert_uint_eq(ptd_addrs_sample(t, &e, 1, NOW), 0);
    ptd_addrs_free(t);
}
END_TEST

TCase *tcase_addrs(void)
{
    TCase *tc = tcase_create("addrs");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, only_what_could_be_reached_is_taken, 0,
                        PTD_COUNT(kinds));
    tcase_add_test(tc, table_is_bounded_and_stays_whole);
    tcase_add_test(tc, sample_is_a_share_without_repetition);
    tcase_add_loop_test(tc, times_are_not_believed_blindly, 0,
                        PTD_COUNT(times));
    tcase_add_test(tc, planted_ones_are_dialled_but_told_to_nobody);
    tcase_add_test(tc, empty_table_gives_nothing);
    return tc;
}
