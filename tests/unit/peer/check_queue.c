/* The way out: order, done signals, inventory, addresses, back-pressure. */
#include <config.h>

#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/util.h"
#include "check_peer.h"
#include "peer/peer_int.h"
#include "pentad/params.h"

/* A sanitizer slows threads down a lot. */
#ifdef PTD_SANITIZER
enum { RUNNING_SLOWLY = 1 };
#else
enum { RUNNING_SLOWLY = 0 };
#endif

static void plain(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->direct_write = false;
}

static void quiet(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->first_ping_us = -1;
}

/* ---- order and done ------------------------------------------------------------- */

START_TEST(messages_leave_in_order_and_each_is_signalled_once)
{
    enum { N = 3000 };
    struct ptd_chan *done = ptd_chan_new(sizeof(enum ptd_err), N + 1);
    struct rig_frame f;
    enum ptd_err how;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, _i ? plain : quiet);
    rig_solo_handshake(&r);
    for (uint64_t i = 0; i < N; i++)
        ck_assert_int_eq(
            ptd_peer_queue(r.s.peer, ptd_msg_new_nonce(PTD_MSG_PONG, i), done),
            PTD_OK);
    for (uint64_t i = 0; i < N; i++) {
        ck_assert(rig_recv_type(&r, PTD_MSG_PONG, &f));
        ck_assert_uint_eq(ptd_get_le64(f.payload), i);
        rig_frame_free(&f);
        ck_assert_int_eq(ptd_chan_recv(done, &how), PTD_OK);
        ck_assert_int_eq(how, PTD_OK);
    }
    rig_solo_end(&r);
    ck_assert_uint_eq(ptd_chan_len(done), 0);
    ck_assert_int_eq(ptd_chan_reserve(done), PTD_OK); /* no slot is kept */
    ptd_chan_unreserve(done);
    ptd_chan_free(done);
}
END_TEST

static const size_t no_signals[] = { 1, sizeof(enum ptd_err) - 1,
                                     sizeof(enum ptd_err) + 1, 64 };

START_TEST(done_must_be_made_for_signals)
{
    struct ptd_chan *done = ptd_chan_new(no_signals[_i], 1);
    struct duo d;

    rig_duo_make(&d, NULL, NULL);
    ck_assert_int_eq(ptd_peer_queue(d.out.peer, rig_sample(PTD_MSG_PING), done),
                     PTD_EINVAL);
    ck_assert_int_eq(
        ptd_peer_try_queue(d.out.peer, rig_sample(PTD_MSG_PING), done),
        PTD_EINVAL);
    rig_duo_end(&d);
    ck_assert_uint_eq(ptd_chan_len(done), 0);
    ck_assert_int_eq(ptd_chan_reserve(done), PTD_OK);
    ptd_chan_unreserve(done);
    ptd_chan_free(done);
}
END_TEST

START_TEST(queued_before_the_handshake_leaves_after_verack)
{
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, quiet);
    ck_assert_int_eq(
        ptd_peer_queue(r.s.peer, ptd_msg_new_nonce(PTD_MSG_PONG, 1), NULL),
        PTD_OK);
    rig_send(&r, rig_version(&r));
    ck_assert(rig_recv(&r, &f));
    ck_assert_int_eq(f.type, PTD_MSG_VERSION);
    rig_frame_free(&f);
    ck_assert(rig_recv(&r, &f)); /* 70015: no feature messages */
    ck_assert_int_eq(f.type, PTD_MSG_VERACK);
    rig_frame_free(&f);
    rig_send(&r, ptd_msg_new(PTD_MSG_VERACK));
    ck_assert(rig_recv(&r, &f));
    ck_assert_int_eq(f.type, PTD_MSG_PONG);
    rig_frame_free(&f);
    rig_solo_end(&r);
}
END_TEST

static struct ptd_msg *queue_three(struct ptd_peer *p,
                                   const struct ptd_msg_version *v, void *arg)
{
    enum ptd_err *got = arg;

    (void)v;
    for (int i = 0; i < 3; i++)
        got[i] = ptd_peer_queue(p, ptd_msg_new_nonce(PTD_MSG_PONG, 1), NULL);
    return NULL;
}

