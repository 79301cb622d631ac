/* Telling addresses on: what peers tell us, what we tell them, and when.
 *
 * An address that is news goes to two peers; each peer has a list of what it is
 * to be told, which goes out in batches at random times, so that nobody can
 * tell from the time where it came from. Once a day a peer hears our own
 * address. One thread, "addrmgr", sends whatever is due and keeps peers.dat.
 *
 * Source  Bitcoin Core's ProcessAddrs, RelayAddress, MaybeSendAddr; btcd's
 *         OnGetAddr, OnAddr, pushAddrMsg; Heilman et al. (2015) */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

#define SECOND_US INT64_C(1000000)
#define BATCH_US  (30 * SECOND_US)        /* mean, between batches */
#define SELF_US   (24 * 3600 * SECOND_US) /* mean, between self-announcements */
#define FETCH_US  (10 * BATCH_US)         /* for an answer to getaddr */
#define CHECK_US  (24 * 3600 * SECOND_US)
#define SAVE_US   (600 * SECOND_US)

enum {
    FRESH_S = 600, /* older news is told to nobody */
    NEWS_MAX = 10  /* longer lists are answers, not news */
};

/* ---- when: a heap of peers by the time they are due -------------------------- */

static void put_locked(struct ptd_node *n, size_t at, struct node_peer *np)
    PTD_REQUIRES(n->mu);
static void put_locked(struct ptd_node *n, size_t at, struct node_peer *np)
{
    n->due[at - 1] = np;
    np->gossip.place = at;
}

/* Move the peer at a place (from 1) to where it belongs. */
static void settle_locked(struct ptd_node *n, size_t at) PTD_REQUIRES(n->mu);
static void settle_locked(struct ptd_node *n, size_t at)
{
    struct node_peer *np = n->due[at - 1];

    for (size_t up = at / 2;
         up > 0 && np->gossip.due_us < n->due[up - 1]->gossip.due_us;
         at = up, up = at / 2)
        put_locked(n, at, n->due[up - 1]);
    for (size_t down = 2 * at; down <= n->n_due; at = down, down = 2 * at) {
        if (down < n->n_due &&
            n->due[down]->gossip.due_us < n->due[down - 1]->gossip.due_us)
            down++;
        if (np->gossip.due_us <= n->due[down - 1]->gossip.due_us)
            break;
        put_locked(n, at, n->due[down - 1]);
    }
    put_locked(n, at, np);
}

static void unschedule_locked(struct ptd_node *n, struct node_peer *np)
    PTD_REQUIRES(n->mu);
static void unschedule_locked(struct ptd_node *n, struct node_peer *np)
{
    size_t at = np->gossip.place;

    if (at == 0)
        return;
    np->gossip.place = 0;
    if (at != n->n_due--) {
        put_locked(n, at, n->due[n->n_due]);
        settle_locked(n, at);
    }
}

/* Set when to look at it next. True if that is sooner than all others. */
static bool schedule_locked(struct ptd_node *n, struct node_peer *np)
    PTD_REQUIRES(n->mu);
static bool schedule_locked(struct ptd_node *n, struct node_peer *np)
{
    struct gossip *g = &np->gossip;

    g->due_us = n->is_current && n->cfg->listen ? g->self_us : PTD_NEVER;
    if (g->n > 0)
        g->due_us = PTD_MIN(g->due_us, g->send_us);
    if (np->type == PTD_LINK_ADDR_FETCH)
        g->due_us = PTD_MIN(g->due_us, g->end_us);
    if (!g->on || !np->ready || g->due_us == PTD_NEVER) {
        unschedule_locked(n, np);
        return false;
    }
    if (g->place == 0) {
        PTD_ASSERT(n->n_due < n->due_cap);
        g->place = ++n->n_due;
        n->due[g->place - 1] = np;
    }
    settle_locked(n, g->place);
    return g->place == 1;
}

static void wake(struct ptd_node *n)
{
    (void)!ptd_chan_try_send(n->gossip_wake, NULL);
}

