/* Compact blocks that come: put together, asked about, withheld. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "check_netsync.h"
#include "crypto/sha256.h"
#include "crypto/siphash.h"
#include "scene.h"

enum { N_TXS = 3 };

/* ---- making them ----------------------------------------------------- */

static struct ptd_msg *block_with_txs(struct scene *s, uint32_t n_txs,
                                      uint32_t salt)
{
    struct ptd_hash tip = rig_tip(&s->r);
    struct ptd_block_info info = rig_info(&s->r, tip);
    struct ptd_msg *m =
        rig_raw_block(&s->r, &tip, info.header.height + 1,
                      (uint32_t)rig_now_s - 60 + info.header.height, salt);

    rig_add_txs(m, n_txs);
    rig_solve(&s->r, m);
    return m;
}

/* BIP 152: the first transaction is sent along, of the others a short id. */
static struct ptd_msg *compact(const struct ptd_msg *block, uint64_t nonce)
{
    const struct ptd_msg_block *b = PTD_MSG_CONST(block, block);
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_CMPCTBLOCK);
    struct ptd_msg_cmpctblock *c = (struct ptd_msg_cmpctblock *)(void *)m;
    uint8_t raw[88], key[32];
    uint64_t k[2];

    ptd_block_header_encode(&b->header, raw);
    memcpy(raw + 80, &nonce, 8);
    ptd_sha256(key, raw, sizeof raw);
    memcpy(k, key, sizeof k);
    c->header = b->header;
    c->nonce = nonce;
    c->n_short_ids = b->n_tx - 1;
    c->short_ids = ptd_msg_alloc(m, c->n_short_ids, sizeof *c->short_ids);
    for (uint32_t i = 1; i < b->n_tx; i++) {
        struct ptd_hash wtxid;

        ck_assert_int_eq(ptd_tx_wtxid(&b->tx[i], &wtxid), PTD_OK);
        c->short_ids[i - 1] =
            ptd_siphash24_hash(k[0], k[1], &wtxid) & 0xffffffffffff;
    }
    c->n_prefilled = 1;
    c->prefilled = ptd_msg_alloc(m, 1, sizeof *c->prefilled);
    c->prefilled[0].tx = b->tx[0];
    return m;
}

/* Transactions from `first` on; the block must live as long. */
static struct ptd_msg *txs_of(const struct ptd_msg *block, uint32_t first,
                              uint32_t n)
{
    const struct ptd_msg_block *b = PTD_MSG_CONST(block, block);
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_BLOCKTXN);
    struct ptd_msg_blocktxn *t = (struct ptd_msg_blocktxn *)(void *)m;

    t->block = rig_hash(block);
    t->n = n;
    t->tx = &b->tx[first];
    return m;
}

/* Sent, and encoded before its block may go. */
static void give(struct actor *a, struct ptd_msg *m)
{
    actor_send(a, m);
    (void)actor_sync(a, PTD_MSG_PING);
}

/* A scene near its tip, of 3 blocks. */
static void scene_near(struct scene *s)
{
    scene_init(s);
    scene_open(s);
    (void)scene_grow(s, 3, 1);
}

/* ---- the usual way --------------------------------------------------- */

START_TEST(coinbase_alone_is_a_block)
{
    struct ptd_msg *block;
    struct actor *a;
    struct scene s;

    scene_near(&s);
    block = block_with_txs(&s, 0, 1);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, compact(block, 5));
    scene_wait_height(&s, 4);
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_GETBLOCKTXN), 0);
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

START_TEST(missing_transactions_are_asked_for)
{
    struct ptd_msg *block, *m;
    const struct ptd_msg_getblocktxn *ask;
    struct actor *a;
    struct scene s;

    scene_near(&s);
    block = block_with_txs(&s, N_TXS, 1);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, compact(block, 5));
    m = actor_wait(a, PTD_MSG_GETBLOCKTXN);
    ask = PTD_MSG_CONST(getblocktxn, m);
    ck_assert_uint_eq(ask->n, N_TXS);
    for (uint32_t i = 0; i < N_TXS; i++)
        ck_assert_uint_eq(ask->indexes[i], i + 1);
    ptd_msg_free(m);
    actor_send(a, txs_of(block, 1, N_TXS));
    scene_wait_height(&s, 4);
    (void)actor_sync(a, PTD_MSG_PING);
    ck_assert_str_eq(a->fault, "");
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

