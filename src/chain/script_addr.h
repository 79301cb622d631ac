/* script_addr.h - addresses and the scripts that they stand for.
 *
 * Threads  any; no state
 * Source   BIPs 13 141 173 350 380 385
 */
#ifndef PTD_CHAIN_SCRIPT_ADDR_H
#define PTD_CHAIN_SCRIPT_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/params.h"

enum {
    PTD_SCRIPT_ADDR_MAX = 42, /* bytes of a script that has an address */
    PTD_ADDRESS_SIZE = 91,    /* the longest, and a NUL */
    PTD_ADDRESS_WHY_SIZE = 160
};

struct ptd_script {
    uint8_t n;
    uint8_t b[PTD_SCRIPT_ADDR_MAX];
};

/* The script of an address.
 *
 * why      told what is wrong, in the words that bitcoind uses;
 *          PTD_ADDRESS_WHY_SIZE bytes; may be NULL
 * Returns  PTD_OK; PTD_EBADVALUE
 */
PTD_MUST_USE enum ptd_err
ptd_address_decode(struct ptd_script *out, const struct ptd_params *params,
                   const char *address, char *why) PTD_NONNULL(1, 2, 3);

/* Where the errors of a segwit address are, at most two if it may be told:
 * positions from 0 in the text, rising, into out. Of one that is too long: all
 * behind its end; of one with wrong characters: these.
 *
 * n        how many were found, at most max
 * Returns  what is wrong, static; "" if the checksum is right
 */
const char *ptd_bech32_locate_errors(int *out, size_t *n, size_t max,
                                     const char *text) PTD_NONNULL(1, 2, 4);

/* The address of a script; false, with "" in out, if it has none. */
bool ptd_address_encode(char out[PTD_ADDRESS_SIZE],
                        const struct ptd_params *params, const uint8_t *script,
                        size_t n) PTD_NONNULL(1, 2);

/* What kind of script it is, as getblock shows it: "pubkey", "pubkeyhash",
 * "scripthash", "multisig", "nulldata", "witness_v0_keyhash",
 * "witness_v0_scripthash", "witness_v1_taproot", "anchor", "witness_unknown",
 * "nonstandard". Static. */
const char *ptd_script_type(const uint8_t *script, size_t n);

/* The script of a descriptor: addr(ADDRESS) or raw(HEX), with or without
 * "#" and its checksum.
 *
 * script   *n bytes in newly allocated memory, freed with ptd_free()
 * why      as above; may be NULL
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EBADVALUE
 */
PTD_MUST_USE enum ptd_err ptd_descriptor_decode(uint8_t **script, size_t *n,
                                                const struct ptd_params *params,
                                                const char *text, char *why)
    PTD_NONNULL(1, 2, 3, 4);

/* The eight characters behind "#"; false if a character is none of a
 * descriptor's. BIP 380. */
enum { PTD_DESCRIPTOR_SUM_SIZE = 9 };
PTD_MUST_USE bool ptd_descriptor_checksum(char out[PTD_DESCRIPTOR_SUM_SIZE],
                                          const char *text, size_t n)
    PTD_NONNULL(1, 2);

#endif /* PTD_CHAIN_SCRIPT_ADDR_H */
