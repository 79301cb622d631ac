/* Bodies of JSON-RPC requests, up to methods that read their arguments in every
 * way; what authorizes a request. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "pentad/chan.h"
#include "rpc/auth.h"
#include "rpc/base64.h"
#include "rpc/json.h"
#include "rpc/rpc_int.h"
#include "target.h"

/* ---- methods --------------------------------------------------------- */

/* Give back all that was given. */
static json_t *show(struct ptd_rpc_call *call, void *arg)
{
    json_t *all = json_array();

    (void)arg;
    for (size_t i = 0; i < ptd_rpc_n_args(call); i++) {
        const json_t *v = ptd_rpc_arg(call, i);

        ptd_json_append(&all, v != NULL ? json_incref((json_t *)(uintptr_t)v)
                                        : json_null());
    }
    return all;
}

static json_t *take_all(struct ptd_rpc_call *call, void *arg)
{
    const char *text = NULL;
    int64_t whole = 0, satoshi = 0;
    struct ptd_hash hash;
    double real = 0;
    bool yes = false;
    int level = 0;

    (void)arg;
    if (!ptd_rpc_arg_text(call, 0, &text) ||
        !ptd_rpc_arg_int(call, 1, &whole, INT32_MIN, INT32_MAX) ||
        !ptd_rpc_arg_bool(call, 2, &yes) ||
        !ptd_rpc_arg_hash(call, 3, "hash", &hash) ||
        !ptd_rpc_arg_amount(call, 4, &satoshi) ||
        !ptd_rpc_arg_double(call, 5, &real) ||
        !ptd_rpc_arg_verbosity(call, 6, &level, true))
        return NULL;
    return ptd_json_amount(satoshi);
}

static const struct ptd_rpc_arg takes[] = {
    PTD_RPC_ARG(STR, "text|word", OMITTED, ""),
    PTD_RPC_ARG(NUM, "whole", DEFAULT_HINT, "", .otherwise = "0"),
    PTD_RPC_ARG(BOOL, "yes", OMITTED, ""),
    PTD_RPC_ARG(HEX, "hash", OMITTED, ""),
    PTD_RPC_ARG(AMOUNT, "amount", OMITTED, ""),
    PTD_RPC_ARG(NUM, "real", OMITTED, ""),
    PTD_RPC_ARG(NUM, "level", OMITTED, "", .flags = PTD_RPC_ARG_ANY_TYPE),
    { .type = PTD_RPC_A_END },
};

static const struct ptd_rpc_arg shows[] = {
    PTD_RPC_ARG(ARR, "list", REQUIRED, "",
                .inner = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "", OMITTED, ""))),
    PTD_RPC_ARG(OBJ, "object", OMITTED, "",
                .inner = PTD_RPC_ARGS(PTD_RPC_ARG(STR, "a", OMITTED, ""),
                                      PTD_RPC_ARG(BOOL, "b", OMITTED, ""))),
    PTD_RPC_ARG(OBJ_USER_KEYS, "free", OMITTED, "",
                .inner = PTD_RPC_ARGS(PTD_RPC_ARG(AMOUNT, "key", OMITTED, ""))),
    PTD_RPC_ARG(RANGE, "range", OMITTED, ""),
    PTD_RPC_ARG(OBJ_NAMED, "options", OMITTED, "",
                .inner = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "n", OMITTED, ""))),
    { .type = PTD_RPC_A_END },
};

#define ANYTHING PTD_RPC_RESULTS(PTD_RPC_RESULT(ANY, NULL, NULL))

static const struct ptd_rpc_method methods[] = {
    { "take", "network", "Takes.\n", takes, ANYTHING, NULL, take_all },
    { "show", "network", "Shows.\n", shows, ANYTHING, NULL, show },
};

/* ---- requests -------------------------------------------------------- */

static void stop(void *arg)
{
    (void)arg;
}

static struct ptd_rpc *server(void)
{
    static struct ptd_rpc *r;
    struct ptd_rpc_config cfg;
    struct ptd_rpc_why why;

    if (r != NULL)
        return r;
    ptd_rpc_config_init(&cfg);
    cfg.datadir = "/nowhere";
    cfg.stop = stop;
    cfg.doc_check = true;
    PTD_ASSERT(ptd_rpc_new(&r, &cfg, &why) == PTD_OK);
    PTD_ASSERT(ptd_rpc_add(r, methods, PTD_COUNT(methods), NULL) == PTD_OK);
    ptd_rpc_set_warmup(r, NULL);
    return r;
}

static bool is_status(int status)
{
    static const int known[] = { 200, 204, 400, 403, 404, 500 };

    for (size_t i = 0; i < PTD_COUNT(known); i++)
        if (known[i] == status)
            return true;
    return false;
}

