#include <config.h>

#include "base/alloc.h"
#include "crypto/sha256.h"
#include "pentad/msg.h"
#include "wire/tx.h"

/* Hash a transaction of our own: encode it first. */
static enum ptd_err hash_fields(const struct ptd_tx *tx, struct ptd_hash *out,
                                enum ptd_encoding encoding)
{
    struct ptd_writer w;
    uint8_t *form;
    size_t n;

    ptd_writer_init(&w, NULL, 0);
    ptd_write_tx(&w, tx, encoding);
    if (w.err != PTD_OK)
        return w.err;
    n = w.n;
    if ((form = ptd_alloc(n)) == NULL)
        return PTD_ENOMEM;
    ptd_writer_init(&w, form, n);
    ptd_write_tx(&w, tx, encoding);
    if (w.err == PTD_OK)
        ptd_sha256d(out->b, form, n);
    ptd_free(form);
    return w.err;
}

/* Inputs and outputs lie together in the received bytes, behind version,
 * marker and flag; views of even an empty script tell where they end. */
static void hash_without_witness(const struct ptd_tx *tx, struct ptd_hash *out)
{
    const uint8_t *begin = tx->raw.p + 6;
    const uint8_t *end;
    struct ptd_piece piece[3];

    if (tx->n_out > 0)
        end = tx->out[tx->n_out - 1].script.p + tx->out[tx->n_out - 1].script.n;
    else /* behind the last sequence lies the count of outputs, 0 */
        end = tx->in[tx->n_in - 1].script.p + tx->in[tx->n_in - 1].script.n + 5;
    piece[0] = (struct ptd_piece){ tx->raw.p, 4 };
    piece[1] = (struct ptd_piece){ begin, (size_t)(end - begin) };
    piece[2] = (struct ptd_piece){ tx->raw.p + tx->raw.n - 4, 4 };
    ptd_sha256d_pieces(out->b, piece, 3);
}

enum ptd_err ptd_tx_txid(const struct ptd_tx *tx, struct ptd_hash *out)
{
    if (tx->raw.n == 0)
        return hash_fields(tx, out, PTD_ENC_BASE);
    if (tx->has_witness)
        hash_without_witness(tx, out);
    else
        ptd_sha256d(out->b, tx->raw.p, tx->raw.n);
    return PTD_OK;
}

enum ptd_err ptd_tx_wtxid(const struct ptd_tx *tx, struct ptd_hash *out)
{
    /* Without witness both hashes are the same. Source: BIP 141 */
    if (tx->raw.n == 0)
        return hash_fields(
            tx, out, ptd_tx_has_items(tx) ? PTD_ENC_WITNESS : PTD_ENC_BASE);
    ptd_sha256d(out->b, tx->raw.p, tx->raw.n);
    return PTD_OK;
}
