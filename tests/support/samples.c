#include <config.h>

#include "support/samples.h"

#include <string.h>

#include "base/util.h"
#include "wire/codec.h"

const uint32_t sample_pvers[] = {
    0,     106,   208,   209,   31401, 31402, 60000, 60001, 60002, 70000,
    70001, 70002, 70011, 70012, 70013, 70014, 70015, 70016, 70017,
};
const size_t sample_n_pvers = PTD_COUNT(sample_pvers);

static uint32_t n_of(unsigned variant)
{
    static const uint32_t n[SAMPLE_N_VARIANTS] = { 0, 2, 7 };

    return n[variant];
}

/* The parts are told apart by a running number. */
static struct ptd_hash hash_of(uint32_t i)
{
    struct ptd_hash h;

    for (size_t k = 0; k < sizeof h.b; k++)
        h.b[k] = (uint8_t)(i * 16 + k + 1);
    return h;
}

static void *list_of(struct ptd_msg *m, uint32_t n, size_t size)
{
    void *list = ptd_msg_alloc(m, n, size);

    PTD_ASSERT(list != NULL);
    return list;
}

static struct ptd_hash *hashes_of(struct ptd_msg *m, uint32_t n)
{
    struct ptd_hash *list = list_of(m, n, sizeof *list);

    for (uint32_t i = 0; i < n; i++)
        list[i] = hash_of(i);
    return list;
}

static struct ptd_bytes bytes_of(struct ptd_msg *m, size_t n)
{
    uint8_t *p = list_of(m, (uint32_t)n, 1);

    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 7 + 1);
    return (struct ptd_bytes){ p, n };
}

static struct ptd_bytes text_of(struct ptd_msg *m, const char *text)
{
    struct ptd_bytes b;

    PTD_ASSERT(ptd_msg_copy_bytes(m, &b, text, strlen(text)) == PTD_OK);
    return b;
}

static struct ptd_block_header header_of(uint32_t i)
{
    return (struct ptd_block_header){
        .version = 0x20000000,
        .prev = hash_of(i),
        .merkle_root = hash_of(i + 1),
        .time = 1231006505 + i,
        .bits = 0x207fffff,
        .nonce = 7 + i,
    };
}

static struct ptd_netaddr netaddr_of(unsigned net, uint32_t i)
{
    static const uint8_t first[] = {
        [PTD_NET_IPV4] = 1, [PTD_NET_IPV6] = 0x2a,  [PTD_NET_TORV3] = 3,
        [PTD_NET_I2P] = 4,  [PTD_NET_CJDNS] = 0xfc, [PTD_NET_YGGDRASIL] = 0x02
    };
    uint8_t addr[PTD_NETADDR_MAX_BYTES];
    struct ptd_netaddr na;

    memset(addr, (int)i + 1, sizeof addr);
    addr[0] = first[net];
    PTD_ASSERT(ptd_netaddr_set(&na, net, addr, ptd_net_addr_bytes(net),
                               (uint16_t)(8333 + i)) == PTD_OK);
    return na;
}

static void fill_version(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_version *v = PTD_MSG_AS(version, m);
    static const int32_t versions[] = { 60002, 70016, 105 };

    v->version = versions[variant];
    v->services = PTD_NODE_NETWORK | PTD_NODE_WITNESS;
    v->time = 1700000000;
    v->addr_recv_services = 1;
    v->addr_recv = netaddr_of(PTD_NET_IPV4, 0);
    if (v->version < 106)
        return;
    v->addr_from_services = 9;
    v->addr_from = netaddr_of(PTD_NET_IPV6, 1);
    v->nonce = UINT64_C(0x0123456789abcdef);
    v->user_agent = text_of(m, "/pentad:0.1.0/");
    v->start_height = 800000;
    v->relay = variant != SAMPLE_FEW;
}

/* addr carries one entry below version 209, and two networks ever. */
static void fill_addr(struct ptd_msg *m, unsigned variant)
{
    static const uint8_t nets[] = { PTD_NET_IPV4,  PTD_NET_IPV6,
                                    PTD_NET_TORV3, PTD_NET_I2P,
                                    PTD_NET_CJDNS, PTD_NET_YGGDRASIL };
    struct ptd_msg_addr *a = PTD_MSG_AS(addr, m);
    bool v2 = m->type == PTD_MSG_ADDRV2;

    a->n = v2 ? n_of(variant) : variant;
    a->list = list_of(m, a->n, sizeof *a->list);
    for (uint32_t i = 0; i < a->n; i++)
        a->list[i] = (struct ptd_addr_entry){
            .time = v2 ? 1700000000 + i : 0,
            .services = i * 1033,
            .na = netaddr_of(nets[i % (v2 ? PTD_COUNT(nets) : 2)], i),
        };
}

static void fill_inv(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_inv *inv = PTD_MSG_AS(inv, m);

    inv->n = n_of(variant);
    inv->list = list_of(m, inv->n, sizeof *inv->list);
    for (uint32_t i = 0; i < inv->n; i++)
        inv->list[i] = (struct ptd_inv){ i, hash_of(i) };
}

