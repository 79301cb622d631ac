/* What the address manager reads: peers.dat, anchors.dat, maps of autonomous
 * systems. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "addrmgr/addrmgr.h"
#include "addrmgr/asmap.h"
#include "addrmgr/netgroup.h"
#include "addrmgr/peersfile.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/util.h"
#include "crypto/sha256.h"
#include "pentad/clock.h"
#include "target.h"

static const uint8_t magic[4] = { 0xfa, 0xbf, 0xb5, 0xda };

/* ---- addresses to put in --------------------------------------------- */

static struct ptd_addr_entry entry_of(const char *text, unsigned i)
{
    struct ptd_addr_entry e = { .time = 1700000000 + i, .services = 1 + i };

    PTD_ASSERT(ptd_netaddr_parse(&e.na, text, 8333) == PTD_OK);
    return e;
}

static const char *const texts[] = {
    "8.8.8.8",
    "9.9.9.9:18444",
    "[2001:4860:4860::8888]:8333",
    "[2a00:1450::1]:1",
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333",
    "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:0",
    "[fc00::7]:8333",
};

/* ---- peers.dat ------------------------------------------------------- */

static struct ptd_clock *stopped_clock(void)
{
    static struct ptd_clock *clk;

    if (clk == NULL) {
        clk = ptd_clock_new();
        PTD_ASSERT(clk != NULL);
        ptd_clock_set_wall_us(clk, INT64_C(1700100000) * 1000000);
    }
    return clk;
}

static struct ptd_addrmgr *new_manager(void)
{
    struct ptd_addrmgr_config cfg = { .clock = stopped_clock(),
                                      .deterministic = true };
    struct ptd_addrmgr *m = ptd_addrmgr_new(&cfg);

    PTD_ASSERT(m != NULL);
    return m;
}

static size_t n_of(struct ptd_addrmgr *m)
{
    return ptd_addrmgr_size(m, PTD_NET_NONE, PTD_ADDRMGR_BOTH);
}

/* What was loaded is sound, and can be written and loaded once more. */
static void write_and_load(struct ptd_addrmgr *m)
{
    struct ptd_addrmgr *again = new_manager();
    char why[PTD_ADDRMGR_WHY];
    uint8_t *bytes;
    size_t n;

    PTD_ASSERT(ptd_addrmgr_check(m) == 0);
    PTD_ASSERT(ptd_addrmgr_encode(m, &bytes, &n, magic) == PTD_OK);
    PTD_ASSERT(ptd_addrmgr_decode(again, why, bytes, n, magic) == PTD_OK);
    PTD_ASSERT(n_of(again) == n_of(m));
    PTD_ASSERT(ptd_addrmgr_check(again) == 0);
    ptd_free(bytes);
    ptd_addrmgr_free(again);
}

/* One manager for all inputs: each is loaded over the one before it. */
static struct ptd_addrmgr *manager(void)
{
    static struct ptd_addrmgr *m;

    if (m == NULL)
        m = new_manager();
    return m;
}

/* The check sum is no obstacle to whoever wrote the file: it is added. */
static void run_peersfile(const uint8_t *data, size_t size)
{
    struct ptd_addrmgr *m = manager();
    char why[PTD_ADDRMGR_WHY] = "";
    uint8_t *file = malloc(size + 32);
    enum ptd_err e;

    PTD_ASSERT(file != NULL);
    if (size > 0)
        memcpy(file, data, size);
    ptd_sha256d(file + size, file, size);
    e = ptd_addrmgr_decode(m, why, file, size + 32, magic);
    PTD_ASSERT(e == PTD_OK || (n_of(m) == 0 && why[0] != '\0'));
    PTD_ASSERT(strlen(why) < sizeof why);
    if (e == PTD_OK)
        write_and_load(m);
    free(file);
}

static void give_manager(fuzz_seed_fn *fn, void *arg, struct ptd_addrmgr *m)
{
    uint8_t *bytes;
    size_t n;

    PTD_ASSERT(ptd_addrmgr_encode(m, &bytes, &n, magic) == PTD_OK);
    fn(arg, bytes, n - 32); /* without its check sum */
    ptd_free(bytes);
}

