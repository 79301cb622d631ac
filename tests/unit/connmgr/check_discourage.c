#include <config.h>

#include "connmgr/discourage.h"

#include "base/bytes.h"
#include "base/util.h"
#include "guard.h"
#include "support/nth_malloc.h"

/* The i-th of many addresses, each of another /64. */
static struct ptd_netaddr nth(uint32_t i)
{
    uint8_t ip[16] = { 0x20, 0x01 };
    struct ptd_netaddr na;

    ptd_put_be32(ip + 2, i);
    ptd_netaddr_from_ip16(&na, ip, 8333);
    return na;
}

static void add_range(struct ptd_discourage *d, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct ptd_netaddr na = nth(i);

        ptd_discourage_add(d, &na);
    }
}

static unsigned count(struct ptd_discourage *d, uint32_t from, uint32_t to)
{
    unsigned n = 0;

    for (uint32_t i = from; i < to; i++) {
        struct ptd_netaddr na = nth(i);

        n += ptd_discourage_has(d, &na);
    }
    return n;
}

START_TEST(the_last_entries_are_all_there)
{
    struct ptd_discourage *d = ptd_discourage_new();
    const uint32_t n = PTD_DISCOURAGE_ENTRIES;

    ck_assert_ptr_nonnull(d);
    for (uint32_t end = n; end <= 4 * n; end += n / 4) {
        add_range(d, end == n ? 0 : end - n / 4, end);
        ck_assert_uint_eq(count(d, end - n, end), n);
        /* What is older than one and a half times that is gone. */
        if (end > 3 * n / 2)
            ck_assert_uint_le(count(d, 0, end - 3 * n / 2), 5);
    }
    ptd_discourage_free(d);
    ptd_discourage_free(NULL);
}
END_TEST

START_TEST(strangers_are_seldom_taken_for_one)
{
    struct ptd_discourage *d = ptd_discourage_new();

    ck_assert_ptr_nonnull(d);
    add_range(d, 0, 3 * PTD_DISCOURAGE_ENTRIES / 2);
    /* 0.17 of them expected, 1 allowed: six or more happen once in 10^8 runs. */
    ck_assert_uint_le(count(d, 1000000, 2000000), 5);
    ptd_discourage_free(d);
}
END_TEST

START_TEST(the_same_one_again_pushes_nobody_out)
{
    struct ptd_discourage *d = ptd_discourage_new();
    struct ptd_netaddr na = guard_addr("1.2.3.4");

    ck_assert_ptr_nonnull(d);
    add_range(d, 0, 1000);
    for (unsigned i = 0; i < 4 * PTD_DISCOURAGE_ENTRIES; i++)
        ptd_discourage_add(d, &na);
    ck_assert_uint_eq(count(d, 0, 1000), 1000);
    ptd_discourage_free(d);
}
END_TEST

static const struct {
    const char *added, *asked;
    bool has;
} pairs[] = {
    { "1.2.3.4:1", "1.2.3.4:2", true },
    { "1.2.3.4", "1.2.3.5", false },
    { "2001:470::1", "2001:470::2", true },
    { "2001:470::1", "2001:470:0:0:ffff::2", true },
    { "2001:470::1", "2001:470:0:1::1", false },
    { "fc00::1", "fc00::1", true },
    { "fc00::1", "fc00::2", false },
    { "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
      "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", true },
    { "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
      "kpgvmscirrdqpekbqjsvw5teanhatztpp2gl6eee4zkowvwfxwenqaid.onion", false },
};

START_TEST(what_counts_as_one_address)
{
    struct ptd_discourage *d = ptd_discourage_new();
    struct ptd_netaddr added = guard_addr(pairs[_i].added);
    struct ptd_netaddr asked = guard_addr(pairs[_i].asked);

    ck_assert_ptr_nonnull(d);
    ck_assert(!ptd_discourage_has(d, &asked));
    ptd_discourage_add(d, &added);
    ck_assert_int_eq(ptd_discourage_has(d, &asked), pairs[_i].has);
    ptd_discourage_reset(d);
    ck_assert(!ptd_discourage_has(d, &added));
    ptd_discourage_free(d);
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    struct ptd_discourage *d;

    support_nth_malloc_arm(1);
    d = ptd_discourage_new();
    ck_assert(support_nth_malloc_disarm());
    ck_assert_ptr_null(d);
    /* Nothing is allocated later, whatever comes in. */
    d = ptd_discourage_new();
    support_nth_malloc_arm(1);
    add_range(d, 0, 2 * PTD_DISCOURAGE_ENTRIES);
    ck_assert(!support_nth_malloc_disarm());
    ptd_discourage_free(d);
}
END_TEST

TCase *discourage_case(void)
{
    TCase *tc = tcase_create("discourage");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_last_entries_are_all_there);
    tcase_add_test(tc, strangers_are_seldom_taken_for_one);
    tcase_add_test(tc, the_same_one_again_pushes_nobody_out);
    tcase_add_loop_test(tc, what_counts_as_one_address, 0,
                        (int)PTD_COUNT(pairs));
    tcase_add_test(tc, lack_of_memory_is_told);
    return tc;
}
