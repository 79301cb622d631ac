#include <config.h>

#include "check_sync.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pentad/process.h"
#include "sync/chan_int.h"
#include "sync/stack.h"

static struct ptd_threads *pool;

static void setup(void)
{
    pool = ptd_threads_new();
    ck_assert_ptr_nonnull(pool);
}

static void teardown(void)
{
    ptd_threads_free(pool);
}

/* ---- one thread ------------------------------------------------------ */

struct stay {
    struct ptd_chan *here;  /* int: its tid */
    struct ptd_chan *leave; /* event */
};

static void stay_main(void *arg)
{
    struct stay *s = arg;
    int tid = (int)gettid();

    PTD_ASSERT(ptd_chan_send(s->here, &tid) == PTD_OK);
    PTD_ASSERT(ptd_chan_recv(s->leave, NULL) == PTD_ECLOSED);
}

static const struct {
    const char *given, *seen;
} names[] = {
    { "p3-in", "p3-in" },
    { "", "" },
    { "exactly15bytes!", "exactly15bytes!" },
    { "rather more than fifteen", "rather more tha" },
};

START_TEST(name_is_seen_by_kernel_and_debugger)
{
    struct stay s = { ptd_chan_new(sizeof(int), 1), ptd_chan_new(0, 0) };
    struct ptd_thread t = { 0 };
    struct ptd_stack *record;
    int tid;

    ck_assert_int_eq(
        ptd_thread_start(&t, pool, names[_i].given, stay_main, &s), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv(s.here, &tid), PTD_OK);
    ck_assert(is_named(tid, names[_i].seen));
    record = t.stack;
    ck_assert_str_eq(record->name, names[_i].seen);
    ck_assert_int_eq(record->tid, tid);
    ptd_chan_close(s.leave);
    ptd_thread_join(&t);
    ptd_chan_free(s.here);
    ptd_chan_free(s.leave);
}
END_TEST

struct wait {
    struct ptd_chan *c[2];
    struct ptd_clock *clk;
    int64_t deadline_us;
};

static void wait_main(void *arg)
{
    struct wait *w = arg;
    struct ptd_case on[] = { PTD_RECV(w->c[0], NULL), PTD_RECV(w->c[1], NULL) };

    PTD_ASSERT(ptd_select(on, 2, w->clk, w->deadline_us) == 1);
}

START_TEST(debugger_finds_what_a_thread_waits_for)
{
    struct wait w = { { ptd_chan_new(0, 1), ptd_chan_new(0, 1) },
                      ptd_clock_new(), 0 };
    int64_t before = ptd_clock_now_us(NULL);
    struct ptd_thread t = { 0 };
    const struct ptd_waiter *at;
    const struct ptd_parker *p;

    w.deadline_us = far_us(w.clk, 0);
    ck_assert_int_eq(ptd_thread_start(&t, pool, "t", wait_main, &w), PTD_OK);
    ptd_clock_await_waiters(w.clk, 1);
    p = ((struct ptd_stack *)t.stack)->parker;
    ck_assert_int_eq(p->what, PTD_PARK_FOR_CHANS);
    ck_assert_int_eq(p->deadline_us, w.deadline_us);
    ck_assert_int_ge(p->since_us, before);
    ck_assert_uint_eq(p->n_waiters, 2);
    at = p->object;
    ck_assert_ptr_eq(at[0].chan, w.c[0]);
    ck_assert_ptr_eq(at[1].chan, w.c[1]);
    ck_assert_int_eq(ptd_chan_send(w.c[1], NULL), PTD_OK);
    ptd_thread_join(&t);
    ptd_chan_free(w.c[0]);
    ptd_chan_free(w.c[1]);
    ptd_clock_free(w.clk);
}
END_TEST

START_TEST(joining_what_was_not_started_is_harmless)
{
    struct ptd_thread t = { 0 };

    ptd_thread_join(&t);
    ck_assert(!t.started);
}
END_TEST

static void signals_main(void *arg)
{
    sigset_t now;

    (void)arg;
    PTD_ASSERT(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
    for (int s = 1; s < 32; s++)
        PTD_ASSERT(s == SIGKILL || s == SIGSTOP || sigismember(&now, s) == 1);
}

START_TEST(threads_block_all_signals_and_the_caller_none)
{
    struct ptd_thread t = { 0 };
    sigset_t before, after;

    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
    ck_assert_int_eq(ptd_thread_start(&t, pool, "t", signals_main, NULL),
                     PTD_OK);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &after), 0);
    for (int s = 1; s < 32; s++)
        ck_assert_int_eq(sigismember(&before, s), sigismember(&after, s));
    ptd_thread_join(&t);
}
END_TEST

/* ---- stacks ---------------------------------------------------------- */

/* Use n bytes of stack below `from`, page by page; gives the depth reached. */
__attribute__((noinline)) static size_t dig(size_t n, uintptr_t from)
{
    volatile char here[1024];
    size_t deep = from - (uintptr_t)&here[0];

    here[0] = here[sizeof here - 1] = 1;
    return deep < n ? dig(n, from) + (size_t)(here[0] - 1) : deep;
}

