#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "rig.h"
#include "sync/thread.h"
#include "wire/encoded.h"

/* ---- messages -------------------------------------------------------- */

static struct ptd_msg *new_inv(size_t n)
{
    struct ptd_inv *list = calloc(n, sizeof *list);
    struct ptd_msg *m;

    ck_assert_ptr_nonnull(list);
    for (size_t i = 0; i < n; i++) {
        list[i].type = PTD_INV_TX;
        rig_pattern((uint8_t *)&list[i].hash, sizeof list[i].hash, (unsigned)i);
    }
    m = ptd_msg_new_inv(PTD_MSG_INV, list, n);
    ck_assert_ptr_nonnull(m);
    free(list);
    return m;
}

static struct ptd_msg *new_filter(size_t n)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_CFILTER);
    struct ptd_msg_cfilter *c = (struct ptd_msg_cfilter *)(void *)m;
    uint8_t *bytes = malloc(n);

    ck_assert(m != NULL && bytes != NULL);
    rig_pattern(bytes, n, 7);
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &c->filter, bytes, n), PTD_OK);
    free(bytes);
    return m;
}

/* The i-th of a series of all sizes. Nonces and inventory stay below a
 * scratch's size, invs and filters do not. */
static struct ptd_msg *new_any(unsigned i)
{
    switch (i % 8) {
    case 0:
        return ptd_msg_new_nonce(PTD_MSG_PING, i);
    case 1:
        return new_inv(1 + i);
    case 2:
        return ptd_msg_new(PTD_MSG_VERACK);
    case 3:
        return new_inv(35);
    case 4:
        return new_filter(3000);
    case 5:
        return new_filter(200000);
    case 6:
        return ptd_msg_new_nonce(PTD_MSG_PONG, i);
    default:
        return new_inv(1000);
    }
}

/* What must come over the wire for m. */
static void add_expected(struct bytes *b, const struct ptd_msg *m)
{
    enum ptd_err e = PTD_OK;
    size_t n = ptd_msg_encoded_bytes(m, &rig_codec, &e);
    uint8_t *p = malloc(n + 1);

    ck_assert_int_eq(e, PTD_OK);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(ptd_msg_encode(m, p, n, &n, &rig_codec), PTD_OK);
    bytes_add_frame(b, ptd_msg_type_command(m->type), p, n);
    free(p);
}

/* ---- batches --------------------------------------------------------- */

/* Flush without blocking until all is out; read at the far end meanwhile. */
static unsigned flush_all(struct rig *r, struct bytes *out)
{
    unsigned n_again = 0;
    enum ptd_err e;

    while ((e = ptd_conn_flush(r->conn, MSG_DONTWAIT)) == PTD_EAGAIN) {
        n_again++;
        rig_drain(r, out);
    }
    ck_assert_int_eq(e, PTD_OK);
    return n_again;
}

static void drain_to(struct rig *r, struct bytes *out, size_t n)
{
    ck_assert_int_eq(shutdown(ptd_conn_fd(r->conn), SHUT_WR), 0);
    while (out->n < n)
        rig_drain(r, out);
}

static const struct {
    int sndbuf;  /* 0: as it is */
    bool shared; /* somebody else holds each message too */
    bool idle;   /* buffers are given back after each flush */
} ways[] = {
    { 0, false, false }, { 0, true, false },    { 1, false, false },
    { 1, true, true },   { 20000, true, false }, { 20000, false, true },
};

