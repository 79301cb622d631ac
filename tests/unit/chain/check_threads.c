#include <config.h>

#include <stdlib.h>

#include "base/alloc.h"
#include "check_chain.h"
#include "rig.h"
#include "sync/thread.h"

/* Several threads at once: they give the same blocks, each in an order of its
 * own, while others look. */

enum { N = 200, GIVERS = 3 };

struct giver {
    struct ptd_thread thread;
    struct rig *r;
    struct ptd_msg **blocks;
    uint32_t step;
    size_t n_new;
};

static void give_main(void *arg)
{
    struct giver *g = arg;
    struct ptd_block_result res;

    for (uint32_t k = 0, i = g->step; k < N; k++, i = (i + g->step) % N) {
        ptd_blockchain_accept_block(g->r->c, &res, g->blocks[i],
                                    PTD_ACCEPT_REQUESTED);
        ck_assert_int_eq(res.verdict.class, PTD_BLOCK_VALID);
        g->n_new += res.is_new;
    }
}

struct looker {
    struct ptd_thread thread;
    struct rig *r;
    struct ptd_hash end;
};

/* Wait for tip after tip, and look around at each. */
static void look_main(void *arg)
{
    struct looker *l = arg;

    for (;;) {
        struct ptd_chan *event = ptd_blockchain_tip_event(l->r->c);
        struct ptd_block_info info;
        struct ptd_chain_tip *tips;
        struct ptd_buf *buf;
        size_t n;

        ck_assert_ptr_nonnull(event);
        ptd_blockchain_tip(l->r->c, &info);
        ck_assert_int_eq(
            ptd_blockchain_read(l->r->c, &buf, &n, &info.header.hash, NULL),
            PTD_OK);
        ptd_buf_free(buf);
        ck_assert_int_eq(ptd_blockchain_tips(l->r->c, &tips, &n), PTD_OK);
        ptd_free(tips);
        if (ptd_hash_eq(&info.header.hash, &l->end)) {
            ptd_chan_free(event);
            return;
        }
        ck_assert_int_eq(ptd_chan_recv(event, NULL), PTD_ECLOSED);
        ptd_chan_free(event);
    }
}

/* As tip changes were told: each begins where the one before ended. */
static void check_told(const struct rig *r, const struct ptd_hash *end)
{
    struct ptd_hash at = r->params.genesis.hash;

    ck_assert_uint_le(r->n_tips, RIG_MAX_TIPS);
    for (size_t i = 0; i < r->n_tips; i++) {
        ck_assert(ptd_hash_eq(&r->tip[i].old_tip, &at));
        at = r->tip[i].new_tip;
    }
    ck_assert(ptd_hash_eq(&at, end));
}

START_TEST(threads_may_give_and_look_at_once)
{
    static const uint32_t steps[GIVERS] = { 1, N - 1, 77 };
    struct giver givers[GIVERS] = { 0 };
    struct looker looker = { 0 };
    struct ptd_headers_result res;
    struct ptd_msg *blocks[N];
    struct ptd_hash on;
    uint8_t(*raw)[80] = malloc(N * sizeof *raw);
    size_t n_new = 0;
    struct rig r;

    ck_assert_ptr_nonnull(raw);
    rig_init(&r, "regtest");
    rig_open(&r);
    on = r.params.genesis.hash;
    for (uint32_t i = 0; i < N; i++) {
        blocks[i] = rig_block(&r, &on, i + 1, r.params.genesis.time + 1 + i, 1);
        ptd_block_header_encode(&PTD_MSG_AS(block, blocks[i])->header, raw[i]);
        on = rig_hash(blocks[i]);
    }
    ck_assert_int_eq(
        ptd_blockchain_add_headers(r.c, &res, raw[0], N, PTD_FROM_STRANGER),
        PTD_HEADER_OK);
    looker.r = &r;
    looker.end = on;
    ck_assert_int_eq(
        ptd_thread_start(&looker.thread, NULL, "look", look_main, &looker),
        PTD_OK);
    for (size_t i = 0; i < GIVERS; i++) {
        givers[i].r = &r;
        givers[i].blocks = blocks;
        givers[i].step = steps[i];
        ck_assert_int_eq(ptd_thread_start(&givers[i].thread, NULL, "give",
                                          give_main, &givers[i]),
                         PTD_OK);
    }
    for (size_t i = 0; i < GIVERS; i++) {
        ptd_thread_join(&givers[i].thread);
        n_new += givers[i].n_new;
    }
    ptd_thread_join(&looker.thread);
    ck_assert_uint_eq(n_new, N);
    check_told(&r, &on);
    for (uint32_t i = 0; i < N; i++)
        ptd_msg_free(blocks[i]);
    free(raw);
    rig_fini(&r);
}
END_TEST

struct hand {
    struct ptd_thread thread;
    struct rig *r;
    struct ptd_hash block;
};

static void toggle_main(void *arg)
{
    struct hand *h = arg;

    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(ptd_blockchain_invalidate(h->r->c, &h->block), PTD_OK);
        ck_assert_int_eq(ptd_blockchain_reconsider(h->r->c, &h->block), PTD_OK);
        ck_assert_int_eq(ptd_blockchain_flush(h->r->c), PTD_OK);
    }
}

START_TEST(marks_and_new_blocks_do_not_disturb_each_other)
{
    struct ptd_block_info info;
    struct ptd_hash tip;
    struct hand h = { 0 };
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, 20, 1);
    ck_assert(ptd_blockchain_at(r.c, &info, 10));
    h.r = &r;
    h.block = info.header.hash;
    ck_assert_int_eq(
        ptd_thread_start(&h.thread, NULL, "toggle", toggle_main, &h), PTD_OK);
    for (uint32_t i = 0; i < 50; i++)
        rig_accept(&r,
                   rig_block(&r, &r.params.genesis.hash, 1,
                             r.params.genesis.time + 1 + i, 100 + i),
                   PTD_ACCEPT_REQUESTED);
    ptd_thread_join(&h.thread);
    ck_assert(ptd_blockchain_find(r.c, &info, &tip));
    ck_assert(info.active);
    ck_assert_int_eq(info.confirmations, 1);
    rig_close(&r);
    rig_open(&r);
    ck_assert(ptd_blockchain_find(r.c, &info, &tip));
    ck_assert(info.active);
    rig_fini(&r);
}
END_TEST

Suite *suite_threads(void)
{
    Suite *s = suite_create("threads");
    TCase *tc = tcase_create("threads");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, threads_may_give_and_look_at_once);
    tcase_add_test(tc, marks_and_new_blocks_do_not_disturb_each_other);
    suite_add_tcase(s, tc);
    return s;
}
