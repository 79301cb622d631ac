#include <config.h>

#include "chain/headers.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "base/util.h"
#include "chain/headers_int.h"
#include "chain/pow.h"
#include "crypto/sha256.h"
#include "crypto/siphash.h"

_Static_assert(sizeof(struct node) <= 108, "what the header file promises");
_Static_assert(sizeof(struct block_state) <= 40, "likewise");

enum {
    FIRST_TABLE = 1024,
    FIVE_YEARS_OF_BLOCKS = 5 * 365 * 144,
    AT_PREV = 4, /* where things lie in a header */
    AT_MERKLE_ROOT = 36,
    AT_TIME = 68,
    AT_BITS = 72,
    AT_NONCE = 76
};

static const struct {
    const char *text;
    bool is_bad;
} errors[] = {
#define X(name, text, bad) { text, bad },
    PTD_HEADER_ERRORS(X)
#undef X
};

const char *ptd_header_err_text(enum ptd_header_err e)
{
    return (unsigned)e < PTD_N_HEADER_ERRORS ? errors[e].text : "unknown error";
}

bool ptd_header_err_is_bad(enum ptd_header_err e)
{
    return (unsigned)e < PTD_N_HEADER_ERRORS && errors[e].is_bad;
}

/* ---- the table ------------------------------------------------------ */

/* Where a hash is, or the empty place where it belongs. */
static node_id *slot_locked(const struct ptd_headers *t,
                            const struct ptd_hash *hash) PTD_REQUIRES(t->mu)
{
    size_t mask = t->table_size - 1;
    size_t i = ptd_siphash24_hash(t->key[0], t->key[1], hash) & mask;

    while (t->table[i] != NO_NODE &&
           !ptd_hash_eq(&node_locked(t, t->table[i])->hash, hash))
        i = (i + 1) & mask;
    return &t->table[i];
}

node_id ptd_headers_find_locked(const struct ptd_headers *t,
                                const struct ptd_hash *hash)
{
    return *slot_locked(t, hash);
}

static bool resize_table_locked(struct ptd_headers *t, size_t size)
    PTD_REQUIRES(t->mu)
{
    node_id *table = ptd_alloc_array(size, sizeof *table);

    if (table == NULL)
        return false;
    memset(table, 0xff, size * sizeof *table); /* NO_NODE */
    ptd_free(t->table);
    t->table = table;
    t->table_size = size;
    for (node_id id = 0; id < t->n_nodes; id++)
        *slot_locked(t, &node_locked(t, id)->hash) = id;
    return true;
}

/* Make room for one more node at a height, so that putting it in and making
 * it the tip cannot fail. */
static bool reserve_locked(struct ptd_headers *t, uint32_t height)
    PTD_REQUIRES(t->mu)
{
    if (t->n_nodes == NO_NODE)
        return false;
    if (height >= t->cap_best) {
        node_id *best = ptd_array_grow(t->best, &t->cap_best,
                                       (size_t)height + 1, sizeof *best);
        if (best == NULL)
            return false;
        t->best = best;
    }
    if (t->n_nodes >= t->table_size / 4 * 3 &&
        !resize_table_locked(t, t->table_size * 2))
        return false;
    if (t->n_nodes >> CHUNK_BITS == t->n_chunks) {
        struct chunk **chunks = ptd_array_grow(t->chunks, &t->cap_chunks,
                                               t->n_chunks + 1, sizeof *chunks);
        if (chunks == NULL)
            return false;
        t->chunks = chunks;
        chunks[t->n_chunks] = ptd_alloc(sizeof **chunks);
        if (chunks[t->n_chunks] == NULL)
            return false;
        memset(chunks[t->n_chunks]->status, 0, CHUNK_NODES);
        chunks[t->n_chunks]->blocks = NULL;
        t->n_chunks++;
    }
    return true;
}

/* ---- the tree ------------------------------------------------------- */

/* Each node jumps over its parent's two jumps, where these are equally long:
 * the lengths then are those of the skew binary numbers, and any ancestor is
 * reached in a logarithmic number of steps (Myers, "An applicative
 * random-access stack", 1983). */
static node_id jump_locked(const struct ptd_headers *t, node_id parent_id)
    PTD_REQUIRES(t->mu)
{
    const struct node *parent = node_locked(t, parent_id);
    const struct node *once = node_locked(t, parent->jump);
    const struct node *twice = node_locked(t, once->jump);

    return parent->height - once->height == once->height - twice->height
               ? once->jump
               : parent_id;
}

node_id ptd_headers_ancestor_locked(const struct ptd_headers *t, node_id id,
                                    uint32_t height)
{
    while (node_locked(t, id)->height > height) {
        const struct node *n = node_locked(t, id);

        if (ptd_headers_on_best_locked(t, id))
            return t->best[height];
        id = node_locked(t, n->jump)->height >= height ? n->jump : n->parent;
    }
    return id;
}

