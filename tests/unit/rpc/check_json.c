/* JSON: what is read, what is refused, what comes out again. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "rig.h"
#include "rpc/base64.h"
#include "rpc/json.h"

/* ---- texts ----------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *want; /* NULL: refused; "=": the same */
} rows[] = {
    /* What RFC 8259 allows. */
    { "null", "=" },
    { "true", "=" },
    { " false ", "false" },
    { "0", "=" },
    { "-0", "0" },
    { "-1", "=" },
    { "9223372036854775807", "=" },
    { "-9223372036854775808", "=" },
    { "9223372036854775808", "=" },
    { "123456789012345678901234567890", "=" },
    { "1.50", "=" },
    { "1e400", "=" },
    { "-0.0E-05", "=" },
    { "\"\"", "=" },
    { "\"a b\"", "=" },
    { "\"\\u0000\\u001f\\u007f\"", "=" },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
    { "\"\\u00E9\\u20ac\\uD834\\uDD1E\"",
      "\"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\"" },
    { "\"\xf4\x8f\xbf\xbf\"", "=" },
    { "[]", "=" },
    { "[ ]", "[]" },
    { "[1,[2,{}],\"3\"]", "=" },
    { "{}", "=" },
    { "{ }", "{}" },
    { "{\"b\":1,\"a\":{\"c\":[null]}}", "=" },
    { "{\"a\":1,\"a\":2}", "{\"a\":1}" },
    { "\t\r\n [ 1 , 2 ] \n", "[1,2]" },

    /* What it does not. */
    { "", NULL },
    { " ", NULL },
    { "nul", NULL },
    { "nulll", NULL },
    { "True", NULL },
    { "01", NULL },
    { "-", NULL },
    { "-a", NULL },
    { "+1", NULL },
    { ".5", NULL },
    { "1.", NULL },
    { "1.e1", NULL },
    { "1e", NULL },
    { "1e+", NULL },
    { "0x1", NULL },
    { "NaN", NULL },
    { "Infinity", NULL },
    { "1 2", NULL },
    { "\"", NULL },
    { "\"\\", NULL },
    { "\"\\\"", NULL },
    { "\"\\x\"", NULL },
    { "\"\\u12\"", NULL },
    { "\"\\u12g4\"", NULL },
    { "\"\\ud800\"", NULL },
    { "\"\\ud800x\"", NULL },
    { "\"\\ud800\\n\"", NULL },
    { "\"\\ud800\\u0041\"", NULL },
    { "\"\\udc00\"", NULL },
    { "\"\n\"", NULL },
    { "\"\x1f\"", NULL },
    { "\"\xff\"", NULL },
    { "\"\x80\"", NULL },
    { "\"\xc0\x80\"", NULL },
    { "\"\xc3\"", NULL },
    { "\"\xe0\x9f\xbf\"", NULL },
    { "\"\xed\xa0\x80\"", NULL },
    { "\"\xf0\x8f\xbf\xbf\"", NULL },
    { "\"\xf4\x90\x80\x80\"", NULL },
    { "'a'", NULL },
    { "[", NULL },
    { "[1", NULL },
    { "[1,", NULL },
    { "[1,]", NULL },
    { "[,1]", NULL },
    { "[1 2]", NULL },
    { "]", NULL },
    { "{", NULL },
    { "{\"a\"", NULL },
    { "{\"a\":", NULL },
    { "{\"a\":1", NULL },
    { "{\"a\":1,", NULL },
    { "{\"a\":1,}", NULL },
    { "{\"a\" 1}", NULL },
    { "{a:1}", NULL },
    { "{1:1}", NULL },
    { "{\"a\\u0000\":1}", NULL },
    { "[1}", NULL },
    { "/**/1", NULL },
    { "\xef\xbb\xbf"
      "1",
      NULL },
};

