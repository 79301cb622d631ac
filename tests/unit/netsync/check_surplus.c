/* Peers of ours beyond the usual number. */
#include <config.h>

#include <sched.h>

#include "base/util.h"
#include "check_netsync.h"
#include "scene.h"

enum { MAX = 2 }; /* of each kind, where these scenes play */

enum news { NO_NEWS, TOLD, GAVE };

/* Three come in turn; one of them tells of a block, or gives it. Who goes. */
static const struct {
    const char *name;
    enum actor_kind kind;
    size_t n;
    enum news news;
    size_t who;
    int goes; /* -1: nobody */
} rows[] = {
    { "as many as usual", ACTOR_OUT, 2, NO_NEWS, 0, -1 },
    { "one more", ACTOR_OUT, 3, NO_NEWS, 0, 2 },
    { "one more with news", ACTOR_OUT, 3, TOLD, 2, 1 },
    { "one more that the user wants", ACTOR_MANUAL, 3, NO_NEWS, 0, -1 },
    { "one more that called", ACTOR_IN, 3, NO_NEWS, 0, -1 },
    { "blocks alone, as many as usual", ACTOR_BLOCKS, 2, NO_NEWS, 0, -1 },
    { "blocks alone, one more", ACTOR_BLOCKS, 3, NO_NEWS, 0, 2 },
    { "blocks alone, one more that gave", ACTOR_BLOCKS, 3, GAVE, 2, 1 },
    { "blocks alone, the first gave", ACTOR_BLOCKS, 3, GAVE, 0, 2 },
};

/* Until netsync has seen that there is one too many, and waits. */
static void wait_seen(struct scene *s)
{
    int64_t until = ptd_clock_now_us(NULL) + 30 * SECOND_US;
    int64_t soon_us = ptd_clock_now_us(s->r.clock) + 45 * SECOND_US;

    while (ptd_clock_next_deadline_us(s->r.clock) > soon_us) {
        ck_assert_int_lt(ptd_clock_now_us(NULL), until);
        sched_yield();
    }
}

static void tell(struct scene *s, struct actor *a, enum news news)
{
    struct ptd_msg *block;

    scene_mine(s, &block, 1, &s->genesis, 0, 1);
    if (news == TOLD)
        actor_send(a, scene_headers(&block, 1));
    if (news == GAVE) {
        actor_send(a, ptd_msg_ref(block));
        scene_wait_height(s, 1);
    }
    (void)actor_sync(a, PTD_MSG_PING);
    scene_free(&block, 1);
}

START_TEST(who_is_too_many_goes)
{
    struct actor *a[3] = { NULL };
    struct scene s;

    scene_init(&s);
    s.cfg.max_full_relay = s.cfg.max_block_relay = MAX;
    scene_open(&s);
    scene_later(&s, 1); /* news of the very start are none */
    for (size_t i = 0; i < rows[_i].n; i++)
        a[i] = actor_enter(&s, rows[_i].kind);
    if (rows[_i].news != NO_NEWS)
        tell(&s, a[rows[_i].who], rows[_i].news);
    if (rows[_i].goes >= 0)
        wait_seen(&s);
    scene_later(&s, 44);
    for (size_t i = 0; i < rows[_i].n; i++) {
        (void)actor_sync(a[i], PTD_MSG_PING);
        ck_assert_msg(actor_is_here(a[i]), "%s: too early", rows[_i].name);
    }
    scene_later(&s, 2);
    if (rows[_i].goes >= 0)
        actor_wait_gone(a[rows[_i].goes]);
    scene_later(&s, 300);
    for (size_t i = 0; i < rows[_i].n; i++)
        if ((int)i != rows[_i].goes) {
            (void)actor_sync(a[i], PTD_MSG_PING);
            ck_assert_msg(actor_is_here(a[i]), "%s: %zu", rows[_i].name, i);
        }
    scene_close(&s);
}
END_TEST

static bool wait_wanted(struct scene *s)
{
    int64_t until = ptd_clock_now_us(NULL) + 30 * SECOND_US;
    bool wanted;

    ck_assert_int_eq(ptd_chan_recv_until(s->wants, &wanted, NULL, until),
                     PTD_OK);
    return wanted;
}

/* The one more was of use, or not: it is enough. */
START_TEST(no_more_is_wanted_once_one_too_many_went)
{
    struct actor *a[MAX + 1];
    struct scene s;

    scene_init(&s);
    s.cfg.max_full_relay = s.cfg.max_block_relay = MAX;
    scene_open(&s);
    (void)scene_grow(&s, 1, 1);
    scene_later(&s, 31 * 60);
    ck_assert(wait_wanted(&s));
    for (size_t i = 0; i <= MAX; i++)
        a[i] = actor_enter(&s, ACTOR_OUT);
    wait_seen(&s);
    scene_later(&s, 46);
    actor_wait_gone(a[MAX]);
    ck_assert(!wait_wanted(&s));
    scene_close(&s);
}
END_TEST

TCase *tcase_surplus(void)
{
    TCase *tc = tcase_create("surplus");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, who_is_too_many_goes, 0, PTD_COUNT(rows));
    tcase_add_test(tc, no_more_is_wanted_once_one_too_many_went);
    return tc;
}
