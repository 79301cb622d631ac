#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addrmgr/peersfile.h"
#include "base/bytes.h"
#include "base/util.h"
#include "check_addrmgr.h"
#include "crypto/sha256.h"
#include "pentad/log.h"

/* ---- bytes, made by hand --------------------------------------------- */

/* A file in the making: written down from the format's description, not by the
 * code that is tested. */
struct bytes {
    size_t n;
    uint8_t p[16384];
};

static void put(struct bytes *b, const void *p, size_t n)
{
    ck_assert_uint_le(n, sizeof b->p - b->n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put_u8(struct bytes *b, unsigned v)
{
    uint8_t c = (uint8_t)v;

    put(b, &c, 1);
}

static void put_u32(struct bytes *b, uint32_t v)
{
    uint8_t c[4];

    ptd_put_le32(c, v);
    put(b, c, 4);
}

static void put_u64(struct bytes *b, uint64_t v)
{
    uint8_t c[8];

    ptd_put_le64(c, v);
    put(b, c, 8);
}

static void put_sum(struct bytes *b)
{
    uint8_t sum[32];

    ptd_sha256d(sum, b->p, b->n);
    put(b, sum, 32);
}

/* 1.2.3.x:8333, from 5.6.7.8, in the form of addrv2. */
static void put_info(struct bytes *b, unsigned last, uint64_t last_success)
{
    put_u32(b, 1u << 29 | 220000);
    put_u32(b, T0);
    put_u8(b, 0xfd); /* services 0x409 */
    put(b, "\x09\x04", 2);
    put(b, "\x01\x04\x01\x02\x03", 5);
    put_u8(b, last);
    put(b, "\x20\x8d", 2);
    put(b, "\x01\x04\x05\x06\x07\x08", 6);
    put_u64(b, last_success);
    put_u32(b, 2); /* attempts */
}

/* What a file is made of. */
struct plan {
    unsigned format, compatible;
    uint8_t magic[4];
    unsigned key;
    int32_t n_new, n_tried;      /* as told */
    unsigned has_new, has_tried; /* as they are */
    uint64_t tried_success;
};

static const struct plan sound = { .format = 4,
                                   .compatible = 4,
                                   .magic = { 0xfa, 0xbf, 0xb5, 0xda },
                                   .key = 1,
                                   .n_new = 1,
                                   .n_tried = 1,
                                   .has_new = 1,
                                   .has_tried = 1,
                                   .tried_success = T0 };

/* Without the checksum. New ones lie in bucket 0. */
static struct bytes body_of(const struct plan *p)
{
    struct bytes b = { 0 };
    uint8_t zeros[32] = { 0 }, key[32] = { (uint8_t)p->key };

    put(&b, p->magic, 4);
    put_u8(&b, p->format);
    put_u8(&b, 32 + p->compatible);
    put(&b, key, 32);
    put_u32(&b, (uint32_t)p->n_new);
    put_u32(&b, (uint32_t)p->n_tried);
    put_u32(&b, 1024 ^ (p->format >= 1 ? 1u << 30 : 0));
    for (unsigned i = 0; i < p->has_new; i++)
        put_info(&b, 10 + i, 0);
    for (unsigned i = 0; i < p->has_tried; i++)
        put_info(&b, 100 + i, p->tried_success);
    put_u32(&b, p->has_new);
    for (unsigned i = 0; i < p->has_new; i++)
        put_u32(&b, i);
    for (int i = 1; i < 1024; i++)
        put_u32(&b, 0);
    if (p->format >= 2)
        put(&b, zeros, 32);
    return b;
}

static struct bytes file_of(const struct plan *p)
{
    struct bytes b = body_of(p);

    put_sum(&b);
    return b;
}

static size_t size_of(struct rig *r, enum ptd_addrmgr_table table)
{
    return ptd_addrmgr_size(r->m, PTD_NET_NONE, table);
}

START_TEST(file_by_hand_is_read)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct bytes b = file_of(&sound);
    char why[PTD_ADDRMGR_WHY];
    struct ptd_addrmgr_entry *list;
    size_t n;

    rig_fill(&r, 20, 1); /* is replaced */
    ck_assert_msg(ptd_addrmgr_decode(r.m, why, b.p, b.n, rig_magic) == PTD_OK,
                  "%s", why);
    ck_assert(ptd_addrmgr_entries(r.m, &list, &n, PTD_ADDRMGR_NEW) == PTD_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(list[0].where.bucket, 0);
    ck_assert_uint_eq(list[0].e.services, 0x409);
    ck_assert_uint_eq(list[0].e.time, T0);
    ck_assert_int_eq(list[0].n_attempts, 2);
    ck_assert_int_eq(list[0].e.na.port, 8333);
    ck_assert_mem_eq(list[0].e.na.addr, "\1\2\3\12", 4);
    ck_assert_mem_eq(list[0].source.addr, "\5\6\7\10", 4);
    free(list);
    ck_assert(ptd_addrmgr_entries(r.m, &list, &n, PTD_ADDRMGR_TRIED) == PTD_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(list[0].last_success_s, T0);
    free(list);
    rig_free(&r);
}
END_TEST

START_TEST(what_is_written_is_that_file)
{
    struct rig r = rig_new(RIG_CHECK_ALL);
    struct bytes b = file_of(&sound);
    char why[PTD_ADDRMGR_WHY];
    uint8_t *bytes;
    size_t n;

    ck_assert(ptd_addrmgr_decode(r.m, why, b.p, b.n, rig_magic) == PTD_OK);
    ck_assert(ptd_addrmgr_encode(r.m, &bytes, &n, rig_magic) == PTD_OK);
    ck_assert_uint_eq(n, b.n);
    ck_assert_mem_eq(bytes, b.p, n);
    free(bytes);
    rig_free(&r);
}
END_TEST

/* ---- there and back -------------------------------------------------- */

static struct rig rig_of_all_networks(void)
{
    static const char *const more[] = {
        "2a00::1",
        "fc00:1::1",
        "0200::5",
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
        "c4gfnttsuwqomiygupdqqqyy5y5emnk5c73hrfvatri67prd7vyq.b32.i2p:0",
    };
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct ptd_netaddr seed, na = na_of("99.1.2.3");
    uint32_t state = 4;

    rig_fill(&r, 300, 4);
    for (size_t i = 0; i < PTD_COUNT(more); i++)
        ck_assert_uint_eq(rig_add(&r, more[i]), 1);
    for (int i = 0; i < 100; i++) {
        struct ptd_netaddr good = ipv4(lcg(&state), 8333);

        lcg(&state);
        (void)ptd_addrmgr_good(r.m, &good);
    }
    ptd_netgroup_name_source(&seed, "seed.example.org");
    ck_assert_uint_eq(rig_add_from(&r, &na, &seed), 1);
    /* one with several places */
    for (uint32_t i = 0; i < 200; i++) {
        struct ptd_netaddr source = ipv4(0x10000000 + i * 0x10000, 1);
        struct ptd_addr_entry e = heard(&na, T0 + 1 + i);

        rig_pass(&r, 1);
        (void)ptd_addrmgr_add(r.m, &e, 1, &source, 0);
    }
    return r;
}

static int cmp_where(const void *a, const void *b)
{
    const struct ptd_addrmgr_entry *x = a, *y = b;

    return x->where.bucket != y->where.bucket
               ? x->where.bucket - y->where.bucket
               : x->where.position - y->where.position;
}

static void ck_same_table(struct rig *a, struct rig *b,
                          enum ptd_addrmgr_table table)
{
    struct ptd_addrmgr_entry *x, *y;
    size_t nx, ny;

    ck_assert(ptd_addrmgr_entries(a->m, &x, &nx, table) == PTD_OK);
    ck_assert(ptd_addrmgr_entries(b->m, &y, &ny, table) == PTD_OK);
    ck_assert_uint_eq(nx, ny);
    qsort(x, nx, sizeof *x, cmp_where);
    qsort(y, ny, sizeof *y, cmp_where);
    for (size_t i = 0; i < nx; i++) {
        ck_assert(ptd_netaddr_is_equal(&x[i].e.na, &y[i].e.na));
        ck_assert(ptd_netaddr_is_same_host(&x[i].source, &y[i].source));
        ck_assert_uint_eq(x[i].e.time, y[i].e.time);
        ck_assert_uint_eq(x[i].e.services, y[i].e.services);
        ck_assert_int_eq(x[i].last_success_s, y[i].last_success_s);
        ck_assert_int_eq(x[i].n_attempts, y[i].n_attempts);
        ck_assert_int_eq(x[i].where.n_refs, y[i].where.n_refs);
        ck_assert_int_eq(cmp_where(&x[i], &y[i]), 0);
    }
    free(x);
    free(y);
}

START_TEST(everything_comes_back_to_its_place)
{
    struct rig r = rig_of_all_networks(), back = rig_new(RIG_CHECK_ALL);
    char why[PTD_ADDRMGR_WHY];
    uint8_t *bytes;
    size_t n;

    ck_assert(ptd_addrmgr_encode(r.m, &bytes, &n, rig_magic) == PTD_OK);
    ck_assert_msg(ptd_addrmgr_decode(back.m, why, bytes, n, rig_magic) ==
                      PTD_OK,
                  "%s", why);
    ck_same_table(&r, &back, PTD_ADDRMGR_NEW);
    ck_same_table(&r, &back, PTD_ADDRMGR_TRIED);
    free(bytes);
    rig_free(&r);
    rig_free(&back);
}
END_TEST

START_TEST(another_map_means_other_buckets_but_no_damage)
{
    struct ptd_netgroup *ng = netgroup_of_test();
    struct rig r = rig_of_all_networks();
    struct rig back = rig_new_with(RIG_CHECK_ALL, ng);
    size_t all = size_of(&r, PTD_ADDRMGR_BOTH), n;
    char why[PTD_ADDRMGR_WHY];
    struct ptd_addrmgr_entry *list;
    struct ptd_addrmgr_where where;
    uint8_t *bytes;

    ck_assert(ptd_addrmgr_encode(r.m, &bytes, &n, rig_magic) == PTD_OK);
    ck_assert_msg(ptd_addrmgr_decode(back.m, why, bytes, n, rig_magic) ==
                      PTD_OK,
                  "%s", why);
    ck_assert_uint_gt(size_of(&back, PTD_ADDRMGR_BOTH), all * 8 / 10);
    free(bytes);
    /* each lies where the map puts it, once */
    ck_assert(ptd_addrmgr_entries(back.m, &list, &n, PTD_ADDRMGR_NEW) ==
              PTD_OK);
    for (size_t i = 0; i < n; i++) {
        ck_assert(ptd_addrmgr_find(back.m, &where, &list[i].e.na));
        ck_assert_int_eq(where.bucket, list[i].where.bucket);
        ck_assert_int_eq(where.n_refs, 1);
    }
    free(list);
    /* with the same map again nothing changes */
    ck_assert(ptd_addrmgr_encode(back.m, &bytes, &n, rig_magic) == PTD_OK);
    rig_free(&r);
    r = rig_new_with(RIG_CHECK_ALL, ng);
    ck_assert(ptd_addrmgr_decode(r.m, why, bytes, n, rig_magic) == PTD_OK);
    ck_same_table(&r, &back, PTD_ADDRMGR_NEW);
    ck_same_table(&r, &back, PTD_ADDRMGR_TRIED);
    free(bytes);
    rig_free(&r);
    rig_free(&back);
    ptd_netgroup_free(ng);
}
END_TEST

/* ---- damage ---------------------------------------------------------- */

static enum ptd_err decode(struct rig *r, char *why, const uint8_t *p, size_t n)
{
    uint8_t *exact = malloc(n > 0 ? n : 1);
    enum ptd_err e;

    /* exactly n bytes: a sanitizer sees a read behind them */
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, p, n);
    e = ptd_addrmgr_decode(r->m, why, exact, n, rig_magic);
    free(exact);
    return e;
}

/* Every byte of what differs, then some of the buckets' lists, which are all
 * alike: each time a whole table is emptied, twice. */
static size_t next_place(size_t at)
{
    return at + (at < 2000 ? 1 : 13);
}

START_TEST(file_cut_anywhere_is_refused)
{
    struct rig r = rig_of_all_networks(), back = rig_new(RIG_CHECK_NONE);
    char why[PTD_ADDRMGR_WHY];
    uint8_t *bytes;
    size_t n;

    ck_assert(ptd_addrmgr_encode(r.m, &bytes, &n, rig_magic) == PTD_OK);
    for (size_t cut = 0; cut < n; cut = next_place(cut)) {
        ck_assert_msg(decode(&back, why, bytes, cut) == PTD_ESHORT, "%zu: %s",
                      cut, why);
        ck_assert_ptr_nonnull(strstr(why, "AutoFile::read: end of file"));
    }
    ck_assert_uint_eq(size_of(&back, PTD_ADDRMGR_BOTH), 0);
    ck_sound(&back);
    ck_assert_uint_eq(rig_add(&back, "1.2.3.4"), 1);
    free(bytes);
    rig_free(&r);
    rig_free(&back);
}
END_TEST

START_TEST(one_wrong_bit_anywhere_is_noticed)
{
    struct rig r = rig_of_all_networks(), back = rig_new(RIG_CHECK_NONE);
    char why[PTD_ADDRMGR_WHY];
    uint8_t *bytes;
    size_t n;

    ck_assert(ptd_addrmgr_encode(r.m, &bytes, &n, rig_magic) == PTD_OK);
    for (size_t at = 0; at < n; at = next_place(at)) {
        uint8_t bit = (uint8_t)(1 << at % 8);

        why[0] = '\0';
        bytes[at] ^= bit;
        ck_assert_msg(decode(&back, why, bytes, n) != PTD_OK, "%zu", at);
        ck_assert_msg(why[0] != '\0', "%zu", at);
        bytes[at] ^= bit;
        if (at % 97 == 0) {
            ck_sound(&back);
            ck_assert_uint_eq(size_of(&back, PTD_ADDRMGR_BOTH), 0);
        }
    }
    ck_assert(decode(&back, why, bytes, n) == PTD_OK);
    free(bytes);
    rig_free(&r);
    rig_free(&back);
}
END_TEST

/* A forger computes the checksum too: whatever the bytes, what is accepted is
 * sound. */
START_TEST(forged_bytes_are_refused_or_make_sound_tables)
{
    struct rig r = rig_of_all_networks(), back = rig_new(RIG_CHECK_NONE);
    char why[PTD_ADDRMGR_WHY];
    size_t n, n_taken = 0;
    uint32_t seed = 11;
    uint8_t *bytes;

    ck_assert(ptd_addrmgr_encode(r.m, &bytes, &n, rig_magic) == PTD_OK);
    for (int round = 0; round < 1500; round++) {
        uint8_t saved[4], *at = bytes + 4 + lcg(&seed) % (n - 4 - 32 - 4);

        memcpy(saved, at, 4);
        ptd_put_le32(at, round % 3 == 0 ? lcg(&seed) : lcg(&seed) % 3000);
        ptd_sha256d(bytes + n - 32, bytes, n - 32);
        if (decode(&back, why, bytes, n) == PTD_OK) {
            struct ptd_addrmgr_pick pick;

            n_taken++;
            ck_sound(&back);
            (void)!ptd_addrmgr_select(back.m, &pick, PTD_ADDRMGR_BOTH, 0);
            rig_fill(&back, 5, seed);
            ptd_addrmgr_resolve_collisions(back.m);
            ck_sound(&back);
        }
        memcpy(at, saved, 4);
    }
    ck_assert_uint_gt(n_taken, 10);
    free(bytes);
    rig_free(&r);
    rig_free(&back);
}
END_TEST

/* ---- each error, with the words that scripts look for ---------------- */

static const struct {
    const char *name;
    struct plan plan;
    enum ptd_err err;
    const char *why; /* how it begins */
} faults[] = {
    { "wrong magic",
      { 4, 4, { 1, 2, 3, 4 }, 1, 1, 1, 1, 1, T0 },
      PTD_EMAGIC,
      "Invalid network magic number" },
    { "lowest format below 0",
      { 4, (unsigned)-32, { 0xfa, 0xbf, 0xb5, 0xda }, 1, 1, 1, 1, 1, T0 },
      PTD_EBADVALUE,
      "Corrupted addrman database: The compat value (0) is lower than the "
      "expected minimum value 32.: " },
    { "later format",
      { 4, 5, { 0xfa, 0xbf, 0xb5, 0xda }, 1, 1, 1, 1, 1, T0 },
      PTD_EVERSION,
      "Unsupported format of addrman database: 4. It is "
      "compatible with formats >=5" },
    { "nNew -1",
      { 4, 4, { 0xfa, 0xbf, 0xb5, 0xda }, 1, -1, 1, 1, 1, T0 },
      PTD_EBADVALUE,
      "Corrupt AddrMan serialization: nNew=-1, should be in [0, 65536]:" },
    { "nNew 65537",
      { 4, 4, { 0xfa, 0xbf, 0xb5, 0xda }, 1, 65537, 1, 1, 1, T0 },
      PTD_EBADVALUE,
      "Corrupt AddrMan serialization: nNew=65537, should be in [0, 65536]:" },
    { "nTried -1",
      { 4, 4, { 0xfa, 0xbf, 0xb5, 0xda }, 1, 1, -1, 1, 1, T0 },
      PTD_EBADVALUE,
      "Corrupt AddrMan serialization: nTried=-1, should be in [0, 16384]:" },
    { "nTried 16385",
      { 4, 4, { 0xfa, 0xbf, 0xb5, 0xda }, 1, 1, 16385, 1, 1, T0 },
      PTD_EBADVALUE,
      "Corrupt AddrMan serialization: nTried=16385, should be in [0, 16384]:" },
    { "more new ones told than there are",
      { 4, 4, { 0xfa, 0xbf, 0xb5, 0xda }, 1, 60000, 1, 1, 1, T0 },
      PTD_ESHORT,
      "AutoFile::read: end of file" },
    { "no key",
      { 4, 4, { 0xfa, 0xbf, 0xb5, 0xda }, 0, 1, 1, 1, 1, T0 },
      PTD_EBADVALUE,
      "Corrupt data. Consistency check failed with code -16: " },
    { "tried without success",
      { 4, 4, { 0xfa, 0xbf, 0xb5, 0xda }, 1, 1, 1, 1, 1, 0 },
      PTD_EBADVALUE,
      "Corrupt data. Consistency check failed with code -1: " },
    { "success before 1970",
      { 4, 4, { 0xfa, 0xbf, 0xb5, 0xda }, 1, 1, 1, 1, 1, UINT64_MAX },
      PTD_EBADVALUE,
      "Corrupt data. Consistency check failed with code -8: " },
};

START_TEST(each_fault_has_its_words)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct bytes b = file_of(&faults[_i].plan);
    char why[PTD_ADDRMGR_WHY] = "";
    enum ptd_err e = decode(&r, why, b.p, b.n);

    ck_assert_msg(e == faults[_i].err, "%s: %s, %s", faults[_i].name,
                  ptd_err_name(e), why);
    ck_assert_msg(strncmp(why, faults[_i].why, strlen(faults[_i].why)) == 0,
                  "%s: %s", faults[_i].name, why);
    rig_free(&r);
}
END_TEST

START_TEST(bytes_behind_the_checksum_are_refused)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct bytes b = file_of(&sound);
    char why[PTD_ADDRMGR_WHY];

    put_u8(&b, 0);
    ck_assert(decode(&r, why, b.p, b.n) == PTD_ETRAILING);
    rig_free(&r);
}
END_TEST

