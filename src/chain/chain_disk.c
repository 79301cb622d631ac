#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/chain_int.h"
#include "pentad/log.h"
#include "wire/codec.h"

PTD_LOG_TAG(CHAN);

/* Room that the next blocks take before pruning is asked again. */
enum { PRUNE_AHEAD_BYTES = 17 << 20 };

/* ---- pruning -------------------------------------------------------- */

/* Files whose blocks are all at or below a height: how many from the first on
 * must go until no more than keep_bytes are left. Marks them in `chosen`. */
static size_t choose_files_locked(struct ptd_blockchain *c, uint8_t *chosen,
                                  uint32_t height, uint64_t keep_bytes)
    PTD_REQUIRES(c->tree->mu)
{
    uint64_t left = c->size_on_disk;
    size_t n = 0;

    /* The last file is being written to. */
    for (size_t i = 0; i + 1 < c->n_files && left > keep_bytes; i++) {
        const struct file_state *f = &c->file[i];

        if (f->n_blocks == 0 || f->high > height)
            continue;
        chosen[i] = 1;
        left -= f->bytes;
        n++;
    }
    return n;
}

static void
forget_blocks_locked(struct ptd_blockchain *c, const uint8_t *chosen)
    PTD_REQUIRES(c->tree->mu)
{
    for (node_id id = 0; id < c->tree->n_nodes; id++) {
        if (*status_locked(c->tree, id) & ST_HAVE &&
            chosen[block_locked(c->tree, id)->file])
            ptd_chain_mark_locked(c, id, 0, ST_HAVE);
    }
    for (size_t i = 0; i < c->n_files; i++) {
        if (!chosen[i])
            continue;
        c->size_on_disk -= c->file[i].bytes;
        c->file[i] = (struct file_state){ 0 };
    }
    c->pruned = true;
}

/* First the index forgets them, for good; then the files go. A crash in
 * between leaves files that the next start deletes. */
static enum ptd_err
remove_files(struct ptd_blockchain *c, const uint8_t *chosen, size_t n_files)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu)
{
    enum ptd_err e = ptd_chain_sync(c);

    for (size_t i = 0; e == PTD_OK && i < n_files; i++) {
        if (chosen[i])
            e = ptd_blockfiles_remove(c->files, (uint32_t)i);
    }
    return e;
}

static enum ptd_err
prune(struct ptd_blockchain *c, uint32_t height, uint64_t keep_bytes)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu)
{
    uint32_t tip = ptd_blockchain_height(c);
    uint8_t *chosen;
    size_t n, n_files;
    enum ptd_err e = PTD_OK;

    if (tip <= PTD_KEEP_BLOCKS)
        return PTD_OK;
    height = PTD_MIN(height, tip - PTD_KEEP_BLOCKS);
    ptd_mutex_lock(&c->tree->mu);
    n_files = c->n_files;
    chosen = ptd_calloc(n_files, 1);
    n = chosen != NULL ? choose_files_locked(c, chosen, height, keep_bytes) : 0;
    if (n > 0)
        forget_blocks_locked(c, chosen);
    ptd_mutex_unlock(&c->tree->mu);
    if (chosen == NULL)
        return PTD_ENOMEM;
    if (n > 0) {
        e = remove_files(c, chosen, n_files);
        ptd_log_info("pruned %zu files of blocks", n);
    }
    ptd_free(chosen);
    return e;
}

enum ptd_err ptd_chain_prune_to_target(struct ptd_blockchain *c)
{
    uint64_t size, target = c->cfg.prune_bytes;

    if (target <= 1 || ptd_blockchain_height(c) <= c->cfg.prune_after_height)
        return PTD_OK;
    target = target > PRUNE_AHEAD_BYTES ? target - PRUNE_AHEAD_BYTES : 0;
    ptd_mutex_lock(&c->tree->mu);
    size = c->size_on_disk;
    ptd_mutex_unlock(&c->tree->mu);
    return size > target ? prune(c, UINT32_MAX, target) : PTD_OK;
}

enum ptd_err ptd_blockchain_prune(struct ptd_blockchain *c, uint32_t *height)
{
    struct ptd_chain_stats stats;
    enum ptd_err e;

    if (c->cfg.prune_bytes == 0)
        return PTD_EINVAL;
    ptd_mutex_lock(&c->disk_mu);
    e = prune(c, *height, 0);
    ptd_mutex_unlock(&c->disk_mu);
    ptd_blockchain_stats(c, &stats);
    *height = stats.prune_height > 0 ? stats.prune_height - 1 : 0;
    return e;
}

/* ---- verifying ------------------------------------------------------ */

static enum ptd_err verify_one(struct ptd_blockchain *c,
                               const struct ptd_block_info *info, int level,
                               char *why)
{
    struct ptd_block_context at = { .params = c->cfg.params,
                                    .height = info->header.height };
    struct ptd_block_verdict v;
    struct ptd_block_info prev;
    struct ptd_msg *m;
    enum ptd_err e = ptd_blockchain_read_block(c, &m, &info->header.hash);

    if (e != PTD_OK) {
        snprintf(why, PTD_CHAIN_WHY_SIZE, "block %" PRIu32 ": %s",
                 info->header.height,
                 e == PTD_EIO ? "cannot be read" : ptd_err_text(e));
        return e;
    }
    v = (struct ptd_block_verdict){ PTD_BLOCK_VALID, "", "" };
    if (level >= 1)
        v = ptd_block_check(PTD_MSG_CONST(block, m));
    if (level >= 1 && v.class == PTD_BLOCK_VALID &&
        ptd_blockchain_find(c, &prev, &info->prev)) {
        at.prev_median_time = prev.header.median_time;
        v = ptd_block_check_in_place(PTD_MSG_CONST(block, m), &at);
    }
    ptd_msg_free(m);
    if (v.class == PTD_BLOCK_VALID)
        return PTD_OK;
    snprintf(why, PTD_CHAIN_WHY_SIZE, "block %" PRIu32 ": %s",
             info->header.height, v.reason);
    return v.class == PTD_BLOCK_NO_MEMORY ? PTD_ENOMEM : PTD_EBADVALUE;
}

enum ptd_err ptd_blockchain_verify(struct ptd_blockchain *c, int level,
                                   uint32_t n_blocks, const atomic_bool *stop,
                                   char why[PTD_CHAIN_WHY_SIZE])
{
    struct ptd_block_info info;
    enum ptd_err e = PTD_OK;

    why[0] = '\0';
    ptd_blockchain_tip(c, &info);
    if (n_blocks == 0 || n_blocks > info.header.height)
        n_blocks = info.header.height;
    for (; n_blocks > 0 && e == PTD_OK; n_blocks--) {
        if (stop != NULL && atomic_load_explicit(stop, memory_order_relaxed))
            return PTD_ECLOSED;
        e = !info.have_block && info.was_pruned
                ? PTD_EEMPTY
                : verify_one(c, &info, level, why);
        if (e == PTD_EEMPTY) {
            /* Or it was pruned just now; those before it are gone too. */
            ptd_log_info("Block verification stopping at height %" PRIu32
                         " (no data). This is due to pruning.",
                         info.header.height);
            return e;
        }
        if (!ptd_blockchain_find(c, &info, &info.prev))
            break;
    }
    return e;
}
