#include <config.h>

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "check_log.h"
#include "pentad/clock.h"
#include "pentad/log.h"
#include "support/nth_malloc.h"

PTD_LOG_TAG(PEER);

/* ---- a sink that remembers ------------------------------------------ */

static struct {
    int n;
    enum ptd_log_tag tag;
    enum ptd_log_level level;
    int64_t wall_us, mock_us;
    uint32_t n_held_back;
    char thread[16];
    char text[70000];
} seen;

static void remember(const struct ptd_log_line *line, void *arg)
{
    ck_assert_ptr_eq(arg, &seen);
    seen.n++;
    seen.tag = line->site->tag;
    seen.level = line->site->level;
    seen.wall_us = line->wall_us;
    seen.mock_us = line->mock_us;
    seen.n_held_back = line->n_held_back;
    snprintf(seen.thread, sizeof seen.thread, "%s", line->thread);
    snprintf(seen.text, sizeof seen.text, "%s", line->text);
}

static int start(void)
{
    int id;

    memset(&seen, 0, sizeof seen);
    ptd_log_set_level_all(PTD_LOG_INFO);
    ck_assert_int_eq(ptd_log_add_sink(&id, remember, &seen), PTD_OK);
    return id;
}

static int n_evaluated;

static int evaluate(void)
{
    return ++n_evaluated;
}

/* ---- levels --------------------------------------------------------- */

START_TEST(silent_without_a_sink)
{
    n_evaluated = 0;
    ptd_log_set_level_all(PTD_LOG_TRACE);
    ptd_log_error("%d", evaluate());
    ck_assert(!ptd_log_wants(PTD_LOG_ERROR));
    ck_assert_int_eq(n_evaluated, 0);
}
END_TEST

START_TEST(arguments_below_the_level_are_not_evaluated)
{
    int id = start();

    n_evaluated = 0;
    ptd_log_debug("%d", evaluate());
    ptd_log_trace("%d", evaluate());
    ptd_log_debug_every(1, "%d", evaluate());
    ck_assert_int_eq(n_evaluated, 0);
    ck_assert_int_eq(seen.n, 0);
    ptd_log_info("%d", evaluate());
    ck_assert_int_eq(n_evaluated, 1);
    ck_assert_str_eq(seen.text, "1");
    ptd_log_remove_sink(id);
}
END_TEST

START_TEST(each_level_lets_itself_and_graver_ones_through)
{
    int id = start();

    for (int level = PTD_LOG_OFF; level <= PTD_LOG_TRACE; level++) {
        ptd_log_set_level(PTD_LOG_PEER, (enum ptd_log_level)level);
        ck_assert_int_eq(ptd_log_level_of(PTD_LOG_PEER), level);
        seen.n = 0;
        ptd_log_error("e");
        ptd_log_warn("w");
        ptd_log_info("i");
        ptd_log_debug("d");
        ptd_log_trace("t");
        ck_assert_int_eq(seen.n, level - PTD_LOG_OFF);
    }
    ck_assert_int_eq(ptd_log_level_of(PTD_LOG_CHAN), PTD_LOG_INFO);
    ptd_log_remove_sink(id);
}
END_TEST

START_TEST(category_sets_all_its_tags)
{
    ptd_log_reset_levels();
    ck_assert_int_eq(ptd_log_enable("net"), PTD_OK);
    ck_assert_int_eq(ptd_log_level_of(PTD_LOG_PEER), PTD_LOG_DEBUG);
    ck_assert_int_eq(ptd_log_level_of(PTD_LOG_SRVR), PTD_LOG_DEBUG);
    ck_assert_int_eq(ptd_log_level_of(PTD_LOG_RPCS), PTD_LOG_INFO);
    ck_assert_int_eq(ptd_log_enable("no such"), PTD_ENOTFOUND);
    ck_assert_int_eq(ptd_log_disable("lock"), PTD_ENOTFOUND);
    ptd_log_set_threshold(PTD_LOG_TRACE);
    ck_assert_int_eq(ptd_log_enable("1"), PTD_OK);
    for (int tag = 0; tag < PTD_LOG_N_TAGS; tag++)
        ck_assert_int_eq(ptd_log_level_of((enum ptd_log_tag)tag),
                         PTD_LOG_TRACE);
    ck_assert_str_eq(ptd_log_tag_name(PTD_LOG_ADXR), "ADXR");
    ck_assert_str_eq(ptd_log_tag_category(PTD_LOG_ADXR), "addrman");
    ptd_log_reset_levels();
}
END_TEST

