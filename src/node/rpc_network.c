/* Method: the node's place in the network. */
#include <config.h>

#include <stdio.h>

#include "addrmgr/localaddr.h"
#include "base/util.h"
#include "node/rpc_methods.h"

/* Clients decide by this number what they can ask for: it is that of the
 * Bitcoin Core whose methods and fields these are. */
enum { INTERFACE_VERSION = 310100 };

enum { FEE_INCREMENT = 100 }; /* satoshi for 1000 bytes */

static const struct ptd_node_proxy *proxy_of(const struct ptd_node_config *cfg,
                                             enum ptd_net net)
{
    switch (net) {
    case PTD_NET_IPV4: return &cfg->ipv4_proxy;
    case PTD_NET_IPV6:
    case PTD_NET_YGGDRASIL: return &cfg->ipv6_proxy;
    case PTD_NET_TORV2:
    case PTD_NET_TORV3: return &cfg->onion_proxy;
    case PTD_NET_I2P: return &cfg->i2p_sam;
    case PTD_NET_CJDNS: return &cfg->cjdns_proxy;
    case PTD_NET_NONE: break;
    }
    return &cfg->name_proxy;
}

static json_t *proxy_text(const struct ptd_node_proxy *p)
{
    if (!p->is_set)
        return json_string("");
    if (p->addr.net == PTD_NET_NONE && p->path != NULL)
        return json_sprintf("unix:%s", p->path);
    return rpc_addr(&p->addr);
}

static json_t *networks(const struct ptd_node_config *cfg)
{
    json_t *list = json_array();

    for (size_t i = 0; rpc_nets[i] != PTD_NET_NONE; i++) {
        const enum ptd_net net = rpc_nets[i];
        const struct ptd_node_proxy *p = proxy_of(cfg, net);
        const bool reachable = (cfg->reachable & PTD_NET_BIT(net)) != 0;
        json_t *o = json_object();

        ptd_json_set(&o, "name", json_string(rpc_net_name(net)));
        ptd_json_set(&o, "limited", json_boolean(!reachable));
        ptd_json_set(&o, "reachable", json_boolean(reachable));
        ptd_json_set(&o, "proxy", proxy_text(p));
        ptd_json_set(&o, "proxy_randomize_credentials",
                     json_boolean(p->is_set && net != PTD_NET_I2P &&
                                  cfg->proxy_randomize));
        ptd_json_append(&list, o);
    }
    return list;
}

static json_t *local_addresses(struct ptd_localaddr *l)
{
    struct ptd_localaddr_entry v[PTD_LOCALADDR_MAX];
    size_t n = ptd_localaddr_list(l, v, PTD_COUNT(v));
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        ptd_json_set(&o, "address", rpc_host(&v[i].na));
        ptd_json_set(&o, "port", json_integer(v[i].na.port));
        ptd_json_set(&o, "score", json_integer(v[i].score));
        ptd_json_append(&list, o);
    }
    return list;
}

static json_t *getnetworkinfo(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    struct ptd_node *n = r->node;
    const uint64_t services = ptd_node_services(n);
    const size_t in = ptd_node_n_peers(n, PTD_NODE_IN);
    const size_t out = ptd_node_n_peers(n, PTD_NODE_OUT);
    json_t *o = json_object();

    (void)call;
    ptd_json_set(&o, "version", json_integer(INTERFACE_VERSION));
    ptd_json_set(&o, "subversion", rpc_text(r->cfg->user_agent));
    ptd_json_set(&o, "protocolversion", json_integer(PTD_PVER_WTXIDRELAY));
    ptd_json_set(&o, "localservices", rpc_services(services));
    ptd_json_set(&o, "localservicesnames", rpc_service_names(services));
    ptd_json_set(&o, "localrelay", json_boolean(!r->cfg->blocks_only));
    ptd_json_set(&o, "timeoffset", json_integer(ptd_node_time_offset_s(n)));
    ptd_json_set(&o, "networkactive", json_boolean(ptd_node_is_active(n)));
    ptd_json_set(&o, "connections", json_integer((json_int_t)(in + out)));
    ptd_json_set(&o, "connections_in", json_integer((json_int_t)in));
    ptd_json_set(&o, "connections_out", json_integer((json_int_t)out));
    ptd_json_set(&o, "networks", networks(r->cfg));
    ptd_json_set(&o, "relayfee", ptd_json_amount(r->cfg->min_relay_fee));
    ptd_json_set(&o, "incrementalfee", ptd_json_amount(FEE_INCREMENT));
    ptd_json_set(&o, "localaddresses", local_addresses(ptd_node_localaddr(n)));
    ptd_json_set(&o, "warnings", rpc_warnings(r));
    return o;
}

