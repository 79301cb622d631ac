#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "netsync/netsync_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

enum { WHY_SIZE = 200 };

/* ---- life ------------------------------------------------------------ */

struct ptd_sync_peer *ptd_sync_peer_new(struct ptd_netsync *ns,
                                        const struct ptd_sync_peer_config *cfg)
{
    struct ptd_sync_peer *sp = ptd_calloc(1, sizeof *sp);

    if (sp == NULL)
        return NULL;
    ptd_ref_init(&sp->ref);
    sp->ns = ns;
    sp->cfg = *cfg;
    sp->wants_txs = true;
    ptd_mutex_lock(&ns->mu);
    ptd_list_init(&sp->flights);
    sp->headers_until_us = PTD_NEVER;
    sp->presynced = -1;
    ptd_mutex_unlock(&ns->mu);
    return sp;
}

struct ptd_sync_peer *sync_peer_ref(struct ptd_sync_peer *sp)
{
    ptd_ref_get(&sp->ref);
    return sp;
}

void sync_peer_put(struct ptd_sync_peer *sp)
{
    if (!ptd_ref_put(&sp->ref))
        return;
    ptd_presync_free(sp->presync);
    ptd_peer_free(sp->peer);
    ptd_free(sp);
}

void ptd_sync_peer_attach(struct ptd_sync_peer *sp, struct ptd_peer *p)
{
    sp->peer = ptd_peer_ref(p);
}

void ptd_sync_peer_free(struct ptd_sync_peer *sp)
{
    if (sp == NULL)
        return;
    ptd_sync_peer_gone(sp);
    sync_peer_put(sp);
}

void ptd_sync_peer_version(struct ptd_sync_peer *sp,
                           const struct ptd_msg_version *v)
{
    sp->services = v->services;
    sp->start_height = v->start_height;
    sp->wants_txs = v->relay;
}

static void list_locked(struct ptd_sync_peer *sp) PTD_REQUIRES(sp->ns->mu);
static void list_locked(struct ptd_sync_peer *sp)
{
    struct ptd_link *at = sp->ns->peers.prev;
    int64_t id = ptd_peer_id(sp->peer);

    /* Most come in the order of their ids. */
    while (at != &sp->ns->peers &&
           ptd_peer_id(PTD_CONTAINER_OF(at, struct ptd_sync_peer, link)->peer) >
               id)
        at = at->prev;
    ptd_list_insert_before(at->next, &sp->link);
}

/* BIP 152: compact blocks are welcome, and given, but not unasked for. */
static void offer_compact(struct ptd_sync_peer *sp, bool high)
{
    struct ptd_msg *m;

    if (ptd_peer_pver(sp->peer) < PTD_PVER_SENDCMPCT)
        return;
    m = ptd_msg_new(PTD_MSG_SENDCMPCT);
    if (m != NULL) {
        struct ptd_msg_sendcmpct *s = (struct ptd_msg_sendcmpct *)(void *)m;

        s->high_bandwidth = high;
        s->version = SYNC_CMPCT_VERSION;
    }
    (void)!sync_send(sp, m);
}

void ptd_sync_peer_ready(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;

    if (sp->cfg.passing)
        return;
    offer_compact(sp, false);
    ptd_mutex_lock(&sp->ns->mu);
    sp->ready = true;
    sp->ready_us = ptd_clock_now_us(ns->clk);
    sp->preferred =
        (sp->cfg.outbound || sp->cfg.noban) && sync_serves_blocks(sp);
    ns->n_preferred += sp->preferred;
    list_locked(sp);
    ptd_mutex_unlock(&sp->ns->mu);
    sync_wake(ns);
}

void ptd_sync_peer_has_room(struct ptd_sync_peer *sp)
{
    sync_wake(sp->ns);
}

static void leave_high_locked(struct ptd_sync_peer *sp)
    PTD_REQUIRES(sp->ns->mu);
static void leave_high_locked(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;
    size_t n = 0;

    for (size_t i = 0; i < ns->n_high; i++)
        if (ns->high[i] != sp)
            ns->high[n++] = ns->high[i];
    ns->n_high = n;
}

void ptd_sync_peer_gone(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;
    bool was_ready;

    ptd_mutex_lock(&sp->ns->mu);
    was_ready = sp->ready;
    if (was_ready) {
        sp->ready = false;
        ptd_list_remove(&sp->link);
        (void)flight_end_peer_locked(sp);
        leave_high_locked(sp);
        ns->n_preferred -= sp->preferred;
        ns->n_sync_started -= sp->sync_started;
        ns->n_protected -= sp->protect;
        if (sp->sync_started && sp->headers_until_us != PTD_NEVER)
            ptd_log_debug("%s was sending us headers and is gone",
                          ptd_peer_name(sp->peer));
    }
    ptd_mutex_unlock(&sp->ns->mu);
    if (was_ready)
        sync_wake(ns);
}

