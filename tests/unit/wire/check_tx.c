#include <config.h>

#include "check_wire.h"

#include "base/util.h"

/* The coinbase of the first block of all: a fact of the main network. */
#define GENESIS_TX                                                             \
    "01000000 01"                                                              \
    "0000000000000000000000000000000000000000000000000000000000000000"         \
    "ffffffff 4d"                                                              \
    "04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368"         \
    "616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c"         \
    "6f757420666f722062616e6b73 ffffffff 01 00f2052a01000000 43"               \
    "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61"         \
    "deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf1"         \
    "1d5fac 00000000"

/* Made up: two inputs, the second with two witness items, one of them empty. */
#define IN_A                                                                   \
    "1111111111111111111111111111111111111111111111111111111111111111"         \
    "01000000 02 abcd fdffffff "
#define IN_B                                                                   \
    "2222222222222222222222222222222222222222222222222222222222222222"         \
    "02000000 00 ffffffff "
#define OUT_A               "e803000000000000 03 51aeac "
#define BODY                "02 " IN_A IN_B "01 " OUT_A
#define WITNESS             "00 02 00 04deadbeef "
#define WITNESS_TX          "02000000 0001 " BODY WITNESS "11223344"
#define WITNESS_TX_STRIPPED "02000000 " BODY "11223344"

static const struct {
    const char *name, *hex;
    enum ptd_encoding encoding;
    enum ptd_err err; /* PTD_OK: decodes, encodes to the same, all cuts fail */
} rows[] = {
    { "genesis", GENESIS_TX, PTD_ENC_BASE, PTD_OK },
    { "genesis, witness spoken", GENESIS_TX, PTD_ENC_WITNESS, PTD_OK },
    { "witness", WITNESS_TX, PTD_ENC_WITNESS, PTD_OK },
    { "its base form", WITNESS_TX_STRIPPED, PTD_ENC_BASE, PTD_OK },
    { "no inputs, no outputs", "01000000 00 00 00000000", PTD_ENC_WITNESS,
      PTD_OK },
    { "the same in base", "01000000 00 00 00000000", PTD_ENC_BASE, PTD_OK },
    { "no inputs, an output, in base", "01000000 00 01 " OUT_A "00000000",
      PTD_ENC_BASE, PTD_OK },
    { "no outputs, but witness", "01000000 0001 01 " IN_A "00 01 0177 00000000",
      PTD_ENC_WITNESS, PTD_OK },
    { "no outputs", "01000000 01 " IN_A "00 00000000", PTD_ENC_WITNESS,
      PTD_OK },
    { "marker and flag are not read in base", WITNESS_TX, PTD_ENC_BASE,
      PTD_ETRAILING },
    { "no inputs, an output, witness spoken",
      "01000000 00 01 " OUT_A "00000000", PTD_ENC_WITNESS, PTD_ESHORT },
    { "witness record of nothing", "02000000 0001 " BODY "00 00 11223344",
      PTD_ENC_WITNESS, PTD_EBADVALUE },
    { "witness record of no inputs", "02000000 0001 00 00 11223344",
      PTD_ENC_WITNESS, PTD_EBADVALUE },
    { "flag 2", "02000000 0002 " BODY WITNESS "11223344", PTD_ENC_WITNESS,
      PTD_EBADVALUE },
    { "flag 3", "02000000 0003 " BODY WITNESS "11223344", PTD_ENC_WITNESS,
      PTD_EBADVALUE },
    { "inputs not canonical", "01000000 fd0100 " IN_A "01 " OUT_A "00000000",
      PTD_ENC_BASE, PTD_ENONCANON },
    { "2^32 - 1 inputs", "01000000 feffffffff " IN_A "01 " OUT_A "00000000",
      PTD_ENC_WITNESS, PTD_ETOOBIG },
    { "inputs that the bytes cannot hold",
      "01000000 10 " IN_A "01 " OUT_A "00000000", PTD_ENC_WITNESS, PTD_ESHORT },
    { "2^63 outputs",
      "01000000 01 " IN_A "ff0000000000000080 " OUT_A "00000000",
      PTD_ENC_WITNESS, PTD_ETOOBIG },
    { "outputs that the bytes cannot hold",
      "01000000 01 " IN_A "09 " OUT_A "00000000", PTD_ENC_WITNESS, PTD_ESHORT },
    { "script of 2^64 - 1 bytes",
      "01000000 01 " IN_A "01 0000000000000000 ffffffffffffffffff 00000000",
      PTD_ENC_WITNESS, PTD_ETOOBIG },
    { "script longer than what is left",
      "01000000 01 " IN_A "01 0000000000000000 20 00 00000000", PTD_ENC_WITNESS,
      PTD_ESHORT },
    { "2^32 witness items",
      "02000000 0001 01 " IN_A "00 ff0000000001000000 00000000",
      PTD_ENC_WITNESS, PTD_ETOOBIG },
    { "witness items that the bytes cannot hold",
      "02000000 0001 01 " IN_A "00 fd0010 00000000", PTD_ENC_WITNESS,
      PTD_ESHORT },
    { "witness item of 2^32 bytes",
      "02000000 0001 01 " IN_A "00 01 ff0000000001000000 00000000",
      PTD_ENC_WITNESS, PTD_ETOOBIG },
};

