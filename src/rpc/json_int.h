/* json_int.h - what reading and writing JSON share; seen by this room only. */
#ifndef PTD_RPC_JSON_INT_H
#define PTD_RPC_JSON_INT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "pentad/attr.h"

/* No valid UTF-8 begins with it. */
#define PTD_JSON_RAW_MARK '\xff'

/* How many bytes of s are a JSON number, 0: none; whole: it has neither
 * fraction nor exponent. */
size_t ptd_json_scan_number(const char *s, size_t n, bool *whole)
    PTD_NONNULL(1, 3);

/* A number that keeps its digits; NULL for lack of memory. */
PTD_MUST_USE json_t *ptd_json_raw_number(const char *digits, size_t n)
    PTD_NONNULL(1);

/* The digits of one, NULL if v is none. */
const char *ptd_json_raw_digits(const json_t *v);

/* Bytes of the character at s, 0 if it is no UTF-8; n >= 1. */
size_t ptd_utf8_length(const char *s, size_t n) PTD_NONNULL(1);
bool ptd_utf8_is_valid(const char *s, size_t n) PTD_NONNULL(1);

#endif /* PTD_RPC_JSON_INT_H */
