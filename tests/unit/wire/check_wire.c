#include <config.h>

#include "check_wire.h"

#include <stdlib.h>

#include "base/util.h"

static TCase *(*const tcases[])(void) = {
    tcase_reader,      tcase_envelope, tcase_tx,        tcase_block,
    tcase_cmpct,       tcase_encoded,  tcase_netaddr,   tcase_msg_version,
    tcase_msg_addr,    tcase_msg_inv,  tcase_msg_small, tcase_msg_bloom,
    tcase_msg_cfilter, tcase_samples,  tcase_text,
};

int main(void)
{
    Suite *s = suite_create("wire");
    SRunner *sr;
    int n_failed;

    for (size_t i = 0; i < PTD_COUNT(tcases); i++) {
        TCase *tc = tcases[i]();

        tcase_set_timeout(tc, 60);
        suite_add_tcase(s, tc);
    }
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
