/* Where a node that knows too few others finds them: nodes that the user named
 * for that, DNS seeds, the list that came with the program.
 *
 * Each is asked only in need, for it learns that we are there, and has a say
 * in whom we meet. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "connmgr/connmgr_int.h"
#include "pentad/log.h"
#include "pentad/msg.h"

PTD_LOG_TAG(CMGR);

#define SEED_NODES_S       30 /* before DNS seeds take over */
#define NEXT_SEED_NODE_S   10
#define SEED_NODES_AGAIN_S 300
#define FEW_ADDRS_WAIT_S   11
#define MANY_ADDRS_WAIT_S  300
#define FIXED_SEEDS_S      60
#define DAY_S              INT64_C(86400)

enum {
    MANY_ADDRS = 1000,
    SEEDS_AT_ONCE = 3,
    FIXED_CHUNK = 64 /* fixed seeds handed over at a time */
};

static const uint64_t seed_services = PTD_NODE_NETWORK | PTD_NODE_WITNESS;

static size_t n_addrs(const struct ptd_connmgr *cm, enum ptd_net net)
{
    return cm->cfg.addrs.count(cm->cfg.addrs.arg, net);
}

/* A time between `from` and `from + span` days ago. */
static int64_t days_ago_s(const struct ptd_connmgr *cm, int64_t from,
                          int64_t span)
{
    return ptd_clock_wall_s(cm->clk) - from * DAY_S -
           (int64_t)ptd_random_below((uint64_t)(span * DAY_S));
}

static void add_addrs(struct ptd_connmgr *cm,
                      const struct ptd_connmgr_addr *list, size_t n,
                      const char *source)
{
    cm->cfg.addrs.add(cm->cfg.addrs.arg, list, n, source);
    ptd_connmgr_addrs_changed(cm);
}

/* ---- addr-fetch ---------------------------------------------------------- */

void fetches_add(struct ptd_connmgr *cm, const char *name)
{
    struct fetches *f = &cm->fetches;

    if (f->at == f->n) /* nobody waits: room for all again */
        f->at = f->n = 0;
    f->name[f->n++] = name;
}

int64_t fetches_run(struct ptd_connmgr *cm)
{
    struct fetches *f = &cm->fetches;
    struct ptd_netaddr na;
    struct census c;
    struct slot *s;
    const char *name;

    if (f->at == f->n || !cm->cfg.automatic || !connmgr_flag(cm, &cm->active))
        return PTD_NEVER;
    connmgr_census(cm, &c);
    if (c.n_automatic >= cm->max_automatic)
        return PTD_NEVER;
    if (connmgr_now_us(cm) < f->due_us)
        return f->due_us;
    f->due_us = connmgr_now_us(cm) + PACE_US;
    s = slot_new(cm, PTD_LINK_ADDR_FETCH, USE_AUTOMATIC);
    if (s == NULL)
        return f->due_us;
    name = f->name[f->at++];
    if (named_parse(cm, name, &na) != PTD_OK) {
        ptd_log_warn("Not an address to fetch addresses from: %s", name);
        ptd_free(s);
        return f->due_us;
    }
    snprintf(s->name, sizeof s->name, "%s", name);
    s->wants_v2 = cm->cfg.v2_transport;
    slot_enter(s);
    slot_dial_named(s, &na);
    return f->at < f->n ? f->due_us : PTD_NEVER;
}

/* ---- seed nodes ---------------------------------------------------------- */

/* All were asked, and we know of nobody still: they may have been away. */
static void ask_again(struct ptd_connmgr *cm)
{
    struct plan *p = &cm->plan;

    if (p->n_seed_nodes > 0 || cm->fetches.at != cm->fetches.n ||
        n_addrs(cm, PTD_NET_NONE) > 0)
        return;
    p->n_seed_nodes = cm->cfg.n_seednode;
    p->seed_node_us = connmgr_now_us(cm) + SEED_NODES_AGAIN_S * SECOND_US;
}

