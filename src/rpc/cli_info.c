/* -getinfo, -addrinfo, -generate. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rpc/cli_int.h"

/* ---- -getinfo -------------------------------------------------------------- */

enum { NETWORK, CHAIN, WALLET, BALANCES, N_ASKED };

struct colors {
    const char *reset, *green, *blue, *yellow, *magenta, *cyan;
};

/* NULL: c says what is wrong. */
static const struct colors *choose_colors(struct ptd_cli *c)
{
    static const struct colors plain = { "", "", "", "", "", "" };
    static const struct colors colored = { "\x1b[0m",  "\x1b[32m", "\x1b[34m",
                                           "\x1b[33m", "\x1b[35m", "\x1b[36m" };
    const char *when = c->cfg->color;

    if (strcmp(when, "always") == 0)
        return &colored;
    if (strcmp(when, "never") == 0)
        return &plain;
    if (strcmp(when, "auto") == 0)
        return isatty(STDOUT_FILENO) ? &colored : &plain;
    (void)ptd_cli_fail(c, "Invalid value for -color option. Valid values: "
                          "always, auto, never.");
    return NULL;
}

/* "Blocks: 5\n"; the value as the server wrote it, nothing if it has none. */
static void put_line(struct ptd_text *t, const char *label, const json_t *v)
{
    ptd_text_puts(t, label);
    if (v != NULL)
        ptd_json_write_plain(t, v);
    ptd_text_puts(t, "\n");
}

/* Twenty blocks, and a space, as long as there is something to wait for. */
static void put_progress(struct ptd_text *t, double progress)
{
    if (progress >= 0.99)
        return;
    if (progress >= 0 && progress <= 1) {
        for (int i = 0; i < progress / 0.05; i++)
            ptd_text_puts(t, "\xe2\x96\x92");
        for (int i = 0; i < (1 - progress) / 0.05; i++)
            ptd_text_puts(t, "\xe2\x96\x91");
    }
    ptd_text_puts(t, " ");
}

/* "PROXY (ipv4, ipv6), …", each proxy where it comes first. */
static void put_proxies(struct ptd_text *t, const json_t *networks)
{
    size_t n = json_array_size(networks), n_proxies = 0;

    ptd_text_puts(t, "Proxies: ");
    for (size_t i = 0; i < n; i++) {
        const char *proxy =
            ptd_cli_get_text(json_array_get(networks, i), "proxy");
        bool known = proxy[0] == '\0';
        size_t n_nets = 0;

        for (size_t k = 0; k < i && !known; k++)
            known =
                strcmp(ptd_cli_get_text(json_array_get(networks, k), "proxy"),
                       proxy) == 0;
        if (known)
            continue;
        ptd_text_printf(t, "%s%s (", n_proxies++ > 0 ? ", " : "", proxy);
        for (size_t k = i; k < n; k++) {
            const json_t *net = json_array_get(networks, k);

            if (strcmp(ptd_cli_get_text(net, "proxy"), proxy) == 0)
                ptd_text_printf(t, "%s%s", n_nets++ > 0 ? ", " : "",
                                ptd_cli_get_text(net, "name"));
        }
        ptd_text_puts(t, ")");
    }
    ptd_text_puts(t, n_proxies > 0 ? "\n" : "n/a\n");
}

static void put_chain(struct ptd_text *t, const json_t *chain,
                      const struct colors *k)
{
    double progress = ptd_cli_get_real(chain, "verificationprogress", 0);

    ptd_text_printf(t, "%sChain: %s%s\n", k->blue,
                    ptd_cli_get_text(chain, "chain"), k->reset);
    put_line(t, "Blocks: ", ptd_cli_get(chain, "blocks"));
    put_line(t, "Headers: ", ptd_cli_get(chain, "headers"));
    ptd_text_puts(t, "Verification progress: ");
    put_progress(t, progress);
    ptd_text_printf(t, "%.4f%%\n", progress * 100);
    put_line(t, "Difficulty: ", ptd_cli_get(chain, "difficulty"));
    ptd_text_puts(t, "\n");
}

static void put_network(struct ptd_text *t, const json_t *network,
                        const struct colors *k)
{
    ptd_text_printf(t, "%sNetwork: in %lld, out %lld, total %lld%s\n", k->green,
                    (long long)ptd_cli_get_int(network, "connections_in"),
                    (long long)ptd_cli_get_int(network, "connections_out"),
                    (long long)ptd_cli_get_int(network, "connections"),
                    k->reset);
    put_line(t, "Version: ", ptd_cli_get(network, "version"));
    put_line(t, "Time offset (s): ", ptd_cli_get(network, "timeoffset"));
    put_proxies(t, ptd_cli_get(network, "networks"));
    put_line(t, "Min tx relay fee rate (BTC/kvB): ",
             ptd_cli_get(network, "relayfee"));
    ptd_text_puts(t, "\n");
}

