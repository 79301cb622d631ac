/* Methods that concern the chain: looking, waiting, mining, files. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_node.h"
#include "rpc_rig.h"
#include "sync/thread.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define NOBODY                                                                 \
    "00000000000000000000000000000000000000000000000000000000000000aa"
#define GENESIS                                                                \
    "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"

/* ---- calls that must fail ---------------------------------------------------------- */

static const struct {
    int code;
    const char *text, *method, *params;
} bad[] = {
    { -8, "Block height out of range", "getblockhash", "[4]" },
    { -8, "Block height out of range", "getblockhash", "[-1]" },
    { -8, "hash must be of length 64", "getblockheader", "[\"nonsense\"]" },
    { -5, "Block not found", "getblockheader", "[\"" NOBODY "\"]" },
    { -5, "Block not found", "getblock", "[\"" NOBODY "\"]" },
    { -3, "is not of expected type number", "getblock",
      "[\"" GENESIS "\", \"2\"]" },
    { -8, "should be between 0 and the block's height - 1", "getchaintxstats",
      "[3]" },
    { -8, "should be between 0 and the block's height - 1", "getchaintxstats",
      "[-1]" },
    { -5, "Block not found", "getchaintxstats", "[1, \"" NOBODY "\"]" },
    { -8, "Must be a positive number or -1", "getnetworkhashps", "[0]" },
    { -8, "does not exist at specified height", "getnetworkhashps",
      "[1, 100]" },
    { -1, "Negative timeout", "waitfornewblock", "[-1]" },
    { -1, "Negative timeout", "waitforblock", "[\"" ZEROS "\", -1]" },
    { -1, "Negative timeout", "waitforblockheight", "[0, -1]" },
    { -5, "Block not found", "invalidateblock", "[\"" NOBODY "\"]" },
    { -20, "genesis block", "invalidateblock", "[\"" GENESIS "\"]" },
    { -5, "Block not found", "reconsiderblock", "[\"" NOBODY "\"]" },
    { -5, "Block not found", "preciousblock", "[\"" NOBODY "\"]" },
    { -1, "node is not in prune mode", "pruneblockchain", "[1]" },
    { -5, "Error: Invalid address", "generatetoaddress", "[1, \"x\"]" },
    { -5, "", "generatetodescriptor", "[1, \"pk(00)\"]" },
    { -5, "Error: Invalid address or descriptor", "generateblock",
      "[\"x\", []]" },
    { -22, "Transaction decode failed for 00.", "generateblock",
      "[\"" SOME_ADDRESS "\", [\"00\"]]" },
    { -5, "not in mempool.", "generateblock",
      "[\"" SOME_ADDRESS "\", [\"" NOBODY "\"]]" },
    { -32601, "replaced by the -generate cli option", "generate", "[]" },
    { -22, "Block decode failed", "submitblock", "[\"00\"]" },
    { -8, "Invalid action 'x'", "scantxoutset", "[\"x\"]" },
    { -1, "scanobjects argument is required", "scantxoutset", "[\"start\"]" },
    { -8, "either a string or an object", "scantxoutset", "[\"start\", [1]]" },
    { -8, "needs to be provided in scan object", "scantxoutset",
      "[\"start\", [{\"range\": 1}]]" },
    { -5, "is not a valid descriptor function", "scantxoutset",
      "[\"start\", [\"raw(51)\", \"tr(51)\"]]" },
    { -22, "Block header decode failed", "submitheader", "[\"00\"]" },
    { -8, "segwit rule set", "getblocktemplate", "[{\"rules\": []}]" },
    { -8, "Invalid mode", "getblocktemplate",
      "[{\"mode\": 1, \"rules\": [\"segwit\"]}]" },
    { -3, "Missing data String key", "getblocktemplate",
      "[{\"mode\": \"proposal\", \"rules\": [\"segwit\"]}]" },
    { -22, "Block decode failed", "getblocktemplate",
      "[{\"mode\": \"proposal\", \"data\": \"00\", \"rules\": []}]" },
    { -8, "cannot contain mempool sequence", "getrawmempool", "[true, true]" },
    { -22, "TX decode failed", "decoderawtransaction", "[\"00\"]" },
    { -5, "provide a block hash", "getrawtransaction", "[\"" NOBODY "\"]" },
    { -5, "Block hash not found", "getrawtransaction",
      "[\"" NOBODY "\", 0, \"" NOBODY "\"]" },
    { -5, "in the provided block", "getrawtransaction",
      "[\"" NOBODY "\", 0, \"" GENESIS "\"]" },
};

