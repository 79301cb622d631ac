#include <config.h>

#include "peer/peer_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "net/addr.h"
#include "pentad/log.h"

PTD_LOG_TAG(PEER);

enum { END_TEXT = 512 };

#define SECONDS(n) ((n)*INT64_C(1000000))
#define MINUTES(n) SECONDS((n)*60)

void ptd_peer_config_init(struct ptd_peer_config *cfg,
                          const struct ptd_params *params)
{
    *cfg = (struct ptd_peer_config){
        .params = params,
        .pver = PTD_PVER_WTXIDRELAY,
        .min_pver = PTD_PVER_MULTIPLE_ADDRESS,
        .relay = true,
        .send_wtxidrelay = true,
        .send_addrv2 = true,
        .conduct = PTD_CONDUCT_STRICT,
        .direct_write = true,
        .handshake_us = SECONDS(30),
        .idle_us = MINUTES(5),
        .ping_us = MINUTES(2),
        .first_ping_us = MINUTES(2),
        .pong_us = MINUTES(20),
        .write_us = MINUTES(2),
        .reply_us = SECONDS(30),
        .headers_us = SECONDS(90),
        .stall_tick_us = SECONDS(15),
        .trickle_us = SECONDS(10),
        .min_rate = 64,
        .output_queue = 50,
        .known_inv = 1000,
        .send_limit_bytes = 1000000,
        .recv_limit_bytes = 5000000,
        .early_messages = 64,
        .early_bytes = 64 * 1024,
    };
}

/* ---- making --------------------------------------------------------------- */

static enum ptd_err make_channels(struct ptd_peer *p)
{
    struct ptd_chan_group *g = ptd_chan_group_new();

    if (g == NULL)
        return PTD_ENOMEM;
    p->output_q =
        ptd_chan_new_in(g, sizeof(struct outmsg), p->cfg.output_queue);
    p->inv_q = ptd_chan_new_in(g, sizeof(struct ptd_inv), INV_Q_CAP);
    p->done_q = ptd_chan_new_in(g, 0, 1);
    p->send_q = ptd_chan_new_in(g, 0, 1);
    p->stall_q = ptd_chan_new_in(g, 0, 1);
    p->quit = ptd_chan_new_in(g, 0, 0);
    ptd_chan_group_free(g);
    return p->output_q != NULL && p->inv_q != NULL && p->done_q != NULL &&
                   p->send_q != NULL && p->stall_q != NULL && p->quit != NULL
               ? PTD_OK
               : PTD_ENOMEM;
}

static void free_channels(struct ptd_peer *p)
{
    ptd_chan_free(p->output_q);
    ptd_chan_free(p->inv_q);
    ptd_chan_free(p->done_q);
    ptd_chan_free(p->send_q);
    ptd_chan_free(p->stall_q);
    ptd_chan_free(p->quit);
}

static bool is_config_good(const struct ptd_peer_config *cfg)
{
    return cfg->params != NULL && cfg->output_queue >= 1 &&
           cfg->output_queue <= 65536 && cfg->known_inv <= 32767 &&
           cfg->pver >= cfg->min_pver && cfg->pver <= PTD_PVER_FEATURE &&
           cfg->recv_limit_bytes >= cfg->send_limit_bytes &&
           ptd_features_are_good(cfg) &&
           (cfg->user_agent == NULL ||
            strlen(cfg->user_agent) <= PTD_MAX_USER_AGENT);
}

/* No lock: nobody else has the peer yet. */
PTD_NO_TSA static enum ptd_err peer_init(struct ptd_peer *p)
{
    const char *agent = p->cfg.user_agent;
    enum ptd_err e;

    /* BIP 434: who implements it says so by its version. */
    if (p->cfg.feature)
        p->cfg.pver = PTD_MAX(p->cfg.pver, (uint32_t)PTD_PVER_FEATURE);
    ptd_ref_init(&p->ref);
    ptd_mutex_init(&p->mu, PTD_RANK_PEER);
    ptd_mutex_init(&p->stats_mu, PTD_RANK_PEER_STATS);
    ptd_known_init(&p->known, p->cfg.known_inv);
    p->ping_us = p->ping_min_us = -1;
    p->direct_left = DIRECT_BURST;
    atomic_store(&p->pver, p->cfg.pver);
    atomic_store(&p->armed_us, PTD_NEVER);
    p->cfg.user_agent =
        ptd_strdup(agent != NULL ? agent : "/pentad:" PACKAGE_VERSION "/");
    if (p->cfg.user_agent == NULL)
        return PTD_ENOMEM;
    /* One place in each list from the start: a single message always fits. */
    p->batch.v = ptd_array_grow(NULL, &p->batch.cap, 1, sizeof *p->batch.v);
    p->pending.v =
        ptd_array_grow(NULL, &p->pending.cap, 1, sizeof *p->pending.v);
    if (p->batch.v == NULL || p->pending.v == NULL)
        return PTD_ENOMEM;
    if ((e = make_channels(p)) != PTD_OK ||
        (e = ptd_features_init(p)) != PTD_OK)
        return e;
    p->id = atomic_fetch_add(&p->env->next_id, 1);
    snprintf(p->name, sizeof p->name, "peer=%lld", (long long)p->id);
    return PTD_OK;
}

