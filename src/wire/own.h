/* own.h - short byte strings that a message keeps a copy of.
 *
 * A view would pin the whole receive buffer for a user agent of 16 bytes.
 */
#ifndef PTD_WIRE_OWN_H
#define PTD_WIRE_OWN_H

#include "wire/codec.h"

/* Read a compact size and as many bytes into memory of m. */
static inline void ptd_read_var_own(struct ptd_msg *m, struct ptd_bytes *out,
                                    struct ptd_reader *r, const char *field,
                                    uint32_t limit)
{
    struct ptd_bytes view = ptd_read_var_bytes(r, field, limit);

    *out = (struct ptd_bytes){ NULL, 0 };
    if (view.n > 0 && ptd_msg_copy_bytes(m, out, view.p, view.n) != PTD_OK)
        ptd_reader_fail(r, PTD_ENOMEM, field, 0, 0);
}

/* Give memory for n entries of a list that the decoder fills whole; NULL after
 * an error and for n = 0. */
static inline void *ptd_read_list(struct ptd_msg *m, struct ptd_reader *r,
                                  const char *field, uint32_t n, size_t size)
{
    void *list;

    if (r->err != PTD_OK || n == 0)
        return NULL;
    list = ptd_msg_alloc_raw(m, n, size);
    if (list == NULL)
        ptd_reader_fail(r, PTD_ENOMEM, field, 0, 0);
    return list;
}

#endif /* PTD_WIRE_OWN_H */
