#include <config.h>

#include "net/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "net/carrier.h"

enum {
    /* Shared payloads up to this size are copied into the batch: cheaper than
     * one more vector, and the reference goes back at once. */
    COPY_MAX_BYTES = 2048,
    /* Unshared payloads above this size are encoded on their own. */
    SCRATCH_MAX_BYTES = 8192,
    /* A flush that blocks comes back as often as this, so that its progress
     * shows in the count of bytes. */
    BLOCKED_MAX_BYTES = 256 * 1024
};

struct ptd_conn {
    int fd; /* set once; closed by free */
    struct ptd_carrier *carrier; /* replaced by the handshake only */

    struct ptd_rxbuf rx;         /* reading half */
    _Atomic uint64_t bytes_recv; /* written by the reading half */

    _Atomic uint64_t bytes_sent; /* written by the writing half */
    struct ptd_batch batch;      /* writing half */
};

/* ---- life ------------------------------------------------------------ */

static bool make_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 &&
           ((flags & O_NONBLOCK) == 0 ||
            fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
}

enum ptd_err ptd_conn_new_with(struct ptd_conn **out, int fd,
                               const struct ptd_conn_config *cfg,
                               struct ptd_carrier *cr)
{
    const int on = 1;
    struct ptd_conn *c;

    if (!make_blocking(fd))
        return PTD_EIO;
    c = malloc(sizeof *c);
    if (c == NULL)
        return PTD_ENOMEM;
    /* Not every socket is TCP (a proxy's may be a Unix one). */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->fd = fd;
    c->carrier = cr;
    ptd_rxbuf_init(&c->rx, cfg->mem);
    ptd_batch_init(&c->batch, cfg->mem);
    atomic_init(&c->bytes_recv, 0);
    atomic_init(&c->bytes_sent, 0);
    *out = c;
    return PTD_OK;
}

enum ptd_err ptd_conn_new(struct ptd_conn **out, int fd,
                          const struct ptd_conn_config *cfg)
{
    struct ptd_carrier *cr = ptd_carrier_v1_new(cfg);
    enum ptd_err e;

    if (cr == NULL)
        return PTD_ENOMEM;
    e = ptd_conn_new_with(out, fd, cfg, cr);
    if (e != PTD_OK)
        cr->ops->free(cr);
    return e;
}

void ptd_conn_free(struct ptd_conn *c)
{
    if (c == NULL)
        return;
    ptd_rxbuf_fini(&c->rx);
    ptd_batch_fini(&c->batch);
    c->carrier->ops->free(c->carrier);
    close(c->fd);
    free(c);
}

void ptd_conn_shutdown(struct ptd_conn *c)
{
    /* ENOTCONN: the other side was faster. */
    (void)shutdown(c->fd, SHUT_RDWR);
}

int ptd_conn_fd(const struct ptd_conn *c)
{
    return c->fd;
}

const char *ptd_conn_transport(const struct ptd_conn *c)
{
    return c->carrier->ops->name;
}

/* Only one thread writes each counter. */
static void count(_Atomic uint64_t *counter, size_t n)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

/* ---- reading half ---------------------------------------------------- */

enum ptd_err ptd_conn_recv(struct ptd_conn *c, int flags, size_t *n)
{
    uint8_t *at;
    size_t room;
    ssize_t got;
    enum ptd_err e = ptd_rxbuf_prepare(&c->rx, &at, &room);

    if (e != PTD_OK)
        return e;
    do
        got = recv(c->fd, at, room, flags);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return PTD_EEOF;
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? PTD_EAGAIN : PTD_EIO;
    ptd_rxbuf_received(&c->rx, (size_t)got, room);
    count(&c->bytes_recv, (size_t)got);
    *n = (size_t)got;
    return PTD_OK;
}

enum ptd_err ptd_conn_next(struct ptd_conn *c, struct ptd_frame *f)
{
    return c->carrier->ops->next(c->carrier, &c->rx, f);
}

static uint32_t max_payload(uint32_t n)
{
    return n != 0 && n < PTD_MAX_PAYLOAD ? n : PTD_MAX_PAYLOAD;
}

void ptd_conn_set_max_payload(struct ptd_conn *c, uint32_t n)
{
    c->carrier->ops->set_max_payload(c->carrier, max_payload(n));
}

