/* codec.h - what each message brings to the registry: how to read and write it.
 *
 * One object per struct of msg.h (its suffix in PTD_MSG_TYPES names it), in
 * msg_<family>.c. Commands that share a struct share the object and look at
 * msg->type where they differ. registry.c binds commands to objects and says
 * from which protocol version on a command exists.
 *
 * To add a message: a line in PTD_MSG_TYPES, its struct in msg.h, an object
 * ptd_codec_<suffix>, a line in registry.c if it has a first version, and its
 * line in the table of type_of.c.
 *
 * Threads  any; the objects are constant
 */
#ifndef PTD_WIRE_CODEC_H
#define PTD_WIRE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/msg.h"
#include "pentad/wire.h"
#include "wire/reader.h"
#include "wire/writer.h"

struct ptd_codec_ops {
    /* Views (struct ptd_bytes) into the payload are kept in the message: the
     * bytes under the reader then live as long as the message. Without this
     * flag the payload is gone after decode(). */
    bool has_views;

    /* A payload that decodes is the only encoding of what it says, so it may be
     * sent on as it came (not so where a field can be left out, or entries are
     * ignored). */
    bool has_one_form;

    /* Fill *m (zeroed, its head set) from r. Lists come from
     * ptd_msg_alloc_raw(m, …), in proportion to what was counted by
     * ptd_read_count(); lack of memory is reported with ptd_reader_fail(r,
     * PTD_ENOMEM, field, 0, 0). Errors are left in r. May be NULL (no fields).
     */
    void (*decode)(struct ptd_msg *m, struct ptd_reader *r,
                   const struct ptd_codec *cx);

    /* Write *m to w, which may only count. Errors are left in w. May be NULL
     * (no fields). */
    void (*encode)(const struct ptd_msg *m, struct ptd_writer *w,
                   const struct ptd_codec *cx);

    /* The largest payload in bytes; the caller cuts it to PTD_MAX_PAYLOAD.
     * NULL: none. */
    uint32_t (*max_payload)(enum ptd_msg_type type, uint32_t pver);

    /* A small number, the same for two codecs that lay the message out alike:
     * the key of the cached encoded form. NULL: there is one layout. */
    uint32_t (*layout)(enum ptd_msg_type type, const struct ptd_codec *cx);

    /* About how many bytes of lists a payload of n bytes becomes: reserved in
     * the message's first piece of memory, so that a small message takes one
     * malloc. A guess below the truth costs a second one. NULL: none. */
    size_t (*list_bytes)(enum ptd_msg_type type, size_t n);

    /* Set the fields that are not zero in a new message. NULL: none. */
    void (*init)(struct ptd_msg *m);
};

/* As ptd_msg_alloc(), not zeroed: for lists that the decoder fills whole, or
 * fails. */
PTD_MUST_USE void *ptd_msg_alloc_raw(struct ptd_msg *m, size_t n, size_t size)
    PTD_NONNULL(1);

/* Make the allocations that follow come out of one piece of memory, if they
 * are of `bytes` bytes together (each rounded up to PTD_MSG_ALIGN). Returns
 * false for lack of memory. */
enum { PTD_MSG_ALIGN = 16 };
PTD_MUST_USE bool ptd_msg_reserve(struct ptd_msg *m, size_t bytes)
    PTD_NONNULL(1);

/* The struct of a message from its head, const or not: the head is its first
 * member. Usage: const struct ptd_msg_inv *inv = PTD_MSG_CONST(inv, m). */
#define PTD_MSG_AS(suffix, m) ((struct ptd_msg_##suffix *)(void *)(m))
#define PTD_MSG_CONST(suffix, m)                                               \
    ((const struct ptd_msg_##suffix *)(const void *)(m))

extern const struct ptd_codec_ops ptd_codec_version;
extern const struct ptd_codec_ops ptd_codec_empty;
extern const struct ptd_codec_ops ptd_codec_addr;
extern const struct ptd_codec_ops ptd_codec_inv;
extern const struct ptd_codec_ops ptd_codec_locator;
extern const struct ptd_codec_ops ptd_codec_headers;
extern const struct ptd_codec_ops ptd_codec_block;
extern const struct ptd_codec_ops ptd_codec_tx;
extern const struct ptd_codec_ops ptd_codec_nonce;
extern const struct ptd_codec_ops ptd_codec_alert;
extern const struct ptd_codec_ops ptd_codec_filteradd;
extern const struct ptd_codec_ops ptd_codec_filterload;
extern const struct ptd_codec_ops ptd_codec_merkleblock;
extern const struct ptd_codec_ops ptd_codec_reject;
extern const struct ptd_codec_ops ptd_codec_feefilter;
extern const struct ptd_codec_ops ptd_codec_getcf;
extern const struct ptd_codec_ops ptd_codec_cfilter;
extern const struct ptd_codec_ops ptd_codec_cfheaders;
extern const struct ptd_codec_ops ptd_codec_sendcmpct;
extern const struct ptd_codec_ops ptd_codec_cmpctblock;
extern const struct ptd_codec_ops ptd_codec_getblocktxn;
extern const struct ptd_codec_ops ptd_codec_blocktxn;
extern const struct ptd_codec_ops ptd_codec_sendtxrcncl;
extern const struct ptd_codec_ops ptd_codec_feature;
extern const struct ptd_codec_ops ptd_codec_raw; /* PTD_MSG_UNKNOWN: only sent */

/* What the registry knows of a command. */
struct ptd_codec_entry {
    const char *command;
    const struct ptd_codec_ops *ops;
    uint32_t struct_bytes; /* of its struct in msg.h */
};

/* The entry of a type; NULL for PTD_MSG_UNKNOWN and what is no type. */
const struct ptd_codec_entry *ptd_codec_entry(enum ptd_msg_type type);

/* The protocol version from which on a command exists, 0 for all: below it is
 * neither encoded nor decoded (PTD_EVERSION). */
uint32_t ptd_codec_first_pver(enum ptd_msg_type type);

#endif /* PTD_WIRE_CODEC_H */
