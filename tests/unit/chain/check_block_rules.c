#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_chain.h"
#include "rig.h"
#include "support/support.h"

/* One block, spoilt in one way, and what is said of it. */

struct ctx {
    struct rig r;
    struct ptd_msg *m;
    struct ptd_msg_block *b;
    bool do_not_seal; /* the header keeps what it says */
};

static void set_script(struct ctx *x, struct ptd_bytes *out, const void *p,
                       size_t n)
{
    ck_assert_int_eq(ptd_msg_copy_bytes(x->m, out, p, n), PTD_OK);
}

static void fill_script(struct ctx *x, struct ptd_bytes *out, int byte,
                        size_t n)
{
    uint8_t *p = malloc(n + 1);

    ck_assert_ptr_nonnull(p);
    memset(p, byte, n);
    set_script(x, out, p, n);
    free(p);
}

static void good(struct ctx *x)
{
    (void)x;
}

static void header_differs(struct ctx *x)
{
    x->b->header.merkle_root.b[0] ^= 1;
    x->do_not_seal = true;
}

/* Three transactions and the last one twice have one root. */
static void last_one_twice(struct ctx *x)
{
    rig_add_txs(x->m, 3);
    x->b->n_tx = 3;
    rig_solve(&x->r, x->m);
    x->b->tx[3] = x->b->tx[2];
    x->b->n_tx = 4;
    x->do_not_seal = true;
}

static void no_transactions(struct ctx *x)
{
    x->b->n_tx = 0;
}

/* An output that makes the block so long. */
static void stretch(struct ctx *x, size_t bytes)
{
    enum { FIRST = 990000 };
    struct ptd_block_sizes sizes;

    rig_add_txs(x->m, 1);
    fill_script(x, &x->b->tx[1].out->script, 0x51, FIRST);
    ptd_block_measure(x->b, &sizes);
    ck_assert_uint_lt(sizes.stripped, bytes);
    fill_script(x, &x->b->tx[1].out->script, 0x51,
                FIRST + bytes - sizes.stripped);
}

static void longest(struct ctx *x)
{
    stretch(x, PTD_MAX_BLOCK_WEIGHT / PTD_WITNESS_SCALE);
}

static void too_long(struct ctx *x)
{
    stretch(x, PTD_MAX_BLOCK_WEIGHT / PTD_WITNESS_SCALE + 1);
}

static void no_coinbase(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx++;
    x->b->n_tx--;
}

static void second_coinbase(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1] = x->b->tx[0];
    x->b->tx[1].lock_time++;
}

static void no_inputs(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1].n_in = 0;
    x->b->tx[1].n_out = 0;
}

static void no_outputs(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1].n_out = 0;
}

static void negative_value(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1].out->value = -1;
}

static void least_value(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1].out->value = INT64_MIN;
}

static void value_too_large(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1].out->value = PTD_MAX_MONEY + 1;
}

static void largest_value(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1].out->value = PTD_MAX_MONEY;
}

static void add_commitment(struct ctx *x)
{
    static const uint8_t script[38] = { 0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed };
    struct ptd_tx_out *out = ptd_msg_alloc(x->m, 2, sizeof *out);
    struct ptd_bytes *item = ptd_msg_alloc(x->m, 1, sizeof *item);

    out[0] = x->b->tx->out[0];
    set_script(x, &out[1].script, script, sizeof script);
    fill_script(x, item, 0, 32);
    x->b->tx->out = out;
    x->b->tx->n_out = 2;
    x->b->tx->in->witness = item;
    x->b->tx->in->n_witness = 1;
}

/* At height 200 of regtest a block is worth 25 coins. */
static void all_that_is_due(struct ctx *x)
{
    add_commitment(x);
    x->b->tx->out->value = 25 * PTD_COIN;
}

static void one_more_than_is_due(struct ctx *x)
{
    x->b->tx->out->value = 25 * PTD_COIN + 1;
}

static void more_in_two_outputs(struct ctx *x)
{
    struct ptd_tx_out *out = ptd_msg_alloc(x->m, 2, sizeof *out);

    out[0] = out[1] = x->b->tx->out[0];
    out[1].value = 1;
    x->b->tx->out = out;
    x->b->tx->n_out = 2;
}

