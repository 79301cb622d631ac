/* The connection manager's life, and its thread. */
#include <config.h>

#include "connmgr/connmgr.h"

#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "connmgr/connmgr_int.h"
#include "net/resolve.h"
#include "pentad/log.h"

PTD_LOG_TAG(CMGR);

enum {
    DIAL_MS = 5000,  /* Core's -timeout */
    PROXY_MS = 60000 /* a Tor circuit takes its time */
};

unsigned ptd_connmgr_n_automatic(unsigned max_connections)
{
    return PTD_MIN(
        (unsigned)(PTD_MAX_FULL_RELAY + PTD_MAX_BLOCK_RELAY + PTD_MAX_FEELER),
        max_connections);
}

void ptd_connmgr_config_init(struct ptd_connmgr_config *cfg,
                             const struct ptd_params *params)
{
    memset(cfg, 0, sizeof *cfg);
    cfg->params = params;
    ptd_reach_init(&cfg->reach);
    cfg->max_connections = 125;
    cfg->automatic = true;
    cfg->look_up = true;
    cfg->dns_seed = true;
    cfg->fixed_seeds = true;
    cfg->network_active = true;
    cfg->dial_timeout_ms = DIAL_MS;
    cfg->proxy_timeout_ms = PROXY_MS;
}

/* ---- shared by the room -------------------------------------------------- */

int64_t connmgr_now_us(const struct ptd_connmgr *cm)
{
    return ptd_clock_now_us(cm->clk);
}

void connmgr_wake(struct ptd_connmgr *cm)
{
    (void)!ptd_chan_try_send(cm->wake, NULL); /* full: it is awake already */
}

bool connmgr_flag(struct ptd_connmgr *cm, const bool *flag)
{
    bool is_set;

    ptd_mutex_lock(&cm->mu);
    is_set = *flag;
    ptd_mutex_unlock(&cm->mu);
    return is_set;
}

static void set_flag(struct ptd_connmgr *cm, bool *flag, bool to)
{
    ptd_mutex_lock(&cm->mu);
    *flag = to;
    ptd_mutex_unlock(&cm->mu);
    connmgr_wake(cm);
}

/* ---- the dialler that is used if none is given --------------------------- */

static enum ptd_err
real_dial(void *arg, int *fd, const struct ptd_dial_target *to,
          const struct ptd_proxy *proxy, int timeout_ms,
          const struct ptd_latch *cancel, struct ptd_dial_why *why)
{
    (void)arg;
    return ptd_dial(fd, to, proxy, timeout_ms, cancel, why);
}

static enum ptd_err real_resolve(void *arg, struct ptd_netaddr *out, size_t cap,
                                 size_t *n, const char *host, uint16_t port)
{
    (void)arg;
    return ptd_resolve(out, cap, n, host, port);
}

/* ---- making and freeing -------------------------------------------------- */

/* Copies of a list of texts; NULL for lack of memory. */
static char **copy_texts(const char *const *texts, size_t n)
{
    char **copy = ptd_calloc(n, sizeof *copy);

    for (size_t i = 0; copy != NULL && i < n; i++)
        if ((copy[i] = ptd_strdup(texts[i])) == NULL) {
            while (i > 0)
                ptd_free(copy[--i]);
            ptd_free(copy);
            return NULL;
        }
    return copy;
}

static enum ptd_err copy_seeds(struct ptd_connmgr *cm)
{
    const struct ptd_connmgr_config *cfg = &cm->cfg;
    struct seeds *sd = &cm->seeds;

