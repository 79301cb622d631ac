/* Transactions of the pool, and what finds no room. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "check_zmq.h"
#include "hall.h"
#include "pentad/log.h"
#include "pentad/wire.h"

START_TEST(pool_is_published)
{
    struct hall h;
    struct ptd_msg *ours = make_tx(30, 1);
    struct ptd_hash txid = txid_of(ours);
    uint8_t raw[200];
    size_t n;
    uint32_t at;
    const struct ptd_codec cx = { .pver = PTD_PVER_WTXIDRELAY,
                                  .encoding = PTD_ENC_WITNESS };

    hall_init(&h, NULL, 0, 1000);
    hall_start(&h);
    at = (uint32_t)h.pool;
    ck_assert_int_eq(ptd_msg_encode(ours, raw, sizeof raw, &n, &cx), PTD_OK);
    ptd_publisher_tx_added(h.p, &txid, ours, UINT64_C(0x123456789abc));
    hear_hash(&h, "hashtx", txid, 0);
    hear_bytes(&h, "rawtx", raw, n, 0);
    hear_pool(&h, 'A', txid, UINT64_C(0x123456789abc), at);
    ptd_publisher_tx_removed(h.p, &txid, UINT64_C(0x123456789abd));
    hear_pool(&h, 'R', txid, UINT64_C(0x123456789abd), at + 1);
    hear_nothing(&h);
    ptd_msg_free(ours);
    hall_fini(&h);
}
END_TEST

START_TEST(pool_without_rawtx)
{
    struct hall h;
    struct ptd_msg *tx = make_tx(30, 1);
    struct ptd_hash txid = txid_of(tx);

    hall_init(&h, "hashtx sequence", 0, 1000);
    hall_start(&h);
    ptd_publisher_tx_added(h.p, &txid, tx, 7);
    ptd_msg_free(tx); /* nobody holds it */
    hear_hash(&h, "hashtx", txid, 0);
    hear_pool(&h, 'A', txid, 7, (uint32_t)h.pool);
    hall_fini(&h);
}
END_TEST

/* Whether a change was published, or dropped: it has its number. */
START_TEST(what_finds_no_room_leaves_a_gap)
{
    struct hall h;

    listen_to_log();
    hall_init(&h, "sequence", 4, 1000);
    for (int i = 0; i < 9; i++)
        hall_drop_tx(&h);
    ck_assert_ptr_nonnull(strstr(hall_log, "some is dropped"));
    hall_start(&h);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(hall_sync(&h), h.pool - 1);
    unlisten_to_log();
    hall_fini(&h);
}
END_TEST

START_TEST(dropped_blocks_are_counted_by_topic)
{
    struct hall h;
    struct ptd_hash b, c;
    uint32_t at;

    hall_init(&h, NULL, 1, 1000);
    hall_drop_tx(&h);               /* takes the only place */
    hall_grow(&h, h.genesis, 3, 1); /* 4 transactions */
    b = hall_grow(&h, h.genesis, 1, 2);
    b = hall_grow(&h, b, 0, 2); /* back over 4, forth over 2 and 1 */
    hall_start(&h);
    at = (uint32_t)h.pool + 1 + 3;
    c = hall_grow(&h, b, 0, 2);
    for (int i = 0; i < 2; i++) {
        struct heard m = hear(&h);

        ck_assert_str_eq(m.topic, i == 0 ? "hashtx" : "rawtx");
        ck_assert_uint_eq(m.number, 4 + 4 + 2 + 1);
        heard_fini(&m);
    }
    hear_block(&h, 'C', c, at);
    hear_hash(&h, "hashblock", c, 2);
    hall_fini(&h);
}
END_TEST

START_TEST(dropped_transactions_are_counted_by_topic)
{
    struct hall h;
    struct ptd_msg *tx = make_tx(30, 1);
    struct ptd_hash txid = txid_of(tx);

    hall_init(&h, NULL, 1, 1000);
    for (int i = 0; i < 3; i++)
        ptd_publisher_tx_added(h.p, &txid, tx, 1);
    hall_start(&h);
    ptd_publisher_tx_added(h.p, &txid, tx, 1);
    hear_hash(&h, "hashtx", txid, 3);
    hall_sync(&h);
    ptd_msg_free(tx);
    hall_fini(&h);
}
END_TEST

