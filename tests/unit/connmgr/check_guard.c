#include <config.h>

#include "guard.h"

#include <stdlib.h>
#include <string.h>

#include "pentad/log.h"

struct ptd_netaddr guard_addr(const char *text)
{
    struct ptd_netaddr na;

    ck_assert_msg(ptd_netaddr_parse(&na, text, 8333) == PTD_OK, "%s", text);
    return na;
}

struct ptd_subnet guard_subnet(const char *text)
{
    struct ptd_subnet s;

    ck_assert_msg(ptd_subnet_parse(&s, text) == PTD_OK, "%s", text);
    return s;
}

/* ---- the log ------------------------------------------------------------- */

/* Written by the sink, under the log's lock; read once threads are joined, or
 * by the thread that logs. */
static struct {
    int id;
    size_t n;
    char text[1 << 16];
} kept;

static void keep(const struct ptd_log_line *line, void *arg)
{
    size_t n = strlen(line->text);

    (void)arg;
    if (kept.n + n + 2 > sizeof kept.text)
        return;
    memcpy(kept.text + kept.n, line->text, n);
    kept.n += n;
    kept.text[kept.n++] = '\n';
    kept.text[kept.n] = '\0';
}

void guard_log_begin(void)
{
    kept.n = 0;
    kept.text[0] = '\0';
    ptd_log_set_level_all(PTD_LOG_TRACE);
    ck_assert_int_eq(ptd_log_add_sink(&kept.id, keep, NULL), PTD_OK);
}

bool guard_log_has(const char *text)
{
    return strstr(kept.text, text) != NULL;
}

void guard_log_end(void)
{
    ptd_log_remove_sink(kept.id);
    ptd_log_set_level_all(PTD_LOG_INFO);
}

int main(void)
{
    Suite *s = suite_create("guard");
    SRunner *sr;
    int n_failed;

    suite_add_tcase(s, banlist_case());
    suite_add_tcase(s, discourage_case());
    suite_add_tcase(s, evict_case());
    suite_add_tcase(s, inlimit_case());
    suite_add_tcase(s, gateway_case());
    suite_add_tcase(s, pcp_case());
    suite_add_tcase(s, portmap_case());
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
