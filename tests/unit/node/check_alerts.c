/* What a human is told to look at, once. */
#include <config.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/util.h"
#include "chain/chain.h"
#include "check_node.h"
#include "node/notify.h"
#include "pentad/params.h"
#include "pentad/wire.h"
#include "rpc_rig.h"

/* An office whose alerts come through a pipe. */
struct watch {
    struct office o;
    struct ptd_notifier *notifier;
    char pipe[64];
    int fd;
};

/* height: that of a block whose time is now */
static void watch_open(struct watch *w, uint32_t height)
{
    struct ptd_node_config *cfg = &w->o.host.cfg;

    office_init(&w->o);
    ck_assert_uint_lt(strlen(w->o.dir), sizeof w->pipe - 8);
    sprintf(w->pipe, "%s/alerts", w->o.dir);
    ck_assert_int_eq(mkfifo(w->pipe, 0600), 0);
    w->fd = open(w->pipe, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(w->fd, 0);
    ck_assert_int_eq(ptd_notifier_start(&w->notifier), PTD_OK);
    cfg->notifier = w->notifier;
    ck_assert_int_gt(asprintf(&cfg->alert_notify, "echo %%s >%s", w->pipe), 0);
    ptd_clock_set_wall_us(w->o.clock,
                          (INT64_C(1600000000) + 600 * height) * SECOND_US);
    office_open(&w->o);
}

static void watch_close(struct watch *w)
{
    office_close(&w->o);
    ptd_notifier_stop(w->notifier);
    close(w->fd);
    office_fini(&w->o);
}

static void alert_is(struct watch *w, const char *want)
{
    struct pollfd on = { .fd = w->fd, .events = POLLIN };
    char text[512];
    ssize_t n;

    ck_assert_msg(poll(&on, 1, 20000) == 1, "no alert came");
    n = read(w->fd, text, sizeof text - 1);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    ck_assert_str_eq(text, want);
}

/* "": there is none. */
static void warning_is(struct watch *w, const char *want)
{
    json_t *answer = ask(&w->o, "getnetworkinfo", "[]");
    const json_t *list = at(answer, "warnings");

    ck_assert_uint_eq(json_array_size(list), *want != '\0');
    if (*want != '\0')
        ck_assert_str_eq(json_string_value(json_array_get(list, 0)), want);
    json_decref(answer);
}

/* ---- an invalid branch that has more work --------------------------------- */

#define INVALID_TEXT                                                           \
    "Warning: Found invalid chain more than 6 blocks longer than our best "    \
    "chain. This could be due to database corruption or consensus "            \
    "incompatibility with peers."

static void give(struct watch *w, struct ptd_msg *block)
{
    struct ptd_block_result res;

    ptd_blockchain_accept_block(ptd_node_chain(w->o.host.node), &res, block,
                                PTD_ACCEPT_REQUESTED | PTD_ACCEPT_TRUSTED);
    ck_assert_msg(res.is_new, "%s", res.verdict.reason);
    ptd_msg_free(block);
}

static void submit(struct watch *w, const struct ptd_msg *block,
                   const char *method, bool is_good)
{
    const struct ptd_codec cx = { .pver = 70016, .encoding = PTD_ENC_WITNESS };
    uint8_t raw[512];
    char hex[2 * sizeof raw + 1];
    json_t *answer;
    size_t n;

    ck_assert_int_eq(ptd_msg_encode(block, raw, sizeof raw, &n, &cx), PTD_OK);
    ptd_hex_encode(hex, raw, n);
    answer = ask(&w->o, method, "[\"%s\"]", hex);
    ck_assert(json_is_null(answer) == is_good);
    json_decref(answer);
}

static const struct {
    const char *name;
    uint32_t n_invalid;
    bool warns;
} branches[] = {
    { "six blocks more", 6, false },
    { "seven", 7, true },
};

enum { N_GOOD = 3, FAR = 100 }; /* FAR: the height in its coinbase is wrong */

START_TEST(heavier_invalid_branch_is_told_once)
{
    struct ptd_msg *bad[8];
    struct ptd_hash tip = ptd_params_by_name("regtest")->genesis.hash, prev;
    struct watch w;

    watch_open(&w, FAR + 10);
    for (uint32_t h = 1; h <= N_GOOD; h++) {
        struct ptd_msg *m = mine_block(&tip, h, 1);

        tip = block_hash(m);
        give(&w, m);
    }
    prev = tip;
    for (uint32_t i = 0; i < branches[_i].n_invalid; i++) {
        bad[i] = mine_block(&prev, FAR + i, 2);
        prev = block_hash(bad[i]);
        submit(&w, bad[i], "submitheader", true);
    }
    warning_is(&w, "");
    submit(&w, bad[0], "submitblock", false);
    warning_is(&w, branches[_i].warns ? INVALID_TEXT : "");
    submit(&w, bad[0], "submitblock", false);
    free_chain(bad, branches[_i].n_invalid);
    if (branches[_i].warns) {
        alert_is(&w, INVALID_TEXT "\n");
        give(&w, mine_block(&tip, N_GOOD + 1, 1)); /* ours grows */
        warning_is(&w, "");
    }
    watch_close(&w);
}
END_TEST

/* ---- rules that are not known ---------------------------------------------- */

enum { PERIOD = 144, ENOUGH = 108, ACTIVE_FROM = 3 * PERIOD };

/* Blocks up to a height, on a block of one height; those of the second period
 * signal by their version, n_signals of them. Gives the last one's hash. */
static struct ptd_hash grow(struct watch *w, struct ptd_hash prev,
                            uint32_t from, uint32_t to, uint32_t version,
                            uint32_t n_signals, uint32_t salt)
{
    for (uint32_t h = from + 1; h <= to; h++) {
        bool signals = h >= PERIOD && h < PERIOD + n_signals;
        struct ptd_msg *m =
            mine_block_as(&prev, h, salt, 0, signals ? version : 0x20000000);

        prev = block_hash(m);
        give(w, m);
    }
    return prev;
}

static const struct {
    const char *name;
    uint32_t version, n_signals;
    const char *text; /* "": none */
} signals[] = {
    { "enough", 0x28000000, ENOUGH,
      "Unknown new rules activated (versionbit 27)" },
    { "one too few", 0x28000000, ENOUGH - 1, "" },
    { "no bits", 0x08000000, ENOUGH, "" },
    { "regtest's own", 0x30000000, ENOUGH, "" },
    { "the lowest bit", 0x20000001, PERIOD,
      "Unknown new rules activated (versionbit 0)" },
};

START_TEST(rules_that_are_not_known_are_told_once_they_hold)
{
    struct ptd_hash tip = ptd_params_by_name("regtest")->genesis.hash;
    char line[128];
    struct watch w;

    watch_open(&w, ACTIVE_FROM + 10);
    tip = grow(&w, tip, 0, ACTIVE_FROM - 2, signals[_i].version,
               signals[_i].n_signals, 1);
    warning_is(&w, "");
    tip = grow(&w, tip, ACTIVE_FROM - 2, ACTIVE_FROM - 1, 0, 0, 1);
    warning_is(&w, signals[_i].text);
    if (*signals[_i].text != '\0') {
        snprintf(line, sizeof line, "%s\n", signals[_i].text);
        alert_is(&w, line);
    }
    watch_close(&w);
}
END_TEST

START_TEST(reorganisation_takes_rules_back)
{
    struct ptd_hash tip = ptd_params_by_name("regtest")->genesis.hash, fork;
    struct watch w;

    watch_open(&w, ACTIVE_FROM + 10);
    fork = grow(&w, tip, 0, PERIOD + ENOUGH - 2, 0x28000000, ENOUGH, 1);
    (void)grow(&w, fork, PERIOD + ENOUGH - 2, ACTIVE_FROM - 1, 0x28000000,
               ENOUGH, 1);
    warning_is(&w, signals[0].text);
    (void)grow(&w, fork, PERIOD + ENOUGH - 2, ACTIVE_FROM, 0, 0, 2);
    warning_is(&w, "");
    watch_close(&w);
}
END_TEST

TCase *tcase_alerts(void)
{
    TCase *tc = tcase_create("alerts");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, heavier_invalid_branch_is_told_once, 0,
                        PTD_COUNT(branches));
    tcase_add_loop_test(tc, rules_that_are_not_known_are_told_once_they_hold, 0,
                        PTD_COUNT(signals));
    tcase_add_test(tc, reorganisation_takes_rules_back);
    return tc;
}
