/* The connection manager: one thread that keeps slots filled.
 *
 * A slot is one connection that the node makes: to a fixed target (-connect,
 * -addnode), for ever, or to an address picked from those heard of. Each dial
 * runs in a short-lived thread, which reports and is joined; what it reached
 * goes to the server. After a failure, or a connection that ended, a slot
 * rests for 5 s more each time, 5 minutes at most.
 *
 * Source  btcd connmgr */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/addr.h"
#include "net/dial.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(CMGR);

#define SECOND_US      INT64_C(1000000)
#define BACKOFF_US     (5 * SECOND_US)
#define BACKOFF_MAX_US (300 * SECOND_US)
#define PACE_US        (SECOND_US / 2) /* between dials to addresses heard of */

enum slot_state {
    SLOT_RESTS,    /* until due_us */
    SLOT_DIALS,    /* its thread runs */
    SLOT_CONNECTED /* the server has it */
};

struct slot {
    /* Set once. */
    struct ptd_node *node;
    int number;
    const char *name; /* as the user gave it; NULL: picked each time */

    /* Of the manager's thread; a dial only reads the address or the name. */
    enum slot_state state;
    struct ptd_thread thread;
    struct ptd_netaddr na; /* whom it dials or has; net 0: by name */
    char host[256];
    uint16_t port;
    unsigned n_fails; /* in a row: dials, and connections that ended early */
    int64_t due_us;
    bool told; /* that it cannot be reached, since it last was */
};

enum conn_what { CONN_DIALLED, CONN_GONE };

struct conn_event {
    enum conn_what what;
    int slot;
    int fd;                /* DIALLED with PTD_OK */
    enum ptd_err err;      /* DIALLED */
    struct ptd_netaddr na; /* DIALLED by name: what it led to; net 0: not
                              known */
    bool was_ready;        /* GONE */
    struct ptd_dial_why why;
};

struct conns {
    struct ptd_node *node;
    struct ptd_thread thread;
    struct ptd_chan *events; /* struct conn_event; has room for all there can
                                be, so that nobody ever waits to send */
    struct slot *slot;       /* n_slots; the thread's own */
    size_t n_slots;
    int64_t next_pick_us;
};

void node_conns_gone(struct ptd_node *n, int slot, bool was_ready)
{
    struct conn_event ev = { .what = CONN_GONE,
                             .slot = slot,
                             .was_ready = was_ready };

    (void)!ptd_chan_try_send(n->conns->events, &ev);
}

/* ---- one dial ------------------------------------------------------------ */

static enum ptd_err dial(struct slot *s, int *fd, struct ptd_dial_why *why)
{
    const struct ptd_node_config *cfg = s->node->cfg;
    struct ptd_dial_target to = { .na = s->na };
    struct ptd_proxy proxy;

    if (s->na.net == PTD_NET_NONE) {
        to.host = s->host;
        to.port = s->port;
        if (!cfg->dns && !cfg->has_proxy) {
            snprintf(why->text, sizeof why->text,
                     "names are not looked up "
                     "(-dns=0)");
            return PTD_ERESOLVE;
        }
    }
    if (!cfg->has_proxy)
        return ptd_dial(fd, &to, NULL, cfg->dial_timeout_ms, &s->node->stop,
                        why);
    memset(&proxy, 0, sizeof proxy);
    if (ptd_proxy_set(&proxy, &cfg->proxy) != PTD_OK)
        return PTD_EPROXY;
    proxy.isolate = cfg->proxy_randomize;
    return ptd_dial(fd, &to, &proxy, cfg->dial_timeout_ms, &s->node->stop, why);
}

static void dial_main(void *slot)
{
    struct slot *s = slot;
    struct conn_event ev = { .what = CONN_DIALLED,
                             .slot = s->number,
                             .fd = -1 };

    ev.err = dial(s, &ev.fd, &ev.why);
    if (ev.err == PTD_OK && s->na.net == PTD_NET_NONE &&
        !s->node->cfg->has_proxy)
        (void)!ptd_addr_remote(&ev.na, ev.fd);
    if (ptd_chan_try_send(s->node->conns->events, &ev) != PTD_OK && ev.fd >= 0)
        close(ev.fd);
}