static int64_t seed_nodes_run(struct ptd_connmgr *cm, const struct census *c)
{
    struct plan *p = &cm->plan;
    int64_t now_us = connmgr_now_us(cm);
    const char *name;

    if (c->n_full_handed >= ENOUGH_PEERS)
        return PTD_NEVER; /* a peer that goes wakes us */
    ask_again(cm);
    if (p->n_seed_nodes == 0)
        return PTD_NEVER;
    if (now_us < p->seed_node_us)
        return p->seed_node_us;
    name = cm->seed_node[--p->n_seed_nodes];
    if (n_addrs(cm, PTD_NET_NONE) == 0)
        ptd_log_info("Empty addrman, adding seednode (%s) to addrfetch", name);
    else
        ptd_log_info("Couldn't connect to peers from addrman after %d seconds. "
                     "Adding seednode (%s) to addrfetch",
                     NEXT_SEED_NODE_S, name);
    fetches_add(cm, name);
    p->seed_node_us = now_us + NEXT_SEED_NODE_S * SECOND_US;
    return p->n_seed_nodes > 0 ? p->seed_node_us : PTD_NEVER;
}

/* ---- fixed seeds --------------------------------------------------------- */

/* Networks that we could reach, and know nobody on. */
static uint32_t empty_nets(const struct ptd_connmgr *cm)
{
    uint32_t nets = 0;

    for (unsigned net = PTD_NET_IPV4; net < PTD_REACH_NETS; net++)
        if ((cm->cfg.reach.nets & PTD_NET_BIT(net)) != 0 &&
            n_addrs(cm, (enum ptd_net)net) == 0)
            nets |= PTD_NET_BIT(net);
    return nets;
}

static void add_fixed_seeds(struct ptd_connmgr *cm, uint32_t nets)
{
    struct ptd_connmgr_addr list[FIXED_CHUNK];
    size_t at = 0, n = 0, total = 0;
    struct ptd_seed seed;

    while (ptd_params_next_seed(cm->cfg.params, &at, &seed)) {
        struct ptd_connmgr_addr a = { .services = seed_services,
                                      .seen_s = days_ago_s(cm, 7, 7) };

        if (seed.net >= PTD_REACH_NETS || (nets & PTD_NET_BIT(seed.net)) == 0 ||
            ptd_netaddr_set(&a.na, seed.net, seed.addr, seed.addr_bytes,
                            seed.port) != PTD_OK)
            continue;
        list[n++] = a;
        total++;
        if (n == FIXED_CHUNK) {
            add_addrs(cm, list, n, "fixedseeds");
            n = 0;
        }
    }
    if (n > 0)
        add_addrs(cm, list, n, "fixedseeds");
    ptd_log_info("Added %zu fixed seeds from reachable networks.", total);
}

static int64_t fixed_seeds_run(struct ptd_connmgr *cm)
{
    struct plan *p = &cm->plan;
    int64_t due_us = p->start_us + FIXED_SEEDS_S * SECOND_US;
    bool is_due = connmgr_now_us(cm) >= due_us;
    uint32_t nets;

    if (!p->add_fixed_seeds)
        return PTD_NEVER;
    nets = empty_nets(cm);
    if (nets == 0)
        return is_due ? PTD_NEVER : due_us;
    if (is_due)
        ptd_log_info("Adding fixed seeds as 60 seconds have passed and addrman "
                     "is empty for at least one reachable network");
    else if (!cm->cfg.dns_seed && cm->cfg.n_seednode == 0 && named_is_empty(cm))
        ptd_log_info("Adding fixed seeds as -dnsseed=0 (or IPv4/IPv6 "
                     "connections are disabled via -onlynet) and neither "
                     "-addnode nor -seednode are provided");
    else
        return due_us;
    p->add_fixed_seeds = false;
    add_fixed_seeds(cm, nets);
    return PTD_NEVER;
}

/* ---- DNS seeds ----------------------------------------------------------- */

static void dns_begin(struct ptd_connmgr *cm, bool enough_peers)
{
    struct seeds *sd = &cm->seeds;

    ptd_random_shuffle(sd->order, sd->n, sizeof *sd->order);
    if (cm->cfg.force_dns_seed || n_addrs(cm, PTD_NET_NONE) == 0)
        sd->n_now = sd->n;
    sd->state = SEEDS_NEXT;
    if (enough_peers && sd->n_now == 0) {
        ptd_log_info("Skipping DNS seeds. Enough peers have been found");
        sd->state = SEEDS_DONE;
    }
}

