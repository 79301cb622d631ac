#include <config.h>

#include <stdlib.h>

#include "rig.h"

int main(void)
{
    Suite *s = suite_create("net");
    SRunner *sr;
    int n_failed;

    suite_add_tcase(s, bufpool_case());
    suite_add_tcase(s, frame_case());
    suite_add_tcase(s, write_case());
    suite_add_tcase(s, carrier_case());
    suite_add_tcase(s, dial_case());
    suite_add_tcase(s, socks5_case());
    suite_add_tcase(s, listen_case());
    suite_add_tcase(s, subnet_case());
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