/* ---- slots --------------------------------------------------------------- */

static int64_t now_us(const struct conns *c)
{
    return ptd_clock_now_us(c->node->clk);
}

static const char *slot_text(const struct slot *s, char *out, size_t cap)
{
    char text[PTD_NETADDR_TEXT];

    if (s->name != NULL)
        snprintf(out, cap, "%s", s->name);
    else if (s->node->cfg->log_ips)
        snprintf(out, cap, "%s", ptd_netaddr_format(&s->na, text, sizeof text));
    else
        snprintf(out, cap, "an address heard of");
    return out;
}

static int64_t backoff_us(const struct slot *s)
{
    return PTD_MIN(BACKOFF_US * (int64_t)s->n_fails, BACKOFF_MAX_US);
}

static void slot_rest(struct conns *c, struct slot *s)
{
    s->n_fails++;
    s->state = SLOT_RESTS;
    s->due_us = now_us(c) + backoff_us(s);
}

/* True if another slot has this address, or dials it unless `connected`. */
static bool has_slot(const struct conns *c, const struct slot *but,
                     const struct ptd_netaddr *na, bool connected)
{
    for (size_t i = 0; i < c->n_slots; i++) {
        const struct slot *s = &c->slot[i];

        if (s != but && s->state != SLOT_RESTS &&
            (s->state == SLOT_CONNECTED || !connected) &&
            ptd_netaddr_is_equal(&s->na, na))
            return true;
    }
    return false;
}

/* True if another slot has this name, or dials it. */
static bool has_name(const struct conns *c, const struct slot *but)
{
    for (size_t i = 0; i < c->n_slots; i++) {
        const struct slot *s = &c->slot[i];

        if (s != but && s->state != SLOT_RESTS && s->name != NULL &&
            s->na.net == PTD_NET_NONE && s->port == but->port &&
            strcasecmp(s->host, but->host) == 0)
            return true;
    }
    return false;
}

/* True if a peer is there, whoever called whom. One that called us has a port
 * of the moment: its host counts, unless many nodes may share that. */
static bool has_peer(struct ptd_node *n, const struct ptd_netaddr *na)
{
    bool found = false;

    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    {
        const struct ptd_netaddr *other = ptd_peer_addr(np->peer);

        found = found || ptd_netaddr_is_equal(other, na) ||
                (np->slot < 0 && ptd_netaddr_is_routable(na) &&
                 ptd_netaddr_is_same_host(other, na));
    }
    ptd_mutex_unlock(&n->mu);
    return found;
}

/* Automatic ones keep off whoever is connected or being dialled. */
static bool is_taken(const struct conns *c, const struct slot *s,
                     const struct ptd_netaddr *na)
{
    return has_slot(c, s, na, false) || has_peer(c->node, na);
}

/* Where the user says whom to dial, that one is dialled by one slot at a
 * time. */
static bool is_doubled(const struct conns *c, const struct slot *s)
{
    return s->na.net == PTD_NET_NONE ? has_name(c, s)
                                     : has_slot(c, s, &s->na, false);
}

/* Can we get there at all? */
static bool is_reachable(const struct conns *c, const struct ptd_netaddr *na)
{
    return na->net == PTD_NET_IPV4 || na->net == PTD_NET_IPV6 ||
           (na->net == PTD_NET_TORV3 && c->node->cfg->has_proxy);
}

static bool pick(struct conns *c, struct slot *s)
{
    struct ptd_addr_entry e;

    for (int tries = 0; tries < 30; tries++) {
        if (!ptd_addrs_pick(c->node->addrs, &e))
            return false;
        if (is_reachable(c, &e.na) && !is_taken(c, s, &e.na)) {
            s->na = e.na;
            return true;
        }
    }
    return false;
}

static bool has_target(struct conns *c, struct slot *s)
{
    if (s->name == NULL)
        return pick(c, s);
    if (ptd_netaddr_parse(&s->na, s->name, c->node->cfg->params->port) !=
        PTD_OK)
        s->na = (struct ptd_netaddr){ .net = PTD_NET_NONE };
    return ptd_hostport_split(s->name, s->host, sizeof s->host, &s->port,
                              c->node->cfg->params->port) == PTD_OK;
}

