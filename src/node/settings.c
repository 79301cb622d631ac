#include <config.h>

#include "node/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/util.h"
#include "node/datadir.h"

#define SECOND_US INT64_C(1000000)

enum ptd_err ptd_texts_add(struct ptd_texts *t, const char *text)
{
    char **v = ptd_array_grow(t->v, &t->cap, t->n + 1, sizeof *t->v);

    if (v == NULL)
        return PTD_ENOMEM;
    t->v = v;
    t->v[t->n] = ptd_strdup(text);
    return t->v[t->n] != NULL ? (t->n++, PTD_OK) : PTD_ENOMEM;
}

static void texts_fini(struct ptd_texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        ptd_free(t->v[i]);
    ptd_free(t->v);
}

void ptd_node_config_init(struct ptd_node_config *cfg,
                          const struct ptd_params *params)
{
    *cfg = (struct ptd_node_config){
        .params = params,
        .port = params->port,
        .max_connections = 125,
        .dns = true,
        .proxy_randomize = true,
        .dial_timeout_ms = 5000,
        .peer_timeout_us = 60 * SECOND_US,
        .fetch_blocks = params->chain == PTD_CHAIN_REGTEST,
        .block_memory_bytes = (size_t)64 << 20,
    };
    snprintf(cfg->user_agent, sizeof cfg->user_agent,
             "/pentad:" PACKAGE_VERSION "/");
}

void ptd_node_config_fini(struct ptd_node_config *cfg)
{
    ptd_params_free(cfg->own_params);
    ptd_free(cfg->datadir);
    ptd_free(cfg->netdir);
    ptd_free(cfg->log_path);
    ptd_free(cfg->bind);
    texts_fini(&cfg->connect);
    texts_fini(&cfg->addnode);
    *cfg = (struct ptd_node_config){ 0 };
}

/* ---- the network --------------------------------------------------------- */

static enum ptd_err choose_signet(struct ptd_node_config *cfg,
                                  const struct ptd_args *args,
                                  struct ptd_complaint *why)
{
    const char *hex = ptd_args_text(args, "signetchallenge", NULL);
    size_t n, cap;
    uint8_t *bytes;
    enum ptd_err e;

    if (cfg->params->chain != PTD_CHAIN_SIGNET || hex == NULL)
        return PTD_OK;
    cap = strlen(hex) / 2 + 1;
    if ((bytes = ptd_alloc(cap)) == NULL)
        return PTD_ENOMEM;
    if (!ptd_hex_decode(bytes, cap, &n, hex))
        e = ptd_complain(why, "-signetchallenge must be hex, not '%.100s'.",
                         hex);
    else if ((e = ptd_params_new_signet(&cfg->own_params, bytes, n)) ==
             PTD_EINVAL)
        e = ptd_complain(why, "-signetchallenge has an impossible length");
    else if (e == PTD_OK)
        cfg->params = cfg->own_params;
    ptd_free(bytes);
    return e;
}

static enum ptd_err choose_network(struct ptd_node_config *cfg,
                                   struct ptd_args *args,
                                   struct ptd_complaint *why)
{
    static const struct {
        const char *option, *name;
    } flags[] = {
        { "regtest", "regtest" },
        { "signet", "signet" },
        { "testnet", "test" },
        { "testnet4", "testnet4" },
    };
    const char *name = ptd_args_text(args, "chain", NULL);
    int n = name != NULL;

    for (size_t i = 0; i < PTD_COUNT(flags); i++)
        if (ptd_args_bool(args, flags[i].option, false)) {
            name = flags[i].name;
            n++;
        }
    if (n > 1)
        return ptd_complain(why,
                            "Invalid combination of -regtest, -signet, "
                            "-testnet, -testnet4 and -chain. Can use at most "
                            "one.");
    cfg->params = ptd_params_by_name(name != NULL ? name : "main");
    if (cfg->params == NULL)
        return ptd_complain(why, "Unknown chain %s.", name);
    args->network = cfg->params->name;
    return choose_signet(cfg, args, why);
}

static enum ptd_err check_sections(const struct ptd_args *args,
                                   struct ptd_complaint *why)
{
    const struct ptd_arg *arg = ptd_args_misplaced(args);

    if (arg == NULL)
        return PTD_OK;
    return ptd_complain(why,
                        "Config setting for -%s only applied on %s network "
                        "when in [%s] section.",
                        arg->name, args->network, args->network);
}

/* ---- connections --------------------------------------------------------- */

static bool is_port(int64_t port)
{
    return port >= 1 && port <= 65535;
}

