/* daemon.h - a pentad of its own for a benchmark, in a process of its own: what
 * it costs is told from what the benchmark costs. */
#ifndef PTD_BENCH_DAEMON_H
#define PTD_BENCH_DAEMON_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bench_daemon {
    pid_t pid;
    char dir[64]; /* its data directory; gone with it */
    bool has_rpc;
    struct sockaddr_in addr; /* where it listens to peers */
    struct sockaddr_in rpc_addr;
};

/* End the benchmark, with errno's text, unless all is well. */
void bench_must(bool good, const char *what);

/* A port of 127.0.0.1 that nobody has; a socket that listens on one. */
void bench_free_addr(struct sockaddr_in *a);
int bench_listen(struct sockaddr_in *a);
int bench_connect(const struct sockaddr_in *a);

/* A folder for a data directory, for bench_daemon_start(). */
void bench_new_dir(char dir[64]);
void bench_remove_dir(const char *dir);

/* Start it and wait until it answers; d->dir is its data directory, "": a new
 * one. It calls nobody by itself.
 *
 * options  NULL at the end
 */
void bench_daemon_start(struct bench_daemon *d, const char *program,
                        const char *const *options);
void bench_daemon_end(struct bench_daemon *d);

/* Call a method; params as JSON: "[1, 2]". An error ends the benchmark. */
void bench_daemon_rpc(const struct bench_daemon *d, const char *method,
                      const char *params);

double bench_daemon_cpu_s(const struct bench_daemon *d);
double bench_daemon_rss_bytes(const struct bench_daemon *d);

#endif /* PTD_BENCH_DAEMON_H */
