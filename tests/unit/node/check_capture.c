#include <config.h>

#include "node/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/util.h"
#include "check_node.h"
#include "node/datadir.h"
#include "pentad/clock.h"
#include "rig.h"

/* The records of a file, one after the other. */
struct records {
    char *text;
    size_t n, at;
};

static void open_records(struct records *r, const char *dir, const char *name)
{
    char *path = ptd_path_join(dir, name);

    ck_assert_msg(ptd_text_read(&r->text, &r->n, path, 1 << 20) == PTD_OK, "%s",
                  path);
    r->at = 0;
    free(path);
}

/* False behind the last. */
static bool next_record(struct records *r, uint64_t *us, char command[13],
                        const char **payload, uint32_t *n)
{
    const char *p = r->text + r->at;

    if (r->at == r->n)
        return false;
    ck_assert_uint_ge(r->n - r->at, 24);
    *us = ptd_get_le64(p);
    memcpy(command, p + 8, 12);
    command[12] = '\0';
    *n = ptd_get_le32(p + 20);
    *payload = p + 24;
    r->at += 24 + *n;
    ck_assert_uint_le(r->at, r->n);
    return true;
}

START_TEST(records_have_time_type_and_payload)
{
    char *dir = temp_make(), *below = ptd_path_join(dir, "message_capture");
    struct ptd_clock *clk = ptd_clock_new();
    struct ptd_netaddr v4, v6;
    struct ptd_capture *c;
    struct records r;
    char command[13];
    const char *payload;
    uint64_t us;
    uint32_t n;

    ptd_clock_set_wall_us(clk, INT64_C(1300000000000007));
    ck_assert_int_eq(ptd_netaddr_parse(&v4, "1.2.3.4:5", 0), PTD_OK);
    ck_assert_int_eq(ptd_netaddr_parse(&v6, "[::1]:80", 0), PTD_OK);
    ck_assert_int_eq(ptd_capture_new(&c, below, clk), PTD_OK);
    ptd_capture_bytes(c, &v4, PTD_CAPTURE_RECV, "ping",
                      (const uint8_t *)"12345678", 8);
    ptd_capture_bytes(c, &v4, PTD_CAPTURE_RECV, "verack", NULL, 0);
    ptd_capture_bytes(c, &v6, PTD_CAPTURE_SENT, "twelvelettrs",
                      (const uint8_t *)"x", 1);
    ptd_capture_free(c);
    ptd_capture_free(NULL);

    open_records(&r, below, "1.2.3.4_5/msgs_recv.dat");
    ck_assert(next_record(&r, &us, command, &payload, &n));
    ck_assert_uint_eq(us, UINT64_C(1300000000000007));
    ck_assert_str_eq(command, "ping");
    ck_assert_uint_eq(n, 8);
    ck_assert_int_eq(memcmp(payload, "12345678", 8), 0);
    ck_assert(next_record(&r, &us, command, &payload, &n));
    ck_assert_str_eq(command, "verack");
    ck_assert_uint_eq(n, 0);
    ck_assert(!next_record(&r, &us, command, &payload, &n));
    free(r.text);
    open_records(&r, below, "[__1]_80/msgs_sent.dat");
    ck_assert(next_record(&r, &us, command, &payload, &n));
    ck_assert_str_eq(command, "twelvelettrs");
    ck_assert(!next_record(&r, &us, command, &payload, &n));
    free(r.text);
    ptd_clock_free(clk);
    free(below);
    temp_remove(dir);
}
END_TEST

