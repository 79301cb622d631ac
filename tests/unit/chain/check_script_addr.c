#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/util.h"
#include "chain/script_addr.h"
#include "check_chain.h"
#include "support/support.h"

/* BIPs 173 and 350, and the usual examples. */
static const struct {
    const char *net, *address, *script, *type;
} good[] = {
    { "main", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
      "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac", "pubkeyhash" },
    { "main", "1111111111111111111114oLvT2",
      "76a914000000000000000000000000000000000000000088ac", "pubkeyhash" },
    { "main", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG",
      "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87", "scripthash" },
    { "regtest", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
      "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac", "pubkeyhash" },
    { "main", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
      "0014751e76e8199196d454941c45d1b3a323f1433bd6", "witness_v0_keyhash" },
    { "test", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
      "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
      "witness_v0_scripthash" },
    { "main",
      "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd"
      "6y",
      "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3"
      "a323f1433bd6",
      "witness_unknown" },
    { "main", "BC1SW50QGDZ25J", "6002751e", "witness_unknown" },
    { "main", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
      "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
      "witness_v1_taproot" },
    { "main", "bc1pfeessrawgf", "51024e73", "anchor" },
};

START_TEST(addresses_and_scripts_stand_for_each_other)
{
    const struct ptd_params *p = ptd_params_by_name(good[_i].net);
    struct support_bytes want = support_hex(good[_i].script);
    char out[PTD_ADDRESS_SIZE], why[PTD_ADDRESS_WHY_SIZE];
    struct ptd_script s;

    ck_assert_msg(ptd_address_decode(&s, p, good[_i].address, why) == PTD_OK,
                  "%s: %s", good[_i].address, why);
    ck_assert_uint_eq(s.n, want.n);
    ck_assert_mem_eq(s.b, want.p, want.n);
    ck_assert(ptd_address_encode(out, p, s.b, s.n));
    for (size_t i = 0; out[i] != '\0'; i++)
        ck_assert(out[i] == good[_i].address[i] ||
                  out[i] == good[_i].address[i] + ('a' - 'A'));
    ck_assert_uint_eq(strlen(out), strlen(good[_i].address));
    ck_assert_str_eq(ptd_script_type(s.b, s.n), good[_i].type);
    support_free(&want);
}
END_TEST

static const struct {
    const char *net, *address, *why;
} bad[] = {
    { "main", "",
      "Invalid checksum or length of Base58 address (P2PKH or P2SH)" },
    { "main", "0",
      "Invalid or unsupported Segwit (Bech32) or Base58 encoding." },
    { "main", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
      "Invalid checksum or length of Base58 address (P2PKH or P2SH)" },
    { "main", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
      "Invalid or unsupported Base58-encoded address." },
    { "regtest", "bcrt1q049edschfnwystcqnsvyfpj23mpsg3jcedq9xv00",
      "Invalid checksum" },
    { "regtest", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygtb80",
      "Invalid Base 32 character" },
    { "main", "bc1", "Invalid separator position" },
    { "main", "bcq", "Missing separator" },
    { "main", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
      "Invalid Bech32 checksum" },
    { "main", "bc1QW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
      "Invalid character or mixed case" },
    { "main", "bc1gmk9yu", "Empty Bech32 data section" },
    { "main", "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
      "Invalid Base 32 character" },
    { "main", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
      "Version 1+ witness address must use Bech32m checksum" },
    { "main", "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
      "Invalid Bech32 v0 address program size (16 bytes), per BIP141" },
    { "main", "bc1pw5dgrnzv", "Invalid Bech32 address program size (1 byte)" },
    { "main", "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
      "Invalid Bech32 address witness version" },
    { "main", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
      "Version 0 witness address must use Bech32 checksum" },
};

START_TEST(wrong_addresses_are_refused_in_the_usual_words)
{
    char why[PTD_ADDRESS_WHY_SIZE];
    struct ptd_script s;

    ck_assert_int_eq(ptd_address_decode(&s, ptd_params_by_name(bad[_i].net),
                                        bad[_i].address, why),
                     PTD_EBADVALUE);
    ck_assert_msg(strcmp(why, bad[_i].why) == 0 ||
                      (strncmp(bad[_i].why, "Invalid", 7) == 0 &&
                       strstr(why, "checksum") != NULL &&
                       strstr(bad[_i].why, "checksum") != NULL),
                  "%s: %s", bad[_i].address, why);
}
END_TEST

START_TEST(errors_are_located)
{
    static const char right[] = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    char text[sizeof right], long_[120];
    int out[40];
    size_t n;

    ck_assert_str_eq(ptd_bech32_locate_errors(out, &n, 40, right), "");
    for (size_t i = 4; i + 1 < sizeof right; i++) {
        strcpy(text, right);
        text[i] = charset[(strchr(charset, right[i]) - charset + 5) % 32];
        ptd_bech32_locate_errors(out, &n, 40, text);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(out[0], (int)i);
        if (i + 9 < sizeof right) {
            size_t k = i + 7;

            text[k] = charset[(strchr(charset, right[k]) - charset + 9) % 32];
            ptd_bech32_locate_errors(out, &n, 40, text);
            ck_assert_uint_eq(n, 2);
            ck_assert_int_eq(out[0], (int)i);
            ck_assert_int_eq(out[1], (int)k);
        }
    }
    memset(long_, 'q', sizeof long_);
    long_[3] = '1';
    long_[100] = '\0';
    ck_assert_str_eq(ptd_bech32_locate_errors(out, &n, 40, long_),
                     "Bech32 string too long");
    ck_assert_uint_eq(n, 10);
    ck_assert_int_eq(out[0], 90);
}
END_TEST

