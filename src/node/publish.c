/* Whoever subscribed hears of blocks and transactions. */
#include <config.h>

#include "node/node_int.h"

enum ptd_err node_publish_start(struct ptd_node *n)
{
    const struct ptd_publisher_config cfg = { .chain = n->chain,
                                              .pub = n->cfg->zmq,
                                              .n_pub = n->cfg->n_zmq };
    enum ptd_err e;

    if (cfg.n_pub == 0)
        return PTD_OK;
    e = ptd_publisher_new(&n->publisher, &cfg);
    if (e == PTD_EINVAL)
        return PTD_OK; /* it has been logged */
    return e == PTD_OK ? ptd_publisher_start(n->publisher) : e;
}

/* Nobody is left who reports. */
void node_publish_stop(struct ptd_node *n)
{
    ptd_publisher_free(n->publisher);
    n->publisher = NULL;
}

void node_publish_tip(struct ptd_node *n, const struct ptd_tip_change *t)
{
    if (n->publisher != NULL)
        ptd_publisher_tip(n->publisher, t);
}

void node_publish_tx_added(struct ptd_node *n, const struct ptd_hash *txid,
                           struct ptd_msg *tx, uint64_t sequence)
{
    if (n->publisher != NULL)
        ptd_publisher_tx_added(n->publisher, txid, tx, sequence);
}

void node_publish_tx_removed(struct ptd_node *n, const struct ptd_hash *txid,
                             uint64_t sequence)
{
    if (n->publisher != NULL)
        ptd_publisher_tx_removed(n->publisher, txid, sequence);
}
