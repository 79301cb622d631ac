/* What operators ask of a running node, and change in it. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

/* ---- peers ------------------------------------------------------------------ */

_Static_assert((int)PTD_SYNC_PER_PEER == (int)PTD_NODE_MAX_IN_FLIGHT,
               "all that is asked for is told");

static void describe_sync(struct node_peer *np, struct ptd_node_peer *out)
{
    struct ptd_sync_peer_info info;

    ptd_sync_peer_info(np->sync, &info);
    out->min_fee_filter = info.min_fee_filter;
    out->last_block_s = info.last_block_s;
    out->hb_to = info.hb_to;
    out->hb_from = info.hb_from;
    out->presynced_height = info.presynced_headers;
    out->synced_headers = info.synced_headers;
    out->synced_blocks = info.synced_blocks;
    out->n_in_flight = info.n_in_flight;
    memcpy(out->in_flight, info.in_flight, sizeof info.in_flight);
}

static void describe_relay(struct node_peer *np, struct ptd_node_peer *out)
{
    struct ptd_relay_peer_info info;

    ptd_relay_peer_info(np->relay, &info);
    out->relays_txs = info.wants_txs;
    out->last_tx_s = info.last_tx_s;
    out->last_inv_sequence = info.last_sequence;
    out->n_inv_to_send = info.n_to_send;
}

static void describe_locked(struct ptd_node *n, struct node_peer *np,
                            struct ptd_node_peer *out) PTD_REQUIRES(n->mu);
static void describe_locked(struct ptd_node *n, struct node_peer *np,
                            struct ptd_node_peer *out)
{
    memset(out, 0, sizeof *out);
    ptd_peer_stats(np->peer, &out->stats);
    out->type = np->type;
    out->permissions = np->permissions;
    if (np->name != NULL)
        snprintf(out->name, sizeof out->name, "%s", np->name);
    out->addr_bind = out->stats.addr_local;
    out->addr_seen = np->seen;
    out->via_proxy = np->via_proxy;
    out->mapped_as = ptd_netgroup_as(n->netgroup, &out->stats.addr);
    out->relays_addrs = np->gossip.on;
    out->n_addrs_taken = np->n_addrs_taken;
    out->n_addrs_limited = np->n_addrs_limited;
    describe_sync(np, out);
    describe_relay(np, out);
}

enum ptd_err ptd_node_list_peers(struct ptd_node *n,
                                 struct ptd_node_peer **list, size_t *count)
{
    size_t cap, k = 0;

    *list = NULL;
    *count = 0;
    for (;;) { /* until they fit */
        ptd_mutex_lock(&n->mu);
        cap = n->n_in + n->n_out + 1;
        ptd_mutex_unlock(&n->mu);
        if ((*list = ptd_alloc_array(cap, sizeof **list)) == NULL)
            return PTD_ENOMEM;
        ptd_mutex_lock(&n->mu);
        if (n->n_in + n->n_out <= cap)
            break;
        ptd_mutex_unlock(&n->mu);
        ptd_free(*list);
    }
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    {
        if (!node_peer_is_over(np))
            describe_locked(n, np, &(*list)[k++]);
    }
    ptd_mutex_unlock(&n->mu);
    *count = k;
    return PTD_OK;
}

size_t ptd_node_n_peers(struct ptd_node *n, enum ptd_node_count which)
{
    size_t k = 0;

    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    if (which == PTD_NODE_ALL || node_peer_is_in(np) == (which == PTD_NODE_IN))
        k += !node_peer_is_over(np);
    ptd_mutex_unlock(&n->mu);
    return k;
}

/* ---- ending connections --------------------------------------------------------- */

struct target {
    int64_t id; /* -1: whoever fits the rest */
    const char *name;
    const struct ptd_subnet *subnet;
    bool all;
};

static bool is_target(const struct node_peer *np, const struct target *t)
{
    const struct ptd_netaddr *na = ptd_peer_addr(np->peer);
    char text[PTD_NETADDR_TEXT];

    if (t->all || ptd_peer_id(np->peer) == t->id)
        return true;
    if (t->subnet != NULL && ptd_subnet_has(t->subnet, na))
        return true;
    if (t->name == NULL)
        return false;
    return (np->name != NULL && strcmp(np->name, t->name) == 0) ||
           strcmp(ptd_netaddr_format(na, text, sizeof text), t->name) == 0;
}

/* Disconnecting waits for nothing, but it logs: without the lock. */
static size_t disconnect(struct ptd_node *n, const struct target *t,
                         const char *why)
{
    struct ptd_peer **peers;
    size_t cap, k = 0;

    ptd_mutex_lock(&n->mu);
    cap = n->n_in + n->n_out;
    ptd_mutex_unlock(&n->mu);
    if ((peers = ptd_alloc_array(cap, sizeof(struct ptd_peer *))) == NULL)
        return 0;
    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    if (k < cap && is_target(np, t))
        peers[k++] = ptd_peer_ref(np->peer);
    ptd_mutex_unlock(&n->mu);
    for (size_t i = 0; i < k; i++) {
        ptd_peer_disconnect(peers[i], PTD_ECLOSED, "%s", why);
        ptd_peer_free(peers[i]);
    }
    ptd_free(peers);
    return k;
}

size_t ptd_node_disconnect_id(struct ptd_node *n, int64_t id, const char *why)
{
    return id >= 0 ? disconnect(n, &(struct target){ .id = id }, why) : 0;
}

