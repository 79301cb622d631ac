/* chan_int.h - inside of channels, for chan.c and select.c (and debuggers).
 *
 * What holds whenever the lock of a channel is free:
 *
 *   - a receiver waits only while the channel holds nothing;
 *   - a sender waits only while there is no room (len + n_reserved == cap);
 *   - nobody waits on a closed channel;
 *   - a waiter in a list whose parker was claimed already, by another channel
 *     or a clock, counts as absent.
 *
 * So whoever makes room or brings an element serves the waiters at once, in
 * the order they came, under the lock: it *claims* a waiter (sync/park.h),
 * carries out the waiter's send or receive on its behalf, takes the node off
 * the list and, after unlocking, fires it. A waiter that cannot be claimed has
 * been served elsewhere; the next one gets its turn. No wake-up can be lost on
 * the way, because none is a mere hint: who is woken has what it waited for,
 * and who has not is still in the list.
 *
 * A select holds one channel's lock at a time (a group's lock counts as one,
 * and is kept while the next case is of the same group):
 *
 *   1. Try the cases from a random start; the first ready one is carried out.
 *   2. Begin to park. Again case by case, under its lock: if it has become
 *      ready, claim ourselves (if that fails, a waker on an earlier case was
 *      faster, and we stop) and carry it out; else put a waiter on its list.
 *   3. Sleep, if nothing was carried out.
 *   4. Take the waiters off those lists in which they still are.
 *
 * In step 2 a waker may serve an earlier case while we hold the lock of a
 * later one; the claim decides. Nothing is missed between 1 and 2, as 2 looks
 * again under the very lock under which it puts the waiter down.
 *
 * Locks    ptd_chan_group.mu (PTD_RANK_CHAN), never two at a time
 */
#ifndef PTD_SYNC_CHAN_INT_H
#define PTD_SYNC_CHAN_INT_H

#include <string.h>

#include "base/list.h"
#include "base/ref.h"
#include "pentad/chan.h"
#include "sync/clock_int.h"
#include "sync/mutex.h"
#include "sync/park.h"

struct ptd_chan_group {
    struct ptd_mutex mu; /* rank PTD_RANK_CHAN */
    struct ptd_ref ref;
};

struct ptd_chan {
    /* Set once. */
    struct ptd_chan_group *group; /* &own, or shared with other channels */
    size_t elem_size;             /* bytes */
    size_t cap;                   /* elements; 0: an event */
    struct ptd_ref ref;

    atomic_bool is_busy; /* a hint for ptd_chan_recv_many() */

    /* Guarded by group->mu. */
    size_t head;               /* index of the oldest element */
    atomic_size_t len;         /* elements held; read without the lock as a
                                * hint, see ptd_chan_n() */
    size_t n_reserved;         /* slots promised to ptd_chan_send_reserved() */
    bool closed;
    struct ptd_link receivers; /* struct ptd_waiter, longest wait first */
    struct ptd_link senders;

    struct ptd_chan_group own;
    _Alignas(max_align_t) unsigned char ring[]; /* cap * elem_size bytes */
};

/* One thread that waits in one list; lies on its stack. A link that is in no
 * list was taken out by the waker that claimed it. */
struct ptd_waiter {
    struct ptd_link link; /* in a list of chan, or of those to be fired */
    struct ptd_chan *chan;
    struct ptd_parker *parker;
    const struct ptd_case *what; /* the case on which it waits */
    int index;                   /* what the parker's wait shall give */
    enum ptd_err err;            /* out: PTD_OK or PTD_ECLOSED */
};

/* ---- waiters --------------------------------------------------------- */

/* Claim the first waiter of a list that can be, and take it out; NULL if there
 * is none. Those served elsewhere are taken out on the way. */
static inline struct ptd_waiter *ptd_waiter_claim_first(struct ptd_link *list)
{
    struct ptd_link *l;

    while ((l = ptd_list_pop(list)) != NULL) {
        struct ptd_waiter *w = PTD_CONTAINER_OF(l, struct ptd_waiter, link);

        if (ptd_park_claim(w->parker, w->index))
            return w;
    }
    return NULL;
}

/* Waiters that were claimed under a lock, to be fired after it. */
struct ptd_fires {
    struct ptd_link *first;
    struct ptd_link **end;
};

#define PTD_FIRES_INIT(f) { NULL, &(f).first }

static inline void ptd_fires_add(struct ptd_fires *f, struct ptd_waiter *w,
                                 enum ptd_err err)
{
    w->err = err;
    /* A chain through prev: next stays NULL, which says "in no list" to the
     * sleeper, whose memory this is until the fire. */
    w->link.prev = NULL;
    *f->end = &w->link;
    f->end = &w->link.prev;
}

/* Wake them all. */
static inline void ptd_fires_run(struct ptd_fires *f)
{
    struct ptd_link *l = f->first;

    while (PTD_UNLIKELY(l != NULL)) {
        struct ptd_waiter *w = PTD_CONTAINER_OF(l, struct ptd_waiter, link);

        l = l->prev; /* the node is gone after the fire */
        ptd_park_fire(w->parker);
    }
}

/* ---- the ring -------------------------------------------------------- */

