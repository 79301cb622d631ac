#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addrmgr/asmap.h"
#include "base/util.h"
#include "check_addrmgr.h"

static bool is_sane(const struct mapcode *c)
{
    return ptd_asmap_is_sane(c->bytes, map_bytes(c), 128);
}

static uint32_t look_up(const struct mapcode *c, const char *address)
{
    struct ptd_netaddr na = na_of(address);
    uint8_t ip[16];

    ck_assert(ptd_netaddr_to_ip16(&na, ip));
    return ptd_asmap_lookup(c->bytes, map_bytes(c), ip);
}

static const struct {
    const char *address;
    uint32_t as;
} answers[] = {
    { "1.2.0.0", 7 },          { "1.2.255.255", 7 },  { "1.3.0.0", 0 },
    { "127.0.0.1", 0 },        { "128.0.0.0", 9 },    { "255.255.255.255", 9 },
    { "2400::", 7 },           { "24ff:ffff::1", 7 }, { "2500::", 0 },
    { "::1.2.0.0", 0 },        { "8000::", 0 },       { "2001:db8::1", 0 },
    { "::ffff:1:1.2.3.4", 0 },
};

START_TEST(lookup_follows_the_map)
{
    struct mapcode c = map_of_test();

    ck_assert(is_sane(&c));
    ck_assert_msg(look_up(&c, answers[_i].address) == answers[_i].as, "%s",
                  answers[_i].address);
}
END_TEST

static const uint32_t numbers[] = {
    1,     2,     32767,  32768,   32769,    98304,    98305,
    65536, 65537, 400000, 4200000, 16777216, 33521664,
};

START_TEST(every_number_comes_back)
{
    struct mapcode c = { 0 };

    map_return(&c, numbers[_i]);
    ck_assert(is_sane(&c));
    ck_assert_uint_eq(look_up(&c, "1.2.3.4"), numbers[_i]);
}
END_TEST

START_TEST(default_answers_where_a_match_fails)
{
    struct mapcode c = { 0 };

    map_default(&c, 5);
    map_match(&c, 8, 0x24);
    map_default(&c, 6);
    map_match(&c, 8, 0x01);
    map_return(&c, 4);
    ck_assert(is_sane(&c));
    ck_assert_uint_eq(look_up(&c, "2501::"), 5);
    ck_assert_uint_eq(look_up(&c, "2402::"), 6);
    ck_assert_uint_eq(look_up(&c, "2401::"), 4);
}
END_TEST

/* ---- what is not sane ------------------------------------------------ */

static void nothing(struct mapcode *c)
{
    (void)c;
}

static void no_answer(struct mapcode *c)
{
    map_match(c, 8, 1);
}

static void default_before_answer(struct mapcode *c)
{
    map_default(c, 1);
    map_return(c, 2);
}

static void two_defaults(struct mapcode *c)
{
    map_default(c, 1);
    map_default(c, 2);
    map_match(c, 8, 1);
    map_return(c, 2);
}

static void two_short_matches(struct mapcode *c)
{
    map_match(c, 3, 1);
    map_match(c, 4, 1);
    map_return(c, 2);
}

static void too_many_bits(struct mapcode *c)
{
    for (int i = 0; i < 17; i++)
        map_match(c, 8, 1);
    map_return(c, 2);
}

static void jump_into_an_instruction(struct mapcode *c)
{
    map_jump(c, (uint32_t)map_return_bits(1) + 3);
    map_return(c, 1);
    map_return(c, 2);
}

static void jump_over_the_end(struct mapcode *c)
{
    map_jump(c, 1000);
    map_return(c, 1);
    map_return(c, 2);
}

static void code_that_none_reaches(struct mapcode *c)
{
    map_jump(c, 2 * (uint32_t)map_return_bits(1));
    map_return(c, 1);
    map_return(c, 2);
    map_return(c, 3);
}

static void crossing_jumps(struct mapcode *c)
{
    map_jump(c, (uint32_t)map_return_bits(1) + 7);
    map_jump(c, 2 * (uint32_t)map_return_bits(1));
    map_return(c, 1);
    map_return(c, 2);
    map_return(c, 3);
}

static void one_byte_more(struct mapcode *c)
{
    map_return(c, 1);
    c->n_bits += 8;
}

