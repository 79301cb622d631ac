#include <config.h>

#include "relay/relay.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "pentad/log.h"
#include "relay/relay_int.h"

PTD_LOG_TAG(TXMP);

#define AGAIN_US (10 * MINUTE_US) /* and up to half as much again */

/* ---- life ------------------------------------------------------------ */

struct ptd_relay *ptd_relay_new(const struct ptd_relay_config *cfg)
{
    struct ptd_relay *r = ptd_calloc(1, sizeof *r);
    bool room;

    if (r == NULL)
        return NULL;
    r->cfg = *cfg;
    r->cfg.pool.clock = cfg->clock;
    r->chain = cfg->chain;
    r->clk = cfg->clock;
    r->headers = ptd_blockchain_headers(r->chain);
    r->pool = ptd_pool_new(&r->cfg.pool);
    r->wake = ptd_chan_new(0, 1);
    r->quit = ptd_chan_new(0, 0);
    ptd_mutex_init(&r->mu, PTD_RANK_RELAY);
    ptd_mutex_lock(&r->mu);
    ptd_list_init(&r->peers);
    recent_init(&r->rejects, RELAY_REJECTS);
    recent_init(&r->confirmed, RELAY_CONFIRMED);
    room = wanted_init(&r->wanted);
    ptd_mutex_unlock(&r->mu);
    if (room && r->pool != NULL && r->wake != NULL && r->quit != NULL)
        return r;
    ptd_relay_free(r);
    return NULL;
}

void ptd_relay_free(struct ptd_relay *r)
{
    if (r == NULL)
        return;
    ptd_mutex_lock(&r->mu);
    PTD_ASSERT(ptd_list_is_empty(&r->peers));
    wanted_fini(&r->wanted);
    recent_fini(&r->confirmed);
    recent_fini(&r->rejects);
    ptd_mutex_unlock(&r->mu);
    ptd_mutex_fini(&r->mu);
    ptd_free(r->due);
    ptd_chan_free(r->quit);
    ptd_chan_free(r->wake);
    ptd_pool_free(r->pool);
    ptd_free(r);
}

struct ptd_pool *ptd_relay_pool(struct ptd_relay *r)
{
    return r->pool;
}

void relay_wake(struct ptd_relay *r)
{
    (void)!ptd_chan_try_send(r->wake, NULL);
}

void ptd_relay_place(struct ptd_relay *r, struct ptd_pool_place *out)
{
    struct ptd_block_info tip;

    ptd_blockchain_tip(r->chain, &tip);
    out->tip_height = tip.header.height;
    out->median_time = tip.header.median_time;
    out->time_s = 0;
}

/* ---- from the user ---------------------------------------------------- */

static void forget(struct ptd_relay *r, const struct ptd_pool_verdict *v)
{
    const struct wanted_id by_wtxid = { .hash = v->wtxid, .is_wtxid = true };
    const struct wanted_id by_txid = { .hash = v->txid };

    ptd_mutex_lock(&r->mu);
    wanted_forget(&r->wanted, &by_wtxid);
    wanted_forget(&r->wanted, &by_txid);
    ptd_mutex_unlock(&r->mu);
}

void ptd_relay_submit(struct ptd_relay *r, struct ptd_pool_verdict *out,
                      const struct ptd_tx *tx, int64_t max_fee, unsigned flags)
{
    struct ptd_pool_place at;

    ptd_relay_place(r, &at);
    ptd_pool_add(r->pool, out, tx, PTD_POOL_OWN, &at, max_fee, flags);
    if ((flags & PTD_POOL_TEST) != 0)
        return;
    if (out->class == PTD_POOL_KNOWN)
        ptd_pool_adopt(r->pool, &out->txid);
    else if (out->class == PTD_POOL_ADDED)
        forget(r, out);
    relay_wake(r);
}

void ptd_relay_each_tx(struct ptd_relay *r,
                       void (*take)(void *ctx, struct ptd_msg *tx,
                                    const struct ptd_hash *txid,
                                    const struct ptd_hash *wtxid),
                       void *ctx)
{
    struct ptd_pool_tx *list;
    size_t n;

    if (ptd_pool_list(r->pool, &list, &n) != PTD_OK)
        return;
    for (size_t i = 0; i < n; i++)
        take(ctx, list[i].msg, &list[i].txid, &list[i].wtxid);
    ptd_pool_list_free(list, n);
}

/* ---- a new tip --------------------------------------------------------- */

