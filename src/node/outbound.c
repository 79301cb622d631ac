/* What the connection manager is given: the addresses, the network, and a
 * server that takes over what was dialled. */
#include <config.h>

#include <string.h>

#include "addrmgr/peersfile.h"
#include "base/alloc.h"
#include "base/util.h"
#include "node/node_int.h"

/* ---- addresses -------------------------------------------------------------- */

static void of_pick(struct ptd_connmgr_addr *out,
                    const struct ptd_addrmgr_pick *p)
{
    *out = (struct ptd_connmgr_addr){ .na = p->e.na,
                                      .services = p->e.services,
                                      .seen_s = p->e.time,
                                      .last_try_s = p->last_try_s };
}

static size_t count_addrs(void *node, enum ptd_net net)
{
    struct ptd_node *n = node;

    return ptd_addrmgr_size(n->addrmgr, net, PTD_ADDRMGR_BOTH);
}

static bool pick(void *node, struct ptd_connmgr_addr *out, bool only_new,
                 uint32_t nets)
{
    struct ptd_node *n = node;
    struct ptd_addrmgr_pick p;

    if (!ptd_addrmgr_select(n->addrmgr, &p,
                            only_new ? PTD_ADDRMGR_NEW : PTD_ADDRMGR_BOTH,
                            nets))
        return false;
    of_pick(out, &p);
    return true;
}

static bool pick_collision(void *node, struct ptd_connmgr_addr *out)
{
    struct ptd_node *n = node;
    struct ptd_addrmgr_pick p;

    if (!ptd_addrmgr_select_collision(n->addrmgr, &p))
        return false;
    of_pick(out, &p);
    return true;
}

static void resolve_collisions(void *node)
{
    struct ptd_node *n = node;

    ptd_addrmgr_resolve_collisions(n->addrmgr);
}

static void attempt(void *node, const struct ptd_netaddr *na,
                    bool count_failure)
{
    struct ptd_node *n = node;

    ptd_addrmgr_attempt(n->addrmgr, na, count_failure);
}

static void good(void *node, const struct ptd_netaddr *na)
{
    struct ptd_node *n = node;

    (void)ptd_addrmgr_good(n->addrmgr, na);
}

