#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "chain/mine.h"
#include "chain/pow.h"
#include "check_chain.h"
#include "rig.h"
#include "support/nth_malloc.h"

static const uint8_t anyone[] = { 0x51 };

static struct ptd_mine_job job(void)
{
    return (struct ptd_mine_job){ .script = anyone,
                                  .script_bytes = sizeof anyone };
}

START_TEST(generated_blocks_follow_each_other)
{
    enum { N = 160 };
    struct ptd_mine_job j = job();
    struct ptd_block_verdict why;
    struct ptd_hash hashes[N];
    struct ptd_block_info info;
    struct ptd_msg *m;
    const struct ptd_msg_block *b;
    uint64_t tries = PTD_MINE_DEFAULT_TRIES;
    struct rig r;
    size_t n;

    rig_init(&r, "regtest");
    rig_open(&r);
    ck_assert_int_eq(
        ptd_mine_generate(r.c, hashes, &n, &why, N, &j, &tries, NULL), PTD_OK);
    ck_assert_uint_eq(n, N);
    ck_assert_uint_eq(ptd_blockchain_height(r.c), N);
    for (uint32_t i = 0; i < N; i++) {
        uint8_t push[PTD_HEIGHT_PUSH_MAX];
        size_t n_push = ptd_height_push(push, i + 1);

        ck_assert(ptd_blockchain_at(r.c, &info, i + 1));
        ck_assert(ptd_hash_eq(&info.header.hash, &hashes[i]));
        /* The first six are at one time: the median allows no more. */
        ck_assert_uint_ge(info.header.time, (uint32_t)rig_now_s);
        ck_assert_int_eq(ptd_blockchain_read_block(r.c, &m, &hashes[i]),
                         PTD_OK);
        b = PTD_MSG_CONST(block, m);
        ck_assert_int_eq(b->header.version, 0x20000000);
        ck_assert_uint_eq(b->n_tx, 1);
        ck_assert_mem_eq(b->tx->in->script.p, push, n_push);
        ck_assert_uint_eq(b->tx->n_out, 2); /* one commits to witnesses */
        ck_assert_int_eq(b->tx->out[0].value,
                         i + 1 < 150 ? 50 * PTD_COIN : 25 * PTD_COIN);
        ck_assert_mem_eq(b->tx->out[0].script.p, anyone, sizeof anyone);
        ptd_msg_free(m);
    }
    ck_assert(!ptd_blockchain_is_initial_download(r.c));
    rig_fini(&r);
}
END_TEST

START_TEST(tries_are_used_up)
{
    struct ptd_mine_job j = job();
    struct ptd_block_verdict why;
    struct ptd_hash hashes[50];
    uint64_t tries = 0;
    atomic_bool stop = true;
    struct rig r;
    size_t n;

    rig_init(&r, "regtest");
    rig_open(&r);
    ck_assert_int_eq(
        ptd_mine_generate(r.c, hashes, &n, &why, 50, &j, &tries, NULL), PTD_OK);
    ck_assert_uint_eq(n, 0);
    tries = 10;
    ck_assert_int_eq(
        ptd_mine_generate(r.c, hashes, &n, &why, 50, &j, &tries, NULL), PTD_OK);
    ck_assert_uint_lt(n, 50);
    ck_assert_uint_eq(tries, 0);
    ck_assert_uint_eq(ptd_blockchain_height(r.c), n);
    tries = 1000;
    ck_assert_int_eq(
        ptd_mine_generate(r.c, hashes, &n, &why, 50, &j, &tries, &stop),
        PTD_ECLOSED);
    rig_fini(&r);
}
END_TEST

START_TEST(transactions_and_their_witness_are_taken_along)
{
    struct ptd_msg *t[2], *m;
    const struct ptd_msg *list[2];
    struct ptd_mine_job j = job();
    struct ptd_block_result got;
    uint64_t tries = 100000;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    for (unsigned i = 0; i < 2; i++) {
        struct ptd_tx *tx;

        t[i] = ptd_msg_new(PTD_MSG_TX);
        tx = &PTD_MSG_AS(tx, t[i])->tx;
        tx->version = 2;
        tx->n_in = tx->n_out = 1;
        tx->in = ptd_msg_alloc(t[i], 1, sizeof *tx->in);
        tx->out = ptd_msg_alloc(t[i], 1, sizeof *tx->out);
        tx->in->prev.hash.b[0] = (uint8_t)(i + 1);
        if (i == 1) {
            struct ptd_bytes *item = ptd_msg_alloc(t[i], 1, sizeof *item);

            ck_assert_int_eq(ptd_msg_copy_bytes(t[i], item, "abc", 3), PTD_OK);
            tx->in->witness = item;
            tx->in->n_witness = 1;
            tx->has_witness = true;
        }
        list[i] = t[i];
    }
    j.txs = list;
    j.n_txs = 2;
    j.fees = 77;
    ck_assert_int_eq(ptd_template_new(r.c, &m, &j), PTD_OK);
    ptd_msg_free(t[0]);
    ptd_msg_free(t[1]);
    ck_assert_int_eq(PTD_MSG_AS(block, m)->tx->out->value, 50 * PTD_COIN + 77);
    ck_assert_int_eq(ptd_blockchain_test_block(r.c, m).class, PTD_BLOCK_VALID);
    ck_assert_int_eq(ptd_mine_solve(&r.params, m, &tries, NULL), PTD_OK);
    got = rig_accept(&r, m, 0);
    ck_assert_msg(got.is_new && got.new_tip, "%s", got.verdict.reason);
    ck_assert_int_eq(ptd_blockchain_read_block(r.c, &m, &got.hash), PTD_OK);
    ck_assert_uint_eq(PTD_MSG_AS(block, m)->n_tx, 3);
    ck_assert(PTD_MSG_AS(block, m)->tx[2].has_witness);
    ptd_msg_free(m);
    rig_fini(&r);
}
END_TEST

