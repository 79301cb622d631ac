#include <config.h>

#include "check_chain.h"

#include <string.h>

#include "base/util.h"
#include "chain/headers.h"

/* A small network of our own with periods of 144 headers: regtest's easy
 * proof of work, but with the rules of the public networks. */

enum {
    H = PTD_HEADER_BYTES,
    PERIOD = 144,
    EASY = 0x207fffff,   /* the lowest difficulty */
    HARDER = 0x201fffff, /* four times that */
    SPACING_S = 600,
    GENESIS_S = 1296688602
};

static const int64_t late_s = INT64_C(4000000000);

struct net {
    struct ptd_params params;
    struct ptd_headers *tree;
    struct ptd_hash tip;
    uint32_t tip_s;
};

enum rules { PLAIN, MIN_DIFFICULTY, BIP94 };

static void net_init(struct net *net, enum rules rules)
{
    net->params = *ptd_params_by_name("regtest");
    net->params.no_retarget = false;
    net->params.min_difficulty = rules != PLAIN;
    net->params.bip94 = rules == BIP94;
    net->tree = ptd_headers_new(&net->params, 0);
    ck_assert_ptr_nonnull(net->tree);
    net->tip = net->params.genesis.hash;
    net->tip_s = GENESIS_S;
}

static void net_fini(struct net *net)
{
    ptd_headers_free(net->tree);
}

/* Offer one header on the tip; it becomes the tip if it is good. */
static enum ptd_header_err offer_at(struct net *net, uint32_t time,
                                    uint32_t bits)
{
    struct ptd_headers_result res;
    enum ptd_header_err e;
    uint8_t raw[H];

    mine_header(raw, &net->tip, time, bits, 0);
    e = ptd_headers_add(net->tree, &res, raw, 1, late_s);
    if (e == PTD_HEADER_OK) {
        net->tip = hash_of(raw);
        net->tip_s = time;
    }
    return e;
}

static enum ptd_header_err offer(struct net *net, uint32_t after_s,
                                 uint32_t bits)
{
    return offer_at(net, net->tip_s + after_s, bits);
}

static void expect(enum ptd_header_err got, enum ptd_header_err want)
{
    ck_assert_msg(got == want, "%s, not: %s", ptd_header_err_text(got),
                  ptd_header_err_text(want));
}

/* Headers of the same bits up to a height. */
static void grow(struct net *net, uint32_t height, uint32_t spacing_s,
                 uint32_t bits)
{
    while (ptd_headers_height(net->tree) < height)
        expect(offer(net, spacing_s, bits), PTD_HEADER_OK);
}

START_TEST(bits_stay_within_a_period_and_change_behind_it)
{
    struct net net;

    net_init(&net, PLAIN);
    grow(&net, PERIOD - 2, 60, EASY);
    expect(offer(&net, 60, HARDER), PTD_HEADER_EBITS);
    expect(offer(&net, 60, EASY), PTD_HEADER_OK);
    /* Ten times too fast: four times harder, not more, not less. */
    expect(offer(&net, 60, EASY), PTD_HEADER_EBITS);
    expect(offer(&net, 60, 0x200fffff), PTD_HEADER_EBITS);
    expect(offer(&net, 60, HARDER), PTD_HEADER_OK);
    /* No rest for the slow without min_difficulty. */
    expect(offer(&net, 100000, EASY), PTD_HEADER_EBITS);
    grow(&net, 2 * PERIOD - 1, 2 * SPACING_S, HARDER);
    /* Half as fast as it should be (one spacing short of it). */
    expect(offer(&net, SPACING_S, HARDER), PTD_HEADER_EBITS);
    expect(offer(&net, SPACING_S, 0x203f8e36), PTD_HEADER_OK);
    net_fini(&net);
}
END_TEST

