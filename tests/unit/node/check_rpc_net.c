/* Methods that concern peers, addresses, bans and the program. */
#include <config.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "check_node.h"
#include "rpc_rig.h"

/* ---- calls that must fail ---------------------------------------------------------- */

static const struct {
    int code;
    const char *text, *method, *params;
} bad[] = {
    { -1, "addnode \"node\" \"command\"", "addnode", "[\"x\", \"drop\"]" },
    { -8, "v2transport requested but not enabled", "addnode",
      "[\"127.0.0.1:1\", \"add\", true]" },
    { -24, "It has not been added previously.", "addnode",
      "[\"127.0.0.1:1\", \"remove\"]" },
    { -24, "Error: Node has not been added.", "getaddednodeinfo",
      "[\"127.0.0.1:1\"]" },
    { -8, "addconnection \"address\"", "addconnection",
      "[\"127.0.0.1:1\", \"inbound\", false]" },
    { -8, "init flag to be set", "addconnection",
      "[\"127.0.0.1:1\", \"feeler\", true]" },
    { -32602, "Only one of address and nodeid", "disconnectnode", "[]" },
    { -32602, "Only one of address and nodeid", "disconnectnode",
      "[\"127.0.0.1:1\", 0]" },
    { -29, "Node not found in connected nodes", "disconnectnode",
      "[\"127.0.0.1:1\"]" },
    { -29, "Node not found in connected nodes", "disconnectnode", "[\"\", 7]" },
    { -8, "max length is 12", "sendmsgtopeer", "[0, \"thirteenchars\", \"\"]" },
    { -8, "Error parsing input for msg", "sendmsgtopeer",
      "[0, \"ping\", \"0\"]" },
    { -1, "Could not send message to peer", "sendmsgtopeer",
      "[9, \"ping\", \"00\"]" },
    { -8, "Address count out of range", "getnodeaddresses", "[-1]" },
    { -8, "Network not recognized: tor", "getnodeaddresses", "[1, \"tor\"]" },
    { -30, "Invalid IP address", "addpeeraddress", "[\"\", 8333]" },
    { -30, "Invalid IP address", "addpeeraddress", "[\"1.2.3.4:5\", 8333]" },
    { -1, "JSON integer out of range", "addpeeraddress", "[\"1.2.3.4\", -1]" },
    { -1, "JSON integer out of range", "addpeeraddress",
      "[\"1.2.3.4\", 65536]" },
    { -1, "setban \"subnet\"", "setban", "[\"1.2.3.4\", \"drop\"]" },
    { -30, "Error: Invalid IP/Subnet", "setban", "[\"1.2.3.4/33\", \"add\"]" },
    { -30, "Error: Invalid IP/Subnet", "setban", "[\"test\", \"add\"]" },
    { -30, "Unban failed", "setban", "[\"1.2.3.4\", \"remove\"]" },
    { -8, "Absolute timestamp is in the past", "setban",
      "[\"1.2.3.4\", \"add\", 123, true]" },
    { -8, "must be in the range [0, 9223372036], not -1.", "setmocktime",
      "[-1]" },
    { -8, "not 9223372037.", "setmocktime", "[9223372037]" },
    { -1, "between 1 and 3600 seconds", "mockscheduler", "[3601]" },
    { -1, "between 1 and 3600 seconds", "mockscheduler", "[0]" },
    { -8, "unknown mode foobar", "getmemoryinfo", "[\"foobar\"]" },
    { -8, "unknown logging category foobar", "logging", "[[\"foobar\"]]" },
    { -3, "is not of expected type", "setnetworkactive", "[1]" },
};

/* All in one node: none of them changes anything. */
START_TEST(bad_calls_have_their_code_and_words)
{
    struct office o;

    office_init(&o);
    office_open(&o);
    for (size_t i = 0; i < PTD_COUNT(bad); i++)
        ask_badly(&o, bad[i].code, bad[i].text, bad[i].method, "%s",
                  bad[i].params);
    office_fini(&o);
}
END_TEST

