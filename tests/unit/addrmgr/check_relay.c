#include <config.h>

#include <string.h>

#include "addrmgr/addrrelay.h"
#include "base/util.h"
#include "check_addrmgr.h"

enum { N_PEERS = 100, DAY_S = 86400 };

static uint64_t peers[N_PEERS];

static void number_peers(void)
{
    for (size_t i = 0; i < N_PEERS; i++)
        peers[i] = i + 5;
}

static size_t choose(uint64_t out[2], uint64_t key, const char *address,
                     int64_t now_s, size_t n)
{
    struct ptd_netaddr na = na_of(address);

    return ptd_addrrelay_choose(out, key, 2, &na, now_s,
                                PTD_ADDRRELAY_REACHABLE, peers, n);
}

START_TEST(two_peers_get_it_or_as_many_as_there_are)
{
    uint64_t out[2];

    number_peers();
    ck_assert_uint_eq(choose(out, 1, "1.2.3.4", T0, N_PEERS), 2);
    ck_assert_uint_ne(out[0], out[1]);
    ck_assert_uint_eq(choose(out, 1, "1.2.3.4", T0, 2), 2);
    ck_assert_uint_eq(choose(out, 1, "1.2.3.4", T0, 1), 1);
    ck_assert_uint_eq(out[0], peers[0]);
    ck_assert_uint_eq(choose(out, 1, "1.2.3.4", T0, 0), 0);
}
END_TEST

START_TEST(one_peer_gets_what_we_cannot_reach)
{
    struct ptd_netaddr na = na_of("1.2.3.4");
    uint64_t one[2] = { 0, 77 }, two[2];

    number_peers();
    ck_assert_uint_eq(ptd_addrrelay_choose(one, 1, 2, &na, T0,
                                           PTD_ADDRRELAY_UNREACHABLE, peers,
                                           N_PEERS),
                      1);
    ck_assert_uint_eq(one[1], 77);
    choose(two, 1, "1.2.3.4", T0, N_PEERS);
    ck_assert_uint_eq(one[0], two[0]);
}
END_TEST

START_TEST(the_same_two_for_a_day_then_others)
{
    uint64_t first[2], now[2];
    int64_t changed_s = 0;
    int n_changes = 0;

    number_peers();
    choose(first, 1, "1.2.3.4", T0, N_PEERS);
    for (int64_t s = 0; s <= DAY_S; s += 60) {
        choose(now, 1, "1.2.3.4", T0 + s, N_PEERS);
        if (memcmp(now, first, sizeof now) != 0) {
            memcpy(first, now, sizeof now);
            changed_s = s;
            n_changes++;
        }
    }
    ck_assert_int_eq(n_changes, 1);
    ck_assert_int_gt(changed_s, 0);
}
END_TEST

START_TEST(the_day_begins_at_another_hour_for_each_address)
{
    int64_t changes[20];
    int n_same = 0;

    number_peers();
    for (int i = 0; i < 20; i++) {
        struct ptd_netaddr na = ipv4(0x01020304 + (uint32_t)i, 8333);
        uint64_t first[2], now[2];

        ptd_addrrelay_choose(first, 1, 2, &na, T0, PTD_ADDRRELAY_REACHABLE,
                             peers, N_PEERS);
        for (changes[i] = 0; changes[i] < DAY_S; changes[i] += 600) {
            ptd_addrrelay_choose(now, 1, 2, &na, T0 + changes[i],
                                 PTD_ADDRRELAY_REACHABLE, peers, N_PEERS);
            if (memcmp(now, first, sizeof now) != 0)
                break;
        }
        for (int j = 0; j < i; j++)
            n_same += changes[i] == changes[j];
    }
    ck_assert_int_lt(n_same, 20);
}
END_TEST

START_TEST(who_gets_it_depends_on_key_and_address_alone)
{
    uint64_t a[2], b[2], few[2];
    size_t n_same_key = 0, n_same_address = 0;

    number_peers();
    for (uint32_t i = 0; i < 50; i++) {
        struct ptd_netaddr na = ipv4(0x01020304 + i, 8333);

        ptd_addrrelay_choose(a, 1, 2, &na, T0, PTD_ADDRRELAY_REACHABLE, peers,
                             N_PEERS);
        ptd_addrrelay_choose(b, 99, 2, &na, T0, PTD_ADDRRELAY_REACHABLE, peers,
                             N_PEERS);
        n_same_key += a[0] == b[0];
        choose(b, 1, "9.9.9.9", T0, N_PEERS);
        n_same_address += a[0] == b[0];
        /* the others do not matter: without them the same two are chosen */
        ptd_addrrelay_choose(few, 1, 2, &na, T0, PTD_ADDRRELAY_REACHABLE, a, 2);
        ck_assert_mem_eq(few, a, sizeof a);
    }
    ck_assert_uint_lt(n_same_key, 5);
    ck_assert_uint_lt(n_same_address, 5);
}
END_TEST

