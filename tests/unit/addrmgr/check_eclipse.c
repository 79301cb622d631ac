/* Eclipse: an attacker with many addresses in few groups against an honest
 * network. What he can get is what the arithmetic of the buckets gives him. */
#include <config.h>

#include <stdlib.h>

#include "check_addrmgr.h"

enum {
    HONEST = 4000,
    HONEST_TRIED = 2000,
    ATTACKER = 100000,
    GROUPS = 10,
    /* A group of addresses has one bucket of new for each group of sources … */
    NEW_BUCKETS = GROUPS * GROUPS,
    /* … and 8 of tried. */
    TRIED_BUCKETS = GROUPS * 8,
    SELECTIONS = 20000
};

/* Honest nodes: one or two in each /16 from 1.0 on, told by others of them. */
static struct ptd_netaddr honest(uint32_t i)
{
    uint32_t group = 0x0100 + i * 7 % 0x0900; /* 1.0 … 9.255 */

    return ipv4(group << 16 | (i * 2654435761u >> 16), 8333);
}

/* The attacker's: 66.x.0.0/16, x of 0 … 9. */
static struct ptd_netaddr attacker(uint32_t i)
{
    return ipv4(0x42000000 + i % GROUPS * 0x10000 + i / GROUPS, 8333);
}

static bool is_attacker(const struct ptd_netaddr *na)
{
    return na->addr[0] == 0x42;
}

static void add_honest(struct rig *r)
{
    size_t n_tried = 0;

    for (uint32_t i = 0; i < HONEST; i++) {
        struct ptd_netaddr na = honest(i), source = honest(i * 31 % HONEST);

        if (!ptd_netaddr_is_routable(&na))
            continue; /* 10/8 is not in range; others may be */
        rig_add_from(r, &na, &source);
        if (n_tried < HONEST_TRIED && i % 2 == 0)
            n_tried += ptd_addrmgr_good(r->m, &na);
    }
}

/* All he has, from nodes in all his groups; then he lets a part of his nodes
 * answer, so that they may go to tried. */
static void attack(struct rig *r)
{
    for (uint32_t i = 0; i < ATTACKER; i++) {
        struct ptd_netaddr na = attacker(i);
        struct ptd_netaddr source = attacker(i / GROUPS % GROUPS);

        rig_add_from(r, &na, &source);
    }
    for (uint32_t i = 0; i < ATTACKER; i++) {
        struct ptd_netaddr na = attacker(i);

        (void)ptd_addrmgr_good(r->m, &na);
        if (i % 1000 == 0)
            ptd_addrmgr_resolve_collisions(r->m);
    }
    /* and once more, where the ones that moved left room */
    for (uint32_t i = 0; i < ATTACKER; i++) {
        struct ptd_netaddr na = attacker(i);
        struct ptd_netaddr source = attacker(i / 7 % GROUPS);

        rig_add_from(r, &na, &source);
    }
}

/* Buckets with anybody, and with the attacker's, in one table. */
struct buckets {
    size_t n_used, n_attacked, n_honest;
};

static struct buckets look_at(struct rig *r, enum ptd_addrmgr_table table)
{
    struct buckets b = { 0 };
    struct ptd_addrmgr_entry *list;
    int used = -1, attacked = -1;
    size_t n;

    ck_assert(ptd_addrmgr_entries(r->m, &list, &n, table) == PTD_OK);
    for (size_t i = 0; i < n; i++) { /* in order of buckets */
        int bucket = list[i].where.bucket;

        b.n_used += bucket != used;
        used = bucket;
        b.n_honest += !is_attacker(&list[i].e.na);
        if (is_attacker(&list[i].e.na) && bucket != attacked) {
            attacked = bucket;
            b.n_attacked++;
        }
    }
    free(list);
    return b;
}

/* His share of selections from a table, or from both. */
static double share_of(struct rig *r, enum ptd_addrmgr_table table)
{
    struct ptd_addrmgr_pick pick;
    size_t n = 0;

    for (int i = 0; i < SELECTIONS; i++) {
        ck_assert(ptd_addrmgr_select(r->m, &pick, table, 0));
        n += is_attacker(&pick.e.na);
    }
    return (double)n / SELECTIONS;
}

