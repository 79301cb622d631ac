#include <config.h>

#include "net/socks5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "rig.h"

/* The proxy's side of the talk lies ready before the client begins: what it
 * says does not depend on what it hears. */
struct talk {
    int fd;  /* the client's */
    int far; /* the proxy's */
    struct ptd_dial_why why;
};

static void talk_init(struct talk *t, const void *says, size_t n)
{
    int fd[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    t->fd = fd[0];
    t->far = fd[1];
    memset(&t->why, 0, sizeof t->why);
    t->why.reply = -1;
    if (n > 0)
        ck_assert_int_eq(send(t->far, says, n, 0), (int)n);
}

static void talk_fini(struct talk *t)
{
    close(t->fd);
    close(t->far);
}

/* What the client has said. */
static void heard(struct talk *t, const void *want, size_t n)
{
    uint8_t buf[1024];
    ssize_t got = recv(t->far, buf, sizeof buf, MSG_DONTWAIT);

    ck_assert_int_eq(got, (int)n);
    ck_assert(memcmp(buf, want, n) == 0);
}

static struct ptd_dial_target to_ipv4(void)
{
    struct ptd_dial_target to = { .host = NULL };

    ck_assert_int_eq(ptd_netaddr_parse(&to.na, "1.2.3.4:8333", 0), PTD_OK);
    return to;
}

static enum ptd_err connect_through(struct talk *t,
                                    const struct ptd_dial_target *to,
                                    const struct ptd_proxy *proxy)
{
    struct ptd_wait w = ptd_wait_until(20000, NULL);

    return ptd_socks5_connect(t->fd, to, proxy, &w, &t->why);
}

#define SAYS(s) (s), sizeof(s) - 1

/* ---- honest proxies -------------------------------------------------- */

static const struct {
    const char *text; /* an address, or else a name */
    const char *request;
    size_t n_request;
} targets[] = {
    { "1.2.3.4", SAYS("\5\1\0\3\7"
                      "1.2.3.4\x20\x8d") },
    { "2001:db8::7", SAYS("\5\1\0\3\13"
                          "2001:db8::7\x20\x8d") },
    { "fc00:1:2:3:4:5:6:7", SAYS("\5\1\0\3\22"
                                 "fc00:1:2:3:4:5:6:7\x20\x8d") },
    { "seed.example.org", SAYS("\5\1\0\3\x10seed.example.org\x20\x8d") },
    { "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
      SAYS("\5\1\0\3\x3e"
           "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
           "\x20\x8d") },
};

START_TEST(a_target_is_asked_for_by_its_text)
{
    struct ptd_dial_target to = { .host = NULL };
    struct ptd_proxy proxy = { .user = NULL };
    char want[128];
    struct talk t;
    char after[8];

    if (ptd_netaddr_parse(&to.na, targets[_i].text, 8333) != PTD_OK) {
        to.host = targets[_i].text;
        to.port = 8333;
        to.na.net = PTD_NET_NONE;
    }
    talk_init(&t, SAYS("\5\0\5\0\0\1\x7f\0\0\1\0\x50hello"));
    ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_OK);
    memcpy(want, "\5\1\0", 3);
    memcpy(want + 3, targets[_i].request, targets[_i].n_request);
    heard(&t, want, 3 + targets[_i].n_request);
    /* What follows the reply is the connection's. */
    ck_assert_int_eq(recv(t.fd, after, sizeof after, 0), 5);
    ck_assert(memcmp(after, "hello", 5) == 0);
    talk_fini(&t);
}
END_TEST

START_TEST(user_and_password_are_sent_where_asked_for)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .user = "alice", .password = "secret" };
    struct talk t;

    talk_init(&t, SAYS("\5\2\1\0\5\0\0\1\0\0\0\0\0\0"));
    ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_OK);
    heard(&t, SAYS("\5\2\0\2\1\5alice\6secret\5\1\0\3\7"
                   "1.2.3.4\x20\x8d"));
    talk_fini(&t);
}
END_TEST

START_TEST(a_proxy_that_needs_no_user_gets_none)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .user = "alice", .password = "secret" };
    struct talk t;

    talk_init(&t, SAYS("\5\0\5\0\0\1\0\0\0\0\0\0"));
    ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_OK);
    heard(&t, SAYS("\5\2\0\2\5\1\0\3\7"
                   "1.2.3.4\x20\x8d"));
    talk_fini(&t);
}
END_TEST

START_TEST(isolation_takes_other_credentials_each_time)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .isolate = true };
    uint8_t said[2][256];
    ssize_t n[2];

    for (size_t i = 0; i < 2; i++) {
        struct talk t;

        talk_init(&t, SAYS("\5\2\1\0\5\0\0\1\0\0\0\0\0\0"));
        ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_OK);
        n[i] = recv(t.far, said[i], sizeof said[i], MSG_DONTWAIT);
        talk_fini(&t);
    }
    ck_assert_int_eq(n[0], n[1]);
    ck_assert_int_gt(n[0], 40);
    ck_assert(memcmp(said[0], said[1], 6) == 0);         /* lengths agree */
    ck_assert(memcmp(said[0] + 6, said[1] + 6, 32) != 0); /* users do not */
}
END_TEST

