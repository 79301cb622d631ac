/* Every option, by group and name, as Bitcoin Core has them. The help says what
 * each does here. */
#include <config.h>

#include "base/util.h"
#include "node/options.h"

#define ANY     PTD_OPTION_ANY
#define NO_NEG  PTD_OPTION_NO_NEGATION
#define VALUE   PTD_OPTION_NEEDS_VALUE
#define NETWORK PTD_OPTION_NETWORK
#define SECRET  PTD_OPTION_SECRET
#define RARE    PTD_OPTION_RARE

/* Of a wallet, transaction policy, mining, a coin database and a window, which
 * Pentad has not; and of pentad-cli, which reads the same file. */
#define IGNORED(name)                                                          \
    {                                                                          \
        name, PTD_OPTION_IGNORED, NULL, NULL                                   \
    }
#define IGNORED_NETWORK(name)                                                  \
    {                                                                          \
        name, PTD_OPTION_IGNORED | NETWORK, NULL, NULL                         \
    }

/* Without effect so far; of most set_missing.c tells who sets them. */
#define MISSING(name)                                                          \
    {                                                                          \
        name, PTD_OPTION_MISSING, NULL, NULL                                   \
    }

/* Missing, where there is no libzmq. */
#ifdef HAVE_ZMQ
#define ZMQ(name, form, help)                                                  \
    {                                                                          \
        name, ANY, form, help                                                  \
    }
#else
#define ZMQ(name, form, help)                                                  \
    {                                                                          \
        name, PTD_OPTION_MISSING, NULL, NULL                                   \
    }
#endif
#define ZMQ_MARK(name)                                                         \
    ZMQ(name, "=<n>",                                                          \
        "Drop what more than <n> such messages to one subscriber would make "  \
        "wait; 0: no limit (default: 1000)")

