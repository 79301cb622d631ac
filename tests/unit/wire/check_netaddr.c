#include <config.h>

#include "check_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/util.h"
#include "pentad/netaddr.h"

/* The addresses that BIP 155 and its companions give as examples. */
#define ONION_KEY                                                              \
    "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f"
#define ONION "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
#define I2P_KEY                                                                \
    "a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87"
#define I2P "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"

static struct ptd_netaddr parsed(const char *text)
{
    struct ptd_netaddr na;

    ck_assert_msg(ptd_netaddr_parse(&na, text, 8333) == PTD_OK, "%s", text);
    return na;
}

/* ---- text ------------------------------------------------------------------ */

static const struct {
    const char *text;
    unsigned net;
    const char *addr; /* hexadecimal */
    uint16_t port;
    const char *canonical; /* NULL: the text itself */
} good[] = {
    { "1.2.3.4:8333", PTD_NET_IPV4, "01020304", 8333, NULL },
    { "1.2.3.4", PTD_NET_IPV4, "01020304", 8333, "1.2.3.4:8333" },
    { "0.0.0.0:0", PTD_NET_IPV4, "00000000", 0, NULL },
    { "255.255.255.255:65535", PTD_NET_IPV4, "ffffffff", 65535, NULL },
    { "[2001:db8::1]:8333", PTD_NET_IPV6, "20010db8000000000000000000000001",
      8333, NULL },
    { "2001:DB8::1", PTD_NET_IPV6, "20010db8000000000000000000000001", 8333,
      "[2001:db8::1]:8333" },
    { "[2001:db8::1]", PTD_NET_IPV6, "20010db8000000000000000000000001", 8333,
      "[2001:db8::1]:8333" },
    { "[::]:0", PTD_NET_IPV6, "00000000000000000000000000000000", 0, NULL },
    { "[::1]:1", PTD_NET_IPV6, "00000000000000000000000000000001", 1, NULL },
    { "[1::]:1", PTD_NET_IPV6, "00010000000000000000000000000000", 1, NULL },
    { "[1:2:3:4:5:6:7:8]:1", PTD_NET_IPV6, "00010002000300040005000600070008",
      1, NULL },
    /* RFC 5952: the first of the longest runs; one group is no run. */
    { "[1:0:0:2:0:0:0:3]:1", PTD_NET_IPV6, "00010000000000020000000000000003",
      1, "[1:0:0:2::3]:1" },
    { "[1:0:0:2:3:0:0:4]:1", PTD_NET_IPV6, "00010000000000020003000000000004",
      1, "[1::2:3:0:0:4]:1" },
    { "[1:0:2:3:4:5:6:7]:1", PTD_NET_IPV6, "00010000000200030004000500060007",
      1, NULL },
    { "[::2:3:4:5:6:7:8]:1", PTD_NET_IPV6, "00000002000300040005000600070008",
      1, "[0:2:3:4:5:6:7:8]:1" },
    { "[1:2:3:4:5:6:7::]:1", PTD_NET_IPV6, "00010002000300040005000600070000",
      1, "[1:2:3:4:5:6:7:0]:1" },
    { "[64:ff9b::1.2.3.4]:1", PTD_NET_IPV6, "0064ff9b000000000000000001020304",
      1, "[64:ff9b::102:304]:1" },
    { "[::ffff:1.2.3.4]:1", PTD_NET_IPV4, "01020304", 1, "1.2.3.4:1" },
    { "::ffff:102:304", PTD_NET_IPV4, "01020304", 8333, "1.2.3.4:8333" },
    { "[fc00:1:2:3:4:5:6:7]:1", PTD_NET_CJDNS,
      "fc000001000200030004000500060007", 1, NULL },
    { "[fd00::1]:1", PTD_NET_IPV6, "fd000000000000000000000000000001", 1,
      NULL },
    { "[200:1::2]:1", PTD_NET_YGGDRASIL, "02000001000000000000000000000002", 1,
      NULL },
    { "[3ff::2]:1", PTD_NET_YGGDRASIL, "03ff0000000000000000000000000002", 1,
      NULL },
    { ONION, PTD_NET_TORV3, ONION_KEY, 8333, ONION ":8333" },
    { ONION ":1", PTD_NET_TORV3, ONION_KEY, 1, NULL },
    { "PG6MMJIYJMCRSSLVYKFWNNTLARU7P5SVN6Y2YMMJU6NUBXNDF4PSCRYD.Onion:1",
      PTD_NET_TORV3, ONION_KEY, 1, ONION ":1" },
    { I2P ":0", PTD_NET_I2P, I2P_KEY, 0, NULL },
};

