/* The stall thread keeps every deadline of the peer: handshake, idle, write,
 * byte rate, pong, answers. It sleeps to the earliest; whoever makes an earlier
 * one wakes it. No ticks: an idle peer costs no CPU.
 *
 * Time that our own callbacks take is forgiven: messages wait unread meanwhile,
 * and that is not the peer's fault. */
#include <config.h>

#include "peer/peer_int.h"

#include <stdio.h>

#include "base/util.h"
#include "pentad/log.h"

PTD_LOG_TAG(PEER);

int64_t ptd_handlers_us(const struct ptd_peer *p, int64_t now_us)
{
    int64_t us = atomic_load(&p->handlers_us);

    return us < 0 ? us + now_us : us;
}

/* The one who sets a deadline stores it first, then reads armed; stall stores
 * armed first, then looks at the deadlines again. One of the two notices. */
void ptd_stall_nudge(struct ptd_peer *p, int64_t due_us)
{
    if (due_us < atomic_load(&p->armed_us))
        (void)!ptd_chan_try_send(p->stall_q, NULL); /* one signal is enough */
}

/* One kind of deadline: when it is due, and what is said when it has passed. */
struct due {
    int64_t at_us;
    enum ptd_err err;
    const char *why;
};

static int64_t sum(int64_t since_us, int64_t wait_us)
{
    return wait_us > 0 ? since_us + wait_us : PTD_NEVER;
}

/* Not before the grace that every connection has from its start. */
static int64_t graced(const struct ptd_peer *p, int64_t at_us)
{
    return at_us == PTD_NEVER ? at_us
                              : PTD_MAX(at_us, p->start_us + p->cfg.grace_us);
}

static int64_t handshake_due(struct ptd_peer *p)
{
    bool is_under_way;

    ptd_mutex_lock(&p->mu);
    is_under_way = p->state == PTD_PEER_HANDSHAKE;
    ptd_mutex_unlock(&p->mu);
    return is_under_way ? sum(p->start_us, p->cfg.handshake_us) : PTD_NEVER;
}

/* Since when nothing but the peer is awaited: while a handler runs nothing is
 * read, and its end is stored before it counts as ended. */
static int64_t awaited_since(struct ptd_peer *p, int64_t now)
{
    if (atomic_load(&p->handlers_us) < 0)
        return now;
    return atomic_load(&p->handled_us);
}

static int64_t idle_due(struct ptd_peer *p, int64_t now)
{
    return graced(p, sum(awaited_since(p, now), p->cfg.idle_us));
}

/* What a blocked write must have brought to the other side by now. */
static uint64_t least_acked(const struct ptd_peer *p, int64_t us)
{
    uint64_t n = (uint64_t)(us / 1000000) * p->cfg.min_rate;

    return PTD_MAX(n, UINT64_C(1));
}

/* The other side may read as slowly as it may send: the time of a write that
 * makes progress begins anew. */
static int64_t write_due(struct ptd_peer *p, int64_t now)
{
    int_fast64_t since = atomic_load(&p->write_since_us);
    int64_t at =
        since != 0 ? graced(p, sum(since, p->cfg.write_us)) : PTD_NEVER;
    uint64_t acked;

    if (at > now)
        return at;
    acked = ptd_conn_bytes_acked(p->conn);
    if (acked - atomic_load(&p->write_acked) < least_acked(p, now - since))
        return at;
    /* Unless it ended meanwhile. If another began, that one has more time, by
     * what was taken in between. */
    atomic_store(&p->write_acked, acked);
    if (!atomic_compare_exchange_strong(&p->write_since_us, &since, now))
        return PTD_NEVER;
    return graced(p, sum(now, p->cfg.write_us));
}

/* Part of a frame is here and the rest is awaited: over each window a minimum
 * of bytes must arrive. */
static int64_t rate_due(struct ptd_peer *p, int64_t now)
{
    int64_t awaited = awaited_since(p, now);
    uint64_t frame = atomic_load(&p->rx_frame);
    uint64_t bytes;

    if (frame == 0 || p->cfg.min_rate == 0)
        return PTD_NEVER;
    if (frame != p->rate_frame) {
        p->rate_frame = frame;
        p->rate_since_us = atomic_load(&p->rx_since_us);
        p->rate_bytes = atomic_load(&p->rx_bytes);
    }
    bytes = ptd_conn_bytes_recv(p->conn);
    if (now >= p->rate_since_us + RATE_WINDOW_US &&
        bytes - p->rate_bytes >= (uint64_t)p->cfg.min_rate * RATE_WINDOW_S) {
        p->rate_since_us = now;
        p->rate_bytes = bytes;
    }
    if (awaited > p->rate_since_us) {
        p->rate_since_us = awaited;
        p->rate_bytes = bytes;
    }
    return graced(p, p->rate_since_us + RATE_WINDOW_US);
}

