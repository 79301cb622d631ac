#include <config.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/util.h"
#include "chain/blockfile.h"
#include "chain/index.h"
#include "check_chain.h"
#include "rig.h"

/* ---- block files ---------------------------------------------------- */

static struct ptd_blockfiles *open_keyed(struct rig *r, uint32_t max,
                                         uint32_t prealloc, const char *key)
{
    struct ptd_blockfiles_config cfg = { .dir = r->dir,
                                         .params = &r->params,
                                         .max_bytes = max,
                                         .prealloc_bytes = prealloc };
    struct ptd_blockfiles *f;

    if (key != NULL) {
        memcpy(cfg.key.b, key, sizeof cfg.key.b);
        cfg.key.is = true;
    }
    ck_assert_int_eq(ptd_blockfiles_open(&f, &cfg), PTD_OK);
    return f;
}

static struct ptd_blockfiles *open_files(struct rig *r, uint32_t max,
                                         uint32_t prealloc)
{
    return open_keyed(r, max, prealloc, NULL);
}

static void fill(uint8_t *p, size_t n, unsigned salt)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 7 + salt);
}

static const struct {
    const char *key;
    uint32_t prealloc;
} kinds[] = { { NULL, 0 }, { NULL, 4096 }, { "\1\2\3\4\5\6\7\xff", 0 } };

START_TEST(blocks_come_back_from_their_places)
{
    enum { N = 200, SIZE = 1000 };
    struct ptd_blockpos pos[N];
    uint8_t block[SIZE], header[80];
    struct ptd_blockfiles *f;
    struct ptd_buf *buf;
    struct rig r;
    size_t n;

    rig_init(&r, "regtest");
    f = open_keyed(&r, PTD_BLOCKFILE_FAST_BYTES, kinds[_i].prealloc,
                   kinds[_i].key);
    for (unsigned i = 0; i < N; i++) {
        fill(block, SIZE, i);
        ck_assert_int_eq(ptd_blockfiles_append(f, &pos[i], block, SIZE - i),
                         PTD_OK);
    }
    ck_assert_int_eq(ptd_blockfiles_sync(f), PTD_OK);
    ck_assert_uint_ge(pos[N - 1].file, 2);
    for (unsigned i = 0; i < N; i++) {
        fill(block, SIZE, i);
        ck_assert_int_eq(ptd_blockfiles_read(f, &buf, &n, &pos[i], NULL),
                         PTD_OK);
        ck_assert_uint_eq(n, SIZE - i);
        ck_assert_mem_eq(buf->data, block, n);
        ptd_buf_free(buf);
        ck_assert_int_eq(ptd_blockfiles_read_header(f, header, &pos[i]),
                         PTD_OK);
        ck_assert_mem_eq(header, block, 80);
        ck_assert_uint_le(pos[i].offset + pos[i].bytes,
                          PTD_BLOCKFILE_FAST_BYTES);
    }
    ck_assert_int_eq(ptd_blockfiles_remove(f, 0), PTD_OK);
    ck_assert_int_eq(ptd_blockfiles_remove(f, 0), PTD_OK);
    ck_assert_int_eq(ptd_blockfiles_read(f, &buf, &n, &pos[0], NULL),
                     PTD_ENOTFOUND);
    ptd_blockfiles_close(f);
    rig_fini(&r);
}
END_TEST

/* Of all sizes about that of the pieces in which they are masked. */
START_TEST(large_blocks_are_masked_too)
{
    enum { PIECE = 256 << 10, SIZE = 2 * PIECE + 100 };
    static const int off[] = { -9, -8, -7, -1, 0, 1 };
    static const int pieces[] = { 1, 2 };
    struct ptd_blockfiles *f;
    struct ptd_blockpos pos;
    uint8_t *block = malloc(SIZE);
    struct ptd_buf *buf;
    struct rig r;
    size_t n;

    ck_assert_ptr_nonnull(block);
    rig_init(&r, "regtest");
    f = open_keyed(&r, 0, 0, "\1\2\3\4\5\6\7\xff");
    for (size_t i = 0; i < PTD_COUNT(off); i++) {
        for (size_t k = 0; k < PTD_COUNT(pieces); k++) {
            size_t size = (size_t)(pieces[k] * PIECE + off[i]);

            fill(block, size, (unsigned)i);
            ck_assert_int_eq(ptd_blockfiles_append(f, &pos, block, size),
                             PTD_OK);
            ck_assert_int_eq(ptd_blockfiles_read(f, &buf, &n, &pos, NULL),
                             PTD_OK);
            ck_assert_uint_eq(n, size);
            ck_assert_mem_eq(buf->data, block, n);
            ptd_buf_free(buf);
        }
    }
    ptd_blockfiles_close(f);
    free(block);
    rig_fini(&r);
}
END_TEST

