/* header.h - block headers inside messages: block, headers, merkleblock,
 * cmpctblock. */
#ifndef PTD_WIRE_HEADER_H
#define PTD_WIRE_HEADER_H

#include "wire/codec.h"

enum { PTD_BLOCK_HEADER_BYTES = 80 };

static inline void ptd_read_header(struct ptd_reader *r,
                                   struct ptd_block_header *h)
{
    const uint8_t *at = ptd_read_raw(r, PTD_BLOCK_HEADER_BYTES, "header");

    if (at != NULL)
        ptd_block_header_decode(h, at);
    else
        *h = (struct ptd_block_header){ 0 };
}

static inline void ptd_write_header(struct ptd_writer *w,
                                    const struct ptd_block_header *h)
{
    uint8_t *at = ptd_write_space(w, PTD_BLOCK_HEADER_BYTES);

    if (at != NULL)
        ptd_block_header_encode(h, at);
}

#endif /* PTD_WIRE_HEADER_H */
