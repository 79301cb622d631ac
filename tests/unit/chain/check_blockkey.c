/* The key of block files: whose folder gets one, and what it does. */
#include <config.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "chain/blockkey.h"
#include "check_chain.h"
#include "rig.h"

static bool is_same(const struct ptd_blockkey *a, const struct ptd_blockkey *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* What lies in the folder, byte for byte; false: nothing. */
static bool read_file(const struct rig *r, const char *name, void *out,
                      size_t n)
{
    char path[128];
    FILE *f;
    size_t got;

    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    f = fopen(path, "rb");
    if (f == NULL)
        return false;
    got = fread(out, 1, n, f);
    fclose(f);
    return got == n;
}

START_TEST(masked_twice_is_plain)
{
    enum { N = 41 };
    const struct ptd_blockkey key = { true, { 1, 2, 3, 4, 5, 6, 7, 255 } };
    uint8_t p[N], want[N];

    /* From every offset, every length: also in pieces it is the same. */
    for (uint64_t at = 0; at < 17; at++) {
        for (size_t n = 0; n <= N; n++) {
            size_t cut = n / 3;

            for (size_t i = 0; i < N; i++) {
                p[i] = (uint8_t)(i * 3);
                want[i] = p[i] ^ (i < n ? key.b[(at + i) % 8] : 0);
            }
            ptd_blockkey_apply(&key, p, cut, at);
            ptd_blockkey_apply(&key, p + cut, n - cut, at + cut);
            ck_assert_mem_eq(p, want, N);
            ptd_blockkey_apply(&key, p, n, at);
            for (size_t i = 0; i < N; i++)
                ck_assert_uint_eq(p[i], (uint8_t)(i * 3));
        }
    }
}
END_TEST

/* A folder before the start, and what becomes of it. */
static const struct {
    const char *file; /* that lies there; NULL: none */
    const char *text; /* in it */
    size_t n;
    bool mask;
    enum ptd_err want;
    bool is; /* there is a key then */
} folders[] = {
    { NULL, NULL, 0, true, PTD_OK, true },
    { NULL, NULL, 0, false, PTD_OK, false },
    { "blk00000.dat", "x", 1, true, PTD_OK, false }, /* it is plain */
    { "xor.dat.new", "123", 3, true, PTD_OK, true }, /* killed in between */
    { "rev00000.dat", "x", 1, true, PTD_OK, true },
    { "xor.dat", "12345678", 8, true, PTD_OK, true },
    { "xor.dat", "12345678", 8, false, PTD_EINVAL, true },
    { "xor.dat", "\0\0\0\0\0\0\0\0", 8, false, PTD_OK, false },
    { "xor.dat", "\0\0\0\0\0\0\0\0", 8, true, PTD_OK, false },
    { "xor.dat", "1234567", 7, true, PTD_EBADVALUE, false },
    { "xor.dat", "", 0, true, PTD_EBADVALUE, false },
    { "xor.dat", "123456789", 9, true, PTD_EBADVALUE, false },
};

START_TEST(folder_gets_its_key_once)
{
    struct ptd_blockkey key, again, read;
    uint8_t saved[8];
    struct rig r;
    char why[200];

    rig_init(&r, "regtest");
    if (folders[_i].file != NULL)
        rig_write(&r, folders[_i].file, folders[_i].text, folders[_i].n);
    ck_assert_int_eq(
        ptd_blockkey_open(&key, r.dir, folders[_i].mask, why, sizeof why),
        folders[_i].want);
    if (folders[_i].want == PTD_OK) {
        ck_assert(key.is == folders[_i].is);
        ck_assert(read_file(&r, "xor.dat", saved, 8));
        ck_assert_mem_eq(saved, key.b, 8);
        ck_assert(!read_file(&r, "xor.dat.new", saved, 0));
        ck_assert_int_eq(ptd_blockkey_open(&again, r.dir, true, why, 200),
                         PTD_OK);
        ck_assert(is_same(&key, &again));
        ck_assert_int_eq(ptd_blockkey_read(&read, r.dir), PTD_OK);
        ck_assert(is_same(&key, &read) && read.is == key.is);
    } else {
        ck_assert_ptr_nonnull(strstr(why, "xor.dat"));
    }
    rig_fini(&r);
}
END_TEST

START_TEST(two_folders_have_two_keys)
{
    struct ptd_blockkey key[2];
    char why[200];

    for (size_t i = 0; i < 2; i++) {
        struct rig r;

        rig_init(&r, "regtest");
        ck_assert_int_eq(ptd_blockkey_open(&key[i], r.dir, true, why, 200),
                         PTD_OK);
        rig_fini(&r);
    }
    ck_assert(!is_same(&key[0], &key[1]));
}
END_TEST

START_TEST(missing_folder_is_told)
{
    struct ptd_blockkey key;
    char why[200];

    ck_assert_int_eq(ptd_blockkey_open(&key, "/nowhere/at/all", true, why, 200),
                     PTD_EIO);
    ck_assert_str_eq(why, "/nowhere/at/all/xor.dat: No such file or directory");
    ck_assert_int_eq(ptd_blockkey_read(&key, "/nowhere/at/all"), PTD_EIO);
}
END_TEST

/* No byte of a block lies plain in the file, and all come back after a new
 * start; a start that wants them plain is refused, and harms nothing. */
START_TEST(chain_is_masked_on_disk)
{
    static const uint8_t bits[] = { 0xff, 0xff, 0x7f, 0x20 };
    char why[PTD_CHAIN_WHY_SIZE], path[128];
    struct ptd_blockchain *c;
    struct ptd_hash tip;
    uint8_t file[4096];
    size_t n, n_plain = 0;
    struct rig r;
    FILE *f;

    rig_init(&r, "regtest");
    r.cfg.mask_blocks = true;
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, 10, 1);
    rig_close(&r);
    snprintf(path, sizeof path, "%s/blk00000.dat", r.blocks);
    f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    n = fread(file, 1, sizeof file, f);
    fclose(f);
    ck_assert_uint_gt(n, 1500);
    for (size_t i = 0; i + 4 <= n; i++)
        n_plain += memcmp(file + i, bits, 4) == 0;
    ck_assert_uint_eq(n_plain, 0);

    r.cfg.mask_blocks = false;
    ck_assert_int_eq(ptd_blockchain_open(&c, &r.cfg, why), PTD_EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "XOR-key can not be disabled"));
    r.cfg.mask_blocks = true;
    rig_open(&r);
    ck_assert(rig_same(rig_tip(&r), tip));
    ck_assert_int_eq(ptd_blockchain_verify(r.c, 3, 0, NULL, why), PTD_OK);
    rig_close(&r);

    r.cfg.wipe_index = true;
    rig_open(&r);
    {
        struct ptd_import_result res;

        ck_assert_int_eq(ptd_blockchain_reindex(r.c, &res, NULL), PTD_OK);
        ck_assert_uint_eq(res.n_blocks, 11);
    }
    ck_assert(rig_same(rig_tip(&r), tip));
    rig_fini(&r);
}
END_TEST

