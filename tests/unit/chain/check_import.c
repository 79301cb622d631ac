#include <config.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/util.h"
#include "chain/blockfile.h"
#include "check_chain.h"
#include "rig.h"
#include "support/nth_malloc.h"
#include "support/support.h"

/* Files of blocks, and what a process that was killed leaves. */

/* A file with the blocks of a chain, in an order of their own. */
static void export_blocks(struct rig *r, const char *path, uint32_t n,
                          uint32_t step)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    for (uint32_t k = 0, h = 1; k < n; k++, h = (h + step) % n) {
        struct ptd_block_info info;
        struct ptd_buf *buf;
        uint8_t frame[8];
        size_t size;

        ck_assert(ptd_blockchain_at(r->c, &info, h));
        ck_assert_int_eq(
            ptd_blockchain_read(r->c, &buf, &size, &info.header.hash, NULL),
            PTD_OK);
        memcpy(frame, r->params.magic, 4);
        ptd_put_le32(frame + 4, (uint32_t)size);
        fwrite("rubbish", 1, 7, f);
        fwrite(frame, 1, 8, f);
        fwrite(buf->data, 1, size, f);
        ptd_buf_free(buf);
    }
    fclose(f);
}

START_TEST(file_of_blocks_in_any_order_is_taken_in)
{
    enum { N = 101 }; /* a prime: each step visits all */
    static const uint32_t steps[] = { 1, N - 1, 37 };
    struct ptd_import_result res;
    struct rig from, to;
    char path[128];

    rig_init(&from, "regtest");
    rig_open(&from);
    rig_grow(&from, &from.params.genesis.hash, N - 1, 1);
    snprintf(path, sizeof path, "%s/bootstrap", from.dir);
    export_blocks(&from, path, N, steps[_i]);
    rig_init(&to, "regtest");
    rig_open(&to);
    ck_assert_int_eq(ptd_blockchain_import(to.c, path, &res, NULL), PTD_OK);
    ck_assert_uint_eq(res.n_blocks, N); /* the genesis block too */
    ck_assert_uint_eq(res.n_new, N - 1);
    ck_assert_uint_eq(res.n_bad, 0);
    ck_assert_uint_eq(res.n_orphans, 0);
    ck_assert_uint_eq(res.n_skipped, 7 * N);
    ck_assert(rig_same(rig_tip(&to), rig_tip(&from)));
    ck_assert_int_eq(ptd_blockchain_import(to.c, path, &res, NULL), PTD_OK);
    ck_assert_uint_eq(res.n_new, 0);
    ck_assert_int_eq(ptd_blockchain_import(to.c, "/no/such/file", &res, NULL),
                     PTD_EIO);
    {
        atomic_bool stop = true;

        ck_assert_int_eq(ptd_blockchain_import(to.c, path, &res, &stop),
                         PTD_ECLOSED);
    }
    rig_fini(&to);
    rig_fini(&from);
}
END_TEST

