/* args_int.h - what the readers of settings share; for args.c, conf.c and
 * rwsettings.c alone. */
#ifndef PTD_NODE_ARGS_INT_H
#define PTD_NODE_ARGS_INT_H

#include "node/args.h"
#include "node/options.h"

/* Empty is true; else whether the number is not 0. */
bool ptd_args_truth(const char *text) PTD_NONNULL(1);

/* Add a setting as it was written, with or without "no" and value (NULL). */
PTD_MUST_USE enum ptd_err
ptd_args_interpret(struct ptd_args *a, const struct ptd_option *option,
                   bool negated, enum ptd_arg_source source,
                   const char *section, const char *value,
                   struct ptd_complaint *why) PTD_NONNULL(1, 2, 5, 7);

#endif /* PTD_NODE_ARGS_INT_H */
