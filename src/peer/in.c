/* The in thread runs the handshake, then reads frames and runs the callbacks
 * one after the other. It blocks on the socket, or on the drain gate; an answer
 * that it has asked for and that comes at once may spare it the sleep. */
#include <config.h>

#include "peer/peer_int.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/hex.h"
#include "base/util.h"
#include "pentad/log.h"
#include "wire/encoded.h"

PTD_LOG_TAG(PEER);

#define LAST_WORD_US INT64_C(5000000) /* for a reject before a disconnect */

/* Answers from close by, see recv_answer(). */
enum {
    SLOW_US = 30, /* less: no core had to be woken from idleness */
    NEAR_US = 80, /* more: it comes from far away, or from a busy machine */
    LOOK_US = 60, /* what one look may take */
    LOOKS = 64
};

/* ---- time in handlers ------------------------------------------------------ */

void ptd_handler_start(struct ptd_peer *p)
{
    if (p->handler_since_us != 0) {
        ptd_log_warn("%s: handler started while one is active", p->name);
        return;
    }
    p->handler_since_us = ptd_clock_now_us(p->clk);
    /* One value, so that stall never sees the end of one and the start of
     * another. Handlers took less time than the clock shows: it is below 0. */
    atomic_store(&p->handlers_us, p->handler_total_us - p->handler_since_us);
}

void ptd_handler_done(struct ptd_peer *p)
{
    int64_t now;

    if (p->handler_since_us == 0) {
        ptd_log_warn("%s: handler done while none is active", p->name);
        return;
    }
    now = ptd_clock_now_us(p->clk);
    if (p->n_frames != p->n_frames_done) { /* bytes alone buy no time */
        p->n_frames_done = p->n_frames;
        atomic_store(&p->handled_us, now);
    }
    p->handler_total_us += now - p->handler_since_us;
    p->handler_since_us = 0;
    atomic_store(&p->handlers_us, p->handler_total_us); /* last: see stall */
}

/* ---- receiving --------------------------------------------------------------- */

/* Stall watches the byte rate while the rest of a frame is awaited. */
static void announce_wait(struct ptd_peer *p)
{
    uint64_t frame = ptd_conn_in_frame(p->conn) ? p->n_frames + 1 : 0;

    if (atomic_load_explicit(&p->rx_frame, memory_order_relaxed) == frame)
        return;
    if (frame != 0) {
        /* The bytes came at the last receive: no need to ask the clock. */
        int64_t since = p->handler_since_us;

        atomic_store_explicit(&p->rx_bytes, ptd_conn_bytes_recv(p->conn),
                              memory_order_relaxed);
        atomic_store_explicit(&p->rx_since_us, since, memory_order_relaxed);
        atomic_store(&p->rx_frame, frame);
        if (p->cfg.min_rate != 0)
            ptd_stall_nudge(p, since + RATE_WINDOW_US);
    } else {
        atomic_store(&p->rx_frame, 0);
    }
}

static enum ptd_err end_of_stream(struct ptd_peer *p, enum ptd_err e)
{
    if (e == PTD_EEOF)
        ptd_peer_disconnect(p, e, "socket closed");
    else
        ptd_peer_disconnect(p, e, "socket receive error: %s",
                            e == PTD_EIO ? strerror(errno) : ptd_err_text(e));
    return e;
}

static enum ptd_err lost_stream(struct ptd_peer *p, enum ptd_err e,
                                const struct ptd_frame *f)
{
    char hex[9];

    if (e == PTD_EMAGIC) {
        ptd_hex_encode(hex, f->got, 4);
        ptd_peer_disconnect(
            p, e, "Header error: Wrong MessageStart %s received", hex);
    } else if (e == PTD_ETOOBIG) {
        ptd_peer_disconnect(p, e,
                            "Header error: Size too large (%s, %zu bytes)",
                            f->command, f->n);
    } else {
        ptd_peer_disconnect(p, e, "stream error: %s", ptd_err_text(e));
    }
    return e;
}

/* Look for an answer until LOOK_US are over; whoever else can run goes first. */
static enum ptd_err look_for_answer(struct ptd_peer *p, size_t *n)
{
    int64_t until = ptd_clock_now_us(NULL) + LOOK_US;
    enum ptd_err e;

