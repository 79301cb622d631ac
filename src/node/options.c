#include <config.h>

#include "node/options.h"

#include <stdbool.h>
#include <string.h>

#include "base/util.h"

#define ANY         PTD_OPTION_ANY
#define NO_NEG      PTD_OPTION_NO_NEGATION
#define VALUE       PTD_OPTION_NEEDS_VALUE
#define NETWORK     PTD_OPTION_NETWORK
#define NOT_IN_FILE PTD_OPTION_NOT_IN_FILE

/* A line without form is a heading. */
static const struct ptd_option options[] = {
    { "", ANY, NULL, "Options" },
    { "conf", NO_NEG | NOT_IN_FILE, "=<file>",
      "Read options from <file>, relative to the data directory (default: "
      "bitcoin.conf)" },
    { "datadir", NO_NEG, "=<dir>",
      "Keep everything in <dir> (default: ~/.pentad)" },
    { "debuglogfile", ANY, "=<file>",
      "Write the log to <file>, relative to the network's directory (default: "
      "debug.log); 0: to no file" },
    { "help", NO_NEG, "", "Print this and exit (also -h, -?)" },
    { "h", NO_NEG, NULL, NULL },
    { "?", NO_NEG, NULL, NULL },
    { "version", NO_NEG, "", "Print the version and exit" },

    { "", ANY, NULL, "The network" },
    { "chain", NO_NEG | VALUE, "=<name>",
      "Use this network: main, test, testnet4, signet, regtest (default: "
      "main)" },
    { "testnet", ANY, "", "The same as -chain=test" },
    { "testnet4", ANY, "", "The same as -chain=testnet4" },
    { "signet", ANY, "", "The same as -chain=signet" },
    { "regtest", ANY, "", "The same as -chain=regtest" },
    { "signetchallenge", ANY, "=<hex>",
      "Use a signet of one's own, with this challenge" },

    { "", ANY, NULL, "Connections" },
    { "addnode", NETWORK, "=<address>",
      "Keep a connection to <address>; may be given several times" },
    { "bind", NETWORK, "=<address>[:<port>]",
      "Listen at this address only; may be given several times" },
    { "connect", NETWORK, "=<address>",
      "Connect to this address only, listen only if -listen is given; may be "
      "given several times; 0: dial nobody" },
    { "dns", ANY, "", "Allow names in -addnode and -connect (default: 1)" },
    { "fixedseeds", ANY, "",
      "Start from addresses that are built in, where no other is known "
      "(default: 1)" },
    { "listen", ANY, "",
      "Accept connections (default: 1, unless -connect, -proxy or "
      "-maxconnections=0 is given)" },
    { "maxconnections", ANY, "=<n>", "Have at most <n> peers (default: 125)" },
    { "peertimeout", ANY, "=<n>",
      "Give a peer <n> seconds for the handshake, and no other time-out before "
      "them (default: 60)" },
    { "port", NETWORK, "=<port>",
      "Listen on <port> (default: 8333, testnet: 18333, testnet4: 48333, "
      "signet: 38333, regtest: 18444)" },
    { "proxy", ANY, "=<ip>[:<port>]", "Dial through this SOCKS5 proxy" },
    { "proxyrandomize", ANY, "",
      "Use a fresh user name with the proxy for each connection (default: 1)" },
    { "timeout", ANY, "=<n>",
      "Give up dialling after <n> milliseconds (default: 5000)" },
    { "uacomment", ANY, "=<text>", "Add <text> to the user agent" },

    { "", ANY, NULL, "Blocks" },
    { "fetchblocks", ANY, "",
      "Ask peers for the blocks of the best chain and hold them in memory "
      "(default: 1 on regtest, else 0)" },
    { "blockmemory", ANY, "=<n>",
      "Hold at most <n> MiB of blocks and transactions (default: 64)" },

    { "", ANY, NULL, "Looking at it" },
    { "debug", ANY, "=<category>",
      "Log more of a category, such as net, addrman, connmgr, validation; "
      "alone or 1: of all. May be given several times" },
    { "debugexclude", ANY, "=<category>", "But not of this one" },
    { "logips", ANY, "", "Log addresses of peers (default: 0)" },
    { "loglevel", ANY, "=<level>|<category>:<level>",
      "How much -debug logs: trace, debug or info (default: debug)" },
    { "loglevelalways", ANY, "", "Log category and level on every line" },
    { "logsourcelocations", ANY, "", "Log file, line and function" },
    { "logthreadnames", ANY, "", "Log the names of threads" },
    { "logtimemicros", ANY, "", "Log times in microseconds" },
    { "logtimestamps", ANY, "", "Log times (default: 1)" },
    { "mocktime", ANY, "=<n>", "Stop the clock at <n> seconds since 1970" },
    { "peertable", ANY, "",
      "Draw a table of the peers on standard output, refreshed in place; now "
      "and then where it is no terminal" },
    { "printtoconsole", ANY, "",
      "Write the log to standard output too (default: 1, unless -peertable is "
      "given)" },
};