enum ptd_err gossip_reserve(struct ptd_node *n)
{
    enum ptd_err e = PTD_OK;
    struct node_peer **v;

    ptd_mutex_lock(&n->mu);
    v = ptd_array_grow(n->due, &n->due_cap, n->n_in + n->n_out + 1, sizeof *v);
    if (v != NULL)
        n->due = v;
    else
        e = PTD_ENOMEM;
    ptd_mutex_unlock(&n->mu);
    return e;
}

/* ---- what a peer is to be told -------------------------------------------------- */

static bool can_take(const struct node_peer *np, const struct ptd_netaddr *na)
{
    return np->takes_addrv2 || na->net == PTD_NET_IPV4 ||
           na->net == PTD_NET_IPV6;
}

/* One address more; a full list loses one by chance. */
static void push_locked(struct ptd_node *n, struct node_peer *np,
                        const struct ptd_addr_entry *e) PTD_REQUIRES(n->mu);
static void push_locked(struct ptd_node *n, struct node_peer *np,
                        const struct ptd_addr_entry *e)
{
    struct gossip *g = &np->gossip;
    int64_t now = ptd_clock_now_us(n->clk);
    struct ptd_addr_entry *v;

    if (!ptd_netaddr_is_valid(&e->na) || !can_take(np, &e->na) ||
        addr_known_has(&g->known, &e->na))
        return;
    /* Batches have no memory: when none was due, the next is as far away as
     * ever. */
    if (g->n == 0 && g->send_us != 0 && g->send_us <= now)
        g->send_us = now + ptd_random_exponential(BATCH_US);
    if (g->n == PTD_MAX_ADDR_PER_MSG) {
        g->list[ptd_random_below(g->n)] = *e;
        return;
    }
    v = ptd_array_grow(g->list, &g->cap, g->n + 1, sizeof *v);
    if (v == NULL)
        return;
    g->list = v;
    g->list[g->n++] = *e;
}

/* ---- sending ---------------------------------------------------------------------- */

/* A message that is on its way to a peer. */
struct parcel {
    struct ptd_peer *peer; /* a reference */
    bool v2;
    struct ptd_addr_entry *list;
    size_t n;
    struct ptd_netaddr self; /* ours, if it is told; else net 0 */
    bool ends;               /* nothing is sent: the peer is to go */
};

static void send_parcel(struct parcel *p)
{
    char text[PTD_NETADDR_TEXT];
    struct ptd_msg *m;

    if (p->self.net != PTD_NET_NONE)
        ptd_log_debug("Advertising address %s to %s",
                      ptd_netaddr_format(&p->self, text, sizeof text),
                      ptd_peer_name(p->peer));
    if (p->n > 0) {
        m = ptd_msg_new_addr(p->v2 ? PTD_MSG_ADDRV2 : PTD_MSG_ADDR, p->list,
                             p->n);
        if (m == NULL || ptd_peer_try_queue(p->peer, m, NULL) != PTD_OK)
            ptd_log_debug("%zu addresses are lost: %s is too busy", p->n,
                          ptd_peer_name(p->peer));
    }
    if (p->ends)
        ptd_peer_disconnect(p->peer, PTD_ETIMEOUT,
                            "addrfetch connection timeout");
    ptd_free(p->list);
    ptd_peer_free(p->peer);
}

void gossip_batch_later(struct node_peer *np)
{
    struct ptd_node *n = np->node;

    ptd_mutex_lock(&n->mu);
    if (np->gossip.send_us == 0)
        np->gossip.send_us =
            ptd_clock_now_us(n->clk) + ptd_random_exponential(BATCH_US);
    ptd_mutex_unlock(&n->mu);
}

/* What of the list the peer has not heard meanwhile. */
static void take_batch_locked(struct ptd_node *n, struct node_peer *np,
                              struct parcel *out) PTD_REQUIRES(n->mu);
static void take_batch_locked(struct ptd_node *n, struct node_peer *np,
                              struct parcel *out)
{
    struct gossip *g = &np->gossip;
    int64_t now = ptd_clock_now_us(n->clk);
    size_t kept = 0;

