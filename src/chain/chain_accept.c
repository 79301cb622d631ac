#include <config.h>

#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/chain_int.h"
#include "pentad/log.h"
#include "wire/codec.h"

PTD_LOG_TAG(CHAN);

/* ---- verdicts ------------------------------------------------------- */

struct ptd_block_verdict ptd_header_err_verdict(enum ptd_header_err e)
{
    static const struct ptd_block_verdict table[PTD_N_HEADER_ERRORS] = {
        [PTD_HEADER_OK] = { PTD_BLOCK_VALID, "", "" },
        [PTD_HEADER_ENOMEM] = { PTD_BLOCK_NO_MEMORY, "out-of-memory", "" },
        [PTD_HEADER_EORPHAN] = { PTD_BLOCK_MISSING_PREV, "prev-blk-not-found",
                                 "" },
        [PTD_HEADER_EUNLINKED] = { PTD_BLOCK_INVALID, "non-continuous",
                                   "non-continuous headers sequence" },
        [PTD_HEADER_ETARGET] = { PTD_BLOCK_INVALID, "high-hash",
                                 "proof of work failed" },
        [PTD_HEADER_EPOW] = { PTD_BLOCK_INVALID, "high-hash",
                              "proof of work failed" },
        [PTD_HEADER_EBITS] = { PTD_BLOCK_INVALID, "bad-diffbits",
                               "incorrect proof of work" },
        [PTD_HEADER_EOLD] = { PTD_BLOCK_INVALID, "time-too-old",
                              "block's timestamp is too early" },
        [PTD_HEADER_EWARP] = { PTD_BLOCK_INVALID, "time-timewarp-attack",
                               "block's timestamp is too early on diff "
                               "adjustment block" },
        [PTD_HEADER_ENEW] = { PTD_BLOCK_TIME_FUTURE, "time-too-new",
                              "block timestamp too far in the future" },
        [PTD_HEADER_EVERSION] = { PTD_BLOCK_INVALID, "bad-version",
                                  "rejected nVersion" },
        [PTD_HEADER_EWORK] = { PTD_BLOCK_LOW_WORK, "too-little-chainwork", "" },
        [PTD_HEADER_ELIMIT] = { PTD_BLOCK_LOW_WORK, "too-little-chainwork",
                                "" },
        [PTD_HEADER_EPREV] = { PTD_BLOCK_BAD_PREV, "bad-prevblk", "" },
        [PTD_HEADER_EKNOWN] = { PTD_BLOCK_KNOWN_BAD, "duplicate-invalid", "" },
        [PTD_HEADER_EIO] = { PTD_BLOCK_IO, "io-error", "" },
    };

    return table[(unsigned)e < PTD_N_HEADER_ERRORS ? e : PTD_HEADER_EIO];
}

/* The same, with the version that was refused where it is a usual one. */
static struct ptd_block_verdict verdict_of(enum ptd_header_err e,
                                           int32_t version)
{
    static const char *const usual[] = {
        "bad-version(0x00000000)",
        "bad-version(0x00000001)",
        "bad-version(0x00000002)",
        "bad-version(0x00000003)",
    };
    struct ptd_block_verdict v = ptd_header_err_verdict(e);

    if (e == PTD_HEADER_EVERSION && version >= 0 &&
        (size_t)version < PTD_COUNT(usual))
        v.reason = usual[version];
    return v;
}

/* ---- headers -------------------------------------------------------- */

static void work_wanted_locked(struct ptd_blockchain *c, struct ptd_u256 *out)
    PTD_REQUIRES(c->tree->mu)
{
    const struct node *tip = node_locked(c->tree, c->active);
    struct ptd_u256 near = node_work(tip);
    struct ptd_u256 back = ptd_headers_work_of_locked(c->tree, tip->bits);

    *out = c->min_work;
    if (ptd_u256_mul_u32(&back, PTD_HEADERS_NEAR_BLOCKS) ||
        ptd_u256_cmp(&back, &near) >= 0)
        return;
    ptd_u256_sub(&near, &back);
    if (ptd_u256_cmp(&near, out) > 0)
        *out = near;
}

void ptd_blockchain_work_wanted(struct ptd_blockchain *c, struct ptd_u256 *out)
{
    ptd_mutex_lock(&c->tree->mu);
    work_wanted_locked(c, out);
    ptd_mutex_unlock(&c->tree->mu);
}

