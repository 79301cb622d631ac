#include <config.h>

#include "netsync/netsync.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "netsync/netsync_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

enum {
    STALE_CHECK_S = 600,
    NEAR_BLOCKS = 20,
    STALE_BLOCKS = 3,
    HELD_ROUNDS = 3 /* at most so many in a row ask nobody */
};

#define STALL_US INT64_C(2000000)

/* ---- life ------------------------------------------------------------ */

struct ptd_netsync *ptd_netsync_new(const struct ptd_netsync_config *cfg)
{
    struct ptd_netsync *ns = ptd_calloc(1, sizeof *ns);
    bool room;

    if (ns == NULL)
        return NULL;
    ns->cfg = *cfg;
    ns->chain = cfg->chain;
    ns->clk = cfg->clock;
    ns->headers = ptd_blockchain_headers(ns->chain);
    ns->params = ptd_blockchain_params(ns->chain);
    ns->min_work = ptd_u256_from_hash(&ns->params->min_chain_work);
    ns->k0 = ptd_random_u64();
    ns->k1 = ptd_random_u64();
    ns->wake = ptd_chan_new(0, 1);
    ns->quit = ptd_chan_new(0, 0);
    atomic_init(&ns->loading, false);
    ptd_mutex_init(&ns->mu, PTD_RANK_NETSYNC);
    ptd_mutex_lock(&ns->mu);
    ptd_list_init(&ns->peers);
    ptd_list_init(&ns->settlers);
    ns->stall_us = STALL_US;
    ns->upload.begin_s = ptd_clock_wall_s(ns->clk);
    ns->bucket = ptd_calloc(SYNC_BUCKETS, sizeof(struct flight *));
    room = ns->bucket != NULL;
    ptd_mutex_unlock(&ns->mu);
    if (room && ns->wake != NULL && ns->quit != NULL)
        return ns;
    ptd_netsync_free(ns);
    return NULL;
}

void ptd_netsync_free(struct ptd_netsync *ns)
{
    if (ns == NULL)
        return;
    ptd_mutex_lock(&ns->mu);
    PTD_ASSERT(ptd_list_is_empty(&ns->peers));
    ptd_free(ns->bucket);
    ptd_mutex_unlock(&ns->mu);
    ptd_mutex_fini(&ns->mu);
    ptd_msg_free(ns->cmpct);
    ptd_chan_free(ns->quit);
    ptd_chan_free(ns->wake);
    ptd_free(ns);
}

void sync_wake(struct ptd_netsync *ns)
{
    (void)!ptd_chan_try_send(ns->wake, NULL);
}

bool sync_is_near(struct ptd_netsync *ns)
{
    struct ptd_block_info tip;

    ptd_blockchain_tip(ns->chain, &tip);
    return (int64_t)tip.header.time >
           ptd_clock_wall_s(ns->clk) -
               (int64_t)ns->params->pow_spacing_s * NEAR_BLOCKS;
}

void ptd_netsync_set_loading(struct ptd_netsync *ns, bool loading)
{
    atomic_store(&ns->loading, loading);
    sync_wake(ns);
}

/* ---- a new tip ------------------------------------------------------- */

/* Who stalls is given twice the time each time, and less again with every block
 * that is linked. Gives seconds, if it changed; else 0. */
static int64_t be_stricter_locked(struct ptd_netsync *ns, uint32_t n_blocks)
    PTD_REQUIRES(ns->mu);
static int64_t be_stricter_locked(struct ptd_netsync *ns, uint32_t n_blocks)
{
    int64_t was = ns->stall_us;

    for (; n_blocks > 0 && ns->stall_us > STALL_US; n_blocks--)
        ns->stall_us =
            PTD_MAX(ns->stall_us * 85 / 100 / SECOND_US * SECOND_US, STALL_US);
    return ns->stall_us != was ? ns->stall_us / SECOND_US : 0;
}

/* The new blocks of the active chain, lowest first, at most the last ones. */
static size_t list_new(struct ptd_netsync *ns, const struct ptd_tip_change *t,
                       struct ptd_hash out[SYNC_ANNOUNCE])
{
    uint32_t n = t->new_height - PTD_MIN(t->fork_height, t->new_height);
    size_t k = 0;

    n = PTD_MIN(n, (uint32_t)SYNC_ANNOUNCE);
    for (uint32_t h = t->new_height - n + 1; h <= t->new_height; h++) {
        struct ptd_header_info info;

        if (!ptd_headers_ancestor(ns->headers, &info, &t->new_tip, h))
            break;
        out[k++] = info.hash;
    }
    return k;
}

static void to_announce(struct ptd_sync_peer *sp, const struct ptd_hash *list,
                        size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (sp->n_announce >= SYNC_ANNOUNCE)
            memmove(&sp->announce[0], &sp->announce[1],
                    (SYNC_ANNOUNCE - 1) * sizeof sp->announce[0]);
        sp->announce[PTD_MIN(sp->n_announce, SYNC_ANNOUNCE - 1)] = list[i];
        sp->n_announce++;
    }
}

void ptd_netsync_tip(struct ptd_netsync *ns, const struct ptd_tip_change *t)
{
    struct ptd_hash list[SYNC_ANNOUNCE];
    size_t n = t->initial_download ? 0 : list_new(ns, t, list);
    int64_t stricter;

    ptd_mutex_lock(&ns->mu);
    ns->last_tip_s = ptd_clock_wall_s(ns->clk);
    stricter = be_stricter_locked(ns, t->new_height - t->fork_height);
    PTD_LIST_EACH(sp, &ns->peers, struct ptd_sync_peer, link)
    to_announce(sp, list, n);
    ptd_mutex_unlock(&ns->mu);
    if (stricter != 0)
        ptd_log_debug("Decreased stalling timeout to %" PRId64 " seconds",
                      stricter);
    sync_wake(ns);
}

