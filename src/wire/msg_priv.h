/* msg_priv.h - what a message owns: memory, the received bytes, encoded forms.
 *
 * A small message is one piece of memory: this struct, the message's own
 * struct, and the room that its lists were guessed to need. What does not fit
 * there goes into further pieces, and all of them go with the last reference.
 *
 * Threads  members above the line: the maker's, until the message is shared;
 *          below it: any
 */
#ifndef PTD_WIRE_MSG_PRIV_H
#define PTD_WIRE_MSG_PRIV_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/ref.h"
#include "pentad/msg.h"
#include "wire/codec.h"

struct ptd_buf;
struct ptd_encoded;

/* Layouts of one message that are cached at most. */
enum { PTD_MSG_N_CACHED = 2 };

/* A further piece of memory; what was allocated lies behind it. */
struct ptd_msg_piece {
    _Alignas(PTD_MSG_ALIGN) struct ptd_msg_piece *next;
    size_t bytes; /* with this struct */
};

struct ptd_msg_priv {
    struct ptd_mem *mem;          /* where pieces come from; NULL: malloc */
    uint8_t *free;                /* room left in the newest piece */
    uint8_t *end;                 /* behind that room */
    struct ptd_msg_piece *pieces; /* all but the first, newest first */
    size_t first_bytes;           /* of the piece that this struct begins */
    size_t piece_bytes;           /* of all pieces */
    struct ptd_buf *buf;          /* holds the bytes that views refer to */
    struct ptd_bytes received;    /* in buf: the only encoding, in the layout
                                     below; empty: made anew when needed */
    uint32_t received_layout;
    uint32_t trailing_bytes; /* left over behind the message */
    /* ------ */
    struct ptd_ref ref;
    _Atomic uint64_t checksum_v1; /* of received; as in struct ptd_encoded */
    struct ptd_encoded *_Atomic cached[PTD_MSG_N_CACHED]; /* NULL, then set
                                                             for good */
};

/* Give an empty message with room for extra bytes of lists in its first piece;
 * NULL for lack of memory. */
PTD_MUST_USE struct ptd_msg *ptd_msg_make(enum ptd_msg_type type,
                                          const struct ptd_codec_entry *entry,
                                          size_t extra, struct ptd_mem *mem);

/* Memory from mem, or from malloc if that is NULL. */
PTD_MUST_USE void *ptd_wire_take(struct ptd_mem *mem, size_t bytes);
void ptd_wire_give(struct ptd_mem *mem, void *p, size_t bytes);

#endif /* PTD_WIRE_MSG_PRIV_H */
