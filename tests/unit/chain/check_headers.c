#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "chain/headers.h"
#include "check_chain.h"
#include "support/nth_malloc.h"
#include "support/support.h"

enum { H = PTD_HEADER_BYTES };

/* Later than any header of the vectors. */
static const int64_t late_s = INT64_C(4000000000);

static struct ptd_headers *new_tree(const char *name)
{
    struct ptd_headers *t = ptd_headers_new(ptd_params_by_name(name), 0);

    ck_assert_ptr_nonnull(t);
    return t;
}

static struct ptd_header_info tip_of(struct ptd_headers *t)
{
    struct ptd_header_info tip;

    ptd_headers_tip(t, &tip);
    return tip;
}

static void expect(enum ptd_header_err got, enum ptd_header_err want)
{
    ck_assert_msg(got == want, "%s, not: %s", ptd_header_err_text(got),
                  ptd_header_err_text(want));
}

/* Add all, as a peer would send them. */
static void add_all(struct ptd_headers *t, const uint8_t *raw, size_t n)
{
    struct ptd_headers_result res;

    for (size_t at = 0; at < n; at += PTD_HEADERS_PER_MSG) {
        size_t some = PTD_MIN(n - at, (size_t)PTD_HEADERS_PER_MSG);

        expect(ptd_headers_add(t, &res, raw + at * H, some, late_s),
               PTD_HEADER_OK);
        ck_assert_uint_eq(res.n_known + res.n_new, some);
    }
}

/* ---- blocks of our own, on regtest ---------------------------------- */

/* n headers one on the other, on top of prev; one second apart. */
static uint8_t *mine_branch(const struct ptd_hash *prev, uint32_t time,
                            uint32_t salt, size_t n)
{
    uint8_t *raw = malloc(n * H);
    struct ptd_hash on = *prev;

    ck_assert_ptr_nonnull(raw);
    for (size_t i = 0; i < n; i++) {
        mine_header(raw + i * H, &on, time + (uint32_t)i, 0x207fffff, salt);
        on = hash_of(raw + i * H);
    }
    return raw;
}

static const uint32_t regtest_genesis_s = 1296688602;

/* ---- the tree ------------------------------------------------------- */

START_TEST(new_tree_holds_the_genesis_block)
{
    for (int chain = 0; chain < PTD_N_CHAINS; chain++) {
        const struct ptd_params *p = ptd_params_of((enum ptd_chain)chain);
        struct ptd_headers *t = ptd_headers_new(p, 0);
        struct ptd_header_info tip, info;
        uint8_t raw[H];

        ck_assert_ptr_nonnull(t);
        tip = tip_of(t);
        ptd_params_genesis_header(p, raw);
        ck_assert(ptd_hash_eq(&tip.hash, &p->genesis.hash));
        ck_assert_uint_eq(tip.height, 0);
        ck_assert(tip.on_best);
        ck_assert_mem_eq(tip.raw, raw, H);
        ck_assert_uint_eq(tip.median_time, p->genesis.time);
        ck_assert_uint_eq(ptd_headers_count(t), 1);
        ck_assert_uint_eq(ptd_headers_count_side(t), 0);
        ck_assert(ptd_headers_at(t, &info, 0));
        ck_assert(!ptd_headers_at(t, &info, 1));
        ck_assert(ptd_headers_has(t, &p->genesis.hash));
        ck_assert(!ptd_headers_has(t, &p->genesis.merkle_root));
        ptd_headers_free(t);
    }
    ptd_headers_free(NULL);
}
END_TEST

START_TEST(header_comes_back_as_it_went_in)
{
    struct ptd_headers *t = new_tree("regtest");
    struct ptd_header_info info = tip_of(t);
    uint8_t *raw = mine_branch(&info.hash, regtest_genesis_s + 1, 1, 20);
    struct ptd_hash hash;

    add_all(t, raw, 20);
    for (uint32_t i = 0; i < 20; i++) {
        hash = hash_of(raw + i * H);
        ck_assert(ptd_headers_find(t, &info, &hash));
        ck_assert_mem_eq(info.raw, raw + i * H, H);
        ck_assert(ptd_hash_eq(&info.hash, &hash));
        ck_assert_uint_eq(info.height, i + 1);
        ck_assert_uint_eq(info.time, regtest_genesis_s + 1 + i);
        /* Work of each is 2. */
        ck_assert_uint_eq(info.work.w[0], 2 * (i + 2));
        ck_assert_uint_eq(info.median_time,
                          regtest_genesis_s + 1 + i - PTD_MIN(i + 1, 10u) / 2);
    }
    free(raw);
    ptd_headers_free(t);
}
END_TEST

