#include <config.h>

#include "node/addrs.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "sync/mutex.h"

enum {
    N_SLOTS = 2 * PTD_ADDRS_MAX, /* of the index, a power of two */
    EMPTY = -1,
    OLD_S = 5 * 24 * 3600 /* what a time that cannot be becomes */
};

struct ptd_addrs {
    bool allow_local; /* set once, as are k0 and k1 */
    uint64_t k0, k1;
    struct ptd_mutex mu; /* PTD_RANK_ADDRS */
    size_t n PTD_GUARDED_BY(mu);
    /* n entries without gaps, and where each is found: open addressing with
     * linear probing, at most half full. */
    struct ptd_addr_entry v[PTD_ADDRS_MAX] PTD_GUARDED_BY(mu);
    int32_t slot[N_SLOTS] PTD_GUARDED_BY(mu);
};

struct ptd_addrs *ptd_addrs_new(bool allow_local)
{
    struct ptd_addrs *t = ptd_calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    ptd_mutex_init(&t->mu, PTD_RANK_ADDRS);
    ptd_mutex_lock(&t->mu);
    t->allow_local = allow_local;
    t->k0 = ptd_random_u64();
    t->k1 = ptd_random_u64();
    for (size_t i = 0; i < N_SLOTS; i++)
        t->slot[i] = EMPTY;
    ptd_mutex_unlock(&t->mu);
    return t;
}

void ptd_addrs_free(struct ptd_addrs *t)
{
    if (t == NULL)
        return;
    ptd_mutex_fini(&t->mu);
    ptd_free(t);
}

static size_t home_of(const struct ptd_addrs *t, const struct ptd_netaddr *na)
{
    return ptd_netaddr_hash(na, t->k0, t->k1) & (N_SLOTS - 1);
}

/* Its slot, or the empty one where it would go. */
static size_t find_locked(const struct ptd_addrs *t,
                          const struct ptd_netaddr *na) PTD_REQUIRES(t->mu);
static size_t find_locked(const struct ptd_addrs *t,
                          const struct ptd_netaddr *na)
{
    size_t i = home_of(t, na);

    while (t->slot[i] != EMPTY &&
           !ptd_netaddr_is_equal(&t->v[t->slot[i]].na, na))
        i = (i + 1) & (N_SLOTS - 1);
    return i;
}

/* Empty a slot; those behind it that could not be found any more move up. */
static void close_gap_locked(struct ptd_addrs *t, size_t gap)
    PTD_REQUIRES(t->mu);
static void close_gap_locked(struct ptd_addrs *t, size_t gap)
{
    for (size_t i = (gap + 1) & (N_SLOTS - 1); t->slot[i] != EMPTY;
         i = (i + 1) & (N_SLOTS - 1)) {
        size_t home = home_of(t, &t->v[t->slot[i]].na);

        if (((i - home) & (N_SLOTS - 1)) < ((i - gap) & (N_SLOTS - 1)))
            continue;
        t->slot[gap] = t->slot[i];
        gap = i;
    }
    t->slot[gap] = EMPTY;
}

static void insert_locked(struct ptd_addrs *t, const struct ptd_addr_entry *e)
    PTD_REQUIRES(t->mu);
static void insert_locked(struct ptd_addrs *t, const struct ptd_addr_entry *e)
{
    size_t at;

    if (t->n < PTD_ADDRS_MAX) {
        at = t->n++;
    } else {
        at = (size_t)ptd_random_below(PTD_ADDRS_MAX);
        close_gap_locked(t, find_locked(t, &t->v[at].na));
    }
    t->v[at] = *e;
    t->slot[find_locked(t, &e->na)] = (int32_t)at;
}

static bool is_wanted(const struct ptd_addrs *t, const struct ptd_netaddr *na)
{
    if (!ptd_netaddr_is_valid(na) || na->port == 0)
        return false;
    return t->allow_local || ptd_netaddr_is_routable(na);
}

