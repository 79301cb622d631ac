/* Methods: the connections there are. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/util.h"
#include "node/rpc_methods.h"

/* ---- one peer -------------------------------------------------------------- */

struct command_bytes {
    const char *command;
    uint64_t bytes;
};

static int by_command(const void *a, const void *b)
{
    return strcmp(((const struct command_bytes *)a)->command,
                  ((const struct command_bytes *)b)->command);
}

/* {"addr": 55, …, "*other*": 24}, sorted, without zeros. */
static json_t *bytes_by_command(const struct ptd_msg_count *counts)
{
    struct command_bytes v[PTD_MSG_N_TYPES + 1];
    json_t *o = json_object();
    size_t n = 0;

    for (size_t i = 0; i <= PTD_MSG_N_TYPES; i++)
        if (counts[i].bytes > 0)
            v[n++] = (struct command_bytes){
                ptd_msg_type_command((enum ptd_msg_type)i), counts[i].bytes
            };
    qsort(v, n, sizeof *v, by_command);
    for (size_t i = 0; i < n; i++)
        ptd_json_set(&o, v[i].command, rpc_u64(v[i].bytes));
    return o;
}

static json_t *permissions(unsigned set)
{
    json_t *list = json_array();
    const char *name;

    for (size_t i = 0; (name = ptd_permission_name(set, i)) != NULL; i++)
        ptd_json_append(&list, json_string(name));
    return list;
}

static json_t *in_flight(const struct ptd_node_peer *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->n_in_flight; i++)
        ptd_json_append(&list, json_integer(p->in_flight[i]));
    return list;
}

static json_t *seconds(int64_t us)
{
    return json_real((double)us / 1e6);
}

static void set_ends(json_t **o, const struct ptd_node_peer *p)
{
    const struct ptd_peer_stats *s = &p->stats;

    ptd_json_set(o, "id", json_integer(s->id));
    ptd_json_set(o, "addr",
                 p->name[0] != '\0' ? rpc_text(p->name) : rpc_addr(&s->addr));
    if (p->addr_bind.net != PTD_NET_NONE)
        ptd_json_set(o, "addrbind", rpc_addr(&p->addr_bind));
    if (ptd_netaddr_is_valid(&p->addr_seen))
        ptd_json_set(o, "addrlocal", rpc_addr(&p->addr_seen));
    ptd_json_set(o, "network", json_string(ptd_netaddr_network_name(&s->addr)));
    if (p->mapped_as != 0)
        ptd_json_set(o, "mapped_as", json_integer(p->mapped_as));
    ptd_json_set(o, "services", rpc_services(s->services));
    ptd_json_set(o, "servicesnames", rpc_service_names(s->services));
}

static void set_traffic(json_t **o, const struct ptd_node_peer *p)
{
    const struct ptd_peer_stats *s = &p->stats;

    ptd_json_set(o, "relaytxes", json_boolean(p->relays_txs));
    ptd_json_set(o, "last_inv_sequence", rpc_u64(p->last_inv_sequence));
    ptd_json_set(o, "inv_to_send", rpc_u64(p->n_inv_to_send));
    ptd_json_set(o, "lastsend", json_integer(s->last_send_s));
    ptd_json_set(o, "lastrecv", json_integer(s->last_recv_s));
    ptd_json_set(o, "last_transaction", json_integer(p->last_tx_s));
    ptd_json_set(o, "last_block", json_integer(p->last_block_s));
    ptd_json_set(o, "bytessent", rpc_u64(s->bytes_sent));
    ptd_json_set(o, "bytesrecv", rpc_u64(s->bytes_recv));
    ptd_json_set(o, "conntime", json_integer(s->conn_time_s));
    ptd_json_set(o, "timeoffset", json_integer(s->time_offset_s));
    if (s->ping_us > 0)
        ptd_json_set(o, "pingtime", seconds(s->ping_us));
    if (s->ping_min_us >= 0)
        ptd_json_set(o, "minping", seconds(s->ping_min_us));
    if (s->ping_wait_us > 0)
        ptd_json_set(o, "pingwait", seconds(s->ping_wait_us));
}

