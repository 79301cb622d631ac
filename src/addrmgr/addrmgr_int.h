/* addrmgr_int.h - the tables inside, for the files of this room.
 *
 * Entries lie in one array and are named by their number there, which is used
 * again once an entry is gone; their ids are not. Places of the tables, the
 * random order and the index hold number + 1, so that 0 is "nobody".
 */
#ifndef PTD_ADDRMGR_ADDRMGR_INT_H
#define PTD_ADDRMGR_ADDRMGR_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addrmgr/addrmgr.h"
#include "addrmgr/netgroup.h"
#include "base/tsa.h"
#include "pentad/clock.h"
#include "pentad/netaddr.h"
#include "sync/mutex.h"

enum {
    PTD_ADDRMGR_NOBODY = 0,
    PTD_ADDRMGR_KEY_BYTES = 32,
    PTD_ADDRMGR_COLLISIONS = 10,
    PTD_ADDRMGR_N_NETS = PTD_NET_YGGDRASIL + 1,
    PTD_ADDRMGR_INDEX_SIZE = 1 << 18, /* at most a third is in use */
    PTD_ADDRMGR_NOTES = 24
};

/* One address. Free if na.net is PTD_NET_NONE. */
struct ptd_addrmgr_info {
    struct ptd_netaddr na;
    struct ptd_netaddr source; /* who told us first; port 0 */
    uint64_t id;               /* never used twice */
    uint64_t services;
    int64_t time_s;         /* last seen, by hearsay or by us */
    int64_t last_try_s;     /* not on disk */
    int64_t last_count_s;   /* last try that counted as failure; not on disk */
    int64_t last_success_s; /* 0: never */
    int32_t n_attempts;     /* failures since the last success */
    uint32_t order_at; /* place in the order; free: the next free one + 1 */
    uint32_t file_at;  /* while writing: place among the new ones */
    uint8_t n_refs;    /* places in new */
    uint8_t n_seen;    /* while checking: places found */
    uint8_t net;       /* counted as; PTD_NET_NONE: not routable */
    bool tried;
};

/* An entry that wants the place of another one in tried. */
struct ptd_addrmgr_collision {
    uint64_t id;
    uint32_t who; /* number + 1; gone if the id differs */
};

/* The last check, to be logged once the lock is free. */
struct ptd_addrmgr_checked {
    bool any;
    size_t n_new, n_tried;
    int64_t took_us;
};

struct ptd_addrmgr {
    /* set once */
    struct ptd_addrmgr_config cfg;
    uint64_t index_k0, index_k1;
    uint64_t rng_k0, rng_k1;

    struct ptd_mutex mu;               /* PTD_RANK_ADDRMGR */
    uint64_t rng_n PTD_GUARDED_BY(mu); /* numbers drawn */
    uint8_t key[PTD_ADDRMGR_KEY_BYTES] PTD_GUARDED_BY(mu);
    uint64_t next_id PTD_GUARDED_BY(mu);
    int64_t last_good_s PTD_GUARDED_BY(mu); /* of any; at first 1: above 0 */

    struct ptd_addrmgr_info *info PTD_GUARDED_BY(mu);
    size_t n_info PTD_GUARDED_BY(mu); /* used once, free ones too */
    size_t cap_info PTD_GUARDED_BY(mu);
    uint32_t free PTD_GUARDED_BY(mu); /* first free one + 1 */

    uint32_t *order PTD_GUARDED_BY(mu); /* all entries, in random order */
    size_t n PTD_GUARDED_BY(mu);
    size_t cap_order PTD_GUARDED_BY(mu);

    size_t n_new PTD_GUARDED_BY(mu);
    size_t n_tried PTD_GUARDED_BY(mu);
    size_t net_new[PTD_ADDRMGR_N_NETS] PTD_GUARDED_BY(mu);
    size_t net_tried[PTD_ADDRMGR_N_NETS] PTD_GUARDED_BY(mu);

    struct ptd_addrmgr_collision
        collision[PTD_ADDRMGR_COLLISIONS] PTD_GUARDED_BY(mu);
    size_t n_collisions PTD_GUARDED_BY(mu);
    struct ptd_addrmgr_checked checked PTD_GUARDED_BY(mu);

    uint32_t index[PTD_ADDRMGR_INDEX_SIZE] PTD_GUARDED_BY(mu);
    uint32_t new[PTD_ADDRMGR_NEW_BUCKETS]
                [PTD_ADDRMGR_BUCKET_SIZE] PTD_GUARDED_BY(mu);
    uint32_t tried[PTD_ADDRMGR_TRIED_BUCKETS]
                  [PTD_ADDRMGR_BUCKET_SIZE] PTD_GUARDED_BY(mu);
};

/* ---- notes: what happened under the lock, to be logged after it ------ */

enum ptd_addrmgr_event {
    PTD_ADDRMGR_ADDED,
    PTD_ADDRMGR_REMOVED,
    PTD_ADDRMGR_MOVED_TO_TRIED,
    PTD_ADDRMGR_MOVED_TO_NEW,
    PTD_ADDRMGR_COLLIDED,
    PTD_ADDRMGR_REPLACED,
    PTD_ADDRMGR_REPLACED_UNTESTED
};

