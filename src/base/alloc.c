#include <config.h>

#include "base/alloc.h"

#include <string.h>

void *ptd_alloc_array(size_t n, size_t size)
{
    size_t bytes;

    return ptd_mul_overflow(n, size, &bytes) ? NULL : ptd_alloc(bytes);
}

void *ptd_memdup(const void *data, size_t n)
{
    void *copy = ptd_alloc(n);

    if (copy != NULL && n != 0)
        memcpy(copy, data, n);
    return copy;
}

char *ptd_strdup(const char *text)
{
    return ptd_memdup(text, strlen(text) + 1);
}

void *ptd_array_grow(void *array, size_t *cap, size_t need, size_t elem_size)
{
    enum { FIRST = 8 };
    size_t n, bytes;

    if (array != NULL && need <= *cap)
        return array;
    if (ptd_add_overflow(*cap, *cap / 2, &n) || n < need)
        n = need;
    if (n < FIRST)
        n = FIRST;
    if (ptd_mul_overflow(n, elem_size, &bytes))
        return NULL;
    array = ptd_realloc(array, bytes);
    if (array != NULL)
        *cap = n;
    return array;
}
