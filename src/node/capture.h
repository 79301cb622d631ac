/* capture.h - every message to and from peers, in files.
 *
 * DIR/ADDRESS_PORT/msgs_recv.dat and msgs_sent.dat, where colons of the address
 * are underscores; a record is
 *
 *     8  time in microseconds since 1970      4  payload bytes
 *    12  message type, padded with zeros      n  payload
 *
 * with integers in little-endian order. A file is open for the time of one
 * record only: as many descriptors as threads that write at that moment.
 *
 * Threads  any; records of one file by one thread at a time
 * Locks    none
 * Source   Bitcoin Core's -capturemessages
 */
#ifndef PTD_NODE_CAPTURE_H
#define PTD_NODE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/msg.h"
#include "pentad/netaddr.h"

struct ptd_capture;
struct ptd_clock;
struct ptd_peer;

enum ptd_capture_way { PTD_CAPTURE_RECV, PTD_CAPTURE_SENT };

/* Capture below a directory, which is made (its parent exists).
 *
 * clk      of the time stamps; outlives the capture
 * Returns  PTD_OK; PTD_ENOMEM; PTD_EIO: errno says why
 */
PTD_MUST_USE enum ptd_err
ptd_capture_new(struct ptd_capture **out, const char *dir,
                struct ptd_clock *clk) PTD_NONNULL(1, 2);
void ptd_capture_free(struct ptd_capture *c PTD_TAKES);

/* Write one record; what cannot be written is logged and lost. */
void ptd_capture_bytes(struct ptd_capture *c, const struct ptd_netaddr *addr,
                       enum ptd_capture_way way, const char *command,
                       const uint8_t *payload, size_t n) PTD_NONNULL(1, 2, 4);

/* The same for a message of a peer, in the encoding that peers of that
 * version get; for the hooks on_read and on_write. */
void ptd_capture_msg(struct ptd_capture *c, struct ptd_peer *p,
                     enum ptd_capture_way way, struct ptd_msg *m)
    PTD_NONNULL(1, 2, 4);

#endif /* PTD_NODE_CAPTURE_H */
