/* options.h - which options there are.
 *
 * Threads  any; the table is constant
 */
#ifndef PTD_NODE_OPTIONS_H
#define PTD_NODE_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

#include "pentad/attr.h"

enum ptd_option_flags {
    PTD_OPTION_ANY = 0,
    PTD_OPTION_NO_NEGATION = 1, /* -noX means nothing */
    PTD_OPTION_NEEDS_VALUE = 2, /* -X alone means nothing */
    PTD_OPTION_NETWORK = 4,     /* means another thing on each network */
    PTD_OPTION_IGNORED = 8,     /* of what Pentad has not; accepted */
    PTD_OPTION_NOT_IN_FILE = 16 /* on the command line alone */
};

struct ptd_option {
    const char *name;
    unsigned flags;   /* of enum ptd_option_flags */
    const char *form; /* how it is shown: "=<port>"; NULL: not shown */
    const char *help;
};

/* NULL if there is no such option. */
const struct ptd_option *ptd_option_of(const char *name) PTD_NONNULL(1);

/* What -help prints. */
void ptd_options_print(FILE *out) PTD_NONNULL(1);

#endif /* PTD_NODE_OPTIONS_H */
