#include <config.h>

#include "check_relay.h"

#include <stdio.h>
#include <stdlib.h>

#include "pentad/log.h"

static void to_stderr(const struct ptd_log_line *line, void *arg)
{
    (void)arg;
    fprintf(stderr, "[%s] %s\n", line->thread, line->text);
}

int main(void)
{
    Suite *s = suite_create("relay");
    SRunner *sr;
    int n_failed, sink;

    if (getenv("PTD_TEST_LOG") != NULL) {
        (void)!ptd_log_add_sink(&sink, to_stderr, NULL);
        ptd_log_set_level_all(PTD_LOG_DEBUG);
    }
    suite_add_tcase(s, tcase_bloom());
    suite_add_tcase(s, tcase_pool());
    suite_add_tcase(s, tcase_wanted());
    suite_add_tcase(s, tcase_peers());
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
