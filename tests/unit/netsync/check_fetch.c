/* Headers and blocks from several peers, and who is too slow. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_netsync.h"
#include "scene.h"

enum { LONG = 1060 };

/* ---- headers --------------------------------------------------------- */

START_TEST(headers_come_from_one_until_we_are_near)
{
    struct ptd_msg *list[3];
    struct actor *a, *b;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_OUT);
    actor_hears(a, PTD_MSG_GETHEADERS);
    b = actor_enter(&s, ACTOR_OUT);
    ck_assert_uint_eq(actor_sync(b, PTD_MSG_GETHEADERS), 0);
    scene_mine(&s, list, 3, &s.genesis, 0, 1);
    actor_send(a, scene_headers(list, 3));
    actor_hears(b, PTD_MSG_GETHEADERS);
    scene_free(list, 3);
    scene_close(&s);
}
END_TEST

START_TEST(the_sync_peer_may_leave)
{
    struct actor *a, *b;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_OUT);
    actor_hears(a, PTD_MSG_GETHEADERS);
    b = actor_enter(&s, ACTOR_OUT);
    actor_leave(a);
    actor_hears(b, PTD_MSG_GETHEADERS);
    scene_close(&s);
}
END_TEST

static const struct {
    const char *name;
    enum actor_kind first, second;
    bool first_leaves, second_asked;
} late[] = {
    { "another is there", ACTOR_OUT, ACTOR_OUT, true, true },
    { "the first has no ban to fear", ACTOR_NOBAN, ACTOR_OUT, false, false },
    { "nobody else would do", ACTOR_OUT, ACTOR_IN, false, false },
};

START_TEST(headers_that_do_not_come)
{
    struct actor *a, *b;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, late[_i].first);
    actor_hears(a, PTD_MSG_GETHEADERS);
    b = actor_enter(&s, late[_i].second);
    /* 15 minutes, and one ms for each ten minutes since 2011. */
    scene_later(&s, 15 * 60 + 670);
    (void)actor_sync(b, PTD_MSG_PING);
    ck_assert_msg(actor_is_here(a), "%s: too early", late[_i].name);
    scene_later(&s, 15);
    if (late[_i].first_leaves) {
        actor_wait_gone(a);
        actor_leave(a);
    } else {
        (void)actor_sync(a, PTD_MSG_PING);
    }
    if (late[_i].second_asked)
        actor_hears(b, PTD_MSG_GETHEADERS);
    scene_close(&s);
}
END_TEST

START_TEST(inventory_asks_one_more_peer_a_block)
{
    struct ptd_hash x = { { 1 } }, y = { { 2 } };
    struct actor *a, *b, *c;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_OUT);
    actor_hears(a, PTD_MSG_GETHEADERS);
    b = actor_enter(&s, ACTOR_IN);
    c = actor_enter(&s, ACTOR_IN);
    actor_send(b, inv_of(PTD_INV_BLOCK, x));
    actor_hears(b, PTD_MSG_GETHEADERS);
    actor_send(c, inv_of(PTD_INV_BLOCK, x)); /* the same: one is enough */
    ck_assert_uint_eq(actor_sync(c, PTD_MSG_GETHEADERS), 0);
    actor_send(c, inv_of(PTD_INV_BLOCK, y));
    actor_hears(c, PTD_MSG_GETHEADERS);
    scene_close(&s);
}
END_TEST

/* Some never answer that they have nothing; what they announce then counts. */
START_TEST(inventory_after_silence_is_asked_about)
{
    struct ptd_hash x = { { 1 } };
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_OUT);
    actor_hears(a, PTD_MSG_GETHEADERS);
    for (uint8_t i = 0; i < 50; i++) {
        x.b[1] = i;
        actor_send(a, inv_of(PTD_INV_BLOCK, x));
    }
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_GETHEADERS), 0);
    scene_later(&s, 4);
    actor_hears(a, PTD_MSG_GETHEADERS);
    scene_later(&s, 60); /* once */
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_GETHEADERS), 0);
    scene_close(&s);
}
END_TEST

/* ---- blocks ---------------------------------------------------------- */

static bool is_in(const struct ptd_hash *list, size_t n, struct ptd_hash hash)
{
    for (size_t i = 0; i < n; i++)
        if (rig_same(list[i], hash))
            return true;
    return false;
}

