#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "check_relay.h"
#include "relay/wanted.h"
#include "stage.h"
#include "txs.h"

static struct ptd_hash submit(struct stage *s, struct ptd_msg *m)
{
    struct ptd_pool_verdict v;

    ptd_relay_submit(s->relay, &v, tx_in(m), -1, 0);
    ck_assert_msg(v.class == PTD_POOL_ADDED, "%s", v.reason);
    return v.txid;
}

static bool pool_has(struct stage *s, const struct ptd_hash *txid)
{
    return ptd_pool_find(ptd_relay_pool(s->relay), NULL, txid, PTD_POOL_TXID);
}

static struct ptd_pool_info pool_info(struct stage *s)
{
    struct ptd_pool_info i;

    ptd_pool_info(ptd_relay_pool(s->relay), &i);
    return i;
}

/* A message that names one transaction, and which. */
static void ck_names(struct ptd_msg *m, uint32_t type, struct ptd_hash hash)
{
    const struct ptd_msg_inv *inv = PTD_MSG_CONST(inv, m);

    ck_assert_uint_eq(inv->n, 1);
    ck_assert_uint_eq(inv->list[0].type, type);
    ck_assert(ptd_hash_eq(&inv->list[0].hash, &hash));
    ptd_msg_free(m);
}

/* ---- ours -------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct part part;
} audience[] = {
    { "we called it", { .outbound = true } },
    { "it called us", { 0 } },
    { "noban", { .noban = true } },
    { "by txid", { .by_txid = true } },
};

START_TEST(ours_are_announced_and_served)
{
    const struct part *part = &audience[_i].part;
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1), *m;
    struct ptd_hash wtxid = tx_wid(tx), txid = tx_id(tx);
    uint32_t type = part->by_txid ? PTD_INV_TX : PTD_INV_WTX;
    struct ptd_hash name = part->by_txid ? txid : wtxid;
    struct ptd_relay_peer_info info;
    struct actor *a;
    struct stage s;

    stage_open(&s, true);
    a = actor_enter(&s, part);
    actor_send(a, list_of(PTD_MSG_GETDATA, PTD_INV_WTX, wtxid));
    ck_names(actor_wait(a, PTD_MSG_NOTFOUND), PTD_INV_WTX, wtxid);
    submit(&s, tx);
    if (!part->noban) { /* not before it was told */
        actor_send(a, list_of(PTD_MSG_GETDATA, PTD_INV_WTX, wtxid));
        ck_names(actor_wait(a, PTD_MSG_NOTFOUND), PTD_INV_WTX, wtxid);
    }
    ck_assert_uint_eq(pool_info(&s).n_unbroadcast, 1);
    ck_names(actor_hears(a, PTD_MSG_INV), type, name);
    actor_send(a, list_of(PTD_MSG_GETDATA, PTD_INV_WTX, wtxid));
    m = actor_wait(a, PTD_MSG_TX);
    ck_assert_uint_eq(tx_in(m)->in[0].n_witness, 1);
    ptd_msg_free(m);
    actor_send(a, list_of(PTD_MSG_GETDATA, PTD_INV_TX, txid));
    m = actor_wait(a, PTD_MSG_TX);
    ck_assert_uint_eq(tx_in(m)->in[0].n_witness, 0);
    ptd_msg_free(m);
    ck_assert_uint_eq(pool_info(&s).n_unbroadcast, 0);
    ptd_relay_peer_info(a->rp, &info);
    ck_assert(info.wants_txs && info.last_sequence == 2);
    ck_assert_uint_eq(info.n_to_send, 0);
    actor_hears_nothing(a, PTD_MSG_INV); /* once is enough */
    stage_close(&s);
    ptd_msg_free(tx);
}
END_TEST

static const struct {
    const char *name;
    struct part part;
} deaf[] = {
    { "for blocks alone", { .outbound = true, .no_txs = true } },
    { "wants none", { .no_relay_flag = true } },
    { "wants none, may filter",
      { .no_relay_flag = true, .offers_bloom = true } },
};

START_TEST(nothing_is_told_to_who_wants_nothing)
{
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct actor *a;
    struct stage s;

    stage_open(&s, true);
    a = actor_enter(&s, &deaf[_i].part);
    submit(&s, tx);
    actor_hears_nothing(a, PTD_MSG_INV);
    stage_close(&s);
    ptd_msg_free(tx);
}
END_TEST