static void fill_locator(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_locator *l = PTD_MSG_AS(locator, m);

    l->version = 70016;
    l->n = n_of(variant);
    l->hashes = hashes_of(m, l->n);
    l->stop = hash_of(99);
}

static void fill_headers(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_headers *h = PTD_MSG_AS(headers, m);

    h->n = n_of(variant);
    h->list = list_of(m, h->n, sizeof *h->list);
    for (uint32_t i = 0; i < h->n; i++)
        h->list[i] = header_of(i);
}

static void fill_tx(struct ptd_msg *m, struct ptd_tx *tx, unsigned variant)
{
    tx->version = 2;
    tx->n_in = 1 + n_of(variant) / 2;
    tx->n_out = n_of(variant);
    tx->in = list_of(m, tx->n_in, sizeof *tx->in);
    tx->out = list_of(m, tx->n_out, sizeof *tx->out);
    for (uint32_t i = 0; i < tx->n_in; i++) {
        tx->in[i].prev = (struct ptd_outpoint){ hash_of(i), i };
        tx->in[i].script = bytes_of(m, i * 20);
        tx->in[i].sequence = UINT32_MAX - i;
    }
    for (uint32_t i = 0; i < tx->n_out; i++) {
        tx->out[i].value = INT64_C(5000000000) + i;
        tx->out[i].script = bytes_of(m, 22 + i);
    }
    tx->lock_time = 17;
}

/* Few: without witness, so that both encodings are the same. */
static void fill_witness(struct ptd_msg *m, struct ptd_tx *tx, unsigned variant)
{
    struct ptd_bytes *items;

    if (variant != SAMPLE_MANY)
        return;
    items = list_of(m, 3, sizeof *items);
    items[1] = bytes_of(m, 72);
    items[2] = bytes_of(m, 33);
    tx->in[0].witness = items;
    tx->in[0].n_witness = 3;
    tx->has_witness = true;
}

static struct ptd_tx *txs_of(struct ptd_msg *m, uint32_t n, unsigned variant)
{
    struct ptd_tx *txs = list_of(m, n, sizeof *txs);

    for (uint32_t i = 0; i < n; i++) {
        fill_tx(m, &txs[i], variant);
        fill_witness(m, &txs[i], variant);
    }
    return txs;
}

static void fill_block(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_block *b = PTD_MSG_AS(block, m);

    b->header = header_of(0);
    b->n_tx = n_of(variant);
    b->tx = txs_of(m, b->n_tx, variant);
}

static void fill_alert(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_alert *a = PTD_MSG_AS(alert, m);

    a->payload = bytes_of(m, n_of(variant) * 30);
    a->signature = bytes_of(m, n_of(variant) * 10);
}

static void fill_filterload(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_filterload *f = PTD_MSG_AS(filterload, m);

    f->filter = bytes_of(m, n_of(variant) * 50);
    f->n_funcs = 11;
    f->tweak = 0xdeadbeef;
    f->flags = 2;
}

static void fill_merkleblock(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_merkleblock *b = PTD_MSG_AS(merkleblock, m);

    b->header = header_of(0);
    b->n_tx = 7;
    b->n_hashes = n_of(variant);
    b->hashes = hashes_of(m, b->n_hashes);
    b->flags = bytes_of(m, (n_of(variant) + 7) / 8);
}

static void fill_reject(struct ptd_msg *m, unsigned variant)
{
    static const char *const commands[] = { "", "version", "block" };
    struct ptd_msg_reject *r = PTD_MSG_AS(reject, m);

    r->command = text_of(m, commands[variant]);
    r->code = PTD_REJECT_INVALID;
    r->reason = text_of(m, variant == SAMPLE_EMPTY ? "" : "bad-prevblk");
    r->has_hash = variant == SAMPLE_MANY;
    if (r->has_hash)
        r->hash = hash_of(3);
}

static void fill_getcf(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_getcf *g = PTD_MSG_AS(getcf, m);

    g->filter_type = (uint8_t)variant;
    g->start_height = m->type != PTD_MSG_GETCFCHECKPT ? 1000 : 0;
    g->stop = hash_of(5);
}

static void fill_cfilter(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_cfilter *f = PTD_MSG_AS(cfilter, m);

    f->filter_type = (uint8_t)variant;
    f->block = hash_of(6);
    f->filter = bytes_of(m, n_of(variant) * 40);
}

static void fill_cfheaders(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_cfheaders *h = PTD_MSG_AS(cfheaders, m);

    h->filter_type = (uint8_t)variant;
    h->stop = hash_of(7);
    if (m->type == PTD_MSG_CFHEADERS)
        h->prev = hash_of(8);
    h->n = n_of(variant);
    h->hashes = hashes_of(m, h->n);
}

static void fill_cmpctblock(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_cmpctblock *c = PTD_MSG_AS(cmpctblock, m);

    c->header = header_of(0);
    c->nonce = 0x1122334455667788;
    c->n_short_ids = n_of(variant);
    c->short_ids = list_of(m, c->n_short_ids, sizeof *c->short_ids);
    for (uint32_t i = 0; i < c->n_short_ids; i++)
        c->short_ids[i] = UINT64_C(0xa0b0c0d0e0f0) + i;
    c->n_prefilled = 1 + n_of(variant) / 2;
    c->prefilled = list_of(m, c->n_prefilled, sizeof *c->prefilled);
    for (uint32_t i = 0; i < c->n_prefilled; i++) {
        c->prefilled[i].index = i * 2;
        fill_tx(m, &c->prefilled[i].tx, variant);
        fill_witness(m, &c->prefilled[i].tx, variant);
    }
}