    for (size_t i = 0; i < g->n; i++)
        if (!addr_known_has(&g->known, &g->list[i].na)) {
            addr_known_add(&g->known, &g->list[i].na);
            g->list[kept++] = g->list[i];
        }
    g->send_us = now + ptd_random_exponential(BATCH_US);
    *out = (struct parcel){ .peer = ptd_peer_ref(np->peer),
                            .v2 = np->takes_addrv2,
                            .list = g->list,
                            .n = kept };
    g->list = NULL;
    g->n = g->cap = 0;
}

/* Our own address, as this peer is to see it. */
static bool self_for(struct node_peer *np, struct ptd_addr_entry *out)
{
    struct ptd_node *n = np->node;
    const struct ptd_netaddr *na = ptd_peer_addr(np->peer);
    struct ptd_localaddr_peer at = {
        .na = na,
        .through = np->is_onion ? PTD_NET_TORV3 : ptd_netgroup_class(na),
        .seen = np->seen.net != PTD_NET_NONE ? &np->seen : NULL,
        .inbound = node_peer_is_in(np),
    };

    if (!ptd_localaddr_announce(n->localaddr, &out->na, &at, n->listen_port,
                                ptd_random_u32()))
        return false;
    out->services = ptd_node_services(n);
    out->time = (uint32_t)ptd_clock_wall_s(n->clk);
    return true;
}

/* The first time in a message of its own: with others it could fall victim to
 * the limit that a new peer has for us. Later with the others, as if the peer
 * had never heard it. */
static void tell_self_locked(struct ptd_node *n, struct node_peer *np,
                             struct parcel *out) PTD_REQUIRES(n->mu);
static void tell_self_locked(struct ptd_node *n, struct node_peer *np,
                             struct parcel *out)
{
    struct gossip *g = &np->gossip;
    int64_t now = ptd_clock_now_us(n->clk);
    bool is_first = g->self_us == 0, is_due = g->send_us <= now;
    struct ptd_addr_entry self;

    g->self_us = now + ptd_random_exponential(SELF_US);
    if (!is_first)
        addr_known_reset(&g->known);
    if (!self_for(np, &self))
        return;
    out->peer = ptd_peer_ref(np->peer);
    out->v2 = np->takes_addrv2;
    out->self = self.na;
    if (!is_first) {
        push_locked(n, np, &self);
        if (is_due)
            g->send_us = now; /* this moment is as random as another */
    } else if (can_take(np, &self.na) &&
               (out->list = ptd_memdup(&self, sizeof self)) != NULL) {
        out->n = 1;
    }
}

/* It was to tell us addresses, and did not. */
static void give_up_locked(struct ptd_node *n, struct node_peer *np,
                           struct parcel *out) PTD_REQUIRES(n->mu);
static void give_up_locked(struct ptd_node *n, struct node_peer *np,
                           struct parcel *out)
{
    (void)n;
    np->gossip.end_us = PTD_NEVER;
    out->peer = ptd_peer_ref(np->peer);
    out->ends = true;
}

/* Take what is due of the first peer that is. False: none is, *next tells when
 * one will be. */
static bool take_due(struct ptd_node *n, struct parcel *out, int64_t *next)
{
    int64_t now = ptd_clock_now_us(n->clk);
    struct node_peer *np = NULL;

    *out = (struct parcel){ 0 };
    *next = PTD_NEVER;
    ptd_mutex_lock(&n->mu);
    if (n->n_due > 0 && n->due[0]->gossip.due_us <= now)
        np = n->due[0];
    else if (n->n_due > 0)
        *next = n->due[0]->gossip.due_us;
    if (np != NULL) {
        struct gossip *g = &np->gossip;

        if (np->type == PTD_LINK_ADDR_FETCH && g->end_us <= now)
            give_up_locked(n, np, out);
        else if (n->is_current && n->cfg->listen && g->self_us <= now)
            tell_self_locked(n, np, out);
        else if (g->n > 0 && g->send_us <= now)
            take_batch_locked(n, np, out);
        (void)schedule_locked(n, np);
    }
    ptd_mutex_unlock(&n->mu);
    return np != NULL;
}