struct pool {
    const struct ptd_msg *block;
    uint32_t n;   /* of its transactions are at hand */
    bool doubled; /* each of them is told twice: harmless */
};

static void each_tx(void *arg, ptd_sync_take_tx take, void *ctx)
{
    struct scene *s = arg;
    const struct pool *pool = (const struct pool *)s->user;

    for (uint32_t i = 1; i <= pool->n; i++) {
        struct ptd_msg *m = ptd_msg_new(PTD_MSG_TX);
        struct ptd_hash txid, wtxid;

        ((struct ptd_msg_tx *)(void *)m)->tx =
            PTD_MSG_CONST(block, pool->block)->tx[i];
        ck_assert_int_eq(ptd_tx_txid(&PTD_MSG_CONST(tx, m)->tx, &txid), PTD_OK);
        ck_assert_int_eq(ptd_tx_wtxid(&PTD_MSG_CONST(tx, m)->tx, &wtxid),
                         PTD_OK);
        for (int k = 0; k <= pool->doubled; k++)
            take(ctx, m, &txid, &wtxid);
        ptd_msg_free(m);
    }
}

static const struct {
    const char *name;
    uint32_t n_at_hand;
    bool doubled;
} pools[] = {
    { "none", 0, false },
    { "one", 1, false },
    { "all", N_TXS, false },
    { "all, told twice", N_TXS, true },
};

START_TEST(transactions_at_hand_are_used)
{
    struct pool pool = { .n = pools[_i].n_at_hand,
                         .doubled = pools[_i].doubled };
    struct ptd_msg *m;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    s.cfg.each_tx = each_tx;
    s.user = &pool;
    scene_open(&s);
    (void)scene_grow(&s, 3, 1);
    pool.block = block_with_txs(&s, N_TXS, 1);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, compact(pool.block, 5));
    if (pool.n < N_TXS) {
        m = actor_wait(a, PTD_MSG_GETBLOCKTXN);
        ck_assert_uint_eq(PTD_MSG_CONST(getblocktxn, m)->n, N_TXS - pool.n);
        ptd_msg_free(m);
        actor_send(a, txs_of(pool.block, 1 + pool.n, N_TXS - pool.n));
    }
    scene_wait_height(&s, 4);
    (void)actor_sync(a, PTD_MSG_PING);
    ptd_msg_free((struct ptd_msg *)(uintptr_t)pool.block);
    scene_close(&s);
}
END_TEST

START_TEST(headers_near_the_tip_fetch_compact_blocks)
{
    struct ptd_msg *block, *m;
    struct actor *a;
    struct scene s;

    scene_near(&s);
    block = block_with_txs(&s, 0, 1);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, sendcmpct_of(false));
    actor_send(a, scene_headers(&block, 1));
    m = actor_wait(a, PTD_MSG_GETDATA);
    ck_assert_uint_eq(PTD_MSG_CONST(inv, m)->list[0].type, PTD_INV_CMPCT_BLOCK);
    ptd_msg_free(m);
    actor_send(a, compact(block, 1));
    scene_wait_height(&s, 4);
    (void)actor_sync(a, PTD_MSG_PING);
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

/* ---- what can be wrong ----------------------------------------------- */

static struct ptd_msg *too_few(const struct ptd_msg *block)
{
    return txs_of(block, 1, N_TXS - 1);
}

static struct ptd_msg *too_many(const struct ptd_msg *block)
{
    return txs_of(block, 0, N_TXS + 1);
}

static struct ptd_msg *others(const struct ptd_msg *block)
{
    return txs_of(block, 0, N_TXS); /* the coinbase instead of the last */
}

static const struct {
    const char *name;
    struct ptd_msg *(*make)(const struct ptd_msg *block);
    const char *fault; /* NULL: the whole block is asked for */
} answers[] = {
    { "too few", too_few,
      "invalid compact block/non-matching block transactions" },
    { "too many", too_many,
      "invalid compact block/non-matching block transactions" },
    { "others", others, NULL },
};

