/* The server thread: owns every peer, from the connected socket to the join.
 *
 * It alone makes, joins and frees peers, and it does nothing that waits for
 * one: it goes on receiving while peers end, so that a callback that reports
 * to it is never stuck. */
#include <config.h>

#include <unistd.h>

#include "base/alloc.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

static void peer_in(struct ptd_node *n, struct node_peer *np)
{
    ptd_mutex_lock(&n->mu);
    ptd_list_append(&n->peers, &np->link);
    if (np->slot < 0)
        n->n_in++;
    else
        n->n_out++;
    ptd_mutex_unlock(&n->mu);
}

/* Take it off every list: from here on only its own threads know it. Gives
 * whether its handshake was done. */
static bool peer_out(struct ptd_node *n, struct node_peer *np)
{
    bool was_ready;

    ptd_mutex_lock(&n->mu);
    ptd_list_remove(&np->link);
    if (np->slot < 0)
        n->n_in--;
    else
        n->n_out--;
    was_ready = np->ready;
    if (was_ready && np->slot >= 0)
        n->n_out_ready--;
    ptd_mutex_unlock(&n->mu);
    return was_ready;
}

static bool is_full(struct ptd_node *n)
{
    unsigned max = n->cfg->max_connections;
    size_t room = max - PTD_MIN(max, PTD_NODE_RESERVED);
    bool full;

    ptd_mutex_lock(&n->mu);
    full = n->n_in >= room;
    ptd_mutex_unlock(&n->mu);
    return full;
}

static struct node_peer *peer_new(struct ptd_node *n,
                                  const struct server_event *ev)
{
    struct node_peer *np = ptd_calloc(1, sizeof *np);
    struct ptd_peer_config cfg;

    if (np == NULL)
        return NULL;
    np->node = n;
    np->slot = ev->slot;
    np->manual = ev->manual;
    np->best_height = -1;
    np->lacks_from = INT32_MAX;
    node_peer_config(n, &cfg, np);
    if (ptd_peer_new(&np->peer, n->env, &cfg,
                     ev->slot < 0 ? PTD_INBOUND : PTD_OUTBOUND,
                     &ev->addr) != PTD_OK) {
        ptd_free(np);
        return NULL;
    }
    ptd_peer_set_user(np->peer, np);
    return np;
}

/* A socket has come: accepted, or dialled for a slot. */
static void connected(struct ptd_node *n, const struct server_event *ev)
{
    char text[PTD_NETADDR_TEXT + 16];
    struct node_peer *np;
    enum ptd_err e;

    if (ev->slot < 0 && is_full(n)) {
        ptd_log_debug_every(1, "connection dropped (full)");
        close(ev->fd);
        return;
    }
    if ((np = peer_new(n, ev)) == NULL) {
        ptd_log_warn_every(60, "No memory for another peer");
        close(ev->fd);
        if (ev->slot >= 0)
            node_conns_gone(n, ev->slot, false);
        return;
    }
    peer_in(n, np);
    ptd_log_debug("Added connection %s%s", ptd_peer_name(np->peer),
                  node_peer_addr_text(np, text, sizeof text));
    if ((e = ptd_peer_attach(np->peer, ev->fd)) == PTD_OK)
        return;
    ptd_log_warn_every(60, "%s cannot start: %s", ptd_peer_name(np->peer),
                       ptd_err_text(e));
    (void)peer_out(n, np);
    ptd_peer_free(np->peer);
    ptd_free(np);
    if (ev->slot >= 0)
        node_conns_gone(n, ev->slot, false);
}

/* Join a peer whose last thread is leaving. */
static void gone(struct ptd_node *n, struct node_peer *np)
{
    int64_t id = ptd_peer_id(np->peer);
    struct ptd_peer_stats st;
    int slot = np->slot;
    bool was_ready;

    ptd_peer_stats(np->peer, &st);
    was_ready = peer_out(n, np);
    follow_gone(np);
    fetch_gone(np);
    ptd_log_info("%s disconnected: %s", ptd_peer_name(np->peer), st.end_why);
    ptd_peer_join(np->peer);
    ptd_peer_free(np->peer);
    ptd_free(np);
    if (slot >= 0)
        node_conns_gone(n, slot, was_ready);
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
        case SERVER_ACCEPTED:
        case SERVER_DIALLED: connected(n, &ev); break;
        case SERVER_GONE: gone(n, ev.np); break;
        case SERVER_STOP:
            stopping = true;
            disconnect_all(n);
            break;
        }
    }
}
