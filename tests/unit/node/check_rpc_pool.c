/* Methods that concern transactions on their way into a block. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_node.h"
#include "rpc_rig.h"

#define NOBODY                                                                 \
    "00000000000000000000000000000000000000000000000000000000000000aa"
#define COIN_A                                                                 \
    "1111111111111111111111111111111111111111111111111111111111111111"
#define COIN_B                                                                 \
    "2222222222222222222222222222222222222222222222222222222222222222"

/* One that spends a coin, with one output. */
#define TX_FROM(coin, output)                                                  \
    "0200000001" coin "0000000000fdffffff01" output "00000000"
#define TO_KEY "a086010000000000160014751e76e8199196d454941c45d1b3a323f1433bd6"
#define LESS_TO_KEY                                                            \
    "b882010000000000160014751e76e8199196d454941c45d1b3a323f1433bd6"
#define NULL_DATA                                                              \
    "0100000000000000166a14751e76e8199196d454941c45d1b3a323f1433bd6"
#define UNREADABLE "010000000000000001ff"

#define TX       TX_FROM(COIN_A, TO_KEY)
#define BURNER   TX_FROM(COIN_A, NULL_DATA)
#define ODD_SHOP TX_FROM(COIN_A, UNREADABLE)

static const struct {
    int code;
    const char *text, *method, *params;
} bad[] = {
    { -22, "TX decode failed. Make sure the tx has at least one input.",
      "sendrawtransaction", "[\"00\"]" },
    { -22, "TX decode failed", "sendrawtransaction",
      "[\"02000000000000000000\"]" },
    { -22, "TX decode failed", "sendrawtransaction", "[\"" TX "00\"]" },
    { -8, "larger than or equal to 1BTC/kvB", "sendrawtransaction",
      "[\"" TX "\", 1]" },
    { -3, "Amount out of range", "sendrawtransaction", "[\"" TX "\", -1]" },
    { -25, "(maxburnamount)", "sendrawtransaction", "[\"" BURNER "\"]" },
    { -25, "(maxburnamount)", "sendrawtransaction", "[\"" ODD_SHOP "\"]" },
    { -26, "scriptpubkey", "sendrawtransaction", "[\"" ODD_SHOP "\", 0.1, 1]" },
    { -8, "Array must contain between 1 and 25", "testmempoolaccept", "[[]]" },
    { -22, "TX decode failed: 00", "testmempoolaccept", "[[\"00\"]]" },
    { -3, "", "testmempoolaccept", "[[7]]" },
    { -5, "Transaction not in mempool", "getmempoolentry", "[\"" NOBODY "\"]" },
    { -8, "txid must be of length 64", "getmempoolentry", "[\"aa\"]" },
};

START_TEST(bad_calls_have_their_code_and_words)
{
    struct office o;

    office_init(&o);
    office_open(&o);
    for (size_t i = 0; i < PTD_COUNT(bad); i++)
        ask_badly(&o, bad[i].code, bad[i].text, bad[i].method, "%s",
                  bad[i].params);
    gives_int(ask(&o, "getblockcount", "[]"), 0);
    office_fini(&o);
}
END_TEST

static size_t size_of(struct office *o)
{
    json_t *v = ask(o, "getmempoolinfo", "[]");
    size_t n = (size_t)json_integer_value(at(v, "size"));

    ck_assert(json_is_true(at(v, "loaded")));
    json_decref(v);
    v = ask(o, "getmininginfo", "[]");
    ck_assert_uint_eq((size_t)json_integer_value(at(v, "pooledtx")), n);
    json_decref(v);
    return n;
}

static char *submit(struct office *o, const char *hex)
{
    json_t *v = ask(o, "sendrawtransaction", "[\"%s\"]", hex);
    char *txid = strdup(json_string_value(v));

    ck_assert_ptr_nonnull(txid);
    json_decref(v);
    return txid;
}

/* The same with its bytes in the order of the wire. */
static void reverse(char out[65], const char *txid)
{
    for (size_t i = 0; i < 64; i += 2) {
        out[i] = txid[62 - i];
        out[i + 1] = txid[63 - i];
    }
    out[64] = '\0';
}

