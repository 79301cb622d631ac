/* addrmgr.h - the addresses of nodes that this node knows.
 *
 * Addresses heard of lie in the new table (1024 buckets of 64), those that a
 * connection was made to in the tried table (256 of 64). A secret key, the
 * address's group and (in new) its source's group decide the bucket, so that
 * who controls few groups can fill few buckets. An address may lie in up to 8
 * places of new, in one of tried, never in both. A tried address whose place
 * another one claims is tested before it has to go.
 *
 * Bucket and position are Bitcoin Core's, hash for hash: a peers.dat moves
 * between the two without loss.
 *
 * Owner    whoever made it; group map and clock must outlive it
 * Threads  any
 * Locks    one (PTD_RANK_ADDRMGR), for a few lines or a walk of the tables;
 *          never across I/O; log lines are written outside
 * Times    wall clock, seconds since 1970
 * Source   Bitcoin Core's AddrMan; btcd addrmgr; Heilman et al., "Eclipse
 *          Attacks on Bitcoin's Peer-to-Peer Network" (2015)
 */
#ifndef PTD_ADDRMGR_ADDRMGR_H
#define PTD_ADDRMGR_ADDRMGR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addrmgr/netgroup.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/msg.h"

struct ptd_addrmgr;
struct ptd_clock;

enum {
    PTD_ADDRMGR_NEW_BUCKETS = 1024,
    PTD_ADDRMGR_TRIED_BUCKETS = 256,
    PTD_ADDRMGR_BUCKET_SIZE = 64,
    PTD_ADDRMGR_MAX_NEW = PTD_ADDRMGR_NEW_BUCKETS * PTD_ADDRMGR_BUCKET_SIZE,
    PTD_ADDRMGR_MAX_TRIED = PTD_ADDRMGR_TRIED_BUCKETS * PTD_ADDRMGR_BUCKET_SIZE,
    PTD_ADDRMGR_MAX_REFS = 8,         /* places of one address in new */
    PTD_ADDRMGR_PENALTY_S = 2 * 3600, /* for hearsay: add()'s penalty_s */
    PTD_ADDRMGR_SAMPLE_MAX = 1000,  /* addresses in an answer to getaddr … */
    PTD_ADDRMGR_SAMPLE_PERCENT = 23 /* … and their share of all */
};

enum ptd_addrmgr_table { PTD_ADDRMGR_BOTH, PTD_ADDRMGR_NEW, PTD_ADDRMGR_TRIED };

struct ptd_addrmgr_config {
    const struct ptd_netgroup *netgroup; /* NULL: no map; borrowed */
    struct ptd_clock *clock;             /* NULL: the system's; borrowed */
    /* Look at the whole structure before and after one operation in so many,
     * and abort if it is damaged; 0: never. Core's -checkaddrman. */
    uint32_t check_ratio;
    /* For tests alone: key 1 and randomness from seed, so that every run is
     * the same. Core's -test=addrman. */
    bool deterministic;
    uint64_t seed;
};

/* An address to connect to. */
struct ptd_addrmgr_pick {
    struct ptd_addr_entry e;
    int64_t last_try_s; /* 0: never tried in this run */
};

/* Where an address lies. */
struct ptd_addrmgr_where {
    bool tried;
    int n_refs;   /* places in new; 1 in tried */
    int bucket;   /* in new: where its first source puts it */
    int position; /* 0 … 63 */
};

/* One occupied place of a table, and who is there. */
struct ptd_addrmgr_entry {
    struct ptd_addr_entry e;
    struct ptd_netaddr source; /* who told us first; port 0 */
    int64_t last_success_s;    /* 0: never */
    int32_t n_attempts;        /* failures since the last success */
    struct ptd_addrmgr_where where;
};

/* cfg NULL: all zeros. NULL for lack of memory. */
PTD_MUST_USE struct ptd_addrmgr *
ptd_addrmgr_new(const struct ptd_addrmgr_config *cfg);

/* Takes NULL. */
void ptd_addrmgr_free(struct ptd_addrmgr *m PTD_TAKES);

/* ---- what is learnt -------------------------------------------------- */

/* Take in addresses that a source told us. What cannot be routed is left out;
 * impossible times become those of ptd_addrmgr_clamp_time().
 *
 * penalty_s  subtracted from each time, but not from a self-announcement
 * Returns    how many were put into a place: unknown ones, and known ones that
 *            got one place more. Without memory the rest is left out.
 */
size_t ptd_addrmgr_add(struct ptd_addrmgr *m, const struct ptd_addr_entry *list,
                       size_t n, const struct ptd_netaddr *source,
                       int64_t penalty_s) PTD_NONNULL(1, 4);

/* A handshake with it succeeded: move it to tried, or remember that it
 * collides with another one there.
 *
 * Returns  true if it was moved
 */
