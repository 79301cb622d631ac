#include <config.h>

#include "net/rxbuf.h"

#include <string.h>

#include "base/util.h"
#include "net/bufpool.h"

void ptd_rxbuf_init(struct ptd_rxbuf *rx, struct ptd_mem *mem)
{
    *rx = (struct ptd_rxbuf){ .mem = mem };
}

void ptd_rxbuf_fini(struct ptd_rxbuf *rx)
{
    ptd_buf_free(rx->buf);
    *rx = (struct ptd_rxbuf){ 0 };
}

static bool is_shared(const struct ptd_rxbuf *rx)
{
    return !ptd_ref_is_last(&rx->buf->ref);
}

/* Go on in a buffer of cap bytes with what is not yet cut. */
static enum ptd_err move_to(struct ptd_rxbuf *rx, size_t cap)
{
    size_t n = ptd_rxbuf_len(rx);
    struct ptd_mem *mem = cap > PTD_RXBUF_SMALL ? rx->mem : NULL;
    struct ptd_buf *fresh = ptd_buf_new(mem, cap);

    if (fresh == NULL)
        return PTD_ENOMEM;
    if (n > 0)
        memcpy(fresh->data, ptd_rxbuf_at(rx), n);
    ptd_buf_free(rx->buf);
    rx->buf = fresh;
    rx->head = 0;
    rx->tail = n;
    return PTD_OK;
}

/* All that came was cut. Much came at once: more is likely to follow. Else the
 * peer rests, and so do we, in little memory. */
static enum ptd_err start_empty(struct ptd_rxbuf *rx)
{
    bool busy = rx->filled || rx->last >= PTD_RXBUF_SMALL;
    size_t cap = busy ? PTD_RXBUF_STREAM : PTD_RXBUF_SMALL;

    rx->head = rx->tail = 0;
    if (rx->buf != NULL && rx->buf->cap == cap && !is_shared(rx))
        return PTD_OK;
    return move_to(rx, cap);
}

/* The capacity for what is there and what is to come. */
static size_t cap_for_more(const struct ptd_rxbuf *rx)
{
    size_t n = ptd_rxbuf_len(rx);

    if (rx->need > PTD_RXBUF_STREAM && rx->need > n) {
        if (ptd_bufpool_is_roomy(rx->mem, rx->need + sizeof(struct ptd_buf)))
            return rx->need;
        /* At most twice what has arrived: a header alone buys no memory. */
        return PTD_MIN(rx->need, PTD_MAX(PTD_RXBUF_STREAM, 2 * n));
    }
    if (rx->need <= PTD_RXBUF_SMALL && n <= PTD_RXBUF_SMALL / 2)
        return PTD_RXBUF_SMALL;
    if (n <= PTD_RXBUF_STREAM / 2 || (rx->need > n))
        return PTD_RXBUF_STREAM;
    return 2 * n; /* received ahead of a reader that is not cutting */
}

static enum ptd_err make_room(struct ptd_rxbuf *rx)
{
    size_t n = ptd_rxbuf_len(rx);
    size_t cap = PTD_MAX(cap_for_more(rx), rx->filled ? PTD_RXBUF_STREAM : 0);

    if (cap > rx->buf->cap || is_shared(rx))
        return move_to(rx, cap);
    memmove(rx->buf->data, ptd_rxbuf_at(rx), n);
    rx->head = 0;
    rx->tail = n;
    return PTD_OK;
}

enum ptd_err ptd_rxbuf_prepare(struct ptd_rxbuf *rx, uint8_t **at,
                               size_t *room)
{
    size_t n = ptd_rxbuf_len(rx);
    enum ptd_err e = PTD_OK;

    if (n == 0)
        e = start_empty(rx);
    else if (rx->tail == rx->buf->cap ||
             PTD_MAX(rx->need, n + 1) > rx->buf->cap - rx->head)
        e = make_room(rx);
    if (e != PTD_OK)
        return e;
    *at = rx->buf->data + rx->tail;
    *room = rx->buf->cap - rx->tail;
    PTD_ASSERT(*room > 0);
    return PTD_OK;
}

void ptd_rxbuf_received(struct ptd_rxbuf *rx, size_t n, size_t room)
{
    rx->tail += n;
    rx->last = n;
    rx->filled = n == room;
    /* A buffer made for one large frame was filled by it: that says nothing
     * of what follows. */
    if (rx->buf->cap > PTD_RXBUF_STREAM) {
        rx->last = 0;
        rx->filled = false;
    }
}
