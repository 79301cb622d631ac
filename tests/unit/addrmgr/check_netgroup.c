#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_addrmgr.h"
#include "crypto/sha256.h"

/* Addresses of one group, and one beside it. */
static const struct {
    const char *a, *same, *other;
} groups[] = {
    { "1.2.3.4", "1.2.255.255", "1.3.3.4" },
    /* 6to4, Teredo, NAT64, translated: the IPv4 address inside counts */
    { "1.2.3.4", "2002:0102:9999:9999:9999:9999:9999:9999", "2002:103::1" },
    { "1.2.3.4", "2001:0:9999:9999:9999:9999:fefd:fcfb", "2001::1" },
    { "1.2.3.4", "64:ff9b::102:304", "64:ff9b::103:304" },
    { "1.2.3.4", "::ffff:0:102:304", "::ffff:0:103:304" },
    /* tunnels of he.net: /36 */
    { "2001:470:1fff::1", "2001:470:1000::2", "2001:470:2000::1" },
    { "2001:2001:9999::", "2001:2001:1111::1", "2001:2002::1" },
    { "fc01::1", "fc0f:2::3", "fc10::1" },
    { "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
      "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:1",
      "nrfj6inpyf73gpkyool35hcmne5zwfmse3jl3aw23vk7chdemalyaqad.onion" },
    /* local and unroutable ones */
    { "127.0.0.1", "::1", "9.9.9.9" },
    { "127.0.0.1", "10.0.0.1", "2a00::1" },
    { "192.168.0.1", "2001:db8::1", "1.1.1.1" },
    { "169.254.1.1", "fe80::1", "8.8.8.8" },
    /* another network, another group, also with the same bits */
    { "2a00:1::", "2a00:1:2::", "42.0.0.1" },
};

START_TEST(group_is_a_prefix)
{
    struct ptd_netaddr a = na_of(groups[_i].a), b = na_of(groups[_i].same),
                       c = na_of(groups[_i].other);
    struct ptd_group ga, gb, gc;

    ptd_netgroup_of(NULL, &ga, &a);
    ptd_netgroup_of(NULL, &gb, &b);
    ptd_netgroup_of(NULL, &gc, &c);
    ck_assert_msg(ptd_group_is_equal(&ga, &gb), "%s %s", groups[_i].a,
                  groups[_i].same);
    ck_assert_msg(!ptd_group_is_equal(&ga, &gc), "%s %s", groups[_i].a,
                  groups[_i].other);
}
END_TEST

START_TEST(i2p_and_yggdrasil_have_sixteen_groups)
{
    static const unsigned nets[] = { PTD_NET_I2P, PTD_NET_TORV3,
                                     PTD_NET_YGGDRASIL };

    for (size_t i = 0; i < PTD_COUNT(nets); i++) {
        size_t at = nets[i] == PTD_NET_YGGDRASIL ? 2 : 0;
        uint8_t bytes[32] = { 2 };
        struct ptd_group seen[256];
        size_t n_seen = 0;

        for (unsigned v = 0; v < 256; v++) {
            struct ptd_netaddr na;
            struct ptd_group g;
            size_t j = 0;

            bytes[at] = (uint8_t)v;
            ck_assert(ptd_netaddr_set(&na, nets[i], bytes,
                                      ptd_net_addr_bytes(nets[i]),
                                      0) == PTD_OK);
            ptd_netgroup_of(NULL, &g, &na);
            while (j < n_seen && !ptd_group_is_equal(&seen[j], &g))
                j++;
            if (j == n_seen)
                seen[n_seen++] = g;
        }
        ck_assert_uint_eq(n_seen, 16);
    }
}
END_TEST

START_TEST(a_map_makes_systems_groups)
{
    struct ptd_netgroup *ng = netgroup_of_test();
    struct ptd_netaddr v4 = na_of("1.2.3.4"), v6 = na_of("2400:1::1"),
                       tunnel = na_of("2002:102:304::1"),
                       nine_a = na_of("200.1.1.1"), nine_b = na_of("150.9.9.9"),
                       none = na_of("1.3.3.4"), none_too = na_of("1.3.9.9"),
                       private = na_of("192.168.1.1"),
                       onion = na_of("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju"
                                     "6nubxndf4pscryd.onion");
    struct ptd_group a, b;

    ck_assert(ptd_netgroup_has_map(ng));
    ck_assert_uint_eq(ptd_netgroup_as(ng, &v4), 7);
    ck_assert_uint_eq(ptd_netgroup_as(ng, &v6), 7);
    ck_assert_uint_eq(ptd_netgroup_as(ng, &tunnel), 7);
    ck_assert_uint_eq(ptd_netgroup_as(ng, &nine_a), 9);
    ck_assert_uint_eq(ptd_netgroup_as(ng, &none), 0);
    ck_assert_uint_eq(ptd_netgroup_as(ng, &private), 0);
    ck_assert_uint_eq(ptd_netgroup_as(ng, &onion), 0);
    ck_assert_uint_eq(ptd_netgroup_as(NULL, &v4), 0);

    ptd_netgroup_of(ng, &a, &v4);
    ptd_netgroup_of(ng, &b, &v6);
    ck_assert(ptd_group_is_equal(&a, &b));
    ptd_netgroup_of(ng, &a, &nine_a);
    ck_assert(!ptd_group_is_equal(&a, &b));
    ptd_netgroup_of(ng, &b, &nine_b);
    ck_assert(ptd_group_is_equal(&a, &b));
    ptd_netgroup_of(ng, &a, &none);
    ptd_netgroup_of(ng, &b, &none_too);
    ck_assert(ptd_group_is_equal(&a, &b));
    ptd_netgroup_free(ng);
}
END_TEST

