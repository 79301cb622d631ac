/* What peers ask of us: headers, hashes, and whatever stands in a getdata. All
 * on the in thread of the peer that asks. */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "netsync/netsync_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

enum {
    /* One call of serve_on_getdata() looks at so many entries and queues so
     * many bytes; then what it queued has to drain. */
    SERVE_ENTRIES = 1000,
    SERVE_BYTES = 512 * 1024,
    SERVE_INV = 500,  /* hashes in an answer to getblocks */
    KEPT_S = 60 * 60, /* of pruned blocks, those that last so long are told */
    STALE_S = 30 * 24 * 60 * 60
};

/* ---- whether --------------------------------------------------------- */

/* |a - b| in seconds of work at the best header's difficulty, at most STALE_S
 * and more. */
static bool is_near_in_work(struct ptd_netsync *ns,
                            const struct ptd_header_info *best,
                            const struct ptd_header_info *info)
{
    struct ptd_u256 diff = best->work, target, work, limit;

    if (ptd_u256_cmp(&diff, &info->work) < 0)
        return true;
    (void)ptd_u256_sub(&diff, &info->work);
    if (!ptd_u256_from_compact(&target, best->bits))
        return false;
    work = ptd_u256_work(&target);
    limit = work;
    if (ptd_u256_mul_u32(&limit, STALE_S / ns->params->pow_spacing_s))
        return true;
    return ptd_u256_cmp(&diff, &limit) < 0;
}

bool serve_may_show(struct ptd_netsync *ns, const struct ptd_block_info *info)
{
    struct ptd_header_info best;

    if (info->active)
        return true;
    if (!info->linked || info->invalid)
        return false;
    ptd_headers_tip(ns->headers, &best);
    return (int64_t)best.time - (int64_t)info->header.time < STALE_S &&
           is_near_in_work(ns, &best, &info->header);
}

/* ---- headers --------------------------------------------------------- */

static struct ptd_msg *make_headers(const uint8_t *raw, size_t n)
{
    struct ptd_block_header *list = ptd_alloc_array(n, sizeof *list);
    struct ptd_msg *m = NULL;

    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        ptd_block_header_decode(&list[i], raw + i * PTD_HEADER_BYTES);
    m = ptd_msg_new_headers(list, n);
    ptd_free(list);
    return m;
}

/* What the peer knows from now on: the last header of the answer; our tip, if
 * there was none to send. Not the better of that and what it was told before:
 * it may have asked because that did not connect. */
static void note_sent(struct ptd_sync_peer *sp, const uint8_t *raw, size_t n)
{
    struct ptd_netsync *ns = sp->ns;
    struct ptd_header_info info;
    struct ptd_block_info tip;
    struct ptd_block_header h;
    struct ptd_hash hash;

    ptd_blockchain_tip(ns->chain, &tip);
    info = tip.header;
    if (n > 0) {
        ptd_block_header_decode(&h, raw + (n - 1) * PTD_HEADER_BYTES);
        ptd_block_header_hash(&h, &hash);
        (void)!ptd_headers_find(ns->headers, &info, &hash);
    }
    ptd_mutex_lock(&sp->ns->mu);
    sync_mark(&sp->sent, &info);
    ptd_mutex_unlock(&sp->ns->mu);
}

/* A header by its hash. */
static enum ptd_err serve_one_header(struct ptd_sync_peer *sp,
                                     const struct ptd_hash *hash)
{
    struct ptd_block_info info;

    if (!ptd_blockchain_find(sp->ns->chain, &info, hash))
        return PTD_OK;
    if (!serve_may_show(sp->ns, &info)) {
        ptd_log_debug("ignoring request from %s for old block header that "
                      "isn't in the main chain",
                      ptd_peer_name(sp->peer));
        return PTD_OK;
    }
    return sync_send(sp, make_headers(info.header.raw, 1));
}

/* A chain of too little work would have to be refused: it is not shown. */
static bool has_too_little_work(struct ptd_sync_peer *sp)
{
    struct ptd_block_info tip;

    if (sp->cfg.download || sp->cfg.noban)
        return false;
    ptd_blockchain_tip(sp->ns->chain, &tip);
    return ptd_u256_cmp(&tip.header.work, &sp->ns->min_work) < 0;
}

enum ptd_err serve_on_getheaders(struct ptd_peer *p, struct ptd_msg *msg,
                                 void *arg)
{
    const struct ptd_msg_locator *m = SYNC_MSG(locator, msg);
    struct ptd_sync_peer *sp = arg;
    struct ptd_msg *answer;
    uint8_t *raw;
    size_t n;

    if (atomic_load(&sp->ns->loading)) {
        ptd_log_debug("Ignoring getheaders from %s while importing/reindexing",
                      ptd_peer_name(p));
        return PTD_OK;
    }
    if (has_too_little_work(sp)) {
        ptd_log_debug("Ignoring getheaders from %s because active chain has "
                      "too little work; sending empty response",
                      ptd_peer_name(p));
        return sync_send(sp, make_headers(NULL, 0));
    }
    if (m->n == 0)
        return serve_one_header(sp, &m->stop);
    raw = ptd_alloc_array(PTD_MAX_HEADERS_PER_MSG, PTD_HEADER_BYTES);
    if (raw == NULL)
        return PTD_ENOMEM;
    n = ptd_blockchain_headers_after(
        sp->ns->chain, raw, PTD_MAX_HEADERS_PER_MSG, m->hashes, m->n, &m->stop);
    ptd_log_debug("getheaders from %s: %zu", ptd_peer_name(p), n);
    note_sent(sp, raw, n);
    answer = make_headers(raw, n);
    ptd_free(raw);
    return sync_send(sp, answer);
}