static void set_chain(json_t **o, const struct ptd_node_peer *p,
                      bool with_start)
{
    const struct ptd_peer_stats *s = &p->stats;

    ptd_json_set(o, "version", json_integer(s->advertised_pver));
    ptd_json_set(o, "subver", rpc_text(s->user_agent));
    ptd_json_set(o, "inbound", json_boolean(s->direction == PTD_INBOUND));
    ptd_json_set(o, "bip152_hb_to", json_boolean(p->hb_to));
    ptd_json_set(o, "bip152_hb_from", json_boolean(p->hb_from));
    if (with_start)
        ptd_json_set(o, "startingheight",
                     json_integer(s->version_known ? s->start_height : -1));
    ptd_json_set(o, "presynced_headers", json_integer(p->presynced_height));
    ptd_json_set(o, "synced_headers", json_integer(p->synced_headers));
    ptd_json_set(o, "synced_blocks", json_integer(p->synced_blocks));
    ptd_json_set(o, "inflight", in_flight(p));
}

static void set_rest(json_t **o, const struct ptd_node_peer *p)
{
    const struct ptd_peer_stats *s = &p->stats;

    ptd_json_set(o, "addr_relay_enabled", json_boolean(p->relays_addrs));
    ptd_json_set(o, "addr_processed", rpc_u64(p->n_addrs_taken));
    ptd_json_set(o, "addr_rate_limited", rpc_u64(p->n_addrs_limited));
    ptd_json_set(o, "permissions", permissions(p->permissions));
    ptd_json_set(o, "minfeefilter", ptd_json_amount(p->min_fee_filter));
    ptd_json_set(o, "bytessent_per_msg", bytes_by_command(s->sent));
    ptd_json_set(o, "bytesrecv_per_msg", bytes_by_command(s->recv));
    ptd_json_set(o, "connection_type",
                 json_string(ptd_link_type_text(p->type)));
    ptd_json_set(
        o, "transport_protocol_type",
        json_string(s->transport[0] != '\0' ? s->transport : "detecting"));
    ptd_json_set(o, "session_id", json_string(""));
}

static json_t *getpeerinfo(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node_rpc *r = arg;
    const bool with_start = rpc_still_has(r, "startingheight");
    struct ptd_node_peer *v;
    json_t *list;
    size_t n;

    (void)call;
    if (ptd_node_list_peers(r->node, &v, &n) != PTD_OK)
        return NULL;
    list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        set_ends(&o, &v[i]);
        set_traffic(&o, &v[i]);
        set_chain(&o, &v[i], with_start);
        set_rest(&o, &v[i]);
        ptd_json_append(&list, o);
    }
    ptd_free(v);
    return list;
}

/* ---- all of them ----------------------------------------------------------- */

static json_t *getconnectioncount(struct ptd_rpc_call *call, void *arg)
{
    (void)call;
    return json_integer(
        (json_int_t)ptd_node_n_peers(rpc_node(arg), PTD_NODE_ALL));
}

static json_t *ping(struct ptd_rpc_call *call, void *arg)
{
    (void)call;
    ptd_node_ping_all(rpc_node(arg));
    return json_null();
}

static json_t *upload_target(struct ptd_node *n)
{
    struct ptd_node_upload u;
    json_t *o = json_object();

    ptd_node_upload(n, &u);
    ptd_json_set(&o, "timeframe", json_integer(u.period_s));
    ptd_json_set(&o, "target", rpc_u64(u.target_bytes));
    ptd_json_set(&o, "target_reached", json_boolean(u.reached));
    ptd_json_set(&o, "serve_historical_blocks", json_boolean(u.serves_old));
    ptd_json_set(&o, "bytes_left_in_cycle", rpc_u64(u.left_bytes));
    ptd_json_set(&o, "time_left_in_cycle", json_integer(u.left_s));
    return o;
}

