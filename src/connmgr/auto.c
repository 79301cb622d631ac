/* Automatic connections: which kind is made next, and when.
 *
 * Anchors come first, then full-relay connections, then block-relay-only ones.
 * When all are there, the one slot left serves in turn: another full-relay
 * peer while the tip is stale, another block-relay-only peer to hear of blocks
 * that ours may keep from us, feelers that try addresses out, and a peer on a
 * network where we have none. */
#include <config.h>

#include "base/rng.h"
#include "connmgr/connmgr_int.h"
#include "pentad/log.h"
#include "pentad/msg.h"

PTD_LOG_TAG(CMGR);

#define FEELER_US       (120 * SECOND_US) /* on average, as the next two */
#define BLOCK_RELAY_US  (300 * SECOND_US)
#define NETWORK_PEER_US (300 * SECOND_US)
#define NO_NETWORK_US   (60 * SECOND_US) /* there was no such network */
#define NO_ADDR_US      (2 * SECOND_US)  /* there was no fit address */
#define NOISE_US        SECOND_US        /* before a feeler, at most */

void auto_start(struct ptd_connmgr *cm)
{
    struct plan *p = &cm->plan;
    int64_t now_us = connmgr_now_us(cm);

    p->start_us = p->due_us = now_us;
    p->pick_us = now_us - PACE_US;
    p->feeler_us = now_us + ptd_random_exponential(FEELER_US);
    p->block_relay_us = now_us + ptd_random_exponential(BLOCK_RELAY_US);
    p->network_peer_us = now_us + ptd_random_exponential(NETWORK_PEER_US);
    p->n_anchors = cm->cfg.n_anchors;
    if (cm->cfg.automatic)
        ptd_log_info("%zu block-relay-only anchors will be tried for "
                     "connections.",
                     p->n_anchors);
}

/* ---- what is next -------------------------------------------------------- */

static bool wants_network_peer(struct ptd_connmgr *cm, const struct census *c,
                               struct want *w)
{
    struct plan *p = &cm->plan;
    int64_t now_us = connmgr_now_us(cm);

    /* With fewer slots than usual none is to spare. */
    if (cm->max_full_relay < PTD_MAX_FULL_RELAY ||
        c->n_full_relay != cm->max_full_relay || now_us < p->network_peer_us)
        return false;
    w->net = pick_net(cm, c);
    p->network_peer_us = now_us + (w->net != PTD_NET_NONE
                                       ? ptd_random_exponential(NETWORK_PEER_US)
                                       : NO_NETWORK_US);
    return w->net != PTD_NET_NONE;
}

/* All slots are filled: is it time for one of the short-lived? */
static bool choose_extra(struct ptd_connmgr *cm, const struct census *c,
                         struct want *w)
{
    struct plan *p = &cm->plan;
    int64_t now_us = connmgr_now_us(cm);

    if (connmgr_flag(cm, &cm->wants_extra_peer))
        return true;
    if (now_us >= p->block_relay_us &&
        connmgr_flag(cm, &cm->extra_block_relay)) {
        p->block_relay_us = now_us + ptd_random_exponential(BLOCK_RELAY_US);
        w->type = PTD_LINK_BLOCK_RELAY;
        return true;
    }
    if (now_us >= p->feeler_us) {
        p->feeler_us = now_us + ptd_random_exponential(FEELER_US);
        w->type = PTD_LINK_FEELER;
        return true;
    }
    return wants_network_peer(cm, c, w);
}

static bool choose(struct ptd_connmgr *cm, const struct census *c,
                   struct want *w)
{
    *w = (struct want){ .type = PTD_LINK_FULL_RELAY };
    if (c->n_block_relay < cm->max_block_relay && cm->plan.n_anchors > 0) {
        w->type = PTD_LINK_BLOCK_RELAY;
        w->anchor = true;
        return true;
    }
    if (c->n_full_relay < cm->max_full_relay)
        return true;
    if (c->n_block_relay < cm->max_block_relay) {
        w->type = PTD_LINK_BLOCK_RELAY;
        return true;
    }
    return choose_extra(cm, c, w);
}

/* When choose() may say yes though nothing happens. */
static int64_t next_extra_us(struct ptd_connmgr *cm)
{
    const struct plan *p = &cm->plan;
    int64_t next_us = p->feeler_us;

    if (connmgr_flag(cm, &cm->extra_block_relay))
        next_us = PTD_MIN(next_us, p->block_relay_us);
    if (cm->max_full_relay == PTD_MAX_FULL_RELAY)
        next_us = PTD_MIN(next_us, p->network_peer_us);
    return next_us;
}

/* ---- dialling ------------------------------------------------------------ */

static void announce(const struct want *w, const struct slot *s)
{
    char text[NODE_TEXT_MAX + 1];

    if (w->type == PTD_LINK_FEELER)
        ptd_log_debug("Making feeler connection to %s",
                      slot_text(s, text, sizeof text));
    if (w->net != PTD_NET_NONE)
        ptd_log_debug("Making network specific connection to %s on %s.",
                      slot_text(s, text, sizeof text),
                      ptd_netaddr_network_name(&s->na));
}

/* Dial what was picked; a feeler a little later, so that nobody can tell its
 * time from that of others. */
static bool dial_picked(struct ptd_connmgr *cm, const struct want *w,
                        const struct ptd_connmgr_addr *a, bool count_failure)
{
    struct slot *s = slot_new(cm, w->type, USE_AUTOMATIC);

    if (s == NULL)
        return false;
    s->services = a->services;
    s->seen_s = a->seen_s;
    s->wants_v2 = cm->cfg.v2_transport && (a->services & PTD_NODE_P2P_V2) != 0;
    s->anchor = w->anchor;
    s->count_failure = count_failure;
    if (w->type == PTD_LINK_FEELER)
        s->due_us = connmgr_now_us(cm) + (int64_t)ptd_random_below(NOISE_US);
    slot_enter(s);
    if (!slot_claim(s, &a->na)) {
        slot_drop(s); /* a name that was looked up led there this moment */
        return false;
    }
    announce(w, s);
    if (w->type == PTD_LINK_FEELER)
        connmgr_wake(cm);
    else
        slot_dial(s);
    return true;
}

static void take_hint(struct ptd_connmgr *cm)
{
    struct plan *p = &cm->plan;
    bool changed;

    ptd_mutex_lock(&cm->mu);
    changed = cm->addrs_changed;
    cm->addrs_changed = false;
    ptd_mutex_unlock(&cm->mu);
    if (changed && p->found_none)
        p->due_us = PTD_MIN(p->due_us, p->pick_us + PACE_US);
}

int64_t auto_run(struct ptd_connmgr *cm)
{
    struct plan *p = &cm->plan;
    struct ptd_connmgr_addr a;
    struct census c;
    struct want w;
    bool count_failure;
    int64_t now_us = connmgr_now_us(cm);

    if (!cm->cfg.automatic || !connmgr_flag(cm, &cm->active))
        return PTD_NEVER;
    connmgr_census(cm, &c);
    if (c.n_automatic >= cm->max_automatic)
        return PTD_NEVER; /* until one is given back */
    take_hint(cm);
    if (now_us < p->due_us)
        return p->due_us;
    if (!choose(cm, &c, &w))
        return next_extra_us(cm);
    p->found_none = !pick_addr(cm, &w, &a, &count_failure) ||
                    !dial_picked(cm, &w, &a, count_failure);
    p->pick_us = now_us;
    p->due_us = now_us + (p->found_none ? NO_ADDR_US : PACE_US);
    return p->due_us;
}
