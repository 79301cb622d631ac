/* Which address is dialled next: what the address manager picks, as long as
 * it differs in net group from all that we have, is not ours, was not tried
 * just now, and offers what we need. */
#include <config.h>

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "connmgr/badport.h"
#include "connmgr/connmgr_int.h"
#include "pentad/log.h"
#include "pentad/msg.h"

PTD_LOG_TAG(CMGR);

enum {
    MAX_TRIES = 100,   /* in one look */
    TRIES_RECENT = 30, /* … before one tried just now is taken */
    TRIES_PORT = 50,   /* … before one with a bad port is */
    RECENT_S = 10 * 60
};

/* Net groups of persistent connections over IPv4 and IPv6, those under way
 * included. */
struct groups {
    struct group {
        size_t n;
        bool connected; /* some connection of it is made */
        uint8_t bytes[PTD_GROUP_MAX];
    } * list;
    size_t n;
    size_t n_private; /* connections made over Tor, I2P, CJDNS: groups of these
                         networks mean nothing */
};

/* An address that counts for diversity. */
struct persistent {
    struct ptd_netaddr na;
    bool connected;
};

static bool is_clearnet(const struct ptd_netaddr *na)
{
    return na->net == PTD_NET_IPV4 || na->net == PTD_NET_IPV6;
}

static struct group group_of(struct ptd_connmgr *cm,
                             const struct ptd_netaddr *na)
{
    const struct ptd_connmgr_addrs *addrs = &cm->cfg.addrs;
    struct group g = { .n = 0 };

    g.n = PTD_MIN(addrs->group(addrs->arg, na, g.bytes), PTD_GROUP_MAX);
    return g;
}

static struct group *groups_find(struct ptd_connmgr *cm,
                                 const struct groups *all,
                                 const struct ptd_netaddr *na)
{
    struct group g = group_of(cm, na);

    for (size_t i = 0; i < all->n; i++)
        if (all->list[i].n == g.n &&
            memcmp(all->list[i].bytes, g.bytes, g.n) == 0)
            return &all->list[i];
    return NULL;
}

static bool groups_have(struct ptd_connmgr *cm, const struct groups *all,
                        const struct ptd_netaddr *na)
{
    return is_clearnet(na) && groups_find(cm, all, na) != NULL;
}

static void groups_add(struct ptd_connmgr *cm, struct groups *all,
                       const struct persistent *p)
{
    struct group *g;

    if (!is_clearnet(&p->na)) {
        all->n_private += p->connected;
        return;
    }
    if ((g = groups_find(cm, all, &p->na)) == NULL) {
        g = &all->list[all->n++];
        *g = group_of(cm, &p->na);
    }
    g->connected = g->connected || p->connected;
}

static size_t n_slots(struct ptd_connmgr *cm)
{
    size_t n = 0;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    n++;
    ptd_mutex_unlock(&cm->mu);
    return n;
}

/* Give how many; list has room for all slots. */
static size_t list_persistent(struct ptd_connmgr *cm, struct persistent *list)
{
    size_t n = 0;

    ptd_mutex_lock(&cm->mu);
    PTD_LIST_EACH(s, &cm->slots, struct slot, link)
    if (!s->gone && s->na.net != PTD_NET_NONE &&
        (s->type == PTD_LINK_MANUAL || s->type == PTD_LINK_FULL_RELAY ||
         s->type == PTD_LINK_BLOCK_RELAY))
        list[n++] = (struct persistent){ s->na, s->state == SLOT_HANDED };
    ptd_mutex_unlock(&cm->mu);
    return n;
}

static bool groups_init(struct ptd_connmgr *cm, struct groups *g)
{
    size_t cap = n_slots(cm); /* more come by this thread alone */
    struct persistent *list = ptd_calloc(cap, sizeof *list);
    size_t n = 0;

    memset(g, 0, sizeof *g);
    g->list = ptd_calloc(cap, sizeof *g->list);
    if (list != NULL && g->list != NULL)
        n = list_persistent(cm, list);
    for (size_t i = 0; i < n; i++)
        groups_add(cm, g, &list[i]);
    if (list == NULL) {
        ptd_free(g->list);
        g->list = NULL;
    }
    ptd_free(list);
    return g->list != NULL;
}

/* Full nodes, whole or pruned, know others. */
static bool may_know_addrs(uint64_t services)
{
    return (services & (PTD_NODE_NETWORK | PTD_NODE_NETWORK_LIMITED)) != 0;
}

static bool has_services(struct ptd_connmgr *cm, uint64_t services)
{
    const struct ptd_connmgr_server *srv = &cm->cfg.server;

    return srv->has_services == NULL || srv->has_services(srv->arg, services);
}

static bool is_own(struct ptd_connmgr *cm, const struct ptd_netaddr *na)
{
    const struct ptd_connmgr_server *srv = &cm->cfg.server;

    return srv->is_own != NULL && srv->is_own(srv->arg, na);
}

static bool is_connected(struct ptd_connmgr *cm, const struct ptd_netaddr *na)
{
    const struct ptd_connmgr_server *srv = &cm->cfg.server;

    return slots_have_host(cm, na) ||
           (srv->find != NULL &&
            srv->find(srv->arg, na, true) != PTD_FOUND_NOT);
}

/* What no number of tries allows. */
static bool is_excluded(struct ptd_connmgr *cm, const struct ptd_netaddr *na)
{
    const struct ptd_connmgr_server *srv = &cm->cfg.server;

    return !ptd_netaddr_is_valid(na) || !ptd_reach_has(&cm->cfg.reach, na) ||
           is_own(cm, na) ||
           (srv->is_unwanted != NULL && srv->is_unwanted(srv->arg, na)) ||
           is_connected(cm, na);
}

