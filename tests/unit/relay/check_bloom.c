#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hex.h"
#include "base/util.h"
#include "check_relay.h"
#include "crypto/merkle.h"
#include "relay/bloom.h"
#include "relay/merkleblock.h"
#include "relay/recent.h"
#include "relay/script.h"
#include "txs.h"

/* ---- filters ---------------------------------------------------------------- */

static struct bloom empty(size_t n, uint32_t n_funcs, uint32_t tweak,
                          uint8_t flags)
{
    static const uint8_t zeros[64];
    const struct ptd_msg_filterload m = { .filter = { zeros, n },
                                          .n_funcs = n_funcs,
                                          .tweak = tweak,
                                          .flags = flags };
    struct bloom b;

    ck_assert_uint_le(n, sizeof zeros);
    ck_assert_int_eq(bloom_init(&b, &m), PTD_OK);
    return b;
}

/* Three hashes of keys; the filters are those of Bitcoin Core's bloom_tests. */
static const struct {
    uint32_t tweak;
    const char *bits;
} known[] = {
    { 0, "614e9b" },
    { 2147483649U, "ce4299" },
};

static const char *const in_it[] = {
    "99108ad8ed9bb6274d3980bab5a85c048f0950c8",
    "b5a2c786d9ef4658287ced5914b37a1b4aa32eee",
    "b9300670b4c5366e95b2699e8b18bc75e5f729c5",
};

START_TEST(bits_are_those_of_others)
{
    struct bloom b = empty(3, 5, known[_i].tweak, 0);
    uint8_t data[20];
    char hex[8];
    size_t n;

    for (size_t i = 0; i < PTD_COUNT(in_it); i++) {
        ck_assert(ptd_hex_decode(data, sizeof data, &n, in_it[i]));
        ck_assert(!bloom_has(&b, data, n) || i > 0);
        bloom_add(&b, data, n);
        ck_assert(bloom_has(&b, data, n));
    }
    data[0] ^= 0x80;
    ck_assert(!bloom_has(&b, data, n));
    ck_assert_str_eq(ptd_hex_encode(hex, b.bits, 3), known[_i].bits);
    bloom_fini(&b);
}
END_TEST

/* What the filter is made of, and whether the transaction matches. */
enum by { BY_NOTHING, BY_TXID, BY_OUTPUT, BY_COIN, BY_INPUT };

static const struct {
    const char *name;
    enum by by;
    uint8_t flags;
    bool wants, watches;
} matches[] = {
    { "nothing", BY_NOTHING, BLOOM_UPDATE_ALL, false, false },
    { "its id", BY_TXID, BLOOM_UPDATE_ALL, true, false },
    { "what an output pays to", BY_OUTPUT, BLOOM_UPDATE_NONE, true, false },
    { "… and watches it", BY_OUTPUT, BLOOM_UPDATE_ALL, true, true },
    { "… if to a key", BY_OUTPUT, BLOOM_UPDATE_PUBKEY, true, false },
    { "the coin that it spends", BY_COIN, BLOOM_UPDATE_ALL, true, false },
    { "what its input brings", BY_INPUT, BLOOM_UPDATE_ALL, true, false },
};

static void coin(uint8_t out[36], const struct ptd_hash *h, uint32_t i)
{
    memcpy(out, h->b, 32);
    ptd_put_le32(out + 32, i);
}

START_TEST(transactions_match)
{
    static const uint8_t sig[] = "\x04wxyz";
    struct bloom b = empty(64, 5, 3, matches[_i].flags);
    struct ptd_msg *m = tx_make(NULL, 3, 2, TX_VALUE, 5);
    struct ptd_tx *tx = tx_of(m);
    struct ptd_hash txid;
    uint8_t bytes[36];

    tx->in[0].script = (struct ptd_bytes){ sig, 5 };
    txid = tx_id(m);
    coin(bytes, &tx->in[0].prev.hash, tx->in[0].prev.index);
    switch (matches[_i].by) {
    case BY_NOTHING: break;
    case BY_TXID: bloom_add(&b, txid.b, 32); break;
    case BY_OUTPUT: bloom_add(&b, tx->out[0].script.p + 2, 20); break;
    case BY_COIN: bloom_add(&b, bytes, sizeof bytes); break;
    case BY_INPUT: bloom_add(&b, "wxyz", 4); break;
    }
    ck_assert_msg(bloom_wants(&b, tx, &txid) == matches[_i].wants, "%s",
                  matches[_i].name);
    coin(bytes, &txid, 0);
    ck_assert_msg(bloom_has(&b, bytes, sizeof bytes) == matches[_i].watches,
                  "%s", matches[_i].name);
    bloom_fini(&b);
    ptd_msg_free(m);
}
END_TEST

/* CVE-2013-5700 */
START_TEST(a_filter_of_no_bytes_matches_all)
{
    struct bloom b = empty(0, 5, 0, 0);
    struct ptd_msg *m = tx_make(NULL, 0, 1, TX_VALUE, 5);
    struct ptd_hash txid = tx_id(m);

    bloom_add(&b, "x", 1);
    ck_assert(bloom_has(&b, "y", 1));
    ck_assert(bloom_wants(&b, tx_in(m), &txid));
    bloom_fini(&b);
    ptd_msg_free(m);
}
END_TEST

/* ---- scripts ---------------------------------------------------------------- */

static const struct {
    const char *hex;
    unsigned n_ops;
    size_t last; /* bytes that the last one pushes */
    bool whole;
} scripts[] = {
    { "", 0, 0, true },
    { "76a9", 2, 0, true },
    { "0201020103", 2, 1, true },
    { "02ff", 0, 0, false },
    { "4c0201024d0300aabbcc", 2, 3, true },
    { "4c", 0, 0, false },
    { "4d01", 0, 0, false },
    { "4e02000000aabb51", 2, 0, true },
    { "4effffffff00", 0, 0, false },
    { "51604e000000", 2, 0, false },
};