START_TEST(an_address_twice_is_damage)
{
    struct plan p = sound;
    struct rig r = rig_new(RIG_CHECK_NONE);
    char why[PTD_ADDRMGR_WHY];
    struct bytes b;

    p.n_new = 2;
    p.has_new = 2;
    b = body_of(&p);
    /* the second new one's last byte: made the first one's */
    for (size_t i = 0; i + 4 <= b.n; i++) {
        if (memcmp(b.p + i, "\1\2\3\13", 4) == 0)
            b.p[i + 3] = 10;
    }
    put_sum(&b);
    ck_assert(decode(&r, why, b.p, b.n) == PTD_EBADVALUE);
    ck_assert_ptr_nonnull(strstr(why, "code -5"));
    rig_free(&r);
}
END_TEST

/* Networks that we do not know, and addresses that are none, are left out. */
START_TEST(unknown_networks_are_left_out)
{
    static const struct {
        const char *host;
        size_t n;
    } hosts[] = {
        { "\x63\x03"
          "abc",
          5 },
        { "\x03\x0a"
          "abcdefghij",
          12 },
        { "\x02\x10\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4", 18 },
        { "\x02\x10\xfd\x87\xd8\x7e\xeb\x43"
          "abcdefghij",
          18 },
        { "\x02\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 18 },
        { "\x01\x04\0\0\0\0", 6 },
    };

    for (size_t i = 0; i < PTD_COUNT(hosts); i++) {
        struct rig r = rig_new(RIG_CHECK_ALL);
        struct plan p = sound;
        struct bytes b = { 0 }, whole;
        char why[PTD_ADDRMGR_WHY];
        size_t head = 4 + 2 + 32 + 12;

        /* one more new entry before those of the plan */
        p.n_new = 2;
        whole = body_of(&p);
        put(&b, whole.p, head);
        put_u32(&b, 1u << 29);
        put_u32(&b, T0);
        put_u8(&b, 0);
        put(&b, hosts[i].host, hosts[i].n);
        put(&b, "\0\1", 2);
        put(&b, "\x01\x04\x05\x06\x07\x08", 6);
        put_u64(&b, 0);
        put_u32(&b, 0);
        put(&b, whole.p + head, whole.n - head);
        put_sum(&b);
        ck_assert_msg(decode(&r, why, b.p, b.n) == PTD_OK, "%zu: %s", i, why);
        /* bucket 0 names number 0, which is the one that is left out */
        ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_NEW), 0);
        ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_TRIED), 1);
        rig_free(&r);
    }
}
END_TEST