START_TEST(parse_takes_every_form_and_format_writes_the_canonical)
{
    struct ptd_netaddr na = parsed(good[_i].text);
    char hex[2 * PTD_NETADDR_MAX_BYTES + 1], text[PTD_NETADDR_TEXT];

    ck_assert_uint_eq(na.net, good[_i].net);
    ck_assert_uint_eq(na.port, good[_i].port);
    ck_assert_uint_eq(na.len, ptd_net_addr_bytes(na.net));
    ck_assert_str_eq(ptd_hex_encode(hex, na.addr, na.len), good[_i].addr);
    ck_assert_str_eq(ptd_netaddr_format(&na, text, sizeof text),
                     good[_i].canonical != NULL ? good[_i].canonical
                                                : good[_i].text);
}
END_TEST

static const char *const bad[] = {
    "",
    ":",
    ":8333",
    "localhost",
    "localhost:8333",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.04",
    "01.2.3.4",
    "0x1.2.3.4",
    "1.2.3.",
    "1.2..4",
    "16909060",
    " 1.2.3.4",
    "1.2.3.4 ",
    "1.2.3.4:",
    "1.2.3.4:65536",
    "1.2.3.4:100000",
    "1.2.3.4:+1",
    "1.2.3.4:-1",
    "1.2.3.4: 1",
    "1.2.3.4:1a",
    "[1.2.3.4]:1",
    "[::1",
    "::1]",
    "[::1]x",
    "[::1]1",
    "[]:1",
    "[::1]:",
    "[::1]:65536",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "12345::",
    "g::",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:",
    "1:",
    "::1%lo",
    "::1.2.3",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4",
    /* OnionCat: Tor v2 as an IPv6 address. */
    "fd87:d87e:eb43::1",
    /* Tor v2. */
    "6hzph5hv6337r6p2.onion",
    /* One letter changed: wrong checksum. */
    "qg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
    /* Another version, its letter "e" for "d". */
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscrye.onion",
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscry.onion",
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd1.onion",
    "1g6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
    ".onion",
    "onion",
    /* Bits behind the 256th. */
    "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdr.b32.i2p",
    "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkd.b32.i2p",
    "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.i2p",
    "[" ONION "]:1",
    ONION ".",
};

START_TEST(parse_refuses)
{
    struct ptd_netaddr na;

    ck_assert_msg(ptd_netaddr_parse(&na, bad[_i], 8333) == PTD_EINVAL, "%s",
                  bad[_i]);
}
END_TEST

START_TEST(parse_refuses_what_is_longer_than_any_address)
{
    char text[5000];
    struct ptd_netaddr na;

    for (size_t n = 60; n < sizeof text; n += 7) {
        memset(text, '1', n);
        text[n] = '\0';
        ck_assert_int_eq(ptd_netaddr_parse(&na, text, 1), PTD_EINVAL);
        text[0] = '[';
        text[n - 1] = ']';
        ck_assert_int_eq(ptd_netaddr_parse(&na, text, 1), PTD_EINVAL);
    }
}
END_TEST

START_TEST(host_is_written_without_port_and_brackets)
{
    static const char *const hosts[] = { "1.2.3.4", "2001:db8::1", "fc00::1",
                                         ONION, I2P };
    char text[PTD_NETADDR_TEXT];

    for (size_t i = 0; i < PTD_COUNT(hosts); i++) {
        struct ptd_netaddr na = parsed(hosts[i]);

        ck_assert_str_eq(ptd_netaddr_format_host(&na, text, sizeof text),
                         hosts[i]);
    }
}
END_TEST

START_TEST(format_cuts_at_the_end_of_the_buffer)
{
    struct ptd_netaddr na = parsed(ONION ":65535");
    char text[PTD_NETADDR_TEXT];

    for (size_t cap = 0; cap <= sizeof text; cap++) {
        memset(text, 'x', sizeof text);
        ptd_netaddr_format(&na, text, cap);
        if (cap > 0)
            ck_assert_uint_eq(strlen(text),
                              PTD_MIN(cap - 1, strlen(ONION ":65535")));
        for (size_t i = cap; i < sizeof text; i++)
            ck_assert_int_eq(text[i], 'x');
    }
}
END_TEST

