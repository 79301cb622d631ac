/* JSON-RPC: from the body of a request to the body of its answer.
 *
 * Version 1 (any request without "jsonrpc": "2.0") tells failure by HTTP status
 * and has both "result" and "error" in each answer; version 2 answers 200, with
 * the one that applies, and nothing at all to a request without "id". In a
 * batch both are mixed as they come, and the status is 200.
 *
 * Source   jsonrpc.org; Bitcoin Core's doc/JSON-RPC-interface.md
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "pentad/log.h"
#include "rpc/rpc_int.h"

PTD_LOG_TAG(RPCS);

enum version { V1, V2 };

/* One request, and what became of it. */
struct request {
    enum version version;
    bool has_id;
    json_t *id;     /* borrowed */
    json_t *params; /* borrowed; NULL: none */
    const char *method;
    struct ptd_rpc_call call;
    json_t *result; /* owned */
};

static void request_init(struct request *q, struct ptd_rpc *r,
                         const struct ptd_rpc_who *who)
{
    *q = (struct request){ .has_id = true };
    ptd_rpc_call_init(&q->call, r, who);
}

static void request_fini(struct request *q)
{
    json_decref(q->result);
    ptd_rpc_call_fini(&q->call);
}

static bool is_notification(const struct request *q)
{
    return !q->has_id && q->version == V2;
}

/* ---- reading --------------------------------------------------------------- */

static bool invalid(struct request *q, const char *text)
{
    ptd_rpc_fail(&q->call, PTD_RPC_INVALID_REQUEST, "%s", text);
    return false;
}

static bool parse_version(struct request *q, const json_t *o)
{
    const json_t *v = json_object_get(o, "jsonrpc");

    if (v == NULL || json_is_null(v))
        return true;
    if (!ptd_json_is(v, PTD_JSON_STRING))
        return invalid(q, "jsonrpc field must be a string");
    if (strcmp(json_string_value(v), "2.0") == 0)
        q->version = V2;
    else if (strcmp(json_string_value(v), "1.0") != 0)
        return invalid(q, "JSON-RPC version not supported");
    return true;
}

static bool parse_params(struct request *q, const json_t *o)
{
    json_t *v = json_object_get(o, "params");

    if (v == NULL || json_is_null(v))
        return true;
    if (!json_is_array(v) && !json_is_object(v))
        return invalid(q, "Params must be an array or object");
    q->params = v;
    return true;
}

static bool parse(struct request *q, const json_t *o)
{
    const json_t *method;

    if (!json_is_object(o))
        return invalid(q, "Invalid Request object");
    /* First, so that errors from here on have it. */
    q->id = json_object_get(o, "id");
    q->has_id = q->id != NULL;
    if (!parse_version(q, o))
        return false;
    method = json_object_get(o, "method");
    if (method == NULL || json_is_null(method))
        return invalid(q, "Missing method");
    if (!ptd_json_is(method, PTD_JSON_STRING))
        return invalid(q, "Method must be a string");
    q->method = json_string_value(method);
    if (ptd_log_wants(PTD_LOG_DEBUG)) {
        char room[64], user[64];
        const char *name = q->call.who->user;

        ptd_log_debug("ThreadRPCServer method=%s user=%s",
                      ptd_escape(room, sizeof room, q->method,
                                 json_string_length(method)),
                      ptd_escape(user, sizeof user, name, strlen(name)));
    }
    return parse_params(q, o);
}

/* ---- carrying out ---------------------------------------------------------- */

/* False, and the call fails: nothing runs before the node is up. */
static bool is_up(struct ptd_rpc *r, struct ptd_rpc_call *call)
{
    char status[sizeof r->warmup];
    bool in_warmup;

    ptd_mutex_lock(&r->mu);
    in_warmup = r->in_warmup;
    memcpy(status, r->warmup, sizeof status);
    ptd_mutex_unlock(&r->mu);
    if (in_warmup)
        ptd_rpc_fail(call, PTD_RPC_IN_WARMUP, "%s", status);
    return !in_warmup;
}

static bool place_params(struct request *q, const struct ptd_json_doc *doc)
{
    struct ptd_rpc_call *call = &q->call;

    if (json_is_object(q->params))
        call->params = ptd_rpc_place_named(call, q->params,
                                           ptd_json_repeated(doc, q->params));
    else if (json_is_array(q->params))
        call->params = json_incref(q->params);
    else if ((call->params = json_array()) == NULL)
        ptd_rpc_fail_memory(call);
    return call->params != NULL;
}

