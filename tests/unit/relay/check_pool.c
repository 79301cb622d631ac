#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/util.h"
#include "check_relay.h"
#include "relay/policy.h"
#include "txs.h"

static const struct ptd_pool_place place = { .tip_height = 100,
                                             .median_time = 1600000000 };

static struct ptd_pool *pool_with(struct ptd_clock *clk, uint64_t max_bytes,
                                  uint32_t max_count)
{
    struct ptd_pool_config cfg;
    struct ptd_pool *p;

    ptd_clock_set_wall_us(clk, INT64_C(1600000000000000));
    ptd_pool_config_init(&cfg);
    cfg.clock = clk;
    cfg.max_bytes = max_bytes;
    cfg.max_count = max_count;
    ck_assert_ptr_nonnull(p = ptd_pool_new(&cfg));
    return p;
}

static struct ptd_clock *clk;
static struct ptd_pool *p;

static void set_up(void)
{
    ck_assert_ptr_nonnull(clk = ptd_clock_new());
    p = pool_with(clk, PTD_POOL_MAX_BYTES, PTD_POOL_MAX_COUNT);
}

static void tear_down(void)
{
    ptd_pool_free(p);
    ptd_clock_free(clk);
}

static struct ptd_pool_verdict add(const struct ptd_msg *m,
                                   enum ptd_pool_origin origin)
{
    struct ptd_pool_verdict v;

    ptd_pool_add(p, &v, tx_in(m), origin, &place, -1, 0);
    return v;
}

/* Add and free; gives the txid. */
static struct ptd_hash put(struct ptd_msg *m, enum ptd_pool_origin origin)
{
    struct ptd_pool_verdict v = add(m, origin);

    ck_assert_msg(v.class == PTD_POOL_ADDED, "%s", v.reason);
    ptd_msg_free(m);
    return v.txid;
}

static bool has(const struct ptd_hash *txid)
{
    return ptd_pool_find(p, NULL, txid, PTD_POOL_TXID);
}

static struct ptd_pool_info info(void)
{
    struct ptd_pool_info i;

    ptd_pool_info(p, &i);
    return i;
}

/* ---- one alone ---------------------------------------------------------- */

static void as_it_is(struct ptd_tx *tx)
{
    (void)tx;
}

static void no_outputs(struct ptd_tx *tx)
{
    tx->n_out = 0;
}

static void much_money(struct ptd_tx *tx)
{
    tx->out[0].value = INT64_C(21000000) * 100000000 + 1;
}

static void coinbase(struct ptd_tx *tx)
{
    memset(&tx->in[0].prev.hash, 0, sizeof tx->in[0].prev.hash);
    tx->in[0].prev.index = UINT32_MAX;
    tx->in[0].script = (struct ptd_bytes){ (const uint8_t *)"abcd", 4 };
}

static void old_version(struct ptd_tx *tx)
{
    tx->version = 0;
}

static void new_version(struct ptd_tx *tx)
{
    tx->version = 4;
}

static void not_pushes(struct ptd_tx *tx)
{
    tx->in[0].script = (struct ptd_bytes){ (const uint8_t *)"\x76", 1 };
}

static void cut_push(struct ptd_tx *tx)
{
    tx->in[0].script = (struct ptd_bytes){ (const uint8_t *)"\x05\x01", 2 };
}

static void long_script(struct ptd_tx *tx)
{
    static const uint8_t zeros[POLICY_MAX_SCRIPT_SIG + 1];

    tx->in[0].script = (struct ptd_bytes){ zeros, sizeof zeros };
}

static void odd_output(struct ptd_tx *tx)
{
    tx->out[0].script = (struct ptd_bytes){ (const uint8_t *)"\x76", 1 };
}

static void small_change(struct ptd_tx *tx)
{
    tx->out[0].value = tx->out[1].value = 293;
}

static void one_small_change(struct ptd_tx *tx)
{
    tx->out[0].value = 0;
}

static void small(struct ptd_tx *tx)
{
    tx->n_out = 1;
    tx->out[0].script = (struct ptd_bytes){ (const uint8_t *)"\x6a", 1 };
}

static void too_heavy(struct ptd_tx *tx)
{
    static uint8_t zeros[POLICY_MAX_WEIGHT];
    static struct ptd_bytes w = { zeros, sizeof zeros };

    tx->in[0].witness = &w;
}

static void later_height(struct ptd_tx *tx)
{
    tx->lock_time = 101;
}

static void next_height(struct ptd_tx *tx)
{
    tx->lock_time = 100;
}