/* Nobody empties the queue yet: waiting for room would be waiting for ever. */
START_TEST(callback_before_ready_never_waits_for_room)
{
    const struct ptd_params *params = ptd_params_by_name("regtest");
    enum ptd_err got[3] = { PTD_EIO, PTD_EIO, PTD_EIO };
    struct ptd_env *env = ptd_env_new(NULL);
    struct ptd_peer_config cfg;
    struct ptd_peer *p;
    struct rig_frame f;
    struct solo r = { .pver = 70015 };
    int fd[2];

    ck_assert_ptr_nonnull(env);
    ptd_peer_config_init(&cfg, params);
    cfg.output_queue = 1;
    cfg.hooks.on_version = queue_three;
    cfg.hooks.arg = got;
    ck_assert_int_eq(ptd_peer_new(&p, env, &cfg, PTD_INBOUND, NULL), PTD_OK);
    rig_tcp_pair(fd);
    r.fd = fd[0];
    memcpy(r.magic, params->magic, sizeof r.magic);
    ck_assert_int_eq(ptd_peer_attach(p, fd[1]), PTD_OK);
    rig_send(&r, rig_version(&r));
    ck_assert(rig_recv_type(&r, PTD_MSG_VERACK, &f)); /* behind the callback */
    rig_frame_free(&f);
    close(fd[0]);
    ptd_peer_join(p);
    ck_assert_int_eq(got[0], PTD_OK);
    ck_assert_int_eq(got[1], PTD_EFULL);
    ck_assert_int_eq(got[2], PTD_EFULL);
    ptd_peer_free(p);
    ptd_env_free(env);
}
END_TEST

struct held {
    struct ptd_peer *peer;
    struct ptd_chan *entered, *leave; /* the callback */
    struct ptd_chan *returned;        /* the caller; enum ptd_err */
};

static struct ptd_msg *held_version(struct ptd_peer *p,
                                    const struct ptd_msg_version *v, void *arg)
{
    struct held *h = arg;

    (void)p;
    (void)v;
    ck_assert_int_eq(ptd_chan_send(h->entered, NULL), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv(h->leave, NULL), PTD_OK);
    return NULL;
}

static void *caller_main(void *arg)
{
    struct held *h = arg;
    enum ptd_err e = PTD_OK;

    while (e == PTD_OK)
        e = ptd_peer_queue(h->peer, ptd_msg_new_nonce(PTD_MSG_PONG, 1), NULL);
    ck_assert_int_eq(ptd_chan_send(h->returned, &e), PTD_OK);
    return NULL;
}

static struct held *held_back; /* for tune, which takes no argument */

static void hold_version(struct ptd_peer_config *cfg, bool is_outbound)
{
    quiet(cfg, is_outbound);
    cfg->output_queue = 1;
    cfg->hooks.on_version = held_version;
    cfg->hooks.arg = held_back;
    cfg->hooks.on_ready = NULL;
    cfg->hooks.on_gone = NULL;
    cfg->hooks.on_unknown = NULL;
}

/* A callback of the handshake may wait for whom the full queue holds. */
START_TEST(disconnect_wakes_who_waits_for_room_before_ready)
{
    struct held h = { NULL, ptd_chan_new(0, 1), ptd_chan_new(0, 1),
                      ptd_chan_new(sizeof(enum ptd_err), 1) };
    enum ptd_err e = PTD_OK;
    struct ptd_peer_stats s;
    struct solo r;
    pthread_t t;

    held_back = &h;
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, hold_version);
    h.peer = r.s.peer;
    rig_send(&r, rig_version(&r));
    ck_assert_int_eq(ptd_chan_recv(h.entered, NULL), PTD_OK);
    ck_assert_int_eq(pthread_create(&t, NULL, caller_main, &h), 0);
    do /* one message is in the queue, one waits for room */
        ptd_peer_stats(r.s.peer, &s);
    while (s.n_output != 2);
    ptd_peer_disconnect(r.s.peer, PTD_ECLOSED, "enough");
    ck_assert_int_eq(
        ptd_chan_recv_until(h.returned, &e, NULL,
                            ptd_clock_now_us(NULL) + 20 * SECOND_US),
        PTD_OK);
    ck_assert_int_eq(e, PTD_ECLOSED);
    ck_assert_int_eq(ptd_chan_send(h.leave, NULL), PTD_OK);
    pthread_join(t, NULL);
    rig_solo_end(&r);
    ptd_chan_free(h.entered);
    ptd_chan_free(h.leave);
    ptd_chan_free(h.returned);
}
END_TEST