/* The seed nodes have their time first. */
static int64_t dns_after_nodes(struct ptd_connmgr *cm, const struct census *c)
{
    bool enough = c->n_full_ready >= ENOUGH_PEERS;

    if (!enough && connmgr_now_us(cm) < cm->seeds.due_us)
        return cm->seeds.due_us;
    if (enough)
        ptd_log_info("P2P peers available. Finished fetching data from seed "
                     "nodes.");
    else
        ptd_log_info("Couldn't connect to enough peers via seed nodes. Handing "
                     "fetch logic to the DNS seeds.");
    dns_begin(cm, enough);
    return 0;
}

static void dns_start(struct ptd_connmgr *cm)
{
    if (cm->cfg.n_seednode == 0) {
        dns_begin(cm, false);
        return;
    }
    ptd_log_info("-seednode enabled. Trying the provided seeds for %d seconds "
                 "before defaulting to the dnsseeds.",
                 SEED_NODES_S);
    cm->seeds.due_us = connmgr_now_us(cm) + SEED_NODES_S * SECOND_US;
    cm->seeds.state = SEEDS_NODES;
}

/* Before each batch the addresses that we know have their time. */
static void dns_next(struct ptd_connmgr *cm)
{
    struct seeds *sd = &cm->seeds;
    size_t known = n_addrs(cm, PTD_NET_NONE);
    int wait_s = known >= MANY_ADDRS ? MANY_ADDRS_WAIT_S : FEW_ADDRS_WAIT_S;

    sd->state = SEEDS_ASK;
    if (sd->at == sd->n) {
        ptd_log_info("%zu addresses found from DNS seeds", sd->n_found);
        sd->state = SEEDS_DONE;
    } else if (sd->n_now == 0) {
        sd->n_now = SEEDS_AT_ONCE;
        if (known == 0)
            return;
        ptd_log_info("Waiting %d seconds before querying DNS seeds.", wait_s);
        sd->due_us = connmgr_now_us(cm) + wait_s * SECOND_US;
        sd->state = SEEDS_WAIT;
    }
}

static int64_t dns_wait(struct ptd_connmgr *cm, const struct census *c)
{
    struct seeds *sd = &cm->seeds;

    if (c->n_full_ready >= ENOUGH_PEERS) {
        if (sd->n_found > 0)
            ptd_log_info("%zu addresses found from DNS seeds", sd->n_found);
        ptd_log_info("P2P peers available. %s DNS seeding.",
                     sd->n_found > 0 ? "Finished" : "Skipped");
        sd->state = SEEDS_DONE;
        return 0;
    }
    if (connmgr_now_us(cm) < sd->due_us)
        return sd->due_us;
    sd->state = SEEDS_ASK;
    return 0;
}

/* Thread: dnsseed */
static void dns_main(void *connmgr)
{
    struct ptd_connmgr *cm = connmgr;
    const struct ptd_connmgr_dialler *d = &cm->cfg.dialler;
    struct seeds *sd = &cm->seeds;

    sd->err = d->resolve(d->arg, sd->found, MAX_SEED_ADDRS, &sd->n_result,
                         sd->host, cm->cfg.params->port);
    ptd_mutex_lock(&cm->mu);
    sd->looked_up = true;
    ptd_mutex_unlock(&cm->mu);
    connmgr_wake(cm);
}

/* This seed is done with. */
static void dns_advance(struct seeds *sd)
{
    sd->at++;
    sd->n_now--;
    sd->state = SEEDS_NEXT;
}

/* Ask a seed: its name server for those of its nodes that offer what we need
 * (x9.SEED), or, where names go through a proxy, one of its nodes itself. */
