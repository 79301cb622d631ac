/* headers.h - the tree of block headers of one network.
 *
 * Begins with the genesis block; every other header was checked against its
 * parent before it was put in: link, proof of work, difficulty, times,
 * version. Nothing is ever taken out. The best branch is the one with the most
 * work; of equals, the one seen first.
 *
 * What a stranger can make us hold is bounded:
 * - A header costs its proof of work, and at most 128 bytes here.
 * - Headers off the best branch are taken only if they, or what comes with
 *   them in the same call, overtake the best branch or come near it: within
 *   the work of PTD_HEADERS_NEAR_BLOCKS blocks such as the tip. At most
 *   max_side of them are held; after that only what overtakes is taken.
 * - While the best branch has less work than the network is known to have, it
 *   grows to the height that this work was seen at plus five years of blocks,
 *   no further. (A true chain of that little work cannot be that long.)
 * Within these bounds a peer can still have some 150 MB of worthless headers
 * stored on mainnet, if it spends the work of 1.2 million blocks of the lowest
 * difficulty; only header pre-synchronisation ends that.
 *
 * Owner    ptd_headers_new(); params must outlive it
 * Threads  any
 * Locks    one (PTD_RANK_CHAIN), not held while hashing
 * Source   BIPs 34 65 66 94 113 130; Bitcoin's proof-of-work rules
 */
#ifndef PTD_CHAIN_HEADERS_H
#define PTD_CHAIN_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/u256.h"
#include "pentad/attr.h"
#include "pentad/hash.h"
#include "pentad/params.h"

struct ptd_headers;

enum {
    PTD_HEADERS_PER_MSG = 2000,    /* in one headers message */
    PTD_HEADERS_LOCATOR_MAX = 101, /* hashes in a locator */
    PTD_HEADERS_NEAR_BLOCKS = 144,
    PTD_HEADERS_MAX_SIDE = 20000, /* default of max_side */
    PTD_HEADERS_MAX_FUTURE_S = 2 * 60 * 60
};

/* What can be wrong with a header: name, text, and whether the header is bad
 * for good (its sender made or passed on something invalid). */
#define PTD_HEADER_ERRORS(X)                                                   \
    X(PTD_HEADER_OK, "header is valid", false)                                 \
    X(PTD_HEADER_ENOMEM, "out of memory", false)                               \
    X(PTD_HEADER_EORPHAN, "parent is unknown", false)                          \
    X(PTD_HEADER_EUNLINKED, "header does not follow the one before it", true)  \
    X(PTD_HEADER_ETARGET, "target is zero, negative or above the limit", true) \
    X(PTD_HEADER_EPOW, "hash is above the target", true)                       \
    X(PTD_HEADER_EBITS, "bits are not what the difficulty rules ask", true)    \
    X(PTD_HEADER_EOLD, "time is not after the median of the last 11", true)    \
    X(PTD_HEADER_EWARP, "time goes back at a change of difficulty", true)      \
    X(PTD_HEADER_ENEW, "time is over two hours ahead", false)                  \
    X(PTD_HEADER_EVERSION, "version is no longer accepted", true)              \
    X(PTD_HEADER_EWORK, "branch has too little work", false)                   \
    X(PTD_HEADER_ELIMIT, "too many headers of little work", false)             \
    X(PTD_HEADER_EPREV, "stands on an invalid block", true)                    \
    X(PTD_HEADER_EKNOWN, "was found invalid before", true)                     \
    X(PTD_HEADER_EIO, "could not be stored", false)

#define X(name, text, bad) name,
enum ptd_header_err { PTD_HEADER_ERRORS(X) PTD_N_HEADER_ERRORS };
#undef X

/* One line for people, without a final stop; never NULL. */
const char *ptd_header_err_text(enum ptd_header_err e);

/* True if no other time or state of ours could make the header valid. */
bool ptd_header_err_is_bad(enum ptd_header_err e);

/* Make a tree that holds the genesis block.
 *
 * max_side  headers off the best branch, at most; 0: PTD_HEADERS_MAX_SIDE
 * Returns   NULL for lack of memory
 */
PTD_MUST_USE struct ptd_headers *
ptd_headers_new(const struct ptd_params *params, size_t max_side)
    PTD_NONNULL(1);

/* Takes NULL. */
void ptd_headers_free(struct ptd_headers *t PTD_TAKES);