START_TEST(wrong_transactions)
{
    struct ptd_msg *block, *m;
    struct actor *a;
    struct scene s;

    scene_near(&s);
    block = block_with_txs(&s, N_TXS, 1);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, compact(block, 5));
    actor_hears(a, PTD_MSG_GETBLOCKTXN);
    actor_send(a, answers[_i].make(block));
    if (answers[_i].fault != NULL) {
        actor_wait_gone(a);
        ck_assert_str_eq(a->fault, answers[_i].fault);
    } else {
        m = actor_wait(a, PTD_MSG_GETDATA);
        ck_assert_uint_eq(PTD_MSG_CONST(inv, m)->list[0].type,
                          PTD_INV_WITNESS_BLOCK);
        ptd_msg_free(m);
        /* CVE-2024-35202: and now once more. */
        actor_send(a, txs_of(block, 1, 0));
        actor_wait_gone(a);
        ck_assert_str_eq(a->fault,
                         "previous compact block reconstruction attempt "
                         "failed");
    }
    actor_leave(a);
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

START_TEST(transactions_that_nobody_asked_for)
{
    struct ptd_msg *block;
    struct actor *a;
    struct scene s;

    scene_near(&s);
    block = block_with_txs(&s, N_TXS, 1);
    a = actor_enter(&s, ACTOR_IN);
    give(a, txs_of(block, 1, N_TXS));
    actor_send(a, compact(block, 5));
    actor_hears(a, PTD_MSG_GETBLOCKTXN);
    give(a, compact(block, 6)); /* once more: no second question */
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_GETBLOCKTXN), 0);
    give(a, txs_of(block, 1, N_TXS));
    scene_wait_height(&s, 4);
    give(a, txs_of(block, 1, N_TXS));
    ck_assert(actor_is_here(a));
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

/* Equal short ids cannot be told apart; a peer that makes them equal gains
 * nothing. */
START_TEST(equal_short_ids_need_the_whole_block)
{
    struct ptd_msg *block, *c, *m;
    struct actor *a;
    struct scene s;

    scene_near(&s);
    block = block_with_txs(&s, N_TXS, 1);
    a = actor_enter(&s, ACTOR_IN);
    c = compact(block, 5);
    ((struct ptd_msg_cmpctblock *)(void *)c)->short_ids[0] =
        PTD_MSG_CONST(cmpctblock, c)->short_ids[1];
    actor_send(a, c);
    m = actor_wait(a, PTD_MSG_GETDATA);
    ck_assert_uint_eq(PTD_MSG_CONST(inv, m)->list[0].type,
                      PTD_INV_WITNESS_BLOCK);
    ptd_msg_free(m);
    actor_send(a, ptd_msg_ref(block));
    scene_wait_height(&s, 4);
    (void)actor_sync(a, PTD_MSG_PING);
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

START_TEST(compact_blocks_of_no_use_are_let_be)
{
    struct ptd_hash nowhere = { { 1 } };
    struct ptd_msg *far[5], *old, *orphan;
    struct ptd_hash tip;
    struct actor *a;
    struct scene s;

    scene_near(&s);
    tip = rig_tip(&s.r);
    a = actor_enter(&s, ACTOR_IN);
    actor_hears(a, PTD_MSG_GETHEADERS);
    actor_send(a, ptd_msg_new_headers(NULL, 0));
    /* Without a parent: a question. */
    scene_mine(&s, &orphan, 1, &nowhere, 0, 2);
    actor_send(a, compact(orphan, 5));
    actor_hears(a, PTD_MSG_GETHEADERS);
    actor_send(a, ptd_msg_new_headers(NULL, 0));
    /* Of less work than the tip. */
    scene_mine(&s, &old, 1, &s.genesis, 0, 2);
    actor_send(a, compact(old, 5));
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_GETDATA), 0);
    /* Three ahead: as a header, which fetches what is before it. */
    scene_mine(&s, far, 5, &tip, 3, 3);
    actor_send(a, scene_headers(far, 1));
    actor_hears(a, PTD_MSG_GETDATA);
    actor_send(a, scene_headers(far, 3));
    actor_hears(a, PTD_MSG_GETDATA);
    actor_send(a, compact(far[3], 5));
    actor_hears(a, PTD_MSG_GETDATA);
    ck_assert(actor_is_here(a));
    ptd_msg_free(orphan);
    ptd_msg_free(old);
    scene_free(far, 5);
    scene_close(&s);
}
END_TEST