bool ptd_headers_on_best_locked(const struct ptd_headers *t, node_id id)
{
    uint32_t height = node_locked(t, id)->height;

    return height <= node_locked(t, t->tip)->height && t->best[height] == id;
}

/* Neighbours mostly have the same bits. */
struct ptd_u256 ptd_headers_work_of_locked(struct ptd_headers *t, uint32_t bits)
{
    struct ptd_u256 target;

    if (bits != t->work_bits) {
        PTD_ASSERT(ptd_u256_from_compact(&target, bits));
        t->work = ptd_u256_work(&target);
        t->work_bits = bits;
    }
    return t->work;
}

/* Put in what was judged and has its place reserved. */
static node_id insert_locked(struct ptd_headers *t, node_id parent_id,
                             const struct candidate *c) PTD_REQUIRES(t->mu)
{
    node_id id = t->n_nodes++;
    struct node *n = node_locked(t, id);
    struct ptd_u256 work = ptd_headers_work_of_locked(t, c->bits);

    n->hash = c->hash;
    memcpy(n->merkle_root.b, c->raw + AT_MERKLE_ROOT, PTD_HASH_BYTES);
    n->version = c->version;
    n->time = c->time;
    n->bits = c->bits;
    n->nonce = ptd_get_le32(c->raw + AT_NONCE);
    n->parent = parent_id;
    if (parent_id == NO_NODE) {
        n->height = 0;
        n->jump = id;
    } else {
        struct ptd_u256 before = node_work(node_locked(t, parent_id));

        n->height = node_locked(t, parent_id)->height + 1;
        n->jump = jump_locked(t, parent_id);
        ptd_u256_add(&work, &before);
    }
    memcpy(n->work, work.w, sizeof n->work);
    *slot_locked(t, &n->hash) = id;
    return id;
}

/* Make id the tip; gives the height of the last header that stays on the best
 * branch. */
static uint32_t set_tip_locked(struct ptd_headers *t, node_id id)
    PTD_REQUIRES(t->mu)
{
    uint32_t old_height = node_locked(t, t->tip)->height;
    const struct node *n = node_locked(t, id);

    t->tip = id;
    while (n->height > old_height || t->best[n->height] != id) {
        t->best[n->height] = id;
        id = n->parent;
        n = node_locked(t, id);
    }
    return n->height;
}

static size_t n_side_locked(const struct ptd_headers *t) PTD_REQUIRES(t->mu)
{
    return t->n_nodes - 1 - node_locked(t, t->tip)->height;
}

/* ---- making and freeing --------------------------------------------- */

static struct candidate take_apart(const uint8_t *raw)
{
    struct candidate c = {
        .raw = raw,
        .version = (int32_t)ptd_get_le32(raw),
        .time = ptd_get_le32(raw + AT_TIME),
        .bits = ptd_get_le32(raw + AT_BITS),
    };

    ptd_sha256d(c.hash.b, raw, PTD_HEADER_BYTES);
    return c;
}

static bool insert_genesis(struct ptd_headers *t) PTD_EXCLUDES(t->mu)
{
    uint8_t raw[PTD_HEADER_BYTES];
    struct candidate c;
    bool done;

    ptd_params_genesis_header(t->params, raw);
    c = take_apart(raw);
    ptd_mutex_lock(&t->mu);
    done = resize_table_locked(t, FIRST_TABLE) && reserve_locked(t, 0);
    if (done) {
        t->tip = insert_locked(t, NO_NODE, &c);
        t->best[0] = t->tip;
    }
    ptd_mutex_unlock(&t->mu);
    return done;
}

struct ptd_headers *ptd_headers_new(const struct ptd_params *params,
                                    size_t max_side)
{
    struct ptd_headers *t = ptd_calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->params = params;
    t->max_side = max_side != 0 ? max_side : PTD_HEADERS_MAX_SIDE;
    t->limit_bits = ptd_pow_limit_bits(params);
    t->interval = ptd_params_retarget_interval(params);
    t->min_work = ptd_u256_from_hash(&params->min_chain_work);
    t->max_low_height = params->assume_valid_height + FIVE_YEARS_OF_BLOCKS;
    ptd_random_bytes(t->key, sizeof t->key);
    ptd_mutex_init(&t->mu, PTD_RANK_CHAIN);
    ptd_mutex_lock(&t->mu);
    t->real_id = NO_NODE;
    ptd_mutex_unlock(&t->mu);
    if (insert_genesis(t))
        return t;
    ptd_headers_free(t);
    return NULL;
}

