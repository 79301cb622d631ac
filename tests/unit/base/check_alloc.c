#include <config.h>

#include "check_base.h"

#include <string.h>

#include "base/alloc.h"
#include "support/nth_malloc.h"

START_TEST(mul_overflow_tells_what_does_not_fit)
{
    static const struct {
        size_t a, b;
        bool over;
    } rows[] = {
        { 0, 0, false },
        { 0, SIZE_MAX, false },
        { SIZE_MAX, 0, false },
        { 1, SIZE_MAX, false },
        { SIZE_MAX, 1, false },
        { 2, SIZE_MAX / 2, false },
        { 2, SIZE_MAX / 2 + 1, true },
        { SIZE_MAX, SIZE_MAX, true },
        { (size_t)1 << (sizeof(size_t) * 4), (size_t)1 << (sizeof(size_t) * 4),
          true },
    };
    size_t out;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_msg(ptd_mul_overflow(rows[i].a, rows[i].b, &out) ==
                          rows[i].over,
                      "%zu * %zu", rows[i].a, rows[i].b);
        ck_assert_uint_eq(out, rows[i].a * rows[i].b);
    }
    ck_assert(!ptd_add_overflow(SIZE_MAX - 1, 1, &out));
    ck_assert(ptd_add_overflow(SIZE_MAX, 1, &out));
}
END_TEST

START_TEST(sizes_of_zero_give_memory_that_can_be_freed)
{
    void *p;

    p = ptd_alloc(0);
    ck_assert_ptr_nonnull(p);
    ptd_free(p);
    p = ptd_calloc(0, 16);
    ck_assert_ptr_nonnull(p);
    p = ptd_realloc(p, 0);
    ck_assert_ptr_nonnull(p);
    ptd_free(p);
    p = ptd_memdup(NULL, 0);
    ck_assert_ptr_nonnull(p);
    ptd_free(p);
    ptd_free(NULL);
}
END_TEST

START_TEST(products_that_do_not_fit_give_no_memory)
{
    volatile size_t huge = SIZE_MAX / 2;

    ck_assert_ptr_null(ptd_alloc_array(huge, 3));
    ck_assert_ptr_null(ptd_calloc(huge, 3));
}
END_TEST

START_TEST(array_grows_by_halves_and_keeps_what_it_holds)
{
    size_t cap = 0, n_moves = 0;
    int *a = NULL;

    for (size_t n = 0; n < 10000; n++) {
        size_t before = cap;
        int *grown = ptd_array_grow(a, &cap, n + 1, sizeof *a);

        ck_assert_ptr_nonnull(grown);
        ck_assert_uint_gt(cap, n);
        if (cap != before)
            n_moves++;
        else
            ck_assert_ptr_eq(grown, a);
        a = grown;
        a[n] = (int)n;
    }
    for (size_t n = 0; n < 10000; n++)
        ck_assert_int_eq(a[n], (int)n);
    ck_assert_uint_lt(n_moves, 30);
    ptd_free(a);
}
END_TEST

START_TEST(array_stays_as_it_was_when_it_cannot_grow)
{
    size_t cap = 0;
    char *a = ptd_array_grow(NULL, &cap, 100, 1);
    size_t before = cap;

    ck_assert_ptr_nonnull(a);
    memset(a, 'x', 100);
    ck_assert_ptr_null(ptd_array_grow(a, &cap, SIZE_MAX, 2));
    ck_assert_uint_eq(cap, before);
    support_nth_malloc_arm(1);
    ck_assert_ptr_null(ptd_array_grow(a, &cap, 1000, 1));
    ck_assert(support_nth_malloc_disarm());
    ck_assert_uint_eq(cap, before);
    ck_assert_int_eq(a[99], 'x');
    ptd_free(a);
}
END_TEST

START_TEST(the_nth_allocation_alone_fails)
{
    void *p[4] = { NULL };

    support_nth_malloc_arm(3);
    p[0] = ptd_alloc(1);
    p[1] = ptd_calloc(1, 1);
    p[2] = ptd_realloc(NULL, 1);
    p[3] = ptd_strdup("x");
    ck_assert(support_nth_malloc_disarm());
    ck_assert_ptr_nonnull(p[0]);
    ck_assert_ptr_nonnull(p[1]);
    ck_assert_ptr_null(p[2]);
    ck_assert_ptr_nonnull(p[3]);
    for (int i = 0; i < 4; i++)
        ptd_free(p[i]);

    support_nth_malloc_arm(2);
    p[0] = ptd_alloc(1);
    ck_assert(!support_nth_malloc_disarm());
    ptd_free(p[0]);
    p[0] = ptd_alloc(1);
    ck_assert_ptr_nonnull(p[0]);
    ptd_free(p[0]);
}
END_TEST

Suite *suite_alloc(void)
{
    Suite *s = suite_create("alloc");
    TCase *tc = tcase_create("alloc");

    tcase_set_timeout(tc, 10);
    tcase_add_test(tc, mul_overflow_tells_what_does_not_fit);
    tcase_add_test(tc, sizes_of_zero_give_memory_that_can_be_freed);
    tcase_add_test(tc, products_that_do_not_fit_give_no_memory);
    tcase_add_test(tc, array_grows_by_halves_and_keeps_what_it_holds);
    tcase_add_test(tc, array_stays_as_it_was_when_it_cannot_grow);
    tcase_add_test(tc, the_nth_allocation_alone_fails);
    suite_add_tcase(s, tc);
    return s;
}
