/* connmgr_int.h - the connection manager from inside; for this room alone.
 *
 * Whatever other threads touch is guarded by cm->mu; the rest belongs to the
 * thread `connmgr`. What another thread changes it announces with
 * connmgr_wake(), and the thread looks at everything again: there is no queue
 * that could be full.
 */
#ifndef PTD_CONNMGR_CONNMGR_INT_H
#define PTD_CONNMGR_CONNMGR_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "connmgr/connmgr.h"
#include "net/latch.h"
#include "pentad/chan.h"
#include "sync/mutex.h"
#include "sync/thread.h"

#define SECOND_US INT64_C(1000000)
#define PACE_US   (SECOND_US / 2) /* between dials that nobody asked for */

enum {
    NODE_TEXT_MAX = 300,  /* longest name with port, without NUL */
    MAX_MANUAL_DIALS = 8, /* of named nodes, under way at a time */
    MAX_RESOLVED = 16,    /* addresses of a name that are tried */
    MAX_SEED_ADDRS = 32,  /* taken from one DNS seed */
    ENOUGH_PEERS = 2      /* full-relay: no more seeds are asked */
};

/* ---- a slot: one connection, from the decision to its end ---------------- */

enum slot_state {
    SLOT_WAITS,   /* a feeler, until due_us */
    SLOT_DIALS,   /* its thread runs */
    SLOT_DIALLED, /* … and has left its result */
    SLOT_HANDED   /* the server has it */
};

enum slot_use {
    USE_AUTOMATIC, /* picked; all types but manual */
    USE_ADDED,     /* of the list of -addnode */
    USE_CONNECT,   /* of -connect */
    USE_ONCE       /* asked for once */
};

struct slot {
    /* Set once, before its thread runs. */
    struct ptd_connmgr *cm;
    uint64_t token;
    enum ptd_link_type type;
    enum slot_use use;
    char name[NODE_TEXT_MAX + 1]; /* "": picked */
    uint64_t services;
    int64_t seen_s;
    bool wants_v2;
    bool anchor;
    bool count_failure;
    int64_t due_us; /* WAITS */

    /* Of the thread `connmgr`. */
    struct ptd_thread thread;
    struct ptd_chan *done; /* NULL, or a reference: gets an enum ptd_err */

    /* Guarded by cm->mu. */
    struct ptd_link link; /* in cm->slots, by rising token */
    enum slot_state state;
    struct ptd_netaddr na; /* whom it dials or has; net 0: by name */
    bool ready;
    bool gone; /* given back */

    /* Written by its thread before DIALLED. */
    int fd;
    enum ptd_err err;
    bool via_proxy;
    struct ptd_dial_why why;
};

/* A node that the user named, to which there is to be a connection for ever.
 * Guarded by cm->mu. */
struct added {
    struct ptd_link link; /* in cm->added, in order of coming */
    char name[NODE_TEXT_MAX + 1];
    struct ptd_netaddr na; /* net 0: it is a name */
    bool wants_v2;
    bool connect;     /* of -connect: not in the user's list, no limit */
    unsigned n_fails; /* in a row */
    bool told;        /* the log says that it cannot be reached */
    int64_t due_us;
    uint64_t token; /* of its slot; 0: it rests until due_us */
};

/* A dial that somebody waits for. On the waiter's stack until it is taken off
 * the list. */
struct request {
    struct ptd_link link; /* in cm->requests; guarded by cm->mu */
    const char *node;
    enum ptd_link_type type;
    bool wants_v2;
    struct ptd_chan *done; /* enum ptd_err, room for one */
};

/* How many slots there are of which kind, dials under way included unless it
 * says otherwise. */
struct census {
    unsigned n_full_relay, n_block_relay;
    unsigned n_automatic; /* all that is not manual */
    unsigned n_added;     /* of the list of -addnode */
    unsigned n_manual_dials;
    unsigned n_full_handed;            /* connected */
    unsigned n_full_ready;             /* handshake done */
    unsigned n_by_net[PTD_REACH_NETS]; /* manual or full-relay */
};

/* ---- seeds --------------------------------------------------------------- */

