/* args.h - settings from the command line and from files, as Bitcoin Core reads
 * them.
 *
 * Every setting is kept with where it came from. A look-up takes, in this
 * order: what other options brought about; the command line, where the last
 * value wins; settings.json; the network's section of the configuration file,
 * where the first wins; the part of the file before any section, the first
 * again. Options that mean another thing on each network (port, connect …) are
 * taken from that part on mainnet only. Lists add up over all of them.
 *
 * -noX and noX=1 are "false": the number 0, and the end of a list. What stands
 * before it in the same source does not count. -noX=0 is "true".
 *
 * Threads  one; constant once the node runs
 * Source   Bitcoin Core 31.1, doc/bitcoin-conf.md, and what its tests rely on
 */
#ifndef PTD_NODE_ARGS_H
#define PTD_NODE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"

struct ptd_option;

/* What is wrong, in words for the user: "Invalid parameter -foo". */
struct ptd_complaint {
    char text[4096];
    bool offers; /* it ends in what might be done: others put that to the user
                    as a question, and print it without "Error: " */
};

/* Fill in the words; gives PTD_EINVAL. */
enum ptd_err ptd_complain(struct ptd_complaint *why, const char *format, ...)
    PTD_PRINTF(2, 3) PTD_NONNULL(1, 2);

/* In the order in which they win. */
enum ptd_arg_source {
    PTD_ARG_FORCED, /* by another option */
    PTD_ARG_COMMAND_LINE,
    PTD_ARG_SETTINGS, /* settings.json */
    PTD_ARG_FILE
};

enum ptd_arg_kind { PTD_ARG_TEXT, PTD_ARG_FALSE, PTD_ARG_TRUE };

struct ptd_arg {
    const struct ptd_option *option;
    enum ptd_arg_source source;
    enum ptd_arg_kind kind;
    char *value;   /* "" where none was given; "0" if false, "1" if true */
    char *section; /* of the file; "" before any, and elsewhere */
};

/* A section's name that stands in a file. */
struct ptd_section {
    char *name;
    char *file;
    int line;
};

struct ptd_args {
    struct ptd_arg *v; /* n of cap, in the order in which they were read */
    size_t n;
    size_t cap;
    struct ptd_section *sections; /* those that no network has */
    size_t n_sections;
    size_t sections_cap;
    const char *network; /* section that counts: "main" …; NULL: none yet */
};

void ptd_args_init(struct ptd_args *a) PTD_NONNULL(1);
void ptd_args_fini(struct ptd_args *a) PTD_NONNULL(1);

/* ---- reading ----------------------------------------------------------- */

/* Read argv[1] to argv[argc - 1], up to the first that has no dash.
 *
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_args_read_argv(struct ptd_args *a, int argc, char *const *argv,
                   struct ptd_complaint *why) PTD_NONNULL(1, 3, 4);

/* The first word that is no option; NULL if there is none. */
const char *ptd_args_loose(int argc, char *const *argv) PTD_NONNULL(2);

/* Read a configuration file's n bytes: all of it is looked at before the first
 * setting is taken. Unknown settings are logged and left out.
 *
 * file     its name, for warnings about sections
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_args_read_conf(struct ptd_args *a, const char *file, const char *text,
                   size_t n, struct ptd_complaint *why) PTD_NONNULL(1, 2, 3, 5);

/* Read settings.json's n bytes; unknown settings are logged and left out.
 *
 * path     its name, for complaints
 * Returns  PTD_OK; PTD_EINVAL: why says what is wrong; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_args_read_settings(struct ptd_args *a, const char *path, const char *text,
                       size_t n, struct ptd_complaint *why)
    PTD_NONNULL(1, 2, 3, 5);

/* Add one setting. PTD_OK, PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_args_add(struct ptd_args *a, const struct ptd_option *option,
             enum ptd_arg_source source, const char *section,
             enum ptd_arg_kind kind, const char *value) PTD_NONNULL(1, 2, 4, 6);

/* Set an option that is not set: another one brings it about.
 *
 * done     true if it was not set
 * Returns  PTD_OK, PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_args_soft_set(struct ptd_args *a,
                                            const char *name, const char *value,
                                            bool *done) PTD_NONNULL(1, 2, 3, 4);

/* Log what was read, secrets apart. */
void ptd_args_log(const struct ptd_args *a) PTD_NONNULL(1);

/* ---- looking ----------------------------------------------------------- */

/* All take a name that is in the table of options. */

/* The setting that counts; NULL if there is none. */
const struct ptd_arg *ptd_args_find(const struct ptd_args *a, const char *name)
    PTD_NONNULL(1, 2);

bool ptd_args_is_set(const struct ptd_args *a, const char *name)
    PTD_NONNULL(1, 2);
bool ptd_args_is_negated(const struct ptd_args *a, const char *name)
    PTD_NONNULL(1, 2);
const char *ptd_args_text(const struct ptd_args *a, const char *name,
                          const char *otherwise) PTD_NONNULL(1, 2);

/* Digits count as far as they go ("12x" is 12, "x" is 0), within int64_t. */
int64_t ptd_args_int(const struct ptd_args *a, const char *name,
                     int64_t otherwise) PTD_NONNULL(1, 2);

/* Empty is true; else whether the number is not 0. */
bool ptd_args_bool(const struct ptd_args *a, const char *name, bool otherwise)
    PTD_NONNULL(1, 2);

/* -regtest and its kin, which choose the section: here the last value in a
 * file wins too, and a negated one is passed over. */
bool ptd_args_chooses(const struct ptd_args *a, const char *name)
    PTD_NONNULL(1, 2);

/* A walk along a list. What stands before a negation (in its source, or in one
 * that it wins over) does not count; but a value that follows a negation on
 * the command line brings the files' values back, as in Core. */
struct ptd_args_walk {
    const struct ptd_args *args;
    const struct ptd_option *option;
    int place; /* -1: not begun */
    size_t at;
    bool skips; /* this place */
    bool done, none_yet, negated_empty;
};
struct ptd_args_walk ptd_args_each(const struct ptd_args *a, const char *name)
    PTD_NONNULL(1, 2);
/* NULL behind the last. */
const char *ptd_args_next(struct ptd_args_walk *w) PTD_NONNULL(1);
bool ptd_args_has_any(const struct ptd_args *a, const char *name)
    PTD_NONNULL(1, 2);

/* Whether the chosen network does not see this option of one network, because
 * it stands before any section and nowhere else. */
bool ptd_args_is_misplaced(const struct ptd_args *a,
                           const struct ptd_option *option) PTD_NONNULL(1, 2);

/* ---- numbers ------------------------------------------------------------ */

/* A decimal number and nothing else, within limits. */
bool ptd_number_parse(const char *text, int64_t min, int64_t max, int64_t *out)
    PTD_NONNULL(1, 4);

#endif /* PTD_NODE_ARGS_H */