START_TEST(test_methods_are_regtests_alone)
{
    struct office o;

    office_init(&o);
    o.host.cfg.params = ptd_params_by_name("signet");
    office_open(&o);
    ask_badly(&o, -1, "for regression testing", "setmocktime", "[1]");
    ask_badly(&o, -1, "for regression testing", "mockscheduler", "[1]");
    ask_badly(&o, -1, "for regression testing", "addconnection",
              "[\"127.0.0.1:1\", \"feeler\", false]");
    office_fini(&o);
}
END_TEST

/* ---- peers -------------------------------------------------------------------------- */

static json_t *only_peer(struct office *o)
{
    json_t *list = ask(o, "getpeerinfo", "[]"), *peer;

    ck_assert_uint_eq(json_array_size(list), 1);
    peer = json_incref(json_array_get(list, 0));
    json_decref(list);
    return peer;
}

START_TEST(a_peer_is_told_with_every_field)
{
    static const char *const texts[][2] = {
        { "network", "not_publicly_routable" },
        { "services", "0000000000000009" },
        { "connection_type", "inbound" },
        { "transport_protocol_type", "v1" },
        { "session_id", "" },
    };
    struct office o;
    struct guest g;
    json_t *p;

    office_init(&o);
    office_open(&o);
    guest_start_as(&g, o.host.port, 7, PTD_NODE_NETWORK | PTD_NODE_WITNESS);
    guest_wait_ready(&g);
    (void)host_wait(&o.host, PTD_NODE_PEER_READY, -1);
    p = only_peer(&o);
    for (size_t i = 0; i < PTD_COUNT(texts); i++)
        ck_assert_str_eq(json_string_value(at(p, texts[i][0])), texts[i][1]);
    ck_assert_str_eq(json_string_value(at(p, "servicesnames.1")), "WITNESS");
    ck_assert_int_eq(json_integer_value(at(p, "id")), 0);
    ck_assert_int_eq(json_integer_value(at(p, "version")), PTD_PVER_WTXIDRELAY);
    ck_assert(json_is_true(at(p, "inbound")));
    ck_assert_int_gt(json_integer_value(at(p, "bytesrecv_per_msg.version")),
                     PTD_V1_HEADER_BYTES);
    ck_assert_ptr_null(json_object_get(p, "startingheight"));
    json_decref(p);
    gives_int(ask(&o, "getconnectioncount", "[]"), 1);
    guest_end(&g);
    office_fini(&o);
}
END_TEST

START_TEST(deprecated_members_come_when_asked_for)
{
    struct office o;
    struct guest g;
    json_t *p;

    office_init(&o);
    ck_assert_int_eq(
        ptd_texts_add(&o.host.cfg.deprecated_rpc, "startingheight"), PTD_OK);
    ck_assert_int_eq(ptd_texts_add(&o.host.cfg.deprecated_rpc, "warnings"),
                     PTD_OK);
    office_open(&o);
    guest_start(&g, o.host.port, 7);
    guest_wait_ready(&g);
    (void)host_wait(&o.host, PTD_NODE_PEER_READY, -1);
    p = only_peer(&o);
    ck_assert_int_eq(json_integer_value(at(p, "startingheight")), 7);
    json_decref(p);
    p = ask(&o, "getnetworkinfo", "[]");
    ck_assert_str_eq(json_string_value(at(p, "warnings")), "");
    json_decref(p);
    guest_end(&g);
    office_fini(&o);
}
END_TEST

START_TEST(a_message_of_any_kind_goes_out)
{
    struct office o;
    struct ptd_msg *m;
    struct guest g;
    json_t *done;

    office_init(&o);
    office_open(&o);
    guest_start(&g, o.host.port, 0);
    guest_wait_ready(&g);
    (void)host_wait(&o.host, PTD_NODE_PEER_READY, -1);
    done = ask(&o, "sendmsgtopeer", "[0, \"ping\", \"0807060504030201\"]");
    ck_assert_uint_eq(json_object_size(done), 0);
    json_decref(done);
    do {
        m = guest_wait(&g, PTD_MSG_PING);
        if (((struct ptd_msg_nonce *)m)->nonce == UINT64_C(0x0102030405060708))
            break;
        ptd_msg_free(m);
    } while (true);
    ptd_msg_free(m);
    guest_end(&g);
    office_fini(&o);
}
END_TEST