START_TEST(failed_handshake_signals_what_was_queued)
{
    struct ptd_chan *done = ptd_chan_new(sizeof(enum ptd_err), 8);
    enum ptd_err how = PTD_OK;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, quiet);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(
            ptd_peer_queue(r.s.peer, rig_sample(PTD_MSG_PING), done), PTD_OK);
    ptd_clock_advance_us(r.clk, 30 * SECOND_US);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(ptd_chan_recv(done, &how), PTD_OK);
        ck_assert_int_eq(how, PTD_ECLOSED);
    }
    rig_solo_end(&r);
    ptd_chan_free(done);
}
END_TEST

/* A message that the negotiated version lacks cannot be sent; many of them do
 * not fill the log. */
START_TEST(message_that_cannot_be_encoded_is_dropped_and_told_once)
{
    struct ptd_chan *done = ptd_chan_new(sizeof(enum ptd_err), 100);
    const char *fork = getenv("CK_FORK");
    /* Where tests share one process the minute of the first one counts on. */
    bool is_told = _i == 0 || fork == NULL || strcmp(fork, "no") != 0;
    struct rig_log log;
    enum ptd_err how;
    struct solo r;

    rig_log_start(&log, PTD_LOG_WARN);
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, _i ? plain : quiet);
    rig_solo_handshake(&r);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(
            ptd_peer_queue(r.s.peer, rig_sample(PTD_MSG_FEATURE), done),
            PTD_OK);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(ptd_chan_recv(done, &how), PTD_OK);
        ck_assert_int_ne(how, PTD_OK);
    }
    rig_sync(&r); /* the others go on */
    rig_log_stop(&log);
    if (is_told)
        ck_assert_uint_eq(rig_log_count(&log, "cannot encode feature"), 1);
    else
        ck_assert_uint_le(rig_log_count(&log, "cannot encode feature"), 1);
    rig_solo_end(&r);
    ptd_chan_free(done);
}
END_TEST

/* ---- inventory --------------------------------------------------------------------- */

static struct ptd_inv inv_of(uint32_t type, uint32_t k)
{
    struct ptd_inv inv = { type, { { 0 } } };

    ptd_put_le32(inv.hash.b, k);
    return inv;
}

static void queue_invs(struct solo *r, uint32_t type, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        struct ptd_inv inv = inv_of(type, k);

        ck_assert_int_eq(ptd_peer_queue_inv(r->s.peer, &inv), PTD_OK);
    }
}

static uint32_t recv_inv(struct solo *r)
{
    struct rig_frame f;
    uint32_t n;

    ck_assert(rig_recv_type(r, PTD_MSG_INV, &f));
    n = f.payload[0] < 0xfd ? f.payload[0] : ptd_get_le16(f.payload + 1);
    rig_frame_free(&f);
    return n;
}

/* Wait until queue has taken over so many vectors. */
static void await_held(struct solo *r, unsigned n)
{
    struct ptd_peer_stats s;

    do
        ptd_peer_stats(r->s.peer, &s);
    while (s.n_inv != n);
}

static void long_idle(struct ptd_peer_config *cfg, bool is_outbound)
{
    quiet(cfg, is_outbound);
    cfg->idle_us = 0;
    cfg->known_inv = 5000;
}

START_TEST(inventory_trickles_in_batches_of_1000)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, long_idle);
    rig_solo_handshake(&r);
    queue_invs(&r, PTD_INV_TX, 2500);
    await_held(&r, 2500);
    ptd_clock_advance_us(r.clk, 10 * SECOND_US);
    ck_assert_uint_eq(recv_inv(&r), 1000);
    ck_assert_uint_eq(recv_inv(&r), 1000);
    ck_assert_uint_eq(recv_inv(&r), 500);
    queue_invs(&r, PTD_INV_WITNESS_TX, 2500); /* the same objects */
    rig_sync(&r);
    ptd_clock_advance_us(r.clk, 10 * SECOND_US);
    rig_sync(&r); /* and no inv comes before its pong */
    rig_solo_end(&r);
}
END_TEST

/* A bound to what waits, and all of it leaves at the next beat: neither can it
 * grow from beat to beat. */
START_TEST(inventory_that_waits_is_bounded)
{
    enum { MAX = 50000 };
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, long_idle);
    rig_solo_handshake(&r);
    queue_invs(&r, PTD_INV_TX, MAX + 5000);
    await_held(&r, MAX);
    ptd_clock_advance_us(r.clk, 10 * SECOND_US);
    for (int i = 0; i < MAX / 1000; i++)
        ck_assert_uint_eq(recv_inv(&r), 1000);
    rig_sync(&r); /* and no inv comes before its pong */
    rig_solo_end(&r);
}
END_TEST

