#include <config.h>

#include "sync/chan_int.h"

#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "sync/clock_int.h"

enum { ELEM_MAX = 4096, CAP_MAX = 1 << 20 };

/* ---- making and freeing ---------------------------------------------- */

struct ptd_chan_group *ptd_chan_group_new(void)
{
    struct ptd_chan_group *g = ptd_alloc(sizeof *g);

    if (g == NULL)
        return NULL;
    ptd_ref_init(&g->ref);
    ptd_mutex_init(&g->mu, PTD_RANK_CHAN);
    return g;
}

void ptd_chan_group_free(struct ptd_chan_group *g)
{
    if (g == NULL || !ptd_ref_put(&g->ref))
        return;
    ptd_mutex_fini(&g->mu);
    ptd_free(g);
}

struct ptd_chan *ptd_chan_new_in(struct ptd_chan_group *g, size_t elem_size,
                                 size_t cap)
{
    struct ptd_chan *c;

    if (elem_size > ELEM_MAX || cap > CAP_MAX || (cap == 0 && elem_size != 0))
        return NULL;
    c = ptd_alloc(sizeof *c + elem_size * cap);
    if (c == NULL)
        return NULL;
    memset(c, 0, sizeof *c);
    ptd_ref_init(&c->ref);
    ptd_ref_get(&g->ref);
    c->group = g;
    c->elem_size = (uint32_t)elem_size;
    c->cap = (uint32_t)cap;
    ptd_list_init(&c->receivers);
    ptd_list_init(&c->senders);
    return c;
}

struct ptd_chan *ptd_chan_new(size_t elem_size, size_t cap)
{
    struct ptd_chan_group *g = ptd_chan_group_new();
    struct ptd_chan *c;

    if (g == NULL)
        return NULL;
    c = ptd_chan_new_in(g, elem_size, cap);
    ptd_chan_group_free(g);
    return c;
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
    PTD_ASSERT(ptd_list_is_empty(&c->receivers) &&
               ptd_list_is_empty(&c->senders));
    ptd_chan_group_free(c->group);
    ptd_free(c);
}

/* ---- the ring ---------------------------------------------------------- */

/* The usual sizes become a few moves each. */
static inline void copy_elem(void *to, const void *from, size_t size)
{
    if (size == 8)
        memcpy(to, from, 8);
    else if (size == 16)
        memcpy(to, from, 16);
    else if (size == 24)
        memcpy(to, from, 24);
    else if (size != 0)
        memcpy(to, from, size);
}

static inline void *slot(struct ptd_chan *c, uint32_t i)
{
    i += c->head;
    if (i >= c->cap)
        i -= c->cap;
    return c->ring + (size_t)i * c->elem_size;
}

static inline void ring_put(struct ptd_chan *c, const void *elem)
{
    if (c->elem_size != 0)
        copy_elem(slot(c, c->n), elem, c->elem_size);
    if (++c->n > c->n_high)
        c->n_high = c->n;
}

static inline void ring_get(struct ptd_chan *c, void *elem)
{
    if (elem != NULL)
        copy_elem(elem, slot(c, 0), c->elem_size);
    if (++c->head == c->cap)
        c->head = 0;
    c->n--;
}

static inline bool has_room(const struct ptd_chan *c)
{
    return c->n + c->n_reserved < c->cap;
}

/* ---- serving waiters --------------------------------------------------- */

/* Claim the first who still waits, and take its node out. */
static struct ptd_waiter *claim_first(struct ptd_link *queue)
{
    struct ptd_link *l;

    while ((l = ptd_list_pop(queue)) != NULL) {
        struct ptd_waiter *w = PTD_CONTAINER_OF(l, struct ptd_waiter, link);

        if (ptd_park_claim(w->parker, w->index))
            return w;
    }
    return NULL;
}

/* Put an element where the next receiver finds it: into its hands, if one
 * waits. Gives whom to fire. */