START_TEST(a_batch_is_the_frames_one_after_the_other)
{
    enum { N = 64 };
    struct bytes want = { NULL, 0 }, got = { NULL, 0 };
    struct ptd_msg *held[N] = { NULL };
    uint64_t total = 0;
    struct rig r;

    rig_init(&r, NULL);
    if (ways[_i].sndbuf != 0)
        ck_assert_int_eq(setsockopt(ptd_conn_fd(r.conn), SOL_SOCKET, SO_SNDBUF,
                                    &ways[_i].sndbuf, sizeof(int)),
                         0);
    for (unsigned i = 0; i < N; i++) {
        struct ptd_msg *m = new_any(i);
        size_t before = want.n, wire_bytes = 0;
        enum ptd_err e;

        ck_assert_ptr_nonnull(m);
        if (ways[_i].shared)
            held[i] = ptd_msg_ref(m);
        add_expected(&want, m);
        while ((e = ptd_conn_add(r.conn, m, &rig_codec, &wire_bytes)) ==
               PTD_EFULL) {
            flush_all(&r, &got);
            if (ways[_i].idle)
                ptd_conn_writer_idle(r.conn);
        }
        ck_assert_int_eq(e, PTD_OK);
        ck_assert_uint_eq(wire_bytes, want.n - before);
        total += wire_bytes;
        ptd_msg_free(m);
    }
    flush_all(&r, &got);
    drain_to(&r, &got, want.n);
    ck_assert_uint_eq(ptd_conn_bytes_sent(r.conn), total);
    ck_assert_uint_eq(got.n, want.n);
    ck_assert(memcmp(got.p, want.p, want.n) == 0);
    for (unsigned i = 0; i < N; i++)
        ptd_msg_free(held[i]);
    bytes_free(&want);
    bytes_free(&got);
    rig_fini(&r);
}
END_TEST

START_TEST(messages_join_a_batch_that_is_half_written)
{
    struct bytes want = { NULL, 0 }, got = { NULL, 0 };
    const int tiny = 1;
    struct rig r;
    size_t n;

    rig_init(&r, NULL);
    ck_assert_int_eq(setsockopt(ptd_conn_fd(r.conn), SOL_SOCKET, SO_SNDBUF,
                                &tiny, sizeof tiny),
                     0);
    for (unsigned i = 0; i < 20; i++) {
        struct ptd_msg *m = i % 2 == 0 ? new_inv(200)
                                       : ptd_msg_new_nonce(PTD_MSG_PING, i);

        add_expected(&want, m);
        ck_assert_int_eq(ptd_conn_add(r.conn, m, &rig_codec, &n), PTD_OK);
        ptd_msg_free(m);
        (void)!ptd_conn_flush(r.conn, MSG_DONTWAIT);
        if (i % 5 == 4) /* or the batch is full one day */
            flush_all(&r, &got);
    }
    flush_all(&r, &got);
    drain_to(&r, &got, want.n);
    ck_assert_uint_eq(got.n, want.n);
    ck_assert(memcmp(got.p, want.p, want.n) == 0);
    bytes_free(&want);
    bytes_free(&got);
    rig_fini(&r);
}
END_TEST

static const struct {
    unsigned kind; /* of new_any() */
    bool shared;
} kinds[] = {
    { 0, false }, { 0, true }, { 2, false }, { 2, true },
    { 3, true },  { 4, true }, { 5, false }, { 5, true },
};

START_TEST(a_batch_says_when_it_is_full_and_never_while_empty)
{
    size_t bytes = 0, n, at = 0;
    enum ptd_err e = PTD_OK;
    struct ptd_msg *m = new_any(kinds[_i].kind);
    struct ptd_msg *held = kinds[_i].shared ? ptd_msg_ref(m) : NULL;
    struct bytes got = { NULL, 0 };
    struct rig r;

    rig_init(&r, NULL);
    for (at = 0; (e = ptd_conn_add(r.conn, m, &rig_codec, &n)) == PTD_OK; at++)
        bytes += n;
    ck_assert_int_eq(e, PTD_EFULL);
    ck_assert_uint_ge(at, 1);
    ck_assert_uint_le(bytes, 1 << 20);
    flush_all(&r, &got);
    ck_assert_int_eq(ptd_conn_add(r.conn, m, &rig_codec, &n), PTD_OK);
    ptd_msg_free(m);
    ptd_msg_free(held);
    bytes_free(&got);
    rig_fini(&r);
}
END_TEST