static enum ptd_err read_bind(struct ptd_node_config *cfg,
                              const struct ptd_args *args,
                              struct ptd_complaint *why)
{
    const char *text;
    size_t at = 0, cap = 0;

    cfg->bind_default = true;
    while ((text = ptd_args_next(args, "bind", &at)) != NULL) {
        struct ptd_netaddr na, *v;
        char host[256];
        uint16_t port;

        if (ptd_hostport_split(text, host, sizeof host, &port, cfg->port) !=
                PTD_OK ||
            port == 0)
            return ptd_complain(why, "Invalid port specified in -bind: '%s'",
                                text);
        if (ptd_netaddr_parse(&na, text, cfg->port) != PTD_OK)
            return ptd_complain(why, "Cannot resolve -bind address: '%s'",
                                text);
        v = ptd_array_grow(cfg->bind, &cap, cfg->n_bind + 1, sizeof *v);
        if (v == NULL)
            return PTD_ENOMEM;
        cfg->bind = v;
        cfg->bind[cfg->n_bind++] = na;
        cfg->bind_default = false;
    }
    return PTD_OK;
}

/* All interfaces: IPv4 and IPv6. */
static enum ptd_err bind_everywhere(struct ptd_node_config *cfg)
{
    static const uint8_t any[16];

    cfg->bind = ptd_alloc_array(2, sizeof *cfg->bind);
    if (cfg->bind == NULL)
        return PTD_ENOMEM;
    if (ptd_netaddr_set(&cfg->bind[0], PTD_NET_IPV4, any, 4, cfg->port) !=
            PTD_OK ||
        ptd_netaddr_set(&cfg->bind[1], PTD_NET_IPV6, any, 16, cfg->port) !=
            PTD_OK)
        return PTD_EINVAL;
    cfg->n_bind = 2;
    return PTD_OK;
}

static enum ptd_err read_listen(struct ptd_node_config *cfg,
                                const struct ptd_args *args,
                                struct ptd_complaint *why)
{
    int64_t port = ptd_args_int(args, "port", cfg->params->port);
    enum ptd_err e;

    if (!is_port(port))
        return ptd_complain(why, "Invalid port specified in -port: '%s'",
                            ptd_args_text(args, "port", ""));
    cfg->port = (uint16_t)port;
    if ((e = read_bind(cfg, args, why)) != PTD_OK)
        return e;
    /* Who asks to be connected to few, or through a proxy, does not want to be
     * seen; who says where to listen does. */
    cfg->listen = ptd_args_bool(args, "listen",
                                cfg->n_bind > 0 ||
                                    (!cfg->connect_only && !cfg->has_proxy &&
                                     cfg->max_connections > 0));
    if (!cfg->listen && cfg->n_bind > 0)
        return ptd_complain(why, "Cannot set -bind or -whitebind together "
                                 "with -listen=0");
    return cfg->listen && cfg->n_bind == 0 ? bind_everywhere(cfg) : PTD_OK;
}

static enum ptd_err read_targets(struct ptd_texts *out,
                                 const struct ptd_args *args, const char *name,
                                 struct ptd_complaint *why)
{
    const char *text;
    size_t at = 0;

    while ((text = ptd_args_next(args, name, &at)) != NULL) {
        char host[256];
        uint16_t port;

        /* "-connect=0" alone, and "-addnode=": nobody. */
        if (*text == '\0' || strcmp(text, "0") == 0)
            continue;
        if (ptd_hostport_split(text, host, sizeof host, &port, 1) != PTD_OK ||
            port == 0)
            return ptd_complain(why, "Invalid address in -%s: '%.300s'", name,
                                text);
        if (out->n == PTD_NODE_MAX_TARGETS)
            return ptd_complain(why, "More than %d times -%s",
                                PTD_NODE_MAX_TARGETS, name);
        if (ptd_texts_add(out, text) != PTD_OK)
            return PTD_ENOMEM;
    }
    return PTD_OK;
}

static enum ptd_err read_proxy(struct ptd_node_config *cfg,
                               const struct ptd_args *args,
                               struct ptd_complaint *why)
{
    const char *text = ptd_args_text(args, "proxy", "");

    cfg->has_proxy = *text != '\0' && strcmp(text, "0") != 0;
    if (cfg->has_proxy &&
        (ptd_netaddr_parse(&cfg->proxy, text, 9050) != PTD_OK ||
         cfg->proxy.port == 0))
        return ptd_complain(why, "Invalid -proxy address or hostname: '%s'",
                            text);
    cfg->proxy_randomize = ptd_args_bool(args, "proxyrandomize", true);
    return PTD_OK;
}