/* ---- hashes ---------------------------------------------------------- */

/* Of a pruned chain only those that will be there when they are asked for. */
static size_t likely_to_have(struct ptd_netsync *ns,
                             const struct ptd_hash *list, size_t n)
{
    uint32_t kept = PTD_KEEP_BLOCKS - KEPT_S / ns->params->pow_spacing_s;
    uint32_t tip = ptd_blockchain_height(ns->chain);
    struct ptd_block_info info;

    if ((ns->cfg.services(ns->cfg.arg) & PTD_NODE_NETWORK) != 0)
        return n;
    for (size_t i = 0; i < n; i++)
        if (!ptd_blockchain_find(ns->chain, &info, &list[i]) ||
            !info.have_block || info.header.height + kept <= tip)
            return i;
    return n;
}

static void note_continue(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
{
    ptd_mutex_lock(&sp->ns->mu);
    sp->continue_at = *hash;
    ptd_mutex_unlock(&sp->ns->mu);
}

/* When the last of them is fetched the tip is announced, and the peer asks for
 * more. */
enum ptd_err serve_on_getblocks(struct ptd_peer *p, struct ptd_msg *msg,
                                void *arg)
{
    const struct ptd_msg_locator *m = SYNC_MSG(locator, msg);
    struct ptd_sync_peer *sp = arg;
    struct ptd_netsync *ns = sp->ns;
    struct ptd_hash *hash = ptd_alloc_array(SERVE_INV, sizeof *hash);
    struct ptd_inv *list = ptd_alloc_array(SERVE_INV, sizeof *list);
    struct ptd_msg *answer = NULL;
    size_t n = 0;

    (void)p;
    if (hash != NULL && list != NULL) {
        n = ptd_blockchain_hashes_after(ns->chain, hash, SERVE_INV, m->hashes,
                                        m->n, &m->stop);
        n = likely_to_have(ns, hash, n);
        for (size_t i = 0; i < n; i++)
            list[i] =
                (struct ptd_inv){ .type = PTD_INV_BLOCK, .hash = hash[i] };
        answer = n > 0 ? ptd_msg_new_inv(PTD_MSG_INV, list, n) : NULL;
        if (n == SERVE_INV)
            note_continue(sp, &hash[n - 1]);
    }
    ptd_free(list);
    ptd_free(hash);
    return n > 0 ? sync_send(sp, answer) : PTD_OK;
}

/* ---- getdata --------------------------------------------------------- */

static bool is_tx(uint32_t type)
{
    return type == PTD_INV_TX || type == PTD_INV_WTX ||
           type == PTD_INV_WITNESS_TX;
}

/* Entries from sp->serve_at on. What we have not got goes to notfound;
 * transactions are somebody else's (relay), made-up types get no answer. */
static enum ptd_err serve_some(struct ptd_sync_peer *sp,
                               const struct ptd_msg_inv *m,
                               struct ptd_inv *missing, size_t *n_missing)
{
    size_t end = PTD_MIN(m->n, sp->serve_at + SERVE_ENTRIES), bytes = 0;
    enum ptd_err e = PTD_OK;

    while (sp->serve_at < end && bytes < SERVE_BYTES && e == PTD_OK) {
        const struct ptd_inv *inv = &m->list[sp->serve_at++];
        bool is_missing = false;

        if (!is_tx(inv->type))
            e = serve_block(sp, inv, &bytes, &is_missing);
        if (is_missing)
            missing[(*n_missing)++] = *inv;
    }
    return e;
}

enum ptd_err serve_on_getdata(struct ptd_peer *p, struct ptd_msg *msg,
                              void *arg)
{
    const struct ptd_msg_inv *m = SYNC_MSG(inv, msg);
    struct ptd_sync_peer *sp = arg;
    char hex[PTD_HASH_HEX_SIZE];
    struct ptd_inv *missing;
    size_t n_missing = 0;
    enum ptd_err e;

    missing = ptd_alloc_array(PTD_MIN(m->n, SERVE_ENTRIES), sizeof *missing);
    if (missing == NULL)
        return PTD_ENOMEM;
    if (sp->serve_at == 0)
        ptd_log_debug("received getdata (%" PRIu32 " invsz) %s", m->n,
                      ptd_peer_name(p));
    if (sp->serve_at == 0 && m->n > 0 && !is_tx(m->list[0].type))
        ptd_log_debug("received getdata for: %s %s",
                      ptd_hash_to_hex(&m->list[0].hash, hex), ptd_peer_name(p));
    e = serve_some(sp, m, missing, &n_missing);
    if (e == PTD_OK && n_missing > 0)
        e = sync_send(sp,
                      ptd_msg_new_inv(PTD_MSG_NOTFOUND, missing, n_missing));
    ptd_free(missing);
    if (e == PTD_OK && sp->serve_at < m->n)
        return PTD_EAGAIN;
    sp->serve_at = 0;
    return e;
}

/* ---- transactions ---------------------------------------------------- */

bool serve_declines_txs(const struct ptd_sync_peer *sp)
{
    return sp->cfg.block_relay_only || sp->cfg.passing ||
           (sp->ns->cfg.blocks_only && !sp->cfg.relay);
}

/* A stranger's transaction is nothing that we could check. */
enum ptd_err serve_on_tx(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    struct ptd_sync_peer *sp = arg;

    (void)p;
    (void)msg;
    if (serve_declines_txs(sp))
        return sync_end(sp, PTD_EPROTO,
                        "transaction sent in violation of protocol");
    return PTD_OK;
}