START_TEST(bad_calls_have_their_code_and_words)
{
    struct office o;

    office_init(&o);
    office_open(&o);
    free(mine(&o, 3));
    for (size_t i = 0; i < PTD_COUNT(bad); i++)
        ask_badly(&o, bad[i].code, bad[i].text, bad[i].method, "%s",
                  bad[i].params);
    gives_int(ask(&o, "getblockcount", "[]"), 3);
    office_fini(&o);
}
END_TEST

/* ---- looking ------------------------------------------------------------------------ */

START_TEST(blocks_are_told_as_they_were_mined)
{
    struct office o;
    char *hash;
    json_t *v, *raw;

    office_init(&o);
    office_open(&o);
    gives_text(ask(&o, "getbestblockhash", "[]"), GENESIS);
    gives_null(ask(&o, "setmocktime", "[1700000000]"));
    hash = mine(&o, 5);
    gives_text(ask(&o, "getblockhash", "[5]"), hash);
    v = ask(&o, "getblockchaininfo", "[]");
    ck_assert_int_eq(json_integer_value(at(v, "blocks")), 5);
    ck_assert_int_eq(json_integer_value(at(v, "headers")), 5);
    ck_assert_str_eq(json_string_value(at(v, "bestblockhash")), hash);
    ck_assert(json_is_false(at(v, "initialblockdownload")));
    json_decref(v);
    v = ask(&o, "getblock", "[\"%s\", 2]", hash);
    ck_assert_int_eq(json_integer_value(at(v, "confirmations")), 1);
    /* Later than the median of those before it. */
    ck_assert_int_eq(json_integer_value(at(v, "time")), 1700000002);
    ck_assert_int_eq(json_integer_value(at(v, "nTx")), 1);
    ck_assert_str_eq(
        json_string_value(at(v, "tx.0.vout.0.scriptPubKey.address")),
        SOME_ADDRESS);
    ck_assert_str_eq(json_string_value(at(v, "tx.0.vin.0.coinbase")), "5500");
    ck_assert_ptr_null(json_object_get(v, "nextblockhash"));
    raw = ask(&o, "getblock", "[\"%s\", 0]", hash);
    ck_assert_uint_eq(json_string_length(raw),
                      2 * (size_t)json_integer_value(at(v, "size")));
    json_decref(raw);
    raw = ask(&o, "getrawtransaction", "[\"%s\", 0, \"%s\"]",
              json_string_value(at(v, "tx.0.txid")), hash);
    ck_assert_str_eq(json_string_value(raw),
                     json_string_value(at(v, "tx.0.hex")));
    json_decref(raw);
    json_decref(v);
    v = ask(&o, "getblockheader", "[\"" GENESIS "\"]");
    ck_assert_int_eq(json_integer_value(at(v, "confirmations")), 6);
    ck_assert_ptr_null(json_object_get(v, "previousblockhash"));
    json_decref(v);
    v = ask(&o, "getblockheader", "[\"%s\", false]", hash);
    ck_assert_uint_eq(json_string_length(v), 160);
    json_decref(v);
    free(hash);
    office_fini(&o);
}
END_TEST

/* A chain that is there already when a node starts, and mock time. */
START_TEST(two_hundred_blocks_are_there_after_a_restart)
{
    struct office o;
    char *hash, *block;
    json_t *v;

    office_init(&o);
    office_open(&o);
    gives_null(ask(&o, "setmocktime", "[1700000000]"));
    for (int i = 0; i < 8; i++)
        free(mine(&o, i < 7 ? 25 : 24));
    gives_int(ask(&o, "getblockcount", "[]"), 199);
    /* The next one is made here, and handed in to who has not seen it. */
    v = ask(&o, "generateblock", "[\"" SOME_ADDRESS "\", [], false]");
    hash = strdup(json_string_value(at(v, "hash")));
    block = strdup(json_string_value(at(v, "hex")));
    json_decref(v);
    office_close(&o);
    office_open(&o);
    gives_int(ask(&o, "getblockcount", "[]"), 199);
    gives_null(ask(&o, "submitblock", "[\"%s\"]", block));
    gives_text(ask(&o, "submitblock", "[\"%s\"]", block), "duplicate");
    gives_text(ask(&o, "getbestblockhash", "[]"), hash);
    v = ask(&o, "getchaintxstats", "[100]");
    ck_assert_int_eq(json_integer_value(at(v, "txcount")), 201);
    ck_assert_int_eq(json_integer_value(at(v, "window_tx_count")), 100);
    json_decref(v);
    v = ask(&o, "verifychain", "[4, 0]");
    ck_assert(json_is_true(v));
    json_decref(v);
    free(hash);
    free(block);
    office_fini(&o);
}
END_TEST

