/* Blocks: ask for those of the best branch, check what comes, hold it.
 *
 * Which blocks are asked of whom is one list under node->mu, so that no block
 * is asked for twice at a time, and a peer's answer, silence or end changes
 * nothing but what was asked of that peer. */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SYNC);

/* ---- the list ------------------------------------------------------------ */

static bool is_in_flight_locked(struct ptd_node *n, const struct ptd_hash *hash)
    PTD_REQUIRES(n->mu);
static bool is_in_flight_locked(struct ptd_node *n, const struct ptd_hash *hash)
{
    for (uint32_t i = 0; i < n->n_in_flight; i++)
        if (ptd_hash_eq(&n->in_flight[i].hash, hash))
            return true;
    return false;
}

/* Strike off what `peer` was asked for: one block, or all (hash NULL). */
static uint32_t strike_locked(struct ptd_node *n, int64_t peer,
                              const struct ptd_hash *hash, uint32_t *height)
    PTD_REQUIRES(n->mu);
static uint32_t strike_locked(struct ptd_node *n, int64_t peer,
                              const struct ptd_hash *hash, uint32_t *height)
{
    uint32_t n_struck = 0;

    for (uint32_t i = n->n_in_flight; i-- > 0;) {
        struct in_flight *f = &n->in_flight[i];

        if (f->peer != peer || (hash != NULL && !ptd_hash_eq(&f->hash, hash)))
            continue;
        *height = f->height;
        *f = n->in_flight[--n->n_in_flight];
        n_struck++;
    }
    return n_struck;
}

/* ---- asking -------------------------------------------------------------- */

/* What one peer is to be asked for. */
struct order {
    struct ptd_peer *peer; /* a reference */
    uint32_t n;
    struct ptd_inv list[NODE_IN_FLIGHT_PEER];
};

/* Nothing is to be done about this block of the window: it is here, or it was.
 * What the store refused, or let go to make room, is not fetched again: it
 * would go the same way, for ever. */
static bool
is_done_locked(struct ptd_node *n, const struct ptd_header_info *info)
    PTD_REQUIRES(n->mu);
static bool is_done_locked(struct ptd_node *n,
                           const struct ptd_header_info *info)
{
    return ptd_hash_eq(&n->done[info->height % NODE_FETCH_WINDOW],
                       &info->hash) ||
           ptd_store_has(n->blocks, &info->hash);
}

/* A block has come. Those of other branches, and those far ahead, have no
 * place in the list. */
static void note_done_locked(struct ptd_node *n, const struct ptd_hash *hash)
    PTD_REQUIRES(n->mu);
static void note_done_locked(struct ptd_node *n, const struct ptd_hash *hash)
{
    struct ptd_header_info info;

    if (ptd_headers_find(n->headers, &info, hash) && info.on_best &&
        info.height >= n->fetch_from &&
        info.height - n->fetch_from < NODE_FETCH_WINDOW)
        n->done[info.height % NODE_FETCH_WINDOW] = *hash;
}

/* Move up to the first block of the best branch that is missing. */
static void advance_locked(struct ptd_node *n) PTD_REQUIRES(n->mu);
static void advance_locked(struct ptd_node *n)
{
    struct ptd_header_info info;

    while (ptd_headers_at(n->headers, &info, n->fetch_from) &&
           is_done_locked(n, &info))
        n->fetch_from++;
}

static bool has_room_locked(const struct ptd_node *n,
                            const struct node_peer *np) PTD_REQUIRES(n->mu);
static bool has_room_locked(const struct ptd_node *n,
                            const struct node_peer *np)
{
    /* Blocks come with their witnesses or not at all: without them, one that
     * has some cannot be told from one that was tampered with. */
    return np->ready && (np->services & PTD_NODE_WITNESS) != 0 &&
           np->n_in_flight < NODE_IN_FLIGHT_PEER &&
           n->n_in_flight < NODE_IN_FLIGHT &&
           np->best_height >= (int64_t)n->fetch_from;
}

static void order_locked(struct ptd_node *n, struct node_peer *np,
                         struct order *o, const struct ptd_header_info *info)
    PTD_REQUIRES(n->mu);
static void order_locked(struct ptd_node *n, struct node_peer *np,
                         struct order *o, const struct ptd_header_info *info)
{
    n->in_flight[n->n_in_flight++] = (struct in_flight){
        .hash = info->hash,
        .height = info->height,
        .peer = ptd_peer_id(np->peer),
    };
    np->n_in_flight++;
    o->list[o->n++] = (struct ptd_inv){
        .type = PTD_INV_WITNESS_BLOCK,
        .hash = info->hash,
    };
}

/* Put together what this peer is asked for; gives false if it is nothing. */
static bool plan_locked(struct ptd_node *n, struct node_peer *np,
                        struct order *o) PTD_REQUIRES(n->mu);
static bool plan_locked(struct ptd_node *n, struct node_peer *np,
                        struct order *o)
{
    int64_t last = PTD_MIN((int64_t)np->best_height,
                           (int64_t)n->fetch_from + NODE_FETCH_WINDOW - 1);
    struct ptd_header_info info;

