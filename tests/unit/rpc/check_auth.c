/* Who may call what, from where; the cookie; where the server listens. */
#include <config.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "pentad/log.h"
#include "rig.h"
#include "rpc/allow.h"
#include "rpc/auth.h"
#include "rpc/base64.h"

/* ---- subnets --------------------------------------------------------------- */

static const struct {
    const char *subnet;
    const char *in[3], *out[3];
} subnet_rows[] = {
    { "1.2.3.4", { "1.2.3.4", "::ffff:1.2.3.4" }, { "1.2.3.5", "::1" } },
    { "1.2.3.4/24", { "1.2.3.0", "1.2.3.255" }, { "1.2.4.0" } },
    { "1.2.3.4/255.255.255.0", { "1.2.3.0", "1.2.3.255" }, { "1.2.4.0" } },
    { "1.2.3.4/31", { "1.2.3.4", "1.2.3.5" }, { "1.2.3.6", "1.2.3.3" } },
    { "10.0.0.0/8", { "10.255.0.1" }, { "11.0.0.0" } },
    { "0.0.0.0/0", { "1.2.3.4", "255.255.255.255" }, { "::1", "2001::1" } },
    { "::/0", { "::1", "2001:db8::1" }, { "1.2.3.4" } },
    { "::1", { "::1" }, { "::2", "127.0.0.1" } },
    { "[::1]", { "::1" }, { "::2" } },
    { "2001:db8::/33", { "2001:db8:7fff::" }, { "2001:db8:8000::" } },
    { "[2001:db8::]/32", { "2001:db8:ffff::1" }, { "2001:db9::" } },
    { "2001:db8::/ffff:ffff::", { "2001:db8:1::" }, { "2001:db9::" } },
    { "fd00:db8:c0:ff:ee::/80",
      { "fd00:db8:c0:ff:ee:1::" },
      { "fd00:db8:c0:ff:ef::" } },
};

static void to_ip(uint8_t ip[16], const char *text)
{
    memset(ip, 0, 10);
    memset(ip + 10, 0xff, 2);
    if (inet_pton(AF_INET, text, ip + 12) != 1)
        ck_assert_int_eq(inet_pton(AF_INET6, text, ip), 1);
}

START_TEST(a_subnet_has_its_addresses)
{
    struct ptd_rpc_subnet s;
    uint8_t ip[16];

    ck_assert(ptd_rpc_subnet_parse(&s, subnet_rows[_i].subnet, false));
    for (size_t i = 0; i < 3 && subnet_rows[_i].in[i] != NULL; i++) {
        to_ip(ip, subnet_rows[_i].in[i]);
        ck_assert_msg(ptd_rpc_subnet_has(&s, ip), "%s in %s",
                      subnet_rows[_i].in[i], subnet_rows[_i].subnet);
    }
    for (size_t i = 0; i < 3 && subnet_rows[_i].out[i] != NULL; i++) {
        to_ip(ip, subnet_rows[_i].out[i]);
        ck_assert_msg(!ptd_rpc_subnet_has(&s, ip), "%s out of %s",
                      subnet_rows[_i].out[i], subnet_rows[_i].subnet);
    }
}
END_TEST

START_TEST(what_is_no_subnet_is_refused)
{
    static const char *const bad[] = {
        "",
        "x",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.4/",
        "1.2.3.4/33",
        "1.2.3.4/-1",
        "1.2.3.4/x",
        "1.2.3.4/999",
        "::1/129",
        "1.2.3.4/::1",
        "::1/1.2.3.4",
        "1.2.3.4:80",
        "[::1]:80",
        "1.2.3.4/255.0.255.0",
        "::1/f0f0::",
        "/24",
        "1.2.3.4/24/24",
        "[::1",
        "00000000000000000000000000000000000000000000000000000000000000000000",
    };
    struct ptd_rpc_subnet s;

    for (size_t i = 0; i < PTD_COUNT(bad); i++)
        ck_assert_msg(!ptd_rpc_subnet_parse(&s, bad[i], false), "%s", bad[i]);
    ck_assert(ptd_rpc_subnet_parse(&s, "fc00:db8:c0:ff:ee::/80", false));
    ck_assert(!ptd_rpc_subnet_parse(&s, "fc00:db8:c0:ff:ee::/80", true));
    ck_assert(ptd_rpc_subnet_parse(&s, "fd00:db8:c0:ff:ee::/80", true));
}
END_TEST

