#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_addrmgr.h"

static size_t size_of(struct rig *r, enum ptd_addrmgr_table table)
{
    return ptd_addrmgr_size(r->m, PTD_NET_NONE, table);
}

static struct ptd_addrmgr_where where_is(struct rig *r, const char *text)
{
    struct ptd_netaddr na = na_of(text);
    struct ptd_addrmgr_where where;

    ck_assert_msg(ptd_addrmgr_find(r->m, &where, &na), "%s", text);
    return where;
}

/* The only entry there is. */
static struct ptd_addrmgr_entry only_entry(struct rig *r)
{
    struct ptd_addrmgr_entry *list, e;
    size_t n;

    ck_assert(ptd_addrmgr_entries(r->m, &list, &n, PTD_ADDRMGR_NEW) == PTD_OK);
    ck_assert_uint_eq(n, 1);
    e = *list;
    free(list);
    return e;
}

/* ---- places ---------------------------------------------------------- */

/* With key 1 and without a map, as Bitcoin Core 31.1 has them: the values of
 * its test/functional/rpc_net.py. */
static const struct {
    const char *address;
    bool tried;
    int bucket, position;
} places[] = {
    { "2.0.0.0", false, 82, 8 },
    { "fc00:1:2:3:4:5:6:7", false, 336, 24 },
    { "c4gfnttsuwqomiygupdqqqyy5y5emnk5c73hrfvatri67prd7vyq.b32.i2p:8333",
      false, 963, 46 },
    { "[2803:0:1234:abcd::1]:45324", false, 613, 6 },
    { "1.2.3.4", true, 6, 33 },
    { "1233:3432:2434:2343:3234:2345:6546:4534", true, 197, 34 },
    { "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333",
      true, 72, 61 },
    { "nrfj6inpyf73gpkyool35hcmne5zwfmse3jl3aw23vk7chdemalyaqad.onion:45324",
      true, 139, 46 },
};

START_TEST(places_are_bitcoin_cores)
{
    struct rig r = rig_new(RIG_CHECK_ALL);

    for (size_t i = 0; i < PTD_COUNT(places); i++) {
        struct ptd_netaddr na = na_of(places[i].address);
        struct ptd_addrmgr_where where;

        ck_assert_uint_eq(rig_add(&r, places[i].address), 1);
        if (places[i].tried)
            ck_assert(ptd_addrmgr_good(r.m, &na));
        where = where_is(&r, places[i].address);
        ck_assert(where.tried == places[i].tried);
        ck_assert_int_eq(where.bucket, places[i].bucket);
        ck_assert_int_eq(where.position, places[i].position);
        ck_assert_int_eq(where.n_refs, 1);
    }
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_NEW), 4);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_TRIED), 4);
    rig_free(&r);
}
END_TEST