/* ---- the thread ------------------------------------------------------ */

void sync_want_peer(struct ptd_netsync *ns, bool wanted)
{
    if (wanted != ns->wants_peer && ns->cfg.want_peer != NULL)
        ns->cfg.want_peer(ns->cfg.arg, wanted);
    ns->wants_peer = wanted;
}

/* Nobody told us of a block for long: somebody else may know of one. */
static void check_stale(struct ptd_netsync *ns, int64_t *due_us)
{
    int64_t now_s = ptd_clock_wall_s(ns->clk), age;
    bool stale;

    if (ns->stale_check_s == 0)
        ns->stale_check_s = now_s;
    if (now_s >= ns->stale_check_s) {
        ptd_mutex_lock(&ns->mu);
        if (ns->last_tip_s == 0)
            ns->last_tip_s = now_s;
        age = now_s - ns->last_tip_s;
        stale = age > (int64_t)ns->params->pow_spacing_s * STALE_BLOCKS &&
                ns->n_flights == 0;
        ptd_mutex_unlock(&ns->mu);
        stale = stale && !atomic_load(&ns->loading);
        if (stale)
            ptd_log_info("Potential stale tip detected, will try using extra "
                         "outbound peer (last tip update: %" PRId64
                         " seconds ago)",
                         age);
        sync_want_peer(ns, stale);
        ns->stale_check_s = now_s + STALE_CHECK_S;
    }
    *due_us = PTD_MIN(*due_us, ptd_clock_now_us(ns->clk) +
                                   (ns->stale_check_s - now_s) * SECOND_US);
}

static void step(struct ptd_netsync *ns, int64_t *due_us)
{
    /* Peers that go on and on telling news must not keep all others from being
     * asked. */
    bool held = ns->n_held < HELD_ROUNDS && fetch_is_held(ns, NULL);
    struct ptd_sync_peer *sp;
    int64_t id = -1;

    ns->n_held = held ? ns->n_held + 1 : 0;
    *due_us = PTD_NEVER;
    while ((sp = sync_next_peer(ns, id)) != NULL) {
        id = ptd_peer_id(sp->peer);
        announce_run(sp);
        if (!atomic_load(&ns->loading)) {
            headers_tell(sp);
            headers_start(sp, due_us);
            headers_ask_late(sp, due_us);
            headers_check(sp, due_us);
            if (!held)
                fetch_now(sp);
            fetch_check(sp, due_us);
        }
        sync_peer_put(sp);
    }
    surplus_check(ns, due_us);
    check_stale(ns, due_us);
}

/* Those who wait now are told after the round that begins now. */
static void take_settlers(struct ptd_netsync *ns, struct ptd_link *all)
{
    ptd_list_init(all);
    ptd_mutex_lock(&ns->mu);
    ptd_list_move_all(all, &ns->settlers);
    ptd_mutex_unlock(&ns->mu);
}

static void tell_settlers(struct ptd_link *all)
{
    struct ptd_link *l;

    while ((l = ptd_list_pop(all)) != NULL) {
        /* Once it is closed, the settler is gone. */
        struct ptd_chan *done =
            ptd_chan_ref(PTD_CONTAINER_OF(l, struct settler, link)->done);

        ptd_chan_close(done);
        ptd_chan_free(done);
    }
}

static void set_running(struct ptd_netsync *ns, bool running)
{
    ptd_mutex_lock(&ns->mu);
    ns->running = running;
    ptd_mutex_unlock(&ns->mu);
}

void ptd_netsync_settle(struct ptd_netsync *ns)
{
    struct settler s = { .done = ptd_chan_new(0, 0) };
    bool running;

    if (s.done == NULL)
        return;
    ptd_mutex_lock(&ns->mu);
    running = ns->running;
    if (running)
        ptd_list_append(&ns->settlers, &s.link);
    ptd_mutex_unlock(&ns->mu);
    if (running) {
        sync_wake(ns);
        (void)!ptd_chan_recv(s.done, NULL);
    }
    ptd_chan_free(s.done);
}

static void sync_main(void *arg)
{
    struct ptd_netsync *ns = arg;
    struct ptd_link settlers;

    for (bool run = true; run;) {
        enum { WAKE, QUIT, N };
        struct ptd_case on[N] = {
            [WAKE] = PTD_RECV(ns->wake, NULL),
            [QUIT] = PTD_RECV(ns->quit, NULL),
        };
        int64_t due_us;

        take_settlers(ns, &settlers);
        step(ns, &due_us);
        tell_settlers(&settlers);
        if (ptd_select(on, N, ns->clk, due_us) == QUIT)
            run = false;
    }
    set_running(ns, false);
    take_settlers(ns, &settlers);
    tell_settlers(&settlers);
}

enum ptd_err ptd_netsync_start(struct ptd_netsync *ns)
{
    enum ptd_err e;

    set_running(ns, true);
    e = ptd_thread_start(&ns->thread, NULL, "netsync", sync_main, ns);
    if (e != PTD_OK)
        set_running(ns, false);
    return e;
}

void ptd_netsync_stop(struct ptd_netsync *ns)
{
    ptd_chan_close(ns->quit);
    ptd_thread_join(&ns->thread);
}
