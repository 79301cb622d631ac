/* peer.h - one remote node: handshake, five threads, queues.
 *
 * A peer is five threads (stall, in, queue, out, ping) that talk through
 * bounded channels; in and out block on the socket, nothing else does. What a
 * peer shares with others (thread teams, large buffers, the clock, a budget of
 * queued bytes, ids) lies in a struct ptd_env.
 *
 *     ptd_env_new() -> ptd_peer_new() -> ptd_peer_attach(fd)
 *         ... callbacks, ptd_peer_queue() ...
 *     ptd_peer_disconnect() -> ptd_peer_join() -> ptd_peer_free()
 *
 * Owner    reference counted; ptd_peer_new() hands out one reference, the
 *          owner's. The owner drops it after ptd_peer_join().
 * Threads  any, unless a function says "owner only"
 * Locks    ENV (38), PEER (40), PEER_STATS (41); never held across I/O or a callback
 * Source   btcd peer/peer.go; BIPs 14 31 35 37 61 111 130 133 144 155 339 434
 */
#ifndef PTD_PEER_H
#define PTD_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/chan.h"
#include "pentad/clock.h"
#include "pentad/err.h"
#include "pentad/msg.h"
#include "pentad/params.h"
#include "pentad/wire.h"

PTD_BEGIN_DECLS

/* ---- what peers share ------------------------------------------------- */

struct ptd_env;

struct ptd_env_config {
    struct ptd_clock *clock;   /* NULL: the system's; must outlive the env */
    size_t max_parked_teams;   /* idle teams of five threads kept; default 64 */
    size_t queue_budget_bytes; /* of all peers' queues, a message that is in
                                * several once; default 256 MiB: above it peers
                                * with more than 1/16 of their send limit get no
                                * more (try: PTD_EFULL; else disconnected) */
    bool allow_self;           /* connections to oneself (tests) */
};

/* Fill in the defaults. */
PTD_API void ptd_env_config_init(struct ptd_env_config *cfg) PTD_NONNULL(1);

/* cfg NULL: the defaults. NULL for lack of memory. */
PTD_API PTD_MUST_USE struct ptd_env *
ptd_env_new(const struct ptd_env_config *cfg);

/* Join all parked threads and free. All its peers must have been freed;
 * messages may live on. Takes NULL. */
PTD_API void ptd_env_free(struct ptd_env *env PTD_TAKES);

/* Join the parked threads now (leak tests, low memory). */
PTD_API void ptd_env_drain(struct ptd_env *env) PTD_NONNULL(1);

PTD_API struct ptd_clock *ptd_env_clock(const struct ptd_env *env);

/* Bytes queued to all peers (a message that is queued to several counts once),
 * and peers that exist. */
PTD_API size_t ptd_env_queued_bytes(const struct ptd_env *env) PTD_NONNULL(1);
PTD_API size_t ptd_env_n_peers(const struct ptd_env *env) PTD_NONNULL(1);

/* ---- configuration ---------------------------------------------------- */

struct ptd_peer;
struct ptd_peer_stats;

/* How strictly the rules of the protocol are kept: what a peer may get wrong
 * and stay connected. */
enum ptd_conduct {
    PTD_CONDUCT_STRICT,  /* the original's: reject and disconnect */
    PTD_CONDUCT_TOLERANT /* Bitcoin Core's: ignore and log what is harmless */
};

/* Called for a received message, on the peer's in thread, one at a time.
 *
 * msg      borrowed for the call; ptd_msg_ref() keeps it
 * Returns  PTD_OK; PTD_EAGAIN: call me again with the same message once what I
 *          queued to this peer has drained (for answers of several messages;
 *          before the handshake is done, when nothing drains, the same as
 *          PTD_EINVAL); anything else disconnects the peer with that error
 * Must not wait for this peer's done channels, nor block on another peer
 */
typedef enum ptd_err (*ptd_on_msg)(struct ptd_peer *p, struct ptd_msg *msg,
                                   void *arg);

/* One function and what it is called with. */
struct ptd_listener {
    ptd_on_msg fn;
    void *arg;
};

