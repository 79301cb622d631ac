/* chan.h - bounded channels and select, after Go's chans.
 *
 * A channel is a bounded first-in first-out queue of elements of one fixed
 * size, copied by value. Receivers of a closed channel first get what it still
 * holds, then PTD_ECLOSED. Unlike Go's: a send on a closed channel returns
 * PTD_ECLOSED, closing twice is harmless, and a channel of capacity 0 is an
 * event that can only be closed (Go's `chan struct{}` used as "quit").
 *
 * Owner    reference counted; ptd_chan_new() gives one reference
 * Threads  any
 * Locks    the channel's own, or its group's (PTD_RANK_CHAN); one at a time,
 *          never held while a thread sleeps or a caller's code runs
 * CPU      a waiting thread costs none: no spinning, no polling (but see
 *          ptd_chan_recv_many() on a busy channel)
 * Source   The Go memory model and language specification, channels and select
 */
#ifndef PTD_CHAN_H
#define PTD_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/clock.h"
#include "pentad/err.h"

PTD_BEGIN_DECLS

struct ptd_chan;
struct ptd_chan_group;

/* ---- making and freeing ---------------------------------------------- */

/* Give a channel of cap elements of elem_size bytes each.
 *
 * elem_size  0 to 4096; 0 makes a channel of bare signals
 * cap        0 (an event that can only be closed; elem_size must be 0 too)
 *            to 2^20
 * Returns    NULL for lack of memory or sizes outside the limits
 */
PTD_API PTD_MUST_USE struct ptd_chan *ptd_chan_new(size_t elem_size,
                                                   size_t cap);

/* The same, sharing the lock of a group: a select whose channels are all of
 * one group takes one lock. The channel holds a reference to the group. */
PTD_API PTD_MUST_USE struct ptd_chan *
ptd_chan_new_in(struct ptd_chan_group *group, size_t elem_size, size_t cap)
    PTD_NONNULL(1);

/* A lock for several channels; NULL for lack of memory. */
PTD_API PTD_MUST_USE struct ptd_chan_group *ptd_chan_group_new(void);

/* Drop the maker's reference; the group lives on with its channels. */
PTD_API void ptd_chan_group_free(struct ptd_chan_group *group PTD_TAKES);

/* Add a reference; gives c. */
PTD_API struct ptd_chan *ptd_chan_ref(struct ptd_chan *c) PTD_NONNULL(1);

/* Drop a reference; the last one frees the channel, with what it still holds
 * (elements are bytes: whoever puts pointers in drains first). Takes NULL.
 * Nobody may wait on the channel when the last reference goes: that aborts. */
PTD_API void ptd_chan_free(struct ptd_chan *c PTD_TAKES);

/* ---- one channel ----------------------------------------------------- */
/* Sending to and receiving from a NULL channel is never ready, as in Go. */

/* Send a copy of *elem (NULL if elem_size is 0).
 *
 * Returns  PTD_OK; PTD_ECLOSED; try: PTD_EFULL; until: PTD_ETIMEOUT
 * Blocks   send: while the channel is full; until: at most to deadline_us
 *          (monotonic time of clk); try: never
 */
PTD_API PTD_MUST_USE enum ptd_err ptd_chan_send(struct ptd_chan *c,
                                                const void *elem);
PTD_API PTD_MUST_USE enum ptd_err ptd_chan_try_send(struct ptd_chan *c,
                                                    const void *elem);
PTD_API PTD_MUST_USE enum ptd_err
ptd_chan_send_until(struct ptd_chan *c, const void *elem, struct ptd_clock *clk,
                    int64_t deadline_us);

/* Receive the oldest element into *elem (NULL throws it away).
 *
 * Returns  PTD_OK; PTD_ECLOSED once closed and empty; try: PTD_EEMPTY;
 *          until: PTD_ETIMEOUT
 * Blocks   recv: while the channel is empty; until: at most to deadline_us;
 *          try: never
 */
PTD_API PTD_MUST_USE enum ptd_err ptd_chan_recv(struct ptd_chan *c, void *elem);
PTD_API PTD_MUST_USE enum ptd_err ptd_chan_try_recv(struct ptd_chan *c,
                                                    void *elem);
PTD_API PTD_MUST_USE enum ptd_err
ptd_chan_recv_until(struct ptd_chan *c, void *elem, struct ptd_clock *clk,
                    int64_t deadline_us);

