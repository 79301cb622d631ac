/* Methods that make blocks. */
#include <config.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/mine.h"
#include "chain/script_addr.h"
#include "node/rpc_tx.h"
#include "relay/relay.h"

enum { AT_ONCE = 256 }; /* blocks between two looks at the answer */

/* Who gets the coins; script is to be freed. */
struct output {
    uint8_t *script;
    size_t n;
};

static bool output_of_address(struct output *out, const struct ptd_params *p,
                              const char *address)
{
    struct ptd_script s;

    if (ptd_address_decode(&s, p, address, NULL) != PTD_OK)
        return false;
    *out = (struct output){ ptd_memdup(s.b, s.n), s.n };
    return true;
}

/* ---- many blocks -------------------------------------------------------------- */

static json_t *fail_mining(struct ptd_rpc_call *call, struct ptd_blockchain *c,
                           enum ptd_err e, const struct ptd_block_verdict *v)
{
    if (e == PTD_ENOMEM)
        return NULL;
    if (e == PTD_EREJECTED || (e == PTD_EIO && v->class == PTD_BLOCK_IO))
        return rpc_fail_verdict(call, PTD_RPC_INTERNAL_ERROR,
                                "ProcessNewBlock, block not accepted: ", c, v);
    return ptd_rpc_fail(call, PTD_RPC_INTERNAL_ERROR,
                        "ProcessNewBlock, block not accepted: %s",
                        ptd_err_text(e));
}

/* The next blocks, at most max: one, if there is something in the pool to go
 * into it. */
static enum ptd_err mine(struct ptd_node_rpc *r, struct ptd_blockchain *c,
                         const struct output *to, struct ptd_hash *made,
                         size_t *n_made, size_t max, uint64_t *tries,
                         struct ptd_block_verdict *v)
{
    struct ptd_relay *relay = ptd_node_relay(r->node);
    struct ptd_mine_job job = { .script = to->script, .script_bytes = to->n };
    struct ptd_pool_place at;
    struct ptd_pool_tx *list;
    const struct ptd_msg **txs;
    enum ptd_err e;

    *n_made = 0;
    ptd_relay_place(relay, &at);
    e = ptd_pool_for_block(ptd_relay_pool(relay), &list, &job.n_txs, &at);
    if (e != PTD_OK)
        return e;
    txs = ptd_alloc_array(job.n_txs, sizeof(const struct ptd_msg *));
    for (size_t i = 0; txs != NULL && i < job.n_txs; i++) {
        txs[i] = list[i].msg;
        job.fees += PTD_MAX(list[i].fee, 0);
    }
    job.txs = txs;
    e = txs == NULL
            ? PTD_ENOMEM
            : ptd_mine_generate(c, made, n_made, v, job.n_txs > 0 ? 1 : max,
                                &job, tries, &r->stopping);
    ptd_free(txs);
    ptd_pool_list_free(list, job.n_txs);
    return e;
}

/* Hashes of the blocks that were made; fewer if the tries were used up, or the
 * node stops. */
static json_t *generate(struct ptd_rpc_call *call, void *arg, int64_t n,
                        const struct output *to, int64_t tries)
{
    struct ptd_node_rpc *r = arg;
    struct ptd_blockchain *c = rpc_chain(call, arg);
    uint64_t left = tries < 0 ? UINT64_MAX : (uint64_t)tries;
    struct ptd_hash made[AT_ONCE];
    json_t *list;

    if (c == NULL || to->script == NULL)
        return NULL;
    list = json_array();
    while (n > 0 && list != NULL) {
        const size_t want = (size_t)PTD_MIN(n, AT_ONCE);
        struct ptd_block_verdict v = { 0 };
        size_t n_made = 0;
        enum ptd_err e = mine(r, c, to, made, &n_made, want, &left, &v);

        for (size_t i = 0; i < n_made; i++)
            ptd_json_append(&list, ptd_json_hash(&made[i]));
        if (e != PTD_OK && e != PTD_ECLOSED) {
            json_decref(list);
            return fail_mining(call, c, e, &v);
        }
        if (n_made == 0)
            break;
        n -= (int64_t)n_made;
    }
    return list;
}

