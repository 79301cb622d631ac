/* What was asked of a peer and has not come: the list alone, without a peer. */
#include <config.h>

#include "peer/requests.h"

#include <time.h>

#include "base/bytes.h"
#include "base/util.h"
#include "check_peer.h"
#include "pentad/clock.h"

enum { WAIT_US = 1000 };

static struct ptd_hash hash_of(uint32_t k)
{
    struct ptd_hash h = { { 0 } };

    ptd_put_le32(h.b + 4, k); /* the lowest bit of the first byte is not used */
    return h;
}

/* Ask for the objects first, first + step, …; gives the deadline. */
static int64_t ask(struct requests **r, uint32_t first, uint32_t step,
                   uint32_t n, int64_t now_us)
{
    static struct ptd_inv list[50000];
    struct ptd_msg *m;
    int64_t due_us;

    for (uint32_t i = 0; i < n; i++)
        list[i] = (struct ptd_inv){ PTD_INV_BLOCK, hash_of(first + i * step) };
    m = ptd_msg_new_inv(PTD_MSG_GETDATA, list, n);
    ck_assert_ptr_nonnull(m);
    ptd_requests_sent(r, m, false, now_us, WAIT_US, 0, &due_us);
    ptd_msg_free(m);
    return due_us;
}

static void got(struct requests *r, uint32_t k, int64_t now_us)
{
    struct ptd_hash h = hash_of(k);

    ptd_requests_got(r, &h, now_us, 0);
}

START_TEST(each_object_of_a_request_is_awaited_once)
{
    struct requests *r = NULL;

    ck_assert_int_eq(ask(&r, 0, 1, 1000, 0), WAIT_US);
    for (uint32_t k = 0; k < 999; k++) {
        got(r, k, 5);
        got(r, k, 7); /* again: answers nothing */
        got(r, 100000 + k, 9);
        ck_assert_uint_eq(r->n, 1);
        ck_assert_int_eq(ptd_requests_deadline(r, 0), 5 + WAIT_US);
    }
    got(r, 999, 5);
    ck_assert_uint_eq(r->n, 0);
    ck_assert_int_eq(ptd_requests_deadline(r, 0), PTD_NEVER);
    ptd_requests_free(r);
}
END_TEST

START_TEST(object_that_is_named_twice_is_one)
{
    struct requests *r = NULL;

    (void)ask(&r, 3, 0, 10, 0);
    got(r, 3, 1);
    ck_assert_uint_eq(r->n, 0);
    ptd_requests_free(r);
}
END_TEST

START_TEST(object_of_two_requests_answers_the_older)
{
    struct requests *r = NULL;

    (void)ask(&r, 0, 1, 2, 0);
    (void)ask(&r, 0, 1, 2, 100);
    got(r, 0, 200);
    got(r, 1, 200);
    ck_assert_uint_eq(r->n, 1);
    ck_assert_int_eq(ptd_requests_deadline(r, 0), 100 + WAIT_US);
    ptd_requests_free(r);
}
END_TEST

/* However many are asked later, the first stays due; so do the later ones. */
START_TEST(request_that_must_be_answered_is_never_given_up)
{
    enum { N = 20 * REQUESTS_MAX };
    struct requests *r = NULL;
    uint32_t n_soft;

    for (uint32_t k = 0; k < N; k++) {
        ck_assert_int_eq(ask(&r, k * 10, 1, 10, k), k + WAIT_US);
        ck_assert_uint_le(r->n, REQUESTS_MAX);
    }
    for (uint32_t k = 1; k < 10 * N - 1; k++) {
        got(r, k, 0);
        ck_assert_int_le(ptd_requests_deadline(r, 0), N + WAIT_US);
    }
    ck_assert_uint_eq(r->n, 2); /* the very first and the very last object */
    got(r, 10 * N - 1, 0);
    ck_assert_uint_eq(r->n, 1);
    ck_assert_int_eq(ptd_requests_expire(r, N + WAIT_US, 0, &n_soft),
                     PTD_MSG_GETDATA);
    ck_assert_uint_eq(n_soft, 0);
    ck_assert_uint_eq(r->n, 0);
    ptd_requests_free(r);
}
END_TEST