/* Formats before addrv2: services of 8 bytes, addresses of 16. */
static void put_old_info(struct bytes *b, unsigned last, uint64_t last_success)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    put_u32(b, 220000);
    put_u32(b, T0);
    put_u64(b, 9);
    put(b, mapped, 12);
    put(b, "\1\2\3", 3);
    put_u8(b, last);
    put(b, "\x20\x8d", 2);
    put(b, mapped, 12);
    put(b, "\5\6\7\10", 4);
    put_u64(b, last_success);
    put_u32(b, 0);
}

START_TEST(older_formats_are_read)
{
    for (unsigned format = 0; format < 3; format++) {
        struct rig r = rig_new(RIG_CHECK_ALL);
        struct plan p = sound;
        struct bytes b, head;
        char why[PTD_ADDRMGR_WHY];
        uint8_t zeros[32] = { 0 };

        p.format = format;
        p.compatible = 0;
        p.has_new = p.has_tried = 0;
        head = body_of(&p);
        b = (struct bytes){ 0 };
        put(&b, head.p, 4 + 2 + 32 + 12);
        put_old_info(&b, 10, 0);
        put_old_info(&b, 100, T0);
        put_u32(&b, 1);
        put_u32(&b, 0);
        for (int i = 1; i < 1024; i++)
            put_u32(&b, 0);
        if (format == 2)
            put(&b, zeros, 32);
        put_sum(&b);
        ck_assert_msg(decode(&r, why, b.p, b.n) == PTD_OK, "%u: %s", format,
                      why);
        ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_NEW), 1);
        ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_TRIED), 1);
        rig_free(&r);
    }
}
END_TEST

