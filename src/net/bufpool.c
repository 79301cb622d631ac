#include <config.h>

#include "net/bufpool.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/ref.h"
#include "base/util.h"
#include "sync/mutex.h"

/* Under AddressSanitizer idle pieces are poisoned: a use after release is then
 * found although the memory was never freed. */
#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

/* Sizes: 16, 24, 32, 48, … 4096, 6144 KiB; at most a third is wasted. */
enum { N_CLASSES = 18 };

static const size_t default_bytes = (size_t)32 << 20;

/* What an idle piece begins with. */
struct idle {
    struct ptd_link same; /* idle pieces of the same class, latest first */
    struct ptd_link all;  /* all idle pieces, latest first */
    int class;
};

struct ptd_bufpool {
    struct ptd_mem mem;    /* what callers see of it */
    struct ptd_ref ref;    /* the maker, and one for each piece that is out */
    size_t max_idle_bytes; /* set once */
    size_t eager_bytes;    /* set once */
    atomic_size_t out;     /* bytes of large pieces that are out */
    atomic_size_t idle;    /* bytes that lie idle; written under mu */
    struct ptd_mutex mu;   /* rank PTD_RANK_BUFPOOL */
    struct ptd_link of[N_CLASSES] PTD_GUARDED_BY(mu); /* by idle.same */
    struct ptd_link all PTD_GUARDED_BY(mu);           /* by idle.all */
    bool closed PTD_GUARDED_BY(mu); /* nothing is kept any more */
};

static size_t class_bytes(int class)
{
    size_t base = PTD_BUFPOOL_MIN_BYTES << (class / 2);

    return class % 2 == 0 ? base : base + base / 2;
}

/* The smallest class that holds so many bytes, -1 if none does or needs to. */
static int class_of(size_t bytes)
{
    int class = 0;

    if (bytes < PTD_BUFPOOL_MIN_BYTES || bytes > class_bytes(N_CLASSES - 1))
        return -1;
    while (class_bytes(class) < bytes)
        class++;
    return class;
}

/* What a piece of so many bytes is counted as, 0 for a small one. */
static size_t counted_bytes(size_t bytes)
{
    int class = class_of(bytes);

    if (class >= 0)
        return class_bytes(class);
    return bytes < PTD_BUFPOOL_MIN_BYTES ? 0 : bytes;
}

static void idle_add_locked(struct ptd_bufpool *pool, struct idle *b)
    PTD_REQUIRES(pool->mu)
{
    size_t now = atomic_load_explicit(&pool->idle, memory_order_relaxed);

    ptd_list_prepend(&pool->of[b->class], &b->same);
    ptd_list_prepend(&pool->all, &b->all);
    atomic_store_explicit(&pool->idle, now + class_bytes(b->class),
                          memory_order_relaxed);
}

static void idle_remove_locked(struct ptd_bufpool *pool, struct idle *b)
    PTD_REQUIRES(pool->mu)
{
    size_t now = atomic_load_explicit(&pool->idle, memory_order_relaxed);

    ptd_list_remove(&b->same);
    ptd_list_remove(&b->all);
    atomic_store_explicit(&pool->idle, now - class_bytes(b->class),
                          memory_order_relaxed);
}

/* Move what is beyond keep_bytes to a list of the caller's. */
static void collect_locked(struct ptd_bufpool *pool, struct ptd_link *out,
                           size_t keep_bytes) PTD_REQUIRES(pool->mu)
{
    while (atomic_load_explicit(&pool->idle, memory_order_relaxed) >
           keep_bytes) {
        struct idle *b =
            PTD_CONTAINER_OF(pool->all.prev, struct idle, all);

        idle_remove_locked(pool, b);
        ptd_list_prepend(out, &b->all);
    }
}

static void free_list(struct ptd_link *list)
{
    struct ptd_link *l;

    while ((l = ptd_list_pop(list)) != NULL) {
        struct idle *b = PTD_CONTAINER_OF(l, struct idle, all);

        UNPOISON(b, class_bytes(b->class));
        free(b);
    }
}

static void drop_ref(struct ptd_bufpool *pool)
{
    if (!ptd_ref_put(&pool->ref))
        return;
    PTD_ASSERT(atomic_load(&pool->idle) == 0);
    ptd_mutex_fini(&pool->mu);
    free(pool);
}

static struct idle *take_idle(struct ptd_bufpool *pool, int class)
{
    struct idle *b = NULL;
    struct ptd_link *l;

    ptd_mutex_lock(&pool->mu);
    l = ptd_list_first(&pool->of[class]);
    if (l != NULL) {
        b = PTD_CONTAINER_OF(l, struct idle, same);
        idle_remove_locked(pool, b);
    }
    ptd_mutex_unlock(&pool->mu);
    if (b != NULL)
        UNPOISON(b, class_bytes(class));
    return b;
}

