/* Messages as text: one line, or every field. */
#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "base/hex.h"
#include "base/util.h"
#include "wire/codec.h"

/* Text that grows, or that is cut at cap (fixed). Lack of memory sticks. */
struct text {
    char *p;
    size_t n, cap;
    bool is_fixed, is_bad;
    size_t max_items;
};

static bool make_room(struct text *t, size_t more)
{
    char *grown;

    if (t->is_bad || t->cap - t->n > more)
        return !t->is_bad;
    if (!t->is_fixed &&
        (grown = ptd_array_grow(t->p, &t->cap, t->n + more + 1, 1)) != NULL) {
        t->p = grown;
        return true;
    }
    t->is_bad = !t->is_fixed;
    return t->is_fixed;
}

static void PTD_PRINTF(2, 3) say(struct text *t, const char *format, ...)
{
    va_list ap, again;
    int n;

    va_start(ap, format);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n > 0 && make_room(t, (size_t)n) && t->cap > t->n) {
        vsnprintf(t->p + t->n, t->cap - t->n, format, again);
        t->n += (size_t)n < t->cap - t->n ? (size_t)n : t->cap - t->n - 1;
    }
    va_end(again);
}

static void say_hash(struct text *t, const char *name, const struct ptd_hash *h)
{
    char hex[PTD_HASH_HEX_SIZE];

    say(t, " %s=%s", name, ptd_hash_to_hex(h, hex));
}

static void say_escaped(struct text *t, const char *name, struct ptd_bytes b)
{
    char out[4 * PTD_MAX_USER_AGENT + 1]; /* the longest there is */

    say(t, " %s=%s", name, ptd_escape(out, sizeof out, b.p, b.n));
}

static void say_hex(struct text *t, const char *name, struct ptd_bytes b)
{
    char hex[81];
    size_t n = b.n < 40 ? b.n : 40;

    ptd_hex_encode(hex, b.p, n);
    say(t, " %s=%s%s (%zu bytes)", name, hex, n < b.n ? "..." : "", b.n);
}

static void say_netaddr(struct text *t, const char *name,
                        const struct ptd_netaddr *na)
{
    char out[PTD_NETADDR_TEXT];

    say(t, " %s=%s", name, ptd_netaddr_format(na, out, sizeof out));
}

/* Begin a line for item i of n; false once enough were shown. */
static bool item(struct text *t, uint32_t i, uint32_t n)
{
    if (i < t->max_items) {
        say(t, "\n  %" PRIu32 ":", i);
        return true;
    }
    if (i == t->max_items)
        say(t, "\n  ... and %" PRIu32 " more", n - i);
    return false;
}

static void say_tx_in(struct text *t, const struct ptd_tx_in *in, uint32_t i)
{
    char hex[PTD_HASH_HEX_SIZE];

    say(t, "\n    in %" PRIu32 " prev=%s:%" PRIu32, i,
        ptd_hash_to_hex(&in->prev.hash, hex), in->prev.index);
    say(t, " sequence=%#" PRIx32, in->sequence);
    say_hex(t, "script", in->script);
    say(t, " witness=%" PRIu32, in->n_witness);
    for (uint32_t k = 0; k < in->n_witness && k < t->max_items; k++)
        say_hex(t, "item", in->witness[k]);
}

/* At the end of a line; inputs and outputs get lines of their own. */
static void say_tx(struct text *t, const struct ptd_tx *tx)
{
    struct ptd_hash txid;

    if (ptd_tx_txid(tx, &txid) == PTD_OK)
        say_hash(t, "txid", &txid);
    say(t,
        " version=%" PRId32 " inputs=%" PRIu32 " outputs=%" PRIu32
        " lock_time=%" PRIu32 " witness=%d",
        tx->version, tx->n_in, tx->n_out, tx->lock_time, tx->has_witness);
    for (uint32_t i = 0; i < tx->n_in && i < t->max_items; i++)
        say_tx_in(t, &tx->in[i], i);
    for (uint32_t i = 0; i < tx->n_out && i < t->max_items; i++) {
        say(t, "\n    out %" PRIu32 " value=%" PRId64, i, tx->out[i].value);
        say_hex(t, "script", tx->out[i].script);
    }
}

static void say_header(struct text *t, const struct ptd_block_header *h)
{
    struct ptd_hash hash;

    ptd_block_header_hash(h, &hash);
    say_hash(t, "hash", &hash);
    say(t, " version=%#" PRIx32, (uint32_t)h->version);
    say_hash(t, "prev", &h->prev);
    say_hash(t, "merkle_root", &h->merkle_root);
    say(t, " time=%" PRIu32 " bits=%08" PRIx32 " nonce=%" PRIu32, h->time,
        h->bits, h->nonce);
}

