/* Which blocks to ask whom for; who stalls, who is too late, whose chain is
 * behind. */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "netsync/netsync_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

enum { LIST_MAX = SYNC_WINDOW + 1 };

#define STALL_MAX_US  (64 * SECOND_US)
#define BEHIND_US     (20 * MINUTE_US) /* patience with a worse chain, and … */
#define BEHIND_ASK_US (2 * MINUTE_US) /* … with the answer to a last question */

/* What a peer is to be asked for. */
struct order {
    size_t n;
    struct ptd_inv list[PTD_SYNC_PER_PEER];
    uint32_t height[PTD_SYNC_PER_PEER];
    int64_t staller; /* id of who holds the window up, from now on; -1 */
};

/* ---- may it be asked? ------------------------------------------------ */

/* Those that we called go first: who calls us may be somebody's home, and is
 * burdened only if there is nobody else. */
bool fetch_is_from_locked(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;

    return sp->preferred || (sync_serves_blocks(sp) &&
                             (ns->n_preferred == 0 || ns->n_flights == 0));
}

/* Blocks come with their witnesses or not at all: without them, one that has
 * some cannot be told from one that was tampered with. */
static bool may_fetch_locked(struct ptd_sync_peer *sp, bool initial)
    PTD_REQUIRES(sp->ns->mu);
static bool may_fetch_locked(struct ptd_sync_peer *sp, bool initial)
{
    return sp->ready && sp->n_flights < PTD_SYNC_PER_PEER &&
           sync_serves_blocks(sp) && (sp->services & PTD_NODE_WITNESS) != 0 &&
           (!initial || (fetch_is_from_locked(sp) && !sync_is_limited(sp)));
}

static bool order_locked(struct ptd_sync_peer *sp, struct order *o,
                         const struct ptd_wanted_block *w)
    PTD_REQUIRES(sp->ns->mu);
static bool order_locked(struct ptd_sync_peer *sp, struct order *o,
                         const struct ptd_wanted_block *w)
{
    if (flight_add_locked(sp, &w->hash, w->height) == NULL)
        return false;
    o->height[o->n] = w->height;
    o->list[o->n++] = (struct ptd_inv){
        .type = PTD_INV_WITNESS_BLOCK,
        .hash = w->hash,
    };
    return sp->n_flights < PTD_SYNC_PER_PEER;
}

static void send_order(struct ptd_sync_peer *sp, struct order *o)
{
    char hex[PTD_HASH_HEX_SIZE];

    if (o->n == 0)
        return;
    if (sync_try_send(sp, ptd_msg_new_inv(PTD_MSG_GETDATA, o->list, o->n)) ==
        PTD_OK) {
        for (size_t i = 0; i < o->n; i++)
            ptd_log_debug("Requesting block %s (%" PRIu32 ") %s",
                          ptd_hash_to_hex(&o->list[i].hash, hex), o->height[i],
                          ptd_peer_name(sp->peer));
        return;
    }
    /* It was not asked after all; who asks in its own callback never meets a
     * full queue, so that this is the thread's. */
    ptd_mutex_lock(&sp->ns->mu);
    for (size_t i = 0; i < o->n; i++) {
        struct flight *f = flight_of_locked(sp, &o->list[i].hash);

        if (f != NULL)
            flight_end_locked(sp->ns, f);
    }
    ptd_mutex_unlock(&sp->ns->mu);
}

/* ---- the window ------------------------------------------------------ */

/* Nothing could be asked of this peer, but something could if the window were
 * larger by one: who holds it up? */
static void find_staller_locked(struct ptd_sync_peer *sp, struct order *o,
                                const struct ptd_wanted_block *first)
    PTD_REQUIRES(sp->ns->mu);
static void find_staller_locked(struct ptd_sync_peer *sp, struct order *o,
                                const struct ptd_wanted_block *first)
{
    struct flight *f = flight_first_locked(sp->ns, &first->hash);

    if (f == NULL || f->sp == sp || sp->n_flights > 0 ||
        sp->best.height < first->height + (uint32_t)SYNC_WINDOW)
        return;
    if (f->sp->stalling_us != 0)
        return;
    f->sp->stalling_us = ptd_clock_now_us(sp->ns->clk);
    o->staller = ptd_peer_id(f->sp->peer);
}

static void plan_locked(struct ptd_sync_peer *sp, struct order *o, bool initial,
                        struct ptd_wanted_block *list) PTD_REQUIRES(sp->ns->mu);
