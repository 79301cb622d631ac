/* netsync_int.h - following the chain, from inside.
 *
 * netsync.c   the whole: its thread, and what is due when
 * speer.c     one peer: made, ready, gone; what is known of it
 * flights.c   which block was asked of whom
 * headers.c   headers that come, and asking for them
 * fetch.c     which blocks to ask whom for; who stalls
 * surplus.c   peers of ours beyond the usual number
 * blocks.c    blocks that come
 * compact.c   compact blocks that come (partial.c: putting them together)
 * announce.c  telling of new blocks
 * serve.c     answers (serve_block.c: blocks)
 *
 * A function that ends in _locked is called with ns->mu held. What it wants to
 * be sent it hands to its caller, who sends once the lock is let go: nothing
 * is queued under it. The chain may be looked at under it, never changed.
 */
#ifndef PTD_NETSYNC_NETSYNC_INT_H
#define PTD_NETSYNC_NETSYNC_INT_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/ref.h"
#include "base/util.h"
#include "chain/presync.h"
#include "netsync/netsync.h"
#include "pentad/chan.h"
#include "sync/mutex.h"
#include "sync/thread.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)

enum {
    SYNC_WINDOW = 1024,  /* blocks ahead of the last that is linked */
    SYNC_ANNOUNCE = 8,   /* blocks announced one by one; else the last alone */
    SYNC_PARALLEL = 3,   /* requests of one block by compact blocks */
    SYNC_HIGH = 3,       /* peers asked for high bandwidth (BIP 152) */
    SYNC_LIMITED = 288,  /* blocks that NODE_NETWORK_LIMITED promises */
    SYNC_BUCKETS = 1024, /* of requests, a power of two */
    SYNC_CMPCT_VERSION = 2
};

/* A header that something is known of. */
struct mark {
    bool is; /* there is one */
    struct ptd_hash hash;
    uint32_t height;
    struct ptd_u256 work;
};

struct partial; /* partial.c: a block being put together */

/* A block that a peer was asked for. */
struct flight {
    struct flight *next;     /* in its bucket: of one hash, the first asked
                                comes first */
    struct ptd_link of_peer; /* in sp->flights, first asked first */
    struct ptd_sync_peer *sp;
    struct ptd_hash hash;
    uint32_t height;
    bool compact;            /* a compact block was tried */
    struct partial *partial; /* … and waits for transactions; NULL: none */
};

struct ptd_sync_peer {
    /* Set once. */
    struct ptd_ref ref; /* its maker's, and for the while of each use */
    struct ptd_netsync *ns;
    struct ptd_sync_peer_config cfg;
    struct ptd_peer *peer; /* a reference, from attach on */

    /* Written by in, before it is ready. */
    uint64_t services;
    int32_t start_height;
    bool wants_txs; /* its version message says so */

    /* Used by its in thread alone. */
    struct ptd_presync *presync; /* NULL: none under way */
    bool inv_asked;  /* inventory made us ask, before its turn came */
    size_t serve_at; /* entry of a getdata that is next */

    /* Guarded by ns->mu. */
    struct ptd_link link; /* in ns->peers, by rising id */
    bool ready;
    int64_t ready_us;    /* since when */
    bool preferred;      /* to fetch from */
    bool sync_started;   /* it was asked for all its headers */
    bool told_headers;   /* sendheaders went out */
    bool wants_headers;  /* … came in */
    bool provides_cmpct; /* compact blocks of version 2 */
    bool hb_from, hb_to;
    bool telling;             /* what it tells of is being taken in */
    bool protect;             /* its chain was good once: not sent away */
    int64_t asked_us;         /* a getheaders is unanswered since; 0: none */
    bool hinted;              /* … and news came meanwhile */
    int64_t headers_until_us; /* of the first sync; PTD_NEVER: none */
    struct mark best;         /* best block that it has */
    struct ptd_hash unknown;  /* announced, not known to us yet; or zero */
    struct mark sent;         /* best header that it was told of */
    struct ptd_hash announce[SYNC_ANNOUNCE]; /* to be told, the last of them */
    size_t n_announce;           /* may be more than there is room */
    struct ptd_hash continue_at; /* served: tell the tip. Zero: none */
    struct ptd_link flights;
    uint32_t n_flights;
    int64_t downloading_us;  /* since when the first of them is awaited */
    int64_t stalling_us;     /* it holds the window up since; 0: it does not */
    int64_t behind_until_us; /* a peer of ours with a worse chain has so long;
                                0: its chain is good */
    struct mark behind;      /* our tip, when that began */
    bool behind_asked;
    int32_t presynced; /* height; -1: none */
    int64_t last_block_s, last_tx_s, last_announced_s;
    int64_t min_fee_filter;
};