START_TEST(blocks_are_shared_out)
{
    struct ptd_hash x[PTD_SYNC_PER_PEER], y[PTD_SYNC_PER_PEER], z[8];
    struct ptd_msg *list[40];
    struct actor *a, *b;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_OUT);
    b = actor_enter(&s, ACTOR_OUT);
    scene_mine(&s, list, 40, &s.genesis, 0, 1);
    actor_send(a, scene_headers(list, 40));
    actor_is_asked(a, x, PTD_SYNC_PER_PEER);
    actor_send(b, scene_headers(list, 40));
    actor_is_asked(b, y, PTD_SYNC_PER_PEER);
    for (size_t i = 0; i < PTD_SYNC_PER_PEER; i++)
        ck_assert(!is_in(x, PTD_SYNC_PER_PEER, y[i]));
    ck_assert_uint_eq(actor_info(a).n_in_flight, PTD_SYNC_PER_PEER);
    ck_assert_uint_eq(actor_info(a).in_flight[0], 1);
    ck_assert_int_eq(actor_info(b).synced_headers, 40);
    actor_gives(a, list, 40, x, PTD_SYNC_PER_PEER);
    actor_is_asked(a, z, 8);
    actor_gives(b, list, 40, y, PTD_SYNC_PER_PEER);
    actor_gives(a, list, 40, z, 8);
    scene_wait_height(&s, 40);
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_GETDATA), 0);
    ck_assert_uint_eq(actor_sync(b, PTD_MSG_GETDATA), 0);
    ck_assert_int_eq(actor_info(a).synced_blocks, 40);
    scene_free(list, 40);
    scene_close(&s);
}
END_TEST

static void refuses(struct actor *a, const struct ptd_hash *asked, size_t n)
{
    struct ptd_inv inv[PTD_SYNC_PER_PEER];

    for (size_t i = 0; i < n; i++)
        inv[i] = (struct ptd_inv){ PTD_INV_WITNESS_BLOCK, asked[i] };
    actor_send(a, ptd_msg_new_inv(PTD_MSG_NOTFOUND, inv, n));
}

static void leaves(struct actor *a, const struct ptd_hash *asked, size_t n)
{
    (void)asked;
    (void)n;
    actor_leave(a);
}

/* A block interval, and half of one for the other who was asked meanwhile. */
static void is_silent(struct actor *a, const struct ptd_hash *asked, size_t n)
{
    (void)asked;
    (void)n;
    scene_later(a->s, 600);
    (void)actor_sync(a, PTD_MSG_PING);
    scene_later(a->s, 1);
    actor_wait_gone(a);
    actor_leave(a);
}

static const struct {
    const char *name;
    void (*fails)(struct actor *a, const struct ptd_hash *asked, size_t n);
} failures[] = {
    { "has them not", refuses },
    { "is gone", leaves },
    { "says nothing for a block interval", is_silent },
};

START_TEST(what_one_does_not_give_another_does)
{
    struct ptd_hash x[4], y[4];
    struct ptd_msg *list[4];
    struct actor *a, *b;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_OUT);
    b = actor_enter(&s, ACTOR_OUT);
    scene_mine(&s, list, 4, &s.genesis, 0, 1);
    actor_send(a, scene_headers(list, 4));
    actor_is_asked(a, x, 4);
    actor_send(b, scene_headers(list, 4));
    ck_assert_uint_eq(actor_sync(b, PTD_MSG_GETDATA), 0);
    failures[_i].fails(a, x, 4);
    actor_is_asked(b, y, 4);
    actor_gives(b, list, 4, y, 4);
    scene_wait_height(&s, 4);
    scene_free(list, 4);
    scene_close(&s);
}
END_TEST

/* Serve until the node asks for nothing more that there is but what `withheld`
 * was asked for. */
static void serve_all_but(struct actor *b, struct ptd_msg **list, size_t n,
                          size_t n_to_serve)
{
    for (size_t served = 0; served < n_to_serve;) {
        struct ptd_msg *m = actor_wait(b, PTD_MSG_GETDATA);
        const struct ptd_msg_inv *ask = PTD_MSG_CONST(inv, m);

        for (uint32_t i = 0; i < ask->n; i++)
            actor_gives(b, list, n, &ask->list[i].hash, 1);
        served += ask->n;
        ptd_msg_free(m);
    }
}

