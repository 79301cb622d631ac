/* The way out, and the token.
 *
 * One token owns the write side: conn's writing half, batch, send_q. mu guards
 * it and n_ahead, the messages accepted but not yet passed on (on their way
 * into output_q, in it, in queue's hands, pending).
 *
 *   accept       token free: take it; else n_ahead++ and output_q
 *   give back    one critical section: n_ahead == 0: free; else done_q to queue
 *   queue        with the token: all that is pending becomes the batch,
 *                n_ahead less as many, send_q to out
 *
 * So "free" implies n_ahead == 0: no message overtakes another, and send_q and
 * done_q (capacity 1 each) never block, since only the holder sends.
 */
#include <config.h>

#include "peer/peer_int.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/util.h"
#include "pentad/log.h"
#include "wire/encoded.h"

PTD_LOG_TAG(PEER);

/* How somebody may be kept waiting who queues a message. */
enum manner { MANNER_WAIT, MANNER_TRY };

static bool is_own_callback(struct ptd_peer *p)
{
    return atomic_load_explicit(&p->in_self, memory_order_relaxed) ==
           ptd_thread_self_id();
}

/* ---- lists ------------------------------------------------------------ */

enum ptd_err ptd_outlist_put(struct outlist *l, const struct outmsg *m)
{
    if (l->n == l->cap) {
        struct outmsg *grown =
            ptd_array_grow(l->v, &l->cap, l->n + 1, sizeof *l->v);
        if (grown == NULL)
            return PTD_ENOMEM;
        l->v = grown;
    }
    l->v[l->n++] = *m;
    return PTD_OK;
}

void ptd_outlist_drop(struct ptd_peer *p, struct outlist *l, enum ptd_err err)
{
    for (size_t i = 0; i < l->n; i++)
        ptd_outmsg_finish(p, &l->v[i], err);
    l->n = 0;
}

/* ---- counting bytes ------------------------------------------------------ */

/* Few enough that even who is over the budget of all peers may add some. */
static size_t low_bytes(const struct ptd_peer *p)
{
    return p->cfg.send_limit_bytes / 16;
}

/* in waits for the queue to drain to half its limit. It sets paused, then
 * looks at queued; we lower queued, then look at paused. */
static void count_out(struct ptd_peer *p, size_t cost)
{
    size_t before = atomic_fetch_sub(&p->queued, cost);
    size_t half = p->cfg.send_limit_bytes / 2;

    if (before <= half || before - cost > half)
        return;
    ptd_mutex_lock(&p->mu);
    if (p->paused)
        ptd_latch_set(&p->wake);
    ptd_mutex_unlock(&p->mu);
}

void ptd_outmsg_init(struct outmsg *m, struct ptd_msg *msg,
                     struct ptd_chan *done, uint8_t encoding)
{
    size_t cost = ptd_msg_memory_bytes(msg);

    m->msg = msg;
    m->done = done != NULL ? ptd_chan_ref(done) : NULL;
    m->cost = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
    m->encoding = encoding;
    m->is_charged = m->is_shared = false;
}

void ptd_outmsg_charge(struct ptd_peer *p, struct outmsg *m)
{
    m->is_shared = ptd_env_queue_enter(p->env, m->msg, m->cost);
    m->is_charged = true;
    atomic_fetch_add(&p->queued, m->cost);
}

static void signal_done(struct ptd_chan *done, enum ptd_err err)
{
    ptd_chan_send_reserved(done, ptd_chan_elem_size(done) != 0 ? &err : NULL);
    ptd_chan_free(done);
}

/* Who was refused hears of room once little is left. */
static void tell_room(struct ptd_peer *p)
{
    if (atomic_load(&p->wants_room) && !peer_is_stopping(p) &&
        atomic_load(&p->queued) <= low_bytes(p) &&
        atomic_exchange(&p->wants_room, false))
        p->cfg.hooks.on_room(p, p->cfg.hooks.arg);
}

static void outmsg_end(struct ptd_peer *p, struct outmsg *m, enum ptd_err err)
{
    if (m->is_charged) {
        ptd_env_queue_leave(p->env, m->msg, m->cost, m->is_shared);
        count_out(p, m->cost);
    }
    ptd_msg_free(m->msg);
    if (m->done != NULL)
        signal_done(m->done, err);
    m->msg = NULL;
    m->done = NULL;
}

