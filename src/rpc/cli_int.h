/* cli_int.h - the client's inside; seen by this room only. */
#ifndef PTD_RPC_CLI_INT_H
#define PTD_RPC_CLI_INT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "pentad/attr.h"
#include "rpc/cli.h"
#include "rpc/json.h"

struct ptd_cli {
    const struct ptd_cli_config *cfg;
    char *password; /* cfg's, or read from stdin; owned */
    char **args;    /* owned, n_args of cap */
    size_t n_args;
    size_t cap_args;
    struct ptd_text error; /* what is wrong, for "error: …" */
    bool is_transient;     /* with -rpcwait it is tried again */
    struct ptd_text out;   /* what is printed */
    int status;            /* 0: out goes to stdout */
};

/* Say what is wrong, instead of what was said before; gives false. */
bool ptd_cli_fail(struct ptd_cli *c, const char *format, ...) PTD_PRINTF(2, 3)
    PTD_NONNULL(1, 2);
bool ptd_cli_fail_memory(struct ptd_cli *c) PTD_NONNULL(1);

/* ---- cli_convert.c --------------------------------------------------------- */

/* Append the JSON of a method's parameters to t; false: c says why. */
PTD_MUST_USE bool ptd_cli_convert(struct ptd_cli *c, struct ptd_text *t,
                                  const char *method, const char *const *args,
                                  size_t n, bool named) PTD_NONNULL(1, 2, 3);

/* ---- cli_call.c ------------------------------------------------------------ */

/* Append one request, with id and parameters ("null" if NULL). */
void ptd_cli_add_request(struct ptd_text *t, const char *method,
                         const char *params, int id) PTD_NONNULL(1, 2);

/* Send a body, read the answer; with -rpcwait again and again.
 *
 * reply    to be finished by the caller
 * Returns  true; false: c says why
 */
PTD_MUST_USE bool ptd_cli_call(struct ptd_cli *c, const struct ptd_text *body,
                               const char *wallet, struct ptd_json_doc *reply)
    PTD_NONNULL(1, 2, 4);

/* ---- cli_http.c ------------------------------------------------------------ */

/* One POST. True: status and the body, of malloc; false: c says why. */
PTD_MUST_USE bool
ptd_cli_post(struct ptd_cli *c, const char *host, uint16_t port,
             const char *path, const char *credentials,
             const struct ptd_text *body, long *status, struct ptd_text *reply)
    PTD_NONNULL(1, 2, 4, 5, 6, 7, 8);

/* ---- the forms of an answer: false, c says why ----------------------------- */

PTD_MUST_USE bool ptd_cli_getinfo(struct ptd_cli *c) PTD_NONNULL(1);
PTD_MUST_USE bool ptd_cli_netinfo(struct ptd_cli *c) PTD_NONNULL(1);
PTD_MUST_USE bool ptd_cli_addrinfo(struct ptd_cli *c) PTD_NONNULL(1);
PTD_MUST_USE bool ptd_cli_generate(struct ptd_cli *c) PTD_NONNULL(1);

/* What -netinfo help prints. */
extern const char ptd_cli_netinfo_help[];

/* An answer's "error" or "result" as the program's output. */
void ptd_cli_print_error(struct ptd_cli *c, const json_t *error) PTD_NONNULL(1);
void ptd_cli_print_result(struct ptd_cli *c, const json_t *result)
    PTD_NONNULL(1);

/* The "error" of an answer, NULL if there is none or it is null. */
const json_t *ptd_cli_error_of(const json_t *answer);

/* The answers to a batch of n by their ids. False: c says why. */
PTD_MUST_USE bool ptd_cli_sort_batch(struct ptd_cli *c, const json_t *batch,
                                     const json_t **out, size_t n)
    PTD_NONNULL(1, 3);

/* The networks by name, in the order in which they are shown; -1: unknown. */
enum {
    PTD_CLI_NET_NPR,
    PTD_CLI_NET_IPV4,
    PTD_CLI_NET_IPV6,
    PTD_CLI_NET_ONION,
    PTD_CLI_NET_I2P,
    PTD_CLI_NET_CJDNS,
    PTD_CLI_NET_INTERNAL,
    PTD_CLI_N_NETS
};
extern const char *const ptd_cli_net_names[PTD_CLI_N_NETS];
int ptd_cli_net_of(const char *name);

/* Members, with what stands for those that are absent or of another type. */
const json_t *ptd_cli_get(const json_t *o, const char *key) PTD_NONNULL(2);
const char *ptd_cli_get_text(const json_t *o, const char *key) PTD_NONNULL(2);
int64_t ptd_cli_get_int(const json_t *o, const char *key) PTD_NONNULL(2);
double ptd_cli_get_real(const json_t *o, const char *key, double otherwise)
    PTD_NONNULL(2);
bool ptd_cli_get_bool(const json_t *o, const char *key, bool otherwise)
    PTD_NONNULL(2);

#endif /* PTD_RPC_CLI_INT_H */
