/* Arguments: names and places, counts, types, values; results against their
 * help. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "rig.h"

#define HASH "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"

static const struct {
    const char *name, *method, *params,
        *result; /* or "CODE text" of an error */
} rows[] = {
    /* By position. */
    { "default", "add", "[5]", "6" },
    { "null takes the default", "add", "[5,null]", "6" },
    { "both", "add", "[5,2]", "7" },

    /* By name. */
    { "named", "add", "{\"a\":5,\"b\":2}", "7" },
    { "in any order", "add", "{\"b\":2,\"a\":5}", "7" },
    { "by an alias", "add", "{\"first\":5}", "6" },
    { "holes", "echo", "{\"arg1\":1}", "[null,1]" },
    { "large holes", "echo", "{\"arg0\":0,\"arg9\":9}",
      "[0,null,null,null,null,null,null,null,null,9]" },
    { "a null in its place", "echo", "{\"arg2\":null}", "[null,null,null]" },
    { "nothing", "echo", "{}", "[]" },
    { "mixed", "echo", "{\"args\":[0,1],\"arg3\":3,\"arg5\":5}",
      "[0,1,null,3,null,5]" },
    { "mixed, none named", "echo", "{\"args\":[0,1]}", "[0,1]" },
    { "args that are none", "echo", "{\"args\":7,\"arg0\":0}", "[0]" },
    { "twice", "echo", "{\"args\":[0,1],\"arg1\":1}",
      "-8 Parameter arg1 specified twice both as positional and named "
      "argument" },
    { "twice, a null", "echo", "{\"args\":[0,null,2],\"arg1\":1}",
      "-8 Parameter arg1 specified twice both as positional and named "
      "argument" },
    { "twice, with an alias", "add", "{\"args\":[0],\"first\":1}",
      "-8 Parameter a|first specified twice both as positional and named "
      "argument" },
    { "repeated", "echo", "{\"arg0\":1,\"arg0\":1}",
      "-8 Parameter arg0 specified multiple times" },
    { "unknown", "echo", "{\"random\":1}",
      "-8 Unknown named parameter random" },
    { "both aliases", "add", "{\"a\":1,\"first\":2}",
      "-8 Unknown named parameter first" },
    { "unknown though empty", "count", "{\"x\":null}",
      "-8 Unknown named parameter x" },

    /* Options beside the others. */
    { "an option by name", "options", "{\"name\":\"n\",\"x\":1}",
      "[\"n\",{\"x\":1}]" },
    { "options by their aliases", "options",
      "{\"name\":\"n\",\"why\":true,\"x\":1,\"last\":3}",
      "[\"n\",{\"x\":1,\"why\":true},3]" },
    { "as an object", "options", "{\"name\":\"n\",\"options\":{\"z\":1}}",
      "[\"n\",{\"z\":1}]" },
    { "both ways", "options", "{\"name\":\"n\",\"options\":{},\"x\":1}",
      "-8 Parameter options conflicts with parameter x" },
    { "an option and one by position", "options", "{\"args\":[\"n\"],\"x\":1}",
      "[\"n\",{\"x\":1}]" },
    { "options twice", "options", "{\"args\":[\"n\",{}],\"x\":1}",
      "-8 Parameter options specified twice both as positional and named "
      "argument" },

    /* Counts: the help comes back. */
    { "too few", "add", "[]", "-1 add a ( b )\n\nAdds.\n" },
    { "too many", "add", "[1,2,3]", "-1 add a ( b )\n\nAdds.\n" },
    { "some for none", "count", "[null]", "-1 count\n\nCounts.\n" },
    { "named, too few", "add", "{\"b\":1}",
      "-3 Wrong type passed:\n{\n    \"Position 1 (a|first)\": \"JSON value of "
      "type null is not of expected type number\"\n}" },

    /* Types. */
    { "right ones", "types", "[\"s\",\"00\",1.5,true,[1],{\"k\":1},\"any\"]",
      "[\"s\",\"00\",1.5,true,[1],{\"k\":1},\"any\"]" },
    { "nulls", "types", "[null,null,null,null,null,null,null]",
      "[null,null,null,null,null,null,null]" },
    { "wrong ones", "types", "[1.5,true,\"1\",0,{},[]]",
      "-3 Wrong type passed:\n{\n"
      "    \"Position 1 (str)\": \"JSON value of type number is not of "
      "expected type string\",\n"
      "    \"Position 2 (hex)\": \"JSON value of type bool is not of expected "
      "type string\",\n"
      "    \"Position 3 (num)\": \"JSON value of type string is not of "
      "expected type number\",\n"
      "    \"Position 4 (bool)\": \"JSON value of type number is not of "
      "expected type bool\",\n"
      "    \"Position 5 (arr)\": \"JSON value of type object is not of "
      "expected type array\",\n"
      "    \"Position 6 (obj)\": \"JSON value of type array is not of expected "
      "type object\"\n}" },

    /* Values. */
    { "an integer's limits", "add", "[2147483647,-2147483648]", "-1" },
    { "beyond them", "add", "[2147483648]", "-1 JSON integer out of range" },
    { "far beyond", "add", "[123456789012345678901]",
      "-1 JSON integer out of range" },
    { "a fraction", "add", "[1.0]", "-1 JSON integer out of range" },
    { "an exponent", "add", "[1e2]", "-1 JSON integer out of range" },
    { "a real", "real", "[1.50]", "1.5" },
    { "an integer for a real", "real", "[2]", "2" },
    { "a real too large", "real", "[1e999]", "-1 JSON double out of range" },
    { "a hash", "hash", "[\"" HASH "\"]", "\"" HASH "\"" },
    { "a hash too short", "hash", "[\"00\"]",
      "-8 blockhash must be of length 64 (not 2, for '00')" },
    { "a hash that is none", "hash",
      "[\"g000000000000000000000000000000000000000000000000000000000000000"
      "\"]",
      "-8 blockhash must be hexadecimal string (not 'g0000000000000000000000000"
      "00000000000000000000000000000000000000')" },
    { "a hash with a NUL", "hash", "[\"00\\u0000\"]",
      "-8 JSON string contains a null character" },
    { "an amount", "amount", "[0.10000000]", "0.10000000" },
    { "an amount as a string", "amount", "[\"21000000\"]",
      "21000000.00000000" },
    { "an amount with an exponent", "amount", "[1e-8]", "0.00000001" },
    { "an amount too large", "amount", "[21000000.00000001]",
      "-3 Amount out of range" },
    { "an amount below zero", "amount", "[-1]", "-3 Amount out of range" },
    { "an amount too fine", "amount", "[0.000000001]", "-3 Invalid amount" },
    { "an amount that is none", "amount", "[\"x\"]", "-3 Invalid amount" },
    { "an amount of nothing", "amount", "[\"\"]", "-3 Invalid amount" },
    { "an amount of another type", "amount", "[true]",
      "-3 Amount is not a number or string" },
    { "verbosity", "level", "[2]", "2" },
    { "verbosity by default", "level", "[]", "7" },
    { "verbosity as a boolean", "level", "[true]", "1" },
    { "verbosity of another type", "level", "[\"1\"]",
      "-3 JSON value of type string is not of expected type number" },
};