void ptd_outmsg_finish(struct ptd_peer *p, struct outmsg *m, enum ptd_err err)
{
    outmsg_end(p, m, err);
    tell_room(p);
}

/* As if it had never been: the message is its caller's again. */
static void outmsg_undo(struct ptd_peer *p, struct outmsg *m)
{
    ptd_env_queue_leave(p->env, m->msg, m->cost, m->is_shared);
    count_out(p, m->cost);
    if (m->done != NULL) {
        ptd_chan_unreserve(m->done);
        ptd_chan_free(m->done);
    }
}

/* ---- what is done around a write ------------------------------------------ */

struct ptd_codec ptd_send_codec(struct ptd_peer *p, const struct outmsg *m)
{
    struct ptd_codec cx = {
        .pver = atomic_load_explicit(&p->pver, memory_order_relaxed),
    };

    if (m->encoding != ENC_NEGOTIATED)
        cx.encoding = (enum ptd_encoding)m->encoding;
    else
        cx.encoding = atomic_load_explicit(&p->witness, memory_order_relaxed)
                          ? PTD_ENC_WITNESS
                          : PTD_ENC_BASE;
    return cx;
}

static void note_ping(struct ptd_peer *p, const struct ptd_msg_nonce *ping)
{
    int64_t now;

    /* BIP 31: below, a ping has no nonce and gets no answer. */
    if (atomic_load_explicit(&p->pver, memory_order_relaxed) <= PTD_PVER_BIP31)
        return;
    now = ptd_clock_now_us(p->clk);
    ptd_mutex_lock(&p->stats_mu);
    if (p->ping_nonce == 0) {
        p->first_ping_nonce = ping->nonce;
        p->first_ping_us = now;
    }
    p->ping_nonce = ping->nonce;
    p->ping_sent_us = now;
    ptd_mutex_unlock(&p->stats_mu);
    if (p->cfg.pong_us > 0)
        ptd_stall_nudge(p, now + p->cfg.pong_us);
}

/* An answer to getheaders is due only from who has more than we have. */
static bool is_headers_due(struct ptd_peer *p)
{
    struct ptd_hash hash;
    int32_t ours = 0, theirs;

    if (p->cfg.hooks.newest_block == NULL ||
        p->cfg.hooks.newest_block(&hash, &ours, p->cfg.hooks.arg) != PTD_OK)
        return true;
    ptd_mutex_lock(&p->stats_mu);
    theirs = p->last_block;
    ptd_mutex_unlock(&p->stats_mu);
    return theirs > ours;
}

static void note_request(struct ptd_peer *p, const struct ptd_msg *m,
                         int64_t wait_us, bool soft)
{
    int64_t now = ptd_clock_now_us(p->clk), due;
    int64_t handlers = ptd_handlers_us(p, now);

    if (wait_us <= 0 ||
        (m->type == PTD_MSG_GETDATA && ((const struct ptd_msg_inv *)m)->n == 0))
        return;
    ptd_mutex_lock(&p->mu);
    ptd_requests_sent(&p->requests, m, soft, now, wait_us, handlers, &due);
    ptd_mutex_unlock(&p->mu);
    if (due == PTD_NEVER && !soft) /* the idle time-out still watches */
        ptd_log_warn_every(60, "%s: %s is not watched: no memory, or too many",
                           p->name, ptd_msg_type_command(m->type));
    ptd_stall_nudge(p, due);
}

void ptd_note_sending(struct ptd_peer *p, struct ptd_msg *m,
                      const struct ptd_codec *cx)
{
    /* Only these are awaited; the rest of the list changes nothing. */
    if (m->type == PTD_MSG_PING)
        note_ping(p, (const struct ptd_msg_nonce *)m);
    else if (m->type == PTD_MSG_GETDATA)
        note_request(p, m, p->cfg.reply_us, false);
    else if (m->type == PTD_MSG_GETBLOCKS || m->type == PTD_MSG_MEMPOOL)
        note_request(p, m, p->cfg.reply_us, true);
    else if (m->type == PTD_MSG_GETHEADERS)
        note_request(p, m, p->cfg.headers_us, !is_headers_due(p));
    if (ptd_log_wants(PTD_LOG_DEBUG)) {
        char text[160];
        enum ptd_err e;

        ptd_log_debug("sending %s (%zu bytes) %s: %s", ptd_msg_command(m),
                      ptd_msg_encoded_bytes(m, cx, &e), p->name,
                      ptd_msg_summary(m, text, sizeof text));
    }
    if (ptd_log_wants(PTD_LOG_TRACE)) {
        char *dump = ptd_msg_dump(m, 20);

        ptd_log_trace("%s sends %s", p->name, dump != NULL ? dump : "");
        free(dump);
    }
}