START_TEST(wrong_places_are_refused)
{
    struct ptd_blockpos pos, wrong;
    struct ptd_blockfiles *f;
    struct ptd_buf *buf;
    uint8_t block[500];
    struct rig r;
    size_t n;

    rig_init(&r, "regtest");
    f = open_files(&r, 0, 0);
    fill(block, sizeof block, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ptd_blockfiles_append(f, &pos, block, sizeof block),
                         PTD_OK);
    wrong = pos;
    wrong.offset--;
    ck_assert_int_eq(ptd_blockfiles_read(f, &buf, &n, &wrong, NULL),
                     PTD_EMAGIC);
    wrong = pos;
    wrong.bytes--;
    ck_assert_int_eq(ptd_blockfiles_read(f, &buf, &n, &wrong, NULL),
                     PTD_EMAGIC);
    wrong.bytes = 501;
    ck_assert_int_eq(ptd_blockfiles_read(f, &buf, &n, &wrong, NULL),
                     PTD_ESHORT);
    wrong.bytes = UINT32_MAX;
    ck_assert_int_eq(ptd_blockfiles_read(f, &buf, &n, &wrong, NULL),
                     PTD_EMAGIC);
    wrong = (struct ptd_blockpos){ 0, 3, 500 };
    ck_assert_int_eq(ptd_blockfiles_read(f, &buf, &n, &wrong, NULL),
                     PTD_EMAGIC);
    wrong = (struct ptd_blockpos){ 7, 8, 500 };
    ck_assert_int_eq(ptd_blockfiles_read(f, &buf, &n, &wrong, NULL),
                     PTD_ENOTFOUND);
    ptd_blockfiles_close(f);
    rig_fini(&r);
}
END_TEST

START_TEST(full_disk_is_told_and_leaves_the_end)
{
    struct rlimit limit = { 1200, RLIM_INFINITY };
    struct ptd_blockpos pos, again;
    struct ptd_blockfiles *f;
    uint8_t block[500];
    struct rig r;

    rig_init(&r, "regtest");
    f = open_files(&r, 0, 0);
    fill(block, sizeof block, 1);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ptd_blockfiles_append(f, &pos, block, sizeof block),
                         PTD_OK);
    ck_assert_int_eq(ptd_blockfiles_append(f, &again, block, sizeof block),
                     PTD_EFULL);
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(ptd_blockfiles_append(f, &again, block, sizeof block),
                     PTD_OK);
    ck_assert_uint_eq(again.offset, pos.offset + 508);
    ptd_blockfiles_close(f);
    rig_fini(&r);
}
END_TEST

/* ---- reading from front to back ------------------------------------- */

static size_t frame(uint8_t *out, const struct rig *r, uint32_t size,
                    unsigned salt)
{
    memcpy(out, r->params.magic, 4);
    ptd_put_le32(out + 4, size);
    fill(out + 8, size, salt);
    return 8 + size;
}

