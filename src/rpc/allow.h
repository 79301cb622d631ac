/* allow.h - which addresses may connect; this room only.
 *
 * Threads  one until the server starts; constant from then on
 * Source   Bitcoin Core's -rpcallowip
 */
#ifndef PTD_RPC_ALLOW_H
#define PTD_RPC_ALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"
#include "rpc/rpc.h"

struct ptd_rpc_subnet {
    uint8_t ip[16]; /* IPv4 is mapped; host bits are 0 */
    uint8_t mask[16];
};

struct ptd_rpc_allow {
    struct ptd_rpc_subnet *v;
    size_t n;
    size_t cap;
};

/* "1.2.3.4", "1.2.3.4/24", "1.2.3.4/255.255.255.0", "::1", "[::1]/64".
 *
 * cjdns    fc00::/8 is no subnet
 */
PTD_MUST_USE bool
ptd_rpc_subnet_parse(struct ptd_rpc_subnet *out, const char *text, bool cjdns)
    PTD_NONNULL(1, 2);
bool ptd_rpc_subnet_has(const struct ptd_rpc_subnet *s, const uint8_t ip[16])
    PTD_NONNULL(1, 2);

/* Loopback, and what the configuration names.
 *
 * Returns  PTD_OK; PTD_EINVAL: why says which is bad; PTD_ENOMEM
 */
PTD_MUST_USE enum ptd_err
ptd_rpc_allow_init(struct ptd_rpc_allow *a, const struct ptd_rpc_config *cfg,
                   struct ptd_rpc_why *why) PTD_NONNULL(1, 2, 3);
void ptd_rpc_allow_fini(struct ptd_rpc_allow *a) PTD_NONNULL(1);
bool ptd_rpc_allow_has(const struct ptd_rpc_allow *a,
                       const struct ptd_netaddr *peer) PTD_NONNULL(1, 2);

#endif /* PTD_RPC_ALLOW_H */