static void *pool_alloc(struct ptd_mem *mem, size_t bytes)
{
    struct ptd_bufpool *pool = PTD_CONTAINER_OF(mem, struct ptd_bufpool, mem);
    int class = class_of(bytes);
    void *p = NULL;

    if (class >= 0)
        p = take_idle(pool, class);
    if (p == NULL)
        p = malloc(class >= 0 ? class_bytes(class) : bytes);
    if (p == NULL)
        return NULL;
    ptd_ref_get(&pool->ref);
    if (bytes >= PTD_BUFPOOL_MIN_BYTES)
        atomic_fetch_add_explicit(&pool->out, counted_bytes(bytes),
                                  memory_order_relaxed);
    return p;
}

static void put_idle(struct ptd_bufpool *pool, struct idle *b, int class)
{
    struct ptd_link surplus;

    ptd_list_init(&surplus);
    b->class = class;
    POISON(b + 1, class_bytes(class) - sizeof *b);
    ptd_mutex_lock(&pool->mu);
    idle_add_locked(pool, b);
    collect_locked(pool, &surplus, pool->closed ? 0 : pool->max_idle_bytes);
    ptd_mutex_unlock(&pool->mu);
    free_list(&surplus);
}

static void pool_release(struct ptd_mem *mem, void *p, size_t bytes)
{
    struct ptd_bufpool *pool = PTD_CONTAINER_OF(mem, struct ptd_bufpool, mem);
    int class = class_of(bytes);

    if (p == NULL)
        return;
    if (bytes >= PTD_BUFPOOL_MIN_BYTES)
        atomic_fetch_sub_explicit(&pool->out, counted_bytes(bytes),
                                  memory_order_relaxed);
    if (class >= 0)
        put_idle(pool, p, class);
    else
        free(p);
    drop_ref(pool);
}

struct ptd_bufpool *ptd_bufpool_new(const struct ptd_bufpool_config *cfg)
{
    struct ptd_bufpool *pool = calloc(1, sizeof *pool);

    if (pool == NULL)
        return NULL;
    pool->mem.alloc = pool_alloc;
    pool->mem.release = pool_release;
    ptd_ref_init(&pool->ref);
    pool->max_idle_bytes = default_bytes;
    pool->eager_bytes = default_bytes;
    if (cfg != NULL && cfg->max_idle_bytes != 0)
        pool->max_idle_bytes = cfg->max_idle_bytes;
    if (cfg != NULL && cfg->eager_bytes != 0)
        pool->eager_bytes = cfg->eager_bytes;
    atomic_init(&pool->out, 0);
    atomic_init(&pool->idle, 0);
    ptd_mutex_init(&pool->mu, PTD_RANK_BUFPOOL);
    ptd_mutex_lock(&pool->mu);
    for (int i = 0; i < N_CLASSES; i++)
        ptd_list_init(&pool->of[i]);
    ptd_list_init(&pool->all);
    ptd_mutex_unlock(&pool->mu);
    return pool;
}

void ptd_bufpool_free(struct ptd_bufpool *pool)
{
    struct ptd_link rest;

    if (pool == NULL)
        return;
    ptd_list_init(&rest);
    ptd_mutex_lock(&pool->mu);
    pool->closed = true;
    collect_locked(pool, &rest, 0);
    ptd_mutex_unlock(&pool->mu);
    free_list(&rest);
    drop_ref(pool);
}

struct ptd_mem *ptd_bufpool_mem(struct ptd_bufpool *pool)
{
    return &pool->mem;
}

void ptd_bufpool_trim(struct ptd_bufpool *pool, size_t keep_bytes)
{
    struct ptd_link surplus;

    ptd_list_init(&surplus);
    ptd_mutex_lock(&pool->mu);
    collect_locked(pool, &surplus, keep_bytes);
    ptd_mutex_unlock(&pool->mu);
    free_list(&surplus);
}

size_t ptd_bufpool_out_bytes(const struct ptd_bufpool *pool)
{
    return atomic_load_explicit(&pool->out, memory_order_relaxed);
}

size_t ptd_bufpool_idle_bytes(const struct ptd_bufpool *pool)
{
    return atomic_load_explicit(&pool->idle, memory_order_relaxed);
}

bool ptd_bufpool_is_roomy(const struct ptd_mem *mem, size_t bytes)
{
    const struct ptd_bufpool *pool;
    size_t out;

    if (mem == NULL || mem->alloc != pool_alloc)
        return false;
    pool = (const struct ptd_bufpool *)(const void *)mem; /* its first member */
    out = ptd_bufpool_out_bytes(pool);
    return out <= pool->eager_bytes && bytes <= pool->eager_bytes - out;
}