START_TEST(reader_finds_blocks_among_rubbish)
{
    uint8_t *file = malloc(100000), want[300];
    struct ptd_blockreader *b;
    const uint8_t *block;
    char path[128];
    uint64_t offset;
    struct rig r;
    size_t n = 0, size;

    ck_assert_ptr_nonnull(file);
    rig_init(&r, "regtest");
    memset(file, 0, 100000);
    n += 13; /* zeros */
    n += frame(file + n, &r, 300, 1);
    memcpy(file + n, r.params.magic, 4); /* a magic and a wrong length */
    ptd_put_le32(file + n + 4, 5000000);
    n += 8;
    memcpy(file + n, r.params.magic, 3); /* three bytes of one */
    n += 3;
    n += frame(file + n, &r, 81, 2);
    n += frame(file + n, &r, 200, 3);    /* what follows directly */
    memcpy(file + n, r.params.magic, 4); /* cut off */
    ptd_put_le32(file + n + 4, 300);
    n += 100;
    rig_write(&r, "f", file, n);
    snprintf(path, sizeof path, "%s/f", r.dir);
    ck_assert_int_eq(ptd_blockreader_open(&b, path, &r.params, NULL), PTD_OK);
    ck_assert_int_eq(ptd_blockreader_next(b, &block, &size, &offset), PTD_OK);
    ck_assert_uint_eq(size, 300);
    ck_assert_uint_eq(offset, 21);
    fill(want, 300, 1);
    ck_assert_mem_eq(block, want, 300);
    ck_assert_int_eq(ptd_blockreader_next(b, &block, &size, &offset), PTD_OK);
    ck_assert_uint_eq(size, 81);
    ck_assert_int_eq(ptd_blockreader_next(b, &block, &size, &offset), PTD_OK);
    ck_assert_uint_eq(size, 200);
    ck_assert_int_eq(ptd_blockreader_next(b, &block, &size, &offset), PTD_EEOF);
    ck_assert_uint_eq(ptd_blockreader_skipped(b), n - 308 - 89 - 208);
    ptd_blockreader_close(b);
    free(file);
    rig_fini(&r);
}
END_TEST

/* A frame that holds no block hides another one. */
START_TEST(reader_looks_again_behind_a_false_block)
{
    uint8_t file[1000];
    struct ptd_blockreader *b;
    const uint8_t *block;
    char path[128];
    uint64_t offset;
    struct rig r;
    size_t n, size;

    rig_init(&r, "regtest");
    n = frame(file, &r, 500, 1);
    frame(file + 108, &r, 90, 2);
    rig_write(&r, "f", file, n);
    snprintf(path, sizeof path, "%s/f", r.dir);
    ck_assert_int_eq(ptd_blockreader_open(&b, path, &r.params, NULL), PTD_OK);
    ck_assert_int_eq(ptd_blockreader_next(b, &block, &size, &offset), PTD_OK);
    ck_assert_uint_eq(size, 500);
    ptd_blockreader_retry(b);
    ck_assert_int_eq(ptd_blockreader_next(b, &block, &size, &offset), PTD_OK);
    ck_assert_uint_eq(size, 90);
    ck_assert_uint_eq(offset, 116);
    ck_assert_int_eq(ptd_blockreader_next(b, &block, &size, &offset), PTD_EEOF);
    ptd_blockreader_close(b);
    snprintf(path, sizeof path, "%s/none", r.dir);
    ck_assert_int_eq(ptd_blockreader_open(&b, path, &r.params, NULL), PTD_EIO);
    rig_fini(&r);
}
END_TEST

/* ---- index ---------------------------------------------------------- */

struct walk {
    uint32_t n;
    uint32_t status[64];
};

static enum ptd_err visit(void *arg, const struct ptd_index_record *r)
{
    struct walk *w = arg;

    ck_assert_uint_eq(r->id, w->n);
    ck_assert_uint_eq(r->time, r->id * 3);
    ck_assert_uint_eq(r->merkle_root.b[31], r->id);
    ck_assert_int_eq(r->version, -5);
    w->status[w->n++] = r->status;
    return PTD_OK;
}

static struct ptd_index_record record(uint32_t id, uint32_t status)
{
    struct ptd_index_record r = { .id = id,
                                  .parent = id - 1,
                                  .version = -5,
                                  .time = id * 3,
                                  .status = status };

    r.merkle_root.b[31] = (uint8_t)id;
    return r;
}