START_TEST(masked_file_is_read_with_the_key_beside_it)
{
    static const uint8_t key[8] = { 9, 0, 255, 1, 2, 3, 4, 5 };
    struct ptd_import_result res;
    struct rig from, to;
    char path[128], key_path[128];
    int c;
    FILE *f;

    rig_init(&from, "regtest");
    rig_open(&from);
    rig_grow(&from, &from.params.genesis.hash, 20, 1);
    snprintf(path, sizeof path, "%s/blk00000.dat", from.blocks);
    rig_init(&to, "regtest");
    rig_open(&to);
    f = fopen(path, "r+b");
    ck_assert_ptr_nonnull(f);
    for (long at = 0; (c = fgetc(f)) != EOF; at++) {
        fseek(f, at, SEEK_SET);
        fputc(c ^ key[at % 8], f);
        fseek(f, at + 1, SEEK_SET);
    }
    fclose(f);
    ck_assert_int_eq(ptd_blockchain_import(to.c, path, &res, NULL), PTD_OK);
    ck_assert_uint_eq(res.n_blocks, 0);
    snprintf(key_path, sizeof key_path, "%s/xor.dat", from.blocks);
    f = fopen(key_path, "wb");
    ck_assert_uint_eq(fwrite(key, 1, 8, f), 8);
    fclose(f);
    ck_assert_int_eq(ptd_blockchain_import(to.c, path, &res, NULL), PTD_OK);
    ck_assert_uint_eq(res.n_new, 20);
    rig_fini(&to);
    /* Ours, with that key: read back, and written on. */
    rig_close(&from);
    from.cfg.mask_blocks = true;
    rig_open(&from);
    {
        struct ptd_hash tip = rig_tip(&from);
        char why[PTD_CHAIN_WHY_SIZE];

        rig_grow(&from, &tip, 5, 1);
        ck_assert_int_eq(ptd_blockchain_verify(from.c, 1, 0, NULL, why),
                         PTD_OK);
        ck_assert_uint_eq(ptd_blockchain_height(from.c), 25);
    }
    rig_fini(&from);
}
END_TEST

START_TEST(broken_key_beside_a_plain_file_is_none)
{
    static const size_t sizes[] = { 3, 9 };
    struct ptd_import_result res;
    struct rig from, to;
    char path[128];

    rig_init(&from, "regtest");
    rig_open(&from);
    rig_grow(&from, &from.params.genesis.hash, 4, 1);
    snprintf(path, sizeof path, "%s/bootstrap", from.dir);
    export_blocks(&from, path, 5, 1);
    rig_write(&from, "xor.dat", "no key: nine", sizes[_i]);
    rig_init(&to, "regtest");
    rig_open(&to);
    ck_assert_int_eq(ptd_blockchain_import(to.c, path, &res, NULL), PTD_OK);
    ck_assert_uint_eq(res.n_new, 4);
    rig_fini(&to);
    rig_fini(&from);
}
END_TEST

START_TEST(import_survives_lack_of_memory)
{
    enum { N = 5 };
    struct ptd_import_result res;
    struct rig from, to;
    char path[128];
    unsigned n;

    rig_init(&from, "regtest");
    rig_open(&from);
    rig_grow(&from, &from.params.genesis.hash, N - 1, 1);
    snprintf(path, sizeof path, "%s/bootstrap", from.dir);
    export_blocks(&from, path, N, N - 1);
    rig_init(&to, "regtest");
    rig_open(&to);
    for (n = 1;; n++) {
        enum ptd_err e;

        support_nth_malloc_arm(n);
        e = ptd_blockchain_import(to.c, path, &res, NULL);
        if (!support_nth_malloc_disarm()) {
            ck_assert_int_eq(e, PTD_OK);
            break;
        }
        ck_assert_int_eq(e, PTD_ENOMEM);
    }
    ck_assert_uint_gt(n, 10);
    ck_assert(rig_same(rig_tip(&to), rig_tip(&from)));
    rig_fini(&to);
    rig_fini(&from);
}
END_TEST

static void reindex(struct rig *r, uint64_t n_blocks)
{
    struct ptd_import_result res;

    ck_assert(ptd_blockchain_needs_reindex(r->c));
    ck_assert_uint_eq(ptd_blockchain_height(r->c), 0);
    ck_assert_int_eq(ptd_blockchain_reindex(r->c, &res, NULL), PTD_OK);
    ck_assert(!ptd_blockchain_needs_reindex(r->c));
    ck_assert_uint_eq(res.n_blocks, n_blocks);
}

