/* Blocks for who asks: whole, compact, or some of their transactions. */
#include <config.h>

#include <inttypes.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/rng.h"
#include "netsync/netsync_int.h"
#include "pentad/log.h"
#include "wire/encoded.h"

PTD_LOG_TAG(SYNC);

enum {
    COMPACT_DEPTH = 5, /* below the tip: nobody has their transactions */
    TXS_DEPTH = 10,    /* … the whole block costs who asks as much as us */
    OLD_S = 7 * 24 * 60 * 60 /* what -maxuploadtarget limits */
};

static const struct ptd_codec with_witness = {
    .pver = PTD_PVER_WTXIDRELAY,
    .encoding = PTD_ENC_WITNESS,
};

/* ---- whether --------------------------------------------------------- */

static bool is_beyond_limit(struct ptd_sync_peer *sp,
                            const struct ptd_block_info *info)
{
    struct ptd_header_info best;

    if (sp->cfg.download || sp->cfg.noban || !upload_is_reached(sp->ns, true))
        return false;
    ptd_headers_tip(sp->ns->headers, &best);
    return (int64_t)best.time - (int64_t)info->header.time > OLD_S;
}

/* How far back we have blocks is nobody's business but what we promise. */
static bool is_below_promise(struct ptd_sync_peer *sp,
                             const struct ptd_block_info *info)
{
    uint64_t services = sp->ns->cfg.services(sp->ns->cfg.arg);
    uint32_t tip = ptd_blockchain_height(sp->ns->chain);

    return !sp->cfg.noban && (services & PTD_NODE_NETWORK) == 0 &&
           (services & PTD_NODE_NETWORK_LIMITED) != 0 &&
           tip > (uint64_t)info->header.height + SYNC_LIMITED + 2;
}

/* False: no answer; *err then says whether the peer may stay. */
static bool may_serve(struct ptd_sync_peer *sp, const struct ptd_hash *hash,
                      struct ptd_block_info *info, enum ptd_err *err)
{
    *err = PTD_OK;
    if (!ptd_blockchain_find(sp->ns->chain, info, hash))
        return false;
    if (!serve_may_show(sp->ns, info)) {
        ptd_log_debug("ignoring request from %s for old block that isn't in "
                      "the main chain",
                      ptd_peer_name(sp->peer));
        return false;
    }
    if (is_beyond_limit(sp, info)) {
        *err = sync_end(sp, PTD_ELIMIT,
                        "historical block serving limit "
                        "reached");
        return false;
    }
    if (is_below_promise(sp, info)) {
        *err = sync_end(sp, PTD_ELIMIT,
                        "Ignore block request below "
                        "NODE_NETWORK_LIMITED threshold");
        return false;
    }
    return info->have_block;
}

/* Whoever asked would wait for it. */
static enum ptd_err cannot_read(struct ptd_sync_peer *sp, enum ptd_err e)
{
    if (e == PTD_ENOMEM)
        return e;
    if (e == PTD_EEMPTY)
        return sync_end(sp, e, "Block was pruned before it could be read");
    ptd_log_error("Cannot load block from disk, disconnecting %s",
                  ptd_peer_name(sp->peer));
    ptd_peer_disconnect(sp->peer, PTD_EIO, "cannot load block from disk");
    return PTD_EIO;
}

/* ---- whole blocks ---------------------------------------------------- */

/* As it lies in the file. */
static enum ptd_err send_raw(struct ptd_sync_peer *sp,
                             const struct ptd_hash *hash, size_t *bytes)
{
    struct ptd_msg *m;
    struct ptd_buf *buf;
    size_t n;
    enum ptd_err e = ptd_blockchain_read(sp->ns->chain, &buf, &n, hash, NULL);

    if (e != PTD_OK)
        return cannot_read(sp, e);
    *bytes += n;
    m = ptd_msg_of_payload(PTD_MSG_BLOCK, buf, n, &with_witness);
    return m != NULL
               ? ptd_peer_queue_encoded(sp->peer, m, NULL, PTD_ENC_WITNESS)
               : PTD_ENOMEM;
}

