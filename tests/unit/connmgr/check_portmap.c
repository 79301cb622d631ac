#include <config.h>

#include "connmgr/portmap.h"

#include <string.h>

#include "base/util.h"
#include "fakegate.h"
#include "guard.h"
#include "pentad/chan.h"
#include "pentad/log.h"
#include "support/nth_malloc.h"
#include "sync/clock_int.h"

/* A portmap, its gateway on loopback, and what it told. */
struct rig {
    struct fakegate gate;
    struct ptd_clock *clk;
    struct ptd_chan *told; /* struct ptd_netaddr, of each callback */
    struct ptd_portmap *portmap;
    bool is_lost; /* there is no gateway */
};

static enum ptd_err find(struct ptd_gateway *out, enum ptd_net net, void *arg)
{
    struct rig *r = arg;

    if (r->is_lost || net != r->gate.na.net)
        return PTD_ENOTFOUND;
    *out = (struct ptd_gateway){ .na = r->gate.na };
    return PTD_OK;
}

/* Two addresses that are both ours. */
static size_t local_ipv6(struct ptd_netaddr *out, size_t cap, void *arg)
{
    (void)arg;
    ck_assert_uint_ge(cap, 2);
    out[0] = out[1] = guard_addr("::1");
    return 2;
}

static void mapped(const struct ptd_netaddr *external, void *arg)
{
    struct rig *r = arg;

    PTD_ASSERT(ptd_chan_try_send(r->told, external) == PTD_OK);
}

static bool rig_init(struct rig *r, const char *at, enum fake_mode mode,
                     const char *external)
{
    *r = (struct rig){ 0 };
    if (!fakegate_start(&r->gate, at, mode, external))
        return false;
    ck_assert_ptr_nonnull(r->clk = ptd_clock_new());
    ptd_clock_set_wall_us(r->clk, (int64_t)1700000000 * 1000000);
    ck_assert_ptr_nonnull(r->told =
                              ptd_chan_new(sizeof(struct ptd_netaddr), 16));
    return true;
}

static void rig_start(struct rig *r)
{
    const struct ptd_portmap_config cfg = { .clock = r->clk,
                                            .port = 8333,
                                            .mapped = mapped,
                                            .find = find,
                                            .local_ipv6 = local_ipv6,
                                            .arg = r };

    ck_assert_int_eq(ptd_portmap_start(&r->portmap, &cfg), PTD_OK);
}

static void rig_fini(struct rig *r)
{
    ptd_portmap_stop(r->portmap);
    fakegate_stop(&r->gate);
    ptd_chan_free(r->told);
    ptd_clock_free(r->clk);
}

static void expect_told(struct rig *r, const char *want)
{
    struct ptd_netaddr na;
    char text[PTD_NETADDR_TEXT];

    ck_assert_int_eq(ptd_chan_recv(r->told, &na), PTD_OK);
    ck_assert_str_eq(ptd_netaddr_format(&na, text, sizeof text), want);
}

/* How long the thread, which is about to wait, will wait, in seconds. */
static int64_t wait_s(struct rig *r)
{
    ptd_clock_await_waiters(r->clk, 1);
    return (ptd_clock_next_deadline_us(r->clk) - ptd_clock_now_us(r->clk)) /
           1000000;
}

static void pass(struct rig *r, int64_t seconds)
{
    ptd_clock_advance_us(r->clk, seconds * 1000000);
}

static const struct {
    enum fake_mode mode;
    uint32_t lifetime;
    int64_t min_s, max_s; /* until the renewal */
} renewals[] = {
    { FAKE_HONEST, 2400, 1200, 1500 },
    { FAKE_NATPMP, 2400, 1200, 1500 },
    { FAKE_HONEST, 600, 300, 375 },
    { FAKE_HONEST, 30, 15, 18 },
    /* No gateway keeps us from asking again. */
    { FAKE_HONEST, UINT32_MAX, 1200, 1500 },
    { FAKE_HONEST, 2401, 1200, 1500 },
};

START_TEST(a_mapping_is_told_and_renewed)
{
    struct rig r;

    ck_assert(rig_init(&r, "127.0.0.1:0", renewals[_i].mode, NULL));
    atomic_store(&r.gate.lifetime, renewals[_i].lifetime);
    rig_start(&r);
    for (unsigned i = 0; i < 5; i++) {
        int64_t s;

        expect_told(&r, "8.8.4.4:18333");
        s = wait_s(&r);
        ck_assert_int_ge(s, renewals[_i].min_s);
        ck_assert_int_le(s, renewals[_i].max_s);
        pass(&r, s + 1);
    }
    rig_fini(&r);
}
END_TEST

START_TEST(each_ipv6_address_is_opened)
{
    struct rig r;

    if (!rig_init(&r, "[::1]:0", FAKE_HONEST, "[2001:470::1]:8333"))
        return; /* no IPv6 here */
    rig_start(&r);
    expect_told(&r, "[2001:470::1]:8333");
    expect_told(&r, "[2001:470::1]:8333");
    rig_fini(&r);
}
END_TEST

