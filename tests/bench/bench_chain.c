/* bench_chain - headers through the checks, a chain loaded from disk, blocks
 * accepted and read back, in a folder below TMPDIR.
 *
 *     bench_chain [headers [blocks]]
 */
#include <config.h>

#include <ftw.h>
#include <string.h>

#include "bench.h"

#include "base/bytes.h"
#include "base/util.h"
#include "chain/chain.h"
#include "chain/mine.h"
#include "chain/presync.h"
#include "crypto/sha256.h"
#include "wire/codec.h"

enum { H = PTD_HEADER_BYTES, PER_MESSAGE = PTD_HEADERS_PER_MSG };

static char dir[64], blocks[80], index_dir[96];
static struct ptd_params params;

static void die(const char *what)
{
    fprintf(stderr, "bench_chain: %s\n", what);
    exit(1);
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void new_dir(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%s/bench-XXXXXX",
             tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL)
        die("no folder");
    snprintf(blocks, sizeof blocks, "%s/blocks", dir);
    snprintf(index_dir, sizeof index_dir, "%s/index", blocks);
}

static void remove_dir(void)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct ptd_blockchain *open_chain(void)
{
    struct ptd_blockchain_config cfg = { .params = &params,
                                         .blocks_dir = blocks,
                                         .index_dir = index_dir };
    char why[PTD_CHAIN_WHY_SIZE];
    struct ptd_blockchain *c;

    if (ptd_blockchain_open(&c, &cfg, why) != PTD_OK)
        die(why);
    return c;
}

/* Regtest headers, one on the other. */
static uint8_t *make_headers(size_t n)
{
    uint8_t *raw = calloc(n, H), hash[32];

    if (raw == NULL)
        die("no memory");
    memcpy(hash, params.genesis.hash.b, 32);
    for (size_t i = 0; i < n; i++) {
        uint8_t *h = raw + i * H;

        ptd_put_le32(h, 0x20000000);
        memcpy(h + 4, hash, 32);
        ptd_put_le32(h + 68, params.genesis.time + 1 + (uint32_t)i);
        ptd_put_le32(h + 72, 0x207fffff);
        do {
            ptd_put_le32(h + 76, ptd_get_le32(h + 76) + 1);
            ptd_sha256d(hash, h, H);
        } while (hash[31] > 0x7e);
    }
    return raw;
}

/* The checks alone. */
static void bench_tree(const struct ptd_params *network, const char *name,
                       const uint8_t *raw, size_t n)
{
    struct ptd_headers *t = ptd_headers_new(network, 0);
    struct ptd_headers_result res;
    struct bench_span start = bench_begin();
    char label[80];

    if (t == NULL)
        die("no memory");
    for (size_t at = 0, some; at < n; at += some) {
        some = PTD_MIN(n - at, (size_t)PER_MESSAGE);
        if (ptd_headers_add(t, &res, raw + at * H, some, 4000000000) !=
            PTD_HEADER_OK)
            die("header refused");
    }
    bench_print_rate(&start, name, (double)n);
    snprintf(label, sizeof label, "%s_memory", name);
    bench_print(label, (double)ptd_headers_bytes(t) / (double)(n + 1),
                "B/header");
    ptd_headers_free(t);
}

/* Those of the test vectors, if they are there. */
static void bench_mainnet(void)
{
    enum { N = 10236 };
    FILE *f = fopen(PTD_VECTORS_DIR "/headers/mainnet-0-to-10236.bin", "rb");
    uint8_t *raw = calloc(N + 1, H);

    if (raw == NULL)
        die("no memory");
    if (f != NULL && fread(raw, H, N + 1, f) == N + 1)
        bench_tree(ptd_params_by_name("main"), "headers_checked_mainnet",
                   raw + H, N);
    else
        fprintf(stderr, "bench_chain: no test vectors\n");
    if (f != NULL)
        fclose(f);
    free(raw);
}

