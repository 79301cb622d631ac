/* Values about peers, and about where we listen. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/check_block.h"
#include "connmgr/badport.h"
#include "node/settings_int.h"
#include "rpc/json.h"

/* ---- the user agent ------------------------------------------------------ */

static bool is_safe_comment(const char *s)
{
    static const char others[] = " .,;-_?@";

    for (; *s != '\0'; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
              (*s >= '0' && *s <= '9') || strchr(others, *s) != NULL))
            return false;
    return true;
}

enum ptd_err ptd_node_user_agent(char *out, size_t cap,
                                 const struct ptd_args *args,
                                 struct ptd_complaint *why)
{
    struct ptd_args_walk w = ptd_args_each(args, "uacomment");
    size_t n = strlen("/pentad:" PACKAGE_VERSION), at;
    const char *comment;

    snprintf(out, cap, "/pentad:" PACKAGE_VERSION);
    for (const char *before = "("; (comment = ptd_args_next(&w)) != NULL;
         before = "; ") {
        if (!is_safe_comment(comment))
            return ptd_complain(why,
                                "User Agent comment (%.2000s) contains unsafe "
                                "characters.",
                                comment);
        if (n < cap)
            snprintf(out + n, cap - n, "%s%s", before, comment);
        n += strlen(before) + strlen(comment);
    }
    at = out[strlen("/pentad:" PACKAGE_VERSION)] == '(' ? 2 : 1;
    if (n < cap)
        snprintf(out + n, cap - n, at == 2 ? ")/" : "/");
    n += at;
    if (n > PTD_MAX_USER_AGENT)
        return ptd_complain(why,
                            "Total length of network version string (%zu) "
                            "exceeds maximum length (%d). Reduce the number "
                            "or size of uacomments.",
                            n, PTD_MAX_USER_AGENT);
    return PTD_OK;
}

/* ---- ports ------------------------------------------------------------------- */

static enum ptd_err bad_port(struct setter *s, const char *option,
                             const char *value)
{
    return ptd_complain(s->why, "Invalid port specified in -%s: '%.1000s'",
                        option, value);
}

/* host, host:port or [host]:port; what the host is, is looked at later. */
static bool has_good_port(const char *text, size_t n)
{
    const char *colon = memrchr(text, ':', n);
    char digits[8];
    int64_t port;
    size_t k;

    if (colon == NULL)
        return true;
    if (colon != text && !(text[0] == '[' && colon[-1] == ']') &&
        memchr(text, ':', (size_t)(colon - text)) != NULL)
        return true; /* IPv6 without brackets */
    k = n - (size_t)(colon + 1 - text);
    if (k >= sizeof digits)
        return false;
    memcpy(digits, colon + 1, k);
    digits[k] = '\0';
    return ptd_number_parse(digits, 1, 65535, &port);
}

static enum ptd_err check_ports(struct setter *s)
{
    static const struct {
        const char *option;
        bool may_be_unix, has_suffix;
    } options[] = {
        { "i2psam", false, false },      { "onion", true, false },
        { "proxy", true, true },         { "bind", false, true },
        { "rpcbind", false, false },     { "torcontrol", false, false },
        { "whitebind", false, false },   { "zmqpubhashblock", true, false },
        { "zmqpubhashtx", true, false }, { "zmqpubrawblock", true, false },
        { "zmqpubrawtx", true, false },  { "zmqpubsequence", true, false },
    };

    for (size_t i = 0; i < PTD_COUNT(options); i++) {
        struct ptd_args_walk w = ptd_args_each(s->args, options[i].option);
        const char *text;

        while ((text = ptd_args_next(&w)) != NULL) {
            const char *suffix =
                options[i].has_suffix ? strrchr(text, '=') : NULL;
            size_t n = suffix != NULL ? (size_t)(suffix - text) : strlen(text);

            if (!has_good_port(text, n) &&
                !(options[i].may_be_unix && strncmp(text, "unix:", 5) == 0))
                return bad_port(s, options[i].option, text);
        }
    }
    return PTD_OK;
}

