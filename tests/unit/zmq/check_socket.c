/* Addresses: which are had, which are not, who shares one. */
#include <config.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "base/util.h"
#include "check_zmq.h"
#include "hall.h"
#include "pentad/log.h"
#include "support/nth_malloc.h"

/* A port that nobody listens at; 0: the system has no such addresses. */
static unsigned free_port(const char *ip)
{
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
    struct sockaddr_in four = { .sin_family = AF_INET };
    const bool is_six = strchr(ip, ':') != NULL;
    struct sockaddr *sa =
        is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t n = is_six ? sizeof six : sizeof four;
    int fd = socket(sa->sa_family, SOCK_STREAM, 0);
    unsigned port = 0;

    ck_assert_int_eq(
        inet_pton(sa->sa_family, ip,
                  is_six ? (void *)&six.sin6_addr : (void *)&four.sin_addr),
        1);
    if (fd >= 0 && bind(fd, sa, n) == 0 && getsockname(fd, sa, &n) == 0)
        port = ntohs(is_six ? six.sin6_port : four.sin_port);
    if (fd >= 0)
        close(fd);
    return port;
}

/* Where a Unix socket may be. */
static void socket_path(char *out, size_t cap)
{
    const char *tmp = getenv("TMPDIR");

    if (tmp == NULL || strlen(tmp) > 30)
        tmp = "/tmp";
    snprintf(out, cap, "%s/pentad-zmq.%u", tmp, (unsigned)getpid());
}

static enum ptd_err make(struct ptd_publisher **p, const char *topic,
                         const char *address, int hwm)
{
    char copy[400];
    const struct ptd_zmq_pub pub = { topic, copy, hwm };
    const struct ptd_publisher_config cfg = { .pub = &pub, .n_pub = 1 };

    snprintf(copy, sizeof copy, "%s", address);
    return ptd_publisher_new(p, &cfg);
}

static const struct {
    const char *topic, *address;
    int hwm;
    const char *log;
} refused[] = {
    { "rawtx", "foo", 1, "Error: Failed to bind address, msg: " },
    { "rawtx", "", 1, "Error: Failed to bind address, msg: " },
    { "rawtx", "127.0.0.1:28332", 1, "Error: Failed to bind address, msg: " },
    { "rawtx", "tcp://127.0.0.1", 1, "Error: Failed to bind address, msg: " },
    { "rawtx", "tcp://203.0.113.1:28332", 1,
      "Error: Failed to bind address, msg: " },
    { "rawtx", "unix:", 1, "Error: Failed to bind address, msg: " },
    { "rawtx", "unix:/nonexistent/of/pentad", 1,
      "Error: Failed to bind address, msg: " },
    { "rawtx",
      "unix:/tmp/"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      1, "Error: Failed to bind address, msg: " },
    { "rawtx", "inproc://x", -1,
      "Error: Failed to set outbound message high water mark, msg: " },
    { "nothing", "inproc://x", 1, "" },
};

START_TEST(refused_and_logged)
{
    struct ptd_publisher *p = NULL;

    listen_to_log();
    ck_assert_int_eq(
        make(&p, refused[_i].topic, refused[_i].address, refused[_i].hwm),
        PTD_EINVAL);
    unlisten_to_log();
    ck_assert_ptr_nonnull(strstr(hall_log, refused[_i].log));
}
END_TEST

START_TEST(address_in_use_is_refused)
{
    struct ptd_publisher *first, *second;
    char address[64];

    snprintf(address, sizeof address, "tcp://127.0.0.1:%u",
             free_port("127.0.0.1"));
    ck_assert_int_eq(make(&first, "rawtx", address, 1), PTD_OK);
    listen_to_log();
    ck_assert_int_eq(make(&second, "rawtx", address, 1), PTD_EINVAL);
    unlisten_to_log();
    ck_assert_ptr_nonnull(
        strstr(hall_log,
               "Error: Failed to bind address, msg: Address already in use\n"));
    ptd_publisher_free(first);
    ck_assert_int_eq(make(&second, "rawtx", address, 1), PTD_OK);
    ptd_publisher_free(second);
}
END_TEST

START_TEST(says_what_it_publishes)
{
    char other[] = "inproc://b", path[64], one[80];
    const struct ptd_zmq_pub pub[] = { { "hashblock", other, 1000 },
                                       { "rawtx", other, 5 },
                                       { "sequence", other, 0 } };
    const struct ptd_publisher_config cfg = { .pub = pub,
                                              .n_pub = PTD_COUNT(pub) };
    struct ptd_zmq_pub got;
    struct ptd_publisher *p;

    ck_assert_int_eq(ptd_publisher_new(&p, &cfg), PTD_OK);
    for (size_t i = 0; i < PTD_COUNT(pub); i++) {
        ck_assert(ptd_publisher_at(p, i, &got));
        ck_assert_str_eq(got.topic, pub[i].topic);
        ck_assert_str_eq(got.address, other);
        ck_assert_int_eq(got.hwm, pub[i].hwm);
    }
    ck_assert(!ptd_publisher_at(p, PTD_COUNT(pub), &got));
    ptd_publisher_free(p);
    /* As ZeroMQ writes it. */
    socket_path(path, sizeof path);
    snprintf(one, sizeof one, "unix:%s", path);
    ck_assert_int_eq(make(&p, "rawblock", one, 1), PTD_OK);
    ck_assert(ptd_publisher_at(p, 0, &got));
    ck_assert_int_eq(strncmp(got.address, "ipc://", 6), 0);
    ck_assert_str_eq(got.address + 6, path);
    ptd_publisher_free(p);
    unlink(path); /* ZeroMQ leaves it */
}
END_TEST

