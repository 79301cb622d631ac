#include <config.h>

#include "peer/env.h"

/* Lack of memory is an error we return, not an exit. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(e) ((void)((e)->is_in = false))
#include <uthash.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/util.h"
#include "wire/encoded.h"

struct nonce_entry {
    uint64_t nonce;
    bool is_in; /* cleared by uthash when it had no memory for it */
    UT_hash_handle hh;
};

/* A message in several queues. */
struct shared_entry {
    const struct ptd_msg *msg; /* queued: it has references */
    size_t n;                  /* times */
    size_t cost;               /* charged, with the first */
    bool is_in;                /* as above */
    UT_hash_handle hh;
};

void ptd_env_config_init(struct ptd_env_config *cfg)
{
    *cfg = (struct ptd_env_config){
        .max_parked_teams = 64,
        .queue_budget_bytes = (size_t)256 << 20,
    };
}

struct ptd_env *ptd_env_new(const struct ptd_env_config *cfg)
{
    struct ptd_env *env = ptd_calloc(1, sizeof *env);

    if (env == NULL)
        return NULL;
    if (cfg != NULL)
        env->cfg = *cfg;
    else
        ptd_env_config_init(&env->cfg);
    env->bufs = ptd_bufpool_new(NULL);
    if (env->bufs == NULL)
        goto free_env;
    env->teams = ptd_team_pool_new(5, env->cfg.max_parked_teams);
    if (env->teams == NULL)
        goto free_bufs;
    atomic_flag_clear(&env->is_looking);
    ptd_mutex_init(&env->mu, PTD_RANK_ENV);
    return env;

free_bufs:
    ptd_bufpool_free(env->bufs);
free_env:
    ptd_free(env);
    return NULL;
}

void ptd_env_free(struct ptd_env *env)
{
    struct nonce_entry *e, *next;

    if (env == NULL)
        return;
    PTD_ASSERT(atomic_load(&env->n_peers) == 0);
    ptd_team_pool_free(env->teams);
    ptd_bufpool_free(env->bufs);
    ptd_mutex_lock(&env->mu);
    HASH_ITER(hh, env->nonces, e, next) {
        HASH_DEL(env->nonces, e);
        ptd_free(e);
    }
    ptd_mutex_unlock(&env->mu);
    ptd_mutex_fini(&env->mu);
    ptd_free(env);
}

void ptd_env_drain(struct ptd_env *env)
{
    ptd_team_pool_drain(env->teams);
    ptd_bufpool_trim(env->bufs, 0);
}

struct ptd_clock *ptd_env_clock(const struct ptd_env *env)
{
    return env->cfg.clock;
}

size_t ptd_env_queued_bytes(const struct ptd_env *env)
{
    return atomic_load_explicit(&env->queued_bytes, memory_order_relaxed);
}

size_t ptd_env_n_peers(const struct ptd_env *env)
{
    return atomic_load_explicit(&env->n_peers, memory_order_relaxed);
}

static struct shared_entry *shared_find_locked(struct ptd_env *env,
                                               const struct ptd_msg *m)
    PTD_REQUIRES(env->mu)
{
    struct shared_entry *s;

    HASH_FIND(hh, env->shared, &m, sizeof m, s);
    return s;
}

/* NULL for lack of memory. */
static struct shared_entry *shared_add_locked(struct ptd_env *env,
                                              const struct ptd_msg *m,
                                              size_t cost)
    PTD_REQUIRES(env->mu)
{
    struct shared_entry *s = ptd_calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->msg = m;
    s->cost = cost;
    s->is_in = true;
    HASH_ADD(hh, env->shared, msg, sizeof s->msg, s);
    if (!s->is_in) {
        ptd_free(s);
        return NULL;
    }
    return s;
}

bool ptd_env_queue_enter(struct ptd_env *env, const struct ptd_msg *m,
                         size_t cost)
{
    struct shared_entry *s = NULL;
    bool is_first = true;

    if (!ptd_msg_is_unshared(m)) {
        ptd_mutex_lock(&env->mu);
        s = shared_find_locked(env, m);
        is_first = s == NULL;
        if (is_first)
            s = shared_add_locked(env, m, cost);
        if (s != NULL)
            s->n++;
        ptd_mutex_unlock(&env->mu);
    }
    if (is_first)
        atomic_fetch_add_explicit(&env->queued_bytes, cost,
                                  memory_order_relaxed);
    return s != NULL;
}

void ptd_env_queue_leave(struct ptd_env *env, const struct ptd_msg *m,
                         size_t cost, bool is_shared)
{
    struct shared_entry *s;

    if (is_shared) {
        ptd_mutex_lock(&env->mu);
        s = shared_find_locked(env, m);
        PTD_ASSERT(s != NULL);
        cost = 0;
        if (--s->n == 0) {
            cost = s->cost;
            HASH_DEL(env->shared, s);
            ptd_free(s);
        }
        ptd_mutex_unlock(&env->mu);
    }
    atomic_fetch_sub_explicit(&env->queued_bytes, cost, memory_order_relaxed);
}

uint64_t ptd_env_nonce_new(struct ptd_env *env)
{
    struct nonce_entry *e = ptd_calloc(1, sizeof *e), *other;
    uint64_t nonce = 0;

    if (e == NULL)
        return 0;
    ptd_mutex_lock(&env->mu);
    do {
        e->nonce = ptd_random_u64();
        HASH_FIND(hh, env->nonces, &e->nonce, sizeof e->nonce, other);
    } while (e->nonce == 0 || other != NULL);
    e->is_in = true;
    HASH_ADD(hh, env->nonces, nonce, sizeof e->nonce, e);
    if (e->is_in)
        nonce = e->nonce;
    ptd_mutex_unlock(&env->mu);
    if (nonce == 0)
        ptd_free(e);
    return nonce;
}

void ptd_env_nonce_forget(struct ptd_env *env, uint64_t nonce)
{
    struct nonce_entry *e;

    ptd_mutex_lock(&env->mu);
    HASH_FIND(hh, env->nonces, &nonce, sizeof nonce, e);
    if (e != NULL)
        HASH_DEL(env->nonces, e);
    ptd_mutex_unlock(&env->mu);
    ptd_free(e);
}

bool ptd_env_nonce_is_ours(struct ptd_env *env, uint64_t nonce)
{
    struct nonce_entry *e;

    ptd_mutex_lock(&env->mu);
    HASH_FIND(hh, env->nonces, &nonce, sizeof nonce, e);
    ptd_mutex_unlock(&env->mu);
    return e != NULL;
}
