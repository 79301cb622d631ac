#include <config.h>

#include "sync/chan_int.h"

#include <sched.h>

#include "base/alloc.h"

#define MAX_CAP ((size_t)1 << 20)
#define MAX_ELEM_SIZE 4096

/* What it takes to sleep and to be woken on a core that has gone idle. */
#define WAKE_US 30
/* Looks at the clock, in which a busy sender on another core brings more. */
#define MOMENT 4

/* ---- making and freeing ---------------------------------------------- */

static void group_init(struct ptd_chan_group *g)
{
    ptd_mutex_init(&g->mu, PTD_RANK_CHAN);
    ptd_ref_init(&g->ref);
}

struct ptd_chan_group *ptd_chan_group_new(void)
{
    struct ptd_chan_group *g = ptd_alloc(sizeof *g);

    if (g != NULL)
        group_init(g);
    return g;
}

void ptd_chan_group_free(struct ptd_chan_group *group)
{
    if (group == NULL || !ptd_ref_put(&group->ref))
        return;
    ptd_mutex_fini(&group->mu);
    ptd_free(group);
}

/* group  NULL: a lock of its own */
static struct ptd_chan *chan_new(struct ptd_chan_group *group, size_t elem_size,
                                 size_t cap)
{
    struct ptd_chan *c;

    if (elem_size > MAX_ELEM_SIZE || cap > MAX_CAP ||
        (cap == 0 && elem_size != 0))
        return NULL;
    c = ptd_alloc(sizeof *c + cap * elem_size);
    if (c == NULL)
        return NULL;
    memset(c, 0, sizeof *c);
    c->elem_size = elem_size;
    c->cap = cap;
    ptd_ref_init(&c->ref);
    ptd_list_init(&c->receivers);
    ptd_list_init(&c->senders);
    if (group != NULL) {
        ptd_ref_get(&group->ref);
        c->group = group;
    } else {
        group_init(&c->own);
        c->group = &c->own;
    }
    return c;
}

struct ptd_chan *ptd_chan_new(size_t elem_size, size_t cap)
{
    return chan_new(NULL, elem_size, cap);
}

struct ptd_chan *ptd_chan_new_in(struct ptd_chan_group *group, size_t elem_size,
                                 size_t cap)
{
    return chan_new(group, elem_size, cap);
}

struct ptd_chan *ptd_chan_ref(struct ptd_chan *c)
{
    ptd_ref_get(&c->ref);
    return c;
}

void ptd_chan_free(struct ptd_chan *c)
{
    if (c == NULL || !ptd_ref_put(&c->ref))
        return;
    PTD_ASSERT(ptd_list_is_empty(&c->receivers));
    PTD_ASSERT(ptd_list_is_empty(&c->senders));
    if (c->group == &c->own)
        ptd_mutex_fini(&c->own.mu);
    else
        ptd_chan_group_free(c->group);
    ptd_free(c);
}

/* ---- sending and receiving ------------------------------------------- */

/* A NULL channel is never ready. */
static enum ptd_err wait_in_vain(struct ptd_clock *clk, int64_t deadline_us)
{
    (void)ptd_select(NULL, 0, clk, deadline_us);
    return PTD_ETIMEOUT;
}

/* Carry out one case, waiting for it to a deadline at most: PTD_OK,
 * PTD_ECLOSED or PTD_ETIMEOUT. */
static enum ptd_err do_case(const struct ptd_case *k, struct ptd_clock *clk,
                            int64_t deadline_us)
{
    struct ptd_chan *c = k->chan;
    struct ptd_parker *p;
    struct ptd_waiter w;
    enum ptd_err e;
    int result;

    if (PTD_UNLIKELY(c == NULL))
        return wait_in_vain(clk, deadline_us);
    do {
        struct ptd_fires fires = PTD_FIRES_INIT(fires);

        ptd_mutex_lock(&c->group->mu);
        e = ptd_chan_case_locked(k, &fires);
        if (PTD_LIKELY(!ptd_chan_must_wait(e))) {
            ptd_mutex_unlock(&c->group->mu);
            ptd_fires_run(&fires);
            return e;
        }
        p = ptd_parker_self();
        ptd_park_begin(p, PTD_PARK_FOR_CHANS, &w);
        p->n_waiters = 1;
        ptd_waiter_enter_locked(&w, p, k, 0);
        ptd_mutex_unlock(&c->group->mu);

        result = ptd_clock_park(clk, p, deadline_us);
        if (PTD_LIKELY(result >= 0))
            return w.err; /* served, and taken out of the list */
        ptd_mutex_lock(&c->group->mu);
        ptd_list_remove(&w.link);
        ptd_mutex_unlock(&c->group->mu);
    } while (result == PTD_PARK_RETRY);
    return PTD_ETIMEOUT;
}