static const struct {
    const char *script, *type;
} types[] = {
    { "", "nonstandard" },
    { "51", "nonstandard" },
    { "6a", "nulldata" },
    { "6a0401020304", "nulldata" },
    { "6a04010203", "nonstandard" },
    { "6aac", "nonstandard" },
    { "2102000000000000000000000000000000000000000000000000000000000000000"
      "1ac",
      "pubkey" },
    { "2105000000000000000000000000000000000000000000000000000000000000000"
      "1ac",
      "nonstandard" },
    { "51210200000000000000000000000000000000000000000000000000000000000000"
      "0151ae",
      "multisig" },
    { "52210200000000000000000000000000000000000000000000000000000000000000"
      "0151ae",
      "nonstandard" },
    { "51ae", "nonstandard" },
    { "ae", "nonstandard" },
    { "00020102", "nonstandard" },
};

START_TEST(scripts_have_types)
{
    struct support_bytes s = support_hex(types[_i].script);
    char out[PTD_ADDRESS_SIZE];

    ck_assert_str_eq(ptd_script_type(s.p, s.n), types[_i].type);
    ck_assert(!ptd_address_encode(out, ptd_params_by_name("main"), s.p, s.n));
    support_free(&s);
}
END_TEST

/* BIP 380's examples of checksums, and errors. */
static const struct {
    const char *text, *script, *why;
} descriptors[] = {
    { "raw(deadbeef)#89f8spxm", "deadbeef", NULL },
    { "raw(deadbeef)", "deadbeef", NULL },
    { "raw(deadbeef)#", NULL,
      "Expected 8 character checksum, not 0 characters" },
    { "raw(deadbeef)#89f8spxmx", NULL,
      "Expected 8 character checksum, not 9 characters" },
    { "raw(deadbeef)#89f8spx", NULL,
      "Expected 8 character checksum, not 7 characters" },
    { "raw(dedbeef)#89f8spxm", NULL,
      "Provided checksum '89f8spxm' does not match computed checksum "
      "'" },
    { "raw(deadbeef)##9f8spxm", NULL, "Multiple '#' symbols" },
    { "raw(\xc3\x9c)#00000000", NULL, "Invalid characters in payload" },
    { "raw(dead1)", NULL, "Raw script is not hex" },
    { "raw()", NULL, "Raw script is not hex" },
    { "addr(mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn)",
      "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac", NULL },
    { "addr(asdf)", NULL, "Address is not valid" },
    { "addr(", NULL, "'addr(' is not a valid descriptor function" },
    { "tr(abc)", NULL, "'tr(abc)' is not a valid descriptor function" },
    { "", NULL, "'' is not a valid descriptor function" },
};

START_TEST(descriptors_give_scripts)
{
    char why[PTD_ADDRESS_WHY_SIZE], hex[200];
    uint8_t *script;
    size_t n;
    enum ptd_err e = ptd_descriptor_decode(
        &script, &n, ptd_params_by_name("regtest"), descriptors[_i].text, why);

    if (descriptors[_i].script != NULL) {
        ck_assert_msg(e == PTD_OK, "%s: %s", descriptors[_i].text, why);
        ck_assert_str_eq(ptd_hex_encode(hex, script, n),
                         descriptors[_i].script);
        ptd_free(script);
    } else {
        ck_assert_int_eq(e, PTD_EBADVALUE);
        ck_assert_msg(
            strncmp(why, descriptors[_i].why, strlen(descriptors[_i].why)) == 0,
            "%s: %s", descriptors[_i].text, why);
    }
}
END_TEST

/* Whatever people type: an answer, and no byte outside. */
START_TEST(rubbish_is_refused_quietly)
{
    char text[130];
    struct ptd_script s;
    uint8_t *script;
    size_t n;

    srand(5);
    for (int i = 0; i < 3000; i++) {
        size_t size = (size_t)rand() % (sizeof text - 1);

        for (size_t k = 0; k < size; k++)
            text[k] = (char)(1 + rand() % 255);
        if (i % 2 && size > 8)
            memcpy(text, i % 4 == 1 ? "bcrt1qqq" : "raw(00#q", 8);
        text[size] = '\0';
        (void)!ptd_address_decode(&s, ptd_params_by_name("regtest"), text,
                                  NULL);
        if (ptd_descriptor_decode(&script, &n, ptd_params_by_name("regtest"),
                                  text, NULL) == PTD_OK)
            ptd_free(script);
        ptd_script_type((uint8_t *)text, size);
    }
}
END_TEST

Suite *suite_script_addr(void)
{
    Suite *s = suite_create("addresses");
    TCase *tc = tcase_create("addresses");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, addresses_and_scripts_stand_for_each_other, 0,
                        PTD_COUNT(good));
    tcase_add_loop_test(tc, wrong_addresses_are_refused_in_the_usual_words, 0,
                        PTD_COUNT(bad));
    tcase_add_test(tc, errors_are_located);
    tcase_add_loop_test(tc, scripts_have_types, 0, PTD_COUNT(types));
    tcase_add_loop_test(tc, descriptors_give_scripts, 0,
                        PTD_COUNT(descriptors));
    tcase_add_test(tc, rubbish_is_refused_quietly);
    suite_add_tcase(s, tc);
    return s;
}