/* Does a list have the work that a stranger's must have? */
static bool is_worth_locked(struct ptd_blockchain *c,
                            const struct candidate *list, size_t n)
    PTD_REQUIRES(c->tree->mu)
{
    struct ptd_u256 work, wanted;
    size_t n_known;

    if (!ptd_headers_claimed_work_locked(c->tree, &work, &n_known, list, n) ||
        n_known == n)
        return true; /* nothing that we would keep */
    work_wanted_locked(c, &wanted);
    return ptd_u256_cmp(&work, &wanted) >= 0;
}

static enum ptd_header_err
add_list_locked(struct ptd_blockchain *c, struct ptd_headers_result *res,
                const struct candidate *list, size_t n,
                enum ptd_chain_source source) PTD_REQUIRES(c->tree->mu)
{
    node_id first = c->tree->n_nodes;
    enum ptd_header_err e;

    if (c->in_trouble)
        return PTD_HEADER_EIO;
    if (source == PTD_FROM_STRANGER && !is_worth_locked(c, list, n))
        return PTD_HEADER_EWORK;
    e = ptd_headers_add_locked(c->tree, res, list, n,
                               ptd_clock_wall_s(c->cfg.clock), true);
    for (node_id id = first; id < c->tree->n_nodes; id++)
        ptd_chain_mark_locked(c, id, ST_DIRTY, 0);
    return e;
}

static enum ptd_header_err add_and_save(struct ptd_blockchain *c,
                                        struct ptd_headers_result *res,
                                        const struct candidate *list, size_t n,
                                        enum ptd_chain_source source)
{
    enum ptd_header_err e;
    enum ptd_err saved = PTD_OK;

    ptd_mutex_lock(&c->disk_mu);
    ptd_mutex_lock(&c->tree->mu);
    e = add_list_locked(c, res, list, n, source);
    ptd_mutex_unlock(&c->tree->mu);
    if (res->n_new > 0)
        saved = ptd_chain_save(c);
    ptd_mutex_unlock(&c->disk_mu);
    if (saved != PTD_OK)
        return saved == PTD_ENOMEM ? PTD_HEADER_ENOMEM : PTD_HEADER_EIO;
    return e;
}

/* A long list goes in bit by bit, so that nobody waits long for the lock. A
 * stranger's is looked at as a whole: it is no longer than a message. */
static enum ptd_header_err
add_slices(struct ptd_blockchain *c, struct ptd_headers_result *res,
           const struct candidate *list, size_t n, enum ptd_chain_source source)
{
    size_t slice = source == PTD_FROM_STRANGER ? n : PTD_HEADERS_PER_MSG;
    enum ptd_header_err e = PTD_HEADER_OK;

    for (size_t at = 0; at < n && e == PTD_HEADER_OK; at += slice) {
        struct ptd_headers_result part = { 0 };

        e = add_and_save(c, &part, list + at, PTD_MIN(slice, n - at), source);
        if (part.new_tip && !res->new_tip)
            res->fork_height = part.fork_height;
        res->new_tip |= part.new_tip;
        res->n_known += part.n_known;
        res->n_new += part.n_new;
    }
    return e;
}

enum ptd_header_err ptd_blockchain_add_headers(struct ptd_blockchain *c,
                                               struct ptd_headers_result *res,
                                               const uint8_t *raw, size_t n,
                                               enum ptd_chain_source source)
{
    struct candidate *list;
    enum ptd_header_err e;

    *res = (struct ptd_headers_result){ 0 };
    if (n == 0)
        return PTD_HEADER_OK;
    list = ptd_alloc_array(n, sizeof *list);
    if (list == NULL)
        return PTD_HEADER_ENOMEM;
    e = ptd_headers_check_alone(c->tree, list, raw, n);
    if (e == PTD_HEADER_OK)
        e = add_slices(c, res, list, n, source);
    ptd_free(list);
    return e;
}

/* ---- a block -------------------------------------------------------- */

static const struct ptd_codec with_witness = {
    .pver = PTD_PVER_WTXIDRELAY,
    .encoding = PTD_ENC_WITNESS,
};

enum ptd_err ptd_block_from_raw(struct ptd_msg **out, const void *raw, size_t n)
{
    struct ptd_codec cx = with_witness;

    cx.strict = true;
    return ptd_msg_decode(out, PTD_MSG_BLOCK, raw, n, &cx, NULL);
}

/* A block on its way in. */
struct incoming {
    const struct ptd_msg_block *b;
    uint8_t header[PTD_HEADER_BYTES];
    struct candidate c;
    const uint8_t *raw; /* the whole block */
    size_t n_raw;
    uint8_t *own; /* raw, if it had to be made; else NULL */
    node_id id;
    struct ptd_block_context at;
};

static enum ptd_err get_raw(struct incoming *in)
{
    enum ptd_err e;

