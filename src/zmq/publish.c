/* The thread "zmq": blocks and transactions become messages.
 *
 * The chain says only which tip followed which; the blocks in between are read
 * from the disk here, where nobody waits for it. */
#include <config.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "pentad/log.h"
#include "wire/tx.h"
#include "zmq/publisher_int.h"

PTD_LOG_TAG(ZMQP);

/* As it is printed: the other way round. */
static void turn(uint8_t out[32], const struct ptd_hash *hash)
{
    for (int i = 0; i < 32; i++)
        out[31 - i] = hash->b[i];
}

/* ---- how many -------------------------------------------------------- */

/* Transactions of the branch above a block; a block of which that is not known
 * has one at least. */
static uint32_t count_txs(struct ptd_publisher *p,
                          const struct ptd_hash *branch, uint32_t height,
                          uint32_t above)
{
    struct ptd_header_info fork;
    struct ptd_block_info from, to;

    if (!ptd_headers_ancestor(ptd_blockchain_headers(p->chain), &fork, branch,
                              above) ||
        !ptd_blockchain_find(p->chain, &from, &fork.hash) ||
        !ptd_blockchain_find(p->chain, &to, branch) ||
        to.chain_tx < from.chain_tx)
        return height - above;
    return (uint32_t)(to.chain_tx - from.chain_tx);
}

static bool is_new_tip(const struct ptd_tip_change *t)
{
    return !t->initial_download && t->new_height > t->fork_height;
}

static void count_tip(struct ptd_publisher *p, struct tally *out,
                      const struct ptd_tip_change *t)
{
    if (is_new_tip(t))
        out->n[TOPIC_HASHBLOCK] = out->n[TOPIC_RAWBLOCK] = 1;
    out->n[TOPIC_SEQUENCE] =
        t->old_height - t->fork_height + t->new_height - t->fork_height;
    if (!p->wants[TOPIC_HASHTX] && !p->wants[TOPIC_RAWTX])
        return;
    out->n[TOPIC_HASHTX] = out->n[TOPIC_RAWTX] =
        count_txs(p, &t->old_tip, t->old_height, t->fork_height) +
        count_txs(p, &t->new_tip, t->new_height, t->fork_height);
}

void pub_count(struct ptd_publisher *p, struct tally *out,
               const struct change *c)
{
    *out = (struct tally){ { 0 } };
    switch (c->what) {
    case CHANGE_TIP: count_tip(p, out, &c->tip); break;
    case CHANGE_ADDED:
        out->n[TOPIC_HASHTX] = out->n[TOPIC_RAWTX] = out->n[TOPIC_SEQUENCE] = 1;
        break;
    case CHANGE_REMOVED: out->n[TOPIC_SEQUENCE] = 1; break;
    }
}

/* ---- transactions ---------------------------------------------------- */

/* One of our own making has no bytes yet. */
static void publish_encoded(struct ptd_publisher *p,
                            const struct ptd_hash *txid,
                            const struct ptd_tx *tx)
{
    const enum ptd_encoding encoding =
        ptd_tx_has_items(tx) ? PTD_ENC_WITNESS : PTD_ENC_BASE;
    struct ptd_writer w;
    uint8_t *form;
    size_t n;

    ptd_writer_init(&w, NULL, 0);
    ptd_write_tx(&w, tx, encoding);
    n = w.n;
    form = w.err == PTD_OK ? ptd_alloc(n) : NULL;
    if (form == NULL) {
        pub_skip(p, TOPIC_RAWTX, 1);
        return;
    }
    ptd_writer_init(&w, form, n);
    ptd_write_tx(&w, tx, encoding);
    pub_send(p, TOPIC_RAWTX, "rawtx", txid, form, n);
    ptd_free(form);
}

static void publish_tx(struct ptd_publisher *p, const struct ptd_hash *txid,
                       const struct ptd_tx *tx)
{
    uint8_t hash[32];

    turn(hash, txid);
    pub_send(p, TOPIC_HASHTX, "hashtx", txid, hash, sizeof hash);
    if (!p->wants[TOPIC_RAWTX])
        return;
    if (tx->raw.n > 0)
        pub_send(p, TOPIC_RAWTX, "rawtx", txid, tx->raw.p, tx->raw.n);
    else
        publish_encoded(p, txid, tx);
}

static void publish_sequence(struct ptd_publisher *p, const char *what,
                             const struct ptd_hash *hash, char label,
                             const uint64_t *number)
{
    uint8_t body[32 + 1 + 8];

    turn(body, hash);
    body[32] = (uint8_t)label;
    if (number != NULL) {
        ptd_put_le32(body + 33, (uint32_t)*number);
        ptd_put_le32(body + 37, (uint32_t)(*number >> 32));
    }
    pub_send(p, TOPIC_SEQUENCE, what, hash, body,
             number != NULL ? sizeof body : 33);
}

/* ---- blocks ---------------------------------------------------------- */

/* Let p->block be this one. */
static bool read_block(struct ptd_publisher *p, const struct ptd_hash *hash)
{
    char hex[PTD_HASH_HEX_SIZE];
    enum ptd_err e;

    if (p->block != NULL && ptd_hash_eq(&p->block_hash, hash))
        return true;
    ptd_buf_free(p->block);
    p->block = NULL;
    e = ptd_blockchain_read(p->chain, &p->block, &p->n_block, hash, NULL);
    if (e != PTD_OK) {
        p->block = NULL;
        ptd_log_warn_every(60, "Can't read block from disk: %s: %s",
                           ptd_hash_to_hex(hash, hex), ptd_err_text(e));
        return false;
    }
    p->block_hash = *hash;
    return true;
}

