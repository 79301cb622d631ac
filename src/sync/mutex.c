#include <config.h>

#include "sync/mutex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ptd_mutex_init(struct ptd_mutex *mu, enum ptd_rank rank)
{
    int e = pthread_mutex_init(&mu->m, NULL);

    mu->rank = rank;
    if (e != 0)
        ptd_mutex_fail(mu, "init", e);
}

void ptd_mutex_fini(struct ptd_mutex *mu)
{
    int e = pthread_mutex_destroy(&mu->m);

    if (e != 0)
        ptd_mutex_fail(mu, "fini", e);
}

void ptd_mutex_fail(const struct ptd_mutex *mu, const char *what, int error)
{
    fprintf(stderr, "mutex of rank %d: %s: %s\n", (int)mu->rank, what,
            strerror(error));
    abort();
}

#ifdef PTD_DEBUG_LOCKS

#define MAX_HELD 16

/* What the calling thread holds, in the order it was taken. */
static _Thread_local struct {
    const struct ptd_mutex *held[MAX_HELD];
    int n;
} mine;

static void wrong(const char *what, const struct ptd_mutex *mu)
{
    fprintf(stderr, "lock order: %s of rank %d; this thread holds", what,
            (int)mu->rank);
    for (int i = 0; i < mine.n; i++)
        fprintf(stderr, " %d", (int)mine.held[i]->rank);
    fputs(mine.n == 0 ? " nothing\n" : "\n", stderr);
    abort();
}

void ptd_mutex_debug_wait(const struct ptd_mutex *mu)
{
    for (int i = 0; i < mine.n; i++)
        if (mine.held[i]->rank >= mu->rank)
            wrong("waits for a lock", mu);
}

void ptd_mutex_debug_held(const struct ptd_mutex *mu)
{
    if (mine.n == MAX_HELD)
        wrong("too many locks with the one", mu);
    mine.held[mine.n++] = mu;
}

void ptd_mutex_debug_gone(const struct ptd_mutex *mu)
{
    int i = mine.n - 1;

    while (i >= 0 && mine.held[i] != mu)
        i--;
    if (i < 0)
        wrong("unlocks a lock it does not hold", mu);
    mine.n--;
    memmove(&mine.held[i], &mine.held[i + 1],
            (size_t)(mine.n - i) * sizeof mine.held[0]);
}

#endif /* PTD_DEBUG_LOCKS */