/* Everything that a peer calls besides message listeners; each may be NULL. */
struct ptd_peer_hooks {
    void *arg;
    /* The remote version has been read. Returns NULL, or a message (reject)
     * that is sent before the peer is disconnected; the reference is taken.
     * Thread: in. */
    struct ptd_msg *(*on_version)(struct ptd_peer *p,
                                  const struct ptd_msg_version *v, void *arg);
    /* Both veracks are in: the peer is new to its owner. Before any other
     * message of it is handled. Thread: in. */
    void (*on_ready)(struct ptd_peer *p, void *arg);
    /* The last of its threads is leaving: the owner may join now, from another
     * thread. Comes exactly once for every attached peer, after on_ready if
     * that came at all; no hook is called any more. Thread: the last one, or
     * a caller who was queueing a message meanwhile. */
    void (*on_gone)(struct ptd_peer *p, void *arg);
    /* Bytes were read: a whole frame of wire_bytes; msg NULL when it could not
     * be decoded or is unknown (err says which). Thread: in. */
    void (*on_read)(struct ptd_peer *p, size_t wire_bytes, struct ptd_msg *msg,
                    enum ptd_err err, void *arg);
    /* A message was written, or failed to be. Thread: whoever wrote. */
    void (*on_write)(struct ptd_peer *p, size_t wire_bytes, struct ptd_msg *msg,
                     enum ptd_err err, void *arg);
    /* ptd_peer_try_queue() refused a message for lack of room (PTD_EFULL), and
     * there is room again: the queue is at most a sixteenth of its limit. May
     * come without need. To wake somebody: nothing is queued from here.
     * Thread: whoever wrote. */
    void (*on_room)(struct ptd_peer *p, void *arg);
    /* It sent more than is allowed of something: by intent, or for a fault. The
     * owner ends it, or forgives: PTD_OK. NULL: it ends. Thread: in. */
    enum ptd_err (*on_excess)(struct ptd_peer *p, enum ptd_err err,
                              const char *why, void *arg);
    /* A message of a type unknown to us; command is printable. Thread: in. */
    void (*on_unknown)(struct ptd_peer *p, const char *command,
                       size_t wire_bytes, void *arg);
    /* Our newest block, for the version message and for telling whether an
     * answer to getheaders is due. An error ends the handshake. */
    enum ptd_err (*newest_block)(struct ptd_hash *hash, int32_t *height,
                                 void *arg);
};

/* A feature that is offered to the peer (BIP 434); copied. */
struct ptd_feature {
    const char *id;   /* 4 to 80 printable characters, such as "BIP434" */
    const void *data; /* what the feature wants to tell, or NULL */
    size_t n_data;    /* at most 512 bytes */
};

enum { PTD_MAX_FEATURES = 16 }; /* that are offered, and that are listed */

struct ptd_peer_config {
    const struct ptd_params *params; /* the network; outlives the peer */
    uint32_t pver;                   /* highest version we speak: 70016 */
    uint32_t min_pver;               /* lowest accepted: 209 */
    uint64_t services;               /* that we offer */
    const char *user_agent; /* BIP 14, copied; NULL: "/pentad:VERSION/" */
    bool relay;             /* ask for transactions (BIP 37) */
    bool send_wtxidrelay;   /* BIP 339 */
    bool send_addrv2;       /* BIP 155 */
    bool feature; /* BIP 434: speak 70017, offer features, list the peer's; the
                   * listener of PTD_MSG_FEATURE gets each before verack */
    const struct ptd_feature *features; /* with feature, in order of preference;
                                         * at most PTD_MAX_FEATURES; copied */
    size_t n_features;
    enum ptd_conduct conduct;
    bool direct_write; /* callers may write small messages themselves; in, when
                        * it has asked somebody close by, looks for the answer
                        * for up to 60 us before it sleeps */
    bool hide_addr;    /* the remote came through a proxy: tell it no address */

    /* Times in microseconds. 0 turns a time-out off. */
    int64_t handshake_us; /* 30 s: until both veracks are in */
    int64_t idle_us;      /* 5 min without a message */
    int64_t ping_us;      /* 2 min between pings */
    int64_t
        first_ping_us;  /* 2 min after the handshake; 0: at once; < 0: none */
    int64_t pong_us;    /* 20 min for a pong */
    int64_t write_us;   /* 2 min for a write, renewed while min_rate is taken */
    int64_t reply_us;   /* 30 s for an answer */
    int64_t headers_us; /* 90 s for an answer to getheaders */
    int64_t stall_tick_us; /* 15 s: answers are overdue at the next tick */
    int64_t trickle_us;    /* 10 s between batches of inventory */
    int64_t grace_us;      /* 0: no time-out but the handshake's before this */
    uint32_t
        min_rate; /* 64 bytes a second while part of a frame is missing, over 60 s */

