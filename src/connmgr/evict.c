/* All the work is done on one array: those still in danger stand in front,
 * protected ones are moved behind them. */
#include <config.h>

#include "connmgr/evict.h"

#include <stdlib.h>

#include "base/util.h"

enum {
    KEEP_BY_GROUP = 4,
    KEEP_BY_PING = 8,
    KEEP_BY_TXS = 4,
    KEEP_BY_BLOCKS_ALONE = 8,
    KEEP_BY_BLOCKS = 4
};

typedef const struct ptd_evict_peer peer;
typedef bool is_fn(peer *p, const void *arg);

/* ---- orders -------------------------------------------------------------
 * Negative: a deserves its place more than b. Ends with the id, so that the
 * result does not depend on how the array lay before. */

static int above(uint64_t a, uint64_t b) /* the larger goes first */
{
    return (a < b) - (a > b);
}

static int before(int64_t a, int64_t b) /* the smaller goes first */
{
    return (a > b) - (a < b);
}

static int older(peer *a, peer *b)
{
    int c = before(a->connected_s, b->connected_s);

    return c != 0 ? c : above(b->id, a->id);
}

static int by_age(const void *a, const void *b)
{
    return older(a, b);
}

static int by_group(const void *a, const void *b)
{
    int c = above(((peer *)a)->group, ((peer *)b)->group);

    return c != 0 ? c : older(a, b);
}

static int by_ping(const void *a, const void *b)
{
    int c = before(((peer *)a)->min_ping_us, ((peer *)b)->min_ping_us);

    return c != 0 ? c : older(a, b);
}

/* Many never gave us a transaction: then who wants them, and filters none. */
static int by_txs(const void *left, const void *right)
{
    peer *a = left, *b = right;
    int c = before(b->last_tx_s, a->last_tx_s);

    if (c == 0)
        c = above(a->relays_txs, b->relays_txs);
    if (c == 0)
        c = above(b->has_filter, a->has_filter);
    return c != 0 ? c : older(a, b);
}

static int by_blocks(const void *left, const void *right)
{
    peer *a = left, *b = right;
    int c = before(b->last_block_s, a->last_block_s);

    if (c == 0)
        c = above(a->has_services, b->has_services);
    return c != 0 ? c : older(a, b);
}

static int by_blocks_alone(const void *left, const void *right)
{
    int c = above(((peer *)right)->relays_txs, ((peer *)left)->relays_txs);

    return c != 0 ? c : by_blocks(left, right);
}

/* ---- protecting --------------------------------------------------------- */

static void swap(struct ptd_evict_peer *a, struct ptd_evict_peer *b)
{
    struct ptd_evict_peer t = *a;

    *a = *b;
    *b = t;
}

/* Protect of the first k those for which `is` holds (NULL: all); gives how many
 * are left, in front. */
static size_t set_aside(struct ptd_evict_peer *p, size_t n, size_t k, is_fn *is,
                        const void *arg)
{
    size_t left = 0;

    for (size_t i = 0; i < n; i++) {
        if (i >= k || (is != NULL && !is(&p[i], arg)))
            swap(&p[left++], &p[i]);
    }
    return left;
}

static size_t protect(struct ptd_evict_peer *p, size_t n, size_t k,
                      int (*order)(const void *, const void *), is_fn *is)
{
    if (n == 0)
        return 0;
    qsort(p, n, sizeof *p, order);
    return set_aside(p, n, k, is, NULL);
}

static bool is_noban(peer *p, const void *arg)
{
    (void)arg;
    return p->is_noban;
}

static bool is_esteemed(peer *p, const void *arg)
{
    (void)arg;
    return !p->is_discouraged;
}

static bool gives_blocks_alone(peer *p, const void *arg)
{
    (void)arg;
    return !p->relays_txs && p->has_services;
}

/* ---- by uptime ---------------------------------------------------------- */

/* A network whose peers other protections pass over. */
struct minority {
    enum ptd_net net; /* NONE: this machine */
    size_t n;         /* its peers in danger */
};

static bool is_of(peer *p, const void *arg)
{
    const struct minority *m = arg;

    return m->net == PTD_NET_NONE ? p->is_local : p->net == m->net;
}

