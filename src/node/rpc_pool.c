/* Methods: transactions that wait, addresses, indexes. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "chain/script_addr.h"
#include "node/rpc_methods.h"

/* ---- the pool ------------------------------------------------------------------ */

enum { MIN_FEE = 100 }; /* satoshi for 1000 bytes */

/* There is none. It counts as loaded once blocks were read from files: that is
 * what scripts wait for. */
static json_t *getmempoolinfo(struct ptd_rpc_call *call, void *arg)
{
    json_t *o = json_object();

    (void)call;
    ptd_json_set(&o, "loaded",
                 json_boolean(!ptd_node_is_loading(rpc_node(arg))));
    ptd_json_set(&o, "size", json_integer(0));
    ptd_json_set(&o, "bytes", json_integer(0));
    ptd_json_set(&o, "usage", json_integer(0));
    ptd_json_set(&o, "total_fee", ptd_json_amount(0));
    ptd_json_set(&o, "maxmempool", json_integer(0));
    ptd_json_set(&o, "mempoolminfee", ptd_json_amount(MIN_FEE));
    ptd_json_set(&o, "minrelaytxfee", ptd_json_amount(MIN_FEE));
    ptd_json_set(&o, "incrementalrelayfee", ptd_json_amount(MIN_FEE));
    ptd_json_set(&o, "unbroadcastcount", json_integer(0));
    ptd_json_set(&o, "fullrbf", json_true());
    ptd_json_set(&o, "permitbaremultisig", json_true());
    ptd_json_set(&o, "maxdatacarriersize", json_integer(0));
    ptd_json_set(&o, "limitclustercount", json_integer(0));
    ptd_json_set(&o, "limitclustersize", json_integer(0));
    ptd_json_set(&o, "optimal", json_true());
    return o;
}

static json_t *getrawmempool(struct ptd_rpc_call *call, void *arg)
{
    bool verbose = false, with_sequence = false;
    json_t *o;

    (void)arg;
    if (!ptd_rpc_arg_bool(call, 0, &verbose) ||
        !ptd_rpc_arg_bool(call, 1, &with_sequence))
        return NULL;
    if (verbose && with_sequence)
        return ptd_rpc_fail(
            call, PTD_RPC_INVALID_PARAMETER,
            "Verbose results cannot contain mempool sequence values.");
    if (verbose)
        return json_object();
    if (!with_sequence)
        return json_array();
    o = json_object();
    ptd_json_set(&o, "txids", json_array());
    ptd_json_set(&o, "mempool_sequence", json_integer(1));
    return o;
}

/* ---- addresses ------------------------------------------------------------------ */

enum { OP_1 = 0x51, OP_HASH160 = 0xa9, PROGRAM_AT = 2 };

static json_t *describe(const struct ptd_params *params,
                        const struct ptd_script *s)
{
    char address[PTD_ADDRESS_SIZE];
    const bool is_witness =
        s->n > PROGRAM_AT &&
        (s->b[0] == 0 || (s->b[0] >= OP_1 && s->b[0] < OP_1 + 16)) &&
        s->b[1] == s->n - PROGRAM_AT;
    const int version = s->b[0] == 0 ? 0 : s->b[0] - OP_1 + 1;
    const size_t n_program = s->n - PROGRAM_AT;
    json_t *o = json_object();

    (void)ptd_address_encode(address, params, s->b, s->n);
    ptd_json_set(&o, "isvalid", json_true());
    ptd_json_set(&o, "address", json_string(address));
    ptd_json_set(&o, "scriptPubKey", ptd_json_hex(s->b, s->n));
    if (!is_witness) {
        ptd_json_set(&o, "isscript", json_boolean(s->b[0] == OP_HASH160));
        ptd_json_set(&o, "iswitness", json_false());
        return o;
    }
    if (version > 1 || (version == 1 && n_program == 32) || version == 0)
        ptd_json_set(&o, "isscript",
                     json_boolean(version >= 1 || n_program == 32));
    ptd_json_set(&o, "iswitness", json_true());
    ptd_json_set(&o, "witness_version", json_integer(version));
    ptd_json_set(&o, "witness_program",
                 ptd_json_hex(s->b + PROGRAM_AT, n_program));
    return o;
}

