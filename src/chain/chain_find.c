#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/chain_int.h"

/* ---- one block ------------------------------------------------------ */

static bool describe_locked(struct ptd_blockchain *c,
                            struct ptd_block_info *out, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    const struct node *n;
    const struct block_state *b;
    unsigned st;

    if (id == NO_NODE)
        return false;
    *out = (struct ptd_block_info){ .confirmations = -1 };
    (void)ptd_headers_describe_locked(c->tree, &out->header, id);
    n = node_locked(c->tree, id);
    b = block_or_null_locked(c->tree, id);
    st = *status_locked(c->tree, id);
    if (n->parent != NO_NODE)
        out->prev = node_locked(c->tree, n->parent)->hash;
    out->active = ptd_chain_is_active_locked(c, id);
    if (out->active) {
        node_id next = ptd_chain_at_locked(c, n->height + 1);

        out->confirmations =
            (int64_t)node_locked(c->tree, c->active)->height - n->height + 1;
        if (next != NO_NODE)
            out->next = node_locked(c->tree, next)->hash;
    }
    out->have_block = st & ST_HAVE;
    out->was_pruned = (st & (ST_HAVE | ST_HAD)) == ST_HAD;
    out->linked = st & ST_LINKED;
    out->invalid = st & ST_INVALID;
    if (b != NULL && st & ST_HAD) {
        out->n_tx = b->n_tx;
        out->chain_tx = out->linked ? b->chain_tx : 0;
    }
    return true;
}

bool ptd_blockchain_find(struct ptd_blockchain *c, struct ptd_block_info *out,
                         const struct ptd_hash *hash)
{
    bool found;

    ptd_mutex_lock(&c->tree->mu);
    found = describe_locked(c, out, ptd_headers_find_locked(c->tree, hash));
    ptd_mutex_unlock(&c->tree->mu);
    return found;
}

bool ptd_blockchain_at(struct ptd_blockchain *c, struct ptd_block_info *out,
                       uint32_t height)
{
    bool found;

    ptd_mutex_lock(&c->tree->mu);
    found = describe_locked(c, out, ptd_chain_at_locked(c, height));
    ptd_mutex_unlock(&c->tree->mu);
    return found;
}

void ptd_blockchain_tip(struct ptd_blockchain *c, struct ptd_block_info *out)
{
    ptd_mutex_lock(&c->tree->mu);
    (void)describe_locked(c, out, c->active);
    ptd_mutex_unlock(&c->tree->mu);
}

bool ptd_blockchain_first_at_time(struct ptd_blockchain *c,
                                  struct ptd_block_info *out, int64_t time)
{
    node_id first = NO_NODE;
    bool found;

    ptd_mutex_lock(&c->tree->mu);
    for (node_id id = c->active; id != NO_NODE;
         id = node_locked(c->tree, id)->parent) {
        if ((int64_t)node_locked(c->tree, id)->time >= time)
            first = id;
    }
    found = describe_locked(c, out, first);
    ptd_mutex_unlock(&c->tree->mu);
    return found;
}

uint32_t ptd_blockchain_height(struct ptd_blockchain *c)
{
    uint32_t height;

    ptd_mutex_lock(&c->tree->mu);
    height = node_locked(c->tree, c->active)->height;
    ptd_mutex_unlock(&c->tree->mu);
    return height;
}

bool ptd_blockchain_has_block(struct ptd_blockchain *c,
                              const struct ptd_hash *hash)
{
    node_id id;
    bool has;

    ptd_mutex_lock(&c->tree->mu);
    id = ptd_headers_find_locked(c->tree, hash);
    has = id != NO_NODE && *status_locked(c->tree, id) & ST_HAVE;
    ptd_mutex_unlock(&c->tree->mu);
    return has;
}

bool ptd_blockchain_fork(struct ptd_blockchain *c, struct ptd_header_info *out,
                         const struct ptd_hash *a, const struct ptd_hash *b)
{
    node_id x, y;
    bool found;

    ptd_mutex_lock(&c->tree->mu);
    x = ptd_headers_find_locked(c->tree, a);
    y = ptd_headers_find_locked(c->tree, b);
    found = x != NO_NODE && y != NO_NODE;
    if (found)
        (void)ptd_headers_describe_locked(
            c->tree, out, ptd_headers_fork_locked(c->tree, x, y));
    ptd_mutex_unlock(&c->tree->mu);
    return found;
}

/* ---- its bytes ------------------------------------------------------ */

