/* Without libzmq: a publisher that cannot be had. Whoever wishes for one has
 * been told so when the options were read. */
#include <config.h>

#include "zmq/publisher.h"

enum ptd_err ptd_publisher_new(struct ptd_publisher **out,
                               const struct ptd_publisher_config *cfg)
{
    (void)out;
    (void)cfg;
    return PTD_EINVAL;
}

/* There is nothing that these could be called with. */

enum ptd_err ptd_publisher_start(struct ptd_publisher *p)
{
    (void)p;
    return PTD_EINVAL;
}

void ptd_publisher_free(struct ptd_publisher *p)
{
    (void)p;
}

bool ptd_publisher_at(const struct ptd_publisher *p, size_t i,
                      struct ptd_zmq_pub *out)
{
    (void)p;
    (void)i;
    (void)out;
    return false;
}

void ptd_publisher_tip(struct ptd_publisher *p, const struct ptd_tip_change *t)
{
    (void)p;
    (void)t;
}

void ptd_publisher_tx_added(struct ptd_publisher *p,
                            const struct ptd_hash *txid, struct ptd_msg *tx,
                            uint64_t sequence)
{
    (void)p;
    (void)txid;
    (void)tx;
    (void)sequence;
}

void ptd_publisher_tx_removed(struct ptd_publisher *p,
                              const struct ptd_hash *txid, uint64_t sequence)
{
    (void)p;
    (void)txid;
    (void)sequence;
}
