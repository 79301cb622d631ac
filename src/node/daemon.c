#include <config.h>

#include "node/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Token of the child. None at all: it is dead. */
enum { STARTED = 1, FAILED = 0 };

/* Point a descriptor at nothing. */
static bool close_to_null(int fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool done = null >= 0 && dup2(null, fd) == fd;

    if (null > STDERR_FILENO)
        close(null);
    return done;
}

static void wait_in_parent(int fd)
{
    uint8_t token = FAILED;
    ssize_t n;

    do
        n = read(fd, &token, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        fputs("Error: the start ended early - check debug.log for details\n",
              stderr);
    /* What is in the buffers is the child's to write. */
    fflush(stderr);
    _exit(n == 1 && token == STARTED ? EXIT_SUCCESS : EXIT_FAILURE);
}

enum ptd_err ptd_daemon_start(struct ptd_daemon *d, bool waits)
{
    int fds[2];
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return PTD_EIO;
    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        close(fds[0]);
        close(fds[1]);
        return PTD_EIO;
    }
    if (pid > 0) {
        close(fds[1]);
        wait_in_parent(fds[0]);
    }
    close(fds[0]);
    d->token_fd = fds[1];
    if (setsid() < 0 || !close_to_null(STDIN_FILENO) ||
        !close_to_null(STDOUT_FILENO)) {
        /* The parent says it, from the missing token. */
        _exit(EXIT_FAILURE);
    }
    if (!waits)
        ptd_daemon_tell(d, true);
    return PTD_OK;
}

void ptd_daemon_tell(struct ptd_daemon *d, bool success)
{
    uint8_t token = success ? STARTED : FAILED;

    if (d->token_fd < 0)
        return;
    if (success)
        (void)close_to_null(STDERR_FILENO);
    while (write(d->token_fd, &token, 1) < 0 && errno == EINTR)
        continue;
    close(d->token_fd);
    d->token_fd = -1;
}
