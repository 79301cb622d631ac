/* relay_int.h - transactions to and from peers, from inside.
 *
 * relay.c          the whole: its thread, and what is due when; new tips
 * relay_peer.c     one peer: made, ready, gone; what is known of it
 * relay_fetch.c    transactions that peers announce, and send
 * relay_announce.c telling peers of transactions, and what they should pay
 * relay_serve.c    answers
 * relay_filter.c   BIP 37
 *
 * A function that ends in _locked is called with r->mu held. The pool may be
 * asked under it.
 */
#ifndef PTD_RELAY_RELAY_INT_H
#define PTD_RELAY_RELAY_INT_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/ref.h"
#include "base/util.h"
#include "pentad/chan.h"
#include "relay/bloom.h"
#include "relay/recent.h"
#include "relay/relay.h"
#include "relay/wanted.h"
#include "sync/mutex.h"
#include "sync/thread.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)

enum {
    RELAY_REJECTS = 20000, /* hashes of refused transactions that are kept */
    RELAY_CONFIRMED = 20000,
    RELAY_MAX_REORG = 100 /* blocks whose transactions come back */
};

/* Listeners that were there before ours. */
enum next {
    NEXT_INV,
    NEXT_GETDATA,
    NEXT_TX,
    NEXT_NOTFOUND,
    NEXT_FEEFILTER,
    N_NEXT
};

struct ptd_relay_peer {
    /* Set once. */
    struct ptd_ref ref; /* its maker's, and for the while of each use */
    struct ptd_relay *r;
    struct ptd_relay_peer_config cfg;
    struct ptd_peer *peer; /* a reference, from attach on */
    struct ptd_listener next[N_NEXT];

    /* Written by in, before it is ready. */
    bool by_wtxid;   /* BIP 339 */
    bool takes_fees; /* feefilter is sent to it */

    /* Used by its in thread alone. */
    size_t serve_at; /* entry of a getdata that is next */
    bool served_txs; /* … all transactions of it were */

    atomic_bool wants_txs;          /* it is told of transactions */
    atomic_bool answers;            /* it may ask for them */
    _Atomic int64_t least_fee;      /* BIP 133; satoshi for 1000 bytes */
    _Atomic uint64_t last_sequence; /* what it could have heard of: all that
                                       came before */

    /* Guarded by r->mu. */
    struct ptd_link link; /* in r->peers */
    bool ready;
    bool is_due;           /* it is to be told now */
    bool send_all;         /* it asked for all that is in the pool */
    uint64_t place;        /* in the pool's row: told so far */
    int64_t tell_us;       /* when it is told next; 0: not set */
    int64_t not_before_us; /* it does not keep up: nothing is sent sooner */
    int64_t fee_sent;      /* -1: none yet */
    int64_t last_tx_s;
    struct wanted_peer wanted;

    struct ptd_mutex filter_mu; /* PTD_RANK_FILTER */
    struct bloom filter PTD_GUARDED_BY(filter_mu);
    bool has_filter PTD_GUARDED_BY(filter_mu);
};

struct ptd_relay {
    /* Set once. */
    struct ptd_relay_config cfg;
    struct ptd_blockchain *chain;
    struct ptd_headers *headers;
    struct ptd_clock *clk;
    struct ptd_pool *pool;
    struct ptd_chan *wake; /* a signal of no bytes, room for one */
    struct ptd_chan *quit;
    struct ptd_thread thread;

    /* Of the thread alone. */
    int64_t again_us; /* when ours are announced again; 0: not set */
    struct ptd_relay_peer **due;
    size_t due_cap;

    struct ptd_mutex mu;                      /* PTD_RANK_RELAY */
    struct ptd_link peers PTD_GUARDED_BY(mu); /* those that are ready */
    size_t n_peers PTD_GUARDED_BY(mu);
    size_t n_fetched PTD_GUARDED_BY(mu);  /* whose transactions are fetched */
    size_t n_by_wtxid PTD_GUARDED_BY(mu); /* … and announced by wtxid */
    int64_t tell_us[PTD_RELAY_NETS] PTD_GUARDED_BY(mu); /* who called us */
    struct wanted wanted PTD_GUARDED_BY(mu);
    struct recent rejects PTD_GUARDED_BY(mu);   /* since the last block */
    struct recent confirmed PTD_GUARDED_BY(mu); /* txids and wtxids */
};

