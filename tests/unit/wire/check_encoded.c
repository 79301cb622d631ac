#include <config.h>

#include "check_wire.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/util.h"

/* ---- samples ------------------------------------------------------------------ */

/* A transaction with witness data and a script of n bytes. */
static struct ptd_msg *make_tx(size_t n)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_TX);
    struct ptd_tx *tx;
    struct ptd_bytes *item;
    uint8_t *script;

    ck_assert_ptr_nonnull(m);
    tx = &PTD_MSG_AS(tx, m)->tx;
    tx->n_in = 1;
    tx->in = ptd_msg_alloc(m, 1, sizeof *tx->in);
    item = ptd_msg_alloc(m, 1, sizeof *item);
    script = ptd_msg_alloc(m, n, 1);
    ck_assert(tx->in != NULL && item != NULL && script != NULL);
    ck_assert_int_eq(ptd_msg_copy_bytes(m, item, "abc", 3), PTD_OK);
    tx->in[0].script = (struct ptd_bytes){ script, n };
    tx->in[0].witness = item;
    tx->in[0].n_witness = 1;
    return m;
}

/* The payload of such a one, in a buffer of cap bytes. */
static struct ptd_buf *tx_in_buf(struct ptd_mem *mem, size_t script, size_t cap,
                                 size_t *n)
{
    struct ptd_msg *m = make_tx(script);
    struct blob b = encode_all(m, &codec_witness);
    struct ptd_buf *buf = ptd_buf_new(mem, PTD_MAX(cap, b.n));

    ck_assert_ptr_nonnull(buf);
    memcpy(buf->data, b.p, b.n);
    *n = b.n;
    blob_free(&b);
    ptd_msg_free(m);
    return buf;
}

static struct ptd_encoded *encoded(struct ptd_msg *m,
                                   const struct ptd_codec *cx)
{
    struct ptd_encoded *e;

    ck_assert_int_eq(ptd_msg_encoded(m, &e, cx), PTD_OK);
    return e;
}

/* ---- made once ------------------------------------------------------------------ */

START_TEST(form_is_made_once_for_each_layout)
{
    struct ptd_msg *m = make_tx(100);
    struct ptd_codec old = { 209, PTD_ENC_WITNESS, true };
    struct ptd_encoded *witness = encoded(m, &codec_witness);
    struct ptd_encoded *base = encoded(m, &codec_base);
    struct ptd_encoded *again = encoded(m, &old);
    uint8_t sum[4], want[4];

    ck_assert_ptr_eq(witness, again);
    ck_assert_ptr_ne(witness, base);
    ck_assert_uint_eq(witness->n, base->n + 2 + 1 + 4);
    ptd_v1_checksum(base->payload, base->n, want);
    for (int i = 0; i < 2; i++) {
        ptd_encoded_checksum(base, sum);
        ck_assert_mem_eq(sum, want, 4);
    }
    /* A writer's form outlives the message. */
    ptd_encoded_free(again);
    ptd_msg_free(m);
    ptd_v1_checksum(base->payload, base->n, sum);
    ck_assert_mem_eq(sum, want, 4);
    ptd_encoded_free(base);
    ptd_encoded_free(witness);
    ptd_encoded_free(NULL);
}
END_TEST

START_TEST(message_without_fields_has_an_empty_form)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_VERACK);
    struct ptd_encoded *e = encoded(m, &codec_base);
    uint8_t sum[4];

    ck_assert_uint_eq(e->n, 0);
    ptd_encoded_checksum(e, sum);
    ck_assert_mem_eq(sum, "\x5d\xf6\xe0\xe2", 4);
    ptd_encoded_free(e);
    ptd_msg_free(m);
}
END_TEST

START_TEST(layouts_beyond_the_cache_are_encoded_all_the_same)
{
    struct ptd_addr_entry entry = { .time = 1, .services = 1 };
    static const uint32_t pvers[] = { 70016, 60000, 31401, 300, 208, 106 };
    const uint8_t ip[4] = { 127, 0, 0, 1 };
    struct ptd_msg *m;

    ck_assert_int_eq(ptd_netaddr_set(&entry.na, PTD_NET_IPV4, ip, 4, 8333),
                     PTD_OK);
    m = ptd_msg_new_addr(PTD_MSG_ADDR, &entry, 1);
    ck_assert_ptr_nonnull(m);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < PTD_COUNT(pvers); i++) {
            const struct ptd_codec cx = { pvers[i], PTD_ENC_BASE, true };
            struct ptd_encoded *e = encoded(m, &cx);
            struct blob want = encode_all(m, &cx);

            ck_assert_uint_eq(e->n, want.n);
            ck_assert_mem_eq(e->payload, want.p, want.n);
            blob_free(&want);
            ptd_encoded_free(e);
        }
    }
    ptd_msg_free(m);
}
END_TEST

