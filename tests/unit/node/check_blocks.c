/* What a node follows, fetches, holds, serves, and whom it sends away. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "chain/chain.h"
#include "check_node.h"
#include "rig.h"

enum { CHAIN = 60 };

/* At a time at which the chains of these tests are new: a node that is far
 * behind asks one peer at a time, and announces nothing. */
static void now_init(struct host *h)
{
    host_init(h);
    h->cfg.mock_time_s = 1600000000 + 600 * CHAIN;
}

/* Answer getdata from a list until the node holds the last. */
static void serve(struct guest *g, struct ptd_msg **list, uint32_t n)
{
    for (uint32_t n_served = 0; n_served < n;) {
        struct ptd_msg *m = guest_wait(g, PTD_MSG_GETDATA);
        const struct ptd_msg_inv *ask = (struct ptd_msg_inv *)(void *)m;

        ck_assert_uint_le(ask->n, 16);
        for (uint32_t i = 0; i < ask->n; i++)
            for (uint32_t k = 0; k < n; k++) {
                struct ptd_hash hash = block_hash(list[k]);

                ck_assert_uint_eq(ask->list[i].type, PTD_INV_WITNESS_BLOCK);
                if (!ptd_hash_eq(&hash, &ask->list[i].hash))
                    continue;
                guest_send(g, ptd_msg_ref(list[k]));
                n_served++;
            }
        ptd_msg_free(m);
    }
}

/* A node that was given a chain by a guest, who stays. */
static void raise_chain(struct host *h, struct guest *g, struct ptd_msg **list,
                        uint32_t n)
{
    mine_chain(list, n, 1);
    guest_start(g, h->port, (int32_t)n);
    ptd_msg_free(guest_wait(g, PTD_MSG_GETHEADERS));
    guest_send(g, headers_of(list, n));
    serve(g, list, n);
    (void)host_wait(h, PTD_NODE_BLOCK, (int32_t)n);
}

START_TEST(chain_goes_from_node_to_node)
{
    struct ptd_msg *list[CHAIN];
    struct host a, b;
    struct guest g;

    now_init(&a);
    host_start(&a);
    raise_chain(&a, &g, list, CHAIN);
    ck_assert_uint_eq(ptd_headers_height(ptd_node_headers(a.node)), CHAIN);
    ck_assert_uint_eq(ptd_blockchain_height(ptd_node_chain(a.node)), CHAIN);

    now_init(&b);
    b.cfg.listen = false;
    host_connect(&b, a.port);
    host_start(&b);
    (void)host_wait(&b, PTD_NODE_BLOCK, CHAIN);
    for (uint32_t i = 0; i < CHAIN; i++) {
        struct ptd_hash hash = block_hash(list[i]);

        ck_assert(ptd_blockchain_has_block(ptd_node_chain(b.node), &hash));
    }
    host_stop(&b);
    guest_end(&g);
    host_stop(&a);
    free_chain(list, CHAIN);
}
END_TEST

START_TEST(pushed_block_is_taken_and_announced_to_others)
{
    struct ptd_hash genesis = ptd_params_by_name("regtest")->genesis.hash, hash;
    struct ptd_msg *block = mine_block(&genesis, 1, 1), *m;
    struct guest from, to;
    struct host h;

    now_init(&h);
    host_start(&h);
    guest_start(&from, h.port, 0);
    guest_start(&to, h.port, 0);
    guest_wait_ready(&to);
    (void)guest_sync(&to, PTD_MSG_PING);
    guest_wait_ready(&from);
    guest_send(&from, ptd_msg_ref(block));
    m = guest_wait(&to, PTD_MSG_INV);
    hash = block_hash(block);
    ck_assert(
        ptd_hash_eq(&((struct ptd_msg_inv *)(void *)m)->list[0].hash, &hash));
    ptd_msg_free(m);
    ck_assert_uint_eq(guest_sync(&from, PTD_MSG_INV), 0);
    guest_end(&from);
    guest_end(&to);
    host_stop(&h);
    ptd_msg_free(block);
}
END_TEST

