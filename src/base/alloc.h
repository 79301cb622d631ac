/* alloc.h - the one way to memory.
 *
 * Every room allocates through these. They are malloc and its kin, inlined;
 * tests that want the n-th allocation to fail link tests/support/nth_malloc.c,
 * which wraps malloc, calloc and realloc at link time.
 */
#ifndef PTD_BASE_ALLOC_H
#define PTD_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pentad/attr.h"

/* *out = a * b; true if that does not fit. */
static inline bool ptd_mul_overflow(size_t a, size_t b, size_t *out)
{
    *out = a * b;
    return b != 0 && a > SIZE_MAX / b;
}

/* *out = a + b; true if that does not fit. */
static inline bool ptd_add_overflow(size_t a, size_t b, size_t *out)
{
    *out = a + b;
    return *out < a;
}

/* Uninitialised memory, or NULL. size 0 gives a pointer that can be freed. */
PTD_MUST_USE static inline void *ptd_alloc(size_t size)
{
    return malloc(size != 0 ? size : 1);
}

/* n * size bytes of zeros, or NULL, also when the product does not fit. */
PTD_MUST_USE static inline void *ptd_calloc(size_t n, size_t size)
{
    size_t bytes;

    if (ptd_mul_overflow(n, size, &bytes))
        return NULL;
    return calloc(1, bytes != 0 ? bytes : 1);
}

/* p with another size; NULL leaves p as it was. */
PTD_MUST_USE static inline void *ptd_realloc(void *p, size_t size)
{
    return realloc(p, size != 0 ? size : 1);
}

static inline void ptd_free(void *p)
{
    free(p);
}

/* Uninitialised memory for n elements, or NULL, also when n * size does not
 * fit. */
PTD_MUST_USE void *ptd_alloc_array(size_t n, size_t size);

/* A copy of n bytes, or NULL. */
PTD_MUST_USE void *ptd_memdup(const void *data, size_t n);

/* A copy of a text, or NULL. */
PTD_MUST_USE char *ptd_strdup(const char *text) PTD_NONNULL(1);

/* Make room for at least `need` elements, half as many again at a time.
 *
 * array    NULL or from an earlier call
 * cap      in and out: elements there is room for
 * Returns  where the array lies now; NULL, with array and *cap as they were,
 *          for lack of memory or if the size does not fit
 *
 *     struct entry *grown = ptd_array_grow(t->e, &t->cap, t->n + 1,
 *                                          sizeof *t->e);
 *     if (grown == NULL)
 *         return PTD_ENOMEM;
 *     t->e = grown;
 */
PTD_MUST_USE void *ptd_array_grow(void *array, size_t *cap, size_t need,
                                  size_t elem_size) PTD_NONNULL(2);

#endif /* PTD_BASE_ALLOC_H */
