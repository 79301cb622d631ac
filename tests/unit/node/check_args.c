#include <config.h>

#include "node/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_node.h"
#include "node/options.h"

/* Options in one text, split at the bars; then a file. */
static enum ptd_err read_both(struct ptd_args *a, const char *line,
                              const char *file, const char *network,
                              struct ptd_complaint *why)
{
    char words[512], *argv[16] = { words };
    enum ptd_err e;
    int argc = 1;

    snprintf(words, sizeof words, "%s", line);
    for (char *at = words, *w; (w = strsep(&at, "|")) != NULL;)
        if (*w != '\0')
            argv[argc++] = w;
    ptd_args_init(a);
    why->text[0] = '\0';
    e = ptd_args_read_argv(a, argc, argv, why);
    if (e == PTD_OK)
        e = ptd_args_read_conf(a, file, strlen(file), why);
    a->network = network;
    return e;
}

/* ---- one value ------------------------------------------------------------ */

static const struct {
    const char *name, *line, *file, *network, *option, *want;
} values[] = {
    { "none given", "", "", "main", "port", NULL },
    { "one dash", "-port=1", "", "main", "port", "1" },
    { "two dashes", "--port=1", "", "main", "port", "1" },
    { "without value", "-listen", "", "main", "listen", "" },
    { "empty value", "-proxy=", "", "main", "proxy", "" },
    { "last on the line wins", "-port=1|-port=2", "", "main", "port", "2" },
    { "the line wins over the file", "-port=1", "port=2", "main", "port", "1" },
    { "first in the file wins", "", "port=1\nport=2", "main", "port", "1" },
    { "section wins over top", "", "proxy=a\n[regtest]\nproxy=b", "regtest",
      "proxy", "b" },
    { "other section", "", "[signet]\nport=1", "regtest", "port", NULL },
    { "section of mainnet", "", "[main]\nport=1", "main", "port", "1" },
    { "name with section", "", "regtest.port=7", "regtest", "port", "7" },
    { "network's own at top", "", "port=7", "regtest", "port", NULL },
    { "the same on mainnet", "", "port=7", "main", "port", "7" },
    { "negated", "-nolisten", "", "main", "listen", "0" },
    { "negated in the file", "", "nolisten=1", "main", "listen", "0" },
    { "negated twice", "-nolisten=0", "", "main", "listen", "1" },
    { "spaces do not count", "", "  proxy =  a b \t\r\n", "main", "proxy",
      "a b" },
    { "comment", "", "proxy=a # b", "main", "proxy", "a" },
    { "comment alone", "", "# proxy=a", "main", "proxy", NULL },
    { "equals in the value", "-proxy=a=b", "", "main", "proxy", "a=b" },
    { "no end of line", "", "proxy=a", "main", "proxy", "a" },
    { "ignored ones are kept", "-disablewallet", "", "main", "disablewallet",
      "" },
};

START_TEST(setting_that_counts)
{
    struct ptd_complaint why;
    struct ptd_args a;
    enum ptd_err e = read_both(&a, values[_i].line, values[_i].file,
                               values[_i].network, &why);
    const char *got;

    ck_assert_msg(e == PTD_OK, "%s: %s", values[_i].name, why.text);
    got = ptd_args_text(&a, values[_i].option, NULL);
    ck_assert_msg((got == NULL) == (values[_i].want == NULL), "%s: %s",
                  values[_i].name, got != NULL ? got : "nothing");
    if (got != NULL)
        ck_assert_str_eq(got, values[_i].want);
    ptd_args_fini(&a);
}
END_TEST

/* ---- numbers --------------------------------------------------------------- */

