/* Methods: transactions that wait for a block. */
#include <config.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/datadir.h"
#include "node/rpc_methods.h"
#include "relay/policy.h"
#include "relay/relay.h"

static struct ptd_pool *pool_of(void *arg)
{
    return ptd_relay_pool(ptd_node_relay(rpc_node(arg)));
}

/* ---- the whole ---------------------------------------------------------------- */

enum { MAX_CLUSTER_VBYTES = 101000, INCREMENT = 100 };

/* It counts as loaded once blocks were read from files: that is what scripts
 * wait for. */
static json_t *getmempoolinfo(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_pool *pool = pool_of(arg);
    const struct ptd_pool_config *cfg = ptd_pool_config(pool);
    struct ptd_pool_info info;
    json_t *o = json_object();

    (void)call;
    ptd_pool_info(pool, &info);
    ptd_json_set(&o, "loaded",
                 json_boolean(!ptd_node_is_loading(rpc_node(arg))));
    ptd_json_set(&o, "size", rpc_u64(info.n));
    ptd_json_set(&o, "bytes", rpc_u64(info.vbytes));
    ptd_json_set(&o, "usage", rpc_u64(info.memory));
    ptd_json_set(&o, "total_fee", ptd_json_amount(info.fees));
    ptd_json_set(&o, "maxmempool", rpc_u64(cfg->max_bytes));
    ptd_json_set(&o, "mempoolminfee", ptd_json_amount(cfg->min_fee_rate));
    ptd_json_set(&o, "minrelaytxfee", ptd_json_amount(cfg->min_fee_rate));
    ptd_json_set(&o, "incrementalrelayfee", ptd_json_amount(INCREMENT));
    ptd_json_set(&o, "unbroadcastcount", rpc_u64(info.n_unbroadcast));
    ptd_json_set(&o, "fullrbf", json_true());
    ptd_json_set(&o, "permitbaremultisig", json_true());
    ptd_json_set(&o, "maxdatacarriersize", json_integer(POLICY_MAX_DATA));
    ptd_json_set(&o, "limitclustercount", json_integer(PTD_POOL_MAX_CLUSTER));
    ptd_json_set(&o, "limitclustersize", json_integer(MAX_CLUSTER_VBYTES));
    ptd_json_set(&o, "optimal", json_true());
    return o;
}

/* ---- one of them -------------------------------------------------------------- */

static json_t *hashes(const struct ptd_hash *list, size_t n)
{
    json_t *a = json_array();

    for (size_t i = 0; i < n; i++)
        ptd_json_append(&a, ptd_json_hash(&list[i]));
    return a;
}

/* NULL is left out: there is a fee that is not known. */
static json_t *fees_of(const struct ptd_pool_tx *t,
                       const struct ptd_pool_family *f)
{
    json_t *o = json_object();

    ptd_json_set(&o, "base", ptd_json_amount(t->fee));
    ptd_json_set(&o, "modified", ptd_json_amount(t->fee));
    if (f->ancestor_fees >= 0)
        ptd_json_set(&o, "ancestor", ptd_json_amount(f->ancestor_fees));
    if (f->descendant_fees >= 0)
        ptd_json_set(&o, "descendant", ptd_json_amount(f->descendant_fees));
    ptd_json_set(&o, "chunk", ptd_json_amount(t->fee));
    return o;
}

/* BIP 125 */
static bool is_replaceable(const struct ptd_tx *tx)
{
    enum { LAST = 2 }; /* of the highest sequence numbers, how many say no */

    for (uint32_t i = 0; i < tx->n_in; i++)
        if (tx->in[i].sequence <= UINT32_MAX - LAST)
            return true;
    return false;
}