enum ptd_err ptd_chan_send_until(struct ptd_chan *c, const void *elem,
                                 struct ptd_clock *clk, int64_t deadline_us)
{
    const struct ptd_case k = PTD_SEND(c, elem);

    return do_case(&k, clk, deadline_us);
}

enum ptd_err ptd_chan_recv_until(struct ptd_chan *c, void *elem,
                                 struct ptd_clock *clk, int64_t deadline_us)
{
    const struct ptd_case k = PTD_RECV(c, elem);

    return do_case(&k, clk, deadline_us);
}

enum ptd_err ptd_chan_send(struct ptd_chan *c, const void *elem)
{
    const struct ptd_case k = PTD_SEND(c, elem);

    return do_case(&k, NULL, PTD_NEVER);
}

enum ptd_err ptd_chan_recv(struct ptd_chan *c, void *elem)
{
    const struct ptd_case k = PTD_RECV(c, elem);

    return do_case(&k, NULL, PTD_NEVER);
}

enum ptd_err ptd_chan_try_send(struct ptd_chan *c, const void *elem)
{
    struct ptd_fires fires = PTD_FIRES_INIT(fires);
    enum ptd_err e;

    if (PTD_UNLIKELY(c == NULL))
        return PTD_EFULL;
    ptd_mutex_lock(&c->group->mu);
    e = ptd_chan_send_locked(c, elem, &fires);
    ptd_mutex_unlock(&c->group->mu);
    ptd_fires_run(&fires);
    return e;
}

enum ptd_err ptd_chan_try_recv(struct ptd_chan *c, void *elem)
{
    struct ptd_fires fires = PTD_FIRES_INIT(fires);
    enum ptd_err e;

    if (PTD_UNLIKELY(c == NULL))
        return PTD_EEMPTY;
    ptd_mutex_lock(&c->group->mu);
    e = ptd_chan_recv_locked(c, elem, &fires);
    ptd_mutex_unlock(&c->group->mu);
    ptd_fires_run(&fires);
    return e;
}

/* ---- many at once ---------------------------------------------------- */

/* Take up to max elements out of the ring, in at most two pieces. */
static size_t take_locked(struct ptd_chan *c, unsigned char *to, size_t max)
{
    size_t len = ptd_chan_n(c), n = PTD_MIN(max, len);
    size_t first = PTD_MIN(n, c->cap - c->head);

    if (to != NULL && c->elem_size != 0) {
        memcpy(to, ptd_chan_slot(c, 0), first * c->elem_size);
        memcpy(to + first * c->elem_size, c->ring, (n - first) * c->elem_size);
    }
    c->head += n;
    if (c->head >= c->cap)
        c->head -= c->cap;
    ptd_chan_set_n(c, len - n);
    return n;
}

/* Hint for the next ptd_chan_recv_many(). */
static void set_busy(struct ptd_chan *c, bool busy)
{
    if (atomic_load_explicit(&c->is_busy, memory_order_relaxed) != busy)
        atomic_store_explicit(&c->is_busy, busy, memory_order_relaxed);
}

enum ptd_err ptd_chan_try_recv_many(struct ptd_chan *c, void *elems, size_t max,
                                    size_t *n)
{
    struct ptd_fires fires = PTD_FIRES_INIT(fires);
    bool closed;

    PTD_ASSERT(max > 0);
    ptd_mutex_lock(&c->group->mu);
    *n = take_locked(c, elems, max);
    if (*n > 0)
        ptd_chan_admit(c, &fires);
    closed = c->closed;
    ptd_mutex_unlock(&c->group->mu);
    if (fires.first != NULL)
        set_busy(c, true);
    ptd_fires_run(&fires);
    if (*n > 0)
        return PTD_OK;
    return closed ? PTD_ECLOSED : PTD_EEMPTY;
}

/* Wait awake until the senders pause: the channel is full, or holds something
 * and no more than a moment ago. No lock is taken meanwhile: a sender that
 * found it taken would go to sleep in the midst of its work. */
