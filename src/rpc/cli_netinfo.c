/* -netinfo: peers and their numbers as a table. */
#include <config.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "rpc/cli_int.h"

enum { MAX_LEVEL = 4 };
enum { PEERS, NETWORK, N_ASKED };
enum { IN, OUT, TOTAL, N_ROWS };

static const char *const short_names[PTD_CLI_N_NETS] = {
    "npr", "ipv4", "ipv6", "onion", "i2p", "cjdns", "int"
};

struct peer {
    const json_t *o;
    int net;
    bool is_outbound;
    double min_ping; /* s; -1: none */
    char services[64];
    char age[24];
};

struct netinfo {
    int level;
    bool outbound_only;
    int64_t now_s;
    uint64_t counts[N_ROWS][PTD_CLI_N_NETS + 1]; /* the last: of all */
    uint64_t n_block_relay;
    uint64_t n_manual;
    struct peer *peers; /* that are shown */
    size_t n_peers;
    size_t cap_peers;
    bool has_asmap;
    int w_addr, w_processed, w_limited, w_age, w_id, w_services;
};

/* ---- arguments ------------------------------------------------------------- */

static bool parse_level(struct ptd_cli *c, struct netinfo *n, const char *text)
{
    size_t len = strlen(text);
    unsigned long v = strtoul(text, NULL, 10);

    if (len == 0 || len > 3 || strspn(text, "0123456789") != len || v > 255)
        return ptd_cli_fail(c,
                            "invalid -netinfo level argument: %s\nFor more "
                            "information, run: pentad-cli -netinfo help",
                            text);
    n->level = (int)PTD_MIN(v, MAX_LEVEL);
    return true;
}

static bool parse_args(struct ptd_cli *c, struct netinfo *n)
{
    const char *second;

    if (c->n_args == 0)
        return true;
    if (!parse_level(c, n, c->args[0]))
        return false;
    if (c->n_args == 1)
        return true;
    second = c->args[1];
    n->outbound_only = n->level > 0 && (strcmp(second, "o") == 0 ||
                                        strcmp(second, "outonly") == 0);
    if (n->outbound_only)
        return true;
    return ptd_cli_fail(c,
                        "invalid -netinfo outonly argument: %s\n%sFor more "
                        "information, run: pentad-cli -netinfo help",
                        second,
                        n->level > 0 ? ""
                                     : "The outonly argument is only valid for "
                                       "a level greater than 0 (the first "
                                       "argument). ");
}

/* ---- counting -------------------------------------------------------------- */

/* "nwl2": the first letters, with two exceptions. */
static void format_services(char *out, size_t cap, const json_t *names)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(names) && n + 1 < cap; i++) {
        const char *s = json_string_value(json_array_get(names, i));

        if (s == NULL)
            continue;
        out[n++] = strcmp(s, "NETWORK_LIMITED") == 0 ? 'l'
                   : strcmp(s, "P2P_V2") == 0
                       ? '2'
                       : (char)tolower((unsigned char)s[0]);
    }
    out[n] = '\0';
}

static void widen(int *width, int n)
{
    *width = PTD_MAX(*width, n);
}

static int digits_of(int64_t v)
{
    char room[24];

    return snprintf(room, sizeof room, "%" PRId64, v);
}

static void measure(struct netinfo *n, const struct peer *p)
{
    widen(&n->w_addr, (int)strlen(ptd_cli_get_text(p->o, "addr")) + 1);
    widen(&n->w_processed, digits_of(ptd_cli_get_int(p->o, "addr_processed")));
    widen(&n->w_limited, digits_of(ptd_cli_get_int(p->o, "addr_rate_limited")));
    widen(&n->w_age, (int)strlen(p->age));
    widen(&n->w_id, digits_of(ptd_cli_get_int(p->o, "id")));
    widen(&n->w_services, (int)strlen(p->services));
    n->has_asmap |= ptd_cli_get_int(p->o, "mapped_as") != 0;
}

static bool keep(struct netinfo *n, const json_t *o, int net, bool is_outbound)
{
    struct peer *v =
        ptd_array_grow(n->peers, &n->cap_peers, n->n_peers + 1, sizeof *v);
    int64_t since = ptd_cli_get_int(o, "conntime");

    if (v == NULL)
        return false;
    n->peers = v;
    v += n->n_peers++;
    *v = (struct peer){ .o = o,
                        .net = net,
                        .is_outbound = is_outbound,
                        .min_ping = ptd_cli_get_real(o, "minping", -1) };
    format_services(v->services, sizeof v->services,
                    ptd_cli_get(o, "servicesnames"));
    if (since != 0)
        snprintf(v->age, sizeof v->age, "%" PRId64, (n->now_s - since) / 60);
    measure(n, v);
    return true;
}

