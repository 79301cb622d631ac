/* connmgr.h - the connection manager: whom this node calls, and when.
 *
 * One thread, `connmgr`, keeps the outbound slots filled: with addresses that
 * the address manager picks, with nodes that the user named, with those that
 * help a node that has heard of nobody. Each dial runs in a thread of its own,
 * `dial-N`, each look-up of a DNS seed in `dnsseed`; all are joined.
 *
 * It knows the address manager and the server by callbacks alone. What it has
 * reached goes to the server, as a token, a socket and what they are for; when
 * the connection is over, the server gives the token back, once.
 *
 *     server                        connmgr                      dial-N
 *        │                             │── start, a slot taken ────►│
 *        │                             │◄── reached, or not ────────│
 *        │◄── connected(token, fd) ────│            (joined)
 *        │── ptd_connmgr_ready() ─────►│
 *        │── ptd_connmgr_gone() ──────►│ the slot is free again
 *
 * Owner    ptd_connmgr_new() gives one; start, stop, join, free
 * Threads  any, unless a function says otherwise
 * Locks    one (PTD_RANK_CONNMGR), never held across a callback or I/O
 * Time     all waits are on the clock given, but for those of a dial itself
 * Source   Bitcoin Core 31.1 net.cpp (rules, times, texts of the log); btcd
 *          connmgr (back-off)
 */
#ifndef PTD_CONNMGR_CONNMGR_H
#define PTD_CONNMGR_CONNMGR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connmgr/reach.h"
#include "net/dial.h"
#include "pentad/attr.h"
#include "pentad/clock.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"
#include "pentad/params.h"

struct ptd_connmgr;

/* ---- what connections are for -------------------------------------------- */

#define PTD_LINK_TYPES(X)                                                      \
    X(PTD_LINK_INBOUND, "inbound")                                             \
    X(PTD_LINK_FULL_RELAY, "outbound-full-relay")                              \
    X(PTD_LINK_BLOCK_RELAY, "block-relay-only")                                \
    X(PTD_LINK_MANUAL, "manual")                                               \
    X(PTD_LINK_ADDR_FETCH, "addr-fetch")                                       \
    X(PTD_LINK_FEELER, "feeler")

#define X(name, text) name,
enum ptd_link_type { PTD_LINK_TYPES(X) PTD_N_LINK_TYPES };
#undef X

/* The name as getpeerinfo's connection_type has it; never NULL. */
const char *ptd_link_type_text(enum ptd_link_type t);

/* PTD_OK; PTD_EINVAL: no type has that name. */
PTD_MUST_USE enum ptd_err ptd_link_type_of(enum ptd_link_type *t,
                                           const char *text) PTD_NONNULL(1, 2);

enum {
    PTD_MAX_FULL_RELAY = 8,
    PTD_MAX_BLOCK_RELAY = 2,
    PTD_MAX_FEELER = 1,
    PTD_MAX_ADDNODE = 8,
    PTD_GROUP_MAX = 32 /* bytes of a net group */
};

/* Slots of automatic connections under -maxconnections: what remains is for
 * inbound ones. Manual connections are not counted. */
unsigned ptd_connmgr_n_automatic(unsigned max_connections);

/* ---- what it is told, and tells ------------------------------------------ */

/* An address as the address manager has it. */
struct ptd_connmgr_addr {
    struct ptd_netaddr na;
    uint64_t services;
    int64_t seen_s;     /* wall time */
    int64_t last_try_s; /* wall time; 0: never */
    bool is_terrible;   /* not worth a try: taken only when there is nobody
                             else */
};

/* A connection that was made. Valid during the call. */
struct ptd_connmgr_link {
    uint64_t token; /* never 0; to be given back */
    enum ptd_link_type type;
    struct ptd_netaddr na; /* net 0: known by its name alone (by a proxy) */
    const char *name;      /* as the user gave it; NULL: picked */
    uint64_t services;     /* that it is said to offer; 0 for names */
    bool via_proxy;
    bool wants_v2; /* speak v2 transport first */
    bool anchor;   /* of anchors.dat */
};

enum ptd_connmgr_found { PTD_FOUND_NOT, PTD_FOUND_INBOUND, PTD_FOUND_OUTBOUND };

/* The address manager; none is NULL. All may be called by `connmgr` and
 * `dial-N`, with no lock held; none may wait for the connection manager. */
struct ptd_connmgr_addrs {
    void *arg;
    /* Addresses known of a network; PTD_NET_NONE: of all. */
    size_t (*count)(void *arg, enum ptd_net net);
    /* Pick one of these networks (PTD_NET_BIT()), of the new table only if so
     * asked. False: there is none. */
    bool (*pick)(void *arg, struct ptd_connmgr_addr *out, bool only_new,
                 uint32_t nets);
    /* An entry of the tried table that another wants to replace. */
    bool (*pick_collision)(void *arg, struct ptd_connmgr_addr *out);
    void (*resolve_collisions)(void *arg);
    /* It was dialled. count_failure: we have connections to others. */
    void (*attempt)(void *arg, const struct ptd_netaddr *na,
                    bool count_failure);
    void (*good)(void *arg, const struct ptd_netaddr *na);
    /* Addresses from a seed; source names it. */
    void (*add)(void *arg, const struct ptd_connmgr_addr *list, size_t n,
                const char *source);
    /* Bytes that addresses of one operator share. Gives how many. */
    size_t (*group)(void *arg, const struct ptd_netaddr *na,
                    uint8_t out[PTD_GROUP_MAX]);
};

