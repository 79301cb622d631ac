#include <config.h>

#include <string.h>

#include "base/alloc.h"
#include "check_chain.h"
#include "rig.h"
#include "support/nth_malloc.h"

/* ---- beginning ------------------------------------------------------ */

START_TEST(new_chain_holds_the_genesis_block)
{
    static const char *const nets[] = { "main", "test", "testnet4", "signet",
                                        "regtest" };
    struct ptd_block_info tip;
    struct ptd_chain_stats stats;
    uint8_t want[PTD_GENESIS_MAX_BYTES];
    struct ptd_buf *buf;
    struct rig r;
    size_t n, n_want;

    rig_init(&r, nets[_i]);
    n_want = ptd_params_genesis_block(&r.params, want);
    for (int again = 0; again < 2; again++) {
        rig_open(&r);
        ptd_blockchain_tip(r.c, &tip);
        ck_assert(rig_same(tip.header.hash, r.params.genesis.hash));
        ck_assert_uint_eq(tip.n_tx, 1);
        ck_assert_uint_eq(tip.chain_tx, 1);
        ck_assert_int_eq(tip.confirmations, 1);
        ck_assert(tip.have_block && tip.active && tip.linked);
        ck_assert_int_eq(
            ptd_blockchain_read(r.c, &buf, &n, &tip.header.hash, NULL), PTD_OK);
        ck_assert_uint_eq(n, n_want);
        ck_assert_mem_eq(buf->data, want, n);
        ptd_buf_free(buf);
        ptd_blockchain_stats(r.c, &stats);
        ck_assert_uint_eq(stats.size_on_disk, n + 8);
        rig_close(&r);
    }
    rig_fini(&r);
}
END_TEST

START_TEST(chain_comes_back_as_it_was)
{
    enum { N = 30 };
    struct ptd_hash tip, side, ahead;
    struct ptd_block_info info;
    struct ptd_msg *m, *child;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, N, 1);
    side = rig_grow(&r, &r.params.genesis.hash, 3, 2);
    /* A block whose parent is a header only waits for it. */
    m = rig_next(&r, tip, 3);
    ahead = rig_hash(m);
    child = rig_block(&r, &ahead, N + 2,
                      (uint32_t)rig_info(&r, tip).header.time + 2, 3);
    {
        uint8_t raw[80];
        struct ptd_headers_result res;

        ptd_block_header_encode(&PTD_MSG_AS(block, m)->header, raw);
        ck_assert_int_eq(
            ptd_blockchain_add_headers(r.c, &res, raw, 1, PTD_FROM_TRUSTED),
            PTD_HEADER_OK);
    }
    ahead = rig_hash(child);
    ck_assert(rig_accept(&r, child, RIG_ASKED).is_new);
    ck_assert(rig_same(rig_tip(&r), tip));
    for (int again = 0; again < 3; again++) {
        rig_close(&r);
        rig_open(&r);
        ck_assert(rig_same(rig_tip(&r), tip));
        ck_assert_uint_eq(ptd_blockchain_height(r.c), N);
        info = rig_info(&r, tip);
        ck_assert_uint_eq(info.chain_tx, N + 1);
        ck_assert(rig_info(&r, side).linked);
        ck_assert(!rig_info(&r, side).active);
        ck_assert(!rig_info(&r, ahead).linked);
        ck_assert(rig_info(&r, ahead).have_block);
    }
    ck_assert(rig_accept(&r, m, RIG_ASKED).new_tip);
    ck_assert(rig_same(rig_tip(&r), ahead));
    ck_assert_uint_eq(rig_info(&r, ahead).chain_tx, N + 3);
    rig_fini(&r);
}
END_TEST

START_TEST(another_networks_index_is_refused)
{
    char why[PTD_CHAIN_WHY_SIZE];
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    rig_close(&r);
    r.params = *ptd_params_by_name("signet");
    ck_assert_int_eq(ptd_blockchain_open(&r.c, &r.cfg, why), PTD_EBADVALUE);
    ck_assert_ptr_nonnull(strstr(why, "another network"));
    rig_fini(&r);
}
END_TEST

