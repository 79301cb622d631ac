/* The addresses that the node knows: of others, with their file; its own; and
 * those that it shuns. */
#include <config.h>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "addrmgr/asmap.h"
#include "addrmgr/peersfile.h"
#include "base/alloc.h"
#include "base/util.h"
#include "net/addr.h"
#include "node/datadir.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

/* Inbound handshakes that may be unfinished at once, of all groups. */
enum { PENDING_ALL = 1024 };

/* ---- opening --------------------------------------------------------------- */

static enum ptd_err open_netgroup(struct ptd_node *n, struct ptd_complaint *why)
{
    char text[PTD_ASMAP_WHY];
    struct ptd_hash version;
    char hex[PTD_HASH_HEX_SIZE];
    uint8_t *map = NULL;
    size_t size = 0;
    enum ptd_err e;

    if (n->cfg->asmap_path != NULL &&
        (e = ptd_asmap_load(&map, &size, text, n->cfg->asmap_path)) != PTD_OK) {
        (void)ptd_complain(why, "%.4000s", text);
        return e;
    }
    if ((e = ptd_netgroup_new(&n->netgroup, map, size)) != PTD_OK)
        return e;
    if (!ptd_netgroup_has_map(n->netgroup)) {
        ptd_log_info("Using /16 prefix for IP bucketing");
        return PTD_OK;
    }
    ptd_netgroup_version(n->netgroup, &version);
    ptd_log_info("Using asmap version %s for IP bucketing",
                 ptd_hash_to_hex(&version, hex));
    return PTD_OK;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* The systems of a network's addresses, behind those that are there; 0: none.
 */
static size_t list_systems(struct ptd_node *n, uint32_t *out, size_t cap,
                           enum ptd_net net)
{
    struct ptd_addr_entry *list = ptd_alloc_array(cap, sizeof *list);
    size_t count;

    if (list == NULL)
        return 0;
    count = ptd_addrmgr_sample(n->addrmgr, list, cap, 0, net, PTD_ADDRMGR_ALL);
    for (size_t i = 0; i < count; i++)
        out[i] = ptd_netgroup_as(n->netgroup, &list[i].na);
    ptd_free(list);
    return count;
}

void book_check_map(struct ptd_node *n)
{
    size_t cap, count, n_systems = 0, n_unmapped = 0;
    uint32_t *v;

    if (!ptd_netgroup_has_map(n->netgroup))
        return;
    cap = ptd_addrmgr_size(n->addrmgr, PTD_NET_NONE, PTD_ADDRMGR_BOTH);
    if ((v = ptd_alloc_array(cap, sizeof *v)) == NULL)
        return;
    count = list_systems(n, v, cap, PTD_NET_IPV4);
    count += list_systems(n, v + count, cap - count, PTD_NET_IPV6);
    qsort(v, count, sizeof *v, by_number);
    for (size_t i = 0; i < count; i++) {
        n_unmapped += v[i] == 0;
        n_systems += v[i] != 0 && (i == 0 || v[i] != v[i - 1]);
    }
    ptd_free(v);
    ptd_log_info("ASMap Health Check: %zu clearnet peers are mapped to %zu "
                 "ASNs with %zu peers being unmapped",
                 count, n_systems, n_unmapped);
}

static bool has_test_option(const struct ptd_node_config *cfg, const char *name)
{
    for (size_t i = 0; i < cfg->test_options.n; i++)
        if (strcmp(cfg->test_options.v[i], name) == 0)
            return true;
    return false;
}

static enum ptd_err open_addrmgr(struct ptd_node *n, struct ptd_complaint *why)
{
    const struct ptd_node_config *cfg = n->cfg;
    struct ptd_addrmgr_config ac = {
        .netgroup = n->netgroup,
        .clock = n->clk,
        .check_ratio = (uint32_t)PTD_MIN(PTD_MAX(cfg->check_addrman, 0),
                                         (int64_t)UINT32_MAX),
        .deterministic = has_test_option(cfg, "addrman"),
    };
    char text[PTD_PEERSFILE_WHY];
    enum ptd_err e;

    if ((n->addrmgr = ptd_addrmgr_new(&ac)) == NULL ||
        (n->addrcache = ptd_addrmgr_cache_new(n->addrmgr, n->clk)) == NULL)
        return PTD_ENOMEM;
    if (n->peers_path == NULL)
        return PTD_OK;
    e = ptd_peersfile_load(n->addrmgr, text, n->peers_path, cfg->params->magic);
    if (e != PTD_OK)
        (void)ptd_complain(why, "%.4000s", text);
    n->peers_loaded = e == PTD_OK;
    return e;
}

static enum ptd_err open_guards(struct ptd_node *n)
{
    const struct ptd_inlimit_config ic = { .per_group = n->cfg->max_handshakes,
                                           .total = PENDING_ALL };
    struct ptd_banlist_config bc = { .clock = n->clk,
                                     .default_s = n->cfg->ban_time_s };
    char *path = NULL;
    enum ptd_err e;

    if (n->cfg->netdir != NULL &&
        (path = ptd_path_join(n->cfg->netdir, "banlist.json")) == NULL)
        return PTD_ENOMEM;
    bc.path = path;
    e = ptd_banlist_open(&n->bans, &bc);
    ptd_free(path);
    n->discouraged = ptd_discourage_new();
    n->inlimit = ptd_inlimit_new(&ic);
    if (e == PTD_OK && (n->discouraged == NULL || n->inlimit == NULL))
        e = PTD_ENOMEM;
    return e;
}

enum ptd_err book_open(struct ptd_node *n, struct ptd_complaint *why)
{
    const struct ptd_node_config *cfg = n->cfg;
    struct ptd_localaddr_config lc = { .discover = cfg->discover,
                                       .nets = cfg->reachable };
    enum ptd_err e;