static void run(struct request *q, const struct ptd_rpc_entry *e,
                const struct ptd_json_doc *doc)
{
    struct ptd_rpc_call *call = &q->call;

    if (!place_params(q, doc) || !ptd_rpc_check_args(call))
        return;
    q->result = e->method->fn(call, e->arg);
    if (q->result == NULL)
        ptd_rpc_fail_memory(call); /* unless it has failed already */
    else if (!call->failed && call->rpc->doc_check)
        ptd_rpc_check_result(call, q->result);
}

static void execute(struct request *q, const struct ptd_json_doc *doc)
{
    struct ptd_rpc *r = q->call.rpc;
    struct ptd_rpc_active active = { .start_us = ptd_clock_now_us(NULL) };
    const struct ptd_rpc_entry *e;

    if (!is_up(r, &q->call))
        return;
    if ((e = ptd_rpc_table_find(&r->table, q->method)) == NULL) {
        ptd_rpc_fail(&q->call, PTD_RPC_METHOD_NOT_FOUND, "Method not found");
        return;
    }
    q->call.method = e->method;
    active.method = e->method->name;
    ptd_mutex_lock(&r->mu);
    ptd_list_append(&r->active, &active.link);
    ptd_mutex_unlock(&r->mu);
    run(q, e, doc);
    ptd_mutex_lock(&r->mu);
    ptd_list_remove(&active.link);
    ptd_mutex_unlock(&r->mu);
}

/* ---- answering ------------------------------------------------------------- */

static void write_error(struct ptd_text *t, const struct ptd_rpc_call *call)
{
    const char *text = call->message != NULL ? call->message : "Out of memory";
    json_t *message = ptd_json_text(text, strlen(text));

    ptd_text_printf(t, "{\"code\":%d,\"message\":", (int)call->code);
    if (message != NULL)
        ptd_json_write(t, message, 0);
    else
        ptd_text_puts(t, "\"\"");
    ptd_text_puts(t, "}");
    json_decref(message);
}

static void write_reply(struct ptd_text *t, const struct request *q)
{
    bool failed = q->call.failed;

    ptd_text_puts(t, q->version == V2 ? "{\"jsonrpc\":\"2.0\"," : "{");
    if (!failed || q->version == V1) {
        ptd_text_puts(t, "\"result\":");
        if (failed)
            ptd_text_puts(t, "null");
        else
            ptd_json_write(t, q->result, 0);
    }
    if (failed) {
        ptd_text_puts(t, q->version == V1 ? ",\"error\":" : "\"error\":");
        write_error(t, &q->call);
    } else if (q->version == V1) {
        ptd_text_puts(t, ",\"error\":null");
    }
    if (q->has_id) {
        ptd_text_puts(t, ",\"id\":");
        if (q->id != NULL)
            ptd_json_write(t, q->id, 0);
        else
            ptd_text_puts(t, "null");
    }
    ptd_text_puts(t, "}");
}

static void finish(struct ptd_rpc_reply *out, int status, struct ptd_text *t)
{
    ptd_text_puts(t, "\n");
    out->n = t->n;
    out->body = ptd_text_take(t);
    out->type = "application/json";
    out->status = status;
    if (out->body == NULL)
        *out = (struct ptd_rpc_reply){ .status = 500 };
}

static int status_of(const struct ptd_rpc_call *call)
{
    if (!call->failed)
        return 200;
    if (call->code == PTD_RPC_INVALID_REQUEST)
        return 400;
    return call->code == PTD_RPC_METHOD_NOT_FOUND ? 404 : 500;
}

/* A failure that concerns the whole body. */
static void refuse(struct ptd_rpc *r, const struct ptd_rpc_who *who,
                   enum ptd_rpc_code code, const char *message,
                   struct ptd_rpc_reply *out)
{
    struct ptd_text t = { 0 };
    struct request q;

    request_init(&q, r, who);
    ptd_rpc_fail(&q.call, code, "%s", message);
    write_reply(&t, &q);
    finish(out, status_of(&q.call), &t);
    request_fini(&q);
}

static bool is_forbidden(struct ptd_rpc *r, const struct ptd_rpc_who *who,
                         const char *method)
{
    char room[64];

    if (!ptd_rpc_auth_forbids(&r->auth, who->user, method))
        return false;
    ptd_log_warn("RPC User %s not allowed to call method %s", who->user,
                 ptd_escape(room, sizeof room, method, strlen(method)));
    return true;
}

