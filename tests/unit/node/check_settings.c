#include <config.h>

#include "node/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "check_node.h"
#include "node/datadir.h"

/* Read options, split at bars, and a bitcoin.conf, in a directory of its
 * own. */
struct reading {
    struct ptd_args args;
    struct ptd_node_config cfg;
    struct ptd_complaint why;
    char *dir;
    enum ptd_err err;
};

static void read_settings(struct reading *r, const char *line, const char *file)
{
    char words[1024], *argv[16] = { words };
    int argc = 1;

    r->dir = temp_make();
    if (file != NULL)
        temp_write(r->dir, "bitcoin.conf", file);
    snprintf(words, sizeof words, "-datadir=%s|%s", r->dir, line);
    for (char *at = words, *w; (w = strsep(&at, "|")) != NULL;)
        if (*w != '\0')
            argv[argc++] = w;
    ptd_args_init(&r->args);
    r->why.text[0] = '\0';
    r->err = ptd_args_read_argv(&r->args, argc, argv, &r->why);
    if (r->err == PTD_OK)
        r->err = ptd_node_config_read(&r->cfg, &r->args, &r->why);
    else
        r->cfg = (struct ptd_node_config){ 0 };
    if (r->err == PTD_OK)
        r->err = ptd_node_config_log(&r->args, &r->why);
}

static void reading_fini(struct reading *r)
{
    ptd_node_config_fini(&r->cfg);
    ptd_args_fini(&r->args);
    temp_remove(r->dir);
}

/* ---- what is refused --------------------------------------------------------- */

static const struct {
    const char *line, *file, *want;
} refused[] = {
    { "-chain=foo", NULL, "Unknown chain foo." },
    { "-regtest|-signet", NULL,
      "Invalid combination of -regtest, -signet, -testnet, -testnet4 and "
      "-chain. Can use at most one." },
    { "-chain=main|-testnet", NULL,
      "Invalid combination of -regtest, -signet, -testnet, -testnet4 and "
      "-chain. Can use at most one." },
    { "-conf=none.conf", NULL,
      "Error reading configuration file: specified config file "
      "\"%s/none.conf\" "
      "could not be opened." },
    { "", "foo=1",
      "Error reading configuration file: Invalid configuration value foo" },
    { "-regtest", "port=5",
      "Config setting for -port only applied on regtest network when in "
      "[regtest] section." },
    { "-port=0", NULL, "Invalid port specified in -port: '0'" },
    { "-port=65536", NULL, "Invalid port specified in -port: '65536'" },
    { "-bind=127.0.0.1:0", NULL,
      "Invalid port specified in -bind: '127.0.0.1:0'" },
    { "-bind=nowhere.example", NULL,
      "Cannot resolve -bind address: 'nowhere.example'" },
    { "-bind=127.0.0.1|-listen=0", NULL,
      "Cannot set -bind or -whitebind together with -listen=0" },
    { "-maxconnections=-1", NULL,
      "-maxconnections must be greater or equal than zero" },
    { "-peertimeout=0", NULL, "peertimeout must be a positive integer." },
    { "-proxy=a.b.c", NULL, "Invalid -proxy address or hostname: 'a.b.c'" },
    { "-connect=1.2.3.4:99999", NULL,
      "Invalid address in -connect: '1.2.3.4:99999'" },
    { "-uacomment=a/b", NULL,
      "User Agent comment (a/b) contains unsafe characters." },
    { "-debug=foo", NULL, "Unsupported logging category -debug=foo." },
    { "-debugexclude=foo", NULL,
      "Unsupported logging category -debugexclude=foo." },
    { "-loglevel=foo", NULL,
      "Unsupported global logging level -loglevel=foo. Valid values: info, "
      "debug, trace." },
    { "-mocktime=-1", NULL,
      "Mocktime must be in the range [0, 9223372036], not -1." },
    { "-signet|-signetchallenge=xy", NULL,
      "-signetchallenge must be hex, not 'xy'." },
    { "-blockmemory=0", NULL, "-blockmemory must be 1 to 1048576 MiB" },
};

