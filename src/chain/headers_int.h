/* headers_int.h - the tree of headers from inside: headers.c keeps it,
 * rules.c judges newcomers, headers_find.c looks things up. */
#ifndef PTD_CHAIN_HEADERS_INT_H
#define PTD_CHAIN_HEADERS_INT_H

#include <string.h>

#include "base/tsa.h"
#include "chain/headers.h"
#include "sync/mutex.h"

/* Nodes are known by their number: half a pointer's size. */
typedef uint32_t node_id;

#define NO_NODE UINT32_MAX

enum {
    CHUNK_BITS = 10,
    CHUNK_NODES = 1 << CHUNK_BITS, /* 108 KiB: from the heap, not mapped */
    WORK_WORDS = 4
};

/* One header; never changes once it is in. Times, bits and nonce are numbers;
 * the parent's hash is not kept twice. */
struct node {
    struct ptd_hash hash;
    struct ptd_hash merkle_root;
    int32_t version;
    uint32_t time;
    uint32_t bits;
    uint32_t nonce;
    uint32_t height;
    node_id parent; /* NO_NODE for genesis */
    node_id jump;   /* an ancestor further back, see jump_locked() */
    /* Of the branch, lowest word first. 128 bits are enough: whoever goes
     * beyond them has computed 2^128 hashes. */
    uint32_t work[WORK_WORDS];
};

struct ptd_headers {
    /* Set once. */
    const struct ptd_params *params;
    size_t max_side;
    uint32_t limit_bits; /* of the lowest difficulty */
    uint32_t interval;   /* headers between retargets */
    uint64_t key[2];     /* of the table's hash */
    struct ptd_u256 min_work;
    uint32_t max_low_height; /* with less work than min_work: no higher */

    struct ptd_mutex mu; /* rank PTD_RANK_CHAIN; guards all below */
    struct node **chunks PTD_GUARDED_BY(mu);
    size_t n_chunks PTD_GUARDED_BY(mu);
    size_t cap_chunks PTD_GUARDED_BY(mu);
    uint32_t n_nodes PTD_GUARDED_BY(mu);
    node_id *table PTD_GUARDED_BY(mu);    /* by hash, linear probing */
    size_t table_size PTD_GUARDED_BY(mu); /* power of two, > 4/3 n_nodes */
    node_id *best PTD_GUARDED_BY(mu);     /* by height */
    size_t cap_best PTD_GUARDED_BY(mu);   /* > any node's height */
    node_id tip PTD_GUARDED_BY(mu);
    uint32_t work_bits PTD_GUARDED_BY(mu);   /* of the last division, and */
    struct ptd_u256 work PTD_GUARDED_BY(mu); /* what came out */
};

/* A newcomer, taken apart. */
struct candidate {
    const uint8_t *raw;
    struct ptd_hash hash;
    int32_t version;
    uint32_t time;
    uint32_t bits;
};

static inline struct node *node_locked(const struct ptd_headers *t, node_id id)
    PTD_REQUIRES(t->mu)
{
    return &t->chunks[id >> CHUNK_BITS][id & (CHUNK_NODES - 1)];
}

static inline struct ptd_u256 node_work(const struct node *n)
{
    struct ptd_u256 work = { { 0 } };

    memcpy(work.w, n->work, sizeof n->work);
    return work;
}

/* NO_NODE: unknown. */
node_id ptd_headers_find_locked(const struct ptd_headers *t,
                                const struct ptd_hash *hash)
    PTD_REQUIRES(t->mu);

/* The ancestor at a height that is not above the node's own. */
node_id ptd_headers_ancestor_locked(const struct ptd_headers *t, node_id id,
                                    uint32_t height) PTD_REQUIRES(t->mu);

bool ptd_headers_on_best_locked(const struct ptd_headers *t, node_id id)
    PTD_REQUIRES(t->mu);

/* Median of the times of a node and the ten before it. BIP 113. */
uint32_t ptd_headers_median_time_locked(const struct ptd_headers *t, node_id id)
    PTD_REQUIRES(t->mu);

/* The bits that a child of parent must have, given its time. */
uint32_t ptd_headers_next_bits_locked(const struct ptd_headers *t,
                                      node_id parent, uint32_t time)
    PTD_REQUIRES(t->mu);

/* Hold a newcomer against the rules that look at its ancestors. */
enum ptd_header_err ptd_headers_judge_locked(const struct ptd_headers *t,
                                             node_id parent,
                                             const struct candidate *c,
                                             int64_t now_s) PTD_REQUIRES(t->mu);

#endif /* PTD_CHAIN_HEADERS_INT_H */