    while ((e = ptd_conn_recv(p->conn, MSG_DONTWAIT, n)) == PTD_EAGAIN &&
           ptd_clock_now_us(NULL) < until)
        sched_yield();
    return e;
}

/* What the time tells that an answer took for which in slept. */
static void learn_from_answer(struct ptd_peer *p, int64_t us)
{
    if (p->looks < 0)
        p->looks++;
    else if (p->looks == 0 && us >= SLOW_US && us <= NEAR_US)
        p->looks = LOOKS;
}

/* Who is close by, on this machine or next to it, answers at once; but where a
 * core has gone idle meanwhile, to be woken takes longer than the answer. Then,
 * as the last answers tell, in looks for the next ones a little before it
 * blocks. Once in vain, and it sleeps for as many as it would have looked for;
 * nobody is looked for who is far away or was not asked, and one at a time. */
static enum ptd_err recv_answer(struct ptd_peer *p, size_t *n)
{
    enum ptd_err e = PTD_EAGAIN;
    int64_t since;

    if (p->looks > 0 && !atomic_flag_test_and_set(&p->env->is_looking)) {
        e = look_for_answer(p, n);
        atomic_flag_clear(&p->env->is_looking);
        p->looks = e != PTD_EAGAIN ? p->looks - 1 : -LOOKS;
    }
    if (e != PTD_EAGAIN)
        return e;
    since = ptd_clock_now_us(NULL);
    e = ptd_conn_recv(p->conn, 0, n);
    learn_from_answer(p, ptd_clock_now_us(NULL) - since);
    return e;
}

static enum ptd_err recv_more(struct ptd_peer *p, size_t *n)
{
    bool has_asked = p->has_asked;

    p->has_asked = false;
    return has_asked ? recv_answer(p, n) : ptd_conn_recv(p->conn, 0, n);
}

enum ptd_err ptd_in_next_frame(struct ptd_peer *p, struct ptd_frame *f)
{
    size_t n;
    enum ptd_err e;

    while ((e = ptd_conn_next(p->conn, f)) == PTD_EAGAIN) {
        if (peer_is_stopping(p))
            return PTD_ECLOSED;
        announce_wait(p);
        ptd_handler_done(p);
        e = recv_more(p, &n);
        ptd_handler_start(p);
        if (e != PTD_OK)
            return end_of_stream(p, e);
    }
    if (e != PTD_OK)
        return lost_stream(p, e, f);
    p->n_frames++;
    return PTD_OK;
}

/* ---- the drain gate ------------------------------------------------------------ */

static bool is_drained(struct ptd_peer *p)
{
    return atomic_load(&p->queued) <= p->cfg.send_limit_bytes / 2;
}

/* Read on, unhandled, up to the receive limit: the other side may be waiting
 * for us to read before it reads us. */
static enum ptd_err read_on(struct ptd_peer *p, int wake_fd)
{
    bool has_room = ptd_conn_buffered(p->conn) < p->cfg.recv_limit_bytes;
    struct pollfd on[2] = {
        { .fd = wake_fd, .events = POLLIN },
        { .fd = ptd_conn_fd(p->conn), .events = POLLIN },
    };
    size_t n;
    enum ptd_err e;

    if (poll(on, has_room ? 2 : 1, -1) < 0)
        return errno == EINTR ? PTD_OK : PTD_EIO;
    if (on[0].revents != 0) { /* clear first, then look again */
        struct ptd_latch wake = { .fd = wake_fd };

        ptd_latch_clear(&wake);
    }
    if (!has_room || on[1].revents == 0)
        return PTD_OK;
    e = ptd_conn_recv(p->conn, MSG_DONTWAIT, &n);
    return e == PTD_EAGAIN ? PTD_OK : e;
}

enum ptd_err ptd_in_pause(struct ptd_peer *p)
{
    struct ptd_latch wake;
    enum ptd_err e = ptd_latch_init(&wake);

