#include <config.h>

#include "node/args.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "node/args_int.h"
#include "node/options.h"
#include "pentad/log.h"

PTD_LOG_TAG(NODE);

enum ptd_err ptd_complain(struct ptd_complaint *why, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(why->text, sizeof why->text, format, ap);
    va_end(ap);
    why->offers = false;
    return PTD_EINVAL;
}

void ptd_args_init(struct ptd_args *a)
{
    *a = (struct ptd_args){ 0 };
}

static void arg_fini(struct ptd_arg *arg)
{
    ptd_free(arg->value);
    ptd_free(arg->section);
}

void ptd_args_fini(struct ptd_args *a)
{
    for (size_t i = 0; i < a->n; i++)
        arg_fini(&a->v[i]);
    for (size_t i = 0; i < a->n_sections; i++) {
        ptd_free(a->sections[i].name);
        ptd_free(a->sections[i].file);
    }
    ptd_free(a->sections);
    ptd_free(a->v);
    ptd_args_init(a);
}

/* ---- numbers ------------------------------------------------------------- */

/* White space, a sign, digits; what follows them does not count. */
static int64_t number(const char *s)
{
    bool negative;
    int64_t v = 0;

    while (isspace((unsigned char)*s))
        s++;
    negative = *s == '-';
    if (*s == '-' || *s == '+')
        s++;
    for (; *s >= '0' && *s <= '9'; s++) {
        int d = *s - '0';

        if (v < (INT64_MIN + d) / 10)
            return negative ? INT64_MIN : INT64_MAX;
        v = v * 10 - d; /* below zero: there is one more of these */
    }
    if (negative)
        return v;
    return v == INT64_MIN ? INT64_MAX : -v;
}

bool ptd_number_parse(const char *text, int64_t min, int64_t max, int64_t *out)
{
    const char *digits = text + (*text == '-');

    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return false;
    *out = number(text);
    /* What does not fit was cut to the end of the range. */
    if ((*out == INT64_MAX || *out == INT64_MIN) && strlen(digits) > 19)
        return false;
    return *out >= min && *out <= max;
}

bool ptd_args_truth(const char *text)
{
    return *text == '\0' || number(text) != 0;
}

/* ---- adding -------------------------------------------------------------- */

enum ptd_err ptd_args_add(struct ptd_args *a, const struct ptd_option *option,
                          enum ptd_arg_source source, const char *section,
                          enum ptd_arg_kind kind, const char *value)
{
    struct ptd_arg *v = ptd_array_grow(a->v, &a->cap, a->n + 1, sizeof *a->v);
    struct ptd_arg arg = { option, source, kind, NULL, NULL };

    if (v == NULL)
        return PTD_ENOMEM;
    a->v = v;
    arg.value = ptd_strdup(value);
    arg.section = ptd_strdup(section);
    if (arg.value == NULL || arg.section == NULL) {
        arg_fini(&arg);
        return PTD_ENOMEM;
    }
    a->v[a->n++] = arg;
    return PTD_OK;
}

enum ptd_err ptd_args_interpret(struct ptd_args *a,
                                const struct ptd_option *option, bool negated,
                                enum ptd_arg_source source, const char *section,
                                const char *value, struct ptd_complaint *why)
{
    if (negated && (option->flags & PTD_OPTION_NO_NEGATION))
        return ptd_complain(why,
                            "Negating of -%s is meaningless and therefore "
                            "forbidden",
                            option->name);
    if (!negated && value == NULL && (option->flags & PTD_OPTION_NEEDS_VALUE))
        return ptd_complain(why,
                            "Can not set -%s with no value. Please specify "
                            "value with -%s=value.",
                            option->name, option->name);
    if (!negated)
        return ptd_args_add(a, option, source, section, PTD_ARG_TEXT,
                            value != NULL ? value : "");
    /* "-nofoo=0" says it twice: foo is on. */
    if (value != NULL && !ptd_args_truth(value)) {
        ptd_log_warn("Parsed potentially confusing double-negative -%s=%s",
                     option->name, value);
        return ptd_args_add(a, option, source, section, PTD_ARG_TRUE, "1");
    }
    return ptd_args_add(a, option, source, section, PTD_ARG_FALSE, "0");
}

enum ptd_err ptd_args_soft_set(struct ptd_args *a, const char *name,
                               const char *value, bool *done)
{
    *done = !ptd_args_is_set(a, name);
    if (!*done)
        return PTD_OK;
    return ptd_args_add(a, ptd_option_of(name), PTD_ARG_FORCED, "",
                        PTD_ARG_TEXT, value);
}

/* ---- the command line ------------------------------------------------------ */

