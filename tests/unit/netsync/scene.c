#include <config.h>

#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "pentad/log.h"

#define WAIT_US (30 * SECOND_US)

/* ---- the chain ------------------------------------------------------- */

static void on_tip(void *arg, const struct ptd_tip_change *t)
{
    struct scene *s = arg;

    if (s->ns != NULL)
        ptd_netsync_tip(s->ns, t);
}

static uint64_t services(void *arg)
{
    struct scene *s = arg;

    return s->services;
}

static enum ptd_err misbehaved(void *arg, void *user, enum ptd_err e,
                               const char *why)
{
    struct actor *a = user;

    (void)arg;
    snprintf(a->fault, sizeof a->fault, "%s", why);
    ptd_peer_disconnect(a->ours, e, "%s", why);
    return e;
}

static void want_peer(void *arg, bool wanted)
{
    struct scene *s = arg;

    (void)!ptd_chan_try_send(s->wants, &wanted);
}

void scene_init(struct scene *s)
{
    memset(s, 0, sizeof *s);
    rig_init(&s->r, "regtest");
    s->r.cfg.on_tip = on_tip;
    s->r.cfg.arg = s;
    s->r.cfg.mask_blocks = true; /* as in a node */
    s->genesis = s->r.params.genesis.hash;
    s->services =
        PTD_NODE_NETWORK | PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS;
    s->wants = ptd_chan_new(sizeof(bool), 16);
    s->cfg = (struct ptd_netsync_config){
        .clock = s->r.clock,
        .max_full_relay = SCENE_ACTORS,
        .max_block_relay = SCENE_ACTORS,
        .arg = s,
        .services = services,
        .misbehaved = misbehaved,
        .want_peer = want_peer,
    };
}

void scene_open(struct scene *s)
{
    struct ptd_env_config env;

    rig_open(&s->r);
    ptd_env_config_init(&env);
    env.clock = s->r.clock;
    env.allow_self = true;
    s->env = ptd_env_new(&env);
    s->cfg.chain = s->r.c;
    s->ns = ptd_netsync_new(&s->cfg);
    ck_assert(s->env != NULL && s->ns != NULL && s->wants != NULL);
    ck_assert_int_eq(ptd_netsync_start(s->ns), PTD_OK);
}

void scene_close(struct scene *s)
{
    for (size_t i = 0; i < s->n_actors; i++)
        actor_leave(&s->actor[i]);
    ptd_netsync_stop(s->ns);
    ptd_netsync_free(s->ns);
    s->ns = NULL;
    ptd_env_free(s->env);
    ptd_chan_free(s->wants);
    rig_fini(&s->r);
}

void scene_later(struct scene *s, int64_t seconds)
{
    ptd_clock_advance_us(s->r.clock, seconds * SECOND_US);
}

void scene_mine(struct scene *s, struct ptd_msg **list, size_t n,
                const struct ptd_hash *on, uint32_t height, uint32_t salt)
{
    struct ptd_hash at = *on;

    for (size_t i = 0; i < n; i++) {
        uint32_t h = height + 1 + (uint32_t)i;

        list[i] =
            rig_block(&s->r, &at, h,
                      (uint32_t)rig_now_s - SCENE_MAX_BLOCKS - 60 + h, salt);
        at = rig_hash(list[i]);
    }
}

struct ptd_hash scene_grow(struct scene *s, size_t n, uint32_t salt)
{
    struct ptd_msg *list[SCENE_MAX_BLOCKS];
    struct ptd_hash tip = rig_tip(&s->r);

    ck_assert_uint_le(n, SCENE_MAX_BLOCKS);
    scene_mine(s, list, n, &tip, ptd_blockchain_height(s->r.c), salt);
    for (size_t i = 0; i < n; i++) {
        struct ptd_block_result res =
            rig_accept(&s->r, list[i], PTD_ACCEPT_REQUESTED);

        ck_assert_msg(res.is_new, "%s", res.verdict.reason);
    }
    return rig_tip(&s->r);
}

