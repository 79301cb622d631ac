/* What a peer tells its owner, and what it sends for it in a special way. */
#include <config.h>

#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "check_peer.h"
#include "peer/peer_int.h"

static void quiet(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->first_ping_us = -1;
}

/* ---- on_read, on_write ----------------------------------------------------- */

struct seen {
    enum ptd_msg_type type; /* PTD_MSG_UNKNOWN: no message */
    size_t wire_bytes;
    enum ptd_err err;
};

/* What the hooks told, in order; each is written by one thread at a time. */
static struct ptd_chan *reads, *writes; /* struct seen */

static void note(struct ptd_chan *c, size_t wire_bytes,
                 const struct ptd_msg *msg, enum ptd_err err)
{
    struct seen s = { msg != NULL ? msg->type : PTD_MSG_UNKNOWN, wire_bytes,
                      err };

    ck_assert_int_eq(ptd_chan_try_send(c, &s), PTD_OK);
}

static void on_read(struct ptd_peer *p, size_t wire_bytes, struct ptd_msg *msg,
                    enum ptd_err err, void *arg)
{
    (void)p;
    (void)arg;
    note(reads, wire_bytes, msg, err);
}

static void on_write(struct ptd_peer *p, size_t wire_bytes, struct ptd_msg *msg,
                     enum ptd_err err, void *arg)
{
    (void)p;
    (void)arg;
    note(writes, wire_bytes, msg, err);
}

static void watched(struct ptd_peer_config *cfg, bool is_outbound)
{
    quiet(cfg, is_outbound);
    cfg->conduct = PTD_CONDUCT_TOLERANT;
    cfg->hooks.on_read = on_read;
    cfg->hooks.on_write = on_write;
}

static void watch(struct solo *r)
{
    reads = ptd_chan_new(sizeof(struct seen), 64);
    writes = ptd_chan_new(sizeof(struct seen), 64);
    ck_assert(reads != NULL && writes != NULL);
    rig_solo_start(r, PTD_INBOUND, SOLO_REAL_CLOCK, watched);
    rig_solo_handshake(r);
}

static void watch_end(struct solo *r)
{
    rig_solo_end(r);
    ptd_chan_free(reads);
    ptd_chan_free(writes);
}

static void assert_next(struct ptd_chan *c, enum ptd_msg_type type,
                        size_t wire_bytes, enum ptd_err err)
{
    int64_t until = ptd_clock_now_us(NULL) + 20 * SECOND_US;
    struct seen s;

    ck_assert_int_eq(ptd_chan_recv_until(c, &s, NULL, until), PTD_OK);
    ck_assert_msg(s.type == type && s.err == err &&
                      (wire_bytes == 0 || s.wire_bytes == wire_bytes),
                  "told %s of %zu bytes (%s), not %s of %zu (%s)",
                  ptd_msg_type_command(s.type), s.wire_bytes,
                  ptd_err_name(s.err), ptd_msg_type_command(type), wire_bytes,
                  ptd_err_name(err));
}

START_TEST(on_read_tells_of_each_frame)
{
    struct ptd_v1_header h = { .command = "getaddr", .checksum = { 1 } };
    uint8_t bad[PTD_V1_HEADER_BYTES];
    struct solo r;

    watch(&r);
    rig_send_raw(&r, "nonsense", "abc", 3);
    memcpy(h.magic, r.magic, 4);
    ptd_v1_header_encode(&h, bad);
    rig_send_bytes(&r, bad, sizeof bad);
    rig_send_raw(&r, "ping", "abc", 3);
    rig_send_raw(&r, "ping", "12345678and more", 16);
    rig_send(&r, ptd_msg_new(PTD_MSG_GETADDR));
    assert_next(reads, PTD_MSG_VERSION, 0, PTD_OK);
    assert_next(reads, PTD_MSG_VERACK, 24, PTD_OK);
    assert_next(reads, PTD_MSG_UNKNOWN, 27, PTD_EUNKNOWN);
    assert_next(reads, PTD_MSG_UNKNOWN, 24, PTD_ECHECKSUM);
    assert_next(reads, PTD_MSG_UNKNOWN, 27, PTD_ESHORT);
    assert_next(reads, PTD_MSG_PING, 40, PTD_OK);
    assert_next(reads, PTD_MSG_GETADDR, 24, PTD_OK);
    ck_assert_uint_eq(ptd_chan_len(reads), 0);
    watch_end(&r);
}
END_TEST

