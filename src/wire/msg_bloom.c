/* filteradd, filterload: BIP 37. (filterclear has no fields.) */
#include <config.h>

#include "wire/codec.h"

static void filteradd_decode(struct ptd_msg *m, struct ptd_reader *r,
                             const struct ptd_codec *cx)
{
    (void)cx;
    PTD_MSG_AS(filteradd, m)->data =
        ptd_read_var_bytes(r, "data", PTD_MAX_FILTERADD_BYTES);
}

static void filteradd_encode(const struct ptd_msg *m, struct ptd_writer *w,
                             const struct ptd_codec *cx)
{
    (void)cx;
    ptd_write_var_bytes(w, "data", PTD_MSG_CONST(filteradd, m)->data,
                        PTD_MAX_FILTERADD_BYTES);
}

static uint32_t filteradd_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return 3 + PTD_MAX_FILTERADD_BYTES;
}

const struct ptd_codec_ops ptd_codec_filteradd = {
    .has_views = true,
    .decode = filteradd_decode,
    .encode = filteradd_encode,
    .max_payload = filteradd_max_payload,
};

static void filterload_decode(struct ptd_msg *m, struct ptd_reader *r,
                              const struct ptd_codec *cx)
{
    struct ptd_msg_filterload *f = PTD_MSG_AS(filterload, m);

    (void)cx;
    f->filter = ptd_read_var_bytes(r, "filter", PTD_MAX_FILTER_BYTES);
    f->n_funcs = ptd_read_u32(r, "functions");
    if (f->n_funcs > PTD_MAX_FILTER_FUNCS)
        ptd_reader_fail(r, PTD_ETOOBIG, "functions", f->n_funcs,
                        PTD_MAX_FILTER_FUNCS);
    f->tweak = ptd_read_u32(r, "tweak");
    f->flags = ptd_read_u8(r, "flags");
}

static void filterload_encode(const struct ptd_msg *m, struct ptd_writer *w,
                              const struct ptd_codec *cx)
{
    const struct ptd_msg_filterload *f = PTD_MSG_CONST(filterload, m);

    (void)cx;
    ptd_write_var_bytes(w, "filter", f->filter, PTD_MAX_FILTER_BYTES);
    if (f->n_funcs > PTD_MAX_FILTER_FUNCS)
        ptd_writer_fail(w, PTD_ETOOBIG, "functions", f->n_funcs,
                        PTD_MAX_FILTER_FUNCS);
    ptd_write_u32(w, f->n_funcs);
    ptd_write_u32(w, f->tweak);
    ptd_write_u8(w, f->flags);
}

static uint32_t filterload_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return 3 + PTD_MAX_FILTER_BYTES + 4 + 4 + 1;
}

const struct ptd_codec_ops ptd_codec_filterload = {
    .has_views = true,
    .decode = filterload_decode,
    .encode = filterload_encode,
    .max_payload = filterload_max_payload,
};
