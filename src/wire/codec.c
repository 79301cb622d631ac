#include <config.h>

#include "wire/codec.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "wire/codec_int.h"
#include "wire/encoded.h"
#include "wire/msg_priv.h"

/* Payloads from this size on are copied into a buffer of their own, which can
 * be sent on; smaller ones into the message's first piece of memory. */
enum { OWN_BUFFER_BYTES = 4096 };

/* ---- decoding ----------------------------------------------------------- */

/* Keep the bytes under a message with views as long as the message. Gives
 * where they lie now, NULL for lack of memory. */
static const uint8_t *keep_payload(struct ptd_msg *m, const uint8_t *payload,
                                   size_t n, struct ptd_buf *buf)
{
    struct ptd_msg_priv *priv = m->priv;
    uint8_t *copy;

    if (buf != NULL && n >= PTD_REFER_BYTES && n >= buf->cap / 2) {
        priv->buf = ptd_buf_ref(buf);
        return payload;
    }
    if (n >= OWN_BUFFER_BYTES) {
        if ((priv->buf = ptd_buf_new(priv->mem, n)) == NULL)
            return NULL;
        memcpy(priv->buf->data, payload, n);
        return priv->buf->data;
    }
    if ((copy = ptd_msg_alloc_raw(m, n, 1)) != NULL && n > 0)
        memcpy(copy, payload, n);
    return copy;
}

/* How much to reserve behind the message's struct. */
static size_t guess_room(const struct ptd_codec_ops *ops,
                         enum ptd_msg_type type, size_t n)
{
    size_t room = ops->list_bytes != NULL ? ops->list_bytes(type, n) : 0;

    if (ops->has_views && n < OWN_BUFFER_BYTES)
        room += n + PTD_MSG_ALIGN;
    return room;
}

/* Decode the payload into m; errors are left in r. */
static void decode_into(struct ptd_msg *m, const struct ptd_codec_ops *ops,
                        struct ptd_reader *r, const uint8_t *payload, size_t n,
                        struct ptd_buf *buf, const struct ptd_codec *cx)
{
    struct ptd_msg_priv *priv = m->priv;

    ptd_reader_init(r, payload, n);
    if (ops->has_views) {
        const uint8_t *kept = keep_payload(m, payload, n, buf);

        if (kept == NULL) {
            ptd_reader_fail(r, PTD_ENOMEM, "payload", 0, 0);
            return;
        }
        payload = kept;
        ptd_reader_init(r, payload, n);
    }
    m->payload_bytes = (uint32_t)n;
    if (ops->decode != NULL)
        ops->decode(m, r, cx);
    priv->trailing_bytes = (uint32_t)ptd_reader_left(r);
    if (cx->strict && priv->trailing_bytes > 0)
        ptd_reader_fail(r, PTD_ETRAILING, "", priv->trailing_bytes, 0);
    if (ops->has_one_form && priv->buf != NULL) {
        priv->received =
            (struct ptd_bytes){ payload, n - priv->trailing_bytes };
        priv->received_layout = ptd_codec_layout(m->type, cx);
    }
}

/* What can be said before a byte is read. */
static void check_before(struct ptd_reader *r, enum ptd_msg_type type, size_t n,
                         const struct ptd_codec *cx)
{
    uint32_t first = ptd_codec_first_pver(type);

    if (cx->pver < first)
        ptd_reader_fail(r, PTD_EVERSION, "", cx->pver, first);
    else if (n > PTD_MAX_PAYLOAD)
        ptd_reader_fail(r, PTD_ETOOBIG, "payload", n, PTD_MAX_PAYLOAD);
}

static enum ptd_err report(struct ptd_wire_error *why, const char *command,
                           const struct ptd_reader *r)
{
    if (why != NULL)
        *why = (struct ptd_wire_error){
            .err = r->err,
            .command = command,
            .field = r->field != NULL ? r->field : "",
            .got = r->got,
            .limit = r->limit,
        };
    return r->err;
}

enum ptd_err ptd_msg_decode_from(struct ptd_msg **out, enum ptd_msg_type type,
                                 const uint8_t *payload, size_t n,
                                 struct ptd_buf *buf, struct ptd_mem *mem,
                                 const struct ptd_codec *cx,
                                 struct ptd_wire_error *why)
{
    const struct ptd_codec_entry *entry = ptd_codec_entry(type);
    struct ptd_reader r = { .err = PTD_OK };
    struct ptd_msg *m;

