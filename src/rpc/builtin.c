/* Methods that concern the server itself. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/util.h"
#include "rpc/rpc_int.h"

static json_t *help(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_rpc *r = arg;
    const char *name = "";
    struct ptd_text t = { 0 };
    json_t *text;

    if (!ptd_rpc_arg_text(call, 0, &name))
        return NULL;
    if (strcmp(name, "dump_all_command_conversions") == 0)
        return ptd_rpc_table_conversions(&r->table);
    ptd_rpc_table_help(&r->table, name, &t);
    text = t.failed ? NULL : json_stringn_nocheck(t.v, t.n);
    ptd_text_fini(&t);
    return text;
}

/* The answer still reaches the client: connections outlive the workers. */
static json_t *stop(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_rpc *r = arg;
    int64_t wait_ms = 0;

    if (!ptd_rpc_arg_int(call, 0, &wait_ms, INT32_MIN, INT32_MAX))
        return NULL;
    if (r->stop != NULL)
        r->stop(r->stop_arg);
    if (wait_ms > 0)
        (void)ptd_select(NULL, 0, NULL,
                         ptd_clock_now_us(NULL) + wait_ms * 1000);
    return json_sprintf("%s stopping", r->program);
}

static json_t *uptime(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_rpc *r = arg;

    (void)call;
    return json_integer((ptd_clock_now_us(NULL) - r->start_us) / 1000000);
}

/* Copy what runs now; there is room for as many as there are workers. */
static size_t copy_active(struct ptd_rpc *r, struct ptd_rpc_active *out)
{
    size_t n = 0;

    ptd_mutex_lock(&r->mu);
    PTD_LIST_EACH(a, &r->active, struct ptd_rpc_active, link)
    out[n++] = *a;
    ptd_mutex_unlock(&r->mu);
    return n;
}

static json_t *active_commands(struct ptd_rpc *r)
{
    struct ptd_rpc_active *v =
        ptd_alloc_array((size_t)r->n_workers + 1, sizeof *v);
    json_t *all = v != NULL ? json_array() : NULL;
    size_t n = v != NULL ? copy_active(r, v) : 0;
    int64_t now = ptd_clock_now_us(NULL);

    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        ptd_json_set(&o, "method", json_string(v[i].method));
        ptd_json_set(&o, "duration", json_integer(now - v[i].start_us));
        ptd_json_append(&all, o);
    }
    ptd_free(v);
    return all;
}

static json_t *getrpcinfo(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_rpc *r = arg;
    json_t *o = json_object();

    (void)call;
    ptd_json_set(&o, "active_commands", active_commands(r));
    ptd_json_set(&o, "logpath",
                 ptd_json_text(r->log_path, strlen(r->log_path)));
    return o;
}

static json_t *echo(struct ptd_rpc_call *call, void *arg)
{
    (void)arg;
    return json_incref(call->params);
}

/* ---- the table ------------------------------------------------------------- */

#define ECHO_ARG(name)                                                         \
    PTD_RPC_ARG(STR, name, OMITTED, "", .flags = PTD_RPC_ARG_ANY_TYPE)
#define ECHO_ARGS                                                              \
    PTD_RPC_ARGS(ECHO_ARG("arg0"), ECHO_ARG("arg1"), ECHO_ARG("arg2"),         \
                 ECHO_ARG("arg3"), ECHO_ARG("arg4"), ECHO_ARG("arg5"),         \
                 ECHO_ARG("arg6"), ECHO_ARG("arg7"), ECHO_ARG("arg8"),         \
                 ECHO_ARG("arg9"))
#define ECHO_TEXT                                                              \
    "Gives back the arguments. This method is for testing.\n"                  \
    "\nThe difference between echo and echojson is that the client takes the " \
    "arguments of echojson for JSON. The server makes none."

#define ACTIVE                                                                 \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(STR, "method", "The name of the RPC command"),          \
        PTD_RPC_RESULT(NUM, "duration", "The running time in microseconds"))
#define RPC_INFO                                                               \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(ARR, "active_commands", "All active commands",          \
                       .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(                \
                           OBJ, NULL, "Information about an active command",   \
                           .inner = ACTIVE))),                                 \
        PTD_RPC_RESULT(STR, "logpath",                                         \
                       "The complete file path to the debug log"))

static const struct ptd_rpc_method methods[] = {
    { .name = "getrpcinfo",
      .category = "control",
      .text = "Returns details of the RPC server.\n",
      .results =
          PTD_RPC_RESULTS(PTD_RPC_RESULT(OBJ, NULL, "", .inner = RPC_INFO)),
      .examples = PTD_RPC_EXAMPLE("getrpcinfo", "", ""),
      .fn = getrpcinfo },
    { .name = "help",
      .category = "control",
      .text = "List all commands, or get help for a specified command.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(STR, "command", DEFAULT_HINT,
                                       "The command to get help on",
                                       .otherwise = "all commands")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, NULL, "The help text"),
                                 PTD_RPC_RESULT(ANY, NULL, NULL)),
      .fn = help },
    { .name = "stop",
      .category = "control",
      .text = "Request a graceful shutdown.",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "wait", OMITTED,
                                       "how long to wait in ms",
                                       .flags = PTD_RPC_ARG_HIDDEN)),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(STR, NULL, "That the node is stopping")),
      .fn = stop },
    { .name = "uptime",
      .category = "control",
      .text = "Returns the total uptime of the server.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          NUM, NULL, "The number of seconds that the server has been running")),
      .examples = PTD_RPC_EXAMPLE("uptime", "", ""),
      .fn = uptime },
    { .name = "echo",
      .category = "hidden",
      .text = ECHO_TEXT,
      .args = ECHO_ARGS,
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(ANY, NULL, NULL)),
      .fn = echo },
    { .name = "echojson",
      .category = "hidden",
      .text = ECHO_TEXT,
      .args = ECHO_ARGS,
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(ANY, NULL, NULL)),
      .fn = echo },
};

enum ptd_err ptd_rpc_add_builtins(struct ptd_rpc *r)
{
    return ptd_rpc_add(r, methods, PTD_COUNT(methods), r);
}
