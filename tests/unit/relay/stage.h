/* stage.h - a chain, the relay on a clock that stands, and actors: peers that a
 * test lets say what it wants. */
#ifndef PTD_CHECK_RELAY_STAGE_H
#define PTD_CHECK_RELAY_STAGE_H

#include "relay/relay.h"
#include "rig.h"

enum { STAGE_ACTORS = 6 };

#define SECOND_US INT64_C(1000000)

struct stage;

struct actor {
    struct stage *s;
    struct ptd_relay_peer *rp; /* NULL: it left, or never came */
    struct ptd_peer *ours;     /* its near end */
    struct ptd_peer *theirs;
    struct ptd_env *env; /* of its far end */
    struct ptd_chan *msgs;
    struct ptd_chan *ready, *gone; /* of the near end; closed then */
    char fault[200];               /* that was reported; "": none */
};

struct stage {
    struct rig r;
    struct ptd_relay_config cfg;
    struct ptd_relay *relay;
    struct ptd_env *env;
    struct actor actor[STAGE_ACTORS];
    size_t n_actors;
};

/* Of the near end's configuration, what actors differ in. */
struct part {
    bool outbound, no_txs, offers_bloom, noban, relay, force_relay, mempool;
    bool no_relay_flag; /* its version wants no transactions */
    bool by_txid;       /* it does not know BIP 339 */
    uint32_t pver;      /* 0: the newest */
};

/* grown: the chain has one block, of now: else it is being downloaded. */
void stage_open(struct stage *s, bool grown);
void stage_close(struct stage *s);

void stage_later(struct stage *s, int64_t seconds);

struct actor *actor_enter(struct stage *s, const struct part *part);
void actor_leave(struct actor *a);
void actor_send(struct actor *a, struct ptd_msg *m);

/* The next message of a type; those before it are thrown away. */
struct ptd_msg *actor_wait(struct actor *a, enum ptd_msg_type type);
/* Until all that was sent is handled: the last message of a type that came, or
 * NULL. */
struct ptd_msg *actor_poll(struct actor *a, enum ptd_msg_type type);
/* … how many entries the inv, getdata or notfound that came have together, none
 * more than a thousand. */
size_t actor_sum(struct actor *a, enum ptd_msg_type type);
/* … is there none, whatever the time? */
void actor_hears_nothing(struct actor *a, enum ptd_msg_type type);
/* … one comes, if the clock only goes on, 10 s at a time. */
struct ptd_msg *actor_hears(struct actor *a, enum ptd_msg_type type);
void actor_wait_gone(struct actor *a);

struct ptd_msg *list_of(enum ptd_msg_type type, uint32_t inv_type,
                        struct ptd_hash hash);

#endif /* PTD_CHECK_RELAY_STAGE_H */