static const struct {
    const char *name;
    enum fake_mode mode;
    unsigned result;
    uint32_t lifetime;
    const char *log;
} failures[] = {
    { "no resources", FAKE_HONEST, 8, 2400,
      "At least one mapping failed because of a NO_RESOURCES error" },
    { "a short life", FAKE_HONEST, 0, 29,
      "Got impossibly short mapping lifetime of 29 seconds" },
    { "no life", FAKE_HONEST, 0, 0,
      "Got impossibly short mapping lifetime of 0 seconds" },
    { "not authorized", FAKE_HONEST, 2, 2400,
      "pcp: Mapping failed with result NOT_AUTHORIZED" },
    { "a flood", FAKE_FLOOD, 0, 2400, "pcp: Giving up on a gateway" },
};

START_TEST(a_failure_is_tried_again_in_five_minutes)
{
    struct rig r;

    ck_assert(rig_init(&r, "127.0.0.1:0", failures[_i].mode, NULL));
    atomic_store(&r.gate.result, failures[_i].result);
    atomic_store(&r.gate.lifetime, failures[_i].lifetime);
    guard_log_begin();
    rig_start(&r);
    ck_assert_int_eq(wait_s(&r), 300);
    ck_assert_uint_eq(ptd_chan_len(r.told), 0);
    atomic_store(&r.gate.mode, FAKE_HONEST);
    atomic_store(&r.gate.result, 0);
    atomic_store(&r.gate.lifetime, 2400);
    pass(&r, 300);
    expect_told(&r, "8.8.4.4:18333");
    rig_fini(&r);
    ck_assert_msg(guard_log_has(failures[_i].log), "%s", failures[_i].name);
    guard_log_end();
}
END_TEST

START_TEST(a_refusal_is_news_once)
{
    struct rig r;

    ck_assert(rig_init(&r, "127.0.0.1:0", FAKE_HONEST, NULL));
    atomic_store(&r.gate.result, 2);
    ptd_log_set_level_all(PTD_LOG_INFO);
    rig_start(&r);
    ck_assert_int_eq(wait_s(&r), 300);
    guard_log_begin();
    ptd_log_set_level_all(PTD_LOG_WARN);
    pass(&r, 300);
    ck_assert_int_eq(ptd_chan_recv(r.gate.heard, NULL), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv(r.gate.heard, NULL), PTD_OK);
    ck_assert_int_eq(wait_s(&r), 300);
    ck_assert(!guard_log_has("NOT_AUTHORIZED"));
    guard_log_end();
    rig_fini(&r);
}
END_TEST

START_TEST(without_a_gateway_it_waits)
{
    struct rig r;

    ck_assert(rig_init(&r, "127.0.0.1:0", FAKE_HONEST, NULL));
    r.is_lost = true;
    guard_log_begin();
    rig_start(&r);
    ck_assert_int_eq(wait_s(&r), 300);
    rig_fini(&r);
    ck_assert(
        guard_log_has("portmap: Could not determine IPv4 default gateway"));
    ck_assert(
        guard_log_has("portmap: Could not determine IPv6 default gateway"));
    guard_log_end();
}
END_TEST

static const char *const useless[] = {
    "10.0.0.1:8333", "127.0.0.1:8333",       "100.64.0.1:8333",
    "0.0.0.0:8333",  "255.255.255.255:8333", "8.8.4.4:0",
};

START_TEST(an_address_that_nobody_can_reach_is_not_told)
{
    struct rig r;

    ck_assert(rig_init(&r, "127.0.0.1:0", FAKE_HONEST, useless[_i]));
    rig_start(&r);
    ck_assert_int_ge(wait_s(&r), 1200); /* it is mapped all the same */
    ck_assert_uint_eq(ptd_chan_len(r.told), 0);
    rig_fini(&r);
}
END_TEST

START_TEST(stop_waits_for_no_answer)
{
    struct rig r;
    int64_t start_us;

    ck_assert(rig_init(&r, "127.0.0.1:0", FAKE_SILENT, NULL));
    rig_start(&r);
    ck_assert_int_eq(ptd_chan_recv(r.gate.heard, NULL), PTD_OK);
    start_us = ptd_clock_now_us(NULL);
    rig_fini(&r);
    /* Three seconds would have been left. */
    ck_assert_int_lt(ptd_clock_now_us(NULL) - start_us, 2000000);
    ptd_portmap_stop(NULL);
}
END_TEST

START_TEST(a_start_without_memory_is_told)
{
    const struct ptd_portmap_config cfg = { .port = 8333, .mapped = mapped };
    struct ptd_portmap *p;

    for (unsigned n = 1; n <= 3; n++) {
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_portmap_start(&p, &cfg);
        ck_assert(support_nth_malloc_disarm());
        ck_assert_int_eq(e, PTD_ENOMEM);
    }
}
END_TEST

TCase *portmap_case(void)
{
    TCase *tc = tcase_create("portmap");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_mapping_is_told_and_renewed, 0,
                        (int)PTD_COUNT(renewals));
    tcase_add_test(tc, each_ipv6_address_is_opened);
    tcase_add_loop_test(tc, a_failure_is_tried_again_in_five_minutes, 0,
                        (int)PTD_COUNT(failures));
    tcase_add_test(tc, a_refusal_is_news_once);
    tcase_add_test(tc, without_a_gateway_it_waits);
    tcase_add_loop_test(tc, an_address_that_nobody_can_reach_is_not_told, 0,
                        (int)PTD_COUNT(useless));
    tcase_add_test(tc, stop_waits_for_no_answer);
    tcase_add_test(tc, a_start_without_memory_is_told);
    return tc;
}
