#include <config.h>

#include <check.h>
#include <string.h>

#include "base/bytes.h"
#include "base/u256.h"
#include "base/util.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "pentad/params.h"
#include "support/nth_malloc.h"
#include "support/support.h"

static const struct {
    const char *name, *magic, *genesis, *merkle_root;
    uint32_t limit_bits, interval;
    uint16_t port;
    size_t n_dns_seeds, n_seeds;
} rows[] = {
    { "main", "f9beb4d9",
      "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
      "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
      0x1d00ffff, 2016, 8333, 8, 2059 },
    { "test", "0b110907",
      "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
      "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
      0x1d00ffff, 2016, 18333, 5, 181 },
    { "testnet4", "1c163f28",
      "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
      "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e",
      0x1d00ffff, 2016, 48333, 2, 230 },
    { "signet", "0a03cf40",
      "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
      "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
      0x1e0377ae, 2016, 38333, 2, 170 },
    { "regtest", "fabfb5da",
      "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
      "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
      0x207fffff, 144, 18444, 1, 0 },
};

static void expect_hash(const struct ptd_hash *h, const char *want)
{
    char hex[PTD_HASH_HEX_SIZE];

    ck_assert_str_eq(ptd_hash_to_hex(h, hex), want);
}

START_TEST(every_network_is_found_by_name_number_and_magic)
{
    const struct ptd_params *p = ptd_params_by_name(rows[_i].name);
    struct support_bytes magic = support_hex(rows[_i].magic);

    ck_assert_ptr_nonnull(p);
    ck_assert_str_eq(p->name, rows[_i].name);
    ck_assert_int_eq(p->chain, _i);
    ck_assert_ptr_eq(ptd_params_of((enum ptd_chain)_i), p);
    ck_assert_mem_eq(p->magic, magic.p, 4);
    ck_assert_ptr_eq(ptd_params_by_magic(magic.p), p);
    ck_assert_uint_eq(p->port, rows[_i].port);
    ck_assert_uint_eq(ptd_params_retarget_interval(p), rows[_i].interval);
    support_free(&magic);
}
END_TEST

START_TEST(what_is_no_network_is_not_found)
{
    static const uint8_t magic[4] = { 0 };

    ck_assert_ptr_null(ptd_params_by_name("mainnet"));
    ck_assert_ptr_null(ptd_params_by_name(""));
    ck_assert_ptr_null(ptd_params_of(PTD_N_CHAINS));
    ck_assert_ptr_null(ptd_params_by_magic(magic));
}
END_TEST

START_TEST(genesis_block_is_recomputed_from_its_parts)
{
    const struct ptd_params *p = ptd_params_by_name(rows[_i].name);
    uint8_t header[PTD_HEADER_BYTES], block[PTD_GENESIS_MAX_BYTES];
    struct ptd_u256 target, limit = ptd_u256_from_hash(&p->pow_limit), number;
    size_t n = ptd_params_genesis_block(p, block);
    struct ptd_hash hash, txid, root;

    ptd_params_genesis_header(p, header);
    ck_assert_mem_eq(block, header, sizeof header);
    ptd_sha256d(hash.b, header, sizeof header);
    expect_hash(&hash, rows[_i].genesis);
    ck_assert(ptd_hash_eq(&hash, &p->genesis.hash));

    /* One transaction: its hash is the root. */
    ck_assert_uint_eq(block[PTD_HEADER_BYTES], 1);
    ptd_sha256d(txid.b, block + PTD_HEADER_BYTES + 1, n - PTD_HEADER_BYTES - 1);
    ck_assert(ptd_merkle_root(&root, &txid, 1));
    expect_hash(&root, rows[_i].merkle_root);
    ck_assert_mem_eq(header + 36, root.b, 32);
    ck_assert(ptd_hash_eq(&root, &p->genesis.merkle_root));

    /* It meets its own target, which is the network's limit. */
    ck_assert(ptd_u256_from_compact(&target, p->genesis.bits));
    number = ptd_u256_from_hash(&hash);
    ck_assert_int_le(ptd_u256_cmp(&number, &target), 0);
    ck_assert_int_le(ptd_u256_cmp(&target, &limit), 0);
    ck_assert_uint_eq(ptd_u256_to_compact(&limit), rows[_i].limit_bits);
    ck_assert_uint_eq(p->genesis.bits, rows[_i].limit_bits);
}
END_TEST

/* The signet's own script as a challenge must give the signet's own magic. */
START_TEST(signet_magic_follows_from_the_challenge)
{
    const struct ptd_params *signet = ptd_params_by_name("signet");
    uint8_t challenge[300] = { 0x51 };
    struct ptd_params *p;

    ck_assert_int_eq(ptd_params_new_signet(&p, signet->signet_challenge,
                                           signet->signet_challenge_size),
                     PTD_OK);
    ck_assert_mem_eq(p->magic, signet->magic, 4);
    ptd_params_free(p);

    /* OP_TRUE: SHA256d(01 51). */
    ck_assert_int_eq(ptd_params_new_signet(&p, challenge, 1), PTD_OK);
    ck_assert_mem_eq(p->magic, "\x54\xd2\x6f\xbd", 4);
    ck_assert_ptr_ne(p->signet_challenge, challenge);
    ck_assert_uint_eq(p->signet_challenge_size, 1);
    ck_assert(ptd_hash_is_zero(&p->min_chain_work));
    ck_assert(ptd_hash_is_zero(&p->assume_valid));
    ck_assert_ptr_null(p->dns_seeds[0]);
    ck_assert_uint_eq(p->seeds_size, 0);
    ck_assert(ptd_hash_eq(&p->genesis.hash, &signet->genesis.hash));
    ptd_params_free(p);
    ptd_params_free(NULL);
}
END_TEST

