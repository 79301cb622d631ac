/* index.h - what is known of each header and block, on disk.
 *
 * One record per header, under the number that the tree of headers gave it:
 * parents come before their children, and loading is one walk in order.
 *
 * Two stages. A put goes to a journal in one write: from then on the death of
 * the process loses nothing. A commit moves the journal into the database
 * (LMDB) in one transaction that is synced: from then on the death of the
 * machine does not either. Opening commits what an earlier process left in the
 * journal; a record that was cut off by a crash was never acknowledged, and is
 * dropped. Both stages may be repeated without harm.
 *
 * Files    DIR/data.mdb DIR/journal; DIR/seal while closed in good order
 * Owner    ptd_index_open()
 * Threads  one at a time, the owner sees to it
 */
#ifndef PTD_CHAIN_INDEX_H
#define PTD_CHAIN_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/hash.h"

struct ptd_index;

/* A header and its block. */
struct ptd_index_record {
    uint32_t id;
    uint32_t parent; /* its id; UINT32_MAX for the genesis block */
    int32_t version;
    struct ptd_hash merkle_root;
    uint32_t time;
    uint32_t bits;
    uint32_t nonce;
    uint32_t status; /* flags, see chain_int.h */
    uint32_t file;   /* where the block is or was, if status says so */
    uint32_t offset;
    uint32_t bytes;
    uint32_t n_tx;
};

/* What there is one of. */
struct ptd_index_meta {
    uint8_t magic[4]; /* of the network */
    uint32_t tip;     /* id of the active chain's last block */
    uint32_t pruned;  /* 1 once blocks were deleted */
    /* Blocks written before this place are on disk, whatever happens. */
    uint32_t synced_file;
    uint32_t synced_end;
};

/* Open the index in a folder, which is made if its parent exists.
 *
 * wipe     begin with an empty one
 * why      told what failed, for people; 160 bytes are enough
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EFULL: disk full; PTD_EIO; PTD_EBADVALUE:
 *          what is there is no index, damaged, or of another version
 */
PTD_MUST_USE enum ptd_err ptd_index_open(struct ptd_index **out,
                                         const char *dir, bool wipe, char *why,
                                         size_t why_cap) PTD_NONNULL(1, 2, 4);

/* Close without committing: the journal keeps what it has. Takes NULL. */
void ptd_index_close(struct ptd_index *x PTD_TAKES);

/* Records 0 to n - 1 exist. */
uint32_t ptd_index_count(const struct ptd_index *x) PTD_NONNULL(1);

/* False: there is none yet. */
bool ptd_index_meta(const struct ptd_index *x, struct ptd_index_meta *out)
    PTD_NONNULL(1, 2);

/* Forget all records, of an index that has no meta record yet. Errors as of
 * ptd_index_commit(). */
PTD_MUST_USE enum ptd_err ptd_index_empty(struct ptd_index *x) PTD_NONNULL(1);

/* Walk all records in order; visit returns what ends the walk, or PTD_OK.
 *
 * Returns  PTD_OK; what visit returned; PTD_EBADVALUE: a record is missing or
 *          damaged; PTD_EIO; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_index_walk(struct ptd_index *x,
               enum ptd_err (*visit)(void *arg,
                                     const struct ptd_index_record *r),
               void *arg) PTD_NONNULL(1, 2);

/* Put n records (n may be 0) and, if not NULL, the meta record, all or
 * nothing.
 *
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EFULL: disk full; PTD_EIO (errno)
 */
PTD_MUST_USE enum ptd_err
ptd_index_put(struct ptd_index *x, const struct ptd_index_record *r, size_t n,
              const struct ptd_index_meta *meta) PTD_NONNULL(1);

/* Move the journal into the database. Same errors, and PTD_EBADVALUE. */
PTD_MUST_USE enum ptd_err ptd_index_commit(struct ptd_index *x) PTD_NONNULL(1);

/* Bytes in the journal: a reason to commit. */
size_t ptd_index_pending_bytes(const struct ptd_index *x) PTD_NONNULL(1);

#endif /* PTD_CHAIN_INDEX_H */
