/* The thread "import": blocks from files, while everything else runs; nothing
 * is fetched from peers meanwhile. */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

static void tell(const char *what, enum ptd_err e,
                 const struct ptd_import_result *res)
{
    if (e == PTD_ECLOSED)
        return; /* the node stops */
    if (e != PTD_OK)
        ptd_log_error("%s: %s", what,
                      e == PTD_EIO ? strerror(errno) : ptd_err_text(e));
    else
        ptd_log_info("%s: %" PRIu64 " blocks, %" PRIu64 " of them new, %" PRIu64
                     " invalid, %" PRIu64 " without a parent",
                     what, res->n_blocks, res->n_new, res->n_bad,
                     res->n_orphans);
}

static void reindex(struct ptd_node *n)
{
    struct ptd_import_result res = { 0 };
    enum ptd_err e;

    if (!ptd_blockchain_needs_reindex(n->chain))
        return;
    ptd_log_info("Reindexing the files of blocks");
    e = ptd_blockchain_reindex(n->chain, &res, &n->import_stop);
    tell("Reindexing finished", e, &res);
}

static void load(struct ptd_node *n, const char *path)
{
    struct ptd_import_result res = { 0 };
    enum ptd_err e;

    ptd_log_info("Importing blocks file %s...", path);
    e = ptd_blockchain_import(n->chain, path, &res, &n->import_stop);
    if (e == PTD_EIO && !ptd_blockchain_trouble(n->chain, NULL))
        ptd_log_warn("Could not open blocks file %s", path);
    else
        tell(path, e, &res);
}

static void import_main(void *node)
{
    struct ptd_node *n = node;
    const struct ptd_node_config *cfg = n->cfg;

    reindex(n);
    for (size_t i = 0; i < cfg->load_block.n && !n->import_stop; i++)
        load(n, cfg->load_block.v[i]);
    ptd_netsync_set_loading(n->netsync, false);
    if (cfg->stop_after_import && !n->import_stop) {
        ptd_log_info("Stopping after block import");
        if (cfg->on_finished != NULL)
            cfg->on_finished(cfg->on_finished_arg);
    }
}

enum ptd_err node_import_start(struct ptd_node *n)
{
    if (n->cfg->load_block.n == 0 && !n->cfg->stop_after_import &&
        !ptd_blockchain_needs_reindex(n->chain))
        return PTD_OK;
    ptd_netsync_set_loading(n->netsync, true);
    return ptd_thread_start(&n->import_thread, NULL, "import", import_main, n);
}

void node_import_join(struct ptd_node *n)
{
    n->import_stop = true;
    ptd_thread_join(&n->import_thread);
}
