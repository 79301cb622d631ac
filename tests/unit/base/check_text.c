#include <config.h>

#include "check_base.h"

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/escape.h"
#include "base/hex.h"
#include "base/util.h"
#include "pentad/err.h"
#include "pentad/hash.h"

/* ---- hex ------------------------------------------------------------ */

static const struct {
    const char *name, *hex;
    bool ok;
    size_t n;
    uint8_t bytes[4];
} hex_rows[] = {
    { "nothing", "", true, 0, { 0 } },
    { "one byte", "7f", true, 1, { 0x7f } },
    { "both cases", "aBCd", true, 2, { 0xab, 0xcd } },
    { "as many as fit", "00ff1020", true, 4, { 0x00, 0xff, 0x10, 0x20 } },
    { "one more than fits", "00ff102030", false, 0, { 0 } },
    { "odd", "7f0", false, 0, { 0 } },
    { "one digit", "7", false, 0, { 0 } },
    { "no digit", "0g", false, 0, { 0 } },
    { "no digit at first", "g0", false, 0, { 0 } },
    { "a space", "00 1", false, 0, { 0 } },
    { "a sign", "+1", false, 0, { 0 } },
    { "a prefix", "0x12", false, 0, { 0 } },
    { "below the digits", "/0", false, 0, { 0 } },
    { "above the digits", ":0", false, 0, { 0 } },
    { "a high byte", "\xb0\xb1", false, 0, { 0 } },
};

START_TEST(hex_decodes_digits_and_nothing_else)
{
    uint8_t out[4] = { 0 };
    size_t n;
    bool ok = ptd_hex_decode(out, sizeof out, &n, hex_rows[_i].hex);

    ck_assert_msg(ok == hex_rows[_i].ok, "%s", hex_rows[_i].name);
    if (ok) {
        ck_assert_uint_eq(n, hex_rows[_i].n);
        ck_assert_mem_eq(out, hex_rows[_i].bytes, sizeof out);
    }
}
END_TEST

START_TEST(hex_encodes_every_byte_both_ways_round)
{
    uint8_t all[256], back[256];
    char text[513];
    size_t n;

    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    ck_assert_ptr_eq(ptd_hex_encode(text, all, sizeof all), text);
    ck_assert_uint_eq(strlen(text), 512);
    ck_assert(memcmp(text, "000102", 6) == 0);
    ck_assert_str_eq(text + 506, "fdfeff");
    ck_assert(ptd_hex_decode(back, sizeof back, &n, text));
    ck_assert_mem_eq(back, all, sizeof all);

    ptd_hex_encode_reversed(text, all, sizeof all);
    ck_assert(memcmp(text, "fffefd", 6) == 0);
    ck_assert(ptd_hex_decode_reversed(back, sizeof back, text));
    ck_assert_mem_eq(back, all, sizeof all);
    ck_assert(!ptd_hex_decode_reversed(back, 255, text));
    text[510] = '\0';
    ck_assert(!ptd_hex_decode_reversed(back, 256, text));
}
END_TEST

/* ---- hashes --------------------------------------------------------- */

START_TEST(hash_is_written_and_read_in_display_order)
{
    static const char text[] =
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
    char out[PTD_HASH_HEX_SIZE];
    struct ptd_hash h, other;

    ck_assert(ptd_hash_from_hex(&h, text));
    ck_assert_uint_eq(h.b[0], 0x6f);
    ck_assert_uint_eq(h.b[31], 0x00);
    ck_assert_uint_eq(h.b[26], 0x19);
    ck_assert_str_eq(ptd_hash_to_hex(&h, out), text);
    other = h;
    ck_assert(ptd_hash_eq(&h, &other));
    other.b[31] ^= 1;
    ck_assert(!ptd_hash_eq(&h, &other));
    ck_assert(!ptd_hash_is_zero(&h));
    memset(&h, 0, sizeof h);
    ck_assert(ptd_hash_is_zero(&h));
}
END_TEST

START_TEST(hash_reads_nothing_but_64_digits)
{
    static const char *const bad[] = {
        "",
        "6f",
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26",
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f0",
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26g",
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f ",
    };
    struct ptd_hash h, before;

    memset(&h, 7, sizeof h);
    before = h;
    ck_assert(!ptd_hash_from_hex(&h, bad[_i]));
    ck_assert(ptd_hash_eq(&h, &before));
}
END_TEST

/* ---- escapes -------------------------------------------------------- */

static const struct {
    const char *name, *in;
    size_t n, cap;
    const char *want;
} escape_rows[] = {
    { "plain", "/Satoshi:31.0/", 14, 64, "/Satoshi:31.0/" },
    { "nothing", "", 0, 64, "" },
    { "a line's end", "a\nb", 3, 64, "a\\x0ab" },
    { "terminal codes", "\x1b[2J\x7f", 5, 64, "\\x1b[2J\\x7f" },
    { "a backslash", "\\x0a", 4, 64, "\\\\x0a" },
    { "a NUL inside", "a\0b", 3, 64, "a\\x00b" },
    { "high bytes", "\xc3\xa9\xff", 3, 64, "\\xc3\\xa9\\xff" },
    { "just fits", "0123456789", 10, 11, "0123456789" },
    { "one too long", "0123456789a", 11, 11, "0123456..." },
    { "cut before an escape", "012345\n78", 9, 11, "012345..." },
    { "an escape that just fits", "012345\n", 7, 11, "012345\\x0a" },
    { "only escapes", "\n\n\n", 3, 9, "\\x0a..." },
    { "no room for the mark", "abcdef", 6, 3, "ab" },
    { "no room at all", "abc", 3, 1, "" },
    { "the mark alone", "\n\n", 2, 4, "..." },
};