void scene_free(struct ptd_msg **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ptd_msg_free(list[i]);
}

struct ptd_msg *scene_headers(struct ptd_msg *const *list, size_t n)
{
    struct ptd_block_header *h = calloc(n + 1, sizeof *h);
    struct ptd_msg *m;

    for (size_t i = 0; i < n; i++)
        h[i] = PTD_MSG_CONST(block, list[i])->header;
    m = ptd_msg_new_headers(h, n);
    free(h);
    return m;
}

void scene_wait_height(struct scene *s, uint32_t height)
{
    int64_t until = ptd_clock_now_us(NULL) + WAIT_US;

    for (;;) {
        struct ptd_chan *event = ptd_blockchain_tip_event(s->r.c);

        ck_assert_ptr_nonnull(event);
        if (ptd_blockchain_height(s->r.c) >= height) {
            ptd_chan_free(event);
            return;
        }
        ck_assert_msg(ptd_chan_recv_until(event, NULL, NULL, until) ==
                          PTD_ECLOSED,
                      "the tip is at %u, not at %u",
                      ptd_blockchain_height(s->r.c), height);
        ptd_chan_free(event);
    }
}

/* ---- actors ---------------------------------------------------------- */

static enum ptd_err on_msg(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    struct actor *a = arg;

    (void)p;
    if (m->type == PTD_MSG_MEMPOOL) {
        (void)!ptd_chan_recv(a->deaf, NULL);
        return PTD_OK;
    }
    m = ptd_msg_ref(m);
    if (ptd_chan_try_send(a->msgs, &m) != PTD_OK)
        ptd_msg_free(m);
    return PTD_OK;
}

static struct ptd_msg *on_version(struct ptd_peer *p,
                                  const struct ptd_msg_version *v, void *arg)
{
    struct actor *a = arg;

    (void)p;
    ptd_sync_peer_version(a->sp, v);
    return NULL;
}

static void on_ready(struct ptd_peer *p, void *arg)
{
    struct actor *a = arg;

    (void)p;
    ptd_sync_peer_ready(a->sp);
    ptd_chan_close(a->ready);
}

static void on_room(struct ptd_peer *p, void *arg)
{
    struct actor *a = arg;

    (void)p;
    ptd_sync_peer_has_room(a->sp);
}

static void on_gone(struct ptd_peer *p, void *arg)
{
    struct actor *a = arg;

    (void)p;
    ptd_chan_close(a->gone);
}

static void quiet(struct ptd_peer_config *cfg)
{
    cfg->conduct = PTD_CONDUCT_TOLERANT;
    cfg->handshake_us = cfg->idle_us = cfg->ping_us = cfg->pong_us = 0;
    cfg->write_us = cfg->reply_us = cfg->headers_us = 0;
    cfg->first_ping_us = -1;
    cfg->min_rate = 0;
    cfg->send_wtxidrelay = true;
}

static void make_near(struct actor *a, enum actor_kind kind)
{
    struct ptd_sync_peer_config cfg = {
        .user = a,
        .outbound = kind != ACTOR_IN && kind != ACTOR_NOBAN,
        .manual = kind == ACTOR_MANUAL,
        .block_relay_only = kind == ACTOR_BLOCKS,
        .noban = kind == ACTOR_NOBAN,
        .download = kind == ACTOR_NOBAN,
    };
    struct ptd_peer_config pc;

    a->sp = ptd_sync_peer_new(a->s->ns, &cfg);
    ck_assert_ptr_nonnull(a->sp);
    ptd_peer_config_init(&pc, &a->s->r.params);
    pc.services = a->s->services;
    quiet(&pc);
    ptd_sync_peer_listen(a->sp, &pc);
    pc.hooks = (struct ptd_peer_hooks){ .arg = a,
                                        .on_version = on_version,
                                        .on_ready = on_ready,
                                        .on_gone = on_gone,
                                        .on_room = on_room };
    ck_assert_int_eq(ptd_peer_new(&a->ours, a->s->env, &pc,
                                  cfg.outbound ? PTD_OUTBOUND : PTD_INBOUND,
                                  NULL),
                     PTD_OK);
    ptd_sync_peer_attach(a->sp, a->ours);
}

