#include <config.h>

#include <stdlib.h>

#include "rig.h"

int main(void)
{
    Suite *s = suite_create("connmgr");
    SRunner *sr;
    int n_failed;

    suite_add_tcase(s, auto_case());
    suite_add_tcase(s, day_case());
    suite_add_tcase(s, life_case());
    suite_add_tcase(s, named_case());
    suite_add_tcase(s, once_case());
    suite_add_tcase(s, reach_case());
    suite_add_tcase(s, seeds_case());
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