/* ---- blocks --------------------------------------------------------- */

START_TEST(blocks_in_any_order_make_the_same_chain)
{
    enum { N = 40 };
    struct ptd_hash on, hashes[N];
    struct ptd_msg *m[N];
    uint8_t raw[N][80];
    struct ptd_headers_result res;
    struct ptd_wanted_block wanted[N + 5];
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    on = r.params.genesis.hash;
    for (uint32_t i = 0; i < N; i++) {
        m[i] = rig_block(&r, &on, i + 1, r.params.genesis.time + 1 + i, 1);
        ptd_block_header_encode(&PTD_MSG_AS(block, m[i])->header, raw[i]);
        on = hashes[i] = rig_hash(m[i]);
    }
    ck_assert_int_eq(
        ptd_blockchain_add_headers(r.c, &res, raw[0], N, PTD_FROM_STRANGER),
        PTD_HEADER_OK);
    ck_assert_uint_eq(ptd_blockchain_wanted(r.c, wanted, N + 5, 1000, NULL), N);
    ck_assert_uint_eq(ptd_blockchain_wanted(r.c, wanted, 5, 1000, NULL), 5);
    ck_assert_uint_eq(ptd_blockchain_wanted(r.c, wanted, N, 7, NULL), 7);
    ck_assert(rig_same(wanted[6].hash, hashes[6]));
    ck_assert_uint_eq(wanted[6].height, 7);
    /* 7 and 40 have no factor in common: each once. */
    for (uint32_t k = 0, i = 3; k < N; k++, i = (i + 7) % N) {
        struct ptd_block_result got = rig_accept(&r, m[i], 0);

        ck_assert_int_eq(got.verdict.class, PTD_BLOCK_VALID);
        ck_assert(got.is_new);
        ck_assert_uint_le(ptd_blockchain_wanted(r.c, wanted, N, 1000, NULL),
                          N - k - 1);
    }
    ck_assert(rig_same(rig_tip(&r), hashes[N - 1]));
    ck_assert_uint_eq(ptd_blockchain_wanted(r.c, wanted, N, 1000, NULL), 0);
    ck_assert_uint_gt(r.n_tips, 0);
    ck_assert(rig_same(r.tip[r.n_tips - 1].new_tip, hashes[N - 1]));
    rig_fini(&r);
}
END_TEST

START_TEST(orphan_duplicate_and_unwanted_blocks_are_told_apart)
{
    struct ptd_hash tip, none = { { 5 } };
    struct ptd_block_result got;
    struct ptd_msg *m;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, 10, 1);
    got = rig_accept(&r, rig_block(&r, &none, 1, 1700000000, 1), RIG_ASKED);
    ck_assert_int_eq(got.verdict.class, PTD_BLOCK_MISSING_PREV);
    ck_assert_str_eq(got.verdict.reason, "prev-blk-not-found");
    m = rig_next(&r, tip, 1);
    got = rig_accept(&r, ptd_msg_ref(m), 0);
    ck_assert(got.is_new && got.new_tip);
    got = rig_accept(&r, m, 0);
    ck_assert(!got.is_new && !got.ignored);
    ck_assert_int_eq(got.verdict.class, PTD_BLOCK_VALID);
    /* Not asked for, and with less work than the tip. */
    m = rig_block(&r, &r.params.genesis.hash, 1, 1700000000, 9);
    got = rig_accept(&r, ptd_msg_ref(m), 0);
    ck_assert(got.ignored && !got.is_new);
    ck_assert_int_eq(got.verdict.class, PTD_BLOCK_VALID);
    got = rig_accept(&r, m, PTD_ACCEPT_REQUESTED);
    ck_assert(got.is_new && !got.new_tip);
    rig_fini(&r);
}
END_TEST

