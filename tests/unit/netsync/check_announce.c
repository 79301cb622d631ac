/* How new blocks are told. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "check_netsync.h"
#include "netsync/netsync_int.h"
#include "scene.h"

static void scene_near(struct scene *s)
{
    scene_init(s);
    scene_open(s);
    (void)scene_grow(s, 3, 1);
}

static struct ptd_msg *header_of(struct scene *s, struct ptd_hash hash)
{
    struct ptd_block_info info = rig_info(&s->r, hash);
    struct ptd_block_header h;

    ptd_block_header_decode(&h, info.header.raw);
    return ptd_msg_new_headers(&h, 1);
}

/* The peer shows that it has our tip. */
static void shows(struct actor *a, struct ptd_hash tip)
{
    actor_send(a, header_of(a->s, tip));
    (void)actor_sync(a, PTD_MSG_PING);
}

static const struct {
    const char *name;
    bool sendheaders, sendcmpct, has_tip;
    size_t n_blocks;
    enum ptd_msg_type type;
} ways[] = {
    { "as inventory", false, false, true, 1, PTD_MSG_INV },
    { "as a header", true, false, true, 1, PTD_MSG_HEADERS },
    { "as a header to who is behind: inventory", true, false, false, 1,
      PTD_MSG_INV },
    { "as a compact block", false, true, true, 1, PTD_MSG_CMPCTBLOCK },
    { "as a compact block, rather than a header", true, true, true, 1,
      PTD_MSG_CMPCTBLOCK },
    { "as a compact block to who is behind: inventory", false, true, false, 1,
      PTD_MSG_INV },
};

START_TEST(a_block_is_told)
{
    struct ptd_peer_stats before, after;
    struct ptd_hash tip;
    struct ptd_msg *m;
    struct actor *a;
    struct scene s;

    scene_near(&s);
    a = actor_enter(&s, ACTOR_IN);
    if (ways[_i].sendheaders)
        actor_send(a, ptd_msg_new(PTD_MSG_SENDHEADERS));
    if (ways[_i].sendcmpct)
        actor_send(a, sendcmpct_of(true));
    if (ways[_i].has_tip)
        shows(a, rig_tip(&s.r));
    (void)actor_sync(a, PTD_MSG_PING);
    ptd_peer_stats(a->ours, &before);
    tip = scene_grow(&s, ways[_i].n_blocks, 2);
    m = actor_wait(a, ways[_i].type);
    if (m->type == PTD_MSG_INV) {
        ck_assert_uint_eq(PTD_MSG_CONST(inv, m)->n, 1);
        ck_assert(rig_same(PTD_MSG_CONST(inv, m)->list[0].hash, tip));
    } else if (m->type == PTD_MSG_HEADERS) {
        struct ptd_hash hash;

        ck_assert_uint_eq(PTD_MSG_CONST(headers, m)->n, 1);
        ptd_block_header_hash(&PTD_MSG_CONST(headers, m)->list[0], &hash);
        ck_assert(rig_same(hash, tip));
    } else {
        const struct ptd_msg_cmpctblock *c = PTD_MSG_CONST(cmpctblock, m);
        struct ptd_hash hash;

        ptd_block_header_hash(&c->header, &hash);
        ck_assert(rig_same(hash, tip));
        ck_assert_uint_eq(c->n_prefilled, 1);
        ck_assert_uint_eq(c->n_short_ids, 0);
    }
    ptd_msg_free(m);
    ck_assert_uint_eq(actor_sync(a, ways[_i].type), 0);
    /* Who is only told of it has yet to fetch it. */
    ptd_peer_stats(a->ours, &after);
    ck_assert_int_eq(after.last_block - before.last_block,
                     ways[_i].type == PTD_MSG_CMPCTBLOCK);
    scene_close(&s);
}
END_TEST

static const struct {
    const char *name;
    size_t n; /* blocks of the new branch */
    enum ptd_msg_type type;
} branches[] = {
    { "a short reorganisation is told as headers", 8, PTD_MSG_HEADERS },
    { "a long one as inventory", 9, PTD_MSG_INV },
};

START_TEST(a_reorganisation_is_told)
{
    struct ptd_hash fork;
    struct ptd_msg *list[9], *m;
    struct actor *a;
    struct scene s;

    scene_near(&s);
    fork = rig_tip(&s.r);
    (void)scene_grow(&s, branches[_i].n - 1, 2);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, ptd_msg_new(PTD_MSG_SENDHEADERS));
    shows(a, rig_tip(&s.r));
    scene_mine(&s, list, branches[_i].n, &fork, 3, 7);
    for (size_t i = 0; i < branches[_i].n; i++)
        (void)rig_accept(&s.r, list[i], PTD_ACCEPT_REQUESTED);
    m = actor_wait(a, branches[_i].type);
    ck_assert_uint_eq(m->type == PTD_MSG_INV ? PTD_MSG_CONST(inv, m)->n
                                             : PTD_MSG_CONST(headers, m)->n,
                      m->type == PTD_MSG_INV ? 1 : branches[_i].n);
    ptd_msg_free(m);
    scene_close(&s);
}
END_TEST

