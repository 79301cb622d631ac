#include <config.h>

#include "node/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/util.h"
#include "net/resolve.h"
#include "node/datadir.h"
#include "node/settings_int.h"

/* ---- lists ----------------------------------------------------------------- */

enum ptd_err ptd_texts_add(struct ptd_texts *t, const char *text)
{
    char **v = ptd_array_grow(t->v, &t->cap, t->n + 1, sizeof *t->v);

    if (v == NULL)
        return PTD_ENOMEM;
    t->v = v;
    t->v[t->n] = ptd_strdup(text);
    return t->v[t->n] != NULL ? (t->n++, PTD_OK) : PTD_ENOMEM;
}

void ptd_texts_fini(struct ptd_texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        ptd_free(t->v[i]);
    ptd_free(t->v);
    *t = (struct ptd_texts){ 0 };
}

enum ptd_err addr_list_add(struct ptd_addr_list *list,
                           const struct ptd_netaddr *na)
{
    struct ptd_netaddr *v =
        ptd_array_grow(list->v, &list->cap, list->n + 1, sizeof *v);

    if (v == NULL)
        return PTD_ENOMEM;
    list->v = v;
    list->v[list->n++] = *na;
    return PTD_OK;
}

/* ---- what the readers of values share -------------------------------------- */

enum ptd_err set_warn(struct setter *s, const char *format, ...)
{
    struct ptd_complaint text;
    va_list ap;

    va_start(ap, format);
    vsnprintf(text.text, sizeof text.text, format, ap);
    va_end(ap);
    return ptd_texts_add(s->warnings, text.text);
}

enum ptd_err set_text(struct setter *s, char **out, const char *option)
{
    const char *text = ptd_args_text(s->args, option, NULL);

    if (text == NULL)
        return PTD_OK;
    *out = ptd_strdup(text);
    return *out != NULL ? PTD_OK : PTD_ENOMEM;
}

enum ptd_err set_texts(struct setter *s, struct ptd_texts *out,
                       const char *option)
{
    struct ptd_args_walk w = ptd_args_each(s->args, option);
    const char *text;

    while ((text = ptd_args_next(&w)) != NULL)
        if (ptd_texts_add(out, text) != PTD_OK)
            return PTD_ENOMEM;
    return PTD_OK;
}

enum ptd_err set_path(struct setter *s, char **out, const char *option,
                      const char *dir, const char *otherwise)
{
    *out = ptd_path_option(s->args, option, dir, otherwise);
    return *out != NULL || ptd_args_is_negated(s->args, option) ? PTD_OK
                                                                : PTD_ENOMEM;
}

bool set_look_up(const struct setter *s, struct ptd_netaddr *na,
                 const char *text, uint16_t default_port, bool names)
{
    char host[256];
    uint16_t port;
    size_t n;

    (void)s;
    if (ptd_netaddr_parse(na, text, default_port) == PTD_OK)
        return true;
    return names &&
           ptd_hostport_split(text, host, sizeof host, &port, default_port) ==
               PTD_OK &&
           ptd_resolve(na, 1, &n, host, port) == PTD_OK;
}

/* ---- making and freeing ------------------------------------------------------ */

void ptd_node_config_init(struct ptd_node_config *cfg,
                          const struct ptd_params *params)
{
    *cfg = (struct ptd_node_config){
        .params = params,
        .log_limit = true,
        .port = params->port,
        .max_connections = 125,
        .whitelist_relay = true,
        .dns = true,
        .i2p_accept = true,
        .reachable = 1u << PTD_NET_IPV4 | 1u << PTD_NET_IPV6 |
                     1u << PTD_NET_TORV3 | 1u << PTD_NET_I2P |
                     1u << PTD_NET_CJDNS,
        .proxy_randomize = true,
        .dial_timeout_ms = 5000,
        .network_active = true,
        .peer_timeout_us = 60 * SECOND_US,
        .max_handshakes = 16,
        .max_send_bytes = 1000000,
        .max_recv_bytes = 5000000,
        .ban_time_s = 24 * 3600,
        .max_pool_bytes = 300000000,
        .pool_expiry_s = 14 * 24 * 3600,
        .min_relay_fee = 100,
        .persist_pool = true,
        .max_tip_age_s = 24 * 3600,
        .blocks_xor = true,
        .check_blocks = 6,
        .check_level = 3,
        .check_block_index = params->chain == PTD_CHAIN_REGTEST,
        .rpc_port = params->rpc_port,
        .rpc_cookie_mode = 0600,
        .rpc_whitelist_default = -1,
        .rpc_server_timeout_s = 30,
        .rpc_threads = 16,
        .rpc_work_queue = 64,
    };
    snprintf(cfg->user_agent, sizeof cfg->user_agent,
             "/pentad:" PACKAGE_VERSION "/");
}

