/* The chain and who follows it: opened before peers come, closed after they
 * have gone; what netsync asks of the node, and tells it. */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "node/datadir.h"
#include "node/node_int.h"
#include "node/notify.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

/* ---- rules of a network, as the user wants them ------------------------------ */

/* "segwit@120"; it was checked when it was read. */
static void set_height(struct ptd_params *params, const char *text)
{
    struct {
        const char *name;
        uint32_t *height;
    } rules[] = {
        { "segwit@", &params->segwit_height },
        { "bip34@", &params->bip34_height },
        { "dersig@", &params->bip66_height },
        { "cltv@", &params->bip65_height },
        { "csv@", &params->csv_height },
    };

    for (size_t i = 0; i < PTD_COUNT(rules); i++) {
        size_t n = strlen(rules[i].name);

        if (strncmp(text, rules[i].name, n) == 0)
            *rules[i].height = (uint32_t)strtoul(text + n, NULL, 10);
    }
}

static void set_params(struct ptd_node *n)
{
    const struct ptd_node_config *cfg = n->cfg;

    n->params = *cfg->params;
    if (cfg->has_min_chain_work)
        n->params.min_chain_work = cfg->min_chain_work;
    for (size_t i = 0; i < cfg->activation_height.n; i++)
        set_height(&n->params, cfg->activation_height.v[i]);
}

/* ---- what happens --------------------------------------------------------------- */

static void stop_at_height(struct ptd_node *n, uint32_t height)
{
    if (n->cfg->stop_at_height > 0 && height >= n->cfg->stop_at_height &&
        n->cfg->on_finished != NULL)
        n->cfg->on_finished(n->cfg->on_finished_arg);
}

/* The node is at the end of the chain, and has a place in the network. */
static void caught_up(struct ptd_node *n)
{
    gossip_current(n);
    if (n->connmgr != NULL)
        ptd_connmgr_start_extra_block_relay(n->connmgr);
}

static void on_tip(void *node, const struct ptd_tip_change *t)
{
    struct ptd_node *n = node;
    char hex[PTD_HASH_HEX_SIZE];

    ptd_log_info("UpdateTip: new best=%s height=%" PRIu32,
                 ptd_hash_to_hex(&t->new_tip, hex), t->new_height);
    if (n->netsync != NULL)
        ptd_netsync_tip(n->netsync, t);
    if (!t->initial_download) {
        caught_up(n);
        ptd_notify(n->cfg->notifier, n->cfg->block_notify, hex);
    }
    stop_at_height(n, t->new_height);
}

static uint64_t services(void *node)
{
    return ptd_node_services(node);
}

static enum ptd_err misbehaved(void *node, void *user, enum ptd_err e,
                               const char *why)
{
    (void)node;
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

/* Going on would lose what comes: the user has to see to the disk. */
static void trouble(void *node)
{
    struct ptd_node *n = node;
    char why[PTD_CHAIN_WHY_SIZE];

    if (!ptd_blockchain_trouble(n->chain, why))
        return;
    ptd_log_error("A fatal error occurred: %s", why);
    if (n->cfg->on_finished != NULL)
        n->cfg->on_finished(n->cfg->on_finished_arg);
}

/* ---- start, and stop -------------------------------------------------------------- */

static enum ptd_err open_chain(struct ptd_node *n, const char *index_dir,
                               struct ptd_complaint *why)
{
    const struct ptd_node_config *cfg = n->cfg;
    char text[PTD_CHAIN_WHY_SIZE] = "";
    struct ptd_blockchain_config config = {
        .params = &n->params,
        .clock = n->clk,
        .blocks_dir = cfg->blocksdir,
        .index_dir = index_dir,
        .max_tip_age_s = cfg->max_tip_age_s,
        .prune_bytes = cfg->prune_bytes == UINT64_MAX ? 1 : cfg->prune_bytes,
        .fast_prune = cfg->fast_prune,
        .wipe_index = cfg->reindex,
        .on_tip = on_tip,
        .arg = n,
    };
    enum ptd_err e = ptd_blockchain_open(&n->chain, &config, text);

    if (e != PTD_OK && text[0] != '\0')
        (void)ptd_complain(why, "%s", text);
    return e;
}

enum ptd_err node_chain_open(struct ptd_node *n, struct ptd_complaint *why)
{
    char *dir, *index;
    enum ptd_err e = PTD_ENOMEM;

    if (n->cfg->netdir == NULL || n->cfg->blocksdir == NULL)
        return ptd_complain(why, "There is no directory to keep blocks in.");
    set_params(n);
    dir = ptd_path_join(n->cfg->netdir, "blocks");
    index = ptd_path_join(n->cfg->netdir, "blocks/index");
    if (dir != NULL && index != NULL &&
        (e = ptd_directory_make(dir, why)) == PTD_OK)
        e = open_chain(n, index, why);
    ptd_free(index);
    ptd_free(dir);
    if (e == PTD_OK)
        n->headers = ptd_blockchain_headers(n->chain);
    return e;
}

enum ptd_err node_sync_start(struct ptd_node *n)
{
    const struct ptd_netsync_config cfg = {
        .chain = n->chain,
        .clock = n->clk,
        .blocks_only = n->cfg->blocks_only,
        .max_upload_bytes = n->cfg->max_upload_bytes,
        .arg = n,
        .services = services,
        .misbehaved = misbehaved,
        .want_peer = want_peer,
        .on_headers = on_headers,
        .on_block = on_block,
        .trouble = trouble,
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

/* ---- looking at it ------------------------------------------------------------------ */

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

uint64_t ptd_node_services(struct ptd_node *n)
{
    uint64_t s = PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS;

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
