#include <config.h>

#include "seeds.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "fuzz.h"
#include "support/samples.h"

typedef void seed_fn(void *arg, const uint8_t *data, size_t size);

struct seed {
    uint8_t *p;
    size_t n;
};

/* The input that makes a target decode m; p is NULL where this version has no
 * such message. */
static struct seed seed_new(const struct ptd_msg *m, size_t pver,
                            enum ptd_encoding encoding)
{
    const struct ptd_codec cx = { sample_pvers[pver], encoding, true };
    enum ptd_err err = PTD_OK;
    struct seed s = { NULL, ptd_msg_encoded_bytes(m, &cx, &err) };
    size_t n;

    if (err != PTD_OK)
        return s;
    s.p = malloc(FUZZ_HEAD_BYTES + s.n);
    PTD_ASSERT(s.p != NULL);
    s.p[0] = (uint8_t)pver;
    s.p[1] = encoding == PTD_ENC_WITNESS;
    s.p[2] = 1;
    PTD_ASSERT(ptd_msg_encode(m, s.p + FUZZ_HEAD_BYTES, s.n, &n, &cx) ==
               PTD_OK);
    s.n += FUZZ_HEAD_BYTES;
    return s;
}

static bool is_same_payload(const struct seed *a, const struct seed *b)
{
    return a->p != NULL && b->p != NULL && a->n == b->n &&
           memcmp(a->p + FUZZ_HEAD_BYTES, b->p + FUZZ_HEAD_BYTES,
                  a->n - FUZZ_HEAD_BYTES) == 0;
}

/* The newest version always; an older one where it makes a difference. */
static void seeds_of_variant(const struct ptd_msg *m,
                             enum ptd_encoding encoding, seed_fn *fn, void *arg)
{
    struct seed last = { NULL, 0 };

    for (size_t pver = sample_n_pvers; pver-- > 0;) {
        struct seed s = seed_new(m, pver, encoding);

        if (s.p != NULL && !is_same_payload(&s, &last))
            fn(arg, s.p, s.n);
        free(last.p);
        last = s;
    }
    free(last.p);
}

void seeds_of_msg(enum ptd_msg_type type, seed_fn *fn, void *arg)
{
    for (unsigned variant = 0; variant < SAMPLE_N_VARIANTS; variant++) {
        struct ptd_msg *m = sample_new(type, variant);

        seeds_of_variant(m, PTD_ENC_BASE, fn, arg);
        seeds_of_variant(m, PTD_ENC_WITNESS, fn, arg);
        ptd_msg_free(m);
    }
}

void seeds_of_header(seed_fn *fn, void *arg)
{
    for (unsigned type = 0; type < PTD_MSG_N_TYPES; type++) {
        struct ptd_v1_header h = { .magic = { 0xf9, 0xbe, 0xb4, 0xd9 },
                                   .length = type * 1000 };
        uint8_t out[PTD_V1_HEADER_BYTES];

        strcpy(h.command, ptd_msg_type_command((enum ptd_msg_type)type));
        ptd_v1_header_encode(&h, out);
        fn(arg, out, sizeof out);
    }
}

void seeds_of_netaddr(seed_fn *fn, void *arg)
{
    static const char *const texts[] = {
        "1.2.3.4",
        "255.255.255.255:65535",
        "[::1]:8333",
        "::ffff:1.2.3.4",
        "2001:db8:1:2:3:4:5:6",
        "[fc00::7]:1",
        "[200::7]",
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333",
        "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:0",
        "localhost:8333",
    };

    for (size_t i = 0; i < PTD_COUNT(texts); i++)
        fn(arg, (const uint8_t *)texts[i], strlen(texts[i]));
}