START_TEST(waiting_transactions_are_limited_by_bytes)
{
    enum { N = 40, BYTES = 1000 * 1000 };
    struct hall h;

    listen_to_log();
    hall_init(&h, "rawtx sequence", 0, 1000);
    for (uint32_t i = 0; i < N; i++) {
        struct ptd_msg *tx = make_tx(BYTES, i);
        struct ptd_hash txid = { { 1 } };

        ck_assert_msg((strstr(hall_log, "some is dropped") != NULL) == (i > 31),
                      "%u", i);
        ptd_publisher_tx_added(h.p, &txid, tx, ++h.pool);
        ptd_msg_free(tx);
    }
    hall_start(&h);
    ck_assert_uint_eq(hall_sync(&h), h.pool - 1);
    /* There is room again. */
    hall_log[0] = '\0';
    for (uint32_t i = 0; i < 3; i++) {
        struct ptd_msg *tx = make_tx(BYTES, i);
        struct ptd_hash txid = { { 1 } };
        struct heard m;

        ptd_publisher_tx_added(h.p, &txid, tx, ++h.pool);
        ptd_msg_free(tx);
        m = hear(&h);
        ck_assert_str_eq(m.topic, "rawtx");
        ck_assert_uint_eq(m.number, N + i);
        heard_fini(&m);
        m = hear(&h);
        heard_fini(&m);
    }
    unlisten_to_log();
    hall_fini(&h);
}
END_TEST

START_TEST(slow_listener_misses_and_holds_nobody_up)
{
    enum { N = 60, BYTES = 400 * 1000 };
    struct hall h;
    uint32_t n_heard = 0;
    struct heard m;
    bool last = false;

    hall_init(&h, "rawtx sequence", 0, 2);
    hall_start(&h);
    for (uint32_t i = 0; i < N; i++) {
        struct ptd_msg *tx = make_tx(BYTES, i);
        struct ptd_hash txid = { { 1 } };

        ptd_publisher_tx_added(h.p, &txid, tx, ++h.pool);
        ptd_msg_free(tx);
    }
    /* Once a later one has come, all of these are through; it may be missed
     * too. */
    hall_set_patience(&h, HALL_KNOCK_MS);
    while (!last) {
        hall_drop_tx(&h);
        if (!try_hear(&h, &m))
            continue;
        if (strcmp(m.topic, "rawtx") == 0)
            n_heard++;
        last = m.n == 41 && m.body[32] == 'R';
        ck_assert_uint_lt(m.number, h.pool);
        heard_fini(&m);
    }
    ck_assert_uint_lt(n_heard, N);
    hall_fini(&h);
}
END_TEST

START_TEST(freed_with_what_waits)
{
    struct hall h;
    struct ptd_msg *tx = make_tx(30, 1);
    struct ptd_hash txid = txid_of(tx);

    hall_init(&h, NULL, 0, 1000);
    for (int i = 0; i < 5; i++)
        ptd_publisher_tx_added(h.p, &txid, tx, 1);
    hall_grow(&h, h.genesis, 0, 1);
    ptd_msg_free(tx);
    if (_i == 1)
        ck_assert_int_eq(ptd_publisher_start(h.p), PTD_OK);
    hall_fini(&h);
    ptd_publisher_free(NULL);
}
END_TEST

TCase *tcase_queue(void)
{
    TCase *tc = tcase_create("queue");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, pool_is_published);
    tcase_add_test(tc, pool_without_rawtx);
    tcase_add_test(tc, what_finds_no_room_leaves_a_gap);
    tcase_add_test(tc, dropped_blocks_are_counted_by_topic);
    tcase_add_test(tc, dropped_transactions_are_counted_by_topic);
    tcase_add_test(tc, waiting_transactions_are_limited_by_bytes);
    tcase_add_test(tc, slow_listener_misses_and_holds_nobody_up);
    tcase_add_loop_test(tc, freed_with_what_waits, 0, 2);
    return tc;
}
