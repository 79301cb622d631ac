/* Headers of strangers: the tree, and pre-synchronisation before it.
 *
 * An input is a program: headers are made, each on one that is there already
 * (their proof of work is found here, on a network where it costs nothing), and
 * runs of them are handed in, as often and in whatever order it likes. */
#include <config.h>

#include <string.h>

#include "base/bytes.h"
#include "base/util.h"
#include "chain/headers.h"
#include "chain/pow.h"
#include "chain/presync.h"
#include "crypto/sha256.h"
#include "target.h"

enum { MAX_MADE = 512, MAX_SIDE = 24, AHEAD_S = 20000 };

enum op {
    OP_MAKE,    /* parent, time, version and bits: a header */
    OP_CHAIN,   /* how many, each on the one before it */
    OP_TREE,    /* from, how many: into the tree */
    OP_PRESYNC, /* from, how many: to pre-synchronisation */
    OP_ASK,     /* which: a locator, and what answers it */
    N_OPS
};

struct world {
    struct ptd_params params;
    struct ptd_headers *tree;
    struct ptd_presync *presync;
    int64_t now_s;
    uint8_t made[MAX_MADE][PTD_HEADER_BYTES]; /* the first: genesis */
    size_t n_made;
    const uint8_t *at, *end; /* of the program */
};

static unsigned next(struct world *w)
{
    return w->at < w->end ? *w->at++ : 0;
}

static struct ptd_hash hash_of(const uint8_t *raw)
{
    struct ptd_hash h;

    ptd_sha256d(h.b, raw, PTD_HEADER_BYTES);
    return h;
}

/* ---- making ---------------------------------------------------------- */

static void solve(const struct world *w, uint8_t *raw)
{
    struct ptd_u256 target;

    if (!ptd_pow_target(&target, &w->params, ptd_get_le32(raw + 72)))
        return;
    for (uint32_t nonce = 0; nonce < 64; nonce++) {
        struct ptd_hash h;

        ptd_put_le32(raw + 76, nonce);
        h = hash_of(raw);
        if (ptd_pow_is_met(&h, &target))
            return;
    }
}

static void make(struct world *w, size_t parent, int step_s, unsigned kind)
{
    static const uint32_t bits[] = { 0x207fffff, 0x207fffff, 0x207fffff,
                                     0x203fffff, 0x1d00ffff, 0,
                                     0xffffffff };
    const uint8_t *on = w->made[parent % w->n_made];
    uint8_t *raw = w->made[w->n_made];
    struct ptd_hash prev = hash_of(on);

    if (w->n_made == MAX_MADE)
        return;
    ptd_put_le32(raw, kind & 0x80 ? 1 : 0x20000000);
    memcpy(raw + 4, prev.b, sizeof prev.b);
    memset(raw + 36, (int)w->n_made, 32);
    ptd_put_le32(raw + 68, ptd_get_le32(on + 68) + (uint32_t)step_s);
    ptd_put_le32(raw + 72, bits[kind % PTD_COUNT(bits)]);
    solve(w, raw);
    w->n_made++;
}

/* ---- handing in ------------------------------------------------------ */

/* A run of headers that lie one behind the other. */
static const uint8_t *run_of(struct world *w, size_t *n)
{
    size_t from = next(w) << 1, wanted;

    from = (from | (next(w) & 1)) % w->n_made;
    wanted = next(w);
    *n = PTD_MIN(wanted, w->n_made - from);
    return w->made[from];
}

static void check_tree(struct world *w)
{
    struct ptd_header_info tip, found;

    ptd_headers_tip(w->tree, &tip);
    PTD_ASSERT(tip.on_best && tip.height == ptd_headers_height(w->tree));
    PTD_ASSERT(ptd_headers_at(w->tree, &found, tip.height));
    PTD_ASSERT(ptd_hash_eq(&found.hash, &tip.hash));
    PTD_ASSERT(ptd_headers_count(w->tree) ==
               tip.height + 1 + ptd_headers_count_side(w->tree));
    PTD_ASSERT(ptd_headers_count(w->tree) <= w->n_made);
}

static enum ptd_header_err add(struct world *w, const uint8_t *raw, size_t n)
{
    struct ptd_headers_result res;
    size_t before = ptd_headers_count(w->tree);
    enum ptd_header_err e = ptd_headers_add(w->tree, &res, raw, n, w->now_s);

    PTD_ASSERT(ptd_header_err_text(e)[0] != '\0');
    PTD_ASSERT(res.n_known + res.n_new <= n);
    PTD_ASSERT(e != PTD_HEADER_OK || res.n_known + res.n_new == n);
    PTD_ASSERT(ptd_headers_count(w->tree) == before + res.n_new);
    check_tree(w);
    return e;
}

static void begin_presync(struct world *w)
{
    struct ptd_header_info start;
    struct ptd_u256 wanted;

    PTD_ASSERT(ptd_headers_at(w->tree, &start, 0));
    wanted = start.work;
    for (int i = 0; i < 5; i++) /* of 32 headers */
        wanted = ptd_u256_shl(&wanted, 1);
    w->presync = ptd_presync_new(&w->params, &start, &wanted, w->now_s);
    PTD_ASSERT(w->presync != NULL);
}

