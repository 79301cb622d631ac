#include <config.h>

#include "node/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_node.h"
#include "node/datadir.h"
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
        e = ptd_args_read_conf(a, "the file", file, strlen(file), why);
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
    { "negated at top, on every network", "", "noport=1", "regtest", "port",
      "0" },
    { "negated last in the file", "", "proxy=a\nnoproxy=1", "main", "proxy",
      "0" },
    { "negated first in the file", "", "noproxy=1\nproxy=a\nproxy=b", "main",
      "proxy", "a" },
    { "negated on the line", "-proxy=a|-noproxy", "proxy=b", "main", "proxy",
      "0" },
    { "negated and given again", "-noproxy|-proxy=a", "", "main", "proxy",
      "a" },
    { "negated in the section", "", "proxy=a\n[regtest]\nnoproxy=1", "regtest",
      "proxy", "0" },
    { "the line over a section", "-proxy=c", "[regtest]\nproxy=b", "regtest",
      "proxy", "c" },
    { "negated with another value", "-nolisten=7", "", "main", "listen", "0" },
    { "negated with a word", "-nolisten=x", "", "main", "listen", "1" },
    { "section without name", "", "[]\nproxy=a", "main", "proxy", "a" },
    { "section with blanks", "", "[ main ]\nproxy=a", "main", "proxy", NULL },
    { "other white space counts", "", "proxy=a\v", "main", "proxy", "a\v" },
    { "dot in a section", "", "[regtest]\na.port=1", "regtest", "port", NULL },
    { "unknown ones are left out", "", "foo=1\nproxy=a", "main", "proxy", "a" },
    { "Windows' ends of lines", "", "[main]\r\nproxy=a\r\n", "main", "proxy",
      "a" },
    { "behind a single dash nothing is read", "-proxy=a|-|-proxy=b", "", "main",
      "proxy", "a" },
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
    { "network's own negated at the top", "-connect=a", "noconnect=1", "a " },
    { "a value behind a negation brings the file back",
      "-uacomment=a|-nouacomment|-uacomment=b", "uacomment=c", "b c " },
    { "negation in the section hides the top", "",
      "uacomment=a\n[regtest]\nnouacomment=1", "" },
    { "negation twice is a value", "-nouacomment=0", "", "1 " },
    { "other section", "", "[signet]\nuacomment=a", "" },
    { "empty values count", "-uacomment=|-uacomment", "", "  " },
};

START_TEST(list_adds_up)
{
    const char *option =
        strstr(lists[_i].line, "connect") ? "connect" : "uacomment";
    char got[64] = "";
    struct ptd_complaint why;
    struct ptd_args_walk w;
    struct ptd_args a;
    const char *v;

    ck_assert_int_eq(
        read_both(&a, lists[_i].line, lists[_i].file, "regtest", &why), PTD_OK);
    w = ptd_args_each(&a, option);
    while ((v = ptd_args_next(&w)) != NULL) {
        strcat(got, v);
        strcat(got, " ");
    }
    ck_assert_msg(strcmp(got, lists[_i].want) == 0, "%s: \"%s\"",
                  lists[_i].name, got);
    ck_assert_ptr_null(ptd_args_next(&w));
    ck_assert_int_eq(ptd_args_has_any(&a, option), got[0] != '\0');
    ptd_args_fini(&a);
}
END_TEST

/* ---- what is refused --------------------------------------------------------- */

