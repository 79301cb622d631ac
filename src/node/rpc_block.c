/* Methods: one block, or its header. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "chain/chain.h"
#include "node/rpc_tx.h"
#include "wire/codec.h"

/* ---- headers ---------------------------------------------------------------- */

static void set_header(json_t **o, const struct ptd_block_info *b)
{
    struct ptd_block_header h;

    ptd_block_header_decode(&h, b->header.raw);
    ptd_json_set(o, "hash", ptd_json_hash(&b->header.hash));
    ptd_json_set(o, "confirmations", json_integer(b->confirmations));
    ptd_json_set(o, "height", json_integer(b->header.height));
    ptd_json_set(o, "version", json_integer(h.version));
    ptd_json_set(o, "versionHex",
                 json_sprintf("%08" PRIx32, (uint32_t)h.version));
    ptd_json_set(o, "merkleroot", ptd_json_hash(&h.merkle_root));
    ptd_json_set(o, "time", json_integer(h.time));
    ptd_json_set(o, "mediantime", json_integer(b->header.median_time));
    ptd_json_set(o, "nonce", json_integer(h.nonce));
    ptd_json_set(o, "bits", rpc_bits(h.bits));
    ptd_json_set(o, "target", rpc_target(h.bits));
    ptd_json_set(o, "difficulty", rpc_difficulty(h.bits));
    ptd_json_set(o, "chainwork", rpc_work(&b->header.work));
    ptd_json_set(o, "nTx", json_integer(b->n_tx));
    if (b->header.height > 0)
        ptd_json_set(o, "previousblockhash", ptd_json_hash(&b->prev));
    if (!ptd_hash_is_zero(&b->next))
        ptd_json_set(o, "nextblockhash", ptd_json_hash(&b->next));
}

static json_t *getblockheader(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_block_info b;
    bool verbose = true;
    json_t *o;

    if (c == NULL || !ptd_rpc_arg_bool(call, 1, &verbose) ||
        !rpc_arg_block(call, 0, "hash", c, &b))
        return NULL;
    if (!verbose)
        return ptd_json_hex(b.header.raw, sizeof b.header.raw);
    o = json_object();
    set_header(&o, &b);
    return o;
}

/* ---- blocks ----------------------------------------------------------------- */

enum { HEX, TXIDS, TXS };

/* The first transaction's input, which says who made the block. */
static json_t *coinbase(const struct ptd_tx *tx)
{
    const struct ptd_tx_in *in = &tx->in[0];
    json_t *o = json_object();

    ptd_json_set(&o, "version", json_integer((uint32_t)tx->version));
    ptd_json_set(&o, "locktime", json_integer(tx->lock_time));
    ptd_json_set(&o, "sequence", json_integer(in->sequence));
    ptd_json_set(&o, "coinbase", ptd_json_hex(in->script.p, in->script.n));
    if (in->n_witness > 0)
        ptd_json_set(&o, "witness",
                     ptd_json_hex(in->witness[0].p, in->witness[0].n));
    return o;
}

static json_t *txid_of(const struct ptd_tx *tx)
{
    struct ptd_hash txid;

    return ptd_tx_txid(tx, &txid) == PTD_OK ? ptd_json_hash(&txid) : NULL;
}

static json_t *tx_to_json(const struct ptd_params *params,
                          const struct ptd_tx *tx)
{
    json_t *o = json_object();

    rpc_set_tx(&o, params, tx);
    rpc_set_tx_hex(&o, tx);
    return o;
}

static json_t *block_to_json(const struct ptd_params *params,
                             const struct ptd_block_info *info,
                             const struct ptd_msg_block *b, int verbosity)
{
    struct ptd_block_sizes sizes;
    json_t *o = json_object(), *txs = json_array();

    ptd_block_measure(b, &sizes);
    set_header(&o, info);
    ptd_json_set(&o, "strippedsize", rpc_u64(sizes.stripped));
    ptd_json_set(&o, "size", rpc_u64(sizes.bytes));
    ptd_json_set(&o, "weight", rpc_u64(sizes.weight));
    ptd_json_set(&o, "coinbase_tx", coinbase(&b->tx[0]));
    for (uint32_t i = 0; i < b->n_tx; i++)
        ptd_json_append(&txs, verbosity == TXIDS
                                  ? txid_of(&b->tx[i])
                                  : tx_to_json(params, &b->tx[i]));
    ptd_json_set(&o, "tx", txs);
    return o;
}

/* What kept a block from being read; NULL after the call failed. */
static json_t *fail_read(struct ptd_rpc_call *call,
                         const struct ptd_block_info *b, enum ptd_err e)
{
    if (e == PTD_ENOMEM)
        return NULL;
    return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR, "%s",
                        e != PTD_EEMPTY ? "Block not found on disk"
                        : b->was_pruned
                            ? "Block not available (pruned data)"
                            : "Block not available (not fully downloaded)");
}

static json_t *getblock(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_block_info info;
    int verbosity = TXIDS;
    struct ptd_buf *raw;
    struct ptd_msg *m;
    json_t *result;
    enum ptd_err e;
    size_t n;

    if (c == NULL || !rpc_arg_block(call, 0, "blockhash", c, &info) ||
        !ptd_rpc_arg_verbosity(call, 1, &verbosity, true))
        return NULL;
    e = ptd_blockchain_read(c, &raw, &n, &info.header.hash, NULL);
    if (e != PTD_OK)
        return fail_read(call, &info, e);
    if (verbosity <= HEX) {
        result = ptd_json_hex(raw->data, n);
        ptd_buf_free(raw);
        return result;
    }
    e = ptd_block_from_raw(&m, raw->data, n);
    ptd_buf_free(raw);
    if (e != PTD_OK)
        return fail_read(call, &info, e);
    result = block_to_json(r->cfg->params, &info,
                           (const struct ptd_msg_block *)m, verbosity);
    ptd_msg_free(m);
    return result;
}

