#include <config.h>

#include "connmgr/inlimit.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "crypto/siphash.h"
#include "sync/mutex.h"

/* Handshakes of one group. The group's keyed hash stands for it: that two of
 * them meet in 64 bits is nothing that happens, nor that a remote can bring
 * about. */
struct slot {
    uint64_t group; /* 0: free */
    uint32_t n;
};

struct ptd_inlimit {
    /* Set once. */
    unsigned per_group; /* UINT32_MAX: no limit */
    unsigned total;     /* 0: nothing is limited, there are no slots */
    size_t n_slots;     /* a power of two, at least twice the total */
    uint64_t k0, k1;

    struct ptd_mutex mu; /* rank PTD_RANK_GUARD */
    size_t n_pending PTD_GUARDED_BY(mu);
    struct slot *slots PTD_GUARDED_BY(mu);
};

/* ---- slots -------------------------------------------------------------- */

static uint64_t group_of(const struct ptd_inlimit *l,
                         const struct ptd_netaddr *na)
{
    uint8_t key[1 + PTD_NETADDR_MAX_BYTES];
    size_t n = na->len;
    uint64_t hash;

    if (na->net == PTD_NET_IPV4)
        n = 3;
    else if (na->net == PTD_NET_IPV6)
        n = 8;
    key[0] = na->net;
    memcpy(key + 1, na->addr, n);
    hash = ptd_siphash24(l->k0, l->k1, key, 1 + n);
    return hash != 0 ? hash : 1;
}

/* Where a group stands, or the free slot where it would. Always ends: half of
 * the slots are free. */
static size_t slot_of_locked(const struct ptd_inlimit *l, uint64_t group)
    PTD_REQUIRES(l->mu)
{
    size_t i = (size_t)group & (l->n_slots - 1);

    while (l->slots[i].group != 0 && l->slots[i].group != group)
        i = (i + 1) & (l->n_slots - 1);
    return i;
}

/* Close the gap: what comes later in its run moves up, unless that would put
 * it before its home. */
static void free_slot_locked(struct ptd_inlimit *l, size_t i)
    PTD_REQUIRES(l->mu)
{
    size_t mask = l->n_slots - 1;

    for (size_t k = (i + 1) & mask; l->slots[k].group != 0;
         k = (k + 1) & mask) {
        size_t home = (size_t)l->slots[k].group & mask;

        if (((k - home) & mask) >= ((k - i) & mask)) {
            l->slots[i] = l->slots[k];
            i = k;
        }
    }
    l->slots[i].group = 0;
}

/* ---- the whole ---------------------------------------------------------- */

struct ptd_inlimit *ptd_inlimit_new(const struct ptd_inlimit_config *cfg)
{
    struct ptd_inlimit *l = ptd_calloc(1, sizeof *l);
    struct slot *slots;

    if (l == NULL)
        return NULL;
    l->per_group = cfg->per_group != 0 ? cfg->per_group : UINT32_MAX;
    if (cfg->per_group != 0 || cfg->total != 0)
        l->total = cfg->total != 0 ? PTD_MIN(cfg->total, PTD_INLIMIT_MAX)
                                   : PTD_INLIMIT_MAX;
    ptd_mutex_init(&l->mu, PTD_RANK_GUARD);
    if (l->total == 0)
        return l;
    for (l->n_slots = 2; l->n_slots < 2 * (size_t)l->total;)
        l->n_slots *= 2;
    l->k0 = ptd_random_u64();
    l->k1 = ptd_random_u64();
    if ((slots = ptd_calloc(l->n_slots, sizeof *slots)) == NULL) {
        ptd_inlimit_free(l);
        return NULL;
    }
    ptd_mutex_lock(&l->mu);
    l->slots = slots;
    ptd_mutex_unlock(&l->mu);
    return l;
}

void ptd_inlimit_free(struct ptd_inlimit *l)
{
    if (l == NULL)
        return;
    ptd_mutex_lock(&l->mu);
    PTD_ASSERT(l->n_pending == 0);
    ptd_free(l->slots);
    ptd_mutex_unlock(&l->mu);
    ptd_mutex_fini(&l->mu);
    ptd_free(l);
}

static enum ptd_err take_locked(struct ptd_inlimit *l, uint64_t group)
    PTD_REQUIRES(l->mu)
{
    struct slot *s = &l->slots[slot_of_locked(l, group)];

    /* The group first: who floods learns that it is him. */
    if (s->group != 0 && s->n >= l->per_group)
        return PTD_ELIMIT;
    if (l->n_pending >= l->total)
        return PTD_EFULL;
    if (s->group == 0)
        *s = (struct slot){ .group = group };
    s->n++;
    l->n_pending++;
    return PTD_OK;
}

enum ptd_err ptd_inlimit_acquire(struct ptd_inlimit *l,
                                 struct ptd_inlimit_pass *pass,
                                 const struct ptd_netaddr *na, bool is_noban)
{
    enum ptd_err e;
    uint64_t group;

    pass->group = 0;
    if (l->total == 0 || is_noban || ptd_netaddr_is_local(na))
        return PTD_OK;
    group = group_of(l, na);
    ptd_mutex_lock(&l->mu);
    e = take_locked(l, group);
    ptd_mutex_unlock(&l->mu);
    if (e == PTD_OK)
        pass->group = group;
    return e;
}

void ptd_inlimit_release(struct ptd_inlimit *l, struct ptd_inlimit_pass *pass)
{
    size_t i;

    if (pass->group == 0)
        return;
    ptd_mutex_lock(&l->mu);
    i = slot_of_locked(l, pass->group);
    PTD_ASSERT(l->slots[i].group == pass->group && l->slots[i].n > 0);
    if (--l->slots[i].n == 0)
        free_slot_locked(l, i);
    l->n_pending--;
    ptd_mutex_unlock(&l->mu);
    pass->group = 0;
}

size_t ptd_inlimit_pending(struct ptd_inlimit *l)
{
    size_t n;

    ptd_mutex_lock(&l->mu);
    n = l->n_pending;
    ptd_mutex_unlock(&l->mu);
    return n;
}
