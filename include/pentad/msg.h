/* msg.h - the messages of the Bitcoin P2P protocol, decoded.
 *
 * Every message begins with struct ptd_msg and is one of the structs below;
 * its type says which. A message is written by its maker alone and immutable
 * once it was queued or handed to a callback; then it is shared by reference.
 * All that it points to belongs to it and goes with its last reference.
 *
 * Hashes are in internal byte order. Times are seconds since 1970 (UTC).
 *
 * Owner    reference counted; ptd_msg_new() and ptd_msg_decode() give one
 * Threads  any (one at a time until it is shared)
 * Source   Bitcoin protocol documentation; BIPs as named at each message
 */
#ifndef PTD_MSG_H
#define PTD_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/hash.h"
#include "pentad/netaddr.h"

PTD_BEGIN_DECLS

/* Protocol versions at which something changed. */
enum {
    PTD_PVER_MULTIPLE_ADDRESS = 209, /* addr may hold more than one */
    PTD_PVER_NETADDR_TIME = 31402,   /* addr entries have a time */
    PTD_PVER_BIP31 = 60000,          /* above: ping has a nonce, pong exists */
    PTD_PVER_BIP35 = 60002,          /* mempool */
    PTD_PVER_BIP37 = 70001,          /* filters, relay flag of version */
    PTD_PVER_REJECT = 70002,         /* BIP 61, up to 70015 */
    PTD_PVER_BIP111 = 70011,         /* NODE_BLOOM is signalled */
    PTD_PVER_SENDHEADERS = 70012,    /* BIP 130 */
    PTD_PVER_FEEFILTER = 70013,      /* BIP 133 */
    PTD_PVER_SENDCMPCT = 70014,      /* BIP 152 */
    PTD_PVER_REJECT_LAST = 70015,    /* no reject to peers above this */
    PTD_PVER_WTXIDRELAY = 70016,     /* BIP 339 */
    PTD_PVER_FEATURE = 70017         /* BIP 434 */
};

/* Name, command on the wire, struct suffix. */
#define PTD_MSG_TYPES(X)                                                       \
    X(VERSION, "version", version)                                             \
    X(VERACK, "verack", empty)                                                 \
    X(ADDR, "addr", addr)                                                      \
    X(ADDRV2, "addrv2", addr)                                                  \
    X(SENDADDRV2, "sendaddrv2", empty)                                         \
    X(GETADDR, "getaddr", empty)                                               \
    X(INV, "inv", inv)                                                         \
    X(GETDATA, "getdata", inv)                                                 \
    X(NOTFOUND, "notfound", inv)                                               \
    X(GETBLOCKS, "getblocks", locator)                                         \
    X(GETHEADERS, "getheaders", locator)                                       \
    X(HEADERS, "headers", headers)                                             \
    X(BLOCK, "block", block)                                                   \
    X(TX, "tx", tx)                                                            \
    X(PING, "ping", nonce)                                                     \
    X(PONG, "pong", nonce)                                                     \
    X(ALERT, "alert", alert)                                                   \
    X(MEMPOOL, "mempool", empty)                                               \
    X(FILTERADD, "filteradd", filteradd)                                       \
    X(FILTERCLEAR, "filterclear", empty)                                       \
    X(FILTERLOAD, "filterload", filterload)                                    \
    X(MERKLEBLOCK, "merkleblock", merkleblock)                                 \
    X(REJECT, "reject", reject)                                                \
    X(SENDHEADERS, "sendheaders", empty)                                       \
    X(FEEFILTER, "feefilter", feefilter)                                       \
    X(GETCFILTERS, "getcfilters", getcf)                                       \
    X(GETCFHEADERS, "getcfheaders", getcf)                                     \
    X(GETCFCHECKPT, "getcfcheckpt", getcf)                                     \
    X(CFILTER, "cfilter", cfilter)                                             \
    X(CFHEADERS, "cfheaders", cfheaders)                                       \
    X(CFCHECKPT, "cfcheckpt", cfheaders)                                       \
    X(SENDCMPCT, "sendcmpct", sendcmpct)                                       \
    X(CMPCTBLOCK, "cmpctblock", cmpctblock)                                    \
    X(GETBLOCKTXN, "getblocktxn", getblocktxn)                                 \
    X(BLOCKTXN, "blocktxn", blocktxn)                                          \
    X(WTXIDRELAY, "wtxidrelay", empty)                                         \
    X(SENDTXRCNCL, "sendtxrcncl", sendtxrcncl)                                 \
    X(FEATURE, "feature", feature)