START_TEST(reindex_finds_our_blocks_where_they_are)
{
    enum { N = 300 };
    struct ptd_chain_stats before, after;
    struct ptd_hash tip, side;
    char why[PTD_CHAIN_WHY_SIZE], command[200];
    struct ptd_block_info info;
    struct rig r;

    rig_init(&r, "regtest");
    r.cfg.fast_prune = true; /* several files */
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, N, 1);
    side = rig_grow(&r, &r.params.genesis.hash, 2, 2);
    ptd_blockchain_stats(r.c, &before);
    rig_close(&r);
    r.cfg.wipe_index = true;
    rig_open(&r);
    reindex(&r, N + 3);
    for (int again = 0; again < 2; again++) {
        ck_assert(rig_same(rig_tip(&r), tip));
        ptd_blockchain_stats(r.c, &after);
        ck_assert_uint_eq(after.size_on_disk, before.size_on_disk);
        ck_assert(ptd_blockchain_find(r.c, &info, &side));
        ck_assert(info.have_block && !info.active);
        ck_assert_int_eq(ptd_blockchain_verify(r.c, 1, 0, NULL, why), PTD_OK);
        rig_close(&r);
        r.cfg.wipe_index = false;
        rig_open(&r);
        ck_assert(!ptd_blockchain_needs_reindex(r.c));
    }
    rig_close(&r);

    /* One that was cut short is asked for again; so is one whose index is
     * gone. Blocks that come meanwhile are ignored. */
    snprintf(command, sizeof command, "rm -r %s", r.index);
    ck_assert_int_eq(system(command), 0);
    rig_open(&r);
    ck_assert(ptd_blockchain_needs_reindex(r.c));
    ck_assert(
        rig_accept(&r, rig_block(&r, &r.params.genesis.hash, 1, 1600000000, 9),
                   PTD_ACCEPT_REQUESTED)
            .ignored);
    rig_close(&r);
    rig_open(&r);
    reindex(&r, N + 3);
    ck_assert(rig_same(rig_tip(&r), tip));
    rig_grow(&r, &tip, 3, 1);
    rig_close(&r);
    rig_open(&r);
    ck_assert_uint_eq(ptd_blockchain_height(r.c), N + 3);
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

/* A part of the new index would be taken for all of it, and the blocks behind
 * it be written over. */
START_TEST(reindex_whose_end_is_cut_short_begins_again)
{
    enum { N = 2300, BETWEEN = 160000 }; /* more than one write; its bytes */
    struct ptd_import_result res;
    struct ptd_hash tip;
    struct rig r;

    rig_init(&r, "regtest");
    rig_open(&r);
    tip = rig_grow(&r, &r.params.genesis.hash, N, 1);
    rig_close(&r);
    r.cfg.wipe_index = true;
    rig_open(&r);
    r.cfg.wipe_index = false;
    limit_files(BETWEEN);
    ck_assert_int_eq(ptd_blockchain_reindex(r.c, &res, NULL), PTD_EFULL);
    ck_assert_uint_eq(res.n_blocks, N + 1);
    rig_close(&r);
    limit_files(RLIM_INFINITY);
    rig_open(&r);
    ck_assert(ptd_blockchain_needs_reindex(r.c));
    reindex(&r, N + 1);
    ck_assert(rig_same(rig_tip(&r), tip));
    rig_close(&r);
    rig_open(&r);
    ck_assert(rig_same(rig_tip(&r), tip));
    rig_fini(&r);
}
END_TEST

/* ---- the main network ----------------------------------------------- */

START_TEST(first_255_blocks_of_the_main_network_are_taken_in)
{
    static const struct ptd_hash zero;
    struct ptd_import_result res;
    struct ptd_block_info info;
    struct support_bytes blocks, headers;
    char path[128], why[PTD_CHAIN_WHY_SIZE];
    struct rig r;
    FILE *f;

    if (!support_vector(&blocks, "blocks/mainnet-1-to-255.dat"))
        return;
    ck_assert(support_vector(&headers, "headers/mainnet-0-to-10236.bin"));
    rig_init(&r, "main");
    r.params.min_chain_work = zero;
    rig_open(&r);
    snprintf(path, sizeof path, "%s/f", r.dir);
    f = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(blocks.p, 1, blocks.n, f), blocks.n);
    fclose(f);
    ck_assert_int_eq(ptd_blockchain_import(r.c, path, &res, NULL), PTD_OK);
    ck_assert_uint_eq(res.n_new, 255);
    ck_assert_uint_eq(ptd_blockchain_height(r.c), 255);
    for (uint32_t h = 0; h <= 255; h++) {
        ck_assert(ptd_blockchain_at(r.c, &info, h));
        ck_assert_mem_eq(info.header.raw, headers.p + h * 80, 80);
    }
    ck_assert_int_eq(ptd_blockchain_verify(r.c, 4, 0, NULL, why), PTD_OK);
    support_free(&blocks);
    support_free(&headers);
    rig_fini(&r);
}
END_TEST