START_TEST(entries_say_where_each_lies)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4"), source = na_of("5.6.7.8:99");
    struct ptd_addrmgr_entry *list;
    size_t n;

    rig_add_from(&r, &na, &source);
    ck_assert(ptd_addrmgr_entries(r.m, &list, &n, PTD_ADDRMGR_NEW) == PTD_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert(ptd_netaddr_is_equal(&list[0].e.na, &na));
    ck_assert(ptd_netaddr_is_same_host(&list[0].source, &source));
    ck_assert_int_eq(list[0].where.n_refs, 1);
    ck_assert(!list[0].where.tried);
    free(list);
    ck_assert(ptd_addrmgr_good(r.m, &na));
    ck_assert(ptd_addrmgr_entries(r.m, &list, &n, PTD_ADDRMGR_NEW) == PTD_OK);
    ck_assert_uint_eq(n, 0);
    free(list);
    ck_assert(ptd_addrmgr_entries(r.m, &list, &n, PTD_ADDRMGR_TRIED) == PTD_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert(list[0].where.tried);
    ck_assert_int_eq(list[0].last_success_s, T0);
    free(list);
    rig_free(&r);
}
END_TEST

START_TEST(a_map_changes_the_buckets)
{
    struct ptd_netgroup *ng = netgroup_of_test();
    struct rig plain = rig_new(RIG_CHECK_ALL);
    struct rig mapped = rig_new_with(RIG_CHECK_ALL, ng);

    rig_add(&plain, "200.1.2.3");
    rig_add(&mapped, "200.1.2.3");
    ck_assert_int_ne(where_is(&plain, "200.1.2.3").bucket,
                     where_is(&mapped, "200.1.2.3").bucket);
    /* two prefixes of one system, from one system: one bucket */
    rig_add(&mapped, "150.1.2.3");
    ck_assert_int_eq(where_is(&mapped, "150.1.2.3").bucket,
                     where_is(&mapped, "200.1.2.3").bucket);
    rig_free(&plain);
    rig_free(&mapped);
    ptd_netgroup_free(ng);
}
END_TEST

/* ---- adding ---------------------------------------------------------- */

static const char *const never[] = {
    "10.0.0.1",   "192.168.1.1", "127.0.0.1",       "0.0.0.0", "169.254.1.1",
    "100.64.0.1", "198.18.0.1",  "192.0.2.1",       "::1",     "fe80::1",
    "fd00::1",    "2001:db8::1", "255.255.255.255",
};

START_TEST(unroutable_is_not_taken)
{
    struct rig r = rig_new(RIG_CHECK_ALL);

    ck_assert_uint_eq(rig_add(&r, never[_i]), 0);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_BOTH), 0);
    rig_free(&r);
}
END_TEST

START_TEST(tor_v2_and_nothing_are_not_taken)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr source = na_of("1.2.3.4"), na;
    struct ptd_addr_entry list[2];
    uint8_t ten[10] = { 1, 2, 3 };

    ck_assert(ptd_netaddr_set(&na, PTD_NET_TORV2, ten, 10, 1) == PTD_OK);
    list[0] = heard(&na, T0);
    list[1] = (struct ptd_addr_entry){ .time = T0 };
    ck_assert_uint_eq(ptd_addrmgr_add(r.m, list, 2, &source, 0), 0);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_BOTH), 0);
    rig_free(&r);
}
END_TEST

START_TEST(ports_make_different_addresses)
{
    struct rig r = rig_new(RIG_CHECK_ALL);

    ck_assert_uint_eq(rig_add(&r, "250.1.1.1:8333"), 1);
    ck_assert_uint_eq(rig_add(&r, "250.1.1.1:8334"), 1);
    ck_assert_uint_eq(rig_add(&r, "250.1.1.1:8333"), 0);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_BOTH), 2);
    rig_free(&r);
}
END_TEST

START_TEST(sizes_are_counted_by_network)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4");

    for (size_t i = 0; i < PTD_COUNT(places); i++)
        rig_add(&r, places[i].address);
    ck_assert(ptd_addrmgr_good(r.m, &na));
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_IPV4, PTD_ADDRMGR_NEW), 1);
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_IPV4, PTD_ADDRMGR_TRIED),
                      1);
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_IPV4, PTD_ADDRMGR_BOTH), 2);
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_IPV6, PTD_ADDRMGR_BOTH), 2);
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_TORV3, PTD_ADDRMGR_NEW), 2);
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_I2P, PTD_ADDRMGR_NEW), 1);
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_CJDNS, PTD_ADDRMGR_NEW), 1);
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_YGGDRASIL, PTD_ADDRMGR_NEW),
                      0);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_BOTH), 8);
    rig_free(&r);
}
END_TEST

/* ---- times ----------------------------------------------------------- */

static const struct {
    const char *name;
    int64_t given, want;
} times[] = {
    { "now", T0, T0 },
    { "a week ago", T0 - 7 * 86400, T0 - 7 * 86400 },
    { "ten minutes ahead", T0 + 600, T0 + 600 },
    { "more than that", T0 + 601, T0 - 5 * 86400 },
    { "the last there is", UINT32_MAX, T0 - 5 * 86400 },
    { "none", 0, T0 - 5 * 86400 },
    { "1973", 100000000, T0 - 5 * 86400 },
    { "a second later", 100000001, 100000001 },
};

