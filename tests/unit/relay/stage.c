#include <config.h>

#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"

#define WAIT_US (30 * SECOND_US)

/* ---- the chain ------------------------------------------------------- */

static void on_tip(void *arg, const struct ptd_tip_change *t)
{
    struct stage *s = arg;

    if (s->relay != NULL)
        ptd_relay_tip(s->relay, t);
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

void stage_open(struct stage *s, bool grown)
{
    struct ptd_env_config env;
    struct ptd_hash genesis;

    memset(s, 0, sizeof *s);
    rig_init(&s->r, "regtest");
    s->r.cfg.on_tip = on_tip;
    s->r.cfg.arg = s;
    rig_open(&s->r);
    genesis = s->r.params.genesis.hash;
    if (grown)
        rig_accept(&s->r,
                   rig_block(&s->r, &genesis, 1, (uint32_t)rig_now_s - 60, 1),
                   RIG_ASKED);
    ptd_env_config_init(&env);
    env.clock = s->r.clock;
    env.allow_self = true;
    s->env = ptd_env_new(&env);
    s->cfg.chain = s->r.c;
    s->cfg.clock = s->r.clock;
    s->cfg.arg = s;
    s->cfg.misbehaved = misbehaved;
    ptd_pool_config_init(&s->cfg.pool);
    s->relay = ptd_relay_new(&s->cfg);
    ck_assert(s->env != NULL && s->relay != NULL);
    ck_assert_int_eq(ptd_relay_start(s->relay), PTD_OK);
}

void stage_close(struct stage *s)
{
    for (size_t i = 0; i < s->n_actors; i++)
        actor_leave(&s->actor[i]);
    ptd_relay_stop(s->relay);
    ptd_relay_free(s->relay);
    s->relay = NULL;
    ptd_env_free(s->env);
    rig_fini(&s->r);
}

void stage_later(struct stage *s, int64_t seconds)
{
    ptd_clock_advance_us(s->r.clock, seconds * SECOND_US);
}

/* ---- actors ---------------------------------------------------------- */

static enum ptd_err on_msg(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    struct actor *a = arg;

    (void)p;
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
    ptd_relay_peer_version(a->rp, v);
    return NULL;
}

static void on_ready(struct ptd_peer *p, void *arg)
{
    struct actor *a = arg;

    (void)p;
    ptd_relay_peer_ready(a->rp);
    ptd_chan_close(a->ready);
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

static void make_near(struct actor *a, const struct part *part)
{
    const struct ptd_relay_peer_config cfg = {
        .user = a,
        .outbound = part->outbound,
        .no_txs = part->no_txs,
        .offers_bloom = part->offers_bloom,
        .noban = part->noban,
        .relay = part->relay,
        .force_relay = part->force_relay,
        .mempool = part->mempool,
    };
    struct ptd_peer_config pc;

    a->rp = ptd_relay_peer_new(a->s->relay, &cfg);
    ck_assert_ptr_nonnull(a->rp);
    ptd_peer_config_init(&pc, &a->s->r.params);
    pc.services = PTD_NODE_NETWORK | PTD_NODE_WITNESS;
    quiet(&pc);
    ptd_relay_peer_listen(a->rp, &pc);
    pc.hooks = (struct ptd_peer_hooks){ .arg = a,
                                        .on_version = on_version,
                                        .on_ready = on_ready,
                                        .on_gone = on_gone };
    ck_assert_int_eq(ptd_peer_new(&a->ours, a->s->env, &pc,
                                  part->outbound ? PTD_OUTBOUND : PTD_INBOUND,
                                  NULL),
                     PTD_OK);
    ptd_relay_peer_attach(a->rp, a->ours);
}

static void make_far(struct actor *a, const struct part *part)
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
    pc.services = PTD_NODE_NETWORK | PTD_NODE_WITNESS;
    quiet(&pc);
    pc.relay = !part->no_relay_flag;
    pc.send_wtxidrelay = !part->by_txid;
    if (part->pver != 0)
        pc.pver = part->pver;
    for (size_t i = 0; i < PTD_MSG_N_TYPES; i++)
        pc.on_msg[i] = (struct ptd_listener){ on_msg, a };
    ck_assert_int_eq(ptd_peer_new(&a->theirs, a->env, &pc,
                                  part->outbound ? PTD_INBOUND : PTD_OUTBOUND,
                                  NULL),
                     PTD_OK);
}

struct actor *actor_enter(struct stage *s, const struct part *part)
{
    struct actor *a = &s->actor[s->n_actors++];
    int fd[2];

    ck_assert_uint_le(s->n_actors, STAGE_ACTORS);
    a->s = s;
    make_far(a, part);
    make_near(a, part);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    ck_assert_int_eq(ptd_peer_attach(a->ours, fd[0]), PTD_OK);
    ck_assert_int_eq(ptd_peer_attach(a->theirs, fd[1]), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv_until(a->ready, NULL, NULL,
                                         ptd_clock_now_us(NULL) + WAIT_US),
                     PTD_ECLOSED);
    return a;
}

void actor_wait_gone(struct actor *a)
{
    ck_assert_msg(ptd_chan_recv_until(a->gone, NULL, NULL,
                                      ptd_clock_now_us(NULL) + WAIT_US) ==
                      PTD_ECLOSED,
                  "%s was not sent away", ptd_peer_name(a->ours));
}

void actor_leave(struct actor *a)
{
    struct ptd_msg *m;

    if (a->rp == NULL)
        return;
    ptd_peer_disconnect(a->ours, PTD_ECLOSED, "the play is over");
    ptd_peer_disconnect(a->theirs, PTD_ECLOSED, "the play is over");
    actor_wait_gone(a);
    ptd_relay_peer_gone(a->rp);
    ptd_peer_join(a->ours);
    ptd_relay_peer_free(a->rp);
    a->rp = NULL;
    ptd_peer_free(a->ours);
    ptd_peer_join(a->theirs);
    ptd_peer_free(a->theirs);
    while (ptd_chan_try_recv(a->msgs, &m) == PTD_OK)
        ptd_msg_free(m);
    ptd_chan_free(a->msgs);
    ptd_chan_free(a->ready);
    ptd_chan_free(a->gone);
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

/* Until all that was sent is handled: of one type the last message, and how
 * many entries they have. */
static struct ptd_msg *gather(struct actor *a, enum ptd_msg_type type,
                              size_t *n_entries)
{
    static uint64_t nonce = 1000;
    struct ptd_msg *found = NULL;

    nonce++;
    actor_send(a, ptd_msg_new_nonce(PTD_MSG_PING, nonce));
    for (bool done = false; !done;) {
        struct ptd_msg *m = next(a, "pong");

        done =
            m->type == PTD_MSG_PONG && PTD_MSG_CONST(nonce, m)->nonce == nonce;
        if (m->type != type) {
            ptd_msg_free(m);
            continue;
        }
        if (n_entries != NULL) {
            ck_assert_uint_le(PTD_MSG_CONST(inv, m)->n, 1000);
            *n_entries += PTD_MSG_CONST(inv, m)->n;
        }
        ptd_msg_free(found);
        found = m;
    }
    return found;
}

struct ptd_msg *actor_poll(struct actor *a, enum ptd_msg_type type)
{
    return gather(a, type, NULL);
}

size_t actor_sum(struct actor *a, enum ptd_msg_type type)
{
    size_t n = 0;

    ptd_msg_free(gather(a, type, &n));
    return n;
}

void actor_hears_nothing(struct actor *a, enum ptd_msg_type type)
{
    enum { TIMES = 20 };

    for (int i = 0; i < TIMES; i++) {
        struct ptd_msg *m = actor_poll(a, type);

        ck_assert_msg(m == NULL, "%s hears %s", ptd_peer_name(a->ours),
                      ptd_msg_type_command(type));
        stage_later(a->s, 10);
    }
}

struct ptd_msg *actor_hears(struct actor *a, enum ptd_msg_type type)
{
    enum { TIMES = 2000 };

    for (int i = 0; i < TIMES; i++) {
        struct ptd_msg *m = actor_poll(a, type);

        if (m != NULL)
            return m;
        stage_later(a->s, 10);
    }
    ck_abort_msg("%s never hears %s", ptd_peer_name(a->ours),
                 ptd_msg_type_command(type));
    return NULL;
}

struct ptd_msg *list_of(enum ptd_msg_type type, uint32_t inv_type,
                        struct ptd_hash hash)
{
    const struct ptd_inv inv = { .type = inv_type, .hash = hash };

    return ptd_msg_new_inv(type, &inv, 1);
}
