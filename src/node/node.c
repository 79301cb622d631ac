/* Start order and stop order of everything that a node is made of. */
#include <config.h>

#include "node/node.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "chain/chain.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

/* ---- looking at it ------------------------------------------------------- */

bool ptd_node_bound(const struct ptd_node *n, size_t i, struct ptd_netaddr *out)
{
    if (i >= n->n_bound)
        return false;
    *out = n->bound[i].at;
    return true;
}

size_t ptd_node_peers(struct ptd_node *n, struct ptd_peer ***peers)
{
    size_t k = 0;

    *peers = NULL;
    ptd_mutex_lock(&n->mu);
    if (n->n_in + n->n_out > 0)
        *peers = ptd_alloc_array(n->n_in + n->n_out, sizeof(struct ptd_peer *));
    if (*peers != NULL)
        PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    (*peers)[k++] = ptd_peer_ref(np->peer);
    ptd_mutex_unlock(&n->mu);
    return k;
}

void node_tell(struct ptd_node *n, enum ptd_node_what what, int64_t peer,
               int32_t height)
{
    struct ptd_node_event ev = { what, peer, height };

    if (n->cfg->events != NULL)
        (void)!ptd_chan_try_send(n->cfg->events, &ev);
}

/* ---- parts --------------------------------------------------------------- */

static enum ptd_err make_env(struct ptd_node *n)
{
    struct ptd_env_config cfg;

    ptd_env_config_init(&cfg);
    cfg.clock = n->clk;
    n->env = ptd_env_new(&cfg);
    return n->env != NULL ? PTD_OK : PTD_ENOMEM;
}

static enum ptd_err make_clock(struct ptd_node *n)
{
    n->clk = n->cfg->clock;
    if (n->clk == NULL) {
        n->clk = ptd_clock_new();
        n->owns_clock = true;
    }
    if (n->clk == NULL)
        return PTD_ENOMEM;
    if (n->cfg->mock_time_s > 0)
        ptd_clock_set_wall_us(n->clk, n->cfg->mock_time_s * 1000000);
    return PTD_OK;
}

static enum ptd_err make_parts(struct ptd_node *n, struct ptd_complaint *why)
{
    enum ptd_err e;

    if ((e = make_clock(n)) != PTD_OK || (e = make_env(n)) != PTD_OK)
        return e;
    if ((e = ptd_latch_init(&n->stop)) != PTD_OK)
        return e;
    n->has_stop = true;
    n->gossip_wake = ptd_chan_new(0, 1);
    n->server_q = ptd_chan_new(sizeof(struct server_event), NODE_SERVER_QUEUE);
    n->quit = ptd_chan_new(0, 0);
    if (n->gossip_wake == NULL || n->server_q == NULL || n->quit == NULL)
        return PTD_ENOMEM;
    n->start_s = ptd_clock_wall_s(n->clk);
    n->k0 = ptd_random_u64();
    n->k1 = ptd_random_u64();
    if ((e = book_open(n, why)) != PTD_OK)
        return e;
    return node_connmgr_make(n);
}

/* In the reverse order; NULL and what was never made are harmless. */
static void free_parts(struct ptd_node *n)
{
    ptd_connmgr_free(n->connmgr);
    node_accept_fini(n);
    ptd_relay_free(n->relay);
    ptd_netsync_free(n->netsync);
    ptd_blockchain_close(n->chain);
    book_close(n);
    ptd_chan_free(n->gossip_wake);
    ptd_chan_free(n->quit);
    ptd_chan_free(n->server_q);
    if (n->has_stop)
        ptd_latch_fini(&n->stop);
    ptd_env_free(n->env);
    if (n->owns_clock)
        ptd_clock_free(n->clk);
}

/* ---- start --------------------------------------------------------------- */

/* Sockets first: a port that is taken is found out before anything runs. Then
 * the server, which everybody reports to; whoever brings it peers comes last. */
static enum ptd_err start_all(struct ptd_node *n, struct ptd_complaint *why)
{
    enum ptd_err e;

    (void)ptd_complain(why, "Out of memory, descriptors or threads.");
    if ((e = make_parts(n, why)) != PTD_OK ||
        (e = node_chain_open(n, why)) != PTD_OK ||
        (e = node_relay_make(n)) != PTD_OK ||
        (e = node_publish_start(n)) != PTD_OK ||
        (e = node_sync_start(n)) != PTD_OK ||
        (e = node_relay_start(n)) != PTD_OK ||
        (e = node_listen(n, why)) != PTD_OK ||
        (e = book_own_addresses(n)) != PTD_OK ||
        (e = ptd_thread_start(&n->server_thread, NULL, "server",
                              node_server_main, n)) != PTD_OK ||
        (e = gossip_start(n)) != PTD_OK ||
        (e = node_accept_start(n)) != PTD_OK ||
        (e = node_chain_start(n)) != PTD_OK ||
        (e = ptd_connmgr_start(n->connmgr)) != PTD_OK)
        return e;
    return n->cfg->peer_table ? node_table_start(n) : PTD_OK;
}

enum ptd_err ptd_node_start(struct ptd_node **out,
                            const struct ptd_node_config *cfg,
                            struct ptd_complaint *why)
{
    struct ptd_node *n = ptd_calloc(1, sizeof *n);
    enum ptd_err e;

    if (n == NULL) {
        (void)ptd_complain(why, "Out of memory.");
        return PTD_ENOMEM;
    }
    n->cfg = cfg;
    ptd_mutex_init(&n->mu, PTD_RANK_NODE);
    ptd_mutex_lock(&n->mu);
    ptd_list_init(&n->peers);
    ptd_mutex_unlock(&n->mu);
    if ((e = start_all(n, why)) != PTD_OK) {
        ptd_node_stop(n);
        return e;
    }
    ptd_log_info("Chain %s: height %" PRIu32 ", block headers: height %" PRIu32,
                 cfg->params->name, ptd_blockchain_height(n->chain),
                 ptd_headers_height(n->headers));
    *out = n;
    return PTD_OK;
}

void ptd_node_interrupt(struct ptd_node *n)
{
    atomic_store(&n->chain_stop, true);
    ptd_connmgr_stop(n->connmgr);
}

/* ---- stop ---------------------------------------------------------------- */

/* First those who bring peers, then the server, which ends the peers and goes
 * on until the last is joined. */
void ptd_node_stop(struct ptd_node *n)
{
    const struct server_event stop = { .what = SERVER_STOP };

    if (n == NULL)
        return;
    if (n->quit != NULL)
        ptd_chan_close(n->quit);
    if (n->has_stop)
        ptd_latch_set(&n->stop);
    node_table_join(n);
    ptd_portmap_stop(n->portmap);
    if (n->connmgr != NULL) {
        ptd_connmgr_stop(n->connmgr);
        ptd_connmgr_join(n->connmgr);
        node_anchors_save(n);
    }
    node_chain_stop(n);
    ptd_thread_join(&n->accept_thread);
    ptd_thread_join(&n->gossip_thread);
    if (n->server_thread.started)
        (void)!ptd_chan_send(n->server_q, &stop);
    ptd_thread_join(&n->server_thread);
    node_relay_stop(n);
    node_sync_stop(n);
    node_publish_stop(n);
    book_save(n);
    ptd_mutex_lock(&n->mu);
    ptd_free(n->due);
    ptd_mutex_unlock(&n->mu);
    free_parts(n);
    ptd_mutex_fini(&n->mu);
    ptd_free(n);
}
