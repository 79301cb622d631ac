/* The walk of a connection: start, messages both ways, figures, end. */
#include <config.h>

#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/util.h"
#include "check_peer.h"
#include "peer/peer_int.h"
#include "pentad/params.h"

/* ---- connection ------------------------------------------------------------- */

static void assert_ends_agree(const struct ptd_peer_stats *a,
                              const struct ptd_peer_stats *b)
{
    ck_assert_uint_eq(a->pver, 70016);
    ck_assert_uint_eq(a->pver, b->pver);
    ck_assert_uint_eq(a->services, PTD_NODE_NETWORK | PTD_NODE_WITNESS);
    ck_assert_uint_eq(a->services, b->services);
    ck_assert_str_eq(a->user_agent, b->user_agent);
    ck_assert_str_eq(a->transport, "v1");
    ck_assert(a->witness && a->verack_received && a->version_known);
    ck_assert(a->wtxidrelay && a->wants_addrv2 && a->relay);
    ck_assert_uint_eq(a->bytes_sent, b->bytes_recv);
    ck_assert_int_eq(a->start_height, 0);
    /* Its second may have begun between the two looks at the clock. */
    ck_assert_int_ge(a->time_offset_s, -1);
    ck_assert_int_le(a->time_offset_s, 1);
    ck_assert_int_eq(a->state, PTD_PEER_READY);
    ck_assert_int_ne(a->last_send_s, 0);
    ck_assert_int_ne(a->last_recv_s, 0);
    for (size_t i = 0; i <= PTD_MSG_N_TYPES; i++) {
        ck_assert_uint_eq(a->sent[i].n, b->recv[i].n);
        ck_assert_uint_eq(a->sent[i].bytes, b->recv[i].bytes);
    }
}

START_TEST(connection_gives_equal_figures_on_both_sides)
{
    struct ptd_peer_stats in, out;
    struct duo d;

    rig_duo_make(&d, NULL, NULL);
    rig_duo_start(&d);
    (void)rig_wait(&d.in, EV_MSG, PTD_MSG_VERACK);
    (void)rig_wait(&d.out, EV_MSG, PTD_MSG_VERACK);
    ptd_peer_stats(d.in.peer, &in);
    ptd_peer_stats(d.out.peer, &out);
    assert_ends_agree(&in, &out);
    assert_ends_agree(&out, &in);
    ck_assert_int_eq(in.direction, PTD_INBOUND);
    ck_assert_int_eq(out.direction, PTD_OUTBOUND);
    ck_assert_int_eq(in.id, 0);
    ck_assert_int_eq(out.id, 1);
    ck_assert(ptd_netaddr_is_equal(&in.addr, &out.addr_local));
    rig_duo_end(&d);
}
END_TEST