/* The message's own struct. */
#define RELAY_MSG(suffix, m)                                                   \
    ((const struct ptd_msg_##suffix *)(const void *)(m))

/* ---- relay.c -------------------------------------------------------------- */

void relay_wake(struct ptd_relay *r);

/* ---- relay_peer.c ---------------------------------------------------------- */

struct ptd_relay_peer *relay_peer_ref(struct ptd_relay_peer *rp);
void relay_peer_put(struct ptd_relay_peer *rp);
/* Call the listener that was there before. */
enum ptd_err relay_next(struct ptd_relay_peer *rp, enum next which,
                        struct ptd_msg *m);
/* What a transaction is called towards this peer. */
struct ptd_inv relay_name(const struct ptd_relay_peer *rp,
                          const struct ptd_hash *txid,
                          const struct ptd_hash *wtxid);
/* Of an inv or getdata. */
bool relay_is_tx(uint32_t type);
/* Send from its in thread, taking m (NULL: lack of memory). */
enum ptd_err relay_send(struct ptd_relay_peer *rp, struct ptd_msg *m PTD_TAKES);
/* Send from elsewhere, without ever waiting. False: it does not keep up, and is
 * left alone for a while; or it is gone. */
PTD_MUST_USE bool relay_try_send(struct ptd_relay_peer *rp,
                                 struct ptd_msg *m PTD_TAKES);
/* End the peer. */
enum ptd_err relay_end(struct ptd_relay_peer *rp, enum ptd_err e,
                       const char *why);

/* ---- relay_fetch.c ----------------------------------------------------------- */

enum ptd_err relay_fetch_on_inv(struct ptd_peer *p, struct ptd_msg *m,
                                void *rp);
enum ptd_err relay_fetch_on_tx(struct ptd_peer *p, struct ptd_msg *m, void *rp);
enum ptd_err relay_fetch_on_notfound(struct ptd_peer *p, struct ptd_msg *m,
                                     void *rp);
/* Send the requests whose time has come. Thread: relay. */
void relay_fetch_ask(struct ptd_relay_peer *rp);

/* ---- relay_announce.c ---------------------------------------------------------- */

enum ptd_err relay_announce_on_feefilter(struct ptd_peer *p, struct ptd_msg *m,
                                         void *rp);
/* Is it this peer's turn to be told? *due_us: when it will be. */
bool relay_announce_is_due_locked(struct ptd_relay *r,
                                  struct ptd_relay_peer *rp, uint64_t row_end,
                                  int64_t now_us, int64_t *due_us)
    PTD_REQUIRES(r->mu);
/* Tell it. Thread: relay. */
void relay_announce_run(struct ptd_relay_peer *rp);
/* Tell it what transactions should pay, if it was told something else. */
void relay_announce_fee(struct ptd_relay_peer *rp, int64_t rate);

/* ---- relay_serve.c --------------------------------------------------------------- */

enum ptd_err relay_serve_on_getdata(struct ptd_peer *p, struct ptd_msg *m,
                                    void *rp);
enum ptd_err relay_serve_on_mempool(struct ptd_peer *p, struct ptd_msg *m,
                                    void *rp);

/* ---- relay_filter.c ---------------------------------------------------------------- */

enum ptd_err relay_filter_on_load(struct ptd_peer *p, struct ptd_msg *m,
                                  void *rp);
enum ptd_err relay_filter_on_add(struct ptd_peer *p, struct ptd_msg *m,
                                 void *rp);
enum ptd_err relay_filter_on_clear(struct ptd_peer *p, struct ptd_msg *m,
                                   void *rp);
/* Does its filter, if it has one, let the transaction through? */
bool relay_filter_wants(struct ptd_relay_peer *rp, const struct ptd_tx *tx,
                        const struct ptd_hash *txid);

#endif /* PTD_RELAY_RELAY_INT_H */