static inline struct ptd_parker *deliver(struct ptd_chan *c, const void *elem)
{
    struct ptd_waiter *w;

    if (PTD_LIKELY(ptd_list_is_empty(&c->receivers)) ||
        (w = claim_first(&c->receivers)) == NULL) {
        ring_put(c, elem);
        return NULL;
    }
    if (w->on->recv_elem != NULL)
        copy_elem(w->on->recv_elem, elem, c->elem_size);
    w->on->err = PTD_OK;
    return w->parker;
}

/* There is room: a sender that waits may put its element in. */
static inline struct ptd_parker *admit(struct ptd_chan *c)
{
    struct ptd_waiter *w;

    if (PTD_LIKELY(ptd_list_is_empty(&c->senders)) || !has_room(c) ||
        (w = claim_first(&c->senders)) == NULL)
        return NULL;
    ring_put(c, w->on->send_elem);
    w->on->err = PTD_OK;
    return w->parker;
}

static inline void fire(struct ptd_parker *p)
{
    if (p != NULL)
        ptd_park_fire(p);
}

/* ---- one try, under the lock ----------------------------------------------- */

/* PTD_OK, PTD_ECLOSED, or PTD_EAGAIN: not ready. *wake: whom to fire. */
static inline enum ptd_err send_locked(struct ptd_chan *c, const void *elem,
                                       struct ptd_parker **wake)
{
    if (PTD_UNLIKELY(c->closed))
        return PTD_ECLOSED;
    if (!has_room(c))
        return PTD_EAGAIN;
    *wake = deliver(c, elem);
    return PTD_OK;
}

static inline enum ptd_err recv_locked(struct ptd_chan *c, void *elem,
                                       struct ptd_parker **wake)
{
    if (c->n == 0)
        return c->closed ? PTD_ECLOSED : PTD_EAGAIN;
    ring_get(c, elem);
    *wake = admit(c);
    return PTD_OK;
}

static inline enum ptd_err case_locked(struct ptd_case *on,
                                       struct ptd_parker **wake)
{
    return on->dir == PTD_CASE_SEND
               ? send_locked(on->chan, on->send_elem, wake)
               : recv_locked(on->chan, on->recv_elem, wake);
}

/* ---- select ------------------------------------------------------------------ */

/* What a select holds: the lock of the group it looks at. */
static inline void hold(struct ptd_chan_group **held,
                        struct ptd_chan_group *want) PTD_NO_TSA
{
    if (*held == want)
        return;
    if (*held != NULL)
        ptd_mutex_unlock(&(*held)->mu);
    if (want != NULL)
        ptd_mutex_lock(&want->mu);
    *held = want;
}

struct select {
    struct ptd_case *on;
    size_t n;
    struct ptd_chan_group *held; /* whose lock we hold, NULL: none */
    struct ptd_parker *wake;     /* whom we served: fired without locks */
    struct ptd_parker *self;
    struct ptd_waiter *nodes;    /* n of them */
};

/* Pass 1: the index carried out, or n for the deadline, or -1. */
static int try_all(struct select *s, bool is_late)
{
    size_t places = s->n + (is_late ? 1 : 0);
    size_t at = places > 1
                    ? ptd_park_pick(ptd_parker_self(), (uint32_t)places)
                    : 0;

    for (size_t k = 0; k < places; k++, at = at + 1 < places ? at + 1 : 0) {
        struct ptd_case *on;
        enum ptd_err e;

        if (at == s->n)
            return (int)s->n;
        on = &s->on[at];
        if (on->chan == NULL)
            continue;
        hold(&s->held, on->chan->group);
        e = case_locked(on, &s->wake);
        if (e != PTD_EAGAIN) {
            on->err = e;
            return (int)at;
        }
    }
    return -1;
}

