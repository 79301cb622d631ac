#include <config.h>

#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "sync/mutex.h"
#include "sync/park.h"
#include "sync/stack.h"
#include "sync/thread.h"

/* One thread of a team. */
struct member {
    struct ptd_team *team;
    struct ptd_thread thread;

    /* Guarded by the team's mu. */
    void (*main)(void *); /* work given and not yet begun, NULL: none */
    void *arg;
    char name[PTD_THREAD_NAME_MAX + 1];
    bool was_run;              /* since the team was taken */
    bool quit;                 /* end the thread */
    struct ptd_parker *parker; /* set while it is parked */
};

struct ptd_team {
    struct ptd_link link;       /* in a list of the pool, under the pool's mu */
    struct ptd_team_pool *pool; /* set once */
    struct ptd_mutex mu;        /* rank PTD_RANK_TEAM; not with the pool's */
    size_t n_busy PTD_GUARDED_BY(mu); /* members with work, begun or not */
    struct ptd_parker *owner PTD_GUARDED_BY(mu); /* waits for n_busy == 0 */
    struct member members[]; /* pool->n_roles */
};

struct ptd_team_pool {
    size_t n_roles;    /* set once */
    size_t max_parked; /* set once */
    struct ptd_threads *threads;
    struct ptd_mutex mu; /* rank PTD_RANK_TEAM */
    struct ptd_link parked PTD_GUARDED_BY(mu); /* last put first */
    struct ptd_link taken PTD_GUARDED_BY(mu);
    size_t n_parked PTD_GUARDED_BY(mu);
    size_t n_teams PTD_GUARDED_BY(mu); /* whose threads exist */
};

/* ---- the threads ----------------------------------------------------- */

/* Wait until there is work, or the end; false: the end. */
static bool await_work(struct member *m, void (**main)(void *), void **arg,
                       char name[PTD_THREAD_NAME_MAX + 1])
{
    struct ptd_parker *p = ptd_parker_self();
    bool more;

    ptd_mutex_lock(&m->team->mu);
    while (m->main == NULL && !m->quit) {
        ptd_park_begin(p, PTD_PARK_FOR_WORK, m->team);
        m->parker = p;
        ptd_mutex_unlock(&m->team->mu);
        (void)ptd_park_wait(p);
        ptd_mutex_lock(&m->team->mu);
    }
    *main = m->main;
    *arg = m->arg;
    memcpy(name, m->name, sizeof m->name);
    m->main = NULL;
    more = *main != NULL;
    ptd_mutex_unlock(&m->team->mu);
    return more;
}

static void work_done(struct ptd_team *team)
{
    struct ptd_parker *owner = NULL;

    ptd_mutex_lock(&team->mu);
    if (--team->n_busy == 0 && team->owner != NULL) {
        owner = team->owner;
        team->owner = NULL;
        if (!ptd_park_claim(owner, 0))
            owner = NULL;
    }
    ptd_mutex_unlock(&team->mu);
    if (owner != NULL)
        ptd_park_fire(owner);
}

static void member_main(void *arg)
{
    struct member *m = arg;
    void (*run)(void *);
    void *run_arg;
    char name[PTD_THREAD_NAME_MAX + 1];

    while (await_work(m, &run, &run_arg, name)) {
        ptd_thread_set_name(name);
        run(run_arg);
        /* Before the owner hears of it: who put the team back sees its
         * threads parked. */
        ptd_thread_set_name("parked");
        ptd_stack_trim_self(m->thread.stack);
        work_done(m->team);
    }
}

/* Wake a member, which the caller holds the lock of; to be fired after it. */
static struct ptd_parker *claim_locked(struct member *m)
{
    struct ptd_parker *p = m->parker;

    m->parker = NULL;
    return p != NULL && ptd_park_claim(p, 0) ? p : NULL;
}

/* ---- making and ending a team ---------------------------------------- */

/* End and join the first n threads, free. */
static void team_end(struct ptd_team *team, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ptd_parker *p;

        ptd_mutex_lock(&team->mu);
        team->members[i].quit = true;
        p = claim_locked(&team->members[i]);
        ptd_mutex_unlock(&team->mu);
        if (p != NULL)
            ptd_park_fire(p);
    }
    for (size_t i = 0; i < n; i++)
        ptd_thread_join(&team->members[i].thread);
    ptd_mutex_fini(&team->mu);
    ptd_free(team);
}

static enum ptd_err team_new(struct ptd_team **out, struct ptd_team_pool *pool)
{
    struct ptd_team *team = ptd_calloc(
        1, sizeof *team + pool->n_roles * sizeof team->members[0]);
    enum ptd_err e;

    if (team == NULL)
        return PTD_ENOMEM;
    team->pool = pool;
    ptd_mutex_init(&team->mu, PTD_RANK_TEAM);
    for (size_t i = 0; i < pool->n_roles; i++) {
        struct member *m = &team->members[i];

        m->team = team;
        e = ptd_thread_start(&m->thread, pool->threads, "parked", member_main,
                             m);
        if (e != PTD_OK) {
            team_end(team, i);
            return e;
        }
    }
    *out = team;
    return PTD_OK;
}

