/* Many connections at once on the daemon, until each has its first pong: the
 * time, the daemon's CPU time and its memory a connection. This side is one
 * thread with epoll, so that the daemon is what is measured. */
#include <config.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/util.h"
#include "bench.h"
#include "daemon.h"
#include "pentad/params.h"
#include "pentad/wire.h"

#define must bench_must

/* ---- connections ------------------------------------------------------------ */

struct connection {
    int fd;
    bool greeted, done;
    size_t have;
    uint8_t in[4096];
};

static uint8_t magic[4];
static uint8_t hello[512], verack_ping[128];
static size_t hello_bytes, verack_ping_bytes;

static size_t frame(uint8_t *out, struct ptd_msg *m)
{
    struct ptd_codec cx = { .pver = PTD_PVER_WTXIDRELAY };
    struct ptd_v1_header h = { 0 };
    size_t n;

    must(m != NULL, "message");
    must(ptd_msg_encode(m, out + PTD_V1_HEADER_BYTES, 256, &n, &cx) == PTD_OK,
         "encode");
    memcpy(h.magic, magic, 4);
    strcpy(h.command, ptd_msg_type_command(m->type));
    h.length = (uint32_t)n;
    ptd_v1_checksum(out + PTD_V1_HEADER_BYTES, n, h.checksum);
    ptd_v1_header_encode(&h, out);
    ptd_msg_free(m);
    return PTD_V1_HEADER_BYTES + n;
}

static void prepare(void)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_VERSION);
    struct ptd_msg_version *v = (struct ptd_msg_version *)(void *)m;

    memcpy(magic, ptd_params_by_name("regtest")->magic, 4);
    must(m != NULL, "version");
    v->version = PTD_PVER_WTXIDRELAY;
    v->time = 1700000000;
    v->nonce = 1;
    hello_bytes = frame(hello, m);
    verack_ping_bytes = frame(verack_ping, ptd_msg_new(PTD_MSG_VERACK));
    verack_ping_bytes += frame(verack_ping + verack_ping_bytes,
                               ptd_msg_new_nonce(PTD_MSG_PING, 0x70656e));
}

static void send_all(struct connection *c, const uint8_t *p, size_t n)
{
    must(send(c->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n, "send");
}

/* One whole frame came: answer verack with ours and a ping, await the pong. */
static void take(struct connection *c, const struct ptd_v1_header *h)
{
    if (strcmp(h->command, "verack") == 0)
        send_all(c, verack_ping, verack_ping_bytes);
    else if (strcmp(h->command, "pong") == 0)
        c->done = true;
}

/* True once the pong is here. */
static bool receive(struct connection *c)
{
    ssize_t k = recv(c->fd, c->in + c->have, sizeof c->in - c->have, 0);
    struct ptd_v1_header h;
    size_t at = 0;

    must(k > 0, "recv");
    c->have += (size_t)k;
    while (c->have - at >= PTD_V1_HEADER_BYTES) {
        must(ptd_v1_header_decode(&h, c->in + at, magic) == PTD_OK &&
                 h.length < sizeof c->in - PTD_V1_HEADER_BYTES,
             "a frame");
        if (c->have - at < PTD_V1_HEADER_BYTES + h.length)
            break;
        take(c, &h);
        at += PTD_V1_HEADER_BYTES + h.length;
    }
    memmove(c->in, c->in + at, c->have - at);
    c->have -= at;
    return c->done;
}

static void dial(struct connection *c, int ep, const struct bench_daemon *d)
{
    struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = c };
    int e;

    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    must(c->fd >= 0, "socket");
    e = connect(c->fd, (const struct sockaddr *)&d->addr, sizeof d->addr);
    must(e == 0 || errno == EINPROGRESS, "connect");
    must(epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) == 0, "epoll_ctl");
}

static void greet(struct connection *c, int ep)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

    c->greeted = true;
    send_all(c, hello, hello_bytes);
    must(epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev) == 0, "epoll_ctl");
}

/* All at once, to the last first pong. Gives the wall time. */
static double all_at_once(struct connection *c, size_t n,
                          const struct bench_daemon *d)
{
    double begin = bench_wall_s();
    int ep = epoll_create1(0);
    size_t n_done = 0;

    must(ep >= 0, "epoll");
    for (size_t i = 0; i < n; i++)
        dial(&c[i], ep, d);
    while (n_done < n) {
        struct epoll_event ev[256];
        int k = epoll_wait(ep, ev, PTD_COUNT(ev), 60000);

        must(k > 0, "waiting for a minute");
        for (int i = 0; i < k; i++) {
            struct connection *one = ev[i].data.ptr;

            if (!one->greeted)
                greet(one, ep);
            else if (!one->done)
                n_done += receive(one);
            else
                must(recv(one->fd, one->in, sizeof one->in, 0) > 0, "recv");
        }
    }
    close(ep);
    return bench_wall_s() - begin;
}

int main(int argc, char **argv)
{
    const char *program = argc > 1 ? argv[1] : "src/cmd/pentad";
    size_t n = argc > 2 ? (size_t)atol(argv[2]) : 1000;
    double wall[3], cpu[3], rss = 0;
    char max[64];
    const char *const options[] = { "-regtest", max, NULL };
    struct connection *c = calloc(n, sizeof *c);
    struct rlimit r;

    must(c != NULL && n > 0 && n <= 20000, "so many connections");
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
    prepare();
    snprintf(max, sizeof max, "-maxconnections=%zu", n + 50);
    for (int round = 0; round < 3; round++) { /* each with a fresh daemon */
        struct bench_daemon d = { 0 };

        bench_daemon_start(&d, program, options);
        rss = bench_daemon_rss_bytes(&d);
        cpu[round] = bench_daemon_cpu_s(&d);
        wall[round] = all_at_once(c, n, &d);
        cpu[round] = bench_daemon_cpu_s(&d) - cpu[round];
        rss = bench_daemon_rss_bytes(&d) - rss;
        for (size_t i = 0; i < n; i++)
            close(c[i].fd);
        bench_daemon_end(&d);
    }
    bench_print("daemon_connections", (double)n, "peers");
    bench_print("daemon_first_pong_wall", bench_quantile(wall, 3, 0.5), "s");
    bench_print("daemon_first_pong_cpu",
                bench_quantile(cpu, 3, 0.5) / (double)n * 1e6, "us");
    bench_print("daemon_rss_per_connection", rss / (double)n / 1024, "KiB");
    free(c);
    return 0;
}