static void enqueue(struct select *s, size_t i)
{
    struct ptd_case *on = &s->on[i];
    struct ptd_waiter *w = &s->nodes[i];

    w->parker = s->self;
    w->chan = on->chan;
    w->on = on;
    w->index = (int)i;
    ptd_list_append(on->dir == PTD_CASE_SEND ? &on->chan->senders
                                             : &on->chan->receivers,
                    &w->link);
}

/* Is the case ready, were we to carry it out? A look that changes nothing. */
static bool is_ready(const struct ptd_case *on)
{
    const struct ptd_chan *c = on->chan;

    return c->closed ||
           (on->dir == PTD_CASE_SEND ? has_room(c) : c->n > 0);
}

/* Pass 2: -1: queued everywhere, or served by somebody meanwhile. */
static int queue_all(struct select *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct ptd_case *on = &s->on[i];

        if (on->chan == NULL)
            continue;
        hold(&s->held, on->chan->group);
        if (!is_ready(on)) {
            enqueue(s, i);
        } else if (ptd_park_claim(s->self, (int)i)) {
            /* Two ends of one channel in one select: our own node of the
             * other end is claimed by now, so it is passed over. */
            on->err = case_locked(on, &s->wake);
            return (int)i;
        } else {
            return -1;
        }
    }
    return -1;
}

static void dequeue_all(struct select *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->on[i].chan != NULL) {
            hold(&s->held, s->on[i].chan->group);
            ptd_list_remove(&s->nodes[i].link);
        }
    hold(&s->held, NULL);
}

/* Passes 2 and 3. PTD_PARK_RETRY: begin anew. */
static int wait_all(struct select *s, struct ptd_clock *clk,
                    int64_t deadline_us)
{
    int got;

    s->self = ptd_parker_self();
    s->self->what = PTD_PARK_FOR_CHANS;
    s->self->deadline_us = deadline_us;
    s->self->waiters = s->nodes;
    s->self->n_waiters = s->n;
    memset(s->nodes, 0, s->n * sizeof *s->nodes);
    ptd_park_begin(s->self);
    got = queue_all(s);
    hold(&s->held, NULL);
    if (got >= 0) {
        fire(s->wake);
        s->wake = NULL;
        ptd_park_fire(s->self); /* we claimed ourselves */
        (void)ptd_park_wait(s->self);
    } else {
        s->self->since_us = ptd_clock_now_us(NULL);
        got = ptd_clock_park(clk, s->self, deadline_us);
    }
    dequeue_all(s);
    s->self->n_waiters = 0;
    return got;
}

static int select_cases(struct ptd_case *on, size_t n, struct ptd_clock *clk,
                        int64_t deadline_us, struct ptd_waiter *nodes)
{
    struct select s = { .on = on, .n = n, .nodes = nodes };
    int got;

    do {
        bool is_late = deadline_us != PTD_NEVER &&
                       (deadline_us <= 0 ||
                        ptd_clock_now_us(clk) >= deadline_us);

        got = try_all(&s, is_late);
        hold(&s.held, NULL);
        fire(s.wake);
        s.wake = NULL;
        if (got == (int)n)
            return PTD_SELECT_TIMEOUT;
        if (got >= 0)
            return got;
        got = wait_all(&s, clk, deadline_us);
    } while (got == PTD_PARK_RETRY);
    return got == PTD_PARK_TIMEOUT ? PTD_SELECT_TIMEOUT : got;
}

int ptd_select(struct ptd_case *cases, size_t n, struct ptd_clock *clk,
               int64_t deadline_us)
{
    struct ptd_waiter nodes[PTD_SELECT_MAX];

    PTD_ASSERT(n <= PTD_SELECT_MAX);
    return select_cases(cases, n, clk, deadline_us, nodes);
}

int ptd_try_select(struct ptd_case *cases, size_t n)
{
    struct select s = { .on = cases, .n = n };
    int got;

    PTD_ASSERT(n <= PTD_SELECT_MAX);
    got = try_all(&s, false);
    hold(&s.held, NULL);
    fire(s.wake);
    return got >= 0 ? got : PTD_SELECT_TIMEOUT;
}