static enum ptd_err find_pos(struct ptd_blockchain *c, struct ptd_blockpos *pos,
                             const struct ptd_hash *hash)
{
    enum ptd_err e = PTD_ENOTFOUND;
    node_id id;

    ptd_mutex_lock(&c->tree->mu);
    id = ptd_headers_find_locked(c->tree, hash);
    if (id != NO_NODE)
        e = ptd_chain_pos_locked(c, pos, id) ? PTD_OK : PTD_EEMPTY;
    ptd_mutex_unlock(&c->tree->mu);
    return e;
}

enum ptd_err ptd_blockchain_read(struct ptd_blockchain *c, struct ptd_buf **out,
                                 size_t *n, const struct ptd_hash *hash,
                                 struct ptd_mem *mem)
{
    struct ptd_block_header header;
    struct ptd_blockpos pos;
    struct ptd_hash got;
    enum ptd_err e = find_pos(c, &pos, hash);

    if (e != PTD_OK)
        return e;
    e = ptd_blockfiles_read(c->files, out, n, &pos, mem);
    if (e == PTD_ENOMEM)
        return e;
    if (e == PTD_OK && *n >= PTD_HEADER_BYTES) {
        ptd_block_header_decode(&header, (*out)->data);
        ptd_block_header_hash(&header, &got);
        if (ptd_hash_eq(&got, hash))
            return PTD_OK;
    }
    if (e == PTD_OK)
        ptd_buf_free(*out);
    /* Pruning may have been quicker: then it is gone, not broken. */
    return find_pos(c, &pos, hash) == PTD_OK ? PTD_EIO : PTD_EEMPTY;
}

enum ptd_err ptd_blockchain_read_block(struct ptd_blockchain *c,
                                       struct ptd_msg **out,
                                       const struct ptd_hash *hash)
{
    struct ptd_buf *buf;
    size_t n;
    enum ptd_err e = ptd_blockchain_read(c, &buf, &n, hash, NULL);

    if (e != PTD_OK)
        return e;
    e = ptd_block_from_raw(out, buf->data, n);
    ptd_buf_free(buf);
    return e == PTD_OK || e == PTD_ENOMEM ? e : PTD_EIO;
}

/* ---- what is to be fetched ------------------------------------------ */

/* The height of the last linked block of a branch: those before it are linked
 * too. */