static int64_t pong_due(struct ptd_peer *p)
{
    int64_t sent = 0;

    ptd_mutex_lock(&p->stats_mu);
    if (p->ping_nonce != 0)
        sent = p->first_ping_us;
    ptd_mutex_unlock(&p->stats_mu);
    return sent != 0 ? graced(p, sum(sent, p->cfg.pong_us)) : PTD_NEVER;
}

/* Answers are overdue at the next tick of the peer's own rhythm, as in the
 * original; 0: at once. */
static int64_t ticked(const struct ptd_peer *p, int64_t at_us)
{
    int64_t tick = p->cfg.stall_tick_us, age = at_us - p->start_us;

    if (at_us == PTD_NEVER || tick <= 0)
        return at_us;
    return p->start_us + (age + tick - 1) / tick * tick;
}

static int64_t reply_due(struct ptd_peer *p, int64_t now)
{
    int64_t at, handlers = ptd_handlers_us(p, now);

    ptd_mutex_lock(&p->mu);
    at = ptd_requests_deadline(p->requests, handlers);
    ptd_mutex_unlock(&p->mu);
    return graced(p, ticked(p, at));
}

/* The same words as Bitcoin Core: scripts look for them. */
static void end_handshake(struct ptd_peer *p)
{
    bool has_sent = ptd_conn_bytes_sent(p->conn) != 0;
    bool has_recv = ptd_conn_bytes_recv(p->conn) != 0;
    int seconds = (int)(p->cfg.handshake_us / 1000000);

    if (has_sent && has_recv)
        ptd_peer_disconnect(p, PTD_ETIMEOUT, "version handshake timeout");
    else
        ptd_peer_disconnect(
            p, PTD_ETIMEOUT, "socket no message in first %d seconds%s%s",
            seconds, has_recv ? "" : ", never received from peer",
            has_sent ? "" : ", never sent to peer");
}

static void end_pong(struct ptd_peer *p, int64_t now)
{
    int64_t sent;

    ptd_mutex_lock(&p->stats_mu);
    sent = p->first_ping_us;
    ptd_mutex_unlock(&p->stats_mu);
    ptd_peer_disconnect(p, PTD_ETIMEOUT, "ping timeout: %.6fs",
                        (double)(now - sent) / 1e6);
}

static void expire_requests(struct ptd_peer *p, int64_t now)
{
    int64_t handlers = ptd_handlers_us(p, now);
    enum ptd_msg_type hard;
    uint32_t n_soft;

    ptd_mutex_lock(&p->mu);
    hard = ptd_requests_expire(p->requests, now, handlers, &n_soft);
    ptd_mutex_unlock(&p->mu);
    if (n_soft > 0)
        ptd_log_debug("%s: %u requests whose answer may be empty got none",
                      p->name, n_soft);
    if (hard != PTD_MSG_UNKNOWN)
        ptd_peer_disconnect(p, PTD_ETIMEOUT, "no answer to %s",
                            ptd_msg_type_command(hard));
}

/* Carry out what is due, give the earliest deadline that is left. */
static int64_t look(struct ptd_peer *p)
{
    int64_t now = ptd_clock_now_us(p->clk), next = PTD_NEVER, at;

    if ((at = handshake_due(p)) <= now)
        end_handshake(p);
    next = PTD_MIN(next, at);
    if ((at = idle_due(p, now)) <= now)
        ptd_peer_disconnect(p, PTD_ETIMEOUT, "no message for %d seconds",
                            (int)(p->cfg.idle_us / 1000000));
    next = PTD_MIN(next, at);
    if ((at = write_due(p, now)) <= now)
        ptd_peer_disconnect(p, PTD_ETIMEOUT,
                            "a write made no progress for %d seconds",
                            (int)(p->cfg.write_us / 1000000));
    next = PTD_MIN(next, at);
    if ((at = rate_due(p, now)) <= now)
        ptd_peer_disconnect(p, PTD_ETIMEOUT,
                            "less than %u bytes a second of a message",
                            p->cfg.min_rate);
    next = PTD_MIN(next, at);
    if ((at = pong_due(p)) <= now)
        end_pong(p, now);
    next = PTD_MIN(next, at);
    if (reply_due(p, now) <= now)
        expire_requests(p, now);
    return PTD_MIN(next, reply_due(p, now));
}

static int64_t arm(struct ptd_peer *p)
{
    int64_t at = PTD_NEVER, again = look(p);

    do {
        at = again;
        atomic_store(&p->armed_us, at);
        again = look(p);
    } while (again < at && !peer_is_stopping(p));
    return at;
}

void ptd_peer_stall_main(void *peer)
{
    struct ptd_peer *p = peer;

    while (!peer_is_stopping(p)) {
        enum { LOOK, QUIT, N };
        struct ptd_case on[N] = {
            [LOOK] = PTD_RECV(p->stall_q, NULL),
            [QUIT] = PTD_RECV(p->quit, NULL),
        };
        int64_t at = arm(p);

        if (peer_is_stopping(p))
            break;
        (void)ptd_select(on, N, p->clk, at);
    }
    ptd_chan_close(p->stall_q);
    ptd_peer_leave(p);
}