static enum ptd_err read_one(struct ptd_args *a, const char *arg,
                             struct ptd_complaint *why)
{
    const char *at = arg + (arg[1] == '-' ? 2 : 1);
    const char *equals = strchr(at, '=');
    size_t n = equals != NULL ? (size_t)(equals - at) : strlen(at);
    bool negated = n >= 2 && strncmp(at, "no", 2) == 0;
    const struct ptd_option *option = NULL;
    char name[64];

    if (n < sizeof name) {
        memcpy(name, at, n);
        name[n] = '\0';
        option = ptd_option_of(name + (negated ? 2 : 0));
    }
    if (option == NULL)
        return ptd_complain(why, "Invalid parameter %.1000s", arg);
    return ptd_args_interpret(a, option, negated, PTD_ARG_COMMAND_LINE, "",
                              equals != NULL ? equals + 1 : NULL, why);
}

/* Which file to include is for the file to say; whether, for the user. */
static enum ptd_err check_include(const struct ptd_args *a,
                                  struct ptd_complaint *why)
{
    const struct ptd_option *include = ptd_option_of("includeconf");
    const struct ptd_arg *first = NULL;

    for (size_t i = 0; i < a->n; i++) {
        if (a->v[i].option != include)
            continue;
        if (a->v[i].kind == PTD_ARG_FALSE)
            first = NULL;
        else if (first == NULL)
            first = &a->v[i];
    }
    if (first == NULL)
        return PTD_OK;
    return ptd_complain(why,
                        first->kind == PTD_ARG_TRUE
                            ? "-includeconf cannot be used from commandline; "
                              "-includeconf=true%.0s"
                            : "-includeconf cannot be used from commandline; "
                              "-includeconf=\"%.2000s\"",
                        first->value);
}

enum ptd_err ptd_args_read_argv(struct ptd_args *a, int argc, char *const *argv,
                                struct ptd_complaint *why)
{
    for (int i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
        enum ptd_err e = read_one(a, argv[i], why);

        if (e != PTD_OK)
            return e;
    }
    return check_include(a, why);
}

const char *ptd_args_loose(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-' || argv[i][1] == '\0')
            return argv[i];
    return NULL;
}

/* ---- logging --------------------------------------------------------------- */

void ptd_args_log(const struct ptd_args *a)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct ptd_arg *arg = &a->v[i];
        bool secret = (arg->option->flags & PTD_OPTION_SECRET) != 0;
        bool in_section = arg->section[0] != '\0';
        const char *quote = arg->kind == PTD_ARG_TEXT && !secret ? "\"" : "";

        if (arg->source != PTD_ARG_FILE && arg->source != PTD_ARG_COMMAND_LINE)
            continue;
        ptd_log_info("%s arg: %s%s%s%s=%s%s%s",
                     arg->source == PTD_ARG_FILE ? "Config file"
                                                 : "Command-line",
                     in_section ? "[" : "", arg->section,
                     in_section ? "] " : "", arg->option->name, quote,
                     secret                       ? "****"
                     : arg->kind == PTD_ARG_FALSE ? "false"
                     : arg->kind == PTD_ARG_TRUE  ? "true"
                                                  : arg->value,
                     quote);
    }
}

/* ---- looking ------------------------------------------------------------- */

/* The places, in the order in which they win. */
enum place {
    FROM_FORCED,
    FROM_ARGV,
    FROM_SETTINGS,
    FROM_SECTION,
    FROM_TOP,
    N_PLACES
};

static bool is_at(const struct ptd_args *a, const struct ptd_arg *arg,
                  const struct ptd_option *option, int place)
{
    if (arg->option != option)
        return false;
    switch (arg->source) {
    case PTD_ARG_FORCED: return place == FROM_FORCED;
    case PTD_ARG_COMMAND_LINE: return place == FROM_ARGV;
    case PTD_ARG_SETTINGS: return place == FROM_SETTINGS;
    case PTD_ARG_FILE: break;
    }
    if (arg->section[0] == '\0')
        return place == FROM_TOP;
    return place == FROM_SECTION && a->network != NULL &&
           strcmp(arg->section, a->network) == 0;
}

/* What one place says of an option. */
struct span {
    const struct ptd_arg *first, *last; /* behind the last negation */
    size_t begin;                       /* index of where that is */
    bool any;                           /* it says something */
    bool negated;                       /* somewhere */
    bool last_negated;
};

static struct span span_of(const struct ptd_args *a,
                           const struct ptd_option *option, int place)
{
    struct span s = { 0 };

    for (size_t i = 0; i < a->n; i++) {
        const struct ptd_arg *arg = &a->v[i];

        if (!is_at(a, arg, option, place))
            continue;
        s.any = true;
        s.last_negated = arg->kind == PTD_ARG_FALSE;
        s.last = arg;
        if (s.last_negated) {
            s.negated = true;
            s.begin = i + 1;
            s.first = NULL;
        } else if (s.first == NULL) {
            s.first = arg;
        }
    }
    return s;
}

