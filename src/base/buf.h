/* buf.h - a reference-counted, contiguous piece of bytes.
 *
 * A frame's payload lies in one; a decoded block refers to it with views and
 * holds a reference. Written by its maker alone, immutable once shared.
 */
#ifndef PTD_BASE_BUF_H
#define PTD_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/ref.h"
#include "pentad/attr.h"

struct ptd_buf {
    struct ptd_ref ref;
    struct ptd_mem *mem; /* where it came from, NULL: malloc */
    size_t cap;          /* bytes at data */
    uint8_t data[];
};

/* Give a buffer of cap bytes (not cleared), or NULL for lack of memory. */
PTD_MUST_USE struct ptd_buf *ptd_buf_new(struct ptd_mem *mem, size_t cap);
struct ptd_buf *ptd_buf_ref(struct ptd_buf *b) PTD_NONNULL(1);
void ptd_buf_free(struct ptd_buf *b PTD_TAKES);

#endif /* PTD_BASE_BUF_H */
