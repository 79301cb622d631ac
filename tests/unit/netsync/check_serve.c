/* What is answered, and what is not. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "check_netsync.h"
#include "scene.h"

enum { DAY_S = 24 * 3600 };

static struct ptd_msg *ask(enum ptd_msg_type type, const struct ptd_hash *from,
                           size_t n, const struct ptd_hash *stop)
{
    static const struct ptd_hash none;

    return ptd_msg_new_locator(type, 70016, from, n,
                               stop != NULL ? stop : &none);
}

static struct ptd_hash at(struct scene *s, uint32_t height)
{
    struct ptd_block_info info;

    ck_assert(ptd_blockchain_at(s->r.c, &info, height));
    return info.header.hash;
}

/* ---- headers and hashes ---------------------------------------------- */

static const struct {
    const char *name;
    int from, stop; /* heights; -1: none */
    size_t n;
} asks[] = {
    { "all", 0, -1, 10 },        { "from the middle", 4, -1, 6 },
    { "up to a stop", 4, 6, 2 }, { "from the tip", 10, -1, 0 },
    { "one alone", -1, 7, 1 },
};

START_TEST(getheaders_is_answered)
{
    struct ptd_hash from = { { 0 } }, stop = { { 0 } };
    struct ptd_msg *m;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    (void)scene_grow(&s, 10, 1);
    if (asks[_i].from >= 0)
        from = at(&s, (uint32_t)asks[_i].from);
    if (asks[_i].stop >= 0)
        stop = at(&s, (uint32_t)asks[_i].stop);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, ask(PTD_MSG_GETHEADERS, &from, asks[_i].from >= 0, &stop));
    m = actor_wait(a, PTD_MSG_HEADERS);
    ck_assert_msg(PTD_MSG_CONST(headers, m)->n == asks[_i].n, "%s: %u",
                  asks[_i].name, PTD_MSG_CONST(headers, m)->n);
    ptd_msg_free(m);
    scene_close(&s);
}
END_TEST

START_TEST(getblocks_goes_on_when_the_last_is_fetched)
{
    enum { N = 510 };
    struct ptd_hash tip;
    struct ptd_msg *m;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    tip = scene_grow(&s, N, 1);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, ask(PTD_MSG_GETBLOCKS, &s.genesis, 1, NULL));
    m = actor_wait(a, PTD_MSG_INV);
    ck_assert_uint_eq(PTD_MSG_CONST(inv, m)->n, 500);
    actor_send(a, getdata_of(PTD_INV_WITNESS_BLOCK,
                             PTD_MSG_CONST(inv, m)->list[499].hash));
    ptd_msg_free(m);
    actor_hears(a, PTD_MSG_BLOCK);
    m = actor_wait(a, PTD_MSG_INV);
    ck_assert_uint_eq(PTD_MSG_CONST(inv, m)->n, 1);
    ck_assert(rig_same(PTD_MSG_CONST(inv, m)->list[0].hash, tip));
    ptd_msg_free(m);
    scene_close(&s);
}
END_TEST

START_TEST(chain_of_little_work_is_not_shown)
{
    struct ptd_msg *m;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    s.r.params.min_chain_work.b[1] = 1; /* 128 blocks */
    scene_open(&s);
    for (uint32_t i = 0; i < 3; i++)
        (void)rig_accept(&s.r, rig_next(&s.r, rig_tip(&s.r), i),
                         PTD_ACCEPT_REQUESTED | PTD_ACCEPT_TRUSTED);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, ask(PTD_MSG_GETHEADERS, &s.genesis, 1, NULL));
    m = actor_wait(a, PTD_MSG_HEADERS);
    ck_assert_uint_eq(PTD_MSG_CONST(headers, m)->n, 0);
    ptd_msg_free(m);
    a = actor_enter(&s, ACTOR_NOBAN); /* who may download */
    actor_send(a, ask(PTD_MSG_GETHEADERS, &s.genesis, 1, NULL));
    m = actor_wait(a, PTD_MSG_HEADERS);
    ck_assert_uint_eq(PTD_MSG_CONST(headers, m)->n, 3);
    ptd_msg_free(m);
    scene_close(&s);
}
END_TEST

