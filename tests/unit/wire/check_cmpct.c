#include <config.h>

#include "check_wire.h"

#include "base/util.h"

#define HASH_A                                                                 \
    "1111111111111111111111111111111111111111111111111111111111111111"
#define HASH_B                                                                 \
    "2222222222222222222222222222222222222222222222222222222222222222"
#define HEADER "01000000 " HASH_A HASH_B "29ab5f49 ffff001d 1dac2b7c "
#define NONCE  "0102030405060708 "
#define TX     "01000000 00 00 00000000 "
#define WITNESS_TX                                                             \
    "02000000 0001 01 " HASH_A "01000000 00 ffffffff "                         \
    "01 e803000000000000 01 51 01 02 abcd 00000000 "
#define ID_1 "010203040506 "
#define ID_2 "ffffffffffff "

static const struct {
    const char *name;
    enum ptd_msg_type type;
    const char *hex;
    enum ptd_err err; /* PTD_OK: decodes, encodes to the same, all cuts fail */
} rows[] = {
    { "cmpctblock of nothing", PTD_MSG_CMPCTBLOCK, HEADER NONCE "00 00",
      PTD_OK },
    { "cmpctblock", PTD_MSG_CMPCTBLOCK,
      HEADER NONCE "02 " ID_1 ID_2 "02 00 " TX "02 " WITNESS_TX, PTD_OK },
    { "prefilled index behind the block", PTD_MSG_CMPCTBLOCK,
      HEADER NONCE "02 " ID_1 ID_2 "02 00 " TX "03 " TX, PTD_ETOOBIG },
    { "prefilled index 2^64 - 1", PTD_MSG_CMPCTBLOCK,
      HEADER NONCE "02 " ID_1 ID_2 "02 00 " TX "ffffffffffffffffff " TX,
      PTD_ETOOBIG },
    { "prefilled index not canonical", PTD_MSG_CMPCTBLOCK,
      HEADER NONCE "02 " ID_1 ID_2 "01 fd0000 " TX, PTD_ENONCANON },
    { "65537 short ids", PTD_MSG_CMPCTBLOCK, HEADER NONCE "fe01000100 " ID_1,
      PTD_ETOOBIG },
    { "2^63 short ids", PTD_MSG_CMPCTBLOCK,
      HEADER NONCE "ff0000000000000080 " ID_1, PTD_ETOOBIG },
    { "short ids that the bytes cannot hold", PTD_MSG_CMPCTBLOCK,
      HEADER NONCE "03 " ID_1 ID_2, PTD_ESHORT },
    { "prefilled that the bytes cannot hold", PTD_MSG_CMPCTBLOCK,
      HEADER NONCE "00 02 00 " TX, PTD_ESHORT },
    { "prefilled, a witness record of nothing", PTD_MSG_CMPCTBLOCK,
      HEADER NONCE "00 01 00 01000000 0001 01 " HASH_A
                   "01000000 00 ffffffff 00 00 00000000",
      PTD_EBADVALUE },
    { "getblocktxn of nothing", PTD_MSG_GETBLOCKTXN, HASH_A "00", PTD_OK },
    { "getblocktxn", PTD_MSG_GETBLOCKTXN, HASH_A "04 00 00 05 fde803", PTD_OK },
    { "getblocktxn, the last index", PTD_MSG_GETBLOCKTXN, HASH_A "02 00 fdfeff",
      PTD_OK },
    { "getblocktxn, one behind the last", PTD_MSG_GETBLOCKTXN,
      HASH_A "02 00 fdffff", PTD_ETOOBIG },
    { "getblocktxn, the sum overflows 32 bits", PTD_MSG_GETBLOCKTXN,
      HASH_A "02 01 feffffffff", PTD_ETOOBIG },
    { "getblocktxn, the sum overflows 64 bits", PTD_MSG_GETBLOCKTXN,
      HASH_A "02 01 ffffffffffffffffff", PTD_ETOOBIG },
    { "getblocktxn of 65537", PTD_MSG_GETBLOCKTXN, HASH_A "fe01000100 00",
      PTD_ETOOBIG },
    { "getblocktxn that the bytes cannot hold", PTD_MSG_GETBLOCKTXN,
      HASH_A "05 00 00 00 00", PTD_ESHORT },
    { "blocktxn of nothing", PTD_MSG_BLOCKTXN, HASH_A "00", PTD_OK },
    { "blocktxn", PTD_MSG_BLOCKTXN, HASH_A "03 " TX WITNESS_TX TX, PTD_OK },
    { "blocktxn of 2^32", PTD_MSG_BLOCKTXN, HASH_A "ff0000000001000000 " TX,
      PTD_ETOOBIG },
    { "blocktxn that the bytes cannot hold", PTD_MSG_BLOCKTXN, HASH_A "02 " TX,
      PTD_ESHORT },
};

