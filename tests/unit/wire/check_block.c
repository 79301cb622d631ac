#include <config.h>

#include "check_wire.h"

#include <stdlib.h>

#include <stdio.h>

#include "base/bytes.h"
#include "base/util.h"

/* ---- whole blocks of the main network ---------------------------------------- */

static const struct {
    const char *file, *hash;
    bool has_witness;
} blocks[] = {
    { "blocks/mainnet-413567.blk",
      "0000000000000000025aff8be8a55df8f89c77296db6198f272d6577325d4069",
      false },
    { "blocks/mainnet-00000000000000000021868c.blk",
      "00000000000000000021868c2cefc52a480d173c849412fe81c4e5ab806f94ab",
      true },
};

static struct ptd_msg *decode_block(const struct blob *b)
{
    struct ptd_wire_error why;
    struct ptd_msg *m;
    char text[200];
    enum ptd_err err =
        decode_copy(&m, PTD_MSG_BLOCK, b->p, b->n, &codec_strict, &why);

    ck_assert_msg(err == PTD_OK, "%s",
                  ptd_wire_error_text(&why, text, sizeof text));
    return m;
}

static void check_merkle_root(const struct ptd_msg_block *b)
{
    struct ptd_hash root;
    bool mutated;

    ck_assert_int_eq(ptd_block_merkle_root(b, &root, &mutated), PTD_OK);
    ck_assert(ptd_hash_eq(&root, &b->header.merkle_root));
    ck_assert(!mutated);
}

/* Forget the received bytes, block and transactions, so that all is made anew
 * from the fields. */
static void forget_raw(struct ptd_msg_block *b)
{
    b->raw.n = 0;
    for (uint32_t i = 0; i < b->n_tx; i++)
        b->tx[i].raw.n = 0;
}

static struct blob encode_fields(const struct ptd_msg *m,
                                 const struct ptd_codec *cx)
{
    struct ptd_writer w;
    struct blob b;

    ptd_writer_init(&w, NULL, 0);
    ptd_codec_block.encode(m, &w, cx);
    ck_assert_int_eq(w.err, PTD_OK);
    b.n = w.n;
    b.p = malloc(b.n);
    ck_assert_ptr_nonnull(b.p);
    ptd_writer_init(&w, b.p, b.n);
    ptd_codec_block.encode(m, &w, cx);
    ck_assert_int_eq(w.err, PTD_OK);
    ck_assert_uint_eq(w.n, b.n);
    return b;
}

START_TEST(block_hashes_and_roots_are_the_real_ones)
{
    struct blob b = blob_vector(blocks[_i].file);
    struct ptd_msg_block *block;
    char hex[PTD_HASH_HEX_SIZE];
    struct ptd_hash hash;

    if (b.p == NULL)
        return;
    block = PTD_MSG_AS(block, decode_block(&b));
    ptd_block_header_hash(&block->header, &hash);
    ck_assert_str_eq(ptd_hash_to_hex(&hash, hex), blocks[_i].hash);
    check_merkle_root(block);
    ck_assert_int_eq(ptd_block_check_witness(block), PTD_OK);
    ck_assert(ptd_block_witness_commitment(block, &hash) ==
              blocks[_i].has_witness);
    forget_raw(block);
    check_merkle_root(block);
    ck_assert_int_eq(ptd_block_check_witness(block), PTD_OK);
    ptd_msg_free(&block->msg);
    blob_free(&b);
}
END_TEST

START_TEST(block_encodes_from_its_fields_byte_for_byte)
{
    struct blob b = blob_vector(blocks[_i].file), again;
    struct ptd_msg *m;

    if (b.p == NULL)
        return;
    m = decode_block(&b);
    again = encode_all(m, &codec_witness);
    ck_assert(again.n == b.n && memcmp(again.p, b.p, b.n) == 0);
    blob_free(&again);
    forget_raw(PTD_MSG_AS(block, m));
    again = encode_fields(m, &codec_witness);
    ck_assert(again.n == b.n && memcmp(again.p, b.p, b.n) == 0);
    blob_free(&again);
    ptd_msg_free(m);
    blob_free(&b);
}
END_TEST