/* Somebody who waits for a round of the thread; on its own stack. */
struct settler {
    struct ptd_link link;  /* in ns->settlers; guarded by ns->mu */
    struct ptd_chan *done; /* closed by the thread */
};

struct upload {
    uint64_t sent; /* in this cycle */
    int64_t begin_s;
};

struct ptd_netsync {
    /* Set once. */
    struct ptd_netsync_config cfg;
    struct ptd_blockchain *chain;
    struct ptd_headers *headers;
    const struct ptd_params *params;
    struct ptd_clock *clk;
    struct ptd_u256 min_work;
    uint64_t k0, k1;       /* strangers choose hashes */
    struct ptd_chan *wake; /* a signal of no bytes, room for one */
    struct ptd_chan *quit;
    struct ptd_thread thread;
    atomic_bool loading;

    /* Of the thread alone. */
    int64_t stale_check_s; /* when next */
    bool wants_peer;
    unsigned n_held; /* its last rounds that asked nobody, see fetch_hold() */
    int64_t surplus_us;         /* when who is too many goes; 0: nobody is */
    struct ptd_hash cmpct_hash; /* the compact block that is at hand */
    struct ptd_msg *cmpct;

    struct ptd_mutex mu;                      /* PTD_RANK_NETSYNC */
    struct ptd_link peers PTD_GUARDED_BY(mu); /* those that are ready */
    struct ptd_link settlers PTD_GUARDED_BY(mu);
    bool running PTD_GUARDED_BY(mu); /* its thread serves settlers */
    size_t n_preferred PTD_GUARDED_BY(mu);
    size_t n_sync_started PTD_GUARDED_BY(mu);
    size_t n_protected PTD_GUARDED_BY(mu);
    size_t n_downloading PTD_GUARDED_BY(mu); /* peers with requests */
    size_t n_telling PTD_GUARDED_BY(mu);     /* peers, see fetch_hold() */
    struct flight **bucket PTD_GUARDED_BY(mu);
    size_t n_flights PTD_GUARDED_BY(mu);
    int64_t stall_us PTD_GUARDED_BY(mu); /* patience with who stalls */
    int64_t last_tip_s PTD_GUARDED_BY(mu);
    struct ptd_hash inv_asked PTD_GUARDED_BY(mu); /* last block whose inventory
                                                     made us ask early */
    struct ptd_sync_peer *high[SYNC_HIGH] PTD_GUARDED_BY(mu); /* oldest first */
    size_t n_high PTD_GUARDED_BY(mu);
    struct upload upload PTD_GUARDED_BY(mu);
};

/* The message's own struct. */
#define SYNC_MSG(suffix, m) ((const struct ptd_msg_##suffix *)(const void *)(m))

/* ---- netsync.c ------------------------------------------------------- */

void sync_wake(struct ptd_netsync *ns);

/* Is our tip about as old as the clock? */
bool sync_is_near(struct ptd_netsync *ns);

/* Another peer may know more than ours; or no longer. Thread: netsync. */
void sync_want_peer(struct ptd_netsync *ns, bool wanted);

/* ---- speer.c --------------------------------------------------------- */

struct ptd_sync_peer *sync_peer_ref(struct ptd_sync_peer *sp);
void sync_peer_put(struct ptd_sync_peer *sp);

/* The first ready peer whose id is above this, with a reference; NULL. */
struct ptd_sync_peer *sync_next_peer(struct ptd_netsync *ns, int64_t after);

bool sync_serves_blocks(const struct ptd_sync_peer *sp);
bool sync_is_limited(const struct ptd_sync_peer *sp);
/* One that we chose ourselves, not the user, to stay with. */
bool sync_is_ours(const struct ptd_sync_peer *sp);