/* ---- users ----------------------------------------------------------------- */

/* Of Bitcoin Core's rpc_users.py. */
#define RT                                                                     \
    "rt:93648e835a54c573682c2eb19f882535$"                                     \
    "7681e9c5b74bdd85e78166031d2058e1069b3ed7ed967c93fc63abba06f31144"
#define USER1                                                                  \
    "user1:6dd184e5e69271fdd69103464630014f$"                                  \
    "eb3d7ce67c4d1ff3564270519b03b636c0291012692a5fa3dd1d2075daedd07b"

static enum ptd_err check(const struct ptd_rpc_auth *a, const char *both,
                          char **user)
{
    char header[512] = "Basic ";

    ptd_base64_encode(header + 6, both, strlen(both));
    return ptd_rpc_auth_check(a, header, user);
}

START_TEST(passwords_are_checked)
{
    static const char *const hashed[] = { RT, USER1 };
    static const struct {
        const char *both;
        bool good;
    } rows[] = {
        { "rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=", true },
        { "rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=x", false },
        { "rt:", false },
        { "user1:bitcoin", true },
        { "user1:bitcoiN", false },
        { "user2:bitcoin", false },
        { "user:bitcoin", false },
        { ":bitcoin", false },
        { "user1", false },
        { "", false },
        { "rpcuser\xf0\x9f\x92\xbb:rpcpassword\xf0\x9f\x94\x91", true },
        { "a:b:c", true },
    };
    struct ptd_rpc_config cfg;
    struct ptd_rpc_auth a;

    ptd_rpc_config_init(&cfg);
    cfg.auth = (struct ptd_rpc_texts){ hashed, 2 };
    ck_assert_int_eq(ptd_rpc_auth_init(&a, &cfg), PTD_OK);
    ck_assert_int_eq(ptd_rpc_auth_add(&a, "rpcuser\xf0\x9f\x92\xbb",
                                      "rpcpassword\xf0\x9f\x94\x91"),
                     PTD_OK);
    ck_assert_int_eq(ptd_rpc_auth_add(&a, "a", "b:c"), PTD_OK);
    for (size_t i = 0; i < PTD_COUNT(rows); i++) {
        char *user = NULL;
        enum ptd_err e = check(&a, rows[i].both, &user);

        ck_assert_msg(e == (rows[i].good ? PTD_OK : PTD_EREJECTED), "%s",
                      rows[i].both);
        if (rows[i].good)
            ck_assert_int_eq(
                strncmp(user, rows[i].both, strcspn(rows[i].both, ":")), 0);
        free(user);
    }
    ptd_rpc_auth_fini(&a);
}
END_TEST

START_TEST(malformed_rpcauth_is_refused)
{
    static const char *const bad[] = { "",
                                       "\"\"",
                                       "foo",
                                       "foo:bar",
                                       "foo:bar:baz",
                                       "foo$bar:baz",
                                       "foo$bar$baz",
                                       "foo:bar$baz$x" };
    struct ptd_rpc_config cfg;
    struct ptd_rpc_why why;
    struct ptd_rpc *r;

    for (size_t i = 0; i < PTD_COUNT(bad); i++) {
        const char *list[] = { USER1, bad[i] };

        ptd_rpc_config_init(&cfg);
        cfg.auth = (struct ptd_rpc_texts){ list, 2 };
        ck_assert_msg(ptd_rpc_new(&r, &cfg, &why) == PTD_EINVAL, "%s", bad[i]);
        ck_assert_str_eq(why.text, "Unable to start HTTP server. See debug log "
                                   "for details.");
    }
}
END_TEST

/* ---- whitelists ------------------------------------------------------------ */

