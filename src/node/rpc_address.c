/* Methods: addresses, indexes. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "chain/opcode.h"
#include "chain/script_addr.h"
#include "node/rpc_methods.h"

/* ---- addresses ------------------------------------------------------------------ */

enum { PROGRAM_AT = 2 };

static json_t *describe(const struct ptd_params *params,
                        const struct ptd_script *s)
{
    char address[PTD_ADDRESS_SIZE];
    const bool is_witness =
        s->n > PROGRAM_AT &&
        (s->b[0] == 0 || (s->b[0] >= OP_1 && s->b[0] < OP_1 + 16)) &&
        s->b[1] == s->n - PROGRAM_AT;
    const int version = s->b[0] == 0 ? 0 : s->b[0] - OP_1 + 1;
    const size_t n_program = s->n - PROGRAM_AT;
    json_t *o = json_object();

    (void)ptd_address_encode(address, params, s->b, s->n);
    ptd_json_set(&o, "isvalid", json_true());
    ptd_json_set(&o, "address", json_string(address));
    ptd_json_set(&o, "scriptPubKey", ptd_json_hex(s->b, s->n));
    if (!is_witness) {
        ptd_json_set(&o, "isscript", json_boolean(s->b[0] == OP_HASH160));
        ptd_json_set(&o, "iswitness", json_false());
        return o;
    }
    if (version > 1 || (version == 1 && n_program == 32) || version == 0)
        ptd_json_set(&o, "isscript",
                     json_boolean(version >= 1 || n_program == 32));
    ptd_json_set(&o, "iswitness", json_true());
    ptd_json_set(&o, "witness_version", json_integer(version));
    ptd_json_set(&o, "witness_program",
                 ptd_json_hex(s->b + PROGRAM_AT, n_program));
    return o;
}

/* Where the errors are, if these are what is wrong with it. */
static json_t *errors_of(const char *address, const char *why)
{
    int at[PTD_ADDRESS_SIZE];
    json_t *list = json_array();
    size_t n = 0;

    if (strcmp(ptd_bech32_locate_errors(at, &n, PTD_COUNT(at), address), why) !=
        0)
        n = 0;
    for (size_t i = 0; i < n; i++)
        ptd_json_append(&list, json_integer(at[i]));
    return list;
}

static json_t *validateaddress(struct ptd_rpc_call *call, void *arg)
{
    const struct ptd_params *params = ((struct ptd_node_rpc *)arg)->cfg->params;
    char why[PTD_ADDRESS_WHY_SIZE];
    const char *address = "";
    struct ptd_script script;
    json_t *o;

    if (!ptd_rpc_arg_text(call, 0, &address))
        return NULL;
    if (ptd_address_decode(&script, params, address, why) == PTD_OK)
        return describe(params, &script);
    o = json_object();
    ptd_json_set(&o, "isvalid", json_false());
    ptd_json_set(&o, "error_locations", errors_of(address, why));
    ptd_json_set(&o, "error", rpc_text(why));
    return o;
}

/* ---- indexes -------------------------------------------------------------------- */

/* None is kept. */
static json_t *getindexinfo(struct ptd_rpc_call *call, void *arg)
{
    const char *name = "";

    (void)arg;
    return ptd_rpc_arg_text(call, 0, &name) ? json_object() : NULL;
}

/* ---- the table ------------------------------------------------------------- */

#define ADDRESS                                                                \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(BOOL, "isvalid", "Whether it is one"),                  \
        PTD_RPC_RESULT(STR, "address", "The address", .optional = true),       \
        PTD_RPC_RESULT(HEX, "scriptPubKey", "Its script", .optional = true),   \
        PTD_RPC_RESULT(BOOL, "isscript", "Whether it stands for a script",     \
                       .optional = true),                                      \
        PTD_RPC_RESULT(BOOL, "iswitness", "Whether it is of segwit",           \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "witness_version", "Its witness version",          \
                       .optional = true),                                      \
        PTD_RPC_RESULT(HEX, "witness_program", "Its witness program",          \
                       .optional = true),                                      \
        PTD_RPC_RESULT(STR, "error", "What is wrong", .optional = true),       \
        PTD_RPC_RESULT(ARR, "error_locations", "And where, if that is known",  \
                       .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(                \
                           NUM, NULL, "a place in the text, from 0")),         \
                       .optional = true))

#define INDEX                                                                  \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(BOOL, "synced", "Whether it is complete"),              \
        PTD_RPC_RESULT(NUM, "best_block_height", "The last block in it"))

static const struct ptd_rpc_method methods[] = {
    { .name = "getindexinfo",
      .category = "util",
      .text = "Returns the state of the indexes that are kept besides the "
              "chain's own.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(STR, "index_name", OMITTED, "Of this one alone")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          OBJ_DYN, NULL, "",
          .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
              OBJ, "name", "The index's name", .inner = INDEX)))),
      .examples = PTD_RPC_EXAMPLE("getindexinfo", "", ""),
      .fn = getindexinfo },
    { .name = "validateaddress",
      .category = "util",
      .text = "Return information about the given bitcoin address.\n",
      .args =
          PTD_RPC_ARGS(PTD_RPC_ARG(STR, "address", REQUIRED, "The address")),
      .results =
          PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = ADDRESS)),
      .examples =
          PTD_RPC_EXAMPLE("validateaddress", "\"myaddress\"", "\"myaddress\""),
      .fn = validateaddress },
};

RPC_TABLE(rpc_address_methods);
