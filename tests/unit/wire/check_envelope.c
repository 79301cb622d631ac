#include <config.h>

#include "check_wire.h"

#include <stdlib.h>

#include <stdio.h>

#include "base/util.h"

static const uint8_t magic[4] = { 0xf9, 0xbe, 0xb4, 0xd9 };

/* ---- the header of v1 ------------------------------------------------------ */

static const struct {
    const char *name, *hex;
    enum ptd_err err;
    const char *command;
    uint32_t length;
} headers[] = {
    { "verack", "f9beb4d9 76657261636b000000000000 00000000 5df6e0e2", PTD_OK,
      "verack", 0 },
    { "command of 12 letters",
      "f9beb4d9 676574636663686563 6b7074 01000000 00000000", PTD_OK,
      "getcfcheckpt", 1 },
    { "empty command", "f9beb4d9 000000000000000000000000 00000000 5df6e0e2",
      PTD_OK, "", 0 },
    { "largest length", "f9beb4d9 76657261636b000000000000 00093d00 00000000",
      PTD_OK, "verack", 4000000 },
    { "length too big", "f9beb4d9 76657261636b000000000000 01093d00 00000000",
      PTD_ETOOBIG, "verack", 4000001 },
    { "length 2^32 - 1", "f9beb4d9 76657261636b000000000000 ffffffff 00000000",
      PTD_ETOOBIG, "verack", UINT32_MAX },
    { "wrong magic", "f9beb4da 76657261636b000000000000 ffffffff 00000000",
      PTD_EMAGIC, "verack", UINT32_MAX },
    { "letter behind padding",
      "f9beb4d9 76657261636b000000000061 00000000 5df6e0e2", PTD_ECOMMAND,
      "verack", 0 },
    { "byte that does not print",
      "f9beb4d9 76657261631f000000000000 00000000 5df6e0e2", PTD_ECOMMAND,
      "verac\x1f", 0 },
    { "byte above 126", "f9beb4d9 7665726163ff000000000000 00000000 5df6e0e2",
      PTD_ECOMMAND, "verac\xff", 0 },
    { "bad command and length",
      "f9beb4d9 76657261631f000000000000 01093d00 00000000", PTD_ETOOBIG,
      "verac\x1f", 4000001 },
};

START_TEST(header_decodes_to_its_fields_or_its_error)
{
    struct blob b = blob_hex(headers[_i].hex);
    struct ptd_v1_header h;
    uint8_t again[24];
    enum ptd_err err;

    ck_assert_uint_eq(b.n, 24);
    err = ptd_v1_header_decode(&h, b.p, magic);
    ck_assert_msg(err == headers[_i].err, "%s: %s", headers[_i].name,
                  ptd_err_text(err));
    ck_assert_str_eq(h.command, headers[_i].command);
    ck_assert_uint_eq(h.length, headers[_i].length);
    if (err == PTD_OK) {
        ptd_v1_header_encode(&h, again);
        ck_assert_mem_eq(again, b.p, 24);
    }
    blob_free(&b);
}
END_TEST

START_TEST(checksum_is_the_start_of_the_double_hash)
{
    uint8_t sum[4];

    ptd_v1_checksum("", 0, sum);
    ck_assert_mem_eq(sum, "\x5d\xf6\xe0\xe2", 4);
    ptd_v1_checksum("hello", 5, sum);
    ck_assert_mem_eq(sum, "\x95\x95\xc9\xdf", 4);
}
END_TEST

/* ---- commands -------------------------------------------------------------- */

START_TEST(command_names_its_type_and_back)
{
    const char *command = ptd_msg_type_command((enum ptd_msg_type)_i);
    size_t n = strlen(command);

    ck_assert_uint_le(n, PTD_COMMAND_BYTES);
    ck_assert_int_eq(ptd_msg_type_of(command, n), _i);
    ck_assert_int_eq(ptd_msg_type_of(command, n - 1), PTD_MSG_UNKNOWN);
}
END_TEST

