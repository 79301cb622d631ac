/* Arguments and results held against their documentation. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "rpc/call.h"

/* ---- arguments ------------------------------------------------------------- */

bool ptd_rpc_arg_is_optional(const struct ptd_rpc_arg *a)
{
    return a->need != PTD_RPC_REQUIRED;
}

static size_t n_args(const struct ptd_rpc_arg *a)
{
    size_t n = 0;

    while (a != NULL && a[n].type != PTD_RPC_A_END)
        n++;
    return n;
}

static bool count_is_right(const struct ptd_rpc_method *m, size_t n)
{
    size_t most = n_args(m->args), least = most;

    while (least > 0 && ptd_rpc_arg_is_optional(&m->args[least - 1]))
        least--;
    return n >= least && n <= most;
}

/* False: every type is good. */
static bool expected_arg_type(const struct ptd_rpc_arg *a,
                              enum ptd_json_type *out)
{
    switch (a->type) {
    case PTD_RPC_A_STR:
    case PTD_RPC_A_HEX: *out = PTD_JSON_STRING; return true;
    case PTD_RPC_A_NUM: *out = PTD_JSON_NUMBER; return true;
    case PTD_RPC_A_BOOL: *out = PTD_JSON_BOOL; return true;
    case PTD_RPC_A_ARR: *out = PTD_JSON_ARRAY; return true;
    case PTD_RPC_A_OBJ:
    case PTD_RPC_A_OBJ_USER_KEYS:
    case PTD_RPC_A_OBJ_NAMED: *out = PTD_JSON_OBJECT; return true;
    case PTD_RPC_A_AMOUNT:
    case PTD_RPC_A_RANGE:
    case PTD_RPC_A_END: break;
    }
    return false;
}

/* What is wrong with an argument, as a JSON string; NULL if nothing is. */
static json_t *arg_mismatch(const struct ptd_rpc_arg *a, const json_t *v)
{
    enum ptd_json_type got = ptd_json_type(v), want;

    if ((a->flags & PTD_RPC_ARG_ANY_TYPE) ||
        (got == PTD_JSON_NULL && ptd_rpc_arg_is_optional(a)) ||
        !expected_arg_type(a, &want) || got == want)
        return NULL;
    return json_sprintf("JSON value of type %s is not of expected type %s",
                        ptd_json_type_name(got), ptd_json_type_name(want));
}

static void fail_with_json(struct ptd_rpc_call *call, enum ptd_rpc_code code,
                           const char *before, const json_t *v)
{
    struct ptd_text t = { 0 };

    ptd_text_puts(&t, before);
    ptd_json_write(&t, v, 4);
    ptd_rpc_fail_text(call, code, &t);
}

bool ptd_rpc_check_args(struct ptd_rpc_call *call)
{
    const struct ptd_rpc_arg *a = call->method->args;
    json_t *wrong = json_object();
    struct ptd_text help = { 0 };
    size_t n = n_args(a);

    if (!count_is_right(call->method, json_array_size(call->params))) {
        ptd_rpc_help(&help, call->method);
        ptd_rpc_fail_text(call, PTD_RPC_MISC_ERROR, &help);
        json_decref(wrong);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        json_t *text = arg_mismatch(&a[i], json_array_get(call->params, i));
        char key[128];

        if (text == NULL)
            continue;
        snprintf(key, sizeof key, "Position %zu (%s)", i + 1, a[i].names);
        ptd_json_set(&wrong, key, text);
    }
    if (wrong == NULL)
        ptd_rpc_fail_memory(call);
    else if (json_object_size(wrong) > 0)
        fail_with_json(call, PTD_RPC_TYPE_ERROR, "Wrong type passed:\n", wrong);
    json_decref(wrong);
    return !call->failed;
}

/* ---- results --------------------------------------------------------------- */

static bool expected_result_type(const struct ptd_rpc_result *r,
                                 enum ptd_json_type *out)
{
    switch (r->type) {
    case PTD_RPC_R_STR:
    case PTD_RPC_R_HEX: *out = PTD_JSON_STRING; return true;
    case PTD_RPC_R_NUM:
    case PTD_RPC_R_AMOUNT:
    case PTD_RPC_R_TIME: *out = PTD_JSON_NUMBER; return true;
    case PTD_RPC_R_BOOL: *out = PTD_JSON_BOOL; return true;
    case PTD_RPC_R_NONE: *out = PTD_JSON_NULL; return true;
    case PTD_RPC_R_ARR:
    case PTD_RPC_R_ARR_FIXED: *out = PTD_JSON_ARRAY; return true;
    case PTD_RPC_R_OBJ:
    case PTD_RPC_R_OBJ_DYN: *out = PTD_JSON_OBJECT; return true;
    case PTD_RPC_R_ELISION:
    case PTD_RPC_R_ANY:
    case PTD_RPC_R_END: break;
    }
    return false;
}