static size_t count(peer *p, size_t n, const struct minority *m)
{
    size_t have = 0;

    for (size_t i = 0; i < n; i++)
        have += is_of(&p[i], m);
    return have;
}

enum { N_MINORITIES = 4 };

/* The fewest first; among equals the order they were given in. */
static void sort_minorities(struct minority *m)
{
    for (size_t i = 1; i < N_MINORITIES; i++) {
        for (size_t k = i; k > 0 && m[k].n < m[k - 1].n; k--) {
            struct minority t = m[k];

            m[k] = m[k - 1];
            m[k - 1] = t;
        }
    }
}

/* Protect the k of a network that are connected longest; p is by age. */
static size_t protect_minority(struct ptd_evict_peer *p, size_t n, size_t k,
                               const struct minority *m)
{
    size_t left = 0;

    for (size_t i = 0; i < n; i++) {
        if (k > 0 && is_of(&p[i], m))
            k--;
        else
            swap(&p[left++], &p[i]);
    }
    return left;
}

/* Share out `places`, equally and round after round, since a network may not
 * use up its share. */
static size_t protect_minorities(struct ptd_evict_peer *p, size_t n,
                                 size_t places)
{
    struct minority m[N_MINORITIES] = { { PTD_NET_CJDNS, 0 },
                                        { PTD_NET_I2P, 0 },
                                        { PTD_NET_NONE, 0 },
                                        { PTD_NET_TORV3, 0 } };

    for (size_t i = 0; i < N_MINORITIES; i++)
        m[i].n = count(p, n, &m[i]);
    sort_minorities(m);
    while (places > 0) {
        size_t n_alive = 0, share;

        for (size_t i = 0; i < N_MINORITIES; i++) {
            m[i].n = count(p, n, &m[i]);
            n_alive += m[i].n > 0;
        }
        if (n_alive == 0)
            break;
        share = PTD_MAX(places / n_alive, (size_t)1);
        for (size_t i = 0; i < N_MINORITIES && places > 0; i++) {
            size_t left = protect_minority(p, n, share, &m[i]);

            places -= n - left;
            n = left;
        }
    }
    return n;
}

size_t ptd_evict_protect_by_uptime(struct ptd_evict_peer *peers, size_t n)
{
    size_t places = n / 2, left;

    if (n == 0)
        return 0;
    qsort(peers, n, sizeof *peers, by_age);
    left = protect_minorities(peers, n, places / 2);
    places -= n - left;
    return protect(peers, left, places, by_age, NULL);
}

/* ---- the choice --------------------------------------------------------- */

/* Where one group ends, in an array by group. */
static size_t end_of_group(peer *p, size_t n, size_t start)
{
    size_t i = start;

    while (i < n && p[i].group == p[start].group)
        i++;
    return i;
}

/* The youngest of the largest group; of groups of one size, of the one that
 * has the youngest. */
static uint64_t youngest_of_most(struct ptd_evict_peer *p, size_t n)
{
    size_t most = 0, best = 0;

    qsort(p, n, sizeof *p, by_group); /* the oldest first in each */
    for (size_t start = 0; start < n;) {
        size_t end = end_of_group(p, n, start), size = end - start;

        if (size > most ||
            (size == most && p[end - 1].connected_s > p[best].connected_s)) {
            most = size;
            best = end - 1;
        }
        start = end;
    }
    return p[best].id;
}

bool ptd_evict_choose(uint64_t *id, struct ptd_evict_peer *p, size_t n)
{
    size_t bad;

    n = set_aside(p, n, n, is_noban, NULL);
    n = protect(p, n, KEEP_BY_GROUP, by_group, NULL);
    n = protect(p, n, KEEP_BY_PING, by_ping, NULL);
    n = protect(p, n, KEEP_BY_TXS, by_txs, NULL);
    n = protect(p, n, KEEP_BY_BLOCKS_ALONE, by_blocks_alone,
                gives_blocks_alone);
    n = protect(p, n, KEEP_BY_BLOCKS, by_blocks, NULL);
    n = ptd_evict_protect_by_uptime(p, n);
    if (n == 0)
        return false;
    bad = set_aside(p, n, n, is_esteemed, NULL);
    *id = youngest_of_most(p, bad > 0 ? bad : n);
    return true;
}