START_TEST(ours_are_told_again_to_new_peers)
{
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_hash wtxid = tx_wid(tx);
    struct actor *first, *second, *third;
    int64_t begin_us;
    struct stage s;

    stage_open(&s, true);
    first = actor_enter(&s, &(struct part){ .outbound = true });
    begin_us = ptd_clock_now_us(s.r.clock);
    submit(&s, tx);
    ck_names(actor_hears(first, PTD_MSG_INV), PTD_INV_WTX, wtxid);
    second = actor_enter(&s, &(struct part){ .outbound = true });
    ck_names(actor_hears(second, PTD_MSG_INV), PTD_INV_WTX, wtxid);
    ck_assert_int_ge(ptd_clock_now_us(s.r.clock) - begin_us, 600 * SECOND_US);
    /* The second one tells it back: the third hears nothing any more. */
    actor_send(second, list_of(PTD_MSG_INV, PTD_INV_WTX, wtxid));
    ptd_msg_free(actor_poll(second, PTD_MSG_INV));
    third = actor_enter(&s, &(struct part){ .outbound = true });
    for (int i = 0; i < 10; i++) {
        stage_later(&s, 200);
        ck_assert_ptr_null(actor_poll(third, PTD_MSG_INV));
    }
    ck_assert_uint_eq(pool_info(&s).n_own_pending, 0);
    stage_close(&s);
    ptd_msg_free(tx);
}
END_TEST

/* ---- theirs ------------------------------------------------------------------- */

START_TEST(strangers_are_not_asked)
{
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct actor *a;
    struct stage s;

    stage_open(&s, true);
    a = actor_enter(&s, &(struct part){ .outbound = true });
    actor_send(a, list_of(PTD_MSG_INV, PTD_INV_WTX, tx_wid(tx)));
    actor_hears_nothing(a, PTD_MSG_GETDATA);
    actor_send(a, ptd_msg_ref(tx));
    actor_hears_nothing(a, PTD_MSG_INV);
    ck_assert_uint_eq(pool_info(&s).n, 0);
    stage_close(&s);
    ptd_msg_free(tx);
}
END_TEST

START_TEST(those_with_permission_are_asked_and_passed_on)
{
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_hash wtxid = tx_wid(tx), txid = tx_id(tx);
    struct ptd_relay_peer_info info;
    struct actor *a, *b;
    struct stage s;

    stage_open(&s, true);
    a = actor_enter(&s, &(struct part){ .relay = true });
    b = actor_enter(&s, &(struct part){ .outbound = true });
    actor_send(a, list_of(PTD_MSG_INV, PTD_INV_WTX, wtxid));
    ck_names(actor_hears(a, PTD_MSG_GETDATA), PTD_INV_WTX, wtxid);
    actor_send(a, ptd_msg_ref(tx));
    ck_names(actor_hears(b, PTD_MSG_INV), PTD_INV_WTX, wtxid);
    ck_assert(pool_has(&s, &txid));
    ptd_relay_peer_info(a->rp, &info);
    ck_assert_int_ne(info.last_tx_s, 0);
    actor_hears_nothing(a, PTD_MSG_INV); /* it has it */
    stage_close(&s);
    ptd_msg_free(tx);
}
END_TEST

START_TEST(nobody_is_asked_while_the_chain_is_downloaded)
{
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct actor *a;
    struct stage s;

    stage_open(&s, false);
    a = actor_enter(&s, &(struct part){ .relay = true });
    actor_send(a, list_of(PTD_MSG_INV, PTD_INV_WTX, tx_wid(tx)));
    actor_hears_nothing(a, PTD_MSG_GETDATA);
    stage_close(&s);
    ptd_msg_free(tx);
}
END_TEST

/* How the first one asked fails. */
enum failure { MUTE, HAS_NOT, LEAVES };
static const enum failure failures[] = { MUTE, HAS_NOT, LEAVES };

