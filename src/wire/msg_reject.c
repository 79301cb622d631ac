/* reject: BIP 61. */
#include <config.h>

#include "wire/codec.h"
#include "wire/own.h"

enum {
    MAX_BYTES = 1 + PTD_MAX_REJECT_COMMAND + 1 + 1 + PTD_MAX_REJECT_REASON + 32
};

/* BIP 61: a hash follows for block and tx. Some implementations leave it out,
 * which is taken. */
static bool may_have_hash(struct ptd_bytes command)
{
    enum ptd_msg_type type =
        ptd_msg_type_of((const char *)command.p, command.n);

    return type == PTD_MSG_BLOCK || type == PTD_MSG_TX;
}

static void reject_decode(struct ptd_msg *m, struct ptd_reader *r,
                          const struct ptd_codec *cx)
{
    struct ptd_msg_reject *j = PTD_MSG_AS(reject, m);

    (void)cx;
    ptd_read_var_own(m, &j->command, r, "command", PTD_MAX_REJECT_COMMAND);
    j->code = ptd_read_u8(r, "code");
    ptd_read_var_own(m, &j->reason, r, "reason", PTD_MAX_REJECT_REASON);
    if (may_have_hash(j->command) && ptd_reader_left(r) > 0) {
        ptd_read_hash(r, &j->hash, "hash");
        j->has_hash = true;
    }
}

static void reject_encode(const struct ptd_msg *m, struct ptd_writer *w,
                          const struct ptd_codec *cx)
{
    const struct ptd_msg_reject *j = PTD_MSG_CONST(reject, m);

    (void)cx;
    ptd_write_var_bytes(w, "command", j->command, PTD_MAX_REJECT_COMMAND);
    ptd_write_u8(w, j->code);
    ptd_write_var_bytes(w, "reason", j->reason, PTD_MAX_REJECT_REASON);
    if (!j->has_hash)
        return;
    if (!may_have_hash(j->command))
        ptd_writer_fail(w, PTD_EBADVALUE, "hash", 0, 0);
    ptd_write_hash(w, &j->hash);
}

static uint32_t reject_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return MAX_BYTES;
}

static size_t reject_list_bytes(enum ptd_msg_type type, size_t n)
{
    (void)type;
    return n < MAX_BYTES ? n : MAX_BYTES;
}

const struct ptd_codec_ops ptd_codec_reject = {
    .decode = reject_decode,
    .encode = reject_encode,
    .max_payload = reject_max_payload,
    .list_bytes = reject_list_bytes,
};