#define PTD_MSG_NAME_(name, cmd, suffix) PTD_MSG_##name,
enum ptd_msg_type {
    PTD_MSG_TYPES(PTD_MSG_NAME_) PTD_MSG_N_TYPES,
    PTD_MSG_UNKNOWN = PTD_MSG_N_TYPES /* a command that we do not know */
};
#undef PTD_MSG_NAME_

/* Limits of the protocol, checked on decoding and on encoding. */
enum {
    PTD_MAX_PAYLOAD = 4000000, /* bytes, of any message */
    PTD_COMMAND_BYTES = 12,    /* of the command in a header */
    PTD_MAX_ADDR_PER_MSG = 1000,
    PTD_MAX_INV_PER_MSG = 50000,
    PTD_MAX_HEADERS_PER_MSG = 2000,
    PTD_MAX_LOCATOR = 101,          /* hashes in a block locator */
    PTD_MAX_USER_AGENT = 256,       /* bytes */
    PTD_MAX_FILTER_BYTES = 36000,   /* BIP 37 */
    PTD_MAX_FILTER_FUNCS = 50,      /* BIP 37 */
    PTD_MAX_FILTERADD_BYTES = 520,  /* BIP 37 */
    PTD_MAX_REJECT_REASON = 111,    /* bytes, as Bitcoin Core */
    PTD_MAX_REJECT_COMMAND = 12,    /* bytes */
    PTD_MAX_CFHEADERS = 2000,       /* BIP 157 */
    PTD_MAX_CFILTER_BYTES = 262144, /* as btcd */
    PTD_MAX_ADDRV2_BYTES = 512,     /* BIP 155 */
    PTD_MAX_FEATURE_ID = 80,        /* BIP 434 */
    PTD_MAX_FEATURE_DATA = 512      /* BIP 434 */
};

/* Services that a node offers (bits of version and addr). */
#define PTD_NODE_NETWORK         UINT64_C(1)
#define PTD_NODE_BLOOM           UINT64_C(4)
#define PTD_NODE_WITNESS         UINT64_C(8)
#define PTD_NODE_COMPACT_FILTERS UINT64_C(64)
#define PTD_NODE_NETWORK_LIMITED UINT64_C(1024)
#define PTD_NODE_P2P_V2          UINT64_C(2048)

/* Bytes that belong to the message they are found in. */
struct ptd_bytes {
    const uint8_t *p;
    size_t n;
};

/* The head of every message; the rest of it is private to the wire room. */
struct ptd_msg {
    enum ptd_msg_type type;
    uint32_t payload_bytes; /* as received; 0 for a message of our own */
    struct ptd_msg_priv *priv;
};

/* ---- parts ----------------------------------------------------------- */

/* Source: BIPs 37, 144, 152, 339 */
enum ptd_inv_type {
    PTD_INV_ERROR = 0,
    PTD_INV_TX = 1,
    PTD_INV_BLOCK = 2,
    PTD_INV_FILTERED_BLOCK = 3,
    PTD_INV_CMPCT_BLOCK = 4,
    PTD_INV_WTX = 5,
    PTD_INV_WITNESS_FLAG = 1 << 30,
    PTD_INV_WITNESS_TX = PTD_INV_TX | PTD_INV_WITNESS_FLAG,
    PTD_INV_WITNESS_BLOCK = PTD_INV_BLOCK | PTD_INV_WITNESS_FLAG
};

struct ptd_inv {
    uint32_t type; /* enum ptd_inv_type, or what the peer made up */
    struct ptd_hash hash;
};

struct ptd_outpoint {
    struct ptd_hash hash;
    uint32_t index;
};

struct ptd_tx_in {
    struct ptd_outpoint prev;
    struct ptd_bytes script;
    const struct ptd_bytes *witness; /* n_witness items; BIP 144 */
    uint32_t n_witness;
    uint32_t sequence;
};

struct ptd_tx_out {
    int64_t value; /* satoshi */
    struct ptd_bytes script;
};

struct ptd_tx {
    int32_t version;
    uint32_t lock_time;
    uint32_t n_in;
    uint32_t n_out;
    struct ptd_tx_in *in;
    struct ptd_tx_out *out;
    bool has_witness;     /* some input has witness items */
    struct ptd_bytes raw; /* as received, in its own encoding; empty if ours */
};