START_TEST(refused_in_words)
{
    char want[1024];
    struct reading r;
    const char *at = strstr(refused[_i].want, "%s");

    read_settings(&r, refused[_i].line, refused[_i].file);
    ck_assert_int_eq(r.err, PTD_EINVAL);
    if (at != NULL)
        snprintf(want, sizeof want, "%.*s%s%s", (int)(at - refused[_i].want),
                 refused[_i].want, r.dir, at + 2);
    else
        snprintf(want, sizeof want, "%s", refused[_i].want);
    ck_assert_str_eq(r.why.text, want);
    reading_fini(&r);
}
END_TEST

START_TEST(missing_datadir_is_refused)
{
    struct ptd_complaint why;
    struct ptd_args a;
    char arg[] = "-datadir=/nonexistent/of/pentad";
    char *argv[] = { arg, arg }, *dir;

    ptd_args_init(&a);
    ck_assert_int_eq(ptd_args_read_argv(&a, 2, argv, &why), PTD_OK);
    ck_assert_int_eq(ptd_datadir_find(&dir, &a, &why), PTD_EINVAL);
    ck_assert_str_eq(why.text, "Specified data directory "
                               "\"/nonexistent/of/pentad\" does not exist.");
    ptd_args_fini(&a);
}
END_TEST

/* ---- networks ------------------------------------------------------------------ */

static const struct {
    const char *line, *file, *name, *below;
    uint16_t port;
    bool fetches;
} networks[] = {
    { "", NULL, "main", "", 8333, false },
    { "-chain=main", NULL, "main", "", 8333, false },
    { "-testnet", NULL, "test", "/testnet3", 18333, false },
    { "-chain=test", NULL, "test", "/testnet3", 18333, false },
    { "-testnet4", NULL, "testnet4", "/testnet4", 48333, false },
    { "-signet", NULL, "signet", "/signet", 38333, false },
    { "-regtest", NULL, "regtest", "/regtest", 18444, true },
    { "", "regtest=1\n[regtest]\nport=7\n", "regtest", "/regtest", 7, true },
    { "-port=8", "regtest=1\n[regtest]\nport=7\n", "regtest", "/regtest", 8,
      true },
    { "-noregtest", "regtest=1\n", "main", "", 8333, false },
    { "-signet|-signetchallenge=51", NULL, "signet", "/signet", 38333, false },
};

START_TEST(network_is_chosen)
{
    struct reading r;

    read_settings(&r, networks[_i].line, networks[_i].file);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert_str_eq(r.cfg.params->name, networks[_i].name);
    ck_assert_str_eq(r.cfg.datadir, r.dir);
    ck_assert_str_eq(r.cfg.netdir + strlen(r.dir), networks[_i].below);
    ck_assert_uint_eq(r.cfg.port, networks[_i].port);
    ck_assert_int_eq(r.cfg.fetch_blocks, networks[_i].fetches);
    reading_fini(&r);
}
END_TEST

/* ---- listening and dialling ------------------------------------------------------ */

static const struct {
    const char *line;
    bool listen, connect_only;
    size_t n_bind, n_connect, n_addnode;
} interactions[] = {
    { "", true, false, 2, 0, 0 },
    { "-listen=0", false, false, 0, 0, 0 },
    { "-connect=1.2.3.4", false, true, 0, 1, 0 },
    { "-connect=1.2.3.4|-listen", true, true, 2, 1, 0 },
    { "-connect=a.example|-connect=b.example:5", false, true, 0, 2, 0 },
    { "-connect=0", false, true, 0, 0, 0 },
    { "-noconnect", false, true, 0, 0, 0 },
    { "-connect=0|-bind=127.0.0.1", true, true, 1, 0, 0 },
    { "-proxy=127.0.0.1", false, false, 0, 0, 0 },
    { "-proxy=127.0.0.1|-listen=1", true, false, 2, 0, 0 },
    { "-proxy=0", true, false, 2, 0, 0 },
    { "-maxconnections=0", false, false, 0, 0, 0 },
    { "-addnode=1.2.3.4|-addnode=[::1]:7", true, false, 2, 0, 2 },
    { "-bind=127.0.0.1|-bind=[::1]:99", true, false, 2, 0, 0 },
};

