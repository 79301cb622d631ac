/* datafile.h - files of the address manager, replaced whole; failures are told.
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

/* As ptd_file_replace() of base/file.h; a failure on the disk is logged.
 *
 * Returns  PTD_OK; PTD_EIO; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_datafile_replace(const char *path, const uint8_t *p, size_t n)
    PTD_NONNULL(1, 2);

#endif /* PTD_ADDRMGR_DATAFILE_H */
