#include <config.h>

#include "connmgr/gateway.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/util.h"
#include "guard.h"

#define HEAD4                                                                  \
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\t"  \
    "Window\tIRTT \n"
#define ZERO  "00000000000000000000000000000000"
#define FE801 "fe800000000000000000000000000001"

static const struct {
    const char *name;
    enum ptd_net net;
    const char *table;
    const char *want;      /* NULL: none */
    const char *interface; /* of it */
} tables[] = {
    { "empty", PTD_NET_IPV4, "", NULL, NULL },
    { "heading alone", PTD_NET_IPV4, HEAD4, NULL, NULL },
    { "one", PTD_NET_IPV4,
      HEAD4 "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0 \n"
            "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0 \n",
      "192.0.2.1", "eth0" },
    { "the lowest metric", PTD_NET_IPV4,
      HEAD4 "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
            "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
            "eth1\t00000000\t0103A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
      "192.168.2.1", "eth0" },
    { "the highest metric there is", PTD_NET_IPV4,
      "eth0\t00000000\t0102A8C0\t0003\t0\t0\t4294967295\t00000000\t0\t0\t0\n",
      "192.168.2.1", "eth0" },
    { "down", PTD_NET_IPV4,
      "eth0\t00000000\t0101A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n", NULL,
      NULL },
    { "no gateway (ppp)", PTD_NET_IPV4,
      "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", NULL,
      NULL },
    { "half of the world", PTD_NET_IPV4,
      "tun0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n", NULL,
      NULL },
    { "rubbish", PTD_NET_IPV4,
      "\n\n\xff\xfe\n0\neth0\neth0\t0000000g\t0101A8C0\t0003\n"
      "averyveryverylonginterface\t00000000\t0101A8C0\t0003\t0\t0\t0\t0\n",
      NULL, NULL },
    { "rubbish, and one", PTD_NET_IPV4,
      "x\neth9\t00000000\t0101A8C0\t0003\t0\t0\t7\t00000000", "192.168.1.1",
      "eth9" },
    { "one of IPv6", PTD_NET_IPV6,
      "fd000000000000000000000000000000 40 " ZERO " 00 " ZERO
      " 00000100 00000001 00000000 00000001     eth0\n" ZERO " 00 " ZERO
      " 00 " FE801 " 00000400 00000003 00000000 00000003     eth0\n" ZERO
      " 00 " ZERO " 00 " ZERO " ffffffff 00000001 00000000 00200200       lo\n",
      "fe80::1", "eth0" },
    { "the lowest metric of IPv6", PTD_NET_IPV6,
      ZERO " 00 " ZERO " 00 " FE801
           " 00000400 00000003 00000000 00000003 wlan0\n" ZERO " 00 " ZERO
           " 00 fe800000000000000000000000000002"
           " 00000064 00000003 00000000 00000003 eth1\n",
      "fe80::2", "eth1" },
    { "not the default", PTD_NET_IPV6,
      "20000000000000000000000000000000 03 " ZERO " 00 " FE801
      " 00000400 00000003 00000000 00000003     eth0\n",
      NULL, NULL },
    { "rubbish of IPv6", PTD_NET_IPV6,
      ZERO " 00 " ZERO " 00 fe8 00000400 00000003 00000000 00000003 eth0\n" ZERO
           " 00 " ZERO
           " 00 fe80000000000000000000000000000x 0 0 0 3 eth0\n" ZERO " 00\n",
      NULL, NULL },
};

START_TEST(the_default_route_is_found)
{
    FILE *f = fmemopen((void *)(uintptr_t)tables[_i].table,
                       strlen(tables[_i].table) + 1, "r");
    char text[PTD_NETADDR_TEXT];
    struct ptd_gateway g;
    enum ptd_err e;

    ck_assert_ptr_nonnull(f);
    e = ptd_gateway_read(&g, f, tables[_i].net);
    fclose(f);
    if (tables[_i].want == NULL) {
        ck_assert_msg(e == PTD_ENOTFOUND, "%s", tables[_i].name);
        return;
    }
    ck_assert_msg(e == PTD_OK, "%s", tables[_i].name);
    ck_assert_str_eq(ptd_netaddr_format_host(&g.na, text, sizeof text),
                     tables[_i].want);
    ck_assert_str_eq(g.interface, tables[_i].interface);
    ck_assert_uint_eq(g.na.port, 0);
}
END_TEST

/* What there is depends on the machine; it must be of the right kind. */
START_TEST(the_system_is_asked)
{
    struct ptd_netaddr local[4];
    struct ptd_gateway g;

    if (ptd_gateway_find(&g, PTD_NET_IPV4) == PTD_OK)
        ck_assert_uint_eq(g.na.net, PTD_NET_IPV4);
    if (ptd_gateway_find(&g, PTD_NET_IPV6) == PTD_OK)
        ck_assert_uint_eq(g.na.net, PTD_NET_IPV6);
    for (size_t n = ptd_gateway_local_ipv6(local, 4); n > 0; n--)
        ck_assert(ptd_netaddr_is_routable(&local[n - 1]));
    ck_assert_uint_eq(ptd_gateway_local_ipv6(local, 0), 0);
}
END_TEST

TCase *gateway_case(void)
{
    TCase *tc = tcase_create("gateway");

    tcase_add_loop_test(tc, the_default_route_is_found, 0,
                        (int)PTD_COUNT(tables));
    tcase_add_test(tc, the_system_is_asked);
    return tc;
}
