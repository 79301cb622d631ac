/* file.h - whole files: read at once, replaced at once.
 *
 * Says nothing to the log: errno tells what went wrong where a function
 * returns PTD_EIO.
 *
 * Threads  any; one writer a path at a time
 * Blocks   on the disk
 */
#ifndef PTD_BASE_FILE_H
#define PTD_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

/* Read a regular file of at most max bytes.
 *
 * out      from ptd_alloc(), with a NUL behind its n bytes; the caller's
 * Returns  PTD_OK; PTD_ENOTFOUND; PTD_EIO; PTD_ETOOBIG; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_file_read(uint8_t **out, size_t *n, const char *path, size_t max)
    PTD_NONNULL(1, 2, 3);

/* Write path.new, sync it, rename it to path, sync the directory. A failure
 * leaves path as it was. Mode 0600.
 *
 * Returns  PTD_OK; PTD_EIO; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_file_replace(const char *path, const void *p,
                                           size_t n) PTD_NONNULL(1, 2);

/* Rename path to path.bak, over an older one, so that a damaged file is kept
 * for whoever wants to look at it.
 *
 * Returns  PTD_OK; PTD_EIO; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_file_set_aside(const char *path) PTD_NONNULL(1);

#endif /* PTD_BASE_FILE_H */
