#include <config.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/chain_int.h"

node_id ptd_chain_at_locked(struct ptd_blockchain *c, uint32_t height)
{
    return height <= node_locked(c->tree, c->active)->height
               ? ptd_headers_ancestor_locked(c->tree, c->active, height)
               : NO_NODE;
}

bool ptd_chain_is_active_locked(struct ptd_blockchain *c, node_id id)
{
    return ptd_chain_at_locked(c, node_locked(c->tree, id)->height) == id;
}

void ptd_chain_mark_locked(struct ptd_blockchain *c, node_id id, unsigned set,
                           unsigned clear)
{
    uint8_t *status = status_locked(c->tree, id);
    unsigned now = (*status & ~clear) | set;

    if ((now ^ *status) & ST_SAVED || set & ST_DIRTY) {
        now |= ST_DIRTY;
        c->dirty_low = PTD_MIN(c->dirty_low, id);
        c->dirty_high = PTD_MAX(c->dirty_high, id);
    }
    *status = (uint8_t)now;
}

/* ---- which is better ------------------------------------------------ */

static int32_t seq_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    const struct block_state *b = block_or_null_locked(c->tree, id);

    return b != NULL ? b->seq : 0;
}

static bool is_better_locked(struct ptd_blockchain *c, node_id a, node_id b)
    PTD_REQUIRES(c->tree->mu)
{
    struct ptd_u256 x = node_work(node_locked(c->tree, a));
    struct ptd_u256 y = node_work(node_locked(c->tree, b));
    int cmp = ptd_u256_cmp(&x, &y);

    return cmp != 0 ? cmp > 0 : seq_locked(c, a) < seq_locked(c, b);
}

/* ---- moving the tip ------------------------------------------------- */

static void queue_event_locked(struct ptd_blockchain *c, node_id from,
                               node_id to, node_id fork)
    PTD_REQUIRES(c->tree->mu)
{
    uint32_t fork_height = node_locked(c->tree, fork)->height;
    struct ptd_tip_change *e;

    if (c->cfg.on_tip == NULL)
        return;
    if (c->n_events < EVENT_ROOM) {
        e = &c->event[c->n_events++];
        e->old_tip = node_locked(c->tree, from)->hash;
        e->old_height = node_locked(c->tree, from)->height;
        e->fork_height = fork_height;
    } else {
        e = &c->event[EVENT_ROOM - 1]; /* two changes make one */
        e->fork_height = PTD_MIN(e->fork_height, fork_height);
    }
    e->new_tip = node_locked(c->tree, to)->hash;
    e->new_height = node_locked(c->tree, to)->height;
}

static void set_active_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    node_id old = c->active;
    node_id fork = ptd_headers_fork_locked(c->tree, old, id);

    c->active = id;
    for (node_id at = id; at != fork; at = node_locked(c->tree, at)->parent)
        ptd_chain_mark_locked(c, at, ST_WAS_ACTIVE, 0);
    queue_event_locked(c, old, id, fork);
    if (c->tip_event != NULL) {
        ptd_chan_close(c->tip_event);
        ptd_chan_free(c->tip_event);
        c->tip_event = NULL;
    }
}

void ptd_chain_choose_locked(struct ptd_blockchain *c)
{
    node_id best = 0; /* the genesis block is always valid */
    bool active_is_valid = !(*status_locked(c->tree, c->active) & ST_INVALID);

    if (active_is_valid)
        best = c->active;
    for (node_id id = 0; id < c->tree->n_nodes; id++) {
        unsigned st = *status_locked(c->tree, id);

        /* What was pruned can be gone back to, not switched to. */
        if (st & ST_LINKED && !(st & ST_INVALID) &&
            is_better_locked(c, id, best) &&
            (st & ST_HAVE || ptd_chain_is_active_locked(c, id)))
            best = id;
    }
    if (best != c->active)
        set_active_locked(c, best);
}

/* ---- blocks that came ----------------------------------------------- */

bool ptd_chain_reserve_locked(struct ptd_blockchain *c, node_id id,
                              uint32_t file)
{
    node_id parent = node_locked(c->tree, id)->parent;

    if ((size_t)file + 1 > c->cap_files) {
        struct file_state *grown = ptd_array_grow(
            c->file, &c->cap_files, (size_t)file + 1, sizeof *grown);

        if (grown == NULL)
            return false;
        c->file = grown;
    }
    return ptd_headers_reserve_block_locked(c->tree, id) &&
           (parent == NO_NODE ||
            ptd_headers_reserve_block_locked(c->tree, parent));
}