    while (cfg->params->dns_seeds[sd->n] != NULL)
        sd->n++;
    sd->order = ptd_calloc(sd->n, sizeof *sd->order);
    cm->fetches.name =
        ptd_calloc(sd->n + cfg->n_seednode, sizeof *cm->fetches.name);
    cm->seed_node = copy_texts(cfg->seednode, cfg->n_seednode);
    cm->anchors = ptd_calloc(cfg->n_anchors, sizeof *cm->anchors);
    if (sd->order == NULL || cm->fetches.name == NULL ||
        cm->seed_node == NULL || cm->anchors == NULL)
        return PTD_ENOMEM;
    for (size_t i = 0; i < sd->n; i++)
        sd->order[i] = cfg->params->dns_seeds[i];
    for (size_t i = 0; i < cfg->n_anchors; i++)
        cm->anchors[i] = cfg->anchors[i];
    return PTD_OK;
}

/* What cannot be a node is told and left out: it came with the start, and one
 * bad line is no reason to do without the others. */
static enum ptd_err add_all(struct ptd_connmgr *cm, const char *const *list,
                            size_t n, bool connect)
{
    for (size_t i = 0; i < n; i++) {
        enum ptd_err e = named_add(cm, list[i], cm->cfg.v2_transport, connect);

        if (e == PTD_ENOMEM)
            return e;
        if (e == PTD_EINVAL)
            ptd_log_warn("Neither address nor name: %s=%s",
                         connect ? "-connect" : "-addnode", list[i]);
    }
    return PTD_OK;
}

static void set_limits(struct ptd_connmgr *cm)
{
    unsigned max = cm->cfg.max_connections;

    cm->max_full_relay = PTD_MIN(max, (unsigned)PTD_MAX_FULL_RELAY);
    cm->max_block_relay =
        PTD_MIN(max - cm->max_full_relay, (unsigned)PTD_MAX_BLOCK_RELAY);
    cm->max_automatic = ptd_connmgr_n_automatic(max);
}

static void init_locked_part(struct ptd_connmgr *cm)
{
    ptd_mutex_init(&cm->mu, PTD_RANK_CONNMGR);
    ptd_mutex_lock(&cm->mu);
    ptd_list_init(&cm->slots);
    ptd_list_init(&cm->added);
    ptd_list_init(&cm->requests);
    cm->active = cm->cfg.network_active;
    ptd_mutex_unlock(&cm->mu);
}

static void set_defaults(struct ptd_connmgr_config *cfg)
{
    if (cfg->dialler.dial == NULL)
        cfg->dialler.dial = real_dial;
    if (cfg->dialler.resolve == NULL)
        cfg->dialler.resolve = real_resolve;
}

enum ptd_err ptd_connmgr_new(struct ptd_connmgr **out,
                             const struct ptd_connmgr_config *cfg)
{
    struct ptd_connmgr *cm = ptd_calloc(1, sizeof *cm);
    enum ptd_err e;

    if (cm == NULL)
        return PTD_ENOMEM;
    cm->cfg = *cfg;
    cm->clk = cfg->clk;
    set_defaults(&cm->cfg);
    set_limits(cm);
    init_locked_part(cm);
    if ((e = ptd_latch_init(&cm->stop)) != PTD_OK)
        goto free_cm;
    e = PTD_ENOMEM;
    cm->wake = ptd_chan_new(0, 1);
    cm->quit = ptd_chan_new(0, 0);
    if (cm->wake == NULL || cm->quit == NULL ||
        (e = copy_seeds(cm)) != PTD_OK ||
        (e = add_all(cm, cfg->connect, cfg->n_connect, true)) != PTD_OK ||
        (e = add_all(cm, cfg->addnode, cfg->n_addnode, false)) != PTD_OK)
        goto free_all;
    ptd_log_info("SetNetworkActive: %s",
                 cfg->network_active ? "true" : "false");
    *out = cm;
    return PTD_OK;

free_all:
    ptd_connmgr_free(cm);
    return e;
free_cm:
    ptd_mutex_fini(&cm->mu);
    ptd_free(cm);
    return e;
}