    if (e != PTD_OK) {
        ptd_peer_disconnect(p, e, "no descriptor left to pause with");
        return e;
    }
    ptd_log_debug("%s: paused, %zu bytes wait to be sent", p->name,
                  atomic_load(&p->queued));
    atomic_store(&p->rx_frame, 0);
    ptd_mutex_lock(&p->mu);
    p->wake = wake;
    p->paused = true;
    ptd_mutex_unlock(&p->mu);

    while (e == PTD_OK && !is_drained(p) && !peer_is_stopping(p))
        e = read_on(p, wake.fd);

    ptd_mutex_lock(&p->mu);
    p->paused = false;
    ptd_mutex_unlock(&p->mu);
    ptd_latch_fini(&wake);
    if (e != PTD_OK)
        return end_of_stream(p, e);
    return peer_is_stopping(p) ? PTD_ECLOSED : PTD_OK;
}

static enum ptd_err gate(struct ptd_peer *p)
{
    if (PTD_LIKELY(atomic_load_explicit(&p->queued, memory_order_relaxed) <=
                   p->cfg.send_limit_bytes))
        return PTD_OK;
    return ptd_in_pause(p);
}

/* ---- from frame to message ------------------------------------------------------- */

static void count(struct ptd_peer *p, const struct ptd_frame *f)
{
    _Atomic uint64_t *n = &p->recv[f->type].n, *b = &p->recv[f->type].bytes;

    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    atomic_store_explicit(
        b, atomic_load_explicit(b, memory_order_relaxed) + f->wire_bytes,
        memory_order_relaxed);
    atomic_store_explicit(&p->last_recv_us, p->handler_since_us,
                          memory_order_relaxed);
}

static void on_read(struct ptd_peer *p, const struct ptd_frame *f,
                    struct ptd_msg *m, enum ptd_err err)
{
    if (p->cfg.hooks.on_read != NULL)
        p->cfg.hooks.on_read(p, f->wire_bytes, m, err, p->cfg.hooks.arg);
}

/* A reject that is to be on the wire before the disconnect; a peer that does
 * not read waits in vain. */
static void last_reject(struct ptd_peer *p, const char *command,
                        enum ptd_reject_code code, const char *reason)
{
    struct ptd_chan *done;
    struct ptd_msg *m;

    if (!peer_takes_reject(p))
        return;
    done = ptd_chan_new(0, 1);
    m = ptd_msg_new_reject(command, code, reason, NULL);
    if (done != NULL && m != NULL && ptd_peer_queue(p, m, done) == PTD_OK)
        (void)!ptd_chan_recv_until(done, NULL, p->clk,
                                   ptd_clock_now_us(p->clk) + LAST_WORD_US);
    else if (done == NULL)
        ptd_msg_free(m);
    ptd_chan_free(done);
}

/* Lists whose sender knows how long they may be. */
static bool is_counted(enum ptd_msg_type type)
{
    return type == PTD_MSG_INV || type == PTD_MSG_GETDATA ||
           type == PTD_MSG_NOTFOUND || type == PTD_MSG_HEADERS ||
           type == PTD_MSG_ADDR || type == PTD_MSG_ADDRV2 ||
           type == PTD_MSG_GETBLOCKS || type == PTD_MSG_GETHEADERS;
}

/* BIP 37: so does the maker of a filter. */
static bool is_filter(enum ptd_msg_type type)
{
    return type == PTD_MSG_FILTERLOAD || type == PTD_MSG_FILTERADD;
}

/* Its count is over the limit: the decoder says so, or the whole is longer than
 * the longest list. */
static bool is_overlong(const struct ptd_frame *f,
                        const struct ptd_wire_error *we)
{
    if (!is_counted(f->type) && !is_filter(f->type))
        return false;
    if (we == NULL)
        return f->err == PTD_ETOOBIG;
    return we->err == PTD_ETOOBIG &&
           (is_filter(f->type) || strcmp(we->field, "count") == 0);
}

/* Tolerance has an end: hashing what is thrown away costs us more than making
 * it up costs the peer. */
static bool is_tolerable(struct ptd_peer *p, const struct ptd_frame *f,
                         bool overlong)
{
    if (f->err == PTD_ECOMMAND) /* no worse than an unknown one */
        return p->cfg.conduct == PTD_CONDUCT_TOLERANT;
    p->n_bad++;
    p->bad_bytes += f->wire_bytes;
    return p->cfg.conduct == PTD_CONDUCT_TOLERANT && !overlong &&
           p->n_bad <= BAD_MAX && p->bad_bytes <= BAD_MAX_BYTES;
}