START_TEST(impossible_times_become_five_days_ago)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4");
    struct ptd_addr_entry e = heard(&na, times[_i].given);

    ck_assert_msg(ptd_addrmgr_clamp_time((uint32_t)times[_i].given, T0) ==
                      times[_i].want,
                  "%s", times[_i].name);
    ck_assert_uint_eq(ptd_addrmgr_add(r.m, &e, 1, &na, 0), 1);
    ck_assert_int_eq(only_entry(&r).e.time, times[_i].want);
    rig_free(&r);
}
END_TEST

START_TEST(clamping_survives_any_clock)
{
    ck_assert_uint_eq(ptd_addrmgr_clamp_time(1, 0), 0);
    ck_assert_uint_eq(ptd_addrmgr_clamp_time(1, -5), 0);
    ck_assert_uint_eq(ptd_addrmgr_clamp_time(0, INT64_C(1) << 40), UINT32_MAX);
}
END_TEST

START_TEST(hearsay_is_penalised_but_not_who_speaks_of_himself)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4"), source = na_of("1.2.3.4:99");
    struct ptd_netaddr other = na_of("5.6.7.8");
    struct ptd_addr_entry e = heard(&na, T0);

    ck_assert_uint_eq(ptd_addrmgr_add(r.m, &e, 1, &other, 7200), 1);
    ck_assert_int_eq(only_entry(&r).e.time, T0 - 7200);
    /* not after an hour, penalty included, but after more */
    rig_pass(&r, 1800);
    e.time = T0 + 1800;
    ptd_addrmgr_add(r.m, &e, 1, &other, 7200);
    ck_assert_int_eq(only_entry(&r).e.time, T0 - 7200);
    ptd_addrmgr_add(r.m, &e, 1, &source, 7200);
    ck_assert_int_eq(only_entry(&r).e.time, T0 + 1800);
    rig_free(&r);
}
END_TEST

START_TEST(services_add_up_until_they_are_set)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4"), unknown = na_of("9.9.9.9");
    struct ptd_addr_entry e = heard(&na, T0);

    e.services = 1;
    ptd_addrmgr_add(r.m, &e, 1, &na, 0);
    e.services = 8;
    ptd_addrmgr_add(r.m, &e, 1, &na, 0);
    ck_assert_uint_eq(only_entry(&r).e.services, 9);
    ptd_addrmgr_set_services(r.m, &na, 0x400);
    ck_assert_uint_eq(only_entry(&r).e.services, 0x400);
    ptd_addrmgr_set_services(r.m, &unknown, 0x400);
    ptd_addrmgr_connected(r.m, &unknown);
    ptd_addrmgr_attempt(r.m, &unknown, true);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_BOTH), 1);
    rig_free(&r);
}
END_TEST

START_TEST(a_connection_that_ended_is_news_after_20_minutes)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4");

    rig_add(&r, "1.2.3.4");
    rig_pass(&r, 1200);
    ptd_addrmgr_connected(r.m, &na);
    ck_assert_int_eq(only_entry(&r).e.time, T0);
    rig_pass(&r, 1);
    ptd_addrmgr_connected(r.m, &na);
    ck_assert_int_eq(only_entry(&r).e.time, T0 + 1201);
    rig_free(&r);
}
END_TEST

/* ---- more than one place --------------------------------------------- */

START_TEST(an_address_gets_at_most_eight_places_ever_more_slowly)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct ptd_netaddr na = na_of("1.2.3.4");
    int32_t tries[9] = { 0 };
    size_t n_refs = 0;

    /* newer each time, or there would be nothing to learn */
    for (uint32_t i = 0; i < 4000; i++) {
        struct ptd_netaddr source = ipv4(0x10000000 + i * 0x10000, 1);
        struct ptd_addr_entry e = heard(&na, T0 + i);

        rig_pass(&r, 1);
        tries[n_refs]++;
        n_refs += ptd_addrmgr_add(r.m, &e, 1, &source, 0);
        if (i % 100 == 0)
            ck_assert_int_eq(where_is(&r, "1.2.3.4").n_refs, (int)n_refs);
        ck_assert_uint_le(n_refs, PTD_ADDRMGR_MAX_REFS);
    }
    ck_assert_uint_eq(n_refs, PTD_ADDRMGR_MAX_REFS);
    ck_assert_int_eq(tries[0], 1);
    ck_assert_int_gt(tries[6] + tries[7], tries[1] + tries[2]);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_NEW), 1);
    /* and all of them are left when it becomes a tried one */
    ck_assert(ptd_addrmgr_good(r.m, &na));
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_NEW), 0);
    ck_sound(&r);
    rig_free(&r);
}
END_TEST