/* The server; the same holds, but for NULLs. */
struct ptd_connmgr_server {
    void *arg;
    /* A connection that the server has, inbound ones above all; any_port: to
     * the same host. NULL: the outbound ones are all there are. */
    enum ptd_connmgr_found (*find)(void *arg, const struct ptd_netaddr *na,
                                   bool any_port);
    /* Is a connection that the server was given about to end, so that it
     * stands in nobody's way? Not one that the server does not know yet.
     * NULL: none is. */
    bool (*is_ending)(void *arg, uint64_t token);
    /* Is it an address of ours? NULL: none is. */
    bool (*is_own)(void *arg, const struct ptd_netaddr *na);
    /* Banned or discouraged? NULL: nobody is. */
    bool (*is_unwanted)(void *arg, const struct ptd_netaddr *na);
    /* Does it offer what a peer of ours has to? */
    bool (*has_services)(void *arg, uint64_t services);
    /* A connection was made, and fd is the server's. From now on, also before
     * this returns, ptd_connmgr_gone() is due. Thread: connmgr.
     * Returns PTD_OK; else nothing was taken, and fd is closed here. */
    enum ptd_err (*connected)(void *arg, const struct ptd_connmgr_link *l,
                              int fd);
    /* A dial failed; token was never told. NULL: no interest. */
    void (*failed)(void *arg, const struct ptd_connmgr_link *l, enum ptd_err e,
                   const struct ptd_dial_why *why);
};

/* The network. */
struct ptd_connmgr_dialler {
    void *arg;
    enum ptd_err (*dial)(void *arg, int *fd, const struct ptd_dial_target *to,
                         const struct ptd_proxy *proxy, int timeout_ms,
                         const struct ptd_latch *cancel,
                         struct ptd_dial_why *why);
    enum ptd_err (*resolve)(void *arg, struct ptd_netaddr *out, size_t cap,
                            size_t *n, const char *host, uint16_t port);
};

struct ptd_connmgr_config {
    const struct ptd_params *params; /* default port, seeds; outlives us */
    struct ptd_clock *clk;           /* outlives us; NULL: the system's */
    struct ptd_reach reach;
    struct ptd_connmgr_addrs addrs;
    struct ptd_connmgr_server server;
    struct ptd_connmgr_dialler dialler; /* NULLs: ptd_dial(), ptd_resolve() */

    unsigned max_connections; /* -maxconnections */
    bool automatic; /* picks addresses; off with -connect and -noconnect */

    /* Copied. */
    const char *const *connect; /* -connect, without "0" */
    size_t n_connect;
    const char *const *addnode; /* -addnode */
    size_t n_addnode;
    const char *const *seednode; /* -seednode */
    size_t n_seednode;
    const struct ptd_connmgr_addr *anchors; /* of the last run, tried first */
    size_t n_anchors;

    bool look_up;        /* -dns */
    bool dns_seed;       /* -dnsseed */
    bool force_dns_seed; /* -forcednsseed */
    bool fixed_seeds;    /* -fixedseeds */
    bool v2_transport;   /* -v2transport */
    bool log_ips;        /* -logips */
    bool network_active; /* -networkactive */

    int dial_timeout_ms;  /* -timeout */
    int proxy_timeout_ms; /* for all of a dial through a proxy */
};

/* Fill in Core's defaults; the rest is zero. */
void ptd_connmgr_config_init(struct ptd_connmgr_config *cfg,
                             const struct ptd_params *params) PTD_NONNULL(1, 2);

/* ---- life ---------------------------------------------------------------- */

/* Make one; nothing runs yet.
 *
 * Returns  PTD_OK; PTD_ENOMEM; PTD_ELIMIT: no descriptor left
 */
PTD_MUST_USE enum ptd_err
ptd_connmgr_new(struct ptd_connmgr **out, const struct ptd_connmgr_config *cfg)
    PTD_NONNULL(1, 2);

/* Start its thread. PTD_OK; PTD_EAGAIN, PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err ptd_connmgr_start(struct ptd_connmgr *cm)
    PTD_NONNULL(1);

/* Begin no further dial, wake those under way and whoever waits here. Never
 * waits, may be called twice. The server may go on giving tokens back. */
void ptd_connmgr_stop(struct ptd_connmgr *cm) PTD_NONNULL(1);

/* Wait for all threads; what was reached too late is closed. After stop; also
 * if it was never started.
 *
 * Thread   none of its own; not in a callback
 * Blocks   a look-up under way lasts as long as the resolver takes
 */
void ptd_connmgr_join(struct ptd_connmgr *cm) PTD_NONNULL(1);