/* A message that we cannot take: strict ends the peer, tolerant goes on, save
 * for counts over their limits. */
static enum ptd_err malformed(struct ptd_peer *p, const struct ptd_frame *f,
                              enum ptd_err err, const struct ptd_wire_error *we,
                              const char *why)
{
    ptd_log_debug("%s: %s", p->name, why);
    on_read(p, f, NULL, err);
    if (p->cfg.conduct == PTD_CONDUCT_TOLERANT && is_overlong(f, we) &&
        p->cfg.hooks.on_excess != NULL)
        return p->cfg.hooks.on_excess(p, err, why, p->cfg.hooks.arg);
    if (is_tolerable(p, f, is_overlong(f, we)))
        return PTD_OK;
    if (p->cfg.conduct == PTD_CONDUCT_STRICT && peer_takes_reject(p)) {
        if (ptd_peer_state(p) == PTD_PEER_READY)
            last_reject(p, f->command, PTD_REJECT_MALFORMED, why);
        else
            ptd_handshake_reject(p, f->command, PTD_REJECT_MALFORMED, why);
    }
    ptd_peer_disconnect(p, err, "%s", why);
    return err;
}

static enum ptd_err bad_frame(struct ptd_peer *p, const struct ptd_frame *f)
{
    uint32_t n = f->wire_bytes - PTD_V1_HEADER_BYTES;
    char why[128], want[9], got[9];

    if (f->err == PTD_ECHECKSUM) {
        ptd_hex_encode(want, f->got, 4);
        ptd_hex_encode(got, f->want, 4);
        snprintf(why, sizeof why,
                 "Header error: Wrong checksum (%s, %u bytes), expected %s "
                 "was %s",
                 f->command, n, want, got);
    } else if (f->err == PTD_ECOMMAND) {
        snprintf(why, sizeof why, "Header error: Invalid message type");
    } else {
        snprintf(why, sizeof why, "%s of %u bytes, limit %u", f->command, n,
                 ptd_msg_max_payload(f->type, p->cfg.pver));
    }
    return malformed(p, f, f->err, NULL, why);
}

/* Who answers without a nonce is alive all the same. */
static void forgive_ping(struct ptd_peer *p)
{
    ptd_mutex_lock(&p->stats_mu);
    p->ping_nonce = 0;
    ptd_mutex_unlock(&p->stats_mu);
}

static enum ptd_err bad_payload(struct ptd_peer *p, const struct ptd_frame *f,
                                const struct ptd_wire_error *we)
{
    char text[128], why[256];

    if (f->type == PTD_MSG_ADDRV2 && we->err == PTD_ETOOBIG)
        snprintf(text, sizeof text, "Address too long: %" PRIu64 " > %" PRIu64,
                 we->got, we->limit);
    else
        ptd_wire_error_text(we, text, sizeof text);
    if (f->type == PTD_MSG_PONG)
        forgive_ping(p);
    if (f->type == PTD_MSG_PONG && we->err == PTD_ESHORT)
        snprintf(why, sizeof why, "pong %s: Short payload", p->name);
    else if (is_overlong(f, we) &&
             (f->type == PTD_MSG_GETBLOCKS || f->type == PTD_MSG_GETHEADERS))
        snprintf(why, sizeof why, "%s locator size %" PRIu64 " > %" PRIu64,
                 f->command, we->got, we->limit);
    else if (is_overlong(f, we))
        snprintf(why, sizeof why, "%s message size = %" PRIu64, f->command,
                 we->got);
    else
        snprintf(why, sizeof why,
                 "ProcessMessages(%s, %zu bytes): Exception: %s%s", f->command,
                 f->n, text, we->err == PTD_ESHORT ? " (end of data)" : "");
    return malformed(p, f, we->err, we, why);
}

