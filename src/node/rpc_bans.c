/* Methods: who may not connect. */
#include <config.h>

#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "connmgr/banlist.h"
#include "node/rpc_methods.h"

/* A range, or one address. What reads as CJDNS is IPv6 unless such addresses
 * are in use: ptd_subnet_parse() knows. */
static bool read_subnet(struct ptd_rpc_call *call, struct ptd_subnet *out,
                        bool *is_range)
{
    const char *text = "";

    if (!ptd_rpc_arg_text(call, 0, &text))
        return false;
    *is_range = strchr(text, '/') != NULL;
    if (ptd_subnet_parse(out, text) == PTD_OK)
        return true;
    ptd_rpc_fail(call, PTD_RPC_CLIENT_INVALID_IP_OR_SUBNET,
                 "Error: Invalid IP/Subnet");
    return false;
}

/* A range is banned by itself alone, an address also by what takes it in. */
static bool is_banned(struct ptd_banlist *bans, const struct ptd_subnet *s,
                      bool is_range)
{
    return is_range ? ptd_banlist_has_subnet(bans, s)
                    : ptd_banlist_has_addr(bans, &s->base);
}

static json_t *ban_error(struct ptd_rpc_call *call, enum ptd_err e)
{
    if (e == PTD_OK)
        return json_null();
    if (e == PTD_ENOMEM)
        return NULL;
    if (e == PTD_ELIMIT)
        return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                            "Error: Too many bans, at most %d",
                            PTD_BANLIST_MAX);
    return ptd_rpc_fail(call, PTD_RPC_DATABASE_ERROR,
                        "Error: The ban list could not be written");
}

static json_t *ban(struct ptd_rpc_call *call, struct ptd_node *n,
                   const struct ptd_subnet *s, bool is_range)
{
    struct ptd_banlist *bans = ptd_node_bans(n);
    int64_t time_s = 0;
    bool until = false;
    json_t *result;

    if (is_banned(bans, s, is_range))
        return ptd_rpc_fail(call, PTD_RPC_CLIENT_NODE_ALREADY_ADDED,
                            "Error: IP/Subnet already banned");
    if (!ptd_rpc_arg_int(call, 2, &time_s, INT64_MIN, INT64_MAX) ||
        !ptd_rpc_arg_bool(call, 3, &until))
        return NULL;
    if (until && time_s < ptd_clock_wall_s(ptd_node_clock(n)))
        return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                            "Error: Absolute timestamp is in the past");
    result =
        ban_error(call, ptd_banlist_ban(bans, s, time_s,
                                        until ? PTD_BAN_UNTIL : PTD_BAN_FOR));
    /* Also if it could not be written: it holds in this run. */
    if (ptd_banlist_has_subnet(bans, s))
        (void)ptd_node_disconnect_subnet(n, s, "disconnect by subnet match");
    return result;
}

static json_t *setban(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node *n = rpc_node(arg);
    const char *command = "";
    struct ptd_subnet s;
    bool is_range, adds;
    enum ptd_err e;

    if (!ptd_rpc_arg_text(call, 1, &command))
        return NULL;
    adds = strcmp(command, "add") == 0;
    if (!adds && strcmp(command, "remove") != 0)
        return ptd_rpc_fail_usage(call, PTD_RPC_MISC_ERROR);
    if (!read_subnet(call, &s, &is_range))
        return NULL;
    if (adds)
        return ban(call, n, &s, is_range);
    if ((e = ptd_banlist_unban(ptd_node_bans(n), &s)) == PTD_ENOTFOUND)
        return ptd_rpc_fail(call, PTD_RPC_CLIENT_INVALID_IP_OR_SUBNET,
                            "Error: Unban failed. Requested address/subnet was "
                            "not previously manually banned.");
    return ban_error(call, e);
}

static json_t *ban_to_json(const struct ptd_ban *b, int64_t now_s)
{
    char text[PTD_SUBNET_TEXT];
    json_t *o = json_object();

    ptd_json_set(&o, "address",
                 json_string(ptd_subnet_format(&b->subnet, text, sizeof text)));
    ptd_json_set(&o, "ban_created", json_integer(b->created_s));
    ptd_json_set(&o, "banned_until", json_integer(b->until_s));
    ptd_json_set(&o, "ban_duration", json_integer(b->until_s - b->created_s));
    ptd_json_set(&o, "time_remaining", json_integer(b->until_s - now_s));
    return o;
}

static json_t *listbanned(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node *n = rpc_node(arg);
    const int64_t now_s = ptd_clock_wall_s(ptd_node_clock(n));
    struct ptd_ban *v;
    json_t *list;
    size_t count;

    (void)call;
    if (ptd_banlist_list(ptd_node_bans(n), &v, &count) != PTD_OK)
        return NULL;
    list = json_array();
    for (size_t i = 0; i < count; i++)
        ptd_json_append(&list, ban_to_json(&v[i], now_s));
    ptd_free(v);
    return list;
}

static json_t *clearbanned(struct ptd_rpc_call *call, void *arg)
{
    return ban_error(call, ptd_banlist_clear(ptd_node_bans(rpc_node(arg))));
}

/* ---- the table ------------------------------------------------------------- */

#define BAN                                                                    \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(STR, "address", "The address or range"),                \
        PTD_RPC_RESULT(TIME, "ban_created", "When the ban began, " RPC_EPOCH), \
        PTD_RPC_RESULT(TIME, "banned_until", "When it ends, " RPC_EPOCH),      \
        PTD_RPC_RESULT(TIME, "ban_duration", "How long it lasts, in seconds"), \
        PTD_RPC_RESULT(TIME, "time_remaining", "Seconds until it ends"))

static const struct ptd_rpc_method methods[] = {
    { .name = "clearbanned",
      .category = "network",
      .text = "Lifts all bans.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NONE, NULL, "")),
      .examples = PTD_RPC_EXAMPLE("clearbanned", "", ""),
      .fn = clearbanned },
    { .name = "listbanned",
      .category = "network",
      .text = "Lists all addresses and ranges that were banned by hand.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          ARR, NULL, "",
          .inner =
              PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = BAN)))),
      .examples = PTD_RPC_EXAMPLE("listbanned", "", ""),
      .fn = listbanned },
    { .name = "setban",
      .category = "network",
      .text = "Bans an address or a range, or lifts a ban.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(STR, "subnet", REQUIRED,
                      "The address, or a range with its mask (see getpeerinfo "
                      "for addresses)"),
          PTD_RPC_ARG(STR, "command", REQUIRED,
                      "'add' to ban it, 'remove' to lift the ban"),
          PTD_RPC_ARG(NUM, "bantime", DEFAULT_HINT,
                      "seconds that it lasts, or until when if absolute is "
                      "set; 0: as long as -bantime says, a day",
                      .otherwise = "0"),
          PTD_RPC_ARG(BOOL, "absolute", DEFAULT_HINT,
                      "Whether bantime is in " RPC_EPOCH,
                      .otherwise = "false")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NONE, NULL, "")),
      .examples = PTD_RPC_EXAMPLE_CLI("setban", "\"192.168.0.6\" \"add\" 86400")
          PTD_RPC_EXAMPLE_CLI("setban", "\"192.168.0.0/24\" \"add\"")
              PTD_RPC_EXAMPLE_CURL("setban", "\"192.168.0.6\", \"add\", 86400"),
      .fn = setban },
};

RPC_TABLE(rpc_ban_methods);