/* They may be fees. */
static void more_with_others(struct ctx *x)
{
    one_more_than_is_due(x);
    rig_add_txs(x->m, 1);
}

static void total_too_large(struct ctx *x)
{
    struct ptd_tx_out *out = ptd_msg_alloc(x->m, 2, sizeof *out);

    rig_add_txs(x->m, 1);
    out[0].value = PTD_MAX_MONEY;
    out[1].value = 1;
    x->b->tx[1].out = out;
    x->b->tx[1].n_out = 2;
}

static void inputs(struct ctx *x, uint32_t n, uint32_t twice)
{
    struct ptd_tx_in *in = ptd_msg_alloc(x->m, n, sizeof *in);

    rig_add_txs(x->m, 1);
    for (uint32_t i = 0; i < n; i++) {
        in[i].prev.hash.b[0] = 1;
        in[i].prev.index = n - i;
    }
    if (twice != 0)
        in[n - 1] = in[twice - 1];
    x->b->tx[1].in = in;
    x->b->tx[1].n_in = n;
}

static void few_inputs_twice(struct ctx *x)
{
    inputs(x, 3, 1);
}

static void many_inputs_twice(struct ctx *x)
{
    inputs(x, 500, 77);
}

static void many_inputs(struct ctx *x)
{
    inputs(x, 500, 0);
}

static void null_input(struct ctx *x)
{
    inputs(x, 3, 0);
    memset(&x->b->tx[1].in[1].prev.hash, 0, 32);
    x->b->tx[1].in[1].prev.index = UINT32_MAX;
}

static void coinbase_script_of_1(struct ctx *x)
{
    fill_script(x, &x->b->tx->in->script, 0x51, 1);
}

static void coinbase_script_of_101(struct ctx *x)
{
    fill_script(x, &x->b->tx->in->script, 0x51, 101);
}

static void coinbase_script_of_100(struct ctx *x)
{
    x->r.params.bip34_height = 1000;
    fill_script(x, &x->b->tx->in->script, 0x51, 100);
}

static void sigops(struct ctx *x, size_t n)
{
    rig_add_txs(x->m, 1);
    fill_script(x, &x->b->tx[1].out->script, 0xac, n);
}

static void most_sigops(struct ctx *x)
{
    sigops(x, 20000);
}

static void too_many_sigops(struct ctx *x)
{
    sigops(x, 20001);
}

static void too_many_multisigs(struct ctx *x)
{
    sigops(x, 0);
    fill_script(x, &x->b->tx[1].out->script, 0xae, 1001);
}

static void sigops_in_a_push(struct ctx *x)
{
    uint8_t script[30000];

    memset(script, 0xac, sizeof script);
    script[0] = 0x4d; /* PUSHDATA2 */
    script[1] = (sizeof script - 3) & 0xff;
    script[2] = (sizeof script - 3) >> 8;
    rig_add_txs(x->m, 1);
    set_script(x, &x->b->tx[1].out->script, script, sizeof script);
}

static void sigops_behind_a_broken_push(struct ctx *x)
{
    uint8_t script[30000];

    memset(script, 0xac, sizeof script);
    script[0] = 0x4e; /* PUSHDATA4 of 0xacacacac bytes */
    rig_add_txs(x->m, 1);
    set_script(x, &x->b->tx[1].out->script, script, sizeof script);
}

static void wrong_height(struct ctx *x)
{
    x->b->tx->in->script.n--;
    fill_script(x, &x->b->tx->in->script, 0x60, 3);
}

static void not_final_by_height(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1].lock_time = 200;
    x->b->tx[1].in->sequence = 0;
}

static void final_by_height(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1].lock_time = 199;
    x->b->tx[1].in->sequence = 0;
}

static void final_by_sequence(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1].lock_time = UINT32_MAX;
}

/* BIP 113: the block is an hour younger than the median. */
static void not_final_by_median(struct ctx *x)
{
    rig_add_txs(x->m, 1);
    x->b->tx[1].lock_time = 1600000000;
    x->b->tx[1].in->sequence = 0;
}

