/* The handshake, on the in thread, which holds the token meanwhile: version,
 * feature messages, verack; stall keeps its deadline.
 *
 *   outbound   version ->           <- version   features, verack ->  <- verack
 *   inbound            <- version   version, features, verack ->      <- verack
 *
 * Our verack is written before theirs is awaited. Nothing else leaves before
 * both are in. */
#include <config.h>

#include "peer/peer_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "base/rng.h"
#include "base/util.h"
#include "pentad/log.h"

PTD_LOG_TAG(PEER);

/* ---- sending ----------------------------------------------------------------- */

/* Write one message now, taking it; in holds the token. */
static enum ptd_err write_now(struct ptd_peer *p, struct ptd_msg *m)
{
    struct ptd_codec cx = {
        .pver = atomic_load_explicit(&p->pver, memory_order_relaxed),
    };
    size_t wire_bytes = 0;
    enum ptd_err e;

    if (m == NULL) {
        ptd_peer_disconnect(p, PTD_ENOMEM, "out of memory in the handshake");
        return PTD_ENOMEM;
    }
    e = ptd_conn_add(p->conn, m, &cx, &wire_bytes);
    if (e == PTD_OK) {
        ptd_note_sending(p, m, &cx);
        e = ptd_conn_flush(p->conn, 0);
    }
    ptd_note_sent(p, m, wire_bytes, e);
    if (e == PTD_OK)
        atomic_store_explicit(&p->last_send_us, ptd_clock_now_us(p->clk),
                              memory_order_relaxed);
    else
        ptd_peer_disconnect(p, e, "handshake: cannot write %s: %s",
                            ptd_msg_type_command(m->type), ptd_err_text(e));
    ptd_msg_free(m);
    return e;
}

static enum ptd_err write_type(struct ptd_peer *p, enum ptd_msg_type type)
{
    return write_now(p, ptd_msg_new(type));
}

void ptd_handshake_reject(struct ptd_peer *p, const char *command,
                          enum ptd_reject_code code, const char *reason)
{
    if (peer_takes_reject(p))
        (void)!write_now(p, ptd_msg_new_reject(command, code, reason, NULL));
}

/* Tell the remote nothing of a proxy in between, and nothing that does not fit
 * into a version message. */
static void fill_remote(struct ptd_peer *p, struct ptd_msg_version *v)
{
    if (!p->cfg.hide_addr &&
        (p->addr.net == PTD_NET_IPV4 || p->addr.net == PTD_NET_IPV6))
        v->addr_recv = p->addr;
}

static struct ptd_msg *make_version(struct ptd_peer *p)
{
    struct ptd_msg_version *v =
        (struct ptd_msg_version *)(void *)ptd_msg_new(PTD_MSG_VERSION);
    struct ptd_hash hash;
    const char *agent = p->cfg.user_agent;

    if (v == NULL)
        return NULL;
    if (p->cfg.hooks.newest_block != NULL) {
        enum ptd_err e = p->cfg.hooks.newest_block(&hash, &v->start_height,
                                                   p->cfg.hooks.arg);
        if (e != PTD_OK) {
            ptd_peer_disconnect(p, e, "no newest block: %s", ptd_err_text(e));
            goto free_version;
        }
    }
    if (p->dir == PTD_OUTBOUND)
        p->nonce = v->nonce = ptd_env_nonce_new(p->env);
    else
        v->nonce = ptd_random_u64() | 1; /* nobody looks for it */
    if (v->nonce == 0 || ptd_msg_copy_bytes(&v->msg, &v->user_agent, agent,
                                            strlen(agent)) != PTD_OK)
        goto free_version;
    v->version = (int32_t)p->cfg.pver;
    v->services = p->cfg.services;
    v->addr_from_services = p->cfg.services;
    v->time = ptd_clock_wall_s(p->clk);
    v->relay = p->cfg.relay;
    fill_remote(p, v);
    return &v->msg;

free_version:
    ptd_msg_free(&v->msg);
    return NULL;
}

static enum ptd_err send_version(struct ptd_peer *p)
{
    p->our_version_sent = true;
    return write_now(p, make_version(p));
}

/* BIPs 155, 339, 434: between version and verack, to who may know them. */
static enum ptd_err send_features(struct ptd_peer *p)
{
    uint32_t pver = atomic_load_explicit(&p->pver, memory_order_relaxed);
    enum ptd_err e = PTD_OK;

    if (p->cfg.send_wtxidrelay && pver >= PTD_PVER_WTXIDRELAY) {
        e = write_type(p, PTD_MSG_WTXIDRELAY);
        p->wtxid_sent = true;
    }
    if (e == PTD_OK && p->cfg.send_addrv2 && pver >= PTD_PVER_WTXIDRELAY)
        e = write_type(p, PTD_MSG_SENDADDRV2);
    for (size_t i = 0; i < p->n_offers && pver >= PTD_PVER_FEATURE; i++)
        if (e == PTD_OK)
            e = write_now(p, ptd_msg_ref(p->offers[i]));
    return e;
}

