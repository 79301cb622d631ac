/* How our peers are configured, and what is heard of them. */
#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/capture.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)

enum {
    MIN_PVER = 31800,   /* getheaders: as Bitcoin Core */
    YOUNG_BLOCKS = 144, /* our tip is at most so many old: peers that hold the
                           last 288 blocks will do */
    CLOCK_OFF_S = 600
};

const char *node_peer_addr_text(const struct node_peer *np, char *out,
                                size_t cap)
{
    char text[PTD_NETADDR_TEXT];

    if (np->node->cfg->log_ips)
        snprintf(
            out, cap, " peeraddr=%s",
            ptd_netaddr_format(ptd_peer_addr(np->peer), text, sizeof text));
    else
        out[0] = '\0';
    return out;
}

/* ---- misbehaviour -------------------------------------------------------- */

enum ptd_err node_misbehaved(struct node_peer *np, enum ptd_err e,
                             const char *format, ...)
{
    struct ptd_peer *p = np->peer;
    char why[128];
    va_list ap;

    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    ptd_log_debug("Misbehaving: %s: %s", ptd_peer_name(p), why);
    if (node_peer_may(np, PTD_MAY_NOBAN)) {
        ptd_log_warn("Not punishing noban peer %" PRId64 "!", ptd_peer_id(p));
        return PTD_OK;
    }
    if (np->type == PTD_LINK_MANUAL) {
        ptd_log_warn("Not punishing manually connected peer %" PRId64 "!",
                     ptd_peer_id(p));
        return PTD_OK;
    }
    if (ptd_netaddr_is_local(ptd_peer_addr(p)) || np->is_onion) {
        ptd_log_debug("Warning: disconnecting but not discouraging %s peer "
                      "%" PRId64 "!",
                      np->is_onion ? "inbound onion" : "local", ptd_peer_id(p));
    } else {
        ptd_log_debug("Disconnecting and discouraging peer %" PRId64 "!",
                      ptd_peer_id(p));
        if (ptd_peer_addr(p)->net != PTD_NET_NONE)
            ptd_discourage_add(np->node->discouraged, ptd_peer_addr(p));
    }
    ptd_peer_disconnect(p, e, "%s", why);
    return e;
}

/* ---- the version message --------------------------------------------------- */

uint64_t node_services_wanted(struct ptd_node *n, uint64_t claimed)
{
    const uint64_t full = PTD_NODE_NETWORK | PTD_NODE_WITNESS;
    int64_t young_s = YOUNG_BLOCKS * n->cfg->params->pow_spacing_s;
    struct ptd_header_info tip;

    if ((claimed & PTD_NODE_NETWORK_LIMITED) == 0)
        return full;
    ptd_headers_tip(n->headers, &tip);
    if ((int64_t)tip.time + young_s < ptd_clock_wall_s(n->clk))
        return full;
    return PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS;
}

/* Peers that we chose must have blocks, with witnesses; those the user chose,
 * who is only looked at, and who calls us, may be anything. */
static bool expects_services(const struct node_peer *np)
{
    return np->type == PTD_LINK_FULL_RELAY ||
           np->type == PTD_LINK_BLOCK_RELAY || np->type == PTD_LINK_ADDR_FETCH;
}

/* What it says of itself, kept before anything is held against it. */
static void keep_version(struct node_peer *np, const struct ptd_msg_version *v)
{
    struct ptd_node *n = np->node;
    uint64_t wanted = node_services_wanted(n, v->services);

    np->services = v->services;
    np->start_height = v->start_height;
    if (!node_peer_is_in(np) && ptd_peer_addr(np->peer)->net != PTD_NET_NONE)
        ptd_addrmgr_set_services(n->addrmgr, ptd_peer_addr(np->peer),
                                 v->services);
    ptd_mutex_lock(&n->mu);
    np->seen = v->addr_recv;
    np->has_services = (v->services & wanted) == wanted;
    np->wants_txs = v->relay && np->type != PTD_LINK_BLOCK_RELAY &&
                    np->type != PTD_LINK_FEELER;
    ptd_mutex_unlock(&n->mu);
}

/* A clock that most others contradict is worth a word; it is never moved. */
static void note_time(struct node_peer *np, int64_t offset_s)
{
    struct ptd_node *n = np->node;
    int64_t median;
    bool is_off, was_off;

    ptd_mutex_lock(&n->mu);
    n->time_sample[n->n_time_samples++ % NODE_TIME_SAMPLES] = offset_s;
    ptd_mutex_unlock(&n->mu);
    median = ptd_node_time_offset_s(n);
    is_off = median > CLOCK_OFF_S || median < -CLOCK_OFF_S;
    ptd_mutex_lock(&n->mu);
    was_off = n->clock_is_off;
    n->clock_is_off = is_off;
    ptd_mutex_unlock(&n->mu);
    if (is_off && !was_off)
        ptd_log_warn("The clock of this computer and those of most peers are "
                     "%" PRId64 " s apart; please check date and time",
                     median);
}

