/* pentad-cli: its options. What it asks and prints is in the rpc room. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/args.h"
#include "node/datadir.h"
#include "node/options.h"
#include "node/settings.h"
#include "pentad/params.h"
#include "rpc/cli.h"

/* ---- the options ----------------------------------------------------------- */

/* Those that stand in bitcoin.conf too are in the node's table, and read by its
 * rules; the others concern one call, and are kept here. */
static const struct option {
    const char *name;
    const char *form; /* NULL: not shown */
    const char *help;
} options[] = {
    { "?", NULL, NULL },
    { "h", NULL, NULL },
    { "help", "", "Print this and exit (also -h or -?)" },
    { "help-debug", NULL, NULL },
    { "version", "", "Print the version and exit" },
    { "conf", "=<file>",
      "Read options from <file>, relative to the data directory (default: "
      "bitcoin.conf)" },
    { "datadir", "=<dir>", "The node's data directory (default: ~/.pentad)" },
    { "chain", "=<chain>",
      "Talk to the node of <chain> (default: main): main, test, testnet4, "
      "signet, regtest" },
    { "testnet", "", "The same as -chain=test" },
    { "testnet4", "", "The same as -chain=testnet4" },
    { "signet", "", "The same as -chain=signet" },
    { "signetchallenge", NULL, NULL },
    { "signetseednode", NULL, NULL },
    { "regtest", "", "The same as -chain=regtest" },
    { "color", "=<when>",
      "Color -getinfo: always, auto (on a terminal), never (default: auto)" },
    { "named", "",
      "Parameters are given as name=value, and by position where there is no "
      "such name" },
    { "rpcclienttimeout", "=<n>",
      "Wait <n> seconds for an answer, 0: for ever (default: 900)" },
    { "rpcconnect", "=<ip>[:port]",
      "Talk to the node at this address (default: 127.0.0.1)" },
    { "rpccookiefile", "=<loc>",
      "Where the cookie is, relative to the network's directory (default: "
      ".cookie); -norpccookiefile: there is none" },
    { "rpcpassword", "=<pw>", "The password; without it the cookie is used" },
    { "rpcport", "=<port>",
      "Talk to the node at this port (default: 8332, test 18332, testnet4 "
      "48332, signet 38332, regtest 18443)" },
    { "rpcuser", "=<user>", "The user" },
    { "rpcwait", "", "Wait for the node to start" },
    { "rpcwaittimeout", "=<n>",
      "With -rpcwait: for <n> seconds at most, 0: for ever (default: 0)" },
    { "rpcwallet", "=<name>", "Ask about this wallet of a node that has some" },
    { "stdin", "", "Read more arguments from standard input, one a line" },
    { "stdinrpcpass", "",
      "Read the password from the first line of standard input" },
    { "stdinwalletpassphrase", "",
      "Read a wallet's passphrase from the next line of standard input" },
    { "addrinfo", "", "Print how many addresses the node knows, by network" },
    { "generate", " [nblocks [maxtries]]",
      "Mine blocks to a new address of the node's wallet" },
    { "getinfo", "", "Print how the node is, in short" },
    { "netinfo", " [level [outonly]] | help",
      "Print its connections as a table; level 0 to 4" },
};

struct program {
    const char *values[PTD_COUNT(options)]; /* of those kept here; NULL: not
                                               given, or negated */
    struct ptd_args args;                   /* the others */
    struct ptd_node_config node;
    struct ptd_complaint why;
    char *cookie;
};

static size_t option_of(const char *name, size_t n)
{
    size_t i = 0;

    while (i < PTD_COUNT(options) && (strlen(options[i].name) != n ||
                                      memcmp(options[i].name, name, n) != 0))
        i++;
    return i;
}

/* The value of an option that is kept here. */
static const char *value_of(const struct program *p, const char *name)
{
    return p->values[option_of(name, strlen(name))];
}

/* Empty is true; else whether the number is not 0. */
static bool is_on(const struct program *p, const char *name)
{
    const char *v = value_of(p, name);

    return v != NULL && (*v == '\0' || atoi(v) != 0);
}