static bool read_counts(struct ptd_rpc_call *call, int64_t *n, int64_t *tries)
{
    *n = 0;
    *tries = PTD_MINE_DEFAULT_TRIES;
    return ptd_rpc_arg_int(call, 0, n, INT32_MIN, INT32_MAX) &&
           ptd_rpc_arg_int(call, 2, tries, INT64_MIN, INT64_MAX);
}

static json_t *generatetoaddress(struct ptd_rpc_call *call, void *arg)
{
    const struct ptd_params *params = ((struct ptd_node_rpc *)arg)->cfg->params;
    const char *address = "";
    struct output to;
    int64_t n, tries;
    json_t *list;

    if (!read_counts(call, &n, &tries) || !ptd_rpc_arg_text(call, 1, &address))
        return NULL;
    if (!output_of_address(&to, params, address))
        return ptd_rpc_fail(call, PTD_RPC_INVALID_ADDRESS_OR_KEY,
                            "Error: Invalid address");
    list = generate(call, arg, n, &to, tries);
    ptd_free(to.script);
    return list;
}

static json_t *generatetodescriptor(struct ptd_rpc_call *call, void *arg)
{
    const struct ptd_params *params = ((struct ptd_node_rpc *)arg)->cfg->params;
    char why[PTD_ADDRESS_WHY_SIZE] = "";
    const char *text = "";
    struct output to;
    int64_t n, tries;
    enum ptd_err e;
    json_t *list;

    if (!read_counts(call, &n, &tries) || !ptd_rpc_arg_text(call, 1, &text))
        return NULL;
    e = ptd_descriptor_decode(&to.script, &to.n, params, text, why);
    if (e == PTD_ENOMEM)
        return NULL;
    if (e != PTD_OK)
        return ptd_rpc_fail(call, PTD_RPC_INVALID_ADDRESS_OR_KEY, "%s", why);
    list = generate(call, arg, n, &to, tries);
    ptd_free(to.script);
    return list;
}

static json_t *generate_is_gone(struct ptd_rpc_call *call, void *arg)
{
    (void)arg;
    return ptd_rpc_fail_usage(call, PTD_RPC_METHOD_NOT_FOUND);
}

/* ---- one block, of given transactions ------------------------------------------- */

static bool read_output(struct ptd_rpc_call *call, struct output *to,
                        const struct ptd_params *params)
{
    const char *text = "";
    enum ptd_err e;

    if (!ptd_rpc_arg_text(call, 0, &text))
        return false;
    e = ptd_descriptor_decode(&to->script, &to->n, params, text, NULL);
    if (e == PTD_EBADVALUE && output_of_address(to, params, text))
        e = to->script != NULL ? PTD_OK : PTD_ENOMEM;
    if (e == PTD_ENOMEM)
        ptd_rpc_fail_memory(call);
    else if (e != PTD_OK)
        ptd_rpc_fail(call, PTD_RPC_INVALID_ADDRESS_OR_KEY,
                     "Error: Invalid address or descriptor");
    return e == PTD_OK;
}

/* NULL: it is no transaction, or has no inputs. */
static struct ptd_msg *tx_from_hex(const char *hex)
{
    struct ptd_msg *m = rpc_tx_from_hex(hex, PTD_ENC_WITNESS);

    if (m == NULL || ((struct ptd_msg_tx *)m)->tx.n_in > 0)
        return m;
    ptd_msg_free(m);
    return NULL;
}

/* From the pool. */
static bool read_txid(struct ptd_rpc_call *call, struct ptd_pool *pool,
                      const struct ptd_hash *txid, struct ptd_msg **out)
{
    char hex[PTD_HASH_HEX_SIZE];
    struct ptd_pool_tx t;

    if (!ptd_pool_find(pool, &t, txid, PTD_POOL_TXID)) {
        ptd_rpc_fail(call, PTD_RPC_INVALID_ADDRESS_OR_KEY,
                     "Transaction %s not in mempool.",
                     ptd_hash_to_hex(txid, hex));
        return false;
    }
    *out = t.msg;
    return true;
}

