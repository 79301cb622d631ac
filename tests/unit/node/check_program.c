/* The whole program, in a process of its own: what it says, leaves behind and
 * ends with. */
#include <config.h>

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "check_node.h"
#include "node/datadir.h"
#include "node/node.h"

#define QUIET "-printtoconsole=0|-connect=0|-listen=0|-server=0|-regtest"

/* A run of the program in a directory of its own. */
struct run {
    char *dir;
    pid_t pid;
    char fifo[600]; /* which -startupnotify writes to */
};

static char *join(const struct run *r, const char *name)
{
    return ptd_path_join(r->dir, name);
}

/* The contents of a file, from malloc; "" if there is none. */
static char *text_of(const struct run *r, const char *name)
{
    char *path = join(r, name), *text;
    size_t n;

    if (ptd_text_read(&text, &n, path, 1 << 20) != PTD_OK)
        text = strdup("");
    free(path);
    return text;
}

static void assert_text(const struct run *r, const char *name, const char *want)
{
    char *text = text_of(r, name);

    ck_assert_str_eq(text, want);
    free(text);
}

static bool exists(const struct run *r, const char *name)
{
    char *path = join(r, name);
    bool is = access(path, F_OK) == 0;

    free(path);
    return is;
}

static void say_to(const struct run *r, int fd, const char *name)
{
    char *path = join(r, name);
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (to < 0 || dup2(to, fd) != fd)
        _exit(99);
    close(to);
    free(path);
}

static void run_begin(struct run *r)
{
    r->dir = temp_make();
    snprintf(r->fifo, sizeof r->fifo, "%s/fifo", r->dir);
    ck_assert_int_eq(mkfifo(r->fifo, 0600), 0);
}

/* Options are split at bars. */
static void run_start(struct run *r, const char *line)
{
    char words[2048], *argv[24] = { words };
    int argc = 1, status;

    snprintf(words, sizeof words, "pentad|-datadir=%s|%s", r->dir, line);
    fflush(NULL);
    r->pid = fork();
    ck_assert_int_ge(r->pid, 0);
    if (r->pid > 0)
        return;
    argc = 0;
    for (char *at = words, *w; (w = strsep(&at, "|")) != NULL;)
        if (*w != '\0')
            argv[argc++] = w;
    argv[argc] = NULL;
    say_to(r, STDOUT_FILENO, "stdout");
    say_to(r, STDERR_FILENO, "stderr");
    status = ptd_node_program(argc, argv);
    fflush(NULL);
    _exit(status);
}

