/* Methods: the state of the chain. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/chain.h"
#include "node/rpc_methods.h"

/* ---- what others need too --------------------------------------------------- */

struct ptd_blockchain *rpc_chain(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = ptd_node_chain(rpc_node(arg));

    if (c == NULL)
        ptd_rpc_fail(call, PTD_RPC_INTERNAL_ERROR, "This node keeps no blocks");
    return c;
}

bool rpc_arg_block(struct ptd_rpc_call *call, size_t i, const char *name,
                   struct ptd_blockchain *c, struct ptd_block_info *out)
{
    struct ptd_hash hash;

    if (!ptd_rpc_arg_hash(call, i, name, &hash))
        return false;
    if (ptd_blockchain_find(c, out, &hash))
        return true;
    ptd_rpc_fail(call, PTD_RPC_INVALID_ADDRESS_OR_KEY, "Block not found");
    return false;
}

json_t *rpc_bits(uint32_t bits)
{
    return json_sprintf("%08" PRIx32, bits);
}

json_t *rpc_target(uint32_t bits)
{
    struct ptd_u256 target;
    char hex[PTD_HASH_HEX_SIZE];

    if (!ptd_u256_from_compact(&target, bits))
        target = ptd_u256_from_u64(0);
    return json_string(ptd_u256_to_hex(&target, hex));
}

/* 0xffff · 256^26 over the target, digit for digit as others compute it. */
json_t *rpc_difficulty(uint32_t bits)
{
    double d = 65535.0 / (double)(bits & 0x00ffffff);
    int shift = (int)(bits >> 24);

    for (; shift < 29; shift++)
        d *= 256.0;
    for (; shift > 29; shift--)
        d /= 256.0;
    return json_real(d);
}

json_t *rpc_work(const struct ptd_u256 *work)
{
    char hex[PTD_HASH_HEX_SIZE];

    return json_string(ptd_u256_to_hex(work, hex));
}

json_t *rpc_fail_verdict(struct ptd_rpc_call *call, enum ptd_rpc_code code,
                         const char *before, struct ptd_blockchain *c,
                         const struct ptd_block_verdict *v)
{
    char trouble[PTD_CHAIN_WHY_SIZE];

    if (v->class == PTD_BLOCK_IO && ptd_blockchain_trouble(c, trouble))
        return ptd_rpc_fail(call, code, "%s%s", before, trouble);
    return ptd_rpc_fail(call, code, "%s%s%s%s", before, v->reason,
                        v->detail[0] != '\0' ? ", " : "", v->detail);
}

/* ---- the tip ---------------------------------------------------------------- */

static json_t *getblockcount(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);

    return c != NULL ? json_integer(ptd_blockchain_height(c)) : NULL;
}

static json_t *getbestblockhash(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_block_info tip;

    if (c == NULL)
        return NULL;
    ptd_blockchain_tip(c, &tip);
    return ptd_json_hash(&tip.header.hash);
}

static json_t *getdifficulty(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_block_info tip;

    if (c == NULL)
        return NULL;
    ptd_blockchain_tip(c, &tip);
    return rpc_difficulty(tip.header.bits);
}

static json_t *getblockhash(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_block_info b;
    int64_t height = 0;

    if (c == NULL || !ptd_rpc_arg_int(call, 0, &height, INT32_MIN, INT32_MAX))
        return NULL;
    if (height < 0 || !ptd_blockchain_at(c, &b, (uint32_t)height))
        return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                            "Block height out of range");
    return ptd_json_hash(&b.header.hash);
}

static void set_pruning(json_t **o, const struct ptd_chain_stats *s)
{
    ptd_json_set(o, "pruned", json_boolean(s->pruned));
    if (!s->pruned)
        return;
    ptd_json_set(o, "pruneheight", json_integer(s->prune_height));
    ptd_json_set(o, "automatic_pruning", json_boolean(s->automatic_prune));
    if (s->automatic_prune)
        ptd_json_set(o, "prune_target_size", rpc_u64(s->prune_bytes));
}

/* Always there: programs that ask a node about coins have to hear of it. */
static json_t *warnings(struct ptd_node_rpc *r)
{
    json_t *list = rpc_warnings(r);

    if (json_is_array(list))
        ptd_json_append(&list,
                        json_string("Scripts, coins and signet's signatures "
                                    "are not verified; this node follows proof "
                                    "of work and checks the structure of "
                                    "blocks"));
    return list;
}

