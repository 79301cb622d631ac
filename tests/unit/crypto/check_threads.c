#include <config.h>

#include <check.h>
#include <pthread.h>
#include <string.h>

#include "base/util.h"
#include "crypto/sha256.h"

Suite *suite_threads(void);

static const uint8_t abc_twice[32] = { 0x4f, 0x8b, 0x42, 0xc2, 0x2d, 0xd3, 0x72,
                                       0x9b, 0x51, 0x9b, 0xa6, 0xf6, 0x8d, 0x2d,
                                       0xa7, 0xcc, 0x5b, 0x2d, 0x60, 0x6d, 0x05,
                                       0xda, 0xed, 0x5a, 0xd5, 0x12, 0x8c, 0xc0,
                                       0x3e, 0x6c, 0x63, 0x58 };

/* What runs in a thread's other destructors may hash too. */
static void hash_at_exit(void *arg)
{
    uint8_t out[32];

    (void)arg;
    ptd_sha256d(out, "abc", 3);
    PTD_ASSERT(memcmp(out, abc_twice, 32) == 0);
}

struct job {
    pthread_key_t key; /* with hash_at_exit as its destructor */
};

static void *hash_much(void *arg)
{
    struct job *job = arg;
    uint8_t out[32];

    pthread_setspecific(job->key, job);
    for (int i = 0; i < 1000; i++) {
        ptd_sha256d(out, "abc", 3);
        if (memcmp(out, abc_twice, 32) != 0)
            return job;
    }
    return NULL;
}

START_TEST(threads_hash_at_once_and_leave_nothing_behind)
{
    enum { THREADS = 8, ROUNDS = 5 };
    struct job job = { 0 };

    /* Leaks are LeakSanitizer's to find: each thread had a context. */
    ck_assert_int_eq(pthread_key_create(&job.key, hash_at_exit), 0);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t t[THREADS];

        for (int i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_create(&t[i], NULL, hash_much, &job), 0);
        for (int i = 0; i < THREADS; i++) {
            void *failed;

            ck_assert_int_eq(pthread_join(t[i], &failed), 0);
            ck_assert_ptr_null(failed);
        }
    }
    ck_assert_int_eq(pthread_key_delete(job.key), 0);
}
END_TEST

START_TEST(a_thread_can_ask_for_its_context_first)
{
    ck_assert_int_eq(ptd_crypto_thread_init(), PTD_OK);
    ck_assert_int_eq(ptd_crypto_thread_init(), PTD_OK);
}
END_TEST

Suite *suite_threads(void)
{
    Suite *s = suite_create("crypto and threads");
    TCase *tc = tcase_create("crypto and threads");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, threads_hash_at_once_and_leave_nothing_behind);
    tcase_add_test(tc, a_thread_can_ask_for_its_context_first);
    suite_add_tcase(s, tc);
    return s;
}
