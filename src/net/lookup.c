/* A look-up that can be given up: a child process does it.
 *
 * Nothing wakes a thread inside the C library's resolver, so it could not be
 * joined before the name servers' last timeout. A process can be killed.
 * getent(1) belongs to the C library and asks the same sources in the same
 * order: one line for each address and kind of socket, the address first. */
#include <config.h>

#include "net/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A child inherits neither our signal mask nor what we ignore. */
static int spawn_with(pid_t *pid, char *const argv[],
                      const posix_spawn_file_actions_t *files)
{
    posix_spawnattr_t attr;
    sigset_t none, pipe_alone;
    int error = posix_spawnattr_init(&attr);

    if (error != 0)
        return error;
    sigemptyset(&none);
    sigemptyset(&pipe_alone);
    sigaddset(&pipe_alone, SIGPIPE);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setsigdefault(&attr, &pipe_alone);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    error = posix_spawnp(pid, argv[0], files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    return error;
}

/* Start it with out as its standard output. Gives an errno. */
static int spawn(pid_t *pid, const char *host, int out)
{
    char program[] = "getent", table[] = "ahosts", name[256];
    char *argv[] = { program, table, name, NULL };
    posix_spawn_file_actions_t files;
    int error = posix_spawn_file_actions_init(&files);

    if (error != 0)
        return error;
    snprintf(name, sizeof name, "%s", host);
    if ((error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null",
                                                  O_RDONLY, 0)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(&files, out, 1)) == 0 &&
        (error = posix_spawn_file_actions_addopen(&files, 2, "/dev/null",
                                                  O_WRONLY, 0)) == 0)
        error = spawn_with(pid, argv, &files);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* Read to the end; what does not fit is not needed. */
static enum ptd_err read_all(int fd, char *text, size_t cap, size_t *n,
                             const struct ptd_wait *w)
{
    *n = 0;
    while (*n < cap) {
        enum ptd_err e = ptd_wait_fd(w, fd, POLLIN);
        ssize_t k;

        if (e != PTD_OK)
            return e;
        k = read(fd, text + *n, cap - *n);
        if (k == 0)
            break;
        if (k > 0)
            *n += (size_t)k;
        else if (errno != EINTR)
            return PTD_EIO;
    }
    return PTD_OK;
}

/* It is ours until waited for, so its number cannot have passed to another. */
static void end_child(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

enum ptd_err ptd_lookup(char *text, size_t cap, size_t *n, const char *host,
                        const struct ptd_wait *w)
{
    int ends[2], error;
    enum ptd_err e;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return PTD_ELIMIT;
    error = spawn(&pid, host, ends[1]);
    close(ends[1]);
    if (error == 0) {
        e = read_all(ends[0], text, cap, n, w);
        end_child(pid);
    } else {
        e = error == ENOENT ? PTD_ENOTFOUND : PTD_ELIMIT;
    }
    close(ends[0]);
    return e;
}
