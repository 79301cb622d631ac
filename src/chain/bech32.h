/* bech32.h - the check-summed base 32 of segwit addresses.
 *
 * Threads  any; no state
 * Source   BIPs 173 350
 */
#ifndef PTD_CHAIN_BECH32_H
#define PTD_CHAIN_BECH32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"

enum {
    PTD_BECH32_MAX = 90, /* characters */
    PTD_BECH32_SUM = 6   /* of them the checksum */
};

enum ptd_bech32 { PTD_BECH32_NONE, PTD_BECH32, PTD_BECH32M };

/* Read: the prefix in lower case, n values of five bits, without checksum.
 * PTD_BECH32_NONE: it is not bech32. */
enum ptd_bech32 ptd_bech32_decode(char hrp[PTD_BECH32_MAX + 1],
                                  uint8_t values[PTD_BECH32_MAX], size_t *n,
                                  const char *text) PTD_NONNULL(1, 2, 3, 4);

/* Write; the whole is at most PTD_BECH32_MAX characters. */
void ptd_bech32_encode(char out[PTD_BECH32_MAX + 1], enum ptd_bech32 kind,
                       const char *hrp, const uint8_t *values, size_t n)
    PTD_NONNULL(1, 3, 4);

/* Groups of `from` bits into groups of `to`, room for as many as there can be.
 * pad: fill the last one up with zeros; else what is left over must be zeros,
 * fewer than `from`. */
PTD_MUST_USE bool
ptd_convert_bits(uint8_t *out, size_t *n_out, unsigned to, const uint8_t *in,
                 size_t n_in, unsigned from, bool pad) PTD_NONNULL(1, 2, 4);

#endif /* PTD_CHAIN_BECH32_H */