/* Copied to its exact length, so that a sanitizer sees a byte too many. */
static enum ptd_err read_exactly(struct ptd_json_doc *d, const char *text,
                                 size_t n, unsigned flags)
{
    char *copy = malloc(n != 0 ? n : 1);
    enum ptd_err e;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, n);
    e = ptd_json_read(d, copy, n, flags);
    free(copy);
    return e;
}

START_TEST(json_is_read_and_written)
{
    const char *want = rows[_i].want;
    struct ptd_json_doc d;
    struct ptd_text t = { 0 };
    enum ptd_err e = read_exactly(&d, rows[_i].text, strlen(rows[_i].text), 0);

    if (want == NULL) {
        ck_assert_msg(e == PTD_EINVAL, "%s: %s", rows[_i].text,
                      ptd_err_name(e));
        ck_assert_ptr_null(d.root);
        return;
    }
    if (strcmp(want, "=") == 0)
        want = rows[_i].text;
    ck_assert_msg(e == PTD_OK, "%s: %s", rows[_i].text, ptd_err_name(e));
    ptd_json_write(&t, d.root, 0);
    ck_assert_msg(strcmp(t.v, want) == 0, "%s, not %s", t.v, want);
    ptd_text_fini(&t);
    ptd_json_doc_fini(&d);
    /* Cut anywhere, it is read or refused, never over its end. */
    for (size_t n = 0; n < strlen(rows[_i].text); n++)
        if (read_exactly(&d, rows[_i].text, n, PTD_JSON_KEEP_NUMBERS) == PTD_OK)
            ptd_json_doc_fini(&d);
}
END_TEST

START_TEST(json_is_written_on_lines)
{
    static const char text[] = "{\"a\":[1,{\"b\":[]}],\"c\":{},\"d\":\"\\n\"}";
    static const char want[] = "{\n"
                               "  \"a\": [\n"
                               "    1,\n"
                               "    {\n"
                               "      \"b\": [\n"
                               "      ]\n"
                               "    }\n"
                               "  ],\n"
                               "  \"c\": {\n"
                               "  },\n"
                               "  \"d\": \"\\n\"\n"
                               "}";
    struct ptd_json_doc d;
    struct ptd_text t = { 0 };

    ck_assert_int_eq(ptd_json_read(&d, text, strlen(text), 0), PTD_OK);
    ptd_json_write(&t, d.root, 2);
    ck_assert_str_eq(t.v, want);
    ptd_text_fini(&t);
    ptd_json_doc_fini(&d);
}
END_TEST

static void expect_depth(size_t depth, enum ptd_err want)
{
    char *text = malloc(2 * depth);
    struct ptd_json_doc d;

    ck_assert_ptr_nonnull(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    ck_assert_int_eq(ptd_json_read(&d, text, 2 * depth, 0), want);
    ptd_json_doc_fini(&d);
    free(text);
}

START_TEST(depth_is_limited)
{
    expect_depth(PTD_JSON_MAX_DEPTH, PTD_OK);
    expect_depth(PTD_JSON_MAX_DEPTH + 1, PTD_ETOOBIG);
    expect_depth(1000000, PTD_ETOOBIG);
}
END_TEST

START_TEST(the_number_of_values_is_limited)
{
    size_t n = PTD_JSON_MAX_VALUES; /* with the array itself one more */
    char *text = malloc(2 * n + 1);
    struct ptd_json_doc d;

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < n; i++)
        memcpy(text + 2 * i, ",0", 2);
    text[0] = '[';
    text[2 * n] = ']';
    ck_assert_int_eq(ptd_json_read(&d, text, 2 * n + 1, 0), PTD_ETOOBIG);
    ck_assert_int_eq(ptd_json_read(&d, text, 2 * n + 1, PTD_JSON_ANY_SIZE),
                     PTD_OK);
    ptd_json_doc_fini(&d);
    text[2 * n - 2] = ']';
    ck_assert_int_eq(ptd_json_read(&d, text, 2 * n - 1, 0), PTD_OK);
    ptd_json_doc_fini(&d);
    free(text);
}
END_TEST