/* After join, once nobody calls any more. Takes NULL. */
void ptd_connmgr_free(struct ptd_connmgr *cm PTD_TAKES);

/* ---- for the server ------------------------------------------------------ */
/* None of these waits. A token that is not known is ignored. */

/* The handshake is done. */
void ptd_connmgr_ready(struct ptd_connmgr *cm, uint64_t token) PTD_NONNULL(1);

/* The connection is over, and its slot free. */
void ptd_connmgr_gone(struct ptd_connmgr *cm, uint64_t token) PTD_NONNULL(1);

/* There are addresses that were not there before: a hint. */
void ptd_connmgr_addrs_changed(struct ptd_connmgr *cm) PTD_NONNULL(1);

/* Ask for one full-relay connection more than usual (the tip is stale), or no
 * longer. */
void ptd_connmgr_want_extra_peer(struct ptd_connmgr *cm, bool on)
    PTD_NONNULL(1);
bool ptd_connmgr_wants_extra_peer(struct ptd_connmgr *cm) PTD_NONNULL(1);

/* From now on, now and then, make a block-relay-only connection more than
 * usual (the node is in sync). The server ends the surplus one. */
void ptd_connmgr_start_extra_block_relay(struct ptd_connmgr *cm) PTD_NONNULL(1);

/* Addresses of the block-relay-only connections there are now, for
 * the next run's anchors: at the end, before the server gives tokens back.
 * Gives how many, at most cap. */
size_t ptd_connmgr_block_relay(struct ptd_connmgr *cm,
                               struct ptd_connmgr_addr *out, size_t cap)
    PTD_NONNULL(1);

/* ---- for the user -------------------------------------------------------- */

/* -addnode at run time: keep a connection to it.
 *
 * node     an address or a name, with or without port; copied
 * Returns  PTD_OK; PTD_EEXIST: it is in the list, perhaps spelled otherwise;
 *          PTD_EINVAL: neither address nor name; PTD_ECLOSED; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_connmgr_add(struct ptd_connmgr *cm, const char *node, bool wants_v2)
    PTD_NONNULL(1, 2);

/* Take it from the list; a connection to it stays.
 *
 * Returns  PTD_OK; PTD_ENOTFOUND
 */
PTD_MUST_USE enum ptd_err
ptd_connmgr_remove(struct ptd_connmgr *cm, const char *node) PTD_NONNULL(1, 2);

/* Dial once, and wait for how it went: on PTD_OK the server has been told.
 *
 * type     MANUAL (no limit, not persistent), FULL_RELAY, BLOCK_RELAY,
 *          ADDR_FETCH, FEELER
 * Returns  PTD_OK; PTD_EFULL: no slot for this type; PTD_EEXIST: connected
 *          already; PTD_EREJECTED: the network is switched off, or the server
 *          would not have it; PTD_EINVAL; PTD_ECLOSED; PTD_ENOMEM; PTD_EAGAIN
 *          (no thread); what ptd_dial() returns
 * Blocks   to the end of the dial
 * Thread   any but the server's and those of callbacks
 */
PTD_MUST_USE enum ptd_err
ptd_connmgr_dial(struct ptd_connmgr *cm, const char *node,
                 enum ptd_link_type type, bool wants_v2) PTD_NONNULL(1, 2);

/* Switch all dialling off or on; the server ends what there is. */
void ptd_connmgr_set_active(struct ptd_connmgr *cm, bool active) PTD_NONNULL(1);
bool ptd_connmgr_is_active(struct ptd_connmgr *cm) PTD_NONNULL(1);

/* A node of the list, as getaddednodeinfo has it. */
struct ptd_connmgr_added {
    char *node; /* as it was given */
    bool wants_v2;
    enum ptd_connmgr_found found;
    struct ptd_netaddr na; /* if found */
};

/* Give the list, in order. PTD_OK, PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_connmgr_list_added(struct ptd_connmgr *cm, struct ptd_connmgr_added **list,
                       size_t *n) PTD_NONNULL(1, 2, 3);
void ptd_connmgr_added_free(struct ptd_connmgr_added *list PTD_TAKES, size_t n);

enum ptd_slot_state {
    PTD_SLOT_RESTS, /* a named node, until due_us */
    PTD_SLOT_DIALS,
    PTD_SLOT_CONNECTED,
    PTD_SLOT_READY
};

struct ptd_connmgr_slot {
    uint64_t token; /* 0: rests */
    enum ptd_slot_state state;
    enum ptd_link_type type;
    struct ptd_netaddr na; /* net 0: not known */
    char name[128];        /* of named ones, cut; "": picked */
    unsigned n_fails;      /* of named ones, in a row */
    int64_t
        due_us; /* when it is dialled, monotonic; PTD_NEVER: it is, or was */
};

/* A snapshot of what is dialled, connected, or rests. Gives how many there
 * are, of which at most cap were written. */
size_t ptd_connmgr_list_slots(struct ptd_connmgr *cm,
                              struct ptd_connmgr_slot *out, size_t cap)
    PTD_NONNULL(1);

#endif /* PTD_CONNMGR_CONNMGR_H */
