/* What a node publishes over ZeroMQ, and what its user asks of that. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_ZMQ
#include <zmq.h>
#endif

#include "base/util.h"
#include "check_node.h"
#include "node/node_int.h"
#include "rpc_rig.h"

#ifdef HAVE_ZMQ

static void publish(struct office *o, const char *const list[][2], size_t n)
{
    struct ptd_node_config *cfg = &o->host.cfg;

    cfg->zmq = calloc(n, sizeof *cfg->zmq);
    ck_assert_ptr_nonnull(cfg->zmq);
    for (size_t i = 0; i < n; i++)
        cfg->zmq[i] =
            (struct ptd_zmq_pub){ list[i][0], strdup(list[i][1]), 1000 };
    cfg->n_zmq = n;
}

START_TEST(getzmqnotifications_lists_them)
{
    static const char *const list[][2] = { { "hashblock", "inproc://a" },
                                           { "rawtx", "inproc://a" } };
    struct office o;
    json_t *answer;

    office_init(&o);
    publish(&o, list, PTD_COUNT(list));
    office_open(&o);
    answer = ask(&o, "getzmqnotifications", "[]");
    ck_assert_uint_eq(json_array_size(answer), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *one = json_array_get(answer, i);

        ck_assert_str_eq(json_string_value(at(one, "type")),
                         i == 0 ? "pubhashblock" : "pubrawtx");
        ck_assert_str_eq(json_string_value(at(one, "address")), "inproc://a");
        ck_assert_int_eq(json_integer_value(at(one, "hwm")), 1000);
    }
    json_decref(answer);
    office_fini(&o);
}
END_TEST

/* One that cannot be had takes the others along, but not the node. */
START_TEST(bad_address_does_not_end_the_node)
{
    static const char *const list[][2] = { { "hashblock", "inproc://a" },
                                           { "rawtx", "foo" } };
    struct office o;
    json_t *answer;

    office_init(&o);
    if (_i == 1)
        publish(&o, list, PTD_COUNT(list));
    office_open(&o);
    answer = ask(&o, "getzmqnotifications", "[]");
    ck_assert(json_is_array(answer));
    ck_assert_uint_eq(json_array_size(answer), 0);
    json_decref(answer);
    free(mine(&o, 1));
    office_fini(&o);
}
END_TEST

/* ---- somebody listens ------------------------------------------------ */

static void *listen_at(void *ctx, const char *address)
{
    const int none = 0, ms = 20;
    void *ear = zmq_socket(ctx, ZMQ_SUB);

    ck_assert_ptr_nonnull(ear);
    zmq_setsockopt(ear, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(ear, ZMQ_RCVTIMEO, &ms, sizeof ms);
    zmq_setsockopt(ear, ZMQ_SUBSCRIBE, "", 0);
    ck_assert_int_eq(zmq_connect(ear, address), 0);
    return ear;
}

/* Throw away what comes, until there is this body. Gives whether it came. */
static bool hears(void *ear, const void *body, size_t n)
{
    char frame[1000];
    int got;

    while ((got = zmq_recv(ear, frame, sizeof frame, 0)) >= 0)
        if ((size_t)got == n && memcmp(frame, body, n) == 0)
            return true;
    return false;
}

static void body_of(uint8_t out[41], const char *hex, char label,
                    uint64_t number)
{
    struct ptd_hash hash;

    ck_assert(ptd_hash_from_hex(&hash, hex));
    for (int i = 0; i < 32; i++)
        out[i] = hash.b[31 - i];
    out[32] = (uint8_t)label;
    for (int i = 0; i < 8; i++)
        out[33 + i] = (uint8_t)(number >> 8 * i);
}

/* A subscription takes its time: again until it is heard. */
static void mine_until_heard(struct office *o, void *ear, size_t n)
{
    uint8_t body[41];
    bool heard = false;

    while (!heard) {
        char *hash = mine(o, 1);

        body_of(body, hash, 'C', 0);
        heard = hears(ear, body, n);
        free(hash);
    }
}

START_TEST(blocks_of_the_node_are_heard)
{
    const char *const list[][2] = { { _i == 0 ? "hashblock" : "sequence",
                                      "" } };
    struct office o;
    char address[100];
    void *ctx = zmq_ctx_new(), *ear;

    office_init(&o);
    publish(&o, list, 1);
    snprintf(address, sizeof address, "ipc://%s/zmq", o.dir);
    free(o.host.cfg.zmq[0].address);
    o.host.cfg.zmq[0].address = strdup(address);
    office_open(&o);
    ear = listen_at(ctx, address);
    mine_until_heard(&o, ear, _i == 0 ? 32 : 33);
    zmq_close(ear);
    zmq_ctx_term(ctx);
    office_fini(&o);
}
END_TEST

START_TEST(pool_of_the_node_is_heard)
{
    static const struct ptd_hash txid = { { 5 } };
    const char *const list[][2] = { { "sequence", "" } };
    char address[100], hex[PTD_HASH_HEX_SIZE];
    void *ctx = zmq_ctx_new(), *ear;
    uint64_t number = 0;
    uint8_t body[41];
    struct office o;

    office_init(&o);
    publish(&o, list, 1);
    snprintf(address, sizeof address, "ipc://%s/zmq", o.dir);
    free(o.host.cfg.zmq[0].address);
    o.host.cfg.zmq[0].address = strdup(address);
    office_open(&o);
    ear = listen_at(ctx, address);
    do {
        struct ptd_msg *tx = ptd_msg_new(PTD_MSG_TX);

        ck_assert_ptr_nonnull(tx);
        node_publish_tx_added(o.host.node, &txid, tx, ++number);
        node_publish_tx_removed(o.host.node, &txid, ++number);
        ptd_msg_free(tx);
        body_of(body, ptd_hash_to_hex(&txid, hex), 'R', number);
    } while (!hears(ear, body, sizeof body));
    zmq_close(ear);
    zmq_ctx_term(ctx);
    office_fini(&o);
}
END_TEST

#else

START_TEST(nothing_is_published_without_libzmq)
{
    struct office o;

    office_init(&o);
    o.host.cfg.zmq = calloc(1, sizeof *o.host.cfg.zmq);
    o.host.cfg.zmq[0] =
        (struct ptd_zmq_pub){ "rawtx", strdup("inproc://a"), 1000 };
    o.host.cfg.n_zmq = 1;
    office_open(&o);
    ask_badly(&o, -32601, "Method not found", "getzmqnotifications", "[]");
    free(mine(&o, 1));
    office_fini(&o);
}
END_TEST

#endif

TCase *tcase_publish(void)
{
    TCase *tc = tcase_create("publish");

    tcase_set_timeout(tc, 120);
#ifdef HAVE_ZMQ
    tcase_add_test(tc, getzmqnotifications_lists_them);
    tcase_add_loop_test(tc, bad_address_does_not_end_the_node, 0, 2);
    tcase_add_loop_test(tc, blocks_of_the_node_are_heard, 0, 2);
    tcase_add_test(tc, pool_of_the_node_is_heard);
#else
    tcase_add_test(tc, nothing_is_published_without_libzmq);
#endif
    return tc;
}