static void fill_getblocktxn(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_getblocktxn *g = PTD_MSG_AS(getblocktxn, m);

    g->block = hash_of(9);
    g->n = n_of(variant);
    g->indexes = list_of(m, g->n, sizeof *g->indexes);
    for (uint32_t i = 0; i < g->n; i++)
        g->indexes[i] = i * i + i;
}

static void fill_blocktxn(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_blocktxn *b = PTD_MSG_AS(blocktxn, m);

    b->block = hash_of(10);
    b->n = n_of(variant);
    b->tx = txs_of(m, b->n, variant);
}

static void fill_feature(struct ptd_msg *m, unsigned variant)
{
    struct ptd_msg_feature *f = PTD_MSG_AS(feature, m);

    f->id = text_of(m, variant == SAMPLE_MANY ? "BIP434.example" : "BIP9");
    f->data = bytes_of(m, n_of(variant) * 5);
}

static void fill_small(struct ptd_msg *m, unsigned variant)
{
    if (m->type == PTD_MSG_FEEFILTER) {
        PTD_MSG_AS(feefilter, m)->fee_rate = 1000;
    } else if (m->type == PTD_MSG_FILTERADD) {
        PTD_MSG_AS(filteradd, m)->data = bytes_of(m, n_of(variant) * 16);
    } else if (m->type == PTD_MSG_SENDCMPCT) {
        PTD_MSG_AS(sendcmpct, m)->high_bandwidth = variant > 0;
        PTD_MSG_AS(sendcmpct, m)->version = 2;
    } else if (m->type == PTD_MSG_SENDTXRCNCL) {
        PTD_MSG_AS(sendtxrcncl, m)->version = 1;
        PTD_MSG_AS(sendtxrcncl, m)->salt = 0x8877665544332211;
    }
}

static void fill_tx_msg(struct ptd_msg *m, unsigned variant)
{
    fill_tx(m, &PTD_MSG_AS(tx, m)->tx, variant);
    fill_witness(m, &PTD_MSG_AS(tx, m)->tx, variant);
}

/* The nonce of a ping stays zero: versions up to 60000 do not carry it. */
static void fill_pong(struct ptd_msg *m, unsigned variant)
{
    PTD_MSG_AS(nonce, m)->nonce = 0x1020304050607080 + variant;
}

static void (*const fill[PTD_MSG_N_TYPES])(struct ptd_msg *, unsigned) = {
    [PTD_MSG_VERSION] = fill_version,
    [PTD_MSG_ADDR] = fill_addr,
    [PTD_MSG_ADDRV2] = fill_addr,
    [PTD_MSG_INV] = fill_inv,
    [PTD_MSG_GETDATA] = fill_inv,
    [PTD_MSG_NOTFOUND] = fill_inv,
    [PTD_MSG_GETBLOCKS] = fill_locator,
    [PTD_MSG_GETHEADERS] = fill_locator,
    [PTD_MSG_HEADERS] = fill_headers,
    [PTD_MSG_BLOCK] = fill_block,
    [PTD_MSG_TX] = fill_tx_msg,
    [PTD_MSG_PONG] = fill_pong,
    [PTD_MSG_ALERT] = fill_alert,
    [PTD_MSG_FILTERADD] = fill_small,
    [PTD_MSG_FILTERLOAD] = fill_filterload,
    [PTD_MSG_MERKLEBLOCK] = fill_merkleblock,
    [PTD_MSG_REJECT] = fill_reject,
    [PTD_MSG_FEEFILTER] = fill_small,
    [PTD_MSG_GETCFILTERS] = fill_getcf,
    [PTD_MSG_GETCFHEADERS] = fill_getcf,
    [PTD_MSG_GETCFCHECKPT] = fill_getcf,
    [PTD_MSG_CFILTER] = fill_cfilter,
    [PTD_MSG_CFHEADERS] = fill_cfheaders,
    [PTD_MSG_CFCHECKPT] = fill_cfheaders,
    [PTD_MSG_SENDCMPCT] = fill_small,
    [PTD_MSG_CMPCTBLOCK] = fill_cmpctblock,
    [PTD_MSG_GETBLOCKTXN] = fill_getblocktxn,
    [PTD_MSG_BLOCKTXN] = fill_blocktxn,
    [PTD_MSG_SENDTXRCNCL] = fill_small,
    [PTD_MSG_FEATURE] = fill_feature,
};

struct ptd_msg *sample_new(enum ptd_msg_type type, unsigned variant)
{
    struct ptd_msg *m = ptd_msg_new(type);

    PTD_ASSERT(m != NULL && variant < SAMPLE_N_VARIANTS);
    if (fill[type] != NULL)
        fill[type](m, variant);
    return m;
}
