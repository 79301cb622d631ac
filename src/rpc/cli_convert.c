/* Words of the command line to parameters of a method. */
#include <config.h>

#include <string.h>

#include "base/alloc.h"
#include "rpc/cli_int.h"
#include "rpc/cli_params.h"

enum { READ = PTD_JSON_KEEP_NUMBERS | PTD_JSON_ANY_SIZE };

/* NULL: no JSON, or (no_memory) there was no memory. */
static json_t *parse(const char *text, bool *no_memory)
{
    struct ptd_json_doc doc;
    enum ptd_err e = ptd_json_read(&doc, text, strlen(text), READ);
    json_t *v = NULL;

    *no_memory = e == PTD_ENOMEM;
    if (e == PTD_OK)
        v = json_incref(doc.root);
    ptd_json_doc_fini(&doc);
    return v;
}

/* The value of a word; NULL: c says why there is none. */
static json_t *value_of(struct ptd_cli *c, const char *text, bool is_json,
                        enum ptd_cli_format format)
{
    bool no_memory = false;
    json_t *v = NULL;

    if (is_json && (v = parse(text, &no_memory)) != NULL)
        return v;
    if (is_json && !no_memory && format == PTD_CLI_JSON) {
        (void)ptd_cli_fail(c, "Error parsing JSON: %s", text);
        return NULL;
    }
    if (!no_memory)
        v = ptd_json_text(text, strlen(text));
    if (v == NULL)
        (void)ptd_cli_fail_memory(c);
    return v;
}

static bool add_positional(struct ptd_cli *c, json_t *array, const char *method,
                           const char *text)
{
    enum ptd_cli_format format = PTD_CLI_STRING;
    json_t *v;

    (void)ptd_cli_param_at(method, json_array_size(array), &format);
    v = value_of(c, text, format != PTD_CLI_STRING, format);
    if (v == NULL)
        return false;
    return json_array_append_new(array, v) == 0 || ptd_cli_fail_memory(c);
}

static bool add_named(struct ptd_cli *c, json_t *named, const char *method,
                      const char *name, const char *text)
{
    enum ptd_cli_format format = PTD_CLI_STRING;
    json_t *v;

    (void)ptd_cli_param_named(method, name, &format);
    if ((v = value_of(c, text, format != PTD_CLI_STRING, format)) == NULL)
        return false;
    return json_object_set_new(named, name, v) == 0 || ptd_cli_fail_memory(c);
}

/* A word with an equals sign whose name the method does not have may be one by
 * position: JSON, or a string that can hold the sign. */
static bool is_positional(const char *method, size_t position, const char *name,
                          const char *text, bool *no_memory)
{
    enum ptd_cli_format format;
    json_t *v;

    *no_memory = false;
    if (ptd_cli_param_named(method, name, &format) ||
        !ptd_cli_param_at(method, position, &format))
        return false;
    if (format != PTD_CLI_JSON)
        return format == PTD_CLI_STRING;
    v = parse(text, no_memory);
    json_decref(v);
    return v != NULL;
}

static bool add_word(struct ptd_cli *c, json_t *named, json_t *positional,
                     const char *method, const char *text)
{
    const char *equals = strchr(text, '=');
    bool no_memory, positional_one, good;
    char *name;

    if (equals == NULL)
        return add_positional(c, positional, method, text);
    if ((name = ptd_memdup(text, (size_t)(equals - text) + 1)) == NULL)
        return ptd_cli_fail_memory(c);
    name[equals - text] = '\0';
    positional_one = is_positional(method, json_array_size(positional), name,
                                   text, &no_memory);
    if (no_memory)
        good = ptd_cli_fail_memory(c);
    else if (positional_one)
        good = add_positional(c, positional, method, text);
    else
        good = add_named(c, named, method, name, equals + 1);
    ptd_free(name);
    return good;
}

/* Named ones, then those by position as "args": a server complains if that was
 * named too. */
static void put_object(struct ptd_text *t, const json_t *named,
                       const json_t *positional)
{
    ptd_json_write(t, named, 0);
    if (json_array_size(positional) == 0 || t->failed)
        return;
    t->v[--t->n] = '\0'; /* the brace */
    ptd_text_puts(t, json_object_size(named) > 0 ? ",\"args\":" : "\"args\":");
    ptd_json_write(t, positional, 0);
    ptd_text_puts(t, "}");
}

bool ptd_cli_convert(struct ptd_cli *c, struct ptd_text *t, const char *method,
                     const char *const *args, size_t n, bool named)
{
    json_t *object = json_object(), *array = json_array();
    bool good = object != NULL && array != NULL;

    if (!good)
        (void)ptd_cli_fail_memory(c);
    for (size_t i = 0; i < n && good; i++)
        good = named ? add_word(c, object, array, method, args[i])
                     : add_positional(c, array, method, args[i]);
    if (good && named)
        put_object(t, object, array);
    else if (good)
        ptd_json_write(t, array, 0);
    json_decref(object);
    json_decref(array);
    return good;
}