START_TEST(old_news_gives_no_place)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4");

    rig_add(&r, "1.2.3.4");
    for (uint32_t i = 0; i < 1000; i++) {
        struct ptd_netaddr source = ipv4(0x10000000 + i * 0x10000, 1);
        struct ptd_addr_entry e = heard(&na, T0);

        ck_assert_uint_eq(ptd_addrmgr_add(r.m, &e, 1, &source, 0), 0);
    }
    rig_free(&r);
}
END_TEST

/* ---- room in new ----------------------------------------------------- */

/* Two addresses of one group from one source that want the same place: the
 * second of them, given the first. */
static struct ptd_netaddr rival_of(struct rig *r, const struct ptd_netaddr *na,
                                   const struct ptd_netaddr *source)
{
    struct ptd_addrmgr_where wanted, got;

    ck_assert(ptd_addrmgr_find(r->m, &wanted, na));
    for (uint32_t i = 1; i < 65536; i++) {
        struct rig other = { 0 };
        struct ptd_netaddr rival = *na;
        bool same;

        rival.addr[2] = (uint8_t)(i >> 8);
        rival.addr[3] = (uint8_t)i;
        if (ptd_netaddr_is_equal(&rival, na))
            continue;
        other = rig_new(RIG_CHECK_NONE);
        rig_add_from(&other, &rival, source);
        ck_assert(ptd_addrmgr_find(other.m, &got, &rival));
        same = got.bucket == wanted.bucket && got.position == wanted.position;
        rig_free(&other);
        if (same)
            return rival;
    }
    ck_abort_msg("no rival");
}

START_TEST(a_place_is_kept_by_who_is_good_and_lost_by_who_is_terrible)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4"), source = na_of("7.7.7.7");
    struct ptd_addrmgr_entry left;
    struct ptd_netaddr rival;

    rig_add_from(&r, &na, &source);
    rival = rival_of(&r, &na, &source);
    ck_assert_uint_eq(rig_add_from(&r, &rival, &source), 0);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_NEW), 1);

    /* three failures without a success, each between two successes of others */
    for (int i = 0; i < 3; i++) {
        struct ptd_netaddr good = na_of("8.8.8.8");

        ptd_addrmgr_attempt(r.m, &na, true);
        rig_pass(&r, 10);
        ptd_addrmgr_good(r.m, &good); /* unknown: only the time counts */
        rig_pass(&r, 10);
    }
    ck_assert_uint_eq(rig_add_from(&r, &rival, &source), 0); /* just tried */
    rig_pass(&r, 60);
    ck_assert_uint_eq(rig_add_from(&r, &rival, &source), 1);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_NEW), 1);
    left = only_entry(&r);
    ck_assert(ptd_netaddr_is_equal(&left.e.na, &rival));
    rig_free(&r);
}
END_TEST

START_TEST(failures_count_once_between_two_successes)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4"), good = na_of("8.8.8.8");

    rig_add(&r, "1.2.3.4");
    rig_add(&r, "8.8.8.8");
    for (int i = 0; i < 5; i++)
        ptd_addrmgr_attempt(r.m, &na, false);
    for (int i = 0; i < 5; i++)
        ptd_addrmgr_attempt(r.m, &na, true);
    ck_assert(ptd_addrmgr_good(r.m, &good));
    ck_assert_int_eq(only_entry(&r).n_attempts, 1);
    rig_pass(&r, 1);
    ptd_addrmgr_good(r.m, &good);
    ptd_addrmgr_attempt(r.m, &na, true);
    ptd_addrmgr_attempt(r.m, &na, true);
    ck_assert_int_eq(only_entry(&r).n_attempts, 2);
    rig_free(&r);
}
END_TEST