START_TEST(invalid_block_is_remembered_mutated_is_not)
{
    struct ptd_hash tip;
    struct ptd_block_result got;
    struct ptd_msg *m;
    struct ptd_msg_block *b;
    struct rig r;
    uint8_t raw[80];
    struct ptd_headers_result res;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, 5, 1);

    /* Mutated: another coinbase under the same header. */
    m = rig_next(&r, tip, 7);
    b = PTD_MSG_AS(block, m);
    b->tx->lock_time ^= 1;
    got = rig_accept(&r, ptd_msg_ref(m), RIG_ASKED);
    ck_assert_int_eq(got.verdict.class, PTD_BLOCK_MUTATED);
    ck_assert_str_eq(got.verdict.reason, "bad-txnmrklroot");
    b->tx->lock_time ^= 1;
    got = rig_accept(&r, m, RIG_ASKED);
    ck_assert(got.is_new && got.new_tip);
    tip = got.hash;

    /* Invalid in its place: remembered, with what stands on it. */
    m = rig_block(&r, &tip, 99, (uint32_t)rig_info(&r, tip).header.time + 1, 1);
    got = rig_accept(&r, ptd_msg_ref(m), RIG_ASKED);
    ck_assert_int_eq(got.verdict.class, PTD_BLOCK_INVALID);
    ck_assert_str_eq(got.verdict.reason, "bad-cb-height");
    for (int again = 0; again < 2; again++) {
        struct ptd_msg *child;

        got = rig_accept(&r, ptd_msg_ref(m), RIG_ASKED);
        ck_assert_int_eq(got.verdict.class, PTD_BLOCK_KNOWN_BAD);
        ck_assert_str_eq(got.verdict.reason, "duplicate-invalid");
        child = rig_block(&r, &got.hash, 8,
                          (uint32_t)rig_info(&r, tip).header.time + 2, 1);
        ptd_block_header_encode(&PTD_MSG_AS(block, child)->header, raw);
        ck_assert_int_eq(
            ptd_blockchain_add_headers(r.c, &res, raw, 1, PTD_FROM_TRUSTED),
            PTD_HEADER_EPREV);
        got = rig_accept(&r, child, RIG_ASKED);
        ck_assert_int_eq(got.verdict.class, PTD_BLOCK_BAD_PREV);
        ck_assert_str_eq(got.verdict.reason, "bad-prevblk");
        ck_assert(rig_same(rig_tip(&r), tip));
        rig_close(&r);
        rig_open(&r);
    }
    ck_assert_uint_eq(ptd_headers_height(ptd_blockchain_headers(r.c)), 6);
    ptd_msg_free(m);
    rig_fini(&r);
}
END_TEST

