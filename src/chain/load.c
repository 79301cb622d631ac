#include <config.h>

#include "chain/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "pentad/log.h"

PTD_LOG_TAG(CHAN);

/* ---- records -------------------------------------------------------- */

static void header_of(const struct ptd_index_record *r,
                      uint8_t raw[PTD_HEADER_BYTES])
{
    memset(raw, 0, PTD_HEADER_BYTES);
    ptd_put_le32(raw, (uint32_t)r->version);
    memcpy(raw + 36, r->merkle_root.b, PTD_HASH_BYTES);
    ptd_put_le32(raw + 68, r->time);
    ptd_put_le32(raw + 72, r->bits);
    ptd_put_le32(raw + 76, r->nonce);
}

/* The first record is the genesis block's: of this network, or not. */
static bool is_genesis(struct ptd_blockchain *c,
                       const struct ptd_index_record *r)
{
    uint8_t raw[PTD_HEADER_BYTES], want[PTD_HEADER_BYTES];

    header_of(r, raw);
    ptd_params_genesis_header(c->cfg.params, want);
    return r->parent == NO_NODE && memcmp(raw, want, sizeof raw) == 0;
}

static enum ptd_err
restore_locked(struct ptd_blockchain *c, const struct ptd_index_record *r)
    PTD_REQUIRES(c->tree->mu)
{
    uint8_t raw[PTD_HEADER_BYTES];
    enum ptd_header_err e;

    if (r->id == 0)
        return is_genesis(c, r) ? PTD_OK : PTD_EBADVALUE;
    header_of(r, raw);
    e = ptd_headers_restore_locked(c->tree, raw, r->parent);
    if (e == PTD_HEADER_ENOMEM)
        return PTD_ENOMEM;
    return e == PTD_HEADER_OK && c->tree->n_nodes == r->id + 1 ? PTD_OK
                                                               : PTD_EBADVALUE;
}

/* Called with the tree's lock held, for all records in order. */
static enum ptd_err visit_locked(void *arg,
                                 const struct ptd_index_record *r) PTD_NO_TSA
{
    struct ptd_blockchain *c = arg;
    struct block_state *b;
    enum ptd_err e = restore_locked(c, r);

    if (e != PTD_OK)
        return e;
    *status_locked(c->tree, r->id) = (uint8_t)(r->status & ST_SAVED);
    if (!(r->status & (ST_HAVE | ST_HAD)))
        return PTD_OK;
    if (r->file > PTD_BLOCKFILE_MAX || r->bytes > PTD_BLOCK_MAX_BYTES ||
        r->offset > INT32_MAX)
        return PTD_EBADVALUE;
    if (!ptd_chain_reserve_locked(c, r->id, r->file))
        return PTD_ENOMEM;
    b = block_locked(c->tree, r->id);
    b->file = r->file;
    b->offset = r->offset;
    b->bytes = r->bytes;
    b->n_tx = r->n_tx;
    return PTD_OK;
}

/* ---- blocks --------------------------------------------------------- */

/* Is what lies at a place the block of this header, whole? */
static enum ptd_err check_stored(struct ptd_blockchain *c,
                                 const struct ptd_blockpos *pos,
                                 const struct ptd_hash *want, uint32_t height)
{
    struct ptd_msg *m;
    struct ptd_buf *buf;
    struct ptd_hash hash;
    const struct ptd_msg_block *b;
    size_t n;
    enum ptd_err e = ptd_blockfiles_read(c->files, &buf, &n, pos, NULL);

    if (e != PTD_OK)
        return e;
    e = ptd_block_from_raw(&m, buf->data, n);
    ptd_buf_free(buf);
    if (e != PTD_OK)
        return e;
    b = (const struct ptd_msg_block *)m;
    ptd_block_header_hash(&b->header, &hash);
    if (!ptd_hash_eq(&hash, want)) {
        e = PTD_EBADVALUE;
    } else {
        struct ptd_block_verdict v =
            ptd_block_check_mutated(b, height >= c->cfg.params->segwit_height);

        if (v.class == PTD_BLOCK_NO_MEMORY)
            e = PTD_ENOMEM;
        else if (v.class != PTD_BLOCK_VALID)
            e = PTD_EBADVALUE;
    }
    ptd_msg_free(m);
    return e;
}

