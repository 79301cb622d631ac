#include <config.h>

#include "net/bufpool.h"

#include <string.h>

#include "net/latch.h"
#include "rig.h"
#include "sync/thread.h"

static const struct {
    size_t bytes, counted;
} sizes[] = {
    { 1, 0 },
    { 16383, 0 },
    { 16384, 16384 },
    { 16385, 24576 },
    { 65536, 65536 },
    { 65537, 98304 },
    { 1250000, 1572864 },
    { 4000048, 4194304 },
    { 4194305, 6291456 },
    { 6291456, 6291456 },
    { 6291457, 6291457 },
    { 9000000, 9000000 },
};

START_TEST(pieces_are_counted_by_class_and_large_ones_recycled)
{
    struct ptd_bufpool *pool = ptd_bufpool_new(NULL);
    struct ptd_mem *mem = ptd_bufpool_mem(pool);
    size_t bytes = sizes[_i].bytes;
    bool recycled = bytes >= 16384 && bytes <= 6291456;
    void *p = mem->alloc(mem, bytes), *q;

    ck_assert_ptr_nonnull(p);
    memset(p, 0xaa, bytes);
    ck_assert_uint_eq(ptd_bufpool_out_bytes(pool), sizes[_i].counted);
    mem->release(mem, p, bytes);
    ck_assert_uint_eq(ptd_bufpool_out_bytes(pool), 0);
    ck_assert_uint_eq(ptd_bufpool_idle_bytes(pool),
                      recycled ? sizes[_i].counted : 0);
    q = mem->alloc(mem, bytes);
    if (recycled)
        ck_assert_ptr_eq(p, q);
    memset(q, 0xbb, bytes);
    mem->release(mem, q, bytes);
    ptd_bufpool_free(pool);
}
END_TEST

START_TEST(idle_bytes_stay_below_the_limit_and_the_oldest_goes_first)
{
    struct ptd_bufpool_config cfg = { .max_idle_bytes = 3 * 65536 };
    struct ptd_bufpool *pool = ptd_bufpool_new(&cfg);
    struct ptd_mem *mem = ptd_bufpool_mem(pool);
    void *old = mem->alloc(mem, 16384);
    void *p[4];

    for (size_t i = 0; i < 4; i++)
        p[i] = mem->alloc(mem, 65536);
    mem->release(mem, old, 16384);
    for (size_t i = 0; i < 3; i++)
        mem->release(mem, p[i], 65536);
    /* The class of 16 KiB, longest idle, made room for the three. */
    ck_assert_uint_eq(ptd_bufpool_idle_bytes(pool), 3 * 65536);
    mem->release(mem, p[3], 65536);
    ck_assert_uint_eq(ptd_bufpool_idle_bytes(pool), 3 * 65536);
    ptd_bufpool_trim(pool, 65536);
    ck_assert_uint_eq(ptd_bufpool_idle_bytes(pool), 65536);
    ck_assert_ptr_eq(mem->alloc(mem, 65536), p[3]);
    mem->release(mem, p[3], 65536);
    ptd_bufpool_trim(pool, 0);
    ck_assert_uint_eq(ptd_bufpool_idle_bytes(pool), 0);
    ptd_bufpool_free(pool);
}
END_TEST

START_TEST(the_pool_outlives_its_maker_while_pieces_are_out)
{
    struct ptd_bufpool *pool = ptd_bufpool_new(NULL);
    struct ptd_mem *mem = ptd_bufpool_mem(pool);
    void *large = mem->alloc(mem, 100000), *small = mem->alloc(mem, 100);

    ptd_bufpool_free(pool);
    memset(large, 1, 100000);
    memset(small, 1, 100);
    mem->release(mem, large, 100000);
    mem->release(mem, small, 100); /* leak and address checks say the rest */
}
END_TEST

START_TEST(room_is_what_the_budget_leaves)
{
    struct ptd_bufpool_config cfg = { .eager_bytes = 1 << 20 };
    struct ptd_bufpool *pool = ptd_bufpool_new(&cfg);
    struct ptd_mem *mem = ptd_bufpool_mem(pool);
    struct ptd_mem other = { NULL, NULL };
    void *p;

    ck_assert(ptd_bufpool_is_roomy(mem, 1 << 20));
    ck_assert(!ptd_bufpool_is_roomy(mem, (1 << 20) + 1));
    p = mem->alloc(mem, 512 << 10);
    ck_assert(ptd_bufpool_is_roomy(mem, 512 << 10));
    ck_assert(!ptd_bufpool_is_roomy(mem, (512 << 10) + 1));
    ck_assert(!ptd_bufpool_is_roomy(mem, SIZE_MAX));
    mem->release(mem, p, 512 << 10);
    ck_assert(!ptd_bufpool_is_roomy(NULL, 1));
    ck_assert(!ptd_bufpool_is_roomy(&other, 1));
    ptd_bufpool_free(pool);
}
END_TEST

static void take_and_give(void *arg)
{
    struct ptd_mem *mem = arg;

    for (unsigned i = 0; i < 2000; i++) {
        size_t bytes = (size_t)16384 << i % 4;
        uint8_t *p = mem->alloc(mem, bytes);

        p[0] = p[bytes - 1] = (uint8_t)i;
        mem->release(mem, p, bytes);
    }
}

START_TEST(threads_share_a_pool)
{
    struct ptd_bufpool_config cfg = { .max_idle_bytes = 100000 };
    struct ptd_bufpool *pool = ptd_bufpool_new(&cfg);
    struct ptd_thread t[4] = { { .started = false } };

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(ptd_thread_start(&t[i], NULL, "pool", take_and_give,
                                          ptd_bufpool_mem(pool)),
                         PTD_OK);
    for (size_t i = 0; i < 4; i++)
        ptd_thread_join(&t[i]);
    ck_assert_uint_eq(ptd_bufpool_out_bytes(pool), 0);
    ck_assert_uint_le(ptd_bufpool_idle_bytes(pool), 100000);
    ptd_bufpool_free(pool);
}
END_TEST

START_TEST(a_latch_stays_set_until_cleared)
{
    struct ptd_latch l;

    ck_assert_int_eq(ptd_latch_init(&l), PTD_OK);
    ck_assert(!ptd_latch_is_set(&l));
    ptd_latch_clear(&l);
    ptd_latch_set(&l);
    ptd_latch_set(&l);
    ck_assert(ptd_latch_is_set(&l));
    ck_assert(ptd_latch_is_set(&l));
    ptd_latch_clear(&l);
    ck_assert(!ptd_latch_is_set(&l));
    ptd_latch_fini(&l);
}
END_TEST

TCase *bufpool_case(void)
{
    TCase *tc = tcase_create("bufpool");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, pieces_are_counted_by_class_and_large_ones_recycled,
                        0, sizeof sizes / sizeof sizes[0]);
    tcase_add_test(tc,
                   idle_bytes_stay_below_the_limit_and_the_oldest_goes_first);
    tcase_add_test(tc, the_pool_outlives_its_maker_while_pieces_are_out);
    tcase_add_test(tc, room_is_what_the_budget_leaves);
    tcase_add_test(tc, threads_share_a_pool);
    tcase_add_test(tc, a_latch_stays_set_until_cleared);
    return tc;
}