/* Of a node that has one. */
static void put_wallet(struct ptd_text *t, const json_t *wallet,
                       const json_t *balances, const struct colors *k)
{
    if (json_is_object(wallet)) {
        const char *name = ptd_cli_get_text(wallet, "walletname");

        ptd_text_printf(t, "%sWallet: %s%s\n", k->magenta,
                        name[0] != '\0' ? name : "\"\"", k->reset);
        put_line(t, "Keypool size: ", ptd_cli_get(wallet, "keypoolsize"));
        if (ptd_cli_get(wallet, "unlocked_until") != NULL)
            put_line(t,
                     "Unlocked until: ", ptd_cli_get(wallet, "unlocked_until"));
    }
    if (json_is_object(balances)) {
        ptd_text_printf(t, "%sBalance:%s ", k->cyan, k->reset);
        put_line(t, "", ptd_cli_get(ptd_cli_get(balances, "mine"), "trusted"));
        ptd_text_puts(t, "\n");
    }
}

/* A text is a list of one, "" of none. */
static size_t n_warnings(const json_t *v)
{
    if (ptd_json_is(v, PTD_JSON_STRING))
        return json_string_length(v) > 0;
    return json_array_size(v);
}

static const json_t *warning_at(const json_t *v, size_t i)
{
    return ptd_json_is(v, PTD_JSON_STRING) ? v : json_array_get(v, i);
}

static bool has_warning(const json_t *v, const json_t *warning)
{
    for (size_t i = 0; i < n_warnings(v); i++)
        if (json_equal(warning_at(v, i), warning))
            return true;
    return false;
}

/* Of the network, then those that the chain alone has. */
static void put_warnings(struct ptd_text *t, const json_t *network,
                         const json_t *chain, const struct colors *k)
{
    const char *between = "";

    ptd_text_printf(t, "%sWarnings:%s ", k->yellow, k->reset);
    for (size_t i = 0; i < n_warnings(network); i++) {
        ptd_text_puts(t, between);
        ptd_json_write_plain(t, warning_at(network, i));
        between = "; ";
    }
    for (size_t i = 0; i < n_warnings(chain); i++) {
        if (has_warning(network, warning_at(chain, i)))
            continue;
        ptd_text_puts(t, between);
        ptd_json_write_plain(t, warning_at(chain, i));
        between = "; ";
    }
    if (*between == '\0')
        ptd_text_puts(t, "(none)");
}

static bool show_info(struct ptd_cli *c, const json_t *batch)
{
    const json_t *answers[N_ASKED], *results[N_ASKED];
    const struct colors *k;

    if (!ptd_cli_sort_batch(c, batch, answers, N_ASKED))
        return false;
    for (size_t i = 0; i < N_ASKED; i++) {
        const json_t *error = ptd_cli_error_of(answers[i]);

        results[i] = ptd_cli_get(answers[i], "result");
        /* Without a wallet it is not said. */
        if (error != NULL && (i == NETWORK || i == CHAIN)) {
            ptd_cli_print_error(c, error);
            return true;
        }
    }
    if ((k = choose_colors(c)) == NULL)
        return false;
    put_chain(&c->out, results[CHAIN], k);
    put_network(&c->out, results[NETWORK], k);
    put_wallet(&c->out, results[WALLET], results[BALANCES], k);
    put_warnings(&c->out, ptd_cli_get(results[NETWORK], "warnings"),
                 ptd_cli_get(results[CHAIN], "warnings"), k);
    return true;
}

bool ptd_cli_getinfo(struct ptd_cli *c)
{
    struct ptd_json_doc reply;
    struct ptd_text body = { 0 };
    bool good;

    if (c->n_args > 0)
        return ptd_cli_fail(c, "-getinfo takes no arguments");
    ptd_text_puts(&body, "[");
    ptd_cli_add_request(&body, "getnetworkinfo", NULL, NETWORK);
    ptd_text_puts(&body, ",");
    ptd_cli_add_request(&body, "getblockchaininfo", NULL, CHAIN);
    ptd_text_puts(&body, ",");
    ptd_cli_add_request(&body, "getwalletinfo", NULL, WALLET);
    ptd_text_puts(&body, ",");
    ptd_cli_add_request(&body, "getbalances", NULL, BALANCES);
    ptd_text_puts(&body, "]");
    good = ptd_cli_call(c, &body, c->cfg->wallet, &reply) &&
           show_info(c, reply.root);
    ptd_json_doc_fini(&reply);
    ptd_text_fini(&body);
    return good;
}

