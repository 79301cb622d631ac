#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/util.h"
#include "crypto/hmac.h"
#include "crypto/merkle.h"
#include "crypto/murmur3.h"
#include "crypto/sha256.h"
#include "crypto/sha3.h"
#include "crypto/siphash.h"
#include "support/support.h"

static void expect_hex(const uint8_t *got, size_t n, const char *want,
                       const char *name)
{
    char hex[129];

    ck_assert_uint_le(n, 64);
    ptd_hex_encode(hex, got, n);
    ck_assert_msg(strcmp(hex, want) == 0, "%s: %s, not %s", name, hex, want);
}

/* ---- SHA-256 -------------------------------------------------------- */

/* FIPS 180-4's examples; double hashes of the same. */
static const struct {
    const char *in;
    size_t times; /* in is repeated */
    const char *once, *twice;
} sha_rows[] = {
    { "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456" },
    { "abc", 1,
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      "0cffe17f68954dac3a84fb1458bd5ec99209449749b2b308b7cb55812f9563af" },
    { "a", 1000000,
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
      "80d1189477563e1b5206b2749f1afe4807e5705e8bd77887a60187a712156688" },
    { "hello", 1,
      "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
      "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50" },
};

static struct support_bytes repeat(const char *in, size_t times)
{
    size_t one = strlen(in);
    struct support_bytes b = { malloc(one * times + 1), one * times };

    ck_assert_ptr_nonnull(b.p);
    for (size_t i = 0; i < times; i++)
        memcpy(b.p + i * one, in, one);
    return b;
}

START_TEST(sha256_gives_published_values)
{
    struct support_bytes b = repeat(sha_rows[_i].in, sha_rows[_i].times);
    uint8_t out[32];

    ptd_sha256(out, b.p, b.n);
    expect_hex(out, 32, sha_rows[_i].once, sha_rows[_i].in);
    ptd_sha256d(out, b.p, b.n);
    expect_hex(out, 32, sha_rows[_i].twice, sha_rows[_i].in);
    support_free(&b);
}
END_TEST

START_TEST(sha256d_is_the_same_in_pieces_of_any_size)
{
    struct support_bytes b = repeat("0123456789abcdef!", 40);
    struct ptd_sha256d s;
    uint8_t want[32], out[32];

    ptd_sha256d(want, b.p, b.n);
    ck_assert_int_eq(ptd_sha256d_init(&s), PTD_OK);
    for (size_t step = 1; step <= b.n; step += 7) {
        struct ptd_piece pieces[2] = { { b.p, step },
                                       { b.p + step, b.n - step } };

        for (size_t at = 0; at < b.n; at += step)
            ptd_sha256d_update(&s, b.p + at, PTD_MIN(step, b.n - at));
        ptd_sha256d_final(&s, out);
        ck_assert_mem_eq(out, want, 32);
        ptd_sha256d_pieces(out, pieces, 2);
        ck_assert_mem_eq(out, want, 32);
    }
    ptd_sha256d_fini(&s);
    support_free(&b);
}
END_TEST

START_TEST(sha256d_in_progress_is_not_disturbed_by_others)
{
    struct ptd_sha256d a, b;
    uint8_t out[32];

    ck_assert_int_eq(ptd_sha256d_init(&a), PTD_OK);
    ck_assert_int_eq(ptd_sha256d_init(&b), PTD_OK);
    ptd_sha256d_update(&a, "he", 2);
    ptd_sha256d_update(&b, "a", 1);
    ptd_sha256d(out, "xyz", 3);
    ptd_sha256d_update(&a, "llo", 3);
    ptd_sha256d_update(&b, "bc", 2);
    ptd_sha256d_final(&a, out);
    expect_hex(out, 32, sha_rows[4].twice, "hello");
    ptd_sha256d_final(&b, out);
    expect_hex(out, 32, sha_rows[1].twice, "abc");

    /* Begins anew after final, and after reset. */
    ptd_sha256d_update(&a, "junk", 4);
    ptd_sha256d_reset(&a);
    ptd_sha256d_update(&a, "abc", 3);
    ptd_sha256d_final(&a, out);
    expect_hex(out, 32, sha_rows[1].twice, "abc");
    ptd_sha256d_final(&a, out);
    expect_hex(out, 32, sha_rows[0].twice, "nothing");
    ptd_sha256d_fini(&a);
    ptd_sha256d_fini(&a);
    ptd_sha256d_fini(&b);
}
END_TEST