void ptd_node_config_fini(struct ptd_node_config *cfg)
{
    char *const texts[] = {
        cfg->datadir,          cfg->netdir,          cfg->blocksdir,
        cfg->conf_path,        cfg->conf_read_from,  cfg->settings_path,
        cfg->pid_path,         cfg->log_path,        cfg->alert_notify,
        cfg->block_notify,     cfg->startup_notify,  cfg->tor_control,
        cfg->tor_password,     cfg->asmap_path,      cfg->rpc_user,
        cfg->rpc_password,     cfg->rpc_cookie_path, cfg->name_proxy.path,
        cfg->ipv4_proxy.path,  cfg->ipv6_proxy.path, cfg->onion_proxy.path,
        cfg->cjdns_proxy.path,
    };
    struct ptd_texts *const lists[] = {
        &cfg->shutdown_notify,   &cfg->connect,         &cfg->addnode,
        &cfg->seednode,          &cfg->signet_seednode, &cfg->load_block,
        &cfg->activation_height, &cfg->vb_params,       &cfg->test_options,
        &cfg->rpc_bind,          &cfg->rpc_allow_ip,    &cfg->rpc_auth,
        &cfg->rpc_whitelist,     &cfg->deprecated_rpc,
    };

    for (size_t i = 0; i < PTD_COUNT(texts); i++)
        ptd_free(texts[i]);
    for (size_t i = 0; i < PTD_COUNT(lists); i++)
        ptd_texts_fini(lists[i]);
    for (size_t i = 0; i < cfg->n_zmq; i++)
        ptd_free(cfg->zmq[i].address);
    ptd_free(cfg->zmq);
    ptd_free(cfg->bind);
    ptd_free(cfg->onion_bind.v);
    ptd_free(cfg->external_ip.v);
    ptd_free(cfg->whitebind);
    ptd_free(cfg->whitelist);
    ptd_params_free(cfg->own_params);
    *cfg = (struct ptd_node_config){ 0 };
}

/* ---- the network --------------------------------------------------------- */

/* "-signetchallenge" may be given once. */
static enum ptd_err challenge_of(const struct setter *s, const char **hex)
{
    struct ptd_args_walk w = ptd_args_each(s->args, "signetchallenge");

    *hex = ptd_args_next(&w);
    if (*hex != NULL && ptd_args_next(&w) != NULL)
        return ptd_complain(s->why,
                            "-signetchallenge cannot be multiple values.");
    return PTD_OK;
}

static enum ptd_err choose_signet(struct setter *s)
{
    const char *hex;
    size_t n, cap;
    uint8_t *bytes;
    enum ptd_err e = challenge_of(s, &hex);

    if (e != PTD_OK || hex == NULL)
        return e;
    cap = strlen(hex) / 2 + 1;
    if ((bytes = ptd_alloc(cap)) == NULL)
        return PTD_ENOMEM;
    if (!ptd_hex_decode(bytes, cap, &n, hex))
        e = ptd_complain(s->why, "-signetchallenge must be hex, not '%.1000s'.",
                         hex);
    else if ((e = ptd_params_new_signet(&s->cfg->own_params, bytes, n)) ==
             PTD_EINVAL)
        e = ptd_complain(s->why, "-signetchallenge has an impossible length");
    else if (e == PTD_OK)
        s->cfg->params = s->cfg->own_params;
    ptd_free(bytes);
    return e;
}

static enum ptd_err choose_network(struct setter *s)
{
    const char *name;
    enum ptd_err e = ptd_chain_chosen(&name, s->args, s->why);

    if (e != PTD_OK)
        return e;
    s->cfg->params = ptd_params_by_name(name);
    if (s->cfg->params == NULL)
        return ptd_complain(s->why, "Unknown chain %.1000s.", name);
    s->args->network = s->cfg->params->name;
    if (s->cfg->params->chain == PTD_CHAIN_SIGNET)
        return choose_signet(s);
    return s->cfg->params->chain == PTD_CHAIN_REGTEST ? set_network_rules(s)
                                                      : PTD_OK;
}

/* ---- all of it ----------------------------------------------------------- */

/* What was filled in so far goes into the defaults of the network. */
static void begin_with_defaults(struct ptd_node_config *cfg)
{
    struct ptd_node_config found = *cfg;

    ptd_node_config_init(cfg, found.params);
    cfg->own_params = found.own_params;
    cfg->datadir = found.datadir;
    cfg->conf_path = found.conf_path;
    cfg->conf_read_from = found.conf_read_from;
    cfg->conf_is_read = found.conf_is_read;
    cfg->activation_height = found.activation_height;
    cfg->vb_params = found.vb_params;
}

enum ptd_err ptd_node_config_find(struct ptd_node_config *cfg,
                                  struct ptd_args *args,
                                  struct ptd_complaint *why)
{
    struct setter s = { cfg, args, NULL, why };
    enum ptd_err e;

    *cfg = (struct ptd_node_config){ 0 };
    if ((e = ptd_datadir_find(&cfg->conf_read_from, args, why)) != PTD_OK ||
        (e = ptd_datadir_read_conf(&cfg->conf_path, &cfg->conf_is_read,
                                   cfg->conf_read_from, args, why)) != PTD_OK ||
        (e = choose_network(&s)) != PTD_OK ||
        /* The file may name another directory, where all else goes. */
        (e = ptd_datadir_find(&cfg->datadir, args, why)) != PTD_OK)
        return e;
    begin_with_defaults(cfg);
    cfg->netdir = ptd_path_join(cfg->datadir, cfg->params->datadir);
    if (cfg->netdir == NULL)
        return PTD_ENOMEM;
    return set_path(&s, &cfg->settings_path, "settings", cfg->netdir,
                    "settings.json");
}

enum ptd_err
ptd_node_config_read(struct ptd_node_config *cfg, struct ptd_args *args,
                     struct ptd_texts *warnings, struct ptd_complaint *why)
{
    struct setter s = { cfg, args, warnings, why };
    enum ptd_err e;

    if ((e = set_interactions(&s)) != PTD_OK ||
        (e = set_program(&s)) != PTD_OK || (e = set_chain(&s)) != PTD_OK ||
        (e = set_net(&s)) != PTD_OK || (e = set_dial(&s)) != PTD_OK)
        return e;
    if ((e = set_rpc(&s)) != PTD_OK)
        return e;
    return set_missing(&s);
}