static void slot_dial(struct conns *c, struct slot *s)
{
    char name[PTD_THREAD_NAME_MAX + 1], text[300];

    if (s->name == NULL && now_us(c) < c->next_pick_us) {
        s->due_us = c->next_pick_us;
        return;
    }
    c->next_pick_us = now_us(c) + PACE_US;
    if (!has_target(c, s)) {
        s->due_us = now_us(c) + BACKOFF_US;
        return;
    }
    if (s->name != NULL && is_doubled(c, s)) {
        ptd_log_debug("Not opening a connection to %s, already connected",
                      s->name);
        slot_rest(c, s);
        return;
    }
    ptd_log_debug("trying connection to %s", slot_text(s, text, sizeof text));
    snprintf(name, sizeof name, "dial-%d", s->number);
    s->state = SLOT_DIALS;
    if (ptd_thread_start(&s->thread, NULL, name, dial_main, s) != PTD_OK) {
        ptd_log_warn_every(60, "No thread left to dial with");
        slot_rest(c, s);
    }
}

/* Dial whatever is due; gives when the next one is. */
static int64_t slots_run(struct conns *c)
{
    int64_t next = PTD_NEVER;

    for (size_t i = 0; i < c->n_slots; i++) {
        struct slot *s = &c->slot[i];

        if (s->state == SLOT_RESTS && s->due_us <= now_us(c))
            slot_dial(c, s);
        if (s->state == SLOT_RESTS)
            next = PTD_MIN(next, s->due_us);
    }
    return next;
}

/* ---- what happened ------------------------------------------------------- */

/* For who has asked for the category "net", but not for "connmgr". */
static void debug_net(const char *target, const char *why, long long rest_s)
{
    const struct ptd_log_site site = { PTD_LOG_NETW, PTD_LOG_DEBUG, __LINE__,
                                       __FILE__, __func__ };

    if (ptd_log_is_on(site.tag, site.level))
        ptd_log_write(&site, "connection to %s failed: %s; again in %lld s",
                      target, why, rest_s);
}

/* Once for each target that the user named, until it is reached; then, and for
 * the others, whoever looks into the dials or the peers. */
static void log_failure(struct slot *s, const struct conn_event *ev)
{
    long long rest_s = (long long)(backoff_us(s) / SECOND_US);
    const char *why =
        ev->why.text[0] != '\0' ? ev->why.text : ptd_err_text(ev->err);
    char text[300];

    slot_text(s, text, sizeof text);
    if (s->name != NULL && !s->told)
        ptd_log_info("connection to %s failed: %s; again in %lld s", text, why,
                     rest_s);
    else if (ptd_log_wants(PTD_LOG_DEBUG))
        ptd_log_debug("connection to %s failed: %s; again in %lld s", text, why,
                      rest_s);
    else
        debug_net(text, why, rest_s);
    s->told = true;
}

static void dialled(struct conns *c, struct slot *s,
                    const struct conn_event *ev)
{
    const struct ptd_netaddr *na =
        ev->na.net != PTD_NET_NONE ? &ev->na : &s->na;
    struct server_event to = { .what = SERVER_DIALLED,
                               .fd = ev->fd,
                               .slot = s->number,
                               .manual = s->name != NULL,
                               .addr = *na };
    char text[300];

    ptd_thread_join(&s->thread);
    /* A name may lead to whom another slot reached meanwhile. */
    if (ev->err == PTD_OK && has_slot(c, s, na, true)) {
        close(ev->fd);
        slot_rest(c, s);
        ptd_log_debug("Not opening a connection to %s, already connected",
                      slot_text(s, text, sizeof text));
        node_tell(c->node, PTD_NODE_DIAL_FAILED, -1, -1);
        return;
    }
    if (ev->err == PTD_OK && ptd_chan_send(c->node->server_q, &to) == PTD_OK) {
        s->state = SLOT_CONNECTED;
        s->told = false;
        s->na = *na;
        return;
    }
    if (ev->err == PTD_OK)
        close(ev->fd);
    slot_rest(c, s);
    if (ev->err == PTD_ECLOSED)
        return; /* the node is stopping */
    log_failure(s, ev);
    node_tell(c->node, PTD_NODE_DIAL_FAILED, -1, -1);
}

