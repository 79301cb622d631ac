/* Methods: giving transactions to the network. */
#include <config.h>

#include <stdio.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/check_block.h"
#include "node/rpc_tx.h"
#include "relay/policy.h"
#include "relay/relay.h"

enum { MAX_PACKAGE = 25 };

#define DEFAULT_FEE_RATE (PTD_COIN / 10)

/* ---- arguments ---------------------------------------------------------------- */

/* What a transaction may pay for 1000 virtual bytes; 0: anything. */
static bool arg_fee_rate(struct ptd_rpc_call *call, size_t i, int64_t *rate)
{
    *rate = DEFAULT_FEE_RATE;
    if (!ptd_rpc_arg_amount(call, i, rate))
        return false;
    if (*rate >= PTD_COIN)
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "Fee rates larger than or equal to 1BTC/kvB are not "
                     "accepted");
    return !ptd_rpc_has_failed(call);
}

static int64_t max_fee(const struct ptd_tx *tx, int64_t rate)
{
    size_t weight = ptd_tx_weight(tx);

    return rate == 0 ? -1
                     : policy_fee(rate, (weight + PTD_WITNESS_SCALE - 1) /
                                            PTD_WITNESS_SCALE);
}

/* ---- sendrawtransaction --------------------------------------------------------- */

static bool burns(const struct ptd_tx *tx, int64_t max)
{
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (tx->out[i].value > max &&
            (policy_is_unspendable(&tx->out[i].script) ||
             !policy_has_valid_ops(&tx->out[i].script)))
            return true;
    return false;
}

static json_t *refused(struct ptd_rpc_call *call,
                       const struct ptd_pool_verdict *v)
{
    if (v->class == PTD_POOL_NO_MEMORY)
        return ptd_rpc_fail_memory(call);
    if (v->is_max_fee)
        return ptd_rpc_fail(call, PTD_RPC_VERIFY_ERROR,
                            "Fee exceeds maximum configured by user (e.g. "
                            "-maxtxfee, maxfeerate)");
    return ptd_rpc_fail(call, PTD_RPC_VERIFY_REJECTED, "%s%s%s", v->reason,
                        v->detail[0] != '\0' ? ", " : "", v->detail);
}

static json_t *submit(struct ptd_rpc_call *call, struct ptd_relay *relay,
                      const struct ptd_tx *tx, int64_t rate, int64_t max_burn)
{
    struct ptd_pool_verdict v;

    if (burns(tx, max_burn))
        return ptd_rpc_fail(call, PTD_RPC_VERIFY_ERROR,
                            "Unspendable output exceeds maximum configured by "
                            "user (maxburnamount)");
    ptd_relay_submit(relay, &v, tx, max_fee(tx, rate), 0);
    if (v.class != PTD_POOL_ADDED && v.class != PTD_POOL_KNOWN)
        return refused(call, &v);
    return ptd_json_hash(&v.txid);
}

static json_t *sendrawtransaction(struct ptd_rpc_call *call, void *arg)
{
    const struct ptd_node_rpc *r = arg;
    struct ptd_relay *relay = ptd_node_relay(rpc_node(arg));
    int64_t rate, max_burn = 0;
    const char *hex = "";
    struct ptd_msg *m;
    json_t *result;

    if (!ptd_rpc_arg_text(call, 0, &hex) || !arg_fee_rate(call, 1, &rate) ||
        !ptd_rpc_arg_amount(call, 2, &max_burn))
        return NULL;
    /* Who asked for secrecy must not lose it to what is not there. */
    if (r->cfg->private_broadcast)
        return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                            "-privatebroadcast is set, which this version "
                            "does not offer: the transaction was not sent");
    if ((m = rpc_tx_from_any_hex(hex)) == NULL)
        return ptd_rpc_fail(call, PTD_RPC_DESERIALIZATION_ERROR,
                            "TX decode failed. Make sure the tx has at least "
                            "one input.");
    result = submit(call, relay, rpc_tx_of(m), rate, max_burn);
    ptd_msg_free(m);
    return result;
}

/* ---- testmempoolaccept ------------------------------------------------------------ */

static json_t *fees_of(const struct ptd_pool_verdict *v)
{
    json_t *o = json_object(), *list = json_array();

    ptd_json_append(&list, ptd_json_hash(&v->wtxid));
    ptd_json_set(&o, "base", ptd_json_amount(v->fee));
    ptd_json_set(&o, "effective-feerate",
                 ptd_json_amount(v->fee * 1000 / v->vsize));
    ptd_json_set(&o, "effective-includes", list);
    return o;
}

static json_t *verdict(const struct ptd_pool_verdict *v)
{
    const bool allowed = v->class == PTD_POOL_ADDED;
    char details[128];
    json_t *o = json_object();

    ptd_json_set(&o, "txid", ptd_json_hash(&v->txid));
    ptd_json_set(&o, "wtxid", ptd_json_hash(&v->wtxid));
    ptd_json_set(&o, "allowed", json_boolean(allowed));
    if (allowed) {
        ptd_json_set(&o, "vsize", json_integer(v->vsize));
        if (v->fee >= 0)
            ptd_json_set(&o, "fees", fees_of(v));
        return o;
    }
    ptd_json_set(&o, "reject-reason", json_string(v->reason));
    snprintf(details, sizeof details, "%s%s%s", v->reason,
             v->detail[0] != '\0' ? ", " : "", v->detail);
    if (!v->is_max_fee)
        ptd_json_set(&o, "reject-details", json_string(details));
    return o;
}

