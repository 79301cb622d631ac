#include <config.h>

#include "relay/policy.h"

#include <string.h>

#include "chain/check_block.h"
#include "chain/script_addr.h"
#include "relay/script.h"

enum { MAX_MULTISIG = 3 }; /* keys of one that stands in an output */

/* ---- scripts --------------------------------------------------------- */

static bool only_pushes(const struct ptd_bytes *s)
{
    struct ptd_bytes data;
    uint8_t op = 0;
    size_t at = 0;

    while (script_next(s, &at, &op, &data))
        if (op > SCRIPT_16)
            return false;
    return at == s->n;
}

bool policy_is_unspendable(const struct ptd_bytes *script)
{
    return script->n > POLICY_MAX_SCRIPT ||
           (script->n > 0 && script->p[0] == SCRIPT_RETURN);
}

bool policy_has_valid_ops(const struct ptd_bytes *script)
{
    enum { LAST = 0xba, MAX_PUSH = 520 };
    struct ptd_bytes data = { 0 };
    size_t at = 0;
    uint8_t op = 0;

    while (script_next(script, &at, &op, &data))
        if (op > LAST || data.n > MAX_PUSH)
            return false;
    return at == script->n;
}

/* Keys of a multi-signature script: its last but one operation. */
static unsigned n_keys(const struct ptd_bytes *s)
{
    return s->n >= 2 ? (unsigned)s->p[s->n - 2] - SCRIPT_1 + 1 : 0;
}

/* ---- outputs --------------------------------------------------------- */

static bool is_witness_program(const struct ptd_bytes *s)
{
    enum { MIN = 4, MAX = 42 };

    return s->n >= MIN && s->n <= MAX &&
           (s->p[0] == 0 || (s->p[0] >= SCRIPT_1 && s->p[0] <= SCRIPT_16)) &&
           s->p[1] == s->n - 2;
}

int64_t policy_fee(int64_t rate, uint64_t bytes)
{
    enum { KILO = 1000 };

    if (rate <= 0)
        return 0;
    if (bytes > (uint64_t)(INT64_MAX - KILO) / (uint64_t)rate)
        return INT64_MAX;
    return ((int64_t)bytes * rate + KILO - 1) / KILO;
}

/* It costs more to spend than it is worth. */
static bool is_dust(const struct ptd_tx_out *out)
{
    enum { VALUE = 8, OUTPOINT = 36, SCRIPT_LENGTH = 1, SIG = 107, SEQ = 4 };
    size_t bytes = VALUE + out->script.n;

    if (policy_is_unspendable(&out->script))
        return false;
    bytes += out->script.n < 0xfd ? 1 : 3;
    bytes += OUTPOINT + SCRIPT_LENGTH + SEQ;
    bytes += is_witness_program(&out->script) ? SIG / PTD_WITNESS_SCALE : SIG;
    return out->value < policy_fee(POLICY_DUST_RATE, bytes);
}

static const char *check_outputs(const struct ptd_tx *tx)
{
    size_t n_data = 0, n_dust = 0;

    for (uint32_t i = 0; i < tx->n_out; i++) {
        const struct ptd_bytes *s = &tx->out[i].script;
        const char *type = ptd_script_type(s->p, s->n);

        if (strcmp(type, "nonstandard") == 0 ||
            (strcmp(type, "multisig") == 0 && n_keys(s) > MAX_MULTISIG))
            return "scriptpubkey";
        if (strcmp(type, "nulldata") == 0)
            n_data += s->n;
        if (n_data > POLICY_MAX_DATA)
            return "datacarrier";
        n_dust += is_dust(&tx->out[i]);
    }
    /* One may be: that of a transaction whose child pays and spends it. */
    return n_dust > 1 ? "dust" : NULL;
}

/* ---- all of it ------------------------------------------------------- */

static const char *check_usual(const struct ptd_tx *tx)
{
    uint32_t version = (uint32_t)tx->version;

    if (version < POLICY_MIN_VERSION || version > POLICY_MAX_VERSION)
        return "version";
    if (ptd_tx_weight(tx) > POLICY_MAX_WEIGHT)
        return "tx-size";
    for (uint32_t i = 0; i < tx->n_in; i++) {
        if (tx->in[i].script.n > POLICY_MAX_SCRIPT_SIG)
            return "scriptsig-size";
        if (!only_pushes(&tx->in[i].script))
            return "scriptsig-not-pushonly";
    }
    return check_outputs(tx);
}

const char *policy_check(const struct ptd_tx *tx, const struct policy_place *at,
                         bool *no_memory)
{
    const char *why;

    *no_memory = false;
    if ((why = ptd_tx_check(tx, no_memory)) != NULL)
        return why;
    if (ptd_tx_is_coinbase(tx))
        return "coinbase";
    if ((why = check_usual(tx)) != NULL)
        return why;
    if (ptd_tx_bytes(tx, PTD_ENC_BASE) < POLICY_MIN_BYTES)
        return "tx-size-small";
    return ptd_tx_is_final(tx, at->height, at->median_time) ? NULL
                                                            : "non-final";
}
