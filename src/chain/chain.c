#include <config.h>

#include "chain/chain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "chain/chain_int.h"
#include "chain/load.h"
#include "pentad/log.h"

PTD_LOG_TAG(CHAN);

enum {
    COMMIT_JOURNAL_BYTES = 4 << 20,
    COMMIT_BLOCK_BYTES = 64 << 20,
    DEFAULT_TIP_AGE_S = 24 * 60 * 60
};

/* ---- trouble -------------------------------------------------------- */

void ptd_chain_set_trouble(struct ptd_blockchain *c, const char *what,
                           enum ptd_err e)
{
    const char *text = e == PTD_EFULL ? "the disk is full"
                       : e == PTD_EIO ? strerror(errno)
                                      : ptd_err_text(e);

    ptd_mutex_lock(&c->tree->mu);
    if (!c->in_trouble) {
        c->in_trouble = true;
        snprintf(c->trouble, sizeof c->trouble, "%s: %s", what, text);
    }
    ptd_mutex_unlock(&c->tree->mu);
    ptd_log_error("%s: %s", what, text);
}

bool ptd_blockchain_trouble(struct ptd_blockchain *c,
                            char why[PTD_CHAIN_WHY_SIZE])
{
    bool is;

    ptd_mutex_lock(&c->tree->mu);
    is = c->in_trouble;
    if (why != NULL)
        snprintf(why, PTD_CHAIN_WHY_SIZE, "%s", is ? c->trouble : "");
    ptd_mutex_unlock(&c->tree->mu);
    return is;
}

/* ---- saving --------------------------------------------------------- */

static void fill_record_locked(struct ptd_blockchain *c,
                               struct ptd_index_record *r, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    const struct node *n = node_locked(c->tree, id);
    const struct block_state *b = block_or_null_locked(c->tree, id);

    *r = (struct ptd_index_record){
        .id = id,
        .parent = n->parent,
        .version = n->version,
        .merkle_root = n->merkle_root,
        .time = n->time,
        .bits = n->bits,
        .nonce = n->nonce,
        .status = *status_locked(c->tree, id) & ST_SAVED,
    };
    if (b != NULL) {
        r->file = b->file;
        r->offset = b->offset;
        r->bytes = b->bytes;
        r->n_tx = b->n_tx;
    }
}

/* Move up to a batch of dirty ones into c->batch. */
static size_t collect_locked(struct ptd_blockchain *c) PTD_REQUIRES(c->disk_mu)
    PTD_REQUIRES(c->tree->mu)
{
    size_t n = 0;
    node_id id = c->dirty_low;

    for (; id <= c->dirty_high && n < BATCH_RECORDS && c->dirty_low != NO_NODE;
         id++) {
        uint8_t *status = status_locked(c->tree, id);

        if (!(*status & ST_DIRTY))
            continue;
        *status &= (uint8_t)~ST_DIRTY;
        fill_record_locked(c, &c->batch[n++], id);
    }
    if (id > c->dirty_high) {
        c->dirty_low = NO_NODE;
        c->dirty_high = 0;
    } else {
        c->dirty_low = id;
    }
    return n;
}

static struct ptd_index_meta meta_locked(struct ptd_blockchain *c)
    PTD_REQUIRES(c->disk_mu) PTD_REQUIRES(c->tree->mu)
{
    struct ptd_index_meta m = c->saved;

    memcpy(m.magic, c->cfg.params->magic, sizeof m.magic);
    m.tip = c->active;
    m.pruned = c->pruned;
    return m;
}

/* What was not written is dirty again. */
static void uncollect(struct ptd_blockchain *c, size_t n)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu)
{
    ptd_mutex_lock(&c->tree->mu);
    for (size_t i = 0; i < n; i++)
        ptd_chain_mark_locked(c, c->batch[i].id, ST_DIRTY, 0);
    ptd_mutex_unlock(&c->tree->mu);
}

static bool same_meta(const struct ptd_index_meta *a,
                      const struct ptd_index_meta *b)
{
    return a->tip == b->tip && a->pruned == b->pruned &&
           a->synced_file == b->synced_file && a->synced_end == b->synced_end;
}

