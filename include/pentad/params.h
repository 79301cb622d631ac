/* params.h - what distinguishes one Bitcoin network from another.
 *
 * Constant tables, and a network of one's own where the caller makes it (a
 * signet with another challenge, or a changed copy of a table): nothing here
 * is global, so one process can serve several networks.
 *
 * Threads  any
 * Source   Bitcoin Core 31.1 (figures); BIPs 34 65 66 94 155 173 325
 */
#ifndef PTD_PARAMS_H
#define PTD_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/hash.h"

PTD_BEGIN_DECLS

enum ptd_chain {
    PTD_CHAIN_MAIN,
    PTD_CHAIN_TEST, /* testnet3 */
    PTD_CHAIN_TESTNET4,
    PTD_CHAIN_SIGNET,
    PTD_CHAIN_REGTEST,
    PTD_N_CHAINS
};

struct ptd_params {
    enum ptd_chain chain;
    const char *name;    /* as in -chain=: main test testnet4 signet regtest */
    const char *datadir; /* below the data directory; "" for main */

    /* The wire. */
    uint8_t magic[4]; /* as sent */
    uint16_t port;
    uint16_t rpc_port;
    uint16_t onion_port; /* where a Tor service is forwarded to */

    /* The genesis block: one transaction, its header. */
    struct {
        uint32_t version, time, bits, nonce;
        uint64_t value;        /* of its only output, in satoshi */
        const char *text;      /* pushed last by its only input */
        const uint8_t *script; /* of its only output */
        size_t script_size;
        struct ptd_hash merkle_root;
        struct ptd_hash hash;
    } genesis;

    /* Proof of work. Numbers of 256 bits lie as a hash does, lowest byte
     * first. */
    struct ptd_hash pow_limit; /* the easiest target */
    uint32_t pow_timespan_s;   /* aim for one retarget period */
    uint32_t pow_spacing_s;    /* aim for one block */
    bool min_difficulty;       /* pow_limit allowed 2 spacings after the last */
    bool bip94;                /* testnet4's rules against time warp */
    bool no_retarget;          /* bits never change */

    /* Heights from which rules hold. */
    uint32_t bip34_height, bip65_height, bip66_height;
    uint32_t csv_height, segwit_height;
    uint32_t rules_height; /* blocks below signal no rules but known ones */

    /* What is known of the best chain: it has at least this much work, and
     * this block (zero: none) was checked by others. */
    struct ptd_hash min_chain_work;
    struct ptd_hash assume_valid;
    uint32_t assume_valid_height;

    /* Header pre-synchronisation. */
    uint32_t presync_period;     /* headers per commitment */
    uint32_t redownload_headers; /* kept before they are let through */

    /* BIP 325; NULL elsewhere. */
    const uint8_t *signet_challenge;
    size_t signet_challenge_size;

    /* Where to find the first peers. */
    const char *const *dns_seeds; /* NULL at the end; never NULL itself */
    const uint8_t *seeds;         /* see ptd_params_next_seed() */
    size_t seeds_size;            /* bytes */

    /* How people write addresses and keys. */
    const char *bech32_hrp;
    uint8_t base58_pubkey, base58_script, base58_secret;
    uint8_t base58_ext_pub[4], base58_ext_prv[4];
};

/* The table of a network; NULL if there is none of that name, number or
 * magic. */
PTD_API const struct ptd_params *ptd_params_of(enum ptd_chain chain);
PTD_API const struct ptd_params *ptd_params_by_name(const char *name)
    PTD_NONNULL(1);
PTD_API const struct ptd_params *ptd_params_by_magic(const uint8_t magic[4])
    PTD_NONNULL(1);

/* Make a signet with a challenge of one's own: its magic follows from it; it
 * has no seeds, and nothing is known of its best chain.
 *
 * n        1 to PTD_SIGNET_CHALLENGE_MAX bytes
 * Returns  PTD_OK; PTD_EINVAL; PTD_ENOMEM
 */
#define PTD_SIGNET_CHALLENGE_MAX 10000
PTD_API PTD_MUST_USE enum ptd_err
ptd_params_new_signet(struct ptd_params **out, const uint8_t *challenge,
                      size_t n) PTD_NONNULL(1, 2);

/* Free what ptd_params_new_signet() gave. Takes NULL. */
PTD_API void ptd_params_free(struct ptd_params *p PTD_TAKES);

/* Headers between two retargets: 2016, on regtest 144. */
PTD_API uint32_t ptd_params_retarget_interval(const struct ptd_params *p)
    PTD_NONNULL(1);

/* Write the genesis block's header, or the whole block as on the wire. */
#define PTD_HEADER_BYTES      80
#define PTD_GENESIS_MAX_BYTES 320
PTD_API void ptd_params_genesis_header(const struct ptd_params *p,
                                       uint8_t out[PTD_HEADER_BYTES])
    PTD_NONNULL(1, 2);

/* Gives the block's size in bytes. */
PTD_API size_t ptd_params_genesis_block(const struct ptd_params *p,
                                        uint8_t out[PTD_GENESIS_MAX_BYTES])
    PTD_NONNULL(1, 2);

/* A fixed seed: what ptd_netaddr_set() takes. */
struct ptd_seed {
    uint8_t net; /* BIP 155 */
    uint8_t addr_bytes;
    uint16_t port;
    const uint8_t *addr; /* network order; points into the table */
};

/* Walk the fixed seeds; *at is 0 at first. False behind the last. */
PTD_API bool ptd_params_next_seed(const struct ptd_params *p, size_t *at,
                                  struct ptd_seed *out) PTD_NONNULL(1, 2, 3);

PTD_END_DECLS

#endif /* PTD_PARAMS_H */