START_TEST(block_is_announced_at_once_and_not_twice)
{
    struct ptd_inv inv = inv_of(PTD_INV_BLOCK, 7);
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, long_idle);
    rig_solo_handshake(&r);
    ck_assert_int_eq(ptd_peer_queue_inv(r.s.peer, &inv), PTD_OK);
    ck_assert_uint_eq(recv_inv(&r), 1);
    ck_assert_int_eq(ptd_peer_queue_inv(r.s.peer, &inv), PTD_OK);
    rig_sync(&r);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_uint_eq(s.sent[PTD_MSG_INV].n, 1);
    rig_solo_end(&r);
}
END_TEST

START_TEST(known_inventory_is_not_announced)
{
    struct ptd_inv a = inv_of(PTD_INV_TX, 1), b = inv_of(PTD_INV_TX, 2);
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, long_idle);
    rig_solo_handshake(&r);
    ptd_peer_add_known_inv(r.s.peer, &a);
    ck_assert(ptd_peer_knows_inv(r.s.peer, &a));
    ck_assert(!ptd_peer_knows_inv(r.s.peer, &b));
    ck_assert_int_eq(ptd_peer_queue_inv(r.s.peer, &a), PTD_OK);
    ck_assert_int_eq(ptd_peer_queue_inv(r.s.peer, &b), PTD_OK);
    await_held(&r, 1);
    ptd_clock_advance_us(r.clk, 10 * SECOND_US);
    ck_assert_uint_eq(recv_inv(&r), 1);
    rig_solo_end(&r);
}
END_TEST

START_TEST(least_recently_known_gives_way)
{
    struct known_inv k;

    ptd_known_init(&k, 1000);
    for (uint32_t i = 0; i < 5000; i++) {
        struct ptd_inv inv = inv_of(PTD_INV_TX, i), first;

        ptd_known_add(&k, &inv);
        first = inv_of(PTD_INV_TX, 0);
        ptd_known_add(&k, &first); /* used again and again: stays */
        ck_assert(ptd_known_has(&k, &inv));
        ck_assert(ptd_known_has(&k, &first));
        ck_assert_uint_le(k.n, 1000);
    }
    for (uint32_t i = 1; i < 5000; i++) {
        struct ptd_inv inv = inv_of(PTD_INV_TX, i);

        ck_assert(ptd_known_has(&k, &inv) == (i >= 4001));
    }
    ptd_known_fini(&k);
}
END_TEST

/* ---- pushes ---------------------------------------------------------------------------- */

START_TEST(addresses_beyond_1000_are_a_sample_without_repeats)
{
    enum { N = 2500 };
    static struct ptd_addr_entry list[N], sent[PTD_MAX_ADDR_PER_MSG];
    static bool seen[N];
    size_t n_sent;
    struct rig_frame f;
    struct solo r;

    for (uint32_t i = 0; i < N; i++) {
        uint8_t ip[4] = { 8, 8, (uint8_t)(i >> 8), (uint8_t)i };

        ck_assert_int_eq(
            ptd_netaddr_set(&list[i].na, PTD_NET_IPV4, ip, 4, 8333), PTD_OK);
    }
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, quiet);
    rig_solo_handshake(&r);
    ck_assert_int_eq(ptd_peer_push_addr(r.s.peer, list, 0, sent, &n_sent),
                     PTD_OK);
    ck_assert_uint_eq(n_sent, 0);
    ck_assert_int_eq(ptd_peer_push_addr(r.s.peer, list, N, sent, &n_sent),
                     PTD_OK);
    ck_assert_uint_eq(n_sent, 1000);
    for (size_t i = 0; i < n_sent; i++) {
        size_t k = (size_t)sent[i].na.addr[2] * 256 + sent[i].na.addr[3];

        ck_assert(!seen[k]);
        seen[k] = true;
    }
    ck_assert(rig_recv_type(&r, PTD_MSG_ADDR, &f));
    ck_assert_uint_eq(f.n, 3 + 1000 * 30);
    rig_frame_free(&f);
    rig_solo_end(&r);
}
END_TEST

