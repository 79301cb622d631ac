#include <config.h>

#include "check_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "support/samples.h"

#define HASH "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"
#define HASH_TEXT                                                              \
    "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"

static const struct {
    enum ptd_msg_type type;
    const char *hex, *text;
} lines[] = {
    { PTD_MSG_VERACK, "", "verack" },
    { PTD_MSG_PING, "0100000000000000", "ping nonce=0x1" },
    { PTD_MSG_INV, "00", "inv 0 (tx 0, block 0)" },
    { PTD_MSG_INV,
      "04"
      "01000000" HASH "01000040" HASH "05000000" HASH "02000040" HASH,
      "inv 4 (tx 3, block 1)" },
    { PTD_MSG_GETDATA,
      "02"
      "04000000" HASH "02000000" HASH,
      "getdata 2 (tx 0, block 1, other 1)" },
    { PTD_MSG_ADDR, "00", "addr 0" },
    { PTD_MSG_HEADERS, "00", "headers 0" },
    { PTD_MSG_GETHEADERS,
      "80110100"
      "01" HASH HASH,
      "getheaders 1" },
    { PTD_MSG_FEEFILTER, "e803000000000000", "feefilter fee_rate=1000" },
    { PTD_MSG_SENDCMPCT,
      "01"
      "0200000000000000",
      "sendcmpct high_bandwidth=1 version=2" },
    { PTD_MSG_REJECT,
      "02"
      "7478"
      "41"
      "02"
      "0a5c" HASH,
      "reject message=tx code=0x41 reason=\\x0a\\\\ hash=" HASH_TEXT },
    { PTD_MSG_GETCFCHECKPT, "00" HASH,
      "getcfcheckpt filter_type=0 start_height=0 stop=" HASH_TEXT },
};

START_TEST(summary_is)
{
    struct ptd_msg *m = decode_hex(lines[_i].type, lines[_i].hex);
    char line[200];

    ck_assert_str_eq(ptd_msg_summary(m, line, sizeof line), lines[_i].text);
    ptd_msg_free(m);
}
END_TEST

static bool is_printable(const char *text, bool with_newlines)
{
    for (; *text != '\0'; text++) {
        if ((*text < 0x20 || *text > 0x7e) && !(with_newlines && *text == '\n'))
            return false;
    }
    return true;
}

START_TEST(summary_is_one_printable_line_of_any_length)
{
    for (unsigned type = 0; type < PTD_MSG_N_TYPES; type++) {
        struct ptd_msg *m = sample_new((enum ptd_msg_type)type, SAMPLE_MANY);
        char line[300];

        for (size_t cap = 0; cap < sizeof line; cap++) {
            memset(line, '\1', sizeof line);
            ptd_msg_summary(m, line, cap);
            if (cap > 0)
                ck_assert(strlen(line) < cap && is_printable(line, false));
            for (size_t i = cap; i < sizeof line; i++)
                ck_assert_int_eq(line[i], '\1');
        }
        ck_assert_int_eq(
            strncmp(line, ptd_msg_type_command((enum ptd_msg_type)type),
                    strlen(ptd_msg_type_command((enum ptd_msg_type)type))),
            0);
        ptd_msg_free(m);
    }
}
END_TEST

/* Text of a stranger never leaves its place. */
START_TEST(text_of_the_peer_is_escaped)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_VERSION);
    char agent[PTD_MAX_USER_AGENT], line[2000], *dump;

    ck_assert_ptr_nonnull(m);
    memset(agent, '\n', sizeof agent);
    agent[0] = '\x1b';
    agent[1] = '\0';
    agent[sizeof agent - 1] = 'z';
    PTD_MSG_AS(version, m)->version = 70016;
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &PTD_MSG_AS(version, m)->user_agent,
                                        agent, sizeof agent),
                     PTD_OK);
    ptd_msg_summary(m, line, sizeof line);
    ck_assert(is_printable(line, false));
    ck_assert_ptr_nonnull(strstr(line, "user_agent=\\x1b\\x00\\x0a"));
    ck_assert_ptr_nonnull(strstr(line, "\\x0az start_height"));
    dump = ptd_msg_dump(m, 10);
    ck_assert_ptr_nonnull(dump);
    ck_assert(is_printable(dump, false));
    free(dump);
    ptd_msg_free(m);
}
END_TEST

static const struct {
    enum ptd_msg_type type;
    const char *has[8];
} dumps[] = {
    { PTD_MSG_VERSION,
      { "version=70016", "services=0x9", "addr_recv=1.1.1.1:8333 services=0x1",
        "addr_from=[2a02:", "user_agent=/pentad:0.1.0/", "relay=0",
        "start_height=800000", "nonce=0x123456789abcdef" } },
    { PTD_MSG_ADDRV2,
      { "n=2 ignored=0", "time=1700000000 services=0 addr=1.1.1.1:8333",
        "services=0x409 addr=[2a02:" } },
    { PTD_MSG_INV, { "n=2", "error hash=201f1e", "tx hash=302f2e" } },
    { PTD_MSG_TX,
      { "txid=", "version=2 inputs=2 outputs=2 lock_time=17", "in 1 prev=",
        ":1 sequence=0xfffffffe script=01080f", "out 1 value=5000000001" } },
    { PTD_MSG_BLOCK,
      { "hash=", "merkle_root=", "bits=207fffff", "transactions=2", "txid=" } },
    { PTD_MSG_CMPCTBLOCK,
      { "nonce=0x1122334455667788", "short_id=a0b0c0d0e0f1",
        "index=2 txid=" } },
    { PTD_MSG_GETBLOCKTXN, { "index=0", "index=2" } },
    { PTD_MSG_MERKLEBLOCK, { "transactions=7", "flags=01 (1 bytes)" } },
    { PTD_MSG_FILTERLOAD,
      { "functions=11 tweak=0xdeadbeef flags=2", "(100 bytes)" } },
    { PTD_MSG_CFHEADERS, { "filter_type=1", "stop=", "prev=", "1: hash=" } },
    { PTD_MSG_FEATURE, { "id=BIP9", "data=01080f161d242b323940 (10 bytes)" } },
    { PTD_MSG_ALERT, { "payload=", "signature=" } },
    { PTD_MSG_SENDTXRCNCL, { "version=1 salt=0x8877665544332211" } },
};

