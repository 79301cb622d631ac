/* Values about whom we dial, and through what. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/settings_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

#define BIT(net) (1u << (net))

enum { TOR_PORT = 9050, SAM_PORT = 7656 };

/* ---- whom ------------------------------------------------------------------ */

static enum ptd_err set_targets(struct setter *s, struct ptd_texts *out,
                                const char *option)
{
    struct ptd_args_walk w = ptd_args_each(s->args, option);
    const char *text;

    while ((text = ptd_args_next(&w)) != NULL) {
        char host[256];
        uint16_t port;

        /* "-connect=0" alone, and "-addnode=": nobody. */
        if (*text == '\0' || strcmp(text, "0") == 0)
            continue;
        if (ptd_hostport_split(text, host, sizeof host, &port, 1) != PTD_OK ||
            port == 0)
            return ptd_complain(s->why, "Invalid address in -%s: '%.300s'",
                                option, text);
        if (out->n == PTD_NODE_MAX_TARGETS)
            return ptd_complain(s->why, "More than %d times -%s",
                                PTD_NODE_MAX_TARGETS, option);
        if (ptd_texts_add(out, text) != PTD_OK)
            return PTD_ENOMEM;
    }
    return PTD_OK;
}

static enum ptd_err set_seeds(struct setter *s)
{
    const struct ptd_args *a = s->args;
    struct ptd_node_config *cfg = s->cfg;

    cfg->dns = ptd_args_bool(a, "dns", true);
    cfg->dns_seed = ptd_args_bool(a, "dnsseed", true);
    cfg->force_dns_seed = ptd_args_bool(a, "forcednsseed", false);
    cfg->fixed_seeds = ptd_args_bool(a, "fixedseeds", true);
    if (cfg->force_dns_seed && !cfg->dns_seed)
        return ptd_complain(s->why, "Cannot set -forcednsseed to true when "
                                    "setting -dnsseed to false.");
    return PTD_OK;
}

static enum ptd_err set_who(struct setter *s)
{
    int64_t dial = ptd_args_int(s->args, "timeout", 5000);
    struct ptd_node_config *cfg = s->cfg;
    enum ptd_err e;

    cfg->dial_timeout_ms = dial <= 0 ? 5000 : (int)PTD_MIN(dial, 600000);
    cfg->network_active = ptd_args_bool(s->args, "networkactive", true);
    cfg->connect_only = ptd_args_has_any(s->args, "connect") ||
                        ptd_args_is_negated(s->args, "connect");
    if ((e = set_targets(s, &cfg->connect, "connect")) != PTD_OK ||
        (e = set_targets(s, &cfg->addnode, "addnode")) != PTD_OK ||
        (e = set_targets(s, &cfg->seednode, "seednode")) != PTD_OK ||
        (e = set_targets(s, &cfg->signet_seednode, "signetseednode")) != PTD_OK)
        return e;
    if (cfg->connect.n > 0 && cfg->seednode.n > 0)
        ptd_log_info("-seednode is ignored when -connect is used");
    if (cfg->connect_only && ptd_args_is_set(s->args, "dnsseed") &&
        ptd_args_bool(s->args, "dnsseed", true) &&
        ptd_args_is_set(s->args, "proxy"))
        ptd_log_info("-dnsseed is ignored when -connect is used and -proxy is "
                     "specified");
    return PTD_OK;
}

/* ---- networks ---------------------------------------------------------------- */

static unsigned net_bit(const char *name)
{
    static const struct {
        const char *name;
        unsigned bit;
    } nets[] = {
        { "ipv4", BIT(PTD_NET_IPV4) },   { "ipv6", BIT(PTD_NET_IPV6) },
        { "onion", BIT(PTD_NET_TORV3) }, { "i2p", BIT(PTD_NET_I2P) },
        { "cjdns", BIT(PTD_NET_CJDNS) },
    };

    for (size_t i = 0; i < PTD_COUNT(nets); i++)
        if (strcasecmp(nets[i].name, name) == 0)
            return nets[i].bit;
    return 0;
}

