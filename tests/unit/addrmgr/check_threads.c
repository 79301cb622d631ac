/* All calls from several threads at once; a race detector sees the rest. */
#include <config.h>

#include <stdlib.h>

#include "addrmgr/addrcache.h"
#include "addrmgr/localaddr.h"
#include "base/util.h"
#include "check_addrmgr.h"
#include "sync/thread.h"

enum { N_THREADS = 4, ROUNDS = 400 };

struct worker {
    struct rig *r;
    struct ptd_addrmgr_cache *cache;
    struct ptd_localaddr *local;
    uint32_t seed;
    struct ptd_addr_entry out[PTD_ADDRMGR_SAMPLE_MAX];
};

/* No assertions of Check: it is not made for threads. */
static void one_round(struct worker *w, uint32_t i)
{
    struct ptd_addrmgr *m = w->r->m;
    struct ptd_netaddr na = ipv4(0x01000000 + lcg(&w->seed) % 3000 * 0x4001, 1);
    struct ptd_netaddr source = ipv4(0x05000000 + i % 50 * 0x10000, 1);
    struct ptd_addr_entry e = heard(&na, T0);
    struct ptd_addrmgr_pick pick;
    struct ptd_addrmgr_where where;
    size_t n;

    (void)ptd_addrmgr_add(m, &e, 1, &source, 0);
    (void)ptd_addrmgr_good(m, &na);
    ptd_addrmgr_attempt(m, &na, true);
    ptd_addrmgr_connected(m, &na);
    ptd_addrmgr_set_services(m, &na, i);
    ptd_addrmgr_resolve_collisions(m);
    PTD_ASSERT(ptd_addrmgr_select(m, &pick, PTD_ADDRMGR_BOTH, 0));
    (void)!ptd_addrmgr_select_collision(m, &pick);
    (void)!ptd_addrmgr_find(m, &where, &na);
    (void)ptd_addrmgr_sample(m, w->out, 10, 0, PTD_NET_NONE, PTD_ADDRMGR_FIT);
    (void)ptd_localaddr_vote(w->local, &na);
    (void)!ptd_localaddr_add(w->local, &na, PTD_LOCAL_IF);
    PTD_ASSERT(ptd_addrmgr_cache_get(w->cache, w->out, &n, PTD_NET_IPV4,
                                     &source, NULL, NULL) == PTD_OK);
    if (i % 100 == 0) {
        uint8_t *bytes;

        PTD_ASSERT(ptd_addrmgr_encode(m, &bytes, &n, rig_magic) == PTD_OK);
        free(bytes);
        PTD_ASSERT(ptd_addrmgr_check(m) == 0);
        ptd_clock_advance_us(w->r->clk, INT64_C(3600000000));
    }
}

static void work_main(void *arg)
{
    struct worker *w = arg;

    for (uint32_t i = 0; i < ROUNDS; i++)
        one_round(w, i);
}

START_TEST(any_thread_may_call_anything)
{
    struct ptd_localaddr_config cfg = { .discover = true };
    static struct worker workers[N_THREADS];
    struct ptd_thread thread[N_THREADS] = { 0 };
    struct ptd_threads *pool = ptd_threads_new();
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct ptd_addrmgr_cache *cache = ptd_addrmgr_cache_new(r.m, r.clk);
    struct ptd_localaddr *local = ptd_localaddr_new(&cfg);

    ck_assert_ptr_nonnull(pool);
    ck_assert_ptr_nonnull(cache);
    ck_assert_ptr_nonnull(local);
    rig_fill(&r, 100, 1);
    for (uint32_t i = 0; i < N_THREADS; i++) {
        workers[i] = (struct worker){
            .r = &r, .cache = cache, .local = local, .seed = i
        };
        ck_assert(ptd_thread_start(&thread[i], pool, "work", work_main,
                                   &workers[i]) == PTD_OK);
    }
    for (size_t i = 0; i < N_THREADS; i++)
        ptd_thread_join(&thread[i]);
    ck_sound(&r);
    ptd_localaddr_free(local);
    ptd_addrmgr_cache_free(cache);
    rig_free(&r);
    ptd_threads_free(pool);
}
END_TEST

Suite *suite_threads(void)
{
    Suite *s = suite_create("threads");
    TCase *tc = tcase_create("threads");

    suite_add_tcase(s, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, any_thread_may_call_anything);
    return s;
}
