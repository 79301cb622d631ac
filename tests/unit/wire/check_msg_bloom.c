#include <config.h>

#include "check_wire.h"

#include <string.h>

#include "base/util.h"

static const struct row rows[] = {
    { "filteradd", PTD_MSG_FILTERADD, 70001,
      "04"
      "deadbeef",
      PTD_OK, NULL },
    { "an empty filteradd", PTD_MSG_FILTERADD, 70001, "00", PTD_OK, NULL },
    { "no filteradd in 70000", PTD_MSG_FILTERADD, 70000, "00", PTD_EVERSION,
      NULL },
    { "521 bytes added", PTD_MSG_FILTERADD, 70001, "fd0902", PTD_ETOOBIG,
      "filteradd: data 521 above its limit 520" },

    { "filterload", PTD_MSG_FILTERLOAD, 70001,
      "03"
      "614e9b"
      "05000000"
      "00000000"
      "01",
      PTD_OK, NULL },
    { "an empty filter", PTD_MSG_FILTERLOAD, 70001,
      "00"
      "00000000"
      "ffffffff"
      "00",
      PTD_OK, NULL },
    { "50 functions", PTD_MSG_FILTERLOAD, 70001,
      "00"
      "32000000"
      "00000000"
      "02",
      PTD_OK, NULL },
    { "51 functions", PTD_MSG_FILTERLOAD, 70001,
      "00"
      "33000000"
      "00000000"
      "02",
      PTD_ETOOBIG, "filterload: functions 51 above its limit 50" },
    { "36001 bytes of filter", PTD_MSG_FILTERLOAD, 70001, "fda18c", PTD_ETOOBIG,
      "filterload: filter 36001 above its limit 36000" },
    { "no filterload in 70000", PTD_MSG_FILTERLOAD, 70000, "00", PTD_EVERSION,
      NULL },
};

START_TEST(bloom_on_the_wire)
{
    check_row(&rows[_i]);
}
END_TEST

START_TEST(bloom_fields_are_read)
{
    struct ptd_msg *m = decode_hex(PTD_MSG_FILTERLOAD, "03"
                                                       "614e9b"
                                                       "05000000"
                                                       "78563412"
                                                       "01");
    const struct ptd_msg_filterload *f = PTD_MSG_CONST(filterload, m);

    ck_assert_uint_eq(f->filter.n, 3);
    ck_assert_mem_eq(f->filter.p, "aN\x9b", 3);
    ck_assert_uint_eq(f->n_funcs, 5);
    ck_assert_uint_eq(f->tweak, 0x12345678);
    ck_assert_uint_eq(f->flags, 1);
    ptd_msg_free(m);
}
END_TEST

static const struct {
    enum ptd_msg_type type;
    size_t n;
    enum ptd_err err;
} sizes[] = {
    { PTD_MSG_FILTERADD, 520, PTD_OK },
    { PTD_MSG_FILTERADD, 521, PTD_ETOOBIG },
    { PTD_MSG_FILTERLOAD, 36000, PTD_OK },
    { PTD_MSG_FILTERLOAD, 36001, PTD_ETOOBIG },
};

START_TEST(bloom_sends_up_to_its_limits)
{
    static const uint8_t bytes[36001];
    struct ptd_msg *m = ptd_msg_new(sizes[_i].type);
    struct ptd_bytes b = { bytes, sizes[_i].n };

    ck_assert_ptr_nonnull(m);
    if (sizes[_i].type == PTD_MSG_FILTERADD)
        PTD_MSG_AS(filteradd, m)->data = b;
    else
        PTD_MSG_AS(filterload, m)->filter = b;
    ck_assert_int_eq(encode_error(m, 70001), sizes[_i].err);
    if (sizes[_i].err == PTD_OK) {
        struct blob out = encode_all(m, &codec_base);

        ck_assert_uint_eq(out.n, ptd_msg_max_payload(sizes[_i].type, 70001));
        check_codec(sizes[_i].type, out.p, out.n, &codec_base);
        blob_free(&out);
    }
    ptd_msg_free(m);
}
END_TEST

START_TEST(filterload_sends_no_more_than_50_functions)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_FILTERLOAD);

    ck_assert_ptr_nonnull(m);
    PTD_MSG_AS(filterload, m)->n_funcs = 51;
    ck_assert_int_eq(encode_error(m, 70001), PTD_ETOOBIG);
    ptd_msg_free(m);
}
END_TEST

TCase *tcase_msg_bloom(void)
{
    TCase *tc = tcase_create("bloom");

    tcase_add_loop_test(tc, bloom_on_the_wire, 0, PTD_COUNT(rows));
    tcase_add_test(tc, bloom_fields_are_read);
    tcase_add_loop_test(tc, bloom_sends_up_to_its_limits, 0, PTD_COUNT(sizes));
    tcase_add_test(tc, filterload_sends_no_more_than_50_functions);
    return tc;
}
