#include <config.h>

#include "check_sync.h"

#include <stdatomic.h>
#include <string.h>

/* N senders and M receivers on one or more channels, until close: every
 * element arrives once, and each receiver sees each sender's in rising order. */

enum { MAX_THREADS = 16, MAX_CHANS = 3 };

enum how {
    PLAIN,    /* send, recv */
    MANY,     /* send, recv_many */
    SELECT,   /* selects over all channels and the stop event */
    DEADLINE, /* the forms with a deadline, which often passes */
    TRY,      /* reserve and send_reserved; try_recv, then recv */
};

struct element {
    int sender, seq;
};

struct shared {
    struct ptd_chan *c[MAX_CHANS];
    size_t n_chans;
    enum how how;
    int n_each;          /* elements of each sender */
    atomic_int accepted; /* elements that a channel took */
};

struct one {
    struct shared *s;
    int id;
    int received;
    int last[MAX_CHANS][MAX_THREADS]; /* by sender and channel */
    struct ptd_thread thread;
};

static enum ptd_err send_one(struct shared *s, const struct element *e)
{
    struct ptd_chan *c = s->c[(size_t)e->seq % s->n_chans];
    struct ptd_case on[MAX_CHANS];
    enum ptd_err err;
    int k;

    switch (s->how) {
    case SELECT:
        for (size_t i = 0; i < s->n_chans; i++)
            on[i] = (struct ptd_case)PTD_SEND(s->c[i], e);
        k = ptd_select(on, s->n_chans, NULL, PTD_NEVER);
        PTD_ASSERT(k >= 0);
        return on[k].err;
    case DEADLINE:
        do
            err = ptd_chan_send_until(c, e, NULL, ptd_clock_now_us(NULL) + 20);
        while (err == PTD_ETIMEOUT);
        return err;
    case TRY:
        if ((err = ptd_chan_reserve(c)) != PTD_OK)
            return err == PTD_EFULL ? ptd_chan_send(c, e) : err;
        ptd_chan_send_reserved(c, e);
        return PTD_OK;
    case PLAIN:
    case MANY: break;
    }
    return ptd_chan_send(c, e);
}

static void sender_main(void *arg)
{
    struct one *o = arg;

    for (int i = 0; i < o->s->n_each; i++) {
        struct element e = { o->id, i };
        enum ptd_err err = send_one(o->s, &e);

        if (err == PTD_ECLOSED)
            return;
        PTD_ASSERT(err == PTD_OK);
        atomic_fetch_add(&o->s->accepted, 1);
    }
}

static void note(struct one *o, size_t chan, const struct element *e)
{
    PTD_ASSERT(e->sender >= 0 && e->sender < MAX_THREADS);
    PTD_ASSERT(e->seq > o->last[chan][e->sender]);
    o->last[chan][e->sender] = e->seq;
    o->received++;
}

static enum ptd_err recv_select(struct one *o, struct ptd_case *on)
{
    struct element *e;
    int k = ptd_select(on, o->s->n_chans, NULL, PTD_NEVER);

    PTD_ASSERT(k >= 0);
    e = on[k].recv_elem;
    if (on[k].err == PTD_OK) {
        note(o, (size_t)k, e);
        return PTD_OK;
    }
    on[k].chan = NULL; /* else it is chosen for ever */
    for (size_t i = 0; i < o->s->n_chans; i++)
        if (on[i].chan != NULL)
            return PTD_OK;
    return PTD_ECLOSED;
}

static enum ptd_err recv_one(struct one *o)
{
    struct ptd_chan *c = o->s->c[0];
    struct element e[8];
    size_t n = 1;
    enum ptd_err err = PTD_EEMPTY;

    switch (o->s->how) {
    case PLAIN:
    case SELECT: err = ptd_chan_recv(c, e); break;
    case MANY: err = ptd_chan_recv_many(c, e, PTD_COUNT(e), &n); break;
    case DEADLINE:
        do
            err = ptd_chan_recv_until(c, e, NULL, ptd_clock_now_us(NULL) + 20);
        while (err == PTD_ETIMEOUT);
        break;
    case TRY:
        err = ptd_chan_try_recv(c, e);
        if (err == PTD_EEMPTY)
            err = ptd_chan_recv(c, e);
        break;
    }
    for (size_t i = 0; err == PTD_OK && i < n; i++)
        note(o, 0, &e[i]);
    return err;
}