/* Who was asked for addresses answers with up to a thousand. */
static void ask_addresses(struct node_peer *np)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_GETADDR);

    if (m == NULL || ptd_peer_queue(np->peer, m, NULL) != PTD_OK) {
        ptd_log_debug("%s cannot be asked for addresses",
                      ptd_peer_name(np->peer));
        return;
    }
    np->sent_getaddr = true;
    ptd_addrbucket_grant(&np->bucket);
}

/* Whom we reached is a node: remember it, take part in its gossip, ask it for
 * addresses. */
static void reached(struct node_peer *np)
{
    const struct ptd_netaddr *na = ptd_peer_addr(np->peer);
    struct ptd_peer_stats st;

    if (gossip_join(np)) {
        gossip_batch_later(np);
        ask_addresses(np);
    }
    if (na->net != PTD_NET_NONE)
        (void)ptd_addrmgr_good(np->node->addrmgr, na);
    ptd_peer_stats(np->peer, &st);
    note_time(np, st.time_offset_s);
}

static struct ptd_msg *on_version(struct ptd_peer *p,
                                  const struct ptd_msg_version *v, void *arg)
{
    struct node_peer *np = arg;
    struct ptd_node *n = np->node;
    uint64_t wanted = node_services_wanted(n, v->services);

    keep_version(np, v);
    ptd_sync_peer_version(np->sync, v);
    ptd_relay_peer_version(np->relay, v);
    if (expects_services(np) && (v->services & wanted) != wanted) {
        ptd_peer_disconnect(p, PTD_EREJECTED,
                            "peer does not offer the expected services "
                            "(%08" PRIx64 " offered, %08" PRIx64 " expected)",
                            v->services, wanted);
        return NULL;
    }
    if (v->version < MIN_PVER)
        return NULL; /* the peer says so and ends itself */
    if (node_peer_is_in(np)) {
        if (ptd_netaddr_is_routable(&v->addr_recv))
            (void)ptd_localaddr_vote(n->localaddr, &v->addr_recv);
        return NULL;
    }
    reached(np);
    if (np->type == PTD_LINK_FEELER)
        ptd_peer_disconnect(p, PTD_ECLOSED, "feeler connection completed");
    return NULL;
}

/* ---- ready, and gone ------------------------------------------------------- */

static void log_new(const struct node_peer *np, const struct ptd_peer_stats *st)
{
    char addr[PTD_NETADDR_TEXT + 16], text[512];
    uint32_t as = ptd_netgroup_as(np->node->netgroup, &st->addr);
    int k =
        snprintf(text, sizeof text,
                 "New %s peer connected: transport: %s, version: %" PRIu32
                 ", blocks=%" PRId32 " %s%s",
                 ptd_link_type_text(np->type), st->transport,
                 st->advertised_pver, st->start_height, ptd_peer_name(np->peer),
                 node_peer_addr_text(np, addr, sizeof addr));

    if (as != 0 && k > 0 && (size_t)k < sizeof text)
        snprintf(text + k, sizeof text - (size_t)k, ", mapped_as=%" PRIu32, as);
    /* Others can call as often as they like. */
    if (node_peer_is_in(np))
        ptd_log_debug("%s", text);
    else
        ptd_log_info("%s", text);
}

static void mark_ready(struct node_peer *np, const struct ptd_peer_stats *st)
{
    struct ptd_node *n = np->node;
    struct ptd_inlimit_pass pass;

    np->takes_addrv2 = st->wants_addrv2;
    ptd_mutex_lock(&n->mu);
    np->ready = true;
    if (!node_peer_is_in(np))
        n->n_out_ready++;
    pass = np->pass;
    np->pass = (struct ptd_inlimit_pass){ 0 };
    ptd_mutex_unlock(&n->mu);
    ptd_inlimit_release(n->inlimit, &pass);
}

static void on_ready(struct ptd_peer *p, void *arg)
{
    struct node_peer *np = arg;
    struct ptd_peer_stats st;

    ptd_peer_stats(p, &st);
    log_new(np, &st);
    mark_ready(np, &st);
    if (np->token != 0)
        ptd_connmgr_ready(np->node->connmgr, np->token);
    ptd_sync_peer_ready(np->sync);
    ptd_relay_peer_ready(np->relay);
    gossip_ready(np);
    node_tell(np->node, PTD_NODE_PEER_READY, ptd_peer_id(p), -1);
}

