#include <config.h>

#include <stdlib.h>

#include "base/bytes.h"
#include "base/util.h"
#include "check_relay.h"
#include "relay/wanted.h"

enum { PEERS = 3 };

static struct wanted w;
static struct wanted_peer peer[PEERS];

static void set_up(void)
{
    ck_assert(wanted_init(&w));
    for (size_t i = 0; i < PEERS; i++)
        wanted_enter(&w, &peer[i], i == 2);
}

static void tear_down(void)
{
    for (size_t i = 0; i < PEERS; i++)
        wanted_leave(&w, &peer[i]);
    ck_assert_uint_eq(wanted_count(&w), 0);
    wanted_fini(&w);
}

static struct wanted_id id_of(uint32_t i)
{
    struct wanted_id id = { .is_wtxid = true };

    ptd_put_le32(id.hash.b, i);
    return id;
}

static size_t ask(size_t i, int64_t until_us)
{
    struct wanted_id out[16];

    return wanted_ask(&w, &peer[i], out, PTD_COUNT(out), until_us);
}

START_TEST(nobody_is_asked_before_the_time)
{
    const struct wanted_id id = id_of(1);

    ck_assert(wanted_announce(&w, &peer[0], &id, 100));
    ck_assert(!wanted_announce(&w, &peer[0], &id, 100)); /* once is enough */
    ck_assert_int_eq(wanted_run(&w, 99), 100);
    ck_assert_uint_eq(ask(0, 1000), 0);
    ck_assert_int_eq(wanted_run(&w, 100), INT64_MAX);
    ck_assert_uint_eq(ask(0, 1000), 1);
    ck_assert_uint_eq(ask(0, 1000), 0);
    ck_assert_int_eq(wanted_run(&w, 101), 1000);
    ck_assert_uint_eq(peer[0].n_in_flight, 1);
}
END_TEST

START_TEST(the_better_one_is_asked)
{
    const struct wanted_id id = id_of(1);

    for (size_t i = 0; i < PEERS; i++)
        ck_assert(wanted_announce(&w, &peer[i], &id, 100));
    wanted_run(&w, 100);
    ck_assert_uint_eq(ask(0, 1000) + ask(1, 1000), 0);
    ck_assert_uint_eq(ask(2, 1000), 1);
}
END_TEST

/* Among equals chance decides: neither gets all. */
START_TEST(chance_decides_among_equals)
{
    size_t n[2] = { 0, 0 };

    for (uint32_t i = 0; i < 200; i++) {
        const struct wanted_id id = id_of(i);

        ck_assert(wanted_announce(&w, &peer[0], &id, 1));
        ck_assert(wanted_announce(&w, &peer[1], &id, 1));
    }
    wanted_run(&w, 1);
    for (size_t k = 0; k < 2; k++)
        for (size_t got; (got = ask(k, 10)) > 0;)
            n[k] += got;
    ck_assert_uint_eq(n[0] + n[1], 200);
    ck_assert_msg(n[0] > 50 && n[1] > 50, "%zu and %zu", n[0], n[1]);
}
END_TEST

/* How the first one asked ends, and who is asked then. */
enum end { ANSWERS, TOO_LATE, LEAVES };
static const enum end ends[] = { ANSWERS, TOO_LATE, LEAVES };

START_TEST(the_next_one_is_asked)
{
    const struct wanted_id id = id_of(1);

    ck_assert(wanted_announce(&w, &peer[2], &id, 1));
    ck_assert(wanted_announce(&w, &peer[0], &id, 1));
    wanted_run(&w, 1);
    ck_assert_uint_eq(ask(2, 60), 1);
    ck_assert_uint_eq(ask(0, 60), 0);
    wanted_run(&w, 59);
    ck_assert_uint_eq(ask(0, 60), 0);
    switch (ends[_i]) {
    case ANSWERS: ck_assert(wanted_answered(&w, &peer[2], &id)); break;
    case TOO_LATE: ck_assert_int_eq(wanted_run(&w, 60), INT64_MAX); break;
    case LEAVES:
        wanted_leave(&w, &peer[2]);
        wanted_enter(&w, &peer[2], true);
        break;
    }
    ck_assert_uint_eq(peer[2].n_in_flight, 0);
    ck_assert_uint_eq(ask(0, 100), 1);
    ck_assert_uint_eq(ask(2, 100), 0);
    ck_assert(wanted_answered(&w, &peer[0], &id));
    ck_assert_uint_eq(wanted_count(&w), 0); /* nobody is left */
    ck_assert(!wanted_answered(&w, &peer[0], &id));
}
END_TEST

START_TEST(what_is_forgotten_is_not_asked_for)
{
    const struct wanted_id id = id_of(1);

    for (size_t i = 0; i < PEERS; i++)
        ck_assert(wanted_announce(&w, &peer[i], &id, 1));
    wanted_run(&w, 1);
    wanted_forget(&w, &id);
    for (size_t i = 0; i < PEERS; i++) {
        ck_assert_uint_eq(ask(i, 10), 0);
        ck_assert_uint_eq(peer[i].n, 0);
    }
    ck_assert_int_eq(wanted_run(&w, 100), INT64_MAX);
}
END_TEST

START_TEST(announcements_are_bounded)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < WANTED_PER_PEER + 100; i++) {
        const struct wanted_id id = id_of(i);

        n += wanted_announce(&w, &peer[0], &id, i % 7);
    }
    ck_assert_uint_eq(n, WANTED_PER_PEER);
    ck_assert_uint_eq(wanted_count(&w), WANTED_PER_PEER);
    ck_assert_int_eq(wanted_run(&w, 3), 4); /* the heap is in order */
    for (uint32_t i = 0; i < WANTED_PER_PEER; i += 2) {
        const struct wanted_id id = id_of(i);

        wanted_forget(&w, &id);
    }
    ck_assert_int_eq(wanted_run(&w, 5), 6);
    ck_assert_uint_eq(wanted_count(&w), WANTED_PER_PEER / 2);
}
END_TEST

TCase *tcase_wanted(void)
{
    TCase *tc = tcase_create("wanted");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, nobody_is_asked_before_the_time);
    tcase_add_test(tc, the_better_one_is_asked);
    tcase_add_test(tc, chance_decides_among_equals);
    tcase_add_loop_test(tc, the_next_one_is_asked, 0, PTD_COUNT(ends));
    tcase_add_test(tc, what_is_forgotten_is_not_asked_for);
    tcase_add_test(tc, announcements_are_bounded);
    return tc;
}