START_TEST(escape_leaves_nothing_that_could_do_harm)
{
    char out[64];

    memset(out, '!', sizeof out);
    ck_assert_ptr_eq(ptd_escape(out, escape_rows[_i].cap, escape_rows[_i].in,
                                escape_rows[_i].n),
                     out);
    ck_assert_msg(strcmp(out, escape_rows[_i].want) == 0, "%s: %s",
                  escape_rows[_i].name, out);
    ck_assert_uint_lt(strlen(out), escape_rows[_i].cap);
    for (size_t i = escape_rows[_i].cap; i < sizeof out; i++)
        ck_assert_int_eq(out[i], '!');
}
END_TEST

START_TEST(escape_fits_any_room_for_any_bytes)
{
    uint8_t in[40];
    char out[200];

    for (size_t seed = 0; seed < 64; seed++) {
        for (size_t i = 0; i < sizeof in; i++)
            in[i] = (uint8_t)((seed * 37 + i * i * 11) % 256);
        for (size_t cap = 1; cap <= sizeof out; cap++) {
            ptd_escape(out, cap, in, sizeof in);
            ck_assert_uint_lt(strlen(out), cap);
            for (const char *c = out; *c != '\0'; c++)
                ck_assert(*c >= 0x20 && *c < 0x7f);
        }
    }
}
END_TEST

/* ---- the small ones ------------------------------------------------- */

START_TEST(bytes_are_read_and_written_in_their_order)
{
    uint8_t b[9] = { 0xee, 1, 2, 3, 4, 5, 6, 7, 8 }, out[9] = { 0 };

    ck_assert_uint_eq(ptd_get_le16(b + 1), 0x0201);
    ck_assert_uint_eq(ptd_get_be16(b + 1), 0x0102);
    ck_assert_uint_eq(ptd_get_le32(b + 1), 0x04030201);
    ck_assert_uint_eq(ptd_get_be32(b + 1), 0x01020304);
    ck_assert_uint_eq(ptd_get_le64(b + 1), UINT64_C(0x0807060504030201));
    ptd_put_le64(out + 1, UINT64_C(0x0807060504030201));
    ck_assert_mem_eq(out + 1, b + 1, 8);
    ptd_put_be32(out + 1, 0x01020304);
    ck_assert_mem_eq(out + 1, b + 1, 4);
    ptd_put_le32(out + 1, 0x04030201);
    ck_assert_mem_eq(out + 1, b + 1, 4);
    ptd_put_be16(out + 1, 0x0102);
    ck_assert_mem_eq(out + 1, b + 1, 2);
    ptd_put_le16(out + 1, 0x0201);
    ck_assert_mem_eq(out + 1, b + 1, 2);
}
END_TEST

START_TEST(every_error_has_a_name_and_a_text_of_its_own)
{
    for (int e = 0; e < PTD_N_ERRORS; e++) {
        const char *name = ptd_err_name((enum ptd_err)e);
        const char *text = ptd_err_text((enum ptd_err)e);

        ck_assert(strncmp(name, "PTD_", 4) == 0);
        ck_assert_uint_gt(strlen(text), 3);
        for (int other = 0; other < e; other++) {
            ck_assert_str_ne(name, ptd_err_name((enum ptd_err)other));
            ck_assert_str_ne(text, ptd_err_text((enum ptd_err)other));
        }
    }
    ck_assert_str_eq(ptd_err_text((enum ptd_err)PTD_N_ERRORS), "unknown error");
    ck_assert_ptr_nonnull(ptd_err_name((enum ptd_err)PTD_N_ERRORS));
}
END_TEST

Suite *suite_text(void)
{
    Suite *s = suite_create("text and bytes");
    TCase *tc = tcase_create("text and bytes");

    tcase_set_timeout(tc, 10);
    tcase_add_loop_test(tc, hex_decodes_digits_and_nothing_else, 0,
                        PTD_COUNT(hex_rows));
    tcase_add_test(tc, hex_encodes_every_byte_both_ways_round);
    tcase_add_test(tc, hash_is_written_and_read_in_display_order);
    tcase_add_loop_test(tc, hash_reads_nothing_but_64_digits, 0, 6);
    tcase_add_loop_test(tc, escape_leaves_nothing_that_could_do_harm, 0,
                        PTD_COUNT(escape_rows));
    tcase_add_test(tc, escape_fits_any_room_for_any_bytes);
    tcase_add_test(tc, bytes_are_read_and_written_in_their_order);
    tcase_add_test(tc, every_error_has_a_name_and_a_text_of_its_own);
    suite_add_tcase(s, tc);
    return s;
}