START_TEST(new_comes_before_gone_and_gone_once)
{
    struct duo d;

    rig_duo_make(&d, NULL, NULL);
    rig_duo_start(&d); /* waits for "ready" */
    ptd_peer_disconnect(d.in.peer, PTD_ECLOSED, "enough");
    (void)rig_wait(&d.in, EV_GONE, PTD_MSG_UNKNOWN);
    (void)rig_wait(&d.out, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_join(d.in.peer);
    ptd_peer_join(d.out.peer);
    ck_assert(!rig_has(&d.in, EV_GONE, PTD_MSG_UNKNOWN));
    ck_assert(!rig_has(&d.out, EV_GONE, PTD_MSG_UNKNOWN));
    rig_duo_end(&d);
}
END_TEST

/* Types that have their place in the handshake alone. */
static bool is_handshake_type(enum ptd_msg_type t)
{
    return t == PTD_MSG_VERSION || t == PTD_MSG_VERACK ||
           t == PTD_MSG_WTXIDRELAY || t == PTD_MSG_SENDADDRV2 ||
           t == PTD_MSG_SENDTXRCNCL || t == PTD_MSG_FEATURE;
}

static void no_pings(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->first_ping_us = -1;
}

START_TEST(every_message_reaches_its_listener)
{
    enum ptd_msg_type type = (enum ptd_msg_type)_i;
    struct duo d;

    rig_duo_make(&d, NULL, no_pings);
    if (is_handshake_type(type)) {
        rig_duo_attach(&d);
    } else {
        rig_duo_start(&d);
        ck_assert_int_eq(ptd_peer_queue(d.out.peer, rig_sample(type), NULL),
                         PTD_OK);
    }
    /* Ours has no use for these two: the next test sends them itself. */
    if (type != PTD_MSG_SENDTXRCNCL && type != PTD_MSG_FEATURE)
        (void)rig_wait(&d.in, EV_MSG, type);
    rig_duo_end(&d);
}
END_TEST

/* sendtxrcncl and feature are no part of our own handshake. */
START_TEST(feature_messages_reach_their_listener_before_verack)
{
    static const enum ptd_msg_type types[] = { PTD_MSG_SENDTXRCNCL,
                                               PTD_MSG_FEATURE,
                                               PTD_MSG_WTXIDRELAY,
                                               PTD_MSG_SENDADDRV2 };
    struct ptd_peer_stats s;
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    r.pver = 70017;
    rig_send(&r, rig_version(&r));
    ck_assert(rig_recv_type(&r, PTD_MSG_VERACK, &f));
    rig_frame_free(&f);
    for (size_t i = 0; i < PTD_COUNT(types); i++) {
        bool is_known = types[i] != PTD_MSG_FEATURE; /* 70016 is spoken */

        rig_send(&r, rig_sample(types[i]));
        if (is_known)
            (void)rig_wait(&r.s, EV_MSG, types[i]);
        else
            (void)rig_wait(&r.s, EV_UNKNOWN, PTD_MSG_UNKNOWN);
    }
    rig_send(&r, ptd_msg_new(PTD_MSG_VERACK));
    (void)rig_wait(&r.s, EV_READY, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert(s.wtxidrelay && s.wants_addrv2);
    rig_solo_end(&r);
}
END_TEST

/* BIP 434 */
static const struct ptd_feature offered[] = { { "BIP9998v2", "two", 3 },
                                              { "BIP9998", NULL, 0 } };

static void with_features(struct ptd_peer_config *cfg, bool is_outbound)
{
    no_pings(cfg, is_outbound);
    cfg->feature = true;
    cfg->features = offered;
    cfg->n_features = PTD_COUNT(offered);
}

static const uint32_t feature_pvers[] = { 70015, 70016, 70017 };

START_TEST(features_are_offered_to_who_may_know_them)
{
    uint32_t pver = feature_pvers[_i];
    size_t n = 0;
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, with_features);
    r.pver = pver;
    rig_send(&r, rig_version(&r));
    ck_assert(rig_recv_type(&r, PTD_MSG_VERSION, &f));
    ck_assert_uint_eq(ptd_get_le32(f.payload), 70017);
    rig_frame_free(&f);
    while (rig_recv(&r, &f) && f.type != PTD_MSG_VERACK) {
        if (f.type == PTD_MSG_FEATURE) {
            size_t k = strlen(offered[n].id), size = offered[n].n_data;

            ck_assert_uint_eq(f.n, 1 + k + 1 + size);
            ck_assert_mem_eq(f.payload + 1, offered[n].id, k);
            ck_assert_uint_eq(f.payload[1 + k], size);
            if (size > 0)
                ck_assert_mem_eq(f.payload + 2 + k, offered[n].data, size);
            n++;
        }
        rig_frame_free(&f);
    }
    rig_frame_free(&f);
    ck_assert_uint_eq(n, pver >= 70017 ? PTD_COUNT(offered) : 0);
    rig_send(&r, ptd_msg_new(PTD_MSG_VERACK));
    (void)rig_wait(&r.s, EV_READY, PTD_MSG_UNKNOWN);
    rig_solo_end(&r);
}
END_TEST

static struct ptd_msg *feature(const char *id, size_t n_data)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_FEATURE);
    struct ptd_msg_feature *f = (struct ptd_msg_feature *)(void *)m;
    uint8_t data[PTD_MAX_FEATURE_DATA] = { 0 };

    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &f->id, id, strlen(id)), PTD_OK);
    ck_assert_int_eq(ptd_msg_copy_bytes(m, &f->data, data, n_data), PTD_OK);
    return m;
}