START_TEST(on_write_tells_of_each_message)
{
    struct ptd_peer_stats s;
    struct solo r;

    watch(&r);
    ck_assert_int_eq(
        ptd_peer_queue(r.s.peer, rig_sample(PTD_MSG_GETADDR), NULL), PTD_OK);
    assert_next(writes, PTD_MSG_VERSION, 0, PTD_OK);
    assert_next(writes, PTD_MSG_VERACK, 24, PTD_OK);
    assert_next(writes, PTD_MSG_GETADDR, 24, PTD_OK);
    ck_assert_int_eq(ptd_peer_queue(r.s.peer, rig_sample(PTD_MSG_INV), NULL),
                     PTD_OK);
    assert_next(writes, PTD_MSG_INV, 24 + 37, PTD_OK);
    /* 70015 is spoken: it has no such message. */
    ck_assert_int_eq(
        ptd_peer_queue(r.s.peer, rig_sample(PTD_MSG_FEATURE), NULL), PTD_OK);
    assert_next(writes, PTD_MSG_FEATURE, 0, PTD_EVERSION);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_uint_eq(s.sent[PTD_MSG_INV].bytes, 24 + 37);
    ck_assert_uint_eq(s.sent[PTD_MSG_FEATURE].n, 0);
    ck_assert_uint_eq(ptd_chan_len(writes), 0);
    watch_end(&r);
}
END_TEST

/* ---- on_room --------------------------------------------------------------- */

static struct ptd_chan *rooms; /* a signal each time */

static void on_room(struct ptd_peer *p, void *arg)
{
    (void)p;
    (void)arg;
    ck_assert_int_eq(ptd_chan_try_send(rooms, NULL), PTD_OK);
}

static void roomy(struct ptd_peer_config *cfg, bool is_outbound)
{
    quiet(cfg, is_outbound);
    cfg->hooks.on_room = on_room;
}

static struct ptd_msg *big(size_t n)
{
    void *zeros = calloc(1, n);
    struct ptd_msg *m = ptd_msg_new_raw("anything", zeros, n);

    ck_assert_ptr_nonnull(m);
    free(zeros);
    return m;
}

/* Two that are larger than all buffers on the way: while nobody reads, the
 * second one waits. */
static void stuff(struct solo *r)
{
    int small = 65536;

    ck_assert_int_eq(
        setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    ck_assert_int_eq(setsockopt(ptd_conn_fd(r->s.peer->conn), SOL_SOCKET,
                                SO_SNDBUF, &small, sizeof small),
                     0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ptd_peer_queue(r->s.peer, big(2000000), NULL), PTD_OK);
}

static void read_on(struct solo *r, int n)
{
    struct rig_frame f;

    for (int i = 0; i < n; i++) {
        ck_assert(rig_recv_type(r, PTD_MSG_UNKNOWN, &f));
        ck_assert_uint_eq(f.n, 2000000);
        rig_frame_free(&f);
    }
}

START_TEST(who_was_refused_hears_of_room)
{
    struct solo r;

    rooms = ptd_chan_new(0, 8);
    ck_assert_ptr_nonnull(rooms);
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, roomy);
    rig_solo_handshake(&r);
    stuff(&r);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(
            ptd_peer_try_queue(r.s.peer, rig_sample(PTD_MSG_PING), NULL),
            PTD_EFULL);
    ck_assert_uint_eq(ptd_chan_len(rooms), 0);
    read_on(&r, 2);
    ck_assert_int_eq(
        ptd_chan_recv_until(rooms, NULL, NULL,
                            ptd_clock_now_us(NULL) + 20 * SECOND_US),
        PTD_OK);
    ck_assert_int_eq(
        ptd_peer_try_queue(r.s.peer, rig_sample(PTD_MSG_GETADDR), NULL),
        PTD_OK);
    rig_sync(&r);
    rig_solo_end(&r);
    ck_assert_uint_eq(ptd_chan_len(rooms), 0); /* once for all three */
    ptd_chan_free(rooms);
}
END_TEST

START_TEST(who_was_not_refused_does_not_hear_of_room)
{
    struct solo r;

    rooms = ptd_chan_new(0, 8);
    ck_assert_ptr_nonnull(rooms);
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, roomy);
    rig_solo_handshake(&r);
    stuff(&r);
    read_on(&r, 2);
    rig_sync(&r);
    rig_solo_end(&r);
    ck_assert_uint_eq(ptd_chan_len(rooms), 0);
    ptd_chan_free(rooms);
}
END_TEST

