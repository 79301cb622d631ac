#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/util.h"
#include "rig.h"

static struct gots *new_gots(void)
{
    struct gots *g = calloc(1, sizeof *g);

    ck_assert_ptr_nonnull(g);
    return g;
}

static void is_frame(const struct got *t, enum ptd_msg_type type,
                     enum ptd_err err, size_t n)
{
    ck_assert_int_eq(t->f.type, type);
    ck_assert_int_eq(t->f.err, err);
    ck_assert_uint_eq(t->f.n, n);
    ck_assert_uint_eq(t->f.wire_bytes, n + PTD_V1_HEADER_BYTES);
    ck_assert((t->payload != NULL) ==
              (err == PTD_OK && type != PTD_MSG_UNKNOWN));
}

/* The payload that bytes_add_frame() makes. */
static void has_pattern(const uint8_t *payload, size_t n)
{
    uint8_t *want = malloc(n + 1);

    ck_assert_ptr_nonnull(want);
    rig_pattern(want, n, (unsigned)n);
    ck_assert(memcmp(payload, want, n) == 0);
    free(want);
}

/* ---- cutting --------------------------------------------------------- */

static struct bytes small_stream(void)
{
    struct bytes b = { NULL, 0 };

    bytes_add_frame(&b, "ping", NULL, 8);
    bytes_add_frame(&b, "verack", NULL, 0);
    bytes_add_frame(&b, "inv", NULL, 37);
    bytes_add_frame(&b, "whatisthis", NULL, 20);
    bytes_add_frame(&b, "sendcmpct", NULL, 9);
    bytes_add_frame(&b, "nothing", NULL, 0);
    bytes_add_frame(&b, "getblocktxn", NULL, 300);
    return b;
}

static void is_small_stream(const struct gots *g)
{
    ck_assert_uint_eq(g->n, 7);
    is_frame(&g->list[0], PTD_MSG_PING, PTD_OK, 8);
    has_pattern(g->list[0].payload, 8);
    is_frame(&g->list[1], PTD_MSG_VERACK, PTD_OK, 0);
    is_frame(&g->list[2], PTD_MSG_INV, PTD_OK, 37);
    has_pattern(g->list[2].payload, 37);
    is_frame(&g->list[3], PTD_MSG_UNKNOWN, PTD_OK, 20);
    ck_assert_str_eq(g->list[3].f.command, "whatisthis");
    is_frame(&g->list[4], PTD_MSG_SENDCMPCT, PTD_OK, 9);
    is_frame(&g->list[5], PTD_MSG_UNKNOWN, PTD_OK, 0);
    is_frame(&g->list[6], PTD_MSG_GETBLOCKTXN, PTD_OK, 300);
    has_pattern(g->list[6].payload, 300);
}

START_TEST(frames_split_at_every_byte_come_out_the_same)
{
    struct bytes b = small_stream();
    struct rig r;

    rig_init(&r, NULL);
    for (size_t k = 0; k <= b.n; k++) {
        struct gots *g = new_gots();

        rig_pump(&r, g, b.p, k);
        rig_pump(&r, g, b.p + k, b.n - k);
        is_small_stream(g);
        ck_assert(!ptd_conn_in_frame(r.conn));
        ck_assert_uint_eq(ptd_conn_buffered(r.conn), 0);
        gots_free(g);
    }
    ck_assert_uint_eq(ptd_conn_bytes_recv(r.conn), (b.n + 1) * b.n);
    bytes_free(&b);
    rig_fini(&r);
}
END_TEST

START_TEST(frames_byte_by_byte_come_out_the_same)
{
    struct bytes b = small_stream();
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, NULL);
    for (size_t k = 0; k < b.n; k++)
        rig_pump(&r, g, b.p + k, 1);
    is_small_stream(g);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

START_TEST(a_large_frame_cut_in_odd_pieces_is_checked_and_whole)
{
    static const size_t piece[] = { 1, 23, 24, 25, 1000, 65536, 100003 };
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, NULL);
    bytes_add_frame(&b, "ping", NULL, 8);
    bytes_add_frame(&b, "block", NULL, 700001);
    bytes_add_frame(&b, "cmpctblock", NULL, 16384);
    bytes_add_frame(&b, "ping", NULL, 8);
    for (size_t at = 0, i = 0; at < b.n; i++) {
        size_t n = PTD_MIN(piece[i % PTD_COUNT(piece)], b.n - at);

        rig_pump(&r, g, b.p + at, n);
        at += n;
    }
    ck_assert_uint_eq(g->n, 4);
    is_frame(&g->list[1], PTD_MSG_BLOCK, PTD_OK, 700001);
    has_pattern(g->list[1].payload, 700001);
    is_frame(&g->list[2], PTD_MSG_CMPCTBLOCK, PTD_OK, 16384);
    has_pattern(g->list[2].payload, 16384);
    is_frame(&g->list[3], PTD_MSG_PING, PTD_OK, 8);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

