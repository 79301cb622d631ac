/* The server thread: owns every peer, from the connected socket to the join.
 *
 * It alone makes, joins and frees peers, and it does nothing that waits for
 * one: it goes on receiving while peers end, so that a callback that reports
 * to it is never stuck. */
#include <config.h>

#include <unistd.h>

#include "base/alloc.h"
#include "net/addr.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

static void peer_in(struct ptd_node *n, struct node_peer *np)
{
    ptd_mutex_lock(&n->mu);
    ptd_list_append(&n->peers, &np->link);
    if (node_peer_is_in(np))
        n->n_in++;
    else
        n->n_out++;
    ptd_mutex_unlock(&n->mu);
}

/* Its slot is free from now on, but it is listed still: who sees it gone sees
 * the slot free. Gives whether its handshake was done. */
static bool peer_leaves(struct ptd_node *n, struct node_peer *np)
{
    bool was_ready;

    ptd_mutex_lock(&n->mu);
    np->leaving = true;
    was_ready = np->ready;
    ptd_mutex_unlock(&n->mu);
    if (np->token != 0)
        ptd_connmgr_gone(n->connmgr, np->token);
    ptd_inlimit_release(n->inlimit, &np->pass);
    gossip_gone(np);
    return was_ready;
}

/* Take it off every list: from here on only its own threads know it. */
static void peer_out(struct ptd_node *n, struct node_peer *np, bool was_ready,
                     const struct ptd_peer_stats *st)
{
    ptd_mutex_lock(&n->mu);
    ptd_list_remove(&np->link);
    if (node_peer_is_in(np))
        n->n_in--;
    else
        n->n_out--;
    if (was_ready && !node_peer_is_in(np))
        n->n_out_ready--;
    n->gone_recv += st->bytes_recv;
    n->gone_sent += st->bytes_sent;
    ptd_mutex_unlock(&n->mu);
}

void node_peer_free(struct node_peer *np)
{
    ptd_relay_peer_free(np->relay);
    ptd_sync_peer_free(np->sync);
    ptd_peer_free(np->peer);
    ptd_free(np->name);
    ptd_free(np);
}

/* ---- who comes ------------------------------------------------------------- */

/* All that is known before the first byte. Takes the event's name. */
static struct node_peer *peer_make(struct ptd_node *n, struct server_event *ev)
{
    struct node_peer *np = ptd_calloc(1, sizeof *np);

    if (np == NULL)
        return NULL;
    np->node = n;
    np->token = ev->token;
    np->type = ev->type;
    np->via_proxy = ev->via_proxy;
    np->claimed = ev->services;
    np->name = ev->name;
    ev->name = NULL;
    np->group = node_group_of(n, &ev->addr);
    (void)!ptd_addr_local(&np->here, ev->fd);
    ptd_addrbucket_init(&np->bucket, ptd_clock_now_us(n->clk));
    return np;
}

/* Start its threads; it is listed by then, so that its first words find it. */
static enum ptd_err peer_start(struct ptd_node *n, struct node_peer *np,
                               const struct server_event *ev)
{
    char text[PTD_NETADDR_TEXT + 16];
    struct ptd_peer_config cfg;
    enum ptd_err e = PTD_ENOMEM;

    np->sync = node_sync_peer_new(np);
    np->relay = node_relay_peer_new(np, &ev->addr);
    if (np->sync != NULL && np->relay != NULL) {
        node_peer_config(n, &cfg, np);
        e = gossip_reserve(n);
    }
    if (e == PTD_OK)
        e = ptd_peer_new(&np->peer, n->env, &cfg,
                         node_peer_is_in(np) ? PTD_INBOUND : PTD_OUTBOUND,
                         &ev->addr);
    if (e != PTD_OK) {
        ptd_log_warn_every(60, "No memory for another peer");
        close(ev->fd);
        return e;
    }
    ptd_peer_set_user(np->peer, np);
    ptd_sync_peer_attach(np->sync, np->peer);
    ptd_relay_peer_attach(np->relay, np->peer);
    peer_in(n, np);
    ptd_log_debug("Added connection %s%s", ptd_peer_name(np->peer),
                  node_peer_addr_text(np, text, sizeof text));
    e = ptd_peer_attach(np->peer, ev->fd);
    if (e != PTD_OK) {
        struct ptd_peer_stats none = { 0 };

        ptd_log_warn_every(60, "%s cannot start: %s", ptd_peer_name(np->peer),
                           ptd_err_text(e));
        peer_out(n, np, false, &none);
    } else if (!ptd_connmgr_is_active(n->connmgr)) {
        /* Who switched the network off may not have seen it in the list. */
        ptd_peer_disconnect(np->peer, PTD_ECLOSED, "network is switched off");
    }
    return e;
}