START_TEST(lowest_difficulty_is_asked_for_after_twenty_minutes)
{
    struct net net;

    net_init(&net, MIN_DIFFICULTY);
    grow(&net, PERIOD - 1, 60, EASY);
    expect(offer(&net, 60, HARDER), PTD_HEADER_OK);
    expect(offer(&net, 2 * SPACING_S, EASY), PTD_HEADER_EBITS);
    expect(offer(&net, 2 * SPACING_S, HARDER), PTD_HEADER_OK);
    expect(offer(&net, 2 * SPACING_S + 1, HARDER), PTD_HEADER_EBITS);
    expect(offer(&net, 2 * SPACING_S + 1, EASY), PTD_HEADER_OK);
    expect(offer(&net, 2 * SPACING_S + 1, EASY), PTD_HEADER_OK);
    /* In time again: what the last real header had. */
    expect(offer(&net, 60, EASY), PTD_HEADER_EBITS);
    expect(offer(&net, 60, HARDER), PTD_HEADER_OK);
    net_fini(&net);
}
END_TEST

/* A period that ends in a header of the lowest difficulty: testnet3 starts
 * from that one, BIP 94 from the period's first. */
static const struct {
    enum rules rules;
    uint32_t want;
} last_rows[] = {
    { MIN_DIFFICULTY, HARDER }, /* a quarter of EASY */
    { BIP94, 0x2007ffff },      /* a quarter of HARDER */
};

START_TEST(an_easy_last_header_resets_the_difficulty_but_under_bip94)
{
    struct net net;

    net_init(&net, last_rows[_i].rules);
    grow(&net, PERIOD - 1, 60, EASY);
    grow(&net, 2 * PERIOD - 2, 60, HARDER);
    expect(offer(&net, 2 * SPACING_S + 1, EASY), PTD_HEADER_OK);
    for (int i = 0; i < 2; i++) {
        if (last_rows[i].want != last_rows[_i].want)
            expect(offer(&net, 60, last_rows[i].want), PTD_HEADER_EBITS);
    }
    expect(offer(&net, 60, last_rows[_i].want), PTD_HEADER_OK);
    net_fini(&net);
}
END_TEST

START_TEST(bip94_refuses_a_period_that_begins_long_before_the_last_ended)
{
    struct net net;
    uint32_t end_s;

    net_init(&net, BIP94);
    grow(&net, PERIOD - 2, SPACING_S, EASY);
    expect(offer(&net, 2 * SPACING_S, EASY), PTD_HEADER_OK);
    end_s = net.tip_s;
    expect(offer_at(&net, end_s - 601, EASY), PTD_HEADER_EWARP);
    expect(offer_at(&net, end_s - 600, EASY), PTD_HEADER_OK);
    /* Elsewhere a header may lie further back: only the median counts. */
    net.tip_s = end_s;
    expect(offer(&net, SPACING_S, EASY), PTD_HEADER_OK);
    expect(offer_at(&net, end_s - 601, EASY), PTD_HEADER_OK);
    net_fini(&net);
}
END_TEST

START_TEST(without_bip94_a_period_may_begin_anywhere_above_the_median)
{
    struct net net;

    net_init(&net, MIN_DIFFICULTY);
    grow(&net, PERIOD - 2, SPACING_S, EASY);
    expect(offer(&net, 2 * SPACING_S, EASY), PTD_HEADER_OK);
    expect(offer_at(&net, net.tip_s - 601, EASY), PTD_HEADER_OK);
    net_fini(&net);
}
END_TEST

Suite *suite_retarget(void)
{
    Suite *s = suite_create("retarget");
    TCase *tc = tcase_create("retarget");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, bits_stay_within_a_period_and_change_behind_it);
    tcase_add_test(tc, lowest_difficulty_is_asked_for_after_twenty_minutes);
    tcase_add_loop_test(
        tc, an_easy_last_header_resets_the_difficulty_but_under_bip94, 0,
        PTD_COUNT(last_rows));
    tcase_add_test(
        tc, bip94_refuses_a_period_that_begins_long_before_the_last_ended);
    tcase_add_test(tc,
                   without_bip94_a_period_may_begin_anywhere_above_the_median);
    suite_add_tcase(s, tc);
    return s;
}
