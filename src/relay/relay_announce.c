/* Telling peers of transactions, and of what these should pay. Source: BIPs 35
 * 133 339 */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "chain/check_block.h"
#include "relay/policy.h"
#include "relay/relay_int.h"

/* Means of random times: those we called are told sooner; all who called us,
 * from one network, at the same time, so that many connections learn no more
 * than one. */
#define TELL_OUT_US (2 * SECOND_US)
#define TELL_IN_US  (5 * SECOND_US)

enum {
    PER_TURN = 70,       /* announcements at a time, and … */
    BEHIND_PER = 1000,   /* … for so many that wait … */
    MORE_PER_BEHIND = 5, /* … so many more, up to */
    PER_MSG = 1000
};

/* ---- when ---------------------------------------------------------------- */

bool relay_announce_is_due_locked(struct ptd_relay *r,
                                  struct ptd_relay_peer *rp, uint64_t row_end,
                                  int64_t now_us, int64_t *due_us)
{
    int64_t *at = rp->cfg.outbound ? &rp->tell_us : &r->tell_us[rp->cfg.net];
    int64_t mean = rp->cfg.outbound ? TELL_OUT_US : TELL_IN_US;

    if (!atomic_load(&rp->wants_txs)) {
        rp->place = row_end;
        rp->send_all = false;
        return false;
    }
    if (rp->place == row_end && !rp->send_all)
        return false;
    if (rp->cfg.noban)
        return true;
    /* What has passed of such a time says nothing of the rest: so it may begin
     * when there is something to tell. */
    if (*at == 0)
        *at = now_us + ptd_random_exponential(mean);
    if (*at > now_us) {
        *due_us = PTD_MIN(*due_us, *at);
        return false;
    }
    if (rp->cfg.outbound)
        *at = 0;
    return true;
}

/* ---- what ------------------------------------------------------------------ */

static bool is_to_be_told(struct ptd_relay_peer *rp,
                          const struct ptd_pool_tx *t)
{
    int64_t rate = atomic_load(&rp->least_fee);

    if (t->origin == PTD_POOL_BLOCK)
        return false;
    if (t->fee >= 0 && t->fee < policy_fee(rate, t->vsize))
        return false;
    return relay_filter_wants(rp, ptd_pool_tx_of(t), &t->txid);
}

/* A batch being put together. */
struct batch {
    struct ptd_relay_peer *rp;
    struct ptd_inv *list;
    size_t n;
};

/* What is told from now on may be asked for. */
static bool send_batch(struct batch *b)
{
    struct ptd_relay_peer *rp = b->rp;

    if (b->n == 0)
        return true;
    atomic_store(&rp->last_sequence, ptd_pool_sequence(rp->r->pool));
    if (!relay_try_send(rp, ptd_msg_new_inv(PTD_MSG_INV, b->list, b->n)))
        return false;
    for (size_t i = 0; i < b->n; i++)
        ptd_peer_add_known_inv(rp->peer, &b->list[i]);
    b->n = 0;
    return true;
}

static bool batch_init(struct batch *b, struct ptd_relay_peer *rp)
{
    *b = (struct batch){ .rp = rp };
    b->list = ptd_alloc_array(PER_MSG, sizeof *b->list);
    return b->list != NULL;
}

/* ---- all of it, who asked for that ------------------------------------------- */

static bool add_all(struct batch *b, const struct ptd_pool_tx *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_to_be_told(b->rp, &list[i]))
            continue;
        b->list[b->n++] = relay_name(b->rp, &list[i].txid, &list[i].wtxid);
        if (b->n == PER_MSG && !send_batch(b))
            return false;
    }
    return send_batch(b);
}

static void tell_all(struct ptd_relay_peer *rp)
{
    struct ptd_pool_tx *list = NULL;
    struct batch b;
    size_t n = 0;

    if (batch_init(&b, rp) && ptd_pool_list(rp->r->pool, &list, &n) == PTD_OK)
        (void)add_all(&b, list, n);
    ptd_pool_list_free(list, n);
    ptd_free(b.list);
}

/* ---- what is new -------------------------------------------------------------- */

/* A turn's share of what waits. */
static size_t share(uint64_t behind)
{
    uint64_t n = PER_TURN + behind / BEHIND_PER * MORE_PER_BEHIND;

    return (size_t)PTD_MIN(n, (uint64_t)PER_MSG);
}

static void add_new(struct batch *b, const struct ptd_pool_tx *t)
{
    struct ptd_inv inv = relay_name(b->rp, &t->txid, &t->wtxid);

    if (!ptd_peer_knows_inv(b->rp->peer, &inv) && is_to_be_told(b->rp, t))
        b->list[b->n++] = inv;
}

static void tell_new(struct ptd_relay_peer *rp, uint64_t *place)
{
    uint64_t behind = ptd_pool_row_end(rp->r->pool) - *place, at = *place;
    const size_t max = share(behind);
    struct ptd_pool_tx *list = ptd_alloc_array(max, sizeof *list);
    struct batch b;
    size_t n = 0;

    if (batch_init(&b, rp) && list != NULL) {
        n = ptd_pool_row_read(rp->r->pool, list, max, &at, &behind);
        for (size_t i = 0; i < n; i++)
            add_new(&b, &list[i]);
        if (send_batch(&b))
            *place = at;
    }
    ptd_pool_list_free(list, n);
    ptd_free(b.list);
}

/* What it was told stands in the lists of its own thread too: so all of this is
 * done without the lock. */
void relay_announce_run(struct ptd_relay_peer *rp)
{
    struct ptd_relay *r = rp->r;
    const int64_t now_us = ptd_clock_now_us(r->clk);
    bool all, due;
    uint64_t place;

    ptd_mutex_lock(&r->mu);
    due = rp->ready && rp->is_due && now_us >= rp->not_before_us;
    rp->is_due = false;
    all = rp->send_all;
    place = rp->place;
    ptd_mutex_unlock(&r->mu);
    if (!due)
        return;
    if (all)
        tell_all(rp);
    tell_new(rp, &place);
    ptd_mutex_lock(&r->mu);
    rp->place = place;
    if (all)
        rp->send_all = false;
    ptd_mutex_unlock(&r->mu);
}

/* ---- fees --------------------------------------------------------------------- */

void relay_announce_fee(struct ptd_relay_peer *rp, int64_t rate)
{
    struct ptd_msg *m;
    bool tell;

    ptd_mutex_lock(&rp->r->mu);
    tell = rp->ready && rp->takes_fees && rp->fee_sent != rate;
    ptd_mutex_unlock(&rp->r->mu);
    if (!tell)
        return;
    m = ptd_msg_new(PTD_MSG_FEEFILTER);
    if (m != NULL)
        ((struct ptd_msg_feefilter *)(void *)m)->fee_rate = rate;
    if (!relay_try_send(rp, m))
        return;
    ptd_mutex_lock(&rp->r->mu);
    rp->fee_sent = rate;
    ptd_mutex_unlock(&rp->r->mu);
}

enum ptd_err relay_announce_on_feefilter(struct ptd_peer *p,
                                         struct ptd_msg *msg, void *arg)
{
    struct ptd_relay_peer *rp = arg;
    int64_t rate = RELAY_MSG(feefilter, msg)->fee_rate;

    (void)p;
    if (rate >= 0 && rate <= PTD_MAX_MONEY)
        atomic_store(&rp->least_fee, rate);
    return relay_next(rp, NEXT_FEEFILTER, msg);
}
