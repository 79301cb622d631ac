#include <config.h>

#include "check_sync.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { N_ROLES = 5 };

static struct ptd_team_pool *pool;

static void setup(void)
{
    pool = ptd_team_pool_new(N_ROLES, 2);
    ck_assert_ptr_nonnull(pool);
}

static void teardown(void)
{
    ptd_team_pool_free(pool);
    await_no_threads();
}

/* A role that says it is there and stays until told. */
struct role {
    struct ptd_chan *here;  /* struct seen */
    struct ptd_chan *leave; /* event */
    int given;              /* written before the run */
};

struct seen {
    int tid, given;
};

static void role_main(void *arg)
{
    struct role *r = arg;
    struct seen s = { (int)gettid(), r->given };

    PTD_ASSERT(ptd_chan_send(r->here, &s) == PTD_OK);
    PTD_ASSERT(ptd_chan_recv(r->leave, NULL) == PTD_ECLOSED);
}

static void role_init(struct role *r, int given)
{
    r->here = ptd_chan_new(sizeof(struct seen), 1);
    r->leave = ptd_chan_new(0, 0);
    r->given = given;
}

static void role_fini(struct role *r)
{
    ptd_chan_free(r->here);
    ptd_chan_free(r->leave);
}

static struct seen role_await(struct role *r)
{
    struct seen s;

    ck_assert_int_eq(ptd_chan_recv(r->here, &s), PTD_OK);
    ck_assert_int_eq(s.given, r->given);
    return s;
}

START_TEST(team_is_taken_run_put_and_taken_again)
{
    struct ptd_team *team, *first = NULL;
    struct role role[N_ROLES];
    int tid[N_ROLES];
    char name[32];

    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(ptd_team_get(pool, &team), PTD_OK);
        ck_assert(!ptd_team_is_self(team));
        if (round == 0)
            first = team;
        ck_assert_ptr_eq(team, first);
        for (int i = 0; i < N_ROLES; i++) {
            struct seen s;

            role_init(&role[i], 10 * round + i);
            snprintf(name, sizeof name, "r%d-%d", round, i);
            ptd_team_run(team, (size_t)i, name, role_main, &role[i]);
            s = role_await(&role[i]);
            if (round == 0)
                tid[i] = s.tid;
            ck_assert_int_eq(s.tid, tid[i]); /* each keeps its role */
            ck_assert_uint_eq(n_named(name), 1);
        }
        for (int i = 0; i < N_ROLES; i++)
            ptd_chan_close(role[i].leave);
        ptd_team_put(team);
        for (int i = 0; i < N_ROLES; i++)
            role_fini(&role[i]);
        ck_assert_uint_eq(n_named("parked"), N_ROLES);
        ck_assert_uint_eq(ptd_team_pool_n_threads(pool), N_ROLES);
    }
}
END_TEST

START_TEST(roles_that_are_not_run_stay_parked)
{
    struct ptd_team *team;
    struct role r;

    role_init(&r, 1);
    ck_assert_int_eq(ptd_team_get(pool, &team), PTD_OK);
    ptd_team_run(team, 3, "alone", role_main, &r);
    (void)role_await(&r);
    await_named("parked", N_ROLES - 1);
    ptd_chan_close(r.leave);
    ptd_team_put(team);
    role_fini(&r);
    ck_assert_int_eq(ptd_team_get(pool, &team), PTD_OK);
    ptd_team_put(team); /* none was run */
}
END_TEST

struct relay {
    struct ptd_team *team;
    atomic_size_t n_run;
};

static void relay_main(void *arg)
{
    struct relay *r = arg;
    size_t role = ++r->n_run;

    PTD_ASSERT(ptd_team_is_self(r->team));
    if (role < N_ROLES)
        ptd_team_run(r->team, role, "next", relay_main, r);
}

START_TEST(role_may_start_the_next_and_put_waits_for_all)
{
    struct relay r = { 0 };

    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(ptd_team_get(pool, &r.team), PTD_OK);
        r.n_run = 0;
        ptd_team_run(r.team, 0, "first", relay_main, &r);
        ptd_team_put(r.team);
        ck_assert_uint_eq(r.n_run, N_ROLES);
    }
}
END_TEST

START_TEST(only_so_many_stay_parked)
{
    struct ptd_team *team[4];

    for (size_t i = 0; i < PTD_COUNT(team); i++)
        ck_assert_int_eq(ptd_team_get(pool, &team[i]), PTD_OK);
    ck_assert_uint_eq(ptd_team_pool_n_threads(pool), 4 * N_ROLES);
    for (size_t i = 0; i < PTD_COUNT(team); i++)
        ptd_team_put(team[i]);
    ck_assert_uint_eq(ptd_team_pool_n_threads(pool), 2 * N_ROLES);
    ptd_team_pool_drain(pool);
    ck_assert_uint_eq(ptd_team_pool_n_threads(pool), 0);
    await_no_threads();
    ck_assert_int_eq(ptd_team_get(pool, &team[0]), PTD_OK);
    ptd_team_put(team[0]);
}
END_TEST

START_TEST(team_is_refused_whole)
{
    struct ptd_team *team;

    fail_create(_i); /* the thread of role _i */
    ck_assert_int_eq(ptd_team_get(pool, &team), PTD_EAGAIN);
    ck_assert_uint_eq(ptd_team_pool_n_threads(pool), 0);
    await_no_threads();
    fail_create(-1);
    ck_assert_int_eq(ptd_team_get(pool, &team), PTD_OK);
    ptd_team_put(team);
}
END_TEST

/* ---- many ------------------------------------------------------------ */

enum { N_OWNERS = 3, N_ROUNDS = 150 };

static void count_main(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void owner_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < N_ROUNDS; i++) {
        struct ptd_team *team;
        atomic_int n = 0;

        PTD_ASSERT(ptd_team_get(pool, &team) == PTD_OK);
        for (size_t role = 0; role < N_ROLES; role++)
            ptd_team_run(team, role, "count", count_main, &n);
        ptd_team_put(team);
        PTD_ASSERT(n == N_ROLES);
    }
}

START_TEST(owners_share_a_pool)
{
    struct ptd_thread t[N_OWNERS];

    for (int i = 0; i < N_OWNERS; i++)
        t[i] = start(owner_main, NULL);
    for (int i = 0; i < N_OWNERS; i++)
        ptd_thread_join(&t[i]);
    ck_assert_uint_le(ptd_team_pool_n_threads(pool), 2 * N_ROLES);
}
END_TEST

TCase *tcase_team(void)
{
    TCase *tc = tcase_create("team");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, team_is_taken_run_put_and_taken_again);
    tcase_add_test(tc, roles_that_are_not_run_stay_parked);
    tcase_add_test(tc, role_may_start_the_next_and_put_waits_for_all);
    tcase_add_test(tc, only_so_many_stay_parked);
    tcase_add_loop_test(tc, team_is_refused_whole, 0, N_ROLES);
    tcase_add_test(tc, owners_share_a_pool);
    return tc;
}
