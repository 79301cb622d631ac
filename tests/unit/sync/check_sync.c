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

bool is_named(int tid, const char *name)
{
    char path[64], line[64];
    FILE *f;
    bool is;

    snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
    if ((f = fopen(path, "r")) == NULL)
        return false; /* on its way out */
    is = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    line[strcspn(line, "\n")] = '\0';
    return is && strcmp(line, name) == 0;
}

/* How many threads there are; name NULL: of any name. */
static size_t count_threads(const char *name)
{
    DIR *d = opendir("/proc/self/task");
    struct dirent *e;
    size_t n = 0;

    ck_assert_ptr_nonnull(d);
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] != '.' &&
             (name == NULL || is_named(atoi(e->d_name), name));
    closedir(d);
    return n;
}

size_t n_process_threads(void)
{
    return count_threads(NULL);
}

size_t n_named(const char *name)
{
    return count_threads(name);
}

void await_process_threads(size_t n)
{
    while (n_process_threads() != n)
        sched_yield(); /* the kernel tells nobody; the test's timeout ends us */
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