static enum ptd_err set_only_nets(struct setter *s)
{
    struct ptd_args_walk w = ptd_args_each(s->args, "onlynet");
    struct ptd_node_config *cfg = s->cfg;
    const char *name;
    unsigned only = 0;

    while ((name = ptd_args_next(&w)) != NULL) {
        unsigned bit = net_bit(name);

        if (bit == 0)
            return ptd_complain(s->why,
                                "Unknown network specified in -onlynet: "
                                "'%.1000s'",
                                name);
        only |= bit;
    }
    cfg->only_net = only != 0;
    if (cfg->only_net)
        cfg->reachable = only;
    cfg->cjdns_reachable = ptd_args_bool(s->args, "cjdnsreachable", false);
    if (!cfg->cjdns_reachable && (only & BIT(PTD_NET_CJDNS)))
        return ptd_complain(s->why, "Outbound connections restricted to CJDNS "
                                    "(-onlynet=cjdns) but -cjdnsreachable is "
                                    "not provided");
    if (!cfg->cjdns_reachable)
        cfg->reachable &= ~BIT(PTD_NET_CJDNS);
    if (ptd_args_bool(s->args, "dnsseed", false) &&
        !(cfg->reachable & (BIT(PTD_NET_IPV4) | BIT(PTD_NET_IPV6))))
        return ptd_complain(s->why,
                            "Incompatible options: -dnsseed=1 was explicitly "
                            "specified, but -onlynet forbids connections to "
                            "IPv4/IPv6");
    return PTD_OK;
}

/* ---- proxies ------------------------------------------------------------------- */

static enum ptd_err copy_proxy(struct ptd_node_proxy *to,
                               const struct ptd_node_proxy *from)
{
    char *path = from->path != NULL ? ptd_strdup(from->path) : NULL;

    if (from->path != NULL && path == NULL)
        return PTD_ENOMEM;
    ptd_free(to->path);
    *to = *from;
    to->path = path;
    return PTD_OK;
}

/* An address, a name, or "unix:<path>"; path is not copied. */
static bool parse_proxy(const struct setter *s, struct ptd_node_proxy *out,
                        char *text)
{
    *out = (struct ptd_node_proxy){ .is_set = true };
    if (strncmp(text, "unix:", 5) == 0) {
        out->path = text + 5;
        return text[5] != '\0' && strlen(text + 5) < 108; /* of sun_path */
    }
    return set_look_up(s, &out->addr, text, TOR_PORT, s->cfg->dns) &&
           ptd_netaddr_is_valid(&out->addr) && out->addr.port != 0;
}

static enum ptd_err use_proxy(struct setter *s,
                              const struct ptd_node_proxy *proxy,
                              const char *net, const char *whole)
{
    struct ptd_node_config *cfg = s->cfg;
    struct {
        const char *net;
        struct ptd_node_proxy *proxy;
    } uses[] = {
        { "ipv4", &cfg->ipv4_proxy },   { "ipv4", &cfg->name_proxy },
        { "ipv6", &cfg->ipv6_proxy },   { "ipv6", &cfg->name_proxy },
        { "onion", &cfg->onion_proxy }, { "cjdns", &cfg->cjdns_proxy },
    };
    bool known = false;

    for (size_t i = 0; i < PTD_COUNT(uses); i++) {
        if (*net != '\0' && strcasecmp(net, uses[i].net) != 0)
            continue;
        known = true;
        if (copy_proxy(uses[i].proxy, proxy) != PTD_OK)
            return PTD_ENOMEM;
    }
    if (known)
        return PTD_OK;
    return ptd_complain(s->why,
                        "Unrecognized network in -proxy='%.1000s': "
                        "'%.1000s'",
                        whole, net);
}

