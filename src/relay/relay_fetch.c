/* Transactions that peers announce and send. Source: BIP 339 */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "pentad/log.h"
#include "relay/relay_int.h"

PTD_LOG_TAG(TXMP);

/* How long better peers have the chance to announce it too, and how long an
 * answer may take. */
#define DELAY_STRANGER_US (2 * SECOND_US) /* peers who called us */
#define DELAY_TXID_US     (2 * SECOND_US) /* while others name wtxids */
#define DELAY_BUSY_US     (2 * SECOND_US) /* who owes us many */
#define ANSWER_US         (60 * SECOND_US)

enum { PER_GETDATA = 1000 };

/* Until the chain is here nobody knows what a transaction is worth. */
static bool may_fetch(const struct ptd_relay_peer *rp)
{
    return rp->cfg.relay && !ptd_blockchain_is_initial_download(rp->r->chain);
}

/* ---- inv --------------------------------------------------------------- */

/* It knows the transaction by whatever name we would use. */
static void note_knows(struct ptd_relay_peer *rp,
                       const struct ptd_pool_ids *ids)
{
    struct ptd_inv inv = relay_name(rp, &ids->txid, &ids->wtxid);

    ptd_peer_add_known_inv(rp->peer, &inv);
}

static void want(struct ptd_relay_peer *rp, const struct ptd_inv *inv)
{
    struct ptd_relay *r = rp->r;
    const struct wanted_id id = { .hash = inv->hash,
                                  .is_wtxid = inv->type == PTD_INV_WTX };
    int64_t from_us = ptd_clock_now_us(r->clk);

    ptd_peer_add_known_inv(rp->peer, inv);
    ptd_mutex_lock(&r->mu);
    if (!rp->wanted.preferred)
        from_us += DELAY_STRANGER_US;
    if (!id.is_wtxid && r->n_by_wtxid > 0)
        from_us += DELAY_TXID_US;
    if (rp->wanted.n_in_flight >= WANTED_IN_FLIGHT)
        from_us += DELAY_BUSY_US;
    if (rp->ready && !recent_has(&r->rejects, &inv->hash) &&
        !recent_has(&r->confirmed, &inv->hash))
        (void)wanted_announce(&r->wanted, &rp->wanted, &id, from_us);
    ptd_mutex_unlock(&r->mu);
}

/* BIP 339: who agreed to wtxids uses no other name. */
static bool is_its_name(const struct ptd_relay_peer *rp, uint32_t type)
{
    return type == (uint32_t)(rp->by_wtxid ? PTD_INV_WTX : PTD_INV_TX);
}

static void look_at(struct ptd_relay_peer *rp, const struct ptd_inv *inv,
                    bool fetch)
{
    struct ptd_pool_ids ids;
    char hex[PTD_HASH_HEX_SIZE];
    bool have = ptd_pool_came_back(rp->r->pool, &ids, &inv->hash,
                                   inv->type == PTD_INV_WTX ? PTD_POOL_WTXID
                                                            : PTD_POOL_TXID);

    if (have)
        note_knows(rp, &ids);
    else if (fetch)
        want(rp, inv);
    if (have || fetch)
        ptd_log_debug("got inv: %s %s  %s %s",
                      inv->type == PTD_INV_WTX ? "wtx" : "tx",
                      ptd_hash_to_hex(&inv->hash, hex), have ? "have" : "new",
                      ptd_peer_name(rp->peer));
}

/* Others first: they know whom nothing is taken from. */
enum ptd_err relay_fetch_on_inv(struct ptd_peer *p, struct ptd_msg *msg,
                                void *arg)
{
    const struct ptd_msg_inv *m = RELAY_MSG(inv, msg);
    struct ptd_relay_peer *rp = arg;
    enum ptd_err e = relay_next(rp, NEXT_INV, msg);
    bool fetch, any = false;

    (void)p;
    if (e != PTD_OK || rp->cfg.no_txs)
        return e;
    fetch = may_fetch(rp);
    for (uint32_t i = 0; i < m->n; i++)
        if (is_its_name(rp, m->list[i].type)) {
            look_at(rp, &m->list[i], fetch);
            any = true;
        }
    if (any && fetch)
        relay_wake(rp->r);
    return PTD_OK;
}

/* ---- asking ------------------------------------------------------------- */

/* One that came meanwhile, by another name or from the user, is not asked
 * for. */
static bool is_here(struct ptd_relay *r, const struct wanted_id *id)
{
    return ptd_pool_find(r->pool, NULL, &id->hash,
                         id->is_wtxid ? PTD_POOL_WTXID : PTD_POOL_TXID);
}

