#include <config.h>

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "check_base.h"
#include "support/nth_malloc.h"

static char dir[64];   /* of this test */
static char path[128]; /* a file in it */

static void setup(void)
{
    strcpy(dir, "/tmp/ptd-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/some.json", dir);
}

static void teardown(void)
{
    char name[160];
    static const char *const suffixes[] = { "", ".new", ".bak" };

    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        if (unlink(name) != 0)
            rmdir(name);
    }
    ck_assert_int_eq(rmdir(dir), 0);
}

static void expect(const char *want)
{
    uint8_t *p;
    size_t n;

    ck_assert_int_eq(ptd_file_read(&p, &n, path, 1000), PTD_OK);
    ck_assert_uint_eq(n, strlen(want));
    ck_assert_str_eq((char *)p, want);
    ptd_free(p);
}

static bool exists(const char *suffix)
{
    char name[160];
    struct stat st;

    snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0;
}

START_TEST(what_is_written_is_read)
{
    struct stat st;

    ck_assert_int_eq(ptd_file_replace(path, "one", 3), PTD_OK);
    expect("one");
    ck_assert_int_eq(ptd_file_replace(path, "", 0), PTD_OK);
    expect("");
    ck_assert_int_eq(ptd_file_replace(path, "three", 5), PTD_OK);
    expect("three");
    ck_assert(!exists(".new"));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_failed_write_leaves_the_file)
{
    char name[160];

    ck_assert_int_eq(ptd_file_replace(path, "one", 3), PTD_OK);
    snprintf(name, sizeof name, "%s.new", path);
    ck_assert_int_eq(mkdir(name, 0700), 0);
    errno = 0;
    ck_assert_int_eq(ptd_file_replace(path, "two", 3), PTD_EIO);
    ck_assert_int_eq(errno, EISDIR);
    expect("one");
}
END_TEST

START_TEST(what_cannot_be_read_is_told)
{
    uint8_t *p;
    size_t n;

    ck_assert_int_eq(ptd_file_read(&p, &n, path, 10), PTD_ENOTFOUND);
    ck_assert_int_eq(ptd_file_read(&p, &n, dir, 10), PTD_EIO);
    ck_assert_int_eq(errno, EISDIR);
    ck_assert_int_eq(ptd_file_replace(path, "four", 4), PTD_OK);
    ck_assert_int_eq(ptd_file_read(&p, &n, path, 3), PTD_ETOOBIG);
    ck_assert_int_eq(mkfifo(path, 0600), -1);
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(ptd_file_read(&p, &n, path, 10), PTD_EIO);
}
END_TEST

START_TEST(a_file_is_set_aside)
{
    ck_assert_int_eq(ptd_file_set_aside(path), PTD_EIO);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(ptd_file_replace(path, "bad", 3), PTD_OK);
    ck_assert_int_eq(ptd_file_set_aside(path), PTD_OK);
    ck_assert(!exists(""));
    ck_assert(exists(".bak"));
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    uint8_t *p;
    size_t n;
    enum ptd_err e;

    support_nth_malloc_arm(1);
    e = ptd_file_replace(path, "one", 3);
    ck_assert(support_nth_malloc_disarm());
    ck_assert_int_eq(e, PTD_ENOMEM);
    ck_assert_int_eq(ptd_file_replace(path, "one", 3), PTD_OK);
    support_nth_malloc_arm(1);
    e = ptd_file_read(&p, &n, path, 10);
    ck_assert(support_nth_malloc_disarm());
    ck_assert_int_eq(e, PTD_ENOMEM);
    support_nth_malloc_arm(1);
    e = ptd_file_set_aside(path);
    ck_assert(support_nth_malloc_disarm());
    ck_assert_int_eq(e, PTD_ENOMEM);
    expect("one");
}
END_TEST

Suite *suite_file(void)
{
    Suite *s = suite_create("file");
    TCase *tc = tcase_create("file");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_written_is_read);
    tcase_add_test(tc, a_failed_write_leaves_the_file);
    tcase_add_test(tc, what_cannot_be_read_is_told);
    tcase_add_test(tc, a_file_is_set_aside);
    tcase_add_test(tc, lack_of_memory_is_told);
    suite_add_tcase(s, tc);
    return s;
}