static void plan_locked(struct ptd_sync_peer *sp, struct order *o, bool initial,
                        struct ptd_wanted_block *list)
{
    struct ptd_netsync *ns = sp->ns;
    size_t n, max;

    sync_look_again_locked(sp);
    if (!may_fetch_locked(sp, initial) || !sp->best.is ||
        ptd_u256_cmp(&sp->best.work, &ns->min_work) < 0)
        return;
    /* At most so many of the first ones were asked of somebody; but a limited
     * peer has only the last ones. */
    max = PTD_MIN(ns->n_flights + PTD_SYNC_PER_PEER, (size_t)LIST_MAX);
    if (sync_is_limited(sp))
        max = LIST_MAX;
    n = ptd_blockchain_wanted(ns->chain, list, max, SYNC_WINDOW,
                              &sp->best.hash);
    for (size_t i = 0; i < n; i++) {
        if (flight_first_locked(sp->ns, &list[i].hash) != NULL)
            continue;
        /* It keeps the last blocks only; two for the race. */
        if (sync_is_limited(sp) &&
            sp->best.height - list[i].height >= SYNC_LIMITED - 2)
            continue;
        if (!order_locked(sp, o, &list[i]))
            return;
    }
    if (o->n == 0 && n > 0)
        find_staller_locked(sp, o, &list[0]);
}

void fetch_now(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;
    bool initial = ptd_blockchain_is_initial_download(ns->chain);
    struct order o = { .staller = -1 };
    struct ptd_wanted_block *list;

    if (atomic_load(&ns->loading))
        return;
    list = ptd_alloc_array(LIST_MAX, sizeof *list);
    if (list == NULL)
        return; /* the next event tries again */
    ptd_mutex_lock(&sp->ns->mu);
    plan_locked(sp, &o, initial, list);
    ptd_mutex_unlock(&sp->ns->mu);
    ptd_free(list);
    if (o.staller >= 0) {
        ptd_log_debug("Stall started peer=%" PRId64, o.staller);
        sync_wake(ns);
    }
    send_order(sp, &o);
}

void fetch_more(struct ptd_sync_peer *sp)
{
    /* The release that follows wakes the thread, which asks it then. */
    if (!fetch_is_held(sp->ns, sp))
        fetch_now(sp);
}

/* ---- near the end ---------------------------------------------------- */

void fetch_hold(struct ptd_sync_peer *sp)
{
    if (!sync_is_near(sp->ns))
        return;
    ptd_mutex_lock(&sp->ns->mu);
    sp->telling = true;
    sp->ns->n_telling++;
    ptd_mutex_unlock(&sp->ns->mu);
}

void fetch_release(struct ptd_sync_peer *sp)
{
    bool held;

    ptd_mutex_lock(&sp->ns->mu);
    held = sp->telling;
    sp->telling = false;
    sp->ns->n_telling -= held;
    ptd_mutex_unlock(&sp->ns->mu);
    if (held)
        sync_wake(sp->ns);
}

bool fetch_is_held(struct ptd_netsync *ns, const struct ptd_sync_peer *sp)
{
    bool is;

    ptd_mutex_lock(&ns->mu);
    is = ns->n_telling > (sp != NULL && sp->telling);
    ptd_mutex_unlock(&ns->mu);
    return is;
}

/* One block that nobody is asked for: it may come as a compact block, if we
 * have what it stands on. */
static bool may_be_compact_locked(struct ptd_sync_peer *sp,
                                  const struct order *o, bool linked)
    PTD_REQUIRES(sp->ns->mu);
static bool may_be_compact_locked(struct ptd_sync_peer *sp,
                                  const struct order *o, bool linked)
{
    return o->n == 1 && sp->ns->n_flights == 1 && sp->provides_cmpct &&
           !sp->ns->cfg.blocks_only && linked;
}

/* Gives whether there are too many. */
static bool plan_directly_locked(struct ptd_sync_peer *sp, struct order *o,
                                 const struct ptd_wanted_block *list, size_t n)
    PTD_REQUIRES(sp->ns->mu);
