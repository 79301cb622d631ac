/* Three Bloom filters, each for half of PTD_DISCOURAGE_ENTRIES: the newest
 * takes what comes in, all three are looked at. When the newest has had its
 * share, the oldest is emptied and becomes the newest. So between two and three
 * shares are remembered.
 *
 * Numbers: a filter of m = 2^20 bits with n = 25,000 entries of k = 12 bits
 * takes a stranger for one of its own with (1 - e^(-kn/m))^k = 6e-8, the three
 * together with less than 2e-7. */
#include <config.h>

#include "connmgr/discourage.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "crypto/siphash.h"
#include "sync/mutex.h"

enum {
    N_FILTERS = 3,
    SHARE = PTD_DISCOURAGE_ENTRIES / 2,
    FILTER_BITS = 1 << 20,
    BITS_PER_ENTRY = 12
};

struct ptd_discourage {
    struct ptd_mutex mu;                /* rank PTD_RANK_GUARD */
    uint64_t k0, k1 PTD_GUARDED_BY(mu); /* of the hash: remotes cannot choose
                                           addresses that collide */
    unsigned newest PTD_GUARDED_BY(mu);
    unsigned n_newest PTD_GUARDED_BY(mu); /* entries it has taken */
    uint8_t filter[N_FILTERS][FILTER_BITS / 8] PTD_GUARDED_BY(mu);
};

/* ---- bits --------------------------------------------------------------- */

/* Where an entry's bits are: walked from `at` in odd steps, which meet
 * BITS_PER_ENTRY different places. */
struct places {
    uint32_t at, step;
};

static struct places places_of(const struct ptd_discourage *d,
                               const struct ptd_netaddr *na) PTD_REQUIRES(d->mu)
{
    uint8_t key[1 + PTD_NETADDR_MAX_BYTES];
    size_t n = na->len;
    uint64_t hash;

    if (na->net == PTD_NET_IPV6)
        n = 8;
    key[0] = na->net;
    memcpy(key + 1, na->addr, n);
    hash = ptd_siphash24(d->k0, d->k1, key, 1 + n);
    return (struct places){ (uint32_t)hash, (uint32_t)(hash >> 32) | 1 };
}

static void set_bits(uint8_t *filter, struct places p)
{
    for (int i = 0; i < BITS_PER_ENTRY; i++, p.at += p.step) {
        uint32_t bit = p.at % FILTER_BITS;

        filter[bit / 8] |= (uint8_t)(1 << bit % 8);
    }
}

static bool has_bits(const uint8_t *filter, struct places p)
{
    for (int i = 0; i < BITS_PER_ENTRY; i++, p.at += p.step) {
        uint32_t bit = p.at % FILTER_BITS;

        if ((filter[bit / 8] >> bit % 8 & 1) == 0)
            return false;
    }
    return true;
}

static bool has_locked(const struct ptd_discourage *d, struct places p)
    PTD_REQUIRES(d->mu)
{
    bool has = false;

    for (unsigned i = 0; i < N_FILTERS && !has; i++)
        has = has_bits(d->filter[i], p);
    return has;
}

/* ---- the whole ---------------------------------------------------------- */

static void reset_locked(struct ptd_discourage *d) PTD_REQUIRES(d->mu)
{
    d->k0 = ptd_random_u64();
    d->k1 = ptd_random_u64();
    d->newest = d->n_newest = 0;
    memset(d->filter, 0, sizeof d->filter);
}

struct ptd_discourage *ptd_discourage_new(void)
{
    struct ptd_discourage *d = ptd_alloc(sizeof *d);

    if (d == NULL)
        return NULL;
    ptd_mutex_init(&d->mu, PTD_RANK_GUARD);
    ptd_discourage_reset(d);
    return d;
}

void ptd_discourage_free(struct ptd_discourage *d)
{
    if (d == NULL)
        return;
    ptd_mutex_fini(&d->mu);
    ptd_free(d);
}

void ptd_discourage_reset(struct ptd_discourage *d)
{
    ptd_mutex_lock(&d->mu);
    reset_locked(d);
    ptd_mutex_unlock(&d->mu);
}

void ptd_discourage_add(struct ptd_discourage *d, const struct ptd_netaddr *na)
{
    struct places p;

    ptd_mutex_lock(&d->mu);
    p = places_of(d, na);
    /* One that the newest filter has already would use up the share, and push
     * others out sooner. */
    if (!has_bits(d->filter[d->newest], p)) {
        if (d->n_newest == SHARE) {
            d->newest = (d->newest + 1) % N_FILTERS;
            d->n_newest = 0;
            memset(d->filter[d->newest], 0, sizeof d->filter[0]);
        }
        set_bits(d->filter[d->newest], p);
        d->n_newest++;
    }
    ptd_mutex_unlock(&d->mu);
}

bool ptd_discourage_has(struct ptd_discourage *d, const struct ptd_netaddr *na)
{
    bool has;

    ptd_mutex_lock(&d->mu);
    has = has_locked(d, places_of(d, na));
    ptd_mutex_unlock(&d->mu);
    return has;
}