static enum ptd_err set_port(struct setter *s, const char *option,
                             uint16_t *out)
{
    const char *text = ptd_args_text(s->args, option, NULL);
    int64_t port;

    if (text == NULL)
        return PTD_OK;
    if (!ptd_number_parse(text, 1, 65535, &port))
        return bad_port(s, option, text);
    *out = (uint16_t)port;
    return PTD_OK;
}

static enum ptd_err warn_of_port(struct setter *s, const char *option,
                                 uint16_t port)
{
    if (!ptd_port_is_bad(port))
        return PTD_OK;
    return set_warn(s,
                    "-%s request to listen on port %u. This port is considered "
                    "\"bad\" and thus it is unlikely that any peer will "
                    "connect to it. See doc/p2p-bad-ports.md for details and a "
                    "full list.",
                    option, (unsigned)port);
}

/* ---- where to listen ----------------------------------------------------------- */

static enum ptd_err bind_one(struct setter *s, const char *text,
                             struct ptd_addr_list *clear)
{
    const char *suffix = strrchr(text, '=');
    struct ptd_node_config *cfg = s->cfg;
    char host[PTD_NETADDR_TEXT + 8];
    struct ptd_netaddr na;

    if (suffix == NULL && ptd_netaddr_parse(&na, text, cfg->port) == PTD_OK) {
        enum ptd_err e = addr_list_add(clear, &na);

        return e == PTD_OK ? warn_of_port(s, "bind", na.port) : e;
    }
    if (suffix != NULL && strcmp(suffix, "=onion") == 0 &&
        (size_t)(suffix - text) < sizeof host) {
        snprintf(host, sizeof host, "%.*s", (int)(suffix - text), text);
        if (ptd_netaddr_parse(&na, host, (uint16_t)(cfg->port + 1)) == PTD_OK)
            return addr_list_add(&cfg->onion_bind, &na);
    }
    return ptd_complain(s->why, "Cannot resolve -bind address: '%.1000s'",
                        text);
}

static enum ptd_err set_whitebind(struct setter *s)
{
    struct ptd_args_walk w = ptd_args_each(s->args, "whitebind");
    struct ptd_node_config *cfg = s->cfg;
    const char *text;
    size_t cap = 0;

    while ((text = ptd_args_next(&w)) != NULL) {
        struct ptd_whitebind one, *v;
        enum ptd_err e = ptd_whitebind_parse(&one, text, s->why);

        if (e != PTD_OK)
            return e;
        v = ptd_array_grow(cfg->whitebind, &cap, cfg->n_whitebind + 1,
                           sizeof *v);
        if (v == NULL)
            return PTD_ENOMEM;
        cfg->whitebind = v;
        cfg->whitebind[cfg->n_whitebind++] = one;
    }
    return PTD_OK;
}

/* All interfaces: IPv4 and IPv6. */
static enum ptd_err bind_everywhere(struct setter *s,
                                    struct ptd_addr_list *clear)
{
    static const uint8_t any[16];
    struct ptd_netaddr v4, v6;

    if (ptd_netaddr_set(&v4, PTD_NET_IPV4, any, 4, s->cfg->port) != PTD_OK ||
        ptd_netaddr_set(&v6, PTD_NET_IPV6, any, 16, s->cfg->port) != PTD_OK)
        return PTD_EINVAL;
    if (addr_list_add(clear, &v4) != PTD_OK ||
        addr_list_add(clear, &v6) != PTD_OK)
        return PTD_ENOMEM;
    /* With addresses of one's own, -port does not count. */
    if (ptd_args_is_set(s->args, "port"))
        return warn_of_port(s, "port", s->cfg->port);
    return PTD_OK;
}

