/* Methods: the addresses that the node has heard of. */
#include <config.h>

#include <stdio.h>

#include "addrmgr/addrmgr.h"
#include "base/alloc.h"
#include "base/util.h"
#include "connmgr/reach.h"
#include "node/rpc_methods.h"

/* ---- some of them ---------------------------------------------------------- */

static bool read_net(struct ptd_rpc_call *call, enum ptd_net *net)
{
    const char *name = NULL;

    *net = PTD_NET_NONE;
    if (!ptd_rpc_arg_text(call, 1, &name))
        return false;
    if (name == NULL || (*net = ptd_reach_net_of(name)) != PTD_NET_NONE)
        return true;
    ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER, "Network not recognized: %s",
                 name);
    return false;
}

static json_t *entry_to_json(const struct ptd_addr_entry *e)
{
    json_t *o = json_object();

    ptd_json_set(&o, "time", json_integer(e->time));
    ptd_json_set(&o, "services", rpc_u64(e->services));
    ptd_json_set(&o, "address", rpc_host(&e->na));
    ptd_json_set(&o, "port", json_integer(e->na.port));
    ptd_json_set(&o, "network",
                 json_string(rpc_net_name(ptd_netgroup_class(&e->na))));
    return o;
}

static json_t *getnodeaddresses(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_addrmgr *m = ptd_node_addrmgr(rpc_node(arg));
    int64_t count = 1;
    struct ptd_addr_entry *v;
    enum ptd_net net;
    json_t *list;
    size_t n, known;

    if (!ptd_rpc_arg_int(call, 0, &count, INT32_MIN, INT32_MAX))
        return NULL;
    if (count < 0)
        return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                            "Address count out of range");
    if (!read_net(call, &net))
        return NULL;
    known = ptd_addrmgr_size(m, PTD_NET_NONE, PTD_ADDRMGR_BOTH);
    n = count == 0 ? known : PTD_MIN((size_t)count, known);
    if ((v = ptd_alloc_array(n, sizeof *v)) == NULL)
        return NULL;
    n = n > 0 ? ptd_addrmgr_sample(m, v, n, 0, net, PTD_ADDRMGR_FIT) : 0;
    list = json_array();
    for (size_t i = 0; i < n; i++)
        ptd_json_append(&list, entry_to_json(&v[i]));
    ptd_free(v);
    return list;
}

/* ---- all of them ----------------------------------------------------------- */

static json_t *count_net(struct ptd_addrmgr *m, enum ptd_net net)
{
    size_t fresh = ptd_addrmgr_size(m, net, PTD_ADDRMGR_NEW);
    size_t tried = ptd_addrmgr_size(m, net, PTD_ADDRMGR_TRIED);
    json_t *o = json_object();

    ptd_json_set(&o, "new", json_integer((json_int_t)fresh));
    ptd_json_set(&o, "tried", json_integer((json_int_t)tried));
    ptd_json_set(&o, "total", json_integer((json_int_t)(fresh + tried)));
    return o;
}

static json_t *getaddrmaninfo(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_addrmgr *m = ptd_node_addrmgr(rpc_node(arg));
    json_t *o = json_object();

    (void)call;
    for (size_t i = 0; rpc_nets[i] != PTD_NET_NONE; i++)
        ptd_json_set(&o, rpc_net_name(rpc_nets[i]), count_net(m, rpc_nets[i]));
    ptd_json_set(&o, "all_networks", count_net(m, PTD_NET_NONE));
    return o;
}

static void set_as(json_t **o, const char *key, struct ptd_node *n,
                   const struct ptd_netaddr *na)
{
    uint32_t as = ptd_netgroup_as(ptd_node_netgroup(n), na);

    if (as != 0)
        ptd_json_set(o, key, json_integer(as));
}