START_TEST(real_headers_come_back_from_disk)
{
    static const struct {
        const char *net, *file;
        size_t n;
    } rows[] = { { "main", "headers/mainnet-0-to-10236.bin", 10237 },
                 { "signet", "headers/signet-0-to-2015.bin", 2016 } };
    struct ptd_headers_result res;
    struct ptd_header_info info;
    struct support_bytes file;
    struct rig r;

    if (!support_vector(&file, rows[_i].file))
        return;
    rig_init(&r, rows[_i].net);
    rig_open(&r);
    for (size_t at = 1, n; at < rows[_i].n; at += n) {
        n = PTD_MIN(rows[_i].n - at, (size_t)2000);
        ck_assert_int_eq(ptd_blockchain_add_headers(r.c, &res, file.p + at * 80,
                                                    n, PTD_FROM_STRANGER),
                         PTD_HEADER_EWORK);
        ck_assert_int_eq(ptd_blockchain_add_headers(r.c, &res, file.p + at * 80,
                                                    n, PTD_FROM_TRUSTED),
                         PTD_HEADER_OK);
    }
    /* In one list, too. */
    ck_assert_int_eq(ptd_blockchain_add_headers(r.c, &res, file.p, rows[_i].n,
                                                PTD_FROM_TRUSTED),
                     PTD_HEADER_OK);
    ck_assert_uint_eq(res.n_known, rows[_i].n);
    for (int again = 0; again < 2; again++) {
        for (size_t h = 0; h < rows[_i].n; h++) {
            ck_assert(ptd_headers_at(ptd_blockchain_headers(r.c), &info,
                                     (uint32_t)h));
            ck_assert_mem_eq(info.raw, file.p + h * 80, 80);
        }
        rig_close(&r);
        rig_open(&r);
    }
    support_free(&file);
    rig_fini(&r);
}
END_TEST

/* ---- kill ----------------------------------------------------------- */

/* Blocks beside the chain, marks by hand, pruning: each now and then. */
static void disturb(struct rig *r, const struct ptd_hash *on, uint32_t height)
{
    struct ptd_block_info info;
    uint32_t prune = height - 10;

    if (height % 5 == 0)
        rig_accept(r,
                   rig_block(r, on, height + 1,
                             r->params.genesis.time + height + 1, 2),
                   PTD_ACCEPT_REQUESTED);
    if (height % 11 == 0 && ptd_blockchain_at(r->c, &info, height - 1) &&
        (ptd_blockchain_invalidate(r->c, &info.header.hash) != PTD_OK ||
         ptd_blockchain_reconsider(r->c, &info.header.hash) != PTD_OK))
        _exit(3);
    /* Both stages are met at all sorts of moments. */
    if (height % 7 == 0 && ptd_blockchain_flush(r->c) != PTD_OK)
        _exit(4);
    if (height % 97 == 0 && ptd_blockchain_prune(r->c, &prune) != PTD_OK)
        _exit(5);
}

/* What a child asserts must not end up in the file that its parent reports
 * to, least of all half a line. */
static void leave_check(int keep)
{
    int null = open("/dev/null", O_RDWR);

    for (int fd = 3; fd < 64; fd++) {
        if (fd != keep && fd != null && fcntl(fd, F_GETFD) >= 0)
            dup2(null, fd);
    }
}