/* One word of the command line.
 *
 * shared   true: it is for the node's rules
 */
static enum ptd_err read_word(struct program *p, const char *arg, bool *shared)
{
    const char *name = arg + (arg[1] == '-' ? 2 : 1);
    size_t n = strcspn(name, "=");
    const char *value = name[n] == '=' ? name + n + 1 : "";
    size_t i = option_of(name, n);
    bool negated = i == PTD_COUNT(options) && strncmp(name, "no", 2) == 0;

    if (negated)
        i = option_of(name + 2, n - 2);
    if (i == PTD_COUNT(options))
        return ptd_complain(&p->why, "Invalid parameter %.1000s", arg);
    *shared = ptd_option_of(options[i].name) != NULL;
    if (!*shared)
        p->values[i] = negated ? NULL : value;
    return PTD_OK;
}

/* Options up to the first word that is none: n of argv are read. */
static enum ptd_err read_argv(struct program *p, int argc, char **argv, int *n)
{
    char **shared = ptd_calloc((size_t)argc + 1, sizeof *shared);
    enum ptd_err e = PTD_OK;
    int n_shared = 1, i;

    if (shared == NULL)
        return PTD_ENOMEM;
    shared[0] = argv[0];
    for (i = 1; i < argc && argv[i][0] == '-' && e == PTD_OK; i++) {
        bool is_shared = false;

        e = read_word(p, argv[i], &is_shared);
        if (is_shared)
            shared[n_shared++] = argv[i];
    }
    if (e == PTD_OK)
        e = ptd_args_read_argv(&p->args, n_shared, shared, &p->why);
    ptd_free(shared);
    *n = i;
    return e;
}

/* ---- help ------------------------------------------------------------------ */

/* Lines of at most 79 characters, indented. */
static void print_folded(const char *text, int indent)
{
    while (*text != '\0') {
        size_t room = (size_t)(79 - indent), n = strlen(text);

        if (n > room) {
            n = room;
            while (n > 0 && text[n] != ' ')
                n--;
            if (n == 0)
                n = strcspn(text, " ");
        }
        printf("%*s%.*s\n", indent, "", (int)n, text);
        text += n;
        text += strspn(text, " ");
    }
}

static void print_help(void)
{
    printf("\nAsks a Bitcoin node over its RPC interface, and prints the "
           "answer.\n\n"
           "\"help\" lists all methods, \"help <method>\" tells about one.\n\n"
           "Usage: pentad-cli [options] <method> [parameters]\n"
           "or:    pentad-cli [options] -named <method> [name=value]...\n"
           "or:    pentad-cli [options] help\n"
           "or:    pentad-cli [options] help <method>\n\n\n"
           "Options:\n\n");
    for (size_t i = 0; i < PTD_COUNT(options); i++) {
        if (options[i].form == NULL)
            continue;
        printf("  -%s%s\n", options[i].name, options[i].form);
        print_folded(options[i].help, 7);
        putchar('\n');
    }
}

static bool wants(const struct program *p, const char *name)
{
    if (ptd_option_of(name) != NULL)
        return ptd_args_is_set(&p->args, name);
    return value_of(p, name) != NULL;
}

/* Whether -help, -version or nothing at all was asked for, and done. */
static bool just_told(const struct program *p, int argc, int *status)
{
    bool version = wants(p, "version");
    bool help = wants(p, "help") || wants(p, "h") || wants(p, "?") ||
                wants(p, "help-debug");

    if (argc >= 2 && !version && !help)
        return false;
    printf("%s RPC client version v%s\n", PTD_CLIENT_NAME, PACKAGE_VERSION);
    if (!version)
        print_help();
    *status = EXIT_SUCCESS;
    if (argc < 2) {
        fputs("Error: too few parameters\n", stderr);
        *status = EXIT_FAILURE;
    }
    return true;
}

/* ---- what follows from them ------------------------------------------------ */