    uint32_t output_queue;   /* 50 messages */
    uint32_t known_inv;      /* 1000 vectors */
    size_t send_limit_bytes; /* 1 MB queued: handling pauses */
    size_t recv_limit_bytes; /* 5 MB read and not handled */
    uint32_t early_messages; /* 64 frames before verack, and … */
    size_t early_bytes; /* … 64 KiB in them; a frame above both is refused
                              * at its header, and so is a version above 64 KiB */

    struct ptd_listener on_msg[PTD_MSG_N_TYPES]; /* copied */
    struct ptd_peer_hooks hooks;                 /* copied */
};

/* The library's defaults: the original's times, strict conduct. */
PTD_API void ptd_peer_config_init(struct ptd_peer_config *cfg,
                                  const struct ptd_params *params)
    PTD_NONNULL(1, 2);

/* ---- life ------------------------------------------------------------- */

enum ptd_direction { PTD_INBOUND, PTD_OUTBOUND };

/* Make a peer that is not connected yet. It gets its id now (0, 1, 2 … in its
 * env).
 *
 * remote   its address; for a peer that is reached by name through a proxy,
 *          net 0; may be NULL
 * Returns  PTD_OK, PTD_ENOMEM, PTD_EINVAL (a setting out of range)
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_peer_new(struct ptd_peer **out, struct ptd_env *env,
             const struct ptd_peer_config *cfg, enum ptd_direction dir,
             const struct ptd_netaddr *remote) PTD_NONNULL(1, 2, 3);

/* Give the peer its connected socket and start it: five threads are taken
 * whole, in begins the handshake.
 *
 * fd       taken, on failure too (closed), except with PTD_EEXIST
 * Returns  PTD_OK; PTD_EEXIST: attached before, nothing changes; PTD_ECLOSED:
 *          disconnected before; PTD_EAGAIN, PTD_ENOMEM: the system has no room
 *          for five more threads; PTD_EIO. After a failure other than EEXIST
 *          the peer is dead; on_gone does not come.
 */
PTD_API PTD_MUST_USE enum ptd_err ptd_peer_attach(struct ptd_peer *p, int fd)
    PTD_NONNULL(1);

/* End the peer: mark, shut the socket down, close quit. Never waits; any
 * thread, also from a callback; more than once is harmless.
 *
 * why      said in statistics and log; the first one stays; printf-like
 */
PTD_API void
ptd_peer_disconnect(struct ptd_peer *p, enum ptd_err err, const char *why, ...)
    PTD_NONNULL(1, 3) PTD_PRINTF(3, 4);

/* Wait until all its threads have ended. Owner only; none of its own threads. */
PTD_API void ptd_peer_join(struct ptd_peer *p) PTD_NONNULL(1);

PTD_API struct ptd_peer *ptd_peer_ref(struct ptd_peer *p) PTD_NONNULL(1);

/* Drop a reference. The owner's goes after ptd_peer_join(). Takes NULL. */
PTD_API void ptd_peer_free(struct ptd_peer *p PTD_TAKES);

/* ---- sending ----------------------------------------------------------- */

/* Queue a message; returns before it is on the wire (or after it is there:
 * a small message to an idle peer is written at once, without blocking).
 *
 * msg      taken, on failure too
 * done     NULL, or a channel with elements of 0 bytes or of an enum ptd_err; a
 *          slot of it is reserved. One signal comes, exactly once, when msg is
 *          written (PTD_OK) or dropped (PTD_ECLOSED …), also with PTD_ECLOSED
 *          returned
 * Returns  PTD_OK; PTD_ECLOSED; PTD_EINVAL: done has elements of another size,
 *          no signal comes; PTD_EFULL: done has no free slot (also where
 *          the peer is gone: no signal could tell), or one of the peer's own
 *          callbacks queues before the handshake is done and 50 messages wait
 *          already: msg is freed, no signal comes
 * Blocks   at most while the queue thread takes 50 messages over; from this
 *          peer's callbacks never. Before the handshake is done: while 50
 *          messages wait. A disconnect wakes it.
 * Limits   a peer whose queue is above its send limit plus 4 MB when somebody
 *          other than its own callbacks queues to it is disconnected
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_peer_queue(struct ptd_peer *p, struct ptd_msg *msg PTD_TAKES,
               struct ptd_chan *done) PTD_NONNULL(1, 2);

/* The same with the encoding of transactions chosen (ptd_peer_queue() takes
 * the one that was negotiated: witness if the peer offers NODE_WITNESS). */
