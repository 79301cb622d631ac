/* requests.h - what we asked of a peer and have not got.
 *
 * One entry per request, so that a stray answer clears nothing but what it
 * answers. An answer moves the deadline of the rest of its request. A request
 * whose answer may rightly be empty (soft) only expires.
 *
 * Owner    the peer; guarded by its mu
 * Source   btcd peer.go maybeAddDeadline; ATTACKS: entries per request
 */
#ifndef PTD_PEER_REQUESTS_H
#define PTD_PEER_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/msg.h"

enum {
    REQUESTS_MAX = 64,           /* entries: beyond it the oldest soft one gives
                                  * way, else the two newest of a kind become one */
    REQUEST_IDS_MAX = 512 * 1024 /* awaited by one entry */
};

struct request {
    enum ptd_msg_type type; /* what we sent */
    bool soft;
    int64_t deadline_us; /* less what handlers took since */
    int64_t handlers_us; /* total time of handlers when it was set */
    int64_t wait_us;     /* granted again with each part of the answer */
    uint64_t *ids;       /* getdata: an open-addressed set of the first 8
                               * bytes of each hash, | 1; never full */
    uint32_t mask;       /* places of ids, less one */
    uint32_t n_used;     /* places that are not free */
    uint32_t n_left;     /* ids that are awaited */
    uint32_t n_more;     /* answers awaited beyond the first; not getdata */
    bool wants_tx;       /* some ids are transactions */
};

struct requests {
    uint32_t n;
    uint32_t n_tx;   /* entries with wants_tx */
    uint64_t key[2]; /* strangers choose hashes, not their places in ids */
    struct request v[];
};

/* Note that m goes out; *deadline_us tells the entry's deadline, PTD_NEVER if
 * it is not watched: a request of nothing, no memory, too many hard ones and no
 * room for one that is soft. *r is allocated at first need. */
void ptd_requests_sent(struct requests **r, const struct ptd_msg *m, bool soft,
                       int64_t now_us, int64_t wait_us, int64_t handlers_us,
                       int64_t *deadline_us);

/* An answer came: inv, headers (id ignored), or an object by its hash. */
void ptd_requests_answered(struct requests *r, enum ptd_msg_type type,
                           int64_t now_us, int64_t handlers_us);
void ptd_requests_got(struct requests *r, const struct ptd_hash *hash,
                      int64_t now_us, int64_t handlers_us);

/* The earliest deadline, PTD_NEVER if none. */
int64_t ptd_requests_deadline(const struct requests *r, int64_t handlers_us);

/* Take out what is overdue at now. Gives the first that is not soft, else
 * PTD_MSG_UNKNOWN; *n_soft counts the soft ones. */
enum ptd_msg_type ptd_requests_expire(struct requests *r, int64_t now_us,
                                      int64_t handlers_us, uint32_t *n_soft);

void ptd_requests_free(struct requests *r);

#endif /* PTD_PEER_REQUESTS_H */