static void later_time(struct ptd_tx *tx)
{
    tx->lock_time = 1600000000;
}

static void twice(struct ptd_tx *tx)
{
    static struct ptd_tx_in in[2];

    in[0] = in[1] = tx->in[0];
    tx->in = in;
    tx->n_in = 2;
}

static const struct {
    const char *name;
    void (*change)(struct ptd_tx *tx);
    const char *reason; /* "": it is taken */
} singles[] = {
    { "good", as_it_is, "" },
    { "no outputs", no_outputs, "bad-txns-vout-empty" },
    { "more money than there is", much_money, "bad-txns-vout-toolarge" },
    { "a coinbase", coinbase, "coinbase" },
    { "version 0", old_version, "version" },
    { "version 4", new_version, "version" },
    { "a script that does something", not_pushes, "scriptsig-not-pushonly" },
    { "a script that is cut", cut_push, "scriptsig-not-pushonly" },
    { "a long script", long_script, "scriptsig-size" },
    { "an output of no kind", odd_output, "scriptpubkey" },
    { "two outputs of dust", small_change, "dust" },
    { "one output of dust", one_small_change, "" },
    { "fewer bytes than 65", small, "tx-size-small" },
    { "too heavy", too_heavy, "tx-size" },
    { "for a later block", later_height, "non-final" },
    { "for the next block", next_height, "" },
    { "for a later time", later_time, "non-final" },
    { "the same coin twice", twice, "bad-txns-inputs-duplicate" },
};

START_TEST(form_is_checked)
{
    struct ptd_msg *m = tx_make(NULL, 0, 2, TX_VALUE, 1);
    bool good = singles[_i].reason[0] == '\0';
    struct ptd_pool_verdict v;

    singles[_i].change(tx_of(m));
    v = add(m, PTD_POOL_OWN);
    ck_assert_msg(v.class == (good ? PTD_POOL_ADDED : PTD_POOL_REFUSED) &&
                      strcmp(v.reason, singles[_i].reason) == 0,
                  "%s: %s", singles[_i].name, v.reason);
    ck_assert_uint_eq(info().n, good);
    ptd_msg_free(m);
}
END_TEST

START_TEST(found_by_both_hashes)
{
    struct ptd_msg *m = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_hash txid = tx_id(m), wtxid = tx_wid(m), who;
    struct ptd_pool_tx t;

    put(ptd_msg_ref(m), PTD_POOL_OWN);
    ck_assert(!ptd_hash_eq(&txid, &wtxid));
    ck_assert(ptd_pool_find(p, &t, &txid, PTD_POOL_TXID));
    ck_assert(ptd_hash_eq(&t.wtxid, &wtxid));
    ck_assert(t.unbroadcast && t.fee == -1 && t.height == 100);
    ptd_msg_free(t.msg);
    ck_assert(ptd_pool_find(p, NULL, &wtxid, PTD_POOL_WTXID));
    ck_assert(!ptd_pool_find(p, NULL, &wtxid, PTD_POOL_TXID));
    ck_assert(ptd_pool_spender(p, &who, &tx_in(m)->in[0].prev));
    ck_assert(ptd_hash_eq(&who, &txid));
    ptd_msg_free(m);
}
END_TEST

START_TEST(the_same_again_is_known)
{
    struct ptd_msg *m = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_pool_verdict v;

    ck_assert_int_eq(add(m, PTD_POOL_OWN).class, PTD_POOL_ADDED);
    ck_assert_int_eq(add(m, PTD_POOL_OWN).class, PTD_POOL_KNOWN);
    tx_of(m)->has_witness = false;
    tx_of(m)->in[0].n_witness = 0;
    v = add(m, PTD_POOL_OWN);
    ck_assert_int_eq(v.class, PTD_POOL_REFUSED);
    ck_assert_str_eq(v.reason, "txn-same-nonwitness-data-in-mempool");
    ptd_msg_free(m);
}
END_TEST

START_TEST(a_test_keeps_nothing)
{
    struct ptd_msg *m = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_pool_verdict v;

    ptd_pool_add(p, &v, tx_in(m), PTD_POOL_OWN, &place, -1, PTD_POOL_TEST);
    ck_assert_int_eq(v.class, PTD_POOL_ADDED);
    ck_assert_uint_eq(info().n, 0);
    ptd_msg_free(m);
}
END_TEST

/* ---- fees ----------------------------------------------------------------- */

