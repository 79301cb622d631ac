#include <config.h>

#include "daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

extern char **environ;

enum {
    MAX_ARGS = 32,
    START_TRIES = 6000,
    MAX_DAEMONS = 4,
    ANSWER_BYTES = 8192
};

/* Those that run end with the benchmark, however it ends. */
static struct bench_daemon *running[MAX_DAEMONS];

static void end_all(void)
{
    for (size_t i = 0; i < MAX_DAEMONS; i++) {
        if (running[i] == NULL)
            continue;
        kill(running[i]->pid, SIGKILL);
        (void)waitpid(running[i]->pid, NULL, 0);
        bench_remove_dir(running[i]->dir);
    }
}

static void note(const struct bench_daemon *old, struct bench_daemon *new)
{
    for (size_t i = 0; i < MAX_DAEMONS; i++) {
        if (running[i] == old) {
            running[i] = new;
            return;
        }
    }
    bench_must(false, "so many daemons");
}

void bench_must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "benchmark: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

/* ---- sockets and folders ---------------------------------------------- */

static int bound_socket(struct sockaddr_in *a)
{
    socklen_t n = sizeof *a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *a = (struct sockaddr_in){ .sin_family = AF_INET };
    a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bench_must(fd >= 0, "socket");
    bench_must(bind(fd, (struct sockaddr *)a, sizeof *a) == 0, "bind");
    bench_must(getsockname(fd, (struct sockaddr *)a, &n) == 0, "getsockname");
    return fd;
}

void bench_free_addr(struct sockaddr_in *a)
{
    close(bound_socket(a));
}

int bench_listen(struct sockaddr_in *a)
{
    int fd = bound_socket(a);

    bench_must(listen(fd, 16) == 0, "listen");
    return fd;
}

static int try_connect(const struct sockaddr_in *a)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    bench_must(fd >= 0, "socket");
    if (connect(fd, (const struct sockaddr *)a, sizeof *a) == 0)
        return fd;
    close(fd);
    return -1;
}

int bench_connect(const struct sockaddr_in *a)
{
    int fd = try_connect(a);

    bench_must(fd >= 0, "connect");
    return fd;
}

void bench_new_dir(char dir[64])
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, 64, "%s/pentad-bench-XXXXXX",
             tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
    bench_must(mkdtemp(dir) != NULL, "mkdtemp");
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void bench_remove_dir(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- RPC -------------------------------------------------------------- */

/* False: the answer, as it came, is an error. */
static bool call(const struct bench_daemon *d, const char *method,
                 const char *params, char answer[ANSWER_BYTES])
{
    char body[512], request[1024];
    int fd = bench_connect(&d->rpc_addr);
    size_t have = 0;
    ssize_t k;
    int n;

    n = snprintf(body, sizeof body,
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\","
                 "\"params\":%s}",
                 method, params);
    /* bench:bench */
    n = snprintf(request, sizeof request,
                 "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                 "Authorization: Basic YmVuY2g6YmVuY2g=\r\n"
                 "Content-Type: application/json\r\nConnection: close\r\n"
                 "Content-Length: %d\r\n\r\n%s",
                 n, body);
    bench_must(n > 0 && (size_t)n < sizeof request &&
                   send(fd, request, (size_t)n, MSG_NOSIGNAL) == n,
               "request");
    while ((k = recv(fd, answer + have, ANSWER_BYTES - 1 - have, 0)) > 0)
        have += (size_t)k;
    answer[have] = '\0';
    close(fd);
    return strstr(answer, "\"result\"") != NULL;
}

void bench_daemon_rpc(const struct bench_daemon *d, const char *method,
                      const char *params)
{
    char answer[ANSWER_BYTES];

    if (!call(d, method, params, answer)) {
        fprintf(stderr, "benchmark: %s: %s\n", method, answer);
        exit(1);
    }
}

/* ---- life ------------------------------------------------------------- */

/* It may take a while on a busy machine. */
static void wait_until_up(const struct bench_daemon *d)
{
    const struct sockaddr_in *a = d->has_rpc ? &d->rpc_addr : &d->addr;
    char text[ANSWER_BYTES];
    const struct timespec ten_ms = { .tv_nsec = 10 * 1000 * 1000 };

    for (int i = 0; i < START_TRIES; i++) {
        int fd = try_connect(a), status;

        if (fd >= 0)
            close(fd);
        if (fd >= 0 && (!d->has_rpc || call(d, "getblockcount", "[]", text)))
            return;
        bench_must(waitpid(d->pid, &status, WNOHANG) == 0, "it ended");
        nanosleep(&ten_ms, NULL);
    }
    bench_must(false, "it does not come up");
}

void bench_daemon_start(struct bench_daemon *d, const char *program,
                        const char *const *options)
{
    static bool is_registered;
    char text[4][96];
    const char *argv[MAX_ARGS] = {
        program,
        text[0],
        text[1],
        text[2],
        text[3],
        "-listen",
        "-connect=0",
        "-dnsseed=0",
        "-natpmp=0",
        "-rpcuser=bench",
        "-rpcpassword=bench",
        "-printtoconsole=0",
    };
    size_t n = 0;

    while (argv[n] != NULL)
        n++;
    for (; *options != NULL && n + 1 < MAX_ARGS; options++) {
        d->has_rpc |= strcmp(*options, "-server") == 0;
        argv[n++] = *options;
    }
    if (d->dir[0] == '\0')
        bench_new_dir(d->dir);
    bench_free_addr(&d->addr);
    bench_free_addr(&d->rpc_addr);
    snprintf(text[0], sizeof text[0], "-datadir=%s", d->dir);
    snprintf(text[1], sizeof text[1], "-bind=127.0.0.1:%u",
             ntohs(d->addr.sin_port));
    snprintf(text[2], sizeof text[2], "-rpcport=%u",
             ntohs(d->rpc_addr.sin_port));
    snprintf(text[3], sizeof text[3], "-server=%d", d->has_rpc);
    errno = posix_spawn(&d->pid, program, NULL, NULL,
                        (char *const *)(uintptr_t)argv, environ);
    bench_must(errno == 0, program);
    if (!is_registered)
        is_registered = atexit(end_all) == 0;
    note(NULL, d);
    wait_until_up(d);
}

void bench_daemon_end(struct bench_daemon *d)
{
    int status;

    kill(d->pid, SIGTERM);
    bench_must(waitpid(d->pid, &status, 0) == d->pid, "waitpid");
    note(d, NULL);
    bench_remove_dir(d->dir);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "benchmark: pentad ended with status %d\n", status);
        exit(1);
    }
}

/* ---- what it costs ---------------------------------------------------- */

double bench_daemon_cpu_s(const struct bench_daemon *d)
{
    struct timespec ts;
    clockid_t id;

    errno = clock_getcpuclockid(d->pid, &id);
    bench_must(errno == 0 && clock_gettime(id, &ts) == 0, "its CPU time");
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double bench_daemon_rss_bytes(const struct bench_daemon *d)
{
    char path[64];
    long pages = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)d->pid);
    bench_must((f = fopen(path, "r")) != NULL, path);
    bench_must(fscanf(f, "%*s %ld", &pages) == 1, path);
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}
