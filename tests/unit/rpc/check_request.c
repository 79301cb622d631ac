/* JSON-RPC: what a body gets for an answer. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "rig.h"

#define V2 "\"jsonrpc\":\"2.0\""
#define ERROR(code, text)                                                      \
    "\"error\":{\"code\":" code ",\"message\":\"" text "\"}"
#define OLD_ERROR(code, text) "{\"result\":null," ERROR(code, text)

static const struct {
    const char *name, *body;
    int status;
    const char *want;
} rows[] = {
    { "1.0", "{\"method\":\"add\",\"params\":[1],\"id\":5}", 200,
      "{\"result\":2,\"error\":null,\"id\":5}" },
    { "1.0 said",
      "{\"jsonrpc\":\"1.0\",\"method\":\"add\",\"params\":[1],"
      "\"id\":null}",
      200, "{\"result\":2,\"error\":null,\"id\":null}" },
    { "1.1", "{\"version\":\"1.1\",\"method\":\"add\",\"params\":[1,2]}", 200,
      "{\"result\":3,\"error\":null}" },
    { "2.0", "{" V2 ",\"method\":\"add\",\"params\":[1],\"id\":\"x\"}", 200,
      "{" V2 ",\"result\":2,\"id\":\"x\"}" },
    { "2.0, id null", "{" V2 ",\"method\":\"count\",\"id\":null}", 200,
      "{" V2 ",\"result\":1,\"id\":null}" },
    { "2.0, notification", "{" V2 ",\"method\":\"count\"}", 204, "" },
    { "2.0, failing notification", "{" V2 ",\"method\":\"fail\"}", 204, "" },
    { "2.0, unknown notification", "{" V2 ",\"method\":\"nope\"}", 204, "" },
    { "params null", "{\"method\":\"count\",\"params\":null,\"id\":1}", 200,
      "{\"result\":1,\"error\":null,\"id\":1}" },
    { "space around",
      " \t\r\n{ \"method\" : \"add\" , \"params\" : [ 1 , 2 ] "
      "} \n",
      200, "{\"result\":3,\"error\":null}" },
    { "escapes",
      "{\"method\":\"\\u0061dd\",\"params\":[1],\"id\":\"\\\"\\/"
      "\\b\\f\\n\\r\\t\\u001f\\u007f\\u00e9\\ud83d\\udd11\"}",
      200,
      "{\"result\":2,\"error\":null,\"id\":\"\\\"/"
      "\\b\\f\\n\\r\\t\\u001f\\u007f"
      "\xc3\xa9\xf0\x9f\x94\x91\"}" },

    /* What is no request. */
    { "nothing", "", 500, OLD_ERROR("-32700", "Parse error") ",\"id\":null}" },
    { "no JSON", "this is bad", 500,
      OLD_ERROR("-32700", "Parse error") ",\"id\":null}" },
    { "two values", "{} {}", 500,
      OLD_ERROR("-32700", "Parse error") ",\"id\":null}" },
    { "a string", "\"add\"", 500,
      OLD_ERROR("-32700", "Top-level object parse error") ",\"id\":null}" },
    { "a number", "5", 500,
      OLD_ERROR("-32700", "Top-level object parse error") ",\"id\":null}" },
    { "empty object", "{}", 400, OLD_ERROR("-32600", "Missing method") "}" },
    { "method null", "{\"method\":null,\"id\":3}", 400,
      OLD_ERROR("-32600", "Missing method") ",\"id\":3}" },
    { "method a number", "{\"method\":1,\"id\":3}", 400,
      OLD_ERROR("-32600", "Method must be a string") ",\"id\":3}" },
    { "method a number with fraction", "{\"method\":1.5,\"id\":3}", 400,
      OLD_ERROR("-32600", "Method must be a string") ",\"id\":3}" },
    { "params a string", "{\"method\":\"add\",\"params\":\"x\",\"id\":3}", 400,
      OLD_ERROR("-32600", "Params must be an array or object") ",\"id\":3}" },
    { "version a number", "{\"jsonrpc\":2,\"method\":\"count\"}", 400,
      OLD_ERROR("-32600", "jsonrpc field must be a string") "}" },
    { "version unknown", "{\"jsonrpc\":\"2.1\",\"method\":\"count\"}", 400,
      OLD_ERROR("-32600", "JSON-RPC version not supported") "}" },
    { "2.0 without method", "{" V2 ",\"id\":1}", 400,
      "{" V2 "," ERROR("-32600", "Missing method") ",\"id\":1}" },

    /* What fails. */
    { "unknown", "{\"method\":\"nope\",\"id\":1}", 404,
      OLD_ERROR("-32601", "Method not found") ",\"id\":1}" },
    { "unknown, 2.0", "{" V2 ",\"method\":\"nope\",\"id\":1}", 200,
      "{" V2 "," ERROR("-32601", "Method not found") ",\"id\":1}" },
    { "fails", "{\"method\":\"fail\",\"id\":1}", 500,
      OLD_ERROR("-24", "Not\\nadded \\\"7\\\"") ",\"id\":1}" },
    { "fails, 2.0", "{" V2 ",\"method\":\"fail\",\"id\":1}", 200,
      "{" V2 "," ERROR("-24", "Not\\nadded \\\"7\\\"") ",\"id\":1}" },
    { "no memory", "{\"method\":\"none\",\"id\":1}", 500,
      OLD_ERROR("-7", "Out of memory") ",\"id\":1}" },

    /* Ids come back as they went. */
    { "id of 64 bits", "{\"method\":\"count\",\"id\":18446744073709551615}",
      200, "{\"result\":1,\"error\":null,\"id\":18446744073709551615}" },
    { "id with zeros", "{\"method\":\"count\",\"id\":1.500e+2}", 200,
      "{\"result\":1,\"error\":null,\"id\":1.500e+2}" },
    { "id an object", "{\"method\":\"count\",\"id\":{\"a\":[1,{}]}}", 200,
      "{\"result\":1,\"error\":null,\"id\":{\"a\":[1,{}]}}" },

    /* Batches. */
    { "empty batch", "[]", 200, "[]" },
    { "batch",
      "[{\"method\":\"count\",\"id\":1},{" V2
      ",\"method\":\"nope\",\"id\":2},{\"pizza\":1,\"id\":3},7,{" V2
      ",\"method\":\"count\"},{\"method\":\"count\"}]",
      200,
      "[{\"result\":1,\"error\":null,\"id\":1},{" V2
      "," ERROR("-32601", "Method not found") ",\"id\":2}," OLD_ERROR(
          "-32600",
          "Missing method") ",\"id\":3}," OLD_ERROR("-32600",
                                                    "Invalid Request "
                                                    "object") ",\"id\":"
                                                              "null},"
                                                              "{\"result\":"
                                                              "3,\"error\":"
                                                              "null}]" },
    { "batch of notifications",
      "[{" V2 ",\"method\":\"count\"},{" V2 ",\"method\":\"nope\"}]", 204, "" },
};