START_TEST(repeated_keys_are_known)
{
    static const char text[] =
        "{\"a\":{\"x\":1,\"y\":2,\"x\":3,\"y\":4},\"b\":{\"x\":1}}";
    struct ptd_json_doc d;

    ck_assert_int_eq(ptd_json_read(&d, text, strlen(text), 0), PTD_OK);
    ck_assert_str_eq(ptd_json_repeated(&d, json_object_get(d.root, "a")), "x");
    ck_assert_ptr_null(ptd_json_repeated(&d, json_object_get(d.root, "b")));
    ck_assert_ptr_null(ptd_json_repeated(&d, d.root));
    ptd_json_doc_fini(&d);
}
END_TEST

/* CPU time to read a batch of n requests, each with a repeated key, and to ask
 * for each of these. */
static clock_t read_repeats(size_t n)
{
    static const char one[] = "{\"a\":1,\"a\":2},";
    struct ptd_text t = { 0 };
    struct ptd_json_doc d;
    clock_t begin;

    ptd_text_puts(&t, "[");
    for (size_t i = 0; i < n; i++)
        ptd_text_puts(&t, one);
    ptd_text_puts(&t, "1]");
    begin = clock();
    ck_assert_int_eq(ptd_json_read(&d, t.v, t.n, 0), PTD_OK);
    for (size_t i = 0; i < n; i++)
        ck_assert_str_eq(ptd_json_repeated(&d, json_array_get(d.root, i)), "a");
    begin = clock() - begin;
    ptd_json_doc_fini(&d);
    ptd_text_fini(&t);
    return begin;
}

START_TEST(many_repeated_keys_cost_no_more_each)
{
    clock_t few = read_repeats(5000), many = read_repeats(40000);

    /* Eight times as many; 64 times the work if each looked at all others. */
    ck_assert_msg((double)many < 24.0 * (double)few,
                  "%ld for 5000, %ld for 40000", (long)few, (long)many);
}
END_TEST

/* Texts of the table, changed at random: what is read is written so that it is
 * read the same again. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void expect_stable(const char *text, size_t n, unsigned flags)
{
    struct ptd_text once = { 0 }, twice = { 0 };
    struct ptd_json_doc d;

    if (read_exactly(&d, text, n, flags) != PTD_OK)
        return;
    ptd_json_write(&once, d.root, 0);
    ptd_json_doc_fini(&d);
    ck_assert(read_exactly(&d, once.v, once.n, flags) == PTD_OK);
    ptd_json_write(&twice, d.root, 0);
    ptd_json_doc_fini(&d);
    ck_assert(once.n == twice.n && memcmp(once.v, twice.v, once.n) == 0);
    ptd_text_fini(&once);
    ptd_text_fini(&twice);
}

START_TEST(changed_texts_are_read_alike_or_refused)
{
    static const char alphabet[] = "[]{}\",:\\u0d8e+-.19ntf \x80\xff\x01";
    uint64_t state = 88172645463325252;
    char text[128];

    for (int i = 0; i < 50000; i++) {
        const char *from = rows[next_random(&state) % PTD_COUNT(rows)].text;
        const char *tail = rows[next_random(&state) % PTD_COUNT(rows)].text;
        size_t cut = next_random(&state) % (strlen(from) + 1), n;

        n = (size_t)snprintf(text, sizeof text, "%.*s%s", (int)cut, from, tail);
        n = PTD_MIN(n, sizeof text - 1);
        for (size_t k = next_random(&state) % 4; k > 0 && n > 0; k--)
            text[next_random(&state) % n] =
                alphabet[next_random(&state) % sizeof alphabet];
        expect_stable(text, n, i % 2 == 0 ? 0 : PTD_JSON_KEEP_NUMBERS);
    }
}
END_TEST

/* ---- numbers --------------------------------------------------------------- */

