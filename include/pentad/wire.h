/* wire.h - encoding and decoding of messages.
 *
 * Total over all inputs: whatever bytes come in, a decoder ends with a message
 * or an error, never reads outside them, and allocates in proportion to them
 * (each count is held against its limit and against the bytes left first).
 *
 * Threads  any
 * Source   Bitcoin protocol documentation; BIPs 14 31 35 37 61 130 133 144 152
 *          155 157 330 339 434
 */
#ifndef PTD_WIRE_H
#define PTD_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/msg.h"

PTD_BEGIN_DECLS

/* How transactions inside a message are laid out. */
enum ptd_encoding {
    PTD_ENC_BASE,   /* without witness */
    PTD_ENC_WITNESS /* BIP 144 */
};

/* What both sides agreed on. */
struct ptd_codec {
    uint32_t pver;              /* protocol version */
    enum ptd_encoding encoding;
    bool strict; /* decoding: bytes left over are PTD_ETRAILING, a count of
                    transactions behind a header PTD_EBADVALUE */
};

/* What went wrong: which command, which field, which limit. */
struct ptd_wire_error {
    enum ptd_err err;
    const char *command; /* static; "" if none */
    const char *field;   /* static; "" if none */
    uint64_t got;
    uint64_t limit; /* 0 if the error has none */
};

/* One line: "inv: count 50001 above its limit 50000". Gives out. */
PTD_API const char *ptd_wire_error_text(const struct ptd_wire_error *e,
                                        char *out, size_t cap)
    PTD_NONNULL(1, 2);

/* The largest payload that a command may have in this version, in bytes; never
 * above PTD_MAX_PAYLOAD. 0: the command has none, or none in this version (a
 * longer payload is left-over bytes, see ptd_frame_limit in net). */
PTD_API uint32_t ptd_msg_max_payload(enum ptd_msg_type type, uint32_t pver);

/* Decode a payload of n bytes.
 *
 * out      a message with one reference
 * why      NULL, or told what went wrong
 * Returns  PTD_OK; PTD_ESHORT, PTD_ETOOBIG, PTD_ENONCANON, PTD_EBADVALUE,
 *          PTD_EVERSION, PTD_ENOMEM; PTD_EUNKNOWN; strict: PTD_ETRAILING
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_msg_decode(struct ptd_msg **out, enum ptd_msg_type type,
               const uint8_t *payload, size_t n, const struct ptd_codec *cx,
               struct ptd_wire_error *why) PTD_NONNULL(1, 5);

/* Bytes of the payload, or 0 with *err set when it cannot be encoded. */
PTD_API size_t ptd_msg_encoded_bytes(const struct ptd_msg *m,
                                     const struct ptd_codec *cx,
                                     enum ptd_err *err) PTD_NONNULL(1, 2, 3);

/* Encode the payload into out.
 *
 * n        bytes written
 * Returns  PTD_OK; PTD_EFULL if cap is too small; PTD_ETOOBIG, PTD_EBADVALUE,
 *          PTD_EVERSION when the message breaks a rule of the protocol
 */
PTD_API PTD_MUST_USE enum ptd_err
ptd_msg_encode(const struct ptd_msg *m, uint8_t *out, size_t cap, size_t *n,
               const struct ptd_codec *cx) PTD_NONNULL(1, 4, 5);

/* ---- the v1 envelope -------------------------------------------------- */

enum { PTD_V1_HEADER_BYTES = 24 };

/* magic, command, length, checksum as on the wire. */
struct ptd_v1_header {
    uint8_t magic[4];
    char command[PTD_COMMAND_BYTES + 1]; /* NUL-terminated */
    uint32_t length;                     /* payload bytes */
    uint8_t checksum[4];
};

/* Encode and decode the 24 bytes.
 *
 * magic    of the network, 4 bytes in wire order
 * Returns  decode: PTD_OK; PTD_EMAGIC; PTD_ECOMMAND (a byte that is not
 *          printable, or a character after the padding); PTD_ETOOBIG (length
 *          above PTD_MAX_PAYLOAD). The header is filled in any case.
 */
PTD_API void ptd_v1_header_encode(const struct ptd_v1_header *h,
                                  uint8_t out[24]) PTD_NONNULL(1, 2);
PTD_API PTD_MUST_USE enum ptd_err
ptd_v1_header_decode(struct ptd_v1_header *h, const uint8_t in[24],
                     const uint8_t magic[4]) PTD_NONNULL(1, 2, 3);

/* First four bytes of the double SHA-256. */
PTD_API void ptd_v1_checksum(const void *payload, size_t n, uint8_t out[4]);

PTD_END_DECLS

#endif /* PTD_WIRE_H */