static void say_hashes(struct text *t, const struct ptd_hash *h, uint32_t n)
{
    for (uint32_t i = 0; i < n && item(t, i, n); i++)
        say_hash(t, "hash", &h[i]);
}

/* ---- each message whole ------------------------------------------------- */

static void dump_version(struct text *t, const struct ptd_msg_version *v)
{
    say(t, " version=%" PRId32 " services=%#" PRIx64 " time=%" PRId64,
        v->version, v->services, v->time);
    say_escaped(t, "user_agent", v->user_agent);
    say(t, " start_height=%" PRId32 " relay=%d nonce=%#" PRIx64,
        v->start_height, v->relay, v->nonce);
    say_netaddr(t, "addr_recv", &v->addr_recv);
    say(t, " services=%#" PRIx64, v->addr_recv_services);
    say_netaddr(t, "addr_from", &v->addr_from);
    say(t, " services=%#" PRIx64, v->addr_from_services);
}

static void dump_addr(struct text *t, const struct ptd_msg_addr *a)
{
    say(t, " n=%" PRIu32 " ignored=%" PRIu32, a->n, a->n_ignored);
    for (uint32_t i = 0; i < a->n && item(t, i, a->n); i++) {
        say(t, " time=%" PRIu32 " services=%#" PRIx64, a->list[i].time,
            a->list[i].services);
        say_netaddr(t, "addr", &a->list[i].na);
    }
}

/* NULL for a type that has no name. */
static const char *inv_name(uint32_t type)
{
    static const char *const names[] = {
        [PTD_INV_ERROR] = "error",
        [PTD_INV_TX] = "tx",
        [PTD_INV_BLOCK] = "block",
        [PTD_INV_FILTERED_BLOCK] = "filtered block",
        [PTD_INV_CMPCT_BLOCK] = "compact block",
        [PTD_INV_WTX] = "wtx",
    };

    return type < PTD_COUNT(names) ? names[type] : NULL;
}

static void dump_inv(struct text *t, const struct ptd_msg_inv *v)
{
    say(t, " n=%" PRIu32, v->n);
    for (uint32_t i = 0; i < v->n && item(t, i, v->n); i++) {
        uint32_t type = v->list[i].type;
        const char *name = inv_name(type & ~(uint32_t)PTD_INV_WITNESS_FLAG);

        if (name == NULL)
            say(t, " type %#" PRIx32, type);
        else
            say(t, " %s%s", type & PTD_INV_WITNESS_FLAG ? "witness " : "",
                name);
        say_hash(t, "hash", &v->list[i].hash);
    }
}

static void dump_block(struct text *t, const struct ptd_msg_block *b)
{
    say_header(t, &b->header);
    say(t, " transactions=%" PRIu32, b->n_tx);
    for (uint32_t i = 0; i < b->n_tx && item(t, i, b->n_tx); i++)
        say_tx(t, &b->tx[i]);
}

static void dump_compact(struct text *t, const struct ptd_msg_cmpctblock *c)
{
    say_header(t, &c->header);
    say(t, " nonce=%#" PRIx64 " short_ids=%" PRIu32 " prefilled=%" PRIu32,
        c->nonce, c->n_short_ids, c->n_prefilled);
    for (uint32_t i = 0; i < c->n_short_ids && item(t, i, c->n_short_ids); i++)
        say(t, " short_id=%012" PRIx64, c->short_ids[i]);
    for (uint32_t i = 0; i < c->n_prefilled && item(t, i, c->n_prefilled);
         i++) {
        say(t, " index=%" PRIu32, c->prefilled[i].index);
        say_tx(t, &c->prefilled[i].tx);
    }
}

static void dump_reject(struct text *t, const struct ptd_msg_reject *r)
{
    say_escaped(t, "message", r->command);
    say(t, " code=%#x", r->code);
    say_escaped(t, "reason", r->reason);
    if (r->has_hash)
        say_hash(t, "hash", &r->hash);
}

static void dump_filters(struct text *t, const struct ptd_msg *m)
{
    if (m->type == PTD_MSG_CFILTER) {
        const struct ptd_msg_cfilter *f = PTD_MSG_CONST(cfilter, m);

        say(t, " filter_type=%u", f->filter_type);
        say_hash(t, "block", &f->block);
        say_hex(t, "filter", f->filter);
    } else if (m->type == PTD_MSG_CFHEADERS || m->type == PTD_MSG_CFCHECKPT) {
        const struct ptd_msg_cfheaders *h = PTD_MSG_CONST(cfheaders, m);

        say(t, " filter_type=%u", h->filter_type);
        say_hash(t, "stop", &h->stop);
        say_hash(t, "prev", &h->prev);
        say_hashes(t, h->hashes, h->n);
    } else {
        const struct ptd_msg_getcf *g = PTD_MSG_CONST(getcf, m);

        say(t, " filter_type=%u start_height=%" PRIu32, g->filter_type,
            g->start_height);
        say_hash(t, "stop", &g->stop);
    }
}