START_TEST(a_branch_is_left_and_taken_again)
{
    struct office o;
    char *hash;
    json_t *v;

    office_init(&o);
    office_open(&o);
    hash = mine(&o, 3);
    gives_null(ask(&o, "invalidateblock", "[\"%s\"]", hash));
    gives_int(ask(&o, "getblockcount", "[]"), 2);
    v = ask(&o, "getchaintips", "[]");
    ck_assert_uint_eq(json_array_size(v), 2);
    ck_assert_str_eq(json_string_value(at(v, "0.hash")), hash);
    ck_assert_str_eq(json_string_value(at(v, "0.status")), "invalid");
    ck_assert_str_eq(json_string_value(at(v, "1.status")), "active");
    json_decref(v);
    gives_null(ask(&o, "reconsiderblock", "[\"%s\"]", hash));
    gives_text(ask(&o, "getbestblockhash", "[]"), hash);
    free(hash);
    office_fini(&o);
}
END_TEST

START_TEST(rules_hold_from_their_heights)
{
    struct office o;
    json_t *v;

    office_init(&o);
    office_open(&o);
    v = ask(&o, "getdeploymentinfo", "[]");
    ck_assert_str_eq(json_string_value(at(v, "hash")), GENESIS);
    ck_assert(json_is_true(at(v, "deployments.segwit.active")));
    json_decref(v);
    office_fini(&o);
}
END_TEST

START_TEST(rules_hold_from_heights_that_are_given)
{
    static char *given[] = { (char *)(uintptr_t) "segwit@10",
                             (char *)(uintptr_t) "csv@1" };
    struct office o;
    json_t *v;

    office_init(&o);
    o.host.cfg.activation_height.v = given;
    o.host.cfg.activation_height.n = PTD_COUNT(given);
    office_open(&o);
    v = ask(&o, "getdeploymentinfo", "[]");
    ck_assert(json_is_false(at(v, "deployments.segwit.active")));
    ck_assert_int_eq(json_integer_value(at(v, "deployments.segwit.height")),
                     10);
    ck_assert(json_is_true(at(v, "deployments.csv.active")));
    json_decref(v);
    o.host.cfg.activation_height = (struct ptd_texts){ 0 }; /* ours */
    office_fini(&o);
}
END_TEST

/* ---- mining ------------------------------------------------------------------------ */

START_TEST(blocks_are_made_for_whom_it_is_said)
{
    static const struct {
        const char *to, *hex;
    } rows[] = {
        { "raw(51)", "51" },
        { "addr(" SOME_ADDRESS ")",
          "0014751e76e8199196d454941c45d1b3a323f1433bd6" },
    };
    struct office o;
    json_t *list, *v;

    office_init(&o);
    office_open(&o);
    for (size_t i = 0; i < PTD_COUNT(rows); i++) {
        list = ask(&o, "generatetodescriptor", "[1, \"%s\"]", rows[i].to);
        v = ask(&o, "getblock", "[\"%s\", 2]",
                json_string_value(json_array_get(list, 0)));
        ck_assert_str_eq(
            json_string_value(at(v, "tx.0.vout.0.scriptPubKey.hex")),
            rows[i].hex);
        json_decref(v);
        json_decref(list);
    }
    list = ask(&o, "generatetoaddress", "[1, \"" SOME_ADDRESS "\", 0]");
    ck_assert_uint_eq(json_array_size(list), 0);
    json_decref(list);
    office_fini(&o);
}
END_TEST