START_TEST(features_of_the_peer_are_listed)
{
    enum { MORE = 4 };
    struct ptd_peer_stats s;
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, with_features);
    r.pver = 70017;
    rig_send(&r, rig_version(&r));
    rig_send(&r, feature("BIP9998", 0));
    rig_send(&r, feature("not\n\x01printable", 512));
    for (int i = 0; i < PTD_MAX_FEATURES - 2 + MORE; i++)
        rig_send(&r, feature("https://example.com/what-nobody-knows", 1));
    rig_send(&r, ptd_msg_new(PTD_MSG_VERACK));
    (void)rig_wait(&r.s, EV_READY, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_uint_eq(s.pver, 70017);
    ck_assert_uint_eq(s.n_features, PTD_MAX_FEATURES + MORE);
    ck_assert_str_eq(s.features[0].id, "BIP9998");
    ck_assert_uint_eq(s.features[0].n_data, 0);
    ck_assert_ptr_null(strchr(s.features[1].id, '\n'));
    ck_assert_uint_eq(s.features[1].n_data, 512);
    ck_assert_str_eq(s.features[PTD_MAX_FEATURES - 1].id,
                     "https://example.com/what-nobody-knows");
    ck_assert_uint_eq(s.recv[PTD_MSG_FEATURE].n, PTD_MAX_FEATURES + MORE);
    ck_assert(rig_recv_type(&r, PTD_MSG_VERACK, &f));
    rig_frame_free(&f);
    rig_send(&r, feature("BIP9998", 0)); /* too late */
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_int_eq(s.end_err, PTD_EPROTO);
    rig_solo_end(&r);
}
END_TEST

#define C80                                                                    \
    "1234567890123456789012345678901234567890"                                 \
    "1234567890123456789012345678901234567890"

static const struct {
    const char *name;
    struct ptd_feature f;
    bool speaks;
    bool is_good;
} offers[] = {
    { "four characters", { "BIP1", NULL, 0 }, true, true },
    { "three", { "BIP", NULL, 0 }, true, false },
    { "eighty", { C80, NULL, 0 }, true, true },
    { "eighty-one", { C80 "1", NULL, 0 }, true, false },
    { "none", { NULL, NULL, 0 }, true, false },
    { "not printable", { "BIP\t1", NULL, 0 }, true, false },
    { "largest data",
      { "BIP1", C80 C80 C80 C80 C80 C80 C80, 512 },
      true,
      true },
    { "larger data",
      { "BIP1", C80 C80 C80 C80 C80 C80 C80, 513 },
      true,
      false },
    { "no data at all", { "BIP1", NULL, 1 }, true, false },
    { "not spoken", { "BIP1", NULL, 0 }, false, false },
};

START_TEST(what_is_offered_must_fit_into_a_message)
{
    struct ptd_env *env = ptd_env_new(NULL);
    struct ptd_peer *p = NULL;
    struct ptd_peer_config cfg;
    enum ptd_err e;

    ck_assert_ptr_nonnull(env);
    ptd_peer_config_init(&cfg, ptd_params_by_name("regtest"));
    cfg.feature = offers[_i].speaks;
    cfg.features = &offers[_i].f;
    cfg.n_features = 1;
    e = ptd_peer_new(&p, env, &cfg, PTD_OUTBOUND, NULL);
    ck_assert_msg(e == (offers[_i].is_good ? PTD_OK : PTD_EINVAL), "%s: %s",
                  offers[_i].name, ptd_err_text(e));
    if (e == PTD_OK)
        ptd_peer_free(p);
    ptd_env_free(env);
}
END_TEST

START_TEST(unknown_command_is_reported_and_counted)
{
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    rig_solo_handshake(&r);
    rig_send_raw(&r, "nonsense", "abc", 3);
    (void)rig_wait(&r.s, EV_UNKNOWN, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_uint_eq(s.recv[PTD_MSG_UNKNOWN].n, 1);
    ck_assert_uint_eq(s.recv[PTD_MSG_UNKNOWN].bytes, 27);
    rig_solo_end(&r);
}
END_TEST

START_TEST(trailing_bytes_are_accepted_and_counted)
{
    static const uint8_t ping9[9] = { 1 };
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    rig_solo_handshake(&r);
    rig_send_raw(&r, "ping", ping9, sizeof ping9);
    (void)rig_wait(&r.s, EV_MSG, PTD_MSG_PING);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_uint_eq(s.n_trailing, 1);
    rig_solo_end(&r);
}
END_TEST

/* ---- listeners while the peer runs ------------------------------------------------ */

static enum ptd_err count_call(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    (void)p;
    (void)m;
    ++*(int *)arg;
    return PTD_OK;
}

START_TEST(listeners_come_and_go_while_the_peer_runs)
{
    struct solo r;
    int n = 0;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, no_pings);
    rig_solo_handshake(&r);
    ptd_peer_listen(r.s.peer, PTD_MSG_GETADDR, count_call, &n);
    rig_send(&r, ptd_msg_new(PTD_MSG_GETADDR));
    rig_sync(&r);
    ck_assert_int_eq(n, 1);
    ptd_peer_listen(r.s.peer, PTD_MSG_GETADDR, NULL, NULL);
    rig_send(&r, ptd_msg_new(PTD_MSG_GETADDR));
    rig_sync(&r);
    ck_assert_int_eq(n, 1);
    rig_solo_end(&r);
}
END_TEST