size_t ptd_conn_buffered(const struct ptd_conn *c)
{
    return ptd_rxbuf_len(&c->rx);
}

bool ptd_conn_in_frame(const struct ptd_conn *c)
{
    return c->rx.skipping || ptd_rxbuf_len(&c->rx) > 0;
}

uint64_t ptd_conn_bytes_recv(const struct ptd_conn *c)
{
    return atomic_load_explicit(&c->bytes_recv, memory_order_relaxed);
}

enum ptd_err ptd_conn_handshake(struct ptd_conn *c)
{
    enum ptd_err e = PTD_OK;
    size_t n;

    if (c->carrier->ops->handshake == NULL)
        return PTD_OK;
    do {
        enum ptd_err io;

        e = c->carrier->ops->handshake(&c->carrier, &c->rx, &c->batch);
        io = ptd_conn_flush(c, 0);
        if (io == PTD_OK && e == PTD_EAGAIN)
            io = ptd_conn_recv(c, 0, &n);
        if (io != PTD_OK)
            return io;
    } while (e == PTD_EAGAIN);
    return e;
}

/* ---- writing half ---------------------------------------------------- */

/* Put the envelope around n bytes of payload that lie behind the head. */
static void seal(struct ptd_conn *c, const char *command, uint8_t *frame,
                 size_t head, size_t n)
{
    const struct ptd_carrier_ops *ops = c->carrier->ops;

    ops->seal(c->carrier, command, frame, n);
    ptd_batch_commit(&c->batch, frame, head + n + ops->tail_bytes);
}

/* Copy an encoded form into the batch; its reference goes back. */
static enum ptd_err add_copy(struct ptd_conn *c, struct ptd_encoded *enc,
                             size_t head)
{
    size_t room;
    uint8_t *at;
    enum ptd_err e =
        ptd_batch_room(&c->batch, head + enc->n + c->carrier->ops->tail_bytes,
                       &at, &room);

    if (e != PTD_OK)
        return e;
    if (enc->n > 0)
        memcpy(at + head, enc->payload, enc->n);
    seal(c, enc->command, at, head, enc->n);
    ptd_encoded_free(enc);
    return PTD_OK;
}

/* Take an encoded form as it lies, with its reference. */
static enum ptd_err add_reference(struct ptd_conn *c, struct ptd_encoded *enc,
                                  size_t head)
{
    size_t room;
    uint8_t *at;
    enum ptd_err e;

    if (!ptd_batch_has_room_for_ref(&c->batch, head + enc->n))
        return PTD_EFULL;
    e = ptd_batch_room(&c->batch, head, &at, &room);
    if (e != PTD_OK)
        return e;
    c->carrier->ops->seal_head(c->carrier, at, enc);
    ptd_batch_commit(&c->batch, at, head);
    ptd_batch_add_ref(&c->batch, enc);
    return PTD_OK;
}

static enum ptd_err add_encoded(struct ptd_conn *c, struct ptd_msg *m,
                                const struct ptd_codec *cx, size_t *n)
{
    const struct ptd_carrier_ops *ops = c->carrier->ops;
    size_t head = ops->head_bytes(c->carrier, ptd_msg_command(m));
    struct ptd_encoded *enc;
    size_t room;
    bool copy;
    enum ptd_err e = ptd_msg_encoded(m, &enc, cx);

    if (e != PTD_OK)
        return e;
    *n = enc->n;
    copy = ops->seal_head == NULL ||
           (enc->n <= COPY_MAX_BYTES &&
            ptd_batch_peek(&c->batch, head + enc->n + ops->tail_bytes,
                           &room) != NULL);
    e = copy ? add_copy(c, enc, head) : add_reference(c, enc, head);
    if (e != PTD_OK)
        ptd_encoded_free(enc);
    return e;
}

/* Encode where it will be written from, if it fits there. */
static enum ptd_err add_in_place(struct ptd_conn *c, const struct ptd_msg *m,
                                 const struct ptd_codec *cx, uint8_t *at,
                                 size_t room, size_t *n)
{
    const struct ptd_carrier_ops *ops = c->carrier->ops;
    size_t head = ops->head_bytes(c->carrier, ptd_msg_command(m));
    size_t around = head + ops->tail_bytes;
    enum ptd_err e;

    if (at == NULL || room < around)
        return PTD_EFULL;
    e = ptd_msg_encode(m, at + head, room - around, n, cx);
    if (e == PTD_OK)
        seal(c, ptd_msg_command(m), at, head, *n);
    return e;
}

