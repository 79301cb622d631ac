#include <config.h>

#include "check_base.h"

#include <string.h>

#include "base/u256.h"
#include "base/util.h"

#define ZEROS "00000000000000000000000000000000" /* 16 bytes */
#define ONES  "ffffffffffffffffffffffffffffffff"

static struct ptd_u256 number(const char *hex)
{
    struct ptd_u256 a;

    ck_assert_msg(ptd_u256_from_hex(&a, hex), "%s", hex);
    return a;
}

static void expect(const struct ptd_u256 *a, const char *hex)
{
    struct ptd_u256 want = number(hex);
    char got[PTD_HASH_HEX_SIZE];

    ck_assert_msg(ptd_u256_cmp(a, &want) == 0, "%s, not %s",
                  ptd_u256_to_hex(a, got), hex);
}

START_TEST(text_and_bytes_go_there_and_back)
{
    static const char hex[] =
        "0123456789abcdeffedcba9876543210f0e1d2c3b4a5968778695a4b3c2d1e0f";
    struct ptd_u256 a = number(hex), b;
    char out[PTD_HASH_HEX_SIZE];
    struct ptd_hash h;

    ck_assert_str_eq(ptd_u256_to_hex(&a, out), hex);
    ptd_u256_to_hash(&a, &h);
    ck_assert_str_eq(ptd_hash_to_hex(&h, out), hex);
    b = ptd_u256_from_hash(&h);
    ck_assert_int_eq(ptd_u256_cmp(&a, &b), 0);
    b = ptd_u256_from_u64(UINT64_C(0x1122334455667788));
    expect(&b, "1122334455667788");
    ck_assert(!ptd_u256_from_hex(&a, ""));
    ck_assert(!ptd_u256_from_hex(&a, "0x1"));
    ck_assert(!ptd_u256_from_hex(&a, ONES ONES "f"));
}
END_TEST

START_TEST(numbers_are_compared_from_the_top)
{
    static const char *const rising[] = {
        "0", "1", "ffffffff", "100000000", "1" ZEROS, "8" ZEROS "0", ONES ONES,
    };

    for (size_t i = 0; i < PTD_COUNT(rising); i++) {
        for (size_t j = 0; j < PTD_COUNT(rising); j++) {
            struct ptd_u256 a = number(rising[i]), b = number(rising[j]);

            ck_assert_int_eq(ptd_u256_cmp(&a, &b), (i > j) - (i < j));
        }
    }
}
END_TEST

static const struct {
    const char *a, *b, *sum, *difference; /* of a + b, a - b */
    bool carries, borrows;
} sum_rows[] = {
    { "0", "0", "0", "0", false, false },
    { "ffffffff", "1", "100000000", "fffffffe", false, false },
    { ONES, "1", "1" ZEROS, "fffffffffffffffffffffffffffffffe", false, false },
    { ONES ONES, "1", "0", ONES "fffffffffffffffffffffffffffffffe", true,
      false },
    { ONES ONES, ONES ONES, ONES "fffffffffffffffffffffffffffffffe", "0", true,
      false },
    { "0", "1", "1", ONES ONES, false, true },
    { "1" ZEROS, "1", "100000000000000000000000000000001", ONES, false, false },
};

START_TEST(sums_and_differences_carry)
{
    struct ptd_u256 a = number(sum_rows[_i].a), b = number(sum_rows[_i].b);
    struct ptd_u256 r = a;

    ck_assert_int_eq(ptd_u256_add(&r, &b), sum_rows[_i].carries);
    expect(&r, sum_rows[_i].sum);
    r = a;
    ck_assert_int_eq(ptd_u256_sub(&r, &b), sum_rows[_i].borrows);
    expect(&r, sum_rows[_i].difference);
}
END_TEST

START_TEST(products_carry_and_tell_when_they_do_not_fit)
{
    struct ptd_u256 a = number(ONES);

    ck_assert(!ptd_u256_mul_u32(&a, 0xffffffff));
    expect(&a, "fffffffeffffffffffffffffffffffff00000001");
    a = number(ONES ONES);
    ck_assert(ptd_u256_mul_u32(&a, 2));
    a = number(ONES ONES);
    ck_assert(!ptd_u256_mul_u32(&a, 1));
    ck_assert(!ptd_u256_mul_u32(&a, 0));
    ck_assert(ptd_u256_is_zero(&a));
}
END_TEST

