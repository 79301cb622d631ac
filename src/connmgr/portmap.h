/* portmap.h - keeps our listening port open at the gateway (-natpmp).
 *
 * A thread, "portmap", finds the gateways of IPv4 and IPv6, asks them for a
 * mapping (PCP; of IPv4, NAT-PMP if the gateway knows no PCP), tells what
 * address we have outside, and renews in time; without success it tries again
 * every five minutes. Nothing is unmapped at the end: a lifetime of 40 minutes
 * does that.
 *
 * A gateway is not trusted: it is asked in a bounded time and in fixed buffers,
 * a lifetime above ours counts as ours, one below 30 s as a failure, and an
 * address that is not routable is not told.
 *
 * Owner    ptd_portmap_start() gives one; ptd_portmap_stop()
 * Threads  start and stop: the owner's; one thread of its own
 * Time     the exchange with a gateway takes real time (a poll(2) does); the
 *          waits in between follow the clock
 * Source   Bitcoin Core's mapport; RFC 6887, RFC 6886
 */
#ifndef PTD_CONNMGR_PORTMAP_H
#define PTD_CONNMGR_PORTMAP_H

#include <stddef.h>
#include <stdint.h>

#include "connmgr/gateway.h"
#include "connmgr/pcp.h"
#include "pentad/attr.h"
#include "pentad/clock.h"
#include "pentad/err.h"

struct ptd_portmap;

enum {
    PTD_PORTMAP_LIFETIME_S = 40 * 60, /* asked for */
    PTD_PORTMAP_RETRY_S = 5 * 60,
    PTD_PORTMAP_MAX_IPV6 = 8 /* own addresses that are opened, at most */
};

struct ptd_portmap_config {
    struct ptd_clock *clock; /* borrowed; NULL: the system's time */
    uint16_t port;           /* we listen on */

    /* Called on the portmap thread, no lock held: the world reaches us here.
     * Again at each renewal. */
    void (*mapped)(const struct ptd_netaddr *external, void *arg);

    /* Where gateways are found: as ptd_gateway_find() and
     * ptd_gateway_local_ipv6(), which NULL stands for. A port of 0 is
     * PTD_PCP_PORT. Called on the portmap thread. */
    enum ptd_err (*find)(struct ptd_gateway *out, enum ptd_net net, void *arg);
    size_t (*local_ipv6)(struct ptd_netaddr *out, size_t cap, void *arg);

    void *arg; /* of the three */
};

/* Start the thread.
 *
 * Returns  PTD_OK; PTD_ENOMEM; PTD_ELIMIT: no descriptor; PTD_EAGAIN: no thread
 */
PTD_MUST_USE enum ptd_err
ptd_portmap_start(struct ptd_portmap **out,
                  const struct ptd_portmap_config *cfg) PTD_NONNULL(1, 2);

/* End the thread, join it, free. Takes NULL.
 *
 * Blocks   until a callback that runs has returned; no request is waited for
 */
void ptd_portmap_stop(struct ptd_portmap *p PTD_TAKES);

#endif /* PTD_CONNMGR_PORTMAP_H */