static const struct {
    const char *line, *file, *want;
} refused[] = {
    { "-foo", "", "Invalid parameter -foo" },
    { "-nofoo", "", "Invalid parameter -nofoo" },
    { "--foo=1", "", "Invalid parameter --foo=1" },
    { "-no", "", "Invalid parameter -no" },
    { "-=1", "", "Invalid parameter -=1" },
    { "-regtest.port=1", "", "Invalid parameter -regtest.port=1" },
    { "-nodatadir=1", "",
      "Negating of -datadir is meaningless and therefore forbidden" },
    { "-nologlevel", "",
      "Negating of -loglevel is meaningless and therefore forbidden" },
    { "-proxy", "",
      "Can not set -proxy with no value. Please specify value with "
      "-proxy=value." },
    { "-includeconf=a|-includeconf=b", "",
      "-includeconf cannot be used from commandline; -includeconf=\"a\"" },
    { "-includeconf=a|-noincludeconf|-includeconf=b", "",
      "-includeconf cannot be used from commandline; -includeconf=\"b\"" },
    { "-noincludeconf=0", "",
      "-includeconf cannot be used from commandline; -includeconf=true" },
    { "", "-port=1",
      "parse error on line 1: -port=1, options in configuration file must be "
      "specified without leading -" },
    { "", "port=1\n\nlisten", "parse error on line 3: listen" },
    { "", "[main", "parse error on line 1: [main" },
    { "", "[", "parse error on line 1: [" },
    { "", "nolisten",
      "parse error on line 1: nolisten, if you intended to specify a negated "
      "option, use nolisten=1 instead" },
    { "", "nono",
      "parse error on line 1: nono, if you intended to specify a negated "
      "option, use nono=1 instead" },
    { "", "rpcpassword=a#b",
      "parse error on line 1, using # in rpcpassword can be ambiguous and "
      "should be avoided" },
    { "", "server=1\nrpcuser=a\nmain.rpcpassword=some#pass",
      "parse error on line 3, using # in rpcpassword can be ambiguous and "
      "should be avoided" },
    { "", "server=1\n[main]\nrpcpassword=some # pass",
      "parse error on line 3, using # in rpcpassword can be ambiguous and "
      "should be avoided" },
    { "", "conf=a",
      "conf cannot be set in the configuration file; use includeconf= if you "
      "want to include additional config files" },
    { "", "regtest.noconf=1",
      "conf cannot be set in the configuration file; use includeconf= if you "
      "want to include additional config files" },
    { "", "conf=a\nrubbish", "parse error on line 2: rubbish" },
    { "", "nodatadir=1",
      "Negating of -datadir is meaningless and therefore forbidden" },
    { "", "\xef\xbb\xbfregtest=1",
      "parse error on line 1: the file begins with a byte order mark; save it "
      "without one" },
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
    static char text[70000];
    struct ptd_complaint why;
    struct ptd_args a;

    ptd_args_init(&a);
    ck_assert_int_eq(ptd_args_read_conf(&a, "f", "port\0=1", 7, &why),
                     PTD_EINVAL);
    ck_assert_str_eq(why.text, "parse error on line 1: zero byte");
    memset(text, 'x', sizeof text);
    ck_assert_int_eq(ptd_args_read_conf(&a, "f", text, sizeof text, &why),
                     PTD_EINVAL);
    ck_assert_str_eq(why.text, "parse error on line 1: line too long");
    text[0] = '#'; /* a comment may be as long as it likes */
    ck_assert_int_eq(ptd_args_read_conf(&a, "f", text, sizeof text, &why),
                     PTD_OK);
    ck_assert_int_eq(ptd_args_read_conf(&a, "f", "", 0, &why), PTD_OK);
    ptd_args_fini(&a);
}
END_TEST

static const struct {
    const char *name, *line, *file, *network, *option;
    bool misplaced;
} misplaced[] = {
    { "at the top", "", "port=1", "regtest", "port", true },
    { "on mainnet", "", "port=1", "main", "port", false },
    { "not of one network", "", "proxy=a", "regtest", "proxy", false },
    { "the line has it too", "-port=2", "port=1", "regtest", "port", false },
    { "the line negates it", "-noport", "port=1", "regtest", "port", true },
    { "the section has it too", "", "port=1\n[regtest]\nport=2", "regtest",
      "port", false },
    { "another section has it", "", "port=1\n[signet]\nport=2", "regtest",
      "port", true },
    { "negated", "", "port=1\nnoport=1", "regtest", "port", false },
};

