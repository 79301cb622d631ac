#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "chain/check_block.h"
#include "chain/opcode.h"
#include "wire/tx.h"

enum {
    COINBASE_SCRIPT_MIN = 2,
    COINBASE_SCRIPT_MAX = 100,
    FEW_INPUTS = 8, /* compared each with each, without memory */
    SIGOPS_PER_MULTISIG = 20
};

/* ---- sizes ---------------------------------------------------------- */

size_t ptd_tx_bytes(const struct ptd_tx *tx, enum ptd_encoding encoding)
{
    struct ptd_writer w;

    /* Without witness items both encodings are the same. */
    if (!ptd_tx_has_items(tx))
        encoding = PTD_ENC_BASE;
    ptd_writer_init(&w, NULL, 0);
    ptd_write_tx(&w, tx, encoding);
    return w.n;
}

size_t ptd_tx_weight(const struct ptd_tx *tx)
{
    return ptd_tx_bytes(tx, PTD_ENC_BASE) * (PTD_WITNESS_SCALE - 1) +
           ptd_tx_bytes(tx, PTD_ENC_WITNESS);
}

/* ---- structure ------------------------------------------------------ */

static bool is_null(const struct ptd_outpoint *o)
{
    return o->index == UINT32_MAX && ptd_hash_is_zero(&o->hash);
}

bool ptd_tx_is_coinbase(const struct ptd_tx *tx)
{
    return tx->n_in == 1 && is_null(&tx->in[0].prev);
}

static const char *check_values(const struct ptd_tx *tx)
{
    int64_t total = 0;

    for (uint32_t i = 0; i < tx->n_out; i++) {
        int64_t value = tx->out[i].value;

        if (value < 0)
            return "bad-txns-vout-negative";
        if (value > PTD_MAX_MONEY)
            return "bad-txns-vout-toolarge";
        total += value; /* both at most PTD_MAX_MONEY: no overflow */
        if (total > PTD_MAX_MONEY)
            return "bad-txns-txouttotal-toolarge";
    }
    return NULL;
}

static int compare_prev(const struct ptd_outpoint *a,
                        const struct ptd_outpoint *b)
{
    int c = memcmp(&a->hash, &b->hash, sizeof a->hash);

    return c != 0 ? c : (a->index > b->index) - (a->index < b->index);
}

static int compare_inputs(const void *a, const void *b)
{
    return compare_prev(*(const struct ptd_outpoint *const *)a,
                        *(const struct ptd_outpoint *const *)b);
}

static bool few_repeat(const struct ptd_tx *tx)
{
    for (uint32_t i = 1; i < tx->n_in; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (compare_prev(&tx->in[i].prev, &tx->in[k].prev) == 0)
                return true;
        }
    }
    return false;
}

/* CVE-2018-17144: does it spend a coin twice? */
static bool inputs_repeat(const struct ptd_tx *tx, bool *no_memory)
{
    const struct ptd_outpoint **sorted;
    bool found = false;

    if (tx->n_in <= FEW_INPUTS)
        return few_repeat(tx);
    sorted = ptd_alloc_array(tx->n_in, sizeof *sorted);
    if (sorted == NULL) {
        *no_memory = true;
        return false;
    }
    for (uint32_t i = 0; i < tx->n_in; i++)
        sorted[i] = &tx->in[i].prev;
    qsort(sorted, tx->n_in, sizeof *sorted, compare_inputs);
    for (uint32_t i = 1; i < tx->n_in && !found; i++)
        found = compare_prev(sorted[i - 1], sorted[i]) == 0;
    ptd_free(sorted);
    return found;
}

static const char *check_nulls(const struct ptd_tx *tx)
{
    if (ptd_tx_is_coinbase(tx)) {
        size_t n = tx->in[0].script.n;

        return n < COINBASE_SCRIPT_MIN || n > COINBASE_SCRIPT_MAX
                   ? "bad-cb-length"
                   : NULL;
    }
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (is_null(&tx->in[i].prev))
            return "bad-txns-prevout-null";
    }
    return NULL;
}

const char *ptd_tx_check(const struct ptd_tx *tx, bool *no_memory)
{
    bool failed = false;
    const char *reason;

    if (no_memory != NULL)
        *no_memory = false;
    if (tx->n_in == 0)
        return "bad-txns-vin-empty";
    if (tx->n_out == 0)
        return "bad-txns-vout-empty";
    if (ptd_tx_bytes(tx, PTD_ENC_BASE) * PTD_WITNESS_SCALE >
        PTD_MAX_BLOCK_WEIGHT)
        return "bad-txns-oversize";
    if ((reason = check_values(tx)) != NULL)
        return reason;
    if (inputs_repeat(tx, &failed))
        return "bad-txns-inputs-duplicate";
    if (failed) {
        if (no_memory != NULL)
            *no_memory = true;
        return "";
    }
    return check_nulls(tx);
}

bool ptd_tx_is_final(const struct ptd_tx *tx, uint32_t height, int64_t time)
{
    int64_t limit = tx->lock_time < PTD_LOCKTIME_THRESHOLD ? height : time;

    if (tx->lock_time == 0 || tx->lock_time < limit)
        return true;
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (tx->in[i].sequence != UINT32_MAX)
            return false;
    }
    return true;
}

/* ---- signature operations ------------------------------------------- */

/* Bytes that a push takes, behind its opcode; false if the script ends
 * before. */
static bool push_bytes(const uint8_t *at, size_t left, size_t *n)
{
    size_t prefix = 0, data = at[0];

    left--;
    if (at[0] == OP_PUSHDATA1)
        prefix = 1;
    else if (at[0] == OP_PUSHDATA2)
        prefix = 2;
    else if (at[0] == OP_PUSHDATA4)
        prefix = 4;
    if (left < prefix)
        return false;
    if (prefix == 1)
        data = at[1];
    else if (prefix == 2)
        data = ptd_get_le16(at + 1);
    else if (prefix == 4)
        data = ptd_get_le32(at + 1);
    *n = prefix + data;
    return data <= left - prefix;
}

uint32_t ptd_script_sigops(const uint8_t *script, size_t n)
{
    uint32_t ops = 0;

    for (size_t at = 0; at < n; at++) {
        size_t skip;

        switch (script[at]) {
        case OP_CHECKSIG:
        case OP_CHECKSIGVERIFY: ops++; break;
        case OP_CHECKMULTISIG:
        case OP_CHECKMULTISIGVERIFY: ops += SIGOPS_PER_MULTISIG; break;
        default:
            if (script[at] > OP_PUSHDATA4)
                break;
            if (!push_bytes(script + at, n - at, &skip))
                return ops; /* nothing behind a broken push counts */
            at += skip;
        }
    }
    return ops;
}

uint32_t ptd_tx_legacy_sigops(const struct ptd_tx *tx)
{
    uint32_t ops = 0;

    for (uint32_t i = 0; i < tx->n_in; i++)
        ops += ptd_script_sigops(tx->in[i].script.p, tx->in[i].script.n);
    for (uint32_t i = 0; i < tx->n_out; i++)
        ops += ptd_script_sigops(tx->out[i].script.p, tx->out[i].script.n);
    return ops;
}