/* ---- hooks in a caller's thread -------------------------------------------- */

static struct {
    struct ptd_chan *entered, *leave;
    atomic_bool is_inside, gone_meanwhile, is_armed;
} writer;

static void slow_write(struct ptd_peer *p, size_t wire_bytes,
                       struct ptd_msg *msg, enum ptd_err err, void *arg)
{
    (void)p;
    (void)wire_bytes;
    (void)msg;
    (void)err;
    (void)arg;
    if (!atomic_exchange(&writer.is_armed, false))
        return;
    atomic_store(&writer.is_inside, true);
    ck_assert_int_eq(ptd_chan_send(writer.entered, NULL), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv(writer.leave, NULL), PTD_OK);
    atomic_store(&writer.is_inside, false);
}

static void gone_after_write(struct ptd_peer *p, void *arg)
{
    struct subject *s = arg;
    struct event ev = { p, EV_GONE, PTD_MSG_UNKNOWN };

    if (atomic_load(&writer.is_inside))
        atomic_store(&writer.gone_meanwhile, true);
    (void)!ptd_chan_try_send(s->events, &ev);
}

static void slow(struct ptd_peer_config *cfg, bool is_outbound)
{
    quiet(cfg, is_outbound);
    cfg->hooks.on_write = slow_write;
    cfg->hooks.on_gone = gone_after_write;
}

static void *writer_main(void *peer)
{
    ck_assert_int_eq(ptd_peer_queue(peer, rig_sample(PTD_MSG_GETADDR), NULL),
                     PTD_OK);
    return NULL;
}

/* Whoever writes to it directly may be inside a hook: its owner may not yet
 * free what the hook looks at. */
START_TEST(peer_is_not_gone_while_a_caller_is_in_a_hook)
{
    struct ptd_peer *p;
    struct solo r;
    pthread_t t;

    writer.entered = ptd_chan_new(0, 1);
    writer.leave = ptd_chan_new(0, 1);
    ck_assert(writer.entered != NULL && writer.leave != NULL);
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, slow);
    rig_solo_handshake(&r);
    p = r.s.peer;
    rig_sync(&r);
    atomic_store(&writer.is_armed, true);
    ck_assert_int_eq(pthread_create(&t, NULL, writer_main, p), 0);
    ck_assert_int_eq(ptd_chan_recv(writer.entered, NULL), PTD_OK);
    ptd_peer_disconnect(p, PTD_ECLOSED, "enough");
    while (atomic_load(&p->n_running) > 1)
        sched_yield();
    ck_assert_int_eq(atomic_load(&p->n_running), 1);
    ck_assert_int_eq(ptd_chan_send(writer.leave, NULL), PTD_OK);
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ck_assert(!atomic_load(&writer.gone_meanwhile));
    pthread_join(t, NULL);
    rig_solo_end(&r);
    ptd_chan_free(writer.entered);
    ptd_chan_free(writer.leave);
}
END_TEST

/* ---- push_reject -------------------------------------------------------------- */

static const struct {
    uint32_t pver;
    const char *command;
    bool with_hash;
    enum ptd_reject_wait wait;
    size_t n; /* bytes of the payload; 0: none is sent */
} rejects[] = {
    { 70001, "tx", true, PTD_REJECT_QUEUE, 0 },
    { 70002, "tx", true, PTD_REJECT_QUEUE, 1 + 2 + 1 + 1 + 4 + 32 },
    { 70015, "block", true, PTD_REJECT_WAIT, 1 + 5 + 1 + 1 + 4 + 32 },
    { 70015, "version", false, PTD_REJECT_WAIT, 1 + 7 + 1 + 1 + 4 },
    { 70016, "tx", true, PTD_REJECT_WAIT, 0 },
};