static enum ptd_err put_all(struct ptd_blockchain *c) PTD_REQUIRES(c->disk_mu)
    PTD_EXCLUDES(c->tree->mu)
{
    /* A reindex that is cut short begins again: the index stays empty until
     * all files were read. */
    while (!c->reindexing) {
        struct ptd_index_meta meta;
        bool new_meta, last;
        enum ptd_err e;
        size_t n;

        ptd_mutex_lock(&c->tree->mu);
        n = collect_locked(c);
        meta = meta_locked(c);
        ptd_mutex_unlock(&c->tree->mu);
        new_meta = !same_meta(&meta, &c->saved);
        if (n == 0 && !new_meta)
            return PTD_OK;
        /* With the last ones: a first index without it is not whole. */
        last = n < BATCH_RECORDS;
        e = ptd_index_put(c->index, c->batch, n,
                          new_meta && last ? &meta : NULL);
        if (e != PTD_OK) {
            uncollect(c, n);
            if (e != PTD_ENOMEM)
                ptd_chain_set_trouble(c, "Writing the block index", e);
            return e;
        }
        if (last)
            c->saved = meta;
    }
    return PTD_OK;
}

enum ptd_err ptd_chain_sync(struct ptd_blockchain *c)
{
    uint32_t file = 0, end = 0;
    enum ptd_err e = put_all(c);

    if (e != PTD_OK)
        return e;
    if (ptd_index_pending_bytes(c->index) == 0)
        return PTD_OK;
    if ((e = ptd_blockfiles_sync(c->files)) != PTD_OK) {
        ptd_chain_set_trouble(c, "Writing blocks to disk", e);
        return e;
    }
    ptd_mutex_lock(&c->tree->mu);
    if (c->n_files > 0) {
        file = (uint32_t)c->n_files - 1;
        end = c->file[file].end;
    }
    ptd_mutex_unlock(&c->tree->mu);
    c->saved.synced_file = file;
    c->saved.synced_end = end;
    e = ptd_index_put(c->index, NULL, 0, &c->saved);
    if (e == PTD_OK)
        e = ptd_index_commit(c->index);
    if (e != PTD_OK) {
        if (e != PTD_ENOMEM)
            ptd_chain_set_trouble(c, "Writing the block index to disk", e);
        return e;
    }
    c->unsynced_bytes = 0;
    return PTD_OK;
}

enum ptd_err ptd_chain_save(struct ptd_blockchain *c)
{
    enum ptd_err e = put_all(c);

    if (e != PTD_OK)
        return e;
    if (ptd_index_pending_bytes(c->index) >= COMMIT_JOURNAL_BYTES ||
        c->unsynced_bytes >= COMMIT_BLOCK_BYTES)
        return ptd_chain_sync(c);
    return PTD_OK;
}

enum ptd_err ptd_blockchain_flush(struct ptd_blockchain *c)
{
    enum ptd_err e;

    ptd_mutex_lock(&c->disk_mu);
    e = ptd_chain_sync(c);
    ptd_mutex_unlock(&c->disk_mu);
    return e;
}

/* ---- opening -------------------------------------------------------- */

static enum ptd_err make_dir(const char *dir, char *why)
{
    if (mkdir(dir, 0755) == 0 || errno == EEXIST)
        return PTD_OK;
    snprintf(why, PTD_CHAIN_WHY_SIZE, "%s: %s", dir, strerror(errno));
    return errno == ENOSPC ? PTD_EFULL : PTD_EIO;
}

static enum ptd_err open_files(struct ptd_blockchain *c,
                               const struct ptd_blockchain_config *cfg,
                               char *why)
{
    struct ptd_blockfiles_config files = {
        .dir = cfg->blocks_dir,
        .params = cfg->params,
        .max_bytes = cfg->fast_prune ? PTD_BLOCKFILE_FAST_BYTES : 0,
    };
    enum ptd_err e = make_dir(cfg->blocks_dir, why);

    if (e == PTD_OK)
        e = ptd_blockkey_open(&files.key, cfg->blocks_dir, cfg->mask_blocks,
                              why, PTD_CHAIN_WHY_SIZE);
    if (e == PTD_OK)
        e = ptd_blockfiles_open(&c->files, &files);
    if (e != PTD_OK)
        return e;
    return ptd_index_open(&c->index, cfg->index_dir, cfg->wipe_index, why,
                          PTD_CHAIN_WHY_SIZE);
}

