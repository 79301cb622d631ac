/* Decode, encode, decode, compare: one program per message (FUZZ_TYPE).
 *
 * The first three bytes of the input choose protocol version, encoding and
 * strictness; the rest is the payload. What decodes must encode, and what was
 * encoded must decode to the same bytes again.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "pentad/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t pvers[] = { 106,   208,   209,   31401, 31402, 60000,
                                  60001, 60002, 70001, 70002, 70011, 70012,
                                  70013, 70014, 70015, 70016, 70017 };

/* The encoded form, malloc'ed to its exact size; NULL if it has none. */
static uint8_t *encode(const struct ptd_msg *m, const struct ptd_codec *cx,
                       size_t *n)
{
    enum ptd_err e = PTD_OK;
    size_t want = ptd_msg_encoded_bytes(m, cx, &e);
    uint8_t *p;

    if (e != PTD_OK)
        return NULL;
    p = malloc(want + 1);
    PTD_ASSERT(p != NULL);
    PTD_ASSERT(ptd_msg_encode(m, p, want, n, cx) == PTD_OK);
    PTD_ASSERT(*n == want);
    return p;
}

static void look_at(const struct ptd_msg *m)
{
    char line[200];

    (void)ptd_msg_summary(m, line, sizeof line);
    free(ptd_msg_dump(m, 3));
}

static void round_trip(const struct ptd_msg *m, struct ptd_codec cx)
{
    struct ptd_msg *again;
    size_t n, n_again;
    uint8_t *p = encode(m, &cx, &n), *q;

    if (p == NULL)
        return; /* such as a message this version cannot carry */
    cx.strict = true; /* what we encode leaves nothing over */
    PTD_ASSERT(ptd_msg_decode(&again, FUZZ_TYPE, p, n, &cx, NULL) == PTD_OK);
    q = encode(again, &cx, &n_again);
    PTD_ASSERT(q != NULL && n_again == n && memcmp(p, q, n) == 0);
    ptd_msg_free(again);
    free(q);
    free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptd_wire_error why;
    struct ptd_codec cx;
    struct ptd_msg *m;
    char line[200];

    if (size < 3)
        return 0;
    cx.pver = pvers[data[0] % PTD_COUNT(pvers)];
    cx.encoding = data[1] & 1 ? PTD_ENC_WITNESS : PTD_ENC_BASE;
    cx.strict = data[2] & 1;
    if (ptd_msg_decode(&m, FUZZ_TYPE, data + 3, size - 3, &cx, &why) !=
        PTD_OK) {
        (void)ptd_wire_error_text(&why, line, sizeof line);
        return 0;
    }
    look_at(m);
    round_trip(m, cx);
    ptd_msg_free(m);
    return 0;
}
