#include <config.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "pentad/log.h"
#include "relay/relay_int.h"

PTD_LOG_TAG(TXMP);

/* ---- life ------------------------------------------------------------ */

struct ptd_relay_peer *
ptd_relay_peer_new(struct ptd_relay *r, const struct ptd_relay_peer_config *cfg)
{
    struct ptd_relay_peer *rp = ptd_calloc(1, sizeof *rp);

    if (rp == NULL)
        return NULL;
    ptd_ref_init(&rp->ref);
    rp->r = r;
    rp->cfg = *cfg;
    rp->fee_sent = -1;
    atomic_init(&rp->wants_txs, false);
    atomic_init(&rp->answers, false);
    atomic_init(&rp->least_fee, 0);
    atomic_init(&rp->last_sequence, 1);
    ptd_mutex_init(&rp->filter_mu, PTD_RANK_FILTER);
    return rp;
}

struct ptd_relay_peer *relay_peer_ref(struct ptd_relay_peer *rp)
{
    ptd_ref_get(&rp->ref);
    return rp;
}

void relay_peer_put(struct ptd_relay_peer *rp)
{
    if (!ptd_ref_put(&rp->ref))
        return;
    ptd_mutex_lock(&rp->filter_mu);
    bloom_fini(&rp->filter);
    ptd_mutex_unlock(&rp->filter_mu);
    ptd_mutex_fini(&rp->filter_mu);
    ptd_peer_free(rp->peer);
    ptd_free(rp);
}

void ptd_relay_peer_attach(struct ptd_relay_peer *rp, struct ptd_peer *p)
{
    rp->peer = ptd_peer_ref(p);
}

/* BIP 37: one that does not want transactions may change its mind with a
 * filter, where these are offered. */
void ptd_relay_peer_version(struct ptd_relay_peer *rp,
                            const struct ptd_msg_version *v)
{
    if (rp->cfg.no_txs)
        return;
    atomic_store(&rp->wants_txs, v->relay);
    atomic_store(&rp->answers, v->relay || rp->cfg.offers_bloom);
}

void ptd_relay_peer_ready(struct ptd_relay_peer *rp)
{
    struct ptd_relay *r = rp->r;
    struct ptd_peer_stats st;

    if (rp->cfg.no_txs)
        return;
    ptd_peer_stats(rp->peer, &st);
    rp->by_wtxid = st.wtxidrelay;
    /* Who forces relay is not told what to leave out. */
    rp->takes_fees = !r->cfg.blocks_only && !rp->cfg.force_relay &&
                     st.pver >= PTD_PVER_FEEFILTER;
    ptd_mutex_lock(&r->mu);
    wanted_enter(&r->wanted, &rp->wanted, rp->cfg.outbound || rp->cfg.noban);
    rp->place = ptd_pool_row_end(r->pool);
    rp->ready = true;
    r->n_peers++;
    r->n_fetched += rp->cfg.relay;
    r->n_by_wtxid += rp->cfg.relay && rp->by_wtxid;
    ptd_list_append(&r->peers, &rp->link);
    ptd_mutex_unlock(&r->mu);
    relay_wake(r);
}

void ptd_relay_peer_gone(struct ptd_relay_peer *rp)
{
    struct ptd_relay *r = rp->r;
    bool was_ready;

    ptd_mutex_lock(&r->mu);
    was_ready = rp->ready;
    if (was_ready) {
        rp->ready = false;
        wanted_leave(&r->wanted, &rp->wanted);
        ptd_list_remove(&rp->link);
        r->n_peers--;
        r->n_fetched -= rp->cfg.relay;
        r->n_by_wtxid -= rp->cfg.relay && rp->by_wtxid;
    }
    ptd_mutex_unlock(&r->mu);
    if (was_ready)
        relay_wake(r);
}

void ptd_relay_peer_free(struct ptd_relay_peer *rp)
{
    if (rp == NULL)
        return;
    ptd_relay_peer_gone(rp);
    relay_peer_put(rp);
}

/* ---- listeners ------------------------------------------------------- */