START_TEST(an_idle_writer_holds_no_memory)
{
    struct bytes got = { NULL, 0 };
    struct rig r;
    size_t n;

    rig_init(&r, NULL);
    for (unsigned i = 0; i < 100; i++) {
        struct ptd_msg *m = ptd_msg_new_nonce(PTD_MSG_PING, i);

        ck_assert_int_eq(ptd_conn_add(r.conn, m, &rig_codec, &n), PTD_OK);
        ptd_msg_free(m);
    }
    ck_assert_uint_ne(ptd_bufpool_out_bytes(r.pool), 0);
    ptd_conn_writer_idle(r.conn);
    ck_assert_uint_ne(ptd_bufpool_out_bytes(r.pool), 0); /* not yet written */
    flush_all(&r, &got);
    ptd_conn_writer_idle(r.conn);
    ck_assert_uint_eq(ptd_bufpool_out_bytes(r.pool), 0);
    bytes_free(&got);
    rig_fini(&r);
}
END_TEST

START_TEST(a_message_that_cannot_be_encoded_leaves_the_batch_as_it_was)
{
    struct bytes want = { NULL, 0 }, got = { NULL, 0 };
    struct ptd_msg *good = ptd_msg_new_nonce(PTD_MSG_PING, 1);
    struct ptd_msg *bad = ptd_msg_new(PTD_MSG_FILTERADD);
    struct ptd_msg_filteradd *fa = (struct ptd_msg_filteradd *)(void *)bad;
    static const uint8_t data[PTD_MAX_FILTERADD_BYTES + 1];
    struct ptd_msg *held;
    struct rig r;
    size_t n;

    rig_init(&r, NULL);
    fa->data = (struct ptd_bytes){ data, sizeof data };
    add_expected(&want, good);
    add_expected(&want, good);
    ck_assert_int_eq(ptd_conn_add(r.conn, good, &rig_codec, &n), PTD_OK);
    ck_assert_int_eq(ptd_conn_add(r.conn, bad, &rig_codec, &n), PTD_ETOOBIG);
    held = ptd_msg_ref(bad);
    ck_assert_int_eq(ptd_conn_add(r.conn, bad, &rig_codec, &n), PTD_ETOOBIG);
    ck_assert_int_eq(ptd_conn_add(r.conn, good, &rig_codec, &n), PTD_OK);
    flush_all(&r, &got);
    drain_to(&r, &got, want.n);
    ck_assert_uint_eq(got.n, want.n);
    ck_assert(memcmp(got.p, want.p, want.n) == 0);
    ptd_msg_free(good);
    ptd_msg_free(bad);
    ptd_msg_free(held);
    bytes_free(&want);
    bytes_free(&got);
    rig_fini(&r);
}
END_TEST

/* ---- the other side is gone ------------------------------------------ */

START_TEST(writing_to_a_closed_connection_fails_without_a_signal)
{
    enum ptd_err e = PTD_OK;
    struct rig r;
    size_t n;

    rig_init(&r, NULL);
    close(r.far);
    r.far = -1;
    for (unsigned i = 0; i < 100 && e == PTD_OK; i++) {
        struct ptd_msg *m = new_filter(200000);

        ck_assert_int_eq(ptd_conn_add(r.conn, m, &rig_codec, &n), PTD_OK);
        e = ptd_conn_flush(r.conn, 0);
        ptd_msg_free(m);
    }
    ck_assert(e == PTD_EEOF || e == PTD_EIO);
    ck_assert_int_eq(ptd_conn_flush(r.conn, 0), PTD_OK); /* it was dropped */
    rig_fini(&r);
}
END_TEST

static void shut_down(void *arg)
{
    ptd_conn_shutdown(arg);
}

START_TEST(shutdown_wakes_a_blocked_receive)
{
    struct ptd_thread t = { .started = false };
    struct rig r;
    size_t n;

    rig_init(&r, NULL);
    ck_assert_int_eq(ptd_thread_start(&t, NULL, "down", shut_down, r.conn),
                     PTD_OK);
    ck_assert_int_eq(ptd_conn_recv(r.conn, 0, &n), PTD_EEOF);
    ptd_thread_join(&t);
    rig_fini(&r);
}
END_TEST