/* Copy one element; NULL on either side means that nobody wants it. */
static inline void ptd_chan_copy(void *to, const void *from, size_t size)
{
    if (to == NULL || size == 0)
        return;
    if (size == 8) /* pointers and numbers: no call */
        memcpy(to, from, 8);
    else if (size == 16)
        memcpy(to, from, 16);
    else
        memcpy(to, from, size);
}

/* How many elements it holds: a snapshot, unless the lock is held. */
static inline size_t ptd_chan_n(const struct ptd_chan *c)
{
    return atomic_load_explicit(&c->len, memory_order_relaxed);
}

static inline void ptd_chan_set_n(struct ptd_chan *c, size_t n)
{
    atomic_store_explicit(&c->len, n, memory_order_relaxed);
}

static inline void *ptd_chan_slot(struct ptd_chan *c, size_t i)
{
    size_t at = c->head + i;

    if (at >= c->cap)
        at -= c->cap;
    return c->ring + at * c->elem_size;
}

static inline void ptd_chan_push(struct ptd_chan *c, const void *elem)
{
    size_t n = ptd_chan_n(c);

    ptd_chan_copy(ptd_chan_slot(c, n), elem, c->elem_size);
    ptd_chan_set_n(c, n + 1);
}

static inline void ptd_chan_pop(struct ptd_chan *c, void *elem)
{
    ptd_chan_copy(elem, ptd_chan_slot(c, 0), c->elem_size);
    if (++c->head == c->cap)
        c->head = 0;
    ptd_chan_set_n(c, ptd_chan_n(c) - 1);
}

static inline bool ptd_chan_has_room(const struct ptd_chan *c)
{
    return ptd_chan_n(c) + c->n_reserved < c->cap;
}

/* ---- operations under the lock --------------------------------------- */

/* Bring an element for which there is room: to the receiver that has waited
 * longest, or into the ring. */
static inline void ptd_chan_deliver(struct ptd_chan *c, const void *elem,
                                    struct ptd_fires *fires)
{
    struct ptd_waiter *w;

    if (PTD_UNLIKELY(!ptd_list_is_empty(&c->receivers)) &&
        (w = ptd_waiter_claim_first(&c->receivers)) != NULL) {
        ptd_chan_copy(w->what->recv_elem, elem, c->elem_size);
        ptd_fires_add(fires, w, PTD_OK);
    } else {
        ptd_chan_push(c, elem);
    }
}

/* There may be room: let waiting senders go on. */
static inline void ptd_chan_admit(struct ptd_chan *c, struct ptd_fires *fires)
{
    struct ptd_waiter *w;

    while (PTD_UNLIKELY(!ptd_list_is_empty(&c->senders)) &&
           ptd_chan_has_room(c) &&
           (w = ptd_waiter_claim_first(&c->senders)) != NULL) {
        ptd_chan_deliver(c, w->what->send_elem, fires);
        ptd_fires_add(fires, w, PTD_OK);
    }
}

/* Send now: PTD_OK, PTD_ECLOSED or, nothing done, PTD_EFULL. */
static inline enum ptd_err ptd_chan_send_locked(struct ptd_chan *c,
                                                const void *elem,
                                                struct ptd_fires *fires)
{
    if (PTD_UNLIKELY(c->closed))
        return PTD_ECLOSED;
    if (!ptd_chan_has_room(c))
        return PTD_EFULL;
    ptd_chan_deliver(c, elem, fires);
    return PTD_OK;
}

/* Receive now: PTD_OK, PTD_ECLOSED or, nothing done, PTD_EEMPTY. */
static inline enum ptd_err ptd_chan_recv_locked(struct ptd_chan *c, void *elem,
                                                struct ptd_fires *fires)
{
    if (ptd_chan_n(c) == 0)
        return c->closed ? PTD_ECLOSED : PTD_EEMPTY;
    ptd_chan_pop(c, elem);
    ptd_chan_admit(c, fires);
    return PTD_OK;
}

/* What a waiter waits for, if it can be done now. */
static inline enum ptd_err ptd_chan_case_locked(const struct ptd_case *k,
                                                struct ptd_fires *fires)
{
    return k->dir == PTD_CASE_SEND
               ? ptd_chan_send_locked(k->chan, k->send_elem, fires)
               : ptd_chan_recv_locked(k->chan, k->recv_elem, fires);
}

/* True for the two answers that mean "not now". */
static inline bool ptd_chan_must_wait(enum ptd_err e)
{
    return e == PTD_EFULL || e == PTD_EEMPTY;
}

/* Whether a case could be carried out now. */
static inline bool ptd_chan_is_ready_locked(const struct ptd_case *k)
{
    const struct ptd_chan *c = k->chan;

    return c->closed ||
           (k->dir == PTD_CASE_SEND ? ptd_chan_has_room(c) : ptd_chan_n(c) > 0);
}

/* Put a waiter at the end of its list. */
static inline void ptd_waiter_enter_locked(struct ptd_waiter *w,
                                           struct ptd_parker *p,
                                           const struct ptd_case *k, int index)
{
    struct ptd_chan *c = k->chan;

    w->chan = c;
    w->parker = p;
    w->what = k;
    w->index = index;
    ptd_list_append(
        k->dir == PTD_CASE_SEND ? &c->senders : &c->receivers, &w->link);
}

#endif /* PTD_SYNC_CHAN_INT_H */