static json_t *getblockchaininfo(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    const struct ptd_params *params = r->cfg->params;
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_chain_stats s;
    struct ptd_block_info t;
    json_t *o;

    if (c == NULL)
        return NULL;
    ptd_blockchain_tip(c, &t);
    ptd_blockchain_stats(c, &s);
    o = json_object();
    ptd_json_set(&o, "chain", json_string(params->name));
    ptd_json_set(&o, "blocks", json_integer(t.header.height));
    ptd_json_set(&o, "headers", json_integer(s.n_headers));
    ptd_json_set(&o, "bestblockhash", ptd_json_hash(&t.header.hash));
    ptd_json_set(&o, "bits", rpc_bits(t.header.bits));
    ptd_json_set(&o, "target", rpc_target(t.header.bits));
    ptd_json_set(&o, "difficulty", rpc_difficulty(t.header.bits));
    ptd_json_set(&o, "time", json_integer(t.header.time));
    ptd_json_set(&o, "mediantime", json_integer(t.header.median_time));
    ptd_json_set(&o, "verificationprogress", json_real(s.progress));
    ptd_json_set(&o, "initialblockdownload", json_boolean(s.initial_download));
    ptd_json_set(&o, "chainwork", rpc_work(&t.header.work));
    ptd_json_set(&o, "size_on_disk", rpc_u64(s.size_on_disk));
    set_pruning(&o, &s);
    if (params->signet_challenge != NULL)
        ptd_json_set(&o, "signet_challenge",
                     ptd_json_hex(params->signet_challenge,
                                  params->signet_challenge_size));
    ptd_json_set(&o, "warnings", warnings(r));
    return o;
}

/* ---- branches --------------------------------------------------------------- */

static json_t *getchaintips(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_chain_tip *v;
    json_t *list;
    size_t n;

    if (c == NULL || ptd_blockchain_tips(c, &v, &n) != PTD_OK)
        return NULL;
    list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        ptd_json_set(&o, "height", json_integer(v[i].height));
        ptd_json_set(&o, "hash", ptd_json_hash(&v[i].hash));
        ptd_json_set(&o, "branchlen", json_integer(v[i].branch_len));
        ptd_json_set(&o, "status",
                     json_string(ptd_tip_status_text(v[i].status)));
        ptd_json_append(&list, o);
    }
    ptd_free(v);
    return list;
}

/* ---- rules ------------------------------------------------------------------ */

/* By the chain's own parameters: -testactivationheight may have changed them.
 */
static json_t *deployments(const struct ptd_params *p, uint32_t height)
{
    const struct {
        const char *name;
        uint32_t height;
    } rules[] = {
        { "bip34", p->bip34_height },   { "bip66", p->bip66_height },
        { "bip65", p->bip65_height },   { "csv", p->csv_height },
        { "segwit", p->segwit_height },
    };
    json_t *all = json_object();

    for (size_t i = 0; i < PTD_COUNT(rules); i++) {
        json_t *rule = json_object();

        ptd_json_set(&rule, "type", json_string("buried"));
        ptd_json_set(&rule, "active",
                     json_boolean(height + 1 >= rules[i].height));
        ptd_json_set(&rule, "height", json_integer(rules[i].height));
        ptd_json_set(&all, rules[i].name, rule);
    }
    return all;
}

static json_t *getdeploymentinfo(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    json_t *o = NULL;
    struct ptd_block_info b;

    if (c == NULL)
        return NULL;
    if (ptd_rpc_arg(call, 0) == NULL)
        ptd_blockchain_tip(c, &b);
    else if (!rpc_arg_block(call, 0, "blockhash", c, &b))
        return NULL;
    o = json_object();
    ptd_json_set(&o, "hash", ptd_json_hash(&b.header.hash));
    ptd_json_set(&o, "height", json_integer(b.header.height));
    ptd_json_set(&o, "script_flags", json_array());
    ptd_json_set(&o, "deployments",
                 deployments(ptd_blockchain_params(c), b.header.height));
    return o;
}

/* ---- transactions in it ------------------------------------------------------ */

/* The block at the end of the window. */
static bool read_window_end(struct ptd_rpc_call *call, struct ptd_blockchain *c,
                            struct ptd_block_info *last)
{
    if (ptd_rpc_arg(call, 1) == NULL) {
        ptd_blockchain_tip(c, last);
        return true;
    }
    if (!rpc_arg_block(call, 1, "blockhash", c, last))
        return false;
    if (!last->active)
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "Block is not in main chain");
    return last->active;
}