START_TEST(same_locator_twice_in_a_row_is_sent_once)
{
    struct ptd_hash a = { { 1 } }, b = { { 2 } }, stop = { { 0 } };
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, quiet);
    rig_solo_handshake(&r);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(ptd_peer_push_getheaders(r.s.peer, &a, 1, &stop),
                         PTD_OK);
        ck_assert_int_eq(ptd_peer_push_getblocks(r.s.peer, &a, 1, &stop),
                         PTD_OK);
    }
    ck_assert_int_eq(ptd_peer_push_getheaders(r.s.peer, &b, 1, &stop), PTD_OK);
    ck_assert_int_eq(ptd_peer_push_getheaders(r.s.peer, &a, 102, &stop),
                     PTD_ETOOBIG);
    rig_sync(&r);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_uint_eq(s.sent[PTD_MSG_GETHEADERS].n, 2);
    ck_assert_uint_eq(s.sent[PTD_MSG_GETBLOCKS].n, 1);
    rig_solo_end(&r);
}
END_TEST

static const struct ptd_hash a_block = { { 1 } }, no_stop;

static struct ptd_msg *push_twice(struct ptd_peer *p,
                                  const struct ptd_msg_version *v, void *arg)
{
    (void)v;
    (void)arg;
    ck_assert_int_eq(
        ptd_peer_queue(p, ptd_msg_new_nonce(PTD_MSG_PONG, 1), NULL), PTD_OK);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ptd_peer_push_getheaders(p, &a_block, 1, &no_stop),
                         PTD_EFULL);
    return NULL;
}

static void push_early(struct ptd_peer_config *cfg, bool is_outbound)
{
    quiet(cfg, is_outbound);
    cfg->output_queue = 1;
    cfg->hooks.on_version = push_twice;
}

START_TEST(locator_that_could_not_be_sent_is_not_held_for_sent)
{
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, push_early);
    rig_solo_handshake(&r);
    ck_assert_int_eq(ptd_peer_push_getheaders(r.s.peer, &a_block, 1, &no_stop),
                     PTD_OK);
    ck_assert(rig_recv_type(&r, PTD_MSG_GETHEADERS, &f));
    rig_frame_free(&f);
    rig_solo_end(&r);
}
END_TEST

/* ---- back-pressure ------------------------------------------------------------------------ */

/* Pings and never reads: what is queued to it stays bounded, its reading
 * pauses, and the write deadline ends it. */
START_TEST(peer_that_pings_and_never_reads_is_bounded)
{
    enum { N = 20000 };
    const int small = 65536; /* or the system takes all of what is queued */
    struct ptd_v1_header h = { .command = "ping", .length = 8 };
    uint8_t *flood = malloc((size_t)N * 32), frame[32] = { 0 };
    struct ptd_peer_stats s;
    struct solo r;

    ck_assert_ptr_nonnull(flood);
    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, long_idle);
    rig_solo_handshake(&r);
    ck_assert_int_eq(
        setsockopt(r.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    ck_assert_int_eq(setsockopt(ptd_conn_fd(r.s.peer->conn), SOL_SOCKET,
                                SO_SNDBUF, &small, sizeof small),
                     0);
    memcpy(h.magic, r.magic, 4);
    ptd_v1_checksum(frame + 24, 8, h.checksum);
    ptd_v1_header_encode(&h, frame);
    for (size_t i = 0; i < N; i++)
        memcpy(flood + i * 32, frame, 32);
    do { /* until the peer stops taking them: its buffers are full, or paused */
        ssize_t k =
            send(r.fd, flood, (size_t)N * 32, MSG_DONTWAIT | MSG_NOSIGNAL);

        ptd_peer_stats(r.s.peer, &s);
        ck_assert_uint_le(s.queued_bytes, 1000000 + 200000);
        if (k < 0)
            sched_yield();
    } while (!s.paused);
    rig_step_over_write(&r, 120 * SECOND_US);
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_int_eq(s.end_err, PTD_ETIMEOUT);
    ck_assert_uint_eq(s.queued_bytes, 0);
    free(flood);
    rig_solo_end(&r);
}
END_TEST

static struct ptd_msg *four_megabytes(void)
{
    size_t n = 50000;
    struct ptd_inv *list = calloc(n, sizeof *list);
    struct ptd_msg *m =
        list != NULL ? ptd_msg_new_inv(PTD_MSG_INV, list, n) : NULL;

    ck_assert_ptr_nonnull(m);
    free(list);
    return m;
}

static enum ptd_err answer_with_much(struct ptd_peer *p, struct ptd_msg *m,
                                     void *arg)
{
    struct subject *s = arg;
    struct event ev = { p, EV_MSG, m->type };

    (void)!ptd_chan_try_send(s->events, &ev);
    return ptd_peer_queue(p, four_megabytes(), NULL);
}

/* Each asks the other for 3.6 MB, both at once: more than the send limit, and
 * neither may wait for the other to read first. */
START_TEST(two_that_send_much_at_once_do_not_lock)
{
    struct duo d;

    rig_duo_make(&d, NULL, quiet);
    ptd_peer_listen(d.in.peer, PTD_MSG_GETADDR, answer_with_much, &d.in);
    ptd_peer_listen(d.out.peer, PTD_MSG_GETADDR, answer_with_much, &d.out);
    rig_duo_start(&d);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            ptd_peer_queue(d.in.peer, ptd_msg_new(PTD_MSG_GETADDR), NULL),
            PTD_OK);
        ck_assert_int_eq(
            ptd_peer_queue(d.out.peer, ptd_msg_new(PTD_MSG_GETADDR), NULL),
            PTD_OK);
    }
    for (int i = 0; i < 2; i++) {
        (void)rig_wait(&d.in, EV_MSG, PTD_MSG_INV);
        (void)rig_wait(&d.out, EV_MSG, PTD_MSG_INV);
    }
    rig_duo_end(&d);
}
END_TEST