START_TEST(one_waits_and_is_mined)
{
    char hex[512], wire[65], *txid, *child;
    json_t *v, *chain;
    struct office o;

    office_init(&o);
    office_open(&o);
    v = ask(&o, "testmempoolaccept", "[[\"" TX "\"]]");
    ck_assert(json_is_true(at(v, "0.allowed")));
    ck_assert_ptr_null(json_object_get(json_array_get(v, 0), "fees"));
    json_decref(v);
    ck_assert_uint_eq(size_of(&o), 0);
    txid = submit(&o, TX);
    gives_text(ask(&o, "sendrawtransaction", "[\"" TX "\"]"), txid);
    v = ask(&o, "testmempoolaccept", "[[\"" TX "\"]]");
    ck_assert_str_eq(json_string_value(at(v, "0.reject-reason")),
                     "txn-already-in-mempool");
    json_decref(v);
    gives_text(ask(&o, "getrawtransaction", "[\"%s\"]", txid), TX);
    /* It is known what the child pays: 1000 satoshi. */
    reverse(wire, txid);
    snprintf(hex, sizeof hex, TX_FROM("%s", LESS_TO_KEY), wire);
    ask_badly(&o, -25, "maxfeerate", "sendrawtransaction", "[\"%s\", 0.00001]",
              hex);
    child = submit(&o, hex);
    v = ask(&o, "getmempoolentry", "[\"%s\"]", child);
    ck_assert_int_eq(json_integer_value(at(v, "ancestorcount")), 2);
    ck_assert_str_eq(json_string_value(at(v, "depends.0")), txid);
    ck_assert(json_is_true(at(v, "unbroadcast")));
    ck_assert_ptr_nonnull(at(v, "fees.base"));
    json_decref(v);
    v = ask(&o, "getrawmempool", "[true]");
    ck_assert_uint_eq(json_object_size(v), 2);
    json_decref(v);
    v = ask(&o, "getrawmempool", "[false, true]");
    ck_assert_int_eq(json_integer_value(at(v, "mempool_sequence")), 3);
    json_decref(v);
    json_decref(ask(&o, "generatetoaddress", "[1, \"" SOME_ADDRESS "\"]"));
    ck_assert_uint_eq(size_of(&o), 0);
    chain = ask(&o, "getblockchaininfo", "[]");
    v = ask(&o, "getblockheader", "[\"%s\"]",
            json_string_value(at(chain, "bestblockhash")));
    json_decref(chain);
    ck_assert_int_eq(json_integer_value(at(v, "nTx")), 3);
    json_decref(v);
    free(child);
    free(txid);
    office_fini(&o);
}
END_TEST

START_TEST(the_user_replaces_his_own)
{
    char *first, *second;
    struct office o;

    office_init(&o);
    office_open(&o);
    first = submit(&o, TX);
    second = submit(&o, TX_FROM(COIN_A, LESS_TO_KEY));
    ck_assert_uint_eq(size_of(&o), 1);
    ask_badly(&o, -5, "not in mempool", "getmempoolentry", "[\"%s\"]", first);
    gives_text(ask(&o, "getrawtransaction", "[\"%s\"]", second),
               TX_FROM(COIN_A, LESS_TO_KEY));
    free(second);
    free(first);
    office_fini(&o);
}
END_TEST

START_TEST(they_outlive_a_restart)
{
    struct office o;
    char *txid;
    json_t *v;

    office_init(&o);
    office_open(&o);
    txid = submit(&o, TX_FROM(COIN_B, TO_KEY));
    office_close(&o);
    office_open(&o);
    v = ask(&o, "getmempoolentry", "[\"%s\"]", txid);
    ck_assert(json_is_true(at(v, "unbroadcast")));
    json_decref(v);
    free(txid);
    office_fini(&o);
}
END_TEST

TCase *tcase_rpc_pool(void)
{
    TCase *tc = tcase_create("rpc: pool");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, bad_calls_have_their_code_and_words);
    tcase_add_test(tc, one_waits_and_is_mined);
    tcase_add_test(tc, the_user_replaces_his_own);
    tcase_add_test(tc, they_outlive_a_restart);
    return tc;
}
