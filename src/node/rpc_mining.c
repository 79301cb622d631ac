/* Methods for miners. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/util.h"
#include "chain/blockfile.h"
#include "chain/mine.h"
#include "node/datadir.h"
#include "node/rpc_methods.h"
#include "relay/relay.h"
#include "rpc/json.h"
#include "wire/codec.h"

/* ---- hashes a second ------------------------------------------------------------ */

double rpc_hashes_per_s(struct ptd_blockchain *c,
                        const struct ptd_block_info *last, uint32_t n_blocks)
{
    const uint32_t height = last->header.height;
    const uint32_t n = PTD_MIN(n_blocks, height);
    uint32_t earliest = last->header.time, latest = earliest;
    struct ptd_u256 work = last->header.work;
    struct ptd_block_info b;

    for (uint32_t i = 1; i <= n; i++) {
        if (!ptd_blockchain_at(c, &b, height - i))
            return 0; /* the chain has changed */
        earliest = PTD_MIN(earliest, b.header.time);
        latest = PTD_MAX(latest, b.header.time);
        if (i == n)
            (void)ptd_u256_sub(&work, &b.header.work);
    }
    return n == 0 || earliest == latest
               ? 0
               : ptd_u256_to_double(&work) / (double)(latest - earliest);
}

static json_t *getnetworkhashps(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    struct ptd_blockchain *c = rpc_chain(call, arg);
    int64_t n = 120, height = -1;
    struct ptd_block_info b;

    if (c == NULL || !ptd_rpc_arg_int(call, 0, &n, INT32_MIN, INT32_MAX) ||
        !ptd_rpc_arg_int(call, 1, &height, INT32_MIN, INT32_MAX))
        return NULL;
    if (n < -1 || n == 0)
        return ptd_rpc_fail(
            call, PTD_RPC_INVALID_PARAMETER,
            "Invalid nblocks. Must be a positive number or -1.");
    if (height == -1)
        ptd_blockchain_tip(c, &b);
    else if (height < -1 || !ptd_blockchain_at(c, &b, (uint32_t)height))
        return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                            "Block does not exist at specified height");
    if (n == -1) /* since the difficulty changed */
        n = b.header.height % ptd_params_retarget_interval(r->cfg->params) + 1;
    return json_real(rpc_hashes_per_s(c, &b, (uint32_t)n));
}

static json_t *next_block(struct ptd_blockchain *c)
{
    struct ptd_template_info t;
    json_t *o = json_object();

    ptd_template_info(c, &t);
    ptd_json_set(&o, "height", json_integer(t.height));
    ptd_json_set(&o, "bits", rpc_bits(t.bits));
    ptd_json_set(&o, "difficulty", rpc_difficulty(t.bits));
    ptd_json_set(&o, "target", rpc_target(t.bits));
    return o;
}

static void set_challenge(json_t **o, const struct ptd_params *params)
{
    if (params->signet_challenge != NULL)
        ptd_json_set(o, "signet_challenge",
                     ptd_json_hex(params->signet_challenge,
                                  params->signet_challenge_size));
}

static json_t *getmininginfo(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_pool_info pool;
    struct ptd_block_info t;
    json_t *o;

    if (c == NULL)
        return NULL;
    ptd_blockchain_tip(c, &t);
    ptd_pool_info(ptd_relay_pool(ptd_node_relay(r->node)), &pool);
    o = json_object();
    ptd_json_set(&o, "blocks", json_integer(t.header.height));
    ptd_json_set(&o, "bits", rpc_bits(t.header.bits));
    ptd_json_set(&o, "difficulty", rpc_difficulty(t.header.bits));
    ptd_json_set(&o, "target", rpc_target(t.header.bits));
    ptd_json_set(&o, "networkhashps", json_real(rpc_hashes_per_s(c, &t, 120)));
    ptd_json_set(&o, "pooledtx", rpc_u64(pool.n));
    ptd_json_set(&o, "blockmintxfee", ptd_json_amount(1));
    ptd_json_set(&o, "chain", json_string(r->cfg->params->name));
    ptd_json_set(&o, "next", next_block(c));
    set_challenge(&o, r->cfg->params);
    ptd_json_set(&o, "warnings", rpc_warnings(r));
    return o;
}