static void await_pause(struct ptd_chan *c, size_t max)
{
    int64_t now = ptd_clock_now_us(NULL), until = now + WAKE_US;
    size_t full = PTD_MIN(max, c->cap), len = ptd_chan_n(c), before = 0;

    while (now < until && len < full && (len == 0 || len != before)) {
        for (int i = 0; i < MOMENT; i++)
            now = ptd_clock_now_us(NULL);
        before = len;
        len = ptd_chan_n(c);
    }
}

/* Who asks for many wants batches. Were it to sleep at once, the first element
 * would wake it before its sender can bring a second, each time anew: so let
 * the senders run once. Those that have just been given room, or that brought
 * something the last time, are busy: they get as long as it takes to sleep and
 * to be woken, in which one on another core could fill the channel many times.
 * An idle channel sees one call for each sleep. */
enum ptd_err ptd_chan_recv_many(struct ptd_chan *c, void *elems, size_t max,
                                size_t *n)
{
    unsigned char *rest = elems;
    size_t more = 0;
    enum ptd_err e;

    if (ptd_chan_n(c) == 0)
        sched_yield();
    if (atomic_load_explicit(&c->is_busy, memory_order_relaxed))
        await_pause(c, max);
    e = ptd_chan_try_recv_many(c, elems, max, n);
    set_busy(c, e == PTD_OK);
    if (e != PTD_EEMPTY)
        return e;
    e = ptd_chan_recv(c, elems);
    if (e != PTD_OK)
        return e;
    *n = 1;
    if (rest != NULL)
        rest += c->elem_size;
    /* The sender that woke us may have sent more by now. */
    if (max > 1 &&
        ptd_chan_try_recv_many(c, rest, max - 1, &more) == PTD_OK)
        *n += more;
    return PTD_OK;
}

/* ---- closing and asking ---------------------------------------------- */

static void fail_all(struct ptd_link *waiters, struct ptd_fires *fires)
{
    struct ptd_waiter *w;

    while ((w = ptd_waiter_claim_first(waiters)) != NULL)
        ptd_fires_add(fires, w, PTD_ECLOSED);
}

void ptd_chan_close(struct ptd_chan *c)
{
    struct ptd_fires fires = PTD_FIRES_INIT(fires);

    ptd_mutex_lock(&c->group->mu);
    c->closed = true;
    fail_all(&c->receivers, &fires); /* they wait only on an empty channel */
    fail_all(&c->senders, &fires);
    ptd_mutex_unlock(&c->group->mu);
    ptd_fires_run(&fires);
}

bool ptd_chan_is_closed(struct ptd_chan *c)
{
    bool closed;

    ptd_mutex_lock(&c->group->mu);
    closed = c->closed;
    ptd_mutex_unlock(&c->group->mu);
    return closed;
}

size_t ptd_chan_len(struct ptd_chan *c)
{
    size_t len;

    ptd_mutex_lock(&c->group->mu);
    len = ptd_chan_n(c);
    ptd_mutex_unlock(&c->group->mu);
    return len;
}

size_t ptd_chan_cap(const struct ptd_chan *c)
{
    return c->cap;
}

size_t ptd_chan_elem_size(const struct ptd_chan *c)
{
    return c->elem_size;
}

/* ---- a promised signal ----------------------------------------------- */

enum ptd_err ptd_chan_reserve(struct ptd_chan *c)
{
    enum ptd_err e = PTD_OK;

    ptd_mutex_lock(&c->group->mu);
    if (c->closed)
        e = PTD_ECLOSED;
    else if (!ptd_chan_has_room(c))
        e = PTD_EFULL;
    else
        c->n_reserved++;
    ptd_mutex_unlock(&c->group->mu);
    return e;
}

void ptd_chan_send_reserved(struct ptd_chan *c, const void *elem)
{
    struct ptd_fires fires = PTD_FIRES_INIT(fires);

    ptd_mutex_lock(&c->group->mu);
    PTD_ASSERT(c->n_reserved > 0);
    c->n_reserved--;
    if (!c->closed) {
        ptd_chan_deliver(c, elem, &fires);
        /* Handed to a receiver, it left its slot empty. */
        ptd_chan_admit(c, &fires);
    }
    ptd_mutex_unlock(&c->group->mu);
    ptd_fires_run(&fires);
}

void ptd_chan_unreserve(struct ptd_chan *c)
{
    struct ptd_fires fires = PTD_FIRES_INIT(fires);

    ptd_mutex_lock(&c->group->mu);
    PTD_ASSERT(c->n_reserved > 0);
    c->n_reserved--;
    ptd_chan_admit(c, &fires);
    ptd_mutex_unlock(&c->group->mu);
    ptd_fires_run(&fires);
}
