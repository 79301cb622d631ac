/* Headers: ask for them, put them into the tree, follow whoever has more.
 *
 * One peer at a time is the one that sends us headers by the thousand; the
 * others wait their turn, so that a long chain is fetched once. Asked in turn,
 * each of them only has to send what is still missing. */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

#define NOBODY    INT64_C(-1)
/* A question without an answer may be put again after this. */
#define REPEAT_US INT64_C(120000000)

/* ---- asking -------------------------------------------------------------- */

/* A getheaders for what is behind our best header, or behind `from`. */
static struct ptd_msg *make_getheaders(struct ptd_node *n,
                                       const struct ptd_hash *from)
{
    static const struct ptd_hash none;
    struct ptd_hash *locator =
        ptd_alloc_array(PTD_HEADERS_LOCATOR_MAX, sizeof *locator);
    struct ptd_msg *m;
    size_t n_hashes;

    if (locator == NULL)
        return NULL;
    n_hashes = ptd_headers_locator(n->headers, locator, from);
    m = ptd_msg_new_locator(PTD_MSG_GETHEADERS, PTD_PVER_SENDHEADERS, locator,
                            n_hashes, &none);
    ptd_free(locator);
    return m;
}

/* From a thread that must not wait for this peer. */
static enum ptd_err try_ask(struct ptd_node *n, struct ptd_peer *p,
                            const struct ptd_hash *from)
{
    struct ptd_msg *m = make_getheaders(n, from);

    return m != NULL ? ptd_peer_try_queue(p, m, NULL) : PTD_ENOMEM;
}

/* From the peer's own callbacks, for which there is always room. */
static enum ptd_err ask_on(struct node_peer *np, const struct ptd_hash *from)
{
    struct ptd_msg *m = make_getheaders(np->node, from);

    return m != NULL ? ptd_peer_queue(np->peer, m, NULL) : PTD_ENOMEM;
}

/* The first question to a peer. It begins one block below our tip, so that
 * even a peer that has nothing new sends one header, and we see that it is on
 * our branch. */
static void ask_first(struct ptd_node *n, struct ptd_peer *p)
{
    struct ptd_header_info tip, before;
    const struct ptd_hash *from = NULL;

    ptd_headers_tip(n->headers, &tip);
    if (tip.height > 0 &&
        ptd_headers_ancestor(n->headers, &before, &tip.hash, tip.height - 1))
        from = &before.hash;
    ptd_log_debug("initial getheaders (%" PRIu32 ") to %s",
                  tip.height > 0 ? tip.height - 1 : 0, ptd_peer_name(p));
    if (try_ask(n, p, from) != PTD_OK)
        ptd_log_debug("%s is too busy to be asked for headers",
                      ptd_peer_name(p));
}

/* Ask for what it just hinted at, unless a question is open: a flood of hints
 * is one question. Thread: in. */
static enum ptd_err ask_again(struct node_peer *np)
{
    int64_t now = ptd_clock_now_us(np->node->clk);

    if (np->asked_us != 0 && now < np->asked_us + REPEAT_US)
        return PTD_OK;
    np->asked_us = now;
    return ask_on(np, NULL);
}

/* The next peer that waits becomes the one that is asked. Gives a reference,
 * or NULL. */
static struct ptd_peer *next_locked(struct ptd_node *n) PTD_REQUIRES(n->mu);
static struct ptd_peer *next_locked(struct ptd_node *n)
{
    if (n->sync_peer != NOBODY)
        return NULL;
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    {
        if (!np->waits)
            continue;
        np->waits = false;
        n->sync_peer = ptd_peer_id(np->peer);
        return ptd_peer_ref(np->peer);
    }
    return NULL;
}

static void ask_next(struct ptd_node *n)
{
    struct ptd_peer *p;

    ptd_mutex_lock(&n->mu);
    p = next_locked(n);
    ptd_mutex_unlock(&n->mu);
    if (p == NULL)
        return;
    ask_first(n, p);
    ptd_peer_free(p);
}

