/* Methods that wait for a block. */
#include <config.h>

#include "base/util.h"
#include "chain/chain.h"
#include "node/rpc_methods.h"

/* What a call waits for. */
struct wait {
    bool (*is_met)(const struct wait *w, const struct ptd_block_info *tip);
    struct ptd_hash hash;
    int64_t height;
};

static bool is_other(const struct wait *w, const struct ptd_block_info *tip)
{
    return !ptd_hash_eq(&w->hash, &tip->header.hash);
}

static bool is_block(const struct wait *w, const struct ptd_block_info *tip)
{
    return ptd_hash_eq(&w->hash, &tip->header.hash);
}

static bool is_high(const struct wait *w, const struct ptd_block_info *tip)
{
    return tip->header.height >= w->height;
}

/* Until the tip changes; false: the time is up, or the node stops. */
static bool wait_for_change(struct ptd_rpc_call *call, struct ptd_chan *changed,
                            int64_t deadline_us)
{
    enum { CHANGED, QUIT, N };
    struct ptd_case on[N] = {
        [CHANGED] = PTD_RECV(changed, NULL),
        [QUIT] = PTD_RECV(ptd_rpc_quit(call), NULL),
    };

    return ptd_select(on, N, NULL, deadline_us) == CHANGED;
}

/* The tip that meets it, or that there is when the time is up: by the system's
 * clock, since it is a caller's patience. */
static json_t *wait_for(struct ptd_rpc_call *call, struct ptd_blockchain *c,
                        const struct wait *w, int64_t timeout_ms)
{
    const int64_t deadline_us =
        timeout_ms > 0 ? ptd_clock_now_us(NULL) + timeout_ms * 1000 : PTD_NEVER;
    struct ptd_block_info tip;
    bool goes_on = true;
    json_t *o;

    if (!ptd_rpc_wait_begin(call))
        return NULL;
    do {
        struct ptd_chan *changed = ptd_blockchain_tip_event(c);

        if (changed == NULL) {
            ptd_rpc_wait_end(call);
            return NULL;
        }
        ptd_blockchain_tip(c, &tip);
        if (w->is_met(w, &tip))
            goes_on = false;
        else if (!wait_for_change(call, changed, deadline_us))
            goes_on = false;
        ptd_chan_free(changed);
    } while (goes_on);
    ptd_rpc_wait_end(call);
    o = json_object();
    ptd_json_set(&o, "hash", ptd_json_hash(&tip.header.hash));
    ptd_json_set(&o, "height", json_integer(tip.header.height));
    return o;
}

static bool read_timeout(struct ptd_rpc_call *call, size_t i, int64_t *ms)
{
    *ms = 0;
    if (!ptd_rpc_arg_int(call, i, ms, INT32_MIN, INT32_MAX))
        return false;
    if (*ms < 0)
        ptd_rpc_fail(call, PTD_RPC_MISC_ERROR, "Negative timeout");
    return *ms >= 0;
}

static json_t *waitfornewblock(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct wait w = { .is_met = is_other };
    struct ptd_block_info tip;
    int64_t ms;

    if (c == NULL || !read_timeout(call, 0, &ms))
        return NULL;
    ptd_blockchain_tip(c, &tip);
    w.hash = tip.header.hash;
    if (ptd_rpc_arg(call, 1) != NULL &&
        !ptd_rpc_arg_hash(call, 1, "current_tip", &w.hash))
        return NULL;
    return wait_for(call, c, &w, ms);
}

static json_t *waitforblock(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct wait w = { .is_met = is_block };
    int64_t ms;

    if (c == NULL || !ptd_rpc_arg_hash(call, 0, "blockhash", &w.hash) ||
        !read_timeout(call, 1, &ms))
        return NULL;
    return wait_for(call, c, &w, ms);
}

static json_t *waitforblockheight(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_blockchain *c = rpc_chain(call, arg);
    struct wait w = { .is_met = is_high };
    int64_t ms;

    if (c == NULL ||
        !ptd_rpc_arg_int(call, 0, &w.height, INT32_MIN, INT32_MAX) ||
        !read_timeout(call, 1, &ms))
        return NULL;
    return wait_for(call, c, &w, ms);
}

/* ---- the table ------------------------------------------------------------- */

#define TIP                                                                    \
    PTD_RPC_RESULTS(PTD_RPC_RESULT(                                            \
        OBJ, NULL, "",                                                         \
        .inner = PTD_RPC_RESULTS(                                              \
            PTD_RPC_RESULT(HEX, "hash", "The last block's hash"),              \
            PTD_RPC_RESULT(NUM, "height", "Its height"))))
#define TIMEOUT                                                                \
    PTD_RPC_ARG(NUM, "timeout", DEFAULT_HINT,                                  \
                "Milliseconds to wait at most; 0: as long as it takes",        \
                .otherwise = "0")
#define ENDS                                                                   \
    "\nReturns the last block when the time is up, or the node stops.\n"       \
    "\nThe client's own patience counts too (pentad-cli "                      \
    "-rpcclienttimeout=0)."

static const struct ptd_rpc_method methods[] = {
    { .name = "waitforblock",
      .category = "blockchain",
      .text = "Waits until a certain block is the last one.\n" ENDS,
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(HEX, "blockhash", REQUIRED, "The block's hash"), TIMEOUT),
      .results = TIP,
      .examples = PTD_RPC_EXAMPLE("waitforblock", "\"blockhash\" 1000",
                                  "\"blockhash\", 1000"),
      .fn = waitforblock },
    { .name = "waitforblockheight",
      .category = "blockchain",
      .text = "Waits until the chain has at least a certain height.\n" ENDS,
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "height", REQUIRED, "The height"),
                           TIMEOUT),
      .results = TIP,
      .examples =
          PTD_RPC_EXAMPLE("waitforblockheight", "100 1000", "100, 1000"),
      .fn = waitforblockheight },
    { .name = "waitfornewblock",
      .category = "blockchain",
      .text = "Waits until the last block is another one.\n" ENDS,
      .args = PTD_RPC_ARGS(TIMEOUT,
                           PTD_RPC_ARG(HEX, "current_tip", OMITTED,
                                       "Other than this; not given: than the "
                                       "one there is now")),
      .results = TIP,
      .examples = PTD_RPC_EXAMPLE("waitfornewblock", "1000", "1000"),
      .fn = waitfornewblock },
};

RPC_TABLE(rpc_wait_methods);