void ptd_note_not_encoded(struct ptd_peer *p, const struct ptd_msg *m,
                          enum ptd_err err)
{
    ptd_log_warn_every(60, "%s: cannot encode %s: %s", p->name,
                       ptd_msg_type_command(m->type), ptd_err_text(err));
}

void ptd_note_sent(struct ptd_peer *p, struct ptd_msg *m, size_t wire_bytes,
                   enum ptd_err err)
{
    if (err == PTD_OK) {
        /* One writer at a time: no read-modify-write needed. */
        const char *command = ptd_msg_command(m);
        enum ptd_msg_type type = ptd_msg_type_of(command, strlen(command));
        _Atomic uint64_t *n = &p->sent[type].n;
        _Atomic uint64_t *b = &p->sent[type].bytes;

        atomic_store_explicit(n,
                              atomic_load_explicit(n, memory_order_relaxed) + 1,
                              memory_order_relaxed);
        atomic_store_explicit(
            b, atomic_load_explicit(b, memory_order_relaxed) + wire_bytes,
            memory_order_relaxed);
    }
    if (p->cfg.hooks.on_write != NULL)
        p->cfg.hooks.on_write(p, wire_bytes, m, err, p->cfg.hooks.arg);
}

/* ---- the token -------------------------------------------------------------- */

void ptd_token_give_back(struct ptd_peer *p)
{
    bool is_free;

    ptd_mutex_lock(&p->mu);
    is_free = p->n_ahead == 0;
    if (is_free)
        p->token_free = true;
    ptd_mutex_unlock(&p->mu);
    if (!is_free) {
        /* Never full: one token. Closed: queue has left, nobody writes. */
        enum ptd_err e = ptd_chan_try_send(p->done_q, NULL);
        PTD_ASSERT(e == PTD_OK || e == PTD_ECLOSED);
    }
}

void ptd_token_to_out(struct ptd_peer *p)
{
    enum ptd_err e = ptd_chan_try_send(p->send_q, NULL);

    PTD_ASSERT(e == PTD_OK || e == PTD_ECLOSED);
    if (e == PTD_ECLOSED)
        ptd_outlist_drop(p, &p->batch, PTD_ECLOSED);
}

/* A small bucket lets a caller write itself now and then; a flood goes to out,
 * which writes many messages at once. */
static bool direct_allowed_locked(struct ptd_peer *p, const struct outmsg *m)
    PTD_REQUIRES(p->mu)
{
    if (!p->cfg.direct_write || m->cost > DIRECT_MAX_BYTES)
        return false;
    if (p->direct_left < DIRECT_BURST) {
        int64_t now = ptd_clock_now_us(NULL);
        int64_t more = (now - p->direct_us) / DIRECT_REFILL_US;

        if (more >= DIRECT_BURST - (int64_t)p->direct_left) {
            p->direct_left = DIRECT_BURST;
            p->direct_us = now;
        } else {
            p->direct_left += (unsigned)more;
            p->direct_us += more * DIRECT_REFILL_US;
        }
    }
    if (p->direct_left == 0)
        return false;
    if (p->direct_left-- == DIRECT_BURST)
        p->direct_us = ptd_clock_now_us(NULL);
    return true;
}

/* A message is with the kernel. What in itself has asked for it may look for
 * before it blocks. */
static void note_written(struct ptd_peer *p, enum ptd_msg_type type)
{
    atomic_store_explicit(&p->last_send_us, ptd_clock_now_us(p->clk),
                          memory_order_relaxed);
    if ((type == PTD_MSG_PING || type == PTD_MSG_GETDATA ||
         type == PTD_MSG_GETHEADERS || type == PTD_MSG_GETBLOCKS) &&
        is_own_callback(p))
        p->has_asked = true;
}

/* The holder writes one message without blocking; what does not fit goes on to
 * out, with the token. */
