#include <config.h>

#include <string.h>

#include "addrmgr/localaddr.h"
#include "base/util.h"
#include "check_addrmgr.h"

static const char onion[] =
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333";
static const char onion_too[] =
    "nrfj6inpyf73gpkyool35hcmne5zwfmse3jl3aw23vk7chdemalyaqad.onion:8333";
static const char i2p[] =
    "c4gfnttsuwqomiygupdqqqyy5y5emnk5c73hrfvatri67prd7vyq.b32.i2p:0";

static struct ptd_localaddr *list_new(bool discover, unsigned nets)
{
    struct ptd_localaddr_config cfg = { .discover = discover, .nets = nets };
    struct ptd_localaddr *l = ptd_localaddr_new(&cfg);

    ck_assert_ptr_nonnull(l);
    return l;
}

static enum ptd_err add(struct ptd_localaddr *l, const char *text,
                        enum ptd_local_source source)
{
    struct ptd_netaddr na = na_of(text);

    return ptd_localaddr_add(l, &na, source);
}

static int32_t score_of(struct ptd_localaddr *l, const char *text)
{
    struct ptd_localaddr_entry out[PTD_LOCALADDR_MAX];
    size_t n = ptd_localaddr_list(l, out, PTD_COUNT(out));
    struct ptd_netaddr na = na_of(text);

    for (size_t i = 0; i < n; i++) {
        if (ptd_netaddr_is_same_host(&out[i].na, &na))
            return out[i].score;
    }
    return -1;
}

/* The best one for a peer on its own network, as text; "" for none. */
static const char *best_for(struct ptd_localaddr *l, const char *text)
{
    static char out[PTD_NETADDR_TEXT];
    struct ptd_netaddr na = na_of(text), best;
    struct ptd_localaddr_peer peer = { .na = &na, .through = na.net };

    if (!ptd_localaddr_best(l, &best, &peer))
        return "";
    return ptd_netaddr_format(&best, out, sizeof out);
}

/* ---- the list -------------------------------------------------------- */

START_TEST(scores_say_where_from_and_how_often)
{
    struct ptd_localaddr *l = list_new(true, 0);

    ck_assert(add(l, "1.2.3.4", PTD_LOCAL_IF) == PTD_OK);
    ck_assert_int_eq(score_of(l, "1.2.3.4"), PTD_LOCAL_IF);
    ck_assert(add(l, "1.2.3.4:99", PTD_LOCAL_MANUAL) == PTD_OK);
    ck_assert_int_eq(score_of(l, "1.2.3.4"), PTD_LOCAL_MANUAL + 1);
    ck_assert_str_eq(best_for(l, "9.9.9.9"), "1.2.3.4:99");
    ck_assert(add(l, "1.2.3.4:77", PTD_LOCAL_BIND) == PTD_OK); /* less */
    ck_assert_int_eq(score_of(l, "1.2.3.4"), PTD_LOCAL_MANUAL + 1);
    ck_assert_str_eq(best_for(l, "9.9.9.9"), "1.2.3.4:99");
    ptd_localaddr_free(l);
    ptd_localaddr_free(NULL);
}
END_TEST

START_TEST(what_is_no_address_for_others_is_refused)
{
    struct ptd_localaddr *l =
        list_new(true, PTD_NET_BIT(PTD_NET_IPV4) | PTD_NET_BIT(PTD_NET_CJDNS));

    ck_assert(add(l, "192.168.0.1", PTD_LOCAL_MANUAL) == PTD_EREJECTED);
    ck_assert(add(l, "127.0.0.1", PTD_LOCAL_MANUAL) == PTD_EREJECTED);
    ck_assert(add(l, "2a00::1", PTD_LOCAL_MANUAL) == PTD_EREJECTED);
    ck_assert(add(l, onion, PTD_LOCAL_MANUAL) == PTD_EREJECTED);
    ck_assert(add(l, "fc00::1", PTD_LOCAL_IF) == PTD_OK);
    ck_assert(add(l, "1.2.3.4", PTD_LOCAL_IF) == PTD_OK);
    ptd_localaddr_free(l);
}
END_TEST

