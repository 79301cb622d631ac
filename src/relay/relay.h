/* relay.h - transactions, to and from peers.
 *
 * The user's own transactions are announced to peers, served, and announced
 * again every 10 to 15 minutes until they are in a block or some peer announces
 * them back. Transactions of peers with the permission `relay` are fetched, one
 * peer at a time each, looked at as far as that is possible without knowing
 * the coins that exist, and passed on; strangers' are not asked for. Announcing
 * waits for random times, so that nobody can tell from them who was first; and
 * only what a peer could have heard of is served to it.
 *
 * Light clients may set a filter (BIP 37), where that is offered.
 *
 *     ptd_relay_new() -> ptd_relay_start()
 *         ptd_relay_peer_new() -> (listeners of others) ->
 *             ptd_relay_peer_listen() -> ptd_peer_new() ->
 *             ptd_relay_peer_attach() ... ptd_relay_peer_ready()
 *             ... ptd_relay_peer_gone() -> ptd_peer_join() -> _free()
 *     ptd_relay_stop() -> ptd_relay_free()
 *
 * Owner    ptd_relay_new(); chain and clock must outlive it
 * Threads  any; it has one of its own, "relay", for whatever has its time.
 *          Message listeners run on their peers' in threads and never wait for
 *          another peer.
 * Locks    PTD_RANK_RELAY, for a few lines, never across I/O, a callback or a
 *          call that queues to a peer; one for each peer's filter
 *          (PTD_RANK_FILTER); the pool's
 * Source   BIPs 35 37 133 144 339; Bitcoin Core 31, for what peers expect
 */
#ifndef PTD_RELAY_RELAY_H
#define PTD_RELAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/chain.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/peer.h"
#include "relay/pool.h"

struct ptd_relay;
struct ptd_relay_peer;

/* ---- the whole --------------------------------------------------------- */

struct ptd_relay_config {
    struct ptd_blockchain *chain;
    struct ptd_clock *clock;
    struct ptd_pool_config pool; /* its clock is set to this one's */
    bool blocks_only; /* peers' transactions are declined: none is told what
                         they should pay */

    void *arg; /* of the callbacks */

    /* The peer broke the rules; `why` is for the log. Gives what its listener
     * is to return: PTD_OK if it may stay. Thread: the peer's in. */
    enum ptd_err (*misbehaved)(void *arg, void *user, enum ptd_err e,
                               const char *why);
    /* So much was sent today that strangers get no long answers. NULL: there
     * is no limit. Thread: a peer's in. */
    bool (*upload_is_reached)(void *arg);
};

/* NULL for lack of memory. */
PTD_MUST_USE struct ptd_relay *ptd_relay_new(const struct ptd_relay_config *cfg)
    PTD_NONNULL(1);
void ptd_relay_free(struct ptd_relay *r PTD_TAKES);

/* Start its thread; end and join it. */
PTD_MUST_USE enum ptd_err ptd_relay_start(struct ptd_relay *r) PTD_NONNULL(1);
void ptd_relay_stop(struct ptd_relay *r) PTD_NONNULL(1);

struct ptd_pool *ptd_relay_pool(struct ptd_relay *r) PTD_NONNULL(1);

/* The chain has another tip: what is in its blocks leaves the pool, what was in
 * those that it lost comes back. To be called by the chain's on_tip. */
void ptd_relay_tip(struct ptd_relay *r, const struct ptd_tip_change *t)
    PTD_NONNULL(1, 2);

/* Transactions were added that may be old: what blocks since a time (seconds,
 * wall time; two hours more, and 2016 blocks at most) brought leaves the pool. */
void ptd_relay_catch_up(struct ptd_relay *r, int64_t since_s) PTD_NONNULL(1);

/* Where the chain is now. */
void ptd_relay_place(struct ptd_relay *r, struct ptd_pool_place *out)
    PTD_NONNULL(1, 2);

/* Take a transaction of the user's, and announce it. One that is in the pool
 * already (PTD_POOL_KNOWN) is announced again.
 *
 * max_fee  as ptd_pool_add()
 * flags    0 or PTD_POOL_TEST
 */