START_TEST(invalid_ancestor_makes_its_waiting_branch_invalid)
{
    struct ptd_hash on;
    struct ptd_msg *m[4];
    uint8_t raw[4][80];
    struct ptd_headers_result res;
    struct ptd_chain_tip *tips;
    size_t n;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    on = r.params.genesis.hash;
    for (uint32_t i = 0; i < 4; i++) {
        /* The first says a wrong height. */
        m[i] = rig_block(&r, &on, i == 0 ? 77 : i + 1,
                         r.params.genesis.time + 1 + i, 1);
        ptd_block_header_encode(&PTD_MSG_AS(block, m[i])->header, raw[i]);
        on = rig_hash(m[i]);
    }
    ck_assert_int_eq(
        ptd_blockchain_add_headers(r.c, &res, raw[0], 4, PTD_FROM_STRANGER),
        PTD_HEADER_OK);
    for (uint32_t i = 1; i < 4; i++)
        ck_assert(rig_accept(&r, m[i], 0).is_new);
    ck_assert_uint_eq(ptd_headers_height(ptd_blockchain_headers(r.c)), 4);
    ck_assert_int_eq(rig_accept(&r, m[0], 0).verdict.class, PTD_BLOCK_INVALID);
    ck_assert_uint_eq(ptd_headers_height(ptd_blockchain_headers(r.c)), 0);
    ck_assert_uint_eq(ptd_blockchain_height(r.c), 0);
    ck_assert(rig_info(&r, on).invalid);
    ck_assert_int_eq(ptd_blockchain_tips(r.c, &tips, &n), PTD_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(tips[0].status, PTD_TIP_INVALID);
    ck_assert_uint_eq(tips[0].branch_len, 4);
    ck_assert_int_eq(tips[1].status, PTD_TIP_ACTIVE);
    ptd_free(tips);
    rig_fini(&r);
}
END_TEST

START_TEST(headers_without_the_networks_work_are_refused)
{
    enum { N = 10 };
    struct ptd_hash on;
    uint8_t raw[N][80];
    struct ptd_headers_result res;
    struct ptd_block_result got;
    struct rig r;

    rig_init(&r, "regtest");
    /* Two a header, the genesis block included: ten are wanted. */
    memset(&r.params.min_chain_work, 0, sizeof r.params.min_chain_work);
    r.params.min_chain_work.b[0] = 2 * N;
    rig_open(&r);
    on = r.params.genesis.hash;
    for (uint32_t i = 0; i < N; i++) {
        mine_header(raw[i], &on, r.params.genesis.time + 1 + i, 0x207fffff, 1);
        on = hash_of(raw[i]);
    }
    ck_assert_int_eq(
        ptd_blockchain_add_headers(r.c, &res, raw[0], N - 2, PTD_FROM_STRANGER),
        PTD_HEADER_EWORK);
    ck_assert_uint_eq(ptd_headers_count(ptd_blockchain_headers(r.c)), 1);
    got =
        rig_accept(&r, rig_block(&r, &r.params.genesis.hash, 1, 1600000000, 1),
                   PTD_ACCEPT_REQUESTED);
    ck_assert_int_eq(got.verdict.class, PTD_BLOCK_LOW_WORK);
    ck_assert_str_eq(got.verdict.reason, "too-little-chainwork");
    ck_assert_int_eq(
        ptd_blockchain_add_headers(r.c, &res, raw[0], N - 1, PTD_FROM_STRANGER),
        PTD_HEADER_OK);
    ck_assert_uint_eq(res.n_new, N - 1);
    ck_assert(ptd_blockchain_is_initial_download(r.c));
    rig_fini(&r);
}
END_TEST

/* ---- reorganisation ------------------------------------------------- */

START_TEST(longer_branch_takes_over_at_any_depth)
{
    enum { LONG = 60, FORK = 3 };
    struct ptd_hash genesis, fork, a, b;
    struct ptd_block_info info;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    genesis = r.params.genesis.hash;
    fork = rig_grow(&r, &genesis, FORK, 1);
    a = rig_grow(&r, &fork, LONG, 1);
    b = rig_grow(&r, &fork, LONG, 2);
    ck_assert(rig_same(rig_tip(&r), a)); /* as much work, later */
    r.n_tips = 0;
    b = rig_grow(&r, &b, 1, 2);
    ck_assert(rig_same(rig_tip(&r), b));
    ck_assert_uint_eq(r.n_tips, 1);
    ck_assert(rig_same(r.tip[0].old_tip, a));
    ck_assert(rig_same(r.tip[0].new_tip, b));
    ck_assert_uint_eq(r.tip[0].fork_height, FORK);
    ck_assert_uint_eq(r.tip[0].old_height, FORK + LONG);
    ck_assert_uint_eq(r.tip[0].new_height, FORK + LONG + 1);
    info = rig_info(&r, a);
    ck_assert_int_eq(info.confirmations, -1);
    ck_assert(ptd_blockchain_at(r.c, &info, FORK));
    ck_assert(rig_same(info.header.hash, fork));
    ck_assert_int_eq(info.confirmations, LONG + 2);
    ck_assert(ptd_blockchain_fork(r.c, &info.header, &a, &b));
    ck_assert(rig_same(info.header.hash, fork));
    ck_assert(!ptd_blockchain_at(r.c, &info, FORK + LONG + 2));
    ck_assert(ptd_blockchain_first_at_time(
        r.c, &info, (int64_t)r.params.genesis.time + FORK));
    ck_assert(rig_same(info.header.hash, fork));
    ck_assert(ptd_blockchain_first_at_time(r.c, &info, INT64_MIN));
    ck_assert_uint_eq(info.header.height, 0);
    ck_assert(!ptd_blockchain_first_at_time(r.c, &info, INT64_MAX));
    rig_fini(&r);
}
END_TEST

START_TEST(tips_have_the_right_status)
{
    struct ptd_hash genesis, a, b, c, h;
    struct ptd_chain_tip *tips;
    struct ptd_headers_result res;
    uint8_t raw[80];
    size_t n;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    genesis = r.params.genesis.hash;
    a = rig_grow(&r, &genesis, 3, 1);
    b = rig_grow(&r, &genesis, 4, 2); /* a was active once */
    c = rig_grow(&r, &genesis, 2, 3); /* never active */
    mine_header(raw, &b, (uint32_t)rig_info(&r, b).header.time + 5, 0x207fffff,
                4);
    h = hash_of(raw);
    ck_assert_int_eq(
        ptd_blockchain_add_headers(r.c, &res, raw, 1, PTD_FROM_STRANGER),
        PTD_HEADER_OK);
    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(ptd_blockchain_tips(r.c, &tips, &n), PTD_OK);
        ck_assert_uint_eq(n, 4);
        ck_assert(rig_same(tips[0].hash, h));
        ck_assert_int_eq(tips[0].status, PTD_TIP_HEADERS_ONLY);
        ck_assert_uint_eq(tips[0].branch_len, 1);
        ck_assert(rig_same(tips[1].hash, b));
        ck_assert_int_eq(tips[1].status, PTD_TIP_ACTIVE);
        ck_assert_uint_eq(tips[1].branch_len, 0);
        ck_assert(rig_same(tips[2].hash, a));
        ck_assert_int_eq(tips[2].status, PTD_TIP_VALID_FORK);
        ck_assert_uint_eq(tips[2].branch_len, 3);
        ck_assert(rig_same(tips[3].hash, c));
        ck_assert_int_eq(tips[3].status, PTD_TIP_VALID_HEADERS);
        ptd_free(tips);
        rig_close(&r);
        rig_open(&r);
    }
    ck_assert_str_eq(ptd_tip_status_text(PTD_TIP_VALID_FORK), "valid-fork");
    rig_fini(&r);
}
END_TEST