/* ---- sent on as it came ------------------------------------------------------------ */

START_TEST(received_message_is_sent_on_without_a_copy)
{
    struct ptd_encoded *e, *base;
    struct ptd_buf *buf;
    struct test_mem t;
    struct ptd_msg *m;
    uint8_t sum[4];
    size_t n;

    test_mem_init(&t);
    buf = tx_in_buf(&t.mem, 5000, 0, &n);
    ck_assert_int_eq(ptd_msg_decode_from(&m, PTD_MSG_TX, buf->data, n, buf,
                                         &t.mem, &codec_witness, NULL),
                     PTD_OK);
    ptd_msg_set_checksum(m, (const uint8_t *)"\x01\x02\x03\x04");
    e = encoded(m, &codec_witness);
    ck_assert_ptr_eq(e->payload, buf->data);
    ck_assert_uint_eq(e->n, n);
    ptd_encoded_checksum(e, sum);
    ck_assert_mem_eq(sum, "\x01\x02\x03\x04", 4);
    base = encoded(m, &codec_base);
    ck_assert_uint_eq(base->n, n - 2 - 1 - 4);
    ck_assert_ptr_null(base->buf);
    ptd_v1_checksum(base->payload, base->n, sum);
    ck_assert_mem_ne(sum, "\x01\x02\x03\x04", 4);
    ck_assert_uint_ge(ptd_msg_memory_bytes(m), n + base->n);
    ptd_buf_free(buf);
    ptd_msg_free(m);
    ck_assert_ptr_eq(e->payload, e->buf->data);
    ptd_encoded_free(e);
    ptd_encoded_free(base);
    ck_assert_uint_eq(t.out_bytes, 0);
}
END_TEST

static const struct {
    const char *name;
    size_t script, cap;
    bool refers;
} refs[] = {
    { "large, fills its buffer", 5000, 0, true },
    { "large, in a buffer of twice its size", 5000, 10000, true },
    { "large, in a buffer of four times its size", 5000, 20000, false },
    { "small, fills its buffer", 500, 0, false },
    { "small, in a large buffer", 500, 65536, false },
};

START_TEST(small_message_does_not_pin_a_large_buffer)
{
    struct ptd_buf *buf;
    struct ptd_msg *m;
    const uint8_t *script;
    size_t n;

    buf = tx_in_buf(NULL, refs[_i].script, refs[_i].cap, &n);
    ck_assert_int_eq(ptd_msg_decode_from(&m, PTD_MSG_TX, buf->data, n, buf,
                                         NULL, &codec_witness, NULL),
                     PTD_OK);
    script = PTD_MSG_CONST(tx, m)->tx.in[0].script.p;
    ck_assert_msg((script > buf->data && script < buf->data + buf->cap) ==
                      refs[_i].refers,
                  "%s", refs[_i].name);
    ck_assert(ptd_ref_is_last(&buf->ref) != refs[_i].refers);
    ck_assert_uint_le(ptd_msg_memory_bytes(m), 3 * n + 1024);
    ptd_buf_free(buf);
    ptd_msg_free(m);
}
END_TEST

START_TEST(bytes_left_over_are_not_sent_on)
{
    struct ptd_encoded *e;
    struct ptd_buf *buf;
    struct ptd_msg *m;
    uint8_t sum[4], want[4];
    size_t n;

    buf = tx_in_buf(NULL, 5000, 5200, &n);
    memset(buf->data + n, 0xee, buf->cap - n);
    ck_assert_int_eq(ptd_msg_decode_from(&m, PTD_MSG_TX, buf->data, n + 10, buf,
                                         NULL, &codec_witness, NULL),
                     PTD_OK);
    ck_assert_uint_eq(ptd_msg_trailing_bytes(m), 10);
    /* The checksum of what came is not that of what goes. */
    ptd_msg_set_checksum(m, (const uint8_t *)"\x01\x02\x03\x04");
    e = encoded(m, &codec_witness);
    ck_assert_uint_eq(e->n, n);
    ptd_encoded_checksum(e, sum);
    ptd_v1_checksum(buf->data, n, want);
    ck_assert_mem_eq(sum, want, 4);
    ptd_encoded_free(e);
    ptd_buf_free(buf);
    ptd_msg_free(m);
}
END_TEST

/* ---- memory -------------------------------------------------------------------------- */