START_TEST(a_message_of_any_command_has_its_own)
{
    struct ptd_msg *m = ptd_msg_new_raw("whatever", "abc", 3);
    char *dir = temp_make(), *below = ptd_path_join(dir, "message_capture");
    struct ptd_peer_config cfg;
    struct ptd_env_config ec;
    struct ptd_netaddr na;
    struct ptd_capture *c;
    struct ptd_env *env;
    struct ptd_peer *p;
    struct records r;
    const char *payload;
    char command[13];
    uint64_t us;
    uint32_t n;

    ptd_env_config_init(&ec);
    env = ptd_env_new(&ec);
    ck_assert(env != NULL && m != NULL);
    ptd_peer_config_init(&cfg, ptd_params_by_name("regtest"));
    ck_assert_int_eq(ptd_netaddr_parse(&na, "1.2.3.4:5", 0), PTD_OK);
    ck_assert_int_eq(ptd_peer_new(&p, env, &cfg, PTD_OUTBOUND, &na), PTD_OK);
    ck_assert_int_eq(ptd_capture_new(&c, below, NULL), PTD_OK);
    ptd_capture_msg(c, p, PTD_CAPTURE_SENT, m);
    open_records(&r, below, "1.2.3.4_5/msgs_sent.dat");
    ck_assert(next_record(&r, &us, command, &payload, &n));
    ck_assert_str_eq(command, "whatever");
    ck_assert_uint_eq(n, 3);
    ck_assert(!next_record(&r, &us, command, &payload, &n));
    free(r.text);
    ptd_capture_free(c);
    ptd_msg_free(m);
    ptd_peer_free(p);
    ptd_env_free(env);
    free(below);
    temp_remove(dir);
}
END_TEST

START_TEST(directory_that_cannot_be_made)
{
    struct ptd_capture *c;

    errno = 0;
    ck_assert_int_eq(ptd_capture_new(&c, "/nonexistent/of/pentad", NULL),
                     PTD_EIO);
    ck_assert_int_eq(errno, ENOENT);
    errno = 0;
    ck_assert_int_eq(ptd_capture_new(&c, "/dev/null", NULL), PTD_EIO);
    ck_assert_int_eq(errno, ENOTDIR);
}
END_TEST

/* The first records of one direction of the only peer. */
static void assert_handshake(const char *dir, const char *name,
                             const char *last)
{
    bool version = false, verack = false, then = false;
    struct records r;
    char command[13];
    const char *payload;
    uint64_t us;
    uint32_t n;

    open_records(&r, dir, name);
    while (next_record(&r, &us, command, &payload, &n)) {
        if (strcmp(command, "version") == 0) {
            ck_assert_uint_gt(n, 85);
            ck_assert_uint_eq(ptd_get_le32(payload), 70016);
        }
        version |= strcmp(command, "version") == 0;
        verack |= strcmp(command, "verack") == 0;
        then |= strcmp(command, last) == 0;
    }
    ck_assert(version && verack && then);
    free(r.text);
}

START_TEST(node_captures_both_ways)
{
    char *dir = temp_make();
    struct ptd_capture *c;
    struct host h;
    struct guest g;
    char command[700], name[128];
    FILE *f;

    ck_assert_int_eq(ptd_capture_new(&c, dir, NULL), PTD_OK);
    host_init(&h);
    h.cfg.capture = c;
    host_start(&h);
    guest_start(&g, h.port, 0);
    guest_wait_ready(&g);
    (void)guest_sync(&g, PTD_MSG_PING);
    guest_end(&g);
    host_stop(&h);
    ptd_capture_free(c);

    /* The one directory that is there. */
    snprintf(command, sizeof command, "ls '%s'", dir);
    f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%100s", name), 1);
    ck_assert_int_eq(strncmp(name, "127.0.0.1_", 10), 0);
    ck_assert_int_eq(pclose(f), 0);
    snprintf(command, sizeof command, "%s/msgs_recv.dat", name);
    assert_handshake(dir, command, "ping");
    snprintf(command, sizeof command, "%s/msgs_sent.dat", name);
    assert_handshake(dir, command, "pong");
    temp_remove(dir);
}
END_TEST

TCase *tcase_capture(void)
{
    TCase *tc = tcase_create("capture");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, records_have_time_type_and_payload);
    tcase_add_test(tc, a_message_of_any_command_has_its_own);
    tcase_add_test(tc, directory_that_cannot_be_made);
    tcase_add_test(tc, node_captures_both_ways);
    return tc;
}
