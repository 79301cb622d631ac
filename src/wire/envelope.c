#include <config.h>

#include "base/bytes.h"
#include "crypto/sha256.h"
#include "pentad/wire.h"

/* Offsets in the header. */
enum { COMMAND_AT = 4, LENGTH_AT = 16, CHECKSUM_AT = 20 };

void ptd_v1_header_encode(const struct ptd_v1_header *h, uint8_t out[24])
{
    size_t n = strnlen(h->command, PTD_COMMAND_BYTES);

    memcpy(out, h->magic, 4);
    memcpy(out + COMMAND_AT, h->command, n);
    memset(out + COMMAND_AT + n, 0, PTD_COMMAND_BYTES - n);
    ptd_put_le32(out + LENGTH_AT, h->length);
    memcpy(out + CHECKSUM_AT, h->checksum, 4);
}

/* Printable characters, then nothing but zeros. */
static bool is_command(const uint8_t *p)
{
    size_t n = 0;

    while (n < PTD_COMMAND_BYTES && p[n] >= 0x20 && p[n] <= 0x7e)
        n++;
    while (n < PTD_COMMAND_BYTES && p[n] == 0)
        n++;
    return n == PTD_COMMAND_BYTES;
}

enum ptd_err ptd_v1_header_decode(struct ptd_v1_header *h, const uint8_t in[24],
                                  const uint8_t magic[4])
{
    memcpy(h->magic, in, 4);
    memcpy(h->command, in + COMMAND_AT, PTD_COMMAND_BYTES);
    h->command[PTD_COMMAND_BYTES] = '\0';
    h->length = ptd_get_le32(in + LENGTH_AT);
    memcpy(h->checksum, in + CHECKSUM_AT, 4);

    /* The worst first: after a wrong magic nothing else means anything, and a
     * length that nobody reads loses the stream; an invalid command is only
     * skipped. */
    if (memcmp(in, magic, 4) != 0)
        return PTD_EMAGIC;
    if (h->length > PTD_MAX_PAYLOAD)
        return PTD_ETOOBIG;
    return is_command(in + COMMAND_AT) ? PTD_OK : PTD_ECOMMAND;
}

void ptd_v1_checksum(const void *payload, size_t n, uint8_t out[4])
{
    uint8_t hash[32];

    ptd_sha256d(hash, payload, n);
    memcpy(out, hash, 4);
}