/* ---- handing in ----------------------------------------------------------------- */

/* Decode the bytes of a hexadecimal text; what is left behind the block is
 * passed over, as others do. */
static enum ptd_err block_from_hex(struct ptd_msg **out, const char *hex)
{
    const struct ptd_codec cx = { .pver = PTD_PVER_WTXIDRELAY,
                                  .encoding = PTD_ENC_WITNESS };
    const size_t cap = strlen(hex) / 2;
    uint8_t *raw = ptd_alloc(cap);
    enum ptd_err e = PTD_EINVAL;
    size_t n;

    if (raw == NULL)
        return PTD_ENOMEM;
    if (ptd_hex_decode(raw, cap, &n, hex))
        e = ptd_msg_decode(out, PTD_MSG_BLOCK, raw, n, &cx, NULL);
    ptd_free(raw);
    return e;
}

/* A coinbase that commits to witnesses has one itself, 32 zeros unless it was
 * said otherwise: clients of old leave it out. BIP 141. */
static enum ptd_err complete(struct ptd_msg **m, struct ptd_blockchain *c)
{
    static const uint8_t zeros[PTD_HASH_BYTES];
    struct ptd_msg_block *b = (struct ptd_msg_block *)*m;
    struct ptd_block_info prev;
    struct ptd_hash commitment;
    struct ptd_bytes *item;

    if (b->n_tx == 0 || b->tx[0].n_in == 0 || b->tx[0].in[0].n_witness > 0 ||
        !ptd_block_witness_commitment(b, &commitment) ||
        !ptd_blockchain_find(c, &prev, &b->header.prev) ||
        prev.header.height + 1 < ptd_blockchain_params(c)->segwit_height)
        return PTD_OK;
    if ((item = ptd_msg_alloc(*m, 1, sizeof *item)) == NULL)
        return PTD_ENOMEM;
    *item = (struct ptd_bytes){ zeros, sizeof zeros };
    b->tx[0].in[0].witness = item;
    b->tx[0].in[0].n_witness = 1;
    b->tx[0].has_witness = true;
    b->tx[0].raw = b->raw = (struct ptd_bytes){ NULL, 0 }; /* no longer so */
    return PTD_OK;
}

/* BIP 22: null, or why it is refused. */
static json_t *bip22(struct ptd_rpc_call *call, struct ptd_blockchain *c,
                     const struct ptd_block_verdict *v)
{
    switch (v->class) {
    case PTD_BLOCK_VALID: return json_null();
    case PTD_BLOCK_NO_MEMORY: return NULL;
    case PTD_BLOCK_IO:
        return rpc_fail_verdict(call, PTD_RPC_VERIFY_ERROR, "", c, v);
    case PTD_BLOCK_MUTATED:
    case PTD_BLOCK_INVALID:
    case PTD_BLOCK_KNOWN_BAD:
    case PTD_BLOCK_BAD_PREV:
    case PTD_BLOCK_MISSING_PREV:
    case PTD_BLOCK_TIME_FUTURE:
    case PTD_BLOCK_LOW_WORK: break;
    }
    return json_string(v->reason[0] != '\0' ? v->reason : "rejected");
}

static json_t *submitblock(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_block_result res;
    struct ptd_msg *m;
    const char *hex = "";
    enum ptd_err e;

    if (c == NULL || !ptd_rpc_arg_text(call, 0, &hex))
        return NULL;
    if ((e = block_from_hex(&m, hex)) == PTD_ENOMEM)
        return NULL;
    if (e != PTD_OK)
        return ptd_rpc_fail(call, PTD_RPC_DESERIALIZATION_ERROR,
                            "Block decode failed");
    if ((e = complete(&m, c)) == PTD_OK)
        ptd_blockchain_accept_block(c, &res, m,
                                    PTD_ACCEPT_REQUESTED | PTD_ACCEPT_TRUSTED);
    ptd_msg_free(m);
    if (e != PTD_OK)
        return NULL;
    if (res.verdict.class != PTD_BLOCK_VALID)
        ptd_node_check_branches(rpc_node(arg));
    if (res.verdict.class == PTD_BLOCK_VALID && !res.is_new)
        return json_string("duplicate");
    if (res.verdict.class == PTD_BLOCK_VALID && !res.new_tip)
        return json_string("inconclusive");
    return bip22(call, c, &res.verdict);
}

