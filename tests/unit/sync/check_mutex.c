#include <config.h>

#include "check_sync.h"

#include <signal.h>

#include "sync/mutex.h"

enum { N_THREADS = 4, N_STEPS = 20000 };

struct counter {
    struct ptd_mutex mu;
    int n PTD_GUARDED_BY(mu);
};

static void count_main(void *arg)
{
    struct counter *c = arg;

    for (int i = 0; i < N_STEPS; i++) {
        ptd_mutex_lock(&c->mu);
        c->n++;
        ptd_mutex_unlock(&c->mu);
    }
}

START_TEST(mutex_excludes)
{
    struct counter c = { .n = 0 };
    struct ptd_thread t[N_THREADS];

    ptd_mutex_init(&c.mu, PTD_RANK_NODE);
    for (int i = 0; i < N_THREADS; i++)
        t[i] = start(count_main, &c);
    for (int i = 0; i < N_THREADS; i++)
        ptd_thread_join(&t[i]);
    ptd_mutex_lock(&c.mu);
    ck_assert_int_eq(c.n, N_THREADS * N_STEPS);
    ptd_mutex_unlock(&c.mu);
    ptd_mutex_fini(&c.mu);
}
END_TEST

static void try_main(void *arg)
{
    PTD_ASSERT(!ptd_mutex_try_lock(arg));
}

PTD_NO_TSA START_TEST(try_lock_refuses_what_another_thread_holds)
{
    struct ptd_mutex mu;
    struct ptd_thread t;

    ptd_mutex_init(&mu, PTD_RANK_NODE);
    ptd_mutex_lock(&mu);
    t = start(try_main, &mu);
    ptd_thread_join(&t);
    ptd_mutex_unlock(&mu);
    ck_assert(ptd_mutex_try_lock(&mu));
    ptd_mutex_unlock(&mu);
    ptd_mutex_fini(&mu);
}
END_TEST

#ifdef PTD_DEBUG_LOCKS

static struct ptd_mutex outer, inner, inner2;

static void init_three(void)
{
    ptd_mutex_init(&outer, PTD_RANK_PEER);
    ptd_mutex_init(&inner, PTD_RANK_CHAN);
    ptd_mutex_init(&inner2, PTD_RANK_CHAN);
}

PTD_NO_TSA START_TEST(rising_ranks_may_be_released_in_any_order)
{
    init_three();
    ptd_mutex_lock(&outer);
    ptd_mutex_lock(&inner);
    ptd_mutex_unlock(&outer);
    ptd_mutex_unlock(&inner);
    ptd_mutex_lock(&outer);
    ptd_mutex_unlock(&outer);
}
END_TEST

PTD_NO_TSA START_TEST(try_lock_may_go_against_the_order)
{
    init_three();
    ptd_mutex_lock(&inner);
    ck_assert(ptd_mutex_try_lock(&outer));
    ptd_mutex_unlock(&outer);
    ptd_mutex_unlock(&inner);
}
END_TEST

PTD_NO_TSA START_TEST(falling_rank_aborts)
{
    init_three();
    ptd_mutex_lock(&inner);
    ptd_mutex_lock(&outer);
}
END_TEST

PTD_NO_TSA START_TEST(equal_rank_aborts)
{
    init_three();
    ptd_mutex_lock(&inner);
    ptd_mutex_lock(&inner2);
}
END_TEST

PTD_NO_TSA START_TEST(rank_below_one_of_several_aborts)
{
    init_three();
    ptd_mutex_lock(&inner);
    ck_assert(ptd_mutex_try_lock(&outer));
    ptd_mutex_lock(&inner2);
}
END_TEST

PTD_NO_TSA START_TEST(unlock_of_what_is_not_held_aborts)
{
    init_three();
    ptd_mutex_unlock(&inner);
}
END_TEST

#endif

TCase *tcase_mutex(void)
{
    TCase *tc = tcase_create("mutex");

    tcase_add_test(tc, mutex_excludes);
    tcase_add_test(tc, try_lock_refuses_what_another_thread_holds);
#ifdef PTD_DEBUG_LOCKS
    tcase_add_test(tc, rising_ranks_may_be_released_in_any_order);
    tcase_add_test(tc, try_lock_may_go_against_the_order);
    if (is_forking()) {
        tcase_add_test_raise_signal(tc, falling_rank_aborts, SIGABRT);
        tcase_add_test_raise_signal(tc, equal_rank_aborts, SIGABRT);
        tcase_add_test_raise_signal(tc, rank_below_one_of_several_aborts,
                                    SIGABRT);
        tcase_add_test_raise_signal(tc, unlock_of_what_is_not_held_aborts,
                                    SIGABRT);
    }
#endif
    return tc;
}