START_TEST(compact_decodes_and_encodes_or_tells_its_error)
{
    struct blob b = blob_hex(rows[_i].hex);
    struct ptd_wire_error why;
    struct test_mem t;
    struct ptd_msg *m;
    enum ptd_err err;
    char text[200];

    if (rows[_i].err == PTD_OK)
        check_codec(rows[_i].type, b.p, b.n, &codec_witness);
    test_mem_init(&t);
    err = ptd_msg_decode_from(&m, rows[_i].type, b.p, b.n, NULL, &t.mem,
                              &codec_strict, &why);
    ck_assert_msg(err == rows[_i].err, "%s: %s", rows[_i].name,
                  ptd_wire_error_text(&why, text, sizeof text));
    if (err == PTD_OK)
        ptd_msg_free(m);
    ck_assert_uint_eq(t.out_bytes, 0);
    ck_assert_uint_le(t.peak_bytes, 4096);
    blob_free(&b);
}
END_TEST

/* Whatever call for memory fails: a clean error, and nothing left behind. */
START_TEST(compact_without_memory_fails_cleanly)
{
    struct blob b = blob_hex(rows[_i].hex);
    enum ptd_err err = PTD_ENOMEM;

    if (rows[_i].err == PTD_OK) {
        for (size_t nth = 1; err == PTD_ENOMEM; nth++) {
            struct ptd_msg *m;
            struct test_mem t;

            test_mem_init(&t);
            t.fail_at = nth;
            err = ptd_msg_decode_from(&m, rows[_i].type, b.p, b.n, NULL, &t.mem,
                                      &codec_strict, NULL);
            if (err == PTD_OK)
                ptd_msg_free(m);
            ck_assert_uint_eq(t.out_bytes, 0);
        }
        ck_assert_int_eq(err, PTD_OK);
    }
    blob_free(&b);
}
END_TEST

START_TEST(indexes_are_absolute)
{
    struct blob b =
        blob_hex(HEADER NONCE "02 " ID_1 ID_2 "02 00 " TX "01 " WITNESS_TX);
    const struct ptd_msg_cmpctblock *c;
    const struct ptd_msg_getblocktxn *g;
    struct ptd_msg *m;

    ck_assert_int_eq(
        decode_copy(&m, PTD_MSG_CMPCTBLOCK, b.p, b.n, &codec_strict, NULL),
        PTD_OK);
    c = PTD_MSG_CONST(cmpctblock, m);
    ck_assert_uint_eq(c->n_short_ids, 2);
    ck_assert(c->nonce == UINT64_C(0x0807060504030201));
    ck_assert(c->short_ids[0] == UINT64_C(0x060504030201));
    ck_assert(c->short_ids[1] == UINT64_C(0xffffffffffff));
    ck_assert_uint_eq(c->prefilled[0].index, 0);
    ck_assert_uint_eq(c->prefilled[1].index, 2);
    ck_assert_uint_eq(c->prefilled[1].tx.in[0].witness[0].n, 2);
    ptd_msg_free(m);
    blob_free(&b);

    b = blob_hex(HASH_A "04 00 00 05 fde803");
    ck_assert_int_eq(
        decode_copy(&m, PTD_MSG_GETBLOCKTXN, b.p, b.n, &codec_strict, NULL),
        PTD_OK);
    g = PTD_MSG_CONST(getblocktxn, m);
    ck_assert_uint_eq(g->indexes[0], 0);
    ck_assert_uint_eq(g->indexes[1], 1);
    ck_assert_uint_eq(g->indexes[2], 7);
    ck_assert_uint_eq(g->indexes[3], 1008);
    ptd_msg_free(m);
    blob_free(&b);
}
END_TEST

