/* rig.h - nodes under test, and guests that talk to them. */
#ifndef PTD_CHECK_NODE_RIG_H
#define PTD_CHECK_NODE_RIG_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "node/node.h"

#define SECOND_US INT64_C(1000000)

/* A node on regtest that listens on a port of its own and dials nobody, with
 * its log silent. Tests change cfg before host_start(). */
struct host {
    struct ptd_node_config cfg;
    struct ptd_node *node;
    struct ptd_chan *events;
    uint16_t port;
    char *dir; /* of its files; removed at the end */
};

void host_init(struct host *h);
void host_start(struct host *h);
void host_stop(struct host *h); /* and free all of it */

/* Dial 127.0.0.1:port (for -connect). */
void host_connect(struct host *h, uint16_t port);

/* The next event of a kind; of a height, if that is not -1. */
struct ptd_node_event host_wait(struct host *h, enum ptd_node_what what,
                                int32_t height);

/* Somebody who calls a node: a bare peer. */
struct guest {
    struct ptd_env *env;
    struct ptd_peer *peer;
    struct ptd_chan *msgs;  /* struct ptd_msg *, each with a reference */
    struct ptd_chan *ready; /* closed then */
    struct ptd_chan *gone;
    int32_t height; /* that it claims to have */
};

void guest_start(struct guest *g, uint16_t port, int32_t height);
void guest_start_as(struct guest *g, uint16_t port, int32_t height,
                    uint64_t services);
void guest_wait_ready(struct guest *g);
void guest_wait_gone(struct guest *g);
void guest_end(struct guest *g);

/* Send, taking msg. */
void guest_send(struct guest *g, struct ptd_msg *msg);

/* The next message of a type; those before it are thrown away. */
struct ptd_msg *guest_wait(struct guest *g, enum ptd_msg_type type);

/* Until all that was sent has been handled. Gives how many messages of a type
 * came meanwhile. */
size_t guest_sync(struct guest *g, enum ptd_msg_type type);

/* A block with a coinbase alone, mined on a parent. Other salt, other block. */
struct ptd_msg *mine_block(const struct ptd_hash *prev, uint32_t height,
                           uint32_t salt);
/* … with n_pad bytes more, below 250. */
struct ptd_msg *mine_fat_block(const struct ptd_hash *prev, uint32_t height,
                               uint32_t salt, uint8_t n_pad);
/* … and of a version. */
struct ptd_msg *mine_block_as(const struct ptd_hash *prev, uint32_t height,
                              uint32_t salt, uint8_t n_pad, uint32_t version);
struct ptd_hash block_hash(const struct ptd_msg *block);

/* n blocks in a row on the genesis block, into list. */
void mine_chain(struct ptd_msg **list, uint32_t n, uint32_t salt);
struct ptd_msg *headers_of(struct ptd_msg **list, uint32_t n);
void free_chain(struct ptd_msg **list, uint32_t n);

/* Threads and descriptors of this process. */
size_t count_in(const char *proc_dir);

#endif /* PTD_CHECK_NODE_RIG_H */
