/* The chain: opened before peers come, closed after they have gone. */
#include <config.h>

#include <stdio.h>

#include "base/alloc.h"
#include "chain/chain.h"
#include "node/datadir.h"
#include "node/node_int.h"

static uint64_t prune_bytes(const struct ptd_node_config *cfg)
{
    return cfg->prune_bytes == UINT64_MAX ? 1 : cfg->prune_bytes;
}

enum ptd_err node_chain_open(struct ptd_node *n, struct ptd_complaint *why)
{
    const struct ptd_node_config *cfg = n->cfg;
    char *dir, *index, text[PTD_CHAIN_WHY_SIZE] = "";
    struct ptd_blockchain_config config = {
        .params = cfg->params,
        .clock = n->clk,
        .blocks_dir = cfg->blocksdir,
        .max_tip_age_s = cfg->max_tip_age_s,
        .prune_bytes = prune_bytes(cfg),
        .fast_prune = cfg->fast_prune,
        .wipe_index = cfg->reindex,
    };
    enum ptd_err e = PTD_ENOMEM;

    if (cfg->netdir == NULL)
        return PTD_OK;
    dir = ptd_path_join(cfg->netdir, "blocks");
    index = ptd_path_join(cfg->netdir, "blocks/index");
    config.index_dir = index;
    if (dir != NULL && index != NULL &&
        (e = ptd_directory_make(dir, why)) == PTD_OK)
        e = ptd_blockchain_open(&n->chain, &config, text);
    ptd_free(index);
    ptd_free(dir);
    if (e != PTD_OK && text[0] != '\0')
        (void)ptd_complain(why, "%s", text);
    return e;
}

enum { DAY_S = 24 * 60 * 60 };

/* Old blocks are not counted yet: the whole day's share is left. */
void ptd_node_upload(struct ptd_node *n, struct ptd_node_upload *out)
{
    const uint64_t target = n->cfg->max_upload_bytes;

    *out = (struct ptd_node_upload){
        .target_bytes = target,
        .left_bytes = target,
        .period_s = DAY_S,
        .left_s = target > 0 ? DAY_S : 0,
        .serves_old = true,
    };
}
