/* Methods that change the chain by hand, and check or delete its files. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "chain/chain.h"
#include "netsync/netsync.h"
#include "node/rpc_methods.h"

/* ---- branches -------------------------------------------------------- */

typedef enum ptd_err change_fn(struct ptd_blockchain *c,
                               const struct ptd_hash *hash);

static json_t *change(struct ptd_rpc_call *call, void *arg, change_fn *fn)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    char why[PTD_CHAIN_WHY_SIZE] = "";
    struct ptd_block_info b;
    enum ptd_err e;

    if (c == NULL || !rpc_arg_block(call, 0, "blockhash", c, &b))
        return NULL;
    if ((e = fn(c, &b.header.hash)) == PTD_OK)
        return json_null();
    if (e == PTD_ENOMEM)
        return NULL;
    if (e == PTD_EINVAL)
        return ptd_rpc_fail(call, PTD_RPC_DATABASE_ERROR,
                            "The genesis block cannot be changed");
    return ptd_rpc_fail(call, PTD_RPC_DATABASE_ERROR, "%s",
                        ptd_blockchain_trouble(c, why) ? why : ptd_err_text(e));
}

static json_t *invalidateblock(struct ptd_rpc_call *call, void *arg)
{
    return change(call, arg, ptd_blockchain_invalidate);
}

static json_t *reconsiderblock(struct ptd_rpc_call *call, void *arg)
{
    return change(call, arg, ptd_blockchain_reconsider);
}

static json_t *preciousblock(struct ptd_rpc_call *call, void *arg)
{
    return change(call, arg, ptd_blockchain_precious);
}

/* ---- one block ------------------------------------------------------- */

static const char *fetch_text(enum ptd_err e)
{
    static const struct {
        enum ptd_err e;
        const char *text;
    } texts[] = {
        { PTD_ENOTFOUND, "Peer does not exist" },
        { PTD_EREJECTED, "Pre-SegWit peer" },
        { PTD_EEXIST, "Already requested from this peer" },
        { PTD_EAGAIN, "Loading blocks ..." },
    };

    for (size_t i = 0; i < PTD_COUNT(texts); i++)
        if (texts[i].e == e)
            return texts[i].text;
    return "Peer not fully connected";
}

static json_t *getblockfrompeer(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    int64_t peer = 0;
    struct ptd_chain_stats stats;
    struct ptd_block_info b;
    struct ptd_hash hash;
    enum ptd_err e;

    if (c == NULL || !ptd_rpc_arg_hash(call, 0, "blockhash", &hash) ||
        !ptd_rpc_arg_int(call, 1, &peer, INT64_MIN, INT64_MAX))
        return NULL;
    if (!ptd_blockchain_find(c, &b, &hash))
        return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR, "Block header missing");
    ptd_blockchain_stats(c, &stats);
    if (stats.pruned && b.header.height > ptd_blockchain_height(c))
        return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                            "In prune mode, only blocks that the node has "
                            "already synced previously can be fetched from a "
                            "peer");
    if (b.have_block)
        return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                            "Block already downloaded");
    e = ptd_netsync_fetch_from(ptd_node_netsync(rpc_node(arg)), peer, &hash);
    if (e == PTD_ENOMEM)
        return NULL;
    return e == PTD_OK
               ? json_object()
               : ptd_rpc_fail(call, PTD_RPC_MISC_ERROR, "%s", fetch_text(e));
}

/* ---- files ----------------------------------------------------------- */

enum {
    FIRST_TIME = 1000000000,    /* above: a time, no height */
    TIME_WINDOW_S = 2 * 60 * 60 /* a block's time may be so far off */
};

/* The lowest block of the active chain whose time is not before this. */
static bool height_of_time(struct ptd_blockchain *c, int64_t time_s,
                           int64_t *height)
{
    struct ptd_block_info b;

    for (uint32_t h = 0; ptd_blockchain_at(c, &b, h); h++)
        if (b.header.time >= time_s) {
            *height = h;
            return true;
        }
    return false;
}

static bool read_prune_height(struct ptd_rpc_call *call,
                              const struct ptd_node_config *cfg,
                              struct ptd_blockchain *c, uint32_t *out)
{
    const uint32_t tip = ptd_blockchain_height(c);
    int64_t height = 0;

    if (!ptd_rpc_arg_int(call, 0, &height, INT32_MIN, INT32_MAX))
        return false;
    if (height < 0)
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER, "Negative block height.");
    else if (height > FIRST_TIME &&
             !height_of_time(c, height - TIME_WINDOW_S, &height))
        ptd_rpc_fail(
            call, PTD_RPC_INVALID_PARAMETER,
            "Could not find block with at least the specified timestamp.");
    else if (tip < ptd_node_prune_after(cfg))
        ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                     "Blockchain is too short for pruning.");
    else if (height > tip)
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "Blockchain is shorter than the attempted prune height.");
    *out = (uint32_t)height;
    return !ptd_rpc_has_failed(call);
}