/* ---- several addresses ----------------------------------------------- */

struct ear {
    void *socket;
    char address[80];
};

static void ear_open(struct ear *e, void *ctx)
{
    const int none = 0, ms = 20, six = 1;

    e->socket = zmq_socket(ctx, ZMQ_SUB);
    ck_assert_ptr_nonnull(e->socket);
    zmq_setsockopt(e->socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(e->socket, ZMQ_RCVTIMEO, &ms, sizeof ms);
    zmq_setsockopt(e->socket, ZMQ_IPV6, &six, sizeof six);
    zmq_setsockopt(e->socket, ZMQ_SUBSCRIBE, "sequence", 8);
    ck_assert_int_eq(zmq_connect(e->socket, e->address), 0);
}

/* Until it hears something. */
static void ear_wait(struct ear *e, struct ptd_publisher *p)
{
    static const struct ptd_hash hash;
    char topic[16];
    int n;

    do
        ptd_publisher_tx_removed(p, &hash, 1);
    while ((n = zmq_recv(e->socket, topic, sizeof topic, 0)) < 0);
    ck_assert_int_eq(n, 8);
    ck_assert_int_eq(memcmp(topic, "sequence", 8), 0);
}

static const char *const loopback[] = { "127.0.0.1", "::1" };

START_TEST(heard_over_tcp_at_each_address)
{
    const char *ip = loopback[_i];
    const bool six = strchr(ip, ':') != NULL;
    void *ctx = zmq_ctx_new();
    struct ptd_publisher *p;
    struct ear ear[2];
    unsigned port = free_port(ip);
    char path[64];

    if (port == 0) {
        zmq_ctx_term(ctx);
        return; /* no IPv6 here */
    }
    snprintf(ear[0].address, sizeof ear[0].address,
             six ? "tcp://[%s]:%u" : "tcp://%s:%u", ip, port);
    socket_path(path, sizeof path);
    snprintf(ear[1].address, sizeof ear[1].address, "ipc://%s", path);
    {
        const struct ptd_zmq_pub pub[] = { { "sequence", ear[0].address, 10 },
                                           { "sequence", ear[1].address, 10 } };
        const struct ptd_publisher_config cfg = { .pub = pub,
                                                  .n_pub = PTD_COUNT(pub) };

        ck_assert_int_eq(ptd_publisher_new(&p, &cfg), PTD_OK);
    }
    ck_assert_int_eq(ptd_publisher_start(p), PTD_OK);
    for (size_t i = 0; i < PTD_COUNT(ear); i++)
        ear_open(&ear[i], ctx);
    for (size_t i = 0; i < PTD_COUNT(ear); i++)
        ear_wait(&ear[i], p);
    for (size_t i = 0; i < PTD_COUNT(ear); i++)
        zmq_close(ear[i].socket);
    ptd_publisher_free(p);
    zmq_ctx_term(ctx);
    unlink(path);
}
END_TEST

/* Whoever sends more than subscriptions is cut off; the others are not. */
START_TEST(endless_subscription_is_refused)
{
    static char topic[100 * 1000];
    struct hall h;
    struct ptd_hash a;
    void *rude;
    const int none = 0;

    hall_init(&h, "sequence", 0, 1000);
    rude = zmq_socket(h.ctx, ZMQ_SUB);
    zmq_setsockopt(rude, ZMQ_LINGER, &none, sizeof none);
    memset(topic, 'x', sizeof topic);
    ck_assert_int_eq(zmq_setsockopt(rude, ZMQ_SUBSCRIBE, topic, sizeof topic),
                     0);
    ck_assert_int_eq(zmq_connect(rude, h.address), 0);
    hall_start(&h);
    a = hall_grow(&h, h.genesis, 0, 1);
    hear_block(&h, 'C', a, (uint32_t)h.pool);
    zmq_close(rude);
    hall_fini(&h);
}
END_TEST

START_TEST(out_of_memory_is_told)
{
    struct ptd_publisher *p;
    enum ptd_err e;

    for (unsigned n = 1;; n++) {
        support_nth_malloc_arm(n);
        e = make(&p, "rawtx", "inproc://x", 1);
        if (!support_nth_malloc_disarm())
            break;
        ck_assert_int_eq(e, PTD_ENOMEM);
    }
    ck_assert_int_eq(e, PTD_OK);
    ptd_publisher_free(p);
}
END_TEST

TCase *tcase_socket(void)
{
    TCase *tc = tcase_create("socket");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, refused_and_logged, 0, PTD_COUNT(refused));
    tcase_add_test(tc, address_in_use_is_refused);
    tcase_add_test(tc, says_what_it_publishes);
    tcase_add_loop_test(tc, heard_over_tcp_at_each_address, 0,
                        PTD_COUNT(loopback));
    tcase_add_test(tc, endless_subscription_is_refused);
    tcase_add_test(tc, out_of_memory_is_told);
    return tc;
}