/* ---- looking for answers ------------------------------------------------------ */

/* How often in may look when it asks, and when the answer is there. A look in
 * vain is as good as one that finds: the machine may be busy. */
static const struct look_case {
    bool direct, has_other; /* another peer looks */
    int before, after, or_after;
} look_cases[] = {
    { true, false, 7, 6, -63 },
    { true, false, -3, -2, -2 },
    { true, true, 7, 7, 7 },
    { false, false, 7, 7, 7 },
};

struct look {
    const struct look_case *k;
    int after;
};

/* Both run in in, whose own the figure is. */
static enum ptd_err ask(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    const struct look *l = arg;

    (void)m;
    p->looks = l->k->before;
    return ptd_peer_queue(p, ptd_msg_new_nonce(PTD_MSG_PING, 5), NULL);
}

static enum ptd_err hear(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    (void)m;
    ((struct look *)arg)->after = p->looks;
    return PTD_OK;
}

static void no_direct_write(struct ptd_peer_config *cfg, bool is_outbound)
{
    no_pings(cfg, is_outbound);
    cfg->direct_write = false;
}

START_TEST(who_asks_looks_for_the_answer_only_if_it_pays)
{
    const struct look_case *k = &look_cases[_i];
    struct look l = { k, 0 };
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK,
                   k->direct ? no_pings : no_direct_write);
    rig_solo_handshake(&r);
    ptd_peer_listen(r.s.peer, PTD_MSG_GETADDR, ask, &l);
    ptd_peer_listen(r.s.peer, PTD_MSG_PONG, hear, &l);
    if (k->has_other)
        ck_assert(!atomic_flag_test_and_set(&r.s.env->is_looking));
    rig_send(&r, ptd_msg_new(PTD_MSG_GETADDR));
    ck_assert(rig_recv_type(&r, PTD_MSG_PING, &f));
    rig_frame_free(&f);
    rig_send(&r, ptd_msg_new_nonce(PTD_MSG_PONG, 5));
    rig_sync(&r);
    ck_assert_msg(l.after == k->after || l.after == k->or_after, "%d", l.after);
    atomic_flag_clear(&r.s.env->is_looking);
    rig_solo_end(&r);
}
END_TEST

/* ---- listeners ------------------------------------------------------------------ */

START_TEST(known_message_without_a_listener_is_told_at_debug)
{
    struct rig_log log;
    struct solo r;

    rig_log_start(&log, PTD_LOG_DEBUG);
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, no_pings);
    rig_solo_handshake(&r);
    for (size_t i = 0; i < PTD_MSG_N_TYPES; i++)
        ptd_peer_listen(r.s.peer, (enum ptd_msg_type)i, NULL, NULL);
    rig_send(&r, ptd_msg_new(PTD_MSG_GETADDR));
    rig_send(&r, rig_sample(PTD_MSG_INV));
    rig_send(&r, rig_sample(PTD_MSG_INV));
    rig_sync(&r); /* a ping, which is handled */
    rig_log_stop(&log);
    ck_assert_uint_eq(rig_log_count(&log, "unhandled getaddr"), 1);
    ck_assert_uint_eq(rig_log_count(&log, "unhandled inv"), 2);
    ck_assert_uint_eq(rig_log_count(&log, "unhandled"), 3);
    rig_solo_end(&r);
}
END_TEST

static enum ptd_err fail_call(struct ptd_peer *p, struct ptd_msg *m, void *arg)
{
    (void)p;
    (void)m;
    (void)arg;
    return PTD_EBADVALUE;
}

START_TEST(failing_listener_ends_the_peer_with_its_error)
{
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    rig_solo_handshake(&r);
    ptd_peer_listen(r.s.peer, PTD_MSG_GETADDR, fail_call, NULL);
    rig_send(&r, ptd_msg_new(PTD_MSG_GETADDR));
    (void)rig_recv_all(&r, PTD_MSG_PONG);
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_int_eq(s.end_err, PTD_EBADVALUE);
    rig_solo_end(&r);
}
END_TEST