/* "CODE text…" is the beginning of an error's. */
static bool is_error(const char *result)
{
    return result[0] == '-' && strchr(result, ' ') != NULL;
}

START_TEST(arguments_are_placed_and_checked)
{
    bool failed = is_error(rows[_i].result);
    json_t *reply, *error;
    struct answer a;
    char body[1024];
    struct rig g;

    snprintf(body, sizeof body, "{\"method\":\"%s\",\"params\":%s,\"id\":1}",
             rows[_i].method, rows[_i].params);
    rig_init(&g);
    rig_start(&g);
    rig_call(&g, body, &a);
    ck_assert_msg(a.status == (failed ? 500 : 200), "%s: %d %s", rows[_i].name,
                  a.status, a.body);
    if (!failed) {
        char want[1200];

        snprintf(want, sizeof want, "{\"result\":%s,\"error\":null,\"id\":1}\n",
                 rows[_i].result);
        ck_assert_msg(strcmp(a.body, want) == 0, "%s: %s", rows[_i].name,
                      a.body);
    } else {
        char got[4096];

        ck_assert_ptr_nonnull(reply = json_loads(a.body, 0, NULL));
        error = json_object_get(reply, "error");
        snprintf(got, sizeof got, "%lld %s",
                 (long long)json_integer_value(json_object_get(error, "code")),
                 json_string_value(json_object_get(error, "message")));
        ck_assert_msg(strncmp(got, rows[_i].result, strlen(rows[_i].result)) ==
                          0,
                      "%s: %s", rows[_i].name, got);
        json_decref(reply);
    }
    answer_free(&a);
    rig_fini(&g);
}
END_TEST

/* A result that is not what the help says: told with -rpcdoccheck alone. */
static const struct {
    const char *params, *why; /* "": it is as promised */
} liar_rows[] = {
    { "[]", "" },
    { "[{\"n\":1,\"s\":\"x\"},{\"n\":1}]", "" },
    { "[{\"s\":\"x\"}]",
      "\"n\": \"key missing, despite not being optional in doc\"" },
    { "[{\"n\":1,\"z\":2}]", "\"z\": \"key returned that was not in doc\"" },
    { "[{\"n\":\"1\"}]",
      "\"n\": \"returned type is string, but declared as number in doc\"" },
    { "[null]", "{\n    \"0\": \"returned type is null, but declared as "
                "object in doc\"\n}" },
    { "[[]]", "\"0\": \"returned type is array, but declared as object in "
              "doc\"" },
    { "[[],4]", "\"1\": \"returned type is number, but declared as object in "
                "doc\"" },
};

START_TEST(results_are_held_against_their_help)
{
    struct answer a;
    char body[256];
    struct rig g;

    snprintf(body, sizeof body, "{\"method\":\"liar\",\"params\":%s}",
             liar_rows[_i].params);
    for (int check = 0; check < 2; check++) {
        bool told = check == 1 && liar_rows[_i].why[0] != '\0';
        json_t *reply;
        const char *text;

        rig_init(&g);
        g.cfg.doc_check = check;
        rig_start(&g);
        rig_call(&g, body, &a);
        ck_assert_int_eq(a.status, told ? 500 : 200);
        if (told) {
            reply = json_loads(a.body, 0, NULL);
            text = json_string_value(
                json_object_get(json_object_get(reply, "error"), "message"));
            ck_assert_ptr_nonnull(text);
            ck_assert_msg(strstr(text, liar_rows[_i].why) != NULL, "%s", text);
            json_decref(reply);
        }
        answer_free(&a);
        rig_fini(&g);
    }
}
END_TEST

TCase *args_case(void)
{
    TCase *tc = tcase_create("args");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, arguments_are_placed_and_checked, 0,
                        PTD_COUNT(rows));
    tcase_add_loop_test(tc, results_are_held_against_their_help, 0,
                        PTD_COUNT(liar_rows));
    return tc;
}
