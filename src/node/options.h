/* options.h - which options there are.
 *
 * Threads  any; the table is constant
 * Source   Bitcoin Core 31.1 (names, what may be negated or left empty)
 */
#ifndef PTD_NODE_OPTIONS_H
#define PTD_NODE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "pentad/attr.h"

enum ptd_option_flags {
    PTD_OPTION_ANY = 0,
    PTD_OPTION_NO_NEGATION = 1, /* -noX means nothing */
    PTD_OPTION_NEEDS_VALUE = 2, /* -X alone means nothing */
    PTD_OPTION_NETWORK = 4,     /* means another thing on each network */
    PTD_OPTION_SECRET = 8,      /* its value is not logged */
    PTD_OPTION_RARE = 16,       /* shown by -help-debug alone */
    PTD_OPTION_IGNORED = 32,    /* of what Pentad has not; accepted */
    PTD_OPTION_MISSING = 64     /* of what it has not yet; read and checked */
};

struct ptd_option {
    const char *name; /* "": a heading */
    unsigned flags;   /* of enum ptd_option_flags */
    const char *form; /* how it is shown: "=<port>"; NULL: not shown */
    const char *help;
};

/* In the order in which they are shown; n_options of them. */
extern const struct ptd_option ptd_options[];
extern const size_t ptd_n_options;

/* NULL if there is no such option. */
const struct ptd_option *ptd_option_of(const char *name) PTD_NONNULL(1);

/* What -help and -help-debug print. */
enum ptd_options_shown { PTD_OPTIONS_COMMON, PTD_OPTIONS_ALL };
void ptd_options_print(FILE *out, enum ptd_options_shown which) PTD_NONNULL(1);

#endif /* PTD_NODE_OPTIONS_H */
