#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "net/listen.h"
#include "net/wait.h"
#include "pentad/log.h"
#include "rig.h"
#include "support/nth_malloc.h"

START_TEST(one_that_never_ran_is_freed)
{
    struct rig r;

    rig_init(&r);
    ck_assert_int_eq(ptd_connmgr_new(&r.cm, &r.cfg), PTD_OK);
    ck_assert_int_eq(ptd_connmgr_dial(r.cm, "1.2.3.4", PTD_LINK_MANUAL, false),
                     PTD_ECLOSED);
    ptd_connmgr_join(r.cm);
    ptd_connmgr_free(r.cm);
    ptd_connmgr_free(NULL);
    r.cm = NULL;
    rig_fini(&r);
}
END_TEST

START_TEST(without_memory_none_is_made)
{
    static const char *const two[] = { "16.0.0.1", "16.1.0.1" };
    struct ptd_connmgr_addr anchor = { .na = rig_parse("30.0.0.1") };
    struct rig r;
    unsigned n;

    rig_init(&r);
    r.cfg.addnode = r.cfg.connect = r.cfg.seednode = two;
    r.cfg.n_addnode = r.cfg.n_connect = r.cfg.n_seednode = 2;
    r.cfg.anchors = &anchor;
    r.cfg.n_anchors = 1;
    for (n = 1;; n++) {
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_connmgr_new(&r.cm, &r.cfg);
        if (!support_nth_malloc_disarm()) {
            ck_assert_int_eq(e, PTD_OK);
            break;
        }
        ck_assert_int_eq(e, PTD_ENOMEM);
    }
    ck_assert_uint_gt(n, 8);
    ptd_connmgr_free(r.cm);
    r.cm = NULL;
    rig_fini(&r);
}
END_TEST

START_TEST(a_stop_ends_dials_under_way)
{
    static const char *const two[] = { "16.200.0.1", "name.test" };
    size_t n_fds = rig_n_fds();
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 10);
    r.cfg.addnode = two;
    r.cfg.n_addnode = 2;
    atomic_store(&r.n_resolved, 3);
    atomic_store(&r.net, RIG_HANGS);
    rig_start(&r);
    for (int i = 0; i < 2 + 1 + 1; i++) /* two nodes, a look-up, one picked */
        rig_call(&r);
    rig_fini(&r);
    ck_assert_uint_eq(rig_n_fds(), n_fds);
}
END_TEST

START_TEST(what_comes_after_the_stop_is_closed)
{
    enum ptd_err ok = PTD_OK;
    size_t n_fds = rig_n_fds();
    struct rig_link l;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 1);
    atomic_store(&r.net, RIG_HELD);
    rig_start(&r);
    rig_call(&r);
    ptd_connmgr_stop(r.cm);
    ck_assert_int_eq(ptd_chan_send(r.answers, &ok), PTD_OK);
    ptd_connmgr_join(r.cm);
    ck_assert_int_eq(ptd_chan_try_recv(r.links, &l), PTD_EEMPTY);
    rig_fini(&r);
    ck_assert_uint_eq(rig_n_fds(), n_fds);
}
END_TEST

START_TEST(tokens_may_come_back_after_the_stop)
{
    struct rig_link l;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 2);
    rig_start(&r);
    l = rig_link(&r);
    ptd_connmgr_stop(r.cm);
    ptd_connmgr_ready(r.cm, l.l.token);
    ptd_connmgr_join(r.cm);
    ptd_connmgr_gone(r.cm, l.l.token);
    ptd_connmgr_gone(r.cm, l.l.token);
    ptd_connmgr_stop(r.cm);
    rig_fini(&r);
}
END_TEST

START_TEST(a_server_that_refuses_takes_nothing)
{
    size_t n_fds;
    struct rig r;

    rig_init(&r);
    rig_add_many(&r, 3);
    atomic_store(&r.refuses, PTD_EFULL);
    rig_start(&r);
    ck_assert_int_eq(rig_failure(&r).err, PTD_EFULL);
    n_fds = rig_n_fds();
    rig_advance(&r, SECOND_US);
    ck_assert_int_eq(rig_failure(&r).err, PTD_EFULL);
    rig_settle(&r);
    ck_assert_uint_eq(rig_n_fds(), n_fds);
    ck_assert_uint_eq(rig_n_slots(&r), 0);
    rig_fini(&r);
}
END_TEST