static bool read_tx(struct ptd_rpc_call *call, struct ptd_pool *pool,
                    const json_t *v, struct ptd_msg **out)
{
    struct ptd_hash txid;
    const char *hex = NULL;

    if (!ptd_rpc_text(call, v, &hex))
        return false;
    if (hex == NULL)
        hex = "";
    if (ptd_hash_from_hex(&txid, hex))
        return read_txid(call, pool, &txid, out);
    if ((*out = tx_from_hex(hex)) == NULL)
        ptd_rpc_fail(call, PTD_RPC_DESERIALIZATION_ERROR,
                     "Transaction decode failed for %s. Make sure the tx has "
                     "at least one input.",
                     hex);
    return !ptd_rpc_has_failed(call);
}

/* Fill out with as many as the argument has, NULL where one is missing. */
static bool read_txs(struct ptd_rpc_call *call, struct ptd_pool *pool,
                     struct ptd_msg **out)
{
    const json_t *list = ptd_rpc_arg(call, 1);

    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_tx(call, pool, json_array_get(list, i), &out[i]))
            return false;
    return true;
}

static json_t *hex_of_block(const struct ptd_msg *block)
{
    const struct ptd_codec cx = { .pver = PTD_PVER_WTXIDRELAY,
                                  .encoding = PTD_ENC_WITNESS };
    enum ptd_err e;
    size_t n = ptd_msg_encoded_bytes(block, &cx, &e);
    uint8_t *raw = n > 0 ? ptd_alloc(n) : NULL;
    json_t *hex = NULL;

    if (raw != NULL && ptd_msg_encode(block, raw, n, &n, &cx) == PTD_OK)
        hex = ptd_json_hex(raw, n);
    ptd_free(raw);
    return hex;
}

/* Search the nonce of a block, and hand it in or over. */
static json_t *finish(struct ptd_rpc_call *call, struct ptd_node_rpc *r,
                      struct ptd_blockchain *c, struct ptd_msg *block,
                      bool submit)
{
    struct ptd_msg_block *b = (struct ptd_msg_block *)block;
    struct ptd_block_verdict v = ptd_blockchain_test_block(c, block);
    uint64_t tries = PTD_MINE_DEFAULT_TRIES;
    struct ptd_block_result res;
    struct ptd_hash hash;
    json_t *o;

    if (v.class != PTD_BLOCK_VALID)
        return rpc_fail_verdict(call, PTD_RPC_VERIFY_ERROR,
                                "TestBlockValidity failed: ", c, &v);
    if (ptd_mine_solve(r->cfg->params, block, &tries, &r->stopping) != PTD_OK)
        return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR, "Failed to make block.");
    if (submit) {
        ptd_blockchain_accept_block(c, &res, block,
                                    PTD_ACCEPT_REQUESTED | PTD_ACCEPT_TRUSTED);
        if (res.verdict.class != PTD_BLOCK_VALID)
            return rpc_fail_verdict(call, PTD_RPC_INTERNAL_ERROR,
                                    "ProcessNewBlock, block not accepted: ", c,
                                    &res.verdict);
    }
    ptd_block_header_hash(&b->header, &hash);
    o = json_object();
    ptd_json_set(&o, "hash", ptd_json_hash(&hash));
    if (!submit)
        ptd_json_set(&o, "hex", hex_of_block(block));
    return o;
}

static json_t *make_block(struct ptd_rpc_call *call, void *arg,
                          const struct output *to, struct ptd_msg *const *txs,
                          size_t n)
{
    const struct ptd_mine_job job = {
        .script = to->script,
        .script_bytes = to->n,
        .txs = (const struct ptd_msg *const *)txs,
        .n_txs = n,
    };
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_msg *block;
    bool submit = true;
    json_t *result;
    enum ptd_err e;

    if (c == NULL || !ptd_rpc_arg_bool(call, 2, &submit))
        return NULL;
    if ((e = ptd_template_new(c, &block, &job)) == PTD_ENOMEM)
        return NULL;
    if (e != PTD_OK)
        return ptd_rpc_fail(call, PTD_RPC_VERIFY_ERROR,
                            "TestBlockValidity failed: bad-blk-length, size "
                            "limits failed");
    result = finish(call, arg, c, block, submit);
    ptd_msg_free(block);
    return result;
}