/* m NULL: it could not be decoded. */
static void log_received(struct ptd_peer *p, const struct ptd_frame *f,
                         const struct ptd_msg *m)
{
    char text[160];

    if (m == NULL) {
        ptd_log_debug("received: %s (%zu bytes) %s", f->command, f->n, p->name);
        return;
    }
    if (ptd_log_wants(PTD_LOG_DEBUG))
        ptd_log_debug("received: %s (%zu bytes) %s: %s", f->command, f->n,
                      p->name, ptd_msg_summary(m, text, sizeof text));
    if (ptd_log_wants(PTD_LOG_TRACE)) {
        char *dump = ptd_msg_dump(m, 20);

        ptd_log_trace("%s received %s", p->name, dump != NULL ? dump : "");
        free(dump);
    }
}

static void unknown(struct ptd_peer *p, const struct ptd_frame *f)
{
    log_received(p, f, NULL);
    ptd_log_debug("Unknown message type \"%s\" from %s", f->command, p->name);
    on_read(p, f, NULL, PTD_EUNKNOWN);
    if (p->cfg.hooks.on_unknown != NULL)
        p->cfg.hooks.on_unknown(p, f->command, f->wire_bytes, p->cfg.hooks.arg);
}

enum ptd_err ptd_in_decode(struct ptd_peer *p, struct ptd_frame *f,
                           struct ptd_msg **out)
{
    struct ptd_codec cx = {
        .pver = atomic_load_explicit(&p->pver, memory_order_relaxed),
        .encoding = atomic_load_explicit(&p->witness, memory_order_relaxed)
                        ? PTD_ENC_WITNESS
                        : PTD_ENC_BASE,
    };
    struct ptd_wire_error we = { 0 };
    enum ptd_err e;

    *out = NULL;
    count(p, f);
    if (f->err != PTD_OK)
        return bad_frame(p, f);
    if (f->type == PTD_MSG_UNKNOWN) {
        unknown(p, f);
        return PTD_OK;
    }
    e = ptd_msg_decode_from(out, f->type, f->payload, f->n, f->buf,
                            ptd_bufpool_mem(p->env->bufs), &cx, &we);
    if (e == PTD_EVERSION) {
        unknown(p, f); /* no such message in what we agreed on */
        return PTD_OK;
    }
    if (e == PTD_ENOMEM) {
        ptd_peer_disconnect(p, e, "out of memory for %s", f->command);
        return e;
    }
    if (e != PTD_OK) {
        log_received(p, f, NULL);
        return bad_payload(p, f, &we);
    }
    if (ptd_msg_trailing_bytes(*out) != 0)
        atomic_fetch_add_explicit(&p->n_trailing, 1, memory_order_relaxed);
    log_received(p, f, *out);
    on_read(p, f, *out, PTD_OK);
    return PTD_OK;
}

/* Kinds that the peer itself has a use for. */
static bool is_used(enum ptd_msg_type type)
{
    return type == PTD_MSG_VERSION || type == PTD_MSG_VERACK ||
           type == PTD_MSG_PING || type == PTD_MSG_PONG ||
           type == PTD_MSG_SENDHEADERS || type == PTD_MSG_SENDADDRV2 ||
           type == PTD_MSG_WTXIDRELAY || type == PTD_MSG_FEATURE;
}

/* ---- callbacks -------------------------------------------------------------------- */

enum ptd_err ptd_in_dispatch(struct ptd_peer *p, struct ptd_msg *m)
{
    for (;;) {
        struct ptd_listener l;
        enum ptd_err e;

        ptd_mutex_lock(&p->mu);
        l = p->cfg.on_msg[m->type];
        ptd_mutex_unlock(&p->mu);
        if (l.fn == NULL) {
            if (!is_used(m->type))
                ptd_log_debug("%s: unhandled %s", p->name,
                              ptd_msg_type_command(m->type));
            return PTD_OK;
        }
        e = l.fn(p, m, l.arg);
        if (peer_is_stopping(p))
            return PTD_ECLOSED;
        if (e == PTD_OK)
            return PTD_OK;
        /* Nothing drains before the handshake is done: again has no end. */
        if (e == PTD_EAGAIN && ptd_peer_state(p) != PTD_PEER_READY)
            e = PTD_EINVAL;
        if (e != PTD_EAGAIN) {
            ptd_peer_disconnect(p, e, "%s handler: %s",
                                ptd_msg_type_command(m->type), ptd_err_text(e));
            return e;
        }
        if (!is_drained(p) && (e = ptd_in_pause(p)) != PTD_OK)
            return e;
    }
}

