#include <config.h>

#include "relay/script.h"

#include "base/bytes.h"

/* The length in front of the data, and how many bytes it has itself. */
static size_t length_of(const uint8_t *p, size_t left, uint8_t op, size_t *n)
{
    *n = 0;
    if (op < SCRIPT_PUSHDATA1) {
        *n = op;
        return 0;
    }
    if (op == SCRIPT_PUSHDATA1 && left >= 1) {
        *n = p[0];
        return 1;
    }
    if (op == SCRIPT_PUSHDATA2 && left >= 2) {
        *n = ptd_get_le16(p);
        return 2;
    }
    if (op == SCRIPT_PUSHDATA4 && left >= 4) {
        *n = ptd_get_le32(p);
        return 4;
    }
    return op <= SCRIPT_PUSHDATA4 ? SIZE_MAX : 0;
}

bool script_next(const struct ptd_bytes *s, size_t *at, uint8_t *op,
                 struct ptd_bytes *data)
{
    size_t left = s->n - *at, head, n;

    if (left == 0)
        return false;
    *op = s->p[*at];
    left--;
    head = length_of(s->p + *at + 1, left, *op, &n);
    if (head > left || n > left - head)
        return false;
    *data = (struct ptd_bytes){ s->p + *at + 1 + head, n };
    *at += 1 + head + n;
    return true;
}
