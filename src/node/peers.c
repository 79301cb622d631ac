/* Where peers come from and where they go: accept, dial, server. */
#include <config.h>

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"
#include "net/resolve.h"
#include "node/node_int.h"

PTD_LOG_TAG(SRVR);

#define SECONDS(n)   ((n)*INT64_C(1000000))
#define RETRY_US     SECONDS(5)   /* times the number of failures, … */
#define RETRY_MAX_US SECONDS(300) /* … at most, as btcd */
enum { DIAL_TIMEOUT_MS = 5000 };

static void node_config(struct ptd_peer_config *cfg, struct node_peer *np)
{
    const struct node_options *o = &np->node->o;

    ptd_peer_config_init(cfg, o->params);
    cfg->services = PTD_NODE_WITNESS;
    cfg->user_agent = np->node->agent;
    cfg->min_pver = 31800;
    cfg->conduct = PTD_CONDUCT_TOLERANT;
    cfg->hide_addr = o->proxy != NULL;
    cfg->handshake_us = SECONDS(o->peer_timeout_s);
    cfg->grace_us = SECONDS(o->peer_timeout_s);
    cfg->idle_us = cfg->pong_us = SECONDS(20 * 60);
    cfg->first_ping_us = 0;
    node_listen_to(cfg, np);
}

static void drop(struct node_peer *np)
{
    struct node *n = np->node;

    ptd_mutex_lock(&n->mu);
    ptd_list_remove(&np->link);
    n->n_peers--;
    ptd_mutex_unlock(&n->mu);
    ptd_peer_free(np->peer);
    ptd_free(np);
}

static bool has_room(struct node *n)
{
    bool has;

    ptd_mutex_lock(&n->mu);
    has = n->n_peers < (size_t)n->o.max_connections;
    ptd_mutex_unlock(&n->mu);
    return has;
}

enum ptd_err node_add_peer(struct node *n, int fd, enum ptd_direction dir,
                           const struct ptd_netaddr *remote,
                           struct ptd_chan *gone)
{
    struct node_peer *np = ptd_calloc(1, sizeof *np);
    struct ptd_peer_config cfg;
    enum ptd_err e = PTD_ENOMEM;

    if (np == NULL)
        goto close_fd;
    np->node = n;
    np->gone = gone;
    node_config(&cfg, np);
    if ((e = ptd_peer_new(&np->peer, n->env, &cfg, dir, remote)) != PTD_OK)
        goto free_np;
    ptd_mutex_lock(&n->mu);
    ptd_list_append(&n->peers, &np->link);
    n->n_peers++;
    ptd_mutex_unlock(&n->mu);
    ptd_log_debug("Added connection %s", ptd_peer_name(np->peer));
    if ((e = ptd_peer_attach(np->peer, fd)) != PTD_OK)
        drop(np); /* no thread ran: nobody else knows it */
    return e;

free_np:
    ptd_free(np);
close_fd:
    close(fd);
    return e;
}

void node_accept_main(void *arg)
{
    struct node *n = arg;
    struct ptd_netaddr remote;
    enum ptd_err e;
    int fd;

    while ((e = ptd_accept(&n->acceptor, &fd, &remote, NULL, &n->stop)) !=
               PTD_ECLOSED &&
           e != PTD_EIO) {
        if (e != PTD_OK) {
            ptd_log_warn_every(60, "accept: %s", ptd_err_text(e));
        } else if (!has_room(n)) {
            ptd_log_debug("connection dropped: full");
            close(fd);
        } else if ((e = node_add_peer(n, fd, PTD_INBOUND, &remote, NULL)) !=
                   PTD_OK) {
            ptd_log_warn_every(60, "connection refused: %s", ptd_err_text(e));
        }
    }
}

/* Address or name; a name is looked up by the proxy, if there is one. */
static enum ptd_err call(struct dial *d, int *fd, struct ptd_netaddr *remote)
{
    struct node *n = d->node;
    struct ptd_dial_target to = { .host = NULL };
    struct ptd_dial_why why = { .text = "" };
    uint16_t port = n->o.params->port;
    char host[256];
    enum ptd_err e;

    if (ptd_netaddr_parse(&to.na, d->target, port) != PTD_OK) {
        memset(&to.na, 0, sizeof to.na);
        e = ptd_hostport_split(d->target, host, sizeof host, &to.port, port);
        if (e != PTD_OK)
            return e;
        to.host = host;
    }
    *remote = to.na;
    e = ptd_dial(fd, &to, n->o.proxy != NULL ? &n->proxy : NULL,
                 DIAL_TIMEOUT_MS, &n->stop, &why);
    if (e != PTD_OK && e != PTD_ECLOSED)
        ptd_log_info("connection to %s failed: %s",
                     n->o.logips ? d->target : "a node",
                     why.text[0] != '\0' ? why.text : ptd_err_text(e));
    return e;
}

/* Keep one connection: dial, wait until the peer is gone, dial again. */
void node_dial_main(void *arg)
{
    struct dial *d = arg;
    struct node *n = d->node;
    int64_t wait, n_failed = 0;

    do {
        struct ptd_netaddr remote;
        enum ptd_err e;
        int fd;

        e = call(d, &fd, &remote);
        if (e == PTD_OK)
            e = node_add_peer(n, fd, PTD_OUTBOUND, &remote, d->gone);
        if (e == PTD_OK) {
            (void)!ptd_chan_recv(d->gone, NULL);
            n_failed = 0;
        }
        n_failed++;
        wait = PTD_MIN(RETRY_US * n_failed, RETRY_MAX_US);
    } while (ptd_chan_recv_until(n->quit, NULL, NULL,
                                 ptd_clock_now_us(NULL) + wait) ==
             PTD_ETIMEOUT);
}

static void say_farewell(struct node *n, struct ptd_peer *p)
{
    struct ptd_peer_stats *s = ptd_alloc(sizeof *s);
    char addr[PTD_NETADDR_TEXT];

    if (s == NULL)
        return;
    ptd_peer_stats(p, s);
    ptd_log_info("disconnected %s: %s%s%s", ptd_peer_name(p), s->end_why,
                 n->o.logips ? ", peeraddr=" : "",
                 n->o.logips ? ptd_netaddr_format(&s->addr, addr, sizeof addr)
                             : "");
    ptd_free(s);
}

static size_t count(struct node *n)
{
    size_t n_peers;

    ptd_mutex_lock(&n->mu);
    n_peers = n->n_peers;
    ptd_mutex_unlock(&n->mu);
    return n_peers;
}

void node_server_main(void *arg)
{
    struct node *n = arg;
    struct node_peer *np;
    bool is_over = false;

    while (!is_over || count(n) > 0) {
        struct ptd_chan *gone;

        if (ptd_chan_recv(n->events, &np) != PTD_OK)
            return;
        if (np == NULL) {
            is_over = true;
            continue;
        }
        gone = np->gone;
        ptd_peer_join(np->peer);
        say_farewell(n, np->peer);
        drop(np);
        if (gone != NULL)
            (void)!ptd_chan_try_send(gone, NULL);
    }
}
