#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_addrmgr.h"

static size_t n_tried(struct rig *r)
{
    return ptd_addrmgr_size(r->m, PTD_NET_NONE, PTD_ADDRMGR_TRIED);
}

static bool is_tried(struct rig *r, const struct ptd_netaddr *na)
{
    struct ptd_addrmgr_where where;

    return ptd_addrmgr_find(r->m, &where, na) && where.tried;
}

/* An address in tried, and one in new that wants its place. */
struct pair {
    struct ptd_netaddr old, fresh;
};

/* Make good addresses until one collides. The pair's old one is found by asking
 * for the test. */
static struct pair collide(struct rig *r)
{
    struct ptd_addrmgr_pick pick;
    struct pair p;

    for (uint32_t i = 0;; i++) {
        p.fresh = ipv4(0x01020000 + i, 8333);
        ck_assert_uint_lt(i, 60000);
        if (rig_add_from(r, &p.fresh, &p.fresh) == 0)
            continue;
        if (!ptd_addrmgr_good(r->m, &p.fresh))
            break;
    }
    ck_assert(ptd_addrmgr_select_collision(r->m, &pick));
    p.old = pick.e.na;
    ck_assert(is_tried(r, &p.old));
    ck_assert(!is_tried(r, &p.fresh));
    return p;
}

START_TEST(good_moves_from_new_to_tried)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_netaddr na = na_of("1.2.3.4"), unknown = na_of("4.3.2.1");

    rig_add(&r, "1.2.3.4");
    ck_assert(!is_tried(&r, &na));
    ck_assert(ptd_addrmgr_good(r.m, &na));
    ck_assert(is_tried(&r, &na));
    ck_assert(!ptd_addrmgr_good(r.m, &na)); /* once */
    ck_assert(!ptd_addrmgr_good(r.m, &unknown));
    ck_assert_uint_eq(n_tried(&r), 1);
    /* hearsay does not bring it back to new */
    rig_pass(&r, 86400);
    ck_assert_uint_eq(rig_add(&r, "1.2.3.4"), 0);
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_NONE, PTD_ADDRMGR_NEW), 0);
    rig_free(&r);
}
END_TEST

START_TEST(no_collision_no_test)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct ptd_addrmgr_pick pick;

    ck_assert(!ptd_addrmgr_select_collision(r.m, &pick));
    ptd_addrmgr_resolve_collisions(r.m);
    rig_add(&r, "1.2.3.4");
    ck_assert(!ptd_addrmgr_select_collision(r.m, &pick));
    rig_free(&r);
}
END_TEST

START_TEST(one_that_answered_keeps_its_place)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct pair p = collide(&r);
    struct ptd_addrmgr_pick pick;

    rig_pass(&r, 5 * 3600);
    ptd_addrmgr_good(r.m, &p.old); /* the feeler got through */
    ptd_addrmgr_resolve_collisions(r.m);
    ck_assert(is_tried(&r, &p.old));
    ck_assert(!is_tried(&r, &p.fresh));
    ck_assert(!ptd_addrmgr_select_collision(r.m, &pick));
    rig_free(&r);
}
END_TEST

START_TEST(one_that_does_not_answer_goes_back_to_new)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct pair p = collide(&r);
    struct ptd_addrmgr_where where;
    size_t before = n_tried(&r);

    rig_pass(&r, 5 * 3600);
    ptd_addrmgr_good(r.m, &p.fresh); /* still there: it waits on */
    ptd_addrmgr_attempt(r.m, &p.old, true);
    rig_pass(&r, 60);
    ptd_addrmgr_resolve_collisions(r.m);
    ck_assert(is_tried(&r, &p.old)); /* it has a minute to answer */
    rig_pass(&r, 1);
    ptd_addrmgr_resolve_collisions(r.m);
    ck_assert(is_tried(&r, &p.fresh));
    ck_assert(!is_tried(&r, &p.old));
    ck_assert(ptd_addrmgr_find(r.m, &where, &p.old));
    ck_assert_int_eq(where.n_refs, 1);
    ck_assert_uint_eq(n_tried(&r), before);
    rig_free(&r);
}
END_TEST

START_TEST(without_a_test_the_new_one_wins_after_40_minutes)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct pair p = collide(&r);

    rig_pass(&r, 5 * 3600);
    ptd_addrmgr_good(r.m, &p.fresh);
    rig_pass(&r, 40 * 60);
    ptd_addrmgr_resolve_collisions(r.m);
    ck_assert(is_tried(&r, &p.old));
    rig_pass(&r, 1);
    ptd_addrmgr_resolve_collisions(r.m);
    ck_assert(is_tried(&r, &p.fresh));
    ck_assert(!is_tried(&r, &p.old));
    rig_free(&r);
}
END_TEST

START_TEST(a_collision_with_one_that_left_is_over)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct pair p = collide(&r);
    struct ptd_addrmgr_pick pick;

    /* it becomes terrible, and others take its place in new */
    rig_pass(&r, 60 * 86400);
    rig_fill(&r, 2000, 9);
    for (uint32_t i = 0; i < 60000; i++) {
        struct ptd_netaddr na = ipv4(0x01020000 + i, 8334);
        struct ptd_addrmgr_where where;

        rig_add_from(&r, &na, &na);
        if (i % 1000 == 0 && !ptd_addrmgr_find(r.m, &where, &p.fresh))
            break;
    }
    ptd_addrmgr_resolve_collisions(r.m);
    ck_assert(!ptd_addrmgr_select_collision(r.m, &pick));
    rig_free(&r);
}
END_TEST

START_TEST(only_ten_collisions_wait)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    size_t n_replaced = 0, n_collided = 0;
    struct ptd_netaddr collided[100];

    for (uint32_t i = 0; n_collided < 100; i++) {
        struct ptd_netaddr na = ipv4(0x01020000 + i, 8333);

        if (rig_add_from(&r, &na, &na) == 1 && !ptd_addrmgr_good(r.m, &na))
            collided[n_collided++] = na;
    }
    rig_pass(&r, 5 * 3600);
    ptd_addrmgr_resolve_collisions(r.m);
    for (size_t i = 0; i < n_collided; i++)
        n_replaced += is_tried(&r, &collided[i]);
    ck_assert_uint_le(n_replaced, 10);
    ck_assert_uint_gt(n_replaced, 0);
    ck_sound(&r);
    rig_free(&r);
}
END_TEST

Suite *suite_tried(void)
{
    Suite *s = suite_create("tried");
    TCase *tc = tcase_create("tried");

    suite_add_tcase(s, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, good_moves_from_new_to_tried);
    tcase_add_test(tc, no_collision_no_test);
    tcase_add_test(tc, one_that_answered_keeps_its_place);
    tcase_add_test(tc, one_that_does_not_answer_goes_back_to_new);
    tcase_add_test(tc, without_a_test_the_new_one_wins_after_40_minutes);
    tcase_add_test(tc, a_collision_with_one_that_left_is_over);
    tcase_add_test(tc, only_ten_collisions_wait);
    return s;
}