START_TEST(bucket_counts_without_end_do_not_hang)
{
    struct rig r = rig_new(RIG_CHECK_NONE);
    struct plan p = sound;
    struct bytes b = body_of(&p);
    char why[PTD_ADDRMGR_WHY];

    ptd_put_le32(b.p + 4 + 2 + 32 + 8, 0x7fffffff ^ 1u << 30);
    put_sum(&b);
    ck_assert(decode(&r, why, b.p, b.n) == PTD_ESHORT);
    /* none at all: entries without a place are forgotten */
    b = body_of(&p);
    ptd_put_le32(b.p + 4 + 2 + 32 + 8, 0x80000000 ^ 1u << 30);
    memset(b.p + b.n - 32 - 4 * 1025, 0, 32 + 4 * 1025);
    b.n -= 4 * 1025;
    put_sum(&b);
    ck_assert_msg(decode(&r, why, b.p, b.n) == PTD_OK, "%s", why);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_NEW), 0);
    ck_assert_uint_eq(size_of(&r, PTD_ADDRMGR_TRIED), 1);
    rig_free(&r);
}
END_TEST

/* ---- files ----------------------------------------------------------- */

static void write_file(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static bool exists(const char *dir, const char *name)
{
    char *path = rig_path(dir, name);
    struct stat st;
    bool is = stat(path, &st) == 0;

    free(path);
    return is;
}

static char said[8192]; /* the log's lines of one test */

static void hear(const struct ptd_log_line *line, void *arg)
{
    (void)arg;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n",
             line->text);
}

