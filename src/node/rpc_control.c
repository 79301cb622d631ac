/* Methods that concern the program: its log, its memory, its clock. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/util.h"
#include "netsync/netsync.h"
#include "node/rpc_methods.h"
#include "pentad/clock.h"
#include "pentad/log.h"

/* ---- the clock ------------------------------------------------------------- */

static bool is_regtest(struct ptd_rpc_call *call, const struct ptd_node_rpc *r)
{
    if (r->cfg->params->chain == PTD_CHAIN_REGTEST)
        return true;
    ptd_rpc_fail(call, PTD_RPC_MISC_ERROR,
                 "%s is for regression testing (-regtest mode) only",
                 ptd_rpc_method_name(call));
    return false;
}

static json_t *setmocktime(struct ptd_rpc_call *call, void *arg)
{
    const int64_t max_s = INT64_MAX / 1000000000;
    int64_t time_s = 0;

    if (!is_regtest(call, arg) ||
        !ptd_rpc_arg_int(call, 0, &time_s, INT64_MIN, INT64_MAX))
        return NULL;
    if (time_s < 0 || time_s > max_s)
        return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                            "Mocktime must be in the range [0, %" PRId64
                            "], not %" PRId64 ".",
                            max_s, time_s);
    ptd_node_set_mock_time(rpc_node(arg), time_s);
    return json_null();
}

/* What is due by the clock is due at once: there is no other schedule. */
static json_t *mockscheduler(struct ptd_rpc_call *call, void *arg)
{
    int64_t delta_s = 0;

    if (!is_regtest(call, arg) ||
        !ptd_rpc_arg_int(call, 0, &delta_s, INT64_MIN, INT64_MAX))
        return NULL;
    if (delta_s <= 0 || delta_s > 3600)
        return ptd_rpc_fail(
            call, PTD_RPC_MISC_ERROR,
            "delta_time must be between 1 and 3600 seconds (1 hr)");
    ptd_clock_advance_us(ptd_node_clock(rpc_node(arg)), delta_s * 1000000);
    return json_null();
}

/* Calls return when the chain has changed; peers are told by another thread. */
static json_t *syncwithvalidationinterfacequeue(struct ptd_rpc_call *call,
                                                void *arg)
{
    struct ptd_node *n = rpc_node(arg);

    (void)call;
    if (ptd_node_netsync(n) != NULL)
        ptd_netsync_settle(ptd_node_netsync(n));
    return json_null();
}

/* ---- memory ---------------------------------------------------------------- */

static json_t *mallocinfo(struct ptd_rpc_call *call)
{
#ifdef __GLIBC__
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    json_t *result = NULL;

    (void)call;
    if (f == NULL)
        return NULL;
    if (malloc_info(0, f) == 0 && fflush(f) == 0)
        result = ptd_json_text(text, n);
    fclose(f);
    free(text);
    return result;
#else
    return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                        "mallocinfo mode not available");
#endif
}

/* No memory is locked: there are no keys to keep from the swap. */
static json_t *memory_stats(void)
{
    static const char *const names[] = {
        "used", "free", "total", "locked", "chunks_used", "chunks_free"
    };
    json_t *locked = json_object(), *o = json_object();

    for (size_t i = 0; i < PTD_COUNT(names); i++)
        ptd_json_set(&locked, names[i], json_integer(0));
    ptd_json_set(&o, "locked", locked);
    return o;
}

static json_t *getmemoryinfo(struct ptd_rpc_call *call, void *arg)
{
    const char *mode = "stats";

    (void)arg;
    if (!ptd_rpc_arg_text(call, 0, &mode))
        return NULL;
    if (strcmp(mode, "stats") == 0)
        return memory_stats();
    if (strcmp(mode, "mallocinfo") == 0)
        return mallocinfo(call);
    return ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER, "unknown mode %s",
                        mode);
}

/* ---- the log --------------------------------------------------------------- */

static bool switch_categories(struct ptd_rpc_call *call, size_t at,
                              enum ptd_err (*set)(const char *category))
{
    const json_t *list = ptd_rpc_arg(call, at);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = NULL;

        if (!ptd_rpc_text(call, json_array_get(list, i), &name))
            return false;
        if (name == NULL || set(name) != PTD_OK) {
            ptd_rpc_fail(call, PTD_RPC_INVALID_PARAMETER,
                         "unknown logging category %s",
                         name != NULL ? name : "");
            return false;
        }
    }
    return true;
}