START_TEST(a_template_fits_the_next_block)
{
    struct office o;
    json_t *t, *v;
    char *tip;

    office_init(&o);
    office_open(&o);
    tip = mine(&o, 2);
    t = ask(&o, "getblocktemplate", "[{\"rules\": [\"segwit\"]}]");
    ck_assert_str_eq(json_string_value(at(t, "previousblockhash")), tip);
    ck_assert_str_eq(json_string_value(at(t, "longpollid")), tip);
    ck_assert_int_eq(json_integer_value(at(t, "height")), 3);
    ck_assert_int_eq(json_integer_value(at(t, "coinbasevalue")), 5000000000);
    json_decref(t);
    /* Known already: no wait. */
    t = ask(&o, "getblocktemplate",
            "[{\"rules\": [\"segwit\"], \"longpollid\": \"" GENESIS "\"}]");
    json_decref(t);
    t = ask(&o, "generateblock", "[\"" SOME_ADDRESS "\", [], false]");
    gives_null(ask(&o, "getblocktemplate",
                   "[{\"mode\": \"proposal\", \"data\": \"%s\", \"rules\": "
                   "[]}]",
                   json_string_value(at(t, "hex"))));
    json_decref(t);
    v = ask(&o, "getmininginfo", "[]");
    ck_assert_int_eq(json_integer_value(at(v, "next.height")), 3);
    json_decref(v);
    free(tip);
    office_fini(&o);
}
END_TEST

static char other_digit(char digit)
{
    return digit == '0' ? '1' : '0';
}

START_TEST(what_is_handed_in_is_judged)
{
    struct office o;
    json_t *t;
    char *hex, *tip, kept;

    office_init(&o);
    office_open(&o);
    tip = mine(&o, 1);
    t = ask(&o, "generateblock", "[\"" SOME_ADDRESS "\", [], false]");
    hex = strdup(json_string_value(at(t, "hex")));
    json_decref(t);
    kept = hex[2 * 40];
    hex[2 * 40] = other_digit(kept); /* of the merkle root: other work */
    t = ask(&o, "submitblock", "[\"%s\"]", hex);
    ck_assert(json_is_string(t)); /* high-hash or bad-txnmrklroot */
    json_decref(t);
    hex[2 * 40] = kept;
    hex[strlen(hex) - 1] = 'x'; /* all of it must be digits */
    ask_badly(&o, -22, "Block header decode failed", "submitheader", "[\"%s\"]",
              hex);
    hex[strlen(hex) - 1] = '\0'; /* … in pairs */
    ask_badly(&o, -22, "Block header decode failed", "submitheader", "[\"%s\"]",
              hex);
    hex[strlen(hex) - 1] = '\0'; /* what follows the header does not matter */
    gives_null(ask(&o, "submitheader", "[\"%s\"]", hex));
    hex[160] = '\0'; /* the header alone: known, and no harm */
    gives_null(ask(&o, "submitheader", "[\"%s\"]", hex));
    t = ask(&o, "getchaintips", "[]");
    ck_assert_str_eq(json_string_value(at(t, "0.status")), "headers-only");
    json_decref(t);
    hex[2 * 10] = other_digit(hex[2 * 10]); /* of the parent */
    ask_badly(&o, -25, "Must submit previous header", "submitheader",
              "[\"%s\"]", hex);
    free(hex);
    free(tip);
    office_fini(&o);
}
END_TEST

START_TEST(coins_are_found)
{
    struct office o;
    json_t *t;

    office_init(&o);
    office_open(&o);
    json_decref(ask(&o, "generatetodescriptor", "[3, \"raw(51)\"]"));
    json_decref(ask(&o, "generatetodescriptor", "[2, \"raw(52)\"]"));
    t = ask(&o, "scantxoutset", "[\"start\", [\"raw(51)\"]]");
    ck_assert(json_is_true(at(t, "success")));
    ck_assert_int_eq(json_integer_value(at(t, "txouts")), 5);
    ck_assert_int_eq(json_integer_value(at(t, "height")), 5);
    ck_assert_uint_eq(json_array_size(at(t, "unspents")), 3);
    ck_assert_int_eq(json_integer_value(at(t, "unspents.1.height")), 2);
    ck_assert_int_eq(json_integer_value(at(t, "unspents.1.confirmations")), 4);
    ck_assert_str_eq(json_string_value(at(t, "unspents.1.scriptPubKey")), "51");
    json_decref(t);
    t = ask(&o, "scantxoutset",
            "[\"start\", [{\"desc\": \"raw(52)\", \"range\": 9}]]");
    ck_assert_uint_eq(json_array_size(at(t, "unspents")), 2);
    json_decref(t);
    t = ask(&o, "scantxoutset", "[\"abort\"]");
    ck_assert(json_is_false(t));
    json_decref(t);
    gives_null(ask(&o, "scantxoutset", "[\"status\"]"));
    office_fini(&o);
}
END_TEST

