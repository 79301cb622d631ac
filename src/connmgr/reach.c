#include <config.h>

#include "connmgr/reach.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "net/resolve.h"

enum {
    SOCKS_PORT = 9050, /* Tor's */
    MAX_HOST = 256
};

/* The networks as users name them. */
static const struct {
    const char *name;
    enum ptd_net net;
} net_names[] = {
    { "ipv4", PTD_NET_IPV4 },   { "ipv6", PTD_NET_IPV6 },
    { "onion", PTD_NET_TORV3 }, { "i2p", PTD_NET_I2P },
    { "cjdns", PTD_NET_CJDNS },
};

enum ptd_net ptd_reach_net_of(const char *name)
{
    for (size_t i = 0; i < PTD_COUNT(net_names); i++)
        if (strcasecmp(net_names[i].name, name) == 0)
            return net_names[i].net;
    return PTD_NET_NONE;
}

void ptd_reach_init(struct ptd_reach *r)
{
    memset(r, 0, sizeof *r);
    r->nets = PTD_NET_BIT(PTD_NET_IPV4) | PTD_NET_BIT(PTD_NET_IPV6);
}

bool ptd_reach_has(const struct ptd_reach *r, const struct ptd_netaddr *na)
{
    return na->net < PTD_REACH_NETS && (r->nets & PTD_NET_BIT(na->net)) != 0;
}

const struct ptd_proxy *ptd_reach_proxy(const struct ptd_reach *r,
                                        const struct ptd_netaddr *na)
{
    if (na->net >= PTD_REACH_NETS || r->proxy[na->net].addr_len == 0 ||
        !ptd_netaddr_is_routable(na))
        return NULL;
    return &r->proxy[na->net];
}

const struct ptd_proxy *ptd_reach_name_proxy(const struct ptd_reach *r)
{
    return r->name_proxy.addr_len != 0 ? &r->name_proxy : NULL;
}

/* ---- options ------------------------------------------------------------- */

#define COMPLAIN(why, ...)                                                     \
    (snprintf((why)->text, sizeof(why)->text, __VA_ARGS__), PTD_EINVAL)

static enum ptd_err invalid(struct ptd_reach_why *why, const char *option,
                            const char *text)
{
    return COMPLAIN(why, "Invalid %s address or hostname: '%.200s'", option,
                    text);
}

static bool is_off(const char *text)
{
    return text[0] == '\0' || strcmp(text, "0") == 0;
}

/* "unix:PATH" that fits, ADDRESS[:PORT], NAME[:PORT]. */
static enum ptd_err
read_proxy(struct ptd_proxy *p, const char *option, const char *text,
           const struct ptd_reach_options *o, struct ptd_reach_why *why)
{
    char host[MAX_HOST];
    struct ptd_netaddr na;
    uint16_t port;
    size_t n;

    if (strncmp(text, "unix:", 5) == 0) {
        if (ptd_proxy_set_unix(p, text + 5) != PTD_OK)
            return invalid(why, option, text);
    } else {
        if (ptd_hostport_split(text, host, sizeof host, &port, SOCKS_PORT) !=
            PTD_OK)
            return invalid(why, option, text);
        if (ptd_netaddr_parse(&na, text, SOCKS_PORT) != PTD_OK &&
            (!o->look_up || ptd_resolve(&na, 1, &n, host, port) != PTD_OK))
            return invalid(why, option, text);
        if (ptd_proxy_set(p, &na) != PTD_OK)
            return invalid(why, option, text);
    }
    p->isolate = o->randomize;
    return PTD_OK;
}

/* One -proxy: for all networks, or for the one behind '='. A proxy for IPv4 or
 * IPv6 is one for names as well. */
static enum ptd_err read_one(struct ptd_reach *r, const char *text,
                             const struct ptd_reach_options *o,
                             struct ptd_reach_why *why)
{
    const char *eq = strrchr(text, '=');
    char addr[MAX_HOST + 8];
    struct ptd_proxy p;
    size_t n = eq != NULL ? (size_t)(eq - text) : strlen(text);
    enum ptd_net net = PTD_NET_NONE;
    enum ptd_err e = PTD_OK;

