/* cli.h - the client: one call of a node's RPC from a shell.
 *
 * Options, texts and exit statuses are bitcoin-cli's, so that scripts need not
 * know which of the two they call, nor which node answers.
 *
 * Threads  main, alone
 * Source   Bitcoin Core 31.1's bitcoin-cli
 */
#ifndef PTD_RPC_CLI_H
#define PTD_RPC_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"

/* What is asked for besides a method; several are an error. */
enum ptd_cli_ask {
    PTD_CLI_ADDRINFO = 1,
    PTD_CLI_GENERATE = 2,
    PTD_CLI_GETINFO = 4,
    PTD_CLI_NETINFO = 8
};

enum { PTD_CLI_DEFAULT_TIMEOUT_S = 900 };

struct ptd_cli_config {
    const char *program; /* "Pentad" */
    const char *version; /* "0.1.0" */
    const char *chain;   /* "" on mainnet, "regtest" … */

    const char *connect;     /* -rpcconnect, host or host:port */
    const char *port;        /* -rpcport; NULL if not given */
    uint16_t default_port;   /* of the network */
    const char *user;        /* -rpcuser, "" if not given */
    const char *password;    /* -rpcpassword; "": the cookie is read */
    const char *cookie_path; /* NULL: there is none (-norpccookiefile) */
    const char *conf_path;   /* for the words about it; "" if none */
    const char *wallet;      /* -rpcwallet; NULL if not given */
    int64_t timeout_s;       /* -rpcclienttimeout; 0: none */
    bool wait;               /* -rpcwait */
    int64_t wait_timeout_s;  /* -rpcwaittimeout; 0: none */

    unsigned ask; /* of enum ptd_cli_ask; 0: args[0] is a method */
    bool named;
    bool read_stdin;         /* -stdin: more arguments, one a line */
    bool read_password;      /* -stdinrpcpass */
    bool read_passphrase;    /* -stdinwalletpassphrase */
    const char *color;       /* -color: "auto", "always", "never" */
    const char *const *args; /* behind the options */
    size_t n_args;
};

void ptd_cli_config_init(struct ptd_cli_config *cfg) PTD_NONNULL(1);

/* Ask, print the answer on stdout, or what is wrong on stderr.
 *
 * Returns  the exit status: 0; 1; or the absolute value of the server's error
 *          code
 */
int ptd_cli_run(const struct ptd_cli_config *cfg) PTD_NONNULL(1);

#endif /* PTD_RPC_CLI_H */
