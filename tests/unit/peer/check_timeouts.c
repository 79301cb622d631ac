/* Every deadline of a peer, on the virtual clock: one step before it the peer
 * lives, at it the peer ends and says why. */
#include <config.h>

#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "check_peer.h"
#include "peer/peer_int.h"
#include "sync/clock_int.h"

#define MINUTE_US (60 * SECOND_US)

static void assert_timed_out(struct solo *r, const char *why)
{
    struct ptd_peer_stats s;

    (void)rig_wait(&r->s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r->s.peer, &s);
    ck_assert_int_eq(s.end_err, PTD_ETIMEOUT);
    ck_assert_str_eq(s.end_why, why);
}

/* Move on to one step before a deadline, show that the peer lives, go on. */
static void step_over(struct solo *r, int64_t wait_us)
{
    rig_settle(r);
    ptd_clock_advance_us(r->clk, wait_us - 1);
    ck_assert_int_eq(ptd_peer_state(r->s.peer), PTD_PEER_READY);
    ptd_clock_advance_us(r->clk, 1);
}

/* ---- handshake ------------------------------------------------------------------- */

START_TEST(handshake_has_one_deadline)
{
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, NULL);
    if (_i == 1) { /* version came, verack does not */
        rig_send(&r, rig_version(&r));
        ck_assert(rig_recv_type(&r, PTD_MSG_VERACK, &f));
        rig_frame_free(&f);
    }
    ptd_clock_advance_us(r.clk, 30 * SECOND_US - 1);
    ck_assert_int_eq(ptd_peer_state(r.s.peer), PTD_PEER_HANDSHAKE);
    ptd_clock_advance_us(r.clk, 1);
    assert_timed_out(&r, _i == 1 ? "version handshake timeout"
                                 : "socket no message in first 30 seconds, "
                                   "never received from peer, "
                                   "never sent to peer");
    rig_solo_end(&r);
}
END_TEST

/* The beginning of a version message, as it goes over the wire. */
static void version_frame(struct solo *r, uint8_t *out, size_t n)
{
    struct ptd_codec cx = { .pver = r->pver };
    struct ptd_v1_header h = { .command = "version" };
    struct ptd_msg *m = rig_version(r);
    uint8_t payload[256];
    size_t size;

    ck_assert_int_eq(ptd_msg_encode(m, payload, sizeof payload, &size, &cx),
                     PTD_OK);
    ck_assert_uint_le(n, PTD_V1_HEADER_BYTES + size);
    memcpy(h.magic, r->magic, 4);
    h.length = (uint32_t)size;
    ptd_v1_checksum(payload, size, h.checksum);
    ptd_v1_header_encode(&h, out);
    memcpy(out + PTD_V1_HEADER_BYTES, payload, n - PTD_V1_HEADER_BYTES);
    ptd_msg_free(m);
}

/* Bytes that dribble in buy no time. */
START_TEST(dribbled_handshake_ends_at_the_same_deadline)
{
    uint8_t frame[30];
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, NULL);
    version_frame(&r, frame, sizeof frame);
    for (uint64_t i = 0; i < 30; i++) { /* a byte each second */
        rig_send_bytes(&r, &frame[i], 1);
        while (ptd_conn_bytes_recv(r.s.peer->conn) != i + 1)
            sched_yield();
        ck_assert_int_eq(ptd_peer_state(r.s.peer), PTD_PEER_HANDSHAKE);
        ptd_clock_advance_us(r.clk, SECOND_US);
    }
    assert_timed_out(&r, "socket no message in first 30 seconds, "
                         "never sent to peer");
    rig_solo_end(&r);
}
END_TEST

START_TEST(handshake_in_time_stops_its_deadline)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, NULL);
    ptd_clock_advance_us(r.clk, 29 * SECOND_US);
    rig_solo_handshake(&r);
    ptd_clock_advance_us(r.clk, 30 * SECOND_US);
    rig_sync(&r);
    rig_solo_end(&r);
}
END_TEST

/* ---- idle, ping, pong --------------------------------------------------------------- */

