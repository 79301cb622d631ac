/* pentad-cli as a program, against a server in this process. */
#include <config.h>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "rig.h"
#include "rpc/cli_params.h"

extern char **environ;

enum { MAX_ARGS = 24, MAX_TEXT = 64 * 1024 };

struct run {
    int status;
    char out[MAX_TEXT];
    char err[MAX_TEXT];
};

static const char *program(void)
{
    static char path[1024];
    const char *dir = getenv("PTD_BUILDDIR");

    snprintf(path, sizeof path, "%s/src/cmd/pentad-cli",
             dir != NULL ? dir : ".");
    return path;
}

/* Read both to their ends. */
static void read_both(int out, int err, struct run *r)
{
    struct pollfd on[2] = { { .fd = out, .events = POLLIN },
                            { .fd = err, .events = POLLIN } };
    char *to[2] = { r->out, r->err };
    size_t n[2] = { 0, 0 };

    while (on[0].fd >= 0 || on[1].fd >= 0) {
        ck_assert_int_gt(poll(on, 2, 20000), 0);
        for (int i = 0; i < 2; i++) {
            ssize_t got;

            if (on[i].fd < 0 || on[i].revents == 0)
                continue;
            ck_assert_uint_lt(n[i] + 1, MAX_TEXT);
            got = read(on[i].fd, to[i] + n[i], MAX_TEXT - 1 - n[i]);
            ck_assert_int_ge(got, 0);
            n[i] += (size_t)got;
            if (got == 0)
                on[i].fd = -1;
        }
    }
    r->out[n[0]] = r->err[n[1]] = '\0';
}

