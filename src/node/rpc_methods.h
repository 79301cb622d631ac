/* rpc_methods.h - the node's methods, in tables by subject; for this room
 * alone.
 *
 * Every method gets the struct ptd_node_rpc as its arg.
 */
#ifndef PTD_NODE_RPC_METHODS_H
#define PTD_NODE_RPC_METHODS_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/node.h"
#include "node/rpc_start.h"
#include "pentad/attr.h"
#include "pentad/msg.h"
#include "rpc/method.h"

struct ptd_node_rpc {
    struct ptd_rpc *server;
    const struct ptd_node_config *cfg;
    struct ptd_node *node; /* set once, before the first method runs */
    atomic_bool stopping;  /* long work ends when it becomes true */

    /* The one scan for coins (rpc_scan.c). */
    atomic_bool scan_runs, scan_stop;
    atomic_uint scan_percent;
};

/* A subject's methods. */
struct rpc_table {
    const struct ptd_rpc_method *v;
    size_t n;
};

extern const struct rpc_table rpc_control_methods;  /* rpc_control.c */
extern const struct rpc_table rpc_peer_methods;     /* rpc_peers.c */
extern const struct rpc_table rpc_dial_methods;     /* rpc_dial.c */
extern const struct rpc_table rpc_network_methods;  /* rpc_network.c */
extern const struct rpc_table rpc_ban_methods;      /* rpc_bans.c */
extern const struct rpc_table rpc_addr_methods;     /* rpc_addrs.c */
extern const struct rpc_table rpc_chain_methods;    /* rpc_chain.c */
extern const struct rpc_table rpc_block_methods;    /* rpc_block.c */
extern const struct rpc_table rpc_wait_methods;     /* rpc_wait.c */
extern const struct rpc_table rpc_hand_methods;     /* rpc_hand.c */
extern const struct rpc_table rpc_mining_methods;   /* rpc_mining.c */
extern const struct rpc_table rpc_scan_methods;     /* rpc_scan.c */
extern const struct rpc_table rpc_generate_methods; /* rpc_generate.c */
extern const struct rpc_table rpc_address_methods;  /* rpc_address.c */
extern const struct rpc_table rpc_pool_methods;     /* rpc_pool.c */
extern const struct rpc_table rpc_sendtx_methods;   /* rpc_sendtx.c */
extern const struct rpc_table rpc_rawtx_methods;    /* rpc_rawtx.c */
extern const struct rpc_table rpc_zmq_methods;      /* rpc_zmq.c */

static inline struct ptd_node *rpc_node(void *arg)
{
    return ((struct ptd_node_rpc *)arg)->node;
}

/* Was -deprecatedrpc=NAME given? */
bool rpc_still_has(const struct ptd_node_rpc *r, const char *name)
    PTD_NONNULL(1, 2);

/* ---- pieces of answers (rpc_json.c) ---------------------------------------- */
/* All give NULL for lack of memory. */

/* "0000000000000409", and ["NETWORK", "WITNESS", …]. */
json_t *rpc_services(uint64_t services);
json_t *rpc_service_names(uint64_t services);

/* A number of up to 64 bits, unsigned. */
json_t *rpc_u64(uint64_t v);

/* "1.2.3.4:8333"; "1.2.3.4". */
json_t *rpc_addr(const struct ptd_netaddr *na) PTD_NONNULL(1);
json_t *rpc_host(const struct ptd_netaddr *na) PTD_NONNULL(1);

/* A text as it is; whatever is no UTF-8 becomes "?". */
json_t *rpc_text(const char *text) PTD_NONNULL(1);

/* Warnings: a list; with -deprecatedrpc=warnings the last one alone. */
json_t *rpc_warnings(struct ptd_node_rpc *r) PTD_NONNULL(1);

/* An address without port, of any network but names; false: it is none. */
bool rpc_parse_host(struct ptd_netaddr *out, const char *text, uint16_t port)
    PTD_NONNULL(1, 2);

/* The networks in the order in which answers list them; 0 ends. */
extern const enum ptd_net rpc_nets[];
const char *rpc_net_name(enum ptd_net net);

#define RPC_NET_NAMES "ipv4, ipv6, onion, i2p, cjdns"
#define RPC_EPOCH     "seconds since 1970 (UNIX epoch time)"

/* ---- the chain -------------------------------------------------------------- */

struct ptd_block_info;
struct ptd_block_verdict;
struct ptd_blockchain;
struct ptd_u256;

/* NULL: the call has failed, for the node keeps no files. */
struct ptd_blockchain *rpc_chain(struct ptd_rpc_call *call, void *arg)
    PTD_NONNULL(1, 2);

/* The block that the i-th argument names; false: the call has failed. */
PTD_MUST_USE bool rpc_arg_block(struct ptd_rpc_call *call, size_t i,
                                const char *name, struct ptd_blockchain *c,
                                struct ptd_block_info *out)
    PTD_NONNULL(1, 3, 4, 5);

/* Of a compact target: 8 digits, 64 digits, as a multiple of the easiest. */
json_t *rpc_bits(uint32_t bits);
json_t *rpc_target(uint32_t bits);
json_t *rpc_difficulty(uint32_t bits);
json_t *rpc_work(const struct ptd_u256 *work) PTD_NONNULL(1);

double rpc_hashes_per_s(struct ptd_blockchain *c,
                        const struct ptd_block_info *last, uint32_t n_blocks)
    PTD_NONNULL(1, 2);

/* "bad-txnmrklroot, hashMerkleRoot mismatch": fail the call with it; where c
 * could not write, with what stopped it: "Writing a block: the disk is
 * full". */
json_t *rpc_fail_verdict(struct ptd_rpc_call *call, enum ptd_rpc_code code,
                         const char *before, struct ptd_blockchain *c,
                         const struct ptd_block_verdict *v)
    PTD_NONNULL(1, 3, 4, 5);

/* Scripts as text (rpc_script.c). A script that spends shows in which way its
 * signatures sign. */
enum rpc_script_kind { RPC_SCRIPT_PAYS, RPC_SCRIPT_SPENDS };
json_t *rpc_script_asm(const uint8_t *script, size_t n,
                       enum rpc_script_kind kind);
json_t *rpc_script_descriptor(const struct ptd_params *params,
                              const uint8_t *script, size_t n) PTD_NONNULL(1);

#define RPC_WARNINGS                                                           \
    PTD_RPC_RESULT(                                                            \
        ARR, "warnings",                                                       \
        "what a human should know (a single text with "                        \
        "-deprecatedrpc=warnings)",                                            \
        .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, NULL, "a warning")),      \
        .unchecked = true)

/* For the end of a file: NAME is the table of `methods`. */
#define RPC_TABLE(name)                                                        \
    const struct rpc_table name = { methods, PTD_COUNT(methods) }

#endif /* PTD_NODE_RPC_METHODS_H */
