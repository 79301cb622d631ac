/* Clients that mean no good, and the end with clients of every kind. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "rig.h"

#define COUNT_BODY "{\"method\":\"count\"}"

static int64_t now_ms(void)
{
    return ptd_clock_now_us(NULL) / 1000;
}

static void expect_alive(struct rig *g)
{
    struct answer a;

    rig_call(g, COUNT_BODY, &a);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
}

/* What is not HTTP gets an error or a closed connection, and soon. */
static const struct {
    const char *name, *request;
} broken_rows[] = {
    { "no request", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03 hello\r\n\r\n" },
    { "no version", "GET /\r\n\r\n" },
    { "version 3", "GET / HTTP/3.0\r\n\r\n" },
    { "no name of a header", "GET / HTTP/1.1\r\n: x\r\n\r\n" },
    { "negative length",
      "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH "Content-Length: -1\r\n\r\n" },
    { "length no number",
      "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH "Content-Length: abc\r\n\r\n" },
    { "length of 70 bits", "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
                           "Content-Length: 999999999999999999999\r\n\r\n" },
    { "chunk no number", "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
                         "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello" },
    { "chunk of 70 bits",
      "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
      "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nhello" },
    { "chunk without end", "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
                           "Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n" },
};

START_TEST(what_is_no_http_ends_the_connection)
{
    struct answer a;
    struct rig g;
    int fd;

    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_puts(fd, broken_rows[_i].request);
    shutdown(fd, SHUT_WR);
    rig_read(fd, &a);
    ck_assert_msg(a.status == 0 || a.status >= 400, "%s: %d",
                  broken_rows[_i].name, a.status);
    answer_free(&a);
    close(fd);
    expect_alive(&g);
    rig_fini(&g);
}
END_TEST

START_TEST(ten_megabytes_of_headers_are_not_kept)
{
    static char line[1024];
    struct answer a;
    struct rig g;
    int fd;

    memset(line, 'h', sizeof line);
    memcpy(line, "X: ", 3);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_puts(fd, "POST / HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 10 * 1024; i++)
        rig_send(fd, line, sizeof line);
    rig_read(fd, &a);
    ck_assert_msg(a.status == 0 || a.status >= 400, "%d", a.status);
    answer_free(&a);
    close(fd);
    expect_alive(&g);
    rig_fini(&g);
}
END_TEST

/* Nothing of it is kept, and the answer comes when it is through. */
START_TEST(a_body_without_password_is_thrown_away)
{
    static char piece[1 << 20];
    struct answer a;
    struct rig g;
    int fd;

    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_puts(fd,
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 33554432\r\n\r\n");
    for (int i = 0; i < 32; i++)
        rig_send(fd, piece, sizeof piece);
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 401);
    answer_free(&a);
    rig_post(fd, COUNT_BODY);
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
    close(fd);
    rig_fini(&g);
}
END_TEST

START_TEST(chunks_beyond_the_limit_end_the_connection)
{
    static char piece[1 << 20];
    struct answer a;
    struct rig g;
    int fd;

    memset(piece, ' ', sizeof piece);
    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_puts(fd, "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
                 "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 34; i++) {
        rig_puts(fd, "100000\r\n");
        rig_send(fd, piece, sizeof piece);
        rig_puts(fd, "\r\n");
    }
    rig_read(fd, &a);
    ck_assert_msg(a.status == 0 || a.status >= 400, "%d", a.status);
    answer_free(&a);
    close(fd);
    expect_alive(&g);
    rig_fini(&g);
}
END_TEST

/* ---- odd JSON -------------------------------------------------------------- */

static char *repeated(const char *before, const char *piece, size_t times,
                      const char *after)
{
    size_t n = strlen(piece);
    char *s = malloc(strlen(before) + n * times + strlen(after) + 1), *at = s;

    ck_assert_ptr_nonnull(s);
    at = stpcpy(at, before);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, piece);
    strcpy(at, after);
    return s;
}

static const struct {
    const char *name, *before, *piece, *after;
    size_t times;
    int status;
} odd_rows[] = {
    { "a million brackets", "", "[", "", 1000000, 500 },
    { "a million braces", "", "{\"a\":", "", 1000000, 500 },
    { "ten million values", "[0", ",0", "]", 10000000, 500 },
    { "a huge id", "{\"method\":\"count\",\"id\":\"", "xxxxxxxxxxxxxxxx", "\"}",
      1 << 20, 200 },
    { "a huge number for an id", "{\"method\":\"count\",\"id\":1", "0000000000",
      "}", 1 << 20, 200 },
    { "a huge method", "{\"method\":\"", "xxxxxxxxxxxxxxxx", "\"}", 1 << 20,
      404 },
    { "a huge unknown parameter", "{\"method\":\"add\",\"params\":{\"",
      "xxxxxxxxxxxxxxxx", "\":1}}", 1 << 16, 500 },
    { "one key, many times", "{\"method\":\"count\"", ",\"a\":1", "}", 400000,
      200 },
    { "many notifications", "[{\"jsonrpc\":\"2.0\",\"method\":\"count\"}",
      ",{\"jsonrpc\":\"2.0\",\"method\":\"count\"}", "]", 100000, 204 },
};

START_TEST(odd_json_is_answered_soon)
{
    char *body = repeated(odd_rows[_i].before, odd_rows[_i].piece,
                          odd_rows[_i].times, odd_rows[_i].after);
    struct answer a;
    struct rig g;

    rig_init(&g);
    rig_start(&g);
    rig_call(&g, body, &a);
    ck_assert_msg(a.status == odd_rows[_i].status, "%s: %d %.200s",
                  odd_rows[_i].name, a.status, a.body);
    answer_free(&a);
    free(body);
    rig_fini(&g);
}
END_TEST

/* ---- slow ones ------------------------------------------------------------- */

START_TEST(who_says_nothing_is_closed_in_time)
{
    int64_t start;
    struct rig g;
    int fd[2];

    rig_init(&g);
    g.cfg.timeout_s = 1;
    rig_start(&g);
    start = now_ms();
    fd[0] = rig_dial(&g);
    fd[1] = rig_dial(&g);
    rig_puts(fd[1], "GET /test1 HTTP/1.1\r\nHost: somehost\r\n");
    for (int i = 0; i < 2; i++) {
        ck_assert(rig_is_closed(fd[i]));
        close(fd[i]);
    }
    ck_assert_int_ge(now_ms() - start, 900);
    ck_assert_int_lt(now_ms() - start, 4000);
    rig_fini(&g);
}
END_TEST

/* A byte now and then, each in time. */
START_TEST(who_dribbles_is_closed_too)
{
    struct ptd_chan *never = ptd_chan_new(0, 1);
    struct rig g;
    int64_t start;
    int fd;

    ck_assert_ptr_nonnull(never);
    rig_init(&g);
    g.cfg.timeout_s = 1;
    rig_start(&g);
    start = now_ms();
    fd = rig_dial(&g);
    rig_puts(fd, "POST / HTTP/1.1\r\nHost: x\r\nX: ");
    while (now_ms() - start < 10000) {
        int64_t until = ptd_clock_now_us(NULL) + 200000;

        if (send(fd, "x", 1, MSG_NOSIGNAL) != 1)
            break;
        ck_assert_int_eq(ptd_chan_recv_until(never, NULL, NULL, until),
                         PTD_ETIMEOUT);
    }
    ck_assert_int_ge(now_ms() - start, 1900);
    ck_assert_int_lt(now_ms() - start, 5000);
    close(fd);
    ptd_chan_free(never);
    rig_fini(&g);
}
END_TEST

START_TEST(who_waits_for_an_answer_is_not_closed)
{
    struct ptd_chan *never = ptd_chan_new(0, 1);
    struct answer a;
    struct rig g;
    int fd;

    ck_assert_ptr_nonnull(never);
    rig_init(&g);
    g.cfg.timeout_s = 1;
    rig_start(&g);
    fd = rig_dial(&g);
    rig_post(fd, "{\"method\":\"block\"}");
    ck_assert_int_eq(ptd_chan_recv(g.entered, NULL), PTD_OK);
    ck_assert_int_eq(ptd_chan_recv_until(never, NULL, NULL,
                                         ptd_clock_now_us(NULL) + 1600000),
                     PTD_ETIMEOUT);
    ptd_chan_close(g.release);
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
    close(fd);
    ptd_chan_free(never);
    rig_fini(&g);
}
END_TEST

/* As many wait as there are threads: one is left for the others, and whoever
 * wants to wait too is refused; once they are done they may again. */
START_TEST(who_waits_leaves_a_thread_to_others)
{
    enum { N = 2 };
    struct answer a;
    struct rig g;
    int fd[N];

    rig_init(&g);
    g.cfg.threads = N;
    rig_start(&g);
    for (int i = 0; i < N; i++) {
        fd[i] = rig_dial(&g);
        rig_post(fd[i], "{\"method\":\"wait\"}");
        ck_assert_int_eq(ptd_chan_recv(g.entered, NULL), PTD_OK);
    }
    rig_expect(&g, "too many", "{\"method\":\"wait\"}", 500,
               "{\"result\":null,\"error\":{\"code\":-1,\"message\":"
               "\"2 calls wait already, as many as -rpcthreads allows\"}}");
    expect_alive(&g);
    ptd_chan_close(g.release);
    for (int i = 0; i < N; i++) {
        rig_read(fd[i], &a);
        ck_assert_int_eq(a.status, 200);
        answer_free(&a);
        close(fd[i]);
        rig_expect(&g, "again", "{\"method\":\"wait\"}", 200,
                   "{\"result\":\"released\",\"error\":null}");
    }
    rig_fini(&g);
}
END_TEST

/* ---- gone ------------------------------------------------------------------ */

START_TEST(a_client_that_is_gone_harms_nothing)
{
    struct linger none = { .l_onoff = 1, .l_linger = 0 };
    struct rig g;

    rig_init(&g);
    rig_start(&g);
    for (int i = 0; i < 3; i++) {
        int fd = rig_dial(&g);

        rig_post(fd, "{\"method\":\"block\"}");
        ck_assert_int_eq(ptd_chan_recv(g.entered, NULL), PTD_OK);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        close(fd); /* a reset */
    }
    ptd_chan_close(g.release);
    expect_alive(&g);
    rig_fini(&g);
}
END_TEST

TCase *hostile_case(void)
{
    TCase *tc = tcase_create("hostile");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, what_is_no_http_ends_the_connection, 0,
                        PTD_COUNT(broken_rows));
    tcase_add_test(tc, ten_megabytes_of_headers_are_not_kept);
    tcase_add_test(tc, a_body_without_password_is_thrown_away);
    tcase_add_test(tc, chunks_beyond_the_limit_end_the_connection);
    tcase_add_loop_test(tc, odd_json_is_answered_soon, 0, PTD_COUNT(odd_rows));
    tcase_add_test(tc, who_says_nothing_is_closed_in_time);
    tcase_add_test(tc, who_dribbles_is_closed_too);
    tcase_add_test(tc, who_waits_for_an_answer_is_not_closed);
    tcase_add_test(tc, who_waits_leaves_a_thread_to_others);
    tcase_add_test(tc, a_client_that_is_gone_harms_nothing);
    return tc;
}

/* ---- the end --------------------------------------------------------------- */

START_TEST(stop_answers_and_ends)
{
    struct answer a;
    struct rig g;
    int fd;

    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_post(fd, "{\"method\":\"stop\",\"params\":{\"wait\":0},\"id\":1}");
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body,
                     "{\"result\":\"Pentad stopping\",\"error\":null,\"id\":1}"
                     "\n");
    ck_assert_str_eq(answer_header(&a, "Connection"), "close");
    ck_assert(rig_is_closed(fd));
    answer_free(&a);
    ck_assert_int_eq(atomic_load(&g.n_stops), 1);
    close(fd);
    rig_fini(&g);
}
END_TEST

/* The answer leaves though the server is freed as soon as stop was called. */
START_TEST(the_answer_to_stop_outlives_the_server)
{
    struct answer a;
    struct rig g;
    int fd;

    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_post(fd, "[{\"method\":\"stop\",\"params\":[100]},"
                 "{\"method\":\"count\",\"id\":9}]");
    ck_assert_int_eq(ptd_chan_recv(g.stopped, NULL), PTD_OK);
    rig_stop(&g);
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body,
                     "[{\"result\":\"Pentad stopping\",\"error\":null},"
                     "{\"result\":null,\"error\":{\"code\":-9,\"message\":"
                     "\"Shutting down\"},\"id\":9}]\n");
    answer_free(&a);
    close(fd);
    rig_fini(&g);
}
END_TEST