/* ---- the remote version -------------------------------------------------------- */

static void keep_version(struct ptd_peer *p, const struct ptd_msg_version *v)
{
    size_t cap = v->user_agent.n * 4 + 1;
    char *agent = ptd_alloc(cap);
    uint32_t theirs = v->version > 0 ? (uint32_t)v->version : 0;

    if (agent != NULL)
        ptd_escape(agent, cap, v->user_agent.p, v->user_agent.n);
    atomic_store(&p->services, v->services);
    atomic_store(&p->witness, (v->services & PTD_NODE_WITNESS) != 0);
    atomic_store(&p->relay, v->relay);
    atomic_store(&p->pver, PTD_MIN(p->cfg.pver, theirs));
    atomic_store(&p->advertised_pver, theirs);
    ptd_mutex_lock(&p->stats_mu);
    p->last_block = p->start_height = v->start_height;
    /* 64 bits and saturating: a peer chooses its time freely. */
    if (__builtin_sub_overflow(v->time, ptd_clock_wall_s(p->clk),
                               &p->time_offset_s))
        p->time_offset_s = v->time < 0 ? INT64_MIN : INT64_MAX;
    p->agent = agent;
    ptd_mutex_unlock(&p->stats_mu);
    ptd_log_debug("%s: version %u, services %#" PRIx64 ", agent %s, height %d",
                  p->name, theirs, v->services, agent != NULL ? agent : "?",
                  v->start_height);
}

static enum ptd_err check_version(struct ptd_peer *p,
                                  const struct ptd_msg_version *v)
{
    struct ptd_msg *reject = NULL;
    char why[80];

    if (p->dir == PTD_INBOUND && !p->env->cfg.allow_self &&
        ptd_env_nonce_is_ours(p->env, v->nonce)) {
        ptd_peer_disconnect(p, PTD_ESELF, "connected to self");
        return PTD_ESELF;
    }
    keep_version(p, v);
    if (p->cfg.hooks.on_version != NULL)
        reject = p->cfg.hooks.on_version(p, v, p->cfg.hooks.arg);
    if (reject != NULL) {
        if (peer_takes_reject(p))
            (void)!write_now(p, ptd_msg_ref(reject));
        ptd_peer_disconnect(p, PTD_EREJECTED, "version rejected by the owner");
        ptd_msg_free(reject);
        return PTD_EREJECTED;
    }
    if (v->version < 0 || (uint32_t)v->version < p->cfg.min_pver) {
        snprintf(why, sizeof why, "protocol version must be %u or greater",
                 p->cfg.min_pver);
        ptd_handshake_reject(p, "version", PTD_REJECT_OBSOLETE, why);
        ptd_peer_disconnect(p, PTD_EVERSION, "using obsolete version %d",
                            v->version);
        return PTD_EVERSION;
    }
    return peer_is_stopping(p) ? PTD_ECLOSED : PTD_OK;
}

/* ---- reading ------------------------------------------------------------------------ */

/* A stranger may not keep us busy for the whole time-out. */
static enum ptd_err count_early(struct ptd_peer *p, const struct ptd_frame *f)
{
    p->n_early++;
    p->early_bytes += f->wire_bytes;
    if (p->n_early <= p->cfg.early_messages &&
        p->early_bytes <= p->cfg.early_bytes)
        return PTD_OK;
    ptd_peer_disconnect(p, PTD_ETOOBIG,
                        "%u messages of %zu bytes before verack", p->n_early,
                        p->early_bytes);
    return PTD_ETOOBIG;
}

/* Next message, NULL if it was ignored. All counts but the one awaited. */
static enum ptd_err next(struct ptd_peer *p, enum ptd_msg_type awaited,
                         struct ptd_msg **m)
{
    struct ptd_frame f;
    enum ptd_err e = ptd_in_next_frame(p, &f);

    *m = NULL;
    if (e == PTD_OK && f.type != awaited)
        e = count_early(p, &f);
    if (e != PTD_OK)
        return e;
    e = ptd_in_decode(p, &f, m);
    if (e == PTD_OK && *m == NULL && f.type == awaited)
        e = count_early(p, &f); /* it could not be taken */
    return e;
}

static enum ptd_err not_version(struct ptd_peer *p, const struct ptd_msg *m)
{
    static const char reason[] = "a version message must precede all others";
    const char *command = ptd_msg_type_command(m->type);

    ptd_log_debug("non-version message before version handshake. Message "
                  "\"%s\" from %s",
                  command, p->name);
    if (p->cfg.conduct == PTD_CONDUCT_TOLERANT)
        return PTD_OK;
    ptd_handshake_reject(p, command, PTD_REJECT_MALFORMED, reason);
    ptd_peer_disconnect(p, PTD_EPROTO, "%s", reason);
    return PTD_EPROTO;
}

static enum ptd_err read_version(struct ptd_peer *p)
{
    struct ptd_msg *m = NULL;
    enum ptd_err e;