static uint32_t linked_height_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    uint32_t low = 0, high = node_locked(c->tree, id)->height;

    while (low < high) {
        uint32_t mid = low + (high - low + 1) / 2;
        node_id at = ptd_headers_ancestor_locked(c->tree, id, mid);

        if (*status_locked(c->tree, at) & ST_LINKED)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

static size_t wanted_locked(struct ptd_blockchain *c,
                            struct ptd_wanted_block *out, size_t max,
                            uint32_t max_ahead, node_id on)
    PTD_REQUIRES(c->tree->mu)
{
    node_id path[PTD_MAX_WANTED_AHEAD];
    struct ptd_u256 work = node_work(node_locked(c->tree, on));
    struct ptd_u256 active = node_work(node_locked(c->tree, c->active));
    uint32_t from, n, height = node_locked(c->tree, on)->height;
    size_t n_out = 0;

    if (*status_locked(c->tree, on) & ST_INVALID ||
        ptd_u256_cmp(&work, &active) < 0)
        return 0;
    from = linked_height_locked(c, on);
    n = PTD_MIN(height - from, PTD_MIN(max_ahead, PTD_MAX_WANTED_AHEAD));
    on = ptd_headers_ancestor_locked(c->tree, on, from + n);
    for (uint32_t i = n; i-- > 0;) {
        path[i] = on;
        on = node_locked(c->tree, on)->parent;
    }
    for (uint32_t i = 0; i < n && n_out < max; i++) {
        if (*status_locked(c->tree, path[i]) & ST_HAD)
            continue;
        out[n_out].hash = node_locked(c->tree, path[i])->hash;
        out[n_out++].height = from + 1 + i;
    }
    return n_out;
}

size_t ptd_blockchain_wanted(struct ptd_blockchain *c,
                             struct ptd_wanted_block *out, size_t max,
                             uint32_t max_ahead, const struct ptd_hash *on)
{
    size_t n = 0;
    node_id id;

    ptd_mutex_lock(&c->tree->mu);
    id = on != NULL ? ptd_headers_find_locked(c->tree, on) : c->tree->tip;
    if (id != NO_NODE)
        n = wanted_locked(c, out, max, max_ahead, id);
    ptd_mutex_unlock(&c->tree->mu);
    return n;
}

/* ---- answers to locators -------------------------------------------- */

/* Height of the first block that is asked for. */
static uint32_t first_asked_locked(struct ptd_blockchain *c,
                                   const struct ptd_hash *locator, size_t n)
    PTD_REQUIRES(c->tree->mu)
{
    for (size_t i = 0; i < n; i++) {
        node_id id = ptd_headers_find_locked(c->tree, &locator[i]);

        if (id != NO_NODE && ptd_chain_is_active_locked(c, id))
            return node_locked(c->tree, id)->height + 1;
    }
    return 1;
}

size_t
ptd_blockchain_hashes_after(struct ptd_blockchain *c, struct ptd_hash *out,
                            size_t max, const struct ptd_hash *locator,
                            size_t n_locator, const struct ptd_hash *stop)
{
    uint32_t height;
    size_t n = 0;
    node_id id;

    ptd_mutex_lock(&c->tree->mu);
    height = first_asked_locked(c, locator, n_locator);
    while (n < max && (id = ptd_chain_at_locked(c, height)) != NO_NODE) {
        const struct ptd_hash *hash = &node_locked(c->tree, id)->hash;

        if (ptd_hash_eq(hash, stop))
            break;
        out[n++] = *hash;
        height++;
    }
    ptd_mutex_unlock(&c->tree->mu);
    return n;
}

size_t ptd_blockchain_headers_after(struct ptd_blockchain *c, uint8_t *out,
                                    size_t max, const struct ptd_hash *locator,
                                    size_t n_locator,
                                    const struct ptd_hash *stop)
{
    uint32_t height = 0;
    size_t n = 0;
    node_id id;

    ptd_mutex_lock(&c->tree->mu);
    if (n_locator > 0) {
        height = first_asked_locked(c, locator, n_locator);
        id = ptd_chain_at_locked(c, height);
    } else {
        id = ptd_headers_find_locked(c->tree, stop);
        if (id != NO_NODE && !ptd_chain_is_active_locked(c, id))
            id = NO_NODE;
    }
    while (n < max && id != NO_NODE) {
        const struct node *at = node_locked(c->tree, id);

        ptd_headers_encode_locked(c->tree, at, out + n * PTD_HEADER_BYTES);
        n++;
        if (n_locator == 0 || ptd_hash_eq(&at->hash, stop))
            break;
        id = ptd_chain_at_locked(c, ++height);
    }
    ptd_mutex_unlock(&c->tree->mu);
    return n;
}

/* ---- tips ----------------------------------------------------------- */

const char *ptd_tip_status_text(enum ptd_tip_status s)
{
    switch (s) {
    case PTD_TIP_ACTIVE: return "active";
    case PTD_TIP_VALID_FORK: return "valid-fork";
    case PTD_TIP_VALID_HEADERS: return "valid-headers";
    case PTD_TIP_HEADERS_ONLY: return "headers-only";
    case PTD_TIP_INVALID: return "invalid";
    }
    return "unknown";
}

static enum ptd_tip_status
tip_status_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    unsigned st = *status_locked(c->tree, id);

    if (id == c->active)
        return PTD_TIP_ACTIVE;
    if (st & ST_INVALID)
        return PTD_TIP_INVALID;
    if (!(st & ST_LINKED))
        return PTD_TIP_HEADERS_ONLY;
    return st & ST_WAS_ACTIVE ? PTD_TIP_VALID_FORK : PTD_TIP_VALID_HEADERS;
}

static void describe_tip_locked(struct ptd_blockchain *c,
                                struct ptd_chain_tip *out, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    node_id fork = ptd_headers_fork_locked(c->tree, id, c->active);

    out->hash = node_locked(c->tree, id)->hash;
    out->height = node_locked(c->tree, id)->height;
    out->branch_len = out->height - node_locked(c->tree, fork)->height;
    out->status = tip_status_locked(c, id);
}

static int compare_tips(const void *x, const void *y)
{
    const struct ptd_chain_tip *a = x, *b = y;

    if (a->height != b->height)
        return a->height < b->height ? 1 : -1;
    return memcmp(&a->hash, &b->hash, sizeof a->hash);
}

/* Mark in a map who has children; gives how many have none, the active tip
 * counted in any case. */