START_TEST(another_one_is_asked)
{
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_hash wtxid = tx_wid(tx);
    struct actor *a, *b;
    struct stage s;

    stage_open(&s, true);
    a = actor_enter(&s, &(struct part){ .outbound = true, .relay = true });
    b = actor_enter(&s, &(struct part){ .relay = true });
    actor_send(a, list_of(PTD_MSG_INV, PTD_INV_WTX, wtxid));
    ck_names(actor_wait(a, PTD_MSG_GETDATA), PTD_INV_WTX, wtxid);
    actor_send(b, list_of(PTD_MSG_INV, PTD_INV_WTX, wtxid));
    ck_assert_ptr_null(actor_poll(b, PTD_MSG_GETDATA));
    stage_later(&s, 50);
    ck_assert_ptr_null(actor_poll(b, PTD_MSG_GETDATA));
    switch (failures[_i]) {
    case MUTE: stage_later(&s, 10); break;
    case HAS_NOT:
        actor_send(a, list_of(PTD_MSG_NOTFOUND, PTD_INV_WTX, wtxid));
        break;
    case LEAVES: actor_leave(a); break;
    }
    ck_names(actor_wait(b, PTD_MSG_GETDATA), PTD_INV_WTX, wtxid);
    stage_close(&s);
    ptd_msg_free(tx);
}
END_TEST

START_TEST(what_was_refused_is_not_asked_for_again)
{
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_hash wtxid;
    struct actor *a;
    struct stage s;

    tx_of(tx)->version = 9;
    wtxid = tx_wid(tx);
    stage_open(&s, true);
    a = actor_enter(&s, &(struct part){ .noban = true, .relay = true });
    actor_send(a, list_of(PTD_MSG_INV, PTD_INV_WTX, wtxid));
    ck_names(actor_wait(a, PTD_MSG_GETDATA), PTD_INV_WTX, wtxid);
    actor_send(a, ptd_msg_ref(tx));
    actor_send(a, list_of(PTD_MSG_INV, PTD_INV_WTX, wtxid));
    actor_hears_nothing(a, PTD_MSG_GETDATA);
    ck_assert_uint_eq(pool_info(&s).n, 0);
    stage_close(&s);
    ptd_msg_free(tx);
}
END_TEST

/* One that announces a great many hinders nobody else, nor fills memory. */
START_TEST(a_flood_of_announcements_is_bounded)
{
    enum { PER_MSG = 1000, MSGS = 10 };
    struct ptd_inv *list = calloc(PER_MSG, sizeof *list);
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_hash wtxid = tx_wid(tx);
    struct actor *a, *b;
    struct stage s;
    size_t n = 0;

    stage_open(&s, true);
    a = actor_enter(&s, &(struct part){ .noban = true, .relay = true });
    b = actor_enter(&s, &(struct part){ .noban = true, .relay = true });
    for (uint32_t k = 0; k < MSGS; k++) {
        for (uint32_t i = 0; i < PER_MSG; i++) {
            list[i].type = PTD_INV_WTX;
            list[i].hash.b[0] = 1;
            list[i].hash.b[1] = (uint8_t)k;
            list[i].hash.b[2] = (uint8_t)i;
            list[i].hash.b[3] = (uint8_t)(i >> 8);
        }
        actor_send(a, ptd_msg_new_inv(PTD_MSG_INV, list, PER_MSG));
    }
    actor_send(a, list_of(PTD_MSG_INV, PTD_INV_WTX, wtxid));
    for (int i = 0; i < 2000 && n < WANTED_PER_PEER; i++) {
        n += actor_sum(a, PTD_MSG_GETDATA);
        stage_later(&s, 2);
    }
    ck_assert_uint_eq(n, WANTED_PER_PEER);
    actor_send(b, list_of(PTD_MSG_INV, PTD_INV_WTX, wtxid));
    ck_names(actor_wait(b, PTD_MSG_GETDATA), PTD_INV_WTX, wtxid);
    stage_close(&s);
    ptd_msg_free(tx);
    free(list);
}
END_TEST

START_TEST(force_relay_passes_on_what_is_here)
{
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct ptd_hash wtxid = tx_wid(tx);
    struct actor *a, *b;
    struct stage s;

    stage_open(&s, true);
    a = actor_enter(&s, &(struct part){ .relay = true, .force_relay = true });
    actor_send(a, ptd_msg_ref(tx));
    ptd_msg_free(actor_poll(a, PTD_MSG_PONG));
    b = actor_enter(&s, &(struct part){ .noban = true });
    ck_assert_ptr_null(actor_poll(b, PTD_MSG_INV));
    actor_send(a, ptd_msg_ref(tx));
    ck_names(actor_wait(b, PTD_MSG_INV), PTD_INV_WTX, wtxid);
    stage_close(&s);
    ptd_msg_free(tx);
}
END_TEST

/* ---- all that there are ----------------------------------------------------------- */

static const struct {
    const char *name;
    struct part part;
    bool answers, stays;
} askers[] = {
    { "nobody in particular", { 0 }, false, false },
    { "noban", { .noban = true }, false, true },
    { "with the permission", { .mempool = true }, true, true },
    { "where filters are offered", { .offers_bloom = true }, true, true },
};

