#include <config.h>

#include "node/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "check_node.h"
#include "node/datadir.h"
#include "support/nth_malloc.h"

/* Read options, split at bars, and a bitcoin.conf, in a directory of its
 * own. */
struct reading {
    struct ptd_args args;
    struct ptd_node_config cfg;
    struct ptd_complaint why;
    struct ptd_texts warnings;
    char *dir;
    enum ptd_err err;
};

/* A text with the directory in the place of each %s. */
static void with_dir(char *out, size_t cap, const char *text, const char *dir)
{
    size_t n = 0;

    for (const char *at; (at = strstr(text, "%s")) != NULL; text = at + 2)
        n += (size_t)snprintf(out + n, cap - n, "%.*s%s", (int)(at - text),
                              text, dir);
    snprintf(out + n, cap - n, "%s", text);
}

static void read_settings(struct reading *r, const char *line, const char *file)
{
    char words[2048], *argv[24] = { words };
    int argc = 1, n;

    r->dir = temp_make();
    if (file != NULL)
        temp_write(r->dir, "bitcoin.conf", file);
    n = snprintf(words, sizeof words, "-datadir=%s|", r->dir);
    with_dir(words + n, sizeof words - (size_t)n, line, r->dir);
    for (char *at = words, *w; (w = strsep(&at, "|")) != NULL;)
        if (*w != '\0')
            argv[argc++] = w;
    ptd_args_init(&r->args);
    ptd_log_reset_levels();
    r->why.text[0] = '\0';
    r->warnings = (struct ptd_texts){ 0 };
    r->cfg = (struct ptd_node_config){ 0 };
    r->err = ptd_args_read_argv(&r->args, argc, argv, &r->why);
    if (r->err == PTD_OK)
        r->err = ptd_node_config_find(&r->cfg, &r->args, &r->why);
    if (r->err == PTD_OK)
        r->err = ptd_node_config_read(&r->cfg, &r->args, &r->warnings, &r->why);
}

static void reading_fini(struct reading *r)
{
    ptd_texts_fini(&r->warnings);
    ptd_node_config_fini(&r->cfg);
    ptd_args_fini(&r->args);
    ptd_log_reset_levels();
    temp_remove(r->dir);
}

/* ---- what is refused --------------------------------------------------------- */

