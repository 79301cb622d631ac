/* stack.h - small stacks from adjacent mappings, each with a guard below it.
 *
 * Slabs of stacks are mapped as wanted and kept while the pool lives. The guard
 * is a lightweight guard region where the kernel has them (Linux 6.13: it
 * splits no mapping, so 30,000 stacks need a few dozen of the 65,530 mappings
 * that vm.max_map_count allows), else a page without access.
 *
 * Threads  any
 * Locks    one (PTD_RANK_STACK)
 */
#ifndef PTD_SYNC_STACK_H
#define PTD_SYNC_STACK_H

#include "sync/thread.h"

/* The lowest usable address of a stack of ptd_threads_stack_bytes(), or NULL. */
void *ptd_stack_get(struct ptd_threads *pool);
void ptd_stack_put(struct ptd_threads *pool, void *stack);

/* Give back to the system what the calling thread's stack used more than keep
 * bytes below its top; stack as ptd_stack_get() gave it. */
void ptd_stack_trim(void *stack, size_t keep);

#endif /* PTD_SYNC_STACK_H */