START_TEST(the_longest_strings_fit)
{
    char name[256], user[256], password[256];
    struct ptd_dial_target to = { .host = name, .port = 1 };
    struct ptd_proxy proxy = { .user = user, .password = password };
    struct talk t;

    memset(name, 'n', 255);
    memset(user, 'u', 255);
    memset(password, 'p', 255);
    name[255] = user[255] = password[255] = '\0';
    talk_init(&t, SAYS("\5\2\1\0\5\0\0\1\0\0\0\0\0\0"));
    ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_OK);
    talk_fini(&t);
}
END_TEST

static const struct {
    size_t n_name, n_user, n_password;
} bad_strings[] = {
    { 256, 1, 1 }, { 0, 1, 1 },   { 1, 256, 1 },
    { 1, 0, 1 },   { 1, 1, 256 }, { 1, 1, 0 },
};

START_TEST(strings_that_do_not_fit_are_refused_before_a_byte_is_sent)
{
    char name[300], user[300], password[300];
    struct ptd_dial_target to = { .host = name, .port = 1 };
    struct ptd_proxy proxy = { .user = user, .password = password };
    struct talk t;

    memset(name, 'n', sizeof name);
    memset(user, 'u', sizeof user);
    memset(password, 'p', sizeof password);
    name[bad_strings[_i].n_name] = '\0';
    user[bad_strings[_i].n_user] = '\0';
    password[bad_strings[_i].n_password] = '\0';
    talk_init(&t, SAYS("\5\2\1\0\5\0\0\1\0\0\0\0\0\0"));
    ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_EINVAL);
    ck_assert_int_eq(recv(t.far, name, 1, MSG_DONTWAIT), -1);
    talk_fini(&t);
}
END_TEST

/* ---- refusals -------------------------------------------------------- */

static const struct {
    unsigned reply;
    enum ptd_err err;
} refusals[] = {
    { 0x01, PTD_EPROXY },   { 0x02, PTD_EPROXY },   { 0x03, PTD_EUNREACH },
    { 0x04, PTD_EUNREACH }, { 0x05, PTD_EREFUSED }, { 0x06, PTD_ETIMEOUT },
    { 0x07, PTD_EPROXY },   { 0x08, PTD_EPROXY },   { 0x09, PTD_EPROXY },
    { 0xf0, PTD_EUNREACH }, { 0xf4, PTD_EUNREACH }, { 0xf7, PTD_ETIMEOUT },
    { 0xff, PTD_EPROXY },
};

START_TEST(each_reply_has_its_error_and_text)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .user = NULL };
    char says[] = "\5\0\5?\0\1\0\0\0\0\0\0";
    struct talk t;

    says[3] = (char)refusals[_i].reply;
    talk_init(&t, says, sizeof says - 1);
    ck_assert_int_eq(connect_through(&t, &to, &proxy), refusals[_i].err);
    ck_assert_int_eq(t.why.reply, (int)refusals[_i].reply);
    ck_assert_ptr_nonnull(
        strstr(t.why.text, ptd_socks5_reply_text(refusals[_i].reply)));
    talk_fini(&t);
}
END_TEST

/* ---- hostile proxies ------------------------------------------------- */

START_TEST(a_bound_name_of_any_length_is_read_and_no_byte_more)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .user = NULL };
    uint8_t says[2 + 4 + 1 + 255 + 2 + 1] = { 5, 0, 5, 0, 0, 3 };
    size_t n = (size_t)_i;
    char after;
    struct talk t;

    says[6] = (uint8_t)n;
    memset(says + 7, 'x', n + 2);
    says[7 + n + 2] = '!';
    talk_init(&t, says, 7 + n + 3);
    ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_OK);
    ck_assert_int_eq(recv(t.fd, &after, 1, 0), 1);
    ck_assert_int_eq(after, '!');
    talk_fini(&t);
}
END_TEST

static const char whole[] = "\5\2\1\0\5\0\0\3\7bitcoin\x20\x8d";

START_TEST(an_answer_cut_at_any_byte_is_the_proxys_fault)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .user = "u", .password = "p" };
    struct talk t;

    talk_init(&t, whole, (size_t)_i);
    ck_assert_int_eq(shutdown(t.far, SHUT_WR), 0);
    ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_EPROXY);
    ck_assert_str_ne(t.why.text, "");
    talk_fini(&t);
}
END_TEST

START_TEST(an_answer_that_stops_at_any_byte_runs_into_the_deadline)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .user = "u", .password = "p" };
    struct ptd_wait w = ptd_wait_until(5, NULL);
    struct talk t;

    talk_init(&t, whole, (size_t)_i);
    ck_assert_int_eq(ptd_socks5_connect(t.fd, &to, &proxy, &w, &t.why),
                     PTD_ETIMEOUT);
    talk_fini(&t);
}
END_TEST

