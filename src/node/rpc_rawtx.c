/* Methods: transactions by their bytes. */
#include <config.h>

#include "base/util.h"
#include "chain/chain.h"
#include "node/rpc_tx.h"
#include "relay/relay.h"

/* ---- decoding ------------------------------------------------------------------- */

/* In the encoding that is asked for; else in whichever fits, with witnesses
 * first: what is both is hardly ever meant without. */
static struct ptd_msg *decode(const char *hex, const json_t *is_witness)
{
    struct ptd_msg *m = NULL;

    if (!json_is_false(is_witness))
        m = rpc_tx_from_hex(hex, PTD_ENC_WITNESS);
    if (m == NULL && !json_is_true(is_witness))
        m = rpc_tx_from_hex(hex, PTD_ENC_BASE);
    return m;
}

static json_t *decoderawtransaction(struct ptd_rpc_call *call, void *arg)
{
    const struct ptd_params *params = ((struct ptd_node_rpc *)arg)->cfg->params;
    const char *hex = "";
    struct ptd_msg *m;
    json_t *o;

    if (!ptd_rpc_arg_text(call, 0, &hex))
        return NULL;
    if ((m = decode(hex, ptd_rpc_arg(call, 1))) == NULL)
        return ptd_rpc_fail(call, PTD_RPC_DESERIALIZATION_ERROR,
                            "TX decode failed");
    o = json_object();
    rpc_set_tx(&o, params, &((struct ptd_msg_tx *)m)->tx);
    ptd_msg_free(m);
    return o;
}

/* ---- finding -------------------------------------------------------------------- */

static const struct ptd_tx *find(const struct ptd_msg_block *b,
                                 const struct ptd_hash *txid)
{
    struct ptd_hash id;

    for (uint32_t i = 0; i < b->n_tx; i++)
        if (ptd_tx_txid(&b->tx[i], &id) == PTD_OK && ptd_hash_eq(&id, txid))
            return &b->tx[i];
    return NULL;
}

static json_t *found(const struct ptd_params *params, const struct ptd_tx *tx,
                     const struct ptd_block_info *b)
{
    json_t *o = json_object();

    ptd_json_set(&o, "in_active_chain", json_boolean(b->active));
    rpc_set_tx(&o, params, tx);
    rpc_set_tx_hex(&o, tx);
    ptd_json_set(&o, "blockhash", ptd_json_hash(&b->header.hash));
    ptd_json_set(&o, "confirmations",
                 json_integer(b->active ? b->confirmations : 0));
    if (b->active) {
        ptd_json_set(&o, "time", json_integer(b->header.time));
        ptd_json_set(&o, "blocktime", json_integer(b->header.time));
    }
    return o;
}

#define NOT_THERE ". Use gettransaction for wallet transactions."

static json_t *find_in_block(struct ptd_rpc_call *call, struct ptd_node_rpc *r,
                             struct ptd_blockchain *c,
                             const struct ptd_hash *txid, int verbosity)
{
    const struct ptd_tx *tx;
    struct ptd_block_info b;
    struct ptd_hash hash;
    struct ptd_msg *m;
    json_t *result;

    if (!ptd_rpc_arg_hash(call, 2, "parameter 3", &hash))
        return NULL;
    if (!ptd_blockchain_find(c, &b, &hash))
        return ptd_rpc_fail(call, PTD_RPC_INVALID_ADDRESS_OR_KEY,
                            "Block hash not found");
    if (ptd_blockchain_read_block(c, &m, &hash) != PTD_OK)
        return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR, "Block not available");
    tx = find((const struct ptd_msg_block *)m, txid);
    if (tx == NULL)
        result = ptd_rpc_fail(
            call, PTD_RPC_INVALID_ADDRESS_OR_KEY,
            "No such transaction found in the provided block" NOT_THERE);
    else
        result =
            verbosity <= 0 ? rpc_tx_hex(tx) : found(r->cfg->params, tx, &b);
    ptd_msg_free(m);
    return result;
}