/* e: enable, d: disable, t: common threshold, c: the category's; then a
 * name, and a level where one is needed. */
static const struct {
    const char *name, *steps;
    enum ptd_log_level net, proxy;
} level_rows[] = {
    { "at start", "", PTD_LOG_INFO, PTD_LOG_INFO },
    { "one", "e:net", PTD_LOG_DEBUG, PTD_LOG_INFO },
    { "all", "e:all", PTD_LOG_DEBUG, PTD_LOG_DEBUG },
    { "all by another name", "e:", PTD_LOG_DEBUG, PTD_LOG_DEBUG },
    { "all but one", "e:1|d:proxy", PTD_LOG_DEBUG, PTD_LOG_INFO },
    { "none", "e:1|d:all", PTD_LOG_INFO, PTD_LOG_INFO },
    { "threshold alone", "t:5", PTD_LOG_INFO, PTD_LOG_INFO },
    { "threshold first", "t:5|e:net", PTD_LOG_TRACE, PTD_LOG_INFO },
    { "threshold then", "e:net|t:5", PTD_LOG_TRACE, PTD_LOG_INFO },
    { "info", "e:all|t:3", PTD_LOG_INFO, PTD_LOG_INFO },
    { "own", "e:all|c:net:5", PTD_LOG_TRACE, PTD_LOG_DEBUG },
    { "own wins", "e:all|c:net:3|t:5", PTD_LOG_INFO, PTD_LOG_TRACE },
    { "own of all is nobody's", "e:all|c:all:5", PTD_LOG_DEBUG, PTD_LOG_DEBUG },
    { "own and not enabled", "c:net:5", PTD_LOG_INFO, PTD_LOG_INFO },
};

static void take_step(const char *step)
{
    char name[32] = "";
    int level = 0;

    if (step[0] == 't')
        ptd_log_set_threshold((enum ptd_log_level)atoi(step + 2));
    else if (sscanf(step + 2, "%31[^:]:%d", name, &level) == 2)
        ck_assert_int_eq(
            ptd_log_set_category_threshold(name, (enum ptd_log_level)level),
            PTD_OK);
    else
        ck_assert_int_eq(step[0] == 'e' ? ptd_log_enable(step + 2)
                                        : ptd_log_disable(step + 2),
                         PTD_OK);
}

START_TEST(categories_and_thresholds_give_levels)
{
    char steps[64], *at = steps, *step;

    ptd_log_reset_levels();
    snprintf(steps, sizeof steps, "%s", level_rows[_i].steps);
    while (*steps != '\0' && (step = strsep(&at, "|")) != NULL)
        take_step(step);
    ck_assert_msg(ptd_log_level_of(PTD_LOG_PEER) == level_rows[_i].net, "%s",
                  level_rows[_i].name);
    ck_assert_msg(ptd_log_level_of(PTD_LOG_PROX) == level_rows[_i].proxy, "%s",
                  level_rows[_i].name);
    ptd_log_reset_levels();
}
END_TEST

START_TEST(categories_are_listed_by_name)
{
    const char *name, *before = "";
    bool on;
    size_t i;

    ptd_log_reset_levels();
    ck_assert(!ptd_log_is_any_enabled());
    ck_assert_int_eq(ptd_log_enable("rpc"), PTD_OK);
    for (i = 0; (name = ptd_log_category_at(i, &on)) != NULL; i++) {
        ck_assert_str_gt(name, before);
        ck_assert_int_eq(on, strcmp(name, "rpc") == 0);
        before = name;
    }
    ck_assert_uint_eq(i, 30);
    ck_assert(ptd_log_is_any_enabled());
    ck_assert_int_eq(ptd_log_set_category_threshold("no such", PTD_LOG_INFO),
                     PTD_ENOTFOUND);
    ptd_log_reset_levels();
}
END_TEST

