/* pcp_packet.h - the messages of PCP and NAT-PMP, as bytes.
 *
 * Decoders take whatever arrived; what is not the answer to our request is
 * PTD_EPROTO, and *why says, in Bitcoin Core's words, what is wrong with it.
 *
 * Threads  any
 * Source   RFC 6887 sections 7, 11; RFC 6886 section 3
 */
#ifndef PTD_CONNMGR_PCP_PACKET_H
#define PTD_CONNMGR_PCP_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "connmgr/pcp.h"

enum {
    PTD_PCP_MAX_BYTES = 1100, /* of any message */
    PTD_PCP_MAP_BYTES = 60,
    PTD_NATPMP_EXTERNAL_BYTES = 2,
    PTD_NATPMP_MAP_BYTES = 12
};

/* Results of both protocols that mean something to us. */
enum {
    PTD_PCP_SUCCESS = 0,
    PTD_PCP_NOT_AUTHORIZED = 2,
    PTD_PCP_NO_RESOURCES = 8,
    PTD_NATPMP_NO_RESOURCES = 4
};

/* What was answered; of NAT-PMP's two answers each fills its part. */
struct ptd_pcp_answer {
    unsigned result;
    uint32_t lifetime_s;
    struct ptd_netaddr external; /* with port */
};

void ptd_pcp_map_encode(uint8_t out[PTD_PCP_MAP_BYTES],
                        const struct ptd_portmap_request *ask,
                        const struct ptd_netaddr *internal)
    PTD_NONNULL(1, 2, 3);

/* PTD_OK; PTD_EVERSION: a NAT-PMP gateway, which knows no PCP; PTD_EPROTO. */
PTD_MUST_USE enum ptd_err
ptd_pcp_map_decode(struct ptd_pcp_answer *out, const uint8_t *p, size_t n,
                   const struct ptd_portmap_request *ask, const char **why)
    PTD_NONNULL(1, 2, 4, 5);

void ptd_natpmp_external_encode(uint8_t out[PTD_NATPMP_EXTERNAL_BYTES])
    PTD_NONNULL(1);
void ptd_natpmp_map_encode(uint8_t out[PTD_NATPMP_MAP_BYTES],
                           const struct ptd_portmap_request *ask)
    PTD_NONNULL(1, 2);

/* PTD_OK: external's address, result; PTD_EPROTO. */
PTD_MUST_USE enum ptd_err
ptd_natpmp_external_decode(struct ptd_pcp_answer *out, const uint8_t *p,
                           size_t n, const struct ptd_portmap_request *ask,
                           const char **why) PTD_NONNULL(1, 2, 4, 5);

/* PTD_OK: external's port, result, lifetime; PTD_EPROTO. */
PTD_MUST_USE enum ptd_err
ptd_natpmp_map_decode(struct ptd_pcp_answer *out, const uint8_t *p, size_t n,
                      const struct ptd_portmap_request *ask, const char **why)
    PTD_NONNULL(1, 2, 4, 5);

/* "NO_RESOURCES"; "(unknown)". */
const char *ptd_pcp_result_name(enum ptd_portmap_protocol protocol,
                                unsigned result);

#endif /* PTD_CONNMGR_PCP_PACKET_H */