static json_t *logging(struct ptd_rpc_call *call, void *arg)
{
    json_t *o;
    const char *name;
    bool on;

    (void)arg;
    if (!switch_categories(call, 0, ptd_log_enable) ||
        !switch_categories(call, 1, ptd_log_disable))
        return NULL;
    o = json_object();
    for (size_t i = 0; (name = ptd_log_category_at(i, &on)) != NULL; i++)
        ptd_json_set(&o, name, json_boolean(on));
    return o;
}

/* ---- the table ------------------------------------------------------------- */

#define X(name, text) text ", "
static const char logging_text[] =
    "Gets and sets what is logged at debug level.\n"
    "Without arguments it lists the categories, and whether each is logged.\n"
    "With arguments it switches categories on and off, in this order, and "
    "lists them then.\n"
    "The valid logging categories are: " PTD_LOG_CATEGORIES(
        X) "and \"all\" or \"1\" for every one of them.\n";
#undef X

#define CATEGORY_LIST(name, what, entry)                                       \
    PTD_RPC_ARG(ARR, name, OMITTED, what,                                      \
                .inner = PTD_RPC_ARGS(PTD_RPC_ARG(                             \
                    STR, entry, OMITTED, "a category as listed above")))

#define LOCKED                                                                 \
    PTD_RPC_RESULTS(                                                           \
        PTD_RPC_RESULT(NUM, "used", "Number of bytes used"),                   \
        PTD_RPC_RESULT(NUM, "free", "Number of bytes available"),              \
        PTD_RPC_RESULT(NUM, "total", "Total number of bytes managed"),         \
        PTD_RPC_RESULT(NUM, "locked", "Bytes that could be locked"),           \
        PTD_RPC_RESULT(NUM, "chunks_used", "Number of allocated chunks"),      \
        PTD_RPC_RESULT(NUM, "chunks_free", "Number of unused chunks"))

static const struct ptd_rpc_method methods[] = {
    { .name = "getmemoryinfo",
      .category = "control",
      .text = "Returns information about memory in use.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(
          STR, "mode", DEFAULT_HINT,
          "what is told.\n"
          "  - \"stats\": memory locked against swapping; Pentad has no "
          "secrets to lock, so all of it is 0.\n"
          "  - \"mallocinfo\": the heap's state as an XML text (glibc only).",
          .otherwise = "\"stats\"")),
      .results = PTD_RPC_RESULTS(
          PTD_RPC_RESULT(OBJ, NULL, "", .when = "mode \"stats\"",
                         .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
                             OBJ, "locked", "Locked memory", .inner = LOCKED))),
          PTD_RPC_RESULT(STR, NULL, "\"<malloc version=\"1\">...\"",
                         .when = "mode \"mallocinfo\"")),
      .examples = PTD_RPC_EXAMPLE("getmemoryinfo", "", ""),
      .fn = getmemoryinfo },
    { .name = "logging",
      .category = "control",
      .text = logging_text,
      .args = PTD_RPC_ARGS(
          CATEGORY_LIST("include", "Categories to log", "include_category"),
          CATEGORY_LIST("exclude", "Categories to log no longer",
                        "exclude_category")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          OBJ_DYN, NULL, "categories, and whether each is logged",
          .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
              BOOL, "category", "true: it is logged at debug level")))),
      .examples = PTD_RPC_EXAMPLE_CLI("logging", "\"[\\\"all\\\"]\" "
                                                 "\"[\\\"http\\\"]\"")
          PTD_RPC_EXAMPLE_CURL("logging", "[\"all\"], [\"http\"]"),
      .fn = logging },
    { .name = "mockscheduler",
      .category = "hidden",
      .text = "Moves what is scheduled ahead in time (-regtest only).\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "delta_time", REQUIRED,
                                       "By how many seconds, 1 to 3600")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NONE, NULL, "")),
      .fn = mockscheduler },
    { .name = "setmocktime",
      .category = "hidden",
      .text = "Sets the node's clock (-regtest only); it stands still from "
              "then on.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "timestamp", REQUIRED,
                                       RPC_EPOCH "\n"
                                                 "Pass 0 to go back to the "
                                                 "system's time.")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NONE, NULL, "")),
      .fn = setmocktime },
    { .name = "syncwithvalidationinterfacequeue",
      .category = "hidden",
      .text = "Waits until everybody was told of what happened so far, "
              "peers among them.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(NONE, NULL, "")),
      .examples = PTD_RPC_EXAMPLE("syncwithvalidationinterfacequeue", "", ""),
      .fn = syncwithvalidationinterfacequeue },
};

RPC_TABLE(rpc_control_methods);
