/* bench_chan - channels beside a plain ring of one mutex and two condition
 * variables, in the same run. Prints "name value unit"; ratios above 1 say
 * that channels are faster (speed) or dearer (cpu).
 *
 * Machines and moments differ, so each measure alternates between the two
 * and reports medians.
 */
#include <config.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "pentad/chan.h"
#include "pentad/process.h"
#include "sync/thread.h"

enum { ROUNDS = 7, BATCH = 64, N_PRODUCERS = 100, N_SELECT = 5 };

/* ---- the plain ring -------------------------------------------------- */

struct ring {
    pthread_mutex_t mu;
    pthread_cond_t not_empty, not_full;
    size_t cap, head, len, n_recv_waits, n_send_waits;
    uint64_t slots[64];
};

static struct ring *ring_new(size_t cap)
{
    struct ring *r = calloc(1, sizeof *r);

    PTD_ASSERT(r != NULL && cap <= PTD_COUNT(r->slots));
    pthread_mutex_init(&r->mu, NULL);
    pthread_cond_init(&r->not_empty, NULL);
    pthread_cond_init(&r->not_full, NULL);
    r->cap = cap;
    return r;
}

static void ring_free(struct ring *r)
{
    pthread_cond_destroy(&r->not_full);
    pthread_cond_destroy(&r->not_empty);
    pthread_mutex_destroy(&r->mu);
    free(r);
}

static void ring_send(struct ring *r, uint64_t v)
{
    bool wake;

    pthread_mutex_lock(&r->mu);
    while (r->len == r->cap) {
        r->n_send_waits++;
        pthread_cond_wait(&r->not_full, &r->mu);
        r->n_send_waits--;
    }
    r->slots[(r->head + r->len++) % r->cap] = v;
    wake = r->n_recv_waits > 0;
    pthread_mutex_unlock(&r->mu);
    if (wake)
        pthread_cond_signal(&r->not_empty);
}

static uint64_t ring_recv(struct ring *r)
{
    uint64_t v;
    bool wake;

    pthread_mutex_lock(&r->mu);
    while (r->len == 0) {
        r->n_recv_waits++;
        pthread_cond_wait(&r->not_empty, &r->mu);
        r->n_recv_waits--;
    }
    v = r->slots[r->head];
    r->head = (r->head + 1) % r->cap;
    r->len--;
    wake = r->n_send_waits > 0;
    pthread_mutex_unlock(&r->mu);
    if (wake)
        pthread_cond_signal(&r->not_full);
    return v;
}

/* ---- both behind one face -------------------------------------------- */

enum kind { RING, CHAN, N_KINDS };

struct pipe {
    enum kind kind;
    struct ring *ring;
    struct ptd_chan *chan;
};

static struct pipe pipe_new(enum kind kind, size_t cap)
{
    struct pipe p = { kind, NULL, NULL };

    if (kind == RING)
        p.ring = ring_new(cap);
    else
        p.chan = ptd_chan_new(sizeof(uint64_t), cap);
    PTD_ASSERT(p.ring != NULL || p.chan != NULL);
    return p;
}

static void pipe_free(struct pipe *p)
{
    if (p->kind == RING)
        ring_free(p->ring);
    else
        ptd_chan_free(p->chan);
}

static inline void pipe_send(struct pipe *p, uint64_t v)
{
    if (p->kind == RING)
        ring_send(p->ring, v);
    else
        PTD_ASSERT(ptd_chan_send(p->chan, &v) == PTD_OK);
}

static inline uint64_t pipe_recv(struct pipe *p)
{
    uint64_t v = 0;

    if (p->kind == RING)
        return ring_recv(p->ring);
    PTD_ASSERT(ptd_chan_recv(p->chan, &v) == PTD_OK);
    return v;
}

/* ---- measuring ------------------------------------------------------- */

struct cost {
    double wall_ns, cpu_ns; /* of one operation */
};