    in->raw = in->b->raw.p;
    in->n_raw = in->b->raw.n;
    if (in->n_raw > 0)
        return PTD_OK;
    in->n_raw = ptd_msg_encoded_bytes(&in->b->msg, &with_witness, &e);
    if (in->n_raw == 0)
        return e;
    in->own = ptd_alloc(in->n_raw);
    if (in->own == NULL)
        return PTD_ENOMEM;
    in->raw = in->own;
    return ptd_msg_encode(&in->b->msg, in->own, in->n_raw, &in->n_raw,
                          &with_witness);
}

static struct ptd_block_verdict from_err(enum ptd_err e)
{
    if (e == PTD_ENOMEM)
        return ptd_header_err_verdict(PTD_HEADER_ENOMEM);
    return e == PTD_OK ? ptd_header_err_verdict(PTD_HEADER_OK)
                       : ptd_header_err_verdict(PTD_HEADER_EIO);
}

/* What the tree already says of it; true: that is all there is to say.
 * *unsaved: it is known, but not on disk yet. */
static bool look_up(struct ptd_blockchain *c, struct ptd_block_result *out,
                    struct incoming *in, bool *unsaved)
{
    bool settled = false;

    ptd_mutex_lock(&c->tree->mu);
    in->id = ptd_headers_find_locked(c->tree, &out->hash);
    if (c->in_trouble) {
        out->verdict = ptd_header_err_verdict(PTD_HEADER_EIO);
        settled = true;
    } else if (in->id != NO_NODE) {
        unsigned st = *status_locked(c->tree, in->id);

        if (st & ST_INVALID)
            out->verdict = ptd_header_err_verdict(PTD_HEADER_EKNOWN);
        settled = st & (ST_INVALID | ST_HAVE);
        *unsaved = st & ST_DIRTY;
    }
    ptd_mutex_unlock(&c->tree->mu);
    return settled;
}

static bool is_settled(struct ptd_blockchain *c, struct ptd_block_result *out,
                       struct incoming *in)
{
    bool unsaved = false, settled = look_up(c, out, in, &unsaved);
    enum ptd_err e;

    if (!settled || !unsaved)
        return settled;
    /* Whoever hears that we have it may count on it: another thread is about
     * to write, or had no memory to. */
    ptd_mutex_lock(&c->disk_mu);
    e = ptd_chain_save(c);
    ptd_mutex_unlock(&c->disk_mu);
    if (e != PTD_OK)
        out->verdict = from_err(e);
    return true;
}

/* An unasked-for block is kept only if it may soon be of use. */
static bool is_wanted_locked(struct ptd_blockchain *c, node_id id)
    PTD_REQUIRES(c->tree->mu)
{
    struct ptd_u256 work = node_work(node_locked(c->tree, id));
    struct ptd_u256 active = node_work(node_locked(c->tree, c->active));

    return !(*status_locked(c->tree, id) & ST_HAD) &&
           ptd_u256_cmp(&work, &active) >= 0 &&
           ptd_u256_cmp(&work, &c->min_work) >= 0 &&
           node_locked(c->tree, id)->height <=
               (uint64_t)node_locked(c->tree, c->active)->height +
                   PTD_KEEP_BLOCKS;
}

static bool take_header_locked(struct ptd_blockchain *c,
                               struct ptd_block_result *out,
                               struct incoming *in, unsigned flags)
    PTD_REQUIRES(c->tree->mu)
{
    struct ptd_headers_result res = { 0 };
    enum ptd_header_err e = add_list_locked(
        c, &res, &in->c, 1,
        flags & PTD_ACCEPT_TRUSTED ? PTD_FROM_TRUSTED : PTD_FROM_STRANGER);
    node_id parent;

    if (e != PTD_HEADER_OK) {
        out->verdict = verdict_of(e, in->b->header.version);
        return false;
    }
    in->id = ptd_headers_find_locked(c->tree, &out->hash);
    parent = node_locked(c->tree, in->id)->parent;
    in->at.params = c->cfg.params;
    in->at.height = node_locked(c->tree, in->id)->height;
    if (parent != NO_NODE)
        in->at.prev_median_time =
            ptd_headers_median_time_locked(c->tree, parent);
    if (!(flags & PTD_ACCEPT_REQUESTED) && !is_wanted_locked(c, in->id))
        out->ignored = true;
    return !out->ignored;
}

/* Put the header into the tree; true: go on with the block. */
static bool take_header(struct ptd_blockchain *c, struct ptd_block_result *out,
                        struct incoming *in, unsigned flags, bool ours)
{
    enum ptd_err e = PTD_OK;
    bool go_on;

