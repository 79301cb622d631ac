/* Light clients: their filters, and blocks for them. All but
 * relay_filter_wants() on the in thread of the peer that asks. Source: BIP 37 */
#include <config.h>

#include <stdio.h>

#include "base/alloc.h"
#include "relay/merkleblock.h"
#include "relay/relay_int.h"
#include "relay/txcopy.h"

/* ---- the filter ---------------------------------------------------------- */

/* BIP 111: who is not offered that must not ask for it. */
static enum ptd_err refuse(struct ptd_relay_peer *rp, const char *command)
{
    char why[96];

    snprintf(why, sizeof why, "%s received despite not offering bloom services",
             command);
    return relay_end(rp, PTD_EREJECTED, why);
}

/* A filter says that transactions are wanted, whatever version said. */
static void now_wants(struct ptd_relay_peer *rp)
{
    if (!rp->cfg.no_txs)
        atomic_store(&rp->wants_txs, true);
}

enum ptd_err relay_filter_on_load(struct ptd_peer *p, struct ptd_msg *msg,
                                  void *arg)
{
    struct ptd_relay_peer *rp = arg;
    struct bloom new;

    (void)p;
    if (!rp->cfg.offers_bloom)
        return refuse(rp, "filterload");
    if (bloom_init(&new, RELAY_MSG(filterload, msg)) != PTD_OK)
        return PTD_ENOMEM;
    ptd_mutex_lock(&rp->filter_mu);
    bloom_fini(&rp->filter);
    rp->filter = new;
    rp->has_filter = true;
    ptd_mutex_unlock(&rp->filter_mu);
    now_wants(rp);
    return PTD_OK;
}

enum ptd_err relay_filter_on_add(struct ptd_peer *p, struct ptd_msg *msg,
                                 void *arg)
{
    const struct ptd_msg_filteradd *m = RELAY_MSG(filteradd, msg);
    struct ptd_relay_peer *rp = arg;
    bool has;

    (void)p;
    if (!rp->cfg.offers_bloom)
        return refuse(rp, "filteradd");
    ptd_mutex_lock(&rp->filter_mu);
    has = rp->has_filter;
    if (has)
        bloom_add(&rp->filter, m->data.p, m->data.n);
    ptd_mutex_unlock(&rp->filter_mu);
    return has ? PTD_OK
               : rp->r->cfg.misbehaved(rp->r->cfg.arg, rp->cfg.user, PTD_EPROTO,
                                       "bad filteradd message");
}

enum ptd_err relay_filter_on_clear(struct ptd_peer *p, struct ptd_msg *msg,
                                   void *arg)
{
    struct ptd_relay_peer *rp = arg;

    (void)p;
    (void)msg;
    if (!rp->cfg.offers_bloom)
        return refuse(rp, "filterclear");
    ptd_mutex_lock(&rp->filter_mu);
    bloom_fini(&rp->filter);
    rp->has_filter = false;
    ptd_mutex_unlock(&rp->filter_mu);
    now_wants(rp);
    return PTD_OK;
}

bool relay_filter_wants(struct ptd_relay_peer *rp, const struct ptd_tx *tx,
                        const struct ptd_hash *txid)
{
    bool wants;

    ptd_mutex_lock(&rp->filter_mu);
    wants = !rp->has_filter || bloom_wants(&rp->filter, tx, txid);
    ptd_mutex_unlock(&rp->filter_mu);
    return wants;
}

/* ---- filtered blocks ------------------------------------------------------- */

enum ptd_err ptd_relay_may_filter(struct ptd_relay_peer *rp, bool *has)
{
    *has = false;
    if (!rp->cfg.offers_bloom)
        return relay_end(rp, PTD_EREJECTED,
                         "filtered block request without bloom services");
    ptd_mutex_lock(&rp->filter_mu);
    *has = rp->has_filter;
    ptd_mutex_unlock(&rp->filter_mu);
    return PTD_OK;
}

static enum ptd_err look_through(struct ptd_relay_peer *rp,
                                 const struct ptd_msg_block *b,
                                 struct ptd_hash *txids, bool *wanted)
{
    for (uint32_t i = 0; i < b->n_tx; i++) {
        if (ptd_tx_txid(&b->tx[i], &txids[i]) != PTD_OK)
            return PTD_ENOMEM;
        wanted[i] = relay_filter_wants(rp, &b->tx[i], &txids[i]);
    }
    return PTD_OK;
}

/* Light clients know no witnesses. */
static enum ptd_err send_txs(struct ptd_relay_peer *rp,
                             const struct ptd_msg_block *b, const bool *wanted)
{
    enum ptd_err e = PTD_OK;

    for (uint32_t i = 0; i < b->n_tx && e == PTD_OK; i++) {
        struct ptd_msg *m;

        if (!wanted[i])
            continue;
        if ((m = tx_copy(&b->tx[i])) == NULL)
            return PTD_ENOMEM;
        e = ptd_peer_queue_encoded(rp->peer, m, NULL, PTD_ENC_BASE);
    }
    return e;
}

enum ptd_err ptd_relay_send_filtered(struct ptd_relay_peer *rp,
                                     const struct ptd_msg_block *b)
{
    struct ptd_hash *txids = ptd_alloc_array(b->n_tx, sizeof *txids);
    bool *wanted = ptd_alloc_array(b->n_tx, sizeof *wanted);
    enum ptd_err e = PTD_ENOMEM;

    if (txids != NULL && wanted != NULL)
        e = look_through(rp, b, txids, wanted);
    if (e == PTD_OK)
        e = relay_send(rp,
                       merkleblock_make(&b->header, txids, wanted, b->n_tx));
    if (e == PTD_OK)
        e = send_txs(rp, b, wanted);
    ptd_free(wanted);
    ptd_free(txids);
    return e;
}