static void dump_bloom(struct text *t, const struct ptd_msg *m)
{
    if (m->type == PTD_MSG_FILTERLOAD) {
        const struct ptd_msg_filterload *f = PTD_MSG_CONST(filterload, m);

        say_hex(t, "filter", f->filter);
        say(t, " functions=%" PRIu32 " tweak=%#" PRIx32 " flags=%u", f->n_funcs,
            f->tweak, f->flags);
    } else if (m->type == PTD_MSG_FILTERADD) {
        say_hex(t, "data", PTD_MSG_CONST(filteradd, m)->data);
    } else {
        const struct ptd_msg_merkleblock *b = PTD_MSG_CONST(merkleblock, m);

        say_header(t, &b->header);
        say(t, " transactions=%" PRIu32, b->n_tx);
        say_hex(t, "flags", b->flags);
        say_hashes(t, b->hashes, b->n_hashes);
    }
}

static void dump_locator(struct text *t, const struct ptd_msg_locator *l)
{
    say(t, " version=%" PRIu32 " n=%" PRIu32, l->version, l->n);
    say_hash(t, "stop", &l->stop);
    say_hashes(t, l->hashes, l->n);
}

static void dump_headers(struct text *t, const struct ptd_msg_headers *h)
{
    say(t, " n=%" PRIu32, h->n);
    for (uint32_t i = 0; i < h->n && item(t, i, h->n); i++)
        say_header(t, &h->list[i]);
}

static void dump_block_txs(struct text *t, const struct ptd_msg *m)
{
    if (m->type == PTD_MSG_GETBLOCKTXN) {
        const struct ptd_msg_getblocktxn *g = PTD_MSG_CONST(getblocktxn, m);

        say_hash(t, "block", &g->block);
        for (uint32_t i = 0; i < g->n && item(t, i, g->n); i++)
            say(t, " index=%" PRIu32, g->indexes[i]);
    } else {
        const struct ptd_msg_blocktxn *b = PTD_MSG_CONST(blocktxn, m);

        say_hash(t, "block", &b->block);
        for (uint32_t i = 0; i < b->n && item(t, i, b->n); i++)
            say_tx(t, &b->tx[i]);
    }
}

static void dump_small(struct text *t, const struct ptd_msg *m)
{
    if (m->type == PTD_MSG_PING || m->type == PTD_MSG_PONG) {
        say(t, " nonce=%#" PRIx64, PTD_MSG_CONST(nonce, m)->nonce);
    } else if (m->type == PTD_MSG_FEEFILTER) {
        say(t, " fee_rate=%" PRId64, PTD_MSG_CONST(feefilter, m)->fee_rate);
    } else if (m->type == PTD_MSG_SENDCMPCT) {
        const struct ptd_msg_sendcmpct *s = PTD_MSG_CONST(sendcmpct, m);

        say(t, " high_bandwidth=%d version=%" PRIu64, s->high_bandwidth,
            s->version);
    } else if (m->type == PTD_MSG_SENDTXRCNCL) {
        const struct ptd_msg_sendtxrcncl *s = PTD_MSG_CONST(sendtxrcncl, m);

        say(t, " version=%" PRIu32 " salt=%#" PRIx64, s->version, s->salt);
    } else if (m->type == PTD_MSG_FEATURE) {
        say_escaped(t, "id", PTD_MSG_CONST(feature, m)->id);
        say_hex(t, "data", PTD_MSG_CONST(feature, m)->data);
    } else if (m->type == PTD_MSG_ALERT) {
        say_hex(t, "payload", PTD_MSG_CONST(alert, m)->payload);
        say_hex(t, "signature", PTD_MSG_CONST(alert, m)->signature);
    }
}

