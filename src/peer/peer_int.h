/* peer_int.h - a peer from the inside; seen by this room alone.
 *
 * Who may touch what is said at each group of members. The write side (conn's
 * writing half, batch, send_q) belongs to whoever holds the token; see send.c.
 *
 * Channels  output_q  callers -> queue     inv_q   callers -> queue
 *           send_q    token holder -> out  done_q  token holder -> queue
 *           stall_q   in, token holder -> stall    quit    closed by disconnect
 * Each is closed and drained by the thread that receives from it, when it
 * leaves; those whose thread never ran by the last of the team.
 */
#ifndef PTD_PEER_PEER_INT_H
#define PTD_PEER_PEER_INT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ref.h"
#include "net/conn.h"
#include "net/latch.h"
#include "peer/env.h"
#include "peer/known.h"
#include "peer/requests.h"
#include "pentad/peer.h"
#include "sync/mutex.h"
#include "sync/thread.h"

enum peer_role {
    ROLE_STALL,
    ROLE_IN,
    ROLE_QUEUE,
    ROLE_OUT,
    ROLE_PING,
    N_ROLES
};

enum {
    EARLY_MAX_PAYLOAD = 65535, /* before verack, if early_bytes is no more */
    BAD_MAX = 1000,            /* bad frames of a tolerated peer, and … */
    BAD_MAX_BYTES = 16000000,  /* … bytes in them */
    INV_Q_CAP = 50,
    INV_PER_TRICKLE = 1000,       /* entries of one inv message, as btcd */
    INV_WAITING_MAX = 50000,      /* beyond that inventory is dropped */
    DIRECT_MAX_BYTES = 16 * 1024, /* of a frame that a caller writes itself */
    DIRECT_BURST = 4,             /* such writes in a row, and … */
    DIRECT_REFILL_US = 25,        /* … one more each so often */
    QUEUE_SLACK_BYTES = 4000000   /* above send_limit: disconnect */
};

/* A message on its way out. */
struct outmsg {
    struct ptd_msg *msg;   /* a reference */
    struct ptd_chan *done; /* NULL, or a reference with a slot reserved */
    uint32_t cost;         /* bytes counted for it where it waits */
    uint8_t encoding;      /* enum ptd_encoding, or ENC_NEGOTIATED */
    bool is_charged;       /* ptd_outmsg_charge() was called, and … */
    bool is_shared;        /* … others hold msg too: ptd_env_queue_leave() */
};
enum { ENC_NEGOTIATED = 0xff };

/* Over each window of an unfinished frame min_rate bytes a second must come. */
enum { RATE_WINDOW_S = 60 };
#define RATE_WINDOW_US (RATE_WINDOW_S * INT64_C(1000000))

/* Messages in order; grows, never shrinks below its first size. */
struct outlist {
    struct outmsg *v;
    size_t n, cap;
};

/* Inventory waiting for the trickle. */
struct invlist {
    struct ptd_inv *v;
    size_t n, cap;
};

struct ptd_peer {
    /* -- set once, before any thread -------------------------------------- */
    struct ptd_ref ref;
    struct ptd_env *env;
    struct ptd_clock *clk;
    struct ptd_peer_config cfg; /* user_agent is ours; on_msg: under mu */
    enum ptd_direction dir;
    int64_t id;
    char name[28];                            /* "peer=17" */
    struct ptd_msg *offers[PTD_MAX_FEATURES]; /* cfg.features, as messages */
    size_t n_offers;
    struct ptd_netaddr addr;
    void *user;
    struct ptd_chan *output_q; /* struct outmsg */
    struct ptd_chan *inv_q;    /* struct ptd_inv */
    struct ptd_chan *done_q;   /* signals */
    struct ptd_chan *send_q;   /* signals: the batch is yours */
    struct ptd_chan *stall_q;  /* signals: look again */
    struct ptd_chan *quit;

    /* -- set by attach, under mu; then constant ---------------------------- */
    struct ptd_conn *conn;
    struct ptd_team *team;
    struct ptd_netaddr addr_local;
    int64_t start_us; /* monotonic */
    int64_t conn_wall_us;
    int64_t ready_us; /* set by in before it wakes the rest */

    /* -- atomics ------------------------------------------------------------ */
    atomic_bool stopping;     /* disconnected */
    atomic_int n_running;     /* threads between run and leave; and callers who
                               * queue meanwhile and may call hooks */
    atomic_size_t queued;     /* bytes of messages not yet written */
    atomic_bool wants_room;   /* a message was refused for lack of it */
    atomic_uintptr_t in_self; /* the in thread, while it runs */
    atomic_uint n_inv_waiting;
    atomic_int_fast64_t last_recv_us; /* monotonic, of the last message */
    atomic_int_fast64_t last_send_us; /* the same */
    /* A blocked write's start, 0: none; or when stall last saw that the other
     * side takes it. And what it had taken by then: stored before. */
    atomic_int_fast64_t write_since_us;
    atomic_uint_fast64_t write_acked;
    atomic_int_fast64_t handlers_us; /* time that handlers took; while some run,
                                      * that less their start: below 0 */
    atomic_int_fast64_t
        handled_us; /* when the last whole frame was dealt with */
    atomic_uint_fast64_t rx_frame;   /* number of the frame awaited, 0: none */
    atomic_int_fast64_t rx_since_us; /* when that began, and the bytes … */
    atomic_uint_fast64_t rx_bytes;   /* … received by then; before rx_frame */
    atomic_int_fast64_t armed_us;    /* when stall will look again */