static bool count_peers(struct netinfo *n, const json_t *peers)
{
    for (size_t i = 0; i < json_array_size(peers); i++) {
        const json_t *o = json_array_get(peers, i);
        const char *type = ptd_cli_get_text(o, "connection_type");
        bool is_outbound = !ptd_cli_get_bool(o, "inbound", false);
        int net = ptd_cli_net_of(ptd_cli_get_text(o, "network"));

        if (net < 0)
            continue;
        n->counts[is_outbound][net]++;
        n->counts[is_outbound][PTD_CLI_N_NETS]++;
        n->counts[TOTAL][net]++;
        n->counts[TOTAL][PTD_CLI_N_NETS]++;
        n->n_block_relay += strcmp(type, "block-relay-only") == 0;
        n->n_manual += strcmp(type, "manual") == 0;
        if (n->level > 0 && (is_outbound || !n->outbound_only) &&
            !keep(n, o, net, is_outbound))
            return false;
    }
    return true;
}

/* Inbound first, the quickest first. */
static int by_ping(const void *a, const void *b)
{
    const struct peer *x = a, *y = b;
    int64_t x_id, y_id;

    if (x->is_outbound != y->is_outbound)
        return x->is_outbound ? 1 : -1;
    if (x->min_ping < y->min_ping || x->min_ping > y->min_ping)
        return x->min_ping < y->min_ping ? -1 : 1;
    x_id = ptd_cli_get_int(x->o, "id");
    y_id = ptd_cli_get_int(y->o, "id");
    return x_id < y_id ? -1 : x_id > y_id;
}

/* ---- the list of peers ----------------------------------------------------- */

static const char *type_of(const char *type)
{
    static const struct {
        const char *name, *shown;
    } types[] = { { "outbound-full-relay", "full" },
                  { "block-relay-only", "block" },
                  { "manual", "manual" },
                  { "feeler", "feeler" },
                  { "addr-fetch", "addr" },
                  { "private-broadcast", "priv" } };

    for (size_t i = 0; i < PTD_COUNT(types); i++)
        if (strcmp(types[i].name, type) == 0)
            return types[i].shown;
    return "";
}

struct cell {
    char s[24];
};

static struct cell ping_cell(double seconds)
{
    struct cell c = { "" };

    if (seconds >= 1000)
        c.s[0] = '-';
    else if (seconds >= 0)
        snprintf(c.s, sizeof c.s, "%d", (int)(1000 * seconds + 0.5));
    return c;
}

/* How long ago, in units of `unit` seconds; `never` if that is not known. */
static struct cell since_cell(const struct netinfo *n, int64_t t, int64_t unit,
                              const char *never)
{
    struct cell c;

    if (t == 0)
        snprintf(c.s, sizeof c.s, "%s", never);
    else
        snprintf(c.s, sizeof c.s, "%" PRId64, (n->now_s - t) / unit);
    return c;
}

static struct cell count_cell(int64_t v, const char *none)
{
    struct cell c;

    if (v == 0)
        snprintf(c.s, sizeof c.s, "%s", none);
    else
        snprintf(c.s, sizeof c.s, "%" PRId64, v);
    return c;
}

static void put_times(struct ptd_text *t, const struct netinfo *n,
                      const struct peer *p)
{
    const json_t *o = p->o;
    const char *no_tx = ptd_cli_get_bool(o, "relaytxes", true) ? "" : "*";

    ptd_text_printf(
        t, "%7s%7s%5s%5s%5s%5s", ping_cell(p->min_ping).s,
        ping_cell(ptd_cli_get_real(o, "pingtime", -1)).s,
        since_cell(n, ptd_cli_get_int(o, "lastsend"), 1, "").s,
        since_cell(n, ptd_cli_get_int(o, "lastrecv"), 1, "").s,
        since_cell(n, ptd_cli_get_int(o, "last_transaction"), 60, no_tx).s,
        since_cell(n, ptd_cli_get_int(o, "last_block"), 60, "").s);
}

/* The columns that are there for some levels alone. */
static void put_tail(struct ptd_text *t, const struct netinfo *n,
                     const struct peer *p)
{
    int64_t version = ptd_cli_get_int(p->o, "version");
    const char *agent = ptd_cli_get_text(p->o, "subver");

    if (n->level == 2 || n->level == 4)
        ptd_text_printf(t, " %-*s", n->w_addr, ptd_cli_get_text(p->o, "addr"));
    else
        ptd_text_puts(t, " ");
    if (n->level >= 3 && (version != 0 || agent[0] != '\0'))
        ptd_text_printf(t, "%" PRId64 "%s", version, agent);
    ptd_text_puts(t, "\n");
}

