/* rig.h - a connection manager on a clock set by hand, between an address
 * manager, a server and a network that the test plays. */
#ifndef PTD_CHECK_CONNMGR_RIG_H
#define PTD_CHECK_CONNMGR_RIG_H

#include <check.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "connmgr/connmgr.h"
#include "pentad/chan.h"
#include "sync/mutex.h"

#define SECOND_US INT64_C(1000000)

enum { RIG_ADDRS = 128, RIG_TEXT = 320, RIG_QUEUE = 1024, RIG_PHRASES = 8 };

/* An address of the address manager. */
struct rig_addr {
    struct ptd_connmgr_addr a;
    bool is_new; /* in the new table only */
    unsigned n_attempts, n_counted, n_good;
};

/* A link that the server was told of, or a failure. */
struct rig_link {
    struct ptd_connmgr_link l;
    char name[RIG_TEXT];
    enum ptd_err err;
    int64_t at_us;
};

/* A dial or a look-up that was begun. */
struct rig_call {
    char text[RIG_TEXT]; /* address, name:port; look-up: the host */
    bool proxied;
    bool look_up;
    int64_t at_us;
};

enum rig_net {
    RIG_ANSWERS, /* dials end at once, with rig.answer */
    RIG_CHANCE,  /* … with PTD_OK four times of ten */
    RIG_HANGS,   /* … when they are cancelled */
    RIG_HELD     /* … when the test sends an answer to rig.answers */
};

struct rig {
    struct ptd_connmgr_config cfg; /* to be changed before rig_start() */
    struct ptd_params params;      /* regtest, with seeds of the test's own */
    struct ptd_clock *clk;
    struct ptd_connmgr *cm;
    struct ptd_chan *links;    /* struct rig_link: connected() */
    struct ptd_chan *failures; /* struct rig_link: failed() */
    struct ptd_chan *calls;    /* struct rig_call */
    struct ptd_chan *answers;  /* enum ptd_err */

    atomic_int net;        /* enum rig_net */
    atomic_int answer;     /* enum ptd_err */
    atomic_int resolves;   /* enum ptd_err of look-ups */
    atomic_int n_resolved; /* addresses that a look-up gives */
    atomic_int refuses;    /* what connected() returns */
    /* The token of a connection about to end; 0: none. */
    atomic_uint_fast64_t ending;

    struct ptd_mutex mu; /* of a rank below the manager's: a callback with its
                            lock held would abort */
    struct rig_addr addr[RIG_ADDRS];
    size_t n_addrs, next;
    struct ptd_netaddr collision; /* pick_collision() gives it; net 0: none */
    struct ptd_netaddr own, unwanted, inbound;
    uint64_t services; /* that has_services() asks for */

    const char *phrase[RIG_PHRASES]; /* of log lines that are counted */
    atomic_uint n_said[RIG_PHRASES];
    int sink;
};

/* An automatic manager on regtest without seeds, full nodes wanted. */
void rig_init(struct rig *r);
void rig_start(struct rig *r);
/* Stop, join, free; every socket must have been closed. */
void rig_fini(struct rig *r);

struct ptd_netaddr rig_parse(const char *text);

/* Addresses: one; n of as many net groups (16.0.0.1, 16.1.0.1 …). Gives its
 * number. */
size_t rig_add(struct rig *r, const char *text);
void rig_add_many(struct rig *r, size_t n);

/* Wait until all that is due at this moment was done. */
void rig_settle(struct rig *r);
/* … and until the manager sleeps to a deadline. Gives it. */
int64_t rig_sleeps(struct rig *r);
/* Move the clock and settle. */
void rig_advance(struct rig *r, int64_t us);

/* The next one; there must be one, or come one. */
struct rig_link rig_link(struct rig *r);
struct rig_link rig_failure(struct rig *r);
struct rig_call rig_call(struct rig *r);
/* None is there, nor under way. */
void rig_no_link(struct rig *r);
void rig_no_call(struct rig *r);
/* Let time go from deadline to deadline until there is a link: nothing is
 * dialled that fails. */
struct rig_link rig_next_link(struct rig *r);
void rig_forget_calls(struct rig *r);

/* Give a link back. */
void rig_gone(struct rig *r, const struct rig_link *l, bool was_ready);

/* Move the clock on until all full-relay and block-relay-only slots are
 * filled; their links, in order. Feelers are given back. */
enum { RIG_FULL = PTD_MAX_FULL_RELAY + PTD_MAX_BLOCK_RELAY };
void rig_fill(struct rig *r, struct rig_link links[RIG_FULL]);

/* The slot of a node by its name; the state RESTS if there is none. */
struct ptd_connmgr_slot rig_slot(struct rig *r, const char *name);
size_t rig_n_slots(struct rig *r);
size_t rig_n_type(struct rig *r, enum ptd_link_type type);

/* How often a phrase was in a line of the log. */
unsigned rig_said(struct rig *r, const char *phrase);

/* Descriptors of this process. */
size_t rig_n_fds(void);

TCase *auto_case(void);
TCase *day_case(void);
TCase *life_case(void);
TCase *named_case(void);
TCase *once_case(void);
TCase *reach_case(void);
TCase *seeds_case(void);

#endif /* PTD_CHECK_CONNMGR_RIG_H */
