#include <config.h>

#include "node/args.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "node/options.h"

enum ptd_err ptd_complain(struct ptd_complaint *why, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(why->text, sizeof why->text, format, ap);
    va_end(ap);
    return PTD_EINVAL;
}

void ptd_args_init(struct ptd_args *a)
{
    *a = (struct ptd_args){ 0 };
}

static void arg_fini(struct ptd_arg *arg)
{
    ptd_free(arg->name);
    ptd_free(arg->value);
    ptd_free(arg->section);
}

void ptd_args_fini(struct ptd_args *a)
{
    for (size_t i = 0; i < a->n; i++)
        arg_fini(&a->v[i]);
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

static bool truth(const char *s)
{
    return *s == '\0' || number(s) != 0;
}

/* ---- adding -------------------------------------------------------------- */

/* Without its section in front ("regtest.port"), which goes to *section. */
static const char *split_section(const char *text, const char **section,
                                 char *room, size_t cap)
{
    const char *dot = strchr(text, '.');

    if (dot == NULL || (size_t)(dot - text) >= cap)
        return text;
    memcpy(room, text, (size_t)(dot - text));
    room[dot - text] = '\0';
    *section = room;
    return dot + 1;
}

static enum ptd_err check_option(const struct ptd_option *o, const char *name,
                                 bool negated, const char *value,
                                 struct ptd_complaint *why)
{
    if (negated && (o->flags & PTD_OPTION_NO_NEGATION))
        return ptd_complain(why,
                            "Negating of -%s is meaningless and therefore "
                            "forbidden",
                            name);
    if (!negated && value == NULL && (o->flags & PTD_OPTION_NEEDS_VALUE))
        return ptd_complain(why,
                            "Can not set -%s with no value. Please specify "
                            "value with -%s=value.",
                            name, name);
    return PTD_OK;
}

static enum ptd_err append(struct ptd_args *a, const struct ptd_arg *from)
{
    struct ptd_arg *v = ptd_array_grow(a->v, &a->cap, a->n + 1, sizeof *a->v);
    struct ptd_arg arg = *from;

    if (v == NULL)
        return PTD_ENOMEM;
    a->v = v;
    arg.name = ptd_strdup(from->name);
    arg.value = ptd_strdup(from->value);
    arg.section = ptd_strdup(from->section);
    if (arg.name == NULL || arg.value == NULL || arg.section == NULL) {
        arg_fini(&arg);
        return PTD_ENOMEM;
    }
    a->v[a->n++] = arg;
    return PTD_OK;
}

enum ptd_err ptd_args_add(struct ptd_args *a, enum ptd_arg_source source,
                          const char *section, const char *text,
                          const char *value, struct ptd_complaint *why)
{
    struct ptd_arg arg = { .source = source };
    const struct ptd_option *o;
    char room[32], name[64];
    const char *bare;
    enum ptd_err e;

    bare = split_section(text, &section, room, sizeof room);
    arg.negated = strncmp(bare, "no", 2) == 0 && bare[2] != '\0';
    snprintf(name, sizeof name, "%s", arg.negated ? bare + 2 : bare);
    o = ptd_option_of(name);
    if (source == PTD_ARG_COMMAND_LINE && (o == NULL || bare != text))
        return ptd_complain(why, "Invalid parameter -%s", text);
    if (o == NULL)
        return ptd_complain(why, "Invalid configuration value %s", text);
    if (source == PTD_ARG_FILE && (o->flags & PTD_OPTION_NOT_IN_FILE))
        return ptd_complain(why,
                            "%s cannot be set in the configuration file; use "
                            "the command line",
                            name);
    if ((e = check_option(o, name, arg.negated, value, why)) != PTD_OK)
        return e;
    /* "-nofoo=0" says it twice: foo is on. */
    if (arg.negated && value != NULL && !truth(value)) {
        arg.negated = false;
        value = "1";
    }
    arg.name = name;
    arg.section = (char *)(uintptr_t)section; /* copied */
    arg.value = (char *)(uintptr_t)(arg.negated     ? "0"
                                    : value != NULL ? value
                                                    : "");
    return append(a, &arg);
}

enum ptd_err ptd_args_read_argv(struct ptd_args *a, int argc, char *const *argv,
                                struct ptd_complaint *why)
{
    for (int i = 1; i < argc; i++) {
        const char *at = argv[i], *equals;
        char name[128];
        enum ptd_err e;

        if (at[0] != '-' || at[1] == '\0')
            return ptd_complain(why,
                                "Command line contains unexpected token '%s', "
                                "see pentad -h for a list of options.",
                                at);
        at += at[1] == '-' ? 2 : 1;
        equals = strchr(at, '=');
        if (equals == NULL)
            equals = at + strlen(at);
        if ((size_t)(equals - at) >= sizeof name)
            return ptd_complain(why, "Invalid parameter %.100s", argv[i]);
        memcpy(name, at, (size_t)(equals - at));
        name[equals - at] = '\0';
        e = ptd_args_add(a, PTD_ARG_COMMAND_LINE, "", name,
                         *equals == '=' ? equals + 1 : NULL, why);
        if (e != PTD_OK)
            return e;
    }
    return PTD_OK;
}

/* ---- looking ------------------------------------------------------------- */

/* The three places, in the order in which they win. */
enum place { FROM_ARGV, FROM_SECTION, FROM_TOP, N_PLACES };

static bool is_at(const struct ptd_args *a, const struct ptd_arg *arg,
                  const char *name, enum place place)
{
    const struct ptd_option *o;

    if (strcmp(arg->name, name) != 0 ||
        (arg->source == PTD_ARG_COMMAND_LINE) != (place == FROM_ARGV))
        return false;
    if (place == FROM_ARGV)
        return true;
    if (place == FROM_SECTION)
        return a->network != NULL && strcmp(arg->section, a->network) == 0;
    if (arg->section[0] != '\0')
        return false;
    o = ptd_option_of(name);
    return o == NULL || !(o->flags & PTD_OPTION_NETWORK) ||
           a->network == NULL || strcmp(a->network, "main") == 0;
}

const struct ptd_arg *ptd_args_find(const struct ptd_args *a, const char *name)
{
    for (enum place place = FROM_ARGV; place < N_PLACES; place++) {
        const struct ptd_arg *found = NULL;

        for (size_t i = 0; i < a->n; i++)
            if (is_at(a, &a->v[i], name, place) &&
                (found == NULL || place == FROM_ARGV))
                found = &a->v[i];
        if (found != NULL)
            return found;
    }
    return NULL;
}

bool ptd_args_is_set(const struct ptd_args *a, const char *name)
{
    return ptd_args_find(a, name) != NULL;
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

    return arg != NULL ? truth(arg->value) : otherwise;
}

/* Where the list begins in a place: behind its last negation. */
static size_t begin_of(const struct ptd_args *a, const char *name,
                       enum place place, bool *negated)
{
    size_t begin = 0;

    for (size_t i = 0; i < a->n; i++)
        if (a->v[i].negated && is_at(a, &a->v[i], name, place)) {
            begin = i + 1;
            *negated = true;
        }
    return begin;
}

const char *ptd_args_next(const struct ptd_args *a, const char *name,
                          size_t *at)
{
    bool negated = false;

    /* *at counts on over the three places, n for each. */
    for (enum place place = FROM_ARGV; place < N_PLACES && !negated; place++) {
        size_t begin = begin_of(a, name, place, &negated);

        for (size_t i = *at > place * a->n ? *at - place * a->n : 0; i < a->n;
             i++)
            if (i >= begin && is_at(a, &a->v[i], name, place)) {
                *at = place * a->n + i + 1;
                return a->v[i].value;
            }
    }
    *at = N_PLACES * a->n;
    return NULL;
}

const struct ptd_arg *ptd_args_misplaced(const struct ptd_args *a)
{
    if (a->network == NULL || strcmp(a->network, "main") == 0)
        return NULL;
    for (size_t i = 0; i < a->n; i++) {
        const struct ptd_arg *arg = &a->v[i];
        const struct ptd_option *o = ptd_option_of(arg->name);

        if (arg->source == PTD_ARG_FILE && arg->section[0] == '\0' &&
            o != NULL && (o->flags & PTD_OPTION_NETWORK) &&
            ptd_args_find(a, arg->name) == NULL)
            return arg;
    }
    return NULL;
}