static enum ptd_err set_one_proxy(struct setter *s, const char *whole,
                                  char *text)
{
    char *suffix = strrchr(text, '=');
    struct ptd_node_proxy proxy = { 0 };

    if (suffix != NULL && suffix[1] == '\0')
        return ptd_complain(s->why,
                            "Invalid -proxy address or hostname, ends with "
                            "'=': '%.1000s'",
                            whole);
    if (suffix != NULL)
        *suffix++ = '\0';
    if (*text != '\0' && strcmp(text, "0") != 0 &&
        !parse_proxy(s, &proxy, text))
        return ptd_complain(
            s->why, "Invalid -proxy address or hostname: '%.3000s'", text);
    return use_proxy(s, &proxy, suffix != NULL ? suffix : "", whole);
}

static enum ptd_err set_proxies(struct setter *s)
{
    struct ptd_args_walk w = ptd_args_each(s->args, "proxy");
    const char *whole;

    s->cfg->proxy_randomize = ptd_args_bool(s->args, "proxyrandomize", true);
    while ((whole = ptd_args_next(&w)) != NULL) {
        char *text = ptd_strdup(whole);
        enum ptd_err e;

        if (text == NULL)
            return PTD_ENOMEM;
        e = set_one_proxy(s, whole, text);
        ptd_free(text);
        if (e != PTD_OK)
            return e;
    }
    s->cfg->has_proxy =
        s->cfg->name_proxy.is_set && s->cfg->name_proxy.path == NULL;
    s->cfg->proxy = s->cfg->name_proxy.addr;
    return PTD_OK;
}

/* -onion wins over -proxy for Tor; 0 forbids Tor, nothing says nothing. */
static enum ptd_err set_onion(struct setter *s)
{
    const char *given = ptd_args_text(s->args, "onion", "");
    struct ptd_node_config *cfg = s->cfg;
    bool only_tor = cfg->only_net && (cfg->reachable & BIT(PTD_NET_TORV3));
    struct ptd_node_proxy proxy = { 0 };
    char *text;
    enum ptd_err e = PTD_OK;

    if (strcmp(given, "0") == 0 && only_tor)
        return ptd_complain(s->why, "Outbound connections restricted to Tor "
                                    "(-onlynet=onion) but the proxy for "
                                    "reaching the Tor network is explicitly "
                                    "forbidden: -onion=0");
    if (*given != '\0') {
        if ((text = ptd_strdup(given)) == NULL)
            return PTD_ENOMEM;
        if (strcmp(given, "0") != 0 && !parse_proxy(s, &proxy, text))
            e = ptd_complain(
                s->why, "Invalid -onion address or hostname: '%.3000s'", given);
        else
            e = copy_proxy(&cfg->onion_proxy, &proxy);
        ptd_free(text);
    }
    if (e != PTD_OK || cfg->onion_proxy.is_set)
        return e;
    /* Tor's control port may tell of a proxy later. */
    if (only_tor && !cfg->listen_onion)
        return ptd_complain(s->why, "Outbound connections restricted to Tor "
                                    "(-onlynet=onion) but the proxy for "
                                    "reaching the Tor network is not "
                                    "provided: none of -proxy, -onion or "
                                    "-listenonion is given");
    cfg->reachable &= ~BIT(PTD_NET_TORV3);
    return PTD_OK;
}

static enum ptd_err set_i2p(struct setter *s)
{
    const char *given = ptd_args_text(s->args, "i2psam", "");
    struct ptd_node_config *cfg = s->cfg;

    if (*given != '\0') {
        if (!set_look_up(s, &cfg->i2p_sam.addr, given, SAM_PORT, cfg->dns) ||
            !ptd_netaddr_is_valid(&cfg->i2p_sam.addr))
            return ptd_complain(s->why,
                                "Invalid -i2psam address or hostname: "
                                "'%.1000s'",
                                given);
        cfg->i2p_sam.is_set = true;
        return PTD_OK;
    }
    if (cfg->only_net && (cfg->reachable & BIT(PTD_NET_I2P)))
        return ptd_complain(s->why, "Outbound connections restricted to i2p "
                                    "(-onlynet=i2p) but -i2psam is not "
                                    "provided");
    cfg->reachable &= ~BIT(PTD_NET_I2P);
    return PTD_OK;
}

