/* rig.h - a chain of our own in a folder of its own, and blocks to put in. */
#ifndef PTD_CHECK_CHAIN_RIG_H
#define PTD_CHECK_CHAIN_RIG_H

#include <check.h>

#include "chain/chain.h"
#include "wire/codec.h"

enum {
    RIG_MAX_TIPS = 256,
    RIG_ASKED = PTD_ACCEPT_REQUESTED | PTD_ACCEPT_TRUSTED
};

struct rig {
    char dir[64], blocks[80], index[96];
    struct ptd_params params;
    struct ptd_clock *clock;
    struct ptd_blockchain_config cfg;
    struct ptd_blockchain *c;
    /* What on_tip told. */
    struct ptd_tip_change tip[RIG_MAX_TIPS];
    size_t n_tips;
};

/* A new folder and a stopped clock; nothing is open yet. The test may change
 * params and cfg before rig_open(). */
void rig_init(struct rig *r, const char *network);
void rig_open(struct rig *r);
void rig_close(struct rig *r);
void rig_fini(struct rig *r); /* closes, and removes the folder */

/* A file in its folder. */
void rig_write(const struct rig *r, const char *name, const void *p, size_t n);

/* The time that the clock is stopped at. */
extern const int64_t rig_now_s;

/* A block with a coinbase alone, solved; other salt, other block. */
struct ptd_msg *rig_block(const struct rig *r, const struct ptd_hash *prev,
                          uint32_t height, uint32_t time, uint32_t salt);

/* The same, before its merkle root is written and its nonce searched. */
struct ptd_msg *rig_raw_block(const struct rig *r, const struct ptd_hash *prev,
                              uint32_t height, uint32_t time, uint32_t salt);
void rig_solve(const struct rig *r, struct ptd_msg *m);

/* Give a block n transactions more, each of one input and one output. */
void rig_add_txs(struct ptd_msg *m, uint32_t n);

struct ptd_hash rig_hash(const struct ptd_msg *m);

/* Accept it; frees it. */
struct ptd_block_result rig_accept(struct rig *r, struct ptd_msg *m,
                                   unsigned flags);

/* n blocks one on the other, on a block that is known; gives the last one's
 * hash. */
struct ptd_hash rig_grow(struct rig *r, const struct ptd_hash *on, size_t n,
                         uint32_t salt);

struct ptd_hash rig_tip(struct rig *r);
bool rig_same(struct ptd_hash a, struct ptd_hash b);

/* What the chain says of a block that is known. */
struct ptd_block_info rig_info(struct rig *r, struct ptd_hash hash);

/* The block that rig_grow() would put on a known one. */
struct ptd_msg *rig_next(struct rig *r, struct ptd_hash on, uint32_t salt);

#endif /* PTD_CHECK_CHAIN_RIG_H */