START_TEST(an_interface_of_the_cjdns_range_is_cjdns)
{
    struct ptd_localaddr *l = list_new(true, PTD_NET_BIT(PTD_NET_CJDNS));
    struct ptd_localaddr_entry out[1];
    uint8_t ip[16] = { 0xfc, 1 };
    struct ptd_netaddr na;

    ck_assert(ptd_netaddr_set(&na, PTD_NET_IPV6, ip, 16, 1) == PTD_OK);
    ck_assert(ptd_localaddr_add(l, &na, PTD_LOCAL_IF) == PTD_OK);
    ck_assert_uint_eq(ptd_localaddr_list(l, out, 1), 1);
    ck_assert_int_eq(out[0].na.net, PTD_NET_CJDNS);
    ptd_localaddr_free(l);
}
END_TEST

START_TEST(without_discovery_only_what_the_user_named)
{
    struct ptd_localaddr *l = list_new(false, 0);

    ck_assert(add(l, "1.2.3.4", PTD_LOCAL_IF) == PTD_EREJECTED);
    ck_assert(add(l, "1.2.3.4", PTD_LOCAL_MAPPED) == PTD_EREJECTED);
    ck_assert(add(l, "1.2.3.4", PTD_LOCAL_MANUAL) == PTD_OK);
    ptd_localaddr_free(l);
}
END_TEST

START_TEST(votes_count_for_ours_alone)
{
    struct ptd_localaddr *l = list_new(true, 0);
    struct ptd_netaddr ours = na_of("1.2.3.4:5"), other = na_of("4.3.2.1");

    add(l, "1.2.3.4:8333", PTD_LOCAL_IF);
    ck_assert(ptd_localaddr_is_ours(l, &ours));
    ck_assert(!ptd_localaddr_is_ours(l, &other));
    ck_assert(ptd_localaddr_vote(l, &ours));
    ck_assert(!ptd_localaddr_vote(l, &other));
    ck_assert_int_eq(score_of(l, "1.2.3.4"), PTD_LOCAL_IF + 1);
    ptd_localaddr_remove(l, &other);
    ptd_localaddr_remove(l, &ours);
    ck_assert(!ptd_localaddr_is_ours(l, &ours));
    ck_assert(!ptd_localaddr_vote(l, &ours));
    ptd_localaddr_free(l);
}
END_TEST

/* 2^31 votes would take half a minute: the last of them come after a score
 * that stands near the end from the start. */
START_TEST(a_score_ends_at_its_highest_value)
{
    struct ptd_localaddr *l = list_new(true, 0);
    struct ptd_netaddr na = na_of("1.2.3.4");

    ck_assert(ptd_localaddr_add(
                  l, &na, (enum ptd_local_source)(INT32_MAX - 3)) == PTD_OK);
    for (int i = 0; i < 1000; i++)
        ck_assert(ptd_localaddr_vote(l, &na));
    ck_assert_int_eq(score_of(l, "1.2.3.4"), INT32_MAX);
    /* and a source that is as sure does not push it over either */
    ck_assert(ptd_localaddr_add(l, &na, (enum ptd_local_source)INT32_MAX) ==
              PTD_OK);
    ck_assert_int_eq(score_of(l, "1.2.3.4"), INT32_MAX);
    ptd_localaddr_free(l);
}
END_TEST

START_TEST(the_list_has_an_end_and_is_sorted)
{
    struct ptd_localaddr *l = list_new(true, 0);
    struct ptd_localaddr_entry out[3];

    for (uint32_t i = 0; i < PTD_LOCALADDR_MAX; i++) {
        struct ptd_netaddr na = ipv4(0x01020300 + i, 8333);

        ck_assert(ptd_localaddr_add(l, &na,
                                    i == 77 ? PTD_LOCAL_MANUAL
                                            : PTD_LOCAL_IF) == PTD_OK);
    }
    ck_assert(add(l, "9.9.9.9", PTD_LOCAL_MANUAL) == PTD_ELIMIT);
    ck_assert_uint_eq(ptd_localaddr_list(l, out, 3), 3);
    ck_assert_int_eq(out[0].score, PTD_LOCAL_MANUAL);
    ck_assert_int_eq(out[1].score, PTD_LOCAL_IF);
    ck_assert_uint_eq(ptd_localaddr_list(l, NULL, 0), 0);
    ptd_localaddr_free(l);
}
END_TEST

/* ---- reachability ---------------------------------------------------- */