struct ptd_sync_peer *sync_next_peer(struct ptd_netsync *ns, int64_t after)
{
    struct ptd_sync_peer *found = NULL;

    ptd_mutex_lock(&ns->mu);
    PTD_LIST_EACH(sp, &ns->peers, struct ptd_sync_peer, link)
    if (ptd_peer_id(sp->peer) > after) {
        found = sync_peer_ref(sp);
        break;
    }
    ptd_mutex_unlock(&ns->mu);
    return found;
}

/* ---- listeners ------------------------------------------------------- */

static enum ptd_err on_sendheaders(struct ptd_peer *p, struct ptd_msg *m,
                                   void *arg)
{
    struct ptd_sync_peer *sp = arg;

    (void)p;
    (void)m;
    ptd_mutex_lock(&sp->ns->mu);
    sp->wants_headers = true;
    ptd_mutex_unlock(&sp->ns->mu);
    return PTD_OK;
}

static enum ptd_err on_feefilter(struct ptd_peer *p, struct ptd_msg *m,
                                 void *arg)
{
    struct ptd_sync_peer *sp = arg;
    int64_t rate = SYNC_MSG(feefilter, m)->fee_rate;

    if (rate < 0 || rate > PTD_MAX_MONEY)
        return PTD_OK;
    ptd_mutex_lock(&sp->ns->mu);
    sp->min_fee_filter = rate;
    ptd_mutex_unlock(&sp->ns->mu);
    ptd_log_debug("received: feefilter of %" PRId64 ".%08" PRId64
                  " BTC/kvB from %s",
                  rate / PTD_COIN, rate % PTD_COIN, ptd_peer_name(p));
    return PTD_OK;
}

void ptd_sync_peer_listen(struct ptd_sync_peer *sp, struct ptd_peer_config *cfg)
{
    static const struct {
        enum ptd_msg_type type;
        ptd_on_msg fn;
    } listeners[] = {
        { PTD_MSG_BLOCK, blocks_on_block },
        { PTD_MSG_BLOCKTXN, compact_on_txs },
        { PTD_MSG_CMPCTBLOCK, compact_on_block },
        { PTD_MSG_FEEFILTER, on_feefilter },
        { PTD_MSG_GETBLOCKS, serve_on_getblocks },
        { PTD_MSG_GETBLOCKTXN, serve_on_getblocktxn },
        { PTD_MSG_GETDATA, serve_on_getdata },
        { PTD_MSG_GETHEADERS, serve_on_getheaders },
        { PTD_MSG_HEADERS, headers_on_headers },
        { PTD_MSG_INV, headers_on_inv },
        { PTD_MSG_NOTFOUND, blocks_on_notfound },
        { PTD_MSG_SENDCMPCT, compact_on_sendcmpct },
        { PTD_MSG_SENDHEADERS, on_sendheaders },
        { PTD_MSG_TX, serve_on_tx },
    };

    for (size_t i = 0; i < PTD_COUNT(listeners); i++)
        cfg->on_msg[listeners[i].type] =
            (struct ptd_listener){ listeners[i].fn, sp };
    cfg->reply_us = 0;
    cfg->headers_us = 0;
}

/* ---- what is known of it --------------------------------------------- */

bool sync_serves_blocks(const struct ptd_sync_peer *sp)
{
    return (sp->services & (PTD_NODE_NETWORK | PTD_NODE_NETWORK_LIMITED)) != 0;
}

bool sync_is_limited(const struct ptd_sync_peer *sp)
{
    return (sp->services & PTD_NODE_NETWORK) == 0;
}

bool sync_is_ours(const struct ptd_sync_peer *sp)
{
    return sp->cfg.outbound && !sp->cfg.manual && !sp->cfg.passing;
}

void sync_mark(struct mark *m, const struct ptd_header_info *info)
{
    m->is = true;
    m->hash = info->hash;
    m->height = info->height;
    m->work = info->work;
}