static void put_peer(struct ptd_text *t, const struct netinfo *n,
                     const struct peer *p)
{
    const json_t *o = p->o;
    const char *transport = ptd_cli_get_text(o, "transport_protocol_type");
    const char *no_addr =
        ptd_cli_get_bool(o, "addr_relay_enabled", false) ? "" : ".";

    if (transport[0] == '\0')
        transport = "v1";
    ptd_text_printf(t, "%3s %6s %5s %*s %2c", p->is_outbound ? "out" : "in",
                    type_of(ptd_cli_get_text(o, "connection_type")),
                    short_names[p->net], n->w_services, p->services,
                    transport[0] == 'v' && strlen(transport) == 2 ? transport[1]
                                                                  : ' ');
    put_times(t, n, p);
    ptd_text_printf(t, "  %c%c %*s%*s%*s",
                    ptd_cli_get_bool(o, "bip152_hb_to", false) ? '.' : ' ',
                    ptd_cli_get_bool(o, "bip152_hb_from", false) ? '*' : ' ',
                    n->w_processed,
                    count_cell(ptd_cli_get_int(o, "addr_processed"), no_addr).s,
                    n->w_limited,
                    count_cell(ptd_cli_get_int(o, "addr_rate_limited"), "").s,
                    n->w_age, p->age);
    ptd_text_printf(t, "%*s %*" PRId64, n->has_asmap ? 7 : 0,
                    count_cell(ptd_cli_get_int(o, "mapped_as"), "").s, n->w_id,
                    ptd_cli_get_int(o, "id"));
    put_tail(t, n, p);
}

static void put_peers(struct ptd_text *t, struct netinfo *n)
{
    bool has_addr = n->level == 2 || n->level == 4;

    if (n->n_peers == 0)
        return;
    qsort(n->peers, n->n_peers, sizeof *n->peers, by_ping);
    ptd_text_printf(t,
                    "<->   type   net %*s  v  mping   ping send recv  txn  blk "
                    " hb %*s%*s%*s ",
                    n->w_services, "serv", n->w_processed, "addrp",
                    n->w_limited, "addrl", n->w_age, "age");
    ptd_text_printf(t, "%s%*s %-*s%s\n", n->has_asmap ? " asmap " : "", n->w_id,
                    "id", has_addr ? n->w_addr : 0, has_addr ? "address" : "",
                    n->level >= 3 ? "version" : "");
    for (size_t i = 0; i < n->n_peers; i++)
        put_peer(t, n, &n->peers[i]);
    ptd_text_printf(t,
                    "                %*s         ms     ms  sec  sec  min  min "
                    "               %*s\n\n",
                    n->w_services, "", n->w_age, "min");
}

/* ---- the rest of it -------------------------------------------------------- */

/* Which networks have a column: 0 … n - 1 of out. */
static size_t choose_nets(const struct netinfo *n, const json_t *networks,
                          int out[PTD_CLI_N_NETS], struct ptd_text *t)
{
    static const int hidden[] = { PTD_CLI_NET_NPR, PTD_CLI_NET_INTERNAL };
    size_t n_nets = 0;

    for (size_t i = 0; i < json_array_size(networks); i++) {
        const json_t *o = json_array_get(networks, i);
        const char *name = ptd_cli_get_text(o, "name");
        int net = ptd_cli_net_of(name);

        if (net < 0 || !ptd_cli_get_bool(o, "reachable", false) ||
            n_nets == PTD_CLI_N_NETS - PTD_COUNT(hidden))
            continue;
        ptd_text_printf(t, "%8s", name);
        out[n_nets++] = net;
    }
    for (size_t i = 0; i < PTD_COUNT(hidden); i++) {
        if (n->counts[TOTAL][hidden[i]] == 0)
            continue;
        ptd_text_printf(t, "%8s", short_names[hidden[i]]);
        out[n_nets++] = hidden[i];
    }
    return n_nets;
}

static void put_counts(struct ptd_text *t, const struct netinfo *n,
                       const json_t *network)
{
    static const char *const rows[N_ROWS] = { "in", "out", "total" };
    int nets[PTD_CLI_N_NETS];
    size_t n_nets;

    ptd_text_puts(t, "     ");
    n_nets = choose_nets(n, ptd_cli_get(network, "networks"), nets, t);
    ptd_text_printf(t, "   total   block%s", n->n_manual > 0 ? "  manual" : "");
    for (int row = 0; row < N_ROWS; row++) {
        ptd_text_printf(t, "\n%-5s", rows[row]);
        for (size_t i = 0; i < n_nets; i++)
            ptd_text_printf(t, "%8" PRIu64, n->counts[row][nets[i]]);
        ptd_text_printf(t, "   %5" PRIu64, n->counts[row][PTD_CLI_N_NETS]);
        if (row != OUT)
            continue;
        ptd_text_printf(t, "   %5" PRIu64, n->n_block_relay);
        if (n->n_manual > 0)
            ptd_text_printf(t, "   %5" PRIu64, n->n_manual);
    }
}

