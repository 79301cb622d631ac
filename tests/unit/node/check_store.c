#include <config.h>

#include "node/store.h"

#include <string.h>

#include "base/util.h"
#include "check_node.h"
#include "rig.h"
#include "wire/encoded.h"

static struct ptd_hash numbered(uint32_t i)
{
    struct ptd_hash h = { { 0 } };

    memcpy(h.b, &i, sizeof i);
    return h;
}

static struct ptd_msg *make_msg(void)
{
    struct ptd_msg *m = ptd_msg_new_nonce(PTD_MSG_PING, 7);

    ck_assert_ptr_nonnull(m);
    return m;
}

START_TEST(what_was_put_is_found_once)
{
    struct ptd_store *s = ptd_store_new(1 << 20);
    struct ptd_hash a = numbered(1), b = numbered(2);
    struct ptd_msg *m = make_msg(), *got;

    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(ptd_store_put(s, &a, m), PTD_OK);
    ck_assert_int_eq(ptd_store_put(s, &a, m), PTD_EEXIST);
    ck_assert(ptd_store_has(s, &a));
    ck_assert(!ptd_store_has(s, &b));
    got = ptd_store_get(s, &a);
    ck_assert_ptr_eq(got, m);
    ck_assert_ptr_null(ptd_store_get(s, &b));
    ck_assert_uint_eq(ptd_store_count(s), 1);
    ptd_store_free(s);
    /* It is still the caller's. */
    ck_assert_int_eq(got->type, PTD_MSG_PING);
    ptd_msg_free(got);
    ptd_msg_free(m);
}
END_TEST

START_TEST(oldest_make_room_within_the_bound)
{
    enum { N = 5000, MAX = 64 * 1024 };
    struct ptd_store *s = ptd_store_new(MAX);
    struct ptd_msg *m = make_msg();
    bool is_there = false;

    for (uint32_t i = 0; i < N; i++) {
        struct ptd_hash h = numbered(i);

        ck_assert_int_eq(ptd_store_put(s, &h, m), PTD_OK);
        ck_assert_uint_le(ptd_store_bytes(s), MAX);
    }
    ck_assert(ptd_store_has_evicted(s));
    for (uint32_t i = 0; i < N; i++) { /* the last ones, without a gap */
        struct ptd_hash h = numbered(i);
        bool has = ptd_store_has(s, &h);

        ck_assert(has || !is_there);
        is_there = has;
    }
    ck_assert(is_there);
    ck_assert_uint_gt(ptd_store_count(s), 100);
    ptd_store_free(s);
    ptd_msg_free(m);
}
END_TEST

START_TEST(larger_than_the_store_is_refused)
{
    struct ptd_store *s = ptd_store_new(64);
    struct ptd_hash h = numbered(1);
    struct ptd_msg *m = make_msg();

    ck_assert_int_eq(ptd_store_put(s, &h, m), PTD_ETOOBIG);
    ck_assert_uint_eq(ptd_store_bytes(s), 0);
    ptd_store_free(s);
    ptd_msg_free(m);
}
END_TEST

/* Who asks for a block makes it hold the encoded form, in each encoding. */
START_TEST(encoded_forms_count_before_they_are_made)
{
    static const struct ptd_codec cx[] = {
        { .pver = 70016, .encoding = PTD_ENC_BASE },
        { .pver = 70016, .encoding = PTD_ENC_WITNESS },
    };
    struct ptd_hash genesis = ptd_params_by_name("regtest")->genesis.hash, hash;
    struct ptd_msg *block = mine_block(&genesis, 1, 1);
    struct ptd_store *s = ptd_store_new(1 << 20);
    size_t before = ptd_msg_memory_bytes(block);

    hash = block_hash(block);
    ck_assert_int_eq(ptd_store_put(s, &hash, block), PTD_OK);
    for (size_t i = 0; i < PTD_COUNT(cx); i++) {
        struct ptd_encoded *form;

        ck_assert_int_eq(ptd_msg_encoded(block, &form, &cx[i]), PTD_OK);
        ptd_encoded_free(form);
    }
    ck_assert_uint_gt(ptd_msg_memory_bytes(block), before);
    ck_assert_uint_ge(ptd_store_bytes(s), ptd_msg_memory_bytes(block));
    ptd_store_free(s);
    ptd_msg_free(block);
}
END_TEST

TCase *tcase_store(void)
{
    TCase *tc = tcase_create("store");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_was_put_is_found_once);
    tcase_add_test(tc, oldest_make_room_within_the_bound);
    tcase_add_test(tc, encoded_forms_count_before_they_are_made);
    tcase_add_test(tc, larger_than_the_store_is_refused);
    return tc;
}