static void final_by_time_before_csv(struct ctx *x)
{
    x->r.params.csv_height = 1000;
    not_final_by_median(x);
}

static void add_witness(struct ctx *x)
{
    struct ptd_bytes *item = ptd_msg_alloc(x->m, 1, sizeof *item);

    rig_add_txs(x->m, 1);
    fill_script(x, item, 3, 70);
    x->b->tx[1].in->witness = item;
    x->b->tx[1].in->n_witness = 1;
}

static void with_witness(struct ctx *x)
{
    add_commitment(x);
    add_witness(x);
}

/* Ours, so it may be changed. */
static struct ptd_bytes *first_item(const struct ptd_tx_in *in)
{
    return (struct ptd_bytes *)(uintptr_t)in->witness;
}

static void witness_changed(struct ctx *x)
{
    with_witness(x);
    rig_solve(&x->r, x->m);
    first_item(x->b->tx[1].in)->n--;
    x->do_not_seal = true;
}

static void witness_taken_away(struct ctx *x)
{
    with_witness(x);
    rig_solve(&x->r, x->m);
    x->b->tx->in->n_witness = 0;
    x->do_not_seal = true;
}

static void reserved_value_of_31(struct ctx *x)
{
    add_commitment(x);
    first_item(x->b->tx->in)->n = 31;
}

static void two_reserved_values(struct ctx *x)
{
    struct ptd_bytes *items = ptd_msg_alloc(x->m, 2, sizeof *items);

    ck_assert_ptr_nonnull(items);
    add_commitment(x);
    items[0] = items[1] = *first_item(x->b->tx->in);
    rig_solve(&x->r, x->m);
    x->b->tx->in->witness = items;
    x->b->tx->in->n_witness = 2;
    x->do_not_seal = true;
}

/* Where both trees are looked at. */
static void last_one_twice_with_commitment(struct ctx *x)
{
    add_commitment(x);
    last_one_twice(x);
}

static void witness_without_commitment(struct ctx *x)
{
    add_witness(x);
}

static void witness_before_segwit(struct ctx *x)
{
    x->r.params.segwit_height = 1000;
    with_witness(x);
}

/* A witness that makes the block weigh so much. */
static void weigh(struct ctx *x, size_t weight)
{
    enum { FIRST = 3990000 };
    struct ptd_block_sizes sizes;

    add_commitment(x);
    add_witness(x);
    fill_script(x, first_item(x->b->tx[1].in), 3, FIRST);
    ptd_block_measure(x->b, &sizes);
    ck_assert_uint_lt(sizes.weight, weight);
    fill_script(x, first_item(x->b->tx[1].in), 3,
                FIRST + weight - sizes.weight);
}

static void heaviest(struct ctx *x)
{
    weigh(x, PTD_MAX_BLOCK_WEIGHT);
}

static void too_heavy(struct ctx *x)
{
    weigh(x, PTD_MAX_BLOCK_WEIGHT + 1);
}