/* It has this block, ours or not known yet. */
void sync_has_locked(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
    PTD_REQUIRES(sp->ns->mu);
/* What it announced may be known by now. */
void sync_look_again_locked(struct ptd_sync_peer *sp) PTD_REQUIRES(sp->ns->mu);
/* It knows this header: it has it, or was told. */
bool sync_knows_locked(struct ptd_sync_peer *sp, const struct ptd_hash *hash,
                       uint32_t height) PTD_REQUIRES(sp->ns->mu);
void sync_mark(struct mark *m, const struct ptd_header_info *info);

/* Send, taking m (NULL: lack of memory): from the peer's own callbacks, and
 * from elsewhere, without ever waiting: PTD_EFULL is followed by a wake-up once
 * the peer has room. */
enum ptd_err sync_send(struct ptd_sync_peer *sp, struct ptd_msg *m PTD_TAKES);
enum ptd_err sync_try_send(struct ptd_sync_peer *sp,
                           struct ptd_msg *m PTD_TAKES);

/* A request for one block, or its transactions. */
struct ptd_msg *sync_getdata(enum ptd_inv_type type,
                             const struct ptd_hash *hash);

/* Log it at debug, and report it. Gives what the listener returns. */
enum ptd_err sync_misbehaved(struct ptd_sync_peer *sp, enum ptd_err e,
                             const char *format, ...) PTD_PRINTF(3, 4);
/* End the peer: "…, disconnecting peer=3" in the log. */
enum ptd_err sync_end(struct ptd_sync_peer *sp, enum ptd_err e,
                      const char *format, ...) PTD_PRINTF(3, 4);

/* ---- flights.c: all under ns->mu ------------------------------------- */

/* Give the request; NULL for lack of memory. Not twice of one peer. */
struct flight *flight_add_locked(struct ptd_sync_peer *sp,
                                 const struct ptd_hash *hash, uint32_t height)
    PTD_REQUIRES(sp->ns->mu);
/* The first request of a block; that of one peer. NULL: none. */
struct flight *
flight_first_locked(struct ptd_netsync *ns, const struct ptd_hash *hash)
    PTD_REQUIRES(ns->mu);
struct flight *
flight_of_locked(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
    PTD_REQUIRES(sp->ns->mu);
size_t flight_count_locked(struct ptd_netsync *ns, const struct ptd_hash *hash,
                           bool *outbound) PTD_REQUIRES(ns->mu);
/* Forget one; all of a block; all of a peer. Gives how many. */
void flight_end_locked(struct ptd_netsync *ns, struct flight *f)
    PTD_REQUIRES(ns->mu);
size_t flight_end_all_locked(struct ptd_netsync *ns,
                             const struct ptd_hash *hash) PTD_REQUIRES(ns->mu);
size_t flight_end_peer_locked(struct ptd_sync_peer *sp)
    PTD_REQUIRES(sp->ns->mu);

/* ---- headers.c ------------------------------------------------------- */

enum ptd_err headers_on_headers(struct ptd_peer *p, struct ptd_msg *m,
                                void *sp);
enum ptd_err headers_on_inv(struct ptd_peer *p, struct ptd_msg *m, void *sp);

/* A header that came with a compact block, to be treated as if alone. */
enum ptd_err headers_on_one(struct ptd_sync_peer *sp,
                            const struct ptd_block_header *h);

/* Ask for what is behind a header of ours (NULL: the best), unless a question
 * is open. True: it was asked. From its in thread; from elsewhere. */
bool headers_ask(struct ptd_sync_peer *sp, const struct ptd_hash *from);
bool headers_try_ask(struct ptd_sync_peer *sp, const struct ptd_hash *from);

/* It hinted at news while a question was open: put it again. From elsewhere. */
void headers_ask_late(struct ptd_sync_peer *sp, int64_t *due_us);

/* Begin to fetch this peer's headers, if it is its turn. Thread: netsync. */
void headers_start(struct ptd_sync_peer *sp, int64_t *due_us);
/* Tell it that headers are welcome, once it has some. */
void headers_tell(struct ptd_sync_peer *sp);
/* Time is up. */
void headers_check(struct ptd_sync_peer *sp, int64_t *due_us);

/* What a header's or a block's fault says of the sender. */
enum ptd_err headers_punish(struct ptd_sync_peer *sp,
                            const struct ptd_block_verdict *v, bool compact,
                            bool is_header, const char *what);

/* ---- fetch.c --------------------------------------------------------- */

/* Is it to be asked for headers and blocks while we are far behind? */
bool fetch_is_from_locked(struct ptd_sync_peer *sp) PTD_REQUIRES(sp->ns->mu);

/* Ask the peer for what is missing and not asked of anybody. Any thread. */
void fetch_more(struct ptd_sync_peer *sp);
/* The same, even while news of another peer are taken in. Thread: netsync. */
void fetch_now(struct ptd_sync_peer *sp);

/* From here to there the peer's news are taken in: near the end of the chain
 * nobody else is asked for what they tell of, since who told it first, with
 * headers, is the one to ask. Hold and release: its in. */
void fetch_hold(struct ptd_sync_peer *sp);
void fetch_release(struct ptd_sync_peer *sp);
/* Does another peer than this one (NULL: any) have its news taken in? */
bool fetch_is_held(struct ptd_netsync *ns, const struct ptd_sync_peer *sp);
/* Ask for the blocks of a new header, if we are near the end. Thread: in. */
void fetch_directly(struct ptd_sync_peer *sp, const struct ptd_hash *hash);
/* Who stalls, who is too late, whose chain is behind. Thread: netsync. */
void fetch_check(struct ptd_sync_peer *sp, int64_t *due_us);

/* ---- surplus.c ------------------------------------------------------- */

/* End who is too many. Thread: netsync. */
void surplus_check(struct ptd_netsync *ns, int64_t *due_us);

/* ---- blocks.c -------------------------------------------------------- */

enum ptd_err blocks_on_block(struct ptd_peer *p, struct ptd_msg *m, void *sp);
enum ptd_err blocks_on_notfound(struct ptd_peer *p, struct ptd_msg *m,
                                void *sp);
/* Take a block in, with flags of ptd_blockchain_accept_block(); compact: it was
 * put together here, so it is nobody's fault if it is bad. */
enum ptd_err blocks_take(struct ptd_sync_peer *sp, const struct ptd_msg *block,
                         unsigned flags, bool compact);

/* ---- compact.c, partial.c -------------------------------------------- */

enum ptd_err compact_on_sendcmpct(struct ptd_peer *p, struct ptd_msg *m,
                                  void *sp);
enum ptd_err compact_on_block(struct ptd_peer *p, struct ptd_msg *m, void *sp);
enum ptd_err compact_on_txs(struct ptd_peer *p, struct ptd_msg *m, void *sp);
/* It gave us the newest block: ask it for the next one in high bandwidth. */
void compact_choose(struct ptd_sync_peer *sp);
/* A compact block of a block; NULL for lack of memory. */
struct ptd_msg *compact_make(const struct ptd_msg_block *b, uint64_t nonce);

enum partial_state {
    PARTIAL_OK,
    PARTIAL_INVALID, /* the sender's fault */
    PARTIAL_FAILED   /* bad luck, or the sender's: the whole block is needed */
};

/* Begin with what a compact block brings, and transactions at hand. */
enum partial_state partial_new(struct partial **out, struct ptd_netsync *ns,
                               struct ptd_msg *cmpct);
void partial_free(struct partial *b PTD_TAKES);
/* A request for those that lack; NULL with *n_missing > 0: no memory. */
struct ptd_msg *partial_ask(const struct partial *b, size_t *n_missing);
/* Put in what lacked (NULL: nothing did): *block, which refers to b. */
enum partial_state partial_fill(struct partial *b, struct ptd_msg **block,
                                struct ptd_msg *blocktxn, bool check_witness);

/* ---- announce.c ------------------------------------------------------ */

/* Tell the peer what it was to be told. Thread: netsync. */
void announce_run(struct ptd_sync_peer *sp);

/* ---- serve.c, serve_block.c ------------------------------------------ */

enum ptd_err serve_on_getheaders(struct ptd_peer *p, struct ptd_msg *m,
                                 void *sp);
enum ptd_err serve_on_getblocks(struct ptd_peer *p, struct ptd_msg *m,
                                void *sp);
enum ptd_err serve_on_getdata(struct ptd_peer *p, struct ptd_msg *m, void *sp);
enum ptd_err serve_on_getblocktxn(struct ptd_peer *p, struct ptd_msg *m,
                                  void *sp);
enum ptd_err serve_on_tx(struct ptd_peer *p, struct ptd_msg *m, void *sp);

/* May it be told of this block? Old ones off the active chain would tell which
 * node we are. */
bool serve_may_show(struct ptd_netsync *ns, const struct ptd_block_info *info);
/* Queue the block that an entry asks for; *bytes grows by about its size.
 * missing: it has no such block, as far as the peer is to know. */
enum ptd_err serve_block(struct ptd_sync_peer *sp, const struct ptd_inv *inv,
                         size_t *bytes, bool *missing);
/* No transactions are taken from it. */
bool serve_declines_txs(const struct ptd_sync_peer *sp);

/* ---- upload.c -------------------------------------------------------- */

/* Is the limit reached: of all, or of old blocks, for which some is kept. */
bool upload_is_reached(struct ptd_netsync *ns, bool historical);

#endif /* PTD_NETSYNC_NETSYNC_INT_H */
