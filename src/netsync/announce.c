/* Telling of new blocks: as a compact block, as headers, as inventory. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "netsync/netsync_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

/* What is to be sent to one peer. */
struct plan {
    enum { NOTHING, COMPACT, HEADERS, INVENTORY } how;
    struct ptd_block_header header[SYNC_ANNOUNCE];
    size_t n;
    struct ptd_hash last;
    size_t n_told;    /* of the peer's list, how many this settles */
    struct mark best; /* what the peer knows then; none: no news of that */
};

static void add_header(struct plan *plan, const struct ptd_block_info *info)
{
    ptd_block_header_decode(&plan->header[plan->n++], info->header.raw);
}

/* The headers that it does not know, if they connect to one that it knows, and
 * all are of the active chain. False: they do not. */
static bool list_headers_locked(struct ptd_sync_peer *sp, struct plan *plan,
                                struct ptd_block_info *best)
    PTD_REQUIRES(sp->ns->mu);
static bool list_headers_locked(struct ptd_sync_peer *sp, struct plan *plan,
                                struct ptd_block_info *best)
{
    struct ptd_netsync *ns = sp->ns;

    for (size_t i = 0; i < sp->n_announce; i++) {
        struct ptd_block_info info;
        const struct ptd_hash *hash = &sp->announce[i];

        if (!ptd_blockchain_find(ns->chain, &info, hash) || !info.active)
            return false;
        if (i > 0 && !ptd_hash_eq(&info.prev, &best->header.hash))
            return false;
        *best = info;
        if (plan->n > 0)
            add_header(plan, &info);
        else if (sync_knows_locked(sp, hash, info.header.height))
            continue;
        else if (info.header.height == 0 ||
                 sync_knows_locked(sp, &info.prev, info.header.height - 1))
            add_header(plan, &info);
        else
            return false;
    }
    return true;
}

/* Only the last one, whatever it was. */
static void plan_inventory_locked(struct ptd_sync_peer *sp, struct plan *plan)
    PTD_REQUIRES(sp->ns->mu);
static void plan_inventory_locked(struct ptd_sync_peer *sp, struct plan *plan)
{
    size_t n = PTD_MIN(sp->n_announce, (size_t)SYNC_ANNOUNCE);
    struct ptd_header_info info;

    plan->last = sp->announce[n - 1];
    if (ptd_headers_find(sp->ns->headers, &info, &plan->last) &&
        !sync_knows_locked(sp, &info.hash, info.height))
        plan->how = INVENTORY;
}

static void plan_locked(struct ptd_sync_peer *sp, struct plan *plan)
    PTD_REQUIRES(sp->ns->mu);
static void plan_locked(struct ptd_sync_peer *sp, struct plan *plan)
{
    struct ptd_block_info best;

    *plan = (struct plan){ .how = NOTHING, .n_told = sp->n_announce };
    if (!sp->ready || sp->n_announce == 0)
        return;
    sync_look_again_locked(sp);
    if (sp->n_announce > SYNC_ANNOUNCE ||
        (!sp->wants_headers && (!sp->hb_from || sp->n_announce > 1)) ||
        !list_headers_locked(sp, plan, &best)) {
        plan_inventory_locked(sp, plan);
    } else if (plan->n > 0) {
        if (plan->n == 1 && sp->hb_from)
            plan->how = COMPACT;
        else if (sp->wants_headers)
            plan->how = HEADERS;
        else
            plan_inventory_locked(sp, plan);
        plan->last = best.header.hash;
        if (plan->how != INVENTORY)
            sync_mark(&plan->best, &best.header);
    }
}

/* It was told, or need not be. What came meanwhile stays. */
static void settle_locked(struct ptd_sync_peer *sp, const struct plan *plan)
    PTD_REQUIRES(sp->ns->mu);
static void settle_locked(struct ptd_sync_peer *sp, const struct plan *plan)
{
    size_t held = PTD_MIN(sp->n_announce, (size_t)SYNC_ANNOUNCE), left;

    if (plan->best.is)
        sp->sent = plan->best;
    sp->n_announce -= plan->n_told;
    left = PTD_MIN(sp->n_announce, (size_t)SYNC_ANNOUNCE);
    memmove(&sp->announce[0], &sp->announce[held - left],
            left * sizeof sp->announce[0]);
}

/* The compact block, made once for all peers; a reference, or NULL. */
static struct ptd_msg *get_compact(struct ptd_netsync *ns,
                                   const struct ptd_hash *hash)
{
    struct ptd_msg *block;

    if (ns->cmpct == NULL || !ptd_hash_eq(&ns->cmpct_hash, hash)) {
        if (ptd_blockchain_read_block(ns->chain, &block, hash) != PTD_OK)
            return NULL;
        ptd_msg_free(ns->cmpct);
        ns->cmpct = compact_make(SYNC_MSG(block, block), ptd_random_u64());
        ns->cmpct_hash = *hash;
        ptd_msg_free(block);
    }
    return ns->cmpct != NULL ? ptd_msg_ref(ns->cmpct) : NULL;
}

static struct ptd_msg *make(struct ptd_netsync *ns, const struct plan *plan)
{
    const struct ptd_inv inv = { .type = PTD_INV_BLOCK, .hash = plan->last };

    switch (plan->how) {
    case NOTHING: break;
    case COMPACT: return get_compact(ns, &plan->last);
    case HEADERS: return ptd_msg_new_headers(plan->header, plan->n);
    case INVENTORY: return ptd_msg_new_inv(PTD_MSG_INV, &inv, 1);
    }
    return NULL;
}

static void tell(const struct ptd_sync_peer *sp, const struct plan *plan)
{
    const char *name = ptd_peer_name(sp->peer);
    char hex[PTD_HASH_HEX_SIZE];

    ptd_hash_to_hex(&plan->last, hex);
    switch (plan->how) {
    case NOTHING: break;
    case COMPACT:
        ptd_log_debug("sending header-and-ids %s to %s", hex, name);
        break;
    case HEADERS:
        ptd_log_debug("sending %zu headers up to %s to %s", plan->n, hex, name);
        break;
    case INVENTORY: ptd_log_debug("sending inv %s hash=%s", name, hex); break;
    }
}

void announce_run(struct ptd_sync_peer *sp)
{
    struct ptd_netsync *ns = sp->ns;
    struct plan plan;

    ptd_mutex_lock(&sp->ns->mu);
    plan_locked(sp, &plan);
    if (plan.how == NOTHING)
        settle_locked(sp, &plan);
    ptd_mutex_unlock(&sp->ns->mu);
    if (plan.how == NOTHING)
        return;
    if (sync_try_send(sp, make(ns, &plan)) == PTD_EFULL) {
        ptd_log_debug("%s does not keep up: a block is announced to it later",
                      ptd_peer_name(sp->peer));
        return;
    }
    tell(sp, &plan);
    if (plan.how == COMPACT) /* it need not ask for more */
        ptd_peer_update_last_block(sp->peer, (int32_t)plan.best.height);
    ptd_mutex_lock(&sp->ns->mu);
    settle_locked(sp, &plan);
    ptd_mutex_unlock(&sp->ns->mu);
}
