#include <config.h>

#include "rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/util.h"

/* ---- methods --------------------------------------------------------------- */

static json_t *add(struct ptd_rpc_call *call, void *arg)
{
    int64_t a = 0, b = 1;

    (void)arg;
    if (!ptd_rpc_arg_int(call, 0, &a, INT32_MIN, INT32_MAX) ||
        !ptd_rpc_arg_int(call, 1, &b, INT32_MIN, INT32_MAX))
        return NULL;
    return json_integer(a + b);
}

static json_t *block(struct ptd_rpc_call *call, void *arg)
{
    struct rig *g = arg;
    struct ptd_case on[] = { PTD_RECV(g->release, NULL),
                             PTD_RECV(ptd_rpc_quit(call), NULL) };

    if (ptd_chan_send(g->entered, NULL) != PTD_OK)
        return NULL;
    return json_string(ptd_select(on, 2, NULL, PTD_NEVER) == 0 ? "released"
                                                               : "quit");
}

/* The same, and says that it may take long. */
static json_t *wait_long(struct ptd_rpc_call *call, void *arg)
{
    json_t *result;

    if (!ptd_rpc_wait_begin(call))
        return NULL;
    result = block(call, arg);
    ptd_rpc_wait_end(call);
    return result;
}

static json_t *count(struct ptd_rpc_call *call, void *arg)
{
    struct rig *g = arg;

    (void)call;
    return json_integer(atomic_fetch_add(&g->n_runs, 1) + 1);
}

static json_t *amount(struct ptd_rpc_call *call, void *arg)
{
    int64_t v = 0;

    (void)arg;
    return ptd_rpc_arg_amount(call, 0, &v) ? ptd_json_amount(v) : NULL;
}

static json_t *hash(struct ptd_rpc_call *call, void *arg)
{
    struct ptd_hash h;

    (void)arg;
    return ptd_rpc_arg_hash(call, 0, "blockhash", &h) ? ptd_json_hash(&h)
                                                      : NULL;
}

static json_t *level(struct ptd_rpc_call *call, void *arg)
{
    int v = 7;

    return ptd_rpc_arg_verbosity(call, 0, &v, arg != NULL) ? json_integer(v)
                                                           : NULL;
}

static json_t *who(struct ptd_rpc_call *call, void *arg)
{
    (void)arg;
    return json_sprintf("%s %s %s", ptd_rpc_method_name(call),
                        ptd_rpc_user(call), ptd_rpc_peer(call));
}

static json_t *fails(struct ptd_rpc_call *call, void *arg)
{
    (void)arg;
    return ptd_rpc_fail(call, PTD_RPC_CLIENT_NODE_NOT_ADDED, "%s \"%d\"",
                        "Not\nadded", 7);
}

static json_t *none(struct ptd_rpc_call *call, void *arg)
{
    (void)call;
    (void)arg;
    return NULL;
}

static json_t *large(struct ptd_rpc_call *call, void *arg)
{
    int64_t n = 0;
    char *text;
    json_t *v;

    (void)arg;
    if (!ptd_rpc_arg_int(call, 0, &n, 0, 64 << 20) ||
        (text = ptd_alloc((size_t)n)) == NULL)
        return NULL;
    memset(text, 'x', (size_t)n);
    v = json_stringn_nocheck(text, (size_t)n);
    ptd_free(text);
    return v;
}

static json_t *params(struct ptd_rpc_call *call, void *arg)
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

static json_t *real(struct ptd_rpc_call *call, void *arg)
{
    double v = 0;

    (void)arg;
    return ptd_rpc_arg_double(call, 0, &v) ? json_real(v) : NULL;
}

#define ONE_NUMBER PTD_RPC_RESULTS(PTD_RPC_RESULT(NUM, NULL, "A number"))
#define ONE_TEXT   PTD_RPC_RESULTS(PTD_RPC_RESULT(STR, NULL, "A text"))
#define NO_MATTER  PTD_RPC_RESULTS(PTD_RPC_RESULT(ANY, NULL, NULL))