START_TEST(no_address_reads_as_the_unspecified_one)
{
    const struct ptd_netaddr none = { .port = 0 };
    const struct ptd_netaddr odd = { .net = 200, .len = 99 };
    char text[PTD_NETADDR_TEXT];

    ck_assert_str_eq(ptd_netaddr_format(&none, text, sizeof text), "[::]:0");
    ck_assert(!ptd_netaddr_is_valid(&none));
    ck_assert(!ptd_netaddr_is_routable(&none));
    ck_assert(!ptd_netaddr_is_valid(&odd));
    ck_assert_str_eq(ptd_netaddr_network_name(&odd), "not_publicly_routable");
    ptd_netaddr_format(&odd, text, sizeof text);
    (void)ptd_netaddr_hash(&odd, 1, 2);
}
END_TEST

static const struct {
    const char *text, *host;
    uint16_t port;
    enum ptd_err err;
} splits[] = {
    { "example.org", "example.org", 1, PTD_OK },
    { "example.org:2", "example.org", 2, PTD_OK },
    { "[::1]:2", "::1", 2, PTD_OK },
    { "[::1]", "::1", 1, PTD_OK },
    { "::1", "::1", 1, PTD_OK },
    { "::1:2", "::1:2", 1, PTD_OK },
    { "example.org:", NULL, 0, PTD_EINVAL },
    { "example.org:0x1", NULL, 0, PTD_EINVAL },
    { "[example.org]x:1", NULL, 0, PTD_EINVAL },
    { ":1", NULL, 0, PTD_EINVAL },
    { "a-host-that-is-longer", NULL, 0, PTD_ETOOBIG },
};

START_TEST(split_finds_host_and_port)
{
    char host[16];
    uint16_t port;
    enum ptd_err err =
        ptd_hostport_split(splits[_i].text, host, sizeof host, &port, 1);

    ck_assert_int_eq(err, splits[_i].err);
    if (err != PTD_OK)
        return;
    ck_assert_str_eq(host, splits[_i].host);
    ck_assert_uint_eq(port, splits[_i].port);
}
END_TEST

/* ---- bytes ----------------------------------------------------------------- */

START_TEST(set_wants_the_length_of_the_network)
{
    static const uint8_t bytes[PTD_NETADDR_MAX_BYTES + 1] = { 1, 2, 3 };
    struct ptd_netaddr na;

    for (unsigned net = 0; net < 256; net++) {
        for (size_t n = 0; n <= sizeof bytes; n++) {
            bool fits = n > 0 && n == ptd_net_addr_bytes(net);

            ck_assert_int_eq(ptd_netaddr_set(&na, net, bytes, n, 1),
                             fits ? PTD_OK : PTD_EBADVALUE);
        }
    }
    ck_assert_uint_eq(ptd_net_addr_bytes(PTD_NET_NONE), 0);
    ck_assert_uint_eq(ptd_net_addr_bytes(8), 0);
}
END_TEST

static const struct {
    const char *hex;
    unsigned net;
} ip16s[] = {
    { "00000000000000000000ffff01020304", PTD_NET_IPV4 },
    { "20010db8000000000000000000000001", PTD_NET_IPV6 },
    { "00000000000000000000000000000000", PTD_NET_IPV6 },
    { "00000000000000000000000001020304", PTD_NET_IPV6 },
    { "fd87d87eeb43f1f2f3f4f5f6f7f8f9fa", PTD_NET_TORV2 },
    { "fc000000000000000000000000000001", PTD_NET_IPV6 },
};

START_TEST(sixteen_bytes_come_back_as_they_were)
{
    struct ptd_netaddr na;
    uint8_t ip[16], back[16];
    size_t n;

    ck_assert(ptd_hex_decode(ip, sizeof ip, &n, ip16s[_i].hex));
    ptd_netaddr_from_ip16(&na, ip, 5);
    ck_assert_uint_eq(na.net, ip16s[_i].net);
    ck_assert_uint_eq(na.port, 5);
    ck_assert_uint_eq(na.len, ptd_net_addr_bytes(na.net));
    ck_assert(ptd_netaddr_to_ip16(&na, back));
    ck_assert_mem_eq(ip, back, 16);
}
END_TEST