/* ---- lines ---------------------------------------------------------- */

START_TEST(line_says_when_where_and_who)
{
    struct ptd_clock *clk = ptd_clock_new();
    time_t before = time(NULL);
    int id = start();

    ck_assert_ptr_nonnull(clk);
    ptd_clock_set_wall_us(clk, INT64_C(1795388400123456));
    ptd_log_set_clock(clk);
    prctl(PR_SET_NAME, "p7-in", 0, 0, 0);
    ptd_log_warn("%s: %d", "x", 3);
    ptd_log_set_clock(NULL);
    ptd_clock_free(clk);
    ck_assert_int_eq(seen.n, 1);
    ck_assert_int_eq(seen.tag, PTD_LOG_PEER);
    ck_assert_int_eq(seen.level, PTD_LOG_WARN);
    ck_assert_int_eq(seen.mock_us, INT64_C(1795388400123456));
    ck_assert_int_ge(seen.wall_us / 1000000 + 1, before);
    ck_assert_str_eq(seen.thread, "p7-in");
    ck_assert_str_eq(seen.text, "x: 3");
    ptd_log_remove_sink(id);
}
END_TEST

START_TEST(text_cannot_begin_another_line)
{
    int id = start();

    ptd_log_info("a\nb\r\x1b[2J\x7f");
    ck_assert_str_eq(seen.text, "a\\x0ab\\x0d\\x1b[2J\\x7f");
    ptd_log_info("\t");
    support_nth_malloc_arm(1);
    ptd_log_info("a\nb");
    ck_assert(support_nth_malloc_disarm());
    ck_assert_str_eq(seen.text, "a?b");
    ptd_log_info("with its own end\n\n");
    ck_assert_str_eq(seen.text, "with its own end");
    ptd_log_info("\xc3\xa9"); /* UTF-8 passes */
    ck_assert_str_eq(seen.text, "\xc3\xa9");
    ptd_log_remove_sink(id);
}
END_TEST

START_TEST(long_text_is_whole_up_to_64_kib)
{
    static char big[80000];
    int id = start();

    memset(big, 'x', sizeof big - 1);
    ptd_log_info("%.5000s|", big);
    ck_assert_uint_eq(strlen(seen.text), 5001);
    ck_assert_int_eq(seen.text[5000], '|');
    ptd_log_info("%.1023s", big);
    ck_assert_uint_eq(strlen(seen.text), 1023);
    ptd_log_info("%.1024s", big);
    ck_assert_uint_eq(strlen(seen.text), 1024);
    ptd_log_info("%s", big);
    ck_assert_uint_eq(strlen(seen.text), 65535);
    support_nth_malloc_arm(1);
    ptd_log_info("%s", big);
    ck_assert(support_nth_malloc_disarm());
    ck_assert_uint_eq(strlen(seen.text), 1023);
    ptd_log_remove_sink(id);
}
END_TEST

/* ---- rate limits ---------------------------------------------------- */

static void warn_once_a_minute(void)
{
    ptd_log_warn_every(60, "bad checksum");
}

START_TEST(rate_limit_lets_one_line_through_and_counts_the_rest)
{
    struct ptd_clock *clk = ptd_clock_new();
    int id = start();

    ck_assert_ptr_nonnull(clk);
    ptd_clock_set_wall_us(clk, INT64_C(1795388400000000));
    ptd_log_set_clock(clk);
    for (int i = 0; i < 100; i++)
        warn_once_a_minute();
    ck_assert_int_eq(seen.n, 1);
    ck_assert_uint_eq(seen.n_held_back, 0);
    ptd_clock_advance_us(clk, INT64_C(58000000));
    warn_once_a_minute();
    ck_assert_int_eq(seen.n, 1);
    ptd_clock_advance_us(clk, INT64_C(4000000));
    warn_once_a_minute();
    ck_assert_int_eq(seen.n, 2);
    ck_assert_uint_eq(seen.n_held_back, 100);
    ptd_log_warn_every(60, "another place");
    ck_assert_int_eq(seen.n, 3);
    ptd_log_set_clock(NULL);
    ptd_clock_free(clk);
    ptd_log_remove_sink(id);
}
END_TEST

