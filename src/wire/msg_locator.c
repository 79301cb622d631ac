/* getblocks, getheaders. */
#include <config.h>

#include "wire/codec.h"
#include "wire/own.h"

enum { HASH_BYTES = 32 };

static void locator_decode(struct ptd_msg *m, struct ptd_reader *r,
                           const struct ptd_codec *cx)
{
    struct ptd_msg_locator *l = PTD_MSG_AS(locator, m);
    const uint8_t *at;

    (void)cx;
    l->version = ptd_read_u32(r, "version");
    l->n = ptd_read_count(r, "count", PTD_MAX_LOCATOR, HASH_BYTES);
    at = ptd_read_raw(r, (size_t)l->n * HASH_BYTES, "hashes");
    l->hashes = ptd_read_list(m, r, "hashes", l->n, HASH_BYTES);
    if (l->hashes != NULL)
        memcpy(l->hashes, at, (size_t)l->n * HASH_BYTES);
    ptd_read_hash(r, &l->stop, "stop");
}

static void locator_encode(const struct ptd_msg *m, struct ptd_writer *w,
                           const struct ptd_codec *cx)
{
    const struct ptd_msg_locator *l = PTD_MSG_CONST(locator, m);

    (void)cx;
    ptd_write_u32(w, l->version);
    ptd_write_count(w, "count", l->n, PTD_MAX_LOCATOR);
    ptd_write_raw(w, l->hashes, (size_t)l->n * HASH_BYTES);
    ptd_write_hash(w, &l->stop);
}

static uint32_t locator_max_payload(enum ptd_msg_type type, uint32_t pver)
{
    (void)type;
    (void)pver;
    return 4 + 1 + PTD_MAX_LOCATOR * HASH_BYTES + HASH_BYTES;
}

static size_t locator_list_bytes(enum ptd_msg_type type, size_t n)
{
    (void)type;
    return n < PTD_MAX_LOCATOR * HASH_BYTES ? n : PTD_MAX_LOCATOR * HASH_BYTES;
}

const struct ptd_codec_ops ptd_codec_locator = {
    .decode = locator_decode,
    .encode = locator_encode,
    .max_payload = locator_max_payload,
    .list_bytes = locator_list_bytes,
};