/* The first bytes; whole blocks are welcome too. */
static bool header_from_hex(uint8_t raw[PTD_HEADER_BYTES], const char *hex)
{
    size_t n_digits = strlen(hex), n;
    char head[2 * PTD_HEADER_BYTES + 1];

    if (n_digits < 2 * PTD_HEADER_BYTES || n_digits % 2 != 0 ||
        hex[strspn(hex, "0123456789abcdefABCDEF")] != '\0')
        return false;
    memcpy(head, hex, 2 * PTD_HEADER_BYTES);
    head[2 * PTD_HEADER_BYTES] = '\0';
    return ptd_hex_decode(raw, PTD_HEADER_BYTES, &n, head);
}

static json_t *submitheader(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_block_verdict v;
    struct ptd_headers_result res;
    uint8_t raw[PTD_HEADER_BYTES];
    char prev[PTD_HASH_HEX_SIZE];
    struct ptd_block_header h;
    struct ptd_block_info b;
    const char *hex = "";

    if (c == NULL || !ptd_rpc_arg_text(call, 0, &hex))
        return NULL;
    if (!header_from_hex(raw, hex))
        return ptd_rpc_fail(call, PTD_RPC_DESERIALIZATION_ERROR,
                            "Block header decode failed");
    ptd_block_header_decode(&h, raw);
    if (!ptd_blockchain_find(c, &b, &h.prev))
        return ptd_rpc_fail(call, PTD_RPC_VERIFY_ERROR,
                            "Must submit previous header (%s) first",
                            ptd_hash_to_hex(&h.prev, prev));
    v = ptd_header_err_verdict(
        ptd_blockchain_add_headers(c, &res, raw, 1, PTD_FROM_TRUSTED));
    if (v.class == PTD_BLOCK_VALID)
        return json_null();
    if (v.class == PTD_BLOCK_NO_MEMORY)
        return NULL;
    return ptd_rpc_fail(call, PTD_RPC_VERIFY_ERROR, "%s", v.reason);
}

/* ---- templates -------------------------------------------------------------------- */

static json_t *propose(struct ptd_rpc_call *call, struct ptd_blockchain *c,
                       const json_t *request)
{
    const json_t *data = json_object_get(request, "data");
    struct ptd_block_verdict v;
    struct ptd_block_info b;
    struct ptd_hash hash;
    struct ptd_msg *m;
    enum ptd_err e;

    if (!ptd_json_is(data, PTD_JSON_STRING))
        return ptd_rpc_fail(call, PTD_RPC_TYPE_ERROR,
                            "Missing data String key for proposal");
    if ((e = block_from_hex(&m, json_string_value(data))) == PTD_ENOMEM)
        return NULL;
    if (e != PTD_OK)
        return ptd_rpc_fail(call, PTD_RPC_DESERIALIZATION_ERROR,
                            "Block decode failed");
    ptd_block_header_hash(&((struct ptd_msg_block *)m)->header, &hash);
    v = ptd_blockchain_test_block(c, m);
    ptd_msg_free(m);
    if (!ptd_blockchain_find(c, &b, &hash))
        return bip22(call, c, &v);
    return json_string(b.invalid  ? "duplicate-invalid"
                       : b.linked ? "duplicate"
                                  : "duplicate-inconclusive");
}