/* ---- the table ------------------------------------------------------------- */

#define HEADER_MEMBERS                                                         \
    PTD_RPC_RESULT(HEX, "hash", "the block's hash"),                           \
        PTD_RPC_RESULT(NUM, "confirmations",                                   \
                       "Blocks from it to the end of the chain, it among "     \
                       "them; -1: it is not on the chain"),                    \
        PTD_RPC_RESULT(NUM, "height", "its height"),                           \
        PTD_RPC_RESULT(NUM, "version", "its version"),                         \
        PTD_RPC_RESULT(HEX, "versionHex", "the same in hexadecimal"),          \
        PTD_RPC_RESULT(HEX, "merkleroot", "its merkle root"),                  \
        PTD_RPC_RESULT(TIME, "time", "its time, " RPC_EPOCH),                  \
        PTD_RPC_RESULT(TIME, "mediantime",                                     \
                       "the median of its time and the ten before it"),        \
        PTD_RPC_RESULT(NUM, "nonce", "its nonce"),                             \
        PTD_RPC_RESULT(HEX, "bits", "its target in the compact form"),         \
        PTD_RPC_RESULT(HEX, "target", "its target"),                           \
        PTD_RPC_RESULT(NUM, "difficulty", "its difficulty"),                   \
        PTD_RPC_RESULT(HEX, "chainwork", "all work up to it"),                 \
        PTD_RPC_RESULT(NUM, "nTx", "its transactions; 0: it is not here"),     \
        PTD_RPC_RESULT(HEX, "previousblockhash", "the one before it",          \
                       .optional = true),                                      \
        PTD_RPC_RESULT(HEX, "nextblockhash", "the one behind it",              \
                       .optional = true)

#define COINBASE                                                               \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(NUM, "version", "its version"),                         \
        PTD_RPC_RESULT(NUM, "locktime", "its lock time"),                      \
        PTD_RPC_RESULT(NUM, "sequence", "its input's sequence number"),        \
        PTD_RPC_RESULT(HEX, "coinbase", "its input's script"),                 \
        PTD_RPC_RESULT(HEX, "witness", "its input's only witness item",        \
                       .optional = true))

#define BLOCK(tx)                                                              \
    PTD_RPC_RESULTS(                                                           \
        HEADER_MEMBERS,                                                        \
        PTD_RPC_RESULT(NUM, "strippedsize", "its bytes without witness"),      \
        PTD_RPC_RESULT(NUM, "size", "its bytes"),                              \
        PTD_RPC_RESULT(NUM, "weight", "its weight (BIP 141)"),                 \
        PTD_RPC_RESULT(OBJ, "coinbase_tx", "its first transaction",            \
                       .inner = COINBASE),                                     \
        PTD_RPC_RESULT(ARR, "tx", "its transactions",                          \
                       .inner = PTD_RPC_RESULTS(tx)))

#define TXID_ENTRY PTD_RPC_RESULT(HEX, NULL, "a transaction's id")
#define TX_ENTRY                                                               \
    PTD_RPC_RESULT(OBJ, NULL, "a transaction",                                 \
                   .inner = PTD_RPC_RESULTS(RPC_TX_MEMBERS, RPC_TX_HEX))

static const struct ptd_rpc_method methods[] = {
    { .name = "getblock",
      .category = "blockchain",
      .text = "Returns a block.\n"
              "With verbosity 0 its bytes in hexadecimal; with 1 its fields "
              "and the ids of its transactions; with 2 the transactions' "
              "fields too. 3 is the same as 2: what an input spends is not "
              "kept.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(HEX, "blockhash", REQUIRED, "The block's hash"),
          PTD_RPC_ARG(NUM, "verbosity|verbose", DEFAULT_HINT,
                      "How much is told (false: 0, true: 1)", .otherwise = "1",
                      .flags = PTD_RPC_ARG_ANY_TYPE)),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(HEX, NULL, "the block's bytes",
                         .when = "for verbosity = 0"),
          PTD_RPC_RESULT(OBJ, NULL, "", .when = "for verbosity = 1",
                         .inner = BLOCK(TXID_ENTRY)),
          PTD_RPC_RESULT(OBJ, NULL, "", .when = "for verbosity = 2 and 3",
                         .inner = BLOCK(TX_ENTRY))),
      .examples = PTD_RPC_EXAMPLE("getblock", "\"blockhash\"", "\"blockhash\""),
      .fn = getblock },
    { .name = "getblockheader",
      .category = "blockchain",
      .text = "Returns a block's header: its fields, or its bytes in "
              "hexadecimal.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(HEX, "blockhash", REQUIRED, "The block's hash"),
          PTD_RPC_ARG(BOOL, "verbose", DEFAULT_HINT,
                      "true: its fields; false: its bytes",
                      .otherwise = "true")),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(OBJ, NULL, "", .when = "for verbose = true",
                         .inner = PTD_RPC_RESULTS(HEADER_MEMBERS)),
          PTD_RPC_RESULT(HEX, NULL, "the header's 80 bytes",
                         .when = "for verbose=false")),
      .examples =
          PTD_RPC_EXAMPLE("getblockheader", "\"blockhash\"", "\"blockhash\""),
      .fn = getblockheader },
};

RPC_TABLE(rpc_block_methods);