START_TEST(silence_of_five_minutes_ends_the_peer)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, NULL);
    rig_solo_handshake(&r);
    step_over(&r, 5 * MINUTE_US);
    assert_timed_out(&r, "no message for 300 seconds");
    rig_solo_end(&r);
}
END_TEST

static void never_pings(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->first_ping_us = -1;
}

START_TEST(each_message_starts_the_idle_time_anew)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, never_pings);
    rig_solo_handshake(&r);
    for (int i = 0; i < 5; i++) {
        rig_settle(&r);
        ptd_clock_advance_us(r.clk, 5 * MINUTE_US - 1);
        rig_sync(&r);
    }
    step_over(&r, 5 * MINUTE_US);
    assert_timed_out(&r, "no message for 300 seconds");
    rig_solo_end(&r);
}
END_TEST

static void grace_of_a_minute(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->idle_us = 10 * SECOND_US;
    cfg->grace_us = MINUTE_US;
}

START_TEST(no_deadline_fires_before_the_grace_is_over)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, grace_of_a_minute);
    rig_solo_handshake(&r);
    step_over(&r, MINUTE_US);
    assert_timed_out(&r, "no message for 10 seconds");
    rig_solo_end(&r);
}
END_TEST

START_TEST(ping_goes_out_every_two_minutes_and_is_timed)
{
    struct ptd_peer_stats s;
    struct rig_frame f;
    struct solo r;
    int64_t due_us;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, NULL);
    rig_solo_handshake(&r);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_int_eq(s.ping_us, -1);
    ck_assert_int_eq(s.ping_wait_us, -1);
    for (int i = 1; i <= 3; i++) {
        ptd_clock_await_waiters(r.clk, 2); /* stall and ping */
        due_us = r.s.peer->ready_us + i * 2 * MINUTE_US;
        ck_assert_int_le(ptd_clock_next_deadline_us(r.clk), due_us);
        ptd_clock_advance_us(r.clk, due_us - 1 - ptd_clock_now_us(r.clk));
        rig_sync(&r);
        ptd_peer_stats(r.s.peer, &s);
        ck_assert_uint_eq(s.sent[PTD_MSG_PING].n, (uint64_t)i - 1);
        ptd_clock_advance_us(r.clk, 1);
        ck_assert(rig_recv_type(&r, PTD_MSG_PING, &f));
        ck_assert_uint_eq(f.n, 8);
        ptd_clock_advance_us(r.clk, i * SECOND_US);
        ptd_peer_stats(r.s.peer, &s);
        ck_assert_int_eq(s.ping_wait_us, i * SECOND_US);
        rig_send_raw(&r, "pong", f.payload, f.n);
        (void)rig_wait(&r.s, EV_MSG, PTD_MSG_PONG);
        ptd_peer_stats(r.s.peer, &s);
        ck_assert_int_eq(s.ping_us, i * SECOND_US);
        ck_assert_int_eq(s.ping_min_us, SECOND_US);
        ck_assert_int_eq(s.ping_wait_us, -1);
        rig_frame_free(&f);
    }
    rig_solo_end(&r);
}
END_TEST

static void ping_at_once(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->first_ping_us = 0;
    cfg->idle_us = 0;
    cfg->ping_us = 60 * MINUTE_US;
}

static void ping_at_once_and_again(struct ptd_peer_config *cfg,
                                   bool is_outbound)
{
    (void)is_outbound;
    cfg->first_ping_us = 0;
}

/* Messages of the peer keep it from being idle, and do not stand for a pong;
 * nor does the time begin again where another ping would be due. */
START_TEST(ping_without_pong_ends_the_peer_after_20_minutes)
{
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK,
                   _i == 0 ? ping_at_once : ping_at_once_and_again);
    rig_solo_handshake(&r);
    ck_assert(rig_recv_type(&r, PTD_MSG_PING, &f));
    rig_frame_free(&f);
    for (int i = 0; _i == 1 && i < 19; i++) {
        ptd_clock_advance_us(r.clk, MINUTE_US);
        rig_sync(&r);
    }
    step_over(&r, _i == 0 ? 20 * MINUTE_US : MINUTE_US);
    assert_timed_out(&r, "ping timeout: 1200.000000s");
    rig_solo_end(&r);
}
END_TEST

