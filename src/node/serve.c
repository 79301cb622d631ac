/* What the node does with what its peers say. Every function runs on the in
 * thread of the peer it is about. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "node/node_int.h"

PTD_LOG_TAG(SRVR);

static void ask_for_headers(struct node_peer *np)
{
    struct ptd_hash locator[PTD_HEADERS_LOCATOR_MAX], stop = { { 0 } };
    size_t n = ptd_headers_locator(np->node->headers, locator, NULL);

    ptd_log_debug("initial getheaders (%u) to %s",
                  ptd_headers_height(np->node->headers),
                  ptd_peer_name(np->peer));
    (void)!ptd_peer_push_getheaders(np->peer, locator, n, &stop);
}

static void on_ready(struct ptd_peer *p, void *arg)
{
    struct node_peer *np = arg;
    struct ptd_peer_stats *s = ptd_alloc(sizeof *s);
    char addr[PTD_NETADDR_TEXT];
    struct ptd_msg *m;

    if (s != NULL) {
        ptd_peer_stats(p, s);
        ptd_log_info(
            "New %s peer connected: version: %u, blocks=%d, %s, %s%s%s",
            ptd_peer_is_inbound(p) ? "inbound" : "outbound", s->advertised_pver,
            s->start_height, s->user_agent, ptd_peer_name(p),
            np->node->o.logips ? ", peeraddr=" : "",
            np->node->o.logips ? ptd_netaddr_format(&s->addr, addr, sizeof addr)
                               : "");
        ptd_free(s);
    }
    if (ptd_peer_is_inbound(p))
        return;
    ask_for_headers(np);
    if ((m = ptd_msg_new(PTD_MSG_GETADDR)) != NULL)
        (void)!ptd_peer_queue(p, m, NULL);
}

static void on_gone(struct ptd_peer *p, void *arg)
{
    struct node_peer *np = arg;

    (void)p;
    /* The server receives until the last peer is gone. */
    (void)!ptd_chan_send(np->node->events, &np);
}

static enum ptd_err newest_block(struct ptd_hash *hash, int32_t *height,
                                 void *arg)
{
    struct node_peer *np = arg;
    struct ptd_header_info tip;

    ptd_headers_tip(np->node->headers, &tip);
    *hash = tip.hash;
    *height = (int32_t)tip.height;
    return PTD_OK;
}

/* ---- headers ------------------------------------------------------------------- */

static enum ptd_err refuse_headers(struct node_peer *np, enum ptd_header_err e)
{
    const char *why = e == PTD_HEADER_EPOW ? "header with invalid proof of work"
                      : e == PTD_HEADER_EUNLINKED
                          ? "non-continuous headers sequence"
                          : ptd_header_err_text(e);

    ptd_log_debug("Misbehaving: %s: %s", ptd_peer_name(np->peer), why);
    ptd_peer_disconnect(np->peer, PTD_EPOW, "%s", why);
    return PTD_EPOW;
}

static enum ptd_err on_headers(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    const struct ptd_msg_headers *h = (const void *)m;
    struct node_peer *np = arg;
    struct ptd_headers_result res;
    enum ptd_header_err e;
    uint8_t *raw;

    if (h->n == 0)
        return PTD_OK;
    raw = ptd_alloc_array(h->n, PTD_HEADER_BYTES);
    if (raw == NULL)
        return PTD_ENOMEM;
    for (uint32_t i = 0; i < h->n; i++)
        ptd_block_header_encode(&h->list[i], raw + i * PTD_HEADER_BYTES);
    e = ptd_headers_add(np->node->headers, &res, raw, h->n,
                        ptd_clock_wall_s(NULL));
    ptd_free(raw);
    if (res.new_tip)
        ptd_log_info("headers: height=%u, %zu new from %s",
                     ptd_headers_height(np->node->headers), res.n_new,
                     ptd_peer_name(p));
    if (e == PTD_HEADER_EORPHAN)
        ask_for_headers(np); /* there is something between */
    else if (ptd_header_err_is_bad(e))
        return refuse_headers(np, e);
    else if (e == PTD_HEADER_OK && h->n == PTD_MAX_HEADERS_PER_MSG)
        ask_for_headers(np);
    return PTD_OK;
}

static enum ptd_err on_getheaders(struct ptd_peer *p, struct ptd_msg *m,
                                  void *arg)
{
    const struct ptd_msg_locator *l = (const void *)m;
    struct node_peer *np = arg;
    size_t max = PTD_MAX_HEADERS_PER_MSG, n;
    uint8_t *raw = ptd_alloc_array(max, PTD_HEADER_BYTES);
    struct ptd_block_header *list = ptd_alloc_array(max, sizeof *list);
    struct ptd_msg *answer = NULL;

    if (raw != NULL && list != NULL) {
        n = ptd_headers_after(np->node->headers, raw, max, l->hashes, l->n,
                              &l->stop);
        for (size_t i = 0; i < n; i++)
            ptd_block_header_decode(&list[i], raw + i * PTD_HEADER_BYTES);
        answer = ptd_msg_new_headers(list, n);
    }
    ptd_free(raw);
    ptd_free(list);
    return answer != NULL ? ptd_peer_queue(p, answer, NULL) : PTD_ENOMEM;
}

