/* What a peer may not do, and what it costs nobody else. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_netsync.h"
#include "scene.h"

/* ---- faults ---------------------------------------------------------- */

static struct ptd_msg *no_work(struct scene *s)
{
    struct ptd_msg *m = rig_raw_block(&s->r, &s->genesis, 1, 1500000000, 1), *h;
    struct ptd_msg_block *b = (struct ptd_msg_block *)(void *)m;
    struct ptd_hash hash;

    do {
        b->header.nonce++;
        hash = rig_hash(m);
    } while (hash.b[31] < 0x80);
    h = scene_headers(&m, 1);
    ptd_msg_free(m);
    return h;
}

static struct ptd_msg *unlinked(struct scene *s)
{
    struct ptd_msg *list[3], *h;

    scene_mine(s, list, 3, &s->genesis, 0, 9);
    h = scene_headers((struct ptd_msg *[]){ list[0], list[2] }, 2);
    scene_free(list, 3);
    return h;
}

/* The header is good, the transaction is another. */
static struct ptd_msg *mutate(const struct ptd_msg *block)
{
    const struct ptd_codec cx = { .pver = 70016, .encoding = PTD_ENC_WITNESS };
    uint8_t raw[400];
    struct ptd_msg *m;
    size_t n;

    ck_assert_int_eq(ptd_msg_encode(block, raw, sizeof raw, &n, &cx), PTD_OK);
    raw[n - 5] ^= 1; /* the output's script */
    ck_assert_int_eq(ptd_block_from_raw(&m, raw, n), PTD_OK);
    return m;
}

static struct ptd_msg *mutated(struct scene *s)
{
    struct ptd_msg *block, *m;

    scene_mine(s, &block, 1, &s->genesis, 0, 2);
    m = mutate(block);
    ptd_msg_free(block);
    return m;
}

static struct ptd_msg *orphan(struct scene *s)
{
    struct ptd_hash nowhere = { { 1, 2, 3 } };
    struct ptd_msg *block;

    scene_mine(s, &block, 1, &nowhere, 0, 2);
    return block;
}

/* Its coinbase says another height. */
static struct ptd_msg *invalid(struct scene *s)
{
    return rig_block(&s->r, &s->genesis, 7, 1600000000, 3);
}

static struct ptd_msg *no_indexes(struct scene *s)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_GETBLOCKTXN);

    ((struct ptd_msg_getblocktxn *)(void *)m)->block = s->genesis;
    return m;
}

static struct ptd_msg *high_index(struct scene *s)
{
    struct ptd_msg *m = no_indexes(s);
    struct ptd_msg_getblocktxn *g = (struct ptd_msg_getblocktxn *)(void *)m;

    g->n = 1;
    g->indexes = ptd_msg_alloc(m, 1, sizeof *g->indexes);
    g->indexes[0] = 1;
    return m;
}

static const struct {
    const char *name;
    struct ptd_msg *(*make)(struct scene *s);
    const char *fault;
} faults[] = {
    { "no proof of work", no_work, "header with invalid proof of work" },
    { "unlinked headers", unlinked, "non-continuous headers sequence" },
    { "mutated block", mutated, "mutated block" },
    { "block without a parent", orphan, "invalid block: prev-blk-not-found" },
    { "invalid block", invalid, "invalid block: bad-cb-height" },
    { "getblocktxn for nothing", no_indexes, "getblocktxn without tx indices" },
    { "getblocktxn beyond the block", high_index,
      "getblocktxn with out-of-bounds tx indices" },
};

START_TEST(faults_are_reported)
{
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, faults[_i].make(&s));
    actor_wait_gone(a);
    ck_assert_msg(strcmp(a->fault, faults[_i].fault) == 0, "%s: %s",
                  faults[_i].name, a->fault);
    scene_close(&s);
}
END_TEST

/* CVE-2024-52921: one peer's mutated block is nothing to another's request. */
START_TEST(mutated_block_spoils_no_download)
{
    struct ptd_hash x[1];
    struct ptd_msg *list[1];
    struct actor *a, *b;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_OUT);
    b = actor_enter(&s, ACTOR_IN);
    scene_mine(&s, list, 1, &s.genesis, 0, 1);
    actor_send(a, scene_headers(list, 1));
    actor_is_asked(a, x, 1);
    actor_send(b, mutate(list[0]));
    actor_wait_gone(b);
    actor_leave(b);
    ck_assert_uint_eq(actor_info(a).n_in_flight, 1);
    actor_gives(a, list, 1, x, 1);
    scene_wait_height(&s, 1);
    scene_free(list, 1);
    scene_close(&s);
}
END_TEST