static double now_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static struct ptd_threads *threads;

static struct ptd_thread start(void (*main)(void *), void *arg)
{
    struct ptd_thread t = { 0 };

    PTD_ASSERT(ptd_thread_start(&t, threads, "bench", main, arg) == PTD_OK);
    return t;
}

struct job {
    struct pipe pipe[N_SELECT];
    size_t n; /* operations of each thread */
    uint64_t sum;
};

static void send_main(void *arg)
{
    struct job *j = arg;

    for (size_t i = 0; i < j->n; i++)
        pipe_send(&j->pipe[0], i);
}

static void echo_main(void *arg)
{
    struct job *j = arg;

    for (size_t i = 0; i < j->n; i++)
        pipe_send(&j->pipe[1], pipe_recv(&j->pipe[0]));
}

/* Each returns how many operations it did. */
static size_t one_way(enum kind kind, size_t n)
{
    struct job j = { .n = n };
    struct ptd_thread t;

    j.pipe[0] = pipe_new(kind, 50);
    t = start(send_main, &j);
    for (size_t i = 0; i < n; i++)
        PTD_ASSERT(pipe_recv(&j.pipe[0]) == i);
    ptd_thread_join(&t);
    pipe_free(&j.pipe[0]);
    return n;
}

static size_t ping_pong(enum kind kind, size_t n)
{
    struct job j = { .n = n };
    struct ptd_thread t;

    j.pipe[0] = pipe_new(kind, 1);
    j.pipe[1] = pipe_new(kind, 1);
    t = start(echo_main, &j);
    for (size_t i = 0; i < n; i++) {
        pipe_send(&j.pipe[0], i);
        PTD_ASSERT(pipe_recv(&j.pipe[1]) == i);
    }
    ptd_thread_join(&t);
    pipe_free(&j.pipe[0]);
    pipe_free(&j.pipe[1]);
    return n;
}

static size_t producers(enum kind kind, size_t n)
{
    struct job j = { .n = n / N_PRODUCERS };
    struct ptd_thread t[N_PRODUCERS];

    j.pipe[0] = pipe_new(kind, 50);
    for (size_t i = 0; i < N_PRODUCERS; i++)
        t[i] = start(send_main, &j);
    for (size_t i = 0; i < j.n * N_PRODUCERS; i++)
        j.sum += pipe_recv(&j.pipe[0]);
    for (size_t i = 0; i < N_PRODUCERS; i++)
        ptd_thread_join(&t[i]);
    pipe_free(&j.pipe[0]);
    return j.n * N_PRODUCERS;
}

/* Batched receive; the ring has none and stands for itself. */
static size_t batched(enum kind kind, size_t n)
{
    struct job j = { .n = n };
    uint64_t v[BATCH];
    struct ptd_thread t;

    if (kind == RING)
        return one_way(kind, n);
    j.pipe[0] = pipe_new(kind, 50);
    t = start(send_main, &j);
    for (size_t done = 0, got; done < n; done += got) {
        PTD_ASSERT(ptd_chan_recv_many(j.pipe[0].chan, v, BATCH, &got) ==
                   PTD_OK);
        for (size_t i = 0; i < got; i++)
            PTD_ASSERT(v[i] == done + i);
    }
    ptd_thread_join(&t);
    pipe_free(&j.pipe[0]);
    return n;
}

/* One receiver selects among five channels, the first of which is busy. */
static size_t select_five(struct ptd_chan_group *group, size_t n)
{
    struct job j = { .n = n };
    struct ptd_thread t;
    uint64_t v = 0;

    for (size_t i = 0; i < N_SELECT; i++) {
        j.pipe[i].kind = CHAN;
        j.pipe[i].chan = group != NULL ? ptd_chan_new_in(group, sizeof v, 50)
                                       : ptd_chan_new(sizeof v, 50);
    }
    t = start(send_main, &j);
    for (size_t i = 0; i < n; i++) {
        struct ptd_case on[N_SELECT];

        for (size_t k = 0; k < N_SELECT; k++)
            on[k] = (struct ptd_case)PTD_RECV(j.pipe[k].chan, &v);
        PTD_ASSERT(ptd_select(on, N_SELECT, NULL, PTD_NEVER) == 0 && v == i);
    }
    ptd_thread_join(&t);
    for (size_t i = 0; i < N_SELECT; i++)
        ptd_chan_free(j.pipe[i].chan);
    return n;
}

