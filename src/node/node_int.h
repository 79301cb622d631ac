/* node_int.h - the node from inside; for this room alone. */
#ifndef PTD_NODE_NODE_INT_H
#define PTD_NODE_NODE_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "net/latch.h"
#include "net/listen.h"
#include "node/node.h"
#include "pentad/chan.h"
#include "sync/mutex.h"
#include "sync/thread.h"

enum {
    NODE_SERVER_QUEUE = 256,
    NODE_IN_FLIGHT_PEER = 16, /* blocks asked of one peer and not yet here */
    NODE_IN_FLIGHT = 256,     /* … of all together */
    NODE_FETCH_WINDOW = 1024  /* blocks behind the first missing one */
};

/* One peer, as the node sees it. The server makes it before the peer starts
 * and frees it after the peer was joined: whoever is neither a callback of the
 * peer nor the server looks at it under node->mu. */
struct node_peer {
    /* Set once. */
    struct ptd_node *node;
    struct ptd_peer *peer; /* the server's reference */
    int slot;              /* of the connection manager; -1: inbound */
    bool manual;           /* asked for by -connect or -addnode */

    /* Guarded by node->mu. */
    struct ptd_link link; /* in node->peers, by rising id */
    bool ready;           /* both veracks are in */
    bool waits;           /* is to be asked for headers, in its turn */
    int32_t best_height;  /* highest block of our best branch that it has */
    int32_t lacks_from;   /* it had not the block of this height: not asked
                               for it or higher ones until it announces more */
    uint32_t n_in_flight; /* entries of node->in_flight */

    /* Written once by its in thread, before `ready`. */
    uint64_t services; /* as its version message says */
    int32_t start_height;

    /* Used by its in thread alone. */
    bool answered_getaddr;
    bool told_sendheaders;
    int64_t asked_us;            /* a getheaders is unanswered since; 0: none */
    size_t serve_at;             /* entry of a getdata that is next */
    struct ptd_hash continue_at; /* served: announce the tip. Zero: none */
};

/* A block that a peer was asked for. */
struct in_flight {
    struct ptd_hash hash;
    uint32_t height;
    int64_t peer; /* its id */
};

enum server_what { SERVER_ACCEPTED, SERVER_DIALLED, SERVER_GONE, SERVER_STOP };

struct server_event {
    enum server_what what;
    int fd;                  /* ACCEPTED, DIALLED: the server's from now on */
    int slot;                /* DIALLED */
    bool manual;             /* DIALLED */
    struct ptd_netaddr addr; /* ACCEPTED, DIALLED; net 0: not known */
    struct node_peer *np;    /* GONE */
};

struct conns; /* conns.c */
struct table; /* table.c */

struct ptd_node {
    /* Set once, before the threads start. */
    const struct ptd_node_config *cfg;
    struct ptd_clock *clk;
    bool owns_clock;
    struct ptd_env *env;
    struct ptd_headers *headers;
    struct ptd_store *blocks;
    struct ptd_store *txs;
    struct ptd_addrs *addrs;
    struct ptd_chan *server_q; /* struct server_event, to the server */
    struct ptd_chan *quit;     /* closed when the node stops */
    struct ptd_latch stop;     /* … and set: for who sleeps in poll(2) */
    bool has_stop;
    struct conns *conns;
    struct table *table;

    struct ptd_netaddr bound[PTD_ACCEPTOR_MAX];
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
    int64_t sync_peer PTD_GUARDED_BY(mu);   /* id of the one that is sending us
                                             headers; -1: none */
    uint32_t fetch_from PTD_GUARDED_BY(mu); /* height: all below were asked
                                               for and came */
    struct ptd_hash done[NODE_FETCH_WINDOW] PTD_GUARDED_BY(mu); /* by height: a
                                               block of the window that came,
                                               whether or not it is held still */
    uint32_t n_in_flight PTD_GUARDED_BY(mu);
    struct in_flight in_flight[NODE_IN_FLIGHT] PTD_GUARDED_BY(mu);
};

/* Tell who listens; never waits. */
void node_tell(struct ptd_node *n, enum ptd_node_what what, int64_t peer,
               int32_t height);

/* ", peeraddr=1.2.3.4:8333" under -logips, else "". Gives out. */
const char *node_peer_addr_text(const struct node_peer *np, char *out,
                                size_t cap);

/* ---- accept.c ------------------------------------------------------------ */

/* Open the listening sockets; then start the thread that accepts. */
enum ptd_err node_listen(struct ptd_node *n, struct ptd_complaint *why);
enum ptd_err node_accept_start(struct ptd_node *n);
void node_accept_fini(struct ptd_node *n);

/* ---- server.c ------------------------------------------------------------ */

void node_server_main(void *node);

/* ---- conns.c: the connection manager ------------------------------------- */

enum ptd_err node_conns_start(struct ptd_node *n);
/* Join its threads; the node's quit is closed, its latch set. */
void node_conns_join(struct ptd_node *n);
void node_conns_free(struct ptd_node *n); /* after the server was joined */
/* The connection of a slot is over. Thread: server. */
void node_conns_gone(struct ptd_node *n, int slot, bool was_ready);

/* ---- listeners.c --------------------------------------------------------- */

/* What a peer of ours is made with; np is what its callbacks get. */
void node_peer_config(struct ptd_node *n, struct ptd_peer_config *cfg,
                      struct node_peer *np);

/* ---- follow.c: headers --------------------------------------------------- */

/* All on the peer's in thread, but for gone: the server's. */
void follow_ready(struct node_peer *np);
enum ptd_err follow_headers(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err follow_inv(struct ptd_peer *p, struct ptd_msg *m, void *np);
void follow_gone(struct node_peer *np);

/* Add one header; known and new ones are PTD_HEADER_OK. */
enum ptd_header_err follow_header(struct node_peer *np,
                                  const struct ptd_block_header *h);
/* Disconnect for what a header's error says of the peer. */
enum ptd_err follow_punish(struct node_peer *np, enum ptd_header_err e);

/* ---- fetch.c: blocks ----------------------------------------------------- */

/* Ask whoever has room for blocks that are missing. Any thread. */
void fetch_more(struct ptd_node *n);
/* The best branch changed above a height. */
void fetch_reorganised(struct ptd_node *n, uint32_t fork_height);
void fetch_gone(struct node_peer *np);
enum ptd_err fetch_block(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err fetch_notfound(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err fetch_tx(struct ptd_peer *p, struct ptd_msg *m, void *np);

/* ---- serve.c ------------------------------------------------------------- */

enum ptd_err serve_getheaders(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err serve_getblocks(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err serve_getdata(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err serve_getaddr(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err serve_addr(struct ptd_peer *p, struct ptd_msg *m, void *np);

/* ---- refuse.c ------------------------------------------------------------ */

enum ptd_err refuse_mempool(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err refuse_filter(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err refuse_cfilter(struct ptd_peer *p, struct ptd_msg *m, void *np);
enum ptd_err refuse_blocktxn(struct ptd_peer *p, struct ptd_msg *m, void *np);

/* ---- table.c ------------------------------------------------------------- */

enum ptd_err node_table_start(struct ptd_node *n);
void node_table_join(struct ptd_node *n);

#endif /* PTD_NODE_NODE_INT_H */