/* Answers with more than both sockets hold, and comes back to reading late. */
struct late {
    struct ptd_chan *entered, *leave;
};

static enum ptd_err answer_and_stay(struct ptd_peer *p, struct ptd_msg *m,
                                    void *arg)
{
    struct late *l = arg;

    (void)m;
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ptd_peer_queue(p, four_megabytes(), NULL), PTD_OK);
    ck_assert_int_eq(ptd_chan_send(l->entered, NULL), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv(l->leave, NULL), PTD_OK);
    return PTD_OK;
}

static void await_blocked_write(struct ptd_peer *p)
{
    while (atomic_load(&p->write_since_us) == 0) {
        ck_assert_int_eq(ptd_peer_state(p), PTD_PEER_READY);
        sched_yield();
    }
}

/* Neither reads until both are blocked in writing; then each has more to send
 * than its limit, and must read all the same. */
START_TEST(two_that_send_much_and_read_late_do_not_lock)
{
    const int small = 65536;
    struct late late = { ptd_chan_new(0, 2), ptd_chan_new(0, 2) };
    struct duo d;
    int fd[2];

    rig_duo_make(&d, NULL, quiet);
    ptd_peer_listen(d.in.peer, PTD_MSG_GETADDR, answer_and_stay, &late);
    ptd_peer_listen(d.out.peer, PTD_MSG_GETADDR, answer_and_stay, &late);
    rig_tcp_pair(fd);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
        ck_assert_int_eq(
            setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    }
    ck_assert_int_eq(ptd_peer_attach(d.in.peer, fd[0]), PTD_OK);
    ck_assert_int_eq(ptd_peer_attach(d.out.peer, fd[1]), PTD_OK);
    (void)rig_wait(&d.in, EV_READY, PTD_MSG_UNKNOWN);
    (void)rig_wait(&d.out, EV_READY, PTD_MSG_UNKNOWN);
    ck_assert_int_eq(
        ptd_peer_queue(d.in.peer, ptd_msg_new(PTD_MSG_GETADDR), NULL), PTD_OK);
    ck_assert_int_eq(
        ptd_peer_queue(d.out.peer, ptd_msg_new(PTD_MSG_GETADDR), NULL), PTD_OK);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ptd_chan_recv(late.entered, NULL), PTD_OK);
    await_blocked_write(d.in.peer);
    await_blocked_write(d.out.peer);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ptd_chan_send(late.leave, NULL), PTD_OK);
    for (int i = 0; i < 2; i++) {
        (void)rig_wait(&d.in, EV_MSG, PTD_MSG_INV);
        (void)rig_wait(&d.out, EV_MSG, PTD_MSG_INV);
    }
    rig_duo_end(&d);
    ptd_chan_free(late.entered);
    ptd_chan_free(late.leave);
}
END_TEST

START_TEST(try_form_never_waits)
{
    enum ptd_err e = PTD_OK;
    struct solo r;
    int n = 0;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, quiet);
    rig_solo_handshake(&r);
    while (e == PTD_OK && n++ < 100) /* nobody reads */
        e = ptd_peer_try_queue(r.s.peer, four_megabytes(), NULL);
    ck_assert_int_eq(e, PTD_EFULL);
    rig_solo_end(&r);
}
END_TEST

