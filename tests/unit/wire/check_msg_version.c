#include <config.h>

#include "check_wire.h"

#include <string.h>

#include "base/util.h"

/* The parts that all versions have. */
#define HEAD(version)                                                          \
    version                /* version, little-endian */                        \
        "0900000000000000" /* services: network, witness */                    \
        "11b2d05000000000" /* time: 1355854353 */                              \
        "0100000000000000" /* receiver: services, address, port */             \
        "00000000000000000000ffff01020304208d"
#define FROM                                                                   \
    "0d00000000000000"                                                         \
    "20010db8000000000000000000000001208e"
#define NONCE  "3b2eb35d8ce61765"
#define AGENT  "0f2f5361746f7368693a302e372e322f"
#define HEIGHT "c03e0300"

static const struct row rows[] = {
    { "version 70016 has all", PTD_MSG_VERSION, 70016,
      HEAD("80110100") FROM NONCE AGENT HEIGHT "01", PTD_OK, NULL },
    { "relay may be off", PTD_MSG_VERSION, 70016,
      HEAD("71110100") FROM NONCE AGENT HEIGHT "00", PTD_OK, NULL },
    { "version 60002 has no relay flag", PTD_MSG_VERSION, 70016,
      HEAD("62ea0000") FROM NONCE AGENT HEIGHT, PTD_OK, NULL },
    { "version 209 has a height", PTD_MSG_VERSION, 70016,
      HEAD("d1000000") FROM NONCE "00" HEIGHT, PTD_OK, NULL },
    { "version 208 has none", PTD_MSG_VERSION, 70016,
      HEAD("d0000000") FROM NONCE "00", PTD_OK, NULL },
    { "version 106 has a sender", PTD_MSG_VERSION, 70016,
      HEAD("6a000000") FROM NONCE "00", PTD_OK, NULL },
    { "version 105 has none", PTD_MSG_VERSION, 70016, HEAD("69000000"), PTD_OK,
      NULL },
    { "version -1 has none", PTD_MSG_VERSION, 70016, HEAD("ffffffff"), PTD_OK,
      NULL },
    { "the layout is the message's, not the connection's", PTD_MSG_VERSION, 0,
      HEAD("80110100") FROM NONCE AGENT HEIGHT "01", PTD_OK, NULL },
    { "version 105 ends behind the receiver", PTD_MSG_VERSION, 70016,
      HEAD("69000000") FROM, PTD_ETRAILING, "version: 26 bytes" },
    { "version 60002 ends behind the height", PTD_MSG_VERSION, 70016,
      HEAD("62ea0000") FROM NONCE AGENT HEIGHT "01", PTD_ETRAILING, NULL },
    { "a byte too many", PTD_MSG_VERSION, 70016,
      HEAD("80110100") FROM NONCE AGENT HEIGHT "0100", PTD_ETRAILING, NULL },
    { "half a sender", PTD_MSG_VERSION, 70016,
      HEAD("80110100") "0d00000000000000", PTD_ESHORT, "sender's address" },
    { "half a nonce", PTD_MSG_VERSION, 70016, HEAD("80110100") FROM "3b2eb35d",
      PTD_ESHORT, "nonce" },
    { "half a height", PTD_MSG_VERSION, 70016,
      HEAD("80110100") FROM NONCE AGENT "c03e", PTD_ESHORT, "start height" },
    { "a user agent of 257 bytes", PTD_MSG_VERSION, 70016,
      HEAD("80110100") FROM NONCE "fd0101", PTD_ETOOBIG,
      "version: user agent 257 above its limit 256" },
    { "a user agent longer than the rest", PTD_MSG_VERSION, 70016,
      HEAD("80110100") FROM NONCE "0a2f", PTD_ESHORT, "user agent" },
    { "a user agent's length in three bytes", PTD_MSG_VERSION, 70016,
      HEAD("80110100") FROM NONCE "fd0f00", PTD_ENONCANON, "user agent" },
    { "nothing", PTD_MSG_VERSION, 70016, "", PTD_ESHORT, "version" },
};

START_TEST(version_on_the_wire)
{
    check_row_optional_tail(&rows[_i]);
}
END_TEST