static enum ptd_err send_stripped(struct ptd_sync_peer *sp,
                                  const struct ptd_hash *hash, size_t *bytes)
{
    struct ptd_msg *m;
    enum ptd_err e = ptd_blockchain_read_block(sp->ns->chain, &m, hash);

    if (e != PTD_OK)
        return cannot_read(sp, e);
    *bytes += m->payload_bytes;
    return ptd_peer_queue_encoded(sp->peer, m, NULL, PTD_ENC_BASE);
}

static enum ptd_err send_compact(struct ptd_sync_peer *sp,
                                 const struct ptd_block_info *info,
                                 size_t *bytes)
{
    const struct ptd_hash *hash = &info->header.hash;
    struct ptd_msg *block, *m;
    enum ptd_err e;

    if ((uint64_t)info->header.height + COMPACT_DEPTH <
            ptd_blockchain_height(sp->ns->chain) ||
        !sync_is_near(sp->ns))
        return send_raw(sp, hash, bytes);
    e = ptd_blockchain_read_block(sp->ns->chain, &block, hash);
    if (e != PTD_OK)
        return cannot_read(sp, e);
    m = compact_make(SYNC_MSG(block, block), ptd_random_u64());
    ptd_msg_free(block);
    if (m == NULL)
        return PTD_ENOMEM;
    *bytes += m->payload_bytes;
    return ptd_peer_queue_encoded(sp->peer, m, NULL, PTD_ENC_WITNESS);
}

/* It fetched the last of the hashes that it was given: tell it the tip, so
 * that it asks for the next ones. */
static enum ptd_err go_on(struct ptd_sync_peer *sp, const struct ptd_hash *hash)
{
    struct ptd_netsync *ns = sp->ns;
    struct ptd_inv inv = { .type = PTD_INV_BLOCK };
    struct ptd_block_info tip;
    bool is_last;

    ptd_mutex_lock(&sp->ns->mu);
    is_last = ptd_hash_eq(hash, &sp->continue_at);
    if (is_last)
        sp->continue_at = (struct ptd_hash){ { 0 } };
    ptd_mutex_unlock(&sp->ns->mu);
    if (!is_last)
        return PTD_OK;
    ptd_blockchain_tip(ns->chain, &tip);
    inv.hash = tip.header.hash;
    return sync_send(sp, ptd_msg_new_inv(PTD_MSG_INV, &inv, 1));
}

/* Without what the peer does not want to hear of. */
static enum ptd_err send_filtered(struct ptd_sync_peer *sp,
                                  const struct ptd_hash *hash, size_t *bytes)
{
    const struct ptd_netsync_config *cfg = &sp->ns->cfg;
    struct ptd_msg *m;
    enum ptd_err e = ptd_blockchain_read_block(sp->ns->chain, &m, hash);

    if (e != PTD_OK)
        return cannot_read(sp, e);
    *bytes += m->payload_bytes;
    e = cfg->send_filtered(cfg->arg, sp->cfg.user, SYNC_MSG(block, m));
    ptd_msg_free(m);
    return e;
}

/* False: no answer. */
static bool answers(struct ptd_sync_peer *sp, uint32_t type, enum ptd_err *e)
{
    const struct ptd_netsync_config *cfg = &sp->ns->cfg;
    bool has = false;

    *e = PTD_OK;
    if (type == PTD_INV_BLOCK || type == PTD_INV_WITNESS_BLOCK ||
        type == PTD_INV_CMPCT_BLOCK)
        return true;
    /* Whatever a peer makes up is none of ours. */
    if (type == PTD_INV_FILTERED_BLOCK && cfg->may_filter != NULL)
        *e = cfg->may_filter(cfg->arg, sp->cfg.user, &has);
    return has;
}

enum ptd_err serve_block(struct ptd_sync_peer *sp, const struct ptd_inv *inv,
                         size_t *bytes, bool *missing)
{
    struct ptd_block_info info;
    enum ptd_err e;

    *missing = false;
    if (!answers(sp, inv->type, &e))
        return e;
    if (!may_serve(sp, &inv->hash, &info, &e)) {
        *missing = true; /* whatever the reason: it tells nothing */
        return e;
    }
    if (inv->type == PTD_INV_BLOCK)
        e = send_stripped(sp, &inv->hash, bytes);
    else if (inv->type == PTD_INV_WITNESS_BLOCK)
        e = send_raw(sp, &inv->hash, bytes);
    else if (inv->type == PTD_INV_FILTERED_BLOCK)
        e = send_filtered(sp, &inv->hash, bytes);
    else
        e = send_compact(sp, &info, bytes);
    if (e != PTD_OK)
        return e;
    ptd_peer_update_last_block(sp->peer, (int32_t)info.header.height);
    return go_on(sp, &inv->hash);
}

