/* headers_int.h - the tree of headers from inside: headers.c keeps it,
 * rules.c judges newcomers, headers_find.c looks things up; chain.c and its
 * kin keep what they know of each block beside its header, under the tree's
 * lock. */
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
    CHUNK_NODES = 1 << CHUNK_BITS, /* 109 KiB: from the heap, not mapped */
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

/* What is known of the block behind a header. The first four are kept on
 * disk. */
enum node_status {
    ST_HAVE = 1,       /* the block can be read */
    ST_HAD = 2,        /* it was checked and kept once: n_tx is known */
    ST_WAS_ACTIVE = 4, /* it was on the active chain once */
    ST_BAD = 8,        /* it is invalid itself, or was called so */
    ST_BAD_PREV = 16,  /* it stands on one that is */
    ST_LINKED = 32,    /* ST_HAD, and so are all before it */
    ST_DIRTY = 64,     /* to be written to the index */
    ST_INVALID = ST_BAD | ST_BAD_PREV,
    ST_SAVED = ST_HAVE | ST_HAD | ST_WAS_ACTIVE | ST_BAD
};

/* A block that we have or had. */
struct block_state {
    uint32_t file, offset, bytes; /* where it is or was */
    uint32_t n_tx;
    uint64_t chain_tx;  /* of the branch up to here, if ST_LINKED */
    int32_t seq;        /* of equal work, the lower one comes first */
    node_id wait_first; /* children with ST_HAD that wait for this one */
    node_id wait_next;  /* the next one that waits for the same parent */
};

struct chunk {
    struct node node[CHUNK_NODES];
    uint8_t status[CHUNK_NODES];
    struct block_state *blocks; /* CHUNK_NODES; NULL: none came yet */
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
    struct chunk **chunks PTD_GUARDED_BY(mu);
    size_t n_chunks PTD_GUARDED_BY(mu);
    size_t n_block_chunks PTD_GUARDED_BY(mu); /* with blocks */
    size_t cap_chunks PTD_GUARDED_BY(mu);
    uint32_t n_nodes PTD_GUARDED_BY(mu);
    node_id *table PTD_GUARDED_BY(mu);    /* by hash, linear probing */
    size_t table_size PTD_GUARDED_BY(mu); /* power of two, > 4/3 n_nodes */
    node_id *best PTD_GUARDED_BY(mu);     /* by height */
    size_t cap_best PTD_GUARDED_BY(mu);   /* > any node's height */
    node_id tip PTD_GUARDED_BY(mu);
    uint32_t work_bits PTD_GUARDED_BY(mu);   /* of the last division, and */
    struct ptd_u256 work PTD_GUARDED_BY(mu); /* what came out */
    /* The last answer of last_real_bits_locked(), for its neighbour. */
    node_id real_id PTD_GUARDED_BY(mu);
    uint32_t real_bits PTD_GUARDED_BY(mu);
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
    return &t->chunks[id >> CHUNK_BITS]->node[id & (CHUNK_NODES - 1)];
}

static inline uint8_t *status_locked(const struct ptd_headers *t, node_id id)
    PTD_REQUIRES(t->mu)
{
    return &t->chunks[id >> CHUNK_BITS]->status[id & (CHUNK_NODES - 1)];
}

/* NULL: no block of this chunk came yet. */
static inline struct block_state *
block_or_null_locked(const struct ptd_headers *t, node_id id)
    PTD_REQUIRES(t->mu)
{
    struct block_state *b = t->chunks[id >> CHUNK_BITS]->blocks;

    return b != NULL ? &b[id & (CHUNK_NODES - 1)] : NULL;
}

/* Of a block that came, or for which room was reserved. */
static inline struct block_state *block_locked(const struct ptd_headers *t,
                                               node_id id) PTD_REQUIRES(t->mu)
{
    struct block_state *b = block_or_null_locked(t, id);

    PTD_ASSERT(b != NULL);
    return b;
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
uint32_t ptd_headers_next_bits_locked(struct ptd_headers *t, node_id parent,
                                      uint32_t time) PTD_REQUIRES(t->mu);

/* ---- for the chain -------------------------------------------------- */

/* What can be said of headers without looking at the tree: their link, target,
 * proof of work. Fills in list, n of them. */
enum ptd_header_err ptd_headers_check_alone(const struct ptd_headers *t,
                                            struct candidate *list,
                                            const uint8_t *raw, size_t n);

/* ptd_headers_add() for a list that was checked alone.
 *
 * any_work  take them whatever work their branch has
 */
enum ptd_header_err
ptd_headers_add_locked(struct ptd_headers *t, struct ptd_headers_result *res,
                       const struct candidate *list, size_t n, int64_t now_s,
                       bool any_work) PTD_REQUIRES(t->mu);

/* Work of the branch that a list makes behind a known parent, as if all of it
 * were valid; false: the parent is unknown. n_known: how many are in the tree
 * already. */
bool ptd_headers_claimed_work_locked(struct ptd_headers *t,
                                     struct ptd_u256 *out, size_t *n_known,
                                     const struct candidate *list, size_t n)
    PTD_REQUIRES(t->mu);

/* Work of one header of these bits, which are valid. */
struct ptd_u256 ptd_headers_work_of_locked(struct ptd_headers *t, uint32_t bits)
    PTD_REQUIRES(t->mu);

/* Put in a header that was judged in an earlier life; raw is its 80 bytes,
 * less the parent's hash, which is filled in. PTD_HEADER_OK; ENOMEM; what is
 * wrong with it alone. */
enum ptd_header_err
ptd_headers_restore_locked(struct ptd_headers *t, uint8_t raw[PTD_HEADER_BYTES],
                           node_id parent) PTD_REQUIRES(t->mu);

/* Make room for a number of headers at once, which saves the work of growing.
 * False: no memory. */
PTD_MUST_USE bool ptd_headers_reserve_locked(struct ptd_headers *t, uint32_t n)
    PTD_REQUIRES(t->mu);

/* Make the valid header of the most work the tip. */
void ptd_headers_choose_tip_locked(struct ptd_headers *t) PTD_REQUIRES(t->mu);

/* Make room for the states of a chunk's blocks; false: no memory. */
PTD_MUST_USE bool
ptd_headers_reserve_block_locked(struct ptd_headers *t, node_id id)
    PTD_REQUIRES(t->mu);

bool ptd_headers_describe_locked(const struct ptd_headers *t,
                                 struct ptd_header_info *out, node_id id)
    PTD_REQUIRES(t->mu);

/* The last one that two branches have in common. */
node_id ptd_headers_fork_locked(const struct ptd_headers *t, node_id a,
                                node_id b) PTD_REQUIRES(t->mu);

void ptd_headers_encode_locked(const struct ptd_headers *t,
                               const struct node *n,
                               uint8_t out[PTD_HEADER_BYTES])
    PTD_REQUIRES(t->mu);

/* ---- rules ---------------------------------------------------------- */

/* Hold a newcomer against the rules that look at its ancestors. */
enum ptd_header_err ptd_headers_judge_locked(struct ptd_headers *t,
                                             node_id parent,
                                             const struct candidate *c,
                                             int64_t now_s) PTD_REQUIRES(t->mu);

#endif /* PTD_CHAIN_HEADERS_INT_H */