START_TEST(index_keeps_what_was_put)
{
    struct ptd_index_record rec[20];
    struct ptd_index_meta meta = { .magic = { 1, 2, 3, 4 }, .tip = 9 }, got;
    struct ptd_index *x;
    struct walk w;
    char why[200];
    struct rig r;

    rig_init(&r, "regtest");
    for (uint32_t i = 0; i < 20; i++)
        rec[i] = record(i, 1);
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_OK);
    ck_assert(!ptd_index_meta(x, &got));
    ck_assert_int_eq(ptd_index_put(x, rec, 15, NULL), PTD_OK);
    if (_i & 1)
        ck_assert_int_eq(ptd_index_commit(x), PTD_OK);
    rec[3].status = 7;
    ck_assert_int_eq(ptd_index_put(x, &rec[3], 1, &meta), PTD_OK);
    if (_i & 2)
        ck_assert_int_eq(ptd_index_commit(x), PTD_OK);
    ck_assert_int_eq(ptd_index_put(x, &rec[15], 5, NULL), PTD_OK);
    ck_assert_uint_eq(ptd_index_count(x), 20);
    ck_assert_uint_gt(ptd_index_pending_bytes(x), 0);
    ptd_index_close(x); /* as if killed */
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_OK);
    ck_assert_uint_eq(ptd_index_count(x), 20);
    ck_assert_uint_eq(ptd_index_pending_bytes(x), 0);
    ck_assert(ptd_index_meta(x, &got));
    ck_assert_uint_eq(got.tip, 9);
    w.n = 0;
    ck_assert_int_eq(ptd_index_walk(x, visit, &w), PTD_OK);
    ck_assert_uint_eq(w.n, 20);
    ck_assert_uint_eq(w.status[3], 7);
    ck_assert_uint_eq(w.status[4], 1);
    ptd_index_close(x);
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, true, why, sizeof why),
                     PTD_OK);
    ck_assert_uint_eq(ptd_index_count(x), 0);
    ck_assert(!ptd_index_meta(x, &got));
    ptd_index_close(x);
    rig_fini(&r);
}
END_TEST

/* Whatever length a crash leaves the journal at: whole groups count. */
START_TEST(cut_journal_gives_whole_groups)
{
    enum { GROUPS = 5 };
    struct ptd_index_record rec[GROUPS];
    struct ptd_index *x;
    char why[200], path[128], keep[128], seal[128];
    uint8_t journal[4096];
    struct stat st;
    struct rig r;
    FILE *f;

    rig_init(&r, "regtest");
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_OK);
    for (uint32_t i = 0; i < GROUPS; i++) {
        rec[i] = record(i, 1);
        ck_assert_int_eq(ptd_index_put(x, &rec[i], 1, NULL), PTD_OK);
    }
    ptd_index_close(x);
    snprintf(path, sizeof path, "%s/journal", r.blocks);
    snprintf(keep, sizeof keep, "%s/data.mdb", r.blocks);
    snprintf(seal, sizeof seal, "%s/seal", r.blocks);
    ck_assert_int_eq(stat(path, &st), 0);
    f = fopen(path, "rb");
    ck_assert_uint_eq(fread(journal, 1, sizeof journal, f), (size_t)st.st_size);
    fclose(f);
    for (size_t n = 0; n <= (size_t)st.st_size; n += 3) {
        struct walk w = { 0 };

        unlink(keep);
        unlink(seal);
        f = fopen(path, "wb");
        ck_assert_uint_eq(fwrite(journal, 1, n, f), n);
        fclose(f);
        ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                         PTD_OK);
        ck_assert_uint_eq(ptd_index_count(x),
                          n / ((size_t)st.st_size / GROUPS));
        ck_assert_int_eq(ptd_index_walk(x, visit, &w), PTD_OK);
        ptd_index_close(x);
    }
    rig_fini(&r);
}
END_TEST

START_TEST(index_grows_beyond_its_first_map)
{
    enum { N = 1000000, SOME = 100000 };
    struct ptd_index_record *rec = calloc(SOME, sizeof *rec);
    struct ptd_index *x;
    char why[200];
    struct rig r;

    ck_assert_ptr_nonnull(rec);
    rig_init(&r, "regtest");
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_OK);
    for (uint32_t at = 0; at < N; at += SOME) {
        for (uint32_t i = 0; i < SOME; i++)
            rec[i] = record(at + i, 1);
        ck_assert_int_eq(ptd_index_put(x, rec, SOME, NULL), PTD_OK);
    }
    ck_assert_int_eq(ptd_index_commit(x), PTD_OK);
    ck_assert_uint_eq(ptd_index_count(x), N);
    ptd_index_close(x);
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_OK);
    ck_assert_uint_eq(ptd_index_count(x), N);
    ptd_index_close(x);
    free(rec);
    rig_fini(&r);
}
END_TEST