/* A directory with or without a peers.dat, and what loading it gives. */
struct disk {
    char *dir, *path;
    struct rig r;
    int sink;
    char why[PTD_PEERSFILE_WHY];
};

static struct disk disk_new(void)
{
    struct disk d = { .dir = rig_mkdir(), .r = rig_new(RIG_CHECK_NONE) };

    d.path = rig_path(d.dir, "peers.dat");
    said[0] = '\0';
    ck_assert(ptd_log_add_sink(&d.sink, hear, NULL) == PTD_OK);
    return d;
}

static void disk_free(struct disk *d)
{
    ptd_log_remove_sink(d->sink);
    rig_free(&d->r);
    free(d->path);
    rig_rmdir(d->dir);
}

static enum ptd_err load(struct disk *d)
{
    return ptd_peersfile_load(d->r.m, d->why, d->path, rig_magic);
}

START_TEST(saved_then_loaded)
{
    struct disk d = disk_new();
    struct rig back = rig_new(RIG_CHECK_ALL);
    char want[64];
    struct stat st;

    rig_fill(&d.r, 200, 3);
    snprintf(want, sizeof want, "Loaded %zu addresses from peers.dat",
             size_of(&d.r, PTD_ADDRMGR_BOTH));
    ck_assert(ptd_peersfile_save(d.r.m, d.path, rig_magic) == PTD_OK);
    ck_assert(ptd_peersfile_save(d.r.m, d.path, rig_magic) == PTD_OK);
    ck_assert(!exists(d.dir, "peers.dat.new"));
    ck_assert_int_eq(stat(d.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert(ptd_peersfile_load(back.m, d.why, d.path, rig_magic) == PTD_OK);
    ck_assert_ptr_nonnull(strstr(said, want));
    ck_same_table(&d.r, &back, PTD_ADDRMGR_NEW);
    rig_free(&back);
    disk_free(&d);
}
END_TEST

START_TEST(missing_file_is_made)
{
    struct disk d = disk_new();
    char want[256];

    ck_assert(load(&d) == PTD_OK);
    snprintf(want, sizeof want,
             "Creating peers.dat because the file was not found (\"%s\")",
             d.path);
    ck_assert_ptr_nonnull(strstr(said, want));
    ck_assert(exists(d.dir, "peers.dat"));
    ck_assert(load(&d) == PTD_OK);
    ck_assert_ptr_nonnull(strstr(said, "Loaded 0 addresses from peers.dat"));
    disk_free(&d);
}
END_TEST

START_TEST(later_format_is_kept_aside)
{
    struct disk d = disk_new();
    struct plan p = sound;
    struct bytes b;
    char want[300];

    p.compatible = 111;
    b = file_of(&p);
    write_file(d.path, b.p, b.n);
    ck_assert(load(&d) == PTD_OK);
    snprintf(want, sizeof want,
             "Creating new peers.dat because the file version was not "
             "compatible (\"%s\"). Original backed up to peers.dat.bak",
             d.path);
    ck_assert_ptr_nonnull(strstr(said, want));
    ck_assert(exists(d.dir, "peers.dat.bak"));
    ck_assert(exists(d.dir, "peers.dat"));
    ck_assert_uint_eq(size_of(&d.r, PTD_ADDRMGR_BOTH), 0);
    ck_assert(load(&d) == PTD_OK);
    disk_free(&d);
}
END_TEST

START_TEST(damaged_file_stays_and_is_named)
{
    struct disk d = disk_new();
    struct bytes b = file_of(&sound);
    char want[1024];
    struct stat st;

    b.p[b.n - 1] ^= 1;
    write_file(d.path, b.p, b.n);
    ck_assert(load(&d) == PTD_ECHECKSUM);
    snprintf(want, sizeof want,
             "Invalid or corrupt peers.dat (Checksum mismatch, data corrupted)."
             " If you believe this is a bug, please report it to %s. As a "
             "workaround, you can move the file (\"%s\") out of the way "
             "(rename, move, or delete) to have a new one created on the next "
             "start.",
             PACKAGE_BUGREPORT, d.path);
    ck_assert_str_eq(d.why, want);
    ck_assert_int_eq(stat(d.path, &st), 0);
    ck_assert_uint_eq((size_t)st.st_size, b.n);
    ck_assert_uint_eq(size_of(&d.r, PTD_ADDRMGR_BOTH), 0);
    disk_free(&d);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    struct disk d = disk_new();
    int fd;

    ck_assert_int_eq(mkdir(d.path, 0700), 0);
    ck_assert(load(&d) == PTD_EIO);
    ck_assert_ptr_nonnull(strstr(d.why, d.path));
    ck_assert_int_eq(rmdir(d.path), 0);

    ck_assert_int_eq(mkfifo(d.path, 0600), 0); /* nobody writes to it */
    ck_assert(load(&d) == PTD_EIO);
    ck_assert_int_eq(unlink(d.path), 0);

    fd = open(d.path, O_WRONLY | O_CREAT, 0600); /* without any data */
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)PTD_PEERSFILE_MAX + 1), 0);
    close(fd);
    ck_assert(load(&d) == PTD_ETOOBIG);
    ck_assert_ptr_nonnull(strstr(d.why, "too large"));
    ck_assert_ptr_nonnull(strstr(d.why, d.path));
    disk_free(&d);
}
END_TEST

