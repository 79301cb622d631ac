#include <config.h>

#include "net/listen.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "net/dial.h"
#include "net/wait.h"
#include "rig.h"
#include "sync/thread.h"

struct host {
    struct ptd_acceptor a;
    struct ptd_latch stop;
    struct ptd_netaddr at[3];
};

static void host_init(struct host *h, size_t n)
{
    struct ptd_netaddr any;

    ck_assert_int_eq(ptd_netaddr_parse(&any, "127.0.0.1:0", 0), PTD_OK);
    ck_assert_int_eq(ptd_latch_init(&h->stop), PTD_OK);
    ck_assert_int_eq(ptd_acceptor_init(&h->a), PTD_OK);
    for (size_t i = 0; i < n; i++) {
        int fd;

        ck_assert_int_eq(ptd_listen(&fd, &any, &h->at[i]), PTD_OK);
        ck_assert_int_eq(ptd_acceptor_add(&h->a, fd), PTD_OK);
    }
}

static void host_fini(struct host *h)
{
    ptd_acceptor_fini(&h->a);
    ptd_latch_fini(&h->stop);
}

static int dial(const struct ptd_netaddr *na)
{
    struct ptd_dial_target to = { .na = *na };
    int fd;

    ck_assert_int_eq(ptd_dial(&fd, &to, NULL, 20000, NULL, NULL), PTD_OK);
    return fd;
}

START_TEST(a_port_in_use_is_told)
{
    struct ptd_netaddr elsewhere;
    struct host h;
    int fd;

    host_init(&h, 1);
    ck_assert_int_eq(ptd_listen(&fd, &h.at[0], NULL), PTD_EEXIST);
    ck_assert_int_eq(ptd_netaddr_parse(&elsewhere, "203.0.113.1:0", 0), PTD_OK);
    ck_assert_int_eq(ptd_listen(&fd, &elsewhere, NULL), PTD_EUNREACH);
    elsewhere.net = PTD_NET_TORV3;
    ck_assert_int_eq(ptd_listen(&fd, &elsewhere, NULL), PTD_EUNREACH);
    host_fini(&h);
}
END_TEST

START_TEST(a_busy_listener_does_not_starve_the_others)
{
    enum { BUSY = 6 };
    unsigned n_of[3] = { 0 };
    int out[BUSY + 2];
    struct host h;

    host_init(&h, 3);
    for (size_t i = 0; i < BUSY; i++)
        out[i] = dial(&h.at[0]);
    out[BUSY] = dial(&h.at[1]);
    out[BUSY + 1] = dial(&h.at[2]);
    for (size_t i = 0; i < BUSY + 2; i++) {
        struct ptd_netaddr remote;
        unsigned which;
        int fd;

        ck_assert_int_eq(ptd_accept(&h.a, &fd, &remote, &which, &h.stop),
                         PTD_OK);
        n_of[which]++;
        close(fd);
        if (i == 2)
            ck_assert(n_of[0] == 1 && n_of[1] == 1 && n_of[2] == 1);
    }
    for (size_t i = 0; i < BUSY + 2; i++)
        close(out[i]);
    host_fini(&h);
}
END_TEST

static void set_latch(void *arg)
{
    ptd_latch_set(arg);
}

START_TEST(a_latch_ends_accepting)
{
    struct ptd_thread t = { .started = false };
    struct ptd_netaddr remote;
    struct host h;
    int fd;

    host_init(&h, 1);
    ck_assert_int_eq(ptd_thread_start(&t, NULL, "stop", set_latch, &h.stop),
                     PTD_OK);
    ck_assert_int_eq(ptd_accept(&h.a, &fd, &remote, NULL, &h.stop),
                     PTD_ECLOSED);
    ptd_thread_join(&t);
    host_fini(&h);
}
END_TEST

START_TEST(without_descriptors_connections_are_turned_away)
{
    struct ptd_wait w = ptd_wait_until(20000, NULL);
    struct ptd_netaddr remote;
    struct rlimit was, none;
    struct host h;
    int out[3], fd;
    char c;

    host_init(&h, 1);
    for (size_t i = 0; i < 3; i++)
        out[i] = dial(&h.at[0]);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
    none = was;
    none.rlim_cur = 3; /* what is open stays open; poll(2) needs two */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    /* The spare descriptor is above the limit too: it cannot come back. */
    ck_assert_int_eq(ptd_accept(&h.a, &fd, &remote, NULL, &h.stop), PTD_ELIMIT);
    ck_assert_int_eq(ptd_accept(&h.a, &fd, &remote, NULL, &h.stop), PTD_ELIMIT);
    ptd_latch_set(&h.stop);
    ck_assert_int_eq(ptd_accept(&h.a, &fd, &remote, NULL, &h.stop),
                     PTD_ECLOSED);
    ptd_latch_clear(&h.stop);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(ptd_accept(&h.a, &fd, &remote, NULL, &h.stop), PTD_OK);
        close(fd);
        ck_assert_int_eq(ptd_wait_recv(&w, out[i], &c, 1), PTD_EEOF);
        close(out[i]);
    }
    host_fini(&h);
}
END_TEST

START_TEST(the_spare_descriptor_turns_one_away_at_a_time)
{
    struct ptd_wait w = ptd_wait_until(20000, NULL);
    struct ptd_netaddr remote;
    struct rlimit was, full;
    struct host h;
    int out[2], fd, top, filler[64];
    size_t n_filler = 0;
    char c;

    host_init(&h, 1);
    for (size_t i = 0; i < 2; i++)
        out[i] = dial(&h.at[0]);
    /* Leave no number free below the limit. */
    top = dup(0);
    ck_assert_int_ge(top, 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
    full = was;
    full.rlim_cur = (rlim_t)top + 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &full), 0);
    while (n_filler < PTD_COUNT(filler) && (filler[n_filler] = dup(0)) >= 0)
        n_filler++;
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(ptd_accept(&h.a, &fd, &remote, NULL, &h.stop),
                         PTD_ELIMIT);
        ck_assert_int_ge(h.a.spare, 0);
        ck_assert_int_eq(ptd_wait_recv(&w, out[i], &c, 1), PTD_EEOF);
    }
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
    for (size_t i = 0; i < 2; i++)
        close(out[i]);
    while (n_filler > 0)
        close(filler[--n_filler]);
    close(top);
    host_fini(&h);
}
END_TEST

START_TEST(an_acceptor_takes_so_many_listeners_and_no_more)
{
    struct ptd_acceptor a;

    ck_assert_int_eq(ptd_acceptor_init(&a), PTD_OK);
    for (size_t i = 0; i < PTD_ACCEPTOR_MAX; i++)
        ck_assert_int_eq(ptd_acceptor_add(&a, dup(0)), PTD_OK);
    ck_assert_int_eq(ptd_acceptor_add(&a, 0), PTD_EFULL);
    ptd_acceptor_fini(&a);
    ptd_acceptor_fini(&a);
}
END_TEST

TCase *listen_case(void)
{
    TCase *tc = tcase_create("listen");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_port_in_use_is_told);
    tcase_add_test(tc, a_busy_listener_does_not_starve_the_others);
    tcase_add_test(tc, a_latch_ends_accepting);
    tcase_add_test(tc, without_descriptors_connections_are_turned_away);
    tcase_add_test(tc, the_spare_descriptor_turns_one_away_at_a_time);
    tcase_add_test(tc, an_acceptor_takes_so_many_listeners_and_no_more);
    return tc;
}
