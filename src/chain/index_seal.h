/* index_seal.h - a seal on a file that nobody is using.
 *
 * LMDB maps its file and trusts each pointer in it: a bit that flipped while
 * nobody was looking can end the process. So whoever closes the file in good
 * order leaves its hash beside it, and whoever opens it breaks that seal, or
 * refuses. After the death of a process there is none, and none is asked for.
 *
 * Threads  one at a time
 */
#ifndef PTD_CHAIN_INDEX_SEAL_H
#define PTD_CHAIN_INDEX_SEAL_H

#include "pentad/attr.h"
#include "pentad/err.h"

/* Write the hash of dir/data.mdb to dir/seal. PTD_OK; else there is no seal. */
PTD_MUST_USE enum ptd_err ptd_index_seal(const char *dir) PTD_NONNULL(1);

/* Hold dir/data.mdb against its seal, if there is one, and take that away, for
 * good. PTD_OK; PTD_EBADVALUE: the file is not the one that was sealed;
 * PTD_ENOMEM; PTD_EIO (errno). */
PTD_MUST_USE enum ptd_err ptd_index_unseal(const char *dir) PTD_NONNULL(1);

#endif /* PTD_CHAIN_INDEX_SEAL_H */
