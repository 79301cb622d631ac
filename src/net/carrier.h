/* carrier.h - what lies between messages and the bytes of a connection.
 *
 * A carrier cuts frames out of received bytes and puts the envelope around
 * messages that are written. It does no I/O and holds no buffers: it works in
 * place, in the receive buffer and in the batch. v1 sends payloads as they
 * are, so that one encoded form serves all peers; a carrier that encrypts has
 * by_reference false, gets a copy of the payload and seals it where it lies.
 *
 * The reading functions run on the reading half's thread, the writing ones on
 * the writing half's, at the same time: a carrier keeps their states apart.
 */
#ifndef PTD_NET_CARRIER_H
#define PTD_NET_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/batch.h"
#include "net/conn.h"
#include "net/rxbuf.h"
#include "pentad/attr.h"
#include "pentad/err.h"

struct ptd_carrier;

struct ptd_carrier_ops {
    const char *name; /* "v1" */

    /* Do the carrier's own handshake, as far as the received bytes allow;
     * NULL if it has none. Puts what it has to say into the batch. May replace
     * *cr by another carrier (and free itself).
     *
     * Returns  PTD_OK: done, frames may follow; PTD_EAGAIN: receive more (what
     *          is in the batch is written first); otherwise the connection is
     *          of no use
     */
    enum ptd_err (*handshake)(struct ptd_carrier **cr, struct ptd_rxbuf *rx,
                              struct ptd_batch *batch);

    /* Cut the next frame: ptd_conn_next(). Never moves bytes; tells in
     * rx->need how many the frame at the front has, once it knows. */
    enum ptd_err (*next)(struct ptd_carrier *cr, struct ptd_rxbuf *rx,
                         struct ptd_frame *f);

    /* Payloads above n are refused from the next header on. */
    void (*set_max_payload)(struct ptd_carrier *cr, uint32_t n);

    /* Bytes in front of and behind the payload of a message. */
    size_t (*head_bytes)(const struct ptd_carrier *cr, const char *command);
    size_t tail_bytes;

    /* Turn head, payload, tail, which lie together at frame, into what goes
     * over the wire; n is the payload's size. Calls come in the order in which
     * the frames are written. */
    void (*seal)(struct ptd_carrier *cr, const char *command, uint8_t *frame,
                 size_t n);

    /* Write only the head of an encoded form, whose payload follows from where
     * it lies; NULL if the carrier changes payloads. */
    void (*seal_head)(struct ptd_carrier *cr, uint8_t *head,
                      struct ptd_encoded *e);

    void (*free)(struct ptd_carrier *cr PTD_TAKES);
};

/* A carrier's struct begins with it. */
struct ptd_carrier {
    const struct ptd_carrier_ops *ops;
};

/* Carriers. NULL for lack of memory. */
PTD_MUST_USE struct ptd_carrier *
ptd_carrier_v1_new(const struct ptd_conn_config *cfg);

/* ptd_conn_new() with a carrier of the caller's, taken on success only. */
PTD_MUST_USE enum ptd_err ptd_conn_new_with(struct ptd_conn **out, int fd,
                                            const struct ptd_conn_config *cfg,
                                            struct ptd_carrier *cr);

#endif /* PTD_NET_CARRIER_H */