static int run_wait(struct run *r)
{
    int status;

    ck_assert_int_eq(waitpid(r->pid, &status, 0), r->pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void run_end(struct run *r)
{
    temp_remove(r->dir);
}

/* With a command that tells when the node is up; wait for it. */
static void run_until_up(struct run *r, const char *line)
{
    char options[1800], got[8] = "";
    FILE *f;

    snprintf(options, sizeof options, "%s|-startupnotify=echo up > '%s'", line,
             r->fifo);
    run_start(r, options);
    f = fopen(r->fifo, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(got, sizeof got, f));
    ck_assert_str_eq(got, "up\n");
    fclose(f);
}

/* ---- starts that fail ---------------------------------------------------------- */

static const struct {
    const char *line, *want;
} failures[] = {
    { "-nosuch",
      "Error: Error parsing command line arguments: Invalid parameter "
      "-nosuch\n" },
    { QUIET "|-proxy",
      "Error: Error parsing command line arguments: Can not set -proxy with no "
      "value. Please specify value with -proxy=value.\n" },
    { QUIET "|foo",
      "Error: Command line contains unexpected token 'foo', see pentad -h for "
      "a list of options.\n" },
    { QUIET "|-port=0", "Error: Invalid port specified in -port: '0'\n" },
    { QUIET "|-debug=abc",
      "Error: Unsupported logging category -debug=abc.\n" },
    { QUIET "|-debuglogfile=/nonexistent/of/pentad/x.log",
      "Error: Could not open debug log file "
      "/nonexistent/of/pentad/x.log\n" },
    { QUIET "|-pid=/nonexistent/of/pentad/x.pid",
      "Error: Unable to create the PID file '/nonexistent/of/pentad/x.pid': No "
      "such file or directory\n" },
    { QUIET "|-listen=1|-listenonion=0|-bind=192.0.2.1:5|-daemonwait",
      NULL }, /* what the kernel says */
    { QUIET "|-port=x|-daemon",
      "Error: Invalid port specified in -port: 'x'\n" },
};

START_TEST(failure_is_one_line_and_a_status)
{
    struct run r;
    char *err;

    run_begin(&r);
    run_start(&r, failures[_i].line);
    ck_assert_int_eq(run_wait(&r), 1);
    if (failures[_i].want != NULL) {
        assert_text(&r, "stderr", failures[_i].want);
    } else {
        err = text_of(&r, "stderr");
        ck_assert_int_eq(strncmp(err, "Error: ", 7), 0);
        ck_assert_ptr_eq(strchr(err, '\n'), err + strlen(err) - 1);
        free(err);
    }
    ck_assert(!exists(&r, "regtest/bitcoind.pid"));
    run_end(&r);
}
END_TEST

/* ---- what is told without a start ---------------------------------------------- */

static const struct {
    const char *line, *has, *has_not;
} told[] = {
    { "-version", "Pentad version v" PACKAGE_VERSION "\n", "Options" },
    { "-?", "\nOptions:\n\n", "-capturemessages" },
    { "-h", "\nConnection options:\n\n", "-mocktime" },
    { "--help", "\nRPC server options:\n\n", "-rpcdoccheck" },
    { "-help-debug", "  -capturemessages\n", "\n\n\n" },
};

START_TEST(help_and_version)
{
    struct run r;
    char *out;

    run_begin(&r);
    run_start(&r, told[_i].line);
    ck_assert_int_eq(run_wait(&r), 0);
    assert_text(&r, "stderr", "");
    out = text_of(&r, "stdout");
    ck_assert_ptr_nonnull(strstr(out, told[_i].has));
    ck_assert_ptr_null(strstr(out, told[_i].has_not));
    free(out);
    ck_assert(!exists(&r, "debug.log"));
    run_end(&r);
}
END_TEST

/* ---- a life ---------------------------------------------------------------------- */

static void assert_pid_file(const struct run *r)
{
    char *text = text_of(r, "regtest/bitcoind.pid"), want[32];

    snprintf(want, sizeof want, "%ld\n", (long)r->pid);
    ck_assert_str_eq(text, want);
    free(text);
}

static void assert_in_log(const struct run *r, const char *const *lines)
{
    char *log = text_of(r, "regtest/debug.log"), *at = log;

    for (; *lines != NULL; lines++) {
        at = strstr(at, *lines);
        ck_assert_msg(at != NULL, "%s", *lines);
    }
    free(log);
}

START_TEST(run_ends_with_status_0_and_nothing_on_stderr)
{
    static const char *const lines[] = {
        "[warning] Parsed potentially confusing double-negative -logips=0\n",
        "] Pentad version v" PACKAGE_VERSION "\n", NULL
    };
    static const char *const more[] = { "Z (mocktime: 2011-03-13T07:06:40Z) [",
                                        "Using data directory ",
                                        "/regtest\n",
                                        "/bitcoin.conf (not found, skipping)\n",
                                        "Command-line arg: regtest=\"\"\n",
                                        "Command-line arg: logips=true\n",
                                        "Command-line arg: rpcpassword=****\n",

                                        "init message: Done loading\n",
                                        "Shutdown in progress...\n",
                                        "Shutdown done\n",
                                        NULL };
    struct run r;
    char options[1024];

    run_begin(&r);
    snprintf(options, sizeof options,
             QUIET "|-nologips=0|-rpcpassword=secret|-mocktime=1300000000|"
                   "-logthreadnames|-shutdownnotify=touch '%s/down'",
             r.dir);
    run_until_up(&r, options);
    assert_pid_file(&r);
    ck_assert(exists(&r, "regtest/settings.json"));
    ck_assert(exists(&r, "regtest/wallets"));
    ck_assert(!exists(&r, "down"));
    ck_assert_int_eq(kill(r.pid, SIGTERM), 0);
    ck_assert_int_eq(run_wait(&r), 0);
    assert_text(&r, "stderr", "");
    assert_text(&r, "stdout", "");
    ck_assert(exists(&r, "down"));
    ck_assert(!exists(&r, "regtest/bitcoind.pid"));
    assert_in_log(&r, lines);
    assert_in_log(&r, more);
    run_end(&r);
}
END_TEST

START_TEST(failure_is_logged_where_the_log_is_known)
{
    static const char *const lines[] = {
        "Z Pentad version v", "[error] Invalid port specified in -port: 'x'\n",
        NULL
    };
    struct run r;

    run_begin(&r);
    run_start(&r, QUIET "|-port=x");
    ck_assert_int_eq(run_wait(&r), 1);
    assert_in_log(&r, lines);
    run_end(&r);
    run_begin(&r);
    run_start(&r, QUIET "|-debug=abc");
    ck_assert_int_eq(run_wait(&r), 1);
    ck_assert(!exists(&r, "regtest/debug.log"));
    run_end(&r);
}
END_TEST

START_TEST(warning_is_told_and_logged)
{
    static const char *const lines[] = {
        "[warning] Option '-checkpoints' is set but checkpoints were removed.",
        NULL
    };
    struct run r;

    run_begin(&r);
    run_until_up(&r, QUIET "|-checkpoints=1");
    ck_assert_int_eq(kill(r.pid, SIGINT), 0);
    ck_assert_int_eq(run_wait(&r), 0);
    assert_text(&r, "stderr",
                "Warning: Option '-checkpoints' is set but checkpoints were "
                "removed. This option has no effect.\n");
    assert_in_log(&r, lines);
    run_end(&r);
}
END_TEST

START_TEST(log_is_opened_again_on_sighup)
{
    struct run r;
    char *from, *to, *text;

    run_begin(&r);
    run_until_up(&r, QUIET);
    from = join(&r, "regtest/debug.log");
    to = join(&r, "old.log");
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(kill(r.pid, SIGHUP), 0);
    ck_assert_int_eq(kill(r.pid, SIGTERM), 0);
    ck_assert_int_eq(run_wait(&r), 0);
    text = text_of(&r, "old.log");
    ck_assert_ptr_nonnull(strstr(text, "Done loading"));
    ck_assert_ptr_null(strstr(text, "Shutdown done"));
    free(text);
    text = text_of(&r, "regtest/debug.log");
    ck_assert_ptr_nonnull(strstr(text, "Shutdown done"));
    free(text);
    free(from);
    free(to);
    run_end(&r);
}
END_TEST

START_TEST(second_one_in_the_directory_is_refused)
{
    struct run r, second;
    struct ptd_complaint want;

    run_begin(&r);
    run_until_up(&r, QUIET);
    second = r;
    run_start(&second, QUIET);
    ck_assert_int_eq(run_wait(&second), 1);
    (void)ptd_complain(&want,
                       "Error: Cannot obtain a lock on directory %s/regtest. "
                       "Pentad is probably already running.\n",
                       r.dir);
    assert_text(&r, "stderr", want.text);
    ck_assert(exists(&r, "regtest/bitcoind.pid")); /* the first one's */
    ck_assert_int_eq(kill(r.pid, SIGTERM), 0);
    ck_assert_int_eq(run_wait(&r), 0);
    run_end(&r);
}
END_TEST

/* ---- in the background ------------------------------------------------------------- */

/* Until nobody has the directory locked: the node is gone. */
static void wait_for_lock(const struct run *r)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char *path = join(r, "regtest/.lock");
    int fd = open(path, O_RDWR);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_SETLKW, &lock), 0);
    close(fd);
    free(path);
}

