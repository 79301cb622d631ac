/* What peers ask of us, and what they tell of others. All on the in thread of
 * the peer that asks. */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "node/node_int.h"
#include "pentad/log.h"

PTD_LOG_TAG(SRVR);

enum {
    /* One call of serve_getdata() looks at so many entries and queues so many
     * bytes; then what it queued has to drain. */
    SERVE_ENTRIES = 1000,
    SERVE_BYTES = 512 * 1024,
    SERVE_INV = 500 /* hashes in an answer to getblocks */
};

/* ---- headers ------------------------------------------------------------- */

/* Headers of the best branch behind a locator, as on the wire; *raw from
 * malloc. */
static enum ptd_err headers_after(struct ptd_node *n, uint8_t **raw,
                                  size_t *count, size_t max,
                                  const struct ptd_msg_locator *m)
{
    *raw = ptd_alloc_array(max, PTD_HEADER_BYTES);
    if (*raw == NULL)
        return PTD_ENOMEM;
    *count =
        ptd_headers_after(n->headers, *raw, max, m->hashes, m->n, &m->stop);
    return PTD_OK;
}

enum ptd_err serve_getheaders(struct ptd_peer *p, struct ptd_msg *msg,
                              void *arg)
{
    const struct ptd_msg_locator *m =
        (const struct ptd_msg_locator *)(const void *)msg;
    struct node_peer *np = arg;
    struct ptd_block_header *list;
    struct ptd_msg *answer = NULL;
    uint8_t *raw;
    size_t n;
    enum ptd_err e =
        headers_after(np->node, &raw, &n, PTD_MAX_HEADERS_PER_MSG, m);

    if (e != PTD_OK)
        return e;
    list = ptd_alloc_array(n, sizeof *list);
    if (list != NULL) {
        for (size_t i = 0; i < n; i++)
            ptd_block_header_decode(&list[i], raw + i * PTD_HEADER_BYTES);
        answer = ptd_msg_new_headers(list, n);
    }
    ptd_free(list);
    ptd_free(raw);
    if (answer == NULL)
        return PTD_ENOMEM;
    return ptd_peer_queue(p, answer, NULL);
}

/* Hashes of the blocks behind a locator, as far as we hold them. When the last
 * of them is fetched the tip is announced, and the peer asks for more. */
enum ptd_err serve_getblocks(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_locator *m =
        (const struct ptd_msg_locator *)(const void *)msg;
    struct node_peer *np = arg;
    struct ptd_inv *list = ptd_alloc_array(SERVE_INV, sizeof *list);
    struct ptd_msg *answer = NULL;
    uint8_t *raw = NULL;
    size_t n, n_inv = 0;

    if (list == NULL ||
        headers_after(np->node, &raw, &n, SERVE_INV, m) != PTD_OK) {
        ptd_free(list);
        return PTD_ENOMEM;
    }
    for (; n_inv < n; n_inv++) {
        struct ptd_block_header h;

        ptd_block_header_decode(&h, raw + n_inv * PTD_HEADER_BYTES);
        list[n_inv].type = PTD_INV_BLOCK;
        ptd_block_header_hash(&h, &list[n_inv].hash);
        if (!ptd_store_has(np->node->blocks, &list[n_inv].hash))
            break;
    }
    if (n_inv == SERVE_INV)
        np->continue_at = list[n_inv - 1].hash;
    if (n_inv > 0)
        answer = ptd_msg_new_inv(PTD_MSG_INV, list, n_inv);
    ptd_free(list);
    ptd_free(raw);
    if (n_inv == 0)
        return PTD_OK;
    return answer != NULL ? ptd_peer_queue(p, answer, NULL) : PTD_ENOMEM;
}

/* ---- blocks and transactions --------------------------------------------- */