static void *warn_often(void *arg)
{
    static struct ptd_log_limit limit;
    atomic_uint *n = arg;

    for (int i = 0; i < 10000; i++) {
        uint32_t held;

        if (ptd_log_limit_pass(&limit, 3600, &held))
            atomic_fetch_add(n, 1);
    }
    return NULL;
}

START_TEST(rate_limit_lets_one_of_many_threads_through)
{
    pthread_t t[4];
    atomic_uint n = 0;

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, warn_often, &n), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(t[i], NULL), 0);
    ck_assert_uint_eq(n, 1);
}
END_TEST

/* ---- sinks ---------------------------------------------------------- */

static void count(const struct ptd_log_line *line, void *arg)
{
    (void)line;
    ++*(int *)arg;
}

START_TEST(sinks_come_and_go)
{
    int ids[PTD_LOG_MAX_SINKS], n[PTD_LOG_MAX_SINKS] = { 0 }, id;

    ptd_log_set_level_all(PTD_LOG_INFO);
    for (int i = 0; i < PTD_LOG_MAX_SINKS; i++)
        ck_assert_int_eq(ptd_log_add_sink(&ids[i], count, &n[i]), PTD_OK);
    ck_assert_int_eq(ptd_log_add_sink(&id, count, &n[0]), PTD_ELIMIT);
    ptd_log_info("to all");
    ptd_log_remove_sink(ids[3]);
    ptd_log_remove_sink(ids[3]);
    ptd_log_info("to all but one");
    for (int i = 0; i < PTD_LOG_MAX_SINKS; i++) {
        ck_assert_int_eq(n[i], i == 3 ? 1 : 2);
        ptd_log_remove_sink(ids[i]);
    }
    ptd_log_info("to none");
    ck_assert_int_eq(n[0], 2);
}
END_TEST

static void count_whole(const struct ptd_log_line *line, void *arg)
{
    ck_assert_str_eq(line->text, "a line of a thread");
    ++*(int *)arg; /* under the log's lock: not atomic on purpose */
}

static void *speak(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++)
        ptd_log_info("a line of %s", "a thread");
    return NULL;
}

START_TEST(threads_speak_one_after_the_other)
{
    pthread_t t[4];
    int n = 0, id;

    ptd_log_set_level_all(PTD_LOG_INFO);
    ck_assert_int_eq(ptd_log_add_sink(&id, count_whole, &n), PTD_OK);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, speak, NULL), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(t[i], NULL), 0);
    ptd_log_remove_sink(id);
    ck_assert_int_eq(n, 8000);
}
END_TEST

/* ---- the format ----------------------------------------------------- */

