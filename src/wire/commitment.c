#include <config.h>

#include "base/alloc.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"
#include "pentad/msg.h"

/* The first bytes of a script that commits to witness data: OP_RETURN, a push
 * of 36 bytes, and a tag. Source: BIP 141 */
static const uint8_t commitment_tag[] = { 0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed };
enum { COMMITMENT_SCRIPT_BYTES = sizeof commitment_tag + PTD_HASH_BYTES };

enum ptd_err ptd_block_merkle_root(const struct ptd_msg_block *b,
                                   struct ptd_hash *out, bool *mutated)
{
    struct ptd_hash *hashes = ptd_alloc_array(b->n_tx, sizeof *hashes);
    enum ptd_err err = PTD_OK;
    bool sound;

    if (hashes == NULL)
        return PTD_ENOMEM;
    for (uint32_t i = 0; i < b->n_tx && err == PTD_OK; i++)
        err = ptd_tx_txid(&b->tx[i], &hashes[i]);
    if (err == PTD_OK) {
        sound = ptd_merkle_root(out, hashes, b->n_tx);
        if (mutated != NULL)
            *mutated = !sound;
    }
    ptd_free(hashes);
    return err;
}

enum ptd_err ptd_block_witness_root(const struct ptd_msg_block *b,
                                    struct ptd_hash *out)
{
    struct ptd_hash *hashes = ptd_alloc_array(b->n_tx, sizeof *hashes);
    enum ptd_err err = PTD_OK;

    if (hashes == NULL)
        return PTD_ENOMEM;
    if (b->n_tx > 0)
        memset(&hashes[0], 0, sizeof hashes[0]);
    for (uint32_t i = 1; i < b->n_tx && err == PTD_OK; i++)
        err = ptd_tx_wtxid(&b->tx[i], &hashes[i]);
    /* Equal neighbours show in the tree of txids already. */
    if (err == PTD_OK)
        (void)!ptd_merkle_root(out, hashes, b->n_tx);
    ptd_free(hashes);
    return err;
}

bool ptd_block_witness_commitment(const struct ptd_msg_block *b,
                                  struct ptd_hash *out)
{
    const struct ptd_tx *coinbase = b->tx;

    /* BIP 141: with several, the last one counts. */
    for (uint32_t i = b->n_tx > 0 ? coinbase->n_out : 0; i-- > 0;) {
        struct ptd_bytes script = coinbase->out[i].script;

        if (script.n >= COMMITMENT_SCRIPT_BYTES &&
            memcmp(script.p, commitment_tag, sizeof commitment_tag) == 0) {
            memcpy(out->b, script.p + sizeof commitment_tag, PTD_HASH_BYTES);
            return true;
        }
    }
    return false;
}

static bool has_witness(const struct ptd_msg_block *b)
{
    for (uint32_t i = 0; i < b->n_tx; i++) {
        for (uint32_t k = 0; k < b->tx[i].n_in; k++) {
            if (b->tx[i].in[k].n_witness > 0)
                return true;
        }
    }
    return false;
}

enum ptd_err ptd_block_check_witness(const struct ptd_msg_block *b)
{
    struct ptd_hash want, root;
    const struct ptd_tx_in *in;
    struct ptd_piece piece[2];
    enum ptd_err err;

    if (!ptd_block_witness_commitment(b, &want))
        return has_witness(b) ? PTD_EBADVALUE : PTD_OK;
    /* BIP 141: the first input's witness is one item of 32 bytes, which is
     * hashed with the root. */
    in = b->tx[0].in;
    if (b->tx[0].n_in == 0 || in->n_witness != 1 ||
        in->witness[0].n != PTD_HASH_BYTES)
        return PTD_EBADVALUE;
    if ((err = ptd_block_witness_root(b, &root)) != PTD_OK)
        return err;
    piece[0] = (struct ptd_piece){ root.b, PTD_HASH_BYTES };
    piece[1] = (struct ptd_piece){ in->witness[0].p, PTD_HASH_BYTES };
    ptd_sha256d_pieces(root.b, piece, 2);
    return ptd_hash_eq(&root, &want) ? PTD_OK : PTD_EBADVALUE;
}