static const struct {
    const char *text;
    unsigned decimals;
    bool good;
    int64_t want;
} fixed_rows[] = {
    { "0", 8, true, 0 },
    { "-0", 8, true, 0 },
    { "0.00000000", 8, true, 0 },
    { "0e99", 8, true, 0 },
    { "1", 8, true, 100000000 },
    { "1.0000000000000000000000", 8, true, 100000000 },
    { "0.00000001", 8, true, 1 },
    { "1e-8", 8, true, 1 },
    { "10e-9", 8, true, 1 },
    { "0.1e-7", 8, true, 1 },
    { "1E+2", 8, true, 10000000000 },
    { "-0.5", 8, true, -50000000 },
    { "20999999.9769", 8, true, 2099999997690000 },
    { "9999999999.99999999", 8, true, 999999999999999999 },
    { "10000000000", 8, false, 0 },
    { "1e17", 0, true, 100000000000000000 },
    { "1e18", 0, false, 0 },
    { "0.000000001", 8, false, 0 },
    { "1e-9", 8, false, 0 },
    { "1e101", 8, false, 0 },
    { "1e-101", 8, false, 0 },
    { "1e99999999999999999999", 8, false, 0 },
    { "", 8, false, 0 },
    { "1.", 8, false, 0 },
    { ".1", 8, false, 0 },
    { "01", 8, false, 0 },
    { "+1", 8, false, 0 },
    { " 1", 8, false, 0 },
    { "1 ", 8, false, 0 },
    { "1,5", 8, false, 0 },
    { "0x10", 8, false, 0 },
    { "abc", 8, false, 0 },
};

START_TEST(a_fixed_point_number_is_read_exactly)
{
    int64_t got = -7;
    bool good =
        ptd_json_fixed_point(fixed_rows[_i].text, strlen(fixed_rows[_i].text),
                             fixed_rows[_i].decimals, &got);

    ck_assert_msg(good == fixed_rows[_i].good, "%s", fixed_rows[_i].text);
    if (good)
        ck_assert_msg(got == fixed_rows[_i].want, "%s: %lld",
                      fixed_rows[_i].text, (long long)got);
}
END_TEST

static void expect_written(json_t *v, const char *want)
{
    struct ptd_text t = { 0 };

    ck_assert_ptr_nonnull(v);
    ptd_json_write(&t, v, 0);
    ck_assert_str_eq(t.v, want);
    ptd_text_fini(&t);
    json_decref(v);
}

START_TEST(values_are_made_as_core_prints_them)
{
    static const char bad[] = "a\xff\xc3\xa9\x00z";
    struct ptd_hash h = { { 1, 2 } };

    expect_written(ptd_json_amount(0), "0.00000000");
    expect_written(ptd_json_amount(-1), "-0.00000001");
    expect_written(ptd_json_amount(INT64_MIN), "-92233720368.54775808");
    expect_written(ptd_json_number("18446744073709551615"),
                   "18446744073709551615");
    expect_written(ptd_json_text(bad, sizeof bad - 1),
                   "\"a?\xc3\xa9\\u0000z\"");
    expect_written(ptd_json_text("", 0), "\"\"");
    expect_written(ptd_json_hex("\x00\xff", 2), "\"00ff\"");
    expect_written(ptd_json_hex(NULL, 0), "\"\"");
    expect_written(ptd_json_hash(&h), "\"000000000000000000000000000000000000"
                                      "0000000000000000000000000201\"");
    expect_written(json_real(1), "1");
    expect_written(json_real(0.1), "0.1");
    expect_written(json_real(4.656542373906925e-10), "4.656542373906925e-10");
    expect_written(json_real(1e300), "1e+300");
}
END_TEST