static const struct {
    const char *name;
    void (*spoil)(struct ctx *x);
    enum ptd_block_class class;
    const char *reason;
} rows[] = {
#define ROW(f, class, reason)                                                  \
    {                                                                          \
#f, f, PTD_BLOCK_##class, reason                                       \
    }
    ROW(good, VALID, ""),
    ROW(header_differs, MUTATED, "bad-txnmrklroot"),
    ROW(last_one_twice, MUTATED, "bad-txns-duplicate"),
    ROW(no_transactions, INVALID, "bad-blk-length"),
    ROW(longest, VALID, ""),
    ROW(too_long, INVALID, "bad-blk-length"),
    ROW(no_coinbase, INVALID, "bad-cb-missing"),
    ROW(second_coinbase, INVALID, "bad-cb-multiple"),
    ROW(no_inputs, INVALID, "bad-txns-vin-empty"),
    ROW(no_outputs, INVALID, "bad-txns-vout-empty"),
    ROW(negative_value, INVALID, "bad-txns-vout-negative"),
    ROW(least_value, INVALID, "bad-txns-vout-negative"),
    ROW(value_too_large, INVALID, "bad-txns-vout-toolarge"),
    ROW(largest_value, VALID, ""),
    ROW(all_that_is_due, VALID, ""),
    ROW(one_more_than_is_due, INVALID, "bad-cb-amount"),
    ROW(more_in_two_outputs, INVALID, "bad-cb-amount"),
    ROW(more_with_others, VALID, ""),
    ROW(total_too_large, INVALID, "bad-txns-txouttotal-toolarge"),
    ROW(few_inputs_twice, INVALID, "bad-txns-inputs-duplicate"),
    ROW(many_inputs_twice, INVALID, "bad-txns-inputs-duplicate"),
    ROW(many_inputs, VALID, ""),
    ROW(null_input, INVALID, "bad-txns-prevout-null"),
    ROW(coinbase_script_of_1, INVALID, "bad-cb-length"),
    ROW(coinbase_script_of_101, INVALID, "bad-cb-length"),
    ROW(coinbase_script_of_100, VALID, ""),
    ROW(most_sigops, VALID, ""),
    ROW(too_many_sigops, INVALID, "bad-blk-sigops"),
    ROW(too_many_multisigs, INVALID, "bad-blk-sigops"),
    ROW(sigops_in_a_push, VALID, ""),
    ROW(sigops_behind_a_broken_push, VALID, ""),
    ROW(wrong_height, INVALID, "bad-cb-height"),
    ROW(not_final_by_height, INVALID, "bad-txns-nonfinal"),
    ROW(final_by_height, VALID, ""),
    ROW(final_by_sequence, VALID, ""),
    ROW(not_final_by_median, INVALID, "bad-txns-nonfinal"),
    ROW(final_by_time_before_csv, VALID, ""),
    ROW(with_witness, VALID, ""),
    ROW(witness_changed, MUTATED, "bad-witness-merkle-match"),
    ROW(witness_taken_away, MUTATED, "bad-witness-nonce-size"),
    ROW(reserved_value_of_31, MUTATED, "bad-witness-nonce-size"),
    ROW(two_reserved_values, MUTATED, "bad-witness-nonce-size"),
    ROW(last_one_twice_with_commitment, MUTATED, "bad-txns-duplicate"),
    ROW(witness_without_commitment, MUTATED, "unexpected-witness"),
    ROW(witness_before_segwit, MUTATED, "unexpected-witness"),
    ROW(heaviest, VALID, ""),
    ROW(too_heavy, INVALID, "bad-blk-weight"),
#undef ROW
};

START_TEST(each_rule_has_its_reason)
{
    static const struct ptd_hash prev = { { 9 } };
    struct ctx x = { .do_not_seal = false };
    struct ptd_block_context at = { .height = 200,
                                    .prev_median_time = 1600000000 };
    struct ptd_block_verdict v;

    rig_init(&x.r, "regtest");
    x.m = rig_raw_block(&x.r, &prev, at.height, 1600000001, 1);
    x.b = PTD_MSG_AS(block, x.m);
    rows[_i].spoil(&x);
    if (!x.do_not_seal)
        rig_solve(&x.r, x.m);
    at.params = &x.r.params;
    v = ptd_block_check(x.b);
    if (v.class == PTD_BLOCK_VALID)
        v = ptd_block_check_in_place(x.b, &at);
    ck_assert_msg(v.class == rows[_i].class &&
                      strcmp(v.reason, rows[_i].reason) == 0,
                  "%s: %d %s", rows[_i].name, v.class, v.reason);
    /* The short test knows the mutated ones. */
    v = ptd_block_check_mutated(x.b, at.height >= at.params->segwit_height);
    ck_assert_msg((v.class == PTD_BLOCK_MUTATED) ==
                      (rows[_i].class == PTD_BLOCK_MUTATED),
                  "%s: %d %s", rows[_i].name, v.class, v.reason);
    /* What is left for those that passed it says the same of them. */
    if (v.class == PTD_BLOCK_VALID) {
        v = ptd_block_check_sound(x.b);
        at.sound = true;
        if (v.class == PTD_BLOCK_VALID)
            v = ptd_block_check_in_place(x.b, &at);
        ck_assert_msg(v.class == rows[_i].class &&
                          strcmp(v.reason, rows[_i].reason) == 0,
                      "%s: %d %s", rows[_i].name, v.class, v.reason);
    }
    ptd_msg_free(x.m);
    rig_fini(&x.r);
}
END_TEST