int64_t gossip_run(struct ptd_node *n)
{
    struct parcel p;
    int64_t next;

    while (take_due(n, &p, &next))
        if (p.peer != NULL)
            send_parcel(&p);
    return next;
}

/* ---- the thread ------------------------------------------------------------------- */

static void gossip_main(void *node)
{
    struct ptd_node *n = node;
    int64_t save_us = ptd_clock_now_us(n->clk) + SAVE_US;
    int64_t check_us = ptd_clock_now_us(n->clk) + CHECK_US;

    for (;;) {
        enum { WAKE, QUIT, N };
        struct ptd_case on[N] = {
            [WAKE] = PTD_RECV(n->gossip_wake, NULL),
            [QUIT] = PTD_RECV(n->quit, NULL),
        };
        int64_t due = gossip_run(n);

        if (ptd_clock_now_us(n->clk) >= save_us) {
            book_save(n);
            save_us = ptd_clock_now_us(n->clk) + SAVE_US;
        }
        if (ptd_clock_now_us(n->clk) >= check_us) {
            book_check_map(n);
            check_us = ptd_clock_now_us(n->clk) + CHECK_US;
        }
        due = PTD_MIN(due, PTD_MIN(save_us, check_us));
        if (ptd_select(on, N, n->clk, due) == QUIT)
            return;
    }
}

enum ptd_err gossip_start(struct ptd_node *n)
{
    return ptd_thread_start(&n->gossip_thread, NULL, "addrmgr", gossip_main, n);
}

/* ---- peers come and go ---------------------------------------------------------- */

bool gossip_join(struct node_peer *np)
{
    struct ptd_node *n = np->node;
    bool on = np->type != PTD_LINK_BLOCK_RELAY, is_first = false;

    if (!on)
        return false;
    ptd_mutex_lock(&n->mu);
    if (!np->leaving) {
        if (!np->gossip.on)
            np->gossip.end_us = ptd_clock_now_us(n->clk) + FETCH_US;
        np->gossip.on = true;
        is_first = schedule_locked(n, np);
    }
    ptd_mutex_unlock(&n->mu);
    if (is_first)
        wake(n);
    return true;
}

void gossip_ready(struct node_peer *np)
{
    struct ptd_node *n = np->node;
    bool is_first;

    ptd_mutex_lock(&n->mu);
    is_first = schedule_locked(n, np);
    ptd_mutex_unlock(&n->mu);
    if (is_first)
        wake(n);
}

void gossip_gone(struct node_peer *np)
{
    struct ptd_node *n = np->node;

    ptd_mutex_lock(&n->mu);
    np->gossip.on = false;
    unschedule_locked(n, np);
    ptd_free(np->gossip.list);
    np->gossip.list = NULL;
    np->gossip.n = np->gossip.cap = 0;
    addr_known_reset(&np->gossip.known);
    ptd_mutex_unlock(&n->mu);
}

void gossip_current(struct ptd_node *n)
{
    bool was_current;

    ptd_mutex_lock(&n->mu);
    was_current = n->is_current;
    n->is_current = true;
    if (!was_current)
        PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    (void)schedule_locked(n, np);
    ptd_mutex_unlock(&n->mu);
    if (!was_current)
        wake(n);
}

/* ---- asked for addresses ------------------------------------------------------- */

static bool keep(void *node, const struct ptd_addr_entry *e)
{
    return !book_is_unwanted(node, &e->na);
}

/* Those whom the user lets see more get an answer of their own. */
static enum ptd_err sample_for(struct node_peer *np,
                               struct ptd_addr_entry *list, size_t *count)
{
    struct ptd_node *n = np->node;
    const struct ptd_netaddr *na = ptd_peer_addr(np->peer);
    size_t kept = 0;

