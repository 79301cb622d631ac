#include <config.h>

#include "check_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "chain/headers.h"
#include "support/support.h"

/* Headers of the public networks. */

enum { H = PTD_HEADER_BYTES };

static const struct {
    const char *chain, *file;
    size_t n; /* genesis included */
    const char *tip;
} rows[] = {
    { "main", "headers/mainnet-0-to-10236.bin", 10237,
      "000000004f74d42205b9d7ae1cb5c1591e723894a71358fce73b7e0919628161" },
    { "signet", "headers/signet-0-to-2015.bin", 2016,
      "000000c0a3841a6ae64c45864ae25314b40fd522bfb299a4b6bd5ef288cae74d" },
};

static struct ptd_headers *new_tree(const char *name)
{
    struct ptd_headers *t = ptd_headers_new(ptd_params_by_name(name), 0);

    ck_assert_ptr_nonnull(t);
    return t;
}

START_TEST(real_headers_are_taken_and_found_again)
{
    struct ptd_headers *t = new_tree(rows[_i].chain);
    struct ptd_headers_result res;
    struct ptd_header_info info;
    struct support_bytes file;
    char hex[PTD_HASH_HEX_SIZE];

    if (!support_vector(&file, rows[_i].file)) {
        ptd_headers_free(t);
        return;
    }
    ck_assert_uint_eq(file.n, rows[_i].n * H);
    for (size_t at = 0, some; at < rows[_i].n; at += some) {
        enum ptd_header_err e;

        some = PTD_MIN(rows[_i].n - at, (size_t)PTD_HEADERS_PER_MSG);
        e = ptd_headers_add(t, &res, file.p + at * H, some, 4000000000);
        ck_assert_msg(e == PTD_HEADER_OK, "%zu: %s",
                      at + res.n_known + res.n_new, ptd_header_err_text(e));
        ck_assert_uint_eq(res.n_known, at == 0); /* the genesis block */
        ck_assert(res.new_tip);
    }
    for (size_t i = 0; i < rows[_i].n; i++) {
        struct ptd_hash hash = hash_of(file.p + i * H);

        ck_assert(ptd_headers_at(t, &info, (uint32_t)i));
        ck_assert_mem_eq(info.raw, file.p + i * H, H);
        ck_assert(ptd_headers_find(t, &info, &hash));
        ck_assert_uint_eq(info.height, i);
    }
    ptd_headers_tip(t, &info);
    ck_assert_uint_eq(info.height, rows[_i].n - 1);
    ck_assert_str_eq(ptd_hash_to_hex(&info.hash, hex), rows[_i].tip);
    ck_assert_uint_le(ptd_headers_bytes(t), 128 * rows[_i].n + 256 * 1024);
    support_free(&file);
    ptd_headers_free(t);
}
END_TEST

/* Any byte of a header spoilt: the header is refused, those before it stay. */
START_TEST(real_headers_with_a_changed_byte_are_refused)
{
    enum { FIRST = 2000 };
    struct support_bytes file;
    struct ptd_headers *t = new_tree(rows[_i].chain);
    struct ptd_headers_result res;
    struct ptd_header_info info;
    uint8_t *p;

    if (!support_vector(&file, rows[_i].file)) {
        ptd_headers_free(t);
        return;
    }
    ck_assert_int_eq(ptd_headers_add(t, &res, file.p, FIRST - 1, 4000000000),
                     PTD_HEADER_OK);
    p = file.p + (FIRST - 1) * H;
    for (size_t byte = 0; byte < H; byte++) {
        for (unsigned flip = 1; flip <= 0x80; flip *= 8) {
            enum ptd_header_err e;

            p[byte] ^= (uint8_t)flip;
            e = ptd_headers_add(t, &res, p, 1, 4000000000);
            ck_assert_msg(e != PTD_HEADER_OK, "byte %zu", byte);
            if (byte >= 4 && byte < 36)
                ck_assert_msg(e == PTD_HEADER_EPOW || e == PTD_HEADER_EORPHAN,
                              "byte %zu: %s", byte, ptd_header_err_text(e));
            else if (byte < 72)
                ck_assert_int_eq(e, PTD_HEADER_EPOW);
            p[byte] ^= (uint8_t)flip;
        }
    }
    ck_assert_int_eq(ptd_headers_add(t, &res, p, 1, 4000000000), PTD_HEADER_OK);
    /* In the middle of a list: all of it is refused. */
    p = file.p + FIRST * H;
    ck_assert_uint_ge(file.n / H, FIRST + 16);
    p[7 * H + 40] ^= 1;
    ck_assert_int_eq(ptd_headers_add(t, &res, p, 16, 4000000000),
                     PTD_HEADER_EPOW);
    ptd_headers_tip(t, &info);
    ck_assert_uint_eq(info.height, FIRST - 1);
    support_free(&file);
    ptd_headers_free(t);
}
END_TEST

/* Each header, each of its bytes: one bit changed, and it is refused where it
 * would stand. */