START_TEST(options_that_change_others)
{
    struct reading r;

    read_settings(&r, interactions[_i].line, NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert_int_eq(r.cfg.listen, interactions[_i].listen);
    ck_assert_int_eq(r.cfg.connect_only, interactions[_i].connect_only);
    ck_assert_uint_eq(r.cfg.n_bind, interactions[_i].n_bind);
    ck_assert_uint_eq(r.cfg.connect.n, interactions[_i].n_connect);
    ck_assert_uint_eq(r.cfg.addnode.n, interactions[_i].n_addnode);
    reading_fini(&r);
}
END_TEST

START_TEST(bind_takes_the_port_unless_it_has_one)
{
    char text[PTD_NETADDR_TEXT];
    struct reading r;

    read_settings(&r, "-regtest|-port=5|-bind=127.0.0.1|-bind=[::1]:99", NULL);
    ck_assert_str_eq(ptd_netaddr_format(&r.cfg.bind[0], text, sizeof text),
                     "127.0.0.1:5");
    ck_assert_str_eq(ptd_netaddr_format(&r.cfg.bind[1], text, sizeof text),
                     "[::1]:99");
    reading_fini(&r);
}
END_TEST

START_TEST(options_of_bitcoind_that_mean_nothing_here_are_accepted)
{
    struct reading r;

    read_settings(&r,
                  "-logtimemicros|-debug|-debugexclude=libevent|-disablewallet|"
                  "-logthreadnames|-logsourcelocations|-loglevel=trace|"
                  "-nologratelimit|-v2transport=0|-uacomment=testnode0",
                  "regtest=1\n[regtest]\nport=11\nrpcport=12\n"
                  "rpcservertimeout=99000\nrpcdoccheck=1\nrpcthreads=2\n"
                  "fallbackfee=0.0002\nserver=1\nkeypool=1\ndiscover=0\n"
                  "dnsseed=0\nfixedseeds=0\nlistenonion=0\npeertimeout=9\n"
                  "printtoconsole=0\nnatpmp=0\nshrinkdebugfile=0\n"
                  "unsafesqlitesync=1\nconnect=0\nmaxconnections=9\npar=2\n"
                  "bind=127.0.0.1\n");
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert(r.cfg.listen && !r.cfg.console && !r.cfg.fixed_seeds);
    ck_assert_int_eq(r.cfg.peer_timeout_us, 9000000);
    ck_assert_uint_eq(r.cfg.max_connections, 9);
    ck_assert_uint_eq(r.cfg.bind[0].port, 11);
    ck_assert_str_eq(r.cfg.user_agent,
                     "/pentad:" PACKAGE_VERSION "(testnode0)/");
    ck_assert_int_eq(ptd_log_level_of(PTD_LOG_PEER), PTD_LOG_TRACE);
    ptd_log_set_level_all(PTD_LOG_INFO);
    reading_fini(&r);
}
END_TEST

/* ---- the user agent ---------------------------------------------------------------- */

START_TEST(comments_join_the_user_agent)
{
    struct reading r;

    read_settings(&r, "-uacomment=a b|-uacomment=c_d.e", NULL);
    ck_assert_str_eq(r.cfg.user_agent,
                     "/pentad:" PACKAGE_VERSION "(a b; c_d.e)/");
    reading_fini(&r);
}
END_TEST

START_TEST(user_agent_may_have_256_bytes)
{
    const size_t others = strlen("/pentad:" PACKAGE_VERSION "()/");
    char line[512] = "-uacomment=", want[128];
    size_t n = strlen(line);
    struct reading r;

    memset(line + n, 'x', PTD_MAX_USER_AGENT - others);
    read_settings(&r, line, NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert_uint_eq(strlen(r.cfg.user_agent), PTD_MAX_USER_AGENT);
    reading_fini(&r);

    line[n + PTD_MAX_USER_AGENT - others] = 'x';
    read_settings(&r, line, NULL);
    snprintf(want, sizeof want,
             "Total length of network version string (257) exceeds maximum");
    ck_assert_msg(strncmp(r.why.text, want, strlen(want)) == 0, "%s",
                  r.why.text);
    reading_fini(&r);
}
END_TEST

/* ---- the log ------------------------------------------------------------------------ */

static const struct {
    const char *line;
    enum ptd_log_level net, proxy;
} levels[] = {
    { "", PTD_LOG_INFO, PTD_LOG_INFO },
    { "-debug", PTD_LOG_DEBUG, PTD_LOG_DEBUG },
    { "-debug=1", PTD_LOG_DEBUG, PTD_LOG_DEBUG },
    { "-debug=net", PTD_LOG_DEBUG, PTD_LOG_INFO },
    { "-debug|-debugexclude=net", PTD_LOG_INFO, PTD_LOG_DEBUG },
    { "-debug=net|-loglevel=trace", PTD_LOG_TRACE, PTD_LOG_INFO },
    { "-debug|-loglevel=net:trace", PTD_LOG_TRACE, PTD_LOG_DEBUG },
    { "-debug=net|-debug=0", PTD_LOG_INFO, PTD_LOG_INFO },
    { "-nodebug", PTD_LOG_INFO, PTD_LOG_INFO },
    { "-debug=leveldb", PTD_LOG_INFO, PTD_LOG_INFO },
};

START_TEST(debug_sets_levels)
{
    struct reading r;

    read_settings(&r, levels[_i].line, NULL);
    ck_assert_msg(r.err == PTD_OK, "%s", r.why.text);
    ck_assert_int_eq(ptd_log_level_of(PTD_LOG_PEER), levels[_i].net);
    ck_assert_int_eq(ptd_log_level_of(PTD_LOG_PROX), levels[_i].proxy);
    ptd_log_set_level_all(PTD_LOG_INFO);
    reading_fini(&r);
}
END_TEST

/* ---- the lock ------------------------------------------------------------------------ */

START_TEST(directory_is_made_and_locked)
{
    char *dir = temp_make(), *below = ptd_path_join(dir, "a/b");
    struct ptd_complaint why;
    struct stat st;
    int fd;

    ck_assert_int_eq(ptd_datadir_lock(&fd, below, &why), PTD_OK);
    ck_assert_int_eq(stat(below, &st), 0);
    ck_assert(S_ISDIR(st.st_mode));
    close(fd);
    free(below);
    temp_remove(dir);
}
END_TEST

TCase *tcase_settings(void)
{
    TCase *tc = tcase_create("settings");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, refused_in_words, 0, PTD_COUNT(refused));
    tcase_add_test(tc, missing_datadir_is_refused);
    tcase_add_loop_test(tc, network_is_chosen, 0, PTD_COUNT(networks));
    tcase_add_loop_test(tc, options_that_change_others, 0,
                        PTD_COUNT(interactions));
    tcase_add_test(tc, bind_takes_the_port_unless_it_has_one);
    tcase_add_test(tc, options_of_bitcoind_that_mean_nothing_here_are_accepted);
    tcase_add_test(tc, comments_join_the_user_agent);
    tcase_add_test(tc, user_agent_may_have_256_bytes);
    tcase_add_loop_test(tc, debug_sets_levels, 0, PTD_COUNT(levels));
    tcase_add_test(tc, directory_is_made_and_locked);
    return tc;
}