START_TEST(sha256d_may_be_written_over_its_input)
{
    uint8_t buf[64] = "abc";

    ptd_sha256d(buf, buf, 3);
    expect_hex(buf, 32, sha_rows[1].twice, "abc");
}
END_TEST

START_TEST(sha3_256_gives_published_values)
{
    uint8_t out[32];

    ck_assert_int_eq(ptd_sha3_256(out, "", 0), PTD_OK);
    expect_hex(
        out, 32,
        "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
        "nothing");
    ck_assert_int_eq(ptd_sha3_256(out, "abc", 3), PTD_OK);
    expect_hex(
        out, 32,
        "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
        "abc");
}
END_TEST

/* ---- merkle trees --------------------------------------------------- */

/* Transactions of mainnet block 100000, and its merkle root. */
static const char *const txids[] = {
    "8c14f0db3df150123e6f3dbbf30f8b955a8249b62ac1d1ff16284aefa3d06d87",
    "fff2525b8931402dd09222c50775608f75787bd2b87e56995a7bdd30f79702c4",
    "6359f0868171b1d194cbee1af2f16ea598ae8fad666d9b012c8ed2b79a236ec4",
    "e9a66845e05d5abc0ad04ec80f774a7e585c6e8db975962d069a522137b80c1d",
};
static const char root_of_4[] =
    "f3e94742aca4b5ef85488dc37c06c3282295ffec960994b2c0d5ac2a25a95766";

static struct ptd_hash hash(const char *hex)
{
    struct ptd_hash h;

    ck_assert(ptd_hash_from_hex(&h, hex));
    return h;
}

START_TEST(merkle_root_is_that_of_a_real_block)
{
    struct ptd_hash list[4], root;
    char hex[PTD_HASH_HEX_SIZE];

    for (size_t i = 0; i < 4; i++)
        list[i] = hash(txids[i]);
    ck_assert(ptd_merkle_root(&root, list, 4));
    ck_assert_str_eq(ptd_hash_to_hex(&root, hex), root_of_4);
}
END_TEST

START_TEST(merkle_root_of_none_is_zero_and_of_one_is_itself)
{
    struct ptd_hash one = hash(txids[0]), want = one, root;

    ck_assert(ptd_merkle_root(&root, &one, 1));
    ck_assert(ptd_hash_eq(&root, &want));
    ck_assert(ptd_merkle_root(&root, NULL, 0));
    ck_assert(ptd_hash_is_zero(&root));
}
END_TEST

START_TEST(merkle_root_pairs_an_odd_one_with_itself)
{
    struct ptd_hash list[3], left, right, want, root;

    for (size_t i = 0; i < 3; i++)
        list[i] = hash(txids[i]);
    ptd_merkle_pair(&left, &list[0], &list[1]);
    ptd_merkle_pair(&right, &list[2], &list[2]);
    ptd_merkle_pair(&want, &left, &right);
    ck_assert(ptd_merkle_root(&root, list, 3));
    ck_assert(ptd_hash_eq(&root, &want));
}
END_TEST

/* CVE-2012-2459: 1 2 3 and 1 2 3 3 have one root; so have 1 2 3 4 5 6 and
 * 1 2 3 4 5 6 5 6. */
static const struct {
    unsigned n, twin[8], n_twin;
} twin_rows[] = {
    { 3, { 0, 1, 2, 2 }, 4 },
    { 6, { 0, 1, 2, 3, 4, 5, 4, 5 }, 8 },
};

START_TEST(merkle_root_tells_lists_that_share_a_root_with_another)
{
    struct ptd_hash list[8], root, twin_root;

    for (unsigned i = 0; i < twin_rows[_i].n; i++)
        memset(&list[i], (int)i + 1, sizeof list[i]);
    ck_assert(ptd_merkle_root(&root, list, twin_rows[_i].n));
    for (unsigned i = 0; i < twin_rows[_i].n_twin; i++)
        memset(&list[i], (int)twin_rows[_i].twin[i] + 1, sizeof list[i]);
    ck_assert(!ptd_merkle_root(&twin_root, list, twin_rows[_i].n_twin));
    ck_assert(ptd_hash_eq(&root, &twin_root));
}
END_TEST

/* ---- SipHash -------------------------------------------------------- */

/* The reference's key 00 01 … 0f; its vectors for inputs 00 01 … of some
 * lengths. */