/* What is let through follows on what was let through before. */
static void presync(struct world *w)
{
    struct ptd_presync_result res;
    bool full = next(w) & 1;
    const uint8_t *raw;
    size_t n;

    raw = run_of(w, &n);
    if (w->presync == NULL)
        begin_presync(w);
    ptd_presync_add(w->presync, &res, raw, n, full);
    PTD_ASSERT(res.ok || (res.why != NULL && res.n_proven == 0));
    PTD_ASSERT(ptd_presync_bytes(w->presync) <
               64 * 1024 + 400 * (size_t)MAX_MADE);
    PTD_ASSERT(ptd_presync_height(w->presync) < 100 * MAX_MADE);
    if (res.n_proven > 0)
        (void)add(w, ptd_presync_proven(w->presync), res.n_proven);
    if (ptd_presync_state(w->presync) != PTD_PRESYNC_DONE)
        return;
    PTD_ASSERT(!res.ask_more);
    ptd_presync_free(w->presync);
    w->presync = NULL;
}

static void ask(struct world *w)
{
    struct ptd_hash locator[PTD_HEADERS_LOCATOR_MAX], stop = { { 0 } };
    struct ptd_hash from = hash_of(w->made[next(w) % w->n_made]);
    uint8_t raw[16 * PTD_HEADER_BYTES];
    size_t n = ptd_headers_locator(w->tree, locator, &from);

    PTD_ASSERT(n >= 1 && n <= PTD_HEADERS_LOCATOR_MAX);
    PTD_ASSERT(ptd_headers_after(w->tree, raw, 16, locator, n, &stop) <= 16);
    if (next(w) & 1)
        PTD_ASSERT(ptd_headers_after(w->tree, raw, 16, NULL, 0, &from) <= 1);
}

/* ---- the program ----------------------------------------------------- */

static void do_one(struct world *w)
{
    const uint8_t *raw;
    size_t n;

    switch ((enum op)(next(w) % N_OPS)) {
    case OP_MAKE: {
        size_t parent = next(w) << 1;
        int step_s = (int8_t)next(w);

        make(w, parent | (next(w) & 1), step_s * 16, next(w));
        break;
    }
    case OP_CHAIN:
        for (n = next(w); n > 0; n--)
            make(w, w->n_made - 1, 1, 0);
        break;
    case OP_TREE:
        raw = run_of(w, &n);
        (void)add(w, raw, n);
        break;
    case OP_PRESYNC: presync(w); break;
    case OP_ASK: ask(w); break;
    case N_OPS: break;
    }
}

static void run(const uint8_t *data, size_t size)
{
    static struct world w;

    w = (struct world){ .at = data, .end = data + size, .n_made = 1 };
    w.params = *ptd_params_of(PTD_CHAIN_REGTEST);
    w.params.presync_period = 5;
    w.params.redownload_headers = 7;
    ptd_params_genesis_header(&w.params, w.made[0]);
    w.now_s = w.params.genesis.time + AHEAD_S;
    w.tree = ptd_headers_new(&w.params, MAX_SIDE);
    PTD_ASSERT(w.tree != NULL);
    while (w.at < w.end)
        do_one(&w);
    ptd_presync_free(w.presync);
    ptd_headers_free(w.tree);
}

static void seeds(fuzz_seed_fn *fn, void *arg)
{
    static const uint8_t straight[] = {
        OP_CHAIN, 40, OP_TREE, 0, 1, 40, OP_ASK, 20, 1, OP_TREE, 0, 0, 9,
    };
    static const uint8_t fork[] = {
        OP_CHAIN, 3, OP_MAKE, 0,       1, 2, 0,  OP_CHAIN, 9, OP_TREE,
        0,        1, 3,       OP_TREE, 2, 0, 10, OP_ASK,   2, 0,
    };
    static const uint8_t twice[] = {
        OP_CHAIN, 60,         OP_PRESYNC, 1,  0,          1,  30, OP_PRESYNC,
        1,        15,         1,          30, OP_PRESYNC, 1,  0,  1,
        30,       OP_PRESYNC, 1,          15, 1,          30,
    };
    static const uint8_t bad[] = {
        OP_MAKE, 0,       0,       1, 3,    OP_MAKE, 0,       0, 1,
        4,       OP_MAKE, 0,       0, 0x80, 5,       OP_MAKE, 0, 0,
        1,       6,       OP_TREE, 0, 1,    1,       OP_TREE, 1, 0,
        1,       OP_TREE, 1,       1, 1,    OP_TREE, 2,       0, 1,
    };

    fn(arg, straight, sizeof straight);
    fn(arg, fork, sizeof fork);
    fn(arg, twice, sizeof twice);
    fn(arg, bad, sizeof bad);
}

const struct fuzz_target fuzz_headertree = { "headertree", run, seeds };