static enum ptd_err set_tor_control(struct setter *s)
{
    const char *given = ptd_args_text(s->args, "torcontrol", "127.0.0.1:9051");
    const char *password = ptd_args_text(s->args, "torpassword", "");

    s->cfg->tor_control = ptd_strdup(given);
    if (s->cfg->tor_control == NULL)
        return PTD_ENOMEM;
    if (*password == '\0')
        return PTD_OK;
    s->cfg->tor_password = ptd_strdup(password);
    return s->cfg->tor_password != NULL ? PTD_OK : PTD_ENOMEM;
}

/* ---- the rest -------------------------------------------------------------------- */

static enum ptd_err set_external(struct setter *s)
{
    struct ptd_args_walk w = ptd_args_each(s->args, "externalip");
    const char *text;

    while ((text = ptd_args_next(&w)) != NULL) {
        struct ptd_netaddr na;

        if (!set_look_up(s, &na, text, 0, s->cfg->dns) ||
            !ptd_netaddr_is_valid(&na))
            return ptd_complain(
                s->why, "Cannot resolve -externalip address: '%.1000s'", text);
        if (addr_list_add(&s->cfg->external_ip, &na) != PTD_OK)
            return PTD_ENOMEM;
    }
    return PTD_OK;
}

/* only_tor: before networks without a proxy were taken out. */
static enum ptd_err set_private(struct setter *s, bool may_reach_tor)
{
    struct ptd_node_config *cfg = s->cfg;
    unsigned tor = cfg->reachable & BIT(PTD_NET_TORV3);

    may_reach_tor = may_reach_tor && cfg->listen_onion;
    cfg->private_broadcast = ptd_args_bool(s->args, "privatebroadcast", false);
    if (!cfg->private_broadcast)
        return PTD_OK;
    if (!tor && !(cfg->reachable & BIT(PTD_NET_I2P)) && !may_reach_tor)
        return ptd_complain(s->why, "Private broadcast of own transactions "
                                    "requested (-privatebroadcast), but none "
                                    "of Tor or I2P networks is reachable");
    if (cfg->connect_only)
        return ptd_complain(
            s->why,
            "Private broadcast of own transactions requested "
            "(-privatebroadcast), but -connect is also configured. They are "
            "incompatible because the private broadcast needs to open new "
            "connections to randomly chosen Tor or I2P peers. Consider using "
            "-maxconnections=0 -addnode=... instead");
    if (!cfg->proxy_randomize && (tor || may_reach_tor))
        return set_warn(
            s, "Private broadcast of own transactions requested "
               "(-privatebroadcast) and -proxyrandomize is disabled. Tor "
               "circuits for private broadcast connections may be correlated "
               "to other connections over Tor. For maximum privacy set "
               "-proxyrandomize=1.");
    return PTD_OK;
}

enum ptd_err set_dial(struct setter *s)
{
    bool may_reach_tor;
    enum ptd_err e;

    if ((e = set_seeds(s)) != PTD_OK || (e = set_only_nets(s)) != PTD_OK ||
        (e = set_proxies(s)) != PTD_OK)
        return e;
    may_reach_tor = (s->cfg->reachable & BIT(PTD_NET_TORV3)) != 0;
    if ((e = set_onion(s)) != PTD_OK || (e = set_external(s)) != PTD_OK ||
        (e = set_who(s)) != PTD_OK || (e = set_i2p(s)) != PTD_OK ||
        (e = set_tor_control(s)) != PTD_OK)
        return e;
    return set_private(s, may_reach_tor);
}