/* ---- blocks ---------------------------------------------------------- */

/* Room in the coinbase for what commits to the witnesses; it is filled in when
 * the block is solved. BIP 141 */
static void commit(struct ptd_msg *m)
{
    static uint8_t script[38] = { 0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed },
                   reserved[32];
    struct ptd_tx *coinbase = ((struct ptd_msg_block *)(void *)m)->tx;
    struct ptd_tx_out *out = ptd_msg_alloc(m, 2, sizeof *out);
    struct ptd_bytes *item = ptd_msg_alloc(m, 1, sizeof *item);

    out[0] = coinbase->out[0];
    out[1].script = (struct ptd_bytes){ script, sizeof script };
    *item = (struct ptd_bytes){ reserved, sizeof reserved };
    coinbase->out = out;
    coinbase->n_out = 2;
    coinbase->in->witness = item;
    coinbase->in->n_witness = 1;
    coinbase->has_witness = true;
}

/* A block with witness. */
static struct ptd_msg *with_witness(struct scene *s)
{
    struct ptd_hash tip = rig_tip(&s->r);
    struct ptd_block_info info = rig_info(&s->r, tip);
    struct ptd_msg *m = rig_raw_block(&s->r, &tip, info.header.height + 1,
                                      (uint32_t)rig_now_s - 10, 1);
    struct ptd_msg_block *b = (struct ptd_msg_block *)(void *)m;
    static uint8_t item[] = { 1, 2, 3 };
    struct ptd_bytes *w;

    rig_add_txs(m, 2);
    w = ptd_msg_alloc(m, 1, sizeof *w);
    *w = (struct ptd_bytes){ item, sizeof item };
    b->tx[1].in[0].witness = w;
    b->tx[1].in[0].n_witness = 1;
    b->tx[1].has_witness = true;
    commit(m);
    rig_solve(&s->r, m);
    return m;
}

static const struct {
    const char *name;
    uint32_t type;
    enum ptd_msg_type answer;
    bool witness;
} forms[] = {
    { "with witness", PTD_INV_WITNESS_BLOCK, PTD_MSG_BLOCK, true },
    { "without", PTD_INV_BLOCK, PTD_MSG_BLOCK, false },
    { "compact", PTD_INV_CMPCT_BLOCK, PTD_MSG_CMPCTBLOCK, true },
};

START_TEST(a_block_is_given)
{
    const struct ptd_codec cx = { .pver = 70016, .encoding = PTD_ENC_WITNESS };
    struct ptd_peer_stats stats;
    struct ptd_msg *block, *m;
    struct ptd_hash hash;
    struct actor *a;
    struct scene s;
    enum ptd_err e;

    scene_init(&s);
    scene_open(&s);
    (void)scene_grow(&s, 3, 1);
    block = with_witness(&s);
    hash = rig_hash(block);
    ck_assert(rig_accept(&s.r, ptd_msg_ref(block), 0).is_new);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, getdata_of(forms[_i].type, hash));
    m = actor_wait(a, forms[_i].answer);
    if (m->type == PTD_MSG_BLOCK) {
        const struct ptd_msg_block *b = PTD_MSG_CONST(block, m);

        ck_assert(rig_same(rig_hash(m), hash));
        ck_assert_msg(b->tx[1].has_witness == forms[_i].witness, "%s",
                      forms[_i].name);
        if (forms[_i].witness)
            ck_assert_uint_eq(m->payload_bytes,
                              ptd_msg_encoded_bytes(block, &cx, &e));
    } else {
        ck_assert_uint_eq(PTD_MSG_CONST(cmpctblock, m)->n_short_ids, 2);
    }
    ptd_msg_free(m);
    ptd_msg_free(block);
    (void)actor_sync(a, PTD_MSG_PING);
    ptd_peer_stats(a->ours, &stats);
    ck_assert_int_eq(stats.last_block, 4); /* now it has it */
    scene_close(&s);
}
END_TEST