START_TEST(longer_branch_is_followed)
{
    struct ptd_msg *first[3], *second[5];
    struct guest a, b;
    struct host h;

    now_init(&h);
    host_start(&h);
    raise_chain(&h, &a, first, 3);
    mine_chain(second, 5, 2);
    guest_start(&b, h.port, 5);
    ptd_msg_free(guest_wait(&b, PTD_MSG_GETHEADERS));
    guest_send(&b, headers_of(second, 5));
    serve(&b, second, 5);
    (void)host_wait(&h, PTD_NODE_BLOCK, 5);
    ck_assert_uint_eq(ptd_headers_height(ptd_node_headers(h.node)), 5);
    guest_end(&a);
    guest_end(&b);
    host_stop(&h);
    free_chain(first, 3);
    free_chain(second, 5);
}
END_TEST

START_TEST(what_one_has_not_another_is_asked_for)
{
    struct ptd_msg *list[10], *m;
    struct guest a, b;
    struct host h;

    mine_chain(list, 10, 1);
    now_init(&h);
    host_start(&h);
    guest_start(&a, h.port, 10);
    ptd_msg_free(guest_wait(&a, PTD_MSG_GETHEADERS));
    guest_send(&a, headers_of(list, 10));
    m = guest_wait(&a, PTD_MSG_GETDATA);
    guest_send(&a, ptd_msg_new_inv(PTD_MSG_NOTFOUND,
                                   ((struct ptd_msg_inv *)(void *)m)->list,
                                   ((struct ptd_msg_inv *)(void *)m)->n));
    ptd_msg_free(m);
    ck_assert_uint_eq(guest_sync(&a, PTD_MSG_GETDATA), 0);

    guest_start(&b, h.port, 10);
    ptd_msg_free(guest_wait(&b, PTD_MSG_GETHEADERS));
    guest_send(&b, headers_of(list, 10));
    serve(&b, list, 10);
    (void)host_wait(&h, PTD_NODE_BLOCK, 10);
    guest_end(&a);
    guest_end(&b);
    host_stop(&h);
    free_chain(list, 10);
}
END_TEST

START_TEST(blocks_of_a_peer_that_ends_are_asked_of_another)
{
    struct ptd_msg *list[10];
    struct guest a, b;
    struct host h;

    mine_chain(list, 10, 1);
    now_init(&h);
    host_start(&h);
    guest_start(&a, h.port, 10);
    ptd_msg_free(guest_wait(&a, PTD_MSG_GETHEADERS));
    guest_start(&b, h.port, 0);
    guest_wait_ready(&b);
    guest_send(&a, headers_of(list, 10));
    ptd_msg_free(guest_wait(&a, PTD_MSG_GETDATA));
    guest_send(&b, headers_of(list, 10));
    ck_assert_uint_eq(guest_sync(&b, PTD_MSG_GETDATA), 0); /* a has them all */
    guest_end(&a);
    serve(&b, list, 10);
    (void)host_wait(&h, PTD_NODE_BLOCK, 10);
    guest_end(&b);
    host_stop(&h);
    free_chain(list, 10);
}
END_TEST

START_TEST(only_who_has_witnesses_is_asked_for_blocks)
{
    struct ptd_msg *list[3];
    struct guest a, b;
    struct host h;

    mine_chain(list, 3, 1);
    now_init(&h);
    host_start(&h);
    guest_start_as(&a, h.port, 3, PTD_NODE_NETWORK);
    ptd_msg_free(guest_wait(&a, PTD_MSG_GETHEADERS));
    guest_send(&a, headers_of(list, 3));
    ck_assert_uint_eq(guest_sync(&a, PTD_MSG_GETDATA), 0);
    ck_assert_uint_eq(ptd_headers_height(ptd_node_headers(h.node)), 3);

    guest_start(&b, h.port, 3);
    ptd_msg_free(guest_wait(&b, PTD_MSG_GETHEADERS));
    guest_send(&b, headers_of(list, 3));
    serve(&b, list, 3);
    (void)host_wait(&h, PTD_NODE_BLOCK, 3);
    guest_end(&a);
    guest_end(&b);
    host_stop(&h);
    free_chain(list, 3);
}
END_TEST