START_TEST(what_does_not_fit_sixteen_bytes_gives_zeros)
{
    static const char *const texts[] = { ONION, I2P, "fc00::1", "200::1" };
    static const uint8_t zeros[16];

    for (size_t i = 0; i < PTD_COUNT(texts); i++) {
        struct ptd_netaddr na = parsed(texts[i]);
        uint8_t ip[16] = { 1 };

        ck_assert(!ptd_netaddr_to_ip16(&na, ip));
        ck_assert_mem_eq(ip, zeros, 16);
    }
}
END_TEST

START_TEST(only_fc00_becomes_cjdns)
{
    static const uint8_t ip[16] = { 0xfc, 1 }, other[16] = { 0xfd, 1 };
    struct ptd_netaddr na;

    ptd_netaddr_from_ip16(&na, ip, 1);
    ptd_netaddr_ipv6_to_cjdns(&na);
    ck_assert_uint_eq(na.net, PTD_NET_CJDNS);
    ptd_netaddr_from_ip16(&na, other, 1);
    ptd_netaddr_ipv6_to_cjdns(&na);
    ck_assert_uint_eq(na.net, PTD_NET_IPV6);
}
END_TEST

/* ---- comparing ------------------------------------------------------------- */

START_TEST(order_equality_and_hash_agree)
{
    static const char *const sorted[] = { "1.2.3.4:1", "1.2.3.4:2", "2.1.1.1:1",
                                          "[::1]:1",   ONION ":1",  I2P ":1",
                                          "[fc00::]:1" };

    for (size_t i = 0; i < PTD_COUNT(sorted); i++) {
        for (size_t k = 0; k < PTD_COUNT(sorted); k++) {
            struct ptd_netaddr a = parsed(sorted[i]), b = parsed(sorted[k]);
            int order = ptd_netaddr_cmp(&a, &b);

            ck_assert_int_eq((order > 0) - (order < 0), (i > k) - (i < k));
            ck_assert(ptd_netaddr_is_equal(&a, &b) == (i == k));
            ck_assert((ptd_netaddr_hash(&a, 1, 2) ==
                       ptd_netaddr_hash(&b, 1, 2)) == (i == k));
            ck_assert(ptd_netaddr_hash(&a, 1, 2) != ptd_netaddr_hash(&b, 2, 1));
        }
    }
}
END_TEST

START_TEST(same_host_looks_at_no_port)
{
    struct ptd_netaddr a = parsed("1.2.3.4:1"), b = parsed("1.2.3.4:2");
    struct ptd_netaddr c = parsed("1.2.3.5:1"), d = parsed("[102:304::]:1");

    ck_assert(ptd_netaddr_is_same_host(&a, &b));
    ck_assert(!ptd_netaddr_is_same_host(&a, &c));
    ck_assert(!ptd_netaddr_is_same_host(&a, &d));
}
END_TEST

/* ---- what kind it is ------------------------------------------------------- */

#define NOT_ROUTABLE "not_publicly_routable"