START_TEST(what_follows_a_bad_block_is_known)
{
    struct ptd_msg *bad, *next;
    struct ptd_hash on;
    struct actor *a, *b;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    bad = invalid(&s);
    on = rig_hash(bad);
    scene_mine(&s, &next, 1, &on, 1, 4);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, scene_headers(&bad, 1)); /* of itself it is fine */
    actor_send(a, bad);
    actor_wait_gone(a);
    b = actor_enter(&s, ACTOR_IN);
    actor_send(b, scene_headers(&next, 1));
    actor_wait_gone(b);
    ck_assert_str_eq(b->fault, "invalid header received: bad-prevblk");
    ptd_msg_free(next);
    scene_close(&s);
}
END_TEST

/* ---- what costs nothing ---------------------------------------------- */

START_TEST(unrequested_blocks_are_kept_if_they_help)
{
    struct ptd_msg *list[2], *old, *far[300];
    struct ptd_hash tip;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    tip = scene_grow(&s, 3, 1);
    a = actor_enter(&s, ACTOR_IN);
    /* The next one: taken. Twice: harmless. */
    scene_mine(&s, list, 2, &tip, 3, 2);
    actor_send(a, ptd_msg_ref(list[0]));
    actor_send(a, ptd_msg_ref(list[0]));
    scene_wait_height(&s, 4);
    /* Of less work than the tip: not kept. */
    scene_mine(&s, &old, 1, &s.genesis, 0, 5);
    actor_send(a, ptd_msg_ref(old));
    (void)actor_sync(a, PTD_MSG_PING);
    ck_assert(!rig_info(&s.r, rig_hash(old)).have_block);
    /* Too far ahead: not kept. */
    tip = rig_hash(list[0]);
    scene_mine(&s, far, 300, &tip, 4, 6);
    actor_send(a, scene_headers(far, 300));
    actor_hears(a, PTD_MSG_GETDATA);
    actor_send(a, ptd_msg_ref(far[299]));
    (void)actor_sync(a, PTD_MSG_PING);
    ck_assert(!rig_info(&s.r, rig_hash(far[299])).have_block);
    ck_assert(actor_is_here(a));
    ptd_msg_free(old);
    scene_free(list, 2);
    scene_free(far, 300);
    scene_close(&s);
}
END_TEST

static const struct {
    const char *name;
    uint32_t type;
    size_t n_notfound;
} floods[] = {
    { "made-up types", 0, 0 },
    { "filtered blocks", PTD_INV_FILTERED_BLOCK, 0 },
    { "blocks that are not there", PTD_INV_WITNESS_BLOCK, 50 },
    { "transactions, which others answer for", PTD_INV_WITNESS_TX, 0 },
};

/* CVE-2024-52920 */
START_TEST(largest_getdata_ends)
{
    struct ptd_inv *list = calloc(PTD_MAX_INV_PER_MSG, sizeof *list);
    struct actor *a;
    struct scene s;

    for (size_t i = 0; i < PTD_MAX_INV_PER_MSG; i++) {
        list[i].type = floods[_i].type;
        list[i].hash.b[0] = 1;
    }
    scene_init(&s);
    scene_open(&s);
    a = actor_enter(&s, ACTOR_IN);
    actor_send(a, ptd_msg_new_inv(PTD_MSG_GETDATA, list, PTD_MAX_INV_PER_MSG));
    ck_assert_msg(actor_sync(a, PTD_MSG_NOTFOUND) == floods[_i].n_notfound,
                  "%s", floods[_i].name);
    free(list);
    scene_close(&s);
}
END_TEST

/* CVE-2024-52915; and the same vector over and over. */
START_TEST(inventory_is_one_question)
{
    struct ptd_inv *list = calloc(PTD_MAX_INV_PER_MSG, sizeof *list);
    struct actor *a;
    struct scene s;

    scene_init(&s);
    scene_open(&s);
    (void)scene_grow(&s, 1, 1);
    a = actor_enter(&s, ACTOR_IN);
    actor_hears(a, PTD_MSG_GETHEADERS);
    actor_send(a, ptd_msg_new_headers(NULL, 0));
    for (size_t i = 0; i < PTD_MAX_INV_PER_MSG; i++) {
        list[i].type = PTD_INV_BLOCK;
        if (_i == 0)
            memcpy(list[i].hash.b, &i, sizeof i);
        list[i].hash.b[31] = 1;
    }
    actor_send(a, ptd_msg_new_inv(PTD_MSG_INV, list, PTD_MAX_INV_PER_MSG));
    actor_send(a, ptd_msg_new_inv(PTD_MSG_INV, list, PTD_MAX_INV_PER_MSG));
    ck_assert_uint_eq(actor_sync(a, PTD_MSG_GETHEADERS), 1);
    free(list);
    scene_close(&s);
}
END_TEST