START_TEST(a_failed_save_leaves_the_old_file)
{
    struct disk d = disk_new();
    char *in_the_way = rig_path(d.dir, "peers.dat.new");
    size_t n;

    rig_fill(&d.r, 50, 3);
    n = size_of(&d.r, PTD_ADDRMGR_BOTH);
    ck_assert(ptd_peersfile_save(d.r.m, d.path, rig_magic) == PTD_OK);
    rig_fill(&d.r, 50, 4);
    ck_assert_int_eq(mkdir(in_the_way, 0700), 0);
    ck_assert(ptd_peersfile_save(d.r.m, d.path, rig_magic) == PTD_EIO);
    ck_assert_ptr_nonnull(strstr(said, d.path));
    ck_assert_int_eq(rmdir(in_the_way), 0);
    ck_assert_uint_ne(size_of(&d.r, PTD_ADDRMGR_BOTH), n);
    ck_assert(load(&d) == PTD_OK);
    ck_assert_uint_eq(size_of(&d.r, PTD_ADDRMGR_BOTH), n);

    ck_assert(ptd_peersfile_save(d.r.m, "/nonexistent/peers.dat", rig_magic) ==
              PTD_EIO);
    free(in_the_way);
    disk_free(&d);
}
END_TEST

/* A save that was cut short by a crash left its unfinished file. */
START_TEST(leftovers_of_a_crash_do_not_matter)
{
    struct disk d = disk_new();
    char *leftover = rig_path(d.dir, "peers.dat.new");
    size_t n;

    rig_fill(&d.r, 50, 3);
    n = size_of(&d.r, PTD_ADDRMGR_BOTH);
    ck_assert(ptd_peersfile_save(d.r.m, d.path, rig_magic) == PTD_OK);
    write_file(leftover, "half of", 7);
    ck_assert(load(&d) == PTD_OK);
    ck_assert_uint_eq(size_of(&d.r, PTD_ADDRMGR_BOTH), n);
    ck_assert(ptd_peersfile_save(d.r.m, d.path, rig_magic) == PTD_OK);
    ck_assert(!exists(d.dir, "peers.dat.new"));
    ck_assert(load(&d) == PTD_OK);
    free(leftover);
    disk_free(&d);
}
END_TEST