static const struct {
    const char *ours, *theirs;
    enum ptd_local_reach reach;
} reaches[] = {
    { "10.0.0.1", "1.2.3.4", PTD_REACH_NOT },
    { "5.5.5.5", "1.2.3.4", PTD_REACH_IPV4 },
    { "2a00::1", "1.2.3.4", PTD_REACH_DEFAULT },
    { "2001::1", "1.2.3.4", PTD_REACH_DEFAULT },
    { onion, "1.2.3.4", PTD_REACH_DEFAULT },
    { "2a00::1", "2a01::1", PTD_REACH_IPV6_STRONG },
    { "2002:505:505::1", "2a01::1", PTD_REACH_IPV6_WEAK },
    { "64:ff9b::505:505", "2a01::1", PTD_REACH_IPV6_WEAK },
    { "2001::1", "2a01::1", PTD_REACH_TEREDO },
    { "5.5.5.5", "2a01::1", PTD_REACH_IPV4 },
    { onion, "2a01::1", PTD_REACH_DEFAULT },
    { onion, onion_too, PTD_REACH_PRIVATE },
    { "5.5.5.5", onion_too, PTD_REACH_IPV4 },
    { "2a00::1", onion_too, PTD_REACH_DEFAULT },
    { i2p, i2p, PTD_REACH_PRIVATE },
    { onion, i2p, PTD_REACH_DEFAULT },
    { "fc00::1", "fc00::2", PTD_REACH_PRIVATE },
    { "5.5.5.5", "fc00::2", PTD_REACH_DEFAULT },
    { "0200::1", "0300::2", PTD_REACH_PRIVATE },
    { "2001::1", "2001::2", PTD_REACH_TEREDO },
    { "2a00::1", "2001::2", PTD_REACH_IPV6_WEAK },
    { "5.5.5.5", "2001::2", PTD_REACH_IPV4 },
    { "5.5.5.5", "127.0.0.1", PTD_REACH_IPV4 },
    { "2a00::1", "127.0.0.1", PTD_REACH_IPV6_WEAK },
    { "2001::1", "127.0.0.1", PTD_REACH_TEREDO },
    { onion, "127.0.0.1", PTD_REACH_PRIVATE },
    { i2p, "127.0.0.1", PTD_REACH_DEFAULT },
};

START_TEST(reachability_follows_the_networks)
{
    struct ptd_netaddr ours = na_of(reaches[_i].ours),
                       theirs = na_of(reaches[_i].theirs);

    ck_assert_msg(ptd_localaddr_reach(&ours, &theirs) == reaches[_i].reach,
                  "%s from %s", reaches[_i].ours, reaches[_i].theirs);
}
END_TEST

START_TEST(the_best_one_is_reached_best_then_best_known)
{
    struct ptd_localaddr *l = list_new(true, 0);

    ck_assert_str_eq(best_for(l, "1.2.3.4"), "");
    add(l, "5.5.5.5", PTD_LOCAL_IF);
    add(l, "6.6.6.6", PTD_LOCAL_BIND);
    add(l, "2002:505:505::1", PTD_LOCAL_MANUAL);
    ck_assert_str_eq(best_for(l, "1.2.3.4"), "6.6.6.6:8333");
    ck_assert_str_eq(best_for(l, "2a01::1"), "6.6.6.6:8333");
    add(l, "2a00::1", PTD_LOCAL_IF);
    ck_assert_str_eq(best_for(l, "2a01::1"), "[2a00::1]:8333");
    ck_assert_str_eq(best_for(l, "1.2.3.4"), "6.6.6.6:8333");
    ptd_localaddr_free(l);
}
END_TEST

START_TEST(privacy_networks_are_kept_apart)
{
    struct ptd_localaddr *l = list_new(true, 0);
    struct ptd_netaddr local = na_of("127.0.0.1"), best;
    struct ptd_localaddr_peer through_tor = { .na = &local,
                                              .through = PTD_NET_TORV3 };

    add(l, "5.5.5.5", PTD_LOCAL_MANUAL);
    ck_assert_str_eq(best_for(l, onion_too), "");
    ck_assert(!ptd_localaddr_best(l, &best, &through_tor));
    add(l, onion, PTD_LOCAL_MANUAL);
    ck_assert_str_eq(best_for(l, onion_too), onion);
    ck_assert_str_eq(best_for(l, "1.2.3.4"), "5.5.5.5:8333");
    ck_assert_str_eq(best_for(l, i2p), "");
    ck_assert(ptd_localaddr_best(l, &best, &through_tor));
    ck_assert_int_eq(best.net, PTD_NET_TORV3);
    ptd_localaddr_free(l);
}
END_TEST

