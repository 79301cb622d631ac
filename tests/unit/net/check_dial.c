#include <config.h>

#include "net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/resolve.h"
#include "net/wait.h"
#include "rig.h"
#include "sync/thread.h"

/* ---- addresses ------------------------------------------------------- */

static const struct {
    const char *text, *back; /* back NULL: has no socket address */
} addrs[] = {
    { "1.2.3.4:8333", "1.2.3.4:8333" },
    { "0.0.0.0:0", "0.0.0.0:0" },
    { "[2001:db8::1]:18444", "[2001:db8::1]:18444" },
    { "[::1]:65535", "[::1]:65535" },
    { "[fc00::1]:1", "[fc00::1]:1" },
    { "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:1",
      NULL },
};

START_TEST(an_address_survives_the_way_through_a_sockaddr)
{
    struct ptd_netaddr na, back;
    struct sockaddr_storage sa;
    char text[PTD_NETADDR_TEXT];
    socklen_t len;
    enum ptd_err e;

    ck_assert_int_eq(ptd_netaddr_parse(&na, addrs[_i].text, 0), PTD_OK);
    e = ptd_addr_to_sockaddr(&na, &sa, &len);
    if (addrs[_i].back == NULL) {
        ck_assert_int_eq(e, PTD_EUNREACH);
        return;
    }
    ck_assert_int_eq(e, PTD_OK);
    ck_assert_int_eq(ptd_addr_from_sockaddr(&back, (struct sockaddr *)&sa, len),
                     PTD_OK);
    ck_assert_str_eq(ptd_netaddr_format(&back, text, sizeof text),
                     addrs[_i].back);
    ck_assert_int_eq(
        ptd_addr_from_sockaddr(&back, (struct sockaddr *)&sa, len - 1),
        PTD_ENOTFOUND);
}
END_TEST

START_TEST(a_mapped_ipv4_address_is_one)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct ptd_netaddr na;
    char text[PTD_NETADDR_TEXT];

    memcpy(in6.sin6_addr.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
    in6.sin6_port = htons(7);
    ck_assert_int_eq(
        ptd_addr_from_sockaddr(&na, (struct sockaddr *)&in6, sizeof in6),
        PTD_OK);
    ck_assert_str_eq(ptd_netaddr_format(&na, text, sizeof text), "127.0.0.1:7");
}
END_TEST