/* ---- waiting ------------------------------------------------------------------------- */

struct waiter {
    struct office *o;
    struct ptd_thread thread;
    json_t *answer;
};

static void wait_main(void *arg)
{
    struct waiter *w = arg;

    w->answer = ask(w->o, "waitforblockheight", "[3]");
}

START_TEST(who_waits_for_a_block_gets_it)
{
    struct office o;
    struct waiter w = { .o = &o };
    char *tip;
    json_t *v;

    office_init(&o);
    office_open(&o);
    ck_assert_int_eq(ptd_thread_start(&w.thread, NULL, "waiter", wait_main, &w),
                     PTD_OK);
    tip = mine(&o, 3);
    ptd_thread_join(&w.thread);
    ck_assert_str_eq(json_string_value(at(w.answer, "hash")), tip);
    json_decref(w.answer);
    /* Those that need not wait, and one whose time is up. */
    v = ask(&o, "waitforblock", "[\"%s\", 1000]", tip);
    json_decref(v);
    v = ask(&o, "waitfornewblock", "[1]");
    ck_assert_int_eq(json_integer_value(at(v, "height")), 3);
    json_decref(v);
    v = ask(&o, "waitfornewblock", "[0, \"" GENESIS "\"]");
    ck_assert_str_eq(json_string_value(at(v, "hash")), tip);
    json_decref(v);
    free(tip);
    office_fini(&o);
}
END_TEST

/* ---- files ---------------------------------------------------------------------------- */

START_TEST(blocks_come_back_from_files)
{
    struct office o, other;
    char *tip, path[600];

    office_init(&o);
    office_open(&o);
    tip = mine(&o, 20);
    office_close(&o);
    o.host.cfg.reindex = true;
    office_open(&o);
    json_decref(ask(&o, "waitforblock", "[\"%s\"]", tip));

    office_init(&other);
    snprintf(path, sizeof path, "%s/blocks/blk00000.dat", o.dir);
    ck_assert_int_eq(ptd_texts_add(&other.host.cfg.load_block, path), PTD_OK);
    office_open(&other);
    json_decref(ask(&other, "waitforblock", "[\"%s\"]", tip));
    office_fini(&other);
    free(tip);
    office_fini(&o);
}
END_TEST

/* ---- scripts and addresses -------------------------------------------------------------- */

/* A transaction with one output of a script. */
static json_t *tx_paying(struct office *o, const char *in, const char *out)
{
    return ask(o, "decoderawtransaction",
               "[\"0100000001" NOBODY "00000000%02zx%sffffffff01"
               "0100000000000000%02zx%s00000000\"]",
               strlen(in) / 2, in, strlen(out) / 2, out);
}

static const struct {
    const char *hex, *text, *type, *desc; /* desc: its beginning */
} scripts[] = {
    { "", "", "nonstandard", "raw()#" },
    { "51", "1", "nonstandard", "raw(51)#" },
    { "4f", "-1", "nonstandard", "raw(4f)#" },
    { "0181", "-1", "nonstandard", "raw(" },
    { "02e803", "1000", "nonstandard", "raw(" },
    { "6a0401020304", "OP_RETURN 67305985", "nulldata", "raw(" },
    { "ba", "OP_CHECKSIGADD", "nonstandard", "raw(" },
    { "bb", "OP_UNKNOWN", "nonstandard", "raw(" },
    { "ff", "OP_INVALIDOPCODE", "nonstandard", "raw(" },
    { "4c", "[error]", "nonstandard", "raw(" },
    { "5105aabb", "1 [error]", "nonstandard", "raw(" },
    { "0014751e76e8199196d454941c45d1b3a323f1433bd6",
      "0 751e76e8199196d454941c45d1b3a323f1433bd6", "witness_v0_keyhash",
      "addr(" SOME_ADDRESS ")#" },
    { "76a914751e76e8199196d454941c45d1b3a323f1433bd688ac",
      "OP_DUP OP_HASH160 751e76e8199196d454941c45d1b3a323f1433bd6 "
      "OP_EQUALVERIFY OP_CHECKSIG",
      "pubkeyhash", "addr(" },
    { "210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac",
      "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798 "
      "OP_CHECKSIG",
      "pubkey",
      "pk(0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)"
      "#" },
    { "51210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
      "51ae",
      "1 0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798 1 "
      "OP_CHECKMULTISIG",
      "multisig",
      "multi(1,"
      "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)#" },
};

