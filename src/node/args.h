/* args.h - settings from the command line and from bitcoin.conf, as Bitcoin
 * Core reads them.
 *
 * Every setting is kept with where it came from. A look-up takes, in this
 * order: the command line, where the last value wins; the network's section of
 * the file, where the first wins; the part of the file before any section, the
 * first again. Options that mean another thing on each network (port, connect
 * …) are taken from that part on mainnet only. Lists add up over all three.
 * -noX and noX=1 are -X=0 and end a list.
 *
 * Threads  one; constant once the node runs
 * Source   Bitcoin Core, doc/bitcoin-conf.md, and what its tests rely on
 */
#ifndef PTD_NODE_ARGS_H
#define PTD_NODE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

/* What is wrong, in words for the user: "Invalid parameter -foo". */
struct ptd_complaint {
    char text[1024];
};

/* Fill in the words; gives PTD_EINVAL. */
enum ptd_err ptd_complain(struct ptd_complaint *why, const char *format, ...)
    PTD_PRINTF(2, 3) PTD_NONNULL(1, 2);

enum ptd_arg_source { PTD_ARG_COMMAND_LINE, PTD_ARG_FILE };

struct ptd_arg {
    char *name;    /* without dash, section and "no" */
    char *value;   /* "" where none was given, "0" if negated */
    char *section; /* of the file; "" before any, and on the command line */
    enum ptd_arg_source source;
    bool negated;
};

struct ptd_args {
    struct ptd_arg *v; /* n of cap, in the order they were read */
    size_t n;
    size_t cap;
    const char *network; /* section that counts: "main" … NULL: none yet */
};

void ptd_args_init(struct ptd_args *a) PTD_NONNULL(1);
void ptd_args_fini(struct ptd_args *a) PTD_NONNULL(1);

/* Read argv[1] to argv[argc - 1], up to the first that has no dash.
 *
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_args_read_argv(struct ptd_args *a, int argc, char *const *argv,
                   struct ptd_complaint *why) PTD_NONNULL(1, 3, 4);

/* Read a configuration file's n bytes.
 *
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_args_read_conf(struct ptd_args *a, const char *text, size_t n,
                   struct ptd_complaint *why) PTD_NONNULL(1, 2, 4);

/* Add one setting; `text` is "name", "noname" or "section.name".
 *
 * value    NULL: none was given
 * Returns  PTD_OK; PTD_EINVAL; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_args_add(struct ptd_args *a, enum ptd_arg_source source,
             const char *section, const char *text, const char *value,
             struct ptd_complaint *why) PTD_NONNULL(1, 3, 4, 6);

/* ---- looking ----------------------------------------------------------- */

/* The setting that counts; NULL if there is none. */
const struct ptd_arg *ptd_args_find(const struct ptd_args *a, const char *name)
    PTD_NONNULL(1, 2);

bool ptd_args_is_set(const struct ptd_args *a, const char *name)
    PTD_NONNULL(1, 2);
const char *ptd_args_text(const struct ptd_args *a, const char *name,
                          const char *otherwise) PTD_NONNULL(1, 2);

/* Digits count as far as they go ("12x" is 12, "x" is 0), within int64_t. */
int64_t ptd_args_int(const struct ptd_args *a, const char *name,
                     int64_t otherwise) PTD_NONNULL(1, 2);

/* Empty is true; else whether the number is not 0. */
bool ptd_args_bool(const struct ptd_args *a, const char *name, bool otherwise)
    PTD_NONNULL(1, 2);

/* Walk a list: *at is 0 at first. NULL behind the last. What stands before a
 * negation (in its source, or in a source that wins over it) does not count. */
const char *ptd_args_next(const struct ptd_args *a, const char *name,
                          size_t *at) PTD_NONNULL(1, 2, 3);

/* A setting that the chosen network does not see: an option of one network
 * that stands before any section. NULL if there is none. */
const struct ptd_arg *ptd_args_misplaced(const struct ptd_args *a)
    PTD_NONNULL(1);

#endif /* PTD_NODE_ARGS_H */