START_TEST(a_unix_socket_has_no_address)
{
    struct ptd_netaddr na;
    int fd[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    ck_assert_int_eq(ptd_addr_local(&na, fd[0]), PTD_ENOTFOUND);
    ck_assert_int_eq(ptd_addr_remote(&na, fd[0]), PTD_ENOTFOUND);
    close(fd[0]);
    close(fd[1]);
    ck_assert_int_eq(ptd_addr_local(&na, -1), PTD_EIO);
}
END_TEST

/* ---- names ----------------------------------------------------------- */

static const struct {
    const char *host;
    enum ptd_err err;
    const char *first; /* NULL: whatever */
} names[] = {
    { "127.0.0.1", PTD_OK, "127.0.0.1:8333" },
    { "::1", PTD_OK, "[::1]:8333" },
    { "localhost", PTD_OK, NULL },
    { "", PTD_EINVAL, NULL },
    { "1.2.3.4:5", PTD_EINVAL, NULL },
    { "[::1]", PTD_EINVAL, NULL },
    { "two words", PTD_EINVAL, NULL },
    { "new\nline", PTD_EINVAL, NULL },
    { "expyuzz4wqqyqhjn.onion", PTD_EUNREACH, NULL },
    { "Something.ONION.", PTD_EUNREACH, NULL },
    { "whatever.b32.i2p", PTD_EUNREACH, NULL },
};

START_TEST(names_resolve_or_say_why_not)
{
    struct ptd_netaddr na[8];
    char text[PTD_NETADDR_TEXT];
    size_t n = 0;

    ck_assert_int_eq(ptd_resolve(na, 8, &n, names[_i].host, 8333),
                     names[_i].err);
    if (names[_i].err != PTD_OK)
        return;
    ck_assert_uint_ge(n, 1);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(na[i].port, 8333);
    if (names[_i].first != NULL)
        ck_assert_str_eq(ptd_netaddr_format(&na[0], text, sizeof text),
                         names[_i].first);
}
END_TEST

START_TEST(a_name_of_more_than_255_characters_is_none)
{
    struct ptd_netaddr na;
    char name[257];
    size_t n;

    memset(name, 'a', sizeof name);
    name[256] = '\0';
    ck_assert_int_eq(ptd_resolve(&na, 1, &n, name, 1), PTD_EINVAL);
    ck_assert_int_eq(ptd_resolve(&na, 0, &n, "127.0.0.1", 1), PTD_EINVAL);
}
END_TEST

START_TEST(names_resolve_the_same_way_with_a_deadline)
{
    struct ptd_wait w = ptd_wait_until(20000, NULL);
    struct ptd_netaddr na[8];
    size_t n = 0;

    ck_assert_int_eq(ptd_resolve_until(na, 8, &n, names[_i].host, 8333, &w),
                     names[_i].err);
    for (size_t i = 0; names[_i].err == PTD_OK && i < n; i++)
        ck_assert_uint_eq(na[i].port, 8333);
}
END_TEST

/* Let look-ups run a program of ours. */
struct fake_getent {
    char dir[32];
    char program[48];
    char *path; /* as it was */
};

static void fake_getent_init(struct fake_getent *f, const char *script)
{
    FILE *out;

    strcpy(f->dir, "/tmp/ptd-getent-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    snprintf(f->program, sizeof f->program, "%s/getent", f->dir);
    out = fopen(f->program, "we");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "#!/bin/sh\n%s\n", script);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(chmod(f->program, 0700), 0);
    f->path = strdup(getenv("PATH"));
    ck_assert_int_eq(setenv("PATH", f->dir, 1), 0);
}

static void fake_getent_fini(struct fake_getent *f)
{
    ck_assert_int_eq(setenv("PATH", f->path, 1), 0);
    free(f->path);
    ck_assert_int_eq(remove(f->program), 0);
    ck_assert_int_eq(remove(f->dir), 0);
}

static const struct {
    const char *name, *script;
    enum ptd_err err;
    size_t n;
    const char *first;
} answers[] = {
    { "each once", "echo '1.2.3.4 STREAM x'; echo '1.2.3.4 DGRAM'", PTD_OK, 1,
      "1.2.3.4:8333" },
    { "both kinds", "echo '::2 STREAM x'; echo '1.2.3.4 STREAM x'", PTD_OK, 2,
      "[::2]:8333" },
    { "scopes are left out", "echo 'fe80::1%eth0 STREAM'; echo 1.1.1.1", PTD_OK,
      1, "1.1.1.1:8333" },
    { "nothing", "exit 2", PTD_ERESOLVE, 0, NULL },
    { "nonsense", "echo no such thing", PTD_ERESOLVE, 0, NULL },
    { "no end", "while :; do echo '1.2.3.4 STREAM x'; done", PTD_OK, 1,
      "1.2.3.4:8333" },
};

START_TEST(answers_of_a_look_up_are_read)
{
    struct ptd_wait w = ptd_wait_until(60000, NULL);
    char text[PTD_NETADDR_TEXT];
    struct fake_getent f;
    struct ptd_netaddr na[8];
    size_t n = 0;

    fake_getent_init(&f, answers[_i].script);
    ck_assert_msg(ptd_resolve_until(na, 8, &n, "some.name", 8333, &w) ==
                      answers[_i].err,
                  "%s", answers[_i].name);
    ck_assert_uint_eq(n, answers[_i].n);
    if (n > 0)
        ck_assert_str_eq(ptd_netaddr_format(&na[0], text, sizeof text),
                         answers[_i].first);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    ck_assert_int_eq(errno, ECHILD);
    fake_getent_fini(&f);
}
END_TEST

/* ---- dialling -------------------------------------------------------- */

static struct ptd_netaddr parse(const char *text)
{
    struct ptd_netaddr na;

    ck_assert_int_eq(ptd_netaddr_parse(&na, text, 0), PTD_OK);
    return na;
}

/* Listen on any port of an address. */
static int open_listener(const char *text, struct ptd_netaddr *bound)
{
    struct ptd_netaddr at = parse(text);
    int fd;

    ck_assert_int_eq(ptd_listen(&fd, &at, bound), PTD_OK);
    ck_assert_uint_ne(bound->port, 0);
    return fd;
}

static bool has_ipv6(void)
{
    struct ptd_netaddr at = parse("[::1]:0");
    int fd;

    if (ptd_listen(&fd, &at, NULL) != PTD_OK)
        return false;
    close(fd);
    return true;
}

static const char *const loopbacks[] = { "127.0.0.1:0", "[::1]:0" };

START_TEST(both_ends_of_a_dialled_connection_agree)
{
    struct ptd_dial_target to = { .host = NULL };
    struct ptd_netaddr remote, local;
    struct ptd_acceptor a;
    struct ptd_latch stop;
    unsigned which = 9;
    int fd, accepted;

    if (_i == 1 && !has_ipv6()) {
        fprintf(stderr, "skipped: no IPv6 here\n");
        return;
    }
    ck_assert_int_eq(ptd_latch_init(&stop), PTD_OK);
    ck_assert_int_eq(ptd_acceptor_init(&a), PTD_OK);
    ck_assert_int_eq(ptd_acceptor_add(&a, open_listener(loopbacks[_i], &to.na)),
                     PTD_OK);
    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, 20000, NULL, NULL), PTD_OK);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(ptd_accept(&a, &accepted, &remote, &which, &stop), PTD_OK);
    ck_assert_uint_eq(which, 0);
    ck_assert_int_eq(fcntl(accepted, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(ptd_addr_local(&local, fd), PTD_OK);
    ck_assert(ptd_netaddr_is_equal(&local, &remote));
    ck_assert_int_eq(ptd_addr_remote(&remote, fd), PTD_OK);
    ck_assert(ptd_netaddr_is_equal(&remote, &to.na));
    close(fd);
    close(accepted);
    ptd_acceptor_fini(&a);
    ptd_latch_fini(&stop);
}
END_TEST

START_TEST(a_name_is_dialled_at_all_its_addresses)
{
    struct ptd_dial_target to = { .host = "localhost" };
    struct ptd_netaddr bound;
    /* localhost may be ::1 first, where nobody listens. */
    int l = open_listener("127.0.0.1:0", &bound), fd;

    to.port = bound.port;
    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, 20000, NULL, NULL), PTD_OK);
    close(fd);
    close(l);
}
END_TEST