/* Whatever a file holds, it is read or refused. */
START_TEST(mangled_files_are_read_or_refused)
{
    static const char good[] = "regtest=1\nport=5 # c\n[regtest]\nnobind=1\n"
                               "signet.proxy=a\n rpcpassword = b \r\n[x]\n"
                               "uacomment=\nnolisten=0\n";
    static const char bits[] = "=.#[]-\n\r \tno\xef\xbb\xbf\x01";
    unsigned seed = 1;

    for (int i = 0; i < 5000; i++) {
        char text[sizeof good];
        struct ptd_complaint why;
        struct ptd_args a;
        size_t n = sizeof good - 1;

        memcpy(text, good, sizeof good);
        for (int k = 0; k < 1 + i % 8; k++) {
            seed = seed * 1103515245u + 12345u;
            text[(seed >> 8) % n] = bits[(seed >> 20) % (sizeof bits - 1)];
        }
        ptd_args_init(&a);
        a.network = "regtest";
        if (ptd_args_read_conf(&a, "f", text, n - seed % 3, &why) == PTD_EINVAL)
            ck_assert_uint_gt(strlen(why.text), 0);
        for (size_t k = 0; k < a.n; k++)
            ck_assert_ptr_nonnull(a.v[k].option);
        (void)ptd_args_text(&a, "port", NULL);
        (void)ptd_args_has_any(&a, "uacomment");
        ptd_args_fini(&a);
    }
}
END_TEST

START_TEST(misplaced_setting_is_found)
{
    struct ptd_complaint why;
    struct ptd_args a;

    ck_assert_int_eq(read_both(&a, misplaced[_i].line, misplaced[_i].file,
                               misplaced[_i].network, &why),
                     PTD_OK);
    ck_assert_msg(
        ptd_args_is_misplaced(&a, ptd_option_of(misplaced[_i].option)) ==
            misplaced[_i].misplaced,
        "%s", misplaced[_i].name);
    ptd_args_fini(&a);
}
END_TEST

static const struct {
    const char *name, *line, *file;
    bool want;
} choices[] = {
    { "not at all", "", "", false },
    { "the line", "-regtest", "", true },
    { "the line says 0", "-regtest=0", "", false },
    { "the file", "", "regtest=1", true },
    { "negated on the line, which is passed over", "-noregtest", "regtest=1",
      true },
    { "0 on the line", "-regtest=0", "regtest=1", false },
    { "last in the file wins", "", "regtest=1\nregtest=0", false },
    { "negated in the file", "", "regtest=1\nnoregtest=1", false },
    { "in a section, where it means nothing", "", "[regtest]\nregtest=1",
      false },
    { "a word", "-regtest=yes", "", false },
};

START_TEST(network_option_is_looked_up_its_own_way)
{
    struct ptd_complaint why;
    struct ptd_args a;

    ck_assert_int_eq(
        read_both(&a, choices[_i].line, choices[_i].file, NULL, &why), PTD_OK);
    ck_assert_msg(ptd_args_chooses(&a, "regtest") == choices[_i].want, "%s",
                  choices[_i].name);
    ptd_args_fini(&a);
}
END_TEST

START_TEST(what_is_negated_is_told_apart_from_0)
{
    struct ptd_complaint why;
    struct ptd_args a;

    ck_assert_int_eq(
        read_both(&a, "-connect=0|-nobind|-nolisten=0", "", "main", &why),
        PTD_OK);
    ck_assert(!ptd_args_is_negated(&a, "connect"));
    ck_assert(ptd_args_is_negated(&a, "bind"));
    ck_assert(!ptd_args_is_negated(&a, "listen"));
    ck_assert(!ptd_args_is_negated(&a, "port"));
    ptd_args_fini(&a);
}
END_TEST

START_TEST(soft_setting_gives_way)
{
    struct ptd_complaint why;
    struct ptd_args a;
    bool done;

    ck_assert_int_eq(read_both(&a, "-listen=0", "", "main", &why), PTD_OK);
    ck_assert_int_eq(ptd_args_soft_set(&a, "listen", "1", &done), PTD_OK);
    ck_assert(!done);
    ck_assert_str_eq(ptd_args_text(&a, "listen", NULL), "0");
    ck_assert_int_eq(ptd_args_soft_set(&a, "discover", "0", &done), PTD_OK);
    ck_assert(done);
    ck_assert_str_eq(ptd_args_text(&a, "discover", NULL), "0");
    ck_assert_int_eq(ptd_args_soft_set(&a, "discover", "1", &done), PTD_OK);
    ck_assert(!done);
    ptd_args_fini(&a);
}
END_TEST