    o->n = 0;
    last = PTD_MIN(last, (int64_t)np->lacks_from - 1);
    for (int64_t h = n->fetch_from; h <= last && has_room_locked(n, np); h++)
        if (ptd_headers_at(n->headers, &info, (uint32_t)h) &&
            !is_done_locked(n, &info) && !is_in_flight_locked(n, &info.hash))
            order_locked(n, np, o, &info);
    if (o->n > 0)
        o->peer = ptd_peer_ref(np->peer);
    return o->n > 0;
}

/* The next peer, by id above `after`, that can be asked for something. */
static bool next_order(struct ptd_node *n, struct order *o, int64_t after)
{
    bool found = false;

    ptd_mutex_lock(&n->mu);
    advance_locked(n);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    if (ptd_peer_id(np->peer) > after && has_room_locked(n, np) &&
        plan_locked(n, np, o)) {
        found = true;
        break;
    }
    ptd_mutex_unlock(&n->mu);
    return found;
}

/* It was not asked after all. */
static void undo(struct ptd_node *n, const struct order *o)
{
    int64_t id = ptd_peer_id(o->peer);
    uint32_t height;

    ptd_mutex_lock(&n->mu);
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    if (ptd_peer_id(np->peer) == id)
        for (uint32_t i = 0; i < o->n; i++)
            np->n_in_flight -= strike_locked(n, id, &o->list[i].hash, &height);
    ptd_mutex_unlock(&n->mu);
}

static void place(struct ptd_node *n, struct order *o)
{
    struct ptd_msg *m = ptd_msg_new_inv(PTD_MSG_GETDATA, o->list, o->n);

    if (m == NULL || ptd_peer_try_queue(o->peer, m, NULL) != PTD_OK)
        undo(n, o);
    else
        ptd_log_debug("Requesting %" PRIu32 " blocks from %s", o->n,
                      ptd_peer_name(o->peer));
    ptd_peer_free(o->peer);
}

void fetch_more(struct ptd_node *n)
{
    struct order o;
    int64_t after = -1;

    if (!n->cfg->fetch_blocks)
        return;
    while (next_order(n, &o, after)) {
        after = ptd_peer_id(o.peer);
        place(n, &o);
    }
}

void fetch_reorganised(struct ptd_node *n, uint32_t fork_height)
{
    ptd_mutex_lock(&n->mu);
    n->fetch_from = PTD_MIN(n->fetch_from, fork_height + 1);
    /* Above the fork, what a peer has is of the branch that was left. */
    PTD_LIST_EACH(np, &n->peers, struct node_peer, link)
    np->best_height = PTD_MIN(np->best_height, (int32_t)fork_height);
    ptd_mutex_unlock(&n->mu);
}

void fetch_gone(struct node_peer *np)
{
    struct ptd_node *n = np->node;
    uint32_t height, n_struck;

    ptd_mutex_lock(&n->mu);
    n_struck = strike_locked(n, ptd_peer_id(np->peer), NULL, &height);
    ptd_mutex_unlock(&n->mu);
    if (n_struck > 0)
        fetch_more(n);
}

/* ---- what comes ---------------------------------------------------------- */

/* Does the block hold what its header, and its first transaction, promise? */
static enum ptd_err check_block(struct node_peer *np,
                                const struct ptd_msg_block *b)
{
    const char *what = NULL;
    struct ptd_hash root;
    bool mutated;
    enum ptd_err e;

    if ((e = ptd_block_merkle_root(b, &root, &mutated)) != PTD_OK)
        return e;
    if (!ptd_hash_eq(&root, &b->header.merkle_root))
        what = "bad-txnmrklroot, hashMerkleRoot mismatch";
    else if (mutated)
        what = "bad-txns-duplicate, duplicate transaction";
    else if ((e = ptd_block_check_witness(b)) == PTD_EBADVALUE)
        what = "bad-witness-merkle-match, witness merkle commitment mismatch";
    if (what == NULL)
        return e;
    ptd_log_debug("Block mutated: %s, %s", what, ptd_peer_name(np->peer));
    ptd_peer_disconnect(np->peer, PTD_EBADVALUE, "Block mutated: %s", what);
    return PTD_EBADVALUE;
}

/* Tell the others of a new tip; the one who sent it knows. */
static void announce(struct node_peer *from, const struct ptd_hash *hash)
{
    const struct ptd_inv inv = { .type = PTD_INV_BLOCK, .hash = *hash };
    struct ptd_peer **peers;
    size_t n = ptd_node_peers(from->node, &peers);

    for (size_t i = 0; i < n; i++) {
        if (peers[i] != from->peer)
            (void)!ptd_peer_queue_inv(peers[i], &inv);
        ptd_peer_free(peers[i]);
    }
    ptd_free(peers);
}