static void add(void *node, const struct ptd_connmgr_addr *list, size_t count,
                const char *source)
{
    struct ptd_node *n = node;
    struct ptd_addr_entry *v = ptd_alloc_array(count, sizeof *v);
    struct ptd_netaddr from;

    if (v == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        v[i] = (struct ptd_addr_entry){
            .na = list[i].na,
            .services = list[i].services,
            .time = (uint32_t)PTD_MIN(PTD_MAX(list[i].seen_s, 0),
                                      (int64_t)UINT32_MAX),
        };
    ptd_netgroup_name_source(&from, source);
    (void)ptd_addrmgr_add(n->addrmgr, v, count, &from, 0);
    ptd_free(v);
}

static size_t group(void *node, const struct ptd_netaddr *na,
                    uint8_t out[PTD_GROUP_MAX])
{
    const struct ptd_node *n = node;
    struct ptd_group g;

    ptd_netgroup_of(n->netgroup, &g, na);
    memcpy(out, g.key, g.n);
    return g.n;
}

_Static_assert((int)PTD_GROUP_MAX_BYTES <= (int)PTD_GROUP_MAX,
               "a group fits where it goes");

/* ---- the server -------------------------------------------------------------- */

static enum ptd_connmgr_found find(void *node, const struct ptd_netaddr *na,
                                   bool any_port)
{
    struct ptd_node *n = node;
    enum ptd_connmgr_found found = PTD_FOUND_NOT;

    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    {
        const struct ptd_netaddr *other = ptd_peer_addr(np->peer);

        if (node_peer_is_over(np) ||
            (any_port ? !ptd_netaddr_is_same_host(other, na)
                      : !ptd_netaddr_is_equal(other, na)))
            continue;
        found = node_peer_is_in(np) ? PTD_FOUND_INBOUND : PTD_FOUND_OUTBOUND;
    }
    ptd_mutex_unlock(&n->mu);
    return found;
}

static bool is_ending(void *node, uint64_t token)
{
    struct ptd_node *n = node;
    bool ending = false;

    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    if (np->token == token)
        ending = node_peer_is_over(np);
    ptd_mutex_unlock(&n->mu);
    return ending;
}

static bool is_own(void *node, const struct ptd_netaddr *na)
{
    struct ptd_node *n = node;

    return ptd_localaddr_is_ours(n->localaddr, na);
}

static bool is_unwanted(void *node, const struct ptd_netaddr *na)
{
    return book_is_unwanted(node, na);
}

static bool has_services(void *node, uint64_t services)
{
    uint64_t wanted = node_services_wanted(node, services);

    return (services & wanted) == wanted;
}

static enum ptd_err connected(void *node, const struct ptd_connmgr_link *l,
                              int fd)
{
    struct ptd_node *n = node;
    struct server_event ev = { .what = SERVER_DIALLED,
                               .fd = fd,
                               .addr = l->na,
                               .token = l->token,
                               .type = l->type,
                               .services = l->services,
                               .via_proxy = l->via_proxy };
    enum ptd_err e;

    if (l->name != NULL && (ev.name = ptd_strdup(l->name)) == NULL)
        return PTD_ENOMEM;
    e = ptd_chan_send(n->server_q, &ev);
    if (e != PTD_OK)
        ptd_free(ev.name);
    return e;
}

static void failed(void *node, const struct ptd_connmgr_link *l, enum ptd_err e,
                   const struct ptd_dial_why *why)
{
    struct ptd_node *n = node;

    (void)l;
    (void)why;
    if (e != PTD_ECLOSED) /* the node is stopping */
        node_tell(n, PTD_NODE_DIAL_FAILED, -1, -1);
}

/* ---- the network --------------------------------------------------------------- */

static enum ptd_err set_proxy(struct ptd_proxy *out,
                              const struct ptd_node_proxy *p, bool isolate)
{
    enum ptd_err e;

    if (!p->is_set)
        return PTD_OK;
    e = p->path != NULL ? ptd_proxy_set_unix(out, p->path)
                        : ptd_proxy_set(out, &p->addr);
    out->isolate = isolate;
    return e;
}

static enum ptd_err set_reach(struct ptd_reach *r,
                              const struct ptd_node_config *cfg)
{
    const struct {
        struct ptd_proxy *to;
        const struct ptd_node_proxy *from;
    } list[] = {
        { &r->proxy[PTD_NET_IPV4], &cfg->ipv4_proxy },
        { &r->proxy[PTD_NET_IPV6], &cfg->ipv6_proxy },
        { &r->proxy[PTD_NET_TORV3], &cfg->onion_proxy },
        { &r->proxy[PTD_NET_CJDNS], &cfg->cjdns_proxy },
        { &r->name_proxy, &cfg->name_proxy },
    };
    enum ptd_err e = PTD_OK;

    ptd_reach_init(r);
    r->nets = cfg->reachable;
    for (size_t i = 0; i < PTD_COUNT(list) && e == PTD_OK; i++)
        e = set_proxy(list[i].to, list[i].from, cfg->proxy_randomize);
    return e;
}

/* ---- making it --------------------------------------------------------------------- */

static size_t take_anchors(struct ptd_node *n,
                           struct ptd_connmgr_addr out[PTD_ANCHORS_MAX])
{
    struct ptd_addr_entry list[PTD_ANCHORS_MAX];
    size_t count;

    if (n->anchors_path == NULL || n->cfg->connect_only)
        return 0;
    count = ptd_anchors_take(list, n->anchors_path, n->cfg->params->magic);
    for (size_t i = 0; i < count; i++)
        out[i] = (struct ptd_connmgr_addr){ .na = list[i].na,
                                            .services = list[i].services,
                                            .seen_s = list[i].time };
    return count;
}

void node_anchors_save(struct ptd_node *n)
{
    struct ptd_connmgr_addr list[PTD_ANCHORS_MAX];
    struct ptd_addr_entry v[PTD_ANCHORS_MAX];
    size_t count;

    if (n->anchors_path == NULL || n->cfg->connect_only)
        return;
    count = ptd_connmgr_block_relay(n->connmgr, list, PTD_ANCHORS_MAX);
    for (size_t i = 0; i < count; i++)
        v[i] = (struct ptd_addr_entry){ .na = list[i].na,
                                        .services = list[i].services,
                                        .time = (uint32_t)list[i].seen_s };
    (void)!ptd_anchors_save(v, count, n->anchors_path, n->cfg->params->magic);
}

static void set_callbacks(struct ptd_connmgr_config *cc, struct ptd_node *n)
{
    cc->addrs = (struct ptd_connmgr_addrs){
        .arg = n,
        .count = count_addrs,
        .pick = pick,
        .pick_collision = pick_collision,
        .resolve_collisions = resolve_collisions,
        .attempt = attempt,
        .good = good,
        .add = add,
        .group = group,
    };
    cc->server = (struct ptd_connmgr_server){
        .arg = n,
        .find = find,
        .is_ending = is_ending,
        .is_own = is_own,
        .is_unwanted = is_unwanted,
        .has_services = has_services,
        .connected = connected,
        .failed = failed,
    };
}

static void set_options(struct ptd_connmgr_config *cc, struct ptd_node *n)
{
    const struct ptd_node_config *cfg = n->cfg;

    cc->max_connections = cfg->max_connections;
    cc->automatic = !cfg->connect_only;
    cc->connect = (const char *const *)cfg->connect.v;
    cc->n_connect = cfg->connect.n;
    cc->addnode = (const char *const *)cfg->addnode.v;
    cc->n_addnode = cfg->addnode.n;
    cc->seednode = (const char *const *)cfg->seednode.v;
    cc->n_seednode = cfg->seednode.n;
    cc->look_up = cfg->dns;
    cc->dns_seed = cfg->dns_seed;
    cc->force_dns_seed = cfg->force_dns_seed;
    cc->fixed_seeds = cfg->fixed_seeds;
    cc->v2_transport =
        cfg->v2_transport && (ptd_node_services(n) & PTD_NODE_P2P_V2) != 0;
    cc->log_ips = cfg->log_ips;
    cc->network_active = cfg->network_active;
    cc->dial_timeout_ms = cfg->dial_timeout_ms;
}

enum ptd_err node_connmgr_make(struct ptd_node *n)
{
    struct ptd_connmgr_addr anchors[PTD_ANCHORS_MAX];
    struct ptd_connmgr_config cc;
    enum ptd_err e;

    ptd_connmgr_config_init(&cc, n->cfg->params);
    cc.clk = n->clk;
    if ((e = set_reach(&cc.reach, n->cfg)) != PTD_OK)
        return e;
    set_callbacks(&cc, n);
    set_options(&cc, n);
    cc.anchors = anchors;
    cc.n_anchors = take_anchors(n, anchors);
    return ptd_connmgr_new(&n->connmgr, &cc);
}