/* ---- the budget of all queues ---------------------------------------------------------- */

enum { N_IDLE = 10 };

struct crowd {
    struct ptd_env *env;
    struct ptd_peer *p[N_IDLE]; /* not attached: they keep what they get */
};

static void crowd_make(struct crowd *c, size_t budget)
{
    struct ptd_env_config ec;
    struct ptd_peer_config cfg;

    ptd_env_config_init(&ec);
    ec.queue_budget_bytes = budget;
    c->env = ptd_env_new(&ec);
    ck_assert_ptr_nonnull(c->env);
    ptd_peer_config_init(&cfg, ptd_params_by_name("regtest"));
    for (int i = 0; i < N_IDLE; i++)
        ck_assert_int_eq(
            ptd_peer_new(&c->p[i], c->env, &cfg, PTD_OUTBOUND, NULL), PTD_OK);
}

static void crowd_end(struct crowd *c)
{
    for (int i = 0; i < N_IDLE; i++)
        ptd_peer_free(c->p[i]);
    ck_assert_uint_eq(ptd_env_queued_bytes(c->env), 0);
    ptd_env_free(c->env);
}

/* A broadcast is in memory once; each peer's own limit counts it whole. */
START_TEST(shared_message_is_charged_to_the_budget_once)
{
    struct ptd_msg *m = four_megabytes();
    size_t cost = ptd_msg_memory_bytes(m);
    struct ptd_peer_stats s;
    struct crowd c;

    crowd_make(&c, (size_t)256 << 20);
    for (int i = 0; i < N_IDLE; i++) {
        ck_assert_int_eq(ptd_peer_queue(c.p[i], ptd_msg_ref(m), NULL), PTD_OK);
        ptd_peer_stats(c.p[i], &s);
        ck_assert_uint_eq(s.queued_bytes, cost);
        ck_assert_uint_eq(ptd_env_queued_bytes(c.env), cost);
    }
    for (int i = 0; i < N_IDLE - 1; i++) { /* charged up to the last one */
        ptd_peer_disconnect(c.p[i], PTD_ECLOSED, "enough");
        ck_assert_uint_eq(ptd_env_queued_bytes(c.env), cost);
    }
    ck_assert_int_eq(ptd_peer_queue(c.p[N_IDLE - 1], m, NULL), PTD_OK);
    ck_assert_int_eq(/* another one, that nobody shares */
                     ptd_peer_queue(c.p[N_IDLE - 1],
                                    ptd_msg_new(PTD_MSG_GETADDR), NULL),
                     PTD_OK);
    ck_assert_uint_gt(ptd_env_queued_bytes(c.env), cost);
    ck_assert_uint_lt(ptd_env_queued_bytes(c.env), cost + 1000);
    crowd_end(&c);
}
END_TEST

START_TEST(budget_of_all_queues_ends_those_that_hold_much)
{
    size_t cost;
    struct ptd_msg *m = four_megabytes();
    struct ptd_peer_stats s;
    struct crowd c;

    cost = ptd_msg_memory_bytes(m);
    ptd_msg_free(m);
    crowd_make(&c, 2 * cost + 10000);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ptd_peer_queue(c.p[i], four_megabytes(), NULL),
                         PTD_OK);
    /* Above the budget: who holds little goes on, who holds much does not. */
    ck_assert_int_eq(
        ptd_peer_try_queue(c.p[3], ptd_msg_new(PTD_MSG_GETADDR), NULL), PTD_OK);
    ck_assert_int_eq(ptd_peer_queue(c.p[3], ptd_msg_new(PTD_MSG_GETADDR), NULL),
                     PTD_OK);
    ck_assert_int_eq(
        ptd_peer_try_queue(c.p[0], ptd_msg_new(PTD_MSG_GETADDR), NULL),
        PTD_EFULL);
    ck_assert_int_eq(ptd_peer_state(c.p[0]), PTD_PEER_IDLE);
    ck_assert_int_eq(ptd_peer_queue(c.p[0], ptd_msg_new(PTD_MSG_GETADDR), NULL),
                     PTD_ECLOSED);
    ptd_peer_stats(c.p[0], &s);
    ck_assert_int_eq(s.end_err, PTD_ELIMIT);
    ck_assert_str_eq(s.end_why, "queues of all peers above their budget");
    /* Its messages are gone: the others are within the budget again. */
    ck_assert_int_eq(ptd_peer_queue(c.p[1], ptd_msg_new(PTD_MSG_GETADDR), NULL),
                     PTD_OK);
    crowd_end(&c);
}
END_TEST

