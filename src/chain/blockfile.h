/* blockfile.h - blocks as they came, in blk00000.dat, blk00001.dat, ...
 *
 * Each block stands behind eight bytes: the network's magic and the block's
 * length, lowest byte first: the framing that all nodes and tools know. A
 * position is that of the block itself, behind these eight bytes.
 *
 * A file is begun when the last one is full. Nothing is written twice: what a
 * crash left behind the last block that is known is overwritten.
 *
 * Owner    ptd_blockfiles_open(); params and dir are copied or outlive it
 * Threads  writing (append, sync, remove, set_end): one at a time, the owner
 *          sees to it; reading: any
 * Source   Bitcoin Core's block files
 */
#ifndef PTD_CHAIN_BLOCKFILE_H
#define PTD_CHAIN_BLOCKFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "chain/blockkey.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/params.h"

enum {
    PTD_BLOCKFILE_BYTES = 128 << 20,     /* where a file is full */
    PTD_BLOCKFILE_FAST_BYTES = 64 << 10, /* with -fastprune */
    PTD_BLOCKFILE_FRAME_BYTES = 8,
    PTD_BLOCKFILE_MAX = 99999,    /* highest number of a file */
    PTD_BLOCK_MIN_BYTES = 80 + 1, /* header, a count */
    PTD_BLOCK_MAX_BYTES = 4000000
};

/* Where a block lies. */
struct ptd_blockpos {
    uint32_t file;
    uint32_t offset; /* of the block's first byte */
    uint32_t bytes;  /* of the block */
};

struct ptd_blockfiles;

struct ptd_blockfiles_config {
    const char *dir; /* must exist */
    const struct ptd_params *params;
    struct ptd_blockkey key; /* that the files are masked with */
    uint32_t max_bytes;      /* 0: PTD_BLOCKFILE_BYTES */
    uint32_t prealloc_bytes; /* grow files by so much at a time; 0: as needed */
};

/* Open the folder; files are created as they are needed.
 *
 * Returns  PTD_OK; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_blockfiles_open(struct ptd_blockfiles **out,
                    const struct ptd_blockfiles_config *cfg) PTD_NONNULL(1, 2);

/* Close, without syncing. Takes NULL. */
void ptd_blockfiles_close(struct ptd_blockfiles *f PTD_TAKES);

/* Where the next block will be written at the earliest: behind the last one
 * that is known. At first: the beginning of file 0. */
void ptd_blockfiles_set_end(struct ptd_blockfiles *f, uint32_t file,
                            uint32_t end) PTD_NONNULL(1);

/* Append a block; it is then safe against the death of the
 * process, after ptd_blockfiles_sync() against that of the machine.
 *
 * Returns  PTD_OK; PTD_ETOOBIG; PTD_EFULL: the disk is full (or a quota, or
 *          the highest number of a file); PTD_EIO (errno). After a failure the
 *          end is where it was.
 */
PTD_MUST_USE enum ptd_err
ptd_blockfiles_append(struct ptd_blockfiles *f, struct ptd_blockpos *pos,
                      const void *block, size_t n) PTD_NONNULL(1, 2, 3);

/* Make sure that all that was appended is on the disk. PTD_OK; PTD_EIO. */
PTD_MUST_USE enum ptd_err ptd_blockfiles_sync(struct ptd_blockfiles *f)
    PTD_NONNULL(1);

/* Read a block back.
 *
 * mem      where the buffer comes from; NULL: malloc
 * n        bytes of the block, at (*out)->data
 * Returns  PTD_OK; PTD_ENOMEM; PTD_ENOTFOUND: there is no such file; PTD_ESHORT:
 *          the file ends before the block does; PTD_EMAGIC: no block begins
 *          there, or one of another length; PTD_EIO (errno)
 */
PTD_MUST_USE enum ptd_err
ptd_blockfiles_read(struct ptd_blockfiles *f, struct ptd_buf **out, size_t *n,
                    const struct ptd_blockpos *pos, struct ptd_mem *mem)
    PTD_NONNULL(1, 2, 3, 4);

/* Its header alone; same errors. */
PTD_MUST_USE enum ptd_err
ptd_blockfiles_read_header(struct ptd_blockfiles *f,
                           uint8_t out[PTD_HEADER_BYTES],
                           const struct ptd_blockpos *pos) PTD_NONNULL(1, 2, 3);

/* Delete a file that is not the one written to. PTD_OK (also if there is
 * none); PTD_EIO. */
PTD_MUST_USE enum ptd_err ptd_blockfiles_remove(struct ptd_blockfiles *f,
                                                uint32_t file) PTD_NONNULL(1);

/* The path of a file of blocks, in newly allocated memory; NULL for lack of
 * it. */
PTD_MUST_USE char *ptd_blockfiles_path(const struct ptd_blockfiles *f,
                                       uint32_t file) PTD_NONNULL(1);

/* The key that our files are masked with. */
const struct ptd_blockkey *ptd_blockfiles_key(const struct ptd_blockfiles *f)
    PTD_NONNULL(1);

/* ---- reading files of others, from front to back --------------------- */

struct ptd_blockreader;

/* Open a file of blocks: a bootstrap file, or one of ours.
 *
 * key      that the file is masked with; NULL: none
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EIO (errno)
 */
PTD_MUST_USE enum ptd_err
ptd_blockreader_open(struct ptd_blockreader **out, const char *path,
                     const struct ptd_params *params,
                     const struct ptd_blockkey *key) PTD_NONNULL(1, 2, 3);
void ptd_blockreader_close(struct ptd_blockreader *r PTD_TAKES);

/* Find the next block: whatever is not framed as one is skipped. (That it is
 * framed does not make it a block: who cannot decode it says so with
 * ptd_blockreader_retry(), and the search goes on one byte behind its magic.)
 *
 * block    n bytes, valid until the next call
 * offset   in the file, of the block's first byte
 * Returns  PTD_OK; PTD_EEOF: no more; PTD_EIO (errno)
 */
PTD_MUST_USE enum ptd_err
ptd_blockreader_next(struct ptd_blockreader *r, const uint8_t **block,
                     size_t *n, uint64_t *offset) PTD_NONNULL(1, 2, 3, 4);
void ptd_blockreader_retry(struct ptd_blockreader *r) PTD_NONNULL(1);

/* Bytes that were no blocks, so far. */
uint64_t ptd_blockreader_skipped(const struct ptd_blockreader *r)
    PTD_NONNULL(1);

#endif /* PTD_CHAIN_BLOCKFILE_H */