/* What was written after the last sync: a machine that died may have lost it.
 * What is not there any more is forgotten, and will be fetched again. */
static enum ptd_err drop_lost_locked(struct ptd_blockchain *c, size_t *n_lost)
    PTD_REQUIRES(c->disk_mu) PTD_REQUIRES(c->tree->mu)
{
    for (node_id id = 0; id < c->tree->n_nodes; id++) {
        struct ptd_blockpos pos;
        enum ptd_err e;

        if (!ptd_chain_pos_locked(c, &pos, id) ||
            pos.file < c->saved.synced_file ||
            (pos.file == c->saved.synced_file &&
             pos.offset < c->saved.synced_end))
            continue;
        e = check_stored(c, &pos, &node_locked(c->tree, id)->hash,
                         node_locked(c->tree, id)->height);
        if (e == PTD_OK)
            continue;
        if (e == PTD_ENOMEM || e == PTD_EIO)
            return e;
        ++*n_lost;
        ptd_chain_mark_locked(c, id, 0, ST_HAVE | ST_HAD);
    }
    return PTD_OK;
}

/* Count what is held, link what can be linked. */
static void link_all_locked(struct ptd_blockchain *c) PTD_REQUIRES(c->tree->mu)
{
    *status_locked(c->tree, 0) |= ST_HAD | ST_LINKED | ST_WAS_ACTIVE;
    block_locked(c->tree, 0)->n_tx = 1;
    block_locked(c->tree, 0)->chain_tx = 1;
    for (node_id id = 0; id < c->tree->n_nodes; id++) {
        node_id parent = node_locked(c->tree, id)->parent;
        struct ptd_blockpos pos;

        if (id > 0 && *status_locked(c->tree, parent) & ST_INVALID)
            *status_locked(c->tree, id) |= ST_BAD_PREV;
        if (ptd_chain_pos_locked(c, &pos, id))
            ptd_chain_note_block_locked(c, id, &pos,
                                        block_locked(c->tree, id)->n_tx);
        if (id > 0 && *status_locked(c->tree, id) & ST_HAD)
            (void)ptd_chain_link_locked(c, id, 0);
    }
}

/* Back to where we were; of equals, that one comes first. */
static void choose_tip_locked(struct ptd_blockchain *c, uint32_t tip)
    PTD_REQUIRES(c->tree->mu)
{
    for (node_id id = 0; id < c->tree->n_nodes; id++) {
        if (*status_locked(c->tree, id) & ST_LINKED)
            block_locked(c->tree, id)->seq = 1;
    }
    c->next_seq = 2;
    c->active = 0;
    if (tip < c->tree->n_nodes && (*status_locked(c->tree, tip) &
                                   (ST_LINKED | ST_INVALID)) == ST_LINKED) {
        c->active = tip;
        for (node_id at = tip; at != NO_NODE;
             at = node_locked(c->tree, at)->parent)
            block_locked(c->tree, at)->seq = 0;
    }
    ptd_chain_choose_locked(c);
    c->n_events = 0; /* nobody had seen another tip */
    ptd_headers_choose_tip_locked(c->tree);
}

/* ---- files ---------------------------------------------------------- */

/* Bytes of a file of blocks, -1 if there is none. PTD_OK; PTD_ENOMEM. */
static enum ptd_err file_bytes(struct ptd_blockchain *c, uint32_t file,
                               int64_t *out)
{
    char *path = ptd_blockfiles_path(c->files, file);
    struct stat st;

    if (path == NULL)
        return PTD_ENOMEM;
    *out = stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
    ptd_free(path);
    return PTD_OK;
}

