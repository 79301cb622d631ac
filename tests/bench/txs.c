#include <config.h>

#include "txs.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "bench.h"
#include "pentad/wire.h"
#include "wire/codec.h"

enum {
    REST = 4 + 1 + 36 + 3 + 4 + 1 + 2 * 34 + 4, /* all but the input script */
    MAX_BYTES = 1600
};

static uint8_t *put_output(uint8_t *p, uint64_t value)
{
    static const uint8_t script[] = { 0x76, 0xa9, 0x14 }, /* to a hash … */
        end[] = { 0x88, 0xac };

    ptd_put_le64(p, value);
    p[8] = 25;
    memcpy(p + 9, script, sizeof script);
    memset(p + 12, (int)(value & 0xff), 20);
    memcpy(p + 32, end, sizeof end);
    return p + 34;
}

/* Bytes that prove something, behind their number. */
static uint8_t *put_proof(uint8_t *p, size_t n)
{
    *p = 0xfd;
    ptd_put_le16(p + 1, (uint16_t)n);
    p += 3;
    for (size_t at = 0; at + 1 < n; at += 1 + p[at]) /* pushes, in a script */
        p[at] = (uint8_t)PTD_MIN((size_t)75, n - at - 1);
    return p + n;
}

static struct ptd_msg *new_tx(uint32_t number, size_t bytes, bool witness)
{
    const struct ptd_codec cx = { .pver = PTD_PVER_WTXIDRELAY,
                                  .encoding = PTD_ENC_WITNESS };
    uint8_t raw[MAX_BYTES] = { 2 }, *p = raw + 4;
    size_t proof = PTD_MAX(bytes, (size_t)REST + 253) - REST;
    struct ptd_msg *m = NULL;

    if (witness) {
        p[1] = 1; /* marker and flag: BIP 144 */
        p += 2;
    }
    *p++ = 1;
    memset(p, 0x5a, 32); /* what it spends */
    ptd_put_le32(p, number);
    ptd_put_le32(p + 32, 0);
    p += 36;
    if (witness)
        *p++ = 0;
    else
        p = put_proof(p, proof);
    ptd_put_le32(p, UINT32_MAX);
    p[4] = 2;
    p = put_output(p + 5, 1000 + number);
    p = put_output(p, 2000 + number);
    if (witness) {
        *p++ = 1;
        p = put_proof(p, proof);
    }
    ptd_put_le32(p, 0);
    p += 4;
    if (ptd_msg_decode(&m, PTD_MSG_TX, raw, (size_t)(p - raw), &cx, NULL) !=
        PTD_OK) {
        fprintf(stderr, "benchmark: no transaction\n");
        exit(1);
    }
    return m;
}

struct ptd_msg **bench_txs_new(size_t n, size_t bytes, bool witness)
{
    struct ptd_msg **list = calloc(n, sizeof *list);

    if (list == NULL || bytes > MAX_BYTES)
        exit(1);
    for (size_t i = 0; i < n; i++)
        list[i] = new_tx((uint32_t)i, bytes, witness);
    return list;
}

void bench_txs_free(struct ptd_msg **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ptd_msg_free(list[i]);
    free(list);
}