    if (!node_peer_may(np, PTD_MAY_ADDR))
        return ptd_addrmgr_cache_get(n->addrcache, list, count,
                                     np->is_onion ? PTD_NET_TORV3
                                                  : ptd_netgroup_class(na),
                                     &np->here, keep, n);
    *count = ptd_addrmgr_sample(n->addrmgr, list, PTD_ADDRMGR_SAMPLE_MAX,
                                PTD_ADDRMGR_SAMPLE_PERCENT, PTD_NET_NONE,
                                PTD_ADDRMGR_FIT);
    for (size_t i = 0; i < *count; i++)
        if (keep(n, &list[i]))
            list[kept++] = list[i];
    *count = kept;
    return PTD_OK;
}

/* Only who calls us is answered, and once: whom we call could learn from the
 * answer what we know of the network, and with it who we are. */
enum ptd_err gossip_getaddr(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    struct node_peer *np = arg;
    struct ptd_node *n = np->node;
    struct ptd_addr_entry *list;
    bool is_first = false;
    size_t count;
    enum ptd_err e;

    (void)msg;
    if (!node_peer_is_in(np)) {
        ptd_log_debug("Ignoring \"getaddr\" from %s connection. %s",
                      ptd_link_type_text(np->type), ptd_peer_name(p));
        return PTD_OK;
    }
    (void)gossip_join(np);
    if (np->answered_getaddr) {
        ptd_log_debug("Ignoring repeated \"getaddr\". %s", ptd_peer_name(p));
        return PTD_OK;
    }
    np->answered_getaddr = true;
    list = ptd_alloc_array(PTD_ADDRMGR_SAMPLE_MAX, sizeof *list);
    if (list == NULL)
        return PTD_ENOMEM;
    e = sample_for(np, list, &count);
    ptd_mutex_lock(&n->mu);
    np->gossip.n = 0;
    for (size_t i = 0; i < count && e == PTD_OK; i++)
        push_locked(n, np, &list[i]);
    if (np->gossip.send_us == 0 && np->gossip.n == 0) /* the first is over */
        np->gossip.send_us =
            ptd_clock_now_us(n->clk) + ptd_random_exponential(BATCH_US);
    is_first = schedule_locked(n, np);
    ptd_mutex_unlock(&n->mu);
    ptd_free(list);
    if (is_first)
        wake(n);
    return e;
}

/* ---- told of addresses --------------------------------------------------------- */

/* Peers that may be told: ids from malloc, NULL for lack of memory. */
static uint64_t *list_takers(struct node_peer *from,
                             const struct ptd_netaddr *na, size_t *count)
{
    struct ptd_node *n = from->node;
    size_t cap, k = 0;
    uint64_t *ids;

    ptd_mutex_lock(&n->mu);
    cap = n->n_in + n->n_out;
    ptd_mutex_unlock(&n->mu);
    ids = ptd_alloc_array(cap, sizeof *ids);
    if (ids == NULL)
        return NULL;
    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    if (k < cap && np != from && np->gossip.on && np->ready && !np->leaving &&
        can_take(np, na))
        ids[k++] = (uint64_t)ptd_peer_id(np->peer);
    ptd_mutex_unlock(&n->mu);
    *count = k;
    return ids;
}

/* An address that one peer told us is told to one or two others. */
static void relay(struct node_peer *from, const struct ptd_addr_entry *e,
                  bool reachable)
{
    struct ptd_node *n = from->node;
    uint64_t chosen[PTD_ADDRRELAY_PEERS], *ids;
    size_t n_ids, n_chosen;
    bool is_first = false;

    if ((ids = list_takers(from, &e->na, &n_ids)) == NULL)
        return;
    n_chosen = ptd_addrrelay_choose(
        chosen, n->k0, n->k1, &e->na, ptd_clock_wall_s(n->clk),
        reachable ? PTD_ADDRRELAY_REACHABLE : PTD_ADDRRELAY_UNREACHABLE, ids,
        n_ids);
    ptd_free(ids);
    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    for (size_t i = 0; i < n_chosen; i++)
        if ((uint64_t)ptd_peer_id(np->peer) == chosen[i] && np->gossip.on) {
            push_locked(n, np, e);
            is_first = schedule_locked(n, np) || is_first;
        }
    ptd_mutex_unlock(&n->mu);
    if (is_first)
        wake(n);
}