/* Whoever says that a hash is known answers for it: it is taken as it is. */
START_TEST(known_hashes_are_not_computed)
{
    static const struct ptd_hash prev = { { 9 } };
    struct ptd_tx_ids known[2] = { { .txid = { { 0 } } } };
    struct ctx x = { .do_not_seal = false };
    struct ptd_block_verdict v;

    rig_init(&x.r, "regtest");
    x.m = rig_raw_block(&x.r, &prev, 200, 1600000001, 1);
    x.b = PTD_MSG_AS(block, x.m);
    if (_i == 1)
        with_witness(&x);
    else {
        add_commitment(&x);
        rig_add_txs(x.m, 1);
    }
    rig_solve(&x.r, x.m);
    v = ptd_block_check_mutated_by(x.b, true, known);
    ck_assert_int_eq(v.class, PTD_BLOCK_VALID);
    ck_assert_int_eq(ptd_tx_txid(&x.b->tx[1], &known[1].txid), PTD_OK);
    ck_assert_int_eq(ptd_tx_wtxid(&x.b->tx[1], &known[1].wtxid), PTD_OK);
    v = ptd_block_check_mutated_by(x.b, true, known);
    ck_assert_int_eq(v.class, PTD_BLOCK_VALID);
    known[1].wtxid.b[5] ^= 1;
    v = ptd_block_check_mutated_by(x.b, true, known);
    ck_assert_int_eq(v.class, PTD_BLOCK_MUTATED);
    ck_assert_str_eq(v.reason, "bad-witness-merkle-match");
    known[1].wtxid.b[5] ^= 1;
    known[1].txid.b[5] ^= 1;
    v = ptd_block_check_mutated_by(x.b, true, known);
    ck_assert_int_eq(v.class, PTD_BLOCK_MUTATED);
    ck_assert_str_eq(v.reason, "bad-txnmrklroot");
    ptd_msg_free(x.m);
    rig_fini(&x.r);
}
END_TEST

/* A transaction of 64 bytes may be two hashes, made up to fit a header that is
 * in order: that is not remembered as bad. One of 65 cannot. */
START_TEST(made_up_node_of_the_tree_says_nothing_of_the_header)
{
    struct ctx x = { .do_not_seal = false };
    struct ptd_block_result got;
    struct ptd_block_verdict v;
    struct ptd_headers_result res;
    const bool is_node = _i == 0;
    uint8_t raw[80];

    rig_init(&x.r, "regtest");
    rig_open(&x.r);
    x.m = rig_next(&x.r, x.r.params.genesis.hash, 1);
    x.b = PTD_MSG_AS(block, x.m);
    no_coinbase(&x);
    x.b->tx->in->script.n = 0;
    fill_script(&x, &x.b->tx->out->script, 0x51, is_node ? 4 : 5);
    ck_assert_uint_eq(ptd_tx_bytes(x.b->tx, PTD_ENC_BASE), is_node ? 64 : 65);
    rig_solve(&x.r, x.m);
    v = ptd_block_check_mutated(x.b, true);
    ck_assert_int_eq(v.class, is_node ? PTD_BLOCK_MUTATED : PTD_BLOCK_VALID);
    ck_assert_str_eq(v.reason, is_node ? "bad-txns-node" : "");
    ptd_block_header_encode(&x.b->header, raw);
    ck_assert_int_eq(
        ptd_blockchain_add_headers(x.r.c, &res, raw, 1, PTD_FROM_TRUSTED),
        PTD_HEADER_OK);
    got = rig_accept(&x.r, ptd_msg_ref(x.m), RIG_ASKED);
    ck_assert_int_eq(got.verdict.class,
                     is_node ? PTD_BLOCK_MUTATED : PTD_BLOCK_INVALID);
    ck_assert_str_eq(got.verdict.reason, "bad-cb-missing");
    ck_assert(rig_info(&x.r, got.hash).invalid == !is_node);
    ptd_msg_free(x.m);
    rig_fini(&x.r);
}
END_TEST

