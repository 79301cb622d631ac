#include <config.h>

#include "relay/merkleblock.h"

#include <string.h>

#include "base/alloc.h"
#include "crypto/merkle.h"

enum { MAX_LEVELS = 32 };

/* The whole tree, level by level, transactions first. */
struct tree {
    struct ptd_hash *node;
    bool *wanted; /* something below the node is */
    size_t begin[MAX_LEVELS];
    uint32_t width[MAX_LEVELS];
    unsigned n_levels;
};

/* What is written down on the way. */
struct trail {
    struct ptd_hash *hashes;
    uint8_t *flags;
    uint32_t n_hashes;
    size_t n_bits;
};

static size_t lay_out(struct tree *t, uint32_t n)
{
    size_t total = 0;

    for (t->n_levels = 0;; n = (n + 1) / 2) {
        t->begin[t->n_levels] = total;
        t->width[t->n_levels++] = n;
        total += n;
        if (n <= 1)
            return total;
    }
}

/* A node without a right neighbour is its own. */
static void grow(struct tree *t)
{
    for (unsigned l = 0; l + 1 < t->n_levels; l++) {
        const struct ptd_hash *from = t->node + t->begin[l];
        const bool *wanted = t->wanted + t->begin[l];

        for (uint32_t i = 0; i < t->width[l + 1]; i++) {
            uint32_t left = 2 * i;
            uint32_t right = left + 1 < t->width[l] ? left + 1 : left;

            ptd_merkle_pair(&t->node[t->begin[l + 1] + i], &from[left],
                            &from[right]);
            t->wanted[t->begin[l + 1] + i] = wanted[left] || wanted[right];
        }
    }
}

/* Depth first; a branch without anything wanted is one hash. No deeper than
 * there are levels. */
static void walk(const struct tree *t, struct trail *w, unsigned level,
                 uint32_t i)
{
    const size_t at = t->begin[level] + i;

    if (t->wanted[at])
        w->flags[w->n_bits / 8] |= (uint8_t)(1U << w->n_bits % 8);
    w->n_bits++;
    if (level == 0 || !t->wanted[at]) {
        w->hashes[w->n_hashes++] = t->node[at];
        return;
    }
    walk(t, w, level - 1, 2 * i);
    if (2 * i + 1 < t->width[level - 1])
        walk(t, w, level - 1, 2 * i + 1);
}

static struct ptd_msg *write_down(const struct tree *t, size_t total,
                                  const struct ptd_block_header *h)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_MERKLEBLOCK);
    struct ptd_msg_merkleblock *b = (struct ptd_msg_merkleblock *)(void *)m;
    struct trail w = { 0 };

    if (m == NULL)
        return NULL;
    /* Each node is visited at most once. */
    w.hashes = ptd_msg_alloc(m, total, sizeof *w.hashes);
    w.flags = ptd_msg_alloc(m, total / 8 + 1, 1);
    if (w.hashes == NULL || w.flags == NULL) {
        ptd_msg_free(m);
        return NULL;
    }
    walk(t, &w, t->n_levels - 1, 0);
    b->header = *h;
    b->n_tx = t->width[0];
    b->n_hashes = w.n_hashes;
    b->hashes = w.hashes;
    b->flags = (struct ptd_bytes){ w.flags, (w.n_bits + 7) / 8 };
    return m;
}

struct ptd_msg *merkleblock_make(const struct ptd_block_header *h,
                                 const struct ptd_hash *txids,
                                 const bool *wanted, uint32_t n)
{
    struct tree t;
    const size_t total = lay_out(&t, n);
    struct ptd_msg *m = NULL;

    t.node = ptd_alloc_array(total, sizeof *t.node);
    t.wanted = ptd_calloc(total, sizeof *t.wanted);
    if (n > 0 && t.node != NULL && t.wanted != NULL) {
        memcpy(t.node, txids, n * sizeof *txids);
        memcpy(t.wanted, wanted, n * sizeof *wanted);
        grow(&t);
        m = write_down(&t, total, h);
    }
    ptd_free(t.wanted);
    ptd_free(t.node);
    return m;
}