/* As large as blocks get: refused only by their weight. */
START_TEST(output_may_be_large)
{
    enum { LARGE = 990000 };
    uint8_t *script = calloc(PTD_MINE_SCRIPT_MAX, 1);
    struct ptd_mine_job j = { .script = script, .script_bytes = LARGE };
    uint64_t tries = 100000;
    struct ptd_block_result got;
    struct ptd_msg *m;
    struct rig r;

    ck_assert_ptr_nonnull(script);
    script[0] = 0x6a;
    rig_init(&r, "regtest");
    rig_open(&r);
    ck_assert_int_eq(ptd_template_new(r.c, &m, &j), PTD_OK);
    ck_assert_int_eq(ptd_mine_solve(&r.params, m, &tries, NULL), PTD_OK);
    got = rig_accept(&r, m, 0);
    ck_assert_msg(got.new_tip, "%s", got.verdict.reason);
    j.script_bytes = PTD_MINE_SCRIPT_MAX;
    ck_assert_int_eq(ptd_template_new(r.c, &m, &j), PTD_ETOOBIG);
    free(script);
    rig_fini(&r);
}
END_TEST

START_TEST(template_tells_height_time_and_bits)
{
    struct ptd_template_info info;
    struct ptd_hash tip;
    struct ptd_msg *m;
    struct ptd_mine_job j = job();
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, 20, 1);
    ptd_template_info(r.c, &info);
    ck_assert(ptd_hash_eq(&info.prev, &tip));
    ck_assert_uint_eq(info.height, 21);
    ck_assert_uint_eq(info.min_time, r.params.genesis.time + 16);
    ck_assert_uint_eq(info.time, rig_now_s);
    ck_assert_uint_eq(info.bits, 0x207fffff);
    /* A clock that is behind: the median counts. */
    ptd_clock_set_wall_us(r.clock, 1000000);
    ptd_template_info(r.c, &info);
    ck_assert_uint_eq(info.time, info.min_time);
    ck_assert_int_eq(ptd_template_new(r.c, &m, &j), PTD_OK);
    ck_assert_int_eq(ptd_blockchain_test_block(r.c, m).class,
                     PTD_BLOCK_TIME_FUTURE);
    PTD_MSG_AS(block, m)->header.prev.b[0] ^= 1;
    ck_assert_str_eq(ptd_blockchain_test_block(r.c, m).reason,
                     "inconclusive-not-best-prevblk");
    ptd_msg_free(m);
    j.script_bytes = PTD_MINE_SCRIPT_MAX + 1;
    ck_assert_int_eq(ptd_template_new(r.c, &m, &j), PTD_ETOOBIG);
    rig_fini(&r);
}
END_TEST

START_TEST(mining_survives_lack_of_memory)
{
    struct ptd_mine_job j = job();
    struct ptd_block_verdict why;
    struct ptd_hash hash;
    struct rig r;
    unsigned n;

    rig_init(&r, "regtest");
    rig_open(&r);
    for (n = 1;; n++) {
        uint64_t tries = 1000;
        size_t made;
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_mine_generate(r.c, &hash, &made, &why, 1, &j, &tries, NULL);
        if (!support_nth_malloc_disarm()) {
            ck_assert_int_eq(e, PTD_OK);
            break;
        }
        ck_assert_int_eq(e, PTD_ENOMEM);
    }
    ck_assert_uint_gt(n, 5);
    rig_fini(&r);
}
END_TEST

START_TEST(difficulty_is_that_of_the_main_network)
{
    ck_assert_double_eq_tol(ptd_pow_difficulty(0x1d00ffff), 1, 1e-12);
    ck_assert_double_eq_tol(ptd_pow_difficulty(0x1b0404cb), 16307.420938524,
                            1e-6);
    ck_assert_double_eq_tol(ptd_pow_difficulty(0x207fffff),
                            4.6565423739069247e-10, 1e-20);
}
END_TEST

Suite *suite_mining(void)
{
    Suite *s = suite_create("mining");
    TCase *tc = tcase_create("mining");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, generated_blocks_follow_each_other);
    tcase_add_test(tc, tries_are_used_up);
    tcase_add_test(tc, transactions_and_their_witness_are_taken_along);
    tcase_add_test(tc, output_may_be_large);
    tcase_add_test(tc, template_tells_height_time_and_bits);
    tcase_add_test(tc, mining_survives_lack_of_memory);
    tcase_add_test(tc, difficulty_is_that_of_the_main_network);
    suite_add_tcase(s, tc);
    return s;
}