    ptd_mutex_lock(&c->disk_mu);
    if (c->reindexing && !ours) {
        out->ignored = true;
        ptd_mutex_unlock(&c->disk_mu);
        return false;
    }
    ptd_mutex_lock(&c->tree->mu);
    go_on = take_header_locked(c, out, in, flags);
    ptd_mutex_unlock(&c->tree->mu);
    if (!go_on)
        e = ptd_chain_save(c); /* else it is written together with the block */
    ptd_mutex_unlock(&c->disk_mu);
    if (e != PTD_OK)
        out->verdict = from_err(e);
    return go_on;
}

/* Remember that a block is bad, if its header is known and to blame. */
static void remember_bad(struct ptd_blockchain *c, struct ptd_block_result *out,
                         const struct incoming *in)
{
    enum ptd_err e;

    if (out->verdict.class != PTD_BLOCK_INVALID || in->id == NO_NODE)
        return;
    ptd_mutex_lock(&c->disk_mu);
    ptd_mutex_lock(&c->tree->mu);
    ptd_chain_mark_bad_locked(c, in->id);
    ptd_mutex_unlock(&c->tree->mu);
    e = ptd_chain_save(c);
    ptd_mutex_unlock(&c->disk_mu);
    if (e != PTD_OK)
        out->verdict = from_err(e);
}

static bool
may_be_put_locked(struct ptd_blockchain *c, struct ptd_block_result *out,
                  const struct incoming *in) PTD_REQUIRES(c->tree->mu)
{
    unsigned st = *status_locked(c->tree, in->id);

    /* Others may have been here since the block was looked at. */
    if (c->in_trouble)
        out->verdict = ptd_header_err_verdict(PTD_HEADER_EIO);
    else if (st & ST_INVALID)
        out->verdict = ptd_header_err_verdict(PTD_HEADER_EKNOWN);
    else if (!(st & ST_HAVE))
        return true;
    return false;
}

/* Write it where it belongs, unless it lies somewhere already. */
static enum ptd_err store(struct ptd_blockchain *c, const struct incoming *in,
                          struct ptd_blockpos *pos,
                          const struct ptd_blockpos *at)
    PTD_REQUIRES(c->disk_mu) PTD_EXCLUDES(c->tree->mu)
{
    enum ptd_err e;

    if (at != NULL) {
        *pos = *at;
        return PTD_OK;
    }
    e = ptd_blockfiles_append(c->files, pos, in->raw, in->n_raw);
    if (e != PTD_OK && e != PTD_ENOMEM)
        ptd_chain_set_trouble(c, "Writing a block", e);
    c->unsynced_bytes += in->n_raw;
    return e;
}

static enum ptd_err put(struct ptd_blockchain *c, struct ptd_block_result *out,
                        const struct incoming *in,
                        const struct ptd_blockpos *at) PTD_REQUIRES(c->disk_mu)
    PTD_EXCLUDES(c->tree->mu)
{
    struct ptd_blockpos pos;
    node_id before;
    bool may, room = true;
    enum ptd_err e;

    ptd_mutex_lock(&c->tree->mu);
    may = may_be_put_locked(c, out, in);
    ptd_mutex_unlock(&c->tree->mu);
    if (!may)
        return PTD_OK;
    if ((e = store(c, in, &pos, at)) != PTD_OK)
        return e;
    ptd_mutex_lock(&c->tree->mu);
    before = c->active;
    room = ptd_chain_reserve_locked(c, in->id, pos.file);
    if (room) {
        ptd_chain_put_block_locked(c, in->id, &pos, in->b->n_tx);
        out->is_new = true;
        out->new_tip = c->active != before;
    }
    ptd_mutex_unlock(&c->tree->mu);
    if (!room)
        return PTD_ENOMEM;
    e = ptd_chain_save(c);
    return e == PTD_OK ? ptd_chain_prune_to_target(c) : e;
}

static void put_and_tell(struct ptd_blockchain *c, struct ptd_block_result *out,
                         const struct incoming *in,
                         const struct ptd_blockpos *at)
{
    enum ptd_err e;

    ptd_mutex_lock(&c->disk_mu);
    e = put(c, out, in, at);
    ptd_mutex_unlock(&c->disk_mu);
    if (e != PTD_OK) {
        out->verdict = from_err(e);
        out->is_new = false;
    }
    ptd_chain_tell(c);
}

/* Without its place; the header's proof of work first. */
static struct ptd_block_verdict check_alone(struct ptd_blockchain *c,
                                            struct incoming *in)
{
    enum ptd_header_err e =
        ptd_headers_check_alone(c->tree, &in->c, in->header, 1);
    struct ptd_block_verdict v;