static const struct {
    const char *value;
    int64_t number;
    bool truth;
} numbers[] = {
    { "", 0, true },
    { "0", 0, false },
    { "1", 1, true },
    { "-1", -1, true },
    { "12x", 12, true },
    { "x", 0, false },
    { " 7", 7, true },
    { "+7", 7, true },
    { "true", 0, false },
    { "-", 0, false },
    { "9223372036854775807", INT64_MAX, true },
    { "9223372036854775808", INT64_MAX, true },
    { "99999999999999999999", INT64_MAX, true },
    { "-9223372036854775808", INT64_MIN, true },
    { "-99999999999999999999", INT64_MIN, true },
};

START_TEST(number_as_far_as_it_goes)
{
    struct ptd_complaint why;
    struct ptd_args a;
    char line[64];

    snprintf(line, sizeof line, "-timeout=%s", numbers[_i].value);
    ck_assert_int_eq(read_both(&a, line, "", "main", &why), PTD_OK);
    ck_assert_msg(ptd_args_int(&a, "timeout", 5) == numbers[_i].number,
                  "\"%s\"", numbers[_i].value);
    ck_assert_msg(ptd_args_bool(&a, "timeout", false) == numbers[_i].truth,
                  "\"%s\"", numbers[_i].value);
    ck_assert_int_eq(ptd_args_int(&a, "port", 5), 5);
    ptd_args_fini(&a);
}
END_TEST

/* ---- lists ----------------------------------------------------------------- */

static const struct {
    const char *name, *line, *file, *want;
} lists[] = {
    { "empty", "", "", "" },
    { "line, section, top", "-uacomment=a|-uacomment=b",
      "uacomment=e\n[regtest]\nuacomment=c\nuacomment=d\n", "a b c d e " },
    { "negation ends what stood before",
      "-uacomment=a|-nouacomment|-uacomment=b", "", "b " },
    { "negation on the line hides the file", "-nouacomment", "uacomment=a",
      "" },
    { "negation in the file", "-uacomment=a",
      "uacomment=b\nnouacomment=1\nuacomment=c", "a c " },
    { "network's own are not taken from the top", "-connect=a", "connect=b",
      "a " },
};

START_TEST(list_adds_up)
{
    const char *option =
        strstr(lists[_i].line, "connect") ? "connect" : "uacomment";
    char got[64] = "";
    struct ptd_complaint why;
    struct ptd_args a;
    const char *v;
    size_t at = 0;

    ck_assert_int_eq(
        read_both(&a, lists[_i].line, lists[_i].file, "regtest", &why), PTD_OK);
    while ((v = ptd_args_next(&a, option, &at)) != NULL) {
        strcat(got, v);
        strcat(got, " ");
    }
    ck_assert_msg(strcmp(got, lists[_i].want) == 0, "%s: \"%s\"",
                  lists[_i].name, got);
    ck_assert_ptr_null(ptd_args_next(&a, option, &at));
    ptd_args_fini(&a);
}
END_TEST

/* ---- what is refused --------------------------------------------------------- */

static const struct {
    const char *line, *file, *want;
} refused[] = {
    { "-foo", "", "Invalid parameter -foo" },
    { "-nofoo", "", "Invalid parameter -nofoo" },
    { "-foo=1", "", "Invalid parameter -foo" },
    { "-regtest.port=1", "", "Invalid parameter -regtest.port" },
    { "-onlynet=onion", "", "Invalid parameter -onlynet" },
    { "foo", "",
      "Command line contains unexpected token 'foo', see pentad -h for a list "
      "of options." },
    { "-", "",
      "Command line contains unexpected token '-', see pentad -h for a list "
      "of options." },
    { "-noconf", "",
      "Negating of -conf is meaningless and therefore forbidden" },
    { "-nodatadir=1", "",
      "Negating of -datadir is meaningless and therefore forbidden" },
    { "-chain", "",
      "Can not set -chain with no value. Please specify value with "
      "-chain=value." },
    { "", "foo=1", "Invalid configuration value foo" },
    { "", "[regtest]\nfoo=1", "Invalid configuration value foo" },
    { "", "regtest.foo=1", "Invalid configuration value regtest.foo" },
    { "", "-port=1",
      "parse error on line 1: -port=1, options in configuration file must be "
      "specified without leading -" },
    { "", "port=1\n\nlisten", "parse error on line 3: listen" },
    { "", "nolisten",
      "parse error on line 1: nolisten, if you intended to specify a negated "
      "option, use nolisten=1 instead" },
    { "", "rpcpassword=a#b",
      "parse error on line 1, using # in rpcpassword can be ambiguous and "
      "should be avoided" },
    { "", "conf=a",
      "conf cannot be set in the configuration file; use the command line" },
};

