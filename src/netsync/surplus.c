/* Peers of ours beyond the usual number: one more was called because the tip
 * was old, or to hear of blocks that the others may keep from us. Once it had
 * time to show what it is worth, the one that told least goes, be it the new
 * one or another: so connections get better and slots free again.
 *
 * Source  Bitcoin Core's EvictExtraOutboundPeers */
#include <config.h>

#include <inttypes.h>

#include "netsync/netsync_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

#define LOOK_US  (45 * SECOND_US)
#define YOUNG_US (30 * SECOND_US) /* since the handshake: it may stay */

/* One that was chosen to go; by its end a reference. */
struct choice {
    struct ptd_sync_peer *sp; /* NULL: none */
    size_t n;                 /* of its kind */
    int64_t ready_us;
    int64_t told_s; /* wall time of its last news; 0: none */
    uint32_t n_flights;
};

static bool is_there(const struct ptd_sync_peer *sp, bool block_relay)
{
    return sync_is_ours(sp) && sp->cfg.block_relay_only == block_relay &&
           ptd_peer_state(sp->peer) != PTD_PEER_STOPPING;
}

/* The only one over its network is worth more than a block: others of that
 * network may be hard to find. */
static bool
is_only_one_locked(struct ptd_netsync *ns, const struct ptd_sync_peer *sp)
    PTD_REQUIRES(ns->mu);
static bool is_only_one_locked(struct ptd_netsync *ns,
                               const struct ptd_sync_peer *sp)
{
    enum ptd_net net = ptd_peer_addr(sp->peer)->net;
    size_t n = 0;

    PTD_LIST_EACH(other, &ns->peers, struct ptd_sync_peer, link)
    n += other->cfg.outbound && !other->cfg.block_relay_only &&
         ptd_peer_addr(other->peer)->net == net;
    return n < 2;
}

/* Of those with transactions the one whose last new block came first; of two
 * alike the one that came last. */
static void choose_full_locked(struct ptd_netsync *ns, struct choice *c)
    PTD_REQUIRES(ns->mu);
static void choose_full_locked(struct ptd_netsync *ns, struct choice *c)
{
    PTD_LIST_EACH(sp, &ns->peers, struct ptd_sync_peer, link)
    {
        if (!is_there(sp, false))
            continue;
        c->n++;
        if (sp->protect || is_only_one_locked(ns, sp))
            continue;
        if (c->sp == NULL || sp->last_announced_s <= c->sp->last_announced_s)
            c->sp = sp;
    }
    if (c->sp != NULL)
        c->told_s = c->sp->last_announced_s;
}

/* Of those for blocks alone the last that came; unless it gave us a block
 * later than the one before it did, which then goes. */
static void choose_block_locked(struct ptd_netsync *ns, struct choice *c)
    PTD_REQUIRES(ns->mu);
static void choose_block_locked(struct ptd_netsync *ns, struct choice *c)
{
    struct ptd_sync_peer *before = NULL;

    PTD_LIST_EACH(sp, &ns->peers, struct ptd_sync_peer, link)
    if (is_there(sp, true)) {
        c->n++;
        before = c->sp;
        c->sp = sp;
    }
    if (before != NULL && c->sp->last_block_s > before->last_block_s)
        c->sp = before;
    if (c->sp != NULL)
        c->told_s = c->sp->last_block_s;
}

static struct choice choose(struct ptd_netsync *ns, bool block_relay)
{
    struct choice c = { .sp = NULL };

    ptd_mutex_lock(&ns->mu);
    if (block_relay)
        choose_block_locked(ns, &c);
    else
        choose_full_locked(ns, &c);
    if (c.sp != NULL) {
        c.ready_us = c.sp->ready_us;
        c.n_flights = c.sp->n_flights;
        (void)sync_peer_ref(c.sp);
    }
    ptd_mutex_unlock(&ns->mu);
    return c;
}

/* True: it goes. */
static bool end_one(struct ptd_netsync *ns, const struct choice *c,
                    const char *kind, const char *news)
{
    if (ptd_clock_now_us(ns->clk) - c->ready_us <= YOUNG_US ||
        c->n_flights > 0) {
        ptd_log_debug("keeping %s %s chosen for eviction (blocks_in_flight: "
                      "%" PRIu32 ")",
                      kind, ptd_peer_name(c->sp->peer), c->n_flights);
        return false;
    }
    ptd_log_debug("disconnecting extra %s %s (last %s received at time %" PRId64
                  ")",
                  kind, ptd_peer_name(c->sp->peer), news, c->told_s);
    ptd_peer_disconnect(c->sp->peer, PTD_ECLOSED, "extra %s", kind);
    return true;
}

/* True if there is one of this kind too many. */
static bool look(struct ptd_netsync *ns, bool block_relay, bool is_time)
{
    size_t max = block_relay ? ns->cfg.max_block_relay : ns->cfg.max_full_relay;
    struct choice c = choose(ns, block_relay);
    bool too_many = c.n > max && c.sp != NULL;

    if (too_many && is_time &&
        end_one(ns, &c, block_relay ? "block-relay-only" : "outbound",
                block_relay ? "block" : "block announcement") &&
        !block_relay)
        sync_want_peer(ns, false); /* one has been found since the tip got
                                      old: enough, until it is old again */
    if (c.sp != NULL)
        sync_peer_put(c.sp);
    return too_many;
}

void surplus_check(struct ptd_netsync *ns, int64_t *due_us)
{
    int64_t now_us = ptd_clock_now_us(ns->clk);
    bool is_time = ns->surplus_us != 0 && now_us >= ns->surplus_us;
    bool too_many = look(ns, true, is_time);

    too_many = look(ns, false, is_time) || too_many;
    if (!too_many)
        ns->surplus_us = 0;
    else if (is_time || ns->surplus_us == 0)
        ns->surplus_us = now_us + LOOK_US;
    if (too_many)
        *due_us = PTD_MIN(*due_us, ns->surplus_us);
}
