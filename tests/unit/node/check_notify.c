#include <config.h>

#include "node/notify.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "check_node.h"
#include "pentad/log.h"

/* A named pipe: whoever reads it waits for the command that writes. */
static char *make_fifo(const char *dir)
{
    static char path[600];

    snprintf(path, sizeof path, "%s/fifo", dir);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    return path;
}

/* All that comes until the writer closes. */
static void read_fifo(char *out, size_t cap, const char *path)
{
    FILE *f = fopen(path, "r");
    size_t n;

    ck_assert_ptr_nonnull(f);
    n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    fclose(f);
}

/* What was logged, line by line. */
static char logged[2000];

static void remember(const struct ptd_log_line *line, void *arg)
{
    size_t n = strlen(logged);

    (void)arg;
    snprintf(logged + n, sizeof logged - n, "%s\n", line->text);
}

static int listen_to_log(void)
{
    int id;

    logged[0] = '\0';
    ptd_log_reset_levels();
    ck_assert_int_eq(ptd_log_add_sink(&id, remember, NULL), PTD_OK);
    return id;
}

static const struct {
    const char *command, *value, *want; /* > fifo follows */
} values[] = {
    { "echo", NULL, "\n" },
    { "echo %s", "abc", "abc\n" },
    { "echo %s-%s x%s", "1", "1-1 x1\n" },
    { "echo %s", NULL, "%s\n" },
    { "echo %%s%", "a", "%a%\n" },
    { "echo", "a", "\n" },
};

START_TEST(command_runs_with_its_value)
{
    char *dir = temp_make(), *fifo = make_fifo(dir), command[700], got[100];
    struct ptd_notifier *n;

    ck_assert_int_eq(ptd_notifier_start(&n), PTD_OK);
    snprintf(command, sizeof command, "%s > '%s'", values[_i].command, fifo);
    ptd_notify(n, command, values[_i].value);
    read_fifo(got, sizeof got, fifo);
    ck_assert_str_eq(got, values[_i].want);
    ptd_notifier_stop(n);
    temp_remove(dir);
}
END_TEST

static const struct {
    const char *message, *want;
} alerts[] = {
    { "Warning: all is well.", "Warning: all is well.\n" },
    { "it's $(rm) `x` \"y\" & | ; > <", "its (rm) x y   ;  \n" },
    { "", "\n" },
    { "a\nb\xc3\xa9", "ab\n" },
};

START_TEST(alert_is_words_alone)
{
    char *dir = temp_make(), *fifo = make_fifo(dir), command[700], got[100];
    struct ptd_notifier *n;

    ck_assert_int_eq(ptd_notifier_start(&n), PTD_OK);
    snprintf(command, sizeof command, "echo %%s > '%s'", fifo);
    ptd_notify_alert(n, command, alerts[_i].message);
    read_fifo(got, sizeof got, fifo);
    ck_assert_str_eq(got, alerts[_i].want);
    ptd_notifier_stop(n);
    temp_remove(dir);
}
END_TEST

/* Each command waits for the other one: in a row they would never end. */
START_TEST(commands_run_side_by_side)
{
    char *dir = temp_make(), *fifo = make_fifo(dir), a[1300], b[1300], got[16];
    char other[620];
    struct ptd_notifier *n;

    snprintf(other, sizeof other, "%s2", fifo);
    ck_assert_int_eq(mkfifo(other, 0600), 0);
    ck_assert_int_eq(ptd_notifier_start(&n), PTD_OK);
    snprintf(a, sizeof a, "read x < '%s' && echo done > '%s'", other, fifo);
    snprintf(b, sizeof b, "echo go > '%s'", other);
    ptd_notify(n, a, NULL);
    ptd_notify(n, b, NULL);
    read_fifo(got, sizeof got, fifo);
    ck_assert_str_eq(got, "done\n");
    ptd_notifier_stop(n);
    temp_remove(dir);
}
END_TEST

START_TEST(nothing_to_do)
{
    struct ptd_notifier *n;

    ptd_notify(NULL, "exit 1", NULL);
    ck_assert_int_eq(ptd_notifier_start(&n), PTD_OK);
    ptd_notify(n, NULL, "x");
    ptd_notify(n, "", "x");
    ptd_notifier_stop(n);
    ptd_notifier_stop(NULL);
    ptd_notify_and_wait(NULL, 0);
}
END_TEST

static const struct {
    const char *command, *want;
} failures[] = {
    { "true", "" },
    { "", "" },
    { "exit 3", "runCommand error: system(exit 3) returned 768\n" },
    /* We ignore this signal, and block that one: the command does not. */
    { "kill -PIPE $$",
      "runCommand error: system(kill -PIPE $$) returned 13\n" },
    { "kill -TERM $$",
      "runCommand error: system(kill -TERM $$) returned 15\n" },
};

START_TEST(failure_is_logged)
{
    char command[64], *commands[] = { command };
    sigset_t term;
    int id;

    snprintf(command, sizeof command, "%s", failures[_i].command);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &term, NULL), 0);
    ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    id = listen_to_log();
    ptd_notify_and_wait(commands, 1);
    ptd_log_remove_sink(id);
    ck_assert_str_eq(logged, failures[_i].want);
    ck_assert_int_eq(sigprocmask(SIG_UNBLOCK, &term, NULL), 0);
}
END_TEST

START_TEST(commands_are_waited_for_together)
{
    char *dir = temp_make(), a[700], b[700], path[600];
    char *commands[] = { a, b };

    snprintf(path, sizeof path, "%s/fifo", dir);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    snprintf(a, sizeof a, "read x < '%s'", path);
    snprintf(b, sizeof b, "echo x > '%s' && touch '%s/b'", path, dir);
    ptd_notify_and_wait(commands, 2);
    snprintf(path, sizeof path, "%s/b", dir);
    ck_assert_int_eq(access(path, F_OK), 0);
    temp_remove(dir);
}
END_TEST

TCase *tcase_notify(void)
{
    TCase *tc = tcase_create("notify");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, command_runs_with_its_value, 0, PTD_COUNT(values));
    tcase_add_loop_test(tc, alert_is_words_alone, 0, PTD_COUNT(alerts));
    tcase_add_test(tc, commands_run_side_by_side);
    tcase_add_test(tc, nothing_to_do);
    tcase_add_loop_test(tc, failure_is_logged, 0, PTD_COUNT(failures));
    tcase_add_test(tc, commands_are_waited_for_together);
    return tc;
}