static json_t *getnettotals(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node *n = rpc_node(arg);
    json_t *o = json_object();
    uint64_t received, sent;

    (void)call;
    ptd_node_totals(n, &received, &sent);
    ptd_json_set(&o, "totalbytesrecv", rpc_u64(received));
    ptd_json_set(&o, "totalbytessent", rpc_u64(sent));
    ptd_json_set(&o, "timemillis",
                 json_integer(ptd_clock_wall_us(NULL) / 1000));
    ptd_json_set(&o, "uploadtarget", upload_target(n));
    return o;
}

/* ---- to one of them -------------------------------------------------------- */

static json_t *disconnectnode(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_node *n = rpc_node(arg);
    const char *address = NULL;
    int64_t id = -1;
    size_t count;

    if (!ptd_rpc_arg_text(call, 0, &address) ||
        !ptd_rpc_arg_int(call, 1, &id, INT64_MIN, INT64_MAX))
        return NULL;
    if (address != NULL && ptd_rpc_arg(call, 1) == NULL)
        count =
            ptd_node_disconnect_name(n, address, "disconnect by address match");
    else if (ptd_rpc_arg(call, 1) != NULL &&
             (address == NULL || *address == '\0'))
        count = ptd_node_disconnect_id(n, id, "disconnect by id match");
    else
        return ptd_rpc_fail(
            call, PTD_RPC_INVALID_PARAMS,
            "Only one of address and nodeid should be provided.");
    if (count == 0)
        return ptd_rpc_fail(call, PTD_RPC_CLIENT_NODE_NOT_CONNECTED,
                            "Node not found in connected nodes");
    return json_null();
}

/* Bytes of a hexadecimal text, from malloc; NULL: the call has failed. */
static uint8_t *read_hex(struct ptd_rpc_call *call, const char *hex, size_t *n)
{
    const size_t cap = strlen(hex) / 2;
    uint8_t *out = ptd_alloc(cap);

    if (out == NULL) {
        ptd_rpc_fail_memory(call);
        return NULL;
    }
    if (ptd_hex_decode(out, cap, n, hex))
        return out;
    ptd_free(out);
    ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                 "Error parsing input for msg");
    return NULL;
}

static json_t *sendmsgtopeer(struct ptd_rpc_call *call, void *arg)
{
    const char *command = "", *hex = "";
    uint8_t *payload;
    enum ptd_err e;
    int64_t id = -1;
    size_t n;

    if (!ptd_rpc_arg_int(call, 0, &id, INT64_MIN, INT64_MAX) ||
        !ptd_rpc_arg_text(call, 1, &command) ||
        !ptd_rpc_arg_text(call, 2, &hex))
        return NULL;
    if (strlen(command) > PTD_COMMAND_BYTES)
        return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                            "Error: msg_type too long, max length is %d",
                            PTD_COMMAND_BYTES);
    if ((payload = read_hex(call, hex, &n)) == NULL)
        return NULL;
    e = ptd_node_send_raw(rpc_node(arg), id, command, payload, n);
    ptd_free(payload);
    if (e == PTD_ENOMEM)
        return NULL;
    if (e != PTD_OK)
        return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                            "Error: Could not send message to peer");
    return json_object();
}

/* ---- the table ------------------------------------------------------------- */

#define TEXTS(name, what, entry)                                               \
    PTD_RPC_RESULT(ARR, name, what,                                            \
                   .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, NULL, entry)))
#define BYTES(name, what)                                                      \
    PTD_RPC_RESULT(OBJ_DYN, name, what,                                        \
                   .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(                    \
                       NUM, "msg",                                             \
                       "Bytes of all messages of this type; types without "    \
                       "any are missing; unknown ones are '*other*'")))