/* ---- the table ------------------------------------------------------------- */

#define NETWORK                                                                \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(STR, "name", "The network (" RPC_NET_NAMES ")"),        \
        PTD_RPC_RESULT(BOOL, "limited", "Is it left out by -onlynet?"),        \
        PTD_RPC_RESULT(BOOL, "reachable", "Are its nodes called?"),            \
        PTD_RPC_RESULT(STR, "proxy",                                           \
                       "The proxy that they are called through, or \"\""),     \
        PTD_RPC_RESULT(BOOL, "proxy_randomize_credentials",                    \
                       "Is it given a random user for each call?"))

#define LOCAL                                                                  \
    PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, "address", "An address of ours"),      \
                    PTD_RPC_RESULT(NUM, "port", "Its port"),                   \
                    PTD_RPC_RESULT(NUM, "score", "How sure we are of it"))

#define LIST_OF(name, what, members)                                           \
    PTD_RPC_RESULT(ARR, name, what,                                            \
                   .inner = PTD_RPC_RESULTS(                                   \
                       PTD_RPC_RESULT(OBJ, NULL, "", .inner = members)))

#define INFO                                                                   \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(NUM, "version",                                         \
                       "the version of Bitcoin Core whose methods these are"), \
        PTD_RPC_RESULT(STR, "subversion", "what we call ourselves"),           \
        PTD_RPC_RESULT(NUM, "protocolversion", "the protocol's version"),      \
        PTD_RPC_RESULT(HEX, "localservices", "the services we offer"),         \
        PTD_RPC_RESULT(                                                        \
            ARR, "localservicesnames", "the same by name",                     \
            .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, NULL, "a service"))), \
        PTD_RPC_RESULT(BOOL, "localrelay",                                     \
                       "whether peers are asked for transactions"),            \
        PTD_RPC_RESULT(NUM, "timeoffset",                                      \
                       "the clocks of outbound peers less ours, the median "   \
                       "in seconds"),                                          \
        PTD_RPC_RESULT(NUM, "connections", "all connections"),                 \
        PTD_RPC_RESULT(NUM, "connections_in", "those that others made"),       \
        PTD_RPC_RESULT(NUM, "connections_out", "those that we made"),          \
        PTD_RPC_RESULT(BOOL, "networkactive", "see setnetworkactive"),         \
        LIST_OF("networks", "", NETWORK),                                      \
        PTD_RPC_RESULT(NUM, "relayfee",                                        \
                       "lowest fee rate of transactions that are relayed, in " \
                       "BTC/kvB"),                                             \
        PTD_RPC_RESULT(NUM, "incrementalfee",                                  \
                       "least raise of the fee rate of a replacement, in "     \
                       "BTC/kvB"),                                             \
        LIST_OF("localaddresses", "our own addresses", LOCAL), RPC_WARNINGS)

static const struct ptd_rpc_method methods[] = {
    { .name = "getnetworkinfo",
      .category = "network",
      .text = "Returns what concerns the node's place in the network.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = INFO)),
      .examples = PTD_RPC_EXAMPLE("getnetworkinfo", "", ""),
      .fn = getnetworkinfo },
};

RPC_TABLE(rpc_network_methods);
