/* scene.h - a chain, netsync on a clock that stands, and actors: peers that a
 * test lets say what it wants. */
#ifndef PTD_CHECK_NETSYNC_SCENE_H
#define PTD_CHECK_NETSYNC_SCENE_H

#include "netsync/netsync.h"
#include "rig.h"

enum { SCENE_ACTORS = 8, SCENE_MAX_BLOCKS = 1200 };

#define SECOND_US INT64_C(1000000)

struct scene;

struct actor {
    struct scene *s;
    struct ptd_sync_peer *sp; /* NULL: it left, or never came */
    struct ptd_peer *ours;    /* its near end */
    struct ptd_peer *theirs;
    struct ptd_env *env; /* of its far end */
    struct ptd_chan *msgs;
    struct ptd_chan *ready, *gone; /* of the near end; closed then */
    struct ptd_chan *deaf; /* it reads nothing until this is closed; NULL */
    char fault[200];       /* that was reported; "": none */
};

struct scene {
    struct rig r; /* the chain in it is open from scene_open() on */
    struct ptd_netsync_config cfg;
    struct ptd_netsync *ns;
    struct ptd_env *env;
    uint64_t services;
    struct ptd_chan *wants; /* bools: what want_peer was called with */
    struct actor actor[SCENE_ACTORS];
    size_t n_actors;
    void *user; /* of the test */
    struct ptd_hash genesis;
};

void scene_init(struct scene *s);
void scene_open(struct scene *s);
void scene_close(struct scene *s);

/* Move the clock on; what is due is done soon after. */
void scene_later(struct scene *s, int64_t seconds);

/* n blocks in a row on a parent, each a second younger than the one before, no
 * younger than a minute: not given to the node. */
void scene_mine(struct scene *s, struct ptd_msg **list, size_t n,
                const struct ptd_hash *on, uint32_t height, uint32_t salt);
/* … and given to it. */
struct ptd_hash scene_grow(struct scene *s, size_t n, uint32_t salt);
void scene_free(struct ptd_msg **list, size_t n);
struct ptd_msg *scene_headers(struct ptd_msg *const *list, size_t n);

/* Wait until the tip is at a height. */
void scene_wait_height(struct scene *s, uint32_t height);

/* Another actor; its handshake is done. version NULL: NETWORK and WITNESS. */
enum actor_kind {
    ACTOR_IN,
    ACTOR_OUT,
    ACTOR_MANUAL,
    ACTOR_BLOCKS,
    ACTOR_NOBAN
};
struct actor *actor_enter(struct scene *s, enum actor_kind kind);
struct actor *actor_enter_as(struct scene *s, enum actor_kind kind,
                             uint64_t services);
void actor_leave(struct actor *a);

void actor_send(struct actor *a, struct ptd_msg *m);

/* The next message of a type; those before it are thrown away. */
struct ptd_msg *actor_wait(struct actor *a, enum ptd_msg_type type);
/* It comes, and is thrown away too. */
void actor_hears(struct actor *a, enum ptd_msg_type type);
/* Until all that was sent is handled: how many messages of a type came. */
size_t actor_sync(struct actor *a, enum ptd_msg_type type);
/* It is sent away. */
void actor_wait_gone(struct actor *a);
bool actor_is_here(struct actor *a);
/* It stops reading, and its queue is filled; it reads all of it. */
void actor_goes_deaf(struct actor *a);
void actor_listens(struct actor *a);
struct ptd_sync_peer_info actor_info(struct actor *a);

/* Wait until it is asked for so many blocks, in whatever messages; gives their
 * hashes. */
void actor_is_asked(struct actor *a, struct ptd_hash *out, size_t n);
/* Give those blocks of a list that it is asked for. */
void actor_gives(struct actor *a, struct ptd_msg *const *list, size_t n,
                 const struct ptd_hash *asked, size_t n_asked);

struct ptd_msg *inv_of(uint32_t type, struct ptd_hash hash);
struct ptd_msg *getdata_of(uint32_t type, struct ptd_hash hash);
struct ptd_msg *sendcmpct_of(bool high);

#endif /* PTD_CHECK_NETSYNC_SCENE_H */
