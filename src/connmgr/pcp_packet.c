#include <config.h>

#include "connmgr/pcp_packet.h"

#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

enum {
    NATPMP_VERSION = 0,
    PCP_VERSION = 2,
    RESPONSE = 0x80, /* bit of the opcode */
    OP_EXTERNAL = 0, /* NAT-PMP */
    OP_MAP = 1,      /* PCP */
    OP_MAP_TCP = 2,  /* NAT-PMP */
    IP_TCP = 6,
    UNSUPP_VERSION = 1,
    NATPMP_HEADER_BYTES = 8 /* of an answer */
};

/* Where the fields of a PCP MAP lie, question and answer alike unless said
 * otherwise. */
enum {
    AT_VERSION = 0,
    AT_OPCODE = 1,
    AT_RESULT = 3, /* answer */
    AT_LIFETIME = 4,
    AT_CLIENT = 8, /* question: our address */
    AT_NONCE = 24,
    AT_PROTOCOL = 36,
    AT_INTERNAL_PORT = 40,
    AT_EXTERNAL_PORT = 42,
    AT_EXTERNAL = 44
};

static enum ptd_err refuse(const char **why, const char *text)
{
    *why = text;
    return PTD_EPROTO;
}

/* ---- PCP ---------------------------------------------------------------- */

void ptd_pcp_map_encode(uint8_t out[PTD_PCP_MAP_BYTES],
                        const struct ptd_portmap_request *ask,
                        const struct ptd_netaddr *internal)
{
    memset(out, 0, PTD_PCP_MAP_BYTES);
    out[AT_VERSION] = PCP_VERSION;
    out[AT_OPCODE] = OP_MAP;
    ptd_put_be32(out + AT_LIFETIME, ask->lifetime_s);
    ptd_netaddr_to_ip16(internal, out + AT_CLIENT);
    memcpy(out + AT_NONCE, ask->nonce, PTD_PCP_NONCE_BYTES);
    out[AT_PROTOCOL] = IP_TCP;
    ptd_put_be16(out + AT_INTERNAL_PORT, ask->port);
    ptd_put_be16(out + AT_EXTERNAL_PORT, ask->port);
    /* RFC 6887 section 11.1: all zeros, in the family that is wished for, if
     * any address will do. */
    ptd_netaddr_to_ip16(&ask->local, out + AT_EXTERNAL);
}

enum ptd_err ptd_pcp_map_decode(struct ptd_pcp_answer *out, const uint8_t *p,
                                size_t n, const struct ptd_portmap_request *ask,
                                const char **why)
{
    /* RFC 6887 appendix A, RFC 6886 section 3.5: how a NAT-PMP gateway answers
     * a version it does not know. */
    if (n == NATPMP_HEADER_BYTES && p[AT_VERSION] == NATPMP_VERSION &&
        p[AT_RESULT] == UNSUPP_VERSION)
        return PTD_EVERSION;
    if (n < PTD_PCP_MAP_BYTES)
        return refuse(why, "Response too small");
    if (p[AT_VERSION] != PCP_VERSION || p[AT_OPCODE] != (RESPONSE | OP_MAP))
        return refuse(why, "Response to wrong command");
    if (memcmp(p + AT_NONCE, ask->nonce, PTD_PCP_NONCE_BYTES) != 0)
        return refuse(why, "Mapping nonce mismatch");
    if (p[AT_PROTOCOL] != IP_TCP ||
        ptd_get_be16(p + AT_INTERNAL_PORT) != ask->port)
        return refuse(why, "Response protocol or port doesn't match request");
    out->result = p[AT_RESULT];
    out->lifetime_s = ptd_get_be32(p + AT_LIFETIME);
    ptd_netaddr_from_ip16(&out->external, p + AT_EXTERNAL,
                          ptd_get_be16(p + AT_EXTERNAL_PORT));
    return PTD_OK;
}

