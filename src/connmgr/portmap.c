#include <config.h>

#include "connmgr/portmap.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "net/latch.h"
#include "pentad/chan.h"
#include "pentad/log.h"
#include "sync/thread.h"

PTD_LOG_TAG(NETW);

enum { SHORTEST_S = 30 }; /* a shorter lifetime is no mapping */

struct ptd_portmap {
    /* Set once, before the thread starts. */
    struct ptd_portmap_config cfg;
    uint8_t nonce[PTD_PCP_NONCE_BYTES]; /* the same for all mappings: it proves
                                           that they are ours */
    struct ptd_chan *quit;              /* closed: end; wakes a wait */
    struct ptd_latch stop;              /* set with it; wakes a poll(2) */
    struct ptd_thread thread;

    bool was_refused; /* the thread's alone: a gateway said no once */
};

/* What came of asking everybody once. */
struct outcome {
    bool any;            /* a mapping was made */
    bool port_taken;     /* some gateway said NO_RESOURCES */
    uint32_t lifetime_s; /* the shortest */
};

/* ---- asking ------------------------------------------------------------- */

static void add_mapping(struct ptd_portmap *p, struct outcome *o,
                        const struct ptd_portmap_mapping *m)
{
    char text[PTD_PORTMAP_TEXT];

    ptd_log_info("portmap: Added mapping %s",
                 ptd_portmap_format(m, text, sizeof text));
    o->any = true;
    o->lifetime_s = PTD_MIN(o->lifetime_s, m->lifetime_s);
    /* Not routable: another gateway stands behind this one. */
    if (m->lifetime_s >= SHORTEST_S && m->external.port != 0 &&
        ptd_netaddr_is_routable(&m->external))
        p->cfg.mapped(&m->external, p->cfg.arg);
}

static void map_one(struct ptd_portmap *p, struct outcome *o,
                    const struct ptd_gateway *gateway,
                    const struct ptd_netaddr *local)
{
    struct ptd_portmap_request ask = { .gateway = *gateway,
                                       .local = *local,
                                       .port = p->cfg.port,
                                       .lifetime_s = PTD_PORTMAP_LIFETIME_S,
                                       .knows_refusal = p->was_refused,
                                       .tries = PTD_PCP_TRIES,
                                       .try_ms = PTD_PCP_TRY_MS };
    struct ptd_portmap_mapping m;
    enum ptd_err e;

    memcpy(ask.nonce, p->nonce, sizeof ask.nonce);
    e = ptd_pcp_map(&m, &ask, &p->stop);
    if (e == PTD_EVERSION && local->net == PTD_NET_IPV4) {
        ptd_log_debug("portmap: Got unsupported PCP version response, falling "
                      "back to NAT-PMP");
        e = ptd_natpmp_map(&m, &ask, &p->stop);
    }
    o->port_taken |= e == PTD_ELIMIT;
    p->was_refused |= e == PTD_EREJECTED;
    if (e == PTD_OK)
        add_mapping(p, o, &m);
}

static bool find_gateway(struct ptd_portmap *p, struct ptd_gateway *out,
                         enum ptd_net net)
{
    const char *family = net == PTD_NET_IPV4 ? "IPv4" : "IPv6";
    char text[PTD_NETADDR_TEXT];
    enum ptd_err e = p->cfg.find != NULL ? p->cfg.find(out, net, p->cfg.arg)
                                         : ptd_gateway_find(out, net);

    if (e != PTD_OK) {
        ptd_log_debug("portmap: Could not determine %s default gateway",
                      family);
        return false;
    }
    if (out->na.port == 0)
        out->na.port = PTD_PCP_PORT;
    ptd_log_debug("portmap: gateway [%s]: %s", family,
                  ptd_netaddr_format_host(&out->na, text, sizeof text));
    return true;
}

/* The address that faces the gateway. */
static void map_ipv4(struct ptd_portmap *p, struct outcome *o)
{
    const struct ptd_netaddr any = { .net = PTD_NET_IPV4, .len = 4 };
    struct ptd_gateway gateway;

    if (find_gateway(p, &gateway, PTD_NET_IPV4))
        map_one(p, o, &gateway, &any);
}