START_TEST(a_ban_ends_the_connections_it_takes_in)
{
    struct office o;
    struct guest g;
    json_t *list;

    office_init(&o);
    office_open(&o);
    guest_start(&g, o.host.port, 0);
    guest_wait_ready(&g);
    gives_null(ask(&o, "setban", "[\"127.0.0.0/24\", \"add\", 1000]"));
    guest_wait_gone(&g);
    guest_end(&g);
    ask_badly(&o, -23, "already banned", "setban",
              "[\"127.0.0.0/24\", \"add\"]");
    ask_badly(&o, -23, "already banned", "setban", "[\"127.0.0.7\", \"add\"]");
    list = ask(&o, "listbanned", "[]");
    ck_assert_str_eq(json_string_value(at(list, "0.address")), "127.0.0.0/24");
    ck_assert_int_eq(json_integer_value(at(list, "0.ban_duration")), 1000);
    json_decref(list);
    gives_null(ask(&o, "setban", "[\"127.0.0.0/24\", \"remove\"]"));
    gives_null(ask(&o, "setban", "[\"1.2.3.4\", \"add\"]"));
    gives_null(ask(&o, "clearbanned", "[]"));
    list = ask(&o, "listbanned", "[]");
    ck_assert_uint_eq(json_array_size(list), 0);
    json_decref(list);
    office_fini(&o);
}
END_TEST

/* ---- whom we call ---------------------------------------------------------------------- */

START_TEST(nodes_are_added_once_and_removed)
{
    struct office o;
    json_t *list;

    office_init(&o);
    office_open(&o);
    gives_null(ask(&o, "addnode", "[\"127.0.0.1:1\", \"add\"]"));
    ask_badly(&o, -23, "Node already added", "addnode",
              "[\"127.0.0.1:1\", \"add\"]");
    list = ask(&o, "getaddednodeinfo", "[\"127.0.0.1:1\"]");
    ck_assert_str_eq(json_string_value(at(list, "0.addednode")), "127.0.0.1:1");
    ck_assert(json_is_false(at(list, "0.connected")));
    json_decref(list);
    gives_null(ask(&o, "addnode", "[\"127.0.0.1:1\", \"remove\"]"));
    list = ask(&o, "getaddednodeinfo", "[]");
    ck_assert_uint_eq(json_array_size(list), 0);
    json_decref(list);
    office_fini(&o);
}
END_TEST

START_TEST(the_network_is_switched)
{
    struct office o;
    json_t *info;

    office_init(&o);
    office_open(&o);
    for (int on = 0; on < 2; on++) {
        json_t *is = ask(&o, "setnetworkactive", on ? "[true]" : "[false]");

        ck_assert(json_boolean_value(is) == on);
        json_decref(is);
        info = ask(&o, "getnetworkinfo", "[]");
        ck_assert(json_boolean_value(at(info, "networkactive")) == on);
        json_decref(info);
    }
    office_fini(&o);
}
END_TEST

/* ---- addresses -------------------------------------------------------------------------- */

START_TEST(addresses_are_added_counted_and_found)
{
    struct office o;
    json_t *v;

    office_init(&o);
    office_open(&o);
    v = ask(&o, "addpeeraddress", "[\"8.8.4.4\", 8333]");
    ck_assert(json_is_true(at(v, "success")));
    json_decref(v);
    v = ask(&o, "addpeeraddress", "[\"8.8.4.4\", 8333]");
    ck_assert_str_eq(json_string_value(at(v, "error")), "failed-adding-to-new");
    json_decref(v);
    v = ask(&o, "addpeeraddress", "[\"2803:0:1234:abcd::1\", 45324, true]");
    ck_assert(json_is_true(at(v, "success")));
    json_decref(v);
    v = ask(&o, "getaddrmaninfo", "[]");
    ck_assert_int_eq(json_integer_value(at(v, "ipv4.new")), 1);
    ck_assert_int_eq(json_integer_value(at(v, "ipv6.tried")), 1);
    ck_assert_int_eq(json_integer_value(at(v, "all_networks.total")), 2);
    json_decref(v);
    v = ask(&o, "getnodeaddresses", "[0, \"ipv4\"]");
    ck_assert_uint_eq(json_array_size(v), 1);
    ck_assert_str_eq(json_string_value(at(v, "0.address")), "8.8.4.4");
    ck_assert_int_eq(json_integer_value(at(v, "0.services")), 9);
    json_decref(v);
    v = ask(&o, "getrawaddrman", "[]");
    ck_assert_uint_eq(json_object_size(at(v, "new")), 1);
    ck_assert_uint_eq(json_object_size(at(v, "tried")), 1);
    json_decref(v);
    office_fini(&o);
}
END_TEST

