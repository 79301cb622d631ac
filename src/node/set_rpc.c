/* Values of RPC and of what publishes. */
#include <config.h>

#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/settings_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(RPCS);

/* What was wrong has been logged. */
static enum ptd_err no_server(struct setter *s)
{
    return ptd_complain(s->why, "Unable to start HTTP server. See debug log "
                                "for details.");
}

/* Where fc00::/8 is CJDNS, it has single addresses, but no subnets. */
static bool is_allowed_subnet(const struct setter *s, const char *text)
{
    struct ptd_subnet subnet;

    return ptd_subnet_parse(&subnet, text) == PTD_OK &&
           !(s->cfg->cjdns_reachable && subnet.base.len == 16 &&
             subnet.base.addr[0] == 0xfc && strchr(text, '/') != NULL);
}

static enum ptd_err set_allowed(struct setter *s)
{
    struct ptd_texts *list = &s->cfg->rpc_allow_ip;
    enum ptd_err e = set_texts(s, list, "rpcallowip");

    for (size_t i = 0; i < list->n && e == PTD_OK; i++)
        if (!is_allowed_subnet(s, list->v[i]))
            e = ptd_complain(
                s->why,
                "Invalid -rpcallowip subnet specification: %.1000s. Valid "
                "values are a single IP (e.g. 1.2.3.4), a network/netmask "
                "(e.g. 1.2.3.4/255.255.255.0), a network/CIDR (e.g. "
                "1.2.3.4/24), all ipv4 (0.0.0.0/0), or all ipv6 (::/0). "
                "RFC4193 is allowed only if -cjdnsreachable=0.",
                list->v[i]);
    return e;
}

static enum ptd_err set_cookie(struct setter *s)
{
    static const struct {
        const char *name;
        unsigned mode;
    } modes[] = { { "owner", 0600 }, { "group", 0640 }, { "all", 0644 } };
    const char *name = ptd_args_text(s->args, "rpccookieperms", "owner");

    s->cfg->rpc_cookie_mode = 0;
    for (size_t i = 0; i < PTD_COUNT(modes); i++)
        if (strcmp(modes[i].name, name) == 0)
            s->cfg->rpc_cookie_mode = modes[i].mode;
    if (s->cfg->rpc_cookie_mode == 0) {
        ptd_log_error("Invalid -rpccookieperms=%s; must be one of 'owner', "
                      "'group', or 'all'.",
                      name);
        return no_server(s);
    }
    return set_path(s, &s->cfg->rpc_cookie_path, "rpccookiefile",
                    s->cfg->netdir, ".cookie");
}

static size_t count(const char *text, char c)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == c;
    return n;
}

/* user:salt$hash */
static enum ptd_err set_auth(struct setter *s)
{
    struct ptd_texts *list = &s->cfg->rpc_auth;
    enum ptd_err e = set_texts(s, list, "rpcauth");

    for (size_t i = 0; i < list->n && e == PTD_OK; i++) {
        const char *colon = strchr(list->v[i], ':');

        if (count(list->v[i], ':') != 1 || count(colon, '$') != 1) {
            ptd_log_warn("Invalid -rpcauth argument.");
            e = no_server(s);
        }
    }
    return e;
}

static enum ptd_err set_users(struct setter *s)
{
    struct ptd_node_config *cfg = s->cfg;
    enum ptd_err e;

    if (ptd_args_is_set(s->args, "rpcwhitelistdefault"))
        cfg->rpc_whitelist_default =
            ptd_args_bool(s->args, "rpcwhitelistdefault", false);
    if ((e = set_text(s, &cfg->rpc_user, "rpcuser")) != PTD_OK ||
        (e = set_text(s, &cfg->rpc_password, "rpcpassword")) != PTD_OK ||
        (e = set_auth(s)) != PTD_OK ||
        (e = set_texts(s, &cfg->rpc_whitelist, "rpcwhitelist")) != PTD_OK)
        return e;
    return set_cookie(s);
}

static enum ptd_err add_publisher(struct setter *s, const char *topic,
                                  const char *address, int hwm)
{
    struct ptd_node_config *cfg = s->cfg;
    size_t cap = cfg->n_zmq;
    struct ptd_zmq_pub *v =
        ptd_array_grow(cfg->zmq, &cap, cfg->n_zmq + 1, sizeof *v);

    if (v == NULL)
        return PTD_ENOMEM;
    cfg->zmq = v;
    v[cfg->n_zmq] = (struct ptd_zmq_pub){ topic, ptd_strdup(address), hwm };
    if (v[cfg->n_zmq].address == NULL)
        return PTD_ENOMEM;
    cfg->n_zmq++;
    return PTD_OK;
}

static enum ptd_err set_publishers(struct setter *s)
{
    static const struct {
        const char *topic, *option, *hwm;
    } topics[] = {
        { "hashblock", "zmqpubhashblock", "zmqpubhashblockhwm" },
        { "hashtx", "zmqpubhashtx", "zmqpubhashtxhwm" },
        { "rawblock", "zmqpubrawblock", "zmqpubrawblockhwm" },
        { "rawtx", "zmqpubrawtx", "zmqpubrawtxhwm" },
        { "sequence", "zmqpubsequence", "zmqpubsequencehwm" },
    };

    for (size_t i = 0; i < PTD_COUNT(topics); i++) {
        struct ptd_args_walk w = ptd_args_each(s->args, topics[i].option);
        int64_t hwm = ptd_args_int(s->args, topics[i].hwm, 1000);
        const char *address;

        while ((address = ptd_args_next(&w)) != NULL)
            if (add_publisher(
                    s, topics[i].topic, address,
                    (int)PTD_MIN(PTD_MAX(hwm, INT32_MIN), INT32_MAX)) != PTD_OK)
                return PTD_ENOMEM;
    }
    return PTD_OK;
}

enum ptd_err set_rpc(struct setter *s)
{
    const struct ptd_args *a = s->args;
    struct ptd_node_config *cfg = s->cfg;
    enum ptd_err e;

    cfg->server = ptd_args_bool(a, "server", true);
    cfg->rest = ptd_args_bool(a, "rest", false);
    cfg->rpc_server_timeout_s = ptd_args_int(a, "rpcservertimeout", 30);
    cfg->rpc_threads = PTD_MAX(ptd_args_int(a, "rpcthreads", 16), 1);
    cfg->rpc_work_queue = PTD_MAX(ptd_args_int(a, "rpcworkqueue", 64), 1);
    cfg->rpc_doc_check = ptd_args_bool(a, "rpcdoccheck", false);
    if ((e = set_texts(s, &cfg->rpc_bind, "rpcbind")) != PTD_OK ||
        (e = set_allowed(s)) != PTD_OK || (e = set_users(s)) != PTD_OK ||
        (e = set_texts(s, &cfg->deprecated_rpc, "deprecatedrpc")) != PTD_OK)
        return e;
    return set_publishers(s);
}
