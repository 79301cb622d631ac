#include <config.h>

#include "wire/encoded.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/util.h"
#include "wire/codec_int.h"
#include "wire/msg_priv.h"

enum { BLOCK_HEADER_BYTES = 80 };

/* Bit 32 of a stored checksum: it was computed. */
#define CHECKSUM_VALID (UINT64_C(1) << 32)

/* A command has at most PTD_COMMAND_BYTES, as all tables and makers see to. */
static struct ptd_encoded *new_form(const struct ptd_msg *m, uint32_t layout,
                                    size_t n_behind)
{
    const char *command = ptd_msg_command(m);
    size_t n_command = strlen(command);
    struct ptd_encoded *e;
    size_t bytes;

    if (ptd_add_overflow(sizeof *e, n_behind, &bytes) ||
        (e = ptd_wire_take(m->priv->mem, bytes)) == NULL)
        return NULL;
    ptd_ref_init(&e->ref);
    memcpy(e->command, command, n_command + 1);
    e->layout = layout;
    e->payload = (uint8_t *)(e + 1);
    e->n = n_behind;
    e->buf = NULL;
    atomic_init(&e->checksum_v1, 0);
    e->mem = m->priv->mem;
    return e;
}

void ptd_encoded_free(struct ptd_encoded *e)
{
    if (e == NULL || !ptd_ref_put(&e->ref))
        return;
    if (e->buf != NULL) {
        ptd_buf_free(e->buf);
        ptd_wire_give(e->mem, e, sizeof *e);
    } else {
        ptd_wire_give(e->mem, e, sizeof *e + e->n);
    }
}

/* The form that refers to the received bytes. */
static enum ptd_err form_of_received(const struct ptd_msg *m,
                                     struct ptd_encoded **out, uint32_t layout)
{
    const struct ptd_msg_priv *priv = m->priv;
    struct ptd_encoded *e = new_form(m, layout, 0);

    if (e == NULL)
        return PTD_ENOMEM;
    e->payload = priv->received.p;
    e->n = priv->received.n;
    e->buf = ptd_buf_ref(priv->buf);
    atomic_init(&e->checksum_v1,
                atomic_load_explicit(&priv->checksum_v1, memory_order_relaxed));
    *out = e;
    return PTD_OK;
}

static enum ptd_err make_form(const struct ptd_msg *m, struct ptd_encoded **out,
                              const struct ptd_codec *cx, uint32_t layout)
{
    struct ptd_encoded *e;
    enum ptd_err err;
    size_t n;

    if (ptd_msg_is_as_received(m, layout))
        return form_of_received(m, out, layout);
    n = ptd_msg_encoded_bytes(m, cx, &err);
    if (err != PTD_OK)
        return err;
    if ((e = new_form(m, layout, n)) == NULL)
        return PTD_ENOMEM;
    /* The room behind e is writable as long as e is ours alone. */
    if ((err = ptd_msg_encode(m, (uint8_t *)(e + 1), n, &n, cx)) != PTD_OK) {
        ptd_encoded_free(e);
        return err;
    }
    *out = e;
    return PTD_OK;
}

/* Store e in the first free place, or find that another thread stored the same
 * layout there meanwhile. Gives the form to use, with a reference for the
 * caller; with no place left e is simply not cached. */
static struct ptd_encoded *cache_form(struct ptd_msg_priv *priv,
                                      struct ptd_encoded *e PTD_TAKES)
{
    for (size_t i = 0; i < PTD_MSG_N_CACHED; i++) {
        struct ptd_encoded *was = NULL;

        /* The cache's own reference, should the place be free. */
        ptd_ref_get(&e->ref);
        if (atomic_compare_exchange_strong_explicit(&priv->cached[i], &was, e,
                                                    memory_order_acq_rel,
                                                    memory_order_acquire))
            return e;
        ptd_encoded_free(e);
        if (was->layout == e->layout) {
            ptd_ref_get(&was->ref);
            ptd_encoded_free(e);
            return was;
        }
    }
    return e;
}

static struct ptd_encoded *find_form(struct ptd_msg_priv *priv, uint32_t layout)
{
    for (size_t i = 0; i < PTD_MSG_N_CACHED; i++) {
        struct ptd_encoded *e =
            atomic_load_explicit(&priv->cached[i], memory_order_acquire);

        if (e == NULL)
            return NULL;
        if (e->layout == layout) {
            /* The cache holds a reference as long as the caller holds m. */
            ptd_ref_get(&e->ref);
            return e;
        }
    }
    return NULL;
}

enum ptd_err ptd_msg_encoded(struct ptd_msg *m, struct ptd_encoded **out,
                             const struct ptd_codec *cx)
{
    uint32_t layout = ptd_codec_layout(m->type, cx);
    struct ptd_encoded *e = NULL;
    enum ptd_err err;

    /* A version that lacks the message must not find a form made for another
     * that has it. */
    if (cx->pver < ptd_codec_first_pver(m->type))
        return PTD_EVERSION;
    if ((*out = find_form(m->priv, layout)) != NULL)
        return PTD_OK;
    if ((err = make_form(m, &e, cx, layout)) != PTD_OK)
        return err;
    *out = cache_form(m->priv, e);
    return PTD_OK;
}

struct ptd_msg *ptd_msg_of_payload(enum ptd_msg_type type, struct ptd_buf *buf,
                                   size_t n, const struct ptd_codec *cx)
{
    struct ptd_msg *m = ptd_msg_new(type);

    PTD_ASSERT(n > 0 && n <= PTD_MAX_PAYLOAD && n <= buf->cap);
    if (m == NULL) {
        ptd_buf_free(buf);
        return NULL;
    }
    m->payload_bytes = (uint32_t)n;
    if (type == PTD_MSG_BLOCK && n >= BLOCK_HEADER_BYTES)
        ptd_block_header_decode(&((struct ptd_msg_block *)(void *)m)->header,
                                buf->data);
    m->priv->buf = buf;
    m->priv->received = (struct ptd_bytes){ buf->data, n };
    m->priv->received_layout = ptd_codec_layout(type, cx);
    return m;
}

size_t ptd_msg_form_bytes(const struct ptd_msg *m, const struct ptd_codec *cx)
{
    enum ptd_err err;
    size_t n;

    if (ptd_msg_is_as_received(m, ptd_codec_layout(m->type, cx)))
        return sizeof(struct ptd_encoded);
    n = ptd_msg_encoded_bytes(m, cx, &err);
    return err == PTD_OK ? sizeof(struct ptd_encoded) + n : 0;
}

void ptd_encoded_checksum(struct ptd_encoded *e, uint8_t out[4])
{
    uint64_t sum = atomic_load_explicit(&e->checksum_v1, memory_order_relaxed);

    if ((sum & CHECKSUM_VALID) != 0) {
        ptd_put_le32(out, (uint32_t)sum);
        return;
    }
    /* Two threads may compute it at once, and store the same. */
    ptd_v1_checksum(e->payload, e->n, out);
    atomic_store_explicit(&e->checksum_v1, CHECKSUM_VALID | ptd_get_le32(out),
                          memory_order_relaxed);
}

void ptd_msg_set_checksum(struct ptd_msg *m, const uint8_t sum[4])
{
    /* With bytes left over the payload is not what we would send. */
    if (m->priv->trailing_bytes == 0)
        atomic_store_explicit(&m->priv->checksum_v1,
                              CHECKSUM_VALID | ptd_get_le32(sum),
                              memory_order_relaxed);
}