static void dig_main(void *arg)
{
    const size_t *n = arg;

    PTD_ASSERT(dig(*n, (uintptr_t)&arg) >= *n);
}

START_TEST(most_of_the_stack_can_be_used)
{
#ifdef PTD_SANITIZER
    /* Thread-local memory of the sanitizer lies there too, up to 800 KiB; what
     * is left must hold the deepest calls, whose frames it makes larger. */
    size_t n = (size_t)1024 * 1024;
#else
    size_t n = ptd_threads_stack_bytes() - 16 * 1024;
#endif
    struct ptd_thread t = { 0 };

    ck_assert_int_eq(ptd_thread_start(&t, pool, "dig", dig_main, &n), PTD_OK);
    ptd_thread_join(&t);
}
END_TEST

/* Two stacks lie side by side: without a guard the lower end of one would be
 * the upper end of another, and nothing would be seen. */
START_TEST(guard_catches_the_overflow)
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        size_t n = ptd_threads_stack_bytes() + 64 * 1024;
        struct ptd_thread quiet = { 0 }, loud = { 0 };
        struct stay s = { ptd_chan_new(sizeof(int), 1), ptd_chan_new(0, 0) };
        struct rlimit none = { 0, 0 };
        int tid;

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)freopen("/dev/null", "w", stderr); /* a sanitizer's report */
        if (ptd_thread_start(&quiet, pool, "quiet", stay_main, &s) != PTD_OK ||
            ptd_chan_recv(s.here, &tid) != PTD_OK ||
            ptd_thread_start(&loud, pool, "loud", dig_main, &n) != PTD_OK)
            _exit(99);
        ptd_thread_join(&loud);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
#ifdef PTD_SANITIZER /* reports the fault and exits */
    ck_assert(!WIFEXITED(status) || (WEXITSTATUS(status) != 0 &&
                                     WEXITSTATUS(status) != 99));
#else
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
#endif
}
END_TEST

static void nothing_main(void *arg)
{
    (void)arg;
}

START_TEST(stacks_are_used_again)
{
    struct ptd_thread t = { 0 };
    void *stack = NULL;

    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(ptd_thread_start(&t, pool, "t", nothing_main, NULL),
                         PTD_OK);
        if (stack == NULL)
            stack = t.stack;
        ck_assert_ptr_eq(t.stack, stack);
        ptd_thread_join(&t);
    }
}
END_TEST

enum { N_AT_ONCE = 100 };

START_TEST(a_hundred_threads_at_once_come_and_go)
{
    struct stay s = { ptd_chan_new(sizeof(int), N_AT_ONCE),
                      ptd_chan_new(0, 0) };
    struct ptd_thread t[N_AT_ONCE] = { { 0 } };

    for (int i = 0; i < N_AT_ONCE; i++)
        ck_assert_int_eq(ptd_thread_start(&t[i], pool, "t", stay_main, &s),
                         PTD_OK);
    for (int i = 0; i < N_AT_ONCE; i++)
        ck_assert_int_eq(ptd_chan_recv(s.here, NULL), PTD_OK);
    ck_assert_uint_eq(n_threads(), N_AT_ONCE);
    ptd_chan_close(s.leave);
    for (int i = 0; i < N_AT_ONCE; i++)
        ptd_thread_join(&t[i]);
    await_no_threads();
    ptd_chan_free(s.here);
    ptd_chan_free(s.leave);
}
END_TEST

START_TEST(refused_thread_is_reported_and_leaves_nothing)
{
    struct ptd_thread t = { 0 };

    fail_create(0);
    ck_assert_int_eq(
        ptd_thread_start(&t, _i ? pool : NULL, "t", nothing_main, NULL),
        PTD_EAGAIN);
    ck_assert(!t.started);
    ptd_thread_join(&t);
    ck_assert_int_eq(
        ptd_thread_start(&t, _i ? pool : NULL, "t", nothing_main, NULL),
        PTD_OK);
    ptd_thread_join(&t);
}
END_TEST

START_TEST(tuning_the_process_is_harmless_twice)
{
    ptd_process_tune();
    ptd_process_tune();
}
END_TEST

TCase *tcase_thread(void)
{
    TCase *tc = tcase_create("thread");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, name_is_seen_by_kernel_and_debugger, 0,
                        PTD_COUNT(names));
    tcase_add_test(tc, debugger_finds_what_a_thread_waits_for);
    tcase_add_test(tc, joining_what_was_not_started_is_harmless);
    tcase_add_test(tc, threads_block_all_signals_and_the_caller_none);
    tcase_add_test(tc, most_of_the_stack_can_be_used);
    if (is_forking())
        tcase_add_test(tc, guard_catches_the_overflow);
    tcase_add_test(tc, stacks_are_used_again);
    tcase_add_test(tc, a_hundred_threads_at_once_come_and_go);
    tcase_add_loop_test(tc, refused_thread_is_reported_and_leaves_nothing, 0,
                        2);
    tcase_add_test(tc, tuning_the_process_is_harmless_twice);
    return tc;
}