static const struct {
    int64_t value; /* of the child's output */
    int64_t max_fee;
    int64_t fee;
    const char *reason;
} fees[] = {
    { TX_VALUE - 1000, -1, 1000, "" },
    { TX_VALUE - 1000, 1000, 1000, "" },
    { TX_VALUE - 1000, 999, 1000, "max-fee-exceeded" },
    { TX_VALUE, -1, 0, "min relay fee not met" },
    { TX_VALUE + 1, -1, -1, "bad-txns-in-belowout" },
};

START_TEST(fees_are_known_within_the_pool)
{
    struct ptd_hash parent =
        put(tx_make(NULL, 0, 1, TX_VALUE, 1), PTD_POOL_OWN);
    struct ptd_msg *m = tx_make(&parent, 0, 1, fees[_i].value, 2);
    struct ptd_pool_verdict v;

    ptd_pool_add(p, &v, tx_in(m), PTD_POOL_PEER, &place, fees[_i].max_fee, 0);
    ck_assert_str_eq(v.reason, fees[_i].reason);
    ck_assert_int_eq(v.fee, fees[_i].fee);
    ck_assert_int_eq(info().fees, fees[_i].reason[0] == '\0' ? v.fee : 0);
    ptd_msg_free(m);
}
END_TEST

/* ---- conflicts ------------------------------------------------------------- */

static const struct {
    enum ptd_pool_origin first, second;
    bool replaces;
} rivals[] = {
    { PTD_POOL_PEER, PTD_POOL_PEER, false },
    { PTD_POOL_OWN, PTD_POOL_PEER, false },
    { PTD_POOL_OWN, PTD_POOL_BLOCK, false },
    { PTD_POOL_PEER, PTD_POOL_OWN, true },
    { PTD_POOL_OWN, PTD_POOL_OWN, true },
};

START_TEST(only_the_user_replaces)
{
    struct ptd_hash coin = { { 7 } }, a, child;
    struct ptd_msg *m = tx_make(&coin, 0, 1, TX_VALUE, 2);
    struct ptd_pool_verdict v;

    a = put(tx_make(&coin, 0, 1, TX_VALUE, 1), rivals[_i].first);
    child = put(tx_make(&a, 0, 1, TX_VALUE - 500, 3), PTD_POOL_PEER);
    v = add(m, rivals[_i].second);
    ck_assert_int_eq(v.class == PTD_POOL_ADDED, rivals[_i].replaces);
    if (!rivals[_i].replaces)
        ck_assert_str_eq(v.reason, "txn-mempool-conflict");
    ck_assert_int_eq(has(&a), !rivals[_i].replaces);
    ck_assert_int_eq(has(&child), !rivals[_i].replaces);
    ptd_msg_free(m);
}
END_TEST

START_TEST(what_is_needed_is_not_replaced)
{
    struct ptd_hash coin = { { 7 } }, a;
    struct ptd_msg *m;
    struct ptd_tx_in in[2];
    struct ptd_pool_verdict v;

    a = put(tx_make(&coin, 0, 1, TX_VALUE, 1), PTD_POOL_OWN);
    m = tx_make(&a, 0, 1, TX_VALUE - 500, 2);
    in[0] = in[1] = tx_in(m)->in[0];
    in[1].prev = (struct ptd_outpoint){ .hash = coin };
    tx_of(m)->in = in;
    tx_of(m)->n_in = 2;
    v = add(m, PTD_POOL_OWN);
    ck_assert_str_eq(v.reason, "bad-txns-spends-conflicting-tx");
    ck_assert(has(&a));
    ptd_msg_free(m);
}
END_TEST

/* ---- kin ------------------------------------------------------------------- */

START_TEST(clusters_are_bounded)
{
    struct ptd_hash last = put(tx_make(NULL, 0, 1, TX_VALUE, 0), PTD_POOL_OWN);
    struct ptd_pool_family f;
    struct ptd_hash first = last;
    struct ptd_msg *m;

    for (uint32_t i = 1; i < PTD_POOL_MAX_CLUSTER; i++)
        last = put(tx_make(&last, 0, 1, TX_VALUE - 100 * i, i), PTD_POOL_OWN);
    m = tx_make(&last, 0, 1, TX_VALUE / 2, 99);
    ck_assert_str_eq(add(m, PTD_POOL_OWN).reason, "too-large-cluster");
    ptd_msg_free(m);
    ck_assert(ptd_pool_family(p, &f, &first));
    ck_assert_uint_eq(f.n_descendants, PTD_POOL_MAX_CLUSTER);
    ck_assert_uint_eq(f.n_ancestors, 1);
    ck_assert_uint_eq(f.n_children, 1);
    ck_assert_int_eq(f.descendant_fees, -1); /* the first one's is unknown */
    ck_assert(ptd_pool_family(p, &f, &last));
    ck_assert_uint_eq(f.n_ancestors, PTD_POOL_MAX_CLUSTER);
    ck_assert_uint_eq(f.n_parents, 1);
    ck_assert_uint_eq(f.n_children, 0);
    ck_assert_int_eq(f.descendant_fees, 100);
}
END_TEST