static bool has_rule(const json_t *request, const char *name)
{
    const json_t *rules = json_object_get(request, "rules");

    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *v = json_array_get(rules, i);

        if (ptd_json_is(v, PTD_JSON_STRING) &&
            strcmp(json_string_value(v), name) == 0)
            return true;
    }
    return false;
}

/* Is it time for a template? */
static bool may_mine(struct ptd_rpc_call *call, struct ptd_node_rpc *r,
                     struct ptd_blockchain *c)
{
    const enum ptd_chain chain = r->cfg->params->chain;

    if (chain != PTD_CHAIN_MAIN)
        return true;
    if (ptd_node_n_peers(r->node, PTD_NODE_ALL) == 0)
        ptd_rpc_fail(call, PTD_RPC_CLIENT_NOT_CONNECTED,
                     PTD_CLIENT_NAME " is not connected!");
    else if (ptd_blockchain_is_initial_download(c))
        ptd_rpc_fail(call, PTD_RPC_CLIENT_IN_INITIAL_DOWNLOAD,
                     PTD_CLIENT_NAME
                     " is in initial sync and waiting for blocks...");
    return !ptd_rpc_has_failed(call);
}

static bool rules_are_right(struct ptd_rpc_call *call, struct ptd_node_rpc *r,
                            const json_t *request)
{
    if (r->cfg->params->signet_challenge != NULL &&
        !has_rule(request, "signet"))
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "getblocktemplate must be called with the signet rule set "
                     "(call with {\"rules\": [\"segwit\", \"signet\"]})");
    else if (!has_rule(request, "segwit"))
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "getblocktemplate must be called with the segwit rule set "
                     "(call with {\"rules\": [\"segwit\"]})");
    return !ptd_rpc_has_failed(call);
}

enum { ID_DIGITS = 2 * PTD_HASH_BYTES }; /* of a longpollid that count */

/* BIP 22: wait until the last block is another than the client knows; there
 * is no pool that could change a template. False: the call has failed. */
static bool wait_for_change(struct ptd_rpc_call *call, struct ptd_blockchain *c,
                            const char *id)
{
    char digits[PTD_HASH_HEX_SIZE] = "";
    struct ptd_block_info tip;
    struct ptd_hash known;
    bool is_same = true, stops = false;

    snprintf(digits, sizeof digits, "%s", id);
    if (!ptd_hash_from_hex(&known, digits)) {
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "longpollid must be of length %d (not %zu, for '%s')",
                     ID_DIGITS, strlen(digits), digits);
        return false;
    }
    while (is_same && !stops) {
        struct ptd_chan *changed = ptd_blockchain_tip_event(c);
        struct ptd_case on[] = { PTD_RECV(changed, NULL),
                                 PTD_RECV(ptd_rpc_quit(call), NULL) };

        if (changed == NULL) {
            ptd_rpc_fail_memory(call);
            return false;
        }
        ptd_blockchain_tip(c, &tip);
        is_same = ptd_hash_eq(&known, &tip.header.hash);
        stops = is_same && ptd_select(on, 2, NULL, PTD_NEVER) == 1;
        ptd_chan_free(changed);
    }
    if (stops)
        ptd_rpc_fail(call, PTD_RPC_CLIENT_NOT_CONNECTED, "Shutting down");
    return !stops;
}

static bool long_poll(struct ptd_rpc_call *call, struct ptd_blockchain *c,
                      const char *id)
{
    bool is_other;

    if (!ptd_rpc_wait_begin(call))
        return false;
    is_other = wait_for_change(call, c, id);
    ptd_rpc_wait_end(call);
    return is_other;
}

static json_t *texts(const char *const *v)
{
    json_t *list = json_array();

    for (; *v != NULL; v++)
        ptd_json_append(&list, json_string(*v));
    return list;
}

static json_t *rules_of(const struct ptd_params *params,
                        const struct ptd_template_info *t)
{
    json_t *list = json_array();

    ptd_json_append(&list, json_string("csv"));
    if (t->has_witness)
        ptd_json_append(&list, json_string("!segwit"));
    if (params->signet_challenge != NULL)
        ptd_json_append(&list, json_string("!signet"));
    ptd_json_append(&list, json_string("taproot"));
    return list;
}