/* A block of the branch that ends in tip; NULL: it cannot be read any more. */
static struct ptd_msg *read_at(struct ptd_relay *r, const struct ptd_hash *tip,
                               uint32_t height)
{
    struct ptd_header_info info;
    struct ptd_msg *m;

    if (!ptd_headers_ancestor(r->headers, &info, tip, height) ||
        ptd_blockchain_read_block(r->chain, &m, &info.hash) != PTD_OK)
        return NULL;
    return m;
}

static void blocks_out(struct ptd_relay *r, const struct ptd_tip_change *t)
{
    struct ptd_pool_place at;
    struct ptd_msg *m;

    ptd_relay_place(r, &at);
    for (uint32_t h = t->fork_height + 1; h <= t->old_height; h++)
        if ((m = read_at(r, &t->old_tip, h)) != NULL) {
            ptd_pool_block_out(r->pool, RELAY_MSG(block, m), &at);
            ptd_msg_free(m);
        }
}

/* So that they are not fetched again from who is slow to hear of the block. */
static void note_confirmed(struct ptd_relay *r, const struct ptd_msg_block *b)
{
    struct ptd_hash txid, wtxid;

    for (uint32_t i = 0; i < b->n_tx; i++)
        if (ptd_tx_txid(&b->tx[i], &txid) == PTD_OK &&
            ptd_tx_wtxid(&b->tx[i], &wtxid) == PTD_OK) {
            ptd_mutex_lock(&r->mu);
            recent_add(&r->confirmed, &txid);
            recent_add(&r->confirmed, &wtxid);
            ptd_mutex_unlock(&r->mu);
        }
}

static void blocks_in(struct ptd_relay *r, const struct ptd_tip_change *t,
                      bool note)
{
    struct ptd_msg *m;

    for (uint32_t h = t->fork_height + 1; h <= t->new_height; h++)
        if ((m = read_at(r, &t->new_tip, h)) != NULL) {
            ptd_pool_block_in(r->pool, RELAY_MSG(block, m));
            if (note)
                note_confirmed(r, RELAY_MSG(block, m));
            ptd_msg_free(m);
        }
}

void ptd_relay_tip(struct ptd_relay *r, const struct ptd_tip_change *t)
{
    const bool is_reorg = t->fork_height < t->old_height &&
                          !t->initial_download &&
                          t->old_height - t->fork_height <= RELAY_MAX_REORG;
    struct ptd_pool_place at;
    struct ptd_pool_info info;
    bool fetches;

    ptd_mutex_lock(&r->mu);
    fetches = r->n_fetched > 0 && !t->initial_download;
    recent_clear(&r->rejects);
    if (is_reorg)
        recent_clear(&r->confirmed);
    ptd_mutex_unlock(&r->mu);
    if (is_reorg)
        blocks_out(r, t);
    ptd_pool_info(r->pool, &info);
    /* Nobody cares what is in a block while nothing waits for one. */
    if (info.n > 0 || fetches)
        blocks_in(r, t, fetches);
    if (is_reorg) {
        ptd_relay_place(r, &at);
        ptd_pool_recheck(r->pool, &at);
    }
    if (info.n > 0 || !t->initial_download)
        relay_wake(r);
}

void ptd_relay_catch_up(struct ptd_relay *r, int64_t since_s)
{
    enum { MOST = 2016, CLOCKS_OFF_S = 2 * 60 * 60 };
    struct ptd_block_info b;
    struct ptd_msg *m;

    ptd_blockchain_tip(r->chain, &b);
    for (int i = 0;
         i < MOST && b.header.time >= since_s - CLOCKS_OFF_S &&
         ptd_blockchain_read_block(r->chain, &m, &b.header.hash) == PTD_OK;
         i++) {
        ptd_pool_block_in(r->pool, RELAY_MSG(block, m));
        ptd_msg_free(m);
        if (!ptd_blockchain_find(r->chain, &b, &b.prev))
            return;
    }
}

/* ---- the thread --------------------------------------------------------- */

/* Room for all peers in the list of those that are due. */
static bool reserve(struct ptd_relay *r)
{
    struct ptd_relay_peer **grown;
    size_t n;

    ptd_mutex_lock(&r->mu);
    n = r->n_peers;
    ptd_mutex_unlock(&r->mu);
    if (n <= r->due_cap)
        return true;
    grown = ptd_array_grow(r->due, &r->due_cap, n, sizeof *grown);
    if (grown == NULL)
        return false;
    r->due = grown;
    return true;
}