#define PEER                                                                   \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(NUM, "id", "The connection's number"),                  \
        PTD_RPC_RESULT(STR, "addr", "The peer's address or name, and port"),   \
        PTD_RPC_RESULT(STR, "addrbind", "Our end of the connection",           \
                       .optional = true),                                      \
        PTD_RPC_RESULT(STR, "addrlocal", "Our address as the peer sees it",    \
                       .optional = true),                                      \
        PTD_RPC_RESULT(STR, "network",                                         \
                       "Network (" RPC_NET_NAMES ", not_publicly_routable)"),  \
        PTD_RPC_RESULT(NUM, "mapped_as",                                       \
                       "Autonomous system that the peer is in (with -asmap "   \
                       "only)",                                                \
                       .optional = true),                                      \
        PTD_RPC_RESULT(HEX, "services", "The services it offers"),             \
        TEXTS("servicesnames", "the same by name", "a service"),               \
        PTD_RPC_RESULT(BOOL, "relaytxes",                                      \
                       "Whether transactions are announced to it"),            \
        PTD_RPC_RESULT(NUM, "last_inv_sequence",                               \
                       "State of the pool of transactions at the last "        \
                       "announcement"),                                        \
        PTD_RPC_RESULT(NUM, "inv_to_send",                                     \
                       "Transactions that wait to be announced to it"),        \
        PTD_RPC_RESULT(TIME, "lastsend", "Last send, " RPC_EPOCH),             \
        PTD_RPC_RESULT(TIME, "lastrecv", "Last receive, " RPC_EPOCH),          \
        PTD_RPC_RESULT(TIME, "last_transaction",                               \
                       "Last valid transaction from it, " RPC_EPOCH),          \
        PTD_RPC_RESULT(TIME, "last_block", "Last block from it, " RPC_EPOCH),  \
        PTD_RPC_RESULT(NUM, "bytessent", "All bytes sent"),                    \
        PTD_RPC_RESULT(NUM, "bytesrecv", "All bytes received"),                \
        PTD_RPC_RESULT(TIME, "conntime",                                       \
                       "Begin of the connection, " RPC_EPOCH),                 \
        PTD_RPC_RESULT(NUM, "timeoffset", "Its clock less ours, in seconds"),  \
        PTD_RPC_RESULT(NUM, "pingtime", "Last round trip in seconds",          \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "minping", "Shortest round trip in seconds",       \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "pingwait", "A ping waits since, in seconds",      \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "version", "Its protocol version"),                \
        PTD_RPC_RESULT(STR, "subver", "What it calls itself"),                 \
        PTD_RPC_RESULT(BOOL, "inbound", "true: it called us"),                 \
        PTD_RPC_RESULT(BOOL, "bip152_hb_to",                                   \
                       "We asked it to send compact blocks unasked"),          \
        PTD_RPC_RESULT(BOOL, "bip152_hb_from", "It asked us to"),              \
        PTD_RPC_RESULT(NUM, "startingheight",                                  \
                       "Its height at the beginning (only with "               \
                       "-deprecatedrpc=startingheight)",                       \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "presynced_headers",                               \
                       "Height of unproven headers from it; -1: none"),        \
        PTD_RPC_RESULT(NUM, "synced_headers", "Last header in common"),        \
        PTD_RPC_RESULT(NUM, "synced_blocks", "Last block in common"),          \
        PTD_RPC_RESULT(                                                        \
            ARR, "inflight", "",                                               \
            .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(                           \
                NUM, NULL, "Heights of blocks that it was asked for"))),       \
        PTD_RPC_RESULT(BOOL, "addr_relay_enabled",                             \
                       "Whether addresses are exchanged with it"),             \
        PTD_RPC_RESULT(NUM, "addr_processed", "Addresses of it looked at"),    \
        PTD_RPC_RESULT(NUM, "addr_rate_limited",                               \
                       "Addresses of it dropped, because there were too many " \
                       "at once"),                                             \
        TEXTS("permissions", "What it may do more than others",                \
              "bloomfilter, noban, forcerelay, relay, mempool, download or "   \
              "addr"),                                                         \
        PTD_RPC_RESULT(NUM, "minfeefilter",                                    \
                       "Lowest fee rate of transactions that it wants"),       \
        BYTES("bytessent_per_msg", "Bytes sent, by type of message"),          \
        BYTES("bytesrecv_per_msg", "Bytes received, by type of message"),      \
        PTD_RPC_RESULT(STR, "connection_type",                                 \
                       "inbound, outbound-full-relay, block-relay-only, "      \
                       "manual, addr-fetch, feeler"),                          \
        PTD_RPC_RESULT(STR, "transport_protocol_type",                         \
                       "detecting, v1 (plain), v2 (encrypted, BIP 324)"),      \
        PTD_RPC_RESULT(STR, "session_id",                                      \
                       "The session of the encrypted transport, or \"\""))