static void queue_ping(struct solo *r, uint64_t nonce)
{
    struct rig_frame f;

    ck_assert_int_eq(
        ptd_peer_queue(r->s.peer, ptd_msg_new_nonce(PTD_MSG_PING, nonce), NULL),
        PTD_OK);
    ck_assert(rig_recv_type(r, PTD_MSG_PING, &f));
    rig_frame_free(&f);
}

/* Pings that the owner queues while one is unanswered: statistics tell of the
 * last one, the deadline is that of the first, until its pong comes. */
START_TEST(further_pings_do_not_put_off_the_deadline)
{
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, never_pings);
    rig_solo_handshake(&r);
    queue_ping(&r, 1);
    for (uint64_t i = 2; i <= 20; i++) {
        rig_settle(&r);
        ptd_clock_advance_us(r.clk, MINUTE_US);
        if (_i == 1 && i == 11) {
            rig_send(&r, ptd_msg_new_nonce(PTD_MSG_PONG, 1)); /* late */
            rig_sync(&r);
        }
        queue_ping(&r, i);
        rig_sync(&r);
        ptd_peer_stats(r.s.peer, &s);
        ck_assert_int_eq(s.ping_wait_us, 0);
    }
    for (int i = 0; _i == 1 && i < 9; i++) { /* that of the 10th, after 9 min */
        rig_settle(&r);
        ptd_clock_advance_us(r.clk, MINUTE_US);
        rig_sync(&r);
    }
    step_over(&r, MINUTE_US);
    assert_timed_out(&r, "ping timeout: 1200.000000s");
    rig_solo_end(&r);
}
END_TEST

/* Pongs that answer nothing; the ping stays outstanding but for nonce 0. */
static const struct {
    const char *name;
    size_t n;
    uint64_t nonce;
    bool ends_wait;
} pongs[] = {
    { "wrong nonce", 8, 1, false },
    { "nonce zero", 8, 0, true },
};

START_TEST(pong_of_another_ping_is_no_answer)
{
    struct ptd_peer_stats s;
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, ping_at_once);
    rig_solo_handshake(&r);
    ck_assert(rig_recv_type(&r, PTD_MSG_PING, &f));
    rig_frame_free(&f);
    rig_send(&r, ptd_msg_new_nonce(PTD_MSG_PONG, pongs[_i].nonce));
    (void)rig_wait(&r.s, EV_MSG, PTD_MSG_PONG);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_int_eq(s.ping_us, -1);
    ck_assert_msg((s.ping_wait_us == -1) == pongs[_i].ends_wait, "%s",
                  pongs[_i].name);
    rig_solo_end(&r);
}
END_TEST

/* ---- answers ---------------------------------------------------------------------- */

static enum ptd_err at_height_50(struct ptd_hash *hash, int32_t *height,
                                 void *arg)
{
    (void)arg;
    memset(hash, 0, sizeof *hash);
    *height = 50;
    return PTD_OK;
}

static enum ptd_err at_height_100(struct ptd_hash *hash, int32_t *height,
                                  void *arg)
{
    (void)at_height_50(hash, height, arg);
    *height = 100; /* as high as the other side says it is */
    return PTD_OK;
}

static void behind(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->hooks.newest_block = at_height_50;
    cfg->idle_us = 0;
}

static void in_sync(struct ptd_peer_config *cfg, bool is_outbound)
{
    behind(cfg, is_outbound);
    cfg->hooks.newest_block = at_height_100;
}

static struct ptd_msg *request(enum ptd_msg_type type, uint32_t inv_type)
{
    struct ptd_inv inv = { inv_type, { { 7 } } };

    return type == PTD_MSG_GETDATA ? ptd_msg_new_inv(type, &inv, 1)
                                   : rig_sample(type);
}