/* ---- what the peer itself does with a message --------------------------------------- */

static enum ptd_err answer_ping(struct ptd_peer *p,
                                const struct ptd_msg_nonce *ping)
{
    struct ptd_msg *pong;

    /* BIP 31: a ping of version 60000 and below is not answered. */
    if (atomic_load_explicit(&p->pver, memory_order_relaxed) <= PTD_PVER_BIP31)
        return PTD_OK;
    pong = ptd_msg_new_nonce(PTD_MSG_PONG, ping->nonce);
    if (pong == NULL) {
        ptd_peer_disconnect(p, PTD_ENOMEM, "out of memory for a pong");
        return PTD_ENOMEM;
    }
    return ptd_peer_queue(p, pong, NULL);
}

static void take_pong(struct ptd_peer *p, const struct ptd_msg_nonce *pong)
{
    int64_t now = ptd_clock_now_us(p->clk), rtt;
    const char *problem = NULL;
    uint64_t want;

    ptd_mutex_lock(&p->stats_mu);
    want = p->ping_nonce;
    rtt = now - p->ping_sent_us;
    if (want == 0)
        problem = "Unsolicited pong without ping";
    else if (pong->nonce == 0)
        problem = "Nonce zero";
    else if (pong->nonce != want)
        problem = "Nonce mismatch";
    if (want != 0 && (pong->nonce == want || pong->nonce == 0)) {
        p->ping_nonce = 0;
    } else if (want != 0 && pong->nonce == p->first_ping_nonce) {
        /* Late, behind another ping: that one is the first now. */
        p->first_ping_nonce = want;
        p->first_ping_us = p->ping_sent_us;
    }
    if (problem == NULL) {
        p->ping_us = rtt;
        if (p->ping_min_us < 0 || rtt < p->ping_min_us)
            p->ping_min_us = rtt;
    }
    ptd_mutex_unlock(&p->stats_mu);
    if (problem != NULL)
        ptd_log_debug(
            "pong %s: %s, %" PRIx64 " expected, %" PRIx64 " received, %u bytes",
            p->name, problem, want, pong->nonce, pong->msg.payload_bytes);
}

/* A notfound may name 50,000: others get at the lock in between. */
static void clear_not_found(struct ptd_peer *p, const struct ptd_msg_inv *m,
                            int64_t now, int64_t handlers)
{
    enum { AT_ONCE = 256 };

    for (uint32_t i = 0; i < m->n;) {
        uint32_t end = PTD_MIN(m->n, i + AT_ONCE);

        ptd_mutex_lock(&p->mu);
        for (; i < end; i++)
            ptd_requests_got(p->requests, &m->list[i].hash, now, handlers);
        ptd_mutex_unlock(&p->mu);
    }
}

static void clear_requests(struct ptd_peer *p, const struct ptd_msg *m)
{
    int64_t now = ptd_clock_now_us(p->clk);
    int64_t handlers = ptd_handlers_us(p, now);
    struct ptd_hash txid, wtxid;
    bool is_tx = m->type == PTD_MSG_TX;

    if (m->type == PTD_MSG_NOTFOUND) {
        clear_not_found(p, (const struct ptd_msg_inv *)m, now, handlers);
        return;
    }
    if (is_tx) { /* asked for by either id */
        const struct ptd_tx *tx = &((const struct ptd_msg_tx *)m)->tx;

        if (ptd_tx_txid(tx, &txid) != PTD_OK ||
            ptd_tx_wtxid(tx, &wtxid) != PTD_OK)
            return;
    } else {
        /* block, merkleblock, cmpctblock: the header comes first in each */
        ptd_block_header_hash(&((const struct ptd_msg_block *)m)->header,
                              &txid);
    }
    ptd_mutex_lock(&p->mu);
    ptd_requests_got(p->requests, &txid, now, handlers);
    if (is_tx && !ptd_hash_eq(&txid, &wtxid))
        ptd_requests_got(p->requests, &wtxid, now, handlers);
    ptd_mutex_unlock(&p->mu);
}

