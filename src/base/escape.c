#include <config.h>

#include "base/escape.h"

#include <stdint.h>
#include <string.h>

#include "base/util.h"

/* What stands for one byte; gives its length, at most 4. */
static size_t escape_byte(char out[4], uint8_t c)
{
    static const char digits[] = "0123456789abcdef";

    if (c >= 0x20 && c < 0x7f && c != '\\') {
        out[0] = (char)c;
        return 1;
    }
    out[0] = '\\';
    if (c == '\\') {
        out[1] = '\\';
        return 2;
    }
    out[1] = 'x';
    out[2] = digits[c >> 4];
    out[3] = digits[c & 15];
    return 4;
}

char *ptd_escape(char *out, size_t cap, const void *data, size_t n)
{
    static const char mark[] = "...";
    const uint8_t *p = data;
    size_t at = 0, mark_at = 0; /* mark_at: last place that leaves it room */

    PTD_ASSERT(cap > 0);
    for (size_t i = 0; i < n; i++) {
        char piece[4];
        size_t size = escape_byte(piece, p[i]);

        if (at + size >= cap) {
            if (mark_at + sizeof mark <= cap) {
                memcpy(out + mark_at, mark, sizeof mark);
                return out;
            }
            break;
        }
        memcpy(out + at, piece, size);
        at += size;
        if (at + sizeof mark <= cap)
            mark_at = at;
    }
    out[at] = '\0';
    return out;
}
