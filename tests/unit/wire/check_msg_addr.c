#include <config.h>

#include "check_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* ---- addr -------------------------------------------------------------- */

#define TIME "e2154d4d" /* 1296897506 */
#define PLACE                                                                  \
    "0100000000000000"                                                         \
    "00000000000000000000ffff0a000001208d"
#define ONION                                                                  \
    "0100000000000000"                                                         \
    "fd87d87eeb43f1f2f3f4f5f6f7f8f9fa208d"

static const struct row rows[] = {
    { "one entry", PTD_MSG_ADDR, 70016, "01" TIME PLACE, PTD_OK, NULL },
    { "none", PTD_MSG_ADDR, 70016, "00", PTD_OK, NULL },
    { "two entries", PTD_MSG_ADDR, 31402, "02" TIME PLACE TIME PLACE, PTD_OK,
      NULL },
    { "no time before 31402", PTD_MSG_ADDR, 31401, "02" PLACE PLACE, PTD_OK,
      NULL },
    { "two entries in 209", PTD_MSG_ADDR, 209, "02" PLACE PLACE, PTD_OK, NULL },
    { "one entry in 208", PTD_MSG_ADDR, 208, "01" PLACE, PTD_OK, NULL },
    { "two entries in 208", PTD_MSG_ADDR, 208, "02" PLACE PLACE, PTD_ETOOBIG,
      "addr: count 2 above its limit 1" },
    { "Tor v2 is read", PTD_MSG_ADDR, 70016, "01" TIME ONION, PTD_OK, NULL },
    { "a time too many", PTD_MSG_ADDR, 31401, "01" TIME PLACE, PTD_ETRAILING,
      NULL },
    { "1001 entries", PTD_MSG_ADDR, 70016, "fde903", PTD_ETOOBIG,
      "addr: count 1001 above its limit 1000" },
    { "more than the rest holds", PTD_MSG_ADDR, 70016, "02" TIME PLACE,
      PTD_ESHORT, "count" },
    { "count not in its shortest form", PTD_MSG_ADDR, 70016, "fd0100",
      PTD_ENONCANON, "count" },
    { "a count of 2^64 - 1", PTD_MSG_ADDR, 70016, "ffffffffffffffffff",
      PTD_ETOOBIG, "18446744073709551615" },

    /* ---- addrv2: BIP 155 ------------------------------------------------ */
    { "v2: IPv4", PTD_MSG_ADDRV2, 70016,
      "01" TIME "fd0904"
      "01"
      "04"
      "01020304"
      "208d",
      PTD_OK, NULL },
    { "v2: IPv6", PTD_MSG_ADDRV2, 70016,
      "01" TIME "00"
      "02"
      "10"
      "20010db8000000000000000000000001"
      "208d",
      PTD_OK, NULL },
    { "v2: Tor v3", PTD_MSG_ADDRV2, 70016,
      "01" TIME "01"
      "04"
      "20"
      "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f"
      "208d",
      PTD_OK, NULL },
    { "v2: I2P", PTD_MSG_ADDRV2, 70016,
      "01" TIME "01"
      "05"
      "20"
      "a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87"
      "0000",
      PTD_OK, NULL },
    { "v2: CJDNS", PTD_MSG_ADDRV2, 70016,
      "01" TIME "01"
      "06"
      "10"
      "fc000001000200030004000500060007"
      "208d",
      PTD_OK, NULL },
    { "v2: Yggdrasil", PTD_MSG_ADDRV2, 70016,
      "01" TIME "01"
      "07"
      "10"
      "02000001000200030004000500060007"
      "208d",
      PTD_OK, NULL },
    { "v2: all service bits", PTD_MSG_ADDRV2, 70016,
      "01" TIME "ffffffffffffffffff"
      "01"
      "04"
      "01020304"
      "208d",
      PTD_OK, NULL },
    { "v2: services not in their shortest form", PTD_MSG_ADDRV2, 70016,
      "01" TIME "fd0100"
      "01"
      "04"
      "01020304"
      "208d",
      PTD_ENONCANON, "services" },
    { "v2: IPv4 of 5 bytes", PTD_MSG_ADDRV2, 70016,
      "01" TIME "00"
      "01"
      "05"
      "0102030405"
      "208d",
      PTD_EBADVALUE, "addrv2: address length" },
    { "v2: IPv4 of no byte", PTD_MSG_ADDRV2, 70016,
      "01" TIME "00"
      "01"
      "00"
      "208d",
      PTD_EBADVALUE, "address length" },
    { "v2: IPv6 of 4 bytes", PTD_MSG_ADDRV2, 70016,
      "01" TIME "00"
      "02"
      "04"
      "01020304"
      "208d",
      PTD_EBADVALUE, NULL },
    { "v2: Tor v3 of 10 bytes", PTD_MSG_ADDRV2, 70016,
      "01" TIME "00"
      "04"
      "0a"
      "0102030405060708090a"
      "208d",
      PTD_EBADVALUE, NULL },
    { "v2: I2P of 3 bytes", PTD_MSG_ADDRV2, 70016,
      "01" TIME "00"
      "05"
      "03"
      "010203"
      "0000",
      PTD_EBADVALUE, NULL },
    { "v2: CJDNS of 1 byte", PTD_MSG_ADDRV2, 70016,
      "01" TIME "00"
      "06"
      "01"
      "fc"
      "208d",
      PTD_EBADVALUE, NULL },
    { "v2: 513 bytes of an unknown network", PTD_MSG_ADDRV2, 70016,
      "01" TIME "00"
      "aa"
      "fd0102"
      "208d",
      PTD_ETOOBIG, "addrv2: address 513 above its limit 512" },
    { "v2: 1001 entries", PTD_MSG_ADDRV2, 70016, "fde903", PTD_ETOOBIG,
      "limit 1000" },
    { "v2: cut in the address", PTD_MSG_ADDRV2, 70016,
      "01" TIME "00"
      "01"
      "04"
      "0102030405",
      PTD_ESHORT, "port" },
};