static const struct {
    const char *text;
    bool valid, local;
    const char *network; /* NOT_ROUTABLE: it is not routable */
} kinds[] = {
    { "8.8.8.8", true, false, "ipv4" },
    { "0.0.0.0", false, true, NOT_ROUTABLE },
    { "255.255.255.255", false, false, NOT_ROUTABLE },
    { "0.0.0.1", true, true, NOT_ROUTABLE },
    { "127.0.0.1", true, true, NOT_ROUTABLE },
    { "127.255.255.255", true, true, NOT_ROUTABLE },
    { "128.0.0.1", true, false, "ipv4" },
    { "9.255.255.255", true, false, "ipv4" },
    { "10.0.0.0", true, false, NOT_ROUTABLE },
    { "10.255.255.255", true, false, NOT_ROUTABLE },
    { "11.0.0.0", true, false, "ipv4" },
    { "172.15.255.255", true, false, "ipv4" },
    { "172.16.0.0", true, false, NOT_ROUTABLE },
    { "172.31.255.255", true, false, NOT_ROUTABLE },
    { "172.32.0.0", true, false, "ipv4" },
    { "192.167.255.255", true, false, "ipv4" },
    { "192.168.0.0", true, false, NOT_ROUTABLE },
    { "192.169.0.0", true, false, "ipv4" },
    { "198.17.255.255", true, false, "ipv4" },
    { "198.18.0.0", true, false, NOT_ROUTABLE },
    { "198.19.255.255", true, false, NOT_ROUTABLE },
    { "198.20.0.0", true, false, "ipv4" },
    { "169.253.255.255", true, false, "ipv4" },
    { "169.254.0.0", true, false, NOT_ROUTABLE },
    { "169.255.0.0", true, false, "ipv4" },
    { "192.0.2.255", true, false, NOT_ROUTABLE },
    { "192.0.3.0", true, false, "ipv4" },
    { "198.51.100.0", true, false, NOT_ROUTABLE },
    { "203.0.113.255", true, false, NOT_ROUTABLE },
    { "203.0.114.0", true, false, "ipv4" },
    { "100.63.255.255", true, false, "ipv4" },
    { "100.64.0.0", true, false, NOT_ROUTABLE },
    { "100.127.255.255", true, false, NOT_ROUTABLE },
    { "100.128.0.0", true, false, "ipv4" },
    { "::", false, false, NOT_ROUTABLE },
    { "::1", true, true, NOT_ROUTABLE },
    { "::2", true, false, "ipv6" },
    { "2a00:1450::1", true, false, "ipv6" },
    { "2001:db8::1", false, false, NOT_ROUTABLE },
    { "2001:db7::1", true, false, "ipv6" },
    { "2001:10::1", true, false, NOT_ROUTABLE },
    { "2001:1f:ffff::1", true, false, NOT_ROUTABLE },
    { "2001:20::1", true, false, NOT_ROUTABLE },
    { "2001:2f:ffff::1", true, false, NOT_ROUTABLE },
    { "2001:30::1", true, false, "ipv6" },
    { "2001:470::1", true, false, "ipv6" },
    { "fd00::1", true, false, NOT_ROUTABLE },
    { "fd6b:88c0:8724::1", false, false, NOT_ROUTABLE },
    { "fe80::1", true, false, NOT_ROUTABLE },
    { "fe80:0:0:1::1", true, false, "ipv6" },
    /* An IPv4 address inside makes it "ipv4". */
    { "2002:808:808::1", true, false, "ipv4" },
    { "2001::1", true, false, "ipv4" },
    { "64:ff9b::808:808", true, false, "ipv4" },
    { "::ffff:0:808:808", true, false, "ipv4" },
    { ONION, true, false, "onion" },
    { I2P, true, false, "i2p" },
    { "fc00::1", true, false, "cjdns" },
    { "200::1", true, false, "yggdrasil" },
};

START_TEST(kind_is_as_in_bitcoin_core)
{
    struct ptd_netaddr na = parsed(kinds[_i].text);
    bool routable = strcmp(kinds[_i].network, NOT_ROUTABLE) != 0;

    ck_assert(ptd_netaddr_is_valid(&na) == kinds[_i].valid);
    ck_assert(ptd_netaddr_is_local(&na) == kinds[_i].local);
    ck_assert(ptd_netaddr_is_routable(&na) == routable);
    ck_assert_str_eq(ptd_netaddr_network_name(&na), kinds[_i].network);
}
END_TEST

START_TEST(overlay_addresses_outside_their_range_are_invalid)
{
    static const uint8_t ip[16] = { 0xfd }, zeros[10];
    struct ptd_netaddr na;

    ck_assert_int_eq(ptd_netaddr_set(&na, PTD_NET_CJDNS, ip, 16, 1), PTD_OK);
    ck_assert(!ptd_netaddr_is_valid(&na));
    ck_assert_int_eq(ptd_netaddr_set(&na, PTD_NET_YGGDRASIL, ip, 16, 1),
                     PTD_OK);
    ck_assert(!ptd_netaddr_is_valid(&na));
    ck_assert_int_eq(ptd_netaddr_set(&na, PTD_NET_TORV2, zeros, 10, 1), PTD_OK);
    ck_assert(!ptd_netaddr_is_valid(&na));
}
END_TEST