START_TEST(calls_under_way_end_with_the_server)
{
    enum { N = 8 };
    int fd[N], n_quit = 0;
    struct answer a;
    int64_t start;
    struct rig g;

    rig_init(&g);
    rig_start(&g); /* four run, four wait */
    for (int i = 0; i < N; i++) {
        fd[i] = rig_dial(&g);
        rig_post(fd[i], "{\"method\":\"block\"}");
    }
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(ptd_chan_recv(g.entered, NULL), PTD_OK);
    start = now_ms();
    rig_stop(&g);
    ck_assert_int_lt(now_ms() - start, 1500);
    for (int i = 0; i < N; i++) {
        rig_read(fd[i], &a);
        /* What came too late is refused, or not even read. */
        ck_assert(a.status == 200 || a.status == 503 || a.status == 0);
        if (a.status == 200) {
            n_quit++;
            ck_assert_str_eq(a.body, "{\"result\":\"quit\",\"error\":null}\n");
        }
        answer_free(&a);
        close(fd[i]);
    }
    ck_assert_int_ge(n_quit, 4);
    rig_fini(&g);
}
END_TEST

START_TEST(two_hundred_connections_do_not_hold_it_up)
{
    enum { N = 200 };
    struct answer a;
    int64_t start;
    struct rig g;
    int fd[N];

    rig_init(&g);
    rig_start(&g);
    for (int i = 0; i < N; i++) {
        fd[i] = rig_dial(&g);
        switch (i % 5) {
        case 0: /* nothing was said */ break;
        case 1: /* idle after an answer */
            rig_post(fd[i], COUNT_BODY);
            rig_read(fd[i], &a);
            answer_free(&a);
            break;
        case 2: /* amid the headers */
            rig_puts(fd[i], "POST / HTTP/1.1\r\nHost");
            break;
        case 3: /* amid the body */
            rig_puts(fd[i], "POST / HTTP/1.1\r\nHost: x\r\n" RIG_AUTH
                            "Content-Length: 100\r\n\r\n{");
            break;
        case 4: /* a wrong password that waits */
            rig_puts(fd[i], "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: "
                            "Basic eDp5\r\nContent-Length: 0\r\n\r\n");
            break;
        }
    }
    expect_alive(&g);
    start = now_ms();
    rig_stop(&g);
    ck_assert_int_lt(now_ms() - start, 1500);
    for (int i = 0; i < N; i++)
        close(fd[i]);
    rig_fini(&g);
}
END_TEST

