/* What was said before the file was open, how much a call site may write, and
 * what is left of a large file. */
#include <config.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "check_log.h"
#include "pentad/clock.h"
#include "pentad/log.h"
#include "support/nth_malloc.h"

PTD_LOG_TAG(NODE);

static const struct ptd_log_format bare = { .no_time = true };

static char dir[64], path[96];

static void make_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/ptd-check-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/debug.log", dir);
    ptd_log_reset_levels();
}

static void remove_dir(void)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}

/* All of the file, from malloc. */
static char *contents(size_t *n)
{
    struct stat st;
    FILE *f = fopen(path, "r");
    char *p;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fstat(fileno(f), &st), 0);
    ck_assert_ptr_nonnull(p = malloc((size_t)st.st_size + 1));
    *n = fread(p, 1, (size_t)st.st_size, f);
    ck_assert_uint_eq(*n, (size_t)st.st_size);
    p[*n] = '\0';
    fclose(f);
    return p;
}

static void assert_contents(const char *want)
{
    size_t n;
    char *got = contents(&n);

    ck_assert_str_eq(got, want);
    free(got);
}

/* ---- before the file ----------------------------------------------------- */

START_TEST(early_lines_come_first)
{
    struct ptd_log_early *early;
    struct ptd_log_file *f;

    make_dir();
    ck_assert_int_eq(ptd_log_early_start(&early), PTD_OK);
    ptd_log_info("one");
    ptd_log_warn("two");
    ptd_log_debug("not asked for");
    ck_assert_int_eq(ptd_log_file_open(&f, path, NULL, &bare, early), PTD_OK);
    ptd_log_info("three");
    ptd_log_file_close(f);
    assert_contents("\n\n\n\n\none\n[warning] two\nthree\n");
    remove_dir();
}
END_TEST

START_TEST(early_lines_stay_when_the_file_cannot_be_opened)
{
    struct ptd_log_early *early;
    struct ptd_log_file *f;

    make_dir();
    ck_assert_int_eq(ptd_log_early_start(&early), PTD_OK);
    ptd_log_info("one");
    ck_assert_int_eq(
        ptd_log_file_open(&f, "/no such folder/x", NULL, &bare, early),
        PTD_EIO);
    ptd_log_info("two");
    ck_assert_int_eq(ptd_log_file_open(&f, path, NULL, &bare, early), PTD_OK);
    ptd_log_file_close(f);
    assert_contents("\n\n\n\n\none\ntwo\n");
    remove_dir();
    ptd_log_early_free(NULL);
}
END_TEST

START_TEST(early_lines_are_bounded)
{
    static const char head[] = "\n\n\n\n\nEarly logging buffer overflowed, ";
    struct ptd_log_early *early;
    struct ptd_log_file *f;
    static char big[1001];
    size_t n;
    char *got;

    make_dir();
    memset(big, 'x', sizeof big - 1);
    ck_assert_int_eq(ptd_log_early_start(&early), PTD_OK);
    for (int i = 0; i < 1500; i++)
        ptd_log_info("%d %s", i, big);
    ck_assert_int_eq(ptd_log_file_open(&f, path, NULL, &bare, early), PTD_OK);
    ptd_log_file_close(f);
    got = contents(&n);
    ck_assert_uint_lt(n, 1010000);
    ck_assert_uint_gt(n, 800000);
    ck_assert_int_eq(strncmp(got, head, strlen(head)), 0);
    ck_assert_ptr_nonnull(strstr(got, " log lines discarded.\n"));
    ck_assert_ptr_nonnull(strstr(got, "\n1499 x"));
    ck_assert_ptr_null(strstr(got, "\n0 x"));
    free(got);
    remove_dir();
}
END_TEST

START_TEST(early_lines_may_be_thrown_away)
{
    struct ptd_log_early *early;

    for (unsigned n = 1;; n++) {
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_log_early_start(&early);
        if (e == PTD_OK)
            ptd_log_info("line");
        if (!support_nth_malloc_disarm()) {
            ptd_log_early_free(early);
            break;
        }
        ck_assert_int_eq(e, n == 1 ? PTD_ENOMEM : PTD_OK);
        if (e == PTD_OK)
            ptd_log_early_free(early);
    }
    ck_assert(!ptd_log_wants(PTD_LOG_ERROR));
}
END_TEST

/* ---- how much a site may write --------------------------------------------- */

