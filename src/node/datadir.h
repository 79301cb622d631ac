/* datadir.h - the directory where a node keeps its files.
 *
 * Threads  one
 */
#ifndef PTD_NODE_DATADIR_H
#define PTD_NODE_DATADIR_H

#include "node/args.h"
#include "pentad/attr.h"
#include "pentad/err.h"

/* What the program calls itself in messages. */
#define PTD_CLIENT_NAME "Pentad"

/* dir/name, or name alone if that is absolute; dir if name is empty. From
 * malloc; NULL for lack of memory. */
PTD_MUST_USE char *ptd_path_join(const char *dir, const char *name)
    PTD_NONNULL(1, 2);

/* Where it is: -datadir, which must exist, or ~/.pentad.
 *
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_datadir_find(char **out, const struct ptd_args *args,
                 struct ptd_complaint *why) PTD_NONNULL(1, 2, 3);

/* Read its bitcoin.conf, or the file that -conf names; without -conf it may be
 * missing. PTD_OK; PTD_EINVAL: why; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_datadir_read_conf(const char *datadir, struct ptd_args *args,
                      struct ptd_complaint *why) PTD_NONNULL(1, 2, 3);

/* Make the directory (with those above it), lock it against other nodes.
 *
 * fd       holds the lock until it is closed
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_datadir_lock(int *fd, const char *dir, struct ptd_complaint *why)
    PTD_NONNULL(1, 2, 3);

#endif /* PTD_NODE_DATADIR_H */
