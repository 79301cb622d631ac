#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "chain/presync.h"
#include "check_chain.h"
#include "support/nth_malloc.h"
#include "support/support.h"

enum { N = 3000, PERIOD = 20, BUFFER = 200, H = 80 };

struct fixture {
    struct ptd_params params;
    struct ptd_headers *tree;
    struct ptd_header_info start;
    struct ptd_u256 wanted;
    uint8_t *chain, *other; /* N headers each */
};

static uint8_t *mine_chain(const struct ptd_hash *on, uint32_t time,
                           uint32_t salt)
{
    uint8_t *raw = malloc(N * H);
    struct ptd_hash at = *on;

    ck_assert_ptr_nonnull(raw);
    for (uint32_t i = 0; i < N; i++) {
        mine_header(raw + i * H, &at, time + i, 0x207fffff, salt);
        at = hash_of(raw + i * H);
    }
    return raw;
}

static void set_up(struct fixture *f, uint32_t wanted)
{
    f->params = *ptd_params_by_name("regtest");
    f->params.presync_period = PERIOD;
    f->params.redownload_headers = BUFFER;
    f->tree = ptd_headers_new(&f->params, 0);
    ck_assert_ptr_nonnull(f->tree);
    ptd_headers_tip(f->tree, &f->start);
    f->wanted = ptd_u256_from_u64(2 * (uint64_t)(wanted + 1));
    f->chain = mine_chain(&f->start.hash, f->start.time + 1, 1);
    f->other = mine_chain(&f->start.hash, f->start.time + 1, 2);
}

static void tear_down(struct fixture *f)
{
    free(f->chain);
    free(f->other);
    ptd_headers_free(f->tree);
}

/* The index of the header that the peer is asked for. */
static size_t asked(const struct fixture *f, const struct ptd_presync *s,
                    const uint8_t *chain)
{
    struct ptd_hash next;

    ptd_presync_next(s, &next);
    if (ptd_hash_eq(&next, &f->start.hash))
        return 0;
    for (size_t i = 0; i < N; i++) {
        struct ptd_hash hash = hash_of(chain + i * H);

        if (ptd_hash_eq(&hash, &next))
            return i + 1;
    }
    ck_abort_msg("asked for what there is not");
    return 0;
}

/* Serve what is asked for, from one chain at first and another the second
 * time; what is proven goes into the tree. Gives why it ended. */
static const char *serve(struct fixture *f, struct ptd_presync *s,
                         const uint8_t *first, const uint8_t *second,
                         size_t n_chain, size_t per_message, bool *ok)
{
    struct ptd_presync_result res;
    size_t most = 0;

    do {
        const uint8_t *chain =
            ptd_presync_state(s) == PTD_PRESYNC_FIRST ? first : second;
        size_t at = asked(f, s, chain), n = PTD_MIN(per_message, n_chain - at);

        ptd_presync_add(s, &res, chain + at * H, n, n == per_message);
        most = PTD_MAX(most, ptd_presync_bytes(s));
        if (res.n_proven > 0) {
            struct ptd_headers_result added;

            ck_assert_int_eq(ptd_headers_add(f->tree, &added,
                                             ptd_presync_proven(s),
                                             res.n_proven, 4000000000),
                             PTD_HEADER_OK);
        }
    } while (res.ask_more);
    ck_assert_int_eq(ptd_presync_state(s), PTD_PRESYNC_DONE);
    ck_assert_uint_lt(most, 300000);
    *ok = res.ok;
    return res.why;
}

START_TEST(chain_with_enough_work_comes_through_whole)
{
    static const size_t per_message[] = { 2000, 100, 7 };
    struct fixture f;
    struct ptd_presync *s;
    const char *why;
    bool ok;

    set_up(&f, 2500);
    s = ptd_presync_new(&f.params, &f.start, &f.wanted, 4000000000);
    ck_assert_ptr_nonnull(s);
    why = serve(&f, s, f.chain, f.chain, N, per_message[_i], &ok);
    ck_assert_msg(ok && why == NULL, "%s", why);
    ck_assert_uint_ge(ptd_headers_height(f.tree), 2500);
    ck_assert_uint_ge(ptd_presync_height(s), 2500);
    ptd_presync_free(s);
    tear_down(&f);
}
END_TEST

