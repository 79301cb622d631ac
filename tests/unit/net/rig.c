#include <config.h>

#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

const uint8_t rig_magic[4] = { 0xfa, 0xbf, 0xb5, 0xda };
const struct ptd_codec rig_codec = { .pver = PTD_PVER_WTXIDRELAY,
                                     .encoding = PTD_ENC_WITNESS };

void rig_tcp_pair(int fd[2])
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    socklen_t len = sizeof in;
    int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(l, 0);
    ck_assert_int_eq(bind(l, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(listen(l, 1), 0);
    ck_assert_int_eq(getsockname(l, (struct sockaddr *)&in, &len), 0);
    fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd[0], 0);
    ck_assert_int_eq(connect(fd[0], (struct sockaddr *)&in, len), 0);
    fd[1] = accept4(l, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd[1], 0);
    close(l);
}

void rig_init(struct rig *r, const struct ptd_bufpool_config *pool_cfg)
{
    struct ptd_conn_config cfg = { .magic = { 0 } };
    int fd[2];

    memset(r, 0, sizeof *r);
    memcpy(cfg.magic, rig_magic, sizeof cfg.magic);
    rig_tcp_pair(fd);
    r->pool = ptd_bufpool_new(pool_cfg);
    ck_assert_ptr_nonnull(r->pool);
    cfg.mem = ptd_bufpool_mem(r->pool);
    ck_assert_int_eq(ptd_conn_new(&r->conn, fd[0], &cfg), PTD_OK);
    r->far = fd[1];
    ck_assert_int_eq(fcntl(r->far, F_SETFL, O_NONBLOCK), 0);
}

void rig_fini(struct rig *r)
{
    ptd_conn_free(r->conn);
    if (r->far >= 0)
        close(r->far);
    ck_assert_uint_eq(ptd_bufpool_out_bytes(r->pool), 0);
    ptd_bufpool_free(r->pool);
}

void bytes_add(struct bytes *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    b->p = realloc(b->p, b->n + n);
    ck_assert_ptr_nonnull(b->p);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){ NULL, 0 };
}

void rig_pattern(uint8_t *out, size_t n, unsigned seed)
{
    uint32_t x = seed * 2654435761u + 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        out[i] = (uint8_t)(x >> 24);
    }
}

void bytes_add_frame(struct bytes *b, const char *command, const void *payload,
                     size_t n)
{
    struct ptd_v1_header h = { .length = (uint32_t)n };
    uint8_t head[PTD_V1_HEADER_BYTES];
    uint8_t *made = malloc(n + 1);

    ck_assert_ptr_nonnull(made);
    if (payload != NULL)
        memcpy(made, payload, n);
    else
        rig_pattern(made, n, (unsigned)n);
    memcpy(h.magic, rig_magic, 4);
    memcpy(h.command, command, strlen(command));
    ptd_v1_checksum(made, n, h.checksum);
    ptd_v1_header_encode(&h, head);
    bytes_add(b, head, sizeof head);
    bytes_add(b, made, n);
    free(made);
}

/* Cut all there is. */
static void cut(struct rig *r, struct gots *g)
{
    struct ptd_frame f;
    enum ptd_err e;

    while ((e = ptd_conn_next(r->conn, &f)) == PTD_OK) {
        struct got *t = &g->list[g->n++];

        ck_assert_uint_lt(g->n, RIG_MAX_GOT);
        t->f = f;
        t->payload = NULL;
        if (f.payload != NULL) {
            t->payload = malloc(f.n + 1);
            ck_assert_ptr_nonnull(t->payload);
            memcpy(t->payload, f.payload, f.n);
        }
        if (g->want_keep && f.buf != NULL) {
            g->kept[g->n_keep] = f.payload;
            g->keep[g->n_keep++] = ptd_buf_ref(f.buf);
        }
    }
    if (e != PTD_EAGAIN) {
        g->end = e;
        g->last = f;
    }
}

void rig_pump(struct rig *r, struct gots *g, const uint8_t *p, size_t n)
{
    while (g->end == PTD_OK &&
           (n > 0 || ptd_conn_bytes_recv(r->conn) < r->sent)) {
        size_t got;
        ssize_t put = n > 0 ? send(r->far, p, n, MSG_NOSIGNAL) : 0;

        ck_assert(put >= 0 || errno == EAGAIN);
        if (put > 0) {
            p += put;
            n -= (size_t)put;
            r->sent += (uint64_t)put;
        }
        /* Something is under way, so this ends. */
        ck_assert_int_eq(ptd_conn_recv(r->conn, 0, &got), PTD_OK);
        g->n_recv++;
        if (ptd_bufpool_out_bytes(r->pool) > g->max_out)
            g->max_out = ptd_bufpool_out_bytes(r->pool);
        cut(r, g);
    }
}

void gots_free(struct gots *g)
{
    for (size_t i = 0; i < g->n; i++)
        free(g->list[i].payload);
    for (size_t i = 0; i < g->n_keep; i++)
        ptd_buf_free(g->keep[i]);
    free(g);
}

void rig_drain(struct rig *r, struct bytes *out)
{
    static uint8_t chunk[65536];
    ssize_t n;

    while ((n = recv(r->far, chunk, sizeof chunk, 0)) > 0)
        bytes_add(out, chunk, (size_t)n);
}
