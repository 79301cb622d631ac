/* rpc_rig.h - a node with its methods, called without HTTP. */
#ifndef PTD_CHECK_NODE_RPC_RIG_H
#define PTD_CHECK_NODE_RPC_RIG_H

#include <jansson.h>

#include "node/rpc_start.h"
#include "rig.h"

/* A host that keeps its files in a directory of its own, and checks every
 * answer against the method's help. Tests change host.cfg before office_open().
 */
struct office {
    struct host host;
    struct ptd_clock *clock;
    struct ptd_node_rpc *rpc;
    const char *dir; /* the host's */
};

void office_init(struct office *o);
void office_open(struct office *o);
void office_close(struct office *o); /* node and server, the files stay */
void office_fini(struct office *o);

/* Call a method; params is JSON text. Gives the result, which must be there. */
json_t *ask(struct office *o, const char *method, const char *params, ...)
    PTD_PRINTF(3, 4);

/* The same for a call that must fail with this code, and a text that has this
 * in it. */
void ask_badly(struct office *o, int code, const char *text, const char *method,
               const char *params, ...) PTD_PRINTF(5, 6);

/* The member of an answer at a path "a.b"; it must be there. */
const json_t *at(const json_t *answer, const char *path);

/* An answer that is null, a text, a number; it is freed. */
void gives_null(json_t *answer);
void gives_text(json_t *answer, const char *want);
void gives_int(json_t *answer, json_int_t want);

#define SOME_ADDRESS "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"

/* Mine n blocks; gives the hash of the last, to be freed. */
char *mine(struct office *o, int n);

#endif /* PTD_CHECK_NODE_RPC_RIG_H */