START_TEST(command_that_nobody_knows_is_unknown)
{
    static const char *const unknown[] = {
        "",
        "a",
        "inw",
        "zzz",
        "Ping",
        "ping ",
        "versio",
        "versions",
        "getcfcheckpu",
        "getcfcheckpt1",
        "sendtxrcnclsendtxrcncl",
    };

    for (size_t i = 0; i < PTD_COUNT(unknown); i++)
        ck_assert_msg(ptd_msg_type_of(unknown[i], strlen(unknown[i])) ==
                          PTD_MSG_UNKNOWN,
                      "%s", unknown[i]);
    ck_assert_int_eq(ptd_msg_type_of("ping\0", 5), PTD_MSG_PING);
    ck_assert_str_eq(ptd_msg_type_command(PTD_MSG_UNKNOWN), "*other*");
    ck_assert_ptr_null(ptd_msg_new(PTD_MSG_UNKNOWN));
}
END_TEST

/* ---- versions -------------------------------------------------------------- */

static const struct {
    enum ptd_msg_type type;
    uint32_t first;
} firsts[] = {
    { PTD_MSG_PONG, 60001 },       { PTD_MSG_MEMPOOL, 60002 },
    { PTD_MSG_FILTERADD, 70001 },  { PTD_MSG_FILTERCLEAR, 70001 },
    { PTD_MSG_FILTERLOAD, 70001 }, { PTD_MSG_MERKLEBLOCK, 70001 },
    { PTD_MSG_REJECT, 70002 },     { PTD_MSG_SENDHEADERS, 70012 },
    { PTD_MSG_FEEFILTER, 70013 },  { PTD_MSG_SENDCMPCT, 70014 },
    { PTD_MSG_CMPCTBLOCK, 70014 }, { PTD_MSG_GETBLOCKTXN, 70014 },
    { PTD_MSG_BLOCKTXN, 70014 },   { PTD_MSG_WTXIDRELAY, 70016 },
    { PTD_MSG_FEATURE, 70017 },
};

START_TEST(command_does_not_exist_below_its_first_version)
{
    struct ptd_codec cx = { firsts[_i].first - 1, PTD_ENC_BASE, false };
    struct ptd_msg *m = ptd_msg_new(firsts[_i].type), *got;
    struct ptd_wire_error why;
    struct ptd_encoded *e;
    enum ptd_err err;
    uint8_t out[100] = { 0 };
    size_t n;

    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(ptd_msg_decode(&got, m->type, out, sizeof out, &cx, &why),
                     PTD_EVERSION);
    ck_assert_uint_eq(why.got, cx.pver);
    ck_assert_uint_eq(why.limit, firsts[_i].first);
    ck_assert_int_eq(ptd_msg_encode(m, out, sizeof out, &n, &cx), PTD_EVERSION);
    ck_assert_uint_eq(ptd_msg_encoded_bytes(m, &cx, &err), 0);
    ck_assert_int_eq(err, PTD_EVERSION);
    ck_assert_uint_eq(ptd_msg_max_payload(m->type, cx.pver), 0);

    /* A form made for a version that has it is not found by one that has
     * not. */
    cx.pver++;
    if (ptd_msg_encoded(m, &e, &cx) == PTD_OK)
        ptd_encoded_free(e);
    cx.pver--;
    ck_assert_int_eq(ptd_msg_encoded(m, &e, &cx), PTD_EVERSION);
    ptd_msg_free(m);
}
END_TEST

START_TEST(no_payload_limit_is_above_the_general_one)
{
    for (uint32_t pver = 0; pver <= PTD_PVER_FEATURE; pver += 1)
        ck_assert_uint_le(ptd_msg_max_payload((enum ptd_msg_type)_i, pver),
                          PTD_MAX_PAYLOAD);
    ck_assert_uint_eq(ptd_msg_max_payload(PTD_MSG_UNKNOWN, 70016), 0);
}
END_TEST

START_TEST(payload_above_the_general_limit_is_refused)
{
    uint8_t *p = calloc(1, PTD_MAX_PAYLOAD + 1);
    struct ptd_wire_error why;
    struct ptd_msg *m;

    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(ptd_msg_decode(&m, PTD_MSG_TX, p, PTD_MAX_PAYLOAD + 1,
                                    &codec_witness, &why),
                     PTD_ETOOBIG);
    ck_assert_str_eq(why.field, "payload");
    free(p);
}
END_TEST

