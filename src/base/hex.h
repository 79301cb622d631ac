/* hex.h - bytes to and from hexadecimal digits.
 *
 * "Reversed" is display order: the last byte first, as people write hashes.
 */
#ifndef PTD_BASE_HEX_H
#define PTD_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"

/* Value of one digit of either case, -1 if it is none. */
int ptd_hex_digit(char c);

/* Write 2 n lower-case digits and a NUL: out has room for 2 n + 1. Gives
 * out. */
char *ptd_hex_encode(char *out, const void *data, size_t n) PTD_NONNULL(1);
char *ptd_hex_encode_reversed(char *out, const void *data, size_t n)
    PTD_NONNULL(1);

/* Read digits of either case, nothing else, into at most cap bytes.
 *
 * n        how many bytes came out
 * Returns  false for an odd number of digits, a character that is none, or
 *          more than cap bytes; out then holds rubbish
 */
PTD_MUST_USE bool ptd_hex_decode(void *out, size_t cap, size_t *n,
                                 const char *hex) PTD_NONNULL(3, 4);

/* The same for exactly n bytes, the last one first in the text. */
PTD_MUST_USE bool ptd_hex_decode_reversed(void *out, size_t n, const char *hex)
    PTD_NONNULL(1, 3);

#endif /* PTD_BASE_HEX_H */