static void write_direct(struct ptd_peer *p, struct outmsg *m)
{
    struct ptd_codec cx = ptd_send_codec(p, m);
    size_t wire_bytes = 0;
    enum ptd_err e;

    e = ptd_conn_add(p->conn, m->msg, &cx, &wire_bytes);
    if (e == PTD_OK) {
        ptd_note_sending(p, m->msg, &cx);
        e = ptd_conn_flush(p->conn, MSG_DONTWAIT);
        if (e == PTD_EAGAIN) {
            ptd_outmsg_charge(p, m);
            p->batch.v[0] = *m; /* it always has room for one */
            p->batch.n = 1;
            p->n_added = 1;
            p->added_bytes = wire_bytes;
            ptd_token_to_out(p);
            return;
        }
        if (e != PTD_OK)
            ptd_peer_disconnect(p, e, "write failed: %s", ptd_err_text(e));
        else
            note_written(p, m->msg->type);
    } else {
        ptd_note_not_encoded(p, m->msg, e);
    }
    ptd_note_sent(p, m->msg, wire_bytes, e);
    ptd_outmsg_finish(p, m, e);
    ptd_token_give_back(p);
}

/* Until the handshake is done nobody receives from output_q, nor closes it
 * before a callback of the peer has returned, which may wait for this caller:
 * so who waits for room hears of the disconnect itself. */
static enum ptd_err send_or_quit(struct ptd_peer *p, const struct outmsg *m)
{
    enum { SEND, QUIT, N };
    struct ptd_case on[N] = {
        [SEND] = PTD_SEND(p->output_q, m),
        [QUIT] = PTD_RECV(p->quit, NULL),
    };

    return ptd_select(on, N, NULL, PTD_NEVER) == SEND ? on[SEND].err
                                                      : PTD_ECLOSED;
}

static enum ptd_err to_output_q(struct ptd_peer *p, struct outmsg *m,
                                enum manner manner)
{
    enum ptd_err e;

    ptd_outmsg_charge(p, m);
    e = ptd_chan_try_send(p->output_q, m);
    if (e == PTD_EFULL && manner == MANNER_WAIT)
        e = send_or_quit(p, m);
    if (e != PTD_OK) {
        ptd_mutex_lock(&p->mu);
        p->n_ahead--;
        ptd_mutex_unlock(&p->mu);
    }
    return e;
}

/* Put m on its way. On PTD_ECLOSED it was finished, on PTD_EFULL (try) undone.
 *
 * Who may call hooks counts as one of the peer's threads meanwhile, so that the
 * peer is not gone under it. */
static enum ptd_err accept_outmsg(struct ptd_peer *p, struct outmsg *m,
                                  enum manner manner)
{
    bool has_token, is_direct = false, is_guest = false;
    enum ptd_err e = PTD_OK;

    ptd_mutex_lock(&p->mu);
    has_token = p->token_free;
    if (p->state == PTD_PEER_STOPPING) {
        e = PTD_ECLOSED;
    } else if (has_token) {
        p->token_free = false;
        is_direct = direct_allowed_locked(p, m);
    } else {
        p->n_ahead++;
    }
    if (p->state == PTD_PEER_READY)
        is_guest = is_direct || manner == MANNER_TRY;
    if (is_guest)
        atomic_fetch_add(&p->n_running, 1);
    ptd_mutex_unlock(&p->mu);

    if (e == PTD_OK && !has_token)
        e = to_output_q(p, m, manner);
    else if (e == PTD_OK && is_direct)
        write_direct(p, m);
    else if (e == PTD_OK) {
        ptd_outmsg_charge(p, m);
        p->batch.v[0] = *m;
        p->batch.n = 1;
        p->n_added = 0;
        ptd_token_to_out(p);
    }
    if (e == PTD_ECLOSED)
        outmsg_end(p, m, PTD_ECLOSED);
    else if (e == PTD_EFULL)
        outmsg_undo(p, m);
    if (is_guest) {
        tell_room(p);
        ptd_peer_leave(p);
    }
    return e;
}

void ptd_send_own(struct ptd_peer *p, struct outmsg *m)
{
    ptd_outmsg_charge(p, m);
    ptd_mutex_lock(&p->mu);
    p->n_ahead++;
    if (p->token_free) {
        p->token_free = false;
        p->has_token = true;
    }
    ptd_mutex_unlock(&p->mu);
    if (ptd_outlist_put(&p->pending, m) == PTD_OK)
        return;
    ptd_mutex_lock(&p->mu);
    p->n_ahead--;
    ptd_mutex_unlock(&p->mu);
    ptd_outmsg_finish(p, m, PTD_ENOMEM);
    ptd_peer_disconnect(p, PTD_ENOMEM, "out of memory for the send queue");
}

/* ---- limits -------------------------------------------------------------------- */

