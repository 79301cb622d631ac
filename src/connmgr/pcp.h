/* pcp.h - asking a gateway to map a TCP port: PCP and NAT-PMP.
 *
 * One call is one mapping: requests and answers over UDP, in fixed buffers, in
 * a bounded time. Who answers is the gateway only if the address and port
 * match and, of PCP, the nonce; what else arrives is ignored, and after
 * PTD_PCP_MAX_STRAYS of it the gateway is given up.
 *
 * Threads  any
 * Source   RFC 6887 (PCP), RFC 6886 (NAT-PMP); Bitcoin Core for log texts
 */
#ifndef PTD_CONNMGR_PCP_H
#define PTD_CONNMGR_PCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connmgr/gateway.h"
#include "net/latch.h"
#include "pentad/attr.h"
#include "pentad/err.h"
#include "pentad/netaddr.h"

enum {
    PTD_PCP_PORT = 5351, /* RFC 6887 section 19.1; NAT-PMP's too */
    PTD_PCP_NONCE_BYTES = 12,
    PTD_PCP_TRIES = 3,
    PTD_PCP_TRY_MS = 1000,   /* for one answer */
    PTD_PCP_MAX_STRAYS = 64, /* useless datagrams in one exchange */
    PTD_PORTMAP_TEXT = 2 * PTD_NETADDR_TEXT + 32
};

enum ptd_portmap_protocol { PTD_PORTMAP_NATPMP, PTD_PORTMAP_PCP };

/* What to ask for. */
struct ptd_portmap_request {
    struct ptd_gateway gateway; /* whom, its port included */
    struct ptd_netaddr local;   /* the address to be reached; IPv4 0.0.0.0: the
                                   one that faces the gateway. No port */
    uint16_t port;       /* of TCP, to be reached, and wished for outside */
    uint32_t lifetime_s; /* wished for */
    uint8_t nonce[PTD_PCP_NONCE_BYTES]; /* random; the same at renewals */
    bool knows_refusal; /* NOT_AUTHORIZED is no news any more: told at debug
                           level */
    unsigned tries;     /* >= 1 */
    int try_ms;         /* real time, > 0 */
};

struct ptd_portmap_mapping {
    enum ptd_portmap_protocol protocol;
    struct ptd_netaddr internal, external; /* with ports */
    uint32_t lifetime_s;                   /* as granted: anything */
};

/* Ask for a mapping.
 *
 * stop     set: give up at once
 * Returns  PTD_OK; PTD_EVERSION: the gateway speaks NAT-PMP only (PCP);
 *          PTD_ELIMIT: it says NO_RESOURCES: the port is taken, as a rule;
 *          PTD_EREJECTED: it says no otherwise; PTD_ETIMEOUT: no answer;
 *          PTD_EPROTO: it sends nothing but rubbish; PTD_ECLOSED: stop;
 *          PTD_EINVAL: addresses that do not go together; PTD_EIO
 *          All but PTD_ECLOSED are in the log
 * Blocks   at most tries * try_ms (NAT-PMP: twice that)
 */
PTD_MUST_USE enum ptd_err ptd_pcp_map(struct ptd_portmap_mapping *out,
                                      const struct ptd_portmap_request *ask,
                                      const struct ptd_latch *stop)
    PTD_NONNULL(1, 2, 3);
PTD_MUST_USE enum ptd_err ptd_natpmp_map(struct ptd_portmap_mapping *out,
                                         const struct ptd_portmap_request *ask,
                                         const struct ptd_latch *stop)
    PTD_NONNULL(1, 2, 3);

/* "pcp:1.2.3.4:8333 -> 192.168.0.6:8333 (for 2400s)"; cap at least
 * PTD_PORTMAP_TEXT, or it is cut. Gives out. */
const char *ptd_portmap_format(const struct ptd_portmap_mapping *m, char *out,
                               size_t cap) PTD_NONNULL(1, 2);

#endif /* PTD_CONNMGR_PCP_H */