static json_t *describe(struct ptd_pool *pool, const struct ptd_pool_tx *t)
{
    /* What is gone meanwhile stands alone. */
    struct ptd_pool_family f = { .n_ancestors = 1, .n_descendants = 1 };
    json_t *o = json_object();

    if (!ptd_pool_family(pool, &f, &t->txid))
        f.ancestor_bytes = f.descendant_bytes = t->vsize;
    ptd_json_set(&o, "vsize", json_integer(t->vsize));
    ptd_json_set(&o, "weight", json_integer(t->weight));
    ptd_json_set(&o, "time", json_integer(t->time_s));
    ptd_json_set(&o, "height", json_integer(t->height));
    ptd_json_set(&o, "descendantcount", json_integer(f.n_descendants));
    ptd_json_set(&o, "descendantsize", rpc_u64(f.descendant_bytes));
    ptd_json_set(&o, "ancestorcount", json_integer(f.n_ancestors));
    ptd_json_set(&o, "ancestorsize", rpc_u64(f.ancestor_bytes));
    ptd_json_set(&o, "wtxid", ptd_json_hash(&t->wtxid));
    ptd_json_set(&o, "chunkweight", json_integer(t->weight));
    if (t->fee >= 0)
        ptd_json_set(&o, "fees", fees_of(t, &f));
    ptd_json_set(&o, "depends", hashes(f.parents, f.n_parents));
    ptd_json_set(&o, "spentby", hashes(f.children, f.n_children));
    ptd_json_set(&o, "bip125-replaceable",
                 json_boolean(is_replaceable(ptd_pool_tx_of(t))));
    ptd_json_set(&o, "unbroadcast", json_boolean(t->unbroadcast));
    return o;
}

static json_t *getmempoolentry(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_pool *pool = pool_of(arg);
    struct ptd_hash txid;
    struct ptd_pool_tx t;
    json_t *o;

    if (!ptd_rpc_arg_hash(call, 0, "txid", &txid))
        return NULL;
    if (!ptd_pool_find(pool, &t, &txid, PTD_POOL_TXID))
        return ptd_rpc_fail(call, PTD_RPC_INVALID_ADDRESS_OR_KEY,
                            "Transaction not in mempool");
    o = describe(pool, &t);
    ptd_msg_free(t.msg);
    return o;
}

/* ---- all of them -------------------------------------------------------------- */

static json_t *txids_of(const struct ptd_pool_tx *list, size_t n)
{
    json_t *a = json_array();

    for (size_t i = 0; i < n; i++)
        ptd_json_append(&a, ptd_json_hash(&list[i].txid));
    return a;
}

static json_t *by_txid(struct ptd_pool *pool, const struct ptd_pool_tx *list,
                       size_t n)
{
    char hex[PTD_HASH_HEX_SIZE];
    json_t *o = json_object();

    for (size_t i = 0; i < n; i++)
        ptd_json_set(&o, ptd_hash_to_hex(&list[i].txid, hex),
                     describe(pool, &list[i]));
    return o;
}

static json_t *getrawmempool(struct ptd_rpc_call *call, void *arg)
{
    bool verbose = false, with_sequence = false;
    struct ptd_pool *pool = pool_of(arg);
    struct ptd_pool_tx *list;
    uint64_t sequence;
    json_t *o;
    size_t n;

    if (!ptd_rpc_arg_bool(call, 0, &verbose) ||
        !ptd_rpc_arg_bool(call, 1, &with_sequence))
        return NULL;
    if (verbose && with_sequence)
        return ptd_rpc_fail(
            call, PTD_RPC_INVALID_PARAMETER,
            "Verbose results cannot contain mempool sequence values.");
    sequence = ptd_pool_sequence(pool);
    if (ptd_pool_list(pool, &list, &n) != PTD_OK)
        return NULL;
    if (verbose) {
        o = by_txid(pool, list, n);
    } else if (!with_sequence) {
        o = txids_of(list, n);
    } else {
        o = json_object();
        ptd_json_set(&o, "txids", txids_of(list, n));
        ptd_json_set(&o, "mempool_sequence", rpc_u64(sequence));
    }
    ptd_pool_list_free(list, n);
    return o;
}

/* ---- on disk -------------------------------------------------------------------- */