static enum ptd_err on_excess(struct ptd_peer *p, enum ptd_err err,
                              const char *why, void *arg)
{
    (void)p;
    return node_misbehaved(arg, err, "%s", why);
}

static void on_gone(struct ptd_peer *p, void *arg)
{
    struct node_peer *np = arg;
    struct server_event ev = { .what = SERVER_GONE, .np = np };

    (void)p;
    (void)!ptd_chan_send(np->node->server_q, &ev);
}

static void on_room(struct ptd_peer *p, void *arg)
{
    const struct node_peer *np = arg;

    (void)p;
    ptd_sync_peer_has_room(np->sync);
}

static enum ptd_err newest_block(struct ptd_hash *hash, int32_t *height,
                                 void *arg)
{
    const struct node_peer *np = arg;
    struct ptd_block_info tip;

    ptd_blockchain_tip(np->node->chain, &tip);
    *hash = tip.header.hash;
    *height = (int32_t)tip.header.height;
    return PTD_OK;
}

/* ---- -capturemessages ---------------------------------------------------- */

static void capture_read(struct ptd_peer *p, size_t wire_bytes,
                         struct ptd_msg *m, enum ptd_err err, void *arg)
{
    const struct node_peer *np = arg;

    (void)wire_bytes;
    (void)err;
    if (m != NULL)
        ptd_capture_msg(np->node->cfg->capture, p, PTD_CAPTURE_RECV, m);
}

static void on_write(struct ptd_peer *p, size_t wire_bytes,
                          struct ptd_msg *m, enum ptd_err err, void *arg)
{
    const struct node_peer *np = arg;

    ptd_netsync_sent(np->node->netsync, wire_bytes);
    if (err == PTD_OK && np->node->cfg->capture != NULL)
        ptd_capture_msg(np->node->cfg->capture, p, PTD_CAPTURE_SENT, m);
}

/* ---- configuration ------------------------------------------------------- */

static void listen_to(struct ptd_peer_config *cfg, struct node_peer *np)
{
    static const struct {
        enum ptd_msg_type type;
        ptd_on_msg fn;
    } listeners[] = {
        { PTD_MSG_ADDR, gossip_addr },
        { PTD_MSG_ADDRV2, gossip_addr },
        { PTD_MSG_GETADDR, gossip_getaddr },
        { PTD_MSG_GETCFCHECKPT, refuse_cfilter },
        { PTD_MSG_GETCFHEADERS, refuse_cfilter },
        { PTD_MSG_GETCFILTERS, refuse_cfilter },
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
    cfg->services = node_services_for(np);
    cfg->user_agent = n->cfg->user_agent;
    cfg->relay = (!n->cfg->blocks_only || node_peer_may(np, PTD_MAY_RELAY)) &&
                 np->type != PTD_LINK_BLOCK_RELAY &&
                 np->type != PTD_LINK_FEELER;
    cfg->send_wtxidrelay = true;
    cfg->send_addrv2 = true;
    cfg->conduct = PTD_CONDUCT_TOLERANT;
    cfg->hide_addr = np->via_proxy;
    cfg->send_limit_bytes = n->cfg->max_send_bytes;
    /* Who fills our queue is to be read meanwhile; a peer takes no less. */
    cfg->recv_limit_bytes =
        PTD_MAX(n->cfg->max_recv_bytes, n->cfg->max_send_bytes);
    cfg->handshake_us = n->cfg->peer_timeout_us;
    cfg->grace_us = n->cfg->peer_timeout_us;
    cfg->idle_us = 20 * MINUTE_US;
    cfg->pong_us = 20 * MINUTE_US;
    cfg->first_ping_us = 0;
    listen_to(cfg, np);
    ptd_sync_peer_listen(np->sync, cfg);
    ptd_relay_peer_listen(np->relay, cfg);
    cfg->hooks = (struct ptd_peer_hooks){
        .arg = np,
        .on_version = on_version,
        .on_ready = on_ready,
        .on_gone = on_gone,
        .on_room = on_room,
        .on_excess = on_excess,
        .newest_block = newest_block,
    };
    if (n->cfg->capture != NULL)
        cfg->hooks.on_read = capture_read;
    if (n->cfg->capture != NULL || n->cfg->max_upload_bytes > 0)
        cfg->hooks.on_write = on_write;
}