/* Where the errors are, if these are what is wrong with it. */
static json_t *errors_of(const char *address, const char *why)
{
    int at[PTD_ADDRESS_SIZE];
    json_t *list = json_array();
    size_t n = 0;

    if (strcmp(ptd_bech32_locate_errors(at, &n, PTD_COUNT(at), address), why) !=
        0)
        n = 0;
    for (size_t i = 0; i < n; i++)
        ptd_json_append(&list, json_integer(at[i]));
    return list;
}

static json_t *validateaddress(struct ptd_rpc_call *call, void *arg)
{
    const struct ptd_params *params = ((struct ptd_node_rpc *)arg)->cfg->params;
    char why[PTD_ADDRESS_WHY_SIZE];
    const char *address = "";
    struct ptd_script script;
    json_t *o;

    if (!ptd_rpc_arg_text(call, 0, &address))
        return NULL;
    if (ptd_address_decode(&script, params, address, why) == PTD_OK)
        return describe(params, &script);
    o = json_object();
    ptd_json_set(&o, "isvalid", json_false());
    ptd_json_set(&o, "error_locations", errors_of(address, why));
    ptd_json_set(&o, "error", rpc_text(why));
    return o;
}

/* ---- indexes -------------------------------------------------------------------- */

/* None is kept. */
static json_t *getindexinfo(struct ptd_rpc_call *call, void *arg)
{
    const char *name = "";

    (void)arg;
    return ptd_rpc_arg_text(call, 0, &name) ? json_object() : NULL;
}

/* ---- the table ------------------------------------------------------------- */

#define POOL                                                                   \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(BOOL, "loaded",                                         \
                       "Whether that of the last run was "                     \
                       "read"),                                                \
        PTD_RPC_RESULT(NUM, "size", "Transactions in it"),                     \
        PTD_RPC_RESULT(NUM, "bytes", "Their virtual bytes"),                   \
        PTD_RPC_RESULT(NUM, "usage", "Bytes of memory that they take"),        \
        PTD_RPC_RESULT(AMOUNT, "total_fee", "Their fees, in BTC"),             \
        PTD_RPC_RESULT(NUM, "maxmempool", "Bytes of memory at most"),          \
        PTD_RPC_RESULT(AMOUNT, "mempoolminfee",                                \
                       "Lowest fee rate to get in, in BTC/kvB"),               \
        PTD_RPC_RESULT(AMOUNT, "minrelaytxfee",                                \
                       "Lowest fee rate to be relayed"),                       \
        PTD_RPC_RESULT(NUM, "incrementalrelayfee",                             \
                       "Least raise of the fee rate of a replacement, in "     \
                       "BTC/kvB"),                                             \
        PTD_RPC_RESULT(NUM, "unbroadcastcount",                                \
                       "Those of ours that nobody has asked for yet"),         \
        PTD_RPC_RESULT(BOOL, "fullrbf", "Whether any may be replaced"),        \
        PTD_RPC_RESULT(BOOL, "permitbaremultisig",                             \
                       "Whether bare multisig outputs are accepted"),          \
        PTD_RPC_RESULT(NUM, "maxdatacarriersize",                              \
                       "Bytes of data outputs at most"),                       \
        PTD_RPC_RESULT(NUM, "limitclustercount",                               \
                       "Transactions that depend on each other at most"),      \
        PTD_RPC_RESULT(NUM, "limitclustersize", "Their virtual bytes"),        \
        PTD_RPC_RESULT(BOOL, "optimal", "Whether their order is the best"))

