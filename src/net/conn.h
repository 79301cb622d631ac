/* conn.h - one connection: a socket and the carrier that frames its bytes.
 *
 * The carrier hides whether bytes go in clear (v1) or encrypted (v2, later):
 * whoever uses a conn sees frames come out of received bytes and messages go
 * in. Reading and writing are separate halves: one thread reads (the peer's
 * in), one at a time writes (whoever holds the peer's token).
 *
 * Owner    the peer; ptd_conn_free() after all its threads are gone
 * Threads  reading half: one thread; writing half: one at a time; shutdown,
 *          counters: any
 * Blocks   recv and flush, as their flags say, in the system call alone
 */
#ifndef PTD_NET_CONN_H
#define PTD_NET_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/wire.h"
#include "wire/encoded.h"

struct ptd_conn;

/* What a connection is made with. */
struct ptd_conn_config {
    uint8_t magic[4];        /* of the network, wire order */
    struct ptd_mem *mem;     /* large buffers; NULL: malloc */
    uint32_t max_payload;    /* as ptd_conn_set_max_payload() */
};

enum {
    /* A payload may be longer than its command's largest one by so much: newer
     * versions append fields, and bytes left over are accepted (a buffer of
     * this size is what a busy connection has anyway). */
    PTD_FRAME_SLACK = 65536
};

/* The largest payload that is taken in for a known command, in bytes: its
 * largest one in any version and PTD_FRAME_SLACK, at most PTD_MAX_PAYLOAD. */
uint32_t ptd_frame_limit(enum ptd_msg_type type);

/* One frame cut from what was received. */
struct ptd_frame {
    enum ptd_msg_type type;
    char command[PTD_COMMAND_BYTES + 1]; /* printable; for unknown ones too */
    const uint8_t *payload; /* contiguous; valid to the next ptd_conn_recv();
                             * NULL for an unknown command, whose payload is
                             * thrown away as it comes (its checksum counts) */
    size_t n;
    struct ptd_buf *buf; /* not NULL: payload lies in it, large enough to be
                          * worth a reference (ptd_msg_decode_from) */
    uint32_t wire_bytes; /* with header or packet overhead */
    enum ptd_err err;    /* PTD_OK; PTD_ECHECKSUM, PTD_ECOMMAND, PTD_ETOOBIG
                          * (above ptd_frame_limit()): the frame was skipped,
                          * the stream goes on; payload is NULL */
    uint8_t want[4];     /* PTD_ECHECKSUM: what the header said … */
    uint8_t got[4];      /* … and what the payload has */
};

/* Take a connected socket; made blocking, TCP_NODELAY set. fd is taken on
 * success only. v1 carrier.
 *
 * Returns  PTD_OK, PTD_ENOMEM, PTD_EIO
 */
PTD_MUST_USE enum ptd_err ptd_conn_new(struct ptd_conn **out, int fd,
                                       const struct ptd_conn_config *cfg);

/* Close the socket, free. Takes NULL. */
void ptd_conn_free(struct ptd_conn *c PTD_TAKES);

/* shutdown(2) both ways: wakes a blocked recv or flush. Any thread. */
void ptd_conn_shutdown(struct ptd_conn *c);

/* The descriptor, for poll(2) and getsockname(2). */
int ptd_conn_fd(const struct ptd_conn *c);

/* "v1"; later "v2" or "detecting": getpeerinfo's transport_protocol_type. */
const char *ptd_conn_transport(const struct ptd_conn *c);

/* Do the carrier's own handshake, before anything else is read or written (v1
 * has none: PTD_OK at once).
 *
 * Returns  PTD_OK; PTD_EPROTO, PTD_EEOF, PTD_EIO, PTD_ENOMEM
 * Blocks   until the other side has answered; ptd_conn_shutdown() ends it
 * Thread   the reading half's, while no other writes
 */
PTD_MUST_USE enum ptd_err ptd_conn_handshake(struct ptd_conn *c);

/* ---- reading half ---------------------------------------------------- */

/* One recv(2) into the buffer, which grows as bytes arrive.
 *
 * flags    0 or MSG_DONTWAIT
 * n        bytes received
 * Returns  PTD_OK; PTD_EEOF; PTD_EIO (errno tells); PTD_EAGAIN (MSG_DONTWAIT);
 *          PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err ptd_conn_recv(struct ptd_conn *c, int flags,
                                        size_t *n);

/* Cut the next frame.
 *
 * Returns  PTD_OK: f is filled in (see f->err); PTD_EAGAIN: receive more first;
 *          PTD_EMAGIC, PTD_ETOOBIG (above max_payload): the stream is lost, why
 *          in *f (command, n, got holds the wrong magic)
 */
PTD_MUST_USE enum ptd_err ptd_conn_next(struct ptd_conn *c,
                                        struct ptd_frame *f);

/* Take in payloads of at most n bytes from the next header on; 0:
 * PTD_MAX_PAYLOAD. */
void ptd_conn_set_max_payload(struct ptd_conn *c, uint32_t n);

/* Bytes received and not yet cut; for the receive limit. */
size_t ptd_conn_buffered(const struct ptd_conn *c);

/* True while part of a frame has been received: its rest is awaited. */
bool ptd_conn_in_frame(const struct ptd_conn *c);

/* Bytes received in all, partial frames too. Any thread. */
uint64_t ptd_conn_bytes_recv(const struct ptd_conn *c);

/* ---- writing half ---------------------------------------------------- */

/* Put a message into the batch that the next flush writes. The message is
 * borrowed: what the batch needs of it is encoded or referenced.
 *
 * wire_bytes  bytes that it takes on the wire
 * Returns  PTD_OK; PTD_EFULL: flush first (never on an empty batch); what
 *          ptd_msg_encode() says; PTD_ENOMEM. After an error other than EFULL
 *          the batch is as before.
 */
PTD_MUST_USE enum ptd_err ptd_conn_add(struct ptd_conn *c, struct ptd_msg *m,
                                       const struct ptd_codec *cx,
                                       size_t *wire_bytes);

/* Write the batch; gathers all in as few system calls as possible.
 *
 * flags    0: block until all is written; MSG_DONTWAIT: one try
 * Returns  PTD_OK: all written, the batch is empty; PTD_EAGAIN (MSG_DONTWAIT):
 *          a part is left, a later flush goes on with it; PTD_EIO, PTD_EEOF:
 *          the connection is lost, the batch is dropped
 */
PTD_MUST_USE enum ptd_err ptd_conn_flush(struct ptd_conn *c, int flags);

/* Let go of buffers that only a busy writer needs. */
void ptd_conn_writer_idle(struct ptd_conn *c);

/* Bytes given to the system in all. Any thread. */
uint64_t ptd_conn_bytes_sent(const struct ptd_conn *c);

/* A number that grows by each byte that the other side's system takes, also
 * while a flush is blocked; where the system does not tell, by each that ours
 * does. Any thread. */
uint64_t ptd_conn_bytes_acked(const struct ptd_conn *c);

#endif /* PTD_NET_CONN_H */
