#include <config.h>

#include "connmgr/pcp.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "connmgr/pcp_packet.h"
#include "fakegate.h"
#include "guard.h"
#include "net/addr.h"
#include "pentad/clock.h"
#include "support/nth_malloc.h"

static struct ptd_portmap_request request(const struct ptd_netaddr *gateway)
{
    struct ptd_portmap_request ask = { .gateway = { .na = *gateway },
                                       .local = { .net = PTD_NET_IPV4,
                                                  .len = 4 },
                                       .port = 8333,
                                       .lifetime_s = 2400,
                                       .tries = 3,
                                       .try_ms = 20000 };

    if (gateway->net == PTD_NET_IPV6)
        ask.local = guard_addr("::1");
    memcpy(ask.nonce, "nonce nonce ", sizeof ask.nonce);
    return ask;
}

typedef enum ptd_err map_fn(struct ptd_portmap_mapping *out,
                            const struct ptd_portmap_request *ask,
                            const struct ptd_latch *stop);

static map_fn *const maps[] = { ptd_pcp_map, ptd_natpmp_map };

/* ---- honest gateways ---------------------------------------------------------- */

static const struct {
    const char *at;
    enum fake_mode mode;
    map_fn *map;
    enum ptd_err want;
    const char *text;
} honest[] = {
    { "127.0.0.1:0", FAKE_HONEST, ptd_pcp_map, PTD_OK,
      "pcp:8.8.4.4:18333 -> 127.0.0.1:8333 (for 2400s)" },
    { "[::1]:0", FAKE_HONEST, ptd_pcp_map, PTD_OK,
      "pcp:8.8.4.4:18333 -> [::1]:8333 (for 2400s)" },
    { "127.0.0.1:0", FAKE_HONEST, ptd_natpmp_map, PTD_OK,
      "natpmp:8.8.4.4:18333 -> 127.0.0.1:8333 (for 2400s)" },
    { "127.0.0.1:0", FAKE_NATPMP, ptd_natpmp_map, PTD_OK,
      "natpmp:8.8.4.4:18333 -> 127.0.0.1:8333 (for 2400s)" },
    { "127.0.0.1:0", FAKE_NATPMP, ptd_pcp_map, PTD_EVERSION, NULL },
    { "127.0.0.1:0", FAKE_CHATTY, ptd_pcp_map, PTD_OK,
      "pcp:8.8.4.4:18333 -> 127.0.0.1:8333 (for 2400s)" },
    { "127.0.0.1:0", FAKE_CHATTY, ptd_natpmp_map, PTD_OK,
      "natpmp:8.8.4.4:18333 -> 127.0.0.1:8333 (for 2400s)" },
};

START_TEST(a_mapping_is_granted)
{
    char text[PTD_PORTMAP_TEXT];
    struct ptd_portmap_request ask;
    struct ptd_portmap_mapping m;
    struct ptd_latch stop;
    struct fakegate g;

    if (!fakegate_start(&g, honest[_i].at, honest[_i].mode, NULL)) {
        fprintf(stderr, "skipped: no %s here\n", honest[_i].at);
        return;
    }
    ck_assert_int_eq(ptd_latch_init(&stop), PTD_OK);
    ask = request(&g.na);
    ck_assert_int_eq(honest[_i].map(&m, &ask, &stop), honest[_i].want);
    if (honest[_i].want == PTD_OK)
        ck_assert_str_eq(ptd_portmap_format(&m, text, sizeof text),
                         honest[_i].text);
    fakegate_stop(&g);
    ptd_latch_fini(&stop);
}
END_TEST

START_TEST(a_lost_request_is_sent_again)
{
    struct ptd_portmap_request ask;
    struct ptd_portmap_mapping m;
    struct ptd_latch stop;
    struct fakegate g;

    ck_assert(fakegate_start(&g, "127.0.0.1:0", FAKE_LOSES_FIRST, NULL));
    ck_assert_int_eq(ptd_latch_init(&stop), PTD_OK);
    ask = request(&g.na);
    ask.try_ms = 100;
    ask.tries = 20; /* this machine may be slow */
    ck_assert_int_eq(maps[_i](&m, &ask, &stop), PTD_OK);
    ck_assert_uint_ge(atomic_load(&g.n_heard), 2);
    fakegate_stop(&g);
    ptd_latch_fini(&stop);
}
END_TEST

static const struct {
    map_fn *map;
    unsigned result;
    enum ptd_err want;
    const char *log;
} results[] = {
    { ptd_pcp_map, 8, PTD_ELIMIT,
      "pcp: Mapping failed with result NO_RESOURCES (code 8)" },
    { ptd_pcp_map, 2, PTD_EREJECTED,
      "pcp: Mapping failed with result NOT_AUTHORIZED (code 2)" },
    { ptd_pcp_map, 12, PTD_EREJECTED,
      "pcp: Mapping failed with result ADDRESS_MISMATCH (code 12)" },
    { ptd_pcp_map, 200, PTD_EREJECTED,
      "pcp: Mapping failed with result (unknown) (code 200)" },
    { ptd_natpmp_map, 4, PTD_ELIMIT,
      "natpmp: Port mapping failed with result NO_RESOURCES (code 4)" },
    { ptd_natpmp_map, 2, PTD_EREJECTED,
      "natpmp: Port mapping failed with result NOT_AUTHORIZED (code 2)" },
    { ptd_natpmp_map, 65535, PTD_EREJECTED,
      "natpmp: Port mapping failed with result (unknown) (code 65535)" },
};

