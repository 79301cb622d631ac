/* Who may come, who must go, and what operators do to either. */
#include <config.h>

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addrmgr/addrmgr.h"
#include "base/util.h"
#include "check_node.h"
#include "connmgr/banlist.h"
#include "connmgr/discourage.h"
#include "node/node_int.h"
#include "rig.h"

/* A whitelist of one range. */
static void host_trust(struct host *h, const char *text)
{
    struct ptd_complaint why;

    h->cfg.whitelist = calloc(1, sizeof *h->cfg.whitelist);
    h->cfg.n_whitelist = 1;
    ck_assert_int_eq(ptd_whitelist_parse(&h->cfg.whitelist[0], text, &why),
                     PTD_OK);
}

/* Until the node has so many inbound peers. */
static void wait_in(struct host *h, size_t n)
{
    int64_t until = ptd_clock_now_us(NULL) + 30 * SECOND_US;

    while (ptd_node_n_peers(h->node, PTD_NODE_IN) != n) {
        ck_assert_int_lt(ptd_clock_now_us(NULL), until);
        sched_yield();
    }
}

static struct ptd_subnet range(const char *text)
{
    struct ptd_subnet s;

    ck_assert_int_eq(ptd_subnet_parse(&s, text), PTD_OK);
    return s;
}

/* ---- the door ---------------------------------------------------------------- */

static const struct {
    const char *name, *ban, *trust;
    bool enters;
} doors[] = {
    { "nobody is banned", NULL, NULL, true },
    { "banned", "127.0.0.0/8", NULL, false },
    { "another is banned", "127.0.0.2", NULL, true },
    { "banned, and trusted", "127.0.0.1", "noban@127.0.0.1", true },
    { "banned, and trusted with little", "127.0.0.1", "relay@127.0.0.1",
      false },
    { "banned, and trusted where we call", "127.0.0.1", "noban,out@127.0.0.1",
      false },
};

START_TEST(banned_addresses_stay_outside)
{
    struct host h;
    struct guest g;

    host_init(&h);
    if (doors[_i].trust != NULL)
        host_trust(&h, doors[_i].trust);
    host_start(&h);
    if (doors[_i].ban != NULL) {
        struct ptd_subnet s = range(doors[_i].ban);

        ck_assert_int_eq(
            ptd_banlist_ban(ptd_node_bans(h.node), &s, 100, PTD_BAN_FOR),
            PTD_OK);
    }
    guest_start(&g, h.port, 0);
    if (doors[_i].enters) {
        guest_wait_ready(&g);
    } else {
        guest_wait_gone(&g);
        ck_assert_int_eq(ptd_banlist_clear(ptd_node_bans(h.node)), PTD_OK);
        guest_end(&g);
        guest_start(&g, h.port, 0);
        guest_wait_ready(&g);
    }
    guest_end(&g);
    host_stop(&h);
}
END_TEST

START_TEST(discouraged_addresses_come_only_while_there_is_room)
{
    struct ptd_netaddr na;
    struct guest g[3];
    struct host h;

    host_init(&h);
    h.cfg.max_connections = PTD_NODE_RESERVED + 3;
    host_start(&h);
    ck_assert_int_eq(ptd_netaddr_parse(&na, "127.0.0.1", 1), PTD_OK);
    ptd_discourage_add(h.node->discouraged, &na);
    for (size_t i = 0; i < 2; i++) {
        guest_start(&g[i], h.port, 0);
        guest_wait_ready(&g[i]);
    }
    guest_start(&g[2], h.port, 0);
    guest_wait_gone(&g[2]);
    for (size_t i = 0; i < 3; i++)
        guest_end(&g[i]);
    host_stop(&h);
}
END_TEST

/* More than the protections can hold. */
enum { CROWD = 40 };

static const struct {
    const char *name, *trust;
    bool evicts;
} crowds[] = {
    { "one makes room", NULL, true },
    { "trusted ones stay", "noban@127.0.0.1", false },
};