/* ---- anchors --------------------------------------------------------- */

static const char onion[] =
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333";

START_TEST(anchors_are_taken_once)
{
    struct disk d = disk_new();
    char *path = rig_path(d.dir, "anchors.dat");
    struct ptd_addr_entry list[3], out[PTD_ANCHORS_MAX];
    static const char *const names[] = { "1.2.3.4", onion, "5.6.7.8" };

    for (size_t i = 0; i < 3; i++) {
        struct ptd_netaddr na = na_of(names[i]);

        list[i] = heard(&na, T0);
    }
    ck_assert(ptd_anchors_save(list, 3, path, rig_magic) == PTD_OK);
    ck_assert_ptr_nonnull(strstr(said, "DumpAnchors: Flush 2 outbound "
                                       "block-relay-only peer addresses to "
                                       "anchors.dat"));
    ck_assert_uint_eq(ptd_anchors_take(out, path, rig_magic), 2);
    ck_assert_ptr_nonnull(strstr(said, "Loaded 2 addresses from "
                                       "\"anchors.dat\""));
    ck_assert(ptd_netaddr_is_equal(&out[0].na, &list[0].na));
    ck_assert(ptd_netaddr_is_equal(&out[1].na, &list[1].na));
    ck_assert_uint_eq(out[0].services, 9);
    ck_assert_uint_eq(ptd_anchors_take(out, path, rig_magic), 0);
    ck_assert(ptd_anchors_save(NULL, 0, path, rig_magic) == PTD_OK);
    ck_assert_uint_eq(ptd_anchors_take(out, path, rig_magic), 0);
    ck_assert(!exists(d.dir, "anchors.dat"));
    free(path);
    disk_free(&d);
}
END_TEST