/* Each file must be there and long enough; those that pruning was about to
 * delete go now. */
static enum ptd_err check_files(struct ptd_blockchain *c, char *why)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu)
{
    for (uint32_t i = 0;; i++) {
        struct file_state f;
        int64_t bytes;
        enum ptd_err e;
        bool last;

        ptd_mutex_lock(&c->tree->mu);
        if (i >= c->n_files) {
            ptd_mutex_unlock(&c->tree->mu);
            return PTD_OK;
        }
        f = c->file[i];
        last = i + 1 == c->n_files;
        ptd_mutex_unlock(&c->tree->mu);
        if ((e = file_bytes(c, i, &bytes)) != PTD_OK)
            return e;
        if (f.n_blocks == 0 && !last && bytes >= 0 && c->saved.pruned != 0) {
            if ((e = ptd_blockfiles_remove(c->files, i)) != PTD_OK)
                return e;
        } else if (bytes < (int64_t)f.end && f.n_blocks > 0) {
            snprintf(why, PTD_CHAIN_WHY_SIZE,
                     "blk%05" PRIu32 ".dat is missing or too short: start with "
                     "-reindex to use what is left",
                     i);
            return PTD_EBADVALUE;
        }
    }
}

/* The next block goes behind the last one that is known. */
static void set_end(struct ptd_blockchain *c) PTD_EXCLUDES(c->tree->mu)
{
    uint32_t file = 0, end = 0;

    ptd_mutex_lock(&c->tree->mu);
    for (node_id id = 0; id < c->tree->n_nodes; id++) {
        const struct block_state *b = block_or_null_locked(c->tree, id);
        unsigned st = *status_locked(c->tree, id);

        /* Also of blocks that were deleted: their numbers are not used
         * again. */
        if (b == NULL || !(st & ST_HAD) || b->bytes == 0)
            continue;
        if (b->file > file || (b->file == file && b->offset + b->bytes > end)) {
            file = b->file;
            end = b->offset + b->bytes;
        }
    }
    ptd_mutex_unlock(&c->tree->mu);
    ptd_blockfiles_set_end(c->files, file, end);
}

/* ---- a new chain ---------------------------------------------------- */

static enum ptd_err store_genesis(struct ptd_blockchain *c)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu)
{
    uint8_t raw[PTD_GENESIS_MAX_BYTES];
    size_t n = ptd_params_genesis_block(c->cfg.params, raw);
    struct ptd_blockpos pos;
    enum ptd_err e = ptd_blockfiles_append(c->files, &pos, raw, n);

    if (e != PTD_OK)
        return e;
    ptd_mutex_lock(&c->tree->mu);
    if (!ptd_chain_reserve_locked(c, 0, pos.file)) {
        e = PTD_ENOMEM;
    } else {
        ptd_chain_note_block_locked(c, 0, &pos, 1);
        ptd_chain_mark_locked(c, 0, ST_HAVE | ST_DIRTY, 0);
    }
    ptd_mutex_unlock(&c->tree->mu);
    return e;
}

/* The last file of blocks, and its length; 0: there is none. */
static enum ptd_err find_last(struct ptd_blockchain *c, uint32_t *last,
                              int64_t *last_bytes)
{
    enum { MAX_GAP = 1000 }; /* files that pruning took away */

    *last = 0;
    *last_bytes = 0;
    for (uint32_t i = 0, gap = 0; i <= PTD_BLOCKFILE_MAX && gap < MAX_GAP;
         i++, gap++) {
        int64_t bytes;
        enum ptd_err e = file_bytes(c, i, &bytes);

        if (e != PTD_OK)
            return e;
        if (bytes <= 0)
            continue;
        *last = i;
        *last_bytes = bytes;
        gap = 0;
    }
    return PTD_OK;
}

/* There is no index: either this is the first start (or one after a first
 * start that was killed), or there are blocks to be read again. */