START_TEST(a_refusal_is_told)
{
    struct ptd_portmap_request ask;
    struct ptd_portmap_mapping m;
    struct ptd_latch stop;
    struct fakegate g;

    ck_assert(fakegate_start(&g, "127.0.0.1:0", FAKE_HONEST, NULL));
    ck_assert_int_eq(ptd_latch_init(&stop), PTD_OK);
    atomic_store(&g.result, results[_i].result);
    ask = request(&g.na);
    guard_log_begin();
    ck_assert_int_eq(results[_i].map(&m, &ask, &stop), results[_i].want);
    ck_assert(guard_log_has(results[_i].log));
    guard_log_end();
    fakegate_stop(&g);
    ptd_latch_fini(&stop);
}
END_TEST

/* ---- hostile gateways ------------------------------------------------------------- */

static const struct {
    enum fake_mode mode;
    enum ptd_err want;
    const char *log; /* with PCP */
} hostile[] = {
    { FAKE_SILENT, PTD_ETIMEOUT, "pcp: Giving up after 3 tries" },
    { FAKE_FLOOD, PTD_EPROTO, "pcp: Giving up on a gateway that sends" },
    { FAKE_NONCE, PTD_ETIMEOUT, "pcp: Mapping nonce mismatch" },
    { FAKE_SHORT, PTD_ETIMEOUT, "pcp: Response too small" },
    { FAKE_EMPTY, PTD_ETIMEOUT, "pcp: Response too small" },
    { FAKE_HUGE, PTD_ETIMEOUT, "pcp: Response to wrong command" },
    { FAKE_PORT, PTD_ETIMEOUT,
      "pcp: Response protocol or port doesn't match request" },
    { FAKE_ECHO, PTD_ETIMEOUT, "pcp: Response to wrong command" },
};

/* Each is over in the time it was given, takes no memory at all, and fills no
 * log. NAT-PMP has no nonce: of its two questions the second one has a port. */
START_TEST(a_hostile_gateway_costs_a_bounded_time_and_no_memory)
{
    size_t i = (size_t)_i / 2;
    struct ptd_portmap_request ask;
    struct ptd_portmap_mapping m;
    struct ptd_latch stop;
    struct fakegate g;
    int64_t start_us;
    enum ptd_err e;

    ck_assert(fakegate_start(&g, "127.0.0.1:0", hostile[i].mode, NULL));
    ck_assert_int_eq(ptd_latch_init(&stop), PTD_OK);
    ask = request(&g.na);
    /* A flood ends it sooner: its deadline must not. */
    ask.try_ms = hostile[i].mode == FAKE_FLOOD ? 20000 : 30;
    guard_log_begin();
    start_us = ptd_clock_now_us(NULL);
    support_nth_malloc_arm(1);
    e = maps[_i % 2](&m, &ask, &stop);
    ck_assert(!support_nth_malloc_disarm());
    ck_assert_int_lt(ptd_clock_now_us(NULL) - start_us, 10 * 1000000);
    ck_assert_msg(e == hostile[i].want, "mode %d: %s", (int)hostile[i].mode,
                  ptd_err_name(e));
    if (_i % 2 == 0)
        ck_assert(guard_log_has(hostile[i].log));
    guard_log_end();
    fakegate_stop(&g);
    ptd_latch_fini(&stop);
}
END_TEST

START_TEST(a_latch_ends_the_wait)
{
    struct ptd_portmap_request ask;
    struct ptd_portmap_mapping m;
    struct ptd_latch stop;
    struct fakegate g;

    ck_assert(fakegate_start(&g, "127.0.0.1:0", FAKE_SILENT, NULL));
    ck_assert_int_eq(ptd_latch_init(&stop), PTD_OK);
    ptd_latch_set(&stop);
    ask = request(&g.na);
    ask.try_ms = 1000000;
    ck_assert_int_eq(maps[_i](&m, &ask, &stop), PTD_ECLOSED);
    fakegate_stop(&g);
    ptd_latch_fini(&stop);
}
END_TEST

START_TEST(nobody_at_home_is_told)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct ptd_portmap_request ask;
    struct ptd_portmap_mapping m;
    struct ptd_netaddr gone;
    struct ptd_latch stop;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(ptd_addr_local(&gone, fd), PTD_OK);
    close(fd);
    ck_assert_int_eq(ptd_latch_init(&stop), PTD_OK);
    ask = request(&gone);
    guard_log_begin();
    ck_assert_int_eq(ptd_pcp_map(&m, &ask, &stop), PTD_EIO);
    ck_assert(guard_log_has("pcp: Could not receive response: Connection "
                            "refused"));
    guard_log_end();
    ptd_latch_fini(&stop);
}
END_TEST