static const struct {
    const char *name;
    uint32_t depth;
    enum ptd_msg_type compact, txs;
} depths[] = {
    { "the tip", 0, PTD_MSG_CMPCTBLOCK, PTD_MSG_BLOCKTXN },
    { "five below", 5, PTD_MSG_CMPCTBLOCK, PTD_MSG_BLOCKTXN },
    { "six below", 6, PTD_MSG_BLOCK, PTD_MSG_BLOCKTXN },
    { "ten below", 10, PTD_MSG_BLOCK, PTD_MSG_BLOCKTXN },
    { "eleven below", 11, PTD_MSG_BLOCK, PTD_MSG_BLOCK },
};

START_TEST(old_blocks_are_given_whole)
{
    struct ptd_msg_getblocktxn *g;
    struct ptd_msg *m;
    struct ptd_hash hash;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    (void)scene_grow(&s, 20, 1);
    hash = at(&s, 20 - depths[_i].depth);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, getdata_of(PTD_INV_CMPCT_BLOCK, hash));
    actor_hears(a, depths[_i].compact);
    m = ptd_msg_new(PTD_MSG_GETBLOCKTXN);
    g = (struct ptd_msg_getblocktxn *)(void *)m;
    g->block = hash;
    g->n = 1;
    g->indexes = ptd_msg_alloc(m, 1, sizeof *g->indexes);
    actor_send(a, m);
    m = actor_wait(a, depths[_i].txs);
    if (m->type == PTD_MSG_BLOCKTXN) {
        ck_assert_uint_eq(PTD_MSG_CONST(blocktxn, m)->n, 1);
        ck_assert(rig_same(PTD_MSG_CONST(blocktxn, m)->block, hash));
    }
    ptd_msg_free(m);
    scene_close(&s);
}
END_TEST

START_TEST(a_thousand_blocks_come_in_turn)
{
    enum { N = 600 };
    struct ptd_inv inv[N];
    struct ptd_msg *m;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    (void)scene_grow(&s, N, 1);
    for (uint32_t i = 0; i < N; i++)
        inv[i] = (struct ptd_inv){ PTD_INV_WITNESS_BLOCK, at(&s, i + 1) };
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, ptd_msg_new_inv(PTD_MSG_GETDATA, inv, N));
    for (uint32_t i = 0; i < N; i++) {
        m = actor_wait(a, PTD_MSG_BLOCK);
        ck_assert(rig_same(rig_hash(m), inv[i].hash));
        ptd_msg_free(m);
    }
    scene_close(&s);
}
END_TEST

/* ---- what would tell who we are -------------------------------------- */

static const struct {
    const char *name;
    int64_t age_s; /* of the stale block when it is asked for */
    bool shown;
} stale[] = {
    { "new", 0, true },
    { "of 29 days", 29 * DAY_S, true },
    { "of 31 days", 31 * DAY_S, false },
};

START_TEST(old_stale_blocks_are_not_shown)
{
    struct ptd_hash fork, hash, stop;
    struct ptd_msg *block, *m;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    (void)scene_grow(&s, 2, 1);
    fork = at(&s, 1);
    scene_mine(&s, &block, 1, &fork, 1, 9);
    hash = rig_hash(block);
    ck_assert(rig_accept(&s.r, block, PTD_ACCEPT_REQUESTED).is_new);
    /* The best chain grows on, later. */
    scene_later(&s, stale[_i].age_s);
    stop = rig_tip(&s.r);
    (void)rig_accept(
        &s.r,
        rig_block(&s.r, &stop, 3, (uint32_t)(rig_now_s + stale[_i].age_s), 1),
        PTD_ACCEPT_REQUESTED);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, ask(PTD_MSG_GETHEADERS, NULL, 0, &hash));
    ck_assert_msg(actor_sync(a, PTD_MSG_HEADERS) == stale[_i].shown, "%s",
                  stale[_i].name);
    actor_send(a, getdata_of(PTD_INV_WITNESS_BLOCK, hash));
    m = actor_wait(a, stale[_i].shown ? PTD_MSG_BLOCK : PTD_MSG_NOTFOUND);
    ptd_msg_free(m);
    /* Those of the active chain are, however old. */
    actor_send(a, getdata_of(PTD_INV_WITNESS_BLOCK, at(&s, 2)));
    actor_hears(a, PTD_MSG_BLOCK);
    scene_close(&s);
}
END_TEST