START_TEST(known_headers_are_counted_and_not_kept_twice)
{
    struct ptd_headers *t = new_tree("regtest");
    struct ptd_header_info info = tip_of(t);
    uint8_t *raw = mine_branch(&info.hash, regtest_genesis_s + 1, 1, 10);
    struct ptd_headers_result res;

    expect(ptd_headers_add(t, &res, raw, 6, late_s), PTD_HEADER_OK);
    ck_assert_uint_eq(res.n_known, 0);
    ck_assert_uint_eq(res.n_new, 6);
    ck_assert(res.new_tip);
    ck_assert_uint_eq(res.fork_height, 0);
    expect(ptd_headers_add(t, &res, raw, 6, late_s), PTD_HEADER_OK);
    ck_assert_uint_eq(res.n_known, 6);
    ck_assert_uint_eq(res.n_new, 0);
    ck_assert(!res.new_tip);
    expect(ptd_headers_add(t, &res, raw + 3 * H, 7, late_s), PTD_HEADER_OK);
    ck_assert_uint_eq(res.n_known, 3);
    ck_assert_uint_eq(res.n_new, 4);
    ck_assert(res.new_tip);
    ck_assert_uint_eq(res.fork_height, 6);
    ck_assert_uint_eq(ptd_headers_count(t), 11);
    expect(ptd_headers_add(t, &res, raw, 0, late_s), PTD_HEADER_OK);
    ck_assert_uint_eq(res.n_known + res.n_new, 0);
    free(raw);
    ptd_headers_free(t);
}
END_TEST

START_TEST(headers_without_parent_or_link_are_refused)
{
    struct ptd_headers *t = new_tree("regtest");
    struct ptd_header_info info = tip_of(t);
    uint8_t *raw = mine_branch(&info.hash, regtest_genesis_s + 1, 1, 5);
    struct ptd_headers_result res;
    uint8_t gap[3 * H];

    expect(ptd_headers_add(t, &res, raw + H, 4, late_s), PTD_HEADER_EORPHAN);
    memcpy(gap, raw, 2 * H);
    memcpy(gap + 2 * H, raw + 3 * H, H);
    expect(ptd_headers_add(t, &res, gap, 3, late_s), PTD_HEADER_EUNLINKED);
    ck_assert_uint_eq(ptd_headers_count(t), 1);
    free(raw);
    ptd_headers_free(t);
}
END_TEST

START_TEST(branch_with_more_work_wins_and_the_first_seen_wins_a_tie)
{
    struct ptd_headers *t = new_tree("regtest");
    struct ptd_header_info info = tip_of(t);
    uint8_t *a = mine_branch(&info.hash, regtest_genesis_s + 1, 1, 8);
    struct ptd_hash fork = hash_of(a + 4 * H), old_tip = hash_of(a + 7 * H);
    uint8_t *b = mine_branch(&fork, regtest_genesis_s + 6, 2, 4);
    struct ptd_hash new_tip = hash_of(b + 3 * H);
    struct ptd_headers_result res;

    add_all(t, a, 8);
    expect(ptd_headers_add(t, &res, b, 3, late_s), PTD_HEADER_OK);
    ck_assert(!res.new_tip); /* as much work, but later */
    info = tip_of(t);
    ck_assert(ptd_hash_eq(&info.hash, &old_tip));
    ck_assert_uint_eq(ptd_headers_count_side(t), 3);

    expect(ptd_headers_add(t, &res, b, 4, late_s), PTD_HEADER_OK);
    ck_assert(res.new_tip);
    ck_assert_uint_eq(res.n_known, 3);
    ck_assert_uint_eq(res.fork_height, 5);
    info = tip_of(t);
    ck_assert(ptd_hash_eq(&info.hash, &new_tip));
    ck_assert_uint_eq(info.height, 9);
    ck_assert(ptd_headers_find(t, &info, &old_tip));
    ck_assert(!info.on_best);
    ck_assert(ptd_headers_find(t, &info, &fork));
    ck_assert(info.on_best);
    ck_assert_uint_eq(ptd_headers_count_side(t), 3);
    for (uint32_t h = 0; h <= 9; h++) {
        ck_assert(ptd_headers_at(t, &info, h));
        ck_assert_uint_eq(info.height, h);
        ck_assert(info.on_best);
    }
    free(a);
    free(b);
    ptd_headers_free(t);
}
END_TEST