/* Flip a bit of a file. */
static void flip(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    int c;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
    c = fgetc(f);
    ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
    fputc(c ^ 16, f);
    fclose(f);
}

/* LMDB itself would not notice, or die of it. */
START_TEST(bit_that_flipped_while_nobody_looked_is_found)
{
    struct ptd_index_record rec[300];
    struct ptd_index *x;
    char why[200], path[128], seal[128];
    struct stat st;
    struct rig r;

    rig_init(&r, "regtest");
    for (uint32_t i = 0; i < 300; i++)
        rec[i] = record(i, 1);
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_OK);
    ck_assert_int_eq(ptd_index_put(x, rec, 300, NULL), PTD_OK);
    ck_assert_int_eq(ptd_index_commit(x), PTD_OK);
    ptd_index_close(x);
    snprintf(path, sizeof path, "%s/data.mdb", r.blocks);
    snprintf(seal, sizeof seal, "%s/seal", r.blocks);
    ck_assert_int_eq(stat(path, &st), 0);
    for (long at = 0; at < (long)st.st_size; at += 97) {
        flip(path, at);
        ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                         PTD_EBADVALUE);
        flip(path, at);
    }
    flip(seal, 3);
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_EBADVALUE);
    flip(seal, 3);
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_OK);
    ck_assert_uint_eq(ptd_index_count(x), 300);
    /* While it is open there is none, nor with something in the journal. */
    ck_assert_int_ne(stat(seal, &st), 0);
    ck_assert_int_eq(ptd_index_put(x, rec, 1, NULL), PTD_OK);
    ptd_index_close(x);
    ck_assert_int_ne(stat(seal, &st), 0);
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_OK);
    ptd_index_close(x);
    rig_fini(&r);
}
END_TEST

START_TEST(damaged_index_is_refused)
{
    struct ptd_index_record rec = record(0, 1);
    struct ptd_index *x;
    char why[200], path[128];
    struct stat st;
    struct rig r;

    rig_init(&r, "regtest");
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_OK);
    ck_assert_int_eq(ptd_index_put(x, &rec, 1, NULL), PTD_OK);
    ck_assert_int_eq(ptd_index_commit(x), PTD_OK);
    ptd_index_close(x);
    snprintf(path, sizeof path, "%s/seal", r.blocks);
    ck_assert_int_eq(unlink(path), 0); /* as after a crash */
    snprintf(path, sizeof path, "%s/data.mdb", r.blocks);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size - 4096), 0);
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_EBADVALUE);
    ck_assert_ptr_nonnull(strstr(why, r.blocks));
    /* Nor is it one. */
    {
        FILE *f = fopen(path, "wb");

        for (int i = 0; i < 3000; i++)
            fputs("no index", f);
        fclose(f);
    }
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, false, why, sizeof why),
                     PTD_EBADVALUE);
    ck_assert_int_eq(ptd_index_open(&x, r.blocks, true, why, sizeof why),
                     PTD_OK);
    ptd_index_close(x);
    ck_assert_int_eq(
        ptd_index_open(&x, "/proc/none/such", false, why, sizeof why), PTD_EIO);
    rig_fini(&r);
}
END_TEST

Suite *suite_files(void)
{
    Suite *s = suite_create("files");
    TCase *tc = tcase_create("files");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, blocks_come_back_from_their_places, 0,
                        PTD_COUNT(kinds));
    tcase_add_test(tc, large_blocks_are_masked_too);
    tcase_add_test(tc, wrong_places_are_refused);
    tcase_add_test(tc, full_disk_is_told_and_leaves_the_end);
    tcase_add_test(tc, reader_finds_blocks_among_rubbish);
    tcase_add_test(tc, reader_looks_again_behind_a_false_block);
    tcase_add_loop_test(tc, index_keeps_what_was_put, 0, 4);
    tcase_add_test(tc, cut_journal_gives_whole_groups);
    tcase_add_test(tc, index_grows_beyond_its_first_map);
    tcase_add_test(tc, bit_that_flipped_while_nobody_looked_is_found);
    tcase_add_test(tc, damaged_index_is_refused);
    suite_add_tcase(s, tc);
    return s;
}
