#include <config.h>

#include "check_wire.h"

#include <string.h>

#include "base/util.h"

#define HASH  "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"
#define OTHER "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const struct row rows[] = {
    { "getcfilters", PTD_MSG_GETCFILTERS, 70016,
      "00"
      "e8030000" HASH,
      PTD_OK, NULL },
    { "getcfheaders", PTD_MSG_GETCFHEADERS, 70016,
      "00"
      "00000000" HASH,
      PTD_OK, NULL },
    { "getcfcheckpt has no height", PTD_MSG_GETCFCHECKPT, 70016, "00" HASH,
      PTD_OK, NULL },
    { "a height in getcfcheckpt", PTD_MSG_GETCFCHECKPT, 70016,
      "00"
      "00000000" HASH,
      PTD_ETRAILING, NULL },
    { "an unknown filter type", PTD_MSG_GETCFILTERS, 70016,
      "ff"
      "e8030000" HASH,
      PTD_OK, NULL },

    { "cfilter", PTD_MSG_CFILTER, 70016,
      "00" HASH "04"
      "019dfca8",
      PTD_OK, NULL },
    { "an empty cfilter", PTD_MSG_CFILTER, 70016, "00" HASH "00", PTD_OK,
      NULL },
    { "a filter of 262145 bytes", PTD_MSG_CFILTER, 70016,
      "00" HASH "fe01000400", PTD_ETOOBIG,
      "cfilter: filter 262145 above its limit 262144" },

    { "cfheaders", PTD_MSG_CFHEADERS, 70016, "00" HASH OTHER "02" OTHER HASH,
      PTD_OK, NULL },
    { "no cfheaders", PTD_MSG_CFHEADERS, 70016, "00" HASH OTHER "00", PTD_OK,
      NULL },
    { "2001 cfheaders", PTD_MSG_CFHEADERS, 70016, "00" HASH OTHER "fdd107",
      PTD_ETOOBIG, "cfheaders: count 2001 above its limit 2000" },
    { "cfcheckpt", PTD_MSG_CFCHECKPT, 70016, "00" HASH "01" OTHER, PTD_OK,
      NULL },
    { "100001 checkpoints", PTD_MSG_CFCHECKPT, 70016, "00" HASH "fea1860100",
      PTD_ETOOBIG, "cfcheckpt: count 100001" },
    { "100000 checkpoints promised", PTD_MSG_CFCHECKPT, 70016,
      "00" HASH "fea0860100", PTD_ESHORT, "count" },
};

START_TEST(cfilter_on_the_wire)
{
    check_row(&rows[_i]);
}
END_TEST

START_TEST(cfilter_fields_are_read)
{
    struct ptd_msg *m;

    m = decode_hex(PTD_MSG_GETCFILTERS, "07"
                                        "e8030000" HASH);
    ck_assert_uint_eq(PTD_MSG_CONST(getcf, m)->filter_type, 7);
    ck_assert_uint_eq(PTD_MSG_CONST(getcf, m)->start_height, 1000);
    ck_assert_uint_eq(PTD_MSG_CONST(getcf, m)->stop.b[0], 0x6f);
    ptd_msg_free(m);
    m = decode_hex(PTD_MSG_CFILTER, "00" HASH "04"
                                    "019dfca8");
    ck_assert_uint_eq(PTD_MSG_CONST(cfilter, m)->block.b[0], 0x6f);
    ck_assert_mem_eq(PTD_MSG_CONST(cfilter, m)->filter.p, "\x01\x9d\xfc\xa8",
                     4);
    ptd_msg_free(m);
    m = decode_hex(PTD_MSG_CFHEADERS, "00" HASH OTHER "02" OTHER HASH);
    ck_assert_uint_eq(PTD_MSG_CONST(cfheaders, m)->n, 2);
    ck_assert_uint_eq(PTD_MSG_CONST(cfheaders, m)->prev.b[31], 0x1f);
    ck_assert_uint_eq(PTD_MSG_CONST(cfheaders, m)->hashes[1].b[0], 0x6f);
    ptd_msg_free(m);
}
END_TEST

static const struct {
    enum ptd_msg_type type;
    uint32_t n;
    enum ptd_err err;
} sizes[] = {
    { PTD_MSG_CFILTER, 262144, PTD_OK },
    { PTD_MSG_CFILTER, 262145, PTD_ETOOBIG },
    { PTD_MSG_CFHEADERS, 2000, PTD_OK },
    { PTD_MSG_CFHEADERS, 2001, PTD_ETOOBIG },
    { PTD_MSG_CFCHECKPT, 2001, PTD_OK },
    { PTD_MSG_CFCHECKPT, 100001, PTD_ETOOBIG },
};

START_TEST(cfilter_sends_up_to_its_limits)
{
    struct ptd_msg *m = ptd_msg_new(sizes[_i].type);
    uint32_t n = sizes[_i].n;

    ck_assert_ptr_nonnull(m);
    if (m->type == PTD_MSG_CFILTER) {
        PTD_MSG_AS(cfilter, m)->filter =
            (struct ptd_bytes){ ptd_msg_alloc(m, n, 1), n };
    } else {
        PTD_MSG_AS(cfheaders, m)->n = n;
        PTD_MSG_AS(cfheaders, m)->hashes = ptd_msg_alloc(m, n, 32);
    }
    ck_assert_int_eq(encode_error(m, 70016), sizes[_i].err);
    if (sizes[_i].err == PTD_OK) {
        struct blob b = encode_all(m, &codec_base);

        ck_assert_uint_le(b.n, ptd_msg_max_payload(m->type, 70016));
        check_codec(m->type, b.p, b.n, &codec_base);
        blob_free(&b);
    }
    ptd_msg_free(m);
}
END_TEST

TCase *tcase_msg_cfilter(void)
{
    TCase *tc = tcase_create("cfilter");

    tcase_add_loop_test(tc, cfilter_on_the_wire, 0, PTD_COUNT(rows));
    tcase_add_test(tc, cfilter_fields_are_read);
    tcase_add_loop_test(tc, cfilter_sends_up_to_its_limits, 0,
                        PTD_COUNT(sizes));
    return tc;
}