/* Where Tor sends those who call our onion service, if nothing is said. */
static enum ptd_err bind_for_tor(struct setter *s)
{
    static const uint8_t loopback[4] = { 127, 0, 0, 1 };
    uint16_t port = (uint16_t)(s->cfg->port + 1);
    struct ptd_netaddr na;

    if (port == 0)
        return PTD_OK;
    if (ptd_netaddr_set(&na, PTD_NET_IPV4, loopback, 4, port) != PTD_OK)
        return PTD_EINVAL;
    return addr_list_add(&s->cfg->onion_bind, &na);
}

/* No address twice, whatever for. */
static enum ptd_err check_conflicts(struct setter *s)
{
    const struct ptd_node_config *cfg = s->cfg;
    size_t n = cfg->n_whitebind + cfg->n_bind + cfg->onion_bind.n;
    const struct ptd_netaddr **all = ptd_calloc(n + 1, sizeof *all);
    char text[PTD_NETADDR_TEXT];
    size_t k = 0;
    enum ptd_err e = PTD_OK;

    if (all == NULL)
        return PTD_ENOMEM;
    for (size_t i = 0; i < cfg->n_whitebind; i++)
        all[k++] = &cfg->whitebind[i].addr;
    for (size_t i = 0; i < cfg->n_bind; i++)
        all[k++] = &cfg->bind[i];
    for (size_t i = 0; i < cfg->onion_bind.n; i++)
        all[k++] = &cfg->onion_bind.v[i];
    for (size_t i = 0; i < k && e == PTD_OK; i++)
        for (size_t j = 0; j < i && e == PTD_OK; j++)
            if (ptd_netaddr_is_equal(all[i], all[j]))
                e = ptd_complain(
                    s->why,
                    "Duplicate binding configuration for address %s. Please "
                    "check your -bind, -bind=...=onion and -whitebind "
                    "settings.",
                    ptd_netaddr_format(all[i], text, sizeof text));
    ptd_free(all);
    return e;
}

static enum ptd_err set_binds(struct setter *s)
{
    struct ptd_args_walk w = ptd_args_each(s->args, "bind");
    struct ptd_node_config *cfg = s->cfg;
    struct ptd_addr_list clear = { 0 };
    const char *text;
    bool any = false;
    enum ptd_err e = PTD_OK;

    while (e == PTD_OK && (text = ptd_args_next(&w)) != NULL) {
        any = true;
        e = bind_one(s, text, &clear);
    }
    if (e == PTD_OK)
        e = set_whitebind(s);
    cfg->bind_default = !any && cfg->n_whitebind == 0;
    if (e == PTD_OK && cfg->listen && cfg->bind_default)
        e = bind_everywhere(s, &clear);
    if (e == PTD_OK && cfg->listen && cfg->onion_bind.n == 0 &&
        (clear.n == 0 || cfg->bind_default))
        e = bind_for_tor(s);
    cfg->bind = clear.v;
    cfg->n_bind = clear.n;
    return e == PTD_OK ? check_conflicts(s) : e;
}

static enum ptd_err set_whitelist(struct setter *s)
{
    struct ptd_args_walk w = ptd_args_each(s->args, "whitelist");
    struct ptd_node_config *cfg = s->cfg;
    const char *text;
    size_t cap = 0;

    while ((text = ptd_args_next(&w)) != NULL) {
        struct ptd_whitelist one, *v;
        enum ptd_err e = ptd_whitelist_parse(&one, text, s->why);

        if (e != PTD_OK)
            return e;
        v = ptd_array_grow(cfg->whitelist, &cap, cfg->n_whitelist + 1,
                           sizeof *v);
        if (v == NULL)
            return PTD_ENOMEM;
        cfg->whitelist = v;
        cfg->whitelist[cfg->n_whitelist++] = one;
    }
    return PTD_OK;
}

static enum ptd_err check_listen(struct setter *s)
{
    const struct ptd_args *a = s->args;