static json_t *place_to_json(struct ptd_node *n,
                             const struct ptd_addrmgr_entry *e)
{
    json_t *o = json_object();

    ptd_json_set(&o, "address", rpc_host(&e->e.na));
    set_as(&o, "mapped_as", n, &e->e.na);
    ptd_json_set(&o, "port", json_integer(e->e.na.port));
    ptd_json_set(&o, "services", rpc_u64(e->e.services));
    ptd_json_set(&o, "time", json_integer(e->e.time));
    ptd_json_set(&o, "network",
                 json_string(rpc_net_name(ptd_netgroup_class(&e->e.na))));
    ptd_json_set(&o, "source", rpc_host(&e->source));
    ptd_json_set(&o, "source_network",
                 json_string(rpc_net_name(ptd_netgroup_class(&e->source))));
    set_as(&o, "source_mapped_as", n, &e->source);
    return o;
}

static json_t *table_to_json(struct ptd_node *n, enum ptd_addrmgr_table table)
{
    struct ptd_addrmgr_entry *v;
    json_t *o;
    size_t count;

    if (ptd_addrmgr_entries(ptd_node_addrmgr(n), &v, &count, table) != PTD_OK)
        return NULL;
    o = json_object();
    for (size_t i = 0; i < count; i++) {
        char key[32];

        snprintf(key, sizeof key, "%d/%d", v[i].where.bucket,
                 v[i].where.position);
        ptd_json_set(&o, key, place_to_json(n, &v[i]));
    }
    ptd_free(v);
    return o;
}

static json_t *getrawaddrman(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node *n = rpc_node(arg);
    json_t *o = json_object();

    (void)call;
    ptd_json_set(&o, "new", table_to_json(n, PTD_ADDRMGR_NEW));
    ptd_json_set(&o, "tried", table_to_json(n, PTD_ADDRMGR_TRIED));
    return o;
}

/* ---- one more -------------------------------------------------------------- */

/* NULL, or which table refused it. As if the peer had announced itself. */
static const char *add(struct ptd_node *n, const struct ptd_netaddr *na,
                       bool tried)
{
    struct ptd_addrmgr *m = ptd_node_addrmgr(n);
    struct ptd_addr_entry e = { .time = (uint32_t)ptd_clock_wall_s(
                                    ptd_node_clock(n)),
                                .services = PTD_NODE_NETWORK | PTD_NODE_WITNESS,
                                .na = *na };

    if (ptd_addrmgr_add(m, &e, 1, na, 0) == 0)
        return "failed-adding-to-new";
    return tried && !ptd_addrmgr_good(m, na) ? "failed-adding-to-tried" : NULL;
}

static json_t *addpeeraddress(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    const char *text = "", *error;
    struct ptd_netaddr na;
    int64_t port = 0;
    bool tried = false;
    json_t *o;

    if (!ptd_rpc_arg_text(call, 0, &text) ||
        !ptd_rpc_arg_int(call, 1, &port, 0, UINT16_MAX) ||
        !ptd_rpc_arg_bool(call, 2, &tried))
        return NULL;
    if (!rpc_parse_host(&na, text, (uint16_t)port))
        return ptd_rpc_fail(call, PTD_RPC_CLIENT_INVALID_IP_OR_SUBNET,
                            "Invalid IP address");
    if (na.net == PTD_NET_CJDNS && !r->cfg->cjdns_reachable)
        na.net = PTD_NET_IPV6;
    error = add(r->node, &na, tried);
    o = json_object();
    if (error != NULL)
        ptd_json_set(&o, "error", json_string(error));
    ptd_json_set(&o, "success", json_boolean(error == NULL));
    return o;
}

/* ---- the table ------------------------------------------------------------- */

#define ADDRESS                                                                \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(TIME, "time", "When it was last seen, " RPC_EPOCH),     \
        PTD_RPC_RESULT(NUM, "services", "The services that it offers"),        \
        PTD_RPC_RESULT(STR, "address", "The node's address"),                  \
        PTD_RPC_RESULT(NUM, "port", "Its port"),                               \
        PTD_RPC_RESULT(STR, "network", "Its network (" RPC_NET_NAMES ")"))

#define COUNTS                                                                 \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(NUM, "new",                                             \
                       "addresses in the new table: heard of, and not yet "    \
                       "connected to"),                                        \
        PTD_RPC_RESULT(NUM, "tried",                                           \
                       "addresses in the tried table: connected to once"),     \
        PTD_RPC_RESULT(NUM, "total", "addresses in both tables"))