static const struct ptd_rpc_method methods[] = {
    { .name = "add",
      .category = "network",
      .text = "Adds.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "a|first", REQUIRED, "One of them"),
          PTD_RPC_ARG(NUM, "b", DEFAULT_HINT, "The other", .otherwise = "1")),
      .results = ONE_NUMBER,
      .examples = PTD_RPC_EXAMPLE("add", "1 2", "1, 2"),
      .fn = add },
    { .name = "block",
      .category = "network",
      .text = "Waits.\n",
      .results = ONE_TEXT,
      .fn = block },
    { .name = "wait",
      .category = "hidden",
      .text = "Waits long.\n",
      .results = ONE_TEXT,
      .fn = wait_long },
    { .name = "count",
      .category = "blockchain",
      .text = "Counts.\n",
      .results = ONE_NUMBER,
      .fn = count },
    { .name = "amount",
      .category = "hidden",
      .text = "Amount.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(AMOUNT, "v", OMITTED, "")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(AMOUNT, NULL, "")),
      .fn = amount },
    { .name = "hash",
      .category = "hidden",
      .text = "Hash.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(HEX, "h", REQUIRED, "")),
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(HEX, NULL, "")),
      .fn = hash },
    { .name = "level",
      .category = "hidden",
      .text = "Level.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(NUM, "l", OMITTED, "", .flags = PTD_RPC_ARG_ANY_TYPE)),
      .results = ONE_NUMBER,
      .fn = level },
    { .name = "who",
      .category = "hidden",
      .text = "Who.\n",
      .results = ONE_TEXT,
      .fn = who },
    { .name = "fail",
      .category = "hidden",
      .text = "Fails.\n",
      .results = ONE_TEXT,
      .fn = fails },
    { .name = "none",
      .category = "hidden",
      .text = "Has no memory.\n",
      .results = ONE_TEXT,
      .fn = none },
    { .name = "large",
      .category = "hidden",
      .text = "Says much.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "n", REQUIRED, "")),
      .results = ONE_TEXT,
      .fn = large },
    { .name = "liar",
      .category = "hidden",
      .text = "Returns what it did not promise.\n",
      .results = PTD_RPC_RESULTS(PTD_RPC_RESULT(
          ARR, NULL, "",
          .inner = PTD_RPC_RESULTS(PTD_RPC_RESULT(
              OBJ, NULL, "",
              .inner = PTD_RPC_RESULTS(
                  PTD_RPC_RESULT(NUM, "n", ""),
                  PTD_RPC_RESULT(STR, "s", "", .optional = true)))))),
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(ARR, "v", OMITTED, "",
                      .inner = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "", OMITTED, "")),
                      .flags = PTD_RPC_ARG_ANY_TYPE),
          PTD_RPC_ARG(NUM, "w", OMITTED, "", .flags = PTD_RPC_ARG_ANY_TYPE)),
      .fn = params },
    { .name = "options",
      .category = "hidden",
      .text = "Has options.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(STR, "name", REQUIRED, "The name"),
          PTD_RPC_ARG(OBJ_NAMED, "options", OMITTED, "",
                      .inner = PTD_RPC_ARGS(
                          PTD_RPC_ARG(NUM, "x", OMITTED, "An x"),
                          PTD_RPC_ARG(BOOL, "y|why", OMITTED, "A y"))),
          PTD_RPC_ARG(NUM, "last", OMITTED, "The last")),
      .results = NO_MATTER,
      .fn = params },
    { .name = "real",
      .category = "hidden",
      .text = "Real.\n",
      .args = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "r", REQUIRED, "")),
      .results = ONE_NUMBER,
      .fn = real },
    { .name = "types",
      .category = "hidden",
      .text = "One of each type.\n",
      .args = PTD_RPC_ARGS(
          PTD_RPC_ARG(STR, "str", OMITTED, ""),
          PTD_RPC_ARG(HEX, "hex", OMITTED, ""),
          PTD_RPC_ARG(NUM, "num", OMITTED, ""),
          PTD_RPC_ARG(BOOL, "bool", OMITTED, ""),
          PTD_RPC_ARG(ARR, "arr", OMITTED, "",
                      .inner = PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "", OMITTED, ""))),
          PTD_RPC_ARG(OBJ, "obj", OMITTED, "",
                      .inner =
                          PTD_RPC_ARGS(PTD_RPC_ARG(NUM, "k", OMITTED, ""))),
          PTD_RPC_ARG(RANGE, "range", OMITTED, "")),
      .results = NO_MATTER,
      .fn = params },
};

/* ---- the server ------------------------------------------------------------ */

static void on_stop(void *arg)
{
    struct rig *g = arg;

    atomic_fetch_add(&g->n_stops, 1);
    ptd_rpc_interrupt(g->rpc);
    ck_assert_int_eq(ptd_chan_try_send(g->stopped, NULL), PTD_OK);
}