static enum ptd_err add_unshared(struct ptd_conn *c, struct ptd_msg *m,
                                 const struct ptd_codec *cx, size_t *n)
{
    const struct ptd_carrier_ops *ops = c->carrier->ops;
    size_t room;
    uint8_t *at = ptd_batch_peek(&c->batch, 0, &room);
    enum ptd_err e = add_in_place(c, m, cx, at, room, n);
    size_t bytes;

    if (e != PTD_EFULL)
        return e;
    e = PTD_OK;
    bytes = ptd_msg_encoded_bytes(m, cx, &e);
    if (e != PTD_OK)
        return e;
    if (bytes > SCRATCH_MAX_BYTES && ops->seal_head != NULL)
        return add_encoded(c, m, cx, n);
    bytes += ops->head_bytes(c->carrier, ptd_msg_command(m)) + ops->tail_bytes;
    e = ptd_batch_room(&c->batch, bytes, &at, &room);
    return e == PTD_OK ? add_in_place(c, m, cx, at, room, n) : e;
}

enum ptd_err ptd_conn_add(struct ptd_conn *c, struct ptd_msg *m,
                          const struct ptd_codec *cx, size_t *wire_bytes)
{
    size_t n = 0;
    enum ptd_err e = ptd_msg_is_unshared(m) ? add_unshared(c, m, cx, &n)
                                            : add_encoded(c, m, cx, &n);

    if (e == PTD_OK)
        *wire_bytes = n + c->carrier->ops->head_bytes(c->carrier, ptd_msg_command(m)) +
                      c->carrier->ops->tail_bytes;
    return e;
}

/* What a failed write means; the batch is dropped. */
static enum ptd_err write_failed(struct ptd_conn *c)
{
    int saved = errno;

    ptd_batch_clear(&c->batch);
    errno = saved;
    return saved == EPIPE ? PTD_EEOF : PTD_EIO;
}

/* The first of what is left, as much as goes into one call. */
static struct msghdr next_write(struct ptd_batch *b, int flags,
                                struct iovec *cut)
{
    struct msghdr mh = { .msg_iov = &b->iov[b->first],
                         .msg_iovlen = b->n_iov - b->first };
    size_t bytes = 0;

    if ((flags & MSG_DONTWAIT) != 0 || b->bytes <= BLOCKED_MAX_BYTES)
        return mh;
    for (mh.msg_iovlen = 0; mh.msg_iovlen < b->n_iov - b->first;
         mh.msg_iovlen++) {
        bytes += mh.msg_iov[mh.msg_iovlen].iov_len;
        if (bytes > BLOCKED_MAX_BYTES)
            break;
    }
    if (mh.msg_iovlen == 0) {
        *cut = (struct iovec){ mh.msg_iov->iov_base, BLOCKED_MAX_BYTES };
        mh.msg_iov = cut;
        mh.msg_iovlen = 1;
    }
    return mh;
}

enum ptd_err ptd_conn_flush(struct ptd_conn *c, int flags)
{
    struct ptd_batch *b = &c->batch;

    while (!ptd_batch_is_empty(b)) {
        struct iovec cut;
        struct msghdr mh = next_write(b, flags, &cut);
        ssize_t n = sendmsg(c->fd, &mh, flags | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return PTD_EAGAIN;
        if (n < 0)
            return write_failed(c);
        count(&c->bytes_sent, (size_t)n);
        ptd_batch_written(b, (size_t)n);
        if ((flags & MSG_DONTWAIT) != 0 && !ptd_batch_is_empty(b))
            return PTD_EAGAIN;
    }
    return PTD_OK;
}

void ptd_conn_writer_idle(struct ptd_conn *c)
{
    ptd_batch_shrink(&c->batch);
}

uint64_t ptd_conn_bytes_sent(const struct ptd_conn *c)
{
    return atomic_load_explicit(&c->bytes_sent, memory_order_relaxed);
}