/* The program is linked such that the room's connects come here: some are
 * given up, as the system does. */
static int n_given_up, n_connects;

int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t len);
int __real_connect(int fd, const struct sockaddr *sa, socklen_t len);

int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
    n_connects++;
    if (n_given_up == 0)
        return __real_connect(fd, sa, len);
    n_given_up--;
    errno = ETIMEDOUT;
    return -1;
}

/* How many connects the system gives up, time that there is, outcome. */
static const struct {
    int n_given_up, timeout_ms;
    enum ptd_err err;
    int n_connects;
} given_up[] = {
    { 1, 20000, PTD_OK, 2 },
    { 1, -1, PTD_OK, 2 },
    { 2, 20000, PTD_ETIMEOUT, 2 },
};

START_TEST(an_address_that_the_system_gives_up_is_not_the_last)
{
    struct ptd_dial_target to = { .host = "two.example" };
    struct ptd_netaddr bound;
    struct fake_getent f;
    int l = open_listener("127.0.0.1:0", &bound), fd = -1;

    fake_getent_init(&f, "echo '127.0.0.2 STREAM x'; echo '127.0.0.1 STREAM'");
    to.port = bound.port;
    n_connects = 0;
    n_given_up = given_up[_i].n_given_up;
    ck_assert_int_eq(
        ptd_dial(&fd, &to, NULL, given_up[_i].timeout_ms, NULL, NULL),
        given_up[_i].err);
    ck_assert_int_eq(n_connects, given_up[_i].n_connects);
    if (fd >= 0)
        close(fd);
    close(l);
    fake_getent_fini(&f);
}
END_TEST