/* "network, witness, network limited". */
static void put_services(struct ptd_text *t, const json_t *names)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *s = json_string_value(json_array_get(names, i));

        ptd_text_puts(t, i > 0 ? ", " : "");
        for (; s != NULL && *s != '\0'; s++) {
            char low = *s == '_' ? ' ' : (char)tolower((unsigned char)*s);

            ptd_text_add(t, &low, 1);
        }
    }
}

static void put_local(struct ptd_text *t, const json_t *addresses)
{
    size_t n = json_array_size(addresses);
    int width = 0;

    ptd_text_puts(t, "\n\nLocal addresses");
    if (n == 0)
        ptd_text_puts(t, ": n/a\n");
    for (size_t i = 0; i < n; i++)
        widen(&width, (int)strlen(ptd_cli_get_text(json_array_get(addresses, i),
                                                   "address")) +
                          1);
    for (size_t i = 0; i < n; i++) {
        const json_t *o = json_array_get(addresses, i);

        ptd_text_printf(t, "\n%-*s    port %6" PRId64 "    score %6" PRId64,
                        width, ptd_cli_get_text(o, "address"),
                        ptd_cli_get_int(o, "port"),
                        ptd_cli_get_int(o, "score"));
    }
}

static void put_header(struct ptd_cli *c, const struct netinfo *n,
                       const json_t *network)
{
    struct ptd_text *t = &c->out;
    const char *chain = c->cfg->chain;
    char services[64];

    ptd_text_printf(t, "%s client v%s%s%s - server %" PRId64 "%s",
                    c->cfg->program, c->cfg->version,
                    chain[0] != '\0' ? " " : "", chain,
                    ptd_cli_get_int(network, "protocolversion"),
                    ptd_cli_get_text(network, "subversion"));
    if (n->level > 0) {
        format_services(services, sizeof services,
                        ptd_cli_get(network, "localservicesnames"));
        ptd_text_printf(t, " - services %s", services);
    }
    ptd_text_puts(t, "\n\n");
}

static bool show(struct ptd_cli *c, struct netinfo *n, const json_t *batch)
{
    const json_t *answers[N_ASKED], *network;

    if (!ptd_cli_sort_batch(c, batch, answers, N_ASKED))
        return false;
    for (size_t i = 0; i < N_ASKED; i++) {
        if (ptd_cli_error_of(answers[i]) == NULL)
            continue;
        ptd_cli_print_error(c, ptd_cli_error_of(answers[i]));
        return true;
    }
    network = ptd_cli_get(answers[NETWORK], "result");
    if (!count_peers(n, ptd_cli_get(answers[PEERS], "result")))
        return ptd_cli_fail_memory(c);
    put_header(c, n, network);
    put_peers(&c->out, n);
    put_counts(&c->out, n, network);
    if (n->level == 0) {
        ptd_text_puts(&c->out, "\n\nLocal services: ");
        put_services(&c->out, ptd_cli_get(network, "localservicesnames"));
    }
    put_local(&c->out, ptd_cli_get(network, "localaddresses"));
    return true;
}

bool ptd_cli_netinfo(struct ptd_cli *c)
{
    struct netinfo n = {
        .w_processed = 5, .w_limited = 6, .w_age = 5, .w_id = 2, .w_services = 6
    };
    struct ptd_json_doc reply = { 0 };
    struct ptd_text body = { 0 };
    bool good;

    if (c->n_args > 0 &&
        (strcmp(c->args[0], "h") == 0 || strcmp(c->args[0], "help") == 0)) {
        ptd_text_puts(&c->out, ptd_cli_netinfo_help);
        return true;
    }
    if (!parse_args(c, &n))
        return false;
    n.now_s = ptd_clock_wall_s(NULL);
    ptd_text_puts(&body, "[");
    ptd_cli_add_request(&body, "getpeerinfo", NULL, PEERS);
    ptd_text_puts(&body, ",");
    ptd_cli_add_request(&body, "getnetworkinfo", NULL, NETWORK);
    ptd_text_puts(&body, "]");
    good = ptd_cli_call(c, &body, c->cfg->wallet, &reply) &&
           show(c, &n, reply.root);
    ptd_json_doc_fini(&reply);
    ptd_text_fini(&body);
    ptd_free(n.peers);
    return good;
}