START_TEST(dump_has_every_field)
{
    struct ptd_msg *m = sample_new(dumps[_i].type, SAMPLE_FEW);
    char *dump = ptd_msg_dump(m, 100);

    ck_assert_ptr_nonnull(dump);
    ck_assert(is_printable(dump, true));
    for (size_t i = 0; i < PTD_COUNT(dumps[_i].has); i++) {
        if (dumps[_i].has[i] != NULL)
            ck_assert_msg(strstr(dump, dumps[_i].has[i]) != NULL,
                          "no \"%s\" in %s", dumps[_i].has[i], dump);
    }
    free(dump);
    ptd_msg_free(m);
}
END_TEST

START_TEST(dump_cuts_lists)
{
    static const struct ptd_inv list[50000];
    struct ptd_msg *m = ptd_msg_new_inv(PTD_MSG_INV, list, 50000);
    char *dump;

    ck_assert_ptr_nonnull(m);
    dump = ptd_msg_dump(m, 3);
    ck_assert_ptr_nonnull(dump);
    ck_assert_ptr_nonnull(strstr(dump, "  2: error hash="));
    ck_assert_ptr_null(strstr(dump, "  3:"));
    ck_assert_ptr_nonnull(strstr(dump, "... and 49997 more"));
    ck_assert_uint_lt(strlen(dump), 500);
    free(dump);
    ptd_msg_free(m);
}
END_TEST

START_TEST(short_hands_know_their_types)
{
    static const struct ptd_inv inv;
    static const struct ptd_addr_entry entry;
    static const struct ptd_hash hash;
    static const struct ptd_block_header header;

    for (unsigned i = 0; i <= PTD_MSG_N_TYPES; i++) {
        enum ptd_msg_type type = (enum ptd_msg_type)i;
        struct ptd_msg *m[4] = {
            ptd_msg_new_nonce(type, 1),
            ptd_msg_new_inv(type, &inv, 1),
            ptd_msg_new_addr(type, &entry, 1),
            ptd_msg_new_locator(type, 1, &hash, 1, &hash),
        };

        ck_assert((m[0] != NULL) ==
                  (type == PTD_MSG_PING || type == PTD_MSG_PONG));
        ck_assert((m[1] != NULL) ==
                  (type == PTD_MSG_INV || type == PTD_MSG_GETDATA ||
                   type == PTD_MSG_NOTFOUND));
        ck_assert((m[2] != NULL) ==
                  (type == PTD_MSG_ADDR || type == PTD_MSG_ADDRV2));
        ck_assert((m[3] != NULL) ==
                  (type == PTD_MSG_GETBLOCKS || type == PTD_MSG_GETHEADERS));
        for (size_t k = 0; k < PTD_COUNT(m); k++) {
            ck_assert(m[k] == NULL || m[k]->type == type);
            ptd_msg_free(m[k]);
        }
    }
    ck_assert_ptr_null(ptd_msg_new_addr(PTD_MSG_ADDR, &entry, 1001));
    ck_assert_ptr_null(ptd_msg_new_headers(&header, 2001));
}
END_TEST

START_TEST(short_hands_take_empty_lists)
{
    struct ptd_msg *m[] = {
        ptd_msg_new_inv(PTD_MSG_INV, NULL, 0),
        ptd_msg_new_addr(PTD_MSG_ADDR, NULL, 0),
        ptd_msg_new_headers(NULL, 0),
        ptd_msg_new_locator(PTD_MSG_GETBLOCKS, 1, NULL, 0, NULL),
    };

    for (size_t i = 0; i < PTD_COUNT(m); i++) {
        ck_assert_ptr_nonnull(m[i]);
        ck_assert_int_eq(encode_error(m[i], 70016), PTD_OK);
        ptd_msg_free(m[i]);
    }
}
END_TEST

TCase *tcase_text(void)
{
    TCase *tc = tcase_create("text");

    tcase_add_loop_test(tc, summary_is, 0, PTD_COUNT(lines));
    tcase_add_test(tc, summary_is_one_printable_line_of_any_length);
    tcase_add_test(tc, text_of_the_peer_is_escaped);
    tcase_add_loop_test(tc, dump_has_every_field, 0, PTD_COUNT(dumps));
    tcase_add_test(tc, dump_cuts_lists);
    tcase_add_test(tc, short_hands_know_their_types);
    tcase_add_test(tc, short_hands_take_empty_lists);
    return tc;
}