START_TEST(ancestors_are_found_on_every_branch)
{
    enum { LONG = 300, FORK = 150 };
    struct ptd_headers *t = new_tree("regtest");
    struct ptd_header_info info = tip_of(t);
    uint8_t *a = mine_branch(&info.hash, regtest_genesis_s + 1, 1, LONG);
    struct ptd_hash fork = hash_of(a + (FORK - 1) * H);
    uint8_t *b =
        mine_branch(&fork, regtest_genesis_s + FORK + 1, 2, LONG - FORK);
    struct ptd_hash end = hash_of(b + (LONG - FORK - 1) * H);

    add_all(t, a, LONG);
    /* 16 more of work 2 than NEAR blocks back: still near the tip. */
    add_all(t, b, LONG - FORK);
    for (uint32_t h = 1; h <= LONG; h++) {
        const uint8_t *want =
            h <= FORK ? a + (h - 1) * H : b + (h - FORK - 1) * H;

        ck_assert(ptd_headers_ancestor(t, &info, &end, h));
        ck_assert_mem_eq(info.raw, want, H);
        ck_assert_uint_eq(info.height, h);
    }
    ck_assert(!ptd_headers_ancestor(t, &info, &end, LONG + 1));
    memset(&end, 1, sizeof end);
    ck_assert(!ptd_headers_ancestor(t, &info, &end, 0));
    free(a);
    free(b);
    ptd_headers_free(t);
}
END_TEST

/* ---- limits --------------------------------------------------------- */

START_TEST(branch_far_below_the_tip_is_refused_until_it_overtakes)
{
    enum { LONG = 400 };
    struct ptd_headers *t = new_tree("regtest");
    struct ptd_header_info info = tip_of(t);
    uint8_t *a = mine_branch(&info.hash, regtest_genesis_s + 1, 1, LONG);
    uint8_t *b = mine_branch(&info.hash, regtest_genesis_s + 1, 2, LONG + 1);
    struct ptd_headers_result res;

    add_all(t, a, LONG);
    expect(ptd_headers_add(t, &res, b, 1, late_s), PTD_HEADER_EWORK);
    expect(
        ptd_headers_add(t, &res, b, LONG - PTD_HEADERS_NEAR_BLOCKS - 1, late_s),
        PTD_HEADER_EWORK);
    ck_assert_uint_eq(ptd_headers_count_side(t), 0);
    expect(ptd_headers_add(t, &res, b, LONG + 1, late_s), PTD_HEADER_OK);
    ck_assert(res.new_tip);
    ck_assert_uint_eq(res.fork_height, 0);
    ck_assert_uint_eq(ptd_headers_count_side(t), LONG);
    free(a);
    free(b);
    ptd_headers_free(t);
}
END_TEST

START_TEST(side_branches_are_bounded_but_may_still_overtake)
{
    enum { SIDE = 10 };
    const struct ptd_params *p = ptd_params_by_name("regtest");
    struct ptd_headers *t = ptd_headers_new(p, SIDE);
    uint8_t *a, *b, one[H];
    struct ptd_headers_result res;

    ck_assert_ptr_nonnull(t);
    a = mine_branch(&p->genesis.hash, regtest_genesis_s + 1, 1, 2);
    add_all(t, a, 2);
    for (uint32_t i = 0; i < SIDE; i++) {
        mine_header(one, &p->genesis.hash, regtest_genesis_s + 1, 0x207fffff,
                    100 + i);
        expect(ptd_headers_add(t, &res, one, 1, late_s), PTD_HEADER_OK);
    }
    mine_header(one, &p->genesis.hash, regtest_genesis_s + 1, 0x207fffff, 200);
    expect(ptd_headers_add(t, &res, one, 1, late_s), PTD_HEADER_ELIMIT);
    ck_assert_uint_eq(ptd_headers_count_side(t), SIDE);
    b = mine_branch(&p->genesis.hash, regtest_genesis_s + 1, 3, 3);
    expect(ptd_headers_add(t, &res, b, 3, late_s), PTD_HEADER_OK);
    ck_assert(res.new_tip);
    free(a);
    free(b);
    ptd_headers_free(t);
}
END_TEST