/* ---- announcing ------------------------------------------------------ */

struct announced {
    bool any;
    char text[PTD_NETADDR_TEXT];
};

static struct announced announce(struct ptd_localaddr *l, const char *remote,
                                 const char *seen, bool inbound, uint32_t dice)
{
    struct ptd_netaddr na = na_of(remote), as = na_of(seen), out;
    struct ptd_localaddr_peer peer = {
        .na = &na, .through = na.net, .seen = &as, .inbound = inbound
    };
    struct announced a = { .any = ptd_localaddr_announce(l, &out, &peer, 8333,
                                                         dice) };

    if (a.any)
        ptd_netaddr_format(&out, a.text, sizeof a.text);
    return a;
}

START_TEST(nothing_known_the_peer_may_know)
{
    struct ptd_localaddr *l = list_new(true, 0);

    ck_assert(!announce(l, "1.2.3.4", "10.0.0.1:77", true, 1).any);
    ck_assert(!announce(l, "10.0.0.2", "5.5.5.5:77", true, 1).any);
    ck_assert_str_eq(announce(l, "1.2.3.4", "5.5.5.5:77", true, 1).text,
                     "5.5.5.5:77");
    ck_assert_str_eq(announce(l, "1.2.3.4", "5.5.5.5:77", false, 1).text,
                     "5.5.5.5:8333");
    ptd_localaddr_free(l);
    l = list_new(false, 0);
    ck_assert(!announce(l, "1.2.3.4", "5.5.5.5:77", true, 0).any);
    ptd_localaddr_free(l);
    l = list_new(true, PTD_NET_BIT(PTD_NET_IPV6));
    ck_assert(!announce(l, "1.2.3.4", "5.5.5.5:77", true, 0).any);
    ptd_localaddr_free(l);
}
END_TEST

START_TEST(the_better_known_ours_is_the_rarer_theirs)
{
    struct ptd_localaddr *l = list_new(true, 0);
    struct ptd_netaddr ours = na_of("6.6.6.6");
    int n = 0;

    add(l, "6.6.6.6:99", PTD_LOCAL_IF);
    for (uint32_t dice = 0; dice < 64; dice++)
        n += announce(l, "1.2.3.4", "5.5.5.5:77", true, dice).text[0] == '5';
    ck_assert_int_eq(n, 32);
    for (int i = 0; i < 10; i++)
        ptd_localaddr_vote(l, &ours);
    n = 0;
    for (uint32_t dice = 0; dice < 64; dice++)
        n += announce(l, "1.2.3.4", "5.5.5.5:77", true, dice).text[0] == '5';
    ck_assert_int_eq(n, 8);
    /* of a connection of ours the port is ours */
    ck_assert_str_eq(announce(l, "1.2.3.4", "5.5.5.5:77", false, 0).text,
                     "5.5.5.5:99");
    ptd_localaddr_free(l);
}
END_TEST

Suite *suite_localaddr(void)
{
    Suite *s = suite_create("localaddr");
    TCase *tc = tcase_create("localaddr");

    suite_add_tcase(s, tc);
    tcase_add_test(tc, scores_say_where_from_and_how_often);
    tcase_add_test(tc, what_is_no_address_for_others_is_refused);
    tcase_add_test(tc, an_interface_of_the_cjdns_range_is_cjdns);
    tcase_add_test(tc, without_discovery_only_what_the_user_named);
    tcase_add_test(tc, votes_count_for_ours_alone);
    tcase_add_test(tc, a_score_ends_at_its_highest_value);
    tcase_add_test(tc, the_list_has_an_end_and_is_sorted);
    tcase_add_loop_test(tc, reachability_follows_the_networks, 0,
                        PTD_COUNT(reaches));
    tcase_add_test(tc, the_best_one_is_reached_best_then_best_known);
    tcase_add_test(tc, privacy_networks_are_kept_apart);
    tcase_add_test(tc, nothing_known_the_peer_may_know);
    tcase_add_test(tc, the_better_known_ours_is_the_rarer_theirs);
    return s;
}
