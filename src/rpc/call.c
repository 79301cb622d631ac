#include <config.h>

#include "rpc/call.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"

void ptd_rpc_call_init(struct ptd_rpc_call *call, struct ptd_rpc *r,
                       const struct ptd_rpc_who *who)
{
    *call = (struct ptd_rpc_call){ .rpc = r, .who = who };
}

void ptd_rpc_call_fini(struct ptd_rpc_call *call)
{
    json_decref(call->params);
    ptd_free(call->message);
    *call = (struct ptd_rpc_call){ 0 };
}

/* ---- failing --------------------------------------------------------------- */

void ptd_rpc_fail_text(struct ptd_rpc_call *call, enum ptd_rpc_code code,
                       struct ptd_text *message)
{
    if (call->failed) {
        ptd_text_fini(message);
        return;
    }
    call->failed = true;
    call->code = code;
    call->message = ptd_text_take(message);
    if (call->message == NULL)
        call->code = PTD_RPC_OUT_OF_MEMORY;
}

json_t *ptd_rpc_fail(struct ptd_rpc_call *call, enum ptd_rpc_code code,
                     const char *format, ...)
{
    struct ptd_text t = { 0 };
    char room[256], *text = room;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(room, sizeof room, format, ap);
    va_end(ap);
    PTD_ASSERT(n >= 0);
    if ((size_t)n >= sizeof room && (text = ptd_alloc((size_t)n + 1)) != NULL) {
        va_start(ap, format);
        vsnprintf(text, (size_t)n + 1, format, ap);
        va_end(ap);
    }
    if (text != NULL)
        ptd_text_puts(&t, text);
    else
        t.failed = true;
    if (text != room)
        ptd_free(text);
    ptd_rpc_fail_text(call, code, &t);
    return NULL;
}

json_t *ptd_rpc_fail_usage(struct ptd_rpc_call *call, enum ptd_rpc_code code)
{
    struct ptd_text t = { 0 };

    ptd_rpc_help(&t, call->method);
    ptd_rpc_fail_text(call, code, &t);
    return NULL;
}

json_t *ptd_rpc_fail_memory(struct ptd_rpc_call *call)
{
    return ptd_rpc_fail(call, PTD_RPC_OUT_OF_MEMORY, "Out of memory");
}

bool ptd_rpc_has_failed(const struct ptd_rpc_call *call)
{
    return call->failed;
}

/* ---- arguments ------------------------------------------------------------- */

size_t ptd_rpc_n_args(const struct ptd_rpc_call *call)
{
    return json_array_size(call->params);
}

const json_t *ptd_rpc_arg(const struct ptd_rpc_call *call, size_t i)
{
    const json_t *v = json_array_get(call->params, i);

    return json_is_null(v) ? NULL : v;
}

static bool wrong_type(struct ptd_rpc_call *call, const json_t *v,
                       enum ptd_json_type want)
{
    ptd_rpc_fail(call, PTD_RPC_TYPE_ERROR,
                 "JSON value of type %s is not of expected type %s",
                 ptd_json_type_name(ptd_json_type(v)),
                 ptd_json_type_name(want));
    return false;
}

bool ptd_rpc_arg_bool(struct ptd_rpc_call *call, size_t i, bool *out)
{
    const json_t *v = ptd_rpc_arg(call, i);

    if (v == NULL)
        return true;
    if (!json_is_boolean(v))
        return wrong_type(call, v, PTD_JSON_BOOL);
    *out = json_is_true(v);
    return true;
}

bool ptd_rpc_int(struct ptd_rpc_call *call, const json_t *v, int64_t *out,
                 int64_t lowest, int64_t highest)
{
    int64_t n;

    if (v == NULL || json_is_null(v))
        return true;
    if (!ptd_json_is(v, PTD_JSON_NUMBER))
        return wrong_type(call, v, PTD_JSON_NUMBER);
    if (!ptd_json_to_int(v, &n) || n < lowest || n > highest) {
        ptd_rpc_fail(call, PTD_RPC_MISC_ERROR, "JSON integer out of range");
        return false;
    }
    *out = n;
    return true;
}

bool ptd_rpc_arg_int(struct ptd_rpc_call *call, size_t i, int64_t *out,
                     int64_t lowest, int64_t highest)
{
    return ptd_rpc_int(call, ptd_rpc_arg(call, i), out, lowest, highest);
}

