/* One message of each type, with every list filled. */
#include <config.h>

#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static const uint8_t script[] = { 0x51 };
static const uint8_t some[] = { 1, 2, 3, 4 };
static const struct ptd_bytes bytes = { some, sizeof some };

static struct ptd_hash a_hash(uint8_t seed)
{
    struct ptd_hash h;

    memset(h.b, seed, sizeof h.b);
    return h;
}

static void fill_tx(struct ptd_msg *m, struct ptd_tx *tx)
{
    tx->version = 2;
    tx->n_in = tx->n_out = 1;
    tx->in = ptd_msg_alloc(m, 1, sizeof *tx->in);
    tx->out = ptd_msg_alloc(m, 1, sizeof *tx->out);
    ck_assert_ptr_nonnull(tx->in);
    ck_assert_ptr_nonnull(tx->out);
    tx->in[0].prev.hash = a_hash(7);
    tx->in[0].script = (struct ptd_bytes){ script, 1 };
    tx->out[0].value = 5000;
    tx->out[0].script = (struct ptd_bytes){ script, 1 };
}

static struct ptd_block_header a_header(void)
{
    return (struct ptd_block_header){ .version = 1,
                                      .merkle_root = a_hash(9),
                                      .time = 1700000000,
                                      .bits = 0x207fffff };
}

static struct ptd_addr_entry an_address(void)
{
    struct ptd_addr_entry a = { .time = 1700000000, .services = 9 };

    ck_assert_int_eq(ptd_netaddr_parse(&a.na, "8.8.8.8:8333", 0), PTD_OK);
    return a;
}

static struct ptd_hash *hashes(struct ptd_msg *m, uint32_t n)
{
    struct ptd_hash *h = ptd_msg_alloc(m, n, sizeof *h);

    ck_assert_ptr_nonnull(h);
    for (uint32_t i = 0; i < n; i++)
        h[i] = a_hash((uint8_t)(i + 1));
    return h;
}

static void fill_compact(struct ptd_msg_cmpctblock *c)
{
    c->header = a_header();
    c->n_short_ids = 1;
    c->short_ids = ptd_msg_alloc(&c->msg, 1, sizeof *c->short_ids);
    c->n_prefilled = 1;
    c->prefilled = ptd_msg_alloc(&c->msg, 1, sizeof *c->prefilled);
    ck_assert_ptr_nonnull(c->short_ids);
    ck_assert_ptr_nonnull(c->prefilled);
    c->short_ids[0] = 0x112233445566;
    fill_tx(&c->msg, &c->prefilled[0].tx);
}

static struct ptd_tx *one_tx(struct ptd_msg *m)
{
    struct ptd_tx *tx = ptd_msg_alloc(m, 1, sizeof *tx);

    ck_assert_ptr_nonnull(tx);
    fill_tx(m, tx);
    return tx;
}

static void fill(struct ptd_msg *m)
{
    union {
        struct ptd_msg *m;
        struct ptd_msg_block *block;
        struct ptd_msg_tx *tx;
        struct ptd_msg_alert *alert;
        struct ptd_msg_filteradd *filteradd;
        struct ptd_msg_filterload *filterload;
        struct ptd_msg_merkleblock *merkle;
        struct ptd_msg_feefilter *fee;
        struct ptd_msg_cfilter *cfilter;
        struct ptd_msg_cfheaders *cfheaders;
        struct ptd_msg_sendcmpct *sendcmpct;
        struct ptd_msg_cmpctblock *compact;
        struct ptd_msg_getblocktxn *getblocktxn;
        struct ptd_msg_blocktxn *blocktxn;
        struct ptd_msg_sendtxrcncl *rcncl;
        struct ptd_msg_feature *feature;
    } u = { m };

    if (m->type == PTD_MSG_BLOCK) {
        u.block->header = a_header();
        u.block->n_tx = 1;
        u.block->tx = one_tx(m);
    } else if (m->type == PTD_MSG_TX) {
        fill_tx(m, &u.tx->tx);
    } else if (m->type == PTD_MSG_ALERT) {
        u.alert->payload = u.alert->signature = bytes;
    } else if (m->type == PTD_MSG_FILTERADD) {
        u.filteradd->data = bytes;
    } else if (m->type == PTD_MSG_FILTERLOAD) {
        u.filterload->filter = bytes;
        u.filterload->n_funcs = 3;
    } else if (m->type == PTD_MSG_MERKLEBLOCK) {
        u.merkle->header = a_header();
        u.merkle->n_tx = 2;
        u.merkle->n_hashes = 2;
        u.merkle->hashes = hashes(m, 2);
        u.merkle->flags = (struct ptd_bytes){ some, 1 };
    } else if (m->type == PTD_MSG_FEEFILTER) {
        u.fee->fee_rate = 1000;
    } else if (m->type == PTD_MSG_CFILTER) {
        u.cfilter->filter = bytes;
    } else if (m->type == PTD_MSG_CFHEADERS || m->type == PTD_MSG_CFCHECKPT) {
        u.cfheaders->n = 2;
        u.cfheaders->hashes = hashes(m, 2);
    } else if (m->type == PTD_MSG_SENDCMPCT) {
        u.sendcmpct->version = 2;
    } else if (m->type == PTD_MSG_CMPCTBLOCK) {
        fill_compact(u.compact);
    } else if (m->type == PTD_MSG_GETBLOCKTXN) {
        u.getblocktxn->n = 1;
        u.getblocktxn->indexes = ptd_msg_alloc(m, 1, sizeof(uint32_t));
        ck_assert_ptr_nonnull(u.getblocktxn->indexes);
    } else if (m->type == PTD_MSG_BLOCKTXN) {
        u.blocktxn->n = 1;
        u.blocktxn->tx = one_tx(m);
    } else if (m->type == PTD_MSG_SENDTXRCNCL) {
        u.rcncl->version = 1;
    } else if (m->type == PTD_MSG_FEATURE) {
        u.feature->id = bytes;
        u.feature->data = bytes;
    }
}

struct ptd_msg *rig_sample(enum ptd_msg_type type)
{
    struct ptd_inv inv = { PTD_INV_TX, a_hash(3) };
    struct ptd_addr_entry a = an_address();
    struct ptd_block_header h = a_header();
    struct ptd_hash stop = a_hash(0), begin = a_hash(5);
    struct ptd_msg *m;

    if (type == PTD_MSG_ADDR || type == PTD_MSG_ADDRV2)
        m = ptd_msg_new_addr(type, &a, 1);
    else if (type == PTD_MSG_INV || type == PTD_MSG_GETDATA ||
             type == PTD_MSG_NOTFOUND)
        m = ptd_msg_new_inv(type, &inv, 1);
    else if (type == PTD_MSG_GETBLOCKS || type == PTD_MSG_GETHEADERS)
        m = ptd_msg_new_locator(type, 70016, &begin, 1, &stop);
    else if (type == PTD_MSG_HEADERS)
        m = ptd_msg_new_headers(&h, 1);
    else if (type == PTD_MSG_PING || type == PTD_MSG_PONG)
        m = ptd_msg_new_nonce(type, 42);
    else if (type == PTD_MSG_REJECT)
        m = ptd_msg_new_reject("ping", PTD_REJECT_INVALID, "because", NULL);
    else
        m = ptd_msg_new(type);
    ck_assert_ptr_nonnull(m);
    fill(m);
    return m;
}