void ptd_connmgr_free(struct ptd_connmgr *cm)
{
    if (cm == NULL)
        return;
    slots_free_all(cm);
    named_free_all(cm);
    ptd_free(cm->seeds.order);
    ptd_free(cm->fetches.name);
    for (size_t i = 0; cm->seed_node != NULL && i < cm->cfg.n_seednode; i++)
        ptd_free(cm->seed_node[i]);
    ptd_free(cm->seed_node);
    ptd_free(cm->anchors);
    ptd_chan_free(cm->wake);
    ptd_chan_free(cm->quit);
    ptd_latch_fini(&cm->stop);
    ptd_mutex_fini(&cm->mu);
    ptd_free(cm);
}

/* ---- the thread ---------------------------------------------------------- */

/* Do all that is due. Gives when to look again. */
static int64_t run(struct ptd_connmgr *cm)
{
    int64_t next_us = slots_run(cm);

    once_run(cm);
    next_us = PTD_MIN(next_us, named_run(cm));
    next_us = PTD_MIN(next_us, seeds_run(cm));
    next_us = PTD_MIN(next_us, fetches_run(cm));
    return PTD_MIN(next_us, auto_run(cm));
}

/* Core does these in threads of their own, and scripts wait for them to say
 * that they have begun. */
static void say_started(const struct ptd_connmgr *cm)
{
    ptd_log_info("addcon thread start");
    if (cm->cfg.automatic || cm->cfg.n_connect > 0)
        ptd_log_info("opencon thread start");
    if (cm->cfg.dns_seed)
        ptd_log_info("dnsseed thread start");
}

static void connmgr_main(void *connmgr)
{
    struct ptd_connmgr *cm = connmgr;

    auto_start(cm);
    seeds_start(cm);
    say_started(cm);
    for (bool go_on = true; go_on;) {
        enum { WAKE, QUIT, N };
        struct ptd_case on[N] = {
            [WAKE] = PTD_RECV(cm->wake, NULL),
            [QUIT] = PTD_RECV(cm->quit, NULL),
        };

        go_on = ptd_select(on, N, cm->clk, run(cm)) != QUIT;
    }
    once_end(cm);
    slots_end(cm);
    seeds_end(cm);
}

enum ptd_err ptd_connmgr_start(struct ptd_connmgr *cm)
{
    enum ptd_err e;

    set_flag(cm, &cm->running, true);
    e = ptd_thread_start(&cm->thread, NULL, "connmgr", connmgr_main, cm);
    if (e != PTD_OK)
        once_end(cm);
    return e;
}

void ptd_connmgr_stop(struct ptd_connmgr *cm)
{
    set_flag(cm, &cm->stopping, true);
    ptd_latch_set(&cm->stop);
    ptd_chan_close(cm->quit);
}

void ptd_connmgr_join(struct ptd_connmgr *cm)
{
    ptd_thread_join(&cm->thread);
}

/* ---- switches ------------------------------------------------------------ */

void ptd_connmgr_addrs_changed(struct ptd_connmgr *cm)
{
    set_flag(cm, &cm->addrs_changed, true);
}

void ptd_connmgr_want_extra_peer(struct ptd_connmgr *cm, bool on)
{
    ptd_log_debug("setting try another outbound peer=%s",
                  on ? "true" : "false");
    set_flag(cm, &cm->wants_extra_peer, on);
}

bool ptd_connmgr_wants_extra_peer(struct ptd_connmgr *cm)
{
    return connmgr_flag(cm, &cm->wants_extra_peer);
}

void ptd_connmgr_start_extra_block_relay(struct ptd_connmgr *cm)
{
    ptd_log_debug("enabling extra block-relay-only peers");
    set_flag(cm, &cm->extra_block_relay, true);
}

void ptd_connmgr_set_active(struct ptd_connmgr *cm, bool active)
{
    ptd_log_info("SetNetworkActive: %s", active ? "true" : "false");
    set_flag(cm, &cm->active, active);
}

bool ptd_connmgr_is_active(struct ptd_connmgr *cm)
{
    return connmgr_flag(cm, &cm->active);
}
