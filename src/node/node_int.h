/* node_int.h - the node from inside; for this room alone. */
#ifndef PTD_NODE_NODE_INT_H
#define PTD_NODE_NODE_INT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "addrmgr/addrcache.h"
#include "addrmgr/addrmgr.h"
#include "addrmgr/addrrelay.h"
#include "addrmgr/localaddr.h"
#include "base/list.h"
#include "connmgr/banlist.h"
#include "connmgr/connmgr.h"
#include "connmgr/discourage.h"
#include "connmgr/inlimit.h"
#include "connmgr/portmap.h"
#include "net/latch.h"
#include "net/listen.h"
#include "netsync/netsync.h"
#include "node/addrknown.h"
#include "node/node.h"
#include "pentad/chan.h"
#include "relay/relay.h"
#include "sync/mutex.h"
#include "sync/thread.h"
#include "zmq/publisher.h"

enum { NODE_SERVER_QUEUE = 256 };

/* What a peer is told of addresses, and when. Guarded by node->mu. */
struct gossip {
    bool on; /* it takes part: see gossip_join() */
    struct addr_known known;
    struct ptd_addr_entry *list; /* to be sent; n of cap, at most
                                    PTD_MAX_ADDR_PER_MSG */
    size_t n;
    size_t cap;
    int64_t send_us; /* the list goes no sooner; monotonic */
    int64_t end_us;  /* when a peer that was to tell addresses goes */
    int64_t self_us; /* … nor our own address; 0: never told yet */
    int64_t due_us;  /* when to look at it; in node->due */
    size_t place;    /* in node->due, from 1; 0: not there */
};

/* One peer, as the node sees it. The server makes it before the peer starts
 * and frees it after the peer was joined: whoever is neither a callback of the
 * peer nor the server looks at it under node->mu. */
struct node_peer {
    /* Set once. */
    struct ptd_node *node;
    struct ptd_peer *peer; /* the server's reference */
    struct ptd_sync_peer *sync;
    struct ptd_relay_peer *relay;
    uint64_t token; /* of the connection manager; 0: inbound */
    enum ptd_link_type type;
    unsigned permissions; /* of enum ptd_permission */
    char *name;           /* as the user gave it; NULL: none */
    bool via_proxy;
    bool is_onion;           /* came through Tor to us */
    bool was_discouraged;    /* when it came: goes first when room is needed */
    uint64_t group;          /* keyed hash of its net group */
    uint64_t claimed;        /* services that it was said to offer */
    struct ptd_netaddr here; /* our end; net 0: not known */

    /* Guarded by node->mu. */
    struct ptd_link link; /* in node->peers, by rising id */
    bool ready;           /* both veracks are in */
    bool leaving;         /* about to be joined: it counts no more */
    struct gossip gossip;
    struct ptd_inlimit_pass pass; /* of its handshake; given back with it */
    uint64_t n_addrs_taken, n_addrs_limited;
    struct ptd_netaddr seen; /* we, as it says; net 0: not said */
    bool wants_txs;          /* its version message says so */
    bool has_services;       /* all that we want of a peer that we choose */

    /* Written once by its in thread, before `ready`. */
    uint64_t services; /* as its version message says */
    int32_t start_height;
    bool takes_addrv2;

    /* Used by its in thread alone. */
    struct ptd_addrbucket bucket; /* addresses that it may still tell */
    bool answered_getaddr;
    bool sent_getaddr; /* and the answer may still come */
};

static inline bool node_peer_is_in(const struct node_peer *np)
{
    return np->type == PTD_LINK_INBOUND;
}

/* Its socket is shut, and its threads are about to leave: for the other side it
 * has gone, so it does not count any more. */
static inline bool node_peer_is_over(const struct node_peer *np)
{
    return ptd_peer_state(np->peer) == PTD_PEER_STOPPING;
}

static inline bool node_peer_may(const struct node_peer *np, unsigned what)
{
    return (np->permissions & what) == what;
}

enum server_what {
    SERVER_ACCEPTED,
    SERVER_DIALLED,
    SERVER_GONE,
    SERVER_SETTLE, /* tell that all before it is done */
    SERVER_STOP
};