START_TEST(chain_with_too_little_work_leaves_nothing)
{
    struct fixture f;
    struct ptd_presync *s;
    const char *why;
    bool ok;

    set_up(&f, N + 1);
    s = ptd_presync_new(&f.params, &f.start, &f.wanted, 4000000000);
    why = serve(&f, s, f.chain, f.chain, N, 2000, &ok);
    ck_assert(ok);
    ck_assert_str_eq(why, "chain ends with too little work");
    ck_assert_uint_eq(ptd_headers_height(f.tree), 0);
    ptd_presync_free(s);
    tear_down(&f);
}
END_TEST

START_TEST(other_chain_the_second_time_is_caught)
{
    struct fixture f;
    struct ptd_presync *s;
    const char *why;
    bool ok;

    /* One in 2^10 comes through the first buffer: 200 headers, 10 bits. That
     * it is the one here has the likelihood of 2^-40. */
    set_up(&f, 2500);
    for (unsigned caught = 0, tries = 0; caught < 4; tries++) {
        s = ptd_presync_new(&f.params, &f.start, &f.wanted, 4000000000);
        why = serve(&f, s, f.chain, f.other, N, 100, &ok);
        caught += !ok && strcmp(why, "commitment mismatch") == 0;
        ck_assert_uint_lt(tries, 8);
        ptd_presync_free(s);
    }
    ck_assert_uint_lt(ptd_headers_height(f.tree), 400);
    /* One that ends early. */
    s = ptd_presync_new(&f.params, &f.start, &f.wanted, 4000000000);
    {
        struct ptd_presync_result res;

        ptd_presync_add(s, &res, f.chain, 2000, true);
        ck_assert(res.ask_more);
        ptd_presync_add(s, &res, f.chain + 2000 * H, 1000, false);
        ck_assert(res.ask_more);
        ck_assert_int_eq(ptd_presync_state(s), PTD_PRESYNC_REDOWNLOAD);
        /* Nothing is let out before so many are behind it. */
        ptd_presync_add(s, &res, f.chain, BUFFER, true);
        ck_assert(res.ask_more && res.ok);
        ck_assert_uint_eq(res.n_proven, 0);
        ptd_presync_add(s, &res, f.chain + BUFFER * H, 1000, false);
        ck_assert_uint_eq(res.n_proven, 1000);
        ck_assert(!res.ask_more && res.ok);
        ck_assert_str_eq(res.why, "incomplete headers message");
    }
    ptd_presync_free(s);
    tear_down(&f);
}
END_TEST

START_TEST(chain_longer_than_time_allows_is_refused)
{
    struct fixture f;
    struct ptd_presync *s;
    const char *why;
    bool ok;

    set_up(&f, N + 1);
    /* Two hours in the future count: the clock is almost as far behind, so
     * that 100 seconds are left, 600 headers, 30 bits. */
    s = ptd_presync_new(&f.params, &f.start, &f.wanted,
                        (int64_t)f.start.time - 7100);
    why = serve(&f, s, f.chain, f.chain, N, 2000, &ok);
    ck_assert(!ok);
    ck_assert_str_eq(why, "exceeded max commitments");
    ck_assert_uint_le(ptd_presync_height(s), 600 + PERIOD);
    ptd_presync_free(s);
    s = ptd_presync_new(&f.params, &f.start, &f.wanted, INT64_MIN / 2);
    serve(&f, s, f.chain, f.chain, N, 2000, &ok);
    ck_assert(!ok);
    ptd_presync_free(s);
    tear_down(&f);
}
END_TEST

START_TEST(headers_that_do_not_fit_end_it)
{
    struct ptd_presync_result res;
    struct fixture f;
    struct ptd_presync *s;
    uint8_t raw[2 * H];

    set_up(&f, 2500);
    s = ptd_presync_new(&f.params, &f.start, &f.wanted, 4000000000);
    ptd_presync_add(s, &res, f.chain + H, 2, true);
    ck_assert(!res.ok);
    ck_assert_str_eq(res.why, "non-continuous headers");
    ptd_presync_add(s, &res, f.chain, 2, true); /* it stays done */
    ck_assert(res.ok && !res.ask_more && res.n_proven == 0);
    ptd_presync_free(s);

    s = ptd_presync_new(&f.params, &f.start, &f.wanted, 4000000000);
    memcpy(raw, f.chain, sizeof raw);
    for (raw[H + 76] = 0; hash_of(raw + H).b[31] < 0x80; raw[H + 76]++)
        ;
    ptd_presync_add(s, &res, raw, 2, true);
    ck_assert(!res.ok);
    ck_assert_str_eq(res.why, "header with invalid proof of work");
    ptd_presync_free(s);

    /* Where retargets bind, other bits may not follow. */
    f.params.min_difficulty = false;
    s = ptd_presync_new(&f.params, &f.start, &f.wanted, 4000000000);
    mine_header(raw, &f.start.hash, f.start.time + 1, 0x207ffffe, 1);
    ptd_presync_add(s, &res, raw, 1, true);
    ck_assert_str_eq(res.why, "invalid difficulty transition");
    ptd_presync_free(s);
    ptd_presync_free(NULL);
    tear_down(&f);
}
END_TEST

