#include <config.h>

#include "check_chain.h"

int main(void)
{
    SRunner *runner = srunner_create(suite_headers());
    int n_failed;

    srunner_add_suite(runner, suite_pow());
    srunner_add_suite(runner, suite_real());
    srunner_add_suite(runner, suite_retarget());
    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