static const struct {
    const char *name, *lists[3];
    enum ptd_rpc_switch by_default;
    const char *body;
    int status;
} white_rows[] = {
    { "no list", { NULL }, PTD_RPC_UNSET, "{\"method\":\"count\"}", 200 },
    { "no list, refused by default",
      { NULL },
      PTD_RPC_ON,
      "{\"method\":\"count\"}",
      403 },
    { "listed",
      { "user:uptime,count" },
      PTD_RPC_UNSET,
      "{\"method\":\"count\"}",
      200 },
    { "listed with spaces",
      { "user:uptime, count" },
      PTD_RPC_UNSET,
      "{\"method\":\"count\"}",
      200 },
    { "listed, a comma behind",
      { "user:count," },
      PTD_RPC_UNSET,
      "{\"method\":\"count\"}",
      200 },
    { "not listed",
      { "user:uptime" },
      PTD_RPC_UNSET,
      "{\"method\":\"count\"}",
      403 },
    { "nothing listed",
      { "user:" },
      PTD_RPC_UNSET,
      "{\"method\":\"count\"}",
      403 },
    { "no colon", { "user" }, PTD_RPC_UNSET, "{\"method\":\"count\"}", 403 },
    { "two lists: what both have",
      { "user:count,uptime", "user:uptime" },
      PTD_RPC_UNSET,
      "{\"method\":\"count\"}",
      403 },
    { "two lists: in both",
      { "user:count,uptime", "user:count" },
      PTD_RPC_UNSET,
      "{\"method\":\"count\"}",
      200 },
    { "a list, and none",
      { "user:count", "user" },
      PTD_RPC_UNSET,
      "{\"method\":\"count\"}",
      200 },
    { "another's list",
      { "other:count" },
      PTD_RPC_UNSET,
      "{\"method\":\"count\"}",
      403 },
    { "another's list, allowed by default",
      { "other:count" },
      PTD_RPC_OFF,
      "{\"method\":\"uptime\"}",
      200 },
    { "unknown method",
      { "user:count" },
      PTD_RPC_UNSET,
      "{\"method\":\"nope\"}",
      403 },
    { "2.0 too",
      { "user:count" },
      PTD_RPC_UNSET,
      "{\"jsonrpc\":\"2.0\",\"method\":\"uptime\",\"id\":1}",
      403 },
    { "no request", { "user:count" }, PTD_RPC_UNSET, "{}", 400 },
    { "batch",
      { "user:count" },
      PTD_RPC_UNSET,
      "[{\"method\":\"count\"},{\"method\":\"count\"}]",
      200 },
    { "batch, one not listed",
      { "user:count" },
      PTD_RPC_UNSET,
      "[{\"method\":\"count\"},{\"method\":\"uptime\"}]",
      403 },
    { "batch, no object", { "user:count" }, PTD_RPC_UNSET, "[1]", 400 },
    { "batch, no method", { "user:count" }, PTD_RPC_UNSET, "[{}]", 500 },
};

START_TEST(a_whitelist_forbids_what_it_lacks)
{
    struct answer a;
    struct rig g;
    size_t n = 0;

    while (n < 3 && white_rows[_i].lists[n] != NULL)
        n++;
    rig_init(&g);
    g.cfg.whitelist = (struct ptd_rpc_texts){ white_rows[_i].lists, n };
    g.cfg.whitelist_default = white_rows[_i].by_default;
    rig_start(&g);
    rig_call(&g, white_rows[_i].body, &a);
    ck_assert_msg(a.status == white_rows[_i].status, "%s: %d %s",
                  white_rows[_i].name, a.status, a.body);
    if (a.status == 403) {
        ck_assert_str_eq(a.body, "");
        ck_assert_int_eq(atomic_load(&g.n_runs), 0);
    }
    answer_free(&a);
    rig_fini(&g);
}
END_TEST

/* ---- the cookie ------------------------------------------------------------ */

static void use_cookie(struct rig *g)
{
    rig_init(g);
    g->cfg.password = "";
}

static void cookie_path(const struct rig *g, char *out, size_t cap)
{
    snprintf(out, cap, "%s/.cookie", g->dir);
}

static const struct {
    const char *perms;
    mode_t mode;
} perm_rows[] = {
    { NULL, 0600 },
    { "owner", 0600 },
    { "group", 0640 },
    { "all", 0644 },
};

START_TEST(a_cookie_is_there_while_the_server_is)
{
    char path[128], text[256] = "", header[512], *base64;
    struct answer a;
    struct stat st;
    struct rig g;
    FILE *f;
    int fd;

    umask(0);
    use_cookie(&g);
    g.cfg.cookie_perms = perm_rows[_i].perms;
    rig_start(&g);
    cookie_path(&g, path, sizeof path);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, perm_rows[_i].mode);
    ck_assert_uint_eq((uintmax_t)st.st_size, strlen("__cookie__:") + 64);
    ck_assert_ptr_nonnull(f = fopen(path, "r"));
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    fclose(f);
    fd = rig_dial(&g);
    strcpy(header, "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ");
    base64 = header + strlen(header);
    ptd_base64_encode(base64, text, strlen(text));
    strcat(header, "\r\nContent-Length: 16\r\n\r\n{\"method\":\"who\"}");
    rig_puts(fd, header);
    rig_read(fd, &a);
    ck_assert_int_eq(a.status, 200);
    ck_assert_ptr_nonnull(strstr(a.body, "\"who __cookie__ 127.0.0.1:"));
    answer_free(&a);
    close(fd);
    rig_stop(&g);
    ck_assert_int_ne(access(path, F_OK), 0);
    rig_fini(&g);
}
END_TEST