static const struct {
    const char *line, *file, *want;
} refused[] = {
    { "-chain=foo", NULL, "Unknown chain foo." },
    { "-regtest|-signet", NULL,
      "Invalid combination of -regtest, -signet, -testnet, -testnet4 and "
      "-chain. Can use at most one." },
    { "-chain=main|-testnet", NULL,
      "Invalid combination of -regtest, -signet, -testnet, -testnet4 and "
      "-chain. Can use at most one." },
    { "-conf=none.conf", NULL,
      "Error reading configuration file: specified config file "
      "\"%s/none.conf\" could not be opened." },
    { "-conf=.", NULL,
      "Error reading configuration file: Config file \"%s/.\" is a "
      "directory." },
    { "", "rubbish",
      "Error reading configuration file: parse error on line 1: rubbish" },
    { "", "includeconf=.",
      "Error reading configuration file: Included config file \"%s/.\" is a "
      "directory." },
    { "", "includeconf=none.conf",
      "Error reading configuration file: Failed to include configuration file "
      "none.conf" },
    { "", "datadir=/nonexistent/of/pentad\n",
      NULL }, /* the command line wins */
    { "-regtest", "port=5",
      "Config setting for -port only applied on regtest network when in "
      "[regtest] section." },
    { "-signet", "port=5\nbind=127.0.0.1\nwallet=x",
      "Config setting for -bind only applied on signet network when in "
      "[signet] section.\n"
      "Config setting for -port only applied on signet network when in "
      "[signet] section.\n"
      "Config setting for -wallet only applied on signet network when in "
      "[signet] section." },
    { "-blocksdir=/nonexistent/of/pentad", NULL,
      "Specified blocks directory \"/nonexistent/of/pentad\" does not exist." },

    { "-port=0", NULL, "Invalid port specified in -port: '0'" },
    { "-port=65536", NULL, "Invalid port specified in -port: '65536'" },
    { "-port=", NULL, "Invalid port specified in -port: ''" },
    { "-port=12x", NULL, "Invalid port specified in -port: '12x'" },
    { "-rpcport=0", NULL, "Invalid port specified in -rpcport: '0'" },
    { "-bind=127.0.0.1:0", NULL,
      "Invalid port specified in -bind: '127.0.0.1:0'" },
    { "-bind=127.0.0.1:0=onion", NULL,
      "Invalid port specified in -bind: '127.0.0.1:0=onion'" },
    { "-bind=[::1]:99999", NULL,
      "Invalid port specified in -bind: '[::1]:99999'" },
    { "-rpcbind=127.0.0.1:abc", NULL,
      "Invalid port specified in -rpcbind: '127.0.0.1:abc'" },
    { "-onion=127.0.0.1:-1", NULL,
      "Invalid port specified in -onion: '127.0.0.1:-1'" },
    { "-i2psam=def:xyz", NULL, "Invalid port specified in -i2psam: 'def:xyz'" },
    { "-torcontrol=127.0.0.1:0", NULL,
      "Invalid port specified in -torcontrol: '127.0.0.1:0'" },
    { "-zmqpubrawtx=127.0.0.1:0", NULL,
      "Invalid port specified in -zmqpubrawtx: '127.0.0.1:0'" },
    { "-proxy=127.0.0.1:99999=ipv4", NULL,
      "Invalid port specified in -proxy: '127.0.0.1:99999=ipv4'" },

    { "-bind=nowhere.example", NULL,
      "Cannot resolve -bind address: 'nowhere.example'" },
    { "-bind=127.0.0.1=tor", NULL,
      "Cannot resolve -bind address: '127.0.0.1=tor'" },
    { "-bind=127.0.0.1|-listen=0", NULL,
      "Cannot set -bind or -whitebind together with -listen=0" },
    { "-whitebind=127.0.0.1:1|-nolisten", NULL,
      "Cannot set -bind or -whitebind together with -listen=0" },
    { "-listen=0|-listenonion=1", NULL,
      "Cannot set -listen=0 together with -listenonion=1" },
    { "-bind=127.0.0.1:5|-bind=127.0.0.1:5", NULL,
      "Duplicate binding configuration for address 127.0.0.1:5. Please check "
      "your -bind, -bind=...=onion and -whitebind settings." },
    { "-bind=127.0.0.1:5=onion|-whitebind=127.0.0.1:5", NULL,
      "Duplicate binding configuration for address 127.0.0.1:5. Please check "
      "your -bind, -bind=...=onion and -whitebind settings." },
    { "-whitebind=127.0.0.1", NULL,
      "Need to specify a port with -whitebind: '127.0.0.1'" },
    { "-whitebind=noban@127.0.0.1", NULL,
      "Need to specify a port with -whitebind: '127.0.0.1'" },
    { "-whitebind=oopsie@127.0.0.1:5", NULL,
      "Invalid P2P permission: 'oopsie'" },
    { "-whitebind=noban,out@127.0.0.1:5", NULL,
      "whitebind may only be used for incoming connections (\"out\" was "
      "passed)" },
    { "-whitebind=noban@230", NULL,
      "Cannot resolve -whitebind address: '230'" },
    { "-whitelist=oopsie@127.0.0.1", NULL, "Invalid P2P permission: 'oopsie'" },
    { "-whitelist=noban@127.0.0.1:230", NULL,
      "Invalid netmask specified in -whitelist: '127.0.0.1:230'" },
    { "-whitelist=in,out@127.0.0.1", NULL,
      "Only direction was set, no permissions: 'in,out@127.0.0.1'" },
    { "-externalip=nowhere.invalid|-dns=0", NULL,
      "Cannot resolve -externalip address: 'nowhere.invalid'" },

    { "-maxhandshakes=-1", NULL,
      "-maxhandshakes must be greater or equal than zero" },
    { "-maxconnections=-1", NULL,
      "-maxconnections must be greater or equal than zero" },
    { "-peertimeout=0", NULL, "peertimeout must be a positive integer." },
    { "-maxuploadtarget=5x", NULL, "Unable to parse -maxuploadtarget: '5x'" },
    { "-maxuploadtarget=", NULL, "Unable to parse -maxuploadtarget: ''" },
    { "-maxuploadtarget=99999999999999G", NULL,
      "Unable to parse -maxuploadtarget: '99999999999999G'" },
    { "-asmap", NULL, "Embedded asmap data not available" },
    { "-asmap=1", NULL, "Embedded asmap data not available" },
    { "-asmap=missing", NULL, "Could not find asmap file \"%s/missing\"" },
    { "-asmap=missing|-noasmap", NULL, NULL },

    { "-forcednsseed|-dnsseed=0", NULL,
      "Cannot set -forcednsseed to true when setting -dnsseed to false." },
    { "-onlynet=abc", NULL, "Unknown network specified in -onlynet: 'abc'" },
    { "-onlynet=cjdns", NULL,
      "Outbound connections restricted to CJDNS (-onlynet=cjdns) but "
      "-cjdnsreachable is not provided" },
    { "-onlynet=i2p", NULL,
      "Outbound connections restricted to i2p (-onlynet=i2p) but -i2psam is "
      "not provided" },
    { "-onlynet=onion|-onion=0", NULL,
      "Outbound connections restricted to Tor (-onlynet=onion) but the proxy "
      "for reaching the Tor network is explicitly forbidden: -onion=0" },
    { "-onlynet=onion|-noonion", NULL,
      "Outbound connections restricted to Tor (-onlynet=onion) but the proxy "
      "for reaching the Tor network is explicitly forbidden: -onion=0" },
    { "-onlynet=onion|-listenonion=0", NULL,
      "Outbound connections restricted to Tor (-onlynet=onion) but the proxy "
      "for reaching the Tor network is not provided: none of -proxy, -onion "
      "or -listenonion is given" },
    { "-dnsseed=1|-onlynet=i2p|-i2psam=127.0.0.1:7656", NULL,
      "Incompatible options: -dnsseed=1 was explicitly specified, but -onlynet "
      "forbids connections to IPv4/IPv6" },
    { "-dns=0|-proxy=a.b.c", NULL,
      "Invalid -proxy address or hostname: 'a.b.c'" },
    { "-proxy=127.0.0.1:9050=", NULL,
      "Invalid -proxy address or hostname, ends with '=': '127.0.0.1:9050='" },
    { "-proxy=127.0.0.1:9050=foo", NULL,
      "Unrecognized network in -proxy='127.0.0.1:9050=foo': 'foo'" },
    { "-proxy=unix:", NULL, "Invalid -proxy address or hostname: 'unix:'" },
    { "-dns=0|-onion=a.b.c", NULL,
      "Invalid -onion address or hostname: 'a.b.c'" },
    { "-dns=0|-i2psam=a.b.c", NULL,
      "Invalid -i2psam address or hostname: 'a.b.c'" },
    { "-connect=1.2.3.4:99999", NULL,
      "Invalid address in -connect: '1.2.3.4:99999'" },
    { "-privatebroadcast", NULL, NULL },
    { "-privatebroadcast|-listenonion=0", NULL,
      "Private broadcast of own transactions requested (-privatebroadcast), "
      "but none of Tor or I2P networks is reachable" },
    { "-privatebroadcast|-connect=127.0.0.1:8333|-onion=127.0.0.1:9050", NULL,
      "Private broadcast of own transactions requested (-privatebroadcast), "
      "but -connect is also configured. They are incompatible because the "
      "private broadcast needs to open new connections to randomly chosen Tor "
      "or I2P peers. Consider using -maxconnections=0 -addnode=... instead" },

    { "-uacomment=a/b", NULL,
      "User Agent comment (a/b) contains unsafe characters." },
    { "-uacomment=a:b", NULL,
      "User Agent comment (a:b) contains unsafe characters." },
    { "-debug=foo", NULL, "Unsupported logging category -debug=foo." },
    { "-debug=lock", NULL, "Unsupported logging category -debug=lock." },
    { "-debugexclude=foo", NULL,
      "Unsupported logging category -debugexclude=foo." },
    { "-loglevel=foo", NULL,
      "Unsupported global logging level -loglevel=foo. Valid values: info, "
      "debug, trace." },
    { "-loglevel=error", NULL,
      "Unsupported global logging level -loglevel=error. Valid values: info, "
      "debug, trace." },
    { "-loglevel=x:info", NULL,
      "Unsupported global logging level -loglevel=x:info. Valid values: info, "
      "debug, trace." },
#define CATEGORIES                                                             \
    ". Expected -loglevel=<category>:<loglevel>. Valid categories: addrman, "  \
    "bench, blockstorage, cmpctblock, coindb, estimatefee, http, i2p, ipc, "   \
    "kernel, leveldb, libevent, mempool, mempoolrej, net, privatebroadcast, "  \
    "proxy, prune, qt, rand, reindex, rpc, scan, selectcoins, tor, "           \
    "txpackages, txreconciliation, validation, walletdb, zmq. Valid "          \
    "loglevels: info, debug, trace."
    { "-loglevel=net:abc", NULL,
      "Unsupported category-specific logging level "
      "-loglevel=net:abc" CATEGORIES },
    { "-loglevel=net:info:abc", NULL,
      "Unsupported category-specific logging level "
      "-loglevel=net:info:abc" CATEGORIES },
    { "-loglevel=nets:info", NULL,
      "Unsupported category-specific logging level "
      "-loglevel=nets:info" CATEGORIES },
    { "-mocktime=-1", NULL,
      "Mocktime must be in the range [0, 9223372036], not -1." },
    { "-signet|-signetchallenge=xy", NULL,
      "-signetchallenge must be hex, not 'xy'." },
    { "-signet|-signetchallenge=51|-signetchallenge=52", NULL,
      "-signetchallenge cannot be multiple values." },

    { "-minimumchainwork=0xx", NULL,
      "Invalid minimum work specified (0xx), must be up to 64 hex digits" },
    { "-assumevalid=yes", NULL,
      "Invalid assumevalid block hash specified (yes), must be up to 64 hex "
      "digits (or 0 to disable)" },
    { "-prune=-1", NULL, "Prune cannot be configured with a negative value." },
    { "-prune=549", NULL,
      "Prune configured below the minimum of 550 MiB.  Please use a higher "
      "number." },
    { "-prune=550|-txindex", NULL,
      "Prune mode is incompatible with -txindex." },
    { "-prune=550|-reindex-chainstate", NULL,
      "Prune mode is incompatible with -reindex-chainstate. Use full -reindex "
      "instead." },
    { "-blockfilterindex=abc", NULL, "Unknown -blockfilterindex value abc." },
    { "-peerblockfilters", NULL,
      "Cannot set -peerblockfilters without -blockfilterindex." },
    { "-acceptnonstdtxn", NULL,
      "acceptnonstdtxn is not currently supported for main chain" },
    { "-testnet4|-acceptstalefeeestimates", NULL,
      "acceptstalefeeestimates is not supported on testnet4 chain." },
    { "-test=addrman", NULL, "-test=<option> can only be used with regtest" },
    { "-regtest|-testactivationheight=segwit", NULL,
      "Invalid format (segwit) for -testactivationheight=name@height." },
    { "-regtest|-testactivationheight=segwit@-1", NULL,
      "Invalid height value (segwit@-1) for "
      "-testactivationheight=name@height." },
    { "-regtest|-testactivationheight=foo@1", NULL,
      "Invalid name (foo@1) for -testactivationheight=name@height." },
    { "-regtest|-vbparams=testdummy:1", NULL,
      "Version bits parameters malformed, expecting "
      "deployment:start:end[:min_activation_height]" },
    { "-regtest|-vbparams=testdummy:a:1", NULL, "Invalid nStartTime (a)" },
    { "-regtest|-vbparams=testdummy:1:a", NULL, "Invalid nTimeout (a)" },
    { "-regtest|-vbparams=testdummy:1:2:a", NULL,
      "Invalid min_activation_height (a)" },
    { "-regtest|-vbparams=foo:1:2:3", NULL, "Invalid deployment (foo)" },

#define NO_SERVER "Unable to start HTTP server. See debug log for details."
    { "-rpccookieperms=abc", NULL, NO_SERVER },
    { "-rpcauth", NULL, NO_SERVER },
    { "-rpcauth=foo", NULL, NO_SERVER },
    { "-rpcauth=foo:bar", NULL, NO_SERVER },
    { "-rpcauth=foo:bar:baz", NULL, NO_SERVER },
    { "-rpcauth=foo$bar:baz", NULL, NO_SERVER },
    { "-rpcauth=foo$bar$baz", NULL, NO_SERVER },
    { "-rpcauth=a:b$c|-rpcauth=", NULL, NO_SERVER },
    { "-rpcauth=foo|-norpcauth", NULL, NULL },
    { "-rpcallowip=fc00:db8:c0:ff:ee::/80", NULL, NULL },
    { "-rpcallowip=fc00:db8:c0:ff:ee::/80|-cjdnsreachable", NULL,
      "Invalid -rpcallowip subnet specification: fc00:db8:c0:ff:ee::/80. Valid "
      "values are a single IP (e.g. 1.2.3.4), a network/netmask (e.g. "
      "1.2.3.4/255.255.255.0), a network/CIDR (e.g. 1.2.3.4/24), all ipv4 "
      "(0.0.0.0/0), or all ipv6 (::/0). RFC4193 is allowed only if "
      "-cjdnsreachable=0." },
    { "-rpcallowip=127.0.0.1/33", NULL,
      "Invalid -rpcallowip subnet specification: 127.0.0.1/33. Valid values "
      "are a single IP (e.g. 1.2.3.4), a network/netmask (e.g. "
      "1.2.3.4/255.255.255.0), a network/CIDR (e.g. 1.2.3.4/24), all ipv4 "
      "(0.0.0.0/0), or all ipv6 (::/0). RFC4193 is allowed only if "
      "-cjdnsreachable=0." },
};