/* This peer has no more for now: the next, please. */
static void finished(struct node_peer *np)
{
    struct ptd_node *n = np->node;

    ptd_mutex_lock(&n->mu);
    if (n->sync_peer == ptd_peer_id(np->peer))
        n->sync_peer = NOBODY;
    ptd_mutex_unlock(&n->mu);
    ask_next(n);
}

void follow_ready(struct node_peer *np)
{
    struct ptd_node *n = np->node;
    int32_t height = (int32_t)ptd_headers_height(n->headers);
    bool is_out = !node_peer_is_in(np), asked;

    ptd_mutex_lock(&n->mu);
    /* An inbound peer is asked where we have nobody that we chose. */
    asked = is_out ||
            (n->n_out_ready == 0 && (np->services & PTD_NODE_NETWORK) != 0);
    /* Who says that it has more owes us an answer; others may be silent, and
     * nobody waits for them. */
    np->waits = asked && np->start_height > height;
    ptd_mutex_unlock(&n->mu);
    if (!asked)
        return;
    if (np->start_height > height)
        ask_next(n);
    else
        ask_first(n, np->peer);
}

void follow_gone(struct node_peer *np)
{
    finished(np);
}

/* ---- what comes ---------------------------------------------------------- */

enum ptd_err follow_punish(struct node_peer *np, enum ptd_header_err e)
{
    const char *what = ptd_header_err_text(e);

    if (e == PTD_HEADER_EPOW || e == PTD_HEADER_ETARGET)
        what = "header with invalid proof of work";
    else if (e == PTD_HEADER_EUNLINKED)
        what = "non-continuous headers sequence";
    return node_misbehaved(np, PTD_EPOW, "%s", what);
}

/* It has this block of our best branch. */
static void note_has(struct node_peer *np, const struct ptd_header_info *info)
{
    ptd_peer_set_last_announced(np->peer, &info->hash);
    ptd_peer_update_last_block(np->peer, (int32_t)info->height);
    if (!info->on_best)
        return;
    ptd_mutex_lock(&np->node->mu);
    np->best_height = PTD_MAX(np->best_height, (int32_t)info->height);
    np->lacks_from = INT32_MAX;
    ptd_mutex_unlock(&np->node->mu);
}

static void tip_moved(struct ptd_node *n, const struct ptd_headers_result *res)
{
    struct ptd_header_info tip;

    ptd_headers_tip(n->headers, &tip);
    ptd_log_info_every(10, "Synchronizing blockheaders, height: %" PRIu32,
                       tip.height);
    fetch_reorganised(n, res->fork_height);
    if ((int64_t)tip.time + n->cfg->max_tip_age_s >= ptd_clock_wall_s(n->clk))
        gossip_current(n);
    node_tell(n, PTD_NODE_NEW_TIP, NOBODY, (int32_t)tip.height);
}

static enum ptd_header_err add(struct node_peer *np, const uint8_t *raw,
                               size_t n_headers)
{
    struct ptd_node *n = np->node;
    struct ptd_headers_result res;
    enum ptd_header_err e = ptd_headers_add(n->headers, &res, raw, n_headers,
                                            ptd_clock_wall_s(n->clk));

    if (res.new_tip)
        tip_moved(n, &res);
    return e;
}

enum ptd_header_err follow_header(struct node_peer *np,
                                  const struct ptd_block_header *h)
{
    uint8_t raw[PTD_HEADER_BYTES];

    ptd_block_header_encode(h, raw);
    return add(np, raw, 1);
}