/* What we answer is JSON in our own eyes. */
static void look_at(const struct ptd_rpc_reply *reply)
{
    struct ptd_json_doc doc;

    PTD_ASSERT(is_status(reply->status));
    if (reply->status == 204 || reply->status == 403)
        PTD_ASSERT(reply->body == NULL);
    if (reply->body == NULL)
        return;
    PTD_ASSERT(ptd_json_read(&doc, reply->body, reply->n, PTD_JSON_ANY_SIZE) ==
               PTD_OK);
    ptd_json_doc_fini(&doc);
}

static void run_rpc(const uint8_t *data, size_t size)
{
    struct ptd_rpc *r = server();
    const struct ptd_rpc_who who = { "me", "127.0.0.1:1", r->quit };
    struct ptd_rpc_reply reply = { 0 };

    ptd_rpc_answer(r, &who, (const char *)data, size, &reply);
    look_at(&reply);
    free(reply.body);
}

static void seeds_rpc(fuzz_seed_fn *fn, void *arg)
{
    static const char *const texts[] = {
        "{\"method\":\"help\",\"params\":[],\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"help\",\"params\":[\"take\"],"
        "\"id\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"uptime\"}",
        "[{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[1,-2.5e3,true,"
        "null,\"\\u00e9\\ud834\\udd1e\",[],{}],\"id\":1e5},"
        "{\"method\":\"none\",\"id\":null},7]",
        "{\"method\":\"take\",\"params\":[\"t\",7,true,"
        "\"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f\","
        "\"0.00000001\",1.5,2],\"id\":0}",
        "{\"method\":\"take\",\"params\":{\"args\":[\"t\"],\"whole\":3,"
        "\"amount\":0.1,\"level\":false},\"id\":0}",
        "{\"method\":\"show\",\"params\":{\"list\":[1,2],\"object\":{\"a\":"
        "\"b\"},\"n\":4,\"range\":[0,9],\"free\":{\"k\":1}},\"id\":0}",
        "{\"method\":\"show\",\"method\":\"help\",\"params\":{\"list\":[],"
        "\"list\":[]},\"id\":-0}",
        "{\"method\":\"getrpcinfo\",\"params\":[],\"id\":[{}]}",
    };

    fuzz_give_texts(fn, arg, texts, PTD_COUNT(texts));
}

const struct fuzz_target fuzz_rpc = { "rpc", run_rpc, seeds_rpc };

/* ---- authorization --------------------------------------------------- */

static void base64_round_trip(const char *text, size_t n)
{
    char *encoded = malloc((n + 2) / 3 * 4 + 1), *back;
    size_t n_back;

    PTD_ASSERT(encoded != NULL);
    ptd_base64_encode(encoded, text, n);
    PTD_ASSERT(ptd_base64_decode(&back, &n_back, encoded) == PTD_OK);
    PTD_ASSERT(n_back == n && memcmp(back, text, n) == 0);
    free(back);
    free(encoded);
}

/* Its own password opens, nothing else does. */
static void check_header(const char *header)
{
    static struct ptd_rpc_auth a;
    char *user;

    if (a.n == 0)
        PTD_ASSERT(ptd_rpc_auth_add(&a, "u", "p") == PTD_OK);
    if (ptd_rpc_auth_check(&a, header, &user) != PTD_OK)
        return;
    PTD_ASSERT(strcmp(user, "u") == 0 && strstr(header, "dTpw") != NULL);
    free(user);
}

/* The lines of an input, as -rpcauth and as -rpcwhitelist. */
static void configure(char *lines)
{
    const char *line[16];
    struct ptd_rpc_texts texts = { line, 0 };
    struct ptd_rpc_config cfg;
    struct ptd_rpc_auth a = { 0 };

    for (char *rest = lines; rest != NULL && texts.n < PTD_COUNT(line);)
        line[texts.n++] = strsep(&rest, "\n");
    ptd_rpc_config_init(&cfg);
    cfg.whitelist = texts;
    if (ptd_rpc_auth_init(&a, &cfg) == PTD_OK)
        (void)ptd_rpc_auth_forbids(&a, "u", "help");
    ptd_rpc_auth_fini(&a);
    cfg.auth = texts;
    if (ptd_rpc_auth_init(&a, &cfg) == PTD_OK)
        (void)ptd_rpc_auth_is_listed(&a, "u");
    ptd_rpc_auth_fini(&a);
}

static void run_rpcauth(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);

    if (text == NULL)
        return;
    base64_round_trip(text, size);
    check_header(text);
    configure(text);
    free(text);
}

static void seeds_rpcauth(fuzz_seed_fn *fn, void *arg)
{
    static const char *const texts[] = {
        "Basic dTpw",
        "Basic dTo=",
        "u:aa$bb",
        "u:help,stop\nv:\nu:help",
    };

    fuzz_give_texts(fn, arg, texts, PTD_COUNT(texts));
}

const struct fuzz_target fuzz_rpcauth = { "rpcauth", run_rpcauth,
                                          seeds_rpcauth };
