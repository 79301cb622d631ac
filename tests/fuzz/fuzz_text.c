/* What reads short inputs of strangers: the v1 header, addresses as text. */
#include <config.h>

#include <string.h>

#include "base/util.h"
#include "pentad/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void header(const uint8_t in[24])
{
    struct ptd_v1_header h, again;
    uint8_t out[24];

    if (ptd_v1_header_decode(&h, in, in) != PTD_OK)
        return;
    ptd_v1_header_encode(&h, out);
    PTD_ASSERT(memcmp(in, out, sizeof out) == 0);
    PTD_ASSERT(ptd_v1_header_decode(&again, out, out) == PTD_OK);
}

static void address(const char *text)
{
    struct ptd_netaddr na, again;
    char out[PTD_NETADDR_TEXT];

    if (ptd_netaddr_parse(&na, text, 8333) != PTD_OK)
        return;
    (void)ptd_netaddr_is_routable(&na);
    (void)ptd_netaddr_network_name(&na);
    ptd_netaddr_format(&na, out, sizeof out);
    PTD_ASSERT(ptd_netaddr_parse(&again, out, 0) == PTD_OK);
    PTD_ASSERT(ptd_netaddr_is_equal(&na, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[300];

    if (size >= 24)
        header(data);
    if (size < sizeof text) {
        memcpy(text, data, size);
        text[size] = '\0';
        address(text);
    }
    return 0;
}