START_TEST(everybody_gets_a_share)
{
    size_t n[N_PEERS] = { 0 };

    number_peers();
    for (uint32_t i = 0; i < 10000; i++) {
        struct ptd_netaddr na = ipv4(0x01020304 + i * 97, 8333);
        uint64_t out[2];

        ptd_addrrelay_choose(out, 1, 2, &na, T0, PTD_ADDRRELAY_REACHABLE, peers,
                             N_PEERS);
        n[out[0] - 5]++;
        n[out[1] - 5]++;
    }
    for (size_t i = 0; i < N_PEERS; i++) {
        ck_assert_uint_gt(n[i], 130); /* 200 on average */
        ck_assert_uint_lt(n[i], 270);
    }
}
END_TEST

/* ---- the bucket ------------------------------------------------------ */

static size_t take_all(struct ptd_addrbucket *b)
{
    size_t n = 0;

    while (ptd_addrbucket_take(b))
        n++;
    return n;
}

START_TEST(one_at_first_then_one_in_ten_seconds)
{
    struct ptd_addrbucket b;

    ptd_addrbucket_init(&b, 1000);
    ck_assert_uint_eq(take_all(&b), 1);
    ptd_addrbucket_refill(&b, 1000 + 9999999);
    ck_assert_uint_eq(take_all(&b), 0);
    ptd_addrbucket_refill(&b, 1000 + 10000000);
    ck_assert_uint_eq(take_all(&b), 1);
    ptd_addrbucket_refill(&b, 1000 + 10000000 + INT64_C(600000000));
    ck_assert_uint_eq(take_all(&b), 60);
}
END_TEST

START_TEST(a_thousand_at_most_are_saved_up)
{
    struct ptd_addrbucket b;

    ptd_addrbucket_init(&b, 0);
    ptd_addrbucket_refill(&b, INT64_C(1000000) * 86400 * 365);
    ck_assert_uint_eq(take_all(&b), 1000);
    ptd_addrbucket_refill(&b, INT64_MAX);
    ck_assert_uint_eq(take_all(&b), 1000);
}
END_TEST

START_TEST(an_answer_is_granted_beyond_the_limit)
{
    struct ptd_addrbucket b;

    ptd_addrbucket_init(&b, 0);
    ptd_addrbucket_refill(&b, INT64_C(1000000) * 86400 * 365);
    ptd_addrbucket_grant(&b);
    ptd_addrbucket_refill(&b, INT64_C(2000000) * 86400 * 365);
    ck_assert_uint_eq(take_all(&b), 2000);
}
END_TEST

START_TEST(a_clock_that_goes_back_gives_nothing)
{
    struct ptd_addrbucket b;

    ptd_addrbucket_init(&b, INT64_C(1000000000));
    ck_assert_uint_eq(take_all(&b), 1);
    ptd_addrbucket_refill(&b, 0);
    ck_assert_uint_eq(take_all(&b), 0);
    ptd_addrbucket_refill(&b, 10000000);
    ck_assert_uint_eq(take_all(&b), 1);
}
END_TEST

/* Ten peers, each with 1,000 messages of 1,000 addresses, in ten minutes: the
 * tables grow by what the buckets let through. */
START_TEST(a_flood_of_addresses_is_a_trickle)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    size_t n_taken = 0;
    uint32_t seed = 5;

    for (uint32_t peer = 0; peer < 10; peer++) {
        struct ptd_netaddr source = ipv4(0x05060000 + peer * 0x10000, 8333);
        struct ptd_addrbucket b;

        ptd_addrbucket_init(&b, 0);
        for (int64_t msg = 0; msg < 1000; msg++) {
            ptd_addrbucket_refill(&b, msg * 600000);
            for (int i = 0; i < 1000; i++) {
                struct ptd_netaddr na;

                if (!ptd_addrbucket_take(&b))
                    continue;
                na = ipv4(lcg(&seed), 8333);
                n_taken++;
                rig_add_from(&r, &na, &source);
            }
        }
    }
    ck_assert_uint_le(n_taken, 10 * 61);
    ck_assert_uint_ge(n_taken, 10 * 60);
    ck_assert_uint_le(ptd_addrmgr_size(r.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH),
                      n_taken);
    rig_free(&r);
}
END_TEST

Suite *suite_relay(void)
{
    Suite *s = suite_create("relay");
    TCase *tc = tcase_create("relay");

    suite_add_tcase(s, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, two_peers_get_it_or_as_many_as_there_are);
    tcase_add_test(tc, one_peer_gets_what_we_cannot_reach);
    tcase_add_test(tc, the_same_two_for_a_day_then_others);
    tcase_add_test(tc, the_day_begins_at_another_hour_for_each_address);
    tcase_add_test(tc, who_gets_it_depends_on_key_and_address_alone);
    tcase_add_test(tc, everybody_gets_a_share);
    tcase_add_test(tc, one_at_first_then_one_in_ten_seconds);
    tcase_add_test(tc, a_thousand_at_most_are_saved_up);
    tcase_add_test(tc, an_answer_is_granted_beyond_the_limit);
    tcase_add_test(tc, a_clock_that_goes_back_gives_nothing);
    tcase_add_test(tc, a_flood_of_addresses_is_a_trickle);
    return s;
}