static void set_limits(json_t **o, const struct ptd_template_info *t)
{
    const int scale = t->has_witness ? 1 : PTD_WITNESS_SCALE;

    ptd_json_set(o, "sigoplimit",
                 json_integer(PTD_MAX_BLOCK_SIGOPS_COST / scale));
    ptd_json_set(o, "sizelimit", json_integer(PTD_BLOCK_MAX_BYTES / scale));
    if (t->has_witness)
        ptd_json_set(o, "weightlimit", json_integer(PTD_MAX_BLOCK_WEIGHT));
}

/* The script of the output that commits to the witnesses of no transactions
 * but the coinbase. */
static json_t *commitment(struct ptd_blockchain *c)
{
    static const uint8_t anyone[] = { 0x51 };
    const struct ptd_mine_job job = { .script = anyone,
                                      .script_bytes = sizeof anyone };
    const struct ptd_msg_block *b;
    struct ptd_msg *m;
    json_t *hex = NULL;

    if (ptd_template_new(c, &m, &job) != PTD_OK)
        return NULL;
    b = (const struct ptd_msg_block *)m;
    if (b->tx[0].n_out > 1)
        hex = ptd_json_hex(b->tx[0].out[1].script.p, b->tx[0].out[1].script.n);
    ptd_msg_free(m);
    return hex;
}

static json_t *template_to_json(struct ptd_node_rpc *r,
                                struct ptd_blockchain *c)
{
    static const char *const can[] = { "proposal", NULL };
    static const char *const may_change[] = { "time", "transactions",
                                              "prevblock", NULL };
    const struct ptd_params *params = r->cfg->params;
    struct ptd_template_info t;
    json_t *o = json_object();

    ptd_template_info(c, &t);
    ptd_json_set(&o, "capabilities", texts(can));
    ptd_json_set(&o, "version", json_integer(PTD_MINE_VERSION));
    ptd_json_set(&o, "rules", rules_of(params, &t));
    ptd_json_set(&o, "vbavailable", json_object());
    ptd_json_set(&o, "vbrequired", json_integer(0));
    ptd_json_set(&o, "previousblockhash", ptd_json_hash(&t.prev));
    ptd_json_set(&o, "transactions", json_array());
    ptd_json_set(&o, "coinbaseaux", json_object());
    ptd_json_set(&o, "coinbasevalue", json_integer(t.subsidy));
    ptd_json_set(&o, "longpollid", ptd_json_hash(&t.prev));
    ptd_json_set(&o, "target", rpc_target(t.bits));
    ptd_json_set(&o, "mintime", json_integer(t.min_time));
    ptd_json_set(&o, "mutable", texts(may_change));
    ptd_json_set(&o, "noncerange", json_string("00000000ffffffff"));
    set_limits(&o, &t);
    ptd_json_set(&o, "curtime", json_integer(t.time));
    ptd_json_set(&o, "bits", rpc_bits(t.bits));
    ptd_json_set(&o, "height", json_integer(t.height));
    set_challenge(&o, params);
    if (t.has_witness)
        ptd_json_set(&o, "default_witness_commitment", commitment(c));
    return o;
}

static json_t *getblocktemplate(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    struct ptd_blockchain *c = rpc_chain(call, arg);
    const json_t *request = ptd_rpc_arg(call, 0);
    const json_t *mode = json_object_get(request, "mode");
    const json_t *id = json_object_get(request, "longpollid");
    const char *name = "template";

    if (c == NULL)
        return NULL;
    if (ptd_json_is(mode, PTD_JSON_STRING))
        name = json_string_value(mode);
    else if (!ptd_json_is(mode, PTD_JSON_NULL))
        name = "";
    if (strcmp(name, "proposal") == 0)
        return propose(call, c, request);
    if (strcmp(name, "template") != 0)
        return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER, "Invalid mode");
    if (!may_mine(call, r, c) ||
        (ptd_json_is(id, PTD_JSON_STRING) &&
         !long_poll(call, c, json_string_value(id))) ||
        !rules_are_right(call, r, request))
        return NULL;
    return template_to_json(r, c);
}