/* ---- NAT-PMP ------------------------------------------------------------ */

void ptd_natpmp_external_encode(uint8_t out[PTD_NATPMP_EXTERNAL_BYTES])
{
    out[0] = NATPMP_VERSION;
    out[1] = OP_EXTERNAL;
}

void ptd_natpmp_map_encode(uint8_t out[PTD_NATPMP_MAP_BYTES],
                           const struct ptd_portmap_request *ask)
{
    memset(out, 0, PTD_NATPMP_MAP_BYTES);
    out[0] = NATPMP_VERSION;
    out[1] = OP_MAP_TCP;
    ptd_put_be16(out + 4, ask->port);
    ptd_put_be16(out + 6, ask->port);
    ptd_put_be32(out + 8, ask->lifetime_s);
}

/* Version, opcode, result, four bytes of the gateway's clock. */
static enum ptd_err natpmp_header(struct ptd_pcp_answer *out, const uint8_t *p,
                                  size_t n, size_t want, unsigned opcode,
                                  const char **why)
{
    if (n < want)
        return refuse(why, "Response too small");
    if (p[0] != NATPMP_VERSION || p[1] != (RESPONSE | opcode))
        return refuse(why, "Response to wrong command");
    out->result = ptd_get_be16(p + 2);
    return PTD_OK;
}

enum ptd_err ptd_natpmp_external_decode(struct ptd_pcp_answer *out,
                                        const uint8_t *p, size_t n,
                                        const struct ptd_portmap_request *ask,
                                        const char **why)
{
    enum ptd_err e =
        natpmp_header(out, p, n, NATPMP_HEADER_BYTES + 4, OP_EXTERNAL, why);

    (void)ask;
    return e != PTD_OK ? e
                       : ptd_netaddr_set(&out->external, PTD_NET_IPV4,
                                         p + NATPMP_HEADER_BYTES, 4, 0);
}

enum ptd_err
ptd_natpmp_map_decode(struct ptd_pcp_answer *out, const uint8_t *p, size_t n,
                      const struct ptd_portmap_request *ask, const char **why)
{
    enum ptd_err e =
        natpmp_header(out, p, n, NATPMP_HEADER_BYTES + 8, OP_MAP_TCP, why);

    if (e != PTD_OK)
        return e;
    if (ptd_get_be16(p + NATPMP_HEADER_BYTES) != ask->port)
        return refuse(why, "Response port doesn't match request");
    out->external.port = ptd_get_be16(p + NATPMP_HEADER_BYTES + 2);
    out->lifetime_s = ptd_get_be32(p + NATPMP_HEADER_BYTES + 4);
    return PTD_OK;
}

/* ---- results ------------------------------------------------------------ */

const char *ptd_pcp_result_name(enum ptd_portmap_protocol protocol,
                                unsigned result)
{
    static const char *const pcp[] = {
        "SUCCESS",           "UNSUPP_VERSION",        "NOT_AUTHORIZED",
        "MALFORMED_REQUEST", "UNSUPP_OPCODE",         "UNSUPP_OPTION",
        "MALFORMED_OPTION",  "NETWORK_FAILURE",       "NO_RESOURCES",
        "UNSUPP_PROTOCOL",   "USER_EX_QUOTA",         "CANNOT_PROVIDE_EXTERNAL",
        "ADDRESS_MISMATCH",  "EXCESSIVE_REMOTE_PEER",
    };
    static const char *const natpmp[] = {
        "SUCCESS",         "UNSUPP_VERSION", "NOT_AUTHORIZED",
        "NETWORK_FAILURE", "NO_RESOURCES",   "UNSUPP_OPCODE",
    };

    if (protocol == PTD_PORTMAP_PCP)
        return result < PTD_COUNT(pcp) ? pcp[result] : "(unknown)";
    return result < PTD_COUNT(natpmp) ? natpmp[result] : "(unknown)";
}
