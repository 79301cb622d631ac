#include <config.h>

#include "base/buf.h"

#include "base/alloc.h"

struct ptd_buf *ptd_buf_new(struct ptd_mem *mem, size_t cap)
{
    struct ptd_buf *b;

    if (cap > SIZE_MAX / 2)
        return NULL;
    b = mem != NULL ? mem->alloc(mem, sizeof *b + cap)
                    : ptd_alloc(sizeof *b + cap);
    if (b == NULL)
        return NULL;
    ptd_ref_init(&b->ref);
    b->mem = mem;
    b->cap = cap;
    return b;
}

struct ptd_buf *ptd_buf_ref(struct ptd_buf *b)
{
    ptd_ref_get(&b->ref);
    return b;
}

void ptd_buf_free(struct ptd_buf *b)
{
    if (b == NULL || !ptd_ref_put(&b->ref))
        return;
    if (b->mem != NULL)
        b->mem->release(b->mem, b, sizeof *b + b->cap);
    else
        ptd_free(b);
}