START_TEST(who_gave_it_is_not_told)
{
    struct ptd_hash tip;
    struct ptd_msg *block;
    struct actor *a, *b;
    struct scene s;

    scene_near(&s);
    tip = rig_tip(&s.r);
    a = actor_enter(&s, ACTOR_IN);
    b = actor_enter(&s, ACTOR_IN);
    scene_mine(&s, &block, 1, &tip, 3, 4);
    actor_send(a, block);
    actor_hears(b, PTD_MSG_INV);
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_INV), 0);
    scene_close(&s);
}
END_TEST

START_TEST(nothing_is_told_while_we_are_behind)
{
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_IN);
    scene_later(&s, 3 * 24 * 3600); /* the blocks to come are days old */
    (void)scene_grow(&s, 3, 1);
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_INV), 0);
    scene_close(&s);
}
END_TEST

static size_t n_untold(struct actor *a)
{
    size_t n;

    ptd_mutex_lock(&a->s->ns->mu);
    n = a->sp->n_announce;
    ptd_mutex_unlock(&a->s->ns->mu);
    return n;
}

START_TEST(nothing_is_left_to_tell_once_it_is_settled)
{
    struct actor *a;
    struct scene s;

    scene_near(&s);
    a = actor_enter(&s, ACTOR_IN);
    for (int i = 0; i < 50; i++) {
        (void)scene_grow(&s, 1, 2);
        ptd_netsync_settle(s.ns);
        ck_assert_uint_eq(n_untold(a), 0);
    }
    actor_leave(a);
    ptd_netsync_stop(s.ns);
    ptd_netsync_settle(s.ns); /* nobody is there to wait for */
    scene_close(&s);
}
END_TEST

START_TEST(headers_are_welcome_once_some_came)
{
    struct actor *a;
    struct scene s;

    scene_near(&s);
    a = actor_enter(&s, ACTOR_IN);
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_SENDHEADERS), 0);
    actor_send(a, header_of(&s, rig_tip(&s.r)));
    actor_hears(a, PTD_MSG_SENDHEADERS);
    shows(a, rig_tip(&s.r));
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_SENDHEADERS), 0);
    scene_close(&s);
}
END_TEST

/* One who does not read is told when it reads again: of each block, or of the
 * last of many. */
static const struct {
    size_t n;
    enum ptd_msg_type type;
} meanwhile[] = {
    { 1, PTD_MSG_HEADERS }, { 3, PTD_MSG_HEADERS }, { 8, PTD_MSG_HEADERS },
    { 9, PTD_MSG_INV },     { 20, PTD_MSG_INV },
};

START_TEST(who_does_not_keep_up_is_told_later)
{
    struct actor *deaf, *other;
    struct ptd_hash tip, got;
    struct ptd_msg *m;
    struct scene s;

    scene_near(&s);
    deaf = actor_enter(&s, ACTOR_IN);
    actor_send(deaf, ptd_msg_new(PTD_MSG_SENDHEADERS));
    actor_send(deaf, header_of(&s, rig_tip(&s.r)));
    actor_hears(deaf, PTD_MSG_SENDHEADERS);
    other = actor_enter(&s, ACTOR_IN);
    actor_goes_deaf(deaf);
    for (size_t i = 0; i < meanwhile[_i].n; i++) {
        tip = scene_grow(&s, 1, 2);
        actor_hears(other, PTD_MSG_INV); /* the deaf one's turn was before */
    }
    actor_listens(deaf);
    (void)actor_sync(deaf, PTD_MSG_PING);
    scene_later(&s, 2);
    m = actor_wait(deaf, meanwhile[_i].type);
    if (m->type == PTD_MSG_HEADERS) {
        const struct ptd_msg_headers *h = PTD_MSG_CONST(headers, m);

        ck_assert_uint_eq(h->n, meanwhile[_i].n);
        ptd_block_header_hash(&h->list[h->n - 1], &got);
    } else {
        ck_assert_uint_eq(PTD_MSG_CONST(inv, m)->n, 1);
        got = PTD_MSG_CONST(inv, m)->list[0].hash;
    }
    ck_assert(rig_same(got, tip));
    ptd_msg_free(m);
    /* Once. */
    scene_later(&s, 2);
    ck_assert_uint_eq(actor_sync(deaf, meanwhile[_i].type), 0);
    scene_close(&s);
}
END_TEST

TCase *tcase_announce(void)
{
    TCase *tc = tcase_create("announce");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, a_block_is_told, 0, PTD_COUNT(ways));
    tcase_add_loop_test(tc, a_reorganisation_is_told, 0, PTD_COUNT(branches));
    tcase_add_test(tc, who_gave_it_is_not_told);
    tcase_add_loop_test(tc, who_does_not_keep_up_is_told_later, 0,
                        PTD_COUNT(meanwhile));
    tcase_add_test(tc, nothing_is_told_while_we_are_behind);
    tcase_add_test(tc, nothing_is_left_to_tell_once_it_is_settled);
    tcase_add_test(tc, headers_are_welcome_once_some_came);
    return tc;
}