/* ---- the pool -------------------------------------------------------- */

struct ptd_team_pool *ptd_team_pool_new(size_t n_roles, size_t max_parked)
{
    struct ptd_team_pool *pool = ptd_calloc(1, sizeof *pool);

    if (pool == NULL)
        return NULL;
    if ((pool->threads = ptd_threads_new()) == NULL) {
        ptd_free(pool);
        return NULL;
    }
    pool->n_roles = n_roles;
    pool->max_parked = max_parked;
    ptd_mutex_init(&pool->mu, PTD_RANK_TEAM);
    ptd_mutex_lock(&pool->mu);
    ptd_list_init(&pool->parked);
    ptd_list_init(&pool->taken);
    ptd_mutex_unlock(&pool->mu);
    return pool;
}

void ptd_team_pool_drain(struct ptd_team_pool *pool)
{
    struct ptd_link ended, *l;
    size_t n = 0;

    ptd_list_init(&ended);
    ptd_mutex_lock(&pool->mu);
    ptd_list_move_all(&ended, &pool->parked);
    pool->n_parked = 0;
    ptd_mutex_unlock(&pool->mu);
    while ((l = ptd_list_pop(&ended)) != NULL) {
        team_end(PTD_CONTAINER_OF(l, struct ptd_team, link), pool->n_roles);
        n++;
    }
    ptd_mutex_lock(&pool->mu);
    pool->n_teams -= n;
    ptd_mutex_unlock(&pool->mu);
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

static struct ptd_team *get_parked(struct ptd_team_pool *pool)
{
    struct ptd_team *team = NULL;
    struct ptd_link *l;

    ptd_mutex_lock(&pool->mu);
    if ((l = ptd_list_pop(&pool->parked)) != NULL) {
        pool->n_parked--;
        ptd_list_append(&pool->taken, l);
        team = PTD_CONTAINER_OF(l, struct ptd_team, link);
    }
    ptd_mutex_unlock(&pool->mu);
    return team;
}

enum ptd_err ptd_team_get(struct ptd_team_pool *pool, struct ptd_team **out)
{
    struct ptd_team *team = get_parked(pool);
    enum ptd_err e;

    if (team == NULL) {
        if ((e = team_new(&team, pool)) != PTD_OK)
            return e;
        ptd_mutex_lock(&pool->mu);
        pool->n_teams++;
        ptd_list_append(&pool->taken, &team->link);
        ptd_mutex_unlock(&pool->mu);
    }
    *out = team;
    return PTD_OK;
}

void ptd_team_run(struct ptd_team *team, size_t role, const char *name,
                  void (*main)(void *), void *arg)
{
    struct member *m = &team->members[role];
    struct ptd_parker *p;
    size_t n = strnlen(name, PTD_THREAD_NAME_MAX);

    PTD_ASSERT(role < team->pool->n_roles);
    ptd_mutex_lock(&team->mu);
    PTD_ASSERT(!m->was_run);
    m->was_run = true;
    memcpy(m->name, name, n);
    m->name[n] = '\0';
    m->arg = arg;
    m->main = main;
    team->n_busy++;
    p = claim_locked(m);
    ptd_mutex_unlock(&team->mu);
    if (p != NULL)
        ptd_park_fire(p);
}

/* Wait until all work is done. */
static void await_end(struct ptd_team *team)
{
    struct ptd_parker *p = ptd_parker_self();

    ptd_mutex_lock(&team->mu);
    if (team->n_busy > 0) {
        ptd_park_begin(p, PTD_PARK_FOR_TEAM_END, team);
        team->owner = p;
        ptd_mutex_unlock(&team->mu);
        (void)ptd_park_wait(p);
        ptd_mutex_lock(&team->mu);
    }
    PTD_ASSERT(team->n_busy == 0);
    for (size_t i = 0; i < team->pool->n_roles; i++)
        team->members[i].was_run = false;
    ptd_mutex_unlock(&team->mu);
}

void ptd_team_put(struct ptd_team *team)
{
    struct ptd_team_pool *pool = team->pool;
    bool parked;

    PTD_ASSERT(!ptd_team_is_self(team));
    await_end(team);
    ptd_mutex_lock(&pool->mu);
    ptd_list_remove(&team->link);
    parked = pool->n_parked < pool->max_parked;
    if (parked) {
        pool->n_parked++;
        ptd_list_prepend(&pool->parked, &team->link);
    }
    ptd_mutex_unlock(&pool->mu);
    if (parked)
        return;
    team_end(team, pool->n_roles);
    ptd_mutex_lock(&pool->mu);
    pool->n_teams--;
    ptd_mutex_unlock(&pool->mu);
}

bool ptd_team_is_self(const struct ptd_team *team)
{
    pthread_t self = pthread_self();

    for (size_t i = 0; i < team->pool->n_roles; i++)
        if (pthread_equal(team->members[i].thread.id, self))
            return true;
    return false;
}