START_TEST(chain_of_too_little_work_stays_short)
{
    /* A network that is known to have more work than five years of regtest's
     * blocks: 2 * 262,800 is far below 2^40. Heights are made short by an
     * assume_valid_height that wraps to just below zero. */
    struct ptd_params p = *ptd_params_by_name("regtest");
    struct ptd_headers *t;
    struct ptd_headers_result res;
    uint8_t *a;

    p.min_chain_work.b[5] = 1;
    p.assume_valid_height = (uint32_t)(10 - 5 * 365 * 144);
    t = ptd_headers_new(&p, 0);
    ck_assert_ptr_nonnull(t);
    a = mine_branch(&p.genesis.hash, regtest_genesis_s + 1, 1, 11);
    expect(ptd_headers_add(t, &res, a, 11, late_s), PTD_HEADER_ELIMIT);
    ck_assert_uint_eq(ptd_headers_count(t), 1);
    expect(ptd_headers_add(t, &res, a, 10, late_s), PTD_HEADER_OK);
    expect(ptd_headers_add(t, &res, a + 10 * H, 1, late_s), PTD_HEADER_ELIMIT);
    ck_assert_uint_eq(ptd_headers_height(t), 10);
    free(a);
    ptd_headers_free(t);
}
END_TEST

START_TEST(tree_survives_lack_of_memory)
{
    enum { N = 1100 }; /* over a chunk, over the first table */
    const struct ptd_params *p = ptd_params_by_name("regtest");
    uint8_t *a = mine_branch(&p->genesis.hash, regtest_genesis_s + 1, 1, N);
    struct ptd_headers_result res;
    struct ptd_headers *t;
    unsigned n;

    for (n = 1;; n++) {
        support_nth_malloc_arm(n);
        t = ptd_headers_new(p, 0);
        if (!support_nth_malloc_disarm())
            break;
        ck_assert_ptr_null(t);
    }
    ck_assert_uint_gt(n, 4);
    for (n = 1;; n++) {
        enum ptd_header_err e;

        support_nth_malloc_arm(n);
        e = ptd_headers_add(t, &res, a, N, late_s);
        if (!support_nth_malloc_disarm()) {
            expect(e, PTD_HEADER_OK);
            break;
        }
        expect(e, PTD_HEADER_ENOMEM);
        ck_assert_uint_eq(ptd_headers_height(t), res.n_known + res.n_new);
    }
    ck_assert_uint_gt(n, 2);
    ck_assert_uint_eq(ptd_headers_height(t), N);
    free(a);
    ptd_headers_free(t);
}
END_TEST

/* ---- getheaders ----------------------------------------------------- */

START_TEST(locator_goes_back_in_growing_steps_to_the_genesis_block)
{
    enum { N = 1000 };
    struct ptd_headers *t = new_tree("regtest");
    struct ptd_header_info info = tip_of(t);
    uint8_t *raw = mine_branch(&info.hash, regtest_genesis_s + 1, 1, N);
    struct ptd_hash loc[PTD_HEADERS_LOCATOR_MAX], from;
    uint32_t last = N + 1, step = 0;
    size_t n;

    ck_assert_uint_eq(ptd_headers_locator(t, loc, NULL), 1);
    ck_assert(ptd_hash_eq(&loc[0], &info.hash));
    add_all(t, raw, N);
    n = ptd_headers_locator(t, loc, NULL);
    ck_assert_uint_lt(n, 25);
    for (size_t i = 0; i < n; i++) {
        ck_assert(ptd_headers_find(t, &info, &loc[i]));
        ck_assert(info.on_best);
        if (i <= 10)
            ck_assert_uint_eq(info.height, N - i);
        else if (info.height > 0)
            ck_assert_uint_eq(last - info.height, 2 * step);
        step = last - info.height;
        last = info.height;
    }
    ck_assert_uint_eq(last, 0);

    from = hash_of(raw + 4 * H);
    n = ptd_headers_locator(t, loc, &from);
    ck_assert_uint_eq(n, 6);
    ck_assert(ptd_hash_eq(&loc[0], &from));
    memset(&from, 1, sizeof from);
    ptd_headers_locator(t, loc, &from);
    info = tip_of(t);
    ck_assert(ptd_hash_eq(&loc[0], &info.hash));
    free(raw);
    ptd_headers_free(t);
}
END_TEST