/* ---- each block once ----------------------------------------------------------------- */

/* Give a node all of a chain, each answer to its questions in reverse order;
 * gives how many blocks it asked for. */
static uint32_t serve_backwards(struct guest *g, struct ptd_msg **list,
                                uint32_t n)
{
    uint32_t n_asked = 0;

    while (n_asked < n) {
        struct ptd_msg *m = guest_wait(g, PTD_MSG_GETDATA);
        const struct ptd_msg_inv *ask = (struct ptd_msg_inv *)(void *)m;

        for (uint32_t i = ask->n; i-- > 0;)
            for (uint32_t k = 0; k < n; k++) {
                struct ptd_hash hash = block_hash(list[k]);

                if (ptd_hash_eq(&hash, &ask->list[i].hash))
                    guest_send(g, ptd_msg_ref(list[k]));
            }
        n_asked += ask->n;
        ptd_msg_free(m);
    }
    return n_asked;
}

START_TEST(no_block_is_asked_for_twice)
{
    struct ptd_hash prev = ptd_params_by_name("regtest")->genesis.hash;
    struct ptd_msg *list[CHAIN];
    struct guest g;
    struct host h;

    now_init(&h);
    host_start(&h);
    for (uint32_t i = 0; i < CHAIN; i++) {
        list[i] = mine_fat_block(&prev, i + 1, 1, 240);
        prev = block_hash(list[i]);
    }
    guest_start(&g, h.port, CHAIN);
    ptd_msg_free(guest_wait(&g, PTD_MSG_GETHEADERS));
    guest_send(&g, headers_of(list, CHAIN));
    ck_assert_uint_eq(serve_backwards(&g, list, CHAIN), CHAIN);
    ck_assert_uint_eq(guest_sync(&g, PTD_MSG_GETDATA), 0);
    guest_end(&g);
    host_stop(&h);
    free_chain(list, CHAIN);
}
END_TEST

/* ---- answers ------------------------------------------------------------------------- */

START_TEST(getdata_is_answered_entry_by_entry)
{
    struct ptd_msg *list[3], *m;
    struct ptd_inv ask[4] = { { .type = PTD_INV_WITNESS_BLOCK },
                              { .type = PTD_INV_BLOCK },
                              { .type = PTD_INV_WTX },
                              { .type = 77 } };
    struct ptd_hash hash;
    struct guest g;
    struct host h;

    now_init(&h);
    host_start(&h);
    raise_chain(&h, &g, list, 3);
    ask[0].hash = block_hash(list[2]);
    ask[1].hash = ptd_params_by_name("regtest")->genesis.hash;
    guest_send(&g, ptd_msg_new_inv(PTD_MSG_GETDATA, ask, 4));
    /* Transactions first. */
    m = guest_wait(&g, PTD_MSG_NOTFOUND);
    ck_assert_uint_eq(((struct ptd_msg_inv *)(void *)m)->n, 1);
    ck_assert_uint_eq(((struct ptd_msg_inv *)(void *)m)->list[0].type,
                      PTD_INV_WTX);
    ptd_msg_free(m);
    m = guest_wait(&g, PTD_MSG_BLOCK);
    hash = block_hash(m);
    ck_assert(ptd_hash_eq(&hash, &ask[0].hash));
    ptd_msg_free(m);
    m = guest_wait(&g, PTD_MSG_BLOCK);
    hash = block_hash(m);
    ck_assert(ptd_hash_eq(&hash, &ask[1].hash));
    ptd_msg_free(m);
    guest_end(&g);
    host_stop(&h);
    free_chain(list, 3);
}
END_TEST

static const struct {
    const char *name;
    uint32_t type;
    bool notfound;
} floods[] = {
    { "made-up types", 0, false },
    { "blocks that are not there", PTD_INV_BLOCK, true },
    { "transactions that are not there", PTD_INV_WITNESS_TX, true },
};