PTD_API PTD_MUST_USE enum ptd_err
ptd_peer_queue_encoded(struct ptd_peer *p, struct ptd_msg *msg PTD_TAKES,
                       struct ptd_chan *done, enum ptd_encoding encoding)
    PTD_NONNULL(1, 2);

/* Queue without waiting: PTD_EFULL if the peer's queue is full or above its
 * send limit, or all queues are above their budget; msg is freed then, and
 * done gets no signal. */
PTD_API PTD_MUST_USE enum ptd_err
ptd_peer_try_queue(struct ptd_peer *p, struct ptd_msg *msg PTD_TAKES,
                   struct ptd_chan *done) PTD_NONNULL(1, 2);

/* Queue inventory to be announced: blocks at once, the rest in batches of at
 * most 1000 every trickle interval; what the peer knows is not sent again.
 *
 * Returns  PTD_OK (also if known); PTD_ECLOSED; PTD_EFULL: dropped, the peer
 *          does not keep up, or its handshake is not done
 * Blocks   at most while the queue thread takes 50 vectors over
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_peer_queue_inv(struct ptd_peer *p, const struct ptd_inv *inv)
    PTD_NONNULL(1, 2);

/* The peer is known to have this: it will not be announced to it. */
PTD_API void
ptd_peer_add_known_inv(struct ptd_peer *p, const struct ptd_inv *inv)
    PTD_NONNULL(1, 2);
PTD_API bool ptd_peer_knows_inv(struct ptd_peer *p, const struct ptd_inv *inv)
    PTD_NONNULL(1, 2);

/* Send addresses, as addrv2 where the peer asked for it. Of more than 1000 a
 * random sample is sent. Nothing is sent for an empty list.
 *
 * sent     NULL, or room for PTD_MAX_ADDR_PER_MSG entries: what was sent
 * n_sent   how many; NULL if sent is NULL
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_peer_push_addr(struct ptd_peer *p, const struct ptd_addr_entry *list,
                   size_t n, struct ptd_addr_entry *sent, size_t *n_sent)
    PTD_NONNULL(1);

/* Ask for block hashes or headers behind a locator. The same request (first
 * hash of the locator and stop) twice in a row is sent once.
 *
 * Returns  PTD_OK, also when suppressed; PTD_ETOOBIG: more than 101 hashes
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_peer_push_getblocks(struct ptd_peer *p, const struct ptd_hash *locator,
                        size_t n, const struct ptd_hash *stop)
    PTD_NONNULL(1, 4);
PTD_API PTD_MUST_USE enum ptd_err
ptd_peer_push_getheaders(struct ptd_peer *p, const struct ptd_hash *locator,
                         size_t n, const struct ptd_hash *stop)
    PTD_NONNULL(1, 4);

/* Send a reject (BIP 61), to peers of versions 70002 to 70015 alone: nothing
 * happens with others. hash: for tx and block, else NULL.
 *
 * wait     PTD_REJECT_WAIT: return when it is on the wire or the peer is gone
 *          (never from the peer's own callbacks)
 */
enum ptd_reject_wait { PTD_REJECT_QUEUE, PTD_REJECT_WAIT };
PTD_API PTD_MUST_USE enum ptd_err
ptd_peer_push_reject(struct ptd_peer *p, const char *command,
                     enum ptd_reject_code code, const char *reason,
                     const struct ptd_hash *hash, enum ptd_reject_wait wait)
    PTD_NONNULL(1, 2, 4);

/* ---- listening --------------------------------------------------------- */

/* Set the listener of a message type while the peer runs; fn NULL takes it
 * away. A call that has begun goes on with the old one. */
PTD_API void ptd_peer_listen(struct ptd_peer *p, enum ptd_msg_type type,
                             ptd_on_msg fn, void *arg) PTD_NONNULL(1);

/* ---- looking at it ----------------------------------------------------- */

enum ptd_peer_state {
    PTD_PEER_IDLE,      /* made, not attached */
    PTD_PEER_HANDSHAKE, /* attached, veracks not both in */
    PTD_PEER_READY,
    PTD_PEER_STOPPING /* disconnected; threads may still run */
};

