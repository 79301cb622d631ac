/* nth_malloc.h - let the n-th allocation fail.
 *
 * A program that uses this links with $(PTD_WRAP_MALLOC), which put
 * these functions in front of malloc, calloc and realloc of all that is linked
 * statically: the rooms and the test itself, not the C library. Others link
 * the same rooms unchanged.
 *
 *     for (unsigned n = 1; ; n++) {
 *         support_nth_malloc_arm(n);
 *         e = thing_new(&thing);
 *         if (!support_nth_malloc_disarm())
 *             break;               // fewer than n allocations: all were tried
 *         ck_assert_int_eq(e, PTD_ENOMEM);
 *     }
 */
#ifndef PTD_SUPPORT_NTH_MALLOC_H
#define PTD_SUPPORT_NTH_MALLOC_H

#include <stdbool.h>

/* From now on count the allocations of all threads; the n-th (from 1), and no
 * other, fails. */
void support_nth_malloc_arm(unsigned n);

/* Stop counting; true if the n-th came, and failed. */
bool support_nth_malloc_disarm(void);

#endif /* PTD_SUPPORT_NTH_MALLOC_H */