    do {
        ptd_msg_free(m);
        e = next(p, PTD_MSG_VERSION, &m);
        if (e == PTD_OK && m != NULL && m->type != PTD_MSG_VERSION)
            e = not_version(p, m);
    } while (e == PTD_OK && (m == NULL || m->type != PTD_MSG_VERSION));
    if (e == PTD_OK)
        e = check_version(p, (const struct ptd_msg_version *)m);
    if (e == PTD_OK)
        e = ptd_in_dispatch(p, m);
    ptd_msg_free(m);
    return e;
}

/* Between version and verack: features; the rest waits for the handshake. */
static enum ptd_err before_verack(struct ptd_peer *p, struct ptd_msg *m)
{
    if (m->type == PTD_MSG_VERSION) {
        ptd_log_debug("redundant version message from peer %s", p->name);
        if (p->cfg.conduct == PTD_CONDUCT_TOLERANT)
            return PTD_OK;
        ptd_handshake_reject(p, "version", PTD_REJECT_DUPLICATE,
                             "duplicate version message");
        ptd_peer_disconnect(p, PTD_EPROTO, "duplicate version message");
        return PTD_EPROTO;
    }
    if (m->type == PTD_MSG_WTXIDRELAY)
        p->wtxid_got = true;
    else if (m->type == PTD_MSG_SENDADDRV2)
        atomic_store(&p->wants_addrv2, true);
    else if (m->type == PTD_MSG_SENDHEADERS)
        atomic_store(&p->wants_headers, true);
    else if (m->type == PTD_MSG_FEATURE && p->cfg.feature)
        ptd_features_note(p, (const struct ptd_msg_feature *)m);
    else if (m->type != PTD_MSG_SENDTXRCNCL && m->type != PTD_MSG_FEATURE &&
             m->type != PTD_MSG_SENDCMPCT && m->type != PTD_MSG_VERACK) {
        ptd_log_debug("Unsupported message \"%s\" prior to verack from %s",
                      ptd_msg_type_command(m->type), p->name);
        return PTD_OK;
    }
    return m->type == PTD_MSG_VERACK ? PTD_OK : ptd_in_dispatch(p, m);
}

/* The verack's own message goes to its listener after the peer is new. */
static enum ptd_err read_verack(struct ptd_peer *p, struct ptd_msg **verack)
{
    enum ptd_err e;

    for (;;) {
        e = next(p, PTD_MSG_VERACK, verack);
        if (e == PTD_OK && *verack != NULL)
            e = before_verack(p, *verack);
        if (e == PTD_OK && *verack != NULL && (*verack)->type == PTD_MSG_VERACK)
            return PTD_OK;
        ptd_msg_free(*verack);
        *verack = NULL;
        if (e != PTD_OK)
            return e;
    }
}

static enum ptd_err exchange(struct ptd_peer *p, struct ptd_msg **verack)
{
    enum ptd_err e = PTD_OK;

    if (p->dir == PTD_OUTBOUND)
        e = send_version(p);
    if (e == PTD_OK)
        e = read_version(p);
    if (e == PTD_OK && p->dir == PTD_INBOUND)
        e = send_version(p);
    if (e == PTD_OK)
        e = send_features(p);
    if (e == PTD_OK)
        e = write_type(p, PTD_MSG_VERACK);
    if (e == PTD_OK)
        e = read_verack(p, verack);
    return e;
}

/* Both veracks are in: the peer becomes new to its owner, the rest of the team
 * wakes, and what was queued meanwhile may leave. */
static enum ptd_err become_ready(struct ptd_peer *p)
{
    bool is_over;

    ptd_conn_set_max_payload(p->conn, 0);
    atomic_store(&p->verack_received, true);
    atomic_store(&p->wtxidrelay, p->wtxid_sent && p->wtxid_got);
    ptd_mutex_lock(&p->mu);
    is_over = p->state == PTD_PEER_STOPPING;
    if (!is_over)
        p->state = PTD_PEER_READY;
    ptd_mutex_unlock(&p->mu);
    if (is_over)
        return PTD_ECLOSED;
    p->ready_us = ptd_clock_now_us(p->clk);
    ptd_peer_wake_rest(p);
    if (p->cfg.hooks.on_ready != NULL)
        p->cfg.hooks.on_ready(p, p->cfg.hooks.arg);
    ptd_conn_writer_idle(p->conn);
    ptd_token_give_back(p);
    return peer_is_stopping(p) ? PTD_ECLOSED : PTD_OK;
}

enum ptd_err ptd_handshake(struct ptd_peer *p)
{
    struct ptd_msg *verack = NULL;
    enum ptd_err e = exchange(p, &verack);

    if (p->nonce != 0)
        ptd_env_nonce_forget(p->env, p->nonce);
    p->nonce = 0;
    if (e == PTD_OK)
        e = become_ready(p);
    if (e == PTD_OK)
        e = ptd_in_dispatch(p, verack);
    ptd_msg_free(verack);
    return e;
}