/* It never was. */
static void peer_fails(struct ptd_node *n, struct node_peer *np)
{
    if (np->token != 0)
        ptd_connmgr_gone(n->connmgr, np->token);
    ptd_inlimit_release(n->inlimit, &np->pass);
    node_peer_free(np);
}

static void accepted(struct ptd_node *n, struct server_event *ev)
{
    const struct node_listener *l = &n->bound[ev->listener];
    struct ptd_inlimit_pass pass = { 0 };
    struct node_peer *np;
    unsigned permissions;
    bool discouraged;

    if (n->cfg->cjdns_reachable)
        ptd_netaddr_ipv6_to_cjdns(&ev->addr);
    permissions = node_permissions_in(n, l, &ev->addr);
    if (!admit_inbound(n, ev, permissions, &discouraged, &pass)) {
        close(ev->fd);
        return;
    }
    ev->type = PTD_LINK_INBOUND;
    if ((np = peer_make(n, ev)) == NULL) {
        ptd_inlimit_release(n->inlimit, &pass);
        close(ev->fd);
        return;
    }
    np->pass = pass;
    np->permissions = permissions;
    np->is_onion = l->for_onion;
    np->was_discouraged = discouraged;
    if (peer_start(n, np, ev) != PTD_OK)
        peer_fails(n, np);
}

static void dialled(struct ptd_node *n, struct server_event *ev)
{
    struct node_peer *np = peer_make(n, ev);

    if (np == NULL) {
        ptd_free(ev->name);
        close(ev->fd);
        ptd_connmgr_gone(n->connmgr, ev->token);
        return;
    }
    if (np->type == PTD_LINK_MANUAL)
        np->permissions = node_permissions_out(n, &ev->addr);
    if (peer_start(n, np, ev) != PTD_OK)
        peer_fails(n, np);
}

/* ---- who goes -------------------------------------------------------------- */

/* A connection that lasted tells that the address is good. Not while it lasts:
 * others could see by the time whom we have. Of block-relay-only ones nobody is
 * to know. */
static void note_good_end(struct ptd_node *n, const struct node_peer *np,
                          bool was_ready)
{
    const struct ptd_netaddr *na = ptd_peer_addr(np->peer);

    if (was_ready && !node_peer_is_in(np) && np->type != PTD_LINK_BLOCK_RELAY &&
        na->net != PTD_NET_NONE)
        ptd_addrmgr_connected(n->addrmgr, na);
}

/* Join a peer whose last thread is leaving. */
static void gone(struct ptd_node *n, struct node_peer *np)
{
    int64_t id = ptd_peer_id(np->peer);
    struct ptd_peer_stats st;
    bool was_ready;

    ptd_peer_stats(np->peer, &st);
    was_ready = peer_leaves(n, np);
    ptd_sync_peer_gone(np->sync);
    ptd_relay_peer_gone(np->relay);
    note_good_end(n, np, was_ready);
    peer_out(n, np, was_ready, &st);
    ptd_log_debug("Cleared nodestate for %s", ptd_peer_name(np->peer));
    ptd_peer_join(np->peer);
    node_peer_free(np);
    node_tell(n, PTD_NODE_PEER_GONE, id, -1);
}

/* Disconnecting waits for nothing, so the lock may be held. */
static void disconnect_all(struct ptd_node *n)
{
    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    ptd_peer_disconnect(np->peer, PTD_ECLOSED, "node is stopping");
    ptd_mutex_unlock(&n->mu);
}

static bool has_peers(struct ptd_node *n)
{
    bool any;

    ptd_mutex_lock(&n->mu);
    any = !ptd_list_is_empty(&n->peers);
    ptd_mutex_unlock(&n->mu);
    return any;
}

void node_server_main(void *node)
{
    struct ptd_node *n = node;
    struct server_event ev;
    bool stopping = false;

    while (!stopping || has_peers(n)) {
        if (ptd_chan_recv(n->server_q, &ev) != PTD_OK)
            return;
        switch (ev.what) {
        case SERVER_ACCEPTED: accepted(n, &ev); break;
        case SERVER_DIALLED: dialled(n, &ev); break;
        case SERVER_GONE: gone(n, ev.np); break;
        case SERVER_SETTLE:
            ptd_chan_close(ev.done);
            ptd_chan_free(ev.done);
            break;
        case SERVER_STOP:
            stopping = true;
            disconnect_all(n);
            break;
        }
    }
}