static json_t *result_mismatch(const struct ptd_rpc_result *doc,
                               const json_t *v);

/* What is wrong with a part, under its name. */
static void note(json_t **errors, const char *name,
                 const struct ptd_rpc_result *doc, const json_t *v)
{
    json_t *wrong = result_mismatch(doc, v);

    if (!json_is_true(wrong))
        ptd_json_set(errors, name, wrong);
}

static void check_array(json_t **errors, const struct ptd_rpc_result *doc,
                        const json_t *v)
{
    const struct ptd_rpc_result *in = doc->inner;

    for (size_t i = 0; i < json_array_size(v); i++) {
        char name[24];

        snprintf(name, sizeof name, "%zu", i);
        note(errors, name, in, json_array_get(v, i));
        if (in[1].type != PTD_RPC_R_END) /* the last serves for the rest */
            in++;
    }
}

static const struct ptd_rpc_result *member_doc(const struct ptd_rpc_result *in,
                                               const char *key)
{
    for (; in->type != PTD_RPC_R_END; in++)
        if (in->key != NULL && strcmp(in->key, key) == 0)
            return in;
    return NULL;
}

static void check_members(json_t **errors, const struct ptd_rpc_result *doc,
                          json_t *v)
{
    const char *key;
    json_t *member;

    json_object_foreach(v, key, member)
    {
        const struct ptd_rpc_result *in = doc->type == PTD_RPC_R_OBJ_DYN
                                              ? doc->inner
                                              : member_doc(doc->inner, key);

        if (in != NULL)
            note(errors, key, in, member);
        else
            ptd_json_set(errors, key,
                         json_string("key returned that was not in doc"));
    }
}

static void check_absent(json_t **errors, const struct ptd_rpc_result *doc,
                         const json_t *v)
{
    for (const struct ptd_rpc_result *in = doc->inner;
         in->type != PTD_RPC_R_END; in++)
        if (!in->optional && json_object_get(v, in->key) == NULL)
            ptd_json_set(errors, in->key,
                         json_string("key missing, despite not being optional "
                                     "in doc"));
}

/* True, or a text or an object that says what is wrong; NULL: no memory. */
static json_t *result_mismatch(const struct ptd_rpc_result *doc,
                               const json_t *v)
{
    enum ptd_json_type got = ptd_json_type(v), want;
    json_t *errors;

    if (doc->unchecked || !expected_result_type(doc, &want))
        return json_true();
    if (got != want)
        return json_sprintf("returned type is %s, but declared as %s in doc",
                            ptd_json_type_name(got), ptd_json_type_name(want));
    if ((got != PTD_JSON_ARRAY && got != PTD_JSON_OBJECT) ||
        (doc->inner != NULL && doc->inner[0].type == PTD_RPC_R_ELISION))
        return json_true();
    errors = json_object();
    if (doc->inner == NULL) {
        if (json_object_size(v) + json_array_size(v) > 0)
            ptd_json_set(&errors, "", json_string("declared as empty in doc"));
    } else if (got == PTD_JSON_ARRAY) {
        check_array(&errors, doc, v);
    } else {
        check_members(&errors, doc, (json_t *)(uintptr_t)v);
        if (doc->type == PTD_RPC_R_OBJ)
            check_absent(&errors, doc, v);
    }
    if (errors == NULL || json_object_size(errors) > 0)
        return errors;
    json_decref(errors);
    return json_true();
}

void ptd_rpc_check_result(struct ptd_rpc_call *call, const json_t *result)
{
    const struct ptd_rpc_result *doc = call->method->results;
    json_t *all = json_array();
    bool good = false;
    char before[256];

    for (; doc != NULL && doc->type != PTD_RPC_R_END && !good; doc++) {
        json_t *wrong = result_mismatch(doc, result);

        good = json_is_true(wrong);
        ptd_json_append(&all, wrong);
    }
    if (all == NULL) {
        ptd_rpc_fail_memory(call);
    } else if (!good) {
        snprintf(before, sizeof before,
                 "Internal bug detected: RPC call \"%s\" returned incorrect "
                 "type:\n",
                 call->method->name);
        fail_with_json(call, PTD_RPC_MISC_ERROR, before,
                       json_array_size(all) == 1 ? json_array_get(all, 0)
                                                 : all);
    }
    json_decref(all);
}
