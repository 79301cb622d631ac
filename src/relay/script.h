/* script.h - walking over the operations of a script. */
#ifndef PTD_RELAY_SCRIPT_H
#define PTD_RELAY_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/msg.h"

enum {
    SCRIPT_PUSHDATA1 = 0x4c,
    SCRIPT_PUSHDATA2 = 0x4d,
    SCRIPT_PUSHDATA4 = 0x4e,
    SCRIPT_1 = 0x51,
    SCRIPT_16 = 0x60, /* the last one that pushes something */
    SCRIPT_RETURN = 0x6a
};

/* The next operation, and what it pushes (n 0: nothing, or a small number).
 *
 * at       where to go on; 0 to begin with
 * Returns  false at the end, or where one is cut short: then *at is not the
 *          script's length
 */
PTD_MUST_USE bool script_next(const struct ptd_bytes *s, size_t *at,
                              uint8_t *op, struct ptd_bytes *data)
    PTD_NONNULL(1, 2, 3, 4);

#endif /* PTD_RELAY_SCRIPT_H */