START_TEST(reject_goes_to_versions_that_have_it)
{
    size_t n = strlen(rejects[_i].command);
    struct ptd_hash hash = { { 7 } };
    struct ptd_peer_stats s;
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, quiet);
    r.pver = rejects[_i].pver;
    rig_solo_handshake(&r);
    ck_assert_int_eq(ptd_peer_push_reject(r.s.peer, rejects[_i].command,
                                          PTD_REJECT_INVALID, "why?",
                                          rejects[_i].with_hash ? &hash : NULL,
                                          rejects[_i].wait),
                     PTD_OK);
    if (rejects[_i].wait == PTD_REJECT_WAIT) { /* it is on the wire */
        ptd_peer_stats(r.s.peer, &s);
        ck_assert_uint_eq(s.sent[PTD_MSG_REJECT].n, rejects[_i].n != 0);
    }
    if (rejects[_i].n != 0) {
        ck_assert(rig_recv_type(&r, PTD_MSG_REJECT, &f));
        ck_assert_uint_eq(f.n, rejects[_i].n);
        ck_assert_mem_eq(f.payload + 1, rejects[_i].command, n);
        ck_assert_uint_eq(f.payload[1 + n], PTD_REJECT_INVALID);
        ck_assert_mem_eq(f.payload + 1 + n + 2, "why?", 4);
        if (rejects[_i].with_hash)
            ck_assert_mem_eq(f.payload + 1 + n + 6, hash.b, 32);
        rig_frame_free(&f);
    }
    rig_sync(&r);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_uint_eq(s.sent[PTD_MSG_REJECT].n, rejects[_i].n != 0);
    rig_solo_end(&r);
}
END_TEST

START_TEST(reject_to_a_peer_that_is_gone_does_not_wait)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, quiet);
    rig_solo_handshake(&r);
    ptd_peer_disconnect(r.s.peer, PTD_ECLOSED, "enough");
    ck_assert_int_eq(ptd_peer_push_reject(r.s.peer, "version",
                                          PTD_REJECT_INVALID, "why?", NULL,
                                          PTD_REJECT_WAIT),
                     PTD_ECLOSED);
    rig_solo_end(&r);
}
END_TEST

/* ---- encodings ------------------------------------------------------------------ */

static struct ptd_msg *tx_with_witness(void)
{
    struct ptd_msg *m = rig_sample(PTD_MSG_TX);
    struct ptd_tx *tx = &((struct ptd_msg_tx *)(void *)m)->tx;
    struct ptd_bytes *item = ptd_msg_alloc(m, 1, sizeof *item);

    ck_assert_ptr_nonnull(item);
    ck_assert_int_eq(ptd_msg_copy_bytes(m, item, "sign", 4), PTD_OK);
    tx->in[0].witness = item;
    tx->in[0].n_witness = 1;
    tx->has_witness = true;
    return m;
}

/* Without: version, one input (script of 1), one output (the same), lock time;
 * with: marker, flag, one item of 4 bytes. */
enum {
    BASE_BYTES = 4 + 1 + 42 + 1 + 10 + 4,
    WITNESS_BYTES = BASE_BYTES + 2 + 1 + 1 + 4
};

static void assert_tx(struct solo *r, size_t n)
{
    struct rig_frame f;

    ck_assert(rig_recv_type(r, PTD_MSG_TX, &f));
    ck_assert_uint_eq(f.n, n);
    rig_frame_free(&f);
}

START_TEST(encoding_of_transactions_can_be_chosen)
{
    struct ptd_msg *version, *m = tx_with_witness();
    struct ptd_peer *p;
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, quiet);
    p = r.s.peer;
    version = rig_version(&r);
    if (_i == 0) /* else it offers NODE_WITNESS */
        ((struct ptd_msg_version *)(void *)version)->services =
            PTD_NODE_NETWORK;
    rig_send(&r, version);
    ck_assert(rig_recv_type(&r, PTD_MSG_VERACK, &f));
    rig_frame_free(&f);
    rig_send(&r, ptd_msg_new(PTD_MSG_VERACK));
    ck_assert_int_eq(ptd_peer_queue(p, ptd_msg_ref(m), NULL), PTD_OK);
    assert_tx(&r, _i == 0 ? BASE_BYTES : WITNESS_BYTES);
    ck_assert_int_eq(
        ptd_peer_queue_encoded(p, ptd_msg_ref(m), NULL, PTD_ENC_BASE), PTD_OK);
    assert_tx(&r, BASE_BYTES);
    ck_assert_int_eq(ptd_peer_queue_encoded(p, m, NULL, PTD_ENC_WITNESS),
                     PTD_OK);
    assert_tx(&r, WITNESS_BYTES);
    rig_solo_end(&r);
}
END_TEST

/* ---- addresses -------------------------------------------------------------------- */

static void hidden(struct ptd_peer_config *cfg, bool is_outbound)
{
    quiet(cfg, is_outbound);
    cfg->hide_addr = true;
}