START_TEST(attacker_gets_no_more_than_his_buckets)
{
    /* four standard deviations of a share near one third */
    const double noise = 0.014;
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct buckets new, tried;
    double bound_new, bound_tried, in_new, in_tried, in_both;
    size_t honest_new, honest_tried;

    add_honest(&r);
    honest_new = look_at(&r, PTD_ADDRMGR_NEW).n_honest;
    honest_tried = look_at(&r, PTD_ADDRMGR_TRIED).n_honest;
    ck_assert_uint_gt(honest_new + honest_tried, HONEST * 9 / 10);
    attack(&r);
    ck_sound(&r);

    new = look_at(&r, PTD_ADDRMGR_NEW);
    tried = look_at(&r, PTD_ADDRMGR_TRIED);
    ck_assert_uint_le(new.n_attacked, NEW_BUCKETS);
    ck_assert_uint_le(tried.n_attacked, TRIED_BUCKETS);
    /* no honest node that is well was pushed out by any of it */
    ck_assert_uint_eq(new.n_honest + tried.n_honest, honest_new + honest_tried);
    ck_assert_uint_ge(tried.n_honest, honest_tried);

    /* A bucket is drawn among those in use, each as likely. */
    bound_new = (double)NEW_BUCKETS / (double)new.n_used;
    bound_tried = (double)TRIED_BUCKETS / (double)tried.n_used;
    in_new = share_of(&r, PTD_ADDRMGR_NEW);
    in_tried = share_of(&r, PTD_ADDRMGR_TRIED);
    in_both = share_of(&r, PTD_ADDRMGR_BOTH);
    ck_assert_msg(in_new <= bound_new + noise, "new: %f, not %f", in_new,
                  bound_new);
    ck_assert_msg(in_tried <= bound_tried + noise, "tried: %f, not %f",
                  in_tried, bound_tried);
    ck_assert_msg(in_both <= (bound_new + bound_tried) / 2 + noise,
                  "both: %f, not %f", in_both, (bound_new + bound_tried) / 2);
    /* He has 25 addresses for each honest one, and gets: */
    ck_assert_msg(in_both < 0.25, "%f", in_both);
    /* The attack did take place. */
    ck_assert_uint_gt(new.n_attacked, NEW_BUCKETS / 2);
    ck_assert_uint_gt(tried.n_attacked, TRIED_BUCKETS / 2);
    ck_assert_msg(in_both > 0.05, "%f", in_both);
    rig_free(&r);
}
END_TEST

/* With a map, groups of one system are one group: ten prefixes are one. */
START_TEST(a_map_makes_his_ten_prefixes_one)
{
    struct ptd_netgroup *ng = netgroup_of_test();
    struct rig r = rig_new_with(RIG_CHECK_NONE, ng);
    struct buckets new;

    for (uint32_t i = 0; i < 20000; i++) {
        /* 200.x.0.0/16: all of system 9 */
        struct ptd_netaddr na =
            ipv4(0xc8000000 + i % GROUPS * 0x10000 + i / GROUPS, 8333);
        struct ptd_netaddr source =
            ipv4(0xc8000001 + i / 3 % GROUPS * 0x10000, 8333);

        rig_add_from(&r, &na, &source);
    }
    new = look_at(&r, PTD_ADDRMGR_NEW);
    ck_assert_uint_eq(new.n_used, 1);
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH),
                      PTD_ADDRMGR_BUCKET_SIZE);
    rig_free(&r);
    ptd_netgroup_free(ng);
}
END_TEST

Suite *suite_eclipse(void)
{
    Suite *s = suite_create("eclipse");
    TCase *tc = tcase_create("eclipse");

    suite_add_tcase(s, tc);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, attacker_gets_no_more_than_his_buckets);
    tcase_add_test(tc, a_map_makes_his_ten_prefixes_one);
    return s;
}