START_TEST(full_node_makes_room)
{
    struct guest *g = calloc(CROWD + 1, sizeof *g);
    size_t n_gone = 0;
    struct host h;

    host_init(&h);
    h.cfg.max_connections = PTD_NODE_RESERVED + CROWD;
    if (crowds[_i].trust != NULL)
        host_trust(&h, crowds[_i].trust);
    host_start(&h);
    for (size_t i = 0; i < CROWD; i++) {
        guest_start(&g[i], h.port, 0);
        guest_wait_ready(&g[i]);
    }
    guest_start(&g[CROWD], h.port, 0);
    if (crowds[_i].evicts)
        guest_wait_ready(&g[CROWD]);
    else
        guest_wait_gone(&g[CROWD]);
    wait_in(&h, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        n_gone += ptd_peer_state(g[i].peer) == PTD_PEER_STOPPING;
    if (!crowds[_i].evicts)
        ck_assert_uint_eq(n_gone, 0);
    for (size_t i = 0; i <= CROWD; i++)
        guest_end(&g[i]);
    host_stop(&h);
    free(g);
}
END_TEST

/* ---- handshakes that never end -------------------------------------------------- */

static int call(uint16_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* Listed they are before their time runs. */
static bool all_have_begun(struct host *h)
{
    struct ptd_peer **peers;
    size_t n = ptd_node_peers(h->node, &peers);
    bool all = true;

    for (size_t i = 0; i < n; i++) {
        all = all && ptd_peer_state(peers[i]) != PTD_PEER_IDLE;
        ptd_peer_free(peers[i]);
    }
    free(peers);
    return all;
}

START_TEST(silent_callers_are_gone_at_the_deadline)
{
    enum { N = 64 };
    struct ptd_clock *clk = ptd_clock_new();
    int fd[N];
    struct host h;
    struct guest g;

    ptd_clock_set_wall_us(clk, INT64_C(1700000000) * SECOND_US);
    host_init(&h);
    h.cfg.clock = clk;
    h.cfg.max_connections = PTD_NODE_RESERVED + N;
    host_start(&h);
    for (size_t i = 0; i < N; i++)
        fd[i] = call(h.port);
    wait_in(&h, N);
    while (!all_have_begun(&h))
        sched_yield();
    ptd_clock_advance_us(clk, 59 * SECOND_US);
    for (size_t i = 0; i < N; i++) /* a byte of the magic: no more time */
        ck_assert_int_eq(send(fd[i], "\xfa", 1, MSG_NOSIGNAL), 1);
    ck_assert_uint_eq(ptd_node_n_peers(h.node, PTD_NODE_IN), N);
    ptd_clock_advance_us(clk, 2 * SECOND_US);
    wait_in(&h, 0);
    guest_start(&g, h.port, 0);
    guest_wait_ready(&g);
    guest_end(&g);
    for (size_t i = 0; i < N; i++)
        close(fd[i]);
    host_stop(&h);
    ptd_clock_free(clk);
}
END_TEST

/* ---- buffers -------------------------------------------------------------------- */

static const struct {
    size_t send, recv;
} buffers[] = { { 1000000, 5000000 }, { 9000000, 5000000 }, { 1000000, 1000 } };

START_TEST(buffers_may_be_of_any_size)
{
    struct guest g;
    struct host h;

    host_init(&h);
    h.cfg.max_send_bytes = buffers[_i].send;
    h.cfg.max_recv_bytes = buffers[_i].recv;
    host_start(&h);
    guest_start(&g, h.port, 0);
    guest_wait_ready(&g);
    guest_end(&g);
    host_stop(&h);
}
END_TEST

/* ---- operators ------------------------------------------------------------------ */

enum way { BY_ID, BY_NAME, BY_SUBNET, BY_NOTHING, N_WAYS };

static size_t send_away(struct host *h, enum way way)
{
    struct ptd_subnet s = range("127.0.0.0/8"), other = range("10.0.0.0/8");
    struct ptd_node_peer *list;
    char text[PTD_NETADDR_TEXT];
    size_t n;

    ck_assert_int_eq(ptd_node_list_peers(h->node, &list, &n), PTD_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(list[0].type, PTD_LINK_INBOUND);
    ck_assert_int_eq(list[0].addr_bind.port, h->port);
    ptd_netaddr_format(&list[0].stats.addr, text, sizeof text);
    n = 0;
    switch (way) {
    case BY_ID:
        n = ptd_node_disconnect_id(h->node, list[0].stats.id, "by id");
        break;
    case BY_NAME: n = ptd_node_disconnect_name(h->node, text, "by name"); break;
    case BY_SUBNET:
        n = ptd_node_disconnect_subnet(h->node, &s, "by subnet");
        break;
    case BY_NOTHING:
    case N_WAYS:
        n = ptd_node_disconnect_id(h->node, 7, "") +
            ptd_node_disconnect_id(h->node, -1, "") +
            ptd_node_disconnect_name(h->node, "", "") +
            ptd_node_disconnect_subnet(h->node, &other, "");
        break;
    }
    free(list);
    return n;
}

START_TEST(peers_are_sent_away)
{
    struct host h;
    struct guest g;

    host_init(&h);
    host_start(&h);
    guest_start(&g, h.port, 0);
    guest_wait_ready(&g);
    (void)guest_sync(&g, PTD_MSG_PING);
    ck_assert_uint_eq(send_away(&h, (enum way)_i), _i != BY_NOTHING);
    /* It does not count, though its threads may still be there. */
    ck_assert_uint_eq(ptd_node_n_peers(h.node, PTD_NODE_ALL), _i == BY_NOTHING);
    ck_assert_uint_eq(ptd_node_n_peers(h.node, PTD_NODE_OUT), 0);
    if (_i != BY_NOTHING)
        guest_wait_gone(&g);
    else
        (void)guest_sync(&g, PTD_MSG_PING);
    guest_end(&g);
    host_stop(&h);
}
END_TEST

START_TEST(network_is_switched_off_and_on)
{
    struct guest g[2];
    struct host h;

    host_init(&h);
    host_start(&h);
    guest_start(&g[0], h.port, 0);
    guest_wait_ready(&g[0]);
    ptd_node_set_active(h.node, false);
    ck_assert(!ptd_node_is_active(h.node));
    guest_wait_gone(&g[0]);
    guest_start(&g[1], h.port, 0);
    guest_wait_gone(&g[1]);
    guest_end(&g[1]);
    ptd_node_set_active(h.node, true);
    guest_start(&g[1], h.port, 0);
    guest_wait_ready(&g[1]);
    guest_end(&g[1]);
    guest_end(&g[0]);
    host_stop(&h);
}
END_TEST

/* A dial that ended before the switch, and reaches the server behind it. */
START_TEST(who_comes_after_the_switch_is_sent_away)
{
    struct server_event ev = { .what = SERVER_DIALLED,
                               .token = 1000,
                               .type = PTD_LINK_MANUAL };
    struct host h;
    int pair[2];

    host_init(&h);
    host_start(&h);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                     0);
    ck_assert_int_eq(ptd_netaddr_parse(&ev.addr, "127.0.0.1", 1), PTD_OK);
    ptd_node_set_active(h.node, false);
    ev.fd = pair[0];
    ck_assert_int_eq(ptd_chan_send(h.node->server_q, &ev), PTD_OK);
    (void)host_wait(&h, PTD_NODE_PEER_GONE, -1);
    ck_assert_uint_eq(ptd_node_n_peers(h.node, PTD_NODE_ALL), 0);
    close(pair[1]);
    host_stop(&h);
}
END_TEST

START_TEST(totals_count_who_is_gone)
{
    uint64_t in[3], out[3];
    struct host h;
    struct guest g;

    host_init(&h);
    host_start(&h);
    ptd_node_totals(h.node, &in[0], &out[0]);
    guest_start(&g, h.port, 0);
    guest_wait_ready(&g);
    (void)guest_sync(&g, PTD_MSG_PING);
    ptd_node_totals(h.node, &in[1], &out[1]);
    guest_end(&g);
    (void)host_wait(&h, PTD_NODE_PEER_GONE, -1);
    ptd_node_totals(h.node, &in[2], &out[2]);
    ck_assert_uint_eq(in[0] + out[0], 0);
    ck_assert_uint_gt(in[1], 100);
    ck_assert_uint_gt(out[1], 100);
    ck_assert_uint_ge(in[2], in[1]);
    ck_assert_uint_ge(out[2], out[1]);
    host_stop(&h);
}
END_TEST

START_TEST(any_bytes_can_be_sent)
{
    static const uint8_t nonce[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    struct ptd_peer_stats st;
    struct ptd_msg *m;
    struct host h;
    struct guest g;

    host_init(&h);
    host_start(&h);
    guest_start(&g, h.port, 0);
    guest_wait_ready(&g);
    ck_assert_int_eq(ptd_node_send_raw(h.node, 7, "ping", nonce, 8),
                     PTD_ENOTFOUND);
    ck_assert_int_eq(ptd_node_send_raw(h.node, 0, "whatever", NULL, 0), PTD_OK);
    ck_assert_int_eq(ptd_node_send_raw(h.node, 0, "pong", nonce, 8), PTD_OK);
    m = guest_wait(&g, PTD_MSG_PONG);
    ck_assert_uint_eq(((struct ptd_msg_nonce *)(void *)m)->nonce,
                      UINT64_C(0x0807060504030201));
    ptd_msg_free(m);
    ptd_peer_stats(g.peer, &st);
    ck_assert_uint_eq(st.recv[PTD_MSG_UNKNOWN].n, 1);
    guest_end(&g);
    host_stop(&h);
}
END_TEST

/* ---- whom we call ------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum ptd_link_type type;
    bool full; /* it has blocks to give */
    bool stays;
} calls[] = {
    { "a full node", PTD_LINK_FULL_RELAY, true, true },
    { "one without blocks", PTD_LINK_FULL_RELAY, false, false },
    { "blocks alone", PTD_LINK_BLOCK_RELAY, true, true },
    { "blocks alone, without blocks", PTD_LINK_BLOCK_RELAY, false, false },
    { "for addresses, without blocks", PTD_LINK_ADDR_FETCH, false, false },
    { "one that the user wants", PTD_LINK_MANUAL, false, true },
    { "a look", PTD_LINK_FEELER, true, false },
};

START_TEST(peers_that_we_call_are_of_use_or_leave)
{
    struct ptd_node_peer *list;
    struct host a, b;
    char name[32];
    size_t n;

    host_init(&a);
    a.cfg.prune_bytes = calls[_i].full ? 0 : UINT64_MAX; /* the last ones */
    host_start(&a);
    host_init(&b);
    b.cfg.listen = false;
    host_start(&b);
    snprintf(name, sizeof name, "127.0.0.1:%u", a.port);
    ck_assert_int_eq(
        ptd_connmgr_dial(ptd_node_connmgr(b.node), name, calls[_i].type, false),
        PTD_OK);
    (void)host_wait(
        &b, calls[_i].stays ? PTD_NODE_PEER_READY : PTD_NODE_PEER_GONE, -1);
    ck_assert_int_eq(ptd_node_list_peers(b.node, &list, &n), PTD_OK);
    ck_assert_uint_eq(n, calls[_i].stays);
    if (n == 1) {
        ck_assert_int_eq(list[0].type, calls[_i].type);
        ck_assert_str_eq(list[0].name, name);
        ck_assert(list[0].relays_addrs ==
                  (list[0].type != PTD_LINK_BLOCK_RELAY));
    }
    free(list);
    host_stop(&b);
    host_stop(&a);
}
END_TEST

/* CVE-2024-52912: a clock is warned about, never moved. */
START_TEST(clocks_of_peers_only_warn)
{
    enum { N = 5 };
    static const int64_t off_s[] = { 0, 601, -601, INT64_C(9000000000) };
    struct ptd_clock *theirs = ptd_clock_new(), *ours = ptd_clock_new();
    const int64_t now_s = 1700000000;
    struct host a[N], b;
    char *text;

    ptd_clock_set_wall_us(theirs, PTD_MAX(now_s + off_s[_i], 1) * SECOND_US);
    ptd_clock_set_wall_us(ours, now_s * SECOND_US);
    host_init(&b);
    b.cfg.clock = ours;
    b.cfg.listen = false;
    host_start(&b);
    ck_assert_int_eq(ptd_node_start_s(b.node), now_s);
    for (size_t i = 0; i < N; i++) {
        char name[32];

        ck_assert_ptr_null(ptd_node_warnings(b.node));
        host_init(&a[i]);
        a[i].cfg.clock = theirs;
        host_start(&a[i]);
        snprintf(name, sizeof name, "127.0.0.1:%u", a[i].port);
        ck_assert_int_eq(ptd_connmgr_dial(ptd_node_connmgr(b.node), name,
                                          PTD_LINK_MANUAL, false),
                         PTD_OK);
        (void)host_wait(&b, PTD_NODE_PEER_READY, -1);
    }
    ck_assert_int_eq(ptd_node_time_offset_s(b.node), off_s[_i]);
    text = ptd_node_warnings(b.node);
    ck_assert((text != NULL) == (off_s[_i] != 0));
    free(text);
    ck_assert_int_eq(ptd_clock_wall_s(ours), now_s);
    host_stop(&b);
    for (size_t i = 0; i < N; i++)
        host_stop(&a[i]);
    ptd_clock_free(ours);
    ptd_clock_free(theirs);
}
END_TEST

TCase *tcase_server(void)
{
    TCase *tc = tcase_create("server");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, banned_addresses_stay_outside, 0, PTD_COUNT(doors));
    tcase_add_test(tc, discouraged_addresses_come_only_while_there_is_room);
    tcase_add_loop_test(tc, full_node_makes_room, 0, PTD_COUNT(crowds));
    tcase_add_test(tc, silent_callers_are_gone_at_the_deadline);
    tcase_add_loop_test(tc, buffers_may_be_of_any_size, 0, PTD_COUNT(buffers));
    tcase_add_loop_test(tc, peers_are_sent_away, 0, N_WAYS);
    tcase_add_test(tc, network_is_switched_off_and_on);
    tcase_add_test(tc, who_comes_after_the_switch_is_sent_away);
    tcase_add_test(tc, totals_count_who_is_gone);
    tcase_add_test(tc, any_bytes_can_be_sent);
    tcase_add_loop_test(tc, peers_that_we_call_are_of_use_or_leave, 0,
                        PTD_COUNT(calls));
    tcase_add_loop_test(tc, clocks_of_peers_only_warn, 0, 4);
    return tc;
}
