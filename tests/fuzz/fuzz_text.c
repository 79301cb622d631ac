/* What else reads bytes of strangers: the v1 header (FUZZ_HEADER), addresses
 * as text (FUZZ_NETADDR). */
#include <config.h>

#include "fuzz.h"

#include <string.h>

#include "base/util.h"

static bool is_nul_free(const uint8_t *p, size_t n)
{
    return memchr(p, '\0', n) == NULL;
}

void fuzz_header(const uint8_t *data, size_t size)
{
    static const uint8_t mainnet[4] = { 0xf9, 0xbe, 0xb4, 0xd9 };
    struct ptd_v1_header h;
    uint8_t out[PTD_V1_HEADER_BYTES];
    enum ptd_err err;

    if (size < PTD_V1_HEADER_BYTES)
        return;
    err = ptd_v1_header_decode(&h, data, mainnet);
    PTD_ASSERT(strlen(h.command) <= PTD_COMMAND_BYTES);
    PTD_ASSERT((err == PTD_EMAGIC) == (memcmp(data, mainnet, 4) != 0));
    if (err != PTD_OK)
        return;
    PTD_ASSERT(h.length <= PTD_MAX_PAYLOAD);
    (void)ptd_msg_type_of(h.command, strlen(h.command));
    ptd_v1_header_encode(&h, out);
    PTD_ASSERT(memcmp(data, out, sizeof out) == 0);
}

static void look_at(const struct ptd_netaddr *na)
{
    uint8_t ip[16];
    struct ptd_netaddr back;

    PTD_ASSERT(na->len == ptd_net_addr_bytes(na->net));
    PTD_ASSERT(!ptd_netaddr_is_routable(na) || ptd_netaddr_is_valid(na));
    (void)ptd_netaddr_network_name(na);
    (void)ptd_netaddr_hash(na, 1, 2);
    if (ptd_netaddr_to_ip16(na, ip)) {
        ptd_netaddr_from_ip16(&back, ip, na->port);
        PTD_ASSERT(ptd_netaddr_is_equal(na, &back));
    }
}

void fuzz_netaddr(const uint8_t *data, size_t size)
{
    char text[256], out[PTD_NETADDR_TEXT];
    struct ptd_netaddr na, again;

    if (size == 0 || size >= sizeof text || !is_nul_free(data, size))
        return;
    memcpy(text, data, size);
    text[size] = '\0';
    if (ptd_netaddr_parse(&na, text, 8333) != PTD_OK)
        return;
    look_at(&na);
    ptd_netaddr_format(&na, out, sizeof out);
    PTD_ASSERT(ptd_netaddr_parse(&again, out, 0) == PTD_OK);
    PTD_ASSERT(ptd_netaddr_is_equal(&na, &again));
    PTD_ASSERT(ptd_netaddr_hash(&na, 1, 2) == ptd_netaddr_hash(&again, 1, 2));
    ptd_netaddr_format_host(&na, out, sizeof out);
    PTD_ASSERT(ptd_netaddr_parse(&again, out, na.port) == PTD_OK);
    PTD_ASSERT(ptd_netaddr_is_equal(&na, &again));
}

#if defined FUZZ_HEADER || defined FUZZ_NETADDR
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
#ifdef FUZZ_HEADER
    fuzz_header(data, size);
#else
    fuzz_netaddr(data, size);
#endif
    return 0;
}
#endif