/* ---- chains of too little work --------------------------------------- */

enum { MANY = 2000 };

/* A chain of headers alone, `from` on; `on` becomes the hash of the last. */
static struct ptd_msg *make_headers(struct scene *s, struct ptd_hash *on,
                                    uint32_t from, size_t n)
{
    struct ptd_block_header *h = calloc(n, sizeof *h);
    struct ptd_msg *m;

    for (size_t i = 0; i < n; i++) {
        struct ptd_hash hash;

        h[i] = (struct ptd_block_header){
            .version = 0x20000000,
            .prev = *on,
            .time = s->r.params.genesis.time + from + 1 + (uint32_t)i,
            .bits = 0x207fffff,
        };
        do {
            h[i].nonce++;
            ptd_block_header_hash(&h[i], &hash);
        } while (hash.b[31] >= 0x80);
        *on = hash;
    }
    m = ptd_msg_new_headers(h, n);
    free(h);
    return m;
}

/* Two units of work a header of regtest. */
static void want_work(struct scene *s, uint16_t n_headers)
{
    uint32_t work = 2u * n_headers;

    s->r.params.min_chain_work.b[0] = (uint8_t)work;
    s->r.params.min_chain_work.b[1] = (uint8_t)(work >> 8);
    s->r.params.min_chain_work.b[2] = (uint8_t)(work >> 16);
}

/* CVE-2024-52916, CVE-2019-25220 */
START_TEST(chain_of_little_work_is_not_kept)
{
    struct ptd_hash on;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    want_work(&s, 60000);
    scene_open(&s);
    on = s.genesis;
    a = actor_enter(&s, ACTOR_OUT);
    actor_hears(a, PTD_MSG_GETHEADERS);
    for (uint32_t i = 0; i < 5; i++) {
        struct ptd_msg *m;

        actor_send(a, make_headers(&s, &on, i * MANY, MANY));
        m = actor_wait(a, PTD_MSG_GETHEADERS);
        ck_assert(rig_same(PTD_MSG_CONST(locator, m)->hashes[0], on));
        ptd_msg_free(m);
        ck_assert_int_eq(actor_info(a).presynced_headers,
                         (int32_t)(i + 1) * MANY);
    }
    ck_assert_uint_eq(ptd_headers_count(ptd_blockchain_headers(s.r.c)), 1);
    /* It has nothing more: that was all. */
    actor_send(a, ptd_msg_new_headers(NULL, 0));
    (void)actor_sync(a, PTD_MSG_PING);
    ck_assert_int_eq(actor_info(a).presynced_headers, -1);
    ck_assert_uint_eq(ptd_headers_count(ptd_blockchain_headers(s.r.c)), 1);
    scene_close(&s);
}
END_TEST

START_TEST(chain_that_shows_its_work_is_kept)
{
    enum { N = 3 };
    struct ptd_msg *part[N];
    struct ptd_hash on;
    struct actor *a;
    struct scene s;

    scene_init(&s);
    want_work(&s, N * MANY - 100);
    scene_open(&s);
    on = s.genesis;
    for (uint32_t i = 0; i < N; i++)
        part[i] = make_headers(&s, &on, i * MANY, MANY);
    a = actor_enter(&s, ACTOR_OUT);
    actor_hears(a, PTD_MSG_GETHEADERS);
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < N; i++) {
            actor_send(a, ptd_msg_ref(part[i]));
            if (pass == 0 || i + 1 < N)
                actor_hears(a, PTD_MSG_GETHEADERS);
        }
    (void)actor_sync(a, PTD_MSG_PING);
    ck_assert_uint_eq(ptd_headers_height(ptd_blockchain_headers(s.r.c)),
                      N * MANY);
    for (uint32_t i = 0; i < N; i++)
        ptd_msg_free(part[i]);
    scene_close(&s);
}
END_TEST