    /* -- under mu (PTD_RANK_PEER) ------------------------------------------- */
    struct ptd_mutex mu;
    enum ptd_peer_state state PTD_GUARDED_BY(mu);
    bool has_socket PTD_GUARDED_BY(mu); /* attach was called */
    bool joined PTD_GUARDED_BY(mu);
    bool token_free PTD_GUARDED_BY(mu); /* implies n_ahead == 0 */
    size_t n_ahead PTD_GUARDED_BY(mu);  /* accepted, not yet passed on */
    unsigned direct_left PTD_GUARDED_BY(mu);
    int64_t direct_us PTD_GUARDED_BY(mu); /* last refill, system time */
    bool paused PTD_GUARDED_BY(mu);
    struct ptd_latch wake PTD_GUARDED_BY(mu); /* while paused */
    struct requests *requests PTD_GUARDED_BY(mu);
    enum ptd_err end_err PTD_GUARDED_BY(mu);
    char end_why[96] PTD_GUARDED_BY(mu);
    struct ptd_hash prev_begin[2], prev_stop[2]; /* getblocks, getheaders */
    bool has_prev[2];

    /* -- under stats_mu (PTD_RANK_PEER_STATS) -------------------------------- */
    struct ptd_mutex stats_mu;
    struct known_inv known PTD_GUARDED_BY(stats_mu);
    uint64_t ping_nonce PTD_GUARDED_BY(stats_mu); /* 0: none outstanding */
    int64_t ping_sent_us PTD_GUARDED_BY(stats_mu);
    /* The first ping that got no pong: its deadline stays, whatever others the
     * owner queues meanwhile. 0: none. */
    uint64_t first_ping_nonce PTD_GUARDED_BY(stats_mu);
    int64_t first_ping_us PTD_GUARDED_BY(stats_mu);
    int64_t ping_us PTD_GUARDED_BY(stats_mu);
    int64_t ping_min_us PTD_GUARDED_BY(stats_mu);
    struct ptd_hash last_announced PTD_GUARDED_BY(stats_mu);
    int32_t start_height PTD_GUARDED_BY(stats_mu);
    int32_t last_block PTD_GUARDED_BY(stats_mu);
    int64_t time_offset_s PTD_GUARDED_BY(stats_mu);
    char *agent PTD_GUARDED_BY(stats_mu);       /* escaped; NULL: not known */
    size_t n_features PTD_GUARDED_BY(stats_mu); /* that it announced */
    struct ptd_peer_feature *features PTD_GUARDED_BY(stats_mu); /* NULL: none */

    /* -- written by in; read by any ------------------------------------------ */
    _Atomic uint32_t pver;            /* negotiated; ours until then */
    _Atomic uint32_t advertised_pver; /* 0: no version yet */
    _Atomic uint64_t services;
    atomic_bool verack_received, witness, wants_addrv2, wtxidrelay,
        wants_headers, relay;
    _Atomic uint64_t n_trailing;
    struct {
        _Atomic uint64_t n, bytes;
    } recv[PTD_MSG_N_TYPES + 1];

    /* -- the token holder's ---------------------------------------------------- */
    struct outlist batch;
    size_t n_added;     /* of batch: put into conn, not yet flushed (0 or 1) */
    size_t added_bytes; /* of it, on the wire */
    struct {
        _Atomic uint64_t n, bytes;
    } sent[PTD_MSG_N_TYPES + 1];

    /* -- queue's ------------------------------------------------------------ */
    struct outlist pending;
    struct invlist invs;
    bool has_token; /* queue holds it, waiting for a message to arrive */

    /* -- in's ----------------------------------------------------------------- */
    bool has_asked; /* since it last received: it wrote what wants an answer */
    int looks;      /* for answers, to go; below 0: answers not to look for */
    uint64_t nonce; /* of our version, while outbound and unverified */
    uint64_t n_frames;        /* cut so far */
    uint64_t n_frames_done;   /* … when handlers last ended */
    int64_t handler_since_us; /* start of the running handlers, 0: none */
    int64_t handler_total_us; /* of those that are done */
    bool wtxid_sent, wtxid_got, our_version_sent, our_verack_sent;
    uint32_t n_early; /* frames before verack, and their bytes */
    size_t early_bytes;
    uint32_t n_bad; /* frames that could not be taken, and their bytes */
    size_t bad_bytes;

    /* -- stall's ---------------------------------------------------------------- */
    uint64_t rate_frame; /* rx_frame that the window is about */
    int64_t rate_since_us;
    uint64_t rate_bytes;
};

