/* Files of the chain: blocks, the index's journal. Addresses and descriptors
 * as text. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/util.h"
#include "chain/bech32.h"
#include "chain/blockfile.h"
#include "chain/journal.h"
#include "chain/script_addr.h"
#include "crypto/siphash.h"
#include "pentad/params.h"
#include "pentad/wire.h"
#include "target.h"

static const struct ptd_params *regtest(void)
{
    return ptd_params_of(PTD_CHAIN_REGTEST);
}

/* ---- blk*.dat -------------------------------------------------------- */

static bool is_block(const uint8_t *p, size_t n)
{
    const struct ptd_codec cx = { .pver = PTD_PVER_WTXIDRELAY,
                                  .encoding = PTD_ENC_WITNESS,
                                  .strict = true };
    struct ptd_msg *m;

    if (ptd_msg_decode(&m, PTD_MSG_BLOCK, p, n, &cx, NULL) != PTD_OK)
        return false;
    ptd_msg_free(m);
    return true;
}

/* Every byte is of a block, or skipped. The first of an input: is there a
 * key? */
static void run_blockfile(const uint8_t *data, size_t size)
{
    static const struct ptd_blockkey keys[2] = {
        { .is = false }, { true, { 1, 2, 3, 4, 5, 6 } }
    };
    struct ptd_blockreader *r;
    uint64_t offset, used = 0;
    const uint8_t *block;
    enum ptd_err e;
    size_t n;

    if (size == 0)
        return;
    PTD_ASSERT(ptd_blockreader_open(&r, fuzz_file(data + 1, size - 1),
                                    regtest(), &keys[data[0] & 1]) == PTD_OK);
    while ((e = ptd_blockreader_next(r, &block, &n, &offset)) == PTD_OK) {
        PTD_ASSERT(n >= PTD_BLOCK_MIN_BYTES && offset + n <= size - 1);
        PTD_ASSERT(offset >= PTD_BLOCKFILE_FRAME_BYTES);
        if (is_block(block, n))
            used += PTD_BLOCKFILE_FRAME_BYTES + n;
        else
            ptd_blockreader_retry(r);
    }
    PTD_ASSERT(e == PTD_EEOF);
    PTD_ASSERT(used + ptd_blockreader_skipped(r) == size - 1);
    ptd_blockreader_close(r);
}

static size_t frame(uint8_t *out, bool has_key)
{
    uint8_t *block = out + PTD_BLOCKFILE_FRAME_BYTES;
    size_t n = ptd_params_genesis_block(regtest(), block);

    memcpy(out, regtest()->magic, 4);
    ptd_put_le32(out + 4, (uint32_t)n);
    n += PTD_BLOCKFILE_FRAME_BYTES;
    for (size_t i = 0; has_key && i < n; i++)
        out[i] ^= (uint8_t)(i % 8 < 6 ? i % 8 + 1 : 0);
    return n;
}

static void seeds_blockfile(fuzz_seed_fn *fn, void *arg)
{
    uint8_t seed[2 * PTD_GENESIS_MAX_BYTES + 64] = { 0 };
    size_t n = 1 + frame(seed + 1, false);

    fn(arg, seed, n);
    n += 3; /* zeros between two blocks */
    n += frame(seed + n, false);
    fn(arg, seed, n);
    seed[0] = 1;
    fn(arg, seed, 1 + frame(seed + 1, true));
}

const struct fuzz_target fuzz_blockfile = { "blockfile", run_blockfile,
                                            seeds_blockfile };

/* ---- journal --------------------------------------------------------- */

enum { HEAD_BYTES = 20, ENTRY_BYTES = 4 + PTD_RECORD_BYTES };