START_TEST(block_without_its_witness_keeps_its_merkle_root)
{
    struct blob b = blob_vector(blocks[_i].file), base;
    const struct ptd_codec strict_base = { 70016, PTD_ENC_BASE, true };
    struct ptd_msg *m;

    if (b.p == NULL)
        return;
    m = decode_block(&b);
    base = encode_all(m, &codec_base);
    ptd_msg_free(m);
    ck_assert_int_eq(base.n < b.n, blocks[_i].has_witness);
    ck_assert_int_eq(
        decode_copy(&m, PTD_MSG_BLOCK, base.p, base.n, &strict_base, NULL),
        PTD_OK);
    check_merkle_root(PTD_MSG_CONST(block, m));
    /* The commitment is there, and what it commits to is not. */
    ck_assert_int_eq(ptd_block_check_witness(PTD_MSG_CONST(block, m)),
                     blocks[_i].has_witness ? PTD_EBADVALUE : PTD_OK);
    ptd_msg_free(m);
    blob_free(&base);
    blob_free(&b);
}
END_TEST

START_TEST(block_cut_anywhere_fails_cleanly)
{
    struct blob b = blob_vector(blocks[_i].file);

    if (b.p == NULL)
        return;
    check_codec(PTD_MSG_BLOCK, b.p, b.n, &codec_witness);
    blob_free(&b);
}
END_TEST

START_TEST(block_takes_memory_in_proportion)
{
    struct blob b = blob_vector(blocks[_i].file);
    struct test_mem t;
    struct ptd_msg *m;

    if (b.p == NULL)
        return;
    test_mem_init(&t);
    ck_assert_int_eq(ptd_msg_decode_from(&m, PTD_MSG_BLOCK, b.p, b.n, NULL,
                                         &t.mem, &codec_witness, NULL),
                     PTD_OK);
    ck_assert_uint_le(t.peak_bytes, 3 * b.n);
    ck_assert_uint_ge(ptd_msg_memory_bytes(m), b.n);
    ck_assert_uint_le(ptd_msg_memory_bytes(m), t.out_bytes);
    ptd_msg_free(m);
    ck_assert_uint_eq(t.out_bytes, 0);

    /* Cut off before its last byte it takes no more than its copy. */
    test_mem_init(&t);
    ck_assert_int_eq(ptd_msg_decode_from(&m, PTD_MSG_BLOCK, b.p, b.n - 1, NULL,
                                         &t.mem, &codec_witness, NULL),
                     PTD_ESHORT);
    ck_assert_uint_le(t.peak_bytes, b.n + 1024);
    ck_assert_uint_eq(t.out_bytes, 0);
    blob_free(&b);
}
END_TEST

START_TEST(first_255_blocks_decode_encode_and_chain)
{
    static const char genesis[] =
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
    struct blob file = blob_vector("blocks/mainnet-1-to-255.dat");
    struct ptd_hash prev;
    size_t at = 0, n_blocks = 0;

    if (file.p == NULL)
        return;
    ck_assert(ptd_hash_from_hex(&prev, genesis));
    while (at < file.n) {
        struct blob b;
        struct ptd_msg *m;

        ck_assert_uint_ge(file.n - at, 8);
        b = blob_copy(file.p + at + 8, ptd_get_le32(file.p + at + 4));
        at += 8 + b.n;
        ck_assert_uint_le(at, file.n);
        check_codec(PTD_MSG_BLOCK, b.p, b.n, &codec_witness);
        m = decode_block(&b);
        ck_assert(ptd_hash_eq(&PTD_MSG_CONST(block, m)->header.prev, &prev));
        ptd_block_header_hash(&PTD_MSG_CONST(block, m)->header, &prev);
        check_merkle_root(PTD_MSG_CONST(block, m));
        ptd_msg_free(m);
        blob_free(&b);
        n_blocks++;
    }
    ck_assert_uint_eq(n_blocks, 255);
    blob_free(&file);
}
END_TEST

