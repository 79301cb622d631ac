/* Frames in clear: 24 bytes of header, then the payload as it is. */
#include <config.h>

#include "net/carrier.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "crypto/sha256.h"

enum {
    /* From this size on the checksum is computed while the payload arrives,
     * and a decoded message may refer to the buffer. */
    LARGE_BYTES = 16384
};

/* What is to be said of a frame once its payload was thrown away. */
struct skip {
    struct ptd_frame f;
    size_t left; /* bytes of payload still to come */
    bool hash;   /* the checksum is of interest */
};

struct v1 {
    struct ptd_carrier cr;
    uint8_t magic[4];     /* set once */
    uint32_t max_payload; /* reading half */

    struct ptd_v1_header h; /* reading half: of the frame at the front … */
    bool have_header;       /* … if this is true … */
    size_t hashed;          /* … with so many bytes of payload hashed */
    struct ptd_sha256d sha;
    struct skip skip; /* reading half: valid while rx->skipping */
};

uint32_t ptd_frame_limit(enum ptd_msg_type type)
{
    uint32_t own = 0;

    for (uint32_t i = 0; i < 2; i++) {
        static const uint32_t pver[] = { PTD_PVER_REJECT_LAST,
                                         PTD_PVER_FEATURE };
        uint32_t n = ptd_msg_max_payload(type, pver[i]);

        own = PTD_MAX(own, n);
    }
    return PTD_MIN(own + PTD_FRAME_SLACK, (uint32_t)PTD_MAX_PAYLOAD);
}

/* ---- reading --------------------------------------------------------- */

/* Command of a header, as far as it can be shown. */
static void copy_command(struct ptd_frame *f, const struct ptd_v1_header *h)
{
    size_t n = 0;

    for (size_t i = 0; i < PTD_COMMAND_BYTES && h->command[i] != 0; i++)
        if (h->command[i] >= 0x20 && h->command[i] < 0x7f)
            f->command[n++] = h->command[i];
    memset(f->command + n, 0, sizeof f->command - n);
}

static void frame_init(struct ptd_frame *f, const struct ptd_v1_header *h)
{
    f->type = PTD_MSG_UNKNOWN;
    copy_command(f, h);
    f->payload = NULL;
    f->n = h->length;
    f->buf = NULL;
    f->wire_bytes = PTD_V1_HEADER_BYTES + h->length;
    f->err = PTD_OK;
    memcpy(f->want, h->checksum, sizeof f->want);
    memset(f->got, 0, sizeof f->got);
}

static enum ptd_err wrong_magic(struct ptd_frame *f, const uint8_t got[4],
                                const uint8_t want[4])
{
    memset(f, 0, sizeof *f);
    f->type = PTD_MSG_UNKNOWN;
    f->err = PTD_EMAGIC;
    memcpy(f->want, want, sizeof f->want);
    memcpy(f->got, got, sizeof f->got);
    return PTD_EMAGIC;
}

static void set_checksum(struct ptd_frame *f, const uint8_t digest[32])
{
    memcpy(f->got, digest, sizeof f->got);
    if (memcmp(f->got, f->want, sizeof f->got) == 0)
        return;
    f->err = PTD_ECHECKSUM;
    f->payload = NULL;
    f->buf = NULL;
}

/* Go on throwing a payload away. */
static enum ptd_err skip_on(struct v1 *v, struct ptd_rxbuf *rx,
                            struct ptd_frame *f)
{
    struct skip *s = &v->skip;
    size_t n = PTD_MIN(s->left, ptd_rxbuf_len(rx));
    uint8_t digest[32];

    if (n > 0 && s->hash)
        ptd_sha256d_update(&v->sha, ptd_rxbuf_at(rx), n);
    ptd_rxbuf_cut(rx, n);
    s->left -= n;
    rx->skipping = s->left > 0;
    if (rx->skipping)
        return PTD_EAGAIN;
    *f = s->f;
    if (s->hash) {
        ptd_sha256d_final(&v->sha, digest);
        set_checksum(f, digest);
    }
    return PTD_OK;
}

/* Throw away the payload of the frame whose header is at the front. */
static enum ptd_err skip_start(struct v1 *v, struct ptd_rxbuf *rx,
                               struct ptd_frame *f, enum ptd_err why)
{
    f->err = why;
    v->skip = (struct skip){ .f = *f,
                             .left = v->h.length,
                             .hash = why != PTD_ETOOBIG };
    v->have_header = false;
    ptd_rxbuf_cut(rx, PTD_V1_HEADER_BYTES);
    return skip_on(v, rx, f);
}

/* Hash what has arrived of a large payload, while it is in the cache. */
static void hash_arrived(struct v1 *v, const struct ptd_rxbuf *rx)
{
    size_t n = PTD_MIN(ptd_rxbuf_len(rx) - PTD_V1_HEADER_BYTES,
                       (size_t)v->h.length);

    ptd_sha256d_update(&v->sha,
                       ptd_rxbuf_at(rx) + PTD_V1_HEADER_BYTES + v->hashed,
                       n - v->hashed);
    v->hashed = n;
}

/* The frame at the front, whose payload is of a known command. */
static enum ptd_err cut_known(struct v1 *v, struct ptd_rxbuf *rx,
                              struct ptd_frame *f)
{
    size_t total = PTD_V1_HEADER_BYTES + (size_t)f->n;
    const uint8_t *payload = ptd_rxbuf_at(rx) + PTD_V1_HEADER_BYTES;
    uint8_t digest[32];