START_TEST(shifts_move_every_bit)
{
    struct ptd_u256 one = number("1"), a, b;

    for (unsigned i = 0; i < 256; i++) {
        a = ptd_u256_shl(&one, i);
        ck_assert_uint_eq(ptd_u256_bits(&a), i + 1);
        ck_assert_uint_eq(a.w[i / 32], (uint32_t)1 << i % 32);
        b = ptd_u256_shr(&a, i);
        ck_assert_int_eq(ptd_u256_cmp(&b, &one), 0);
        b = ptd_u256_shr(&a, i + 1);
        ck_assert(ptd_u256_is_zero(&b));
    }
    a = ptd_u256_shl(&one, 256);
    ck_assert(ptd_u256_is_zero(&a));
    a = ptd_u256_shl(&one, 1000);
    ck_assert(ptd_u256_is_zero(&a));
    a = ptd_u256_shr(&one, 1000);
    ck_assert(ptd_u256_is_zero(&a));
    a = number("123456789abcdef0f");
    b = ptd_u256_shl(&a, 36);
    expect(&b, "123456789abcdef0f000000000");
    b = ptd_u256_shr(&a, 36);
    expect(&b, "12345678");
}
END_TEST

START_TEST(quotients_come_back_as_products)
{
    /* a = q * d + r with r < d, for divisors of one word so that products can
     * be checked by ptd_u256_mul_u32(). */
    static const uint32_t divisors[] = { 1, 2, 3, 10, 1209600, 0xffffffff };
    struct ptd_u256 a = number("0123456789abcdeffedcba9876543210"
                               "f0e1d2c3b4a5968778695a4b3c2d1e0f");

    for (size_t i = 0; i < PTD_COUNT(divisors); i++) {
        struct ptd_u256 d = ptd_u256_from_u64(divisors[i]);
        struct ptd_u256 q = ptd_u256_div(&a, &d), r = a, product = q;

        ck_assert(!ptd_u256_mul_u32(&product, divisors[i]));
        ck_assert(!ptd_u256_sub(&r, &product));
        ck_assert_int_lt(ptd_u256_cmp(&r, &d), 0);
    }
}
END_TEST

static const struct {
    const char *a, *b, *quotient;
} div_rows[] = {
    { "0", "1", "0" },
    { "7", "8", "0" },
    { "8", "8", "1" },
    { ONES ONES, "1", ONES ONES },
    { ONES ONES, ONES ONES, "1" },
    { ONES ONES, ONES, "100000000000000000000000000000001" },
    { "fffffffffffffffffffffffffffffffe" ONES, ONES ONES, "0" },
    { "1" ZEROS, "10000", "10000000000000000000000000000" },
};

START_TEST(quotients_are_rounded_down)
{
    struct ptd_u256 a = number(div_rows[_i].a), b = number(div_rows[_i].b);
    struct ptd_u256 q = ptd_u256_div(&a, &b);

    expect(&q, div_rows[_i].quotient);
}
END_TEST

START_TEST(doubles_are_near)
{
    struct ptd_u256 a = number("1" ZEROS);

    ck_assert_double_eq(ptd_u256_to_double(&a),
                        340282366920938463463374607431768211456.0);
    a = number("123456789");
    ck_assert_double_eq(ptd_u256_to_double(&a), 4886718345.0);
}
END_TEST