static void dump(struct text *t, const struct ptd_msg *m)
{
    switch (m->type) {
    case PTD_MSG_VERSION: dump_version(t, PTD_MSG_CONST(version, m)); break;
    case PTD_MSG_ADDR:
    case PTD_MSG_ADDRV2: dump_addr(t, PTD_MSG_CONST(addr, m)); break;
    case PTD_MSG_INV:
    case PTD_MSG_GETDATA:
    case PTD_MSG_NOTFOUND: dump_inv(t, PTD_MSG_CONST(inv, m)); break;
    case PTD_MSG_GETBLOCKS:
    case PTD_MSG_GETHEADERS: dump_locator(t, PTD_MSG_CONST(locator, m)); break;
    case PTD_MSG_HEADERS: dump_headers(t, PTD_MSG_CONST(headers, m)); break;
    case PTD_MSG_BLOCK: dump_block(t, PTD_MSG_CONST(block, m)); break;
    case PTD_MSG_TX: say_tx(t, &PTD_MSG_CONST(tx, m)->tx); break;
    case PTD_MSG_CMPCTBLOCK:
        dump_compact(t, PTD_MSG_CONST(cmpctblock, m));
        break;
    case PTD_MSG_GETBLOCKTXN:
    case PTD_MSG_BLOCKTXN: dump_block_txs(t, m); break;
    case PTD_MSG_REJECT: dump_reject(t, PTD_MSG_CONST(reject, m)); break;
    case PTD_MSG_GETCFILTERS:
    case PTD_MSG_GETCFHEADERS:
    case PTD_MSG_GETCFCHECKPT:
    case PTD_MSG_CFILTER:
    case PTD_MSG_CFHEADERS:
    case PTD_MSG_CFCHECKPT: dump_filters(t, m); break;
    case PTD_MSG_FILTERADD:
    case PTD_MSG_FILTERLOAD:
    case PTD_MSG_MERKLEBLOCK: dump_bloom(t, m); break;
    case PTD_MSG_PING:
    case PTD_MSG_PONG:
    case PTD_MSG_ALERT:
    case PTD_MSG_FEEFILTER:
    case PTD_MSG_SENDCMPCT:
    case PTD_MSG_SENDTXRCNCL:
    case PTD_MSG_FEATURE: dump_small(t, m); break;
    case PTD_MSG_VERACK:
    case PTD_MSG_SENDADDRV2:
    case PTD_MSG_GETADDR:
    case PTD_MSG_MEMPOOL:
    case PTD_MSG_FILTERCLEAR:
    case PTD_MSG_SENDHEADERS:
    case PTD_MSG_WTXIDRELAY:
    case PTD_MSG_N_TYPES: break; /* no fields */
    }
}

char *ptd_msg_dump(const struct ptd_msg *m, size_t max_items)
{
    struct text t = { .max_items = max_items };

    say(&t, "%s", ptd_msg_command(m));
    dump(&t, m);
    if (t.is_bad) {
        ptd_free(t.p);
        return NULL;
    }
    return t.p;
}

/* ---- one line ----------------------------------------------------------- */

static void summarize_inv(struct text *t, const struct ptd_msg_inv *v)
{
    uint32_t n_tx = 0, n_block = 0, n_other = 0;

    for (uint32_t i = 0; i < v->n; i++) {
        uint32_t type = v->list[i].type & ~(uint32_t)PTD_INV_WITNESS_FLAG;

        if (type == PTD_INV_TX || type == PTD_INV_WTX)
            n_tx++;
        else if (type == PTD_INV_BLOCK)
            n_block++;
        else
            n_other++;
    }
    say(t, " %" PRIu32 " (tx %" PRIu32 ", block %" PRIu32, v->n, n_tx, n_block);
    if (n_other > 0)
        say(t, ", other %" PRIu32, n_other);
    say(t, ")");
}

/* What stands in a message's only line, if that is short; lists are counted. */
static void summarize(struct text *t, const struct ptd_msg *m)
{
    if (m->type == PTD_MSG_INV || m->type == PTD_MSG_GETDATA ||
        m->type == PTD_MSG_NOTFOUND)
        summarize_inv(t, PTD_MSG_CONST(inv, m));
    else if (m->type == PTD_MSG_ADDR || m->type == PTD_MSG_ADDRV2)
        say(t, " %" PRIu32, PTD_MSG_CONST(addr, m)->n);
    else if (m->type == PTD_MSG_HEADERS)
        say(t, " %" PRIu32, PTD_MSG_CONST(headers, m)->n);
    else if (m->type == PTD_MSG_GETBLOCKS || m->type == PTD_MSG_GETHEADERS)
        say(t, " %" PRIu32, PTD_MSG_CONST(locator, m)->n);
    else
        dump(t, m);
}

const char *ptd_msg_summary(const struct ptd_msg *m, char *out, size_t cap)
{
    struct text t = { .p = out, .cap = cap, .is_fixed = true };
    char *end;

    if (cap == 0)
        return out;
    out[0] = '\0';
    say(&t, "%s", ptd_msg_command(m));
    summarize(&t, m);
    /* A list of which no item is shown still says how many there are. */
    if ((end = strchr(out, '\n')) != NULL)
        *end = '\0';
    return out;
}
