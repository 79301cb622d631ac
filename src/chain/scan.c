#include <config.h>

#include "chain/scan.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "chain/opcode.h"
#include "crypto/siphash.h"
#include "wire/codec.h"
#include "wire/tx.h"

enum {
    SCRIPT_MAX = 10000, /* of an output that can be spent */
    FIRST_BUCKETS = 1024
};

/* Found so far. Those that were spent are marked, and taken out at the end. */
struct coin {
    struct ptd_scan_coin c;
    bool is_spent;
    size_t next; /* of its bucket, plus one; 0: the last */
};

struct scan {
    const struct ptd_scan_script *script;
    size_t n_scripts;
    struct coin *coin;
    size_t n, cap;
    size_t *bucket; /* heads, plus one; 0: none */
    size_t n_buckets;
    uint64_t k0, k1; /* others choose transaction ids */
    uint64_t n_outputs;
};

/* ---- coins, by transaction and index -------------------------------- */

static size_t *bucket_of(struct scan *s, const struct ptd_hash *txid)
{
    return &s->bucket[ptd_siphash24_hash(s->k0, s->k1, txid) &
                      (s->n_buckets - 1)];
}

static enum ptd_err more_buckets(struct scan *s)
{
    size_t n = s->n_buckets > 0 ? 2 * s->n_buckets : FIRST_BUCKETS;
    size_t *bucket = ptd_calloc(n, sizeof *bucket);

    if (bucket == NULL)
        return PTD_ENOMEM;
    ptd_free(s->bucket);
    s->bucket = bucket;
    s->n_buckets = n;
    for (size_t i = 0; i < s->n; i++) {
        size_t *head = bucket_of(s, &s->coin[i].c.txid);

        s->coin[i].next = *head;
        *head = i + 1;
    }
    return PTD_OK;
}

static enum ptd_err add_coin(struct scan *s, const struct ptd_scan_coin *c)
{
    struct coin *grown =
        ptd_array_grow(s->coin, &s->cap, s->n + 1, sizeof *grown);
    size_t *head;

    if (grown == NULL)
        return PTD_ENOMEM;
    s->coin = grown;
    if (s->n >= s->n_buckets && more_buckets(s) != PTD_OK)
        return PTD_ENOMEM;
    head = bucket_of(s, &c->txid);
    s->coin[s->n] = (struct coin){ .c = *c, .next = *head };
    *head = ++s->n;
    return PTD_OK;
}

static void spend(struct scan *s, const struct ptd_outpoint *at)
{
    s->n_outputs -= s->n_outputs > 0; /* nobody checked that it is there */
    if (s->n_buckets == 0)
        return;
    for (size_t i = *bucket_of(s, &at->hash); i != 0; i = s->coin[i - 1].next) {
        struct coin *c = &s->coin[i - 1];

        if (c->c.index == at->index && ptd_hash_eq(&c->c.txid, &at->hash))
            c->is_spent = true;
    }
}

/* ---- blocks --------------------------------------------------------- */

/* n_scripts: it is none of them. */
static size_t find_script(const struct scan *s, const struct ptd_bytes *script)
{
    size_t i = 0;

    while (
        i < s->n_scripts &&
        (s->script[i].n != script->n ||
         (script->n > 0 && memcmp(s->script[i].p, script->p, script->n) != 0)))
        i++;
    return i;
}

static enum ptd_err add_outputs(struct scan *s, const struct ptd_tx *tx,
                                uint32_t height)
{
    struct ptd_scan_coin c = { .height = height,
                               .coinbase = ptd_tx_is_coinbase(tx) };
    bool has_txid = false;

    for (uint32_t i = 0; i < tx->n_out; i++) {
        const struct ptd_tx_out *o = &tx->out[i];

        if (o->script.n > SCRIPT_MAX ||
            (o->script.n > 0 && o->script.p[0] == OP_RETURN))
            continue;
        s->n_outputs++;
        c.script = find_script(s, &o->script);
        if (c.script == s->n_scripts)
            continue;
        if (!has_txid && ptd_tx_txid(tx, &c.txid) != PTD_OK)
            return PTD_ENOMEM;
        has_txid = true;
        c.index = i;
        c.value = o->value;
        if (add_coin(s, &c) != PTD_OK)
            return PTD_ENOMEM;
    }
    return PTD_OK;
}

static enum ptd_err scan_block(struct scan *s, const struct ptd_msg_block *b,
                               uint32_t height)
{
    enum ptd_err e = PTD_OK;

    for (uint32_t i = 0; e == PTD_OK && i < b->n_tx; i++) {
        const struct ptd_tx *tx = &b->tx[i];

        for (uint32_t k = 0; !ptd_tx_is_coinbase(tx) && k < tx->n_in; k++)
            spend(s, &tx->in[k].prev);
        e = add_outputs(s, tx, height);
    }
    return e;
}

/* The genesis block's output is none: nobody can spend it. */
static enum ptd_err scan_all(struct scan *s, struct ptd_blockchain *c,
                             const struct ptd_header_info *tip,
                             const atomic_bool *stop, atomic_uint *percent)
{
    struct ptd_headers *headers = ptd_blockchain_headers(c);
    enum ptd_err e = PTD_OK;

    atomic_store_explicit(percent, tip->height == 0 ? 100 : 0,
                          memory_order_relaxed);
    for (uint32_t h = 1; e == PTD_OK && h <= tip->height; h++) {
        struct ptd_header_info at;
        struct ptd_msg *m;

        if (atomic_load_explicit(stop, memory_order_relaxed))
            return PTD_ECLOSED;
        if (!ptd_headers_ancestor(headers, &at, &tip->hash, h))
            return PTD_EIO;
        if ((e = ptd_blockchain_read_block(c, &m, &at.hash)) != PTD_OK)
            return e;
        e = scan_block(s, PTD_MSG_CONST(block, m), h);
        ptd_msg_free(m);
        atomic_store_explicit(percent,
                              (unsigned)((uint64_t)h * 100 / tip->height),
                              memory_order_relaxed);
    }
    return e;
}

static enum ptd_err give(const struct scan *s, struct ptd_scan_result *out)
{
    out->n_outputs = s->n_outputs;
    out->n = 0;
    out->coin = ptd_alloc_array(s->n, sizeof *out->coin);
    if (out->coin == NULL)
        return PTD_ENOMEM;
    for (size_t i = 0; i < s->n; i++)
        if (!s->coin[i].is_spent)
            out->coin[out->n++] = s->coin[i].c;
    return PTD_OK;
}

enum ptd_err
ptd_blockchain_scan(struct ptd_blockchain *c, struct ptd_scan_result *out,
                    const struct ptd_scan_script *script, size_t n_scripts,
                    const atomic_bool *stop, atomic_uint *percent)
{
    struct scan s = { .script = script,
                      .n_scripts = n_scripts,
                      .k0 = ptd_random_u64(),
                      .k1 = ptd_random_u64() };
    enum ptd_err e;

    *out = (struct ptd_scan_result){ 0 };
    ptd_blockchain_tip(c, &out->tip);
    e = scan_all(&s, c, &out->tip.header, stop, percent);
    if (e == PTD_OK)
        e = give(&s, out);
    ptd_free(s.bucket);
    ptd_free(s.coin);
    return e;
}