/* The message that an entry asks for, with a reference; NULL: not here. */
static struct ptd_msg *find(struct ptd_node *n, const struct ptd_inv *inv,
                            enum ptd_encoding *encoding)
{
    *encoding = PTD_ENC_WITNESS;
    switch (inv->type) {
    case PTD_INV_BLOCK:
        *encoding = PTD_ENC_BASE;
        return ptd_store_get(n->blocks, &inv->hash);
    case PTD_INV_CMPCT_BLOCK: /* BIP 152: a whole block is an answer too */
    case PTD_INV_WITNESS_BLOCK: return ptd_store_get(n->blocks, &inv->hash);
    case PTD_INV_TX:
        *encoding = PTD_ENC_BASE;
        return ptd_store_get(n->txs, &inv->hash);
    case PTD_INV_WTX:
    case PTD_INV_WITNESS_TX: return ptd_store_get(n->txs, &inv->hash);
    default: /* whatever a peer makes up */ return NULL;
    }
}

/* BIP 37's filtered blocks are not served, and made-up types have no answer. */
static bool deserves_notfound(const struct ptd_inv *inv)
{
    switch (inv->type) {
    case PTD_INV_BLOCK:
    case PTD_INV_CMPCT_BLOCK:
    case PTD_INV_WITNESS_BLOCK:
    case PTD_INV_TX:
    case PTD_INV_WTX:
    case PTD_INV_WITNESS_TX: return true;
    default: return false;
    }
}

static enum ptd_err announce_tip(struct node_peer *np)
{
    struct ptd_inv inv = { .type = PTD_INV_BLOCK };
    struct ptd_header_info tip;
    struct ptd_msg *m;

    np->continue_at = (struct ptd_hash){ { 0 } };
    ptd_headers_tip(np->node->headers, &tip);
    inv.hash = tip.hash;
    m = ptd_msg_new_inv(PTD_MSG_INV, &inv, 1);
    return m != NULL ? ptd_peer_queue(np->peer, m, NULL) : PTD_ENOMEM;
}

/* Queue one entry's message. *bytes grows by about its size. */
static enum ptd_err serve_one(struct node_peer *np, const struct ptd_inv *inv,
                              size_t *bytes, bool *found)
{
    enum ptd_encoding encoding;
    struct ptd_msg *m = find(np->node, inv, &encoding);
    enum ptd_err e;

    *found = m != NULL;
    if (m == NULL)
        return PTD_OK;
    *bytes += m->payload_bytes + 1;
    e = ptd_peer_queue_encoded(np->peer, m, NULL, encoding);
    if (e == PTD_OK && ptd_hash_eq(&inv->hash, &np->continue_at))
        e = announce_tip(np);
    return e;
}

/* Entries from np->serve_at on; what is missing goes to notfound. */
static enum ptd_err serve_some(struct node_peer *np,
                               const struct ptd_msg_inv *m,
                               struct ptd_inv *missing, size_t *n_missing)
{
    size_t end = PTD_MIN(m->n, np->serve_at + SERVE_ENTRIES), bytes = 0;
    enum ptd_err e = PTD_OK;

    while (np->serve_at < end && bytes < SERVE_BYTES && e == PTD_OK) {
        const struct ptd_inv *inv = &m->list[np->serve_at++];
        bool found;

        e = serve_one(np, inv, &bytes, &found);
        if (!found && deserves_notfound(inv))
            missing[(*n_missing)++] = *inv;
    }
    return e;
}

enum ptd_err serve_getdata(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_inv *m = (const struct ptd_msg_inv *)(const void *)msg;
    struct node_peer *np = arg;
    size_t n_missing = 0;
    struct ptd_inv *missing =
        ptd_alloc_array(PTD_MIN(m->n, SERVE_ENTRIES), sizeof *missing);
    enum ptd_err e;

    if (missing == NULL)
        return PTD_ENOMEM;
    if (np->serve_at == 0)
        ptd_log_debug("received getdata (%" PRIu32 " invsz) %s", m->n,
                      ptd_peer_name(p));
    e = serve_some(np, m, missing, &n_missing);
    if (e == PTD_OK && n_missing > 0) {
        struct ptd_msg *answer =
            ptd_msg_new_inv(PTD_MSG_NOTFOUND, missing, n_missing);

        e = answer != NULL ? ptd_peer_queue(p, answer, NULL) : PTD_ENOMEM;
    }
    ptd_free(missing);
    if (e == PTD_OK && np->serve_at < m->n)
        return PTD_EAGAIN;
    np->serve_at = 0;
    return e;
}