static const struct {
    const char *name;
    enum ptd_msg_type type;
    uint32_t inv_type;
    void (*tune)(struct ptd_peer_config *, bool);
    int64_t wait_us; /* 0: no answer is due */
    const char *why;
} requests[] = {
    { "getdata of a block", PTD_MSG_GETDATA, PTD_INV_WITNESS_BLOCK, behind,
      30 * SECOND_US, "no answer to getdata" },
    { "getdata of a transaction", PTD_MSG_GETDATA, PTD_INV_TX, behind,
      30 * SECOND_US, "no answer to getdata" },
    { "getheaders to who has more", PTD_MSG_GETHEADERS, 0, behind,
      90 * SECOND_US, "no answer to getheaders" },
    { "getheaders to a peer in sync", PTD_MSG_GETHEADERS, 0, in_sync, 0, "" },
    { "getblocks", PTD_MSG_GETBLOCKS, 0, behind, 0, "" },
    { "mempool", PTD_MSG_MEMPOOL, 0, behind, 0, "" },
    { "getaddr", PTD_MSG_GETADDR, 0, behind, 0, "" },
};

static void ask(struct solo *r, size_t i)
{
    struct rig_frame f;

    ck_assert_int_eq(
        ptd_peer_queue(r->s.peer,
                       request(requests[i].type, requests[i].inv_type), NULL),
        PTD_OK);
    ck_assert(rig_recv_type(r, requests[i].type, &f));
    rig_frame_free(&f);
}

START_TEST(request_without_answer_ends_the_peer_where_one_is_due)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, requests[_i].tune);
    rig_solo_handshake(&r);
    ask(&r, (size_t)_i);
    if (requests[_i].wait_us != 0) {
        step_over(&r, requests[_i].wait_us);
        assert_timed_out(&r, requests[_i].why);
    } else {
        rig_settle(&r);
        ptd_clock_advance_us(r.clk, 10 * MINUTE_US);
        rig_sync(&r);
    }
    rig_solo_end(&r);
}
END_TEST

/* A stray answer of another kind does not clear a request. */
START_TEST(stray_tx_does_not_answer_for_a_block)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, behind);
    rig_solo_handshake(&r);
    ask(&r, 0);
    rig_send(&r, rig_sample(PTD_MSG_TX));
    rig_send(&r, rig_sample(PTD_MSG_BLOCK)); /* another one */
    rig_sync(&r);
    step_over(&r, 30 * SECOND_US);
    assert_timed_out(&r, "no answer to getdata");
    rig_solo_end(&r);
}
END_TEST

START_TEST(answer_clears_its_request)
{
    struct ptd_msg *m = rig_sample(PTD_MSG_BLOCK);
    struct ptd_inv inv = { PTD_INV_BLOCK, { { 0 } } };
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, behind);
    rig_solo_handshake(&r);
    ptd_block_header_hash(&((struct ptd_msg_block *)(void *)m)->header,
                          &inv.hash);
    ck_assert_int_eq(ptd_peer_queue(r.s.peer,
                                    ptd_msg_new_inv(PTD_MSG_GETDATA, &inv, 1),
                                    NULL),
                     PTD_OK);
    if (_i == 0) {
        rig_send(&r, m);
    } else {
        ptd_msg_free(m);
        rig_send(&r, ptd_msg_new_inv(PTD_MSG_NOTFOUND, &inv, 1));
    }
    rig_sync(&r);
    rig_settle(&r);
    ptd_clock_advance_us(r.clk, 10 * MINUTE_US);
    rig_sync(&r);
    rig_solo_end(&r);
}
END_TEST

/* ---- time in callbacks is forgiven ------------------------------------------------ */

struct slow {
    struct ptd_chan *entered, *leave;
};

static enum ptd_err slow_listener(struct ptd_peer *p, struct ptd_msg *m,
                                  void *arg)
{
    struct slow *s = arg;

    (void)p;
    (void)m;
    ck_assert_int_eq(ptd_chan_send(s->entered, NULL), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv(s->leave, NULL), PTD_OK);
    return PTD_OK;
}