static const struct {
    const char *says;
    size_t n;
} nonsense[] = {
    { SAYS("HTTP/1.1 400 Bad Request\r\n\r\n") }, /* not SOCKS at all */
    { SAYS("\4\0\5\0\0\1\0\0\0\0\0\0") },         /* version 4 */
    { SAYS("\5\1\5\0\0\1\0\0\0\0\0\0") },         /* GSSAPI, not offered */
    { SAYS("\5\xff\5\0\0\1\0\0\0\0\0\0") },       /* no method */
    { SAYS("\5\2\2\0\5\0\0\1\0\0\0\0\0\0") },     /* other auth version */
    { SAYS("\5\2\1\1\5\0\0\1\0\0\0\0\0\0") },     /* refuses the password */
    { SAYS("\5\0\4\0\0\1\0\0\0\0\0\0") },         /* reply in version 4 */
    { SAYS("\5\0\5\0\1\1\0\0\0\0\0\0") },         /* reserved not zero */
    { SAYS("\5\0\5\0\0\0\0\0\0\0\0\0") },         /* address type 0 */
    { SAYS("\5\0\5\0\0\2\0\0\0\0\0\0") },         /* address type 2 */
    { SAYS("\5\0\5\0\0\xff\0\0\0\0\0\0") },       /* address type 255 */
};

START_TEST(nonsense_is_the_proxys_fault)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .user = "u", .password = "p" };
    struct talk t;

    talk_init(&t, nonsense[_i].says, nonsense[_i].n);
    ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_EPROXY);
    ck_assert_str_ne(t.why.text, "");
    talk_fini(&t);
}
END_TEST

START_TEST(a_method_that_was_not_offered_is_refused)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .user = NULL };
    struct talk t;

    talk_init(&t, SAYS("\5\2\1\0\5\0\0\1\0\0\0\0\0\0"));
    ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_EPROXY);
    talk_fini(&t);
}
END_TEST

START_TEST(an_endless_answer_is_not_read_to_its_end)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .user = NULL };
    uint8_t *says = calloc(1, 100000);
    size_t left = 0;
    ssize_t n;
    struct talk t;

    ck_assert_ptr_nonnull(says);
    memcpy(says, "\5\0\5\0\0\1", 6);
    talk_init(&t, says, 100000);
    ck_assert_int_eq(connect_through(&t, &to, &proxy), PTD_OK);
    while ((n = recv(t.fd, says, 100000, MSG_DONTWAIT)) > 0)
        left += (size_t)n;
    ck_assert_uint_eq(left, 100000 - 12);
    free(says);
    talk_fini(&t);
}
END_TEST

START_TEST(a_latch_ends_the_talk)
{
    struct ptd_dial_target to = to_ipv4();
    struct ptd_proxy proxy = { .user = NULL };
    struct ptd_latch latch;
    struct ptd_wait w;
    struct talk t;

    ck_assert_int_eq(ptd_latch_init(&latch), PTD_OK);
    ptd_latch_set(&latch);
    w = ptd_wait_until(-1, &latch);
    talk_init(&t, NULL, 0);
    ck_assert_int_eq(ptd_socks5_connect(t.fd, &to, &proxy, &w, &t.why),
                     PTD_ECLOSED);
    talk_fini(&t);
    ptd_latch_fini(&latch);
}
END_TEST

TCase *socks5_case(void)
{
    TCase *tc = tcase_create("socks5");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, a_target_is_asked_for_by_its_text, 0,
                        (int)PTD_COUNT(targets));
    tcase_add_test(tc, user_and_password_are_sent_where_asked_for);
    tcase_add_test(tc, a_proxy_that_needs_no_user_gets_none);
    tcase_add_test(tc, isolation_takes_other_credentials_each_time);
    tcase_add_test(tc, the_longest_strings_fit);
    tcase_add_loop_test(
        tc, strings_that_do_not_fit_are_refused_before_a_byte_is_sent, 0,
        (int)PTD_COUNT(bad_strings));
    tcase_add_loop_test(tc, each_reply_has_its_error_and_text, 0,
                        (int)PTD_COUNT(refusals));
    tcase_add_loop_test(tc, a_bound_name_of_any_length_is_read_and_no_byte_more,
                        0, 256);
    tcase_add_loop_test(tc, an_answer_cut_at_any_byte_is_the_proxys_fault, 0,
                        sizeof whole - 1);
    tcase_add_loop_test(tc,
                        an_answer_that_stops_at_any_byte_runs_into_the_deadline,
                        0, sizeof whole - 1);
    tcase_add_loop_test(tc, nonsense_is_the_proxys_fault, 0,
                        (int)PTD_COUNT(nonsense));
    tcase_add_test(tc, a_method_that_was_not_offered_is_refused);
    tcase_add_test(tc, an_endless_answer_is_not_read_to_its_end);
    tcase_add_test(tc, a_latch_ends_the_talk);
    return tc;
}
