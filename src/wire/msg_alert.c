/* alert: no longer in use; both parts are opaque here. */
#include <config.h>

#include "wire/codec.h"

static void alert_decode(struct ptd_msg *m, struct ptd_reader *r,
                         const struct ptd_codec *cx)
{
    struct ptd_msg_alert *a = PTD_MSG_AS(alert, m);

    (void)cx;
    a->payload = ptd_read_var_bytes(r, "payload", PTD_MAX_PAYLOAD);
    a->signature = ptd_read_var_bytes(r, "signature", PTD_MAX_PAYLOAD);
}

static void alert_encode(const struct ptd_msg *m, struct ptd_writer *w,
                         const struct ptd_codec *cx)
{
    const struct ptd_msg_alert *a = PTD_MSG_CONST(alert, m);

    (void)cx;
    ptd_write_var_bytes(w, "payload", a->payload, PTD_MAX_PAYLOAD);
    ptd_write_var_bytes(w, "signature", a->signature, PTD_MAX_PAYLOAD);
}

static uint32_t alert_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return PTD_MAX_PAYLOAD;
}

const struct ptd_codec_ops ptd_codec_alert = {
    .has_views = true,
    .decode = alert_decode,
    .encode = alert_encode,
    .max_payload = alert_max_payload,
};