static void ask(struct ptd_relay_peer *rp, const struct wanted_id *ids,
                size_t n)
{
    struct ptd_inv *list = ptd_alloc_array(n, sizeof *list);
    size_t k = 0;

    for (size_t i = 0; list != NULL && i < n; i++) {
        if (is_here(rp->r, &ids[i])) {
            ptd_mutex_lock(&rp->r->mu);
            wanted_forget(&rp->r->wanted, &ids[i]);
            ptd_mutex_unlock(&rp->r->mu);
            continue;
        }
        list[k++] = (struct ptd_inv){ ids[i].is_wtxid ? PTD_INV_WTX
                                                      : PTD_INV_WITNESS_TX,
                                      ids[i].hash };
    }
    if (k > 0) {
        ptd_log_debug("Requesting %zu transactions from %s", k,
                      ptd_peer_name(rp->peer));
        /* Should it not keep up, others are asked in a minute. */
        (void)!relay_try_send(rp, ptd_msg_new_inv(PTD_MSG_GETDATA, list, k));
    }
    ptd_free(list);
}

void relay_fetch_ask(struct ptd_relay_peer *rp)
{
    struct ptd_relay *r = rp->r;
    const int64_t until_us = ptd_clock_now_us(r->clk) + ANSWER_US;
    struct wanted_id *ids;
    size_t n;

    if (!rp->cfg.relay ||
        (ids = ptd_alloc_array(PER_GETDATA, sizeof *ids)) == NULL)
        return;
    do {
        ptd_mutex_lock(&r->mu);
        n = rp->ready ? wanted_ask(&r->wanted, &rp->wanted, ids, PER_GETDATA,
                                   until_us)
                      : 0;
        ptd_mutex_unlock(&r->mu);
        ask(rp, ids, n);
    } while (n == PER_GETDATA);
    ptd_free(ids);
}

/* ---- tx -------------------------------------------------------------------- */

/* Whatever became of it, it is not to be asked for again here. */
static void answered(struct ptd_relay_peer *rp, const struct ptd_pool_ids *ids)
{
    const struct wanted_id by_wtxid = { .hash = ids->wtxid, .is_wtxid = true };
    const struct wanted_id by_txid = { .hash = ids->txid };

    ptd_mutex_lock(&rp->r->mu);
    (void)wanted_answered(&rp->r->wanted, &rp->wanted, &by_wtxid);
    (void)wanted_answered(&rp->r->wanted, &rp->wanted, &by_txid);
    ptd_mutex_unlock(&rp->r->mu);
}

static void accepted(struct ptd_relay_peer *rp, const struct ptd_pool_ids *ids)
{
    const struct wanted_id by_wtxid = { .hash = ids->wtxid, .is_wtxid = true };
    const struct wanted_id by_txid = { .hash = ids->txid };
    struct ptd_relay *r = rp->r;
    char txid[PTD_HASH_HEX_SIZE], wtxid[PTD_HASH_HEX_SIZE];
    struct ptd_pool_info info;

    ptd_mutex_lock(&r->mu);
    wanted_forget(&r->wanted, &by_wtxid);
    wanted_forget(&r->wanted, &by_txid);
    rp->last_tx_s = ptd_clock_wall_s(r->clk);
    ptd_mutex_unlock(&r->mu);
    ptd_pool_info(r->pool, &info);
    ptd_log_debug("AcceptToMemoryPool: %s: accepted %s (wtxid=%s) (poolsz %zu "
                  "txn, %" PRIu64 " kB)",
                  ptd_peer_name(rp->peer), ptd_hash_to_hex(&ids->txid, txid),
                  ptd_hash_to_hex(&ids->wtxid, wtxid), info.n,
                  info.memory / 1000);
    relay_wake(r);
}

/* Another witness may be better: so it is the wtxid that is refused, unless
 * there is no witness. */
static void refused(struct ptd_relay_peer *rp, const struct ptd_pool_ids *ids,
                    const struct ptd_pool_verdict *v)
{
    char txid[PTD_HASH_HEX_SIZE], wtxid[PTD_HASH_HEX_SIZE];

    ptd_mutex_lock(&rp->r->mu);
    recent_add(&rp->r->rejects, &ids->wtxid);
    ptd_mutex_unlock(&rp->r->mu);
    ptd_log_debug("%s (wtxid=%s) from %s was not accepted: %s%s%s",
                  ptd_hash_to_hex(&ids->txid, txid),
                  ptd_hash_to_hex(&ids->wtxid, wtxid), ptd_peer_name(rp->peer),
                  v->reason, v->detail[0] != '\0' ? ", " : "", v->detail);
}

