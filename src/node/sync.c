/* Who follows the chain: what netsync asks of the node, and tells it. */
#include <config.h>

#include <inttypes.h>

#include "base/util.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

/* ---- what happens ---------------------------------------------------- */

/* The node is at the end of the chain, and has a place in the network. */
static void caught_up(struct ptd_node *n)
{
    gossip_current(n);
    if (n->connmgr != NULL)
        ptd_connmgr_start_extra_block_relay(n->connmgr);
}

void node_sync_tip(struct ptd_node *n, const struct ptd_tip_change *t)
{
    if (n->netsync == NULL)
        return;
    ptd_relay_tip(n->relay, t);
    ptd_netsync_tip(n->netsync, t);
    if (!t->initial_download)
        caught_up(n);
}

static uint64_t services(void *node)
{
    return ptd_node_services(node);
}

static enum ptd_err misbehaved(void *node, void *user, enum ptd_err e,
                               const char *why)
{
    if (e == PTD_EBADVALUE) /* perhaps a block of a branch that is invalid */
        ptd_node_check_branches(node);
    return node_misbehaved(user, e, "%s", why);
}

static void want_peer(void *node, bool wanted)
{
    struct ptd_node *n = node;

    ptd_connmgr_want_extra_peer(n->connmgr, wanted);
}

static void on_headers(void *node, void *user, uint32_t height)
{
    struct node_peer *np = user;

    node_tell(node, PTD_NODE_NEW_TIP, ptd_peer_id(np->peer), (int32_t)height);
}

static void on_block(void *node, void *user, const struct ptd_hash *hash,
                     uint32_t height)
{
    struct node_peer *np = user;

    (void)hash;
    node_tell(node, PTD_NODE_BLOCK, ptd_peer_id(np->peer), (int32_t)height);
}

static enum ptd_err may_filter(void *node, void *user, bool *has)
{
    struct node_peer *np = user;

    (void)node;
    return ptd_relay_may_filter(np->relay, has);
}

static enum ptd_err send_filtered(void *node, void *user,
                                  const struct ptd_msg_block *block)
{
    struct node_peer *np = user;

    (void)node;
    return ptd_relay_send_filtered(np->relay, block);
}

static void each_tx(void *node, ptd_sync_take_tx take, void *ctx)
{
    struct ptd_node *n = node;

    ptd_relay_each_tx(n->relay, take, ctx);
}

/* Going on would lose what comes: the user has to see to the disk. */
static void trouble(void *node)
{
    struct ptd_node *n = node;
    char why[PTD_CHAIN_WHY_SIZE];

    if (!ptd_blockchain_trouble(n->chain, why))
        return;
    ptd_log_error("A fatal error occurred: %s", why);
    ptd_node_program_stop();
}

/* ---- start, and stop ------------------------------------------------- */

enum ptd_err node_sync_start(struct ptd_node *n)
{
    unsigned max = n->cfg->max_connections;
    unsigned max_full = PTD_MIN(max, (unsigned)PTD_MAX_FULL_RELAY);
    const struct ptd_netsync_config cfg = {
        .chain = n->chain,
        .clock = n->clk,
        .max_full_relay = max_full,
        .max_block_relay =
            PTD_MIN(max - max_full, (unsigned)PTD_MAX_BLOCK_RELAY),
        .blocks_only = n->cfg->blocks_only,
        .max_upload_bytes = n->cfg->max_upload_bytes,
        .arg = n,
        .services = services,
        .misbehaved = misbehaved,
        .want_peer = want_peer,
        .on_headers = on_headers,
        .on_block = on_block,
        .trouble = trouble,
        .may_filter = may_filter,
        .send_filtered = send_filtered,
        .each_tx = each_tx,
    };

    n->netsync = ptd_netsync_new(&cfg);
    if (n->netsync == NULL)
        return PTD_ENOMEM;
    if (!ptd_blockchain_is_initial_download(n->chain))
        caught_up(n);
    return ptd_netsync_start(n->netsync);
}

void node_sync_stop(struct ptd_node *n)
{
    if (n->netsync != NULL)
        ptd_netsync_stop(n->netsync);
}

struct ptd_sync_peer *node_sync_peer_new(struct node_peer *np)
{
    const struct ptd_sync_peer_config cfg = {
        .user = np,
        .outbound = !node_peer_is_in(np),
        .block_relay_only = np->type == PTD_LINK_BLOCK_RELAY,
        .manual = np->type == PTD_LINK_MANUAL,
        .passing =
            np->type == PTD_LINK_FEELER || np->type == PTD_LINK_ADDR_FETCH,
        .noban = node_peer_may(np, PTD_MAY_NOBAN),
        .download = node_peer_may(np, PTD_MAY_DOWNLOAD),
        .relay = node_peer_may(np, PTD_MAY_RELAY),
    };

    return ptd_sync_peer_new(np->node->netsync, &cfg);
}

/* ---- looking at it --------------------------------------------------- */

struct ptd_blockchain *ptd_node_chain(struct ptd_node *n)
{
    return n->chain;
}

struct ptd_headers *ptd_node_headers(struct ptd_node *n)
{
    return n->headers;
}

struct ptd_netsync *ptd_node_netsync(struct ptd_node *n)
{
    return n->netsync;
}

struct ptd_publisher *ptd_node_publisher(struct ptd_node *n)
{
    return n->publisher;
}

uint64_t ptd_node_services(struct ptd_node *n)
{
    uint64_t s = PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS;

    if (n->cfg->peer_bloom_filters)
        s |= PTD_NODE_BLOOM;
    return n->cfg->prune_bytes == 0 ? s | PTD_NODE_NETWORK : s;
}

void ptd_node_upload(struct ptd_node *n, struct ptd_node_upload *out)
{
    enum { DAY_S = 24 * 60 * 60 };
    struct ptd_upload_info info;

    ptd_netsync_upload(n->netsync, &info);
    *out = (struct ptd_node_upload){
        .target_bytes = info.target_bytes,
        .left_bytes = info.left_bytes,
        .period_s = DAY_S,
        .left_s = info.left_s,
        .reached = info.reached,
        .serves_old = info.serves_history,
    };
}
