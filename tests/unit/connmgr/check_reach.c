#include <config.h>

#include "connmgr/reach.h"

#include <string.h>

#include "base/util.h"
#include "rig.h"

enum { MAX_GIVEN = 3 };

/* Options, and what each network is reached through: "" directly, NULL not at
 * all. */
static const struct {
    const char *proxy[MAX_GIVEN];
    const char *onion;
    const char *onlynet[MAX_GIVEN];
    bool cjdns, listen_onion;
    const char *ipv4, *ipv6, *tor, *cj, *names;
} good[] = {
    { .ipv4 = "", .ipv6 = "", .names = "" },
    { .proxy = { "127.0.0.1" },
      .ipv4 = "127.0.0.1:9050",
      .ipv6 = "127.0.0.1:9050",
      .tor = "127.0.0.1:9050",
      .names = "127.0.0.1:9050" },
    { .proxy = { "[::1]:1080" },
      .onion = "0",
      .cjdns = true,
      .ipv4 = "[::1]:1080",
      .ipv6 = "[::1]:1080",
      .cj = "[::1]:1080",
      .names = "[::1]:1080" },
    { .proxy = { "127.0.0.1:1" },
      .onion = "127.0.0.1:2",
      .ipv4 = "127.0.0.1:1",
      .ipv6 = "127.0.0.1:1",
      .tor = "127.0.0.1:2",
      .names = "127.0.0.1:1" },
    { .proxy = { "unix:/tmp/tor" },
      .ipv4 = "unix:/tmp/tor",
      .ipv6 = "unix:/tmp/tor",
      .tor = "unix:/tmp/tor",
      .names = "unix:/tmp/tor" },
    { .onion = "unix:/tmp/tor",
      .ipv4 = "",
      .ipv6 = "",
      .tor = "unix:/tmp/tor",
      .names = "" },
    { .proxy = { "127.6.6.6:6666=ipv6" },
      .ipv4 = "",
      .ipv6 = "127.6.6.6:6666",
      .names = "127.6.6.6:6666" },
    { .proxy = { "127.4.4.4:4444=IPv4", "127.6.6.6:6666=ipv6" },
      .ipv4 = "127.4.4.4:4444",
      .ipv6 = "127.6.6.6:6666",
      .names = "127.6.6.6:6666" },
    { .proxy = { "127.1.1.1:1111", "127.2.2.2:2222=onion" },
      .ipv4 = "127.1.1.1:1111",
      .ipv6 = "127.1.1.1:1111",
      .tor = "127.2.2.2:2222",
      .names = "127.1.1.1:1111" },
    { .proxy = { "127.1.1.1:1111", "0=cjdns" },
      .cjdns = true,
      .ipv4 = "127.1.1.1:1111",
      .ipv6 = "127.1.1.1:1111",
      .tor = "127.1.1.1:1111",
      .cj = "",
      .names = "127.1.1.1:1111" },
    { .proxy = { "127.1.1.1:1111", "0" }, .ipv4 = "", .ipv6 = "", .names = "" },
    { .proxy = { "" }, .ipv4 = "", .ipv6 = "", .names = "" },
    { .onlynet = { "ipv6" }, .ipv6 = "", .names = "" },
    { .onlynet = { "ipv4", "ONION" },
      .onion = "127.0.0.1",
      .ipv4 = "",
      .tor = "127.0.0.1:9050",
      .names = "" },
    { .onlynet = { "cjdns" }, .cjdns = true, .cj = "", .names = "" },
    { .onlynet = { "onion" }, .listen_onion = true, .names = "" },
};

static size_t n_given(const char *const list[MAX_GIVEN])
{
    size_t n = 0;

    while (n < MAX_GIVEN && list[n] != NULL)
        n++;
    return n;
}

static void check_net(const struct ptd_reach *r, const char *addr,
                      const char *want)
{
    struct ptd_netaddr na = rig_parse(addr);
    const struct ptd_proxy *p = ptd_reach_proxy(r, &na);
    char text[PTD_PROXY_TEXT];

    ck_assert_msg(ptd_reach_has(r, &na) == (want != NULL), "%s", addr);
    if (want == NULL)
        return;
    ck_assert_msg((p == NULL) == (want[0] == '\0'), "%s", addr);
    if (p != NULL)
        ck_assert_str_eq(ptd_proxy_format(p, text, sizeof text), want);
}

START_TEST(options_say_which_network_is_reached_how)
{
    struct ptd_reach_options o = { .proxy = good[_i].proxy,
                                   .n_proxy = n_given(good[_i].proxy),
                                   .onion = good[_i].onion,
                                   .onlynet = good[_i].onlynet,
                                   .n_onlynet = n_given(good[_i].onlynet),
                                   .cjdns = good[_i].cjdns,
                                   .listen_onion = good[_i].listen_onion };
    const struct ptd_proxy *names;
    struct ptd_reach_why why = { .text = "" };
    char text[PTD_PROXY_TEXT];
    struct ptd_reach r;

    ck_assert_msg(ptd_reach_read(&r, &o, &why) == PTD_OK, "%s", why.text);
    check_net(&r, "8.8.8.8:8333", good[_i].ipv4);
    check_net(&r, "[2a00::1]:8333", good[_i].ipv6);
    check_net(&r,
              "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
              good[_i].tor);
    check_net(&r, "[fc00:1::2]:8333", good[_i].cj);
    names = ptd_reach_name_proxy(&r);
    ck_assert((names == NULL) == (good[_i].names[0] == '\0'));
    if (names != NULL)
        ck_assert_str_eq(ptd_proxy_format(names, text, sizeof text),
                         good[_i].names);
}
END_TEST

