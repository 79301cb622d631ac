/* What peers ask for: transactions by their hashes, or all that there are. All
 * on the in thread of the peer that asks. Source: BIPs 35 144 339 */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "pentad/log.h"
#include "relay/relay_int.h"

PTD_LOG_TAG(TXMP);

enum {
    /* One call looks at so many entries and queues so many bytes; then what it
     * queued has to drain. */
    SERVE_ENTRIES = 1000,
    SERVE_BYTES = 512 * 1024
};

/* ---- getdata ------------------------------------------------------------- */

/* What the peer has not heard of it is not given: it could find out when a
 * transaction came here first. */
static bool find(struct ptd_relay_peer *rp, const struct ptd_inv *inv,
                 struct ptd_pool_tx *out)
{
    enum ptd_pool_id id =
        inv->type == PTD_INV_WTX ? PTD_POOL_WTXID : PTD_POOL_TXID;

    if (!ptd_pool_find(rp->r->pool, out, &inv->hash, id) &&
        !ptd_pool_find_mined(rp->r->pool, out, &inv->hash, id))
        return false;
    if (out->origin != PTD_POOL_BLOCK &&
        out->sequence < atomic_load(&rp->last_sequence))
        return true;
    ptd_msg_free(out->msg);
    return false;
}

/* BIP 144: without the flag, without witness. */
static enum ptd_err send_tx(struct ptd_relay_peer *rp,
                            const struct ptd_inv *inv, struct ptd_pool_tx *t)
{
    ptd_pool_asked(rp->r->pool, &t->wtxid);
    return ptd_peer_queue_encoded(rp->peer, t->msg, NULL,
                                  inv->type == PTD_INV_TX ? PTD_ENC_BASE
                                                          : PTD_ENC_WITNESS);
}

/* Entries from rp->serve_at on; those that are no transactions are others'. */
static enum ptd_err serve_some(struct ptd_relay_peer *rp,
                               const struct ptd_msg_inv *m,
                               struct ptd_inv *missing, size_t *n_missing)
{
    const size_t end = PTD_MIN(m->n, rp->serve_at + SERVE_ENTRIES);
    size_t bytes = 0;
    enum ptd_err e = PTD_OK;

    while (rp->serve_at < end && bytes < SERVE_BYTES && e == PTD_OK) {
        const struct ptd_inv *inv = &m->list[rp->serve_at++];
        struct ptd_pool_tx t;

        if (!relay_is_tx(inv->type))
            continue;
        if (find(rp, inv, &t)) {
            bytes += t.bytes;
            e = send_tx(rp, inv, &t);
        } else {
            missing[(*n_missing)++] = *inv;
        }
    }
    return e;
}

static enum ptd_err serve_txs(struct ptd_relay_peer *rp,
                              const struct ptd_msg_inv *m)
{
    struct ptd_inv *missing =
        ptd_alloc_array(PTD_MIN(m->n, SERVE_ENTRIES), sizeof *missing);
    char hex[PTD_HASH_HEX_SIZE];
    size_t n_missing = 0;
    enum ptd_err e;

    if (missing == NULL)
        return PTD_ENOMEM;
    if (rp->serve_at == 0 && m->n > 0 && relay_is_tx(m->list[0].type))
        ptd_log_debug("received getdata for: %s %s %s",
                      m->list[0].type == PTD_INV_WTX  ? "wtx"
                      : m->list[0].type == PTD_INV_TX ? "tx"
                                                      : "witness-tx",
                      ptd_hash_to_hex(&m->list[0].hash, hex),
                      ptd_peer_name(rp->peer));
    e = serve_some(rp, m, missing, &n_missing);
    if (e == PTD_OK && n_missing > 0)
        e = relay_send(rp,
                       ptd_msg_new_inv(PTD_MSG_NOTFOUND, missing, n_missing));
    ptd_free(missing);
    return e == PTD_OK && rp->serve_at < m->n ? PTD_EAGAIN : e;
}

/* Transactions first, then what others serve. */
enum ptd_err relay_serve_on_getdata(struct ptd_peer *p, struct ptd_msg *msg,
                                    void *arg)
{
    struct ptd_relay_peer *rp = arg;
    enum ptd_err e = PTD_OK;

    (void)p;
    if (!rp->served_txs && atomic_load(&rp->answers))
        e = serve_txs(rp, RELAY_MSG(inv, msg));
    if (e != PTD_OK)
        return e;
    rp->serve_at = 0;
    e = relay_next(rp, NEXT_GETDATA, msg);
    rp->served_txs = e == PTD_EAGAIN;
    return e;
}

/* ---- mempool --------------------------------------------------------------- */

enum ptd_err relay_serve_on_mempool(struct ptd_peer *p, struct ptd_msg *msg,
                                    void *arg)
{
    struct ptd_relay_peer *rp = arg;
    struct ptd_relay *r = rp->r;

    (void)p;
    (void)msg;
    if (!rp->cfg.offers_bloom && !rp->cfg.mempool)
        return rp->cfg.noban ? PTD_OK
                             : relay_end(rp, PTD_EREJECTED,
                                         "mempool request with bloom filters "
                                         "disabled");
    if (!rp->cfg.mempool && r->cfg.upload_is_reached != NULL &&
        r->cfg.upload_is_reached(r->cfg.arg))
        return rp->cfg.noban ? PTD_OK
                             : relay_end(rp, PTD_ELIMIT,
                                         "mempool request with bandwidth limit "
                                         "reached");
    ptd_mutex_lock(&r->mu);
    rp->send_all = rp->ready;
    ptd_mutex_unlock(&r->mu);
    relay_wake(r);
    return PTD_OK;
}
