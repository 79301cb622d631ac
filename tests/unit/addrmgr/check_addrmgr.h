/* check_addrmgr.h - the suites of the address manager, and what they share. */
#ifndef PTD_CHECK_ADDRMGR_H
#define PTD_CHECK_ADDRMGR_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#include "addrmgr/addrmgr.h"
#include "pentad/clock.h"

Suite *suite_asmap(void);
Suite *suite_cache(void);
Suite *suite_eclipse(void);
Suite *suite_file(void);
Suite *suite_localaddr(void);
Suite *suite_memory(void);
Suite *suite_netgroup(void);
Suite *suite_relay(void);
Suite *suite_select(void);
Suite *suite_table(void);
Suite *suite_threads(void);
Suite *suite_tried(void);

enum { T0 = 1700000000 }; /* what the clock shows at first */

extern const uint8_t rig_magic[4];

/* A manager on a clock of its own, checked before and after each call. */
struct rig {
    struct ptd_clock *clk;
    struct ptd_addrmgr *m;
};

/* A check costs a walk of the tables: tests with many calls do without. */
enum rig_checks { RIG_CHECK_ALL = 1, RIG_CHECK_NONE = 0 };

struct rig rig_new(enum rig_checks checks);
struct rig rig_new_with(enum rig_checks checks, const struct ptd_netgroup *ng);
void rig_free(struct rig *r);
void rig_pass(struct rig *r, int64_t seconds);

struct ptd_netaddr na_of(const char *text);
struct ptd_netaddr ipv4(uint32_t host, uint16_t port);
struct ptd_addr_entry heard(const struct ptd_netaddr *na, int64_t time_s);

/* Add one that speaks of itself, now. */
size_t rig_add(struct rig *r, const char *text);
/* Add one from a source, seen now. */
size_t rig_add_from(struct rig *r, const struct ptd_netaddr *na,
                    const struct ptd_netaddr *source);
/* Random addresses from random sources: n tries. */
void rig_fill(struct rig *r, size_t n, uint32_t seed);

/* A small generator, the same in every run. */
uint32_t lcg(uint32_t *state);

void ck_sound(struct rig *r);

/* A new directory for files; gone with rig_rmdir(). */
char *rig_mkdir(void);
void rig_rmdir(char *dir);
char *rig_path(const char *dir, const char *name);

/* Instructions of a map, bit by bit. */
struct mapcode {
    size_t n_bits;
    uint8_t bytes[256];
};
void map_return(struct mapcode *c, uint32_t as);
void map_default(struct mapcode *c, uint32_t as);
void map_match(struct mapcode *c, unsigned n_bits, uint32_t pattern);
void map_jump(struct mapcode *c, uint32_t distance);
size_t map_bytes(const struct mapcode *c);
/* In bits: what a jump has to go over. */
size_t map_return_bits(uint32_t as);

/* 1.2.0.0/16 is system 7, 2400::/8 is 7 too, 128.0.0.0/1 of IPv4 is 9, all
 * else is in none. */
struct mapcode map_of_test(void);
struct ptd_netgroup *netgroup_of_test(void);

#endif /* PTD_CHECK_ADDRMGR_H */