START_TEST(invalidate_and_reconsider_move_the_tip_and_last)
{
    struct ptd_hash genesis, a, b, fork, middle, none = { { 1 } };
    struct ptd_block_info info;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    genesis = r.params.genesis.hash;
    fork = rig_grow(&r, &genesis, 2, 1);
    middle = rig_grow(&r, &fork, 1, 1);
    a = rig_grow(&r, &middle, 9, 1);
    b = rig_grow(&r, &fork, 5, 2);
    ck_assert_int_eq(ptd_blockchain_invalidate(r.c, &none), PTD_ENOTFOUND);
    ck_assert_int_eq(ptd_blockchain_invalidate(r.c, &genesis), PTD_EINVAL);
    ck_assert_int_eq(ptd_blockchain_invalidate(r.c, &middle), PTD_OK);
    for (int again = 0; again < 2; again++) {
        ck_assert(rig_same(rig_tip(&r), b));
        ck_assert(rig_info(&r, a).invalid);
        ck_assert_uint_eq(ptd_headers_height(ptd_blockchain_headers(r.c)), 7);
        rig_close(&r);
        rig_open(&r);
    }
    /* From the end of the branch, too. */
    ck_assert_int_eq(ptd_blockchain_reconsider(r.c, &a), PTD_OK);
    ck_assert(rig_same(rig_tip(&r), a));
    ck_assert(!rig_info(&r, middle).invalid);
    ck_assert_uint_eq(ptd_headers_height(ptd_blockchain_headers(r.c)), 12);
    /* All that is left: back to what both have in common. */
    ck_assert_int_eq(ptd_blockchain_invalidate(r.c, &middle), PTD_OK);
    ck_assert(ptd_blockchain_at(r.c, &info, 3));
    ck_assert_int_eq(ptd_blockchain_invalidate(r.c, &info.header.hash), PTD_OK);
    ck_assert(rig_same(rig_tip(&r), fork));
    ck_assert_int_eq(ptd_blockchain_reconsider(r.c, &middle), PTD_OK);
    ck_assert(rig_same(rig_tip(&r), a));
    ck_assert(rig_info(&r, b).invalid);
    rig_fini(&r);
}
END_TEST