static void dns_ask(struct ptd_connmgr *cm)
{
    struct seeds *sd = &cm->seeds;
    const char *seed = sd->order[sd->at];

    if (!connmgr_flag(cm, &cm->active)) {
        if (sd->state != SEEDS_INACTIVE)
            ptd_log_info("Waiting for network to be reactivated before "
                         "querying DNS seeds.");
        sd->state = SEEDS_INACTIVE;
        return;
    }
    ptd_log_info("Loading addresses from DNS seed %s", seed);
    snprintf(sd->host, sizeof sd->host, "x%x.%s", (unsigned)seed_services,
             seed);
    sd->looked_up = false;
    sd->n_result = 0;
    if (ptd_reach_name_proxy(&cm->cfg.reach) == NULL &&
        ptd_thread_start(&sd->thread, NULL, "dnsseed", dns_main, cm) ==
            PTD_OK) {
        sd->state = SEEDS_LOOK_UP;
        return;
    }
    fetches_add(cm, seed);
    dns_advance(sd);
}

static void dns_found(struct ptd_connmgr *cm)
{
    struct ptd_connmgr_addr list[MAX_SEED_ADDRS];
    struct seeds *sd = &cm->seeds;
    size_t n = sd->err == PTD_OK ? PTD_MIN(sd->n_result, MAX_SEED_ADDRS) : 0;

    ptd_thread_join(&sd->thread);
    for (size_t i = 0; i < n; i++)
        list[i] = (struct ptd_connmgr_addr){ .na = sd->found[i],
                                             .services = seed_services,
                                             .seen_s = days_ago_s(cm, 3, 4) };
    sd->n_found += n;
    if (n > 0)
        add_addrs(cm, list, n, sd->host);
    else
        fetches_add(cm, sd->order[sd->at]);
    dns_advance(sd);
}

/* One step. Gives when the next one is due; 0: at once. */
static int64_t dns_step(struct ptd_connmgr *cm, const struct census *c)
{
    switch (cm->seeds.state) {
    case SEEDS_START: dns_start(cm); return 0;
    case SEEDS_NODES: return dns_after_nodes(cm, c);
    case SEEDS_NEXT: dns_next(cm); return 0;
    case SEEDS_WAIT: return dns_wait(cm, c);
    case SEEDS_ASK:
    case SEEDS_INACTIVE:
        dns_ask(cm);
        return cm->seeds.state == SEEDS_INACTIVE ? PTD_NEVER : 0;
    case SEEDS_LOOK_UP:
        if (!connmgr_flag(cm, &cm->seeds.looked_up))
            return PTD_NEVER;
        dns_found(cm);
        return 0;
    case SEEDS_DONE: break;
    }
    return PTD_NEVER;
}

/* ---- all of them --------------------------------------------------------- */

void seeds_start(struct ptd_connmgr *cm)
{
    struct plan *p = &cm->plan;

    if (!cm->cfg.dns_seed) {
        ptd_log_info("DNS seeding disabled");
        cm->seeds.state = SEEDS_DONE;
    }
    if (!cm->cfg.automatic)
        return;
    p->add_fixed_seeds = cm->cfg.fixed_seeds;
    if (!p->add_fixed_seeds)
        ptd_log_info("Fixed seeds are disabled");
    p->n_seed_nodes = cm->cfg.n_seednode;
    ptd_random_shuffle(cm->seed_node, p->n_seed_nodes, sizeof *cm->seed_node);
    p->seed_node_us = p->start_us;
    if (n_addrs(cm, PTD_NET_NONE) > 0)
        p->seed_node_us += NEXT_SEED_NODE_S * SECOND_US;
}

int64_t seeds_run(struct ptd_connmgr *cm)
{
    int64_t next_us = PTD_NEVER, step_us;
    struct census c;

    connmgr_census(cm, &c);
    if (cm->cfg.automatic && connmgr_flag(cm, &cm->active)) {
        next_us = fixed_seeds_run(cm);
        next_us = PTD_MIN(next_us, seed_nodes_run(cm, &c));
    }
    while ((step_us = dns_step(cm, &c)) == 0)
        ;
    return PTD_MIN(next_us, step_us);
}

void seeds_end(struct ptd_connmgr *cm)
{
    ptd_thread_join(&cm->seeds.thread);
}