START_TEST(scripts_are_told_as_others_tell_them)
{
    struct office o;
    json_t *v;

    office_init(&o);
    office_open(&o);
    for (size_t i = 0; i < PTD_COUNT(scripts); i++) {
        const char *desc;

        v = tx_paying(&o, "", scripts[i].hex);
        ck_assert_str_eq(json_string_value(at(v, "vout.0.scriptPubKey.asm")),
                         scripts[i].text);
        ck_assert_str_eq(json_string_value(at(v, "vout.0.scriptPubKey.type")),
                         scripts[i].type);
        desc = json_string_value(at(v, "vout.0.scriptPubKey.desc"));
        ck_assert_msg(strncmp(desc, scripts[i].desc, strlen(scripts[i].desc)) ==
                          0,
                      "%s", desc);
        json_decref(v);
    }
    office_fini(&o);
}
END_TEST

START_TEST(a_signature_shows_how_it_signs)
{
    static const struct {
        const char *hex, *text;
    } rows[] = {
        { "0930060201010201"
          "0101",
          "300602010102010"
          "1[ALL]" },
        { "0930060201010201"
          "0183",
          "300602010102010"
          "1[SINGLE|ANYONECANPAY]" },
        { "0930060201010201"
          "0104",
          "30060201010201"
          "0104" }, /* no way */
        { "0930060201010281"
          "0101",
          "30060201010281"
          "0101" }, /* no DER */
    };
    struct office o;
    json_t *v;

    office_init(&o);
    office_open(&o);
    for (size_t i = 0; i < PTD_COUNT(rows); i++) {
        v = tx_paying(&o, rows[i].hex, "51");
        ck_assert_str_eq(json_string_value(at(v, "vin.0.scriptSig.asm")),
                         rows[i].text);
        json_decref(v);
    }
    office_fini(&o);
}
END_TEST

START_TEST(addresses_are_looked_through)
{
    struct office o;
    json_t *v;

    office_init(&o);
    office_open(&o);
    v = ask(&o, "validateaddress", "[\"" SOME_ADDRESS "\"]");
    ck_assert(json_is_true(at(v, "isvalid")));
    ck_assert(json_is_false(at(v, "isscript")));
    ck_assert_int_eq(json_integer_value(at(v, "witness_version")), 0);
    json_decref(v);
    /* One character is another. */
    v = ask(&o, "validateaddress",
            "[\"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt08q\"]");
    ck_assert(json_is_false(at(v, "isvalid")));
    ck_assert_int_eq(json_integer_value(at(v, "error_locations.0")), 43);
    json_decref(v);
    v = ask(&o, "validateaddress", "[\"nothing\"]");
    ck_assert_uint_eq(json_array_size(at(v, "error_locations")), 0);
    json_decref(v);
    office_fini(&o);
}
END_TEST

TCase *tcase_rpc_chain(void)
{
    TCase *tc = tcase_create("rpc: chain");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, bad_calls_have_their_code_and_words);
    tcase_add_test(tc, blocks_are_told_as_they_were_mined);
    tcase_add_test(tc, two_hundred_blocks_are_there_after_a_restart);
    tcase_add_test(tc, a_branch_is_left_and_taken_again);
    tcase_add_test(tc, rules_hold_from_their_heights);
    tcase_add_test(tc, rules_hold_from_heights_that_are_given);
    tcase_add_test(tc, blocks_are_made_for_whom_it_is_said);
    tcase_add_test(tc, a_template_fits_the_next_block);
    tcase_add_test(tc, what_is_handed_in_is_judged);
    tcase_add_test(tc, coins_are_found);
    tcase_add_test(tc, who_waits_for_a_block_gets_it);
    tcase_add_test(tc, blocks_come_back_from_files);
    tcase_add_test(tc, scripts_are_told_as_others_tell_them);
    tcase_add_test(tc, a_signature_shows_how_it_signs);
    tcase_add_test(tc, addresses_are_looked_through);
    return tc;
}
