/* Methods: whom the node calls. */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "base/util.h"
#include "connmgr/connmgr.h"
#include "node/rpc_methods.h"

static struct ptd_connmgr *connmgr(struct ptd_rpc_call *call,
                                   struct ptd_node *n)
{
    struct ptd_connmgr *cm = ptd_node_connmgr(n);

    if (cm == NULL)
        ptd_rpc_fail(call, PTD_RPC_CLIENT_P2P_DISABLED,
                     "Error: Peer-to-peer functionality missing or disabled");
    return cm;
}

/* Which transport to try first. */
static bool read_v2(struct ptd_rpc_call *call, struct ptd_node *n, bool *v2,
                    const char *missing)
{
    const bool can = (ptd_node_services(n) & PTD_NODE_P2P_V2) != 0;

    *v2 = can;
    if (!ptd_rpc_arg_bool(call, 2, v2))
        return false;
    if (*v2 && !can)
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER, "%s", missing);
    return !*v2 || can;
}

/* Dial, and wait until the connection is among those of the node, as callers
 * look for it there. */
static enum ptd_err dial(struct ptd_node *n, struct ptd_connmgr *cm,
                         const char *node, enum ptd_link_type type, bool v2)
{
    enum ptd_err e = ptd_connmgr_dial(cm, node, type, v2);

    if (e == PTD_OK)
        ptd_node_settle(n);
    return e;
}

/* ---- nodes that the user names --------------------------------------------- */

static json_t *node_error(struct ptd_rpc_call *call, enum ptd_err e)
{
    if (e == PTD_OK)
        return json_null();
    if (e == PTD_ENOMEM)
        return NULL;
    if (e == PTD_EEXIST)
        return ptd_rpc_fail(call, PTD_RPC_CLIENT_NODE_ALREADY_ADDED,
                            "Error: Node already added");
    if (e == PTD_ENOTFOUND)
        return ptd_rpc_fail(call, PTD_RPC_CLIENT_NODE_NOT_ADDED,
                            "Error: Node could not be removed. It has not been "
                            "added previously.");
    return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR, "Error: %s", ptd_err_text(e));
}

static json_t *addnode(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node *n = rpc_node(arg);
    const char *node = "", *command = "";
    struct ptd_connmgr *cm;
    bool v2;

    if (!ptd_rpc_arg_text(call, 0, &node) ||
        !ptd_rpc_arg_text(call, 1, &command))
        return NULL;
    if (strcmp(command, "add") != 0 && strcmp(command, "remove") != 0 &&
        strcmp(command, "onetry") != 0)
        return ptd_rpc_fail_usage(call, PTD_RPC_MISC_ERROR);
    if ((cm = connmgr(call, n)) == NULL ||
        !read_v2(call, n, &v2,
                 "Error: v2transport requested but not enabled (see "
                 "-v2transport)"))
        return NULL;
    if (strcmp(command, "add") == 0)
        return node_error(call, ptd_connmgr_add(cm, node, v2));
    if (strcmp(command, "remove") == 0)
        return node_error(call, ptd_connmgr_remove(cm, node));
    /* One try: how it went is in the log, and in getpeerinfo. */
    (void)!dial(n, cm, node, PTD_LINK_MANUAL, v2);
    return json_null();
}

static json_t *added_to_json(const struct ptd_connmgr_added *a)
{
    json_t *o = json_object(), *addresses = json_array(), *address;

    ptd_json_set(&o, "addednode", rpc_text(a->node));
    ptd_json_set(&o, "connected", json_boolean(a->found != PTD_FOUND_NOT));
    if (a->found != PTD_FOUND_NOT) {
        address = json_object();
        ptd_json_set(&address, "address", rpc_addr(&a->na));
        ptd_json_set(&address, "connected",
                     json_string(a->found == PTD_FOUND_INBOUND ? "inbound"
                                                               : "outbound"));
        ptd_json_append(&addresses, address);
    }
    ptd_json_set(&o, "addresses", addresses);
    return o;
}

static json_t *getaddednodeinfo(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_connmgr *cm = connmgr(call, rpc_node(arg));
    const char *node = NULL;
    struct ptd_connmgr_added *v;
    json_t *list;
    size_t n;

    if (cm == NULL || !ptd_rpc_arg_text(call, 0, &node) ||
        ptd_connmgr_list_added(cm, &v, &n) != PTD_OK)
        return NULL;
    list = json_array();
    for (size_t i = 0; i < n; i++)
        if (node == NULL || strcmp(v[i].node, node) == 0)
            ptd_json_append(&list, added_to_json(&v[i]));
    ptd_connmgr_added_free(v, n);
    if (node == NULL || list == NULL || json_array_size(list) > 0)
        return list;
    json_decref(list);
    return ptd_rpc_fail(call, PTD_RPC_CLIENT_NODE_NOT_ADDED,
                        "Error: Node has not been added.");
}

/* ---- one connection, for tests --------------------------------------------- */

