/* What holds for every message: one sample of each in every version. */
#include <config.h>

#include "check_wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "support/samples.h"

/* The loop runs over types times variants. */
static struct ptd_msg *sample_of_loop(int i)
{
    return sample_new((enum ptd_msg_type)(i / SAMPLE_N_VARIANTS),
                      (unsigned)i % SAMPLE_N_VARIANTS);
}

enum { N_SAMPLES = PTD_MSG_N_TYPES * SAMPLE_N_VARIANTS };

/* The commands and the versions they came with, as the BIPs have them. */
static uint32_t first_version(enum ptd_msg_type type)
{
    static const struct {
        enum ptd_msg_type type;
        uint32_t pver;
    } since[] = {
        { PTD_MSG_PONG, 60001 },       { PTD_MSG_MEMPOOL, 60002 },
        { PTD_MSG_FILTERADD, 70001 },  { PTD_MSG_FILTERCLEAR, 70001 },
        { PTD_MSG_FILTERLOAD, 70001 }, { PTD_MSG_MERKLEBLOCK, 70001 },
        { PTD_MSG_REJECT, 70002 },     { PTD_MSG_SENDHEADERS, 70012 },
        { PTD_MSG_FEEFILTER, 70013 },  { PTD_MSG_SENDCMPCT, 70014 },
        { PTD_MSG_CMPCTBLOCK, 70014 }, { PTD_MSG_GETBLOCKTXN, 70014 },
        { PTD_MSG_BLOCKTXN, 70014 },   { PTD_MSG_WTXIDRELAY, 70016 },
        { PTD_MSG_FEATURE, 70017 },
    };

    for (size_t i = 0; i < PTD_COUNT(since); i++) {
        if (since[i].type == type)
            return since[i].pver;
    }
    return 0;
}

/* One entry is all that addr holds below version 209. */
static bool is_in_version(const struct ptd_msg *m, uint32_t pver)
{
    return pver >= first_version(m->type) &&
           !(m->type == PTD_MSG_ADDR && PTD_MSG_CONST(addr, m)->n > 1 &&
             pver < PTD_PVER_MULTIPLE_ADDRESS);
}

/* version, and reject of a block, may end early. */
static bool has_optional_tail(const struct ptd_msg *m)
{
    return m->type == PTD_MSG_VERSION || m->type == PTD_MSG_REJECT;
}

static void check_in_version(const struct ptd_msg *m,
                             const struct ptd_codec *cx)
{
    struct blob b = encode_all(m, cx);

    if (has_optional_tail(m))
        check_codec_optional_tail(m->type, b.p, b.n, cx);
    else
        check_codec(m->type, b.p, b.n, cx);
    ck_assert_uint_le(b.n, ptd_msg_max_payload(m->type, cx->pver));
    blob_free(&b);
}

START_TEST(sample_survives_every_version_and_encoding)
{
    struct ptd_msg *m = sample_of_loop(_i);

    for (size_t i = 0; i < sample_n_pvers; i++) {
        struct ptd_codec cx = { sample_pvers[i], PTD_ENC_BASE, false };

        if (!is_in_version(m, cx.pver)) {
            ck_assert_int_ne(encode_error(m, cx.pver), PTD_OK);
            continue;
        }
        check_in_version(m, &cx);
        cx.encoding = PTD_ENC_WITNESS;
        check_in_version(m, &cx);
    }
    ptd_msg_free(m);
}
END_TEST

START_TEST(sample_is_unknown_to_versions_before_it)
{
    struct ptd_msg *m = sample_of_loop(_i);
    uint32_t first = first_version(m->type);
    struct blob b;

    b = encode_all(m, &codec_witness);
    if (first > 0) {
        const struct ptd_codec cx = { first - 1, PTD_ENC_WITNESS, false };
        struct ptd_wire_error why;
        struct ptd_msg *got;

        ck_assert_int_eq(decode_copy(&got, m->type, b.p, b.n, &cx, &why),
                         PTD_EVERSION);
        ck_assert_uint_eq(why.limit, first);
        ck_assert_int_eq(encode_error(m, first - 1), PTD_EVERSION);
        ck_assert_uint_eq(ptd_msg_max_payload(m->type, first - 1), 0);
    }
    blob_free(&b);
    ptd_msg_free(m);
}
END_TEST

START_TEST(sample_with_bytes_behind_it_is_taken_and_they_are_counted)
{
    struct ptd_msg *m = sample_of_loop(_i), *got;
    struct blob b, longer;

    /* Before 60002 a version has no relay flag to take the byte for. */
    if (m->type == PTD_MSG_VERSION || m->type == PTD_MSG_REJECT) {
        ptd_msg_free(m);
        return;
    }
    b = encode_all(m, &codec_witness);
    longer = blob_copy(b.p, b.n);
    longer.p = realloc(longer.p, b.n + 3);
    ck_assert_ptr_nonnull(longer.p);
    memset(longer.p + b.n, 0xee, 3);
    longer.n = b.n + 3;
    ck_assert_int_eq(
        decode_copy(&got, m->type, longer.p, longer.n, &codec_witness, NULL),
        PTD_OK);
    ck_assert_uint_eq(ptd_msg_trailing_bytes(got), 3);
    ck_assert_uint_eq(got->payload_bytes, longer.n);
    ptd_msg_free(got);
    ck_assert_int_eq(
        decode_copy(&got, m->type, longer.p, longer.n, &codec_strict, NULL),
        PTD_ETRAILING);
    blob_free(&b);
    blob_free(&longer);
    ptd_msg_free(m);
}
END_TEST

/* Each allocation fails once: an error, and nothing is left behind. */
START_TEST(sample_fails_cleanly_for_lack_of_memory)
{
    struct ptd_msg *m = sample_of_loop(_i), *got;
    struct blob b = encode_all(m, &codec_witness);

    for (size_t nth = 1;; nth++) {
        struct test_mem t;
        enum ptd_err err;

        test_mem_init(&t);
        t.fail_at = nth;
        err = ptd_msg_decode_from(&got, m->type, b.p, b.n, NULL, &t.mem,
                                  &codec_witness, NULL);
        if (err == PTD_OK) {
            ptd_msg_free(got);
            ck_assert_uint_eq(t.out_bytes, 0);
            ck_assert_uint_lt(t.n_calls, nth);
            break;
        }
        ck_assert_int_eq(err, PTD_ENOMEM);
        ck_assert_uint_eq(t.out_bytes, 0);
    }
    blob_free(&b);
    ptd_msg_free(m);
}
END_TEST

TCase *tcase_samples(void)
{
    TCase *tc = tcase_create("samples");

    tcase_add_loop_test(tc, sample_survives_every_version_and_encoding, 0,
                        N_SAMPLES);
    tcase_add_loop_test(tc, sample_is_unknown_to_versions_before_it, 0,
                        N_SAMPLES);
    tcase_add_loop_test(
        tc, sample_with_bytes_behind_it_is_taken_and_they_are_counted, 0,
        N_SAMPLES);
    tcase_add_loop_test(tc, sample_fails_cleanly_for_lack_of_memory, 0,
                        N_SAMPLES);
    return tc;
}