START_TEST(one_read_brings_many_frames)
{
    enum { N = 2000 };
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, NULL);
    for (size_t i = 0; i < N; i++)
        bytes_add_frame(&b, "ping", NULL, 8);
    rig_pump(&r, g, b.p, b.n);
    ck_assert_uint_eq(g->n, N);
    for (size_t i = 0; i < N; i++) {
        is_frame(&g->list[i], PTD_MSG_PING, PTD_OK, 8);
        has_pattern(g->list[i].payload, 8);
        ck_assert_ptr_null(g->list[i].f.buf);
    }
    ck_assert_uint_le(g->n_recv, 10); /* 64,000 bytes */
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

/* ---- what is wrong --------------------------------------------------- */

START_TEST(a_wrong_magic_loses_the_stream_at_its_fourth_byte)
{
    const uint8_t other[4] = { 0xf9, 0xbe, 0xb4, 0xd9 };
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, NULL);
    bytes_add_frame(&b, "ping", NULL, 8);
    bytes_add(&b, other, 4);
    rig_pump(&r, g, b.p, b.n - 1);
    ck_assert_int_eq(g->end, PTD_OK);
    rig_pump(&r, g, b.p + b.n - 1, 1);
    ck_assert_int_eq(g->end, PTD_EMAGIC);
    ck_assert_uint_eq(g->n, 1);
    ck_assert(memcmp(g->last.got, other, 4) == 0);
    ck_assert(memcmp(g->last.want, rig_magic, 4) == 0);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

static const struct {
    const char *command;
    size_t n;
    size_t flip; /* byte of the frame that is changed */
} corrupt[] = {
    { "ping", 8, 24 },          { "ping", 8, 31 },
    { "ping", 8, 20 },          { "verack", 0, 23 },
    { "inv", 16383, 24 },       { "inv", 16384, 24 },
    { "block", 300000, 300023 }, { "block", 300000, 24 },
    { "block", 300000, 22 },    { "unheardof", 100, 50 },
    { "unheardof", 500000, 24 }, { "unheardof", 0, 20 },
};