/* ---- -addrinfo ------------------------------------------------------------- */

static bool show_addresses(struct ptd_cli *c, const json_t *nodes)
{
    int64_t counts[PTD_CLI_N_NETS] = { 0 }, total = 0;
    json_t *known = json_object(), *all = json_object();

    for (size_t i = 0; i < json_array_size(nodes); i++) {
        int net = ptd_cli_net_of(
            ptd_cli_get_text(json_array_get(nodes, i), "network"));

        if (net >= 0)
            counts[net]++;
    }
    for (int i = PTD_CLI_NET_IPV4; i <= PTD_CLI_NET_CJDNS; i++) {
        ptd_json_set(&known, ptd_cli_net_names[i], json_integer(counts[i]));
        total += counts[i];
    }
    ptd_json_set(&known, "total", json_integer(total));
    ptd_json_set(&all, "addresses_known", known);
    if (all == NULL)
        return ptd_cli_fail_memory(c);
    ptd_cli_print_result(c, all);
    json_decref(all);
    return true;
}

bool ptd_cli_addrinfo(struct ptd_cli *c)
{
    struct ptd_json_doc reply;
    struct ptd_text body = { 0 };
    bool good;

    if (c->n_args > 0)
        return ptd_cli_fail(c, "-addrinfo takes no arguments");
    ptd_cli_add_request(&body, "getnodeaddresses", "[0]", 1);
    good = ptd_cli_call(c, &body, c->cfg->wallet, &reply);
    if (good && ptd_cli_error_of(reply.root) != NULL)
        ptd_cli_print_error(c, ptd_cli_error_of(reply.root));
    else if (good)
        good = show_addresses(c, ptd_cli_get(reply.root, "result"));
    ptd_json_doc_fini(&reply);
    ptd_text_fini(&body);
    return good;
}

/* ---- -generate ------------------------------------------------------------- */

static bool generate_to(struct ptd_cli *c, const json_t *address)
{
    const char *args[3] = { "1", json_string_value(address) };
    struct ptd_text params = { 0 }, body = { 0 };
    struct ptd_json_doc reply = { 0 };
    json_t *all;
    bool good;

    if (c->n_args > 2)
        return ptd_cli_fail(c, "too many arguments (maximum 2 for nblocks and "
                               "maxtries)");
    if (c->n_args > 0 && strcmp(c->args[0], "0") == 0)
        return ptd_cli_fail(c, "the first argument (number of blocks to "
                               "generate, default: 1) must be an integer value "
                               "greater than zero");
    if (c->n_args > 0)
        args[0] = c->args[0];
    if (c->n_args > 1)
        args[2] = c->args[1];
    good = ptd_cli_convert(c, &params, "generatetoaddress", args,
                           c->n_args > 1 ? 3 : 2, false);
    if (good) {
        ptd_cli_add_request(&body, "generatetoaddress", params.v, 1);
        good = ptd_cli_call(c, &body, c->cfg->wallet, &reply);
    }
    if (good && ptd_cli_error_of(reply.root) != NULL) {
        ptd_cli_print_error(c, ptd_cli_error_of(reply.root));
    } else if (good) {
        all = json_object();
        ptd_json_set(&all, "address", json_deep_copy(address));
        ptd_json_set(&all, "blocks",
                     json_incref(json_object_get(reply.root, "result")));
        if (all != NULL)
            ptd_cli_print_result(c, all);
        else
            good = ptd_cli_fail_memory(c);
        json_decref(all);
    }
    ptd_json_doc_fini(&reply);
    ptd_text_fini(&params);
    ptd_text_fini(&body);
    return good;
}

bool ptd_cli_generate(struct ptd_cli *c)
{
    struct ptd_json_doc reply;
    struct ptd_text body = { 0 };
    const json_t *address;
    bool good;

    ptd_cli_add_request(&body, "getnewaddress", "[]", 1);
    good = ptd_cli_call(c, &body, c->cfg->wallet, &reply);
    address = ptd_cli_get(reply.root, "result");
    if (good && ptd_cli_error_of(reply.root) != NULL)
        ptd_cli_print_error(c, ptd_cli_error_of(reply.root));
    else if (good && !ptd_json_is(address, PTD_JSON_STRING))
        good = ptd_cli_fail(c, "the server gave no address");
    else if (good)
        good = generate_to(c, address);
    ptd_json_doc_fini(&reply);
    ptd_text_fini(&body);
    return good;
}