void ptd_relay_peer_listen(struct ptd_relay_peer *rp,
                           struct ptd_peer_config *cfg)
{
    static const struct {
        enum ptd_msg_type type;
        ptd_on_msg fn;
        enum next next; /* N_NEXT: nobody else listens */
    } listeners[] = {
        { PTD_MSG_FEEFILTER, relay_announce_on_feefilter, NEXT_FEEFILTER },
        { PTD_MSG_FILTERADD, relay_filter_on_add, N_NEXT },
        { PTD_MSG_FILTERCLEAR, relay_filter_on_clear, N_NEXT },
        { PTD_MSG_FILTERLOAD, relay_filter_on_load, N_NEXT },
        { PTD_MSG_GETDATA, relay_serve_on_getdata, NEXT_GETDATA },
        { PTD_MSG_INV, relay_fetch_on_inv, NEXT_INV },
        { PTD_MSG_MEMPOOL, relay_serve_on_mempool, N_NEXT },
        { PTD_MSG_NOTFOUND, relay_fetch_on_notfound, NEXT_NOTFOUND },
        { PTD_MSG_TX, relay_fetch_on_tx, NEXT_TX },
    };

    for (size_t i = 0; i < PTD_COUNT(listeners); i++) {
        struct ptd_listener *at = &cfg->on_msg[listeners[i].type];

        if (listeners[i].next != N_NEXT)
            rp->next[listeners[i].next] = *at;
        *at = (struct ptd_listener){ listeners[i].fn, rp };
    }
}

enum ptd_err relay_next(struct ptd_relay_peer *rp, enum next which,
                        struct ptd_msg *m)
{
    const struct ptd_listener *l = &rp->next[which];

    return l->fn != NULL ? l->fn(rp->peer, m, l->arg) : PTD_OK;
}

/* ---- small things ------------------------------------------------------ */

struct ptd_inv relay_name(const struct ptd_relay_peer *rp,
                          const struct ptd_hash *txid,
                          const struct ptd_hash *wtxid)
{
    return rp->by_wtxid ? (struct ptd_inv){ PTD_INV_WTX, *wtxid }
                        : (struct ptd_inv){ PTD_INV_TX, *txid };
}

bool relay_is_tx(uint32_t type)
{
    return type == PTD_INV_TX || type == PTD_INV_WTX ||
           type == PTD_INV_WITNESS_TX;
}

enum ptd_err relay_send(struct ptd_relay_peer *rp, struct ptd_msg *m)
{
    return m != NULL ? ptd_peer_queue(rp->peer, m, NULL) : PTD_ENOMEM;
}

bool relay_try_send(struct ptd_relay_peer *rp, struct ptd_msg *m)
{
    if (m != NULL && ptd_peer_try_queue(rp->peer, m, NULL) == PTD_OK)
        return true;
    ptd_mutex_lock(&rp->r->mu);
    rp->not_before_us = ptd_clock_now_us(rp->r->clk) + SECOND_US;
    ptd_mutex_unlock(&rp->r->mu);
    return false;
}

enum ptd_err relay_end(struct ptd_relay_peer *rp, enum ptd_err e,
                       const char *why)
{
    ptd_log_debug("%s, disconnecting %s", why, ptd_peer_name(rp->peer));
    ptd_peer_disconnect(rp->peer, e, "%s", why);
    return e;
}

/* ---- what is known of it -------------------------------------------------- */

/* How many are left that it does not know yet; counted as far as that is
 * worth it. */
static size_t count_waiting(struct ptd_relay_peer *rp, uint64_t place)
{
    enum { AT_ONCE = 64, AT_MOST = 10000 };
    struct ptd_pool_tx list[AT_ONCE];
    uint64_t behind;
    size_t n, sum = 0;

    while (sum < AT_MOST && (n = ptd_pool_row_read(rp->r->pool, list, AT_ONCE,
                                                   &place, &behind)) > 0)
        for (size_t i = 0; i < n; i++) {
            struct ptd_inv inv = relay_name(rp, &list[i].txid, &list[i].wtxid);

            sum += !ptd_peer_knows_inv(rp->peer, &inv);
            ptd_msg_free(list[i].msg);
        }
    return sum;
}

void ptd_relay_peer_info(struct ptd_relay_peer *rp,
                         struct ptd_relay_peer_info *out)
{
    uint64_t place;
    bool ready;

    *out = (struct ptd_relay_peer_info){
        .wants_txs = atomic_load(&rp->wants_txs),
        .last_sequence = atomic_load(&rp->last_sequence),
    };
    ptd_mutex_lock(&rp->r->mu);
    out->last_tx_s = rp->last_tx_s;
    place = rp->place;
    ready = rp->ready;
    ptd_mutex_unlock(&rp->r->mu);
    if (ready && out->wants_txs)
        out->n_to_send = count_waiting(rp, place);
}

int64_t ptd_relay_peer_last_tx_s(struct ptd_relay_peer *rp)
{
    int64_t s;

    ptd_mutex_lock(&rp->r->mu);
    s = rp->last_tx_s;
    ptd_mutex_unlock(&rp->r->mu);
    return s;
}