START_TEST(getheaders_is_answered_from_the_best_branch)
{
    static const struct ptd_hash none;
    struct ptd_headers *t = new_tree("regtest");
    struct ptd_header_info genesis = tip_of(t);
    uint8_t *a = mine_branch(&genesis.hash, regtest_genesis_s + 1, 1, 50);
    struct ptd_hash on = hash_of(a + 9 * H), stop = hash_of(a + 19 * H), side;
    struct ptd_hash loc[3];
    uint8_t out[60 * H], *b;

    add_all(t, a, 50);
    b = mine_branch(&on, regtest_genesis_s + 11, 2, 3);
    add_all(t, b, 3);
    side = hash_of(b + 2 * H);

    /* All, behind the first known. */
    loc[0] = on;
    ck_assert_uint_eq(ptd_headers_after(t, out, 60, loc, 1, &none), 40);
    ck_assert_mem_eq(out, a + 10 * H, 40 * H);
    /* As many as there is room for; up to stop, included. */
    ck_assert_uint_eq(ptd_headers_after(t, out, 7, loc, 1, &none), 7);
    ck_assert_uint_eq(ptd_headers_after(t, out, 0, loc, 1, &none), 0);
    ck_assert_uint_eq(ptd_headers_after(t, out, 60, loc, 1, &stop), 10);
    ck_assert_mem_eq(out, a + 10 * H, 10 * H);
    /* What is unknown or on a side branch is passed over. */
    memset(&loc[0], 9, sizeof loc[0]);
    loc[1] = side;
    loc[2] = on;
    ck_assert_uint_eq(ptd_headers_after(t, out, 60, loc, 3, &none), 40);
    /* Nothing in common: from the genesis block on. */
    ck_assert_uint_eq(ptd_headers_after(t, out, 60, loc, 1, &none), 50);
    ck_assert_mem_eq(out, a, 50 * H);
    /* At the tip: nothing. */
    loc[0] = hash_of(a + 49 * H);
    ck_assert_uint_eq(ptd_headers_after(t, out, 60, loc, 1, &none), 0);
    /* Without a locator: stop alone, never from a side branch. */
    ck_assert_uint_eq(ptd_headers_after(t, out, 60, NULL, 0, &stop), 1);
    ck_assert_mem_eq(out, a + 19 * H, H);
    ck_assert_uint_eq(ptd_headers_after(t, out, 60, NULL, 0, &side), 0);
    ck_assert_uint_eq(ptd_headers_after(t, out, 60, NULL, 0, &none), 0);
    free(a);
    free(b);
    ptd_headers_free(t);
}
END_TEST

/* ---- rules ---------------------------------------------------------- */

/* One header on regtest's genesis block, spoilt. */
static const struct {
    const char *name;
    uint32_t version, bits;
    int64_t time; /* after the genesis block's */
    int64_t now;
    enum ptd_header_err want;
} rule_rows[] = {
    { "good", 4, 0x207fffff, 1, 100, PTD_HEADER_OK },
    { "version above", 0x20000000, 0x207fffff, 1, 100, PTD_HEADER_OK },
    { "version 3", 3, 0x207fffff, 1, 100, PTD_HEADER_EVERSION },
    { "version 1", 1, 0x207fffff, 1, 100, PTD_HEADER_EVERSION },
    { "negative version", 0xffffffff, 0x207fffff, 1, 100, PTD_HEADER_EVERSION },
    { "time of the median", 4, 0x207fffff, 0, 100, PTD_HEADER_EOLD },
    { "two hours ahead", 4, 0x207fffff, 7300, 100, PTD_HEADER_OK },
    { "over two hours ahead", 4, 0x207fffff, 7301, 100, PTD_HEADER_ENEW },
    { "a clock before 1970", 4, 0x207fffff, 1, INT64_MIN / 2, PTD_HEADER_ENEW },
    { "other bits", 4, 0x207ffffe, 1, 100, PTD_HEADER_EBITS },
    { "target above the limit", 4, 0x20800000, 1, 100, PTD_HEADER_ETARGET },
    { "target far above the limit", 4, 0x217fffff, 1, 100, PTD_HEADER_ETARGET },
    { "target zero", 4, 0x20000000, 1, 100, PTD_HEADER_ETARGET },
    { "target negative", 4, 0x20ffffff, 1, 100, PTD_HEADER_ETARGET },
    { "target too hard to meet", 4, 0x03000001, 1, 100, PTD_HEADER_EPOW },
};

