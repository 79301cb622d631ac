#include <config.h>

#include "check_node.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/support.h"

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *at)
{
    (void)st;
    (void)flag;
    (void)at;
    return remove(path);
}

char *temp_make(void)
{
    return support_temp_dir();
}

void temp_remove(char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
}

void temp_write(const char *dir, const char *name, const char *text)
{
    char path[1024];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

int main(void)
{
    Suite *s = suite_create("node");
    SRunner *sr;
    int n_failed;

    suite_add_tcase(s, tcase_args());
    suite_add_tcase(s, tcase_settings());
    suite_add_tcase(s, tcase_cgroup());
    suite_add_tcase(s, tcase_gossip());
    suite_add_tcase(s, tcase_server());
    suite_add_tcase(s, tcase_run());
    suite_add_tcase(s, tcase_blocks());
    suite_add_tcase(s, tcase_permit());
    suite_add_tcase(s, tcase_notify());
    suite_add_tcase(s, tcase_capture());
    suite_add_tcase(s, tcase_program());
    suite_add_tcase(s, tcase_rpc_net());
    suite_add_tcase(s, tcase_rpc_chain());
    suite_add_tcase(s, tcase_alerts());
    suite_add_tcase(s, tcase_rpc_pool());
    suite_add_tcase(s, tcase_listen());
    suite_add_tcase(s, tcase_publish());
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
