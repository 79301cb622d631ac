/* scantxoutset: a chain's unspent outputs of some scripts, without a set of
 * coins. */
#include <config.h>

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "chain/scan.h"
#include "chain/script_addr.h"
#include "node/rpc_methods.h"
#include "rpc/json.h"

/* ---- what is looked for ---------------------------------------------------- */

struct wanted {
    struct ptd_scan_script *script; /* each of ptd_alloc() */
    size_t n;
};

static void wanted_fini(struct wanted *w)
{
    for (size_t i = 0; i < w->n; i++)
        ptd_free((void *)(uintptr_t)w->script[i].p);
    ptd_free(w->script);
}

/* A text, or an object with one. NULL: the call has failed. */
static const char *descriptor_of(struct ptd_rpc_call *call, const json_t *v)
{
    const json_t *desc = v;

    if (ptd_json_is(v, PTD_JSON_OBJECT)) {
        desc = json_object_get(v, "desc");
        if (!ptd_json_is(desc, PTD_JSON_STRING))
            return (void)ptd_rpc_fail(
                       call, PTD_RPC_INVALID_PARAMETER,
                       "Descriptor needs to be provided in scan object"),
                   NULL;
    }
    if (!ptd_json_is(desc, PTD_JSON_STRING))
        return (void)ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                                  "Scan object needs to be either a string or "
                                  "an object"),
               NULL;
    return json_string_value(desc);
}

/* False: the call has failed. */
static bool read_wanted(struct ptd_rpc_call *call, struct wanted *w,
                        const struct ptd_params *params)
{
    const json_t *list = ptd_rpc_arg(call, 1);
    const size_t n = json_array_size(list);

    w->script = ptd_calloc(PTD_MAX(n, 1), sizeof *w->script);
    for (size_t i = 0; w->script != NULL && i < n; i++) {
        const char *text = descriptor_of(call, json_array_get(list, i));
        char why[PTD_ADDRESS_WHY_SIZE];
        uint8_t *script;
        enum ptd_err e;

        if (text == NULL)
            return false;
        e = ptd_descriptor_decode(&script, &w->script[i].n, params, text, why);
        if (e == PTD_OK) {
            w->script[i].p = script;
            w->n++;
            continue;
        }
        if (e != PTD_ENOMEM)
            ptd_rpc_fail(call, PTD_RPC_INVALID_ADDRESS_OR_KEY, "%s", why);
        return false;
    }
    return w->script != NULL;
}

/* ---- what was found -------------------------------------------------------- */

static json_t *
coin_json(const struct ptd_scan_result *res, const struct ptd_scan_coin *coin,
          const struct ptd_scan_script *script, const struct ptd_params *params,
          struct ptd_blockchain *c)
{
    json_t *o = json_object();
    struct ptd_header_info at;

    ptd_json_set(&o, "txid", ptd_json_hash(&coin->txid));
    ptd_json_set(&o, "vout", json_integer(coin->index));
    ptd_json_set(&o, "scriptPubKey", ptd_json_hex(script->p, script->n));
    ptd_json_set(&o, "desc",
                 rpc_script_descriptor(params, script->p, script->n));
    ptd_json_set(&o, "amount", ptd_json_amount(coin->value));
    ptd_json_set(&o, "coinbase", json_boolean(coin->coinbase));
    ptd_json_set(&o, "height", json_integer(coin->height));
    if (ptd_headers_ancestor(ptd_blockchain_headers(c), &at,
                             &res->tip.header.hash, coin->height))
        ptd_json_set(&o, "blockhash", ptd_json_hash(&at.hash));
    ptd_json_set(
        &o, "confirmations",
        json_integer((json_int_t)res->tip.header.height - coin->height + 1));
    return o;
}

static json_t *result_json(const struct ptd_scan_result *res, bool success,
                           const struct wanted *w,
                           const struct ptd_params *params,
                           struct ptd_blockchain *c)
{
    json_t *o = json_object(), *list = json_array();
    int64_t total = 0;

    for (size_t i = 0; i < res->n; i++) {
        const struct ptd_scan_coin *coin = &res->coin[i];

        ptd_json_append(
            &list, coin_json(res, coin, &w->script[coin->script], params, c));
        total += coin->value;
    }
    ptd_json_set(&o, "success", json_boolean(success));
    ptd_json_set(&o, "txouts", rpc_u64(res->n_outputs));
    ptd_json_set(&o, "height", json_integer(res->tip.header.height));
    ptd_json_set(&o, "bestblock", ptd_json_hash(&res->tip.header.hash));
    ptd_json_set(&o, "unspents", list);
    ptd_json_set(&o, "total_amount", ptd_json_amount(total));
    return o;
}

/* ---- one at a time --------------------------------------------------------- */

static bool reserve(struct ptd_node_rpc *r)
{
    bool is = false;

    if (!atomic_compare_exchange_strong(&r->scan_runs, &is, true))
        return false;
    atomic_store(&r->scan_percent, 0);
    atomic_store(&r->scan_stop, false);
    /* The node may have begun to stop in between. */
    if (atomic_load(&r->stopping))
        atomic_store(&r->scan_stop, true);
    return true;
}

static json_t *run(struct ptd_rpc_call *call, struct ptd_node_rpc *r,
                   struct ptd_blockchain *c, const struct wanted *w)
{
    struct ptd_scan_result res;
    enum ptd_err e = ptd_blockchain_scan(c, &res, w->script, w->n,
                                         &r->scan_stop, &r->scan_percent);
    json_t *o = NULL;