static void hold(struct node_peer *np, struct ptd_msg *msg,
                 const struct ptd_hash *hash)
{
    struct ptd_node *n = np->node;
    struct ptd_header_info info, tip;
    enum ptd_err e = ptd_store_put(n->blocks, hash, msg);
    char hex[PTD_HASH_HEX_SIZE];

    if (e == PTD_EEXIST)
        return;
    ptd_hash_to_hex(hash, hex);
    if (e != PTD_OK || !ptd_headers_find(n->headers, &info, hash)) {
        ptd_log_debug("Block %s from %s is not held: %s", hex,
                      ptd_peer_name(np->peer), ptd_err_text(e));
        return;
    }
    ptd_peer_update_last_block(np->peer, (int32_t)info.height);
    ptd_log_debug("Block %s, height %" PRIu32 ", from %s", hex, info.height,
                  ptd_peer_name(np->peer));
    ptd_headers_tip(n->headers, &tip);
    if (ptd_hash_eq(&tip.hash, hash)) {
        ptd_log_info("New best block %s, height %" PRIu32 ", from %s", hex,
                     info.height, ptd_peer_name(np->peer));
        announce(np, hash);
    }
    node_tell(n, PTD_NODE_BLOCK, ptd_peer_id(np->peer), (int32_t)info.height);
}

/* The header first: it must be known, or follow one that is, and have its proof
 * of work. A block without a place is let go: who has it asks to be asked for
 * headers. */
static enum ptd_err take(struct node_peer *np, struct ptd_msg *msg,
                         const struct ptd_hash *hash)
{
    const struct ptd_msg_block *b =
        (const struct ptd_msg_block *)(const void *)msg;
    enum ptd_header_err he = PTD_HEADER_OK;
    char hex[PTD_HASH_HEX_SIZE];
    enum ptd_err e;

    if (!ptd_headers_has(np->node->headers, hash))
        he = follow_header(np, &b->header);
    if (he == PTD_HEADER_EORPHAN)
        ptd_log_debug("AcceptBlock FAILED (prev-blk-not-found) %s from %s",
                      ptd_hash_to_hex(hash, hex), ptd_peer_name(np->peer));
    if (he != PTD_HEADER_OK)
        return ptd_header_err_is_bad(he) ? follow_punish(np, he) : PTD_OK;
    if ((e = check_block(np, b)) != PTD_OK)
        return e;
    hold(np, msg, hash);
    return PTD_OK;
}

enum ptd_err fetch_block(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_block *b =
        (const struct ptd_msg_block *)(const void *)msg;
    struct node_peer *np = arg;
    struct ptd_inv inv = { .type = PTD_INV_BLOCK };
    uint32_t height;
    enum ptd_err e;

    ptd_block_header_hash(&b->header, &inv.hash);
    ptd_peer_add_known_inv(p, &inv);
    e = take(np, msg, &inv.hash);
    /* Only now, so that nobody else is asked for it meanwhile. */
    ptd_mutex_lock(&np->node->mu);
    np->n_in_flight -=
        strike_locked(np->node, ptd_peer_id(p), &inv.hash, &height);
    if (e == PTD_OK)
        note_done_locked(np->node, &inv.hash);
    ptd_mutex_unlock(&np->node->mu);
    if (e == PTD_OK)
        fetch_more(np->node);
    return e;
}

/* It has not got what it was asked for: others may. */
enum ptd_err fetch_notfound(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_inv *m = (const struct ptd_msg_inv *)(const void *)msg;
    struct node_peer *np = arg;
    struct ptd_node *n = np->node;
    uint32_t height, n_struck = 0;

    if (m->n > NODE_IN_FLIGHT_PEER)
        return PTD_OK; /* not an answer to us */
    ptd_mutex_lock(&n->mu);
    for (uint32_t i = 0; i < m->n; i++) {
        if (strike_locked(n, ptd_peer_id(p), &m->list[i].hash, &height) == 0)
            continue;
        np->n_in_flight--;
        np->lacks_from = PTD_MIN(np->lacks_from, (int32_t)height);
        n_struck++;
    }
    ptd_mutex_unlock(&n->mu);
    if (n_struck > 0)
        fetch_more(n);
    return PTD_OK;
}

/* A transaction is held for whoever asks, under both its names. It is not
 * checked, so nobody is told of it. */
enum ptd_err fetch_tx(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_tx *m = (const struct ptd_msg_tx *)(const void *)msg;
    struct node_peer *np = arg;
    struct ptd_hash txid, wtxid;
    char hex[PTD_HASH_HEX_SIZE];
    enum ptd_err e;

    if ((e = ptd_tx_txid(&m->tx, &txid)) != PTD_OK ||
        (e = ptd_tx_wtxid(&m->tx, &wtxid)) != PTD_OK)
        return e;
    e = ptd_store_put(np->node->txs, &txid, msg);
    if (e == PTD_OK && !ptd_hash_eq(&txid, &wtxid))
        e = ptd_store_put(np->node->txs, &wtxid, msg);
    ptd_log_debug("Transaction %s from %s: %s", ptd_hash_to_hex(&txid, hex),
                  ptd_peer_name(p), e == PTD_OK ? "held" : ptd_err_text(e));
    return PTD_OK;
}