START_TEST(unknown_sections_are_noted_where_they_stand)
{
    static const char file[] = "testnot.datadir=1\n[regtest]\nport=1\n"
                               "[testnet]\nport=1\n[]\na.b.c=1\n";
    static const struct {
        const char *name;
        int line;
    } want[] = { { "testnot", 1 }, { "testnet", 4 }, { "", 6 }, { ".a.b", 7 } };
    struct ptd_complaint why;
    struct ptd_args a;

    ck_assert_int_eq(read_both(&a, "", file, "main", &why), PTD_OK);
    ck_assert_uint_eq(a.n_sections, PTD_COUNT(want));
    for (size_t i = 0; i < PTD_COUNT(want); i++) {
        ck_assert_str_eq(a.sections[i].name, want[i].name);
        ck_assert_str_eq(a.sections[i].file, "the file");
        ck_assert_int_eq(a.sections[i].line, want[i].line);
    }
    ptd_args_fini(&a);
}
END_TEST

START_TEST(loose_word_is_found)
{
    char a0[] = "pentad", a1[] = "-regtest", a2[] = "foo", dash[] = "-";
    char *one[] = { a0, a1, a2 }, *none[] = { a0, a1 }, *only[] = { a0, dash };

    ck_assert_str_eq(ptd_args_loose(3, one), "foo");
    ck_assert_ptr_null(ptd_args_loose(2, none));
    ck_assert_str_eq(ptd_args_loose(2, only), "-");
}
END_TEST

/* ---- settings.json --------------------------------------------------------- */

static const struct {
    const char *json, *option, *want;
} settings[] = {
    { "{}", "proxy", NULL },
    { "{\"proxy\": \"a\"}", "proxy", "a" },
    { "{\"port\": 5}", "port", "5" },
    { "{\"listen\": true}", "listen", "1" },
    { "{\"listen\": false}", "listen", "0" },
    { "{\"proxy\": null}", "proxy", NULL },
    { "{\"proxy\": {\"a\": 1}}", "proxy", NULL },
    { "{\"uacomment\": [\"a\", 7]}", "uacomment", "7" },
    { "{\"string\": 1, \"proxy\": \"a\"}", "proxy", "a" },
    { "{\"_warning_\": \"x\"}", "proxy", NULL },
    { "{\"regtest.port\": 1}", "port", NULL },
};

START_TEST(settings_win_over_the_file)
{
    struct ptd_complaint why;
    struct ptd_args a;
    const char *got;

    ck_assert_int_eq(read_both(&a, "", "[regtest]\nport=1", "regtest", &why),
                     PTD_OK);
    ck_assert_int_eq(ptd_args_read_settings(&a, "f", settings[_i].json,
                                            strlen(settings[_i].json), &why),
                     PTD_OK);
    got = ptd_args_text(&a, settings[_i].option, NULL);
    if (settings[_i].want == NULL)
        ck_assert(got == NULL || strcmp(got, "1") == 0);
    else
        ck_assert_str_eq(got, settings[_i].want);
    ptd_args_fini(&a);
}
END_TEST

static const struct {
    const char *json, *want;
} bad_settings[] = {
    { "invalid json",
      "Settings file F does not contain valid JSON. This may be caused by a "
      "crash, power loss, full disk, or storage error, and can be fixed by "
      "removing the file, which will reset settings to default values." },
    { "\"string\"", "Found non-object value \"string\" in settings file F" },
    { "[1,2]", "Found non-object value [1,2] in settings file F" },
    { "{\"key\": 1, \"key\": 2}",
      "Found duplicate key key in settings file F" },
};

START_TEST(bad_settings_are_refused)
{
    struct ptd_complaint why;
    struct ptd_args a;

    ptd_args_init(&a);
    ck_assert_int_eq(ptd_args_read_settings(&a, "F", bad_settings[_i].json,
                                            strlen(bad_settings[_i].json),
                                            &why),
                     PTD_EINVAL);
    ck_assert_str_eq(why.text, bad_settings[_i].want);
    ptd_args_fini(&a);
}
END_TEST

/* ---- help ------------------------------------------------------------------ */

