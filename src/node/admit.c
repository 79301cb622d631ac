/* Who may call us: permissions, bans, limits, and who makes room when we are
 * full. Thread: server. Source: Bitcoin Core's CreateNodeFromAcceptedSocket,
 * AttemptToEvictConnection */
#include <config.h>

#include "base/alloc.h"
#include "connmgr/evict.h"
#include "crypto/siphash.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

/* ---- permissions --------------------------------------------------------------- */

/* A range that was named without saying what for grants what most want. */
static unsigned spell_out(const struct ptd_node_config *cfg, unsigned set)
{
    if ((set & PTD_MAY_IMPLICIT) == 0)
        return set;
    set &= ~(unsigned)PTD_MAY_IMPLICIT;
    if (cfg->whitelist_force_relay)
        set |= PTD_MAY_FORCE_RELAY;
    if (cfg->whitelist_relay)
        set |= PTD_MAY_RELAY;
    return set | PTD_MAY_MEMPOOL | PTD_MAY_NOBAN;
}

unsigned node_permissions_in(const struct ptd_node *n,
                             const struct node_listener *l,
                             const struct ptd_netaddr *na)
{
    const struct ptd_node_config *cfg = n->cfg;
    unsigned set = l->permissions;

    /* Through Tor all come from one address. */
    for (size_t i = 0; i < cfg->n_whitelist && !l->for_onion; i++)
        if (cfg->whitelist[i].in &&
            ptd_subnet_has(&cfg->whitelist[i].subnet, na))
            set |= cfg->whitelist[i].permissions;
    return spell_out(cfg, set);
}

unsigned node_permissions_out(const struct ptd_node *n,
                              const struct ptd_netaddr *na)
{
    const struct ptd_node_config *cfg = n->cfg;
    unsigned set = 0;

    for (size_t i = 0; i < cfg->n_whitelist; i++)
        if (cfg->whitelist[i].out &&
            ptd_subnet_has(&cfg->whitelist[i].subnet, na))
            set |= cfg->whitelist[i].permissions;
    return spell_out(cfg, set);
}

/* ---- room ---------------------------------------------------------------------- */

uint64_t node_group_of(const struct ptd_node *n, const struct ptd_netaddr *na)
{
    struct ptd_group g;

    ptd_netgroup_of(n->netgroup, &g, na);
    return ptd_siphash24(n->k0, n->k1, g.key, g.n);
}

size_t node_max_in(const struct ptd_node *n)
{
    unsigned max = n->cfg->max_connections;

    return max - PTD_MIN(max, ptd_connmgr_n_automatic(max));
}

static void describe(struct ptd_evict_peer *out, const struct node_peer *np,
                     const struct ptd_peer_stats *st)
{
    const struct ptd_netaddr *na = &st->addr;
    struct ptd_sync_peer_info sync;

    ptd_sync_peer_info(np->sync, &sync);
    *out = (struct ptd_evict_peer){
        .id = (uint64_t)st->id,
        .group = np->group,
        .connected_s = st->conn_time_s,
        .min_ping_us = st->ping_min_us >= 0 ? st->ping_min_us : INT64_MAX,
        .last_block_s = sync.last_block_s,
        .last_tx_s = ptd_relay_peer_last_tx_s(np->relay),
        .net = np->is_onion ? PTD_NET_TORV3 : ptd_netgroup_class(na),
        .is_local = ptd_netaddr_is_local(na),
        .has_services = np->has_services,
        .relays_txs = np->wants_txs,
        .is_discouraged = np->was_discouraged,
        .is_noban = (np->permissions & PTD_MAY_NOBAN) == PTD_MAY_NOBAN,
    };
}

/* The inbound peers that are there to stay; *list from malloc. */
static size_t list_inbound(struct ptd_node *n, struct ptd_evict_peer **list)
{
    size_t cap, k = 0;

    ptd_mutex_lock(&n->mu);
    cap = n->n_in;
    ptd_mutex_unlock(&n->mu);
    *list = ptd_alloc_array(cap, sizeof **list);
    if (*list == NULL)
        return 0;
    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    {
        struct ptd_peer_stats st;

        if (!node_peer_is_in(np) || k == cap)
            continue;
        ptd_peer_stats(np->peer, &st);
        if (st.state != PTD_PEER_STOPPING)
            describe(&(*list)[k++], np, &st);
    }
    ptd_mutex_unlock(&n->mu);
    return k;
}

bool node_make_room(struct ptd_node *n)
{
    struct ptd_evict_peer *list;
    size_t count = list_inbound(n, &list);
    bool found = false;
    uint64_t id;

    if (list == NULL)
        return false;
    found = ptd_evict_choose(&id, list, count);
    ptd_free(list);
    return found &&
           ptd_node_disconnect_id(
               n, (int64_t)id, "selected inbound connection for eviction") != 0;
}

/* ---- the door ------------------------------------------------------------------- */

/* Inbound peers, without those that are on their way out. */
static size_t count_in(struct ptd_node *n)
{
    size_t k = 0;

    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    k += node_peer_is_in(np) && !node_peer_is_over(np);
    ptd_mutex_unlock(&n->mu);
    return k;
}

static bool drop(const struct ptd_node *n, const struct ptd_netaddr *na,
                 const char *why)
{
    char text[PTD_NETADDR_TEXT];

    ptd_log_debug("connection from %s dropped%s",
                  n->cfg->log_ips || ptd_netaddr_is_local(na)
                      ? ptd_netaddr_format(na, text, sizeof text)
                      : "an address",
                  why);
    return false;
}

bool admit_inbound(struct ptd_node *n, const struct server_event *ev,
                   unsigned permissions, bool *discouraged,
                   struct ptd_inlimit_pass *pass)
{
    bool noban = (permissions & PTD_MAY_NOBAN) == PTD_MAY_NOBAN;
    size_t n_in = count_in(n), max = node_max_in(n);

    *discouraged = ptd_discourage_has(n->discouraged, &ev->addr);
    if (!ptd_connmgr_is_active(n->connmgr))
        return drop(n, &ev->addr, ": not accepting new connections");
    if (!noban && ptd_banlist_has_addr(n->bans, &ev->addr))
        return drop(n, &ev->addr, " (banned)");
    if (!noban && *discouraged && n_in + 1 >= max)
        return drop(n, &ev->addr, " (discouraged)");
    if (ptd_inlimit_acquire(n->inlimit, pass, &ev->addr, noban) != PTD_OK)
        return drop(n, &ev->addr, " (too many unfinished handshakes)");
    if (n_in < max || node_make_room(n))
        return true;
    ptd_inlimit_release(n->inlimit, pass);
    ptd_log_debug("failed to find an eviction candidate - connection dropped "
                  "(full)");
    return false;
}