START_TEST(a_cookie_can_be_elsewhere_or_nowhere)
{
    char path[128];
    struct rig g;

    use_cookie(&g);
    snprintf(path, sizeof path, "%s/my.cookie", g.dir);
    g.cfg.cookie_file = path;
    rig_start(&g);
    ck_assert_int_eq(access(path, F_OK), 0);
    rig_stop(&g);
    g.cfg.cookie_file = "my.cookie";
    rig_start(&g);
    ck_assert_int_eq(access(path, F_OK), 0);
    rig_stop(&g);
    g.cfg.cookie_file = "";
    rig_start(&g);
    ck_assert_int_ne(access(path, F_OK), 0);
    rig_fini(&g);
}
END_TEST

START_TEST(a_cookie_of_another_is_not_removed)
{
    char path[128];
    struct rig g;
    int fd;

    rig_init(&g); /* with a password: no cookie is written */
    cookie_path(&g, path, sizeof path);
    ck_assert_int_ge(fd = open(path, O_CREAT | O_WRONLY, 0600), 0);
    close(fd);
    rig_start(&g);
    rig_stop(&g);
    ck_assert_int_eq(unlink(path), 0);
    rig_fini(&g);
}
END_TEST

START_TEST(a_cookie_that_cannot_be_written_is_told)
{
    struct ptd_rpc_why why;
    char path[128];
    struct rig g;

    use_cookie(&g);
    snprintf(path, sizeof path, "%s/.cookie.tmp", g.dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(ptd_rpc_new(&g.rpc, &g.cfg, &why), PTD_OK);
    ck_assert_int_eq(ptd_rpc_start(g.rpc, &why), PTD_EIO);
    ck_assert_str_eq(why.text, "Unable to start HTTP server. See debug log for "
                               "details.");
    rig_stop(&g);
    ck_assert_int_eq(rmdir(path), 0);
    g.cfg.cookie_perms = "everyone";
    ck_assert_int_eq(ptd_rpc_new(&g.rpc, &g.cfg, &why), PTD_OK);
    ck_assert_int_eq(ptd_rpc_start(g.rpc, &why), PTD_EINVAL);
    rig_fini(&g);
}
END_TEST

/* ---- where it listens ------------------------------------------------------ */

static const struct {
    const char *name, *binds[3], *allow[2];
    const char *bound[3]; /* hosts, in order; "::1" only where there is IPv6 */
    const char *why;      /* NULL: it starts */
} bind_rows[] = {
    { "nothing said", { NULL }, { NULL }, { "::1", "127.0.0.1" }, NULL },
    { "bind alone does not count",
      { "0.0.0.0" },
      { NULL },
      { "::1", "127.0.0.1" },
      NULL },
    { "allow alone", { NULL }, { "127.0.0.1" }, { "::1", "127.0.0.1" }, NULL },
    { "both", { "127.0.0.1" }, { "127.0.0.1" }, { "127.0.0.1" }, NULL },
    { "two",
      { "127.0.0.1", "127.0.0.2" },
      { "127.0.0.0/8" },
      { "127.0.0.1", "127.0.0.2" },
      NULL },
    { "by name", { "localhost" }, { "127.0.0.1" }, { NULL }, NULL },
    { "one that fails",
      { "203.0.113.1", "127.0.0.1" },
      { "127.0.0.1" },
      { "127.0.0.1" },
      NULL },
    { "all that fail",
      { "203.0.113.1" },
      { "127.0.0.1" },
      { NULL },
      "Unable to start HTTP server. See debug log for details." },
    { "no port",
      { "127.0.0.1:notaport" },
      { "127.0.0.1" },
      { NULL },
      "Invalid port specified in -rpcbind: '127.0.0.1:notaport'" },
    { "a port below 0",
      { "127.0.0.1:-18443" },
      { "127.0.0.1" },
      { NULL },
      "Invalid port specified in -rpcbind: '127.0.0.1:-18443'" },
    { "a port too high",
      { "[::1]:65536" },
      { "127.0.0.1" },
      { NULL },
      "Invalid port specified in -rpcbind: '[::1]:65536'" },
    { "a bad subnet",
      { "127.0.0.1" },
      { "x" },
      { NULL },
      "Invalid -rpcallowip subnet specification: x. Valid values are a single "
      "IP (e.g. 1.2.3.4), a network/netmask (e.g. 1.2.3.4/255.255.255.0), a "
      "network/CIDR (e.g. 1.2.3.4/24), all ipv4 (0.0.0.0/0), or all ipv6 "
      "(::/0). RFC4193 is allowed only if -cjdnsreachable=0." },
};

static size_t n_texts(const char *const *v, size_t max)
{
    size_t n = 0;

    while (n < max && v[n] != NULL)
        n++;
    return n;
}

START_TEST(it_listens_where_it_may)
{
    const char *const *want = bind_rows[_i].bound;
    struct ptd_rpc_why why = { "" };
    struct ptd_netaddr at;
    enum ptd_err e;
    struct rig g;

    rig_init(&g);
    g.cfg.bind = (struct ptd_rpc_texts){ bind_rows[_i].binds,
                                         n_texts(bind_rows[_i].binds, 3) };
    g.cfg.allow_ip = (struct ptd_rpc_texts){ bind_rows[_i].allow,
                                             n_texts(bind_rows[_i].allow, 2) };
    e = ptd_rpc_new(&g.rpc, &g.cfg, &why);
    if (e == PTD_OK)
        e = ptd_rpc_start(g.rpc, &why);
    else
        g.rpc = NULL;
    ck_assert_msg((e == PTD_OK) == (bind_rows[_i].why == NULL), "%s: %s",
                  bind_rows[_i].name, why.text);
    if (bind_rows[_i].why != NULL)
        ck_assert_str_eq(why.text, bind_rows[_i].why);
    for (size_t i = 0; e == PTD_OK && ptd_rpc_bound(g.rpc, i, &at); i++) {
        char host[PTD_NETADDR_TEXT];

        ptd_netaddr_format_host(&at, host, sizeof host);
        if (bind_rows[_i].bound[0] == NULL)
            continue;
        if (strcmp(*want, "::1") == 0 && strcmp(host, "::1") != 0)
            want++; /* a machine without IPv6 */
        ck_assert_str_eq(host, *want++);
    }
    rig_fini(&g);
}
END_TEST

START_TEST(a_port_of_zero_is_not_asked_for)
{
    static const char *const binds[] = { "127.0.0.1:0" };
    static const char *const allow[] = { "127.0.0.1" };
    struct ptd_rpc_why why;
    struct rig g;

    rig_init(&g);
    g.cfg.port = 8332;
    g.cfg.bind = (struct ptd_rpc_texts){ binds, 1 };
    g.cfg.allow_ip = (struct ptd_rpc_texts){ allow, 1 };
    ck_assert_int_eq(ptd_rpc_new(&g.rpc, &g.cfg, &why), PTD_EINVAL);
    ck_assert_str_eq(why.text,
                     "Invalid port specified in -rpcbind: '127.0.0.1:0'");
    g.rpc = NULL;
    rig_fini(&g);
}
END_TEST

TCase *auth_case(void)
{
    TCase *tc = tcase_create("auth");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_subnet_has_its_addresses, 0,
                        PTD_COUNT(subnet_rows));
    tcase_add_test(tc, what_is_no_subnet_is_refused);
    tcase_add_test(tc, passwords_are_checked);
    tcase_add_test(tc, malformed_rpcauth_is_refused);
    tcase_add_loop_test(tc, a_whitelist_forbids_what_it_lacks, 0,
                        PTD_COUNT(white_rows));
    tcase_add_loop_test(tc, a_cookie_is_there_while_the_server_is, 0,
                        PTD_COUNT(perm_rows));
    tcase_add_test(tc, a_cookie_can_be_elsewhere_or_nowhere);
    tcase_add_test(tc, a_cookie_of_another_is_not_removed);
    tcase_add_test(tc, a_cookie_that_cannot_be_written_is_told);
    tcase_add_loop_test(tc, it_listens_where_it_may, 0, PTD_COUNT(bind_rows));
    tcase_add_test(tc, a_port_of_zero_is_not_asked_for);
    return tc;
}
