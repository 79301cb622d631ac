/* What help says, to the letter. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "rig.h"
#include "rpc/call.h"
#include "rpc/table.h"

static const struct ptd_rpc_method nested = {
    .name = "nested",
    .category = "network",
    .text = "\nSays much.\nOn two lines.\n\n",
    .args = PTD_RPC_ARGS(
        PTD_RPC_ARG(STR, "name|alias", REQUIRED, "The name\n  of it"),
        PTD_RPC_ARG(ARR, "list", REQUIRED, "A list",
                    .inner =
                        PTD_RPC_ARGS(PTD_RPC_ARG(HEX, "id", OMITTED, "An id"))),
        PTD_RPC_ARG(OBJ, "what", DEFAULT_HINT, "An object", .otherwise = "{}",
                    .inner = PTD_RPC_ARGS(
                        PTD_RPC_ARG(NUM, "n", REQUIRED, "A number"),
                        PTD_RPC_ARG(STR, "s", OMITTED, "A string"),
                        PTD_RPC_ARG(AMOUNT, "a", OMITTED, "An amount"),
                        PTD_RPC_ARG(ARR, "l", OMITTED, "More",
                                    .inner = PTD_RPC_ARGS(PTD_RPC_ARG(
                                        BOOL, "b", OMITTED, "One"))))),
        PTD_RPC_ARG(OBJ_USER_KEYS, "any", OMITTED, "",
                    .inner = PTD_RPC_ARGS(
                        PTD_RPC_ARG(RANGE, "key", REQUIRED, "A range"))),
        PTD_RPC_ARG(
            OBJ_NAMED, "options", OMITTED, "",
            .inner = PTD_RPC_ARGS(PTD_RPC_ARG(HEX, "h", DEFAULT_HINT, "A hash",
                                              .otherwise = "none"))),
        PTD_RPC_ARG(STR, "last", OMITTED, "Its own", .oneline = "\"LAST\"",
                    .type_left = "x", .type_text = "string or null"),
        PTD_RPC_ARG(NUM, "hidden", OMITTED, "", .flags = PTD_RPC_ARG_HIDDEN)),
    .results = PTD_RPC_RESULTS(
        PTD_RPC_RESULT(NONE, NULL, NULL, .when = "if there is none"),
        PTD_RPC_RESULT(
            OBJ, NULL,
            "", .when = "otherwise",
            .inner = PTD_RPC_RESULTS(
                PTD_RPC_RESULT(STR, "s", "A string\non two lines"),
                PTD_RPC_RESULT(HEX, "hash", "A hash", .optional = true),
                PTD_RPC_RESULT(AMOUNT, "fee", "A fee"),
                PTD_RPC_RESULT(TIME, "time", "A time"),
                PTD_RPC_RESULT(BOOL, "b", NULL),
                PTD_RPC_RESULT(
                    ARR, "l", "A list",
                    .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(NUM, NULL, "One"))),
                PTD_RPC_RESULT(ARR_FIXED, "f", "Two",
                               .inner = PTD_RPC_RESULTS(
                                   PTD_RPC_RESULT(NUM, NULL, "First"),
                                   PTD_RPC_RESULT(NUM, NULL, "Second"))),
                PTD_RPC_RESULT(OBJ, "e", "Empty"),
                PTD_RPC_RESULT(OBJ_DYN, "d", "By name",
                               .inner = PTD_RPC_RESULTS(
                                   PTD_RPC_RESULT(STR, "key", "A value"))),
                PTD_RPC_RESULT(ELISION, NULL, "and so on")))),
    .examples = PTD_RPC_EXAMPLE("nested", "\"x\" 1", "\"x\", 1"),
};

static const char nested_help[] =
    "nested \"name\" [\"id\",...] ( {\"n\":n,\"s\":\"str\",\"a\":amount,\"l\":"
    "[b,...]} {\"key\":n or [n,n],...} {\"h\":\"hex\",...} \"LAST\" )\n"
    "\n"
    "Says much.\n"
    "On two lines.\n"
    "\n"
    "Arguments:\n"
    "1. name                      (string, required) The name\n"
    "                             of it\n"
    "2. list                      (json array, required) A list\n"
    "     [\n"
    "       \"id\",                 (string) An id\n"
    "       ...\n"
    "     ]\n"
    "3. what                      (json object, optional, default={}) An "
    "object\n"
    "     {\n"
    "       \"n\": n,               (numeric, required) A number\n"
    "       \"s\": \"str\",           (string, optional) A string\n"
    "       \"a\": amount,          (numeric or string, optional) An amount\n"
    "       \"l\": [                (json array, optional) More\n"
    "         b,                  (boolean) One\n"
    "         ...\n"
    "       ],\n"
    "     }\n"
    "4. any                       (json object, optional)\n"
    "     {\n"
    "       \"key\": n or [n,n],    (numeric or array, required) A range\n"
    "       ...\n"
    "     }\n"
    "5. options                   (json object, optional) Options object that "
    "can be used to pass named arguments, listed below.\n"
    "6. last                      (string or null, optional) Its own\n"
    "\n"
    "Named Arguments:\n"
    "h    (string, optional, default=none) A hash\n"
    "\n"
    "Result (if there is none):\n"
    "null    (json null)\n"
    "\n"
    "Result (otherwise):\n"
    "{                      (json object)\n"
    "  \"s\" : \"str\",         (string) A string\n"
    "                       on two lines\n"
    "  \"hash\" : \"hex\",      (string, optional) A hash\n"
    "  \"fee\" : n,           (numeric) A fee\n"
    "  \"time\" : xxx,        (numeric) A time\n"
    "  \"b\" : true|false,    (boolean)\n"
    "  \"l\" : [              (json array) A list\n"
    "    n,                 (numeric) One\n"
    "    ...\n"
    "  ],\n"
    "  \"f\" : [              (json array) Two\n"
    "    n,                 (numeric) First\n"
    "    n                  (numeric) Second\n"
    "  ],\n"
    "  \"e\" : {},            (empty JSON object) Empty\n"
    "  \"d\" : {              (json object) By name\n"
    "    \"key\" : \"str\",     (string) A value\n"
    "    ...\n"
    "  },\n"
    "  ...                  and so on\n"
    "}\n"
    "\n"
    "Examples:\n"
    "> pentad-cli nested \"x\" 1\n"
    "> curl --user myusername --data-binary '{\"jsonrpc\": \"2.0\", \"id\": "
    "\"curltest\", \"method\": \"nested\", \"params\": [\"x\", 1]}' -H "
    "'content-type: application/json' http://127.0.0.1:8332/\n";

START_TEST(help_has_cores_layout)
{
    struct ptd_text t = { 0 };
    size_t n = 0;

    ptd_rpc_help(&t, &nested);
    while (t.v[n] != '\0' && t.v[n] == nested_help[n])
        n++;
    ck_assert_msg(t.v[n] == nested_help[n], "\n%.300s\n--- not ---\n%.300s",
                  t.v + n, nested_help + n);
    ptd_text_fini(&t);
}
END_TEST

START_TEST(help_lists_methods_by_category)
{
    static const char want[] =
        "{\"result\":\"== Blockchain ==\\ncount\\n\\n== Control ==\\n"
        "getrpcinfo\\nhelp ( \\\"command\\\" )\\nstop\\nuptime\\n\\n"
        "== Network ==\\nadd a ( b )\\nblock\",\"error\":null}";
    struct rig g;

    rig_init(&g);
    rig_start(&g);
    rig_expect(&g, "all", "{\"method\":\"help\"}", 200, want);
    rig_expect(&g, "one", "{\"method\":\"help\",\"params\":[\"count\"]}", 200,
               "{\"result\":\"count\\n\\nCounts.\\n\\nResult:\\nn    (numeric) "
               "A number\\n\",\"error\":null}");
    rig_expect(&g, "a hidden one",
               "{\"method\":\"help\",\"params\":[\"none\"]}", 200,
               "{\"result\":\"none\\n\\nHas no memory.\\n\\nResult:\\n"
               "\\\"str\\\"    (string) A text\\n\",\"error\":null}");
    rig_expect(&g, "unknown", "{\"method\":\"help\",\"params\":[\"foo\"]}", 200,
               "{\"result\":\"help: unknown command: foo\",\"error\":null}");
    rig_fini(&g);
}
END_TEST

START_TEST(conversions_name_every_argument)
{
    struct ptd_rpc_table t = { 0 };
    static const char want[] =
        "[[\"nested\",0,\"name\",true],[\"nested\",0,\"alias\",true],"
        "[\"nested\",1,\"list\",false],[\"nested\",2,\"what\",false],"
        "[\"nested\",3,\"any\",false],[\"nested\",4,\"options\",false],"
        "[\"nested\",4,\"h\",true],[\"nested\",5,\"last\",true],"
        "[\"nested\",6,\"hidden\",false]]";
    struct ptd_text text = { 0 };
    json_t *v;

    ck_assert_int_eq(ptd_rpc_table_add(&t, &nested, 1, NULL), PTD_OK);
    ck_assert_ptr_nonnull(v = ptd_rpc_table_conversions(&t));
    ptd_json_write(&text, v, 0);
    ck_assert_str_eq(text.v, want);
    ptd_text_fini(&text);
    json_decref(v);
    ptd_rpc_table_fini(&t);
}
END_TEST

TCase *help_case(void)
{
    TCase *tc = tcase_create("help");

    tcase_add_test(tc, help_has_cores_layout);
    tcase_add_test(tc, help_lists_methods_by_category);
    tcase_add_test(tc, conversions_name_every_argument);
    return tc;
}