/* In the version message: 4 bytes of version, 8 of services, 8 of time, then
 * services, address and port of the receiver. */
START_TEST(address_of_a_proxy_is_told_to_nobody)
{
    static const uint8_t zeros[18];
    struct ptd_peer_stats s;
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_OUTBOUND, SOLO_REAL_CLOCK, _i ? hidden : quiet);
    ck_assert(rig_recv_type(&r, PTD_MSG_VERSION, &f));
    ck_assert_uint_gt(f.n, 46);
    ptd_peer_stats(r.s.peer, &s);
    if (_i == 0) {
        ck_assert_int_eq(s.addr.net, PTD_NET_IPV4);
        ck_assert_mem_eq(f.payload + 28 + 12, "\x7f\x00\x00\x01", 4);
        ck_assert_uint_eq(f.payload[44] * 256u + f.payload[45], s.addr.port);
    } else {
        ck_assert_int_eq(s.addr.net, PTD_NET_NONE);
        ck_assert_mem_eq(f.payload + 28, zeros, sizeof zeros);
    }
    rig_frame_free(&f);
    rig_solo_end(&r);
}
END_TEST

/* ---- texts for the log --------------------------------------------------------------- */

/* The program is linked such that the room's calls come here. */
static atomic_int n_summaries, n_dumps;

const char *__wrap_ptd_msg_summary(const struct ptd_msg *m, char *out,
                                   size_t cap);
const char *__real_ptd_msg_summary(const struct ptd_msg *m, char *out,
                                   size_t cap);
char *__wrap_ptd_msg_dump(const struct ptd_msg *m, size_t max_items);
char *__real_ptd_msg_dump(const struct ptd_msg *m, size_t max_items);

const char *__wrap_ptd_msg_summary(const struct ptd_msg *m, char *out,
                                   size_t cap)
{
    atomic_fetch_add(&n_summaries, 1);
    return __real_ptd_msg_summary(m, out, cap);
}

char *__wrap_ptd_msg_dump(const struct ptd_msg *m, size_t max_items)
{
    atomic_fetch_add(&n_dumps, 1);
    return __real_ptd_msg_dump(m, max_items);
}

/* By level: whether texts of one line and of all fields are made. */
static const struct {
    enum ptd_log_level level;
    bool summaries, dumps;
} levels[] = {
    { PTD_LOG_INFO, false, false },
    { PTD_LOG_DEBUG, true, false },
    { PTD_LOG_TRACE, true, true },
};

START_TEST(texts_are_made_where_they_are_logged)
{
    struct rig_log log;
    struct solo r;

    /* Where tests share one process, others made some before. */
    atomic_store(&n_summaries, 0);
    atomic_store(&n_dumps, 0);
    rig_log_start(&log, levels[_i].level);
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, quiet);
    rig_solo_handshake(&r);
    rig_send(&r, rig_sample(PTD_MSG_INV));
    rig_sync(&r);
    rig_solo_end(&r);
    rig_log_stop(&log);
    /* Received: version, verack, inv, ping; sent: version, verack, pong. */
    ck_assert_int_eq(atomic_load(&n_summaries), levels[_i].summaries ? 7 : 0);
    ck_assert_int_eq(atomic_load(&n_dumps), levels[_i].dumps ? 7 : 0);
}
END_TEST

TCase *tcase_hooks(void)
{
    TCase *tc = tcase_create("hooks");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, on_read_tells_of_each_frame);
    tcase_add_test(tc, on_write_tells_of_each_message);
    tcase_add_test(tc, who_was_refused_hears_of_room);
    tcase_add_test(tc, who_was_not_refused_does_not_hear_of_room);
    tcase_add_test(tc, peer_is_not_gone_while_a_caller_is_in_a_hook);
    tcase_add_loop_test(tc, reject_goes_to_versions_that_have_it, 0,
                        PTD_COUNT(rejects));
    tcase_add_test(tc, reject_to_a_peer_that_is_gone_does_not_wait);
    tcase_add_loop_test(tc, encoding_of_transactions_can_be_chosen, 0, 2);
    tcase_add_loop_test(tc, address_of_a_proxy_is_told_to_nobody, 0, 2);
    tcase_add_loop_test(tc, texts_are_made_where_they_are_logged, 0,
                        PTD_COUNT(levels));
    return tc;
}