    if (f->n >= LARGE_BYTES)
        hash_arrived(v, rx);
    if (ptd_rxbuf_len(rx) < total) {
        rx->need = total;
        return PTD_EAGAIN;
    }
    f->payload = payload;
    /* A small message must not pin a large buffer. */
    if (f->n >= LARGE_BYTES && f->n >= rx->buf->cap / 2)
        f->buf = rx->buf;
    if (f->n >= LARGE_BYTES)
        ptd_sha256d_final(&v->sha, digest);
    else
        ptd_sha256d(digest, payload, f->n);
    set_checksum(f, digest);
    v->have_header = false;
    ptd_rxbuf_cut(rx, total);
    return PTD_OK;
}

/* Judge a header that is seen for the first time. */
static enum ptd_err new_header(struct v1 *v, struct ptd_rxbuf *rx,
                               struct ptd_frame *f)
{
    const uint8_t *p = ptd_rxbuf_at(rx);
    enum ptd_err e = ptd_v1_header_decode(&v->h, p, v->magic);

    if (e == PTD_EMAGIC)
        return wrong_magic(f, p, v->magic);
    frame_init(f, &v->h);
    if (v->h.length > v->max_payload) {
        f->err = PTD_ETOOBIG;
        return PTD_ETOOBIG;
    }
    if (e != PTD_OK)
        return skip_start(v, rx, f, PTD_ECOMMAND);
    f->type = ptd_msg_type_of(v->h.command, strlen(v->h.command));
    if (f->type == PTD_MSG_UNKNOWN)
        return skip_start(v, rx, f, PTD_OK);
    if (v->h.length > PTD_FRAME_SLACK &&
        v->h.length > ptd_frame_limit(f->type))
        return skip_start(v, rx, f, PTD_ETOOBIG);
    v->have_header = true;
    v->hashed = 0;
    return cut_known(v, rx, f);
}

static enum ptd_err v1_next(struct ptd_carrier *cr, struct ptd_rxbuf *rx,
                            struct ptd_frame *f)
{
    struct v1 *v = PTD_CONTAINER_OF(cr, struct v1, cr);
    size_t n = ptd_rxbuf_len(rx);

    if (rx->skipping)
        return n > 0 ? skip_on(v, rx, f) : PTD_EAGAIN;
    if (n < PTD_V1_HEADER_BYTES) {
        /* Whoever speaks something else is told so at the fourth byte. */
        if (n >= 4 && memcmp(ptd_rxbuf_at(rx), v->magic, 4) != 0)
            return wrong_magic(f, ptd_rxbuf_at(rx), v->magic);
        rx->need = n > 0 ? PTD_V1_HEADER_BYTES : 0;
        return PTD_EAGAIN;
    }
    if (!v->have_header)
        return new_header(v, rx, f);
    if (n < rx->need && v->h.length < LARGE_BYTES)
        return PTD_EAGAIN;
    frame_init(f, &v->h);
    f->type = ptd_msg_type_of(v->h.command, strlen(v->h.command));
    return cut_known(v, rx, f);
}

static void v1_set_max_payload(struct ptd_carrier *cr, uint32_t n)
{
    PTD_CONTAINER_OF(cr, struct v1, cr)->max_payload = n;
}

/* ---- writing --------------------------------------------------------- */

static size_t v1_head_bytes(const struct ptd_carrier *cr, const char *command)
{
    (void)cr;
    (void)command;
    return PTD_V1_HEADER_BYTES;
}

static void put_header(const struct v1 *v, uint8_t out[PTD_V1_HEADER_BYTES],
                       const char *command, size_t n,
                       const uint8_t checksum[4])
{
    struct ptd_v1_header h = { .length = (uint32_t)n };

    memcpy(h.magic, v->magic, sizeof h.magic);
    memcpy(h.checksum, checksum, sizeof h.checksum);
    memcpy(h.command, command, strlen(command));
    ptd_v1_header_encode(&h, out);
}

static void v1_seal(struct ptd_carrier *cr, const char *command,
                    uint8_t *frame, size_t n)
{
    const struct v1 *v = PTD_CONTAINER_OF(cr, struct v1, cr);
    uint8_t checksum[4];

    ptd_v1_checksum(frame + PTD_V1_HEADER_BYTES, n, checksum);
    put_header(v, frame, command, n, checksum);
}

static void v1_seal_head(struct ptd_carrier *cr, uint8_t *head,
                         struct ptd_encoded *e)
{
    const struct v1 *v = PTD_CONTAINER_OF(cr, struct v1, cr);
    uint8_t checksum[4];

    ptd_encoded_checksum(e, checksum);
    put_header(v, head, e->command, e->n, checksum);
}

static void v1_free(struct ptd_carrier *cr)
{
    struct v1 *v = PTD_CONTAINER_OF(cr, struct v1, cr);

    ptd_sha256d_fini(&v->sha);
    free(v);
}

static const struct ptd_carrier_ops v1_ops = {
    .name = "v1",
    .next = v1_next,
    .set_max_payload = v1_set_max_payload,
    .head_bytes = v1_head_bytes,
    .seal = v1_seal,
    .seal_head = v1_seal_head,
    .free = v1_free,
};

struct ptd_carrier *ptd_carrier_v1_new(const struct ptd_conn_config *cfg)
{
    struct v1 *v = calloc(1, sizeof *v);

    if (v == NULL)
        return NULL;
    if (ptd_sha256d_init(&v->sha) != PTD_OK) {
        free(v);
        return NULL;
    }
    v->cr.ops = &v1_ops;
    memcpy(v->magic, cfg->magic, sizeof v->magic);
    v->max_payload = cfg->max_payload != 0 && cfg->max_payload < PTD_MAX_PAYLOAD
                         ? cfg->max_payload
                         : PTD_MAX_PAYLOAD;
    return &v->cr;
}
