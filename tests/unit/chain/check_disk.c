#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_chain.h"
#include "rig.h"

/* ---- pruning, verifying --------------------------------------------- */

/* Blocks so large that few fit into a small file. */
static struct ptd_hash grow_large(struct rig *r, struct ptd_hash on, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ptd_block_info info = rig_info(r, on);
        struct ptd_msg *m = rig_raw_block(r, &on, info.header.height + 1,
                                          info.header.time + 1, 1);

        rig_add_txs(m, 100);
        rig_solve(r, m);
        on = rig_accept(r, m, RIG_ASKED).hash;
    }
    return on;
}

static bool has_file(const struct rig *r, unsigned n)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof path, "%s/blk%05u.dat", r->blocks, n);
    return stat(path, &st) == 0;
}

START_TEST(pruning_deletes_old_files_and_lasts)
{
    enum { N = 400 };
    struct ptd_block_info info;
    struct ptd_chain_stats stats;
    struct ptd_buf *buf;
    struct ptd_hash tip;
    uint32_t height = 1000;
    char why[PTD_CHAIN_WHY_SIZE];
    struct rig r;
    size_t n;

    rig_init(&r, "regtest");
    r.cfg.fast_prune = true;
    rig_open(&r);
    ck_assert_int_eq(ptd_blockchain_prune(r.c, &height), PTD_EINVAL);
    rig_close(&r);
    r.cfg.prune_bytes = 1;
    rig_open(&r);
    tip = grow_large(&r, r.params.genesis.hash, N);
    ck_assert(has_file(&r, 0) && has_file(&r, 20));
    height = 50;
    ck_assert_int_eq(ptd_blockchain_prune(r.c, &height), PTD_OK);
    ck_assert_uint_le(height, 50);
    ck_assert_uint_gt(height, 20);
    ck_assert(!has_file(&r, 0));
    height = N; /* the last 288 stay */
    ck_assert_int_eq(ptd_blockchain_prune(r.c, &height), PTD_OK);
    ck_assert_uint_le(height, N - PTD_KEEP_BLOCKS);
    for (int again = 0; again < 2; again++) {
        ck_assert(rig_same(rig_tip(&r), tip));
        ptd_blockchain_stats(r.c, &stats);
        ck_assert_uint_eq(stats.prune_height, height + 1);
        ck_assert(ptd_blockchain_at(r.c, &info, height));
        ck_assert(info.was_pruned && !info.have_block);
        ck_assert_uint_eq(info.n_tx, 101);
        ck_assert_int_eq(
            ptd_blockchain_read(r.c, &buf, &n, &info.header.hash, NULL),
            PTD_EEMPTY);
        ck_assert(ptd_blockchain_at(r.c, &info, height + 1));
        ck_assert(info.have_block);
        ck_assert_int_eq(
            ptd_blockchain_verify(r.c, 3, N - height - 1, NULL, why), PTD_OK);
        ck_assert_int_eq(ptd_blockchain_verify(r.c, 3, 0, NULL, why),
                         PTD_EEMPTY);
        rig_close(&r);
        rig_open(&r);
    }
    rig_close(&r);
    r.cfg.prune_bytes = 0;
    ck_assert_int_eq(ptd_blockchain_open(&r.c, &r.cfg, why), PTD_EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "-reindex"));
    r.c = NULL;
    rig_fini(&r);
}
END_TEST

/* A crash between forgetting blocks and deleting their files. */
START_TEST(start_deletes_what_pruning_left)
{
    char command[300];
    uint32_t height = 60;
    struct rig r;

    rig_init(&r, "regtest");
    r.cfg.fast_prune = true;
    r.cfg.prune_bytes = 1;
    rig_open(&r);
    grow_large(&r, r.params.genesis.hash, 400);
    snprintf(command, sizeof command, "cp %s/blk0000[02].dat %s/", r.blocks,
             r.dir);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(ptd_blockchain_prune(r.c, &height), PTD_OK);
    rig_close(&r);
    ck_assert(!has_file(&r, 0) && !has_file(&r, 2));
    snprintf(command, sizeof command, "mv %s/blk0000[02].dat %s/", r.dir,
             r.blocks);
    ck_assert_int_eq(system(command), 0);
    rig_open(&r);
    ck_assert(!has_file(&r, 0) && !has_file(&r, 2));
    ck_assert_uint_eq(ptd_blockchain_height(r.c), 400);
    rig_fini(&r);
}
END_TEST

START_TEST(pruning_holds_its_target)
{
    struct ptd_chain_stats stats;
    struct ptd_hash tip;
    struct rig r;

    rig_init(&r, "regtest");
    r.cfg.fast_prune = true;
    r.cfg.prune_bytes = (17 << 20) + (2 << 20);
    r.cfg.prune_after_height = 480;
    rig_open(&r);
    tip = grow_large(&r, r.params.genesis.hash, 480);
    ptd_blockchain_stats(r.c, &stats);
    ck_assert_uint_eq(stats.prune_height, 0);
    ck_assert_uint_gt(stats.size_on_disk, (2 << 20) + (128 << 10));
    grow_large(&r, tip, 20);
    ptd_blockchain_stats(r.c, &stats);
    ck_assert(stats.automatic_prune);
    /* 288 blocks of some 6 KB must stay; 500 would be 3 MB. */
    ck_assert_uint_lt(stats.size_on_disk, (2 << 20) + (128 << 10));
    ck_assert_uint_gt(stats.prune_height, 0);
    rig_fini(&r);
}
END_TEST

/* Flip a byte of a file. */
static void spoil(const struct rig *r, const char *name, long at)
{
    char path[128];
    FILE *f;
    int c;

    snprintf(path, sizeof path, "%s/%s", r->blocks, name);
    f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    c = fgetc(f);
    ck_assert_int_eq(fseek(f, -1, SEEK_CUR), 0);
    fputc(c ^ 1, f);
    fclose(f);
}

