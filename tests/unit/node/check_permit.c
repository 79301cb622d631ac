#include <config.h>

#include "node/permit.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "check_node.h"

#define ONION "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"

/* ---- subnets --------------------------------------------------------------- */

static const struct {
    const char *subnet, *addr;
    bool has;
} members[] = {
    { "1.2.3.4", "1.2.3.4", true },
    { "1.2.3.4", "1.2.3.5", false },
    { "1.2.3.0/24", "1.2.3.255", true },
    { "1.2.3.77/24", "1.2.3.4", true },
    { "1.2.3.0/24", "1.2.4.0", false },
    { "1.2.3.4/32", "1.2.3.4", true },
    { "1.2.3.4/31", "1.2.3.5", true },
    { "1.2.3.4/31", "1.2.3.6", false },
    { "0.0.0.0/0", "255.255.255.254", true },
    { "0.0.0.0/0", "::1", false },
    { "10.0.0.0/255.0.0.0", "10.9.8.7", true },
    { "10.0.0.0/255.128.0.0", "10.128.0.1", false },
    { "::/0", "2001:db9::1", true },
    { "::/0", "1.2.3.4", false },
    { "2001:db9::/32", "2001:db9:ffff::", true },
    { "2001:db9::/33", "2001:db9:8000::", false },
    { "[2001:db9::]/32", "2001:db9::7", true },
    { "2001:db9::/ffff:ffff::", "2001:db9::1", true },
    { "fc00::/8", "fc12::1", true },
    { "fc00::/8", "fd12::1", false },
    { ONION, ONION, true },
    { ONION, "1.2.3.4", false },
};

START_TEST(subnet_has_its_members)
{
    struct ptd_subnet s;
    struct ptd_netaddr na;

    ck_assert_int_eq(ptd_subnet_parse(&s, members[_i].subnet), PTD_OK);
    ck_assert_int_eq(ptd_netaddr_parse(&na, members[_i].addr, 8333), PTD_OK);
    ck_assert_msg(ptd_subnet_has(&s, &na) == members[_i].has, "%s, %s",
                  members[_i].subnet, members[_i].addr);
}
END_TEST

static const char *const no_subnets[] = {
    "",
    "/",
    "/24",
    "1.2.3.4/",
    "1.2.3.4/33",
    "1.2.3.4/-1",
    "1.2.3.4/+1",
    "1.2.3.4/2x",
    "1.2.3.4/255.0.255.0",
    "1.2.3.4/0.0.0.255",
    "1.2.3.4/ffff::",
    "1.2.3.4:80",
    "1.2.3.4:80/24",
    "1.2.3/24",
    "::1/129",
    "::/255.0.0.0",
    "[::1]:80",
    "example.org",
    ONION "/8",
    "1.2.3.4/24/24",
    ONION ONION "/1", /* longer than any address */
};

START_TEST(no_subnet)
{
    struct ptd_subnet s;

    ck_assert_msg(ptd_subnet_parse(&s, no_subnets[_i]) == PTD_EINVAL, "\"%s\"",
                  no_subnets[_i]);
}
END_TEST

/* ---- permissions ------------------------------------------------------------- */

static const struct {
    const char *text;
    unsigned permissions;
    bool in, out;
} lists[] = {
    { "1.2.3.4", PTD_MAY_IMPLICIT, true, false },
    { "@1.2.3.4", 0, true, false },
    { "noban@1.2.3.4", PTD_MAY_NOBAN, true, false },
    { "bloom@1.2.3.4", PTD_MAY_BLOOM, true, false },
    { "bloomfilter,forcerelay@1.2.3.4", PTD_MAY_BLOOM | PTD_MAY_FORCE_RELAY,
      true, false },
    { "mempool,,download,@1.2.3.4", PTD_MAY_MEMPOOL | PTD_MAY_DOWNLOAD, true,
      false },
    { "out,addr@1.2.3.4", PTD_MAY_ADDR, false, true },
    { "in,out,relay@1.2.3.4", PTD_MAY_RELAY, true, true },
    { "all@1.2.3.0/24", PTD_MAY_ALL, true, false },
};

START_TEST(whitelist_is_read)
{
    struct ptd_complaint why;
    struct ptd_whitelist w;

    ck_assert_msg(ptd_whitelist_parse(&w, lists[_i].text, &why) == PTD_OK, "%s",
                  why.text);
    ck_assert_uint_eq(w.permissions, lists[_i].permissions);
    ck_assert_int_eq(w.in, lists[_i].in);
    ck_assert_int_eq(w.out, lists[_i].out);
}
END_TEST

static const struct {
    unsigned permissions;
    const char *names;
} names[] = {
    { 0, "" },
    { PTD_MAY_IMPLICIT, "" },
    { PTD_MAY_NOBAN, "noban download " },
    { PTD_MAY_DOWNLOAD, "download " },
    { PTD_MAY_FORCE_RELAY, "forcerelay relay " },
    { PTD_MAY_RELAY, "relay " },
    { PTD_MAY_ALL,
      "bloomfilter noban forcerelay relay mempool download addr " },
};

START_TEST(permissions_have_names)
{
    char got[128] = "";
    const char *name;

    for (size_t i = 0;
         (name = ptd_permission_name(names[_i].permissions, i)) != NULL; i++) {
        strcat(got, name);
        strcat(got, " ");
    }
    ck_assert_str_eq(got, names[_i].names);
}
END_TEST

TCase *tcase_permit(void)
{
    TCase *tc = tcase_create("permit");

    tcase_add_loop_test(tc, subnet_has_its_members, 0, PTD_COUNT(members));
    tcase_add_loop_test(tc, no_subnet, 0, PTD_COUNT(no_subnets));
    tcase_add_loop_test(tc, whitelist_is_read, 0, PTD_COUNT(lists));
    tcase_add_loop_test(tc, permissions_have_names, 0, PTD_COUNT(names));
    return tc;
}