static bool is_fit(struct ptd_connmgr *cm, const struct want *w,
                   const struct ptd_connmgr_addr *a, unsigned tries)
{
    int64_t now_s = ptd_clock_wall_s(cm->clk);

    if (tries < TRIES_RECENT && a->last_try_s != 0 &&
        now_s - a->last_try_s < RECENT_S)
        return false;
    if (w->type == PTD_LINK_FEELER ? !may_know_addrs(a->services)
                                   : !has_services(cm, a->services))
        return false;
    if (tries < TRIES_PORT && (a->is_terrible || (is_clearnet(&a->na) &&
                                                  ptd_port_is_bad(a->na.port))))
        return false;
    return true;
}

/* An added node is connected to as such, or not at all: an automatic slot is
 * not wasted on it. */
static bool is_named(struct ptd_connmgr *cm, const struct want *w,
                     const struct ptd_connmgr_addr *a)
{
    char text[PTD_NETADDR_TEXT];

    if (!named_has(cm, &a->na))
        return false;
    ptd_log_debug(
        "Not making automatic %s%s connection to %s peer selected "
        "for manual (addnode) connection%s%s",
        w->net != PTD_NET_NONE ? "network-specific " : "",
        ptd_link_type_text(w->type), ptd_netaddr_network_name(&a->na),
        cm->cfg.log_ips ? ": " : "",
        cm->cfg.log_ips ? ptd_netaddr_format(&a->na, text, sizeof text) : "");
    return true;
}

/* For a feeler: first those whose place in the tried table another wants, then
 * new ones. */
static bool draw_feeler(struct ptd_connmgr *cm, struct ptd_connmgr_addr *a)
{
    const struct ptd_connmgr_addrs *addrs = &cm->cfg.addrs;

    if (addrs->pick_collision(addrs->arg, a)) {
        if (!is_connected(cm, &a->na))
            return true;
        addrs->good(addrs->arg, &a->na); /* it is there, we talk to it */
    }
    return addrs->pick(addrs->arg, a, true, cm->cfg.reach.nets);
}

static bool draw(struct ptd_connmgr *cm, const struct want *w,
                 struct ptd_connmgr_addr *a)
{
    const struct ptd_connmgr_addrs *addrs = &cm->cfg.addrs;

    memset(a, 0, sizeof *a);
    if (w->type == PTD_LINK_FEELER)
        return draw_feeler(cm, a);
    return addrs->pick(addrs->arg, a, false,
                       w->net != PTD_NET_NONE ? PTD_NET_BIT(w->net)
                                              : cm->cfg.reach.nets);
}

static bool pick_from_addrs(struct ptd_connmgr *cm, const struct want *w,
                            const struct groups *g,
                            struct ptd_connmgr_addr *out)
{
    for (unsigned tries = 1; tries <= MAX_TRIES; tries++) {
        if (!draw(cm, w, out))
            return false;
        if (w->type != PTD_LINK_FEELER && groups_have(cm, g, &out->na))
            continue;
        if (!is_excluded(cm, &out->na) && is_fit(cm, w, out, tries) &&
            !is_named(cm, w, out))
            return true;
    }
    return false;
}

/* The last of the anchors that is still any good. */
static bool pick_anchor(struct ptd_connmgr *cm, const struct groups *g,
                        struct ptd_connmgr_addr *out)
{
    char text[PTD_NETADDR_TEXT];

    while (cm->plan.n_anchors > 0) {
        *out = cm->anchors[--cm->plan.n_anchors];
        if (is_excluded(cm, &out->na) || !has_services(cm, out->services) ||
            groups_have(cm, g, &out->na))
            continue;
        ptd_log_debug("Trying to make an anchor connection to %s",
                      ptd_netaddr_format(&out->na, text, sizeof text));
        return true;
    }
    return false;
}

/* A failure says something of an address only while we are connected to
 * others: otherwise it is our own line that is down. */
static bool counts_failures(const struct ptd_connmgr *cm,
                            const struct groups *g)
{
    size_t n = g->n_private;

    for (size_t i = 0; i < g->n; i++)
        n += g->list[i].connected;
    return n + 1 >= PTD_MIN(cm->cfg.max_connections, 3);
}

bool pick_addr(struct ptd_connmgr *cm, const struct want *w,
               struct ptd_connmgr_addr *out, bool *count_failure)
{
    struct groups g;
    bool found = false;

    cm->cfg.addrs.resolve_collisions(cm->cfg.addrs.arg);
    if (!groups_init(cm, &g))
        return false;
    *count_failure = counts_failures(cm, &g);
    if (w->anchor)
        found = pick_anchor(cm, &g, out);
    if (!found)
        found = pick_from_addrs(cm, w, &g, out);
    ptd_free(g.list);
    return found;
}

enum ptd_net pick_net(struct ptd_connmgr *cm, const struct census *c)
{
    const struct ptd_connmgr_addrs *addrs = &cm->cfg.addrs;
    uint8_t nets[] = { PTD_NET_IPV4, PTD_NET_IPV6, PTD_NET_TORV3, PTD_NET_I2P,
                       PTD_NET_CJDNS };

    ptd_random_shuffle(nets, PTD_COUNT(nets), sizeof *nets);
    for (size_t i = 0; i < PTD_COUNT(nets); i++)
        if ((cm->cfg.reach.nets & PTD_NET_BIT(nets[i])) != 0 &&
            c->n_by_net[nets[i]] == 0 &&
            addrs->count(addrs->arg, (enum ptd_net)nets[i]) > 0)
            return (enum ptd_net)nets[i];
    return PTD_NET_NONE;
}
