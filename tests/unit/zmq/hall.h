/* hall.h - a chain, its publisher, and somebody who listens. */
#ifndef PTD_CHECK_ZMQ_HALL_H
#define PTD_CHECK_ZMQ_HALL_H

#include "rig.h"
#include "zmq/publisher.h"

enum { HALL_MAX_PUBS = 8, HALL_ALL = 5 };

struct hall {
    struct rig r;     /* the chain in it is open from hall_init() on */
    char address[96]; /* of ZeroMQ, in the rig's folder */
    struct ptd_publisher *p;
    void *ctx, *ear; /* ZeroMQ's: all topics at that address */
    uint64_t pool;   /* number of the pool's last change */
    struct ptd_hash genesis;
};

/* What was heard last. */
struct heard {
    char topic[16];
    uint8_t *body; /* n bytes */
    size_t n;
    uint32_t number;
};

/* A chain with its genesis block; a publisher of these topics ("hashtx rawtx"),
 * NULL: of all, at one address; not started. queue as in its configuration. */
void hall_init(struct hall *h, const char *topics, size_t queue, int hwm);
void hall_fini(struct hall *h);
/* Start it, and wait until the listener is heard of; needs "sequence". */
void hall_start(struct hall *h);

/* Wait until what was reported has been published, as far as it was for the
 * listener; what comes in between is thrown away. Gives the number of the last
 * message of "sequence". */
uint32_t hall_sync(struct hall *h);

/* Report that the pool lost a transaction. */
void hall_drop_tx(struct hall *h);

/* Put a block on another, its time now, with n_more transactions beside the
 * coinbase; gives its hash. */
struct ptd_hash hall_grow(struct hall *h, struct ptd_hash on, uint32_t n_more,
                          uint32_t salt);

/* A transaction whose output script has so many bytes. */
struct ptd_msg *make_tx(size_t n_bytes, uint32_t salt);
struct ptd_hash txid_of(const struct ptd_msg *tx);

/* The next message; it must come, within the listener's patience. */
struct heard hear(struct hall *h);
bool try_hear(struct hall *h, struct heard *m);
enum { HALL_PATIENCE_MS = 60 * 1000, HALL_KNOCK_MS = 20 };
void hall_set_patience(struct hall *h, int ms);
void heard_fini(struct heard *m);

/* The next message must be this one; number NULL: any. */
void hear_hash(struct hall *h, const char *topic, struct ptd_hash hash,
               uint32_t number);
void hear_bytes(struct hall *h, const char *topic, const void *body, size_t n,
                uint32_t number);
void hear_block(struct hall *h, char label, struct ptd_hash hash,
                uint32_t number);
void hear_pool(struct hall *h, char label, struct ptd_hash hash,
               uint64_t sequence, uint32_t number);

/* Nothing was published up to now. */
void hear_nothing(struct hall *h);

/* What was logged since listen_to_log(). */
extern char hall_log[8000];
void listen_to_log(void);
void unlisten_to_log(void);

#endif /* PTD_CHECK_ZMQ_HALL_H */