/* From before there were keys: they stay plain, and what is added is too. */
START_TEST(plain_files_stay_plain)
{
    char why[PTD_CHAIN_WHY_SIZE];
    struct ptd_hash tip;
    char path[128];
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, 10, 1);
    rig_close(&r);
    snprintf(path, sizeof path, "%s/xor.dat", r.blocks);
    ck_assert_int_eq(unlink(path), 0);
    r.cfg.mask_blocks = true;
    rig_open(&r);
    rig_grow(&r, &tip, 10, 1);
    ck_assert_int_eq(ptd_blockchain_verify(r.c, 3, 0, NULL, why), PTD_OK);
    ck_assert_uint_eq(ptd_blockchain_height(r.c), 20);
    rig_fini(&r);
}
END_TEST

Suite *suite_blockkey(void)
{
    Suite *s = suite_create("blockkey");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, masked_twice_is_plain);
    tcase_add_loop_test(tc, folder_gets_its_key_once, 0, PTD_COUNT(folders));
    tcase_add_test(tc, two_folders_have_two_keys);
    tcase_add_test(tc, missing_folder_is_told);
    tcase_add_test(tc, chain_is_masked_on_disk);
    tcase_add_test(tc, plain_files_stay_plain);
    suite_add_tcase(s, tc);
    return s;
}