static int64_t ask_for(struct requests **r, enum ptd_msg_type type, bool soft,
                       int64_t now_us)
{
    struct ptd_hash h = hash_of(1);
    struct ptd_msg *m = ptd_msg_new_locator(type, 70016, &h, 1, &h);
    int64_t due_us;

    ck_assert_ptr_nonnull(m);
    ptd_requests_sent(r, m, soft, now_us, WAIT_US, 0, &due_us);
    ptd_msg_free(m);
    return due_us;
}

START_TEST(each_request_for_headers_awaits_its_own)
{
    enum { N = 3 * REQUESTS_MAX };
    struct requests *r = NULL;

    for (int k = 0; k < N; k++)
        ck_assert_int_eq(ask_for(&r, PTD_MSG_GETHEADERS, false, k),
                         k + WAIT_US);
    for (int k = 0; k < N - 1; k++)
        ptd_requests_answered(r, PTD_MSG_HEADERS, 0, 0);
    ck_assert_int_eq(ptd_requests_deadline(r, 0), N - 1 + WAIT_US);
    ptd_requests_answered(r, PTD_MSG_HEADERS, 0, 0);
    ck_assert_uint_eq(r->n, 0);
    ptd_requests_free(r);
}
END_TEST

START_TEST(request_that_may_stay_unanswered_gives_way)
{
    struct requests *r = NULL;

    (void)ask(&r, 0, 1, 1, 0);
    for (int k = 1; k < REQUESTS_MAX; k++)
        ck_assert_int_ne(ask_for(&r, PTD_MSG_GETBLOCKS, true, k), PTD_NEVER);
    for (uint32_t k = 1; k < REQUESTS_MAX; k++)
        ck_assert_int_eq(ask(&r, k, 1, 1, k), k + WAIT_US);
    ck_assert_uint_eq(r->n, REQUESTS_MAX); /* no soft one is left */
    ck_assert_int_eq(ask_for(&r, PTD_MSG_GETBLOCKS, true, 0), PTD_NEVER);
    for (uint32_t k = 0; k < REQUESTS_MAX; k++)
        got(r, k, 0);
    ck_assert_uint_eq(r->n, 0);
    ptd_requests_free(r);
}
END_TEST

/* A notfound of 50,000 objects that nobody asked for, while much is awaited:
 * the work is that of the notfound, not of both multiplied. (A second is ten
 * times what it takes under a sanitizer.) */
START_TEST(stray_answers_cost_little)
{
    struct requests *r = NULL;
    struct timespec a, b;

    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        (void)ask(&r, 1000000 + i * 4000, 1, 4000, 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (uint32_t k = 0; k < 50000; k++)
        got(r, k, 1);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    ck_assert_uint_eq(r->n, REQUESTS_MAX);
    ck_assert_int_lt((b.tv_sec - a.tv_sec) * 1000000 +
                         (b.tv_nsec - a.tv_nsec) / 1000,
                     1000000);
    ptd_requests_free(r);
}
END_TEST

TCase *tcase_requests(void)
{
    TCase *tc = tcase_create("requests");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, each_object_of_a_request_is_awaited_once);
    tcase_add_test(tc, object_that_is_named_twice_is_one);
    tcase_add_test(tc, object_of_two_requests_answers_the_older);
    tcase_add_test(tc, request_that_must_be_answered_is_never_given_up);
    tcase_add_test(tc, each_request_for_headers_awaits_its_own);
    tcase_add_test(tc, request_that_may_stay_unanswered_gives_way);
    tcase_add_test(tc, stray_answers_cost_little);
    return tc;
}