static bool plan_directly_locked(struct ptd_sync_peer *sp, struct order *o,
                                 const struct ptd_wanted_block *list, size_t n)
{
    size_t n_new = 0;

    if (!sp->ready || (sp->services & PTD_NODE_WITNESS) == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        n_new += flight_first_locked(sp->ns, &list[i].hash) == NULL;
    if (n_new > PTD_SYNC_PER_PEER)
        return true;
    for (size_t i = 0; i < n && sp->n_flights < PTD_SYNC_PER_PEER; i++)
        if (flight_first_locked(sp->ns, &list[i].hash) == NULL)
            (void)order_locked(sp, o, &list[i]);
    return false;
}

static void tell_direct(const struct order *o, bool too_many,
                        const struct ptd_header_info *last)
{
    char hex[PTD_HASH_HEX_SIZE];

    if (too_many)
        ptd_log_debug("Large reorg, won't direct fetch to %s (%" PRIu32 ")",
                      ptd_hash_to_hex(&last->hash, hex), last->height);
    else if (o->n > 1)
        ptd_log_debug("Downloading blocks toward %s (%" PRIu32
                      ") via headers direct fetch",
                      ptd_hash_to_hex(&last->hash, hex), last->height);
}

void fetch_directly(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
{
    enum { MAX = 4 * PTD_SYNC_PER_PEER };
    struct ptd_netsync *ns = sp->ns;
    struct ptd_wanted_block list[MAX];
    struct order o = { .staller = -1 };
    struct ptd_block_info last, prev;
    bool too_many, linked;
    size_t n;

    if (!sync_is_near(ns) || !ptd_blockchain_find(ns->chain, &last, hash) ||
        last.invalid)
        return;
    linked = ptd_blockchain_find(ns->chain, &prev, &last.prev) && prev.linked;
    n = ptd_blockchain_wanted(ns->chain, list, MAX, PTD_MAX_WANTED_AHEAD, hash);
    ptd_mutex_lock(&sp->ns->mu);
    too_many = plan_directly_locked(sp, &o, list, n);
    if (may_be_compact_locked(sp, &o, linked))
        o.list[0].type = PTD_INV_CMPCT_BLOCK;
    ptd_mutex_unlock(&sp->ns->mu);
    tell_direct(&o, too_many, &last.header);
    send_order(sp, &o);
}

/* ---- who is too late ------------------------------------------------- */

/* True: it held the window up for too long. The next one gets more time, in
 * case that it is our line that is slow. */
static bool stalls_locked(struct ptd_sync_peer *sp, int64_t now,
                          int64_t *longer_s, int64_t *due_us)
    PTD_REQUIRES(sp->ns->mu);
static bool stalls_locked(struct ptd_sync_peer *sp, int64_t now,
                          int64_t *longer_s, int64_t *due_us)
{
    struct ptd_netsync *ns = sp->ns;
    int64_t longer;

    if (sp->stalling_us == 0)
        return false;
    if (now <= sp->stalling_us + ns->stall_us) {
        *due_us = PTD_MIN(*due_us, sp->stalling_us + ns->stall_us + 1);
        return false;
    }
    longer = PTD_MIN(2 * ns->stall_us, STALL_MAX_US);
    if (longer != ns->stall_us)
        *longer_s = longer / SECOND_US;
    ns->stall_us = longer;
    return true;
}

/* One block interval, and half of one more for each other peer that sends us
 * blocks: our own line may be full. */
static bool is_late_locked(struct ptd_sync_peer *sp, int64_t now,
                           struct ptd_hash *hash, int64_t *due_us)
    PTD_REQUIRES(sp->ns->mu);
static bool is_late_locked(struct ptd_sync_peer *sp, int64_t now,
                           struct ptd_hash *hash, int64_t *due_us)
{
    struct ptd_netsync *ns = sp->ns;
    int64_t until = (int64_t)ns->params->pow_spacing_s * SECOND_US;

    if (sp->n_flights == 0)
        return false;
    until += until / 2 * (int64_t)(ns->n_downloading - 1);
    until += sp->downloading_us;
    if (now <= until) {
        *due_us = PTD_MIN(*due_us, until + 1);
        return false;
    }
    *hash = PTD_CONTAINER_OF(sp->flights.next, struct flight, of_peer)->hash;
    return true;
}

/* ---- whose chain is behind ------------------------------------------- */

enum behind { NOT_BEHIND, BEHIND_ASK, BEHIND_END };

static void begin_behind_locked(struct ptd_sync_peer *sp,
                                const struct ptd_block_info *tip, int64_t now)
    PTD_REQUIRES(sp->ns->mu);
static void begin_behind_locked(struct ptd_sync_peer *sp,
                                const struct ptd_block_info *tip, int64_t now)
{
    sp->behind_until_us = now + BEHIND_US;
    sync_mark(&sp->behind, &tip->header);
    sp->behind_asked = false;
}

/* A peer of ours that shows no chain as good as ours was when we noticed is
 * asked once more, and has to go if it still has none. */
static enum behind behind_locked(struct ptd_sync_peer *sp,
                                 const struct ptd_block_info *tip, int64_t now,
                                 int64_t *due_us) PTD_REQUIRES(sp->ns->mu);
static enum behind behind_locked(struct ptd_sync_peer *sp,
                                 const struct ptd_block_info *tip, int64_t now,
                                 int64_t *due_us)
{
    if (!sp->ready || sp->protect || !sync_is_ours(sp) || !sp->sync_started)
        return NOT_BEHIND;
    if (sp->best.is && ptd_u256_cmp(&sp->best.work, &tip->header.work) >= 0) {
        sp->behind_until_us = 0;
        return NOT_BEHIND;
    }
    if (sp->behind_until_us == 0 ||
        (sp->best.is && ptd_u256_cmp(&sp->best.work, &sp->behind.work) >= 0)) {
        begin_behind_locked(sp, tip, now);
    } else if (now > sp->behind_until_us) {
        if (sp->behind_asked)
            return BEHIND_END;
        sp->behind_asked = true;
        sp->behind_until_us = now + BEHIND_ASK_US;
        *due_us = PTD_MIN(*due_us, sp->behind_until_us + 1);
        return BEHIND_ASK;
    }
    *due_us = PTD_MIN(*due_us, sp->behind_until_us + 1);
    return NOT_BEHIND;
}

static const char *best_text(const struct mark *m, char hex[PTD_HASH_HEX_SIZE])
{
    return m->is ? ptd_hash_to_hex(&m->hash, hex) : "<none>";
}

static void ask_again(struct ptd_sync_peer *sp, const struct mark *best,
                      const struct mark *behind)
{
    char mine[PTD_HASH_HEX_SIZE], its[PTD_HASH_HEX_SIZE];
    struct ptd_block_info info;

    if (!ptd_blockchain_find(sp->ns->chain, &info, &behind->hash))
        return;
    (void)headers_try_ask(sp,
                          info.header.height > 0 ? &info.prev : &behind->hash);
    ptd_log_debug("sending getheaders to outbound %s to verify chain work "
                  "(current best known block:%s, benchmark blockhash: %s)",
                  ptd_peer_name(sp->peer), best_text(best, its),
                  ptd_hash_to_hex(&behind->hash, mine));
}

static void check_behind(struct ptd_sync_peer *sp, int64_t *due_us)
{
    struct ptd_netsync *ns = sp->ns;
    int64_t now = ptd_clock_now_us(ns->clk);
    char hex[PTD_HASH_HEX_SIZE];
    struct mark best, behind;
    struct ptd_block_info tip;
    enum behind what;

    ptd_blockchain_tip(ns->chain, &tip);
    ptd_mutex_lock(&sp->ns->mu);
    sync_look_again_locked(sp);
    what = behind_locked(sp, &tip, now, due_us);
    best = sp->best;
    behind = sp->behind;
    ptd_mutex_unlock(&sp->ns->mu);
    if (what == BEHIND_ASK)
        ask_again(sp, &best, &behind);
    else if (what == BEHIND_END)
        (void)!sync_end(sp, PTD_ETIMEOUT,
                        "Outbound peer has old chain, best known block = %s",
                        best_text(&best, hex));
}

void fetch_check(struct ptd_sync_peer *sp, int64_t *due_us)
{
    struct ptd_netsync *ns = sp->ns;
    int64_t now = ptd_clock_now_us(ns->clk), longer_s = 0;
    char hex[PTD_HASH_HEX_SIZE];
    struct ptd_hash hash;
    bool stalls, late;

    if (ptd_peer_state(sp->peer) == PTD_PEER_STOPPING)
        return; /* it is about to be gone */
    ptd_mutex_lock(&sp->ns->mu);
    stalls = stalls_locked(sp, now, &longer_s, due_us);
    late = !stalls && is_late_locked(sp, now, &hash, due_us);
    ptd_mutex_unlock(&sp->ns->mu);
    if (stalls) {
        (void)!sync_end(sp, PTD_ETIMEOUT, "Peer is stalling block download");
        if (longer_s != 0)
            ptd_log_debug("Increased stalling timeout temporarily to %" PRId64
                          " seconds",
                          longer_s);
    } else if (late) {
        (void)!sync_end(sp, PTD_ETIMEOUT, "Timeout downloading block %s",
                        ptd_hash_to_hex(&hash, hex));
    } else {
        check_behind(sp, due_us);
    }
}
