/* The chain in a node: opened before peers come, filled from files by a thread
 * of its own, `import`, closed after the peers have gone. */
#include <config.h>

#include "chain/chain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/datadir.h"
#include "node/node_int.h"
#include "node/notify.h"
#include "pentad/log.h"

PTD_LOG_TAG(CHAN);

/* ---- rules of a network, as the user wants them ---------------------- */

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

enum {
    PRUNE_AFTER_MAIN = 100000,
    PRUNE_AFTER_TEST = 1000,
    PRUNE_AFTER_FAST = 100
};

uint32_t ptd_node_prune_after(const struct ptd_node_config *cfg)
{
    if (cfg->params->chain == PTD_CHAIN_MAIN)
        return PRUNE_AFTER_MAIN;
    return cfg->params->chain == PTD_CHAIN_REGTEST && cfg->fast_prune
               ? PRUNE_AFTER_FAST
               : PRUNE_AFTER_TEST;
}

/* ---- a new tip ------------------------------------------------------- */

/* Blocks that counted count no more. */
static void tell_reorganization(const struct ptd_tip_change *t)
{
    if (t->fork_height < t->old_height)
        ptd_log_info("Chain reorganized: %" PRIu32 " blocks back to height "
                     "%" PRIu32 ", %" PRIu32 " forward",
                     t->old_height - t->fork_height, t->fork_height,
                     t->new_height - t->fork_height);
}

/* Any thread, no lock. */
static void on_tip(void *arg, const struct ptd_tip_change *t)
{
    struct ptd_node *n = arg;
    const struct ptd_node_config *cfg = n->cfg;
    char hex[PTD_HASH_HEX_SIZE];

    tell_reorganization(t);
    ptd_log_info("UpdateTip: new best=%s height=%" PRIu32,
                 ptd_hash_to_hex(&t->new_tip, hex), t->new_height);
    node_sync_tip(n, t);
    node_alerts_tip(n, t);
    node_publish_tip(n, t);
    if (!t->initial_download)
        ptd_notify(cfg->notifier, cfg->block_notify, hex);
    if (cfg->stop_at_height > 0 && t->new_height >= cfg->stop_at_height)
        ptd_node_program_stop();
}

/* ---- open ------------------------------------------------------------ */

static enum ptd_err open_files(struct ptd_node *n, const char *index,
                               struct ptd_complaint *why)
{
    const struct ptd_node_config *cfg = n->cfg;
    char text[PTD_CHAIN_WHY_SIZE] = "";
    const struct ptd_blockchain_config config = {
        .params = &n->params,
        .clock = n->clk,
        .blocks_dir = cfg->blocksdir,
        .index_dir = index,
        .max_tip_age_s = cfg->max_tip_age_s,
        .prune_bytes = cfg->prune_bytes == UINT64_MAX ? 1 : cfg->prune_bytes,
        .prune_after_height = ptd_node_prune_after(cfg),
        .fast_prune = cfg->fast_prune,
        .mask_blocks = cfg->blocks_xor,
        .wipe_index = cfg->reindex,
        .on_tip = on_tip,
        .arg = n,
    };
    enum ptd_err e = ptd_blockchain_open(&n->chain, &config, text);

    if (e != PTD_OK && text[0] != '\0')
        (void)ptd_complain(why, "%s", text);
    return e;
}

/* Where reading the blocks again may help. */
static enum ptd_err offer_reindex(struct ptd_complaint *why, const char *text)
{
    (void)ptd_complain(why,
                       "%s\nPlease restart with -reindex or "
                       "-reindex-chainstate to recover.",
                       text);
    why->offers = true;
    return PTD_EINVAL;
}

/* What is on the disk, before anybody relies on it. */
static enum ptd_err look_at_tip(struct ptd_node *n, struct ptd_complaint *why)
{
    const int64_t n_blocks = n->cfg->check_blocks;
    char text[PTD_CHAIN_WHY_SIZE] = "";
    struct ptd_block_info tip;
    enum ptd_err e;