START_TEST(mempool_is_for_those_who_may)
{
    struct ptd_msg *tx = tx_make(NULL, 0, 1, TX_VALUE, 1);
    struct actor *a;
    struct stage s;

    stage_open(&s, true);
    submit(&s, tx);
    a = actor_enter(&s, &askers[_i].part);
    actor_send(a, ptd_msg_new(PTD_MSG_MEMPOOL));
    if (!askers[_i].stays)
        actor_wait_gone(a);
    else if (askers[_i].answers)
        ck_names(actor_hears(a, PTD_MSG_INV), PTD_INV_WTX, tx_wid(tx));
    else
        actor_hears_nothing(a, PTD_MSG_INV);
    stage_close(&s);
    ptd_msg_free(tx);
}
END_TEST

/* ---- fees ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct part part;
    bool grown, blocks_only;
    int64_t rate; /* -1: it is told nothing */
} payers[] = {
    { "anybody", { 0 }, true, false, PTD_POOL_MIN_FEE },
    { "during the download", { 0 }, false, false, PTD_MAX_MONEY },
    { "forcing relay",
      { .relay = true, .force_relay = true },
      true,
      false,
      -1 },
    { "for blocks alone", { .no_txs = true }, true, false, -1 },
    { "old", { .pver = 70012 }, true, false, -1 },
};

START_TEST(fees_are_told)
{
    struct actor *a;
    struct ptd_msg *m;
    struct stage s;

    stage_open(&s, payers[_i].grown);
    a = actor_enter(&s, &payers[_i].part);
    if (payers[_i].rate < 0) {
        actor_hears_nothing(a, PTD_MSG_FEEFILTER);
    } else {
        m = actor_wait(a, PTD_MSG_FEEFILTER);
        ck_assert_int_eq(PTD_MSG_CONST(feefilter, m)->fee_rate,
                         payers[_i].rate);
        ptd_msg_free(m);
        actor_hears_nothing(a, PTD_MSG_FEEFILTER);
    }
    stage_close(&s);
}
END_TEST

START_TEST(fees_are_told_anew_after_the_download)
{
    struct ptd_hash genesis;
    struct actor *a;
    struct ptd_msg *m;
    struct stage s;

    stage_open(&s, false);
    genesis = s.r.params.genesis.hash;
    a = actor_enter(&s, &(struct part){ 0 });
    ptd_msg_free(actor_wait(a, PTD_MSG_FEEFILTER));
    rig_accept(&s.r, rig_block(&s.r, &genesis, 1, (uint32_t)rig_now_s - 60, 1),
               RIG_ASKED);
    m = actor_wait(a, PTD_MSG_FEEFILTER);
    ck_assert_int_eq(PTD_MSG_CONST(feefilter, m)->fee_rate, PTD_POOL_MIN_FEE);
    ptd_msg_free(m);
    stage_close(&s);
}
END_TEST

/* The child's fee is known: 1000 for about 100 virtual bytes. */
START_TEST(fee_filters_are_honoured)
{
    struct ptd_msg *parent = tx_make(NULL, 0, 1, TX_VALUE, 1), *child, *m;
    struct ptd_hash id = tx_id(parent);
    struct actor *cheap, *dear;
    struct stage s;

    child = tx_make(&id, 0, 1, TX_VALUE - 1000, 2);
    stage_open(&s, true);
    cheap = actor_enter(&s, &(struct part){ .noban = true });
    dear = actor_enter(&s, &(struct part){ .noban = true });
    m = ptd_msg_new(PTD_MSG_FEEFILTER);
    PTD_MSG_AS(feefilter, m)->fee_rate = 50000;
    actor_send(dear, m);
    ptd_msg_free(actor_poll(dear, PTD_MSG_PONG));
    submit(&s, parent);
    ptd_msg_free(actor_wait(cheap, PTD_MSG_INV));
    ptd_msg_free(actor_wait(dear, PTD_MSG_INV)); /* nobody knows what it pays */
    submit(&s, child);
    ck_names(actor_wait(cheap, PTD_MSG_INV), PTD_INV_WTX, tx_wid(child));
    actor_hears_nothing(dear, PTD_MSG_INV);
    stage_close(&s);
    ptd_msg_free(parent);
    ptd_msg_free(child);
}
END_TEST

/* ---- filters ----------------------------------------------------------------------- */

