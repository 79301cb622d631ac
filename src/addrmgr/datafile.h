/* datafile.h - whole files: read at once, replaced at once.
 *
 * Threads  any; one writer a path at a time
 * Blocks   on the disk
 */
#ifndef PTD_ADDRMGR_DATAFILE_H
#define PTD_ADDRMGR_DATAFILE_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

/* Read a regular file of at most max bytes.
 *
 * out      from malloc, to be freed by the caller
 * Returns  PTD_OK; PTD_ENOTFOUND; PTD_EIO (errno says more); PTD_ETOOBIG;
 *          PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_datafile_read(uint8_t **out, size_t *n, const char *path, size_t max)
    PTD_NONNULL(1, 2, 3);

/* Write path.new, sync it, rename it to path, sync the directory. A failure
 * leaves path as it was, and is logged.
 *
 * Returns  PTD_OK; PTD_EIO; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_datafile_replace(const char *path, const uint8_t *p, size_t n)
    PTD_NONNULL(1, 2);

#endif /* PTD_ADDRMGR_DATAFILE_H */
