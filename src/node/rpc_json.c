/* Pieces that several methods' answers have in common. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/rpc_methods.h"

const enum ptd_net rpc_nets[] = { PTD_NET_IPV4, PTD_NET_IPV6,  PTD_NET_TORV3,
                                  PTD_NET_I2P,  PTD_NET_CJDNS, PTD_NET_NONE };

const char *rpc_net_name(enum ptd_net net)
{
    switch (net) {
    case PTD_NET_IPV4: return "ipv4";
    case PTD_NET_IPV6:
    case PTD_NET_YGGDRASIL: return "ipv6";
    case PTD_NET_TORV2:
    case PTD_NET_TORV3: return "onion";
    case PTD_NET_I2P: return "i2p";
    case PTD_NET_CJDNS: return "cjdns";
    case PTD_NET_NONE: break;
    }
    return "not_publicly_routable";
}

bool rpc_still_has(const struct ptd_node_rpc *r, const char *name)
{
    const struct ptd_texts *t = &r->cfg->deprecated_rpc;

    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->v[i], name) == 0)
            return true;
    return false;
}

json_t *rpc_services(uint64_t services)
{
    return json_sprintf("%016" PRIx64, services);
}

json_t *rpc_service_names(uint64_t services)
{
    static const struct {
        uint64_t bit;
        const char *name;
    } known[] = {
        { PTD_NODE_NETWORK, "NETWORK" },
        { PTD_NODE_BLOOM, "BLOOM" },
        { PTD_NODE_WITNESS, "WITNESS" },
        { PTD_NODE_COMPACT_FILTERS, "COMPACT_FILTERS" },
        { PTD_NODE_NETWORK_LIMITED, "NETWORK_LIMITED" },
        { PTD_NODE_P2P_V2, "P2P_V2" },
    };
    json_t *names = json_array();

    for (unsigned i = 0; i < 64; i++) {
        const uint64_t bit = UINT64_C(1) << i;
        size_t k = 0;

        if ((services & bit) == 0)
            continue;
        while (k < PTD_COUNT(known) && known[k].bit != bit)
            k++;
        ptd_json_append(&names, k < PTD_COUNT(known)
                                    ? json_string(known[k].name)
                                    : json_sprintf("UNKNOWN[2^%u]", i));
    }
    return names;
}

json_t *rpc_u64(uint64_t v)
{
    char text[24];

    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    snprintf(text, sizeof text, "%" PRIu64, v);
    return ptd_json_number(text);
}

json_t *rpc_addr(const struct ptd_netaddr *na)
{
    char text[PTD_NETADDR_TEXT];

    return json_string(ptd_netaddr_format(na, text, sizeof text));
}

json_t *rpc_host(const struct ptd_netaddr *na)
{
    char text[PTD_NETADDR_TEXT];

    return json_string(ptd_netaddr_format_host(na, text, sizeof text));
}

json_t *rpc_text(const char *text)
{
    return ptd_json_text(text, strlen(text));
}

json_t *rpc_warnings(struct ptd_node_rpc *r)
{
    const bool alone = rpc_still_has(r, "warnings");
    char *all = ptd_node_warnings(r->node), *line, *rest = all;
    json_t *list = json_array(), *last = NULL;

    while (rest != NULL && *rest != '\0') {
        line = rest;
        rest = strchr(rest, '\n');
        if (rest != NULL)
            *rest++ = '\0';
        ptd_json_append(&list, rpc_text(line));
    }
    ptd_free(all);
    if (!alone || list == NULL)
        return list;
    last = json_array_size(list) > 0
               ? json_incref(json_array_get(list, json_array_size(list) - 1))
               : json_string("");
    json_decref(list);
    return last;
}

/* A port of its own shows in that the one given here does not count. */
bool rpc_parse_host(struct ptd_netaddr *out, const char *text, uint16_t port)
{
    struct ptd_netaddr other;

    if (ptd_netaddr_parse(out, text, 1) != PTD_OK ||
        ptd_netaddr_parse(&other, text, 2) != PTD_OK || out->port == other.port)
        return false;
    out->port = port;
    return true;
}