static const struct {
    struct ptd_log_format format;
    enum ptd_log_level level;
    uint32_t held;
    const char *want;
} format_rows[] = {
    { { 0 }, PTD_LOG_INFO, 0, "2026-11-22T23:00:00Z text\n" },
    { { 0 }, PTD_LOG_DEBUG, 0, "2026-11-22T23:00:00Z [net] text\n" },
    { { 0 }, PTD_LOG_TRACE, 0, "2026-11-22T23:00:00Z [net:trace] text\n" },
    { { 0 }, PTD_LOG_WARN, 0, "2026-11-22T23:00:00Z [warning] text\n" },
    { { 0 }, PTD_LOG_ERROR, 0, "2026-11-22T23:00:00Z [error] text\n" },
    { { .always_tags = true },
      PTD_LOG_INFO,
      0,
      "2026-11-22T23:00:00Z [all:info] text\n" },
    { { .always_tags = true },
      PTD_LOG_WARN,
      0,
      "2026-11-22T23:00:00Z [all:warning] text\n" },
    { { .always_tags = true },
      PTD_LOG_DEBUG,
      0,
      "2026-11-22T23:00:00Z [net:debug] text\n" },
    { { .micros = true },
      PTD_LOG_INFO,
      0,
      "2026-11-22T23:00:00.000042Z text\n" },
    { { .no_time = true }, PTD_LOG_INFO, 0, "text\n" },
    { { .threads = true, .sources = true },
      PTD_LOG_DEBUG,
      0,
      "2026-11-22T23:00:00Z [p0-in] [peer/in.c:12] [read_loop] [net] text\n" },
    { { .no_time = true },
      PTD_LOG_WARN,
      7,
      "[warning] text (7 like it held back)\n" },
};

START_TEST(line_is_written_as_core_writes_it)
{
    const struct ptd_log_site site = { PTD_LOG_PEER, format_rows[_i].level, 12,
                                       "../../src/peer/in.c", "read_loop" };
    const struct ptd_log_line line = {
        &site,  INT64_C(1795388400000042), "p0-in",
        "text", format_rows[_i].held,      0
    };
    char out[200];
    size_t n =
        ptd_log_format_line(out, sizeof out, &format_rows[_i].format, &line);

    ck_assert_str_eq(out, format_rows[_i].want);
    ck_assert_uint_eq(n, strlen(out));
}
END_TEST

START_TEST(time_set_by_hand_is_shown_beside_the_systems)
{
    static const struct ptd_log_site site = { PTD_LOG_PEER, PTD_LOG_INFO, 1,
                                              "f.c", "f" };
    const struct ptd_log_line line = { .site = &site,
                                       .wall_us = INT64_C(1795388400000042),
                                       .thread = "",
                                       .text = "text",
                                       .mock_us = INT64_C(1300000000000001) };
    struct ptd_log_format format = { .micros = true, .threads = true };
    char out[200];

    ptd_log_format_line(out, sizeof out, &format, &line);
    ck_assert_str_eq(out, "2026-11-22T23:00:00.000042Z (mocktime: "
                          "2011-03-13T07:06:40Z) [unknown] text\n");
    format = (struct ptd_log_format){ .no_time = true };
    ptd_log_format_line(out, sizeof out, &format, &line);
    ck_assert_str_eq(out, "text\n");
}
END_TEST

START_TEST(line_that_does_not_fit_is_cut_and_still_ends)
{
    const struct ptd_log_site site = { PTD_LOG_PEER, PTD_LOG_INFO, 1, "f.c",
                                       "f" };
    const struct ptd_log_line line = { &site,
                                       0,
                                       "t",
                                       "012345678901234567890123456789012345678"
                                       "9012345678901234567890123456789",
                                       0,
                                       0 };
    const struct ptd_log_format format = { .no_time = true };
    char out[64];

    ck_assert_uint_eq(ptd_log_format_line(out, sizeof out, &format, &line), 63);
    ck_assert_int_eq(out[62], '\n');
    ck_assert_int_eq(out[61], '1');
    ck_assert_int_eq(out[63], '\0');
}
END_TEST

/* ---- the file ------------------------------------------------------- */

static void read_back(char *out, size_t cap, const char *path)
{
    FILE *f = fopen(path, "r");
    size_t n;

    ck_assert_ptr_nonnull(f);
    n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    fclose(f);
}