bool ptd_addrmgr_good(struct ptd_addrmgr *m, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

/* A connection to it is being tried. count_failure: false if our own network
 * may be down. One failure is counted between two successes anywhere. */
void ptd_addrmgr_attempt(struct ptd_addrmgr *m, const struct ptd_netaddr *na,
                         bool count_failure) PTD_NONNULL(1, 2);

/* A connection to it has just ended well. Not called while it lasts: the time
 * is told to others, who could see whom we are connected to. */
void ptd_addrmgr_connected(struct ptd_addrmgr *m, const struct ptd_netaddr *na)
    PTD_NONNULL(1, 2);

void ptd_addrmgr_set_services(struct ptd_addrmgr *m,
                              const struct ptd_netaddr *na, uint64_t services)
    PTD_NONNULL(1, 2);

/* ---- test before evict ----------------------------------------------- */

/* Decide what can be decided: the old one answered: it stays; it did not, or
 * 40 minutes brought no test: the new one takes its place. */
void ptd_addrmgr_resolve_collisions(struct ptd_addrmgr *m) PTD_NONNULL(1);

/* A tried address whose place another one claims, for a feeler; false: none. */
PTD_MUST_USE bool ptd_addrmgr_select_collision(struct ptd_addrmgr *m,
                                               struct ptd_addrmgr_pick *out)
    PTD_NONNULL(1, 2);

/* ---- what is asked --------------------------------------------------- */

/* Pick one at random: a table (each as likely), a bucket, a place; then with
 * the chance that its age and failures leave it.
 *
 * table    PTD_ADDRMGR_NEW: from new only; otherwise either
 * nets     set of PTD_NET_BIT(); 0: all
 * Returns  false if there is none
 */
PTD_MUST_USE bool ptd_addrmgr_select(struct ptd_addrmgr *m,
                                     struct ptd_addrmgr_pick *out,
                                     enum ptd_addrmgr_table table,
                                     unsigned nets) PTD_NONNULL(1, 2);

/* How many there are. net: PTD_NET_NONE counts all networks. */
size_t ptd_addrmgr_size(struct ptd_addrmgr *m, enum ptd_net net,
                        enum ptd_addrmgr_table table) PTD_NONNULL(1);

enum ptd_addrmgr_filter {
    PTD_ADDRMGR_ALL, /* also those that nobody should be told of */
    PTD_ADDRMGR_FIT  /* without the terrible ones */
};

/* A random sample without repetition.
 *
 * out      room for max entries
 * max      at most so many
 * percent  and at most this share of all we know; 0: no share
 * net      of one network (by ptd_netgroup_class()); PTD_NET_NONE: of all
 * Returns  how many
 */
size_t ptd_addrmgr_sample(struct ptd_addrmgr *m, struct ptd_addr_entry *out,
                          size_t max, unsigned percent, enum ptd_net net,
                          enum ptd_addrmgr_filter filter) PTD_NONNULL(1, 2);

/* Where it lies; false: unknown. */
PTD_MUST_USE bool
ptd_addrmgr_find(struct ptd_addrmgr *m, struct ptd_addrmgr_where *out,
                 const struct ptd_netaddr *na) PTD_NONNULL(1, 2, 3);

/* Every occupied place of one table, in order of bucket and position.
 *
 * out      from malloc, to be freed by the caller; *n elements
 * Returns  PTD_OK; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_addrmgr_entries(struct ptd_addrmgr *m, struct ptd_addrmgr_entry **out,
                    size_t *n, enum ptd_addrmgr_table table)
    PTD_NONNULL(1, 2, 3);

/* Look at the whole structure: 0 if it is sound, else the number that Bitcoin
 * Core gives to what is wrong (-1 … -21). */
int ptd_addrmgr_check(struct ptd_addrmgr *m) PTD_NONNULL(1);

/* How well the map knows the IPv4 and IPv6 addresses that we have. */
struct ptd_addrmgr_as_health {
    size_t n_addresses;
    size_t n_systems;  /* different ones */
    size_t n_unmapped; /* addresses of no system */
};

/* Count, and log a line about it; for the start and once a day with a map.
 * PTD_OK; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_addrmgr_check_as_health(struct ptd_addrmgr *m,
                            struct ptd_addrmgr_as_health *out)
    PTD_NONNULL(1, 2);

/* One of 0 … bound - 1 from the manager's randomness. */
uint64_t ptd_addrmgr_random_below(struct ptd_addrmgr *m, uint64_t bound)
    PTD_NONNULL(1);

/* A time that cannot be (before 1973, or over 10 minutes ahead) becomes five
 * days ago; others stay. For what comes in addr messages. */
uint32_t ptd_addrmgr_clamp_time(uint32_t time_s, int64_t now_s);

/* ---- bytes ----------------------------------------------------------------
 * The content of peers.dat; peersfile.h has the file. */

enum { PTD_ADDRMGR_WHY = 192 }; /* an error's text */

/* Everything, with magic and checksum. From malloc; PTD_OK; PTD_ENOMEM. */
PTD_MUST_USE enum ptd_err
ptd_addrmgr_encode(struct ptd_addrmgr *m, uint8_t **out, size_t *n,
                   const uint8_t magic[4]) PTD_NONNULL(1, 2, 3, 4);

/* Replace everything, key included, by what the bytes say; after a failure m
 * is empty, with a key of its own. Formats 0 to 4 are read.
 *
 * why      on failure: what is wrong, in Bitcoin Core's words
 * Returns  PTD_OK; PTD_EMAGIC; PTD_EVERSION: of a later format; PTD_ESHORT;
 *          PTD_ETRAILING; PTD_ECHECKSUM; PTD_EBADVALUE; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_addrmgr_decode(struct ptd_addrmgr *m, char why[PTD_ADDRMGR_WHY],
                   const uint8_t *p, size_t n, const uint8_t magic[4])
    PTD_NONNULL(1, 2, 3, 5);

#endif /* PTD_ADDRMGR_ADDRMGR_H */
