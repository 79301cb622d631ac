/* What a peer does about whoever breaks the rules, under each conduct. */
#include <config.h>

#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "check_peer.h"

/* ---- what the other side does wrong ---------------------------------------------- */

static void second_version(struct solo *r)
{
    rig_send(r, rig_version(r));
}

static void second_verack(struct solo *r)
{
    rig_send(r, ptd_msg_new(PTD_MSG_VERACK));
}

static void wtxidrelay(struct solo *r)
{
    rig_send_raw(r, "wtxidrelay", "", 0);
}

static void sendaddrv2(struct solo *r)
{
    rig_send_raw(r, "sendaddrv2", "", 0);
}

static void sendtxrcncl(struct solo *r)
{
    rig_send(r, rig_sample(PTD_MSG_SENDTXRCNCL));
}

static void bad_checksum(struct solo *r)
{
    struct ptd_v1_header h = { .command = "badmsg",
                               .length = 2,
                               .checksum = { 0xff, 0xff, 0xff, 0xff } };
    uint8_t frame[PTD_V1_HEADER_BYTES + 2] = { 0 };

    memcpy(h.magic, r->magic, 4);
    ptd_v1_header_encode(&h, frame);
    rig_send_bytes(r, frame, sizeof frame);
}

static void invalid_command(struct solo *r)
{
    uint8_t frame[PTD_V1_HEADER_BYTES] = { 0 };
    struct ptd_v1_header h = { .command = "ping" };

    memcpy(h.magic, r->magic, 4);
    ptd_v1_checksum("", 0, h.checksum);
    ptd_v1_header_encode(&h, frame);
    frame[4 + 11] = 'x'; /* behind the padding */
    rig_send_bytes(r, frame, sizeof frame);
}

static void short_ping(struct solo *r)
{
    rig_send_raw(r, "ping", "abc", 3);
}

static void wrong_magic(struct solo *r)
{
    r->magic[0] ^= 0xff;
    rig_send_raw(r, "ping", "12345678", 8);
    r->magic[0] ^= 0xff;
}

static void too_long(struct solo *r)
{
    struct ptd_v1_header h = { .command = "badmsg",
                               .length = PTD_MAX_PAYLOAD + 1 };
    uint8_t frame[PTD_V1_HEADER_BYTES];

    memcpy(h.magic, r->magic, 4);
    ptd_v1_header_encode(&h, frame);
    rig_send_bytes(r, frame, sizeof frame);
}

static void long_inv(struct solo *r)
{
    size_t n = 50001, size = 3 + n * 36;
    uint8_t *p = calloc(1, size);

    ck_assert_ptr_nonnull(p);
    p[0] = 0xfd;
    ptd_put_le16(p + 1, (uint16_t)n);
    rig_send_raw(r, "inv", p, size);
    free(p);
}

static void huge_count(struct solo *r)
{
    static const uint8_t p[] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 0x80 };

    rig_send_raw(r, "inv", p, sizeof p);
}

static const struct {
    const char *name;
    void (*act)(struct solo *r);
    bool is_fatal[2];    /* by conduct */
    size_t n_rejects;    /* under strict conduct, to version 70015 */
    enum ptd_err err[2]; /* of the disconnect */
    uint32_t first_pver; /* below it the message is unknown, and skipped */
} acts[] = {
    { "second version",
      second_version,
      { true, false },
      1,
      { PTD_EPROTO, PTD_OK },
      0 },
    { "second verack",
      second_verack,
      { true, false },
      0,
      { PTD_EPROTO, PTD_OK },
      0 },
    { "wtxidrelay after verack",
      wtxidrelay,
      { true, true },
      0,
      { PTD_EPROTO, PTD_EPROTO },
      PTD_PVER_WTXIDRELAY },
    { "sendaddrv2 after verack",
      sendaddrv2,
      { true, true },
      0,
      { PTD_EPROTO, PTD_EPROTO },
      0 },
    { "sendtxrcncl after verack",
      sendtxrcncl,
      { true, true },
      0,
      { PTD_EPROTO, PTD_EPROTO },
      0 },
    { "bad checksum",
      bad_checksum,
      { true, false },
      1,
      { PTD_ECHECKSUM, PTD_OK },
      0 },
    { "invalid command",
      invalid_command,
      { true, false },
      1,
      { PTD_ECOMMAND, PTD_OK },
      0 },
    { "malformed payload",
      short_ping,
      { true, false },
      1,
      { PTD_ESHORT, PTD_OK },
      0 },
    { "wrong magic",
      wrong_magic,
      { true, true },
      0,
      { PTD_EMAGIC, PTD_EMAGIC },
      0 },
    { "length above 4,000,000",
      too_long,
      { true, true },
      0,
      { PTD_ETOOBIG, PTD_ETOOBIG },
      0 },
    { "inv of 50,001",
      long_inv,
      { true, true },
      1,
      { PTD_ETOOBIG, PTD_ETOOBIG },
      0 },
    { "inv of 2^63",
      huge_count,
      { true, true },
      1,
      { PTD_ETOOBIG, PTD_ETOOBIG },
      0 },
};