static void note_answer(struct ptd_peer *p, const struct ptd_msg *m)
{
    bool has_any, has_tx;

    ptd_mutex_lock(&p->mu);
    has_any = p->requests != NULL && p->requests->n > 0;
    has_tx = has_any && p->requests->n_tx > 0;
    if (has_any && (m->type == PTD_MSG_INV || m->type == PTD_MSG_HEADERS))
        ptd_requests_answered(p->requests, m->type, 0, 0);
    ptd_mutex_unlock(&p->mu);
    if ((has_any &&
         (m->type == PTD_MSG_BLOCK || m->type == PTD_MSG_MERKLEBLOCK ||
          m->type == PTD_MSG_CMPCTBLOCK || m->type == PTD_MSG_NOTFOUND)) ||
        (has_tx && m->type == PTD_MSG_TX))
        clear_requests(p, m);
}

/* Version, verack and feature messages have their time before verack. */
static enum ptd_err out_of_place(struct ptd_peer *p, struct ptd_msg *m)
{
    bool is_strict = p->cfg.conduct == PTD_CONDUCT_STRICT;

    if (m->type == PTD_MSG_VERSION) {
        ptd_log_debug("redundant version message from peer %s", p->name);
        if (!is_strict)
            return PTD_OK;
        last_reject(p, "version", PTD_REJECT_DUPLICATE,
                    "duplicate version message");
        ptd_peer_disconnect(p, PTD_EPROTO, "duplicate version message");
        return PTD_EPROTO;
    }
    if (m->type == PTD_MSG_VERACK) {
        ptd_log_debug("ignoring redundant verack message %s", p->name);
        if (!is_strict)
            return PTD_OK;
        ptd_peer_disconnect(p, PTD_EPROTO, "second verack");
        return PTD_EPROTO;
    }
    ptd_peer_disconnect(p, PTD_EPROTO, "%s received after verack",
                        ptd_msg_type_command(m->type));
    return PTD_EPROTO;
}

static enum ptd_err handle(struct ptd_peer *p, struct ptd_msg *m)
{
    enum ptd_err e = PTD_OK;

    note_answer(p, m);
    if (m->type == PTD_MSG_PING)
        e = answer_ping(p, (const struct ptd_msg_nonce *)m);
    else if (m->type == PTD_MSG_PONG)
        take_pong(p, (const struct ptd_msg_nonce *)m);
    else if (m->type == PTD_MSG_SENDHEADERS)
        atomic_store_explicit(&p->wants_headers, true, memory_order_relaxed);
    else if (m->type == PTD_MSG_VERSION || m->type == PTD_MSG_VERACK ||
             m->type == PTD_MSG_WTXIDRELAY || m->type == PTD_MSG_SENDADDRV2 ||
             m->type == PTD_MSG_SENDTXRCNCL || m->type == PTD_MSG_FEATURE)
        return out_of_place(p, m);
    if (e == PTD_OK)
        e = ptd_in_dispatch(p, m);
    return e;
}

static enum ptd_err read_messages(struct ptd_peer *p)
{
    struct ptd_frame f;
    enum ptd_err e;

    while ((e = ptd_in_next_frame(p, &f)) == PTD_OK) {
        struct ptd_msg *m;

        e = ptd_in_decode(p, &f, &m);
        if (m != NULL && !peer_is_stopping(p))
            e = handle(p, m);
        ptd_msg_free(m);
        if (e == PTD_OK)
            e = gate(p);
        if (e != PTD_OK || peer_is_stopping(p))
            break;
    }
    return e;
}

void ptd_peer_in_main(void *peer)
{
    struct ptd_peer *p = peer;

    atomic_store(&p->in_self, ptd_thread_self_id());
    ptd_handler_start(p);
    if (ptd_handshake(p) == PTD_OK)
        (void)!read_messages(p); /* whoever ended it said why */
    ptd_handler_done(p);
    ptd_peer_disconnect(p, PTD_ECLOSED, "input ended");
    atomic_store(&p->in_self, 0);
    ptd_peer_leave(p);
}