    s->cfg->listen = ptd_args_bool(a, "listen", true);
    s->cfg->listen_onion = ptd_args_bool(a, "listenonion", true);
    if (!s->cfg->listen &&
        (ptd_args_has_any(a, "bind") || ptd_args_has_any(a, "whitebind")))
        return ptd_complain(s->why, "Cannot set -bind or -whitebind together "
                                    "with -listen=0");
    if (!s->cfg->listen && s->cfg->listen_onion)
        return ptd_complain(s->why, "Cannot set -listen=0 together with "
                                    "-listenonion=1");
    return PTD_OK;
}

static enum ptd_err set_listening(struct setter *s)
{
    struct ptd_node_config *cfg = s->cfg;
    enum ptd_err e;

    if ((e = check_listen(s)) != PTD_OK ||
        (e = set_port(s, "port", &cfg->port)) != PTD_OK ||
        (e = set_port(s, "rpcport", &cfg->rpc_port)) != PTD_OK ||
        (e = check_ports(s)) != PTD_OK || (e = set_binds(s)) != PTD_OK)
        return e;
    cfg->natpmp = ptd_args_bool(s->args, "natpmp", true);
    cfg->discover = ptd_args_bool(s->args, "discover", true);
    cfg->i2p_accept = ptd_args_bool(s->args, "i2pacceptincoming", true);
    cfg->whitelist_relay = ptd_args_bool(s->args, "whitelistrelay", true);
    cfg->whitelist_force_relay =
        ptd_args_bool(s->args, "whitelistforcerelay", false);
    return set_whitelist(s);
}

/* ---- peers ----------------------------------------------------------------------- */

/* "500", "500M": with a letter of k m g t for powers of 1000, of K M G T for
 * powers of 1024. */
static bool parse_bytes(const char *text, uint64_t *out)
{
    static const char letters[] = "kmgtKMGT";
    size_t n = strlen(text);
    const char *unit = n > 0 ? strchr(letters, text[n - 1]) : NULL;
    uint64_t factor = 1024 * 1024;
    char digits[24];
    int64_t v;

    if (unit != NULL) {
        size_t i = (size_t)(unit - letters);

        factor = 1;
        for (size_t k = 0; k <= i % 4; k++)
            factor *= i < 4 ? 1000 : 1024;
        n--;
    }
    if (n >= sizeof digits)
        return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (!ptd_number_parse(digits, 0, INT64_MAX, &v) ||
        (uint64_t)v > UINT64_MAX / factor)
        return false;
    *out = (uint64_t)v * factor;
    return true;
}

/* A buffer of n times 1000 bytes; what is no number of bytes is none. */
static size_t buffer_bytes(const struct ptd_args *a, const char *option,
                           int64_t otherwise)
{
    int64_t n = ptd_args_int(a, option, otherwise);

    return (size_t)PTD_MIN(PTD_MAX(n, 0), 1000000) * 1000;
}

/* Millions of bytes of transactions; below 0 is none. */
static uint64_t pool_bytes(const struct ptd_args *a)
{
    enum { MOST = 1000000 };
    int64_t n = ptd_args_int(a, "maxmempool", 300);

    return (uint64_t)PTD_MIN(PTD_MAX(n, 0), MOST) * 1000000;
}

static int64_t pool_expiry(const struct ptd_args *a)
{
    enum { MOST = 1000000 };
    int64_t hours = ptd_args_int(a, "mempoolexpiry", 336);

    return PTD_MIN(PTD_MAX(hours, 0), MOST) * 3600;
}

/* Satoshi from BTC, with at most 8 decimals, and no more than there are. */
static enum ptd_err set_relay_fee(struct setter *s)
{
    enum { DECIMALS = 8 };
    const char *text = ptd_args_text(s->args, "minrelaytxfee", NULL);
    int64_t fee = 0;