/* ---- one channel ----------------------------------------------------------- */

/* Wait with a single case. */
static enum ptd_err wait_one(struct ptd_case *on, struct ptd_clock *clk,
                             int64_t deadline_us)
{
    struct ptd_waiter node;

    if (select_cases(on, 1, clk, deadline_us, &node) == PTD_SELECT_TIMEOUT)
        return PTD_ETIMEOUT;
    return on->err;
}

enum ptd_err ptd_chan_try_send(struct ptd_chan *c, const void *elem)
{
    struct ptd_parker *wake = NULL;
    enum ptd_err e;

    if (c == NULL)
        return PTD_EFULL;
    ptd_mutex_lock(&c->group->mu);
    e = send_locked(c, elem, &wake);
    ptd_mutex_unlock(&c->group->mu);
    fire(wake);
    return e == PTD_EAGAIN ? PTD_EFULL : e;
}

enum ptd_err ptd_chan_try_recv(struct ptd_chan *c, void *elem)
{
    struct ptd_parker *wake = NULL;
    enum ptd_err e;

    if (c == NULL)
        return PTD_EEMPTY;
    ptd_mutex_lock(&c->group->mu);
    e = recv_locked(c, elem, &wake);
    ptd_mutex_unlock(&c->group->mu);
    fire(wake);
    return e == PTD_EAGAIN ? PTD_EEMPTY : e;
}

enum ptd_err ptd_chan_send_until(struct ptd_chan *c, const void *elem,
                                 struct ptd_clock *clk, int64_t deadline_us)
{
    struct ptd_case on = PTD_SEND(c, elem);
    enum ptd_err e = ptd_chan_try_send(c, elem);

    return e == PTD_EFULL ? wait_one(&on, clk, deadline_us) : e;
}

enum ptd_err ptd_chan_recv_until(struct ptd_chan *c, void *elem,
                                 struct ptd_clock *clk, int64_t deadline_us)
{
    struct ptd_case on = PTD_RECV(c, elem);
    enum ptd_err e = ptd_chan_try_recv(c, elem);

    return e == PTD_EEMPTY ? wait_one(&on, clk, deadline_us) : e;
}

enum ptd_err ptd_chan_send(struct ptd_chan *c, const void *elem)
{
    return ptd_chan_send_until(c, elem, NULL, PTD_NEVER);
}

enum ptd_err ptd_chan_recv(struct ptd_chan *c, void *elem)
{
    return ptd_chan_recv_until(c, elem, NULL, PTD_NEVER);
}

/* ---- many at once ------------------------------------------------------------ */

enum { WAKE_MAX = 64 }; /* senders admitted in one go */

/* Take up to max elements in at most two copies. */
static size_t take_many(struct ptd_chan *c, uint8_t *out, size_t max)
{
    uint32_t n = (uint32_t)PTD_MIN(max, (size_t)c->n);
    uint32_t first = PTD_MIN(n, c->cap - c->head);

    if (c->elem_size != 0) {
        memcpy(out, slot(c, 0), (size_t)first * c->elem_size);
        memcpy(out + (size_t)first * c->elem_size, c->ring,
               (size_t)(n - first) * c->elem_size);
    }
    c->head = c->head + n < c->cap ? c->head + n : c->head + n - c->cap;
    c->n -= n;
    return n;
}