/* A port that is taken, but where nobody listens. */
static int open_deaf(struct ptd_netaddr *bound)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(ptd_addr_local(bound, fd), PTD_OK);
    return fd;
}

START_TEST(a_refusal_is_told)
{
    struct ptd_dial_target to = { .host = NULL };
    int deaf = open_deaf(&to.na), fd;
    struct ptd_dial_why why;
    struct ptd_proxy proxy;

    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, 20000, NULL, &why), PTD_EREFUSED);
    ck_assert_str_eq(why.text, "connect: Connection refused");
    ck_assert_int_eq(why.reply, -1);
    ck_assert_int_eq(ptd_proxy_set(&proxy, &to.na), PTD_OK);
    ck_assert_int_eq(ptd_dial(&fd, &to, &proxy, 20000, NULL, &why), PTD_EPROXY);
    ck_assert_str_eq(why.text, "proxy: Connection refused");
    close(deaf);
}
END_TEST

START_TEST(what_cannot_be_dialled_is_told)
{
    struct ptd_dial_target to = { .host = NULL };
    struct ptd_dial_why why;
    int fd;

    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, 1000, NULL, &why), PTD_EINVAL);
    to.na = parse(
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:1");
    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, 1000, NULL, &why), PTD_EUNREACH);
    ck_assert_str_ne(why.text, "");
    to.na = (struct ptd_netaddr){ .net = PTD_NET_NONE };
    to.host = "some.onion";
    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, 1000, NULL, &why), PTD_EUNREACH);
}
END_TEST

/* A listener whose queue is full: a further connection gets no answer. */
struct full {
    int listener;
    int fd[8];
    struct ptd_netaddr na;
};

static void full_init(struct full *f)
{
    struct sockaddr_storage sa;
    socklen_t len;

    f->listener = open_deaf(&f->na);
    ck_assert_int_eq(listen(f->listener, 0), 0);
    ck_assert_int_eq(ptd_addr_to_sockaddr(&f->na, &sa, &len), PTD_OK);
    for (size_t i = 0; i < PTD_COUNT(f->fd); i++) {
        f->fd[i] =
            socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(f->fd[i], 0);
        (void)!connect(f->fd[i], (struct sockaddr *)&sa, len);
    }
}

static void full_fini(struct full *f)
{
    for (size_t i = 0; i < PTD_COUNT(f->fd); i++)
        close(f->fd[i]);
    close(f->listener);
}

START_TEST(a_dial_without_an_answer_ends_at_its_deadline)
{
    struct ptd_dial_target to = { .host = NULL };
    struct ptd_dial_why why;
    struct full f;
    int fd;

    full_init(&f);
    to.na = f.na;
    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, 50, NULL, &why), PTD_ETIMEOUT);
    ck_assert_str_eq(why.text, "connect: deadline has passed");
    full_fini(&f);
}
END_TEST

static void set_latch(void *arg)
{
    ptd_latch_set(arg);
}

START_TEST(a_latch_ends_a_dial)
{
    struct ptd_dial_target to = { .host = NULL };
    struct ptd_thread t = { .started = false };
    struct ptd_latch cancel;
    struct full f;
    int fd;

    full_init(&f);
    to.na = f.na;
    ck_assert_int_eq(ptd_latch_init(&cancel), PTD_OK);
    ck_assert_int_eq(ptd_thread_start(&t, NULL, "cancel", set_latch, &cancel),
                     PTD_OK);
    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, -1, &cancel, NULL), PTD_ECLOSED);
    ptd_thread_join(&t);
    ptd_latch_fini(&cancel);
    full_fini(&f);
}
END_TEST

START_TEST(a_look_up_without_an_answer_ends_like_any_dial)
{
    struct ptd_dial_target to = { .host = "some.name", .port = 1 };
    struct ptd_thread t = { .started = false };
    struct ptd_latch cancel;
    struct fake_getent f;
    int fd;

    fake_getent_init(&f, "kill -STOP $$");
    ck_assert_int_eq(ptd_latch_init(&cancel), PTD_OK);
    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, 50, &cancel, NULL), PTD_ETIMEOUT);
    ck_assert_int_eq(ptd_thread_start(&t, NULL, "cancel", set_latch, &cancel),
                     PTD_OK);
    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, -1, &cancel, NULL), PTD_ECLOSED);
    ptd_thread_join(&t);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    ptd_latch_fini(&cancel);
    fake_getent_fini(&f);
}
END_TEST

