#include <config.h>

#include "node/rpc_start.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/datadir.h"
#include "node/rpc_methods.h"
#include "pentad/log.h"
#include "rpc/rpc.h"

PTD_LOG_TAG(HTTP);

static const struct rpc_table *const tables[] = {
    &rpc_control_methods, &rpc_peer_methods,   &rpc_dial_methods,
    &rpc_network_methods, &rpc_ban_methods,    &rpc_addr_methods,
    &rpc_chain_methods,   &rpc_block_methods,  &rpc_wait_methods,
    &rpc_hand_methods,    &rpc_mining_methods, &rpc_generate_methods,
    &rpc_address_methods, &rpc_pool_methods,   &rpc_rawtx_methods,
    &rpc_sendtx_methods,  &rpc_scan_methods,
#ifdef HAVE_ZMQ
    &rpc_zmq_methods,
#endif
};

static struct ptd_rpc_texts texts_of(const struct ptd_texts *t)
{
    return (struct ptd_rpc_texts){ (const char *const *)t->v, t->n };
}

static const char *perms_of(unsigned mode)
{
    return mode == 0644 ? "all" : mode == 0640 ? "group" : "owner";
}

static int to_int(int64_t v)
{
    return (int)PTD_MIN(PTD_MAX(v, 0), INT32_MAX);
}

static void read_config(struct ptd_rpc_config *out,
                        const struct ptd_node_config *cfg)
{
    ptd_rpc_config_init(out);
    out->program = PTD_CLIENT_NAME;
    out->datadir = cfg->netdir;
    out->cookie_file = cfg->rpc_cookie_path != NULL ? cfg->rpc_cookie_path : "";
    out->cookie_perms = perms_of(cfg->rpc_cookie_mode);
    out->user = cfg->rpc_user != NULL ? cfg->rpc_user : "";
    out->password = cfg->rpc_password;
    out->auth = texts_of(&cfg->rpc_auth);
    out->whitelist = texts_of(&cfg->rpc_whitelist);
    out->whitelist_default = cfg->rpc_whitelist_default < 0 ? PTD_RPC_UNSET
                             : cfg->rpc_whitelist_default   ? PTD_RPC_ON
                                                            : PTD_RPC_OFF;
    out->bind = texts_of(&cfg->rpc_bind);
    out->cjdns = cfg->cjdns_reachable;
    out->allow_ip = texts_of(&cfg->rpc_allow_ip);
    out->port = cfg->rpc_port;
    out->threads = to_int(cfg->rpc_threads);
    out->queue = to_int(cfg->rpc_work_queue);
    out->timeout_s = to_int(cfg->rpc_server_timeout_s);
    out->doc_check = cfg->rpc_doc_check;
    out->log_path = cfg->log_path != NULL ? cfg->log_path : "";
}

static enum ptd_err make(struct ptd_node_rpc *r,
                         const struct ptd_rpc_config *cfg,
                         struct ptd_rpc_why *why)
{
    enum ptd_err e = ptd_rpc_new(&r->server, cfg, why);

    for (size_t i = 0; i < PTD_COUNT(tables) && e == PTD_OK; i++)
        e = ptd_rpc_add(r->server, tables[i]->v, tables[i]->n, r);
    if (e != PTD_OK)
        return e;
    ptd_rpc_set_warmup(r->server, "RPC server started");
    return ptd_rpc_start(r->server, why);
}

enum ptd_err ptd_node_rpc_start(struct ptd_node_rpc **out,
                                const struct ptd_node_config *cfg,
                                void (*stop)(void *arg), void *arg,
                                struct ptd_complaint *why)
{
    struct ptd_node_rpc *r = ptd_calloc(1, sizeof *r);
    struct ptd_rpc_config config;
    struct ptd_rpc_why text = { "" };
    enum ptd_err e;

    if (r == NULL)
        return PTD_ENOMEM;
    r->cfg = cfg;
    read_config(&config, cfg);
    config.stop = stop;
    config.arg = arg;
    if ((e = make(r, &config, &text)) != PTD_OK) {
        ptd_rpc_free(r->server);
        ptd_free(r);
        if (text.text[0] != '\0')
            (void)ptd_complain(why, "%s", text.text);
        return e;
    }
    *out = r;
    return PTD_OK;
}

void ptd_node_rpc_busy(struct ptd_node_rpc *r, const char *status)
{
    ptd_log_info("init message: %s", status);
    if (r != NULL)
        ptd_rpc_set_warmup(r->server, status);
}

/* Workers look at the node only behind the lock that guards the warm-up. */
void ptd_node_rpc_ready(struct ptd_node_rpc *r, struct ptd_node *n)
{
    if (r == NULL)
        return;
    r->node = n;
    ptd_rpc_set_warmup(r->server, NULL);
}

void ptd_node_rpc_interrupt(struct ptd_node_rpc *r)
{
    if (r == NULL)
        return;
    atomic_store(&r->stopping, true);
    atomic_store(&r->scan_stop, true);
    ptd_rpc_interrupt(r->server);
}

void ptd_node_rpc_stop(struct ptd_node_rpc *r)
{
    if (r == NULL)
        return;
    ptd_node_rpc_interrupt(r);
    ptd_rpc_free(r->server);
    ptd_free(r);
}

struct ptd_rpc *ptd_node_rpc_server(struct ptd_node_rpc *r)
{
    return r->server;
}