/* A new one is added, a known one made newer. True if it is new. */
static bool note_locked(struct ptd_addrs *t, const struct ptd_addr_entry *e)
    PTD_REQUIRES(t->mu);
static bool note_locked(struct ptd_addrs *t, const struct ptd_addr_entry *e)
{
    int32_t known = t->slot[find_locked(t, &e->na)];

    if (known == EMPTY) {
        insert_locked(t, e);
        return true;
    }
    t->v[known].time = PTD_MAX(t->v[known].time, e->time);
    t->v[known].services |= e->services;
    return false;
}

size_t ptd_addrs_add(struct ptd_addrs *t, const struct ptd_addr_entry *list,
                     size_t n, int64_t now_s)
{
    size_t n_new = 0;

    ptd_mutex_lock(&t->mu);
    for (size_t i = 0; i < n; i++) {
        struct ptd_addr_entry e = list[i];
        int64_t time = e.time;

        if (!is_wanted(t, &e.na))
            continue;
        if (time <= 100000000 || time > now_s + PTD_ADDRS_FUTURE_S)
            time = now_s - OLD_S;
        time -= PTD_ADDRS_PENALTY_S;
        e.time = (uint32_t)PTD_MAX(time, 0);
        n_new += note_locked(t, &e);
    }
    ptd_mutex_unlock(&t->mu);
    return n_new;
}

void ptd_addrs_plant(struct ptd_addrs *t, const struct ptd_addr_entry *e)
{
    struct ptd_addr_entry planted = *e;

    if (!is_wanted(t, &e->na))
        return;
    planted.time = 0; /* beyond every horizon */
    ptd_mutex_lock(&t->mu);
    (void)note_locked(t, &planted);
    ptd_mutex_unlock(&t->mu);
}

void ptd_addrs_seen(struct ptd_addrs *t, const struct ptd_netaddr *na,
                    uint64_t services, int64_t now_s)
{
    struct ptd_addr_entry e = { .time = (uint32_t)now_s,
                                .services = services,
                                .na = *na };

    if (!is_wanted(t, na))
        return;
    ptd_mutex_lock(&t->mu);
    (void)note_locked(t, &e);
    ptd_mutex_unlock(&t->mu);
}

size_t ptd_addrs_sample(struct ptd_addrs *t, struct ptd_addr_entry *out,
                        size_t max, int64_t now_s)
{
    size_t n = 0, walked = 0;

    ptd_mutex_lock(&t->mu);
    max = PTD_MIN(max, t->n * PTD_ADDRS_SHARE_PERCENT / 100);
    /* Swap a random one of those not yet looked at to the front: a shuffle that
     * stops when it has enough. The order of the table has no meaning. */
    while (n < max && walked < t->n) {
        size_t pick = walked + (size_t)ptd_random_below(t->n - walked);
        struct ptd_addr_entry e = t->v[pick];
        size_t at = find_locked(t, &e.na);
        size_t at_front = find_locked(t, &t->v[walked].na);

        t->v[pick] = t->v[walked];
        t->v[walked] = e;
        t->slot[at_front] = (int32_t)pick;
        t->slot[at] = (int32_t)walked;
        walked++;
        if ((int64_t)e.time + PTD_ADDRS_HORIZON_S >= now_s)
            out[n++] = e;
    }
    ptd_mutex_unlock(&t->mu);
    return n;
}

bool ptd_addrs_pick(struct ptd_addrs *t, struct ptd_addr_entry *out)
{
    bool any;

    ptd_mutex_lock(&t->mu);
    any = t->n > 0;
    if (any)
        *out = t->v[ptd_random_below(t->n)];
    ptd_mutex_unlock(&t->mu);
    return any;
}

size_t ptd_addrs_count(struct ptd_addrs *t)
{
    size_t n;

    ptd_mutex_lock(&t->mu);
    n = t->n;
    ptd_mutex_unlock(&t->mu);
    return n;
}