void ptd_headers_free(struct ptd_headers *t)
{
    if (t == NULL)
        return;
    ptd_mutex_lock(&t->mu);
    for (size_t i = 0; i < t->n_chunks; i++) {
        ptd_free(t->chunks[i]->blocks);
        ptd_free(t->chunks[i]);
    }
    ptd_free(t->chunks);
    ptd_free(t->table);
    ptd_free(t->best);
    ptd_mutex_unlock(&t->mu);
    ptd_mutex_fini(&t->mu);
    ptd_free(t);
}

/* ---- adding --------------------------------------------------------- */

enum ptd_header_err ptd_headers_check_alone(const struct ptd_headers *t,
                                            struct candidate *list,
                                            const uint8_t *raw, size_t n)
{
    for (size_t i = 0; i < n; i++, raw += PTD_HEADER_BYTES) {
        struct ptd_u256 target;

        list[i] = take_apart(raw);
        if (i > 0 &&
            memcmp(raw + AT_PREV, list[i - 1].hash.b, PTD_HASH_BYTES) != 0)
            return PTD_HEADER_EUNLINKED;
        if (!ptd_pow_target(&target, t->params, list[i].bits))
            return PTD_HEADER_ETARGET;
        if (!ptd_pow_is_met(&list[i].hash, &target))
            return PTD_HEADER_EPOW;
    }
    return PTD_HEADER_OK;
}

/* Is a branch of this work worth n more nodes? (The work is real: each hash
 * was held against its target.) */
static enum ptd_header_err
check_worth_locked(struct ptd_headers *t, const struct ptd_u256 *work,
                   uint32_t height, size_t n) PTD_REQUIRES(t->mu)
{
    const struct node *tip = node_locked(t, t->tip);
    struct ptd_u256 tip_work = node_work(tip);
    struct ptd_u256 near = ptd_headers_work_of_locked(t, tip->bits);

    if (ptd_u256_cmp(work, &t->min_work) < 0 && height > t->max_low_height)
        return PTD_HEADER_ELIMIT;
    if (ptd_u256_cmp(work, &tip_work) > 0)
        return PTD_HEADER_OK;
    ptd_u256_mul_u32(&near, PTD_HEADERS_NEAR_BLOCKS);
    if (ptd_u256_cmp(&near, &tip_work) < 0) {
        ptd_u256_sub(&tip_work, &near);
        if (ptd_u256_cmp(work, &tip_work) < 0)
            return PTD_HEADER_EWORK;
    }
    if (n_side_locked(t) + n > t->max_side)
        return PTD_HEADER_ELIMIT;
    return PTD_HEADER_OK;
}

/* The work of a list behind a branch. */
static struct ptd_u256
add_work_locked(struct ptd_headers *t, struct ptd_u256 work,
                const struct candidate *list, size_t n) PTD_REQUIRES(t->mu)
{
    for (size_t i = 0; i < n; i++) {
        struct ptd_u256 one = ptd_headers_work_of_locked(t, list[i].bits);

        ptd_u256_add(&work, &one);
    }
    return work;
}

/* How many of a list are known; *last: the node that the others follow,
 * NO_NODE if that is unknown. (A known header has known ancestors: the known
 * ones come first.) */
static size_t skip_known_locked(const struct ptd_headers *t, node_id *last,
                                const struct candidate *list, size_t n)
    PTD_REQUIRES(t->mu)
{
    struct ptd_hash prev;
    size_t i = 0;
    node_id known;

    memcpy(prev.b, list[0].raw + AT_PREV, sizeof prev.b);
    *last = ptd_headers_find_locked(t, &prev);
    for (; i < n; i++) {
        known = ptd_headers_find_locked(t, &list[i].hash);
        if (known == NO_NODE)
            break;
        *last = known;
    }
    return i;
}

bool ptd_headers_claimed_work_locked(struct ptd_headers *t,
                                     struct ptd_u256 *out, size_t *n_known,
                                     const struct candidate *list, size_t n)
{
    node_id last;

    *n_known = skip_known_locked(t, &last, list, n);
    if (last == NO_NODE)
        return false;
    *out = add_work_locked(t, node_work(node_locked(t, last)), list + *n_known,
                           n - *n_known);
    return true;
}

static void take_if_best_locked(struct ptd_headers *t,
                                struct ptd_headers_result *res, node_id id)
    PTD_REQUIRES(t->mu)
{
    struct ptd_u256 work = node_work(node_locked(t, id));
    struct ptd_u256 tip_work = node_work(node_locked(t, t->tip));

    if (ptd_u256_cmp(&work, &tip_work) <= 0)
        return;
    res->new_tip = true;
    res->fork_height = set_tip_locked(t, id);
}