/* Answers of many messages: again and again, each time the queue has drained. */
struct burst {
    int n_calls;
    int n_left;
};

static enum ptd_err answer_in_parts(struct ptd_peer *p, struct ptd_msg *m,
                                    void *arg)
{
    struct burst *b = arg;

    (void)m;
    b->n_calls++;
    ck_assert_int_eq(
        ptd_peer_queue(p, ptd_msg_new_nonce(PTD_MSG_PONG, 7), NULL), PTD_OK);
    return --b->n_left > 0 ? PTD_EAGAIN : PTD_OK;
}

START_TEST(handler_that_says_again_is_called_again)
{
    struct burst b = { 0, 100 };
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    rig_solo_handshake(&r);
    ptd_peer_listen(r.s.peer, PTD_MSG_GETADDR, answer_in_parts, &b);
    rig_send(&r, ptd_msg_new(PTD_MSG_GETADDR));
    for (int i = 0; i < 100; i++) {
        ck_assert(rig_recv_type(&r, PTD_MSG_PONG, &f));
        rig_frame_free(&f);
    }
    rig_sync(&r);
    ck_assert_int_eq(b.n_calls, 100);
    rig_solo_end(&r);
}
END_TEST

static enum ptd_err again_for_ever(struct ptd_peer *p, struct ptd_msg *m,
                                   void *arg)
{
    (void)m;
    ++*(int *)arg;
    (void)!ptd_peer_queue(p, ptd_msg_new_nonce(PTD_MSG_PONG, 7), NULL);
    return PTD_EAGAIN;
}

/* What it queues leaves after the handshake, which waits for it to end. */
START_TEST(handler_of_the_handshake_may_not_say_again)
{
    struct ptd_peer_stats s;
    struct solo r;
    int n = 0;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    ptd_peer_listen(r.s.peer, PTD_MSG_VERSION, again_for_ever, &n);
    rig_send(&r, rig_version(&r));
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_int_eq(s.end_err, PTD_EINVAL);
    ck_assert_int_eq(n, 1);
    rig_solo_end(&r);
}
END_TEST

/* Statistics keep the beginning of a long reason, the log all of it. */
START_TEST(log_has_the_whole_reason_of_a_disconnect)
{
    char why[301];
    struct ptd_peer_stats s;
    struct rig_log log;
    struct solo r;

    memset(why, 'x', 250);
    memset(why + 250, '\0', sizeof why - 250);
    strcpy(why + 240, " tail");
    rig_log_start(&log, PTD_LOG_DEBUG);
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    ptd_peer_disconnect(r.s.peer, PTD_ECLOSED, "%s", why);
    ptd_peer_stats(r.s.peer, &s);
    rig_solo_end(&r);
    rig_log_stop(&log);
    ck_assert_uint_eq(rig_log_count(&log, "x tail"), 1);
    ck_assert_uint_eq(strlen(s.end_why), sizeof s.end_why - 1);
    ck_assert_mem_eq(s.end_why, why, sizeof s.end_why - 1);
}
END_TEST

/* ---- hooks of the handshake ------------------------------------------------------- */

static enum ptd_err no_block(struct ptd_hash *hash, int32_t *height, void *arg)
{
    (void)hash;
    (void)height;
    (void)arg;
    return PTD_ENOTFOUND;
}

static void fail_newest(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->hooks.newest_block = no_block;
}

START_TEST(failing_newest_block_disconnects)
{
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_OUTBOUND, SOLO_REAL_CLOCK, fail_newest);
    ck_assert_uint_eq(rig_recv_all(&r, PTD_MSG_VERSION), 0);
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_int_eq(s.end_err, PTD_ENOTFOUND);
    rig_solo_end(&r);
}
END_TEST

static struct ptd_msg *refuse(struct ptd_peer *p,
                              const struct ptd_msg_version *v, void *arg)
{
    (void)p;
    (void)v;
    (void)arg;
    return ptd_msg_new_reject("version", PTD_REJECT_NONSTANDARD,
                              "required services not offered", NULL);
}

static void refusing(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->hooks.on_version = refuse;
}

