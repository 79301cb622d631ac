#include <config.h>

#include "check_zmq.h"

#include <stdlib.h>

int main(void)
{
    Suite *s = suite_create("zmq");
    SRunner *sr;
    int n_failed;

    suite_add_tcase(s, tcase_tips());
    suite_add_tcase(s, tcase_queue());
    suite_add_tcase(s, tcase_socket());
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
