/* The ping thread queues a ping with a fresh nonce every two minutes, unless
 * the last one still waits for its pong. */
#include <config.h>

#include "peer/peer_int.h"

#include "base/rng.h"
#include "base/util.h"
#include "pentad/log.h"

PTD_LOG_TAG(PEER);

static uint64_t fresh_nonce(void)
{
    uint64_t nonce;

    do
        nonce = ptd_random_u64(); /* 0 means: none outstanding */
    while (nonce == 0);
    return nonce;
}

/* Another ping would start the time-out of an unanswered one anew, and a peer
 * that never answers would live for ever. */
static bool awaits_pong(struct ptd_peer *p)
{
    bool awaits;

    ptd_mutex_lock(&p->stats_mu);
    awaits = p->ping_nonce != 0;
    ptd_mutex_unlock(&p->stats_mu);
    return awaits;
}

static void ping(struct ptd_peer *p)
{
    struct ptd_msg *m;

    if (p->cfg.pong_us > 0 && awaits_pong(p))
        return;
    m = ptd_msg_new_nonce(PTD_MSG_PING, fresh_nonce());
    if (m == NULL) {
        ptd_log_warn("%s: no memory for a ping", p->name);
        return;
    }
    /* A peer that keeps up not even with pings gets none: its write deadline
     * or its unanswered ping ends it. */
    if (ptd_peer_try_queue(p, m, NULL) == PTD_EFULL)
        ptd_log_debug("%s: no ping, its queue is full", p->name);
}

void ptd_peer_ping_main(void *peer)
{
    struct ptd_peer *p = peer;
    int64_t next = p->cfg.first_ping_us < 0 || p->cfg.ping_us <= 0
                       ? PTD_NEVER
                       : p->ready_us + p->cfg.first_ping_us;

    while (ptd_chan_recv_until(p->quit, NULL, p->clk, next) == PTD_ETIMEOUT) {
        ping(p);
        next += p->cfg.ping_us; /* a rhythm, whatever this one took */
        next = PTD_MAX(next, ptd_clock_now_us(p->clk));
    }
    ptd_peer_leave(p);
}