/* Those with something to do now, with references; what they are to pay. */
static size_t list_due(struct ptd_relay *r, int64_t fee, int64_t *due_us)
{
    const uint64_t row_end = ptd_pool_row_end(r->pool);
    const int64_t now_us = ptd_clock_now_us(r->clk);
    size_t n = 0;

    ptd_mutex_lock(&r->mu);
    *due_us = PTD_MIN(*due_us, wanted_run(&r->wanted, now_us));
    PTD_LIST_EACH(rp, &r->peers, struct ptd_relay_peer, link)
    {
        bool due = !ptd_list_is_empty(&rp->wanted.ready) ||
                   (rp->takes_fees && rp->fee_sent != fee);

        if (now_us < rp->not_before_us) {
            *due_us = PTD_MIN(*due_us, rp->not_before_us);
            continue;
        }
        rp->is_due =
            relay_announce_is_due_locked(r, rp, row_end, now_us, due_us);
        due = due || rp->is_due;
        if (due && n < r->due_cap)
            r->due[n++] = relay_peer_ref(rp);
    }
    for (size_t i = 0; i < PTD_RELAY_NETS; i++)
        if (r->tell_us[i] <= now_us)
            r->tell_us[i] = 0;
    ptd_mutex_unlock(&r->mu);
    return n;
}

static int64_t present_fee(struct ptd_relay *r)
{
    return ptd_blockchain_is_initial_download(r->chain)
               ? PTD_MAX_MONEY
               : r->cfg.pool.min_fee_rate;
}

/* Ours, that nobody has announced back yet. */
static void announce_again(struct ptd_relay *r, int64_t *due_us)
{
    const int64_t now_us = ptd_clock_now_us(r->clk);
    struct ptd_pool_info info;
    size_t n;

    ptd_pool_info(r->pool, &info);
    if (info.n_own_pending == 0) {
        r->again_us = 0;
        return;
    }
    if (r->again_us != 0 && now_us >= r->again_us) {
        n = ptd_pool_row_again_own(r->pool);
        ptd_log_debug("announcing %zu transactions of ours again", n);
        r->again_us = 0;
    }
    if (r->again_us == 0)
        r->again_us = now_us + AGAIN_US +
                      (int64_t)ptd_random_below((uint64_t)AGAIN_US / 2);
    *due_us = PTD_MIN(*due_us, r->again_us);
}

static void expire(struct ptd_relay *r, int64_t *due_us)
{
    int64_t at_s = ptd_pool_expire(r->pool), in_s;

    if (at_s == INT64_MAX)
        return;
    in_s = PTD_MAX(at_s - ptd_clock_wall_s(r->clk), 1);
    *due_us = PTD_MIN(*due_us, ptd_clock_now_us(r->clk) + in_s * SECOND_US);
}

static void step(struct ptd_relay *r, int64_t *due_us)
{
    const int64_t fee = present_fee(r);
    size_t n;

    *due_us = PTD_NEVER;
    expire(r, due_us);
    announce_again(r, due_us);
    if (!reserve(r)) {
        *due_us = ptd_clock_now_us(r->clk) + SECOND_US;
        return;
    }
    n = list_due(r, fee, due_us);
    for (size_t i = 0; i < n; i++) {
        relay_fetch_ask(r->due[i]);
        relay_announce_fee(r->due[i], fee);
        relay_announce_run(r->due[i]);
        relay_peer_put(r->due[i]);
    }
    /* What is left over for the next time gets one. */
    if (n > 0)
        relay_wake(r);
}

static void relay_main(void *arg)
{
    struct ptd_relay *r = arg;

    for (bool run = true; run;) {
        enum { WAKE, QUIT, N };
        struct ptd_case on[N] = {
            [WAKE] = PTD_RECV(r->wake, NULL),
            [QUIT] = PTD_RECV(r->quit, NULL),
        };
        int64_t due_us;

        step(r, &due_us);
        if (ptd_select(on, N, r->clk, due_us) == QUIT)
            run = false;
    }
}

enum ptd_err ptd_relay_start(struct ptd_relay *r)
{
    return ptd_thread_start(&r->thread, NULL, "relay", relay_main, r);
}

void ptd_relay_stop(struct ptd_relay *r)
{
    ptd_chan_close(r->quit);
    ptd_thread_join(&r->thread);
}