/* Of a wallet, RPC, transactions, mining, indexes, and of things to come that
 * change nothing when they are left out. An option whose silent loss could
 * expose a user (-onlynet, -whitelist …) is not among them. */
static const char ignored[] =
    " acceptnonstdtxn acceptstalefeeestimates addresstype alertnotify"
    " allowignoredconf assumevalid avoidpartialspends bantime"
    " blockfilterindex blockmaxweight blockmintxfee blocknotify"
    " blockreconstructionextratxn blockreservedweight blocksdir blocksonly"
    " blocksxor blockversion bytespersigop changetype checkaddrman"
    " checkblockindex checkblocks checklevel checkmempool checkpoints"
    " coinstatsindex consolidatefeerate datacarrier datacarriersize dbbatchsize"
    " dbcache dbcrashratio deprecatedrpc disablewallet discardfee discover"
    " dnsseed dustrelayfee fallbackfee fastprune feefilter flushwallet"
    " forcednsseed incrementalrelayfee ipcbind keypool limitancestorcount"
    " limitancestorsize limitclustercount limitclustersize"
    " limitdescendantcount limitdescendantsize listenonion loadblock"
    " logratelimit maxapsfee maxmempool maxorphantx maxreceivebuffer"
    " maxsendbuffer maxsigcachesize maxtipage maxtxfee maxuploadtarget"
    " mempoolexpiry minimumchainwork minrelaytxfee mintxfee natpmp par paytxfee"
    " peerblockfilters peerbloomfilters permitbaremultisig persistmempool"
    " persistmempoolv1 printpriority prune reindex reindex-chainstate rest"
    " rpcallowip rpcauth rpcbind rpcclienttimeout rpccookiefile rpccookieperms"
    " rpcdoccheck rpcpassword rpcport rpcservertimeout rpcthreads rpcuser"
    " rpcwhitelist rpcwhitelistdefault rpcworkqueue server settings"
    " shrinkdebugfile signer spendzeroconfchange stopafterblockimport"
    " stopatheight test testactivationheight torcontrol torpassword"
    " txconfirmtarget txindex txospenderindex txreconciliation"
    " unsafesqlitesync v2transport vbparams wallet walletbroadcast"
    " walletcrosschain walletdir walletnotify walletrbf walletrejectlongchains"
    " whitelistforcerelay whitelistrelay zmqpubhashblock zmqpubhashblockhwm"
    " zmqpubhashtx zmqpubhashtxhwm zmqpubrawblock zmqpubrawblockhwm"
    " zmqpubrawtx zmqpubrawtxhwm zmqpubsequence zmqpubsequencehwm ";

/* Of the ignored ones, those of one network. */
static const char ignored_network[] = " rpcbind rpcport wallet ";

static bool is_in(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = list; n > 0 && (at = strstr(at, name)) != NULL; at++)
        if (at[-1] == ' ' && at[n] == ' ')
            return true;
    return false;
}

const struct ptd_option *ptd_option_of(const char *name)
{
    static const struct ptd_option other = { "", PTD_OPTION_IGNORED, NULL,
                                             NULL };
    static const struct ptd_option other_network = {
        "", PTD_OPTION_IGNORED | PTD_OPTION_NETWORK, NULL, NULL
    };

    if (*name == '\0')
        return NULL;
    for (size_t i = 0; i < PTD_COUNT(options); i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    if (is_in(ignored_network, name))
        return &other_network;
    return is_in(ignored, name) ? &other : NULL;
}

/* Write text in lines of at most 79 characters, indented. */
static void print_folded(FILE *out, const char *text, int indent)
{
    int column = 0;

    while (*text != '\0') {
        int n = (int)strcspn(text, " ");

        if (column > 0 && column + 1 + n > 79) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = fprintf(out, "%*s%.*s", indent, "", n, text);
        else
            column += fprintf(out, " %.*s", n, text);
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void ptd_options_print(FILE *out)
{
    fputs(
        "Usage: pentad [options]\n\nA Bitcoin peer-to-peer node, five threads "
        "a peer.\n\n",
        out);
    for (size_t i = 0; i < PTD_COUNT(options); i++) {
        const struct ptd_option *o = &options[i];

        if (o->name[0] == '\0') {
            fprintf(out, "%s%s:\n\n", i > 0 ? "\n" : "", o->help);
        } else if (o->form != NULL) {
            fprintf(out, "  -%s%s\n", o->name, o->form);
            print_folded(out, o->help, 7);
        }
    }
}