/* BIP 152: who passes a compact block on has not checked it. */
START_TEST(invalid_compact_block_is_nobodys_fault)
{
    struct ptd_hash tip;
    struct ptd_msg *block;
    struct actor *a;
    struct scene s;

    scene_near(&s);
    tip = rig_tip(&s.r);
    block = rig_block(&s.r, &tip, 77, (uint32_t)rig_now_s - 20, 1);
    a = actor_enter(&s, ACTOR_IN);
    give(a, compact(block, 5));
    ck_assert(actor_is_here(a));
    ck_assert(rig_info(&s.r, rig_hash(block)).invalid);
    ck_assert_uint_eq(ptd_blockchain_height(s.r.c), 3);
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

/* ---- who announces and withholds (CVE-2024-52922) -------------------- */

/* Let these give a block each, in turn: they are asked for high bandwidth. */
static void win_trust(struct scene *s, struct actor **a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ptd_msg *block = block_with_txs(s, 0, (uint32_t)(i + 10)), *m;

        actor_send(a[i], sendcmpct_of(true));
        actor_send(a[i], ptd_msg_ref(block));
        do {
            m = actor_wait(a[i], PTD_MSG_SENDCMPCT);
        } while (!PTD_MSG_CONST(sendcmpct, m)->high_bandwidth &&
                 (ptd_msg_free(m), true));
        ptd_msg_free(m);
        ck_assert(actor_info(a[i]).hb_to);
        ptd_msg_free(block);
    }
}