static enum ptd_err read_connections(struct ptd_node_config *cfg,
                                     const struct ptd_args *args,
                                     struct ptd_complaint *why)
{
    int64_t max = ptd_args_int(args, "maxconnections", 125);
    int64_t timeout = ptd_args_int(args, "peertimeout", 60);
    int64_t dial = ptd_args_int(args, "timeout", 5000);
    enum ptd_err e;

    if (max < 0)
        return ptd_complain(why,
                            "-maxconnections must be greater or equal than "
                            "zero");
    cfg->max_connections = (unsigned)PTD_MIN(max, 1000000);
    if (timeout <= 0)
        return ptd_complain(why, "peertimeout must be a positive integer.");
    cfg->peer_timeout_us = PTD_MIN(timeout, 1000000000) * SECOND_US;
    cfg->dial_timeout_ms = dial <= 0 ? 5000 : (int)PTD_MIN(dial, 600000);
    cfg->dns = ptd_args_bool(args, "dns", true);
    cfg->connect_only = ptd_args_is_set(args, "connect");
    if ((e = read_targets(&cfg->connect, args, "connect", why)) != PTD_OK ||
        (e = read_targets(&cfg->addnode, args, "addnode", why)) != PTD_OK ||
        (e = read_proxy(cfg, args, why)) != PTD_OK)
        return e;
    cfg->fixed_seeds = ptd_args_bool(args, "fixedseeds", true);
    return read_listen(cfg, args, why);
}

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
    size_t n = strlen("/pentad:" PACKAGE_VERSION), at = 0;
    const char *comment;

    snprintf(out, cap, "/pentad:" PACKAGE_VERSION);
    for (const char *before = "(";
         (comment = ptd_args_next(args, "uacomment", &at)) != NULL;
         before = "; ") {
        if (!is_safe_comment(comment))
            return ptd_complain(why,
                                "User Agent comment (%s) contains unsafe "
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

/* ---- the log ------------------------------------------------------------- */

/* Categories that Core has and Pentad has not: accepted. */
static const char *const other_categories[] = {
    "mempool",      "zmq",
    "walletdb",     "estimatefee",
    "selectcoins",  "reindex",
    "cmpctblock",   "rand",
    "prune",        "mempoolrej",
    "libevent",     "coindb",
    "qt",           "leveldb",
    "ipc",          "lock",
    "blockstorage", "txreconciliation",
    "scan",         "txpackages",
    "kernel",       "privatebroadcast"
};

static bool is_other_category(const char *name)
{
    for (size_t i = 0; i < PTD_COUNT(other_categories); i++)
        if (strcmp(other_categories[i], name) == 0)
            return true;
    return false;
}

static bool level_of(const char *name, enum ptd_log_level *level)
{
    static const struct {
        const char *name;
        enum ptd_log_level level;
    } levels[] = {
        { "trace", PTD_LOG_TRACE }, { "debug", PTD_LOG_DEBUG },
        { "info", PTD_LOG_INFO },   { "warning", PTD_LOG_WARN },
        { "error", PTD_LOG_ERROR },
    };

    for (size_t i = 0; i < PTD_COUNT(levels); i++)
        if (strcmp(levels[i].name, name) == 0) {
            *level = levels[i].level;
            return true;
        }
    return false;
}

static enum ptd_err set_category(const char *option, const char *category,
                                 enum ptd_log_level level,
                                 struct ptd_complaint *why)
{
    if (is_other_category(category) ||
        ptd_log_set_category(category, level) == PTD_OK)
        return PTD_OK;
    return ptd_complain(why, "Unsupported logging category -%s=%s.", option,
                        category);
}

/* "trace", or "net:trace". The first kind says how much -debug logs. */
static enum ptd_err read_levels(const struct ptd_args *args,
                                enum ptd_log_level *debug, bool by_category,
                                struct ptd_complaint *why)
{
    const char *text;
    size_t at = 0;

    while ((text = ptd_args_next(args, "loglevel", &at)) != NULL) {
        const char *colon = strchr(text, ':');
        enum ptd_log_level level;
        char category[64];

        if (!level_of(colon != NULL ? colon + 1 : text, &level))
            return ptd_complain(why,
                                "Unsupported global logging level -loglevel=%s."
                                " Valid values: info, debug, trace.",
                                text);
        if (colon == NULL && !by_category)
            *debug = level;
        if (colon == NULL || !by_category)
            continue;
        snprintf(category, sizeof category, "%.*s", (int)(colon - text), text);
        if (set_category("loglevel", category, level, why) != PTD_OK)
            return PTD_EINVAL;
    }
    return PTD_OK;
}

enum ptd_err ptd_node_config_log(const struct ptd_args *args,
                                 struct ptd_complaint *why)
{
    enum ptd_log_level debug = PTD_LOG_DEBUG;
    const char *text;
    size_t at = 0;

    ptd_log_set_level_all(PTD_LOG_INFO);
    if (read_levels(args, &debug, false, why) != PTD_OK)
        return PTD_EINVAL;
    while ((text = ptd_args_next(args, "debug", &at)) != NULL) {
        if (strcmp(text, "0") == 0 || strcmp(text, "none") == 0)
            ptd_log_set_level_all(PTD_LOG_INFO);
        else if (set_category("debug", text, debug, why) != PTD_OK)
            return PTD_EINVAL;
    }
    if (read_levels(args, &debug, true, why) != PTD_OK)
        return PTD_EINVAL;
    for (at = 0; (text = ptd_args_next(args, "debugexclude", &at)) != NULL;)
        if (set_category("debugexclude", text, PTD_LOG_INFO, why) != PTD_OK)
            return PTD_EINVAL;
    return PTD_OK;
}

static enum ptd_err read_log(struct ptd_node_config *cfg,
                             const struct ptd_args *args)
{
    const char *file = ptd_args_text(args, "debuglogfile", "debug.log");

    cfg->log_format = (struct ptd_log_format){
        .no_time = !ptd_args_bool(args, "logtimestamps", true),
        .micros = ptd_args_bool(args, "logtimemicros", false),
        .threads = ptd_args_bool(args, "logthreadnames", false),
        .sources = ptd_args_bool(args, "logsourcelocations", false),
        .always_tags = ptd_args_bool(args, "loglevelalways", false),
    };
    cfg->log_ips = ptd_args_bool(args, "logips", false);
    cfg->peer_table = ptd_args_bool(args, "peertable", false);
    cfg->console = ptd_args_bool(args, "printtoconsole", !cfg->peer_table);
    if (strcmp(file, "0") == 0)
        return PTD_OK;
    cfg->log_path = ptd_path_join(cfg->netdir, file);
    return cfg->log_path != NULL ? PTD_OK : PTD_ENOMEM;
}

/* ---- all of it ----------------------------------------------------------- */

static enum ptd_err read_rest(struct ptd_node_config *cfg,
                              const struct ptd_args *args,
                              struct ptd_complaint *why)
{
    int64_t mib = ptd_args_int(args, "blockmemory", 64);

    cfg->fetch_blocks = ptd_args_bool(args, "fetchblocks", cfg->fetch_blocks);
    if (mib < 1 || mib > 1048576)
        return ptd_complain(why, "-blockmemory must be 1 to 1048576 MiB");
    cfg->block_memory_bytes = (size_t)mib << 20;
    cfg->mock_time_s = ptd_args_int(args, "mocktime", 0);
    if (cfg->mock_time_s < 0 || cfg->mock_time_s > INT64_C(9223372036))
        return ptd_complain(why,
                            "Mocktime must be in the range [0, "
                            "9223372036], not %lld.",
                            (long long)cfg->mock_time_s);
    return ptd_node_user_agent(cfg->user_agent, sizeof cfg->user_agent, args,
                               why);
}

enum ptd_err ptd_node_config_read(struct ptd_node_config *cfg,
                                  struct ptd_args *args,
                                  struct ptd_complaint *why)
{
    const char *section;
    enum ptd_err e;

    *cfg = (struct ptd_node_config){ 0 };
    if ((e = ptd_datadir_find(&cfg->datadir, args, why)) != PTD_OK ||
        (e = ptd_datadir_read_conf(cfg->datadir, args, why)) != PTD_OK)
        return e;
    /* The file may name another directory, where all else goes. */
    ptd_free(cfg->datadir);
    cfg->datadir = NULL;
    if ((e = ptd_datadir_find(&cfg->datadir, args, why)) != PTD_OK ||
        (e = choose_network(cfg, args, why)) != PTD_OK ||
        (e = check_sections(args, why)) != PTD_OK)
        return e;
    cfg->fetch_blocks = cfg->params->chain == PTD_CHAIN_REGTEST;
    section = cfg->params->datadir;
    cfg->netdir = ptd_path_join(cfg->datadir, section);
    if (cfg->netdir == NULL)
        return PTD_ENOMEM;
    if ((e = read_log(cfg, args)) != PTD_OK ||
        (e = read_connections(cfg, args, why)) != PTD_OK)
        return e;
    return read_rest(cfg, args, why);
}