/* Gives how many were looked at. */
static uint32_t publish_txs(struct ptd_publisher *p,
                            const struct ptd_hash *hash)
{
    const struct ptd_msg_block *b;
    struct ptd_msg *m;
    uint32_t i;

    if (!read_block(p, hash) ||
        ptd_block_from_raw(&m, p->block->data, p->n_block) != PTD_OK)
        return 0;
    b = PTD_MSG_CONST(block, m);
    for (i = 0; i < b->n_tx; i++) {
        struct ptd_hash txid;

        if (ptd_tx_txid(&b->tx[i], &txid) != PTD_OK)
            break;
        publish_tx(p, &txid, &b->tx[i]);
    }
    ptd_msg_free(m);
    return i;
}

static void publish_block(struct ptd_publisher *p, const struct ptd_hash *hash,
                          uint32_t n_tx, bool connected)
{
    if (p->wants[TOPIC_HASHTX] || p->wants[TOPIC_RAWTX]) {
        uint32_t n = publish_txs(p, hash);

        /* What could not be read is missing, and seen to be. */
        if (n < n_tx) {
            pub_skip(p, TOPIC_HASHTX, n_tx - n);
            pub_skip(p, TOPIC_RAWTX, n_tx - n);
        }
    }
    publish_sequence(
        p, connected ? "sequence block connect" : "sequence block disconnect",
        hash, connected ? 'C' : 'D', NULL);
}

/* Blocks that are known no more: a branch that was given up. */
static void skip_blocks(struct ptd_publisher *p, uint32_t n)
{
    pub_skip(p, TOPIC_HASHTX, n);
    pub_skip(p, TOPIC_RAWTX, n);
    pub_skip(p, TOPIC_SEQUENCE, n);
}

static void disconnect(struct ptd_publisher *p, const struct ptd_tip_change *t)
{
    struct ptd_hash at = t->old_tip;

    for (uint32_t height = t->old_height;
         height > t->fork_height && !atomic_load(&p->stopping); height--) {
        struct ptd_block_info info;

        if (!ptd_blockchain_find(p->chain, &info, &at)) {
            skip_blocks(p, height - t->fork_height);
            return;
        }
        publish_block(p, &at, info.n_tx, false);
        at = info.prev;
    }
}

static void connect(struct ptd_publisher *p, const struct ptd_tip_change *t)
{
    struct ptd_headers *tree = ptd_blockchain_headers(p->chain);

    for (uint32_t height = t->fork_height + 1;
         height <= t->new_height && !atomic_load(&p->stopping); height++) {
        struct ptd_header_info header;
        struct ptd_block_info info;

        if (!ptd_headers_ancestor(tree, &header, &t->new_tip, height) ||
            !ptd_blockchain_find(p->chain, &info, &header.hash)) {
            skip_blocks(p, t->new_height - height + 1);
            return;
        }
        publish_block(p, &header.hash, info.n_tx, true);
    }
}

static void publish_new_tip(struct ptd_publisher *p,
                            const struct ptd_hash *hash)
{
    uint8_t body[32];

    turn(body, hash);
    pub_send(p, TOPIC_HASHBLOCK, "hashblock", hash, body, sizeof body);
    if (!p->wants[TOPIC_RAWBLOCK])
        return;
    if (read_block(p, hash))
        pub_send(p, TOPIC_RAWBLOCK, "rawblock", hash, p->block->data,
                 p->n_block);
    else
        pub_skip(p, TOPIC_RAWBLOCK, 1);
}

static void publish_tip(struct ptd_publisher *p, const struct ptd_tip_change *t)
{
    disconnect(p, t);
    connect(p, t);
    if (is_new_tip(t) && !atomic_load(&p->stopping))
        publish_new_tip(p, &t->new_tip);
    ptd_buf_free(p->block);
    p->block = NULL;
}

/* ---- all of it ------------------------------------------------------- */

static void publish_added(struct ptd_publisher *p, const struct change *c)
{
    uint8_t hash[32];

    if (c->tx != NULL) {
        publish_tx(p, &c->txid, &PTD_MSG_CONST(tx, c->tx)->tx);
    } else {
        turn(hash, &c->txid);
        pub_send(p, TOPIC_HASHTX, "hashtx", &c->txid, hash, sizeof hash);
    }
    publish_sequence(p, "hashtx mempool acceptance", &c->txid, 'A',
                     &c->sequence);
}

void pub_publish(struct ptd_publisher *p, const struct change *c)
{
    for (int i = 0; i < N_TOPICS; i++)
        pub_skip(p, (enum topic)i, c->dropped.n[i]);
    switch (c->what) {
    case CHANGE_TIP: publish_tip(p, &c->tip); break;
    case CHANGE_ADDED: publish_added(p, c); break;
    case CHANGE_REMOVED:
        publish_sequence(p, "hashtx mempool removal", &c->txid, 'R',
                         &c->sequence);
        break;
    }
}