enum ptd_header_err
ptd_headers_add_locked(struct ptd_headers *t, struct ptd_headers_result *res,
                       const struct candidate *list, size_t n, int64_t now_s,
                       bool any_work)
{
    enum ptd_header_err e = PTD_HEADER_OK;
    node_id last;

    res->n_known = skip_known_locked(t, &last, list, n);
    list += res->n_known;
    n -= res->n_known;
    if (last == NO_NODE)
        return PTD_HEADER_EORPHAN;
    if (*status_locked(t, last) & ST_INVALID)
        return n == 0 ? PTD_HEADER_EKNOWN : PTD_HEADER_EPREV;
    if (n == 0)
        return PTD_HEADER_OK;
    if (!any_work) {
        const struct node *parent = node_locked(t, last);
        struct ptd_u256 work = add_work_locked(t, node_work(parent), list, n);

        e = check_worth_locked(t, &work, parent->height + (uint32_t)n, n);
        if (e != PTD_HEADER_OK)
            return e;
    }
    for (; n > 0; n--, list++, res->n_new++) {
        e = ptd_headers_judge_locked(t, last, list, now_s);
        if (e == PTD_HEADER_OK &&
            !reserve_locked(t, node_locked(t, last)->height + 1))
            e = PTD_HEADER_ENOMEM;
        if (e != PTD_HEADER_OK)
            break;
        last = insert_locked(t, last, list);
    }
    take_if_best_locked(t, res, last);
    return e;
}

enum ptd_header_err ptd_headers_add(struct ptd_headers *t,
                                    struct ptd_headers_result *res,
                                    const uint8_t *raw, size_t n, int64_t now_s)
{
    struct candidate *list;
    enum ptd_header_err e;

    *res = (struct ptd_headers_result){ 0 };
    if (n == 0)
        return PTD_HEADER_OK;
    list = ptd_alloc_array(n, sizeof *list);
    if (list == NULL)
        return PTD_HEADER_ENOMEM;
    e = ptd_headers_check_alone(t, list, raw, n);
    if (e == PTD_HEADER_OK) {
        ptd_mutex_lock(&t->mu);
        e = ptd_headers_add_locked(t, res, list, n, now_s, false);
        ptd_mutex_unlock(&t->mu);
    }
    ptd_free(list);
    return e;
}

/* ---- for the chain -------------------------------------------------- */

enum ptd_header_err ptd_headers_restore_locked(struct ptd_headers *t,
                                               uint8_t raw[PTD_HEADER_BYTES],
                                               node_id parent)
{
    struct ptd_u256 target;
    struct candidate c;

    if (parent >= t->n_nodes)
        return PTD_HEADER_EORPHAN;
    memcpy(raw + AT_PREV, node_locked(t, parent)->hash.b, PTD_HASH_BYTES);
    c = take_apart(raw);
    if (!ptd_pow_target(&target, t->params, c.bits))
        return PTD_HEADER_ETARGET;
    if (!ptd_pow_is_met(&c.hash, &target))
        return PTD_HEADER_EPOW;
    if (!reserve_locked(t, node_locked(t, parent)->height + 1))
        return PTD_HEADER_ENOMEM;
    insert_locked(t, parent, &c);
    return PTD_HEADER_OK;
}

bool ptd_headers_reserve_locked(struct ptd_headers *t, uint32_t n)
{
    size_t size = t->table_size;

    while (size / 4 * 3 <= n)
        size *= 2;
    return size == t->table_size || resize_table_locked(t, size);
}

void ptd_headers_choose_tip_locked(struct ptd_headers *t)
{
    node_id best = 0; /* the genesis block is always valid */
    struct ptd_u256 best_work = node_work(node_locked(t, best));

    for (node_id id = 1; id < t->n_nodes; id++) {
        struct ptd_u256 work = node_work(node_locked(t, id));

        if (ptd_u256_cmp(&work, &best_work) > 0 &&
            !(*status_locked(t, id) & ST_INVALID)) {
            best = id;
            best_work = work;
        }
    }
    /* Of equals the one that is the tip now stays. */
    if (!(*status_locked(t, t->tip) & ST_INVALID)) {
        struct ptd_u256 work = node_work(node_locked(t, t->tip));

        if (ptd_u256_cmp(&work, &best_work) == 0)
            return;
    }
    set_tip_locked(t, best);
}

bool ptd_headers_reserve_block_locked(struct ptd_headers *t, node_id id)
{
    struct chunk *chunk = t->chunks[id >> CHUNK_BITS];

    if (chunk->blocks != NULL)
        return true;
    chunk->blocks = ptd_calloc(CHUNK_NODES, sizeof *chunk->blocks);
    if (chunk->blocks == NULL)
        return false;
    for (size_t i = 0; i < CHUNK_NODES; i++)
        chunk->blocks[i].wait_first = chunk->blocks[i].wait_next = NO_NODE;
    t->n_block_chunks++;
    return true;
}