static const struct {
    size_t n;
    uint64_t want;
} sip_rows[] = {
    { 0, UINT64_C(0x726fdb47dd0e0e31) },  { 1, UINT64_C(0x74f839c593dc67fd) },
    { 7, UINT64_C(0xab0200f58b01d137) },  { 8, UINT64_C(0x93f5f5799a932462) },
    { 15, UINT64_C(0xa129ca6149be45e5) }, { 16, UINT64_C(0x3f2acc7f57c29bdb) },
    { 32, UINT64_C(0x7127512f72f27cce) }, { 63, UINT64_C(0x958a324ceb064572) },
};

START_TEST(siphash_gives_published_values)
{
    const uint64_t k0 = UINT64_C(0x0706050403020100);
    const uint64_t k1 = UINT64_C(0x0f0e0d0c0b0a0908);
    uint8_t in[64];
    struct ptd_hash h;

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)i;
    ck_assert_uint_eq(ptd_siphash24(k0, k1, in, sip_rows[_i].n),
                      sip_rows[_i].want);
    if (sip_rows[_i].n == 32) {
        memcpy(h.b, in, 32);
        ck_assert_uint_eq(ptd_siphash24_hash(k0, k1, &h), sip_rows[_i].want);
    }
}
END_TEST

START_TEST(siphash_of_a_hash_is_that_of_its_bytes)
{
    for (unsigned i = 0; i < 100; i++) {
        struct ptd_hash h;

        ptd_sha256(h.b, &i, sizeof i);
        ck_assert_uint_eq(ptd_siphash24_hash(i, ~(uint64_t)i, &h),
                          ptd_siphash24(i, ~(uint64_t)i, h.b, 32));
    }
}
END_TEST

/* The next text between quotes, and where it ends; NULL behind the last. */
static const char *next_string(const char *at, char *out, size_t cap)
{
    size_t n = 0;

    at = strchr(at, '"');
    if (at == NULL)
        return NULL;
    for (at++; *at != '"'; at++) {
        ck_assert_uint_lt(n + 1, cap);
        out[n++] = *at;
    }
    out[n] = '\0';
    return at + 1;
}

/* One entry: its key's two numbers, its input's strings up to "expected", its
 * result. Gives the end. */
static const char *check_sip_entry(const char *at)
{
    uint8_t in[512];
    size_t n_in = 0, n;
    char text[600];
    uint64_t key[2];

    for (int i = 0; i < 2; i++) {
        at = next_string(at, text, sizeof text);
        key[i] = strtoull(text, NULL, 16);
    }
    at = next_string(at, text, sizeof text);
    ck_assert_str_eq(text, "input");
    while ((at = next_string(at, text, sizeof text)) != NULL &&
           strcmp(text, "expected") != 0) {
        ck_assert(ptd_hex_decode(in + n_in, sizeof in - n_in, &n, text));
        n_in += n;
    }
    at = next_string(at, text, sizeof text);
    ck_assert_str_eq(text, "siphash24");
    at = next_string(at, text, sizeof text);
    ck_assert_uint_eq(ptd_siphash24(key[0], key[1], in, n_in),
                      strtoull(text, NULL, 16));
    return at;
}

START_TEST(siphash_passes_the_shared_vectors)
{
    struct support_bytes file;
    const char *at;
    char *text;
    size_t n = 0;

    if (!support_vector(&file, "siphash/siphash.json"))
        return;
    text = calloc(1, file.n + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, file.p, file.n);
    for (at = text; (at = strstr(at, "\"key\"")) != NULL; n++)
        at = check_sip_entry(at + strlen("\"key\""));
    ck_assert_uint_eq(n, 146);
    free(text);
    support_free(&file);
}
END_TEST

/* ---- MurmurHash3 ---------------------------------------------------- */

/* Values that Bitcoin's implementations agree on. */
static const struct {
    uint32_t want, seed;
    const char *hex;
} murmur_rows[] = {
    { 0x00000000, 0x00000000, "" },
    { 0x6a396f08, 0xfba4c795, "" },
    { 0x81f16f39, 0xffffffff, "" },
    { 0x514e28b7, 0x00000000, "00" },
    { 0xea3f0b17, 0xfba4c795, "00" },
    { 0xfd6cf10d, 0x00000000, "ff" },
    { 0x16c6b7ab, 0x00000000, "0011" },
    { 0x8eb51c3d, 0x00000000, "001122" },
    { 0xb4471bf8, 0x00000000, "00112233" },
    { 0xe2301fa8, 0x00000000, "0011223344" },
    { 0xfc2e4a15, 0x00000000, "001122334455" },
    { 0xb074502c, 0x00000000, "00112233445566" },
    { 0x8034d2a0, 0x00000000, "0011223344556677" },
    { 0xb4698def, 0x00000000, "001122334455667788" },
};