/* No lock: nobody else has the peer any more. */
PTD_NO_TSA static void peer_destroy(struct ptd_peer *p)
{
    ptd_conn_free(p->conn);
    free_channels(p);
    ptd_requests_free(p->requests);
    ptd_known_fini(&p->known);
    ptd_free(p->agent);
    ptd_features_fini(p);
    ptd_free((char *)(uintptr_t)p->cfg.user_agent);
    ptd_free(p->batch.v);
    ptd_free(p->pending.v);
    ptd_mutex_fini(&p->stats_mu);
    ptd_mutex_fini(&p->mu);
    atomic_fetch_sub(&p->env->n_peers, 1);
    ptd_free(p);
}

enum ptd_err ptd_peer_new(struct ptd_peer **out, struct ptd_env *env,
                          const struct ptd_peer_config *cfg,
                          enum ptd_direction dir,
                          const struct ptd_netaddr *remote)
{
    struct ptd_peer *p;
    enum ptd_err e;

    if (!is_config_good(cfg))
        return PTD_EINVAL;
    p = ptd_calloc(1, sizeof *p);
    if (p == NULL)
        return PTD_ENOMEM;
    atomic_fetch_add(&env->n_peers, 1);
    p->env = env;
    p->clk = env->cfg.clock;
    p->cfg = *cfg;
    p->dir = dir;
    if (remote != NULL)
        p->addr = *remote;
    if ((e = peer_init(p)) != PTD_OK) {
        peer_destroy(p);
        return e;
    }
    *out = p;
    return PTD_OK;
}

/* ---- starting --------------------------------------------------------------- */

static void run(struct ptd_peer *p, enum peer_role role)
{
    static const struct {
        const char *suffix;
        void (*main)(void *);
    } roles[N_ROLES] = {
        [ROLE_STALL] = { "stall", ptd_peer_stall_main },
        [ROLE_IN] = { "in", ptd_peer_in_main },
        [ROLE_QUEUE] = { "queue", ptd_peer_queue_main },
        [ROLE_OUT] = { "out", ptd_peer_out_main },
        [ROLE_PING] = { "ping", ptd_peer_ping_main },
    };
    char name[32];

    snprintf(name, sizeof name, "p%lld-%s", (long long)p->id,
             roles[role].suffix);
    ptd_team_run(p->team, role, name, roles[role].main, p);
}

void ptd_peer_wake_rest(struct ptd_peer *p)
{
    atomic_fetch_add(&p->n_running, 3);
    run(p, ROLE_QUEUE);
    run(p, ROLE_OUT);
    run(p, ROLE_PING);
}

/* From here on disconnect() finds the connection. */
static enum ptd_err adopt(struct ptd_peer *p, struct ptd_conn *conn,
                          struct ptd_team *team)
{
    enum ptd_err e = PTD_OK;

    ptd_mutex_lock(&p->mu);
    if (p->state == PTD_PEER_STOPPING) {
        e = PTD_ECLOSED;
    } else {
        p->state = PTD_PEER_HANDSHAKE;
        p->conn = conn;
        p->team = team;
        p->start_us = ptd_clock_now_us(p->clk);
        p->conn_wall_us = ptd_clock_wall_us(p->clk);
        (void)!ptd_addr_local(&p->addr_local, ptd_conn_fd(conn));
        if (p->addr.net == PTD_NET_NONE && !p->cfg.hide_addr)
            (void)!ptd_addr_remote(&p->addr, ptd_conn_fd(conn));
        atomic_store(&p->last_recv_us, p->start_us);
        atomic_store(&p->handled_us, p->start_us);
    }
    ptd_mutex_unlock(&p->mu);
    return e;
}

/* Nothing that has its place before verack comes near it; a larger frame is
 * refused at its header, before its bytes are received. */