START_TEST(types_are_told_apart)
{
    json_t *raw = ptd_json_number("1.5"), *text = json_string("1.5");
    int64_t i;
    double d;

    ck_assert_int_eq(ptd_json_type(NULL), PTD_JSON_NULL);
    ck_assert_int_eq(ptd_json_type(json_null()), PTD_JSON_NULL);
    ck_assert_int_eq(ptd_json_type(json_true()), PTD_JSON_BOOL);
    ck_assert_int_eq(ptd_json_type(raw), PTD_JSON_NUMBER);
    ck_assert_int_eq(ptd_json_type(text), PTD_JSON_STRING);
    ck_assert(!ptd_json_to_int(raw, &i));
    ck_assert(!ptd_json_to_int(text, &i));
    ck_assert(!ptd_json_to_int(NULL, &i));
    ck_assert(ptd_json_to_double(raw, &d));
    ck_assert(d > 1.4 && d < 1.6);
    ck_assert(!ptd_json_to_double(text, &d));
    json_decref(raw);
    json_decref(text);
    raw = ptd_json_number("1e400");
    ck_assert(!ptd_json_to_double(raw, &d));
    json_decref(raw);
}
END_TEST

START_TEST(building_goes_on_after_a_failure)
{
    json_t *o = json_object(), *a = json_array();

    ptd_json_set(&o, "a", NULL);
    ck_assert_ptr_null(o);
    ptd_json_set(&o, "b", json_integer(1));
    ck_assert_ptr_null(o);
    ptd_json_append(&a, json_integer(1));
    ck_assert_ptr_nonnull(a);
    ptd_json_append(&a, NULL);
    ptd_json_append(&a, json_integer(2));
    ck_assert_ptr_null(a);
}
END_TEST

/* ---- base64 ---------------------------------------------------------------- */

/* RFC 4648 section 10, and what is wrong. */
static const struct {
    const char *text, *want;
} base64_rows[] = {
    { "", "" },
    { "Zg==", "f" },
    { "Zm8=", "fo" },
    { "Zm9v", "foo" },
    { "Zm9vYg==", "foob" },
    { "Zm9vYmE=", "fooba" },
    { "Zm9vYmFy", "foobar" },
    { " Zg== ", "f" },
    { "Zg=", NULL },
    { "Zg", NULL },
    { "Z===", NULL },
    { "====", NULL },
    { "=Zg=", NULL },
    { "Zh==", NULL },
    { "Zm9=", NULL },
    { "Zm9v=", NULL },
    { "Zm 9v", NULL },
    { "Zm-_", NULL },
    { "Zm\xffv", NULL },
    { "Zg==Zg==", NULL },
};

START_TEST(base64_is_read_strictly)
{
    enum ptd_err e;
    char *out, text[32];
    size_t n;

    e = ptd_base64_decode(&out, &n, base64_rows[_i].text);
    if (base64_rows[_i].want == NULL) {
        ck_assert_msg(e == PTD_EINVAL, "%s", base64_rows[_i].text);
        return;
    }
    ck_assert_msg(e == PTD_OK, "%s", base64_rows[_i].text);
    ck_assert_str_eq(out, base64_rows[_i].want);
    ck_assert_uint_eq(n, strlen(out));
    ptd_base64_encode(text, out, n);
    if (base64_rows[_i].text[0] != ' ')
        ck_assert_str_eq(text, base64_rows[_i].text);
    free(out);
}
END_TEST

TCase *json_case(void)
{
    TCase *tc = tcase_create("json");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, json_is_read_and_written, 0, PTD_COUNT(rows));
    tcase_add_test(tc, json_is_written_on_lines);
    tcase_add_test(tc, depth_is_limited);
    tcase_add_test(tc, the_number_of_values_is_limited);
    tcase_add_test(tc, repeated_keys_are_known);
    tcase_add_test(tc, many_repeated_keys_cost_no_more_each);
    tcase_add_test(tc, changed_texts_are_read_alike_or_refused);
    tcase_add_loop_test(tc, a_fixed_point_number_is_read_exactly, 0,
                        PTD_COUNT(fixed_rows));
    tcase_add_test(tc, values_are_made_as_core_prints_them);
    tcase_add_test(tc, types_are_told_apart);
    tcase_add_test(tc, building_goes_on_after_a_failure);
    tcase_add_loop_test(tc, base64_is_read_strictly, 0, PTD_COUNT(base64_rows));
    return tc;
}
