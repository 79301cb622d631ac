/* stack.h - the pool of stacks, for thread.c and team.c (and debuggers).
 *
 * Stacks are cut from slabs: one mapping of many, each with guard pages below
 * it. Where the kernel knows lightweight guard regions (Linux 6.13) they cost
 * no mapping of their own, and slabs that happen to be adjacent become one
 * mapping; elsewhere mprotect() makes them. A slab is unmapped only with the
 * pool: mapping and unmapping would cost more than a thread, and a late futex
 * wake may still name an address in it (sync/park.h).
 *
 * Owner    struct ptd_threads
 * Locks    ptd_threads.mu (PTD_RANK_STACK)
 */
#ifndef PTD_SYNC_STACK_H
#define PTD_SYNC_STACK_H

#include "base/list.h"
#include "sync/mutex.h"
#include "sync/park.h"
#include "sync/thread.h"

/* One stack, and what debuggers want to know of the thread on it. */
struct ptd_stack {
    struct ptd_link link; /* free or in_use of the pool */
    unsigned char *base;  /* lowest usable byte */

    /* Set by the thread itself; tid 0: no thread. */
    char name[PTD_THREAD_NAME_MAX + 1];
    int tid;                   /* the kernel's number (LWP) */
    struct ptd_parker *parker; /* says what it waits for */
};

struct ptd_slab {
    struct ptd_slab *next;
    unsigned char *map;
    size_t map_bytes;
    size_t n_stacks;
    struct ptd_stack stacks[];
};

struct ptd_threads {
    struct ptd_mutex mu; /* rank PTD_RANK_STACK */
    struct ptd_slab *slabs PTD_GUARDED_BY(mu);
    struct ptd_link idle PTD_GUARDED_BY(mu);   /* most recently used first */
    struct ptd_link in_use PTD_GUARDED_BY(mu); /* with a thread each */
    size_t n_stacks PTD_GUARDED_BY(mu);
    bool
        no_guard_regions PTD_GUARDED_BY(mu); /* the kernel does not know them */
};

/* A stack for a thread about to start; NULL for lack of memory or mappings. */
PTD_MUST_USE struct ptd_stack *ptd_stack_get(struct ptd_threads *pool)
    PTD_NONNULL(1);

/* Take the stack of a joined thread back, and give its memory back. */
void ptd_stack_put(struct ptd_threads *pool, struct ptd_stack *s)
    PTD_NONNULL(1, 2);

/* Give back what lies below the calling thread's frame and below the top
 * 16 KiB of its stack s: a parked thread keeps what it will use again. */
void ptd_stack_trim_self(struct ptd_stack *s) PTD_NONNULL(1);

/* The stack of the calling thread, NULL if the system gave it one. */
struct ptd_stack *ptd_stack_self(void);

/* How deep stack s was ever used since it was given back, in bytes; whole
 * pages. Meant for measurements. */
size_t ptd_stack_used_bytes(const struct ptd_stack *s) PTD_NONNULL(1);

#endif /* PTD_SYNC_STACK_H */
