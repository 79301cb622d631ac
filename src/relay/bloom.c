#include <config.h>

#include "relay/bloom.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "chain/script_addr.h"
#include "crypto/murmur3.h"
#include "relay/script.h"

enum { COIN_BYTES = 36 };

enum ptd_err bloom_init(struct bloom *b, const struct ptd_msg_filterload *m)
{
    *b = (struct bloom){
        .n = m->filter.n,
        .n_funcs = m->n_funcs,
        .tweak = m->tweak,
        .flags = m->flags,
    };
    if (b->n == 0)
        return PTD_OK;
    b->bits = ptd_memdup(m->filter.p, m->filter.n);
    return b->bits != NULL ? PTD_OK : PTD_ENOMEM;
}

void bloom_fini(struct bloom *b)
{
    ptd_free(b->bits);
    *b = (struct bloom){ 0 };
}

/* BIP 37: seeds lie 0xfba4c795 apart, from the tweak on. */
static size_t bit_at(const struct bloom *b, uint32_t i, const void *data,
                     size_t n)
{
    const uint32_t seed = i * UINT32_C(0xfba4c795) + b->tweak;

    return ptd_murmur3(seed, data, n) % (b->n * 8);
}

void bloom_add(struct bloom *b, const void *data, size_t n)
{
    for (uint32_t i = 0; i < b->n_funcs && b->n > 0; i++) {
        size_t bit = bit_at(b, i, data, n);

        b->bits[bit / 8] |= (uint8_t)(1U << bit % 8);
    }
}

bool bloom_has(const struct bloom *b, const void *data, size_t n)
{
    for (uint32_t i = 0; i < b->n_funcs && b->n > 0; i++) {
        size_t bit = bit_at(b, i, data, n);

        if ((b->bits[bit / 8] >> bit % 8 & 1) == 0)
            return false;
    }
    return true;
}

/* ---- transactions ---------------------------------------------------- */

/* Does the script push something that is in it? */
static bool has_push(const struct bloom *b, const struct ptd_bytes *script)
{
    struct ptd_bytes data;
    size_t at = 0;
    uint8_t op;

    while (script_next(script, &at, &op, &data))
        if (data.n > 0 && bloom_has(b, data.p, data.n))
            return true;
    return false;
}

static void coin_bytes(uint8_t out[COIN_BYTES], const struct ptd_hash *txid,
                       uint32_t i)
{
    memcpy(out, txid->b, PTD_HASH_BYTES);
    ptd_put_le32(out + PTD_HASH_BYTES, i);
}

static bool pays_to_keys(const struct ptd_bytes *script)
{
    const char *type = ptd_script_type(script->p, script->n);

    return strcmp(type, "pubkey") == 0 || strcmp(type, "multisig") == 0;
}

/* Whoever watches a coin wants to hear when it is spent. */
static void watch(struct bloom *b, const struct ptd_bytes *script,
                  const struct ptd_hash *txid, uint32_t i)
{
    const unsigned update = b->flags & BLOOM_UPDATE_MASK;
    uint8_t coin[COIN_BYTES];

    if (update != BLOOM_UPDATE_ALL &&
        (update != BLOOM_UPDATE_PUBKEY || !pays_to_keys(script)))
        return;
    coin_bytes(coin, txid, i);
    bloom_add(b, coin, sizeof coin);
}

bool bloom_wants(struct bloom *b, const struct ptd_tx *tx,
                 const struct ptd_hash *txid)
{
    bool wants;

    if (b->n == 0)
        return true;
    wants = bloom_has(b, txid->b, PTD_HASH_BYTES);
    for (uint32_t i = 0; i < tx->n_out; i++)
        if (has_push(b, &tx->out[i].script)) {
            wants = true;
            watch(b, &tx->out[i].script, txid, i);
        }
    for (uint32_t i = 0; i < tx->n_in && !wants; i++) {
        uint8_t coin[COIN_BYTES];

        coin_bytes(coin, &tx->in[i].prev.hash, tx->in[i].prev.index);
        wants =
            bloom_has(b, coin, sizeof coin) || has_push(b, &tx->in[i].script);
    }
    return wants;
}