static const struct {
    const char *name;
    uint64_t services;
    enum actor_kind kind;
    uint32_t depth;
    bool given;
} pruned[] = {
    { "290 below", PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS, ACTOR_IN, 290,
      true },
    { "291 below", PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS, ACTOR_IN, 291,
      false },
    { "291 below, vouched for", PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS,
      ACTOR_NOBAN, 291, true },
    { "291 below, all are kept",
      PTD_NODE_NETWORK | PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS, ACTOR_IN,
      291, true },
};

START_TEST(pruned_depth_is_not_shown)
{
    struct actor *a;
    struct scene s;

    scene_init(&s);
    s.services = pruned[_i].services;
    scene_open(&s);
    (void)scene_grow(&s, 300, 1);
    a = actor_enter(&s, pruned[_i].kind);
    actor_send(
        a, getdata_of(PTD_INV_WITNESS_BLOCK, at(&s, 300 - pruned[_i].depth)));
    if (pruned[_i].given)
        actor_hears(a, PTD_MSG_BLOCK);
    else
        actor_wait_gone(a);
    ck_assert_msg(actor_is_here(a) == pruned[_i].given, "%s", pruned[_i].name);
    scene_close(&s);
}
END_TEST

/* ---- how much -------------------------------------------------------- */

START_TEST(upload_has_a_limit_for_old_blocks)
{
    const uint64_t mb = 1000000, day = 144 * 4 * mb;
    struct ptd_upload_info info;
    struct actor *a, *b;
    struct ptd_hash old, tip;
    struct scene s;

    scene_init(&s);
    s.cfg.max_upload_bytes = day + 10 * mb;
    scene_open(&s);
    (void)rig_accept(
        &s.r,
        rig_block(&s.r, &s.genesis, 1, (uint32_t)(rig_now_s - 8 * DAY_S), 1),
        PTD_ACCEPT_REQUESTED);
    old = rig_tip(&s.r);
    tip = scene_grow(&s, 1, 1);
    a = actor_enter(&s, ACTOR_IN);
    b = actor_enter(&s, ACTOR_NOBAN);
    actor_send(a, getdata_of(PTD_INV_WITNESS_BLOCK, old));
    actor_hears(a, PTD_MSG_BLOCK);
    ptd_netsync_sent(s.ns, 11 * mb);
    ptd_netsync_upload(s.ns, &info);
    ck_assert(!info.serves_history && !info.reached);
    ck_assert_uint_eq(info.left_bytes, day - mb);
    actor_send(a, getdata_of(PTD_INV_WITNESS_BLOCK, tip)); /* a new one */
    actor_hears(a, PTD_MSG_BLOCK);
    actor_send(b, getdata_of(PTD_INV_WITNESS_BLOCK, old));
    actor_hears(b, PTD_MSG_BLOCK);
    actor_send(a, getdata_of(PTD_INV_WITNESS_BLOCK, old));
    actor_wait_gone(a);
    /* The next day begins anew. */
    scene_later(&s, DAY_S);
    ptd_netsync_sent(s.ns, 1);
    ptd_netsync_upload(s.ns, &info);
    ck_assert(info.serves_history);
    ck_assert_int_eq(info.left_s, DAY_S);
    scene_close(&s);
}
END_TEST

TCase *tcase_serve(void)
{
    TCase *tc = tcase_create("serve");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, getheaders_is_answered, 0, PTD_COUNT(asks));
    tcase_add_test(tc, getblocks_goes_on_when_the_last_is_fetched);
    tcase_add_test(tc, chain_of_little_work_is_not_shown);
    tcase_add_loop_test(tc, a_block_is_given, 0, PTD_COUNT(forms));
    tcase_add_loop_test(tc, old_blocks_are_given_whole, 0, PTD_COUNT(depths));
    tcase_add_test(tc, a_thousand_blocks_come_in_turn);
    tcase_add_loop_test(tc, old_stale_blocks_are_not_shown, 0,
                        PTD_COUNT(stale));
    tcase_add_loop_test(tc, pruned_depth_is_not_shown, 0, PTD_COUNT(pruned));
    tcase_add_test(tc, upload_has_a_limit_for_old_blocks);
    return tc;
}
