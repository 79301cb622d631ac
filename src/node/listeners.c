/* How our peers are configured, and what is heard of them. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)

enum { MIN_PVER = 31800 }; /* getheaders: as Bitcoin Core */

const char *node_peer_addr_text(const struct node_peer *np, char *out,
                                size_t cap)
{
    char text[PTD_NETADDR_TEXT];

    if (np->node->cfg->log_ips)
        snprintf(
            out, cap, ", peeraddr=%s",
            ptd_netaddr_format(ptd_peer_addr(np->peer), text, sizeof text));
    else
        out[0] = '\0';
    return out;
}

/* ---- events -------------------------------------------------------------- */

/* Peers that we chose must have blocks, with witnesses; those the user chose,
 * and who calls us, may be anything. */
static bool is_useful(const struct node_peer *np, uint64_t services,
                      uint64_t *wanted)
{
    *wanted = PTD_NODE_NETWORK | PTD_NODE_WITNESS;
    return np->slot < 0 || np->manual || (services & *wanted) == *wanted;
}

static struct ptd_msg *on_version(struct ptd_peer *p,
                                  const struct ptd_msg_version *v, void *arg)
{
    struct node_peer *np = arg;
    uint64_t wanted;

    np->services = v->services;
    np->start_height = v->start_height;
    if (!is_useful(np, v->services, &wanted))
        ptd_peer_disconnect(p, PTD_EREJECTED,
                            "does not offer the expected services (%08" PRIx64
                            " offered, %08" PRIx64 " expected)",
                            v->services, wanted);
    return NULL;
}

/* Whom we chose and reached is a node: say so to others, and ask it for
 * more. */
static void ask_addresses(struct node_peer *np)
{
    struct ptd_node *n = np->node;
    struct ptd_msg *m;

    if (ptd_peer_addr(np->peer)->net != PTD_NET_NONE)
        ptd_addrs_seen(n->addrs, ptd_peer_addr(np->peer), np->services,
                       ptd_clock_wall_s(n->clk));
    m = ptd_msg_new(PTD_MSG_GETADDR);
    if (m == NULL || ptd_peer_queue(np->peer, m, NULL) != PTD_OK)
        ptd_log_debug("%s cannot be asked for addresses",
                      ptd_peer_name(np->peer));
}

static void on_ready(struct ptd_peer *p, void *arg)
{
    struct node_peer *np = arg;
    char text[PTD_NETADDR_TEXT + 16];
    struct ptd_peer_stats st;

    ptd_peer_stats(p, &st);
    ptd_log_info("New %s %s peer connected: version: %" PRIu32
                 ", blocks=%" PRId32 ", agent %s, %s%s",
                 np->slot < 0 ? "inbound"
                 : np->manual ? "manual"
                              : "outbound-full-relay",
                 st.transport, st.advertised_pver, st.start_height,
                 st.user_agent, ptd_peer_name(p),
                 node_peer_addr_text(np, text, sizeof text));
    follow_ready(np);
    if (np->slot >= 0)
        ask_addresses(np);
    node_tell(np->node, PTD_NODE_PEER_READY, ptd_peer_id(p), -1);
}

static void on_gone(struct ptd_peer *p, void *arg)
{
    struct node_peer *np = arg;
    struct server_event ev = { .what = SERVER_GONE, .np = np };

    (void)p;
    (void)!ptd_chan_send(np->node->server_q, &ev);
}

static enum ptd_err newest_block(struct ptd_hash *hash, int32_t *height,
                                 void *arg)
{
    const struct node_peer *np = arg;
    struct ptd_header_info tip;

    ptd_headers_tip(np->node->headers, &tip);
    *hash = tip.hash;
    *height = (int32_t)tip.height;
    return PTD_OK;
}

/* ---- configuration ------------------------------------------------------- */

static void listen_to(struct ptd_peer_config *cfg, struct node_peer *np)
{
    static const struct {
        enum ptd_msg_type type;
        ptd_on_msg fn;
    } listeners[] = {
        { PTD_MSG_ADDR, serve_addr },
        { PTD_MSG_ADDRV2, serve_addr },
        { PTD_MSG_BLOCK, fetch_block },
        { PTD_MSG_FILTERADD, refuse_filter },
        { PTD_MSG_FILTERCLEAR, refuse_filter },
        { PTD_MSG_FILTERLOAD, refuse_filter },
        { PTD_MSG_GETADDR, serve_getaddr },
        { PTD_MSG_GETBLOCKS, serve_getblocks },
        { PTD_MSG_GETBLOCKTXN, refuse_blocktxn },
        { PTD_MSG_GETCFCHECKPT, refuse_cfilter },
        { PTD_MSG_GETCFHEADERS, refuse_cfilter },
        { PTD_MSG_GETCFILTERS, refuse_cfilter },
        { PTD_MSG_GETDATA, serve_getdata },
        { PTD_MSG_GETHEADERS, serve_getheaders },
        { PTD_MSG_HEADERS, follow_headers },
        { PTD_MSG_INV, follow_inv },
        { PTD_MSG_MEMPOOL, refuse_mempool },
        { PTD_MSG_NOTFOUND, fetch_notfound },
        { PTD_MSG_TX, fetch_tx },
    };

    for (size_t i = 0; i < PTD_COUNT(listeners); i++)
        cfg->on_msg[listeners[i].type] =
            (struct ptd_listener){ listeners[i].fn, np };
}

void node_peer_config(struct ptd_node *n, struct ptd_peer_config *cfg,
                      struct node_peer *np)
{
    ptd_peer_config_init(cfg, n->cfg->params);
    cfg->min_pver = MIN_PVER;
    cfg->services = ptd_node_services(n);
    cfg->user_agent = n->cfg->user_agent;
    /* Transactions are held and served, but not checked, so not relayed. */
    cfg->relay = false;
    cfg->send_wtxidrelay = true;
    cfg->send_addrv2 = true;
    cfg->conduct = PTD_CONDUCT_TOLERANT;
    cfg->hide_addr = n->cfg->has_proxy && np->slot >= 0;
    cfg->handshake_us = n->cfg->peer_timeout_us;
    cfg->grace_us = n->cfg->peer_timeout_us;
    cfg->idle_us = 20 * MINUTE_US;
    cfg->pong_us = 20 * MINUTE_US;
    cfg->first_ping_us = 0;
    /* 16 blocks of 4 MB over a slow line. */
    cfg->reply_us = 10 * MINUTE_US;
    listen_to(cfg, np);
    cfg->hooks = (struct ptd_peer_hooks){
        .arg = np,
        .on_version = on_version,
        .on_ready = on_ready,
        .on_gone = on_gone,
        .newest_block = newest_block,
    };
}