#define UPLOAD                                                                 \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(NUM, "timeframe", "Seconds of a cycle"),                \
        PTD_RPC_RESULT(NUM, "target", "Bytes of a cycle; 0: no limit"),        \
        PTD_RPC_RESULT(BOOL, "target_reached", "Whether these were sent"),     \
        PTD_RPC_RESULT(BOOL, "serve_historical_blocks",                        \
                       "Whether old blocks are sent"),                         \
        PTD_RPC_RESULT(NUM, "bytes_left_in_cycle", "Bytes left"),              \
        PTD_RPC_RESULT(NUM, "time_left_in_cycle", "Seconds left"))
#define TOTALS                                                                 \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(NUM, "totalbytesrecv", "All bytes received"),           \
        PTD_RPC_RESULT(NUM, "totalbytessent", "All bytes sent"),               \
        PTD_RPC_RESULT(TIME, "timemillis",                                     \
                       "The system's time, " RPC_EPOCH ", in milliseconds"),   \
        PTD_RPC_RESULT(OBJ, "uploadtarget", "Of -maxuploadtarget",             \
                       .inner = UPLOAD))

static const struct ptd_rpc_method methods[] = {
    { .name = "disconnectnode",
      .category = "network",
      .text = "Ends the connection to a peer, which is named either by its "
              "address or by the connection's number.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(STR, "address", DEFAULT_HINT,
                      "Its address and port, as in getpeerinfo; \"\" with "
                      "nodeid",
                      .otherwise = "fallback to nodeid"),
          PTD_RPC_ARG(NUM, "nodeid", DEFAULT_HINT,
                      "The connection's number, as in getpeerinfo",
                      .otherwise = "fallback to address")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NONE, NULL, "")),
      .examples = PTD_RPC_EXAMPLE("disconnectnode", "\"192.168.0.6:8333\"",
                                  "\"192.168.0.6:8333\"")
          PTD_RPC_EXAMPLE("disconnectnode", "\"\" 1", "\"\", 1"),
      .fn = disconnectnode },
    { .name = "getconnectioncount",
      .category = "network",
      .text = "Returns how many connections there are.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NUM, NULL, "The connections")),
      .examples = PTD_RPC_EXAMPLE("getconnectioncount", "", ""),
      .fn = getconnectioncount },
    { .name = "getnettotals",
      .category = "network",
      .text = "Returns how many bytes came and went over all connections.\n",
      .results =
          PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = TOTALS)),
      .examples = PTD_RPC_EXAMPLE("getnettotals", "", ""),
      .fn = getnettotals },
    { .name = "getpeerinfo",
      .category = "network",
      .text = "Returns what is known of every connection.",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          ARR, NULL, "",
          .inner =
              PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = PEER)))),
      .examples = PTD_RPC_EXAMPLE("getpeerinfo", "", ""),
      .fn = getpeerinfo },
    { .name = "ping",
      .category = "network",
      .text = "Sends a ping to every peer; getpeerinfo has what comes of it.\n"
              "The answer waits its turn among all other messages: it measures "
              "the whole way, not the network alone.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NONE, NULL, "")),
      .examples = PTD_RPC_EXAMPLE("ping", "", ""),
      .fn = ping },
    { .name = "sendmsgtopeer",
      .category = "hidden",
      .text = "Sends a message of any type and content to a peer. For "
              "testing.",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "peer_id", REQUIRED, "The connection's number"),
          PTD_RPC_ARG(STR, "msg_type", REQUIRED,
                      "The message's type (at most 12 characters)"),
          PTD_RPC_ARG(HEX, "msg", REQUIRED,
                      "What is behind the header, in hexadecimal")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "")),
      .examples = PTD_RPC_EXAMPLE("sendmsgtopeer", "0 \"addr\" \"ffffff\"",
                                  "0, \"addr\", \"ffffff\""),
      .fn = sendmsgtopeer },
};

RPC_TABLE(rpc_peer_methods);