static void count_block_locked(struct ptd_blockchain *c, uint32_t height,
                               const struct ptd_blockpos *pos)
    PTD_REQUIRES(c->tree->mu)
{
    uint64_t bytes = (uint64_t)pos->bytes + PTD_BLOCKFILE_FRAME_BYTES;
    struct file_state *f;

    for (; c->n_files <= pos->file; c->n_files++)
        c->file[c->n_files] = (struct file_state){ 0 };
    f = &c->file[pos->file];
    f->low = f->n_blocks == 0 ? height : PTD_MIN(f->low, height);
    f->high = f->n_blocks == 0 ? height : PTD_MAX(f->high, height);
    f->n_blocks++;
    f->bytes += bytes;
    f->end = PTD_MAX(f->end, pos->offset + pos->bytes);
    c->size_on_disk += bytes;
}

void ptd_chain_note_block_locked(struct ptd_blockchain *c, node_id id,
                                 const struct ptd_blockpos *pos, uint32_t n_tx)
{
    struct block_state *b = block_locked(c->tree, id);

    b->file = pos->file;
    b->offset = pos->offset;
    b->bytes = pos->bytes;
    b->n_tx = n_tx;
    count_block_locked(c, node_locked(c->tree, id)->height, pos);
}

/* Take a block's waiting children and put them at the head of a list. */
static node_id take_waiting_locked(struct ptd_blockchain *c, node_id id,
                                   node_id list) PTD_REQUIRES(c->tree->mu)
{
    struct block_state *b = block_locked(c->tree, id);
    node_id child = b->wait_first;

    b->wait_first = NO_NODE;
    while (child != NO_NODE) {
        struct block_state *x = block_locked(c->tree, child);
        node_id next = x->wait_next;

        x->wait_next = list;
        list = child;
        child = next;
    }
    return list;
}

node_id ptd_chain_link_locked(struct ptd_blockchain *c, node_id id,
                              node_id best)
{
    node_id parent = node_locked(c->tree, id)->parent;
    node_id list = id;

    if (parent != NO_NODE && !(*status_locked(c->tree, parent) & ST_LINKED)) {
        struct block_state *p = block_locked(c->tree, parent);

        block_locked(c->tree, id)->wait_next = p->wait_first;
        p->wait_first = id;
        return best;
    }
    block_locked(c->tree, id)->wait_next = NO_NODE;
    while (list != NO_NODE) {
        struct block_state *b;

        id = list;
        b = block_locked(c->tree, id);
        list = b->wait_next;
        b->wait_next = NO_NODE;
        parent = node_locked(c->tree, id)->parent;
        b->chain_tx =
            b->n_tx +
            (parent != NO_NODE ? block_locked(c->tree, parent)->chain_tx : 0);
        b->seq = c->next_seq;
        if (c->next_seq < INT32_MAX)
            c->next_seq++;
        ptd_chain_mark_locked(c, id, ST_LINKED, 0);
        list = take_waiting_locked(c, id, list);
        if (!(*status_locked(c->tree, id) & ST_INVALID) &&
            is_better_locked(c, id, best))
            best = id;
    }
    return best;
}

void ptd_chain_put_block_locked(struct ptd_blockchain *c, node_id id,
                                const struct ptd_blockpos *pos, uint32_t n_tx)
{
    bool came_before = *status_locked(c->tree, id) & ST_HAD;
    node_id best = c->active;

    ptd_chain_note_block_locked(c, id, pos, n_tx);
    ptd_chain_mark_locked(c, id, ST_HAVE | ST_HAD | ST_DIRTY, 0);
    if (!came_before)
        best = ptd_chain_link_locked(c, id, best);
    if (best != c->active)
        set_active_locked(c, best);
}

bool ptd_chain_pos_locked(struct ptd_blockchain *c, struct ptd_blockpos *out,
                          node_id id)
{
    const struct block_state *b;

    if (!(*status_locked(c->tree, id) & ST_HAVE))
        return false;
    b = block_locked(c->tree, id);
    *out = (struct ptd_blockpos){ b->file, b->offset, b->bytes };
    return true;
}

/* ---- invalid blocks ------------------------------------------------- */

/* Let ST_BAD_PREV say of all nodes from `first` on what is true. */
static void spread_bad_locked(struct ptd_blockchain *c, node_id first)
    PTD_REQUIRES(c->tree->mu)
{
    for (node_id id = PTD_MAX(first, 1); id < c->tree->n_nodes; id++) {
        node_id parent = node_locked(c->tree, id)->parent;

        if (*status_locked(c->tree, parent) & ST_INVALID)
            ptd_chain_mark_locked(c, id, ST_BAD_PREV, 0);
        else
            ptd_chain_mark_locked(c, id, 0, ST_BAD_PREV);
    }
}

void ptd_chain_mark_bad_locked(struct ptd_blockchain *c, node_id id)
{
    ptd_chain_mark_locked(c, id, ST_BAD, 0);
    spread_bad_locked(c, id + 1);
    if (*status_locked(c->tree, c->tree->tip) & ST_INVALID)
        ptd_headers_choose_tip_locked(c->tree);
    if (*status_locked(c->tree, c->active) & ST_INVALID)
        ptd_chain_choose_locked(c);
}