static void receiver_main(void *arg)
{
    struct one *o = arg;
    struct element e[MAX_CHANS];
    struct ptd_case on[MAX_CHANS];
    enum ptd_err err;

    for (size_t i = 0; i < o->s->n_chans; i++)
        on[i] = (struct ptd_case)PTD_RECV(o->s->c[i], &e[i]);
    do
        err = o->s->how == SELECT ? recv_select(o, on) : recv_one(o);
    while (err == PTD_OK);
    PTD_ASSERT(err == PTD_ECLOSED);
}

static const struct {
    enum how how;
    int senders, receivers;
    size_t cap, n_chans;
    bool group, early_close;
} rows[] = {
    { PLAIN, 1, 1, 1, 1, false, false },
    { PLAIN, 4, 1, 1, 1, false, false },
    { PLAIN, 1, 4, 50, 1, false, false },
    { PLAIN, 16, 4, 2, 1, false, false },
    { PLAIN, 4, 4, 1, 1, false, true },
    { MANY, 1, 1, 50, 1, false, false },
    { MANY, 16, 3, 4, 1, false, false },
    { MANY, 4, 2, 50, 1, false, true },
    { TRY, 4, 4, 3, 1, false, false },
    { TRY, 4, 4, 3, 1, false, true },
    { DEADLINE, 2, 2, 1, 1, false, false },
    { DEADLINE, 3, 3, 2, 1, false, true },
    { SELECT, 1, 1, 1, 3, false, false },
    { SELECT, 4, 4, 1, 3, false, false },
    { SELECT, 4, 4, 1, 3, true, false },
    { SELECT, 8, 2, 3, 2, false, true },
    { SELECT, 8, 2, 3, 2, true, true },
};

static void set_up(struct shared *s, int row)
{
    struct ptd_chan_group *g = ptd_chan_group_new();

    memset(s, 0, sizeof *s);
    s->how = rows[row].how;
    s->n_chans = rows[row].n_chans;
    s->n_each = 24000 / rows[row].senders;
    for (size_t i = 0; i < s->n_chans; i++)
        s->c[i] =
            rows[row].group
                ? ptd_chan_new_in(g, sizeof(struct element), rows[row].cap)
                : ptd_chan_new(sizeof(struct element), rows[row].cap);
    ptd_chan_group_free(g);
}

static void start_all(struct one *o, int n, struct shared *s,
                      void (*main)(void *))
{
    for (int i = 0; i < n; i++) {
        o[i].s = s;
        o[i].id = i;
        o[i].received = 0;
        memset(o[i].last, 0xff, sizeof o[i].last); /* -1 */
        o[i].thread = start(main, &o[i]);
    }
}

static int join_all(struct one *o, int n)
{
    int received = 0;

    for (int i = 0; i < n; i++) {
        ptd_thread_join(&o[i].thread);
        received += o[i].received;
    }
    return received;
}

START_TEST(what_goes_in_comes_out_once_and_in_order)
{
    struct shared s;
    struct one senders[MAX_THREADS], receivers[MAX_THREADS];
    int total = 24000 / rows[_i].senders * rows[_i].senders;
    int received;

    set_up(&s, _i);
    start_all(receivers, rows[_i].receivers, &s, receiver_main);
    start_all(senders, rows[_i].senders, &s, sender_main);
    if (!rows[_i].early_close)
        (void)join_all(senders, rows[_i].senders);
    for (size_t i = 0; i < s.n_chans; i++)
        ptd_chan_close(s.c[i]);
    if (rows[_i].early_close)
        (void)join_all(senders, rows[_i].senders);
    received = join_all(receivers, rows[_i].receivers);
    if (rows[_i].how != TRY || !rows[_i].early_close)
        ck_assert_int_eq(received, s.accepted);
    else /* what was promised to a channel closed meanwhile is dropped */
        ck_assert_int_le(received, s.accepted);
    if (!rows[_i].early_close)
        ck_assert_int_eq(received, total);
    for (size_t i = 0; i < s.n_chans; i++)
        ptd_chan_free(s.c[i]);
}
END_TEST