START_TEST(time_in_a_callback_is_forgiven)
{
    struct slow slow = { ptd_chan_new(0, 1), ptd_chan_new(0, 1) };
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK,
                   _i == 0 ? NULL : behind);
    rig_solo_handshake(&r);
    if (_i == 1)
        ask(&r, 0);
    ptd_peer_listen(r.s.peer, PTD_MSG_GETADDR, slow_listener, &slow);
    rig_send(&r, ptd_msg_new(PTD_MSG_GETADDR));
    ck_assert_int_eq(ptd_chan_recv(slow.entered, NULL), PTD_OK);
    ptd_clock_advance_us(r.clk, 60 * MINUTE_US);
    ck_assert_int_eq(ptd_peer_state(r.s.peer), PTD_PEER_READY);
    ck_assert_int_eq(ptd_chan_send(slow.leave, NULL), PTD_OK);
    rig_sync(&r);
    step_over(&r, _i == 0 ? 5 * MINUTE_US : 30 * SECOND_US);
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_chan_free(slow.entered);
    ptd_chan_free(slow.leave);
    rig_solo_end(&r);
}
END_TEST

/* … also while the beginning of the next message lies there already. */
START_TEST(time_in_a_callback_is_forgiven_to_half_a_frame)
{
    struct slow slow = { ptd_chan_new(0, 1), ptd_chan_new(0, 1) };
    struct ptd_v1_header h = { .command = "getaddr" };
    uint8_t frames[2 * PTD_V1_HEADER_BYTES];
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, never_pings);
    rig_solo_handshake(&r);
    ptd_peer_listen(r.s.peer, PTD_MSG_GETADDR, slow_listener, &slow);
    memcpy(h.magic, r.magic, 4);
    ptd_v1_checksum(NULL, 0, h.checksum);
    ptd_v1_header_encode(&h, frames);
    ptd_v1_header_encode(&h, frames + PTD_V1_HEADER_BYTES);
    rig_send_bytes(&r, frames, PTD_V1_HEADER_BYTES + 10);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(ptd_chan_recv(slow.entered, NULL), PTD_OK);
        ptd_clock_advance_us(r.clk, 60 * MINUTE_US);
        ck_assert_int_eq(ptd_peer_state(r.s.peer), PTD_PEER_READY);
        ck_assert_int_eq(ptd_chan_send(slow.leave, NULL), PTD_OK);
        if (i == 0) /* await the other half, then send it */
            while (atomic_load(&r.s.peer->rx_frame) == 0)
                sched_yield();
        if (i == 0)
            rig_send_bytes(&r, frames + PTD_V1_HEADER_BYTES + 10,
                           PTD_V1_HEADER_BYTES - 10);
    }
    rig_sync(&r);
    ptd_chan_free(slow.entered);
    ptd_chan_free(slow.leave);
    rig_solo_end(&r);
}
END_TEST

/* ---- writing and reading too slowly ------------------------------------------------- */

static struct ptd_msg *big_message(void)
{
    size_t n = 50000;
    struct ptd_inv *list = calloc(n, sizeof *list);
    struct ptd_msg *m;

    ck_assert_ptr_nonnull(list);
    m = ptd_msg_new_inv(PTD_MSG_INV, list, n);
    ck_assert_ptr_nonnull(m);
    free(list);
    return m;
}

static void roomy(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->idle_us = 0;
    cfg->send_limit_bytes = 64000000;
    cfg->recv_limit_bytes = 64000000;
}

START_TEST(write_that_makes_no_progress_ends_the_peer)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, roomy);
    rig_solo_handshake(&r);
    for (int i = 0; i < 10; i++) /* 18 MB: more than sockets buffer */
        ck_assert_int_eq(ptd_peer_queue(r.s.peer, big_message(), NULL), PTD_OK);
    rig_step_over_write(&r, 2 * MINUTE_US);
    assert_timed_out(&r, "a write made no progress for 120 seconds");
    rig_solo_end(&r);
}
END_TEST

