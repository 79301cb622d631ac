#include <config.h>

#include "check_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* The genesis block's hash, in internal order. */
#define HASH "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

static const struct row rows[] = {
    { "one block", PTD_MSG_INV, 70016,
      "01"
      "02000000" HASH,
      PTD_OK, NULL },
    { "none", PTD_MSG_INV, 0, "00", PTD_OK, NULL },
    { "witness transaction and block", PTD_MSG_GETDATA, 70016,
      "02"
      "01000040" HASH "02000040" HASH,
      PTD_OK, NULL },
    { "wtx", PTD_MSG_INV, 70016,
      "01"
      "05000000" HASH,
      PTD_OK, NULL },
    { "a type that nobody knows", PTD_MSG_GETDATA, 70016,
      "01"
      "ffffffff" HASH,
      PTD_OK, NULL },
    { "notfound", PTD_MSG_NOTFOUND, 209,
      "01"
      "01000000" HASH,
      PTD_OK, NULL },
    { "50001 entries", PTD_MSG_INV, 70016, "fd51c3", PTD_ETOOBIG,
      "inv: count 50001 above its limit 50000" },
    { "50001 entries wanted", PTD_MSG_GETDATA, 70016, "fd51c3", PTD_ETOOBIG,
      "getdata: count 50001 above its limit 50000" },
    { "50001 entries not found", PTD_MSG_NOTFOUND, 70016, "fd51c3", PTD_ETOOBIG,
      "notfound: count 50001" },
    { "50000 entries promised", PTD_MSG_INV, 70016, "fd50c3", PTD_ESHORT,
      "1800000 bytes wanted, 0 left" },
    { "a count of 2^63", PTD_MSG_INV, 70016, "ff0000000000000080", PTD_ETOOBIG,
      NULL },
    { "a count in three bytes", PTD_MSG_INV, 70016, "fdfc00", PTD_ENONCANON,
      "inv: count" },
    { "a byte too many", PTD_MSG_INV, 70016,
      "00"
      "00",
      PTD_ETRAILING, NULL },

    { "getheaders from genesis", PTD_MSG_GETHEADERS, 70016,
      "80110100"
      "01" HASH ZERO,
      PTD_OK, NULL },
    { "getblocks without a locator", PTD_MSG_GETBLOCKS, 209,
      "d1000000"
      "00" HASH,
      PTD_OK, NULL },
    { "a locator of 102 hashes", PTD_MSG_GETHEADERS, 70016,
      "80110100"
      "66",
      PTD_ETOOBIG, "getheaders: count 102 above its limit 101" },
    { "the same in getblocks", PTD_MSG_GETBLOCKS, 70016,
      "80110100"
      "66",
      PTD_ETOOBIG, "getblocks: count 102 above its limit 101" },
    { "no stop", PTD_MSG_GETBLOCKS, 70016,
      "80110100"
      "01" HASH,
      PTD_ESHORT, "stop" },
};

START_TEST(inv_on_the_wire)
{
    check_row(&rows[_i]);
}
END_TEST