/* All addresses that the world could reach if the gateway let it. */
static void map_ipv6(struct ptd_portmap *p, struct outcome *o)
{
    struct ptd_netaddr local[PTD_PORTMAP_MAX_IPV6];
    struct ptd_gateway gateway;
    size_t n;

    if (!find_gateway(p, &gateway, PTD_NET_IPV6))
        return;
    n = p->cfg.local_ipv6 != NULL
            ? p->cfg.local_ipv6(local, PTD_PORTMAP_MAX_IPV6, p->cfg.arg)
            : ptd_gateway_local_ipv6(local, PTD_PORTMAP_MAX_IPV6);
    for (size_t i = 0; i < n && !ptd_latch_is_set(&p->stop); i++)
        map_one(p, o, &gateway, &local[i]);
}

/* ---- the thread --------------------------------------------------------- */

/* RFC 6887 section 11.2.1: a renewal goes out at a random time between a half
 * and five eighths of the lifetime. */
static int64_t until_renewal_us(uint32_t lifetime_s)
{
    int64_t lifetime_us = (int64_t)lifetime_s * 1000000;

    return lifetime_us / 2 +
           (int64_t)ptd_random_below((uint64_t)lifetime_us / 8);
}

/* Ask everybody once; gives how long to wait until the next time. */
static int64_t map_all(struct ptd_portmap *p)
{
    struct outcome o = { .lifetime_s = PTD_PORTMAP_LIFETIME_S };

    map_ipv4(p, &o);
    if (!ptd_latch_is_set(&p->stop))
        map_ipv6(p, &o);
    if (o.port_taken)
        ptd_log_warn(
            "portmap: At least one mapping failed because of a "
            "NO_RESOURCES error. This usually indicates that the port "
            "is already used on the router. If this is the only "
            "instance of bitcoin running on the network, this will "
            "resolve itself automatically. Otherwise, you might want "
            "to choose a different P2P port to prevent this conflict.");
    if (o.any && o.lifetime_s >= SHORTEST_S)
        return until_renewal_us(o.lifetime_s);
    if (o.any)
        ptd_log_warn("portmap: Got impossibly short mapping lifetime of "
                     "%" PRIu32 " seconds",
                     o.lifetime_s);
    return (int64_t)PTD_PORTMAP_RETRY_S * 1000000;
}

static void portmap_main(void *arg)
{
    struct ptd_portmap *p = arg;
    enum ptd_err e;

    do {
        int64_t wait_us = map_all(p);

        e = ptd_chan_recv_until(p->quit, NULL, p->cfg.clock,
                                ptd_clock_now_us(p->cfg.clock) + wait_us);
    } while (e == PTD_ETIMEOUT);
}

/* ---- life --------------------------------------------------------------- */

enum ptd_err ptd_portmap_start(struct ptd_portmap **out,
                               const struct ptd_portmap_config *cfg)
{
    struct ptd_portmap *p = ptd_calloc(1, sizeof *p);
    enum ptd_err e = PTD_ENOMEM;

    if (p == NULL)
        return e;
    p->cfg = *cfg;
    ptd_random_bytes(p->nonce, sizeof p->nonce);
    if ((p->quit = ptd_chan_new(0, 0)) == NULL)
        goto free_portmap;
    if ((e = ptd_latch_init(&p->stop)) != PTD_OK)
        goto free_quit;
    e = ptd_thread_start(&p->thread, NULL, "portmap", portmap_main, p);
    if (e != PTD_OK)
        goto fini_stop;
    *out = p;
    return PTD_OK;

fini_stop:
    ptd_latch_fini(&p->stop);
free_quit:
    ptd_chan_free(p->quit);
free_portmap:
    ptd_free(p);
    return e;
}

void ptd_portmap_stop(struct ptd_portmap *p)
{
    if (p == NULL)
        return;
    ptd_latch_set(&p->stop);
    ptd_chan_close(p->quit);
    ptd_thread_join(&p->thread);
    ptd_latch_fini(&p->stop);
    ptd_chan_free(p->quit);
    ptd_free(p);
}