/* Accept blocks for ever, tell of each after it was accepted. */
static void accept_until_killed(struct rig *r, int to)
{
    struct ptd_hash on;
    uint32_t height;

    leave_check(to);
    rig_open(r);
    on = rig_tip(r);
    height = ptd_blockchain_height(r->c);
    for (;;) {
        struct ptd_msg *m = rig_block(r, &on, height + 1,
                                      r->params.genesis.time + height + 1, 1);
        struct ptd_block_result got = rig_accept(r, m, PTD_ACCEPT_REQUESTED);

        if (got.verdict.class != PTD_BLOCK_VALID)
            _exit(1);
        on = got.hash;
        height++;
        disturb(r, &on, height);
        if (write(to, &height, sizeof height) != sizeof height)
            _exit(2);
    }
}

/* Killed between marking a block as invalid and taking that back: take it
 * back. */
static void reconsider_all(struct rig *r)
{
    struct ptd_chain_tip *tips;
    size_t n;

    ck_assert_int_eq(ptd_blockchain_tips(r->c, &tips, &n), PTD_OK);
    for (size_t i = 0; i < n; i++) {
        if (tips[i].status == PTD_TIP_INVALID)
            ck_assert_int_eq(ptd_blockchain_reconsider(r->c, &tips[i].hash),
                             PTD_OK);
    }
    ptd_free(tips);
}

START_TEST(killed_at_any_moment_nothing_acknowledged_is_lost)
{
    enum ptd_err e;
    uint32_t told = 0;
    char why[PTD_CHAIN_WHY_SIZE];
    struct rig r;

    rig_init(&r, "regtest");
    r.cfg.fast_prune = true;
    r.cfg.prune_bytes = 1;
    for (int round = 0; round < 50; round++) {
        uint32_t height, until = told + 1 + (uint32_t)round % 29;
        int pipes[2], status;
        pid_t pid;

        ck_assert_int_eq(pipe(pipes), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            close(pipes[0]);
            accept_until_killed(&r, pipes[1]);
        }
        close(pipes[1]);
        while (told < until) {
            ck_assert_int_eq(read(pipes[0], &height, sizeof height),
                             sizeof height);
            told = height;
        }
        for (volatile int spin = 0; spin < round * 20011 % 300000; spin++)
            ; /* another moment each time */
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status));
        while (read(pipes[0], &height, sizeof height) == sizeof height)
            told = height;
        close(pipes[0]);
        rig_open(&r);
        reconsider_all(&r);
        ck_assert_uint_ge(ptd_blockchain_height(r.c), told);
        told = ptd_blockchain_height(r.c);
        e = ptd_blockchain_verify(r.c, 1, 0, NULL, why);
        ck_assert_msg(e == PTD_OK || e == PTD_EEMPTY /* pruned */, "%s", why);
        rig_close(&r);
    }
    rig_fini(&r);
}
END_TEST

Suite *suite_import(void)
{
    Suite *s = suite_create("import");
    TCase *tc = tcase_create("import");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, file_of_blocks_in_any_order_is_taken_in, 0, 3);
    tcase_add_test(tc, masked_file_is_read_with_the_key_beside_it);
    tcase_add_loop_test(tc, broken_key_beside_a_plain_file_is_none, 0, 2);
    tcase_add_test(tc, import_survives_lack_of_memory);
    tcase_add_test(tc, reindex_finds_our_blocks_where_they_are);
    tcase_add_test(tc, reindex_whose_end_is_cut_short_begins_again);
    tcase_add_test(tc, first_255_blocks_of_the_main_network_are_taken_in);
    tcase_add_loop_test(tc, real_headers_come_back_from_disk, 0, 2);
    tcase_add_test(tc, killed_at_any_moment_nothing_acknowledged_is_lost);
    suite_add_tcase(s, tc);
    return s;
}
