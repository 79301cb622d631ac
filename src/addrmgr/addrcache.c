#include <config.h>

#include "addrmgr/addrcache.h"

#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "pentad/clock.h"
#include "sync/mutex.h"

/* One answer, and for whom it is. */
struct answer {
    enum ptd_net net;
    struct ptd_netaddr bound;
    int64_t until_s; /* wall clock */
    size_t n_known;  /* addresses that it was drawn from */
    size_t n;
    struct ptd_addr_entry *list; /* NULL: not in use */
};

struct ptd_addrmgr_cache {
    struct ptd_addrmgr *m; /* set once, as is clk */
    struct ptd_clock *clk;
    struct ptd_mutex mu; /* PTD_RANK_ADDRCACHE */
    struct answer answer[PTD_ADDRMGR_CACHE_MAX] PTD_GUARDED_BY(mu);
};

struct ptd_addrmgr_cache *ptd_addrmgr_cache_new(struct ptd_addrmgr *m,
                                                struct ptd_clock *clk)
{
    struct ptd_addrmgr_cache *c = ptd_calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->m = m;
    c->clk = clk;
    ptd_mutex_init(&c->mu, PTD_RANK_ADDRCACHE);
    return c;
}

void ptd_addrmgr_cache_free(struct ptd_addrmgr_cache *c)
{
    if (c == NULL)
        return;
    ptd_mutex_lock(&c->mu);
    for (size_t i = 0; i < PTD_COUNT(c->answer); i++)
        ptd_free(c->answer[i].list);
    ptd_mutex_unlock(&c->mu);
    ptd_mutex_fini(&c->mu);
    ptd_free(c);
}

/* What the life of an answer is measured by. */
struct now {
    int64_t wall_s;
    size_t n_known;
};

static struct now now_of(struct ptd_addrmgr_cache *c)
{
    return (
        struct now){ ptd_clock_wall_s(c->clk),
                     ptd_addrmgr_size(c->m, PTD_NET_NONE, PTD_ADDRMGR_BOTH) };
}

/* A clock that was set back must not make an answer live for years; nor what a
 * node says that is new, and knows next to nobody, be its answer for a day. */
static bool is_fresh(const struct answer *a, const struct now *now)
{
    return a->list != NULL && now->wall_s < a->until_s &&
           a->until_s - now->wall_s <=
               PTD_ADDRMGR_CACHE_MIN_S + PTD_ADDRMGR_CACHE_SPREAD_S &&
           now->n_known / PTD_ADDRMGR_CACHE_GROWTH <= a->n_known;
}

/* The answer for a network and address of ours, or one to be filled. While all
 * are fresh, a stranger's address shares one: more addresses of ours than
 * answers give nobody more answers. */
static struct answer *find_locked(struct ptd_addrmgr_cache *c, enum ptd_net net,
                                  const struct ptd_netaddr *bound,
                                  const struct now *now) PTD_REQUIRES(c->mu);
static struct answer *find_locked(struct ptd_addrmgr_cache *c, enum ptd_net net,
                                  const struct ptd_netaddr *bound,
                                  const struct now *now)
{
    struct answer *stale = NULL;

    for (size_t i = 0; i < PTD_COUNT(c->answer); i++) {
        struct answer *a = &c->answer[i];

        if (a->list != NULL && a->net == net &&
            ptd_netaddr_is_equal(&a->bound, bound))
            return a;
        if (stale == NULL && !is_fresh(a, now))
            stale = a;
    }
    if (stale != NULL)
        return stale;
    return &c->answer[ptd_netaddr_hash(bound, net, 0) % PTD_COUNT(c->answer)];
}

static bool copy_fresh_locked(struct ptd_addrmgr_cache *c,
                              struct ptd_addr_entry *out, size_t *n,
                              enum ptd_net net, const struct ptd_netaddr *bound,
                              const struct now *now) PTD_REQUIRES(c->mu);
static bool copy_fresh_locked(struct ptd_addrmgr_cache *c,
                              struct ptd_addr_entry *out, size_t *n,
                              enum ptd_net net, const struct ptd_netaddr *bound,
                              const struct now *now)
{
    const struct answer *a = find_locked(c, net, bound, now);

    if (!is_fresh(a, now))
        return false;
    memcpy(out, a->list, a->n * sizeof *out);
    *n = a->n;
    return true;
}

/* A new answer: a sample, without those to be left out. NULL for lack of
 * memory. */
static struct ptd_addr_entry *new_list(struct ptd_addrmgr *m, size_t *n,
                                       ptd_addrmgr_keep_fn *keep, void *arg)
{
    size_t n_kept = 0, n_all;
    struct ptd_addr_entry *list =
        ptd_alloc_array(PTD_ADDRMGR_SAMPLE_MAX, sizeof *list);

    if (list == NULL)
        return NULL;
    n_all = ptd_addrmgr_sample(m, list, PTD_ADDRMGR_SAMPLE_MAX,
                               PTD_ADDRMGR_SAMPLE_PERCENT, PTD_NET_NONE,
                               PTD_ADDRMGR_FIT);
    for (size_t i = 0; i < n_all; i++) {
        if (keep == NULL || keep(arg, &list[i]))
            list[n_kept++] = list[i];
    }
    *n = n_kept;
    return list;
}

enum ptd_err
ptd_addrmgr_cache_get(struct ptd_addrmgr_cache *c,
                      struct ptd_addr_entry out[PTD_ADDRMGR_SAMPLE_MAX],
                      size_t *n, enum ptd_net remote_net,
                      const struct ptd_netaddr *bound,
                      ptd_addrmgr_keep_fn *keep, void *arg)
{
    const struct now now = now_of(c);
    struct answer fresh = { .net = remote_net,
                            .bound = *bound,
                            .n_known = now.n_known };
    bool have;

    ptd_mutex_lock(&c->mu);
    have = copy_fresh_locked(c, out, n, remote_net, bound, &now);
    ptd_mutex_unlock(&c->mu);
    if (have)
        return PTD_OK;

    if ((fresh.list = new_list(c->m, &fresh.n, keep, arg)) == NULL)
        return PTD_ENOMEM;
    fresh.until_s =
        now.wall_s + PTD_ADDRMGR_CACHE_MIN_S +
        (int64_t)ptd_addrmgr_random_below(c->m, PTD_ADDRMGR_CACHE_SPREAD_S);
    ptd_mutex_lock(&c->mu);
    /* Another thread may have been faster: there is one answer. */
    if (!copy_fresh_locked(c, out, n, remote_net, bound, &now)) {
        struct answer *a = find_locked(c, remote_net, bound, &now);
        struct answer old = *a;

        *a = fresh;
        fresh.list = old.list; /* to be freed */
        memcpy(out, a->list, a->n * sizeof *out);
        *n = a->n;
    }
    ptd_mutex_unlock(&c->mu);
    ptd_free(fresh.list);
    return PTD_OK;
}