bool ptd_rpc_arg_double(struct ptd_rpc_call *call, size_t i, double *out)
{
    const json_t *v = ptd_rpc_arg(call, i);

    if (v == NULL)
        return true;
    if (!ptd_json_is(v, PTD_JSON_NUMBER))
        return wrong_type(call, v, PTD_JSON_NUMBER);
    if (!ptd_json_to_double(v, out)) {
        ptd_rpc_fail(call, PTD_RPC_MISC_ERROR, "JSON double out of range");
        return false;
    }
    return true;
}

bool ptd_rpc_text(struct ptd_rpc_call *call, const json_t *v, const char **out)
{
    if (v == NULL || json_is_null(v))
        return true;
    if (!ptd_json_is(v, PTD_JSON_STRING))
        return wrong_type(call, v, PTD_JSON_STRING);
    if (strlen(json_string_value(v)) != json_string_length(v)) {
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "JSON string contains a null character");
        return false;
    }
    *out = json_string_value(v);
    return true;
}

bool ptd_rpc_arg_text(struct ptd_rpc_call *call, size_t i, const char **out)
{
    return ptd_rpc_text(call, ptd_rpc_arg(call, i), out);
}

bool ptd_rpc_arg_hash(struct ptd_rpc_call *call, size_t i, const char *name,
                      struct ptd_hash *out)
{
    const char *hex = NULL;
    size_t n;

    if (!ptd_rpc_arg_text(call, i, &hex))
        return false;
    if (hex == NULL || ptd_hash_from_hex(out, hex))
        return true;
    n = strlen(hex);
    if (n != 2 * PTD_HASH_BYTES)
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "%s must be of length %d (not %zu, for '%s')", name,
                     2 * PTD_HASH_BYTES, n, hex);
    else
        ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                     "%s must be hexadecimal string (not '%s')", name, hex);
    return false;
}

bool ptd_rpc_arg_amount(struct ptd_rpc_call *call, size_t i, int64_t *out)
{
    static const int64_t max_money = INT64_C(2100000000000000);
    const json_t *v = ptd_rpc_arg(call, i);
    struct ptd_text t = { 0 };
    int64_t amount;
    bool good;

    if (v == NULL)
        return true;
    if (!ptd_json_is(v, PTD_JSON_NUMBER) && !ptd_json_is(v, PTD_JSON_STRING)) {
        ptd_rpc_fail(call, PTD_RPC_TYPE_ERROR,
                     "Amount is not a number or string");
        return false;
    }
    ptd_json_write_plain(&t, v);
    if (t.failed) {
        ptd_rpc_fail_memory(call);
        return false;
    }
    good = t.v != NULL && ptd_json_fixed_point(t.v, t.n, 8, &amount);
    ptd_text_fini(&t);
    if (!good)
        ptd_rpc_fail(call, PTD_RPC_TYPE_ERROR, "Invalid amount");
    else if (amount < 0 || amount > max_money)
        ptd_rpc_fail(call, PTD_RPC_TYPE_ERROR, "Amount out of range");
    else
        *out = amount;
    return !call->failed;
}

bool ptd_rpc_arg_verbosity(struct ptd_rpc_call *call, size_t i, int *out,
                           bool allow_bool)
{
    const json_t *v = ptd_rpc_arg(call, i);
    int64_t n = *out;

    if (json_is_boolean(v)) {
        if (!allow_bool) {
            ptd_rpc_fail(call, PTD_RPC_TYPE_ERROR,
                         "Verbosity was boolean but only integer allowed");
            return false;
        }
        *out = json_is_true(v);
        return true;
    }
    if (!ptd_rpc_int(call, v, &n, INT32_MIN, INT32_MAX))
        return false;
    *out = (int)n;
    return true;
}

/* ---- who ------------------------------------------------------------------- */

const char *ptd_rpc_method_name(const struct ptd_rpc_call *call)
{
    return call->method->name;
}

const char *ptd_rpc_user(const struct ptd_rpc_call *call)
{
    return call->who->user;
}

const char *ptd_rpc_peer(const struct ptd_rpc_call *call)
{
    return call->who->peer;
}

struct ptd_chan *ptd_rpc_quit(const struct ptd_rpc_call *call)
{
    return call->who->quit;
}