static void padding_of_ones(struct mapcode *c)
{
    map_return(c, 1); /* 17 bits: one bit is wrong, in the third byte */
    c->bytes[2] |= 0x80;
}

static const struct {
    const char *name;
    void (*make)(struct mapcode *c);
} insane[] = {
    { "nothing", nothing },
    { "no answer", no_answer },
    { "default before answer", default_before_answer },
    { "two defaults", two_defaults },
    { "two short matches", two_short_matches },
    { "more bits than an address has", too_many_bits },
    { "jump into an instruction", jump_into_an_instruction },
    { "jump over the end", jump_over_the_end },
    { "code that none reaches", code_that_none_reaches },
    { "crossing jumps", crossing_jumps },
    { "one byte more", one_byte_more },
    { "padding of ones", padding_of_ones },
};

START_TEST(insane_map_is_refused)
{
    struct mapcode c = { 0 };

    insane[_i].make(&c);
    ck_assert_msg(!is_sane(&c), "%s", insane[_i].name);
}
END_TEST

START_TEST(map_cut_anywhere_is_refused)
{
    struct mapcode c = map_of_test();

    for (size_t n = 0; n < map_bytes(&c); n++)
        ck_assert_msg(!ptd_asmap_is_sane(c.bytes, n, 128), "%zu", n);
}
END_TEST

/* Neither the check nor the look-up reads behind the map or runs for ever; a
 * map that is sane answers. */
START_TEST(any_bytes_are_survived)
{
    uint32_t seed = 7;

    for (int round = 0; round < 20000; round++) {
        size_t n = 1 + lcg(&seed) % 24;
        uint8_t *map = malloc(n), ip[16];

        ck_assert_ptr_nonnull(map);
        for (size_t i = 0; i < n; i++)
            map[i] = (uint8_t)(lcg(&seed) >> 8);
        for (size_t i = 0; i < sizeof ip; i++)
            ip[i] = (uint8_t)(lcg(&seed) >> 8);
        (void)!ptd_asmap_is_sane(map, n, 128);
        (void)ptd_asmap_lookup(map, n, ip);
        free(map);
    }
}
END_TEST

/* ---- files ----------------------------------------------------------- */

START_TEST(file_is_read_and_checked)
{
    struct mapcode c = map_of_test();
    char *dir = rig_mkdir(), *path = rig_path(dir, "map");
    char why[PTD_ASMAP_WHY];
    uint8_t *map;
    size_t n;
    FILE *f;

    ck_assert(ptd_asmap_load(&map, &n, why, path) == PTD_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(why, "Could not find asmap file"));
    ck_assert_ptr_nonnull(strstr(why, path));

    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    ck_assert(ptd_asmap_load(&map, &n, why, path) == PTD_EBADVALUE);
    ck_assert_ptr_nonnull(strstr(why, "Could not parse asmap file"));
    ck_assert_ptr_nonnull(strstr(why, path));

    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fwrite(c.bytes, 1, map_bytes(&c), f);
    fclose(f);
    ck_assert(ptd_asmap_load(&map, &n, why, path) == PTD_OK);
    ck_assert_uint_eq(n, map_bytes(&c));
    ck_assert_mem_eq(map, c.bytes, n);
    free(map);

    ck_assert(ptd_asmap_load(&map, &n, why, dir) == PTD_EIO);
    ck_assert_ptr_nonnull(strstr(why, dir));
    free(path);
    rig_rmdir(dir);
}
END_TEST

Suite *suite_asmap(void)
{
    Suite *s = suite_create("asmap");
    TCase *tc = tcase_create("asmap");

    suite_add_tcase(s, tc);
    tcase_add_loop_test(tc, lookup_follows_the_map, 0, PTD_COUNT(answers));
    tcase_add_loop_test(tc, every_number_comes_back, 0, PTD_COUNT(numbers));
    tcase_add_test(tc, default_answers_where_a_match_fails);
    tcase_add_loop_test(tc, insane_map_is_refused, 0, PTD_COUNT(insane));
    tcase_add_test(tc, map_cut_anywhere_is_refused);
    tcase_add_test(tc, any_bytes_are_survived);
    tcase_add_test(tc, file_is_read_and_checked);
    return s;
}
