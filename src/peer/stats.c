/* What can be seen of a peer from outside. */
#include <config.h>

#include "peer/peer_int.h"

#include <string.h>

#include "base/util.h"

int64_t ptd_peer_id(const struct ptd_peer *p)
{
    return p->id;
}

bool ptd_peer_is_inbound(const struct ptd_peer *p)
{
    return p->dir == PTD_INBOUND;
}

enum ptd_peer_state ptd_peer_state(struct ptd_peer *p)
{
    enum ptd_peer_state s;

    ptd_mutex_lock(&p->mu);
    s = p->state;
    ptd_mutex_unlock(&p->mu);
    return s;
}

const char *ptd_peer_name(const struct ptd_peer *p)
{
    return p->name;
}

const struct ptd_netaddr *ptd_peer_addr(const struct ptd_peer *p)
{
    return &p->addr;
}

uint32_t ptd_peer_pver(struct ptd_peer *p)
{
    return atomic_load(&p->pver);
}

uint64_t ptd_peer_services(struct ptd_peer *p)
{
    return atomic_load(&p->services);
}

struct ptd_env *ptd_peer_env(const struct ptd_peer *p)
{
    return p->env;
}

void ptd_peer_set_user(struct ptd_peer *p, void *user)
{
    p->user = user;
}

void *ptd_peer_user(const struct ptd_peer *p)
{
    return p->user;
}

void ptd_peer_listen(struct ptd_peer *p, enum ptd_msg_type type, ptd_on_msg fn,
                     void *arg)
{
    PTD_ASSERT((unsigned)type < PTD_MSG_N_TYPES);
    ptd_mutex_lock(&p->mu);
    p->cfg.on_msg[type] = (struct ptd_listener){ fn, arg };
    ptd_mutex_unlock(&p->mu);
}

void ptd_peer_add_known_inv(struct ptd_peer *p, const struct ptd_inv *inv)
{
    ptd_mutex_lock(&p->stats_mu);
    ptd_known_add(&p->known, inv);
    ptd_mutex_unlock(&p->stats_mu);
}

bool ptd_peer_knows_inv(struct ptd_peer *p, const struct ptd_inv *inv)
{
    bool knows;

    ptd_mutex_lock(&p->stats_mu);
    knows = ptd_known_has(&p->known, inv);
    ptd_mutex_unlock(&p->stats_mu);
    return knows;
}

void ptd_peer_set_last_announced(struct ptd_peer *p,
                                 const struct ptd_hash *hash)
{
    ptd_mutex_lock(&p->stats_mu);
    p->last_announced = *hash;
    ptd_mutex_unlock(&p->stats_mu);
}

void ptd_peer_update_last_block(struct ptd_peer *p, int32_t height)
{
    ptd_mutex_lock(&p->stats_mu);
    if (height > p->last_block)
        p->last_block = height;
    ptd_mutex_unlock(&p->stats_mu);
}

/* ---- the snapshot ------------------------------------------------------------ */

static void under_mu(struct ptd_peer *p, struct ptd_peer_stats *s)
{
    ptd_mutex_lock(&p->mu);
    s->state = p->state;
    s->addr = p->addr;
    s->addr_local = p->addr_local;
    s->conn_time_s = p->conn_wall_us / 1000000;
    s->n_output = p->n_ahead;
    s->paused = p->paused;
    s->end_err = p->end_err;
    memcpy(s->end_why, p->end_why, sizeof s->end_why);
    if (p->conn != NULL) {
        s->transport = ptd_conn_transport(p->conn);
        s->bytes_sent = ptd_conn_bytes_sent(p->conn);
        s->bytes_recv = ptd_conn_bytes_recv(p->conn);
    }
    ptd_mutex_unlock(&p->mu);
}

static void under_stats_mu(struct ptd_peer *p, struct ptd_peer_stats *s,
                           int64_t now)
{
    ptd_mutex_lock(&p->stats_mu);
    s->n_known_inv = p->known.n;
    s->ping_us = p->ping_us;
    s->ping_min_us = p->ping_min_us;
    s->ping_wait_us = p->ping_nonce != 0 ? now - p->ping_sent_us : -1;
    s->last_announced = p->last_announced;
    s->start_height = p->start_height;
    s->last_block = p->last_block;
    s->time_offset_s = p->time_offset_s;
    s->n_features = p->n_features;
    if (p->features != NULL)
        memcpy(s->features, p->features, sizeof s->features);
    if (p->agent != NULL) {
        size_t n = PTD_MIN(strlen(p->agent), sizeof s->user_agent - 1);

        memcpy(s->user_agent, p->agent, n);
    }
    ptd_mutex_unlock(&p->stats_mu);
}

/* Monotonic to wall: both move alike. */
static int64_t wall_of(struct ptd_peer *p, int64_t at_us, int64_t now_us)
{
    return at_us != 0 ? (ptd_clock_wall_us(p->clk) - (now_us - at_us)) / 1000000
                      : 0;
}

static uint64_t count_all(struct ptd_msg_count *to, size_t type,
                          const _Atomic uint64_t *n, const _Atomic uint64_t *b)
{
    to[type].n = atomic_load_explicit(n, memory_order_relaxed);
    to[type].bytes = atomic_load_explicit(b, memory_order_relaxed);
    return to[type].n;
}

void ptd_peer_stats(struct ptd_peer *p, struct ptd_peer_stats *s)
{
    int64_t now = ptd_clock_now_us(p->clk);
    uint64_t n_recv = 0;

    memset(s, 0, sizeof *s);
    s->id = p->id;
    s->direction = p->dir;
    s->transport = "";
    s->services = atomic_load(&p->services);
    s->pver = atomic_load(&p->pver);
    s->advertised_pver = atomic_load(&p->advertised_pver);
    s->version_known = s->advertised_pver != 0;
    s->verack_received = atomic_load(&p->verack_received);
    s->witness = atomic_load(&p->witness);
    s->wants_addrv2 = atomic_load(&p->wants_addrv2);
    s->wtxidrelay = atomic_load(&p->wtxidrelay);
    s->wants_headers = atomic_load(&p->wants_headers);
    s->relay = atomic_load(&p->relay);
    s->n_trailing = atomic_load(&p->n_trailing);
    s->queued_bytes = atomic_load(&p->queued);
    s->n_inv = atomic_load(&p->n_inv_waiting);
    under_mu(p, s);
    under_stats_mu(p, s, now);
    for (size_t i = 0; i <= PTD_MSG_N_TYPES; i++) {
        n_recv += count_all(s->recv, i, &p->recv[i].n, &p->recv[i].bytes);
        (void)count_all(s->sent, i, &p->sent[i].n, &p->sent[i].bytes);
    }
    s->last_send_s = wall_of(p, atomic_load(&p->last_send_us), now);
    if (n_recv != 0)
        s->last_recv_s = wall_of(p, atomic_load(&p->last_recv_us), now);
}