static bool read_window_size(struct ptd_rpc_call *call,
                             const struct ptd_params *params, int64_t height,
                             int64_t *n)
{
    const int64_t month = 30 * 24 * 60 * 60 / params->pow_spacing_s;

    *n = PTD_MAX(0, PTD_MIN(month, height - 1));
    if (!ptd_rpc_arg_int(call, 0, n, INT32_MIN, INT32_MAX))
        return false;
    if (*n == 0 || (*n > 0 && *n < height))
        return true;
    ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                 "Invalid block count: should be between 0 and the block's "
                 "height - 1");
    return false;
}

static json_t *getchaintxstats(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct ptd_block_info last, first;
    int64_t n, seconds;
    json_t *o;

    if (c == NULL || !read_window_end(call, c, &last) ||
        !read_window_size(call, r->cfg->params, last.header.height, &n))
        return NULL;
    if (!ptd_blockchain_at(c, &first, last.header.height - (uint32_t)n))
        first = last; /* the chain has changed */
    seconds = (int64_t)last.header.median_time - first.header.median_time;
    o = json_object();
    ptd_json_set(&o, "time", json_integer(last.header.time));
    if (last.chain_tx != 0)
        ptd_json_set(&o, "txcount", rpc_u64(last.chain_tx));
    ptd_json_set(&o, "window_final_block_hash",
                 ptd_json_hash(&last.header.hash));
    ptd_json_set(&o, "window_final_block_height",
                 json_integer(last.header.height));
    ptd_json_set(&o, "window_block_count", json_integer(n));
    if (n == 0)
        return o;
    ptd_json_set(&o, "window_interval", json_integer(seconds));
    if (last.chain_tx != 0 && first.chain_tx != 0) {
        const uint64_t txs = last.chain_tx - first.chain_tx;

        ptd_json_set(&o, "window_tx_count", rpc_u64(txs));
        if (seconds > 0)
            ptd_json_set(&o, "txrate",
                         json_real((double)txs / (double)seconds));
    }
    return o;
}

/* ---- the table ------------------------------------------------------------- */

#define INFO                                                                   \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(STR, "chain",                                           \
                       "the network (main, test, testnet4, signet, regtest)"), \
        PTD_RPC_RESULT(NUM, "blocks",                                          \
                       "the height of the best chain whose blocks are here"),  \
        PTD_RPC_RESULT(NUM, "headers", "the height of the best headers"),      \
        PTD_RPC_RESULT(STR, "bestblockhash", "the hash of the last block"),    \
        PTD_RPC_RESULT(HEX, "bits", "its target in the compact form"),         \
        PTD_RPC_RESULT(HEX, "target", "its target"),                           \
        PTD_RPC_RESULT(NUM, "difficulty", "its difficulty"),                   \
        PTD_RPC_RESULT(TIME, "time", "its time, " RPC_EPOCH),                  \
        PTD_RPC_RESULT(TIME, "mediantime",                                     \
                       "the median of its time and the ten before it"),        \
        PTD_RPC_RESULT(NUM, "verificationprogress",                            \
                       "a guess at how much of the chain is here, 0 to 1; "    \
                       "of it proof of work and the blocks' structure were "   \
                       "checked, not the scripts"),                            \
        PTD_RPC_RESULT(BOOL, "initialblockdownload",                           \
                       "whether the node is still far behind"),                \
        PTD_RPC_RESULT(HEX, "chainwork", "all work in the chain"),             \
        PTD_RPC_RESULT(NUM, "size_on_disk", "bytes of the files of blocks"),   \
        PTD_RPC_RESULT(BOOL, "pruned", "whether old blocks are deleted"),      \
        PTD_RPC_RESULT(NUM, "pruneheight",                                     \
                       "the lowest block that is here (if pruned)",            \
                       .optional = true),                                      \
        PTD_RPC_RESULT(BOOL, "automatic_pruning",                              \
                       "whether that is done by itself (if pruned)",           \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "prune_target_size",                               \
                       "how many bytes are kept (if automatic)",               \
                       .optional = true),                                      \
        PTD_RPC_RESULT(HEX, "signet_challenge",                                \
                       "the network's challenge (on a signet); it is not "     \
                       "checked",                                              \
                       .optional = true),                                      \
        RPC_WARNINGS)

#define TIP                                                                    \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(NUM, "height", "the branch's last block"),              \
        PTD_RPC_RESULT(HEX, "hash", "its hash"),                               \
        PTD_RPC_RESULT(NUM, "branchlen",                                       \
                       "blocks since it left the active chain, 0 for that"),   \
        PTD_RPC_RESULT(STR, "status",                                          \
                       "\"active\": the chain that is followed\n"              \
                       "\"valid-fork\": it was active once\n"                  \
                       "\"valid-headers\": its blocks are here\n"              \
                       "\"headers-only\": they are not, or not all\n"          \
                       "\"invalid\": some block of it is invalid"))