START_TEST(precious_block_wins_a_tie)
{
    struct ptd_hash genesis, a, b, c;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    genesis = r.params.genesis.hash;
    a = rig_grow(&r, &genesis, 4, 1);
    b = rig_grow(&r, &genesis, 4, 2);
    c = rig_grow(&r, &genesis, 3, 3);
    ck_assert(rig_same(rig_tip(&r), a));
    ck_assert_int_eq(ptd_blockchain_precious(r.c, &b), PTD_OK);
    ck_assert(rig_same(rig_tip(&r), b));
    ck_assert_int_eq(ptd_blockchain_precious(r.c, &a), PTD_OK);
    ck_assert(rig_same(rig_tip(&r), a));
    ck_assert_int_eq(ptd_blockchain_precious(r.c, &c), PTD_OK);
    ck_assert(rig_same(rig_tip(&r), a));
    rig_fini(&r);
}
END_TEST

START_TEST(waiting_for_a_tip_ends_with_the_next_one)
{
    struct ptd_chan *event;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    event = ptd_blockchain_tip_event(r.c);
    ck_assert_ptr_nonnull(event);
    ck_assert(!ptd_chan_is_closed(event));
    rig_grow(&r, &r.params.genesis.hash, 1, 1);
    ck_assert(ptd_chan_is_closed(event));
    ptd_chan_free(event);
    event = ptd_blockchain_tip_event(r.c);
    ck_assert(!ptd_chan_is_closed(event));
    rig_close(&r);
    ptd_chan_free(event);
    rig_fini(&r);
}
END_TEST

START_TEST(initial_download_ends_with_a_young_tip)
{
    struct ptd_hash tip;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, 3, 1);
    ck_assert(ptd_blockchain_is_initial_download(r.c));
    rig_accept(&r, rig_block(&r, &tip, 4, (uint32_t)rig_now_s - 23 * 3600, 1),
               RIG_ASKED);
    ck_assert(!ptd_blockchain_is_initial_download(r.c));
    ptd_clock_set_wall_us(r.clock, (rig_now_s + 1000000) * 1000000);
    ck_assert(!ptd_blockchain_is_initial_download(r.c));
    rig_close(&r);
    rig_open(&r);
    ck_assert(ptd_blockchain_is_initial_download(r.c));
    rig_close(&r);
    r.cfg.max_tip_age_s = 2000000;
    rig_open(&r);
    ck_assert(!ptd_blockchain_is_initial_download(r.c));
    rig_fini(&r);
}
END_TEST