/* Is `id` an ancestor of `of`, or itself? */
static bool is_ancestor_locked(struct ptd_blockchain *c, node_id id, node_id of)
    PTD_REQUIRES(c->tree->mu)
{
    uint32_t height = node_locked(c->tree, id)->height;

    return node_locked(c->tree, of)->height >= height &&
           ptd_headers_ancestor_locked(c->tree, of, height) == id;
}

static void clear_bad_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    node_id first = id;

    for (node_id at = id; at != NO_NODE;
         at = node_locked(c->tree, at)->parent) {
        if (!(*status_locked(c->tree, at) & ST_INVALID))
            break; /* nor is any before it */
        ptd_chain_mark_locked(c, at, 0, ST_INVALID);
        first = at;
    }
    for (node_id at = id + 1; at < c->tree->n_nodes; at++) {
        if (*status_locked(c->tree, at) & ST_BAD &&
            is_ancestor_locked(c, id, at))
            ptd_chain_mark_locked(c, at, 0, ST_BAD);
    }
    spread_bad_locked(c, first);
    ptd_headers_choose_tip_locked(c->tree);
    ptd_chain_choose_locked(c);
}

/* ---- by hand -------------------------------------------------------- */

static enum ptd_err precious_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    struct ptd_u256 work = node_work(node_locked(c->tree, id));
    struct ptd_u256 active = node_work(node_locked(c->tree, c->active));
    unsigned st = *status_locked(c->tree, id);

    if (ptd_u256_cmp(&work, &active) < 0)
        return PTD_OK; /* others are better in any case */
    /* With more work there is no competitor of before. */
    if (ptd_u256_cmp(&active, &c->first_work) > 0) {
        c->first_work = active;
        c->next_first = -1;
    }
    if (!(st & ST_LINKED))
        return PTD_OK;
    block_locked(c->tree, id)->seq = c->next_first;
    if (c->next_first > INT32_MIN)
        c->next_first--;
    if (!(st & ST_INVALID) && st & ST_HAVE &&
        is_better_locked(c, id, c->active))
        set_active_locked(c, id);
    return PTD_OK;
}

static enum ptd_err invalidate_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    if (id == 0)
        return PTD_EINVAL;
    ptd_chain_mark_bad_locked(c, id);
    return PTD_OK;
}

static enum ptd_err reconsider_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    clear_bad_locked(c, id);
    return PTD_OK;
}

static enum ptd_err
by_hand(struct ptd_blockchain *c, const struct ptd_hash *hash,
        enum ptd_err (*act_locked)(struct ptd_blockchain *c, node_id id))
{
    enum ptd_err e = PTD_ENOTFOUND, saved;
    node_id id;

    ptd_mutex_lock(&c->disk_mu);
    ptd_mutex_lock(&c->tree->mu);
    id = ptd_headers_find_locked(c->tree, hash);
    if (id != NO_NODE)
        e = act_locked(c, id);
    ptd_mutex_unlock(&c->tree->mu);
    saved = ptd_chain_save(c);
    ptd_mutex_unlock(&c->disk_mu);
    ptd_chain_tell(c);
    return e != PTD_OK ? e : saved;
}

enum ptd_err ptd_blockchain_invalidate(struct ptd_blockchain *c,
                                       const struct ptd_hash *hash)
{
    return by_hand(c, hash, invalidate_locked);
}

enum ptd_err ptd_blockchain_reconsider(struct ptd_blockchain *c,
                                       const struct ptd_hash *hash)
{
    return by_hand(c, hash, reconsider_locked);
}

enum ptd_err ptd_blockchain_precious(struct ptd_blockchain *c,
                                     const struct ptd_hash *hash)
{
    return by_hand(c, hash, precious_locked);
}

/* ---- telling -------------------------------------------------------- */

void ptd_chain_tell(struct ptd_blockchain *c)
{
    struct ptd_tip_change change;

    if (c->cfg.on_tip == NULL)
        return;
    ptd_mutex_lock(&c->tree->mu);
    if (!c->telling) { /* else that thread tells ours too, in its turn */
        c->telling = true;
        while (c->n_events > 0) {
            change = c->event[0];
            c->n_events--;
            memmove(c->event, c->event + 1, c->n_events * sizeof *c->event);
            ptd_mutex_unlock(&c->tree->mu);
            change.initial_download = ptd_blockchain_is_initial_download(c);
            c->cfg.on_tip(c->cfg.arg, &change);
            ptd_mutex_lock(&c->tree->mu);
        }
        c->telling = false;
    }
    ptd_mutex_unlock(&c->tree->mu);
}

struct ptd_chan *ptd_blockchain_tip_event(struct ptd_blockchain *c)
{
    struct ptd_chan *event;

    ptd_mutex_lock(&c->tree->mu);
    if (c->tip_event == NULL)
        c->tip_event = ptd_chan_new(0, 0);
    event = c->tip_event != NULL ? ptd_chan_ref(c->tip_event) : NULL;
    ptd_mutex_unlock(&c->tree->mu);
    return event;
}
