/* rxbuf.h - the receive buffer: what was read and not yet cut into frames.
 *
 * Contiguous, so that a frame is never copied together. Small while a peer is
 * idle; larger while it sends much; as large as the frame it waits for. Memory
 * follows the bytes that arrived, not those that a header promises, except
 * where the pool says that it has plenty.
 *
 * A large frame may be referenced by the message that was decoded from it:
 * such a buffer is left to that message, and only the bytes behind it move.
 *
 * Threads  the reading half's; any may drop a reference to a buffer
 */
#ifndef PTD_NET_RXBUF_H
#define PTD_NET_RXBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "pentad/attr.h"
#include "pentad/err.h"

/* Capacities, such that the buffer with its head is a round number. */
#define PTD_RXBUF_SMALL ((size_t)2048 - 16 - sizeof(struct ptd_buf))
#define PTD_RXBUF_STREAM ((size_t)65536 - sizeof(struct ptd_buf))

struct ptd_rxbuf {
    struct ptd_mem *mem; /* set once; NULL: malloc */
    struct ptd_buf *buf; /* NULL before the first byte */
    size_t head;         /* first byte not yet cut */
    size_t tail;         /* behind the last byte received */
    size_t need;  /* bytes of the frame at head, overhead included, as far as
                   * its carrier knows; 0: it does not */
    size_t last;  /* bytes of the last receive */
    bool filled;  /* the last receive took all the room there was */
    bool skipping; /* a frame that is thrown away goes on in what comes */
};

void ptd_rxbuf_init(struct ptd_rxbuf *rx, struct ptd_mem *mem)
    PTD_NONNULL(1);
void ptd_rxbuf_fini(struct ptd_rxbuf *rx) PTD_NONNULL(1);

/* Make room for what comes next.
 *
 * at, room  where to receive to, how much at most (> 0)
 * Returns   PTD_OK, PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_rxbuf_prepare(struct ptd_rxbuf *rx, uint8_t **at,
                                            size_t *room) PTD_NONNULL(1, 2, 3);

/* n bytes were received to where prepare said; room is what it said. */
void ptd_rxbuf_received(struct ptd_rxbuf *rx, size_t n, size_t room)
    PTD_NONNULL(1);

static inline size_t ptd_rxbuf_len(const struct ptd_rxbuf *rx)
{
    return rx->tail - rx->head;
}

/* The first byte not yet cut; only where the length is not 0. */
static inline uint8_t *ptd_rxbuf_at(const struct ptd_rxbuf *rx)
{
    return rx->buf->data + rx->head;
}

/* Cut n bytes off the front: the frame there is done. They stay readable up to
 * the next prepare. */
static inline void ptd_rxbuf_cut(struct ptd_rxbuf *rx, size_t n)
{
    rx->head += n;
    rx->need = 0;
}

#endif /* PTD_NET_RXBUF_H */
