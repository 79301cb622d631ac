/* How long it takes to read messages off a socket: one end writes frames that
 * are ready, the other cuts, checks, and for small ones decodes. CPU times are
 * the reader's alone. */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "bench.h"
#include "net/bufpool.h"
#include "net/conn.h"
#include "sync/thread.h"
#include "wire/encoded.h"

static const uint8_t magic[4] = { 0xfa, 0xbf, 0xb5, 0xda };
static const struct ptd_codec codec = { .pver = PTD_PVER_WTXIDRELAY,
                                        .encoding = PTD_ENC_WITNESS };

static double thread_cpu_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void tcp_pair(int fd[2])
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    socklen_t len = sizeof in;
    int l = socket(AF_INET, SOCK_STREAM, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    PTD_ASSERT(bind(l, (struct sockaddr *)&in, sizeof in) == 0);
    PTD_ASSERT(listen(l, 1) == 0);
    PTD_ASSERT(getsockname(l, (struct sockaddr *)&in, &len) == 0);
    fd[0] = socket(AF_INET, SOCK_STREAM, 0);
    PTD_ASSERT(connect(fd[0], (struct sockaddr *)&in, len) == 0);
    fd[1] = accept(l, NULL, NULL);
    PTD_ASSERT(fd[1] >= 0);
    close(l);
}

/* Writes the same bytes until its end is shut down. */
struct writer {
    int fd;
    const uint8_t *p;
    size_t n;
};

static void writer_main(void *arg)
{
    struct writer *w = arg;
    size_t at = 0;
    ssize_t n;

    while ((n = send(w->fd, w->p + at, w->n - at, MSG_NOSIGNAL)) > 0)
        at = (at + (size_t)n) % w->n;
}

/* `copies` frames one after the other. */
static uint8_t *new_frames(const char *command, const uint8_t *payload,
                           size_t n, size_t copies, size_t *total)
{
    struct ptd_v1_header h = { .length = (uint32_t)n };
    size_t one = PTD_V1_HEADER_BYTES + n;
    uint8_t *p = malloc(one * copies);

    PTD_ASSERT(p != NULL);
    memcpy(h.magic, magic, 4);
    memcpy(h.command, command, strlen(command));
    ptd_v1_checksum(payload, n, h.checksum);
    for (size_t i = 0; i < copies; i++) {
        ptd_v1_header_encode(&h, p + i * one);
        memcpy(p + i * one + PTD_V1_HEADER_BYTES, payload, n);
    }
    *total = one * copies;
    return p;
}

struct reader {
    struct ptd_bufpool *pool;
    struct ptd_conn *conn;
    bool decode;
    double recv_cpu_s; /* of it, in ptd_conn_recv() */
};

static void read_frames(struct reader *r, size_t n_frames)
{
    while (n_frames > 0) {
        struct ptd_frame f;
        enum ptd_err e = ptd_conn_next(r->conn, &f);
        struct ptd_msg *m;
        size_t n;

        if (e == PTD_EAGAIN) {
            double before = thread_cpu_s();

            PTD_ASSERT(ptd_conn_recv(r->conn, 0, &n) == PTD_OK);
            r->recv_cpu_s += thread_cpu_s() - before;
            continue;
        }
        PTD_ASSERT(e == PTD_OK && f.err == PTD_OK);
        n_frames--;
        if (!r->decode)
            continue;
        PTD_ASSERT(ptd_msg_decode_from(&m, f.type, f.payload, f.n, f.buf,
                                       ptd_bufpool_mem(r->pool), &codec,
                                       NULL) == PTD_OK);
        ptd_msg_free(m);
    }
}

static void bench(const char *name, const char *command,
                  const uint8_t *payload, size_t n, size_t copies,
                  size_t n_frames, bool decode, bool tcp)
{
    struct ptd_conn_config cfg = { .max_payload = 0 };
    struct ptd_thread t = { .started = false };
    struct reader r = { .decode = decode };
    struct writer w;
    char label[128];
    double wall, cpu;
    uint8_t *p;
    int fd[2];

    if (tcp)
        tcp_pair(fd);
    else
        PTD_ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    r.pool = ptd_bufpool_new(NULL);
    PTD_ASSERT(r.pool != NULL);
    memcpy(cfg.magic, magic, 4);
    cfg.mem = ptd_bufpool_mem(r.pool);
    PTD_ASSERT(ptd_conn_new(&r.conn, fd[0], &cfg) == PTD_OK);
    w.fd = fd[1];
    w.p = p = new_frames(command, payload, n, copies, &w.n);
    PTD_ASSERT(ptd_thread_start(&t, NULL, "writer", writer_main, &w) == PTD_OK);

    read_frames(&r, n_frames / 10 + 1);
    r.recv_cpu_s = 0;
    wall = bench_wall_s();
    cpu = thread_cpu_s();
    read_frames(&r, n_frames);
    cpu = thread_cpu_s() - cpu;
    wall = bench_wall_s() - wall;
    shutdown(fd[1], SHUT_RDWR); /* wakes the writer, whatever is unread */
    ptd_thread_join(&t);

    snprintf(label, sizeof label, "frame_%s_%s_wall", name,
             tcp ? "tcp" : "unix");
    bench_print(label, wall / (double)n_frames * 1e9, "ns");
    snprintf(label, sizeof label, "frame_%s_%s_cpu", name,
             tcp ? "tcp" : "unix");
    bench_print(label, cpu / (double)n_frames * 1e9, "ns");
    snprintf(label, sizeof label, "frame_%s_%s_cpu_without_recv", name,
             tcp ? "tcp" : "unix");
    bench_print(label, (cpu - r.recv_cpu_s) / (double)n_frames * 1e9, "ns");
    ptd_conn_free(r.conn);
    ptd_bufpool_free(r.pool);
    close(fd[1]);
    free(p);
}

int main(void)
{
    enum { BLOCK = 1250000, HEADERS = 3 + 2000 * 81, INV = 37 };
    uint8_t *payload = calloc(1, BLOCK);
    double begin;

    PTD_ASSERT(payload != NULL);
    for (size_t i = 0; i < BLOCK; i++)
        payload[i] = (uint8_t)(i * 2654435761u >> 13);
    begin = bench_wall_s();
    for (size_t i = 0; i < 100; i++) {
        uint8_t sum[4];

        ptd_v1_checksum(payload, BLOCK, sum);
    }
    bench_print("frame_sha256d_1250000_wall",
                (bench_wall_s() - begin) / 100 * 1e9, "ns");
    for (int tcp = 0; tcp < 2; tcp++) {
        bench("block_1250000", "block", payload, BLOCK, 1, 500, false,
              tcp != 0);
        bench("headers_2000", "headers", payload, HEADERS, 1, 3000, false,
              tcp != 0);
        payload[0] = 1; /* one entry */
        bench("inv_1_decoded", "inv", payload, INV, 1000, 2000000, true,
              tcp != 0);
    }
    free(payload);
    return 0;
}