static void make_far(struct actor *a, bool inbound, uint64_t actor_services)
{
    struct ptd_env_config env;
    struct ptd_peer_config pc;

    ptd_env_config_init(&env);
    env.allow_self = true;
    a->env = ptd_env_new(&env);
    a->msgs = ptd_chan_new(sizeof(struct ptd_msg *), 8192);
    a->ready = ptd_chan_new(0, 0);
    a->gone = ptd_chan_new(0, 0);
    ck_assert(a->env && a->msgs && a->ready && a->gone);
    ptd_peer_config_init(&pc, &a->s->r.params);
    pc.services = actor_services;
    quiet(&pc);
    for (size_t i = 0; i < PTD_MSG_N_TYPES; i++)
        pc.on_msg[i] = (struct ptd_listener){ on_msg, a };
    ck_assert_int_eq(ptd_peer_new(&a->theirs, a->env, &pc,
                                  inbound ? PTD_INBOUND : PTD_OUTBOUND, NULL),
                     PTD_OK);
}

struct actor *actor_enter_as(struct scene *s, enum actor_kind kind,
                             uint64_t actor_services)
{
    struct actor *a = &s->actor[s->n_actors++];
    int fd[2];

    ck_assert_uint_le(s->n_actors, SCENE_ACTORS);
    a->s = s;
    make_far(a, kind != ACTOR_IN && kind != ACTOR_NOBAN, actor_services);
    make_near(a, kind);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    ck_assert_int_eq(ptd_peer_attach(a->ours, fd[0]), PTD_OK);
    ck_assert_int_eq(ptd_peer_attach(a->theirs, fd[1]), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv_until(a->ready, NULL, NULL,
                                         ptd_clock_now_us(NULL) + WAIT_US),
                     PTD_ECLOSED);
    return a;
}

struct actor *actor_enter(struct scene *s, enum actor_kind kind)
{
    return actor_enter_as(s, kind, PTD_NODE_NETWORK | PTD_NODE_WITNESS);
}

void actor_wait_gone(struct actor *a)
{
    ck_assert_msg(ptd_chan_recv_until(a->gone, NULL, NULL,
                                      ptd_clock_now_us(NULL) + WAIT_US) ==
                      PTD_ECLOSED,
                  "%s was not sent away", ptd_peer_name(a->ours));
}

bool actor_is_here(struct actor *a)
{
    return ptd_peer_state(a->ours) == PTD_PEER_READY;
}

void actor_goes_deaf(struct actor *a)
{
    enum { N = 20000 };
    struct ptd_inv *list = calloc(N, sizeof *list);
    enum ptd_err e;

    ck_assert_ptr_nonnull(list);
    a->deaf = ptd_chan_new(0, 0);
    ck_assert_ptr_nonnull(a->deaf);
    for (uint32_t i = 0; i < N; i++)
        list[i].type = PTD_INV_TX;
    /* Nobody else sends it that. */
    ck_assert_int_eq(
        ptd_peer_try_queue(a->ours, ptd_msg_new(PTD_MSG_MEMPOOL), NULL),
        PTD_OK);
    do
        e = ptd_peer_try_queue(
            a->ours, ptd_msg_new_inv(PTD_MSG_NOTFOUND, list, N), NULL);
    while (e == PTD_OK);
    ck_assert_int_eq(e, PTD_EFULL);
    free(list);
}

void actor_listens(struct actor *a)
{
    ptd_chan_close(a->deaf);
}