static void seeds_peersfile(fuzz_seed_fn *fn, void *arg)
{
    struct ptd_addrmgr *m = new_manager();

    give_manager(fn, arg, m);
    for (unsigned i = 0; i < PTD_COUNT(texts); i++) {
        struct ptd_addr_entry e = entry_of(texts[i], i);
        struct ptd_addr_entry source = entry_of(texts[i / 2], 0);

        (void)ptd_addrmgr_add(m, &e, 1, &source.na, 0);
        if (i % 3 == 1)
            (void)ptd_addrmgr_good(m, &e.na);
    }
    give_manager(fn, arg, m);
    ptd_addrmgr_free(m);
}

const struct fuzz_target fuzz_peersfile = { "peersfile", run_peersfile,
                                            seeds_peersfile };

/* ---- anchors.dat ----------------------------------------------------- */

static void run_anchors(const uint8_t *data, size_t size)
{
    struct ptd_addr_entry out[PTD_ANCHORS_MAX];
    uint8_t *file = malloc(size + 32);
    size_t n;

    PTD_ASSERT(file != NULL);
    if (size > 0)
        memcpy(file, data, size);
    ptd_sha256d(file + size, file, size);
    n = ptd_anchors_take(out, fuzz_file(file, size + 32), magic);
    PTD_ASSERT(n <= PTD_ANCHORS_MAX);
    for (size_t i = 0; i < n; i++)
        PTD_ASSERT(ptd_netaddr_is_valid(&out[i].na));
    free(file);
}

static void seeds_anchors(fuzz_seed_fn *fn, void *arg)
{
    for (unsigned n = 0; n <= PTD_ANCHORS_MAX; n++) {
        struct ptd_addr_entry list[PTD_ANCHORS_MAX];
        const char *path = fuzz_file("", 0);
        uint8_t *bytes;
        size_t size;

        for (unsigned i = 0; i < n; i++)
            list[i] = entry_of(texts[2 * i + n], i);
        PTD_ASSERT(ptd_anchors_save(list, n, path, magic) == PTD_OK);
        PTD_ASSERT(ptd_file_read(&bytes, &size, path, 4096) == PTD_OK);
        fn(arg, bytes, size - 32);
        ptd_free(bytes);
    }
}

const struct fuzz_target fuzz_anchors = { "anchors", run_anchors,
                                          seeds_anchors };

/* ---- maps ------------------------------------------------------------ */

static void look_up(const uint8_t *map, size_t n, bool sane)
{
    struct ptd_netgroup *ng;
    uint8_t *copy;

    for (unsigned i = 0; i < 32; i++) {
        uint8_t ip[16] = { 0 };

        memset(ip, (int)(i * 0x25), i % 16);
        (void)ptd_asmap_lookup(map, n, ip);
    }
    if (n == 0)
        return;
    copy = ptd_memdup(map, n);
    PTD_ASSERT(copy != NULL);
    PTD_ASSERT((ptd_netgroup_new(&ng, copy, n) == PTD_OK) == sane);
    if (sane)
        ptd_netgroup_free(ng);
}

static void run_asmap(const uint8_t *data, size_t size)
{
    bool sane = ptd_asmap_is_sane(data, size, 128);

    PTD_ASSERT(sane || !ptd_asmap_is_sane(data, size, 32));
    look_up(data, size, sane);
}

/* Bit by bit, as asmap.c describes the code. */
struct bits {
    uint8_t v[64];
    size_t n;
};

static void put(struct bits *b, const char *ones_and_zeros)
{
    for (; *ones_and_zeros != '\0'; ones_and_zeros++, b->n++)
        if (*ones_and_zeros == '1')
            b->v[b->n / 8] |= (uint8_t)(1u << b->n % 8);
}

static void seeds_asmap(fuzz_seed_fn *fn, void *arg)
{
    static const char *const codes[] = {
        /* answer 1 */
        "0"
        "0"
        "000000000000000",
        /* a default, a match, an answer */
        "111"
        "0"
        "000000000000101"
        "110"
        "1110"
        "0101"
        "0"
        "0"
        "000000000000111",
        /* a jump over an answer to another */
        "10"
        "0"
        "00000"
        "0"
        "0"
        "000000000000001"
        "0"
        "0"
        "000000000000010",
    };

    for (size_t i = 0; i < PTD_COUNT(codes); i++) {
        struct bits b = { { 0 }, 0 };

        put(&b, codes[i]);
        fn(arg, b.v, (b.n + 7) / 8);
    }
}

const struct fuzz_target fuzz_asmap = { "asmap", run_asmap, seeds_asmap };
