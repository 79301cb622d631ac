#include <config.h>

#include "check_sync.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static TCase *(*const tcases[])(void) = {
    tcase_mutex,  tcase_clock,  tcase_chan, tcase_select,
    tcase_stress, tcase_thread, tcase_team,
};

struct ptd_thread start(void (*main)(void *), void *arg)
{
    struct ptd_thread t = { 0 };

    PTD_ASSERT(ptd_thread_start(&t, NULL, "test", main, arg) == PTD_OK);
    return t;
}

int64_t far_us(struct ptd_clock *clk, int i)
{
    return ptd_clock_now_us(clk) + (3600 + i) * S;
}

bool is_forking(void)
{
    const char *fork = getenv("CK_FORK");

    return fork == NULL || strcmp(fork, "no") != 0;
}

/* pthread_create of the whole program: see LDFLAGS. */
int __real_pthread_create(pthread_t *id, const pthread_attr_t *attr,
                          void *(*main)(void *), void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr,
                          void *(*main)(void *), void *arg);

static atomic_int create_fails = -1;

void fail_create(int n)
{
    create_fails = n;
}

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attr,
                          void *(*main)(void *), void *arg)
{
    if (create_fails >= 0 && create_fails-- == 0)
        return EAGAIN;
    return __real_pthread_create(id, attr, main, arg);
}

/* The kernel's name of a thread of this process; empty if it is gone. */
static void name_of(char out[32], int tid)
{
    char path[64];
    FILE *f;

    out[0] = '\0';
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    if ((f = fopen(path, "r")) == NULL)
        return;
    if (fgets(out, 32, f) != NULL)
        out[strcspn(out, "\n")] = '\0';
    fclose(f);
}

bool is_named(int tid, const char *name)
{
    char got[32];

    name_of(got, tid);
    return strcmp(got, name) == 0;
}

/* Threads that are called so, and those that are not. */
static void count_threads(const char *name, size_t *n, size_t *n_others)
{
    DIR *d = opendir("/proc/self/task");
    struct dirent *e;

    *n = *n_others = 0;
    ck_assert_ptr_nonnull(d);
    while ((e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            (*(is_named(atoi(e->d_name), name) ? n : n_others))++;
    closedir(d);
}

size_t n_named(const char *name)
{
    size_t n, others;

    count_threads(name, &n, &others);
    return n;
}

size_t n_threads(void)
{
    size_t n, others;
    char own[32];

    name_of(own, (int)getpid());
    count_threads(own, &n, &others);
    return others;
}

/* The kernel tells nobody of names and ends, so these two look again and again;
 * the test's timeout ends them. */
void await_named(const char *name, size_t n)
{
    while (n_named(name) != n)
        sched_yield();
}

void await_no_threads(void)
{
    while (n_threads() > 0)
        sched_yield();
}

int main(void)
{
    Suite *s = suite_create("sync");
    SRunner *sr;
    int n_failed;

    for (size_t i = 0; i < PTD_COUNT(tcases); i++) {
        TCase *tc = tcases[i]();

        tcase_set_timeout(tc, 60);
        suite_add_tcase(s, tc);
    }
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
