/* call.h - one call of a method, seen from the server's side; this room only.
 *
 * Threads  one: the worker's
 */
#ifndef PTD_RPC_CALL_H
#define PTD_RPC_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "pentad/attr.h"
#include "rpc/json.h"
#include "rpc/method.h"

struct ptd_rpc;

/* Who calls, and over which connection. */
struct ptd_rpc_who {
    const char *user;
    const char *peer;
    struct ptd_chan *quit;
};

struct ptd_rpc_call {
    struct ptd_rpc *rpc;
    const struct ptd_rpc_who *who;
    const struct ptd_rpc_method *method; /* NULL until it was found */
    json_t *params;                      /* an array once checked; owned */
    bool waits; /* between ptd_rpc_wait_begin() and _end() */
    bool failed;
    enum ptd_rpc_code code;
    char *message; /* NULL: no memory even for that */
};

void ptd_rpc_call_init(struct ptd_rpc_call *call, struct ptd_rpc *r,
                       const struct ptd_rpc_who *who) PTD_NONNULL(1, 3);
void ptd_rpc_call_fini(struct ptd_rpc_call *call) PTD_NONNULL(1);

/* Fail with a text that was made already. */
void ptd_rpc_fail_text(struct ptd_rpc_call *call, enum ptd_rpc_code code,
                       struct ptd_text *message) PTD_NONNULL(1, 3);

/* ---- named.c, check.c, help.c ---------------------------------------------- */

/* Put named arguments into their places: gives an array, or NULL after the call
 * failed.
 *
 * repeated  a key that was given twice, or NULL
 */
PTD_MUST_USE json_t *ptd_rpc_place_named(struct ptd_rpc_call *call,
                                         json_t *given, const char *repeated)
    PTD_NONNULL(1, 2);

/* Count and types of call->params; false after the call failed. */
PTD_MUST_USE bool ptd_rpc_check_args(struct ptd_rpc_call *call) PTD_NONNULL(1);

/* Hold a result against the method's help: the call fails if it differs. */
void ptd_rpc_check_result(struct ptd_rpc_call *call, const json_t *result)
    PTD_NONNULL(1, 2);

bool ptd_rpc_arg_is_optional(const struct ptd_rpc_arg *a) PTD_NONNULL(1);

/* The help text of a method. */
void ptd_rpc_help(struct ptd_text *t, const struct ptd_rpc_method *m)
    PTD_NONNULL(1, 2);

/* Walk the names of "a|b": *at is names at first; false behind the last. */
bool ptd_rpc_next_name(const char **at, const char **name, size_t *n)
    PTD_NONNULL(1, 2, 3);

#endif /* PTD_RPC_CALL_H */
