#include <config.h>

#include "check_wire.h"

#include <string.h>

#include "base/util.h"

#define HASH "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"

static const struct row rows[] = {
    /* BIP 31 */
    { "ping has a nonce", PTD_MSG_PING, 60001, "f3c1b2a190887766", PTD_OK,
      NULL },
    { "ping of 60000 has none", PTD_MSG_PING, 60000, "", PTD_OK, NULL },
    { "ping of 209 has none", PTD_MSG_PING, 209, "", PTD_OK, NULL },
    { "a nonce in 60000", PTD_MSG_PING, 60000, "f3c1b2a190887766",
      PTD_ETRAILING, NULL },
    { "pong has a nonce", PTD_MSG_PONG, 60001, "f3c1b2a190887766", PTD_OK,
      NULL },
    { "no pong in 60000", PTD_MSG_PONG, 60000, "f3c1b2a190887766", PTD_EVERSION,
      "pong: not part of protocol version 60000" },
    { "a short pong", PTD_MSG_PONG, 70016, "f3c1b2a1908877", PTD_ESHORT,
      "pong: nonce cut off: 8 bytes wanted, 7 left" },

    /* no fields */
    { "verack", PTD_MSG_VERACK, 0, "", PTD_OK, NULL },
    { "getaddr", PTD_MSG_GETADDR, 0, "", PTD_OK, NULL },
    { "sendaddrv2", PTD_MSG_SENDADDRV2, 70016, "", PTD_OK, NULL },
    { "mempool", PTD_MSG_MEMPOOL, 60002, "", PTD_OK, NULL },
    { "no mempool in 60001", PTD_MSG_MEMPOOL, 60001, "", PTD_EVERSION,
      "from 60002 on" },
    { "sendheaders", PTD_MSG_SENDHEADERS, 70012, "", PTD_OK, NULL },
    { "no sendheaders in 70011", PTD_MSG_SENDHEADERS, 70011, "", PTD_EVERSION,
      NULL },
    { "filterclear", PTD_MSG_FILTERCLEAR, 70001, "", PTD_OK, NULL },
    { "no filterclear in 70000", PTD_MSG_FILTERCLEAR, 70000, "", PTD_EVERSION,
      NULL },
    { "wtxidrelay", PTD_MSG_WTXIDRELAY, 70016, "", PTD_OK, NULL },
    { "no wtxidrelay in 70015", PTD_MSG_WTXIDRELAY, 70015, "", PTD_EVERSION,
      NULL },
    { "a byte in verack", PTD_MSG_VERACK, 70016, "00", PTD_ETRAILING,
      "verack: 1 bytes left over" },

    /* alert */
    { "alert", PTD_MSG_ALERT, 209,
      "03"
      "010203"
      "02"
      "3046",
      PTD_OK, NULL },
    { "an empty alert", PTD_MSG_ALERT, 209,
      "00"
      "00",
      PTD_OK, NULL },
    { "no signature", PTD_MSG_ALERT, 209, "00", PTD_ESHORT, "signature" },
    { "a payload of 2^32 bytes", PTD_MSG_ALERT, 209, "ff0000000001000000",
      PTD_ETOOBIG, "payload" },

    /* BIP 133 */
    { "feefilter", PTD_MSG_FEEFILTER, 70013, "e803000000000000", PTD_OK, NULL },
    { "a negative feefilter", PTD_MSG_FEEFILTER, 70013, "ffffffffffffffff",
      PTD_OK, NULL },
    { "no feefilter in 70012", PTD_MSG_FEEFILTER, 70012, "e803000000000000",
      PTD_EVERSION, NULL },

    /* BIP 152 */
    { "sendcmpct", PTD_MSG_SENDCMPCT, 70014,
      "01"
      "0200000000000000",
      PTD_OK, NULL },
    { "sendcmpct, low bandwidth", PTD_MSG_SENDCMPCT, 70016,
      "00"
      "0100000000000000",
      PTD_OK, NULL },
    { "no sendcmpct in 70013", PTD_MSG_SENDCMPCT, 70013,
      "01"
      "0200000000000000",
      PTD_EVERSION, NULL },

    /* BIP 330 */
    { "sendtxrcncl", PTD_MSG_SENDTXRCNCL, 70016,
      "01000000"
      "efcdab8967452301",
      PTD_OK, NULL },

    /* BIP 434 */
    { "feature", PTD_MSG_FEATURE, 70017,
      "06"
      "424950343334"
      "00",
      PTD_OK, NULL },
    { "feature with data", PTD_MSG_FEATURE, 70017,
      "04"
      "42495039"
      "02"
      "0a0b",
      PTD_OK, NULL },
    { "an id of 3 bytes", PTD_MSG_FEATURE, 70017,
      "03"
      "424950"
      "00",
      PTD_EBADVALUE, "feature: id length" },
    { "no id", PTD_MSG_FEATURE, 70017,
      "00"
      "00",
      PTD_EBADVALUE, NULL },
    { "an id of 81 bytes", PTD_MSG_FEATURE, 70017, "51", PTD_ETOOBIG,
      "feature: id 81 above its limit 80" },
    { "data of 513 bytes", PTD_MSG_FEATURE, 70017,
      "04"
      "42495039"
      "fd0102",
      PTD_ETOOBIG, "feature: data 513 above its limit 512" },
    { "no data", PTD_MSG_FEATURE, 70017,
      "04"
      "42495039",
      PTD_ESHORT, "data" },
    { "more behind the data", PTD_MSG_FEATURE, 70017,
      "04"
      "42495039"
      "00"
      "00",
      PTD_ETRAILING, NULL },
    { "no feature in 70016", PTD_MSG_FEATURE, 70016,
      "06"
      "424950343334"
      "00",
      PTD_EVERSION, NULL },

    /* BIP 61 */
    { "reject", PTD_MSG_REJECT, 70002,
      "07"
      "76657273696f6e"
      "11"
      "08"
      "6f62736f6c657465",
      PTD_OK, NULL },
    { "reject of nothing", PTD_MSG_REJECT, 70002,
      "00"
      "01"
      "00",
      PTD_OK, NULL },
    { "no reject in 70001", PTD_MSG_REJECT, 70001,
      "00"
      "01"
      "00",
      PTD_EVERSION, NULL },
    { "a command of 13 bytes", PTD_MSG_REJECT, 70002, "0d", PTD_ETOOBIG,
      "reject: command 13 above its limit 12" },
    { "a reason of 112 bytes", PTD_MSG_REJECT, 70002,
      "00"
      "01"
      "70",
      PTD_ETOOBIG, "reject: reason 112 above its limit 111" },
    { "a hash where there is none", PTD_MSG_REJECT, 70002,
      "04"
      "70696e67"
      "01"
      "00" HASH,
      PTD_ETRAILING, NULL },
    { "half a hash", PTD_MSG_REJECT, 70002,
      "02"
      "7478"
      "10"
      "00"
      "6fe28c0a",
      PTD_ESHORT, "reject: hash" },
};