struct ptd_block_header { /* 80 bytes on the wire */
    int32_t version;
    struct ptd_hash prev;
    struct ptd_hash merkle_root;
    uint32_t time;
    uint32_t bits;
    uint32_t nonce;
};

/* An address as announced. */
struct ptd_addr_entry {
    uint32_t time; /* last seen; 0 below PTD_PVER_NETADDR_TIME */
    uint64_t services;
    struct ptd_netaddr na;
};

/* ---- messages -------------------------------------------------------- */

/* verack, sendaddrv2, getaddr, mempool, filterclear, sendheaders, wtxidrelay */
struct ptd_msg_empty {
    struct ptd_msg msg;
};

struct ptd_msg_version { /* BIPs 14, 37 */
    struct ptd_msg msg;
    int32_t version;
    uint64_t services;
    int64_t time;
    uint64_t addr_recv_services;
    struct ptd_netaddr addr_recv;
    uint64_t addr_from_services; /* from version 106 on; else 0 */
    struct ptd_netaddr addr_from;
    uint64_t nonce;
    struct ptd_bytes user_agent; /* at most PTD_MAX_USER_AGENT bytes */
    int32_t start_height;        /* from version 209 on; else 0 */
    bool relay;                  /* true where the field is absent */
};

struct ptd_msg_addr { /* addr; addrv2: BIP 155 */
    struct ptd_msg msg;
    uint32_t n;
    uint32_t n_ignored; /* entries of unknown networks, not in the list */
    struct ptd_addr_entry *list;
};

struct ptd_msg_inv { /* inv, getdata, notfound */
    struct ptd_msg msg;
    uint32_t n;
    struct ptd_inv *list;
};

struct ptd_msg_locator { /* getblocks, getheaders */
    struct ptd_msg msg;
    uint32_t version;
    uint32_t n;
    struct ptd_hash *hashes; /* newest first */
    struct ptd_hash stop;    /* zero: as many as allowed */
};

struct ptd_msg_headers {
    struct ptd_msg msg;
    uint32_t n;
    struct ptd_block_header *list;
};

struct ptd_msg_block { /* BIP 144 */
    struct ptd_msg msg;
    struct ptd_block_header header;
    struct ptd_bytes raw; /* the whole block as received; empty if ours */
    uint32_t n_tx;
    struct ptd_tx *tx;
};

struct ptd_msg_tx { /* BIP 144 */
    struct ptd_msg msg;
    struct ptd_tx tx;
};

struct ptd_msg_nonce { /* ping, pong: BIP 31 */
    struct ptd_msg msg;
    uint64_t nonce; /* 0 in a ping of version 60000 and below */
};

struct ptd_msg_alert {
    struct ptd_msg msg;
    struct ptd_bytes payload;
    struct ptd_bytes signature;
};

struct ptd_msg_filteradd { /* BIP 37 */
    struct ptd_msg msg;
    struct ptd_bytes data;
};

struct ptd_msg_filterload { /* BIP 37 */
    struct ptd_msg msg;
    struct ptd_bytes filter;
    uint32_t n_funcs;
    uint32_t tweak;
    uint8_t flags;
};

struct ptd_msg_merkleblock { /* BIP 37 */
    struct ptd_msg msg;
    struct ptd_block_header header;
    uint32_t n_tx;
    uint32_t n_hashes;
    struct ptd_hash *hashes;
    struct ptd_bytes flags;
};

/* BIP 61 */
enum ptd_reject_code {
    PTD_REJECT_MALFORMED = 0x01,
    PTD_REJECT_INVALID = 0x10,
    PTD_REJECT_OBSOLETE = 0x11,
    PTD_REJECT_DUPLICATE = 0x12,
    PTD_REJECT_NONSTANDARD = 0x40,
    PTD_REJECT_DUST = 0x41,
    PTD_REJECT_INSUFFICIENT_FEE = 0x42,
    PTD_REJECT_CHECKPOINT = 0x43
};

struct ptd_msg_reject { /* BIP 61 */
    struct ptd_msg msg;
    struct ptd_bytes command;
    uint8_t code; /* enum ptd_reject_code, or what the peer made up */
    struct ptd_bytes reason;
    bool has_hash; /* where the command is block or tx */
    struct ptd_hash hash;
};

struct ptd_msg_feefilter { /* BIP 133 */
    struct ptd_msg msg;
    int64_t fee_rate; /* satoshi per 1,000 virtual bytes */
};