static json_t *generateblock(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    const size_t n = json_array_size(ptd_rpc_arg(call, 1));
    struct output to = { NULL, 0 };
    struct ptd_msg **txs;
    json_t *result = NULL;

    if (!read_output(call, &to, r->cfg->params))
        return NULL;
    if ((txs = ptd_calloc(n, sizeof(struct ptd_msg *))) != NULL &&
        read_txs(call, ptd_relay_pool(ptd_node_relay(rpc_node(arg))), txs))
        result = make_block(call, arg, &to, txs, n);
    for (size_t i = 0; i < n && txs != NULL; i++)
        ptd_msg_free(txs[i]);
    ptd_free(txs);
    ptd_free(to.script);
    return result;
}

/* ---- the table ------------------------------------------------------------- */

#define TRIES                                                                  \
    PTD_RPC_ARG(NUM, "maxtries", DEFAULT_HINT,                                 \
                "How many hashes to try at most, for all blocks together",     \
                .otherwise = "1000000")
#define HASHES                                                                 \
    PTD_RPC_RESULTS(PTD_RPC_RESULT(                                            \
        ARR, NULL, "hashes of the blocks",                                     \
        .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(HEX, NULL, "blockhash"))))

static const struct ptd_rpc_method methods[] = {
    { .name = "generate",
      .category = "hidden",
      .text = "has been replaced by the -generate cli option. Refer to -help "
              "for more information.",
      .fn = generate_is_gone },
    { .name = "generateblock",
      .category = "hidden",
      .text = "Makes a block of given transactions, in their order.\n"
              "What they spend, and their scripts, are not checked.",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(STR, "output", REQUIRED,
                      "Address or descriptor that gets the coins"),
          PTD_RPC_ARG(ARR, "transactions", REQUIRED,
                      "Transactions: their bytes in hexadecimal, or the ids "
                      "of those in the pool",
                      .inner = PTD_RPC_ARGS(
                          PTD_RPC_ARG(HEX, "rawtx/txid", OMITTED, ""))),
          PTD_RPC_ARG(BOOL, "submit", DEFAULT_HINT,
                      "true: it becomes part of the chain; false: its bytes "
                      "are returned",
                      .otherwise = "true")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          OBJ, NULL, "",
          .inner = PTD_RPC_RESULTS(
              PTD_RPC_RESULT(HEX, "hash", "the block's hash"),
              PTD_RPC_RESULT(HEX, "hex", "its bytes, with submit=false",
                             .optional = true)))),
      .examples =
          PTD_RPC_EXAMPLE_CLI("generateblock", "\"myaddress\" '[\"rawtx\"]'"),
      .fn = generateblock },
    { .name = "generatetoaddress",
      .category = "hidden",
      .text = "Makes blocks whose coins go to an address.",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "nblocks", REQUIRED, "How many blocks"),
          PTD_RPC_ARG(STR, "address", REQUIRED, "Who gets the coins"), TRIES),
      .results = HASHES,
      .examples = PTD_RPC_EXAMPLE_CLI("generatetoaddress", "11 \"myaddress\""),
      .fn = generatetoaddress },
    { .name = "generatetodescriptor",
      .category = "hidden",
      .text = "Makes blocks whose coins go to the script of a descriptor: "
              "addr(ADDRESS) or raw(HEX).",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "num_blocks", REQUIRED, "How many blocks"),
          PTD_RPC_ARG(STR, "descriptor", REQUIRED, "Who gets the coins"),
          TRIES),
      .results = HASHES,
      .examples = PTD_RPC_EXAMPLE_CLI("generatetodescriptor", "11 \"mydesc\""),
      .fn = generatetodescriptor },
};

RPC_TABLE(rpc_generate_methods);
