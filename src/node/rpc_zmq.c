/* Methods: what is published over ZeroMQ. */
#include <config.h>

#include <stdio.h>

#include "base/util.h"
#include "node/rpc_methods.h"
#include "zmq/publisher.h"

static json_t *describe(const struct ptd_zmq_pub *pub)
{
    char type[32];
    json_t *o = json_object();

    snprintf(type, sizeof type, "pub%s", pub->topic);
    ptd_json_set(&o, "type", json_string(type));
    ptd_json_set(&o, "address", rpc_text(pub->address));
    ptd_json_set(&o, "hwm", json_integer(pub->hwm));
    return o;
}

static json_t *getzmqnotifications(struct ptd_rpc_call *call, void *arg)
{
    const struct ptd_publisher *p = ptd_node_publisher(rpc_node(arg));
    struct ptd_zmq_pub pub;
    json_t *list = json_array();

    (void)call;
    for (size_t i = 0; p != NULL && ptd_publisher_at(p, i, &pub); i++)
        ptd_json_append(&list, describe(&pub));
    return list;
}

/* ---- the table ------------------------------------------------------------- */

#define PUBLICATION                                                            \
    PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, "type", "What is published"),          \
                    PTD_RPC_RESULT(STR, "address", "Where"),                   \
                    PTD_RPC_RESULT(NUM, "hwm",                                 \
                                   "Messages that may wait for one "           \
                                   "subscriber"))

static const struct ptd_rpc_method methods[] = {
    { .name = "getzmqnotifications",
      .category = "zmq",
      .text = "Returns what is published over ZeroMQ, and where.\n",
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(ARR, NULL, "",
                         .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
                             OBJ, NULL, "", .inner = PUBLICATION)))),
      .examples = PTD_RPC_EXAMPLE("getzmqnotifications", "", ""),
      .fn = getzmqnotifications },
};

RPC_TABLE(rpc_zmq_methods);