static void tolerant(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->conduct = PTD_CONDUCT_TOLERANT;
}

static void assert_ends(struct solo *r, size_t n_rejects, enum ptd_err err,
                        const char *name)
{
    struct ptd_peer_stats s;
    size_t n = rig_recv_all(r, PTD_MSG_REJECT);

    ck_assert_msg(n == n_rejects, "%s: %zu rejects", name, n);
    (void)rig_wait(&r->s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r->s.peer, &s);
    ck_assert_msg(s.end_err == err, "%s: ended with %s (%s)", name,
                  ptd_err_name(s.end_err), s.end_why);
}

static void run_act(size_t i, enum ptd_conduct conduct, uint32_t pver)
{
    bool is_strict = conduct == PTD_CONDUCT_STRICT;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK,
                   is_strict ? NULL : tolerant);
    r.pver = pver;
    rig_solo_handshake(&r);
    acts[i].act(&r);
    if (acts[i].is_fatal[conduct] && pver >= acts[i].first_pver)
        assert_ends(&r, is_strict && pver <= 70015 ? acts[i].n_rejects : 0,
                    acts[i].err[conduct], acts[i].name);
    else
        rig_sync(&r);
    rig_solo_end(&r);
}

START_TEST(strict_rejects_and_disconnects)
{
    run_act((size_t)_i, PTD_CONDUCT_STRICT, 70015);
}
END_TEST

START_TEST(strict_sends_no_reject_to_new_versions)
{
    run_act((size_t)_i, PTD_CONDUCT_STRICT, 70016);
}
END_TEST

START_TEST(tolerant_ignores_what_is_harmless)
{
    run_act((size_t)_i, PTD_CONDUCT_TOLERANT, 70016);
}
END_TEST

/* ---- before the handshake is done -------------------------------------------------- */

static void old_strict(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->pver = 70015; /* so that a reject may go out before any version */
}

START_TEST(strict_wants_version_first)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, _i ? old_strict : NULL);
    rig_send(&r, rig_sample(PTD_MSG_PING));
    assert_ends(&r, _i ? 1 : 0, PTD_EPROTO, "first message not version");
    ck_assert(!rig_has(&r.s, EV_READY, PTD_MSG_UNKNOWN));
    rig_solo_end(&r);
}
END_TEST

START_TEST(tolerant_waits_for_version)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, tolerant);
    rig_send(&r, rig_sample(PTD_MSG_PING));
    rig_send(&r, rig_sample(PTD_MSG_INV));
    rig_solo_handshake(&r);
    rig_sync(&r);
    rig_solo_end(&r);
}
END_TEST

/* Nothing but version, features and verack leaves or counts before verack. */
START_TEST(messages_before_verack_are_ignored)
{
    struct rig_frame f;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, _i ? tolerant : NULL);
    rig_send(&r, rig_version(&r));
    rig_send(&r, ptd_msg_new_nonce(PTD_MSG_PING, 99));
    rig_send(&r, ptd_msg_new(PTD_MSG_GETADDR));
    rig_send(&r, ptd_msg_new(PTD_MSG_VERACK));
    (void)rig_wait(&r.s, EV_READY, PTD_MSG_UNKNOWN);
    rig_send(&r, ptd_msg_new_nonce(PTD_MSG_PING, 100));
    ck_assert(rig_recv_type(&r, PTD_MSG_PONG, &f));
    ck_assert_uint_eq(ptd_get_le64(f.payload), 100);
    rig_frame_free(&f);
    ck_assert(!rig_has(&r.s, EV_MSG, PTD_MSG_GETADDR));
    rig_solo_end(&r);
}
END_TEST