/* ---- bounds ------------------------------------------------------------------ */

START_TEST(oldest_of_others_go_first)
{
    struct ptd_hash own, other[3], child;

    ptd_pool_free(p);
    p = pool_with(clk, PTD_POOL_MAX_BYTES, 4);
    own = put(tx_make(NULL, 0, 1, TX_VALUE, 1), PTD_POOL_OWN);
    other[0] = put(tx_make(NULL, 0, 1, TX_VALUE, 2), PTD_POOL_PEER);
    child = put(tx_make(&other[0], 0, 1, TX_VALUE - 500, 3), PTD_POOL_PEER);
    other[1] = put(tx_make(NULL, 0, 1, TX_VALUE, 4), PTD_POOL_PEER);
    other[2] = put(tx_make(NULL, 0, 1, TX_VALUE, 5), PTD_POOL_PEER);
    ck_assert(has(&own) && has(&other[1]) && has(&other[2]));
    ck_assert(!has(&other[0]) && !has(&child)); /* it goes along */
    ck_assert_uint_eq(info().n, 3);
}
END_TEST

START_TEST(memory_is_bounded)
{
    enum { ROOM = 20000 };
    uint64_t most = 0;

    ptd_pool_free(p);
    p = pool_with(clk, ROOM, PTD_POOL_MAX_COUNT);
    for (uint32_t i = 0; i < 200; i++) {
        put(tx_make(NULL, 0, 1, TX_VALUE, i), PTD_POOL_PEER);
        most = PTD_MAX(most, info().memory);
    }
    ck_assert_uint_le(most, ROOM);
    ck_assert_uint_gt(info().n, 2);
}
END_TEST

START_TEST(one_that_finds_no_room_is_refused)
{
    struct ptd_msg *m = tx_make(NULL, 0, 1, TX_VALUE, 1);

    ptd_pool_free(p);
    p = pool_with(clk, 100, PTD_POOL_MAX_COUNT);
    ck_assert_str_eq(add(m, PTD_POOL_OWN).reason, "mempool full");
    ck_assert_uint_eq(info().n, 0);
    ck_assert_uint_eq(info().memory, 0);
    ptd_msg_free(m);
}
END_TEST

START_TEST(old_ones_expire)
{
    struct ptd_hash a = put(tx_make(NULL, 0, 1, TX_VALUE, 1), PTD_POOL_OWN), b;

    ptd_clock_advance_us(clk, INT64_C(3600000000));
    b = put(tx_make(NULL, 0, 1, TX_VALUE, 2), PTD_POOL_PEER);
    ck_assert_int_eq(ptd_pool_expire(p), 1600000000 + PTD_POOL_EXPIRY_S);
    ck_assert(has(&a) && has(&b));
    ptd_clock_advance_us(clk, (PTD_POOL_EXPIRY_S - 3600) * 1000000);
    ck_assert_int_eq(ptd_pool_expire(p), 1600003600 + PTD_POOL_EXPIRY_S);
    ck_assert(!has(&a) && has(&b));
    ptd_clock_advance_us(clk, INT64_C(3600000000));
    ck_assert_int_eq(ptd_pool_expire(p), INT64_MAX);
    ck_assert_uint_eq(info().n, 0);
}
END_TEST

/* ---- blocks ---------------------------------------------------------------------- */

