/* getcfilters, getcfheaders, getcfcheckpt, cfilter, cfheaders, cfcheckpt:
 * BIP 157. */
#include <config.h>

#include "wire/codec.h"
#include "wire/own.h"

enum {
    HASH_BYTES = 32,
    MAX_CFCHECKPT = 100000 /* one header per 1,000 blocks; as btcd */
};

static void getcf_decode(struct ptd_msg *m, struct ptd_reader *r,
                         const struct ptd_codec *cx)
{
    struct ptd_msg_getcf *g = PTD_MSG_AS(getcf, m);

    (void)cx;
    g->filter_type = ptd_read_u8(r, "filter type");
    if (m->type != PTD_MSG_GETCFCHECKPT)
        g->start_height = ptd_read_u32(r, "start height");
    ptd_read_hash(r, &g->stop, "stop");
}

static void getcf_encode(const struct ptd_msg *m, struct ptd_writer *w,
                         const struct ptd_codec *cx)
{
    const struct ptd_msg_getcf *g = PTD_MSG_CONST(getcf, m);

    (void)cx;
    ptd_write_u8(w, g->filter_type);
    if (m->type != PTD_MSG_GETCFCHECKPT)
        ptd_write_u32(w, g->start_height);
    ptd_write_hash(w, &g->stop);
}

static uint32_t getcf_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)pver;
    return 1 + (type != PTD_MSG_GETCFCHECKPT ? 4 : 0) + HASH_BYTES;
}

const struct ptd_codec_ops ptd_codec_getcf = {
    .decode = getcf_decode,
    .encode = getcf_encode,
    .max_payload = getcf_max_payload,
};

static void cfilter_decode(struct ptd_msg *m, struct ptd_reader *r,
                           const struct ptd_codec *cx)
{
    struct ptd_msg_cfilter *f = PTD_MSG_AS(cfilter, m);

    (void)cx;
    f->filter_type = ptd_read_u8(r, "filter type");
    ptd_read_hash(r, &f->block, "block");
    f->filter = ptd_read_var_bytes(r, "filter", PTD_MAX_CFILTER_BYTES);
}

static void cfilter_encode(const struct ptd_msg *m, struct ptd_writer *w,
                           const struct ptd_codec *cx)
{
    const struct ptd_msg_cfilter *f = PTD_MSG_CONST(cfilter, m);

    (void)cx;
    ptd_write_u8(w, f->filter_type);
    ptd_write_hash(w, &f->block);
    ptd_write_var_bytes(w, "filter", f->filter, PTD_MAX_CFILTER_BYTES);
}

static uint32_t cfilter_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return 1 + HASH_BYTES + 5 + PTD_MAX_CFILTER_BYTES;
}

const struct ptd_codec_ops ptd_codec_cfilter = {
    .has_views = true,
    .decode = cfilter_decode,
    .encode = cfilter_encode,
    .max_payload = cfilter_max_payload,
};

static uint32_t max_cfheaders(enum ptd_msg_type type)
{
    return type == PTD_MSG_CFCHECKPT ? MAX_CFCHECKPT : PTD_MAX_CFHEADERS;
}

static void cfheaders_decode(struct ptd_msg *m, struct ptd_reader *r,
                             const struct ptd_codec *cx)
{
    struct ptd_msg_cfheaders *h = PTD_MSG_AS(cfheaders, m);
    const uint8_t *at;

    (void)cx;
    h->filter_type = ptd_read_u8(r, "filter type");
    ptd_read_hash(r, &h->stop, "stop");
    if (m->type == PTD_MSG_CFHEADERS)
        ptd_read_hash(r, &h->prev, "previous filter header");
    h->n = ptd_read_count(r, "count", max_cfheaders(m->type), HASH_BYTES);
    at = ptd_read_raw(r, (size_t)h->n * HASH_BYTES, "hashes");
    h->hashes = ptd_read_list(m, r, "hashes", h->n, HASH_BYTES);
    if (h->hashes != NULL)
        memcpy(h->hashes, at, (size_t)h->n * HASH_BYTES);
}

static void cfheaders_encode(const struct ptd_msg *m, struct ptd_writer *w,
                             const struct ptd_codec *cx)
{
    const struct ptd_msg_cfheaders *h = PTD_MSG_CONST(cfheaders, m);

    (void)cx;
    ptd_write_u8(w, h->filter_type);
    ptd_write_hash(w, &h->stop);
    if (m->type == PTD_MSG_CFHEADERS)
        ptd_write_hash(w, &h->prev);
    ptd_write_count(w, "count", h->n, max_cfheaders(m->type));
    ptd_write_raw(w, h->hashes, (size_t)h->n * HASH_BYTES);
}

static uint32_t cfheaders_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)pver;
    return 1 + HASH_BYTES + (type == PTD_MSG_CFHEADERS ? HASH_BYTES : 0) + 5 +
           max_cfheaders(type) * HASH_BYTES;
}

static size_t cfheaders_list_bytes(enum ptd_msg_type type, size_t n)
{
    (void)type;
    return n;
}

const struct ptd_codec_ops ptd_codec_cfheaders = {
    .decode = cfheaders_decode,
    .encode = cfheaders_encode,
    .max_payload = cfheaders_max_payload,
    .list_bytes = cfheaders_list_bytes,
};
