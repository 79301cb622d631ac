#include <config.h>

#include "sync/stack.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif
#ifndef MAP_STACK
#define MAP_STACK 0
#endif

#ifdef PTD_SANITIZER
/* Thread-local memory of the sanitizer lies on each stack: 771 KiB of it with
 * gcc 12's ThreadSanitizer, and every frame is larger. */
#define STACK_BYTES ((size_t)2048 * 1024)
#else
#define STACK_BYTES ((size_t)64 * 1024)
#endif
/* More than one page: functions of libraries that were built without
 * -fstack-clash-protection may step over a page without touching it. A
 * multiple of every page size in use, as is STACK_BYTES. */
#define GUARD_BYTES ((size_t)16 * 1024)
#define KEPT_BYTES ((size_t)16 * 1024)
#define PAGE_MAX ((size_t)16 * 1024)
#define STRIDE (GUARD_BYTES + STACK_BYTES)
#define SLAB_MIN 16   /* stacks */
#define SLAB_MAX 1024 /* 80 MiB of addresses */

size_t ptd_threads_stack_bytes(void)
{
    return STACK_BYTES;
}

struct ptd_threads *ptd_threads_new(void)
{
    struct ptd_threads *pool = ptd_calloc(1, sizeof *pool);

    if (pool == NULL)
        return NULL;
    ptd_mutex_init(&pool->mu, PTD_RANK_STACK);
    ptd_mutex_lock(&pool->mu);
    ptd_list_init(&pool->idle);
    ptd_list_init(&pool->in_use);
    ptd_mutex_unlock(&pool->mu);
    return pool;
}

void ptd_threads_free(struct ptd_threads *pool)
{
    struct ptd_slab *slab, *next;

    if (pool == NULL)
        return;
    ptd_mutex_lock(&pool->mu);
    PTD_ASSERT(ptd_list_is_empty(&pool->in_use));
    slab = pool->slabs;
    pool->slabs = NULL;
    ptd_mutex_unlock(&pool->mu);
    for (; slab != NULL; slab = next) {
        next = slab->next;
        PTD_ASSERT(munmap(slab->map, slab->map_bytes) == 0);
        ptd_free(slab);
    }
    ptd_mutex_fini(&pool->mu);
    ptd_free(pool);
}

/* Make guards below all stacks of a fresh slab. */
static bool guard(struct ptd_threads *pool, struct ptd_slab *slab)
    PTD_REQUIRES(pool->mu)
{
    for (size_t i = 0; i < slab->n_stacks; i++) {
        void *at = slab->map + i * STRIDE;

        if (!pool->no_guard_regions &&
            madvise(at, GUARD_BYTES, MADV_GUARD_INSTALL) == 0)
            continue;
        pool->no_guard_regions = true;
        if (mprotect(at, GUARD_BYTES, PROT_NONE) != 0)
            return false;
    }
    return true;
}

/* Map as many stacks as there are already, within bounds: a program of few
 * threads maps little, one of 30,000 maps rarely. */
static bool add_slab_locked(struct ptd_threads *pool) PTD_REQUIRES(pool->mu)
{
    size_t n = PTD_MIN(PTD_MAX(pool->n_stacks, SLAB_MIN), SLAB_MAX);
    struct ptd_slab *slab =
        ptd_calloc(1, sizeof *slab + n * sizeof slab->stacks[0]);

    if (slab == NULL)
        return false;
    slab->n_stacks = n;
    slab->map_bytes = n * STRIDE;
    slab->map = mmap(NULL, slab->map_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
                     -1, 0);
    if (slab->map == MAP_FAILED)
        goto free_slab;
#ifdef MADV_NOHUGEPAGE
    /* One touched page must not become 2 MiB; kernels without huge pages
     * refuse, and need not be told. */
    (void)madvise(slab->map, slab->map_bytes, MADV_NOHUGEPAGE);
#endif
    if (!guard(pool, slab))
        goto unmap;
    for (size_t i = 0; i < n; i++) {
        slab->stacks[i].base = slab->map + i * STRIDE + GUARD_BYTES;
        ptd_list_append(&pool->idle, &slab->stacks[i].link);
    }
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->n_stacks += n;
    return true;

unmap:
    (void)munmap(slab->map, slab->map_bytes);
free_slab:
    ptd_free(slab);
    return false;
}

struct ptd_stack *ptd_stack_get(struct ptd_threads *pool)
{
    struct ptd_link *l;

    ptd_mutex_lock(&pool->mu);
    l = ptd_list_pop(&pool->idle);
    if (l == NULL && add_slab_locked(pool))
        l = ptd_list_pop(&pool->idle);
    if (l != NULL)
        ptd_list_append(&pool->in_use, l);
    ptd_mutex_unlock(&pool->mu);
    return l != NULL ? PTD_CONTAINER_OF(l, struct ptd_stack, link) : NULL;
}

void ptd_stack_put(struct ptd_threads *pool, struct ptd_stack *s)
{
    (void)madvise(s->base, STACK_BYTES, MADV_DONTNEED);
    ptd_mutex_lock(&pool->mu);
    s->tid = 0;
    s->name[0] = '\0';
    s->parker = NULL;
    ptd_list_remove(&s->link);
    ptd_list_prepend(&pool->idle, &s->link);
    ptd_mutex_unlock(&pool->mu);
}

void ptd_stack_trim_self(struct ptd_stack *s)
{
    unsigned char *frame = __builtin_frame_address(0);
    unsigned char *end = s->base + STACK_BYTES - KEPT_BYTES;
    size_t keep = 2 * PAGE_MAX; /* this frame, and that of madvise() */

    if ((size_t)(frame - s->base) < keep)
        return;
    if (frame - keep < end)
        end = frame - keep;
    end -= (size_t)(end - s->base) % PAGE_MAX;
    (void)madvise(s->base, (size_t)(end - s->base), MADV_DONTNEED);
}

size_t ptd_stack_used_bytes(const struct ptd_stack *s)
{
    unsigned char there[STACK_BYTES / 4096];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t n = STACK_BYTES / page, i = 0;

    if (mincore(s->base, STACK_BYTES, there) != 0)
        return STACK_BYTES;
    while (i < n && !(there[i] & 1))
        i++;
    return STACK_BYTES - i * page;
}