static enum ptd_err take(struct ptd_relay_peer *rp, const struct ptd_tx *tx,
                         const struct ptd_pool_ids *ids)
{
    struct ptd_relay *r = rp->r;
    struct ptd_pool_verdict v;
    struct ptd_pool_place at;

    ptd_relay_place(r, &at);
    ptd_pool_add(r->pool, &v, tx, PTD_POOL_PEER, &at, -1, 0);
    switch (v.class) {
    case PTD_POOL_ADDED: accepted(rp, ids); return PTD_OK;
    case PTD_POOL_KNOWN: return PTD_OK;
    case PTD_POOL_REFUSED: refused(rp, ids, &v); return PTD_OK;
    case PTD_POOL_NO_MEMORY: break;
    }
    return PTD_ENOMEM;
}

/* Someone whom the user trusts that much may have others hear of it again. */
static void force(struct ptd_relay_peer *rp, const struct ptd_pool_ids *ids)
{
    char txid[PTD_HASH_HEX_SIZE], wtxid[PTD_HASH_HEX_SIZE];

    ptd_hash_to_hex(&ids->txid, txid);
    ptd_hash_to_hex(&ids->wtxid, wtxid);
    if (ptd_pool_row_again(rp->r->pool, &ids->txid) == 0) {
        ptd_log_debug("Not relaying non-mempool transaction %s (wtxid=%s) "
                      "from forcerelay %s",
                      txid, wtxid, ptd_peer_name(rp->peer));
        return;
    }
    ptd_log_debug("Force relaying tx %s (wtxid=%s) from %s", txid, wtxid,
                  ptd_peer_name(rp->peer));
    relay_wake(rp->r);
}

/* Not to be looked at again: it is here, in a block, or was refused. */
static bool is_old(struct ptd_relay_peer *rp, const struct ptd_pool_ids *ids)
{
    struct ptd_relay *r = rp->r;
    struct ptd_pool_ids found;
    bool old;

    if (ptd_pool_came_back(r->pool, &found, &ids->wtxid, PTD_POOL_WTXID))
        return true;
    ptd_mutex_lock(&r->mu);
    old = recent_has(&r->rejects, &ids->wtxid) ||
          recent_has(&r->confirmed, &ids->wtxid);
    ptd_mutex_unlock(&r->mu);
    return old;
}

enum ptd_err relay_fetch_on_tx(struct ptd_peer *p, struct ptd_msg *msg,
                               void *arg)
{
    const struct ptd_tx *tx = &RELAY_MSG(tx, msg)->tx;
    struct ptd_relay_peer *rp = arg;
    enum ptd_err e = relay_next(rp, NEXT_TX, msg);
    struct ptd_pool_ids ids;

    (void)p;
    if (e != PTD_OK || rp->cfg.no_txs)
        return e;
    if (ptd_tx_txid(tx, &ids.txid) != PTD_OK ||
        ptd_tx_wtxid(tx, &ids.wtxid) != PTD_OK)
        return PTD_ENOMEM;
    note_knows(rp, &ids);
    answered(rp, &ids);
    if (is_old(rp, &ids)) {
        if (rp->cfg.force_relay)
            force(rp, &ids);
        return PTD_OK;
    }
    /* A stranger's is nothing that we could check. */
    return may_fetch(rp) ? take(rp, tx, &ids) : PTD_OK;
}

/* ---- notfound ------------------------------------------------------------- */

enum ptd_err relay_fetch_on_notfound(struct ptd_peer *p, struct ptd_msg *msg,
                                     void *arg)
{
    const struct ptd_msg_inv *m = RELAY_MSG(inv, msg);
    struct ptd_relay_peer *rp = arg;
    bool any = false;

    (void)p;
    if (rp->cfg.relay && m->n <= PER_GETDATA) {
        ptd_mutex_lock(&rp->r->mu);
        for (uint32_t i = 0; i < m->n && rp->ready; i++)
            if (relay_is_tx(m->list[i].type)) {
                const struct wanted_id id = {
                    .hash = m->list[i].hash,
                    .is_wtxid = m->list[i].type == PTD_INV_WTX,
                };

                any |= wanted_answered(&rp->r->wanted, &rp->wanted, &id);
            }
        ptd_mutex_unlock(&rp->r->mu);
    }
    if (any)
        relay_wake(rp->r);
    return relay_next(rp, NEXT_NOTFOUND, msg);
}
