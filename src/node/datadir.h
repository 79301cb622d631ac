/* datadir.h - the directory where a node keeps its files.
 *
 * Threads  one
 */
#ifndef PTD_NODE_DATADIR_H
#define PTD_NODE_DATADIR_H

#include <stddef.h>

#include "node/args.h"
#include "pentad/attr.h"
#include "pentad/err.h"

/* What the program calls itself in messages. */
#define PTD_CLIENT_NAME "Pentad"

/* ---- paths --------------------------------------------------------------- */

/* dir/name, or name alone if that is absolute; dir if name is empty. From
 * malloc; NULL for lack of memory. */
PTD_MUST_USE char *ptd_path_join(const char *dir, const char *name)
    PTD_NONNULL(1, 2);

/* Take "//", "/./", "x/.." and a slash at the end out, in place; no link is
 * looked at. Gives path. */
char *ptd_path_normalise(char *path) PTD_NONNULL(1);

/* From where the program was started, and normal. From malloc; NULL for lack
 * of memory. */
PTD_MUST_USE char *ptd_path_absolute(const char *path) PTD_NONNULL(1);

/* A path that an option names, made normal and put below dir; dir/otherwise if
 * the option is not set or empty. From malloc; NULL for lack of memory, or if
 * the option is negated. */
PTD_MUST_USE char *
ptd_path_option(const struct ptd_args *args, const char *option,
                const char *dir, const char *otherwise) PTD_NONNULL(1, 2, 3, 4);

bool ptd_is_directory(const char *path) PTD_NONNULL(1);

/* Read a whole file of at most `max` bytes; *text from malloc, with a NUL behind
 * it.
 *
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EIO: errno says why; PTD_ETOOBIG
 */
PTD_MUST_USE enum ptd_err
ptd_text_read(char **text, size_t *n, const char *path, size_t max)
    PTD_NONNULL(1, 2, 3);

/* ---- the directory ------------------------------------------------------- */

/* ~/.pentad. From malloc; NULL for lack of memory. */
PTD_MUST_USE char *ptd_datadir_default(void);

/* Where it is: -datadir, which must exist, or ~/.pentad.
 *
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_datadir_find(char **out, const struct ptd_args *args,
                 struct ptd_complaint *why) PTD_NONNULL(1, 2, 3);

/* Read its bitcoin.conf, or the file that -conf names, and the files that this
 * one includes; without -conf it may be missing, with -noconf none is read.
 *
 * path     of the file, from malloc; NULL with -noconf; freed by the caller on
 *          failure too
 * is_read  whether there was one
 * Returns  PTD_OK; PTD_EINVAL: why; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_datadir_read_conf(char **path, bool *is_read, const char *datadir,
                      struct ptd_args *args, struct ptd_complaint *why)
    PTD_NONNULL(1, 2, 3, 4, 5);

/* Complain of a bitcoin.conf in the data directory that was not read because
 * another file was; with -allowignoredconf log it.
 *
 * read_from  the directory that was the data directory then
 */
PTD_MUST_USE enum ptd_err
ptd_datadir_check_conf(const char *datadir, const char *read_from,
                       const char *conf_path, const struct ptd_args *args,
                       struct ptd_complaint *why) PTD_NONNULL(1, 2, 4, 5);

/* Which network the options choose: its name as they give it.
 *
 * Returns  PTD_OK; PTD_EINVAL: more than one
 */
PTD_MUST_USE enum ptd_err
ptd_chain_chosen(const char **name, const struct ptd_args *args,
                 struct ptd_complaint *why) PTD_NONNULL(1, 2, 3);

/* Make the directory with those above it; a new one gets an empty directory
 * "wallets", as tools expect. PTD_OK; PTD_EINVAL: why; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_datadir_make(const char *dir, struct ptd_complaint *why) PTD_NONNULL(1, 2);

/* The same for any directory, without wallets. */
PTD_MUST_USE enum ptd_err
ptd_directory_make(const char *dir, struct ptd_complaint *why)
    PTD_NONNULL(1, 2);

/* Lock a directory against other nodes.
 *
 * fd       holds the lock until it is closed
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_datadir_lock(int *fd, const char *dir, struct ptd_complaint *why)
    PTD_NONNULL(1, 2, 3);

/* Whether another node has it locked. The same results. */
PTD_MUST_USE enum ptd_err
ptd_datadir_probe(const char *dir, struct ptd_complaint *why) PTD_NONNULL(1, 2);

/* ---- settings.json --------------------------------------------------------- */

/* Read the file, if there is one, into args, and write it anew with a warning
 * not to edit it. PTD_OK; PTD_EINVAL: why; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_settings_sync(const char *path, struct ptd_args *args,
                  struct ptd_complaint *why) PTD_NONNULL(1, 2, 3);

#endif /* PTD_NODE_DATADIR_H */