START_TEST(tx_decodes_and_encodes_or_tells_its_error)
{
    const struct ptd_codec cx = { 70016, rows[_i].encoding, true };
    struct blob b = blob_hex(rows[_i].hex);
    struct ptd_wire_error why;
    struct ptd_msg *m;
    char text[200];
    enum ptd_err err;

    if (rows[_i].err == PTD_OK) {
        check_codec(PTD_MSG_TX, b.p, b.n, &cx);
    } else {
        err = decode_copy(&m, PTD_MSG_TX, b.p, b.n, &cx, &why);
        ck_assert_msg(err == rows[_i].err, "%s: %s", rows[_i].name,
                      ptd_wire_error_text(&why, text, sizeof text));
    }
    blob_free(&b);
}
END_TEST

/* Encode from the fields, not from the bytes that came. */
START_TEST(tx_encodes_from_its_fields)
{
    const struct ptd_codec cx = { 70016, rows[_i].encoding, true };
    struct blob b, again;
    struct ptd_msg *m;

    if (rows[_i].err != PTD_OK)
        return;
    b = blob_hex(rows[_i].hex);
    ck_assert_int_eq(decode_copy(&m, PTD_MSG_TX, b.p, b.n, &cx, NULL), PTD_OK);
    ck_assert_uint_eq(PTD_MSG_AS(tx, m)->tx.raw.n, b.n);
    PTD_MSG_AS(tx, m)->tx.raw.n = 0;
    again = encode_all(m, &cx);
    ck_assert_uint_eq(again.n, b.n);
    ck_assert_mem_eq(again.p, b.p, b.n);
    blob_free(&again);
    blob_free(&b);
    ptd_msg_free(m);
}
END_TEST

START_TEST(tx_fields_are_what_the_bytes_say)
{
    struct blob b = blob_hex(WITNESS_TX);
    const struct ptd_tx *tx;
    struct ptd_msg *m;

    ck_assert_int_eq(decode_copy(&m, PTD_MSG_TX, b.p, b.n, &codec_strict, NULL),
                     PTD_OK);
    tx = &PTD_MSG_CONST(tx, m)->tx;
    ck_assert_int_eq(tx->version, 2);
    ck_assert_uint_eq(tx->lock_time, 0x44332211);
    ck_assert_uint_eq(tx->n_in, 2);
    ck_assert_uint_eq(tx->n_out, 1);
    ck_assert(tx->has_witness);
    ck_assert_uint_eq(tx->in[0].prev.hash.b[31], 0x11);
    ck_assert_uint_eq(tx->in[0].prev.index, 1);
    ck_assert_uint_eq(tx->in[0].script.n, 2);
    ck_assert_mem_eq(tx->in[0].script.p, "\xab\xcd", 2);
    ck_assert_uint_eq(tx->in[0].sequence, 0xfffffffd);
    ck_assert_uint_eq(tx->in[0].n_witness, 0);
    ck_assert_uint_eq(tx->in[1].n_witness, 2);
    ck_assert_uint_eq(tx->in[1].witness[0].n, 0);
    ck_assert_uint_eq(tx->in[1].witness[1].n, 4);
    ck_assert_mem_eq(tx->in[1].witness[1].p, "\xde\xad\xbe\xef", 4);
    ck_assert(tx->out[0].value == 1000);
    ck_assert_uint_eq(tx->out[0].script.n, 3);
    ptd_msg_free(m);
    blob_free(&b);
}
END_TEST