/* One call site: its lines have 1,024 bytes, so that 1,024 of them fit. */
static void fill(enum ptd_log_level level, int n)
{
    static char text[1024];

    memset(text, 'x', sizeof text - 1);
    while (n-- > 0) {
        /* Each level is a site of its own. */
        if (level == PTD_LOG_INFO)
            ptd_log_info("%.1023s", text);
        else
            ptd_log_debug("%.1014s", text); /* "[kernel] " before it */
    }
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

START_TEST(site_is_held_back_after_its_mebibyte)
{
    struct ptd_clock *clk = ptd_clock_new();
    struct ptd_log_file *f;
    size_t n;
    char *got, *at;

    make_dir();
    ck_assert_ptr_nonnull(clk);
    ptd_clock_set_wall_us(clk, INT64_C(1795388400000000));
    ptd_log_set_clock(clk);
    ck_assert_int_eq(ptd_log_file_open(&f, path, NULL, &bare, NULL), PTD_OK);
    ck_assert_int_eq(ptd_log_file_limit(f), PTD_OK);
    fill(PTD_LOG_INFO, 1024);
    got = contents(&n);
    ck_assert_uint_eq(n, 1024 * 1024);
    free(got);
    fill(PTD_LOG_INFO, 3);
    ptd_log_info("another site");
    got = contents(&n);
    at = got + 1024 * 1024;
    ck_assert_int_eq(
        strncmp(at, "[*] [warning] Excessive logging detected from ", 46), 0);
    ck_assert_ptr_nonnull(strstr(at, "check_file.c:"));
    ck_assert_ptr_nonnull(strstr(
        at, " (fill): >1048576 bytes logged during the last time window of "
            "3600s. Suppressing logging to disk from this source location "
            "until time window resets. Console logging unaffected. Last log "
            "entry.\n[*] xxx"));
    ck_assert_uint_eq(count(at, "[*] xxx"), 1);
    ck_assert_ptr_nonnull(strstr(at, "\n[*] another site\n"));
    free(got);

    ptd_clock_advance_us(clk, INT64_C(3600000000));
    ptd_log_info("later");
    fill(PTD_LOG_INFO, 1);
    got = contents(&n);
    at = strstr(got, "another site\n");
    ck_assert_int_eq(
        strncmp(at, "another site\n[warning] Restarting logging from ", 47), 0);
    ck_assert_ptr_nonnull(
        strstr(at, " (fill): 3072 bytes were dropped during the last "
                   "3600s.\nlater\nxxx"));
    free(got);
    ptd_log_file_close(f);
    ptd_log_set_clock(NULL);
    ptd_clock_free(clk);
    remove_dir();
}
END_TEST

START_TEST(what_was_asked_for_is_not_held_back_nor_is_the_stream)
{
    struct ptd_log_file *f;
    char *text = NULL, *got;
    size_t n = 0, in_file;
    FILE *stream = open_memstream(&text, &n);

    make_dir();
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(ptd_log_file_open(&f, path, stream, &bare, NULL), PTD_OK);
    ck_assert_int_eq(ptd_log_enable("kernel"), PTD_OK);
    ck_assert_int_eq(ptd_log_file_limit(f), PTD_OK);
    fill(PTD_LOG_DEBUG, 1100);
    got = contents(&in_file);
    ck_assert_uint_eq(count(got, "\n[kernel] xxx"), 1099);
    ck_assert_ptr_null(strstr(got, "[*]"));
    free(got);
    fill(PTD_LOG_INFO, 1100);
    ptd_log_file_close(f);
    fclose(stream);
    ck_assert_uint_eq(count(text, "\nxxx") + count(text, "\n[*] xxx"), 1100);
    free(text);
    ptd_log_reset_levels();
    remove_dir();
}
END_TEST

/* ---- shrinking --------------------------------------------------------------- */

static const struct {
    long size, left;
} sizes[] = {
    { 0, 0 },
    { 10000000, 10000000 },
    { 11000000, 11000000 },
    { 11000001, 10000000 },
    { 25000000, 10000000 },
};

START_TEST(large_file_keeps_its_end)
{
    struct stat st;
    FILE *f;
    char end[4] = "";

    make_dir();
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(ftruncate(fileno(f), sizes[_i].size), 0);
    if (sizes[_i].size > 0) {
        ck_assert_int_eq(fseek(f, -3, SEEK_END), 0);
        fputs("end", f);
    }
    fclose(f);
    ck_assert_int_eq(ptd_log_shrink_file(path), PTD_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, sizes[_i].left);
    if (sizes[_i].size > 0) {
        f = fopen(path, "r");
        ck_assert_int_eq(fseek(f, -3, SEEK_END), 0);
        ck_assert_uint_eq(fread(end, 1, 3, f), 3);
        ck_assert_str_eq(end, "end");
        fclose(f);
    }
    remove_dir();
    ck_assert_int_eq(ptd_log_shrink_file(path), PTD_OK); /* there is none */
    ck_assert_int_eq(ptd_log_shrink_file("/dev/null"), PTD_OK);
}
END_TEST

TCase *tcase_file(void)
{
    TCase *tc = tcase_create("file");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, early_lines_come_first);
    tcase_add_test(tc, early_lines_stay_when_the_file_cannot_be_opened);
    tcase_add_test(tc, early_lines_are_bounded);
    tcase_add_test(tc, early_lines_may_be_thrown_away);
    tcase_add_test(tc, site_is_held_back_after_its_mebibyte);
    tcase_add_test(tc, what_was_asked_for_is_not_held_back_nor_is_the_stream);
    tcase_add_loop_test(tc, large_file_keeps_its_end, 0, PTD_COUNT(sizes));
    return tc;
}