/* ---- a flood both ways with a disconnect in the middle ---------------------------------- */

struct flooder {
    struct ptd_peer *peer;
    struct ptd_chan *done;
    long n_queued; /* with a done signal to come */
};

static void *flood_main(void *arg)
{
    struct flooder *f = arg;
    enum ptd_err e;

    /* Once done is full the peer's end shows in its state alone. */
    do {
        e = ptd_peer_queue(f->peer, rig_sample(PTD_MSG_INV), f->done);
        f->n_queued += e != PTD_EFULL;
    } while (e == PTD_OK ||
             (e == PTD_EFULL && ptd_peer_state(f->peer) != PTD_PEER_STOPPING));
    return NULL;
}

static void flood_round(int round)
{
    struct flooder f[2] = { { 0 } };
    pthread_t t[2];
    struct duo d;

    rig_duo_make(&d, NULL, round % 2 ? plain : quiet);
    rig_duo_start(&d);
    f[0].peer = d.in.peer;
    f[1].peer = d.out.peer;
    for (int i = 0; i < 2; i++) {
        f[i].done = ptd_chan_new(0, 4096);
        ck_assert_int_eq(pthread_create(&t[i], NULL, flood_main, &f[i]), 0);
    }
    for (int i = 0; i < round % 50; i++)
        (void)rig_wait(round % 3 ? &d.in : &d.out, EV_MSG, PTD_MSG_INV);
    ptd_peer_disconnect(round % 4 < 2 ? d.in.peer : d.out.peer, PTD_ECLOSED,
                        "in the middle");
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    rig_duo_end(&d);
    for (int i = 0; i < 2; i++) {
        /* Those not signalled once would be missing, or be too many. */
        ck_assert_int_le(f[i].n_queued, 4096);
        ck_assert_uint_eq(ptd_chan_len(f[i].done), (size_t)f[i].n_queued);
        ptd_chan_free(f[i].done);
    }
}

START_TEST(flood_with_a_disconnect_in_the_middle_leaves_nothing)
{
    size_t n_fds, n_threads;
    int rounds = RUNNING_SLOWLY ? 100 : 1000;

    flood_round(0);
    n_fds = rig_n_fds();
    n_threads = rig_n_threads();
    for (int round = 1; round < rounds; round++)
        flood_round(round);
    ck_assert_uint_eq(rig_n_fds(), n_fds);
    rig_await_threads(n_threads);
}
END_TEST

TCase *tcase_queue(void)
{
    TCase *tc = tcase_create("queue");

    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, messages_leave_in_order_and_each_is_signalled_once,
                        0, 2);
    tcase_add_loop_test(tc, done_must_be_made_for_signals, 0,
                        PTD_COUNT(no_signals));
    tcase_add_test(tc, queued_before_the_handshake_leaves_after_verack);
    tcase_add_test(tc, callback_before_ready_never_waits_for_room);
    tcase_add_test(tc, disconnect_wakes_who_waits_for_room_before_ready);
    tcase_add_test(tc, failed_handshake_signals_what_was_queued);
    tcase_add_loop_test(
        tc, message_that_cannot_be_encoded_is_dropped_and_told_once, 0, 2);
    tcase_add_test(tc, inventory_trickles_in_batches_of_1000);
    tcase_add_test(tc, inventory_that_waits_is_bounded);
    tcase_add_test(tc, block_is_announced_at_once_and_not_twice);
    tcase_add_test(tc, known_inventory_is_not_announced);
    tcase_add_test(tc, least_recently_known_gives_way);
    tcase_add_test(tc, addresses_beyond_1000_are_a_sample_without_repeats);
    tcase_add_test(tc, same_locator_twice_in_a_row_is_sent_once);
    tcase_add_test(tc, locator_that_could_not_be_sent_is_not_held_for_sent);
    tcase_add_test(tc, peer_that_pings_and_never_reads_is_bounded);
    tcase_add_test(tc, two_that_send_much_at_once_do_not_lock);
    tcase_add_test(tc, two_that_send_much_and_read_late_do_not_lock);
    tcase_add_test(tc, try_form_never_waits);
    tcase_add_test(tc, shared_message_is_charged_to_the_budget_once);
    tcase_add_test(tc, budget_of_all_queues_ends_those_that_hold_much);
    tcase_add_test(tc, flood_with_a_disconnect_in_the_middle_leaves_nothing);
    return tc;
}
