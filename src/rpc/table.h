/* table.h - the methods that a server knows; this room only.
 *
 * Threads  one until the server starts; constant from then on
 */
#ifndef PTD_RPC_TABLE_H
#define PTD_RPC_TABLE_H

#include <jansson.h>
#include <stddef.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "rpc/json.h"
#include "rpc/method.h"

struct ptd_rpc_entry {
    const struct ptd_rpc_method *method;
    void *arg;
};

struct ptd_rpc_table {
    struct ptd_rpc_entry *v; /* by name */
    size_t n;
    size_t cap;
};

/* Returns  PTD_OK; PTD_ENOMEM: the table is as it was */
PTD_MUST_USE enum ptd_err
ptd_rpc_table_add(struct ptd_rpc_table *t, const struct ptd_rpc_method *methods,
                  size_t n, void *arg) PTD_NONNULL(1, 2);
void ptd_rpc_table_fini(struct ptd_rpc_table *t) PTD_NONNULL(1);

/* NULL if there is none. */
const struct ptd_rpc_entry *
ptd_rpc_table_find(const struct ptd_rpc_table *t, const char *name)
    PTD_NONNULL(1, 2);

/* What `help` says: every method's first line by category; the help of one if
 * `name` is not "". */
void ptd_rpc_table_help(const struct ptd_rpc_table *t, const char *name,
                        struct ptd_text *out) PTD_NONNULL(1, 2, 3);

/* All arguments: [method, position, name, whether it is a string]; NULL for
 * lack of memory. Against it clients' tables are checked. */
PTD_MUST_USE json_t *ptd_rpc_table_conversions(const struct ptd_rpc_table *t)
    PTD_NONNULL(1);

#endif /* PTD_RPC_TABLE_H */