    if (cfg->netdir != NULL) {
        n->peers_path = ptd_path_join(cfg->netdir, "peers.dat");
        n->anchors_path = ptd_path_join(cfg->netdir, "anchors.dat");
        if (n->peers_path == NULL || n->anchors_path == NULL)
            return PTD_ENOMEM;
    }
    if ((e = open_netgroup(n, why)) != PTD_OK ||
        (e = open_addrmgr(n, why)) != PTD_OK || (e = open_guards(n)) != PTD_OK)
        return e;
    book_check_map(n);
    n->localaddr = ptd_localaddr_new(&lc);
    return n->localaddr != NULL ? PTD_OK : PTD_ENOMEM;
}

void book_save(struct ptd_node *n)
{
    if (n->peers_loaded)
        (void)!ptd_peersfile_save(n->addrmgr, n->peers_path,
                                  n->cfg->params->magic);
}

void book_close(struct ptd_node *n)
{
    ptd_localaddr_free(n->localaddr);
    ptd_inlimit_free(n->inlimit);
    ptd_discourage_free(n->discouraged);
    ptd_banlist_free(n->bans);
    ptd_addrmgr_cache_free(n->addrcache);
    ptd_addrmgr_free(n->addrmgr);
    ptd_netgroup_free(n->netgroup);
    ptd_free(n->anchors_path);
    ptd_free(n->peers_path);
}

/* ---- our own ----------------------------------------------------------------- */

/* The port that peers are to call: of the first address that is for everybody.
 */
static uint16_t listen_port(const struct ptd_node *n)
{
    for (size_t i = 0; i < n->n_bound; i++)
        if (n->bound[i].announce)
            return n->bound[i].at.port;
    return n->cfg->port;
}

static void add_own(struct ptd_node *n, const struct ptd_netaddr *na,
                    enum ptd_local_source source)
{
    (void)!ptd_localaddr_add(n->localaddr, na, source);
}

/* What interfaces have, save the loopback ones. */
static void discover(struct ptd_node *n)
{
    struct ifaddrs *list, *i;

    if (getifaddrs(&list) != 0)
        return;
    for (i = list; i != NULL; i = i->ifa_next) {
        struct ptd_netaddr na;

        if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0 ||
            (i->ifa_flags & IFF_LOOPBACK) != 0)
            continue;
        if (ptd_addr_from_sockaddr(&na, i->ifa_addr,
                                   i->ifa_addr->sa_family == AF_INET
                                       ? sizeof(struct sockaddr_in)
                                       : sizeof(struct sockaddr_in6)) != PTD_OK)
            continue;
        if (n->cfg->cjdns_reachable)
            ptd_netaddr_ipv6_to_cjdns(&na);
        na.port = n->listen_port;
        add_own(n, &na, PTD_LOCAL_IF);
    }
    freeifaddrs(list);
}

/* A gateway lets the world in there. */
static void mapped(const struct ptd_netaddr *external, void *node)
{
    struct ptd_node *n = node;

    add_own(n, external, PTD_LOCAL_MAPPED);
}

static bool is_loopback(const struct ptd_netaddr *na)
{
    bool is_any = na->net == PTD_NET_IPV4 && na->addr[0] == 0;

    return ptd_netaddr_is_local(na) && !is_any;
}

/* Who listens for this machine alone has nothing to open a gateway for. */
static bool is_for_others(const struct ptd_node *n)
{
    for (size_t i = 0; i < n->n_bound; i++)
        if (!n->bound[i].for_onion && !is_loopback(&n->bound[i].at))
            return true;
    return false;
}

static enum ptd_err map_port(struct ptd_node *n)
{
    const struct ptd_portmap_config pc = {
        .clock = n->clk, .port = n->listen_port, .mapped = mapped, .arg = n
    };

    if (!n->cfg->natpmp || !is_for_others(n))
        return PTD_OK;
    return ptd_portmap_start(&n->portmap, &pc);
}

enum ptd_err book_own_addresses(struct ptd_node *n)
{
    const struct ptd_node_config *cfg = n->cfg;

    n->listen_port = listen_port(n);
    for (size_t i = 0; i < cfg->external_ip.n; i++) {
        struct ptd_netaddr na = cfg->external_ip.v[i];

        if (na.port == 0)
            na.port = n->listen_port;
        add_own(n, &na, PTD_LOCAL_MANUAL);
    }
    for (size_t i = 0; i < n->n_bound; i++)
        if (n->bound[i].announce && cfg->discover)
            add_own(n, &n->bound[i].at, PTD_LOCAL_BIND);
    if (cfg->bind_default && cfg->discover)
        discover(n);
    return map_port(n);
}

/* ---- looking ------------------------------------------------------------------- */

bool book_is_reachable(const struct ptd_node *n, const struct ptd_netaddr *na)
{
    return (n->cfg->reachable & PTD_NET_BIT(na->net)) != 0;
}

bool book_is_unwanted(struct ptd_node *n, const struct ptd_netaddr *na)
{
    return ptd_discourage_has(n->discouraged, na) ||
           ptd_banlist_has_addr(n->bans, na);
}