/* Receive all that is there, at most max >= 1 elements (0 aborts), in order,
 * into an array: one lock for the lot. For throughput: before it sleeps it lets
 * other threads run once, so that senders bring more than one, and while that
 * brings something each time it waits awake for 30 us at most. Nothing of that
 * is spent on a channel that is idle.
 *
 * elems    room for max elements; NULL throws them away
 * n        how many were received, >= 1 on PTD_OK
 * Returns  as ptd_chan_recv() and ptd_chan_try_recv()
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_chan_recv_many(struct ptd_chan *c, void *elems, size_t max, size_t *n)
    PTD_NONNULL(1, 4);
PTD_API PTD_MUST_USE enum ptd_err
ptd_chan_try_recv_many(struct ptd_chan *c, void *elems, size_t max, size_t *n)
    PTD_NONNULL(1, 4);

/* Close: every waiter wakes; sends fail; receives drain what is left.
 * Idempotent, never blocks. */
PTD_API void ptd_chan_close(struct ptd_chan *c) PTD_NONNULL(1);

PTD_API bool ptd_chan_is_closed(struct ptd_chan *c) PTD_NONNULL(1);

/* Elements held now; a snapshot. */
PTD_API size_t ptd_chan_len(struct ptd_chan *c) PTD_NONNULL(1);
PTD_API size_t ptd_chan_cap(const struct ptd_chan *c) PTD_NONNULL(1);
PTD_API size_t ptd_chan_elem_size(const struct ptd_chan *c) PTD_NONNULL(1);

/* ---- a promised signal ----------------------------------------------- */

/* Set one slot aside for a later ptd_chan_send_reserved(). Other senders see
 * the channel one shorter.
 *
 * Returns  PTD_OK; PTD_EFULL if no slot is free; PTD_ECLOSED
 * Blocks   never
 */
PTD_API PTD_MUST_USE enum ptd_err ptd_chan_reserve(struct ptd_chan *c)
    PTD_NONNULL(1);

/* Use up a reserved slot; never blocks, cannot fail for lack of room. On a
 * channel that was closed meanwhile the element is dropped. Aborts if none is
 * reserved. */
PTD_API void ptd_chan_send_reserved(struct ptd_chan *c, const void *elem)
    PTD_NONNULL(1);

/* Give a reserved slot back unused. Aborts if none is reserved. */
PTD_API void ptd_chan_unreserve(struct ptd_chan *c) PTD_NONNULL(1);

/* ---- select ---------------------------------------------------------- */

enum ptd_case_dir { PTD_CASE_RECV, PTD_CASE_SEND };

/* One case of a select. A NULL channel is never ready. */
struct ptd_case {
    struct ptd_chan *chan;
    void *recv_elem;       /* receive: where to, NULL throws away */
    const void *send_elem; /* send: what */
    enum ptd_case_dir dir;
    enum ptd_err err; /* out, of the chosen case: PTD_OK or PTD_ECLOSED */
};

#define PTD_RECV(c, elem)                                                      \
    { (c), (elem), NULL, PTD_CASE_RECV, PTD_OK }
#define PTD_SEND(c, elem)                                                      \
    { (c), NULL, (elem), PTD_CASE_SEND, PTD_OK }

#define PTD_SELECT_MAX     64 /* cases of one select; more abort */
#define PTD_SELECT_TIMEOUT (-1)

/* Wait until one case can go on, carry it out, say which.
 *
 * Among several ready cases one is picked at random; a deadline that has
 * passed competes as one of them, so that steady traffic cannot starve a tick.
 * A case on a closed channel is ready (err says PTD_ECLOSED; a receive first
 * drains): set its channel to NULL once it was seen, or it is chosen for ever.
 * The same channel may stand in several cases, both ways.
 *
 * deadline_us  monotonic time of clk; PTD_NEVER: none; 0 or any time passed:
 *              do not block (PTD_SELECT_TIMEOUT competes with ready cases, so
 *              use ptd_try_select() for "if any is ready")
 * Returns      index of the case, or PTD_SELECT_TIMEOUT
 * Blocks       for ever if all channels are NULL and there is no deadline
 */
PTD_API int ptd_select(struct ptd_case *cases, size_t n, struct ptd_clock *clk,
                       int64_t deadline_us);

/* The same without waiting: PTD_SELECT_TIMEOUT only if no case is ready. */
PTD_API int ptd_try_select(struct ptd_case *cases, size_t n);

PTD_END_DECLS

#endif /* PTD_CHAN_H */