    if (text == NULL)
        return PTD_OK;
    if (!ptd_json_fixed_point(text, strlen(text), DECIMALS, &fee) || fee < 0 ||
        fee > PTD_MAX_MONEY)
        return ptd_complain(s->why,
                            "Invalid amount for -minrelaytxfee=<amount>: "
                            "'%.1000s'",
                            text);
    s->cfg->min_relay_fee = fee;
    return PTD_OK;
}

static enum ptd_err set_peers(struct setter *s)
{
    const char *upload = ptd_args_text(s->args, "maxuploadtarget", "0M");
    int64_t max = ptd_args_int(s->args, "maxconnections", 125);
    int64_t timeout = ptd_args_int(s->args, "peertimeout", 60);
    int64_t pending = ptd_args_int(s->args, "maxhandshakes", 16);
    struct ptd_node_config *cfg = s->cfg;

    if (max < 0)
        return ptd_complain(s->why,
                            "-maxconnections must be greater or equal than "
                            "zero");
    cfg->max_connections = (unsigned)PTD_MIN(max, 1000000);
    if (pending < 0)
        return ptd_complain(s->why, "-maxhandshakes must be greater or equal "
                                    "than zero");
    cfg->max_handshakes = (unsigned)PTD_MIN(pending, 1000000);
    if (timeout <= 0)
        return ptd_complain(s->why, "peertimeout must be a positive integer.");
    cfg->peer_timeout_us = PTD_MIN(timeout, 1000000000) * SECOND_US;
    if (!parse_bytes(upload, &cfg->max_upload_bytes))
        return ptd_complain(
            s->why, "Unable to parse -maxuploadtarget: '%.1000s'", upload);
    cfg->max_send_bytes = buffer_bytes(s->args, "maxsendbuffer", 1000);
    cfg->max_recv_bytes = buffer_bytes(s->args, "maxreceivebuffer", 5000);
    cfg->ban_time_s = ptd_args_int(s->args, "bantime", 24 * 3600);
    cfg->v2_transport = ptd_args_bool(s->args, "v2transport", true);
    cfg->blocks_only = ptd_args_bool(s->args, "blocksonly", false);
    cfg->peer_bloom_filters = ptd_args_bool(s->args, "peerbloomfilters", false);
    cfg->max_pool_bytes = pool_bytes(s->args);
    cfg->pool_expiry_s = pool_expiry(s->args);
    cfg->persist_pool = ptd_args_bool(s->args, "persistmempool", true);
    cfg->capture_messages = ptd_args_bool(s->args, "capturemessages", false);
    cfg->check_addrman = ptd_args_int(s->args, "checkaddrman", 0);
    return PTD_OK;
}

static enum ptd_err set_asmap(struct setter *s)
{
    const char *given = ptd_args_text(s->args, "asmap", NULL);
    struct ptd_node_config *cfg = s->cfg;
    enum ptd_err e;

    if (given == NULL || ptd_args_is_negated(s->args, "asmap"))
        return PTD_OK;
    /* Alone or as 1 it asks for a map that is built in. */
    if (ptd_args_bool(s->args, "asmap", false))
        return ptd_complain(s->why, "Embedded asmap data not available");
    e = set_path(s, &cfg->asmap_path, "asmap", cfg->netdir, "");
    if (e == PTD_OK && access(cfg->asmap_path, F_OK) != 0)
        e = ptd_complain(s->why, "Could not find asmap file \"%.3000s\"",
                         cfg->asmap_path);
    return e;
}

enum ptd_err set_net(struct setter *s)
{
    enum ptd_err e;

    if ((e = set_peers(s)) != PTD_OK || (e = set_relay_fee(s)) != PTD_OK ||
        (e = set_listening(s)) != PTD_OK || (e = set_asmap(s)) != PTD_OK)
        return e;
    return ptd_node_user_agent(s->cfg->user_agent, sizeof s->cfg->user_agent,
                               s->args, s->why);
}