START_TEST(a_block_takes_them_and_their_rivals)
{
    struct ptd_hash coin = { { 7 } }, a, b, child, other;
    struct ptd_msg *mined[2], *block;
    struct ptd_pool_tx t;

    mined[0] = tx_make(NULL, 0, 1, TX_VALUE, 1);
    a = put(ptd_msg_ref(mined[0]), PTD_POOL_OWN);
    b = put(tx_make(&coin, 0, 1, TX_VALUE, 2), PTD_POOL_PEER);
    child = put(tx_make(&b, 0, 1, TX_VALUE - 500, 3), PTD_POOL_PEER);
    other = put(tx_make(&a, 0, 1, TX_VALUE - 500, 4), PTD_POOL_PEER);
    mined[1] = tx_make(&coin, 0, 1, TX_VALUE, 5); /* b's rival */
    block = tx_block(mined, 2);
    ptd_pool_block_in(p, PTD_MSG_CONST(block, block));
    ck_assert(!has(&a) && !has(&b) && !has(&child));
    ck_assert(has(&other)); /* it spends what is mined */
    ck_assert_uint_eq(info().n_unbroadcast, 0);
    ck_assert(ptd_pool_find_mined(p, &t, &a, PTD_POOL_TXID));
    ptd_msg_free(t.msg);
    ck_assert(!ptd_pool_find_mined(p, &t, &b, PTD_POOL_TXID));
    ptd_msg_free(block);
    block = tx_block(&mined[1], 1); /* the next one */
    ptd_pool_block_in(p, PTD_MSG_CONST(block, block));
    ck_assert(!ptd_pool_find_mined(p, &t, &a, PTD_POOL_TXID));
    ptd_msg_free(block);
    ptd_msg_free(mined[0]);
    ptd_msg_free(mined[1]);
}
END_TEST

/* ---- who wants to hear of it ------------------------------------------ */

struct heard {
    size_t n;
    struct {
        struct ptd_hash txid;
        bool added;
        uint64_t sequence;
    } v[8];
};

static void hear(void *arg, const struct ptd_pool_tx *t, bool added,
                 uint64_t sequence)
{
    struct heard *h = arg;

    ck_assert_uint_lt(h->n, PTD_COUNT(h->v));
    h->v[h->n].txid = t->txid;
    h->v[h->n].added = added;
    h->v[h->n++].sequence = sequence;
}

/* A rival goes before who takes its place comes; what a block takes is counted,
 * but told with the block. */
START_TEST(changes_are_told_in_order)
{
    struct ptd_pool_config cfg = *ptd_pool_config(p);
    struct ptd_hash coin = { { 7 } }, a, b, c;
    struct ptd_msg *mined, *block;
    struct heard h = { 0 };

    cfg.changed = hear;
    cfg.arg = &h;
    ptd_pool_free(p);
    ck_assert_ptr_nonnull(p = ptd_pool_new(&cfg));
    a = put(tx_make(&coin, 0, 1, TX_VALUE, 1), PTD_POOL_OWN);
    mined = tx_make(&coin, 0, 1, TX_VALUE, 2);
    b = put(ptd_msg_ref(mined), PTD_POOL_OWN);
    block = tx_block(&mined, 1);
    ptd_pool_block_in(p, PTD_MSG_CONST(block, block));
    c = put(tx_make(NULL, 0, 1, TX_VALUE, 3), PTD_POOL_PEER);
    ck_assert_uint_eq(h.n, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct ptd_hash *want[] = { &a, &a, &b, &c };
        const uint64_t sequence[] = { 1, 2, 3, 5 };

        ck_assert(ptd_hash_eq(&h.v[i].txid, want[i]));
        ck_assert_int_eq(h.v[i].added, i != 1);
        ck_assert_uint_eq(h.v[i].sequence, sequence[i]);
    }
    ck_assert_uint_eq(ptd_pool_sequence(p), 6);
    ptd_msg_free(block);
    ptd_msg_free(mined);
}
END_TEST

START_TEST(what_a_lost_block_had_comes_back)
{
    struct ptd_msg *mined[2] = { tx_make(NULL, 0, 1, TX_VALUE, 1),
                                 tx_make(NULL, 0, 1, TX_VALUE, 2) };
    struct ptd_hash own = tx_id(mined[0]), theirs = tx_id(mined[1]);
    struct ptd_msg *block = tx_block(mined, 2);
    struct ptd_pool_tx t;

    put(ptd_msg_ref(mined[0]), PTD_POOL_OWN);
    ptd_pool_block_in(p, PTD_MSG_CONST(block, block));
    ck_assert_uint_eq(info().n, 0);
    ptd_pool_block_out(p, PTD_MSG_CONST(block, block), &place);
    ck_assert_uint_eq(info().n, 2);
    ck_assert(ptd_pool_find(p, &t, &own, PTD_POOL_TXID));
    ck_assert_int_eq(t.origin, PTD_POOL_OWN); /* it is known again */
    ptd_msg_free(t.msg);
    ck_assert(ptd_pool_find(p, &t, &theirs, PTD_POOL_TXID));
    ck_assert_int_eq(t.origin, PTD_POOL_BLOCK);
    ptd_msg_free(t.msg);
    ptd_msg_free(block);
    ptd_msg_free(mined[0]);
    ptd_msg_free(mined[1]);
}
END_TEST