START_TEST(who_holds_the_window_up_has_two_seconds)
{
    struct ptd_hash x[PTD_SYNC_PER_PEER], y[PTD_SYNC_PER_PEER];
    static struct ptd_msg *list[LONG];
    struct actor *a, *b;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_OUT);
    b = actor_enter(&s, ACTOR_OUT);
    scene_mine(&s, list, LONG, &s.genesis, 0, 1);
    actor_send(a, scene_headers(list, LONG));
    actor_is_asked(a, x, PTD_SYNC_PER_PEER);
    actor_send(b, scene_headers(list, LONG));
    /* The rest of the window of 1,024. */
    serve_all_but(b, list, LONG, 1024 - PTD_SYNC_PER_PEER);
    ck_assert_uint_eq(actor_sync(b, PTD_MSG_GETDATA), 0);
    scene_later(&s, 2);
    (void)actor_sync(b, PTD_MSG_PING);
    ck_assert(actor_is_here(a));
    scene_later(&s, 1);
    actor_wait_gone(a);
    actor_leave(a);
    actor_is_asked(b, y, PTD_SYNC_PER_PEER);
    ck_assert(rig_same(x[0], y[0]));
    actor_gives(b, list, LONG, y, PTD_SYNC_PER_PEER);
    serve_all_but(b, list, LONG, LONG - 1024);
    scene_wait_height(&s, LONG);
    scene_free(list, LONG);
    scene_close(&s);
}
END_TEST

/* Announce and withhold (CVE-2024-52922): others are asked on their own
 * announcement as soon as the first has had its time; with compact blocks at
 * once, see check_compact.c. */
START_TEST(flood_of_inventory_moves_no_request)
{
    struct ptd_inv *flood = calloc(PTD_MAX_INV_PER_MSG, sizeof *flood);
    struct ptd_hash x[1];
    struct ptd_msg *list[1];
    struct actor *a, *b;
    struct scene s;
    size_t n = 0;

    for (size_t i = 0; i < PTD_MAX_INV_PER_MSG; i++) {
        flood[i].type = PTD_INV_BLOCK;
        memcpy(flood[i].hash.b, &i, sizeof i);
    }
    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_OUT);
    b = actor_enter(&s, ACTOR_OUT);
    scene_mine(&s, list, 1, &s.genesis, 0, 1);
    actor_send(a, scene_headers(list, 1));
    actor_is_asked(a, x, 1);
    actor_send(b, scene_headers(list, 1));
    for (size_t i = 0; i < 4; i++) {
        actor_send(a, ptd_msg_new_inv(PTD_MSG_INV, flood, PTD_MAX_INV_PER_MSG));
        n += actor_sync(a, PTD_MSG_GETHEADERS);
    }
    ck_assert_uint_le(n, 1);
    ck_assert_uint_eq(actor_info(a).n_in_flight, 1);
    scene_later(&s, 601);
    actor_wait_gone(a);
    actor_leave(a);
    actor_is_asked(b, x, 1);
    free(flood);
    scene_free(list, 1);
    scene_close(&s);
}
END_TEST

static const struct {
    const char *name;
    uint64_t services;
    uint32_t n_asked;
} offers[] = {
    { "all", PTD_NODE_NETWORK | PTD_NODE_WITNESS, 3 },
    { "the last ones", PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS, 3 },
    { "no witnesses", PTD_NODE_NETWORK, 0 },
};

START_TEST(blocks_are_asked_of_who_has_them)
{
    struct ptd_hash x[3];
    struct ptd_msg *list[3];
    struct actor *a;
    struct scene s;

    scene_init(&s);
    s.r.cfg.max_tip_age_s = INT64_C(1) << 40; /* not the first download */
    scene_open(&s);
    a = actor_enter_as(&s, ACTOR_OUT, offers[_i].services);
    scene_mine(&s, list, 3, &s.genesis, 0, 1);
    actor_send(a, scene_headers(list, 3));
    if (offers[_i].n_asked > 0)
        actor_is_asked(a, x, offers[_i].n_asked);
    ck_assert_msg(actor_sync(a, PTD_MSG_GETDATA) == 0, "%s", offers[_i].name);
    scene_free(list, 3);
    scene_close(&s);
}
END_TEST