static size_t count_tips_locked(struct ptd_blockchain *c, uint8_t *has_child)
    PTD_REQUIRES(c->tree->mu)
{
    size_t n = 0;

    for (node_id id = 1; id < c->tree->n_nodes; id++) {
        node_id parent = node_locked(c->tree, id)->parent;

        has_child[parent / 8] |= (uint8_t)(1 << parent % 8);
    }
    has_child[c->active / 8] &= (uint8_t) ~(1 << c->active % 8);
    for (node_id id = 0; id < c->tree->n_nodes; id++)
        n += !(has_child[id / 8] >> id % 8 & 1);
    return n;
}

static enum ptd_err
tips_locked(struct ptd_blockchain *c, struct ptd_chain_tip **out, size_t *n)
    PTD_REQUIRES(c->tree->mu)
{
    uint8_t *has_child = ptd_calloc(c->tree->n_nodes / 8 + 1, 1);
    struct ptd_chain_tip *list = NULL;

    if (has_child == NULL)
        return PTD_ENOMEM;
    list = ptd_alloc_array(count_tips_locked(c, has_child), sizeof *list);
    *n = 0;
    for (node_id id = 0; list != NULL && id < c->tree->n_nodes; id++) {
        /* An unfinished branch of the active chain is no tip of its own. */
        if (!(has_child[id / 8] >> id % 8 & 1) &&
            (id == c->active || !ptd_chain_is_active_locked(c, id)))
            describe_tip_locked(c, &list[(*n)++], id);
    }
    ptd_free(has_child);
    *out = list;
    return list != NULL ? PTD_OK : PTD_ENOMEM;
}

enum ptd_err ptd_blockchain_tips(struct ptd_blockchain *c,
                                 struct ptd_chain_tip **out, size_t *n)
{
    enum ptd_err e;

    ptd_mutex_lock(&c->tree->mu);
    e = tips_locked(c, out, n);
    ptd_mutex_unlock(&c->tree->mu);
    if (e == PTD_OK)
        qsort(*out, *n, sizeof **out, compare_tips);
    return e;
}

/* ---- the whole ------------------------------------------------------ */

bool ptd_blockchain_is_initial_download(struct ptd_blockchain *c)
{
    struct ptd_u256 work;
    uint32_t time;

    if (atomic_load_explicit(&c->caught_up, memory_order_relaxed))
        return false;
    ptd_mutex_lock(&c->tree->mu);
    work = node_work(node_locked(c->tree, c->active));
    time = node_locked(c->tree, c->active)->time;
    ptd_mutex_unlock(&c->tree->mu);
    if (ptd_u256_cmp(&work, &c->min_work) < 0 ||
        (int64_t)time < ptd_clock_wall_s(c->cfg.clock) - c->cfg.max_tip_age_s)
        return true;
    atomic_store_explicit(&c->caught_up, true, memory_order_relaxed);
    return false;
}

/* Where the held blocks of the active chain begin. */
static uint32_t prune_height_locked(struct ptd_blockchain *c)
    PTD_REQUIRES(c->tree->mu)
{
    node_id id = c->active, parent;

    if (!c->pruned)
        return 0;
    while ((parent = node_locked(c->tree, id)->parent) != NO_NODE &&
           *status_locked(c->tree, parent) & ST_HAVE)
        id = parent;
    return node_locked(c->tree, id)->height;
}

/* A guess: of the time since the genesis block, how much is behind us? */
static double progress(int64_t genesis_s, int64_t tip_s, int64_t now_s)
{
    enum { NEAR_S = 2 * 60 * 60 };

    if (tip_s >= now_s - NEAR_S)
        return 1.0;
    return tip_s <= genesis_s
               ? 0.0
               : (double)(tip_s - genesis_s) / (double)(now_s - genesis_s);
}

void ptd_blockchain_stats(struct ptd_blockchain *c, struct ptd_chain_stats *out)
{
    int64_t tip_s;

    *out = (struct ptd_chain_stats){ 0 };
    out->pruned = c->cfg.prune_bytes != 0;
    out->automatic_prune = c->cfg.prune_bytes > 1;
    out->prune_bytes = c->cfg.prune_bytes;
    out->initial_download = ptd_blockchain_is_initial_download(c);
    ptd_mutex_lock(&c->tree->mu);
    out->n_headers = node_locked(c->tree, c->tree->tip)->height;
    out->size_on_disk = c->size_on_disk;
    out->prune_height = prune_height_locked(c);
    tip_s = node_locked(c->tree, c->active)->time;
    ptd_mutex_unlock(&c->tree->mu);
    out->progress = progress(c->cfg.params->genesis.time, tip_s,
                             ptd_clock_wall_s(c->cfg.clock));
}