    memset(&p, 0, sizeof p);
    if (eq != NULL && eq[1] == '\0')
        return COMPLAIN(
            why, "Invalid -proxy address or hostname, ends with '=': '%.200s'",
            text);
    if (n >= sizeof addr)
        return invalid(why, "-proxy", text);
    memcpy(addr, text, n);
    addr[n] = '\0';
    if (!is_off(addr))
        e = read_proxy(&p, "-proxy", addr, o, why);
    if (e != PTD_OK)
        return e;
    if (eq != NULL && ((net = ptd_reach_net_of(eq + 1)) == PTD_NET_NONE ||
                       net == PTD_NET_I2P))
        return COMPLAIN(why, "Unrecognized network in -proxy='%.150s': '%.50s'",
                        text, eq + 1);
    if (eq == NULL)
        r->proxy[PTD_NET_IPV4] = r->proxy[PTD_NET_IPV6] =
            r->proxy[PTD_NET_TORV3] = r->proxy[PTD_NET_CJDNS] = p;
    else
        r->proxy[net] = p;
    if (eq == NULL || net == PTD_NET_IPV4 || net == PTD_NET_IPV6)
        r->name_proxy = p;
    return PTD_OK;
}

static enum ptd_err read_onlynet(struct ptd_reach *r,
                                 const struct ptd_reach_options *o,
                                 struct ptd_reach_why *why)
{
    r->nets = 0;
    for (size_t i = 0; i < o->n_onlynet; i++) {
        enum ptd_net net = ptd_reach_net_of(o->onlynet[i]);

        if (net == PTD_NET_NONE)
            return COMPLAIN(why,
                            "Unknown network specified in -onlynet: '%.200s'",
                            o->onlynet[i]);
        if (net == PTD_NET_I2P)
            return COMPLAIN(
                why, "Outbound connections restricted to i2p (-onlynet=i2p) "
                     "but -i2psam is not provided");
        if (net == PTD_NET_CJDNS && !o->cjdns)
            return COMPLAIN(
                why, "Outbound connections restricted to CJDNS "
                     "(-onlynet=cjdns) but -cjdnsreachable is not provided");
        r->nets |= PTD_NET_BIT(net);
    }
    return PTD_OK;
}

/* Tor is reached through a proxy or not at all. */
static enum ptd_err read_onion(struct ptd_reach *r,
                               const struct ptd_reach_options *o,
                               struct ptd_reach_why *why)
{
    const char *text = o->onion != NULL ? o->onion : "";
    bool only_onion =
        o->n_onlynet > 0 && (r->nets & PTD_NET_BIT(PTD_NET_TORV3)) != 0;
    struct ptd_proxy *p = &r->proxy[PTD_NET_TORV3];
    enum ptd_err e = PTD_OK;

    if (strcmp(text, "0") == 0) {
        memset(p, 0, sizeof *p);
        if (only_onion)
            return COMPLAIN(why,
                            "Outbound connections restricted to Tor "
                            "(-onlynet=onion) but the proxy for reaching the "
                            "Tor network is explicitly forbidden: -onion=0");
    } else if (text[0] != '\0') {
        e = read_proxy(p, "-onion", text, o, why);
    }
    if (e != PTD_OK || p->addr_len != 0)
        return e;
    r->nets &= ~PTD_NET_BIT(PTD_NET_TORV3);
    if (only_onion && !o->listen_onion)
        return COMPLAIN(
            why, "Outbound connections restricted to Tor (-onlynet=onion) but "
                 "the proxy for reaching the Tor network is not provided: none "
                 "of -proxy, -onion or -listenonion is given");
    return PTD_OK;
}

enum ptd_err ptd_reach_read(struct ptd_reach *r,
                            const struct ptd_reach_options *o,
                            struct ptd_reach_why *why)
{
    enum ptd_err e = PTD_OK;

    ptd_reach_init(r);
    r->nets |= PTD_NET_BIT(PTD_NET_TORV3);
    if (o->cjdns)
        r->nets |= PTD_NET_BIT(PTD_NET_CJDNS);
    if (o->n_onlynet > 0)
        e = read_onlynet(r, o, why);
    for (size_t i = 0; e == PTD_OK && i < o->n_proxy; i++)
        e = read_one(r, o->proxy[i], o, why);
    return e == PTD_OK ? read_onion(r, o, why) : e;
}