size_t ptd_node_disconnect_name(struct ptd_node *n, const char *name,
                                const char *why)
{
    return disconnect(n, &(struct target){ .id = -1, .name = name }, why);
}

size_t ptd_node_disconnect_subnet(struct ptd_node *n,
                                  const struct ptd_subnet *subnet,
                                  const char *why)
{
    return disconnect(n, &(struct target){ .id = -1, .subnet = subnet }, why);
}

/* ---- the network --------------------------------------------------------------- */

void ptd_node_set_active(struct ptd_node *n, bool active)
{
    ptd_connmgr_set_active(n->connmgr, active);
    if (!active)
        (void)disconnect(n, &(struct target){ .all = true },
                         "network is switched off");
}

bool ptd_node_is_active(struct ptd_node *n)
{
    return ptd_connmgr_is_active(n->connmgr);
}

void ptd_node_totals(struct ptd_node *n, uint64_t *received, uint64_t *sent)
{
    ptd_mutex_lock(&n->mu);
    *received = n->gone_recv;
    *sent = n->gone_sent;
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    {
        struct ptd_peer_stats st;

        ptd_peer_stats(np->peer, &st);
        *received += st.bytes_recv;
        *sent += st.bytes_sent;
    }
    ptd_mutex_unlock(&n->mu);
}

/* ---- messages ------------------------------------------------------------------ */

static struct ptd_peer *find_peer(struct ptd_node *n, int64_t id)
{
    struct ptd_peer *found = NULL;

    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    if (ptd_peer_id(np->peer) == id)
        found = ptd_peer_ref(np->peer);
    ptd_mutex_unlock(&n->mu);
    return found;
}

enum ptd_err ptd_node_send_raw(struct ptd_node *n, int64_t id,
                               const char *command, const uint8_t *payload,
                               size_t n_bytes)
{
    struct ptd_peer *p = find_peer(n, id);
    struct ptd_msg *m;
    enum ptd_err e;

    if (p == NULL)
        return PTD_ENOTFOUND;
    m = ptd_msg_new_raw(command, payload, n_bytes);
    e = m != NULL ? ptd_peer_try_queue(p, m, NULL) : PTD_ENOMEM;
    ptd_peer_free(p);
    return e;
}

static void ping_one(struct ptd_peer *p)
{
    struct ptd_msg *m = ptd_msg_new_nonce(PTD_MSG_PING, ptd_random_u64() | 1);

    if (m == NULL || ptd_peer_try_queue(p, m, NULL) != PTD_OK)
        ptd_log_debug("%s cannot be pinged now", ptd_peer_name(p));
}

void ptd_node_ping_all(struct ptd_node *n)
{
    struct ptd_peer **peers;
    size_t k = ptd_node_peers(n, &peers);

    for (size_t i = 0; i < k; i++) {
        ping_one(peers[i]);
        ptd_peer_free(peers[i]);
    }
    ptd_free(peers);
}

/* ---- time ------------------------------------------------------------------------ */

void ptd_node_set_mock_time(struct ptd_node *n, int64_t wall_s)
{
    ptd_clock_set_wall_us(n->clk, wall_s * 1000000);
    (void)gossip_run(n); /* who asks next sees what this time brought */
}

int64_t ptd_node_start_s(struct ptd_node *n)
{
    return n->start_s;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Few samples say nothing. */
int64_t ptd_node_time_offset_s(struct ptd_node *n)
{
    enum { ENOUGH = 5 };
    int64_t v[NODE_TIME_SAMPLES];
    size_t k;

    ptd_mutex_lock(&n->mu);
    k = PTD_MIN(n->n_time_samples, NODE_TIME_SAMPLES);
    memcpy(v, n->time_sample, k * sizeof *v);
    ptd_mutex_unlock(&n->mu);
    if (k < ENOUGH)
        return 0;
    qsort(v, k, sizeof *v, by_value);
    return v[k / 2];
}

/* ---- waiting for the server --------------------------------------------------- */

void ptd_node_settle(struct ptd_node *n)
{
    struct server_event ev = { .what = SERVER_SETTLE,
                               .done = ptd_chan_new(0, 0) };
    struct ptd_chan *done;

    if (ev.done == NULL)
        return; /* then it is a moment too early */
    done = ptd_chan_ref(ev.done);
    if (ptd_chan_send(n->server_q, &ev) == PTD_OK)
        (void)!ptd_chan_recv(done, NULL);
    else
        ptd_chan_free(ev.done);
    ptd_chan_free(done);
}

/* ---- parts ------------------------------------------------------------------------ */

const struct ptd_node_config *ptd_node_config(struct ptd_node *n)
{
    return n->cfg;
}

struct ptd_connmgr *ptd_node_connmgr(struct ptd_node *n)
{
    return n->connmgr;
}

struct ptd_addrmgr *ptd_node_addrmgr(struct ptd_node *n)
{
    return n->addrmgr;
}

struct ptd_localaddr *ptd_node_localaddr(struct ptd_node *n)
{
    return n->localaddr;
}

struct ptd_netgroup *ptd_node_netgroup(struct ptd_node *n)
{
    return n->netgroup;
}

struct ptd_banlist *ptd_node_bans(struct ptd_node *n)
{
    return n->bans;
}

struct ptd_clock *ptd_node_clock(struct ptd_node *n)
{
    return n->clk;
}