START_TEST(who_does_not_read_has_a_second)
{
    int small = 4096, fd[3];
    int64_t start;
    struct rig g;

    rig_init(&g);
    rig_start(&g);
    for (int i = 0; i < 3; i++) {
        fd[i] = rig_dial(&g);
        setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        rig_post(fd[i], "{\"method\":\"large\",\"params\":[8000000]}");
    }
    expect_alive(&g);
    start = now_ms();
    rig_stop(&g);
    ck_assert_int_lt(now_ms() - start, 4000);
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    rig_fini(&g);
}
END_TEST

START_TEST(an_interrupted_server_refuses)
{
    struct answer a;
    struct rig g;
    int fd;

    rig_init(&g);
    rig_start(&g);
    fd = rig_dial(&g);
    rig_post(fd, COUNT_BODY);
    rig_read(fd, &a);
    answer_free(&a);
    ptd_rpc_interrupt(g.rpc);
    ptd_rpc_interrupt(g.rpc);
    rig_post(fd, COUNT_BODY);
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 503);
    ck_assert_str_eq(a.body, "Request rejected during server shutdown");
    ck_assert_str_eq(answer_header(&a, "Connection"), "close");
    answer_free(&a);
    close(fd);
    rig_fini(&g);
}
END_TEST

START_TEST(a_server_that_never_started_ends)
{
    struct ptd_rpc_why why;
    struct rig g;

    rig_init(&g);
    ck_assert_int_eq(ptd_rpc_new(&g.rpc, &g.cfg, &why), PTD_OK);
    ptd_rpc_interrupt(g.rpc);
    rig_fini(&g);
}
END_TEST

TCase *stop_case(void)
{
    TCase *tc = tcase_create("stop");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, stop_answers_and_ends);
    tcase_add_test(tc, the_answer_to_stop_outlives_the_server);
    tcase_add_test(tc, calls_under_way_end_with_the_server);
    tcase_add_test(tc, two_hundred_connections_do_not_hold_it_up);
    tcase_add_test(tc, who_does_not_read_has_a_second);
    tcase_add_test(tc, an_interrupted_server_refuses);
    tcase_add_test(tc, a_server_that_never_started_ends);
    return tc;
}