    if (e != PTD_HEADER_OK)
        return ptd_header_err_verdict(e);
    v = in->at.sound ? ptd_block_check_sound(in->b) : ptd_block_check(in->b);
    if (v.class == PTD_BLOCK_INVALID) {
        /* Not if its transactions may be made up to fit the header. */
        struct ptd_block_verdict m = ptd_block_check_mutated(in->b, false);

        if (m.class == PTD_BLOCK_MUTATED &&
            strcmp(m.reason, "bad-txns-node") == 0)
            v.class = PTD_BLOCK_MUTATED;
    }
    return v;
}

static void accept(struct ptd_blockchain *c, struct ptd_block_result *out,
                   struct incoming *in, unsigned flags,
                   const struct ptd_blockpos *at)
{
    enum ptd_err e;

    if (is_settled(c, out, in))
        return;
    in->at.sound = flags & PTD_ACCEPT_SOUND;
    out->verdict = check_alone(c, in);
    if (out->verdict.class != PTD_BLOCK_VALID) {
        remember_bad(c, out, in);
        return;
    }
    if (!take_header(c, out, in, flags, at != NULL))
        return;
    out->verdict = ptd_block_check_in_place(in->b, &in->at);
    if (out->verdict.class != PTD_BLOCK_VALID) {
        remember_bad(c, out, in);
        return;
    }
    if ((e = get_raw(in)) != PTD_OK)
        out->verdict = from_err(e);
    else
        put_and_tell(c, out, in, at);
    ptd_free(in->own);
}

void ptd_chain_accept(struct ptd_blockchain *c, struct ptd_block_result *out,
                      const struct ptd_msg *block, unsigned flags,
                      const struct ptd_blockpos *at)
{
    struct incoming in = { .b = PTD_MSG_CONST(block, block), .id = NO_NODE };

    *out = (struct ptd_block_result){ .verdict = ptd_header_err_verdict(
                                          PTD_HEADER_OK) };
    ptd_block_header_encode(&in.b->header, in.header);
    ptd_block_header_hash(&in.b->header, &out->hash);
    accept(c, out, &in, flags, at);
    if (out->verdict.class != PTD_BLOCK_VALID) {
        const char *detail = out->verdict.detail;
        char hex[PTD_HASH_HEX_SIZE];

        /* In the words that scripts look for. */
        ptd_log_debug("block %s: AcceptBlock FAILED (%s%s%s)",
                      ptd_hash_to_hex(&out->hash, hex), out->verdict.reason,
                      *detail != '\0' ? ", " : "", detail);
    }
}

void ptd_blockchain_accept_block(struct ptd_blockchain *c,
                                 struct ptd_block_result *out,
                                 const struct ptd_msg *block, unsigned flags)
{
    ptd_chain_accept(c, out, block, flags, NULL);
}

/* ---- a proposal ----------------------------------------------------- */

struct ptd_block_verdict ptd_blockchain_test_block(struct ptd_blockchain *c,
                                                   const struct ptd_msg *block)
{
    const struct ptd_msg_block *b = PTD_MSG_CONST(block, block);
    uint8_t header[PTD_HEADER_BYTES];
    struct candidate cand = { .raw = header,
                              .version = b->header.version,
                              .time = b->header.time,
                              .bits = b->header.bits };
    struct ptd_block_context at = { .params = c->cfg.params };
    enum ptd_header_err e = PTD_HEADER_EORPHAN;
    struct ptd_block_verdict v = ptd_block_check(b);

    if (v.class != PTD_BLOCK_VALID)
        return v;
    ptd_block_header_encode(&b->header, header);
    ptd_mutex_lock(&c->tree->mu);
    if (ptd_hash_eq(&node_locked(c->tree, c->active)->hash, &b->header.prev)) {
        at.height = node_locked(c->tree, c->active)->height + 1;
        at.prev_median_time =
            ptd_headers_median_time_locked(c->tree, c->active);
        e = ptd_headers_judge_locked(c->tree, c->active, &cand,
                                     ptd_clock_wall_s(c->cfg.clock));
    }
    ptd_mutex_unlock(&c->tree->mu);
    if (e == PTD_HEADER_EORPHAN)
        return (struct ptd_block_verdict){ PTD_BLOCK_MISSING_PREV,
                                           "inconclusive-not-best-prevblk",
                                           "" };
    if (e != PTD_HEADER_OK)
        return verdict_of(e, b->header.version);
    return ptd_block_check_in_place(b, &at);
}