START_TEST(addr_on_the_wire)
{
    check_row(&rows[_i]);
}
END_TEST

START_TEST(addr_fields_are_read)
{
    struct ptd_msg *m = decode_hex(PTD_MSG_ADDR, "02" TIME PLACE TIME ONION);
    const struct ptd_msg_addr *a = PTD_MSG_CONST(addr, m);
    char text[PTD_NETADDR_TEXT];

    ck_assert_uint_eq(a->n, 2);
    ck_assert_uint_eq(a->n_ignored, 0);
    ck_assert_uint_eq(a->list[0].time, 1296897506);
    ck_assert_uint_eq(a->list[0].services, 1);
    ck_assert_str_eq(ptd_netaddr_format(&a->list[0].na, text, sizeof text),
                     "10.0.0.1:8333");
    ck_assert_uint_eq(a->list[1].na.net, PTD_NET_TORV2);
    ck_assert(!ptd_netaddr_is_valid(&a->list[1].na));
    ptd_msg_free(m);
}
END_TEST

/* Each is skipped, counted, and does not harm what stands beside it. */
static const char *const ignored[] = {
    "03"
    "0a"
    "f1f2f3f4f5f6f7f8f9fa"
    "208d", /* Tor v2 */
    "02"
    "10"
    "00000000000000000000ffff01020304"
    "208d", /* IPv4 inside */
    "02"
    "10"
    "fd87d87eeb43f1f2f3f4f5f6f7f8f9fa"
    "208d", /* Tor v2 inside */
    "03"
    "07"
    "01020304050607"
    "208d", /* Tor v2, of an odd length */
    "03"
    "00"
    "208d",
    "07"
    "04"
    "02000001"
    "208d", /* Yggdrasil, of an odd length */
    "00"
    "00"
    "208d",
    "08"
    "04"
    "01020304"
    "208d", /* a network of the future */
    "ff"
    "00"
    "208d",
    "63"
    "20"
    "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f"
    "0000",
};

START_TEST(addrv2_ignores_and_counts)
{
    static const char good[] = TIME "01"
                                    "01"
                                    "04"
                                    "01020304"
                                    "208d";
    char hex[400];
    struct ptd_msg *m;
    const struct ptd_msg_addr *a;
    struct blob b, want;

    snprintf(hex, sizeof hex, "03%s%s%s%s", good, TIME "01", ignored[_i], good);
    m = decode_hex(PTD_MSG_ADDRV2, hex);
    a = PTD_MSG_CONST(addr, m);
    ck_assert_uint_eq(a->n, 2);
    ck_assert_uint_eq(a->n_ignored, 1);
    ck_assert(ptd_netaddr_is_equal(&a->list[0].na, &a->list[1].na));
    snprintf(hex, sizeof hex, "02%s%s", good, good);
    want = blob_hex(hex);
    b = encode_all(m, &codec_base);
    ck_assert_uint_eq(b.n, want.n);
    ck_assert_mem_eq(b.p, want.p, b.n);
    blob_free(&b);
    blob_free(&want);
    ptd_msg_free(m);
}
END_TEST

