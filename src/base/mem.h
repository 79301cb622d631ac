/* mem.h - where larger pieces of memory come from.
 *
 * An allocator is passed to whoever makes messages and buffers, so that a
 * process with thousands of peers can recycle what is large (a fresh mapping
 * costs 3 ms a MB in page faults). NULL means malloc. An allocator outlives
 * what was taken from it: its maker only drops a reference.
 */
#ifndef PTD_BASE_MEM_H
#define PTD_BASE_MEM_H

#include <stddef.h>

struct ptd_mem {
    /* Give at least `bytes` bytes, aligned for any type; NULL if there are
     * none. Any thread. */
    void *(*alloc)(struct ptd_mem *mem, size_t bytes);
    /* Take back what alloc(mem, bytes) gave. Any thread. */
    void (*release)(struct ptd_mem *mem, void *p, size_t bytes);
};

#endif /* PTD_BASE_MEM_H */