#define AS_TEXT "Autonomous system that it is in (with -asmap only)"
#define PLACE                                                                  \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(STR, "address", "The node's address"),                  \
        PTD_RPC_RESULT(NUM, "mapped_as", AS_TEXT, .optional = true),           \
        PTD_RPC_RESULT(NUM, "port", "Its port"),                               \
        PTD_RPC_RESULT(STR, "network", "Its network (" RPC_NET_NAMES ")"),     \
        PTD_RPC_RESULT(NUM, "services", "The services that it offers"),        \
        PTD_RPC_RESULT(TIME, "time", "When it was last seen, " RPC_EPOCH),     \
        PTD_RPC_RESULT(STR, "source", "Who told us of it"),                    \
        PTD_RPC_RESULT(STR, "source_network",                                  \
                       "The source's network (" RPC_NET_NAMES ")"),            \
        PTD_RPC_RESULT(NUM, "source_mapped_as",                                \
                       "The source's autonomous system (with -asmap only)",    \
                       .optional = true))

static const struct ptd_rpc_method methods[] = {
    { .name = "addpeeraddress",
      .category = "hidden",
      .text = "Adds an address to the tables of addresses. For testing.",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(STR, "address", REQUIRED, "The peer's IP address"),
          PTD_RPC_ARG(NUM, "port", REQUIRED, "Its port"),
          PTD_RPC_ARG(BOOL, "tried", DEFAULT_HINT,
                      "Whether it is to move on to the tried table",
                      .otherwise = "false")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          OBJ, NULL, "",
          .inner = PTD_RPC_RESULTS(
              PTD_RPC_RESULT(BOOL, "success", "whether it was added"),
              PTD_RPC_RESULT(STR, "error", "why not", .optional = true)))),
      .examples = PTD_RPC_EXAMPLE("addpeeraddress", "\"1.2.3.4\" 8333 true",
                                  "\"1.2.3.4\", 8333, true"),
      .fn = addpeeraddress },
    { .name = "getaddrmaninfo",
      .category = "network",
      .text = "Returns how many addresses the node has heard of, by network "
              "and table.\n",
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(OBJ_DYN, NULL, "networks",
                         .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
                             OBJ, "network", RPC_NET_NAMES ", all_networks",
                             .inner = COUNTS)))),
      .examples = PTD_RPC_EXAMPLE("getaddrmaninfo", "", ""),
      .fn = getaddrmaninfo },
    { .name = "getnodeaddresses",
      .category = "network",
      .text = "Returns addresses of nodes that seem worth a connection.\n"
              "More may be known than those (see getaddrmaninfo).",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "count", DEFAULT_HINT,
                      "At most so many; 0: all of them", .otherwise = "1"),
          PTD_RPC_ARG(STR, "network", DEFAULT_HINT,
                      "Of this network alone (" RPC_NET_NAMES ")",
                      .otherwise = "all networks")),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(ARR, NULL, "",
                         .inner = PTD_RPC_RESULTS(
                             PTD_RPC_RESULT(OBJ, NULL, "", .inner = ADDRESS)))),
      .examples = PTD_RPC_EXAMPLE_CLI("getnodeaddresses", "8")
          PTD_RPC_EXAMPLE_CLI("getnodeaddresses", "4 \"i2p\"")
              PTD_RPC_EXAMPLE_CURL("getnodeaddresses", "4, \"i2p\""),
      .fn = getnodeaddresses },
    { .name = "getrawaddrman",
      .category = "hidden",
      .text = "Returns every address of both tables, by bucket and position.\n"
              "What it tells may change.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          OBJ_DYN, NULL, "",
          .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
              OBJ_DYN, "table", "new, tried",
              .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
                  OBJ, "bucket/position", "where it lies", .inner = PLACE)))))),
      .examples = PTD_RPC_EXAMPLE("getrawaddrman", "", ""),
      .fn = getrawaddrman },
};

RPC_TABLE(rpc_addr_methods);