/* What there is no place for in the tree, though nobody need be bad. */
static enum ptd_err not_added(struct node_peer *np, enum ptd_header_err e,
                              const struct ptd_msg_headers *m)
{
    char hash[PTD_HASH_HEX_SIZE];

    if (ptd_header_err_is_bad(e))
        return follow_punish(np, e);
    if (e == PTD_HEADER_EORPHAN) {
        /* Something is missing in between. */
        ptd_log_debug("missing prev block %s of headers from %s",
                      ptd_hash_to_hex(&m->list[0].prev, hash),
                      ptd_peer_name(np->peer));
        return ask_again(np);
    }
    ptd_log_debug("%s: headers not taken: %s", ptd_peer_name(np->peer),
                  ptd_header_err_text(e));
    if (e == PTD_HEADER_EWORK || e == PTD_HEADER_ELIMIT)
        ptd_log_debug("Ignoring low-work chain (height=%" PRIu32 ") from %s",
                      ptd_headers_height(np->node->headers),
                      ptd_peer_name(np->peer));
    return PTD_OK;
}

/* Once a peer has told us all it has, new blocks may come as headers. BIP 130
 */
static enum ptd_err tell_sendheaders(struct node_peer *np)
{
    struct ptd_msg *m;

    if (np->told_sendheaders || ptd_peer_pver(np->peer) < PTD_PVER_SENDHEADERS)
        return PTD_OK;
    np->told_sendheaders = true;
    m = ptd_msg_new(PTD_MSG_SENDHEADERS);
    return m != NULL ? ptd_peer_queue(np->peer, m, NULL) : PTD_ENOMEM;
}

static enum ptd_err added(struct node_peer *np, const struct ptd_msg_headers *m)
{
    struct ptd_header_info last;
    struct ptd_hash hash;

    ptd_block_header_hash(&m->list[m->n - 1], &hash);
    if (ptd_headers_find(np->node->headers, &last, &hash))
        note_has(np, &last);
    if (m->n == PTD_MAX_HEADERS_PER_MSG)
        return ask_on(np, &hash);
    finished(np);
    return tell_sendheaders(np);
}

enum ptd_err follow_headers(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_headers *m =
        (const struct ptd_msg_headers *)(const void *)msg;
    struct node_peer *np = arg;
    enum ptd_header_err e;
    enum ptd_err err;
    uint8_t *raw;

    (void)p;
    np->asked_us = 0;
    if (m->n == 0) {
        finished(np);
        return tell_sendheaders(np);
    }
    raw = ptd_alloc_array(m->n, PTD_HEADER_BYTES);
    if (raw == NULL)
        return PTD_ENOMEM;
    for (uint32_t i = 0; i < m->n; i++)
        ptd_block_header_encode(&m->list[i],
                                raw + (size_t)i * PTD_HEADER_BYTES);
    e = add(np, raw, m->n);
    ptd_free(raw);
    if (e == PTD_HEADER_OK) {
        err = added(np, m);
    } else {
        finished(np);
        err = not_added(np, e, m);
    }
    fetch_more(np->node);
    return err;
}

/* A block that we do not know is announced: ask for its header, and all before
 * it, once a message. */
enum ptd_err follow_inv(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_inv *m = (const struct ptd_msg_inv *)(const void *)msg;
    struct node_peer *np = arg;
    struct ptd_header_info info;
    const struct ptd_hash *news = NULL;
    bool any = false;

    for (uint32_t i = 0; i < m->n; i++) {
        if (m->list[i].type != PTD_INV_BLOCK)
            continue;
        ptd_peer_add_known_inv(p, &m->list[i]);
        if (!ptd_headers_find(np->node->headers, &info, &m->list[i].hash)) {
            news = &m->list[i].hash;
        } else {
            note_has(np, &info);
            any = true;
        }
    }
    if (any)
        fetch_more(np->node);
    if (news != NULL) {
        char hash[PTD_HASH_HEX_SIZE];

        ptd_log_debug("getheaders (%" PRIu32 ") %s to %s",
                      ptd_headers_height(np->node->headers),
                      ptd_hash_to_hex(news, hash), ptd_peer_name(p));
        return ask_again(np);
    }
    return PTD_OK;
}