struct ptd_msg_getcf { /* getcfilters, getcfheaders, getcfcheckpt: BIP 157 */
    struct ptd_msg msg;
    uint8_t filter_type;
    uint32_t start_height; /* absent (0) in getcfcheckpt */
    struct ptd_hash stop;
};

struct ptd_msg_cfilter { /* BIP 157 */
    struct ptd_msg msg;
    uint8_t filter_type;
    struct ptd_hash block;
    struct ptd_bytes filter;
};

struct ptd_msg_cfheaders { /* cfheaders, cfcheckpt: BIP 157 */
    struct ptd_msg msg;
    uint8_t filter_type;
    struct ptd_hash stop;
    struct ptd_hash prev; /* absent (zero) in cfcheckpt */
    uint32_t n;
    struct ptd_hash *hashes;
};

struct ptd_msg_sendcmpct { /* BIP 152 */
    struct ptd_msg msg;
    bool high_bandwidth;
    uint64_t version;
};

struct ptd_prefilled_tx {
    uint32_t index; /* absolute, in the block */
    struct ptd_tx tx;
};

struct ptd_msg_cmpctblock { /* BIP 152 */
    struct ptd_msg msg;
    struct ptd_block_header header;
    uint64_t nonce;
    uint32_t n_short_ids;
    uint64_t *short_ids; /* 48 bits each */
    uint32_t n_prefilled;
    struct ptd_prefilled_tx *prefilled;
};

struct ptd_msg_getblocktxn { /* BIP 152 */
    struct ptd_msg msg;
    struct ptd_hash block;
    uint32_t n;
    uint32_t *indexes; /* absolute, rising */
};

struct ptd_msg_blocktxn { /* BIP 152 */
    struct ptd_msg msg;
    struct ptd_hash block;
    uint32_t n;
    struct ptd_tx *tx;
};

struct ptd_msg_sendtxrcncl { /* BIP 330 */
    struct ptd_msg msg;
    uint32_t version;
    uint64_t salt;
};

struct ptd_msg_feature { /* BIP 434 */
    struct ptd_msg msg;
    struct ptd_bytes id;
    struct ptd_bytes data;
};

/* Bytes of a command that need not be known, sent as they are: for tools. Its
 * type is PTD_MSG_UNKNOWN; none is ever decoded. */
struct ptd_msg_raw {
    struct ptd_msg msg;
    char command[PTD_COMMAND_BYTES + 1];
    struct ptd_bytes payload;
};

/* ---- making, sharing, freeing ---------------------------------------- */

/* Give an empty message of a known type, all fields zero (relay of version is
 * true).
 *
 * Returns  NULL for lack of memory or PTD_MSG_UNKNOWN
 */
PTD_API PTD_MUST_USE struct ptd_msg *ptd_msg_new(enum ptd_msg_type type);

/* Give memory that belongs to the message and goes with it, zeroed, aligned
 * for any type. NULL for lack of memory; n * size is checked for overflow.
 *
 * Thread   the maker's, before the message is shared
 */
PTD_API PTD_MUST_USE void *ptd_msg_alloc(struct ptd_msg *m, size_t n,
                                         size_t size) PTD_NONNULL(1);

/* Copy bytes into the message. PTD_OK, PTD_ENOMEM. */
PTD_API PTD_MUST_USE enum ptd_err
ptd_msg_copy_bytes(struct ptd_msg *m, struct ptd_bytes *out, const void *p,
                   size_t n) PTD_NONNULL(1, 2);

/* Add a reference; gives m. */
PTD_API struct ptd_msg *ptd_msg_ref(struct ptd_msg *m) PTD_NONNULL(1);

/* Drop a reference; the last one frees. Takes NULL. */
PTD_API void ptd_msg_free(struct ptd_msg *m PTD_TAKES);

/* The command on the wire ("inv"); "*other*" for PTD_MSG_UNKNOWN. */
PTD_API const char *ptd_msg_type_command(enum ptd_msg_type type);

/* The command that this message has on the wire. */
PTD_API const char *ptd_msg_command(const struct ptd_msg *m) PTD_NONNULL(1);

/* The type of a command, n bytes at most PTD_COMMAND_BYTES, without padding;
 * PTD_MSG_UNKNOWN if there is none. */
PTD_API enum ptd_msg_type ptd_msg_type_of(const char *command, size_t n);