/* ---- threads' main functions, one file each ------------------------------- */
void ptd_peer_stall_main(void *peer);
void ptd_peer_in_main(void *peer);
void ptd_peer_queue_main(void *peer);
void ptd_peer_out_main(void *peer);
void ptd_peer_ping_main(void *peer);

/* Each calls this last: the last of all posts *gone*. */
void ptd_peer_leave(struct ptd_peer *p);
/* in, once the handshake is done: wake queue, out and ping. */
void ptd_peer_wake_rest(struct ptd_peer *p);

static inline bool peer_is_stopping(const struct ptd_peer *p)
{
    return atomic_load_explicit(&p->stopping, memory_order_acquire);
}

/* ---- send.c: accepting messages, the token ---------------------------------- */

/* Put a message in the way out, in order, as queue itself. */
void ptd_send_own(struct ptd_peer *p, struct outmsg *m);
/* Make an outmsg of a message, taking it. */
void ptd_outmsg_init(struct outmsg *m, struct ptd_msg *msg,
                     struct ptd_chan *done, uint8_t encoding);
/* It has to wait, before it is put anywhere: its bytes are counted from here
 * on. What is written at once never is: the budget's lock would be taken twice
 * for each peer that one message goes to. */
void ptd_outmsg_charge(struct ptd_peer *p, struct outmsg *m);
/* The message was written or dropped: uncount, signal, free; perhaps tell that
 * there is room. The peer's threads, and whom they wait for. */
void ptd_outmsg_finish(struct ptd_peer *p, struct outmsg *m, enum ptd_err err);
PTD_MUST_USE enum ptd_err ptd_outlist_put(struct outlist *l,
                                          const struct outmsg *m);
void ptd_outlist_drop(struct ptd_peer *p, struct outlist *l, enum ptd_err err);
void ptd_token_give_back(struct ptd_peer *p);
/* The token goes to out, with what is in batch. */
void ptd_token_to_out(struct ptd_peer *p);
struct ptd_codec ptd_send_codec(struct ptd_peer *p, const struct outmsg *m);
/* Before the first byte of m may leave: replies are expected from here on. */
void ptd_note_sending(struct ptd_peer *p, struct ptd_msg *m,
                      const struct ptd_codec *cx);
/* It cannot leave; said now and then only, for a caller may queue many. */
void ptd_note_not_encoded(struct ptd_peer *p, const struct ptd_msg *m,
                          enum ptd_err err);
/* After: counters, hooks. */
void ptd_note_sent(struct ptd_peer *p, struct ptd_msg *m, size_t wire_bytes,
                   enum ptd_err err);

/* ---- in.c ------------------------------------------------------------------- */

/* Receive until a frame is cut. Returns PTD_OK or why the peer ends. */
PTD_MUST_USE enum ptd_err ptd_in_next_frame(struct ptd_peer *p,
                                            struct ptd_frame *f);
/* Decode, count, tell on_read. *out NULL with PTD_OK: ignored as conduct has
 * it. */
PTD_MUST_USE enum ptd_err ptd_in_decode(struct ptd_peer *p, struct ptd_frame *f,
                                        struct ptd_msg **out);
/* Run the listener of a message, again and again while it says PTD_EAGAIN. */
PTD_MUST_USE enum ptd_err ptd_in_dispatch(struct ptd_peer *p,
                                          struct ptd_msg *m);
/* Wait, reading on, until the queue has drained to half of its limit. */
PTD_MUST_USE enum ptd_err ptd_in_pause(struct ptd_peer *p);
void ptd_handler_start(struct ptd_peer *p);
void ptd_handler_done(struct ptd_peer *p);

/* ---- handshake.c -------------------------------------------------------------- */
PTD_MUST_USE enum ptd_err ptd_handshake(struct ptd_peer *p);
/* A reject on the wire before the disconnect, where the peer's version has
 * them; in only, while it holds the token. */
void ptd_handshake_reject(struct ptd_peer *p, const char *command,
                          enum ptd_reject_code code, const char *reason);

/* ---- feature.c --------------------------------------------------------------- */

/* True if what the configuration offers can be sent. */
bool ptd_features_are_good(const struct ptd_peer_config *cfg);
/* Make the messages of what is offered. PTD_OK, PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err ptd_features_init(struct ptd_peer *p);
void ptd_features_fini(struct ptd_peer *p);
/* The peer announced one. */
void ptd_features_note(struct ptd_peer *p, const struct ptd_msg_feature *m);

/* ---- stall.c ------------------------------------------------------------------ */

/* Some deadline is now due_us: wake stall if it sleeps longer. */
void ptd_stall_nudge(struct ptd_peer *p, int64_t due_us);
/* Time that handlers took, with the one that runs. */
int64_t ptd_handlers_us(const struct ptd_peer *p, int64_t now_us);

/* True if the peer's version has the reject message (BIP 61). */
static inline bool peer_takes_reject(struct ptd_peer *p)
{
    uint32_t v = atomic_load_explicit(&p->pver, memory_order_relaxed);
    return v >= PTD_PVER_REJECT && v <= PTD_PVER_REJECT_LAST;
}

#endif /* PTD_PEER_PEER_INT_H */