static void swallow(struct solo *r, size_t n)
{
    static char buf[65536];

    while (n > 0) {
        ssize_t k = recv(r->fd, buf, PTD_MIN(n, sizeof buf), 0);

        ck_assert_int_gt(k, 0);
        n -= (size_t)k;
    }
}

/* One large message takes longer than the deadline of a write, but moves. */
START_TEST(write_that_makes_progress_goes_on)
{
    const int small = 65536; /* what is read makes room that is told at once */
    struct ptd_peer *p;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, roomy);
    ck_assert_int_eq(
        setsockopt(r.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    rig_solo_handshake(&r);
    p = r.s.peer;
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(ptd_peer_queue(p, big_message(), NULL), PTD_OK);
    for (int i = 0; i < 6; i++) {
        uint64_t taken;
        int64_t since;

        while ((since = atomic_load(&p->write_since_us)) == 0)
            sched_yield();
        taken = ptd_conn_bytes_acked(p->conn);
        swallow(&r, 200000); /* more than the least, far less than a message */
        while (ptd_conn_bytes_acked(p->conn) < taken + 120 * 64)
            sched_yield();
        ptd_clock_advance_us(r.clk,
                             since + 2 * MINUTE_US - ptd_clock_now_us(r.clk));
        while (atomic_load(&p->write_since_us) == since) {
            ck_assert_int_eq(ptd_peer_state(p), PTD_PEER_READY);
            sched_yield();
        }
        ck_assert_int_eq(ptd_peer_state(p), PTD_PEER_READY);
    }
    rig_step_over_write(&r, 2 * MINUTE_US);
    assert_timed_out(&r, "a write made no progress for 120 seconds");
    rig_solo_end(&r);
}
END_TEST

/* Half a frame, then `extra` bytes in each window of a minute. */
static const struct {
    size_t extra;
    bool lives;
} rates[] = { { 0, false }, { 60 * 64 - 1, false }, { 60 * 64, true } };

START_TEST(frame_that_dribbles_in_ends_the_peer)
{
    static const uint8_t zeros[60 * 64];
    struct ptd_v1_header h = { .command = "junk", .length = 1000000 };
    uint8_t head[PTD_V1_HEADER_BYTES];
    uint64_t want;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, roomy);
    rig_solo_handshake(&r);
    memcpy(h.magic, r.magic, 4);
    ptd_v1_header_encode(&h, head);
    rig_send_bytes(&r, head, sizeof head);
    while (atomic_load(&r.s.peer->rx_frame) == 0)
        sched_yield();
    /* Stall must have seen the beginning: else it looks for the first time once
     * the window is over, or not at all. */
    while (atomic_load(&r.s.peer->armed_us) >
           atomic_load(&r.s.peer->rx_since_us) + MINUTE_US)
        sched_yield();
    want = ptd_conn_bytes_recv(r.s.peer->conn) + rates[_i].extra;
    rig_send_bytes(&r, zeros, rates[_i].extra);
    while (ptd_conn_bytes_recv(r.s.peer->conn) != want)
        sched_yield();
    ptd_clock_advance_us(r.clk, MINUTE_US);
    if (!rates[_i].lives) {
        assert_timed_out(&r, "less than 64 bytes a second of a message");
    } else {
        while (atomic_load(&r.s.peer->armed_us) <= ptd_clock_now_us(r.clk))
            sched_yield();
        ck_assert_int_eq(ptd_peer_state(r.s.peer), PTD_PEER_READY);
    }
    rig_solo_end(&r);
}
END_TEST

START_TEST(unbalanced_handler_signals_change_nothing)
{
    struct rig_log log;
    struct ptd_peer *p;
    struct duo d;

    rig_log_start(&log, PTD_LOG_WARN);
    rig_duo_make(&d, NULL, NULL);
    p = d.in.peer; /* not attached: the handlers' time is the test's */
    ptd_handler_done(p);
    ck_assert_int_eq(atomic_load(&p->handlers_us), 0);
    ck_assert_uint_eq(rig_log_count(&log, "done while none is active"), 1);
    ptd_handler_start(p);
    ck_assert_uint_eq(log.n_lines, 1);
    ptd_handler_start(p);
    ck_assert_int_lt(atomic_load(&p->handlers_us), 0);
    ck_assert_uint_eq(rig_log_count(&log, "started while one is active"), 1);
    ptd_handler_done(p);
    ck_assert_uint_eq(log.n_lines, 2);
    ptd_handler_done(p);
    ck_assert_int_ge(atomic_load(&p->handlers_us), 0);
    ck_assert_uint_eq(rig_log_count(&log, "done while none is active"), 2);
    rig_duo_end(&d);
    rig_log_stop(&log);
}
END_TEST