START_TEST(those_too_early_go_after_a_reorganisation)
{
    const struct ptd_pool_place lower = { .tip_height = 90,
                                          .median_time = 1600000000 };
    struct ptd_msg *m = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_hash early, child, free_one;

    tx_of(m)->lock_time = 100;
    early = put(m, PTD_POOL_OWN);
    child = put(tx_make(&early, 0, 1, TX_VALUE - 500, 2), PTD_POOL_OWN);
    free_one = put(tx_make(NULL, 0, 1, TX_VALUE, 3), PTD_POOL_PEER);
    ptd_pool_recheck(p, &lower);
    ck_assert(!has(&early) && !has(&child) && has(&free_one));
}
END_TEST

START_TEST(a_block_is_made_in_order)
{
    struct ptd_msg *parent = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_hash a = tx_id(parent), child, lone;
    struct ptd_pool_tx *list;
    size_t n;

    child = put(tx_make(&a, 0, 1, TX_VALUE - 500, 2), PTD_POOL_PEER);
    put(parent, PTD_POOL_PEER);
    lone = put(tx_make(NULL, 0, 1, TX_VALUE, 3), PTD_POOL_OWN);
    ck_assert_int_eq(ptd_pool_for_block(p, &list, &n, &place), PTD_OK);
    ck_assert_uint_eq(n, 3); /* the child came before its parent */
    ck_assert(ptd_hash_eq(&list[0].txid, &a));
    ck_assert(ptd_hash_eq(&list[1].txid, &lone));
    ck_assert(ptd_hash_eq(&list[2].txid, &child));
    ptd_pool_list_free(list, n);
}
END_TEST

/* ---- the row --------------------------------------------------------------------- */

START_TEST(the_row_is_read_in_order)
{
    struct ptd_hash ids[5];
    struct ptd_pool_tx got[8];
    uint64_t at = ptd_pool_row_end(p), behind;
    size_t n;

    for (uint32_t i = 0; i < 5; i++)
        ids[i] = put(tx_make(NULL, 0, 1, TX_VALUE, i),
                     i == 2 ? PTD_POOL_BLOCK : PTD_POOL_OWN);
    n = ptd_pool_row_read(p, got, 2, &at, &behind);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(behind, 2);
    ck_assert(ptd_hash_eq(&got[1].txid, &ids[1]));
    ptd_msg_free(got[0].msg);
    ptd_msg_free(got[1].msg);
    ck_assert_uint_eq(ptd_pool_row_again(p, &ids[3]), 1);
    n = ptd_pool_row_read(p, got, 8, &at, &behind);
    ck_assert_uint_eq(n, 2); /* strangers' are not in it */
    ck_assert_uint_eq(behind, 0);
    ck_assert(ptd_hash_eq(&got[0].txid, &ids[4]));
    ck_assert(ptd_hash_eq(&got[1].txid, &ids[3]));
    ptd_msg_free(got[0].msg);
    ptd_msg_free(got[1].msg);
}
END_TEST

START_TEST(ours_are_repeated_until_they_come_back)
{
    struct ptd_hash a = put(tx_make(NULL, 0, 1, TX_VALUE, 1), PTD_POOL_OWN);
    struct ptd_pool_ids ids;

    put(tx_make(NULL, 0, 1, TX_VALUE, 2), PTD_POOL_PEER);
    ck_assert_uint_eq(ptd_pool_row_again_own(p), 1);
    ck_assert_uint_eq(info().n_own_pending, 1);
    ck_assert_uint_eq(info().n_unbroadcast, 1);
    ck_assert(ptd_pool_find(p, NULL, &a, PTD_POOL_TXID));
    ck_assert(ptd_pool_came_back(p, &ids, &a, PTD_POOL_TXID));
    ck_assert_uint_eq(ptd_pool_row_again_own(p), 0);
    ck_assert_uint_eq(info().n_own_pending, 0);
    ck_assert_uint_eq(info().n_unbroadcast, 0);
}
END_TEST

START_TEST(adopted_ones_are_ours)
{
    struct ptd_hash a = put(tx_make(NULL, 0, 1, TX_VALUE, 1), PTD_POOL_BLOCK);
    uint64_t at = ptd_pool_row_end(p), behind;
    struct ptd_pool_tx t;

    ptd_pool_adopt(p, &a);
    ck_assert_uint_eq(ptd_pool_row_read(p, &t, 1, &at, &behind), 1);
    ck_assert_int_eq(t.origin, PTD_POOL_OWN);
    ck_assert(!t.unbroadcast);
    ptd_msg_free(t.msg);
    ck_assert_uint_eq(info().n_own_pending, 1);
}
END_TEST

