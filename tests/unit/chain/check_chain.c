#include <config.h>

#include "check_chain.h"

int main(void)
{
    SRunner *runner = srunner_create(suite_headers());
    int n_failed;

    srunner_add_suite(runner, suite_block_rules());
    srunner_add_suite(runner, suite_blockchain());
    srunner_add_suite(runner, suite_blockkey());
    srunner_add_suite(runner, suite_disk());
    srunner_add_suite(runner, suite_files());
    srunner_add_suite(runner, suite_import());
    srunner_add_suite(runner, suite_mining());
    srunner_add_suite(runner, suite_presync());
    srunner_add_suite(runner, suite_scan());
    srunner_add_suite(runner, suite_script_addr());
    srunner_add_suite(runner, suite_threads());
    srunner_add_suite(runner, suite_pow());
    srunner_add_suite(runner, suite_real());
    srunner_add_suite(runner, suite_retarget());
    srunner_run_all(runner, CK_NORMAL);
    n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