    if (entry == NULL) {
        ptd_reader_fail(&r, PTD_EUNKNOWN, "", 0, 0);
        return report(why, "", &r);
    }
    check_before(&r, type, n, cx);
    if (r.err != PTD_OK)
        return report(why, entry->command, &r);
    m = ptd_msg_make(type, entry, guess_room(entry->ops, type, n), mem);
    if (m == NULL) {
        ptd_reader_fail(&r, PTD_ENOMEM, "", 0, 0);
        return report(why, entry->command, &r);
    }
    decode_into(m, entry->ops, &r, payload, n, buf, cx);
    if (r.err != PTD_OK) {
        ptd_msg_free(m);
        return report(why, entry->command, &r);
    }
    if (why != NULL)
        *why = (struct ptd_wire_error){ .err = PTD_OK,
                                        .command = entry->command,
                                        .field = "" };
    *out = m;
    return PTD_OK;
}

enum ptd_err ptd_msg_decode(struct ptd_msg **out, enum ptd_msg_type type,
                            const uint8_t *payload, size_t n,
                            const struct ptd_codec *cx,
                            struct ptd_wire_error *why)
{
    return ptd_msg_decode_from(out, type, payload, n, NULL, NULL, cx, why);
}

/* ---- encoding ----------------------------------------------------------- */

uint32_t ptd_codec_layout(enum ptd_msg_type type, const struct ptd_codec *cx)
{
    const struct ptd_codec_entry *entry = ptd_codec_entry(type);

    return entry != NULL && entry->ops->layout != NULL
               ? entry->ops->layout(type, cx)
               : 0;
}

bool ptd_msg_is_as_received(const struct ptd_msg *m, uint32_t layout)
{
    const struct ptd_msg_priv *priv = m->priv;

    return priv->received.n > 0 && priv->received_layout == layout;
}

static enum ptd_err encode_to(const struct ptd_msg *m, struct ptd_writer *w,
                              const struct ptd_codec *cx)
{
    const struct ptd_codec_entry *entry = ptd_codec_entry(m->type);

    if (entry == NULL && m->type != PTD_MSG_UNKNOWN)
        return PTD_EUNKNOWN;
    if (entry == NULL) {
        ptd_codec_raw.encode(m, w, cx);
        return w->err;
    }
    if (cx->pver < ptd_codec_first_pver(m->type))
        return PTD_EVERSION;
    if (ptd_msg_is_as_received(m, ptd_codec_layout(m->type, cx)))
        ptd_write_raw(w, m->priv->received.p, m->priv->received.n);
    else if (entry->ops->encode != NULL)
        entry->ops->encode(m, w, cx);
    if (w->err == PTD_OK && w->n > PTD_MAX_PAYLOAD)
        return PTD_ETOOBIG;
    return w->err;
}

size_t ptd_msg_encoded_bytes(const struct ptd_msg *m,
                             const struct ptd_codec *cx, enum ptd_err *err)
{
    struct ptd_writer w;

    ptd_writer_init(&w, NULL, 0);
    *err = encode_to(m, &w, cx);
    return *err == PTD_OK ? w.n : 0;
}

enum ptd_err ptd_msg_encode(const struct ptd_msg *m, uint8_t *out, size_t cap,
                            size_t *n, const struct ptd_codec *cx)
{
    uint8_t nowhere;
    struct ptd_writer w;
    enum ptd_err err;

    /* A NULL buffer would make the writer count. */
    ptd_writer_init(&w, out != NULL ? out : &nowhere, out != NULL ? cap : 0);
    if ((err = encode_to(m, &w, cx)) == PTD_OK)
        *n = w.n;
    return err;
}

uint32_t ptd_msg_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    const struct ptd_codec_entry *entry = ptd_codec_entry(type);
    uint32_t n;

    if (entry == NULL || entry->ops->max_payload == NULL ||
        pver < ptd_codec_first_pver(type))
        return 0;
    n = entry->ops->max_payload(type, pver);
    return PTD_MIN(n, (uint32_t)PTD_MAX_PAYLOAD);
}