/* Each for itself: one that spends another of the list is told without knowing
 * that one. */
static json_t *test_one(struct ptd_rpc_call *call, struct ptd_relay *relay,
                        const json_t *text, int64_t rate)
{
    struct ptd_pool_verdict v;
    const char *hex = "";
    struct ptd_msg *m;

    if (!ptd_rpc_text(call, text, &hex))
        return NULL;
    if ((m = rpc_tx_from_any_hex(hex)) == NULL)
        return ptd_rpc_fail(call, PTD_RPC_DESERIALIZATION_ERROR,
                            "TX decode failed: %.1000s Make sure the tx has at "
                            "least one input.",
                            hex);
    ptd_relay_submit(relay, &v, rpc_tx_of(m), max_fee(rpc_tx_of(m), rate),
                     PTD_POOL_TEST);
    ptd_msg_free(m);
    return v.class != PTD_POOL_NO_MEMORY ? verdict(&v) : NULL;
}

static json_t *testmempoolaccept(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_relay *relay = ptd_node_relay(rpc_node(arg));
    const json_t *texts = ptd_rpc_arg(call, 0);
    const size_t n = json_array_size(texts);
    json_t *list = json_array();
    int64_t rate;

    if (n < 1 || n > MAX_PACKAGE)
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "Array must contain between 1 and %d transactions.",
                     MAX_PACKAGE);
    else if (arg_fee_rate(call, 1, &rate))
        for (size_t i = 0; i < n && !ptd_rpc_has_failed(call); i++)
            ptd_json_append(
                &list, test_one(call, relay, json_array_get(texts, i), rate));
    if (!ptd_rpc_has_failed(call))
        return list;
    json_decref(list);
    return NULL;
}

/* ---- the table ------------------------------------------------------------- */

#define FEE_RATE(text)                                                         \
    PTD_RPC_ARG(AMOUNT, "maxfeerate", DEFAULT_HINT,                            \
                text " that pays more than this for 1000 virtual bytes, in "   \
                     "BTC, where it can be told what it pays; 0: any fee\n"    \
                     "Fee rates of 1BTC/kvB and more are refused.",            \
                .otherwise = "0.10")

#define VERDICT                                                                \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(HEX, "txid", "The transaction's id"),                   \
        PTD_RPC_RESULT(HEX, "wtxid", "Its hash with the witness"),             \
        PTD_RPC_RESULT(STR, "package-error", "Why they do not fit together",   \
                       .optional = true),                                      \
        PTD_RPC_RESULT(BOOL, "allowed", "Whether it would be taken",           \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "vsize", "Virtual bytes, if it would be taken",    \
                       .optional = true),                                      \
        PTD_RPC_RESULT(                                                        \
            OBJ, "fees",                                                       \
            "If it would be taken, and it is known what it spends",            \
            .inner = PTD_RPC_RESULTS(                                          \
                PTD_RPC_RESULT(AMOUNT, "base", "The fee, in BTC"),             \
                PTD_RPC_RESULT(AMOUNT, "effective-feerate", "In BTC/kvB"),     \
                PTD_RPC_RESULT(ARR, "effective-includes", "Itself",            \
                               .inner = PTD_RPC_RESULTS(                       \
                                   PTD_RPC_RESULT(HEX, NULL,                   \
                                                  "Its hash with the "         \
                                                  "witness")))),               \
            .optional = true),                                                 \
        PTD_RPC_RESULT(STR, "reject-reason", "Why it would not be taken",      \
                       .optional = true),                                      \
        PTD_RPC_RESULT(STR, "reject-details", "The same, and more of it",      \
                       .optional = true))

static const struct ptd_rpc_method methods[] = {
    { .name = "sendrawtransaction",
      .category = "rawtransactions",
      .text =
          "Puts a transaction into the pool and announces it to peers, again "
          "and again until it is in a block or a peer announces it back.\n"
          "Its form is checked; whether the coins that it spends exist, and "
          "whether it may spend them, is not. It takes the place of others "
          "in the pool that spend the same coins.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(HEX, "hexstring", REQUIRED, "Its bytes in hexadecimal"),
          FEE_RATE("Refuse one"),
          PTD_RPC_ARG(AMOUNT, "maxburnamount", DEFAULT_HINT,
                      "Refuse one with an output of more than this, in BTC, "
                      "that can never be spent",
                      .otherwise = "0.00")),
      .results =
          PTD_RPC_RESULTS(PTD_RPC_RESULT(HEX, NULL, "The transaction's id")),
      .examples = PTD_RPC_EXAMPLE("sendrawtransaction", "\"signedhex\"",
                                  "\"signedhex\""),
      .fn = sendrawtransaction },
    { .name = "testmempoolaccept",
      .category = "rawtransactions",
      .text = "Says whether transactions would get into the pool, each for "
              "itself, as far as that can be told without knowing the coins "
              "that they spend.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(ARR, "rawtxs", REQUIRED, "Transactions in hexadecimal",
                      .inner = PTD_RPC_ARGS(
                          PTD_RPC_ARG(HEX, "rawtx", OMITTED, "One of them"))),
          FEE_RATE("Refuse those")),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(ARR, NULL, "In the same order",
                         .inner = PTD_RPC_RESULTS(
                             PTD_RPC_RESULT(OBJ, NULL, "", .inner = VERDICT)))),
      .examples = PTD_RPC_EXAMPLE("testmempoolaccept", "'[\"signedhex\"]'",
                                  "[\"signedhex\"]"),
      .fn = testmempoolaccept },
};

RPC_TABLE(rpc_sendtx_methods);