/* One that nothing is in. */
static struct ptd_msg *empty_filter(void)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_FILTERLOAD);
    struct ptd_msg_filterload *f = PTD_MSG_AS(filterload, m);
    const uint8_t bits[64] = { 0 };

    f->n_funcs = 8;
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &f->filter, bits, sizeof bits),
                     PTD_OK);
    return m;
}

static struct ptd_msg *add_of(const void *data, size_t n)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_FILTERADD);

    ck_assert_int_eq(
        ptd_msg_copy_bytes(m, &PTD_MSG_AS(filteradd, m)->data, data, n),
        PTD_OK);
    return m;
}

START_TEST(a_filter_chooses)
{
    struct ptd_msg *one = tx_make(NULL, 0, 1, TX_VALUE, 1),
                   *two = tx_make(NULL, 0, 1, TX_VALUE, 2),
                   *three = tx_make(NULL, 0, 1, TX_VALUE, 3), *m;
    struct ptd_hash id = tx_id(two);
    struct actor *a;
    struct stage s;
    bool has;

    stage_open(&s, true);
    a = actor_enter(&s, &(struct part){ .noban = true,
                                        .offers_bloom = true,
                                        .no_relay_flag = true });
    ck_assert_int_eq(ptd_relay_may_filter(a->rp, &has), PTD_OK);
    ck_assert(!has);
    actor_send(a, empty_filter());
    actor_send(a, add_of(id.b, 32));
    ptd_msg_free(actor_poll(a, PTD_MSG_PONG));
    ck_assert_int_eq(ptd_relay_may_filter(a->rp, &has), PTD_OK);
    ck_assert(has);
    submit(&s, one);
    submit(&s, two);
    ck_names(actor_wait(a, PTD_MSG_INV), PTD_INV_WTX, tx_wid(two));
    actor_send(a, ptd_msg_new(PTD_MSG_FILTERCLEAR));
    ptd_msg_free(actor_poll(a, PTD_MSG_PONG));
    id = tx_id(one);
    ck_assert_uint_eq(ptd_pool_row_again(ptd_relay_pool(s.relay), &id), 1);
    submit(&s, three); /* which makes the relay look */
    m = actor_wait(a, PTD_MSG_INV);
    ck_assert_uint_eq(PTD_MSG_CONST(inv, m)->n, 2);
    ptd_msg_free(m);
    stage_close(&s);
    ptd_msg_free(one);
    ptd_msg_free(two);
    ptd_msg_free(three);
}
END_TEST

START_TEST(a_filtered_block_brings_what_matches)
{
    struct ptd_msg *txs[3], *block, *m;
    struct ptd_hash id, got;
    struct actor *a;
    struct stage s;

    for (uint32_t i = 0; i < 3; i++)
        txs[i] = tx_make(NULL, 0, 1, TX_VALUE, i + 1);
    block = tx_block(txs, 3);
    id = tx_id(txs[1]);
    stage_open(&s, true);
    a = actor_enter(&s, &(struct part){ .offers_bloom = true });
    actor_send(a, empty_filter());
    actor_send(a, add_of(id.b, 32));
    ptd_msg_free(actor_poll(a, PTD_MSG_PONG));
    ck_assert_int_eq(
        ptd_relay_send_filtered(a->rp, PTD_MSG_CONST(block, block)), PTD_OK);
    m = actor_wait(a, PTD_MSG_MERKLEBLOCK);
    ck_assert_uint_eq(PTD_MSG_CONST(merkleblock, m)->n_tx, 4);
    ptd_msg_free(m);
    m = actor_wait(a, PTD_MSG_TX);
    ck_assert_uint_eq(tx_in(m)->in[0].n_witness, 0);
    got = tx_id(m);
    ck_assert(ptd_hash_eq(&got, &id));
    ptd_msg_free(m);
    ck_assert_ptr_null(actor_poll(a, PTD_MSG_TX));
    stage_close(&s);
    ptd_msg_free(block);
    for (size_t i = 0; i < 3; i++)
        ptd_msg_free(txs[i]);
}
END_TEST

static struct ptd_msg *add(void)
{
    return add_of("x", 1);
}

static struct ptd_msg *clear(void)
{
    return ptd_msg_new(PTD_MSG_FILTERCLEAR);
}

static const struct {
    struct ptd_msg *(*make)(void);
    bool offers, stays;
} loaders[] = {
    { empty_filter, false, false }, { add, false, false },
    { clear, false, false },        { empty_filter, true, true },
    { add, true, false }, /* to what? */
    { clear, true, true },
};