START_TEST(each_rule_refuses_with_its_own_error)
{
    struct ptd_headers *t = new_tree("regtest");
    struct ptd_header_info genesis = tip_of(t);
    struct ptd_headers_result res;
    enum ptd_header_err e;
    uint8_t raw[H];

    mine_header(raw, &genesis.hash,
                (uint32_t)(regtest_genesis_s + rule_rows[_i].time), 0x207fffff,
                1);
    ptd_put_le32(raw, rule_rows[_i].version);
    ptd_put_le32(raw + 72, rule_rows[_i].bits);
    for (uint32_t nonce = 0; nonce < 100; nonce++) {
        ptd_put_le32(raw + 76, nonce);
        if (hash_of(raw).b[31] < 0x7f)
            break;
    }
    e = ptd_headers_add(t, &res, raw, 1, regtest_genesis_s + rule_rows[_i].now);
    ck_assert_msg(e == rule_rows[_i].want, "%s: %s", rule_rows[_i].name,
                  ptd_header_err_text(e));
    ck_assert_uint_eq(ptd_headers_count(t), e == PTD_HEADER_OK ? 2 : 1);
    ptd_headers_free(t);
}
END_TEST

START_TEST(every_header_error_has_a_text_of_its_own)
{
    for (int e = 0; e < PTD_N_HEADER_ERRORS; e++) {
        for (int other = 0; other < e; other++)
            ck_assert_str_ne(ptd_header_err_text((enum ptd_header_err)e),
                             ptd_header_err_text((enum ptd_header_err)other));
    }
    ck_assert(ptd_header_err_is_bad(PTD_HEADER_EPOW));
    ck_assert(!ptd_header_err_is_bad(PTD_HEADER_EORPHAN));
    ck_assert(!ptd_header_err_is_bad((enum ptd_header_err)PTD_N_HEADER_ERRORS));
    ck_assert_ptr_nonnull(
        ptd_header_err_text((enum ptd_header_err)PTD_N_HEADER_ERRORS));
}
END_TEST

Suite *suite_headers(void)
{
    Suite *s = suite_create("headers");
    TCase *tc = tcase_create("headers");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, new_tree_holds_the_genesis_block);
    tcase_add_test(tc, header_comes_back_as_it_went_in);
    tcase_add_test(tc, known_headers_are_counted_and_not_kept_twice);
    tcase_add_test(tc, headers_without_parent_or_link_are_refused);
    tcase_add_test(tc,
                   branch_with_more_work_wins_and_the_first_seen_wins_a_tie);
    tcase_add_test(tc, ancestors_are_found_on_every_branch);
    tcase_add_test(tc, branch_far_below_the_tip_is_refused_until_it_overtakes);
    tcase_add_test(tc, side_branches_are_bounded_but_may_still_overtake);
    tcase_add_test(tc, chain_of_too_little_work_stays_short);
    tcase_add_test(tc, tree_survives_lack_of_memory);
    tcase_add_test(tc, locator_goes_back_in_growing_steps_to_the_genesis_block);
    tcase_add_test(tc, getheaders_is_answered_from_the_best_branch);
    tcase_add_loop_test(tc, each_rule_refuses_with_its_own_error, 0,
                        PTD_COUNT(rule_rows));
    tcase_add_test(tc, every_header_error_has_a_text_of_its_own);
    suite_add_tcase(s, tc);
    return s;
}
