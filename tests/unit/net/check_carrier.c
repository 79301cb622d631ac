/* A carrier that changes every byte, as an encrypted one will: it shakes
 * hands, decrypts in the receive buffer, seals in the batch. Shows that the
 * interface has room for one. */
#include <config.h>

#include "net/carrier.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "rig.h"
#include "sync/thread.h"
#include "wire/encoded.h"

enum { KEY_BYTES = 8, HEAD = 5, TAIL = 3 };

/* Packets: length (4, changed), type (1, changed), payload (changed), tail. */
struct scrambler {
    struct ptd_carrier cr;
    bool sent_key;
    uint8_t key;     /* ours plus theirs: the same at both ends */
    uint8_t own_key; /* told to the other end */
    uint8_t n_in;    /* packets, so that order matters */
    uint8_t n_out;
};

static void scramble(uint8_t *p, size_t n, uint8_t key)
{
    for (size_t i = 0; i < n; i++)
        p[i] ^= key;
}

static enum ptd_err handshake(struct ptd_carrier **cr, struct ptd_rxbuf *rx,
                              struct ptd_batch *batch)
{
    struct scrambler *s = PTD_CONTAINER_OF(*cr, struct scrambler, cr);
    size_t room;
    uint8_t *at;

    if (!s->sent_key) {
        enum ptd_err e = ptd_batch_room(batch, KEY_BYTES, &at, &room);

        if (e != PTD_OK)
            return e;
        memset(at, s->own_key, KEY_BYTES);
        ptd_batch_commit(batch, at, KEY_BYTES);
        s->sent_key = true;
    }
    if (ptd_rxbuf_len(rx) < KEY_BYTES) {
        rx->need = KEY_BYTES;
        return PTD_EAGAIN;
    }
    s->key = (uint8_t)(s->own_key + ptd_rxbuf_at(rx)[KEY_BYTES - 1]);
    ptd_rxbuf_cut(rx, KEY_BYTES);
    return PTD_OK;
}

static enum ptd_err next(struct ptd_carrier *cr, struct ptd_rxbuf *rx,
                         struct ptd_frame *f)
{
    struct scrambler *s = PTD_CONTAINER_OF(cr, struct scrambler, cr);
    uint8_t key = (uint8_t)(s->key + s->n_in);
    uint8_t head[HEAD], *p;
    size_t total;

    if (ptd_rxbuf_len(rx) < HEAD) {
        rx->need = ptd_rxbuf_len(rx) > 0 ? HEAD : 0;
        return PTD_EAGAIN;
    }
    p = ptd_rxbuf_at(rx);
    memcpy(head, p, HEAD);
    scramble(head, HEAD, key);
    total = HEAD + ptd_get_le32(head) + TAIL;
    if (ptd_rxbuf_len(rx) < total) {
        rx->need = total;
        return PTD_EAGAIN;
    }
    scramble(p, total, key);
    memset(f, 0, sizeof *f);
    f->type = (enum ptd_msg_type)head[4];
    strcpy(f->command, ptd_msg_type_command(f->type));
    f->payload = p + HEAD;
    f->n = total - HEAD - TAIL;
    f->wire_bytes = (uint32_t)total;
    f->err = memcmp(p + total - TAIL, "end", TAIL) == 0 ? PTD_OK
                                                        : PTD_ECHECKSUM;
    ptd_rxbuf_cut(rx, total);
    s->n_in++;
    return PTD_OK;
}

static size_t head_bytes(const struct ptd_carrier *cr, const char *command)
{
    (void)cr;
    (void)command;
    return HEAD;
}

static void seal(struct ptd_carrier *cr, const char *command, uint8_t *frame,
                 size_t n)
{
    struct scrambler *s = PTD_CONTAINER_OF(cr, struct scrambler, cr);

    ptd_put_le32(frame, (uint32_t)n);
    frame[4] = (uint8_t)ptd_msg_type_of(command, strlen(command));
    memcpy(frame + HEAD + n, "end", TAIL);
    scramble(frame, HEAD + n + TAIL, (uint8_t)(s->key + s->n_out++));
}

static void scrambler_free(struct ptd_carrier *cr)
{
    free(PTD_CONTAINER_OF(cr, struct scrambler, cr));
}

static const struct ptd_carrier_ops ops = {
    .name = "scrambled",
    .handshake = handshake,
    .next = next,
    .head_bytes = head_bytes,
    .tail_bytes = TAIL,
    .seal = seal,
    .free = scrambler_free,
};

static struct ptd_conn *new_conn(int fd, uint8_t key)
{
    struct ptd_conn_config cfg = { .max_payload = 0 };
    struct scrambler *s = calloc(1, sizeof *s);
    struct ptd_conn *c;

