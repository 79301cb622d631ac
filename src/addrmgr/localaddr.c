#include <config.h>

#include "addrmgr/localaddr.h"

#include <stdlib.h>
#include <string.h>

#include "addrmgr/addrmgr.h"
#include "base/alloc.h"
#include "base/util.h"
#include "pentad/log.h"
#include "sync/mutex.h"

PTD_LOG_TAG(SRVR);

struct ptd_localaddr {
    struct ptd_localaddr_config cfg; /* set once */
    struct ptd_mutex mu;             /* PTD_RANK_LOCALADDR */
    size_t n PTD_GUARDED_BY(mu);
    struct ptd_localaddr_entry v[PTD_LOCALADDR_MAX] PTD_GUARDED_BY(mu);
};

/* ---- the list -------------------------------------------------------- */

struct ptd_localaddr *ptd_localaddr_new(const struct ptd_localaddr_config *cfg)
{
    struct ptd_localaddr *l = ptd_calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    l->cfg = *cfg;
    ptd_mutex_init(&l->mu, PTD_RANK_LOCALADDR);
    return l;
}

void ptd_localaddr_free(struct ptd_localaddr *l)
{
    if (l == NULL)
        return;
    ptd_mutex_fini(&l->mu);
    ptd_free(l);
}

static bool is_in_use(const struct ptd_localaddr *l, unsigned net)
{
    return l->cfg.nets == 0 || (l->cfg.nets & PTD_NET_BIT(net)) != 0;
}

/* By host: the port does not matter. NULL: not one of ours. */
static struct ptd_localaddr_entry *
find_locked(struct ptd_localaddr *l, const struct ptd_netaddr *na)
    PTD_REQUIRES(l->mu);
static struct ptd_localaddr_entry *find_locked(struct ptd_localaddr *l,
                                               const struct ptd_netaddr *na)
{
    for (size_t i = 0; i < l->n; i++) {
        if (ptd_netaddr_is_same_host(&l->v[i].na, na))
            return &l->v[i];
    }
    return NULL;
}

/* Anybody can vote: a score ends at its highest value, it does not wrap. */
static int32_t one_more(int32_t score)
{
    return score < INT32_MAX ? score + 1 : score;
}

static enum ptd_err
add_locked(struct ptd_localaddr *l, const struct ptd_netaddr *na, int32_t score)
    PTD_REQUIRES(l->mu);
static enum ptd_err add_locked(struct ptd_localaddr *l,
                               const struct ptd_netaddr *na, int32_t score)
{
    struct ptd_localaddr_entry *e = find_locked(l, na);

    if (e != NULL) {
        if (score >= e->score) {
            e->score = one_more(score);
            e->na.port = na->port;
        }
        return PTD_OK;
    }
    if (l->n == PTD_LOCALADDR_MAX)
        return PTD_ELIMIT;
    l->v[l->n++] = (struct ptd_localaddr_entry){ .na = *na, .score = score };
    return PTD_OK;
}

enum ptd_err ptd_localaddr_add(struct ptd_localaddr *l,
                               const struct ptd_netaddr *na,
                               enum ptd_local_source source)
{
    struct ptd_netaddr own = *na;
    char text[PTD_NETADDR_TEXT];
    enum ptd_err e;

    if ((l->cfg.nets & PTD_NET_BIT(PTD_NET_CJDNS)) != 0)
        ptd_netaddr_ipv6_to_cjdns(&own);
    if (!ptd_netaddr_is_routable(&own) || !is_in_use(l, own.net) ||
        (!l->cfg.discover && source < PTD_LOCAL_MANUAL))
        return PTD_EREJECTED;
    ptd_mutex_lock(&l->mu);
    e = add_locked(l, &own, (int32_t)source);
    ptd_mutex_unlock(&l->mu);
    if (e == PTD_OK)
        ptd_log_info("AddLocal(%s,%d)",
                     ptd_netaddr_format(&own, text, sizeof text), (int)source);
    return e;
}

void ptd_localaddr_remove(struct ptd_localaddr *l, const struct ptd_netaddr *na)
{
    char text[PTD_NETADDR_TEXT];
    struct ptd_localaddr_entry *e;

    ptd_mutex_lock(&l->mu);
    if ((e = find_locked(l, na)) != NULL)
        *e = l->v[--l->n];
    ptd_mutex_unlock(&l->mu);
    ptd_log_info("RemoveLocal(%s)", ptd_netaddr_format(na, text, sizeof text));
}

