/* The n-th allocation fails: nothing crashes, nothing leaks, what fails says
 * so. */
#include <config.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "rig.h"
#include "rpc/call.h"
#include "rpc/cli_int.h"
#include "rpc/json.h"
#include "support/nth_malloc.h"

/* jansson's memory comes through this program's malloc, which can fail. */
static void *take(size_t n)
{
    return malloc(n);
}

static void give(void *p)
{
    free(p);
}

START_TEST(a_server_is_made_or_not)
{
    static const char *const auth[] = { "a:b$c" };
    static const char *const white[] = { "a:b,c", "a:c" };
    static const char *const bind[] = { "127.0.0.1" };
    static const char *const allow[] = { "127.0.0.1/8" };
    struct ptd_rpc_why why;
    struct rig g;

    rig_init(&g);
    g.cfg.auth = (struct ptd_rpc_texts){ auth, 1 };
    g.cfg.whitelist = (struct ptd_rpc_texts){ white, 2 };
    g.cfg.bind = (struct ptd_rpc_texts){ bind, 1 };
    g.cfg.allow_ip = (struct ptd_rpc_texts){ allow, 1 };
    g.cfg.cookie_perms = "owner";
    for (unsigned n = 1;; n++) {
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_rpc_new(&g.rpc, &g.cfg, &why);
        if (e == PTD_OK)
            e = ptd_rpc_start(g.rpc, &why);
        else
            g.rpc = NULL;
        if (!support_nth_malloc_disarm())
            break;
        rig_stop(&g);
        ck_assert_uint_lt(n, 1000);
    }
    rig_fini(&g);
}
END_TEST

/* Requests whose n-th allocation fails are answered, or the connection is
 * closed; the next one is served. */
static const char *const bodies[] = {
    "{\"method\":\"echo\",\"params\":{\"args\":[1.5],\"arg3\":{}}}",
    "[{\"method\":\"nope\",\"id\":1},{\"method\":\"add\",\"params\":[\"x\"]}]",
    "{\"method\":\"help\"}",
    "{\"method\":\"help\",\"params\":[\"options\"]}",
    "{\"method\":\"options\",\"params\":{\"name\":\"n\",\"x\":1,\"last\":2}}",
    "{\"method\":\"getrpcinfo\"}",
    "{\"method\":\"liar\",\"params\":[{\"n\":\"1\"},{\"z\":1}]}",
    "{\"method\":\"echo\",\"params\":{\"arg0\":1,\"arg0\":2}}",
};

/* No check may stand where it fails for lack of memory: the status of the
 * answer, 0 if there is none, -1 if something else went wrong. */
static int exchange(int fd, const char *body)
{
    struct pollfd on = { .fd = fd, .events = POLLIN };
    char text[16384];
    size_t n = 0;
    ssize_t got;
    int status = 0;

    n = (size_t)snprintf(text, sizeof text,
                         "POST / HTTP/1.1\r\nHost: x\r\nConnection: "
                         "close\r\n" RIG_AUTH "Content-Length: %zu\r\n\r\n%s",
                         strlen(body), body);
    if (send(fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
        return 0;
    for (n = 0; n + 1 < sizeof text; n += (size_t)got) {
        if (poll(&on, 1, 20000) != 1)
            return -1;
        got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0)
            break;
    }
    text[n] = '\0';
    return sscanf(text, "HTTP/1.%*d %d", &status) == 1 ? status : 0;
}

START_TEST(a_request_is_answered_or_not)
{
    struct rig g;

    json_set_alloc_funcs(take, give);
    rig_init(&g);
    g.cfg.threads = 1;
    rig_start(&g);
    for (unsigned n = 1;; n++) {
        int fd = rig_dial(&g), status;
        bool came;

        support_nth_malloc_arm(n);
        status = exchange(fd, bodies[_i]);
        came = support_nth_malloc_disarm();
        close(fd);
        ck_assert_msg(status == 0 || status == 200 || status == 500, "%u: %d",
                      n, status);
        rig_expect(&g, "then", "{\"method\":\"add\",\"params\":[1]}", 200,
                   "{\"result\":2,\"error\":null}");
        if (!came) {
            ck_assert_int_ne(status, 0);
            break;
        }
        ck_assert_uint_lt(n, 2000);
    }
    rig_fini(&g);
}
END_TEST

START_TEST(json_is_read_or_not)
{
    static const char text[] = "{\"a\":[1,2.5,\"\\n\",{}],\"b\":1,\"b\":2}";
    struct ptd_json_doc d;

    json_set_alloc_funcs(take, give);
    for (unsigned n = 1;; n++) {
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_json_read(&d, text, strlen(text), 0);
        if (!support_nth_malloc_disarm())
            break;
        ck_assert_int_eq(e, PTD_ENOMEM);
        ck_assert_ptr_null(d.root);
        ck_assert_uint_lt(n, 1000);
    }
    ptd_json_doc_fini(&d);
}
END_TEST

START_TEST(a_command_line_is_converted_or_not)
{
    static const char want[] = "{\"arg2\":[2.5],\"args\":[1,[\"a=b\"]]}";
    const char *const args[] = { "1", "arg2=[2.5]", "[\"a=b\"]" };
    struct ptd_cli_config cfg;
    struct ptd_cli c = { .cfg = &cfg };
    struct ptd_text t = { 0 };

    json_set_alloc_funcs(take, give);
    ptd_cli_config_init(&cfg);
    for (unsigned n = 1;; n++) {
        bool good;

        support_nth_malloc_arm(n);
        good = ptd_cli_convert(&c, &t, "echojson", args, 3, true);
        if (!support_nth_malloc_disarm())
            break;
        /* Or it was memory that was not needed in the end. */
        ck_assert_msg(!good || t.failed || strcmp(t.v, want) == 0, "%u: %s", n,
                      t.v);
        ptd_text_fini(&t);
        ptd_text_fini(&c.error);
        ck_assert_uint_lt(n, 1000);
    }
    ck_assert_str_eq(t.v, want);
    ptd_text_fini(&t);
    ptd_text_fini(&c.error);
}
END_TEST

TCase *memory_case(void)
{
    TCase *tc = tcase_create("memory");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, a_server_is_made_or_not);
    tcase_add_loop_test(tc, a_request_is_answered_or_not, 0, PTD_COUNT(bodies));
    tcase_add_test(tc, json_is_read_or_not);
    tcase_add_test(tc, a_command_line_is_converted_or_not);
    return tc;
}