START_TEST(refused_in_words)
{
    struct ptd_complaint want;
    struct reading r;

    read_settings(&r, refused[_i].line, refused[_i].file);
    if (refused[_i].want == NULL) {
        ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    } else {
        ck_assert_msg(r.err == PTD_EINVAL, "%s", refused[_i].want);
        with_dir(want.text, sizeof want.text, refused[_i].want, r.dir);
        ck_assert_str_eq(r.why.text, want.text);
    }
    reading_fini(&r);
}
END_TEST

/* ---- what is only warned of -------------------------------------------------- */

static const struct {
    const char *line, *file, *want;
    size_t n_more;
} warned[] = {
    { "", NULL, NULL, 0 },
#ifdef HAVE_ZMQ
    { "-zmqpubrawtx=tcp://127.0.0.1:1", NULL, NULL, 0 },
#else
    { "-zmqpubrawtx=tcp://127.0.0.1:1", NULL,
      "-zmqpubrawtx has no effect in this version.", 0 },
#endif
    { "-v2transport=0|-norest", NULL, NULL, 0 },
    { "-checkpoints=0", NULL,
      "Option '-checkpoints' is set but checkpoints were removed. This option "
      "has no effect.",
      0 },
    { "-limitancestorsize=1", NULL,
      "Option '-limitancestorsize' is given but ancestor size limits have been "
      "replaced with cluster size limits (see -limitclustersize). This option "
      "has no effect.",
      0 },
    { "-limitdescendantsize=1", NULL,
      "Option '-limitdescendantsize' is given but descendant size limits have "
      "been replaced with cluster size limits (see -limitclustersize). This "
      "option has no effect.",
      0 },
    { "", "testnot.datadir=1\n\n[testnet]\n",
      "%s/bitcoin.conf:1 Section [testnot] is not recognized.\n"
      "%s/bitcoin.conf:3 Section [testnet] is not recognized.",
      0 },
    { "-port=22", NULL,
      "-port request to listen on port 22. This port is considered \"bad\" and "
      "thus it is unlikely that any peer will connect to it. See "
      "doc/p2p-bad-ports.md for details and a full list.",
      0 },
    { "-port=22|-bind=127.0.0.1:6667", NULL,
      "-bind request to listen on port 6667. This port is considered \"bad\" "
      "and thus it is unlikely that any peer will connect to it. See "
      "doc/p2p-bad-ports.md for details and a full list.",
      0 },
    { "-regtest|-test=foo", NULL,
      "Unrecognised option \"foo\" provided in -test=<option>.", 0 },
    { "-privatebroadcast|-onion=127.0.0.1:9050|-proxyrandomize=0", NULL,
      "Private broadcast of own transactions requested (-privatebroadcast) and "
      "-proxyrandomize is disabled. Tor circuits for private broadcast "
      "connections may be correlated to other connections over Tor. For "
      "maximum privacy set -proxyrandomize=1.",
      0 },
};

START_TEST(warned_in_words)
{
    struct ptd_complaint want;
    struct reading r;

    read_settings(&r, warned[_i].line, warned[_i].file);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert_uint_eq(r.warnings.n,
                      (warned[_i].want != NULL ? 1U : 0U) + warned[_i].n_more);
    if (warned[_i].want != NULL) {
        with_dir(want.text, sizeof want.text, warned[_i].want, r.dir);
        ck_assert_str_eq(r.warnings.v[0], want.text);
    }
    reading_fini(&r);
}
END_TEST

START_TEST(missing_datadir_is_refused)
{
    struct ptd_complaint why;
    struct ptd_args a;
    char arg[] = "-datadir=/nonexistent/of/pentad";
    char *argv[] = { arg, arg }, *dir;

    ptd_args_init(&a);
    ck_assert_int_eq(ptd_args_read_argv(&a, 2, argv, &why), PTD_OK);
    ck_assert_int_eq(ptd_datadir_find(&dir, &a, &why), PTD_EINVAL);
    ck_assert_str_eq(why.text, "Specified data directory "
                               "\"/nonexistent/of/pentad\" does not exist.");
    ptd_args_fini(&a);
}
END_TEST

/* ---- networks ------------------------------------------------------------------ */

static const struct {
    const char *line, *file, *name, *below;
    uint16_t port;
} networks[] = {
    { "", NULL, "main", "", 8333 },
    { "-chain=main", NULL, "main", "", 8333 },
    { "-testnet", NULL, "test", "/testnet3", 18333 },
    { "-chain=test", NULL, "test", "/testnet3", 18333 },
    { "-testnet4", NULL, "testnet4", "/testnet4", 48333 },
    { "-signet", NULL, "signet", "/signet", 38333 },
    { "-regtest", NULL, "regtest", "/regtest", 18444 },
    { "", "regtest=1\n[regtest]\nport=7\n", "regtest", "/regtest", 7 },
    { "-port=8", "regtest=1\n[regtest]\nport=7\n", "regtest", "/regtest", 8 },
    { "-noregtest", "regtest=1\n", "regtest", "/regtest", 18444 },
    { "-regtest=0", "", "main", "", 8333 },
    { "-signet|-signetchallenge=51", NULL, "signet", "/signet", 38333 },
};

