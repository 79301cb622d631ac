/* The out thread writes what it is handed, blocking on the socket alone. */
#include <config.h>

#include "peer/peer_int.h"

#include <sys/socket.h>

#include "base/util.h"

/* Messages of one flush, with their bytes on the wire. */
enum { PER_FLUSH = 128 };

struct flush {
    size_t first, n;          /* of batch */
    size_t bytes[PER_FLUSH];  /* 0: could not be encoded, already dropped */
};

/* Put as many of the batch into conn as go into one flush. */
static void gather(struct ptd_peer *p, struct flush *f)
{
    for (; f->first + f->n < p->batch.n && f->n < PER_FLUSH; f->n++) {
        struct outmsg *m = &p->batch.v[f->first + f->n];
        struct ptd_codec cx = ptd_send_codec(p, m);
        enum ptd_err e = ptd_conn_add(p->conn, m->msg, &cx, &f->bytes[f->n]);

        if (e == PTD_EFULL)
            break;
        if (e == PTD_OK) {
            ptd_note_sending(p, m->msg, &cx);
            continue;
        }
        ptd_note_not_encoded(p, m->msg, e);
        f->bytes[f->n] = 0;
        ptd_note_sent(p, m->msg, 0, e);
        ptd_outmsg_finish(p, m, e);
    }
}

/* Most writes fit into the socket's buffer; only one that does not needs a
 * deadline. */
static enum ptd_err write_out(struct ptd_peer *p)
{
    enum ptd_err e = ptd_conn_flush(p->conn, MSG_DONTWAIT);

    if (e == PTD_EAGAIN) {
        int64_t now = ptd_clock_now_us(p->clk);

        atomic_store(&p->write_acked, ptd_conn_bytes_acked(p->conn));
        atomic_store(&p->write_since_us, now);
        if (p->cfg.write_us > 0)
            ptd_stall_nudge(p, now + p->cfg.write_us);
        e = ptd_conn_flush(p->conn, 0);
        atomic_store(&p->write_since_us, 0);
    }
    return e;
}

static void finish(struct ptd_peer *p, const struct flush *f, enum ptd_err err)
{
    for (size_t i = 0; i < f->n; i++) {
        struct outmsg *m = &p->batch.v[f->first + i];

        if (m->msg == NULL)
            continue; /* could not be encoded */
        ptd_note_sent(p, m->msg, f->bytes[i], err);
        ptd_outmsg_finish(p, m, err == PTD_OK ? PTD_OK : PTD_ECLOSED);
    }
}

static void drop_rest(struct ptd_peer *p, size_t from)
{
    for (size_t i = from; i < p->batch.n; i++)
        ptd_outmsg_finish(p, &p->batch.v[i], PTD_ECLOSED);
    p->batch.n = 0;
}

/* Where a caller's direct write stopped, its one message is in conn already. */
static void write_batch(struct ptd_peer *p)
{
    struct flush f = { .n = p->n_added };

    if (f.n > 0)
        f.bytes[0] = p->added_bytes;
    p->n_added = 0;
    while (f.first < p->batch.n) {
        enum ptd_err e;

        gather(p, &f);
        e = write_out(p);
        finish(p, &f, e);
        f.first += f.n;
        f.n = 0;
        if (e != PTD_OK) {
            ptd_peer_disconnect(p, e, "write failed: %s", ptd_err_text(e));
            drop_rest(p, f.first);
            return;
        }
        atomic_store_explicit(&p->last_send_us, ptd_clock_now_us(p->clk),
                              memory_order_relaxed);
    }
    p->batch.n = 0;
    ptd_conn_writer_idle(p->conn);
}

void ptd_peer_out_main(void *peer)
{
    struct ptd_peer *p = peer;

    for (;;) {
        enum { SEND, QUIT, N };
        struct ptd_case on[N] = {
            [SEND] = PTD_RECV(p->send_q, NULL),
            [QUIT] = PTD_RECV(p->quit, NULL),
        };
        int got = ptd_select(on, N, p->clk, PTD_NEVER);
        bool is_over = peer_is_stopping(p) || got == QUIT;

        if (got == SEND && is_over)
            ptd_outlist_drop(p, &p->batch, PTD_ECLOSED);
        if (is_over)
            break;
        write_batch(p);
        ptd_token_give_back(p);
    }
    ptd_chan_close(p->send_q);
    if (ptd_chan_try_recv(p->send_q, NULL) == PTD_OK)
        ptd_outlist_drop(p, &p->batch, PTD_ECLOSED);
    ptd_peer_leave(p);
}