/* ---- errors ---------------------------------------------------------------- */

static const struct {
    struct ptd_wire_error e;
    const char *want;
} texts[] = {
    { { PTD_ETOOBIG, "inv", "count", 50001, 50000 },
      "inv: count 50001 above its limit 50000" },
    { { PTD_ESHORT, "tx", "tx.version", 4, 1 },
      "tx: tx.version cut off: 4 bytes wanted, 1 left" },
    { { PTD_ENONCANON, "inv", "count", 3, 0xfd },
      "inv: count compact size 3 is not in its shortest form" },
    { { PTD_EBADVALUE, "tx", "tx.flag", 2, 1 },
      "tx: tx.flag has the value 2, not allowed (limit 1)" },
    { { PTD_EBADVALUE, "tx", "tx.witness", 0, 0 },
      "tx: tx.witness has the value 0, not allowed" },
    { { PTD_ETRAILING, "ping", "", 3, 0 },
      "ping: 3 bytes left over behind the message" },
    { { PTD_EVERSION, "pong", "", 60000, 60001 },
      "pong: not part of protocol version 60000 (from 60001 on)" },
    { { PTD_EUNKNOWN, "", "", 0, 0 }, "unknown message type" },
    { { PTD_ECHECKSUM, "tx", "", 0, 0 }, "tx: wrong checksum" },
    { { PTD_EMAGIC, NULL, NULL, 0, 0 }, "wrong network magic" },
};

START_TEST(error_text_names_command_field_and_limit)
{
    char out[200], little[8];

    ck_assert_str_eq(ptd_wire_error_text(&texts[_i].e, out, sizeof out),
                     texts[_i].want);
    ptd_wire_error_text(&texts[_i].e, little, sizeof little);
    ck_assert_int_eq(strncmp(little, out, 7), 0);
    ck_assert_uint_eq(strlen(little), 7);
    ck_assert_ptr_eq(ptd_wire_error_text(&texts[_i].e, out, 0), out);
}
END_TEST

/* ---- bytes left over ------------------------------------------------------- */

START_TEST(bytes_left_over_are_counted_and_an_error_only_if_strict)
{
    static const uint8_t payload[11] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    const struct ptd_codec strict = { 70016, PTD_ENC_BASE, true };
    const struct ptd_codec lax = { 70016, PTD_ENC_BASE, false };
    struct ptd_wire_error why;
    struct ptd_msg *m;

    ck_assert_int_eq(decode_copy(&m, PTD_MSG_PING, payload, 11, &strict, &why),
                     PTD_ETRAILING);
    ck_assert_uint_eq(why.got, 3);
    ck_assert_int_eq(decode_copy(&m, PTD_MSG_PING, payload, 11, &lax, &why),
                     PTD_OK);
    ck_assert_uint_eq(ptd_msg_trailing_bytes(m), 3);
    ck_assert_uint_eq(m->payload_bytes, 11);
    ptd_msg_free(m);
    ck_assert_int_eq(decode_copy(&m, PTD_MSG_UNKNOWN, payload, 11, &lax, &why),
                     PTD_EUNKNOWN);
}
END_TEST

TCase *tcase_envelope(void)
{
    TCase *tc = tcase_create("envelope");

    tcase_add_loop_test(tc, header_decodes_to_its_fields_or_its_error, 0,
                        PTD_COUNT(headers));
    tcase_add_test(tc, checksum_is_the_start_of_the_double_hash);
    tcase_add_loop_test(tc, command_names_its_type_and_back, 0,
                        PTD_MSG_N_TYPES);
    tcase_add_test(tc, command_that_nobody_knows_is_unknown);
    tcase_add_loop_test(tc, command_does_not_exist_below_its_first_version, 0,
                        PTD_COUNT(firsts));
    tcase_add_loop_test(tc, no_payload_limit_is_above_the_general_one, 0,
                        PTD_MSG_N_TYPES);
    tcase_add_test(tc, payload_above_the_general_limit_is_refused);
    tcase_add_loop_test(tc, error_text_names_command_field_and_limit, 0,
                        PTD_COUNT(texts));
    tcase_add_test(tc, bytes_left_over_are_counted_and_an_error_only_if_strict);
    return tc;
}
