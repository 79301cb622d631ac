/* The notify thread: starts commands and reaps them.
 *
 * Commands come through a pipe, as pointers: whoever asks for one never waits,
 * and the thread can sleep on the pipe and on its children at once. */
#include <config.h>

#include "node/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "pentad/log.h"
#include "sync/thread.h"

PTD_LOG_TAG(NODE);

extern char **environ;

enum { MAX_RUNNING = 64, COMMAND_MAX_BYTES = 128 * 1024 };

/* One command that runs. */
struct child {
    pid_t pid;
    int fd;        /* readable once it has ended */
    char *command; /* for the log */
};

struct ptd_notifier {
    struct ptd_thread thread;
    int in, out; /* of the pipe: written to; read by the thread */
    /* The thread's. */
    struct child child[MAX_RUNNING];
    size_t n;
};

/* ---- one command ----------------------------------------------------------- */

/* It gets the signals that we blocked, and what we ignore. */
static bool spawn(pid_t *pid, char *command)
{
    char sh[] = "sh", c[] = "-c";
    char *argv[] = { sh, c, command, NULL };
    posix_spawnattr_t attr;
    sigset_t none, ours;
    int e;

    sigemptyset(&none);
    sigemptyset(&ours);
    sigaddset(&ours, SIGPIPE);
    if (posix_spawnattr_init(&attr) != 0)
        return false;
    e = posix_spawnattr_setsigmask(&attr, &none);
    if (e == 0)
        e = posix_spawnattr_setsigdefault(&attr, &ours);
    if (e == 0)
        e = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
                                                POSIX_SPAWN_SETSIGDEF);
    if (e == 0)
        e = posix_spawn(pid, "/bin/sh", NULL, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    if (e != 0)
        ptd_log_warn("Cannot run %.200s: %s", command, strerror(e));
    return e == 0;
}

static void reap(pid_t pid, const char *command)
{
    int status;
    pid_t got;

    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got == pid && status != 0)
        ptd_log_warn("runCommand error: system(%.1000s) returned %d", command,
                     status);
}

/* A descriptor that is readable once the process has ended; -1: the system
 * has no such. */
static int watch(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

/* ---- the thread -------------------------------------------------------------- */

static void start(struct ptd_notifier *n, char *command)
{
    struct child *c = &n->child[n->n];

    c->command = command;
    if (!spawn(&c->pid, command)) {
        ptd_free(command);
        return;
    }
    c->fd = watch(c->pid);
    if (c->fd >= 0) {
        n->n++;
        return;
    }
    reap(c->pid, command); /* without such descriptors: one by one */
    ptd_free(command);
}

static void finish(struct ptd_notifier *n, size_t i)
{
    struct child *c = &n->child[i];

    reap(c->pid, c->command);
    close(c->fd);
    ptd_free(c->command);
    *c = n->child[--n->n];
}

/* Start one command of the pipe. False when nobody asks any more. */
static bool take(struct ptd_notifier *n)
{
    char *command;
    ssize_t k = read(n->out, &command, sizeof command);

    if (k == (ssize_t)sizeof command)
        start(n, command);
    return k != 0;
}

/* Sleep until a child ends, or until there is a command and room for it. Gives
 * false when the pipe is closed and what it held was started, as far as there
 * was room. */
static bool turn(struct ptd_notifier *n)
{
    struct pollfd p[MAX_RUNNING + 1];

    p[0] = (struct pollfd){ n->out, n->n < MAX_RUNNING ? POLLIN : 0, 0 };
    for (size_t i = 0; i < n->n; i++)
        p[i + 1] = (struct pollfd){ n->child[i].fd, POLLIN, 0 };
    if (poll(p, (nfds_t)n->n + 1, -1) < 0)
        return errno == EINTR;
    for (size_t i = n->n; i-- > 0;)
        if (p[i + 1].revents != 0)
            finish(n, i);
    if (p[0].revents & POLLIN)
        return take(n);
    return !(p[0].revents & (POLLHUP | POLLERR));
}

static void notify_main(void *arg)
{
    struct ptd_notifier *n = arg;

    while (turn(n))
        continue;
}

/* ---- starting and stopping --------------------------------------------------- */

enum ptd_err ptd_notifier_start(struct ptd_notifier **out)
{
    struct ptd_notifier *n = ptd_calloc(1, sizeof *n);
    int fds[2];
    enum ptd_err e;

    if (n == NULL)
        return PTD_ENOMEM;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        ptd_free(n);
        return PTD_ELIMIT;
    }
    n->out = fds[0];
    n->in = fds[1];
    e = ptd_thread_start(&n->thread, NULL, "notify", notify_main, n);
    if (e != PTD_OK) {
        close(n->in);
        close(n->out);
        ptd_free(n);
        return e;
    }
    *out = n;
    return PTD_OK;
}