    ck_assert_ptr_nonnull(s);
    s->cr.ops = &ops;
    s->own_key = key;
    ck_assert_int_eq(ptd_conn_new_with(&c, fd, &cfg, &s->cr), PTD_OK);
    return c;
}

static struct ptd_msg *new_filter(size_t n)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_CFILTER);
    struct ptd_msg_cfilter *c = (struct ptd_msg_cfilter *)(void *)m;
    uint8_t *bytes = malloc(n);

    ck_assert(m != NULL && bytes != NULL);
    rig_pattern(bytes, n, (unsigned)n);
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &c->filter, bytes, n), PTD_OK);
    free(bytes);
    return m;
}

static const size_t filter_bytes[] = { 1, 600, 5000, 40000, 250000, 7 };

struct side {
    struct ptd_conn *conn;
    struct ptd_msg *msg[PTD_COUNT(filter_bytes)]; /* shared by both sides */
};

static void talk(void *arg)
{
    struct side *s = arg;
    size_t n;

    PTD_ASSERT(ptd_conn_handshake(s->conn) == PTD_OK);
    for (size_t i = 0; i < PTD_COUNT(s->msg); i++) {
        struct ptd_msg *own = ptd_msg_new_nonce(PTD_MSG_PING, i);
        enum ptd_err e;

        while ((e = ptd_conn_add(s->conn, s->msg[i], &rig_codec, &n)) ==
               PTD_EFULL)
            PTD_ASSERT(ptd_conn_flush(s->conn, 0) == PTD_OK);
        PTD_ASSERT(e == PTD_OK);
        while ((e = ptd_conn_add(s->conn, own, &rig_codec, &n)) == PTD_EFULL)
            PTD_ASSERT(ptd_conn_flush(s->conn, 0) == PTD_OK);
        PTD_ASSERT(e == PTD_OK);
        ptd_msg_free(own);
    }
    PTD_ASSERT(ptd_conn_flush(s->conn, 0) == PTD_OK);
}

static void next_frame(struct ptd_conn *c, struct ptd_frame *f)
{
    enum ptd_err e;
    size_t n;

    while ((e = ptd_conn_next(c, f)) == PTD_EAGAIN)
        ck_assert_int_eq(ptd_conn_recv(c, 0, &n), PTD_OK);
    ck_assert_int_eq(e, PTD_OK);
    ck_assert_int_eq(f->err, PTD_OK);
}

START_TEST(a_carrier_may_change_every_byte)
{
    struct ptd_thread t = { .started = false };
    struct side s = { .conn = NULL };
    struct ptd_conn *b;
    struct ptd_frame f;
    int fd[2];

    rig_tcp_pair(fd);
    s.conn = new_conn(fd[0], 40);
    b = new_conn(fd[1], 77);
    ck_assert_str_eq(ptd_conn_transport(b), "scrambled");
    for (size_t i = 0; i < PTD_COUNT(s.msg); i++)
        s.msg[i] = new_filter(filter_bytes[i]);
    /* Half of them shared: those are encoded once, then copied. */
    for (size_t i = 0; i < PTD_COUNT(s.msg); i += 2)
        (void)ptd_msg_ref(s.msg[i]);
    ck_assert_int_eq(ptd_thread_start(&t, NULL, "talk", talk, &s), PTD_OK);
    ck_assert_int_eq(ptd_conn_handshake(b), PTD_OK);
    for (size_t i = 0; i < PTD_COUNT(s.msg); i++) {
        uint8_t *want = malloc(filter_bytes[i]);

        next_frame(b, &f);
        ck_assert_int_eq(f.type, PTD_MSG_CFILTER);
        ck_assert_uint_ge(f.n, filter_bytes[i]);
        rig_pattern(want, filter_bytes[i], (unsigned)filter_bytes[i]);
        ck_assert(memcmp(f.payload + f.n - filter_bytes[i], want,
                         filter_bytes[i]) == 0);
        free(want);
        next_frame(b, &f);
        ck_assert_int_eq(f.type, PTD_MSG_PING);
        ck_assert_uint_eq(ptd_get_le64(f.payload), i);
    }
    ptd_thread_join(&t);
    for (size_t i = 0; i < PTD_COUNT(s.msg); i++) {
        if (i % 2 == 0)
            ptd_msg_free(s.msg[i]);
        ptd_msg_free(s.msg[i]);
    }
    ptd_conn_free(s.conn);
    ptd_conn_free(b);
}
END_TEST

TCase *carrier_case(void)
{
    TCase *tc = tcase_create("carrier");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_carrier_may_change_every_byte);
    return tc;
}
