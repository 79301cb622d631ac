/* blockkey.h - the key that files of blocks are XORed with.
 *
 * Blocks hold whatever somebody paid for, and on the disk they lie as they
 * came: a program that looks for known evil would find some and lock the file
 * away. Masked with eight random bytes they are like nothing in particular.
 * The key is no secret; it lies in xor.dat beside the files, by whose offsets
 * it is applied, as in Bitcoin Core's.
 *
 * Threads  any
 * Source   Bitcoin Core's blocks/xor.dat, -blocksxor
 */
#ifndef PTD_CHAIN_BLOCKKEY_H
#define PTD_CHAIN_BLOCKKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

enum { PTD_BLOCKKEY_BYTES = 8 };

struct ptd_blockkey {
    bool is; /* false: zeros, there is nothing to be done */
    uint8_t b[PTD_BLOCKKEY_BYTES];
};

/* The key of a folder, which must exist; zeros, if there is no xor.dat.
 *
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EIO (errno): it cannot be read;
 *          PTD_EBADVALUE: it is no key
 */
PTD_MUST_USE enum ptd_err ptd_blockkey_read(struct ptd_blockkey *out,
                                            const char *dir) PTD_NONNULL(1, 2);

/* The same, of our own folder: a missing xor.dat is made, with a random key
 * where there is no file of blocks yet, zeros where there is one.
 *
 * mask     false: a random key is not wanted, and one that is there refused
 * why      told what failed, for people
 * Returns  as above, and PTD_EFULL: disk full; PTD_EINVAL: refused
 */
PTD_MUST_USE enum ptd_err
ptd_blockkey_open(struct ptd_blockkey *out, const char *dir, bool mask,
                  char *why, size_t why_cap) PTD_NONNULL(1, 2, 4);

/* Mask n bytes that lie at an offset of a file, or unmask them. */
void ptd_blockkey_apply(const struct ptd_blockkey *key, void *data, size_t n,
                        uint64_t at) PTD_NONNULL(1, 2);

#endif /* PTD_CHAIN_BLOCKKEY_H */