START_TEST(signet_challenge_has_its_length_as_a_block_writes_it)
{
    uint8_t with_size[3 + 300] = { 0xfd, 300 & 0xff, 300 >> 8 };
    uint8_t hash[32];
    struct ptd_params *p;

    memset(with_size + 3, 0x51, 300);
    ck_assert_int_eq(ptd_params_new_signet(&p, with_size + 3, 300), PTD_OK);
    ptd_sha256d(hash, with_size, sizeof with_size);
    ck_assert_mem_eq(p->magic, hash, 4);
    ptd_params_free(p);
    ck_assert_int_eq(ptd_params_new_signet(&p, with_size, 0), PTD_EINVAL);
    ck_assert_int_eq(
        ptd_params_new_signet(&p, with_size, PTD_SIGNET_CHALLENGE_MAX + 1),
        PTD_EINVAL);
}
END_TEST

START_TEST(signet_survives_lack_of_memory)
{
    struct ptd_params *p;
    enum ptd_err e;
    unsigned n;

    ck_assert_int_eq(ptd_crypto_thread_init(), PTD_OK);
    for (n = 1;; n++) {
        support_nth_malloc_arm(n);
        e = ptd_params_new_signet(&p, (const uint8_t *)"Q", 1);
        if (!support_nth_malloc_disarm())
            break;
        ck_assert_int_eq(e, PTD_ENOMEM);
    }
    ck_assert_int_eq(e, PTD_OK);
    ck_assert_uint_gt(n, 2);
    ptd_params_free(p);
}
END_TEST

/* BIP 155: network, length of its addresses. */
static size_t addr_bytes(uint8_t net)
{
    static const size_t bytes[] = { 0, 4, 16, 10, 32, 32, 16 };

    return net < PTD_COUNT(bytes) ? bytes[net] : 0;
}

START_TEST(fixed_seeds_are_whole_and_well_formed)
{
    const struct ptd_params *p = ptd_params_by_name(rows[_i].name);
    size_t at = 0, n = 0;
    struct ptd_seed s;

    for (; ptd_params_next_seed(p, &at, &s); n++) {
        ck_assert_uint_le(at, p->seeds_size);
        ck_assert_uint_gt(s.addr_bytes, 0);
        ck_assert_uint_eq(s.addr_bytes, addr_bytes(s.net));
        ck_assert(s.port != 0 || s.net == 5); /* I2P has no ports */
        if (s.net == 6)
            ck_assert_uint_eq(s.addr[0], 0xfc);
    }
    ck_assert_uint_eq(at, p->seeds_size);
    ck_assert_uint_eq(n, rows[_i].n_seeds);
    n = 0;
    while (p->dns_seeds[n] != NULL)
        n++;
    ck_assert_uint_eq(n, rows[_i].n_dns_seeds);
}
END_TEST

START_TEST(known_seed_is_found_in_the_table)
{
    /* fc11:f769:16e6:3611:58ae:1d4a:fcf7:57a4, the first line of mainnet's. */
    static const uint8_t first[] = { 0xfc, 0x11, 0xf7, 0x69, 0x16, 0xe6,
                                     0x36, 0x11, 0x58, 0xae, 0x1d, 0x4a,
                                     0xfc, 0xf7, 0x57, 0xa4 };
    struct ptd_seed s;
    size_t at = 0;

    ck_assert(ptd_params_next_seed(ptd_params_by_name("main"), &at, &s));
    ck_assert_uint_eq(s.net, 6);
    ck_assert_mem_eq(s.addr, first, sizeof first);
    ck_assert_uint_eq(s.port, 8333);
}
END_TEST

START_TEST(what_is_known_of_a_chain_agrees_with_itself)
{
    const struct ptd_params *p = ptd_params_by_name(rows[_i].name);
    bool has_work = !ptd_hash_is_zero(&p->min_chain_work);

    ck_assert_int_eq(has_work, !ptd_hash_is_zero(&p->assume_valid));
    ck_assert_int_eq(has_work, p->assume_valid_height > 0);
    ck_assert_int_eq(p->signet_challenge != NULL, p->chain == PTD_CHAIN_SIGNET);
    ck_assert_uint_gt(p->presync_period, 0);
    ck_assert_uint_gt(p->redownload_headers, p->presync_period);
    ck_assert_uint_ne(p->port, p->rpc_port);
}
END_TEST

static Suite *suite_params(void)
{
    Suite *s = suite_create("params");
    TCase *tc = tcase_create("params");
    const int n = (int)PTD_COUNT(rows);

    tcase_set_timeout(tc, 10);
    tcase_add_loop_test(tc, every_network_is_found_by_name_number_and_magic, 0,
                        n);
    tcase_add_test(tc, what_is_no_network_is_not_found);
    tcase_add_loop_test(tc, genesis_block_is_recomputed_from_its_parts, 0, n);
    tcase_add_test(tc, signet_magic_follows_from_the_challenge);
    tcase_add_test(tc, signet_challenge_has_its_length_as_a_block_writes_it);
    tcase_add_test(tc, signet_survives_lack_of_memory);
    tcase_add_loop_test(tc, fixed_seeds_are_whole_and_well_formed, 0, n);
    tcase_add_test(tc, known_seed_is_found_in_the_table);
    tcase_add_loop_test(tc, what_is_known_of_a_chain_agrees_with_itself, 0, n);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite_params());
    int n_failed;

    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