static void bench_presync(const uint8_t *raw, size_t n)
{
    struct ptd_headers *t = ptd_headers_new(&params, 0);
    struct ptd_u256 wanted = ptd_u256_from_u64(2 * (uint64_t)n);
    struct ptd_header_info at_tip;
    struct bench_span start;
    struct ptd_presync_result res;
    struct ptd_presync *s;
    size_t proven = 0;

    if (t == NULL)
        die("no memory");
    ptd_headers_tip(t, &at_tip);
    s = ptd_presync_new(&params, &at_tip, &wanted, 4000000000);
    if (s == NULL)
        die("no memory");
    start = bench_begin();
    for (int pass = 0; pass < 2; pass++) {
        for (size_t at = 0, some; at < n; at += some) {
            some = PTD_MIN(n - at, (size_t)PER_MESSAGE);
            ptd_presync_add(s, &res, raw + at * H, some, true);
            proven += res.n_proven;
            if (pass == 0 && ptd_presync_state(s) != PTD_PRESYNC_FIRST)
                break;
        }
    }
    if (proven < n - 2)
        die(res.why != NULL ? res.why : "presync fell short");
    bench_print_rate(&start, "headers_presynced", (double)n);
    ptd_presync_free(s);
    ptd_headers_free(t);
}

static void bench_headers_on_disk(const uint8_t *raw, size_t n)
{
    struct ptd_headers_result res;
    struct ptd_blockchain *c;
    struct bench_span start;

    new_dir();
    c = open_chain();
    start = bench_begin();
    for (size_t at = 0, some; at < n; at += some) {
        some = PTD_MIN(n - at, (size_t)PER_MESSAGE);
        if (ptd_blockchain_add_headers(c, &res, raw + at * H, some,
                                       PTD_FROM_STRANGER) != PTD_HEADER_OK)
            die("header refused");
    }
    bench_print_rate(&start, "headers_accepted", (double)n);
    ptd_blockchain_close(c);
    start = bench_begin();
    c = open_chain();
    bench_print_rate(&start, "headers_loaded", (double)n);
    if (ptd_headers_height(ptd_blockchain_headers(c)) != n)
        die("headers were lost");
    ptd_blockchain_close(c);
    remove_dir();
}

static void bench_blocks(size_t n)
{
    static const uint8_t script[] = { 0x51 };
    struct ptd_mine_job job = { .script = script, .script_bytes = 1 };
    struct ptd_hash *hashes = calloc(n, sizeof *hashes);
    struct ptd_import_result imported;
    struct ptd_block_verdict why;
    struct ptd_blockchain *c;
    uint64_t tries = UINT64_MAX;
    char from[200];
    size_t made;
    struct bench_span start;

    if (hashes == NULL)
        die("no memory");
    new_dir();
    c = open_chain();
    start = bench_begin();
    if (ptd_mine_generate(c, hashes, &made, &why, n, &job, &tries, NULL) !=
        PTD_OK)
        die(why.reason);
    bench_print_rate(&start, "blocks_mined", (double)n);
    start = bench_begin();
    for (size_t i = 0; i < n; i++) {
        struct ptd_buf *buf;
        size_t bytes;

        if (ptd_blockchain_read(c, &buf, &bytes, &hashes[i], NULL) != PTD_OK)
            die("block lost");
        ptd_buf_free(buf);
    }
    bench_print_rate(&start, "blocks_read", (double)n);
    ptd_blockchain_close(c);
    start = bench_begin();
    c = open_chain();
    bench_print_rate(&start, "blocks_loaded", (double)n);
    ptd_blockchain_close(c);

    /* The same file for another chain. */
    snprintf(from, sizeof from, "%s/blk00000.dat", blocks);
    {
        char old[64], at[200];

        snprintf(old, sizeof old, "%s", dir);
        snprintf(at, sizeof at, "%s", from);
        new_dir();
        c = open_chain();
        start = bench_begin();
        if (ptd_blockchain_import(c, at, &imported, NULL) != PTD_OK ||
            imported.n_new != n)
            die("import");
        bench_print_rate(&start, "blocks_accepted", (double)n);
        ptd_blockchain_close(c);
        remove_dir();
        snprintf(dir, sizeof dir, "%s", old);
        remove_dir();
    }
    free(hashes);
}

int main(int argc, char **argv)
{
    size_t n_headers = argc > 1 ? strtoul(argv[1], NULL, 10) : 500000;
    size_t n_blocks = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
    uint8_t *raw;

    if (n_headers == 0 || n_blocks == 0)
        die("usage: bench_chain [headers [blocks]]");
    params = *ptd_params_by_name("regtest");
    raw = make_headers(n_headers);
    bench_tree(&params, "headers_checked", raw, n_headers);
    bench_mainnet();
    bench_presync(raw, n_headers);
    bench_headers_on_disk(raw, n_headers);
    free(raw);
    bench_blocks(n_blocks);
    return 0;
}