static enum ptd_err init(struct ptd_blockchain *c,
                         const struct ptd_blockchain_config *cfg, char *why)
{
    bool room;

    c->cfg = *cfg;
    c->cfg.blocks_dir = c->cfg.index_dir = NULL;
    if (c->cfg.max_tip_age_s == 0)
        c->cfg.max_tip_age_s = DEFAULT_TIP_AGE_S;
    c->min_work = ptd_u256_from_hash(&cfg->params->min_chain_work);
    c->dirty_low = NO_NODE;
    c->next_seq = 1;
    c->next_first = -1;
    atomic_init(&c->caught_up, false);
    ptd_mutex_init(&c->disk_mu, PTD_RANK_CHAIN_DISK);
    c->tree = ptd_headers_new(cfg->params, cfg->max_side);
    if (c->tree == NULL)
        goto no_memory;
    ptd_mutex_lock(&c->disk_mu);
    c->reindexing = cfg->wipe_index;
    c->batch = ptd_alloc_array(BATCH_RECORDS, sizeof *c->batch);
    room = c->batch != NULL;
    ptd_mutex_unlock(&c->disk_mu);
    if (!room)
        goto no_memory;
    return PTD_OK;

no_memory:
    snprintf(why, PTD_CHAIN_WHY_SIZE, "%s", ptd_err_text(PTD_ENOMEM));
    return PTD_ENOMEM;
}

static void destroy(struct ptd_blockchain *c)
{
    ptd_index_close(c->index);
    ptd_blockfiles_close(c->files);
    ptd_headers_free(c->tree);
    ptd_chan_free(c->tip_event);
    ptd_free(c->file);
    ptd_mutex_lock(&c->disk_mu);
    ptd_free(c->batch);
    ptd_mutex_unlock(&c->disk_mu);
    ptd_mutex_fini(&c->disk_mu);
    ptd_free(c);
}

enum ptd_err ptd_blockchain_open(struct ptd_blockchain **out,
                                 const struct ptd_blockchain_config *cfg,
                                 char why[PTD_CHAIN_WHY_SIZE])
{
    struct ptd_blockchain *c = ptd_calloc(1, sizeof *c);
    enum ptd_err e;

    why[0] = '\0';
    if (c == NULL) {
        snprintf(why, PTD_CHAIN_WHY_SIZE, "%s", ptd_err_text(PTD_ENOMEM));
        return PTD_ENOMEM;
    }
    if ((e = init(c, cfg, why)) != PTD_OK ||
        (e = open_files(c, cfg, why)) != PTD_OK)
        goto fail;
    ptd_mutex_lock(&c->disk_mu);
    e = ptd_chain_load(c, why);
    ptd_mutex_unlock(&c->disk_mu);
    if (e != PTD_OK)
        goto fail;
    (void)ptd_blockchain_is_initial_download(c);
    *out = c;
    return PTD_OK;

fail:
    if (why[0] == '\0')
        snprintf(why, PTD_CHAIN_WHY_SIZE, "%s", ptd_err_text(e));
    destroy(c);
    return e;
}

void ptd_blockchain_close(struct ptd_blockchain *c)
{
    if (c == NULL)
        return;
    (void)!ptd_blockchain_flush(c); /* it was logged if it failed */
    destroy(c);
}

bool ptd_blockchain_needs_reindex(struct ptd_blockchain *c)
{
    bool needs;

    ptd_mutex_lock(&c->disk_mu);
    needs = c->reindexing;
    ptd_mutex_unlock(&c->disk_mu);
    return needs;
}

const struct ptd_params *ptd_blockchain_params(const struct ptd_blockchain *c)
{
    return c->cfg.params;
}

struct ptd_clock *ptd_blockchain_clock(const struct ptd_blockchain *c)
{
    return c->cfg.clock;
}

struct ptd_headers *ptd_blockchain_headers(struct ptd_blockchain *c)
{
    return c->tree;
}