bool ptd_localaddr_vote(struct ptd_localaddr *l, const struct ptd_netaddr *na)
{
    struct ptd_localaddr_entry *e;

    ptd_mutex_lock(&l->mu);
    if ((e = find_locked(l, na)) != NULL)
        e->score = one_more(e->score);
    ptd_mutex_unlock(&l->mu);
    return e != NULL;
}

bool ptd_localaddr_is_ours(struct ptd_localaddr *l,
                           const struct ptd_netaddr *na)
{
    bool ours;

    ptd_mutex_lock(&l->mu);
    ours = find_locked(l, na) != NULL;
    ptd_mutex_unlock(&l->mu);
    return ours;
}

static int by_score(const void *a, const void *b)
{
    const struct ptd_localaddr_entry *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return ptd_netaddr_cmp(&x->na, &y->na);
}

size_t ptd_localaddr_list(struct ptd_localaddr *l,
                          struct ptd_localaddr_entry *out, size_t max)
{
    struct ptd_localaddr_entry all[PTD_LOCALADDR_MAX];
    size_t n;

    ptd_mutex_lock(&l->mu);
    n = l->n;
    memcpy(all, l->v, n * sizeof *all);
    ptd_mutex_unlock(&l->mu);
    qsort(all, n, sizeof *all, by_score);
    n = PTD_MIN(n, max);
    if (n > 0)
        memcpy(out, all, n * sizeof *out);
    return n;
}

/* ---- reachability ---------------------------------------------------- */

/* Networks, with Teredo apart from IPv6. */
enum ext {
    EXT_OTHER,
    EXT_IPV4,
    EXT_IPV6,
    EXT_ONION,
    EXT_I2P,
    EXT_CJDNS,
    EXT_YGGDRASIL,
    EXT_TEREDO,
    N_EXT
};

static enum ext ext_of(const struct ptd_netaddr *na)
{
    if (ptd_netaddr_is_in_range(na, PTD_RANGE_RFC4380))
        return EXT_TEREDO;
    if (!ptd_netaddr_is_routable(na))
        return EXT_OTHER;
    switch ((enum ptd_net)na->net) {
    case PTD_NET_IPV4: return EXT_IPV4;
    case PTD_NET_IPV6: return EXT_IPV6;
    case PTD_NET_TORV3: return EXT_ONION;
    case PTD_NET_I2P: return EXT_I2P;
    case PTD_NET_CJDNS: return EXT_CJDNS;
    case PTD_NET_YGGDRASIL: return EXT_YGGDRASIL;
    case PTD_NET_NONE:
    case PTD_NET_TORV2: break;
    }
    return EXT_OTHER;
}

static bool is_tunnel(const struct ptd_netaddr *na)
{
    return ptd_netaddr_is_in_range(na, PTD_RANGE_RFC3964) ||
           ptd_netaddr_is_in_range(na, PTD_RANGE_RFC6052) ||
           ptd_netaddr_is_in_range(na, PTD_RANGE_RFC6145);
}

enum ptd_local_reach ptd_localaddr_reach(const struct ptd_netaddr *ours,
                                   const struct ptd_netaddr *theirs)
{
    /* Theirs, ours; what is not named here is PTD_REACH_DEFAULT. */
    static const uint8_t table[N_EXT][N_EXT] = {
        [EXT_IPV4] = { [EXT_IPV4] = PTD_REACH_IPV4 },
        [EXT_IPV6] = { [EXT_TEREDO] = PTD_REACH_TEREDO,
                       [EXT_IPV4] = PTD_REACH_IPV4,
                       [EXT_IPV6] = PTD_REACH_IPV6_STRONG },
        [EXT_ONION] = { [EXT_IPV4] = PTD_REACH_IPV4,
                        [EXT_ONION] = PTD_REACH_PRIVATE },
        [EXT_I2P] = { [EXT_I2P] = PTD_REACH_PRIVATE },
        [EXT_CJDNS] = { [EXT_CJDNS] = PTD_REACH_PRIVATE },
        [EXT_YGGDRASIL] = { [EXT_YGGDRASIL] = PTD_REACH_PRIVATE },
        [EXT_TEREDO] = { [EXT_TEREDO] = PTD_REACH_TEREDO,
                         [EXT_IPV6] = PTD_REACH_IPV6_WEAK,
                         [EXT_IPV4] = PTD_REACH_IPV4 },
        [EXT_OTHER] = { [EXT_TEREDO] = PTD_REACH_TEREDO,
                        [EXT_IPV6] = PTD_REACH_IPV6_WEAK,
                        [EXT_IPV4] = PTD_REACH_IPV4,
                        [EXT_ONION] = PTD_REACH_PRIVATE },
    };
    enum ptd_local_reach reach;

    if (!ptd_netaddr_is_routable(ours))
        return PTD_REACH_NOT;
    reach = (enum ptd_local_reach)table[ext_of(theirs)][ext_of(ours)];
    if (reach == PTD_REACH_NOT)
        return PTD_REACH_DEFAULT;
    return reach == PTD_REACH_IPV6_STRONG && is_tunnel(ours)
               ? PTD_REACH_IPV6_WEAK
               : reach;
}