/* How a stranger may try to keep the handshake busy. */
static const struct {
    const char *name;
    bool with_version;
    const char *command;
    size_t n, size;
} floods[] = {
    { "unknown messages before version", false, "junk", 1000, 0 },
    { "unknown messages before verack", true, "junk", 1000, 0 },
    { "few and large ones", true, "junk", 4, 40000 },
    { "feature messages", true, "sendaddrv2", 1000, 0 },
    { "versions", true, "version", 1000, 0 },
    { "veracks before version", false, "verack", 1000, 0 },
    { "large veracks before version", false, "verack", 4, 40000 },
    { "versions cut short", false, "version", 900, 1 },
};

START_TEST(flood_before_verack_is_bounded)
{
    uint8_t *junk = calloc(1, 40000);
    struct ptd_peer_stats s;
    struct solo r;

    ck_assert_ptr_nonnull(junk);
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, tolerant);
    if (floods[_i].with_version)
        rig_send(&r, rig_version(&r));
    for (size_t i = 0; i < floods[_i].n; i++)
        if (floods[_i].with_version &&
            strcmp(floods[_i].command, "version") == 0)
            rig_send(&r, rig_version(&r));
        else
            rig_send_raw(&r, floods[_i].command, junk, floods[_i].size);
    (void)rig_recv_all(&r, PTD_MSG_UNKNOWN);
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_msg(s.end_err == PTD_ETOOBIG, "%s: %s (%s)", floods[_i].name,
                  ptd_err_name(s.end_err), s.end_why);
    free(junk);
    rig_solo_end(&r);
}
END_TEST

/* The header alone: its bytes are not waited for. */
static const struct {
    const char *command;
    bool with_version;
    uint32_t length;
} heads[] = {
    { "junk", false, 3900000 },  { "version", false, 3900000 },
    { "version", false, 65536 }, { "verack", true, 3900000 },
    { "block", true, 3900000 },  { "sendaddrv2", true, 65536 },
};

START_TEST(large_frame_before_verack_is_refused_at_its_header)
{
    struct ptd_v1_header h = { .length = heads[_i].length };
    uint8_t head[PTD_V1_HEADER_BYTES];
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, tolerant);
    if (heads[_i].with_version)
        rig_send(&r, rig_version(&r));
    memcpy(h.magic, r.magic, 4);
    strcpy(h.command, heads[_i].command);
    ptd_v1_header_encode(&h, head);
    rig_send_bytes(&r, head, sizeof head);
    (void)rig_recv_all(&r, PTD_MSG_UNKNOWN);
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_int_eq(s.end_err, PTD_ETOOBIG);
    rig_solo_end(&r);
}
END_TEST

/* Later versions may append fields. */
START_TEST(version_may_be_larger_than_usual)
{
    struct ptd_codec cx = { .pver = 70015 };
    uint8_t *payload = calloc(1, 65535);
    struct rig_frame f;
    struct ptd_msg *m;
    struct solo r;
    size_t n;

    ck_assert_ptr_nonnull(payload);
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    m = rig_version(&r);
    ck_assert_int_eq(ptd_msg_encode(m, payload, 65535, &n, &cx), PTD_OK);
    ptd_msg_free(m);
    rig_send_raw(&r, "version", payload, 65535);
    ck_assert(rig_recv_type(&r, PTD_MSG_VERACK, &f));
    rig_frame_free(&f);
    rig_send(&r, ptd_msg_new(PTD_MSG_VERACK));
    (void)rig_wait(&r.s, EV_READY, PTD_MSG_UNKNOWN);
    free(payload);
    rig_solo_end(&r);
}
END_TEST

/* … and is welcome behind it. */
START_TEST(large_frame_behind_verack_is_taken)
{
    size_t n = 1000000;
    uint8_t *junk = calloc(1, n);
    struct solo r;

    ck_assert_ptr_nonnull(junk);
    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    rig_send(&r, rig_version(&r));
    rig_send(&r, ptd_msg_new(PTD_MSG_VERACK));
    rig_send_raw(&r, "junk", junk, n);
    rig_sync(&r);
    free(junk);
    rig_solo_end(&r);
}
END_TEST

/* ---- versions ---------------------------------------------------------------------- */

static void min_70012(struct ptd_peer_config *cfg, bool is_outbound)
{
    (void)is_outbound;
    cfg->min_pver = 70012;
}

static const struct {
    void (*tune)(struct ptd_peer_config *, bool);
    uint32_t pver;
    size_t n_rejects;
} obsolete[] = {
    { NULL, 208, 0 },
    { min_70012, 70001, 0 },
    { min_70012, 70002, 1 },
    { min_70012, 70011, 1 },
};

