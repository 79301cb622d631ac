/* presync.h - headers of a stranger, followed without keeping them.
 *
 * A branch is worth keeping once it has shown enough work. Until then it is
 * walked twice. First pass (*presync*): headers are checked as far as their
 * order allows, their work is added up, and of each period one bit is kept, a
 * secret function of the header in it. Once the work is enough, the peer is
 * asked for all of them again (*redownload*): they must give the same bits,
 * and leave a buffer, for the tree, only when enough of them stand behind, so
 * that a peer who changes its branch on the second pass is caught with
 * overwhelming likelihood before any header of it is kept.
 *
 * Memory of a peer is bounded: a bit a period for as many headers as can have
 * come since the fork (six a second), and the buffer, 48 bytes a header.
 *
 * Owner    one peer's handler; ptd_presync_new(); params must outlive it
 * Threads  one at a time; no locks, no I/O, no clock
 * Source   the idea and the figures: Bitcoin Core's headers sync; chainparams
 */
#ifndef PTD_CHAIN_PRESYNC_H
#define PTD_CHAIN_PRESYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/u256.h"
#include "chain/headers.h"
#include "pentad/attr.h"
#include "pentad/hash.h"
#include "pentad/params.h"

struct ptd_presync;

enum ptd_presync_state {
    PTD_PRESYNC_FIRST,      /* adding up work */
    PTD_PRESYNC_REDOWNLOAD, /* the second time */
    PTD_PRESYNC_DONE        /* nothing more to come of it: free it */
};

/* Begin at a header that is in our tree.
 *
 * start        the fork point: what the first header stands on
 * wanted       work that the branch must have, from genesis on
 * now_s        wall time
 * Returns      NULL for lack of memory
 */
PTD_MUST_USE struct ptd_presync *
ptd_presync_new(const struct ptd_params *params,
                const struct ptd_header_info *start,
                const struct ptd_u256 *wanted, int64_t now_s)
    PTD_NONNULL(1, 2, 3);
void ptd_presync_free(struct ptd_presync *s PTD_TAKES);

struct ptd_presync_result {
    bool ok;         /* false: the peer sent what does not fit; the state is
                          done, and nothing of it is kept */
    bool ask_more;   /* send getheaders from ptd_presync_next() on */
    size_t n_proven; /* headers for the tree: ptd_presync_proven() */
    const char *why; /* for the log if it is done without success; static */
};

/* Take a message's headers; order and proof of work are checked here.
 *
 * full     the message was as long as it may be, so more will follow
 */
void ptd_presync_add(struct ptd_presync *s, struct ptd_presync_result *res,
                     const uint8_t *raw, size_t n, bool full) PTD_NONNULL(1, 2);

/* The proven headers of the last call, 80 bytes each, one behind the other;
 * valid until the next call. */
const uint8_t *ptd_presync_proven(const struct ptd_presync *s) PTD_NONNULL(1);

/* Where the next headers should begin: the first hash of a locator, to be
 * followed by those of the tree for the fork point. */
void ptd_presync_next(const struct ptd_presync *s, struct ptd_hash *out)
    PTD_NONNULL(1, 2);

enum ptd_presync_state ptd_presync_state(const struct ptd_presync *s)
    PTD_NONNULL(1);

/* Height, time and work reached in the first pass: for getpeerinfo and the
 * log. */
uint32_t ptd_presync_height(const struct ptd_presync *s) PTD_NONNULL(1);
uint32_t ptd_presync_time(const struct ptd_presync *s) PTD_NONNULL(1);
void ptd_presync_work(const struct ptd_presync *s, struct ptd_u256 *out)
    PTD_NONNULL(1, 2);

/* Bytes of memory that it takes up now. */
size_t ptd_presync_bytes(const struct ptd_presync *s) PTD_NONNULL(1);

#endif /* PTD_CHAIN_PRESYNC_H */