/* journal.c has the form. */
void fuzz_journal_sums(uint8_t *p, size_t n)
{
    while (n >= HEAD_BYTES) {
        uint32_t records = ptd_get_le32(p + 4);
        bool meta = ptd_get_le32(p + 8) != 0;
        size_t bytes = HEAD_BYTES + (size_t)records * ENTRY_BYTES +
                       (meta ? PTD_META_BYTES : 0);

        if (bytes > n)
            return;
        ptd_put_le64(p + 12,
                     ptd_siphash24(ptd_get_le64(p) ^ ptd_get_le32(p + 8), bytes,
                                   p + HEAD_BYTES, bytes - HEAD_BYTES));
        p += bytes;
        n -= bytes;
    }
}

/* What is read comes out as it went in. */
static enum ptd_err visit(void *arg, uint32_t id, const uint8_t *record,
                          const uint8_t *meta)
{
    size_t *bytes = arg;
    struct ptd_index_record r;
    struct ptd_index_meta m;
    uint8_t out[PTD_RECORD_BYTES];

    PTD_ASSERT((record != NULL) != (meta != NULL));
    if (record != NULL) {
        ptd_record_decode(&r, id, record);
        ptd_record_encode(&r, out);
        PTD_ASSERT(memcmp(out, record, sizeof out) == 0);
        *bytes += ENTRY_BYTES;
    } else {
        if (ptd_meta_decode(&m, meta)) {
            ptd_meta_encode(&m, out);
            PTD_ASSERT(memcmp(out, meta, PTD_META_BYTES - 4) == 0);
        }
        *bytes += PTD_META_BYTES;
    }
    return PTD_OK;
}

static void run_journal(const uint8_t *data, size_t size)
{
    uint8_t *file = malloc(size > 0 ? size : 1);
    struct ptd_journal *j;
    size_t bytes = 0;

    PTD_ASSERT(file != NULL);
    if (size > 0)
        memcpy(file, data, size);
    fuzz_journal_sums(file, size);
    PTD_ASSERT(ptd_journal_open(&j, fuzz_file(file, size)) == PTD_OK);
    PTD_ASSERT(ptd_journal_bytes(j) == size);
    PTD_ASSERT(ptd_journal_replay(j, visit, &bytes) == PTD_OK);
    PTD_ASSERT(bytes <= size);
    PTD_ASSERT(ptd_journal_clear(j) == PTD_OK);
    ptd_journal_close(j);
    free(file);
}

static void seeds_journal(fuzz_seed_fn *fn, void *arg)
{
    struct ptd_index_record r[2] = {
        { .id = 0, .parent = UINT32_MAX, .version = 1, .bits = 0x207fffff },
        { .id = 1, .version = 4, .time = 7, .status = 3, .bytes = 200 },
    };
    struct ptd_index_meta meta = { .tip = 1, .synced_end = 300 };
    const char *path = fuzz_file("", 0);
    struct ptd_journal *j;
    uint8_t *bytes;
    size_t n;

    PTD_ASSERT(ptd_journal_open(&j, path) == PTD_OK);
    PTD_ASSERT(ptd_journal_append(j, r, 1, NULL) == PTD_OK);
    PTD_ASSERT(ptd_journal_append(j, r + 1, 1, &meta) == PTD_OK);
    PTD_ASSERT(ptd_journal_append(j, r, 0, &meta) == PTD_OK);
    ptd_journal_close(j);
    PTD_ASSERT(ptd_file_read(&bytes, &n, path, 4096) == PTD_OK);
    fn(arg, bytes, n);
    ptd_free(bytes);
}

const struct fuzz_target fuzz_journal = { "journal", run_journal,
                                          seeds_journal };

/* ---- addresses ------------------------------------------------------- */

static void check_script(const struct ptd_params *params, const uint8_t *script,
                         size_t n)
{
    char address[PTD_ADDRESS_SIZE];
    struct ptd_script again;

    PTD_ASSERT(ptd_script_type(script, n)[0] != '\0');
    if (!ptd_address_encode(address, params, script, n))
        return;
    PTD_ASSERT(ptd_address_decode(&again, params, address, NULL) == PTD_OK);
    PTD_ASSERT(again.n == n && memcmp(again.b, script, n) == 0);
}