/* ---- hashes ---------------------------------------------------------------- */

START_TEST(genesis_has_its_txid)
{
    struct blob b = blob_hex(GENESIS_TX);
    struct ptd_hash txid, wtxid;
    char hex[PTD_HASH_HEX_SIZE];
    struct ptd_msg *m;

    ck_assert_int_eq(decode_copy(&m, PTD_MSG_TX, b.p, b.n, &codec_strict, NULL),
                     PTD_OK);
    ck_assert_int_eq(ptd_tx_txid(&PTD_MSG_CONST(tx, m)->tx, &txid), PTD_OK);
    ck_assert_int_eq(ptd_tx_wtxid(&PTD_MSG_CONST(tx, m)->tx, &wtxid), PTD_OK);
    ck_assert_str_eq(
        ptd_hash_to_hex(&txid, hex),
        "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
    ck_assert(ptd_hash_eq(&txid, &wtxid));
    ptd_msg_free(m);
    blob_free(&b);
}
END_TEST

static void hashes_of(const char *hex, enum ptd_encoding encoding, bool fields,
                      struct ptd_hash *txid, struct ptd_hash *wtxid)
{
    const struct ptd_codec cx = { 70016, encoding, true };
    struct blob b = blob_hex(hex);
    struct ptd_msg *m;

    ck_assert_int_eq(decode_copy(&m, PTD_MSG_TX, b.p, b.n, &cx, NULL), PTD_OK);
    if (fields)
        PTD_MSG_AS(tx, m)->tx.raw.n = 0;
    ck_assert_int_eq(ptd_tx_txid(&PTD_MSG_CONST(tx, m)->tx, txid), PTD_OK);
    ck_assert_int_eq(ptd_tx_wtxid(&PTD_MSG_CONST(tx, m)->tx, wtxid), PTD_OK);
    ptd_msg_free(m);
    blob_free(&b);
}

START_TEST(txid_leaves_the_witness_out_and_wtxid_does_not)
{
    static const struct {
        const char *with, *without;
    } pairs[] = {
        { WITNESS_TX, WITNESS_TX_STRIPPED },
        { "01000000 0001 01 " IN_A "00 01 0177 00000000",
          "01000000 01 " IN_A "00 00000000" },
    };

    for (size_t i = 0; i < PTD_COUNT(pairs); i++) {
        struct ptd_hash base, same, txid, wtxid, own_txid, own_wtxid;

        hashes_of(pairs[i].without, PTD_ENC_BASE, false, &base, &same);
        hashes_of(pairs[i].with, PTD_ENC_WITNESS, false, &txid, &wtxid);
        hashes_of(pairs[i].with, PTD_ENC_WITNESS, true, &own_txid, &own_wtxid);
        ck_assert(ptd_hash_eq(&base, &same));
        ck_assert(ptd_hash_eq(&txid, &base));
        ck_assert(!ptd_hash_eq(&wtxid, &txid));
        ck_assert(ptd_hash_eq(&own_txid, &txid));
        ck_assert(ptd_hash_eq(&own_wtxid, &wtxid));
    }
}
END_TEST

/* ---- between the encodings -------------------------------------------------- */

START_TEST(tx_received_with_witness_goes_out_without)
{
    struct blob b = blob_hex(WITNESS_TX), want = blob_hex(WITNESS_TX_STRIPPED);
    struct blob got;
    struct ptd_msg *m;

    ck_assert_int_eq(decode_copy(&m, PTD_MSG_TX, b.p, b.n, &codec_strict, NULL),
                     PTD_OK);
    got = encode_all(m, &codec_base);
    ck_assert_uint_eq(got.n, want.n);
    ck_assert_mem_eq(got.p, want.p, want.n);
    blob_free(&got);
    blob_free(&want);
    blob_free(&b);
    ptd_msg_free(m);
}
END_TEST

START_TEST(tx_that_would_read_as_another_is_not_encoded)
{
    struct blob b = blob_hex("01000000 00 01 " OUT_A "00000000");
    enum ptd_err err;
    struct ptd_msg *m;

    ck_assert_int_eq(decode_copy(&m, PTD_MSG_TX, b.p, b.n, &codec_base, NULL),
                     PTD_OK);
    ck_assert_uint_eq(ptd_msg_encoded_bytes(m, &codec_witness, &err), 0);
    ck_assert_int_eq(err, PTD_EBADVALUE);
    blob_free(&b);
    ptd_msg_free(m);
}
END_TEST

/* The maker may set the flag or forget it: the items decide. */
START_TEST(tx_of_our_own_encodes_by_its_items)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_TX);
    struct ptd_tx *tx = &PTD_MSG_AS(tx, m)->tx;
    struct blob with, without;
    struct ptd_bytes *items;

    tx->n_in = 1;
    tx->in = ptd_msg_alloc(m, 1, sizeof *tx->in);
    items = ptd_msg_alloc(m, 1, sizeof *items);
    ck_assert_int_eq(ptd_msg_copy_bytes(m, items, "abc", 3), PTD_OK);
    tx->has_witness = true;
    without = encode_all(m, &codec_witness);
    tx->has_witness = false;
    tx->in[0].witness = items;
    tx->in[0].n_witness = 1;
    with = encode_all(m, &codec_witness);
    ck_assert_uint_eq(with.n, without.n + 2 + 1 + 4);
    check_codec(PTD_MSG_TX, with.p, with.n, &codec_witness);
    check_codec(PTD_MSG_TX, without.p, without.n, &codec_witness);
    blob_free(&with);
    blob_free(&without);
    ptd_msg_free(m);
}
END_TEST