START_TEST(a_limited_peer_is_asked_for_the_last_blocks_alone)
{
    enum { N = 300, KEPT = 285 };
    struct ptd_hash x[PTD_SYNC_PER_PEER];
    struct ptd_msg *list[N];
    struct actor *a;
    struct scene s;

    scene_init(&s);
    s.r.cfg.max_tip_age_s = INT64_C(1) << 40;
    scene_open(&s);
    a = actor_enter_as(&s, ACTOR_OUT,
                       PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS);
    scene_mine(&s, list, N, &s.genesis, 0, 1);
    actor_send(a, scene_headers(list, N));
    actor_is_asked(a, x, PTD_SYNC_PER_PEER);
    ck_assert(rig_same(x[0], rig_hash(list[N - KEPT - 1])));
    scene_free(list, N);
    scene_close(&s);
}
END_TEST

START_TEST(one_block_by_hand)
{
    struct ptd_hash x[1], none = { { 9 } };
    struct ptd_msg *list[1];
    struct actor *a, *b, *c;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_OUT);
    b = actor_enter(&s, ACTOR_IN);
    c = actor_enter_as(&s, ACTOR_IN, PTD_NODE_NETWORK);
    scene_mine(&s, list, 1, &s.genesis, 0, 1);
    actor_send(a, scene_headers(list, 1));
    actor_is_asked(a, x, 1);
    ck_assert_int_eq(ptd_netsync_fetch_from(s.ns, ptd_peer_id(a->ours), &x[0]),
                     PTD_EEXIST);
    ck_assert_int_eq(ptd_netsync_fetch_from(s.ns, ptd_peer_id(c->ours), &x[0]),
                     PTD_EREJECTED);
    ck_assert_int_eq(ptd_netsync_fetch_from(s.ns, 99, &x[0]), PTD_ENOTFOUND);
    ck_assert_int_eq(ptd_netsync_fetch_from(s.ns, ptd_peer_id(b->ours), &none),
                     PTD_EEMPTY);
    ck_assert_int_eq(ptd_netsync_fetch_from(s.ns, ptd_peer_id(b->ours), &x[0]),
                     PTD_OK);
    actor_is_asked(b, x, 1);
    actor_gives(b, list, 1, x, 1);
    scene_wait_height(&s, 1);
    scene_free(list, 1);
    scene_close(&s);
}
END_TEST

/* ---- whose chain is behind ------------------------------------------- */

static const struct {
    const char *name;
    enum actor_kind kind;
    bool catches_up, leaves;
} behind[] = {
    { "ours", ACTOR_OUT, false, true },
    { "ours, that catches up when asked", ACTOR_OUT, true, false },
    { "block-relay-only", ACTOR_BLOCKS, false, true },
    { "the user's", ACTOR_MANUAL, false, false },
    { "inbound", ACTOR_IN, false, false },
};

START_TEST(a_worse_chain_is_asked_about_once)
{
    struct ptd_hash tip;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    tip = scene_grow(&s, 3, 1);
    a = actor_enter(&s, behind[_i].kind);
    actor_hears(a, PTD_MSG_GETHEADERS);
    actor_send(a, ptd_msg_new_headers(NULL, 0));
    (void)actor_sync(a, PTD_MSG_PING);
    /* When this one is looked at, the other has been. */
    actor_hears(actor_enter(&s, ACTOR_IN), PTD_MSG_GETHEADERS);
    scene_later(&s, 20 * 60 + 1);
    if (behind[_i].kind == ACTOR_OUT || behind[_i].kind == ACTOR_BLOCKS)
        actor_hears(a, PTD_MSG_GETHEADERS);
    if (behind[_i].catches_up) {
        struct ptd_block_info info = rig_info(&s.r, tip);
        struct ptd_block_header h;

        ptd_block_header_decode(&h, info.header.raw);
        actor_send(a, ptd_msg_new_headers(&h, 1));
    }
    (void)actor_sync(a, PTD_MSG_PING);
    scene_later(&s, 2 * 60 + 1);
    if (behind[_i].leaves)
        actor_wait_gone(a);
    else
        (void)actor_sync(a, PTD_MSG_PING);
    ck_assert_msg(actor_is_here(a) != behind[_i].leaves, "%s", behind[_i].name);
    scene_close(&s);
}
END_TEST

START_TEST(a_stale_tip_asks_for_another_peer)
{
    struct scene s;
    bool wanted;

    scene_init(&s);
    scene_open(&s);
    (void)scene_grow(&s, 1, 1);
    scene_later(&s, 31 * 60);
    ck_assert_int_eq(
        ptd_chan_recv_until(s.wants, &wanted, NULL,
                            ptd_clock_now_us(NULL) + 30 * SECOND_US),
        PTD_OK);
    ck_assert(wanted);
    (void)scene_grow(&s, 1, 2);
    scene_later(&s, 11 * 60);
    ck_assert_int_eq(
        ptd_chan_recv_until(s.wants, &wanted, NULL,
                            ptd_clock_now_us(NULL) + 30 * SECOND_US),
        PTD_OK);
    ck_assert(!wanted);
    scene_close(&s);
}
END_TEST