static size_t select_single(enum kind kind, size_t n)
{
    return kind == RING ? one_way(kind, n) : select_five(NULL, n);
}

static size_t select_group(enum kind kind, size_t n)
{
    struct ptd_chan_group *g;
    size_t done;

    if (kind == RING)
        return one_way(kind, n);
    g = ptd_chan_group_new();
    PTD_ASSERT(g != NULL);
    done = select_five(g, n);
    ptd_chan_group_free(g);
    return done;
}

/* Send and receive by one thread: the cost of the operations alone. */
static size_t alone(enum kind kind, size_t n)
{
    struct pipe p = pipe_new(kind, 50);

    for (size_t i = 0; i < n; i++) {
        pipe_send(&p, i);
        PTD_ASSERT(pipe_recv(&p) == i);
    }
    pipe_free(&p);
    return n;
}

static struct cost measure(size_t (*run)(enum kind, size_t), enum kind kind,
                           size_t n)
{
    double wall = now_ns(CLOCK_MONOTONIC);
    double cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    double ops = (double)run(kind, n);

    return (struct cost){ (now_ns(CLOCK_MONOTONIC) - wall) / ops,
                          (now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / ops };
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, ROUNDS, sizeof *v, by_value);
    return v[ROUNDS / 2];
}

static void compare(const char *name, size_t (*run)(enum kind, size_t),
                    size_t n)
{
    double wall[N_KINDS][ROUNDS], cpu[N_KINDS][ROUNDS];
    double speed[ROUNDS], dear[ROUNDS];

    for (int r = 0; r < ROUNDS; r++) {
        for (int k = 0; k < N_KINDS; k++) {
            struct cost c = measure(run, (enum kind)k, n);

            wall[k][r] = c.wall_ns;
            cpu[k][r] = c.cpu_ns;
        }
        speed[r] = wall[RING][r] / wall[CHAN][r];
        dear[r] = cpu[CHAN][r] / cpu[RING][r];
    }
    printf("chan_%s %.0f ops/s\n", name, 1e9 / median(wall[CHAN]));
    printf("chan_%s_cpu %.1f ns\n", name, median(cpu[CHAN]));
    printf("ring_%s %.0f ops/s\n", name, 1e9 / median(wall[RING]));
    printf("ring_%s_cpu %.1f ns\n", name, median(cpu[RING]));
    printf("chan_%s_vs_ring %.2f speed_ratio\n", name, median(speed));
    printf("chan_%s_cpu_vs_ring %.2f cpu_ratio\n", name, median(dear));
    fflush(stdout);
}

static const struct {
    const char *name;
    size_t (*run)(enum kind, size_t);
    size_t n;
} benches[] = {
    { "alone", alone, 2000000 },
    { "one_way", one_way, 1000000 },
    { "recv_many", batched, 1000000 },
    { "ping_pong", ping_pong, 50000 },
    { "select_five", select_single, 500000 },
    { "select_five_group", select_group, 500000 },
    { "100_producers", producers, 500000 },
};

int main(int argc, char **argv)
{
    ptd_process_tune();
    threads = ptd_threads_new();
    PTD_ASSERT(threads != NULL);
    for (size_t i = 0; i < PTD_COUNT(benches); i++)
        if (argc < 2 || strstr(benches[i].name, argv[1]) != NULL)
            compare(benches[i].name, benches[i].run, benches[i].n);
    ptd_threads_free(threads);
    return 0;
}
