/* Bytes under any command, for tools. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "wire/codec.h"
#include "wire/msg_priv.h"

/* More than the protocol allows: how others take that can be tried too. */
enum { RAW_MAX_BYTES = 32 << 20 };

static void raw_encode(const struct ptd_msg *m, struct ptd_writer *w,
                       const struct ptd_codec *cx)
{
    const struct ptd_msg_raw *raw = PTD_MSG_CONST(raw, m);

    (void)cx;
    ptd_write_raw(w, raw->payload.p, raw->payload.n);
}

const struct ptd_codec_ops ptd_codec_raw = { .encode = raw_encode };

struct ptd_msg *ptd_msg_new_raw(const char *command, const void *payload,
                                size_t n)
{
    static const struct ptd_codec_entry entry = { "*other*", &ptd_codec_raw,
                                                  sizeof(struct ptd_msg_raw) };
    size_t n_command = strlen(command);
    struct ptd_msg_raw *raw;
    struct ptd_msg *m;

    if (n_command > PTD_COMMAND_BYTES || n > RAW_MAX_BYTES)
        return NULL;
    m = ptd_msg_make(PTD_MSG_UNKNOWN, &entry, n, NULL);
    if (m == NULL)
        return NULL;
    raw = PTD_MSG_AS(raw, m);
    memcpy(raw->command, command, n_command + 1);
    if (ptd_msg_copy_bytes(m, &raw->payload, payload, n) != PTD_OK) {
        ptd_msg_free(m);
        return NULL;
    }
    return m;
}

const char *ptd_msg_command(const struct ptd_msg *m)
{
    return m->type == PTD_MSG_UNKNOWN ? PTD_MSG_CONST(raw, m)->command
                                      : ptd_msg_type_command(m->type);
}
