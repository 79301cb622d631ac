#include <config.h>

#include "check_chain.h"

#include <string.h>

#include "base/util.h"
#include "chain/pow.h"

/* Retargets of mainnet as they happened, and the bounds. */
static const struct {
    const char *name;
    uint32_t bits, first, last, want;
} rows[] = {
    { "first ever change, block 32256", 0x1d00ffff, 1261130161, 1262152739,
      0x1d00d86a },
    { "limit of the lowest difficulty, block 2016", 0x1d00ffff, 1231006505,
      1233061996, 0x1d00ffff },
    { "at most four times harder, block 68544", 0x1c05a3f4, 1279008237,
      1279297671, 0x1c0168fd },
    { "at most four times easier", 0x1c387f6f, 1263163443, 1269211443,
      0x1d00e1fd },
    { "times that go back count as the shortest", 0x1c05a3f4, 1279297671,
      1279008237, 0x1c0168fd },
    { "exactly the aim", 0x1b0404cb, 1000000000, 1001209600, 0x1b0404cb },
};

START_TEST(retarget_gives_what_the_network_did)
{
    const struct ptd_params *p = ptd_params_by_name("main");
    uint32_t got =
        ptd_pow_retarget(p, rows[_i].bits, rows[_i].first, rows[_i].last);

    ck_assert_msg(got == rows[_i].want, "%s: %08x", rows[_i].name, got);
}
END_TEST

START_TEST(retarget_is_safe_where_the_limit_is_near_2_to_256)
{
    struct ptd_params p = *ptd_params_by_name("regtest");

    ck_assert_uint_eq(ptd_pow_retarget(&p, 0x207fffff, 0, 1), 0x201fffff);
    ck_assert_uint_eq(ptd_pow_retarget(&p, 0x207fffff, 0, UINT32_MAX),
                      0x207fffff);
}
END_TEST

START_TEST(target_must_be_allowed_by_the_network)
{
    static const struct {
        const char *chain;
        uint32_t bits;
        bool ok;
    } targets[] = {
        { "main", 0x1d00ffff, true },    { "main", 0x1d010000, false },
        { "main", 0x03000001, true },    { "main", 0x00000000, false },
        { "main", 0x1d80ffff, false },   { "main", 0xff00ffff, false },
        { "signet", 0x1e0377ae, true },  { "signet", 0x1e0377af, false },
        { "regtest", 0x207fffff, true }, { "regtest", 0x21008000, false },
    };
    struct ptd_u256 target;

    for (size_t i = 0; i < PTD_COUNT(targets); i++)
        ck_assert_msg(ptd_pow_target(&target,
                                     ptd_params_by_name(targets[i].chain),
                                     targets[i].bits) == targets[i].ok,
                      "%s %08x", targets[i].chain, targets[i].bits);
}
END_TEST

START_TEST(hash_may_equal_its_target_but_not_exceed_it)
{
    struct ptd_u256 target;
    struct ptd_hash hash;

    ck_assert(ptd_u256_from_compact(&target, 0x1d00ffff));
    ptd_u256_to_hash(&target, &hash);
    ck_assert(ptd_pow_is_met(&hash, &target));
    hash.b[0] = 1;
    ck_assert(!ptd_pow_is_met(&hash, &target));
    memset(&hash, 0, sizeof hash);
    ck_assert(ptd_pow_is_met(&hash, &target));
}
END_TEST

Suite *suite_pow(void)
{
    Suite *s = suite_create("proof of work");
    TCase *tc = tcase_create("proof of work");

    tcase_set_timeout(tc, 10);
    tcase_add_loop_test(tc, retarget_gives_what_the_network_did, 0,
                        PTD_COUNT(rows));
    tcase_add_test(tc, retarget_is_safe_where_the_limit_is_near_2_to_256);
    tcase_add_test(tc, target_must_be_allowed_by_the_network);
    tcase_add_test(tc, hash_may_equal_its_target_but_not_exceed_it);
    suite_add_tcase(s, tc);
    return s;
}