/* ---- small ones of our own ------------------------------------------------------ */

#define HASH_A                                                                 \
    "1111111111111111111111111111111111111111111111111111111111111111"
#define HASH_B                                                                 \
    "2222222222222222222222222222222222222222222222222222222222222222"
#define HEADER   "01000000 " HASH_A HASH_B "29ab5f49 ffff001d 1dac2b7c "
#define EMPTY_TX "01000000 00 00 00000000 "

static const struct {
    const char *name;
    enum ptd_msg_type type;
    const char *hex;
    enum ptd_err err;
} rows[] = {
    { "block without transactions", PTD_MSG_BLOCK, HEADER "00", PTD_OK },
    { "block of two", PTD_MSG_BLOCK, HEADER "02 " EMPTY_TX EMPTY_TX, PTD_OK },
    { "block with 2^63 transactions", PTD_MSG_BLOCK,
      HEADER "ff0000000000000080 " EMPTY_TX, PTD_ETOOBIG },
    { "block whose count its bytes cannot hold", PTD_MSG_BLOCK,
      HEADER "03 " EMPTY_TX EMPTY_TX, PTD_ESHORT },
    { "no headers", PTD_MSG_HEADERS, "00", PTD_OK },
    { "two headers", PTD_MSG_HEADERS, "02 " HEADER "00 " HEADER "00", PTD_OK },
    { "header with transactions", PTD_MSG_HEADERS, "01 " HEADER "01",
      PTD_EBADVALUE },
    { "2001 headers", PTD_MSG_HEADERS, "fdd107 " HEADER "00", PTD_ETOOBIG },
    { "headers that the bytes cannot hold", PTD_MSG_HEADERS,
      "fdd007 " HEADER "00", PTD_ESHORT },
    { "merkleblock", PTD_MSG_MERKLEBLOCK,
      HEADER "07000000 02 " HASH_A HASH_B "01 1d", PTD_OK },
    { "merkleblock of nothing", PTD_MSG_MERKLEBLOCK, HEADER "00000000 00 00",
      PTD_OK },
    { "merkleblock with 2^32 hashes", PTD_MSG_MERKLEBLOCK,
      HEADER "07000000 ff0000000001000000 " HASH_A "01 1d", PTD_ETOOBIG },
    { "merkleblock whose hashes do not fit", PTD_MSG_MERKLEBLOCK,
      HEADER "07000000 03 " HASH_A HASH_B "01 1d", PTD_ESHORT },
    { "merkleblock with 2^24 flag bytes", PTD_MSG_MERKLEBLOCK,
      HEADER "07000000 01 " HASH_A "fe00000001 1d", PTD_ETOOBIG },
};

START_TEST(small_ones_decode_or_tell_their_error)
{
    struct blob b = blob_hex(rows[_i].hex);
    struct ptd_wire_error why;
    struct test_mem t;
    struct ptd_msg *m;
    enum ptd_err err;
    char text[200];

    if (rows[_i].err == PTD_OK)
        check_codec(rows[_i].type, b.p, b.n, &codec_witness);
    test_mem_init(&t);
    err = ptd_msg_decode_from(&m, rows[_i].type, b.p, b.n, NULL, &t.mem,
                              &codec_strict, &why);
    ck_assert_msg(err == rows[_i].err, "%s: %s", rows[_i].name,
                  ptd_wire_error_text(&why, text, sizeof text));
    if (err == PTD_OK)
        ptd_msg_free(m);
    ck_assert_uint_eq(t.out_bytes, 0);
    ck_assert_uint_le(t.peak_bytes, 2048);
    blob_free(&b);
}
END_TEST