START_TEST(operations_are_told_apart)
{
    uint8_t raw[32], op = 0;
    struct ptd_bytes s = { raw, 0 }, data = { 0 };
    unsigned n = 0;
    size_t at = 0;

    ck_assert(ptd_hex_decode(raw, sizeof raw, &s.n, scripts[_i].hex));
    while (script_next(&s, &at, &op, &data))
        n++;
    ck_assert_uint_eq(n, scripts[_i].n_ops);
    ck_assert_int_eq(at == s.n, scripts[_i].whole);
    ck_assert_uint_eq(data.n, scripts[_i].last);
}
END_TEST

/* ---- branches ----------------------------------------------------------------- */

/* Reads the message as a light client does. */
struct reader {
    const struct ptd_msg_merkleblock *m;
    uint32_t hash, bit;
    uint32_t found[64];
    uint32_t n_found;
};

static uint32_t width(uint32_t n, unsigned level)
{
    return (n + (1U << level) - 1) >> level;
}

static struct ptd_hash read_node(struct reader *r, unsigned level, uint32_t i)
{
    bool wanted;
    struct ptd_hash left, right, h;

    ck_assert_uint_lt(r->bit / 8, r->m->flags.n);
    wanted = (r->m->flags.p[r->bit / 8] >> r->bit % 8 & 1) != 0;
    r->bit++;
    if (level == 0 || !wanted) {
        ck_assert_uint_lt(r->hash, r->m->n_hashes);
        if (level == 0 && wanted)
            r->found[r->n_found++] = i;
        return r->m->hashes[r->hash++];
    }
    left = right = read_node(r, level - 1, 2 * i);
    if (2 * i + 1 < width(r->m->n_tx, level - 1))
        right = read_node(r, level - 1, 2 * i + 1);
    ptd_merkle_pair(&h, &left, &right);
    return h;
}

/* All sizes up to 33, each with several choices. */
START_TEST(branches_lead_to_what_is_wanted)
{
    enum { MAX = 33 };
    const uint32_t n = (uint32_t)_i + 1;

    for (uint32_t choice = 0; choice < 12; choice++) {
        const struct ptd_block_header h = { .nonce = choice };
        struct ptd_hash ids[MAX] = { { { 0 } } }, again[MAX], root, got;
        bool wanted[MAX];
        struct ptd_msg *m;
        struct reader r = { 0 };
        uint32_t k = 0;
        unsigned top = 0;

        for (uint32_t i = 0; i < n; i++) {
            memset(&ids[i], (int)i + 1, sizeof ids[i]);
            wanted[i] = choice == 1 || (choice > 1 && i * 7 % choice == 3);
        }
        memcpy(again, ids, sizeof ids);
        ck_assert(ptd_merkle_root(&root, again, n));
        m = merkleblock_make(&h, ids, wanted, n);
        ck_assert_ptr_nonnull(m);
        r.m = PTD_MSG_CONST(merkleblock, m);
        while (width(n, top) > 1)
            top++;
        got = read_node(&r, top, 0);
        ck_assert(ptd_hash_eq(&got, &root));
        ck_assert_uint_eq(r.hash, r.m->n_hashes);
        ck_assert_uint_eq((r.bit + 7) / 8, r.m->flags.n);
        ck_assert_uint_eq(r.m->n_tx, n);
        for (uint32_t i = 0; i < n; i++)
            if (wanted[i])
                ck_assert_uint_eq(r.found[k++], i);
        ck_assert_uint_eq(r.n_found, k);
        ptd_msg_free(m);
    }
}
END_TEST

/* ---- what was met lately ----------------------------------------------------- */

START_TEST(recent_ones_are_remembered)
{
    enum { LIMIT = 100 };
    struct ptd_hash h = { { 0 } };
    struct recent r;
    size_t n_false = 0;

    recent_init(&r, LIMIT);
    ck_assert(!recent_has(&r, &h));
    for (uint32_t i = 0; i < 5 * LIMIT; i++) {
        ptd_put_le32(h.b, i);
        recent_add(&r, &h);
        for (uint32_t k = 0; k < PTD_MIN(i, LIMIT); k++) {
            ptd_put_le32(h.b, i - k);
            ck_assert(recent_has(&r, &h));
        }
    }
    for (uint32_t i = 0; i < 10000; i++) {
        ptd_put_le32(h.b, 1000000 + i);
        n_false += recent_has(&r, &h);
    }
    ck_assert_uint_le(n_false, 2);
    ptd_put_le32(h.b, 0);
    ck_assert(!recent_has(&r, &h)); /* long ago */
    ptd_put_le32(h.b, 5 * LIMIT - 1);
    recent_clear(&r);
    ck_assert(!recent_has(&r, &h));
    recent_fini(&r);
}
END_TEST

TCase *tcase_bloom(void)
{
    TCase *tc = tcase_create("bloom");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, bits_are_those_of_others, 0, PTD_COUNT(known));
    tcase_add_loop_test(tc, transactions_match, 0, PTD_COUNT(matches));
    tcase_add_test(tc, a_filter_of_no_bytes_matches_all);
    tcase_add_loop_test(tc, operations_are_told_apart, 0, PTD_COUNT(scripts));
    tcase_add_loop_test(tc, branches_lead_to_what_is_wanted, 0, 33);
    tcase_add_test(tc, recent_ones_are_remembered);
    return tc;
}