void ptd_relay_submit(struct ptd_relay *r, struct ptd_pool_verdict *out,
                      const struct ptd_tx *tx, int64_t max_fee, unsigned flags)
    PTD_NONNULL(1, 2, 3);

/* Call for each transaction in the pool, without a lock (what compact blocks
 * are put together from). */
void ptd_relay_each_tx(struct ptd_relay *r,
                       void (*take)(void *ctx, struct ptd_msg *tx,
                                    const struct ptd_hash *txid,
                                    const struct ptd_hash *wtxid),
                       void *ctx) PTD_NONNULL(1, 2);

/* ---- one peer ------------------------------------------------------------ */

enum { PTD_RELAY_NETS = 8 };

struct ptd_relay_peer_config {
    void *user;    /* given to callbacks */
    bool outbound; /* we made the connection */
    unsigned net;  /* below PTD_RELAY_NETS: all that call us from one network
                       hear of something at the same time */
    bool no_txs;   /* for blocks alone, or passing: no transactions on it */
    bool offers_bloom; /* our version message says so to it */

    /* Permissions. */
    bool noban;       /* it is told at once, and not sent away */
    bool relay;       /* its transactions are fetched and passed on */
    bool force_relay; /* … also if they are in the pool already */
    bool mempool;     /* it may ask for all that is in the pool */
};

/* Before the peer is made. NULL for lack of memory. */
PTD_MUST_USE struct ptd_relay_peer *
ptd_relay_peer_new(struct ptd_relay *r, const struct ptd_relay_peer_config *cfg)
    PTD_NONNULL(1, 2);

/* Set the listeners of inv, getdata, tx, notfound, feefilter, mempool and those
 * of BIP 37. Those that are set already are called too, with the same message:
 * what of it concerns no transaction is theirs. */
void ptd_relay_peer_listen(struct ptd_relay_peer *rp,
                           struct ptd_peer_config *cfg) PTD_NONNULL(1, 2);

/* The peer that it belongs to; before ptd_peer_attach(). */
void ptd_relay_peer_attach(struct ptd_relay_peer *rp, struct ptd_peer *p)
    PTD_NONNULL(1, 2);

/* Its version message came; its handshake is done. Thread: in. */
void ptd_relay_peer_version(struct ptd_relay_peer *rp,
                            const struct ptd_msg_version *v) PTD_NONNULL(1, 2);
void ptd_relay_peer_ready(struct ptd_relay_peer *rp) PTD_NONNULL(1);

/* It is ending: nothing more is asked of it, what was is asked of others. More
 * than once is harmless. Any thread but its own. */
void ptd_relay_peer_gone(struct ptd_relay_peer *rp) PTD_NONNULL(1);

/* After the peer was joined; implies gone. Takes NULL. */
void ptd_relay_peer_free(struct ptd_relay_peer *rp PTD_TAKES);

/* For getpeerinfo. */
struct ptd_relay_peer_info {
    bool wants_txs;         /* it is told of transactions */
    uint64_t last_sequence; /* of the pool, when it was last told */
    size_t n_to_send;       /* announcements that wait */
    int64_t last_tx_s;      /* wall time of the last one of it that was taken;
                               0: none */
};
void ptd_relay_peer_info(struct ptd_relay_peer *rp,
                         struct ptd_relay_peer_info *out) PTD_NONNULL(1, 2);

int64_t ptd_relay_peer_last_tx_s(struct ptd_relay_peer *rp) PTD_NONNULL(1);

/* ---- filtered blocks: for who serves blocks ------------------------------- */

/* It asks for one. *has: it has a filter, so it gets an answer.
 *
 * Returns  PTD_OK; an error: it is being disconnected, for that is not offered
 * Thread   its in
 */
PTD_MUST_USE enum ptd_err ptd_relay_may_filter(struct ptd_relay_peer *rp,
                                               bool *has) PTD_NONNULL(1, 2);

/* Send merkleblock, and those transactions that match. PTD_OK; PTD_ENOMEM;
 * PTD_ECLOSED. Thread: its in. */
PTD_MUST_USE enum ptd_err ptd_relay_send_filtered(struct ptd_relay_peer *rp,
                                                  const struct ptd_msg_block *b)
    PTD_NONNULL(1, 2);

#endif /* PTD_RELAY_RELAY_H */