enum seeds_state {
    SEEDS_START,
    SEEDS_NODES,    /* the -seednodes have their time */
    SEEDS_NEXT,     /* take the next one */
    SEEDS_WAIT,     /* addresses known are tried first, until due_us */
    SEEDS_ASK,      /* its turn has come */
    SEEDS_INACTIVE, /* … but the network is switched off */
    SEEDS_LOOK_UP,  /* the thread `dnsseed` runs */
    SEEDS_DONE
};

/* DNS seeds. Of the thread `connmgr`, but for what the look-up writes. */
struct seeds {
    enum seeds_state state;
    const char **order; /* the seeds, shuffled */
    size_t n, at;
    size_t n_now;   /* to be asked without a further wait */
    int64_t due_us; /* NODES, WAIT: the end */
    size_t n_found;

    struct ptd_thread thread;
    char host[280]; /* what is looked up */
    bool looked_up; /* guarded by cm->mu; what follows was written before */
    enum ptd_err err;
    struct ptd_netaddr found[MAX_SEED_ADDRS];
    size_t n_result;
};

/* What is to be asked for addresses, first in, first out. There is room for the
 * name of each seed and seed node, and none enters again before all that wait
 * have been asked: it never grows. */
struct fetches {
    const char **name;
    size_t at, n;
    int64_t due_us;
};

/* Times and plans of automatic connections; of the thread `connmgr`. */
struct plan {
    int64_t start_us;
    int64_t due_us;  /* no automatic dial before */
    int64_t pick_us; /* the last look for an address */
    bool found_none; /* it found none */
    int64_t feeler_us;
    int64_t block_relay_us;  /* an extra one */
    int64_t network_peer_us; /* one on a network where we have none */
    int64_t seed_node_us;    /* the next seed node */
    size_t n_anchors;        /* left of cm->anchors */
    bool add_fixed_seeds;
    size_t n_seed_nodes; /* left of cm->seed_node */
};

struct ptd_connmgr {
    /* Set once, before the threads start. */
    struct ptd_connmgr_config cfg;
    struct ptd_clock *clk;
    struct ptd_chan *wake; /* a bare signal, room for one */
    struct ptd_chan *quit; /* closed by stop */
    struct ptd_latch stop; /* … and set: for dials */
    char **seed_node;
    struct ptd_connmgr_addr *anchors;
    unsigned max_full_relay, max_block_relay, max_automatic;

    /* Of the thread `connmgr`. */
    struct ptd_thread thread;
    struct seeds seeds;
    struct fetches fetches;
    struct plan plan;

    struct ptd_mutex mu; /* PTD_RANK_CONNMGR */
    struct ptd_link slots PTD_GUARDED_BY(mu);
    struct ptd_link added PTD_GUARDED_BY(mu);
    struct ptd_link requests PTD_GUARDED_BY(mu);
    uint64_t last_token PTD_GUARDED_BY(mu);
    bool running PTD_GUARDED_BY(mu); /* its thread serves requests */
    bool stopping PTD_GUARDED_BY(mu);
    bool active PTD_GUARDED_BY(mu);
    bool wants_extra_peer PTD_GUARDED_BY(mu);
    bool extra_block_relay PTD_GUARDED_BY(mu);
    bool addrs_changed PTD_GUARDED_BY(mu);
};

int64_t connmgr_now_us(const struct ptd_connmgr *cm);

/* Let the thread look at everything once more. Never waits. */
void connmgr_wake(struct ptd_connmgr *cm);

/* Read one flag. */
bool connmgr_flag(struct ptd_connmgr *cm, const bool *flag);

void connmgr_census(struct ptd_connmgr *cm, struct census *c);

/* ---- slots.c ------------------------------------------------------------- */
/* Thread: connmgr. */

/* A slot that is not in the list yet; NULL for lack of memory. */
struct slot *slot_new(struct ptd_connmgr *cm, enum ptd_link_type type,
                      enum slot_use use);

/* Take its place in the list, with its token. */
void slot_enter(struct slot *s);
void slot_enter_locked(struct slot *s) PTD_REQUIRES(s->cm->mu);

/* Dial what it was named after, unless we are connected to it already. Once
 * entered, the slot sees to everything else. */
void slot_dial_named(struct slot *s, const struct ptd_netaddr *na);

/* Take it out and free it; nothing was dialled. */
void slot_drop(struct slot *s);

/* Start its thread; a failure becomes its result. */
void slot_dial(struct slot *s);

/* Whom it is about, for people. */
const char *slot_text(const struct slot *s, char *out, size_t cap);

