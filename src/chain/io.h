/* io.h - reading and writing whole pieces of files.
 *
 * Threads  any
 */
#ifndef PTD_CHAIN_IO_H
#define PTD_CHAIN_IO_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

/* What errno stands for: PTD_EFULL when the disk, a quota or a limit is full,
 * else PTD_EIO. */
enum ptd_err ptd_io_error(void);

/* All n bytes, or an error; errno then says more. PTD_OK; PTD_ESHORT: the file
 * ends before (reading); PTD_EFULL; PTD_EIO. */
PTD_MUST_USE enum ptd_err ptd_read_at(int fd, void *out, size_t n, uint64_t at);
PTD_MUST_USE enum ptd_err ptd_write_at(int fd, const void *p, size_t n,
                                       uint64_t at);

#endif /* PTD_CHAIN_IO_H */