START_TEST(transaction_counts_of_headers_are_overlooked)
{
    struct ptd_msg *m =
        decode_hex(PTD_MSG_HEADERS, "02 " HEADER "fdffff " HEADER "01");
    struct blob b = encode_all(m, &codec_witness),
                want = blob_hex("02 " HEADER "00 " HEADER "00");

    ck_assert_uint_eq(PTD_MSG_CONST(headers, m)->n, 2);
    ck_assert_uint_eq(b.n, want.n);
    ck_assert_mem_eq(b.p, want.p, b.n);
    blob_free(&b);
    blob_free(&want);
    ptd_msg_free(m);
}
END_TEST

START_TEST(headers_of_our_own_decode_to_the_same)
{
    struct ptd_block_header *list = calloc(2001, sizeof *list);
    struct ptd_msg *m, *got;
    struct blob b;

    ck_assert_ptr_nonnull(list);
    for (uint32_t i = 0; i < 2000; i++) {
        list[i].version = -(int32_t)i;
        list[i].prev.b[i % 32] = 7;
        list[i].merkle_root.b[31] = (uint8_t)i;
        list[i].time = i;
        list[i].bits = 2 * i;
        list[i].nonce = 3 * i;
    }
    ck_assert_ptr_null(ptd_msg_new_headers(list, 2001));
    m = ptd_msg_new_headers(list, 2000);
    ck_assert_ptr_nonnull(m);
    b = encode_all(m, &codec_base);
    ck_assert_uint_le(b.n, ptd_msg_max_payload(PTD_MSG_HEADERS, 70016));
    check_codec(PTD_MSG_HEADERS, b.p, b.n, &codec_base);
    ck_assert_int_eq(
        decode_copy(&got, PTD_MSG_HEADERS, b.p, b.n, &codec_strict, NULL),
        PTD_OK);
    ck_assert_uint_eq(PTD_MSG_CONST(headers, got)->n, 2000);
    ck_assert_mem_eq(PTD_MSG_CONST(headers, got)->list, list,
                     2000 * sizeof *list);
    ptd_msg_free(got);
    ptd_msg_free(m);
    blob_free(&b);
    free(list);
}
END_TEST

START_TEST(block_with_two_equal_neighbours_is_reported)
{
    struct blob b = blob_hex(HEADER "02 " EMPTY_TX EMPTY_TX);
    struct ptd_msg *m = decode_block(&b);
    struct ptd_hash root;
    bool mutated = false;

    ck_assert_int_eq(
        ptd_block_merkle_root(PTD_MSG_CONST(block, m), &root, &mutated),
        PTD_OK);
    ck_assert(mutated);
    ptd_msg_free(m);
    blob_free(&b);
}
END_TEST

TCase *tcase_block(void)
{
    TCase *tc = tcase_create("block");

    tcase_add_loop_test(tc, block_hashes_and_roots_are_the_real_ones, 0,
                        PTD_COUNT(blocks));
    tcase_add_loop_test(tc, block_encodes_from_its_fields_byte_for_byte, 0,
                        PTD_COUNT(blocks));
    tcase_add_loop_test(tc, block_without_its_witness_keeps_its_merkle_root, 0,
                        PTD_COUNT(blocks));
    tcase_add_loop_test(tc, block_cut_anywhere_fails_cleanly, 0,
                        PTD_COUNT(blocks));
    tcase_add_loop_test(tc, block_takes_memory_in_proportion, 0,
                        PTD_COUNT(blocks));
    tcase_add_test(tc, first_255_blocks_decode_encode_and_chain);
    tcase_add_loop_test(tc, small_ones_decode_or_tell_their_error, 0,
                        PTD_COUNT(rows));
    tcase_add_test(tc, transaction_counts_of_headers_are_overlooked);
    tcase_add_test(tc, headers_of_our_own_decode_to_the_same);
    tcase_add_test(tc, block_with_two_equal_neighbours_is_reported);
    return tc;
}