START_TEST(largest_getdata_ends)
{
    struct ptd_inv *list = calloc(PTD_MAX_INV_PER_MSG, sizeof *list);
    struct guest g;
    struct host h;

    for (size_t i = 0; i < PTD_MAX_INV_PER_MSG; i++)
        list[i].type = floods[_i].type;
    now_init(&h);
    host_start(&h);
    guest_start(&g, h.port, 0);
    guest_wait_ready(&g);
    guest_send(&g, ptd_msg_new_inv(PTD_MSG_GETDATA, list, PTD_MAX_INV_PER_MSG));
    ck_assert_msg(guest_sync(&g, PTD_MSG_NOTFOUND) ==
                      (floods[_i].notfound ? 50u : 0u),
                  "%s", floods[_i].name);
    guest_end(&g);
    host_stop(&h);
    free(list);
}
END_TEST

START_TEST(inv_of_50000_blocks_is_one_question)
{
    struct ptd_inv *list = calloc(PTD_MAX_INV_PER_MSG, sizeof *list);
    struct guest g;
    struct host h;

    for (size_t i = 0; i < PTD_MAX_INV_PER_MSG; i++) {
        list[i].type = PTD_INV_BLOCK;
        memcpy(list[i].hash.b, &i, sizeof i);
    }
    now_init(&h);
    host_start(&h);
    guest_start(&g, h.port, 0);
    ptd_msg_free(guest_wait(&g, PTD_MSG_GETHEADERS)); /* the first, of itself */
    guest_send(&g, ptd_msg_new_headers(NULL, 0));
    guest_send(&g, ptd_msg_new_inv(PTD_MSG_INV, list, PTD_MAX_INV_PER_MSG));
    guest_send(&g, ptd_msg_new_inv(PTD_MSG_INV, list, PTD_MAX_INV_PER_MSG));
    ck_assert_uint_eq(guest_sync(&g, PTD_MSG_GETHEADERS), 1);
    guest_end(&g);
    host_stop(&h);
    free(list);
}
END_TEST

START_TEST(node_that_deletes_blocks_does_not_promise_them)
{
    struct host h;

    now_init(&h);
    host_start(&h);
    ck_assert_uint_eq(ptd_node_services(h.node), PTD_NODE_NETWORK |
                                                     PTD_NODE_NETWORK_LIMITED |
                                                     PTD_NODE_WITNESS);
    host_stop(&h);

    now_init(&h);
    h.cfg.prune_bytes = UINT64_MAX;
    host_start(&h);
    ck_assert_uint_eq(ptd_node_services(h.node),
                      PTD_NODE_NETWORK_LIMITED | PTD_NODE_WITNESS);
    host_stop(&h);
}
END_TEST

/* ---- who is sent away ------------------------------------------------------------------ */

static struct ptd_msg *no_work(void)
{
    struct ptd_hash genesis = ptd_params_by_name("regtest")->genesis.hash;
    struct ptd_block_header h = { .version = 0x20000000,
                                  .prev = genesis,
                                  .time = 1600000000,
                                  .bits = 0x207fffff };
    struct ptd_hash hash;

    do {
        h.nonce++;
        ptd_block_header_hash(&h, &hash);
    } while (hash.b[31] < 0x80);
    return ptd_msg_new_headers(&h, 1);
}

static struct ptd_msg *unlinked(void)
{
    struct ptd_msg *list[3], *m;
    struct ptd_msg *two[2];

    mine_chain(list, 3, 9);
    two[0] = list[0];
    two[1] = list[2];
    m = headers_of(two, 2);
    free_chain(list, 3);
    return m;
}

/* The header is good, the transactions are not those it promises. */
static struct ptd_msg *mutated(void)
{
    struct ptd_hash genesis = ptd_params_by_name("regtest")->genesis.hash;
    struct ptd_msg *good = mine_block(&genesis, 1, 3),
                   *other = mine_block(&genesis, 1, 4),
                   *m = ptd_msg_new(PTD_MSG_BLOCK);
    struct ptd_msg_block *b = (struct ptd_msg_block *)(void *)m;
    const struct ptd_codec cx = { .pver = 70016, .encoding = PTD_ENC_WITNESS };
    uint8_t raw[300];
    size_t n;