static void answer_one(struct ptd_rpc *r, const struct ptd_rpc_who *who,
                       const struct ptd_json_doc *doc,
                       struct ptd_rpc_reply *out)
{
    struct ptd_text t = { 0 };
    struct request q;
    int status;

    request_init(&q, r, who);
    if (!parse(&q, doc->root)) {
        status = status_of(&q.call);
    } else if (is_forbidden(r, who, q.method)) {
        *out = (struct ptd_rpc_reply){ .status = 403 };
        goto end;
    } else {
        execute(&q, doc);
        status = q.version == V2 ? 200 : status_of(&q.call);
        if (is_notification(&q)) {
            *out = (struct ptd_rpc_reply){ .status = 204 };
            goto end;
        }
    }
    write_reply(&t, &q);
    finish(out, status, &t);
end:
    request_fini(&q);
}

/* ---- batches --------------------------------------------------------------- */

/* One method that the user may not call, and none is called. False: out has
 * the answer. */
static bool check_whitelist(struct ptd_rpc *r, const struct ptd_rpc_who *who,
                            const json_t *batch, struct ptd_rpc_reply *out)
{
    char why[96];

    if (!ptd_rpc_auth_has_whitelist(&r->auth, who->user))
        return true;
    for (size_t i = 0; i < json_array_size(batch); i++) {
        const json_t *o = json_array_get(batch, i), *method;

        if (!json_is_object(o)) {
            refuse(r, who, PTD_RPC_INVALID_REQUEST, "Invalid Request object",
                   out);
            return false;
        }
        method = json_object_get(o, "method");
        if (!ptd_json_is(method, PTD_JSON_STRING)) {
            snprintf(why, sizeof why,
                     "JSON value of type %s is not of expected type string",
                     ptd_json_type_name(ptd_json_type(method)));
            refuse(r, who, PTD_RPC_PARSE_ERROR, why, out);
            return false;
        }
        if (is_forbidden(r, who, json_string_value(method))) {
            *out = (struct ptd_rpc_reply){ .status = 403 };
            return false;
        }
    }
    return true;
}

static void answer_batch(struct ptd_rpc *r, const struct ptd_rpc_who *who,
                         const struct ptd_json_doc *doc,
                         struct ptd_rpc_reply *out)
{
    size_t n = json_array_size(doc->root), n_replies = 0;
    struct ptd_text t = { 0 };

    if (!check_whitelist(r, who, doc->root, out))
        return;
    ptd_text_puts(&t, "[");
    for (size_t i = 0; i < n; i++) {
        struct request q;

        request_init(&q, r, who);
        if (parse(&q, json_array_get(doc->root, i))) {
            /* A long batch does not hold up the end. */
            if (i > 0 && ptd_chan_is_closed(r->quit))
                ptd_rpc_fail(&q.call, PTD_RPC_CLIENT_NOT_CONNECTED,
                             "Shutting down");
            else
                execute(&q, doc);
        }
        if (!is_notification(&q)) {
            if (n_replies++ > 0)
                ptd_text_puts(&t, ",");
            write_reply(&t, &q);
        }
        request_fini(&q);
    }
    ptd_text_puts(&t, "]");
    if (n_replies == 0 && n > 0) {
        ptd_text_fini(&t);
        *out = (struct ptd_rpc_reply){ .status = 204 };
        return;
    }
    finish(out, 200, &t);
}

void ptd_rpc_answer(struct ptd_rpc *r, const struct ptd_rpc_who *who,
                    const char *body, size_t n, struct ptd_rpc_reply *out)
{
    struct ptd_json_doc doc;
    enum ptd_err e = ptd_json_read(&doc, body, n, PTD_JSON_KEEP_IDS);

    if (e == PTD_ENOMEM) {
        refuse(r, who, PTD_RPC_OUT_OF_MEMORY, "Out of memory", out);
        return;
    }
    if (e != PTD_OK) {
        refuse(r, who, PTD_RPC_PARSE_ERROR, "Parse error", out);
        return;
    }
    if (!ptd_rpc_auth_is_listed(&r->auth, who->user)) {
        ptd_log_warn("RPC User %s not allowed to call any methods", who->user);
        *out = (struct ptd_rpc_reply){ .status = 403 };
    } else if (json_is_object(doc.root)) {
        answer_one(r, who, &doc, out);
    } else if (json_is_array(doc.root)) {
        answer_batch(r, who, &doc, out);
    } else {
        refuse(r, who, PTD_RPC_PARSE_ERROR, "Top-level object parse error",
               out);
    }
    ptd_json_doc_fini(&doc);
}
