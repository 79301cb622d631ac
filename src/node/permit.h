/* permit.h - who may do what: permissions of peers.
 *
 * Threads  any
 * Source   Bitcoin Core's -whitelist, -whitebind, -rpcallowip
 */
#ifndef PTD_NODE_PERMIT_H
#define PTD_NODE_PERMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/subnet.h"
#include "node/args.h"
#include "pentad/attr.h"
#include "pentad/netaddr.h"

enum ptd_permission {
    PTD_MAY_BLOOM = 1 << 1,
    PTD_MAY_RELAY = 1 << 3,
    PTD_MAY_FORCE_RELAY = 1 << 2 | PTD_MAY_RELAY,
    PTD_MAY_MEMPOOL = 1 << 5,
    PTD_MAY_DOWNLOAD = 1 << 6,
    PTD_MAY_NOBAN = 1 << 4 | PTD_MAY_DOWNLOAD,
    PTD_MAY_ADDR = 1 << 7,
    /* None was named: what -whitelistrelay and its kin say. */
    PTD_MAY_IMPLICIT = 1 << 30,
    PTD_MAY_ALL = PTD_MAY_BLOOM | PTD_MAY_FORCE_RELAY | PTD_MAY_MEMPOOL |
                  PTD_MAY_NOBAN | PTD_MAY_ADDR
};

/* The name of the i-th permission that is in the set, in Core's order, as
 * getpeerinfo lists them; NULL behind the last. */
const char *ptd_permission_name(unsigned permissions, size_t i);

/* Of -whitelist. */
struct ptd_whitelist {
    struct ptd_subnet subnet;
    unsigned permissions; /* of enum ptd_permission */
    bool in, out;         /* for whom: who calls us; whom the user named */
};

/* Of -whitebind. */
struct ptd_whitebind {
    struct ptd_netaddr addr;
    unsigned permissions;
};

/* PTD_OK; PTD_EINVAL: why says what is wrong, as Core does. */
PTD_MUST_USE enum ptd_err
ptd_whitelist_parse(struct ptd_whitelist *out, const char *text,
                    struct ptd_complaint *why) PTD_NONNULL(1, 2, 3);
PTD_MUST_USE enum ptd_err
ptd_whitebind_parse(struct ptd_whitebind *out, const char *text,
                    struct ptd_complaint *why) PTD_NONNULL(1, 2, 3);

#endif /* PTD_NODE_PERMIT_H */