START_TEST(a_wrong_checksum_is_told_and_the_stream_goes_on)
{
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    uint8_t right[4];
    struct rig r;

    rig_init(&r, NULL);
    bytes_add_frame(&b, corrupt[_i].command, NULL, corrupt[_i].n);
    b.p[corrupt[_i].flip] ^= 0x40;
    ptd_v1_checksum(b.p + 24, corrupt[_i].n, right);
    bytes_add_frame(&b, "pong", NULL, 8);
    rig_pump(&r, g, b.p, b.n);
    ck_assert_uint_eq(g->n, 2);
    ck_assert_int_eq(g->list[0].f.err, PTD_ECHECKSUM);
    ck_assert_ptr_null(g->list[0].payload);
    ck_assert_ptr_null(g->list[0].f.buf);
    ck_assert_str_eq(g->list[0].f.command, corrupt[_i].command);
    ck_assert(memcmp(g->list[0].f.want, b.p + 20, 4) == 0);
    ck_assert(memcmp(g->list[0].f.got, right, 4) == 0);
    is_frame(&g->list[1], PTD_MSG_PONG, PTD_OK, 8);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

START_TEST(a_length_above_4000000_loses_the_stream)
{
    static const uint32_t lengths[] = { 4000001, 0x02000000, UINT32_MAX };
    struct ptd_v1_header h = { .length = lengths[_i], .command = "block" };
    uint8_t head[PTD_V1_HEADER_BYTES];
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, NULL);
    memcpy(h.magic, rig_magic, 4);
    ptd_v1_header_encode(&h, head);
    rig_pump(&r, g, head, sizeof head);
    ck_assert_int_eq(g->end, PTD_ETOOBIG);
    ck_assert_str_eq(g->last.command, "block");
    ck_assert_uint_eq(g->last.n, lengths[_i]);
    ck_assert_uint_eq(g->max_out, 0);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

START_TEST(a_longest_payload_is_accepted)
{
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, NULL);
    bytes_add_frame(&b, "block", NULL, PTD_MAX_PAYLOAD);
    rig_pump(&r, g, b.p, b.n);
    ck_assert_uint_eq(g->n, 1);
    is_frame(&g->list[0], PTD_MSG_BLOCK, PTD_OK, PTD_MAX_PAYLOAD);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

static const struct {
    const char *command; /* twelve bytes at most, as sent */
    const char *shown;
} bad_commands[] = {
    { "pi\nng", "ping" },
    { "\x7f", "" },
    { "\xff\xfe", "" },
    { "\x01pingpingpin", "pingpingpin" },
};

START_TEST(a_command_that_is_not_printable_is_skipped)
{
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, NULL);
    bytes_add_frame(&b, bad_commands[_i].command, NULL, 70000);
    bytes_add_frame(&b, "ping", NULL, 8);
    rig_pump(&r, g, b.p, b.n);
    ck_assert_uint_eq(g->n, 2);
    is_frame(&g->list[0], PTD_MSG_UNKNOWN, PTD_ECOMMAND, 70000);
    ck_assert_str_eq(g->list[0].f.command, bad_commands[_i].shown);
    is_frame(&g->list[1], PTD_MSG_PING, PTD_OK, 8);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

START_TEST(a_character_behind_the_padding_is_an_invalid_command)
{
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, NULL);
    bytes_add_frame(&b, "ping", NULL, 8);
    b.p[15] = 'x';
    rig_pump(&r, g, b.p, b.n);
    ck_assert_uint_eq(g->n, 1);
    is_frame(&g->list[0], PTD_MSG_UNKNOWN, PTD_ECOMMAND, 8);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

/* ---- memory ---------------------------------------------------------- */

static const struct {
    const char *command;
    enum ptd_msg_type type;
    enum ptd_err err;
} not_stored[] = {
    { "nosuchthing", PTD_MSG_UNKNOWN, PTD_OK },
    { "ping", PTD_MSG_PING, PTD_ETOOBIG },
    { "version", PTD_MSG_VERSION, PTD_ETOOBIG },
    { "bad\x02", PTD_MSG_UNKNOWN, PTD_ECOMMAND },
};

START_TEST(four_megabytes_that_nobody_wants_are_not_stored)
{
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, NULL);
    bytes_add_frame(&b, not_stored[_i].command, NULL, PTD_MAX_PAYLOAD);
    bytes_add_frame(&b, "ping", NULL, 8);
    rig_pump(&r, g, b.p, 100);
    ck_assert(ptd_conn_in_frame(r.conn));
    ck_assert_uint_eq(ptd_conn_buffered(r.conn), 0);
    rig_pump(&r, g, b.p + 100, b.n - 100);
    ck_assert_uint_eq(g->n, 2);
    is_frame(&g->list[0], not_stored[_i].type, not_stored[_i].err,
             PTD_MAX_PAYLOAD);
    is_frame(&g->list[1], PTD_MSG_PING, PTD_OK, 8);
    ck_assert_uint_le(g->max_out, 65536);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

START_TEST(bytes_left_over_are_accepted_up_to_the_slack)
{
    size_t limit = ptd_frame_limit(PTD_MSG_PING);
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    ck_assert_uint_eq(limit, 8 + PTD_FRAME_SLACK);
    rig_init(&r, NULL);
    bytes_add_frame(&b, "ping", NULL, 9);
    bytes_add_frame(&b, "ping", NULL, limit);
    bytes_add_frame(&b, "ping", NULL, limit + 1);
    rig_pump(&r, g, b.p, b.n);
    ck_assert_uint_eq(g->n, 3);
    is_frame(&g->list[0], PTD_MSG_PING, PTD_OK, 9);
    is_frame(&g->list[1], PTD_MSG_PING, PTD_OK, limit);
    is_frame(&g->list[2], PTD_MSG_PING, PTD_ETOOBIG, limit + 1);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

START_TEST(memory_grows_with_what_arrived_not_with_what_is_declared)
{
    struct ptd_bufpool_config tight = { .eager_bytes = 1 };
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, &tight);
    bytes_add_frame(&b, "block", NULL, 3900000);
    rig_pump(&r, g, b.p, 24);
    ck_assert_uint_le(g->max_out, 65536);
    for (size_t at = 24; at < b.n;) {
        size_t n = PTD_MIN((size_t)30000, b.n - at);

        rig_pump(&r, g, b.p + at, n);
        at += n;
        /* Twice, half as much again for the class, both during a copy. */
        ck_assert_uint_le(g->max_out, 65536 + 5 * at);
        g->max_out = 0;
    }
    ck_assert_uint_eq(g->n, 1);
    is_frame(&g->list[0], PTD_MSG_BLOCK, PTD_OK, 3900000);
    has_pattern(g->list[0].payload, 3900000);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

/* CVE-2015-3641 */
START_TEST(two_hundred_large_promises_cost_little)
{
    enum { N = 200 };
    struct ptd_v1_header h = { .length = 3900000, .command = "block" };
    struct ptd_conn_config cfg = { .max_payload = 0 };
    uint8_t head[PTD_V1_HEADER_BYTES];
    struct ptd_bufpool *pool = ptd_bufpool_new(NULL);
    struct ptd_conn *conn[N];
    int fd[N][2];

    cfg.mem = ptd_bufpool_mem(pool);
    memcpy(cfg.magic, rig_magic, 4);
    memcpy(h.magic, rig_magic, 4);
    ptd_v1_header_encode(&h, head);
    for (size_t i = 0; i < N; i++) {
        struct ptd_frame f;
        size_t n;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd[i]), 0);
        ck_assert_int_eq(ptd_conn_new(&conn[i], fd[i][0], &cfg), PTD_OK);
        ck_assert_int_eq(send(fd[i][1], head, sizeof head, 0), sizeof head);
        ck_assert_int_eq(ptd_conn_recv(conn[i], 0, &n), PTD_OK);
        ck_assert_int_eq(ptd_conn_next(conn[i], &f), PTD_EAGAIN);
        ck_assert_int_eq(ptd_conn_recv(conn[i], MSG_DONTWAIT, &n), PTD_EAGAIN);
    }
    /* The pool's budget, and 64 KiB for everyone beyond it. */
    ck_assert_uint_le(ptd_bufpool_out_bytes(pool), (32 << 20) + N * 65536);
    for (size_t i = 0; i < N; i++) {
        ptd_conn_free(conn[i]);
        close(fd[i][1]);
    }
    ptd_bufpool_free(pool);
}
END_TEST

