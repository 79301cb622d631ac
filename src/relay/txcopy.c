#include <config.h>

#include "relay/txcopy.h"

#include "base/buf.h"
#include "chain/check_block.h"
#include "pentad/wire.h"
#include "wire/encoded.h"

static const struct ptd_codec with_witness = {
    .pver = PTD_PVER_WTXIDRELAY,
    .encoding = PTD_ENC_WITNESS,
};

struct ptd_msg *tx_copy(const struct ptd_tx *tx)
{
    struct ptd_msg *m = ptd_msg_new(PTD_MSG_TX), *copy = NULL;
    struct ptd_buf *buf = NULL;
    enum ptd_err e = PTD_ENOMEM;
    size_t n;

    if (m == NULL)
        return NULL;
    ((struct ptd_msg_tx *)(void *)m)->tx = *tx;
    n = ptd_msg_encoded_bytes(m, &with_witness, &e);
    if (e == PTD_OK && (buf = ptd_buf_new(NULL, n)) != NULL) {
        e = ptd_msg_encode(m, buf->data, n, &n, &with_witness);
        if (e == PTD_OK)
            e = ptd_msg_decode_from(&copy, PTD_MSG_TX, buf->data, n, buf, NULL,
                                    &with_witness, NULL);
        ptd_buf_free(buf);
        if (e != PTD_OK)
            copy = NULL;
    }
    ptd_msg_free(m);
    return copy;
}

size_t tx_memory(const struct ptd_tx *tx)
{
    enum { BLOCKS = 3, OVERHEAD = 64 }; /* allocations, and what each costs */
    size_t n = sizeof(struct ptd_msg_tx) + BLOCKS * OVERHEAD +
               ptd_tx_bytes(tx, PTD_ENC_WITNESS);

    n += tx->n_in * sizeof *tx->in + tx->n_out * sizeof *tx->out;
    for (uint32_t i = 0; i < tx->n_in; i++)
        n += tx->in[i].n_witness * sizeof *tx->in[i].witness;
    return n;
}