enum ptd_err ptd_chan_try_recv_many(struct ptd_chan *c, void *elems, size_t max,
                                    size_t *n)
{
    struct ptd_parker *wake[WAKE_MAX];
    size_t n_wake = 0;
    enum ptd_err e = PTD_OK;

    *n = 0;
    ptd_mutex_lock(&c->group->mu);
    if (c->n > 0 && max > 0) {
        *n = take_many(c, elems, max);
        while (n_wake < WAKE_MAX && (wake[n_wake] = admit(c)) != NULL)
            n_wake++;
    } else {
        e = c->closed ? PTD_ECLOSED : PTD_EEMPTY;
    }
    ptd_mutex_unlock(&c->group->mu);
    for (size_t i = 0; i < n_wake; i++)
        fire(wake[i]);
    /* Room for more than we could admit: let whoever comes next do it. */
    if (n_wake == WAKE_MAX) {
        ptd_mutex_lock(&c->group->mu);
        while ((wake[0] = admit(c)) != NULL) {
            ptd_mutex_unlock(&c->group->mu);
            fire(wake[0]);
            ptd_mutex_lock(&c->group->mu);
        }
        ptd_mutex_unlock(&c->group->mu);
    }
    return e;
}

enum ptd_err ptd_chan_recv_many(struct ptd_chan *c, void *elems, size_t max,
                                size_t *n)
{
    enum ptd_err e = ptd_chan_try_recv_many(c, elems, max, n);
    size_t more;

    if (e != PTD_EEMPTY)
        return e;
    e = ptd_chan_recv(c, elems);
    if (e != PTD_OK)
        return e;
    *n = 1;
    if (max > 1 &&
        ptd_chan_try_recv_many(c, (uint8_t *)elems + c->elem_size, max - 1,
                               &more) == PTD_OK)
        *n += more;
    return PTD_OK;
}

/* ---- closing ------------------------------------------------------------------- */

/* Claim everyone of a queue; their nodes go to `woken`. */
static void claim_all(struct ptd_link *queue, struct ptd_link *woken)
{
    struct ptd_waiter *w;

    while ((w = claim_first(queue)) != NULL) {
        w->on->err = PTD_ECLOSED;
        ptd_list_append(woken, &w->link);
    }
}

void ptd_chan_close(struct ptd_chan *c)
{
    struct ptd_link woken, *l;

    ptd_list_init(&woken);
    ptd_mutex_lock(&c->group->mu);
    if (!c->closed) {
        c->closed = true;
        claim_all(&c->receivers, &woken);
        claim_all(&c->senders, &woken);
    }
    ptd_mutex_unlock(&c->group->mu);
    while ((l = ptd_list_pop(&woken)) != NULL)
        ptd_park_fire(PTD_CONTAINER_OF(l, struct ptd_waiter, link)->parker);
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
    size_t n;

    ptd_mutex_lock(&c->group->mu);
    n = c->n;
    ptd_mutex_unlock(&c->group->mu);
    return n;
}

size_t ptd_chan_cap(const struct ptd_chan *c)
{
    return c->cap;
}

size_t ptd_chan_elem_size(const struct ptd_chan *c)
{
    return c->elem_size;
}

/* ---- a promised signal ------------------------------------------------------------ */

enum ptd_err ptd_chan_reserve(struct ptd_chan *c)
{
    enum ptd_err e = PTD_OK;

    ptd_mutex_lock(&c->group->mu);
    if (c->closed)
        e = PTD_ECLOSED;
    else if (!has_room(c))
        e = PTD_EFULL;
    else
        c->n_reserved++;
    ptd_mutex_unlock(&c->group->mu);
    return e;
}

void ptd_chan_send_reserved(struct ptd_chan *c, const void *elem)
{
    struct ptd_parker *wake = NULL, *more = NULL;

    ptd_mutex_lock(&c->group->mu);
    PTD_ASSERT(c->n_reserved > 0);
    c->n_reserved--;
    if (!c->closed) {
        wake = deliver(c, elem);
        more = admit(c); /* a receiver took it out of our hands: room */
    }
    ptd_mutex_unlock(&c->group->mu);
    fire(wake);
    fire(more);
}

void ptd_chan_unreserve(struct ptd_chan *c)
{
    struct ptd_parker *wake;

    ptd_mutex_lock(&c->group->mu);
    PTD_ASSERT(c->n_reserved > 0);
    c->n_reserved--;
    wake = c->closed ? NULL : admit(c);
    ptd_mutex_unlock(&c->group->mu);
    fire(wake);
}