START_TEST(refused_in_words)
{
    struct ptd_complaint why;
    struct ptd_args a;

    ck_assert_int_eq(
        read_both(&a, refused[_i].line, refused[_i].file, "main", &why),
        PTD_EINVAL);
    ck_assert_str_eq(why.text, refused[_i].want);
    ptd_args_fini(&a);
}
END_TEST

/* ---- odd files --------------------------------------------------------------- */

START_TEST(file_with_zero_byte_or_endless_line_is_refused)
{
    static char text[8192];
    struct ptd_complaint why;
    struct ptd_args a;

    ptd_args_init(&a);
    ck_assert_int_eq(ptd_args_read_conf(&a, "port\0=1", 7, &why), PTD_EINVAL);
    memset(text, 'x', sizeof text);
    ck_assert_int_eq(ptd_args_read_conf(&a, text, sizeof text, &why),
                     PTD_EINVAL);
    text[0] = '#'; /* a comment may be as long as it likes */
    ck_assert_int_eq(ptd_args_read_conf(&a, text, sizeof text, &why), PTD_OK);
    ck_assert_int_eq(ptd_args_read_conf(&a, "", 0, &why), PTD_OK);
    ptd_args_fini(&a);
}
END_TEST

START_TEST(misplaced_setting_is_found)
{
    struct ptd_complaint why;
    struct ptd_args a;
    const struct ptd_arg *arg;

    ck_assert_int_eq(read_both(&a, "", "port=1\nproxy=a", "regtest", &why),
                     PTD_OK);
    arg = ptd_args_misplaced(&a);
    ck_assert_ptr_nonnull(arg);
    ck_assert_str_eq(arg->name, "port");
    a.network = "main";
    ck_assert_ptr_null(ptd_args_misplaced(&a));
    ptd_args_fini(&a);
    ck_assert_int_eq(read_both(&a, "-port=2", "port=1", "regtest", &why),
                     PTD_OK);
    ck_assert_ptr_null(ptd_args_misplaced(&a)); /* it would not count anyway */
    ptd_args_fini(&a);
}
END_TEST

START_TEST(help_tells_of_every_option_on_lines_that_fit)
{
    char *text = NULL;
    size_t n = 0, column = 0;
    FILE *f = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(f);
    ptd_options_print(f);
    fclose(f);
    for (size_t i = 0; i < n; i++) {
        column = text[i] == '\n' ? 0 : column + 1;
        ck_assert_uint_lt(column, 80);
    }
    ck_assert_ptr_nonnull(strstr(text, "  -connect=<address>\n"));
    ck_assert_ptr_nonnull(strstr(text, "  -peertable\n"));
    free(text);
}
END_TEST

TCase *tcase_args(void)
{
    TCase *tc = tcase_create("args");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, setting_that_counts, 0, PTD_COUNT(values));
    tcase_add_loop_test(tc, number_as_far_as_it_goes, 0, PTD_COUNT(numbers));
    tcase_add_loop_test(tc, list_adds_up, 0, PTD_COUNT(lists));
    tcase_add_loop_test(tc, refused_in_words, 0, PTD_COUNT(refused));
    tcase_add_test(tc, file_with_zero_byte_or_endless_line_is_refused);
    tcase_add_test(tc, misplaced_setting_is_found);
    tcase_add_test(tc, help_tells_of_every_option_on_lines_that_fit);
    return tc;
}