START_TEST(network_is_chosen)
{
    struct reading r;

    read_settings(&r, networks[_i].line, networks[_i].file);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert_str_eq(r.cfg.params->name, networks[_i].name);
    ck_assert_str_eq(r.cfg.datadir, r.dir);
    ck_assert_str_eq(r.cfg.netdir + strlen(r.dir), networks[_i].below);
    ck_assert_uint_eq(r.cfg.port, networks[_i].port);
    reading_fini(&r);
}
END_TEST

/* ---- listening and dialling ------------------------------------------------------ */

static const struct {
    const char *line;
    bool listen, connect_only;
    size_t n_bind, n_connect, n_addnode;
} interactions[] = {
    { "", true, false, 2, 0, 0 },
    { "-listen=0", false, false, 0, 0, 0 },
    { "-connect=1.2.3.4", false, true, 0, 1, 0 },
    { "-connect=1.2.3.4|-listen", true, true, 2, 1, 0 },
    { "-whitebind=127.0.0.1:5|-connect=0", true, true, 0, 0, 0 },
    { "-connect=a.example|-connect=b.example:5", false, true, 0, 2, 0 },
    { "-connect=0", false, true, 0, 0, 0 },
    { "-noconnect", false, true, 0, 0, 0 },
    { "-connect=0|-bind=127.0.0.1", true, true, 1, 0, 0 },
    { "-proxy=127.0.0.1", false, false, 0, 0, 0 },
    { "-proxy=127.0.0.1|-listen=1", true, false, 2, 0, 0 },
    { "-proxy=0", true, false, 2, 0, 0 },
    { "-maxconnections=0", false, false, 0, 0, 0 },
    { "-addnode=1.2.3.4|-addnode=[::1]:7", true, false, 2, 0, 2 },
    { "-bind=127.0.0.1|-bind=[::1]:99", true, false, 2, 0, 0 },
};

