/* Transactions in a node: what their relay asks of it, and is told. */
#include <config.h>

#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "node/datadir.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(TXMP);

_Static_assert((int)PTD_RELAY_NETS > (int)PTD_NET_YGGDRASIL,
               "each network has its time");

static enum ptd_err misbehaved(void *node, void *user, enum ptd_err e,
                               const char *why)
{
    (void)node;
    return node_misbehaved(user, e, "%s", why);
}

static bool upload_is_reached(void *node)
{
    struct ptd_node *n = node;
    struct ptd_upload_info info;

    ptd_netsync_upload(n->netsync, &info);
    return info.reached;
}

static void pool_changed(void *node, const struct ptd_pool_tx *t, bool added,
                         uint64_t sequence)
{
    if (added)
        node_publish_tx_added(node, &t->txid, t->msg, sequence);
    else
        node_publish_tx_removed(node, &t->txid, sequence);
}

/* ---- start, and stop ------------------------------------------------- */

enum ptd_err node_relay_make(struct ptd_node *n)
{
    struct ptd_relay_config cfg = {
        .chain = n->chain,
        .clock = n->clk,
        .blocks_only = n->cfg->blocks_only,
        .arg = n,
        .misbehaved = misbehaved,
        .upload_is_reached = upload_is_reached,
    };

    ptd_pool_config_init(&cfg.pool);
    cfg.pool.changed = pool_changed;
    cfg.pool.arg = n;
    cfg.pool.max_bytes = n->cfg->max_pool_bytes;
    cfg.pool.expiry_s = n->cfg->pool_expiry_s;
    cfg.pool.min_fee_rate = n->cfg->min_relay_fee;
    n->relay = ptd_relay_new(&cfg);
    return n->relay != NULL ? PTD_OK : PTD_ENOMEM;
}

/* Those of the last run; or of one before, whose file another has not renewed.
 */
static void load(struct ptd_node *n)
{
    struct ptd_pool_place at;
    struct ptd_pool_info info;
    struct stat st;
    enum ptd_err e;

    if (stat(n->pool_path, &st) != 0)
        st.st_mtime = 0;
    ptd_relay_place(n->relay, &at);
    e = ptd_pool_load(ptd_relay_pool(n->relay), n->pool_path, &at);
    ptd_pool_info(ptd_relay_pool(n->relay), &info);
    if (e == PTD_OK && info.n > 0)
        ptd_relay_catch_up(n->relay, st.st_mtime);
    if (e == PTD_OK || e == PTD_ENOTFOUND)
        return;
    ptd_log_warn("Failed to deserialize mempool data on file: %s: %s. "
                 "Continuing anyway.",
                 n->pool_path, ptd_err_text(e));
    (void)!ptd_file_set_aside(n->pool_path);
}

enum ptd_err node_relay_start(struct ptd_node *n)
{
    if (n->cfg->persist_pool && n->cfg->netdir != NULL) {
        n->pool_path = ptd_path_join(n->cfg->netdir, "mempool.dat");
        if (n->pool_path == NULL)
            return PTD_ENOMEM;
        load(n);
    }
    return ptd_relay_start(n->relay);
}

void node_relay_stop(struct ptd_node *n)
{
    if (n->relay == NULL)
        return;
    ptd_relay_stop(n->relay);
    if (n->pool_path != NULL)
        (void)!ptd_pool_save(ptd_relay_pool(n->relay), n->pool_path);
    ptd_free(n->pool_path);
    n->pool_path = NULL;
}

/* ---- peers ------------------------------------------------------------- */

/* Filters are for those only whom the user allows them, if not for all. */
uint64_t node_services_for(const struct node_peer *np)
{
    uint64_t s = ptd_node_services(np->node);

    return node_peer_may(np, PTD_MAY_BLOOM) ? s | PTD_NODE_BLOOM : s;
}

struct ptd_relay_peer *node_relay_peer_new(struct node_peer *np,
                                           const struct ptd_netaddr *na)
{
    const struct ptd_relay_peer_config cfg = {
        .user = np,
        .outbound = !node_peer_is_in(np),
        .net = np->is_onion ? PTD_NET_TORV3 : na->net,
        .no_txs = np->type == PTD_LINK_BLOCK_RELAY ||
                  np->type == PTD_LINK_FEELER ||
                  np->type == PTD_LINK_ADDR_FETCH,
        .offers_bloom = (node_services_for(np) & PTD_NODE_BLOOM) != 0,
        .noban = node_peer_may(np, PTD_MAY_NOBAN),
        .relay = node_peer_may(np, PTD_MAY_RELAY),
        .force_relay = node_peer_may(np, PTD_MAY_FORCE_RELAY),
        .mempool = node_peer_may(np, PTD_MAY_MEMPOOL),
    };

    return ptd_relay_peer_new(np->node->relay, &cfg);
}

struct ptd_relay *ptd_node_relay(struct ptd_node *n)
{
    return n->relay;
}