static void happened(struct conns *c, const struct conn_event *ev)
{
    struct slot *s = &c->slot[ev->slot];

    switch (ev->what) {
    case CONN_DIALLED: dialled(c, s, ev); break;
    case CONN_GONE:
        if (ev->was_ready)
            s->n_fails = 0;
        slot_rest(c, s);
        break;
    }
}

static void conns_main(void *conns)
{
    struct conns *c = conns;
    struct conn_event ev;

    for (;;) {
        enum { EVENT, QUIT, N };
        struct ptd_case on[N] = {
            [EVENT] = PTD_RECV(c->events, &ev),
            [QUIT] = PTD_RECV(c->node->quit, NULL),
        };
        int which = ptd_select(on, N, c->node->clk, slots_run(c));

        if (which == EVENT)
            happened(c, &ev);
        else if (which == QUIT)
            return;
    }
}

/* ---- start and end ------------------------------------------------------- */

/* Addresses that come with the program, for a node that has heard of none. */
static void plant_seeds(struct ptd_node *n)
{
    struct ptd_seed seed;
    size_t at = 0;

    while (ptd_params_next_seed(n->cfg->params, &at, &seed)) {
        struct ptd_addr_entry e = { .services =
                                        PTD_NODE_NETWORK | PTD_NODE_WITNESS };

        if (ptd_netaddr_set(&e.na, seed.net, seed.addr, seed.addr_bytes,
                            seed.port) == PTD_OK)
            ptd_addrs_plant(n->addrs, &e);
    }
}

static size_t n_auto_slots(const struct ptd_node_config *cfg)
{
    if (cfg->connect_only)
        return 0;
    return PTD_MIN(cfg->max_connections, PTD_NODE_OUTBOUND);
}

static void slot_set(struct conns *c, size_t number, const char *name)
{
    c->slot[number].node = c->node;
    c->slot[number].number = (int)number;
    c->slot[number].name = name;
}

static enum ptd_err conns_init(struct conns *c, struct ptd_node *n)
{
    const struct ptd_node_config *cfg = n->cfg;
    size_t n_auto = n_auto_slots(cfg), at = 0;
    size_t n_slots = cfg->connect.n + cfg->addnode.n + n_auto;

    c->node = n;
    c->slot = ptd_calloc(n_slots, sizeof *c->slot);
    c->events = ptd_chan_new(sizeof(struct conn_event), 2 * n_slots + 1);
    if (c->slot == NULL || c->events == NULL)
        return PTD_ENOMEM;
    c->n_slots = n_slots;
    for (size_t i = 0; i < cfg->connect.n; i++)
        slot_set(c, at++, cfg->connect.v[i]);
    for (size_t i = 0; i < cfg->addnode.n; i++)
        slot_set(c, at++, cfg->addnode.v[i]);
    while (at < c->n_slots)
        slot_set(c, at++, NULL);
    if (n_auto > 0 && cfg->fixed_seeds)
        plant_seeds(n);
    return PTD_OK;
}

static void conns_free(struct conns *c)
{
    ptd_chan_free(c->events);
    ptd_free(c->slot);
    ptd_free(c);
}

enum ptd_err node_conns_start(struct ptd_node *n)
{
    struct conns *c = ptd_calloc(1, sizeof *c);
    enum ptd_err e;

    if (c == NULL)
        return PTD_ENOMEM;
    e = conns_init(c, n);
    n->conns = c;
    if (e == PTD_OK)
        e = ptd_thread_start(&c->thread, NULL, "connmgr", conns_main, c);
    return e;
}

void node_conns_join(struct ptd_node *n)
{
    struct conns *c = n->conns;
    struct conn_event ev;

    if (c == NULL)
        return;
    ptd_thread_join(&c->thread);
    for (size_t i = 0; i < c->n_slots; i++)
        ptd_thread_join(&c->slot[i].thread);
    /* What they reached in the last moment. */
    while (c->events != NULL && ptd_chan_try_recv(c->events, &ev) == PTD_OK)
        if (ev.what == CONN_DIALLED && ev.fd >= 0)
            close(ev.fd);
}

void node_conns_free(struct ptd_node *n)
{
    if (n->conns != NULL)
        conns_free(n->conns);
}