START_TEST(largest_getblocktxn_is_within_its_limit)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_GETBLOCKTXN);
    struct ptd_msg_getblocktxn *g = PTD_MSG_AS(getblocktxn, m);
    struct blob b;

    g->n = 65536;
    g->indexes = ptd_msg_alloc(m, g->n, sizeof *g->indexes);
    ck_assert_ptr_nonnull(g->indexes);
    for (uint32_t i = 0; i < g->n; i++)
        g->indexes[i] = i;
    b = encode_all(m, &codec_base);
    ck_assert_uint_le(b.n, ptd_msg_max_payload(PTD_MSG_GETBLOCKTXN, 70016));
    check_codec(PTD_MSG_GETBLOCKTXN, b.p, b.n, &codec_base);
    blob_free(&b);
    ptd_msg_free(m);
}
END_TEST

/* What breaks a rule does not go out. */
START_TEST(compact_of_our_own_that_breaks_a_rule_is_not_encoded)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_GETBLOCKTXN);
    struct ptd_msg_getblocktxn *g = PTD_MSG_AS(getblocktxn, m);
    struct ptd_msg *n = ptd_msg_new(PTD_MSG_CMPCTBLOCK);
    struct ptd_msg_cmpctblock *c = PTD_MSG_AS(cmpctblock, n);
    static uint32_t twice[] = { 4, 4 }, large[] = { 4, 65536 };
    static uint64_t wide[] = { UINT64_C(1) << 48 };
    static struct ptd_prefilled_tx behind[] = { { .index = 1 } };
    enum ptd_err err;

    g->n = 2;
    g->indexes = twice;
    ck_assert_uint_eq(ptd_msg_encoded_bytes(m, &codec_base, &err), 0);
    ck_assert_int_eq(err, PTD_EBADVALUE);
    g->indexes = large;
    ck_assert_uint_eq(ptd_msg_encoded_bytes(m, &codec_base, &err), 0);
    ck_assert_int_eq(err, PTD_ETOOBIG);
    ptd_msg_free(m);

    c->n_short_ids = 1;
    c->short_ids = wide;
    ck_assert_uint_eq(ptd_msg_encoded_bytes(n, &codec_base, &err), 0);
    ck_assert_int_eq(err, PTD_EBADVALUE);
    c->n_short_ids = 0;
    c->n_prefilled = 1;
    c->prefilled = behind;
    ck_assert_uint_eq(ptd_msg_encoded_bytes(n, &codec_base, &err), 0);
    ck_assert_int_eq(err, PTD_ETOOBIG);
    ptd_msg_free(n);
}
END_TEST

TCase *tcase_cmpct(void)
{
    TCase *tc = tcase_create("cmpct");

    tcase_add_loop_test(tc, compact_decodes_and_encodes_or_tells_its_error, 0,
                        PTD_COUNT(rows));
    tcase_add_loop_test(tc, compact_without_memory_fails_cleanly, 0,
                        PTD_COUNT(rows));
    tcase_add_test(tc, indexes_are_absolute);
    tcase_add_test(tc, largest_getblocktxn_is_within_its_limit);
    tcase_add_test(tc, compact_of_our_own_that_breaks_a_rule_is_not_encoded);
    return tc;
}
