#include <config.h>

#include "sync/stack.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/util.h"
#include "sync/mutex.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13; not in older headers */
#endif

enum { GUARD_BYTES = 4096, PER_SLAB = 256 };
#ifdef PTD_SANITIZER
enum { STACK_BYTES = 256 * 1024 };
#else
enum { STACK_BYTES = 64 * 1024 };
#endif

struct slab {
    struct slab *next;
    uint8_t *base;
};

struct ptd_threads {
    struct ptd_mutex mu;
    struct slab *slabs PTD_GUARDED_BY(mu);
    size_t n_used PTD_GUARDED_BY(mu); /* stacks of the newest slab handed out */
    void **idle PTD_GUARDED_BY(mu);
    size_t n_idle PTD_GUARDED_BY(mu), cap_idle PTD_GUARDED_BY(mu);
    size_t n_out PTD_GUARDED_BY(mu);
};

size_t ptd_threads_stack_bytes(void)
{
    return STACK_BYTES;
}

struct ptd_threads *ptd_threads_new(void)
{
    struct ptd_threads *pool = ptd_calloc(1, sizeof *pool);

    if (pool != NULL)
        ptd_mutex_init(&pool->mu, PTD_RANK_STACK);
    return pool;
}

static size_t slab_bytes(void)
{
    return (size_t)PER_SLAB * (STACK_BYTES + GUARD_BYTES);
}

void ptd_threads_free(struct ptd_threads *pool)
{
    if (pool == NULL)
        return;
    ptd_mutex_lock(&pool->mu);
    PTD_ASSERT(pool->n_out == 0);
    while (pool->slabs != NULL) {
        struct slab *s = pool->slabs;

        pool->slabs = s->next;
        PTD_ASSERT(munmap(s->base, slab_bytes()) == 0);
        ptd_free(s);
    }
    ptd_free(pool->idle);
    ptd_mutex_unlock(&pool->mu);
    ptd_mutex_fini(&pool->mu);
    ptd_free(pool);
}

static struct slab *slab_new(void)
{
    struct slab *s = ptd_alloc(sizeof *s);

    if (s == NULL)
        return NULL;
    s->base = mmap(NULL, slab_bytes(), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1,
                   0);
    if (s->base == MAP_FAILED) {
        ptd_free(s);
        return NULL;
    }
    /* A huge page would make one sleeping thread as heavy as a hundred. */
    (void)madvise(s->base, slab_bytes(), MADV_NOHUGEPAGE);
    return s;
}

static bool guard(void *at)
{
    return madvise(at, GUARD_BYTES, MADV_GUARD_INSTALL) == 0 ||
           mprotect(at, GUARD_BYTES, PROT_NONE) == 0;
}

/* The next stack of the newest slab, or of a new one. */
static void *carve_locked(struct ptd_threads *pool) PTD_REQUIRES(pool->mu)
{
    uint8_t *at;

    if (pool->slabs == NULL || pool->n_used == PER_SLAB) {
        struct slab *s = slab_new();

        if (s == NULL)
            return NULL;
        s->next = pool->slabs;
        pool->slabs = s;
        pool->n_used = 0;
    }
    at = pool->slabs->base +
         pool->n_used * (size_t)(STACK_BYTES + GUARD_BYTES);
    if (!guard(at))
        return NULL;
    pool->n_used++;
    return at + GUARD_BYTES;
}

void *ptd_stack_get(struct ptd_threads *pool)
{
    void *stack = NULL;

    ptd_mutex_lock(&pool->mu);
    if (pool->n_idle > 0) {
        stack = pool->idle[--pool->n_idle];
    } else {
        /* Room to take it back one day is made now, when it can still fail. */
        void **grown = ptd_array_grow(pool->idle, &pool->cap_idle,
                                      pool->n_out + 1, sizeof *grown);
        if (grown != NULL) {
            pool->idle = grown;
            stack = carve_locked(pool);
        }
    }
    if (stack != NULL)
        pool->n_out++;
    ptd_mutex_unlock(&pool->mu);
    return stack;
}

void ptd_stack_put(struct ptd_threads *pool, void *stack)
{
    (void)madvise(stack, STACK_BYTES, MADV_DONTNEED);
    ptd_mutex_lock(&pool->mu);
    pool->n_out--;
    pool->idle[pool->n_idle++] = stack;
    ptd_mutex_unlock(&pool->mu);
}

void ptd_stack_trim(void *stack, size_t keep)
{
    if (keep < STACK_BYTES)
        (void)madvise(stack, STACK_BYTES - keep, MADV_DONTNEED);
}
