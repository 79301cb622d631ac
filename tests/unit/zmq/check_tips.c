/* Blocks that are connected and disconnected, as subscribers hear of them. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check_zmq.h"
#include "hall.h"

/* Each transaction of a block comes with both topics. */
static void hear_txs(struct hall *h, struct ptd_hash block, uint32_t number)
{
    const struct ptd_msg_block *b;
    struct ptd_msg *m;

    ck_assert_int_eq(ptd_blockchain_read_block(h->r.c, &m, &block), PTD_OK);
    b = PTD_MSG_CONST(block, m);
    for (uint32_t i = 0; i < b->n_tx; i++) {
        struct ptd_hash txid;

        ck_assert_int_eq(ptd_tx_txid(&b->tx[i], &txid), PTD_OK);
        hear_hash(h, "hashtx", txid, number + i);
        hear_bytes(h, "rawtx", b->tx[i].raw.p, b->tx[i].raw.n, number + i);
    }
    ptd_msg_free(m);
}

static void hear_tip(struct hall *h, struct ptd_hash block, uint32_t number)
{
    struct ptd_buf *raw;
    size_t n;

    ck_assert_int_eq(ptd_blockchain_read(h->r.c, &raw, &n, &block, NULL),
                     PTD_OK);
    hear_hash(h, "hashblock", block, number);
    hear_bytes(h, "rawblock", raw->data, n, number);
    ptd_buf_free(raw);
}

START_TEST(block_is_published_under_all_topics)
{
    struct hall h;
    struct ptd_hash a, b;
    uint32_t at;

    hall_init(&h, NULL, 0, 1000);
    hall_start(&h);
    at = (uint32_t)h.pool;
    a = hall_grow(&h, h.genesis, 0, 1);
    hear_txs(&h, a, 0);
    hear_block(&h, 'C', a, at);
    hear_tip(&h, a, 0);
    b = hall_grow(&h, a, 3, 1);
    hear_txs(&h, b, 1);
    hear_block(&h, 'C', b, at + 1);
    hear_tip(&h, b, 1);
    hear_nothing(&h);
    hall_fini(&h);
}
END_TEST

START_TEST(reorganisation_goes_back_then_forth)
{
    struct hall h;
    struct ptd_hash a[2], b[3];
    uint32_t at;

    hall_init(&h, NULL, 0, 1000);
    a[0] = hall_grow(&h, h.genesis, 0, 1);
    a[1] = hall_grow(&h, a[0], 0, 1);
    b[0] = hall_grow(&h, h.genesis, 0, 2);
    b[1] = hall_grow(&h, b[0], 2, 2);
    hall_start(&h);
    at = (uint32_t)h.pool + 2;
    b[2] = hall_grow(&h, b[1], 0, 2);
    hear_txs(&h, a[1], 2);
    hear_block(&h, 'D', a[1], at);
    hear_txs(&h, a[0], 3);
    hear_block(&h, 'D', a[0], at + 1);
    hear_txs(&h, b[0], 4);
    hear_block(&h, 'C', b[0], at + 2);
    hear_txs(&h, b[1], 5);
    hear_block(&h, 'C', b[1], at + 3);
    hear_txs(&h, b[2], 8);
    hear_block(&h, 'C', b[2], at + 4);
    hear_tip(&h, b[2], 2); /* no other was a tip */
    hear_nothing(&h);
    hall_fini(&h);
}
END_TEST

START_TEST(disconnecting_makes_no_tip)
{
    struct hall h;
    struct ptd_hash a, b;
    uint32_t at;

    hall_init(&h, NULL, 0, 1000);
    a = hall_grow(&h, h.genesis, 0, 1);
    b = hall_grow(&h, a, 0, 1);
    hall_start(&h);
    at = (uint32_t)h.pool + 2;
    ck_assert_int_eq(ptd_blockchain_invalidate(h.r.c, &b), PTD_OK);
    hear_txs(&h, b, 2);
    hear_block(&h, 'D', b, at);
    ck_assert_int_eq(ptd_blockchain_reconsider(h.r.c, &b), PTD_OK);
    hear_txs(&h, b, 3);
    hear_block(&h, 'C', b, at + 1);
    hear_tip(&h, b, 2);
    hall_fini(&h);
}
END_TEST

START_TEST(initial_download_makes_no_tip)
{
    struct hall h;
    struct ptd_hash a, b;
    uint32_t at;

    hall_init(&h, NULL, 0, 1000);
    hall_start(&h);
    at = (uint32_t)h.pool;
    a = rig_grow(&h.r, &h.genesis, 1, 1); /* as old as the genesis block */
    hear_txs(&h, a, 0);
    hear_block(&h, 'C', a, at);
    hear_nothing(&h);
    b = hall_grow(&h, a, 0, 1);
    hear_txs(&h, b, 1);
    hear_block(&h, 'C', b, at + 2);
    hear_tip(&h, b, 0);
    hall_fini(&h);
}
END_TEST

START_TEST(one_topic_comes_alone)
{
    struct hall h;
    struct ptd_hash a;

    hall_init(&h, "sequence", 0, 1000);
    hall_start(&h);
    a = hall_grow(&h, h.genesis, 5, 1);
    hear_block(&h, 'C', a, (uint32_t)h.pool);
    hear_nothing(&h);
    hall_fini(&h);
}
END_TEST

/* Damage every block that lies in a file. */
static void spoil_blocks(struct hall *h)
{
    char path[128];
    FILE *f;
    long n;

    snprintf(path, sizeof path, "%s/blk00000.dat", h->r.blocks);
    f = fopen(path, "r+");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    n = ftell(f);
    rewind(f);
    for (long i = 0; i < n; i++)
        fputc(0x55, f);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(block_that_cannot_be_read_leaves_a_gap)
{
    struct hall h;
    struct ptd_hash a, b;
    uint32_t at;

    hall_init(&h, NULL, 0, 1000);
    a = hall_grow(&h, h.genesis, 3, 1);
    spoil_blocks(&h);
    hall_start(&h);
    at = (uint32_t)h.pool + 1;
    b = hall_grow(&h, a, 0, 1);
    hear_txs(&h, b, 4);
    hear_block(&h, 'C', b, at);
    hear_tip(&h, b, 1);
    hall_fini(&h);
}
END_TEST

TCase *tcase_tips(void)
{
    TCase *tc = tcase_create("tips");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, block_is_published_under_all_topics);
    tcase_add_test(tc, reorganisation_goes_back_then_forth);
    tcase_add_test(tc, disconnecting_makes_no_tip);
    tcase_add_test(tc, initial_download_makes_no_tip);
    tcase_add_test(tc, one_topic_comes_alone);
    tcase_add_test(tc, block_that_cannot_be_read_leaves_a_gap);
    return tc;
}
