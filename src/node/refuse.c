/* Requests for services that we do not offer: who asks for one in spite of our
 * version message is sent away, as Bitcoin Core does, and in its words. All on
 * the in thread of the peer that asks. */
#include <config.h>

#include "node/node_int.h"

static bool offers(const struct node_peer *np, uint64_t service)
{
    return (ptd_node_services(np->node) & service) != 0;
}

/* getcfilters, getcfheaders, getcfcheckpt. */
enum ptd_err refuse_cfilter(struct ptd_peer *p, struct ptd_msg *msg, void *arg)
{
    const struct ptd_msg_getcf *m =
        (const struct ptd_msg_getcf *)(const void *)msg;
    const struct node_peer *np = arg;

    if (offers(np, PTD_NODE_COMPACT_FILTERS))
        return PTD_OK;
    ptd_peer_disconnect(p, PTD_EREJECTED,
                        "peer requested unsupported block filter type: %u",
                        m->filter_type);
    return PTD_EREJECTED;
}