/* A proxy for one connection, which says yes to whatever is asked. */
struct yes_man {
    struct ptd_acceptor a;
    struct ptd_latch stop;
};

static void yes_man_main(void *arg)
{
    struct yes_man *y = arg;
    struct ptd_wait w = ptd_wait_until(20000, NULL);
    struct ptd_netaddr remote;
    uint8_t in[4 + 1 + 11 + 2];
    int fd;

    PTD_ASSERT(ptd_accept(&y->a, &fd, &remote, NULL, &y->stop) == PTD_OK);
    PTD_ASSERT(ptd_wait_recv(&w, fd, in, 3) == PTD_OK);
    PTD_ASSERT(ptd_wait_send(&w, fd, "\5\0", 2) == PTD_OK);
    PTD_ASSERT(ptd_wait_recv(&w, fd, in, sizeof in) == PTD_OK);
    PTD_ASSERT(ptd_wait_send(&w, fd, "\5\0\0\1\1\1\1\1\1\1hi", 12) == PTD_OK);
    close(fd);
}

START_TEST(a_dial_through_a_proxy_leads_to_the_target)
{
    struct ptd_dial_target to = { .na = parse("203.0.113.5:8333") };
    struct ptd_thread t = { .started = false };
    struct ptd_wait w = ptd_wait_until(20000, NULL);
    struct ptd_netaddr bound;
    struct ptd_proxy proxy;
    struct yes_man y;
    char hi[2];
    int fd;

    ck_assert_int_eq(ptd_latch_init(&y.stop), PTD_OK);
    ck_assert_int_eq(ptd_acceptor_init(&y.a), PTD_OK);
    ck_assert_int_eq(
        ptd_acceptor_add(&y.a, open_listener("127.0.0.1:0", &bound)), PTD_OK);
    ck_assert_int_eq(ptd_thread_start(&t, NULL, "proxy", yes_man_main, &y),
                     PTD_OK);
    ck_assert_int_eq(ptd_proxy_set(&proxy, &bound), PTD_OK);
    ck_assert_int_eq(ptd_dial(&fd, &to, &proxy, 20000, NULL, NULL), PTD_OK);
    ck_assert_int_eq(ptd_wait_recv(&w, fd, hi, 2), PTD_OK);
    ck_assert(memcmp(hi, "hi", 2) == 0);
    close(fd);
    ptd_thread_join(&t);
    ptd_acceptor_fini(&y.a);
    ptd_latch_fini(&y.stop);
}
END_TEST

/* One connection over a Unix socket: greets, hears the request, says yes. */
static void unix_main(void *listener)
{
    int fd = accept(*(int *)listener, NULL, NULL);
    struct ptd_wait w = ptd_wait_until(20000, NULL);
    uint8_t in[4 + 1 + 14 + 2];

    PTD_ASSERT(fd >= 0);
    PTD_ASSERT(ptd_wait_recv(&w, fd, in, 3) == PTD_OK);
    PTD_ASSERT(ptd_wait_send(&w, fd, "\5\0", 2) == PTD_OK);
    PTD_ASSERT(ptd_wait_recv(&w, fd, in, sizeof in) == PTD_OK);
    PTD_ASSERT(memcmp(in + 5, "some.host.test", 14) == 0);
    PTD_ASSERT(ptd_wait_send(&w, fd, "\5\0\0\1\0\0\0\0\0\0ok", 12) == PTD_OK);
    close(fd);
}