START_TEST(a_body_gets_its_answer)
{
    struct rig g;

    rig_init(&g);
    rig_start(&g);
    rig_expect(&g, rows[_i].name, rows[_i].body, rows[_i].status,
               rows[_i].want);
    rig_fini(&g);
}
END_TEST

START_TEST(a_notification_is_carried_out)
{
    struct rig g;

    rig_init(&g);
    rig_start(&g);
    rig_expect(&g, "notification", "{" V2 ",\"method\":\"count\"}", 204, "");
    rig_expect(&g, "then", "{\"method\":\"count\"}", 200,
               "{\"result\":2,\"error\":null}");
    rig_fini(&g);
}
END_TEST

START_TEST(an_answer_is_json_and_ends_with_a_newline)
{
    struct answer a;
    struct rig g;

    rig_init(&g);
    rig_start(&g);
    rig_call(&g, "{\"method\":\"count\"}", &a);
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "application/json");
    ck_assert_str_eq(a.body, "{\"result\":1,\"error\":null}\n");
    answer_free(&a);
    rig_call(&g, "{" V2 ",\"method\":\"count\"}", &a);
    ck_assert_int_eq(a.status, 204);
    ck_assert_str_eq(answer_header(&a, "Content-Type"), "");
    answer_free(&a);
    rig_fini(&g);
}
END_TEST

START_TEST(nothing_is_called_before_the_node_is_up)
{
    struct rig g;

    rig_init(&g);
    rig_start(&g);
    ptd_rpc_set_warmup(g.rpc, "Loading block index\xe2\x80\xa6");
    rig_expect(
        &g, "1.0", "{\"method\":\"count\",\"id\":1}", 500,
        OLD_ERROR("-28", "Loading block index\xe2\x80\xa6") ",\"id\":1}");
    rig_expect(&g, "unknown", "{" V2 ",\"method\":\"nope\",\"id\":1}", 200,
               "{" V2 "," ERROR(
                   "-28", "Loading block index\xe2\x80\xa6") ",\"id\":1}");
    ptd_rpc_set_warmup(g.rpc, NULL);
    rig_expect(&g, "up", "{\"method\":\"count\",\"id\":1}", 200,
               "{\"result\":1,\"error\":null,\"id\":1}");
    rig_fini(&g);
}
END_TEST

START_TEST(getrpcinfo_tells_what_runs)
{
    struct answer a;
    struct rig g;
    int fd;

    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_post(fd, "{\"method\":\"block\"}");
    ck_assert_int_eq(ptd_chan_recv(g.entered, NULL), PTD_OK);
    rig_call(&g, "{\"method\":\"getrpcinfo\"}", &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_ptr_nonnull(strstr(
        a.body, "{\"result\":{\"active_commands\":[{\"method\":\"block\","
                "\"duration\":"));
    ck_assert_ptr_nonnull(strstr(a.body, "},{\"method\":\"getrpcinfo\","));
    ck_assert_ptr_nonnull(
        strstr(a.body, "],\"logpath\":\"/nowhere/debug.log\"}"));
    answer_free(&a);
    ptd_chan_close(g.release);
    rig_read(fd, &a);
    ck_assert_str_eq(a.body, "{\"result\":\"released\",\"error\":null}\n");
    answer_free(&a);
    close(fd);
    rig_fini(&g);
}
END_TEST

START_TEST(a_method_knows_who_calls)
{
    struct answer a;
    struct rig g;

    rig_init(&g);
    rig_start(&g);
    rig_call(&g, "{\"method\":\"who\"}", &a);
    ck_assert_ptr_nonnull(strstr(a.body, "{\"result\":\"who user 127.0.0.1:"));
    answer_free(&a);
    rig_fini(&g);
}
END_TEST

TCase *request_case(void)
{
    TCase *tc = tcase_create("request");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_body_gets_its_answer, 0, PTD_COUNT(rows));
    tcase_add_test(tc, a_notification_is_carried_out);
    tcase_add_test(tc, an_answer_is_json_and_ends_with_a_newline);
    tcase_add_test(tc, nothing_is_called_before_the_node_is_up);
    tcase_add_test(tc, getrpcinfo_tells_what_runs);
    tcase_add_test(tc, a_method_knows_who_calls);
    return tc;
}