START_TEST(version_below_the_minimum_is_refused)
{
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, obsolete[_i].tune);
    r.pver = obsolete[_i].pver;
    rig_send(&r, rig_version(&r));
    assert_ends(&r, obsolete[_i].n_rejects, PTD_EVERSION, "obsolete version");
    rig_solo_end(&r);
}
END_TEST

static const uint32_t spoken[] = { 209,   31401, 31402, 60000, 60001, 60002,
                                   70001, 70002, 70015, 70016, 70017 };

START_TEST(lower_of_both_versions_is_spoken)
{
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    r.pver = spoken[_i];
    rig_solo_handshake(&r);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_uint_eq(s.pver, PTD_MIN(spoken[_i], 70016u));
    ck_assert_uint_eq(s.advertised_pver, spoken[_i]);
    rig_solo_end(&r);
}
END_TEST

/* BIP 31: version 60000 and below has no pong. */
START_TEST(ping_without_nonce_gets_no_pong)
{
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, NULL);
    r.pver = 60000;
    rig_solo_handshake(&r);
    rig_send_raw(&r, "ping", "", 0);
    (void)rig_wait(&r.s, EV_MSG, PTD_MSG_PING);
    rig_send(&r, ptd_msg_new(PTD_MSG_GETADDR));
    (void)rig_wait(&r.s, EV_MSG, PTD_MSG_GETADDR);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_uint_eq(s.sent[PTD_MSG_PONG].n, 0);
    rig_solo_end(&r);
}
END_TEST

/* A peer chooses its time freely: no overflow, and our clock stays. */
static const int64_t times[] = { INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX };

START_TEST(absurd_times_saturate)
{
    struct ptd_peer_stats s;
    struct ptd_msg *m;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_VIRTUAL_CLOCK, NULL);
    m = rig_version(&r);
    ((struct ptd_msg_version *)(void *)m)->time = times[_i];
    rig_send(&r, m);
    (void)rig_wait(&r.s, EV_VERSION, PTD_MSG_VERSION);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert(times[_i] < 1 ? s.time_offset_s < -1000000
                            : s.time_offset_s > 1000000);
    ck_assert_int_eq(ptd_clock_wall_s(r.clk), 1700000000);
    rig_solo_end(&r);
}
END_TEST

/* ATTACKS 28: hashing junk has an end for a tolerated peer too. */
START_TEST(flood_of_bad_checksums_ends_the_peer)
{
    struct ptd_peer_stats s;
    struct solo r;

    rig_solo_start(&r, PTD_INBOUND, SOLO_REAL_CLOCK, tolerant);
    rig_solo_handshake(&r);
    for (int i = 0; i < 1100; i++)
        bad_checksum(&r);
    (void)rig_recv_all(&r, PTD_MSG_UNKNOWN);
    (void)rig_wait(&r.s, EV_GONE, PTD_MSG_UNKNOWN);
    ptd_peer_stats(r.s.peer, &s);
    ck_assert_int_eq(s.end_err, PTD_ECHECKSUM);
    rig_solo_end(&r);
}
END_TEST

TCase *tcase_conduct(void)
{
    TCase *tc = tcase_create("conduct");
    int n = (int)PTD_COUNT(acts);

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, strict_rejects_and_disconnects, 0, n);
    tcase_add_loop_test(tc, strict_sends_no_reject_to_new_versions, 0, n);
    tcase_add_loop_test(tc, tolerant_ignores_what_is_harmless, 0, n);
    tcase_add_loop_test(tc, strict_wants_version_first, 0, 2);
    tcase_add_test(tc, tolerant_waits_for_version);
    tcase_add_loop_test(tc, messages_before_verack_are_ignored, 0, 2);
    tcase_add_loop_test(tc, flood_before_verack_is_bounded, 0,
                        PTD_COUNT(floods));
    tcase_add_loop_test(tc, large_frame_before_verack_is_refused_at_its_header,
                        0, PTD_COUNT(heads));
    tcase_add_test(tc, version_may_be_larger_than_usual);
    tcase_add_test(tc, large_frame_behind_verack_is_taken);
    tcase_add_loop_test(tc, version_below_the_minimum_is_refused, 0,
                        PTD_COUNT(obsolete));
    tcase_add_loop_test(tc, lower_of_both_versions_is_spoken, 0,
                        PTD_COUNT(spoken));
    tcase_add_test(tc, ping_without_nonce_gets_no_pong);
    tcase_add_loop_test(tc, absurd_times_saturate, 0, PTD_COUNT(times));
    tcase_add_test(tc, flood_of_bad_checksums_ends_the_peer);
    return tc;
}