/* Options of one network stand in its section; but mainnet's may stand before
 * any. */
static bool sees_top(const struct ptd_args *a, const struct ptd_option *option)
{
    return !(option->flags & PTD_OPTION_NETWORK) ||
           (a->network != NULL && strcmp(a->network, "main") == 0);
}

static const struct ptd_option *option_named(const char *name)
{
    const struct ptd_option *option = ptd_option_of(name);

    PTD_ASSERT(option != NULL);
    return option;
}

const struct ptd_arg *ptd_args_find(const struct ptd_args *a, const char *name)
{
    const struct ptd_option *option = option_named(name);

    for (int place = 0; place < N_PLACES; place++) {
        struct span s = span_of(a, option, place);

        /* A negation before any section counts on every network. */
        if (!s.any ||
            (place == FROM_TOP && !sees_top(a, option) && !s.last_negated))
            continue;
        if (s.last_negated)
            return s.last;
        return place == FROM_SECTION || place == FROM_TOP ? s.first : s.last;
    }
    return NULL;
}

bool ptd_args_chooses(const struct ptd_args *a, const char *name)
{
    const struct ptd_option *option = option_named(name);

    for (int place = 0; place < N_PLACES; place++) {
        struct span s = span_of(a, option, place);

        if (place != FROM_SECTION && s.any && !s.last_negated)
            return ptd_args_truth(s.last->value);
    }
    return false;
}

bool ptd_args_is_set(const struct ptd_args *a, const char *name)
{
    return ptd_args_find(a, name) != NULL;
}

bool ptd_args_is_negated(const struct ptd_args *a, const char *name)
{
    const struct ptd_arg *arg = ptd_args_find(a, name);

    return arg != NULL && arg->kind == PTD_ARG_FALSE;
}

const char *ptd_args_text(const struct ptd_args *a, const char *name,
                          const char *otherwise)
{
    const struct ptd_arg *arg = ptd_args_find(a, name);

    return arg != NULL ? arg->value : otherwise;
}

int64_t ptd_args_int(const struct ptd_args *a, const char *name,
                     int64_t otherwise)
{
    const struct ptd_arg *arg = ptd_args_find(a, name);

    return arg != NULL ? number(arg->value) : otherwise;
}

bool ptd_args_bool(const struct ptd_args *a, const char *name, bool otherwise)
{
    const struct ptd_arg *arg = ptd_args_find(a, name);

    return arg != NULL ? ptd_args_truth(arg->value) : otherwise;
}

bool ptd_args_is_misplaced(const struct ptd_args *a,
                           const struct ptd_option *option)
{
    struct span s;

    if (a->network == NULL || sees_top(a, option))
        return false;
    for (int place = 0; place < FROM_TOP; place++) {
        s = span_of(a, option, place);
        if (s.any && !s.last_negated)
            return false;
    }
    s = span_of(a, option, FROM_TOP);
    return s.any && !s.last_negated;
}

/* ---- lists ----------------------------------------------------------------- */

struct ptd_args_walk ptd_args_each(const struct ptd_args *a, const char *name)
{
    return (struct ptd_args_walk){ .args = a,
                                   .option = option_named(name),
                                   .place = -1,
                                   .at = a->n,
                                   .none_yet = true };
}

/* Leave a place, go on to the next, and decide whether it counts. */
static void walk_on(struct ptd_args_walk *w)
{
    bool from_file;
    struct span s;

    if (w->place >= 0) {
        s = span_of(w->args, w->option, w->place);
        if (!(w->place == FROM_TOP && !sees_top(w->args, w->option))) {
            w->done |= s.negated || (s.any && w->place == FROM_FORCED);
            w->negated_empty |= s.last_negated && w->none_yet;
        }
    }
    w->place++;
    if (w->place == N_PLACES)
        return;
    from_file = w->place == FROM_SECTION || w->place == FROM_TOP;
    w->skips = (w->done && !(from_file && !w->negated_empty)) ||
               (w->place == FROM_TOP && !sees_top(w->args, w->option));
    w->at = span_of(w->args, w->option, w->place).begin;
}

const char *ptd_args_next(struct ptd_args_walk *w)
{
    while (w->place < N_PLACES) {
        for (; w->place >= 0 && !w->skips && w->at < w->args->n; w->at++)
            if (is_at(w->args, &w->args->v[w->at], w->option, w->place)) {
                w->none_yet = false;
                return w->args->v[w->at++].value;
            }
        walk_on(w);
    }
    return NULL;
}

bool ptd_args_has_any(const struct ptd_args *a, const char *name)
{
    struct ptd_args_walk w = ptd_args_each(a, name);

    return ptd_args_next(&w) != NULL;
}