START_TEST(small_messages_on_the_wire)
{
    check_row(&rows[_i]);
}
END_TEST

/* The hash may be missing, so a cut in front of it decodes. */
static const struct row with_hash[] = {
    { "reject of a transaction", PTD_MSG_REJECT, 70002,
      "02"
      "7478"
      "10"
      "04"
      "64757374" HASH,
      PTD_OK, NULL },
    { "reject of a block", PTD_MSG_REJECT, 70015,
      "05"
      "626c6f636b"
      "10"
      "00" HASH,
      PTD_OK, NULL },
    { "a block's hash left out", PTD_MSG_REJECT, 70015,
      "05"
      "626c6f636b"
      "10"
      "00",
      PTD_OK, NULL },
};

START_TEST(reject_may_have_a_hash)
{
    check_row_optional_tail(&with_hash[_i]);
}
END_TEST

START_TEST(reject_fields_are_read)
{
    struct ptd_msg *m = decode_hex(PTD_MSG_REJECT, "05"
                                                   "626c6f636b"
                                                   "43"
                                                   "02"
                                                   "6e6f" HASH);
    const struct ptd_msg_reject *r = PTD_MSG_CONST(reject, m);

    ck_assert_uint_eq(r->command.n, 5);
    ck_assert_mem_eq(r->command.p, "block", 5);
    ck_assert_uint_eq(r->code, PTD_REJECT_CHECKPOINT);
    ck_assert_mem_eq(r->reason.p, "no", 2);
    ck_assert(r->has_hash && r->hash.b[0] == 0x6f);
    ptd_msg_free(m);
}
END_TEST

START_TEST(reject_with_a_hash_is_for_blocks_and_transactions)
{
    static const struct ptd_hash hash = { { 1 } };
    struct ptd_msg *m =
        ptd_msg_new_reject("ping", PTD_REJECT_MALFORMED, "", &hash);

    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(encode_error(m, 70002), PTD_EBADVALUE);
    ptd_msg_free(m);
    m = ptd_msg_new_reject("tx", PTD_REJECT_DUST, "dust", &hash);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(encode_error(m, 70002), PTD_OK);
    ptd_msg_free(m);
}
END_TEST