#define DEPLOYMENT                                                             \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(STR, "type", "\"buried\": it is settled by height"),    \
        PTD_RPC_RESULT(BOOL, "active", "whether the next block obeys it"),     \
        PTD_RPC_RESULT(NUM, "height", "the first block that does"))

#define DEPLOYMENTS                                                            \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(STR, "hash", "the block"),                              \
        PTD_RPC_RESULT(NUM, "height", "its height"),                           \
        PTD_RPC_RESULT(                                                        \
            ARR, "script_flags", "rules of scripts: none is run",              \
            .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, NULL, "a rule"))),    \
        PTD_RPC_RESULT(                                                        \
            OBJ_DYN, "deployments", "",                                        \
            .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(                           \
                OBJ, "name", "a change of the rules", .inner = DEPLOYMENT))))

#define TX_STATS                                                               \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(TIME, "time", "of the last block, " RPC_EPOCH),         \
        PTD_RPC_RESULT(NUM, "txcount", "transactions up to there, if known",   \
                       .optional = true),                                      \
        PTD_RPC_RESULT(HEX, "window_final_block_hash", "the last block"),      \
        PTD_RPC_RESULT(NUM, "window_final_block_height", "its height"),        \
        PTD_RPC_RESULT(NUM, "window_block_count", "how many blocks"),          \
        PTD_RPC_RESULT(NUM, "window_interval", "seconds between their times",  \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "window_tx_count", "transactions in them",         \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "txrate", "transactions a second",                 \
                       .optional = true))

#define ANSWER(members)                                                        \
    PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = members))

static const struct ptd_rpc_method methods[] = {
    { .name = "getbestblockhash",
      .category = "blockchain",
      .text = "Returns the hash of the best chain's last block.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(HEX, NULL, "the hash")),
      .examples = PTD_RPC_EXAMPLE("getbestblockhash", "", ""),
      .fn = getbestblockhash },
    { .name = "getblockchaininfo",
      .category = "blockchain",
      .text = "Returns the state of the chain.\n",
      .results = ANSWER(INFO),
      .examples = PTD_RPC_EXAMPLE("getblockchaininfo", "", ""),
      .fn = getblockchaininfo },
    { .name = "getblockcount",
      .category = "blockchain",
      .text = "Returns the height of the best chain whose blocks are here.\n"
              "The genesis block has height 0.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NUM, NULL, "The height")),
      .examples = PTD_RPC_EXAMPLE("getblockcount", "", ""),
      .fn = getblockcount },
    { .name = "getblockhash",
      .category = "blockchain",
      .text = "Returns the hash of a block of the best chain.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "height", REQUIRED, "The block's height")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(HEX, NULL, "The hash")),
      .examples = PTD_RPC_EXAMPLE("getblockhash", "1000", "1000"),
      .fn = getblockhash },
    { .name = "getchaintips",
      .category = "blockchain",
      .text = "Returns the ends of all branches that are known, the active "
              "chain's among them.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          ARR, NULL, "",
          .inner =
              PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = TIP)))),
      .examples = PTD_RPC_EXAMPLE("getchaintips", "", ""),
      .fn = getchaintips },
    { .name = "getchaintxstats",
      .category = "blockchain",
      .text = "Returns how many transactions there are in the chain, and how "
              "many a second.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "nblocks", DEFAULT_HINT, "Of so many blocks",
                      .otherwise = "one month"),
          PTD_RPC_ARG(HEX, "blockhash", DEFAULT_HINT, "Which end with this one",
                      .otherwise = "chain tip")),
      .results = ANSWER(TX_STATS),
      .examples = PTD_RPC_EXAMPLE("getchaintxstats", "2016", "2016"),
      .fn = getchaintxstats },
    { .name = "getdeploymentinfo",
      .category = "blockchain",
      .text = "Returns which changes of the rules hold at a block, of those "
              "that this node checks.",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(HEX, "blockhash", DEFAULT_HINT,
                                       "The block's hash",
                                       .otherwise = "hash of current chain "
                                                    "tip")),
      .results = ANSWER(DEPLOYMENTS),
      .examples = PTD_RPC_EXAMPLE("getdeploymentinfo", "", ""),
      .fn = getdeploymentinfo },
    { .name = "getdifficulty",
      .category = "blockchain",
      .text = "Returns the last block's difficulty, as a multiple of the "
              "lowest.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NUM, NULL, "the difficulty")),
      .examples = PTD_RPC_EXAMPLE("getdifficulty", "", ""),
      .fn = getdifficulty },
};

RPC_TABLE(rpc_chain_methods);