/* ---- some transactions ----------------------------------------------- */

/* Those that it lacks; the answer refers to the block, which is freed once it
 * was encoded: so it is encoded here. */
static enum ptd_err send_txs(struct ptd_sync_peer *sp,
                             const struct ptd_msg_block *b,
                             const struct ptd_msg_getblocktxn *ask)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_BLOCKTXN), *whole = NULL;
    struct ptd_msg_blocktxn *t = (struct ptd_msg_blocktxn *)(void *)m;
    struct ptd_buf *buf = NULL;
    enum ptd_err e = PTD_ENOMEM;
    size_t n;

    if (m == NULL)
        return PTD_ENOMEM;
    t->block = ask->block;
    t->n = ask->n;
    t->tx = ptd_msg_alloc(m, ask->n, sizeof *t->tx);
    for (uint32_t i = 0; t->tx != NULL && i < ask->n; i++)
        t->tx[i] = b->tx[ask->indexes[i]];
    if (t->tx != NULL) {
        n = ptd_msg_encoded_bytes(m, &with_witness, &e);
        if (e == PTD_OK && (buf = ptd_buf_new(NULL, n)) == NULL)
            e = PTD_ENOMEM;
        if (e == PTD_OK)
            e = ptd_msg_encode(m, buf->data, n, &n, &with_witness);
    }
    ptd_msg_free(m);
    if (e != PTD_OK) {
        ptd_buf_free(buf);
        return e;
    }
    ptd_log_debug("%s sent us a GETBLOCKTXN, sending a BLOCKTXN with %" PRIu32
                  " txns (%zu bytes)",
                  ptd_peer_name(sp->peer), ask->n, n);
    whole = ptd_msg_of_payload(PTD_MSG_BLOCKTXN, buf, n, &with_witness);
    return whole != NULL
               ? ptd_peer_queue_encoded(sp->peer, whole, NULL, PTD_ENC_WITNESS)
               : PTD_ENOMEM;
}

static enum ptd_err serve_txs(struct ptd_sync_peer *sp,
                              const struct ptd_msg_getblocktxn *ask)
{
    struct ptd_msg *block;
    const struct ptd_msg_block *b;
    enum ptd_err e =
        ptd_blockchain_read_block(sp->ns->chain, &block, &ask->block);

    if (e != PTD_OK)
        return cannot_read(sp, e);
    b = SYNC_MSG(block, block);
    /* Indexes rise: the last one is the highest. */
    if (ask->indexes[ask->n - 1] >= b->n_tx)
        e = sync_misbehaved(sp, PTD_EPROTO,
                            "getblocktxn with out-of-bounds tx indices");
    else
        e = send_txs(sp, b, ask);
    ptd_msg_free(block);
    return e;
}

enum ptd_err serve_on_getblocktxn(struct ptd_peer *p, struct ptd_msg *msg,
                                  void *arg)
{
    const struct ptd_msg_getblocktxn *m = SYNC_MSG(getblocktxn, msg);
    struct ptd_sync_peer *sp = arg;
    struct ptd_block_info info;
    struct ptd_inv inv = { .type = PTD_INV_WITNESS_BLOCK, .hash = m->block };
    size_t bytes = 0;
    bool missing;

    /* One that asks for nothing asks us to look a block up for nothing. */
    if (m->n == 0)
        return sync_misbehaved(sp, PTD_EPROTO,
                               "getblocktxn without tx indices");
    if (!ptd_blockchain_find(sp->ns->chain, &info, &m->block) ||
        !info.have_block) {
        ptd_log_debug("%s sent us a getblocktxn for a block we don't have",
                      ptd_peer_name(p));
        return PTD_OK;
    }
    if ((uint64_t)info.header.height + TXS_DEPTH >=
        ptd_blockchain_height(sp->ns->chain))
        return serve_txs(sp, m);
    ptd_log_debug("%s sent us a getblocktxn for a block > %d deep",
                  ptd_peer_name(p), TXS_DEPTH);
    return serve_block(sp, &inv, &bytes, &missing);
}
