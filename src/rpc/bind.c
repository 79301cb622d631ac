/* Where the server listens: Bitcoin Core's rules of -rpcbind. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/listen.h"
#include "net/resolve.h"
#include "pentad/log.h"
#include "rpc/rpc_int.h"

PTD_LOG_TAG(HTTP);

enum { HOST_MAX = 256 };

/* As ptd_hostport_split(); "" and ":PORT" give "", every interface. A port of 0
 * is not to be asked for. */
static bool split(const char *text, char *host, size_t cap, uint16_t *port,
                  uint16_t default_port)
{
    bool any =
        text[0] == '\0' || (text[0] == ':' && strchr(text + 1, ':') == NULL);
    char room[HOST_MAX];
    int n = snprintf(room, sizeof room, "%s%s", any ? "any" : "", text);

    if (n < 0 || n >= (int)sizeof room ||
        ptd_hostport_split(room, host, cap, port, default_port) != PTD_OK ||
        (*port == 0 && default_port != 0))
        return false;
    if (any)
        host[0] = '\0';
    return true;
}

static enum ptd_err copy_binds(struct ptd_rpc *r, const struct ptd_rpc_texts *t)
{
    if ((r->binds = ptd_calloc(t->n, sizeof *r->binds)) == NULL)
        return PTD_ENOMEM;
    for (; r->n_binds < t->n; r->n_binds++)
        if ((r->binds[r->n_binds] = ptd_strdup(t->v[r->n_binds])) == NULL)
            return PTD_ENOMEM;
    return PTD_OK;
}

enum ptd_err ptd_rpc_choose_binds(struct ptd_rpc *r,
                                  const struct ptd_rpc_config *cfg,
                                  struct ptd_rpc_why *why)
{
    char host[HOST_MAX];
    uint16_t port;

    if (cfg->allow_ip.n == 0 || cfg->bind.n == 0) {
        if (cfg->allow_ip.n > 0)
            ptd_log_warn("Option -rpcallowip was specified without -rpcbind; "
                         "this doesn't usually make sense");
        if (cfg->bind.n > 0)
            ptd_log_warn("Option -rpcbind was ignored because -rpcallowip was "
                         "not specified, refusing to allow everyone to "
                         "connect");
        return PTD_OK;
    }
    for (size_t i = 0; i < cfg->bind.n; i++) {
        if (split(cfg->bind.v[i], host, sizeof host, &port, cfg->port))
            continue;
        snprintf(why->text, sizeof why->text,
                 "Invalid port specified in -rpcbind: '%.200s'",
                 cfg->bind.v[i]);
        return PTD_EINVAL;
    }
    return copy_binds(r, &cfg->bind);
}

static bool is_any(const struct ptd_netaddr *na)
{
    for (size_t i = 0; i < na->len; i++)
        if (na->addr[i] != 0)
            return false;
    return true;
}

/* The first address of a host on which we can listen. */
static void bind_host(struct ptd_rpc *r, const char *host, uint16_t port)
{
    struct ptd_netaddr at[8];
    size_t n = 0;

    ptd_log_info("Binding RPC on address %s port %u", host, (unsigned)port);
    if (ptd_resolve(at, PTD_COUNT(at), &n, host, port) != PTD_OK)
        n = 0;
    for (size_t i = 0; i < n && r->n_listeners < PTD_RPC_MAX_LISTENERS; i++) {
        if (ptd_listen(&r->listeners[r->n_listeners], &at[i],
                       &r->bound[r->n_listeners]) != PTD_OK)
            continue;
        r->n_listeners++;
        if (is_any(&at[i]))
            ptd_log_warn("The RPC server is not safe to expose to untrusted "
                         "networks such as the public internet");
        return;
    }
    ptd_log_warn("Binding RPC on address %s port %u failed.", host,
                 (unsigned)port);
}

enum ptd_err ptd_rpc_bind(struct ptd_rpc *r)
{
    char host[HOST_MAX];
    uint16_t port;

    if (r->n_binds == 0) {
        bind_host(r, "::1", r->port);
        bind_host(r, "127.0.0.1", r->port);
    }
    for (size_t i = 0; i < r->n_binds; i++) {
        if (!split(r->binds[i], host, sizeof host, &port, r->port))
            continue; /* it was looked at before */
        if (host[0] != '\0') {
            bind_host(r, host, port);
            continue;
        }
        bind_host(r, "::", port);
        bind_host(r, "0.0.0.0", port);
    }
    if (r->n_listeners > 0)
        return PTD_OK;
    ptd_log_error("Unable to bind any endpoint for RPC server");
    return PTD_EIO;
}