/* The text without spaces around it; false if it does not fit. */
static bool trim(char *out, size_t cap, const char *text)
{
    size_t n;

    while (isspace((unsigned char)*text))
        text++;
    n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    if (n >= cap)
        return false;
    memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

static bool read_type(struct ptd_rpc_call *call, enum ptd_link_type *t)
{
    const char *text = "";
    char name[32];

    if (!ptd_rpc_arg_text(call, 1, &text))
        return false;
    if (trim(name, sizeof name, text) && ptd_link_type_of(t, name) == PTD_OK &&
        *t != PTD_LINK_INBOUND && *t != PTD_LINK_MANUAL)
        return true;
    ptd_rpc_fail_usage(call, PTD_RPC_INVALID_PARAMETER);
    return false;
}

static json_t *addconnection(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    const char *address = "";
    struct ptd_connmgr *cm;
    enum ptd_link_type type;
    json_t *o;
    bool v2;

    if (r->cfg->params->chain != PTD_CHAIN_REGTEST)
        return ptd_rpc_fail(
            call, PTD_RPC_MISC_ERROR,
            "addconnection is for regression testing (-regtest mode) only.");
    if (!ptd_rpc_arg_text(call, 0, &address) || !read_type(call, &type) ||
        (cm = connmgr(call, r->node)) == NULL ||
        !read_v2(call, r->node, &v2,
                 "Error: Adding v2transport connections requires -v2transport "
                 "init flag to be set."))
        return NULL;
    if (dial(r->node, cm, address, type, v2) == PTD_EFULL)
        return ptd_rpc_fail(
            call, PTD_RPC_CLIENT_NODE_CAPACITY_REACHED,
            "Error: Already at capacity for specified connection type.");
    o = json_object();
    ptd_json_set(&o, "address", rpc_text(address));
    ptd_json_set(&o, "connection_type", json_string(ptd_link_type_text(type)));
    return o;
}

/* ---- all of them ----------------------------------------------------------- */

static json_t *setnetworkactive(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node *n = rpc_node(arg);
    bool on = true;

    if (!ptd_rpc_arg_bool(call, 0, &on))
        return NULL;
    ptd_node_set_active(n, on);
    return json_boolean(ptd_node_is_active(n));
}

/* ---- the table ------------------------------------------------------------- */

#define NODE_ARG(what) PTD_RPC_ARG(STR, "node", REQUIRED, what)

#define ADDED                                                                  \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(STR, "addednode", "The node as it was given"),          \
        PTD_RPC_RESULT(BOOL, "connected", "Whether there is a connection"),    \
        PTD_RPC_RESULT(                                                        \
            ARR, "addresses", "Empty if there is none",                        \
            .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(                           \
                OBJ, NULL, "",                                                 \
                .inner = PTD_RPC_RESULTS(                                      \
                    PTD_RPC_RESULT(STR, "address", "Its address and port"),    \
                    PTD_RPC_RESULT(STR, "connected",                           \
                                   "inbound or outbound"))))))

static const struct ptd_rpc_method methods[] = {
    { .name = "addconnection",
      .category = "hidden",
      .text = "Opens one outbound connection of a certain kind. For testing "
              "(-regtest only).\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(STR, "address", REQUIRED, "Address and port to call"),
          PTD_RPC_ARG(STR, "connection_type", REQUIRED,
                      "\"outbound-full-relay\", \"block-relay-only\", "
                      "\"addr-fetch\" or \"feeler\""),
          PTD_RPC_ARG(BOOL, "v2transport", REQUIRED,
                      "Whether to try the encrypted transport (BIP 324)")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          OBJ, NULL, "",
          .inner = PTD_RPC_RESULTS(
              PTD_RPC_RESULT(STR, "address", "What was called"),
              PTD_RPC_RESULT(STR, "connection_type", "And for what")))),
      .examples = PTD_RPC_EXAMPLE(
          "addconnection", "\"192.168.0.6:8333\" \"outbound-full-relay\" true",
          "\"192.168.0.6:8333\", \"outbound-full-relay\", true"),
      .fn = addconnection },
    { .name = "addnode",
      .category = "network",
      .text = "Adds a node to those that a connection is kept to, or removes "
              "it, or calls one once.\n"
              "Nodes that were added need not offer what others have to; "
              "their connections are not counted by -maxconnections.\n",
      .args = PTD_RPC_ARGS(
          NODE_ARG("The node's address or name, with or without a port"),
          PTD_RPC_ARG(STR, "command", REQUIRED,
                      "'add', 'remove', or 'onetry' for one call"),
          PTD_RPC_ARG(BOOL, "v2transport", DEFAULT_HINT,
                      "Whether to try the encrypted transport (BIP 324); "
                      "nothing to 'remove'",
                      .otherwise = "set by -v2transport")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NONE, NULL, "")),
      .examples = PTD_RPC_EXAMPLE("addnode", "\"192.168.0.6:8333\" \"onetry\"",
                                  "\"192.168.0.6:8333\", \"onetry\""),
      .fn = addnode },
    { .name = "getaddednodeinfo",
      .category = "network",
      .text = "Returns the nodes that were added, or one of them.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(STR, "node", DEFAULT_HINT,
                                       "This one alone, as it was given",
                                       .otherwise = "all nodes")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          ARR, NULL, "",
          .inner =
              PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = ADDED)))),
      .examples = PTD_RPC_EXAMPLE("getaddednodeinfo", "\"192.168.0.201\"",
                                  "\"192.168.0.201\""),
      .fn = getaddednodeinfo },
    { .name = "setnetworkactive",
      .category = "network",
      .text = "Switches all connections to other nodes off or on.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(BOOL, "state", REQUIRED, "true: on; false: off")),
      .results =
          PTD_RPC_RESULTS(PTD_RPC_RESULT(BOOL, NULL, "Whether they are on")),
      .fn = setnetworkactive },
};

RPC_TABLE(rpc_dial_methods);