static json_t *find_in_pool(struct ptd_rpc_call *call, struct ptd_node_rpc *r,
                            const struct ptd_hash *txid, int verbosity)
{
    struct ptd_pool *pool = ptd_relay_pool(ptd_node_relay(r->node));
    struct ptd_pool_tx t;
    json_t *o;

    if (!ptd_pool_find(pool, &t, txid, PTD_POOL_TXID))
        return ptd_rpc_fail(
            call, PTD_RPC_INVALID_ADDRESS_OR_KEY,
            "No such mempool transaction. Use -txindex or provide a block hash "
            "to enable blockchain transaction queries" NOT_THERE);
    if (verbosity <= 0) {
        o = rpc_tx_hex(ptd_pool_tx_of(&t));
    } else {
        o = json_object();
        rpc_set_tx(&o, r->cfg->params, ptd_pool_tx_of(&t));
        rpc_set_tx_hex(&o, ptd_pool_tx_of(&t));
    }
    ptd_msg_free(t.msg);
    return o;
}

static json_t *getrawtransaction(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_hash txid;
    int verbosity = 0;

    if (c == NULL || !ptd_rpc_arg_hash(call, 0, "parameter 1", &txid))
        return NULL;
    if (ptd_hash_eq(&txid, &r->cfg->params->genesis.merkle_root))
        return ptd_rpc_fail(call, PTD_RPC_INVALID_ADDRESS_OR_KEY,
                            "The genesis block coinbase is not considered an "
                            "ordinary transaction and cannot be retrieved");
    if (!ptd_rpc_arg_verbosity(call, 1, &verbosity, true))
        return NULL;
    if (ptd_rpc_arg(call, 2) != NULL)
        return find_in_block(call, r, c, &txid, verbosity);
    return find_in_pool(call, r, &txid, verbosity);
}

/* ---- the table ------------------------------------------------------------- */

static const struct ptd_rpc_method methods[] = {
    { .name = "decoderawtransaction",
      .category = "rawtransactions",
      .text = "Returns the fields of a transaction that is given by its "
              "bytes.",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(HEX, "hexstring", REQUIRED, "Its bytes in hexadecimal"),
          PTD_RPC_ARG(BOOL, "iswitness", DEFAULT_HINT,
                      "Whether these are in the form that has witnesses; not "
                      "given: in either",
                      .otherwise = "depends on heuristic tests")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          OBJ, NULL, "", .inner = PTD_RPC_RESULTS(RPC_TX_MEMBERS))),
      .examples = PTD_RPC_EXAMPLE("decoderawtransaction", "\"hexstring\"",
                                  "\"hexstring\""),
      .fn = decoderawtransaction },
    { .name = "getrawtransaction",
      .category = "rawtransactions",
      .text = "Returns a transaction of the pool, or of a block that is named: "
              "its bytes (verbosity 0), or its fields (1 and 2).\n"
              "There is no index of transactions.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(HEX, "txid", REQUIRED, "The transaction's id"),
          PTD_RPC_ARG(NUM, "verbosity|verbose", DEFAULT_HINT,
                      "How much is told", .otherwise = "0",
                      .flags = PTD_RPC_ARG_ANY_TYPE),
          PTD_RPC_ARG(HEX, "blockhash", OMITTED, "The block that it is in")),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(STR, NULL, "its bytes in hexadecimal",
                         .when = "if verbosity is not set or set to 0"),
          PTD_RPC_RESULT(
              OBJ, NULL, "", .when = "if verbosity is set to 1 or 2",
              .inner = PTD_RPC_RESULTS(
                  PTD_RPC_RESULT(BOOL, "in_active_chain",
                                 "Whether the block is on the chain",
                                 .optional = true),
                  RPC_TX_MEMBERS, RPC_TX_HEX,
                  PTD_RPC_RESULT(HEX, "blockhash", "The block",
                                 .optional = true),
                  PTD_RPC_RESULT(NUM, "confirmations",
                                 "Blocks from it to the end of the chain",
                                 .optional = true),
                  PTD_RPC_RESULT(TIME, "time", "Its time, " RPC_EPOCH,
                                 .optional = true),
                  PTD_RPC_RESULT(TIME, "blocktime", "The same",
                                 .optional = true)))),
      .examples =
          PTD_RPC_EXAMPLE("getrawtransaction", "\"mytxid\" 1 \"myblockhash\"",
                          "\"mytxid\", 1, \"myblockhash\""),
      .fn = getrawtransaction },
};

RPC_TABLE(rpc_rawtx_methods);
