/* Unspent outputs of a script, found by reading all blocks. */
#include <config.h>

#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/scan.h"
#include "check_chain.h"
#include "rig.h"
#include "wire/tx.h"

static const uint8_t anyone[] = { 0x51 }, other[] = { 0x52, 0x53 },
                     data[] = { 0x6a, 0x51 };
static const struct ptd_scan_script all[] = { { other, 2 }, { anyone, 1 } };

static void fill(struct ptd_msg *m, struct ptd_tx_out *out, int64_t value,
                 const uint8_t *script, size_t n)
{
    out->value = value;
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &out->script, script, n), PTD_OK);
}

/* A transaction of the block spends an output, and makes three. */
static struct ptd_hash add_tx(struct ptd_msg *m, uint32_t at,
                              struct ptd_hash from, uint32_t index,
                              int64_t value)
{
    struct ptd_tx *tx;
    struct ptd_tx_out *out = ptd_msg_alloc(m, 3, sizeof *out);
    struct ptd_hash txid;

    rig_add_txs(m, 1);
    tx = &PTD_MSG_AS(block, m)->tx[at];
    ((struct ptd_tx_in *)(uintptr_t)tx->in)->prev =
        (struct ptd_outpoint){ from, index };
    fill(m, &out[0], value, other, sizeof other);
    fill(m, &out[1], 0, data, sizeof data); /* is none */
    fill(m, &out[2], 7, NULL, 0);           /* an empty script is one */
    tx->out = out;
    tx->n_out = 3;
    ck_assert_int_eq(ptd_tx_txid(tx, &txid), PTD_OK);
    return txid;
}

static struct ptd_hash coinbase_of(struct rig *r, uint32_t height)
{
    struct ptd_block_info info;
    struct ptd_hash txid;
    struct ptd_msg *m;

    ck_assert(ptd_blockchain_at(r->c, &info, height));
    ck_assert_int_eq(ptd_blockchain_read_block(r->c, &m, &info.header.hash),
                     PTD_OK);
    ck_assert_int_eq(ptd_tx_txid(&PTD_MSG_AS(block, m)->tx[0], &txid), PTD_OK);
    ptd_msg_free(m);
    return txid;
}

static enum ptd_err scan(struct rig *r, struct ptd_scan_result *res,
                         const struct ptd_scan_script *script, size_t n)
{
    atomic_bool stop;
    atomic_uint percent;
    enum ptd_err e;

    atomic_init(&stop, false);
    atomic_init(&percent, 0);
    e = ptd_blockchain_scan(r->c, res, script, n, &stop, &percent);
    ck_assert(e != PTD_OK || atomic_load(&percent) == 100);
    return e;
}

START_TEST(what_was_spent_is_not_found)
{
    struct ptd_hash a, b, tip;
    struct ptd_scan_result res;
    struct ptd_msg *m;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, 5, 1);
    m = rig_raw_block(&r, &tip, 6, rig_info(&r, tip).header.time + 1, 1);
    a = add_tx(m, 1, coinbase_of(&r, 1), 0, 100);
    b = add_tx(m, 2, a, 0, 99); /* in the same block */
    rig_solve(&r, m);
    ck_assert(rig_accept(&r, m, RIG_ASKED).new_tip);

    ck_assert_int_eq(scan(&r, &res, all, 2), PTD_OK);
    ck_assert_uint_eq(res.tip.header.height, 6);
    /* Coinbases of 2 to 6; of b the first; the empty ones of both. */
    ck_assert_uint_eq(res.n_outputs, 5 + 1 + 2);
    ck_assert_uint_eq(res.n, 6);
    for (size_t i = 0; i < res.n; i++) {
        const struct ptd_scan_coin *c = &res.coin[i];

        if (c->script == 0) {
            ck_assert(!c->coinbase && ptd_hash_eq(&c->txid, &b));
            ck_assert_int_eq(c->value, 99);
            ck_assert_uint_eq(c->index, 0);
            ck_assert_uint_eq(c->height, 6);
            continue;
        }
        ck_assert(c->coinbase);
        ck_assert_uint_ge(c->height, 2);
        ck_assert_int_eq(c->value, 50 * PTD_COIN);
        ck_assert(rig_same(c->txid, coinbase_of(&r, c->height)));
    }
    ptd_free(res.coin);

    /* Of nothing; of one. */
    ck_assert_int_eq(scan(&r, &res, NULL, 0), PTD_OK);
    ck_assert_uint_eq(res.n, 0);
    ck_assert_uint_eq(res.n_outputs, 8);
    ptd_free(res.coin);
    ck_assert_int_eq(scan(&r, &res, all, 1), PTD_OK);
    ck_assert_uint_eq(res.n, 1);
    ptd_free(res.coin);
    rig_fini(&r);
}
END_TEST

/* More than there were places for at first. */
START_TEST(many_are_found)
{
    enum { N = 2100 };
    struct ptd_scan_result res;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    rig_grow(&r, &r.params.genesis.hash, N, 1);
    ck_assert_int_eq(scan(&r, &res, all, 2), PTD_OK);
    ck_assert_uint_eq(res.n, N);
    for (uint32_t i = 0; i < N; i++)
        ck_assert_uint_eq(res.coin[i].height, i + 1);
    ptd_free(res.coin);
    rig_fini(&r);
}
END_TEST

START_TEST(scan_can_be_stopped_and_may_lack_blocks)
{
    struct ptd_scan_result res;
    uint32_t height = 100;
    atomic_bool stop;
    atomic_uint percent;
    struct ptd_hash tip;
    struct rig r;

    rig_init(&r, "regtest");
    r.cfg.fast_prune = true;
    r.cfg.prune_bytes = 1;
    rig_open(&r);
    atomic_init(&stop, true);
    atomic_init(&percent, 0);
    ck_assert_int_eq(scan(&r, &res, all, 2), PTD_OK); /* genesis alone */
    ck_assert_uint_eq(res.n + res.n_outputs, 0);
    ptd_free(res.coin);
    tip = rig_grow(&r, &r.params.genesis.hash, 700, 1);
    (void)tip;
    ck_assert_int_eq(ptd_blockchain_scan(r.c, &res, all, 2, &stop, &percent),
                     PTD_ECLOSED);
    ck_assert_ptr_null(res.coin);
    ck_assert_int_eq(ptd_blockchain_prune(r.c, &height), PTD_OK);
    ck_assert_int_eq(scan(&r, &res, all, 2), height > 0 ? PTD_EEMPTY : PTD_OK);
    ptd_free(res.coin);
    rig_fini(&r);
}
END_TEST

Suite *suite_scan(void)
{
    Suite *s = suite_create("scan");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_was_spent_is_not_found);
    tcase_add_test(tc, many_are_found);
    tcase_add_test(tc, scan_can_be_stopped_and_may_lack_blocks);
    suite_add_tcase(s, tc);
    return s;
}