/* Do what follows from dials that ended and from tokens given back; start
 * feelers that are due. Gives when to look again. */
int64_t slots_run(struct ptd_connmgr *cm);

/* Take back what is about to end: the threads of a peer need a moment to leave,
 * in which it holds neither its address nor its slot. */
void slots_take_back(struct ptd_connmgr *cm);

/* Wait for all dials; what they reached is closed, whoever waits is told. */
void slots_end(struct ptd_connmgr *cm);
void slots_free_all(struct ptd_connmgr *cm);

/* True if some slot has this host, whatever the port. */
bool slots_have_host(struct ptd_connmgr *cm, const struct ptd_netaddr *na);

/* Make an address the slot's own, unless it is another's or the server has a
 * connection to it: two slots never have the same address. Also dial-N. */
bool slot_claim(struct slot *s, const struct ptd_netaddr *na);

/* True if another slot dials or has what goes by the same name. */
bool slot_is_double(struct slot *s);

/* ---- dial.c -------------------------------------------------------------- */

/* One dial, from the name to its result in the slot. Thread: dial-N. */
void dial_main(void *slot);

/* ---- named.c ------------------------------------------------------------- */

/* Put a node into the list. PTD_OK, PTD_EEXIST, PTD_EINVAL, PTD_ENOMEM. */
enum ptd_err named_add(struct ptd_connmgr *cm, const char *name, bool wants_v2,
                       bool connect);
void named_free_all(struct ptd_connmgr *cm);

/* Dial whatever is due. Gives when the next one is. */
int64_t named_run(struct ptd_connmgr *cm);

/* The slot of a node ended. */
enum slot_end {
    END_FAILED, /* never connected, or lost before the handshake was done */
    END_READY,  /* a connection that had been of use */
    END_DOUBLE  /* there was a connection already */
};
/* For how many seconds a named node is to rest if the dial of this slot failed;
 * first: it is the first failure since it was reached. 0: nobody wants it. */
unsigned named_rest_s(struct ptd_connmgr *cm, uint64_t token, bool *first);
void named_ended(struct ptd_connmgr *cm, uint64_t token, enum slot_end how);

/* Is it one that the user named? Then it is not picked. */
bool named_has(struct ptd_connmgr *cm, const struct ptd_netaddr *na);
bool named_is_empty(struct ptd_connmgr *cm);

/* Is it something that could be dialled? Gives its address, net 0 for a name,
 * and what a dial needs of it. PTD_OK, PTD_EINVAL. */
enum ptd_err named_parse(const struct ptd_connmgr *cm, const char *node,
                         struct ptd_netaddr *na);

/* ---- once.c: dials that somebody waits for ------------------------------- */

void once_run(struct ptd_connmgr *cm);
/* Answer all that still wait. */
void once_end(struct ptd_connmgr *cm);

/* ---- auto.c -------------------------------------------------------------- */

void auto_start(struct ptd_connmgr *cm);
/* Make the next automatic connection, if it is time. Gives when to look
 * again. */
int64_t auto_run(struct ptd_connmgr *cm);

/* ---- pick.c -------------------------------------------------------------- */

/* What is wanted of an address. */
struct want {
    enum ptd_link_type type;
    bool anchor;
    enum ptd_net net; /* PTD_NET_NONE: any */
};

/* Find an address that may be dialled now. count_failure: whether to hold a
 * failure against it. False: there is none. */
bool pick_addr(struct ptd_connmgr *cm, const struct want *w,
               struct ptd_connmgr_addr *out, bool *count_failure);

/* A network that we can reach and know addresses of, but have no full-relay
 * or manual connection to; PTD_NET_NONE if there is none. */
enum ptd_net pick_net(struct ptd_connmgr *cm, const struct census *c);

/* ---- seeds.c ------------------------------------------------------------- */

void seeds_start(struct ptd_connmgr *cm);
/* All sources of addresses for a node that lacks them. Gives when to look
 * again. */
int64_t seeds_run(struct ptd_connmgr *cm);
void seeds_end(struct ptd_connmgr *cm);
/* Dial the next one that is to be asked for addresses. */
int64_t fetches_run(struct ptd_connmgr *cm);
void fetches_add(struct ptd_connmgr *cm, const char *name);

#endif /* PTD_CONNMGR_CONNMGR_INT_H */
