/* cli_params.h - how the client reads the arguments of a method; this room
 * only.
 *
 * The server tells types, but the client must know them before it asks.
 *
 * Threads  any; the table is constant
 * Source   Bitcoin Core 31.1: the types of its methods' arguments, and those
 *          of the wallet, since the client drives bitcoind too
 */
#ifndef PTD_RPC_CLI_PARAMS_H
#define PTD_RPC_CLI_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "pentad/attr.h"

enum ptd_cli_format {
    PTD_CLI_JSON,
    PTD_CLI_STRING,
    PTD_CLI_JSON_OR_STRING /* JSON if it is any */
};

/* False: the table says nothing of it, it is a string. */
bool ptd_cli_param_at(const char *method, size_t position,
                      enum ptd_cli_format *out) PTD_NONNULL(1, 3);
bool ptd_cli_param_named(const char *method, const char *name,
                         enum ptd_cli_format *out) PTD_NONNULL(1, 2, 3);

#endif /* PTD_RPC_CLI_PARAMS_H */