/* What became of a call of ptd_headers_add(). */
struct ptd_headers_result {
    size_t n_known; /* headers that were there already: the first of them */
    size_t n_new;   /* headers put in: those that follow */
    bool new_tip;   /* the best branch now ends in one of these */
    uint32_t fork_height; /* if new_tip: last height that the old best branch
                             has in common with the new one */
};

/* Add headers, each the parent of the next.
 *
 * raw      n headers of 80 bytes, one behind the other, as on the wire
 * now_s    wall time
 * res      filled in in any case; res->n_known + res->n_new is the index of
 *          the header that the error is about, except that EUNLINKED, ETARGET
 *          and EPOW refuse all and give both as 0
 * Returns  PTD_HEADER_OK; what is wrong with the first bad one: those before
 *          it, if counted, stay
 */
PTD_MUST_USE enum ptd_header_err
ptd_headers_add(struct ptd_headers *t, struct ptd_headers_result *res,
                const uint8_t *raw, size_t n, int64_t now_s) PTD_NONNULL(1, 2);

/* ---- looking -------------------------------------------------------- */

struct ptd_header_info {
    struct ptd_hash hash;
    uint32_t height;
    bool on_best;  /* on the best branch */
    uint32_t time; /* as the header says */
    uint32_t bits;
    uint32_t median_time; /* of it and the ten before it: BIP 113 */
    struct ptd_u256 work; /* of its branch up to here */
    uint8_t raw[PTD_HEADER_BYTES];
};

/* A header by its hash, by its height on the best branch, the tip. False:
 * there is none. */
PTD_MUST_USE bool
ptd_headers_find(struct ptd_headers *t, struct ptd_header_info *out,
                 const struct ptd_hash *hash) PTD_NONNULL(1, 2, 3);
PTD_MUST_USE bool ptd_headers_at(struct ptd_headers *t,
                                 struct ptd_header_info *out, uint32_t height)
    PTD_NONNULL(1, 2);
void ptd_headers_tip(struct ptd_headers *t, struct ptd_header_info *out)
    PTD_NONNULL(1, 2);

/* The ancestor of a header at a height (itself, if that is its own); false if
 * the header is unknown or lower. */
PTD_MUST_USE bool ptd_headers_ancestor(struct ptd_headers *t,
                                       struct ptd_header_info *out,
                                       const struct ptd_hash *hash,
                                       uint32_t height) PTD_NONNULL(1, 2, 3);

bool ptd_headers_has(struct ptd_headers *t, const struct ptd_hash *hash)
    PTD_NONNULL(1, 2);
uint32_t ptd_headers_height(struct ptd_headers *t) PTD_NONNULL(1);

/* All headers held, and those off the best branch. */
size_t ptd_headers_count(struct ptd_headers *t) PTD_NONNULL(1);
size_t ptd_headers_count_side(struct ptd_headers *t) PTD_NONNULL(1);

/* Bytes of memory that the tree takes up, and what the chain keeps with it: 40
 * bytes more for each block that came. */
size_t ptd_headers_bytes(struct ptd_headers *t) PTD_NONNULL(1);

/* ---- getheaders, both ways ------------------------------------------ */

/* Hashes that tell a peer which branch is ours: the tip, the ten before it,
 * then twice as far back each time, the genesis block last.
 *
 * from     NULL: from the tip; else from that header (unknown: from the tip)
 * Returns  how many, at least 1
 */
size_t ptd_headers_locator(struct ptd_headers *t,
                           struct ptd_hash out[PTD_HEADERS_LOCATOR_MAX],
                           const struct ptd_hash *from) PTD_NONNULL(1, 2);

/* What a getheaders asks for: the headers of the best branch behind the first
 * hash of the locator that is on it (none is: behind the genesis block), up to
 * and including stop. Without a locator: the header `stop` alone, if it is on
 * the best branch; others would give away what we have seen before.
 *
 * out      room for max headers of 80 bytes
 * stop     zero: as many as there is room for
 * Returns  how many
 */
size_t ptd_headers_after(struct ptd_headers *t, uint8_t *out, size_t max,
                         const struct ptd_hash *locator, size_t n_locator,
                         const struct ptd_hash *stop) PTD_NONNULL(1, 6);

#endif /* PTD_CHAIN_HEADERS_H */