/* ---- the program -------------------------------------------------------------------------- */

START_TEST(the_clock_is_set)
{
    struct office o;

    office_init(&o);
    office_open(&o);
    gives_null(ask(&o, "setmocktime", "[1700000000]"));
    ck_assert_int_eq(ptd_clock_wall_s(o.clock), 1700000000);
    gives_null(ask(&o, "mockscheduler", "[60]"));
    ck_assert_int_eq(ptd_clock_wall_s(o.clock), 1700000060);
    gives_null(ask(&o, "setmocktime", "[0]"));
    ck_assert(!ptd_clock_is_virtual(o.clock));
    gives_null(ask(&o, "syncwithvalidationinterfacequeue", "[]"));
    office_fini(&o);
}
END_TEST

START_TEST(categories_of_the_log_are_switched)
{
    struct office o;
    json_t *v;

    office_init(&o);
    office_open(&o);
    v = ask(&o, "logging", "[[\"net\", \"qt\"], [\"qt\"]]");
    ck_assert(json_is_true(at(v, "net")));
    ck_assert(json_is_false(at(v, "qt")));
    json_decref(v);
    v = ask(&o, "logging", "[[], [\"all\"]]");
    ck_assert(json_is_false(at(v, "net")));
    json_decref(v);
    office_fini(&o);
}
END_TEST

START_TEST(a_service_without_a_name_has_a_number)
{
    struct office o;
    struct guest g;
    json_t *p;

    office_init(&o);
    office_open(&o);
    guest_start_as(&g, o.host.port, 0, UINT64_C(1) << 63 | PTD_NODE_WITNESS);
    guest_wait_ready(&g);
    (void)host_wait(&o.host, PTD_NODE_PEER_READY, -1);
    p = only_peer(&o);
    ck_assert_str_eq(json_string_value(at(p, "services")), "8000000000000008");
    ck_assert_str_eq(json_string_value(at(p, "servicesnames.1")),
                     "UNKNOWN[2^63]");
    json_decref(p);
    guest_end(&g);
    office_fini(&o);
}
END_TEST

/* Many, since one may be early by luck. */
START_TEST(who_was_dialled_is_listed_when_the_call_returns)
{
    enum { N = 40 };
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t n = sizeof at;
    struct office o;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(fd, N), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    office_init(&o);
    office_open(&o);
    for (int i = 1; i <= N; i++) {
        gives_null(ask(&o, "addnode", "[\"127.0.1.%d:%u\", \"onetry\"]", i,
                       ntohs(at.sin_port)));
        gives_int(ask(&o, "getconnectioncount", "[]"), i);
    }
    office_fini(&o);
    close(fd);
}
END_TEST

TCase *tcase_rpc_net(void)
{
    TCase *tc = tcase_create("rpc: network");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, bad_calls_have_their_code_and_words);
    tcase_add_test(tc, test_methods_are_regtests_alone);
    tcase_add_test(tc, a_peer_is_told_with_every_field);
    tcase_add_test(tc, deprecated_members_come_when_asked_for);
    tcase_add_test(tc, a_message_of_any_kind_goes_out);
    tcase_add_test(tc, a_ban_ends_the_connections_it_takes_in);
    tcase_add_test(tc, nodes_are_added_once_and_removed);
    tcase_add_test(tc, who_was_dialled_is_listed_when_the_call_returns);
    tcase_add_test(tc, the_network_is_switched);
    tcase_add_test(tc, addresses_are_added_counted_and_found);
    tcase_add_test(tc, the_clock_is_set);
    tcase_add_test(tc, categories_of_the_log_are_switched);
    tcase_add_test(tc, a_service_without_a_name_has_a_number);
    return tc;
}