START_TEST(withheld_block_comes_from_another)
{
    struct ptd_msg *block;
    struct actor *a[2];
    struct scene s;

    scene_near(&s);
    a[0] = actor_enter(&s, ACTOR_IN);
    a[1] = actor_enter(&s, ACTOR_OUT);
    win_trust(&s, a, 2);
    block = block_with_txs(&s, N_TXS, 1);
    actor_send(a[0], compact(block, 5));
    actor_hears(a[0], PTD_MSG_GETBLOCKTXN); /* and no answer */
    actor_send(a[1], compact(block, 6));
    actor_hears(a[1], PTD_MSG_GETBLOCKTXN);
    actor_send(a[1], txs_of(block, 1, N_TXS));
    scene_wait_height(&s, 6);
    (void)actor_sync(a[1], PTD_MSG_PING);
    ck_assert_uint_eq(actor_info(a[0]).n_in_flight, 0);
    /* Its answer is late, and harmless. */
    give(a[0], txs_of(block, 1, N_TXS));
    ck_assert(actor_is_here(a[0]));
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

START_TEST(one_of_three_requests_is_kept_for_an_outbound_peer)
{
    struct ptd_msg *block;
    struct actor *a[3], *out;
    struct scene s;

    scene_near(&s);
    for (size_t i = 0; i < 3; i++)
        a[i] = actor_enter(&s, ACTOR_IN);
    win_trust(&s, a, 3);
    out = actor_enter(&s, ACTOR_OUT);
    block = block_with_txs(&s, N_TXS, 1);
    actor_send(a[0], compact(block, 5));
    actor_hears(a[0], PTD_MSG_GETBLOCKTXN);
    actor_send(a[1], compact(block, 6));
    actor_hears(a[1], PTD_MSG_GETBLOCKTXN);
    actor_send(a[2], compact(block, 7));
    ck_assert_uint_eq(actor_sync(a[2], PTD_MSG_GETBLOCKTXN), 0);
    ck_assert_uint_eq(actor_info(a[2]).n_in_flight, 0);
    /* One that we called, and did not choose yet, is not asked either: only
     * high-bandwidth peers are. */
    actor_send(out, compact(block, 8));
    ck_assert_uint_eq(actor_sync(out, PTD_MSG_GETBLOCKTXN), 0);
    give(a[1], txs_of(block, 1, N_TXS));
    scene_wait_height(&s, 7);
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

/* What needs no question is taken from anybody, however many were asked. */
START_TEST(complete_one_ends_the_waiting)
{
    struct pool pool = { .n = 0 };
    struct ptd_msg *block;
    struct actor *a[3];
    struct scene s;

    scene_init(&s);
    s.cfg.each_tx = each_tx;
    s.user = &pool;
    scene_open(&s);
    (void)scene_grow(&s, 3, 1);
    for (size_t i = 0; i < 3; i++)
        a[i] = actor_enter(&s, ACTOR_IN);
    pool.block = block = block_with_txs(&s, N_TXS, 1);
    actor_send(a[0], compact(block, 5));
    actor_hears(a[0], PTD_MSG_GETBLOCKTXN);
    pool.n = N_TXS;
    actor_send(a[1], compact(block, 6));
    scene_wait_height(&s, 4);
    (void)actor_sync(a[1], PTD_MSG_PING);
    ck_assert_uint_eq(actor_info(a[0]).n_in_flight, 0);
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

/* ---- whom we ask for them -------------------------------------------- */

START_TEST(three_are_chosen_as_they_deliver)
{
    struct actor *a[5];
    struct scene s;

    scene_near(&s);
    a[0] = actor_enter(&s, ACTOR_OUT);
    for (size_t i = 1; i < 5; i++)
        a[i] = actor_enter(&s, ACTOR_IN);
    win_trust(&s, a, 5);
    /* The only one that we called stays; of the others the oldest went. */
    ck_assert(actor_info(a[0]).hb_to);
    ck_assert(!actor_info(a[1]).hb_to);
    ck_assert(!actor_info(a[2]).hb_to);
    ck_assert(actor_info(a[3]).hb_to);
    ck_assert(actor_info(a[4]).hb_to);
    for (size_t i = 0; i < 5; i++)
        ck_assert(actor_info(a[i]).hb_from);
    actor_leave(a[3]);
    win_trust(&s, &a[1], 1);
    ck_assert(actor_info(a[0]).hb_to && actor_info(a[4]).hb_to);
    scene_close(&s);
}
END_TEST

START_TEST(blocks_only_chooses_nobody)
{
    struct ptd_msg *block;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    s.cfg.blocks_only = true;
    scene_open(&s);
    (void)scene_grow(&s, 3, 1);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, sendcmpct_of(true));
    block = block_with_txs(&s, 0, 1);
    actor_send(a, block);
    scene_wait_height(&s, 4);
    (void)actor_sync(a, PTD_MSG_PING);
    ck_assert(!actor_info(a).hb_to);
    scene_close(&s);
}
END_TEST

TCase *tcase_compact(void)
{
    TCase *tc = tcase_create("compact");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, coinbase_alone_is_a_block);
    tcase_add_test(tc, missing_transactions_are_asked_for);
    tcase_add_loop_test(tc, transactions_at_hand_are_used, 0, PTD_COUNT(pools));
    tcase_add_test(tc, headers_near_the_tip_fetch_compact_blocks);
    tcase_add_loop_test(tc, wrong_transactions, 0, PTD_COUNT(answers));
    tcase_add_test(tc, transactions_that_nobody_asked_for);
    tcase_add_test(tc, equal_short_ids_need_the_whole_block);
    tcase_add_test(tc, compact_blocks_of_no_use_are_let_be);
    tcase_add_test(tc, invalid_compact_block_is_nobodys_fault);
    tcase_add_test(tc, withheld_block_comes_from_another);
    tcase_add_test(tc, one_of_three_requests_is_kept_for_an_outbound_peer);
    tcase_add_test(tc, complete_one_ends_the_waiting);
    tcase_add_test(tc, three_are_chosen_as_they_deliver);
    tcase_add_test(tc, blocks_only_chooses_nobody);
    return tc;
}