static void note_known(struct node_peer *np, const struct ptd_netaddr *na)
{
    ptd_mutex_lock(&np->node->mu);
    addr_known_add(&np->gossip.known, na);
    ptd_mutex_unlock(&np->node->mu);
}

/* Nodes that have blocks to give are worth remembering. */
static bool is_useful(const struct ptd_addr_entry *e)
{
    return (e->services & (PTD_NODE_NETWORK | PTD_NODE_NETWORK_LIMITED)) != 0;
}

/* One that was within the limit. True: to be remembered. */
static bool take_one(struct node_peer *np, struct ptd_addr_entry *e,
                     bool is_news, uint64_t *n_taken)
{
    struct ptd_node *n = np->node;
    int64_t now_s = ptd_clock_wall_s(n->clk);
    bool reachable;

    if (!is_useful(e))
        return false;
    e->time = ptd_addrmgr_clamp_time(e->time, now_s);
    note_known(np, &e->na);
    if (book_is_unwanted(n, &e->na))
        return false;
    ++*n_taken;
    reachable = book_is_reachable(n, &e->na);
    if (is_news && (int64_t)e->time > now_s - FRESH_S &&
        ptd_netaddr_is_routable(&e->na))
        relay(np, e, reachable);
    return reachable;
}

/* Look at all of a list, in random order: whose limit runs out does not choose
 * what is taken. Gives how many remain at the front, to be remembered. */
static size_t take_all(struct node_peer *np, struct ptd_addr_entry *list,
                       size_t count)
{
    struct ptd_node *n = np->node;
    bool is_news = !np->sent_getaddr && count <= NEWS_MAX;
    uint64_t n_taken = 0, n_limited = 0;
    size_t n_kept = 0;

    ptd_addrbucket_refill(&np->bucket, ptd_clock_now_us(n->clk));
    ptd_random_shuffle(list, count, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        if (!ptd_addrbucket_take(&np->bucket) &&
            !node_peer_may(np, PTD_MAY_ADDR)) {
            n_limited++;
            continue;
        }
        if (take_one(np, &list[i], is_news, &n_taken))
            list[n_kept++] = list[i];
    }
    ptd_mutex_lock(&n->mu);
    np->n_addrs_taken += n_taken;
    np->n_addrs_limited += n_limited;
    ptd_mutex_unlock(&n->mu);
    ptd_log_debug("Received addr: %zu addresses (%" PRIu64
                  " processed, %" PRIu64 " rate-limited) from %s",
                  count, n_taken, n_limited, ptd_peer_name(np->peer));
    return n_kept;
}

enum ptd_err gossip_addr(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_addr *m =
        (const struct ptd_msg_addr *)(const void *)msg;
    struct node_peer *np = arg;
    struct ptd_node *n = np->node;
    struct ptd_addr_entry *list;
    size_t count;

    if (!gossip_join(np)) {
        ptd_log_debug("ignoring %s message from %s %s",
                      ptd_msg_type_command(msg->type),
                      ptd_link_type_text(np->type), ptd_peer_name(p));
        return PTD_OK;
    }
    gossip_batch_later(np);
    list = ptd_alloc_array(m->n, sizeof *list);
    if (list == NULL)
        return PTD_ENOMEM;
    for (size_t i = 0; i < m->n; i++)
        list[i] = m->list[i];
    count = take_all(np, list, m->n);
    count = ptd_addrmgr_add(n->addrmgr, list, count, ptd_peer_addr(p),
                            PTD_ADDRMGR_PENALTY_S);
    ptd_free(list);
    if (count > 0)
        ptd_connmgr_addrs_changed(n->connmgr);
    if (m->n < PTD_MAX_ADDR_PER_MSG)
        np->sent_getaddr = false;
    /* One alone may be its own, and the answer still to come. */
    if (np->type == PTD_LINK_ADDR_FETCH && m->n + m->n_ignored > 1)
        ptd_peer_disconnect(p, PTD_ECLOSED, "addrfetch connection completed");
    return PTD_OK;
}