/* ---- the table ------------------------------------------------------------- */

#define BITS_MEMBERS                                                           \
    PTD_RPC_RESULT(HEX, "bits", "its target in the compact form"),             \
        PTD_RPC_RESULT(NUM, "difficulty", "its difficulty"),                   \
        PTD_RPC_RESULT(HEX, "target", "its target")
#define CHALLENGE                                                              \
    PTD_RPC_RESULT(HEX, "signet_challenge",                                    \
                   "the network's challenge (on a signet)", .optional = true)

#define MINING_INFO                                                            \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(NUM, "blocks", "the last block's height"),              \
        BITS_MEMBERS,                                                          \
        PTD_RPC_RESULT(NUM, "networkhashps", "hashes a second, of all"),       \
        PTD_RPC_RESULT(NUM, "pooledtx", "transactions that wait"),             \
        PTD_RPC_RESULT(AMOUNT, "blockmintxfee",                                \
                       "lowest fee rate of transactions in a block"),          \
        PTD_RPC_RESULT(STR, "chain",                                           \
                       "the network (main, test, testnet4, signet, regtest)"), \
        PTD_RPC_RESULT(                                                        \
            OBJ, "next", "The next block",                                     \
            .inner = PTD_RPC_RESULTS(                                          \
                PTD_RPC_RESULT(NUM, "height", "its height"), BITS_MEMBERS)),   \
        CHALLENGE, RPC_WARNINGS)

#define TEXTS(name, what)                                                      \
    PTD_RPC_RESULT(ARR, name, what,                                            \
                   .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, NULL, "")))

#define TEMPLATE                                                               \
    PTD_RPC_RESULTS(                                                           \
        TEXTS("capabilities", "what the node can do besides"),                 \
        PTD_RPC_RESULT(NUM, "version", "the block's version"),                 \
        TEXTS("rules", "rules that it has to obey"),                           \
        PTD_RPC_RESULT(OBJ, "vbavailable", "changes that it may signal"),      \
        PTD_RPC_RESULT(NUM, "vbrequired", "bits of the version to be set"),    \
        PTD_RPC_RESULT(STR, "previousblockhash", "the block before it"),       \
        PTD_RPC_RESULT(ARR, "transactions", "transactions for it: none",       \
                       .inner =                                                \
                           PTD_RPC_RESULTS(PTD_RPC_RESULT(ANY, NULL, NULL))),  \
        PTD_RPC_RESULT(OBJ, "coinbaseaux", "data for its first input"),        \
        PTD_RPC_RESULT(NUM, "coinbasevalue", "its new coins, in satoshi"),     \
        PTD_RPC_RESULT(STR, "longpollid", "to be given with the next call"),   \
        PTD_RPC_RESULT(STR, "target", "its target"),                           \
        PTD_RPC_RESULT(TIME, "mintime", "the earliest time that it may have"), \
        TEXTS("mutable", "what the miner may change"),                         \
        PTD_RPC_RESULT(HEX, "noncerange", "nonces that may be tried"),         \
        PTD_RPC_RESULT(NUM, "sigoplimit", "signature operations at most"),     \
        PTD_RPC_RESULT(NUM, "sizelimit", "bytes at most"),                     \
        PTD_RPC_RESULT(NUM, "weightlimit", "weight at most",                   \
                       .optional = true),                                      \
        PTD_RPC_RESULT(TIME, "curtime", "the time, " RPC_EPOCH),               \
        PTD_RPC_RESULT(STR, "bits", "its target in the compact form"),         \
        PTD_RPC_RESULT(NUM, "height", "its height"), CHALLENGE,                \
        PTD_RPC_RESULT(STR, "default_witness_commitment",                      \
                       "the script that commits to no witnesses",              \
                       .optional = true))