/* Room for one more message from somebody who is not the peer itself? */
static enum ptd_err admit(struct ptd_peer *p, enum manner manner)
{
    size_t queued = atomic_load_explicit(&p->queued, memory_order_relaxed);
    bool is_over_budget =
        queued > low_bytes(p) &&
        ptd_env_queued_bytes(p->env) > p->env->cfg.queue_budget_bytes;

    if (manner == MANNER_TRY)
        return queued > p->cfg.send_limit_bytes || is_over_budget ? PTD_EFULL
                                                                  : PTD_OK;
    if (queued > p->cfg.send_limit_bytes + QUEUE_SLACK_BYTES)
        ptd_peer_disconnect(p, PTD_ELIMIT, "send queue of %zu bytes", queued);
    else if (is_over_budget)
        ptd_peer_disconnect(p, PTD_ELIMIT,
                            "queues of all peers above their budget");
    return PTD_OK; /* a disconnected peer says so itself */
}

/* What signal_done() sends. */
static bool is_for_signals(const struct ptd_chan *done)
{
    size_t size = ptd_chan_elem_size(done);

    return size == 0 || size == sizeof(enum ptd_err);
}

/* On PTD_EFULL the message is still the caller's. */
static enum ptd_err attempt(struct ptd_peer *p, struct ptd_msg *msg,
                            struct ptd_chan *done, uint8_t encoding,
                            enum manner manner)
{
    struct outmsg m;
    enum ptd_err e = PTD_OK;

    if (is_own_callback(p)) {
        /* Before queue runs nobody empties output_q, and it is closed by the
         * last thread to leave: in would wait for itself. */
        if (ptd_peer_state(p) != PTD_PEER_READY)
            manner = MANNER_TRY;
    } else {
        e = admit(p, manner);
    }
    if (e == PTD_OK && done != NULL && ptd_chan_reserve(done) != PTD_OK)
        e = PTD_EFULL;
    if (e != PTD_OK)
        return e;
    ptd_outmsg_init(&m, msg, done, encoding);
    return accept_outmsg(p, &m, manner);
}

static enum ptd_err queue_message(struct ptd_peer *p, struct ptd_msg *msg,
                                  struct ptd_chan *done, uint8_t encoding,
                                  enum manner manner)
{
    enum ptd_err e = PTD_EINVAL;

    if (done == NULL || is_for_signals(done))
        e = attempt(p, msg, done, encoding, manner);
    if (e == PTD_EFULL && manner == MANNER_TRY &&
        p->cfg.hooks.on_room != NULL) {
        /* Say so first, then look again: room may have come in between. */
        atomic_store(&p->wants_room, true);
        e = attempt(p, msg, done, encoding, manner);
    }
    if (e == PTD_EFULL || e == PTD_EINVAL)
        ptd_msg_free(msg);
    return e;
}

enum ptd_err ptd_peer_queue(struct ptd_peer *p, struct ptd_msg *msg,
                            struct ptd_chan *done)
{
    return queue_message(p, msg, done, ENC_NEGOTIATED, MANNER_WAIT);
}

enum ptd_err ptd_peer_queue_encoded(struct ptd_peer *p, struct ptd_msg *msg,
                                    struct ptd_chan *done,
                                    enum ptd_encoding encoding)
{
    return queue_message(p, msg, done, (uint8_t)encoding, MANNER_WAIT);
}

enum ptd_err ptd_peer_try_queue(struct ptd_peer *p, struct ptd_msg *msg,
                                struct ptd_chan *done)
{
    return queue_message(p, msg, done, ENC_NEGOTIATED, MANNER_TRY);
}

/* ---- inventory --------------------------------------------------------------- */

enum ptd_err ptd_peer_queue_inv(struct ptd_peer *p, const struct ptd_inv *inv)
{
    enum ptd_err e;

    if (ptd_peer_knows_inv(p, inv))
        return PTD_OK;
    if (peer_is_stopping(p))
        return PTD_ECLOSED;
    if (atomic_load_explicit(&p->queued, memory_order_relaxed) >
        p->cfg.send_limit_bytes)
        return PTD_EFULL;
    e = ptd_chan_try_send(p->inv_q, inv);
    /* Once queue runs it never stops receiving; before, nobody may wait. */
    if (e == PTD_EFULL && ptd_peer_state(p) == PTD_PEER_READY)
        e = ptd_chan_send(p->inv_q, inv);
    return e;
}
