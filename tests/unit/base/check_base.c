#include <config.h>

#include "check_base.h"

int main(void)
{
    SRunner *runner = srunner_create(suite_alloc());
    int n_failed;

    srunner_add_suite(runner, suite_text());
    srunner_add_suite(runner, suite_file());
    srunner_add_suite(runner, suite_list());
    srunner_add_suite(runner, suite_rng());
    srunner_add_suite(runner, suite_u256());
    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