START_TEST(damaged_block_is_found)
{
    char why[PTD_CHAIN_WHY_SIZE];
    struct ptd_hash tip;
    struct ptd_msg *m;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, 20, 1);
    ck_assert_int_eq(ptd_blockchain_verify(r.c, 1, 6, NULL, why), PTD_OK);
    spoil(&r, "blk00000.dat", -10); /* in the last coinbase's value */
    ck_assert_int_eq(ptd_blockchain_verify(r.c, 0, 6, NULL, why), PTD_OK);
    ck_assert_int_eq(ptd_blockchain_verify(r.c, 1, 6, NULL, why),
                     PTD_EBADVALUE);
    ck_assert_ptr_nonnull(strstr(why, "bad-txnmrklroot"));
    spoil(&r, "blk00000.dat", 301); /* in the header of block 1 */
    ck_assert_int_eq(ptd_blockchain_verify(r.c, 0, 0, NULL, why), PTD_EIO);
    ck_assert_int_eq(ptd_blockchain_read_block(r.c, &m, &tip), PTD_OK);
    ptd_msg_free(m);
    rig_close(&r);
    /* A file that is gone is a clear error. */
    {
        char path[128];

        snprintf(path, sizeof path, "%s/blk00000.dat", r.blocks);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_int_eq(ptd_blockchain_open(&r.c, &r.cfg, why), PTD_EBADVALUE);
    ck_assert_ptr_nonnull(strstr(why, "blk00000.dat"));
    r.c = NULL;
    rig_fini(&r);
}
END_TEST

/* What was not synced when the machine stopped, and is not there, is fetched
 * again. */
START_TEST(lost_tail_is_forgotten)
{
    char why[PTD_CHAIN_WHY_SIZE], path[128], copy[300];
    struct ptd_wanted_block wanted[10];
    struct ptd_hash tip;
    struct stat st;
    struct rig r, after;

    rig_init(&r, "regtest");
    rig_open(&r);
    rig_grow(&r, &r.params.genesis.hash, 20, 1);
    ck_assert_int_eq(ptd_blockchain_flush(r.c), PTD_OK);
    tip = rig_tip(&r);
    rig_grow(&r, &tip, 5, 1);
    /* As if the machine stopped here. */
    rig_init(&after, "regtest");
    snprintf(copy, sizeof copy, "cp -r %s/blocks %s/", r.dir, after.dir);
    ck_assert_int_eq(system(copy), 0);
    snprintf(path, sizeof path, "%s/blk00000.dat", after.blocks);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size - 250), 0);
    rig_open(&after);
    ck_assert_uint_eq(ptd_blockchain_height(after.c), 23);
    ck_assert_uint_eq(ptd_blockchain_wanted(after.c, wanted, 10, 100, NULL), 2);
    ck_assert_int_eq(ptd_blockchain_verify(after.c, 1, 0, NULL, why), PTD_OK);
    rig_fini(&after);
    rig_fini(&r);
}
END_TEST

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(full_disk_is_trouble_and_no_corruption)
{
    char why[PTD_CHAIN_WHY_SIZE];
    struct ptd_block_result got;
    struct ptd_headers_result added;
    uint8_t raw[80];
    struct ptd_hash tip, last;
    struct ptd_msg *m;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, 10, 1);
    /* Check writes to a file too, which stays far below. */
    limit_files(400000);
    for (uint32_t h = 11;; h++) {
        last = tip;
        m = rig_raw_block(&r, &tip, h, r.params.genesis.time + h, 1);
        rig_add_txs(m, 500);
        rig_solve(&r, m);
        got = rig_accept(&r, ptd_msg_ref(m), RIG_ASKED);
        if (got.verdict.class != PTD_BLOCK_VALID || h > 100)
            break;
        ptd_msg_free(m);
        tip = got.hash;
    }
    ck_assert_int_eq(got.verdict.class, PTD_BLOCK_IO);
    ck_assert(ptd_blockchain_trouble(r.c, why));
    ck_assert_ptr_nonnull(strstr(why, "the disk is full"));
    /* Nothing more is taken, even when there would be room again. */
    limit_files(RLIM_INFINITY);
    ck_assert_int_eq(rig_accept(&r, ptd_msg_ref(m), RIG_ASKED).verdict.class,
                     PTD_BLOCK_IO);
    ptd_block_header_encode(&PTD_MSG_AS(block, m)->header, raw);
    ck_assert_int_eq(
        ptd_blockchain_add_headers(r.c, &added, raw, 1, PTD_FROM_TRUSTED),
        PTD_HEADER_EIO);
    rig_close(&r);
    rig_open(&r);
    ck_assert(ptd_blockchain_has_block(r.c, &last));
    ck_assert_uint_ge(ptd_blockchain_height(r.c), 11);
    ck_assert_int_eq(ptd_blockchain_verify(r.c, 1, 0, NULL, why), PTD_OK);
    ck_assert(rig_accept(&r, m, RIG_ASKED).verdict.class == PTD_BLOCK_VALID);
    rig_fini(&r);
}
END_TEST

Suite *suite_disk(void)
{
    Suite *s = suite_create("disk");
    TCase *tc = tcase_create("disk");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, pruning_deletes_old_files_and_lasts);
    tcase_add_test(tc, start_deletes_what_pruning_left);
    tcase_add_test(tc, pruning_holds_its_target);
    tcase_add_test(tc, damaged_block_is_found);
    tcase_add_test(tc, lost_tail_is_forgotten);
    tcase_add_test(tc, full_disk_is_trouble_and_no_corruption);
    suite_add_tcase(s, tc);
    return s;
}