START_TEST(short_chain_of_little_work_is_no_use)
{
    struct ptd_hash on;
    struct actor *in, *out;
    struct scene s;

    scene_init(&s);
    want_work(&s, 1000);
    scene_open(&s);
    on = s.genesis;
    in = actor_enter(&s, ACTOR_IN);
    actor_send(in, make_headers(&s, &on, 0, 14));
    (void)actor_sync(in, PTD_MSG_PING);
    ck_assert(actor_is_here(in));
    ck_assert_uint_eq(ptd_headers_count(ptd_blockchain_headers(s.r.c)), 1);
    /* Nor is who shows our own, which is too short as yet. */
    out = actor_enter(&s, ACTOR_NOBAN);
    on = s.genesis;
    actor_send(out, make_headers(&s, &on, 0, 14)); /* the user vouches for it */
    (void)actor_sync(out, PTD_MSG_PING);
    ck_assert_uint_eq(ptd_headers_height(ptd_blockchain_headers(s.r.c)), 14);
    out = actor_enter(&s, ACTOR_OUT);
    on = s.genesis;
    actor_send(out, make_headers(&s, &on, 0, 14));
    actor_wait_gone(out);
    scene_close(&s);
}
END_TEST

/* ---- transactions ---------------------------------------------------- */

static const struct {
    const char *name;
    bool blocks_only;
    enum actor_kind kind;
    bool tx, leaves;
} txs[] = {
    { "a transaction", false, ACTOR_IN, true, false },
    { "its inventory", false, ACTOR_IN, false, false },
    { "-blocksonly", true, ACTOR_IN, true, true },
    { "-blocksonly, inventory", true, ACTOR_IN, false, true },
    { "block-relay-only", false, ACTOR_BLOCKS, true, true },
    { "block-relay-only, inventory", false, ACTOR_BLOCKS, false, true },
};

static struct ptd_msg *some_tx(struct scene *s)
{
    struct ptd_msg *block, *m = ptd_msg_new(PTD_MSG_TX), *copy;
    const struct ptd_codec cx = { .pver = 70016, .encoding = PTD_ENC_WITNESS };
    uint8_t raw[400];
    size_t n;

    scene_mine(s, &block, 1, &s->genesis, 0, 2);
    ((struct ptd_msg_tx *)(void *)m)->tx = PTD_MSG_CONST(block, block)->tx[0];
    ck_assert_int_eq(ptd_msg_encode(m, raw, sizeof raw, &n, &cx), PTD_OK);
    ck_assert_int_eq(ptd_msg_decode(&copy, PTD_MSG_TX, raw, n, &cx, NULL),
                     PTD_OK);
    ptd_msg_free(m);
    ptd_msg_free(block);
    return copy;
}

START_TEST(declined_transactions_break_the_protocol)
{
    struct ptd_hash hash = { { 1 } };
    struct actor *a;
    struct scene s;

    scene_init(&s);
    s.cfg.blocks_only = txs[_i].blocks_only;
    scene_open(&s);
    a = actor_enter(&s, txs[_i].kind);
    actor_send(a, txs[_i].tx ? some_tx(&s) : inv_of(PTD_INV_WTX, hash));
    if (txs[_i].leaves)
        actor_wait_gone(a);
    else
        ck_assert_uint_eq(actor_sync(a, PTD_MSG_GETDATA), 0);
    ck_assert_msg(actor_is_here(a) != txs[_i].leaves, "%s", txs[_i].name);
    scene_close(&s);
}
END_TEST

TCase *tcase_conduct(void)
{
    TCase *tc = tcase_create("conduct");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, faults_are_reported, 0, PTD_COUNT(faults));
    tcase_add_test(tc, mutated_block_spoils_no_download);
    tcase_add_test(tc, what_follows_a_bad_block_is_known);
    tcase_add_test(tc, unrequested_blocks_are_kept_if_they_help);
    tcase_add_loop_test(tc, largest_getdata_ends, 0, PTD_COUNT(floods));
    tcase_add_loop_test(tc, inventory_is_one_question, 0, 2);
    tcase_add_test(tc, chain_of_little_work_is_not_kept);
    tcase_add_test(tc, chain_that_shows_its_work_is_kept);
    tcase_add_test(tc, short_chain_of_little_work_is_no_use);
    tcase_add_loop_test(tc, declined_transactions_break_the_protocol, 0,
                        PTD_COUNT(txs));
    return tc;
}