/* ---- the best one ---------------------------------------------------- */

static bool is_private_net(unsigned net)
{
    return net == PTD_NET_TORV3 || net == PTD_NET_I2P;
}

/* An address of a privacy network and one of another network, seen together,
 * would name who is behind the first. */
static bool may_be_told(const struct ptd_netaddr *ours,
                        const struct ptd_localaddr_peer *peer)
{
    return ours->net == peer->through ||
           !(is_private_net(ours->net) || is_private_net(peer->through));
}

static const struct ptd_localaddr_entry *
best_locked(struct ptd_localaddr *l, const struct ptd_localaddr_peer *peer)
    PTD_REQUIRES(l->mu);
static const struct ptd_localaddr_entry *
best_locked(struct ptd_localaddr *l, const struct ptd_localaddr_peer *peer)
{
    const struct ptd_localaddr_entry *best = NULL;
    enum ptd_local_reach best_reach = PTD_REACH_NOT;

    for (size_t i = 0; i < l->n; i++) {
        const struct ptd_localaddr_entry *e = &l->v[i];
        enum ptd_local_reach reach;

        if (!may_be_told(&e->na, peer))
            continue;
        reach = ptd_localaddr_reach(&e->na, peer->na);
        if (best == NULL || reach > best_reach ||
            (reach == best_reach && by_score(e, best) < 0)) {
            best = e;
            best_reach = reach;
        }
    }
    return best;
}

/* The best one with its score; false: none. */
static bool best_entry(struct ptd_localaddr *l, struct ptd_localaddr_entry *out,
                       const struct ptd_localaddr_peer *peer)
{
    const struct ptd_localaddr_entry *best;

    ptd_mutex_lock(&l->mu);
    if ((best = best_locked(l, peer)) != NULL)
        *out = *best;
    ptd_mutex_unlock(&l->mu);
    return best != NULL;
}

bool ptd_localaddr_best(struct ptd_localaddr *l, struct ptd_netaddr *out,
                        const struct ptd_localaddr_peer *peer)
{
    struct ptd_localaddr_entry best;

    if (!best_entry(l, &best, peer))
        return false;
    *out = best.na;
    return true;
}

/* Could what it sees be an address of ours that we do not know? */
static bool sees_something(const struct ptd_localaddr *l,
                           const struct ptd_localaddr_peer *peer)
{
    return l->cfg.discover && peer->seen != NULL &&
           ptd_netaddr_is_routable(peer->na) &&
           ptd_netaddr_is_routable(peer->seen) && is_in_use(l, peer->seen->net);
}

bool ptd_localaddr_announce(struct ptd_localaddr *l, struct ptd_netaddr *out,
                            const struct ptd_localaddr_peer *peer,
                            uint16_t listen_port, uint32_t dice)
{
    struct ptd_localaddr_entry best = { .na = { .port = listen_port } };
    bool have = best_entry(l, &best, peer);
    /* The better known ours is, the rarer: one in eight, else one in two. */
    uint32_t mask = best.score > PTD_LOCAL_MANUAL ? 7 : 1;

    if (sees_something(l, peer) && (!have || (dice & mask) == 0)) {
        uint16_t port = best.na.port;

        best.na = *peer->seen;
        /* Of a connection that we made it cannot see where we listen. */
        if (!peer->inbound)
            best.na.port = port;
        have = true;
    }
    *out = best.na;
    return have;
}