static void locate(const char *text)
{
    int place[8];
    size_t n = 0, size = strlen(text);

    (void)ptd_bech32_locate_errors(place, &n, PTD_COUNT(place), text);
    PTD_ASSERT(n <= PTD_COUNT(place));
    for (size_t i = 0; i < n; i++)
        PTD_ASSERT(place[i] >= 0 && (size_t)place[i] < size);
}

static void check_descriptor(const struct ptd_params *params, const char *text)
{
    char why[PTD_ADDRESS_WHY_SIZE], sum[PTD_DESCRIPTOR_SUM_SIZE];
    uint8_t *script;
    size_t n;

    if (ptd_descriptor_decode(&script, &n, params, text, why) == PTD_OK) {
        check_script(params, script, n);
        PTD_ASSERT(ptd_descriptor_checksum(sum, text, strlen(text)));
        ptd_free(script);
    } else {
        PTD_ASSERT(why[0] != '\0' && strlen(why) < sizeof why);
    }
}

static void parse(const struct ptd_params *params, const char *text)
{
    char why[PTD_ADDRESS_WHY_SIZE];
    struct ptd_script s;

    if (ptd_address_decode(&s, params, text, why) == PTD_OK)
        check_script(params, s.b, s.n);
    else
        PTD_ASSERT(why[0] != '\0' && strlen(why) < sizeof why);
    check_descriptor(params, text);
}

/* The first byte: network, whether a script or a text follows, and whether its
 * errors are searched, which takes long. Check sums are out of a fuzzer's
 * reach; a script leads to texts that have them. */
static void run_address(const uint8_t *data, size_t size)
{
    const struct ptd_params *params;
    char *text;

    if (size == 0)
        return;
    params = ptd_params_of(data[0] & 1 ? PTD_CHAIN_MAIN : PTD_CHAIN_REGTEST);
    if (data[0] & 2) {
        check_script(params, data + 1, size - 1);
    } else if ((text = fuzz_text(data + 1, size - 1)) != NULL) {
        if (data[0] & 4)
            locate(text);
        else
            parse(params, text);
        free(text);
    }
}

static void seed_of_script(fuzz_seed_fn *fn, void *arg, const char *head,
                           size_t n_head, size_t n)
{
    const struct ptd_params *params = ptd_params_of(PTD_CHAIN_MAIN);
    uint8_t seed[1 + PTD_SCRIPT_ADDR_MAX] = { 3 };
    char text[1 + PTD_ADDRESS_SIZE] = "1";

    memset(seed + 1, 0x5a, n);
    memcpy(seed + 1, head, n_head);
    if (n == 25)
        memcpy(seed + 1 + 23, "\x88\xac", 2);
    if (n == 23)
        seed[1 + 22] = 0x87;
    fn(arg, seed, 1 + n);
    PTD_ASSERT(ptd_address_encode(text + 1, params, seed + 1, n));
    fn(arg, (const uint8_t *)text, strlen(text));
}

static void seeds_address(fuzz_seed_fn *fn, void *arg)
{
    static const char *const texts[] = {
        "0raw(51)",
        "0raw(76a914)#abcdefgh",
        "1addr(1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2)",
        "1BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "0bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kyg7zzu",
        "4bc1qw508d6qejxtdg4y5r3zarvarz0c5xw7kv8f3t4",
    };

    seed_of_script(fn, arg, "\x76\xa9\x14", 3, 25);
    seed_of_script(fn, arg, "\xa9\x14", 2, 23);
    seed_of_script(fn, arg, "\x00\x14", 2, 22);
    seed_of_script(fn, arg, "\x00\x20", 2, 34);
    seed_of_script(fn, arg, "\x51\x20", 2, 34);
    fuzz_give_texts(fn, arg, texts, PTD_COUNT(texts));
}

const struct fuzz_target fuzz_address = { "address", run_address,
                                          seeds_address };