START_TEST(inv_fields_are_read)
{
    struct ptd_msg *m =
        decode_hex(PTD_MSG_GETDATA, "02"
                                    "02000000" HASH "01000040" ZERO);
    const struct ptd_msg_inv *inv = PTD_MSG_CONST(inv, m);
    char hex[PTD_HASH_HEX_SIZE];

    ck_assert_uint_eq(inv->n, 2);
    ck_assert_uint_eq(inv->list[0].type, PTD_INV_BLOCK);
    ck_assert_str_eq(
        ptd_hash_to_hex(&inv->list[0].hash, hex),
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
    ck_assert_uint_eq(inv->list[1].type, PTD_INV_WITNESS_TX);
    ck_assert(ptd_hash_is_zero(&inv->list[1].hash));
    ptd_msg_free(m);
}
END_TEST

START_TEST(locator_fields_are_read)
{
    struct ptd_msg *m = decode_hex(PTD_MSG_GETHEADERS, "80110100"
                                                       "02" HASH ZERO HASH);
    const struct ptd_msg_locator *l = PTD_MSG_CONST(locator, m);

    ck_assert_uint_eq(l->version, 70016);
    ck_assert_uint_eq(l->n, 2);
    ck_assert(!ptd_hash_is_zero(&l->hashes[0]));
    ck_assert(ptd_hash_is_zero(&l->hashes[1]));
    ck_assert(ptd_hash_eq(&l->stop, &l->hashes[0]));
    ptd_msg_free(m);
}
END_TEST

START_TEST(inv_of_50000_comes_back)
{
    struct ptd_inv *list = calloc(PTD_MAX_INV_PER_MSG, sizeof *list);
    struct ptd_msg *m;
    struct blob b;

    ck_assert_ptr_nonnull(list);
    for (uint32_t i = 0; i < PTD_MAX_INV_PER_MSG; i++) {
        list[i].type = i;
        memcpy(list[i].hash.b, &i, sizeof i);
    }
    m = ptd_msg_new_inv(PTD_MSG_INV, list, PTD_MAX_INV_PER_MSG);
    ck_assert_ptr_nonnull(m);
    b = encode_all(m, &codec_base);
    ck_assert_uint_eq(b.n, ptd_msg_max_payload(PTD_MSG_INV, 70016));
    check_codec(PTD_MSG_INV, b.p, b.n, &codec_base);
    blob_free(&b);
    ptd_msg_free(m);
    ck_assert_ptr_null(
        ptd_msg_new_inv(PTD_MSG_INV, list, PTD_MAX_INV_PER_MSG + 1));
    free(list);
}
END_TEST

START_TEST(inv_and_locator_refuse_to_send_too_much)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_INV);
    struct ptd_msg_inv *inv = PTD_MSG_AS(inv, m);
    struct ptd_msg_locator *l;

    ck_assert_ptr_nonnull(m);
    inv->n = PTD_MAX_INV_PER_MSG + 1;
    inv->list = ptd_msg_alloc(m, inv->n, sizeof *inv->list);
    ck_assert_ptr_nonnull(inv->list);
    ck_assert_int_eq(encode_error(m, 70016), PTD_ETOOBIG);
    ptd_msg_free(m);
    m = ptd_msg_new(PTD_MSG_GETBLOCKS);
    ck_assert_ptr_nonnull(m);
    l = PTD_MSG_AS(locator, m);
    l->n = PTD_MAX_LOCATOR + 1;
    l->hashes = ptd_msg_alloc(m, l->n, sizeof *l->hashes);
    ck_assert_ptr_nonnull(l->hashes);
    ck_assert_int_eq(encode_error(m, 70016), PTD_ETOOBIG);
    ptd_msg_free(m);
}
END_TEST

START_TEST(a_full_locator_comes_back)
{
    static const struct ptd_hash hashes[PTD_MAX_LOCATOR + 1];
    struct ptd_msg *m = ptd_msg_new_locator(PTD_MSG_GETHEADERS, 70016, hashes,
                                            PTD_MAX_LOCATOR, NULL);
    struct blob b;

    ck_assert_ptr_nonnull(m);
    b = encode_all(m, &codec_base);
    ck_assert_uint_eq(b.n, ptd_msg_max_payload(PTD_MSG_GETHEADERS, 70016));
    check_codec(PTD_MSG_GETHEADERS, b.p, b.n, &codec_base);
    blob_free(&b);
    ptd_msg_free(m);
    ck_assert_ptr_null(ptd_msg_new_locator(PTD_MSG_GETHEADERS, 70016, hashes,
                                           PTD_MAX_LOCATOR + 1, NULL));
}
END_TEST

TCase *tcase_msg_inv(void)
{
    TCase *tc = tcase_create("inv");

    tcase_add_loop_test(tc, inv_on_the_wire, 0, PTD_COUNT(rows));
    tcase_add_test(tc, inv_fields_are_read);
    tcase_add_test(tc, locator_fields_are_read);
    tcase_add_test(tc, inv_of_50000_comes_back);
    tcase_add_test(tc, inv_and_locator_refuse_to_send_too_much);
    tcase_add_test(tc, a_full_locator_comes_back);
    return tc;
}
