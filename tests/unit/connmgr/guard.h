/* guard.h - what the tests of bans, eviction, limits and port mapping share. */
#ifndef PTD_TESTS_CONNMGR_GUARD_H
#define PTD_TESTS_CONNMGR_GUARD_H

#include <check.h>
#include <stdbool.h>

#include "net/subnet.h"
#include "pentad/netaddr.h"

struct ptd_netaddr guard_addr(const char *text);
struct ptd_subnet guard_subnet(const char *text);

/* Keep what is logged from now on, at all levels; ask whether it holds a text;
 * stop, forget. */
void guard_log_begin(void);
bool guard_log_has(const char *text);
void guard_log_end(void);

TCase *banlist_case(void);
TCase *discourage_case(void);
TCase *evict_case(void);
TCase *gateway_case(void);
TCase *inlimit_case(void);
TCase *pcp_case(void);
TCase *portmap_case(void);

#endif /* PTD_TESTS_CONNMGR_GUARD_H */
