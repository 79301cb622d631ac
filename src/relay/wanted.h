/* wanted.h - transactions that peers announced: whom to ask for which, when.
 *
 * Of each transaction one peer at a time is asked. Who it is nobody can steer:
 * peers that we called come first, among others chance decides; each after a
 * delay of its own, so that better ones have a chance to announce it too. If no
 * answer comes in time the next one is asked. Bounded: what one peer announces,
 * and so all.
 *
 * Owner    the relay; no lock of its own
 * Source   Bitcoin Core's request tracker, for what peers expect; BIP 339
 */
#ifndef PTD_RELAY_WANTED_H
#define PTD_RELAY_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "pentad/attr.h"
#include "pentad/hash.h"
#include "relay/hashtab.h"

enum {
    WANTED_PER_PEER = 5000, /* announcements */
    WANTED_IN_FLIGHT = 100  /* requests: a peer with more has to wait */
};

/* A transaction by one of its hashes. */
struct wanted_id {
    struct ptd_hash hash;
    bool is_wtxid;
};

/* The part of a peer. */
struct wanted_peer {
    struct ptd_link all;   /* struct notice.of_peer */
    struct ptd_link ready; /* struct notice.ready: to be asked for now */
    uint32_t n;            /* announcements */
    uint32_t n_in_flight;
    uint64_t key; /* its chance, by transaction */
    bool preferred;
};

struct notice; /* one peer, one transaction */

struct wanted {
    uint64_t k0, k1;
    struct hashtab things; /* struct thing: one for each hash */
    struct notice **heap;  /* those that wait for a time, the next one first */
    size_t n_heap, heap_cap;
};

PTD_MUST_USE bool wanted_init(struct wanted *w);
/* All peers must have left. */
void wanted_fini(struct wanted *w);

void wanted_enter(struct wanted *w, struct wanted_peer *p, bool preferred);
void wanted_leave(struct wanted *w, struct wanted_peer *p);

/* The peer has it, and may be asked from a time on (microseconds, monotonic).
 * False: it announces too much, or did so before, or there is no memory. */
bool wanted_announce(struct wanted *w, struct wanted_peer *p,
                     const struct wanted_id *id, int64_t from_us);

/* What became due; gives when the next thing is (INT64_MAX: never). */
int64_t wanted_run(struct wanted *w, int64_t now_us);

/* Take up to max of those that the peer is to be asked for now: they count as
 * asked for until the answer, or until_us. */
size_t wanted_ask(struct wanted *w, struct wanted_peer *p,
                  struct wanted_id *out, size_t max, int64_t until_us);

/* The peer has answered, well or ill: it is not asked for it again. True: it
 * had been asked. */
bool wanted_answered(struct wanted *w, struct wanted_peer *p,
                     const struct wanted_id *id);

/* Nobody need be asked for it any more. */
void wanted_forget(struct wanted *w, const struct wanted_id *id);

/* How many hashes are looked for. */
size_t wanted_count(const struct wanted *w);

#endif /* PTD_RELAY_WANTED_H */
