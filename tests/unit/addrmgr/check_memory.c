/* Every allocation may fail: nothing leaks, nothing is damaged, and what was
 * refused works the next time. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "addrmgr/addrcache.h"
#include "addrmgr/asmap.h"
#include "addrmgr/localaddr.h"
#include "addrmgr/peersfile.h"
#include "base/util.h"
#include "check_addrmgr.h"
#include "support/nth_malloc.h"

enum { MANY = 300 };

static struct rig filled(void)
{
    struct rig r = rig_new(RIG_CHECK_NONE);

    rig_fill(&r, MANY, 6);
    return r;
}

START_TEST(making_things)
{
    struct ptd_localaddr_config cfg = { .discover = true };

    for (unsigned n = 1;; n++) {
        struct ptd_addrmgr *m;
        struct ptd_localaddr *l;
        struct ptd_netgroup *ng = NULL;
        bool failed;

        support_nth_malloc_arm(n);
        m = ptd_addrmgr_new(NULL);
        l = m != NULL ? ptd_localaddr_new(&cfg) : NULL;
        if (l != NULL && ptd_netgroup_new(&ng, NULL, 0) != PTD_OK)
            ng = NULL;
        failed = support_nth_malloc_disarm();
        ck_assert(failed == (ng == NULL));
        ptd_netgroup_free(ng);
        ptd_localaddr_free(l);
        ptd_addrmgr_free(m);
        if (!failed)
            break;
    }
}
END_TEST

START_TEST(adding_leaves_out_what_it_has_no_memory_for)
{
    struct ptd_netaddr source = na_of("7.7.7.7");
    struct ptd_addr_entry list[200];

    for (uint32_t i = 0; i < PTD_COUNT(list); i++) {
        struct ptd_netaddr na = ipv4(0x01000000 + i * 0x10000, 1);

        list[i] = heard(&na, T0);
    }
    for (unsigned n = 1;; n++) {
        struct rig r = rig_new(RIG_CHECK_NONE);
        size_t n_added;
        bool failed;

        support_nth_malloc_arm(n);
        n_added = ptd_addrmgr_add(r.m, list, PTD_COUNT(list), &source, 0);
        failed = support_nth_malloc_disarm();
        ck_sound(&r);
        ck_assert_uint_eq(
            n_added, ptd_addrmgr_size(r.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH));
        rig_free(&r);
        if (!failed)
            break;
        ck_assert_uint_gt(n_added, 150);
    }
}
END_TEST

START_TEST(writing_and_reading_back)
{
    struct rig r = filled(), other = rig_new(RIG_CHECK_NONE);
    size_t all = ptd_addrmgr_size(r.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH), size;
    char why[PTD_ADDRMGR_WHY];
    uint8_t *bytes;

    for (unsigned n = 1;; n++) {
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_addrmgr_encode(r.m, &bytes, &size, rig_magic);
        if (!support_nth_malloc_disarm())
            break;
        ck_assert(e == PTD_ENOMEM);
        ck_sound(&r);
    }
    for (unsigned n = 1;; n++) {
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_addrmgr_decode(other.m, why, bytes, size, rig_magic);
        if (!support_nth_malloc_disarm()) {
            ck_assert(e == PTD_OK);
            break;
        }
        ck_assert(e == PTD_ENOMEM);
        ck_assert_uint_eq(
            ptd_addrmgr_size(other.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH), 0);
        ck_sound(&other);
    }
    ck_assert_uint_eq(ptd_addrmgr_size(other.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH),
                      all);
    free(bytes);
    rig_free(&r);
    rig_free(&other);
}
END_TEST

START_TEST(files)
{
    char *dir = rig_mkdir(), *peers = rig_path(dir, "peers.dat"),
         *anchors = rig_path(dir, "anchors.dat");
    static char why[PTD_PEERSFILE_WHY];
    struct rig r = filled();

    ck_assert(ptd_peersfile_save(r.m, peers, rig_magic) == PTD_OK);
    for (unsigned n = 1;; n++) {
        struct ptd_addr_entry out[PTD_ANCHORS_MAX];
        struct ptd_netaddr na = na_of("1.2.3.4");
        struct ptd_addr_entry entry = heard(&na, T0);
        enum ptd_err load, save, keep;
        size_t n_taken;
        bool failed;

        ck_assert(ptd_anchors_save(&entry, 1, anchors, rig_magic) == PTD_OK);
        support_nth_malloc_arm(n);
        load = ptd_peersfile_load(r.m, why, peers, rig_magic);
        save = load == PTD_OK ? ptd_peersfile_save(r.m, peers, rig_magic)
                              : PTD_ENOMEM;
        n_taken = ptd_anchors_take(out, anchors, rig_magic);
        keep = ptd_anchors_save(&entry, 1, anchors, rig_magic);
        failed = support_nth_malloc_disarm();
        if (!failed) {
            ck_assert(load == PTD_OK && save == PTD_OK && keep == PTD_OK);
            ck_assert_uint_eq(n_taken, 1);
            break;
        }
        ck_assert(load == PTD_ENOMEM || save == PTD_ENOMEM || n_taken == 0 ||
                  keep == PTD_ENOMEM);
    }
    /* no failure has damaged the file */
    ck_assert(ptd_peersfile_load(r.m, why, peers, rig_magic) == PTD_OK);
    ck_assert_uint_gt(ptd_addrmgr_size(r.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH),
                      MANY / 2);
    rig_free(&r);
    free(peers);
    free(anchors);
    rig_rmdir(dir);
}
END_TEST

START_TEST(asking)
{
    static struct ptd_addr_entry out[PTD_ADDRMGR_SAMPLE_MAX];
    struct ptd_netaddr bound = na_of("5.5.5.5");
    struct rig r = filled();

    for (unsigned n = 1;; n++) {
        struct ptd_addrmgr_entry *list = NULL;
        struct ptd_addrmgr_cache *c;
        size_t n_list = 0, n_out = 0;
        bool failed;

        support_nth_malloc_arm(n);
        c = ptd_addrmgr_cache_new(r.m, r.clk);
        if (c != NULL && ptd_addrmgr_cache_get(c, out, &n_out, PTD_NET_IPV4,
                                               &bound, NULL, NULL) != PTD_OK)
            n_out = 0;
        if (ptd_addrmgr_entries(r.m, &list, &n_list, PTD_ADDRMGR_NEW) != PTD_OK)
            list = NULL;
        failed = support_nth_malloc_disarm();
        ck_assert(failed == (c == NULL || n_out == 0 || list == NULL));
        if (c != NULL) /* the next one gets an answer */
            ck_assert(ptd_addrmgr_cache_get(c, out, &n_out, PTD_NET_IPV4,
                                            &bound, NULL, NULL) == PTD_OK);
        free(list);
        ptd_addrmgr_cache_free(c);
        if (!failed)
            break;
    }
    rig_free(&r);
}
END_TEST

Suite *suite_memory(void)
{
    Suite *s = suite_create("memory");
    TCase *tc = tcase_create("memory");

    suite_add_tcase(s, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, making_things);
    tcase_add_test(tc, adding_leaves_out_what_it_has_no_memory_for);
    tcase_add_test(tc, writing_and_reading_back);
    tcase_add_test(tc, files);
    tcase_add_test(tc, asking);
    return s;
}