struct ptd_addrmgr_note {
    enum ptd_addrmgr_event event;
    struct ptd_netaddr na;
    struct ptd_netaddr other; /* of a collision */
    int bucket;
    int position;
};

struct ptd_addrmgr_notes {
    bool on; /* somebody listens */
    size_t n;
    struct ptd_addrmgr_note v[PTD_ADDRMGR_NOTES]; /* more are dropped */
};

void ptd_addrmgr_notes_init(struct ptd_addrmgr_notes *notes);
void ptd_addrmgr_note(struct ptd_addrmgr_notes *notes,
                      enum ptd_addrmgr_event event,
                      const struct ptd_netaddr *na,
                      const struct ptd_netaddr *other, int bucket,
                      int position);
/* Log and forget them; without the lock. */
void ptd_addrmgr_notes_flush(struct ptd_addrmgr_notes *notes,
                             const struct ptd_netgroup *ng);

/* ---- place.c: bucket and position ------------------------------------ */

int ptd_addrmgr_tried_bucket_locked(const struct ptd_addrmgr *m,
                                    const struct ptd_netaddr *na)
    PTD_REQUIRES(m->mu);
int ptd_addrmgr_new_bucket_locked(const struct ptd_addrmgr *m,
                                  const struct ptd_netaddr *na,
                                  const struct ptd_netaddr *source)
    PTD_REQUIRES(m->mu);
/* table: PTD_ADDRMGR_NEW or _TRIED. */
int ptd_addrmgr_position_locked(const struct ptd_addrmgr *m,
                                enum ptd_addrmgr_table table, int bucket,
                                const struct ptd_netaddr *na)
    PTD_REQUIRES(m->mu);

/* ---- table.c: entries, index, order, places -------------------------- */

/* The entry with a number + 1, which is somebody's. */
static inline struct ptd_addrmgr_info *
ptd_addrmgr_at_locked(struct ptd_addrmgr *m, uint32_t who) PTD_REQUIRES(m->mu);
static inline struct ptd_addrmgr_info *
ptd_addrmgr_at_locked(struct ptd_addrmgr *m, uint32_t who)
{
    return &m->info[who - 1];
}

/* Number + 1 of an address; PTD_ADDRMGR_NOBODY: unknown. */
uint32_t ptd_addrmgr_lookup_locked(const struct ptd_addrmgr *m,
                                   const struct ptd_netaddr *na)
    PTD_REQUIRES(m->mu);

/* Make an unknown address an entry of new, without a place there yet; nobody
 * for lack of memory. Entries may move in memory. */
PTD_MUST_USE uint32_t
ptd_addrmgr_create_locked(struct ptd_addrmgr *m, const struct ptd_addr_entry *e,
                          const struct ptd_netaddr *source) PTD_REQUIRES(m->mu);

/* Forget one that is not in tried and has no place in new. */
void ptd_addrmgr_delete_locked(struct ptd_addrmgr *m, uint32_t who)
    PTD_REQUIRES(m->mu);

/* Empty a place of new; whoever has no other one is deleted. */
void ptd_addrmgr_clear_new_locked(struct ptd_addrmgr *m, int bucket,
                                  int position, struct ptd_addrmgr_notes *notes)
    PTD_REQUIRES(m->mu);

/* Count an entry in or out of a table. step: 1 or -1. */
void ptd_addrmgr_count_locked(struct ptd_addrmgr *m,
                              const struct ptd_addrmgr_info *info,
                              enum ptd_addrmgr_table table, int step)
    PTD_REQUIRES(m->mu);

void ptd_addrmgr_swap_order_locked(struct ptd_addrmgr *m, size_t a, size_t b)
    PTD_REQUIRES(m->mu);

/* Forget everything; a new key. */
void ptd_addrmgr_reset_locked(struct ptd_addrmgr *m) PTD_REQUIRES(m->mu);

struct ptd_addr_entry ptd_addrmgr_told(const struct ptd_addrmgr_info *info);

/* ---- the rest -------------------------------------------------------- */

bool ptd_addrmgr_is_terrible(const struct ptd_addrmgr_info *info,
                             int64_t now_s);

uint64_t ptd_addrmgr_draw_locked(struct ptd_addrmgr *m, uint64_t bound)
    PTD_REQUIRES(m->mu);

/* A shallow check takes it that each lies where its hash says, as after a load,
 * which asked the hash; a deep one asks again, which takes most of its time. */
enum ptd_addrmgr_depth { PTD_ADDRMGR_SHALLOW, PTD_ADDRMGR_DEEP };

int ptd_addrmgr_check_locked(struct ptd_addrmgr *m,
                             enum ptd_addrmgr_depth depth) PTD_REQUIRES(m->mu);

/* With the chance of cfg.check_ratio: check, and abort if it fails. */
void ptd_addrmgr_maybe_check_locked(struct ptd_addrmgr *m) PTD_REQUIRES(m->mu);

/* Take the lock, and perhaps check; perhaps check, let it go, log that. */
void ptd_addrmgr_enter(struct ptd_addrmgr *m) PTD_ACQUIRE(m->mu);
void ptd_addrmgr_leave(struct ptd_addrmgr *m) PTD_RELEASE(m->mu);

#endif /* PTD_ADDRMGR_ADDRMGR_INT_H */
