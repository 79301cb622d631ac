#include <config.h>

#include "node/rpc_tx.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hex.h"
#include "base/util.h"
#include "chain/check_block.h"
#include "chain/script_addr.h"
#include "wire/tx.h"
#include "wire/writer.h"

static json_t *hex_of(const struct ptd_bytes *b)
{
    return ptd_json_hex(b->p, b->n);
}

/* ---- inputs ----------------------------------------------------------------- */

static json_t *script_sig(const struct ptd_bytes *script)
{
    json_t *o = json_object();

    ptd_json_set(&o, "asm",
                 rpc_script_asm(script->p, script->n, RPC_SCRIPT_SPENDS));
    ptd_json_set(&o, "hex", hex_of(script));
    return o;
}

static json_t *witness_of(const struct ptd_tx_in *in)
{
    json_t *list = json_array();

    for (size_t i = 0; i < in->n_witness; i++)
        ptd_json_append(&list, hex_of(&in->witness[i]));
    return list;
}

static json_t *input(const struct ptd_tx_in *in, bool is_coinbase)
{
    json_t *o = json_object();

    if (is_coinbase) {
        ptd_json_set(&o, "coinbase", hex_of(&in->script));
    } else {
        ptd_json_set(&o, "txid", ptd_json_hash(&in->prev.hash));
        ptd_json_set(&o, "vout", json_integer(in->prev.index));
        ptd_json_set(&o, "scriptSig", script_sig(&in->script));
    }
    if (in->n_witness > 0)
        ptd_json_set(&o, "txinwitness", witness_of(in));
    ptd_json_set(&o, "sequence", json_integer(in->sequence));
    return o;
}

/* ---- outputs ---------------------------------------------------------------- */

static json_t *script_pub_key(const struct ptd_params *params,
                              const struct ptd_bytes *s)
{
    const char *type = ptd_script_type(s->p, s->n);
    char address[PTD_ADDRESS_SIZE];
    json_t *o = json_object();

    ptd_json_set(&o, "asm", rpc_script_asm(s->p, s->n, RPC_SCRIPT_PAYS));
    ptd_json_set(&o, "desc", rpc_script_descriptor(params, s->p, s->n));
    ptd_json_set(&o, "hex", hex_of(s));
    if (ptd_address_encode(address, params, s->p, s->n))
        ptd_json_set(&o, "address", json_string(address));
    ptd_json_set(&o, "type", json_string(type));
    return o;
}

static json_t *output(const struct ptd_params *params,
                      const struct ptd_tx_out *out, uint32_t i)
{
    json_t *o = json_object();

    ptd_json_set(&o, "value", ptd_json_amount(out->value));
    ptd_json_set(&o, "n", json_integer(i));
    ptd_json_set(&o, "scriptPubKey", script_pub_key(params, &out->script));
    return o;
}

/* ---- all of it --------------------------------------------------------------- */

json_t *rpc_tx_hex(const struct ptd_tx *tx)
{
    const size_t n = ptd_tx_bytes(tx, PTD_ENC_WITNESS);
    uint8_t *raw = ptd_alloc(n);
    struct ptd_writer w;
    json_t *hex = NULL;

    if (raw == NULL)
        return NULL;
    ptd_writer_init(&w, raw, n);
    ptd_write_tx(&w, tx, PTD_ENC_WITNESS);
    if (w.err == PTD_OK)
        hex = ptd_json_hex(raw, n);
    ptd_free(raw);
    return hex;
}

static void set_parts(json_t **o, const struct ptd_params *params,
                      const struct ptd_tx *tx)
{
    const bool is_coinbase = ptd_tx_is_coinbase(tx);
    json_t *in = json_array(), *out = json_array();

    for (uint32_t i = 0; i < tx->n_in; i++)
        ptd_json_append(&in, input(&tx->in[i], is_coinbase));
    for (uint32_t i = 0; i < tx->n_out; i++)
        ptd_json_append(&out, output(params, &tx->out[i], i));
    ptd_json_set(o, "vin", in);
    ptd_json_set(o, "vout", out);
}

void rpc_set_tx(json_t **o, const struct ptd_params *params,
                const struct ptd_tx *tx)
{
    const size_t weight = ptd_tx_weight(tx);
    struct ptd_hash txid, wtxid;
    bool has_ids =
        ptd_tx_txid(tx, &txid) == PTD_OK && ptd_tx_wtxid(tx, &wtxid) == PTD_OK;

    ptd_json_set(o, "txid", has_ids ? ptd_json_hash(&txid) : NULL);
    ptd_json_set(o, "hash", has_ids ? ptd_json_hash(&wtxid) : NULL);
    ptd_json_set(o, "version", json_integer((uint32_t)tx->version));
    ptd_json_set(o, "size", rpc_u64(ptd_tx_bytes(tx, PTD_ENC_WITNESS)));
    ptd_json_set(o, "vsize",
                 rpc_u64((weight + PTD_WITNESS_SCALE - 1) / PTD_WITNESS_SCALE));
    ptd_json_set(o, "weight", rpc_u64(weight));
    ptd_json_set(o, "locktime", json_integer(tx->lock_time));
    set_parts(o, params, tx);
}

void rpc_set_tx_hex(json_t **o, const struct ptd_tx *tx)
{
    ptd_json_set(o, "hex", rpc_tx_hex(tx));
}

struct ptd_msg *rpc_tx_from_hex(const char *hex, enum ptd_encoding encoding)
{
    const struct ptd_codec cx = { .pver = PTD_PVER_WTXIDRELAY,
                                  .encoding = encoding,
                                  .strict = true };
    const size_t cap = strlen(hex) / 2;
    uint8_t *raw = ptd_alloc(cap);
    struct ptd_msg *m = NULL;
    size_t n;

    if (raw != NULL && ptd_hex_decode(raw, cap, &n, hex) &&
        ptd_msg_decode(&m, PTD_MSG_TX, raw, n, &cx, NULL) != PTD_OK)
        m = NULL;
    ptd_free(raw);
    return m;
}

struct ptd_msg *rpc_tx_from_any_hex(const char *hex)
{
    static const enum ptd_encoding forms[] = { PTD_ENC_WITNESS, PTD_ENC_BASE };

    for (size_t i = 0; i < PTD_COUNT(forms); i++) {
        struct ptd_msg *m = rpc_tx_from_hex(hex, forms[i]);

        if (m != NULL && rpc_tx_of(m)->n_in > 0)
            return m;
        ptd_msg_free(m);
    }
    return NULL;
}
