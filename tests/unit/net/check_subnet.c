#include <config.h>

#include "net/subnet.h"

#include <string.h>

#include "base/util.h"
#include "rig.h"

#define ONION "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
#define I2P   "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"

static struct ptd_netaddr addr(const char *text)
{
    struct ptd_netaddr na;

    ck_assert_msg(ptd_netaddr_parse(&na, text, 8333) == PTD_OK, "%s", text);
    return na;
}

static struct ptd_subnet subnet(const char *text)
{
    struct ptd_subnet s;

    ck_assert_msg(ptd_subnet_parse(&s, text) == PTD_OK, "%s", text);
    return s;
}

/* ---- text --------------------------------------------------------------- */

static const struct {
    const char *text, *back; /* NULL: is none */
} texts[] = {
    { "1.2.3.4", "1.2.3.4/32" },
    { "1.2.3.4/32", "1.2.3.4/32" },
    { "1.2.3.4/24", "1.2.3.0/24" },
    { "1.2.3.4/0", "0.0.0.0/0" },
    { "0.0.0.0/0", "0.0.0.0/0" },
    { "1.2.3.4/008", "1.0.0.0/8" },
    { "1.2.3.4/255.255.255.255", "1.2.3.4/32" },
    { "1.2.3.4/255.255.255.252", "1.2.3.4/30" },
    { "1.2.3.4/255.255.254.0", "1.2.2.0/23" },
    { "1.2.3.4/254.0.0.0", "0.0.0.0/7" },
    { "1.2.3.4/0.0.0.0", "0.0.0.0/0" },
    { "::ffff:127.0.0.1", "127.0.0.1/32" },
    { "::ffff:1.2.3.4/24", "1.2.3.0/24" },
    { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8/128" },
    { "[::1]", "::1/128" },
    { "[::1]/64", "::/64" },
    { "1:2:3:4:5:6:7:8/33", "1:2::/33" },
    { "1:2:3:4:5:6:7:8/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      "1:2:3:4:5:6:7:8/128" },
    { "1:2:3:4:5:6:7:8/ffff::", "1::/16" },
    { "1:2:3:4:5:6:7:8/fe00::", "::/7" },
    { "1:2:3:4:5:6:7:8/::", "::/0" },
    { "2001:4d48:ac57:400:cacf:e9ff:fe1d:9c63/19", "2001:4000::/19" },
    { "200::1", "200::1/128" },
    { "fc00::/8", "fc00::/8" },
    { "fc00::1", "fc00::1" },
    { ONION, ONION },
    { I2P, I2P },
    { "", NULL },
    { "/", NULL },
    { "/24", NULL },
    { "1.2.3.4/", NULL },
    { "1.2.3.4/33", NULL },
    { "1.2.3.4/300", NULL },
    { "1.2.3.4/4294967304", NULL },
    { "1.2.3.4/-1", NULL },
    { "1.2.3.4/+24", NULL },
    { "1.2.3.4/ 24", NULL },
    { "1.2.3.4/24/24", NULL },
    { "1.2.3.4:80", NULL },
    { "1.2.3.4:80/24", NULL },
    { "1.2.3.4/255.255.232.0", NULL },
    { "1.2.3.4/255.0.255.255", NULL },
    { "1.2.3.4/ffff::", NULL },
    { "::1/255.0.0.0", NULL },
    { "1:2:3:4:5:6:7:8/129", NULL },
    { "1:2:3:4:5:6:7:8/ffff:ffff:ffff:fffe:ffff:ffff:ffff:ff0f", NULL },
    { "[::1]:80", NULL },
    { ONION "/32", NULL },
    { ONION "/255.0.0.0", NULL },
    { ONION "x", NULL },
    { "localhost", NULL },
    { "bloop", NULL },
    { "1.2.3.4 ", NULL },
};

START_TEST(text_is_read_and_written_in_one_form)
{
    char text[PTD_SUBNET_TEXT];
    struct ptd_subnet s, again;
    enum ptd_err e = ptd_subnet_parse(&s, texts[_i].text);

    if (texts[_i].back == NULL) {
        ck_assert_msg(e == PTD_EINVAL, "%s", texts[_i].text);
        return;
    }
    ck_assert_msg(e == PTD_OK, "%s", texts[_i].text);
    ptd_subnet_format(&s, text, sizeof text);
    ck_assert_str_eq(text, texts[_i].back);
    ck_assert_int_eq(ptd_subnet_parse(&again, text), PTD_OK);
    ck_assert(ptd_subnet_is_equal(&s, &again));
    ck_assert_uint_eq(ptd_subnet_hash(&s, 1, 2), ptd_subnet_hash(&again, 1, 2));
}
END_TEST

START_TEST(text_that_never_ends_is_none)
{
    char text[4096];
    struct ptd_subnet s;

    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(ptd_subnet_parse(&s, text), PTD_EINVAL);
    memcpy(text, "1.2.3.4/", 8);
    ck_assert_int_eq(ptd_subnet_parse(&s, text), PTD_EINVAL);
}
END_TEST

START_TEST(format_cuts_what_has_no_room)
{
    struct ptd_subnet s = subnet("100.200.0.0/16");
    char text[8];

    ck_assert_str_eq(ptd_subnet_format(&s, text, sizeof text), "100.200");
    text[0] = 'x';
    ptd_subnet_format(&s, text, 0);
    ck_assert_int_eq(text[0], 'x');
}
END_TEST

/* ---- what lies in it ---------------------------------------------------- */

static const struct {
    const char *subnet, *addr;
    bool has;
} members[] = {
    { "1.2.3.0/24", "1.2.3.4", true },
    { "1.2.2.0/24", "1.2.3.4", false },
    { "1.2.3.4", "1.2.3.4", true },
    { "1.2.3.4", "1.2.3.4:1", true },
    { "1.2.3.4", "5.6.7.8", false },
    { "192.168.0.20/29", "192.168.0.18", true },
    { "192.168.0.20/29", "192.168.0.24", false },
    { "1.2.2.110/31", "1.2.2.111", true },
    { "1.2.2.20/26", "1.2.2.63", true },
    { "1.2.2.20/26", "1.2.2.64", false },
    { "::ffff:127.0.0.1", "127.0.0.1", true },
    { "0.0.0.0/0", "8.8.8.8", true },
    { "0.0.0.0/0", "1:2:3:4:5:6:7:8", false },
    { "::/0", "1.2.3.4", false },
    { "::/0", "1:2:3:4:5:6:7:1234", true },
    { "::/0", "200::1", true },
    { "::/0", "fc00::1", false },
    { "::/0", ONION, false },
    /* These are no addresses at all. */
    { "::/0", "::", false },
    { "0.0.0.0/0", "0.0.0.0", false },
    { "2001:db8::/32", "2001:db8::1", false },
    { "1:2:3:4:5:6:7:0/112", "1:2:3:4:5:6:7:1234", true },
    { "1:2:3:4:5:6:7:0/112", "1:2:3:4:5:6:8:1234", false },
    { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:9", false },
    { "fc00::/8", "fc12::1", true },
    { "fc12::/16", "fc12::1", true },
    { "fc13::/16", "fc12::1", false },
    { "fc00::/7", "fc12::1", false },
    { "fc00::1", "fc00::1", true },
    { "fc00::1", "fc00::2", false },
    { ONION, ONION, true },
    { ONION, I2P, false },
    { I2P, I2P, true },
    { I2P, "1.2.3.4", false },
};

START_TEST(has_is_about_network_and_prefix)
{
    struct ptd_subnet s = subnet(members[_i].subnet);
    struct ptd_netaddr na = addr(members[_i].addr);

    ck_assert_msg(ptd_subnet_has(&s, &na) == members[_i].has, "%s in %s",
                  members[_i].addr, members[_i].subnet);
}
END_TEST

START_TEST(an_ipv6_address_that_looks_like_cjdns_is_the_same)
{
    struct ptd_subnet one = subnet("fc00::1"), all = subnet("fc00::/8");
    struct ptd_netaddr na = addr("fc00::1");

    na.net = PTD_NET_IPV6;
    ck_assert(ptd_subnet_has(&one, &na));
    ck_assert(ptd_subnet_has(&all, &na));
}
END_TEST

START_TEST(no_address_makes_no_subnet)
{
    struct ptd_netaddr none = { .net = PTD_NET_NONE }, v4 = addr("1.2.3.4"),
                       onion = addr(ONION);
    struct ptd_subnet s;

    ck_assert_int_eq(ptd_subnet_of(&s, &none), PTD_EINVAL);
    ck_assert_int_eq(ptd_subnet_of_bits(&s, &none, 0), PTD_EINVAL);
    ck_assert_int_eq(ptd_subnet_of_bits(&s, &onion, 8), PTD_EINVAL);
    ck_assert_int_eq(ptd_subnet_of_bits(&s, &v4, 33), PTD_EINVAL);
    ck_assert_int_eq(ptd_subnet_of_bits(&s, &v4, 31), PTD_OK);
    ck_assert_uint_eq(ptd_subnet_bits(&s), 31);
    ck_assert_uint_eq(s.base.port, 0);
}
END_TEST

START_TEST(order_is_network_base_mask)
{
    static const char *const sorted[] = {
        "127.0.0.0/24",
        "127.0.0.0/32",
        "192.168.0.2/32",
        "2001:4000::/19",
        "2001:4000::/20",
        ONION,
        I2P,
        "fc00::1",
    };

    for (size_t i = 0; i < PTD_COUNT(sorted); i++) {
        for (size_t k = 0; k < PTD_COUNT(sorted); k++) {
            struct ptd_subnet a = subnet(sorted[i]), b = subnet(sorted[k]);
            int c = ptd_subnet_cmp(&a, &b);

            ck_assert_int_eq((c > 0) - (c < 0), (i > k) - (i < k));
            ck_assert(ptd_subnet_is_equal(&a, &b) == (i == k));
        }
    }
}
END_TEST

TCase *subnet_case(void)
{
    TCase *tc = tcase_create("subnet");

    tcase_add_loop_test(tc, text_is_read_and_written_in_one_form, 0,
                        (int)PTD_COUNT(texts));
    tcase_add_test(tc, text_that_never_ends_is_none);
    tcase_add_test(tc, format_cuts_what_has_no_room);
    tcase_add_loop_test(tc, has_is_about_network_and_prefix, 0,
                        (int)PTD_COUNT(members));
    tcase_add_test(tc, an_ipv6_address_that_looks_like_cjdns_is_the_same);
    tcase_add_test(tc, no_address_makes_no_subnet);
    tcase_add_test(tc, order_is_network_base_mask);
    return tc;
}