/* Threads of this process only: root has no such limit. */
START_TEST(without_a_thread_the_slot_is_given_back)
{
    static const char *const node[] = { "16.0.0.1:8333" };
    struct rlimit was, none;
    struct rig r;

    if (getenv("CK_FORK") != NULL && strcmp(getenv("CK_FORK"), "no") == 0)
        return; /* this user's limit would stay */
    rig_init(&r);
    r.cfg.automatic = false;
    r.cfg.network_active = false;
    r.cfg.addnode = node;
    r.cfg.n_addnode = 1;
    rig_start(&r);
    if (geteuid() == 0)
        ck_assert_int_eq(setuid(65534), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &was), 0);
    none = was;
    none.rlim_cur = 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &none), 0);
    ptd_connmgr_set_active(r.cm, true);
    ck_assert_int_eq(rig_failure(&r).err, PTD_EAGAIN);
    rig_settle(&r);
    ck_assert_int_eq(rig_slot(&r, node[0]).state, PTD_SLOT_RESTS);
    ck_assert_int_eq(ptd_connmgr_dial(r.cm, "1.2.3.4", PTD_LINK_MANUAL, false),
                     PTD_EAGAIN);
    ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &was), 0);
    rig_advance(&r, 5 * SECOND_US);
    rig_link(&r);
    rig_fini(&r);
}
END_TEST

/* ---- with real sockets --------------------------------------------------- */

struct reached {
    int fd;
    struct ptd_netaddr na;
};

static enum ptd_err keep_fd(void *arg, const struct ptd_connmgr_link *l, int fd)
{
    struct reached got = { fd, l->na };

    return ptd_chan_try_send(arg, &got);
}

START_TEST(a_node_on_loopback_is_reached)
{
    struct ptd_netaddr at = rig_parse("127.0.0.1:0"), bound;
    struct ptd_wait w = ptd_wait_until(20000, NULL);
    struct ptd_chan *reached = ptd_chan_new(sizeof(struct reached), 4);
    char text[PTD_NETADDR_TEXT], hi[2];
    const char *list[] = { text };
    struct reached got;
    int listener, fd;
    struct rig r;

    rig_init(&r);
    ck_assert_int_eq(ptd_listen(&listener, &at, &bound), PTD_OK);
    ptd_netaddr_format(&bound, text, sizeof text);
    r.cfg.automatic = false;
    r.cfg.connect = list;
    r.cfg.n_connect = 1;
    r.cfg.dialler = (struct ptd_connmgr_dialler){ .arg = NULL };
    r.cfg.server.arg = reached;
    r.cfg.server.connected = keep_fd;
    r.cfg.server.find = NULL;
    r.cfg.server.is_own = NULL;
    r.cfg.server.is_unwanted = NULL;
    r.cfg.server.has_services = NULL;
    r.cfg.server.failed = NULL;
    rig_start(&r);
    ck_assert_int_eq(ptd_chan_recv(reached, &got), PTD_OK);
    ck_assert(ptd_netaddr_is_equal(&got.na, &bound));
    ck_assert_int_eq(ptd_wait_fd(&w, listener, 1 /* POLLIN */), PTD_OK);
    fd = accept(listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ptd_wait_send(&w, got.fd, "hi", 2), PTD_OK);
    ck_assert_int_eq(ptd_wait_recv(&w, fd, hi, 2), PTD_OK);
    ck_assert(memcmp(hi, "hi", 2) == 0);
    close(fd);
    close(got.fd);
    close(listener);
    rig_fini(&r);
    ptd_chan_free(reached);
}
END_TEST

TCase *life_case(void)
{
    TCase *tc = tcase_create("life");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, one_that_never_ran_is_freed);
    tcase_add_test(tc, without_memory_none_is_made);
    tcase_add_test(tc, a_stop_ends_dials_under_way);
    tcase_add_test(tc, what_comes_after_the_stop_is_closed);
    tcase_add_test(tc, tokens_may_come_back_after_the_stop);
    tcase_add_test(tc, a_server_that_refuses_takes_nothing);
    tcase_add_test(tc, without_a_thread_the_slot_is_given_back);
    tcase_add_test(tc, a_node_on_loopback_is_reached);
    return tc;
}