static const char *chain_of(const struct ptd_params *params)
{
    if (params->chain == PTD_CHAIN_MAIN)
        return "";
    return strcmp(params->name, "test") == 0 ? "testnet" : params->name;
}

static enum ptd_err find_cookie(struct program *p)
{
    if (ptd_args_is_negated(&p->args, "rpccookiefile"))
        return PTD_OK;
    p->cookie =
        ptd_path_option(&p->args, "rpccookiefile", p->node.netdir, ".cookie");
    return p->cookie != NULL ? PTD_OK : PTD_ENOMEM;
}

static void ask_for(struct ptd_cli_config *cfg, const struct program *p)
{
    static const struct {
        const char *name;
        enum ptd_cli_ask what;
    } asks[] = { { "addrinfo", PTD_CLI_ADDRINFO },
                 { "generate", PTD_CLI_GENERATE },
                 { "getinfo", PTD_CLI_GETINFO },
                 { "netinfo", PTD_CLI_NETINFO } };

    for (size_t i = 0; i < PTD_COUNT(asks); i++)
        if (is_on(p, asks[i].name))
            cfg->ask |= asks[i].what;
}

static int run(const struct program *p, char **args, int n_args)
{
    const struct ptd_args *a = &p->args;
    const char *conf = p->node.conf_path;
    struct ptd_cli_config cfg;

    ptd_cli_config_init(&cfg);
    cfg.program = PTD_CLIENT_NAME;
    cfg.version = PACKAGE_VERSION;
    cfg.chain = chain_of(p->node.params);
    cfg.connect = ptd_args_text(a, "rpcconnect", cfg.connect);
    cfg.port = ptd_args_text(a, "rpcport", NULL);
    cfg.default_port = p->node.params->rpc_port;
    cfg.user = ptd_args_text(a, "rpcuser", "");
    cfg.password = ptd_args_text(a, "rpcpassword", "");
    cfg.cookie_path = p->cookie;
    cfg.conf_path = conf != NULL ? conf : "";
    if (!ptd_args_is_negated(a, "rpcwallet"))
        cfg.wallet = ptd_args_text(a, "rpcwallet", NULL);
    cfg.timeout_s = ptd_args_int(a, "rpcclienttimeout", cfg.timeout_s);
    cfg.wait = ptd_args_bool(a, "rpcwait", false);
    cfg.wait_timeout_s = ptd_args_int(a, "rpcwaittimeout", 0);
    cfg.named = ptd_args_bool(a, "named", false);
    cfg.read_stdin = is_on(p, "stdin");
    cfg.read_password = is_on(p, "stdinrpcpass");
    cfg.read_passphrase = is_on(p, "stdinwalletpassphrase");
    if (value_of(p, "color") != NULL)
        cfg.color = value_of(p, "color");
    ask_for(&cfg, p);
    cfg.args = (const char *const *)args;
    cfg.n_args = (size_t)n_args;
    return ptd_cli_run(&cfg);
}

/* What went wrong before anything was asked. */
static int complain(const struct program *p, enum ptd_err e, const char *before)
{
    static const char own[] = "Error reading configuration file:";
    const char *text = e == PTD_EINVAL ? p->why.text : ptd_err_text(e);

    if (strncmp(text, own, sizeof own - 1) == 0)
        before = "";
    fprintf(stderr, "%s%s\n", before, text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct program p = { 0 };
    enum ptd_err e;
    int n = 1, status;

    ptd_args_init(&p.args);
    if ((e = read_argv(&p, argc, argv, &n)) != PTD_OK)
        status = complain(&p, e, "Error parsing command line arguments: ");
    else if (just_told(&p, argc, &status))
        ; /* that was all */
    else if ((e = ptd_node_config_find(&p.node, &p.args, &p.why)) != PTD_OK ||
             (e = find_cookie(&p)) != PTD_OK)
        status = complain(&p, e, "Error: ");
    else
        status = run(&p, argv + n, argc - n);
    ptd_node_config_fini(&p.node);
    ptd_args_fini(&p.args);
    ptd_free(p.cookie);
    return status;
}
