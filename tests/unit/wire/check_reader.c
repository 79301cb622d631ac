#include <config.h>

#include "check_wire.h"

#include <inttypes.h>

#include "base/util.h"

/* ---- compact sizes -------------------------------------------------------- */

static const struct {
    const char *name, *hex;
    uint64_t want;
    enum ptd_err err;
} varints[] = {
    { "zero", "00", 0, PTD_OK },
    { "largest of one byte", "fc", 0xfc, PTD_OK },
    { "smallest of three", "fdfd00", 0xfd, PTD_OK },
    { "largest of three", "fdffff", 0xffff, PTD_OK },
    { "smallest of five", "fe00000100", 0x10000, PTD_OK },
    { "largest of five", "feffffffff", 0xffffffff, PTD_OK },
    { "smallest of nine", "ff0000000001000000", 0x100000000, PTD_OK },
    { "largest of nine", "ffffffffffffffffff", UINT64_MAX, PTD_OK },
    { "three instead of one", "fdfc00", 0, PTD_ENONCANON },
    { "five instead of three", "feffff0000", 0, PTD_ENONCANON },
    { "nine instead of five", "ffffffffff00000000", 0, PTD_ENONCANON },
    { "nothing", "", 0, PTD_ESHORT },
    { "three, cut", "fd10", 0, PTD_ESHORT },
    { "five, cut", "fe101010", 0, PTD_ESHORT },
    { "nine, cut", "ff10101010101010", 0, PTD_ESHORT },
};

START_TEST(varint_decodes_its_shortest_form_only)
{
    struct blob b = blob_hex(varints[_i].hex);
    struct ptd_reader r;
    uint64_t got;

    ptd_reader_init(&r, b.p, b.n);
    got = ptd_read_varint(&r, "x");
    ck_assert_msg(r.err == varints[_i].err, "%s: %s", varints[_i].name,
                  ptd_err_text(r.err));
    ck_assert_msg(got == varints[_i].want, "%s: %" PRIu64, varints[_i].name,
                  got);
    if (r.err == PTD_OK)
        ck_assert_uint_eq(ptd_reader_left(&r), 0);
    blob_free(&b);
}
END_TEST

START_TEST(varint_encodes_to_what_was_decoded)
{
    struct blob b = blob_hex(varints[_i].hex);
    uint8_t out[9];
    struct ptd_writer w;

    if (varints[_i].err == PTD_OK) {
        ptd_writer_init(&w, out, sizeof out);
        ptd_write_varint(&w, varints[_i].want);
        ck_assert_uint_eq(w.n, b.n);
        ck_assert_mem_eq(out, b.p, b.n);
        ck_assert_uint_eq(ptd_varint_bytes(varints[_i].want), b.n);
    }
    blob_free(&b);
}
END_TEST

/* ---- counts --------------------------------------------------------------- */

static const struct {
    const char *name, *hex;
    uint32_t limit;
    size_t min_bytes;
    uint32_t want;
    enum ptd_err err;
} counts[] = {
    { "none", "00", 10, 4, 0, PTD_OK },
    { "as many as fit", "02 0000000000000000", 10, 4, 2, PTD_OK },
    { "one more than fits", "03 0000000000000000", 10, 4, 0, PTD_ESHORT },
    { "at its limit", "02 0000", 2, 1, 2, PTD_OK },
    { "above its limit", "03 000000", 2, 1, 0, PTD_ETOOBIG },
    { "2^63", "ff0000000000000080", 50000, 36, 0, PTD_ETOOBIG },
    { "2^64 - 1", "ffffffffffffffffff", UINT32_MAX, 36, 0, PTD_ETOOBIG },
    { "2^32 - 1, allowed", "feffffffff", UINT32_MAX, 36, 0, PTD_ESHORT },
    { "not canonical", "fd0000", 10, 1, 0, PTD_ENONCANON },
};

START_TEST(count_is_held_against_limit_and_bytes_left)
{
    struct blob b = blob_hex(counts[_i].hex);
    struct ptd_reader r;
    uint32_t got;

    ptd_reader_init(&r, b.p, b.n);
    got = ptd_read_count(&r, "list", counts[_i].limit, counts[_i].min_bytes);
    ck_assert_msg(r.err == counts[_i].err, "%s: %s", counts[_i].name,
                  ptd_err_text(r.err));
    ck_assert_msg(got == counts[_i].want, "%s: %" PRIu32, counts[_i].name, got);
    if (r.err != PTD_OK)
        ck_assert_str_eq(r.field, "list");
    blob_free(&b);
}
END_TEST

/* ---- the error that sticks ------------------------------------------------ */

