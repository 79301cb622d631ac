/* The fuzz targets without a fuzzer: each is given every seed, every seed cut
 * at each length, and every seed with one byte changed, in each version. */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "fuzz.h"
#include "seeds.h"
#include "support/samples.h"
#include "target.h"

struct target {
    enum ptd_msg_type type; /* PTD_MSG_UNKNOWN: run is the target */
    void (*run)(const uint8_t *data, size_t size);
    size_t n_seeds;
};

/* An exact copy: a sanitizer sees a byte read too far. */
static void give(const struct target *t, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size);

    if (size > 0)
        memcpy(copy, data, size);
    if (t->run != NULL)
        t->run(copy, size);
    else
        fuzz_msg(t->type, copy, size);
    free(copy);
}

static void give_cuts(const struct target *t, const uint8_t *data, size_t size)
{
    size_t step = size / 300 + 1;

    for (size_t n = 0; n <= size; n += step)
        give(t, data, n);
}

static void give_changes(const struct target *t, const uint8_t *data,
                         size_t size)
{
    static const uint8_t values[] = { 0, 1, 0x7f, 0xfc, 0xfd, 0xfe, 0xff };
    size_t step = size / 100 + 1;
    uint8_t *changed = malloc(size + 1);

    ck_assert_ptr_nonnull(changed);
    memcpy(changed, data, size);
    for (size_t at = 0; at < size; at += step) {
        for (size_t i = 0; i < PTD_COUNT(values); i++) {
            changed[at] = values[i];
            give(t, changed, size);
        }
        changed[at] = data[at];
    }
    changed[size] = 0; /* a byte left over */
    give(t, changed, size + 1);
    free(changed);
}

static void give_versions(const struct target *t, const uint8_t *data,
                          size_t size)
{
    uint8_t *changed = malloc(size);

    ck_assert_ptr_nonnull(changed);
    memcpy(changed, data, size);
    for (size_t pver = 0; pver < sample_n_pvers; pver++) {
        for (uint8_t flags = 0; flags < 4; flags++) {
            changed[0] = (uint8_t)pver;
            changed[1] = flags & 1;
            changed[2] = flags >> 1;
            give(t, changed, size);
        }
    }
    free(changed);
}

static void give_seed(void *arg, const uint8_t *data, size_t size)
{
    struct target *t = arg;

    t->n_seeds++;
    give_cuts(t, data, size);
    give_changes(t, data, size);
    if (t->run == NULL)
        give_versions(t, data, size);
}

START_TEST(message_holds_what_its_target_claims)
{
    struct target t = { .type = (enum ptd_msg_type)_i };

    seeds_of_msg(t.type, give_seed, &t);
    ck_assert_uint_ge(t.n_seeds, SAMPLE_N_VARIANTS);
}
END_TEST

START_TEST(header_holds_what_its_target_claims)
{
    struct target t = { .type = PTD_MSG_UNKNOWN, .run = fuzz_header };

    seeds_of_header(give_seed, &t);
    ck_assert_uint_eq(t.n_seeds, PTD_MSG_N_TYPES);
}
END_TEST

START_TEST(netaddr_holds_what_its_target_claims)
{
    struct target t = { .type = PTD_MSG_UNKNOWN, .run = fuzz_netaddr };

    seeds_of_netaddr(give_seed, &t);
    ck_assert_uint_gt(t.n_seeds, 0);
}
END_TEST

START_TEST(target_holds_what_it_claims)
{
    const struct fuzz_target *given = fuzz_targets[_i];
    struct target t = { .type = PTD_MSG_UNKNOWN, .run = given->run };

    given->seeds(give_seed, &t);
    ck_assert_uint_gt(t.n_seeds, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fuzz");
    TCase *tc = tcase_create("corpus");
    SRunner *sr;
    int n_failed;

    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, message_holds_what_its_target_claims, 0,
                        PTD_MSG_N_TYPES);
    tcase_add_test(tc, header_holds_what_its_target_claims);
    tcase_add_test(tc, netaddr_holds_what_its_target_claims);
    tcase_add_loop_test(tc, target_holds_what_it_claims, 0,
                        (int)fuzz_n_targets);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