static enum ptd_err begin(struct ptd_blockchain *c) PTD_REQUIRES(c->disk_mu)
    PTD_EXCLUDES(c->tree->mu)
{
    enum { GENESIS_BYTES = PTD_GENESIS_MAX_BYTES + PTD_BLOCKFILE_FRAME_BYTES };
    uint32_t last;
    int64_t last_bytes;
    enum ptd_err e = find_last(c, &last, &last_bytes);

    if (e != PTD_OK)
        return e;
    /* Records without a meta record: the end of a reindex was cut short. */
    if ((e = ptd_index_empty(c->index)) != PTD_OK)
        return e;
    c->reindexing = last > 0 || last_bytes > GENESIS_BYTES;
    if (c->reindexing)
        /* Nothing is overwritten before it was read. */
        ptd_blockfiles_set_end(c->files, last,
                               (uint32_t)PTD_MIN(last_bytes, INT32_MAX));
    else if ((e = store_genesis(c)) != PTD_OK)
        return e;
    ptd_mutex_lock(&c->tree->mu);
    *status_locked(c->tree, 0) |= ST_HAD | ST_LINKED | ST_WAS_ACTIVE;
    ptd_chain_mark_locked(c, 0, ST_DIRTY, 0);
    block_locked(c->tree, 0)->n_tx = 1;
    block_locked(c->tree, 0)->chain_tx = 1;
    ptd_mutex_unlock(&c->tree->mu);
    return ptd_chain_sync(c);
}

static enum ptd_err load_all(struct ptd_blockchain *c, char *why)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu)
{
    size_t n_lost = 0;
    enum ptd_err e;

    ptd_mutex_lock(&c->tree->mu);
    e = ptd_headers_reserve_locked(c->tree, ptd_index_count(c->index))
            ? ptd_index_walk(c->index, visit_locked, c)
            : PTD_ENOMEM;
    if (e == PTD_OK)
        e = drop_lost_locked(c, &n_lost);
    if (e == PTD_OK) {
        link_all_locked(c);
        choose_tip_locked(c, c->saved.tip);
    }
    c->pruned = c->saved.pruned != 0;
    ptd_mutex_unlock(&c->tree->mu);
    if (e == PTD_EBADVALUE)
        snprintf(why, PTD_CHAIN_WHY_SIZE,
                 "the block index is damaged: start with -reindex");
    if (e != PTD_OK)
        return e;
    if (n_lost > 0)
        ptd_log_warn("%zu blocks were not on disk yet when the machine "
                     "stopped, and are fetched again",
                     n_lost);
    return PTD_OK;
}

enum ptd_err ptd_chain_load(struct ptd_blockchain *c, char *why)
{
    struct ptd_index_meta meta;
    bool room;
    enum ptd_err e;

    ptd_mutex_lock(&c->tree->mu);
    room = ptd_chain_reserve_locked(c, 0, 0);
    ptd_mutex_unlock(&c->tree->mu);
    if (!room)
        return PTD_ENOMEM;
    if (!ptd_index_meta(c->index, &meta))
        return begin(c);
    if (memcmp(meta.magic, c->cfg.params->magic, sizeof meta.magic) != 0) {
        snprintf(why, PTD_CHAIN_WHY_SIZE,
                 "the block index is that of another network");
        return PTD_EBADVALUE;
    }
    if (meta.pruned != 0 && c->cfg.prune_bytes == 0) {
        snprintf(why, PTD_CHAIN_WHY_SIZE,
                 "You need to rebuild the database using -reindex to go back "
                 "to unpruned mode. This will redownload the entire "
                 "blockchain");
        return PTD_EINVAL;
    }
    c->saved = meta;
    if ((e = load_all(c, why)) != PTD_OK)
        return e;
    set_end(c); /* first: the file written to is never deleted */
    if ((e = check_files(c, why)) != PTD_OK)
        return e;
    return ptd_chain_save(c);
}