/* ---- a wake-up that is not lost --------------------------------------- */

enum { N_TOKENS = 3, N_WORKERS = 6, N_TURNS = 3000 };

static struct ptd_chan *token[2];

/* Take a token from either side and put it on the other. */
static void worker_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < N_TURNS; i++) {
        struct ptd_case on[] = { PTD_RECV(token[0], NULL),
                                 PTD_RECV(token[1], NULL) };
        int k = ptd_select(on, 2, NULL, PTD_NEVER);

        PTD_ASSERT(k >= 0 && on[k].err == PTD_OK);
        PTD_ASSERT(ptd_chan_try_send(token[1 - k], NULL) == PTD_OK);
    }
}

/* More workers than tokens, so that some always wait on both channels while
 * others serve them: were a wake-up lost with who was woken for the other
 * channel, all would end up asleep beside a token. */
START_TEST(tokens_go_round_without_end)
{
    struct ptd_chan_group *g = ptd_chan_group_new();
    struct ptd_thread t[N_WORKERS];

    for (int i = 0; i < 2; i++)
        token[i] = _i == 0 ? ptd_chan_new(0, N_TOKENS)
                           : ptd_chan_new_in(g, 0, N_TOKENS);
    for (int i = 0; i < N_TOKENS; i++)
        ck_assert_int_eq(ptd_chan_try_send(token[0], NULL), PTD_OK);
    for (int i = 0; i < N_WORKERS; i++)
        t[i] = start(worker_main, NULL);
    for (int i = 0; i < N_WORKERS; i++)
        ptd_thread_join(&t[i]);
    ck_assert_uint_eq(ptd_chan_len(token[0]) + ptd_chan_len(token[1]),
                      N_TOKENS);
    for (int i = 0; i < 2; i++)
        ptd_chan_free(token[i]);
    ptd_chan_group_free(g);
}
END_TEST

/* ---- threads that end while they are woken ------------------------------ */

static void brief_main(void *arg)
{
    struct ptd_chan **pair = arg;
    struct ptd_case on[] = { PTD_RECV(pair[0], NULL), PTD_RECV(pair[1], NULL) };

    (void)ptd_select(on, 2, NULL, PTD_NEVER);
}

/* The waker's last step meets a thread that is gone, and its stack the next
 * one: under a sanitizer a touch of it would show. */
START_TEST(waker_touches_nothing_of_a_thread_that_has_ended)
{
    struct ptd_threads *pool = ptd_threads_new();

    for (int i = 0; i < 500; i++) {
        struct ptd_chan *pair[] = { ptd_chan_new(0, 1), ptd_chan_new(0, 0) };
        struct ptd_thread t[2] = { { 0 } };

        for (int k = 0; k < 2; k++)
            ck_assert_int_eq(
                ptd_thread_start(&t[k], pool, "brief", brief_main, pair),
                PTD_OK);
        ck_assert_int_eq(ptd_chan_send(pair[0], NULL), PTD_OK);
        ptd_chan_close(pair[1]);
        for (int k = 0; k < 2; k++)
            ptd_thread_join(&t[k]);
        for (int k = 0; k < 2; k++)
            ptd_chan_free(pair[k]);
    }
    ptd_threads_free(pool);
}
END_TEST

TCase *tcase_stress(void)
{
    TCase *tc = tcase_create("stress");

    tcase_add_loop_test(tc, what_goes_in_comes_out_once_and_in_order, 0,
                        PTD_COUNT(rows));
    tcase_add_loop_test(tc, tokens_go_round_without_end, 0, 2);
    tcase_add_test(tc, waker_touches_nothing_of_a_thread_that_has_ended);
    return tc;
}