static uint32_t early_max_payload(const struct ptd_peer_config *cfg)
{
    size_t n = PTD_MAX(cfg->early_bytes, (size_t)PTD_V1_HEADER_BYTES);

    n = PTD_MAX(n - PTD_V1_HEADER_BYTES, (size_t)EARLY_MAX_PAYLOAD);
    return (uint32_t)PTD_MIN(n, (size_t)PTD_MAX_PAYLOAD);
}

enum ptd_err ptd_peer_attach(struct ptd_peer *p, int fd)
{
    struct ptd_conn_config cc = { .mem = ptd_bufpool_mem(p->env->bufs) };
    struct ptd_conn *conn = NULL;
    struct ptd_team *team = NULL;
    enum ptd_err e;
    bool is_second;

    ptd_mutex_lock(&p->mu);
    is_second = p->has_socket;
    p->has_socket = true;
    ptd_mutex_unlock(&p->mu);
    if (is_second)
        return PTD_EEXIST;
    cc.max_payload = early_max_payload(&p->cfg);
    memcpy(cc.magic, p->cfg.params->magic, sizeof cc.magic);
    e = ptd_conn_new(&conn, fd, &cc);
    if (e != PTD_OK) {
        close(fd);
        goto dead;
    }
    if ((e = ptd_team_get(p->env->teams, &team)) != PTD_OK)
        goto dead;
    if ((e = adopt(p, conn, team)) != PTD_OK)
        goto dead;
    atomic_store(&p->n_running, 2);
    run(p, ROLE_STALL);
    run(p, ROLE_IN);
    return PTD_OK;

dead:
    if (team != NULL)
        ptd_team_put(team);
    ptd_conn_free(conn);
    ptd_peer_disconnect(p, e, "cannot start: %s", ptd_err_text(e));
    return e;
}

/* ---- ending ------------------------------------------------------------------- */

/* Close what no thread will receive from any more, and drain it. */
static void close_all(struct ptd_peer *p)
{
    struct outmsg m;

    ptd_chan_close(p->output_q);
    ptd_chan_close(p->inv_q);
    ptd_chan_close(p->done_q);
    ptd_chan_close(p->send_q);
    ptd_chan_close(p->stall_q);
    while (ptd_chan_try_recv(p->output_q, &m) == PTD_OK)
        ptd_outmsg_finish(p, &m, PTD_ECLOSED);
}

void ptd_peer_disconnect(struct ptd_peer *p, enum ptd_err err, const char *why,
                         ...)
{
    bool is_first, was_idle = false;
    char text[END_TEXT]; /* for the log; statistics keep the beginning */
    va_list ap;

    va_start(ap, why);
    vsnprintf(text, sizeof text, why, ap);
    va_end(ap);
    ptd_mutex_lock(&p->mu);
    is_first = p->state != PTD_PEER_STOPPING;
    if (is_first) {
        was_idle = p->state == PTD_PEER_IDLE;
        p->state = PTD_PEER_STOPPING;
        p->end_err = err;
        snprintf(p->end_why, sizeof p->end_why, "%.*s",
                 (int)sizeof p->end_why - 1, text);
        atomic_store(&p->stopping, true);
        if (p->conn != NULL)
            ptd_conn_shutdown(p->conn);
        if (p->paused)
            ptd_latch_set(&p->wake);
    }
    ptd_mutex_unlock(&p->mu);
    if (!is_first)
        return;
    ptd_log_debug("%s, disconnecting %s", text, p->name);
    ptd_chan_close(p->quit);
    if (was_idle)
        close_all(p); /* there is no thread to do it */
}

void ptd_peer_leave(struct ptd_peer *p)
{
    if (atomic_fetch_sub(&p->n_running, 1) != 1)
        return;
    close_all(p);
    if (p->cfg.hooks.on_gone != NULL)
        p->cfg.hooks.on_gone(p, p->cfg.hooks.arg);
}

void ptd_peer_join(struct ptd_peer *p)
{
    struct ptd_team *team;

    ptd_mutex_lock(&p->mu);
    team = p->joined ? NULL : p->team;
    p->joined = true;
    ptd_mutex_unlock(&p->mu);
    if (team == NULL)
        return;
    PTD_ASSERT(!ptd_team_is_self(team));
    ptd_team_put(team);
}

struct ptd_peer *ptd_peer_ref(struct ptd_peer *p)
{
    ptd_ref_get(&p->ref);
    return p;
}

void ptd_peer_free(struct ptd_peer *p)
{
    if (p == NULL || !ptd_ref_put(&p->ref))
        return;
    ptd_peer_disconnect(p, PTD_ECLOSED, "freed");
    ptd_peer_join(p);
    peer_destroy(p);
}