START_TEST(a_proxy_may_be_behind_a_unix_socket)
{
    char dir[] = "/tmp/check_dial_XXXXXX", path[64], text[PTD_PROXY_TEXT];
    struct ptd_dial_target to = { .host = "some.host.test", .port = 8333 };
    struct ptd_thread t = { .started = false };
    struct ptd_wait w = ptd_wait_until(20000, NULL);
    struct ptd_dial_why why;
    struct ptd_proxy proxy;
    char ok[2];
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/proxy", dir);
    ck_assert_int_eq(ptd_proxy_set_unix(&proxy, path), PTD_OK);
    snprintf(text, sizeof text, "unix:%s", path);
    ck_assert_str_eq(ptd_proxy_format(&proxy, path, sizeof path), text);
    ck_assert_int_eq(ptd_dial(&fd, &to, &proxy, 20000, NULL, &why), PTD_EPROXY);
    ck_assert_int_eq(why.reply, -1);

    ck_assert_int_eq(
        bind(listener, (struct sockaddr *)&proxy.addr, proxy.addr_len), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(ptd_thread_start(&t, NULL, "proxy", unix_main, &listener),
                     PTD_OK);
    ck_assert_int_eq(ptd_dial(&fd, &to, &proxy, 20000, NULL, NULL), PTD_OK);
    ck_assert_int_eq(ptd_wait_recv(&w, fd, ok, 2), PTD_OK);
    ck_assert(memcmp(ok, "ok", 2) == 0);
    ptd_thread_join(&t);
    close(fd);
    close(listener);
    unlink(text + strlen("unix:"));
    rmdir(dir);
}
END_TEST

START_TEST(a_path_has_to_fit_a_unix_address)
{
    struct ptd_netaddr na = parse("[::1]:9050");
    char path[200], text[PTD_PROXY_TEXT];
    struct ptd_proxy proxy;

    memset(path, 'x', sizeof path);
    path[108] = '\0';
    ck_assert_int_eq(ptd_proxy_set_unix(&proxy, path), PTD_EINVAL);
    ck_assert_int_eq(ptd_proxy_set_unix(&proxy, ""), PTD_EINVAL);
    path[107] = '\0';
    ck_assert_int_eq(ptd_proxy_set_unix(&proxy, path), PTD_OK);
    ck_assert_uint_eq(strlen(ptd_proxy_format(&proxy, text, sizeof text)), 112);
    ck_assert_int_eq(ptd_proxy_set(&proxy, &na), PTD_OK);
    ck_assert_str_eq(ptd_proxy_format(&proxy, text, sizeof text), "[::1]:9050");
    memset(&proxy, 0, sizeof proxy);
    ck_assert_str_eq(ptd_proxy_format(&proxy, text, sizeof text), "");
}
END_TEST

TCase *dial_case(void)
{
    TCase *tc = tcase_create("dial");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, an_address_survives_the_way_through_a_sockaddr, 0,
                        (int)PTD_COUNT(addrs));
    tcase_add_test(tc, a_mapped_ipv4_address_is_one);
    tcase_add_test(tc, a_unix_socket_has_no_address);
    tcase_add_loop_test(tc, names_resolve_or_say_why_not, 0,
                        (int)PTD_COUNT(names));
    tcase_add_loop_test(tc, names_resolve_the_same_way_with_a_deadline, 0,
                        (int)PTD_COUNT(names));
    tcase_add_loop_test(tc, answers_of_a_look_up_are_read, 0,
                        (int)PTD_COUNT(answers));
    tcase_add_test(tc, a_name_of_more_than_255_characters_is_none);
    tcase_add_loop_test(tc, both_ends_of_a_dialled_connection_agree, 0, 2);
    tcase_add_test(tc, a_name_is_dialled_at_all_its_addresses);
    tcase_add_loop_test(tc, an_address_that_the_system_gives_up_is_not_the_last,
                        0, (int)PTD_COUNT(given_up));
    tcase_add_test(tc, a_refusal_is_told);
    tcase_add_test(tc, what_cannot_be_dialled_is_told);
    tcase_add_test(tc, a_dial_without_an_answer_ends_at_its_deadline);
    tcase_add_test(tc, a_latch_ends_a_dial);
    tcase_add_test(tc, a_look_up_without_an_answer_ends_like_any_dial);
    tcase_add_test(tc, a_dial_through_a_proxy_leads_to_the_target);
    tcase_add_test(tc, a_proxy_may_be_behind_a_unix_socket);
    tcase_add_test(tc, a_path_has_to_fit_a_unix_address);
    return tc;
}