START_TEST(filters_are_for_where_they_are_offered)
{
    struct actor *a;
    struct stage s;
    bool has;

    stage_open(&s, true);
    a = actor_enter(&s, &(struct part){ .offers_bloom = loaders[_i].offers });
    actor_send(a, loaders[_i].make());
    if (loaders[_i].stays) {
        ptd_msg_free(actor_poll(a, PTD_MSG_PONG));
    } else {
        actor_wait_gone(a);
        ck_assert_int_eq(a->fault[0] != '\0', loaders[_i].offers);
    }
    ck_assert_int_eq(ptd_relay_may_filter(a->rp, &has) == PTD_OK,
                     loaders[_i].offers);
    stage_close(&s);
}
END_TEST

/* ---- blocks ------------------------------------------------------------------------- */

static struct ptd_msg *block_on(struct stage *s, const struct ptd_hash *prev,
                                uint32_t height, uint32_t time, uint32_t n_txs,
                                uint32_t salt)
{
    struct ptd_msg *m = rig_raw_block(&s->r, prev, height, time, salt);

    if (n_txs > 0)
        rig_add_txs(m, n_txs);
    rig_solve(&s->r, m);
    return m;
}

/* A branch of two takes the place of a block of three transactions. */
START_TEST(blocks_and_reorganisations_move_them)
{
    const uint32_t now = (uint32_t)rig_now_s;
    struct ptd_pool_verdict v;
    struct ptd_hash fork, at;
    struct ptd_msg *m;
    struct stage s;

    stage_open(&s, true);
    fork = rig_tip(&s.r);
    m = block_on(&s, &fork, 2, now - 50, 2, 2);
    for (uint32_t i = 1; i <= 2; i++) {
        struct ptd_pool_place place;

        ptd_relay_place(s.relay, &place);
        ptd_pool_add(ptd_relay_pool(s.relay), &v,
                     &PTD_MSG_CONST(block, m)->tx[i], PTD_POOL_BLOCK, &place,
                     -1, 0);
        ck_assert_msg(v.class == PTD_POOL_ADDED, "%s", v.reason);
    }
    rig_accept(&s.r, m, RIG_ASKED);
    ck_assert_uint_eq(pool_info(&s).n, 0);
    m = block_on(&s, &fork, 2, now - 50, 0, 3);
    at = rig_hash(m);
    rig_accept(&s.r, m, RIG_ASKED);
    ck_assert_uint_eq(pool_info(&s).n, 0);
    m = block_on(&s, &at, 3, now - 40, 0, 4);
    at = rig_hash(m);
    rig_accept(&s.r, m, RIG_ASKED);
    ck_assert(rig_same(rig_tip(&s.r), at));
    ck_assert_uint_eq(pool_info(&s).n, 2);
    stage_close(&s);
}
END_TEST

TCase *tcase_peers(void)
{
    TCase *tc = tcase_create("peers");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, ours_are_announced_and_served, 0,
                        PTD_COUNT(audience));
    tcase_add_loop_test(tc, nothing_is_told_to_who_wants_nothing, 0,
                        PTD_COUNT(deaf));
    tcase_add_test(tc, ours_are_told_again_to_new_peers);
    tcase_add_test(tc, strangers_are_not_asked);
    tcase_add_test(tc, those_with_permission_are_asked_and_passed_on);
    tcase_add_test(tc, nobody_is_asked_while_the_chain_is_downloaded);
    tcase_add_loop_test(tc, another_one_is_asked, 0, PTD_COUNT(failures));
    tcase_add_test(tc, what_was_refused_is_not_asked_for_again);
    tcase_add_test(tc, a_flood_of_announcements_is_bounded);
    tcase_add_test(tc, force_relay_passes_on_what_is_here);
    tcase_add_loop_test(tc, mempool_is_for_those_who_may, 0, PTD_COUNT(askers));
    tcase_add_loop_test(tc, fees_are_told, 0, PTD_COUNT(payers));
    tcase_add_test(tc, fees_are_told_anew_after_the_download);
    tcase_add_test(tc, fee_filters_are_honoured);
    tcase_add_test(tc, a_filter_chooses);
    tcase_add_test(tc, a_filtered_block_brings_what_matches);
    tcase_add_loop_test(tc, filters_are_for_where_they_are_offered, 0,
                        PTD_COUNT(loaders));
    tcase_add_test(tc, blocks_and_reorganisations_move_them);
    return tc;
}