/* The main network's own headers, with its own parameters. */
START_TEST(real_headers_come_through)
{
    enum { N_REAL = 10237 };
    const struct ptd_params *params = ptd_params_by_name("main");
    struct ptd_headers_result added;
    struct ptd_presync_result res;
    struct ptd_header_info start, tip;
    struct support_bytes file;
    struct ptd_headers *t, *tree;
    struct ptd_presync *s;
    size_t proven = 0;

    if (!support_vector(&file, "headers/mainnet-0-to-10236.bin"))
        return;
    t = ptd_headers_new(params, 0);
    tree = ptd_headers_new(params, 0);
    ck_assert(t != NULL && tree != NULL);
    ptd_headers_tip(t, &start);
    ck_assert_int_eq(ptd_headers_add(t, &added, file.p, N_REAL, 4000000000),
                     PTD_HEADER_OK);
    ptd_headers_tip(t, &tip);
    s = ptd_presync_new(params, &start, &tip.work, 1700000000);
    ck_assert_ptr_nonnull(s);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t at = 1, n; at < N_REAL; at += n) {
            n = PTD_MIN(N_REAL - at, (size_t)2000);
            ptd_presync_add(s, &res, file.p + at * H, n, n == 2000);
            ck_assert_msg(res.ok, "%s", res.why);
            if (res.n_proven == 0)
                continue;
            ck_assert_int_eq(ptd_headers_add(tree, &added,
                                             ptd_presync_proven(s),
                                             res.n_proven, 4000000000),
                             PTD_HEADER_OK);
            proven += res.n_proven;
        }
    }
    ck_assert_uint_eq(proven, N_REAL - 1);
    ck_assert_uint_eq(ptd_headers_height(tree), N_REAL - 1);
    ptd_presync_free(s);
    ptd_headers_free(t);
    ptd_headers_free(tree);
    support_free(&file);
}
END_TEST

START_TEST(presync_survives_lack_of_memory)
{
    struct fixture f;
    unsigned n;

    set_up(&f, 2500);
    for (n = 1;; n++) {
        struct ptd_presync_result res = { .ok = true };
        struct ptd_presync *s;
        bool failed;

        support_nth_malloc_arm(n);
        s = ptd_presync_new(&f.params, &f.start, &f.wanted, 4000000000);
        for (int pass = 0; s != NULL && pass < 2; pass++) {
            ptd_presync_add(s, &res, f.chain, 2000, true);
            if (res.ask_more)
                ptd_presync_add(s, &res, f.chain + 2000 * H, 1000, true);
        }
        failed = support_nth_malloc_disarm();
        ck_assert(res.ok);
        ptd_presync_free(s);
        if (!failed)
            break;
        ck_assert(s == NULL || res.why == NULL ||
                  strcmp(res.why, "out of memory") == 0);
    }
    ck_assert_uint_gt(n, 4);
    tear_down(&f);
}
END_TEST

Suite *suite_presync(void)
{
    Suite *s = suite_create("presync");
    TCase *tc = tcase_create("presync");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, chain_with_enough_work_comes_through_whole, 0, 3);
    tcase_add_test(tc, chain_with_too_little_work_leaves_nothing);
    tcase_add_test(tc, other_chain_the_second_time_is_caught);
    tcase_add_test(tc, chain_longer_than_time_allows_is_refused);
    tcase_add_test(tc, headers_that_do_not_fit_end_it);
    tcase_add_test(tc, real_headers_come_through);
    tcase_add_test(tc, presync_survives_lack_of_memory);
    suite_add_tcase(s, tc);
    return s;
}
