/* netsync.h - following the chain with peers: fetch, announce, serve.
 *
 * Headers come first, from one peer until the chain is nearly there, then from
 * whoever announces more; a stranger's branch is kept only once it has shown
 * work (chain/presync.h). Blocks are asked of all peers in parallel, within a
 * window of 1,024 behind the last one that is linked, 16 of a peer, and are
 * moved away from who stalls. Near the tip a block is fetched on its header,
 * inventory or compact block (BIP 152), of up to three peers at a time, one of
 * them chosen by us, so that nobody who announces and withholds delays it.
 *
 *     ptd_netsync_new() -> ptd_netsync_start()
 *         ptd_sync_peer_new() -> ptd_sync_peer_listen() -> ptd_peer_new()
 *             -> ptd_sync_peer_attach() ... ptd_sync_peer_ready()
 *             ... ptd_sync_peer_gone() -> ptd_peer_join() -> _free()
 *     ptd_netsync_stop() -> ptd_netsync_free()
 *
 * What a peer did wrong is reported; whether it is sent away is for the owner
 * of peers to say. Peers that answer too late are disconnected here.
 *
 * Owner    ptd_netsync_new(); chain and clock must outlive it
 * Threads  any; it has one of its own, "netsync", for deadlines and for what
 *          concerns several peers. Message listeners run on their peers' in
 *          threads and never wait for another peer.
 * Locks    one (PTD_RANK_NETSYNC), held for a few lines; never across I/O, a
 *          callback, or a call that queues to a peer
 * Source   BIPs 37 130 144 152 159 339; Bitcoin Core 31, for what peers expect
 */
#ifndef PTD_NETSYNC_NETSYNC_H
#define PTD_NETSYNC_NETSYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/chain.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/peer.h"

struct ptd_netsync;
struct ptd_sync_peer;

/* ---- the whole ------------------------------------------------------- */

/* A function that is told a transaction (PTD_MSG_TX), and may keep a reference.
 */
typedef void (*ptd_sync_take_tx)(void *ctx, struct ptd_msg *tx,
                                 const struct ptd_hash *txid,
                                 const struct ptd_hash *wtxid);

struct ptd_netsync_config {
    struct ptd_blockchain *chain;
    struct ptd_clock *clock;   /* NULL: the system's */
    unsigned max_full_relay;   /* peers that we choose ourselves: beyond the */
    unsigned max_block_relay;  /* usual number those of least use go */
    bool blocks_only;          /* transactions are declined: who sends one in
                                spite of that breaks the protocol */
    uint64_t max_upload_bytes; /* old blocks in 24 hours; 0: no limit */

    void *arg; /* of the callbacks, none of which may be NULL but as said */

    /* What the node offers now (bits of version). Any thread. */
    uint64_t (*services)(void *arg);

    /* The peer broke the rules; `why` is for the log. Gives what its listener
     * is to return: PTD_OK if it may stay. Thread: the peer's in. */
    enum ptd_err (*misbehaved)(void *arg, void *user, enum ptd_err e,
                               const char *why);

    /* The tip is old: another peer may know more; or no longer. NULL: nobody
     * cares. Thread: netsync. */
    void (*want_peer)(void *arg, bool wanted);

    /* The best header is another one; a block that was given to us is new.
     * NULL: nobody cares. Threads: in of the peer that sent it, user is its. */
    void (*on_headers)(void *arg, void *user, uint32_t height);
    void (*on_block)(void *arg, void *user, const struct ptd_hash *hash,
                     uint32_t height);

    /* A block cannot be written: see ptd_blockchain_trouble(). NULL: nobody
     * cares. Threads: in, netsync. */
    void (*trouble)(void *arg);

    /* Blocks by a filter (BIP 37). The first says whether the peer gets one,
     * and ends it if it must not ask, before anything is read; the second sends
     * it. NULL, both: no answer. Threads: in. */
    enum ptd_err (*may_filter)(void *arg, void *user, bool *has);
    enum ptd_err (*send_filtered)(void *arg, void *user,
                                  const struct ptd_msg_block *block);

    /* Give all transactions at hand, to rebuild a compact block from. NULL:
     * there are none. Thread: a peer's in. */
    void (*each_tx)(void *arg, ptd_sync_take_tx take, void *ctx);
};

/* NULL for lack of memory. */
PTD_MUST_USE struct ptd_netsync *
ptd_netsync_new(const struct ptd_netsync_config *cfg) PTD_NONNULL(1);
void ptd_netsync_free(struct ptd_netsync *ns PTD_TAKES);

/* Start its thread; end and join it. Before the stop nobody need be gone. */
PTD_MUST_USE enum ptd_err ptd_netsync_start(struct ptd_netsync *ns)
    PTD_NONNULL(1);
void ptd_netsync_stop(struct ptd_netsync *ns) PTD_NONNULL(1);

/* The chain has another tip: announce it, ask for what follows. To be called
 * by the chain's on_tip; never waits. */
void ptd_netsync_tip(struct ptd_netsync *ns, const struct ptd_tip_change *t)
    PTD_NONNULL(1, 2);

/* Wait until its thread has gone through all peers once more: what happened
 * before the call was told to them. Returns at once when it does not run.
 *
 * Thread   none that others of it wait for: no callback of a peer or of ours
 */