void actor_leave(struct actor *a)
{
    struct ptd_msg *m;

    if (a->sp == NULL)
        return;
    ptd_peer_disconnect(a->ours, PTD_ECLOSED, "the scene is over");
    ptd_peer_disconnect(a->theirs, PTD_ECLOSED, "the scene is over");
    actor_wait_gone(a);
    ptd_sync_peer_gone(a->sp);
    ptd_peer_join(a->ours);
    ptd_sync_peer_free(a->sp);
    a->sp = NULL;
    ptd_peer_free(a->ours);
    ptd_peer_join(a->theirs);
    ptd_peer_free(a->theirs);
    while (ptd_chan_try_recv(a->msgs, &m) == PTD_OK)
        ptd_msg_free(m);
    ptd_chan_free(a->msgs);
    ptd_chan_free(a->ready);
    ptd_chan_free(a->gone);
    ptd_chan_free(a->deaf);
    ptd_env_free(a->env);
}

void actor_send(struct actor *a, struct ptd_msg *m)
{
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(
        ptd_peer_queue_encoded(a->theirs, m, NULL, PTD_ENC_WITNESS), PTD_OK);
}

static struct ptd_msg *next(struct actor *a, const char *what)
{
    struct ptd_msg *m;
    enum ptd_err e = ptd_chan_recv_until(a->msgs, &m, NULL,
                                         ptd_clock_now_us(NULL) + WAIT_US);

    ck_assert_msg(e == PTD_OK, "%s waits for %s: %s", ptd_peer_name(a->ours),
                  what, ptd_err_text(e));
    return m;
}

struct ptd_msg *actor_wait(struct actor *a, enum ptd_msg_type type)
{
    for (;;) {
        struct ptd_msg *m = next(a, ptd_msg_type_command(type));

        if (m->type == type)
            return m;
        ptd_msg_free(m);
    }
}

void actor_hears(struct actor *a, enum ptd_msg_type type)
{
    ptd_msg_free(actor_wait(a, type));
}

size_t actor_sync(struct actor *a, enum ptd_msg_type type)
{
    static uint64_t nonce = 1000;
    size_t n = 0;

    nonce++;
    actor_send(a, ptd_msg_new_nonce(PTD_MSG_PING, nonce));
    for (bool done = false; !done;) {
        struct ptd_msg *m = next(a, "pong");

        n += m->type == type;
        done =
            m->type == PTD_MSG_PONG && PTD_MSG_CONST(nonce, m)->nonce == nonce;
        ptd_msg_free(m);
    }
    return n;
}

struct ptd_sync_peer_info actor_info(struct actor *a)
{
    struct ptd_sync_peer_info info;

    ptd_sync_peer_info(a->sp, &info);
    return info;
}

void actor_is_asked(struct actor *a, struct ptd_hash *out, size_t n)
{
    for (size_t k = 0; k < n;) {
        struct ptd_msg *m = actor_wait(a, PTD_MSG_GETDATA);
        const struct ptd_msg_inv *ask = PTD_MSG_CONST(inv, m);

        for (uint32_t i = 0; i < ask->n; i++) {
            ck_assert_msg(k < n, "it is asked for more than %zu", n);
            out[k++] = ask->list[i].hash;
        }
        ptd_msg_free(m);
    }
}

void actor_gives(struct actor *a, struct ptd_msg *const *list, size_t n,
                 const struct ptd_hash *asked, size_t n_asked)
{
    for (size_t i = 0; i < n_asked; i++)
        for (size_t k = 0; k < n; k++)
            if (rig_same(rig_hash(list[k]), asked[i]))
                actor_send(a, ptd_msg_ref(list[k]));
}

struct ptd_msg *inv_of(uint32_t type, struct ptd_hash hash)
{
    const struct ptd_inv inv = { .type = type, .hash = hash };

    return ptd_msg_new_inv(PTD_MSG_INV, &inv, 1);
}

struct ptd_msg *getdata_of(uint32_t type, struct ptd_hash hash)
{
    const struct ptd_inv inv = { .type = type, .hash = hash };

    return ptd_msg_new_inv(PTD_MSG_GETDATA, &inv, 1);
}

struct ptd_msg *sendcmpct_of(bool high)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_SENDCMPCT);
    struct ptd_msg_sendcmpct *c = (struct ptd_msg_sendcmpct *)(void *)m;

    c->high_bandwidth = high;
    c->version = 2;
    return m;
}