struct server_event {
    enum server_what what;
    int fd;                  /* ACCEPTED, DIALLED: the server's from now on */
    struct ptd_netaddr addr; /* ACCEPTED, DIALLED; net 0: not known */
    unsigned listener;       /* ACCEPTED: number of node->bound */
    uint64_t token;          /* DIALLED, and what follows */
    enum ptd_link_type type;
    char *name; /* the server's; NULL: none */
    uint64_t services;
    bool via_proxy;
    struct node_peer *np; /* GONE */
    struct ptd_chan *done; /* SETTLE: a reference; it is closed */
};

/* A socket that we listen at. */
struct node_listener {
    struct ptd_netaddr at;
    unsigned permissions; /* of -whitebind */
    bool for_onion;
    bool announce; /* -bind and -whitebind: it is an address of ours */
};

enum { NODE_TIME_SAMPLES = 50 };

/* Rules that blocks signal and this version does not know; on_tip's alone. */
enum { ALERT_BITS = 29 };
struct unknown_rules {
    uint32_t n_counted;             /* periods, those before it included */
    uint32_t chosen_in[ALERT_BITS]; /* first period with enough; 0: none */
};

struct table; /* table.c */

struct ptd_node {
    /* Set once, before the threads start. */
    const struct ptd_node_config *cfg;
    struct ptd_clock *clk;
    bool owns_clock;
    int64_t start_s;
    uint64_t k0, k1; /* secret of keyed hashes */
    struct ptd_env *env;
    struct ptd_params params; /* of the network, with the user's changes */
    struct ptd_blockchain *chain;
    struct ptd_headers *headers; /* the chain's */
    struct ptd_netsync *netsync;
    struct ptd_relay *relay;
    struct ptd_publisher *publisher; /* NULL: nothing is published */
    char *pool_path; /* NULL: the pool is not kept */
    struct ptd_thread import_thread;
    atomic_bool is_loading;    /* it runs */
    atomic_bool chain_stop;    /* it is to end */
    struct ptd_chan *server_q; /* struct server_event, to the server */
    struct ptd_chan *quit;     /* closed when the node stops */
    struct ptd_latch stop;     /* … and set: for who sleeps in poll(2) */
    bool has_stop;
    struct table *table;
    struct unknown_rules unknown_rules;

    /* Whom we know, want, and shun. */
    struct ptd_netgroup *netgroup;
    struct ptd_addrmgr *addrmgr;
    struct ptd_addrmgr_cache *addrcache;
    struct ptd_localaddr *localaddr;
    struct ptd_banlist *bans;
    struct ptd_discourage *discouraged;
    struct ptd_inlimit *inlimit;
    struct ptd_connmgr *connmgr;
    struct ptd_portmap *portmap;
    char *peers_path, *anchors_path; /* NULL: none is kept */
    bool peers_loaded;               /* so they may be saved */
    uint16_t listen_port;            /* of addresses without one */

    struct ptd_chan *gossip_wake; /* a bare signal, room for one */
    struct ptd_thread gossip_thread;

    struct node_listener bound[PTD_ACCEPTOR_MAX];
    size_t n_bound;
    struct ptd_acceptor acceptor; /* the accept thread's */
    bool has_acceptor;
    struct ptd_thread accept_thread;
    struct ptd_thread server_thread;

    struct ptd_mutex mu;                      /* PTD_RANK_NODE */
    struct ptd_link peers PTD_GUARDED_BY(mu); /* node_peer.link */
    size_t n_in PTD_GUARDED_BY(mu);
    size_t n_out PTD_GUARDED_BY(mu);
    size_t n_out_ready PTD_GUARDED_BY(mu);
    /* A heap by due_us, the next one first. Room for all peers, so that
     * nothing fails later. */
    struct node_peer **due PTD_GUARDED_BY(mu);
    size_t n_due PTD_GUARDED_BY(mu);
    size_t due_cap PTD_GUARDED_BY(mu);
    uint64_t gone_recv PTD_GUARDED_BY(mu); /* bytes of peers that are gone */
    uint64_t gone_sent PTD_GUARDED_BY(mu);
    int64_t time_sample[NODE_TIME_SAMPLES] PTD_GUARDED_BY(mu);
    uint32_t new_rules PTD_GUARDED_BY(mu);    /* bits: they hold, unknown */
    bool heavier_invalid PTD_GUARDED_BY(mu);  /* an invalid branch has more
                                                 work than ours */
    size_t n_time_samples PTD_GUARDED_BY(mu); /* that came, in all */
    bool clock_is_off PTD_GUARDED_BY(mu);     /* … the others say */
    bool is_current PTD_GUARDED_BY(mu);       /* the chain is followed to its
                                                 end, or once was */
};