    if (e == PTD_OK || e == PTD_ECLOSED)
        o = result_json(&res, e == PTD_OK, w, r->cfg->params, c);
    else if (e == PTD_EEMPTY)
        ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                     "Block not available (pruned data)");
    else if (e != PTD_ENOMEM)
        ptd_rpc_fail(call, PTD_RPC_DATABASE_ERROR,
                     "Can't read block from disk");
    ptd_free(res.coin);
    return o;
}

static json_t *start(struct ptd_rpc_call *call, struct ptd_node_rpc *r)
{
    struct ptd_blockchain *c = rpc_chain(call, r);
    struct wanted w = { 0 };
    json_t *o = NULL;

    if (c == NULL)
        return NULL;
    if (!reserve(r))
        return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                            "Scan already in progress, use action \"abort\" or "
                            "\"status\"");
    if (ptd_rpc_arg(call, 1) == NULL)
        ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                     "scanobjects argument is required for the start action");
    else if (read_wanted(call, &w, r->cfg->params))
        o = run(call, r, c, &w);
    wanted_fini(&w);
    atomic_store(&r->scan_runs, false);
    return o;
}

static json_t *scantxoutset(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    const char *action = "";
    json_t *o;

    if (!ptd_rpc_arg_text(call, 0, &action))
        return NULL;
    if (strcmp(action, "start") == 0)
        return start(call, r);
    if (strcmp(action, "abort") == 0) {
        atomic_store(&r->scan_stop, true);
        return json_boolean(atomic_load(&r->scan_runs));
    }
    if (strcmp(action, "status") != 0)
        return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                            "Invalid action '%s'", action);
    if (!atomic_load(&r->scan_runs))
        return json_null();
    o = json_object();
    ptd_json_set(&o, "progress", json_integer(atomic_load(&r->scan_percent)));
    return o;
}

/* ---- the table ------------------------------------------------------------- */

static const struct ptd_rpc_method methods[] = {
    { .name = "scantxoutset",
      .category = "blockchain",
      .text =
          "Looks for unspent outputs of some scripts.\n"
          "\nNo set of coins is kept: all blocks are read from the first to "
          "the last, which takes as long as the disk takes. Nothing may be "
          "pruned.\n"
          "\nScripts are given as descriptors: addr(ADDRESS) or "
          "raw(HEX).\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(STR, "action", REQUIRED,
                      "\"start\"; \"abort\": end the scan that runs, and tell "
                      "whether there was one; \"status\": how far it is"),
          PTD_RPC_ARG(
              ARR, "scanobjects", OMITTED,
              "What to look for; needed for \"start\" alone. A descriptor, or "
              "an object with one:",
              .inner = PTD_RPC_ARGS(
                  PTD_RPC_ARG(STR, "descriptor", OMITTED, "A descriptor"),
                  PTD_RPC_ARG(
                      OBJ, "", OMITTED, "An object with one",
                      .inner = PTD_RPC_ARGS(
                          PTD_RPC_ARG(STR, "desc", REQUIRED, "A descriptor"),
                          PTD_RPC_ARG(RANGE, "range", OMITTED,
                                      "Without meaning here")))),
              .oneline = "[scanobjects,...]")),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(
              OBJ, NULL, "", .when = "when action=='start'",
              .inner = PTD_RPC_RESULTS(
                  PTD_RPC_RESULT(BOOL, "success", "false: it was ended early"),
                  PTD_RPC_RESULT(NUM, "txouts",
                                 "how many outputs are unspent in all"),
                  PTD_RPC_RESULT(NUM, "height", "the last block's height"),
                  PTD_RPC_RESULT(HEX, "bestblock", "its hash"),
                  PTD_RPC_RESULT(
                      ARR, "unspents", "what was found",
                      .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
                          OBJ, NULL, "",
                          .inner = PTD_RPC_RESULTS(
                              PTD_RPC_RESULT(HEX, "txid", ""),
                              PTD_RPC_RESULT(NUM, "vout", ""),
                              PTD_RPC_RESULT(HEX, "scriptPubKey", ""),
                              PTD_RPC_RESULT(STR, "desc", "its descriptor"),
                              PTD_RPC_RESULT(AMOUNT, "amount", ""),
                              PTD_RPC_RESULT(BOOL, "coinbase",
                                             "whether a coinbase made it"),
                              PTD_RPC_RESULT(NUM, "height",
                                             "of the block that made it"),
                              PTD_RPC_RESULT(HEX, "blockhash", "its hash"),
                              PTD_RPC_RESULT(NUM, "confirmations", ""))))),
                  PTD_RPC_RESULT(AMOUNT, "total_amount", "of what was found"))),
          PTD_RPC_RESULT(BOOL, NULL, "whether a scan was running",
                         .when = "when action=='abort'"),
          PTD_RPC_RESULT(OBJ, NULL, "",
                         .when = "when action=='status' and one runs",
                         .inner = PTD_RPC_RESULTS(
                             PTD_RPC_RESULT(NUM, "progress", "in percent"))),
          PTD_RPC_RESULT(NONE, NULL, "",
                         .when = "when action=='status' and none runs")),
      .examples = PTD_RPC_EXAMPLE("scantxoutset", "start '[\"raw(51)\"]'",
                                  "\"start\", [\"raw(51)\"]"),
      .fn = scantxoutset },
};

RPC_TABLE(rpc_scan_methods);