static const struct {
    const char *proxy, *onion, *onlynet;
    const char *why;
} bad[] = {
    { "127.0.0.1:9050=", NULL, NULL,
      "Invalid -proxy address or hostname, ends with '=': '127.0.0.1:9050='" },
    { "127.0.0.1:9050=foo", NULL, NULL,
      "Unrecognized network in -proxy='127.0.0.1:9050=foo': 'foo'" },
    { "127.0.0.1:9050=i2p", NULL, NULL,
      "Unrecognized network in -proxy='127.0.0.1:9050=i2p': 'i2p'" },
    { "127.0.0.1:x", NULL, NULL,
      "Invalid -proxy address or hostname: '127.0.0.1:x'" },
    { "unix:", NULL, NULL, "Invalid -proxy address or hostname: 'unix:'" },
    { "no such", NULL, NULL, "Invalid -proxy address or hostname: 'no such'" },
    { NULL, "nonsense:", NULL,
      "Invalid -onion address or hostname: 'nonsense:'" },
    { NULL, NULL, "abc", "Unknown network specified in -onlynet: 'abc'" },
    { NULL, NULL, "cjdns",
      "Outbound connections restricted to CJDNS (-onlynet=cjdns) but "
      "-cjdnsreachable is not provided" },
    { NULL, NULL, "i2p",
      "Outbound connections restricted to i2p (-onlynet=i2p) but -i2psam is "
      "not provided" },
    { NULL, "0", "onion",
      "Outbound connections restricted to Tor (-onlynet=onion) but the proxy "
      "for reaching the Tor network is explicitly forbidden: -onion=0" },
    { NULL, NULL, "onion",
      "Outbound connections restricted to Tor (-onlynet=onion) but the proxy "
      "for reaching the Tor network is not provided: none of -proxy, -onion or "
      "-listenonion is given" },
};

START_TEST(what_is_wrong_is_said_as_core_says_it)
{
    struct ptd_reach_options o = { .proxy = &bad[_i].proxy,
                                   .n_proxy = bad[_i].proxy != NULL,
                                   .onion = bad[_i].onion,
                                   .onlynet = &bad[_i].onlynet,
                                   .n_onlynet = bad[_i].onlynet != NULL };
    struct ptd_reach_why why = { .text = "" };
    struct ptd_reach r;

    ck_assert_int_eq(ptd_reach_read(&r, &o, &why), PTD_EINVAL);
    ck_assert_str_eq(why.text, bad[_i].why);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_said_to_be_so)
{
    char path[1200] = "unix:";
    const char *list[] = { path };
    struct ptd_reach_options o = { .proxy = list, .n_proxy = 1 };
    struct ptd_reach_why why;
    struct ptd_reach r;

    memset(path + 5, 'x', 1000);
    ck_assert_int_eq(ptd_reach_read(&r, &o, &why), PTD_EINVAL);
    ck_assert_ptr_nonnull(strstr(why.text, "address or hostname: 'unix:xxx"));
    ck_assert_ptr_nonnull(strstr(why.text, "xxx'"));
}
END_TEST

START_TEST(a_proxy_may_have_a_name)
{
    static const char *const list[] = { "localhost:1080" };
    struct ptd_reach_options o = { .proxy = list,
                                   .n_proxy = 1,
                                   .randomize = true };
    struct ptd_reach_why why;
    struct ptd_reach r;

    ck_assert_int_eq(ptd_reach_read(&r, &o, &why), PTD_EINVAL);
    o.look_up = true;
    ck_assert_int_eq(ptd_reach_read(&r, &o, &why), PTD_OK);
    ck_assert(r.name_proxy.isolate);
}
END_TEST

START_TEST(this_machine_and_its_network_are_reached_directly)
{
    static const char *const list[] = { "127.0.0.1:9050" };
    struct ptd_reach_options o = { .proxy = list, .n_proxy = 1 };
    struct ptd_netaddr a = rig_parse("127.0.0.1:8333"),
                       b = rig_parse("192.168.0.1:8333"),
                       c = rig_parse("[::1]:8333"), d = rig_parse("8.8.8.8:1");
    struct ptd_reach_why why;
    struct ptd_reach r;

    ck_assert_int_eq(ptd_reach_read(&r, &o, &why), PTD_OK);
    ck_assert_ptr_null(ptd_reach_proxy(&r, &a));
    ck_assert_ptr_null(ptd_reach_proxy(&r, &b));
    ck_assert_ptr_null(ptd_reach_proxy(&r, &c));
    ck_assert_ptr_nonnull(ptd_reach_proxy(&r, &d));
}
END_TEST

TCase *reach_case(void)
{
    TCase *tc = tcase_create("reach");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, options_say_which_network_is_reached_how, 0,
                        (int)PTD_COUNT(good));
    tcase_add_loop_test(tc, what_is_wrong_is_said_as_core_says_it, 0,
                        (int)PTD_COUNT(bad));
    tcase_add_test(tc, a_path_that_is_too_long_is_said_to_be_so);
    tcase_add_test(tc, a_proxy_may_have_a_name);
    tcase_add_test(tc, this_machine_and_its_network_are_reached_directly);
    return tc;
}
