#include <config.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_addrmgr.h"
#include "support/support.h"

const uint8_t rig_magic[4] = { 0xfa, 0xbf, 0xb5, 0xda };

struct rig rig_new_with(enum rig_checks checks, const struct ptd_netgroup *ng)
{
    struct rig r = { .clk = ptd_clock_new() };
    struct ptd_addrmgr_config cfg = { .netgroup = ng,
                                      .clock = r.clk,
                                      .check_ratio = (uint32_t)checks,
                                      .deterministic = true,
                                      .seed = 12345 };

    ck_assert_ptr_nonnull(r.clk);
    ptd_clock_set_wall_us(r.clk, (int64_t)T0 * 1000000);
    r.m = ptd_addrmgr_new(&cfg);
    ck_assert_ptr_nonnull(r.m);
    return r;
}

struct rig rig_new(enum rig_checks checks)
{
    return rig_new_with(checks, NULL);
}

void rig_free(struct rig *r)
{
    ptd_addrmgr_free(r->m);
    ptd_clock_free(r->clk);
}

void rig_pass(struct rig *r, int64_t seconds)
{
    ptd_clock_advance_us(r->clk, seconds * 1000000);
}

struct ptd_netaddr na_of(const char *text)
{
    struct ptd_netaddr na;

    ck_assert_msg(ptd_netaddr_parse(&na, text, 8333) == PTD_OK, "%s", text);
    return na;
}

struct ptd_netaddr ipv4(uint32_t host, uint16_t port)
{
    uint8_t b[4] = { (uint8_t)(host >> 24), (uint8_t)(host >> 16),
                     (uint8_t)(host >> 8), (uint8_t)host };
    struct ptd_netaddr na;

    /* No ck_assert(): Check writes each of them to a file. */
    if (ptd_netaddr_set(&na, PTD_NET_IPV4, b, 4, port) != PTD_OK)
        ck_abort_msg("no address");
    return na;
}

struct ptd_addr_entry heard(const struct ptd_netaddr *na, int64_t time_s)
{
    return (struct ptd_addr_entry){ .time = (uint32_t)time_s,
                                    .services = 9,
                                    .na = *na };
}

size_t rig_add(struct rig *r, const char *text)
{
    struct ptd_netaddr na = na_of(text);

    return rig_add_from(r, &na, &na);
}

size_t rig_add_from(struct rig *r, const struct ptd_netaddr *na,
                    const struct ptd_netaddr *source)
{
    struct ptd_addr_entry e = heard(na, ptd_clock_wall_s(r->clk));

    return ptd_addrmgr_add(r->m, &e, 1, source, 0);
}

uint32_t lcg(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state ^ *state >> 16;
}

void rig_fill(struct rig *r, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        struct ptd_netaddr na = ipv4(lcg(&seed), 8333);
        struct ptd_netaddr source = ipv4(lcg(&seed), 8333);

        rig_add_from(r, &na, &source);
    }
}

void ck_sound(struct rig *r)
{
    ck_assert_int_eq(ptd_addrmgr_check(r->m), 0);
}

/* ---- files ----------------------------------------------------------- */

char *rig_mkdir(void)
{
    return support_temp_dir();
}

void rig_rmdir(char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    ck_assert_ptr_nonnull(d);
    while ((e = readdir(d)) != NULL) {
        char *path = rig_path(dir, e->d_name);

        unlink(path);
        free(path);
    }
    closedir(d);
    ck_assert_int_eq(rmdir(dir), 0);
    free(dir);
}

char *rig_path(const char *dir, const char *name)
{
    size_t n = strlen(dir) + strlen(name) + 2;
    char *path = malloc(n);

    ck_assert_ptr_nonnull(path);
    snprintf(path, n, "%s/%s", dir, name);
    return path;
}

/* ---- maps ------------------------------------------------------------ */

static void put_bit(struct mapcode *c, unsigned bit)
{
    ck_assert_uint_lt(c->n_bits, sizeof c->bytes * 8);
    c->bytes[c->n_bits / 8] |= (uint8_t)(bit << c->n_bits % 8);
    c->n_bits++;
}

static void put_bits(struct mapcode *c, unsigned n, uint32_t v)
{
    while (n-- > 0)
        put_bit(c, v >> n & 1);
}

static void put_number(struct mapcode *c, uint32_t least, unsigned narrowest,
                       unsigned widest, uint32_t v)
{
    v -= least;
    for (unsigned width = narrowest;; width++) {
        if (width == widest || v >> width == 0) {
            if (width < widest)
                put_bit(c, 0);
            put_bits(c, width, v);
            return;
        }
        put_bit(c, 1);
        v -= UINT32_C(1) << width;
    }
}

void map_return(struct mapcode *c, uint32_t as)
{
    put_bit(c, 0);
    put_number(c, 1, 15, 24, as);
}

void map_default(struct mapcode *c, uint32_t as)
{
    put_bits(c, 3, 7);
    put_number(c, 1, 15, 24, as);
}

void map_match(struct mapcode *c, unsigned n_bits, uint32_t pattern)
{
    put_bits(c, 3, 6);
    put_number(c, 2, 1, 8, UINT32_C(1) << n_bits | pattern);
}

void map_jump(struct mapcode *c, uint32_t distance)
{
    put_bits(c, 2, 2);
    put_number(c, 17, 5, 30, distance);
}

size_t map_bytes(const struct mapcode *c)
{
    return (c->n_bits + 7) / 8;
}

size_t map_return_bits(uint32_t as)
{
    struct mapcode c = { 0 };

    map_return(&c, as);
    return c.n_bits;
}

static void map_append(struct mapcode *c, const struct mapcode *tail)
{
    for (size_t i = 0; i < tail->n_bits; i++)
        put_bit(c, tail->bytes[i / 8] >> i % 8 & 1);
}

/* On the next bit: 0 goes on with a, 1 with b. */
static void map_branch(struct mapcode *c, const struct mapcode *a,
                       const struct mapcode *b)
{
    map_jump(c, (uint32_t)a->n_bits);
    map_append(c, a);
    map_append(c, b);
}

struct mapcode map_of_test(void)
{
    struct mapcode low = { 0 }, high = { 0 }, v4 = { 0 }, v6 = { 0 },
                   map = { 0 };

    map_match(&low, 7, 0x01); /* 1.2, without its first bit */
    map_match(&low, 8, 0x02);
    map_return(&low, 7);
    map_return(&high, 9);

    map_match(&v4, 5, 0x00); /* ::ffff:0:0/96, without its first three bits */
    for (int i = 1; i < 10; i++)
        map_match(&v4, 8, 0x00);
    map_match(&v4, 8, 0xff);
    map_match(&v4, 8, 0xff);
    map_branch(&v4, &low, &high);

    map_match(&v6, 5, 0x04); /* 0x24, without its first three bits 001 */
    map_return(&v6, 7);

    map_match(&map, 2, 0x00);
    map_branch(&map, &v4, &v6);
    return map;
}

struct ptd_netgroup *netgroup_of_test(void)
{
    struct mapcode c = map_of_test();
    uint8_t *map = malloc(map_bytes(&c));
    struct ptd_netgroup *ng;

    ck_assert_ptr_nonnull(map);
    memcpy(map, c.bytes, map_bytes(&c));
    ck_assert(ptd_netgroup_new(&ng, map, map_bytes(&c)) == PTD_OK);
    return ng;
}
