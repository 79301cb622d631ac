/* encoded.h - a message's encoded form, made once and shared.
 *
 * A block that goes to 1,000 peers is encoded once: the form is cached in the
 * message, by layout (two peers whose versions lay this message out alike
 * share it), and every writer holds a reference while it writes. A block that
 * was received and goes out in the layout it came in is not copied at all: its
 * form refers to the received bytes.
 *
 * A decoded message is not to be changed: it may be sent on as it came.
 */
#ifndef PTD_WIRE_ENCODED_H
#define PTD_WIRE_ENCODED_H

#include <stdatomic.h>

#include "base/mem.h"
#include "base/ref.h"
#include "pentad/wire.h"

struct ptd_buf;

struct ptd_encoded {
    struct ptd_ref ref;
    char command[PTD_COMMAND_BYTES + 1];
    uint32_t layout;        /* see ptd_codec_ops.layout */
    const uint8_t *payload; /* n bytes, immutable */
    size_t n;
    struct ptd_buf *buf;          /* holds payload; NULL: allocated behind */
    _Atomic uint64_t checksum_v1; /* bit 32 set: the low 32 bits are valid */
    struct ptd_mem *mem;
};

/* Give the encoded form with a reference of the caller's; encodes at the first
 * call for this layout. Any thread; never blocks on another (two that come at
 * once may both encode, one result stays).
 *
 * Returns  PTD_OK, PTD_ENOMEM, or what ptd_msg_encode() says
 */
PTD_MUST_USE enum ptd_err ptd_msg_encoded(struct ptd_msg *m,
                                          struct ptd_encoded **out,
                                          const struct ptd_codec *cx);
void ptd_encoded_free(struct ptd_encoded *e PTD_TAKES);

/* The v1 checksum, computed at the first call. */
void ptd_encoded_checksum(struct ptd_encoded *e, uint8_t out[4]);

/* Decode from a buffer that the message may refer to.
 *
 * buf      NULL, or holds the payload: types with views (block, tx, cmpctblock,
 *          blocktxn …) keep a reference to it instead of a copy, if the
 *          payload is at least PTD_REFER_BYTES and half the buffer: a small
 *          message does not pin a large buffer
 * mem      where the message's memory comes from (NULL: malloc)
 */
enum { PTD_REFER_BYTES = 1024 };
PTD_MUST_USE enum ptd_err
ptd_msg_decode_from(struct ptd_msg **out, enum ptd_msg_type type,
                    const uint8_t *payload, size_t n, struct ptd_buf *buf,
                    struct ptd_mem *mem, const struct ptd_codec *cx,
                    struct ptd_wire_error *why);

/* A message that is nothing but its payload, to be sent as it stands: a block
 * from a file. It was not decoded: its fields are empty (but for a block's
 * header, so that logs can name it), and it has this one layout only: the
 * caller queues it with cx's encoding.
 *
 * buf      holds the payload, n bytes from its begin; taken, on failure too
 * Returns  NULL for lack of memory
 */
PTD_MUST_USE struct ptd_msg *
ptd_msg_of_payload(enum ptd_msg_type type, struct ptd_buf *buf PTD_TAKES,
                   size_t n, const struct ptd_codec *cx);

/* Tell a decoded message its payload's v1 checksum, which the caller has
 * verified: sending it on as it came need not compute it again.
 *
 * Thread   the maker's, before the message is shared
 */
void ptd_msg_set_checksum(struct ptd_msg *m, const uint8_t sum[4]);

/* True if nobody but the caller holds the message: a writer then encodes it
 * straight into its own buffer instead of caching. */
bool ptd_msg_is_unshared(const struct ptd_msg *m);

/* Bytes of memory that the message holds, for budgets; with the forms that are
 * cached by now. */
size_t ptd_msg_memory_bytes(const struct ptd_msg *m);

/* Bytes that the message will hold in addition once its form for cx is cached:
 * few if that refers to the received bytes. 0 if there can be none. */
size_t ptd_msg_form_bytes(const struct ptd_msg *m, const struct ptd_codec *cx);

/* Bytes left over behind a decoded message (accepted unless strict). */
uint32_t ptd_msg_trailing_bytes(const struct ptd_msg *m);

#endif /* PTD_WIRE_ENCODED_H */