void rig_init(struct rig *g)
{
    *g = (struct rig){ .port = 0 };
    snprintf(g->dir, sizeof g->dir, "/tmp/check_rpc.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(g->dir));
    ptd_rpc_config_init(&g->cfg);
    g->cfg.datadir = g->dir;
    g->cfg.user = "user";
    g->cfg.password = "pass";
    g->cfg.threads = 4;
    g->cfg.doc_check = true;
    g->cfg.log_path = "/nowhere/debug.log";
    g->cfg.stop = on_stop;
    g->cfg.arg = g;
    g->entered = ptd_chan_new(0, 1000);
    g->release = ptd_chan_new(0, 0);
    g->stopped = ptd_chan_new(0, 10);
    ck_assert_ptr_nonnull(g->stopped);
    ck_assert_ptr_nonnull(g->entered);
    ck_assert_ptr_nonnull(g->release);
}

enum ptd_err rig_add_methods(struct rig *g)
{
    return ptd_rpc_add(g->rpc, methods, PTD_COUNT(methods), g);
}

void rig_run(struct rig *g)
{
    struct ptd_rpc_why why = { "" };
    struct ptd_netaddr at;
    size_t i = 0;

    ck_assert_int_eq(rig_add_methods(g), PTD_OK);
    ck_assert_msg(ptd_rpc_start(g->rpc, &why) == PTD_OK, "%s", why.text);
    ptd_rpc_set_warmup(g->rpc, NULL);
    do
        ck_assert(ptd_rpc_bound(g->rpc, i++, &at));
    while (at.net != PTD_NET_IPV4);
    g->port = at.port;
}

void rig_start(struct rig *g)
{
    struct ptd_rpc_why why = { "" };

    ck_assert_msg(ptd_rpc_new(&g->rpc, &g->cfg, &why) == PTD_OK, "%s",
                  why.text);
    rig_run(g);
}

void rig_stop(struct rig *g)
{
    ptd_rpc_free(g->rpc);
    g->rpc = NULL;
}

void rig_fini(struct rig *g)
{
    rig_stop(g);
    ptd_chan_free(g->entered);
    ptd_chan_free(g->release);
    ptd_chan_free(g->stopped);
    ck_assert_int_eq(rmdir(g->dir), 0); /* the cookie is gone */
}

/* ---- the client ------------------------------------------------------------ */

int rig_dial(const struct rig *g)
{
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_port = htons(g->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

/* Stops early if the other side has closed. */
void rig_send(int fd, const void *data, size_t n)
{
    const char *at = data;

    while (n > 0) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return;
        ck_assert_int_gt(sent, 0);
        at += sent;
        n -= (size_t)sent;
    }
}

void rig_puts(int fd, const char *text)
{
    rig_send(fd, text, strlen(text));
}

void rig_write_all(int fd, const char *text)
{
    size_t n = strlen(text);

    while (n > 0) {
        ssize_t done = write(fd, text, n);

        if (done < 0) /* whoever should read has ended */
            return;
        text += done;
        n -= (size_t)done;
    }
}

void rig_post(int fd, const char *body)
{
    char head[256];

    snprintf(head, sizeof head,
             "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
             "Content-Length: %zu\r\n\r\n",
             strlen(body));
    rig_puts(fd, head);
    rig_puts(fd, body);
}

/* At most n bytes; 0 at the end. */
static size_t read_some(int fd, char *out, size_t n)
{
    struct pollfd on = { .fd = fd, .events = POLLIN };
    ssize_t got;

    ck_assert_int_eq(poll(&on, 1, 20000), 1);
    got = recv(fd, out, n, 0);
    if (got < 0 && errno == ECONNRESET)
        return 0;
    ck_assert_int_ge(got, 0);
    return (size_t)got;
}

/* Byte by byte up to the empty line, so that the next answer stays whole. */
static bool read_head(int fd, struct answer *a)
{
    size_t n = 0;

    a->head[0] = '\0';
    while (n < 4 || memcmp(a->head + n - 4, "\r\n\r\n", 4) != 0) {
        ck_assert_uint_lt(n + 1, sizeof a->head);
        if (read_some(fd, a->head + n, 1) == 0)
            return false;
        a->head[++n] = '\0';
    }
    return true;
}

const char *answer_header(const struct answer *a, const char *name)
{
    static _Thread_local char value[512];
    size_t n = strlen(name);

    for (const char *line = a->head; (line = strstr(line, "\r\n")) != NULL;) {
        line += 2;
        if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
            line += n + 1;
            line += strspn(line, " ");
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\r"),
                     line);
            return value;
        }
    }
    return "";
}

void rig_read(int fd, struct answer *a)
{
    *a = (struct answer){ 0 };
    if (!read_head(fd, a))
        return;
    if (sscanf(a->head, "HTTP/1.%*d %d", &a->status) != 1)
        ck_abort_msg("no status: %s", a->head);
    if (a->status == 100) {
        rig_read(fd, a);
        return;
    }
    a->n = strtoul(answer_header(a, "Content-Length"), NULL, 10);
    a->body = malloc(a->n + 1);
    ck_assert_ptr_nonnull(a->body);
    for (size_t done = 0; done < a->n;) {
        size_t got = read_some(fd, a->body + done, a->n - done);

        ck_assert_uint_gt(got, 0);
        done += got;
    }
    a->body[a->n] = '\0';
}

void answer_free(struct answer *a)
{
    free(a->body);
    a->body = NULL;
}

bool rig_is_closed(int fd)
{
    char c;

    return read_some(fd, &c, 1) == 0;
}

void rig_call(const struct rig *g, const char *body, struct answer *a)
{
    int fd = rig_dial(g);

    rig_post(fd, body);
    rig_read(fd, a);
    close(fd);
}

void rig_expect(const struct rig *g, const char *name, const char *body,
                int status, const char *want)
{
    struct answer a;

    rig_call(g, body, &a);
    if (a.n > 0 && a.body[a.n - 1] == '\n')
        a.body[a.n - 1] = '\0';
    ck_assert_msg(a.status == status, "%s: %d\n%s", name, a.status,
                  a.body != NULL ? a.body : "");
    ck_assert_msg(strcmp(a.body, want) == 0, "%s:\n%s\nnot\n%s", name, a.body,
                  want);
    answer_free(&a);
}