START_TEST(an_insane_map_is_refused)
{
    struct ptd_netgroup *ng;
    uint8_t *map = calloc(1, 8);

    ck_assert(ptd_netgroup_new(&ng, map, 8) == PTD_EBADVALUE);
    ck_assert(ptd_netgroup_new(&ng, NULL, 0) == PTD_OK);
    ck_assert(!ptd_netgroup_has_map(ng));
    ptd_netgroup_free(ng);
    ptd_netgroup_free(NULL);
}
END_TEST

START_TEST(the_version_is_the_maps_hash)
{
    struct ptd_netgroup *ng = netgroup_of_test();
    struct mapcode c = map_of_test();
    struct ptd_hash none, got, want;

    ptd_netgroup_version(NULL, &none);
    ck_assert(ptd_hash_is_zero(&none));
    ptd_netgroup_version(ng, &got);
    ptd_sha256d(want.b, c.bytes, map_bytes(&c));
    ck_assert(ptd_hash_eq(&got, &want));
    ptd_netgroup_free(ng);
}
END_TEST

START_TEST(a_name_is_a_source_of_its_own)
{
    struct ptd_netaddr a, b, c;
    struct ptd_group ga, gb, gc, none;
    struct ptd_netaddr local = na_of("127.0.0.1");

    ptd_netgroup_name_source(&a, "seed.example.org");
    ptd_netgroup_name_source(&b, "seed.example.net");
    ptd_netgroup_name_source(&c, "seed.example.org");
    ck_assert(!ptd_netaddr_is_routable(&a));
    ptd_netgroup_of(NULL, &ga, &a);
    ptd_netgroup_of(NULL, &gb, &b);
    ptd_netgroup_of(NULL, &gc, &c);
    ptd_netgroup_of(NULL, &none, &local);
    ck_assert(ptd_group_is_equal(&ga, &gc));
    ck_assert(!ptd_group_is_equal(&ga, &gb));
    ck_assert(!ptd_group_is_equal(&ga, &none));
    /* the first ten bytes of the name's SHA-256 behind fd6b:88c0:8724 */
    ck_assert_mem_eq(a.addr, "\xfd\x6b\x88\xc0\x87\x24", 6);
}
END_TEST

START_TEST(health_of_a_map_is_how_many_it_knows)
{
    struct ptd_netgroup *ng = netgroup_of_test();
    struct rig r = rig_new_with(RIG_CHECK_ALL, ng);
    struct ptd_addrmgr_as_health h;

    ck_assert(ptd_addrmgr_check_as_health(r.m, &h) == PTD_OK);
    ck_assert_uint_eq(h.n_addresses, 0);
    rig_add(&r, "1.2.3.4");         /* 7 */
    rig_add(&r, "2400:1::1");       /* 7 */
    rig_add(&r, "200.1.1.1");       /* 9 */
    rig_add(&r, "2002:103:304::1"); /* 1.3.3.4: none */
    rig_add(&r, "fc00::1");         /* does not count */
    ck_assert_uint_eq(ptd_addrmgr_size(r.m, PTD_NET_NONE, PTD_ADDRMGR_BOTH), 5);
    ck_assert(ptd_addrmgr_check_as_health(r.m, &h) == PTD_OK);
    ck_assert_uint_eq(h.n_addresses, 4);
    ck_assert_uint_eq(h.n_systems, 2);
    ck_assert_uint_eq(h.n_unmapped, 1);
    rig_free(&r);
    ptd_netgroup_free(ng);
}
END_TEST

static const struct {
    const char *address;
    enum ptd_net net;
} classes[] = {
    { "1.2.3.4", PTD_NET_IPV4 },  { "2a00::1", PTD_NET_IPV6 },
    { "10.0.0.1", PTD_NET_NONE }, { "2002:102:304::1", PTD_NET_IPV4 },
    { "fc00::1", PTD_NET_CJDNS }, { "::1", PTD_NET_NONE },
};

START_TEST(class_is_the_network_it_counts_for)
{
    struct ptd_netaddr na = na_of(classes[_i].address);

    ck_assert_int_eq(ptd_netgroup_class(&na), classes[_i].net);
}
END_TEST

Suite *suite_netgroup(void)
{
    Suite *s = suite_create("netgroup");
    TCase *tc = tcase_create("netgroup");

    suite_add_tcase(s, tc);
    tcase_add_loop_test(tc, group_is_a_prefix, 0, PTD_COUNT(groups));
    tcase_add_test(tc, i2p_and_yggdrasil_have_sixteen_groups);
    tcase_add_test(tc, a_map_makes_systems_groups);
    tcase_add_test(tc, an_insane_map_is_refused);
    tcase_add_test(tc, the_version_is_the_maps_hash);
    tcase_add_test(tc, a_name_is_a_source_of_its_own);
    tcase_add_test(tc, health_of_a_map_is_how_many_it_knows);
    tcase_add_loop_test(tc, class_is_the_network_it_counts_for, 0,
                        PTD_COUNT(classes));
    return s;
}