START_TEST(nothing_is_fetched_while_files_are_read)
{
    struct ptd_msg *list[1];
    struct ptd_hash x[1];
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    ptd_netsync_set_loading(s.ns, true);
    a = actor_enter(&s, ACTOR_OUT);
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_GETHEADERS), 0);
    scene_mine(&s, list, 1, &s.genesis, 0, 1);
    actor_send(a, scene_headers(list, 1));
    actor_send(a, ptd_msg_ref(list[0]));
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_GETDATA), 0);
    ck_assert_uint_eq(ptd_headers_height(ptd_blockchain_headers(s.r.c)), 0);
    ptd_netsync_set_loading(s.ns, false);
    actor_hears(a, PTD_MSG_GETHEADERS);
    actor_send(a, scene_headers(list, 1));
    actor_is_asked(a, x, 1);
    scene_free(list, 1);
    scene_close(&s);
}
END_TEST

/* The thread goes through all peers while the headers of one are in hand. */
static void on_headers(void *arg, void *user, uint32_t height)
{
    struct scene *s = arg;
    const struct actor *teller = user;
    struct ptd_block_info tip;

    if (teller != &s->actor[1] || height != 4)
        return;
    ptd_blockchain_tip(s->r.c, &tip);
    ptd_netsync_tip(s->ns, &(struct ptd_tip_change){
                               .new_tip = tip.header.hash,
                               .new_height = tip.header.height,
                               .fork_height = tip.header.height - 1 });
    actor_hears(s->user, PTD_MSG_INV);
}

START_TEST(who_tells_the_header_is_asked_for_the_block)
{
    struct actor *early, *teller, *other;
    struct ptd_msg *block;
    struct ptd_hash tip;
    struct scene s;

    scene_init(&s);
    s.cfg.on_headers = on_headers;
    scene_open(&s);
    tip = scene_grow(&s, 3, 1);
    early = actor_enter(&s, ACTOR_IN);
    teller = actor_enter(&s, ACTOR_IN);
    other = actor_enter(&s, ACTOR_IN);
    s.user = other;
    actor_hears(other, PTD_MSG_GETHEADERS);
    scene_mine(&s, &block, 1, &tip, 3, 2);
    actor_send(early, inv_of(PTD_INV_BLOCK, rig_hash(block)));
    (void)actor_sync(early, PTD_MSG_GETHEADERS);
    actor_send(teller, scene_headers(&block, 1));
    actor_hears(teller, PTD_MSG_GETDATA);
    ck_assert_uint_eq(actor_sync(early, PTD_MSG_GETDATA), 0);
    ptd_msg_free(block);
    scene_close(&s);
}
END_TEST

TCase *tcase_fetch(void)
{
    TCase *tc = tcase_create("fetch");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, headers_come_from_one_until_we_are_near);
    tcase_add_test(tc, the_sync_peer_may_leave);
    tcase_add_loop_test(tc, headers_that_do_not_come, 0, PTD_COUNT(late));
    tcase_add_test(tc, inventory_asks_one_more_peer_a_block);
    tcase_add_test(tc, inventory_after_silence_is_asked_about);
    tcase_add_test(tc, blocks_are_shared_out);
    tcase_add_loop_test(tc, what_one_does_not_give_another_does, 0,
                        PTD_COUNT(failures));
    tcase_add_test(tc, who_holds_the_window_up_has_two_seconds);
    tcase_add_test(tc, flood_of_inventory_moves_no_request);
    tcase_add_loop_test(tc, blocks_are_asked_of_who_has_them, 0,
                        PTD_COUNT(offers));
    tcase_add_test(tc, a_limited_peer_is_asked_for_the_last_blocks_alone);
    tcase_add_test(tc, who_tells_the_header_is_asked_for_the_block);
    tcase_add_test(tc, one_block_by_hand);
    tcase_add_loop_test(tc, a_worse_chain_is_asked_about_once, 0,
                        PTD_COUNT(behind));
    tcase_add_test(tc, a_stale_tip_asks_for_another_peer);
    tcase_add_test(tc, nothing_is_fetched_while_files_are_read);
    return tc;
}