START_TEST(addrv2_ignores_512_bytes_of_an_unknown_network)
{
    char hex[1200], zeros[1025];
    struct ptd_msg *m;

    memset(zeros, '0', 1024);
    zeros[1024] = '\0';
    snprintf(hex, sizeof hex, "01%s00aafd0002%s208d", TIME, zeros);
    m = decode_hex(PTD_MSG_ADDRV2, hex);
    ck_assert_uint_eq(PTD_MSG_CONST(addr, m)->n, 0);
    ck_assert_uint_eq(PTD_MSG_CONST(addr, m)->n_ignored, 1);
    ptd_msg_free(m);
}
END_TEST

/* ---- of our own --------------------------------------------------------- */

static const struct {
    enum ptd_msg_type type;
    uint32_t pver;
    const char *text; /* NULL: no address at all */
    size_t n;
    enum ptd_err err;
} made[] = {
    { PTD_MSG_ADDR, 70016, "1.2.3.4", 1000, PTD_OK },
    { PTD_MSG_ADDR, 208, "1.2.3.4", 1, PTD_OK },
    { PTD_MSG_ADDR, 208, "1.2.3.4", 2, PTD_ETOOBIG },
    { PTD_MSG_ADDR, 70016, "fc00::1", 1, PTD_EBADVALUE },
    { PTD_MSG_ADDR, 70016,
      "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", 1,
      PTD_EBADVALUE },
    { PTD_MSG_ADDR, 70016, NULL, 1, PTD_EBADVALUE },
    { PTD_MSG_ADDRV2, 70016, "fc00::1", 1000, PTD_OK },
    { PTD_MSG_ADDRV2, 70016, NULL, 1, PTD_EBADVALUE },
};

START_TEST(addr_sends_only_what_its_form_can_carry)
{
    struct ptd_addr_entry *list = calloc(made[_i].n, sizeof *list);
    struct ptd_msg *m;

    ck_assert_ptr_nonnull(list);
    for (size_t i = 0; i < made[_i].n && made[_i].text != NULL; i++)
        ck_assert_int_eq(ptd_netaddr_parse(&list[i].na, made[_i].text, 8333),
                         PTD_OK);
    m = ptd_msg_new_addr(made[_i].type, list, made[_i].n);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(encode_error(m, made[_i].pver), made[_i].err);
    ptd_msg_free(m);
    free(list);
}
END_TEST

START_TEST(addrv2_sends_no_tor_v2_and_nothing_embedded)
{
    static const uint8_t onion[10] = { 1 };
    static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [15] = 1 };
    struct ptd_addr_entry e = { .time = 1 };
    struct ptd_msg *m;

    ck_assert_int_eq(ptd_netaddr_set(&e.na, PTD_NET_TORV2, onion, 10, 1),
                     PTD_OK);
    ck_assert_ptr_nonnull(m = ptd_msg_new_addr(PTD_MSG_ADDRV2, &e, 1));
    ck_assert_int_eq(encode_error(m, 70016), PTD_EBADVALUE);
    ptd_msg_free(m);
    ck_assert_int_eq(ptd_netaddr_set(&e.na, PTD_NET_IPV6, mapped, 16, 1),
                     PTD_OK);
    ck_assert_ptr_nonnull(m = ptd_msg_new_addr(PTD_MSG_ADDRV2, &e, 1));
    ck_assert_int_eq(encode_error(m, 70016), PTD_EBADVALUE);
    ptd_msg_free(m);
}
END_TEST

START_TEST(addr_max_payload_is_that_of_a_full_message)
{
    ck_assert_uint_eq(ptd_msg_max_payload(PTD_MSG_ADDR, 70016), 30003);
    ck_assert_uint_eq(ptd_msg_max_payload(PTD_MSG_ADDR, 31401), 26003);
    ck_assert_uint_eq(ptd_msg_max_payload(PTD_MSG_ADDR, 208), 29);
    ck_assert_uint_ge(ptd_msg_max_payload(PTD_MSG_ADDRV2, 70016), 531000);
}
END_TEST

TCase *tcase_msg_addr(void)
{
    TCase *tc = tcase_create("addr");

    tcase_add_loop_test(tc, addr_on_the_wire, 0, PTD_COUNT(rows));
    tcase_add_test(tc, addr_fields_are_read);
    tcase_add_loop_test(tc, addrv2_ignores_and_counts, 0, PTD_COUNT(ignored));
    tcase_add_test(tc, addrv2_ignores_512_bytes_of_an_unknown_network);
    tcase_add_loop_test(tc, addr_sends_only_what_its_form_can_carry, 0,
                        PTD_COUNT(made));
    tcase_add_test(tc, addrv2_sends_no_tor_v2_and_nothing_embedded);
    tcase_add_test(tc, addr_max_payload_is_that_of_a_full_message);
    return tc;
}