START_TEST(options_that_change_others)
{
    struct reading r;

    read_settings(&r, interactions[_i].line, NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert_int_eq(r.cfg.listen, interactions[_i].listen);
    ck_assert_int_eq(r.cfg.connect_only, interactions[_i].connect_only);
    ck_assert_uint_eq(r.cfg.n_bind, interactions[_i].n_bind);
    ck_assert_uint_eq(r.cfg.connect.n, interactions[_i].n_connect);
    ck_assert_uint_eq(r.cfg.addnode.n, interactions[_i].n_addnode);
    reading_fini(&r);
}
END_TEST

START_TEST(bind_takes_the_port_unless_it_has_one)
{
    char text[PTD_NETADDR_TEXT];
    struct reading r;

    read_settings(&r, "-regtest|-port=5|-bind=127.0.0.1|-bind=[::1]:99", NULL);
    ck_assert_str_eq(ptd_netaddr_format(&r.cfg.bind[0], text, sizeof text),
                     "127.0.0.1:5");
    ck_assert_str_eq(ptd_netaddr_format(&r.cfg.bind[1], text, sizeof text),
                     "[::1]:99");
    reading_fini(&r);
}
END_TEST

START_TEST(options_of_bitcoind_that_mean_nothing_here_are_accepted)
{
    struct reading r;

    read_settings(&r,
                  "-logtimemicros|-debug|-debugexclude=libevent|-disablewallet|"
                  "-logthreadnames|-logsourcelocations|-loglevel=trace|"
                  "-nologratelimit|-v2transport=0|-uacomment=testnode0",
                  "regtest=1\n[regtest]\nport=11\nrpcport=12\n"
                  "rpcservertimeout=99000\nrpcdoccheck=1\nrpcthreads=2\n"
                  "fallbackfee=0.0002\nserver=1\nkeypool=1\ndiscover=0\n"
                  "dnsseed=0\nfixedseeds=0\nlistenonion=0\npeertimeout=9\n"
                  "printtoconsole=0\nnatpmp=0\nshrinkdebugfile=0\n"
                  "unsafesqlitesync=1\nconnect=0\nmaxconnections=9\npar=2\n"
                  "bind=127.0.0.1\n");
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert(r.cfg.listen && !r.cfg.console && !r.cfg.fixed_seeds);
    ck_assert_int_eq(r.cfg.peer_timeout_us, 9000000);
    ck_assert_uint_eq(r.cfg.max_connections, 9);
    ck_assert_uint_eq(r.cfg.bind[0].port, 11);
    ck_assert_str_eq(r.cfg.user_agent,
                     "/pentad:" PACKAGE_VERSION "(testnode0)/");
    ck_assert_int_eq(ptd_log_level_of(PTD_LOG_PEER), PTD_LOG_TRACE);
    reading_fini(&r);
}
END_TEST

/* ---- the user agent ---------------------------------------------------------------- */

START_TEST(comments_join_the_user_agent)
{
    struct reading r;

    read_settings(&r, "-uacomment=a b|-uacomment=c_d.e", NULL);
    ck_assert_str_eq(r.cfg.user_agent,
                     "/pentad:" PACKAGE_VERSION "(a b; c_d.e)/");
    reading_fini(&r);
}
END_TEST

START_TEST(user_agent_may_have_256_bytes)
{
    const size_t others = strlen("/pentad:" PACKAGE_VERSION "()/");
    char line[512] = "-uacomment=", want[128];
    size_t n = strlen(line);
    struct reading r;

    memset(line + n, 'x', PTD_MAX_USER_AGENT - others);
    read_settings(&r, line, NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert_uint_eq(strlen(r.cfg.user_agent), PTD_MAX_USER_AGENT);
    reading_fini(&r);

    line[n + PTD_MAX_USER_AGENT - others] = 'x';
    read_settings(&r, line, NULL);
    snprintf(want, sizeof want,
             "Total length of network version string (257) exceeds maximum");
    ck_assert_msg(strncmp(r.why.text, want, strlen(want)) == 0, "%s",
                  r.why.text);
    reading_fini(&r);
}
END_TEST

/* ---- the log ------------------------------------------------------------------------ */

static const struct {
    const char *line;
    enum ptd_log_level net, proxy;
} levels[] = {
    { "", PTD_LOG_INFO, PTD_LOG_INFO },
    { "-debug", PTD_LOG_DEBUG, PTD_LOG_DEBUG },
    { "-debug=1", PTD_LOG_DEBUG, PTD_LOG_DEBUG },
    { "-debug=net", PTD_LOG_DEBUG, PTD_LOG_INFO },
    { "-debug|-debugexclude=net", PTD_LOG_INFO, PTD_LOG_DEBUG },
    { "-debug=net|-loglevel=trace", PTD_LOG_TRACE, PTD_LOG_INFO },
    { "-debug|-loglevel=net:trace", PTD_LOG_TRACE, PTD_LOG_DEBUG },
    { "-debug=net|-debug=0", PTD_LOG_INFO, PTD_LOG_INFO },
    { "-nodebug", PTD_LOG_INFO, PTD_LOG_INFO },
    { "-debug=leveldb", PTD_LOG_INFO, PTD_LOG_INFO },
    { "-debug=net|-debug=none|-debug=proxy", PTD_LOG_INFO, PTD_LOG_DEBUG },
    { "-debug=abc|-nodebug|-debug=net", PTD_LOG_DEBUG, PTD_LOG_INFO },
    { "-debug=abc|-debug=0", PTD_LOG_INFO, PTD_LOG_INFO },
    { "-loglevel=net:trace", PTD_LOG_INFO, PTD_LOG_INFO },
    { "-debug|-loglevel=info|-loglevel=net:debug", PTD_LOG_DEBUG,
      PTD_LOG_INFO },
    { "-debug=all|-debugexclude=all", PTD_LOG_INFO, PTD_LOG_INFO },
};

START_TEST(debug_sets_levels)
{
    struct reading r;

    read_settings(&r, levels[_i].line, NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert_int_eq(ptd_log_level_of(PTD_LOG_PEER), levels[_i].net);
    ck_assert_int_eq(ptd_log_level_of(PTD_LOG_PROX), levels[_i].proxy);
    reading_fini(&r);
}
END_TEST

/* ---- the lock ------------------------------------------------------------------------ */

static bool is_dir(const char *dir, const char *below)
{
    char *path = ptd_path_join(dir, below);
    bool is = ptd_is_directory(path);

    free(path);
    return is;
}

START_TEST(directory_is_made_and_locked)
{
    char *dir = temp_make(), *below = ptd_path_join(dir, "a/b");
    struct ptd_complaint why;
    int fd;

    ck_assert_int_eq(ptd_datadir_make(below, &why), PTD_OK);
    ck_assert(is_dir(below, "wallets"));
    ck_assert_int_eq(ptd_datadir_make(dir, &why), PTD_OK);
    ck_assert(!is_dir(dir, "wallets")); /* it is not new */
    ck_assert_int_eq(ptd_datadir_lock(&fd, below, &why), PTD_OK);
    close(fd);
    ck_assert_int_eq(ptd_datadir_lock(&fd, "/nonexistent", &why), PTD_EINVAL);
    ck_assert_str_eq(why.text, "Cannot write to directory '/nonexistent'; "
                               "check permissions.");
    free(below);
    temp_remove(dir);
}
END_TEST

/* Why it was not made, and not that it is not there. */
START_TEST(directory_that_cannot_be_made_has_a_reason)
{
    char *dir = temp_make(), *link = ptd_path_join(dir, "link");
    struct ptd_complaint why, want;

    ck_assert_int_eq(symlink("nowhere", link), 0);
    (void)ptd_complain(&want, "Cannot create directory %s: %s", link,
                       strerror(EEXIST));
    ck_assert_int_eq(ptd_directory_make(link, &why), PTD_EINVAL);
    ck_assert_str_eq(why.text, want.text);
    free(link);
    temp_remove(dir);
}
END_TEST

START_TEST(another_process_does_not_get_the_lock)
{
    char *dir = temp_make();
    struct ptd_complaint why, want;
    int fd, status;
    pid_t pid;

    ck_assert_int_eq(ptd_datadir_lock(&fd, dir, &why), PTD_OK);
    (void)ptd_complain(&want,
                       "Cannot obtain a lock on directory %s. Pentad is "
                       "probably already running.",
                       dir);
    pid = fork();
    if (pid == 0) {
        int other;
        bool right = ptd_datadir_probe(dir, &why) == PTD_EINVAL &&
                     strcmp(why.text, want.text) == 0 &&
                     ptd_datadir_lock(&other, dir, &why) == PTD_EINVAL &&
                     strcmp(why.text, want.text) == 0;

        _exit(right ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    close(fd);
    temp_remove(dir);
}
END_TEST

/* ---- paths ---------------------------------------------------------------------------- */

static const struct {
    const char *path, *want;
} paths[] = {
    { "/", "/" },
    { "//", "/" },
    { "/a/", "/a" },
    { "/a//b/./c/", "/a/b/c" },
    { "/a/../b", "/b" },
    { "/..", "/" },
    { "/../../a", "/a" },
    { "a/..", "." },
    { "a/../..", ".." },
    { "../../a", "../../a" },
    { "./a", "a" },
    { ".", "." },
    { "a", "a" },
    { "", "" },
    { "a/b/../../..", ".." },
};

START_TEST(path_is_made_normal)
{
    char path[64];

    snprintf(path, sizeof path, "%s", paths[_i].path);
    ck_assert_str_eq(ptd_path_normalise(path), paths[_i].want);
}
END_TEST

static const struct {
    const char *line, *netdir, *blocksdir, *log, *pid, *settings, *cookie;
} files[] = {
    { "-regtest", "%s/regtest", "%s/regtest/blocks", "%s/regtest/debug.log",
      "%s/regtest/bitcoind.pid", "%s/regtest/settings.json",
      "%s/regtest/.cookie" },
    { "-debuglogfile=/x/y.log|-pid=a/../b|-settings=s|-rpccookiefile=/c", "%s",
      "%s/blocks", "/x/y.log", "%s/b", "%s/s", "/c" },
    { "-nodebuglogfile|-nopid|-nosettings|-norpccookiefile|-blocksdir=/tmp/",
      "%s", "/tmp/blocks", NULL, NULL, NULL, NULL },
    { "-signet|-blocksdir=/tmp|-debuglogfile=0", "%s/signet",
      "/tmp/signet/blocks", "%s/signet/0", "%s/signet/bitcoind.pid",
      "%s/signet/settings.json", "%s/signet/.cookie" },
};

static void assert_path(const char *got, const char *want, const char *dir)
{
    char text[512];

    if (want == NULL) {
        ck_assert_ptr_null(got);
        return;
    }
    with_dir(text, sizeof text, want, dir);
    ck_assert_str_eq(got, text);
}

START_TEST(files_have_their_places)
{
    struct reading r;

    read_settings(&r, files[_i].line, NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    assert_path(r.cfg.netdir, files[_i].netdir, r.dir);
    assert_path(r.cfg.blocksdir, files[_i].blocksdir, r.dir);
    assert_path(r.cfg.log_path, files[_i].log, r.dir);
    assert_path(r.cfg.pid_path, files[_i].pid, r.dir);
    assert_path(r.cfg.settings_path, files[_i].settings, r.dir);
    assert_path(r.cfg.rpc_cookie_path, files[_i].cookie, r.dir);
    reading_fini(&r);
}
END_TEST

/* ---- files that include others ---------------------------------------------------------- */

static const struct {
    const char *line, *main, *first, *second, *agent, *err;
} includes[] = {
    { "", "uacomment=main\nincludeconf=1.conf", "uacomment=1", NULL, "main; 1",
      "" },
    { "", "includeconf=1.conf\nuacomment=main", "uacomment=1", NULL, "main; 1",
      "" },
    { "", "uacomment=m\nincludeconf=1.conf\nincludeconf=2.conf", "uacomment=1",
      "uacomment=2", "m; 1; 2", "" },
    { "", "uacomment=m\nincludeconf=1.conf", "uacomment=1\nincludeconf=2.conf",
      "uacomment=2", "m; 1",
      "warning: -includeconf cannot be used from included files; ignoring "
      "-includeconf=2.conf\n" },
    { "-noincludeconf", "uacomment=m\nincludeconf=1.conf", "uacomment=1", NULL,
      "m", "" },
    { "",
      "uacomment=m\nincludeconf=1.conf\nnoincludeconf=1\n"
      "includeconf=2.conf",
      "uacomment=1", "uacomment=2", "m; 2", "" },
    { "-regtest", "includeconf=1.conf\n[regtest]\nincludeconf=2.conf",
      "uacomment=1", "uacomment=2", "2; 1", "" },
    { "", "uacomment=m\n[regtest]\nincludeconf=2.conf", NULL, "uacomment=2",
      "m", "" },
    { "", "uacomment=m\nincludeconf=1.conf", "[signet]\nuacomment=1", NULL, "m",
      "" },
    { "", "includeconf=1.conf",
      "regtest=1\nuacomment=1\n[regtest]\nincludeconf=2.conf", "uacomment=2",
      "1",
      "warning: -includeconf cannot be used from included files; ignoring "
      "-includeconf=2.conf\n" },
};

/* What is said on standard error meanwhile. */
struct aside {
    FILE *file;
    int fd;
};

static struct aside aside_begin(void)
{
    struct aside a = { tmpfile(), dup(STDERR_FILENO) };

    ck_assert_ptr_nonnull(a.file);
    ck_assert_int_ge(dup2(fileno(a.file), STDERR_FILENO), 0);
    return a;
}

static void aside_end(struct aside *a, const char *want)
{
    char got[1024] = "";

    fflush(stderr);
    dup2(a->fd, STDERR_FILENO);
    close(a->fd);
    rewind(a->file);
    got[fread(got, 1, sizeof got - 1, a->file)] = '\0';
    fclose(a->file);
    ck_assert_str_eq(got, want);
}

START_TEST(files_are_included)
{
    struct ptd_args args;
    struct ptd_complaint why;
    struct ptd_node_config cfg;
    char *dir = temp_make(), option[600], line[64], agent[64];
    char *argv[] = { option, option, line, NULL };
    struct aside aside = aside_begin();

    temp_write(dir, "bitcoin.conf", includes[_i].main);
    if (includes[_i].first != NULL)
        temp_write(dir, "1.conf", includes[_i].first);
    if (includes[_i].second != NULL)
        temp_write(dir, "2.conf", includes[_i].second);
    snprintf(option, sizeof option, "-datadir=%s", dir);
    snprintf(line, sizeof line, "%s", includes[_i].line);
    ptd_args_init(&args);
    ck_assert_int_eq(
        ptd_args_read_argv(&args, line[0] != '\0' ? 3 : 2, argv, &why), PTD_OK);
    ck_assert_msg(ptd_node_config_find(&cfg, &args, &why) == PTD_OK, "%s",
                  why.text);
    ck_assert_int_eq(
        ptd_node_user_agent(cfg.user_agent, sizeof cfg.user_agent, &args, &why),
        PTD_OK);
    snprintf(agent, sizeof agent, "/pentad:" PACKAGE_VERSION "(%s)/",
             includes[_i].agent);
    aside_end(&aside, includes[_i].err);
    ck_assert_str_eq(cfg.user_agent, agent);
    ptd_node_config_fini(&cfg);
    ptd_args_fini(&args);
    temp_remove(dir);
}
END_TEST

/* ---- a second bitcoin.conf ---------------------------------------------------------------- */

START_TEST(conf_that_is_not_read_is_an_error)
{
    char *dir = temp_make(), *conf = ptd_path_join(dir, "other.conf");
    char option[600];
    char *argv[] = { option, option };
    struct ptd_complaint why, want;
    struct ptd_args a;

    ptd_args_init(&a);
    snprintf(option, sizeof option, "-conf=%s", conf);
    temp_write(dir, "other.conf", "");
    ck_assert_int_eq(ptd_args_read_argv(&a, 2, argv, &why), PTD_OK);
    ck_assert_int_eq(ptd_datadir_check_conf(dir, "/d", conf, &a, &why), PTD_OK);
    temp_write(dir, "bitcoin.conf", "");
    ck_assert_int_eq(ptd_datadir_check_conf(dir, "/d", conf, &a, &why),
                     PTD_EINVAL);
    (void)ptd_complain(
        &want,
        "Data directory \"%s\" contains a \"bitcoin.conf\" file which is "
        "ignored, because a different configuration file \"%s\" from command "
        "line argument \"-conf=%s\" is being used instead. Possible ways to "
        "address this would be to:\n- Delete or rename the \"bitcoin.conf\" "
        "file in data directory \"%s\".\n- Change datadir= or conf= options to "
        "specify one configuration file, not two, and use includeconf= to "
        "include any other configuration files.\n- Set allowignoredconf=1 "
        "option to treat this condition as a warning, not an error.",
        dir, conf, conf, dir);
    ck_assert_str_eq(why.text, want.text);
    ptd_args_fini(&a);

    /* -noconf; and the file that was read. */
    ck_assert_int_eq(ptd_datadir_check_conf(dir, "/d", NULL, &a, &why), PTD_OK);
    free(conf);
    conf = ptd_path_join(dir, "bitcoin.conf");
    ck_assert_int_eq(ptd_datadir_check_conf(dir, "/d", conf, &a, &why), PTD_OK);
    free(conf);
    temp_remove(dir);
}
END_TEST

START_TEST(settings_file_is_read_and_written_anew)
{
    static const char want[] =
        "{\n    \"_warning_\": \"This file is automatically generated and "
        "updated by Pentad. Please do not edit this file while the node is "
        "running, as any changes might be ignored or overwritten.\"";
    char *dir = temp_make(), *path = ptd_path_join(dir, "settings.json");
    struct ptd_complaint why;
    struct ptd_args a;
    char *text;
    size_t n;

    ptd_args_init(&a);
    ck_assert_int_eq(ptd_settings_sync(path, &a, &why), PTD_OK);
    ck_assert_int_eq(ptd_text_read(&text, &n, path, 10000), PTD_OK);
    ck_assert_uint_eq(n, strlen(want) + 3);
    ck_assert_int_eq(strncmp(text, want, strlen(want)), 0);
    ck_assert_str_eq(text + strlen(want), "\n}\n");
    free(text);
    temp_write(dir, "settings.json", "{\"proxy\": \"a\", \"foo\": [1]}");
    ck_assert_int_eq(ptd_settings_sync(path, &a, &why), PTD_OK);
    ck_assert_str_eq(ptd_args_text(&a, "proxy", ""), "a");
    ck_assert_int_eq(ptd_text_read(&text, &n, path, 10000), PTD_OK);
    ck_assert_int_eq(strncmp(text, want, strlen(want)), 0);
    ck_assert_str_eq(text + strlen(want), ",\n    \"proxy\": \"a\",\n    "
                                          "\"foo\": [\n        1\n    ]\n}\n");
    free(text);
    temp_write(dir, "settings.json", "[]");
    ck_assert_int_eq(ptd_settings_sync(path, &a, &why), PTD_EINVAL);
    ck_assert_ptr_nonnull(strstr(why.text, "Settings file could not be read:\n"
                                           "- Found non-object value [] in "
                                           "settings file "));
    free(path);
    path = ptd_path_join(dir, "none/settings.json");
    ck_assert_int_eq(ptd_settings_sync(path, &a, &why), PTD_EINVAL);
    ck_assert_ptr_nonnull(strstr(why.text, "Settings file could not be "
                                           "written:\n- Error: Unable to open "
                                           "settings file "));
    ck_assert_ptr_nonnull(
        strstr(why.text, ".tmp for writing: No such file or directory"));
    ptd_args_fini(&a);
    free(path);
    temp_remove(dir);
}
END_TEST

/* ---- other values --------------------------------------------------------------------------- */

static const struct {
    const char *text;
    uint64_t bytes;
} uploads[] = {
    { "0", 0 },
    { "500", UINT64_C(500) << 20 },
    { "500M", UINT64_C(500) << 20 },
    { "500m", UINT64_C(500000000) },
    { "7k", 7000 },
    { "7K", 7168 },
    { "1G", UINT64_C(1) << 30 },
    { "1g", UINT64_C(1000000000) },
    { "2T", UINT64_C(2) << 40 },
    { "2t", UINT64_C(2000000000000) },
};

START_TEST(upload_target_has_units)
{
    struct reading r;
    char line[64];

    snprintf(line, sizeof line, "-maxuploadtarget=%s", uploads[_i].text);
    read_settings(&r, line, NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert_uint_eq(r.cfg.max_upload_bytes, uploads[_i].bytes);
    reading_fini(&r);
}
END_TEST

#define ALL_IP (1u << PTD_NET_IPV4 | 1u << PTD_NET_IPV6)

static const struct {
    const char *line, *name, *onion, *ipv6, *cjdns;
    unsigned reachable;
} proxies[] = {
    { "", "", "", "", "", ALL_IP },
    { "-proxy=127.0.0.1", "127.0.0.1:9050", "127.0.0.1:9050", "127.0.0.1:9050",
      "127.0.0.1:9050", ALL_IP | 1u << PTD_NET_TORV3 },
    { "-proxy=127.0.0.1:1|-onion=127.0.0.2:2", "127.0.0.1:1", "127.0.0.2:2",
      "127.0.0.1:1", "127.0.0.1:1", ALL_IP | 1u << PTD_NET_TORV3 },
    { "-proxy=127.0.0.1:1|-noonion", "127.0.0.1:1", "", "127.0.0.1:1",
      "127.0.0.1:1", ALL_IP },
    { "-proxy=127.0.0.1:1=IPv4", "127.0.0.1:1", "", "", "", ALL_IP },
    { "-proxy=127.0.0.1:1|-proxy=[::1]:2=ipv6|-proxy=0=cjdns", "[::1]:2",
      "127.0.0.1:1", "[::1]:2", "", ALL_IP | 1u << PTD_NET_TORV3 },
    { "-proxy=unix:/tmp/x", "unix:/tmp/x", "unix:/tmp/x", "unix:/tmp/x",
      "unix:/tmp/x", ALL_IP | 1u << PTD_NET_TORV3 },
    { "-onion=unix:/tmp/x|-noproxy", "", "unix:/tmp/x", "", "",
      ALL_IP | 1u << PTD_NET_TORV3 },
    { "-onlynet=ipv4|-onlynet=onion|-onion=127.0.0.1:1", "", "127.0.0.1:1", "",
      "", 1u << PTD_NET_IPV4 | 1u << PTD_NET_TORV3 },
    { "-cjdnsreachable|-i2psam=127.0.0.1", "", "", "", "",
      ALL_IP | 1u << PTD_NET_CJDNS | 1u << PTD_NET_I2P },
    { "-onlynet=cjdns|-cjdnsreachable", "", "", "", "", 1u << PTD_NET_CJDNS },
};

static void assert_proxy(const struct ptd_node_proxy *p, const char *want)
{
    char text[128] = "";

    if (p->path != NULL)
        snprintf(text, sizeof text, "unix:%s", p->path);
    else if (p->is_set)
        ptd_netaddr_format(&p->addr, text, sizeof text);
    ck_assert_str_eq(text, want);
}

START_TEST(proxies_are_chosen_by_network)
{
    struct reading r;

    read_settings(&r, proxies[_i].line, NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    assert_proxy(&r.cfg.name_proxy, proxies[_i].name);
    assert_proxy(&r.cfg.onion_proxy, proxies[_i].onion);
    assert_proxy(&r.cfg.ipv6_proxy, proxies[_i].ipv6);
    assert_proxy(&r.cfg.cjdns_proxy, proxies[_i].cjdns);
    ck_assert_uint_eq(r.cfg.reachable, proxies[_i].reachable);
    reading_fini(&r);
}
END_TEST

/* l listen, d discover, n natpmp, t listenonion, i i2pacceptincoming, s dnsseed,
 * r whitelistrelay */
static const struct {
    const char *line, *on;
} brought_about[] = {
    { "", "ldntisr" },
    { "-connect=1.2.3.4", "r" },
    { "-noconnect", "r" },
    { "-maxconnections=0", "r" },
    { "-connect=0|-listen", "ldntir" },
    { "-connect=0|-bind=127.0.0.1", "ldntir" },
    { "-connect=0|-dnsseed", "sr" },
    { "-proxy=127.0.0.1", "sr" },
    { "-proxy=0", "ldntisr" },
    { "-proxy=127.0.0.1|-listen|-discover|-natpmp", "ldntisr" },
    { "-listen=0", "sr" },
    { "-listen=0|-discover", "dsr" },
    { "-externalip=1.2.3.4", "lntisr" },
    { "-blocksonly", "ldntis" },
    { "-blocksonly|-whitelistrelay", "ldntisr" },
    { "-whitelistrelay=0|-whitelistforcerelay", "ldntis" },
    { "-blocksonly|-whitelistforcerelay", "ldntis" },
    { "-onlynet=i2p|-i2psam=127.0.0.1", "ldntir" },
    { "-onlynet=ipv6", "ldntisr" },
};

START_TEST(options_bring_others_about)
{
    char on[16] = "";
    struct reading r;
    const struct ptd_node_config *cfg = &r.cfg;

    read_settings(&r, brought_about[_i].line, NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    snprintf(on, sizeof on, "%s%s%s%s%s%s%s", cfg->listen ? "l" : "",
             cfg->discover ? "d" : "", cfg->natpmp ? "n" : "",
             cfg->listen_onion ? "t" : "", cfg->i2p_accept ? "i" : "",
             cfg->dns_seed ? "s" : "", cfg->whitelist_relay ? "r" : "");
    ck_assert_str_eq(on, brought_about[_i].on);
    reading_fini(&r);
}
END_TEST

START_TEST(where_to_listen)
{
    struct reading r;
    char text[PTD_NETADDR_TEXT];

    read_settings(&r, "-regtest", NULL);
    ck_assert(r.cfg.bind_default);
    ck_assert_uint_eq(r.cfg.onion_bind.n, 1);
    ck_assert_str_eq(
        ptd_netaddr_format(&r.cfg.onion_bind.v[0], text, sizeof text),
        "127.0.0.1:18445");
    reading_fini(&r);
    read_settings(&r,
                  "-port=7|-bind=127.0.0.1|-bind=127.0.0.1=onion|"
                  "-whitebind=all@[::1]:9",
                  NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert(!r.cfg.bind_default);
    ck_assert_uint_eq(r.cfg.n_bind, 1);
    ck_assert_str_eq(
        ptd_netaddr_format(&r.cfg.onion_bind.v[0], text, sizeof text),
        "127.0.0.1:8");
    ck_assert_uint_eq(r.cfg.n_whitebind, 1);
    ck_assert_uint_eq(r.cfg.whitebind[0].permissions, PTD_MAY_ALL);
    reading_fini(&r);
    read_settings(&r, "-bind=127.0.0.1", NULL);
    ck_assert_uint_eq(r.cfg.onion_bind.n, 0);
    reading_fini(&r);
}
END_TEST

START_TEST(values_of_the_chain)
{
    char hex[PTD_HASH_HEX_SIZE];
    struct reading r;

    read_settings(&r,
                  "-regtest|-minimumchainwork=0x1f|-assumevalid=0|-prune=1|"
                  "-checkblockindex|-blockfilterindex|-peerblockfilters|"
                  "-testactivationheight=segwit@5|-vbparams=taproot:0:-1|"
                  "-loadblock=a|-loadblock=b|-maxtipage=9|-fastprune",
                  NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert(r.cfg.has_min_chain_work && r.cfg.has_assume_valid);
    ck_assert_str_eq(ptd_hash_to_hex(&r.cfg.min_chain_work, hex),
                     "0000000000000000000000000000000000000000000000000000000"
                     "00000001f");
    ck_assert(ptd_hash_is_zero(&r.cfg.assume_valid));
    ck_assert(r.cfg.prune_bytes == UINT64_MAX);
    ck_assert_int_eq(r.cfg.check_block_index, 1);
    ck_assert(r.cfg.block_filter_index && r.cfg.peer_block_filters);
    ck_assert_str_eq(r.cfg.activation_height.v[0], "segwit@5");
    ck_assert_str_eq(r.cfg.vb_params.v[0], "taproot:0:-1");
    ck_assert_uint_eq(r.cfg.load_block.n, 2);
    ck_assert_int_eq(r.cfg.max_tip_age_s, 9);
    ck_assert(r.cfg.fast_prune);
    reading_fini(&r);
    read_settings(&r, "-prune=550|-blockfilterindex=basic", NULL);
    ck_assert_uint_eq(r.cfg.prune_bytes, UINT64_C(550) << 20);
    ck_assert(r.cfg.block_filter_index && !r.cfg.has_min_chain_work);
    reading_fini(&r);
}
END_TEST

START_TEST(values_of_rpc)
{
    struct reading r;

    read_settings(&r,
                  "-regtest|-rpcuser=u|-rpcpassword=p|-rpcauth=a:b$c|"
                  "-rpcallowip=10.0.0.0/8|-rpcallowip=::1|-rpcbind=[::1]:5|"
                  "-rpccookieperms=group|-rpcwhitelist=u:stop|"
                  "-rpcwhitelistdefault=0|-rpcthreads=0|-rpcworkqueue=2|"
                  "-zmqpubrawtx=tcp://127.0.0.1:5|-zmqpubrawtxhwm=7|"
                  "-zmqpubrawtx=unix:/x|-zmqpubhashblock=tcp://127.0.0.1:5|"
                  "-zmqpubsequence=y|-zmqpubsequencehwm=-99999999999",
                  NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert(r.cfg.server);
    ck_assert_uint_eq(r.cfg.rpc_port, 18443);
    ck_assert_str_eq(r.cfg.rpc_user, "u");
    ck_assert_str_eq(r.cfg.rpc_password, "p");
    ck_assert_str_eq(r.cfg.rpc_auth.v[0], "a:b$c");
    ck_assert_uint_eq(r.cfg.rpc_allow_ip.n, 2);
    ck_assert_str_eq(r.cfg.rpc_bind.v[0], "[::1]:5");
    ck_assert_uint_eq(r.cfg.rpc_cookie_mode, 0640);
    ck_assert_int_eq(r.cfg.rpc_whitelist_default, 0);
    ck_assert_int_eq(r.cfg.rpc_threads, 1);
    ck_assert_int_eq(r.cfg.rpc_work_queue, 2);
    ck_assert_uint_eq(r.cfg.n_zmq, 4);
    ck_assert_str_eq(r.cfg.zmq[0].topic, "hashblock");
    ck_assert_int_eq(r.cfg.zmq[0].hwm, 1000);
    ck_assert_str_eq(r.cfg.zmq[1].topic, "rawtx");
    ck_assert_str_eq(r.cfg.zmq[1].address, "tcp://127.0.0.1:5");
    ck_assert_int_eq(r.cfg.zmq[1].hwm, 7);
    ck_assert_str_eq(r.cfg.zmq[2].address, "unix:/x");
    ck_assert_int_eq(r.cfg.zmq[2].hwm, 7);
    ck_assert_str_eq(r.cfg.zmq[3].topic, "sequence");
    ck_assert_int_lt(r.cfg.zmq[3].hwm, 0);
    reading_fini(&r);
    read_settings(&r, "-noserver", NULL);
    ck_assert(!r.cfg.server);
    ck_assert_ptr_null(r.cfg.rpc_user);
    ck_assert_int_eq(r.cfg.rpc_whitelist_default, -1);
    reading_fini(&r);
}
END_TEST

/* ---- no memory ------------------------------------------------------------------------------ */

/* Options of every kind, in a file and on the line; fail the n-th allocation
 * until there is none left to fail. */
START_TEST(lack_of_memory_is_told)
{
    static const char file[] =
        "regtest=1\nincludeconf=1.conf\n[foo]\nx=1\n[regtest]\nport=5\n"
        "whitelist=noban@1.2.3.0/24\nwhitebind=127.0.0.1:6\nbind=127.0.0.1\n"
        "externalip=1.2.3.4\nrpcauth=a:b$c\nrpcallowip=::1\n"
        "zmqpubrawtx=tcp://127.0.0.1:5\nshutdownnotify=x\n";
    char *dir = temp_make(), datadir[600];
    char *argv[] = { datadir,
                     datadir,
                     (char *)(uintptr_t) "-proxy=unix:/x",
                     (char *)(uintptr_t) "-connect=1.2.3.4",
                     (char *)(uintptr_t) "-checkpoints",
                     (char *)(uintptr_t) "-loadblock=y" };
    unsigned n = 0;
    bool failed = true;

    temp_write(dir, "bitcoin.conf", file);
    temp_write(dir, "1.conf", "uacomment=a\n");
    snprintf(datadir, sizeof datadir, "-datadir=%s", dir);
    while (failed) {
        struct ptd_texts warnings = { 0 };
        struct ptd_node_config cfg = { 0 };
        struct ptd_complaint why;
        struct ptd_args args;
        enum ptd_err e;

        ptd_args_init(&args);
        support_nth_malloc_arm(++n);
        e = ptd_args_read_argv(&args, PTD_COUNT(argv), argv, &why);
        if (e == PTD_OK)
            e = ptd_node_config_find(&cfg, &args, &why);
        if (e == PTD_OK)
            e = ptd_node_config_read(&cfg, &args, &warnings, &why);
        failed = support_nth_malloc_disarm();
        ck_assert_msg(e == (failed ? PTD_ENOMEM : PTD_OK), "%u: %s", n,
                      ptd_err_text(e));
        ptd_texts_fini(&warnings);
        ptd_node_config_fini(&cfg);
        ptd_args_fini(&args);
    }
    ck_assert_uint_gt(n, 50);
    ptd_log_reset_levels();
    temp_remove(dir);
}
END_TEST

TCase *tcase_settings(void)
{
    TCase *tc = tcase_create("settings");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, refused_in_words, 0, PTD_COUNT(refused));
    tcase_add_test(tc, missing_datadir_is_refused);
    tcase_add_loop_test(tc, network_is_chosen, 0, PTD_COUNT(networks));
    tcase_add_loop_test(tc, options_that_change_others, 0,
                        PTD_COUNT(interactions));
    tcase_add_test(tc, bind_takes_the_port_unless_it_has_one);
    tcase_add_test(tc, options_of_bitcoind_that_mean_nothing_here_are_accepted);
    tcase_add_test(tc, comments_join_the_user_agent);
    tcase_add_test(tc, user_agent_may_have_256_bytes);
    tcase_add_loop_test(tc, debug_sets_levels, 0, PTD_COUNT(levels));
    tcase_add_test(tc, directory_is_made_and_locked);
    tcase_add_test(tc, directory_that_cannot_be_made_has_a_reason);
    tcase_add_test(tc, another_process_does_not_get_the_lock);
    tcase_add_loop_test(tc, warned_in_words, 0, PTD_COUNT(warned));
    tcase_add_loop_test(tc, path_is_made_normal, 0, PTD_COUNT(paths));
    tcase_add_loop_test(tc, files_have_their_places, 0, PTD_COUNT(files));
    tcase_add_loop_test(tc, files_are_included, 0, PTD_COUNT(includes));
    tcase_add_test(tc, conf_that_is_not_read_is_an_error);
    tcase_add_test(tc, settings_file_is_read_and_written_anew);
    tcase_add_loop_test(tc, upload_target_has_units, 0, PTD_COUNT(uploads));
    tcase_add_loop_test(tc, proxies_are_chosen_by_network, 0,
                        PTD_COUNT(proxies));
    tcase_add_loop_test(tc, options_bring_others_about, 0,
                        PTD_COUNT(brought_about));
    tcase_add_test(tc, where_to_listen);
    tcase_add_test(tc, values_of_the_chain);
    tcase_add_test(tc, values_of_rpc);
    tcase_add_test(tc, lack_of_memory_is_told);
    return tc;
}