static const struct {
    const char *text;
    unsigned range; /* enum ptd_net_range; PTD_N_RANGES: none */
} ranges[] = {
    { "10.1.2.3", PTD_RANGE_RFC1918 },
    { "172.20.0.1", PTD_RANGE_RFC1918 },
    { "192.168.1.1", PTD_RANGE_RFC1918 },
    { "198.18.0.1", PTD_RANGE_RFC2544 },
    { "169.254.1.1", PTD_RANGE_RFC3927 },
    { "192.0.2.1", PTD_RANGE_RFC5737 },
    { "198.51.100.1", PTD_RANGE_RFC5737 },
    { "203.0.113.1", PTD_RANGE_RFC5737 },
    { "100.64.0.1", PTD_RANGE_RFC6598 },
    { "2001:db8::1", PTD_RANGE_RFC3849 },
    { "2002::1", PTD_RANGE_RFC3964 },
    { "fd00::1", PTD_RANGE_RFC4193 },
    { "2001::1", PTD_RANGE_RFC4380 },
    { "2001:10::1", PTD_RANGE_RFC4843 },
    { "fe80::1", PTD_RANGE_RFC4862 },
    { "64:ff9b::1", PTD_RANGE_RFC6052 },
    { "::ffff:0:1.2.3.4", PTD_RANGE_RFC6145 },
    { "2001:20::1", PTD_RANGE_RFC7343 },
    { "2001:470::1", PTD_RANGE_HE_NET },
    { "8.8.8.8", PTD_N_RANGES },
    { "2a00::1", PTD_N_RANGES },
    { ONION, PTD_N_RANGES },
};

START_TEST(each_range_holds_its_own)
{
    struct ptd_netaddr na = parsed(ranges[_i].text);

    for (unsigned r = 0; r < PTD_N_RANGES; r++)
        ck_assert_msg(ptd_netaddr_is_in_range(&na, (enum ptd_net_range)r) ==
                          (r == ranges[_i].range),
                      "%s, range %u", ranges[_i].text, r);
}
END_TEST

static const struct {
    const char *text, *ipv4; /* NULL: none */
} links[] = {
    { "8.8.4.4", "8.8.4.4" },
    { "2002:808:404::1", "8.8.4.4" },
    { "64:ff9b::808:404", "8.8.4.4" },
    { "::ffff:0:808:404", "8.8.4.4" },
    { "2001:0:1:2:3:4:f7f7:fbfb", "8.8.4.4" },
    { "10.0.0.1", NULL },
    { "2a00::808:404", NULL },
    { ONION, NULL },
};

START_TEST(linked_ipv4_is_taken_out)
{
    struct ptd_netaddr na = parsed(links[_i].text), inner;
    uint8_t ipv4[4];
    char text[PTD_NETADDR_TEXT];

    ck_assert(ptd_netaddr_linked_ipv4(&na, ipv4) == (links[_i].ipv4 != NULL));
    if (links[_i].ipv4 == NULL)
        return;
    ck_assert_int_eq(ptd_netaddr_set(&inner, PTD_NET_IPV4, ipv4, 4, 0), PTD_OK);
    ck_assert_str_eq(ptd_netaddr_format_host(&inner, text, sizeof text),
                     links[_i].ipv4);
}
END_TEST

TCase *tcase_netaddr(void)
{
    TCase *tc = tcase_create("netaddr");

    tcase_add_loop_test(tc,
                        parse_takes_every_form_and_format_writes_the_canonical,
                        0, PTD_COUNT(good));
    tcase_add_loop_test(tc, parse_refuses, 0, PTD_COUNT(bad));
    tcase_add_test(tc, parse_refuses_what_is_longer_than_any_address);
    tcase_add_test(tc, host_is_written_without_port_and_brackets);
    tcase_add_test(tc, format_cuts_at_the_end_of_the_buffer);
    tcase_add_test(tc, no_address_reads_as_the_unspecified_one);
    tcase_add_loop_test(tc, split_finds_host_and_port, 0, PTD_COUNT(splits));
    tcase_add_test(tc, set_wants_the_length_of_the_network);
    tcase_add_loop_test(tc, sixteen_bytes_come_back_as_they_were, 0,
                        PTD_COUNT(ip16s));
    tcase_add_test(tc, what_does_not_fit_sixteen_bytes_gives_zeros);
    tcase_add_test(tc, only_fc00_becomes_cjdns);
    tcase_add_test(tc, order_equality_and_hash_agree);
    tcase_add_test(tc, same_host_looks_at_no_port);
    tcase_add_loop_test(tc, kind_is_as_in_bitcoin_core, 0, PTD_COUNT(kinds));
    tcase_add_test(tc, overlay_addresses_outside_their_range_are_invalid);
    tcase_add_loop_test(tc, each_range_holds_its_own, 0, PTD_COUNT(ranges));
    tcase_add_loop_test(tc, linked_ipv4_is_taken_out, 0, PTD_COUNT(links));
    return tc;
}
