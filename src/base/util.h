/* util.h - small things that everything uses. */
#ifndef PTD_BASE_UTIL_H
#define PTD_BASE_UTIL_H

#include <stddef.h>

#include "pentad/attr.h"

#define PTD_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The object of which `ptr` points to `member`. */
#define PTD_CONTAINER_OF(ptr, type, member)                                    \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define PTD_MIN(a, b) ((a) < (b) ? (a) : (b))
#define PTD_MAX(a, b) ((a) > (b) ? (a) : (b))

#if defined(__GNUC__) || defined(__clang__)
#define PTD_LIKELY(x) __builtin_expect(!!(x), 1)
#define PTD_UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define PTD_LIKELY(x) (x)
#define PTD_UNLIKELY(x) (x)
#endif

/* Abort with the place and the text: for bugs of ours, never for what a peer,
 * a file or a user sends. Stays on in release builds. */
#define PTD_ASSERT(cond)                                                       \
    (PTD_LIKELY(cond) ? (void)0 : ptd_assert_fail(#cond, __FILE__, __LINE__))

PTD_NORETURN void ptd_assert_fail(const char *what, const char *file, int line);

#endif /* PTD_BASE_UTIL_H */