/* Counters of one message type and direction. */
struct ptd_msg_count {
    uint64_t n;
    uint64_t bytes; /* on the wire */
};

/* A feature that the peer announced. */
struct ptd_peer_feature {
    char id[PTD_MAX_FEATURE_ID + 1]; /* escaped, and cut */
    size_t n_data;                   /* bytes that came with it */
};

struct ptd_peer_stats {
    int64_t id;
    enum ptd_direction direction;
    enum ptd_peer_state state;
    struct ptd_netaddr addr;       /* remote */
    struct ptd_netaddr addr_local; /* our end; net 0 before attach */
    char user_agent[PTD_MAX_USER_AGENT * 4 + 1]; /* escaped */
    const char *transport;
    uint64_t services;
    uint32_t pver;            /* negotiated */
    uint32_t advertised_pver; /* of its version message; 0: not yet */
    bool version_known;
    bool verack_received;
    bool witness; /* offers NODE_WITNESS */
    bool wants_addrv2;
    bool wtxidrelay;    /* both sides sent it */
    bool wants_headers; /* sendheaders came */
    bool relay;         /* it wants transactions */
    size_t n_features;  /* announced by it (BIP 434); the first are listed */
    struct ptd_peer_feature features[PTD_MAX_FEATURES];
    int64_t conn_time_s; /* wall time of attach */
    int64_t last_send_s; /* wall time of the last message; 0: none */
    int64_t last_recv_s;
    int64_t time_offset_s; /* its clock less ours, at version */
    uint64_t bytes_sent;   /* raw */
    uint64_t bytes_recv;   /* raw, partial frames too */
    uint64_t n_trailing;   /* messages with bytes left over behind them */
    int64_t ping_us;       /* last round trip; -1: none yet */
    int64_t ping_min_us;   /* -1: none yet */
    int64_t ping_wait_us;  /* the outstanding ping is that old; -1: none */
    int32_t start_height;  /* of its version message */
    int32_t last_block;    /* highest it is known to have */
    struct ptd_hash last_announced; /* block; zero: none */
    size_t queued_bytes;
    size_t n_output; /* elements in output_q and pending */
    size_t n_inv;    /* inventory waiting for the trickle */
    size_t n_known_inv;
    bool paused;          /* its messages wait for its queue to drain */
    enum ptd_err end_err; /* why it was disconnected */
    char end_why[96];
    struct ptd_msg_count sent[PTD_MSG_N_TYPES + 1]; /* last: unknown types */
    struct ptd_msg_count recv[PTD_MSG_N_TYPES + 1];
};

/* A snapshot of all figures. */
PTD_API void ptd_peer_stats(struct ptd_peer *p, struct ptd_peer_stats *out)
    PTD_NONNULL(1, 2);

PTD_API int64_t ptd_peer_id(const struct ptd_peer *p) PTD_NONNULL(1);
PTD_API bool ptd_peer_is_inbound(const struct ptd_peer *p) PTD_NONNULL(1);
PTD_API enum ptd_peer_state ptd_peer_state(struct ptd_peer *p) PTD_NONNULL(1);
/* "peer=3", for logs; lives as long as the peer. */
PTD_API const char *ptd_peer_name(const struct ptd_peer *p) PTD_NONNULL(1);
PTD_API const struct ptd_netaddr *ptd_peer_addr(const struct ptd_peer *p)
    PTD_NONNULL(1);
PTD_API uint32_t ptd_peer_pver(struct ptd_peer *p) PTD_NONNULL(1);
PTD_API uint64_t ptd_peer_services(struct ptd_peer *p) PTD_NONNULL(1);
PTD_API struct ptd_env *ptd_peer_env(const struct ptd_peer *p) PTD_NONNULL(1);

/* The owner's own pointer, set before attach. */
PTD_API void ptd_peer_set_user(struct ptd_peer *p, void *user) PTD_NONNULL(1);
PTD_API void *ptd_peer_user(const struct ptd_peer *p) PTD_NONNULL(1);

/* The peer announced, or was found to have, a block. */
PTD_API void
ptd_peer_set_last_announced(struct ptd_peer *p, const struct ptd_hash *hash)
    PTD_NONNULL(1, 2);
PTD_API void ptd_peer_update_last_block(struct ptd_peer *p, int32_t height)
    PTD_NONNULL(1);

PTD_END_DECLS

#endif /* PTD_PEER_H */
