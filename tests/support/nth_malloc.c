#include <config.h>

#include "support/nth_malloc.h"

#include <stdatomic.h>
#include <stddef.h>

/* Names that the linker gives a meaning by --wrap. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static atomic_long to_go; /* 0: not armed; 1: the next one fails */
static atomic_bool failed;

void support_nth_malloc_arm(unsigned n)
{
    atomic_store(&failed, false);
    atomic_store(&to_go, (long)n);
}

bool support_nth_malloc_disarm(void)
{
    atomic_store(&to_go, 0);
    return atomic_load(&failed);
}

static bool is_the_one(void)
{
    long n = atomic_load(&to_go);

    while (n > 0 && !atomic_compare_exchange_weak(&to_go, &n, n - 1))
        ;
    if (n != 1)
        return false;
    atomic_store(&failed, true);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_the_one() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return is_the_one() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return is_the_one() ? NULL : __real_realloc(p, size);
}
