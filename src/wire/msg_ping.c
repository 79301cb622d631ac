/* ping, pong. */
#include <config.h>

#include "wire/codec.h"

/* BIP 31: the nonce exists only above version 60000; so does pong, whose first
 * version the registry checks. */
static bool has_nonce(uint32_t pver)
{
    return pver > PTD_PVER_BIP31;
}

static void nonce_decode(struct ptd_msg *m, struct ptd_reader *r,
                         const struct ptd_codec *cx)
{
    if (has_nonce(cx->pver))
        PTD_MSG_AS(nonce, m)->nonce = ptd_read_u64(r, "nonce");
}

static void nonce_encode(const struct ptd_msg *m, struct ptd_writer *w,
                         const struct ptd_codec *cx)
{
    if (has_nonce(cx->pver))
        ptd_write_u64(w, PTD_MSG_CONST(nonce, m)->nonce);
}

static uint32_t nonce_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    return has_nonce(pver) ? 8 : 0;
}

static uint32_t nonce_layout(enum ptd_msg_type type, const struct ptd_codec *cx)
{
    (void)type;
    return has_nonce(cx->pver);
}

const struct ptd_codec_ops ptd_codec_nonce = {
    .decode = nonce_decode,
    .encode = nonce_encode,
    .max_payload = nonce_max_payload,
    .layout = nonce_layout,
};