    ptd_blockchain_tip(n->chain, &tip);
    if (tip.header.time > ptd_clock_wall_s(n->clk) + PTD_HEADERS_MAX_FUTURE_S)
        return offer_reindex(
            why,
            "The block database contains a block which appears to be from the "
            "future. This may be due to your computer's date and time being "
            "set incorrectly. Only rebuild the block database if you are sure "
            "that your computer's date and time are correct.");
    ptd_log_info("init message: Verifying blocks…");
    e = ptd_blockchain_verify(
        n->chain, (int)PTD_MAX(0, PTD_MIN(n->cfg->check_level, 4)),
        n_blocks > 0 ? (uint32_t)PTD_MIN(n_blocks, UINT32_MAX) : 0, NULL, text);
    if (e != PTD_EBADVALUE && e != PTD_EIO)
        return e == PTD_EEMPTY ? PTD_OK : e;
    ptd_log_error("%s", text);
    return offer_reindex(why, "Corrupted block database detected.");
}

enum ptd_err node_chain_open(struct ptd_node *n, struct ptd_complaint *why)
{
    const struct ptd_node_config *cfg = n->cfg;
    char *dir, *index;
    enum ptd_err e = PTD_ENOMEM;

    if (cfg->netdir == NULL || cfg->blocksdir == NULL)
        return ptd_complain(why, "There is no directory to keep blocks in.");
    set_params(n);
    dir = ptd_path_join(cfg->netdir, "blocks");
    index = ptd_path_join(cfg->netdir, "blocks/index");
    if (dir != NULL && index != NULL &&
        (e = ptd_directory_make(dir, why)) == PTD_OK)
        e = open_files(n, index, why);
    ptd_free(index);
    ptd_free(dir);
    if (e == PTD_OK)
        n->headers = ptd_blockchain_headers(n->chain);
    if (e == PTD_OK && !ptd_blockchain_needs_reindex(n->chain))
        e = look_at_tip(n, why);
    return e;
}

/* ---- import ---------------------------------------------------------- */

static void import_file(struct ptd_node *n, const char *path)
{
    struct ptd_import_result res;
    char why[PTD_CHAIN_WHY_SIZE];
    enum ptd_err e;

    ptd_log_info("Importing blocks file %s...", path);
    e = ptd_blockchain_import(n->chain, path, &res, &n->chain_stop);
    if (e == PTD_EIO && ptd_blockchain_trouble(n->chain, why))
        ptd_log_error("%s", why);
    else if (e == PTD_EIO)
        ptd_log_warn("Could not open blocks file %s: %s", path,
                     strerror(errno));
    else if (e != PTD_OK && e != PTD_ECLOSED)
        ptd_log_warn("Could not import %s: %s", path, ptd_err_text(e));
}

static void reindex(struct ptd_node *n)
{
    struct ptd_import_result res;
    enum ptd_err e;

    ptd_log_info("Reindexing block files...");
    e = ptd_blockchain_reindex(n->chain, &res, &n->chain_stop);
    if (e == PTD_OK)
        ptd_log_info("Reindexing finished");
    else if (e != PTD_ECLOSED)
        ptd_log_error("Reindexing failed: %s", ptd_err_text(e));
}

/* Meanwhile nothing is fetched from peers. */
static void set_loading(struct ptd_node *n, bool on)
{
    atomic_store(&n->is_loading, on);
    ptd_netsync_set_loading(n->netsync, on);
}

static void import_main(void *arg)
{
    struct ptd_node *n = arg;
    const struct ptd_texts *files = &n->cfg->load_block;

    if (ptd_blockchain_needs_reindex(n->chain))
        reindex(n);
    for (size_t i = 0; i < files->n && !atomic_load(&n->chain_stop); i++)
        import_file(n, files->v[i]);
    set_loading(n, false);
    if (n->cfg->stop_after_import && !atomic_load(&n->chain_stop)) {
        ptd_log_info("Stopping after block import");
        ptd_node_program_stop();
    }
}

enum ptd_err node_chain_start(struct ptd_node *n)
{
    enum ptd_err e;

    if (!ptd_blockchain_needs_reindex(n->chain) && n->cfg->load_block.n == 0 &&
        !n->cfg->stop_after_import)
        return PTD_OK;
    set_loading(n, true);
    e = ptd_thread_start(&n->import_thread, NULL, "import", import_main, n);
    if (e != PTD_OK)
        set_loading(n, false);
    return e;
}

void node_chain_stop(struct ptd_node *n)
{
    atomic_store(&n->chain_stop, true);
    ptd_thread_join(&n->import_thread);
}

bool ptd_node_is_loading(struct ptd_node *n)
{
    return atomic_load(&n->is_loading);
}
