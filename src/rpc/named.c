/* Named arguments: from an object to the array that a method knows.
 *
 * What lies between two arguments that were given is null; nothing is added
 * behind the last. "args" holds an array of arguments by position, which named
 * ones follow. Members of an options argument can be given beside it.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "rpc/call.h"

struct placing {
    struct ptd_rpc_call *call;
    json_t *left;        /* what was given and has no place yet */
    json_t *out;         /* arguments in their places */
    json_t *options;     /* members of the next options argument */
    size_t hole;         /* arguments not given since the last that was */
    size_t initial_hole; /* before the first that was given */
    const char *initial; /* the first that was given: its names */
};

bool ptd_rpc_next_name(const char **at, const char **name, size_t *n)
{
    if (*at == NULL)
        return false;
    *name = *at;
    *n = strcspn(*at, "|");
    *at = (*at)[*n] != '\0' ? *at + *n + 1 : NULL;
    return true;
}

static bool no_memory(struct placing *p)
{
    ptd_rpc_fail_memory(p->call);
    return false;
}

static bool append(json_t *array, json_t *value)
{
    return json_array_append(array, value) == 0;
}

/* The first of the names that was given; its key is copied to room. */
static json_t *find(const struct placing *p, const char *names, char *room,
                    size_t cap)
{
    const char *at = names, *name;
    size_t n;

    while (ptd_rpc_next_name(&at, &name, &n)) {
        json_t *v;

        PTD_ASSERT(n < cap);
        memcpy(room, name, n);
        room[n] = '\0';
        if ((v = json_object_get(p->left, room)) != NULL)
            return v;
    }
    return NULL;
}

/* A member of the options argument that follows. */
static bool place_option(struct placing *p, const struct ptd_rpc_arg *a)
{
    char key[64];
    json_t *v = find(p, a->names, key, sizeof key);

    if (v == NULL)
        return true;
    if (json_object_get(p->options, key) != NULL) {
        ptd_rpc_fail(p->call, PTD_RPC_INVALID_PARAMETER,
                     "Parameter %s specified multiple times", key);
        return false;
    }
    if (json_object_set(p->options, key, v) != 0)
        return no_memory(p);
    return json_object_del(p->left, key) == 0;
}

static bool fill_hole(struct placing *p)
{
    for (; p->hole > 0; p->hole--)
        if (!append(p->out, json_null()))
            return no_memory(p);
    return true;
}

static const char *first_key(json_t *o)
{
    return json_object_iter_key(json_object_iter(o));
}

static bool place(struct placing *p, const struct ptd_rpc_arg *a)
{
    char key[64];
    json_t *v = find(p, a->names, key, sizeof key);
    bool has_options = json_object_size(p->options) > 0;

    if (v == NULL && !has_options) {
        p->hole++;
        if (json_array_size(p->out) == 0)
            p->initial_hole = p->hole;
        return true;
    }
    if (!fill_hole(p))
        return false;
    if (p->initial == NULL)
        p->initial = a->names;
    if (v != NULL && has_options) {
        ptd_rpc_fail(p->call, PTD_RPC_INVALID_PARAMETER,
                     "Parameter %s conflicts with parameter %s", key,
                     first_key(p->options));
        return false;
    }
    if (!append(p->out, v != NULL ? v : p->options))
        return no_memory(p);
    if (v != NULL)
        return json_object_del(p->left, key) == 0;
    json_decref(p->options);
    if ((p->options = json_object()) == NULL)
        return no_memory(p);
    return true;
}

static bool place_all(struct placing *p)
{
    const struct ptd_rpc_arg *a = p->call->method->args;

    for (; a != NULL && a->type != PTD_RPC_A_END; a++) {
        if (a->type == PTD_RPC_A_OBJ_NAMED)
            for (const struct ptd_rpc_arg *in = a->inner;
                 in->type != PTD_RPC_A_END; in++)
                if (!place_option(p, in))
                    return false;
        if (!place(p, a))
            return false;
    }
    return true;
}

/* "args": those by position come first. */
static bool add_positional(struct placing *p)
{
    json_t *args = json_object_get(p->left, "args"), *all;
    size_t n = json_array_size(args);

    if (args == NULL)
        return true;
    if (json_is_array(args)) {
        if (p->initial != NULL && p->initial_hole < n) {
            ptd_rpc_fail(p->call, PTD_RPC_INVALID_PARAMETER,
                         "Parameter %s specified twice both as positional "
                         "and named argument",
                         p->initial);
            return false;
        }
        if ((all = json_copy(args)) == NULL)
            return no_memory(p);
        for (size_t i = n; i < json_array_size(p->out); i++) {
            if (!append(all, json_array_get(p->out, i))) {
                json_decref(all);
                return no_memory(p);
            }
        }
        json_decref(p->out);
        p->out = all;
    }
    return json_object_del(p->left, "args") == 0;
}

json_t *ptd_rpc_place_named(struct ptd_rpc_call *call, json_t *given,
                            const char *repeated)
{
    struct placing p = { .call = call };
    bool good = false;

    if (repeated != NULL)
        return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                            "Parameter %s specified multiple times", repeated);
    p.left = json_copy(given);
    p.out = json_array();
    p.options = json_object();
    if (p.left == NULL || p.out == NULL || p.options == NULL)
        no_memory(&p);
    else
        good = place_all(&p) && add_positional(&p);
    if (good && json_object_size(p.left) > 0) {
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "Unknown named parameter %s", first_key(p.left));
        good = false;
    }
    json_decref(p.left);
    json_decref(p.options);
    if (good)
        return p.out;
    json_decref(p.out);
    return NULL;
}
