#include <config.h>

#include "check_addrmgr.h"

int main(void)
{
    SRunner *runner = srunner_create(suite_asmap());
    int n_failed;

    srunner_add_suite(runner, suite_cache());
    srunner_add_suite(runner, suite_eclipse());
    srunner_add_suite(runner, suite_file());
    srunner_add_suite(runner, suite_localaddr());
    srunner_add_suite(runner, suite_memory());
    srunner_add_suite(runner, suite_netgroup());
    srunner_add_suite(runner, suite_relay());
    srunner_add_suite(runner, suite_select());
    srunner_add_suite(runner, suite_table());
    srunner_add_suite(runner, suite_threads());
    srunner_add_suite(runner, suite_tried());
    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