/* A reject goes to versions 70002 to 70015 and to nobody else. */
static const struct {
    uint32_t pver;
    size_t n_rejects;
} refusals[] = { { 70001, 0 }, { 70002, 1 }, { 70015, 1 }, { 70016, 0 } };

START_TEST(on_version_may_refuse)
{
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, refusing);
    r.pver = refusals[_i].pver;
    rig_send(&r, rig_version(&r));
    ck_assert_uint_eq(rig_recv_all(&r, PTD_MSG_REJECT), refusals[_i].n_rejects);
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ck_assert(!rig_has(&r.s, EV_READY, PTD_MSG_UNKNOWN));
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_int_eq(s.end_err, PTD_EREJECTED);
    rig_solo_end(&r);
}
END_TEST

static void not_allowed(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    (void)cfg;
}

START_TEST(connection_to_oneself_is_found_out)
{
    struct ptd_peer_stats in, out;
    struct ptd_env_config ec;
    struct ptd_peer_config cfg;
    struct subject s = { 0 };
    struct ptd_peer *a, *b;
    int fd[2];

    ptd_env_config_init(&ec);
    s.env = ptd_env_new(&ec);
    s.events = ptd_chan_new(sizeof(struct event), 64);
    ck_assert_ptr_nonnull(s.env);
    rig_config(&cfg, &s);
    not_allowed(&cfg, true);
    ck_assert_int_eq(ptd_peer_new(&a, s.env, &cfg, PTD_INBOUND, NULL), PTD_OK);
    ck_assert_int_eq(ptd_peer_new(&b, s.env, &cfg, PTD_OUTBOUND, NULL), PTD_OK);
    rig_tcp_pair(fd);
    ck_assert_int_eq(ptd_peer_attach(a, fd[0]), PTD_OK);
    ck_assert_int_eq(ptd_peer_attach(b, fd[1]), PTD_OK);
    (void)rig_wait(&s, EV_GONE, PTD_MSG_UNKNOWN);
    (void)rig_wait(&s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(a, &in);
    ptd_peer_stats(b, &out);
    ck_assert_int_eq(in.end_err, PTD_ESELF);
    ck_assert_str_eq(in.end_why, "connected to self");
    ck_assert_int_ne(out.end_err, PTD_OK);
    ptd_peer_join(a);
    ptd_peer_join(b);
    ptd_peer_free(a);
    ptd_peer_free(b);
    ptd_chan_free(s.events);
    ptd_env_free(s.env);
}
END_TEST

/* ---- attach and queue at odd times ------------------------------------------------ */

START_TEST(second_attach_changes_nothing)
{
    struct duo d;
    int fd[2];

    rig_duo_make(&d, NULL, NULL);
    rig_duo_start(&d);
    rig_tcp_pair(fd);
    ck_assert_int_eq(ptd_peer_attach(d.in.peer, fd[0]), PTD_EEXIST);
    ck_assert_int_eq(close(fd[0]), 0); /* still ours */
    ck_assert_int_eq(close(fd[1]), 0);
    ck_assert_int_eq(
        ptd_peer_queue(d.out.peer, rig_sample(PTD_MSG_GETADDR), NULL), PTD_OK);
    (void)rig_wait(&d.in, EV_MSG, PTD_MSG_GETADDR);
    rig_duo_end(&d);
}
END_TEST

START_TEST(attach_after_disconnect_closes_the_socket)
{
    struct duo d;
    char byte;
    int fd[2];

    rig_duo_make(&d, NULL, NULL);
    ptd_peer_disconnect(d.in.peer, PTD_ECLOSED, "before it began");
    rig_tcp_pair(fd);
    ck_assert_int_eq(ptd_peer_attach(d.in.peer, fd[0]), PTD_ECLOSED);
    ck_assert_int_eq(read(fd[1], &byte, 1), 0);
    close(fd[1]);
    ck_assert(!rig_has(&d.in, EV_GONE, PTD_MSG_UNKNOWN));
    rig_duo_end(&d);
}
END_TEST

/* When a message is queued to a peer that is no more (or never was). */
enum moment { NEVER_ATTACHED, DISCONNECTED, JOINED, N_MOMENTS };

START_TEST(queueing_on_a_disconnected_peer_signals_done)
{
    struct ptd_chan *done = ptd_chan_new(sizeof(enum ptd_err), 1);
    enum ptd_err how = PTD_OK;
    struct duo d;

    rig_duo_make(&d, NULL, NULL);
    if (_i != NEVER_ATTACHED)
        rig_duo_start(&d);
    ptd_peer_disconnect(d.out.peer, PTD_ECLOSED, "enough");
    if (_i == JOINED)
        ptd_peer_join(d.out.peer);
    for (int i = 0; i < 100; i++) { /* more than the queue holds */
        ck_assert_int_eq(
            ptd_peer_queue(d.out.peer, rig_sample(PTD_MSG_PING), done),
            PTD_ECLOSED);
        ck_assert_int_eq(ptd_chan_try_recv(done, &how), PTD_OK);
        ck_assert_int_eq(how, PTD_ECLOSED);
    }
    ptd_chan_free(done);
    rig_duo_end(&d);
}
END_TEST

START_TEST(done_without_room_is_refused)
{
    struct ptd_chan *done = ptd_chan_new(0, 1);
    struct duo d;

    rig_duo_make(&d, NULL, NULL); /* not attached: the message waits */
    ck_assert_int_eq(ptd_peer_queue(d.out.peer, rig_sample(PTD_MSG_PING), done),
                     PTD_OK);
    ck_assert_int_eq(ptd_peer_queue(d.out.peer, rig_sample(PTD_MSG_PING), done),
                     PTD_EFULL);
    ck_assert_uint_eq(ptd_chan_len(done), 0);
    ptd_peer_disconnect(d.out.peer, PTD_ECLOSED, "enough");
    ck_assert_uint_eq(ptd_chan_len(done), 1);
    ptd_chan_free(done);
    rig_duo_end(&d);
}
END_TEST

START_TEST(nothing_leaks_from_many_connections)
{
    size_t n_fds, n_threads;
    struct duo d;

    rig_duo_make(&d, NULL, NULL); /* warm up what is made once */
    rig_duo_start(&d);
    rig_duo_end(&d);
    n_fds = rig_n_fds();
    n_threads = rig_n_threads();
    for (int i = 0; i < 50; i++) {
        rig_duo_make(&d, NULL, NULL);
        rig_duo_start(&d);
        rig_duo_end(&d);
    }
    ck_assert_uint_eq(rig_n_fds(), n_fds);
    rig_await_threads(n_threads);
}
END_TEST

TCase *tcase_basic(void)
{
    TCase *tc = tcase_create("basic");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, connection_gives_equal_figures_on_both_sides);
    tcase_add_test(tc, new_comes_before_gone_and_gone_once);
    tcase_add_loop_test(tc, every_message_reaches_its_listener, 0,
                        PTD_MSG_N_TYPES);
    tcase_add_test(tc, feature_messages_reach_their_listener_before_verack);
    tcase_add_loop_test(tc, features_are_offered_to_who_may_know_them, 0,
                        PTD_COUNT(feature_pvers));
    tcase_add_test(tc, features_of_the_peer_are_listed);
    tcase_add_loop_test(tc, what_is_offered_must_fit_into_a_message, 0,
                        PTD_COUNT(offers));
    tcase_add_test(tc, unknown_command_is_reported_and_counted);
    tcase_add_test(tc, trailing_bytes_are_accepted_and_counted);
    tcase_add_test(tc, listeners_come_and_go_while_the_peer_runs);
    tcase_add_loop_test(tc, who_asks_looks_for_the_answer_only_if_it_pays, 0,
                        PTD_COUNT(look_cases));
    tcase_add_test(tc, known_message_without_a_listener_is_told_at_debug);
    tcase_add_test(tc, failing_listener_ends_the_peer_with_its_error);
    tcase_add_test(tc, handler_that_says_again_is_called_again);
    tcase_add_test(tc, handler_of_the_handshake_may_not_say_again);
    tcase_add_test(tc, log_has_the_whole_reason_of_a_disconnect);
    tcase_add_test(tc, failing_newest_block_disconnects);
    tcase_add_loop_test(tc, on_version_may_refuse, 0, PTD_COUNT(refusals));
    tcase_add_test(tc, connection_to_oneself_is_found_out);
    tcase_add_test(tc, second_attach_changes_nothing);
    tcase_add_test(tc, attach_after_disconnect_closes_the_socket);
    tcase_add_loop_test(tc, queueing_on_a_disconnected_peer_signals_done, 0,
                        N_MOMENTS);
    tcase_add_test(tc, done_without_room_is_refused);
    tcase_add_test(tc, nothing_leaks_from_many_connections);
    return tc;
}