/* Short-hands for messages of our own; NULL for lack of memory. Lists are
 * copied; n above the message's limit gives NULL. */
PTD_API PTD_MUST_USE struct ptd_msg *ptd_msg_new_nonce(enum ptd_msg_type type,
                                                       uint64_t nonce);
PTD_API PTD_MUST_USE struct ptd_msg *
ptd_msg_new_raw(const char *command, const void *payload, size_t n)
    PTD_NONNULL(1);
PTD_API PTD_MUST_USE struct ptd_msg *
ptd_msg_new_inv(enum ptd_msg_type type, const struct ptd_inv *list, size_t n);
PTD_API PTD_MUST_USE struct ptd_msg *
ptd_msg_new_addr(enum ptd_msg_type type, const struct ptd_addr_entry *list,
                 size_t n);
PTD_API PTD_MUST_USE struct ptd_msg *
ptd_msg_new_headers(const struct ptd_block_header *list, size_t n);
PTD_API PTD_MUST_USE struct ptd_msg *
ptd_msg_new_locator(enum ptd_msg_type type, uint32_t version,
                    const struct ptd_hash *hashes, size_t n,
                    const struct ptd_hash *stop);
PTD_API PTD_MUST_USE struct ptd_msg *
ptd_msg_new_reject(const char *command, enum ptd_reject_code code,
                   const char *reason, const struct ptd_hash *hash);

/* ---- looking at them -------------------------------------------------- */

/* One line for logs, such as "inv 35 (tx 34, block 1)"; cut to cap - 1 bytes,
 * text from the peer escaped. Gives out. */
PTD_API const char *ptd_msg_summary(const struct ptd_msg *m, char *out,
                                    size_t cap) PTD_NONNULL(1, 2);

/* Every field, several lines, in newly malloc'ed memory that the caller frees
 * with free(); lists are cut after max_items. NULL for lack of memory. */
PTD_API PTD_MUST_USE char *ptd_msg_dump(const struct ptd_msg *m,
                                        size_t max_items) PTD_NONNULL(1);

/* ---- hashes ----------------------------------------------------------- */

PTD_API void ptd_block_header_hash(const struct ptd_block_header *h,
                                   struct ptd_hash *out) PTD_NONNULL(1, 2);
PTD_API void ptd_block_header_encode(const struct ptd_block_header *h,
                                     uint8_t out[80]) PTD_NONNULL(1, 2);
PTD_API void ptd_block_header_decode(struct ptd_block_header *h,
                                     const uint8_t in[80]) PTD_NONNULL(1, 2);
/* txid (without witness) and wtxid (with); PTD_OK, PTD_ENOMEM. Source: BIP 141 */
PTD_API PTD_MUST_USE enum ptd_err ptd_tx_txid(const struct ptd_tx *tx,
                                              struct ptd_hash *out);
PTD_API PTD_MUST_USE enum ptd_err ptd_tx_wtxid(const struct ptd_tx *tx,
                                               struct ptd_hash *out);

/* The root of the tree of txids: what the header must say.
 *
 * mutated  NULL, or told whether two neighbours in the tree are equal: then
 *          another list of transactions has the same root, and the block is
 *          refused without remembering its hash as bad (CVE-2012-2459)
 * Returns  PTD_OK; PTD_ENOMEM
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_block_merkle_root(const struct ptd_msg_block *b, struct ptd_hash *out,
                      bool *mutated) PTD_NONNULL(1, 2);

/* The root of the tree of wtxids, the first transaction's being zero. Source:
 * BIP 141. PTD_OK, PTD_ENOMEM. */
PTD_API PTD_MUST_USE enum ptd_err
ptd_block_witness_root(const struct ptd_msg_block *b, struct ptd_hash *out)
    PTD_NONNULL(1, 2);

/* The commitment in the first transaction's outputs; false if there is none.
 * Source: BIP 141 */
PTD_API bool ptd_block_witness_commitment(const struct ptd_msg_block *b,
                                          struct ptd_hash *out)
    PTD_NONNULL(1, 2);

/* Hold a block's witness data against its commitment.
 *
 * Returns  PTD_OK: they agree, or there is neither; PTD_EBADVALUE: they
 *          differ, or one is there without the other; PTD_ENOMEM
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_block_check_witness(const struct ptd_msg_block *b) PTD_NONNULL(1);

PTD_END_DECLS

#endif /* PTD_MSG_H */