#define REQUEST                                                                \
    PTD_RPC_ARGS(                                                              \
        PTD_RPC_ARG(STR, "mode", OMITTED,                                      \
                    "\"template\", or \"proposal\": check data"),              \
        PTD_RPC_ARG(ARR, "capabilities", OMITTED, "not looked at",             \
                    .inner =                                                   \
                        PTD_RPC_ARGS(PTD_RPC_ARG(STR, "str", OMITTED, ""))),   \
        PTD_RPC_ARG(ARR, "rules", REQUIRED, "rules that the client knows",     \
                    .inner = PTD_RPC_ARGS(                                     \
                        PTD_RPC_ARG(STR, "segwit", REQUIRED, "needed"),        \
                        PTD_RPC_ARG(STR, "str", OMITTED, "others"))),          \
        PTD_RPC_ARG(STR, "longpollid", OMITTED,                                \
                    "of the last answer: wait until there is another"),        \
        PTD_RPC_ARG(HEX, "data", OMITTED, "the block to be checked"))

static const struct ptd_rpc_method methods[] = {
    { .name = "getblocktemplate",
      .category = "mining",
      .text = "Returns what a miner needs to make the next block, or checks a "
              "block (BIPs 22, 23, 9, 145).\n"
              "The block has no transactions but its own: the node has no "
              "fees to choose by.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(OBJ, "template_request", REQUIRED,
                                       "What is asked for", .inner = REQUEST)),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(NONE, NULL, "",
                         .when = "If the proposal was accepted with "
                                 "mode=='proposal'"),
          PTD_RPC_RESULT(STR, NULL, "Why not (BIP 22)",
                         .when = "If the proposal was not accepted with "
                                 "mode=='proposal'"),
          PTD_RPC_RESULT(OBJ, NULL, "", .when = "Otherwise",
                         .inner = TEMPLATE)),
      .examples =
          PTD_RPC_EXAMPLE("getblocktemplate", "'{\"rules\": [\"segwit\"]}'",
                          "{\"rules\": [\"segwit\"]}"),
      .fn = getblocktemplate },
    { .name = "getmininginfo",
      .category = "mining",
      .text = "Returns what concerns mining.",
      .results =
          PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = MINING_INFO)),
      .examples = PTD_RPC_EXAMPLE("getmininginfo", "", ""),
      .fn = getmininginfo },
    { .name = "getnetworkhashps",
      .category = "mining",
      .text = "Returns how many hashes a second all miners together seem to "
              "try, by the work and the times of the last blocks.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "nblocks", DEFAULT_HINT,
                      "By so many blocks; -1: since the difficulty changed",
                      .otherwise = "120"),
          PTD_RPC_ARG(NUM, "height", DEFAULT_HINT,
                      "As of this block; -1: the last one", .otherwise = "-1")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NUM, NULL, "Hashes a second")),
      .examples = PTD_RPC_EXAMPLE("getnetworkhashps", "", ""),
      .fn = getnetworkhashps },
    { .name = "submitblock",
      .category = "mining",
      .text = "Hands in a block (BIP 22).\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(HEX, "hexdata", REQUIRED, "its bytes in hexadecimal"),
          PTD_RPC_ARG(STR, "dummy", DEFAULT_HINT,
                      "not looked at; BIP 22 has it", .otherwise = "ignored")),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(NONE, NULL, "", .when = "If the block was accepted"),
          PTD_RPC_RESULT(STR, NULL, "Why not (BIP 22)", .when = "Otherwise")),
      .examples = PTD_RPC_EXAMPLE("submitblock", "\"mydata\"", "\"mydata\""),
      .fn = submitblock },
    { .name = "submitheader",
      .category = "mining",
      .text = "Hands in a block's header: it is kept if it is valid.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(HEX, "hexdata", REQUIRED, "its 80 bytes in hexadecimal")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NONE, NULL, "None")),
      .examples = PTD_RPC_EXAMPLE("submitheader", "\"aabbcc\"", "\"aabbcc\""),
      .fn = submitheader },
};

RPC_TABLE(rpc_mining_methods);