struct turns {
    struct ptd_peer *peer;
    struct ptd_clock *clk;
    atomic_bool is_over;
};

/* Handlers that run all the time, but for an instant. */
static void *take_turns(void *arg)
{
    struct turns *t = arg;

    while (!atomic_load(&t->is_over)) {
        ptd_handler_start(t->peer);
        ptd_clock_advance_us(t->clk, SECOND_US);
        ptd_handler_done(t->peer);
        sched_yield(); /* time for the other one to compare */
        sched_yield();
    }
    return NULL;
}

/* Whoever looks while handlers end and start finds no more time taken by them
 * than has passed: what is counted twice would be forgiven twice. */
START_TEST(time_in_handlers_is_never_counted_twice)
{
    struct turns t = { .clk = ptd_clock_new() };
    int64_t start_us, now, taken;
    pthread_t thread;
    struct duo d;

    rig_duo_make(&d, t.clk, NULL);
    t.peer = d.in.peer;
    start_us = ptd_clock_now_us(t.clk);
    ck_assert_int_eq(pthread_create(&thread, NULL, take_turns, &t), 0);
    for (int i = 0; i < 150000; i++) {
        now = ptd_clock_now_us(t.clk);
        taken = ptd_handlers_us(t.peer, now);
        ck_assert_int_le(taken, ptd_clock_now_us(t.clk) - start_us);
    }
    atomic_store(&t.is_over, true);
    pthread_join(thread, NULL);
    rig_duo_end(&d);
    ptd_clock_free(t.clk);
}
END_TEST

TCase *tcase_timeouts(void)
{
    TCase *tc = tcase_create("timeouts");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, handshake_has_one_deadline, 0, 2);
    tcase_add_test(tc, dribbled_handshake_ends_at_the_same_deadline);
    tcase_add_test(tc, handshake_in_time_stops_its_deadline);
    tcase_add_test(tc, silence_of_five_minutes_ends_the_peer);
    tcase_add_test(tc, each_message_starts_the_idle_time_anew);
    tcase_add_test(tc, no_deadline_fires_before_the_grace_is_over);
    tcase_add_test(tc, ping_goes_out_every_two_minutes_and_is_timed);
    tcase_add_loop_test(tc, ping_without_pong_ends_the_peer_after_20_minutes, 0,
                        2);
    tcase_add_loop_test(tc, further_pings_do_not_put_off_the_deadline, 0, 2);
    tcase_add_loop_test(tc, pong_of_another_ping_is_no_answer, 0,
                        PTD_COUNT(pongs));
    tcase_add_loop_test(tc,
                        request_without_answer_ends_the_peer_where_one_is_due,
                        0, PTD_COUNT(requests));
    tcase_add_test(tc, stray_tx_does_not_answer_for_a_block);
    tcase_add_loop_test(tc, answer_clears_its_request, 0, 2);
    tcase_add_loop_test(tc, time_in_a_callback_is_forgiven, 0, 2);
    tcase_add_test(tc, time_in_a_callback_is_forgiven_to_half_a_frame);
    tcase_add_test(tc, write_that_makes_no_progress_ends_the_peer);
    tcase_add_test(tc, write_that_makes_progress_goes_on);
    tcase_add_loop_test(tc, frame_that_dribbles_in_ends_the_peer, 0,
                        PTD_COUNT(rates));
    tcase_add_test(tc, unbalanced_handler_signals_change_nothing);
    tcase_add_test(tc, time_in_handlers_is_never_counted_twice);
    return tc;
}