static const struct {
    const char *gateway, *local;
    map_fn *map;
    enum ptd_err want;
} addrs[] = {
    { "127.0.0.1:5351", "::1", ptd_pcp_map, PTD_EINVAL },
    { "[::1]:5351", "127.0.0.1", ptd_pcp_map, PTD_EINVAL },
    { "[::1]:5351", "::1", ptd_natpmp_map, PTD_EINVAL },
    { "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:1",
      "127.0.0.1", ptd_pcp_map, PTD_EINVAL },
    { "127.0.0.1:5351", "203.0.113.7", ptd_pcp_map, PTD_EIO }, /* not ours */
};

START_TEST(addresses_that_do_not_go_together_are_refused)
{
    struct ptd_netaddr gateway = guard_addr(addrs[_i].gateway);
    struct ptd_portmap_request ask = request(&gateway);
    struct ptd_portmap_mapping m;
    struct ptd_latch stop;

    ask.local = guard_addr(addrs[_i].local);
    ck_assert_int_eq(ptd_latch_init(&stop), PTD_OK);
    ck_assert_int_eq(addrs[_i].map(&m, &ask, &stop), addrs[_i].want);
    ptd_latch_fini(&stop);
}
END_TEST

/* ---- bytes -------------------------------------------------------------------------- */

START_TEST(a_question_has_its_fields_in_place)
{
    static const uint8_t want[PTD_PCP_MAP_BYTES] =
        "\x02\x01\0\0\0\0\x09\x60"                   /* MAP, 2400 s */
        "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\xa8\0\x06" /* us */
        "nonce nonce \x06\0\0\0\x20\x8d\x20\x8d"     /* TCP, ports */
        "\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0";        /* wished */
    struct ptd_netaddr gateway = guard_addr("192.168.0.1"),
                       internal = guard_addr("192.168.0.6");
    struct ptd_portmap_request ask = request(&gateway);
    uint8_t map[PTD_PCP_MAP_BYTES], natpmp[PTD_NATPMP_MAP_BYTES];
    uint8_t external[PTD_NATPMP_EXTERNAL_BYTES];

    ptd_pcp_map_encode(map, &ask, &internal);
    ck_assert(memcmp(map, want, sizeof want) == 0);
    ptd_natpmp_external_encode(external);
    ck_assert(memcmp(external, "\0\0", 2) == 0);
    ptd_natpmp_map_encode(natpmp, &ask);
    ck_assert(memcmp(natpmp, "\0\x02\0\0\x20\x8d\x20\x8d\0\0\x09\x60",
                     sizeof natpmp) == 0);
}
END_TEST

/* Cut at each length, and with each bit turned: taken or refused, never
 * beyond its end. */
START_TEST(an_answer_is_taken_whole_or_not_at_all)
{
    struct ptd_netaddr gateway = guard_addr("192.168.0.1");
    struct ptd_portmap_request ask = request(&gateway);
    struct ptd_pcp_answer a;
    uint8_t p[PTD_PCP_MAP_BYTES];
    const char *why = NULL;
    unsigned n_taken = 0;

    ptd_pcp_map_encode(p, &ask, &gateway);
    p[1] |= 0x80;
    ck_assert_int_eq(ptd_pcp_map_decode(&a, p, sizeof p, &ask, &why), PTD_OK);
    for (size_t n = 0; n < sizeof p; n++) {
        uint8_t *cut = malloc(n + 1); /* a sanitizer sees one byte more */

        memcpy(cut, p, n);
        ck_assert_int_eq(ptd_pcp_map_decode(&a, cut, n, &ask, &why),
                         PTD_EPROTO);
        ck_assert_str_eq(why, "Response too small");
        free(cut);
    }
    for (size_t bit = 0; bit < 8 * sizeof p; bit++) {
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        n_taken += ptd_pcp_map_decode(&a, p, sizeof p, &ask, &why) == PTD_OK;
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    /* All but version, opcode, nonce, protocol, internal port. */
    ck_assert_uint_eq(n_taken, 8 * (60 - 2 - 12 - 1 - 2));
}
END_TEST

TCase *pcp_case(void)
{
    TCase *tc = tcase_create("pcp");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_mapping_is_granted, 0, (int)PTD_COUNT(honest));
    tcase_add_loop_test(tc, a_lost_request_is_sent_again, 0, 2);
    tcase_add_loop_test(tc, a_refusal_is_told, 0, (int)PTD_COUNT(results));
    tcase_add_loop_test(tc,
                        a_hostile_gateway_costs_a_bounded_time_and_no_memory, 0,
                        2 * (int)PTD_COUNT(hostile));
    tcase_add_loop_test(tc, a_latch_ends_the_wait, 0, 2);
    tcase_add_test(tc, nobody_at_home_is_told);
    tcase_add_loop_test(tc, addresses_that_do_not_go_together_are_refused, 0,
                        (int)PTD_COUNT(addrs));
    tcase_add_test(tc, a_question_has_its_fields_in_place);
    tcase_add_test(tc, an_answer_is_taken_whole_or_not_at_all);
    return tc;
}
