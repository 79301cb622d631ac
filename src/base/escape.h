/* escape.h - text from strangers, made fit for a log line or a terminal. */
#ifndef PTD_BASE_ESCAPE_H
#define PTD_BASE_ESCAPE_H

#include <stddef.h>

#include "pentad/attr.h"

/* Write at most cap - 1 characters and a NUL: printable ASCII as it is, a
 * backslash doubled, every other byte as \xNN. What does not fit is cut, never
 * inside an escape, and the text then ends in "...".
 *
 * cap      >= 1; below 8 there may be no room for the mark
 * Returns  out
 */
char *ptd_escape(char *out, size_t cap, const void *data, size_t n)
    PTD_NONNULL(1);

#endif /* PTD_BASE_ESCAPE_H */