static bool note_locked(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
    PTD_REQUIRES(sp->ns->mu);
static bool note_locked(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
{
    struct ptd_header_info info;

    if (!ptd_headers_find(sp->ns->headers, &info, hash))
        return false;
    if (!sp->best.is || ptd_u256_cmp(&info.work, &sp->best.work) >= 0)
        sync_mark(&sp->best, &info);
    ptd_peer_update_last_block(sp->peer, (int32_t)info.height);
    return true;
}

void sync_look_again_locked(struct ptd_sync_peer *sp)
{
    if (!ptd_hash_is_zero(&sp->unknown) && note_locked(sp, &sp->unknown))
        sp->unknown = (struct ptd_hash){ { 0 } };
}

void sync_has_locked(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
{
    sync_look_again_locked(sp);
    if (!note_locked(sp, hash))
        sp->unknown = *hash;
}

static bool leads_to(struct ptd_netsync *ns, const struct mark *m,
                     const struct ptd_hash *hash, uint32_t height)
{
    struct ptd_header_info info;

    return m->is && m->height >= height &&
           ptd_headers_ancestor(ns->headers, &info, &m->hash, height) &&
           ptd_hash_eq(&info.hash, hash);
}

bool sync_knows_locked(struct ptd_sync_peer *sp, const struct ptd_hash *hash,
                       uint32_t height)
{
    return leads_to(sp->ns, &sp->best, hash, height) ||
           leads_to(sp->ns, &sp->sent, hash, height);
}

void ptd_sync_peer_info(struct ptd_sync_peer *sp,
                        struct ptd_sync_peer_info *out)
{
    struct ptd_netsync *ns = sp->ns;
    struct ptd_block_info tip;
    struct ptd_header_info fork;

    *out = (struct ptd_sync_peer_info){ .synced_headers = -1,
                                        .synced_blocks = -1 };
    ptd_blockchain_tip(ns->chain, &tip);
    ptd_mutex_lock(&sp->ns->mu);
    sync_look_again_locked(sp);
    out->presynced_headers = sp->presynced;
    if (sp->best.is) {
        out->synced_headers = (int32_t)sp->best.height;
        if (ptd_blockchain_fork(ns->chain, &fork, &sp->best.hash,
                                &tip.header.hash))
            out->synced_blocks = (int32_t)fork.height;
    }
    PTD_LIST_EACH(f, &sp->flights, struct flight, of_peer)
    if (out->n_in_flight < PTD_SYNC_PER_PEER)
        out->in_flight[out->n_in_flight++] = f->height;
    out->last_block_s = sp->last_block_s;
    out->last_tx_s = sp->last_tx_s;
    out->hb_to = sp->hb_to;
    out->hb_from = sp->hb_from;
    out->min_fee_filter = sp->min_fee_filter;
    ptd_mutex_unlock(&sp->ns->mu);
}

bool ptd_sync_peer_is_protected(struct ptd_sync_peer *sp)
{
    bool is;

    ptd_mutex_lock(&sp->ns->mu);
    is = sp->protect;
    ptd_mutex_unlock(&sp->ns->mu);
    return is;
}

int64_t ptd_sync_peer_last_announced_s(struct ptd_sync_peer *sp)
{
    int64_t s;

    ptd_mutex_lock(&sp->ns->mu);
    s = sp->last_announced_s;
    ptd_mutex_unlock(&sp->ns->mu);
    return s;
}

/* ---- sending, and sending away --------------------------------------- */

enum ptd_err sync_send(struct ptd_sync_peer *sp, struct ptd_msg *m)
{
    return m != NULL ? ptd_peer_queue(sp->peer, m, NULL) : PTD_ENOMEM;
}

enum ptd_err sync_try_send(struct ptd_sync_peer *sp, struct ptd_msg *m)
{
    return m != NULL ? ptd_peer_try_queue(sp->peer, m, NULL) : PTD_ENOMEM;
}

struct ptd_msg *sync_getdata(enum ptd_inv_type type,
                             const struct ptd_hash *hash)
{
    const struct ptd_inv inv = { .type = type, .hash = *hash };

    return ptd_msg_new_inv(PTD_MSG_GETDATA, &inv, 1);
}

enum ptd_err sync_misbehaved(struct ptd_sync_peer *sp, enum ptd_err e,
                             const char *format, ...)
{
    char why[WHY_SIZE];
    va_list ap;

    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    return sp->ns->cfg.misbehaved(sp->ns->cfg.arg, sp->cfg.user, e, why);
}

enum ptd_err sync_end(struct ptd_sync_peer *sp, enum ptd_err e,
                      const char *format, ...)
{
    char why[WHY_SIZE];
    va_list ap;

    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    ptd_log_debug("%s, disconnecting %s", why, ptd_peer_name(sp->peer));
    ptd_peer_disconnect(sp->peer, e, "%s", why);
    return e;
}
