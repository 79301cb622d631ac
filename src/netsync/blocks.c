/* Blocks that come. */
#include <config.h>

#include <inttypes.h>

#include "netsync/netsync_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

/* ---- taking them in -------------------------------------------------- */

/* A new one, whoever sent it, is not to be fetched from anybody any more. */
static void note_new(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
{
    struct ptd_netsync *ns = sp->ns;
    bool only;

    ptd_mutex_lock(&sp->ns->mu);
    sp->last_block_s = ptd_clock_wall_s(ns->clk);
    (void)flight_end_all_locked(sp->ns, hash);
    only = ns->n_flights == 0;
    ptd_mutex_unlock(&sp->ns->mu);
    if (only && !ptd_blockchain_is_initial_download(ns->chain))
        compact_choose(sp);
}

/* The peer is not asked for it any more. */
static void strike(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
{
    struct flight *f;

    ptd_mutex_lock(&sp->ns->mu);
    if ((f = flight_of_locked(sp, hash)) != NULL)
        flight_end_locked(sp->ns, f);
    ptd_mutex_unlock(&sp->ns->mu);
}

static void tell(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
{
    struct ptd_netsync *ns = sp->ns;
    struct ptd_header_info info;
    char hex[PTD_HASH_HEX_SIZE];

    if (!ptd_headers_find(ns->headers, &info, hash))
        return;
    ptd_peer_update_last_block(sp->peer, (int32_t)info.height);
    ptd_log_debug("Block %s, height %" PRIu32 ", from %s",
                  ptd_hash_to_hex(hash, hex), info.height,
                  ptd_peer_name(sp->peer));
    if (ns->cfg.on_block != NULL)
        ns->cfg.on_block(ns->cfg.arg, sp->cfg.user, hash, info.height);
}

static enum ptd_err refused(struct ptd_sync_peer *sp,
                            const struct ptd_block_result *res, bool compact)
{
    struct ptd_netsync *ns = sp->ns;
    char hex[PTD_HASH_HEX_SIZE];

    if (res->verdict.class == PTD_BLOCK_IO && ns->cfg.trouble != NULL)
        ns->cfg.trouble(ns->cfg.arg);
    if (res->verdict.class == PTD_BLOCK_NO_MEMORY)
        return PTD_ENOMEM;
    if (res->verdict.class == PTD_BLOCK_LOW_WORK)
        ptd_log_debug("AcceptBlockHeader: not adding new block header %s, "
                      "missing anti-dos proof-of-work validation",
                      ptd_hash_to_hex(&res->hash, hex));
    return headers_punish(sp, &res->verdict, compact, false, "invalid block");
}

enum ptd_err blocks_take(struct ptd_sync_peer *sp, const struct ptd_msg *block,
                         unsigned flags, bool compact)
{
    struct ptd_netsync *ns = sp->ns;
    struct ptd_block_result res;
    enum ptd_err e = PTD_OK;

    ptd_blockchain_accept_block(ns->chain, &res, block, flags);
    /* Only now, so that nobody else is asked for it meanwhile. */
    if (res.is_new) {
        note_new(sp, &res.hash);
        tell(sp, &res.hash);
    } else {
        strike(sp, &res.hash);
    }
    if (res.verdict.class != PTD_BLOCK_VALID)
        e = refused(sp, &res, compact);
    fetch_more(sp);
    sync_wake(ns); /* the window may have moved, for others */
    return e;
}

/* Is it what its header promises? Only then is anything else done with it, so
 * that a block that was tampered with spoils nobody's download. *flags: that
 * it is sound, for blocks_take(). */
static bool is_mutated(struct ptd_netsync *ns, const struct ptd_msg_block *b,
                       unsigned *flags)
{
    struct ptd_block_verdict v;
    struct ptd_header_info prev;

    if (!ptd_headers_find(ns->headers, &prev, &b->header.prev))
        return false; /* it is refused for that */
    v = ptd_block_check_mutated(b,
                                prev.height + 1 >= ns->params->segwit_height);
    if (v.class == PTD_BLOCK_VALID)
        *flags |= PTD_ACCEPT_SOUND;
    if (v.class != PTD_BLOCK_MUTATED)
        return false;
    ptd_log_debug("Block mutated: %s%s%s", v.reason,
                  *v.detail != '\0' ? ", " : "", v.detail);
    return true;
}

/* It has what it sends: it need not be told of it. Gives whether anybody was
 * asked for it. */
static bool note_has(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
{
    bool asked;

    ptd_mutex_lock(&sp->ns->mu);
    sync_has_locked(sp, hash);
    asked = flight_first_locked(sp->ns, hash) != NULL;
    ptd_mutex_unlock(&sp->ns->mu);
    return asked;
}

enum ptd_err blocks_on_block(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_block *b = SYNC_MSG(block, msg);
    struct ptd_sync_peer *sp = arg;
    struct ptd_inv inv = { .type = PTD_INV_BLOCK };
    char hex[PTD_HASH_HEX_SIZE];
    unsigned flags = 0;

    if (atomic_load(&sp->ns->loading)) {
        ptd_log_debug("Unexpected block message received from %s",
                      ptd_peer_name(p));
        return PTD_OK;
    }
    ptd_block_header_hash(&b->header, &inv.hash);
    ptd_log_debug("received block %s %s", ptd_hash_to_hex(&inv.hash, hex),
                  ptd_peer_name(p));
    ptd_peer_add_known_inv(p, &inv);
    if (is_mutated(sp->ns, b, &flags)) {
        strike(sp, &inv.hash);
        ptd_log_debug("Received mutated block from %s", ptd_peer_name(p));
        sync_wake(sp->ns);
        return sync_misbehaved(sp, PTD_EBADVALUE, "mutated block");
    }
    if (note_has(sp, &inv.hash))
        flags |= PTD_ACCEPT_REQUESTED;
    return blocks_take(sp, msg, flags, false);
}

/* It has not got what it was asked for: others may. */
enum ptd_err blocks_on_notfound(struct ptd_peer *p, struct ptd_msg *msg,
                                void *arg)
{
    const struct ptd_msg_inv *m = SYNC_MSG(inv, msg);
    struct ptd_sync_peer *sp = arg;
    size_t n = 0;

    (void)p;
    if (m->n > PTD_SYNC_PER_PEER)
        return PTD_OK; /* not an answer to us */
    ptd_mutex_lock(&sp->ns->mu);
    for (uint32_t i = 0; i < m->n; i++) {
        struct flight *f = flight_of_locked(sp, &m->list[i].hash);

        if (f == NULL)
            continue;
        flight_end_locked(sp->ns, f);
        n++;
    }
    /* Until it announces more, it has no more than we have. */
    if (n > 0)
        sp->best.is = false;
    ptd_mutex_unlock(&sp->ns->mu);
    if (n > 0)
        sync_wake(sp->ns);
    return PTD_OK;
}

/* ---- by hand --------------------------------------------------------- */

static enum ptd_err ask_locked(struct ptd_sync_peer *sp,
                               const struct ptd_hash *hash, uint32_t height)
    PTD_REQUIRES(sp->ns->mu);
static enum ptd_err ask_locked(struct ptd_sync_peer *sp,
                               const struct ptd_hash *hash, uint32_t height)
{
    if (!sp->ready)
        return PTD_ENOTFOUND;
    if ((sp->services & PTD_NODE_WITNESS) == 0)
        return PTD_EREJECTED;
    /* The user knows better whom to ask; but once is enough. */
    if (flight_of_locked(sp, hash) != NULL)
        return PTD_EEXIST;
    (void)flight_end_all_locked(sp->ns, hash);
    return flight_add_locked(sp, hash, height) != NULL ? PTD_OK : PTD_ENOMEM;
}

enum ptd_err ptd_netsync_fetch_from(struct ptd_netsync *ns, int64_t peer,
                                    const struct ptd_hash *hash)
{
    struct ptd_header_info info;
    struct ptd_sync_peer *sp;
    char hex[PTD_HASH_HEX_SIZE];
    enum ptd_err e;

    if (atomic_load(&ns->loading))
        return PTD_EAGAIN;
    if (!ptd_headers_find(ns->headers, &info, hash))
        return PTD_EEMPTY;
    sp = sync_next_peer(ns, peer - 1);
    if (sp == NULL || ptd_peer_id(sp->peer) != peer) {
        if (sp != NULL)
            sync_peer_put(sp);
        return PTD_ENOTFOUND;
    }
    ptd_mutex_lock(&sp->ns->mu);
    e = ask_locked(sp, hash, info.height);
    ptd_mutex_unlock(&sp->ns->mu);
    if (e == PTD_OK) {
        e = sync_try_send(sp, sync_getdata(PTD_INV_WITNESS_BLOCK, hash));
        if (e == PTD_OK)
            ptd_log_debug("Requesting block %s from %s",
                          ptd_hash_to_hex(hash, hex), ptd_peer_name(sp->peer));
        else
            strike(sp, hash);
    }
    sync_peer_put(sp);
    return e;
}