static void spawn_cli(struct run *r, const char *const *args, const char *input)
{
    posix_spawn_file_actions_t actions;
    char *argv[MAX_ARGS + 2] = { (char *)(uintptr_t)program() };
    int in[2], out[2], err[2], status;
    pid_t pid;

    for (size_t i = 0; args[i] != NULL; i++) {
        ck_assert_uint_lt(i, MAX_ARGS);
        argv[i + 1] = (char *)(uintptr_t)args[i];
    }
    ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    ck_assert_msg(posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) ==
                      0,
                  "%s", argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    rig_write_all(in[1], input);
    close(in[1]);
    read_both(out[0], err[0], r);
    close(out[0]);
    close(err[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    r->status = WEXITSTATUS(status);
}

/* ---- a node ---------------------------------------------------------------- */

/* What a node would say; the argument is JSON. */
static json_t *say(struct ptd_rpc_call *call, void *arg)
{
    static const struct {
        const char *method, *text;
    } answers[] = {
        { "getnetworkinfo",
          "{\"version\":310100,\"subversion\":\"/Pentad:0.1.0/\","
          "\"protocolversion\":70016,\"localservicesnames\":[\"NETWORK\","
          "\"WITNESS\",\"NETWORK_LIMITED\",\"P2P_V2\"],\"timeoffset\":-2,"
          "\"connections\":3,\"connections_in\":1,\"connections_out\":2,"
          "\"networks\":[{\"name\":\"ipv4\",\"reachable\":true,\"proxy\":"
          "\"127.0.0.1:9050\"},{\"name\":\"ipv6\",\"reachable\":true,"
          "\"proxy\":\"\"},{\"name\":\"onion\",\"reachable\":false,\"proxy\":"
          "\"127.0.0.1:9050\"},{\"name\":\"i2p\",\"reachable\":true,\"proxy\":"
          "\"127.0.0.1:7656\"}],\"localaddresses\":[{\"address\":\"1.2.3.4\","
          "\"port\":8333,\"score\":4}],\"warnings\":[\"one\",\"two\"]}" },
        { "getblockchaininfo",
          "{\"chain\":\"regtest\",\"blocks\":5,\"headers\":10,"
          "\"verificationprogress\":0.5,\"difficulty\":4,"
          "\"warnings\":[\"two\",\"three\"]}" },
        { "getpeerinfo",
          "[{\"id\":12,\"addr\":\"10.0.0.1:8333\",\"network\":\"ipv4\","
          "\"servicesnames\":[\"NETWORK\",\"NETWORK_LIMITED\"],\"relaytxes\":"
          "true,\"lastsend\":0,\"lastrecv\":0,\"last_transaction\":0,"
          "\"last_block\":0,\"conntime\":0,\"pingtime\":0.0214,\"minping\":"
          "0.0106,\"version\":70016,\"subver\":\"/A:1/\",\"inbound\":false,"
          "\"bip152_hb_to\":true,\"bip152_hb_from\":false,"
          "\"addr_relay_enabled\":true,\"addr_processed\":7,"
          "\"addr_rate_limited\":0,\"connection_type\":"
          "\"outbound-full-relay\",\"transport_protocol_type\":\"v2\"},"
          "{\"id\":3,\"addr\":\"[::1]:9\",\"network\":"
          "\"not_publicly_routable\",\"servicesnames\":[],\"relaytxes\":false,"
          "\"inbound\":true,\"version\":0,\"subver\":\"\",\"conntime\":0,"
          "\"connection_type\":\"inbound\",\"transport_protocol_type\":"
          "\"detecting\"},"
          "{\"id\":4,\"addr\":\"10.0.0.2:8333\",\"network\":\"ipv4\","
          "\"servicesnames\":[\"WITNESS\"],\"inbound\":false,\"version\":70015,"
          "\"subver\":\"/B/\",\"conntime\":0,\"connection_type\":"
          "\"manual\",\"mapped_as\":64512,\"minping\":2000}]" },
        { "getnodeaddresses",
          "[{\"network\":\"ipv4\"},{\"network\":\"ipv4\"},{\"network\":"
          "\"onion\"},{\"network\":\"future\"}]" },
        { "getnewaddress", "\"bcrt1qaddress\"" },
    };

    (void)arg;
    for (size_t i = 0; i < PTD_COUNT(answers); i++)
        if (strcmp(answers[i].method, ptd_rpc_method_name(call)) == 0)
            return json_loads(answers[i].text, JSON_DECODE_ANY, NULL);
    return ptd_rpc_fail(call, PTD_RPC_MISC_ERROR, "no answer");
}

static json_t *network(struct ptd_rpc_call *call, void *arg)
{
    json_t *o = say(call, arg);

    ptd_json_set(&o, "relayfee", ptd_json_amount(100));
    return o;
}

static json_t *generate(struct ptd_rpc_call *call, void *arg)
{
    int64_t n = 0;

    (void)arg;
    if (!ptd_rpc_arg_int(call, 0, &n, 1, 10))
        return NULL;
    return json_pack("[Isi]", (json_int_t)n, "to", (int)ptd_rpc_n_args(call));
}

#define ANYTHING PTD_RPC_RESULTS(PTD_RPC_RESULT(ANY, NULL, NULL))
#define SAYS(method, what)                                                     \
    {                                                                          \
        .name = method, .category = "hidden", .text = "Says.\n",               \
        .results = ANYTHING, .fn = what                                        \
    }

static const struct ptd_rpc_method node_methods[] = {
    SAYS("getnetworkinfo", network),
    SAYS("getblockchaininfo", say),
    SAYS("getpeerinfo", say),
    SAYS("getnewaddress", say),
    { .name = "getnodeaddresses",
      .category = "hidden",
      .text = "Says.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "count", OMITTED, "")),
      .results = ANYTHING,
      .fn = say },
    { .name = "generatetoaddress",
      .category = "hidden",
      .text = "Mines.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "nblocks", REQUIRED, ""),
                           PTD_RPC_ARG(STR, "address", REQUIRED, ""),
                           PTD_RPC_ARG(NUM, "maxtries", OMITTED, "")),
      .results = ANYTHING,
      .fn = generate },
};

/* A server whose cookie lies in its own directory's "regtest", where a client
 * with -datadir finds it. */
struct node {
    struct rig g;
    char netdir[96];
    char datadir[96]; /* -datadir=… */
    char port[32];    /* -rpcport=… */
};

static void node_start(struct node *n)
{
    struct ptd_rpc_why why;

    rig_init(&n->g);
    snprintf(n->netdir, sizeof n->netdir, "%s/regtest", n->g.dir);
    ck_assert_int_eq(mkdir(n->netdir, 0700), 0);
    snprintf(n->datadir, sizeof n->datadir, "-datadir=%s", n->g.dir);
    n->g.cfg.datadir = n->netdir;
    n->g.cfg.password = "";
    ck_assert_int_eq(ptd_rpc_new(&n->g.rpc, &n->g.cfg, &why), PTD_OK);
    ck_assert_int_eq(
        ptd_rpc_add(n->g.rpc, node_methods, PTD_COUNT(node_methods), NULL),
        PTD_OK);
    rig_run(&n->g);
    snprintf(n->port, sizeof n->port, "-rpcport=%u", (unsigned)n->g.port);
}

static void node_stop(struct node *n)
{
    rig_stop(&n->g);
    ck_assert_int_eq(rmdir(n->netdir), 0);
    rig_fini(&n->g);
}

/* Run with -datadir, -rpcport and -regtest before the arguments. */
static void run_cli(struct node *n, struct run *r, const char *const *args,
                    const char *input)
{
    const char *all[MAX_ARGS] = { n->datadir, n->port, "-regtest" };
    size_t k = 3;

    for (size_t i = 0; args[i] != NULL; i++)
        all[k++] = args[i];
    all[k] = NULL;
    spawn_cli(r, all, input != NULL ? input : "");
}

/* ---- rows ------------------------------------------------------------------ */

#define NETINFO_TAIL                                                           \
    "         ipv4    ipv6     i2p     npr   total   block  manual\n"          \
    "in          0       0       0       1       1\n"                          \
    "out         2       0       0       0       2       0       1\n"          \
    "total       2       0       0       1       3"
#define NETINFO_LOCAL                                                          \
    "\n\nLocal addresses\n1.2.3.4     port   8333    score      4\n"
#define NETINFO_HEAD                                                           \
    "Pentad client v" PACKAGE_VERSION " regtest - server 70016/Pentad:0.1.0/"

static const struct row {
    const char *name;
    const char *args[10];
    const char *input;
    int status;
    const char *out; /* NULL: does not matter */
    const char *err; /* is in stderr; "": it is empty */
} rows[] = {
    { "a number", { "count" }, NULL, 0, "1\n", "" },
    { "a string",
      { "help", "count" },
      NULL,
      0,
      "count\n\nCounts.\n\nResult:\nn    (numeric) A number\n\n",
      "" },
    { "strings",
      { "echo", "a", "1", "\xc3\xa9\n" },
      NULL,
      0,
      "[\n  \"a\",\n  \"1\",\n  \"\xc3\xa9\\n\"\n]\n",
      "" },
    { "JSON",
      { "echojson", "a=b", "1" },
      NULL,
      1,
      "",
      "error: Error parsing JSON: a=b\n" },
    { "JSON parsed",
      { "echojson", "{\"k\":[1.50,null]}", "12345678901234567890" },
      NULL,
      0,
      "[\n  {\n    \"k\": [\n      1.50,\n      null\n    ]\n  },\n  "
      "12345678901234567890\n]\n",
      "" },
    { "nothing in it", { "echo" }, NULL, 0, "[\n]\n", "" },
    { "a method unknown",
      { "nope" },
      NULL,
      32601 & 255,
      "",
      "error code: -32601\nerror message:\nMethod not found\n" },
    { "a failure",
      { "fail" },
      NULL,
      24,
      "",
      "error code: -24\nerror message:\nNot\nadded \"7\"\n" },
    { "no method",
      { NULL },
      NULL,
      1,
      "",
      "error: too few parameters (need at least command)\n" },
    { "an amount", { "amount", "0.1" }, NULL, 0, "0.10000000\n", "" },
    { "two dashes",
      { "--named", "echo", "arg1=x" },
      NULL,
      0,
      "[\n  null,\n  \"x\"\n]\n",
      "" },
    { "named, later ones win",
      { "-named", "echo", "arg0=0", "arg1=1", "arg2=2", "arg1=3" },
      NULL,
      0,
      "[\n  \"0\",\n  \"3\",\n  \"2\"\n]\n",
      "" },
    { "named and not",
      { "-named", "echo", "0", "1", "arg3=3" },
      NULL,
      0,
      "[\n  \"0\",\n  \"1\",\n  null,\n  \"3\"\n]\n",
      "" },
    { "named, twice",
      { "-named", "echo", "0", "arg0=1" },
      NULL,
      8,
      "",
      "error code: -8\nerror message:\nParameter arg0 specified twice both as "
      "positional and named argument\n" },
    { "args named and given",
      { "-named", "echo", "args=[0]", "4" },
      NULL,
      8,
      "",
      "error code: -8\nerror message:\nParameter args specified multiple "
      "times\n" },
    { "an equals sign in JSON",
      { "-named", "echojson", "[\"k=v\"]", "42" },
      NULL,
      0,
      "[\n  [\n    \"k=v\"\n  ],\n  42\n]\n",
      "" },
    { "a name unknown",
      { "-named", "echo", "foo=1" },
      NULL,
      8,
      "",
      "Unknown named parameter foo\n" },
    { "arguments from stdin",
      { "-stdin", "echo", "a" },
      "b\n\nc d",
      0,
      "[\n  \"a\",\n  \"b\",\n  \"\",\n  \"c d\"\n]\n",
      "" },
    { "all of it from stdin", { "-stdin" }, "count\n", 0, "1\n", "" },
    { "a wrong password",
      { "-rpcuser=x", "-rpcpassword=y", "count" },
      NULL,
      1,
      "",
      "error: Authorization failed: Incorrect rpcuser or rpcpassword\n" },
    { "a wrong password from stdin",
      { "-rpcuser=x", "-stdinrpcpass", "count" },
      "y\n",
      1,
      "",
      "error: Authorization failed: Incorrect rpcuser or rpcpassword\n" },
    { "no password on stdin",
      { "-stdinrpcpass", "count" },
      "",
      1,
      "",
      "error: -stdinrpcpass specified but failed to read from standard "
      "input\n" },
    { "no cookie",
      { "-rpccookiefile=nowhere", "count" },
      NULL,
      1,
      "",
      "error: Could not locate RPC credentials. No authentication cookie could "
      "be found, and RPC password is not set.  See -rpcpassword and "
      "-stdinrpcpass.  Configuration file: (" },
    { "the cookie is not asked for",
      { "-norpccookiefile", "count" },
      NULL,
      1,
      "",
      "error: Authorization failed" },
    { "nobody there",
      { "-rpcport=1", "count" },
      NULL,
      1,
      "",
      "error: timeout on transient error: Could not connect to the server "
      "127.0.0.1:1\n\nMake sure the pentad server is running and that you are "
      "connecting to the correct RPC port.\nUse \"pentad-cli -help\" for more "
      "info.\n" },
    { "nobody there, IPv6",
      { "-rpcport=1", "-rpcconnect=[::1]", "count" },
      NULL,
      1,
      "",
      "Could not connect to the server ::1:1\n" },
    { "port no number",
      { "-rpcport=notaport", "count" },
      NULL,
      1,
      "",
      "error: Invalid port provided in -rpcport: notaport\n" },
    { "port 0",
      { "-rpcport=0", "count" },
      NULL,
      1,
      "",
      "error: Invalid port provided in -rpcport: 0\n" },
    { "port too high",
      { "-rpcport=65536", "count" },
      NULL,
      1,
      "",
      "error: Invalid port provided in -rpcport: 65536\n" },
    { "connect, port no number",
      { "-rpcconnect=127.0.0.1:x", "count" },
      NULL,
      1,
      "",
      "error: Invalid port provided in -rpcconnect: 127.0.0.1:x\n" },
    { "connect, port 0",
      { "-rpcconnect=[::1]:0", "count" },
      NULL,
      1,
      "",
      "error: Invalid port provided in -rpcconnect: [::1]:0\n" },
    { "two ports",
      { "-rpcconnect=127.0.0.1:1", "count" },
      NULL,
      0,
      "1\n",
      "Warning: Port specified in both -rpcconnect and -rpcport. Using "
      "-rpcport " },
    { "no host",
      { "-rpcconnect=a b/c", "count" },
      NULL,
      1,
      "",
      "Could not connect to the server a b/c:" },
    { "an option unknown",
      { "-nosuch", "count" },
      NULL,
      1,
      "",
      "Error parsing command line arguments: Invalid parameter -nosuch\n" },
    { "an option of the node alone",
      { "-listen=0", "count" },
      NULL,
      1,
      "",
      "Error parsing command line arguments: Invalid parameter -listen=0\n" },
    { "two questions",
      { "-netinfo", "-getinfo" },
      NULL,
      1,
      "",
      "error: Only one of -getinfo, -netinfo may be specified.\n" },
    { "a question not asked",
      { "-getinfo", "-nogetinfo", "count" },
      NULL,
      0,
      "1\n",
      "" },
    { "wallet",
      { "-rpcwallet=a b", "count" },
      NULL,
      1,
      "",
      "error: no response from server\n" },
    { "-generate",
      { "-generate" },
      NULL,
      0,
      "{\n  \"address\": \"bcrt1qaddress\",\n  \"blocks\": [\n    1,\n    "
      "\"to\",\n    2\n  ]\n}\n",
      "" },
    { "-generate, two arguments",
      { "-generate", "3", "99" },
      NULL,
      0,
      "{\n  \"address\": \"bcrt1qaddress\",\n  \"blocks\": [\n    3,\n    "
      "\"to\",\n    3\n  ]\n}\n",
      "" },
    { "-generate no number",
      { "-generate", "foo" },
      NULL,
      1,
      "",
      "error: Error parsing JSON: foo\n" },
    { "-generate none",
      { "-generate", "0" },
      NULL,
      1,
      "",
      "error: the first argument (number of blocks to generate, default: 1) "
      "must be an integer value greater than zero\n" },
    { "-generate, three arguments",
      { "-generate", "1", "2", "3" },
      NULL,
      1,
      "",
      "error: too many arguments (maximum 2 for nblocks and maxtries)\n" },
    { "-addrinfo",
      { "-addrinfo" },
      NULL,
      0,
      "{\n  \"addresses_known\": {\n    \"ipv4\": 2,\n    \"ipv6\": 0,\n    "
      "\"onion\": 1,\n    \"i2p\": 0,\n    \"cjdns\": 0,\n    \"total\": 3\n  "
      "}\n}\n",
      "" },
    { "-addrinfo, an argument",
      { "-addrinfo", "x" },
      NULL,
      1,
      "",
      "error: -addrinfo takes no arguments\n" },
    { "-getinfo",
      { "-getinfo" },
      NULL,
      0,
      "Chain: regtest\nBlocks: 5\nHeaders: 10\nVerification progress: "
      "\xe2\x96\x92\xe2\x96\x92\xe2\x96\x92\xe2\x96\x92\xe2\x96\x92"
      "\xe2\x96\x92\xe2\x96\x92\xe2\x96\x92\xe2\x96\x92\xe2\x96\x92"
      "\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91"
      "\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91"
      " 50.0000%\nDifficulty: 4\n\nNetwork: in 1, out 2, total 3\n"
      "Version: 310100\nTime offset (s): -2\nProxies: 127.0.0.1:9050 (ipv4, "
      "onion), 127.0.0.1:7656 (i2p)\nMin tx relay fee rate (BTC/kvB): "
      "0.00000100\n\nWarnings: one; two; three\n",
      "" },
    { "-getinfo in color", { "-getinfo", "-color=always" }, NULL, 0, NULL, "" },
    { "-getinfo in no color",
      { "-getinfo", "-color=foo" },
      NULL,
      1,
      "",
      "error: Invalid value for -color option. Valid values: always, auto, "
      "never.\n" },
    { "-getinfo, an argument",
      { "-getinfo", "help" },
      NULL,
      1,
      "",
      "error: -getinfo takes no arguments\n" },
    { "-netinfo",
      { "-netinfo" },
      NULL,
      0,
      NETINFO_HEAD "\n\n" NETINFO_TAIL
                   "\n\nLocal services: network, witness, network limited, p2p "
                   "v2" NETINFO_LOCAL,
      "" },
    { "-netinfo 4",
      { "-netinfo", "9" },
      NULL,
      0,
      NETINFO_HEAD
      " - services nwl2\n\n"
      "<->   type   net   serv  v  mping   ping send recv  txn  blk  hb a"
      "ddrp addrl  age  asmap id address       version\n"
      " in          npr                                      *           "
      "   .                    3 [::1]:9       \n"
      "out   full  ipv4     nl  2     11     21                      .   "
      "   7                   12 10.0.0.1:8333 70016/A:1/\n"
      "out manual  ipv4      w  1      -                                 "
      "   .             64512  4 10.0.0.2:8333 70015/B/\n"
      "                               ms     ms  sec  sec  min  min      "
      "            min\n"
      "\n" NETINFO_TAIL NETINFO_LOCAL,
      "" },
    { "-netinfo 2 outonly", { "-netinfo", "2", "o" }, NULL, 0, NULL, "" },
    { "-netinfo help", { "-netinfo", "help" }, NULL, 0, NULL, "" },
    { "-netinfo, no level",
      { "-netinfo", "x" },
      NULL,
      1,
      "",
      "error: invalid -netinfo level argument: x\nFor more information, run: "
      "pentad-cli -netinfo help\n" },
    { "-netinfo 0 outonly",
      { "-netinfo", "0", "o" },
      NULL,
      1,
      "",
      "error: invalid -netinfo outonly argument: o\nThe outonly argument is "
      "only valid for a level greater than 0 (the first argument)." },
    { "-version",
      { "-version" },
      NULL,
      0,
      "Pentad RPC client version v" PACKAGE_VERSION "\n",
      "" },
    { "-help", { "-help" }, NULL, 0, NULL, "" },
};

START_TEST(a_command_line_gets_its_answer)
{
    const struct row *row = &rows[_i];
    static struct run r;
    struct node n;

    node_start(&n);
    run_cli(&n, &r, row->args, row->input);
    ck_assert_msg(r.status == row->status, "%s: %d\n%s%s", row->name, r.status,
                  r.out, r.err);
    if (row->out != NULL)
        ck_assert_msg(strcmp(r.out, row->out) == 0, "%s:\n%s\nnot\n%s",
                      row->name, r.out, row->out);
    ck_assert_msg(row->err[0] != '\0' ? strstr(r.err, row->err) != NULL
                                      : r.err[0] == '\0',
                  "%s:\n%s", row->name, r.err);
    node_stop(&n);
}
END_TEST

START_TEST(a_password_from_stdin_comes_before_arguments)
{
    const char *args[] = { "-stdin",
                           "-stdinrpcpass",
                           "-rpcuser=__cookie__",
                           "-rpcpassword=wrong",
                           "echo",
                           NULL };
    static struct run r;
    char path[128], cookie[256] = "", input[300];
    struct node n;
    FILE *f;

    node_start(&n);
    snprintf(path, sizeof path, "%s/.cookie", n.netdir);
    ck_assert_ptr_nonnull(f = fopen(path, "r"));
    ck_assert_ptr_nonnull(fgets(cookie, sizeof cookie, f));
    fclose(f);
    ck_assert_ptr_nonnull(strchr(cookie, ':'));
    snprintf(input, sizeof input, "%s\nfoo\nbar", strchr(cookie, ':') + 1);
    run_cli(&n, &r, args, input);
    ck_assert_msg(r.status == 0, "%s", r.err);
    ck_assert_str_eq(r.out, "[\n  \"foo\",\n  \"bar\"\n]\n");
    node_stop(&n);
}
END_TEST

/* Options of the client in bitcoin.conf. */
START_TEST(a_file_says_where_the_node_is)
{
    const char *args[3] = { NULL };
    static struct run r;
    char path[128];
    struct node n;
    FILE *f;

    node_start(&n);
    snprintf(path, sizeof path, "%s/bitcoin.conf", n.g.dir);
    ck_assert_ptr_nonnull(f = fopen(path, "w"));
    fprintf(f, "regtest=1\nlisten=0\n[regtest]\nrpcport=%u\nrpcconnect=::1\n",
            (unsigned)n.g.port);
    fclose(f);
    args[0] = n.datadir;
    args[1] = "count";
    spawn_cli(&r, args, "");
    /* ::1 has another port in this test: but it was asked. */
    ck_assert_int_eq(r.status, 1);
    ck_assert_ptr_nonnull(
        strstr(r.err, "Could not connect to the server ::1:"));
    ck_assert_ptr_nonnull(f = fopen(path, "w"));
    fprintf(f, "regtest=1\nlisten=0\n[regtest]\nrpcport=%u\n",
            (unsigned)n.g.port);
    fclose(f);
    spawn_cli(&r, args, "");
    ck_assert_msg(r.status == 0, "%s", r.err);
    ck_assert_str_eq(r.out, "1\n");
    ck_assert_int_eq(unlink(path), 0);
    node_stop(&n);
}
END_TEST

START_TEST(rpcwait_waits_for_the_warm_up)
{
    const char *args[] = { "-rpcwait", "-rpcwaittimeout=1", "count", NULL };
    static struct run r;
    struct node n;

    node_start(&n);
    ptd_rpc_set_warmup(n.g.rpc, "Loading…");
    run_cli(&n, &r, args, NULL);
    ck_assert_int_eq(r.status, 1);
    ck_assert_str_eq(r.err, "error: timeout on transient error: server in "
                            "warmup\n");
    run_cli(&n, &r, args + 2, NULL);
    ck_assert_int_eq(r.status, 28);
    ck_assert_str_eq(r.err, "error code: -28\nerror message:\nLoading…\n");
    node_stop(&n);
}
END_TEST

START_TEST(a_full_queue_is_shown)
{
    const char *args[] = { "count", NULL };
    static struct run r;
    struct node n;

    node_start(&n);
    ptd_rpc_interrupt(n.g.rpc);
    run_cli(&n, &r, args, NULL);
    ck_assert_int_eq(r.status, 1);
    ck_assert_str_eq(
        r.err,
        "error: Server response: Request rejected during server shutdown\n");
    node_stop(&n);
}
END_TEST

START_TEST(a_client_waits_no_longer_than_told)
{
    const char *args[] = { "-rpcclienttimeout=1", "block", NULL };
    static struct run r;
    struct node n;

    node_start(&n);
    run_cli(&n, &r, args, NULL);
    ck_assert_int_eq(r.status, 1);
    ck_assert_ptr_nonnull(
        strstr(r.err, " (error code 0 - \"timeout reached\")\n"));
    node_stop(&n);
}
END_TEST

/* ---- the table of parameters ----------------------------------------------- */

static const struct {
    const char *method;
    size_t position;
    const char *name;
    int want; /* -1: not there */
} param_rows[] = {
    { "addconnection", 2, "v2transport", PTD_CLI_JSON },
    { "addnode", 1, "command", -1 },
    { "walletpassphrasechange", 1, "newpassphrase", PTD_CLI_STRING },
    { "getblock", 1, "verbosity", PTD_CLI_JSON },
    { "getblock", 1, "verbose", PTD_CLI_JSON },
    { "getblock", 0, "blockhash", -1 },
    { "getblockstats", 0, "hash_or_height", PTD_CLI_JSON_OR_STRING },
    { "nope", 0, "x", -1 },
    { "stop", 0, "wait", PTD_CLI_JSON },
    { "stop", 0, "wai", -1 },
    { "stop", 0, "waits", -1 },
};

START_TEST(the_table_knows_each_parameter)
{
    enum ptd_cli_format f = PTD_CLI_JSON;
    bool named =
        ptd_cli_param_named(param_rows[_i].method, param_rows[_i].name, &f);

    ck_assert_int_eq(named ? (int)f : -1, param_rows[_i].want);
    if (param_rows[_i].want >= 0) {
        ck_assert(ptd_cli_param_at(param_rows[_i].method,
                                   param_rows[_i].position, &f));
        ck_assert_int_eq((int)f, param_rows[_i].want);
    }
}
END_TEST

TCase *cli_case(void)
{
    TCase *tc = tcase_create("cli");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, the_table_knows_each_parameter, 0,
                        PTD_COUNT(param_rows));
    if (access(program(), X_OK) != 0)
        return tc;
    tcase_add_loop_test(tc, a_command_line_gets_its_answer, 0, PTD_COUNT(rows));
    tcase_add_test(tc, a_password_from_stdin_comes_before_arguments);
    tcase_add_test(tc, a_file_says_where_the_node_is);
    tcase_add_test(tc, rpcwait_waits_for_the_warm_up);
    tcase_add_test(tc, a_full_queue_is_shown);
    tcase_add_test(tc, a_client_waits_no_longer_than_told);
    return tc;
}
