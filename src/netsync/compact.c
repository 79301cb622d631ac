/* Compact blocks that come, and whom we ask for them unasked. Source: BIP 152 */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "netsync/netsync_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

/* ---- sendcmpct ------------------------------------------------------- */

enum ptd_err compact_on_sendcmpct(struct ptd_peer *p, struct ptd_msg *msg,
                                  void *arg)
{
    const struct ptd_msg_sendcmpct *m = SYNC_MSG(sendcmpct, msg);
    struct ptd_sync_peer *sp = arg;

    (void)p;
    if (m->version != SYNC_CMPCT_VERSION)
        return PTD_OK;
    ptd_mutex_lock(&sp->ns->mu);
    sp->provides_cmpct = true;
    sp->hb_from = m->high_bandwidth;
    ptd_mutex_unlock(&sp->ns->mu);
    return PTD_OK;
}

static struct ptd_msg *make_sendcmpct(bool high)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_SENDCMPCT);
    struct ptd_msg_sendcmpct *s = (struct ptd_msg_sendcmpct *)(void *)m;

    if (m != NULL) {
        s->high_bandwidth = high;
        s->version = SYNC_CMPCT_VERSION;
    }
    return m;
}

/* Take sp's place at the end: the newest. True: it was among them. */
static bool renew_locked(struct ptd_sync_peer *sp) PTD_REQUIRES(sp->ns->mu);
static bool renew_locked(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;
    size_t i = 0;

    while (i < ns->n_high && ns->high[i] != sp)
        i++;
    if (i == ns->n_high)
        return false;
    for (; i + 1 < ns->n_high; i++)
        ns->high[i] = ns->high[i + 1];
    ns->high[i] = sp;
    return true;
}

/* The oldest goes; but not the last that we called, for one that called us. */
static struct ptd_sync_peer *make_room_locked(struct ptd_sync_peer *sp)
    PTD_REQUIRES(sp->ns->mu);
static struct ptd_sync_peer *make_room_locked(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;
    struct ptd_sync_peer *out;
    size_t n_out = 0, k = 0;

    if (ns->n_high < SYNC_HIGH)
        return NULL;
    for (size_t i = 0; i < ns->n_high; i++)
        n_out += ns->high[i]->cfg.outbound;
    if (!sp->cfg.outbound && n_out == 1 && ns->high[0]->cfg.outbound)
        k = 1;
    out = ns->high[k];
    for (size_t i = k; i + 1 < ns->n_high; i++)
        ns->high[i] = ns->high[i + 1];
    ns->n_high--;
    out->hb_to = false;
    return sync_peer_ref(out);
}

void compact_choose(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;
    struct ptd_sync_peer *out = NULL;
    bool chosen = false;

    if (ns->cfg.blocks_only)
        return; /* we have nothing to put blocks together from */
    ptd_mutex_lock(&sp->ns->mu);
    if (sp->ready && sp->provides_cmpct && !renew_locked(sp)) {
        out = make_room_locked(sp);
        ns->high[ns->n_high++] = sp;
        sp->hb_to = true;
        chosen = true;
    }
    ptd_mutex_unlock(&sp->ns->mu);
    if (out != NULL) {
        (void)!sync_try_send(out, make_sendcmpct(false));
        sync_peer_put(out);
    }
    if (chosen)
        (void)!sync_send(sp, make_sendcmpct(true));
}

/* ---- putting together ------------------------------------------------ */

/* Does the block at this height commit to witnesses? */
static bool has_witness(const struct ptd_netsync *ns, uint32_t height)
{
    return height >= ns->params->segwit_height;
}