/* Tell who listens; never waits. */
void node_tell(struct ptd_node *n, enum ptd_node_what what, int64_t peer,
               int32_t height);

/* " peeraddr=1.2.3.4:8333" under -logips, else "". Gives out. */
const char *node_peer_addr_text(const struct node_peer *np, char *out,
                                size_t cap);

/* ---- chain.c --------------------------------------------------------- */

enum ptd_err node_chain_open(struct ptd_node *n, struct ptd_complaint *why);
/* Start to read blocks from files, if any were given; end that, join. */
enum ptd_err node_chain_start(struct ptd_node *n);
void node_chain_stop(struct ptd_node *n);

/* ---- alerts.c: what a human should look at --------------------------- */

/* The chain has another tip. One at a time, no lock. */
void node_alerts_tip(struct ptd_node *n, const struct ptd_tip_change *t);

/* ---- sync.c: who follows it ------------------------------------------ */

enum ptd_err node_sync_start(struct ptd_node *n);
void node_sync_stop(struct ptd_node *n);
/* The chain has another tip. Any thread, no lock. */
void node_sync_tip(struct ptd_node *n, const struct ptd_tip_change *t);
/* NULL for lack of memory. */
struct ptd_sync_peer *node_sync_peer_new(struct node_peer *np);

/* ---- relay.c: transactions --------------------------------------------- */

/* Make it; start its thread, once the user's transactions are read; end and
 * join it. */
enum ptd_err node_relay_make(struct ptd_node *n);
enum ptd_err node_relay_start(struct ptd_node *n);
void node_relay_stop(struct ptd_node *n);
/* na: where it is. NULL for lack of memory. */
struct ptd_relay_peer *node_relay_peer_new(struct node_peer *np,
                                           const struct ptd_netaddr *na);
/* What is offered to this peer: to some more than to others. */
uint64_t node_services_for(const struct node_peer *np);
/* ---- publish.c: who is told of it over ZeroMQ ------------------------ */

/* An address that cannot be had leaves the node without publishers, and is
 * logged. PTD_OK; PTD_ENOMEM; PTD_EAGAIN. */
enum ptd_err node_publish_start(struct ptd_node *n);
void node_publish_stop(struct ptd_node *n);
/* Neither this waits, nor what follows. Any thread, no lock. */
void node_publish_tip(struct ptd_node *n, const struct ptd_tip_change *t);
/* The pool took a transaction (type PTD_MSG_TX, not changed any more;
 * borrowed), or lost one otherwise than to a block; the number of its change.
 * In the order of these numbers: the pool's own lock may be held, if its rank
 * is below PTD_RANK_PUBLISHER. What a block makes fall out comes before that
 * block: let the pool hear of a new tip before node_publish_tip(). */
void node_publish_tx_added(struct ptd_node *n, const struct ptd_hash *txid,
                           struct ptd_msg *tx, uint64_t sequence);
void node_publish_tx_removed(struct ptd_node *n, const struct ptd_hash *txid,
                             uint64_t sequence);

/* ---- accept.c -------------------------------------------------------- */

/* Open the listening sockets; then start the thread that accepts. */
enum ptd_err node_listen(struct ptd_node *n, struct ptd_complaint *why);
enum ptd_err node_accept_start(struct ptd_node *n);
void node_accept_fini(struct ptd_node *n);

/* ---- server.c -------------------------------------------------------- */

void node_server_main(void *node);

/* Remove a peer that did not start, or is joined. Thread: server. */
void node_peer_free(struct node_peer *np);

/* Room for one inbound peer more, if need be by sending another one away.
 * Thread: server. */
