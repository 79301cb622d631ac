/* HTTP: paths, methods, passwords, limits, connections that go on. */
#include <config.h>

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "rig.h"

static void page(struct ptd_rpc_page *p, void *arg)
{
    char text[256];

    (void)arg;
    if (strcmp(p->path, "/metrics?none") == 0) {
        p->status = 404;
        return;
    }
    snprintf(text, sizeof text, "%s %s\n", p->path,
             p->user != NULL ? p->user : "-");
    p->type = "text/html";
    p->body = strdup(text);
    p->n = strlen(text);
}

#define LONG_100                                                               \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_1000                                                              \
    LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100    \
        LONG_100 LONG_100
#define LONG_10000                                                             \
    LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000      \
        LONG_1000 LONG_1000 LONG_1000

static const struct {
    const char *name, *request;
    int status;
    const char *body; /* NULL: does not matter */
} rows[] = {
    { "another path", "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", 404, "" },
    { "rest", "GET /rest/chaininfo.json HTTP/1.1\r\nHost: x\r\n\r\n", 404, "" },
    { "wallet",
      "POST /wallet/ HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
      "Content-Length: 2\r\n\r\n{}",
      404, "" },
    { "query",
      "POST /?a=b HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
      "Content-Length: 2\r\n\r\n{}",
      404, "" },
    { "long path", "GET /" LONG_1000 " HTTP/1.1\r\nHost: x\r\n\r\n", 404, "" },
    { "path too long", "GET /" LONG_10000 " HTTP/1.1\r\nHost: x\r\n\r\n", 400,
      NULL },
    { "header too long",
      "GET / HTTP/1.1\r\nHost: x\r\nX: " LONG_10000 "\r\n\r\n", 400, NULL },
    { "no header", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 401, "" },
    { "GET", "GET / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH "\r\n", 405,
      "JSONRPC server handles only POST requests" },
    { "PUT",
      "PUT / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH "Content-Length: 2\r\n\r\n{}",
      405, "JSONRPC server handles only POST requests" },
    { "DELETE", "DELETE / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH "\r\n", 405, "" },
    { "OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405, "" },
    { "nonsense", "XYZZY / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "" },
    { "no password",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 401, "" },
    { "wrong password",
      "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dXNlcjpwYXNzMQ==\r\n"
      "Content-Length: 2\r\n\r\n{}",
      401, "" },
    { "wrong user",
      "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dXNlcjE6cGFzcw==\r\n"
      "Content-Length: 2\r\n\r\n{}",
      401, "" },
    { "another scheme",
      "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer dXNlcjpwYXNz\r\n"
      "Content-Length: 2\r\n\r\n{}",
      401, "" },
    { "no base64",
      "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ****\r\n"
      "Content-Length: 2\r\n\r\n{}",
      401, "" },
    { "no colon",
      "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dXNlcg==\r\n"
      "Content-Length: 2\r\n\r\n{}",
      401, "" },
    { "empty body",
      "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH "Content-Length: 0\r\n\r\n",
      500,
      "{\"result\":null,\"error\":{\"code\":-32700,\"message\":\"Parse "
      "error\"},\"id\":null}\n" },
    { "without host",
      "POST / HTTP/1.1\r\n" RIG_AUTH
      "Content-Length: 18\r\n\r\n{\"method\":\"count\"}",
      200, "{\"result\":1,\"error\":null}\n" },
    { "version 1.0",
      "POST / HTTP/1.0\r\n" RIG_AUTH
      "Content-Length: 18\r\n\r\n{\"method\":\"count\"}",
      200, "{\"result\":1,\"error\":null}\n" },
    { "chunks",
      "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
      "Transfer-Encoding: chunked\r\n\r\n"
      "4\r\n{\"me\r\n00e;x=y\r\nthod\":\"count\"}\r\n0\r\nTrailer: z\r\n\r\n",
      200, "{\"result\":1,\"error\":null}\n" },
    { "too large",
      "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
      "Content-Length: 33554433\r\n\r\n",
      413, "" },
    { "too large, wrong password",
      "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eDp5\r\n"
      "Content-Length: 33554433\r\n\r\n",
      413, "" },
    { "far too large, unknown",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n", 401,
      "" },
    { "page", "GET /metrics?a=b HTTP/1.1\r\nHost: x\r\n\r\n", 200,
      "/metrics?a=b -\n" },
    { "page, its own status", "GET /metrics?none HTTP/1.1\r\nHost: x\r\n\r\n",
      404, "" },
    { "page, longer path", "GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", 404,
      "" },
    { "page, POST",
      "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 405,
      "" },
    { "page by prefix", "GET /tree/a/b HTTP/1.1\r\nHost: x\r\n\r\n", 200,
      "/tree/a/b -\n" },
    { "page with password, none given",
      "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n", 401, "" },
    { "page with password",
      "GET /secret HTTP/1.1\r\nHost: x\r\n" RIG_AUTH "\r\n", 200,
      "/secret user\n" },
};

START_TEST(a_request_gets_its_status)
{
    struct ptd_rpc_why why;
    struct answer a;
    struct rig g;
    int fd;

    rig_init(&g);
    ck_assert_int_eq(ptd_rpc_new(&g.rpc, &g.cfg, &why), PTD_OK);
    ck_assert_int_eq(ptd_rpc_add_page(g.rpc, "/metrics", 0, page, NULL),
                     PTD_OK);
    ck_assert_int_eq(
        ptd_rpc_add_page(g.rpc, "/tree/", PTD_RPC_PAGE_PREFIX, page, NULL),
        PTD_OK);
    ck_assert_int_eq(
        ptd_rpc_add_page(g.rpc, "/secret", PTD_RPC_PAGE_PASSWORD, page, NULL),
        PTD_OK);
    rig_run(&g);
    fd = rig_dial(&g);
    rig_puts(fd, rows[_i].request);
    rig_read(fd, &a);
    ck_assert_msg(a.status == rows[_i].status, "%s: %d", rows[_i].name,
                  a.status);
    if (rows[_i].body != NULL)
        ck_assert_msg(strcmp(a.body, rows[_i].body) == 0, "%s: %s",
                      rows[_i].name, a.body);
    ck_assert_str_eq(answer_header(&a, "WWW-Authenticate"),
                     a.status == 401 ? "Basic realm=\"jsonrpc\"" : "");
    answer_free(&a);
    close(fd);
    rig_fini(&g);
}
END_TEST

/* ---- connections ----------------------------------------------------------- */

#define COUNT_BODY "{\"method\":\"count\"}"

static const struct {
    const char *name, *line, *header;
    bool stays;
} keep_rows[] = {
    { "1.1", "POST / HTTP/1.1\r\n", "", true },
    { "1.1, keep-alive", "POST / HTTP/1.1\r\n", "Connection: keep-alive\r\n",
      true },
    { "1.1, close", "POST / HTTP/1.1\r\n", "Connection: close\r\n", false },
    { "1.0", "POST / HTTP/1.0\r\n", "", false },
    { "1.0, keep-alive", "POST / HTTP/1.0\r\n", "Connection: Keep-Alive\r\n",
      true },
};

START_TEST(a_connection_stays_as_long_as_the_client_wants)
{
    struct answer a;
    struct rig g;
    int fd;

    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    for (int i = 1; i <= 3; i++) {
        char want[64];

        rig_puts(fd, keep_rows[_i].line);
        rig_puts(fd, keep_rows[_i].header);
        rig_puts(fd, RIG_AUTH "Host: x\r\nContent-Length: 18\r\n\r\n");
        rig_puts(fd, COUNT_BODY);
        rig_read(fd, &a);
        ck_assert_msg(a.status == 200, "%s: %d", keep_rows[_i].name, a.status);
        snprintf(want, sizeof want, "{\"result\":%d,\"error\":null}\n", i);
        ck_assert_str_eq(a.body, want);
        answer_free(&a);
        if (!keep_rows[_i].stays) {
            ck_assert_msg(rig_is_closed(fd), "%s", keep_rows[_i].name);
            break;
        }
    }
    close(fd);
    rig_fini(&g);
}
END_TEST

START_TEST(a_refusal_leaves_the_connection_in_use)
{
    struct answer a;
    struct rig g;
    int fd;

    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_puts(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
                 "GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 401);
    answer_free(&a);
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 404);
    answer_free(&a);
    rig_post(fd, COUNT_BODY);
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
    close(fd);
    rig_fini(&g);
}
END_TEST

/* RFC 9112 section 9.3.2 */
START_TEST(requests_in_a_row_are_answered_in_order)
{
    struct answer a;
    struct rig g;
    int fd, other;

    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_post(fd, "{\"method\":\"block\"}");
    rig_post(fd, COUNT_BODY);
    ck_assert_int_eq(ptd_chan_recv(g.entered, NULL), PTD_OK);
    /* Another connection does not wait. */
    other = rig_dial(&g);
    rig_post(other, COUNT_BODY);
    rig_read(other, &a);
    ck_assert_str_eq(a.body, "{\"result\":1,\"error\":null}\n");
    answer_free(&a);
    close(other);
    ptd_chan_close(g.release);
    rig_read(fd, &a);
    ck_assert_str_eq(a.body, "{\"result\":\"released\",\"error\":null}\n");
    answer_free(&a);
    rig_read(fd, &a);
    ck_assert_str_eq(a.body, "{\"result\":2,\"error\":null}\n");
    answer_free(&a);
    close(fd);
    rig_fini(&g);
}
END_TEST

START_TEST(a_full_queue_is_told)
{
    struct pollfd on[2];
    struct answer a;
    struct rig g;
    int first;

    rig_init(&g);
    g.cfg.threads = 0; /* one */
    g.cfg.queue = -5;  /* one */
    rig_start(&g);
    first = rig_dial(&g);
    rig_post(first, "{\"method\":\"block\"}");
    ck_assert_int_eq(ptd_chan_recv(g.entered, NULL), PTD_OK);
    /* Of the next two one waits, the other is refused. */
    for (int i = 0; i < 2; i++) {
        on[i] = (struct pollfd){ .fd = rig_dial(&g), .events = POLLIN };
        rig_post(on[i].fd, COUNT_BODY);
    }
    ck_assert_int_eq(poll(on, 2, 20000), 1);
    rig_read(on[on[0].revents != 0 ? 0 : 1].fd, &a);
    ck_assert_int_eq(a.status, 503);
    ck_assert_str_eq(a.body, "Work queue depth exceeded");
    answer_free(&a);
    ptd_chan_close(g.release);
    rig_read(first, &a);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
    rig_read(on[on[0].revents != 0 ? 1 : 0].fd, &a);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
    close(first);
    close(on[0].fd);
    close(on[1].fd);
    rig_fini(&g);
}
END_TEST

static int64_t now_ms(void)
{
    return ptd_clock_now_us(NULL) / 1000;
}

START_TEST(a_wrong_password_waits_and_holds_up_nobody)
{
    enum { N = 20 };
    struct answer a;
    int64_t start;
    struct rig g;
    int fd[N];

    rig_init(&g);
    g.cfg.threads = 1;
    g.cfg.queue = 1;
    rig_start(&g);
    start = now_ms();
    for (int i = 0; i < N; i++) {
        fd[i] = rig_dial(&g);
        rig_puts(fd[i], "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
                        "eDp5\r\nContent-Length: 0\r\n\r\n");
    }
    rig_expect(&g, "meanwhile", COUNT_BODY, 200,
               "{\"result\":1,\"error\":null}");
    for (int i = 0; i < N; i++) {
        rig_read(fd[i], &a);
        ck_assert_int_eq(a.status, 401);
        answer_free(&a);
        close(fd[i]);
    }
    ck_assert_int_ge(now_ms() - start, 250);
    ck_assert_int_lt(now_ms() - start, 2000); /* not one after the other */
    rig_fini(&g);
}
END_TEST

START_TEST(a_large_answer_arrives_whole)
{
    struct answer a;
    struct rig g;

    rig_init(&g);
    rig_start(&g);
    rig_call(&g, "{\"method\":\"large\",\"params\":[20000000]}", &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n,
                      20000000 + strlen("{\"result\":\"\",\"error\":null}\n"));
    answer_free(&a);
    rig_fini(&g);
}
END_TEST

START_TEST(a_large_request_is_taken_in_chunks_too)
{
    enum { PIECE = 1000000 };
    static char piece[PIECE];
    struct answer a;
    struct rig g;
    int fd;

    memset(piece, '7', sizeof piece);
    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_puts(fd, "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
                 "Expect: 100-continue\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n"
                 "1e\r\n{\"method\":\"hash\",\"params\":[\"cc\r\n");
    for (int i = 0; i < 4; i++) {
        rig_puts(fd, "f4240\r\n");
        rig_send(fd, piece, sizeof piece);
        rig_puts(fd, "\r\n");
    }
    rig_puts(fd, "3\r\n\"]}\r\n0\r\n\r\n");
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 500);
    ck_assert_ptr_nonnull(strstr(a.body, "blockhash must be of length 64 (not "
                                         "4000002, for 'cc777"));
    answer_free(&a);
    close(fd);
    rig_fini(&g);
}
END_TEST

/* ---- threads --------------------------------------------------------------- */

static void read_task(const char *task, const char *file, char *out, size_t cap)
{
    char path[320];
    size_t n = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/self/task/%s/%s", task, file);
    if ((f = fopen(path, "r")) != NULL) {
        n = fread(out, 1, cap - 1, f);
        fclose(f);
    }
    out[n] = '\0';
}

/* True if the thread has the name; then it blocks what a thread can block. */
static bool is_named(const char *task, const char *want)
{
    char name[32], status[4096];
    unsigned long long blocked = 0;
    const char *line;

    read_task(task, "comm", name, sizeof name);
    name[strcspn(name, "\n")] = '\0';
    if (strcmp(name, want) != 0)
        return false;
    read_task(task, "status", status, sizeof status);
    line = strstr(status, "SigBlk:");
    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(sscanf(line, "SigBlk: %llx", &blocked), 1);
    ck_assert(blocked >> (SIGTERM - 1) & 1);
    ck_assert(blocked >> (SIGINT - 1) & 1);
    ck_assert(blocked >> (SIGPIPE - 1) & 1);
    return true;
}

START_TEST(its_threads_are_named_and_take_no_signal)
{
    static const char *const want[] = { "http", "rpc-0", "rpc-1", "rpc-2",
                                        "rpc-3" };
    struct dirent *entry;
    struct rig g;
    int fd[4];

    rig_init(&g);
    rig_start(&g);
    /* A thread names itself: those that have answered have done so. */
    for (int i = 0; i < 4; i++)
        rig_post(fd[i] = rig_dial(&g), "{\"method\":\"block\"}");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(ptd_chan_recv(g.entered, NULL), PTD_OK);
    for (size_t i = 0; i < PTD_COUNT(want); i++) {
        DIR *dir = opendir("/proc/self/task");
        bool found = false;

        if (dir == NULL)
            break; /* not this system */
        while (!found && (entry = readdir(dir)) != NULL)
            found = entry->d_name[0] != '.' && is_named(entry->d_name, want[i]);
        closedir(dir);
        ck_assert_msg(found, "%s", want[i]);
    }
    for (int i = 0; i < 4; i++)
        close(fd[i]);
    rig_fini(&g);
}
END_TEST

TCase *http_case(void)
{
    TCase *tc = tcase_create("http");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_request_gets_its_status, 0, PTD_COUNT(rows));
    tcase_add_loop_test(tc, a_connection_stays_as_long_as_the_client_wants, 0,
                        PTD_COUNT(keep_rows));
    tcase_add_test(tc, a_refusal_leaves_the_connection_in_use);
    tcase_add_test(tc, requests_in_a_row_are_answered_in_order);
    tcase_add_test(tc, a_full_queue_is_told);
    tcase_add_test(tc, a_wrong_password_waits_and_holds_up_nobody);
    tcase_add_test(tc, its_threads_are_named_and_take_no_signal);
    tcase_add_test(tc, a_large_answer_arrives_whole);
    tcase_add_test(tc, a_large_request_is_taken_in_chunks_too);
    return tc;
}