START_TEST(references_and_memory_are_counted)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_INV);
    size_t before = ptd_msg_memory_bytes(m);
    uint8_t *p;

    ck_assert(ptd_msg_is_unshared(m));
    ck_assert_ptr_eq(ptd_msg_ref(m), m);
    ck_assert(!ptd_msg_is_unshared(m));
    ptd_msg_free(m);
    ck_assert(ptd_msg_is_unshared(m));
    for (size_t n = 0; n < 100; n++) {
        p = ptd_msg_alloc(m, n, 7);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < 7 * n; i++)
            ck_assert_uint_eq(p[i], 0);
        memset(p, 0xff, 7 * n);
    }
    ck_assert_uint_ge(ptd_msg_memory_bytes(m), before + 100 * 99 / 2 * 7);
    ck_assert_ptr_null(ptd_msg_alloc(m, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(ptd_msg_alloc(m, SIZE_MAX, 1));
    ptd_msg_free(m);
    ptd_msg_free(NULL);
}
END_TEST

START_TEST(encoding_without_memory_fails_cleanly)
{
    enum ptd_err err = PTD_ENOMEM;

    for (size_t nth = 1; err == PTD_ENOMEM; nth++) {
        struct ptd_encoded *e;
        struct ptd_msg *m = NULL;
        struct test_mem t;
        size_t n;
        struct ptd_buf *buf = tx_in_buf(NULL, 5000, 0, &n);

        test_mem_init(&t);
        t.fail_at = nth;
        err = ptd_msg_decode_from(&m, PTD_MSG_TX, buf->data, n, buf, &t.mem,
                                  &codec_witness, NULL);
        if (err == PTD_OK) {
            err = ptd_msg_encoded(m, &e, &codec_base);
            if (err == PTD_OK)
                ptd_encoded_free(e);
            ptd_msg_free(m);
        }
        ptd_buf_free(buf);
        ck_assert_uint_eq(t.out_bytes, 0);
    }
    ck_assert_int_eq(err, PTD_OK);
}
END_TEST

/* ---- threads --------------------------------------------------------------------------- */

enum { N_THREADS = 4, N_ROUNDS = 300 };

struct race {
    pthread_barrier_t start;
    struct ptd_msg *m[N_ROUNDS];
};

static void *encode_main(void *arg)
{
    struct race *race = arg;
    uint8_t sum[4];

    for (size_t i = 0; i < N_ROUNDS; i++) {
        struct ptd_encoded *a = NULL, *b = NULL;

        pthread_barrier_wait(&race->start);
        if (ptd_msg_encoded(race->m[i], &a, &codec_witness) != PTD_OK ||
            ptd_msg_encoded(race->m[i], &b, &codec_base) != PTD_OK)
            abort();
        ptd_encoded_checksum(a, sum);
        ptd_msg_free(race->m[i]);
        if (a->n != b->n + 2 + 1 + 4)
            abort();
        ptd_encoded_free(a);
        ptd_encoded_free(b);
    }
    return NULL;
}

START_TEST(threads_that_encode_at_once_share_one_result)
{
    static struct race race;
    pthread_t thread[N_THREADS];

    ck_assert_int_eq(pthread_barrier_init(&race.start, NULL, N_THREADS), 0);
    for (size_t i = 0; i < N_ROUNDS; i++) {
        race.m[i] = make_tx(50);
        for (size_t k = 1; k < N_THREADS; k++)
            ptd_msg_ref(race.m[i]);
    }
    for (size_t k = 0; k < N_THREADS; k++)
        ck_assert_int_eq(pthread_create(&thread[k], NULL, encode_main, &race),
                         0);
    for (size_t k = 0; k < N_THREADS; k++)
        pthread_join(thread[k], NULL);
    pthread_barrier_destroy(&race.start);
}
END_TEST

TCase *tcase_encoded(void)
{
    TCase *tc = tcase_create("encoded");

    tcase_add_test(tc, form_is_made_once_for_each_layout);
    tcase_add_test(tc, message_without_fields_has_an_empty_form);
    tcase_add_test(tc, layouts_beyond_the_cache_are_encoded_all_the_same);
    tcase_add_test(tc, received_message_is_sent_on_without_a_copy);
    tcase_add_loop_test(tc, small_message_does_not_pin_a_large_buffer, 0,
                        PTD_COUNT(refs));
    tcase_add_test(tc, bytes_left_over_are_not_sent_on);
    tcase_add_test(tc, references_and_memory_are_counted);
    tcase_add_test(tc, encoding_without_memory_fails_cleanly);
    tcase_add_test(tc, threads_that_encode_at_once_share_one_result);
    return tc;
}