START_TEST(a_roomy_pool_gives_the_whole_size_at_once)
{
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    rig_init(&r, NULL);
    bytes_add_frame(&b, "block", NULL, 1250000);
    rig_pump(&r, g, b.p, b.n);
    ck_assert_uint_eq(g->n, 1);
    ck_assert_uint_le(g->max_out, 1572864); /* its class, nothing else */
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

START_TEST(a_referenced_payload_stays_while_the_next_frames_arrive)
{
    enum { ROUNDS = 5 };
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;

    g->want_keep = true;
    rig_init(&r, NULL);
    for (size_t i = 0; i < ROUNDS; i++) {
        bytes_add_frame(&b, "ping", NULL, 8);
        bytes_add_frame(&b, "block", NULL, 300000 + i);
        bytes_add_frame(&b, "tx", NULL, 40000 + i);
        bytes_add_frame(&b, "inv", NULL, 37);
    }
    rig_pump(&r, g, b.p, b.n);
    rig_pump(&r, g, b.p, b.n);
    ck_assert_uint_eq(g->n, 2 * 4 * ROUNDS);
    ck_assert_uint_ge(g->n_keep, 2 * ROUNDS); /* each block, some tx */
    for (size_t i = 0, k = 0; i < g->n; i++)
        if (g->list[i].f.buf != NULL) {
            ck_assert_ptr_eq(g->list[i].f.buf, g->keep[k]);
            has_pattern(g->kept[k++], g->list[i].f.n);
        } else {
            ck_assert_int_ne(g->list[i].f.type, PTD_MSG_BLOCK);
        }
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

START_TEST(an_idle_connection_holds_no_large_buffer)
{
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;
    size_t n;

    rig_init(&r, NULL);
    for (size_t i = 0; i < 1000; i++)
        bytes_add_frame(&b, "ping", NULL, 8);
    rig_pump(&r, g, b.p, b.n);
    rig_pump(&r, g, b.p, 32);
    rig_pump(&r, g, b.p, 32);
    ck_assert_uint_eq(g->n, 1002);
    ck_assert_uint_eq(ptd_bufpool_out_bytes(r.pool), 0);
    bytes_free(&b);
    b = (struct bytes){ NULL, 0 };
    bytes_add_frame(&b, "block", NULL, 900000);
    rig_pump(&r, g, b.p, b.n);
    ck_assert_int_eq(ptd_conn_recv(r.conn, MSG_DONTWAIT, &n), PTD_EAGAIN);
    ck_assert_uint_eq(ptd_bufpool_out_bytes(r.pool), 0);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

/* ---- pausing, ending ------------------------------------------------- */

START_TEST(a_paused_reader_takes_in_five_megabytes_and_cuts_them_later)
{
    enum { LIMIT = 5000000 };
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    size_t at = 0, n, n_frames = 0;
    struct ptd_frame f;
    struct rig r;

    rig_init(&r, NULL);
    for (; b.n < LIMIT; n_frames++)
        bytes_add_frame(&b, n_frames % 3 == 0 ? "block" : "inv", NULL,
                        n_frames % 3 == 0 ? 100000 : 37);
    rig_pump(&r, g, b.p, 10);
    at = 10;
    while (at < b.n || ptd_conn_buffered(r.conn) < b.n) {
        ssize_t put = send(r.far, b.p + at, b.n - at, MSG_NOSIGNAL);

        at += put > 0 ? (size_t)put : 0;
        r.sent += put > 0 ? (uint64_t)put : 0;
        (void)!ptd_conn_recv(r.conn, MSG_DONTWAIT, &n);
    }
    for (n = 0; ptd_conn_next(r.conn, &f) == PTD_OK; n++) {
        ck_assert_int_eq(f.err, PTD_OK);
        /* 100 KB must not pin all of it. */
        ck_assert_ptr_null(f.buf);
        has_pattern(f.payload, f.n);
    }
    ck_assert_uint_eq(n, n_frames);
    ck_assert_uint_eq(ptd_conn_buffered(r.conn), 0);
    rig_pump(&r, g, b.p, 10);
    ck_assert_uint_eq(ptd_bufpool_out_bytes(r.pool), 0);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

START_TEST(the_end_of_the_stream_is_told)
{
    struct bytes b = { NULL, 0 };
    struct gots *g = new_gots();
    struct rig r;
    size_t n;

    rig_init(&r, NULL);
    bytes_add_frame(&b, "ping", NULL, 8);
    rig_pump(&r, g, b.p, 20);
    ck_assert(ptd_conn_in_frame(r.conn));
    close(r.far);
    r.far = -1;
    ck_assert_int_eq(ptd_conn_recv(r.conn, 0, &n), PTD_EEOF);
    bytes_free(&b);
    gots_free(g);
    rig_fini(&r);
}
END_TEST

TCase *frame_case(void)
{
    TCase *tc = tcase_create("frame");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, frames_split_at_every_byte_come_out_the_same);
    tcase_add_test(tc, frames_byte_by_byte_come_out_the_same);
    tcase_add_test(tc, a_large_frame_cut_in_odd_pieces_is_checked_and_whole);
    tcase_add_test(tc, one_read_brings_many_frames);
    tcase_add_test(tc, a_wrong_magic_loses_the_stream_at_its_fourth_byte);
    tcase_add_loop_test(tc, a_wrong_checksum_is_told_and_the_stream_goes_on, 0,
                        (int)PTD_COUNT(corrupt));
    tcase_add_loop_test(tc, a_length_above_4000000_loses_the_stream, 0, 3);
    tcase_add_test(tc, a_longest_payload_is_accepted);
    tcase_add_loop_test(tc, a_command_that_is_not_printable_is_skipped, 0,
                        (int)PTD_COUNT(bad_commands));
    tcase_add_test(tc, a_character_behind_the_padding_is_an_invalid_command);
    tcase_add_loop_test(tc, four_megabytes_that_nobody_wants_are_not_stored, 0,
                        (int)PTD_COUNT(not_stored));
    tcase_add_test(tc, bytes_left_over_are_accepted_up_to_the_slack);
    tcase_add_test(tc,
                   memory_grows_with_what_arrived_not_with_what_is_declared);
    tcase_add_test(tc, two_hundred_large_promises_cost_little);
    tcase_add_test(tc, a_roomy_pool_gives_the_whole_size_at_once);
    tcase_add_test(tc,
                   a_referenced_payload_stays_while_the_next_frames_arrive);
    tcase_add_test(tc, an_idle_connection_holds_no_large_buffer);
    tcase_add_test(tc,
                   a_paused_reader_takes_in_five_megabytes_and_cuts_them_later);
    tcase_add_test(tc, the_end_of_the_stream_is_told);
    return tc;
}
