#include <config.h>

#include "check_peer.h"

#include <stdlib.h>

int main(void)
{
    Suite *s = suite_create("peer");
    SRunner *sr;
    int n_failed;

    suite_add_tcase(s, tcase_basic());
    suite_add_tcase(s, tcase_conduct());
    suite_add_tcase(s, tcase_hooks());
    suite_add_tcase(s, tcase_requests());
    suite_add_tcase(s, tcase_timeouts());
    suite_add_tcase(s, tcase_queue());
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