START_TEST(murmur3_gives_published_values)
{
    struct support_bytes in = support_hex(murmur_rows[_i].hex);

    ck_assert_uint_eq(ptd_murmur3(murmur_rows[_i].seed, in.p, in.n),
                      murmur_rows[_i].want);
    support_free(&in);
}
END_TEST

/* ---- all ------------------------------------------------------------ */

/* ---- HMAC ------------------------------------------------------------ */

/* RFC 4231, test cases 1, 2, 3 and 6; empty key and text: its own value. */
static const struct {
    const char *key_hex;
    size_t key_times; /* the key is repeated */
    const char *data_hex;
    size_t data_times;
    const char *mac;
} hmac_rows[] = {
    { "0b", 20, "4869205468657265", 1,
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "4a656665", 1, "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
      1, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { "aa", 20, "dd", 50,
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { "aa", 131,
      "54657374205573696e67204c61726765"
      "72205468616e20426c6f636b2d53697a"
      "65204b6579202d2048617368204b6579204669727374",
      1, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    { "", 1, "", 1,
      "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
};

static size_t repeat_hex(uint8_t *out, size_t cap, const char *hex,
                         size_t times)
{
    struct support_bytes b = support_hex(hex);
    size_t n = b.n * times;

    ck_assert_uint_le(n, cap);
    for (size_t i = 0; i < times; i++)
        memcpy(out + i * b.n, b.p, b.n);
    support_free(&b);
    return n;
}

START_TEST(hmac_sha256_gives_published_values)
{
    uint8_t key[256], data[256], mac[32];
    size_t n_key = repeat_hex(key, sizeof key, hmac_rows[_i].key_hex,
                              hmac_rows[_i].key_times);
    size_t n = repeat_hex(data, sizeof data, hmac_rows[_i].data_hex,
                          hmac_rows[_i].data_times);

    ck_assert_int_eq(ptd_hmac_sha256(mac, key, n_key, data, n), PTD_OK);
    expect_hex(mac, sizeof mac, hmac_rows[_i].mac, "HMAC");
}
END_TEST

START_TEST(secrets_are_equal_only_if_every_byte_is)
{
    ck_assert(ptd_secret_is_equal("abc", "abc", 3));
    ck_assert(!ptd_secret_is_equal("abc", "abd", 3));
    ck_assert(!ptd_secret_is_equal("xbc", "abc", 3));
    ck_assert(ptd_secret_is_equal("abc", "abd", 2));
    ck_assert(ptd_secret_is_equal(NULL, NULL, 0));
}
END_TEST

static Suite *suite_crypto(void)
{
    Suite *s = suite_create("crypto");
    TCase *tc = tcase_create("crypto");

    tcase_set_timeout(tc, 20);
    tcase_add_loop_test(tc, sha256_gives_published_values, 0,
                        PTD_COUNT(sha_rows));
    tcase_add_test(tc, sha256d_is_the_same_in_pieces_of_any_size);
    tcase_add_loop_test(tc, hmac_sha256_gives_published_values, 0,
                        PTD_COUNT(hmac_rows));
    tcase_add_test(tc, secrets_are_equal_only_if_every_byte_is);
    tcase_add_test(tc, sha256d_in_progress_is_not_disturbed_by_others);
    tcase_add_test(tc, sha256d_may_be_written_over_its_input);
    tcase_add_test(tc, sha3_256_gives_published_values);
    tcase_add_test(tc, merkle_root_is_that_of_a_real_block);
    tcase_add_test(tc, merkle_root_of_none_is_zero_and_of_one_is_itself);
    tcase_add_test(tc, merkle_root_pairs_an_odd_one_with_itself);
    tcase_add_loop_test(tc,
                        merkle_root_tells_lists_that_share_a_root_with_another,
                        0, PTD_COUNT(twin_rows));
    tcase_add_loop_test(tc, siphash_gives_published_values, 0,
                        PTD_COUNT(sip_rows));
    tcase_add_test(tc, siphash_of_a_hash_is_that_of_its_bytes);
    tcase_add_test(tc, siphash_passes_the_shared_vectors);
    tcase_add_loop_test(tc, murmur3_gives_published_values, 0,
                        PTD_COUNT(murmur_rows));
    suite_add_tcase(s, tc);
    return s;
}

Suite *suite_threads(void);

int main(void)
{
    SRunner *runner = srunner_create(suite_crypto());
    int n_failed;

    srunner_add_suite(runner, suite_threads());
    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
