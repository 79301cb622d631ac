/* chan_int.h - channels from the inside, for the sync room and debuggers.
 *
 * A channel is a ring of elements and two queues of waiters, under the lock of
 * its group. Invariants, whenever that lock is free:
 *
 *   a receiver that nobody has claimed waits   => n == 0, not closed
 *   a sender that nobody has claimed waits     => n + n_reserved == cap,
 *                                                 not closed
 *
 * Serving. Whoever makes a channel ready serves a waiter itself: it *claims*
 * the sleeper (park.h), under the channel's lock, carries out the sleeper's
 * case on its behalf (copies the element between the sleeper's memory and the
 * ring or its own), unlocks and fires. A sleeper in a select has a node at each
 * of its channels but one parker, so exactly one claim succeeds: exactly one
 * case is carried out, and a wake-up is never owed to anybody else. Who fails to
 * claim goes on to the next node.
 *
 * Select, with one lock held at a time (or the one that all its channels share):
 *   1  begin at a random case; carry out the first that is ready
 *   2  else begin to park; at each channel look again: if ready, claim oneself
 *      and carry it out (if the claim fails somebody has served us meanwhile);
 *      else put a node into its queue
 *   3  sleep; take the nodes out that are still queued
 * Between 1 and 3 no change is lost: one that comes before the second look is
 * seen by it, one that comes after finds the node.
 *
 * Locks    the group's (PTD_RANK_CHAN); two groups' are never held together
 */
#ifndef PTD_SYNC_CHAN_INT_H
#define PTD_SYNC_CHAN_INT_H

#include "base/list.h"
#include "base/ref.h"
#include "pentad/chan.h"
#include "sync/mutex.h"
#include "sync/park.h"

struct ptd_chan_group {
    struct ptd_ref ref;
    struct ptd_mutex mu; /* rank PTD_RANK_CHAN */
};

struct ptd_chan {
    struct ptd_ref ref;
    struct ptd_chan_group *group;
    uint32_t elem_size, cap;     /* constant */
    /* under group->mu */
    bool closed;
    uint32_t n, head;            /* elements held; index of the oldest */
    uint32_t n_reserved;         /* slots promised to send_reserved */
    uint32_t n_high;             /* most elements ever held at once */
    struct ptd_link receivers;   /* struct ptd_waiter, first come first served */
    struct ptd_link senders;
    uint8_t ring[];              /* cap * elem_size bytes */
};

/* A sleeper at one channel; lies on its stack. */
struct ptd_waiter {
    struct ptd_link link; /* at chan->receivers or senders, or in none */
    struct ptd_parker *parker;
    struct ptd_chan *chan;
    struct ptd_case *on;  /* its case; err is written by the server */
    int index;            /* of the case: the result of the park */
};

#endif /* PTD_SYNC_CHAN_INT_H */