START_TEST(reject_of_our_own_cuts_the_reason)
{
    char reason[500];
    struct ptd_msg *m;

    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    m = ptd_msg_new_reject("version", PTD_REJECT_OBSOLETE, reason, NULL);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(encode_error(m, 70002), PTD_OK);
    ck_assert_uint_eq(PTD_MSG_CONST(reject, m)->reason.n,
                      PTD_MAX_REJECT_REASON);
    ptd_msg_free(m);
    ck_assert_ptr_null(
        ptd_msg_new_reject("thirteen_char", PTD_REJECT_INVALID, "", NULL));
}
END_TEST

START_TEST(small_fields_are_read)
{
    struct ptd_msg *m;

    m = decode_hex(PTD_MSG_PING, "f3c1b2a190887766");
    ck_assert_uint_eq(PTD_MSG_CONST(nonce, m)->nonce,
                      UINT64_C(0x66778890a1b2c1f3));
    ptd_msg_free(m);
    m = decode_hex(PTD_MSG_FEEFILTER, "ffffffffffffffff");
    ck_assert_int_eq(PTD_MSG_CONST(feefilter, m)->fee_rate, -1);
    ptd_msg_free(m);
    m = decode_hex(PTD_MSG_SENDCMPCT, "7f"
                                      "0200000000000000");
    ck_assert(PTD_MSG_CONST(sendcmpct, m)->high_bandwidth);
    ck_assert_uint_eq(PTD_MSG_CONST(sendcmpct, m)->version, 2);
    ptd_msg_free(m);
    m = decode_hex(PTD_MSG_SENDTXRCNCL, "01000000"
                                        "efcdab8967452301");
    ck_assert_uint_eq(PTD_MSG_CONST(sendtxrcncl, m)->version, 1);
    ck_assert_uint_eq(PTD_MSG_CONST(sendtxrcncl, m)->salt,
                      UINT64_C(0x0123456789abcdef));
    ptd_msg_free(m);
    m = decode_hex(PTD_MSG_FEATURE, "04"
                                    "42495039"
                                    "02"
                                    "0a0b");
    ck_assert_mem_eq(PTD_MSG_CONST(feature, m)->id.p, "BIP9", 4);
    ck_assert_uint_eq(PTD_MSG_CONST(feature, m)->data.n, 2);
    ptd_msg_free(m);
    m = decode_hex(PTD_MSG_ALERT, "03"
                                  "010203"
                                  "02"
                                  "3046");
    ck_assert_uint_eq(PTD_MSG_CONST(alert, m)->payload.n, 3);
    ck_assert_mem_eq(PTD_MSG_CONST(alert, m)->signature.p, "0F", 2);
    ptd_msg_free(m);
}
END_TEST

START_TEST(feature_refuses_to_send_what_nobody_may_read)
{
    static const struct {
        size_t id, data;
        enum ptd_err err;
    } sizes[] = { { 3, 0, PTD_EBADVALUE },  { 4, 0, PTD_OK },
                  { 80, 512, PTD_OK },      { 81, 0, PTD_ETOOBIG },
                  { 80, 513, PTD_ETOOBIG }, { 0, 0, PTD_EBADVALUE } };
    static const uint8_t bytes[600];

    for (size_t i = 0; i < PTD_COUNT(sizes); i++) {
        struct ptd_msg *m = ptd_msg_new(PTD_MSG_FEATURE);

        ck_assert_ptr_nonnull(m);
        PTD_MSG_AS(feature, m)->id = (struct ptd_bytes){ bytes, sizes[i].id };
        PTD_MSG_AS(feature, m)->data =
            (struct ptd_bytes){ bytes, sizes[i].data };
        ck_assert_int_eq(encode_error(m, 70017), sizes[i].err);
        ptd_msg_free(m);
    }
}
END_TEST

TCase *tcase_msg_small(void)
{
    TCase *tc = tcase_create("small");

    tcase_add_loop_test(tc, small_messages_on_the_wire, 0, PTD_COUNT(rows));
    tcase_add_loop_test(tc, reject_may_have_a_hash, 0, PTD_COUNT(with_hash));
    tcase_add_test(tc, reject_fields_are_read);
    tcase_add_test(tc, reject_with_a_hash_is_for_blocks_and_transactions);
    tcase_add_test(tc, reject_of_our_own_cuts_the_reason);
    tcase_add_test(tc, small_fields_are_read);
    tcase_add_test(tc, feature_refuses_to_send_what_nobody_may_read);
    return tc;
}