static json_t *pruneblockchain(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    struct ptd_blockchain *c = rpc_chain(call, arg);
    char why[PTD_CHAIN_WHY_SIZE] = "";
    uint32_t height;

    if (c == NULL)
        return NULL;
    if (r->cfg->prune_bytes == 0)
        return ptd_rpc_fail(
            call, PTD_RPC_MISC_ERROR,
            "Cannot prune blocks because node is not in prune mode.");
    if (!read_prune_height(call, r->cfg, c, &height))
        return NULL;
    if (ptd_blockchain_prune(c, &height) != PTD_OK)
        return ptd_rpc_fail(call, PTD_RPC_DATABASE_ERROR, "%s",
                            ptd_blockchain_trouble(c, why)
                                ? why
                                : "Files could not be deleted.");
    return json_integer(height == 0 ? -1 : (json_int_t)height);
}

static json_t *verifychain(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    struct ptd_blockchain *c = rpc_chain(call, arg);
    int64_t level = r->cfg->check_level, n = r->cfg->check_blocks;
    char why[PTD_CHAIN_WHY_SIZE];
    enum ptd_err e;

    if (c == NULL || !ptd_rpc_arg_int(call, 0, &level, INT32_MIN, INT32_MAX) ||
        !ptd_rpc_arg_int(call, 1, &n, INT32_MIN, INT32_MAX))
        return NULL;
    level = PTD_MAX(0, PTD_MIN(level, 4));
    e = ptd_blockchain_verify(c, (int)level, n > 0 ? (uint32_t)n : 0,
                              &r->stopping, why);
    return e == PTD_ENOMEM ? NULL : json_boolean(e == PTD_OK);
}

/* ---- the table ------------------------------------------------------- */

#define BLOCK_ARG                                                              \
    PTD_RPC_ARGS(PTD_RPC_ARG(HEX, "blockhash", REQUIRED, "the block's hash"))
#define NOTHING PTD_RPC_RESULTS(PTD_RPC_RESULT(NONE, NULL, ""))

static const struct ptd_rpc_method methods[] = {
    { .name = "getblockfrompeer",
      .category = "blockchain",
      .text = "Asks one peer for a block whose header is known.\n"
              "\nIf others were asked for it, their answers may be ignored. A "
              "peer that does not answer in time is disconnected. A pruned "
              "block may be deleted again soon.\n"
              "\nReturns an empty object once the question is on its way.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(HEX, "blockhash", REQUIRED, "The block's hash"),
          PTD_RPC_ARG(NUM, "peer_id", REQUIRED,
                      "The peer, by its id in getpeerinfo")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "")),
      .examples = PTD_RPC_EXAMPLE("getblockfrompeer", "\"blockhash\" 0",
                                  "\"blockhash\", 0"),
      .fn = getblockfrompeer },
    { .name = "invalidateblock",
      .category = "hidden",
      .text = "Marks a block as invalid, for good: the chain goes on without "
              "it.\n",
      .args = BLOCK_ARG,
      .results = NOTHING,
      .examples =
          PTD_RPC_EXAMPLE("invalidateblock", "\"blockhash\"", "\"blockhash\""),
      .fn = invalidateblock },
    { .name = "preciousblock",
      .category = "blockchain",
      .text = "Treats a block as if it had come before others of as much "
              "work.\n"
              "\nThe last call counts; a restart forgets it.\n",
      .args = BLOCK_ARG,
      .results = NOTHING,
      .examples =
          PTD_RPC_EXAMPLE("preciousblock", "\"blockhash\"", "\"blockhash\""),
      .fn = preciousblock },
    { .name = "pruneblockchain",
      .category = "blockchain",
      .text = "Deletes files of blocks up to a height or a time, as far as "
              "that may be (the last 288 blocks stay).\n"
              "Needs -prune. What was deleted is gone.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "height", REQUIRED,
                      "The height, or " RPC_EPOCH
                      ": blocks that are two hours older than that")),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(NUM, NULL, "The highest block that was deleted")),
      .examples = PTD_RPC_EXAMPLE("pruneblockchain", "1000", "1000"),
      .fn = pruneblockchain },
    { .name = "reconsiderblock",
      .category = "hidden",
      .text = "Takes back that a block is invalid, and what it stands on, and "
              "what stands on it: undoes invalidateblock.\n",
      .args = BLOCK_ARG,
      .results = NOTHING,
      .examples =
          PTD_RPC_EXAMPLE("reconsiderblock", "\"blockhash\"", "\"blockhash\""),
      .fn = reconsiderblock },
    { .name = "verifychain",
      .category = "blockchain",
      .text = "Reads blocks from the disk again, and checks them.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "checklevel", DEFAULT_HINT,
                      "How thoroughly:\n"
                      "- level 0 reads the blocks from disk\n"
                      "- levels 1 to 4 check each block's structure too",
                      .otherwise = "3"),
          PTD_RPC_ARG(NUM, "nblocks", DEFAULT_HINT,
                      "How many, from the last one down; 0: all",
                      .otherwise = "6")),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(BOOL, NULL,
                         "Whether all of them are in order. If not, the log "
                         "says why.")),
      .examples = PTD_RPC_EXAMPLE("verifychain", "", ""),
      .fn = verifychain },
};

RPC_TABLE(rpc_hand_methods);