START_TEST(first_error_sticks_and_reads_give_zero)
{
    struct blob b = blob_hex("01020304");
    struct ptd_reader r;
    struct ptd_hash h;
    struct ptd_bytes v;

    ptd_reader_init(&r, b.p, b.n);
    ck_assert_uint_eq(ptd_read_u64(&r, "first"), 0);
    ck_assert_uint_eq(ptd_read_u8(&r, "second"), 0);
    ck_assert_uint_eq(ptd_read_u16le(&r, "second"), 0);
    ck_assert_uint_eq(ptd_read_u16be(&r, "second"), 0);
    ck_assert_uint_eq(ptd_read_u32(&r, "second"), 0);
    ck_assert_uint_eq(ptd_read_varint(&r, "second"), 0);
    ck_assert_uint_eq(ptd_read_count(&r, "second", 0, 1), 0);
    v = ptd_read_var_bytes(&r, "second", 100);
    ck_assert_uint_eq(v.n, 0);
    memset(&h, 1, sizeof h);
    ptd_read_hash(&r, &h, "second");
    ck_assert(ptd_hash_is_zero(&h));
    ptd_reader_fail(&r, PTD_EBADVALUE, "third", 1, 2);
    ck_assert_int_eq(r.err, PTD_ESHORT);
    ck_assert_str_eq(r.field, "first");
    ck_assert_uint_eq(r.got, 8);
    ck_assert_uint_eq(r.limit, 4);
    blob_free(&b);
}
END_TEST

START_TEST(integers_are_read_and_written_in_their_byte_order)
{
    struct blob b = blob_hex("01 0203 0405 06070809 0a0b0c0d0e0f1011 ffffffff");
    uint8_t out[32];
    struct ptd_reader r;
    struct ptd_writer w;

    ptd_reader_init(&r, b.p, b.n);
    ptd_writer_init(&w, out, sizeof out);
    ck_assert_uint_eq(ptd_read_u8(&r, ""), 1);
    ck_assert_uint_eq(ptd_read_u16le(&r, ""), 0x0302);
    ck_assert_uint_eq(ptd_read_u16be(&r, ""), 0x0405);
    ck_assert_uint_eq(ptd_read_u32(&r, ""), 0x09080706);
    ck_assert(ptd_read_u64(&r, "") == UINT64_C(0x11100f0e0d0c0b0a));
    ck_assert_int_eq(ptd_read_i32(&r, ""), -1);
    ck_assert_int_eq(r.err, PTD_OK);
    ptd_write_u8(&w, 1);
    ptd_write_u16le(&w, 0x0302);
    ptd_write_u16be(&w, 0x0405);
    ptd_write_u32(&w, 0x09080706);
    ptd_write_u64(&w, UINT64_C(0x11100f0e0d0c0b0a));
    ptd_write_i32(&w, -1);
    ck_assert_uint_eq(w.n, b.n);
    ck_assert_mem_eq(out, b.p, b.n);
    blob_free(&b);
}
END_TEST

/* ---- writing -------------------------------------------------------------- */

START_TEST(writer_stops_at_its_capacity)
{
    uint8_t out[5] = { 0, 0, 0, 0, 0x77 };
    struct ptd_writer w;

    ptd_writer_init(&w, out, 4);
    ptd_write_u16le(&w, 0x0201);
    ptd_write_u32(&w, 0xffffffff);
    ck_assert_int_eq(w.err, PTD_EFULL);
    ptd_write_u8(&w, 9);
    ck_assert_int_eq(w.err, PTD_EFULL);
    ck_assert_uint_eq(w.n, 2);
    ck_assert_mem_eq(out, "\x01\x02\x00\x00\x77", 5);
}
END_TEST

START_TEST(writer_without_a_buffer_counts)
{
    struct ptd_writer w;

    ptd_writer_init(&w, NULL, 0);
    ptd_write_u32(&w, 1);
    ptd_write_varint(&w, 0x10000);
    ptd_write_var_bytes(&w, "x", (struct ptd_bytes){ NULL, 0 }, 10);
    ck_assert_ptr_null(ptd_write_space(&w, 100));
    ck_assert_int_eq(w.err, PTD_OK);
    ck_assert_uint_eq(w.n, 4 + 5 + 1 + 100);
}
END_TEST

START_TEST(writer_refuses_a_list_above_its_limit)
{
    uint8_t out[16];
    struct ptd_writer w;

    ptd_writer_init(&w, out, sizeof out);
    ptd_write_count(&w, "list", 11, 10);
    ptd_write_u8(&w, 1);
    ck_assert_int_eq(w.err, PTD_ETOOBIG);
    ck_assert_str_eq(w.field, "list");
    ck_assert_uint_eq(w.n, 0);
}
END_TEST

TCase *tcase_reader(void)
{
    TCase *tc = tcase_create("reader");

    tcase_add_loop_test(tc, varint_decodes_its_shortest_form_only, 0,
                        PTD_COUNT(varints));
    tcase_add_loop_test(tc, varint_encodes_to_what_was_decoded, 0,
                        PTD_COUNT(varints));
    tcase_add_loop_test(tc, count_is_held_against_limit_and_bytes_left, 0,
                        PTD_COUNT(counts));
    tcase_add_test(tc, first_error_sticks_and_reads_give_zero);
    tcase_add_test(tc, integers_are_read_and_written_in_their_byte_order);
    tcase_add_test(tc, writer_stops_at_its_capacity);
    tcase_add_test(tc, writer_without_a_buffer_counts);
    tcase_add_test(tc, writer_refuses_a_list_above_its_limit);
    return tc;
}
