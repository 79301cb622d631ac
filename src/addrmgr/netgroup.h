/* netgroup.h - addresses that one operator is likely to hold are one group.
 *
 * The group decides into which buckets an address may fall, and outbound
 * connections go to different ones. It is the autonomous system if a map was
 * given and knows the address, else a prefix: /16 of IPv4 (also inside 6to4,
 * Teredo, NAT64, translated addresses), /36 of Hurricane Electric's tunnels,
 * /32 of other IPv6, 4 random bits of Tor, I2P and CJDNS. What cannot be
 * routed is one group.
 *
 * Owner    whoever made it; it outlives the tables that use it
 * Threads  any; constant once made
 * NULL     as an object: no map
 * Source   Bitcoin Core's NetGroupManager; btcd's GroupKey
 */
#ifndef PTD_ADDRMGR_NETGROUP_H
#define PTD_ADDRMGR_NETGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/hash.h"
#include "pentad/netaddr.h"

enum { PTD_GROUP_MAX_BYTES = 12 };

/* Compare with ptd_group_is_equal(). Bytes of key behind n are zero. */
struct ptd_group {
    uint8_t n;
    uint8_t key[PTD_GROUP_MAX_BYTES];
};

struct ptd_netgroup;

/* Make one with a map of its own.
 *
 * map      taken, on failure too (from malloc); NULL, 0: no map
 * Returns  PTD_OK; PTD_EBADVALUE: the map is not sane; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_netgroup_new(struct ptd_netgroup **out, uint8_t *map PTD_TAKES, size_t n)
    PTD_NONNULL(1);

/* Takes NULL. */
void ptd_netgroup_free(struct ptd_netgroup *ng PTD_TAKES);

bool ptd_netgroup_has_map(const struct ptd_netgroup *ng);

/* The map's version as in peers.dat; zeros without a map. */
void ptd_netgroup_version(const struct ptd_netgroup *ng, struct ptd_hash *out)
    PTD_NONNULL(2);

/* The autonomous system's number; 0: no map, not mapped, not IPv4 or IPv6. */
uint32_t ptd_netgroup_as(const struct ptd_netgroup *ng,
                         const struct ptd_netaddr *na) PTD_NONNULL(2);

void ptd_netgroup_of(const struct ptd_netgroup *ng, struct ptd_group *out,
                     const struct ptd_netaddr *na) PTD_NONNULL(2, 3);

bool ptd_group_is_equal(const struct ptd_group *a, const struct ptd_group *b)
    PTD_NONNULL(1, 2);

/* The network an address counts for: its own, or IPv4 if it has one inside;
 * PTD_NET_NONE if it cannot be routed. */
enum ptd_net ptd_netgroup_class(const struct ptd_netaddr *na) PTD_NONNULL(1);

/* An address that stands for a source with a name (a DNS seed): never routable,
 * a group of its own. Source: Bitcoin Core's CNetAddr::SetInternal. */
void ptd_netgroup_name_source(struct ptd_netaddr *out, const char *name)
    PTD_NONNULL(1, 2);

#endif /* PTD_ADDRMGR_NETGROUP_H */
