/* One program per message (FUZZ_TYPE), or all in one without it. */
#include <config.h>

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "support/samples.h"
#include "wire/codec.h"
#include "wire/encoded.h"

/* A list costs at most this many times the bytes that announced it: 16 for a
 * witness item of one byte, and room to grow. */
enum { MEMORY_FACTOR = 40, MEMORY_FIXED = 4096 };

struct form {
    uint8_t *p; /* malloc'ed to its exact size */
    size_t n;
};

/* What was decoded can be encoded: nothing gets in that may not get out. */
static struct form encode(const struct ptd_msg *m, const struct ptd_codec *cx)
{
    enum ptd_err err = PTD_OK;
    struct form f = { NULL, ptd_msg_encoded_bytes(m, cx, &err) };
    size_t n;

    PTD_ASSERT(err == PTD_OK);
    f.p = malloc(f.n > 0 ? f.n : 1);
    PTD_ASSERT(f.p != NULL);
    PTD_ASSERT(ptd_msg_encode(m, f.p, f.n, &n, cx) == PTD_OK);
    PTD_ASSERT(n == f.n);
    return f;
}

static void look_at(const struct ptd_msg *m)
{
    char line[200];
    char *dump = ptd_msg_dump(m, 3);

    PTD_ASSERT(dump != NULL);
    free(dump);
    (void)ptd_msg_summary(m, line, sizeof line);
    PTD_ASSERT(strlen(line) < sizeof line && strchr(line, '\n') == NULL);
}

/* True where one message has one form. A version may end early; its relay flag
 * and the flag of sendcmpct are true for any value but 0; what addrv2 ignores
 * is gone; the count behind a header is overlooked, but where decoding is
 * strict. */
static bool has_one_form(const struct ptd_msg *m, const struct ptd_codec *cx)
{
    if (m->type == PTD_MSG_HEADERS)
        return cx->strict;
    if (m->type == PTD_MSG_ADDRV2)
        return PTD_MSG_CONST(addr, m)->n_ignored == 0;
    return m->type != PTD_MSG_VERSION && m->type != PTD_MSG_SENDCMPCT;
}

static void round_trip(const struct ptd_msg *m, struct ptd_codec cx,
                       const uint8_t *payload, size_t size)
{
    struct form first = encode(m, &cx), second;
    struct ptd_msg *again;

    if (has_one_form(m, &cx)) {
        PTD_ASSERT(first.n + ptd_msg_trailing_bytes(m) == size);
        PTD_ASSERT(memcmp(first.p, payload, first.n) == 0);
    }
    cx.strict = true; /* what we encode leaves nothing over */
    PTD_ASSERT(ptd_msg_decode(&again, m->type, first.p, first.n, &cx, NULL) ==
               PTD_OK);
    PTD_ASSERT(ptd_msg_max_payload(m->type, cx.pver) >= first.n);
    second = encode(again, &cx);
    PTD_ASSERT(second.n == first.n && memcmp(second.p, first.p, first.n) == 0);
    ptd_msg_free(again);
    free(second.p);
    free(first.p);
}

/* Decoding out of a buffer that the message then refers to gives the same. */
static void compare_with_view(const struct ptd_msg *m,
                              const struct ptd_codec *cx,
                              const uint8_t *payload, size_t size)
{
    struct ptd_buf *buf = ptd_buf_new(NULL, size);
    struct form plain = encode(m, cx), viewed;
    struct ptd_msg *v;

    PTD_ASSERT(buf != NULL);
    if (size > 0)
        memcpy(buf->data, payload, size);
    PTD_ASSERT(ptd_msg_decode_from(&v, m->type, buf->data, size, buf, NULL, cx,
                                   NULL) == PTD_OK);
    ptd_buf_free(buf); /* the message keeps what it needs */
    viewed = encode(v, cx);
    PTD_ASSERT(viewed.n == plain.n && memcmp(viewed.p, plain.p, plain.n) == 0);
    ptd_msg_free(v);
    free(viewed.p);
    free(plain.p);
}

static void report(enum ptd_msg_type type, const struct ptd_wire_error *why)
{
    char text[200];

    PTD_ASSERT(strcmp(why->command, ptd_msg_type_command(type)) == 0);
    (void)ptd_wire_error_text(why, text, sizeof text);
    PTD_ASSERT(strlen(text) < sizeof text);
}

void fuzz_msg(enum ptd_msg_type type, const uint8_t *data, size_t size)
{
    struct ptd_wire_error why;
    struct ptd_codec cx;
    struct ptd_msg *m;

    if (size < FUZZ_HEAD_BYTES)
        return;
    cx.pver = sample_pvers[data[0] % sample_n_pvers];
    cx.encoding = data[1] & 1 ? PTD_ENC_WITNESS : PTD_ENC_BASE;
    cx.strict = data[2] & 1;
    data += FUZZ_HEAD_BYTES;
    size -= FUZZ_HEAD_BYTES;
    if (ptd_msg_decode(&m, type, data, size, &cx, &why) != PTD_OK) {
        report(type, &why);
        return;
    }
    PTD_ASSERT(!cx.strict || ptd_msg_trailing_bytes(m) == 0);
    PTD_ASSERT(ptd_msg_memory_bytes(m) <= size * MEMORY_FACTOR + MEMORY_FIXED);
    look_at(m);
    round_trip(m, cx, data, size);
    compare_with_view(m, &cx, data, size);
    ptd_msg_free(m);
}

#ifdef FUZZ_TYPE
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_msg(FUZZ_TYPE, data, size);
    return 0;
}
#endif