/* ---- on disk ------------------------------------------------------------------ */

static void file_of(char path[64])
{
    int fd;

    strcpy(path, "/tmp/pentad-check-pool-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static uint8_t *file_read(const char *path, size_t *n)
{
    uint8_t *raw;

    ck_assert_int_eq(ptd_file_read(&raw, n, path, 1 << 20), PTD_OK);
    return raw;
}

/* As version 2 has it: the same behind a key. */
static void file_xor(const char *path)
{
    enum { KEY_AT = 8, BODY_AT = 17 };
    size_t n;
    uint8_t *raw = file_read(path, &n), *out = malloc(n + 9);

    memcpy(out, "\2\0\0\0\0\0\0\0\10abcdefgh", BODY_AT);
    for (size_t i = 8; i < n; i++)
        out[i + 9] = raw[i] ^ (uint8_t) "abcdefgh"[(i + 9) % 8];
    ck_assert_int_eq(ptd_file_replace(path, out, n + 9), PTD_OK);
    free(out);
    free(raw);
}

START_TEST(a_file_brings_them_back)
{
    struct ptd_hash own = put(tx_make(NULL, 0, 1, TX_VALUE, 1), PTD_POOL_OWN);
    struct ptd_hash their =
        put(tx_make(NULL, 0, 1, TX_VALUE, 2), PTD_POOL_PEER);
    struct ptd_pool_tx t;
    char path[64];

    file_of(path);
    ck_assert_int_eq(ptd_pool_save(p, path), PTD_OK);
    if (_i == 1)
        file_xor(path);
    ptd_pool_free(p);
    p = pool_with(clk, PTD_POOL_MAX_BYTES, PTD_POOL_MAX_COUNT);
    ptd_clock_advance_us(clk, INT64_C(3600000000));
    ck_assert_int_eq(ptd_pool_load(p, path, &place), PTD_OK);
    ck_assert(ptd_pool_find(p, &t, &own, PTD_POOL_TXID));
    ck_assert(t.origin == PTD_POOL_OWN && t.time_s == 1600000000);
    ptd_msg_free(t.msg);
    ck_assert(ptd_pool_find(p, &t, &their, PTD_POOL_TXID));
    ck_assert(t.origin == PTD_POOL_BLOCK);
    ptd_msg_free(t.msg);
    unlink(path);
}
END_TEST

/* The time of the only transaction in a file lies before the change of its fee
 * and the end, which names it. */
static void file_set_time(const char *path, int64_t time_s)
{
    enum { BEHIND = 8 + 8 + 1 + 1 + 32 };
    size_t n;
    uint8_t *raw = file_read(path, &n);

    ck_assert_uint_gt(n, BEHIND);
    ptd_put_le64(raw + n - BEHIND, (uint64_t)time_s);
    ck_assert_int_eq(ptd_file_replace(path, raw, n), PTD_OK);
    free(raw);
}

START_TEST(a_file_brings_none_from_the_future)
{
    static const int64_t times_s[] = { 1600000001, INT64_MAX };
    struct ptd_hash a = put(tx_make(NULL, 0, 1, TX_VALUE, 1), PTD_POOL_OWN);
    struct ptd_pool_tx t;
    char path[64];

    file_of(path);
    ck_assert_int_eq(ptd_pool_save(p, path), PTD_OK);
    file_set_time(path, times_s[_i]);
    ptd_pool_free(p);
    p = pool_with(clk, PTD_POOL_MAX_BYTES, PTD_POOL_MAX_COUNT);
    ck_assert_int_eq(ptd_pool_load(p, path, &place), PTD_OK);
    ck_assert(ptd_pool_find(p, &t, &a, PTD_POOL_TXID));
    ck_assert_int_eq(t.time_s, 1600000000);
    ck_assert_int_eq(t.origin, PTD_POOL_OWN);
    ptd_msg_free(t.msg);
    ck_assert_int_eq(ptd_pool_expire(p), 1600000000 + PTD_POOL_EXPIRY_S);
    unlink(path);
}
END_TEST

/* Those of ours stand at the end of a file, each of 32 bytes. */
static void file_turn_own(const char *path, size_t n_own)
{
    size_t n;
    uint8_t *raw = file_read(path, &n), *own, *out = malloc(n);

    ck_assert_uint_gt(n, 32 * n_own);
    own = raw + n - 32 * n_own;
    memcpy(out, raw, n - 32 * n_own);
    for (size_t i = 0; i < n_own; i++)
        memcpy(out + n - 32 * (i + 1), own + 32 * i, 32);
    ck_assert_int_eq(ptd_file_replace(path, out, n), PTD_OK);
    free(out);
    free(raw);
}

START_TEST(a_file_names_ours_in_any_order)
{
    struct ptd_hash own[3], their;
    struct ptd_pool_tx t;
    char path[64];

    for (uint32_t i = 0; i < PTD_COUNT(own); i++)
        own[i] = put(tx_make(NULL, 0, 1, TX_VALUE, i + 1), PTD_POOL_OWN);
    their = put(tx_make(NULL, 0, 1, TX_VALUE, 9), PTD_POOL_PEER);
    file_of(path);
    ck_assert_int_eq(ptd_pool_save(p, path), PTD_OK);
    file_turn_own(path, PTD_COUNT(own));
    ptd_pool_free(p);
    p = pool_with(clk, PTD_POOL_MAX_BYTES, PTD_POOL_MAX_COUNT);
    ck_assert_int_eq(ptd_pool_load(p, path, &place), PTD_OK);
    for (size_t i = 0; i < PTD_COUNT(own); i++) {
        ck_assert(ptd_pool_find(p, &t, &own[i], PTD_POOL_TXID));
        ck_assert_int_eq(t.origin, PTD_POOL_OWN);
        ptd_msg_free(t.msg);
    }
    ck_assert(ptd_pool_find(p, &t, &their, PTD_POOL_TXID));
    ck_assert_int_eq(t.origin, PTD_POOL_BLOCK);
    ptd_msg_free(t.msg);
    ck_assert_uint_eq(info().n_own_pending, PTD_COUNT(own));
    unlink(path);
}
END_TEST

START_TEST(a_cut_file_brings_nothing)
{
    uint8_t *raw;
    char path[64];
    size_t n;

    put(tx_make(NULL, 0, 1, TX_VALUE, 1), PTD_POOL_OWN);
    file_of(path);
    ck_assert_int_eq(ptd_pool_save(p, path), PTD_OK);
    raw = file_read(path, &n);
    ptd_pool_free(p);
    p = pool_with(clk, PTD_POOL_MAX_BYTES, PTD_POOL_MAX_COUNT);
    for (size_t k = 0; k < n; k++) {
        ck_assert_int_eq(ptd_file_replace(path, raw, k), PTD_OK);
        ck_assert_int_ne(ptd_pool_load(p, path, &place), PTD_OK);
        ck_assert_uint_eq(info().n, 0);
    }
    unlink(path);
    ck_assert_int_eq(ptd_pool_load(p, path, &place), PTD_ENOTFOUND);
    free(raw);
}
END_TEST

TCase *tcase_pool(void)
{
    TCase *tc = tcase_create("pool");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, form_is_checked, 0, PTD_COUNT(singles));
    tcase_add_test(tc, found_by_both_hashes);
    tcase_add_test(tc, the_same_again_is_known);
    tcase_add_test(tc, a_test_keeps_nothing);
    tcase_add_loop_test(tc, fees_are_known_within_the_pool, 0, PTD_COUNT(fees));
    tcase_add_loop_test(tc, only_the_user_replaces, 0, PTD_COUNT(rivals));
    tcase_add_test(tc, what_is_needed_is_not_replaced);
    tcase_add_test(tc, clusters_are_bounded);
    tcase_add_test(tc, oldest_of_others_go_first);
    tcase_add_test(tc, memory_is_bounded);
    tcase_add_test(tc, one_that_finds_no_room_is_refused);
    tcase_add_test(tc, old_ones_expire);
    tcase_add_test(tc, a_block_takes_them_and_their_rivals);
    tcase_add_test(tc, changes_are_told_in_order);
    tcase_add_test(tc, what_a_lost_block_had_comes_back);
    tcase_add_test(tc, those_too_early_go_after_a_reorganisation);
    tcase_add_test(tc, a_block_is_made_in_order);
    tcase_add_test(tc, the_row_is_read_in_order);
    tcase_add_test(tc, ours_are_repeated_until_they_come_back);
    tcase_add_test(tc, adopted_ones_are_ours);
    tcase_add_loop_test(tc, a_file_brings_them_back, 0, 2);
    tcase_add_loop_test(tc, a_file_brings_none_from_the_future, 0, 2);
    tcase_add_test(tc, a_file_names_ours_in_any_order);
    tcase_add_test(tc, a_cut_file_brings_nothing);
    return tc;
}