/* ---- many ------------------------------------------------------------ */

START_TEST(the_tables_fill_up_and_stay_sound)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    uint32_t seed = 1;

    rig_fill(&r, 150000, 1);
    ck_assert_uint_le(size_of(&r, PTD_ADDRMGR_NEW), PTD_ADDRMGR_MAX_NEW);
    ck_assert_uint_gt(size_of(&r, PTD_ADDRMGR_NEW), 50000);
    ck_sound(&r);
    for (int i = 0; i < 30000; i++) {
        struct ptd_netaddr na = ipv4(lcg(&seed), 8333);

        (void)ptd_addrmgr_good(r.m, &na);
        lcg(&seed); /* its source */
    }
    ck_assert_uint_gt(size_of(&r, PTD_ADDRMGR_TRIED), 5000);
    ck_sound(&r);
    /* 60 days later all are terrible: others take their places */
    rig_pass(&r, 60 * 86400);
    rig_fill(&r, 100000, 2);
    ck_sound(&r);
    rig_free(&r);
}
END_TEST

START_TEST(two_managers_choose_different_keys)
{
    struct ptd_addrmgr *m[2];
    struct ptd_netaddr source = na_of("7.7.7.7");
    int n_same = 0;

    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(m[i] = ptd_addrmgr_new(NULL));
        for (uint32_t j = 0; j < 50; j++) {
            struct ptd_netaddr na = ipv4(0x01000000 + j * 0x10000, 1);
            struct ptd_addr_entry e = heard(&na, T0);

            ptd_addrmgr_add(m[i], &e, 1, &source, 0);
        }
    }
    for (uint32_t j = 0; j < 50; j++) {
        struct ptd_netaddr na = ipv4(0x01000000 + j * 0x10000, 1);
        struct ptd_addrmgr_where a, b;

        if (ptd_addrmgr_find(m[0], &a, &na) && ptd_addrmgr_find(m[1], &b, &na))
            n_same += a.bucket == b.bucket;
    }
    ck_assert_int_lt(n_same, 10);
    ptd_addrmgr_free(m[0]);
    ptd_addrmgr_free(m[1]);
    ptd_addrmgr_free(NULL);
}
END_TEST

Suite *suite_table(void)
{
    Suite *s = suite_create("table");
    TCase *tc = tcase_create("table");

    suite_add_tcase(s, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, places_are_bitcoin_cores);
    tcase_add_test(tc, entries_say_where_each_lies);
    tcase_add_test(tc, a_map_changes_the_buckets);
    tcase_add_loop_test(tc, unroutable_is_not_taken, 0, PTD_COUNT(never));
    tcase_add_test(tc, tor_v2_and_nothing_are_not_taken);
    tcase_add_test(tc, ports_make_different_addresses);
    tcase_add_test(tc, sizes_are_counted_by_network);
    tcase_add_loop_test(tc, impossible_times_become_five_days_ago, 0,
                        PTD_COUNT(times));
    tcase_add_test(tc, clamping_survives_any_clock);
    tcase_add_test(tc, hearsay_is_penalised_but_not_who_speaks_of_himself);
    tcase_add_test(tc, services_add_up_until_they_are_set);
    tcase_add_test(tc, a_connection_that_ended_is_news_after_20_minutes);
    tcase_add_test(tc, an_address_gets_at_most_eight_places_ever_more_slowly);
    tcase_add_test(tc, old_news_gives_no_place);
    tcase_add_test(tc,
                   a_place_is_kept_by_who_is_good_and_lost_by_who_is_terrible);
    tcase_add_test(tc, failures_count_once_between_two_successes);
    tcase_add_test(tc, the_tables_fill_up_and_stay_sound);
    tcase_add_test(tc, two_managers_choose_different_keys);
    return s;
}
