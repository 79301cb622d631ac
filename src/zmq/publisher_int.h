/* publisher_int.h - the publisher from inside; for this room alone.
 *
 * publisher.c  making and freeing; the queue, and who fills it
 * publish.c    the thread: from changes to messages
 * socket.c     messages into sockets; the one file that sees libzmq
 */
#ifndef PTD_ZMQ_PUBLISHER_INT_H
#define PTD_ZMQ_PUBLISHER_INT_H

#include <stdatomic.h>

#include "base/buf.h"
#include "chain/chain.h"
#include "pentad/chan.h"
#include "sync/mutex.h"
#include "sync/thread.h"
#include "zmq/publisher.h"

enum topic {
    TOPIC_HASHBLOCK,
    TOPIC_HASHTX,
    TOPIC_RAWBLOCK,
    TOPIC_RAWTX,
    TOPIC_SEQUENCE,
    N_TOPICS
};

/* Messages by topic; numbers on the wire are counted modulo 2^32 anyway. */
struct tally {
    uint32_t n[N_TOPICS];
};

/* A topic at an address. */
struct publication {
    enum topic topic;
    char *address; /* with "ipc:" for "unix:" */
    int hwm;
    void *socket;     /* ZeroMQ's; until the thread runs, its maker's */
    bool owns_socket; /* the first at this address does */
    uint32_t next;    /* number of the next message; the thread's */
};

enum change_what { CHANGE_TIP, CHANGE_ADDED, CHANGE_REMOVED };

/* What is to be published, as it lies in the queue. */
struct change {
    enum change_what what;
    struct tally dropped; /* before it, for want of room */
    struct ptd_tip_change tip;
    struct ptd_hash txid;
    struct ptd_msg *tx; /* ADDED: a reference; NULL: its bytes go nowhere */
    size_t n_bytes;     /* that tx holds */
    uint64_t sequence;  /* of the pool */
};

struct ptd_publisher {
    /* Set once. */
    struct ptd_blockchain *chain;
    struct ptd_chan *queue; /* struct change */
    void *ctx;              /* ZeroMQ's */
    struct publication *pub;
    size_t n_pub;
    bool wants[N_TOPICS];

    struct ptd_thread thread;
    atomic_bool stopping;

    struct ptd_mutex mu; /* rank PTD_RANK_PUBLISHER; orders those who report */
    struct tally dropped PTD_GUARDED_BY(mu); /* since the last one queued */
    size_t n_bytes PTD_GUARDED_BY(mu);       /* of transactions in the queue */

    /* The thread's: the block read last, or NULL. */
    struct ptd_buf *block;
    size_t n_block; /* bytes */
    struct ptd_hash block_hash;
};

/* ---- publish.c ------------------------------------------------------- */

/* Let all who subscribed hear of a change. */
void pub_publish(struct ptd_publisher *p, const struct change *c)
    PTD_NONNULL(1, 2);

/* How many messages that makes. Any thread. */
void pub_count(struct ptd_publisher *p, struct tally *out,
               const struct change *c) PTD_NONNULL(1, 2, 3);

/* ---- socket.c -------------------------------------------------------- */

/* The name of a topic; N_TOPICS: there is none. */
const char *pub_topic_name(enum topic topic);
enum topic pub_topic_of(const char *name) PTD_NONNULL(1);

/* Open all sockets; what fails is logged. PTD_OK; PTD_EINVAL. */
PTD_MUST_USE enum ptd_err pub_open(struct ptd_publisher *p) PTD_NONNULL(1);
/* Close them; messages that wait are dropped. Harmless on none. */
void pub_close(struct ptd_publisher *p) PTD_NONNULL(1);

/* Send a body to all who subscribed to a topic. Never waits.
 *
 * what     for the log: "rawblock"
 * hash     of what it is about; for the log
 */
void pub_send(struct ptd_publisher *p, enum topic topic, const char *what,
              const struct ptd_hash *hash, const void *body, size_t n)
    PTD_NONNULL(1, 3, 4);

/* Leave out n messages: their numbers are missed. */
void pub_skip(struct ptd_publisher *p, enum topic topic, uint32_t n)
    PTD_NONNULL(1);

#endif /* PTD_ZMQ_PUBLISHER_INT_H */