static json_t *savemempool(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    char *path = ptd_path_join(r->cfg->netdir, "mempool.dat");
    json_t *o = NULL;
    enum ptd_err e = PTD_ENOMEM;

    if (path != NULL)
        e = ptd_pool_save(pool_of(arg), path);
    if (e == PTD_OK) {
        o = json_object();
        ptd_json_set(&o, "filename", rpc_text(path));
    } else if (e != PTD_ENOMEM) {
        ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                     "Unable to dump mempool to disk");
    }
    ptd_free(path);
    return o;
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
        PTD_RPC_RESULT(AMOUNT, "total_fee",                                    \
                       "Their fees, in BTC, as far as known"),                 \
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

#define FEES                                                                   \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(AMOUNT, "base", "The fee, in BTC"),                     \
        PTD_RPC_RESULT(AMOUNT, "modified", "The same"),                        \
        PTD_RPC_RESULT(AMOUNT, "ancestor",                                     \
                       "With those of all that it stands on, if known",        \
                       .optional = true),                                      \
        PTD_RPC_RESULT(AMOUNT, "descendant",                                   \
                       "With those of all that stand on it, if known",         \
                       .optional = true),                                      \
        PTD_RPC_RESULT(AMOUNT, "chunk", "The fee"))

#define ENTRY                                                                  \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(NUM, "vsize", "Virtual bytes"),                         \
        PTD_RPC_RESULT(NUM, "weight", "Weight"),                               \
        PTD_RPC_RESULT(TIME, "time", "When it came, " RPC_EPOCH),              \
        PTD_RPC_RESULT(NUM, "height", "Height of the chain then"),             \
        PTD_RPC_RESULT(NUM, "descendantcount",                                 \
                       "Transactions that stand on it, and it"),               \
        PTD_RPC_RESULT(NUM, "descendantsize", "Their virtual bytes"),          \
        PTD_RPC_RESULT(NUM, "ancestorcount",                                   \
                       "Transactions that it stands on, and it"),              \
        PTD_RPC_RESULT(NUM, "ancestorsize", "Their virtual bytes"),            \
        PTD_RPC_RESULT(NUM, "chunkweight", "Weight"),                          \
        PTD_RPC_RESULT(HEX, "wtxid", "Its hash with the witness"),             \
        PTD_RPC_RESULT(OBJ, "fees",                                            \
                       "Where the coins that it spends are known: those of "   \
                       "transactions in the pool",                             \
                       .inner = FEES, .optional = true),                       \
        PTD_RPC_RESULT(ARR, "depends", "Those in the pool that it spends",     \
                       .inner = TXIDS),                                        \
        PTD_RPC_RESULT(ARR, "spentby", "Those in the pool that spend it",      \
                       .inner = TXIDS),                                        \
        PTD_RPC_RESULT(BOOL, "bip125-replaceable",                             \
                       "Whether it says that it may be replaced"),             \
        PTD_RPC_RESULT(BOOL, "unbroadcast",                                    \
                       "Whether it is ours, and nobody has asked for it yet"))

static const struct ptd_rpc_method methods[] = {
    { .name = "getmempoolentry",
      .category = "blockchain",
      .text = "Returns what is known of a transaction in the pool.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(HEX, "txid", REQUIRED, "The transaction's id")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = ENTRY)),
      .examples =
          PTD_RPC_EXAMPLE("getmempoolentry", "\"mytxid\"", "\"mytxid\""),
      .fn = getmempoolentry },
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
                         .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
                             OBJ, "transactionid", "", .inner = ENTRY))),
          PTD_RPC_RESULT(OBJ, NULL, "",
                         .when =
                             "for verbose = false and mempool_sequence = true",
                         .inner = PTD_RPC_RESULTS(
                             PTD_RPC_RESULT(ARR, "txids", "", .inner = TXIDS),
                             PTD_RPC_RESULT(NUM, "mempool_sequence",
                                            "The number of the last change")))),
      .examples = PTD_RPC_EXAMPLE("getrawmempool", "true", "true"),
      .fn = getrawmempool },
    { .name = "savemempool",
      .category = "blockchain",
      .text = "Writes the pool to mempool.dat, as is done when Pentad ends.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          OBJ, NULL, "",
          .inner =
              PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, "filename", "The file")))),
      .examples = PTD_RPC_EXAMPLE("savemempool", "", ""),
      .fn = savemempool },
};

RPC_TABLE(rpc_pool_methods);