static const char *const daemons[] = { "-daemon", "-daemonwait" };

START_TEST(daemon_lives_on)
{
    struct run r;
    char *pid, options[128];

    run_begin(&r);
    snprintf(options, sizeof options, QUIET "|%s", daemons[_i]);
    run_until_up(&r, options);
    ck_assert_int_eq(run_wait(&r), 0);
    assert_text(&r, "stdout", "Pentad starting\n");
    assert_text(&r, "stderr", "");
    pid = text_of(&r, "regtest/bitcoind.pid");
    ck_assert(isdigit((unsigned char)pid[0]));
    ck_assert_int_ne(atoi(pid), r.pid);
    ck_assert_int_eq(kill(atoi(pid), SIGTERM), 0);
    free(pid);
    wait_for_lock(&r);
    ck_assert(!exists(&r, "regtest/bitcoind.pid"));
    assert_text(&r, "stderr", "");
    run_end(&r);
}
END_TEST

TCase *tcase_program(void)
{
    TCase *tc = tcase_create("program");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, failure_is_one_line_and_a_status, 0,
                        PTD_COUNT(failures));
    tcase_add_loop_test(tc, help_and_version, 0, PTD_COUNT(told));
    tcase_add_test(tc, run_ends_with_status_0_and_nothing_on_stderr);
    tcase_add_test(tc, failure_is_logged_where_the_log_is_known);
    tcase_add_test(tc, warning_is_told_and_logged);
    tcase_add_test(tc, log_is_opened_again_on_sighup);
    tcase_add_test(tc, second_one_in_the_directory_is_refused);
    tcase_add_loop_test(tc, daemon_lives_on, 0, PTD_COUNT(daemons));
    return tc;
}