void ptd_netsync_settle(struct ptd_netsync *ns) PTD_NONNULL(1);

/* While blocks are read from files nothing is asked of peers. */
void ptd_netsync_set_loading(struct ptd_netsync *ns, bool loading)
    PTD_NONNULL(1);

/* Ask a peer, by id, for one block (getblockfrompeer).
 *
 * Returns  PTD_OK; PTD_ENOTFOUND: there is no such peer; PTD_EREJECTED: it
 *          offers no witnesses; PTD_EEXIST: it is asked for it already;
 *          PTD_EEMPTY: the header is unknown; PTD_EAGAIN: blocks are read
 *          from files; PTD_ECLOSED, PTD_EFULL, PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_netsync_fetch_from(struct ptd_netsync *ns, int64_t peer,
                       const struct ptd_hash *hash) PTD_NONNULL(1, 3);

/* ---- one peer -------------------------------------------------------- */

struct ptd_sync_peer_config {
    void *user;            /* given to callbacks */
    bool outbound;         /* we made the connection */
    bool block_relay_only; /* no transactions on it */
    bool manual;           /* the user asked for it */
    bool passing;          /* a feeler, or for addresses alone: nothing is
                              asked of it */
    bool noban;            /* permissions: it is not sent away … */
    bool download;         /* … and gets blocks beyond limits */
    bool relay;            /* its transactions are welcome in any case */
};

/* Before the peer is made: what its listeners are called with. NULL for lack
 * of memory. */
PTD_MUST_USE struct ptd_sync_peer *
ptd_sync_peer_new(struct ptd_netsync *ns,
                  const struct ptd_sync_peer_config *cfg) PTD_NONNULL(1, 2);

/* Set the listeners of netsync in a peer's configuration: headers, inv, block,
 * compact blocks, requests for all of these, tx, sendheaders, feefilter; and
 * switch the peer's own deadlines of answers off. */
void ptd_sync_peer_listen(struct ptd_sync_peer *sp, struct ptd_peer_config *cfg)
    PTD_NONNULL(1, 2);

/* The peer that it belongs to; before ptd_peer_attach(). */
void ptd_sync_peer_attach(struct ptd_sync_peer *sp, struct ptd_peer *p)
    PTD_NONNULL(1, 2);

/* Its version message came; its handshake is done. Thread: in. */
void ptd_sync_peer_version(struct ptd_sync_peer *sp,
                           const struct ptd_msg_version *v) PTD_NONNULL(1, 2);
void ptd_sync_peer_ready(struct ptd_sync_peer *sp) PTD_NONNULL(1);

/* Its hook on_room: a message to it was refused, and now there is room. What
 * was to be told or asked is tried again. Never waits. */
void ptd_sync_peer_has_room(struct ptd_sync_peer *sp) PTD_NONNULL(1);

/* It is ending: nothing more is asked of it, what was is asked of others. More
 * than once is harmless, also if it never was ready. Any thread but its own. */
void ptd_sync_peer_gone(struct ptd_sync_peer *sp) PTD_NONNULL(1);

/* After the peer was joined; implies gone. Takes NULL. */
void ptd_sync_peer_free(struct ptd_sync_peer *sp PTD_TAKES);

enum { PTD_SYNC_PER_PEER = 16 }; /* blocks asked of a peer at a time */

/* For getpeerinfo. */
struct ptd_sync_peer_info {
    int32_t presynced_headers;             /* -1: none under way */
    int32_t synced_headers;                /* best header in common; -1: none */
    int32_t synced_blocks;                 /* -1: none */
    uint32_t in_flight[PTD_SYNC_PER_PEER]; /* heights */
    size_t n_in_flight;
    int64_t last_block_s;   /* wall time of its last new block; 0: none */
    int64_t last_tx_s;      /* … transaction that was welcome */
    bool hb_to;             /* we chose it for high-bandwidth compact blocks */
    bool hb_from;           /* it chose us */
    int64_t min_fee_filter; /* satoshi for 1000 bytes */
};

void ptd_sync_peer_info(struct ptd_sync_peer *sp,
                        struct ptd_sync_peer_info *out) PTD_NONNULL(1, 2);

/* For the choice of whom to let go: it is one of the few outbound peers that
 * showed a chain as good as ours; the work of its best block. */
bool ptd_sync_peer_is_protected(struct ptd_sync_peer *sp) PTD_NONNULL(1);

/* When it last announced a block that was new to us (seconds, wall time; 0:
 * never). */
int64_t ptd_sync_peer_last_announced_s(struct ptd_sync_peer *sp) PTD_NONNULL(1);

/* ---- upload ---------------------------------------------------------- */

/* What getnettotals tells of -maxuploadtarget. */
struct ptd_upload_info {
    uint64_t target_bytes; /* 0: none */
    uint64_t left_bytes;   /* of this cycle */
    int64_t left_s;
    bool reached;
    bool serves_history;
};

/* Bytes that any peer was sent; to be called by who counts them. */
void ptd_netsync_sent(struct ptd_netsync *ns, uint64_t n_bytes) PTD_NONNULL(1);
void ptd_netsync_upload(struct ptd_netsync *ns, struct ptd_upload_info *out)
    PTD_NONNULL(1, 2);

#endif /* PTD_NETSYNC_NETSYNC_H */
