/* The queue thread keeps callers from waiting for the socket, and batches
 * inventory. It never blocks on anything but its select. */
#include <config.h>

#include "peer/peer_int.h"

#include <string.h>

#include "base/alloc.h"
#include "base/util.h"

static void pend(struct ptd_peer *p, struct outmsg *m)
{
    if (ptd_outlist_put(&p->pending, m) == PTD_OK)
        return;
    ptd_outmsg_finish(p, m, PTD_ENOMEM);
    ptd_mutex_lock(&p->mu);
    p->n_ahead--;
    ptd_mutex_unlock(&p->mu);
    ptd_peer_disconnect(p, PTD_ENOMEM, "out of memory for the send queue");
}

/* What else is there already, in one go. */
static void take_more(struct ptd_peer *p)
{
    struct outmsg more[32];
    size_t n;

    while (ptd_chan_try_recv_many(p->output_q, more, PTD_COUNT(more), &n) ==
           PTD_OK)
        for (size_t i = 0; i < n; i++)
            pend(p, &more[i]);
}

/* All that is pending becomes the batch, and out gets the token. */
static void pass_on(struct ptd_peer *p)
{
    struct outlist empty = p->batch;

    PTD_ASSERT(empty.n == 0);
    ptd_mutex_lock(&p->mu);
    p->n_ahead -= p->pending.n;
    ptd_mutex_unlock(&p->mu);
    p->batch = p->pending;
    p->pending = empty;
    p->n_added = 0;
    p->has_token = false;
    ptd_token_to_out(p);
}

/* ---- inventory ----------------------------------------------------------- */

static void send_inv(struct ptd_peer *p, const struct ptd_inv *list, size_t n)
{
    struct ptd_msg *msg = ptd_msg_new_inv(PTD_MSG_INV, list, n);
    struct outmsg m;

    if (msg == NULL)
        return; /* an announcement less */
    ptd_outmsg_init(&m, msg, NULL, ENC_NEGOTIATED);
    ptd_send_own(p, &m);
}

/* Knowing and announcing is one step: nothing is announced twice. */
static bool announce(struct ptd_peer *p, const struct ptd_inv *inv)
{
    bool is_new;

    ptd_mutex_lock(&p->stats_mu);
    is_new = !ptd_known_has(&p->known, inv);
    if (is_new)
        ptd_known_add(&p->known, inv);
    ptd_mutex_unlock(&p->stats_mu);
    return is_new;
}

static void flush_inv(struct ptd_peer *p)
{
    struct ptd_inv list[128];
    struct ptd_inv *batch = ptd_alloc_array(
        PTD_MIN(p->invs.n, (size_t)INV_PER_TRICKLE), sizeof *batch);
    size_t room = batch != NULL ? INV_PER_TRICKLE : PTD_COUNT(list), n = 0;
    struct ptd_inv *to = batch != NULL ? batch : list;

    for (size_t i = 0; i < p->invs.n; i++) {
        if (!announce(p, &p->invs.v[i]))
            continue;
        to[n++] = p->invs.v[i];
        if (n == room) {
            send_inv(p, to, n);
            n = 0;
        }
    }
    if (n > 0)
        send_inv(p, to, n);
    ptd_free(batch);
    ptd_free(p->invs.v);
    p->invs = (struct invlist){ 0 };
}

static bool is_block(const struct ptd_inv *inv)
{
    return (inv->type & ~(uint32_t)PTD_INV_WITNESS_FLAG) == PTD_INV_BLOCK;
}

/* Blocks at once, the rest with the next trickle. */
static void hold_inv(struct ptd_peer *p, const struct ptd_inv *inv)
{
    struct ptd_inv *grown;

    if (is_block(inv)) {
        if (announce(p, inv))
            send_inv(p, inv, 1);
        return;
    }
    if (p->invs.n == INV_WAITING_MAX)
        return;
    if (p->invs.n == p->invs.cap) {
        grown = ptd_array_grow(p->invs.v, &p->invs.cap, p->invs.n + 1,
                               sizeof *grown);
        if (grown == NULL)
            return;
        p->invs.v = grown;
    }
    p->invs.v[p->invs.n++] = *inv;
}

/* The next beat of the peer's own rhythm, which began with its connection: so
 * peers do not trickle all at once. */
static int64_t next_trickle(struct ptd_peer *p)
{
    int64_t now = ptd_clock_now_us(p->clk), every = p->cfg.trickle_us;

    if (every <= 0)
        return now;
    return p->start_us + ((now - p->start_us) / every + 1) * every;
}

/* ---- the thread -------------------------------------------------------------- */

static void drain(struct ptd_peer *p)
{
    struct outmsg m;

    ptd_chan_close(p->output_q);
    ptd_chan_close(p->inv_q);
    ptd_chan_close(p->done_q);
    while (ptd_chan_try_recv(p->output_q, &m) == PTD_OK)
        ptd_outmsg_finish(p, &m, PTD_ECLOSED);
    ptd_outlist_drop(p, &p->pending, PTD_ECLOSED);
    ptd_free(p->invs.v);
    p->invs = (struct invlist){ 0 };
}

void ptd_peer_queue_main(void *peer)
{
    struct ptd_peer *p = peer;
    int64_t trickle = PTD_NEVER;
    struct outmsg m;
    struct ptd_inv inv;

    for (;;) {
        enum { OUT, DONE, INV, QUIT, N };
        struct ptd_case on[N] = {
            [OUT] = PTD_RECV(p->output_q, &m),
            [DONE] = PTD_RECV(p->done_q, NULL),
            [INV] = PTD_RECV(p->inv_q, &inv),
            [QUIT] = PTD_RECV(p->quit, NULL),
        };
        int got = ptd_select(on, N, p->clk, trickle);

        if (got == OUT)
            pend(p, &m);
        if (peer_is_stopping(p) || got == QUIT)
            break; /* quit wins over what else is ready */
        if (got == DONE)
            p->has_token = true;
        else if (got == INV)
            hold_inv(p, &inv);
        else if (got == PTD_SELECT_TIMEOUT)
            flush_inv(p);
        take_more(p);
        if (p->has_token && p->pending.n > 0)
            pass_on(p);
        trickle = p->invs.n == 0 ? PTD_NEVER
                  : trickle == PTD_NEVER || got == PTD_SELECT_TIMEOUT
                      ? next_trickle(p)
                      : trickle;
        /* Told last: who sees inventory wait knows that its beat is set. */
        atomic_store_explicit(&p->n_inv_waiting, (unsigned)p->invs.n,
                              memory_order_release);
    }
    drain(p);
    ptd_peer_leave(p);
}