START_TEST(file_gets_lines_and_is_opened_again_when_asked)
{
    char dir[] = "/tmp/ptd-check-log-XXXXXX", path[64], moved[64], text[200];
    const struct ptd_log_format format = { .no_time = true };
    struct ptd_log_file *f;
    struct stat st;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/debug.log", dir);
    snprintf(moved, sizeof moved, "%s/debug.log.1", dir);
    ptd_log_set_level_all(PTD_LOG_INFO);
    ck_assert_int_eq(ptd_log_file_open(&f, path, NULL, &format, NULL), PTD_OK);
    ptd_log_info("one");
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(rename(path, moved), 0);
    ptd_log_info("two");
    ptd_log_file_reopen(f);
    ptd_log_info("three");
    ptd_log_file_close(f);
    ptd_log_info("four");
    read_back(text, sizeof text, moved);
    ck_assert_str_eq(text, "one\ntwo\n");
    read_back(text, sizeof text, path);
    ck_assert_str_eq(text, "three\n");

    /* An old file is continued. */
    ck_assert_int_eq(ptd_log_file_open(&f, path, NULL, &format, NULL), PTD_OK);
    ptd_log_info("five");
    ptd_log_file_close(f);
    read_back(text, sizeof text, path);
    ck_assert_str_eq(text, "three\nfive\n");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(unlink(moved), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(stream_gets_lines)
{
    const struct ptd_log_format format = { .no_time = true };
    struct ptd_log_file *f;
    char *text = NULL;
    size_t n = 0;
    FILE *stream = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(stream);
    ptd_log_set_level_all(PTD_LOG_INFO);
    ck_assert_int_eq(ptd_log_file_open(&f, NULL, stream, &format, NULL),
                     PTD_OK);
    ptd_log_warn("x");
    ptd_log_file_close(f);
    fclose(stream);
    ck_assert_str_eq(text, "[warning] x\n");
    free(text);
    ptd_log_file_close(NULL);
}
END_TEST

START_TEST(file_that_cannot_be_opened_says_why)
{
    const struct ptd_log_format format = { 0 };
    struct ptd_log_file *f;

    errno = 0;
    ck_assert_int_eq(
        ptd_log_file_open(&f, "/no such folder/debug.log", NULL, &format, NULL),
        PTD_EIO);
    ck_assert_int_eq(errno, ENOENT);
    for (unsigned n = 1;; n++) {
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_log_file_open(&f, "/dev/null", NULL, &format, NULL);
        if (!support_nth_malloc_disarm()) {
            ck_assert_int_eq(e, PTD_OK);
            ptd_log_file_close(f);
            ck_assert_uint_gt(n, 3);
            break;
        }
        ck_assert_int_eq(e, PTD_ENOMEM);
    }
}
END_TEST

static Suite *suite_log(void)
{
    Suite *s = suite_create("log");
    TCase *tc = tcase_create("log");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, silent_without_a_sink);
    tcase_add_test(tc, arguments_below_the_level_are_not_evaluated);
    tcase_add_test(tc, each_level_lets_itself_and_graver_ones_through);
    tcase_add_test(tc, category_sets_all_its_tags);
    tcase_add_loop_test(tc, categories_and_thresholds_give_levels, 0,
                        PTD_COUNT(level_rows));
    tcase_add_test(tc, categories_are_listed_by_name);
    tcase_add_test(tc, line_says_when_where_and_who);
    tcase_add_test(tc, text_cannot_begin_another_line);
    tcase_add_test(tc, long_text_is_whole_up_to_64_kib);
    tcase_add_test(tc, rate_limit_lets_one_line_through_and_counts_the_rest);
    tcase_add_test(tc, rate_limit_lets_one_of_many_threads_through);
    tcase_add_test(tc, sinks_come_and_go);
    tcase_add_test(tc, threads_speak_one_after_the_other);
    tcase_add_loop_test(tc, line_is_written_as_core_writes_it, 0,
                        PTD_COUNT(format_rows));
    tcase_add_test(tc, time_set_by_hand_is_shown_beside_the_systems);
    tcase_add_test(tc, line_that_does_not_fit_is_cut_and_still_ends);
    tcase_add_test(tc, file_gets_lines_and_is_opened_again_when_asked);
    tcase_add_test(tc, stream_gets_lines);
    tcase_add_test(tc, file_that_cannot_be_opened_says_why);
    suite_add_tcase(s, tc);
    suite_add_tcase(s, tcase_file());
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite_log());
    int n_failed;

    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