/* ---- memory ------------------------------------------------------------------ */

START_TEST(hostile_tx_takes_no_memory_for_what_it_claims)
{
    struct blob b = blob_hex(rows[_i].hex);
    const struct ptd_codec cx = { 70016, rows[_i].encoding, true };
    struct test_mem t;
    struct ptd_msg *m;

    test_mem_init(&t);
    if (ptd_msg_decode_from(&m, PTD_MSG_TX, b.p, b.n, NULL, &t.mem, &cx,
                            NULL) == PTD_OK)
        ptd_msg_free(m);
    ck_assert_uint_eq(t.out_bytes, 0);
    ck_assert_uint_le(t.peak_bytes, 2048);
    blob_free(&b);
}
END_TEST

TCase *tcase_tx(void)
{
    TCase *tc = tcase_create("tx");

    tcase_add_loop_test(tc, tx_decodes_and_encodes_or_tells_its_error, 0,
                        PTD_COUNT(rows));
    tcase_add_loop_test(tc, tx_encodes_from_its_fields, 0, PTD_COUNT(rows));
    tcase_add_test(tc, tx_fields_are_what_the_bytes_say);
    tcase_add_test(tc, genesis_has_its_txid);
    tcase_add_test(tc, txid_leaves_the_witness_out_and_wtxid_does_not);
    tcase_add_test(tc, tx_received_with_witness_goes_out_without);
    tcase_add_test(tc, tx_that_would_read_as_another_is_not_encoded);
    tcase_add_test(tc, tx_of_our_own_encodes_by_its_items);
    tcase_add_loop_test(tc, hostile_tx_takes_no_memory_for_what_it_claims, 0,
                        PTD_COUNT(rows));
    return tc;
}