#define TXIDS PTD_RPC_RESULTS(PTD_RPC_RESULT(HEX, NULL, "The transaction's id"))

#define ADDRESS                                                                \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(BOOL, "isvalid", "Whether it is one"),                  \
        PTD_RPC_RESULT(STR, "address", "The address", .optional = true),       \
        PTD_RPC_RESULT(HEX, "scriptPubKey", "Its script", .optional = true),   \
        PTD_RPC_RESULT(BOOL, "isscript", "Whether it stands for a script",     \
                       .optional = true),                                      \
        PTD_RPC_RESULT(BOOL, "iswitness", "Whether it is of segwit",           \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "witness_version", "Its witness version",          \
                       .optional = true),                                      \
        PTD_RPC_RESULT(HEX, "witness_program", "Its witness program",          \
                       .optional = true),                                      \
        PTD_RPC_RESULT(STR, "error", "What is wrong", .optional = true),       \
        PTD_RPC_RESULT(ARR, "error_locations", "And where, if that is known",  \
                       .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(                \
                           NUM, NULL, "a place in the text, from 0")),         \
                       .optional = true))

#define INDEX                                                                  \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(BOOL, "synced", "Whether it is complete"),              \
        PTD_RPC_RESULT(NUM, "best_block_height", "The last block in it"))

static const struct ptd_rpc_method methods[] = {
    { .name = "getindexinfo",
      .category = "util",
      .text = "Returns the state of the indexes that are kept besides the "
              "chain's own.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(STR, "index_name", OMITTED, "Of this one alone")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          OBJ_DYN, NULL, "",
          .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
              OBJ, "name", "The index's name", .inner = INDEX)))),
      .examples = PTD_RPC_EXAMPLE("getindexinfo", "", ""),
      .fn = getindexinfo },
    { .name = "getmempoolinfo",
      .category = "blockchain",
      .text = "Returns the state of the pool of transactions.",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = POOL)),
      .examples = PTD_RPC_EXAMPLE("getmempoolinfo", "", ""),
      .fn = getmempoolinfo },
    { .name = "getrawmempool",
      .category = "blockchain",
      .text = "Returns the ids of the transactions in the pool.\n",
      .args =
          PTD_RPC_ARGS(PTD_RPC_ARG(BOOL, "verbose", DEFAULT_HINT,
                                   "true: an object; false: a list of ids",
                                   .otherwise = "false"),
                       PTD_RPC_ARG(BOOL, "mempool_sequence", DEFAULT_HINT,
                                   "With the number of the pool's last change",
                                   .otherwise = "false")),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(ARR, NULL, "", .when = "for verbose = false",
                         .inner = TXIDS),
          PTD_RPC_RESULT(OBJ_DYN, NULL, "", .when = "for verbose = true",
                         .inner = PTD_RPC_RESULTS(
                             PTD_RPC_RESULT(ANY, "transactionid", NULL))),
          PTD_RPC_RESULT(OBJ, NULL, "",
                         .when =
                             "for verbose = false and mempool_sequence = true",
                         .inner = PTD_RPC_RESULTS(
                             PTD_RPC_RESULT(ARR, "txids", "", .inner = TXIDS),
                             PTD_RPC_RESULT(NUM, "mempool_sequence",
                                            "The number of the last change")))),
      .examples = PTD_RPC_EXAMPLE("getrawmempool", "true", "true"),
      .fn = getrawmempool },
    { .name = "validateaddress",
      .category = "util",
      .text = "Return information about the given bitcoin address.\n",
      .args =
          PTD_RPC_ARGS(PTD_RPC_ARG(STR, "address", REQUIRED, "The address")),
      .results =
          PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = ADDRESS)),
      .examples =
          PTD_RPC_EXAMPLE("validateaddress", "\"myaddress\"", "\"myaddress\""),
      .fn = validateaddress },
};

RPC_TABLE(rpc_pool_methods);