/* What the thread left: for want of room, or because it runs on. */
static void drop_rest(struct ptd_notifier *n)
{
    char *command;

    while (read(n->out, &command, sizeof command) == (ssize_t)sizeof command) {
        ptd_log_warn("Too many commands run: %.200s does not", command);
        ptd_free(command);
    }
    for (size_t i = 0; i < n->n; i++) {
        close(n->child[i].fd);
        ptd_free(n->child[i].command);
    }
}

void ptd_notifier_stop(struct ptd_notifier *n)
{
    if (n == NULL)
        return;
    close(n->in);
    ptd_thread_join(&n->thread);
    drop_rest(n);
    close(n->out);
    ptd_free(n);
}

/* ---- asking -------------------------------------------------------------------- */

/* The command with value for each "%s"; NULL for lack of memory, or if it is
 * too long. */
static char *fill_in(const char *command, const char *value)
{
    size_t n = strlen(command) + 1, n_value = strlen(value);
    char *out, *to;

    for (const char *at = command; (at = strstr(at, "%s")) != NULL; at += 2)
        if ((n += n_value) > COMMAND_MAX_BYTES)
            return NULL;
    to = out = ptd_alloc(n);
    if (out == NULL)
        return NULL;
    for (const char *at; (at = strstr(command, "%s")) != NULL;
         command = at + 2) {
        memcpy(to, command, (size_t)(at - command));
        to += at - command;
        memcpy(to, value, n_value);
        to += n_value;
    }
    strcpy(to, command); /* what is left; n has room for it */
    return out;
}

void ptd_notify(struct ptd_notifier *n, const char *command, const char *value)
{
    char *filled;

    if (n == NULL || command == NULL || *command == '\0')
        return;
    filled = value != NULL ? fill_in(command, value) : ptd_strdup(command);
    if (filled != NULL &&
        write(n->in, &filled, sizeof filled) == (ssize_t)sizeof filled)
        return;
    ptd_log_warn_every(60, "No room to run %.200s", command);
    ptd_free(filled);
}

void ptd_notify_alert(struct ptd_notifier *n, const char *command,
                      const char *message)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                               "uvwxyz0123456789 .,;-_/:?@()";
    char quoted[1024];
    size_t n_quoted = 1;

    quoted[0] = '\'';
    for (; *message != '\0' && n_quoted + 2 < sizeof quoted; message++)
        if (strchr(safe, *message) != NULL)
            quoted[n_quoted++] = *message;
    quoted[n_quoted++] = '\'';
    quoted[n_quoted] = '\0';
    ptd_notify(n, command, quoted);
}

void ptd_notify_and_wait(char *const *commands, size_t n_commands)
{
    pid_t *pid = ptd_calloc(n_commands + 1, sizeof *pid);

    for (size_t i = 0; i < n_commands; i++) {
        if (*commands[i] == '\0')
            continue;
        if (pid != NULL) {
            if (!spawn(&pid[i], commands[i]))
                pid[i] = 0;
        } else { /* one by one */
            pid_t one;

            if (spawn(&one, commands[i]))
                reap(one, commands[i]);
        }
    }
    for (size_t i = 0; i < n_commands && pid != NULL; i++)
        if (pid[i] > 0)
            reap(pid[i], commands[i]);
    ptd_free(pid);
}