    b->header = ((struct ptd_msg_block *)(void *)good)->header;
    b->n_tx = 1;
    b->tx = ((struct ptd_msg_block *)(void *)other)->tx;
    ck_assert_int_eq(ptd_msg_encode(m, raw, sizeof raw, &n, &cx), PTD_OK);
    ptd_msg_free(m);
    ck_assert_int_eq(ptd_msg_decode(&m, PTD_MSG_BLOCK, raw, n, &cx, NULL),
                     PTD_OK);
    ptd_msg_free(good);
    ptd_msg_free(other);
    return m;
}

static struct ptd_msg *orphan(void)
{
    struct ptd_hash nowhere = { { 1, 2, 3 } };

    return mine_block(&nowhere, 1, 1);
}

static const struct {
    const char *name;
    struct ptd_msg *(*make)(void);
    const char *why;
} bad[] = {
    { "no proof of work", no_work, "header with invalid proof of work" },
    { "unlinked", unlinked, "non-continuous headers sequence" },
    { "mutated block", mutated, "mutated block" },
    { "block without a parent", orphan, "invalid block: prev-blk-not-found" },
};

START_TEST(liars_are_sent_away)
{
    struct ptd_peer **peers;
    struct ptd_peer_stats st;
    struct guest g;
    struct host h;

    now_init(&h);
    host_start(&h);
    guest_start(&g, h.port, 0);
    (void)host_wait(&h, PTD_NODE_PEER_READY, -1);
    ck_assert_uint_eq(ptd_node_peers(h.node, &peers), 1);
    guest_send(&g, bad[_i].make());
    guest_wait_gone(&g);
    ptd_peer_stats(peers[0], &st);
    ck_assert_msg(strcmp(st.end_why, bad[_i].why) == 0, "%s: %s", bad[_i].name,
                  st.end_why);
    ptd_peer_free(peers[0]);
    free(peers);
    guest_end(&g);
    host_stop(&h);
}
END_TEST

START_TEST(headers_from_nowhere_are_a_question_not_a_crime)
{
    struct ptd_hash nowhere = { { 1, 2, 3 } };
    struct ptd_msg *block = mine_block(&nowhere, 1, 1);
    struct guest g;
    struct host h;

    now_init(&h);
    host_start(&h);
    guest_start(&g, h.port, 0);
    ptd_msg_free(guest_wait(&g, PTD_MSG_GETHEADERS));
    guest_send(&g, ptd_msg_new_headers(NULL, 0));
    guest_send(&g, headers_of(&block, 1));
    ck_assert_uint_eq(guest_sync(&g, PTD_MSG_GETHEADERS), 1);
    ptd_msg_free(block);
    ck_assert_uint_eq(ptd_headers_height(ptd_node_headers(h.node)), 0);
    guest_end(&g);
    host_stop(&h);
}
END_TEST

TCase *tcase_blocks(void)
{
    TCase *tc = tcase_create("blocks");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, chain_goes_from_node_to_node);
    tcase_add_test(tc, pushed_block_is_taken_and_announced_to_others);
    tcase_add_test(tc, longer_branch_is_followed);
    tcase_add_test(tc, what_one_has_not_another_is_asked_for);
    tcase_add_test(tc, blocks_of_a_peer_that_ends_are_asked_of_another);
    tcase_add_test(tc, only_who_has_witnesses_is_asked_for_blocks);
    tcase_add_test(tc, no_block_is_asked_for_twice);
    tcase_add_test(tc, getdata_is_answered_entry_by_entry);
    tcase_add_loop_test(tc, largest_getdata_ends, 0, PTD_COUNT(floods));
    tcase_add_test(tc, inv_of_50000_blocks_is_one_question);
    tcase_add_test(tc, node_that_deletes_blocks_does_not_promise_them);
    tcase_add_loop_test(tc, liars_are_sent_away, 0, PTD_COUNT(bad));
    tcase_add_test(tc, headers_from_nowhere_are_a_question_not_a_crime);
    return tc;
}
