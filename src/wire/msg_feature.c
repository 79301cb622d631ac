/* The small ones that two nodes tell each other about themselves: feefilter,
 * sendcmpct, sendtxrcncl, feature. */
#include <config.h>

#include "wire/codec.h"
#include "wire/own.h"

enum { MIN_FEATURE_ID = 4 /* BIP 434 */ };

/* ---- feefilter: BIP 133 ------------------------------------------------- */

static void feefilter_decode(struct ptd_msg *m, struct ptd_reader *r,
                             const struct ptd_codec *cx)
{
    (void)cx;
    PTD_MSG_AS(feefilter, m)->fee_rate = ptd_read_i64(r, "fee rate");
}

static void feefilter_encode(const struct ptd_msg *m, struct ptd_writer *w,
                             const struct ptd_codec *cx)
{
    (void)cx;
    ptd_write_i64(w, PTD_MSG_CONST(feefilter, m)->fee_rate);
}

static uint32_t feefilter_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return 8;
}

const struct ptd_codec_ops ptd_codec_feefilter = {
    .decode = feefilter_decode,
    .encode = feefilter_encode,
    .max_payload = feefilter_max_payload,
};

/* ---- sendcmpct: BIP 152 ------------------------------------------------- */

static void sendcmpct_decode(struct ptd_msg *m, struct ptd_reader *r,
                             const struct ptd_codec *cx)
{
    struct ptd_msg_sendcmpct *s = PTD_MSG_AS(sendcmpct, m);

    (void)cx;
    s->high_bandwidth = ptd_read_u8(r, "high bandwidth") != 0;
    s->version = ptd_read_u64(r, "version");
}

static void sendcmpct_encode(const struct ptd_msg *m, struct ptd_writer *w,
                             const struct ptd_codec *cx)
{
    const struct ptd_msg_sendcmpct *s = PTD_MSG_CONST(sendcmpct, m);

    (void)cx;
    ptd_write_u8(w, s->high_bandwidth);
    ptd_write_u64(w, s->version);
}

static uint32_t sendcmpct_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return 1 + 8;
}

const struct ptd_codec_ops ptd_codec_sendcmpct = {
    .decode = sendcmpct_decode,
    .encode = sendcmpct_encode,
    .max_payload = sendcmpct_max_payload,
};

/* ---- sendtxrcncl: BIP 330 ----------------------------------------------- */

static void sendtxrcncl_decode(struct ptd_msg *m, struct ptd_reader *r,
                               const struct ptd_codec *cx)
{
    struct ptd_msg_sendtxrcncl *s = PTD_MSG_AS(sendtxrcncl, m);

    (void)cx;
    s->version = ptd_read_u32(r, "version");
    s->salt = ptd_read_u64(r, "salt");
}

static void sendtxrcncl_encode(const struct ptd_msg *m, struct ptd_writer *w,
                               const struct ptd_codec *cx)
{
    const struct ptd_msg_sendtxrcncl *s = PTD_MSG_CONST(sendtxrcncl, m);

    (void)cx;
    ptd_write_u32(w, s->version);
    ptd_write_u64(w, s->salt);
}

static uint32_t sendtxrcncl_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return 4 + 8;
}

const struct ptd_codec_ops ptd_codec_sendtxrcncl = {
    .decode = sendtxrcncl_decode,
    .encode = sendtxrcncl_encode,
    .max_payload = sendtxrcncl_max_payload,
};

/* ---- feature: BIP 434 --------------------------------------------------- */

static void feature_decode(struct ptd_msg *m, struct ptd_reader *r,
                           const struct ptd_codec *cx)
{
    struct ptd_msg_feature *f = PTD_MSG_AS(feature, m);

    (void)cx;
    ptd_read_var_own(m, &f->id, r, "id", PTD_MAX_FEATURE_ID);
    if (f->id.n < MIN_FEATURE_ID)
        ptd_reader_fail(r, PTD_EBADVALUE, "id length", f->id.n, MIN_FEATURE_ID);
    ptd_read_var_own(m, &f->data, r, "data", PTD_MAX_FEATURE_DATA);
}

static void feature_encode(const struct ptd_msg *m, struct ptd_writer *w,
                           const struct ptd_codec *cx)
{
    const struct ptd_msg_feature *f = PTD_MSG_CONST(feature, m);

    (void)cx;
    if (f->id.n < MIN_FEATURE_ID)
        ptd_writer_fail(w, PTD_EBADVALUE, "id length", f->id.n, MIN_FEATURE_ID);
    ptd_write_var_bytes(w, "id", f->id, PTD_MAX_FEATURE_ID);
    ptd_write_var_bytes(w, "data", f->data, PTD_MAX_FEATURE_DATA);
}

static uint32_t feature_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return 1 + PTD_MAX_FEATURE_ID + 3 + PTD_MAX_FEATURE_DATA;
}

static size_t feature_list_bytes(enum ptd_msg_type type, size_t n)
{
    (void)type;
    return n < 600 ? n : 600;
}

const struct ptd_codec_ops ptd_codec_feature = {
    .decode = feature_decode,
    .encode = feature_encode,
    .max_payload = feature_max_payload,
    .list_bytes = feature_list_bytes,
};
