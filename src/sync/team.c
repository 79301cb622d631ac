#include <config.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/util.h"
#include "pentad/chan.h"
#include "sync/mutex.h"
#include "sync/stack.h"
#include "sync/thread.h"

enum { KEEP_STACK_BYTES = 16 * 1024, ROLES_MAX = 16 };

/* What a member is to do next. */
struct job {
    void (*main)(void *); /* NULL: end */
    void *arg;
    char name[PTD_THREAD_NAME_MAX + 1];
};

/* One thread of a team. */
struct member {
    struct ptd_thread thread;
    struct ptd_team *team;
    struct ptd_chan *jobs; /* struct job, capacity 1 */
};

struct ptd_team {
    struct ptd_link link; /* in the pool's list while parked */
    struct ptd_team_pool *pool;
    struct ptd_chan *ended; /* a signal for each job that returned */
    atomic_size_t n_run;    /* jobs given and not yet waited for */
    struct member m[];
};

struct ptd_team_pool {
    struct ptd_threads *threads;
    size_t n_roles, max_parked;
    struct ptd_mutex mu;
    struct ptd_link parked PTD_GUARDED_BY(mu);
    size_t n_parked PTD_GUARDED_BY(mu);
    size_t n_teams PTD_GUARDED_BY(mu);
};

struct ptd_team_pool *ptd_team_pool_new(size_t n_roles, size_t max_parked)
{
    struct ptd_team_pool *pool;

    if (n_roles == 0 || n_roles > ROLES_MAX)
        return NULL;
    pool = ptd_calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->threads = ptd_threads_new();
    if (pool->threads == NULL) {
        ptd_free(pool);
        return NULL;
    }
    pool->n_roles = n_roles;
    pool->max_parked = max_parked;
    ptd_mutex_init(&pool->mu, PTD_RANK_TEAM);
    ptd_list_init(&pool->parked);
    return pool;
}

static void member_main(void *arg)
{
    struct member *m = arg;
    struct job job;

    while (ptd_chan_recv(m->jobs, &job) == PTD_OK) {
        ptd_thread_set_name(job.name);
        job.main(job.arg);
        ptd_thread_set_name("parked");
        ptd_stack_trim(m->thread.stack, KEEP_STACK_BYTES);
        /* Never full: a slot for each role, one job each. */
        PTD_ASSERT(ptd_chan_try_send(m->team->ended, NULL) == PTD_OK);
    }
}

/* Join all that was started, free. */
static void team_end(struct ptd_team *team)
{
    struct ptd_team_pool *pool = team->pool;

    for (size_t i = 0; i < pool->n_roles; i++)
        if (team->m[i].jobs != NULL)
            ptd_chan_close(team->m[i].jobs);
    for (size_t i = 0; i < pool->n_roles; i++) {
        ptd_thread_join(&team->m[i].thread);
        ptd_chan_free(team->m[i].jobs);
    }
    ptd_chan_free(team->ended);
    ptd_free(team);
}

static enum ptd_err team_begin(struct ptd_team_pool *pool,
                               struct ptd_team **out)
{
    struct ptd_team *team =
        ptd_calloc(1, sizeof *team + pool->n_roles * sizeof team->m[0]);
    enum ptd_err e = PTD_ENOMEM;

    if (team == NULL)
        return e;
    team->pool = pool;
    team->ended = ptd_chan_new(0, pool->n_roles);
    if (team->ended == NULL)
        goto fail;
    for (size_t i = 0; i < pool->n_roles; i++) {
        struct member *m = &team->m[i];

        m->team = team;
        m->jobs = ptd_chan_new(sizeof(struct job), 1);
        e = m->jobs == NULL ? PTD_ENOMEM
                            : ptd_thread_start(&m->thread, pool->threads,
                                               "parked", member_main, m);
        if (e != PTD_OK)
            goto fail;
    }
    *out = team;
    return PTD_OK;

fail:
    team_end(team);
    return e;
}

enum ptd_err ptd_team_get(struct ptd_team_pool *pool, struct ptd_team **out)
{
    struct ptd_link *l;
    enum ptd_err e = PTD_OK;

    ptd_mutex_lock(&pool->mu);
    l = ptd_list_pop(&pool->parked);
    if (l != NULL)
        pool->n_parked--;
    else
        pool->n_teams++;
    ptd_mutex_unlock(&pool->mu);
    if (l != NULL) {
        *out = PTD_CONTAINER_OF(l, struct ptd_team, link);
        return PTD_OK;
    }
    e = team_begin(pool, out);
    if (e != PTD_OK) {
        ptd_mutex_lock(&pool->mu);
        pool->n_teams--;
        ptd_mutex_unlock(&pool->mu);
    }
    return e;
}

void ptd_team_run(struct ptd_team *team, size_t role, const char *name,
                  void (*main)(void *), void *arg)
{
    struct job job = { .main = main, .arg = arg };

    PTD_ASSERT(role < team->pool->n_roles);
    snprintf(job.name, sizeof job.name, "%s", name);
    atomic_fetch_add(&team->n_run, 1);
    PTD_ASSERT(ptd_chan_try_send(team->m[role].jobs, &job) == PTD_OK);
}

void ptd_team_put(struct ptd_team *team)
{
    struct ptd_team_pool *pool = team->pool;
    bool keep;

    /* A job may give another role its job: counted before it ends itself. */
    for (; atomic_load(&team->n_run) > 0; atomic_fetch_sub(&team->n_run, 1))
        PTD_ASSERT(ptd_chan_recv(team->ended, NULL) == PTD_OK);
    ptd_mutex_lock(&pool->mu);
    keep = pool->n_parked < pool->max_parked;
    if (keep) {
        ptd_list_prepend(&pool->parked, &team->link);
        pool->n_parked++;
    } else {
        pool->n_teams--;
    }
    ptd_mutex_unlock(&pool->mu);
    if (!keep)
        team_end(team);
}

bool ptd_team_is_self(const struct ptd_team *team)
{
    for (size_t i = 0; i < team->pool->n_roles; i++)
        if (pthread_equal(team->m[i].thread.id, pthread_self()))
            return true;
    return false;
}

void ptd_team_pool_drain(struct ptd_team_pool *pool)
{
    struct ptd_link all, *l;

    ptd_list_init(&all);
    ptd_mutex_lock(&pool->mu);
    ptd_list_move_all(&all, &pool->parked);
    pool->n_teams -= pool->n_parked;
    pool->n_parked = 0;
    ptd_mutex_unlock(&pool->mu);
    while ((l = ptd_list_pop(&all)) != NULL)
        team_end(PTD_CONTAINER_OF(l, struct ptd_team, link));
}

void ptd_team_pool_free(struct ptd_team_pool *pool)
{
    if (pool == NULL)
        return;
    ptd_team_pool_drain(pool);
    ptd_mutex_lock(&pool->mu);
    PTD_ASSERT(pool->n_teams == 0);
    ptd_mutex_unlock(&pool->mu);
    ptd_threads_free(pool->threads);
    ptd_mutex_fini(&pool->mu);
    ptd_free(pool);
}

size_t ptd_team_pool_n_threads(struct ptd_team_pool *pool)
{
    size_t n;

    ptd_mutex_lock(&pool->mu);
    n = pool->n_teams * pool->n_roles;
    ptd_mutex_unlock(&pool->mu);
    return n;
}