bool node_make_room(struct ptd_node *n);

/* ---- admit.c: who may call us ---------------------------------------- */

/* What the lists of the user grant to an inbound connection, or to one that
 * the user asked for. na NULL: its address says nothing. */
unsigned node_permissions_in(const struct ptd_node *n,
                             const struct node_listener *l,
                             const struct ptd_netaddr *na);
unsigned node_permissions_out(const struct ptd_node *n,
                              const struct ptd_netaddr *na);

/* Look at an inbound connection before a peer is made of it. Thread: server.
 * False: it is to be closed; the log says why. */
bool admit_inbound(struct ptd_node *n, const struct server_event *ev,
                   unsigned permissions, bool *discouraged,
                   struct ptd_inlimit_pass *pass);

/* The group of an address, as a number that nobody outside can foresee. */
uint64_t node_group_of(const struct ptd_node *n, const struct ptd_netaddr *na);

/* How many inbound peers there may be. */
size_t node_max_in(const struct ptd_node *n);

/* ---- listeners.c ----------------------------------------------------- */

/* It broke the rules: end it, and remember its address; unless the user vouches
 * for it. Gives what a message listener returns then. Any thread. */
enum ptd_err node_misbehaved(struct node_peer *np, enum ptd_err e,
                             const char *why, ...) PTD_PRINTF(3, 4);

/* Services that a peer which we choose must offer, given those it claims. */
uint64_t node_services_wanted(struct ptd_node *n, uint64_t claimed);

/* What a peer of ours is made with; np is what its callbacks get. */
void node_peer_config(struct ptd_node *n, struct ptd_peer_config *cfg,
                      struct node_peer *np);

/* ---- outbound.c: what the connection manager is given ---------------- */

enum ptd_err node_connmgr_make(struct ptd_node *n);
/* The server's peers are about to end: keep those that the next run is to
 * begin with. */
void node_anchors_save(struct ptd_node *n);

/* ---- book.c: addresses known, and our own ---------------------------- */

enum ptd_err book_open(struct ptd_node *n, struct ptd_complaint *why);
/* Our own addresses: those of the user, of interfaces, of what we listen at. */
enum ptd_err book_own_addresses(struct ptd_node *n);
void book_save(struct ptd_node *n);
/* Log how well the map of autonomous systems fits what is known. */
void book_check_map(struct ptd_node *n);
void book_close(struct ptd_node *n);
bool book_is_reachable(const struct ptd_node *n, const struct ptd_netaddr *na);
/* Banned or discouraged. */
bool book_is_unwanted(struct ptd_node *n, const struct ptd_netaddr *na);

/* ---- gossip.c: telling addresses on ---------------------------------- */

/* Send what is due; gives when the next is. Any thread that no peer waits
 * for. */
int64_t gossip_run(struct ptd_node *n);
/* The thread "addrmgr": gossip_run() in time, and the file every ten minutes.
 */
enum ptd_err gossip_start(struct ptd_node *n);
/* The peer takes part from now on, if its kind may. Gives whether it does.
 * Thread: in. */
bool gossip_join(struct node_peer *np);
/* Who asks is answered at once; whoever does not waits for the first batch as
 * for any other. */
void gossip_batch_later(struct node_peer *np);
/* Its handshake is done. Thread: in. */
void gossip_ready(struct node_peer *np);
/* It is leaving. Thread: server. */
void gossip_gone(struct node_peer *np);
/* The node is at the end of the chain: peers may hear where it is. */
void gossip_current(struct ptd_node *n);
/* Keep room for one peer more. Thread: server. */
enum ptd_err gossip_reserve(struct ptd_node *n);
enum ptd_err gossip_getaddr(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err gossip_addr(struct ptd_peer *p, struct ptd_msg *m, void *np);

/* ---- refuse.c -------------------------------------------------------- */

enum ptd_err refuse_cfilter(struct ptd_peer *p, struct ptd_msg *m, void *np);

/* ---- table.c --------------------------------------------------------- */

enum ptd_err node_table_start(struct ptd_node *n);
void node_table_join(struct ptd_node *n);

#endif /* PTD_NODE_NODE_INT_H */