/* The first column as a target; what it is when written again. */
static const struct {
    uint32_t bits;
    bool ok;
    const char *target;
    uint32_t again;
} compact_rows[] = {
    { 0x00000000, true, "0", 0 },
    { 0x00123456, true, "0", 0 },
    { 0x01003456, true, "0", 0 },
    { 0x02000056, true, "0", 0 },
    { 0x03000000, true, "0", 0 },
    { 0x04000000, true, "0", 0 },
    { 0x00923456, true, "0", 0 },
    { 0x01803456, true, "0", 0 }, /* minus zero */
    { 0x02800056, true, "0", 0 },
    { 0x03800000, true, "0", 0 },
    { 0x04800000, true, "0", 0 },
    { 0x01123456, true, "12", 0x01120000 },
    { 0x02008000, true, "80", 0x02008000 },
    { 0x02123456, true, "1234", 0x02123400 },
    { 0x03123456, true, "123456", 0x03123456 },
    { 0x04123456, true, "12345600", 0x04123456 },
    { 0x05009234, true, "92340000", 0x05009234 },
    { 0x20123456, true,
      "1234560000000000000000000000000000000000000000000000000000000000",
      0x20123456 },
    { 0x1d00ffff, true,
      "00000000ffff0000000000000000000000000000000000000000000000000000",
      0x1d00ffff },
    { 0x207fffff, true,
      "7fffff0000000000000000000000000000000000000000000000000000000000",
      0x207fffff },
    { 0x220000ff, true,
      "ff00000000000000000000000000000000000000000000000000000000000000",
      0x2100ff00 },
    { 0x04923456, false, "0", 0 }, /* negative */
    { 0x01fedcba, false, "0", 0 }, /* negative: -0x7e */
    { 0xff123456, false, "0", 0 }, /* too large */
    { 0x23000001, false, "0", 0 },
    { 0x22000100, false, "0", 0 },
    { 0x21010000, false, "0", 0 },
};

START_TEST(compact_form_is_read_and_written)
{
    struct ptd_u256 a;
    bool ok = ptd_u256_from_compact(&a, compact_rows[_i].bits);

    ck_assert_msg(ok == compact_rows[_i].ok, "%08x", compact_rows[_i].bits);
    expect(&a, compact_rows[_i].target);
    ck_assert_uint_eq(ptd_u256_to_compact(&a), compact_rows[_i].again);
}
END_TEST

static const struct {
    const char *target, *work;
} work_rows[] = {
    /* Lowest difficulty of mainnet and of regtest. */
    { "00000000ffff0000000000000000000000000000000000000000000000000000",
      "100010001" },
    { "7fffff0000000000000000000000000000000000000000000000000000000000", "2" },
    { "0", ONES ONES }, /* 2^256 does not fit: never asked for */
    { "1", "8" ZEROS "0000000000000000000000000000000" },
    { ONES ONES, "1" },
    { ONES "fffffffffffffffffffffffffffffffe", "1" },
    { ONES, "1" ZEROS },
};

START_TEST(work_is_the_expected_number_of_hashes)
{
    struct ptd_u256 target = number(work_rows[_i].target);
    struct ptd_u256 work;

    if (ptd_u256_is_zero(&target)) {
        work = ptd_u256_work(&target);
        ck_assert(ptd_u256_is_zero(&work)); /* modulo 2^256 */
        return;
    }
    work = ptd_u256_work(&target);
    expect(&work, work_rows[_i].work);
}
END_TEST

Suite *suite_u256(void)
{
    Suite *s = suite_create("u256");
    TCase *tc = tcase_create("u256");

    tcase_set_timeout(tc, 10);
    tcase_add_test(tc, text_and_bytes_go_there_and_back);
    tcase_add_test(tc, numbers_are_compared_from_the_top);
    tcase_add_loop_test(tc, sums_and_differences_carry, 0, PTD_COUNT(sum_rows));
    tcase_add_test(tc, products_carry_and_tell_when_they_do_not_fit);
    tcase_add_test(tc, shifts_move_every_bit);
    tcase_add_test(tc, quotients_come_back_as_products);
    tcase_add_loop_test(tc, quotients_are_rounded_down, 0, PTD_COUNT(div_rows));
    tcase_add_test(tc, doubles_are_near);
    tcase_add_loop_test(tc, compact_form_is_read_and_written, 0,
                        PTD_COUNT(compact_rows));
    tcase_add_loop_test(tc, work_is_the_expected_number_of_hashes, 0,
                        PTD_COUNT(work_rows));
    suite_add_tcase(s, tc);
    return s;
}
