#include <config.h>

#include "rpc_rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_node.h"
#include "rpc/rpc_int.h"

void office_init(struct office *o)
{
    struct ptd_node_config *cfg = &o->host.cfg;

    host_init(&o->host);
    o->dir = o->host.dir;
    o->clock = ptd_clock_new();
    ck_assert_ptr_nonnull(o->clock);
    cfg->clock = o->clock;
    cfg->datadir = strdup(o->dir);
    cfg->rpc_cookie_path = strdup(".cookie");
    cfg->rpc_cookie_mode = 0600;
    cfg->rpc_port = 0;
    cfg->rpc_threads = 1;
    cfg->rpc_doc_check = true;
}

void office_open(struct office *o)
{
    struct ptd_complaint why = { .text = "" };
    enum ptd_err e =
        ptd_node_rpc_start(&o->rpc, &o->host.cfg, NULL, NULL, &why);

    ck_assert_msg(e == PTD_OK, "%s: %s", ptd_err_text(e), why.text);
    host_start(&o->host);
    ptd_node_rpc_ready(o->rpc, o->host.node);
}

void office_close(struct office *o)
{
    ptd_node_rpc_interrupt(o->rpc);
    ptd_node_interrupt(o->host.node);
    ptd_node_rpc_stop(o->rpc);
    ptd_node_stop(o->host.node);
    o->rpc = NULL;
    o->host.node = NULL;
}

void office_fini(struct office *o)
{
    if (o->host.node != NULL)
        office_close(o);
    host_stop(&o->host);
    ptd_clock_free(o->clock);
}

/* ---- calls ---------------------------------------------------------------------- */

static json_t *call(struct office *o, const char *method, const char *params,
                    va_list ap) PTD_PRINTF(3, 0);
static json_t *call(struct office *o, const char *method, const char *params,
                    va_list ap)
{
    struct ptd_chan *quit = ptd_chan_new(0, 0);
    const struct ptd_rpc_who who = { "me", "127.0.0.1:1", quit };
    struct ptd_rpc_reply reply = { 0 };
    char *text, *body;
    json_t *answer;
    int n;

    ck_assert_int_ge(vasprintf(&text, params, ap), 0);
    n = asprintf(&body,
                 "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"%s\", "
                 "\"params\": %s}",
                 method, text);
    ck_assert_int_ge(n, 0);
    ptd_rpc_answer(ptd_node_rpc_server(o->rpc), &who, body, (size_t)n, &reply);
    ck_assert_ptr_nonnull(reply.body);
    answer = json_loadb(reply.body, reply.n, 0, NULL);
    ck_assert_msg(answer != NULL, "%s", reply.body);
    free(reply.body);
    free(body);
    free(text);
    ptd_chan_free(quit);
    return answer;
}

json_t *ask(struct office *o, const char *method, const char *params, ...)
{
    json_t *answer, *result;
    va_list ap;

    va_start(ap, params);
    answer = call(o, method, params, ap);
    va_end(ap);
    result = json_incref(json_object_get(answer, "result"));
    if (result == NULL) {
        char *text = json_dumps(answer, 0);

        ck_abort_msg("%s %s: %s", method, params, text);
    }
    json_decref(answer);
    return result;
}

void ask_badly(struct office *o, int code, const char *text, const char *method,
               const char *params, ...)
{
    const char *message;
    json_t *answer, *error;
    va_list ap;

    va_start(ap, params);
    answer = call(o, method, params, ap);
    va_end(ap);
    error = json_object_get(answer, "error");
    ck_assert_msg(error != NULL, "%s %s succeeded", method, params);
    message = json_string_value(json_object_get(error, "message"));
    ck_assert_msg(json_integer_value(json_object_get(error, "code")) == code &&
                      strstr(message, text) != NULL,
                  "%s %s: %s", method, params, message);
    json_decref(answer);
}

const json_t *at(const json_t *answer, const char *path)
{
    const json_t *v = answer;
    char room[128], *rest, *key;

    snprintf(room, sizeof room, "%s", path);
    for (key = strtok_r(room, ".", &rest); key != NULL;
         key = strtok_r(NULL, ".", &rest))
        v = json_is_array(v) ? json_array_get(v, (size_t)atoi(key))
                             : json_object_get(v, key);
    ck_assert_msg(v != NULL, "no %s", path);
    return v;
}

void gives_null(json_t *answer)
{
    ck_assert(json_is_null(answer));
    json_decref(answer);
}

void gives_text(json_t *answer, const char *want)
{
    ck_assert(json_is_string(answer));
    ck_assert_str_eq(json_string_value(answer), want);
    json_decref(answer);
}

void gives_int(json_t *answer, json_int_t want)
{
    ck_assert(json_is_integer(answer));
    ck_assert_int_eq(json_integer_value(answer), want);
    json_decref(answer);
}

char *mine(struct office *o, int n)
{
    json_t *list = ask(o, "generatetoaddress", "[%d, \"" SOME_ADDRESS "\"]", n);
    char *last;

    ck_assert_uint_eq(json_array_size(list), (size_t)n);
    last = strdup(json_string_value(json_array_get(list, (size_t)n - 1)));
    json_decref(list);
    return last;
}
