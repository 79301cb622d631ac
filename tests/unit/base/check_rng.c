#include <config.h>

#include "check_base.h"

#include <stdbool.h>
#include <string.h>

#include "base/rng.h"

START_TEST(random_bytes_fill_all_and_no_more)
{
    unsigned char buf[300], seen[256] = { 0 };

    for (int round = 0; round < 64; round++) {
        memset(buf, 0, sizeof buf);
        ptd_random_bytes(buf + 1, 298);
        ck_assert_uint_eq(buf[0], 0);
        ck_assert_uint_eq(buf[299], 0);
        /* Each place is hit by something other than zero sooner or later:
         * never is a chance of 2^-512 for each. */
        for (size_t i = 0; i < 256; i++)
            seen[i] |= buf[i + 1] != 0;
    }
    for (size_t i = 0; i < 256; i++)
        ck_assert_uint_eq(seen[i], 1);
    ptd_random_bytes(NULL, 0);
}
END_TEST

START_TEST(random_numbers_differ)
{
    /* Equal by chance: 2^-64. */
    ck_assert(ptd_random_u64() != ptd_random_u64());
    /* All eight equal by chance: 2^-224. */
    uint32_t first = ptd_random_u32();
    bool differs = false;

    for (int i = 0; i < 7; i++)
        differs |= ptd_random_u32() != first;
    ck_assert(differs);
}
END_TEST

START_TEST(random_below_reaches_all_values_evenly)
{
    enum { BOUND = 7, DRAWS = 70000 };
    unsigned n[BOUND] = { 0 };

    for (int i = 0; i < DRAWS; i++) {
        uint64_t v = ptd_random_below(BOUND);

        ck_assert_uint_lt(v, BOUND);
        n[v]++;
    }
    /* Expected 10,000 each, standard deviation 93: off by 1,000 never is. */
    for (int v = 0; v < BOUND; v++) {
        ck_assert_uint_gt(n[v], 9000);
        ck_assert_uint_lt(n[v], 11000);
    }
    ck_assert_uint_eq(ptd_random_below(1), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_lt(ptd_random_below(UINT64_MAX), UINT64_MAX);
}
END_TEST

START_TEST(random_below_is_not_bent_for_large_bounds)
{
    /* With "modulo" alone the first third of the results would be twice as
     * likely as the others, and five eighths would lie in the lower half. */
    const uint64_t bound = UINT64_C(3) << 62;
    unsigned n_low = 0;

    for (int i = 0; i < 10000; i++)
        n_low += ptd_random_below(bound) < bound / 2;
    ck_assert_uint_gt(n_low, 4500);
    ck_assert_uint_lt(n_low, 5500);
}
END_TEST

START_TEST(shuffle_loses_nothing_and_reaches_every_place)
{
    enum { N = 5, ROUNDS = 20000 };
    unsigned at[N][N] = { { 0 } }; /* how often value v came to place p */

    for (int round = 0; round < ROUNDS; round++) {
        uint16_t a[N] = { 0, 1, 2, 3, 4 };
        unsigned seen = 0;

        ptd_random_shuffle(a, N, sizeof a[0]);
        for (int p = 0; p < N; p++) {
            ck_assert_uint_lt(a[p], N);
            seen |= 1u << a[p];
            at[a[p]][p]++;
        }
        ck_assert_uint_eq(seen, (1u << N) - 1);
    }
    for (int v = 0; v < N; v++)
        for (int p = 0; p < N; p++) {
            ck_assert_uint_gt(at[v][p], ROUNDS / N - 600);
            ck_assert_uint_lt(at[v][p], ROUNDS / N + 600);
        }
    ptd_random_shuffle(NULL, 0, 8);
}
END_TEST

/* Whoever watches when something happens learns nothing of when it was due: of
 * each hundredth of the mean the same share is left. */
START_TEST(exponential_times_have_no_memory)
{
    enum { N = 200000, MEAN = 1000000 };
    /* Shares of what is longer than k/2 means: exp(-k/2). */
    static const double left[] = { 1,        0.606531, 0.367879,
                                   0.223130, 0.135335, 0.082085,
                                   0.049787, 0.030197, 0.018316 };
    unsigned above[9] = { 0 };
    double sum = 0;

    for (int i = 0; i < N; i++) {
        int64_t t = ptd_random_exponential(MEAN);

        ck_assert_int_ge(t, 0);
        sum += (double)t / MEAN;
        for (int k = 0; k < 9; k++)
            above[k] += t >= k * (MEAN / 2);
    }
    ck_assert(sum / N > 0.985 && sum / N < 1.015);
    for (int k = 0; k < 9; k++) {
        double share = (double)above[k] / N;

        ck_assert_msg(share > left[k] - 0.007 && share < left[k] + 0.007,
                      "%d: %f", k, share);
    }
    ck_assert_int_eq(ptd_random_exponential(0), 0);
}
END_TEST

Suite *suite_rng(void)
{
    Suite *s = suite_create("randomness");
    TCase *tc = tcase_create("randomness");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, random_bytes_fill_all_and_no_more);
    tcase_add_test(tc, random_numbers_differ);
    tcase_add_test(tc, random_below_reaches_all_values_evenly);
    tcase_add_test(tc, random_below_is_not_bent_for_large_bounds);
    tcase_add_test(tc, exponential_times_have_no_memory);
    tcase_add_test(tc, shuffle_loses_nothing_and_reaches_every_place);
    suite_add_tcase(s, tc);
    return s;
}
