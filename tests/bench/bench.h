/* bench.h - what the benchmarks share: clocks, medians, one line a figure.
 *
 * Every figure is a line `name value unit` on standard output.
 */
#ifndef PTD_BENCH_H
#define PTD_BENCH_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static inline double bench_wall_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* User and system time of the whole process. */
static inline double bench_cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Resident memory of the process in bytes. */
static inline double bench_rss_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (f != NULL) {
        if (fscanf(f, "%*s %ld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static inline void bench_print(const char *name, double value,
                               const char *unit)
{
    printf("%s %.6g %s\n", name, value, unit);
    fflush(stdout);
}

/* From one moment on: wall and CPU time. */
struct bench_span {
    double wall_s, cpu_s;
};

static inline struct bench_span bench_begin(void)
{
    return (struct bench_span){ bench_wall_s(), bench_cpu_s() };
}

/* So many since then: two lines, `name` and `name_cpu`. */
static inline void bench_print_rate(const struct bench_span *since,
                                    const char *name, double n)
{
    double wall = bench_wall_s() - since->wall_s;
    double cpu = bench_cpu_s() - since->cpu_s;
    char label[80];

    bench_print(name, n / wall, "/s");
    snprintf(label, sizeof label, "%s_cpu", name);
    bench_print(label, n / cpu, "/CPU-s");
}

static inline int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* The value below which a share of them lies; sorts them. */
static inline double bench_quantile(double *v, size_t n, double share)
{
    size_t i = (size_t)(share * (double)(n - 1) + 0.5);

    qsort(v, n, sizeof *v, bench_compare);
    return v[i];
}

#endif /* PTD_BENCH_H */