static const struct {
    uint32_t height;
    const char *hex;
} heights[] = {
    { 0, "00" },
    { 1, "51" },
    { 16, "60" },
    { 17, "0111" },
    { 127, "017f" },
    { 128, "028000" },
    { 255, "02ff00" },
    { 256, "020001" },
    { 32767, "02ff7f" },
    { 32768, "03008000" },
    { 8388608, "0400008000" },
    { 2147483647, "04ffffff7f" },
    { 4294967295u, "05ffffffff00" },
};

START_TEST(height_is_pushed_as_a_number)
{
    uint8_t out[PTD_HEIGHT_PUSH_MAX];
    struct support_bytes want = support_hex(heights[_i].hex);

    ck_assert_uint_eq(ptd_height_push(out, heights[_i].height), want.n);
    ck_assert_mem_eq(out, want.p, want.n);
    support_free(&want);
}
END_TEST

START_TEST(subsidy_halves)
{
    const struct ptd_params *main_ = ptd_params_by_name("main");
    const struct ptd_params *reg = ptd_params_by_name("regtest");

    ck_assert_int_eq(ptd_block_subsidy(main_, 0), 50 * PTD_COIN);
    ck_assert_int_eq(ptd_block_subsidy(main_, 209999), 50 * PTD_COIN);
    ck_assert_int_eq(ptd_block_subsidy(main_, 210000), 25 * PTD_COIN);
    ck_assert_int_eq(ptd_block_subsidy(main_, 840000), 312500000);
    ck_assert_int_eq(ptd_block_subsidy(main_, 33 * 210000u), 0);
    ck_assert_int_eq(ptd_block_subsidy(main_, UINT32_MAX), 0);
    ck_assert_int_eq(ptd_block_subsidy(reg, 150), 25 * PTD_COIN);
}
END_TEST

/* ---- blocks of the main network ------------------------------------- */

static const struct {
    const char *file;
    uint32_t height, median_time;
    size_t bytes, weight;
} real[] = {
    { "blocks/mainnet-413567.blk", 413567, 1464062000, 999887, 0 },
    { "blocks/mainnet-00000000000000000021868c.blk", 0, 0, 2259447, 0 },
};

START_TEST(real_blocks_are_in_order)
{
    struct support_bytes file;
    struct ptd_block_verdict v;
    struct ptd_block_sizes sizes;
    struct ptd_msg *m;

    if (!support_vector(&file, real[_i].file))
        return;
    ck_assert_int_eq(ptd_block_from_raw(&m, file.p, file.n), PTD_OK);
    v = ptd_block_check(PTD_MSG_AS(block, m));
    ck_assert_msg(v.class == PTD_BLOCK_VALID, "%s", v.reason);
    v = ptd_block_check_mutated(PTD_MSG_AS(block, m), _i == 1);
    ck_assert_msg(v.class == PTD_BLOCK_VALID, "%s", v.reason);
    ptd_block_measure(PTD_MSG_AS(block, m), &sizes);
    ck_assert_uint_eq(sizes.bytes, real[_i].bytes);
    ck_assert_uint_le(sizes.weight, PTD_MAX_BLOCK_WEIGHT);
    ck_assert((sizes.stripped == sizes.bytes) == (_i == 0));
    ptd_msg_free(m);
    /* One byte behind it, or one fewer. */
    ck_assert_int_ne(ptd_block_from_raw(&m, file.p, file.n - 1), PTD_OK);
    support_free(&file);
}
END_TEST

Suite *suite_block_rules(void)
{
    Suite *s = suite_create("block rules");
    TCase *tc = tcase_create("block rules");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, each_rule_has_its_reason, 0, PTD_COUNT(rows));
    tcase_add_loop_test(tc, known_hashes_are_not_computed, 0, 2);
    tcase_add_loop_test(tc, made_up_node_of_the_tree_says_nothing_of_the_header,
                        0, 2);
    tcase_add_loop_test(tc, height_is_pushed_as_a_number, 0,
                        PTD_COUNT(heights));
    tcase_add_test(tc, subsidy_halves);
    tcase_add_loop_test(tc, real_blocks_are_in_order, 0, PTD_COUNT(real));
    suite_add_tcase(s, tc);
    return s;
}
