#include <config.h>

#include <signal.h>
#include <stdlib.h>

#include "rig.h"

int main(void)
{
    Suite *s = suite_create("rpc");
    SRunner *sr;
    int n_failed;

    signal(SIGPIPE, SIG_IGN); /* a client that was started may end at once */
    suite_add_tcase(s, json_case());
    suite_add_tcase(s, request_case());
    suite_add_tcase(s, args_case());
    suite_add_tcase(s, help_case());
    suite_add_tcase(s, auth_case());
    suite_add_tcase(s, http_case());
    suite_add_tcase(s, hostile_case());
    suite_add_tcase(s, stop_case());
    suite_add_tcase(s, memory_case());
    suite_add_tcase(s, cli_case());
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
