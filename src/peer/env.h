/* env.h - what the peers of one program share.
 *
 * Threads  any
 * Locks    mu (PTD_RANK_ENV): the nonces of outbound handshakes under way;
 *          messages that are queued more than once
 */
#ifndef PTD_PEER_ENV_H
#define PTD_PEER_ENV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/bufpool.h"
#include "pentad/peer.h"
#include "sync/mutex.h"
#include "sync/thread.h"

struct nonce_entry;
struct shared_entry;

struct ptd_env {
    struct ptd_env_config cfg;
    struct ptd_team_pool *teams;
    struct ptd_bufpool *bufs;
    atomic_int_fast64_t next_id;
    atomic_size_t n_peers;
    atomic_size_t queued_bytes; /* of all peers, a shared message once */
    atomic_flag is_looking;     /* some in thread looks for an answer */
    struct ptd_mutex mu;
    struct nonce_entry *nonces PTD_GUARDED_BY(mu);
    struct shared_entry *shared PTD_GUARDED_BY(mu);
};

/* Charge the budget of all queues for a message that is put into one, and take
 * it off when the message leaves it. One that others hold too is in memory once
 * however many queues it is in: it is charged with the first and taken off with
 * the last.
 *
 * Returns  enter: true if leave must be told so
 */
bool ptd_env_queue_enter(struct ptd_env *env, const struct ptd_msg *m,
                         size_t cost);
void ptd_env_queue_leave(struct ptd_env *env, const struct ptd_msg *m,
                         size_t cost, bool is_shared);

/* A fresh nonce for an outbound version message, remembered until it is
 * forgotten: an inbound version that carries it is our own. 0 for lack of
 * memory. */
uint64_t ptd_env_nonce_new(struct ptd_env *env);
void ptd_env_nonce_forget(struct ptd_env *env, uint64_t nonce);
bool ptd_env_nonce_is_ours(struct ptd_env *env, uint64_t nonce);

#endif /* PTD_PEER_ENV_H */
