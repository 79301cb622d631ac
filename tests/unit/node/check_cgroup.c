#include <config.h>

#include "node/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/util.h"
#include "check_node.h"

static const struct {
    const char *name;
    const char *self; /* what /proc/self/cgroup says */
    unsigned long max;
} groups[] = {
    { "its own", "0::/a/b\n", 70 },
    { "one above it", "0::/a\n", 90 },
    { "above its own", "0::/c/d\n", 50 },
    { "the whole machine", "0::/\n", ULONG_MAX },
    { "not there", "0::/e\n", ULONG_MAX },
    { "version 1", "3:cpu:/a/b\n2:pids:/g\n", 30 },
    { "version 1, beside another", "2:cpu,pids:/g\n", 30 },
    { "version 1, another", "2:rapids:/g\n", ULONG_MAX },
    { "both", "2:pids:/g\n0::/a\n", 30 },
    { "nonsense", "what\n:\n::\n\n", ULONG_MAX },
    { "nothing", "", ULONG_MAX },
};

static void make(const char *dir, const char *sub)
{
    char path[600];

    snprintf(path, sizeof path, "%s/%s", dir, sub);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

START_TEST(limit_of_the_process_is_found)
{
    char *dir = temp_make(), self[600];
    unsigned long max;

    make(dir, "a");
    make(dir, "a/b");
    make(dir, "c");
    make(dir, "c/d");
    make(dir, "pids");
    make(dir, "pids/g");
    temp_write(dir, "a/pids.max", "90\n");
    temp_write(dir, "a/b/pids.max", "70\n");
    temp_write(dir, "c/pids.max", "50\n");
    temp_write(dir, "c/d/pids.max", "max\n");
    temp_write(dir, "pids/g/pids.max", "30\n");
    temp_write(dir, "self", groups[_i].self);
    snprintf(self, sizeof self, "%s/self", dir);
    max = ptd_cgroup_pids_max(self, dir);
    ck_assert_msg(max == groups[_i].max, "%s: %lu", groups[_i].name, max);
    temp_remove(dir);
}
END_TEST

START_TEST(no_file_is_no_limit)
{
    ck_assert_uint_eq(ptd_cgroup_pids_max("/nowhere/self", "/nowhere"),
                      ULONG_MAX);
}
END_TEST

TCase *tcase_cgroup(void)
{
    TCase *tc = tcase_create("cgroup");

    tcase_add_loop_test(tc, limit_of_the_process_is_found, 0,
                        PTD_COUNT(groups));
    tcase_add_test(tc, no_file_is_no_limit);
    return tc;
}