static enum ptd_err on_inv(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    const struct ptd_msg_inv *inv = (const void *)m;
    struct node_peer *np = arg;
    bool has_new = false;

    for (uint32_t i = 0; i < inv->n; i++) {
        ptd_peer_add_known_inv(p, &inv->list[i]);
        if (inv->list[i].type == PTD_INV_BLOCK &&
            !ptd_headers_has(np->node->headers, &inv->list[i].hash)) {
            ptd_peer_set_last_announced(p, &inv->list[i].hash);
            has_new = true;
        }
    }
    if (has_new) /* one request, however many were announced */
        ask_for_headers(np);
    return PTD_OK;
}

/* We hold headers alone: whatever is asked for is not found. */
static enum ptd_err on_getdata(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    const struct ptd_msg_inv *inv = (const void *)m;
    struct ptd_msg *answer =
        ptd_msg_new_inv(PTD_MSG_NOTFOUND, inv->list, inv->n);

    (void)arg;
    return answer != NULL ? ptd_peer_queue(p, answer, NULL) : PTD_ENOMEM;
}

/* ---- addresses -------------------------------------------------------------------- */

static enum ptd_err on_addr(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    const struct ptd_msg_addr *a = (const void *)m;
    struct node *n = ((struct node_peer *)arg)->node;
    size_t n_new = 0;

    (void)p;
    ptd_mutex_lock(&n->mu);
    for (uint32_t i = 0; i < a->n; i++) {
        const struct ptd_addr_entry *e = &a->list[i];
        bool is_known = false;

        if (!ptd_netaddr_is_routable(&e->na))
            continue;
        for (size_t k = 0; k < n->n_addrs && !is_known; k++)
            is_known = ptd_netaddr_is_equal(&n->addrs[k].na, &e->na);
        if (is_known)
            continue;
        n->addrs[n->next_addr] = *e; /* the oldest gives way */
        n->next_addr = (n->next_addr + 1) % ADDRS_MAX;
        n->n_addrs = PTD_MIN(n->n_addrs + 1, (size_t)ADDRS_MAX);
        n_new++;
    }
    ptd_mutex_unlock(&n->mu);
    if (n_new > 0)
        ptd_log_debug("Added %zu addresses from %s", n_new, ptd_peer_name(p));
    return PTD_OK;
}

/* Inbound alone, once: against fingerprints, as the original. */
static enum ptd_err on_getaddr(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    struct node_peer *np = arg;
    struct node *n = np->node;
    struct ptd_addr_entry *list;
    size_t n_list;
    enum ptd_err e;

    (void)m;
    if (!ptd_peer_is_inbound(p) || np->has_got_addrs) {
        ptd_log_debug("Ignoring getaddr from %s", ptd_peer_name(p));
        return PTD_OK;
    }
    np->has_got_addrs = true;
    list = ptd_alloc_array(ADDRS_MAX, sizeof *list);
    if (list == NULL)
        return PTD_ENOMEM;
    ptd_mutex_lock(&n->mu);
    n_list = n->n_addrs;
    memcpy(list, n->addrs, n_list * sizeof *list);
    ptd_mutex_unlock(&n->mu);
    ptd_random_shuffle(list, n_list, sizeof *list);
    /* 23 % of what is known, as Bitcoin Core, but not of very little. */
    if (n_list > 100)
        n_list = n_list * 23 / 100;
    e = ptd_peer_push_addr(p, list, n_list, NULL, NULL);
    ptd_free(list);
    return e;
}

void node_listen_to(struct ptd_peer_config *cfg, struct node_peer *np)
{
    static const struct {
        enum ptd_msg_type type;
        ptd_on_msg fn;
    } all[] = {
        { PTD_MSG_HEADERS, on_headers }, { PTD_MSG_GETHEADERS, on_getheaders },
        { PTD_MSG_INV, on_inv },         { PTD_MSG_GETDATA, on_getdata },
        { PTD_MSG_ADDR, on_addr },       { PTD_MSG_ADDRV2, on_addr },
        { PTD_MSG_GETADDR, on_getaddr },
    };

    for (size_t i = 0; i < PTD_COUNT(all); i++)
        cfg->on_msg[all[i].type] = (struct ptd_listener){ all[i].fn, np };
    cfg->hooks.arg = np;
    cfg->hooks.on_ready = on_ready;
    cfg->hooks.on_gone = on_gone;
    cfg->hooks.newest_block = newest_block;
}
