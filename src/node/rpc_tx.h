/* rpc_tx.h - a transaction with every field; for this room alone. */
#ifndef PTD_NODE_RPC_TX_H
#define PTD_NODE_RPC_TX_H

#include <jansson.h>

#include "node/rpc_methods.h"
#include "pentad/attr.h"
#include "pentad/msg.h"
#include "pentad/wire.h"

/* Set the members that RPC_TX_MEMBERS describes; "hex". */
void rpc_set_tx(json_t **o, const struct ptd_params *params,
                const struct ptd_tx *tx) PTD_NONNULL(1, 2, 3);
void rpc_set_tx_hex(json_t **o, const struct ptd_tx *tx) PTD_NONNULL(1, 2);

/* Its bytes, with witness. */
json_t *rpc_tx_hex(const struct ptd_tx *tx) PTD_NONNULL(1);

/* Decode a transaction of a user's; what is left behind it is an error.
 *
 * encoding  as it is said to be
 * Returns   NULL if it is none, or for lack of memory
 */
struct ptd_msg *rpc_tx_from_hex(const char *hex, enum ptd_encoding encoding)
    PTD_NONNULL(1);

/* The same in whichever form it is; with witness first. NULL too for one without
 * inputs, which reads as either. */
struct ptd_msg *rpc_tx_from_any_hex(const char *hex) PTD_NONNULL(1);

static inline const struct ptd_tx *rpc_tx_of(const struct ptd_msg *m)
{
    return &((const struct ptd_msg_tx *)(const void *)m)->tx;
}

/* ---- its description --------------------------------------------------------- */

#define RPC_TX_HEX_LIST(name, what, entry)                                     \
    PTD_RPC_RESULT(ARR, name, what, .optional = true,                          \
                   .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(HEX, NULL, entry)))

#define RPC_TX_SCRIPT_SIG                                                      \
    PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, "asm", "by names of operations"),      \
                    PTD_RPC_RESULT(HEX, "hex", "its bytes"))

#define RPC_TX_INPUT                                                           \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(HEX, "coinbase", "Its script (of a coinbase alone)",    \
                       .optional = true),                                      \
        PTD_RPC_RESULT(HEX, "txid", "The transaction that it spends",          \
                       .optional = true),                                      \
        PTD_RPC_RESULT(NUM, "vout", "Which output of that", .optional = true), \
        PTD_RPC_RESULT(OBJ, "scriptSig", "Its script",                         \
                       .inner = RPC_TX_SCRIPT_SIG, .optional = true),          \
        RPC_TX_HEX_LIST("txinwitness", "Its witness", "an item"),              \
        PTD_RPC_RESULT(NUM, "sequence", "Its sequence number"))

#define RPC_TX_SCRIPT_PUB_KEY                                                  \
    PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, "asm", "by names of operations"),      \
                    PTD_RPC_RESULT(STR, "desc", "as a descriptor"),            \
                    PTD_RPC_RESULT(HEX, "hex", "its bytes"),                   \
                    PTD_RPC_RESULT(STR, "address",                             \
                                   "as an address, if it has one",             \
                                   .optional = true),                          \
                    PTD_RPC_RESULT(STR, "type", "its kind (pubkeyhash …)"))

#define RPC_TX_OUTPUT                                                          \
    PTD_RPC_RESULTS(PTD_RPC_RESULT(AMOUNT, "value", "The value in BTC"),       \
                    PTD_RPC_RESULT(NUM, "n", "Its place"),                     \
                    PTD_RPC_RESULT(OBJ, "scriptPubKey", "Its script",          \
                                   .inner = RPC_TX_SCRIPT_PUB_KEY))

#define RPC_TX_LIST(name, entry)                                               \
    PTD_RPC_RESULT(ARR, name, "",                                              \
                   .inner = PTD_RPC_RESULTS(                                   \
                       PTD_RPC_RESULT(OBJ, NULL, "", .inner = entry)))

#define RPC_TX_MEMBERS                                                         \
    PTD_RPC_RESULT(HEX, "txid", "The transaction's id"),                       \
        PTD_RPC_RESULT(HEX, "hash", "Its hash with the witness"),              \
        PTD_RPC_RESULT(NUM, "version", "Its version"),                         \
        PTD_RPC_RESULT(NUM, "size", "Its bytes"),                              \
        PTD_RPC_RESULT(NUM, "vsize", "A fourth of its weight"),                \
        PTD_RPC_RESULT(NUM, "weight", "Its weight"),                           \
        PTD_RPC_RESULT(NUM, "locktime", "When it may be in a block"),          \
        RPC_TX_LIST("vin", RPC_TX_INPUT), RPC_TX_LIST("vout", RPC_TX_OUTPUT)
#define RPC_TX_HEX PTD_RPC_RESULT(HEX, "hex", "All of it, as on the wire")

#endif /* PTD_NODE_RPC_TX_H */