START_TEST(locators_are_answered_from_the_active_chain)
{
    static const struct ptd_hash none;
    struct ptd_hash genesis, fork, a, side, out[50], loc[3];
    uint8_t headers[50 * 80];
    struct ptd_block_info info;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    genesis = r.params.genesis.hash;
    fork = rig_grow(&r, &genesis, 4, 1);
    a = rig_grow(&r, &fork, 16, 1);
    side = rig_grow(&r, &fork, 3, 2);
    loc[0] = side;
    loc[1] = fork;
    ck_assert_uint_eq(ptd_blockchain_hashes_after(r.c, out, 50, loc, 2, &none),
                      16);
    ck_assert(rig_same(out[15], a));
    ck_assert(ptd_blockchain_at(r.c, &info, 10));
    ck_assert_uint_eq(
        ptd_blockchain_hashes_after(r.c, out, 50, loc, 2, &info.header.hash),
        5);
    ck_assert_uint_eq(ptd_blockchain_hashes_after(r.c, out, 3, loc, 2, &none),
                      3);
    ck_assert_uint_eq(
        ptd_blockchain_headers_after(r.c, headers, 50, loc, 2, &none), 16);
    ck_assert_mem_eq(headers + 5 * 80, info.header.raw, 80);
    ck_assert_uint_eq(ptd_blockchain_headers_after(r.c, headers, 50, loc, 2,
                                                   &info.header.hash),
                      6);
    ck_assert_uint_eq(
        ptd_blockchain_headers_after(r.c, headers, 50, NULL, 0, &side), 0);
    ck_assert_uint_eq(
        ptd_blockchain_headers_after(r.c, headers, 50, NULL, 0, &a), 1);
    rig_fini(&r);
}
END_TEST

/* ---- memory --------------------------------------------------------- */

START_TEST(chain_survives_lack_of_memory)
{
    char why[PTD_CHAIN_WHY_SIZE];
    struct ptd_hash on;
    struct rig r;
    unsigned n;

    rig_init(&r, "regtest");
    for (n = 1;; n++) {
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_blockchain_open(&r.c, &r.cfg, why);
        if (!support_nth_malloc_disarm()) {
            ck_assert_int_eq(e, PTD_OK);
            break;
        }
        ck_assert_msg(e == PTD_ENOMEM, "%u: %s, %s", n, ptd_err_name(e), why);
    }
    ck_assert_uint_gt(n, 8);
    on = r.params.genesis.hash;
    for (uint32_t i = 1; i <= 5; i++) {
        struct ptd_msg *m = rig_block(&r, &on, i, r.params.genesis.time + i, 1);

        for (n = 1;; n++) {
            struct ptd_block_result got;

            support_nth_malloc_arm(n);
            ptd_blockchain_accept_block(r.c, &got, m, RIG_ASKED);
            if (!support_nth_malloc_disarm()) {
                ck_assert_int_eq(got.verdict.class, PTD_BLOCK_VALID);
                break;
            }
            ck_assert_int_eq(got.verdict.class, PTD_BLOCK_NO_MEMORY);
        }
        on = rig_hash(m);
        ptd_msg_free(m);
        ck_assert(rig_same(rig_tip(&r), on));
    }
    rig_close(&r);
    rig_open(&r);
    ck_assert(rig_same(rig_tip(&r), on));
    ck_assert(!ptd_blockchain_trouble(r.c, why));
    rig_fini(&r);
}
END_TEST

Suite *suite_blockchain(void)
{
    Suite *s = suite_create("blockchain");
    TCase *tc = tcase_create("blockchain");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, new_chain_holds_the_genesis_block, 0, 5);
    tcase_add_test(tc, chain_comes_back_as_it_was);
    tcase_add_test(tc, another_networks_index_is_refused);
    tcase_add_test(tc, blocks_in_any_order_make_the_same_chain);
    tcase_add_test(tc, orphan_duplicate_and_unwanted_blocks_are_told_apart);
    tcase_add_test(tc, invalid_block_is_remembered_mutated_is_not);
    tcase_add_test(tc, invalid_ancestor_makes_its_waiting_branch_invalid);
    tcase_add_test(tc, headers_without_the_networks_work_are_refused);
    tcase_add_test(tc, longer_branch_takes_over_at_any_depth);
    tcase_add_test(tc, tips_have_the_right_status);
    tcase_add_test(tc, invalidate_and_reconsider_move_the_tip_and_last);
    tcase_add_test(tc, precious_block_wins_a_tie);
    tcase_add_test(tc, waiting_for_a_tip_ends_with_the_next_one);
    tcase_add_test(tc, initial_download_ends_with_a_young_tip);
    tcase_add_test(tc, locators_are_answered_from_the_active_chain);
    tcase_add_test(tc, chain_survives_lack_of_memory);
    suite_add_tcase(s, tc);
    return s;
}
