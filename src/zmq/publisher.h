/* publisher.h - tells whoever subscribes, over ZeroMQ, of blocks and
 * transactions.
 *
 * A message has three frames: its topic, its body, and a little-endian number
 * of 32 bits that counts the messages of this topic at this address, so that a
 * subscriber sees what it missed.
 *
 *     topic      body
 *     hashblock  hash of the new tip, as it is printed
 *     rawblock   the new tip's block
 *     hashtx     hash of a transaction, as it is printed: of each block that
 *                is connected or disconnected; and when the pool takes one
 *     rawtx      that transaction
 *     sequence   hash of a block, 'C' (connected) or 'D' (disconnected);
 *                hash of a transaction, 'A' (the pool took it) or 'R' (it fell
 *                out, and not into a block), the number of the pool's change
 *                in 64 bits, little-endian
 *
 * hashblock and rawblock stay silent during initial download, and when blocks
 * are only disconnected.
 *
 * Nobody who reports something waits: it goes into a bounded queue, which one
 * thread, `zmq`, publishes from. What finds no room is dropped, and leaves its
 * gap in the numbers. So does a subscriber's high-water mark.
 *
 * Owner    ptd_publisher_new(); the chain outlives it
 * Threads  any, unless a function says otherwise
 * Locks    PTD_RANK_PUBLISHER; a new tip also looks at the chain
 *          (PTD_RANK_CHAIN)
 * Source   Bitcoin Core, doc/zmq.md
 */
#ifndef PTD_ZMQ_PUBLISHER_H
#define PTD_ZMQ_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/hash.h"
#include "pentad/msg.h"

struct ptd_blockchain;
struct ptd_publisher;
struct ptd_tip_change;

/* A topic at an address. */
struct ptd_zmq_pub {
    const char *topic; /* "hashblock" …; static */
    char *address;     /* of ZeroMQ; or "unix:PATH" for "ipc://PATH" */
    int hwm;           /* messages that wait for one subscriber; 0: no limit */
};

struct ptd_publisher_config {
    struct ptd_blockchain *chain;
    const struct ptd_zmq_pub *pub; /* borrowed for the call */
    size_t n_pub;
    size_t queue; /* changes that may wait; 0: PTD_PUBLISHER_QUEUE */
};

enum { PTD_PUBLISHER_QUEUE = 1000 };

/* Open the sockets; topics at one address share one, with the high-water mark
 * of the first. What goes wrong is logged.
 *
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EINVAL: one of the addresses, topics or
 *          marks cannot be had
 */
PTD_MUST_USE enum ptd_err
ptd_publisher_new(struct ptd_publisher **out,
                  const struct ptd_publisher_config *cfg) PTD_NONNULL(1, 2);

/* Start the thread; what was reported before is published then.
 * PTD_OK; PTD_ENOMEM; PTD_EAGAIN (threads). */
PTD_MUST_USE enum ptd_err ptd_publisher_start(struct ptd_publisher *p)
    PTD_NONNULL(1);

/* Join the thread, close, free; what still waits is dropped. No other thread
 * is inside. Takes NULL, and one that was not started. */
void ptd_publisher_free(struct ptd_publisher *p PTD_TAKES);

/* What is published where, in the order of the configuration; false behind
 * the last. Its texts live as long as p. */
PTD_MUST_USE bool ptd_publisher_at(const struct ptd_publisher *p, size_t i,
                                   struct ptd_zmq_pub *out) PTD_NONNULL(1, 3);

/* ---- what happens; none of these waits ------------------------------------ */

/* The chain has another tip: the chain's on_tip. */
void ptd_publisher_tip(struct ptd_publisher *p, const struct ptd_tip_change *t)
    PTD_NONNULL(1, 2);

/* The pool took a transaction; it lost one otherwise than to a block.
 *
 * tx        type PTD_MSG_TX; not changed any more; p holds a reference while
 *           it waits
 * sequence  number of the pool's change
 */
void ptd_publisher_tx_added(struct ptd_publisher *p,
                            const struct ptd_hash *txid, struct ptd_msg *tx,
                            uint64_t sequence) PTD_NONNULL(1, 2, 3);
void ptd_publisher_tx_removed(struct ptd_publisher *p,
                              const struct ptd_hash *txid, uint64_t sequence)
    PTD_NONNULL(1, 2);

#endif /* PTD_ZMQ_PUBLISHER_H */