const struct ptd_option ptd_options[] = {
    { "", ANY, NULL, "Options:" },
    { "?", ANY, NULL, NULL },
    { "h", ANY, NULL, NULL },
    { "alertnotify", ANY, "=<cmd>",
      "Run <cmd> when a warning about the chain comes up; %s in it becomes "
      "the warning, in quotes" },
    { "allowignoredconf", ANY, "",
      "Only warn of a bitcoin.conf in the data directory that is not read "
      "because another file is" },
    { "assumevalid", ANY, "=<hex>",
      "Accepted and without effect: no script is ever run" },
    MISSING("blockfilterindex"),
    { "blocknotify", ANY, "=<cmd>",
      "Run <cmd> when the best block changes; %s in it becomes its hash" },
    { "blocksdir", ANY, "=<dir>",
      "Keep block files below <dir>, which must exist (default: the data "
      "directory)" },
    { "blocksonly", ANY, "",
      "Refuse transactions from peers that have no relay permission, and tell "
      "peers so; without it they may announce theirs, which are not fetched "
      "(default: 0)" },
    { "blocksxor", ANY, "",
      "Scramble new block files with a random key, so that no other program "
      "takes them for something else (default: 1)" },
    { "conf", ANY, "=<file>",
      "Read options from <file>, relative to the data directory; on the "
      "command line alone (default: bitcoin.conf)" },
    { "daemon", ANY, "",
      "Go to the background and take commands by RPC (default: 0)" },
    { "daemonwait", ANY, "",
      "Go to the background once the node is up; errors of the start still "
      "reach the terminal (default: 0)" },
    { "datadir", NO_NEG, "=<dir>",
      "Keep everything in <dir>, which must exist (default: ~/.pentad)" },
    { "debuglogfile", ANY, "=<file>",
      "Write the log to <file>, relative to the network's directory "
      "(default: debug.log); -nodebuglogfile: to no file" },
    { "help", ANY, "", "Print this and exit (also -h, -?)" },
    { "includeconf", ANY, "=<file>",
      "Read another configuration file, relative to the data directory; in "
      "the configuration file alone" },
    { "loadblock", ANY, "=<file>",
      "Import blocks from <file> at start; may be given several times" },
    { "maxmempool", ANY, "=<n>",
      "Hold transactions that wait for a block in <n> megabytes of memory at "
      "most (default: 300, with -blocksonly 5)" },
    { "mempoolexpiry", ANY, "=<n>",
      "Hold none of them longer than <n> hours (default: 336)" },
    { "par", ANY, "=<n>",
      "Check scripts with <n> threads; accepted, Pentad runs no scripts "
      "(default: 0)" },
    { "persistmempool", ANY, "",
      "Keep them in mempool.dat while Pentad does not run (default: 1)" },
    { "pid", ANY, "=<file>",
      "Write the number of the process to <file>, relative to the network's "
      "directory (default: bitcoind.pid)" },
    { "prune", ANY, "=<n>",
      "Delete old block files: 0 none, 1 by RPC alone, 550 and more to stay "
      "below <n> MiB (default: 0)" },
    { "reindex", ANY, "",
      "Forget the index of blocks and build it anew from the block files" },
    { "reindex-chainstate", ANY, "",
      "Build what follows from the blocks anew" },
    { "settings", ANY, "=<file>",
      "Read settings from <file>, relative to the network's directory; they "
      "win over the configuration file (default: settings.json)" },
    { "shutdownnotify", ANY, "=<cmd>",
      "Run <cmd> when the node begins to stop, and wait for it; may be given"
      " several times" },
    { "startupnotify", ANY, "=<cmd>", "Run <cmd> once the node is up" },
    { "version", ANY, "", "Print the version and exit" },

    { "", ANY, NULL, "Connection options:" },
    { "addnode", NETWORK, "=<ip>",
      "Keep a connection to this node, by address or name; may be given "
      "several times, eight are held at once" },
    { "asmap", ANY, "=<file>",
      "Group addresses by autonomous system as <file> tells, relative to the"
      " network's directory (default: by /16)" },
    { "bantime", ANY, "=<n>",
      "Seconds for which setban bans where it is not told (default: 86400)" },
    { "bind", NETWORK, "=<addr>[:<port>][=onion]",
      "Listen at this address; =onion: whoever calls there comes through "
      "Tor. May be given several times (default: all addresses, and "
      "127.0.0.1 for Tor at the port above)" },
    { "cjdnsreachable", ANY, "",
      "This machine is part of CJDNS: fc00::/8 is of that network (default: "
      "0)" },
    { "connect", NETWORK, "=<ip>",
      "Connect to this node only, and listen only if -listen is given; may "
      "be given several times; 0: dial nobody" },
    { "discover", ANY, "",
      "Find out our own addresses (default: 1 when listening and neither "
      "-externalip nor -proxy is given)" },
    { "dns", ANY, "",
      "Allow names in -addnode, -seednode, -connect and of proxies (default:"
      " 1)" },
    { "dnsseed", ANY, "",
      "Ask DNS seeds where few addresses are known (default: 1, unless "
      "-connect or -maxconnections=0 is given)" },
    { "externalip", ANY, "=<ip>",
      "An address of ours that others can reach; may be given several times" },
    { "fixedseeds", ANY, "",
      "Start from built-in addresses where no other is known (default: 1)" },
    { "forcednsseed", ANY, "", "Ask DNS seeds in any case (default: 0)" },
    MISSING("i2pacceptincoming"),
    MISSING("i2psam"),
    { "listen", ANY, "",
      "Accept connections (default: 1, unless -connect, -proxy or "
      "-maxconnections=0 is given)" },
    MISSING("listenonion"),
    { "maxconnections", ANY, "=<n>",
      "Have at most <n> peers besides those of -addnode (default: 125)" },
    { "maxhandshakes", ANY, "=<n>",
      "Let at most <n> inbound connections of one IPv4 /24, IPv6 /64 or other "
      "address be unfinished at once; 0: no limit; those of this machine and "
      "with the permission noban do not count (default: 16)" },
    { "maxreceivebuffer", ANY, "=<n>",
      "Hold at most <n> times 1000 bytes of a peer that are not handled "
      "(default: 5000)" },
    { "maxsendbuffer", ANY, "=<n>",
      "Handle no more of a peer while <n> times 1000 bytes wait to be sent "
      "to it (default: 1000)" },
    { "maxuploadtarget", ANY, "=<n>",
      "Try to send at most <n> in 24 hours, with a suffix of k, m, g, t "
      "(1000 based) or K, M, G, T (1024 based, default: M); 0: no limit "
      "(default: 0M)" },
    { "natpmp", ANY, "",
      "Ask the router for the listening port by PCP or NAT-PMP (default: 1)" },
    { "networkactive", ANY, "",
      "Have connections at all; setnetworkactive changes it (default: 1)" },
    { "onion", ANY, "=<ip:port|path>",
      "Reach onion addresses through this SOCKS5 proxy, or a Unix socket as "
      "unix:<path>; -noonion: not at all (default: as -proxy says)" },
    { "onlynet", ANY, "=<net>",
      "Dial nodes of this network only, unless told by name or address: "
      "ipv4, ipv6, onion, i2p, cjdns; may be given several times" },
    MISSING("peerblockfilters"),
    { "peerbloomfilters", ANY, "",
      "Serve blocks and transactions by bloom filter, as BIP 37 has it "
      "(default: 0)" },
    { "peertimeout", RARE, "=<n>",
      "Give a peer <n> seconds for the handshake, and no other time-out "
      "before them (default: 60)" },
    { "port", NETWORK, "=<port>",
      "Listen on <port> (mainnet: 8333, testnet: 18333, testnet4: 48333, "
      "signet: 38333, regtest: 18444)" },
    { "proxy", VALUE, "=<ip>[:<port>]|unix:<path>[=<network>]",
      "Dial through this SOCKS5 proxy; =ipv4, =ipv6, =onion or =cjdns: for "
      "that network only. May be given several times (default: none)" },
    { "proxyrandomize", ANY, "",
      "Use a fresh user name with the proxy for each connection, so that Tor"
      " gives each a circuit of its own (default: 1)" },
    { "seednode", ANY, "=<ip>",
      "Ask this node for addresses, then leave it; may be given several "
      "times" },
    { "timeout", ANY, "=<n>",
      "Give up dialling after <n> milliseconds (default: 5000)" },
    MISSING("torcontrol"),
    { "torpassword", SECRET | PTD_OPTION_MISSING, NULL, NULL },
    MISSING("v2transport"),
    { "whitebind", ANY, "=<[permissions@]addr>",
      "Listen at this address and give whoever calls there permissions: "
      "bloomfilter, noban, forcerelay, relay, mempool, download, addr, all "
      "(default: download,noban,mempool,relay); may be given several times" },
    { "whitelist", ANY, "=<[permissions@]ip or network>",
      "Give peers of this address or network (1.2.3.4, 1.2.3.0/24) "
      "permissions, as -whitebind; in and out: to those who call us "
      "(default), to those that we were told to call; may be given several "
      "times" },

#ifdef HAVE_ZMQ
    { "", ANY, NULL, "ZeroMQ notification options:" },
#endif
    ZMQ("zmqpubhashblock", "=<address>",
        "Publish the hash of each new tip at <address>"),
    ZMQ_MARK("zmqpubhashblockhwm"),
    ZMQ("zmqpubhashtx", "=<address>",
        "Publish the hash of each transaction at <address>: of blocks that "
        "come and go, and of the pool"),
    ZMQ_MARK("zmqpubhashtxhwm"),
    ZMQ("zmqpubrawblock", "=<address>",
        "Publish each new tip's block at <address>"),
    ZMQ_MARK("zmqpubrawblockhwm"),
    ZMQ("zmqpubrawtx", "=<address>", "Publish each transaction at <address>"),
    ZMQ_MARK("zmqpubrawtxhwm"),
    ZMQ("zmqpubsequence", "=<address>",
        "Publish at <address> which blocks are connected and disconnected, and "
        "which transactions the pool takes and drops"),
    ZMQ_MARK("zmqpubsequencehwm"),

    { "", ANY, NULL, "Debugging/Testing options:" },
    { "capturemessages", RARE, "",
      "Write every message to and from peers to files in message_capture" },
    { "checkaddrman", RARE, "=<n>",
      "Check the table of addresses after every <n> operations (default: 0)" },
    { "checkblockindex", RARE, "=<n>",
      "Check the index of blocks after every <n> operations (default: 0, "
      "regtest: 1)" },
    { "checkblocks", RARE, "=<n>",
      "Check the last <n> blocks at start; 0: all (default: 6)" },
    { "checklevel", RARE, "=<n>", "How thoroughly, 0 to 4 (default: 3)" },
    { "debug", ANY, "=<category>",
      "Log more of a category; alone, 1 or all: of all; 0 or none: forget "
      "those named before. May be given several times. Categories: addrman, "
      "bench, blockstorage, cmpctblock, coindb, estimatefee, http, i2p, ipc,"
      " kernel, leveldb, libevent, mempool, mempoolrej, net, "
      "privatebroadcast, proxy, prune, qt, rand, reindex, rpc, scan, "
      "selectcoins, tor, txpackages, txreconciliation, validation, walletdb,"
      " zmq" },
    { "debugexclude", ANY, "=<category>",
      "But not of this one; may be given several times" },
    { "deprecatedrpc", RARE, "=<method>", "Allow an RPC method that is to go" },
    { "fastprune", RARE, "",
      "Use small block files, so that little needs to be pruned" },
    { "help-debug", ANY, "", "Print this with the rarer options and exit" },
    { "logips", ANY, "", "Log addresses of peers (default: 0)" },
    { "loglevel", NO_NEG | VALUE | RARE, "=<level>|<category>:<level>",
      "How much -debug logs, of all categories or of one: info, debug or "
      "trace (default: debug)" },
    { "loglevelalways", ANY, "",
      "Log category and level on every line (default: 0)" },
    { "logratelimit", RARE, "",
      "Hold back a place in the program that fills the log (default: 1)" },
    { "logsourcelocations", ANY, "",
      "Log file, line and function (default: 0)" },
    { "logthreadnames", ANY, "", "Log the names of threads (default: 0)" },
    { "logtimemicros", RARE, "", "Log times in microseconds (default: 0)" },
    { "logtimestamps", ANY, "", "Log times (default: 1)" },
    { "maxtipage", RARE, "=<n>",
      "Take the chain for current while its last block is younger than <n> "
      "seconds (default: 86400)" },
    { "minimumchainwork", RARE, "=<hex>",
      "The work that the best chain is known to have (default: built in for "
      "each network)" },
    { "mocktime", RARE, "=<n>",
      "Stop the clock at <n> seconds since 1970 (default: 0)" },
    { "peertable", ANY, "",
      "Draw a table of the peers on standard output, refreshed in place; now"
      " and then where it is no terminal" },
    { "printtoconsole", ANY, "",
      "Write the log to standard output too (default: 1, unless -daemon or "
      "-peertable is given)" },
    { "shrinkdebugfile", ANY, "",
      "Keep the end of a large log at start (default: 1, unless -debug is "
      "given)" },
    { "stopafterblockimport", RARE, "",
      "Stop once -loadblock and -reindex are done (default: 0)" },
    { "stopatheight", RARE, "=<n>",
      "Stop once the chain has this height (default: 0)" },
    { "test", RARE, "=<option>",
      "An option of tests, on regtest alone: addrman, bip94, "
      "reindex_after_failure_noninteractive_yes" },
    { "testactivationheight", RARE, "=name@height",
      "From which height on regtest segwit, bip34, dersig, cltv or csv hold" },
    { "uacomment", ANY, "=<cmt>",
      "Add a comment to the user agent; may be given several times" },

    { "", ANY, NULL, "Chain selection options:" },
    { "chain", ANY, "=<chain>",
      "Use this network: main, test, testnet4, signet, regtest (default: "
      "main)" },
    { "regtest", RARE, "",
      "The same as -chain=regtest, where blocks are made at will" },
    { "signet", ANY, "", "The same as -chain=signet" },
    { "signetchallenge", NO_NEG, "=<hex>",
      "Use a signet of one's own, with this challenge" },
    { "signetseednode", NO_NEG, "=<host>[:<port>]",
      "A seed of that signet; may be given several times" },
    { "testnet", ANY, "",
      "The same as -chain=test; testnet3 is about to go, -testnet4 takes its"
      " place" },
    { "testnet4", ANY, "", "The same as -chain=testnet4" },
    { "vbparams", RARE, "=<deployment>:<start>:<end>[:<height>]",
      "When a deployment starts and ends on regtest" },

    { "", ANY, NULL, "Node relay options:" },
    { "minrelaytxfee", ANY, "=<amt>",
      "Do not take transactions that are known to pay less than this for 1000 "
      "virtual bytes, in BTC, and tell peers so (default: 0.000001)" },
    MISSING("privatebroadcast"),
    { "whitelistforcerelay", ANY, "",
      "Give forcerelay to peers of -whitelist and -whitebind for which no "
      "permission is named (default: 0)" },
    { "whitelistrelay", ANY, "",
      "Give relay to peers of -whitelist and -whitebind for which no "
      "permission is named (default: 1)" },

    { "", ANY, NULL, "RPC server options:" },
    MISSING("rest"),
    { "rpcallowip", ANY, "=<ip>",
      "Allow requests from an address (1.2.3.4) or a network (1.2.3.0/24, "
      "1.2.3.0/255.255.255.0, ::/0); may be given several times (default: "
      "this machine alone)" },
    { "rpcauth", SECRET, "=<userpw>",
      "A user and the salted HMAC-SHA-256 of a password, "
      "<user>:<salt>$<hash>; may be given several times" },
    { "rpcbind", NETWORK, "=<addr>[:port]",
      "Listen for requests at this address; does nothing without "
      "-rpcallowip; may be given several times (default: 127.0.0.1 and ::1)" },
    { "rpccookiefile", ANY, "=<loc>",
      "Where the cookie goes, relative to the network's directory (default: "
      ".cookie); -norpccookiefile: nowhere" },
    { "rpccookieperms", ANY, "=<readable-by>",
      "Who may read the cookie: owner, group, all (default: owner)" },
    { "rpcdoccheck", RARE, "", "Accepted (default: 0)" },
    { "rpcpassword", SECRET, "=<pw>", "The password of requests" },
    { "rpcport", NETWORK, "=<port>",
      "Listen for requests on <port> (mainnet: 8332, testnet: 18332, "
      "testnet4: 48332, signet: 38332, regtest: 18443)" },
    { "rpcservertimeout", RARE, "=<n>",
      "Give a request <n> seconds (default: 30)" },
    { "rpcthreads", ANY, "=<n>", "Answer with <n> threads (default: 16)" },
    { "rpcuser", SECRET, "=<user>", "The user of requests" },
    { "rpcwhitelist", ANY, "=<whitelist>",
      "Allow a user these methods only, <user>:<method>,<method> and so on; "
      "may be given several times" },
    { "rpcwhitelistdefault", ANY, "",
      "Users without a -rpcwhitelist may call nothing: 0 never, 1 always "
      "(default: if any -rpcwhitelist is given)" },
    { "rpcworkqueue", RARE, "=<n>",
      "Let at most <n> requests wait (default: 64)" },
    { "server", ANY, "", "Answer JSON-RPC requests (default: 1)" },

    IGNORED("acceptnonstdtxn"),
    IGNORED("acceptstalefeeestimates"),
    IGNORED("addresstype"),
    IGNORED("avoidpartialspends"),
    IGNORED("blockmaxweight"),
    IGNORED("blockmintxfee"),
    IGNORED("blockreconstructionextratxn"),
    IGNORED("blockreservedweight"),
    IGNORED("blockversion"),
    IGNORED("bytespersigop"),
    IGNORED("changetype"),
    IGNORED("checkmempool"),
    IGNORED("checkpoints"),
    IGNORED("choosedatadir"),
    IGNORED("coinstatsindex"),
    IGNORED("consolidatefeerate"),
    IGNORED("datacarrier"),
    IGNORED("datacarriersize"),
    IGNORED("dbbatchsize"),
    IGNORED("dbcache"),
    IGNORED("dbcrashratio"),
    IGNORED("disablewallet"),
    IGNORED("discardfee"),
    IGNORED("dustrelayfee"),
    IGNORED("fallbackfee"),
    IGNORED("forcecompactdb"),
    IGNORED("incrementalrelayfee"),
    IGNORED("ipcbind"),
    IGNORED("keypool"),
    IGNORED("lang"),
    IGNORED("limitancestorcount"),
    IGNORED("limitancestorsize"),
    IGNORED("limitclustercount"),
    IGNORED("limitclustersize"),
    IGNORED("limitdescendantcount"),
    IGNORED("limitdescendantsize"),
    IGNORED("maxapsfee"),
    IGNORED("maxsigcachesize"),
    IGNORED("maxtxfee"),
    IGNORED("min"),
    IGNORED("mintxfee"),
    IGNORED("named"),
    IGNORED("permitbaremultisig"),
    IGNORED("persistmempoolv1"),
    IGNORED("printpriority"),
    IGNORED("resetguisettings"),
    IGNORED("rpcclienttimeout"),
    IGNORED("rpcconnect"),
    IGNORED("rpcwait"),
    IGNORED("rpcwaittimeout"),
    IGNORED("rpcwallet"),
    IGNORED("signer"),
    IGNORED("spendzeroconfchange"),
    IGNORED("splash"),
    IGNORED("txconfirmtarget"),
    IGNORED("txindex"),
    IGNORED("txospenderindex"),
    IGNORED("txreconciliation"),
    IGNORED("uiplatform"),
    IGNORED("unsafesqlitesync"),
    IGNORED_NETWORK("wallet"),
    IGNORED("walletbroadcast"),
    IGNORED("walletcrosschain"),
    IGNORED_NETWORK("walletdir"),
    IGNORED("walletnotify"),
    IGNORED("walletrbf"),
    IGNORED("walletrejectlongchains"),
};

const size_t ptd_n_options = PTD_COUNT(ptd_options);