START_TEST(damaged_anchors_are_none_and_are_deleted)
{
    struct disk d = disk_new();
    char *path = rig_path(d.dir, "anchors.dat");
    struct ptd_netaddr na = na_of(onion);
    struct ptd_addr_entry e = heard(&na, T0), out[PTD_ANCHORS_MAX];
    uint8_t bytes[256];
    size_t n;
    FILE *f;

    ck_assert(ptd_anchors_save(&e, 1, path, rig_magic) == PTD_OK);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t cut = 0; cut < n; cut++) {
        write_file(path, bytes, cut);
        ck_assert_uint_eq(ptd_anchors_take(out, path, rig_magic), 0);
        ck_assert(!exists(d.dir, "anchors.dat"));
    }
    for (size_t at = 0; at < n * 8; at++) {
        bytes[at / 8] ^= (uint8_t)(1 << at % 8);
        write_file(path, bytes, n);
        bytes[at / 8] ^= (uint8_t)(1 << at % 8);
        ck_assert_msg(ptd_anchors_take(out, path, rig_magic) == 0, "%zu", at);
        ck_assert(!exists(d.dir, "anchors.dat"));
    }
    write_file(path, bytes, n);
    ck_assert_uint_eq(ptd_anchors_take(out, path, rig_magic), 1);
    free(path);
    disk_free(&d);
}
END_TEST

START_TEST(anchors_by_hand_are_read)
{
    struct disk d = disk_new();
    char *path = rig_path(d.dir, "anchors.dat");
    struct ptd_addr_entry out[PTD_ANCHORS_MAX];
    struct bytes b = { 0 };

    put(&b, rig_magic, 4);
    put_u8(&b, 1);
    put_u32(&b, 1u << 29 | 220000);
    put_u32(&b, T0);
    put_u8(&b, 9);
    put(&b, "\x01\x04\x01\x02\x03\x04\x20\x8d", 8);
    put_sum(&b);
    write_file(path, b.p, b.n);
    ck_assert_uint_eq(ptd_anchors_take(out, path, rig_magic), 1);
    ck_assert_uint_eq(out[0].na.port, 8333);
    ck_assert_uint_eq(out[0].services, 9);
    free(path);
    disk_free(&d);
}
END_TEST

Suite *suite_file(void)
{
    Suite *s = suite_create("file");
    TCase *tc = tcase_create("bytes");
    TCase *disk = tcase_create("disk");

    suite_add_tcase(s, tc);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, file_by_hand_is_read);
    tcase_add_test(tc, what_is_written_is_that_file);
    tcase_add_test(tc, everything_comes_back_to_its_place);
    tcase_add_test(tc, another_map_means_other_buckets_but_no_damage);
    tcase_add_test(tc, file_cut_anywhere_is_refused);
    tcase_add_test(tc, one_wrong_bit_anywhere_is_noticed);
    tcase_add_test(tc, forged_bytes_are_refused_or_make_sound_tables);
    tcase_add_loop_test(tc, each_fault_has_its_words, 0, PTD_COUNT(faults));
    tcase_add_test(tc, bytes_behind_the_checksum_are_refused);
    tcase_add_test(tc, an_address_twice_is_damage);
    tcase_add_test(tc, unknown_networks_are_left_out);
    tcase_add_test(tc, older_formats_are_read);
    tcase_add_test(tc, bucket_counts_without_end_do_not_hang);
    suite_add_tcase(s, disk);
    tcase_set_timeout(disk, 60);
    tcase_add_test(disk, saved_then_loaded);
    tcase_add_test(disk, missing_file_is_made);
    tcase_add_test(disk, later_format_is_kept_aside);
    tcase_add_test(disk, damaged_file_stays_and_is_named);
    tcase_add_test(disk, what_is_no_file_is_refused);
    tcase_add_test(disk, a_failed_save_leaves_the_old_file);
    tcase_add_test(disk, leftovers_of_a_crash_do_not_matter);
    tcase_add_test(disk, anchors_are_taken_once);
    tcase_add_test(disk, damaged_anchors_are_none_and_are_deleted);
    tcase_add_test(disk, anchors_by_hand_are_read);
    return s;
}
