/* base64.h - RFC 4648, the standard alphabet; this room only.
 *
 * Threads  any
 */
#ifndef PTD_RPC_BASE64_H
#define PTD_RPC_BASE64_H

#include <stddef.h>

#include "pentad/attr.h"
#include "pentad/err.h"

/* Decode all of a text, but spaces around it.
 *
 * out      n bytes and a NUL, of malloc
 * Returns  PTD_OK; PTD_EINVAL: other characters, wrong padding, bits left over;
 *          PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_base64_decode(char **out, size_t *n, const char *text) PTD_NONNULL(1, 2, 3);

/* Write the text of n bytes; out has room for (n + 2) / 3 * 4 and a NUL. */
void ptd_base64_encode(char *out, const void *data, size_t n) PTD_NONNULL(1);

#endif /* PTD_RPC_BASE64_H */