START_TEST(every_changed_byte_of_every_header_is_refused)
{
    struct support_bytes file;
    struct ptd_headers *t = new_tree(rows[_i].chain);
    struct ptd_headers_result res;

    if (!support_vector(&file, rows[_i].file)) {
        ptd_headers_free(t);
        return;
    }
    for (size_t i = 1; i < rows[_i].n; i++) {
        uint8_t *p = file.p + i * H;

        for (size_t byte = 0; byte < H; byte++) {
            enum ptd_header_err e;

            p[byte] ^= (uint8_t)(1 << (i + byte) % 8);
            e = ptd_headers_add(t, &res, p, 1, 4000000000);
            if (e == PTD_HEADER_OK || res.n_new != 0)
                ck_abort_msg("header %zu, byte %zu", i, byte);
            p[byte] ^= (uint8_t)(1 << (i + byte) % 8);
        }
        if (ptd_headers_add(t, &res, p, 1, 4000000000) != PTD_HEADER_OK)
            ck_abort_msg("header %zu", i);
    }
    ck_assert_uint_eq(ptd_headers_count(t), rows[_i].n);
    support_free(&file);
    ptd_headers_free(t);
}
END_TEST

START_TEST(real_headers_are_refused_before_their_time)
{
    struct support_bytes file;
    struct ptd_headers *t = new_tree("main");
    struct ptd_headers_result res;
    struct ptd_header_info tip, next;

    if (!support_vector(&file, rows[0].file)) {
        ptd_headers_free(t);
        return;
    }
    ck_assert_int_eq(ptd_headers_add(t, &res, file.p, 2, 1231469665),
                     PTD_HEADER_OK);
    ptd_headers_tip(t, &tip);
    /* Heights 2 to 9 are within the hour; ten days later there are more. */
    ck_assert_int_eq(ptd_headers_add(t, &res, file.p, 2000, tip.time),
                     PTD_HEADER_ENEW);
    ck_assert_uint_gt(res.n_new, 0);
    ck_assert_uint_lt(res.n_known + res.n_new, 100);
    ptd_headers_tip(t, &next);
    ck_assert_int_le(next.time, tip.time + PTD_HEADERS_MAX_FUTURE_S);
    ck_assert_int_eq(ptd_headers_add(t, &res, file.p, 2000, 1300000000),
                     PTD_HEADER_OK);
    ck_assert_uint_eq(ptd_headers_height(t), 1999);
    support_free(&file);
    ptd_headers_free(t);
}
END_TEST

/* ---- testnet3, with a fork ------------------------------------------ */

/* Headers of the lines that begin with a mark (or with none); gives how
 * many. */
static size_t read_lines(uint8_t (*out)[H], size_t max, const char *text,
                         const char *mark)
{
    size_t n = 0;

    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        bool marked = strncmp(text, "fork:", 5) == 0;

        if (size > 0 && marked == (mark != NULL)) {
            char line[2 * H + 1];
            struct support_bytes b;

            ck_assert_uint_lt(n, max);
            snprintf(line, sizeof line, "%s", text + (marked ? 5 : 0));
            b = support_hex(line);
            ck_assert_uint_eq(b.n, H);
            memcpy(out[n++], b.p, H);
            support_free(&b);
        }
        text += size;
        text += *text == '\n';
    }
    return n;
}

START_TEST(testnet3_chain_wins_over_its_fork)
{
    static uint8_t chain[600][H], fork[2][H];
    struct support_bytes file;
    struct ptd_headers *t;
    struct ptd_headers_result res;
    struct ptd_header_info info;
    struct ptd_hash hash;
    char *text;
    size_t n;

    if (!support_vector(&file, "headers/testnet3.hex"))
        return;
    text = calloc(1, file.n + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, file.p, file.n);
    n = read_lines(chain, 600, text, NULL);
    ck_assert_uint_eq(n, 546);
    ck_assert_uint_eq(read_lines(fork, 2, text, "fork:"), 2);

    /* The fork first: then the chain overtakes it. */
    t = new_tree("test");
    ck_assert_int_eq(ptd_headers_add(t, &res, fork[0], 2, 4000000000),
                     PTD_HEADER_OK);
    ck_assert_uint_eq(ptd_headers_height(t), 2);
    ck_assert_int_eq(ptd_headers_add(t, &res, chain[0], 2, 4000000000),
                     PTD_HEADER_OK);
    ck_assert(!res.new_tip); /* as much work, later */
    ck_assert_int_eq(ptd_headers_add(t, &res, chain[0], n, 4000000000),
                     PTD_HEADER_OK);
    ck_assert(res.new_tip);
    ck_assert_uint_eq(res.fork_height, 0);
    ck_assert_uint_eq(ptd_headers_height(t), 546);
    ck_assert_uint_eq(ptd_headers_count_side(t), 2);
    hash = hash_of(fork[1]);
    ck_assert(ptd_headers_find(t, &info, &hash));
    ck_assert(!info.on_best);
    ptd_headers_free(t);

    /* The chain first: the fork is far below the tip. */
    t = new_tree("test");
    ck_assert_int_eq(ptd_headers_add(t, &res, chain[0], n, 4000000000),
                     PTD_HEADER_OK);
    ck_assert_int_eq(ptd_headers_add(t, &res, fork[0], 2, 4000000000),
                     PTD_HEADER_EWORK);
    ptd_headers_free(t);
    free(text);
    support_free(&file);
}
END_TEST

Suite *suite_real(void)
{
    Suite *s = suite_create("real headers");
    TCase *tc = tcase_create("real headers");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, real_headers_are_taken_and_found_again, 0,
                        PTD_COUNT(rows));
    tcase_add_loop_test(tc, real_headers_with_a_changed_byte_are_refused, 0,
                        PTD_COUNT(rows));
    tcase_add_loop_test(tc, every_changed_byte_of_every_header_is_refused, 0,
                        PTD_COUNT(rows));
    tcase_add_test(tc, real_headers_are_refused_before_their_time);
    tcase_add_test(tc, testnet3_chain_wins_over_its_fork);
    suite_add_tcase(s, tc);
    return s;
}