static void forget(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
{
    struct flight *f;

    ptd_mutex_lock(&sp->ns->mu);
    if ((f = flight_of_locked(sp, hash)) != NULL)
        flight_end_locked(sp->ns, f);
    ptd_mutex_unlock(&sp->ns->mu);
    sync_wake(sp->ns);
}

static enum ptd_err ask_whole(struct ptd_sync_peer *sp,
                              const struct ptd_hash *hash)
{
    return sync_send(sp, sync_getdata(PTD_INV_WITNESS_BLOCK, hash));
}

/* It is all here: fill the block, and take it in.
 *
 * b        taken
 * first    it was the first to be asked: else it failed in vain, and the first
 *          one's answer is waited for
 */
static enum ptd_err
finish(struct ptd_sync_peer *sp, struct partial *b, struct ptd_msg *blocktxn,
       const struct ptd_hash *hash, uint32_t height, bool first)
{
    struct ptd_msg *block = NULL;
    enum partial_state state =
        partial_fill(b, &block, blocktxn, has_witness(sp->ns, height));
    enum ptd_err e = PTD_OK;

    switch (state) {
    case PARTIAL_OK:
        e = blocks_take(sp, block, PTD_ACCEPT_REQUESTED | PTD_ACCEPT_SOUND,
                        true);
        ptd_msg_free(block);
        break;
    case PARTIAL_INVALID:
        forget(sp, hash);
        e = sync_misbehaved(
            sp, PTD_EBADVALUE,
            "invalid compact block/non-matching block transactions");
        break;
    case PARTIAL_FAILED:
        if (first) {
            e = ask_whole(sp, hash);
            break;
        }
        forget(sp, hash);
        ptd_log_debug("%s sent us a compact block but it failed to "
                      "reconstruct, waiting on first download to complete",
                      ptd_peer_name(sp->peer));
        break;
    }
    partial_free(b);
    return e;
}

/* ---- cmpctblock ------------------------------------------------------ */

/* What is to be done with one. */
enum plan {
    PLAN_NONE,     /* it is settled already */
    PLAN_NOTHING,  /* its time will come */
    PLAN_WHOLE,    /* ask for the whole block */
    PLAN_BUILD,    /* put it together, asking for what is missing */
    PLAN_TRY,      /* … only if nothing is */
    PLAN_AS_HEADER /* treat it as an announced header */
};

struct news {
    struct ptd_msg *msg;
    struct ptd_hash hash;
    struct ptd_block_info info; /* of its header */
    bool first;                 /* nobody was asked before this peer */
    bool asks;                  /* others may be asked at the same time */
};

static enum plan plan_locked(struct ptd_sync_peer *sp, struct news *n,
                             const struct ptd_block_info *tip, bool near)
    PTD_REQUIRES(sp->ns->mu);
static enum plan plan_locked(struct ptd_sync_peer *sp, struct news *n,
                             const struct ptd_block_info *tip, bool near)
{
    struct flight *mine = flight_of_locked(sp, &n->hash);
    bool outbound;
    size_t asked = flight_count_locked(sp->ns, &n->hash, &outbound);

    n->first = asked == 0 || flight_first_locked(sp->ns, &n->hash)->sp == sp;
    n->asks = n->first || (sp->hb_to && (sp->cfg.outbound || outbound ||
                                         asked < SYNC_PARALLEL - 1));
    if (ptd_u256_cmp(&n->info.header.work, &tip->header.work) <= 0 ||
        n->info.was_pruned)
        return mine != NULL ? PLAN_WHOLE : PLAN_NOTHING;
    if (asked == 0 && !near)
        return PLAN_NOTHING; /* it comes with all others */
    if (n->info.header.height > tip->header.height + 2)
        return mine != NULL ? PLAN_WHOLE : PLAN_AS_HEADER;
    if (mine == NULL && (asked >= SYNC_PARALLEL ||
                         sp->n_flights >= PTD_SYNC_PER_PEER || !sp->ready))
        return PLAN_TRY;
    if (mine == NULL)
        mine = flight_add_locked(sp, &n->hash, n->info.header.height);
    if (mine == NULL)
        return PLAN_NOTHING;
    if (mine->compact) {
        ptd_log_debug("Peer sent us compact block we were already syncing!");
        return PLAN_NOTHING;
    }
    mine->compact = true;
    return PLAN_BUILD;
}

static enum plan make_plan(struct ptd_sync_peer *sp, struct news *n)
{
    bool near = sync_is_near(sp->ns);
    struct ptd_block_info tip;
    enum plan plan;

    ptd_blockchain_tip(sp->ns->chain, &tip);
    ptd_mutex_lock(&sp->ns->mu);
    plan = plan_locked(sp, n, &tip, near);
    ptd_mutex_unlock(&sp->ns->mu);
    return plan;
}

/* Keep what is there until the rest comes. False: it is wanted no more. */
static bool keep(struct ptd_sync_peer *sp, struct partial *b,
                 const struct ptd_hash *hash)
{
    struct flight *f;

    ptd_mutex_lock(&sp->ns->mu);
    if ((f = flight_of_locked(sp, hash)) != NULL)
        f->partial = b;
    ptd_mutex_unlock(&sp->ns->mu);
    if (f == NULL)
        partial_free(b);
    return f != NULL;
}

static enum ptd_err build(struct ptd_sync_peer *sp, const struct news *n)
{
    struct ptd_msg *ask;
    struct partial *b;
    size_t n_missing;

    switch (partial_new(&b, sp->ns, n->msg)) {
    case PARTIAL_OK: break;
    case PARTIAL_INVALID:
        forget(sp, &n->hash);
        return sync_misbehaved(sp, PTD_EBADVALUE, "invalid compact block");
    case PARTIAL_FAILED:
        if (n->first)
            return ask_whole(sp, &n->hash);
        forget(sp, &n->hash);
        return PTD_OK;
    }
    ask = partial_ask(b, &n_missing);
    if (n_missing == 0)
        return finish(sp, b, NULL, &n->hash, n->info.header.height, n->first);
    if (!n->asks) {
        ptd_msg_free(ask);
        partial_free(b);
        forget(sp, &n->hash);
        return PTD_OK;
    }
    if (!keep(sp, b, &n->hash)) {
        ptd_msg_free(ask);
        return PTD_OK;
    }
    return sync_send(sp, ask);
}

/* Others are asked for it; but if we can do without asking, nobody need be
 * waited for. */
static enum ptd_err try_build(struct ptd_sync_peer *sp, const struct news *n)
{
    struct ptd_msg *block, *ask;
    struct partial *b;
    size_t n_missing;
    enum ptd_err e = PTD_OK;

    if (partial_new(&b, sp->ns, n->msg) != PARTIAL_OK)
        return PTD_OK;
    ask = partial_ask(b, &n_missing);
    ptd_msg_free(ask);
    if (n_missing == 0 &&
        partial_fill(b, &block, NULL,
                     has_witness(sp->ns, n->info.header.height)) ==
            PARTIAL_OK) {
        e = blocks_take(sp, block, PTD_ACCEPT_REQUESTED | PTD_ACCEPT_SOUND,
                        true);
        ptd_msg_free(block);
    }
    partial_free(b);
    return e;
}

/* Does the branch, with this header, have the work that a stranger's must? */
static bool has_work(struct ptd_netsync *ns, const struct ptd_header_info *prev,
                     const struct ptd_block_header *h)
{
    struct ptd_u256 target, work, wanted;

    if (!ptd_u256_from_compact(&target, h->bits) || ptd_u256_is_zero(&target))
        return false;
    work = ptd_u256_work(&target);
    if (ptd_u256_add(&work, &prev->work))
        return false;
    ptd_blockchain_work_wanted(ns->chain, &wanted);
    return ptd_u256_cmp(&work, &wanted) >= 0;
}

/* Put its header into the tree. True: go on with the block. */
static bool take_header(struct ptd_sync_peer *sp,
                        const struct ptd_block_header *h, struct news *n,
                        enum ptd_err *err)
{
    struct ptd_netsync *ns = sp->ns;
    uint8_t raw[PTD_HEADER_BYTES];
    struct ptd_headers_result res;
    struct ptd_header_info prev;
    enum ptd_header_err e;

    *err = PTD_OK;
    if (!ptd_headers_find(ns->headers, &prev, &h->prev)) {
        if (!ptd_blockchain_is_initial_download(ns->chain))
            (void)headers_ask(sp, NULL);
        return false;
    }
    if (!has_work(ns, &prev, h)) {
        ptd_log_debug("Ignoring low-work compact block from %s",
                      ptd_peer_name(sp->peer));
        return false;
    }
    ptd_block_header_encode(h, raw);
    e = ptd_blockchain_add_headers(ns->chain, &res, raw, 1, PTD_FROM_TRUSTED);
    if (e != PTD_HEADER_OK) {
        struct ptd_block_verdict v = ptd_header_err_verdict(e);

        *err =
            headers_punish(sp, &v, true, true, "invalid header via cmpctblock");
        return false;
    }
    if (!ptd_blockchain_find(ns->chain, &n->info, &n->hash))
        return false;
    if (res.n_new > 0) {
        char hex[PTD_HASH_HEX_SIZE];

        ptd_log_info_every(
            1, "Saw new cmpctblock header hash=%s height=%" PRIu32 " %s",
            ptd_hash_to_hex(&n->hash, hex), n->info.header.height,
            ptd_peer_name(sp->peer));
        if (res.new_tip && ns->cfg.on_headers != NULL)
            ns->cfg.on_headers(ns->cfg.arg, sp->cfg.user,
                               n->info.header.height);
    }
    ptd_mutex_lock(&sp->ns->mu);
    sync_has_locked(sp, &n->hash);
    if (res.n_new > 0)
        sp->last_announced_s = ptd_clock_wall_s(ns->clk);
    ptd_mutex_unlock(&sp->ns->mu);
    return true;
}

enum ptd_err compact_on_block(struct ptd_peer *p, struct ptd_msg *msg,
                              void *arg)
{
    const struct ptd_msg_cmpctblock *m = SYNC_MSG(cmpctblock, msg);
    struct ptd_sync_peer *sp = arg;
    struct ptd_netsync *ns = sp->ns;
    struct news n = { .msg = msg };
    enum plan plan = PLAN_NONE;
    enum ptd_err e;

    if (atomic_load(&ns->loading)) {
        ptd_log_debug("Unexpected cmpctblock message received from %s",
                      ptd_peer_name(p));
        return PTD_OK;
    }
    ptd_block_header_hash(&m->header, &n.hash);
    fetch_hold(sp);
    if (take_header(sp, &m->header, &n, &e) && !n.info.have_block)
        plan = make_plan(sp, &n);
    fetch_release(sp);
    switch (plan) {
    case PLAN_NONE: return e;
    case PLAN_NOTHING: break;
    case PLAN_WHOLE: return ask_whole(sp, &n.hash);
    case PLAN_BUILD: return build(sp, &n);
    case PLAN_TRY: return try_build(sp, &n);
    case PLAN_AS_HEADER: return headers_on_one(sp, &m->header);
    }
    fetch_more(sp);
    return PTD_OK;
}

/* ---- blocktxn -------------------------------------------------------- */

enum ptd_err compact_on_txs(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_blocktxn *m = SYNC_MSG(blocktxn, msg);
    struct ptd_sync_peer *sp = arg;
    struct ptd_netsync *ns = sp->ns;
    struct partial *b = NULL;
    uint32_t height = 0;
    bool tried = false, first = false;
    struct flight *f;

    if (atomic_load(&ns->loading)) {
        ptd_log_debug("Unexpected blocktxn message received from %s",
                      ptd_peer_name(p));
        return PTD_OK;
    }
    ptd_mutex_lock(&sp->ns->mu);
    f = flight_of_locked(sp, &m->block);
    if (f != NULL) {
        tried = f->compact;
        height = f->height;
        first = flight_first_locked(sp->ns, &m->block) == f;
        /* Ours alone now: the request may end while we work on it. */
        b = f->partial;
        f->partial = NULL;
    }
    ptd_mutex_unlock(&sp->ns->mu);
    if (!tried) {
        ptd_log_debug("%s sent us block transactions for block we weren't "
                      "expecting",
                      ptd_peer_name(p));
        return PTD_OK;
    }
    if (b != NULL)
        return finish(sp, b, msg, &m->block, height, first);
    ptd_log_debug("%s sent compact block transactions multiple times",
                  ptd_peer_name(p));
    forget(sp, &m->block);
    return sync_misbehaved(sp, PTD_EPROTO,
                           "previous compact block reconstruction attempt "
                           "failed");
}