START_TEST(help_tells_of_every_option_on_lines_that_fit)
{
    char *text = NULL;
    size_t n = 0, column = 0;
    FILE *f = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(f);
    ptd_options_print(f, PTD_OPTIONS_ALL);
    fclose(f);
    for (size_t i = 0; i < n; i++) {
        column = text[i] == '\n' ? 0 : column + 1;
        ck_assert_uint_lt(column, 80);
    }
    for (size_t i = 0; i < ptd_n_options; i++) {
        const struct ptd_option *o = &ptd_options[i];
        char shown[128];

        snprintf(shown, sizeof shown, " -%s", o->name);
        if (o->name[0] == '\0')
            ck_assert_ptr_nonnull(strstr(text, o->help));
        else if (o->help != NULL ||
                 (o->flags & (PTD_OPTION_IGNORED | PTD_OPTION_MISSING)))
            ck_assert_msg(strstr(text, shown) != NULL, "%s", shown);
    }
    free(text);
    f = open_memstream(&text, &n);
    ptd_options_print(f, PTD_OPTIONS_COMMON);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text, "  -connect=<ip>\n"));
    ck_assert_ptr_null(strstr(text, "  -capturemessages\n"));
    free(text);
}
END_TEST

/* Where the sources are known, as in `make check`. */
START_TEST(manual_page_tells_of_every_option)
{
    const char *srcdir = getenv("PTD_SRCDIR");
    char path[1024], *text;
    size_t n;

    if (srcdir == NULL)
        return;
    snprintf(path, sizeof path, "%s/src/man/pentad.1", srcdir);
    ck_assert_int_eq(ptd_text_read(&text, &n, path, 1 << 20), PTD_OK);
    for (size_t i = 0; i < ptd_n_options; i++) {
        const struct ptd_option *o = &ptd_options[i];
        char item[96] = ".It Fl ", *to = item + strlen(item);
        char listed[2][96];

        if (o->form == NULL &&
            !(o->flags & (PTD_OPTION_IGNORED | PTD_OPTION_MISSING)))
            continue;
        for (const char *at = o->name; *at != '\0'; at++) {
            if (*at == '-')
                *to++ = '\\'; /* as mdoc wants it */
            *to++ = *at;
        }
        *to = '\0';
        snprintf(listed[0], sizeof listed[0], "\\-%s,", o->name);
        snprintf(listed[1], sizeof listed[1], "\\-%s.", o->name);
        ck_assert_msg(
            strstr(text, item) != NULL ||
                (o->form == NULL && (strstr(text, listed[0]) != NULL ||
                                     strstr(text, listed[1]) != NULL)),
            "%s", item);
    }
    free(text);
}
END_TEST

START_TEST(every_option_is_there_once)
{
    for (size_t i = 0; i < ptd_n_options; i++)
        if (ptd_options[i].name[0] != '\0')
            ck_assert_msg(ptd_option_of(ptd_options[i].name) == &ptd_options[i],
                          "%s", ptd_options[i].name);
    ck_assert_ptr_null(ptd_option_of(""));
    ck_assert_ptr_null(ptd_option_of("nosuch"));
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
    tcase_add_test(tc, mangled_files_are_read_or_refused);
    tcase_add_test(tc, file_with_zero_byte_or_endless_line_is_refused);
    tcase_add_loop_test(tc, misplaced_setting_is_found, 0,
                        PTD_COUNT(misplaced));
    tcase_add_loop_test(tc, network_option_is_looked_up_its_own_way, 0,
                        PTD_COUNT(choices));
    tcase_add_test(tc, what_is_negated_is_told_apart_from_0);
    tcase_add_test(tc, soft_setting_gives_way);
    tcase_add_test(tc, unknown_sections_are_noted_where_they_stand);
    tcase_add_test(tc, loose_word_is_found);
    tcase_add_loop_test(tc, settings_win_over_the_file, 0, PTD_COUNT(settings));
    tcase_add_loop_test(tc, bad_settings_are_refused, 0,
                        PTD_COUNT(bad_settings));
    tcase_add_test(tc, every_option_is_there_once);
    tcase_add_test(tc, manual_page_tells_of_every_option);
    tcase_add_test(tc, help_tells_of_every_option_on_lines_that_fit);
    return tc;
}