START_TEST(shutdown_wakes_a_blocked_write)
{
    struct ptd_thread t = { .started = false };
    enum ptd_err e = PTD_OK;
    struct rig r;
    size_t n;

    rig_init(&r, NULL);
    ck_assert_int_eq(ptd_thread_start(&t, NULL, "down", shut_down, r.conn),
                     PTD_OK);
    while (e == PTD_OK) { /* the far end never reads */
        struct ptd_msg *m = new_filter(200000);

        ck_assert_int_eq(ptd_conn_add(r.conn, m, &rig_codec, &n), PTD_OK);
        e = ptd_conn_flush(r.conn, 0);
        ptd_msg_free(m);
    }
    ck_assert_int_eq(e, PTD_EEOF);
    ptd_thread_join(&t);
    rig_fini(&r);
}
END_TEST

/* One end writes, the other reads, both blocking, each on a thread. */

enum { TALK = 400 };

static void talk(void *arg)
{
    struct ptd_conn *c = arg;
    size_t n;

    for (unsigned i = 0; i < TALK; i++) {
        struct ptd_msg *m = new_any(i);

        while (ptd_conn_add(c, m, &rig_codec, &n) == PTD_EFULL)
            PTD_ASSERT(ptd_conn_flush(c, 0) == PTD_OK);
        ptd_msg_free(m);
    }
    PTD_ASSERT(ptd_conn_flush(c, 0) == PTD_OK);
}

START_TEST(two_connections_understand_each_other)
{
    struct ptd_conn_config cfg = { .magic = { 1, 2, 3, 4 } };
    struct ptd_thread t = { .started = false };
    struct ptd_conn *a, *b;
    struct ptd_frame f;
    int fd[2];
    size_t n;

    rig_tcp_pair(fd);
    ck_assert_int_eq(ptd_conn_new(&a, fd[0], &cfg), PTD_OK);
    ck_assert_int_eq(ptd_conn_new(&b, fd[1], &cfg), PTD_OK);
    ck_assert_str_eq(ptd_conn_transport(a), "v1");
    ck_assert_int_eq(ptd_conn_handshake(a), PTD_OK);
    ck_assert_int_eq(ptd_thread_start(&t, NULL, "talk", talk, a), PTD_OK);
    for (unsigned i = 0; i < TALK;) {
        struct ptd_msg *m;
        enum ptd_err e = ptd_conn_next(b, &f);

        if (e == PTD_EAGAIN) {
            ck_assert_int_eq(ptd_conn_recv(b, 0, &n), PTD_OK);
            continue;
        }
        ck_assert_int_eq(e, PTD_OK);
        ck_assert_int_eq(f.err, PTD_OK);
        ck_assert_int_eq(ptd_msg_decode_from(&m, f.type, f.payload, f.n, f.buf,
                                             NULL, &rig_codec, NULL),
                         PTD_OK);
        if (i % 8 == 0)
            ck_assert_uint_eq(((struct ptd_msg_nonce *)(void *)m)->nonce, i);
        ptd_msg_free(m);
        i++;
    }
    ptd_thread_join(&t);
    ck_assert_uint_eq(ptd_conn_bytes_sent(a), ptd_conn_bytes_recv(b));
    ptd_conn_free(a);
    ptd_conn_free(b);
}
END_TEST

TCase *write_case(void)
{
    TCase *tc = tcase_create("write");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_batch_is_the_frames_one_after_the_other, 0,
                        (int)PTD_COUNT(ways));
    tcase_add_test(tc, messages_join_a_batch_that_is_half_written);
    tcase_add_loop_test(tc, a_batch_says_when_it_is_full_and_never_while_empty,
                        0, (int)PTD_COUNT(kinds));
    tcase_add_test(tc, an_idle_writer_holds_no_memory);
    tcase_add_test(tc,
                   a_message_that_cannot_be_encoded_leaves_the_batch_as_it_was);
    tcase_add_test(tc, writing_to_a_closed_connection_fails_without_a_signal);
    tcase_add_test(tc, shutdown_wakes_a_blocked_receive);
    tcase_add_test(tc, shutdown_wakes_a_blocked_write);
    tcase_add_test(tc, two_connections_understand_each_other);
    return tc;
}