START_TEST(version_fields_are_read)
{
    struct ptd_msg *m = decode_hex(
        PTD_MSG_VERSION, HEAD("80110100") FROM NONCE AGENT HEIGHT "00");
    const struct ptd_msg_version *v = PTD_MSG_CONST(version, m);
    char text[PTD_NETADDR_TEXT];

    ck_assert_int_eq(v->version, 70016);
    ck_assert_uint_eq(v->services, PTD_NODE_NETWORK | PTD_NODE_WITNESS);
    ck_assert_int_eq(v->time, 1355854353);
    ck_assert_uint_eq(v->addr_recv_services, 1);
    ck_assert_str_eq(ptd_netaddr_format(&v->addr_recv, text, sizeof text),
                     "1.2.3.4:8333");
    ck_assert_uint_eq(v->addr_from_services, 13);
    ck_assert_str_eq(ptd_netaddr_format(&v->addr_from, text, sizeof text),
                     "[2001:db8::1]:8334");
    ck_assert_uint_eq(v->nonce, UINT64_C(0x6517e68c5db32e3b));
    ck_assert_uint_eq(v->user_agent.n, 15);
    ck_assert_mem_eq(v->user_agent.p, "/Satoshi:0.7.2/", 15);
    ck_assert_int_eq(v->start_height, 212672);
    ck_assert(!v->relay);
    ptd_msg_free(m);
}
END_TEST

/* What nodes have sent and taken since there is a network: a version message
 * that ends behind any of its later fields. */
static const struct {
    const char *hex;
    bool has_from, has_nonce, has_agent, has_height;
} early[] = {
    { HEAD("80110100"), false, false, false, false },
    { HEAD("80110100") FROM, true, false, false, false },
    { HEAD("80110100") FROM NONCE, true, true, false, false },
    { HEAD("80110100") FROM NONCE AGENT, true, true, true, false },
    { HEAD("80110100") FROM NONCE AGENT HEIGHT, true, true, true, true },
};

START_TEST(version_may_end_behind_any_later_field)
{
    struct ptd_msg *m = decode_hex(PTD_MSG_VERSION, early[_i].hex);
    const struct ptd_msg_version *v = PTD_MSG_CONST(version, m);

    ck_assert((v->addr_from_services != 0) == early[_i].has_from);
    ck_assert((v->nonce != 0) == early[_i].has_nonce);
    ck_assert((v->user_agent.n != 0) == early[_i].has_agent);
    ck_assert((v->start_height != 0) == early[_i].has_height);
    ck_assert_msg(v->relay, "BIP 37: true where the field is absent");
    ptd_msg_free(m);
}
END_TEST

START_TEST(version_relay_is_true_for_any_value_but_zero)
{
    struct ptd_msg *m = decode_hex(
        PTD_MSG_VERSION, HEAD("80110100") FROM NONCE AGENT HEIGHT "7f");

    ck_assert(PTD_MSG_CONST(version, m)->relay);
    ptd_msg_free(m);
}
END_TEST

START_TEST(version_of_our_own_relays_and_has_no_addresses)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_VERSION);
    struct blob b;

    ck_assert_ptr_nonnull(m);
    ck_assert(PTD_MSG_CONST(version, m)->relay);
    PTD_MSG_AS(version, m)->version = 70016;
    b = encode_all(m, &codec_base);
    ck_assert_uint_eq(b.n, 86);
    for (size_t i = 20; i < 85; i++)
        ck_assert_uint_eq(b.p[i], 0);
    ck_assert_uint_eq(b.p[85], 1);
    blob_free(&b);
    ptd_msg_free(m);
}
END_TEST

START_TEST(version_refuses_to_send_a_long_user_agent)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_VERSION);
    static const char agent[257];

    ck_assert_ptr_nonnull(m);
    PTD_MSG_AS(version, m)->version = 70016;
    ck_assert_int_eq(
        ptd_msg_copy_bytes(m, &PTD_MSG_AS(version, m)->user_agent, agent, 257),
        PTD_OK);
    ck_assert_int_eq(encode_error(m, 70016), PTD_ETOOBIG);
    PTD_MSG_AS(version, m)->user_agent.n = 256;
    ck_assert_int_eq(encode_error(m, 70016), PTD_OK);
    ptd_msg_free(m);
}
END_TEST

TCase *tcase_msg_version(void)
{
    TCase *tc = tcase_create("version");

    tcase_add_loop_test(tc, version_on_the_wire, 0, PTD_COUNT(rows));
    tcase_add_test(tc, version_fields_are_read);
    tcase_add_loop_test(tc, version_may_end_behind_any_later_field, 0,
                        PTD_COUNT(early));
    tcase_add_test(tc, version_relay_is_true_for_any_value_but_zero);
    tcase_add_test(tc, version_of_our_own_relays_and_has_no_addresses);
    tcase_add_test(tc, version_refuses_to_send_a_long_user_agent);
    return tc;
}
